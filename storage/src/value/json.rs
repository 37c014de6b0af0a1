//! JSONB: a parsed document.

/// A JSON document, numbers kept with all their digits, keys of objects unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);
