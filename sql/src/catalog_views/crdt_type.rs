//! CRDT types as rows of `pg_type`: domains over what they read as.

use heliosdb_storage::catalog::{ColumnDef, CrdtType};
use heliosdb_storage::value::DataType;

use crate::types::names;

const G_COUNTER: u32 = 15_001;
const PN_COUNTER: u32 = 15_002;
/// The oids of `lww(T)` count from here, by the place of T in [`LWW_BASES`].
const FIRST_LWW: u32 = 15_100;

/// The types that `lww` can be over. New ones come last: the oids are by place.
const LWW_BASES: &[DataType] = &[
    DataType::Bool,
    DataType::Char,
    DataType::Name,
    DataType::Int8,
    DataType::Int2,
    DataType::Int4,
    DataType::Text,
    DataType::Oid,
    DataType::Float8,
    DataType::Varchar,
    DataType::Date,
    DataType::TimestampTz,
    DataType::Numeric,
    DataType::Uuid,
    DataType::Jsonb,
    DataType::Float4,
    DataType::Bpchar,
    DataType::Bytea,
    DataType::Time,
    DataType::TimeTz,
    DataType::Timestamp,
    DataType::Interval,
    DataType::Json,
];

/// A CRDT type with what it reads as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrdtTypeRow {
    /// Its oid.
    pub oid: u32,
    /// The CRDT.
    pub crdt: CrdtType,
    /// What it reads as.
    pub base: DataType,
}

/// All CRDT types.
pub fn all() -> impl Iterator<Item = CrdtTypeRow> {
    let counters = [(G_COUNTER, CrdtType::GCounter), (PN_COUNTER, CrdtType::PnCounter)];
    let counters = counters.into_iter().map(|(oid, crdt)| CrdtTypeRow { oid, crdt, base: DataType::Int8 });
    let registers = (FIRST_LWW..).zip(LWW_BASES.iter().copied());
    counters.chain(registers.map(|(oid, base)| CrdtTypeRow { oid, crdt: CrdtType::Lww, base }))
}

impl CrdtTypeRow {
    /// What `format_type` prints.
    pub fn name(&self) -> String {
        match self.crdt {
            CrdtType::GCounter => "g_counter".to_owned(),
            CrdtType::PnCounter => "pn_counter".to_owned(),
            CrdtType::Lww => format!("lww({})", names::name(self.base, -1)),
        }
    }
}

/// The CRDT type of an oid.
pub fn by_oid(oid: u32) -> Option<CrdtTypeRow> {
    all().find(|row| row.oid == oid)
}

/// The CRDT type that a column was declared as.
pub fn of_column(column: &ColumnDef) -> Option<CrdtTypeRow> {
    let crdt = column.crdt?;
    let is_it =
        |row: &CrdtTypeRow| row.crdt == crdt && (crdt != CrdtType::Lww || row.base == column.column_type.data_type);
    all().find(is_it)
}
