//! The two buffers between a client's socket and its connection.
//!
//! Input grows with what has arrived, never with what a length field promises. Output collects until the client waits
//! for it or a chunk is full.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use heliosdb_sql::{SqlError, SqlState};
use pgwire::messages;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::Failure;
use super::frontend::violation;

/// The longest message a client may send once it is let in.
pub(super) const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// The longest message of the authentication, as in PostgreSQL.
pub(super) const MAX_AUTH_MESSAGE_BYTES: usize = 65_535;
/// The longest startup packet, as in PostgreSQL.
pub(super) const MAX_STARTUP_BYTES: usize = 10_000;
/// The shortest startup packet: its length and a code.
const MIN_STARTUP_BYTES: usize = 8;
/// The longest row that is sent.
const MAX_ROW_BYTES: usize = 1 << 30;
/// Output is written when it is longer than this.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
/// Buffers that have grown beyond this are given back when they are empty.
const KEPT_BYTES: usize = 256 << 10;
/// Room asked for before a read.
const READ_BYTES: usize = 8 << 10;
/// Bytes of a frame's type and length.
const HEADER_BYTES: usize = 5;

/// One message with its type.
#[derive(Debug)]
pub(super) struct Frame {
    /// The type byte.
    pub kind: u8,
    /// What follows the length.
    pub body: Bytes,
}

/// A socket with its buffers.
pub(super) struct Wire<S> {
    stream: S,
    input: BytesMut,
    /// What is to be sent.
    pub output: Output,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, input: BytesMut::new(), output: Output::default() }
    }

    /// Reads what there is; false at the end of the stream. Can be dropped at any await without losing bytes.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        if self.input.is_empty() && self.input.capacity() > KEPT_BYTES {
            self.input = BytesMut::new();
        }
        self.input.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.input).await? > 0)
    }

    /// The next message, if all of it has arrived. The error is fatal: the stream has lost its frame.
    pub(super) fn frame(&mut self, limit: usize) -> Result<Option<Frame>, SqlError> {
        let Some(&[kind, a, b, c, d]) = self.input.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]);
        let body = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let Some(body) = body else { return Err(violation("invalid message length")) };
        if body > limit {
            return Err(violation(format!("message of {body} bytes is longer than the limit of {limit} bytes")));
        }
        if self.input.len() < HEADER_BYTES.saturating_add(body) {
            return Ok(None);
        }
        self.input.advance(HEADER_BYTES);
        Ok(Some(Frame { kind, body: self.input.split_to(body).freeze() }))
    }

    /// The next startup packet (which has no type) without its length, if all of it has arrived.
    pub(super) fn startup_packet(&mut self) -> Result<Option<Bytes>, SqlError> {
        let Some(length) = self.input.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(MIN_STARTUP_BYTES..=MAX_STARTUP_BYTES).contains(&length) {
            return Err(violation("invalid length of startup packet"));
        }
        if self.input.len() < length {
            return Ok(None);
        }
        let mut packet = self.input.split_to(length);
        packet.advance(4);
        Ok(Some(packet.freeze()))
    }

    /// Whether bytes have arrived that no message has taken.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Sends what has been collected. Can be dropped at any await without losing its place.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.output.buffer.is_empty() {
            if self.stream.write_buf(&mut self.output.buffer).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        if self.output.buffer.capacity() > KEPT_BYTES {
            self.output.buffer = BytesMut::new();
        }
        Ok(())
    }

    /// Sends what has been collected if it is long enough to be worth a system call.
    pub(super) async fn flush_chunk(&mut self) -> Result<(), Failure> {
        if self.output.is_full() {
            self.flush().await?;
        }
        Ok(())
    }

    /// Says that nothing more will be sent.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }
}

/// Messages to be sent, encoded.
#[derive(Default)]
pub(super) struct Output {
    buffer: BytesMut,
}

impl Output {
    /// Whether there is enough for a write.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= CHUNK_BYTES
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Appends a message; one that is longer than the protocol allows is left out and is an error.
    pub(super) fn message<M: messages::Message>(&mut self, message: &M) -> Result<(), SqlError> {
        let start = self.buffer.len();
        message.encode(&mut self.buffer).map_err(|error| {
            self.buffer.truncate(start);
            SqlError::new(SqlState::INTERNAL_ERROR, format!("a message cannot be sent: {error}"))
        })
    }

    /// Appends a CopyData.
    pub(super) fn copy_data(&mut self, bytes: &[u8]) -> Result<(), SqlError> {
        let start = self.buffer.len();
        self.buffer.put_u8(messages::copy::MESSAGE_TYPE_BYTE_COPY_DATA);
        self.buffer.put_u32(0);
        self.buffer.put_slice(bytes);
        set_length(&mut self.buffer, start.saturating_add(1), bytes.len().saturating_add(4))
    }

    /// Appends a single byte: the answer to SSLRequest.
    pub(super) fn byte(&mut self, byte: u8) {
        self.buffer.put_u8(byte);
    }

    /// Appends a DataRow whose fields the function writes. After an error nothing of it remains.
    pub(super) fn row(
        &mut self,
        fields: usize,
        write: impl FnOnce(&mut BytesMut) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let start = self.buffer.len();
        let written = self.row_at(start, fields, write);
        if written.is_err() {
            self.buffer.truncate(start);
        }
        written
    }

    fn row_at(
        &mut self,
        start: usize,
        fields: usize,
        write: impl FnOnce(&mut BytesMut) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let fields = i16::try_from(fields)
            .map_err(|_| SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row has too many columns to be sent"))?;
        self.buffer.put_u8(messages::data::MESSAGE_TYPE_BYTE_DATA_ROW);
        self.buffer.put_u32(0);
        self.buffer.put_i16(fields);
        write(&mut self.buffer)?;
        let length = self.buffer.len().saturating_sub(start).saturating_sub(1);
        set_length(&mut self.buffer, start.saturating_add(1), length)
    }
}

/// Writes a length over the four bytes that were kept free for it.
pub(super) fn set_length(buffer: &mut BytesMut, at: usize, length: usize) -> Result<(), SqlError> {
    let too_long = || SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row or value is too long to be sent");
    if length > MAX_ROW_BYTES {
        return Err(too_long());
    }
    let length = u32::try_from(length).map_err(|_| too_long())?;
    let place = buffer.get_mut(at..at.saturating_add(4)).expect("BUG: four bytes were kept for the length");
    place.copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_input(bytes: &[u8]) -> Wire<tokio::io::Empty> {
        let mut wire = Wire::new(tokio::io::empty());
        wire.input.extend_from_slice(bytes);
        wire
    }

    #[test]
    fn frames_are_cut_where_their_lengths_say() {
        let mut wire = with_input(b"Q\0\0\0\x06a\0S\0\0\0\x04P\0\0");
        let frame = wire.frame(100).unwrap().unwrap();
        assert_eq!((frame.kind, &frame.body[..]), (b'Q', &b"a\0"[..]));
        let frame = wire.frame(100).unwrap().unwrap();
        assert_eq!((frame.kind, frame.body.len()), (b'S', 0));
        assert!(wire.frame(100).unwrap().is_none());
        assert!(wire.has_input());
    }

    #[test]
    fn lengths_out_of_bounds_are_refused_before_anything_is_allocated() {
        for length in [0_u32, 3, 105, u32::MAX] {
            let mut bytes = vec![b'Q'];
            bytes.extend(length.to_be_bytes());
            assert!(with_input(&bytes).frame(100).is_err(), "{length}");
        }
        for length in [0_u32, 7, 10_001, u32::MAX] {
            assert!(with_input(&length.to_be_bytes()).startup_packet().is_err(), "{length}");
        }
    }

    #[test]
    fn a_row_that_fails_leaves_nothing_behind() {
        let mut output = Output::default();
        output
            .row(1, |buffer| {
                buffer.put_i32(-1);
                Ok(())
            })
            .unwrap();
        let length = output.len();
        assert_eq!(&output.buffer[..], b"D\0\0\0\x0a\0\x01\xff\xff\xff\xff");
        output
            .row(1, |buffer| {
                buffer.put_i32(5);
                Err(violation("no"))
            })
            .unwrap_err();
        assert_eq!(output.len(), length);
    }
}
