//! How a node becomes known to a hub.
//!
//! An operator makes a [`Token`] on the hub. An edge shows it once, together with its node id and a random key that it
//! made itself; from then on the key is what it proves itself with. The hub keeps only hashes of secrets and keys. A token
//! binds to the first node (id and key) that uses it and answers that one again until it expires, so that a lost answer
//! does no harm.

pub mod base64url;
pub mod glob;
pub mod token;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use token::Token;

use crate::error::{Error, Result};
use crate::message::codec::MAX_NODE_ID_BYTES;

/// A secret of 32 random bytes.
pub type Secret = [u8; 32];

/// Random bytes for a secret.
pub fn new_secret() -> Result<Secret> {
    let mut secret = Secret::default();
    getrandom::fill(&mut secret).map_err(|error| Error::line(format!("no random numbers: {error}")))?;
    Ok(secret)
}

/// What is kept of a secret. It is random, so that a plain hash says nothing about it.
#[derive(Clone, Serialize, Deserialize)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a secret.
    pub fn of(secret: &Secret) -> Self {
        Self(base64url::encode(&Sha256::digest(secret)))
    }

    /// Whether it is the hash of this secret; takes as long for all wrong ones.
    pub fn matches(&self, secret: &Secret) -> bool {
        let (own, other) = (self.0.as_bytes(), Self::of(secret));
        let other = other.0.as_bytes();
        let difference = own.iter().zip(other).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
        own.len() == other.len() && difference == 0
    }
}

/// What a node sends to enrol.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrollRequest {
    /// The token's text.
    pub token: String,
    /// The node's id.
    pub node_id: String,
    /// The node's key, in base64url.
    pub node_key: String,
    /// The tenant that the node belongs to.
    pub tenant: String,
    /// What policies read of the node.
    #[serde(default)]
    pub attributes: serde_json::Value,
}

/// What an enrolled node learns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrollAnswer {
    /// Its site.
    pub site: u32,
    /// The hub's epoch.
    pub epoch: u64,
    /// The hub's node id.
    pub hub_id: String,
    /// The tenant.
    pub tenant: String,
}

/// Why a node was not enrolled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrollRefusal {
    /// For people.
    pub error: String,
}

/// A node id as it is allowed: it stands in logs, labels of metrics and file names.
pub fn check_node_id(node_id: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if node_id.is_empty() || node_id.len() > MAX_NODE_ID_BYTES || !node_id.chars().all(allowed) {
        return Err(Error::Enrolment(format!(
            "the node id {node_id:?} is not allowed: 1 to {MAX_NODE_ID_BYTES} of A-Z a-z 0-9 - _ . :"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_secret() {
        let (a, b) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(a, b);
        assert!(SecretHash::of(&a).matches(&a));
        assert!(!SecretHash::of(&a).matches(&b));
        assert!(!SecretHash(String::new()).matches(&a));
    }

    #[test]
    fn node_ids_are_plain() {
        assert!(check_node_id("store-42_register.3:a").is_ok());
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(256)] {
            assert!(check_node_id(bad).is_err(), "{bad}");
        }
    }
}
