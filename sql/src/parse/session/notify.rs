//! LISTEN, UNLISTEN, NOTIFY.

use crate::parse::token::TokenKind;

use crate::error::Result;
use crate::parse::tokens::Tokens;

/// A statement about notifications.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotifyStatement {
    /// LISTEN
    Listen(String),
    /// UNLISTEN
    Unlisten(String),
    /// UNLISTEN *
    UnlistenAll,
    /// NOTIFY
    Notify {
        /// The channel.
        channel: String,
        /// What is told; may be empty.
        payload: String,
    },
}

pub(super) fn parse(tokens: &mut Tokens<'_>) -> Result<NotifyStatement> {
    if tokens.take("listen") {
        return tokens.name().map(NotifyStatement::Listen);
    }
    if tokens.take("unlisten") {
        if tokens.take_token(&TokenKind::Star) {
            return Ok(NotifyStatement::UnlistenAll);
        }
        return tokens.name().map(NotifyStatement::Unlisten);
    }
    tokens.expect("notify")?;
    let channel = tokens.name()?;
    let payload = if tokens.take_token(&TokenKind::Comma) {
        match tokens.take_string() {
            Some(payload) => payload,
            None => return Err(tokens.unexpected()),
        }
    } else {
        String::new()
    };
    Ok(NotifyStatement::Notify { channel, payload })
}
