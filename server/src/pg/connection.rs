//! One client that has been let in: its loop, and what simple and extended protocol share.

use std::sync::Arc;
use std::time::Duration;

use heliosdb_sql::session::{Notification, OpenPortal, Portal, Prepared, ResultFormats, Session, TransactionStatus};
use heliosdb_sql::{SqlError, SqlState};
use heliosdb_storage::Row;
use pgwire::messages::response::{CommandComplete, NotificationResponse, ReadyForQuery, TransactionStatus as WireStatus};
use pgwire::messages::startup::ParameterStatus;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::error::{Failure, shutting_down, write_error, write_notice};
use super::frontend::{self, Message};
use super::listener::PgServer;
use super::rows::write_row;
use super::wire::{CHUNK_BYTES, Frame, MAX_MESSAGE_BYTES, Wire};

/// Rows asked of a portal at first; the number follows their size.
const FIRST_BATCH_ROWS: usize = 64;
/// Rows asked of a portal at most.
const MAX_BATCH_ROWS: usize = 1024;

/// How long a client may take to read why it is cut off.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A client's connection.
pub(super) struct Connection<S> {
    pub(super) wire: Wire<S>,
    pub(super) session: Session,
    server: Arc<PgServer>,
    /// Told when the session is cancelled or ended.
    woken: Arc<Notify>,
    reported: Vec<(&'static str, String)>,
    progress: Progress,
    buffers: Buffers,
}

/// Where the connection stands between messages.
#[derive(Default)]
struct Progress {
    /// After an error of the extended protocol: everything up to Sync is skipped.
    skip_to_sync: bool,
    /// A group of extended messages is under way.
    in_group: bool,
    /// The client waits for what has been collected.
    flush_wanted: bool,
    /// Something ran since the last ReadyForQuery that may have changed settings, and whose commit may wait.
    ran_slow: bool,
}

/// Memory that is used again and again.
struct Buffers {
    rows: Vec<Row>,
    text: String,
    batch_rows: usize,
}

/// How far a portal has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PortalState {
    /// The output is full; there may be more rows.
    OutputFull,
    /// As many rows were sent as were asked for.
    LimitReached,
    /// There are no more rows.
    Complete,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn new(
        wire: Wire<S>,
        session: Session,
        server: Arc<PgServer>,
        reported: Vec<(&'static str, String)>,
    ) -> Self {
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        session.backend().on_wake(move || wake.notify_one());
        Self {
            wire,
            session,
            server,
            woken,
            reported,
            progress: Progress::default(),
            buffers: Buffers { rows: Vec::new(), text: String::new(), batch_rows: FIRST_BATCH_ROWS },
        }
    }

    /// Serves the client until it leaves, breaks the protocol, or the server stops.
    pub(super) async fn serve(mut self) {
        match self.answer_all().await {
            Ok(()) => {}
            Err(Failure::Statement(error) | Failure::Fatal(error)) => {
                tracing::info!(code = error.state.0, %error, "a connection was closed");
                write_error(&mut self.wire.output, "FATAL", &error);
                // The client may be gone already, or not read; there is nobody else to tell.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.wire.close()).await;
            }
            Err(Failure::Gone(error)) => tracing::debug!(%error, "a client went away"),
        }
        // Rolling back releases locks and may take a moment.
        tokio::task::block_in_place(|| drop(self.session));
    }

    async fn answer_all(&mut self) -> Result<(), Failure> {
        loop {
            let Some(frame) = self.wire.frame(MAX_MESSAGE_BYTES).map_err(Failure::Fatal)? else {
                if !self.wait_for_input().await? {
                    return Ok(());
                }
                continue;
            };
            if !self.answer(&frame).await? {
                return Ok(());
            }
        }
    }

    /// The next message in the middle of an answer, after all that was collected has been sent; none when the client has
    /// gone.
    pub(super) async fn read_frame(&mut self) -> Result<Option<Frame>, Failure> {
        loop {
            if let Some(frame) = self.wire.frame(MAX_MESSAGE_BYTES).map_err(Failure::Fatal)? {
                return Ok(Some(frame));
            }
            self.check_running()?;
            let exchanged = async {
                self.wire.flush().await?;
                self.wire.fill().await
            };
            let (server, woken) = (Arc::clone(&self.server), Arc::clone(&self.woken));
            tokio::select! {
                biased;
                () = server.shutdown.wait() => return Err(Failure::Fatal(shutting_down())),
                () = woken.notified() => {}
                filled = exchanged => if !filled? {
                    return Ok(None);
                }
            }
        }
    }

    /// Waits for bytes; false when the client has gone. Everything that was asked for is answered before.
    async fn wait_for_input(&mut self) -> Result<bool, Failure> {
        let mut wants_flush = std::mem::take(&mut self.progress.flush_wanted);
        let (server, woken) = (Arc::clone(&self.server), Arc::clone(&self.woken));
        // While a group of messages is under way, the client is not idle.
        let idle = if self.progress.in_group { None } else { self.session.idle_timeout() };
        let (idle_time, too_long) = idle.map_or((None, None), |(time, error)| (Some(time), Some(error)));
        let idle_end = idle_time.and_then(|time| Instant::now().checked_add(time));
        loop {
            self.check_terminated()?;
            let exchanged = async {
                if wants_flush {
                    self.wire.flush().await?;
                }
                self.wire.fill().await
            };
            tokio::select! {
                biased;
                () = server.shutdown.wait() => return Err(Failure::Fatal(shutting_down())),
                () = woken.notified() => {
                    if !self.progress.in_group {
                        wants_flush |= self.send_notifications()?;
                    }
                }
                filled = exchanged => return Ok(filled?),
                () = sleep_until(idle_end) => {
                    return Err(Failure::Fatal(too_long.expect("BUG: there is an end only with its error")));
                }
            }
        }
    }

    /// Fails once the session is to end.
    fn check_terminated(&self) -> Result<(), Failure> {
        if self.session.backend().is_terminated() { Err(Failure::Fatal(shutting_down())) } else { Ok(()) }
    }

    /// Fails once the session or its statement is to end.
    fn check_running(&self) -> Result<(), Failure> {
        self.check_terminated()?;
        if self.session.backend().is_cancelled() {
            return Err(Failure::Statement(self.session.take_cancelled()));
        }
        Ok(())
    }

    /// Sends what has been collected while a statement runs; a client that does not read does not keep the statement from
    /// being cancelled.
    pub(super) async fn flush_running(&mut self) -> Result<(), Failure> {
        let (server, woken) = (Arc::clone(&self.server), Arc::clone(&self.woken));
        loop {
            self.check_running()?;
            tokio::select! {
                biased;
                () = server.shutdown.wait() => return Err(Failure::Fatal(shutting_down())),
                () = woken.notified() => {}
                flushed = self.wire.flush() => return Ok(flushed?),
            }
        }
    }

    /// Answers one message; false if the client says goodbye.
    async fn answer(&mut self, frame: &Frame) -> Result<bool, Failure> {
        if !frontend::is_known(frame.kind) {
            return Err(Failure::Fatal(frontend::violation(format!("invalid frontend message type {}", frame.kind))));
        }
        if self.progress.skip_to_sync && !matches!(frame.kind, b'S' | b'X') {
            return Ok(true);
        }
        if frontend::is_copy(frame.kind) {
            // The rest of a COPY that has failed.
            return Ok(true);
        }
        if !self.progress.in_group {
            self.begin_group()?;
        }
        // FunctionCall and Query are answered with ReadyForQuery whatever happens, extended messages at their Sync.
        let simple = matches!(frame.kind, b'Q' | b'F');
        self.progress.in_group = !simple;
        let message = frontend::decode(frame.kind, &frame.body);
        let answered = match message {
            Ok(Message::Terminate) => return Ok(false),
            Ok(message) => self.dispatch(message).await,
            Err(error) => Err(Failure::Statement(error)),
        };
        match answered {
            Ok(()) => {}
            Err(Failure::Statement(error)) => {
                self.session.fail();
                if simple && let Err(error) = self.end_implicit() {
                    // What the text has done so far is undone before the error is told.
                    tracing::debug!(%error, "rolling back");
                }
                self.report(&error)?;
                self.progress.skip_to_sync = !simple;
            }
            Err(failure) => return Err(failure),
        }
        if simple {
            self.end_group()?;
        }
        Ok(true)
    }

    async fn dispatch(&mut self, message: Message<'_>) -> Result<(), Failure> {
        match message {
            Message::Query(sql) => self.query(sql).await,
            Message::Parse { name, query, type_oids } => Ok(self.parse(name, query, type_oids)?),
            Message::Bind(bind) => Ok(self.bind(&bind)?),
            Message::Describe { target, name } => Ok(self.describe(target, name)?),
            Message::Execute { portal, max_rows } => self.execute(portal, max_rows).await,
            Message::Close { target, name } => Ok(self.close(target, name)?),
            Message::Sync => self.sync(),
            Message::Flush => {
                self.progress.flush_wanted = true;
                Ok(())
            }
            Message::Terminate => Ok(()),
        }
    }

    fn begin_group(&self) -> Result<(), Failure> {
        self.check_terminated()?;
        if self.server.shutdown.is_set() { Err(Failure::Fatal(shutting_down())) } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if let Err(error) = self.end_implicit() {
            self.report(&error)?;
        }
        self.progress.skip_to_sync = false;
        self.progress.in_group = false;
        self.end_group()
    }

    /// Ends the implicit transaction, if there is one.
    pub(super) fn end_implicit(&mut self) -> Result<(), SqlError> {
        let quick = !self.progress.ran_slow;
        self.run(quick, |this| this.session.end_implicit())
    }

    /// Tells what has changed, and that the next message may come.
    fn end_group(&mut self) -> Result<(), Failure> {
        self.session.stop_clock();
        if std::mem::take(&mut self.progress.ran_slow) {
            self.report_settings()?;
        }
        self.send_notices();
        let status = match self.session.transaction_status() {
            TransactionStatus::Idle => WireStatus::Idle,
            TransactionStatus::InTransaction => WireStatus::Transaction,
            TransactionStatus::Failed => WireStatus::Error,
        };
        self.send_notifications()?;
        self.session.report_idle();
        self.wire.output.message(&ReadyForQuery::new(status))?;
        self.progress.flush_wanted = true;
        Ok(())
    }

    /// Reports an error that ends a statement but not the connection.
    fn report(&mut self, error: &SqlError) -> Result<(), Failure> {
        self.check_terminated()?;
        self.send_notices();
        write_error(&mut self.wire.output, "ERROR", error);
        if error.state == SqlState::TRANSACTION_RESOLUTION_UNKNOWN {
            self.server.fatal.raise(&error.message);
        }
        Ok(())
    }

    /// Appends the notifications that have come, unless the client is in the middle of a transaction; whether there were any.
    fn send_notifications(&mut self) -> Result<bool, Failure> {
        let notifications = self.session.take_notifications();
        for Notification { pid, channel, payload } in &notifications {
            let message = NotificationResponse::new(*pid, channel.to_string(), payload.to_string());
            self.wire.output.message(&message)?;
        }
        Ok(!notifications.is_empty())
    }

    fn report_settings(&mut self) -> Result<(), Failure> {
        for (name, value) in self.session.reported_settings() {
            let known = self.reported.iter_mut().find(|known| known.0 == name);
            if known.as_ref().is_some_and(|known| known.1 == value) {
                continue;
            }
            self.wire.output.message(&ParameterStatus::new(name.to_owned(), value.clone()))?;
            match known {
                Some(known) => known.1 = value,
                None => self.reported.push((name, value)),
            }
        }
        Ok(())
    }

    /// Appends the notices that have come up.
    pub(super) fn send_notices(&mut self) {
        for notice in self.session.take_notices() {
            write_notice(&mut self.wire.output, &notice);
        }
    }

    /// Does what may wait for locks or the disk where it does not hold up other clients.
    pub(super) fn run<R>(&mut self, quick: bool, work: impl FnOnce(&mut Self) -> R) -> R {
        if quick {
            return work(self);
        }
        self.progress.ran_slow = true;
        tokio::task::block_in_place(|| work(self))
    }

    /// Sends a portal's rows, up to a number, without ever holding more than a chunk of them; says how many.
    pub(super) async fn send_rows(
        &mut self,
        portal: &mut impl RowSource,
        prepared: &Prepared,
        formats: &ResultFormats,
        limit: usize,
    ) -> Result<(PortalState, u64), Failure> {
        let mut left = limit;
        loop {
            match self.run(prepared.is_quick(), |this| this.collect_rows(portal, prepared, formats, &mut left))? {
                PortalState::OutputFull => self.flush_running().await?,
                state => return Ok((state, u64::try_from(limit.saturating_sub(left)).unwrap_or(u64::MAX))),
            }
        }
    }

    fn collect_rows(
        &mut self,
        portal: &mut impl RowSource,
        prepared: &Prepared,
        formats: &ResultFormats,
        left: &mut usize,
    ) -> Result<PortalState, SqlError> {
        loop {
            let mut rows = std::mem::take(&mut self.buffers.rows);
            rows.clear();
            let more = portal.next_rows(&mut self.session, self.buffers.batch_rows.min(*left), &mut rows);
            let before = self.wire.output.len();
            let written = rows.iter().try_for_each(|row| {
                let (output, text) = (&mut self.wire.output, &mut self.buffers.text);
                write_row(output, prepared, row, formats, self.session.time_context(), text)
            });
            self.buffers.batch_rows =
                next_batch(self.buffers.batch_rows, rows.len(), self.wire.output.len().saturating_sub(before));
            *left = left.saturating_sub(rows.len());
            self.buffers.rows = rows;
            let more = more?;
            written?;
            if *left == 0 {
                return Ok(PortalState::LimitReached);
            }
            if !more {
                return Ok(PortalState::Complete);
            }
            if self.wire.output.is_full() {
                return Ok(PortalState::OutputFull);
            }
        }
    }

    /// Appends the command tag.
    pub(super) fn command_complete(&mut self, tag: String) -> Result<(), SqlError> {
        self.send_notices();
        self.wire.output.message(&CommandComplete::new(tag))
    }
}

/// Sleeps for ever, if there is no end.
async fn sleep_until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// What gives rows: a portal that nobody else can name, or one of the session's.
pub(super) trait RowSource {
    /// Appends up to `max_rows` rows; false once there are no more.
    fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool, SqlError>;
}

impl RowSource for Portal {
    fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool, SqlError> {
        Self::next_rows(self, session, max_rows, out)
    }
}

impl RowSource for OpenPortal {
    fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool, SqlError> {
        Self::next_rows(self, session, max_rows, out)
    }
}

/// How many rows to ask for next, so that a batch is about a chunk.
fn next_batch(asked: usize, rows: usize, bytes: usize) -> usize {
    if rows == 0 {
        return asked;
    }
    let bytes_per_row = (bytes / rows).max(1);
    (CHUNK_BYTES / bytes_per_row).clamp(1, asked.saturating_mul(2)).min(MAX_BATCH_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_follow_the_size_of_rows() {
        assert_eq!(next_batch(64, 0, 0), 64);
        assert_eq!(next_batch(64, 64, 64 * 10), 128);
        assert_eq!(next_batch(1024, 1024, 1024 * 10), MAX_BATCH_ROWS);
        assert_eq!(next_batch(1024, 1024, 1024 * CHUNK_BYTES), 1);
        assert_eq!(next_batch(1, 1, 10), 2);
    }
}
