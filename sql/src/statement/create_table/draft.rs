//! A table that is being put together: columns and constraints as they are written, names and slots once all are known.

use std::collections::BTreeSet;

use heliosdb_storage::catalog::{IndexDef, NewColumn, NewTable, SyncMode, TableDef};
use heliosdb_storage::{Catalog, ColumnId, SyncTableId};
use sqlparser::ast::{self, ColumnOption, TableConstraint};

use super::super::constraint::{check, check_characteristics, foreign_key, free_name, index_slots};
use super::super::index_column;
use crate::bind::names::{self, ident};
use crate::bind::{Binder, SearchPath, type_name};
use crate::error::{Result, SqlError, SqlState};
use crate::types::ValueContext;

/// How many columns a table may have.
const MAX_COLUMNS: usize = 1_600;

/// Names that PostgreSQL keeps for the columns every table has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// A table that is being put together.
pub(super) struct Draft<'c> {
    catalog: &'c Catalog,
    path: &'c SearchPath,
    pub table: NewTable,
    /// PRIMARY KEY: its name, if one was given, and its columns.
    primary: Option<(Option<String>, Vec<String>)>,
    /// UNIQUE constraints, likewise.
    unique: Vec<(Option<String>, Vec<String>)>,
    checks: Vec<(Option<String>, &'c ast::Expr)>,
    foreign_keys: Vec<(&'c ast::ForeignKeyConstraint, Option<String>, Vec<String>)>,
    defaults: Vec<(usize, &'c ast::Expr)>,
}

impl<'c> Draft<'c> {
    pub fn new(catalog: &'c Catalog, path: &'c SearchPath, schema: &str, name: &str) -> Self {
        let table = NewTable { schema: schema.to_owned(), name: name.to_owned(), ..NewTable::default() };
        Self {
            catalog,
            path,
            table,
            primary: None,
            unique: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            defaults: Vec::new(),
        }
    }

    pub fn column(&mut self, definition: &'c ast::ColumnDef) -> Result<()> {
        let name = ident(&definition.name);
        if self.table.columns.len() >= MAX_COLUMNS {
            return Err(SqlError::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        if SYSTEM_COLUMNS.contains(&name.as_str()) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column name \"{name}\" conflicts with a system column name"),
            ));
        }
        if self.table.columns.iter().any(|column| column.name == name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        let declared = type_name::declared(&definition.data_type)?;
        let slot = self.table.columns.len();
        let column = NewColumn::new(name.clone(), declared.column_type);
        self.table.columns.push(NewColumn { crdt: declared.crdt, ..column });
        let mut null = None;
        for option in &definition.options {
            let constraint_name = option.name.as_ref().map(ident);
            match &option.option {
                ColumnOption::Null => set_null(&mut null, true, &name, &self.table.name)?,
                ColumnOption::NotNull => set_null(&mut null, false, &name, &self.table.name)?,
                ColumnOption::Default(expr) => {
                    if self.defaults.iter().any(|(known, _)| *known == slot) {
                        return Err(SqlError::new(
                            SqlState::SYNTAX_ERROR,
                            format!(
                                "multiple default values specified for column \"{name}\" of table \"{}\"",
                                self.table.name
                            ),
                        ));
                    }
                    self.defaults.push((slot, expr));
                }
                ColumnOption::PrimaryKey(key) => {
                    check_characteristics(key.characteristics.as_ref())?;
                    self.set_primary(constraint_name, vec![name.clone()])?;
                }
                ColumnOption::Unique(key) => {
                    check_characteristics(key.characteristics.as_ref())?;
                    refuse_nulls_not_distinct(key)?;
                    self.unique.push((constraint_name, vec![name.clone()]));
                }
                ColumnOption::ForeignKey(key) => {
                    self.foreign_keys.push((key, constraint_name, vec![name.clone()]));
                }
                ColumnOption::Check(check) => self.check(check, constraint_name)?,
                ColumnOption::Collation(collation) => {
                    let collation = names::qualified(collation)?;
                    if !matches!(collation.name.as_str(), "C" | "POSIX" | "default") {
                        return Err(SqlError::unsupported(format!("collation \"{collation}\"")));
                    }
                }
                ColumnOption::Generated { generation_expr: Some(_), .. } => {
                    return Err(SqlError::unsupported("a generated column"));
                }
                ColumnOption::Generated { .. } | ColumnOption::Identity(_) => {
                    return Err(SqlError::unsupported("an identity column").with_hint(
                        "Use a uuid key with DEFAULT gen_random_uuid(): it needs no coordination between nodes.",
                    ));
                }
                other => return Err(SqlError::unsupported(format!("the column option {other}"))),
            }
        }
        if let (Some(false), Some(column)) = (null, self.table.columns.get_mut(slot)) {
            column.not_null = true;
        }
        if null == Some(true) && self.primary.as_ref().is_some_and(|(_, columns)| columns.contains(&name)) {
            return Err(conflicting_null(&name, &self.table.name));
        }
        Ok(())
    }

    pub fn table_constraint(&mut self, constraint: &'c TableConstraint) -> Result<()> {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                let ast::PrimaryKeyConstraint {
                    name,
                    index_name,
                    index_type,
                    columns,
                    include,
                    index_options,
                    characteristics,
                } = key;
                refuse_index_clauses(index_name.is_some() || index_type.is_some(), include, index_options)?;
                check_characteristics(characteristics.as_ref())?;
                let columns = columns.iter().map(index_column).collect::<Result<Vec<_>>>()?;
                self.set_primary(name.as_ref().map(ident), columns)
            }
            TableConstraint::Unique(key) => {
                let ast::UniqueConstraint {
                    name,
                    index_name,
                    index_type_display: _,
                    index_type,
                    columns,
                    include,
                    index_options,
                    characteristics,
                    nulls_distinct: _,
                } = key;
                refuse_index_clauses(index_name.is_some() || index_type.is_some(), include, index_options)?;
                refuse_nulls_not_distinct(key)?;
                check_characteristics(characteristics.as_ref())?;
                let columns = columns.iter().map(index_column).collect::<Result<Vec<_>>>()?;
                self.unique.push((name.as_ref().map(ident), columns));
                Ok(())
            }
            TableConstraint::ForeignKey(key) => {
                let columns = key.columns.iter().map(ident).collect();
                self.foreign_keys.push((key, None, columns));
                Ok(())
            }
            TableConstraint::Check(check) => self.check(check, None),
            TableConstraint::Exclude(_) => Err(SqlError::unsupported("EXCLUDE")),
            other => Err(SqlError::unsupported(format!("the constraint {other}"))),
        }
    }

    fn check(&mut self, check: &'c ast::CheckConstraint, column_name: Option<String>) -> Result<()> {
        let ast::CheckConstraint { name, expr, no_inherit: _, enforced } = check;
        if *enforced == Some(false) {
            return Err(SqlError::unsupported("a constraint that is NOT ENFORCED"));
        }
        self.checks.push((name.as_ref().map(ident).or(column_name), expr));
        Ok(())
    }

    fn set_primary(&mut self, name: Option<String>, columns: Vec<String>) -> Result<()> {
        if self.primary.is_some() {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("multiple primary keys for table \"{}\" are not allowed", self.table.name),
            ));
        }
        self.primary = Some((name, columns));
        Ok(())
    }

    /// Gives the keys their names and slots.
    pub fn primary_and_unique(&mut self) -> Result<()> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        // Names that were given come first: automatic ones make way for them.
        let given = self.primary.iter().map(|(name, _)| name).chain(self.unique.iter().map(|(name, _)| name));
        for name in given.flatten() {
            if self.catalog.has_relation(&self.table.schema, name)
                || *name == self.table.name
                || !taken.insert(name.clone())
            {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
            }
        }
        if let Some((name, columns)) = self.primary.take() {
            let slots = index_slots(&self.table.columns, &columns, "primary key constraint")?;
            for slot in &slots {
                if let Some(column) = self.table.columns.get_mut(*slot) {
                    column.not_null = true;
                }
            }
            let name = name.unwrap_or_else(|| self.index_name("", "pkey", &taken));
            taken.insert(name.clone());
            self.table.primary_key = Some((name, slots));
        }
        for (name, columns) in std::mem::take(&mut self.unique) {
            let slots = index_slots(&self.table.columns, &columns, "unique constraint")?;
            // A second UNIQUE over the same columns, or over the primary key's, says nothing new.
            let is_known = self.table.indexes.iter().any(|index| index.column_slots().as_ref() == Some(&slots))
                || self.table.primary_key.as_ref().is_some_and(|(_, key)| *key == slots);
            if is_known && name.is_none() {
                continue;
            }
            let name = name.unwrap_or_else(|| self.index_name(&columns.join("_"), "key", &taken));
            taken.insert(name.clone());
            self.table.indexes.push(IndexDef::unique_constraint(name, &slots));
        }
        Ok(())
    }

    fn index_name(&self, columns: &str, label: &str, taken: &BTreeSet<String>) -> String {
        free_name(&self.table.name, columns, label, &|name| {
            taken.contains(name) || self.catalog.has_relation(&self.table.schema, name)
        })
    }

    /// Defaults, checks and foreign keys, now that all columns and keys are known.
    pub fn finish(mut self) -> Result<NewTable> {
        let time = ValueContext::utc();
        for (slot, expr) in std::mem::take(&mut self.defaults) {
            let definition = self.definition();
            let Some(column) = definition.columns.get(slot) else { continue };
            Binder::new(self.catalog, &time, "", &[]).with_path(self.path.clone()).default_expression(expr, column)?;
            if let Some(column) = self.table.columns.get_mut(slot) {
                column.default = Some(expr.to_string());
            }
        }
        let definition = self.definition();
        let mut names: BTreeSet<String> = definition.primary_key_name.iter().cloned().collect();
        names.extend(definition.indexes.iter().map(|index| index.name.clone()));
        let given_checks = self.checks.iter().filter_map(|(name, _)| name.clone());
        let given_keys =
            self.foreign_keys.iter().filter_map(|(key, name, _)| key.name.as_ref().map(ident).or_else(|| name.clone()));
        let of_checks = given_checks.map(|name| (name, "check constraint"));
        for (name, kind) in of_checks.chain(given_keys.map(|name| (name, "constraint"))) {
            if !names.insert(name.clone()) {
                return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, format!("{kind} \"{name}\" already exists")));
            }
        }
        for (name, expr) in std::mem::take(&mut self.checks) {
            let check = check((self.catalog, self.path), &definition, name, expr, &|name| names.contains(name))?;
            names.insert(check.name.clone());
            self.table.checks.push(check);
        }
        // PostgreSQL judges them in the order of their names.
        self.table.checks.sort_by(|a, b| a.name.cmp(&b.name));
        for (key, name, columns) in std::mem::take(&mut self.foreign_keys) {
            let mut key = key.clone();
            key.name = key.name.or_else(|| name.map(ast::Ident::new).map(quoted));
            let made =
                foreign_key((self.catalog, self.path), &definition, &key, &columns, &|name| names.contains(name))?;
            names.insert(made.name.clone());
            self.table.foreign_keys.push(made);
        }
        Ok(self.table)
    }

    /// The table as far as it is known, in the form that expressions are bound against.
    fn definition(&self) -> TableDef {
        let ids = (1..).map(ColumnId);
        let columns = ids.zip(&self.table.columns).map(|(id, column)| column.clone().with_id(id));
        TableDef {
            sync_id: (self.table.sync != SyncMode::None).then_some(SyncTableId(0)),
            schema: self.table.schema.clone(),
            name: self.table.name.clone(),
            columns: columns.collect(),
            primary_key: self.table.primary_key.as_ref().map(|(_, slots)| slots.clone()).unwrap_or_default(),
            primary_key_name: self.table.primary_key.as_ref().map(|(name, _)| name.clone()),
            indexes: self.table.indexes.clone(),
            sync: self.table.sync,
            ..TableDef::default()
        }
    }
}

/// A name that has been read already keeps its case.
fn quoted(mut name: ast::Ident) -> ast::Ident {
    name.quote_style = Some('"');
    name
}

fn set_null(known: &mut Option<bool>, null: bool, column: &str, table: &str) -> Result<()> {
    if known.is_some_and(|known| known != null) {
        return Err(conflicting_null(column, table));
    }
    *known = Some(null);
    Ok(())
}

fn conflicting_null(column: &str, table: &str) -> SqlError {
    SqlError::new(
        SqlState::SYNTAX_ERROR,
        format!("conflicting NULL/NOT NULL declarations for column \"{column}\" of table \"{table}\""),
    )
}

fn refuse_nulls_not_distinct(key: &ast::UniqueConstraint) -> Result<()> {
    match key.nulls_distinct {
        ast::NullsDistinctOption::NotDistinct => Err(SqlError::unsupported("NULLS NOT DISTINCT")),
        ast::NullsDistinctOption::None | ast::NullsDistinctOption::Distinct => Ok(()),
    }
}

fn refuse_index_clauses(has_index: bool, include: &[ast::Ident], options: &[ast::IndexOption]) -> Result<()> {
    if !include.is_empty() {
        return Err(SqlError::unsupported("INCLUDE"));
    }
    if has_index || !options.is_empty() {
        return Err(SqlError::unsupported("an index clause in a constraint"));
    }
    Ok(())
}
