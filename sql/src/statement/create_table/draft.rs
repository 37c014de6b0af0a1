//! A table that is being put together: columns and constraints as they are written, names and slots once all are known.

use std::collections::BTreeSet;

use heliosdb_storage::catalog::{
    CheckDef, ColumnDef, ForeignKeyDef, IndexDef, NewColumn, NewTable, RowExpression, SyncMode, TableDef,
};
use heliosdb_storage::{Catalog, ColumnId, SyncTableId};

use super::super::constraint::{check, deferral, foreign_key, free_name, key_index};
use super::numbered::{Numbered, refuse_on_synced};
use crate::bind::row_expression::{RowClause, keep};
use crate::bind::type_name::TypeNames;
use crate::bind::{Binder, SearchPath, type_name};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::parse::table::{
    Attributes, ColumnDefinition, ConstraintKind, ExpressionText, ForeignKey, Generation, KeyColumns, NamedConstraint,
};
use crate::types::ValueContext;

/// How many columns a table may have.
pub(in crate::statement) const MAX_COLUMNS: usize = 1_600;

/// Names that PostgreSQL keeps for the columns every table has.
pub(in crate::statement) const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// A PRIMARY KEY or UNIQUE constraint, as it is written.
struct Key<'c> {
    name: Option<String>,
    columns: &'c KeyColumns,
    nulls_not_distinct: bool,
    attributes: Attributes,
}

/// A table that is being put together.
pub(super) struct Draft<'c> {
    catalog: &'c Catalog,
    path: &'c SearchPath,
    pub table: NewTable,
    primary: Option<Key<'c>>,
    unique: Vec<Key<'c>>,
    checks: Vec<(&'c NamedConstraint, &'c ExpressionText)>,
    foreign_keys: Vec<(&'c NamedConstraint, &'c ForeignKey)>,
    defaults: Vec<(usize, &'c ExpressionText)>,
    generated: Vec<(usize, &'c ExpressionText)>,
    /// Columns with a sequence.
    pub numbered: Vec<Numbered>,
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
            generated: Vec::new(),
            numbered: Vec::new(),
        }
    }

    pub fn column(&mut self, definition: &'c ColumnDefinition) -> Result<()> {
        let name = &definition.name;
        if self.table.columns.len() >= MAX_COLUMNS {
            return Err(SqlError::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        if self.table.columns.iter().any(|column| column.name == *name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        let slot = self.table.columns.len();
        let numbered = Numbered::of(definition, slot, &self.table.name)?;
        let plain = numbered.as_ref().map_or(definition, |(_, plain)| plain);
        let mut column = plain_column((self.catalog, self.path), plain, &self.table.name)?;
        if let Some((mut numbered, _)) = numbered {
            numbered.for_type(column.column_type.data_type)?;
            if definition.null.contains(&true) {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    format!(
                        "conflicting NULL/NOT NULL declarations for column \"{name}\" of table \"{}\"",
                        self.table.name
                    ),
                ));
            }
            column.not_null = true;
            column.identity = numbered.identity;
            self.numbered.push(numbered);
        }
        self.table.columns.push(column);
        self.defaults.extend(definition.defaults.first().map(|text| (slot, text)));
        for generation in &definition.generations {
            match generation {
                Generation::Stored(text) => self.generated.push((slot, text)),
                Generation::Identity(_) => {}
            }
        }
        definition.constraints.iter().try_for_each(|constraint| self.constraint(constraint))
    }

    pub fn constraint(&mut self, constraint: &'c NamedConstraint) -> Result<()> {
        let NamedConstraint { name, kind, attributes } = constraint;
        let key = |columns, nulls_not_distinct| Key {
            name: name.clone(),
            columns,
            nulls_not_distinct,
            attributes: *attributes,
        };
        match kind {
            ConstraintKind::PrimaryKey(columns) => {
                if self.primary.is_some() {
                    return Err(second_primary_key(&self.table.name));
                }
                self.primary = Some(key(columns, false));
            }
            ConstraintKind::Unique { columns, nulls_not_distinct } => {
                self.unique.push(key(columns, *nulls_not_distinct));
            }
            ConstraintKind::Check(text) => self.checks.push((constraint, text)),
            ConstraintKind::ForeignKey(foreign) => self.foreign_keys.push((constraint, foreign)),
        }
        Ok(())
    }

    /// Gives the keys their names and slots.
    pub fn primary_and_unique(&mut self) -> Result<()> {
        let mut keys: Vec<(Option<String>, IndexDef, bool)> = Vec::new();
        let primary = self.primary.take().map(|key| (key, true));
        let unique = std::mem::take(&mut self.unique).into_iter().map(|key| (key, false));
        for (key, is_primary) in primary.into_iter().chain(unique) {
            let Key { columns, nulls_not_distinct, attributes, .. } = key;
            let index = key_index(&self.table.columns, columns, attributes, nulls_not_distinct, is_primary)?;
            // A second key over the same columns says nothing new; it may give the first one its name.
            match keys.iter_mut().find(|(_, known, _)| *known == index) {
                Some((known_name, ..)) => {
                    if known_name.is_none() {
                        *known_name = key.name;
                    }
                }
                None => keys.push((key.name, index, is_primary)),
            }
        }
        let mut taken: BTreeSet<String> = BTreeSet::new();
        // Names that were given come first: automatic ones make way for them.
        for name in keys.iter().filter_map(|(name, ..)| name.as_ref()) {
            if self.catalog.has_relation(&self.table.schema, name)
                || *name == self.table.name
                || !taken.insert(name.clone())
            {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
            }
        }
        for (name, mut index, is_primary) in keys {
            let slots = index.column_slots().unwrap_or_default();
            if is_primary {
                let name = name.unwrap_or_else(|| self.index_name("", "pkey", &taken));
                taken.insert(name.clone());
                for slot in &slots {
                    if let Some(column) = self.table.columns.get_mut(*slot) {
                        column.not_null = true;
                    }
                }
                self.table.primary_key = Some((name, slots));
                continue;
            }
            let columns = slots.iter().chain(&index.included).filter_map(|slot| self.table.columns.get(*slot));
            let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
            index.name = name.unwrap_or_else(|| self.index_name(&columns.join("_"), "key", &taken));
            taken.insert(index.name.clone());
            self.table.indexes.push(index);
        }
        Ok(())
    }

    fn index_name(&self, columns: &str, label: &str, taken: &BTreeSet<String>) -> String {
        free_name(&self.table.name, columns, label, &|name| {
            taken.contains(name) || self.catalog.has_relation(&self.table.schema, name)
        })
    }

    /// Defaults, generated columns, checks and foreign keys, now that all columns and keys are known.
    pub fn finish(mut self) -> Result<NewTable> {
        let definition = self.definition();
        for (slot, text) in std::mem::take(&mut self.defaults) {
            let Some(column) = definition.columns.get(slot) else { continue };
            let (expr, kept) = default(self.catalog, self.path, column, text)?;
            if definition.is_synced() && takes_numbers(&expr) {
                return Err(refuse_on_synced(&definition.name));
            }
            if let Some(column) = self.table.columns.get_mut(slot) {
                column.default = Some(kept);
            }
        }
        let computed: Vec<usize> = self.generated.iter().map(|(slot, _)| *slot).collect();
        for (slot, text) in std::mem::take(&mut self.generated) {
            let expression = generated(self.catalog, self.path, &definition, slot, text, &computed)?;
            if let Some(column) = self.table.columns.get_mut(slot) {
                column.generated = Some(expression);
            }
        }
        self.checks_and_foreign_keys()?;
        Ok(self.table)
    }

    fn checks_and_foreign_keys(&mut self) -> Result<()> {
        let definition = self.definition();
        let mut names: BTreeSet<String> = definition.primary_key_name.iter().cloned().collect();
        names.extend(definition.indexes.iter().map(|index| index.name.clone()));
        let given_checks = self.checks.iter().filter_map(|(check, _)| check.name.clone());
        let given_keys = self.foreign_keys.iter().filter_map(|(key, _)| key.name.clone());
        let of_checks = given_checks.map(|name| (name, "check constraint"));
        for (name, kind) in of_checks.chain(given_keys.map(|name| (name, "constraint"))) {
            if !names.insert(name.clone()) {
                return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, format!("{kind} \"{name}\" already exists")));
            }
        }
        for (constraint, text) in std::mem::take(&mut self.checks) {
            let is_taken = |name: &str| names.contains(name);
            let made = check(self.catalog, self.path, &definition, constraint.name.clone(), text, &is_taken)?;
            names.insert(made.name.clone());
            self.table.checks.push(CheckDef { no_inherit: constraint.attributes.no_inherit, ..made });
        }
        // PostgreSQL judges them in the order of their names.
        self.table.checks.sort_by(|a, b| a.name.cmp(&b.name));
        for (constraint, foreign) in std::mem::take(&mut self.foreign_keys) {
            let is_taken = |name: &str| names.contains(name);
            let made = foreign_key(self.catalog, self.path, &definition, foreign, constraint.name.clone(), &is_taken)?;
            names.insert(made.name.clone());
            self.table.foreign_keys.push(ForeignKeyDef { deferral: deferral(constraint.attributes), ..made });
        }
        Ok(())
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
            temporary: self.table.temporary,
            ..TableDef::default()
        }
    }
}

/// A column with its type and NOT NULL, without what needs the whole table.
pub(in crate::statement) fn plain_column(
    (catalog, path): (&Catalog, &SearchPath),
    definition: &ColumnDefinition,
    table: &str,
) -> Result<NewColumn> {
    let name = &definition.name;
    if SYSTEM_COLUMNS.contains(&name.as_str()) {
        return Err(SqlError::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{name}\" conflicts with a system column name"),
        ));
    }
    let declared = type_name::declared(&definition.data_type, TypeNames { catalog, path })?;
    if let Some(collation) = &definition.collation {
        type_name::check_collation(collation, declared.column_type.data_type)?;
    }
    let syntax = |message: String| Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    let of = format!("column \"{name}\" of table \"{table}\"");
    if definition.null.windows(2).any(|two| matches!(two, [a, b] if a != b)) {
        return syntax(format!("conflicting NULL/NOT NULL declarations for {of}"));
    }
    if definition.defaults.len() > 1 {
        return syntax(format!("multiple default values specified for {of}"));
    }
    if definition.generations.len() > 1 {
        return syntax(format!("multiple generation clauses specified for {of}"));
    }
    match (definition.defaults.first(), definition.generations.first()) {
        (Some(_), Some(Generation::Stored(_))) => {
            return syntax(format!("both default and generation expression specified for {of}"));
        }
        (Some(_), Some(Generation::Identity(_))) => {
            return syntax(format!("both default and identity specified for {of}"));
        }
        _ => {}
    }
    let column = NewColumn::new(name.clone(), declared.column_type);
    Ok(NewColumn { crdt: declared.crdt, not_null: definition.null.first() == Some(&false), ..column })
}

/// Whether an expression takes a number of a sequence.
pub(in crate::statement) fn takes_numbers(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Call { function, .. } if function.name == "nextval"));
    found
}

/// Judges a DEFAULT; what is kept of it is its text with all names resolved.
pub(in crate::statement) fn default(
    catalog: &Catalog,
    path: &SearchPath,
    column: &ColumnDef,
    text: &ExpressionText,
) -> Result<(Expr, String)> {
    let time = ValueContext::utc().with_names(catalog, path);
    let mut binder = Binder::new(catalog, &time, &text.text, &[]).with_path(path.clone()).noting();
    let parsed = crate::parse::parse_expression(&text.text).map_err(|error| text.place(error))?;
    let expr = binder.default_expression(&parsed, column).map_err(|error| text.place(error))?;
    let kept = binder.take_mentions().rewrite(&text.text, None);
    Ok((expr, kept))
}

/// Judges what a column is computed by; `computed` are the slots of all columns that are.
pub(in crate::statement) fn generated(
    catalog: &Catalog,
    path: &SearchPath,
    table: &TableDef,
    slot: usize,
    text: &ExpressionText,
    computed: &[usize],
) -> Result<RowExpression> {
    let Some(column) = table.columns.get(slot) else { return Ok(RowExpression::default()) };
    if column.crdt.is_some() {
        return Err(SqlError::unsupported(format!("a generated CRDT column \"{}\"", column.name)));
    }
    let of_column = Some((column.name.as_str(), column.column_type));
    let kept = keep(catalog, path, table, text, RowClause::Generated, of_column)?;
    let other = kept.expression.slots.iter().find(|read| computed.contains(read));
    if let Some(other) = other.and_then(|slot| table.columns.get(*slot)) {
        return Err(SqlError::new(
            SqlState::INVALID_OBJECT_DEFINITION,
            format!("cannot use generated column \"{}\" in column generation expression", other.name),
        )
        .with_detail("A generated column cannot reference another generated column."));
    }
    Ok(kept.expression)
}

/// What a primary key cannot be, because it is what the rows are stored by.
pub(in crate::statement) fn refuse_in_primary_key(attributes: Attributes, includes: bool) -> Result<()> {
    if attributes.is_deferrable() {
        return Err(SqlError::unsupported("a deferrable primary key"));
    }
    if includes {
        return Err(SqlError::unsupported("INCLUDE in a primary key")
            .with_hint("The rows of a table are stored by its primary key, with all their columns."));
    }
    Ok(())
}

/// A table has one primary key.
pub(in crate::statement) fn second_primary_key(table: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_TABLE_DEFINITION,
        format!("multiple primary keys for table \"{table}\" are not allowed"),
    )
}
