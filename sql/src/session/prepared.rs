//! Statements that have been bound and planned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Catalog, RelationId};
use sqlparser::ast::{self, Statement};

use super::format::Format;
use crate::bind::tree::{Body, Modify, OutputColumn};
use crate::bind::{Binder, SearchPath, query};
use crate::copy::CopyStatement;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, SubqueryForm};
use crate::parse::session::{Declare, Direction};
use crate::parse::table::TableStatement;
use crate::parse::{ParsedStatement, Tree};
use crate::plan::context::PlannerContext;
use crate::plan::{self, Access, Plan, SeenCounter, explain};
use crate::statement::create_table::create_as::select_into;
use crate::statement::{self, Command};
use crate::types::ValueContext;

/// A statement that has been parsed and bound; shared by the sessions that use the same text.
#[derive(Debug)]
pub struct Prepared {
    pub(super) statement: ParsedStatement,
    /// The types that the client gave.
    pub(super) given_types: Vec<DataType>,
    parameter_types: Vec<DataType>,
    columns: Vec<ResultColumn>,
    pub(super) action: Action,
    meaning: Meaning,
    is_quick: bool,
    simple_format: Format,
}

/// What else than its text decided what a statement means.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    /// The catalog that names were looked up in.
    pub catalog: Arc<Catalog>,
    /// The settings that literals were read in and the plan was made for.
    pub settings: Arc<str>,
    /// The schemas that names were looked for in.
    pub path: SearchPath,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum Action {
    /// Runs a plan.
    Run(Run),
    /// Prints a plan, perhaps after running it.
    Explain(Box<Explain>),
    /// Does something else.
    Command(Command),
    /// Runs a prepared statement with arguments.
    Execute(String, Vec<Expr>),
    /// Opens a cursor.
    Declare(Declare, Arc<Prepared>),
    /// Moves a cursor and returns rows.
    Fetch(String, Direction),
    /// Moves a cursor.
    Move(String, Direction),
    /// Copies rows in or out.
    Copy(Arc<CopyStatement>),
}

/// Which way the rows of a COPY go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyDirection {
    /// FROM
    In,
    /// TO
    Out,
}

/// A plan that is shown.
#[derive(Debug)]
pub(super) struct Explain {
    pub run: Run,
    pub options: explain::Options,
    /// How long planning took.
    pub planning: Duration,
}

/// A plan and what belongs to it.
#[derive(Debug)]
pub(super) struct Run {
    pub plan: Plan,
    pub kind: RunKind,
    /// The stored tables and how they are locked.
    pub locks: Vec<(RelationId, TableLock)>,
    /// Counters among the columns.
    pub seen: Vec<SeenCounter>,
    /// Whether rows are changed or locked.
    pub writes: bool,
    /// Whether rows are changed, if only by a query of WITH: then it runs to its end at once.
    pub changes: bool,
}

/// Which tag a plan's statement has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunKind {
    Select,
    Insert,
    Update,
    Delete,
}

/// A column of a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its type modifier, -1 for none.
    pub typmod: i32,
    /// The table and the column number it comes from, 0 and 0 for none.
    pub origin: (u32, u16),
}

impl Prepared {
    /// Binds and plans a statement.
    pub(super) fn new(
        statement: &ParsedStatement,
        given_types: &[DataType],
        meaning: Meaning,
        time: &ValueContext,
        planner: PlannerContext<'_>,
    ) -> Result<Self> {
        let catalog = &meaning.catalog;
        let mut binder = Binder::new(catalog, time, &statement.source, given_types).with_path(meaning.path.clone());
        let (action, columns) = match &statement.tree {
            Tree::Sql(ast) => bind_action(&mut binder, ast, catalog, planner)?,
            Tree::Ddl(ddl) => (Action::Command(statement::ddl_command(ddl)?), Vec::new()),
            Tree::Session(session) => {
                (Action::Command(Command::Session(Arc::clone(session))), text_columns(&session.result_columns()))
            }
            Tree::Table(statement) => (Action::Command(Command::Table(Arc::clone(statement))), Vec::new()),
            Tree::Object(statement) => (Action::Command(Command::Object(Arc::clone(statement))), Vec::new()),
            Tree::Copy(copy) => (Action::Copy(Arc::clone(copy)), Vec::new()),
        };
        let parameter_types = binder.into_parameter_types()?;
        Ok(Self::of(statement, given_types, meaning, parameter_types, (action, columns)))
    }

    /// A statement whose action is known.
    pub(super) fn of(
        statement: &ParsedStatement,
        given_types: &[DataType],
        meaning: Meaning,
        parameter_types: Vec<DataType>,
        (action, columns): (Action, Vec<ResultColumn>),
    ) -> Self {
        let is_quick = matches!(&action, Action::Run(run) if is_quick(&run.plan));
        Self {
            statement: statement.clone(),
            given_types: given_types.to_vec(),
            parameter_types,
            columns,
            action,
            meaning,
            is_quick,
            simple_format: Format::Text,
        }
    }

    /// The same, with rows that travel in another format in the simple protocol.
    pub(super) const fn with_simple_format(mut self, format: Format) -> Self {
        self.simple_format = format;
        self
    }

    /// The types of `$1`, `$2`, …
    pub fn parameter_types(&self) -> &[DataType] {
        &self.parameter_types
    }

    /// The result's columns; empty for a statement that returns no rows.
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// The direction of a COPY, whose data travel by themselves: see [`super::Session::copy_in`] and its counterpart. None
    /// for other statements.
    pub fn copy_direction(&self) -> Option<CopyDirection> {
        self.copy_statement().map(|copy| if copy.from { CopyDirection::In } else { CopyDirection::Out })
    }

    pub(super) const fn copy_statement(&self) -> Option<&Arc<CopyStatement>> {
        match &self.action {
            Action::Copy(copy) => Some(copy),
            _ => None,
        }
    }

    /// Whether the statement is INSERT, UPDATE or DELETE.
    pub(super) fn changes_rows(&self) -> bool {
        matches!(&self.action, Action::Run(run) if run.kind != RunKind::Select)
    }

    /// Whether the statement is something else than a query or a change of rows.
    pub const fn is_command(&self) -> bool {
        matches!(self.action, Action::Command(_))
    }

    /// Whether the statement only looks rows up by key: then running it is a matter of microseconds, with no wait.
    pub fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// How its rows travel in the simple protocol.
    pub const fn simple_format(&self) -> Format {
        self.simple_format
    }

    /// Whether the tag counts the rows that are returned.
    pub(super) const fn counts_rows(&self) -> bool {
        match &self.action {
            Action::Run(run) => matches!(run.kind, RunKind::Select),
            Action::Fetch(..) => true,
            _ => false,
        }
    }

    /// Whether it is a query that locks rows.
    pub(super) const fn locks_rows(&self) -> bool {
        matches!(&self.action, Action::Run(run) if run.writes)
    }

    /// Whether the same text may be answered by it again.
    pub(super) const fn can_be_shared(&self) -> bool {
        !matches!(self.action, Action::Explain(_))
    }

    /// How long the text is that it keeps alive: that of the whole message.
    pub(crate) fn source_bytes(&self) -> usize {
        self.statement.source.len()
    }

    /// Whether the statement can be run as it is now.
    pub(super) fn is_current(&self, now: &Meaning) -> bool {
        match self.action {
            // These look names up when they are run.
            Action::Command(_)
            | Action::Copy(_)
            | Action::Execute(..)
            | Action::Declare(..)
            | Action::Fetch(..)
            | Action::Move(..) => true,
            Action::Run(_) | Action::Explain(_) => self.meaning.is_same(now),
        }
    }
}

impl Meaning {
    fn is_same(&self, other: &Self) -> bool {
        let (known, now) = (&self.catalog, &other.catalog);
        let same_catalog =
            Arc::ptr_eq(known, now) || (!known.is_private && !now.is_private && known.version == now.version);
        same_catalog && self.settings == other.settings && self.path == other.path
    }
}

fn bind_action(
    binder: &mut Binder<'_>,
    ast: &Statement,
    catalog: &Arc<Catalog>,
    planner: PlannerContext<'_>,
) -> Result<(Action, Vec<ResultColumn>)> {
    if let Statement::Query(query) = ast
        && let Some(create) = select_into(query)?
    {
        return Ok((Action::Command(Command::Table(Arc::new(TableStatement::CreateAs(create)))), Vec::new()));
    }
    match ast {
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            let (run, columns) = bind_run(binder, ast, planner)?;
            Ok((Action::Run(run), columns.iter().map(|column| result_column(column, catalog)).collect()))
        }
        Statement::Explain { describe_alias, analyze, verbose, query_plan, estimate, statement, format, options } => {
            let is_plain = *describe_alias == ast::DescribeAlias::Explain && !query_plan && !estimate;
            if format.is_some() || !is_plain {
                return Err(SqlError::unsupported("this form of EXPLAIN"));
            }
            let options = explain::options(*analyze, *verbose, options.as_deref().unwrap_or_default())?;
            let start = Instant::now();
            let (mut run, _) = bind_run(binder, statement, PlannerContext { keeps_estimates: true, ..planner })?;
            explain::number(&mut run.plan);
            let planning = start.elapsed();
            let column = if options.json {
                ResultColumn { data_type: explain::JSON_TYPE, ..text_column("QUERY PLAN") }
            } else {
                text_column("QUERY PLAN")
            };
            Ok((Action::Explain(Box::new(Explain { run, options, planning })), vec![column]))
        }
        other => Ok((Action::Command(statement::command(other)?), Vec::new())),
    }
}

fn text_columns(names: &[String]) -> Vec<ResultColumn> {
    names.iter().map(|name| text_column(name)).collect()
}

fn bind_run(binder: &mut Binder<'_>, ast: &Statement, planner: PlannerContext<'_>) -> Result<(Run, Vec<OutputColumn>)> {
    let (plan, kind, columns, seen) = match ast {
        Statement::Query(ast) => {
            let mut query = binder.query(ast, None, query::Unknowns::Text)?;
            let columns = query.columns.clone();
            let kind = match &query.body {
                Body::Modify(modify) => match modify.as_ref() {
                    Modify::Insert { .. } => RunKind::Insert,
                    Modify::Update { .. } => RunKind::Update,
                    Modify::Delete { .. } => RunKind::Delete,
                },
                _ if columns.is_empty() => return Err(SqlError::unsupported("SELECT without a column")),
                _ => RunKind::Select,
            };
            let seen = query::add_counter_keys(&mut query);
            let plan = if seen.is_empty() {
                plan::plan_query(query, planner)
            } else {
                plan::plan_query_with_hidden(query, planner)
            };
            (plan, kind, columns, seen)
        }
        Statement::Insert(ast) => modify(binder.insert(ast)?, RunKind::Insert, planner),
        Statement::Update(ast) => modify(binder.update(ast)?, RunKind::Update, planner),
        Statement::Delete(ast) => modify(binder.delete(ast)?, RunKind::Delete, planner),
        _ => return Err(SqlError::unsupported("EXPLAIN of this statement")),
    };
    let mut locks = Vec::new();
    relations(&plan, &mut locks);
    let writes = locks.iter().any(|(_, mode)| *mode >= TableLock::RowShare);
    let changes = plan.changes_rows();
    Ok((Run { plan, kind, locks, seen, writes, changes }, columns))
}

fn modify(
    bound: Modify,
    kind: RunKind,
    planner: PlannerContext<'_>,
) -> (Plan, RunKind, Vec<OutputColumn>, Vec<SeenCounter>) {
    let returning = match &bound {
        Modify::Insert { returning, .. } | Modify::Update { returning, .. } | Modify::Delete { returning, .. } => {
            returning
        }
    };
    let columns = returning.as_ref().map(|bound| bound.columns.clone()).unwrap_or_default();
    (plan::plan_modify(bound, planner), kind, columns, Vec::new())
}

/// The stored tables of a plan, those of its subqueries too.
fn relations(plan: &Plan, locks: &mut Vec<(RelationId, TableLock)>) {
    let mut add = |id, mode: TableLock| match locks.iter_mut().find(|(known, _)| *known == id) {
        Some((_, known)) => *known = (*known).max(mode),
        None => locks.push((id, mode)),
    };
    match plan {
        Plan::LockRows(locks) => locks.marks.iter().for_each(|mark| add(mark.table.id, TableLock::RowShare)),
        Plan::Scan(scan) => add(scan.table.id, TableLock::AccessShare),
        Plan::Insert(insert) => add(insert.table.id, TableLock::RowExclusive),
        Plan::Update(update) => add(update.table.id, TableLock::RowExclusive),
        Plan::Delete(delete) => add(delete.table.id, TableLock::RowExclusive),
        _ => {}
    }
    for expr in plan.exprs() {
        expr.walk(&mut |expr| {
            if let Expr::Subquery(subquery) = expr
                && let SubqueryForm::Planned { plan, .. } = &subquery.form
            {
                relations(plan, locks);
            }
        });
    }
    for (input, _) in plan.inputs() {
        relations(input, locks);
    }
}

/// A point look-up with at most a projection and a filter around it.
fn is_quick(plan: &Plan) -> bool {
    let no_subquery = plan.exprs().iter().all(|expr| !expr.has_subquery() && !expr.is_volatile());
    no_subquery
        && match plan {
            Plan::Scan(scan) => matches!(scan.access, Access::Point { .. }),
            Plan::OneRow => true,
            Plan::Project { input, .. }
            | Plan::Filter { input, .. }
            | Plan::Truncate { input, .. }
            | Plan::Limit { input, .. } => is_quick(input),
            _ => false,
        }
}

fn result_column(column: &OutputColumn, catalog: &Catalog) -> ResultColumn {
    let origin = column.origin.and_then(|(relation, slot)| {
        if catalog.view(relation).is_some() {
            return Some((relation.0, u16::try_from(slot + 1).ok()?));
        }
        let definition = catalog.table_by_id(relation)?.columns.get(slot)?;
        Some((relation.0, definition.id.0))
    });
    ResultColumn {
        name: column.name.clone(),
        data_type: column.column_type.data_type,
        typmod: column.column_type.typmod,
        origin: origin.unwrap_or((0, 0)),
    }
}

fn text_column(name: &str) -> ResultColumn {
    ResultColumn { name: name.to_owned(), data_type: DataType::Text, typmod: -1, origin: (0, 0) }
}

/// The error for a plan whose result has changed its shape since the client was told of it.
pub(super) fn result_changed() -> SqlError {
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type")
}
