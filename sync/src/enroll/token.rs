//! Enrolment tokens: what an operator hands to a node.

use serde::{Deserialize, Serialize};

use super::{Secret, base64url};
use crate::error::{Error, Result};

/// What every token starts with.
const PREFIX: &str = "hel1.";
/// The longest text that is looked at.
const MAX_TEXT_BYTES: usize = 4096;

/// An enrolment token as the operator hands it over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// Which token it is.
    pub id: String,
    /// What proves it.
    pub secret: Secret,
    /// Which node ids may use it.
    pub node_glob: String,
    /// Until when, in milliseconds since the Unix epoch.
    pub expires_millis: u64,
}

/// The token's fields as they stand in its text, short because people paste it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    i: String,
    s: String,
    n: String,
    e: u64,
}

impl Token {
    /// The token's text: `hel1.` and base64url of JSON.
    pub fn to_text(&self) -> String {
        let fields = Fields {
            i: self.id.clone(),
            s: base64url::encode(&self.secret),
            n: self.node_glob.clone(),
            e: self.expires_millis,
        };
        let json = serde_json::to_vec(&fields).expect("BUG: strings and a number are JSON");
        format!("{PREFIX}{}", base64url::encode(&json))
    }

    /// The token of a text.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text.trim()).ok_or_else(|| {
            Error::Enrolment(format!(
                "that is not an enrolment token; a token starts with {PREFIX:?} and has no spaces"
            ))
        })
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let json = base64url::decode(text.strip_prefix(PREFIX)?)?;
        let fields: Fields = serde_json::from_slice(&json).ok()?;
        Some(Self {
            id: fields.i,
            secret: base64url::decode(&fields.s)?.try_into().ok()?,
            node_glob: fields.n,
            expires_millis: fields.e,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_survives_being_pasted() {
        let token =
            Token { id: "t1".into(), secret: [7; 32], node_glob: "store-*".into(), expires_millis: 1_800_000_000_000 };
        let text = token.to_text();
        assert!(text.starts_with("hel1."));
        assert_eq!(Token::parse(&format!("  {text}\n")).unwrap(), token);
    }

    #[test]
    fn garbage_is_refused_in_words() {
        for bad in ["", "hel1.", "hel2.abc", "hel1.e30", "hel1.!!!", &format!("hel1.{}", "A".repeat(5000))] {
            let error = Token::parse(bad).unwrap_err();
            assert!(matches!(&error, Error::Enrolment(why) if why.contains("not an enrolment token")), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn random_text_does_no_harm(text in "hel1\\.[A-Za-z0-9_-]{0,80}") {
            prop_assert!(Token::parse(&text).is_err());
        }
    }
}
