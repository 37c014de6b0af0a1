//! CREATE INDEX.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{IndexDef, IndexKey, IndexedValue, TableDef};
use heliosdb_storage::key::KeyOrder;
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::value::DataType;

use super::constraint::free_name;
use super::{operator_class, refuse_synced_on_edge, storage_parameter};
use crate::bind::names::QualifiedName;
use crate::bind::row_expression::{RowClause, keep};
use crate::bind::{SearchPath, figure_name, find_target, type_name};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::parse::table::{CreateIndex, IndexElement, IndexedItem, check_tablespace};
use crate::session::Session;

/// Columns of an index (PostgreSQL's limit).
const MAX_COLUMNS: usize = 32;

pub(super) fn run(session: &mut Session, create: &CreateIndex) -> Result<()> {
    if create.concurrently && session.is_in_block() {
        return Err(SqlError::new(
            SqlState::ACTIVE_SQL_TRANSACTION,
            "CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
        ));
    }
    let path = session.path()?;
    let table = session.lock_for_ddl(|catalog| find_target(catalog, &path, &create.table), TableLock::Share)?;
    let catalog = Arc::clone(session.catalog()?);
    if let Some(name) = &create.name
        && catalog.has_relation(&table.schema, name)
    {
        let message = format!("relation \"{name}\" already exists");
        if !create.if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
        }
        session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
        return Ok(());
    }
    refuse_synced_on_edge(session, &table, "create an index on")?;
    let index = definition(&catalog, &path, &table, create)?;
    session.storage()?.create_index(table.id, index)?;
    Ok(())
}

/// The index that the statement asks for.
fn definition(catalog: &Catalog, path: &SearchPath, table: &TableDef, create: &CreateIndex) -> Result<IndexDef> {
    let method = create.method.as_deref().unwrap_or("btree");
    match method {
        "btree" => {}
        "hash" | "gin" | "gist" | "spgist" | "brin" => {
            return Err(SqlError::unsupported(format!("access method \"{method}\""))
                .with_hint("Indexes are ordered: leave USING out, or say btree."));
        }
        _ => {
            return Err(SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("access method \"{method}\" does not exist"),
            ));
        }
    }
    check_tablespace(create.tablespace.as_deref())?;
    if create.elements.len() + create.included.len() > MAX_COLUMNS {
        return Err(SqlError::new(
            SqlState::TOO_MANY_COLUMNS,
            format!("cannot use more than {MAX_COLUMNS} columns in an index"),
        ));
    }
    let predicate = match &create.predicate {
        Some(text) => Some(keep(catalog, path, table, text, RowClause::Predicate, None)?.expression),
        None => None,
    };
    let keys: Vec<IndexKey> =
        create.elements.iter().map(|element| key(catalog, path, table, element)).collect::<Result<_>>()?;
    let included: Vec<usize> =
        create.included.iter().map(|element| included_slot(table, element)).collect::<Result<_>>()?;
    let name = match &create.name {
        Some(name) => name.clone(),
        None => automatic_name(catalog, table, &keys, &included),
    };
    Ok(IndexDef {
        name,
        keys,
        included,
        predicate,
        unique: create.unique,
        nulls_not_distinct: create.nulls_not_distinct,
        options: storage_parameter::of_index(&create.parameters)?,
        ..IndexDef::default()
    })
}

fn key(catalog: &Catalog, path: &SearchPath, table: &TableDef, element: &IndexElement) -> Result<IndexKey> {
    let (value, data_type) = match &element.item {
        IndexedItem::Column(name) => column(table, name)?,
        IndexedItem::Expression(text) => {
            let kept = keep(catalog, path, table, text, RowClause::Index, None)?;
            // A column in parentheses is a column.
            match kept.expr {
                Expr::Column(slot, data_type) => (IndexedValue::Column(slot), data_type),
                _ if kept.expression.slots.iter().any(|slot| is_crdt(table, *slot)) => {
                    return Err(SqlError::unsupported("a CRDT column in an index"));
                }
                expr => {
                    let column_type = crate::bind::tree::plain(expr.data_type());
                    let data_type = column_type.data_type;
                    (IndexedValue::Expression { expression: kept.expression, column_type }, data_type)
                }
            }
        }
    };
    if let IndexedValue::Column(slot) = value
        && is_crdt(table, slot)
    {
        let name = table.columns.get(slot).map(|column| column.name.as_str()).unwrap_or_default();
        return Err(SqlError::unsupported(format!("CRDT column \"{name}\" in a key, constraint or index")));
    }
    if let Some(collation) = &element.collation {
        type_name::check_collation(collation, data_type)?;
    }
    if element.class_options {
        return Err(SqlError::unsupported("options of an operator class"));
    }
    let operator_class = class(element.operator_class.as_ref(), data_type)?;
    let descending = element.descending == Some(true);
    let order = KeyOrder { descending, nulls_first: element.nulls_first.unwrap_or(descending) };
    Ok(IndexKey { value, order, operator_class })
}

/// The operator class, if it is not the one that is taken anyway.
fn class(name: Option<&QualifiedName>, data_type: DataType) -> Result<Option<String>> {
    operator_class::judge_default(data_type)?;
    match name {
        Some(name) => operator_class::named(name, data_type),
        None => Ok(None),
    }
}

fn column(table: &TableDef, name: &str) -> Result<(IndexedValue, DataType)> {
    let Some(slot) = table.slot(name) else {
        return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist")));
    };
    let data_type = table.columns.get(slot).map_or(DataType::Unknown, |column| column.column_type.data_type);
    Ok((IndexedValue::Column(slot), data_type))
}

fn is_crdt(table: &TableDef, slot: usize) -> bool {
    table.columns.get(slot).is_some_and(|column| column.crdt.is_some())
}

/// INCLUDE takes columns, and nothing is said of them.
fn included_slot(table: &TableDef, element: &IndexElement) -> Result<usize> {
    let refuse = |message: &str| Err(SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    let is_expression =
        || SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
    if element.operator_class.is_some() {
        return refuse("including column does not support an operator class");
    }
    if element.collation.is_some() {
        return refuse("including column does not support a collation");
    }
    if element.descending.is_some() {
        return refuse("including column does not support ASC/DESC options");
    }
    if element.nulls_first.is_some() {
        return refuse("including column does not support NULLS FIRST/LAST options");
    }
    match &element.item {
        IndexedItem::Column(name) => match column(table, name)? {
            (IndexedValue::Column(slot), _) if is_crdt(table, slot) => {
                Err(SqlError::unsupported(format!("CRDT column \"{name}\" in a key, constraint or index")))
            }
            (IndexedValue::Column(slot), _) => Ok(slot),
            _ => Err(is_expression()),
        },
        IndexedItem::Expression(_) => Err(is_expression()),
    }
}

/// PostgreSQL's automatic name: the table, its columns or what the expressions are called, `idx`.
fn automatic_name(catalog: &Catalog, table: &TableDef, keys: &[IndexKey], included: &[usize]) -> String {
    let column = |slot: usize| table.columns.get(slot).map_or_else(String::new, |column| column.name.clone());
    let mut names: Vec<String> = Vec::with_capacity(keys.len() + included.len());
    let of_keys = keys.iter().map(|key| match &key.value {
        IndexedValue::Column(slot) => column(*slot),
        IndexedValue::Expression { expression, .. } => expression_name(&expression.text),
    });
    for name in of_keys.chain(included.iter().map(|slot| column(*slot))) {
        let mut unique = name.clone();
        let mut number = 0_usize;
        while names.contains(&unique) {
            number += 1;
            unique = format!("{name}{number}");
        }
        names.push(unique);
    }
    free_name(&table.name, &names.join("_"), "idx", &|name| catalog.has_relation(&table.schema, name))
}

/// What the column of an expression is called.
pub(crate) fn expression_name(text: &str) -> String {
    let name = crate::parse::parse_expression(text).map_or_else(|_| String::new(), |expr| figure_name(&expr));
    if name.is_empty() || name == "?column?" { "expr".to_owned() } else { name }
}
