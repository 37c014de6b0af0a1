//! Values as keys of hash tables: equal as SQL's grouping has it (NULL equals NULL), and hashed alike then.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::OnceLock;

use heliosdb_storage::value::{Numeric, Value};

use crate::eval::compare;

/// A tuple of values as a key.
#[derive(Clone, Debug)]
pub struct HashKey(pub Vec<Value>);

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| compare(a, b).is_eq())
    }
}

impl Eq for HashKey {}

/// The hash of a tuple: equal tuples have equal ones.
pub fn hash_values(values: &[Value]) -> u64 {
    let mut hasher = KeyHasher::seeded();
    values.iter().for_each(|value| hash_value(value, &mut hasher));
    hasher.finish()
}

/// Makes hashers for hash tables of [`HashKey`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHashing;

impl BuildHasher for KeyHashing {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher::seeded()
    }
}

/// A hash table by tuples.
pub type HashKeyMap<V> = HashMap<HashKey, V, KeyHashing>;

/// A set of tuples.
pub type HashKeySet = HashSet<HashKey, KeyHashing>;

/// A quick hasher: it multiplies and folds. It starts from a number that nobody outside of this process knows, so that
/// nobody can send values whose hashes collide.
#[derive(Clone, Copy, Debug)]
pub struct KeyHasher {
    state: u64,
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl KeyHasher {
    fn seeded() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        let seed = *SEED.get_or_init(|| std::hash::RandomState::new().hash_one(0_u8));
        Self { state: seed }
    }

    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(MULTIPLIER ^ self.state.rotate_left(29) | 1);
        let bytes = product.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        let half = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        self.state = half(low) ^ half(high);
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut last = [0_u8; 8];
        let rest = chunks.remainder();
        if let Some(place) = last.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
        }
        self.mix(u64::from_le_bytes(last) ^ u64::try_from(bytes.len()).unwrap_or(0).rotate_left(56));
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }

    fn write_i64(&mut self, n: i64) {
        self.mix(n.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        let mut last = *self;
        last.mix(MULTIPLIER);
        last.state
    }
}

impl Hash for HashKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| hash_value(value, state));
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Null => 0_u8.hash(state),
        Value::Bool(b) => b.hash(state),
        // Integers of different widths can be equal.
        Value::Int2(n) => i64::from(*n).hash(state),
        Value::Int4(n) => i64::from(*n).hash(state),
        Value::Int8(n) => n.hash(state),
        Value::Float8(n) if n.is_nan() => 1_u8.hash(state),
        // Zero has two signs.
        Value::Float8(n) => (n + 0.0).to_bits().hash(state),
        Value::Numeric(n) => match n.as_ref() {
            Numeric::NaN => 1_u8.hash(state),
            // 1.50 equals 1.5.
            Numeric::Finite(decimal) => decimal.normalized().hash(state),
        },
        Value::Text(text) => text.hash(state),
        Value::Uuid(uuid) => uuid.hash(state),
        Value::Date(days) => days.hash(state),
        Value::TimestampTz(micros) => micros.hash(state),
        // Documents that print differently may be equal (1 and 1.0); grouping by them is rare enough to be slow.
        Value::Jsonb(_) => 2_u8.hash(state),
        Value::Oid(oid) => i64::from(*oid).hash(state),
        Value::Reg(object) => i64::from(object.oid).hash(state),
        Value::Float4(n) => hash_value(&Value::Float8(f64::from(*n)), state),
        Value::Bpchar(text) => text.trim_end_matches(' ').hash(state),
        Value::Bytea(bytes) => bytes.hash(state),
        Value::Time(micros) | Value::Timestamp(micros) => micros.hash(state),
        Value::TimeTz(micros, zone) => (micros, zone).hash(state),
        // A month equals 30 days.
        Value::Interval(interval) => interval.span().hash(state),
        Value::Json(text) => text.hash(state),
        Value::Enum(label) => label.label.hash(state),
        Value::Array(array) => array.values().iter().for_each(|value| hash_value(value, state)),
        Value::Record(record) => record.values.iter().for_each(|value| hash_value(value, state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct(values: Vec<Value>) -> usize {
        values.into_iter().map(|value| HashKey(vec![value])).collect::<HashKeySet>().len()
    }

    #[test]
    fn hashes_of_many_keys_hardly_collide() {
        let hashes: HashSet<u64> = (0..100_000_i64).map(|n| hash_values(&[Value::Int8(n), Value::Int8(-n)])).collect();
        assert_eq!(hashes.len(), 100_000);
        let buckets: HashSet<u64> = (0..1024_i64).map(|n| hash_values(&[Value::Int8(n << 32)]) & 0xffff).collect();
        assert!(buckets.len() > 900, "{}", buckets.len());
    }

    #[test]
    fn equal_values_are_one_key() {
        let numeric = |text: &str| Value::Numeric(Box::new(Numeric::Finite(text.parse().unwrap())));
        assert_eq!(distinct(vec![Value::Int4(1), Value::Int8(1), Value::Int2(1)]), 1);
        assert_eq!(distinct(vec![Value::Float8(0.0), Value::Float8(-0.0)]), 1);
        assert_eq!(distinct(vec![Value::Float8(f64::NAN), Value::Float8(-f64::NAN)]), 1);
        assert_eq!(distinct(vec![numeric("1.50"), numeric("1.5"), numeric("0.15e1")]), 1);
        assert_eq!(distinct(vec![Value::Null, Value::Null]), 1);
        assert_eq!(distinct(vec![Value::text("a"), Value::text("b"), Value::text("a")]), 2);
    }
}
