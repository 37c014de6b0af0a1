//! Columns that take their values from a sequence: serial and identity.

use heliosdb_storage::catalog::{Identity, SequenceOwner, TableDef};
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Catalog, RelationId};
use sqlparser::ast;

use super::super::constraint::free_name;
use super::super::sequence::options::Draft as SequenceDraft;
use super::super::sequence::{make, put};
use crate::bind::type_name;
use crate::error::{Result, SqlError, SqlState};
use crate::functions::{quote_ident, quote_literal};
use crate::parse;
use crate::parse::object::SequenceClause;
use crate::parse::table::{self, ColumnDefinition, Generation};
use crate::session::Session;

/// A column that takes its values from a sequence of its own.
pub struct Numbered {
    /// The column's slot.
    pub slot: usize,
    /// The identity; none for serial.
    pub identity: Option<Identity>,
    sequence: SequenceDraft,
    name: Option<String>,
}

impl Numbered {
    /// What a column definition says of numbers; none if nothing. Of a serial column also the definition without that.
    pub fn of(definition: &ColumnDefinition, slot: usize, table: &str) -> Result<Option<(Self, ColumnDefinition)>> {
        if let Some(data_type) = type_name::serial(&definition.data_type) {
            if !definition.defaults.is_empty() || !definition.generations.is_empty() {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    format!(
                        "multiple default values specified for column \"{}\" of table \"{table}\"",
                        definition.name
                    ),
                ));
            }
            let plain = match data_type {
                DataType::Int2 => ast::DataType::Int2(None),
                DataType::Int4 => ast::DataType::Int4(None),
                _ => ast::DataType::Int8(None),
            };
            let sequence = SequenceDraft::new(data_type);
            let numbered = Self { slot, identity: None, sequence, name: None };
            return Ok(Some((numbered, ColumnDefinition { data_type: plain, ..definition.clone() })));
        }
        let Some(Generation::Identity(identity)) = definition.generations.first() else { return Ok(None) };
        Ok(Some((Self::of_identity(identity, slot)?, definition.clone())))
    }

    /// GENERATED … AS IDENTITY of a column.
    pub fn of_identity(identity: &table::Identity, slot: usize) -> Result<Self> {
        let clauses = match &identity.options {
            Some(text) => parse::parse_sequence_clauses(&text.text).map_err(|error| text.place(error))?,
            None => Vec::new(),
        };
        let mut name = None;
        for clause in &clauses {
            match clause {
                SequenceClause::Name(given) => name = Some(given.name.clone()),
                SequenceClause::As(_) => {
                    return Err(SqlError::new(
                        SqlState::SYNTAX_ERROR,
                        "identity column type must be smallint, integer, or bigint",
                    ));
                }
                _ => {}
            }
        }
        let mut sequence = SequenceDraft::new(DataType::Int8);
        sequence.apply(&clauses)?;
        let identity = Some(if identity.always { Identity::Always } else { Identity::ByDefault });
        Ok(Self { slot, identity, sequence, name })
    }

    /// Sets the type of the column that the numbers are for.
    pub fn for_type(&mut self, data_type: DataType) -> Result<()> {
        if !matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8) {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "identity column type must be smallint, integer, or bigint",
            ));
        }
        self.sequence.set_type(data_type);
        Ok(())
    }

    /// Makes the sequence; its oid and the default that takes numbers from it.
    pub fn make_sequence(
        &self,
        session: &mut Session,
        catalog: &Catalog,
        (schema, table): (&str, &str),
        column: &str,
        taken: &mut Vec<String>,
    ) -> Result<(RelationId, String)> {
        let is_taken = |name: &str| catalog.has_relation(schema, name) || taken.iter().any(|known| known == name);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => free_name(table, column, "seq", &is_taken),
        };
        let id = make(session, schema, &name, &self.sequence, None)?;
        let qualified = format!("{}.{}", quote_ident(schema), quote_ident(&name));
        taken.push(name);
        Ok((id, format!("nextval({}::regclass)", quote_literal(&qualified))))
    }

    /// Gives the sequence to its column.
    pub fn give(&self, session: &mut Session, sequence: RelationId, table: &TableDef) -> Result<()> {
        let Some(column) = table.columns.get(self.slot) else { return Ok(()) };
        let Some(definition) = session.catalog()?.sequence(sequence).cloned() else { return Ok(()) };
        let owner = SequenceOwner { table: table.id, column: column.id, is_identity: self.identity.is_some() };
        put(session, heliosdb_storage::catalog::SequenceDef { owner: Some(owner), ..(*definition).clone() })
    }
}

/// Numbers are given by one node; synced tables cannot have them.
pub(in crate::statement) fn refuse_on_synced(table: &str) -> SqlError {
    SqlError::unsupported(format!("a sequence as the default of a column of synced table \"{table}\""))
        .with_hint("Use a uuid key with DEFAULT gen_random_uuid(), which needs no coordination between nodes, or WITH (sync = 'none').")
}
