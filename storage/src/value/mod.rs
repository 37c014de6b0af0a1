//! Values and their types.
//!
//! A [`Value`] is what a column of a row holds and what an expression yields. Text forms (PostgreSQL's input and
//! output functions) and arithmetic live in the SQL crate; here is what storing, comparing and sorting needs.

pub mod data_type;
pub mod json;
pub mod numeric;

use std::cmp::Ordering;
use std::sync::Arc;

pub use data_type::{ColumnType, DataType};
pub use json::Json;
pub use numeric::Numeric;

/// Days since 2000-01-01, as PostgreSQL counts them; `i32::MIN` and `i32::MAX` are -infinity and infinity.
pub type Days = i32;

/// Microseconds since 2000-01-01 00:00:00 UTC, as PostgreSQL counts them; the extremes are the infinities.
pub type Micros = i64;

/// A value of one of the types of [`DataType`], or NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL, of any type.
    Null,
    /// `bool`
    Bool(bool),
    /// `int2`
    Int2(i16),
    /// `int4`
    Int4(i32),
    /// `int8`
    Int8(i64),
    /// `float8`
    Float8(f64),
    /// `numeric`
    Numeric(Box<Numeric>),
    /// `text`, `varchar`, `name` and other strings
    Text(Arc<str>),
    /// `uuid`
    Uuid(uuid::Uuid),
    /// `date`
    Date(Days),
    /// `timestamptz`
    TimestampTz(Micros),
    /// `jsonb`
    Jsonb(Arc<Json>),
}

impl Value {
    /// A string value.
    pub fn text(s: impl Into<Arc<str>>) -> Self {
        Self::Text(s.into())
    }

    /// Whether this is NULL.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// PostgreSQL's order of two values of one type; NULL sorts last, NaN above all numbers, text by bytes (the "C"
    /// collation). Integers of different widths compare by value; other pairs of different types are the caller's
    /// error and sort by type.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare::compare(self, other)
    }
}

mod compare;
