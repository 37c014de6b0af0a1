//! From the first byte of a connection to its first ReadyForQuery: SSLRequest, cancel requests, startup packet,
//! authentication, parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_sql::session::Session;
use heliosdb_sql::{SqlError, SqlState};
use pgwire::messages::ProtocolVersion;
use pgwire::messages::response::{GssEncResponse, ReadyForQuery, SslResponse, TransactionStatus};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, GssEncRequest, NegotiateProtocolVersion, ParameterStatus, SecretKey, SslRequest,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::auth::{Peer, authenticate};
use super::cancel::{LONG_KEY_BYTES, Registration, SHORT_KEY_BYTES};
use super::connection::Connection;
use super::error::Failure;
use super::frontend::{not_utf8, violation};
use super::listener::{PgServer, Slot};
use super::wire::Wire;

/// The code of a cancel request, where others have the protocol's version.
const CANCEL_REQUEST_CODE: i32 = 80_877_102;
/// The major version of the protocol.
const MAJOR: u16 = 3;
/// The newest minor version.
const NEWEST_MINOR: u16 = 2;

/// A client that has been let in, with what must be released when it goes.
pub(super) struct Admitted<S> {
    /// The connection, ready to be served.
    pub connection: Connection<S>,
    /// Its place among the sessions that can be cancelled.
    pub registration: Registration,
    /// Its place among the connections.
    pub slot: Option<Slot>,
}

/// A startup packet's content.
struct Startup {
    minor: u16,
    parameters: BTreeMap<String, String>,
}

/// Brings a connection to where it can be served. None if it only wanted to cancel, or left.
pub(super) async fn admit<S: AsyncRead + AsyncWrite + Unpin + Send>(
    wire: &mut Option<Wire<S>>,
    peer: Peer,
    server: &Arc<PgServer>,
) -> Result<Option<Admitted<S>>, Failure> {
    let open = wire.as_mut().expect("BUG: the caller passes a wire");
    let Some(startup) = first_packet(open, server).await? else { return Ok(None) };
    let slot = match peer {
        Peer::Tcp(_) => Some(server.take_slot().map_err(Failure::Fatal)?),
        Peer::Control => None,
    };
    let mut parameters = startup.parameters;
    let user = parameters.remove("user").filter(|user| !user.is_empty()).ok_or_else(|| {
        Failure::Fatal(SqlError::new(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "no PostgreSQL user name specified in startup packet",
        ))
    })?;
    let database = parameters.remove("database").filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    let minor = negotiate(open, startup.minor, &mut parameters)?;
    let password = server.options.password.as_ref();
    authenticate(open, peer, password, &server.options.superuser, &user, &database).await?;
    if !server.options.databases.contains(&database) {
        return Err(Failure::Fatal(SqlError::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{database}\" does not exist"),
        )));
    }
    // An alias leads to the database itself.
    let database = server.options.databases.first().unwrap_or(&database);
    let mut session = server.engine.session(&user, database);
    apply_settings(&mut session, parameters).map_err(Failure::Fatal)?;
    if let Peer::Tcp(address) = peer {
        session.backend().set_client(address);
    }
    let reported = session.reported_settings();
    let key = secret_key(minor)?;
    let registration = server.sessions.enter(session.backend(), key.clone());
    greet(open, &reported, session.backend_pid(), key).map_err(Failure::Fatal)?;
    open.flush().await?;
    let wire = wire.take().expect("BUG: it was there a moment ago");
    let connection = Connection::new(wire, session, Arc::clone(server), reported);
    Ok(Some(Admitted { connection, registration, slot }))
}

/// Answers encryption requests and takes the startup packet; None for a cancel request, or if the client left.
async fn first_packet<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    server: &PgServer,
) -> Result<Option<Startup>, Failure> {
    let (mut asked_ssl, mut asked_gss) = (false, false);
    loop {
        let Some(packet) = wire.startup_packet().map_err(Failure::Fatal)? else {
            if !wire.fill().await? {
                return Ok(None);
            }
            continue;
        };
        let (code, rest) = packet.split_first_chunk().ok_or_else(|| Failure::Fatal(bad_startup()))?;
        match i32::from_be_bytes(*code) {
            SslRequest::BODY_MAGIC_NUMBER if !std::mem::replace(&mut asked_ssl, true) => {
                wire.output.byte(SslResponse::BYTE_REFUSE);
            }
            GssEncRequest::BODY_MAGIC_NUMBER if !std::mem::replace(&mut asked_gss, true) => {
                wire.output.byte(GssEncResponse::BYTE_REFUSE);
            }
            CANCEL_REQUEST_CODE => {
                if let Some((id, key)) = rest.split_first_chunk() {
                    server.sessions.cancel(i32::from_be_bytes(*id), key);
                }
                return Ok(None);
            }
            _ => return startup(*code, rest).map(Some).map_err(Failure::Fatal),
        }
        if wire.has_input() {
            // Bytes sent ahead of the answer would have been meant for the encrypted stream.
            return Err(Failure::Fatal(violation("received unencrypted data after an encryption request")));
        }
        wire.flush().await?;
    }
}

fn startup(version: [u8; 4], mut rest: &[u8]) -> Result<Startup, SqlError> {
    let [a, b, c, d] = version;
    let (major, minor) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if major != MAJOR {
        return Err(SqlError::unsupported(format!("frontend protocol {major}.{minor}"))
            .with_hint(format!("The server supports {MAJOR}.0 to {MAJOR}.{NEWEST_MINOR}.")));
    }
    let mut parameters = BTreeMap::new();
    loop {
        match rest {
            [0] => return Ok(Startup { minor, parameters }),
            _ => {
                let name = text(&mut rest)?;
                let value = text(&mut rest)?;
                parameters.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, SqlError> {
    let end = rest.iter().position(|&byte| byte == 0).ok_or_else(bad_startup)?;
    let (bytes, tail) = rest.split_at_checked(end).ok_or_else(bad_startup)?;
    *rest = tail.get(1..).unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))
}

fn bad_startup() -> SqlError {
    violation("invalid startup packet layout: expected terminator as last byte")
}

/// Settles the minor version and the protocol's options, of which there are none yet.
fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    asked: u16,
    parameters: &mut BTreeMap<String, String>,
) -> Result<u16, Failure> {
    let options: Vec<String> = parameters.extract_if(.., |name, _| name.starts_with("_pq_.")).map(|e| e.0).collect();
    if asked > NEWEST_MINOR || !options.is_empty() {
        let newest = i32::from(ProtocolVersion::PROTOCOL3_2);
        wire.output.message(&NegotiateProtocolVersion::new(newest, options)).map_err(Failure::Fatal)?;
    }
    Ok(asked.min(NEWEST_MINOR))
}

/// Applies what the startup packet says beside user and database.
fn apply_settings(session: &mut Session, mut parameters: BTreeMap<String, String>) -> Result<(), SqlError> {
    if let Some(mode) = parameters.remove("replication")
        && !matches!(mode.as_str(), "false" | "off" | "no" | "0")
    {
        return Err(SqlError::unsupported("a replication connection"));
    }
    let options = parameters.remove("options").unwrap_or_default();
    for (name, value) in command_line_settings(&options)? {
        session.set_startup_setting(&name, &value)?;
    }
    for (name, value) in parameters {
        session.set_startup_setting(&name, &value)?;
    }
    Ok(())
}

/// The settings in `options`: `-c name=value`, `-cname=value`, `--name=value`; a backslash keeps a space.
fn command_line_settings(options: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let mut settings = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => setting.to_owned(),
            (None, Some("")) => words.next().unwrap_or_default(),
            (None, Some(setting)) => setting.to_owned(),
            (None, None) => String::new(),
        };
        let (name, value) = setting.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            SqlError::new(SqlState::SYNTAX_ERROR, format!("invalid command-line argument for server process: {word}"))
        })?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn secret_key(minor: u16) -> Result<Vec<u8>, Failure> {
    let mut key = vec![0; if minor >= NEWEST_MINOR { LONG_KEY_BYTES } else { SHORT_KEY_BYTES }];
    getrandom::fill(&mut key).map_err(|error| {
        Failure::Fatal(SqlError::new(SqlState::INTERNAL_ERROR, format!("no random numbers: {error}")))
    })?;
    Ok(key)
}

fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    reported: &[(&'static str, String)],
    id: i32,
    key: Vec<u8>,
) -> Result<(), SqlError> {
    wire.output.message(&Authentication::Ok)?;
    for (name, value) in reported {
        wire.output.message(&ParameterStatus::new((*name).to_owned(), value.clone()))?;
    }
    wire.output.message(&BackendKeyData::new(id, SecretKey::Bytes(Bytes::from(key))))?;
    wire.output.message(&ReadyForQuery::new(TransactionStatus::Idle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn startup_packets_are_read_or_refused() {
        let version = [0, 3, 0, 0];
        let read = startup(version, b"user\0helios\0database\0shop\0\0").unwrap();
        assert_eq!(read.minor, 0);
        assert_eq!(read.parameters["user"], "helios");
        assert_eq!(read.parameters["database"], "shop");
        for bad in [&b""[..], b"user", b"user\0helios", b"user\0helios\0", b"\xff\0x\0\0"] {
            assert!(startup(version, bad).is_err(), "{bad:?}");
        }
        assert_eq!(startup([0, 2, 0, 0], b"\0").err().unwrap().state, SqlState::FEATURE_NOT_SUPPORTED);
    }

    #[test]
    fn options_are_split_as_a_command_line() {
        let settings = command_line_settings(r"-c a=1 --b-c=two\ words -cd=3").unwrap();
        let expected = [("a", "1"), ("b_c", "two words"), ("d", "3")];
        assert_eq!(settings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for bad in ["-x", "-c", "-c a", "--=1", "a=1"] {
            assert!(command_line_settings(bad).is_err(), "{bad}");
        }
    }
}
