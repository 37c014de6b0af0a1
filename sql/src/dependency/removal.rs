//! What a DROP removes: PostgreSQL's walk over the dependencies, its messages, and carrying it out.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, TableDef};
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::{Catalog, ColumnId, RelationId};

use super::ObjectAddress;
use super::graph::{Dependency, Kind, dependencies};
use crate::bind::SearchPath;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;
use crate::statement::refuse_synced_on_edge;

/// How many dependent objects a message names.
const MAX_REPORTED: usize = 100;

/// What is removed together, each object after those that depend on it.
#[derive(Debug, Default)]
pub struct Removal {
    doomed: Vec<Doomed>,
}

#[derive(Debug)]
struct Doomed {
    object: ObjectAddress,
    /// Why it goes.
    cause: Cause,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Cause {
    /// The statement names it.
    Named,
    /// It is part of something that goes.
    Auto,
    /// It depends on this object.
    DependsOn(ObjectAddress),
}

/// Removes objects and, with CASCADE, what depends on them; without it fails if there is anything (2BP01).
pub fn drop_objects(session: &mut Session, targets: &[ObjectAddress], cascade: bool) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let removal = Removal::of(&catalog, targets);
    removal.judge(session, &catalog, &path, targets, cascade)?;
    removal.carry_out(session, &catalog)
}

impl Removal {
    /// What goes with the targets.
    fn of(catalog: &Catalog, targets: &[ObjectAddress]) -> Self {
        let edges = dependencies(catalog);
        let mut by_object: HashMap<&ObjectAddress, Vec<&Dependency>> = HashMap::new();
        for edge in &edges {
            by_object.entry(&edge.on).or_default().push(edge);
            if let ObjectAddress::Column(relation, _) = edge.on {
                // What depends on a column depends on its table.
                let whole = edges.iter().map(|other| &other.dependent);
                let known = whole.chain(targets).find(|other| **other == ObjectAddress::Relation(relation));
                if let Some(known) = known {
                    by_object.entry(known).or_default().push(edge);
                }
            }
        }
        let mut removal = Self::default();
        let mut open = Vec::new();
        for target in targets {
            removal.visit(target, &Cause::Named, &by_object, targets, &mut open);
        }
        removal
    }

    fn visit(
        &mut self,
        object: &ObjectAddress,
        cause: &Cause,
        by_object: &HashMap<&ObjectAddress, Vec<&Dependency>>,
        targets: &[ObjectAddress],
        open: &mut Vec<ObjectAddress>,
    ) {
        if let Some(known) = self.doomed.iter_mut().find(|doomed| doomed.object == *object) {
            if *cause == Cause::Auto && known.cause != Cause::Named {
                known.cause = Cause::Auto;
            }
            return;
        }
        if open.contains(object) {
            return;
        }
        open.push(object.clone());
        let mut dependents: Vec<&Dependency> = by_object.get(object).cloned().unwrap_or_default();
        dependents.retain(|edge| edge.on.is_within(object));
        dependents.sort_by(|a, b| b.age.cmp(&a.age).then_with(|| a.dependent.cmp(&b.dependent)));
        for edge in dependents {
            let cause = match edge.kind {
                Kind::Auto => Cause::Auto,
                Kind::Normal => Cause::DependsOn(object.clone()),
            };
            self.visit(&edge.dependent, &cause, by_object, targets, open);
        }
        open.pop();
        let cause = if targets.contains(object) { Cause::Named } else { cause.clone() };
        self.doomed.push(Doomed { object: object.clone(), cause });
    }

    /// Reports what goes beside the targets, or refuses it.
    fn judge(
        &self,
        session: &mut Session,
        catalog: &Catalog,
        path: &SearchPath,
        targets: &[ObjectAddress],
        cascade: bool,
    ) -> Result<()> {
        let others = self.doomed.iter().rev().filter_map(|doomed| match &doomed.cause {
            // A part of a table that goes is not worth a word.
            Cause::DependsOn(cause) if !self.goes_with_its_relation(&doomed.object) => Some((&doomed.object, cause)),
            _ => None,
        });
        let lines: Vec<String> = others
            .map(|(object, cause)| {
                let object = object.describe(catalog, path);
                if cascade {
                    format!("drop cascades to {object}")
                } else {
                    format!("{object} depends on {}", cause.describe(catalog, path))
                }
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let mut detail = lines.iter().take(MAX_REPORTED).map(String::as_str).collect::<Vec<_>>().join("\n");
        if let Some(more) = lines.len().checked_sub(MAX_REPORTED).filter(|more| *more > 0) {
            detail.push_str(&format!("\nand {more} other object{}", if more == 1 { "" } else { "s" }));
        }
        if !cascade {
            let message = match targets {
                [target] => {
                    format!("cannot drop {} because other objects depend on it", target.describe(catalog, path))
                }
                _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
            };
            return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_detail(detail)
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        match lines.as_slice() {
            [line] => session.note(SqlState::SUCCESS, line.clone()),
            lines => session.notify(
                SqlError::new(SqlState::SUCCESS, format!("drop cascades to {} other objects", lines.len()))
                    .with_detail(detail),
            ),
        }
        Ok(())
    }

    /// Whether the object is a part of a relation that goes as a whole.
    fn goes_with_its_relation(&self, object: &ObjectAddress) -> bool {
        match object {
            ObjectAddress::Relation(_) => false,
            part => part.relation().is_some_and(|relation| self.removes(&ObjectAddress::Relation(relation))),
        }
    }

    fn removes(&self, object: &ObjectAddress) -> bool {
        self.doomed.iter().any(|doomed| doomed.object == *object)
    }

    fn carry_out(&self, session: &mut Session, catalog: &Catalog) -> Result<()> {
        for Doomed { object, .. } in &self.doomed {
            match object {
                ObjectAddress::Schema(id) | ObjectAddress::Type(id) => session.storage()?.drop_object(*id)?,
                ObjectAddress::Relation(id) => match catalog.table_by_id(*id) {
                    Some(table) => {
                        refuse_synced_on_edge(session, table, "drop")?;
                        session.storage()?.drop_table(*id)?;
                    }
                    None => session.storage()?.drop_object((*id).into())?,
                },
                ObjectAddress::Constraint(id, name) => {
                    let Some(table) = catalog.table_by_id(*id) else { continue };
                    if table.foreign_keys.iter().any(|foreign| foreign.name == *name) {
                        session.storage()?.drop_foreign_key(*id, name)?;
                    } else if !self.goes_with_its_relation(object)
                        && table.checks.iter().any(|check| check.name == *name)
                    {
                        session.storage()?.drop_check(*id, name)?;
                    }
                }
                ObjectAddress::Index(table, index) => {
                    let definition = catalog.table_by_id(*table);
                    if self.goes_with_its_relation(object) {
                    } else if definition.is_some_and(|table| table.primary_key_id == Some(*index)) {
                        session.storage()?.drop_primary_key(*table)?;
                    } else {
                        session.storage()?.drop_index(*table, *index)?;
                    }
                }
                ObjectAddress::Default(table, column) => {
                    if !self.goes_with_its_relation(object) {
                        clear_default(session, *table, *column)?;
                    }
                }
                ObjectAddress::Column(table, column) => {
                    if !self.goes_with_its_relation(object) {
                        session.storage()?.drop_column(*table, *column)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes the default from a column.
fn clear_default(session: &mut Session, table: RelationId, column: ColumnId) -> Result<()> {
    let Some(definition) = session.catalog()?.table_by_id(table).cloned() else { return Ok(()) };
    let mut changed = TableDef::clone(&definition);
    for column in changed.columns.iter_mut().filter(|known| known.id == column) {
        column.default = None;
    }
    session.storage()?.lock_table(table, TableLock::AccessExclusive)?;
    session.storage()?.put_object(CatalogObject::Table(Arc::new(changed)))?;
    Ok(())
}
