//! EXPLAIN: a plan as text or JSON, in PostgreSQL's shape.
//!
//! | module | what |
//! |---|---|
//! | `node` | what there is to say about each node |
//! | `names`, `deparse` | what columns are called, expressions as text |
//! | `text`, `json` | the two forms |

mod deparse;
mod json;
mod names;
mod node;
mod text;

use std::time::Duration;

use heliosdb_storage::value::DataType;
use sqlparser::ast;

use super::Plan;
use crate::error::{Result, SqlError, SqlState};
use crate::exec::Measure;
use crate::expr::{Expr, SubqueryForm};
use names::StatementNames;
use node::Walk;

/// What is asked of EXPLAIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the statement")]
pub struct Options {
    /// The statement is run and watched.
    pub analyze: bool,
    /// The columns of each node.
    pub verbose: bool,
    /// What was expected.
    pub costs: bool,
    /// How long each node took.
    pub timing: bool,
    /// How long planning and running took.
    pub summary: bool,
    /// As JSON.
    pub json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { analyze: false, verbose: false, costs: true, timing: true, summary: false, json: false }
    }
}

/// The type of the JSON form.
pub const JSON_TYPE: DataType = DataType::Text;

/// Reads the options of the statement.
pub fn options(analyze: bool, verbose: bool, given: &[ast::UtilityOption]) -> Result<Options> {
    let mut options = Options { analyze, verbose, ..Options::default() };
    let (mut timing, mut summary) = (None, None);
    for ast::UtilityOption { name, arg } in given {
        let name = crate::bind::names::ident(name);
        let word = arg.as_ref().map(word_of);
        let flag = || on_or_off(&name, word.as_deref());
        match name.as_str() {
            "analyze" | "analyse" => options.analyze = flag()?,
            "verbose" => options.verbose = flag()?,
            "costs" => options.costs = flag()?,
            "timing" => timing = Some(flag()?),
            "summary" => summary = Some(flag()?),
            "buffers" | "wal" | "settings" | "generic_plan" => {
                if flag()? {
                    return Err(SqlError::unsupported(format!("EXPLAIN option {}", name.to_uppercase())));
                }
            }
            "format" => options.json = is_json(word.as_deref())?,
            _ => {
                let message = format!("unrecognized EXPLAIN option \"{name}\"");
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
        }
    }
    if timing == Some(true) && !options.analyze {
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE"));
    }
    options.timing = timing.unwrap_or(options.analyze);
    options.summary = summary.unwrap_or(options.analyze);
    Ok(options)
}

fn word_of(arg: &ast::Expr) -> String {
    match arg {
        ast::Expr::Identifier(name) => crate::bind::names::ident(name),
        ast::Expr::Value(value) => match crate::bind::string_value(&value.value) {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

fn on_or_off(name: &str, word: Option<&str>) -> Result<bool> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some(_) => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("{name} requires a Boolean value"))),
    }
}

fn is_json(word: Option<&str>) -> Result<bool> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(format @ ("yaml" | "xml")) => {
            Err(SqlError::unsupported(format!("EXPLAIN (FORMAT {})", format.to_uppercase())))
        }
        Some(other) => {
            let message = format!("unrecognized value for EXPLAIN option \"format\": \"{other}\"");
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        None => Err(SqlError::new(SqlState::SYNTAX_ERROR, "format requires a parameter")),
    }
}

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What was seen of the nodes, by their numbers; none if the statement was not run.
    pub measures: Option<Vec<Measure>>,
    /// How long planning took.
    pub planning: Duration,
    /// How long running took.
    pub execution: Duration,
}

/// The lines of EXPLAIN.
pub fn lines(plan: &Plan, options: Options, seen: &Seen) -> Vec<String> {
    let statement = StatementNames::of(plan, options.verbose);
    let root = Walk { around: None, statement: &statement }.node(plan, "Outer");
    if options.json { json::lines(&root, options, seen) } else { text::lines(&root, options, seen) }
}

/// Numbers the nodes of a plan whose estimates are kept, those of subqueries too.
pub fn number(plan: &mut Plan) {
    number_from(plan, &mut 0);
}

fn number_from(plan: &mut Plan, next: &mut usize) {
    if let Plan::Estimated { estimate, .. } = plan {
        estimate.node = *next;
        *next += 1;
    }
    for expr in plan.exprs_mut() {
        number_in(expr, next);
    }
    for (input, _) in plan.inputs_mut() {
        number_from(input, next);
    }
}

fn number_in(expr: &mut Expr, next: &mut usize) {
    if let Expr::Subquery(subquery) = expr
        && let SubqueryForm::Planned { plan, .. } = &mut subquery.form
    {
        number_from(std::sync::Arc::make_mut(plan), next);
    }
    expr.children_mut().into_iter().for_each(|child| number_in(child, next));
}
