//! Indexes as PostgreSQL lists them.

use std::collections::HashSet;

use heliosdb_storage::catalog::{Deferral, IndexDef, IndexKey, IndexedValue, RowExpression, TableDef};
use heliosdb_storage::key::KeyOrder;
use heliosdb_storage::value::ColumnType;

use crate::functions::quote_ident;
use crate::statement::create_index::expression_name;

/// A secondary index, or the primary key, which here is the table itself.
pub(super) struct ListedIndex<'a> {
    pub oid: u32,
    pub name: &'a str,
    pub keys: Vec<IndexKey>,
    pub included: &'a [usize],
    pub predicate: Option<&'a RowExpression>,
    pub is_unique: bool,
    pub nulls_not_distinct: bool,
    pub is_primary: bool,
    pub deferral: Deferral,
    options: &'a [String],
}

impl<'a> ListedIndex<'a> {
    pub fn of(table: &'a TableDef) -> impl Iterator<Item = Self> {
        let primary = table.primary_key_id.zip(table.primary_key_name.as_deref()).map(|(id, name)| Self {
            oid: id.0,
            name,
            keys: table.primary_key.iter().map(|&slot| IndexKey::column(slot)).collect(),
            included: &[],
            predicate: None,
            is_unique: true,
            nulls_not_distinct: false,
            is_primary: true,
            deferral: Deferral::NotDeferrable,
            options: &[],
        });
        let secondary = table.indexes.iter().map(|index: &IndexDef| Self {
            oid: index.id.0,
            name: &index.name,
            keys: index.keys.clone(),
            included: &index.included,
            predicate: index.predicate.as_ref(),
            is_unique: index.unique,
            nulls_not_distinct: index.nulls_not_distinct,
            is_primary: false,
            deferral: index.deferral,
            options: &index.options,
        });
        primary.into_iter().chain(secondary)
    }

    /// How many columns it has, those that it includes among them.
    pub fn width(&self) -> usize {
        self.keys.len() + self.included.len()
    }

    /// The numbers of its columns; 0 for an expression.
    pub fn column_numbers(&self, table: &TableDef) -> Vec<u32> {
        let number = |slot: usize| table.columns.get(slot).map_or(0, |column| u32::from(column.id.0));
        let keys = self.keys.iter().map(|key| key.value.slot().map_or(0, number));
        keys.chain(self.included.iter().map(|slot| number(*slot))).collect()
    }

    /// The texts of its expressions, if it has any.
    pub fn expressions(&self) -> Option<String> {
        let texts = self.keys.iter().filter_map(|key| match &key.value {
            IndexedValue::Column(_) => None,
            IndexedValue::Expression { expression, .. } => Some(expression.text.as_str()),
        });
        let texts: Vec<&str> = texts.collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    /// Names and types of its columns. That of an expression is the function it calls, or `expr`.
    pub fn attributes(&self, table: &TableDef) -> Vec<(String, ColumnType)> {
        let mut taken = HashSet::new();
        let mut found = Vec::with_capacity(self.width());
        let included = self.included.iter().map(|slot| IndexedValue::Column(*slot));
        for value in self.keys.iter().map(|key| key.value.clone()).chain(included) {
            let (name, column_type) = match &value {
                IndexedValue::Column(slot) => match table.columns.get(*slot) {
                    Some(column) => (column.name.clone(), column.column_type),
                    None => continue,
                },
                IndexedValue::Expression { expression, column_type } => {
                    (expression_name(&expression.text), *column_type)
                }
            };
            let mut unique = name.clone();
            let mut number = 0;
            while !taken.insert(unique.clone()) {
                number += 1;
                unique = format!("{name}{number}");
            }
            found.push((unique, column_type));
        }
        found
    }

    /// The statement that makes it.
    pub fn definition(&self, table: &TableDef) -> String {
        let column = |slot: usize| table.columns.get(slot).map_or_else(String::new, |column| quote_ident(&column.name));
        let keys: Vec<String> = self.keys.iter().map(|key| key_text(key, &column)).collect();
        let mut text = format!(
            "CREATE {}INDEX {} ON {}.{} USING btree ({})",
            if self.is_unique { "UNIQUE " } else { "" },
            quote_ident(self.name),
            quote_ident(&table.schema),
            quote_ident(&table.name),
            keys.join(", ")
        );
        if !self.included.is_empty() {
            let included: Vec<String> = self.included.iter().map(|slot| column(*slot)).collect();
            text += &format!(" INCLUDE ({})", included.join(", "));
        }
        if self.nulls_not_distinct {
            text += " NULLS NOT DISTINCT";
        }
        if !self.options.is_empty() {
            let options: Vec<String> = self.options.iter().map(|option| quoted_option(option)).collect();
            text += &format!(" WITH ({})", options.join(", "));
        }
        if let Some(predicate) = self.predicate {
            text += &format!(" WHERE ({})", predicate.text);
        }
        text
    }
}

fn key_text(key: &IndexKey, column: &dyn Fn(usize) -> String) -> String {
    let mut text = match &key.value {
        IndexedValue::Column(slot) => column(*slot),
        IndexedValue::Expression { expression, .. } if expression.is_call() => expression.text.clone(),
        IndexedValue::Expression { expression, .. } => format!("(({}))", expression.text),
    };
    if let Some(class) = &key.operator_class {
        text = format!("{text} {class}");
    }
    let order = match key.order {
        KeyOrder { descending: false, nulls_first: false } => "",
        KeyOrder { descending: false, nulls_first: true } => " NULLS FIRST",
        KeyOrder { descending: true, nulls_first: true } => " DESC",
        KeyOrder { descending: true, nulls_first: false } => " DESC NULLS LAST",
    };
    text + order
}

/// `fillfactor=70` as it is written: `fillfactor='70'`.
fn quoted_option(option: &str) -> String {
    match option.split_once('=') {
        Some((name, value)) => format!("{name}='{value}'"),
        None => option.to_owned(),
    }
}
