//! `to_char` of numbers, and `to_number`.
//!
//! A template's digits stand in fixed places: what the number does not fill is blank, and the sign stands before the first
//! digit that is shown.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::Sign;
use heliosdb_storage::value::{Numeric, Value};

use super::moment::ordinal_suffix;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::functions::bad_arguments;
use crate::types::{float, numeric};

/// The most digits of a template.
const MAX_TEMPLATE: usize = 8192;

/// A part of a template.
#[derive(Clone, PartialEq, Debug)]
enum Part {
    /// `9`
    Digit,
    /// `0`
    Zero,
    Point,
    Group,
    Sign,
    Minus,
    Plus,
    PlusMinus,
    Currency,
    Ordinal {
        upper: bool,
    },
    Text(String),
}

/// A template and what it asks for as a whole.
#[derive(Default)]
struct Template {
    parts: Vec<Part>,
    /// `FM`
    compact: bool,
    /// `PR`
    brackets: bool,
    /// `EEEE`
    scientific: bool,
    roman: Option<bool>,
    /// Digits behind `V`.
    shifted: usize,
    integer: usize,
    fraction: usize,
    /// The first integer place from which zeros are shown.
    first_zero: Option<usize>,
}

fn syntax(message: &str) -> SqlError {
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

impl Template {
    fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_TEMPLATE {
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "the template is too long"));
        }
        let mut template = Self::default();
        let (mut rest, mut behind_point, mut behind_v) = (text, false, false);
        while let Some(c) = rest.chars().next() {
            let head = |n: usize| rest.get(..n).unwrap_or("").to_ascii_uppercase();
            let (length, part) = match (c, head(2).as_str()) {
                (_, "FM") => {
                    template.compact = true;
                    (2, None)
                }
                _ if head(4) == "EEEE" => {
                    template.scientific = true;
                    (4, None)
                }
                (_, "MI") => (2, Some(Part::Minus)),
                (_, "PL") => (2, Some(Part::Plus)),
                (_, "SG") => (2, Some(Part::PlusMinus)),
                (_, "PR") => {
                    template.brackets = true;
                    (2, None)
                }
                (_, "RN") => {
                    template.roman = Some(c == 'R');
                    (2, None)
                }
                (_, "TH") => (2, Some(Part::Ordinal { upper: c == 'T' })),
                ('9' | '0', _) => {
                    if behind_v {
                        template.shifted += 1;
                    }
                    if behind_point {
                        template.fraction += 1;
                    } else {
                        if c == '0' && template.first_zero.is_none() {
                            template.first_zero = Some(template.integer);
                        }
                        template.integer += 1;
                    }
                    (1, Some(if c == '0' { Part::Zero } else { Part::Digit }))
                }
                ('.' | 'D' | 'd', _) => {
                    if behind_point {
                        return Err(syntax("multiple decimal points"));
                    }
                    behind_point = true;
                    (1, Some(Part::Point))
                }
                (',' | 'G' | 'g', _) => (1, Some(Part::Group)),
                ('S' | 's', _) => (1, Some(Part::Sign)),
                ('L' | 'l', _) => (1, Some(Part::Currency)),
                ('V' | 'v', _) => {
                    behind_v = true;
                    (1, None)
                }
                ('B' | 'b', _) => return Err(SqlError::unsupported("B in a template of numbers")),
                ('"', _) => {
                    let inside = rest.get(1..).unwrap_or("");
                    let end = inside.find('"').unwrap_or(inside.len());
                    (end + 2, Some(Part::Text(inside.get(..end).unwrap_or("").to_owned())))
                }
                _ => (c.len_utf8(), Some(Part::Text(c.to_string()))),
            };
            template.parts.extend(part);
            rest = rest.get(length.min(rest.len())..).unwrap_or("");
        }
        Ok(template)
    }

    fn has(&self, wanted: &Part) -> bool {
        self.parts.contains(wanted)
    }
}

/// A number as digits.
struct Digits {
    is_negative: bool,
    integer: String,
    fraction: String,
}

pub(super) fn to_char(value: &Value, text: &str) -> Result<String> {
    let template = Template::parse(text)?;
    let decimal = match value {
        Value::Int4(n) => BigDecimal::from(*n),
        Value::Int8(n) => BigDecimal::from(*n),
        Value::Numeric(n) => match n.as_ref() {
            Numeric::Finite(n) => n.clone(),
            Numeric::NaN => return Ok(not_a_number(&template)),
        },
        Value::Float4(n) => match decimal_of(float::to_6_digits(*n), f64::from(*n))? {
            Some(decimal) => decimal,
            None => return Ok(not_a_number(&template)),
        },
        Value::Float8(n) => match decimal_of(float::to_15_digits(*n), *n)? {
            Some(decimal) => decimal,
            None => return Ok(not_a_number(&template)),
        },
        other => return Err(bad_arguments("to_char", std::slice::from_ref(other))),
    };
    if let Some(upper) = template.roman {
        return roman(&decimal, upper, template.compact);
    }
    if template.scientific {
        return scientific(&decimal, &template);
    }
    let shift = i64::try_from(template.shifted).unwrap_or(0);
    let decimal = decimal * BigDecimal::new(numeric::pow10(shift)?, 0);
    let scale = i64::try_from(template.fraction).unwrap_or(0);
    let plain = numeric::round(&decimal, scale)?;
    let printed = Numeric::Finite(plain).to_string();
    let unsigned = printed.trim_start_matches('-');
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = Digits {
        is_negative: decimal.sign() == Sign::Minus && unsigned.bytes().any(|b| matches!(b, b'1'..=b'9')),
        integer: integer.to_owned(),
        fraction: format!("{fraction:0<width$}", width = template.fraction),
    };
    Ok(place(&digits, &template))
}

fn decimal_of(text: String, n: f64) -> Result<Option<BigDecimal>> {
    if !n.is_finite() {
        return Ok(None);
    }
    match numeric::parse(&text)? {
        Numeric::Finite(decimal) => Ok(Some(decimal)),
        Numeric::NaN => Ok(None),
    }
}

fn not_a_number(template: &Template) -> String {
    let width = template.integer.max(3) + 1;
    if template.compact { "NaN".to_owned() } else { format!("{:>width$}", "NaN") }
}

/// Puts the digits into the template's places.
fn place(digits: &Digits, template: &Template) -> String {
    let overflows = digits.integer.len() > template.integer && digits.integer != "0";
    // A zero before the point is not shown where the template would leave it blank.
    let hides_zero = digits.integer == "0" && template.fraction > 0 && template.first_zero.is_none();
    let shown = if hides_zero { 0 } else { digits.integer.len().min(template.integer) };
    let blanks = template.integer - shown;
    let starts_at = template.first_zero.map_or(blanks, |zero| zero.min(blanks));
    let sign_floats = ![Part::Sign, Part::Minus, Part::PlusMinus].iter().any(|sign| template.has(sign));
    let mut out = Out { text: String::new(), compact: template.compact, has_sign: !sign_floats, started: false };
    let leading_sign = template.parts.iter().position(|p| *p == Part::Sign)
        < template.parts.iter().position(|p| matches!(p, Part::Digit | Part::Zero));
    let sign_behind = template.has(&Part::Sign) && !leading_sign;
    let last_needed = template.last_needed_fraction(digits);
    let (mut place, mut fraction, mut behind_point) = (0usize, 0usize, false);
    for part in &template.parts {
        match part {
            Part::Digit | Part::Zero if !behind_point => {
                if place >= starts_at || overflows {
                    out.start(digits, template, leading_sign);
                    out.text.push(digits.integer_at(place, blanks, overflows));
                } else if !template.compact {
                    out.text.push(' ');
                }
                place += 1;
            }
            Part::Digit | Part::Zero => {
                out.start(digits, template, leading_sign);
                if fraction < last_needed {
                    let digit = digits.fraction.chars().nth(fraction).unwrap_or('0');
                    out.text.push(if overflows { '#' } else { digit });
                }
                fraction += 1;
            }
            Part::Point => {
                out.start(digits, template, leading_sign);
                behind_point = true;
                out.text.push('.');
            }
            Part::Group if out.started => out.text.push(','),
            Part::Group => out.blank(),
            Part::Sign if sign_behind => out.text.push(if digits.is_negative { '-' } else { '+' }),
            Part::Sign => {}
            Part::Minus => match digits.is_negative {
                true => out.text.push('-'),
                false => out.blank(),
            },
            Part::Plus => match digits.is_negative {
                true => out.blank(),
                false => out.text.push('+'),
            },
            Part::PlusMinus => out.text.push(if digits.is_negative { '-' } else { '+' }),
            Part::Currency => out.blank(),
            Part::Ordinal { upper } => {
                if !digits.is_negative && template.fraction == 0 {
                    out.text.push_str(&ordinal_suffix(&digits.integer, *upper));
                }
            }
            Part::Text(text) => out.text.push_str(text),
        }
    }
    if template.brackets {
        match (digits.is_negative, template.compact) {
            (true, _) => out.text.push('>'),
            (false, false) => out.text.push(' '),
            (false, true) => {}
        }
    }
    out.text
}

impl Template {
    /// How many digits behind the point are shown: a compact template drops zeros at the end that it does not ask for.
    fn last_needed_fraction(&self, digits: &Digits) -> usize {
        if !self.compact {
            return self.fraction;
        }
        let significant = digits.fraction.trim_end_matches('0').len();
        let behind = self.parts.iter().skip_while(|part| **part != Part::Point).skip(1);
        let places = behind.filter(|part| matches!(part, Part::Digit | Part::Zero));
        let last_zero = places.enumerate().filter(|(_, part)| **part == Part::Zero).map(|(at, _)| at + 1).last();
        significant.max(last_zero.unwrap_or(0))
    }
}

impl Digits {
    fn integer_at(&self, place: usize, blanks: usize, overflows: bool) -> char {
        if overflows {
            return '#';
        }
        place.checked_sub(blanks).and_then(|at| self.integer.chars().nth(at)).unwrap_or('0')
    }
}

struct Out {
    text: String,
    compact: bool,
    /// Whether a sign stands right before the first digit.
    has_sign: bool,
    started: bool,
}

impl Out {
    fn blank(&mut self) {
        if !self.compact {
            self.text.push(' ');
        }
    }

    /// The sign, before the first digit.
    fn start(&mut self, digits: &Digits, template: &Template, leading_sign: bool) {
        if self.started {
            return;
        }
        self.started = true;
        if template.brackets {
            match digits.is_negative {
                true => self.text.push('<'),
                false => self.blank(),
            }
        } else if template.has(&Part::Sign) {
            if leading_sign {
                self.text.push(if digits.is_negative { '-' } else { '+' });
            }
        } else if !self.has_sign {
            match digits.is_negative {
                true => self.text.push('-'),
                false => self.blank(),
            }
        }
    }
}

fn scientific(decimal: &BigDecimal, template: &Template) -> Result<String> {
    let (integer, scale) = numeric::parts(decimal)?;
    let sign = match (integer.sign(), template.compact) {
        (Sign::Minus, _) => "-",
        (_, true) => "",
        (_, false) => " ",
    };
    let text = integer.magnitude().to_string();
    let count = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let is_zero = integer.sign() == Sign::NoSign;
    let exponent = if is_zero { 0 } else { count - 1 - scale };
    let mantissa = BigDecimal::new(integer.magnitude().clone().into(), if is_zero { 0 } else { count - 1 });
    let rounded = numeric::round(&mantissa, i64::try_from(template.fraction).unwrap_or(0))?;
    let (rounded, exponent) = if rounded >= 10 {
        let smaller = rounded / BigDecimal::from(10);
        (numeric::round(&smaller, i64::try_from(template.fraction).unwrap_or(0))?, exponent + 1)
    } else {
        (rounded, exponent)
    };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{}e{exponent_sign}{:02}", Numeric::Finite(rounded), exponent.abs()))
}

fn roman(decimal: &BigDecimal, upper: bool, compact: bool) -> Result<String> {
    const VALUES: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    const WIDTH: usize = 15;
    let whole = numeric::to_i64(&numeric::round(decimal, 0)?).filter(|n| (1..4000).contains(n));
    let Some(mut n) = whole else { return Ok("#".repeat(WIDTH)) };
    let mut text = String::new();
    for (value, letters) in VALUES {
        while n >= value {
            text.push_str(letters);
            n -= value;
        }
    }
    let text = if upper { text } else { text.to_ascii_lowercase() };
    Ok(if compact { text } else { format!("{text:>WIDTH$}") })
}

/// Reads a number by a template: the digits where the template has digits; the rest of the text is passed over.
pub(super) fn to_number(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(template_text)] = args else { return Err(bad_arguments("to_number", args)) };
    let template = Template::parse(template_text)?;
    if template.scientific || template.roman.is_some() {
        return Err(SqlError::unsupported("EEEE or RN in a template to read by"));
    }
    let is_negative = text.contains('-') || (template.brackets && text.contains('<'));
    let (mut integer, mut fraction, mut behind_point) = (String::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '.' if template.has(&Part::Point) => behind_point = true,
            '0'..='9' if behind_point && fraction.len() < template.fraction => fraction.push(c),
            '0'..='9' if !behind_point && integer.len() < template.integer => integer.push(c),
            _ => {}
        }
    }
    if integer.is_empty() && fraction.is_empty() {
        return Err(crate::types::input::invalid("numeric", " "));
    }
    let number = format!("{}{integer}.{fraction}0", if is_negative { "-" } else { "" });
    let Numeric::Finite(decimal) = numeric::parse(&number)? else { return Ok(Value::Null) };
    let scale = i64::try_from(fraction.len()).unwrap_or(0);
    let shift = i64::try_from(template.shifted).unwrap_or(0);
    let decimal = numeric::truncate(&decimal, scale)?;
    let (integer, scale) = numeric::parts(&decimal)?;
    let shifted = numeric::checked(integer.into_owned(), scale + shift)?;
    Ok(Value::Numeric(Box::new(Numeric::Finite(shifted))))
}
