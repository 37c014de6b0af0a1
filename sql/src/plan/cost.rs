//! What sorting and hashing cost.

use super::context::PlannerSettings;

/// Bytes of a page, in which page costs are counted.
const PAGE_BYTES: f64 = 8192.0;

/// What a kept row takes beside its values.
const ROW_BYTES: f64 = 48.0;

/// Sorting rows.
pub fn sort(rows: f64, bytes: f64, settings: &PlannerSettings) -> f64 {
    let rows = rows.max(2.0);
    let disabled = if settings.methods.sort { 0.0 } else { super::access::paths::DISABLED_COST };
    let compare = 2.0 * settings.cpu_operator_cost * rows * rows.log2();
    disabled + compare + spill(rows, bytes, settings)
}

/// Sorting rows of which only the first ones are wanted.
pub fn sort_bounded(rows: f64, bound: f64, bytes: f64, settings: &PlannerSettings) -> f64 {
    if bound >= rows {
        return sort(rows, bytes, settings);
    }
    let disabled = if settings.methods.sort { 0.0 } else { super::access::paths::DISABLED_COST };
    disabled + 2.0 * settings.cpu_operator_cost * rows.max(2.0) * (2.0 * bound.max(1.0)).log2()
}

/// Grouping rows by a hash table.
pub fn hash_group(rows: f64, groups: f64, bytes: f64, keys: usize, settings: &PlannerSettings) -> f64 {
    let keys = f64::from(u32::try_from(keys.max(1)).unwrap_or(u32::MAX));
    rows * settings.cpu_operator_cost * keys + groups * settings.cpu_tuple_cost + spill(groups, bytes, settings)
}

/// What a hash join writes to files and reads again, for the rows and bytes of its two sides.
pub fn hash_spill(build: (f64, f64), probe: (f64, f64), settings: &PlannerSettings) -> f64 {
    if !exceeds(build.0, build.1, settings) {
        return 0.0;
    }
    2.0 * settings.seq_page_cost * (pages(build.0, build.1) + pages(probe.0, probe.1))
}

fn spill(rows: f64, bytes: f64, settings: &PlannerSettings) -> f64 {
    if exceeds(rows, bytes, settings) { 2.0 * settings.seq_page_cost * pages(rows, bytes) } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn exceeds(rows: f64, bytes: f64, settings: &PlannerSettings) -> bool {
    rows * (bytes + ROW_BYTES) > settings.work_mem as f64
}

fn pages(rows: f64, bytes: f64) -> f64 {
    rows * bytes / PAGE_BYTES
}
