//! SET of UPDATE and of ON CONFLICT: which columns become what.
//!
//! `(a, b) = (SELECT …)` runs its subquery once per row. The plan keeps such subqueries beside the assignments; their
//! columns stand behind those of the row that the assignments are over.

use heliosdb_storage::catalog::{ColumnDef, Identity, TableDef};
use heliosdb_storage::value::DataType;
use sqlparser::ast::{self, AssignmentTarget};

use super::Binder;
use super::names;
use super::predicate::row_subquery;
use super::query::Unknowns;
use super::scope::{Place, Scope};
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Form};
use crate::parse::encoding;
use crate::plan::{Assignments, SetColumn};
use crate::types::cast::{CastContext, can_cast};

/// What is assigned to one column.
enum Source<'a> {
    /// An expression, or DEFAULT.
    Expr(&'a ast::Expr),
    /// A column of a subquery's row: a position behind the columns of the scope, and which subquery it is of.
    Subquery { expr: Expr, subquery: usize },
}

impl Binder<'_> {
    /// Binds SET. The first columns of the scope's row are those of the table.
    pub(super) fn assignments(
        &mut self,
        table: &TableDef,
        assignments: &[ast::Assignment],
        scope: &Scope<'_>,
    ) -> Result<Assignments> {
        scope.place.set(Place::Clause("UPDATE"));
        let mut subqueries = Vec::new();
        let mut sources = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => sources.push((name, Source::Expr(&assignment.value))),
                AssignmentTarget::Tuple(names) => {
                    let values = self.row_sources(names.len(), &assignment.value, scope, &mut subqueries)?;
                    sources.extend(names.iter().zip(values));
                }
            }
        }
        let mut set: Vec<SetColumn> = Vec::with_capacity(sources.len());
        for (name, source) in sources {
            let (slot, subscripts) = self.target_column(table, name)?;
            let column = table.columns.get(slot).expect("BUG: the slot was looked up by name");
            if !subscripts.is_empty() {
                if column.generated.is_some() {
                    return Err(generated_column(column));
                }
                let value = match source {
                    Source::Expr(value) if is_default(value) => return Err(default_of_element()),
                    Source::Expr(value) => self.expr(value, scope)?,
                    Source::Subquery { expr, .. } => expr,
                };
                // Several elements of one column may be set: each assignment goes on from the one before.
                let known = set.iter().position(|known| known.slot == slot);
                let array = known.map(|at| set.remove(at).value);
                let array = array.unwrap_or(Expr::Column(slot, column.column_type.data_type));
                let value = self.element_assigned(array, &subscripts, value, column, scope)?;
                set.push(SetColumn { slot, value, reads_itself: true });
                continue;
            }
            if column.generated.is_some() {
                match source {
                    // It is computed whenever something changes.
                    Source::Expr(value) if is_default(value) => continue,
                    _ => return Err(generated_column(column)),
                }
            }
            let (value, reads_itself) = match source {
                Source::Expr(value) if is_default(value) => (self.default_of(column)?, false),
                _ if column.identity == Some(Identity::Always) => {
                    return Err(SqlError::new(
                        SqlState::GENERATED_ALWAYS,
                        format!("column \"{}\" can only be updated to DEFAULT", column.name),
                    )
                    .with_detail(format!(
                        "Column \"{}\" is an identity column defined as GENERATED ALWAYS.",
                        column.name
                    )));
                }
                Source::Expr(value) => {
                    let bound = self.expr(value, scope)?;
                    let reads_itself = reads(&bound, slot);
                    (self.assigned(bound, column)?, reads_itself)
                }
                Source::Subquery { expr, subquery } => {
                    let reads_itself = subqueries.get(subquery).is_some_and(|subquery| reads(subquery, slot));
                    (self.assigned(expr, column)?, reads_itself)
                }
            };
            if set.iter().any(|known| known.slot == slot) {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    format!("multiple assignments to same column \"{}\"", column.name),
                ));
            }
            set.push(SetColumn { slot, value, reads_itself });
        }
        Ok(Assignments { set, subqueries })
    }

    fn assigned(&mut self, value: Expr, column: &ColumnDef) -> Result<Expr> {
        self.assign(value, &column.name, column.column_type)
    }

    /// `(a, b) = …`: as many sources as there are targets.
    fn row_sources<'a>(
        &mut self,
        targets: usize,
        value: &'a ast::Expr,
        scope: &Scope<'_>,
        subqueries: &mut Vec<Expr>,
    ) -> Result<Vec<Source<'a>>> {
        let mut inner = value;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        let sources: Vec<Source<'a>> = match inner {
            ast::Expr::Tuple(values) => values.iter().map(Source::Expr).collect(),
            ast::Expr::Function(call) if is_row(&call.name) => {
                row_arguments(call)?.into_iter().map(Source::Expr).collect()
            }
            ast::Expr::Subquery(query) => {
                let before: usize = subqueries.iter().map(subquery_width).sum();
                let query = self.query(query, Some(scope), Unknowns::Text)?;
                let types: Vec<_> = query.columns.iter().map(|column| column.column_type.data_type).collect();
                let subquery = subqueries.len();
                subqueries.push(row_subquery(query));
                let first = scope.width + before;
                let columns = types.into_iter().enumerate();
                columns.map(|(at, t)| Source::Subquery { expr: Expr::Column(first + at, t), subquery }).collect()
            }
            _ => {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
                ));
            }
        };
        if sources.len() != targets {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values"));
        }
        Ok(sources)
    }

    /// A column's array with an element or a slice of it replaced.
    pub(super) fn element_assigned(
        &mut self,
        array: Expr,
        subscripts: &[ast::Subscript],
        value: Expr,
        column: &ColumnDef,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let data_type = column.column_type.data_type;
        let Some(element) = data_type.element() else {
            let name = crate::types::name(data_type, -1);
            if data_type == DataType::Jsonb {
                return Err(SqlError::unsupported("assignment to a part of a jsonb value"));
            }
            let message = format!("cannot subscript type {name} because it does not support subscripting");
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        };
        let mut args = vec![array];
        let is_slice = subscripts.iter().any(|subscript| matches!(subscript, ast::Subscript::Slice { .. }));
        let wanted = if is_slice { data_type } else { element };
        let from = value.data_type();
        if from != DataType::Unknown && !can_cast(from, wanted, CastContext::Assignment) {
            let message = format!(
                "subscripted assignment to \"{}\" requires type {} but expression is of type {}",
                column.name,
                crate::types::name(wanted, -1),
                crate::types::name(from, -1)
            );
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message)
                .with_hint("You will need to rewrite or cast the expression."));
        }
        args.push(self.coerce(value, plain(wanted), CastContext::Assignment)?);
        let subscripts: Vec<&ast::Subscript> = subscripts.iter().collect();
        let form = match self.subscript_args(&subscripts, scope, &mut args)? {
            None => Form::AssignElement,
            Some(bounds) => Form::AssignSlice(bounds),
        };
        Ok(Expr::Form { form, args, data_type })
    }

    /// The column that INSERT or SET names, and the subscripts behind it.
    pub(super) fn target_column(
        &self,
        table: &TableDef,
        name: &ast::ObjectName,
    ) -> Result<(usize, Vec<ast::Subscript>)> {
        let subscripts: Vec<_> = name.0.iter().filter_map(encoding::as_subscript).collect();
        let plain = name.0.iter().filter(|part| part.as_ident().is_some()).cloned().collect();
        let parts = names::parts(&ast::ObjectName(plain))?;
        let column = parts.first().map(String::as_str).unwrap_or_default();
        let error = match (table.slot(column), parts.get(1)) {
            (Some(slot), None) => return Ok((slot, subscripts)),
            (Some(slot), Some(field)) => {
                let data_type = table.columns.get(slot).map(|column| column.column_type.data_type);
                let type_name = data_type.map(|known| crate::types::name(known, -1)).unwrap_or_default();
                SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "cannot assign to field \"{field}\" of column \"{column}\" because its type {type_name} is not a \
                         composite type"
                    ),
                )
            }
            (None, _) => SqlError::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
            ),
        };
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        Err(match span {
            Some(span) => self.at(span, error),
            None => error,
        })
    }
}

/// The error for DEFAULT in the place of an element.
pub(super) fn default_of_element() -> SqlError {
    SqlError::unsupported_as("cannot set an array element to DEFAULT")
}

/// Whether an expression reads a column of the row it is evaluated over.
fn reads(expr: &Expr, slot: usize) -> bool {
    let mut found = false;
    expr.for_each_column(&mut |index| found |= index == slot);
    found
}

fn subquery_width(expr: &Expr) -> usize {
    match expr {
        Expr::Subquery(subquery) => subquery.form.width(),
        _ => 0,
    }
}

/// DEFAULT in the place of a value.
pub(super) fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"))
}

fn is_row(name: &ast::ObjectName) -> bool {
    matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|name| name.quote_style.is_none() && name.value.eq_ignore_ascii_case("row")))
}

fn row_arguments(call: &ast::Function) -> Result<Vec<&ast::Expr>> {
    match &call.args {
        ast::FunctionArguments::List(list) => super::call::plain_arguments(&list.args),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, "ROW needs a list of values")),
    }
}

/// The error for a value that is given to a generated column.
fn generated_column(column: &ColumnDef) -> SqlError {
    SqlError::new(SqlState::GENERATED_ALWAYS, format!("column \"{}\" can only be updated to DEFAULT", column.name))
        .with_detail(format!("Column \"{}\" is a generated column.", column.name))
}
