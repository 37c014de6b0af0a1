//! COMMENT ON.

use super::qualified;
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError};
use crate::parse::tokens::Tokens;

/// COMMENT ON
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommentStatement {
    /// What it is on.
    pub object: CommentedObject,
    /// The comment; none for NULL.
    pub text: Option<String>,
}

/// What a comment is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommentedObject {
    /// A relation of a kind: `table`, `view`, `sequence`, `index`.
    Relation(&'static str, QualifiedName),
    /// A column: the parts of its name.
    Column(Vec<String>),
    /// A schema.
    Schema(String),
    /// A type.
    Type(QualifiedName),
    /// A constraint of a table.
    Constraint(String, QualifiedName),
    /// A database.
    Database(String),
}

/// What follows COMMENT.
pub(super) fn parse(tokens: &mut Tokens<'_>) -> Result<CommentStatement> {
    tokens.expect("on")?;
    let kind = ["table", "view", "sequence", "index"].into_iter().find(|kind| tokens.take(kind));
    let object = if let Some(kind) = kind {
        CommentedObject::Relation(kind, qualified(tokens)?)
    } else if tokens.take("column") {
        CommentedObject::Column(tokens.names()?)
    } else if tokens.take("schema") {
        CommentedObject::Schema(tokens.name()?)
    } else if tokens.take("type") {
        CommentedObject::Type(qualified(tokens)?)
    } else if tokens.take("constraint") {
        let name = tokens.name()?;
        tokens.expect("on")?;
        CommentedObject::Constraint(name, qualified(tokens)?)
    } else if tokens.take("database") {
        CommentedObject::Database(tokens.name()?)
    } else {
        return Err(SqlError::unsupported("COMMENT ON this kind of object"));
    };
    tokens.expect("is")?;
    let text = if tokens.take("null") { None } else { Some(tokens.take_string().ok_or_else(|| tokens.unexpected())?) };
    Ok(CommentStatement { object, text: text.filter(|text| !text.is_empty()) })
}
