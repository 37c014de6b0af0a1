//! What a statement did, as one server tells it.

use std::fmt::Write as _;
use std::io;

use heliosdb_tests::wire::{Column, Connection, Fields, Message};

use super::script::Statement;
use super::{Format, Pass};

/// Where the oids of objects begin that users create: such numbers differ from server to server.
const FIRST_USER_OID: u32 = 16_384;

/// What came back for one statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The types of the parameters, in an extended query.
    pub parameters: Option<Vec<u32>>,
    pub results: Vec<Results>,
    pub notices: Vec<Fields>,
    pub settings: Vec<(String, String)>,
    /// `I`, `T` or `E`.
    pub status: Option<u8>,
    /// Why there is no more connection.
    pub lost: Option<String>,
}

/// The result of one of the statements of a simple query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub columns: Option<Vec<Column>>,
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    /// What COPY sent.
    pub copied: Option<Vec<u8>>,
    pub tag: Option<String>,
    pub error: Option<Fields>,
}

/// Runs a statement.
pub(crate) fn run(connection: &mut Connection, statement: &Statement, pass: Pass) -> Vec<Outcome> {
    let copy_in = statement.copy_in.as_deref();
    let pass = statement.pass(pass);
    if pass == Pass::Simple {
        let mut outcome = Outcome::default();
        let messages = connection.simple(&statement.sql, copy_in);
        outcome.take(messages);
        return vec![outcome];
    }
    let none = [Vec::new()];
    let lists = if statement.params.is_empty() { none.as_slice() } else { statement.params.as_slice() };
    let mut outcomes = Vec::new();
    for parameters in lists {
        let mut outcome = Outcome::default();
        let parsed = connection.parse(&statement.sql, &statement.types);
        if outcome.take(parsed) {
            let format = if pass == Pass::Binary { Format::Binary } else { Format::Text };
            // What Describe says of the statement is what it says of the portal, but for the formats.
            outcome.results.clear();
            let executed = connection.execute(parameters, format, copy_in);
            outcome.take(executed);
        }
        let lost = outcome.lost.is_some();
        outcomes.push(outcome);
        if lost {
            break;
        }
    }
    outcomes
}

impl Outcome {
    /// Adds messages. False if there was an error.
    fn take(&mut self, messages: io::Result<Vec<Message>>) -> bool {
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                self.lost = Some(format!("{:?}", error.kind()));
                return false;
            }
        };
        let mut open = Results::default();
        let mut is_open = false;
        let mut succeeded = true;
        for message in messages {
            match message {
                Message::Columns(columns) => open.columns = Some(columns),
                Message::Row(row) => open.rows.push(row),
                Message::CopyOut => open.copied = Some(Vec::new()),
                Message::CopyData(data) => open.copied.get_or_insert_default().extend_from_slice(&data),
                Message::CommandComplete(tag) => open.tag = Some(tag),
                Message::EmptyQuery => open.tag = Some("(empty)".to_owned()),
                Message::PortalSuspended => open.tag = Some("(suspended)".to_owned()),
                Message::Error(fields) => {
                    if fields.severity == "FATAL" {
                        self.lost = Some("FATAL".to_owned());
                    }
                    open.error = Some(fields);
                    succeeded = false;
                }
                Message::Notice(fields) => {
                    self.notices.push(fields);
                    continue;
                }
                Message::ParameterStatus(name, value) => {
                    self.settings.push((name, value));
                    continue;
                }
                Message::Parameters(types) => {
                    self.parameters = Some(types);
                    continue;
                }
                Message::Ready(status) => {
                    self.status = Some(status);
                    continue;
                }
                _ => continue,
            }
            is_open = true;
            if open.tag.is_some() || open.error.is_some() {
                self.results.push(std::mem::take(&mut open));
                is_open = false;
            }
        }
        if is_open {
            self.results.push(open);
        }
        succeeded
    }

    /// Whether it was refused as not built.
    pub fn is_refused(&self) -> bool {
        self.results.iter().any(|result| result.error.as_ref().is_some_and(|error| error.code == "0A000"))
    }

    /// As a person reads it.
    pub fn print(&self, out: &mut String) {
        if let Some(parameters) = self.parameters.as_ref().filter(|parameters| !parameters.is_empty()) {
            writeln!(out, "parameters: {parameters:?}").unwrap();
        }
        for result in &self.results {
            result.print(out);
        }
        for notice in &self.notices {
            writeln!(out, "{notice}").unwrap();
        }
        for (name, value) in &self.settings {
            writeln!(out, "setting: {name} = {value}").unwrap();
        }
        if let Some(lost) = &self.lost {
            writeln!(out, "CONNECTION LOST: {lost}").unwrap();
        }
        match self.status {
            Some(b'T') => writeln!(out, "in transaction").unwrap(),
            Some(b'E') => writeln!(out, "in failed transaction").unwrap(),
            _ => {}
        }
    }
}

/// How many rows of a result are printed.
const PRINTED_ROWS: usize = 40;

impl Results {
    fn print(&self, out: &mut String) {
        if let Some(columns) = &self.columns {
            let columns: Vec<String> = columns.iter().map(print_column).collect();
            writeln!(out, "columns: {}", columns.join(", ")).unwrap();
            for row in self.rows.iter().take(PRINTED_ROWS) {
                let values: Vec<String> = row.iter().map(|value| print_value(value.as_deref())).collect();
                writeln!(out, "  {}", values.join(" | ")).unwrap();
            }
            if self.rows.len() > PRINTED_ROWS {
                writeln!(out, "  … {} rows", self.rows.len()).unwrap();
            }
        }
        if let Some(copied) = &self.copied {
            writeln!(out, "{}", print_value(Some(copied))).unwrap();
        }
        if let Some(tag) = &self.tag {
            writeln!(out, "{tag}").unwrap();
        }
        if let Some(error) = &self.error {
            writeln!(out, "{error}").unwrap();
        }
    }
}

/// An oid that means the same on both servers.
pub(crate) const fn known_oid(oid: u32) -> u32 {
    if oid >= FIRST_USER_OID { FIRST_USER_OID } else { oid }
}

fn print_column(column: &Column) -> String {
    let mut text = format!("{} {}", column.name, known_oid(column.type_oid));
    if column.modifier != -1 {
        write!(text, "({})", column.modifier).unwrap();
    }
    if column.relation != 0 {
        write!(text, " of column {}", column.number).unwrap();
    }
    text
}

fn print_value(value: Option<&[u8]>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') => text.to_owned(),
        _ => value.iter().fold("bytes ".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        }),
    }
}
