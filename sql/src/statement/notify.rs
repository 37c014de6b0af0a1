//! LISTEN, UNLISTEN, NOTIFY.

use crate::error::Result;
use crate::parse::session::NotifyStatement;
use crate::session::Session;
use crate::session::notifications::Change;

pub(super) const fn tag(statement: &NotifyStatement) -> &'static str {
    match statement {
        NotifyStatement::Listen(_) => "LISTEN",
        NotifyStatement::Unlisten(_) | NotifyStatement::UnlistenAll => "UNLISTEN",
        NotifyStatement::Notify { .. } => "NOTIFY",
    }
}

pub(super) fn run(session: &mut Session, statement: &NotifyStatement) -> Result<()> {
    match statement {
        NotifyStatement::Listen(channel) => session.change_listening(Change::Listen(channel.clone())),
        NotifyStatement::Unlisten(channel) => session.change_listening(Change::Unlisten(channel.clone())),
        NotifyStatement::UnlistenAll => session.change_listening(Change::UnlistenAll),
        NotifyStatement::Notify { channel, payload } => session.send(channel, payload),
    }
}
