//! DROP TABLE, DROP INDEX.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::{Catalog, RelationId};
use sqlparser::ast::{ObjectType, Statement};

use super::{refuse_synced_on_edge, relation_kind};
use crate::bind::names::{self, QualifiedName};
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

/// DROP
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DropCommand {
    object: Object,
    names: Vec<QualifiedName>,
    if_exists: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Object {
    Table,
    Index,
}

pub(super) fn command(statement: &Statement) -> Result<DropCommand> {
    let Statement::Drop { object_type, if_exists, names, cascade, restrict: _, purge, temporary, table } = statement
    else {
        return Err(SqlError::unsupported("DROP"));
    };
    let object = match object_type {
        ObjectType::Table => Object::Table,
        ObjectType::Index => Object::Index,
        other => return Err(SqlError::unsupported(format!("DROP {other}"))),
    };
    if *cascade {
        return Err(
            SqlError::unsupported(format!("DROP {object_type} … CASCADE")).with_hint("Drop what depends on it first.")
        );
    }
    if *purge || *temporary || table.is_some() {
        return Err(SqlError::unsupported(format!("this form of DROP {object_type}")));
    }
    let names = names.iter().map(names::qualified).collect::<Result<_>>()?;
    Ok(DropCommand { object, names, if_exists: *if_exists })
}

impl DropCommand {
    pub(super) const fn tag(&self) -> &'static str {
        match self.object {
            Object::Table => "DROP TABLE",
            Object::Index => "DROP INDEX",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        match self.object {
            Object::Table => self.drop_tables(session),
            Object::Index => self.names.iter().try_for_each(|name| self.drop_index(session, name)),
        }
    }

    fn drop_tables(&self, session: &mut Session) -> Result<()> {
        let mut doomed: Vec<Arc<TableDef>> = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let catalog = Arc::clone(session.catalog()?);
            if find_table(&catalog, name).is_none() {
                if relation_kind(&catalog, &name.name).is_some() {
                    return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table")));
                }
                self.missing(session, "table", name)?;
                continue;
            }
            let table = session.lock_for_ddl(
                |catalog| find_table(catalog, name).ok_or_else(|| does_not_exist("table", name)),
                TableLock::AccessExclusive,
            )?;
            refuse_synced_on_edge(session, &table, "drop")?;
            if !doomed.iter().any(|known| known.id == table.id) {
                doomed.push(table);
            }
        }
        let catalog = Arc::clone(session.catalog()?);
        for table in &doomed {
            let dependents: Vec<String> = catalog
                .tables()
                .filter(|child| !doomed.iter().any(|table| table.id == child.id))
                .flat_map(|child| {
                    child.foreign_keys.iter().filter(|key| key.parent == table.id).map(|key| {
                        format!("constraint {} on table {} depends on table {}", key.name, child.name, table.name)
                    })
                })
                .collect();
            if !dependents.is_empty() {
                return Err(depended_on(&format!("table {}", table.name), &dependents.join("\n")));
            }
        }
        // Children go before their parents.
        while !doomed.is_empty() {
            let is_parent = |id: RelationId, others: &[Arc<TableDef>]| {
                others.iter().any(|other| other.id != id && other.foreign_keys.iter().any(|key| key.parent == id))
            };
            let at = doomed.iter().position(|table| !is_parent(table.id, &doomed)).unwrap_or(0);
            let table = doomed.remove(at);
            session.storage()?.drop_table(table.id)?;
        }
        Ok(())
    }

    fn drop_index(&self, session: &mut Session, name: &QualifiedName) -> Result<()> {
        let catalog = Arc::clone(session.catalog()?);
        let primary = catalog.tables().find(|table| table.primary_key_name.as_deref() == Some(name.name.as_str()));
        if let Some(table) = primary {
            return Err(required_by_constraint(&name.name, table));
        }
        let Some(found) = find_index(&catalog, name) else {
            if relation_kind(&catalog, &name.name).is_some() {
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not an index")));
            }
            return self.missing(session, "index", name);
        };
        let table = session.lock_for_ddl(
            |catalog| find_index(catalog, name).ok_or_else(|| does_not_exist("index", name)),
            TableLock::AccessExclusive,
        )?;
        debug_assert_eq!(found.id, table.id, "an index does not move to another table");
        refuse_synced_on_edge(session, &table, "drop an index of")?;
        let Some(index) = table.indexes.iter().find(|index| index.name == name.name) else {
            return Err(does_not_exist("index", name));
        };
        if index.is_constraint {
            return Err(required_by_constraint(&index.name, &table));
        }
        if index.unique {
            let catalog = Arc::clone(session.catalog()?);
            let mut sorted = index.slots.clone();
            sorted.sort_unstable();
            for child in catalog.tables() {
                for key in child.foreign_keys.iter().filter(|key| key.parent == table.id) {
                    let mut slots = key.parent_slots.clone();
                    slots.sort_unstable();
                    if slots == sorted {
                        let dependent =
                            format!("constraint {} on table {} depends on index {}", key.name, child.name, index.name);
                        return Err(depended_on(&format!("index {}", index.name), &dependent));
                    }
                }
            }
        }
        session.storage()?.drop_index(table.id, index.id)?;
        Ok(())
    }

    fn missing(&self, session: &mut Session, kind: &str, name: &QualifiedName) -> Result<()> {
        if !self.if_exists {
            return Err(does_not_exist(kind, name));
        }
        session.note(SqlState("00000"), format!("{kind} \"{}\" does not exist, skipping", name.name));
        Ok(())
    }
}

fn find_table(catalog: &Catalog, name: &QualifiedName) -> Option<Arc<TableDef>> {
    catalog.table(name.schema.as_deref().unwrap_or(Catalog::DEFAULT_SCHEMA), &name.name).map(Arc::clone)
}

/// The table that an index belongs to.
fn find_index(catalog: &Catalog, name: &QualifiedName) -> Option<Arc<TableDef>> {
    let schema = name.schema.as_deref().unwrap_or(Catalog::DEFAULT_SCHEMA);
    catalog
        .tables()
        .find(|table| table.schema == schema && table.indexes.iter().any(|index| index.name == name.name))
        .map(Arc::clone)
}

fn does_not_exist(kind: &str, name: &QualifiedName) -> SqlError {
    let state = if kind == "table" { SqlState::UNDEFINED_TABLE } else { SqlState::UNDEFINED_OBJECT };
    SqlError::new(state, format!("{kind} \"{}\" does not exist", name.name))
}

fn depended_on(what: &str, detail: &str) -> SqlError {
    SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {what} because other objects depend on it"),
    )
    .with_detail(detail)
    .with_hint("Drop the dependent objects first.")
}

fn required_by_constraint(index: &str, table: &TableDef) -> SqlError {
    SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop index {index} because constraint {index} on table {} requires it", table.name),
    )
}
