//! CLOSE. The other statements about cursors are run by the session.

use crate::error::Result;
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

pub(super) fn run(session: &mut Session, statement: &CursorStatement) -> Result<()> {
    match statement {
        CursorStatement::Close(name) => session.close_cursor(name),
        CursorStatement::CloseAll => {
            session.close_all_cursors();
            Ok(())
        }
        CursorStatement::Declare(_) | CursorStatement::Fetch(..) | CursorStatement::Move(..) => {
            unreachable!("BUG: these are actions of their own")
        }
    }
}
