//! The query of a view that is being made: its columns, its text with all names resolved, and what it names.

use std::sync::Arc;

use heliosdb_storage::catalog::{Reference, ViewColumn};

use crate::bind::Binder;
use crate::bind::query::Unknowns;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::CreateView;
use crate::parse::{self};
use crate::session::Session;

/// The query of a view.
pub(super) struct ViewQuery {
    pub columns: Vec<ViewColumn>,
    pub text: String,
    pub references: Vec<Reference>,
}

/// Binds the query of a view.
pub(super) fn bind(session: &mut Session, create: &CreateView) -> Result<ViewQuery> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let parsed = parse::parse_query(&create.query)?;
    if matches!(parsed.body.as_ref(), sqlparser::ast::SetExpr::Select(select) if select.into.is_some()) {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "views must not contain SELECT INTO"));
    }
    let mut binder = Binder::new(&catalog, session.time_context(), &create.query, &[]).with_path(path).noting();
    let bound = binder.query(&parsed, None, Unknowns::Text);
    let bound = bound.map_err(|mut error| {
        // The query is a part of the text that the client sent.
        error.fields.position = error.fields.position.map(|position| position + create.query_before);
        error
    })?;
    let mentions = binder.take_mentions();
    if !binder.into_parameter_types()?.is_empty() {
        return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
    }
    if mentions.is_incomplete() {
        return Err(SqlError::unsupported("TABLE in the query of a view").with_hint("Write SELECT * FROM it."));
    }
    if create.columns.len() > bound.columns.len() {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "CREATE VIEW specifies more column names than columns"));
    }
    let mut columns: Vec<ViewColumn> = Vec::with_capacity(bound.columns.len());
    let mut given = create.columns.iter();
    for column in &bound.columns {
        let name = given.next().unwrap_or(&column.name).clone();
        if columns.iter().any(|known| known.name == name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        columns.push(ViewColumn { name, column_type: column.column_type });
    }
    let text = mentions.rewrite(&create.query, None);
    Ok(ViewQuery { columns, text, references: mentions.references() })
}
