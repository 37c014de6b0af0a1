//! SET, RESET, SHOW.

use crate::parse::token::TokenKind;

use super::{SessionStatement, transaction};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::tokens::Tokens;

/// A change of settings, or a question for them.
#[derive(Clone, PartialEq, Debug)]
pub enum SettingStatement {
    /// SET
    Set {
        /// The setting, in lower case.
        name: String,
        /// Its value.
        value: SetValue,
        /// LOCAL: until the end of the transaction.
        local: bool,
    },
    /// RESET of one setting.
    Reset(String),
    /// RESET ALL
    ResetAll,
    /// SHOW
    Show(String),
    /// SHOW ALL
    ShowAll,
    /// SET ROLE; none for NONE.
    SetRole {
        /// The role.
        role: Option<String>,
        /// LOCAL: until the end of the transaction.
        local: bool,
    },
    /// SET SESSION AUTHORIZATION; none for DEFAULT.
    SetSessionAuthorization {
        /// The role.
        role: Option<String>,
        /// LOCAL: until the end of the transaction.
        local: bool,
    },
    /// RESET SESSION AUTHORIZATION
    ResetSessionAuthorization,
    /// SET CONSTRAINTS
    SetConstraints {
        /// Their names, each with the schema if it is given; none for ALL.
        names: Option<Vec<Vec<String>>>,
        /// Whether they are judged at COMMIT.
        deferred: bool,
    },
}

/// What a setting is set to.
#[derive(Clone, PartialEq, Debug)]
pub enum SetValue {
    /// DEFAULT
    Default,
    /// Constants, as text; most settings take one.
    Values(Vec<String>),
    /// A zone so many seconds east of Greenwich, and the interval that it was given as.
    Offset(i64, String),
}

/// SET in all its forms.
pub(super) fn set(tokens: &mut Tokens<'_>) -> Result<SessionStatement> {
    tokens.next();
    let local = tokens.take("local");
    if !local && tokens.take_all(&["session", "characteristics"]) {
        tokens.expect("as")?;
        tokens.expect("transaction")?;
        return transaction::session_characteristics(tokens).map(SessionStatement::Transaction);
    }
    if tokens.take_all(&["session", "authorization"]) {
        return authorization(tokens, local).map(SessionStatement::Setting);
    }
    let is_session = !local && tokens.is_word("session");
    if is_session {
        tokens.next();
        if tokens.take_all(&["session", "authorization"]) {
            return authorization(tokens, false).map(SessionStatement::Setting);
        }
    }
    if tokens.take("transaction") {
        return transaction::set_transaction(tokens).map(SessionStatement::Transaction);
    }
    if !local && !is_session && tokens.take("constraints") {
        return constraints(tokens).map(SessionStatement::Setting);
    }
    if tokens.take_all(&["time", "zone"]) {
        let value = time_zone(tokens)?;
        let statement = SettingStatement::Set { name: "timezone".to_owned(), value, local };
        return Ok(SessionStatement::Setting(statement));
    }
    assignment(tokens, local).map(SessionStatement::Setting)
}

/// `name = value` and what is written in other words.
fn assignment(tokens: &mut Tokens<'_>, local: bool) -> Result<SettingStatement> {
    let is_plain = tokens.is_plain_word();
    let names = tokens.names()?;
    let single = if names.len() == 1 && is_plain { names.first().map(String::as_str) } else { None };
    let is_assigned = tokens.is_word("to") || tokens.peek() == Some(&TokenKind::Equals);
    if is_assigned {
        tokens.next();
        let value = values(tokens)?;
        return Ok(SettingStatement::Set { name: names.join("."), value, local });
    }
    let text = |name: &str, value| SettingStatement::Set { name: name.to_owned(), value, local };
    match single {
        Some("names") => {
            let value = match tokens.take_string() {
                Some(encoding) => SetValue::Values(vec![encoding]),
                None if tokens.is_at_end() || tokens.take("default") => SetValue::Default,
                None => SetValue::Values(vec![tokens.name()?]),
            };
            Ok(text("client_encoding", value))
        }
        Some("role") => {
            if tokens.take("none") {
                return Ok(SettingStatement::SetRole { role: None, local });
            }
            let role = role_name(tokens)?;
            Ok(SettingStatement::SetRole { role: Some(role), local })
        }
        Some("schema") => match tokens.take_string() {
            Some(schema) => Ok(text("search_path", SetValue::Values(vec![schema]))),
            None => Err(tokens.unexpected()),
        },
        Some("xml") if tokens.take("option") => {
            let option = tokens.name()?;
            Ok(text("xmloption", SetValue::Values(vec![option])))
        }
        Some("catalog") => Err(SqlError::unsupported("SET CATALOG")),
        _ if tokens.take_all(&["from", "current"]) => {
            Err(SqlError::unsupported("SET … FROM CURRENT outside of a function"))
        }
        _ => Err(tokens.unexpected()),
    }
}

fn role_name(tokens: &mut Tokens<'_>) -> Result<String> {
    match tokens.take_string() {
        Some(role) => Ok(role),
        None => tokens.name(),
    }
}

fn authorization(tokens: &mut Tokens<'_>, local: bool) -> Result<SettingStatement> {
    if tokens.take("default") {
        return Ok(SettingStatement::SetSessionAuthorization { role: None, local });
    }
    let role = role_name(tokens)?;
    Ok(SettingStatement::SetSessionAuthorization { role: Some(role), local })
}

fn constraints(tokens: &mut Tokens<'_>) -> Result<SettingStatement> {
    let names = if tokens.take("all") {
        None
    } else {
        let mut names = vec![tokens.names()?];
        while tokens.take_token(&TokenKind::Comma) {
            names.push(tokens.names()?);
        }
        Some(names)
    };
    let deferred = tokens.take("deferred");
    if !deferred {
        tokens.expect("immediate")?;
    }
    Ok(SettingStatement::SetConstraints { names, deferred })
}

/// Constants, separated by commas; or DEFAULT.
fn values(tokens: &mut Tokens<'_>) -> Result<SetValue> {
    if tokens.take("default") {
        return Ok(SetValue::Default);
    }
    let mut values = vec![value(tokens)?];
    while tokens.take_token(&TokenKind::Comma) {
        values.push(value(tokens)?);
    }
    Ok(SetValue::Values(values))
}

fn value(tokens: &mut Tokens<'_>) -> Result<String> {
    if let Some(text) = tokens.take_string() {
        return Ok(text);
    }
    match tokens.peek() {
        Some(TokenKind::Word | TokenKind::Keyword(_) | TokenKind::QuotedName(_)) => tokens.name(),
        _ => number(tokens),
    }
}

/// A number with its sign, as it is written.
fn number(tokens: &mut Tokens<'_>) -> Result<String> {
    let sign = if tokens.take_token(&TokenKind::Minus) { "-" } else { "" };
    if sign.is_empty() {
        tokens.take_token(&TokenKind::Plus);
    }
    match tokens.take_number() {
        Some(digits) => Ok(format!("{sign}{digits}")),
        None => Err(tokens.unexpected()),
    }
}

/// What follows SET TIME ZONE.
fn time_zone(tokens: &mut Tokens<'_>) -> Result<SetValue> {
    if tokens.take_any(&["default", "local"]) {
        return Ok(SetValue::Default);
    }
    if tokens.take("interval") {
        return offset(tokens);
    }
    value(tokens).map(|value| SetValue::Values(vec![value]))
}

/// A zone as an interval of hours, minutes and seconds.
fn offset(tokens: &mut Tokens<'_>) -> Result<SetValue> {
    if tokens.take_token(&TokenKind::LeftParen) {
        tokens.take_integer()?;
        tokens.expect_token(&TokenKind::RightParen)?;
    }
    let Some(text) = tokens.take_string() else { return Err(tokens.unexpected()) };
    let in_hours = tokens.take("hour");
    if in_hours && tokens.take("to") && !tokens.take("minute") {
        return Err(tokens.unexpected());
    }
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim().strip_prefix('+').unwrap_or(text.trim())),
    };
    let parts: Option<Vec<i64>> = digits.split(':').map(|part| part.parse().ok().filter(|n| *n < 1000)).collect();
    let seconds = match parts.as_deref() {
        Some([hours]) if in_hours => hours * 3600,
        Some([seconds]) => *seconds,
        Some([hours, minutes]) => hours * 3600 + minutes * 60,
        Some([hours, minutes, seconds]) => hours * 3600 + minutes * 60 + seconds,
        _ => {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for parameter \"TimeZone\": \"INTERVAL '{text}'\""),
            )
            .with_detail("The interval of a time zone has hours, minutes and seconds."));
        }
    };
    Ok(SetValue::Offset(sign * seconds, text))
}

/// RESET
pub(super) fn reset(tokens: &mut Tokens<'_>) -> Result<SettingStatement> {
    tokens.next();
    if tokens.take("all") {
        return Ok(SettingStatement::ResetAll);
    }
    if tokens.take_all(&["session", "authorization"]) {
        return Ok(SettingStatement::ResetSessionAuthorization);
    }
    special_name(tokens).map(SettingStatement::Reset)
}

/// SHOW
pub(super) fn show(tokens: &mut Tokens<'_>) -> Result<SettingStatement> {
    tokens.next();
    if tokens.take("all") {
        return Ok(SettingStatement::ShowAll);
    }
    if tokens.take_all(&["session", "authorization"]) {
        return Ok(SettingStatement::Show("session_authorization".to_owned()));
    }
    special_name(tokens).map(SettingStatement::Show)
}

/// A setting's name, or the standard's words for it.
fn special_name(tokens: &mut Tokens<'_>) -> Result<String> {
    if tokens.take_all(&["time", "zone"]) {
        return Ok("timezone".to_owned());
    }
    if tokens.take_all(&["transaction", "isolation", "level"]) {
        return Ok("transaction_isolation".to_owned());
    }
    Ok(tokens.names()?.join("."))
}
