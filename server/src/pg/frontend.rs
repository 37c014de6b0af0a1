//! What clients send, decoded from the body of one frame. Nothing is copied: messages borrow from the frame.
//!
//! A body that contradicts itself is an error of the message (08P01, as in PostgreSQL), not of the connection: the frame
//! around it says where the next one begins.

use heliosdb_sql::{SqlError, SqlState};

/// A message of a client that has been let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// One or more statements, simple protocol.
    Query(&'a str),
    /// Make a prepared statement.
    Parse { name: &'a str, query: &'a str, type_oids: Numbers<'a, 4> },
    /// Make a portal from a prepared statement.
    Bind(Bind<'a>),
    /// Tell the types of a statement or the columns of a portal.
    Describe { target: Target, name: &'a str },
    /// Run a portal; 0 or less means all rows.
    Execute { portal: &'a str, max_rows: i32 },
    /// Forget a statement or a portal.
    Close { target: Target, name: &'a str },
    /// The end of a group of messages: commit, or the end of skipping after an error.
    Sync,
    /// Send what there is.
    Flush,
    /// The client goes.
    Terminate,
}

/// What Describe and Close speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

/// The parts of a Bind message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bind<'a> {
    /// The portal to make; empty for the unnamed one.
    pub portal: &'a str,
    /// The statement it runs.
    pub statement: &'a str,
    /// Format codes of the parameters: none, one for all, or one each.
    pub parameter_formats: Numbers<'a, 2>,
    /// The parameters.
    pub parameters: Parameters<'a>,
    /// Format codes of the result's columns: none, one for all, or one each.
    pub result_formats: Numbers<'a, 2>,
}

/// Big-endian numbers of `N` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers<'a, const N: usize>(&'a [[u8; N]]);

impl Numbers<'_, 4> {
    /// The numbers, as oids.
    pub(super) fn oids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

impl<'a> Numbers<'a, 2> {
    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The format code at a place.
    pub(super) fn code(&self, index: usize) -> Option<i16> {
        self.0.get(index).map(|bytes| i16::from_be_bytes(*bytes))
    }

    /// All codes.
    pub(super) fn codes(&self) -> impl Iterator<Item = i16> + use<'a> {
        self.0.iter().map(|bytes| i16::from_be_bytes(*bytes))
    }
}

/// The parameters of a Bind message, whose lengths have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// The parameters; None is NULL.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut body = Body(self.bytes);
        (0..self.count).map(move |_| body.sized().expect("BUG: the lengths were checked when the message was decoded"))
    }
}

/// What is left of a message's body.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], SqlError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SqlError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, SqlError> {
        self.array().map(u16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, SqlError> {
        self.array().map(i32::from_be_bytes)
    }

    fn str(&mut self) -> Result<&'a str, SqlError> {
        let end = self.0.iter().position(|&byte| byte == 0).ok_or_else(|| violation("invalid string in message"))?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        std::str::from_utf8(text).map_err(|error| not_utf8(text, error))
    }

    fn numbers<const N: usize>(&mut self) -> Result<Numbers<'a, N>, SqlError> {
        let count = usize::from(self.u16()?);
        let (numbers, _) = self.bytes(count.saturating_mul(N))?.as_chunks();
        Ok(Numbers(numbers))
    }

    /// A value behind its length; -1 is NULL.
    fn sized(&mut self) -> Result<Option<&'a [u8]>, SqlError> {
        match self.i32()? {
            -1 => Ok(None),
            length => self.bytes(usize::try_from(length).map_err(|_| too_short())?).map(Some),
        }
    }

    fn parameters(&mut self) -> Result<Parameters<'a>, SqlError> {
        let count = self.u16()?;
        let all = self.0;
        for _ in 0..count {
            self.sized()?;
        }
        let used = all.len().saturating_sub(self.0.len());
        Ok(Parameters { count, bytes: all.get(..used).unwrap_or_default() })
    }

    fn target(&mut self, message: &str) -> Result<Target, SqlError> {
        match self.array()? {
            [b'S'] => Ok(Target::Statement),
            [b'P'] => Ok(Target::Portal),
            [other] => Err(violation(format!("invalid {message} message subtype {other}"))),
        }
    }

    fn end(self) -> Result<(), SqlError> {
        if self.0.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
    }
}

/// A message in the middle of a COPY FROM.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CopyMessage<'a> {
    /// Some of the data.
    Data(&'a [u8]),
    /// There are no more.
    Done,
    /// The client gives up, for a reason.
    Fail(&'a str),
    /// Sync and Flush, which mean nothing here.
    Ignored,
    /// What cannot come here.
    Other,
}

/// Whether a message belongs to a COPY FROM.
pub(super) const fn is_copy(kind: u8) -> bool {
    matches!(kind, b'd' | b'c' | b'f')
}

/// Whether a message says goodbye.
pub(super) const fn is_farewell(kind: u8) -> bool {
    kind == b'X'
}

/// Decodes a message in the middle of a COPY FROM.
pub(super) fn copy_message(kind: u8, body: &[u8]) -> Result<CopyMessage<'_>, SqlError> {
    Ok(match kind {
        b'd' => CopyMessage::Data(body),
        b'c' => CopyMessage::Done,
        b'f' => CopyMessage::Fail(Body(body).str()?),
        b'S' | b'H' => CopyMessage::Ignored,
        _ => CopyMessage::Other,
    })
}

/// Whether a client that has been let in may send messages of this type. One that sends another has lost its place in
/// the stream, and the connection cannot go on.
pub(super) const fn is_known(kind: u8) -> bool {
    matches!(kind, b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'S' | b'H' | b'X' | b'd' | b'c' | b'f' | b'F')
}

/// Decodes the body of a message.
pub(super) fn decode(kind: u8, body: &[u8]) -> Result<Message<'_>, SqlError> {
    let mut body = Body(body);
    let message = match kind {
        b'Q' => Message::Query(body.str()?),
        b'P' => Message::Parse { name: body.str()?, query: body.str()?, type_oids: body.numbers()? },
        b'B' => Message::Bind(Bind {
            portal: body.str()?,
            statement: body.str()?,
            parameter_formats: body.numbers()?,
            parameters: body.parameters()?,
            result_formats: body.numbers()?,
        }),
        b'D' => Message::Describe { target: body.target("DESCRIBE")?, name: body.str()? },
        b'E' => Message::Execute { portal: body.str()?, max_rows: body.i32()? },
        b'C' => Message::Close { target: body.target("CLOSE")?, name: body.str()? },
        b'S' => Message::Sync,
        b'H' => Message::Flush,
        b'X' => Message::Terminate,
        b'F' => return Err(SqlError::unsupported("the function call protocol")),
        _ => return Err(violation(format!("invalid frontend message type {kind}"))),
    };
    body.end()?;
    Ok(message)
}

/// A violation of the protocol.
pub(super) fn violation(what: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, what)
}

fn too_short() -> SqlError {
    violation("insufficient data left in message")
}

/// PostgreSQL's complaint about bytes that are not UTF-8, naming the first bad ones.
pub(super) fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> SqlError {
    const SHOWN: usize = 4;
    let shown: Vec<String> = bytes
        .iter()
        .skip(error.valid_up_to())
        .take(error.error_len().unwrap_or(SHOWN))
        .map(|byte| format!("{byte:#04x}"))
        .collect();
    SqlError::new(SqlState("22021"), format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_is_taken_apart() {
        let mut body = Vec::new();
        body.extend(b"p\0s\0");
        body.extend([0, 1, 0, 1]);
        body.extend([0, 2, 0, 0, 0, 2, b'h', b'i', 0xff, 0xff, 0xff, 0xff]);
        body.extend([0, 0]);
        let Message::Bind(bind) = decode(b'B', &body).unwrap() else { panic!("a Bind") };
        assert_eq!((bind.portal, bind.statement), ("p", "s"));
        assert_eq!(bind.parameter_formats.codes().collect::<Vec<_>>(), [1]);
        assert_eq!(bind.parameters.iter().collect::<Vec<_>>(), [Some(&b"hi"[..]), None]);
        assert_eq!(bind.result_formats.len(), 0);
    }

    #[test]
    fn every_prefix_of_a_message_is_refused_or_read_without_panic() {
        let mut body = Vec::new();
        body.extend(b"portal\0statement\0");
        body.extend([0, 1, 0, 1, 0, 1, 0, 0, 0, 3, 1, 2, 3, 0, 1, 0, 1]);
        assert!(decode(b'B', &body).is_ok());
        for end in 0..body.len() {
            assert!(decode(b'B', &body[..end]).is_err(), "{end} bytes of {}", body.len());
        }
        for kind in 0..=u8::MAX {
            for end in 0..=body.len() {
                let _ = decode(kind, &body[..end]);
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for length in [i32::MIN, -2, 4, i32::MAX] {
            let mut body = b"\0\0\0\0\0\x01".to_vec();
            body.extend(length.to_be_bytes());
            body.extend([1, 2, 3, 0, 0]);
            let error = decode(b'B', &body).unwrap_err();
            assert_eq!(error.state, SqlState::PROTOCOL_VIOLATION, "{length}");
        }
    }

    #[test]
    fn text_must_be_utf8() {
        let error = decode(b'Q', b"SELECT '\xff\xfe'\0").unwrap_err();
        assert_eq!(error.state.0, "22021");
        assert_eq!(error.message, "invalid byte sequence for encoding \"UTF8\": 0xff");
    }
}
