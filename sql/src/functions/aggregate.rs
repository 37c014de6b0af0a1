//! Aggregates.

use std::collections::HashMap;
use std::sync::LazyLock;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use heliosdb_storage::value::{DataType, Numeric, Value};

use super::collect::{ArrayAgg, ArrayAggOfArrays, JsonAgg, JsonObjectAgg, JsonbAgg, JsonbObjectAgg};
use super::resolution::{Choice, Signature, choose, no_function, several_functions};
use super::{Comparison, bad_arguments, float, numeric};
use crate::error::Result;
use crate::eval::compare;
use crate::types::MAX_VALUE_BYTES;
use crate::types::cast::out_of_range;
use crate::types::input::too_long;

/// An aggregate function.
#[derive(Debug)]
pub struct AggregateFunction {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments; `Unknown` stands for any type, taken as it is. Empty for `count(*)`.
    pub args: &'static [DataType],
    /// The type of its result.
    pub returns: DataType,
    /// A new accumulator for one group.
    pub new: fn() -> Box<dyn Accumulator>,
}

/// What an aggregate has seen of one group.
pub trait Accumulator: Send {
    /// Takes the arguments of one row, NULLs included.
    fn add(&mut self, args: &[Value]) -> Result<()>;
    /// The result of the rows so far; more may follow.
    fn finish(&mut self) -> Result<Value>;
}

/// Whether there is an aggregate of that name: then a call of it is one, whatever its arguments.
pub fn is_aggregate(name: &str) -> bool {
    BY_NAME.contains_key(name)
}

/// The aggregate that a call names; no argument types for `count(*)`.
pub fn resolve(name: &str, args: &[DataType]) -> Result<&'static AggregateFunction> {
    let named = BY_NAME.get(name).map_or(&[][..], Vec::as_slice);
    let candidates = named.iter().copied().filter(|f| f.args.len() == args.len()).map(Candidate).collect();
    match choose(candidates, args) {
        Choice::One(candidate) => Ok(candidate.0),
        Choice::None => Err(no_function(None, name, args)),
        Choice::Several => Err(several_functions(None, name, args)),
    }
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
    for aggregate in AGGREGATES.iter().chain(EXTREMES) {
        map.entry(aggregate.name).or_default().push(aggregate);
    }
    map
});

const fn aggregate<A: Accumulator + Default + 'static>(
    name: &'static str,
    args: &'static [DataType],
    returns: DataType,
) -> AggregateFunction {
    AggregateFunction { name, args, returns, new: || Box::new(A::default()) }
}

use DataType::{Bool, Float8, Int2, Int4, Int8, Numeric as Decimal, Text, Unknown};

/// All but `min` and `max`.
pub static AGGREGATES: &[AggregateFunction] = &[
    aggregate::<CountRows>("count", &[], Int8),
    aggregate::<Count>("count", &[Unknown], Int8),
    aggregate::<SumToInt8>("sum", &[Int2], Int8),
    aggregate::<SumToInt8>("sum", &[Int4], Int8),
    aggregate::<SumInt8>("sum", &[Int8], Decimal),
    aggregate::<SumNumeric>("sum", &[Decimal], Decimal),
    aggregate::<SumFloat8>("sum", &[Float8], Float8),
    aggregate::<AverageInt>("avg", &[Int2], Decimal),
    aggregate::<AverageInt>("avg", &[Int4], Decimal),
    aggregate::<AverageInt>("avg", &[Int8], Decimal),
    aggregate::<AverageNumeric>("avg", &[Decimal], Decimal),
    aggregate::<AverageFloat8>("avg", &[Float8], Float8),
    aggregate::<All>("bool_and", &[Bool], Bool),
    aggregate::<All>("every", &[Bool], Bool),
    aggregate::<Any>("bool_or", &[Bool], Bool),
    aggregate::<StringAgg>("string_agg", &[Text, Text], Text),
    aggregate::<ArrayAgg>("array_agg", &[DataType::AnyNonArray], DataType::AnyArray),
    aggregate::<ArrayAggOfArrays>("array_agg", &[DataType::AnyArray], DataType::AnyArray),
    aggregate::<JsonAgg>("json_agg", &[Unknown], DataType::Json),
    aggregate::<JsonbAgg>("jsonb_agg", &[Unknown], DataType::Jsonb),
    aggregate::<JsonObjectAgg>("json_object_agg", &[Unknown, Unknown], DataType::Json),
    aggregate::<JsonbObjectAgg>("jsonb_object_agg", &[Unknown, Unknown], DataType::Jsonb),
];

macro_rules! extremes {
    ($($data_type:ident),*) => {
        /// `min` and `max` of the types that have an order among PostgreSQL's aggregates.
        pub static EXTREMES: &[AggregateFunction] = &[$(
            aggregate::<Min>("min", &[DataType::$data_type], DataType::$data_type),
            aggregate::<Max>("max", &[DataType::$data_type], DataType::$data_type),
        )*];
    };
}

extremes![Int2, Int4, Int8, Float8, Numeric, Text, Oid, Date, TimestampTz];

/// A whole number of any width; none for NULL.
fn integer(args: &[Value]) -> Result<Option<i64>> {
    match args {
        [Value::Null] => Ok(None),
        [Value::Int2(n)] => Ok(Some(i64::from(*n))),
        [Value::Int4(n)] => Ok(Some(i64::from(*n))),
        [Value::Int8(n)] => Ok(Some(*n)),
        _ => Err(bad_arguments("an aggregate of integers", args)),
    }
}

fn decimal(n: impl Into<BigInt>) -> BigDecimal {
    BigDecimal::new(n.into(), 0)
}

fn numeric_value(n: Numeric) -> Value {
    Value::Numeric(Box::new(n))
}

/// `count(*)`
#[derive(Default)]
struct CountRows(i64);

impl Accumulator for CountRows {
    fn add(&mut self, _: &[Value]) -> Result<()> {
        self.0 = self.0.saturating_add(1);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }
}

/// `count(x)`
#[derive(Default)]
struct Count(i64);

impl Accumulator for Count {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if !args.iter().any(Value::is_null) {
            self.0 = self.0.saturating_add(1);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }
}

/// `sum` of two and four bytes, in eight.
#[derive(Default)]
struct SumToInt8(Option<i64>);

impl Accumulator for SumToInt8 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(n) = integer(args)? {
            self.0 = Some(self.0.unwrap_or(0).checked_add(n).ok_or_else(|| out_of_range(Int8))?);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Int8))
    }
}

/// `sum` of eight bytes, without bound. 2^63 rows fit into sixteen bytes.
#[derive(Default)]
struct SumInt8(Option<i128>);

impl Accumulator for SumInt8 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(n) = integer(args)? {
            self.0 = Some(self.0.unwrap_or(0).saturating_add(i128::from(n)));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, |sum| numeric_value(Numeric::Finite(decimal(sum)))))
    }
}

/// `avg` of whole numbers.
#[derive(Default)]
struct AverageInt {
    sum: i128,
    count: i64,
}

impl Accumulator for AverageInt {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(n) = integer(args)? {
            self.sum = self.sum.saturating_add(i128::from(n));
            self.count = self.count.saturating_add(1);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let average = numeric::divide(&decimal(self.sum), &decimal(self.count))?;
        Ok(numeric_value(Numeric::Finite(average)))
    }
}

/// Sum and count of decimals; NaN makes the sum NaN.
#[derive(Default)]
struct NumericSum {
    sum: Option<BigDecimal>,
    has_nan: bool,
    count: i64,
}

impl NumericSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Numeric(n)] => n,
            _ => return Err(bad_arguments("an aggregate of numeric", args)),
        };
        self.count = self.count.saturating_add(1);
        match (n.as_ref(), &self.sum) {
            (Numeric::NaN, _) => self.has_nan = true,
            (Numeric::Finite(n), None) => self.sum = Some(n.clone()),
            (Numeric::Finite(n), Some(sum)) => self.sum = Some(numeric::add(sum, n)?),
        }
        Ok(())
    }

    fn result(&self, finish: impl Fn(&BigDecimal) -> Result<BigDecimal>) -> Result<Value> {
        match &self.sum {
            _ if self.has_nan => Ok(numeric_value(Numeric::NaN)),
            None => Ok(Value::Null),
            Some(sum) => finish(sum).map(|n| numeric_value(Numeric::Finite(n))),
        }
    }
}

#[derive(Default)]
struct SumNumeric(NumericSum);

impl Accumulator for SumNumeric {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.result(|sum| Ok(sum.clone()))
    }
}

#[derive(Default)]
struct AverageNumeric(NumericSum);

impl Accumulator for AverageNumeric {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.result(|sum| numeric::divide(sum, &decimal(self.0.count)))
    }
}

/// Sum and count of doubles.
#[derive(Default)]
struct FloatSum {
    sum: f64,
    count: u32,
    /// Rows beyond what `count` can hold; an average over them divides by more.
    further: f64,
}

impl FloatSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Float8(n)] => *n,
            _ => return Err(bad_arguments("an aggregate of double precision", args)),
        };
        match self.count.checked_add(1) {
            Some(count) => self.count = count,
            None => self.further += 1.0,
        }
        self.sum = float::checked(self.sum + n, self.sum.is_infinite() || n.is_infinite(), true)?;
        Ok(())
    }
}

#[derive(Default)]
struct SumFloat8(FloatSum);

impl Accumulator for SumFloat8 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(if self.0.count == 0 { Value::Null } else { Value::Float8(self.0.sum) })
    }
}

#[derive(Default)]
struct AverageFloat8(FloatSum);

impl Accumulator for AverageFloat8 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        let rows = f64::from(self.0.count) + self.0.further;
        Ok(if self.0.count == 0 { Value::Null } else { Value::Float8(self.0.sum / rows) })
    }
}

/// Keeps the first of equal values.
fn keep_if(best: &mut Option<Value>, args: &[Value], wanted: Comparison) -> Result<()> {
    let [value] = args else { return Err(bad_arguments("min or max", args)) };
    if !value.is_null() && best.as_ref().is_none_or(|best| wanted.holds(compare(value, best))) {
        *best = Some(value.clone());
    }
    Ok(())
}

#[derive(Default)]
struct Min(Option<Value>);

impl Accumulator for Min {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        keep_if(&mut self.0, args, Comparison::Lt)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.clone().unwrap_or(Value::Null))
    }
}

#[derive(Default)]
struct Max(Option<Value>);

impl Accumulator for Max {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        keep_if(&mut self.0, args, Comparison::Gt)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.clone().unwrap_or(Value::Null))
    }
}

fn boolean(args: &[Value]) -> Result<Option<bool>> {
    match args {
        [Value::Null] => Ok(None),
        [Value::Bool(b)] => Ok(Some(*b)),
        _ => Err(bad_arguments("an aggregate of booleans", args)),
    }
}

/// `bool_and`
#[derive(Default)]
struct All(Option<bool>);

impl Accumulator for All {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(b) = boolean(args)? {
            self.0 = Some(self.0.unwrap_or(true) && b);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Bool))
    }
}

/// `bool_or`
#[derive(Default)]
struct Any(Option<bool>);

impl Accumulator for Any {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(b) = boolean(args)? {
            self.0 = Some(self.0.unwrap_or(false) || b);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Bool))
    }
}

/// `string_agg`: each row's delimiter stands before its text, the first one's nowhere.
#[derive(Default)]
struct StringAgg(Option<String>);

impl Accumulator for StringAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let (text, delimiter) = match args {
            [Value::Null, _] => return Ok(()),
            [Value::Text(text), Value::Text(delimiter)] => (text, &**delimiter),
            [Value::Text(text), Value::Null] => (text, ""),
            _ => return Err(bad_arguments("string_agg", args)),
        };
        match &mut self.0 {
            None => self.0 = Some(text.to_string()),
            Some(joined) => {
                if joined.len() + delimiter.len() + text.len() > MAX_VALUE_BYTES {
                    return Err(too_long());
                }
                joined.push_str(delimiter);
                joined.push_str(text);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.as_deref().map_or(Value::Null, Value::text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ValueContext, parse_text, to_text};
    use heliosdb_storage::value::ColumnType;

    fn run(name: &str, data_type: DataType, inputs: &[&str]) -> String {
        let aggregate = resolve(name, &[data_type]).unwrap();
        let mut accumulator = (aggregate.new)();
        let utc = ValueContext::utc();
        for input in inputs {
            let value = match *input {
                "null" => Value::Null,
                text => parse_text(text, ColumnType { data_type, typmod: -1 }, &utc).unwrap(),
            };
            accumulator.add(&[value]).unwrap();
        }
        match accumulator.finish().unwrap() {
            Value::Null => "null".to_owned(),
            value => to_text(&value, aggregate.returns, &utc),
        }
    }

    #[test]
    fn results_are_those_of_postgresql() {
        let cases: [(&str, DataType, &[&str], &str); 20] = [
            ("sum", Int4, &["1", "null", "2"], "3"),
            ("sum", Int4, &["null"], "null"),
            ("sum", Int4, &[], "null"),
            ("sum", Int8, &["9223372036854775807", "9223372036854775807"], "18446744073709551614"),
            ("sum", Decimal, &["1.50", "2.5"], "4.00"),
            ("sum", Decimal, &["1", "NaN"], "NaN"),
            ("sum", Float8, &["1.5", "2"], "3.5"),
            ("avg", Int4, &["1", "2", "2"], "1.6666666666666667"),
            ("avg", Int8, &["1", "2"], "1.5000000000000000"),
            ("avg", Decimal, &["1.50", "2.5"], "2.0000000000000000"),
            ("avg", Float8, &["1", "2"], "1.5"),
            ("avg", Int4, &[], "null"),
            ("min", Text, &["b", "null", "a"], "a"),
            ("max", DataType::Date, &["2024-01-01", "infinity"], "infinity"),
            ("max", Float8, &["1", "NaN", "Infinity"], "NaN"),
            ("count", Text, &["a", "null"], "1"),
            ("bool_and", Bool, &["t", "null", "f"], "f"),
            ("bool_or", Bool, &["f", "null"], "f"),
            ("every", Bool, &["null"], "null"),
            ("min", Int4, &[], "null"),
        ];
        for (name, data_type, inputs, expected) in cases {
            assert_eq!(run(name, data_type, inputs), expected, "{name}({data_type:?}) of {inputs:?}");
        }
    }

    #[test]
    fn types_and_refusals() {
        assert_eq!(resolve("sum", &[Int4]).unwrap().returns, Int8);
        assert_eq!(resolve("sum", &[Int8]).unwrap().returns, Decimal);
        assert_eq!(resolve("min", &[DataType::Varchar]).unwrap().returns, Text);
        assert_eq!(resolve("count", &[]).unwrap().args.len(), 0);
        assert_eq!(resolve("sum", &[Text]).unwrap_err().message, "function sum(text) does not exist");
        assert_eq!(resolve("max", &[Bool]).unwrap_err().state.0, "42883");
        assert!(is_aggregate("count") && !is_aggregate("abs"));
        let mut sum = (resolve("sum", &[Int4]).unwrap().new)();
        sum.add(&[Value::Int8(i64::MAX)]).unwrap();
        assert_eq!(sum.add(&[Value::Int4(1)]).unwrap_err().message, "bigint out of range");
    }

    #[test]
    fn strings_are_joined() {
        let mut joined = (resolve("string_agg", &[Text, Unknown]).unwrap().new)();
        for text in [Value::text("a"), Value::Null, Value::text("b")] {
            joined.add(&[text, Value::text(", ")]).unwrap();
        }
        assert_eq!(joined.finish().unwrap(), Value::text("a, b"));
    }
}
