//! ADD GENERATED, SET and DROP IDENTITY.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, Identity, SequenceDef, TableDef};

use super::super::create_table::numbered::{self, Numbered};
use super::super::sequence;
use super::Alteration;
use crate::dependency::{ObjectAddress, drop_objects};
use crate::error::{Result, SqlError, SqlState};
use crate::parse;
use crate::parse::object::SequenceClause;
use crate::parse::table::{self, ExpressionText};
use crate::session::Session;

impl Alteration<'_, '_> {
    pub(super) fn add_identity(&mut self, slot: usize, identity: &table::Identity) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        let not_ready = |message: String| Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        let of = format!("column \"{}\" of relation \"{}\"", column.name, table.name);
        if !column.not_null {
            return not_ready(format!("{of} must be declared NOT NULL before identity can be added"));
        }
        if column.identity.is_some() {
            return not_ready(format!("{of} is already an identity column"));
        }
        if column.default.is_some() {
            return not_ready(format!("{of} already has a default value"));
        }
        if table.is_synced() {
            return Err(numbered::refuse_on_synced(&table.name));
        }
        let mut numbered = Numbered::of_identity(identity, slot)?;
        numbered.for_type(column.column_type.data_type)?;
        let (catalog, _) = self.catalog()?;
        let place = (table.schema.as_str(), table.name.as_str());
        let (sequence, default) =
            numbered.make_sequence(self.session, &catalog, place, &column.name, &mut Vec::new())?;
        let kind = numbered.identity;
        self.change_column(slot, |column| {
            column.default = Some(default);
            column.identity = kind;
        })?;
        let made = self.definition()?;
        numbered.give(self.session, sequence, &made)
    }

    pub(super) fn set_identity(
        &mut self,
        slot: usize,
        always: Option<bool>,
        options: Option<&ExpressionText>,
    ) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.identity.is_none() {
            return Err(is_no_identity(&table, column));
        }
        if let Some(always) = always {
            let identity = if always { Identity::Always } else { Identity::ByDefault };
            self.change_column(slot, |column| column.identity = Some(identity))?;
        }
        let Some(text) = options else { return Ok(()) };
        let clauses = clauses_of(text)?;
        match sequence_of(self.session, &table, column)? {
            Some(found) => sequence::alter(self.session, &found, &clauses),
            None => Ok(()),
        }
    }

    pub(super) fn drop_identity(&mut self, slot: usize, if_exists: bool) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.identity.is_none() {
            let error = is_no_identity(&table, column);
            if !if_exists {
                return Err(error);
            }
            self.session.note(SqlState::SUCCESS, format!("{}, skipping", error.message));
            return Ok(());
        }
        self.change_column(slot, |column| {
            column.default = None;
            column.identity = None;
        })?;
        match sequence_of(self.session, &table, column)? {
            Some(found) => drop_objects(self.session, &[ObjectAddress::Relation(found.id)], false),
            None => Ok(()),
        }
    }
}

/// The sequence of an identity column.
pub(super) fn sequence_of(
    session: &mut Session,
    table: &TableDef,
    column: &ColumnDef,
) -> Result<Option<Arc<SequenceDef>>> {
    let is_its = |sequence: &&Arc<SequenceDef>| {
        sequence
            .owner
            .is_some_and(|owner| owner.is_identity && owner.table == table.id && owner.column == column.id)
    };
    Ok(session.catalog()?.sequences().find(is_its).cloned())
}

/// `SET INCREMENT 2 SET START 3 RESTART`: the same words as in ALTER SEQUENCE, but each behind a SET.
fn clauses_of(text: &ExpressionText) -> Result<Vec<SequenceClause>> {
    let words: Vec<&str> =
        text.text.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("set")).collect();
    let clauses = parse::parse_sequence_clauses(&words.join(" ")).map_err(|mut error| {
        error.fields.position = None;
        error
    })?;
    for clause in &clauses {
        match clause {
            SequenceClause::As(_) | SequenceClause::Name(_) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "sequence option not supported here"));
            }
            SequenceClause::OwnedBy(_) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "sequence option \"owned_by\" not supported here"));
            }
            _ => {}
        }
    }
    Ok(clauses)
}

fn is_no_identity(table: &TableDef, column: &ColumnDef) -> SqlError {
    let message = format!("column \"{}\" of relation \"{}\" is not an identity column", column.name, table.name);
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}
