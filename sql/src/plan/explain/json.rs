//! The JSON form.

use super::node::{Node, Property};
use super::text::{measure_of, millis, per_loop};
use super::{Options, Seen};

/// A value; the members of an object stay in their order.
enum Item {
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
    /// A text, in quotes, or a number.
    Leaf(String),
}

/// The members of an object.
type Members = Vec<(String, Item)>;

fn quoted(text: &str) -> Item {
    Item::Leaf(serde_json::Value::from(text).to_string())
}

fn add(members: &mut Members, key: &str, item: Item) {
    members.push((key.to_owned(), item));
}

/// The lines of a plan.
pub fn lines(root: &Node, options: Options, seen: &Seen) -> Vec<String> {
    let mut whole = Members::new();
    add(&mut whole, "Plan", object(root, options, seen, true));
    if options.summary {
        add(&mut whole, "Planning Time", fixed(millis(seen.planning), 3));
        if options.analyze {
            add(&mut whole, "Triggers", Item::List(Vec::new()));
            add(&mut whole, "Execution Time", fixed(millis(seen.execution), 3));
        }
    }
    let mut text = String::new();
    write(&Item::List(vec![Item::Object(whole)]), 0, &mut text);
    // One row with line breaks, as PostgreSQL has it.
    vec![text]
}

fn fixed(number: f64, digits: usize) -> Item {
    Item::Leaf(format!("{number:.digits$}"))
}

fn object(node: &Node, options: Options, seen: &Seen, is_root: bool) -> Item {
    let mut out = Members::new();
    add(&mut out, "Node Type", quoted(&node.kind));
    let strategy = node.properties.iter().find_map(|property| match property {
        Property::Hidden(key @ ("Strategy" | "Operation" | "Command"), value) => Some((*key, value.clone())),
        _ => None,
    });
    if let Some((key, value)) = strategy {
        add(&mut out, key, quoted(&value));
    }
    if !is_root {
        add(&mut out, "Parent Relationship", quoted(node.relationship));
    }
    if let Some(subplan) = &node.subplan {
        add(&mut out, "Subplan Name", quoted(subplan));
    }
    add(&mut out, "Parallel Aware", Item::Leaf("false".to_owned()));
    add(&mut out, "Async Capable", Item::Leaf("false".to_owned()));
    hidden(node, &mut out);
    if let Some(estimate) = node.estimate.filter(|_| options.costs) {
        add(&mut out, "Startup Cost", fixed(estimate.startup, 2));
        add(&mut out, "Total Cost", fixed(estimate.total, 2));
        add(&mut out, "Plan Rows", fixed(estimate.rows, 0));
        add(&mut out, "Plan Width", fixed(estimate.bytes, 0));
    }
    let measure = measure_of(node, seen);
    if let Some(measure) = &measure {
        if options.timing {
            add(&mut out, "Actual Startup Time", fixed(millis(measure.startup) / loops(measure.loops), 3));
            add(&mut out, "Actual Total Time", fixed(millis(measure.total) / loops(measure.loops), 3));
        }
        add(&mut out, "Actual Rows", fixed(per_loop(measure.rows, measure.loops), 0));
        add(&mut out, "Actual Loops", Item::Leaf(measure.loops.to_string()));
    }
    for property in &node.properties {
        match property {
            Property::Hidden(..) => {}
            Property::Text(key, value) => add(&mut out, key, quoted(value)),
            Property::List(key, values) => add(&mut out, key, texts(values)),
            Property::Filter(key, value) => {
                add(&mut out, key, quoted(value));
                if let Some(measure) = &measure {
                    let removed = per_loop(measure.removed_by(key), measure.loops);
                    add(&mut out, &format!("Rows Removed by {key}"), fixed(removed, 0));
                }
            }
            Property::Output(columns) => {
                if options.verbose {
                    add(&mut out, "Output", texts(columns));
                }
            }
        }
    }
    if let Some(measure) = &measure {
        for (key, value) in measure.properties() {
            let is_number = value.bytes().all(|b| b.is_ascii_digit());
            add(&mut out, key, if is_number { Item::Leaf(value) } else { quoted(&value) });
        }
    }
    if !node.children.is_empty() {
        let children = node.children.iter().map(|child| object(child, options, seen, false)).collect();
        add(&mut out, "Plans", Item::List(children));
    }
    Item::Object(out)
}

fn texts(values: &[String]) -> Item {
    Item::List(values.iter().map(|value| quoted(value)).collect())
}

fn hidden(node: &Node, out: &mut Members) {
    for property in &node.properties {
        match property {
            Property::Hidden("Strategy", _) => add(out, "Partial Mode", quoted("Simple")),
            Property::Hidden("Operation" | "Command", _) => {}
            Property::Hidden(key, value) => add(out, key, quoted(value)),
            _ => {}
        }
    }
}

fn loops(n: u64) -> f64 {
    f64::from(u32::try_from(n.max(1)).unwrap_or(u32::MAX))
}

/// PostgreSQL's way of breaking lines: objects and arrays of objects over several lines, arrays of texts on one.
fn write(item: &Item, indent: usize, out: &mut String) {
    let pad = |out: &mut String, indent: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(indent));
    };
    match item {
        Item::Leaf(text) => out.push_str(text),
        Item::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                pad(out, indent + 1);
                write(&quoted(key), indent, out);
                out.push_str(": ");
                write(value, indent + 1, out);
            }
            pad(out, indent);
            out.push('}');
        }
        Item::List(items) if items.iter().all(|item| matches!(item, Item::Leaf(_))) && !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(item, indent, out);
            }
            out.push(']');
        }
        Item::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                pad(out, indent + 1);
                write(item, indent + 1, out);
            }
            pad(out, indent);
            out.push(']');
        }
    }
}
