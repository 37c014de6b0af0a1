//! ALTER TABLE of a view, a sequence or an index: names may be changed so, nothing else.

use std::sync::Arc;

use super::name::rename_index;
use super::owner_of_index;
use crate::bind::NamedRelation;
use crate::bind::names::{QualifiedName, no_such_relation};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{SequenceStatement, ViewChange, ViewStatement};
use crate::parse::table::{AlterColumn, AlterTable, TableAction};
use crate::session::Session;
use crate::statement::refuse_synced_on_edge;

pub(super) fn run(session: &mut Session, alter: &AlterTable) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let name = &alter.name;
    match path.relation(&catalog, name) {
        Some(NamedRelation::View(_)) => view(session, alter),
        Some(NamedRelation::Sequence(_)) => sequence(session, alter),
        _ => {
            let table = owner_of_index(&catalog, &path, name).ok_or_else(|| no_such_relation(name))?;
            match alter.actions.as_slice() {
                [TableAction::Rename(to)] => {
                    refuse_synced_on_edge(session, &table, "alter an index of")?;
                    rename_index(session, table.id, &name.name, to)
                }
                _ => Err(wrong_kind(name, &alter.actions, "indexes")),
            }
        }
    }
}

fn view(session: &mut Session, alter: &AlterTable) -> Result<()> {
    let change = match alter.actions.as_slice() {
        [TableAction::Rename(to)] => ViewChange::Rename(to.clone()),
        [TableAction::RenameColumn(from, to)] => ViewChange::RenameColumn { from: from.clone(), to: to.clone() },
        [TableAction::SetSchema(schema)] => ViewChange::SetSchema(schema.clone()),
        _ => return Err(wrong_kind(&alter.name, &alter.actions, "views")),
    };
    ViewStatement::Alter { name: alter.name.clone(), if_exists: false, change }.run(session)
}

fn sequence(session: &mut Session, alter: &AlterTable) -> Result<()> {
    let (name, if_exists) = (alter.name.clone(), false);
    let statement = match alter.actions.as_slice() {
        [TableAction::Rename(to)] => SequenceStatement::Rename { name, if_exists, to: to.clone() },
        [TableAction::SetSchema(schema)] => SequenceStatement::SetSchema { name, if_exists, schema: schema.clone() },
        _ => return Err(wrong_kind(&alter.name, &alter.actions, "sequences")),
    };
    statement.run(session)
}

fn wrong_kind(name: &QualifiedName, actions: &[TableAction], kind: &str) -> SqlError {
    let action = actions.first().map_or("", name_of);
    SqlError::new(
        SqlState::WRONG_OBJECT_TYPE,
        format!("ALTER action {action} cannot be performed on relation \"{}\"", name.name),
    )
    .with_detail(format!("This operation is not supported for {kind}."))
}

/// What messages call an action.
const fn name_of(action: &TableAction) -> &'static str {
    match action {
        TableAction::Rename(_) => "RENAME",
        TableAction::RenameColumn(..) => "RENAME COLUMN",
        TableAction::RenameConstraint(..) => "RENAME CONSTRAINT",
        TableAction::SetSchema(_) => "SET SCHEMA",
        TableAction::OwnerTo(_) => "OWNER TO",
        TableAction::AddColumn { .. } => "ADD COLUMN",
        TableAction::DropColumn { .. } => "DROP COLUMN",
        TableAction::AlterColumn(_, change) => match change {
            AlterColumn::SetDefault(_) | AlterColumn::DropDefault => "ALTER COLUMN ... SET DEFAULT",
            AlterColumn::SetNotNull => "ALTER COLUMN ... SET NOT NULL",
            AlterColumn::DropNotNull => "ALTER COLUMN ... DROP NOT NULL",
            AlterColumn::DropExpression { .. } => "ALTER COLUMN ... DROP EXPRESSION",
            AlterColumn::Type { .. } => "ALTER COLUMN ... SET DATA TYPE",
            AlterColumn::Options(_) => "ALTER COLUMN ... SET",
            AlterColumn::Physical => "ALTER COLUMN ... SET STATISTICS",
            AlterColumn::AddIdentity(_) => "ALTER COLUMN ... ADD IDENTITY",
            AlterColumn::SetIdentity { .. } => "ALTER COLUMN ... SET",
            AlterColumn::DropIdentity { .. } => "ALTER COLUMN ... DROP IDENTITY",
        },
        TableAction::AddConstraint(_) => "ADD CONSTRAINT",
        TableAction::AlterConstraint(..) => "ALTER CONSTRAINT",
        TableAction::ValidateConstraint(_) => "VALIDATE CONSTRAINT",
        TableAction::DropConstraint { .. } => "DROP CONSTRAINT",
        TableAction::Set(_) => "SET",
        TableAction::Reset(_) => "RESET",
        TableAction::SetTablespace(_) => "SET TABLESPACE",
        TableAction::Nothing => "SET LOGGED",
    }
}

