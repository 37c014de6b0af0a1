//! In what two outcomes differ.

use heliosdb_tests::wire::{Column, Fields};

use super::outcome::{Outcome, Results, known_oid};
use super::script::Statement;

/// A part of an outcome that can differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// Names and number of columns.
    Columns,
    /// Type oids, lengths and modifiers of columns.
    Types,
    /// Which column of which relation a column comes from.
    Origins,
    Rows,
    Tag,
    Sqlstate,
    /// The text of an error.
    Message,
    Detail,
    Hint,
    Position,
    /// Schema, table, column, type and constraint that an error names.
    Objects,
    Notices,
    Settings,
    Parameters,
    /// The state of the transaction, or whether there is a connection at all.
    Status,
}

const NAMES: [(Part, &str); 15] = [
    (Part::Columns, "columns"),
    (Part::Types, "types"),
    (Part::Origins, "origins"),
    (Part::Rows, "rows"),
    (Part::Tag, "tag"),
    (Part::Sqlstate, "sqlstate"),
    (Part::Message, "message"),
    (Part::Detail, "detail"),
    (Part::Hint, "hint"),
    (Part::Position, "position"),
    (Part::Objects, "objects"),
    (Part::Notices, "notices"),
    (Part::Settings, "settings"),
    (Part::Parameters, "parameters"),
    (Part::Status, "status"),
];

impl Part {
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(part, _)| *part)
    }

    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(part, _)| *part == self).map(|(_, name)| *name).unwrap()
    }
}

/// The parts in which they differ, in order; empty if they are equal.
pub(crate) fn differences(statement: &Statement, expected: &[Outcome], actual: &[Outcome]) -> Vec<Part> {
    let mut parts = Vec::new();
    if expected.len() != actual.len() {
        parts.push(Part::Status);
    }
    for (expected, actual) in expected.iter().zip(actual) {
        compare_outcome(statement, expected, actual, &mut parts);
    }
    parts.sort();
    parts.dedup();
    parts
}

fn compare_outcome(statement: &Statement, expected: &Outcome, actual: &Outcome, parts: &mut Vec<Part>) {
    let known = |types: &Option<Vec<u32>>| -> Vec<u32> { types.iter().flatten().map(|&oid| known_oid(oid)).collect() };
    let mut check = |part: Part, equal: bool| {
        if !equal {
            parts.push(part);
        }
    };
    check(Part::Status, expected.status == actual.status && expected.lost.is_some() == actual.lost.is_some());
    check(Part::Settings, sorted(&expected.settings) == sorted(&actual.settings));
    check(Part::Parameters, known(&expected.parameters) == known(&actual.parameters));
    let told = |notices: &[Fields]| -> Vec<(String, String, String)> {
        notices.iter().map(|n| (n.severity.clone(), n.code.clone(), n.message.clone())).collect()
    };
    check(Part::Notices, told(&expected.notices) == told(&actual.notices));
    check(Part::Tag, expected.results.len() == actual.results.len());
    for (expected, actual) in expected.results.iter().zip(&actual.results) {
        compare_results(statement, expected, actual, parts);
    }
}

fn compare_results(statement: &Statement, expected: &Results, actual: &Results, parts: &mut Vec<Part>) {
    if let (Some(expected), Some(actual)) = (&expected.error, &actual.error) {
        return compare_errors(expected, actual, parts);
    }
    if expected.error.is_some() != actual.error.is_some() {
        parts.push(Part::Sqlstate);
        return;
    }
    let mut check = |part: Part, equal: bool| {
        if !equal {
            parts.push(part);
        }
    };
    check(Part::Tag, expected.tag == actual.tag);
    let of = |results: &Results, what: fn(&Column) -> (String, u32, i64, i64)| -> Option<Vec<_>> {
        results.columns.as_ref().map(|columns| columns.iter().map(what).collect())
    };
    let same = |what| of(expected, what) == of(actual, what);
    check(Part::Columns, same(|column| (column.name.clone(), 0, 0, 0)));
    check(
        Part::Types,
        same(|c| (String::new(), known_oid(c.type_oid), i64::from(c.type_length), i64::from(c.modifier))),
    );
    check(Part::Origins, same(|c| (String::new(), u32::from(c.relation != 0), i64::from(c.number), 0)));
    let rows = |results: &Results| {
        let mut rows = results.rows.clone();
        if !statement.is_ordered() {
            rows.sort();
        }
        rows
    };
    check(Part::Rows, rows(expected) == rows(actual) && expected.copied == actual.copied);
}

fn compare_errors(expected: &Fields, actual: &Fields, parts: &mut Vec<Part>) {
    let field = |fields: &Fields, letters: &str| -> Vec<(char, String)> {
        let mut found: Vec<_> = fields.others.iter().filter(|(letter, _)| letters.contains(*letter)).cloned().collect();
        found.sort();
        found
    };
    let mut check = |part: Part, equal: bool| {
        if !equal {
            parts.push(part);
        }
    };
    check(Part::Sqlstate, expected.code == actual.code);
    check(Part::Message, expected.message == actual.message && expected.severity == actual.severity);
    for (part, letters) in [(Part::Detail, "D"), (Part::Hint, "H"), (Part::Position, "P"), (Part::Objects, "stcdn")] {
        check(part, field(expected, letters) == field(actual, letters));
    }
}

fn sorted(settings: &[(String, String)]) -> Vec<(String, String)> {
    let mut settings = settings.to_vec();
    settings.sort();
    settings
}
