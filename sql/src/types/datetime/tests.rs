use jiff::tz::{Offset, TimeZone};

use super::*;

fn context(zone: TimeZone) -> ValueContext {
    // 2024-03-10 12:34:56.789 UTC.
    ValueContext { zone, transaction_start: 763_389_296_789_000, ..ValueContext::utc() }
}

fn timestamp(text: &str, time: &ValueContext) -> String {
    match parse_timestamptz(text, time) {
        Ok(micros) => {
            let mut out = String::new();
            format_timestamptz(micros, &time.zone, time.styles, &mut out);
            out
        }
        Err(e) => format!("{} {}", e.state.0, e.message),
    }
}

fn date(text: &str) -> String {
    match parse_date(text, &context(TimeZone::UTC)) {
        Ok(days) => {
            let mut out = String::new();
            format_date(days, Default::default(), &mut out);
            out
        }
        Err(e) => format!("{} {}", e.state.0, e.message),
    }
}

/// Inputs and outputs as a PostgreSQL 15 with `TimeZone = UTC` gives them.
pub(crate) const TIMESTAMPS: &[(&str, &str)] = &[
    ("2024-01-31 10:00:00.5+00", "2024-01-31 10:00:00.5+00"),
    ("2024-01-31", "2024-01-31 00:00:00+00"),
    ("2024-01-31T10:00:00Z", "2024-01-31 10:00:00+00"),
    ("2024-01-31t10:00:00z", "2024-01-31 10:00:00+00"),
    ("2024-01-31 10:00+02", "2024-01-31 08:00:00+00"),
    ("2024-01-31 10:00-05:30", "2024-01-31 15:30:00+00"),
    ("2024-01-31 10:00 +0530", "2024-01-31 04:30:00+00"),
    ("2024-01-31 10:00 UTC", "2024-01-31 10:00:00+00"),
    ("2024-01-31 10:00:00.1234567", "2024-01-31 10:00:00.123457+00"),
    ("2024-01-31 24:00:00", "2024-02-01 00:00:00+00"),
    ("2024-01-31 23:59:60", "2024-02-01 00:00:00+00"),
    ("20240131T101530", "2024-01-31 10:15:30+00"),
    ("20240131", "2024-01-31 00:00:00+00"),
    ("1/31/2024 3:04 PM", "2024-01-31 15:04:00+00"),
    ("Jan 8, 1999", "1999-01-08 00:00:00+00"),
    ("8 January 1999 12:00 AM", "1999-01-08 00:00:00+00"),
    ("1999-Jan-08", "1999-01-08 00:00:00+00"),
    ("epoch", "1970-01-01 00:00:00+00"),
    ("infinity", "infinity"),
    ("-infinity", "-infinity"),
    ("0044-03-15 BC", "0044-03-15 00:00:00+00 BC"),
    ("294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999+00"),
    ("294277-01-01", "22008 timestamp out of range: \"294277-01-01\""),
    ("4714-11-24 BC", "4714-11-24 00:00:00+00 BC"),
    ("4714-11-23 BC", "22008 timestamp out of range: \"4714-11-23 BC\""),
    ("2024-13-01", "22008 date/time field value out of range: \"2024-13-01\""),
    ("2024-02-30", "22008 date/time field value out of range: \"2024-02-30\""),
    ("2024-01-31 25:00", "22008 date/time field value out of range: \"2024-01-31 25:00\""),
    ("2024-01-31 10:60", "22008 date/time field value out of range: \"2024-01-31 10:60\""),
    ("2024-01-31 10:00+16", "22009 time zone displacement out of range: \"2024-01-31 10:00+16\""),
    ("2024-01-31 10:00 Nowhere/Land", "22023 time zone \"nowhere/land\" not recognized"),
    ("", "22007 invalid input syntax for type timestamp with time zone: \"\""),
    ("x", "22007 invalid input syntax for type timestamp with time zone: \"x\""),
    ("2024-01-31 10:00 foo", "22007 invalid input syntax for type timestamp with time zone: \"2024-01-31 10:00 foo\""),
    ("2024-01", "22007 invalid input syntax for type timestamp with time zone: \"2024-01\""),
];

/// The same for dates.
pub(crate) const DATES: &[(&str, &str)] = &[
    ("2024-02-29", "2024-02-29"),
    (" 2024-02-29 ", "2024-02-29"),
    ("2024-2-9", "2024-02-09"),
    ("2024-02-29 23:00", "2024-02-29"),
    ("99-01-08", "22008 date/time field value out of range: \"99-01-08\""),
    ("01-08-99", "1999-01-08"),
    ("1/8/69", "2069-01-08"),
    ("infinity", "infinity"),
    ("5874897-12-31", "5874897-12-31"),
    ("5874898-01-01", "22008 date out of range: \"5874898-01-01\""),
    ("4714-11-24 BC", "4714-11-24 BC"),
    ("4714-11-23 BC", "22008 date out of range: \"4714-11-23 BC\""),
    ("2023-02-29", "22008 date/time field value out of range: \"2023-02-29\""),
    ("0000-01-01", "22008 date/time field value out of range: \"0000-01-01\""),
    ("2024-01-32", "22008 date/time field value out of range: \"2024-01-32\""),
    ("abc", "22007 invalid input syntax for type date: \"abc\""),
    ("99999999999-01-01", "22008 date/time field value out of range: \"99999999999-01-01\""),
];

#[test]
fn timestamps_are_read_and_shown_as_in_postgresql() {
    for (text, expected) in TIMESTAMPS {
        assert_eq!(timestamp(text, &context(TimeZone::UTC)), *expected, "{text}");
    }
}

#[test]
fn dates_are_read_and_shown_as_in_postgresql() {
    for (text, expected) in DATES {
        assert_eq!(date(text), *expected, "{text}");
    }
}

#[test]
fn words_depend_on_the_transaction() {
    let utc = context(TimeZone::UTC);
    assert_eq!(timestamp("now", &utc), "2024-03-10 12:34:56.789+00");
    assert_eq!(timestamp("today", &utc), "2024-03-10 00:00:00+00");
    assert_eq!(timestamp("yesterday", &utc), "2024-03-09 00:00:00+00");
    assert_eq!(date("tomorrow"), "2024-03-11");
}

#[test]
fn fixed_offsets_need_no_database() {
    let time = context(time_zone("5.5").unwrap());
    assert_eq!(timestamp("2024-01-31 10:00", &time), "2024-01-31 10:00:00+05:30");
    assert_eq!(timestamp("2024-01-31 10:00Z", &time), "2024-01-31 15:30:00+05:30");
    let odd = context(Offset::from_seconds(-3_661).unwrap().to_time_zone());
    assert_eq!(timestamp("2024-01-31 10:00", &odd), "2024-01-31 10:00:00-01:01:01");
    assert_eq!(time_zone("utc").unwrap(), TimeZone::UTC);
    assert_eq!(
        time_zone("Nowhere/Land").unwrap_err().message,
        "invalid value for parameter \"TimeZone\": \"Nowhere/Land\""
    );
    assert!(time_zone("1000").is_err());
}

#[test]
fn changes_of_the_clock_are_read_as_postgresql_does() {
    // A zone by rule, so that the test needs no database of zones.
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let time = context(zone);
    // Skipped: the offset from before. Shown twice: the second time.
    assert_eq!(timestamp("2024-03-31 02:30", &time), "2024-03-31 03:30:00+02");
    assert_eq!(timestamp("2024-10-27 02:30", &time), "2024-10-27 02:30:00+01");
    assert_eq!(timestamp("2024-07-01 12:00", &time), "2024-07-01 12:00:00+02");
    assert_eq!(timestamp("2024-07-01 12:00Z", &time), "2024-07-01 14:00:00+02");
    // Beyond jiff's calendar.
    assert_eq!(timestamp("100000-01-01 00:00:00", &time), "100000-01-01 00:00:00+01");
}

#[test]
fn precision_rounds() {
    assert_eq!(round_micros(1_500_000, 0), 2_000_000);
    assert_eq!(round_micros(-1_500_000, 0), -2_000_000);
    assert_eq!(round_micros(123_456, 3), 123_000);
    assert_eq!(round_micros(TIMESTAMP_INFINITY, 0), TIMESTAMP_INFINITY);
}
