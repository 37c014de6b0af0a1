//! The bytes of messages: a tag, then the fields in order.
//!
//! Built from the store's primitives ([`heliosdb_storage::codec`]): integers are varints unless said otherwise; strings,
//! lists and nested parts carry their length or count first. A count is checked against the bytes that are left, and
//! memory grows with what was read, not with what was announced. What follows the last field is an error, so that
//! nothing travels unseen.

use heliosdb_crdt::{IntervalSet, SiteId};
use heliosdb_storage::codec::{Reader, put_bytes, put_len, put_varint};
use heliosdb_storage::sync_row::TxnDigest;
use heliosdb_storage::{LocalSeq, SchemaVersion, ServerSeq, TxnId};

use super::{
    Checkpoint, Hello, MergeOutcome, MergedHead, Message, PullRequest, PulledRow, Push, PushAck, Refusal,
    RefusalReason, Welcome, parts,
};
use crate::error::{Error, Result};

/// The longest node id, in bytes.
pub const MAX_NODE_ID_BYTES: usize = 255;
/// The longest text of a reason, in bytes; longer ones are cut when they are sent.
pub const MAX_REASON_BYTES: usize = 4096;
/// Lists start with room for so many elements at most, and grow as elements arrive.
const FIRST_CAPACITY: usize = 1024;

/// The tag of DATA.
const DATA: u8 = 12;

/// The message's bytes.
pub fn encode(message: &Message) -> Result<Vec<u8>> {
    let mut out = Writer::default();
    match message {
        Message::Hello(hello) => out.tag(1).hello(hello),
        Message::Welcome(welcome) => out.tag(2).welcome(welcome),
        Message::Refusal(refusal) => out.tag(3).refusal(refusal),
        Message::Reconcile { known } => {
            out.tag(4).list(known, |out, (id, digest)| {
                out.txn_id(*id);
                out.raw(&digest.0);
            });
        }
        Message::Reconciled { merged, forked } => {
            out.tag(5).list(merged, |out, id| out.txn_id(*id));
            out.list(forked, |out, id| out.txn_id(*id));
        }
        Message::NewSite => drop(out.tag(6)),
        Message::NewSiteIs(site) => out.tag(7).number(site.0.into()),
        Message::Push(push) => out.tag(8).push_batch(push)?,
        Message::PushAck(ack) => out.tag(9).push_ack(ack),
        Message::Pull(pull) => {
            out.tag(10).server_seq(pull.cursor);
            out.number(pull.schema_version.0);
            out.number(pull.credits.into());
        }
        Message::Credit(credits) => out.tag(11).number((*credits).into()),
        Message::Data(rows) => {
            out.tag(DATA).count(rows.len());
            for row in rows {
                parts::put_row(row, &mut out)?;
            }
        }
        Message::Checkpoint(checkpoint) => out.tag(13).checkpoint(checkpoint)?,
        Message::PullAck(seq) => out.tag(14).server_seq(*seq),
        Message::Notify(seq) => out.tag(15).server_seq(*seq),
        Message::Ping(nonce) => out.tag(16).number(*nonce),
        Message::Pong(nonce) => out.tag(17).number(*nonce),
    }
    Ok(out.bytes)
}

/// The bytes of a DATA message of the next rows, about `budget` bytes of them and at least one row.
pub fn encode_data(rows: &mut std::vec::IntoIter<PulledRow>, budget: usize) -> Result<Vec<u8>> {
    let mut body = Writer::default();
    let mut count = 0;
    while body.bytes.len() < budget
        && let Some(row) = rows.next()
    {
        parts::put_row(&row, &mut body)?;
        count += 1;
    }
    let mut out = Writer::default();
    out.tag(DATA).count(count);
    out.raw(&body.bytes);
    Ok(out.bytes)
}

/// The message of these bytes.
pub fn decode(bytes: &[u8]) -> Result<Message> {
    let mut input = Reader::new(bytes, "sync message");
    let message = read_message(&mut input).and_then(|message| input.finish().map(|()| message));
    message.map_err(|error| Error::protocol(error.to_string()))
}

fn read_message(input: &mut Reader<'_>) -> Decoded<Message> {
    Ok(match input.u8()? {
        1 => Message::Hello(read_hello(input)?),
        2 => Message::Welcome(read_welcome(input)?),
        3 => Message::Refusal(read_refusal(input)?),
        4 => Message::Reconcile {
            known: read_list(input, 2 + 16, |input| Ok((read_txn_id(input)?, TxnDigest(input.array()?))))?,
        },
        5 => {
            Message::Reconciled { merged: read_list(input, 2, read_txn_id)?, forked: read_list(input, 2, read_txn_id)? }
        }
        6 => Message::NewSite,
        7 => Message::NewSiteIs(SiteId(input.varint_as()?)),
        8 => Message::Push(Push { batch: input.varint()?, txns: read_list(input, 17, parts::read_txn)? }),
        9 => Message::PushAck(PushAck { batch: input.varint()?, outcomes: read_list(input, 1, read_outcome)? }),
        10 => Message::Pull(PullRequest {
            cursor: read_server_seq(input)?,
            schema_version: SchemaVersion(input.varint()?),
            credits: input.varint_as()?,
        }),
        11 => Message::Credit(input.varint_as()?),
        DATA => Message::Data(read_list(input, 2, parts::read_row)?),
        13 => Message::Checkpoint(read_checkpoint(input)?),
        14 => Message::PullAck(read_server_seq(input)?),
        15 => Message::Notify(read_server_seq(input)?),
        16 => Message::Ping(input.varint()?),
        17 => Message::Pong(input.varint()?),
        other => return Err(input.damaged(format!("unknown kind {other}"))),
    })
}

/// Appends fields.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    fn tag(&mut self, tag: u8) -> &mut Self {
        self.bytes.push(tag);
        self
    }

    pub(super) fn number(&mut self, n: u64) {
        put_varint(&mut self.bytes, n);
    }

    pub(super) fn count(&mut self, n: usize) {
        put_len(&mut self.bytes, n);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn sized(&mut self, bytes: &[u8]) {
        put_bytes(&mut self.bytes, bytes);
    }

    fn text(&mut self, text: &str, most: usize) {
        let mut end = text.len().min(most);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.sized(text.as_bytes().get(..end).unwrap_or_default());
    }

    fn flag(&mut self, flag: bool) {
        self.bytes.push(u8::from(flag));
    }

    fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            put(self, item);
        }
    }

    fn server_seq(&mut self, seq: ServerSeq) {
        self.number(seq.epoch);
        self.number(seq.n);
    }

    fn txn_id(&mut self, id: TxnId) {
        self.number(id.site.0.into());
        self.number(id.seq.0);
    }

    fn hello(&mut self, hello: &Hello) {
        self.number(hello.oldest_version.into());
        self.number(hello.newest_version.into());
        self.text(&hello.node_id, MAX_NODE_ID_BYTES);
        self.raw(&hello.node_key);
        self.number(hello.site.0.into());
        self.bytes.push(hello.codecs);
        self.number(hello.schema_version.0);
        self.server_seq(hello.cursor);
        self.number(hello.acknowledged.0);
        self.number(hello.wall_millis);
    }

    fn welcome(&mut self, welcome: &Welcome) {
        self.number(welcome.version.into());
        self.bytes.push(welcome.codecs);
        self.text(&welcome.hub_id, MAX_NODE_ID_BYTES);
        self.server_seq(welcome.head);
        self.number(welcome.wall_millis);
        self.list(&welcome.merged, |out, head| {
            out.txn_id(head.id);
            out.raw(&head.digest.0);
        });
        self.flag(welcome.site_taken);
    }

    fn refusal(&mut self, refusal: &Refusal) {
        self.bytes.push(refusal.reason.number());
        self.text(&refusal.detail, MAX_REASON_BYTES);
        self.number(refusal.retry_after_millis);
    }

    fn push_batch(&mut self, push: &Push) -> Result<()> {
        self.number(push.batch);
        self.count(push.txns.len());
        for txn in &push.txns {
            parts::put_txn(txn, self)?;
        }
        Ok(())
    }

    fn push_ack(&mut self, ack: &PushAck) {
        self.number(ack.batch);
        self.list(&ack.outcomes, |out, outcome| match outcome {
            MergeOutcome::Merged => out.bytes.push(0),
            MergeOutcome::Forked => out.bytes.push(1),
            MergeOutcome::Missing => out.bytes.push(3),
            MergeOutcome::Refused { reason } => {
                out.bytes.push(2);
                out.text(reason, MAX_REASON_BYTES);
            }
        });
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.server_seq(checkpoint.to);
        self.flag(checkpoint.full);
        self.flag(checkpoint.schema.is_some());
        if let Some(schema) = &checkpoint.schema {
            parts::put_schema(schema, self)?;
        }
        self.list(&checkpoint.covered, |out, (site, seqs)| {
            out.number(site.0.into());
            out.intervals(seqs);
        });
        self.number(checkpoint.transactions);
        self.number(checkpoint.rows);
        Ok(())
    }

    /// Each interval as the distance from the end of the one before, and its length: small numbers.
    fn intervals(&mut self, set: &IntervalSet) {
        self.count(set.iter().count());
        let mut end = 0;
        for (first, last) in set.iter() {
            self.number(first - end);
            self.number(last - first);
            end = last;
        }
    }
}

/// Reading says what is wrong in the store's words; [`decode`] makes it an error of the protocol.
pub(super) type Decoded<T> = heliosdb_storage::Result<T>;

/// A list of elements that take at least so many bytes each.
fn read_list<'a, T>(
    input: &mut Reader<'a>,
    smallest: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = input.count(smallest)?;
    let mut items = Vec::with_capacity(count.min(FIRST_CAPACITY));
    for _ in 0..count {
        items.push(read(input)?);
    }
    Ok(items)
}

fn read_text(input: &mut Reader<'_>, most: usize) -> Decoded<String> {
    let text = input.str()?;
    if text.len() > most {
        return Err(input.damaged(format!("a text of {} bytes, the limit is {most}", text.len())));
    }
    Ok(text.to_owned())
}

fn read_flag(input: &mut Reader<'_>) -> Decoded<bool> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(input.damaged(format!("{other} is neither true nor false"))),
    }
}

fn read_server_seq(input: &mut Reader<'_>) -> Decoded<ServerSeq> {
    Ok(ServerSeq { epoch: input.varint()?, n: input.varint()? })
}

fn read_txn_id(input: &mut Reader<'_>) -> Decoded<TxnId> {
    Ok(TxnId { site: SiteId(input.varint_as()?), seq: LocalSeq(input.varint()?) })
}

fn read_hello(input: &mut Reader<'_>) -> Decoded<Hello> {
    Ok(Hello {
        oldest_version: input.varint_as()?,
        newest_version: input.varint_as()?,
        node_id: read_text(input, MAX_NODE_ID_BYTES)?,
        node_key: input.array()?,
        site: SiteId(input.varint_as()?),
        codecs: input.u8()?,
        schema_version: SchemaVersion(input.varint()?),
        cursor: read_server_seq(input)?,
        acknowledged: LocalSeq(input.varint()?),
        wall_millis: input.varint()?,
    })
}

fn read_welcome(input: &mut Reader<'_>) -> Decoded<Welcome> {
    Ok(Welcome {
        version: input.varint_as()?,
        codecs: input.u8()?,
        hub_id: read_text(input, MAX_NODE_ID_BYTES)?,
        head: read_server_seq(input)?,
        wall_millis: input.varint()?,
        merged: read_list(input, 2 + 16, |input| {
            Ok(MergedHead { id: read_txn_id(input)?, digest: TxnDigest(input.array()?) })
        })?,
        site_taken: read_flag(input)?,
    })
}

fn read_refusal(input: &mut Reader<'_>) -> Decoded<Refusal> {
    let number = input.u8()?;
    let reason = RefusalReason::of_number(number);
    Ok(Refusal {
        reason: reason.ok_or_else(|| input.damaged(format!("unknown reason {number}")))?,
        detail: read_text(input, MAX_REASON_BYTES)?,
        retry_after_millis: input.varint()?,
    })
}

fn read_outcome(input: &mut Reader<'_>) -> Decoded<MergeOutcome> {
    match input.u8()? {
        0 => Ok(MergeOutcome::Merged),
        1 => Ok(MergeOutcome::Forked),
        2 => Ok(MergeOutcome::Refused { reason: read_text(input, MAX_REASON_BYTES)? }),
        3 => Ok(MergeOutcome::Missing),
        other => Err(input.damaged(format!("unknown outcome {other}"))),
    }
}

fn read_checkpoint(input: &mut Reader<'_>) -> Decoded<Checkpoint> {
    Ok(Checkpoint {
        to: read_server_seq(input)?,
        full: read_flag(input)?,
        schema: if read_flag(input)? { Some(parts::read_schema(input)?) } else { None },
        covered: read_list(input, 2, |input| Ok((SiteId(input.varint_as()?), read_intervals(input)?)))?,
        transactions: input.varint()?,
        rows: input.varint()?,
    })
}

fn read_intervals(input: &mut Reader<'_>) -> Decoded<IntervalSet> {
    let mut set = IntervalSet::default();
    let mut end = 0_u64;
    for _ in 0..input.count(2)? {
        let (gap, length) = (input.varint()?, input.varint()?);
        let first = end.checked_add(gap);
        let last = first.and_then(|first| first.checked_add(length));
        let (Some(first), Some(last)) = (first, last) else {
            return Err(input.damaged("an interval is out of range"));
        };
        set.insert_range(first, last);
        end = last;
    }
    Ok(set)
}

impl RefusalReason {
    const ALL: [(Self, u8); 8] = [
        (Self::UnknownNode, 1),
        (Self::Revoked, 2),
        (Self::UpgradeRequired, 3),
        (Self::RateLimited, 4),
        (Self::Replaced, 5),
        (Self::Protocol, 6),
        (Self::Forked, 7),
        (Self::Unavailable, 8),
    ];

    fn number(self) -> u8 {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or(0, |(_, number)| *number)
    }

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == number).map(|(reason, _)| *reason)
    }
}

#[cfg(test)]
mod tests;
