//! Access paths: which part of a table a scan reads, and in which order.
//!
//! | module | what |
//! |---|---|
//! | here | what a plan says about it |
//! | `shape` | what an index sorts by |
//! | `matching` | which conditions a column of an index can use |
//! | `paths` | the ways to read a table under conditions, with their costs |

mod matching;
pub mod paths;
pub mod shape;

use heliosdb_storage::key::KeyOrder;
use heliosdb_storage::value::DataType;

use crate::expr::Expr;

pub use matching::prefix_end;

/// Which part of a table is read, and by which order.
#[derive(Clone, Debug)]
pub enum Access {
    /// All of it, in the order of its key.
    All,
    /// The one row with this primary key.
    Point {
        /// One value a column of the key.
        key: Vec<KeyPart>,
    },
    /// A range of the primary key.
    Key {
        /// Which.
        bounds: KeyBounds,
    },
    /// A range of an index.
    Index {
        /// The index's position in the table's list.
        index: usize,
        /// Which.
        bounds: KeyBounds,
        /// Whether the entries may say all that is wanted, so that no row is fetched.
        only: bool,
    },
    /// The rows that any of several paths finds, each once; in the order of the table's key.
    Any {
        /// The paths, none of them of this kind.
        paths: Vec<Self>,
    },
}

/// A range of a key, or several: values of its first columns, and bounds of the next one.
#[derive(Clone, Debug, Default)]
pub struct KeyBounds {
    /// Values of the first columns.
    pub equal: Vec<KeyValue>,
    /// The lower bound of the next column.
    pub lower: Option<KeyBound>,
    /// Its upper bound.
    pub upper: Option<KeyBound>,
    /// Set if the next column is only not NULL: which way the key sorts it. A column with a bound never is.
    pub not_null: Option<KeyOrder>,
}

/// What a column of a key is equal to.
#[derive(Clone, Debug)]
pub enum KeyValue {
    /// One value.
    One(KeyPart),
    /// One of several: as many ranges.
    Any(Vec<KeyPart>),
    /// NULL.
    Null(KeyOrder),
}

/// A bound.
#[derive(Clone, Debug)]
pub struct KeyBound {
    /// The value.
    pub part: KeyPart,
    /// Whether the value itself belongs to the range.
    pub inclusive: bool,
}

/// A value of a key column.
#[derive(Clone, Debug)]
pub struct KeyPart {
    /// The value; does not read the table's row.
    pub expr: Expr,
    /// The column's type. An integer of another width is converted first; one that does not fit equals no row.
    pub column: DataType,
    /// Which way the key sorts it.
    pub order: KeyOrder,
}

impl KeyBounds {
    /// Whether it says nothing: the whole key.
    pub const fn is_unbounded(&self) -> bool {
        self.equal.is_empty() && self.lower.is_none() && self.upper.is_none() && self.not_null.is_none()
    }
}

/// The column that one side of a comparison is, looked at through conversions that keep the order.
pub fn column_of(expr: &Expr) -> Option<(usize, DataType)> {
    match expr {
        Expr::Column(slot, data_type) => Some((*slot, *data_type)),
        Expr::Cast { expr, to, .. } if to.typmod < 0 => {
            column_of(expr).filter(|(_, from)| keeps_order(*from, to.data_type))
        }
        _ => None,
    }
}

/// Whether values of two types compare by the same order, so that a key of one can be looked for by the other.
pub fn keeps_order(from: DataType, to: DataType) -> bool {
    from == to || (is_integer(from) && is_integer(to)) || (is_text(from) && is_text(to))
}

const fn is_integer(data_type: DataType) -> bool {
    matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8)
}

const fn is_text(data_type: DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar)
}
