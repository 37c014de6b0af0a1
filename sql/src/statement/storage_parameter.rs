//! WITH (…) of tables and indexes: what synchronises a table, and PostgreSQL's storage parameters, which are judged and
//! listed and otherwise have no effect.

use heliosdb_storage::catalog::SyncMode;

use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::StorageParameter;

/// What a storage parameter takes.
enum Kind {
    Boolean,
    Integer(i64, i64),
    Float(f64, f64),
    OnOffAuto,
}

const MAX: i64 = i32::MAX as i64;

/// Parameters of tables. Those of the toast table are not listed under the table in PostgreSQL either.
const OF_TABLES: &[(&str, Kind)] = &[
    ("fillfactor", Kind::Integer(10, 100)),
    ("toast_tuple_target", Kind::Integer(128, 8160)),
    ("parallel_workers", Kind::Integer(0, 1024)),
    ("user_catalog_table", Kind::Boolean),
    ("vacuum_index_cleanup", Kind::OnOffAuto),
    ("vacuum_truncate", Kind::Boolean),
    ("log_autovacuum_min_duration", Kind::Integer(-1, MAX)),
    ("autovacuum_enabled", Kind::Boolean),
    ("autovacuum_vacuum_threshold", Kind::Integer(0, MAX)),
    ("autovacuum_vacuum_insert_threshold", Kind::Integer(-1, MAX)),
    ("autovacuum_analyze_threshold", Kind::Integer(0, MAX)),
    ("autovacuum_vacuum_cost_limit", Kind::Integer(1, 10_000)),
    ("autovacuum_freeze_min_age", Kind::Integer(0, 1_000_000_000)),
    ("autovacuum_freeze_max_age", Kind::Integer(100_000, 2_000_000_000)),
    ("autovacuum_freeze_table_age", Kind::Integer(0, 2_000_000_000)),
    ("autovacuum_multixact_freeze_min_age", Kind::Integer(0, 1_000_000_000)),
    ("autovacuum_multixact_freeze_max_age", Kind::Integer(10_000, 2_000_000_000)),
    ("autovacuum_multixact_freeze_table_age", Kind::Integer(0, 2_000_000_000)),
    ("autovacuum_vacuum_cost_delay", Kind::Float(0.0, 100.0)),
    ("autovacuum_vacuum_scale_factor", Kind::Float(0.0, 100.0)),
    ("autovacuum_vacuum_insert_scale_factor", Kind::Float(0.0, 100.0)),
    ("autovacuum_analyze_scale_factor", Kind::Float(0.0, 100.0)),
];

const OF_INDEXES: &[(&str, Kind)] = &[("fillfactor", Kind::Integer(10, 100)), ("deduplicate_items", Kind::Boolean)];

/// What WITH (…) of a table says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct TableParameters {
    /// `sync`, if it is there.
    pub sync: Option<SyncMode>,
    /// The others, as they are listed.
    pub listed: Vec<String>,
}

/// Judges the parameters of a table.
pub(super) fn of_table(parameters: &[StorageParameter]) -> Result<TableParameters> {
    let mut found = TableParameters::default();
    judge_repetition(parameters)?;
    for (name, value) in parameters {
        let value = value.as_deref().unwrap_or("true");
        match (name.as_str(), value) {
            // The only strategy so far is what happens anyway.
            ("conflict_strategy", "last_write_wins") => {}
            ("conflict_strategy", "first_write_wins" | "max_value" | "min_value" | "custom" | "manual") => {
                return Err(SqlError::unsupported(format!("conflict_strategy = '{value}'")));
            }
            ("sync", "both") => found.sync = Some(SyncMode::Both),
            ("sync", "none") => found.sync = Some(SyncMode::None),
            ("sync", "push" | "pull") => return Err(SqlError::unsupported(format!("sync = '{value}'"))),
            ("conflict_strategy" | "sync", _) => {
                return Err(invalid(format!("invalid value for table option \"{name}\": \"{value}\"")));
            }
            ("conflict_function" | "conflict_granularity" | "sync_priority", _) => {
                return Err(SqlError::unsupported(format!("table option \"{name}\"")));
            }
            ("oids", value) if is_false(value) => {}
            ("oids", _) => {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "tables declared WITH OIDS are not supported",
                ));
            }
            _ => match name.split_once('.') {
                Some(("toast", inner)) => judge(OF_TABLES, inner, value)?,
                Some((namespace, _)) => {
                    return Err(invalid(format!("unrecognized parameter namespace \"{namespace}\"")));
                }
                None => {
                    judge(OF_TABLES, name, value)?;
                    found.listed.push(format!("{name}={value}"));
                }
            },
        }
    }
    Ok(found)
}

/// Judges the parameters of an index; as they are listed.
pub(super) fn of_index(parameters: &[StorageParameter]) -> Result<Vec<String>> {
    judge_repetition(parameters)?;
    let mut listed = Vec::with_capacity(parameters.len());
    for (name, value) in parameters {
        let value = value.as_deref().unwrap_or("true");
        judge(OF_INDEXES, name, value)?;
        listed.push(format!("{name}={value}"));
    }
    Ok(listed)
}

fn judge_repetition(parameters: &[StorageParameter]) -> Result<()> {
    for (at, (name, _)) in parameters.iter().enumerate() {
        if parameters.iter().take(at).any(|(other, _)| other == name) {
            return Err(invalid(format!("parameter \"{name}\" specified more than once")));
        }
    }
    Ok(())
}

fn judge(known: &[(&str, Kind)], name: &str, value: &str) -> Result<()> {
    let kind = known.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    let Some(kind) = kind else { return Err(invalid(format!("unrecognized parameter \"{name}\""))) };
    let bad = |of: &str| invalid(format!("invalid value for {of} option \"{name}\": {value}"));
    let out_of_bounds = |low: String, high: String| {
        invalid(format!("value {value} out of bounds for option \"{name}\""))
            .with_detail(format!("Valid values are between \"{low}\" and \"{high}\"."))
    };
    match kind {
        Kind::Boolean if is_true(value) || is_false(value) => Ok(()),
        Kind::Boolean => Err(bad("boolean")),
        Kind::Integer(low, high) => match value.parse::<i64>() {
            Ok(n) if (*low..=*high).contains(&n) => Ok(()),
            Ok(_) => Err(out_of_bounds(low.to_string(), high.to_string())),
            Err(_) => Err(bad("integer")),
        },
        Kind::Float(low, high) => match value.parse::<f64>() {
            Ok(x) if (*low..=*high).contains(&x) => Ok(()),
            Ok(_) => Err(out_of_bounds(format!("{low:.6}"), format!("{high:.6}"))),
            Err(_) => Err(bad("floating point")),
        },
        Kind::OnOffAuto if value == "auto" || is_true(value) || is_false(value) => Ok(()),
        Kind::OnOffAuto => Err(bad("enum").with_detail("Valid values are \"on\", \"off\", and \"auto\".")),
    }
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "on" | "yes" | "1" | "t" | "y")
}

fn is_false(value: &str) -> bool {
    matches!(value, "false" | "off" | "no" | "0" | "f" | "n")
}

fn invalid(message: String) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
