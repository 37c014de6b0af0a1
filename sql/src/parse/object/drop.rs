//! DROP.

use super::{cascade, if_exists, list, qualified};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError};
use crate::parse::tokens::Tokens;

/// DROP
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DropStatement {
    /// What kind of object.
    pub kind: DropKind,
    /// Which ones.
    pub names: Vec<QualifiedName>,
    /// IF EXISTS
    pub if_exists: bool,
    /// CASCADE
    pub cascade: bool,
}

/// What kind of object is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropKind {
    /// TABLE
    Table,
    /// INDEX
    Index,
    /// SCHEMA
    Schema,
    /// SEQUENCE
    Sequence,
    /// VIEW
    View,
    /// TYPE
    Type,
}

impl DropKind {
    const ALL: [(&str, Self); 6] = [
        ("table", Self::Table),
        ("index", Self::Index),
        ("schema", Self::Schema),
        ("sequence", Self::Sequence),
        ("view", Self::View),
        ("type", Self::Type),
    ];

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("object", |(name, _)| name)
    }
}

/// What follows DROP; none for a kind of object that is dropped by other statements.
pub(super) fn drop(tokens: &mut Tokens<'_>) -> Result<Option<DropStatement>> {
    let Some((_, kind)) = DropKind::ALL.iter().find(|(word, _)| tokens.take(word)) else { return Ok(None) };
    if *kind == DropKind::Index && tokens.is_word("concurrently") {
        return Err(SqlError::unsupported("DROP INDEX CONCURRENTLY"));
    }
    let if_exists = if_exists(tokens);
    let names = if *kind == DropKind::Schema {
        list(tokens, |tokens| Ok(QualifiedName { schema: None, name: tokens.name()? }))?
    } else {
        list(tokens, qualified)?
    };
    Ok(Some(DropStatement { kind: *kind, names, if_exists, cascade: cascade(tokens) }))
}
