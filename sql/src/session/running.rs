//! A plan in the middle of its run.

use heliosdb_storage::transaction::StatementView;
use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey, key};

use super::Session;
use super::portal::portal_is_gone;
use super::prepared::Run;
use super::transaction::Active;
use crate::error::Result;
use crate::exec::{self, ExecContext, Operator, StatementContext, TxnAccess};
use crate::plan::SeenCounter;

/// A plan in the middle of its run.
pub(super) struct Running {
    operator: Box<dyn Operator>,
    pub statement: StatementContext,
    /// What it sees, however many statements are run meanwhile.
    view: StatementView,
}

impl Running {
    /// A run that has not begun.
    pub fn new(run: &Run, params: Vec<Value>, session: &Session) -> Result<Self> {
        let active = session.state.active().ok_or_else(portal_is_gone)?;
        Ok(Self {
            operator: exec::build(&run.plan),
            statement: StatementContext::new(params, session.time.clone()),
            view: active.txn.statement_view(),
        })
    }

    /// How many rows it has changed.
    pub fn affected(&self) -> u64 {
        self.statement.affected.get()
    }

    /// The next rows; none at the end.
    pub fn step(&mut self, run: &Run, session: &mut Session) -> Result<Option<Vec<Row>>> {
        session.state.active_mut().ok_or_else(portal_is_gone)?.txn.swap_view(&mut self.view);
        let stepped = self.step_here(run, session);
        session.state.active_mut().ok_or_else(portal_is_gone)?.txn.swap_view(&mut self.view);
        stepped
    }

    fn step_here(&mut self, run: &Run, session: &mut Session) -> Result<Option<Vec<Row>>> {
        let Session { state, engine, facts, .. } = session;
        let Active { txn, baselines, .. } = state.active_mut().ok_or_else(portal_is_gone)?;
        let mut ctx = ExecContext {
            txn: TxnAccess::Write(txn),
            statement: &self.statement,
            session: facts,
            sync: engine.sync.as_ref(),
            cancel: facts.backend.flag(),
            outer: None,
            ctes: None,
            baselines: Some(baselines),
        };
        self.operator.next_batch(&run.plan, &mut ctx)
    }
}

impl Run {
    /// Notes which counters' values the client gets to see, and takes the keys that were read for it off the rows.
    pub fn show(&self, rows: &mut [Row], visible: usize, active: Option<&mut Active>) -> Result<()> {
        if let Some(active) = active {
            for row in rows.iter() {
                for seen in &self.seen {
                    if let (Some(key), Some(value)) = (row_key(seen, row)?, row.get(seen.value_at)) {
                        active.baselines.returned(&seen.table, &key, seen.slot, value.clone());
                    }
                }
            }
        }
        for row in rows {
            row.truncate(visible);
        }
        Ok(())
    }
}

/// The key of the row that a counter belongs to; none for the empty side of an outer join.
fn row_key(seen: &SeenCounter, row: &Row) -> Result<Option<RowKey>> {
    let values: Option<Vec<&Value>> =
        seen.key_at.iter().map(|at| row.get(*at).filter(|value| !value.is_null())).collect();
    match values {
        Some(values) => Ok(Some(RowKey(key::encode_tuple(values)?))),
        None => Ok(None),
    }
}
