//! COPY on the wire: the data travel in messages of their own, in both protocols.
//!
//! ```text
//!  COPY … TO STDOUT     server: CopyOutResponse, CopyData …, CopyDone, CommandComplete
//!  COPY … FROM STDIN    server: CopyInResponse; client: CopyData …, CopyDone or CopyFail; server: CommandComplete
//! ```
//!
//! Data go into the transaction as they come, message by message. A client that goes on sending after an error is not
//! listened to: its messages belong to no COPY any more.

use std::io;
use std::sync::Arc;

use heliosdb_sql::session::{CopyDirection, Prepared};
use heliosdb_sql::{SqlError, SqlState};
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{FORMAT_CODE_BINARY, FORMAT_CODE_TEXT};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::error::Failure;
use super::frontend::{self, CopyMessage, copy_message, violation};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Runs a COPY; its tag.
    pub(super) async fn copy(&mut self, prepared: &Arc<Prepared>, direction: CopyDirection) -> Result<String, Failure> {
        match direction {
            CopyDirection::In => self.copy_in(prepared).await,
            CopyDirection::Out => self.copy_out(prepared).await,
        }
    }

    async fn copy_out(&mut self, prepared: &Arc<Prepared>) -> Result<String, Failure> {
        let mut copy = self.run(false, |this| this.session.copy_out(prepared))?;
        let (format, columns) = shape(copy.is_binary(), copy.columns())?;
        let codes = vec![i16::from(format); usize::try_from(columns).unwrap_or(0)];
        self.wire.output.message(&CopyOutResponse::new(format, columns, codes))?;
        loop {
            let more = self.run(false, |this| {
                let output = &mut this.wire.output;
                copy.step(&mut this.session, &mut |bytes| output.copy_data(bytes))
            })?;
            if !more {
                break;
            }
            if self.wire.output.is_full() {
                self.flush_running().await?;
            }
        }
        self.wire.output.message(&CopyDone::new())?;
        Ok(copy.tag())
    }

    async fn copy_in(&mut self, prepared: &Arc<Prepared>) -> Result<String, Failure> {
        let mut copy = self.run(false, |this| this.session.copy_in(prepared))?;
        let (format, columns) = shape(copy.is_binary(), copy.columns())?;
        let codes = vec![i16::from(format); usize::try_from(columns).unwrap_or(0)];
        self.wire.output.message(&CopyInResponse::new(format, columns, codes))?;
        loop {
            let frame = self.read_frame().await?.filter(|frame| !frontend::is_farewell(frame.kind));
            let Some(frame) = frame else { return Err(Failure::Gone(io::ErrorKind::UnexpectedEof.into())) };
            match copy_message(frame.kind, &frame.body)? {
                CopyMessage::Data(bytes) => self.run(false, |this| copy.push(&mut this.session, bytes))?,
                CopyMessage::Done => return Ok(self.run(false, |this| copy.finish(&mut this.session))?),
                CopyMessage::Fail(reason) => return Err(copy.failed_by_client(reason).into()),
                // They may have been sent before the client knew that it is a COPY.
                CopyMessage::Ignored => {}
                CopyMessage::Other => {
                    let kind = frame.kind;
                    return Err(
                        violation(format!("unexpected message type 0x{kind:02X} during COPY from stdin")).into()
                    );
                }
            }
        }
    }
}

/// The format code of all columns, and how many there are.
fn shape(is_binary: bool, columns: usize) -> Result<(i8, i16), SqlError> {
    let code = if is_binary { FORMAT_CODE_BINARY } else { FORMAT_CODE_TEXT };
    let columns = i16::try_from(columns)
        .map_err(|_| SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row has too many columns to be sent"))?;
    Ok((i8::try_from(code).unwrap_or(0), columns))
}
