//! Aggregates.
//!
//! A family registers its aggregates in a table that is listed in `FAMILIES`. An aggregate is a type that takes the
//! arguments of one row after the other ([`Accumulator`]); the table tells its name and its types.
//!
//! | module | what |
//! |---|---|
//! | `counting` | count, bool_and, bool_or, every, bit_and, bit_or, bit_xor |
//! | `sums` | sum, avg |
//! | `extremes` | min, max |
//! | `collect` | array_agg, string_agg, json_agg and its kin |
//! | `statistics`, `regression` | variances and deviations; functions of two variables |
//! | `ordered_set` | percentiles, mode, rank of a row that is not there |

mod collect;
mod counting;
mod extremes;
mod ordered_set;
mod regression;
mod statistics;
mod sums;

use std::collections::HashMap;
use std::sync::LazyLock;

use heliosdb_storage::value::{DataType, Value};

use super::polymorphic::{self, undetermined};
use super::resolution::{Choice, Signature, choose, no_function, several_functions};
use crate::error::Result;
use crate::plan::SortKey;

/// An aggregate function.
#[derive(Debug)]
pub struct AggregateFunction {
    /// Its name.
    pub name: &'static str,
    /// Whether it has WITHIN GROUP.
    pub kind: AggregateKind,
    /// The types of its arguments, pseudo-types among them; `Unknown` stands for any type, taken as it is. Empty for
    /// `count(*)`. With WITHIN GROUP the direct ones come first.
    pub args: &'static [DataType],
    /// The type of its result.
    pub returns: DataType,
    /// Whether the order of its input tells.
    pub is_ordered: bool,
    /// A new accumulator for one group.
    pub new: fn(&CallShape<'_>) -> Box<dyn Accumulator>,
}

/// Whether an aggregate has WITHIN GROUP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AggregateKind {
    /// It has none.
    Plain,
    /// It is computed of the rows in order, by so many direct arguments.
    OrderedSet {
        /// How many.
        direct: usize,
    },
    /// It tells where a row would stand among the others: one direct argument for each column of the order.
    Hypothetical,
}

/// What a call of an aggregate says of it besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct CallShape<'c> {
    /// The type of the result.
    pub returns: DataType,
    /// The order of the input.
    pub order: &'c [SortKey],
}

/// What an aggregate has seen of one group.
pub trait Accumulator: Send {
    /// Takes the arguments of one row, NULLs included.
    fn add(&mut self, args: &[Value]) -> Result<()>;

    /// The result of the rows so far; more may follow.
    fn finish(&mut self) -> Result<Value>;

    /// Takes back the arguments of the row that was added first, for frames that move; false if that cannot be done.
    fn remove(&mut self, _args: &[Value]) -> Result<bool> {
        Ok(false)
    }

    /// How many bytes it has come to keep since this was asked the last time.
    fn kept(&mut self) -> usize {
        0
    }
}

/// All families of aggregates.
static FAMILIES: &[&[AggregateFunction]] = &[
    counting::AGGREGATES,
    sums::AGGREGATES,
    extremes::AGGREGATES,
    collect::AGGREGATES,
    statistics::AGGREGATES,
    regression::AGGREGATES,
    regression::COUNT,
    ordered_set::AGGREGATES,
];

impl AggregateFunction {
    /// A plain aggregate that does not care about the order of its input.
    const fn new<A: Accumulator + Default + 'static>(
        name: &'static str,
        args: &'static [DataType],
        returns: DataType,
    ) -> Self {
        let new: fn(&CallShape<'_>) -> Box<dyn Accumulator> = |_| Box::new(A::default());
        Self { name, kind: AggregateKind::Plain, args, returns, is_ordered: false, new }
    }

    /// The order of its input tells.
    const fn ordered(mut self) -> Self {
        self.is_ordered = true;
        self
    }

    /// With WITHIN GROUP, and so many direct arguments.
    const fn ordered_set(mut self, direct: usize) -> Self {
        self.kind = AggregateKind::OrderedSet { direct };
        self.is_ordered = true;
        self
    }
}

/// An aggregate that fits a call: what its arguments are to become, and what it returns.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The aggregate.
    pub function: &'static AggregateFunction,
    /// The types of its arguments; `Unknown` where any will do.
    pub args: Vec<DataType>,
    /// The type of its result.
    pub returns: DataType,
}

/// The kind of the aggregates of a name; none if there are none. A call of such a name is a call of an aggregate, whatever
/// its arguments.
pub fn kind_of(name: &str) -> Option<AggregateKind> {
    BY_NAME.get(name).and_then(|named| named.first()).map(|first| first.kind)
}

/// Whether there is an aggregate of that name.
pub fn is_aggregate(name: &str) -> bool {
    BY_NAME.contains_key(name)
}

/// The aggregate that a call names; no argument types for `count(*)`.
pub fn resolve(name: &str, args: &[DataType]) -> Result<Resolved> {
    let named = BY_NAME.get(name).map_or(&[][..], Vec::as_slice);
    if let [only] = named
        && only.kind == AggregateKind::Hypothetical
    {
        return Ok(Resolved { function: only, args: vec![DataType::Unknown; args.len()], returns: only.returns });
    }
    let candidates = named.iter().copied().filter(|f| f.args.len() == args.len()).map(Candidate).collect();
    let function = match choose(candidates, args) {
        Choice::One(candidate) => candidate.0,
        Choice::None => return Err(no_function(None, name, args)),
        Choice::Several => return Err(several_functions(None, name, args)),
    };
    let resolved = polymorphic::resolve(function.args.iter().copied(), args).ok_or_else(undetermined)?;
    let known = |declared: DataType| resolved.apply(declared).ok_or_else(undetermined);
    let types = function.args.iter().map(|declared| known(*declared)).collect::<Result<_>>()?;
    Ok(Resolved { function, args: types, returns: known(function.returns)? })
}

#[derive(Clone, Copy)]
struct Candidate(&'static AggregateFunction);

impl Signature for Candidate {
    fn arg(&self, index: usize) -> DataType {
        self.0.args.get(index).copied().unwrap_or(DataType::Unknown)
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static AggregateFunction>>> = LazyLock::new(|| {
    let mut map: HashMap<&'static str, Vec<&'static AggregateFunction>> = HashMap::new();
    for aggregate in FAMILIES.iter().copied().flatten() {
        map.entry(aggregate.name).or_default().push(aggregate);
    }
    map
});

#[cfg(test)]
mod tests;
