//! An operator that is watched: for EXPLAIN ANALYZE.

use std::time::{Duration, Instant};

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// What was seen of a node's runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measure {
    /// How often it was begun.
    pub loops: u64,
    /// How many rows it gave in all.
    pub rows: u64,
    /// How long it took until its first rows, in all its runs.
    pub startup: Duration,
    /// How long it took in all.
    pub total: Duration,
    /// How many rows a condition on them has taken out.
    pub removed: u64,
    /// How many pairs a condition on partners has taken out.
    pub removed_by_join: u64,
    /// How the last of its sorts went.
    pub sort: Option<SortMeasure>,
}

/// How a sort went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SortMeasure {
    /// `quicksort`, `top-N heapsort`, `external merge`
    pub method: &'static str,
    /// Bytes in memory, or on disk.
    pub bytes: usize,
    /// Whether they were on disk.
    pub on_disk: bool,
}

impl Measure {
    /// How many rows a condition of a name has taken out.
    pub fn removed_by(&self, condition: &str) -> u64 {
        if condition == "Join Filter" { self.removed_by_join } else { self.removed }
    }

    /// Adds what was seen of a node that is shown as one with this.
    pub fn absorb(&mut self, other: &Self) {
        self.removed += other.removed;
        self.removed_by_join += other.removed_by_join;
        self.sort = self.sort.or(other.sort);
    }

    /// More to say about it, as lines.
    pub fn details(&self) -> Vec<String> {
        let sort = self.sort.iter().map(|sort| {
            let space = if sort.on_disk { "Disk" } else { "Memory" };
            format!("Sort Method: {}  {space}: {}kB", sort.method, sort.bytes.div_ceil(1024))
        });
        sort.collect()
    }

    /// The same as keys and values.
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let Some(sort) = self.sort else { return Vec::new() };
        vec![
            ("Sort Method", sort.method.to_owned()),
            ("Sort Space Used", sort.bytes.div_ceil(1024).to_string()),
            ("Sort Space Type", if sort.on_disk { "Disk" } else { "Memory" }.to_owned()),
        ]
    }
}

/// An operator that is watched.
pub struct Measured {
    inner: Box<dyn Operator>,
    node: usize,
    begun: bool,
}

impl Measured {
    /// A watched operator of a node.
    pub fn new(inner: Box<dyn Operator>, node: usize) -> Self {
        Self { inner, node, begun: false }
    }
}

impl Operator for Measured {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Estimated { input, .. } = plan else { return Err(mismatch()) };
        let around = ctx.statement.watched.replace(Some(self.node));
        let start = Instant::now();
        let rows = self.inner.next_batch(input, ctx);
        let elapsed = start.elapsed();
        ctx.statement.watched.set(around);
        let is_first = !std::mem::replace(&mut self.begun, true);
        ctx.statement.measure(self.node, |measure| {
            measure.loops += u64::from(is_first);
            measure.total += elapsed;
            if is_first {
                measure.startup += elapsed;
            }
            if let Ok(Some(rows)) = &rows {
                measure.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            }
        });
        rows
    }
}
