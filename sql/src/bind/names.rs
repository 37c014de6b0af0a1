//! Identifiers and names of relations.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::error::{Result, SqlError, SqlState};

/// The longest identifier, in bytes; PostgreSQL cuts longer ones off.
const MAX_IDENTIFIER_BYTES: usize = 63;

/// An identifier as PostgreSQL reads it: lower case unless quoted, at most 63 bytes.
pub fn ident(ident: &Ident) -> String {
    match ident.quote_style {
        None => fold(&ident.value),
        Some(_) => cut(ident.value.clone()),
    }
}

/// An identifier that is not quoted.
pub fn fold(name: &str) -> String {
    cut(name.to_ascii_lowercase())
}

fn cut(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(MAX_IDENTIFIER_BYTES));
    name
}

/// A name with an optional schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QualifiedName {
    /// The schema, if one is given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// The parts of a dotted name.
pub fn parts(name: &ObjectName) -> Result<Vec<String>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(part) => Ok(ident(part)),
            ObjectNamePart::Function(_) => Err(SqlError::unsupported("a computed name")),
        })
        .collect()
}

/// A name of a relation, function or type.
pub fn qualified(name: &ObjectName) -> Result<QualifiedName> {
    let mut parts = parts(name)?;
    let last = parts.pop().unwrap_or_default();
    let schema = parts.pop();
    if parts.is_empty() {
        return Ok(QualifiedName { schema, name: last });
    }
    Err(SqlError::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("cross-database references are not implemented: \"{name}\""),
    ))
}

/// A name that may have only one part.
pub fn single(name: &ObjectName) -> Result<String> {
    let mut parts = parts(name)?;
    match (parts.pop(), parts.is_empty()) {
        (Some(name), true) => Ok(name),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("a qualified name is not allowed here: \"{name}\""))),
    }
}

/// `"a"` if an identifier needs quotes, else `a`.
pub fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The error for a relation that does not exist.
pub fn no_such_relation(name: &QualifiedName) -> SqlError {
    // Those names belong to PostgreSQL's own catalogs, of which some are not built.
    let is_catalog = match name.schema.as_deref() {
        Some(schema) => matches!(schema, "pg_catalog" | "information_schema"),
        None => name.name.starts_with("pg_"),
    };
    if is_catalog {
        return SqlError::unsupported(format!("catalog \"{name}\""));
    }
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}
