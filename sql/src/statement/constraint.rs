//! Constraints of CREATE TABLE: their names, their columns, what they may say.

use heliosdb_storage::catalog::{CheckDef, CrdtType, ForeignKeyDef, SyncMode, TableDef, is_permutation};
use heliosdb_storage::value::{ColumnType, DataType};
use heliosdb_storage::{Catalog, catalog};
use sqlparser::ast::{self, ConstraintCharacteristics, ReferentialAction};

use crate::bind::names::{self, ident};
use crate::bind::row_expression::{RowClause, kept, row_condition};
use crate::bind::{Binder, SearchPath, find_target};
use crate::error::{Result, SqlError, SqlState};
use crate::types::{self, ValueContext};

/// The longest name.
const MAX_NAME_BYTES: usize = 63;

/// What an index or a key needs to know of a column.
pub(super) trait KeyColumn {
    fn name(&self) -> &str;
    fn column_type(&self) -> ColumnType;
    fn crdt(&self) -> Option<CrdtType>;
}

impl KeyColumn for catalog::ColumnDef {
    fn name(&self) -> &str {
        &self.name
    }
    fn column_type(&self) -> ColumnType {
        self.column_type
    }
    fn crdt(&self) -> Option<CrdtType> {
        self.crdt
    }
}

impl KeyColumn for catalog::NewColumn {
    fn name(&self) -> &str {
        &self.name
    }
    fn column_type(&self) -> ColumnType {
        self.column_type
    }
    fn crdt(&self) -> Option<CrdtType> {
        self.crdt
    }
}

/// The slots of the columns of a key or an index.
pub(super) fn index_slots<C: KeyColumn>(columns: &[C], names: &[String], what: &str) -> Result<Vec<usize>> {
    let mut slots = Vec::with_capacity(names.len());
    for name in names {
        let found = columns.iter().enumerate().find(|(_, column)| column.name() == name);
        let Some((slot, column)) = found else {
            let message = if what == "index" {
                format!("column \"{name}\" does not exist")
            } else {
                format!("column \"{name}\" named in key does not exist")
            };
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if slots.contains(&slot) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" appears twice in {what}"),
            ));
        }
        if column.crdt().is_some() {
            return Err(SqlError::unsupported(format!("CRDT column \"{name}\" in a key, constraint or index")));
        }
        if column.column_type().data_type == DataType::Jsonb {
            return Err(SqlError::unsupported(format!("jsonb column \"{name}\" in a key or index")));
        }
        slots.push(slot);
    }
    Ok(slots)
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

/// DEFERRABLE and NOT ENFORCED are refused; what is said about the default is fine.
pub(super) fn check_characteristics(characteristics: Option<&ConstraintCharacteristics>) -> Result<()> {
    let Some(ConstraintCharacteristics { deferrable, initially, enforced }) = characteristics else { return Ok(()) };
    if *deferrable == Some(true) || matches!(initially, Some(ast::DeferrableInitial::Deferred)) {
        return Err(SqlError::unsupported("a deferrable constraint"));
    }
    if *enforced == Some(false) {
        return Err(SqlError::unsupported("a constraint that is NOT ENFORCED"));
    }
    Ok(())
}

/// A CHECK over the table's columns.
pub(super) fn check(
    (catalog, path): (&Catalog, &SearchPath),
    table: &TableDef,
    name: Option<String>,
    expr: &ast::Expr,
    is_taken: &dyn Fn(&str) -> bool,
) -> Result<CheckDef> {
    let time = ValueContext::utc();
    let mut binder = Binder::new(catalog, &time, "", &[]).with_path(path.clone());
    let bound = row_condition(&mut binder, table, expr, RowClause::Check)?;
    let expression = kept(expr, &bound);
    let name = name.unwrap_or_else(|| {
        let column = match expression.slots.as_slice() {
            [slot] => table.columns.get(*slot).map_or("", |column| column.name.as_str()),
            _ => "",
        };
        free_name(&table.name, column, "check", is_taken)
    });
    Ok(CheckDef { name, expression, validated: true, ..CheckDef::default() })
}

/// A foreign key; `own` is the table that is being made, which it may refer to.
pub(super) fn foreign_key(
    (catalog, path): (&Catalog, &SearchPath),
    own: &TableDef,
    key: &ast::ForeignKeyConstraint,
    columns: &[String],
    is_taken: &dyn Fn(&str) -> bool,
) -> Result<ForeignKeyDef> {
    let ast::ForeignKeyConstraint {
        name,
        index_name,
        columns: _,
        foreign_table,
        referred_columns,
        on_delete,
        on_update,
        match_kind,
        characteristics,
    } = key;
    for (action, clause) in [(on_delete, "ON DELETE"), (on_update, "ON UPDATE")] {
        if let Some(
            action @ (ReferentialAction::Cascade | ReferentialAction::SetNull | ReferentialAction::SetDefault),
        ) = action
        {
            return Err(SqlError::unsupported(format!("{clause} {action}")));
        }
    }
    if !matches!(match_kind, None | Some(ast::ConstraintReferenceMatchKind::Simple)) {
        return Err(SqlError::unsupported("MATCH FULL or MATCH PARTIAL"));
    }
    if index_name.is_some() {
        return Err(SqlError::unsupported("an index name of a foreign key"));
    }
    check_characteristics(characteristics.as_ref())?;
    let parent_name = names::qualified(foreign_table)?;
    // The table itself is not in the catalog yet; it is made in the first schema of the path.
    let is_self = parent_name.name == own.name
        && match &parent_name.schema {
            Some(schema) => path.explicit(schema) == own.schema,
            None => {
                path.find(&parent_name, |schema| {
                    (schema == own.schema || catalog.has_relation(schema, &own.name)).then(|| schema == own.schema)
                }) == Some(true)
            }
        };
    let found = if is_self { None } else { Some(find_target(catalog, path, &parent_name)?) };
    let parent = found.as_deref().unwrap_or(own);
    let slots = index_slots(&own.columns, columns, "foreign key")?;
    let parent_slots = if referred_columns.is_empty() {
        if parent.primary_key.is_empty() {
            return Err(SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("there is no primary key for referenced table \"{}\"", parent.name),
            ));
        }
        parent.primary_key.clone()
    } else {
        let referred: Vec<String> = referred_columns.iter().map(ident).collect();
        index_slots(&parent.columns, &referred, "foreign key")?
    };
    if slots.len() != parent_slots.len() {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    if !is_unique(parent, &parent_slots) {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!("there is no unique constraint matching given keys for referenced table \"{}\"", parent.name),
        ));
    }
    let name = match name {
        Some(name) => ident(name),
        None => free_name(&own.name, &columns.join("_"), "fkey", is_taken),
    };
    for (slot, parent_slot) in slots.iter().zip(&parent_slots) {
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
    if own.sync != SyncMode::None && !is_self && !parent.is_synced() {
        return Err(SqlError::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!("synced table \"{}\" cannot refer to local table \"{}\"", own.name, parent.name),
        )
        .with_hint(
            "Other nodes have the rows of the one, but not of the other. Use sync = 'none' or sync = 'both' for both.",
        ));
    }
    let parent = found.map(|parent| parent.id).unwrap_or_default();
    Ok(ForeignKeyDef { name, slots, parent, parent_slots, validated: true, ..ForeignKeyDef::default() })
}

/// Keys are compared by their encoding, which is one for `text` and `varchar`, and one for integers of all widths.
fn same_key_type(a: DataType, b: DataType) -> bool {
    let is_text = |data_type| matches!(data_type, DataType::Text | DataType::Varchar);
    let is_integer = |data_type| matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8);
    a == b || (is_text(a) && is_text(b)) || (is_integer(a) && is_integer(b))
}

fn is_unique(table: &TableDef, slots: &[usize]) -> bool {
    is_permutation(&table.primary_key, slots) || table.indexes.iter().any(|index| index.is_key_of(slots))
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
