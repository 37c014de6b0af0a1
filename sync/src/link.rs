//! A connection that carries messages.
//!
//! A [`Link`] turns the frames of a [`Line`] into messages and back, answers and sends PINGs, and notices when the other
//! end has fallen silent. A task of its own does the writing, so that two ends that both have much to send never wait for
//! each other: whoever waits for something else keeps reading meanwhile (see [`Link::drive`]).
//!
//! Bounds: what waits to be written and what was read but not taken are both limited; beyond them the link stops reading,
//! and the other end with it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::LineTimes;
use crate::error::{Error, Result};
use crate::message::frame::{Assembler, Codec, MAX_GREETING_BYTES, MAX_MESSAGE_BYTES, frames_of};
use crate::message::{Message, codec};
use crate::transport::{FrameStream, Line};

/// Frames handed to the writing task at once.
const WRITER_QUEUE: usize = 4;
/// Beyond so many frames that wait to be written, nothing is read.
const MAX_OUTGOING_FRAMES: usize = 256;
/// Beyond so many messages that nobody has taken, nothing is read.
const MAX_INBOX_MESSAGES: usize = 64;
/// Beyond so many bytes of them, likewise.
const MAX_INBOX_BYTES: usize = MAX_MESSAGE_BYTES;

/// What a node's links have carried.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes of frames sent.
    pub sent: AtomicU64,
    /// Bytes of frames received.
    pub received: AtomicU64,
    /// Bytes that compression saved, both ways.
    pub saved: AtomicU64,
    /// The smoothed time from a PING to its PONG, in microseconds; 0 if none was measured.
    pub round_trip_micros: AtomicU64,
}

impl Traffic {
    fn record_round_trip(&self, sample: Duration) {
        let sample = u64::try_from(sample.as_micros()).unwrap_or(u64::MAX).max(1);
        let old = self.round_trip_micros.load(Ordering::Relaxed);
        // A moving average that gives the newest sample a weight of 1/4.
        let new = if old == 0 { sample } else { old - old / 4 + sample / 4 };
        self.round_trip_micros.store(new.max(1), Ordering::Relaxed);
    }
}

/// A message with the number of bytes that it had before compression.
#[derive(Debug)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// Its bytes.
    pub bytes: usize,
}

/// A connection that carries messages.
pub struct Link {
    incoming: FrameStream,
    writer: Option<mpsc::Sender<Bytes>>,
    writing: JoinHandle<()>,
    outgoing: VecDeque<Bytes>,
    inbox: VecDeque<Received>,
    inbox_bytes: usize,
    assembler: Assembler,
    /// Bytes on the line of the message that is being put together.
    partial_bytes: usize,
    codec: Codec,
    times: LineTimes,
    pulse: Pulse,
    traffic: Arc<Traffic>,
}

/// One thing that happens on a line.
enum Happened {
    Wrote,
    Read(Option<Result<Bytes>>),
    PingIsDue,
    Silence,
}

/// What is known of the other end's being there.
struct Pulse {
    last_heard: Instant,
    next_ping: Instant,
    nonce: u64,
    sent_at: Option<Instant>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

impl Link {
    /// A link over a line; messages are small and uncompressed until [`Link::admit`].
    pub fn new(line: Line, times: LineTimes, traffic: Arc<Traffic>) -> Self {
        let (writer, mut frames) = mpsc::channel::<Bytes>(WRITER_QUEUE);
        let mut sink = line.sink;
        let writing = tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                if sink.send(frame).await.is_err() {
                    return;
                }
            }
            // The other end may be gone already; then nobody misses the farewell.
            let _ = sink.close().await;
        });
        let now = Instant::now();
        Self {
            incoming: line.stream,
            writer: Some(writer),
            writing,
            outgoing: VecDeque::new(),
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            assembler: Assembler::new(MAX_GREETING_BYTES),
            partial_bytes: 0,
            codec: Codec::None,
            times,
            pulse: Pulse { last_heard: now, next_ping: now + times.ping_every, nonce: 0, sent_at: None },
            traffic,
        }
    }

    /// Both ends know each other now: messages may be large, and are compressed.
    pub const fn admit(&mut self, codec: Codec) {
        self.assembler.set_limit(MAX_MESSAGE_BYTES);
        self.codec = codec;
    }

    /// Takes large messages from now on; an edge trusts its hub before it is trusted.
    pub const fn expect_large(&mut self) {
        self.assembler.set_limit(MAX_MESSAGE_BYTES);
    }

    /// Queues a message.
    pub fn send(&mut self, message: &Message) -> Result<()> {
        self.send_encoded(&codec::encode(message)?)
    }

    /// Queues a message that is encoded already.
    pub fn send_encoded(&mut self, message: &[u8]) -> Result<()> {
        let mut bytes = 0;
        for frame in frames_of(message, self.codec)? {
            bytes += frame.len();
            self.outgoing.push_back(frame);
        }
        self.traffic.sent.fetch_add(to_u64(bytes), Ordering::Relaxed);
        self.traffic.saved.fetch_add(to_u64(message.len().saturating_sub(bytes)), Ordering::Relaxed);
        Ok(())
    }

    /// How many frames wait to be written.
    pub fn backlog(&self) -> usize {
        self.outgoing.len()
    }

    /// Notes how long the other end took to answer something.
    pub fn record_round_trip(&self, sample: Duration) {
        self.traffic.record_round_trip(sample);
    }

    /// The next message; writes and pings meanwhile. Loses nothing if it is dropped and called again.
    pub async fn next(&mut self) -> Result<Received> {
        loop {
            if let Some(received) = self.inbox.pop_front() {
                self.inbox_bytes -= received.bytes;
                return Ok(received);
            }
            self.step().await?;
        }
    }

    /// The next message, or nothing as soon as fewer than `backlog` frames wait to be written (never, if it is 0).
    pub async fn next_or_room(&mut self, backlog: usize) -> Result<Option<Received>> {
        loop {
            if let Some(received) = self.inbox.pop_front() {
                self.inbox_bytes -= received.bytes;
                return Ok(Some(received));
            }
            if self.outgoing.len() < backlog {
                return Ok(None);
            }
            self.step().await?;
        }
    }

    /// The next message, if it comes within the time of a handshake.
    pub async fn next_soon(&mut self) -> Result<Received> {
        let patience = self.times.handshake;
        match tokio::time::timeout(patience, self.next()).await {
            Ok(received) => received,
            Err(_) => Err(Error::line(format!("no answer within {} s", patience.as_secs_f32()))),
        }
    }

    /// Waits for something else, and keeps the line alive meanwhile; messages that come are kept for [`Link::next`].
    /// A failure of the line is reported by the next call, so that the result of the work is never lost.
    pub async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                stepped = self.step() => if stepped.is_err() {
                    return work.await;
                },
            }
        }
    }

    /// Waits until everything queued is written and says goodbye; gives up after the time of a handshake.
    pub async fn close(mut self) {
        let patience = self.times.handshake;
        let farewell = async {
            while let Some(frame) = self.outgoing.pop_front() {
                let Some(writer) = &self.writer else { return };
                if writer.send(frame).await.is_err() {
                    return;
                }
            }
            self.writer = None;
            // The task ends when it has written everything and closed the line.
            let _ = (&mut self.writing).await;
        };
        let _ = tokio::time::timeout(patience, farewell).await;
    }

    fn has_room(&self) -> bool {
        self.outgoing.len() < MAX_OUTGOING_FRAMES
            && self.inbox.len() < MAX_INBOX_MESSAGES
            && self.inbox_bytes < MAX_INBOX_BYTES
    }

    /// One thing that happens on the line: a frame written, a frame read, a ping due, or its death.
    async fn step(&mut self) -> Result<()> {
        let reads = self.has_room();
        let dies_at = self.pulse.last_heard + self.times.dead_after;
        let Self { writer, outgoing, incoming, pulse, .. } = self;
        let writer = writer.as_ref().ok_or_else(broken)?;
        let happened = tokio::select! {
            permit = writer.reserve(), if !outgoing.is_empty() => {
                let permit = permit.map_err(|_| broken())?;
                if let Some(frame) = outgoing.pop_front() {
                    permit.send(frame);
                }
                Happened::Wrote
            }
            frame = incoming.next(), if reads => Happened::Read(frame),
            () = tokio::time::sleep_until(pulse.next_ping) => Happened::PingIsDue,
            () = tokio::time::sleep_until(dies_at), if reads => Happened::Silence,
        };
        if !reads {
            // Nobody listened, so that nothing could be heard.
            self.pulse.last_heard = Instant::now();
        }
        match happened {
            Happened::Wrote => Ok(()),
            Happened::Read(Some(frame)) => self.take_frame(&frame?),
            Happened::Read(None) => Err(Error::line("the other end closed the connection")),
            Happened::PingIsDue => self.ping(),
            Happened::Silence => {
                let silence = self.times.dead_after.as_secs_f32();
                Err(Error::line(format!("the line is dead: nothing was heard for {silence} s")))
            }
        }
    }

    fn take_frame(&mut self, frame: &[u8]) -> Result<()> {
        self.pulse.last_heard = Instant::now();
        self.traffic.received.fetch_add(to_u64(frame.len()), Ordering::Relaxed);
        self.partial_bytes += frame.len();
        let Some(bytes) = self.assembler.push(frame)? else { return Ok(()) };
        let on_the_line = std::mem::take(&mut self.partial_bytes);
        self.traffic.saved.fetch_add(to_u64(bytes.len().saturating_sub(on_the_line)), Ordering::Relaxed);
        match codec::decode(&bytes)? {
            Message::Ping(nonce) => self.send(&Message::Pong(nonce))?,
            Message::Pong(nonce) => {
                if nonce == self.pulse.nonce
                    && let Some(sent_at) = self.pulse.sent_at.take()
                {
                    self.traffic.record_round_trip(sent_at.elapsed());
                }
            }
            message => {
                self.inbox_bytes += bytes.len();
                self.inbox.push_back(Received { message, bytes: bytes.len() });
            }
        }
        Ok(())
    }

    fn ping(&mut self) -> Result<()> {
        let now = Instant::now();
        self.pulse.next_ping = now + self.times.ping_every;
        if self.outgoing.len() >= MAX_OUTGOING_FRAMES {
            return Ok(());
        }
        self.pulse.nonce += 1;
        self.pulse.sent_at = Some(now);
        self.send(&Message::Ping(self.pulse.nonce))
    }
}

fn broken() -> Error {
    Error::line("the connection broke")
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc as frames;

    use super::*;
    use crate::message::{Refusal, RefusalReason};

    /// Two ends of a line that holds one frame each way.
    fn lines() -> (Line, Line) {
        let (to_b, from_a) = frames::channel::<Bytes>(0);
        let (to_a, from_b) = frames::channel::<Bytes>(0);
        let line = |stream: frames::Receiver<Bytes>, sink: frames::Sender<Bytes>| Line {
            stream: Box::pin(stream.map(Ok)),
            sink: Box::pin(sink.sink_map_err(Error::line)),
        };
        (line(from_b, to_b), line(from_a, to_a))
    }

    fn links(times: LineTimes) -> (Link, Link) {
        let (a, b) = lines();
        let (mut a, mut b) = (Link::new(a, times, Arc::default()), Link::new(b, times, Arc::default()));
        a.admit(Codec::None);
        b.admit(Codec::None);
        (a, b)
    }

    fn quick() -> LineTimes {
        let millis = Duration::from_millis;
        LineTimes { ping_every: millis(5), dead_after: millis(300), handshake: millis(2000) }
    }

    /// A message of about so many bytes.
    fn large(bytes: usize) -> Message {
        Message::Reconcile { known: vec![Default::default(); bytes / 18] }
    }

    #[tokio::test]
    async fn both_ends_may_have_much_to_send() {
        let (mut a, mut b) = links(LineTimes::default());
        for _ in 0..3 {
            a.send(&large(8 << 20)).unwrap();
            b.send(&large(8 << 20)).unwrap();
        }
        for _ in 0..3 {
            let (at_a, at_b) = tokio::join!(a.next(), b.next());
            assert_eq!(at_a.unwrap().message, large(8 << 20));
            assert_eq!(at_b.unwrap().message, large(8 << 20));
        }
    }

    #[tokio::test]
    async fn a_silent_line_dies() {
        let (mut a, _b) = links(quick());
        let error = a.next().await.unwrap_err().to_string();
        assert!(error.contains("nothing was heard"), "{error}");
    }

    #[tokio::test]
    async fn work_keeps_the_line_alive_and_messages_wait() {
        let (mut a, mut b) = links(quick());
        b.send(&Message::Credit(1)).unwrap();
        b.send(&Message::Credit(2)).unwrap();
        let far = tokio::spawn(async move { b.next().await });
        // Longer than a line may be silent; pings go to and fro meanwhile.
        let worked = a.drive(async {
            tokio::time::sleep(quick().dead_after * 2).await;
            7
        });
        assert_eq!(worked.await, 7);
        assert!(a.traffic.round_trip_micros.load(Ordering::Relaxed) > 0);
        assert_eq!(a.next().await.unwrap().message, Message::Credit(1));
        assert_eq!(a.next().await.unwrap().message, Message::Credit(2));
        a.send(&Message::Credit(3)).unwrap();
        a.close().await;
        assert_eq!(far.await.unwrap().unwrap().message, Message::Credit(3));
    }

    #[tokio::test]
    async fn the_result_of_work_outlives_the_line() {
        let (mut a, b) = links(LineTimes::default());
        drop(b);
        assert_eq!(a.drive(async { 7 }).await, 7);
        assert!(a.next().await.is_err());
        assert!(a.next().await.is_err(), "it stays so");
    }

    #[tokio::test]
    async fn a_farewell_arrives() {
        let (mut a, mut b) = links(LineTimes::default());
        let refusal = Refusal { reason: RefusalReason::Revoked, detail: "go".into(), retry_after_millis: 0 };
        a.send(&large(3 << 20)).unwrap();
        a.send(&Message::Refusal(refusal.clone())).unwrap();
        let closing = tokio::spawn(a.close());
        assert_eq!(b.next().await.unwrap().message, large(3 << 20));
        assert_eq!(b.next().await.unwrap().message, Message::Refusal(refusal));
        assert!(b.next().await.is_err(), "then the line ends");
        closing.await.unwrap();
    }

    #[tokio::test]
    async fn who_floods_is_not_read_from() {
        let (mut a, mut b) = links(LineTimes::default());
        for n in 0..1000 {
            b.send(&Message::Notify(heliosdb_storage::ServerSeq { epoch: 0, n })).unwrap();
        }
        let flood = tokio::spawn(async move { b.next().await });
        while a.inbox.len() < MAX_INBOX_MESSAGES {
            a.drive(tokio::task::yield_now()).await;
        }
        for _ in 0..1000 {
            a.drive(tokio::task::yield_now()).await;
        }
        assert_eq!(a.inbox.len(), MAX_INBOX_MESSAGES, "the rest waits on the line");
        for n in 0..1000 {
            let expected = Message::Notify(heliosdb_storage::ServerSeq { epoch: 0, n });
            assert_eq!(a.next().await.unwrap().message, expected);
        }
        flood.abort();
    }
}
