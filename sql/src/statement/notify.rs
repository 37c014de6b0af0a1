//! LISTEN, UNLISTEN, NOTIFY.

use crate::error::{Result, SqlError};
use crate::parse::session::NotifyStatement;
use crate::session::Session;

pub(super) const fn tag(statement: &NotifyStatement) -> &'static str {
    match statement {
        NotifyStatement::Listen(_) => "LISTEN",
        NotifyStatement::Unlisten(_) | NotifyStatement::UnlistenAll => "UNLISTEN",
        NotifyStatement::Notify { .. } => "NOTIFY",
    }
}

pub(super) fn run(_: &mut Session, statement: &NotifyStatement) -> Result<()> {
    Err(SqlError::unsupported(tag(statement)))
}
