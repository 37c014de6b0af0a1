//! What a run has found, by file.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Pass;
use super::compare::Part;
use super::outcome::Outcome;
use super::script::{Script, Statement};

/// The comparison of one statement in one pass.
pub(crate) struct Finding {
    /// Its place in the script.
    pub statement: usize,
    pub pass: Pass,
    /// In what the two outcomes differ.
    pub parts: Vec<Part>,
    pub expected: Vec<Outcome>,
    pub actual: Vec<Outcome>,
}

/// How a statement did over all passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Equal,
    Accepted,
    Differs,
    Refused,
    /// Equal but for where the error points to; see docs/compatibility.md.
    Unplaced,
    /// It says that it differs, and does not.
    Stale,
}

/// Counts by file, and what is to be read.
#[derive(Default)]
pub(crate) struct Report {
    table: String,
    differences: String,
    failures: usize,
}

impl Report {
    /// Adds what was found in a file, of which so many statements may differ.
    pub fn add(&mut self, script: &Script, findings: Vec<Finding>, pending: usize) {
        let mut by_statement: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for finding in findings {
            by_statement.entry(finding.statement).or_default().push(finding);
        }
        let mut counts = [0_usize; 6];
        for (at, findings) in by_statement {
            let statement = &script.statements[at];
            let verdict = judge(statement, &findings);
            counts[verdict as usize] += 1;
            if matches!(verdict, Verdict::Equal | Verdict::Accepted) {
                continue;
            }
            self.describe(script, statement, &findings, verdict);
        }
        let [equal, accepted, differ, refused, unplaced, stale] = counts;
        let found = differ + refused + stale;
        self.failures += found.saturating_sub(pending);
        let note = match found.cmp(&pending) {
            Ordering::Less => format!(" (pending {pending}: lower it in pending.txt)"),
            Ordering::Equal if pending == 0 => String::new(),
            Ordering::Equal => " (pending)".to_owned(),
            Ordering::Greater => format!(" (MORE than the {pending} that may)"),
        };
        writeln!(
            self.table,
            "{:32} {:4} statements: {equal:4} equal, {unplaced:3} but for position, {accepted:3} accepted, {differ:3} \
             differ, {refused:3} refused, {stale:2} stale{note}",
            script.name,
            script.statements.len(),
        )
        .unwrap();
    }

    fn describe(&mut self, script: &Script, statement: &Statement, findings: &[Finding], verdict: Verdict) {
        let out = &mut self.differences;
        if verdict == Verdict::Stale {
            writeln!(out, "== {}:{} differs no more\n{}\n", script.name, statement.line, statement.sql).unwrap();
            return;
        }
        let mut shown: Vec<Vec<Part>> = Vec::new();
        for finding in findings.iter().filter(|finding| !finding.parts.is_empty()) {
            if shown.contains(&finding.parts) {
                continue;
            }
            shown.push(finding.parts.clone());
            let passes: Vec<&str> =
                findings.iter().filter(|other| other.parts == finding.parts).map(|other| other.pass.name()).collect();
            let parts: Vec<&str> = finding.parts.iter().map(|part| part.name()).collect();
            writeln!(out, "== {}:{} [{}] {}", script.name, statement.line, passes.join(" "), parts.join(", ")).unwrap();
            writeln!(out, "{}", statement.sql).unwrap();
            for (expected, actual) in finding.expected.iter().zip(&finding.actual) {
                writeln!(out, "-- PostgreSQL").unwrap();
                expected.print(out);
                writeln!(out, "-- HeliosDB").unwrap();
                actual.print(out);
            }
            writeln!(out).unwrap();
        }
    }

    /// Prints the report.
    ///
    /// # Panics
    /// If a file differs in more statements than it may.
    pub fn conclude(self) {
        println!("{}", self.table);
        let wanted = std::env::var_os("HELIOS_DIFF_REPORT").is_some();
        if wanted || self.failures > 0 {
            println!("{}", self.differences);
        }
        assert_eq!(self.failures, 0, "statements differ from PostgreSQL 15");
    }
}

fn judge(statement: &Statement, findings: &[Finding]) -> Verdict {
    let differing: Vec<&Finding> = findings.iter().filter(|finding| !finding.parts.is_empty()).collect();
    let Some(accepted) = &statement.differs else {
        return match differing.as_slice() {
            [] => Verdict::Equal,
            all if all.iter().all(|finding| finding.parts == [Part::Position]) => Verdict::Unplaced,
            all if all.iter().all(|finding| finding.actual.iter().any(Outcome::is_refused)) => Verdict::Refused,
            _ => Verdict::Differs,
        };
    };
    if differing.is_empty() {
        return Verdict::Stale;
    }
    let covers = |part: &Part| accepted.parts.is_empty() || accepted.parts.contains(part);
    if differing.iter().all(|finding| finding.parts.iter().all(covers)) { Verdict::Accepted } else { Verdict::Differs }
}
