//! Statements about other statements: EXECUTE, DECLARE, FETCH, MOVE. What they return depends on what the session has, so
//! they are not kept in the plan cache.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, Value};

use super::Session;
use super::format::{Format, ResultFormats};
use super::prepared::{Action, Meaning, Prepared, result_changed};
use crate::bind::Binder;
use crate::bind::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, NoSubqueries, eval};
use crate::expr::Expr;
use crate::parse::ParsedStatement;
use crate::parse::session::{CursorStatement, Execute, PreparedStatement, SessionStatement};
use crate::types;
use crate::types::cast::{CastContext, can_cast};

impl Session {
    /// Prepares a statement of this kind; none if it is another.
    pub(super) fn prepare_embedded(
        &mut self,
        statement: &ParsedStatement,
        session: &SessionStatement,
        given_types: &[DataType],
        meaning: &Meaning,
    ) -> Result<Option<Prepared>> {
        let made = |types: Vec<DataType>, action, columns| {
            Some(Prepared::of(statement, given_types, meaning.clone(), types, (action, columns)))
        };
        Ok(match session {
            SessionStatement::Prepared(PreparedStatement::Execute(execute)) => {
                let (inner, arguments, types) = self.bind_arguments(statement, execute, given_types, meaning)?;
                made(types, Action::Execute(execute.name.clone(), arguments), inner.columns().to_vec())
            }
            SessionStatement::Cursor(CursorStatement::Declare(declare)) => {
                let query = self.prepare_here(&declare.query, given_types)?;
                if let Some(what) = declare.refused(query.locks_rows()) {
                    return Err(what);
                }
                let types = query.parameter_types().to_vec();
                made(types, Action::Declare(declare.clone(), query), Vec::new())
            }
            SessionStatement::Cursor(CursorStatement::Fetch(name, direction)) => {
                let cursor = self.cursor_columns(name);
                let columns = cursor.as_ref().map(|(query, _)| query.columns().to_vec()).unwrap_or_default();
                let is_binary = cursor.is_some_and(|(_, formats)| formats == ResultFormats::All(Format::Binary));
                let format = if is_binary { Format::Binary } else { Format::Text };
                made(Vec::new(), Action::Fetch(name.clone(), *direction), columns)
                    .map(|prepared| prepared.with_simple_format(format))
            }
            SessionStatement::Cursor(CursorStatement::Move(name, direction)) => {
                made(Vec::new(), Action::Move(name.clone(), *direction), Vec::new())
            }
            _ => None,
        })
    }

    /// The statement that EXECUTE runs, its arguments, and the types of the parameters in those.
    fn bind_arguments(
        &mut self,
        statement: &ParsedStatement,
        execute: &Execute,
        given_types: &[DataType],
        meaning: &Meaning,
    ) -> Result<(Arc<Prepared>, Vec<Expr>, Vec<DataType>)> {
        let inner = self.named_statement(&execute.name)?;
        let wanted = inner.parameter_types();
        if execute.arguments.len() != wanted.len() {
            return Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("wrong number of parameters for prepared statement \"{}\"", execute.name),
            )
            .with_detail(format!(
                "Expected {} parameters but got {}.",
                wanted.len(),
                execute.arguments.len()
            )));
        }
        let mut binder =
            Binder::new(&meaning.catalog, &self.time, &statement.source, given_types).with_path(meaning.path.clone());
        let mut arguments = Vec::with_capacity(wanted.len());
        for (number, (argument, wanted)) in (1..).zip(execute.arguments.iter().zip(wanted)) {
            let bound = binder.argument_of_execute(argument)?;
            let from = bound.data_type();
            if from != DataType::Unknown && !can_cast(from, *wanted, CastContext::Assignment) {
                return Err(SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "parameter ${number} of type {} cannot be coerced to the expected type {}",
                        types::name(from, -1),
                        types::name(*wanted, -1)
                    ),
                )
                .with_hint("You will need to rewrite or cast the expression."));
            }
            arguments.push(binder.coerce(bound, plain(*wanted), CastContext::Assignment)?);
        }
        Ok((inner, arguments, binder.into_parameter_types()?))
    }

    fn named_statement(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statement(name)?.ok_or_else(|| SqlError::new(SqlState::SYNTAX_ERROR, "the prepared statement is empty"))
    }

    /// EXECUTE: the statement to run, and its parameters.
    pub(super) fn execute_named(
        &mut self,
        execute: &Arc<Prepared>,
        name: &str,
        arguments: &[Expr],
        params: Vec<Value>,
    ) -> Result<(Arc<Prepared>, Vec<Value>)> {
        self.ensure_transaction()?;
        let inner = self.named_statement(name)?;
        if inner.columns() != execute.columns() || inner.parameter_types().len() != arguments.len() {
            return Err(result_changed());
        }
        let ctx = EvalContext {
            params: &params,
            outer: None,
            time: &self.time,
            session: &self.facts,
            sync: self.engine.sync.as_ref(),
            cancel: self.facts.backend.flag(),
            subqueries: &NoSubqueries,
        };
        let values = arguments.iter().map(|argument| eval(argument, &[], &ctx)).collect::<Result<_>>()?;
        Ok((inner, values))
    }
}
