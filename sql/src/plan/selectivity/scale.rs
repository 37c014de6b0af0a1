//! Where a value lies between two others of its type.

use heliosdb_storage::value::{Numeric, Value};

/// How far a value is on the way from one bound to another: 0 to 1. A half, where the type says no more than the order.
pub fn between(low: &Value, high: &Value, value: &Value) -> f64 {
    let numbers = match (low, high, value) {
        (Value::Text(low), Value::Text(high), Value::Text(value)) => text(low, high, value),
        _ => number(low).zip(number(high)).zip(number(value)).map(|((low, high), value)| (low, high, value)),
    };
    let Some((low, high, value)) = numbers else { return 0.5 };
    if !(low.is_finite() && high.is_finite() && value.is_finite()) || high <= low {
        return 0.5;
    }
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn number(value: &Value) -> Option<f64> {
    Some(match value {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Int2(n) => f64::from(*n),
        Value::Int4(n) => f64::from(*n),
        Value::Int8(n) | Value::TimestampTz(n) => *n as f64,
        Value::Date(days) => f64::from(*days),
        Value::Float8(x) => *x,
        Value::Numeric(numeric) => match numeric.as_ref() {
            Numeric::Finite(decimal) => decimal.to_string().parse().ok()?,
            Numeric::NaN => return None,
        },
        Value::Uuid(uuid) => (uuid.as_u128() >> 64) as f64,
        _ => return None,
    })
}

/// Strings as fractions by their bytes behind what the bounds have in common.
fn text(low: &str, high: &str, value: &str) -> Option<(f64, f64, f64)> {
    let common = low.bytes().zip(high.bytes()).take_while(|(a, b)| a == b).count();
    let fraction = |text: &str| {
        let mut sum = 0.0;
        let mut weight = 1.0 / 256.0;
        for byte in text.bytes().skip(common).take(8) {
            sum += f64::from(byte) * weight;
            weight /= 256.0;
        }
        sum
    };
    let prefix = low.as_bytes().get(..common)?;
    if !value.as_bytes().starts_with(prefix) {
        return None;
    }
    Some((fraction(low), fraction(high), fraction(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_their_bounds() {
        assert!((between(&Value::Int4(0), &Value::Int4(100), &Value::Int4(25)) - 0.25).abs() < 1e-9);
        let text = |text: &str| Value::text(text);
        let m = between(&text("abca"), &text("abcz"), &text("abcm"));
        assert!(m > 0.4 && m < 0.6, "{m}");
        assert!((between(&text("a"), &text("b"), &Value::Null) - 0.5).abs() < 1e-9);
    }
}
