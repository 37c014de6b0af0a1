//! Sequences: what is said of them. The numbers they have given are kept outside of transactions: see
//! [`crate::sequence`].

use serde::{Deserialize, Serialize};

use crate::ids::{ColumnId, RelationId};
use crate::value::DataType;

/// A sequence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SequenceDef {
    /// Its oid.
    pub id: RelationId,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The type that bounds it: smallint, integer or bigint.
    pub data_type: DataType,
    /// Its options.
    pub options: SequenceOptions,
    /// The column with which it goes.
    pub owner: Option<SequenceOwner>,
    /// Where its numbers are kept. RESTART begins a new place, so that it takes effect with its transaction.
    pub place: SequencePlace,
    /// Where it begins in that place.
    pub initial: SequenceValue,
}

/// What CREATE SEQUENCE can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SequenceOptions {
    /// START
    pub start: i64,
    /// INCREMENT, not 0.
    pub increment: i64,
    /// MINVALUE
    pub min: i64,
    /// MAXVALUE
    pub max: i64,
    /// CACHE: shown, and otherwise without effect.
    pub cache: i64,
    /// CYCLE
    pub cycle: bool,
}

/// The column that a sequence belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SequenceOwner {
    /// The table.
    pub table: RelationId,
    /// The column.
    pub column: ColumnId,
    /// Whether the column is an identity column, which cannot be without it; else it is only OWNED BY.
    pub is_identity: bool,
}

/// Where the numbers of a sequence are kept: the key of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SequencePlace(pub u64);

impl SequencePlace {
    /// A place that no sequence has. It is not counted, because a count would be given again after a rollback, and what was
    /// kept there with it.
    pub fn new() -> Self {
        Self(uuid::Uuid::new_v4().as_u64_pair().0)
    }
}

impl Default for SequencePlace {
    fn default() -> Self {
        Self::new()
    }
}

/// How far a sequence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SequenceValue {
    /// `last_value`
    pub last: i64,
    /// Whether that number has been given; if not, it is the next one.
    pub is_called: bool,
}
