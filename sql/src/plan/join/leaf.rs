//! Relations that are neither tables nor queries.

use std::sync::Arc;

use heliosdb_storage::value::DataType;

use super::problem::Source;
use crate::bind::tree::{Body, OutputColumn, Query, Relation, Select, plain};
use crate::expr::Expr;
use crate::plan::Plan;

/// How many rows a function, a view or a common table expression is taken to have.
const ASSUMED_ROWS: f64 = 1_000.0;

/// What such a relation is read by.
pub(super) fn source_of(relation: Relation) -> (Source, Arc<str>) {
    let plan = |plan: Plan, name: Arc<str>| {
        (Source::Plan { plan, rows: ASSUMED_ROWS, costs: (0.0, ASSUMED_ROWS * 0.01) }, name)
    };
    match relation {
        Relation::System { relation, name } => {
            plan(Plan::System { relation, filter: None, name: Arc::clone(&name) }, name)
        }
        Relation::Function { calls, ordinality, name } => {
            plan(Plan::Function { calls, ordinality, name: Arc::clone(&name) }, name)
        }
        Relation::Cte { id, width, stable, name } => {
            plan(Plan::CteScan { id, width, stable, name: Arc::clone(&name) }, name)
        }
        Relation::WorkTable { id, width, name } => {
            plan(Plan::WorkTableScan { id, width, name: Arc::clone(&name) }, name)
        }
        Relation::Query { query, name } => (Source::Query(query), name),
        Relation::OneRow => (Source::Plan { plan: Plan::OneRow, rows: 1.0, costs: (0.0, 0.01) }, "".into()),
        // A lateral table or join: as a query of its own.
        other => {
            let width = other.width();
            let column = |at| Expr::Column(at, DataType::Unknown);
            let output = OutputColumn { name: String::new(), column_type: plain(DataType::Unknown), origin: None };
            let select = Select::new(other, (0..width).map(column).collect());
            let query = Query::new(Body::Select(Box::new(select)), vec![output; width]);
            (Source::Query(Box::new(query)), "".into())
        }
    }
}
