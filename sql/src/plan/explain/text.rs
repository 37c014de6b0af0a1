//! The text form.

use std::fmt::Write as _;
use std::time::Duration;

use super::node::{Node, Property};
use super::{Options, Seen};
use crate::exec::Measure;

/// The lines of a plan.
pub fn lines(root: &Node, options: Options, seen: &Seen) -> Vec<String> {
    let mut out = Vec::new();
    let mut printer = Printer { options, seen, out: &mut out };
    printer.node(root, 0, true);
    if options.summary {
        out.push(format!("Planning Time: {:.3} ms", millis(seen.planning)));
        if seen.measures.is_some() {
            out.push(format!("Execution Time: {:.3} ms", millis(seen.execution)));
        }
    }
    out
}

/// Milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// What was seen of a node: that of the outermost of those that are shown as one, with what the others have removed.
pub fn measure_of(node: &Node, seen: &Seen) -> Option<Measure> {
    let measures = seen.measures.as_ref()?;
    let mut of_node = node.measured.iter().rev().map(|at| measures.get(*at).cloned().unwrap_or_default());
    let mut first = of_node.next()?;
    for other in of_node {
        first.absorb(&other);
    }
    Some(first)
}

struct Printer<'a> {
    options: Options,
    seen: &'a Seen,
    out: &'a mut Vec<String>,
}

impl Printer<'_> {
    fn node(&mut self, node: &Node, indent: usize, is_root: bool) {
        let mut indent = indent;
        if let Some(subplan) = &node.subplan {
            self.out.push(format!("{}{subplan}", " ".repeat(indent)));
            indent += 2;
        }
        let arrow = if is_root { String::new() } else { format!("{}->  ", " ".repeat(indent)) };
        let under = if is_root { 2 } else { indent + 6 };
        let measure = measure_of(node, self.seen);
        self.out.push(format!("{arrow}{}{}", node.title, self.figures(node, measure.as_ref())));
        for property in &node.properties {
            self.property(property, under, measure.as_ref());
        }
        if let Some(measure) = &measure {
            for line in measure.details() {
                self.line(under, &line);
            }
        }
        for child in &node.children {
            self.node(child, under, false);
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.out.push(format!("{}{text}", " ".repeat(indent)));
    }

    fn property(&mut self, property: &Property, under: usize, measure: Option<&Measure>) {
        match property {
            Property::Hidden(..) => {}
            Property::Text(key, value) => self.line(under, &format!("{key}: {value}")),
            Property::List(key, values) => self.line(under, &format!("{key}: {}", values.join(", "))),
            Property::Filter(key, value) => {
                self.line(under, &format!("{key}: {value}"));
                let removed = measure.map_or(0.0, |measure| per_loop(measure.removed_by(key), measure.loops));
                if removed > 0.0 {
                    self.line(under, &format!("Rows Removed by {key}: {removed:.0}"));
                }
            }
            Property::Output(columns) => {
                if self.options.verbose && !columns.is_empty() {
                    self.line(under, &format!("Output: {}", columns.join(", ")));
                }
            }
        }
    }

    fn figures(&self, node: &Node, measure: Option<&Measure>) -> String {
        let mut text = String::new();
        if let Some(estimate) = node.estimate.filter(|_| self.options.costs) {
            let _ = write!(
                text,
                "  (cost={:.2}..{:.2} rows={:.0} width={:.0})",
                estimate.startup, estimate.total, estimate.rows, estimate.bytes
            );
        }
        match measure {
            None => {}
            Some(measure) if measure.loops == 0 => text.push_str(" (never executed)"),
            Some(measure) => {
                let rows = per_loop(measure.rows, measure.loops);
                text.push_str(if text.is_empty() { "  (actual " } else { " (actual " });
                if self.options.timing {
                    let startup = millis(measure.startup) / count(measure.loops);
                    let total = millis(measure.total) / count(measure.loops);
                    let _ = write!(text, "time={startup:.3}..{total:.3} ");
                }
                let _ = write!(text, "rows={rows:.0} loops={})", measure.loops);
            }
        }
        text
    }
}

fn count(n: u64) -> f64 {
    f64::from(u32::try_from(n.max(1)).unwrap_or(u32::MAX))
}

/// How many of something there were in each run.
#[expect(clippy::cast_precision_loss, reason = "it is printed without digits behind the point")]
pub fn per_loop(n: u64, loops: u64) -> f64 {
    n as f64 / loops.max(1) as f64
}
