//! Who is let in: tokens, and the nodes that enrol with them.

use heliosdb_storage::ServerSeq;
use heliosdb_storage::sync_row::Internal;
use serde::{Deserialize, Serialize};

use super::directory::{Directory, NodeRecord, next_site, put, put_next_site};
use crate::enroll::{
    EnrollAnswer, EnrollRequest, Secret, SecretHash, Token, base64url, check_node_id, glob, new_secret,
};
use crate::error::{Error, Result};

/// Nodes of one hub.
const MAX_NODES: usize = 100_000;
/// Tokens that have not expired.
const MAX_TOKENS: usize = 10_000;
/// Nodes that may share one token.
const MAX_USES: u32 = 10_000;
/// The longest pattern of node ids.
const MAX_GLOB_BYTES: usize = 255;
/// The longest attributes of a node, as JSON.
const MAX_ATTRIBUTE_BYTES: usize = 16 << 10;

/// A token as the hub keeps it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct TokenRecord {
    id: String,
    secret_hash: SecretHash,
    node_glob: String,
    attributes: serde_json::Value,
    expires_millis: u64,
    uses: u32,
    /// The nodes that used it.
    bound: Vec<Binding>,
}

/// A node that used a token.
#[derive(Clone, Serialize, Deserialize)]
struct Binding {
    node_id: String,
    key_hash: SecretHash,
}

impl Directory {
    /// Makes a token.
    pub fn create_token(
        &mut self,
        node_glob: &str,
        attributes: serde_json::Value,
        expires_millis: u64,
        uses: u32,
        now_millis: u64,
    ) -> Result<Token> {
        check_attributes(&attributes)?;
        if node_glob.is_empty() || node_glob.len() > MAX_GLOB_BYTES {
            return Err(Error::Enrolment("a token needs a node id or a pattern such as 'store-*'".into()));
        }
        if uses == 0 || uses > MAX_USES {
            return Err(Error::Enrolment(format!("a token is for 1 to {MAX_USES} nodes, not {uses}")));
        }
        self.forget_expired_tokens(now_millis)?;
        if self.tokens.len() >= MAX_TOKENS {
            return Err(Error::LimitExceeded(format!("there are {MAX_TOKENS} tokens that have not expired")));
        }
        let id_bytes = new_secret()?;
        let id = base64url::encode(id_bytes.get(..9).unwrap_or_default());
        let token = Token { id: id.clone(), secret: new_secret()?, node_glob: node_glob.to_owned(), expires_millis };
        let record = TokenRecord {
            id: id.clone(),
            secret_hash: SecretHash::of(&token.secret),
            node_glob: node_glob.to_owned(),
            attributes,
            expires_millis,
            uses,
            bound: Vec::new(),
        };
        self.write(|txn| put(txn, Internal::Tokens, &id, &record))?;
        self.tokens.insert(id, record);
        Ok(token)
    }

    fn forget_expired_tokens(&mut self, now_millis: u64) -> Result<()> {
        let expired = self.tokens.values().filter(|token| token.expires_millis <= now_millis);
        let expired: Vec<String> = expired.map(|token| token.id.clone()).collect();
        if expired.is_empty() {
            return Ok(());
        }
        self.write(|txn| expired.iter().try_for_each(|id| Ok(txn.internal_delete(Internal::Tokens, id.as_bytes())?)))?;
        for id in expired {
            self.tokens.remove(&id);
        }
        Ok(())
    }

    /// Takes a node in, or answers one again that was taken in before.
    pub fn enroll(
        &mut self,
        request: &EnrollRequest,
        hub_id: &str,
        tenant: &str,
        now_millis: u64,
    ) -> Result<EnrollAnswer> {
        let refuse = |why: String| Err(Error::Enrolment(why));
        let node_id = &request.node_id;
        check_node_id(node_id)?;
        let key: Option<Secret> = base64url::decode(&request.node_key).and_then(|key| key.try_into().ok());
        let Some(key) = key else { return refuse("the node key is not 32 bytes in base64url".into()) };
        let token = self.checked_token(&request.token, now_millis)?;
        if !glob::matches(&token.node_glob, node_id) {
            return refuse(format!("the token is for nodes named {:?}, not for {node_id:?}", token.node_glob));
        }
        if request.tenant != tenant {
            return refuse(format!("the node belongs to tenant {:?}, this cloud serves {tenant:?}", request.tenant));
        }
        let is_bound = |bound: &Binding| bound.node_id == *node_id && bound.key_hash.matches(&key);
        let known = token.bound.iter().any(is_bound);
        if !known && token.bound.len() >= usize::try_from(token.uses).unwrap_or(usize::MAX) {
            return refuse("the token is used up; make a new one on the cloud".into());
        }
        if let Some(node) = self.nodes.get(node_id) {
            if !node.key_hash.matches(&key) {
                return refuse(format!(
                    "a node {node_id:?} is enrolled already, with another key; use another node_id"
                ));
            }
            if node.revoked {
                return refuse(format!("the node {node_id:?} was revoked"));
            }
            return Ok(self.answer(node, hub_id, tenant));
        }
        self.add_node(request, &key, token, now_millis)?;
        let node = self.nodes.get(node_id).expect("BUG: it was just added");
        Ok(self.answer(node, hub_id, tenant))
    }

    fn checked_token(&self, text: &str, now_millis: u64) -> Result<TokenRecord> {
        let shown = Token::parse(text)?;
        let unknown = || Error::Enrolment("the token is not one of this cloud, or it was made too long ago".into());
        let token = self.tokens.get(&shown.id).ok_or_else(unknown)?;
        if !token.secret_hash.matches(&shown.secret) {
            return Err(unknown());
        }
        if token.expires_millis <= now_millis {
            return Err(Error::Enrolment("the token has expired; make a new one on the cloud".into()));
        }
        Ok(token.clone())
    }

    fn add_node(
        &mut self,
        request: &EnrollRequest,
        key: &Secret,
        mut token: TokenRecord,
        now_millis: u64,
    ) -> Result<()> {
        check_attributes(&request.attributes)?;
        if self.nodes.len() >= MAX_NODES {
            return Err(Error::Enrolment(format!("this cloud has {MAX_NODES} nodes, which is its limit")));
        }
        let key_hash = SecretHash::of(key);
        token.bound.push(Binding { node_id: request.node_id.clone(), key_hash: key_hash.clone() });
        let site = self.next_site;
        let node = NodeRecord {
            node_id: request.node_id.clone(),
            sites: vec![site],
            key_hash,
            attributes: merged_attributes(&request.attributes, &token.attributes),
            created_millis: now_millis,
            last_seen_millis: now_millis,
            acknowledged: ServerSeq::default(),
            revoked: false,
        };
        let next = next_site(site)?;
        self.write(|txn| {
            put(txn, Internal::Tokens, &token.id, &token)?;
            put(txn, Internal::Nodes, &node.node_id, &node)?;
            put_next_site(txn, next)
        })?;
        self.next_site = next;
        self.owners.insert(site, node.node_id.clone());
        self.tokens.insert(token.id.clone(), token);
        self.nodes.insert(node.node_id.clone(), node);
        Ok(())
    }

    fn answer(&self, node: &NodeRecord, hub_id: &str, tenant: &str) -> EnrollAnswer {
        EnrollAnswer {
            site: node.sites.last().copied().unwrap_or_default(),
            epoch: self.head().epoch,
            hub_id: hub_id.to_owned(),
            tenant: tenant.to_owned(),
        }
    }
}

fn check_attributes(attributes: &serde_json::Value) -> Result<()> {
    let is_map = attributes.is_object() || attributes.is_null();
    if !is_map || attributes.to_string().len() > MAX_ATTRIBUTE_BYTES {
        return Err(Error::Enrolment(format!(
            "the attributes of a node are a JSON object of at most {MAX_ATTRIBUTE_BYTES} bytes"
        )));
    }
    Ok(())
}

/// The node's own attributes; where the token says something too, the token is right.
fn merged_attributes(own: &serde_json::Value, granted: &serde_json::Value) -> serde_json::Value {
    let mut all = own.as_object().cloned().unwrap_or_default();
    all.extend(granted.as_object().cloned().unwrap_or_default());
    serde_json::Value::Object(all)
}
