//! CREATE VIEW, ALTER VIEW.

use super::{if_exists, list, qualified};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::grammar::Grammar;
use crate::parse::token::TokenKind;
use crate::parse::tokens::Tokens;

/// CREATE VIEW or ALTER VIEW.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ViewStatement {
    /// CREATE VIEW
    Create(CreateView),
    /// ALTER VIEW
    Alter {
        /// Its name.
        name: QualifiedName,
        /// IF EXISTS
        if_exists: bool,
        /// What changes.
        change: ViewChange,
    },
}

/// CREATE VIEW
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateView {
    /// Its name.
    pub name: QualifiedName,
    /// OR REPLACE
    pub or_replace: bool,
    /// TEMPORARY
    pub temporary: bool,
    /// The names of its columns, if they are given.
    pub columns: Vec<String>,
    /// Its options.
    pub options: Vec<(String, Option<String>)>,
    /// The text of its query.
    pub query: String,
    /// How many characters of the message stand before the query.
    pub query_before: usize,
}

/// What ALTER VIEW changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ViewChange {
    /// RENAME TO
    Rename(String),
    /// RENAME COLUMN
    RenameColumn {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// SET SCHEMA
    SetSchema(String),
    /// SET (…)
    SetOptions(Vec<(String, Option<String>)>),
    /// RESET (…)
    ResetOptions(Vec<String>),
}

/// What follows `CREATE [OR REPLACE] [TEMPORARY] VIEW`.
pub(super) fn create(tokens: &mut Tokens<'_>, or_replace: bool, temporary: bool) -> Result<ViewStatement> {
    let name = qualified(tokens)?;
    let columns = if tokens.take_token(&TokenKind::LeftParen) {
        let columns = list(tokens, |tokens| tokens.name())?;
        tokens.expect_token(&TokenKind::RightParen)?;
        columns
    } else {
        Vec::new()
    };
    let options = if tokens.take("with") { options(tokens)? } else { Vec::new() };
    tokens.expect("as")?;
    let before = tokens.rest();
    tokens.read(Grammar::query)?;
    let length = before.len().saturating_sub(tokens.rest().len());
    let query_before = before.first().map_or(0, |token| tokens.chars_before(token));
    let query = tokens.text_of(before.get(..length).unwrap_or_default()).to_owned();
    if tokens.is_word("with") {
        return Err(SqlError::unsupported("WITH CHECK OPTION"));
    }
    Ok(ViewStatement::Create(CreateView { name, or_replace, temporary, columns, options, query, query_before }))
}

/// What follows ALTER VIEW.
pub(super) fn alter(tokens: &mut Tokens<'_>) -> Result<ViewStatement> {
    let if_exists = if_exists(tokens);
    let name = qualified(tokens)?;
    let change = if tokens.take_all(&["rename", "to"]) {
        ViewChange::Rename(tokens.name()?)
    } else if tokens.take("rename") {
        tokens.take("column");
        let from = tokens.name()?;
        tokens.expect("to")?;
        ViewChange::RenameColumn { from, to: tokens.name()? }
    } else if tokens.take_all(&["set", "schema"]) {
        ViewChange::SetSchema(tokens.name()?)
    } else if tokens.take_all(&["owner", "to"]) {
        return Err(SqlError::unsupported("ALTER VIEW … OWNER TO"));
    } else if tokens.take("set") {
        ViewChange::SetOptions(options(tokens)?)
    } else if tokens.take("reset") {
        ViewChange::ResetOptions(options(tokens)?.into_iter().map(|(name, _)| name).collect())
    } else if tokens.is_word("alter") {
        return Err(SqlError::unsupported("a default of a view's column"));
    } else {
        return Err(tokens.unexpected());
    };
    Ok(ViewStatement::Alter { name, if_exists, change })
}

/// `(a, b = c)`
fn options(tokens: &mut Tokens<'_>) -> Result<Vec<(String, Option<String>)>> {
    tokens.expect_token(&TokenKind::LeftParen)?;
    let options = list(tokens, |tokens| {
        let name = tokens.names()?.join(".");
        if !tokens.take_token(&TokenKind::Equals) {
            return Ok((name, None));
        }
        let value = match tokens.take_string() {
            Some(text) => text,
            None => tokens.name()?,
        };
        Ok((name, Some(value)))
    })?;
    tokens.expect_token(&TokenKind::RightParen)?;
    Ok(options)
}

/// Whether an option is on; it is if nothing is said.
pub fn is_on(name: &str, value: Option<&str>) -> Result<bool> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "on" | "yes" | "1") => Ok(true),
        Some("false" | "off" | "no" | "0") => Ok(false),
        Some(other) => Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for boolean option \"{name}\": {other}"),
        )),
    }
}
