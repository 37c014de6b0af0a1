//! Window functions: OVER, WINDOW, frames.
//!
//! While a SELECT is bound, the k-th call of a window function stands as the column `WINDOW_BASE + k`. Once all is bound,
//! calls with the same partition and order become one [`Window`], and every call gets its place behind the columns that
//! the windows are computed of.

use std::cmp::Ordering;

use heliosdb_storage::value::DataType;
use sqlparser::ast::{self, NamedWindowDefinition, NamedWindowExpr, WindowFrameBound, WindowFrameUnits};

use super::Binder;
use super::aggregate::Suffixes;
use super::call::Arguments;
use super::names::ident;
use super::order::sort_key;
use super::scope::{Place, SET_BASE, Scope, WINDOW_BASE};
use super::tree::{Window, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::aggregate::{self, AggregateKind};
use crate::functions::in_range::offset_type;
use crate::functions::window;
use crate::parse::encoding;
use crate::plan::{Exclusion, Frame, FrameBound, FrameUnits, SortKey, WindowCall, WindowCallee};
use crate::types;
use crate::types::cast::CastContext;

/// What a window is.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    partition: Vec<Expr>,
    order: Vec<SortKey>,
    frame: Frame,
    /// Whether the frame was written.
    is_framed: bool,
}

/// A call that has been found.
#[derive(Clone, Debug)]
pub struct WindowUse {
    partition: Vec<Expr>,
    order: Vec<SortKey>,
    call: WindowCall,
}

impl Place {
    /// What a window function is told here; nothing if it may be called.
    fn refuses_window(self) -> Option<SqlError> {
        let windowing = |message: &str| Some(SqlError::new(SqlState::WINDOWING_ERROR, message));
        match self {
            Self::Targets => None,
            Self::Having => windowing("window functions are not allowed in HAVING"),
            Self::Clause(clause) | Self::Kept(clause) => {
                windowing(&format!("window functions are not allowed in {clause}"))
            }
            Self::Argument => Some(SqlError::new(
                SqlState::GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls",
            )),
            Self::WindowArgument => windowing("window function calls cannot be nested"),
            Self::WindowDefinition => windowing("window functions are not allowed in window definitions"),
        }
    }
}

impl Binder<'_> {
    /// The WINDOW clause.
    pub(super) fn named_windows(&mut self, windows: &[NamedWindowDefinition], scope: &Scope<'_>) -> Result<()> {
        for NamedWindowDefinition(name, definition) in windows {
            let shown = ident(name);
            if scope.named_windows.borrow().iter().any(|(known, _)| *known == shown) {
                let message = format!("window \"{shown}\" is already defined");
                return Err(self.at(name.span, SqlError::new(SqlState::WINDOWING_ERROR, message)));
            }
            let spec = match definition {
                NamedWindowExpr::WindowSpec(spec) => self.window_spec(spec, scope)?,
                NamedWindowExpr::NamedWindow(other) => self.named_window(other, scope)?,
            };
            scope.named_windows.borrow_mut().push((shown, spec));
        }
        Ok(())
    }

    fn named_window(&self, name: &ast::Ident, scope: &Scope<'_>) -> Result<WindowSpec> {
        let shown = ident(name);
        let windows = scope.named_windows.borrow();
        let found = windows.iter().find(|(known, _)| *known == shown).map(|(_, spec)| spec.clone());
        found.ok_or_else(|| {
            let message = format!("window \"{shown}\" does not exist");
            self.at(name.span, SqlError::new(SqlState::UNDEFINED_OBJECT, message))
        })
    }

    fn window_spec(&mut self, spec: &ast::WindowSpec, scope: &Scope<'_>) -> Result<WindowSpec> {
        let place = scope.place.replace(Place::WindowDefinition);
        let bound = self.window_spec_here(spec, scope);
        scope.place.set(place);
        bound
    }

    fn window_spec_here(&mut self, spec: &ast::WindowSpec, scope: &Scope<'_>) -> Result<WindowSpec> {
        let ast::WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        let base = match window_name {
            Some(name) => Some((name, self.named_window(name, scope)?)),
            None => None,
        };
        let mut partition = Vec::with_capacity(partition_by.len());
        for expr in partition_by {
            let bound = self.expr(expr, scope)?;
            partition.push(self.known(bound)?);
        }
        let mut order = Vec::with_capacity(order_by.len());
        for item in order_by {
            let bound = self.expr(&item.expr, scope)?;
            order.push(sort_key(self.known(bound)?, &item.options)?);
        }
        if let Some((name, base)) = base {
            let shown = ident(name);
            let refuse = |message: String| Err(self.at(name.span, SqlError::new(SqlState::WINDOWING_ERROR, message)));
            if !partition.is_empty() {
                return refuse(format!("cannot override PARTITION BY clause of window \"{shown}\""));
            }
            if !order.is_empty() && !base.order.is_empty() {
                return refuse(format!("cannot override ORDER BY clause of window \"{shown}\""));
            }
            if base.is_framed {
                let error = refuse(format!("cannot copy window \"{shown}\" because it has a frame clause"));
                let is_bare = order.is_empty() && window_frame.is_none();
                return match is_bare {
                    true => error.map_err(|e: SqlError| e.with_hint("Omit the parentheses in this OVER clause.")),
                    false => error,
                };
            }
            partition = base.partition;
            if order.is_empty() {
                order = base.order;
            }
        }
        let frame = match window_frame {
            Some(frame) => self.frame(frame, &order, scope)?,
            None => Frame::default(),
        };
        Ok(WindowSpec { partition, order, frame, is_framed: window_frame.is_some() })
    }

    fn frame(&mut self, frame: &ast::WindowFrame, order: &[SortKey], scope: &Scope<'_>) -> Result<Frame> {
        let (units, name) = match frame.units {
            WindowFrameUnits::Rows => (FrameUnits::Rows, "ROWS"),
            WindowFrameUnits::Range => (FrameUnits::Range, "RANGE"),
            WindowFrameUnits::Groups => (FrameUnits::Groups, "GROUPS"),
        };
        if units == FrameUnits::Groups && order.is_empty() {
            let message = "GROUPS mode requires an ORDER BY clause";
            return Err(SqlError::new(SqlState::WINDOWING_ERROR, message));
        }
        let (end, exclusion) = match &frame.end_bound {
            None => (None, Exclusion::NoOthers),
            Some(bound) => encoding::frame_end(bound),
        };
        let start = self.frame_bound(&frame.start_bound, (units, name), order, scope)?;
        let end = match &end {
            None => FrameBound::CurrentRow,
            Some(end) => match self.frame_bound(end, (units, name), order, scope)? {
                FrameBound::UnboundedPreceding => FrameBound::UnboundedFollowing,
                bound => bound,
            },
        };
        Ok(Frame { units, start, end, exclusion })
    }

    fn frame_bound(
        &mut self,
        bound: &WindowFrameBound,
        (units, name): (FrameUnits, &'static str),
        order: &[SortKey],
        scope: &Scope<'_>,
    ) -> Result<FrameBound> {
        let (WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr))) = bound else {
            return Ok(match bound {
                WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
                _ => FrameBound::UnboundedPreceding,
            });
        };
        let place = scope.place.replace(Place::Clause(match units {
            FrameUnits::Rows => "window ROWS",
            FrameUnits::Range => "window RANGE",
            FrameUnits::Groups => "window GROUPS",
        }));
        let offset = self.expr(expr, scope);
        scope.place.set(place);
        let offset = offset?;
        let mut reads_row = false;
        offset.for_each_column(&mut |_| reads_row = true);
        if reads_row {
            let message = format!("argument of {name} must not contain variables");
            return Err(self.at_expr(expr, SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message)));
        }
        let offset = match units {
            FrameUnits::Rows | FrameUnits::Groups => self.count_offset(offset, name),
            FrameUnits::Range => self.range_offset(offset, order),
        };
        let offset = offset.map_err(|error| self.at_expr(expr, error))?;
        Ok(match bound {
            WindowFrameBound::Preceding(_) => FrameBound::Preceding(offset),
            _ => FrameBound::Following(offset),
        })
    }

    fn count_offset(&mut self, offset: Expr, name: &str) -> Result<Expr> {
        let from = offset.data_type();
        if from != DataType::Unknown && !types::cast::can_cast(from, DataType::Int8, CastContext::Assignment) {
            let message = format!("argument of {name} must be type bigint, not type {}", types::name(from, -1));
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        self.coerce(offset, plain(DataType::Int8), CastContext::Assignment)
    }

    fn range_offset(&mut self, offset: Expr, order: &[SortKey]) -> Result<Expr> {
        let [key] = order else {
            let message = "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column";
            return Err(SqlError::new(SqlState::WINDOWING_ERROR, message));
        };
        let (column, from) = (key.expr.data_type(), offset.data_type());
        let refuse = |of: String| {
            let message = format!("RANGE with offset PRECEDING/FOLLOWING is not supported for column type {of}");
            SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        };
        let column_name = types::name(column, -1).to_string();
        let Some(to) = offset_type(column, from) else { return Err(refuse(column_name)) };
        if from != DataType::Unknown && !types::cast::can_cast(from, to, CastContext::Implicit) {
            let error = refuse(format!("{column_name} and offset type {}", types::name(from, -1)));
            return Err(error.with_hint("Cast the offset value to an appropriate type."));
        }
        self.coerce(offset, plain(to), CastContext::Implicit)
    }

    /// A call with OVER.
    pub(super) fn window_call(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        (suffixes, over): (Suffixes<'_>, &ast::WindowType),
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let place = scope.place.replace(Place::WindowArgument);
        let callee = self.window_callee(name, arguments, suffixes, scope);
        scope.place.set(place);
        let (callee, returns) = callee?;
        if let Some(error) = place.refuses_window() {
            return Err(error);
        }
        let spec = match over {
            ast::WindowType::WindowSpec(spec) => self.window_spec(spec, scope)?,
            ast::WindowType::NamedWindow(name) => self.named_window(name, scope)?,
        };
        let WindowSpec { partition, order, frame, is_framed: _ } = spec;
        let new = WindowUse { partition, order, call: WindowCall { callee, frame } };
        let mut uses = scope.windows.borrow_mut();
        let known = uses.iter().position(|known| known.same(&new));
        let at = known.unwrap_or_else(|| {
            uses.push(new);
            uses.len() - 1
        });
        Ok(Expr::Column(WINDOW_BASE + at, returns))
    }

    fn window_callee(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        suffixes: Suffixes<'_>,
        scope: &Scope<'_>,
    ) -> Result<(WindowCallee, DataType)> {
        let unsupported = |what: String| Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, what));
        let kind = aggregate::kind_of(name);
        let is_hypothetical = kind == Some(AggregateKind::Hypothetical) && !arguments.exprs.is_empty();
        if let (Some(function), false) = (window::named(name), is_hypothetical) {
            if arguments.distinct {
                return unsupported("DISTINCT is not implemented for window functions".to_owned());
            }
            if suffixes.filter.is_some() {
                return unsupported("FILTER is not implemented for non-aggregate window functions".to_owned());
            }
            let args: Vec<Expr> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect::<Result<_>>()?;
            let given: Vec<DataType> = args.iter().map(Expr::data_type).collect();
            let resolved = function.resolve(&given, |a, b| self.common_type([a, b], "lag"))?;
            let args: Result<Vec<Expr>> = (args.into_iter().zip(&resolved.args))
                .map(|(arg, to)| self.coerce(arg, plain(*to), CastContext::Implicit))
                .collect();
            let returns = resolved.returns;
            return Ok((WindowCallee::Function { function, args: args?, returns }, returns));
        }
        match kind {
            None => {
                let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            Some(AggregateKind::OrderedSet { .. } | AggregateKind::Hypothetical)
                if !suffixes.within_group.is_empty() =>
            {
                return unsupported(format!("OVER is not supported for ordered-set aggregate {name}"));
            }
            Some(_) => {}
        }
        let call = self.aggregate_call(name, arguments, suffixes, (scope, Place::WindowArgument))?;
        if call.distinct {
            return unsupported("DISTINCT is not implemented for window functions".to_owned());
        }
        if !call.order.is_empty() {
            return unsupported("aggregate ORDER BY is not implemented for window functions".to_owned());
        }
        let returns = call.returns;
        Ok((WindowCallee::Aggregate(call), returns))
    }
}

impl WindowUse {
    /// Every expression of it.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.partition.iter_mut().chain(self.order.iter_mut().map(|key| &mut key.expr)).chain(self.call.exprs_mut())
    }

    fn same_window(&self, other: &Self) -> bool {
        all_same(&self.partition, &other.partition)
            && self.order.len() == other.order.len()
            && self.order.iter().zip(&other.order).all(|(a, b)| a.same(b))
    }

    fn same(&self, other: &Self) -> bool {
        self.same_window(other) && self.call.same(&other.call)
    }

    /// What the rows are sorted by, each once.
    fn keys(&self) -> Vec<SortKey> {
        sort_keys(&self.partition, &self.order)
    }
}

fn all_same(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
}

/// What rows must be sorted by for a window.
pub fn sort_keys(partition: &[Expr], order: &[SortKey]) -> Vec<SortKey> {
    let mut keys: Vec<SortKey> = Vec::with_capacity(partition.len() + order.len());
    let partition = partition.iter().map(|expr| SortKey { expr: expr.clone(), descending: false, nulls_first: false });
    for key in partition.chain(order.iter().cloned()) {
        if !keys.iter().any(|known| known.expr.same(&key.expr)) {
            keys.push(key);
        }
    }
    keys
}

/// The windows of the calls, in the order in which they are computed, with the column of each call set in the
/// expressions. `width` is that of the row that they are computed of, `first` the expressions that the clauses before
/// WINDOW have named: as in PostgreSQL the order of the windows depends on them.
pub(super) fn finish<'e>(
    uses: Vec<WindowUse>,
    width: usize,
    first: Vec<Expr>,
    exprs: impl Iterator<Item = &'e mut Expr>,
) -> Vec<Window> {
    let mut named = first;
    let mut groups: Vec<(Vec<SortKey>, Vec<usize>)> = Vec::new();
    for (at, new) in uses.iter().enumerate() {
        for key in new.keys() {
            if !named.iter().any(|known| known.same(&key.expr)) {
                named.push(key.expr);
            }
        }
        let known = groups.iter_mut().find(|(_, members)| {
            members.first().and_then(|first| uses.get(*first)).is_some_and(|first| first.same_window(new))
        });
        match known {
            Some((_, members)) => members.push(at),
            None => groups.push((new.keys(), vec![at])),
        }
    }
    let rank = |expr: &Expr| named.iter().position(|known| known.same(expr)).unwrap_or(usize::MAX);
    groups.sort_by(|(a, _), (b, _)| {
        let by_keys = (a.iter().zip(b)).map(|(a, b)| {
            let direction = b.descending.cmp(&a.descending).then(b.nulls_first.cmp(&a.nulls_first));
            rank(&b.expr).cmp(&rank(&a.expr)).then(direction)
        });
        by_keys.fold(Ordering::Equal, Ordering::then).then(b.len().cmp(&a.len()))
    });
    let mut places = vec![0; uses.len()];
    for (next, at) in (width..).zip(groups.iter().flat_map(|(_, members)| members)) {
        if let Some(place) = places.get_mut(*at) {
            *place = next;
        }
    }
    for expr in exprs {
        expr.map_columns(&mut |index| match index {
            WINDOW_BASE..SET_BASE => places.get(index - WINDOW_BASE).copied().unwrap_or(index),
            index => index,
        });
    }
    let window = |members: Vec<usize>| {
        let mut members = members.into_iter().filter_map(|at| uses.get(at));
        let first = members.next()?;
        let calls = std::iter::once(first).chain(members).map(|member| member.call.clone()).collect();
        Some(Window { partition: first.partition.clone(), order: first.order.clone(), calls })
    };
    groups.into_iter().filter_map(|(_, members)| window(members)).collect()
}
