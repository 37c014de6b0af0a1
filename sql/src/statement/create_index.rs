//! CREATE INDEX.

use heliosdb_storage::catalog::IndexDef;
use heliosdb_storage::transaction::TableLock;
use sqlparser::ast;

use super::constraint::{free_name, index_slots};
use super::{index_column, refuse_synced_on_edge};
use crate::bind::find_target;
use crate::bind::names;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

pub(super) fn run(session: &mut Session, create: &ast::CreateIndex) -> Result<()> {
    let ast::CreateIndex {
        name,
        table_name,
        using,
        columns,
        unique,
        concurrently,
        r#async,
        if_not_exists,
        include,
        nulls_distinct,
        with,
        predicate,
        index_options,
        alter_options,
    } = create;
    let refused = [
        (*concurrently, "CREATE INDEX CONCURRENTLY"),
        (*r#async, "CREATE INDEX ASYNC"),
        (!matches!(using, None | Some(ast::IndexType::BTree)), "an index method other than btree"),
        (!include.is_empty(), "INCLUDE"),
        (*nulls_distinct == Some(false), "NULLS NOT DISTINCT"),
        (!with.is_empty() || !index_options.is_empty() || !alter_options.is_empty(), "an index option"),
        (predicate.is_some(), "a partial index (WHERE)"),
    ];
    if let Some((_, what)) = refused.iter().find(|(present, _)| *present) {
        return Err(SqlError::unsupported(what));
    }
    let table_name = names::qualified(table_name)?;
    let given = name.as_ref().map(names::single).transpose()?;
    let path = session.path()?;
    let table = session.lock_for_ddl(|catalog| find_target(catalog, &path, &table_name), TableLock::Share)?;
    if let Some(name) = &given {
        if session.catalog()?.has_relation(&table.schema, name) {
            let message = format!("relation \"{name}\" already exists");
            if !if_not_exists {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
            }
            session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
            return Ok(());
        }
    }
    refuse_synced_on_edge(session, &table, "create an index on")?;
    let columns = columns.iter().map(index_column).collect::<Result<Vec<_>>>()?;
    let slots = index_slots(&table.columns, &columns, "index")?;
    let name = match given {
        Some(name) => name,
        None => {
            let catalog = session.catalog()?;
            free_name(&table.name, &columns.join("_"), "idx", &|name| catalog.has_relation(&table.schema, name))
        }
    };
    let index = IndexDef { unique: *unique, ..IndexDef::on(name, &slots) };
    session.storage()?.create_index(table.id, index)?;
    Ok(())
}
