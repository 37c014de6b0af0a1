//! Constraints of CREATE TABLE and ALTER TABLE: their names, their columns, what they may say.

use heliosdb_storage::catalog::{
    CheckDef, CrdtType, Deferral, ForeignKeyDef, IndexDef, ReferentialAction, SyncMode, TableDef, is_permutation,
};
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Catalog, RelationId, catalog};

use super::create_table::draft::refuse_in_primary_key;
use super::{operator_class, storage_parameter};
use crate::bind::row_expression::{RowClause, keep};
use crate::bind::{SearchPath, find_target};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{
    Attributes, ExpressionText, ForeignKey, KeyAction, KeyColumns, References, check_tablespace,
};
use crate::types;

/// The longest name.
const MAX_NAME_BYTES: usize = 63;

/// What an index or a key needs to know of a column.
pub(super) trait KeyColumn {
    fn name(&self) -> &str;
    fn crdt(&self) -> Option<CrdtType>;
    fn data_type(&self) -> DataType;
}

impl KeyColumn for catalog::ColumnDef {
    fn name(&self) -> &str {
        &self.name
    }
    fn crdt(&self) -> Option<CrdtType> {
        self.crdt
    }
    fn data_type(&self) -> DataType {
        self.column_type.data_type
    }
}

impl KeyColumn for catalog::NewColumn {
    fn name(&self) -> &str {
        &self.name
    }
    fn crdt(&self) -> Option<CrdtType> {
        self.crdt
    }
    fn data_type(&self) -> DataType {
        self.column_type.data_type
    }
}

/// The slots of the columns of a key or an index.
pub(super) fn index_slots<C: KeyColumn>(columns: &[C], names: &[String], what: &str) -> Result<Vec<usize>> {
    let mut slots = Vec::with_capacity(names.len());
    for name in names {
        let found = columns.iter().enumerate().find(|(_, column)| column.name() == name);
        let Some((slot, column)) = found else {
            let message = match what {
                "index" => format!("column \"{name}\" does not exist"),
                "foreign key constraint" => {
                    format!("column \"{name}\" referenced in foreign key constraint does not exist")
                }
                _ => format!("column \"{name}\" named in key does not exist"),
            };
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if slots.contains(&slot) && what != "foreign key constraint" {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" appears twice in {what}"),
            ));
        }
        if column.crdt().is_some() {
            return Err(SqlError::unsupported(format!("CRDT column \"{name}\" in a key, constraint or index")));
        }
        if what != "foreign key constraint" {
            operator_class::judge_default(column.data_type())?;
        }
        slots.push(slot);
    }
    Ok(slots)
}

/// The index of a PRIMARY KEY or UNIQUE constraint, without its name.
pub(super) fn key_index<C: KeyColumn>(
    columns: &[C],
    key: &KeyColumns,
    attributes: Attributes,
    nulls_not_distinct: bool,
    is_primary: bool,
) -> Result<IndexDef> {
    let KeyColumns::Columns { names, included, parameters, tablespace } = key else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "cannot use an existing index in CREATE TABLE"));
    };
    let what = if is_primary { "primary key constraint" } else { "unique constraint" };
    let slots = index_slots(columns, names, what)?;
    if is_primary {
        refuse_in_primary_key(attributes, !included.is_empty())?;
    }
    check_tablespace(tablespace.as_deref())?;
    Ok(IndexDef {
        included: index_slots(columns, included, what)?,
        nulls_not_distinct,
        deferral: deferral(attributes),
        options: storage_parameter::of_index(parameters)?,
        ..IndexDef::unique_constraint("", &slots)
    })
}

/// PostgreSQL's automatic name `table_columns_label`, with a number if it is taken; cut so that it fits.
pub(super) fn free_name(table: &str, columns: &str, label: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
    let mut number = 0_usize;
    loop {
        let suffix = if number == 0 { label.to_owned() } else { format!("{label}{number}") };
        let name = fitted_name(table, columns, &suffix);
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}

fn fitted_name(table: &str, columns: &str, suffix: &str) -> String {
    let (mut table, mut columns) = (table.to_owned(), columns.to_owned());
    loop {
        let name = if columns.is_empty() { format!("{table}_{suffix}") } else { format!("{table}_{columns}_{suffix}") };
        if name.len() <= MAX_NAME_BYTES {
            return name;
        }
        // The longer of the two gives way, a character at a time.
        let longer = if table.len() > columns.len() { &mut table } else { &mut columns };
        if longer.pop().is_none() {
            return name;
        }
    }
}

/// How the attributes of a constraint say that it is deferred.
pub(super) fn deferral(attributes: Attributes) -> Deferral {
    match (attributes.is_deferrable(), attributes.initially_deferred) {
        (false, _) => Deferral::NotDeferrable,
        (true, Some(true)) => Deferral::InitiallyDeferred,
        (true, _) => Deferral::InitiallyImmediate,
    }
}

/// A CHECK over the table's columns.
pub(super) fn check(
    catalog: &Catalog,
    path: &SearchPath,
    table: &TableDef,
    name: Option<String>,
    text: &ExpressionText,
    is_taken: &dyn Fn(&str) -> bool,
) -> Result<CheckDef> {
    let kept = keep(catalog, path, table, text, RowClause::Check, None)?;
    let name = name.unwrap_or_else(|| {
        let column = match kept.expression.slots.as_slice() {
            [slot] => table.columns.get(*slot).map_or("", |column| column.name.as_str()),
            _ => "",
        };
        free_name(&table.name, column, "check", is_taken)
    });
    Ok(CheckDef { name, expression: kept.expression, validated: true, ..CheckDef::default() })
}

/// A foreign key; `own` is the table that has it, which it may refer to. Id 0 stands for a table that is being made.
pub(super) fn foreign_key(
    catalog: &Catalog,
    path: &SearchPath,
    own: &TableDef,
    key: &ForeignKey,
    name: Option<String>,
    is_taken: &dyn Fn(&str) -> bool,
) -> Result<ForeignKeyDef> {
    let References { table, columns: referred, match_full, on_delete, on_update } = &key.references;
    let is_new = own.id == RelationId::default();
    let is_self =
        is_new && table.name == own.name && table.schema.as_deref().is_none_or(|schema| schema == own.schema);
    let found = if is_self { None } else { Some(find_target(catalog, path, table)?) };
    let parent = found.as_deref().unwrap_or(own);
    let slots = index_slots(&own.columns, &key.columns, "foreign key constraint")?;
    let parent_slots = parent_slots(parent, referred)?;
    if slots.len() != parent_slots.len() {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    judge_parent_key(parent, &parent_slots)?;
    let name = name.unwrap_or_else(|| free_name(&own.name, &key.columns.join("_"), "fkey", is_taken));
    judge_key_types(own, parent, &slots, &parent_slots, &name)?;
    if own.is_temporary() != parent.is_temporary() {
        let message = if own.is_temporary() {
            "constraints on temporary tables may reference only temporary tables"
        } else {
            "constraints on permanent tables may reference only permanent tables"
        };
        return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    if own.sync != SyncMode::None && !is_self && !parent.is_synced() {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!("synced table \"{}\" cannot refer to local table \"{}\"", own.name, parent.name),
        )
        .with_hint(
            "Other nodes have the rows of the one, but not of the other. Use sync = 'none' or sync = 'both' for both.",
        ));
    }
    let on_delete_slots = action_slots(own, &slots, on_delete)?;
    judge_generated_columns(own, &slots, [("ON DELETE", on_delete), ("ON UPDATE", on_update)])?;
    Ok(ForeignKeyDef {
        name,
        slots,
        parent: found.as_ref().map_or(own.id, |parent| parent.id),
        parent_slots,
        match_full: *match_full,
        on_delete: referential_action(on_delete),
        on_delete_slots,
        on_update: referential_action(on_update),
        validated: true,
        ..ForeignKeyDef::default()
    })
}

/// The columns that are referred to.
fn parent_slots(parent: &TableDef, referred: &[String]) -> Result<Vec<usize>> {
    if !referred.is_empty() {
        if (1..referred.len()).any(|at| referred.iter().take(at).any(|name| Some(name) == referred.get(at))) {
            return Err(SqlError::new(
                SqlState::INVALID_FOREIGN_KEY,
                "foreign key referenced-columns list must not contain duplicates",
            ));
        }
        return index_slots(&parent.columns, referred, "foreign key constraint");
    }
    if parent.primary_key.is_empty() {
        return Err(SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("there is no primary key for referenced table \"{}\"", parent.name),
        ));
    }
    Ok(parent.primary_key.clone())
}

/// A foreign key refers to what is unique whatever happens meanwhile.
fn judge_parent_key(parent: &TableDef, slots: &[usize]) -> Result<()> {
    if is_permutation(&parent.primary_key, slots) {
        return Ok(());
    }
    let mut keys = parent.indexes.iter().filter(|index| index.is_key_of(slots)).peekable();
    if keys.peek().is_none() {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!("there is no unique constraint matching given keys for referenced table \"{}\"", parent.name),
        ));
    }
    if keys.any(|index| !index.deferral.is_deferrable()) {
        return Ok(());
    }
    Err(SqlError::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("cannot use a deferrable unique constraint for referenced table \"{}\"", parent.name),
    ))
}

pub(super) fn judge_key_types(
    own: &TableDef,
    parent: &TableDef,
    slots: &[usize],
    parent_slots: &[usize],
    name: &str,
) -> Result<()> {
    for (slot, parent_slot) in slots.iter().zip(parent_slots) {
        let (Some(column), Some(parent_column)) = (own.columns.get(*slot), parent.columns.get(*parent_slot)) else {
            continue;
        };
        if !same_key_type(column.column_type.data_type, parent_column.column_type.data_type) {
            return Err(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!("foreign key constraint \"{name}\" cannot be implemented"),
            )
            .with_detail(format!(
                "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                column.name,
                parent_column.name,
                types::name(column.column_type.data_type, -1),
                types::name(parent_column.column_type.data_type, -1)
            )));
        }
    }
    Ok(())
}

/// The columns that SET NULL and SET DEFAULT name, which must be of the foreign key.
fn action_slots(own: &TableDef, slots: &[usize], action: &KeyAction) -> Result<Vec<usize>> {
    let (KeyAction::SetNull(names) | KeyAction::SetDefault(names)) = action else { return Ok(Vec::new()) };
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let Some(slot) = own.slot(name) else {
            return Err(SqlError::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" referenced in foreign key constraint does not exist"),
            ));
        };
        if !slots.contains(&slot) {
            return Err(SqlError::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("column \"{name}\" referenced in ON DELETE SET action must be part of foreign key"),
            ));
        }
        if !found.contains(&slot) {
            found.push(slot);
        }
    }
    Ok(found)
}

/// Nobody can set a generated column.
fn judge_generated_columns(own: &TableDef, slots: &[usize], actions: [(&str, &KeyAction); 2]) -> Result<()> {
    let is_generated = |slot: &usize| own.columns.get(*slot).is_some_and(|column| column.generated.is_some());
    if !slots.iter().any(is_generated) {
        return Ok(());
    }
    for (clause, action) in actions {
        let sets = match action {
            KeyAction::SetNull(_) | KeyAction::SetDefault(_) => true,
            KeyAction::Cascade => clause == "ON UPDATE",
            KeyAction::NoAction | KeyAction::Restrict => false,
        };
        if sets {
            return Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("invalid {clause} action for foreign key constraint containing generated column"),
            ));
        }
    }
    Ok(())
}

const fn referential_action(action: &KeyAction) -> ReferentialAction {
    match action {
        KeyAction::NoAction => ReferentialAction::NoAction,
        KeyAction::Restrict => ReferentialAction::Restrict,
        KeyAction::Cascade => ReferentialAction::Cascade,
        KeyAction::SetNull(_) => ReferentialAction::SetNull,
        KeyAction::SetDefault(_) => ReferentialAction::SetDefault,
    }
}

/// Keys are compared by their encoding, which is one for `text` and `varchar`, and one for integers of all widths.
fn same_key_type(a: DataType, b: DataType) -> bool {
    let is_text = |data_type| matches!(data_type, DataType::Text | DataType::Varchar);
    let is_integer = |data_type| matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8);
    a == b || (is_text(a) && is_text(b)) || (is_integer(a) && is_integer(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_names_are_numbered_and_fit() {
        assert_eq!(free_name("t", "a_b", "key", &|_| false), "t_a_b_key");
        assert_eq!(free_name("t", "", "pkey", &|_| false), "t_pkey");
        assert_eq!(free_name("t", "a", "check", &|name| name == "t_a_check"), "t_a_check1");
        let long = free_name(&"t".repeat(60), &"c".repeat(60), "fkey", &|_| false);
        assert_eq!(long.len(), MAX_NAME_BYTES);
        assert!(long.starts_with("ttt") && long.ends_with("ccc_fkey"));
    }
}
