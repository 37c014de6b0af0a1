//! The order of values.

use std::cmp::Ordering;

use super::Value;

/// See [`Value::compare`].
pub(super) fn compare(_a: &Value, _b: &Value) -> Ordering {
    todo!("storage: order of values")
}
