//! Errors and notices on the wire.

use std::io;

use heliosdb_sql::session::Notice;
use heliosdb_sql::{SqlError, SqlState};
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use super::wire::Output;

/// Why a message could not be answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client is told; the connection goes on.
    Statement(SqlError),
    /// The client is told and the connection closed.
    Fatal(SqlError),
    /// Nobody can be told any more.
    Gone(io::Error),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Statement(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

/// Appends an error report.
pub(super) fn write_error(output: &mut Output, severity: &'static str, error: &SqlError) {
    if output.message(&ErrorResponse::new(fields(severity, error))).is_err() {
        let short = SqlError::new(error.state, "the error report is too long to be sent");
        output.message(&ErrorResponse::new(fields(severity, &short))).expect("BUG: a short report can be sent");
    }
}

/// Appends a notice; one that is too long to be sent is lost.
pub(super) fn write_notice(output: &mut Output, notice: &Notice) {
    if let Err(error) = output.message(&NoticeResponse::new(fields(notice.severity, &notice.error))) {
        tracing::warn!(%error, "a notice was dropped");
    }
}

/// What a server that stops tells its clients.
pub(super) fn shutting_down() -> SqlError {
    SqlError::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

fn fields(severity: &'static str, error: &SqlError) -> Vec<(u8, String)> {
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', error.state.0.to_owned()),
        (b'M', without_nul(&error.message)),
    ];
    let more = &error.fields;
    let texts = [
        (b'D', &more.detail),
        (b'H', &more.hint),
        (b'W', &more.context),
        (b's', &more.schema),
        (b't', &more.table),
        (b'c', &more.column),
        (b'n', &more.constraint),
    ];
    for (code, text) in texts {
        fields.extend(text.as_deref().map(|text| (code, without_nul(text))));
    }
    fields.extend(more.position.map(|position| (b'P', position.to_string())));
    fields
}

/// A NUL would end the field early and shift what follows.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_is_known() {
        let mut error = SqlError::new(SqlState::UNIQUE_VIOLATION, "duplicate\0key").with_detail("Key (a)=(1).");
        error.fields.constraint = Some("t_pkey".to_owned());
        error.fields.position = Some(7);
        let fields = fields("ERROR", &error);
        let get = |code| fields.iter().find(|field| field.0 == code).map(|field| field.1.as_str());
        assert_eq!(get(b'S'), Some("ERROR"));
        assert_eq!(get(b'V'), Some("ERROR"));
        assert_eq!(get(b'C'), Some("23505"));
        assert_eq!(get(b'M'), Some("duplicate\u{fffd}key"));
        assert_eq!(get(b'D'), Some("Key (a)=(1)."));
        assert_eq!(get(b'n'), Some("t_pkey"));
        assert_eq!(get(b'P'), Some("7"));
        assert_eq!(get(b'H'), None);
    }
}
