//! CREATE SEQUENCE, ALTER SEQUENCE, and the options of sequences.

use sqlparser::ast::DataType;

use super::{if_exists, if_not_exists, qualified};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::grammar::Grammar;
use crate::parse::tokens::Tokens;

/// CREATE SEQUENCE or ALTER SEQUENCE.
#[derive(Clone, Debug)]
pub enum SequenceStatement {
    /// CREATE SEQUENCE
    Create {
        /// Its name.
        name: QualifiedName,
        /// IF NOT EXISTS
        if_not_exists: bool,
        /// Its options.
        clauses: Vec<SequenceClause>,
    },
    /// ALTER SEQUENCE with options.
    Alter {
        /// Its name.
        name: QualifiedName,
        /// IF EXISTS
        if_exists: bool,
        /// What changes.
        clauses: Vec<SequenceClause>,
    },
    /// ALTER SEQUENCE … RENAME TO
    Rename {
        /// Its name so far.
        name: QualifiedName,
        /// IF EXISTS
        if_exists: bool,
        /// Its new name.
        to: String,
    },
    /// ALTER SEQUENCE … SET SCHEMA
    SetSchema {
        /// Its name.
        name: QualifiedName,
        /// IF EXISTS
        if_exists: bool,
        /// The schema it moves to.
        schema: String,
    },
}

/// An option of a sequence.
#[derive(Clone, PartialEq, Debug)]
pub enum SequenceClause {
    /// AS type
    As(DataType),
    /// INCREMENT BY
    Increment(i64),
    /// MINVALUE, none for NO MINVALUE
    MinValue(Option<i64>),
    /// MAXVALUE, none for NO MAXVALUE
    MaxValue(Option<i64>),
    /// START WITH
    Start(i64),
    /// RESTART, perhaps WITH a number
    Restart(Option<i64>),
    /// CACHE
    Cache(i64),
    /// CYCLE, NO CYCLE
    Cycle(bool),
    /// OWNED BY: the parts of the column's name, none for NONE
    OwnedBy(Option<Vec<String>>),
    /// SEQUENCE NAME, of identity columns
    Name(QualifiedName),
}

/// What follows CREATE SEQUENCE.
pub(super) fn create(tokens: &mut Tokens<'_>, temporary: bool) -> Result<SequenceStatement> {
    if temporary {
        return Err(SqlError::unsupported("CREATE TEMPORARY SEQUENCE"));
    }
    let if_not_exists = if_not_exists(tokens);
    let name = qualified(tokens)?;
    Ok(SequenceStatement::Create { name, if_not_exists, clauses: clauses(tokens)? })
}

/// What follows ALTER SEQUENCE.
pub(super) fn alter(tokens: &mut Tokens<'_>) -> Result<SequenceStatement> {
    let if_exists = if_exists(tokens);
    let name = qualified(tokens)?;
    if tokens.take_all(&["rename", "to"]) {
        return Ok(SequenceStatement::Rename { name, if_exists, to: tokens.name()? });
    }
    if tokens.take_all(&["set", "schema"]) {
        return Ok(SequenceStatement::SetSchema { name, if_exists, schema: tokens.name()? });
    }
    if tokens.take_all(&["owner", "to"]) {
        return Err(SqlError::unsupported("ALTER SEQUENCE … OWNER TO"));
    }
    if tokens.is_word("set") {
        return Err(SqlError::unsupported("ALTER SEQUENCE … SET"));
    }
    let clauses = clauses(tokens)?;
    if clauses.is_empty() {
        return Err(tokens.unexpected());
    }
    Ok(SequenceStatement::Alter { name, if_exists, clauses })
}

/// The options that come next.
pub(in crate::parse) fn clauses(tokens: &mut Tokens<'_>) -> Result<Vec<SequenceClause>> {
    let mut found: Vec<SequenceClause> = Vec::new();
    while let Some(clause) = clause(tokens)? {
        if found.iter().any(|known| std::mem::discriminant(known) == std::mem::discriminant(&clause)) {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options"));
        }
        found.push(clause);
    }
    Ok(found)
}

fn clause(tokens: &mut Tokens<'_>) -> Result<Option<SequenceClause>> {
    Ok(Some(if tokens.take("as") {
        SequenceClause::As(tokens.read(Grammar::data_type)?)
    } else if tokens.take("increment") {
        tokens.take("by");
        SequenceClause::Increment(number(tokens)?)
    } else if tokens.take("minvalue") {
        SequenceClause::MinValue(Some(number(tokens)?))
    } else if tokens.take("maxvalue") {
        SequenceClause::MaxValue(Some(number(tokens)?))
    } else if tokens.take_all(&["no", "minvalue"]) {
        SequenceClause::MinValue(None)
    } else if tokens.take_all(&["no", "maxvalue"]) {
        SequenceClause::MaxValue(None)
    } else if tokens.take_all(&["no", "cycle"]) {
        SequenceClause::Cycle(false)
    } else if tokens.take("cycle") {
        SequenceClause::Cycle(true)
    } else if tokens.take("start") {
        tokens.take("with");
        SequenceClause::Start(number(tokens)?)
    } else if tokens.take("restart") {
        let with = tokens.take("with");
        let number = tokens.take_integer()?;
        if with && number.is_none() {
            return Err(tokens.unexpected());
        }
        SequenceClause::Restart(number)
    } else if tokens.take("cache") {
        SequenceClause::Cache(number(tokens)?)
    } else if tokens.take_all(&["owned", "by"]) {
        let names = tokens.names()?;
        let is_none = matches!(names.as_slice(), [name] if name == "none");
        SequenceClause::OwnedBy(if is_none { None } else { Some(names) })
    } else if tokens.take_all(&["sequence", "name"]) {
        SequenceClause::Name(qualified(tokens)?)
    } else {
        return Ok(None);
    }))
}

fn number(tokens: &mut Tokens<'_>) -> Result<i64> {
    tokens.take_integer()?.ok_or_else(|| tokens.unexpected())
}
