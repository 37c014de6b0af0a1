//! Constraints, judged in one place for SQL statements and for merges.
//!
//! Here is what can be judged on one row alone, and the wording of all violations. What needs other rows (UNIQUE, foreign
//! keys) is judged by the transaction, which has the locks and the newest versions.

mod text;

use crate::catalog::{Catalog, CheckDef, ForeignKeyDef, IndexDef, RowExpression, TableDef};
use crate::error::{ConstraintKind, Error, Result, Violation};
use crate::value::{ColumnType, Value};

/// Evaluates the expressions that definitions keep as text. The SQL crate implements it, because it owns the one evaluator.
/// What it makes of the texts of a table it can keep in [`TableDef::compiled`]. Its errors are [`Error::Evaluation`].
pub trait RowChecker: Send + Sync {
    /// Whether the row satisfies the check (an unknown result does).
    fn check(&self, at: &RowContext<'_>, check: &CheckDef) -> Result<bool>;

    /// The value of an expression of the table over the row, of the given type: a key of an index, a generated column.
    fn value(&self, _at: &RowContext<'_>, expression: &RowExpression, _column_type: ColumnType) -> Result<Value> {
        Err(Error::Unsupported(format!("the expression {}", expression.text)))
    }

    /// Whether a condition on the row is true, which an unknown one is not: the predicate of an index.
    fn is_true(&self, _at: &RowContext<'_>, condition: &RowExpression) -> Result<bool> {
        Err(Error::Unsupported(format!("the condition {}", condition.text)))
    }

    /// A value of one type as it is assigned to a column of another.
    fn assign(&self, _at: &RowContext<'_>, value: &Value, from: ColumnType, to: ColumnType) -> Result<Value> {
        if from.data_type == to.data_type {
            return Ok(value.clone());
        }
        Err(Error::Unsupported(format!("a value of type {from:?} in a column of type {to:?}")))
    }

    /// The DEFAULT of a column; NULL if it has none.
    fn default_value(&self, at: &RowContext<'_>, slot: usize) -> Result<Value> {
        match at.table.columns.get(slot).and_then(|column| column.default.as_ref()) {
            Some(text) => Err(Error::Unsupported(format!("the default {text}"))),
            None => Ok(Value::Null),
        }
    }
}

/// What an expression of a table is evaluated on.
#[derive(Clone, Copy, Debug)]
pub struct RowContext<'a> {
    /// The catalog in which its names mean something.
    pub catalog: &'a Catalog,
    /// The table.
    pub table: &'a TableDef,
    /// The row.
    pub row: &'a [Value],
}

/// Which CHECK constraints bind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    /// All: a statement of this node.
    Local,
    /// Those that read no CRDT column: its value is the sum of what many nodes did, none of whom broke the rule alone.
    Merged,
}

/// Judges NOT NULL and CHECK.
pub(crate) fn judge_row(checker: &dyn RowChecker, at: &RowContext<'_>, binding: Binding) -> Result<()> {
    let RowContext { table, row, .. } = *at;
    for (column, value) in table.columns.iter().zip(row) {
        if column.not_null && value.is_null() {
            return Err(not_null(table, &column.name, row).into());
        }
    }
    for check in &table.checks {
        let is_counter = |&slot: &usize| table.columns.get(slot).is_some_and(|column| column.is_counter());
        let reads_crdt = || check.expression.slots.iter().any(is_counter);
        if binding == Binding::Merged && reads_crdt() {
            continue;
        }
        if !checker.check(at, check)? {
            return Err(check_failed(table, &check.name, row).into());
        }
    }
    Ok(())
}

fn violation(kind: ConstraintKind, table: &TableDef, message: String) -> Violation {
    Violation {
        kind,
        message,
        detail: None,
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: None,
        constraint: None,
    }
}

fn not_null(table: &TableDef, column: &str, row: &[Value]) -> Violation {
    let message =
        format!("null value in column \"{column}\" of relation \"{}\" violates not-null constraint", table.name);
    Violation {
        detail: Some(text::failing_row(row)),
        column: Some(column.to_owned()),
        ..violation(ConstraintKind::NotNull, table, message)
    }
}

fn check_failed(table: &TableDef, check: &str, row: &[Value]) -> Violation {
    let message = format!("new row for relation \"{}\" violates check constraint \"{check}\"", table.name);
    Violation {
        detail: Some(text::failing_row(row)),
        constraint: Some(check.to_owned()),
        ..violation(ConstraintKind::Check, table, message)
    }
}

/// Another row has the same primary key.
pub(crate) fn duplicate(table: &TableDef, row: &[Value]) -> Error {
    let default_name = format!("{}_pkey", table.name);
    let name = table.primary_key_name.as_ref().unwrap_or(&default_name);
    let slots = &table.primary_key;
    duplicate_key(table, name, &text::key(table, slots, &values_at(row, slots)))
}

/// Another row has the same values under an index.
pub(crate) fn duplicate_in_index(table: &TableDef, index: &IndexDef, values: &[Value]) -> Error {
    duplicate_key(table, &index.name, &text::index_key(table, index, values))
}

fn duplicate_key(table: &TableDef, constraint: &str, key: &str) -> Error {
    let message = format!("duplicate key value violates unique constraint \"{constraint}\"");
    Violation {
        detail: Some(format!("Key {key} already exists.")),
        constraint: Some(constraint.to_owned()),
        ..violation(ConstraintKind::Unique, table, message)
    }
    .into()
}

/// An index cannot be made because rows have the same values.
pub(crate) fn duplicate_in_new_index(table: &TableDef, index: &IndexDef, values: &[Value]) -> Error {
    let key = text::index_key(table, index, values);
    Violation {
        detail: Some(format!("Key {key} is duplicated.")),
        constraint: Some(index.name.clone()),
        ..violation(ConstraintKind::Unique, table, format!("could not create unique index \"{}\"", index.name))
    }
    .into()
}

/// A primary key cannot be made because rows have the same values.
pub(crate) fn duplicate_in_new_key(table: &TableDef, row: &[Value]) -> Error {
    let default_name = format!("{}_pkey", table.name);
    let name = table.primary_key_name.as_ref().unwrap_or(&default_name);
    let key = text::key(table, &table.primary_key, &values_at(row, &table.primary_key));
    Violation {
        detail: Some(format!("Key {key} is duplicated.")),
        constraint: Some(name.clone()),
        ..violation(ConstraintKind::Unique, table, format!("could not create unique index \"{name}\""))
    }
    .into()
}

/// A column cannot become NOT NULL.
pub(crate) fn contains_nulls(table: &TableDef, slot: usize) -> Error {
    let column = table.columns.get(slot).map(|column| column.name.clone()).unwrap_or_default();
    let message = format!("column \"{column}\" of relation \"{}\" contains null values", table.name);
    Violation { column: Some(column), ..violation(ConstraintKind::NotNull, table, message) }.into()
}

/// A row that is there already does not satisfy a check.
pub(crate) fn check_of_rows_failed(table: &TableDef, check: &CheckDef) -> Error {
    let message = format!("check constraint \"{}\" of relation \"{}\" is violated by some row", check.name, table.name);
    Violation { constraint: Some(check.name.clone()), ..violation(ConstraintKind::Check, table, message) }.into()
}

/// A row refers to one that does not exist.
pub(crate) fn no_parent(child: &TableDef, parent: &TableDef, key: &ForeignKeyDef, values: &[&Value]) -> Error {
    let message =
        format!("insert or update on table \"{}\" violates foreign key constraint \"{}\"", child.name, key.name);
    let shown = text::key(child, &key.slots, values);
    Violation {
        detail: Some(format!("Key {shown} is not present in table \"{}\".", parent.name)),
        constraint: Some(key.name.clone()),
        ..violation(ConstraintKind::ForeignKey, child, message)
    }
    .into()
}

/// Of the columns of a row that refer to another by MATCH FULL some are NULL and some are not.
pub(crate) fn mixed_nulls(child: &TableDef, key: &ForeignKeyDef) -> Error {
    let message =
        format!("insert or update on table \"{}\" violates foreign key constraint \"{}\"", child.name, key.name);
    Violation {
        detail: Some("MATCH FULL does not allow mixing of null and nonnull key values.".to_owned()),
        constraint: Some(key.name.clone()),
        ..violation(ConstraintKind::ForeignKey, child, message)
    }
    .into()
}

/// A row is still referred to.
pub(crate) fn has_children(parent: &TableDef, child: &TableDef, key: &ForeignKeyDef, values: &[&Value]) -> Error {
    let message = format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
        parent.name, key.name, child.name
    );
    let shown = text::key(parent, &key.parent_slots, values);
    Violation {
        detail: Some(format!("Key {shown} is still referenced from table \"{}\".", child.name)),
        constraint: Some(key.name.clone()),
        ..violation(ConstraintKind::ForeignKey, child, message)
    }
    .into()
}

/// A `g_counter` was to shrink, or to start below zero.
pub(crate) fn shrinking_counter(table: &TableDef, column: &str) -> Error {
    let message = format!("counter \"{column}\" of relation \"{}\" cannot decrease", table.name);
    Violation { column: Some(column.to_owned()), ..violation(ConstraintKind::Check, table, message) }.into()
}

/// The values at some slots of a row.
pub(crate) fn values_at<'a>(row: &'a [Value], slots: &[usize]) -> Vec<&'a Value> {
    slots.iter().map(|&slot| row.get(slot).unwrap_or(&Value::Null)).collect()
}
