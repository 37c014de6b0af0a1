//! NUMERIC: a decimal of any length that remembers its scale, or NaN.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::Sign;

/// Most digits behind the decimal point, as PostgreSQL has it.
pub const MAX_SCALE: i64 = 16383;

/// Most digits before the decimal point, as PostgreSQL has it.
pub const MAX_INTEGER_DIGITS: i64 = 131_072;

/// Most bytes of the digits as one binary number: (131072 + 16383) · log₂ 10 / 8, rounded up.
pub(super) const MAX_MAGNITUDE_BYTES: usize = 61_236;

/// PostgreSQL's `numeric`. The scale of a finite value is what it prints: `1.50` keeps its zero.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// A finite value.
    Finite(BigDecimal),
    /// Not a number: equal to itself, above everything else.
    NaN,
}

impl Numeric {
    /// Reads decimal text: digits with an optional sign, point and exponent, or `NaN` in any case. None if it is
    /// anything else or out of PostgreSQL's range.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("nan") {
            return Some(Self::NaN);
        }
        let is_plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
        let limit = usize::try_from(MAX_INTEGER_DIGITS + MAX_SCALE).ok()? + 32;
        if !is_plain || text.len() > limit || !text.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        let decimal = BigDecimal::from_str(text).ok()?;
        Self::in_range(decimal)
    }

    /// A finite value if PostgreSQL's `numeric` can hold it; one without digits behind the point gets scale 0.
    pub fn in_range(decimal: BigDecimal) -> Option<Self> {
        let (_, scale) = decimal.as_bigint_and_exponent();
        if !is_scale_allowed(scale) {
            return None;
        }
        let decimal = if scale < 0 { decimal.with_scale(0) } else { decimal };
        let integer_digits = i64::try_from(decimal.digits()).ok()?.checked_sub(scale.max(0))?;
        (integer_digits <= MAX_INTEGER_DIGITS).then_some(Self::Finite(decimal))
    }

    /// Whether two values print the same: equal, and of the same scale.
    pub fn is_identical(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => a.as_bigint_and_exponent() == b.as_bigint_and_exponent(),
            (Self::NaN, Self::NaN) => true,
            _ => false,
        }
    }
}

/// Whether a value of this scale can be handled without costing more than its bytes suggest.
pub(super) fn is_scale_allowed(scale: i64) -> bool {
    (-MAX_INTEGER_DIGITS..=MAX_SCALE).contains(&scale)
}

/// A finite value other than zero, as `0.d₁d₂d₃… · 10^exponent` with d₁ ≠ 0 and no zero at the end.
pub(crate) struct ScientificForm {
    pub(crate) is_negative: bool,
    pub(crate) exponent: i64,
    /// Each 0 to 9.
    pub(crate) digits: Vec<u8>,
}

/// The scientific form; none for zero. Two equal values have the same, whatever their scales.
pub(crate) fn scientific_form(decimal: &BigDecimal) -> Option<ScientificForm> {
    let (integer, scale) = decimal.as_bigint_and_exponent();
    if integer.sign() == Sign::NoSign {
        return None;
    }
    let (sign, mut digits) = integer.to_radix_be(10);
    let exponent = i64::try_from(digits.len()).unwrap_or(i64::MAX).saturating_sub(scale);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    Some(ScientificForm { is_negative: sign == Sign::Minus, exponent, digits })
}

impl fmt::Display for Numeric {
    /// PostgreSQL's text form: all digits, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite(decimal) => f.write_str(&decimal.to_plain_string()),
            Self::NaN => f.write_str("NaN"),
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => a.cmp(b),
            (Self::NaN, Self::NaN) => Ordering::Equal,
            (Self::NaN, Self::Finite(_)) => Ordering::Greater,
            (Self::Finite(_), Self::NaN) => Ordering::Less,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Option<String> {
        Numeric::parse(text).map(|n| n.to_string())
    }

    #[test]
    fn prints_as_postgresql_does() {
        for (given, printed) in [
            ("1.50", "1.50"),
            ("1e5", "100000"),
            ("-1.5e-3", "-0.0015"),
            ("-0", "0"),
            ("-0.00", "0.00"),
            ("1.20e1", "12.0"),
            ("nan", "NaN"),
            ("0e10", "0"),
            ("1e-20", "0.00000000000000000001"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(text_of(given).as_deref(), Some(printed), "{given}");
        }
    }

    #[test]
    fn refuses_what_is_no_number_or_too_large() {
        for text in
            ["", "+", "x", "1x", "1_000", "1e", "1e131072", "1e99999999999999999999", "1e-16384", "--1", "1e1e1"]
        {
            assert_eq!(text_of(text), None, "{text}");
        }
        assert!(text_of("1e131071").is_some());
    }

    #[test]
    fn equality_ignores_the_scale_and_identity_does_not() {
        let a = Numeric::parse("1.5").unwrap();
        let b = Numeric::parse("1.50").unwrap();
        assert_eq!(a, b);
        assert!(!a.is_identical(&b));
        assert!(a.is_identical(&a.clone()));
        assert!(Numeric::NaN > a);
    }
}
