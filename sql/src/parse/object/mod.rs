//! Statements about objects of the catalog that are not tables: schemas, sequences, views, and DROP of every kind.
//!
//! Their grammars are PostgreSQL's own; expressions, types and queries inside them are read by the grammar of those.

mod comment;
mod drop;
mod schema;
mod sequence;
mod type_statement;
mod view;

use std::sync::Arc;

use super::token::{Token, TokenKind};
use super::tokens::Tokens;
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError};

pub use comment::{CommentStatement, CommentedObject};
pub use drop::{DropKind, DropStatement};
pub use schema::SchemaStatement;
pub(super) use sequence::clauses as sequence_clauses;
pub use sequence::{SequenceClause, SequenceStatement};
pub use type_statement::{TypeChange, TypeStatement};
pub use view::{CreateView, ViewChange, ViewStatement, is_on};

/// A statement about an object of the catalog.
#[derive(Clone, Debug)]
pub enum ObjectStatement {
    /// CREATE SCHEMA, ALTER SCHEMA
    Schema(SchemaStatement),
    /// CREATE SEQUENCE, ALTER SEQUENCE
    Sequence(SequenceStatement),
    /// CREATE VIEW, ALTER VIEW
    View(ViewStatement),
    /// CREATE TYPE, ALTER TYPE
    Type(TypeStatement),
    /// COMMENT ON
    Comment(CommentStatement),
    /// DROP
    Drop(DropStatement),
}

/// Parses a statement about an object of the catalog; none if it is another kind of statement. `source` is the text that
/// the tokens came from.
pub fn parse(source: &Arc<str>, tokens: &[Token]) -> Result<Option<ObjectStatement>> {
    let mut tokens = Tokens::new(source, tokens);
    let parsed = if tokens.take("create") {
        create(&mut tokens)?
    } else if tokens.take("alter") {
        alter(&mut tokens)?
    } else if tokens.take("comment") {
        Some(ObjectStatement::Comment(comment::parse(&mut tokens)?))
    } else if tokens.take("drop") {
        drop::drop(&mut tokens)?.map(ObjectStatement::Drop)
    } else {
        None
    };
    if parsed.is_some() {
        tokens.end()?;
    }
    Ok(parsed)
}

fn create(tokens: &mut Tokens<'_>) -> Result<Option<ObjectStatement>> {
    if tokens.take("schema") {
        return schema::create(tokens).map(ObjectStatement::Schema).map(Some);
    }
    let or_replace = tokens.take_all(&["or", "replace"]);
    let temporary = tokens.take_any(&["temp", "temporary"]);
    if tokens.take_all(&["materialized", "view"]) {
        return Err(SqlError::unsupported("CREATE MATERIALIZED VIEW"));
    }
    if tokens.take_all(&["recursive", "view"]) {
        return Err(SqlError::unsupported("CREATE RECURSIVE VIEW").with_hint("Use WITH RECURSIVE in the query."));
    }
    if tokens.take("view") {
        return view::create(tokens, or_replace, temporary).map(ObjectStatement::View).map(Some);
    }
    if or_replace {
        return Ok(None);
    }
    if tokens.take("type") {
        return type_statement::create(tokens).map(ObjectStatement::Type).map(Some);
    }
    if tokens.take("sequence") {
        return sequence::create(tokens, temporary).map(ObjectStatement::Sequence).map(Some);
    }
    Ok(None)
}

fn alter(tokens: &mut Tokens<'_>) -> Result<Option<ObjectStatement>> {
    if tokens.take("schema") {
        return schema::alter(tokens).map(ObjectStatement::Schema).map(Some);
    }
    if tokens.take("view") {
        return view::alter(tokens).map(ObjectStatement::View).map(Some);
    }
    if tokens.take("type") {
        return type_statement::alter(tokens).map(ObjectStatement::Type).map(Some);
    }
    if tokens.take("sequence") {
        return sequence::alter(tokens).map(ObjectStatement::Sequence).map(Some);
    }
    Ok(None)
}

/// Whether IF NOT EXISTS comes next.
fn if_not_exists(tokens: &mut Tokens<'_>) -> bool {
    tokens.take_all(&["if", "not", "exists"])
}

/// Whether IF EXISTS comes next.
fn if_exists(tokens: &mut Tokens<'_>) -> bool {
    tokens.take_all(&["if", "exists"])
}

/// Whether CASCADE comes next; RESTRICT says what happens anyway.
fn cascade(tokens: &mut Tokens<'_>) -> bool {
    tokens.take("cascade") || {
        tokens.take("restrict");
        false
    }
}

/// Things between commas.
fn list<T>(tokens: &mut Tokens<'_>, mut item: impl FnMut(&mut Tokens<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut items = vec![item(tokens)?];
    while tokens.take_token(&TokenKind::Comma) {
        items.push(item(tokens)?);
    }
    Ok(items)
}

/// A name with an optional schema.
fn qualified(tokens: &mut Tokens<'_>) -> Result<QualifiedName> {
    let mut names = tokens.names()?;
    let shown = names.join(".");
    let name = names.pop().unwrap_or_default();
    let schema = names.pop();
    if names.is_empty() {
        return Ok(QualifiedName { schema, name });
    }
    Err(SqlError::unsupported_as(format!("cross-database references are not implemented: {shown}")))
}
