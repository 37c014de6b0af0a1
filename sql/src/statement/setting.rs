//! SET, SHOW, RESET, DISCARD, DEALLOCATE ALL.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;
use sqlparser::ast::{self, ContextModifier, DiscardObject, Reset, Set, Statement};

use crate::bind::names::{self, ident};
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

/// A change of settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SettingCommand {
    /// SET
    Set {
        /// The setting.
        name: String,
        /// Its value; none for DEFAULT.
        value: Option<String>,
        /// LOCAL: until the end of the transaction.
        local: bool,
    },
    /// RESET of one setting.
    Reset(String),
    /// RESET ALL
    ResetAll,
    /// DISCARD ALL
    DiscardAll,
    /// DEALLOCATE ALL
    DeallocateAll,
}

/// SHOW
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShowCommand {
    name: String,
}

/// The command that a statement is, if it is one of these.
pub(super) fn command(statement: &Statement) -> Result<Option<SettingCommand>> {
    Ok(Some(match statement {
        Statement::Set(set) => set_command(set)?,
        Statement::Reset(ast::ResetStatement { reset }) => match reset {
            Reset::ALL => SettingCommand::ResetAll,
            Reset::ConfigurationParameter(name) => SettingCommand::Reset(setting_name(name)?),
            Reset::SessionAuthorization => return Err(SqlError::unsupported("RESET SESSION AUTHORIZATION")),
        },
        Statement::Discard { object_type: DiscardObject::ALL } => SettingCommand::DiscardAll,
        Statement::Discard { object_type } => return Err(SqlError::unsupported(format!("DISCARD {object_type}"))),
        Statement::Deallocate { name, .. } if name.quote_style.is_none() && ident(name) == "all" => {
            SettingCommand::DeallocateAll
        }
        Statement::Deallocate { .. } => {
            return Err(SqlError::unsupported("DEALLOCATE of one statement")
                .with_hint("Close statements by the protocol, or DEALLOCATE ALL."));
        }
        Statement::Prepare { .. } => return Err(SqlError::unsupported("PREPARE in SQL")),
        Statement::Execute { .. } => return Err(SqlError::unsupported("EXECUTE in SQL")),
        _ => return Ok(None),
    }))
}

fn set_command(set: &Set) -> Result<SettingCommand> {
    match set {
        Set::SingleAssignment { scope, hivevar: false, variable, values } => Ok(SettingCommand::Set {
            name: setting_name(variable)?,
            value: setting_value(values)?,
            local: is_local(scope.as_ref())?,
        }),
        Set::SetTimeZone { local, value } => Ok(SettingCommand::Set {
            name: "timezone".to_owned(),
            value: setting_value(std::slice::from_ref(value))?,
            local: *local,
        }),
        Set::SetNames { charset_name, collation_name: None } => Ok(SettingCommand::Set {
            name: "client_encoding".to_owned(),
            value: Some(charset_name.value.clone()),
            local: false,
        }),
        Set::SetNamesDefault {} => {
            Ok(SettingCommand::Set { name: "client_encoding".to_owned(), value: None, local: false })
        }
        Set::SetRole { .. } => Err(SqlError::unsupported("SET ROLE")),
        Set::SetSessionAuthorization(_) => Err(SqlError::unsupported("SET SESSION AUTHORIZATION")),
        other => Err(SqlError::unsupported(format!("{other}"))),
    }
}

fn is_local(scope: Option<&ContextModifier>) -> Result<bool> {
    match scope {
        None | Some(ContextModifier::Session) => Ok(false),
        Some(ContextModifier::Local) => Ok(true),
        Some(ContextModifier::Global) => Err(SqlError::unsupported("SET GLOBAL")),
    }
}

fn setting_name(name: &ast::ObjectName) -> Result<String> {
    Ok(names::parts(name)?.join("."))
}

/// A value as text: what is listed is joined by commas, DEFAULT is none.
fn setting_value(values: &[ast::Expr]) -> Result<Option<String>> {
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        texts.push(match value {
            ast::Expr::Identifier(name) if name.quote_style.is_none() && ident(name) == "default" => return Ok(None),
            ast::Expr::Identifier(name) if name.quote_style.is_none() => name.value.clone(),
            ast::Expr::Identifier(name) => format!("\"{}\"", name.value),
            ast::Expr::Value(value) => match crate::bind::string_value(&value.value) {
                Some(text) => text.to_owned(),
                None => value.to_string(),
            },
            ast::Expr::UnaryOp { .. } => value.to_string(),
            other => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{other}\"")));
            }
        });
    }
    Ok(Some(texts.join(", ")))
}

/// SHOW name, SHOW ALL, SHOW TIME ZONE, SHOW TRANSACTION ISOLATION LEVEL.
pub(super) fn show(variable: &[ast::Ident]) -> Result<ShowCommand> {
    let words: Vec<String> = variable.iter().map(ident).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let name = match words.as_slice() {
        ["time", "zone"] => "TimeZone".to_owned(),
        ["transaction", "isolation", "level"] => "transaction_isolation".to_owned(),
        ["session", "authorization"] => return Err(SqlError::unsupported("SHOW SESSION AUTHORIZATION")),
        ["all"] => return Err(SqlError::unsupported("SHOW ALL").with_hint("Select from pg_settings.")),
        parts => parts.join("."),
    };
    Ok(ShowCommand { name })
}

impl ShowCommand {
    /// The name of its column: the setting's own spelling.
    pub(super) fn column(&self) -> String {
        let known = crate::session::settings::Settings::default().show(&self.name);
        known.map_or_else(|_| self.name.clone(), |(name, _)| name.to_owned())
    }

    pub(super) fn run(&self, session: &Session) -> Result<Vec<Row>> {
        session.ensure_not_failed()?;
        let value = session.show(&self.name)?;
        Ok(vec![vec![Value::text(value)]])
    }
}

impl SettingCommand {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Set { .. } => "SET",
            Self::Reset(_) | Self::ResetAll => "RESET",
            Self::DiscardAll => "DISCARD ALL",
            Self::DeallocateAll => "DEALLOCATE ALL",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        session.ensure_not_failed()?;
        match self {
            Self::Set { name, value, local } => {
                session.change_settings(*local, |settings, _| settings.set(name, value.as_deref()))
            }
            Self::Reset(name) => session.change_settings(false, |settings, startup| {
                // An unknown name is an error before it is looked up.
                let value = startup.show(name)?.1;
                settings.set(name, None)?;
                // Settings that cannot be set at all have failed above.
                settings.set(name, Some(&value).filter(|value| !value.is_empty()).map(String::as_str))
            }),
            Self::ResetAll => session.change_settings(false, |settings, startup| {
                *settings = startup.clone();
                Ok(())
            }),
            Self::DiscardAll => {
                if session.is_in_block() {
                    return Err(SqlError::new(
                        SqlState::ACTIVE_SQL_TRANSACTION,
                        "DISCARD ALL cannot run inside a transaction block",
                    ));
                }
                session.deallocate_all();
                session.change_settings(false, |settings, startup| {
                    *settings = startup.clone();
                    Ok(())
                })
            }
            Self::DeallocateAll => {
                session.deallocate_all();
                Ok(())
            }
        }
    }
}
