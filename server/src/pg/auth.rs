//! Who is let in: the superuser, from loopback as it comes, with `HELIOS_PASSWORD` set by SCRAM-SHA-256.

use std::net::SocketAddr;

use heliosdb_sql::{SqlError, SqlState};
use pgwire::api::auth::sasl::SCRAM_SHA_256_METHOD;
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramSecret, ScramServerAuth, gen_salted_password};
use pgwire::messages::startup::Authentication;
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::Failure;
use super::frontend::violation;
use super::wire::{MAX_AUTH_MESSAGE_BYTES, Wire};

/// Bytes of a SCRAM salt, as in PostgreSQL.
const SALT_BYTES: usize = 16;
/// Bytes of a SHA-256 key.
const KEY_BYTES: usize = 32;

/// Where a client comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// The network.
    Tcp(SocketAddr),
    /// `control.sock`, which only the owner of the data folder can open.
    Control,
}

/// The superuser's password as the server keeps it: enough to check it, not enough to use it.
#[derive(Clone)]
pub struct Password {
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// Derives the keys of a password with a salt of its own.
    pub fn new(password: &str) -> Result<Self, getrandom::Error> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let salted = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
        match ScramSecret::verifier_from_salted_password(salt, salted, SCRAM_ITERATIONS) {
            ScramSecret::Verifier { salt, stored_key, server_key, .. } => Ok(Self { salt, stored_key, server_key }),
            ScramSecret::SaltedPassword { .. } => unreachable!("BUG: pgwire was asked for a verifier"),
        }
    }

    /// Keys that no password has, so that an unknown user cannot be told from a wrong password.
    fn of_nobody() -> Result<Self, getrandom::Error> {
        let mut random = vec![0; SALT_BYTES.saturating_add(KEY_BYTES).saturating_add(KEY_BYTES)];
        getrandom::fill(&mut random)?;
        let server_key = random.split_off(SALT_BYTES.saturating_add(KEY_BYTES));
        let stored_key = random.split_off(SALT_BYTES);
        Ok(Self { salt: random, stored_key, server_key })
    }

    fn secret(self) -> ScramSecret {
        ScramSecret::Verifier {
            salt: self.salt,
            iterations: SCRAM_ITERATIONS,
            stored_key: self.stored_key,
            server_key: self.server_key,
        }
    }
}

/// Lets a client in or fails as PostgreSQL words it.
pub(super) async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    peer: Peer,
    password: Option<&Password>,
    superuser: &str,
    user: &str,
    database: &str,
) -> Result<(), Failure> {
    match (peer, password) {
        (Peer::Tcp(_), Some(password)) => scram(wire, (user == superuser).then_some(password), user).await,
        (Peer::Tcp(address), None) if !address.ip().to_canonical().is_loopback() => Err(Failure::Fatal(
            SqlError::new(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                format!(
                    "no pg_hba.conf entry for host \"{}\", user \"{user}\", database \"{database}\", no encryption",
                    address.ip()
                ),
            )
            .with_hint("Without a password only clients of this machine are let in: set HELIOS_PASSWORD."),
        )),
        _ if user != superuser => Err(Failure::Fatal(SqlError::new(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            format!("role \"{user}\" does not exist"),
        ))),
        _ => Ok(()),
    }
}

/// The SCRAM-SHA-256 exchange; without a password it goes through and fails at its end.
async fn scram<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    password: Option<&Password>,
    user: &str,
) -> Result<(), Failure> {
    let known = password.is_some();
    let password = match password {
        Some(password) => password.clone(),
        None => Password::of_nobody().map_err(|error| internal(&error))?,
    };
    send(wire, &Authentication::SASL(vec![SCRAM_SHA_256_METHOD.to_owned()])).await?;

    let first = password_message(wire).await?;
    let first = client_first(&first).map_err(Failure::Fatal)?;
    let (answer, exchange) = ScramServerAuth::new()
        .on_client_first_message_with_secret(first, password.secret())
        .map_err(|_| malformed())?;
    send(wire, &Authentication::SASLContinue(answer.into())).await?;

    let last = password_message(wire).await?;
    match exchange.on_client_final_message(&last) {
        Ok(answer) if known => {
            wire.output.message(&Authentication::SASLFinal(answer.into())).map_err(Failure::Fatal)?;
            Ok(())
        }
        Ok(_) | Err(_) => Err(Failure::Fatal(SqlError::new(
            SqlState::INVALID_PASSWORD,
            format!("password authentication failed for user \"{user}\""),
        ))),
    }
}

/// The SCRAM message inside a SASLInitialResponse.
fn client_first(body: &[u8]) -> Result<&[u8], SqlError> {
    let bad = || violation("malformed SASLInitialResponse message");
    let end = body.iter().position(|&byte| byte == 0).ok_or_else(bad)?;
    let (method, rest) = body.split_at_checked(end).ok_or_else(bad)?;
    if method != SCRAM_SHA_256_METHOD.as_bytes() {
        return Err(violation("client selected an invalid SASL authentication mechanism"));
    }
    let (length, data) = rest.get(1..).and_then(<[u8]>::split_first_chunk::<4>).ok_or_else(bad)?;
    let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| bad())?;
    if length == data.len() { Ok(data) } else { Err(bad()) }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, message: &Authentication) -> Result<(), Failure> {
    wire.output.message(message).map_err(Failure::Fatal)?;
    wire.flush().await?;
    Ok(())
}

async fn password_message<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> Result<bytes::Bytes, Failure> {
    loop {
        if let Some(frame) = wire.frame(MAX_AUTH_MESSAGE_BYTES).map_err(Failure::Fatal)? {
            if frame.kind != b'p' {
                return Err(Failure::Fatal(violation(format!(
                    "expected SASL response, got message type {}",
                    frame.kind
                ))));
            }
            return Ok(frame.body);
        }
        if !wire.fill().await? {
            return Err(Failure::Gone(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

fn malformed() -> Failure {
    Failure::Fatal(violation("malformed SCRAM message"))
}

fn internal(error: &getrandom::Error) -> Failure {
    Failure::Fatal(SqlError::new(SqlState::INTERNAL_ERROR, format!("no random numbers: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_first_survives_lies() {
        let mut body = b"SCRAM-SHA-256\0\0\0\0\x05n,,n=".to_vec();
        assert_eq!(client_first(&body).unwrap(), b"n,,n=");
        for end in 0..body.len() {
            assert!(client_first(&body[..end]).is_err());
        }
        body[14] = 0xff;
        assert!(client_first(&body).is_err());
    }
}
