//! RENAME of tables, columns, constraints and indexes; SET SCHEMA. Also called for ALTER INDEX.

use std::sync::Arc;

use heliosdb_storage::RelationId;
use heliosdb_storage::catalog::{CatalogObject, IndexedValue, TableDef};

use super::super::create_table::draft::SYSTEM_COLUMNS;
use super::constraint::{already_exists, constraint_names};
use crate::bind::mention::Renaming;
use crate::bind::row_expression::with_columns_renamed;
use crate::dependency;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

pub(super) fn rename_table(session: &mut Session, id: RelationId, to: &str) -> Result<()> {
    let table = definition(session, id)?;
    judge_free(session, &table.schema, to)?;
    let renaming = Renaming::Object { id: id.into(), schema: table.schema.clone(), name: to.to_owned() };
    dependency::rename(session, &renaming)?;
    let mut changed = TableDef::clone(&*definition(session, id)?);
    to.clone_into(&mut changed.name);
    put(session, changed)
}

pub(super) fn rename_column(session: &mut Session, id: RelationId, from: &str, to: &str) -> Result<()> {
    let table = definition(session, id)?;
    if SYSTEM_COLUMNS.contains(&from) {
        let message = format!("cannot rename system column \"{from}\"");
        return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let Some((slot, column)) = table.slot(from).and_then(|slot| Some((slot, table.columns.get(slot)?))) else {
        return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist")));
    };
    if SYSTEM_COLUMNS.contains(&to) {
        let message = format!("column name \"{to}\" conflicts with a system column name");
        return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
    }
    if table.slot(to).is_some() {
        let message = format!("column \"{to}\" of relation \"{}\" already exists", table.name);
        return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
    }
    dependency::rename(session, &Renaming::Column { relation: id, column: column.id, name: to.to_owned() })?;
    let table = definition(session, id)?;
    let catalog = Arc::clone(session.catalog()?);
    let name = |other: usize| match table.columns.get(other) {
        Some(_) if other == slot => to.to_owned(),
        Some(column) => column.name.clone(),
        None => String::new(),
    };
    let mut changed = TableDef::clone(&table);
    let checks = changed.checks.iter_mut().map(|check| &mut check.expression);
    let predicates_and_keys = changed.indexes.iter_mut().flat_map(|index| {
        let keys = index.keys.iter_mut().filter_map(|key| match &mut key.value {
            IndexedValue::Expression { expression, .. } => Some(expression),
            IndexedValue::Column(_) => None,
        });
        keys.chain(&mut index.predicate)
    });
    let generated = changed.columns.iter_mut().filter_map(|column| column.generated.as_mut());
    for expression in checks.chain(predicates_and_keys).chain(generated) {
        if expression.slots.contains(&slot) {
            *expression = with_columns_renamed(&catalog, &table, expression, &name)?;
        }
    }
    if let Some(column) = changed.columns.get_mut(slot) {
        to.clone_into(&mut column.name);
    }
    put(session, changed)
}

pub(super) fn rename_constraint(session: &mut Session, id: RelationId, from: &str, to: &str) -> Result<()> {
    let table = definition(session, id)?;
    let mut changed = TableDef::clone(&table);
    let index = changed.indexes.iter_mut().find(|index| index.is_constraint && index.name == from);
    let name = if changed.primary_key_name.as_deref() == Some(from) {
        judge_free(session, &table.schema, to)?;
        changed.primary_key_name.as_mut()
    } else if let Some(index) = index {
        judge_free(session, &table.schema, to)?;
        Some(&mut index.name)
    } else if let Some(check) = changed.checks.iter_mut().find(|check| check.name == from) {
        Some(&mut check.name)
    } else {
        changed.foreign_keys.iter_mut().find(|foreign| foreign.name == from).map(|foreign| &mut foreign.name)
    };
    let Some(name) = name else {
        let message = format!("constraint \"{from}\" for table \"{}\" does not exist", table.name);
        return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
    };
    if constraint_names(&table).contains(to) {
        return Err(already_exists(&table, to));
    }
    to.clone_into(name);
    changed.checks.sort_by(|a, b| a.name.cmp(&b.name));
    put(session, changed)
}

/// ALTER INDEX … RENAME TO: a constraint of the index goes by its name too.
pub(in crate::statement) fn rename_index(
    session: &mut Session,
    id: RelationId,
    from: &str,
    to: &str,
) -> Result<()> {
    let table = definition(session, id)?;
    judge_free(session, &table.schema, to)?;
    let mut changed = TableDef::clone(&table);
    let is_constraint = if changed.primary_key_name.as_deref() == Some(from) {
        changed.primary_key_name = Some(to.to_owned());
        true
    } else {
        let Some(index) = changed.indexes.iter_mut().find(|index| index.name == from) else { return Ok(()) };
        to.clone_into(&mut index.name);
        index.is_constraint
    };
    if is_constraint && constraint_names(&table).contains(to) {
        return Err(already_exists(&table, to));
    }
    put(session, changed)
}

pub(super) fn set_schema(session: &mut Session, id: RelationId, schema: &str) -> Result<()> {
    let table = definition(session, id)?;
    let catalog = Arc::clone(session.catalog()?);
    let schema = session.search_path(&catalog).creation_schema(&catalog, Some(schema))?;
    if schema == table.schema {
        return Ok(());
    }
    let is_owned = |sequence: &&Arc<heliosdb_storage::catalog::SequenceDef>| {
        sequence.owner.is_some_and(|owner| owner.table == id)
    };
    let sequences: Vec<_> = catalog.sequences().filter(is_owned).cloned().collect();
    let names = std::iter::once(&table.name)
        .chain(&table.primary_key_name)
        .chain(table.indexes.iter().map(|index| &index.name))
        .chain(sequences.iter().map(|sequence| &sequence.name));
    if let Some(name) = names.into_iter().find(|name| catalog.has_relation(&schema, name)) {
        let message = format!("relation \"{name}\" already exists in schema \"{schema}\"");
        return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
    }
    let to = |name: &str, id| Renaming::Object { id, schema: schema.clone(), name: name.to_owned() };
    dependency::rename(session, &to(&table.name, id.into()))?;
    let moved = CatalogObject::Table(definition(session, id)?).moved_to(&schema);
    session.storage()?.put_object(moved)?;
    for sequence in sequences {
        dependency::rename(session, &to(&sequence.name, sequence.id.into()))?;
        session.storage()?.put_object(CatalogObject::Sequence(sequence).moved_to(&schema))?;
    }
    Ok(())
}

fn definition(session: &mut Session, id: RelationId) -> Result<Arc<TableDef>> {
    let found = session.catalog()?.table_by_id(id).cloned();
    found.ok_or_else(|| SqlError::new(SqlState::INTERNAL_ERROR, "the table is gone"))
}

fn put(session: &mut Session, changed: TableDef) -> Result<()> {
    session.storage()?.put_object(CatalogObject::Table(Arc::new(changed)))?;
    Ok(())
}

fn judge_free(session: &mut Session, schema: &str, name: &str) -> Result<()> {
    if session.catalog()?.has_relation(schema, name) {
        return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
    }
    Ok(())
}
