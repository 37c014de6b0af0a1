//! Functions of dates, times and intervals, by what they do.

pub(super) mod arithmetic;
pub(super) mod clock;
pub(super) mod fields;
pub(super) mod interval;
pub(super) mod make;
pub(super) mod zone;

use heliosdb_storage::value::DataType;

// The types, short enough for tables of signatures.
const D: DataType = DataType::Date;
const TIME: DataType = DataType::Time;
const TIME_TZ: DataType = DataType::TimeTz;
const TS: DataType = DataType::Timestamp;
const Z: DataType = DataType::TimestampTz;
const IV: DataType = DataType::Interval;
const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;
const F: DataType = DataType::Float8;
