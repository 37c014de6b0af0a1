//! What the options of a COPY come to.

use super::statement::{CopyOption, OptionValue};
use crate::error::{Result, SqlError, SqlState};

/// The formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CopyFormat {
    /// A line a row, columns between tabs, backslashes.
    #[default]
    Text,
    /// Commas and quotes.
    Csv,
    /// The wire's binary forms.
    Binary,
}

/// The first line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Header {
    /// Is a row.
    #[default]
    None,
    /// Has the names of the columns; not looked at.
    Names,
    /// Must have the names of the columns.
    Match,
}

/// Columns that an option names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ColumnSet {
    /// None.
    #[default]
    None,
    /// `*`
    All,
    /// These.
    Named(Vec<String>),
}

/// The options with their defaults.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyOptions {
    /// FORMAT
    pub format: CopyFormat,
    /// DELIMITER
    pub delimiter: u8,
    /// NULL
    pub null: String,
    /// HEADER
    pub header: Header,
    /// QUOTE
    pub quote: u8,
    /// ESCAPE
    pub escape: u8,
    /// FORCE_QUOTE
    pub force_quote: ColumnSet,
    /// FORCE_NOT_NULL
    pub force_not_null: ColumnSet,
    /// FORCE_NULL
    pub force_null: ColumnSet,
}

/// The options as they are given.
#[derive(Default)]
struct Given {
    format: Option<CopyFormat>,
    freeze: bool,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ColumnSet>,
    force_not_null: Option<ColumnSet>,
    force_null: Option<ColumnSet>,
    encoding: bool,
}

impl CopyOptions {
    /// What the options come to, for COPY FROM or COPY TO.
    pub fn resolve(options: &[CopyOption], from: bool) -> Result<Self> {
        let mut given = Given::default();
        for option in options {
            given.take(option, from)?;
        }
        given.check_binary()?;
        let csv = given.format == Some(CopyFormat::Csv);
        let delimiter = match &given.delimiter {
            None => {
                if csv {
                    b','
                } else {
                    b'\t'
                }
            }
            Some(text) => delimiter(text, csv)?,
        };
        let null = given.null.clone().unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() });
        if null.contains(['\n', '\r']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        let quote = given.quote_char("quote", given.quote.as_deref(), csv)?.unwrap_or(b'"');
        if csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let escape = given.quote_char("escape", given.escape.as_deref(), csv)?.unwrap_or(quote);
        given.check_forced(csv, from)?;
        if null.as_bytes().contains(&delimiter) {
            return Err(unsupported("COPY delimiter must not appear in the NULL specification"));
        }
        if csv && null.as_bytes().contains(&quote) {
            return Err(unsupported("CSV quote character must not appear in the NULL specification"));
        }
        Ok(Self {
            format: given.format.unwrap_or_default(),
            delimiter,
            null,
            header: given.header.unwrap_or_default(),
            quote,
            escape,
            force_quote: given.force_quote.unwrap_or_default(),
            force_not_null: given.force_not_null.unwrap_or_default(),
            force_null: given.force_null.unwrap_or_default(),
        })
    }
}

impl Given {
    fn take(&mut self, option: &CopyOption, from: bool) -> Result<()> {
        let is_new = match option.name.as_str() {
            "format" => self.format.replace(format(option)?).is_none(),
            // All it does is to steer PostgreSQL's storage.
            "freeze" => !std::mem::replace(&mut self.freeze, boolean(option).map(|_| true)?),
            "delimiter" => self.delimiter.replace(text(option)?).is_none(),
            "null" => self.null.replace(text(option)?).is_none(),
            "header" => self.header.replace(header(option, from)?).is_none(),
            "quote" => self.quote.replace(text(option)?).is_none(),
            "escape" => self.escape.replace(text(option)?).is_none(),
            "force_quote" => self.force_quote.replace(columns(option, true)?).is_none(),
            "force_not_null" => self.force_not_null.replace(columns(option, false)?).is_none(),
            "force_null" => self.force_null.replace(columns(option, false)?).is_none(),
            "encoding" => !std::mem::replace(&mut self.encoding, encoding(option).map(|()| true)?),
            other => {
                let message = format!("option \"{other}\" not recognized");
                return Err(at(option, SqlError::new(SqlState::SYNTAX_ERROR, message)));
            }
        };
        if is_new {
            return Ok(());
        }
        Err(at(option, SqlError::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")))
    }

    fn check_binary(&self) -> Result<()> {
        if self.format != Some(CopyFormat::Binary) {
            return Ok(());
        }
        let refused = [("DELIMITER", self.delimiter.is_some()), ("NULL", self.null.is_some())];
        if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("cannot specify {name} in BINARY mode")));
        }
        match self.header {
            None | Some(Header::None) => Ok(()),
            Some(_) => Err(unsupported("cannot specify HEADER in BINARY mode")),
        }
    }

    /// QUOTE or ESCAPE.
    fn quote_char(&self, name: &str, given: Option<&str>, csv: bool) -> Result<Option<u8>> {
        match given.map(str::as_bytes) {
            None => Ok(None),
            Some(_) if !csv => Err(unsupported(format!("COPY {name} available only in CSV mode"))),
            Some(&[byte]) => Ok(Some(byte)),
            Some(_) => Err(unsupported(format!("COPY {name} must be a single one-byte character"))),
        }
    }

    fn check_forced(&self, csv: bool, from: bool) -> Result<()> {
        let forced = [
            ("quote", &self.force_quote, false),
            ("not null", &self.force_not_null, true),
            ("null", &self.force_null, true),
        ];
        for (name, given, of_from) in forced {
            if given.is_none() {
                continue;
            }
            if !csv {
                return Err(unsupported(format!("COPY force {name} available only in CSV mode")));
            }
            if of_from != from {
                let direction = if of_from { "FROM" } else { "TO" };
                return Err(unsupported(format!("COPY force {name} only available using COPY {direction}")));
            }
        }
        Ok(())
    }
}

fn format(option: &CopyOption) -> Result<CopyFormat> {
    match text(option)?.as_str() {
        "text" => Ok(CopyFormat::Text),
        "csv" => Ok(CopyFormat::Csv),
        "binary" => Ok(CopyFormat::Binary),
        other => Err(at(option, invalid(format!("COPY format \"{other}\" not recognized")))),
    }
}

fn header(option: &CopyOption, from: bool) -> Result<Header> {
    match &option.value {
        OptionValue::Text(word) if word.eq_ignore_ascii_case("match") => {
            if from {
                Ok(Header::Match)
            } else {
                Err(unsupported("cannot use \"match\" with HEADER in COPY TO"))
            }
        }
        _ => match boolean(option) {
            Ok(true) => Ok(Header::Names),
            Ok(false) => Ok(Header::None),
            Err(_) => Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("{} requires a Boolean value or \"match\"", option.name),
            )),
        },
    }
}

fn boolean(option: &CopyOption) -> Result<bool> {
    let value = match &option.value {
        OptionValue::None => Some(true),
        OptionValue::Text(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "on" => Some(true),
            "false" | "off" => Some(false),
            _ => None,
        },
        OptionValue::Number(number) => match number.as_str() {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        OptionValue::Star | OptionValue::List(_) => None,
    };
    value.ok_or_else(|| SqlError::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name)))
}

fn text(option: &CopyOption) -> Result<String> {
    match &option.value {
        OptionValue::None => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", option.name)))
        }
        OptionValue::Text(text) | OptionValue::Number(text) => Ok(text.clone()),
        OptionValue::Star => Ok("*".to_owned()),
        OptionValue::List(names) => Ok(names.join(", ")),
    }
}

fn columns(option: &CopyOption, may_be_all: bool) -> Result<ColumnSet> {
    match &option.value {
        OptionValue::Star if may_be_all => Ok(ColumnSet::All),
        OptionValue::List(names) => Ok(ColumnSet::Named(names.clone())),
        _ => {
            let message = format!("argument to option \"{}\" must be a list of column names", option.name);
            Err(at(option, invalid(message)))
        }
    }
}

fn encoding(option: &CopyOption) -> Result<()> {
    let name: String = text(option)?.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    match name.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" => Ok(()),
        "latin1" | "iso88591" | "sqlascii" | "win1252" | "windows1252" | "latin9" | "iso885915" => {
            Err(SqlError::unsupported(format!("encoding \"{}\" in COPY", text(option)?)))
        }
        _ => {
            let message = format!("argument to option \"{}\" must be a valid encoding name", option.name);
            Err(at(option, invalid(message)))
        }
    }
}

fn delimiter(text: &str, csv: bool) -> Result<u8> {
    let &[delimiter] = text.as_bytes() else {
        return Err(unsupported("COPY delimiter must be a single one-byte character"));
    };
    if matches!(delimiter, b'\n' | b'\r') {
        return Err(invalid("COPY delimiter cannot be newline or carriage return"));
    }
    // What could not be told from a backslash sequence.
    if !csv && (delimiter.is_ascii_lowercase() || delimiter.is_ascii_digit() || matches!(delimiter, b'\\' | b'.')) {
        return Err(invalid(format!("COPY delimiter cannot be \"{text}\"")));
    }
    Ok(delimiter)
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unsupported(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

fn at(option: &CopyOption, mut error: SqlError) -> SqlError {
    error.fields.position = option.position;
    error
}
