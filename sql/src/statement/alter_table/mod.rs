//! ALTER TABLE.
//!
//! What a statement asks for is done in PostgreSQL's order, not as it is written: what goes, goes first; then types change;
//! then columns come, and last what is built on them. Each step is carried out in the transaction at once, on the newest
//! definition; a step may add others to later passes (a new column brings its constraints).
//!
//! | file | what |
//! |---|---|
//! | `column` | ADD, DROP, defaults, NOT NULL, generated columns |
//! | `column_type` | TYPE |
//! | `identity` | identity columns |
//! | `constraint` | CHECK, FOREIGN KEY; VALIDATE, ALTER and DROP CONSTRAINT |
//! | `key` | UNIQUE, PRIMARY KEY, USING INDEX |
//! | `name` | RENAME, SET SCHEMA |
//! | `option` | SET, RESET, OWNER TO |
//! | `other_relation` | what may also be said of views, sequences and indexes |

mod column;
mod column_type;
mod constraint;
mod identity;
mod key;
pub(super) mod name;
mod option;
mod other_relation;

use std::collections::VecDeque;
use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, SyncMode, TableDef};
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::{Catalog, RelationId};

use super::refuse_synced_on_edge;
use crate::bind::names::QualifiedName;
use crate::bind::{NamedRelation, SearchPath, find_target};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{AlterColumn, AlterTable, ConstraintKind, NamedConstraint, TableAction};
use crate::session::Session;

/// What happens before what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Pass {
    Drop,
    Type,
    AddColumn,
    Check,
    Attribute,
    Key,
    Other,
    Last,
}

/// One thing to do.
#[derive(Clone, Copy)]
enum Step<'a> {
    Action(&'a TableAction),
    /// A constraint that a new column brings.
    Constraint(&'a NamedConstraint),
}

/// A table that is being changed.
struct Alteration<'a, 's> {
    session: &'s mut Session,
    table: RelationId,
    steps: VecDeque<(Pass, Step<'a>)>,
}

pub(super) fn run(session: &mut Session, alter: &AlterTable) -> Result<()> {
    let Some(table) = find(session, alter)? else { return Ok(()) };
    refuse_synced_on_edge(session, &table, "alter")?;
    session.refuse_in_use(&table, "ALTER TABLE")?;
    let mut alteration = Alteration { session, table: table.id, steps: VecDeque::new() };
    for action in &alter.actions {
        alteration.push(pass(action), Step::Action(action));
    }
    while let Some((pass, step)) = alteration.steps.pop_front() {
        if pass == Pass::Type {
            // All new types need but one rewrite.
            let mut steps = vec![step];
            while alteration.steps.front().is_some_and(|(next, _)| *next == Pass::Type) {
                steps.extend(alteration.steps.pop_front().map(|(_, step)| step));
            }
            column_type::run(&mut alteration, &steps)?;
            continue;
        }
        alteration.step(step)?;
    }
    Ok(())
}

/// The table, locked; none if it need not be there.
fn find(session: &mut Session, alter: &AlterTable) -> Result<Option<Arc<TableDef>>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let name = &alter.name;
    match path.relation(&catalog, name) {
        None if alter.if_exists => {
            session.note(SqlState::SUCCESS, format!("relation \"{}\" does not exist, skipping", name.name));
            return Ok(None);
        }
        Some(NamedRelation::Table(_) | NamedRelation::System(_)) => {}
        _ => return other_relation::run(session, alter).map(|()| None),
    }
    let lock = alter.actions.iter().map(lock).max().unwrap_or(TableLock::AccessExclusive);
    let found = session.lock_for_ddl(|catalog| find_target(catalog, &path, name), lock);
    found.map(Some)
}

/// The table of an index.
pub(super) fn owner_of_index(
    catalog: &Catalog,
    path: &SearchPath,
    name: &QualifiedName,
) -> Option<Arc<TableDef>> {
    path.find(name, |schema| {
        match catalog.named(heliosdb_storage::catalog::NameSpace::Relation, schema, &name.name)? {
            CatalogObject::Table(table) if table.name != name.name => Some(Some(Arc::clone(table))),
            _ => Some(None),
        }
    })
    .flatten()
}

/// How much an action keeps others from the table.
const fn lock(action: &TableAction) -> TableLock {
    match action {
        TableAction::ValidateConstraint(_)
        | TableAction::Set(_)
        | TableAction::Reset(_)
        | TableAction::AlterColumn(_, AlterColumn::Options(_) | AlterColumn::Physical) => {
            TableLock::ShareUpdateExclusive
        }
        TableAction::AddConstraint(constraint) if matches!(constraint.kind, ConstraintKind::ForeignKey(_)) => {
            TableLock::ShareRowExclusive
        }
        _ => TableLock::AccessExclusive,
    }
}

/// When an action is carried out.
const fn pass(action: &TableAction) -> Pass {
    match action {
        TableAction::DropColumn { .. } | TableAction::DropConstraint { .. } => Pass::Drop,
        TableAction::AlterColumn(_, change) => match change {
            AlterColumn::DropDefault
            | AlterColumn::DropNotNull
            | AlterColumn::DropExpression { .. }
            | AlterColumn::DropIdentity { .. } => Pass::Drop,
            AlterColumn::Type { .. } => Pass::Type,
            AlterColumn::SetNotNull | AlterColumn::SetIdentity { .. } => Pass::Attribute,
            AlterColumn::SetDefault(_) | AlterColumn::AddIdentity(_) => Pass::Other,
            AlterColumn::Options(_) | AlterColumn::Physical => Pass::Last,
        },
        TableAction::AddColumn { .. } => Pass::AddColumn,
        TableAction::AddConstraint(constraint) => pass_of_constraint(constraint),
        TableAction::Rename(_)
        | TableAction::RenameColumn(..)
        | TableAction::RenameConstraint(..)
        | TableAction::SetSchema(_)
        | TableAction::OwnerTo(_)
        | TableAction::AlterConstraint(..)
        | TableAction::ValidateConstraint(_)
        | TableAction::Set(_)
        | TableAction::Reset(_)
        | TableAction::SetTablespace(_)
        | TableAction::Nothing => Pass::Last,
    }
}

const fn pass_of_constraint(constraint: &NamedConstraint) -> Pass {
    match constraint.kind {
        ConstraintKind::Check(_) => Pass::Check,
        ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique { .. } => Pass::Key,
        ConstraintKind::ForeignKey(_) => Pass::Other,
    }
}

impl<'a> Alteration<'a, '_> {
    /// Puts a step behind all of its pass.
    fn push(&mut self, pass: Pass, step: Step<'a>) {
        let at = self.steps.partition_point(|(known, _)| *known <= pass);
        self.steps.insert(at, (pass, step));
    }

    fn step(&mut self, step: Step<'a>) -> Result<()> {
        let action = match step {
            Step::Constraint(constraint) => return self.add_constraint(constraint),
            Step::Action(action) => action,
        };
        match action {
            TableAction::AddColumn { if_not_exists, column } => self.add_column(column, *if_not_exists),
            TableAction::DropColumn { name, if_exists, cascade } => self.drop_column(name, *if_exists, *cascade),
            TableAction::AlterColumn(column, change) => self.alter_column(column, change),
            TableAction::AddConstraint(constraint) => self.add_constraint(constraint),
            TableAction::AlterConstraint(name, attributes) => self.alter_constraint(name, *attributes),
            TableAction::ValidateConstraint(name) => self.validate_constraint(name),
            TableAction::DropConstraint { name, if_exists, cascade } => {
                self.drop_constraint(name, *if_exists, *cascade)
            }
            TableAction::Rename(to) => name::rename_table(self.session, self.table, to),
            TableAction::RenameColumn(from, to) => name::rename_column(self.session, self.table, from, to),
            TableAction::RenameConstraint(from, to) => name::rename_constraint(self.session, self.table, from, to),
            TableAction::SetSchema(schema) => name::set_schema(self.session, self.table, schema),
            TableAction::OwnerTo(owner) => option::owner_to(self.session, owner),
            TableAction::Set(parameters) => option::set(self, parameters),
            TableAction::Reset(parameters) => option::reset(self, parameters),
            TableAction::SetTablespace(name) => crate::parse::table::check_tablespace(Some(name)),
            TableAction::Nothing => Ok(()),
        }
    }

    fn alter_column(&mut self, column: &str, change: &'a AlterColumn) -> Result<()> {
        let slot = self.slot(column)?;
        match change {
            AlterColumn::SetDefault(text) => self.set_default(slot, text),
            AlterColumn::DropDefault => self.drop_default(slot),
            AlterColumn::SetNotNull => self.set_not_null(&[slot]),
            AlterColumn::DropNotNull => self.drop_not_null(slot),
            AlterColumn::DropExpression { if_exists } => self.drop_expression(slot, *if_exists),
            AlterColumn::AddIdentity(identity) => self.add_identity(slot, identity),
            AlterColumn::SetIdentity { always, options } => self.set_identity(slot, *always, options.as_ref()),
            AlterColumn::DropIdentity { if_exists } => self.drop_identity(slot, *if_exists),
            AlterColumn::Options(_) => Err(SqlError::unsupported("options of a column")),
            AlterColumn::Physical => Ok(()),
            AlterColumn::Type { .. } => unreachable!("BUG: types are changed all at once"),
        }
    }

    /// The table as it is now.
    fn definition(&mut self) -> Result<Arc<TableDef>> {
        let found = self.session.catalog()?.table_by_id(self.table).cloned();
        found.ok_or_else(|| SqlError::new(SqlState::INTERNAL_ERROR, "the table is gone"))
    }

    fn catalog(&mut self) -> Result<(Arc<Catalog>, SearchPath)> {
        let catalog = Arc::clone(self.session.catalog()?);
        let path = self.session.search_path(&catalog);
        Ok((catalog, path))
    }

    /// Records the table as it is from now on.
    fn put(&mut self, changed: TableDef) -> Result<()> {
        self.session.storage()?.put_object(CatalogObject::Table(Arc::new(changed)))?;
        Ok(())
    }

    /// The slot of a column that is there.
    fn slot(&mut self, column: &str) -> Result<usize> {
        let table = self.definition()?;
        match table.slot(column) {
            Some(slot) => Ok(slot),
            None if super::create_table::draft::SYSTEM_COLUMNS.contains(&column) => Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot alter system column \"{column}\""),
            )),
            None => Err(no_such_column(&table, column)),
        }
    }
}

fn no_such_column(table: &TableDef, column: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
    )
}

/// What cannot be done to a table whose rows other nodes have.
fn refuse_on_synced(table: &TableDef, what: &str) -> Result<()> {
    if table.sync == SyncMode::None {
        return Ok(());
    }
    Err(SqlError::unsupported(format!("{what} of synced table \"{}\"", table.name))
        .with_hint("The other nodes have the rows as they are."))
}
