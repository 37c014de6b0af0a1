//! Numbers of sequences.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_storage::catalog::{SequenceDef, SequencePlace, SequenceValue};
use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{RelationId, Store};
use parking_lot::Mutex;

use super::{ScalarFunction, bad_arguments, quote_ident};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::session::settings::Setting;
use crate::types::reg::name_parts;

const T: DataType = DataType::Text;
const L: DataType = DataType::Int8;
const B: DataType = DataType::Bool;
const R: DataType = DataType::RegClass;
const O: DataType = DataType::Oid;

/// How many sequences a session remembers its last numbers of; beyond that it forgets them all.
const MAX_REMEMBERED: usize = 10_000;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("nextval", &[R], L, nextval).volatile(),
    ScalarFunction::new("currval", &[R], L, currval).volatile(),
    ScalarFunction::new("lastval", &[], L, lastval).volatile(),
    ScalarFunction::new("setval", &[R, L], L, setval).volatile(),
    ScalarFunction::new("setval", &[R, L, B], L, setval).volatile(),
    ScalarFunction::new("pg_get_serial_sequence", &[T, T], T, serial_sequence).stable(),
    ScalarFunction::new("pg_sequence_last_value", &[R], L, pg_sequence_last_value).volatile(),
];

/// The columns of a sequence when it is read as a table; they take its oid.
pub static COLUMNS: [ScalarFunction; 3] = [
    ScalarFunction::new("last_value", &[O], L, |ctx, args| Ok(Value::Int8(stand(ctx, args)?.0.last))).volatile(),
    ScalarFunction::new("log_cnt", &[O], L, |ctx, args| Ok(Value::Int8(stand(ctx, args)?.1))).volatile(),
    ScalarFunction::new("is_called", &[O], B, |ctx, args| Ok(Value::Bool(stand(ctx, args)?.0.is_called))).volatile(),
];

/// What a session knows of sequences.
#[derive(Default)]
pub struct SequenceSession {
    /// Where the numbers are; none where expressions are evaluated outside of a session.
    pub store: Option<Arc<Store>>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    given: HashMap<RelationId, (SequencePlace, i64)>,
    last: Option<RelationId>,
}

impl std::fmt::Debug for SequenceSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SequenceSession")
    }
}

impl SequenceSession {
    /// A session over a store.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store: Some(store), memory: Mutex::default() }
    }

    /// Forgets which numbers the session got: DISCARD SEQUENCES.
    pub fn forget(&self) {
        *self.memory.lock() = Memory::default();
    }

    fn store(&self) -> Result<&Store> {
        self.store.as_deref().ok_or_else(|| SqlError::unsupported("a sequence here"))
    }
}

fn sequence<'a>(ctx: &EvalContext<'a>, oid: u32, name: &str) -> Result<&'a Arc<SequenceDef>> {
    let id = RelationId(oid);
    ctx.time.catalog.sequence(id).ok_or_else(|| {
        if ctx.time.catalog.object(id.into()).is_some() {
            SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a sequence"))
        } else {
            SqlError::new(SqlState::UNDEFINED_TABLE, format!("could not open relation with OID {oid}"))
        }
    })
}

/// The sequence that an argument names.
fn named<'a>(
    ctx: &EvalContext<'a>,
    arg: Option<&Value>,
    function: &str,
    args: &[Value],
) -> Result<&'a Arc<SequenceDef>> {
    let Some(Value::Reg(object)) = arg else { return Err(bad_arguments(function, args)) };
    sequence(ctx, object.oid, &object.name)
}

fn check_writable(ctx: &EvalContext<'_>, function: &str) -> Result<()> {
    if ctx.session.settings().is_on(Setting::TransactionReadOnly) {
        return Err(crate::session::read_only_transaction(&format!("{function}()")));
    }
    Ok(())
}

fn nextval(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let sequence = named(ctx, args.first(), "nextval", args)?;
    check_writable(ctx, "nextval")?;
    let number = ctx.session.sequences.store()?.next_number(sequence)?;
    let mut memory = ctx.session.sequences.memory.lock();
    if memory.given.len() >= MAX_REMEMBERED && !memory.given.contains_key(&sequence.id) {
        memory.given.clear();
    }
    memory.given.insert(sequence.id, (sequence.place, number));
    memory.last = Some(sequence.id);
    Ok(Value::Int8(number))
}

fn currval(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let sequence = named(ctx, args.first(), "currval", args)?;
    match ctx.session.sequences.memory.lock().given.get(&sequence.id) {
        Some((_, number)) => Ok(Value::Int8(*number)),
        None => Err(SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("currval of sequence \"{}\" is not yet defined in this session", sequence.name),
        )),
    }
}

fn lastval(ctx: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    let memory = ctx.session.sequences.memory.lock();
    let live = memory.last.filter(|id| ctx.time.catalog.sequence(*id).is_some());
    match live.and_then(|id| memory.given.get(&id)) {
        Some((_, number)) => Ok(Value::Int8(*number)),
        None => {
            Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session"))
        }
    }
}

fn setval(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let sequence = named(ctx, args.first(), "setval", args)?;
    let (last, is_called) = match args {
        [_, Value::Int8(last)] => (*last, true),
        [_, Value::Int8(last), Value::Bool(is_called)] => (*last, *is_called),
        _ => return Err(bad_arguments("setval", args)),
    };
    check_writable(ctx, "setval")?;
    let options = &sequence.options;
    if !(options.min..=options.max).contains(&last) {
        return Err(SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!(
                "setval: value {last} is out of bounds for sequence \"{}\" ({}..{})",
                sequence.name, options.min, options.max
            ),
        ));
    }
    ctx.session.sequences.store()?.set_number(sequence, SequenceValue { last, is_called })?;
    if is_called {
        let mut memory = ctx.session.sequences.memory.lock();
        memory.given.insert(sequence.id, (sequence.place, last));
        // PostgreSQL's lastval() gives what nextval or setval gave last.
        memory.last.get_or_insert(sequence.id);
    }
    Ok(Value::Int8(last))
}

fn stand(ctx: &EvalContext<'_>, args: &[Value]) -> Result<(SequenceValue, i64)> {
    let [Value::Oid(oid)] = args else { return Err(bad_arguments("a column of a sequence", args)) };
    Ok(ctx.session.sequences.store()?.sequence_value(sequence(ctx, *oid, "")?)?)
}

fn pg_sequence_last_value(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let sequence = named(ctx, args.first(), "pg_sequence_last_value", args)?;
    let (value, _) = ctx.session.sequences.store()?.sequence_value(sequence)?;
    Ok(if value.is_called { Value::Int8(value.last) } else { Value::Null })
}

fn serial_sequence(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(table), Value::Text(column)] = args else {
        return Err(bad_arguments("pg_get_serial_sequence", args));
    };
    let mut parts = name_parts(table)?;
    let name = parts.pop().unwrap_or_default();
    let name = QualifiedName { schema: parts.pop(), name };
    let catalog = &ctx.time.catalog;
    let found = ctx.session.path.find(&name, |schema| catalog.table(schema, &name.name));
    let table =
        found.ok_or_else(|| SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))?;
    let definition = table.slot(column).and_then(|slot| table.columns.get(slot)).ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
        )
    })?;
    let owned = catalog
        .sequences()
        .find(|s| s.owner.is_some_and(|owner| owner.table == table.id && owner.column == definition.id));
    Ok(owned.map_or(Value::Null, |sequence| {
        Value::text(format!("{}.{}", quote_ident(&sequence.schema), quote_ident(&sequence.name)))
    }))
}
