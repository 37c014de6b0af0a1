//! CREATE TYPE, ALTER TYPE.

use super::{if_not_exists, list, qualified};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError};
use crate::parse::token::TokenKind;
use crate::parse::tokens::Tokens;

/// CREATE TYPE or ALTER TYPE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TypeStatement {
    /// CREATE TYPE … AS ENUM
    CreateEnum {
        /// Its name.
        name: QualifiedName,
        /// Its labels.
        labels: Vec<String>,
    },
    /// ALTER TYPE
    Alter {
        /// Its name.
        name: QualifiedName,
        /// What changes.
        change: TypeChange,
    },
}

/// What ALTER TYPE changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TypeChange {
    /// ADD VALUE
    AddValue {
        /// The label.
        label: String,
        /// IF NOT EXISTS
        if_not_exists: bool,
        /// BEFORE (true) or AFTER another one; else it comes last.
        beside: Option<(bool, String)>,
    },
    /// RENAME TO
    Rename(String),
    /// SET SCHEMA
    SetSchema(String),
}

/// What follows CREATE TYPE.
pub(super) fn create(tokens: &mut Tokens<'_>) -> Result<TypeStatement> {
    let name = qualified(tokens)?;
    if !tokens.take("as") {
        return Err(SqlError::unsupported("CREATE TYPE of a base or shell type"));
    }
    if tokens.is_word("range") {
        return Err(SqlError::unsupported("a range type"));
    }
    if !tokens.take("enum") {
        return Err(SqlError::unsupported("a composite type"));
    }
    tokens.expect_token(&TokenKind::LeftParen)?;
    let labels = if tokens.peek() == Some(&TokenKind::RightParen) { Vec::new() } else { list(tokens, label)? };
    tokens.expect_token(&TokenKind::RightParen)?;
    Ok(TypeStatement::CreateEnum { name, labels })
}

/// What follows ALTER TYPE.
pub(super) fn alter(tokens: &mut Tokens<'_>) -> Result<TypeStatement> {
    let name = qualified(tokens)?;
    let change = if tokens.take_all(&["add", "value"]) {
        let if_not_exists = if_not_exists(tokens);
        let label = label(tokens)?;
        let before = tokens.take("before");
        let beside = if before || tokens.take("after") { Some((before, self::label(tokens)?)) } else { None };
        TypeChange::AddValue { label, if_not_exists, beside }
    } else if tokens.take_all(&["rename", "value"]) {
        return Err(SqlError::unsupported("ALTER TYPE … RENAME VALUE"));
    } else if tokens.take_all(&["rename", "to"]) {
        TypeChange::Rename(tokens.name()?)
    } else if tokens.take_all(&["set", "schema"]) {
        TypeChange::SetSchema(tokens.name()?)
    } else if tokens.take_all(&["owner", "to"]) {
        return Err(SqlError::unsupported("ALTER TYPE … OWNER TO"));
    } else {
        return Err(SqlError::unsupported("this form of ALTER TYPE"));
    };
    Ok(TypeStatement::Alter { name, change })
}

fn label(tokens: &mut Tokens<'_>) -> Result<String> {
    tokens.take_string().ok_or_else(|| tokens.unexpected())
}
