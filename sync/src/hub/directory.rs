//! The nodes and tokens that a hub knows, and the counters it draws sites from.
//!
//! Everything is kept in memory and written through to the store's internal relations. One lock over it all makes each
//! change one after the other; changes are rare (enrolments, HELLOs, one note a node every few seconds).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_crdt::SiteId;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Identity, Internal, Role};
use heliosdb_storage::{LocalSeq, ServerSeq, Store, Transaction, WriteOrigin};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::admission::TokenRecord;
use super::history;
use crate::enroll::SecretHash;
use crate::error::{Error, Result};
use crate::message::{Hello, MergedHead, Refusal, RefusalReason};

/// The site of every hub.
const HUB_SITE: u32 = 1;
/// Sites from here on are drawn by nodes that begin a life offline.
const OFFLINE_SITES: u32 = 1 << 31;
/// How far the site counter jumps when a hub finds that it forgot something.
const SITE_JUMP: u32 = 1 << 16;
/// Lives of one node.
const MAX_SITES_PER_NODE: usize = 1000;
/// An epoch is a time in milliseconds; beyond this it is none.
const MAX_EPOCH: u64 = 1 << 47;
/// Entries read from the store at once.
const LOAD_CHUNK: usize = 1000;

const NEXT_SITE: &[u8] = b"next_site";

/// A node as the hub knows it.
#[derive(Clone, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its id.
    pub node_id: String,
    /// Its lives, oldest first.
    pub sites: Vec<u32>,
    /// Proves that a HELLO is from it.
    pub key_hash: SecretHash,
    /// What policies read.
    pub attributes: serde_json::Value,
    /// When it enrolled, in milliseconds since the Unix epoch.
    pub created_millis: u64,
    /// When it was last heard of.
    pub last_seen_millis: u64,
    /// Up to where it has installed this hub's history.
    pub acknowledged: ServerSeq,
    /// An operator ended its membership.
    pub revoked: bool,
}

impl NodeRecord {
    /// Its lives.
    pub fn site_ids(&self) -> Vec<SiteId> {
        self.sites.iter().map(|&site| SiteId(site)).collect()
    }
}

/// What a hub makes of a HELLO.
pub struct Greeting {
    /// The node.
    pub node: NodeRecord,
    /// The newest merged transaction of each of its lives.
    pub merged: Vec<MergedHead>,
    /// The end of the hub's history.
    pub head: ServerSeq,
    /// The site that the node uses belongs to another one.
    pub site_taken: bool,
    /// The hub began a new epoch because of what it heard.
    pub new_epoch: bool,
}

/// The nodes and tokens that a hub knows.
pub struct Directory {
    store: Arc<Store>,
    pub(super) nodes: HashMap<String, NodeRecord>,
    pub(super) tokens: HashMap<String, TokenRecord>,
    /// Which node each site belongs to.
    pub(super) owners: HashMap<u32, String>,
    pub(super) next_site: u32,
}

impl Directory {
    /// Reads the directory; makes the store a hub's if it was nobody's.
    pub fn open(store: Arc<Store>, now_millis: u64) -> Result<Self> {
        let identity = store.identity();
        match identity.role {
            Role::Hub => {}
            Role::Standalone => {
                let mut txn = store.begin(WriteOrigin::Local);
                let cursor = ServerSeq { epoch: now_millis, n: 0 };
                txn.set_identity(Identity { role: Role::Hub, site: HUB_SITE, cursor })?;
                txn.commit()?;
            }
            Role::Edge => {
                return Err(Error::Config(
                    "this data folder belongs to an edge that is enrolled with a cloud; \
                     start it with mode = \"edge\", or give the cloud a data folder of its own"
                        .into(),
                ));
            }
        }
        let txn = store.begin(WriteOrigin::Local);
        let nodes: HashMap<String, NodeRecord> = load(&txn, Internal::Nodes)?;
        let tokens = load(&txn, Internal::Tokens)?;
        let owners: HashMap<u32, String> =
            nodes.values().flat_map(|node| node.sites.iter().map(|&site| (site, node.node_id.clone()))).collect();
        let next_site = match txn.internal_get(Internal::SyncState, NEXT_SITE)? {
            Some(bytes) => decode("the site counter", &bytes)?,
            None => HUB_SITE + 1,
        };
        txn.rollback();
        Ok(Self { store, nodes, tokens, owners, next_site })
    }

    /// The end of the hub's history.
    pub fn head(&self) -> ServerSeq {
        ServerSeq { epoch: self.store.identity().cursor.epoch, n: self.store.snapshot().seq().0 }
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeRecord> {
        self.nodes.values()
    }

    /// Judges a HELLO.
    pub fn greet(&mut self, hello: &Hello, now_millis: u64) -> Result<Greeting> {
        self.authenticate(hello)?;
        let site_taken = !self.claim_site(&hello.node_id, hello.site)?;
        let node = self.nodes.get(&hello.node_id).ok_or_else(|| unknown_node(&hello.node_id))?.clone();
        let merged = history::merged_heads(&self.store, &node.site_ids())?;
        let new_epoch = self.has_forgotten(hello, &merged);
        if new_epoch {
            self.begin_epoch(hello.cursor.epoch, now_millis)?;
        }
        Ok(Greeting { node, merged, head: self.head(), site_taken, new_epoch })
    }

    /// Whether a HELLO is from the node that it names.
    pub fn authenticate(&self, hello: &Hello) -> Result<()> {
        let node = self.nodes.get(&hello.node_id);
        let node = node.filter(|node| node.key_hash.matches(&hello.node_key));
        let node = node.ok_or_else(|| unknown_node(&hello.node_id))?;
        if node.revoked {
            return Err(refusal(RefusalReason::Revoked, format!("the node {:?} was revoked", node.node_id)));
        }
        if hello.cursor.epoch > MAX_EPOCH {
            return Err(refusal(RefusalReason::Protocol, "the cursor's epoch is not a time".into()));
        }
        Ok(())
    }

    /// Whether the edge saw something of this hub that the hub does not know: it was set back to an older copy.
    fn has_forgotten(&self, hello: &Hello, merged: &[MergedHead]) -> bool {
        let head = self.head();
        let newest = merged.iter().find(|merged| merged.id.site == hello.site);
        let newest = newest.map_or(LocalSeq::default(), |merged| merged.id.seq);
        hello.cursor.epoch > head.epoch
            || (hello.cursor.epoch == head.epoch && (hello.cursor.n > head.n || hello.acknowledged > newest))
    }

    /// Begins a new life of the hub: all edges will build their rows anew and offer again what they kept.
    fn begin_epoch(&mut self, seen: u64, now_millis: u64) -> Result<()> {
        let identity = self.store.identity();
        let epoch = now_millis.max(seen.saturating_add(1)).max(identity.cursor.epoch.saturating_add(1));
        let next = self.next_site.saturating_add(SITE_JUMP).min(OFFLINE_SITES);
        self.write(|txn| {
            txn.set_identity(Identity { cursor: ServerSeq { epoch, n: 0 }, ..identity })?;
            put_next_site(txn, next)
        })?;
        self.next_site = next;
        tracing::warn!(
            epoch,
            "an edge knows more of this cloud's history than the cloud itself: it begins a new epoch"
        );
        Ok(())
    }

    /// Whether a site is a life of the node. One that nobody is known to have becomes so: a hub that was restored from a
    /// copy may have forgotten lives that it gave the node, and what they wrote is offered again.
    pub fn claim_site(&mut self, node_id: &str, site: SiteId) -> Result<bool> {
        if site.0 <= HUB_SITE {
            return Ok(false);
        }
        if let Some(owner) = self.owners.get(&site.0) {
            return Ok(owner == node_id);
        }
        let next = if site.0 < OFFLINE_SITES { self.next_site.max(next_site(site.0)?) } else { self.next_site };
        self.give_site(node_id, site.0, next)?;
        Ok(true)
    }

    /// Gives a node a new life.
    pub fn new_site(&mut self, node_id: &str) -> Result<SiteId> {
        let site = self.next_site;
        self.give_site(node_id, site, next_site(site)?)?;
        Ok(SiteId(site))
    }

    fn give_site(&mut self, node_id: &str, site: u32, next: u32) -> Result<()> {
        let mut node = self.nodes.get(node_id).ok_or_else(|| unknown_node(node_id))?.clone();
        if node.sites.len() >= MAX_SITES_PER_NODE {
            let why = format!("the node {node_id:?} has had {MAX_SITES_PER_NODE} lives, which is the limit");
            return Err(refusal(RefusalReason::Protocol, why));
        }
        node.sites.push(site);
        self.write(|txn| {
            put(txn, Internal::Nodes, node_id, &node)?;
            put_next_site(txn, next)
        })?;
        self.next_site = next;
        self.owners.insert(site, node_id.to_owned());
        self.nodes.insert(node_id.to_owned(), node);
        Ok(())
    }

    /// Writes down what is known of a node's progress.
    pub fn note_progress(&mut self, node_id: &str, acknowledged: ServerSeq, now_millis: u64) -> Result<()> {
        let Some(mut node) = self.nodes.get(node_id).cloned() else { return Ok(()) };
        node.acknowledged = acknowledged;
        node.last_seen_millis = now_millis;
        self.write(|txn| put(txn, Internal::Nodes, node_id, &node))?;
        self.nodes.insert(node_id.to_owned(), node);
        Ok(())
    }

    /// Changes the store; what is in memory is changed by the caller when this has succeeded.
    pub(super) fn write(&self, change: impl FnOnce(&mut Transaction) -> Result<()>) -> Result<()> {
        let mut txn = self.store.begin(WriteOrigin::Local);
        change(&mut txn)?;
        txn.commit()?;
        Ok(())
    }
}

fn unknown_node(node_id: &str) -> Error {
    refusal(RefusalReason::UnknownNode, format!("no node {node_id:?} with this key is enrolled here"))
}

fn refusal(reason: RefusalReason, detail: String) -> Error {
    Refusal { reason, detail, retry_after_millis: 0 }.into()
}

/// The site number after one.
pub(super) fn next_site(site: u32) -> Result<u32> {
    let next = site.checked_add(1).filter(|&next| next <= OFFLINE_SITES);
    next.ok_or_else(|| Error::LimitExceeded("this cloud has given away all its site numbers".into()))
}

fn load<T: DeserializeOwned>(txn: &Transaction, relation: Internal) -> Result<HashMap<String, T>> {
    let mut all = HashMap::new();
    let mut range = KeyRange::ALL;
    loop {
        let chunk = txn.internal_scan(relation, range.clone(), LOAD_CHUNK)?;
        let Some((last, _)) = chunk.last() else { return Ok(all) };
        range.start = std::ops::Bound::Excluded(last.clone());
        for (key, value) in &chunk {
            let name = String::from_utf8_lossy(key).into_owned();
            let record = decode(&name, value)?;
            all.insert(name, record);
        }
    }
}

fn decode<T: DeserializeOwned>(name: &str, bytes: &Bytes) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| heliosdb_storage::Error::corrupt(format!("sync directory, {name}"), error.to_string()).into())
}

/// Writes a record of the directory.
pub(super) fn put<T: Serialize>(txn: &mut Transaction, relation: Internal, name: &str, record: &T) -> Result<()> {
    let json = serde_json::to_vec(record).map_err(|error| Error::protocol(error.to_string()))?;
    Ok(txn.internal_put(relation, name.as_bytes(), json.into())?)
}

/// Writes the site counter.
pub(super) fn put_next_site(txn: &mut Transaction, next: u32) -> Result<()> {
    Ok(txn.internal_put(Internal::SyncState, NEXT_SITE, next.to_string().into_bytes().into())?)
}
