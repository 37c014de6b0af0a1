//! CREATE SCHEMA, ALTER SCHEMA.

use super::if_not_exists;
use crate::error::{Result, SqlError};
use crate::parse::tokens::Tokens;

/// CREATE SCHEMA or ALTER SCHEMA.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SchemaStatement {
    /// CREATE SCHEMA
    Create {
        /// Its name.
        name: String,
        /// IF NOT EXISTS
        if_not_exists: bool,
    },
    /// ALTER SCHEMA … RENAME TO
    Rename {
        /// Its name so far.
        name: String,
        /// Its new name.
        to: String,
    },
}

/// What follows CREATE SCHEMA.
pub(super) fn create(tokens: &mut Tokens<'_>) -> Result<SchemaStatement> {
    let if_not_exists = if_not_exists(tokens);
    if tokens.is_word("authorization") {
        return Err(SqlError::unsupported("CREATE SCHEMA AUTHORIZATION"));
    }
    let name = tokens.name()?;
    if tokens.is_word("authorization") {
        return Err(SqlError::unsupported("CREATE SCHEMA … AUTHORIZATION"));
    }
    if tokens.is_word("create") || tokens.is_word("grant") {
        return Err(SqlError::unsupported("an element of CREATE SCHEMA")
            .with_hint("Make what is in the schema by statements of its own."));
    }
    Ok(SchemaStatement::Create { name, if_not_exists })
}

/// What follows ALTER SCHEMA.
pub(super) fn alter(tokens: &mut Tokens<'_>) -> Result<SchemaStatement> {
    let name = tokens.name()?;
    if tokens.take_all(&["owner", "to"]) {
        return Err(SqlError::unsupported("ALTER SCHEMA … OWNER TO"));
    }
    tokens.expect("rename")?;
    tokens.expect("to")?;
    Ok(SchemaStatement::Rename { name, to: tokens.name()? })
}
