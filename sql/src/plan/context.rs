//! What the planner knows besides the statement: settings, statistics, the values of parameters.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::statistics::TableStatistics;
use heliosdb_storage::value::Value;

/// What the planner is asked.
#[derive(Clone, Copy)]
pub struct PlannerContext<'a> {
    /// The session's settings.
    pub settings: &'a PlannerSettings,
    /// How large tables are and what is in them.
    pub statistics: &'a dyn StatisticsSource,
    /// The values of the parameters, if the plan is for one run: only for estimates.
    pub params: &'a [Value],
    /// Whether the estimates are kept in the plan: for EXPLAIN.
    pub keeps_estimates: bool,
}

/// Where estimates of tables come from.
pub trait StatisticsSource {
    /// How many rows a table has now, and what is known of its columns.
    fn table(&self, table: &TableDef) -> TableEstimate;
}

/// What is known of a table.
#[derive(Clone, Debug)]
pub struct TableEstimate {
    /// How many rows it has.
    pub rows: f64,
    /// What was found when it was last looked through.
    pub statistics: Option<Arc<TableStatistics>>,
}

/// Knows nothing: every table may be of middling size.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStatistics;

/// What a table is taken for of which nothing is known.
const UNKNOWN_TABLE_ROWS: f64 = 1_000.0;

impl StatisticsSource for NoStatistics {
    fn table(&self, _: &TableDef) -> TableEstimate {
        TableEstimate { rows: UNKNOWN_TABLE_ROWS, statistics: None }
    }
}

/// PostgreSQL's settings of the planner: which methods may be used, and what things cost.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannerSettings {
    /// `enable_…`
    pub methods: Methods,
    /// `seq_page_cost`
    pub seq_page_cost: f64,
    /// `random_page_cost`
    pub random_page_cost: f64,
    /// `cpu_tuple_cost`
    pub cpu_tuple_cost: f64,
    /// `cpu_index_tuple_cost`
    pub cpu_index_tuple_cost: f64,
    /// `cpu_operator_cost`
    pub cpu_operator_cost: f64,
    /// `work_mem`, in bytes.
    pub work_mem: usize,
}

/// Methods that can be turned off: a plan with one that is off is taken only if there is no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Methods {
    /// `enable_seqscan`
    pub seqscan: bool,
    /// `enable_indexscan`
    pub indexscan: bool,
    /// `enable_indexonlyscan`
    pub indexonlyscan: bool,
    /// `enable_bitmapscan`: several look-ups whose rows are gathered.
    pub bitmapscan: bool,
    /// `enable_nestloop`
    pub nestloop: bool,
    /// `enable_hashjoin`
    pub hashjoin: bool,
    /// `enable_mergejoin`
    pub mergejoin: bool,
    /// `enable_sort`
    pub sort: bool,
    /// `enable_hashagg`
    pub hashagg: bool,
}

impl Default for PlannerSettings {
    fn default() -> Self {
        Self {
            methods: Methods {
                seqscan: true,
                indexscan: true,
                indexonlyscan: true,
                bitmapscan: true,
                nestloop: true,
                hashjoin: true,
                mergejoin: true,
                sort: true,
                hashagg: true,
            },
            seq_page_cost: 1.0,
            random_page_cost: 4.0,
            cpu_tuple_cost: 0.01,
            cpu_index_tuple_cost: 0.005,
            cpu_operator_cost: 0.0025,
            work_mem: 4 * 1024 * 1024,
        }
    }
}
