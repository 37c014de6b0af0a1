//! WITH (…) of CREATE TABLE.

use heliosdb_storage::catalog::SyncMode;
use sqlparser::ast::{self, CreateTableOptions, SqlOption};

use crate::bind::names::{self, ident};
use crate::error::{Result, SqlError, SqlState};

/// What was said.
#[derive(Default)]
pub(super) struct Options {
    /// `sync`, if it is there.
    pub sync: Option<SyncMode>,
}

impl Options {
    pub fn of(options: &CreateTableOptions) -> Result<Self> {
        let list = match options {
            CreateTableOptions::None => return Ok(Self::default()),
            CreateTableOptions::With(list) => list,
            other => return Err(SqlError::unsupported(format!("the table options {other}"))),
        };
        let mut found = Self::default();
        for option in list {
            let SqlOption::KeyValue { key, value } = option else {
                return Err(SqlError::unsupported(format!("table option {option}")));
            };
            let key = names::parts(key)?.join(".");
            let value = option_value(value);
            match (key.as_str(), value.as_str()) {
                // The only strategy so far is what happens anyway.
                ("conflict_strategy", "last_write_wins") => {}
                ("conflict_strategy", "first_write_wins" | "max_value" | "min_value" | "custom" | "manual") => {
                    return Err(SqlError::unsupported(format!("conflict_strategy = '{value}'")));
                }
                ("sync", "both") => found.sync = Some(SyncMode::Both),
                ("sync", "none") => found.sync = Some(SyncMode::None),
                ("sync", "push" | "pull") => return Err(SqlError::unsupported(format!("sync = '{value}'"))),
                ("conflict_strategy" | "sync", _) => {
                    return Err(SqlError::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid value for table option \"{key}\": \"{value}\""),
                    ));
                }
                _ => return Err(SqlError::unsupported(format!("table option \"{key}\""))),
            }
        }
        Ok(found)
    }
}

fn option_value(value: &ast::Expr) -> String {
    match value {
        ast::Expr::Identifier(name) => ident(name),
        ast::Expr::Value(value) => {
            crate::bind::string_value(&value.value).map_or_else(|| value.to_string(), str::to_owned)
        }
        other => other.to_string(),
    }
}
