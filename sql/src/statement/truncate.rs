//! TRUNCATE.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::RelationId;

use super::sequence;
use crate::bind::find_target;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::SequenceClause;
use crate::parse::table::Truncate;
use crate::session::Session;

pub(super) fn run(session: &mut Session, truncate: &Truncate) -> Result<()> {
    let path = session.path()?;
    let mut tables: Vec<Arc<TableDef>> = Vec::with_capacity(truncate.tables.len());
    for name in &truncate.tables {
        let table = session.lock_for_ddl(|catalog| find_target(catalog, &path, name), TableLock::AccessExclusive)?;
        if !tables.iter().any(|known| known.id == table.id) {
            session.refuse_in_use(&table, "TRUNCATE")?;
            tables.push(table);
        }
    }
    if truncate.cascade {
        add_referring(session, &mut tables)?;
    } else {
        judge_referring(session, &tables)?;
    }
    for table in &tables {
        empty(session, table)?;
        if truncate.restart_identity {
            restart_sequences(session, table.id)?;
        }
    }
    Ok(())
}

/// CASCADE: the tables that refer to those that are there, and so on.
fn add_referring(session: &mut Session, tables: &mut Vec<Arc<TableDef>>) -> Result<()> {
    let mut done = 0;
    while let Some(table) = tables.get(done).cloned() {
        done += 1;
        let catalog = Arc::clone(session.catalog()?);
        for (child, _) in catalog.foreign_keys_to(table.id) {
            if tables.iter().any(|known| known.id == child.id) {
                continue;
            }
            session.note(SqlState::SUCCESS, format!("truncate cascades to table \"{}\"", child.name));
            session.storage()?.lock_table(child.id, TableLock::AccessExclusive)?;
            session.refuse_in_use(child, "TRUNCATE")?;
            tables.push(Arc::clone(child));
        }
    }
    Ok(())
}

fn judge_referring(session: &mut Session, tables: &[Arc<TableDef>]) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    for table in tables {
        let mut children = catalog.foreign_keys_to(table.id).map(|(child, _)| child);
        if let Some(child) = children.find(|child| !tables.iter().any(|known| known.id == child.id)) {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot truncate a table referenced in a foreign key constraint",
            )
            .with_detail(format!("Table \"{}\" references \"{}\".", child.name, table.name))
            .with_hint(format!(
                "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                child.name
            )));
        }
    }
    Ok(())
}

fn empty(session: &mut Session, table: &Arc<TableDef>) -> Result<()> {
    let txn = session.storage()?;
    if !table.is_synced() {
        txn.truncate_table(table.id)?;
        return Ok(());
    }
    // Other nodes have the rows: each has to be told that it is gone.
    txn.lock_table(table.id, TableLock::RowExclusive)?;
    txn.for_each_row(table, |txn, key, _| txn.delete_row(table, key).map(drop))?;
    Ok(())
}

/// RESTART IDENTITY: the sequences of its columns begin anew.
fn restart_sequences(session: &mut Session, table: RelationId) -> Result<()> {
    let is_owned = |sequence: &&Arc<heliosdb_storage::catalog::SequenceDef>| {
        sequence.owner.is_some_and(|owner| owner.table == table)
    };
    let sequences: Vec<_> = session.catalog()?.sequences().filter(is_owned).cloned().collect();
    for found in sequences {
        sequence::alter(session, &found, &[SequenceClause::Restart(None)])?;
    }
    Ok(())
}
