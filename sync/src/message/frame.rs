//! Frames: pieces of encoded messages, each compressed by itself.
//!
//! ```text
//!  byte 0        codec (0 none, 1 LZ4 block); the highest bit says that the message goes on in the next frame
//!  bytes 1..5    length of the piece before compression, little endian
//!  bytes 5..     the piece; compressed only where that makes it smaller
//! ```
//!
//! A frame is one binary WebSocket message. Every length is checked against a bound before anything is allocated, so a
//! frame can cost its receiver [`MAX_PIECE_BYTES`] and a message [`MAX_MESSAGE_BYTES`], whatever it claims.

use bytes::Bytes;

use crate::error::{Error, Result};

/// The most bytes of a message in one frame, before compression.
pub const MAX_PIECE_BYTES: usize = 1 << 20;
/// The most bytes of a frame on the line.
pub const MAX_FRAME_BYTES: usize = HEADER_BYTES + MAX_PIECE_BYTES;
/// The most bytes of a message, before compression.
pub const MAX_MESSAGE_BYTES: usize = 32 << 20;
/// The most bytes of a message of somebody who is not known yet.
pub const MAX_GREETING_BYTES: usize = 64 << 10;

const HEADER_BYTES: usize = 5;
const MORE: u8 = 0x80;
/// Shorter pieces are not worth the attempt.
const MIN_COMPRESSED_BYTES: usize = 64;

/// How a piece is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// Not at all.
    None,
    /// LZ4 block format.
    Lz4,
}

impl Codec {
    /// All codecs that this program reads, as HELLO and WELCOME announce them: bit n for codec n.
    pub const READABLE: u8 = 0b11;

    const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
        }
    }

    /// This codec if the other end can read it, else none.
    pub const fn if_readable_by(self, readable: u8) -> Self {
        if readable & (1 << self.number()) == 0 { Self::None } else { self }
    }
}

/// Cuts an encoded message into frames.
pub fn frames_of(message: &[u8], codec: Codec) -> Result<Vec<Bytes>> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Error::LimitExceeded(format!(
            "a sync message of {} bytes is larger than the limit of {MAX_MESSAGE_BYTES}",
            message.len()
        )));
    }
    let pieces = message.len().div_ceil(MAX_PIECE_BYTES).max(1);
    let mut frames = Vec::with_capacity(pieces);
    let mut rest = message;
    loop {
        let (piece, after) = rest.split_at(rest.len().min(MAX_PIECE_BYTES));
        frames.push(frame_of(piece, codec, !after.is_empty()));
        rest = after;
        if rest.is_empty() {
            return Ok(frames);
        }
    }
}

fn frame_of(piece: &[u8], codec: Codec, more: bool) -> Bytes {
    let packed = match codec {
        Codec::Lz4 if piece.len() >= MIN_COMPRESSED_BYTES => Some(lz4_flex::block::compress(piece)),
        Codec::Lz4 | Codec::None => None,
    };
    let (number, payload) = match &packed {
        Some(packed) if packed.len() < piece.len() => (Codec::Lz4.number(), packed.as_slice()),
        _ => (Codec::None.number(), piece),
    };
    let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len());
    frame.push(if more { number | MORE } else { number });
    let len = u32::try_from(piece.len()).expect("BUG: pieces are at most MAX_PIECE_BYTES");
    frame.extend_from_slice(&len.to_le_bytes());
    frame.extend_from_slice(payload);
    frame.into()
}

/// Puts frames together to messages.
#[derive(Debug)]
pub struct Assembler {
    partial: Vec<u8>,
    limit: usize,
}

impl Assembler {
    /// For messages of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { partial: Vec::new(), limit }
    }

    /// Sets the limit for what follows.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes a frame; returns the message that it completes.
    pub fn push(&mut self, frame: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some((&[first, l0, l1, l2, l3], payload)) = frame.split_first_chunk::<HEADER_BYTES>() else {
            return Err(Error::protocol("a frame without a header"));
        };
        let len = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if len > MAX_PIECE_BYTES {
            return Err(Error::protocol(format!("a frame claims {len} bytes, the limit is {MAX_PIECE_BYTES}")));
        }
        if self.partial.len().saturating_add(len) > self.limit {
            return Err(Error::protocol(format!("a message exceeds the limit of {} bytes", self.limit)));
        }
        match first & !MORE {
            0 if payload.len() == len => self.partial.extend_from_slice(payload),
            0 => return Err(Error::protocol("a frame is not as long as it claims")),
            1 => self.unpack(payload, len)?,
            other => return Err(Error::protocol(format!("unknown codec {other}"))),
        }
        if first & MORE == 0 {
            return Ok(Some(std::mem::take(&mut self.partial)));
        }
        if len == 0 {
            return Err(Error::protocol("an empty frame that is not the last"));
        }
        Ok(None)
    }

    fn unpack(&mut self, payload: &[u8], len: usize) -> Result<()> {
        let before = self.partial.len();
        self.partial.resize(before + len, 0);
        let room = self.partial.get_mut(before..).expect("BUG: it was just made");
        match lz4_flex::block::decompress_into(payload, room) {
            Ok(written) if written == len => Ok(()),
            Ok(_) => Err(Error::protocol("a compressed frame is not as long as it claims")),
            Err(error) => Err(Error::protocol(format!("a compressed frame is damaged: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assemble(frames: &[Bytes]) -> Result<Option<Vec<u8>>> {
        let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
        let (last, firsts) = frames.split_last().unwrap();
        for frame in firsts {
            assert_eq!(assembler.push(frame)?, None);
        }
        assembler.push(last)
    }

    #[test]
    fn a_long_message_travels_in_pieces() {
        let message: Vec<u8> = (0..2 * MAX_PIECE_BYTES + 17).map(|i| (i % 251).to_le_bytes()[0]).collect();
        for codec in [Codec::None, Codec::Lz4] {
            let frames = frames_of(&message, codec).unwrap();
            assert_eq!(frames.len(), 3);
            assert!(frames.iter().all(|frame| frame.len() <= MAX_FRAME_BYTES));
            assert_eq!(assemble(&frames).unwrap().unwrap(), message);
        }
    }

    #[test]
    fn what_does_not_shrink_is_sent_as_it_is() {
        let repetitive = frames_of(&[7; 1000], Codec::Lz4).unwrap();
        assert_eq!(repetitive[0][0], 1);
        assert!(repetitive[0].len() < 100);
        let short = frames_of(b"short", Codec::Lz4).unwrap();
        assert_eq!(short[0][0], 0);
        assert_eq!(&short[0][5..], b"short");
    }

    #[test]
    fn claims_are_checked_before_memory_is_taken() {
        let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
        assert!(assembler.push(&[0, 255, 255, 255, 255]).is_err());
        assert!(assembler.push(&[1, 255, 255, 255, 127, 1, 2, 3]).is_err());
        assert!(assembler.push(&[9, 0, 0, 0, 0]).is_err(), "unknown codec");
        assert!(assembler.push(&[0, 3, 0, 0, 0, 1]).is_err(), "shorter than claimed");
        assert!(assembler.push(&[MORE, 0, 0, 0, 0]).is_err(), "would go on for ever");
        assert!(frames_of(&vec![0; MAX_MESSAGE_BYTES + 1], Codec::None).is_err());
    }

    #[test]
    fn a_greeting_is_bounded_more_tightly() {
        let frames = frames_of(&vec![0; MAX_GREETING_BYTES + 1], Codec::Lz4).unwrap();
        let mut assembler = Assembler::new(MAX_GREETING_BYTES);
        assert!(frames[0].len() < 1000, "small on the line, large in memory");
        assert!(assembler.push(&frames[0]).is_err());
        assembler.set_limit(MAX_MESSAGE_BYTES);
        assert!(assembler.push(&frames[0]).unwrap().is_some());
    }

    #[test]
    fn a_codec_is_used_only_if_the_other_end_reads_it() {
        assert_eq!(Codec::Lz4.if_readable_by(Codec::READABLE), Codec::Lz4);
        assert_eq!(Codec::Lz4.if_readable_by(0b01), Codec::None);
    }

    proptest! {
        #[test]
        fn frames_round_trip(message in proptest::collection::vec(any::<u8>(), 0..5000), lz4 in any::<bool>()) {
            let codec = if lz4 { Codec::Lz4 } else { Codec::None };
            let frames = frames_of(&message, codec).unwrap();
            prop_assert_eq!(assemble(&frames).unwrap().unwrap(), message);
        }

        #[test]
        fn random_frames_do_no_harm(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let mut assembler = Assembler::new(MAX_GREETING_BYTES);
            for frame in frames {
                if let Ok(Some(message)) = assembler.push(&frame) {
                    prop_assert!(message.len() <= MAX_GREETING_BYTES);
                }
            }
        }
    }
}
