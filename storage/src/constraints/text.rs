//! How values look in the detail lines of violations: PostgreSQL's output forms, times in UTC.

use crate::catalog::{IndexDef, IndexKey, IndexedValue, TableDef};
use crate::value::Value;

/// Characters of one value that PostgreSQL shows of a failing row.
const MAX_SHOWN: usize = 64;

/// Days from 0000-03-01 to 2000-01-01, the zero of dates.
const DAYS_BEFORE_2000: i64 = 730_425;
const DAYS_PER_ERA: i64 = 146_097;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// `(a, b)=(1, x)`
pub(super) fn key(table: &TableDef, slots: &[usize], values: &[&Value]) -> String {
    let names: Vec<&str> = slots.iter().map(|&slot| name(table, slot)).collect();
    let values: Vec<String> = values.iter().map(|value| form(value)).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

/// The same for the values of an index, which may be those of expressions.
pub(super) fn index_key(table: &TableDef, index: &IndexDef, values: &[Value]) -> String {
    let shown = |key: &IndexKey| match &key.value {
        IndexedValue::Column(slot) => name(table, *slot).to_owned(),
        IndexedValue::Expression { expression, .. } if expression.is_call() => expression.text.clone(),
        IndexedValue::Expression { expression, .. } => format!("(({}))", expression.text),
    };
    let names: Vec<String> = index.keys.iter().map(shown).collect();
    let values: Vec<String> = values.iter().map(form).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

fn name(table: &TableDef, slot: usize) -> &str {
    table.columns.get(slot).map_or("?", |column| column.name.as_str())
}

/// `Failing row contains (1, null).`
pub(super) fn failing_row(row: &[Value]) -> String {
    let values: Vec<String> = row.iter().map(|value| shorten(form(value))).collect();
    format!("Failing row contains ({}).", values.join(", "))
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "...",
        None => text,
    }
}

fn form(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => if *b { "t" } else { "f" }.to_owned(),
        Value::Int2(n) => n.to_string(),
        Value::Int4(n) => n.to_string(),
        Value::Int8(n) => n.to_string(),
        Value::Float8(x) if x.is_infinite() => if *x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Float8(x) => x.to_string(),
        Value::Numeric(n) => n.to_string(),
        Value::Text(text) | Value::Bpchar(text) => text.to_string(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Date(i32::MIN) | Value::TimestampTz(i64::MIN) | Value::Timestamp(i64::MIN) => "-infinity".to_owned(),
        Value::Date(i32::MAX) | Value::TimestampTz(i64::MAX) | Value::Timestamp(i64::MAX) => "infinity".to_owned(),
        Value::Date(days) => date(i64::from(*days)),
        Value::TimestampTz(micros) => timestamp(*micros) + "+00",
        Value::Timestamp(micros) => timestamp(*micros),
        Value::Time(micros) => time_of_day(*micros),
        Value::TimeTz(micros, east) => {
            format!("{}{:+03}:{:02}", time_of_day(*micros), east / 3600, east.abs() / 60 % 60)
        }
        Value::Interval(interval) => {
            let sign = if interval.micros < 0 { "-" } else { "" };
            let time = time_of_day(interval.micros.saturating_abs());
            format!("{} mons {} days {sign}{time}", interval.months, interval.days)
        }
        Value::Float4(x) => form(&Value::Float8(f64::from(*x))),
        Value::Bytea(bytes) => bytes.iter().fold("\\x".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        Value::Json(text) => text.to_string(),
        Value::Jsonb(json) => json.to_string(),
        Value::Oid(oid) => oid.to_string(),
        Value::Reg(object) => object.name.to_string(),
        Value::Enum(label) => label.label.to_string(),
        Value::Array(array) => format!("{{{}}}", forms(array.values())),
        Value::Record(record) => format!("({})", forms(&record.values)),
    }
}

fn forms(values: &[Value]) -> String {
    values.iter().map(form).collect::<Vec<_>>().join(",")
}

fn time_of_day(micros: i64) -> String {
    let seconds = micros / MICROS_PER_SECOND;
    let fraction = micros % MICROS_PER_SECOND;
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    let fraction = fraction.trim_end_matches('0');
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A day of the Gregorian calendar, by counting from a first of March so that leap days come last.
fn date(days_since_2000: i64) -> String {
    let days = days_since_2000 + DAYS_BEFORE_2000;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year > 0 { format!("{year:04}-{month:02}-{day:02}") } else { format!("{:04}-{month:02}-{day:02} BC", 1 - year) }
}

fn timestamp(micros: i64) -> String {
    format!("{} {}", date(micros.div_euclid(MICROS_PER_DAY)), time_of_day(micros.rem_euclid(MICROS_PER_DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_postgresql_prints_them() {
        let cases = [
            (Value::Null, "null"),
            (Value::Bool(true), "t"),
            (Value::Int4(-7), "-7"),
            (Value::Float8(1.5), "1.5"),
            (Value::Float8(f64::NEG_INFINITY), "-Infinity"),
            (Value::text("x"), "x"),
            (Value::Date(0), "2000-01-01"),
            (Value::Date(59), "2000-02-29"),
            (Value::Date(-730_485), "0001-01-01 BC"),
            (Value::Date(i32::MAX), "infinity"),
            (Value::TimestampTz(-1), "1999-12-31 23:59:59.999999+00"),
            (Value::TimestampTz(500_000), "2000-01-01 00:00:00.5+00"),
        ];
        for (value, expected) in cases {
            assert_eq!(form(&value), expected);
        }
    }

    #[test]
    fn a_failing_row_shows_only_the_beginning_of_long_values() {
        let row = [Value::Int4(1), Value::text("é".repeat(65))];
        assert_eq!(failing_row(&row), format!("Failing row contains (1, {}...).", "é".repeat(64)));
    }
}
