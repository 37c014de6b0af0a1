//! `enum_first`, `enum_last`, `enum_range`: what an enum has, told by the type of the argument.

use std::sync::Arc;

use heliosdb_storage::Oid;
use heliosdb_storage::catalog::EnumDef;
use heliosdb_storage::value::{Array, DataType, EnumLabel, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

const O: DataType = DataType::Oid;
const E: DataType = DataType::AnyEnum;

/// The functions; their first argument is the oid of the enum, which the binder adds.
static FUNCTIONS: [ScalarFunction; 4] = [
    ScalarFunction::new("enum_first", &[O, E], E, |ctx, args| end(ctx, args, false)).called_on_null().stable(),
    ScalarFunction::new("enum_last", &[O, E], E, |ctx, args| end(ctx, args, true)).called_on_null().stable(),
    ScalarFunction::new("enum_range", &[O, E], DataType::AnyArray, range).called_on_null().stable(),
    ScalarFunction::new("enum_range", &[O, E, E], DataType::AnyArray, range).called_on_null().stable(),
];

/// The function of a name for so many arguments of an enum.
pub fn named(name: &str, count: usize) -> Option<&'static ScalarFunction> {
    FUNCTIONS.iter().find(|function| function.name == name && function.args.len() == count + 1)
}

fn definition<'a>(ctx: &EvalContext<'a>, args: &[Value]) -> Result<&'a Arc<EnumDef>> {
    let Some(Value::Oid(id)) = args.first() else { return Err(bad_arguments("a function of an enum", args)) };
    ctx.time
        .catalog
        .enum_type(Oid(*id))
        .ok_or_else(|| SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type with OID {id} does not exist")))
}

fn labels(definition: &EnumDef) -> impl DoubleEndedIterator<Item = Value> {
    definition.labels.iter().map(|value| {
        let label = value.label.as_str().into();
        Value::Enum(Arc::new(EnumLabel { enum_type: definition.id.0, order: value.order, label }))
    })
}

fn end(ctx: &EvalContext<'_>, args: &[Value], last: bool) -> Result<Value> {
    let definition = definition(ctx, args)?;
    let mut all = labels(definition);
    let found = if last { all.next_back() } else { all.next() };
    found.ok_or_else(|| {
        SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("enum {} contains no values", definition.name),
        )
    })
}

fn range(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let definition = definition(ctx, args)?;
    let (low, high) = match args {
        [_, low, high] => (low, high),
        _ => (&Value::Null, &Value::Null),
    };
    let within = |value: &Value| {
        (low.is_null() || value.compare(low).is_ge()) && (high.is_null() || value.compare(high).is_le())
    };
    let values = labels(definition).filter(within).collect();
    Ok(Value::Array(Arc::new(Array::new(DataType::Enum(definition.id.0), values))))
}
