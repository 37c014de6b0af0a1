//! Which columns a name can mean: those of FROM, then those of the queries around.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::ColumnType;
use heliosdb_storage::{ColumnId, RelationId};
use sqlparser::tokenizer::Span;

use super::table_function::SetUse;
use super::window::{WindowSpec, WindowUse};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::AggregateCall;

/// While a SELECT is bound, what is computed after FROM stands as columns beyond those of FROM: the result of the k-th
/// aggregate call is the column `AGGREGATE_BASE + k`, and so on. The modules `grouping` and `window` give them their
/// places.
pub const AGGREGATE_BASE: usize = usize::MAX / 8 * 4;

/// Where the results of GROUPING calls stand.
pub const GROUPING_BASE: usize = usize::MAX / 8 * 5;

/// Where the results of window function calls stand.
pub const WINDOW_BASE: usize = usize::MAX / 8 * 6;

/// Where the results of set-returning functions stand.
pub const SET_BASE: usize = usize::MAX / 8 * 7;

/// What stands at a position beyond the columns of FROM.
pub const fn kind_of(index: usize) -> &'static str {
    match index {
        AGGREGATE_BASE..GROUPING_BASE => "aggregate functions",
        GROUPING_BASE..WINDOW_BASE => "grouping operations",
        WINDOW_BASE..SET_BASE => "window functions",
        SET_BASE.. => "set-returning functions",
        _ => "columns",
    }
}

/// The columns that names can mean at one level of a query.
#[derive(Default)]
pub struct Scope<'p> {
    /// The query around.
    pub parent: Option<&'p Self>,
    /// The relations by the names they have here.
    pub relations: Vec<ScopeRelation>,
    /// The columns, in the order of `*`.
    pub columns: Vec<ScopeColumn>,
    /// How many columns the row has.
    pub width: usize,
    /// The aggregate calls found so far.
    pub calls: RefCell<Vec<AggregateCall>>,
    /// The windows that the WINDOW clause names.
    pub named_windows: RefCell<Vec<(String, WindowSpec)>>,
    /// The calls of window functions found so far.
    pub windows: RefCell<Vec<WindowUse>>,
    /// The calls of set-returning functions found so far.
    pub sets: RefCell<Vec<SetUse>>,
    /// The columns that have been named where that matters, and where that was.
    pub uses: RefCell<Vec<(usize, Span)>>,
    /// The arguments of the GROUPING calls found so far, and where they are written.
    pub groupings: RefCell<Vec<Vec<(Expr, Span)>>>,
    /// Whether an aggregate may be called at this place of the query.
    pub place: Cell<Place>,
    /// Set while a relation to the right of these is bound: then this is no query around, but its siblings in FROM.
    pub sibling: Cell<Option<Sibling>>,
}

/// Relations to the left of the one that is being bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sibling {
    /// Whether the kind of the join lets the relation read them.
    pub joinable: bool,
    /// Whether names can mean them: inside of what is LATERAL.
    pub visible: bool,
}

/// What may be called at a place of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Everything: the select list, ORDER BY.
    Targets,
    /// Aggregates, but nothing that comes after grouping.
    Having,
    /// Plain functions only: a clause of this name.
    Clause(&'static str),
    /// Plain functions only: an expression over a table's row that the catalog keeps, of a clause of this name. Where
    /// columns are named is remembered.
    Kept(&'static str),
    /// Plain functions only: the argument of an aggregate.
    Argument,
    /// Aggregates too: the argument of a window function.
    WindowArgument,
    /// Aggregates too: the partition and the order of a window.
    WindowDefinition,
}

impl Place {
    /// What an aggregate is told here; nothing if it may be called.
    pub fn refuses_aggregate(self, what: &str) -> Option<String> {
        match self {
            Self::Targets | Self::Having | Self::WindowArgument | Self::WindowDefinition => None,
            Self::Clause(clause) | Self::Kept(clause) => Some(format!("{what} are not allowed in {clause}")),
            Self::Argument => Some("aggregate function calls cannot be nested".to_owned()),
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::Clause("WHERE")
    }
}

/// A column of a relation that comes into scope: its name, its type, and the table's column that it is.
pub type RelationColumn = (String, ColumnType, Option<(RelationId, usize)>);

/// A relation in scope.
#[derive(Clone, Debug)]
pub struct ScopeRelation {
    /// Its alias, or its name.
    pub name: String,
    /// Where its columns begin in the row.
    pub first: usize,
    /// The table, if it is a stored one.
    pub table: Option<Arc<TableDef>>,
    /// Whether it is a function of plain values: then its name means the value, not a row.
    pub is_value: bool,
    /// The view, if it is one.
    pub view: Option<RelationId>,
}

/// A column in scope.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    /// The relation it belongs to; none for the merged column of USING.
    pub relation: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Its value over the row.
    pub expr: Expr,
    /// Whether `*` and its bare name mean it. Columns that USING has merged are found by qualified names only.
    pub is_bare: bool,
    /// The table's column that it is.
    pub origin: Option<(RelationId, usize)>,
}

impl<'p> Scope<'p> {
    /// A scope without columns inside another one.
    pub fn inside(parent: Option<&'p Scope<'p>>) -> Self {
        Self { parent, ..Self::default() }
    }

    /// A scope with the columns of a table, as UPDATE, DELETE, RETURNING and CHECK see them.
    pub fn of_table(table: &Arc<TableDef>, name: &str) -> Self {
        let mut scope = Self::default();
        scope.add_table(table, name);
        scope
    }

    /// Remembers where a column is named, for the error that it is not grouped by.
    pub fn note_use(&self, column: &Expr, span: Span) {
        let (out, index) = match column {
            Expr::Column(index, _) => (0, *index),
            Expr::Outer { depth, index, .. } => (depth + 1, *index),
            _ => return,
        };
        let owner = (0..out).try_fold(self, |scope, _| scope.parent);
        if let Some(owner) = owner
            && !matches!(owner.place.get(), Place::Clause(_) | Place::Argument)
        {
            owner.uses.borrow_mut().push((index, span));
        }
    }

    /// The scope on its own, without what is around it.
    pub fn detached<'x>(self) -> Scope<'x> {
        let Self { parent: _, relations, columns, width, .. } = self;
        Scope { parent: None, relations, columns, width, ..Scope::default() }
    }

    /// Runs a step inside of what is LATERAL: it sees its siblings, and theirs.
    pub fn with_siblings<T>(parent: Option<&Self>, step: impl FnOnce() -> T) -> T {
        let mut hidden = Vec::new();
        let mut scope = parent;
        while let Some(here) = scope
            && let Some(sibling) = here.sibling.get()
        {
            here.sibling.set(Some(Sibling { visible: true, ..sibling }));
            hidden.push((here, sibling));
            scope = here.parent;
        }
        let result = step();
        hidden.into_iter().for_each(|(here, sibling)| here.sibling.set(Some(sibling)));
        result
    }

    /// Adds a stored table.
    pub fn add_table(&mut self, table: &Arc<TableDef>, name: &str) {
        let columns = table
            .columns
            .iter()
            .enumerate()
            .map(|(slot, column)| (column.name.clone(), column.column_type, Some((table.id, slot))));
        self.add_relation(name, Some(Arc::clone(table)), columns.collect());
    }

    /// Adds a relation with its columns.
    pub fn add_relation(&mut self, name: &str, table: Option<Arc<TableDef>>, columns: Vec<RelationColumn>) {
        let relation = self.relations.len();
        self.relations.push(ScopeRelation {
            name: name.to_owned(),
            first: self.width,
            table,
            is_value: false,
            view: None,
        });
        for (name, column_type, origin) in columns {
            let expr = Expr::Column(self.width, column_type.data_type);
            self.columns.push(ScopeColumn { relation: Some(relation), name, column_type, expr, is_bare: true, origin });
            self.width += 1;
        }
    }

    /// Adds what another scope has, to the right of this one's row.
    pub fn append(&mut self, other: Scope<'_>) -> Result<()> {
        for relation in &other.relations {
            if self.relations.iter().any(|known| known.name == relation.name) {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("table name \"{}\" specified more than once", relation.name),
                ));
            }
        }
        let (shift, relations) = (self.width, self.relations.len());
        self.relations.extend(
            other.relations.into_iter().map(|relation| ScopeRelation { first: relation.first + shift, ..relation }),
        );
        self.columns.extend(other.columns.into_iter().map(|mut column| {
            column.relation = column.relation.map(|relation| relation + relations);
            column.expr.map_columns(&mut |index| index + shift);
            column
        }));
        self.width += other.width;
        Ok(())
    }

    /// What a bare column name means, here or further out.
    pub fn column(&self, name: &str) -> Result<ScopeColumn> {
        let not_found = || {
            let error = SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist"));
            self.hint_at_sibling(name, error)
        };
        self.search(&|scope| {
            let mut found = scope.columns.iter().filter(|column| column.is_bare && column.name == name);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => {
                    Err(SqlError::new(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous")))
                }
                (column, _) => Ok(column),
            }
        })?
        .ok_or_else(not_found)
    }

    /// The relation that a bare column belongs to, and the stored column that it is. No relation for the merged column of
    /// USING, nor if a nearer relation of the same name would be meant.
    pub fn qualifier(&self, name: &str) -> (Option<String>, Option<(RelationId, ColumnId)>) {
        let mut scope = Some(self);
        let mut nearer: Vec<&ScopeRelation> = Vec::new();
        while let Some(here) = scope {
            if let Some(column) = here.columns.iter().find(|column| column.is_bare && column.name == name) {
                let relation = column.relation.and_then(|at| here.relations.get(at)).map(|relation| &relation.name);
                let relation = relation.filter(|relation| !nearer.iter().any(|other| other.name == **relation));
                return (relation.cloned(), here.stored(column));
            }
            nearer.extend(&here.relations);
            scope = here.parent;
        }
        (None, None)
    }

    /// The stored column that `relation.column` is.
    pub fn origin_of(&self, relation: &str, name: &str) -> Option<(RelationId, ColumnId)> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(at) = here.relations.iter().position(|known| known.name == relation) {
                let column = here.columns.iter().find(|column| column.relation == Some(at) && column.name == name)?;
                return here.stored(column);
            }
            scope = here.parent;
        }
        None
    }

    /// Whether a name means a function of plain values, here or further out.
    pub fn is_value(&self, relation: &str) -> bool {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(found) = here.relations.iter().find(|known| known.name == relation) {
                return found.is_value;
            }
            scope = here.parent;
        }
        false
    }

    /// The columns of a relation with their names, if a name in sight means one.
    pub fn whole_row(&self, relation: &str) -> Option<Vec<(String, Expr)>> {
        let mut level = 0_usize;
        let mut scope = Some(self);
        while let Some(here) = scope {
            let is_visible = here.sibling.get().is_none_or(|sibling| sibling.visible && sibling.joinable);
            let at = here.relations.iter().position(|known| known.name == relation).filter(|_| is_visible);
            if let Some(at) = at {
                let columns = here.columns.iter().filter(|column| column.relation == Some(at)).map(|column| {
                    let mut expr = column.expr.clone();
                    if let Some(depth) = level.checked_sub(1) {
                        outward(&mut expr, depth);
                    }
                    (column.name.clone(), expr)
                });
                return Some(columns.collect());
            }
            scope = here.parent;
            level += 1;
        }
        None
    }

    /// The column of a table or a view that a column of such a relation is; none for columns of subqueries.
    pub fn stored(&self, column: &ScopeColumn) -> Option<(RelationId, ColumnId)> {
        let (id, slot) = column.origin?;
        let relation = self.relations.get(column.relation?)?;
        match &relation.table {
            Some(table) if table.id == id => Some((id, table.columns.get(slot)?.id)),
            // Columns of views are never dropped: their positions are their ids.
            None if relation.view == Some(id) => Some((id, ColumnId(u16::try_from(slot + 1).ok()?))),
            _ => None,
        }
    }

    /// What `relation.column` means, here or further out.
    pub fn qualified_column(&self, relation: &str, name: &str) -> Result<ScopeColumn> {
        let found = self.search(&|scope| {
            let Some(at) = scope.relations.iter().position(|known| known.name == relation) else { return Ok(None) };
            let column = scope.columns.iter().find(|column| column.relation == Some(at) && column.name == name);
            column.map(Some).ok_or_else(|| {
                SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column {relation}.{name} does not exist"))
            })
        })?;
        found.ok_or_else(|| self.missing_relation(relation))
    }

    /// Looks level by level; a column found further out is an outer reference.
    fn search(&self, find: &dyn Fn(&Self) -> Result<Option<&ScopeColumn>>) -> Result<Option<ScopeColumn>> {
        let mut level = 0_usize;
        let mut scope = Some(self);
        while let Some(here) = scope {
            let sibling = here.sibling.get();
            let is_visible = sibling.is_none_or(|sibling| sibling.visible);
            if let Some(column) = if is_visible { find(here)? } else { None } {
                if sibling.is_some_and(|sibling| !sibling.joinable) {
                    return Err(here.refuse_lateral(column));
                }
                let mut column = column.clone();
                if let Some(depth) = level.checked_sub(1) {
                    outward(&mut column.expr, depth);
                }
                return Ok(Some(column));
            }
            scope = here.parent;
            level += 1;
        }
        Ok(None)
    }

    fn refuse_lateral(&self, column: &ScopeColumn) -> SqlError {
        let relation = column.relation.and_then(|at| self.relations.get(at));
        let name = relation.map_or("unnamed_join", |relation| relation.name.as_str());
        SqlError::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!("invalid reference to FROM-clause entry for table \"{name}\""),
        )
        .with_detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
    }

    /// What can be said about a bare name that means no column in sight, but one of a relation beside.
    fn hint_at_sibling(&self, name: &str, error: SqlError) -> SqlError {
        let mut scope = Some(self);
        while let Some(here) = scope {
            let column = here.columns.iter().find(|column| column.is_bare && column.name == name);
            let relation = column.and_then(|column| here.relations.get(column.relation?));
            if let (Some(Sibling { visible: false, .. }), Some(relation)) = (here.sibling.get(), relation) {
                return error.with_hint(format!(
                    "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced from this part of the \
                     query.",
                    relation.name
                ));
            }
            scope = here.parent;
        }
        error
    }

    /// The error for a qualifier that no relation in scope has.
    pub fn missing_relation(&self, relation: &str) -> SqlError {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if here.sibling.get().is_some() && here.relations.iter().any(|known| known.name == relation) {
                return SqlError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("invalid reference to FROM-clause entry for table \"{relation}\""),
                )
                .with_hint(format!(
                    "There is an entry for table \"{relation}\", but it cannot be referenced from this part of the query."
                ));
            }
            scope = here.parent;
        }
        let mut scope = Some(self);
        while let Some(here) = scope {
            let is_hidden = |known: &&ScopeRelation| known.table.as_ref().is_some_and(|table| table.name == relation);
            if let Some(alias) = here.relations.iter().find(is_hidden) {
                return SqlError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("invalid reference to FROM-clause entry for table \"{relation}\""),
                )
                .with_hint(format!("Perhaps you meant to reference the table alias \"{}\".", alias.name));
            }
            scope = here.parent;
        }
        SqlError::new(SqlState::UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{relation}\""))
    }

    /// `relation.column` of a position in the row, for messages.
    pub fn name_of(&self, index: usize) -> String {
        let column = self.columns.iter().find(|column| matches!(column.expr, Expr::Column(at, _) if at == index));
        let Some(column) = column else { return "?".to_owned() };
        match column.relation.and_then(|relation| self.relations.get(relation)) {
            Some(relation) => format!("{}.{}", relation.name, column.name),
            None => column.name.clone(),
        }
    }
}

fn outward(expr: &mut Expr, depth: usize) {
    if let Expr::Column(index, data_type) = expr {
        *expr = Expr::Outer { depth, index: *index, data_type: *data_type };
    }
    expr.children_mut().into_iter().for_each(|child| outward(child, depth));
}
