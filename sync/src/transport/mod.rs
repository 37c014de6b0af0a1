//! The only place that names HTTP and WebSockets.
//!
//! To the rest of the crate a connection is a [`Line`]: frames in, frames out. [`server`] listens, [`client`] connects,
//! [`endpoint`] says where to and whether that is allowed without TLS.

pub mod client;
pub mod endpoint;
pub mod server;

use std::pin::Pin;

use bytes::Bytes;
use futures::{Sink, Stream};

pub use endpoint::Endpoint;
pub use server::{HttpOptions, HttpServer, PlainAnswer, PlainRoute, Readiness};

use crate::error::{Error, Result};

/// Frames as they come; ends when the other end closes the line. May be polled again after its end.
pub type FrameStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;
/// Takes frames to send. Not to be used again after an error.
pub type FrameSink = Pin<Box<dyn Sink<Bytes, Error = Error> + Send>>;

/// A connection that carries frames, both ways.
pub struct Line {
    /// From the other end.
    pub stream: FrameStream,
    /// To it.
    pub sink: FrameSink,
}

/// Where edges connect to.
pub const SYNC_PATH: &str = "/v1/sync";
/// Where nodes enrol.
pub const ENROLL_PATH: &str = "/v1/enroll";
/// The most bytes of a request or answer of an enrolment.
pub const MAX_ENROLL_BYTES: usize = 64 << 10;
