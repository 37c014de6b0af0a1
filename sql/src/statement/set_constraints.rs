//! SET CONSTRAINTS.

use std::sync::Arc;

use heliosdb_storage::catalog::{Deferral, TableDef};
use heliosdb_storage::{Catalog, RelationId};

use crate::bind::SearchPath;
use crate::bind::names::QualifiedName;
use crate::bind::search_path::{no_such_schema, schema_exists};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::SetConstraints;
use crate::session::Session;

pub(super) fn run(session: &mut Session, set: &SetConstraints) -> Result<()> {
    session.ensure_not_failed()?;
    if !session.is_in_block() {
        session.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET CONSTRAINTS can only be used in transaction blocks");
    }
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let mut ids = Vec::new();
    for name in set.names.iter().flatten() {
        ids.extend(deferrable_of(&catalog, &path, name)?);
    }
    let txn = session.storage()?;
    txn.begin_statement()?;
    let savepoint = txn.savepoint();
    let result = txn.set_constraints(set.names.as_ref().map(|_| ids.as_slice()), set.deferred);
    if result.is_err() {
        txn.rollback_to(savepoint);
    }
    Ok(result?)
}

/// All constraints of a name in the first schema of the path that has any.
fn deferrable_of(catalog: &Catalog, path: &SearchPath, name: &QualifiedName) -> Result<Vec<RelationId>> {
    if let Some(schema) = &name.schema
        && !schema_exists(catalog, path.explicit(schema))
    {
        return Err(no_such_schema(schema));
    }
    let found = path.find(name, |schema| {
        let of_schema = catalog.tables().filter(|table| table.schema == schema);
        let found: Vec<_> = of_schema.flat_map(|table| named(table, &name.name)).collect();
        (!found.is_empty()).then_some(found)
    });
    let found = found.ok_or_else(|| {
        SqlError::new(SqlState::UNDEFINED_OBJECT, format!("constraint \"{}\" does not exist", name.name))
    })?;
    if found.iter().any(|(_, deferral)| !deferral.is_deferrable()) {
        return Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("constraint \"{}\" is not deferrable", name.name),
        ));
    }
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// The constraints of a table that have the name.
fn named(table: &TableDef, name: &str) -> Vec<(RelationId, Deferral)> {
    let foreign = table.foreign_keys.iter().filter(|foreign| foreign.name == name);
    let unique = table.indexes.iter().filter(|index| index.is_constraint && index.name == name);
    let checks = table.checks.iter().filter(|check| check.name == name);
    let primary = table.primary_key_name.as_deref() == Some(name);
    foreign
        .map(|foreign| (foreign.id, foreign.deferral))
        .chain(unique.map(|index| (index.id, index.deferral)))
        .chain(checks.map(|check| (check.id, Deferral::NotDeferrable)))
        .chain(primary.then_some((table.id, Deferral::NotDeferrable)))
        .collect()
}
