//! COPY: which columns of which table.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::TableDef;
use sqlparser::ast;

use super::Binder;
use super::names::{QualifiedName, ident, no_such_relation};
use super::scope::{Place, Scope};
use super::search_path::{NamedRelation, SearchPath};
use crate::copy::options::ColumnSet;
use crate::copy::statement::{CopyStatement, Subject};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

/// The table of a COPY and what is copied of it.
#[derive(Debug)]
pub struct CopyTarget {
    /// The table.
    pub table: Arc<TableDef>,
    /// The slots of the columns, in the order of the data.
    pub slots: Vec<usize>,
    /// What the other columns become.
    pub defaults: Vec<(usize, Expr)>,
    /// WHERE
    pub filter: Option<Expr>,
}

impl Binder<'_> {
    /// Binds the table of a COPY FROM.
    pub fn copy_target(&mut self, copy: &CopyStatement) -> Result<CopyTarget> {
        let Subject::Table(name, columns) = &copy.subject else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "COPY FROM needs a table"));
        };
        let table = self.target_table(name).map_err(without_position)?;
        let filter = match &copy.filter {
            None => None,
            Some(filter) => Some(self.copy_filter(&table, filter)?),
        };
        let slots = copied_slots(&table, columns)?;
        let mut defaults = Vec::new();
        for (slot, column) in table.columns.iter().enumerate() {
            if !slots.contains(&slot) && column.default.is_some() {
                defaults.push((slot, self.default_of(column)?));
            }
        }
        Ok(CopyTarget { table, slots, defaults, filter })
    }

    fn copy_filter(&mut self, table: &Arc<TableDef>, filter: &ast::Expr) -> Result<Expr> {
        let scope = Scope::of_table(table, &table.name);
        scope.place.set(Place::Clause("COPY FROM WHERE conditions"));
        let bound = self.bind_condition(filter, &scope, "WHERE")?;
        if bound.has_subquery() {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot use subquery in COPY FROM WHERE condition",
            ));
        }
        Ok(bound)
    }
}

/// The slots of the columns that COPY names; all if it names none.
pub fn copied_slots(table: &TableDef, columns: &[ast::Ident]) -> Result<Vec<usize>> {
    if columns.is_empty() {
        let columns = table.columns.iter().enumerate();
        return Ok(columns.filter(|(_, column)| column.generated.is_none()).map(|(slot, _)| slot).collect());
    }
    let mut slots = Vec::with_capacity(columns.len());
    for name in columns.iter().map(ident) {
        slots.push(new_slot(table, &name, &slots)?);
    }
    Ok(slots)
}

fn new_slot(table: &TableDef, name: &str, known: &[usize]) -> Result<usize> {
    let slot = table.slot(name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })?;
    if table.columns.get(slot).is_some_and(|column| column.generated.is_some()) {
        let message = format!("column \"{name}\" is a generated column");
        return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message)
            .with_detail("Generated columns cannot be used in COPY."));
    }
    if known.contains(&slot) {
        let message = format!("column \"{name}\" specified more than once");
        return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
    }
    Ok(slot)
}

impl CopyTarget {
    /// The table of a COPY TO, if it is a stored one.
    pub fn of_table(
        catalog: &Catalog,
        path: &SearchPath,
        name: &QualifiedName,
        columns: &[ast::Ident],
    ) -> Result<Option<Self>> {
        match path.relation(catalog, name) {
            Some(NamedRelation::Table(table)) => {
                let slots = copied_slots(&table, columns)?;
                Ok(Some(Self { table, slots, defaults: Vec::new(), filter: None }))
            }
            Some(NamedRelation::System(_)) => Ok(None),
            Some(NamedRelation::View(view)) => {
                Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot copy from view \"{}\"", view.name))
                    .with_hint("Try the COPY (SELECT ...) TO variant."))
            }
            Some(NamedRelation::Sequence(_)) => {
                Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot copy from sequence \"{}\"", name.name)))
            }
            None => Err(no_such_relation(name)),
        }
    }

    /// The name of a column.
    pub fn name_of(&self, slot: usize) -> &str {
        self.table.columns.get(slot).map(|column| column.name.as_str()).unwrap_or_default()
    }

    /// Whether an option names a column.
    pub fn has_column(&self, set: &ColumnSet, slot: usize) -> bool {
        match set {
            ColumnSet::None => false,
            ColumnSet::All => true,
            ColumnSet::Named(names) => names.iter().any(|name| name == self.name_of(slot)),
        }
    }

    /// Fails if an option names columns that are not copied.
    pub fn check_columns(&self, option: &str, set: &ColumnSet) -> Result<()> {
        let ColumnSet::Named(names) = set else { return Ok(()) };
        let mut known = Vec::with_capacity(names.len());
        for name in names {
            let slot = new_slot(&self.table, name, &known)?;
            if !self.slots.contains(&slot) {
                let message = format!("{option} column \"{name}\" not referenced by COPY");
                return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            known.push(slot);
        }
        Ok(())
    }
}

/// PostgreSQL does not say where COPY names its table.
fn without_position(mut error: SqlError) -> SqlError {
    error.fields.position = None;
    error
}
