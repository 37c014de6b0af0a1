//! Texts of settings that are read before they are taken.

use super::value::invalid;
use super::{Setting, Settings};
use crate::bind::names::quoted;
use crate::error::{Result, SqlError, SqlState};
use crate::types;
use crate::types::style::{DateOrder, DateStyle};

/// The longest `application_name`, in bytes; what is longer is cut off, as in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

/// `application_name`
pub(super) fn not_too_long(_: &Settings, text: &str) -> Result<String> {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let cut = text.get(..text.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or(text);
    Ok(cut.chars().map(printable).collect())
}

/// A zone: by its own spelling if it has a name.
pub(super) fn time_zone(_: &Settings, text: &str) -> Result<String> {
    types::datetime::zone_name(text)
}

/// `DateStyle`: words for the form and for the order; what is not said stays as it is.
pub(super) fn date_style(settings: &Settings, text: &str) -> Result<String> {
    let before = settings.date_style();
    let bad = |detail: String| invalid("DateStyle", text).with_detail(detail);
    let (mut style, mut order) = (None, None);
    let mut conflict = false;
    for word in text.split(',').map(str::trim) {
        let lower = word.trim_matches('"').to_ascii_lowercase();
        let (new_style, new_order) = match lower.as_str() {
            "iso" => (Some(DateStyle::Iso), None),
            "sql" => (Some(DateStyle::Sql), None),
            "german" => (Some(DateStyle::German), None),
            "ymd" => (None, Some(DateOrder::Ymd)),
            "dmy" => (None, Some(DateOrder::Dmy)),
            "mdy" | "us" => (None, Some(DateOrder::Mdy)),
            "default" => {
                style.get_or_insert(DateStyle::Iso);
                order.get_or_insert(DateOrder::Mdy);
                continue;
            }
            word if word.starts_with("postgres") => (Some(DateStyle::Postgres), None),
            word if word.starts_with("euro") => (None, Some(DateOrder::Dmy)),
            word if word.starts_with("noneuro") => (None, Some(DateOrder::Mdy)),
            _ => return Err(bad(format!("Unrecognized key word: \"{word}\"."))),
        };
        conflict |= new_style.is_some() && style.is_some() && style != new_style;
        conflict |= new_order.is_some() && order.is_some() && order != new_order;
        style = new_style.or(style);
        order = new_order.or(order);
    }
    if conflict {
        return Err(bad("Conflicting \"datestyle\" specifications.".to_owned()));
    }
    if style == Some(DateStyle::German) {
        order.get_or_insert(DateOrder::Dmy);
    }
    Ok(format!("{}, {}", style.unwrap_or(before.0).name(), order.unwrap_or(before.1).name()))
}

/// Encodings that PostgreSQL knows and this server does not.
const OTHER_ENCODINGS: &[&str] = &[
    "abc",
    "alt",
    "big5",
    "euccn",
    "eucjis2004",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "iso88591",
    "iso885910",
    "iso885913",
    "iso885914",
    "iso885915",
    "iso885916",
    "iso88592",
    "iso88593",
    "iso88594",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "iso88599",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin1",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "mskanji",
    "muleinternal",
    "shiftjis",
    "shiftjis2004",
    "sjis",
    "tcvn",
    "tcvn5712",
    "uhc",
    "vscii",
    "win",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
    "win932",
    "win936",
    "win949",
    "win950",
    "windows1250",
    "windows1251",
    "windows1252",
    "windows1253",
    "windows1254",
    "windows1255",
    "windows1256",
    "windows1257",
    "windows1258",
    "windows866",
    "windows874",
    "windows932",
    "windows936",
    "windows949",
    "windows950",
];

/// `client_encoding`: letters and digits of the name count.
pub(super) fn client_encoding(_: &Settings, text: &str) -> Result<String> {
    let name: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match name.as_str() {
        "utf8" | "unicode" => Ok("UTF8".to_owned()),
        "sqlascii" => Ok("SQL_ASCII".to_owned()),
        other if OTHER_ENCODINGS.contains(&other) => Err(SqlError::unsupported(format!("client_encoding = '{text}'"))
            .with_hint("Values of client_encoding that are supported: UTF8, SQL_ASCII.")),
        _ => Err(invalid("client_encoding", text)),
    }
}

/// `lc_…`: there is one locale.
pub(super) fn locale(_: &Settings, text: &str) -> Result<String> {
    match text {
        "C" | "POSIX" | "C.UTF-8" | "C.utf8" => Ok(text.to_owned()),
        "" => Ok("C".to_owned()),
        _ => Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid locale name: \"{text}\""))
            .with_hint("Locales that are supported: C, POSIX, C.UTF-8.")),
    }
}

/// `default_tablespace`: there is one tablespace.
pub(super) fn tablespace(_: &Settings, text: &str) -> Result<String> {
    match text {
        "" | "pg_default" => Ok(text.to_owned()),
        _ => Err(invalid("default_tablespace", text).with_detail(format!("Tablespace \"{text}\" does not exist."))),
    }
}

/// A list of names: it must be one; it is kept as it was written.
pub(super) fn name_list(_: &Settings, text: &str) -> Result<String> {
    match split_names(text) {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err(invalid(super::DEFINITIONS.get(Setting::SearchPath as usize).map_or("", |setting| setting.name), text)
                .with_detail("List syntax is invalid."))
        }
    }
}

/// The names of a list, folded; none if it is not one.
pub(super) fn split_names(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let after = if let Some(quoted) = rest.strip_prefix('"') {
            let (name, after) = quoted_name(quoted)?;
            names.push(name);
            after
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            if name.is_empty() {
                return None;
            }
            names.push(name.to_ascii_lowercase());
            after
        };
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(names);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// A name up to its closing quote, and what follows it.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if text.get(at + 1..)?.starts_with('"') {
            name.push('"');
            chars.next();
        } else {
            return Some((name, text.get(at + 1..)?));
        }
    }
    None
}

/// The text of a list of names, in quotes where they need them.
pub(super) fn join_names(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names_are_split_as_identifiers() {
        let names = |text| split_names(text).map(|names| names.join("|"));
        assert_eq!(names(r#""$user", Public,x"#).unwrap(), "$user|public|x");
        assert_eq!(names(r#""a""b""#).unwrap(), "a\"b");
        assert_eq!(names("").unwrap(), "");
        assert_eq!(names(r#""""#).unwrap(), "");
        assert_eq!(names("a b"), None);
        assert_eq!(names("a,"), None);
        assert_eq!(names("\"a"), None);
    }
}
