//! CREATE EXTENSION: the one extension there is, and it is always there.

use sqlparser::ast;

use crate::bind::names::ident;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

/// The extension that the schemas `sync` and `ml` belong to.
const EXTENSION: &str = "heliosdb";

pub(super) fn run(session: &mut Session, create: &ast::CreateExtension) -> Result<()> {
    session.ensure_not_failed()?;
    let ast::CreateExtension { name, if_not_exists, with_keyword: _, cascade: _, schema, version } = create;
    let name = ident(name);
    if name != EXTENSION {
        return Err(SqlError::unsupported(format!("extension \"{name}\"")));
    }
    if schema.is_some() || version.is_some() {
        return Err(SqlError::unsupported("SCHEMA or VERSION of an extension"));
    }
    let exists = format!("extension \"{EXTENSION}\" already exists");
    if !if_not_exists {
        return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, exists));
    }
    session.note(SqlState::DUPLICATE_OBJECT, format!("{exists}, skipping"));
    Ok(())
}
