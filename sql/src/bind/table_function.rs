//! Functions that give rows: in FROM, and in the select list.
//!
//! In FROM several may run side by side (ROWS FROM, `unnest(a, b)`), with a number for each row (WITH ORDINALITY). In the
//! select list they stand, while the SELECT is bound, as columns beyond those of FROM; [`finish`] gives them their places.

use std::sync::Arc;

use heliosdb_storage::value::{ColumnType, DataType, RecordShape};
use sqlparser::ast;

use super::Binder;
use super::call::plain_arguments;
use super::column_name::figure_name;
use super::from::rename_columns;
use super::names::{self, QualifiedName, ident};
use super::scope::{Place, RelationColumn, SET_BASE, Scope};
use super::select::output_type;
use super::tree::{Body, OutputColumn, Query, Relation};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::table;
use crate::parse::encoding;
use crate::plan::{TableCall, TableCallee};

const HINT: &str = "You might be able to move the set-returning function into a LATERAL FROM item.";

/// A call in the select list.
#[derive(Clone, Debug)]
pub struct SetUse {
    call: TableCall,
    /// How many calls are nested in its arguments.
    level: usize,
}

impl SetUse {
    /// Every expression of it.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.call.exprs_mut().iter_mut()
    }
}

impl Place {
    /// What a set-returning function is told here; nothing if it may be called.
    fn refuses_set(self) -> Option<SqlError> {
        let refused = |message: String| Some(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        let not_within = |what: &str| {
            refused(format!("{what} calls cannot contain set-returning function calls")).map(|e| e.with_hint(HINT))
        };
        match self {
            Self::Targets => None,
            Self::Having => refused("set-returning functions are not allowed in HAVING".to_owned()),
            Self::Clause("functions in FROM") => {
                refused("set-returning functions must appear at top level of FROM".to_owned())
            }
            Self::Clause(clause) | Self::Kept(clause) => {
                refused(format!("set-returning functions are not allowed in {clause}"))
            }
            Self::Argument => not_within("aggregate function"),
            Self::WindowArgument => not_within("window function"),
            Self::WindowDefinition => {
                refused("set-returning functions are not allowed in window definitions".to_owned())
            }
        }
    }
}

/// One call of a relation, and whether it gives plain values.
struct Bound {
    call: TableCall,
    is_value: bool,
}

impl Binder<'_> {
    /// A function in FROM.
    pub(super) fn function_relation<'p>(
        &mut self,
        name: &ast::ObjectName,
        args: &[ast::FunctionArg],
        (ordinality, alias): (bool, Option<&ast::TableAlias>),
        parent: Option<&'p Scope<'p>>,
    ) -> Result<(Relation, Scope<'p>)> {
        let scope = Scope::inside(parent);
        scope.place.set(Place::Clause("functions in FROM"));
        let defined = match alias {
            Some(alias) if alias.columns.iter().any(|column| column.data_type.is_some()) => {
                Some(self.defined_columns(&alias.columns)?)
            }
            _ => None,
        };
        // A function sees its siblings without LATERAL.
        let (first, bound) = Scope::with_siblings(parent, || match encoding::as_rows_from(name, args) {
            Some(calls) => self.rows_from(&calls, &scope),
            None => {
                let qualified = names::qualified(name)?;
                let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
                let calls = self.table_calls(&qualified, args, defined, &scope);
                let calls = calls.map_err(|error| match span {
                    Some(span) => self.at(span, error),
                    None => error,
                });
                Ok((qualified.name, calls?))
            }
        })?;
        let shown = alias.map_or(first, |alias| ident(&alias.name));
        relation_of(bound, ordinality, &shown, alias, parent)
    }

    /// `(a int, b text)`
    fn defined_columns(&mut self, columns: &[ast::TableAliasColumnDef]) -> Result<RecordShape> {
        let field = |column: &ast::TableAliasColumnDef| match &column.data_type {
            Some(data_type) => Ok((Arc::from(ident(&column.name)), self.type_named(data_type)?.data_type)),
            None => Err(SqlError::new(SqlState::SYNTAX_ERROR, "a column definition list needs a type for each column")),
        };
        Ok(RecordShape { fields: columns.iter().map(field).collect::<Result<_>>()? })
    }

    fn rows_from(
        &mut self,
        calls: &[(&ast::ObjectName, &[ast::FunctionArg])],
        scope: &Scope<'_>,
    ) -> Result<(String, Vec<Bound>)> {
        let mut first = None;
        let mut bound = Vec::with_capacity(calls.len());
        for (name, args) in calls {
            let name = names::qualified(name)?;
            bound.extend(self.table_calls(&name, args, None, scope)?);
            first.get_or_insert(name.name);
        }
        Ok((first.unwrap_or_default(), bound))
    }

    /// An expression in FROM that looks like a function: one row.
    pub(super) fn value_relation<'p>(
        &mut self,
        expr: &ast::Expr,
        alias: Option<&ast::TableAlias>,
        parent: Option<&'p Scope<'p>>,
    ) -> Result<(Relation, Scope<'p>)> {
        let scope = Scope::inside(parent);
        scope.place.set(Place::Clause("functions in FROM"));
        let value = Scope::with_siblings(parent, || self.expr(expr, &scope))?;
        let value = self.known(value)?;
        let shown = alias.map_or_else(|| figure_name(expr), |alias| ident(&alias.name));
        one_value(value, &shown, alias, parent)
    }

    /// The calls that a call in FROM stands for.
    fn table_calls(
        &mut self,
        name: &QualifiedName,
        args: &[ast::FunctionArg],
        defined: Option<RecordShape>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Bound>> {
        let args: Vec<Expr> =
            plain_arguments(args)?.into_iter().map(|arg| self.expr(arg, scope)).collect::<Result<_>>()?;
        let schema = name.schema.as_deref();
        let in_catalog = schema.is_none_or(|schema| schema == "pg_catalog");
        if in_catalog && name.name == "unnest" && args.len() > 1 {
            // Several arrays are unnested side by side.
            return args.into_iter().map(|arg| self.table_call(schema, "unnest", vec![arg], None)).collect();
        }
        if table::is_table_function(schema, &name.name) {
            return Ok(vec![self.table_call(schema, &name.name, args, defined)?]);
        }
        if defined.is_some() {
            return Err(definition_refused());
        }
        // A function that returns one value gives one row.
        let value = self.call_bound(schema, &name.name, args)?;
        let fields = vec![(Arc::from(name.name.as_str()), value.data_type())];
        let call = TableCall { callee: TableCallee::Value(value), shape: Arc::new(RecordShape { fields }) };
        Ok(vec![Bound { call, is_value: true }])
    }

    fn table_call(
        &mut self,
        schema: Option<&str>,
        name: &str,
        args: Vec<Expr>,
        defined: Option<RecordShape>,
    ) -> Result<Bound> {
        let types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        let table::Resolved { function, args: wanted, columns } = table::resolve(schema, name, &types)?;
        let args: Result<Vec<Expr>> =
            args.into_iter().zip(wanted).map(|(arg, to)| self.coerce_argument(arg, Some(to))).collect();
        let shape = match defined {
            Some(defined) if function.columns.is_empty() => defined,
            Some(_) => return Err(definition_refused()),
            None if function.columns.is_empty() => {
                let message = "a column definition list is required for functions returning \"record\"";
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            None => RecordShape { fields: columns.into_iter().map(|(name, of)| (Arc::from(name), of)).collect() },
        };
        let callee = TableCallee::Function { function, args: args? };
        Ok(Bound { call: TableCall { callee, shape: Arc::new(shape) }, is_value: function.is_value() })
    }

    /// A call in the select list.
    pub(super) fn set_call(
        &mut self,
        schema: Option<&str>,
        name: &str,
        args: Vec<Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        if let Some(error) = scope.place.get().refuses_set() {
            return Err(error);
        }
        let Bound { call, is_value } = self.table_call(schema, name, args, None)?;
        let returns = match call.shape.fields.first() {
            Some((_, data_type)) if is_value => *data_type,
            _ => DataType::Record,
        };
        let mut sets = scope.sets.borrow_mut();
        let mut level = 0;
        for expr in call.exprs() {
            expr.for_each_column(&mut |index| {
                let inner = index.checked_sub(SET_BASE).and_then(|at| sets.get(at));
                level = level.max(inner.map_or(0, |inner: &SetUse| inner.level + 1));
            });
        }
        let known = sets.iter().position(|known| !call.is_volatile() && same_call(&known.call, &call));
        let at = known.unwrap_or_else(|| {
            sets.push(SetUse { call, level });
            sets.len() - 1
        });
        Ok(Expr::Column(SET_BASE + at, returns))
    }

    /// Fails if set-returning functions have been called in a construct that computes some of its expressions only.
    pub(super) fn refuse_sets_since(&self, before: usize, scope: &Scope<'_>, what: &str) -> Result<()> {
        if scope.sets.borrow().len() == before {
            return Ok(());
        }
        let message = format!("set-returning functions are not allowed in {what}");
        Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(HINT))
    }
}

fn same_call(a: &TableCall, b: &TableCall) -> bool {
    match (&a.callee, &b.callee) {
        (TableCallee::Function { function: f, args: a }, TableCallee::Function { function: g, args: b }) => {
            std::ptr::eq(*f, *g) && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
        }
        _ => false,
    }
}

fn definition_refused() -> SqlError {
    let message = "a column definition list is only allowed for functions returning \"record\"";
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

fn relation_of<'p>(
    mut bound: Vec<Bound>,
    ordinality: bool,
    shown: &str,
    alias: Option<&ast::TableAlias>,
    parent: Option<&'p Scope<'p>>,
) -> Result<(Relation, Scope<'p>)> {
    let is_only = bound.len() == 1;
    if is_only
        && !ordinality
        && let Some(Bound { call: TableCall { callee: TableCallee::Value(value), .. }, .. }) =
            bound.pop_if(|only| matches!(only.call.callee, TableCallee::Value(_)))
    {
        return one_value(value, shown, alias, parent);
    }
    let mut columns: Vec<RelationColumn> = Vec::new();
    for Bound { call, is_value } in &bound {
        for (name, data_type) in &call.shape.fields {
            // The alias of a plain value names its column too.
            let is_own = *is_value
                && !matches!(&call.callee, TableCallee::Function { function, .. } if function.name != name.as_ref());
            let name = if is_own && is_only { shown } else { name.as_ref() };
            columns.push((name.to_owned(), output_type(*data_type), None));
        }
    }
    if ordinality {
        columns.push(("ordinality".to_owned(), output_type(DataType::Int8), None));
    }
    let mut scope = Scope::inside(parent);
    scope.add_relation(shown, None, columns);
    if let ([Bound { is_value: true, .. }], false, Some(relation)) =
        (bound.as_slice(), ordinality, scope.relations.last_mut())
    {
        relation.is_value = true;
    }
    rename_columns(&mut scope, alias)?;
    let calls = bound.into_iter().map(|bound| bound.call).collect();
    Ok((Relation::Function { calls, ordinality, name: shown.into() }, scope))
}

/// A relation of one row with one value.
fn one_value<'p>(
    value: Expr,
    shown: &str,
    alias: Option<&ast::TableAlias>,
    parent: Option<&'p Scope<'p>>,
) -> Result<(Relation, Scope<'p>)> {
    let column_type: ColumnType = output_type(value.data_type());
    let column = OutputColumn { name: shown.to_owned(), column_type, origin: None };
    let query = Query::new(Body::Values(vec![vec![value]]), vec![column]);
    let mut scope = Scope::inside(parent);
    scope.add_relation(shown, None, vec![(shown.to_owned(), column_type, None)]);
    rename_columns(&mut scope, alias)?;
    Ok((Relation::Query { query: Box::new(query), name: shown.into() }, scope))
}

/// The calls of a select list, level by level, with the column of each set in the expressions. `width` is that of the row
/// that they are computed of.
pub(super) fn finish<'e>(
    mut uses: Vec<SetUse>,
    width: usize,
    exprs: impl Iterator<Item = &'e mut Expr>,
) -> Vec<Vec<TableCall>> {
    let levels = uses.iter().map(|used| used.level + 1).max().unwrap_or(0);
    let mut places = vec![0; uses.len()];
    let mut by_level: Vec<usize> = (0..uses.len()).collect();
    by_level.sort_by_key(|at| uses.get(*at).map(|used| used.level));
    for (next, at) in (width..).zip(by_level) {
        if let Some(place) = places.get_mut(at) {
            *place = next;
        }
    }
    let place = |index: usize| index.checked_sub(SET_BASE).and_then(|at| places.get(at)).copied().unwrap_or(index);
    exprs.for_each(|expr| expr.map_columns(&mut |index| place(index)));
    uses.iter_mut().flat_map(SetUse::exprs_mut).for_each(|expr| expr.map_columns(&mut |index| place(index)));
    let mut sets: Vec<Vec<TableCall>> = (0..levels).map(|_| Vec::new()).collect();
    for used in uses {
        if let Some(set) = sets.get_mut(used.level) {
            set.push(used.call);
        }
    }
    sets
}
