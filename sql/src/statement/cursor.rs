//! DECLARE, FETCH, MOVE, CLOSE.

use crate::error::{Result, SqlError};
use crate::parse::session::CursorStatement;
use crate::session::Session;

pub(super) const fn tag(statement: &CursorStatement) -> &'static str {
    match statement {
        CursorStatement::Declare(_) => "DECLARE CURSOR",
        CursorStatement::Fetch(..) => "FETCH",
        CursorStatement::Move(..) => "MOVE",
        CursorStatement::Close(_) => "CLOSE CURSOR",
        CursorStatement::CloseAll => "CLOSE CURSOR ALL",
    }
}

pub(super) fn run(_: &mut Session, statement: &CursorStatement) -> Result<()> {
    Err(SqlError::unsupported(match statement {
        CursorStatement::Declare(_) => "DECLARE CURSOR",
        CursorStatement::Fetch(..) => "FETCH",
        CursorStatement::Move(..) => "MOVE",
        CursorStatement::Close(_) | CursorStatement::CloseAll => "CLOSE",
    }))
}
