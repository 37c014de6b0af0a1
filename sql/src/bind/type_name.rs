//! Names of types, those of CRDTs among them.

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{CrdtType, EnumDef};
use heliosdb_storage::value::{ColumnType, DataType};
use sqlparser::ast::{self, CharacterLength, ExactNumberInfo, TimezoneInfo, TypeModifier};

use super::{SearchPath, names};
use crate::error::{Result, SqlError, SqlState};
use crate::types;
use crate::types::category::Category;

/// Where the names of types are looked up that are made by users.
#[derive(Clone, Copy, Debug)]
pub struct TypeNames<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// Where names without a schema are looked for.
    pub path: &'a SearchPath,
}

impl<'a> TypeNames<'a> {
    fn enum_named(self, name: &names::QualifiedName) -> Option<&'a EnumDef> {
        self.path.find(name, |schema| self.catalog.enum_named(schema, &name.name)).map(AsRef::as_ref)
    }
}

/// The integer type of a `serial` column.
pub fn serial(data_type: &ast::DataType) -> Option<DataType> {
    let ast::DataType::Custom(name, arguments) = data_type else { return None };
    let name = names::qualified(name).ok().filter(|name| name.schema.is_none() && arguments.is_empty())?;
    match name.name.as_str() {
        "smallserial" | "serial2" => Some(DataType::Int2),
        "serial" | "serial4" => Some(DataType::Int4),
        "bigserial" | "serial8" => Some(DataType::Int8),
        _ => None,
    }
}

/// A column's type as it is declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeclaredType {
    /// What it reads as.
    pub column_type: ColumnType,
    /// The CRDT.
    pub crdt: Option<CrdtType>,
}

/// The type that a column is declared with.
pub fn declared(data_type: &ast::DataType, names: TypeNames<'_>) -> Result<DeclaredType> {
    if let ast::DataType::Custom(name, arguments) = data_type {
        let name = names::qualified(name)?;
        if let Some(declared) = crdt(&name.name, arguments, names)? {
            return Ok(declared);
        }
    }
    let column_type = plain(data_type, names)?;
    match Category::of(column_type.data_type) {
        Category::Unknown | Category::Pseudo => Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("column has pseudo-type {}", types::name(column_type.data_type, -1)),
        )),
        _ => Ok(DeclaredType { column_type, crdt: None }),
    }
}

fn crdt(name: &str, arguments: &[TypeModifier], names: TypeNames<'_>) -> Result<Option<DeclaredType>> {
    let counter =
        |crdt| DeclaredType { column_type: ColumnType { data_type: DataType::Int8, typmod: -1 }, crdt: Some(crdt) };
    match (name, arguments) {
        ("pn_counter", []) => Ok(Some(counter(CrdtType::PnCounter))),
        ("g_counter", []) => Ok(Some(counter(CrdtType::GCounter))),
        ("pn_counter" | "g_counter", _) => Err(SqlError::unsupported(format!("a decimal {name}"))
            .with_hint(format!("Count the smallest unit (cents, grams) in a plain {name}."))),
        ("lww", [argument]) => {
            let text = match argument {
                TypeModifier::String(text) | TypeModifier::Number(text, _) => text.clone(),
                TypeModifier::Identifier(ident) => ident.to_string(),
            };
            let inner = declared(&crate::parse::parse_type(&text)?, names)?;
            if inner.crdt.is_some() {
                return Err(SqlError::unsupported("a CRDT inside lww(…)"));
            }
            Ok(Some(DeclaredType { crdt: Some(CrdtType::Lww), ..inner }))
        }
        ("lww", _) => Err(SqlError::new(SqlState::SYNTAX_ERROR, "lww takes one type: lww(text)")),
        ("or_set" | "or_map" | "rga" | "lseq", _) => Err(SqlError::unsupported(format!("type {name}"))),
        _ => Ok(None),
    }
}

/// The type that a cast or a literal names.
pub fn plain(data_type: &ast::DataType, names: TypeNames<'_>) -> Result<ColumnType> {
    use ast::DataType as Ast;
    let (data_type, arguments) = match data_type {
        Ast::Bool | Ast::Boolean => (DataType::Bool, Vec::new()),
        Ast::SmallInt(None) | Ast::Int2(None) => (DataType::Int2, Vec::new()),
        Ast::Int(None) | Ast::Integer(None) | Ast::Int4(None) => (DataType::Int4, Vec::new()),
        Ast::BigInt(None) | Ast::Int8(None) => (DataType::Int8, Vec::new()),
        Ast::DoublePrecision | Ast::Float8 => (DataType::Float8, Vec::new()),
        Ast::Float(ExactNumberInfo::None) => (DataType::Float8, Vec::new()),
        Ast::Float(ExactNumberInfo::Precision(25..=53)) => (DataType::Float8, Vec::new()),
        Ast::Numeric(digits) | Ast::Decimal(digits) | Ast::Dec(digits) => (DataType::Numeric, numeric_digits(digits)?),
        Ast::Real | Ast::Float4 => (DataType::Float4, Vec::new()),
        Ast::Float(ExactNumberInfo::Precision(1..=24)) => (DataType::Float4, Vec::new()),
        Ast::Text => (DataType::Text, Vec::new()),
        Ast::Varchar(length) | Ast::CharacterVarying(length) | Ast::CharVarying(length) => {
            (DataType::Varchar, char_length(length.as_ref())?)
        }
        Ast::Char(None) | Ast::Character(None) => (DataType::Bpchar, vec![1]),
        Ast::Char(length) | Ast::Character(length) => (DataType::Bpchar, char_length(length.as_ref())?),
        Ast::Bytea => (DataType::Bytea, Vec::new()),
        Ast::Uuid => (DataType::Uuid, Vec::new()),
        Ast::Date => (DataType::Date, Vec::new()),
        Ast::Time(digits, zone) => {
            let has_zone = matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz);
            let data_type = if has_zone { DataType::TimeTz } else { DataType::Time };
            (data_type, digits.iter().map(|n| small(*n)).collect::<Result<_>>()?)
        }
        Ast::Timestamp(digits, zone) => {
            let has_zone = matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz);
            let data_type = if has_zone { DataType::TimestampTz } else { DataType::Timestamp };
            (data_type, digits.iter().map(|n| small(*n)).collect::<Result<_>>()?)
        }
        Ast::Interval { fields, precision } => return interval(fields.as_ref(), *precision),
        Ast::JSON => (DataType::Json, Vec::new()),
        Ast::Regclass => (DataType::RegClass, Vec::new()),
        Ast::Array(definition) => return array(definition, names),
        Ast::JSONB => (DataType::Jsonb, Vec::new()),
        Ast::Custom(name, arguments) => return custom(name, arguments, names),
        other => return Err(unsupported(other)),
    };
    let typmod = types::typmod::from_arguments(data_type, &arguments)?;
    Ok(ColumnType { data_type, typmod })
}

fn custom(name: &ast::ObjectName, arguments: &[TypeModifier], types_known: TypeNames<'_>) -> Result<ColumnType> {
    let qualified = names::qualified(name)?;
    let quoted_char = name.0.last().is_some_and(|part| part.to_string() == "\"char\"");
    let looked_up = if quoted_char { "\"char\"" } else { qualified.name.as_str() };
    let in_catalog = qualified.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    match types::by_name(looked_up) {
        Some(data_type) if in_catalog => {
            let arguments = arguments
                .iter()
                .map(|argument| match argument {
                    TypeModifier::Number(text, _) => {
                        text.parse().map_err(|_| SqlError::new(SqlState::SYNTAX_ERROR, "invalid type modifier"))
                    }
                    other => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("invalid type modifier {other}"))),
                })
                .collect::<Result<Vec<i64>>>()?;
            Ok(ColumnType { data_type, typmod: types::typmod::from_arguments(data_type, &arguments)? })
        }
        _ if let Some(found) = types_known.enum_named(&qualified) => {
            if !arguments.is_empty() {
                let message = format!("type modifier is not allowed for type \"{}\"", qualified.name);
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            Ok(ColumnType { data_type: DataType::Enum(found.id.0), typmod: -1 })
        }
        _ if is_postgres_type(&qualified.name) => Err(SqlError::unsupported(format!("type {}", qualified.name))),
        _ => Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{qualified}\" does not exist"))),
    }
}

/// Types of PostgreSQL that are not here yet: they are refused as unsupported, not as unknown.
fn is_postgres_type(name: &str) -> bool {
    matches!(
        name,
        "inet"
            | "cidr"
            | "macaddr"
            | "macaddr8"
            | "money"
            | "regoperator"
            | "regcollation"
            | "regconfig"
            | "regdictionary"
            | "xml"
            | "point"
            | "line"
            | "lseg"
            | "box"
            | "path"
            | "polygon"
            | "circle"
            | "tsvector"
            | "tsquery"
            | "bit"
            | "varbit"
            | "int4range"
            | "int8range"
            | "numrange"
            | "tsrange"
            | "tstzrange"
            | "daterange"
            | "int4multirange"
            | "int8multirange"
            | "nummultirange"
            | "tsmultirange"
            | "tstzmultirange"
            | "datemultirange"
            | "cid"
            | "tid"
            | "xid8"
            | "pg_lsn"
            | "pg_snapshot"
            | "refcursor"
            | "jsonpath"
    )
}

fn unsupported(data_type: &ast::DataType) -> SqlError {
    SqlError::unsupported(format!("type {}", data_type.to_string().to_lowercase()))
}

/// An array of any number of dimensions: `int[]`, `int[3][]`, `int ARRAY`.
fn array(definition: &ast::ArrayElemTypeDef, names: TypeNames<'_>) -> Result<ColumnType> {
    use ast::ArrayElemTypeDef as Def;
    let (Def::SquareBracket(element, _) | Def::AngleBracket(element) | Def::Parenthesis(element)) = definition else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "an array of what?"));
    };
    let element = plain(element, names)?;
    if element.data_type.element().is_some() {
        // PostgreSQL does not tell arrays apart by their dimensions.
        return Ok(element);
    }
    let data_type = element.data_type.array().ok_or_else(|| {
        let name = types::name(element.data_type, -1);
        SqlError::new(SqlState::UNDEFINED_OBJECT, format!("could not find array type for data type {name}"))
    })?;
    Ok(ColumnType { data_type, typmod: element.typmod })
}

/// `interval`, `interval day to second`, `interval second(3)`.
fn interval(named: Option<&ast::IntervalFields>, precision: Option<u64>) -> Result<ColumnType> {
    use ast::IntervalFields as Named;
    use types::interval::fields::{DAY, FULL, HOUR, MINUTE, MONTH, SECOND, YEAR};
    if named.is_none() && precision.is_none() {
        return Ok(ColumnType { data_type: DataType::Interval, typmod: -1 });
    }
    let range = match named {
        None => FULL,
        Some(Named::Year) => YEAR,
        Some(Named::Month) => MONTH,
        Some(Named::Day) => DAY,
        Some(Named::Hour) => HOUR,
        Some(Named::Minute) => MINUTE,
        Some(Named::Second) => SECOND,
        Some(Named::YearToMonth) => YEAR | MONTH,
        Some(Named::DayToHour) => DAY | HOUR,
        Some(Named::DayToMinute) => DAY | HOUR | MINUTE,
        Some(Named::DayToSecond) => DAY | HOUR | MINUTE | SECOND,
        Some(Named::HourToMinute) => HOUR | MINUTE,
        Some(Named::HourToSecond) => HOUR | MINUTE | SECOND,
        Some(Named::MinuteToSecond) => MINUTE | SECOND,
    };
    let typmod = types::typmod::interval(range, precision.map(small).transpose()?)?;
    Ok(ColumnType { data_type: DataType::Interval, typmod })
}

fn numeric_digits(digits: &ExactNumberInfo) -> Result<Vec<i64>> {
    Ok(match digits {
        ExactNumberInfo::None => Vec::new(),
        ExactNumberInfo::Precision(precision) => vec![small(*precision)?],
        ExactNumberInfo::PrecisionAndScale(precision, scale) => vec![small(*precision)?, *scale],
    })
}

fn char_length(length: Option<&CharacterLength>) -> Result<Vec<i64>> {
    match length {
        None => Ok(Vec::new()),
        Some(CharacterLength::IntegerLength { length, unit: None }) => Ok(vec![small(*length)?]),
        Some(other) => Err(SqlError::unsupported(format!("a length of {other}"))),
    }
}

fn small(n: u64) -> Result<i64> {
    i64::try_from(n).map_err(|_| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "type modifier out of range"))
}

/// Refuses collations other than the one there is; COLLATE of a type that is not of strings is 42804.
pub fn check_collation(collation: &names::QualifiedName, data_type: DataType) -> Result<()> {
    let message = if !matches!(data_type.oid(), TEXT | NAME | BPCHAR | VARCHAR) {
        let name = types::name(data_type, -1);
        return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, format!("collations are not supported by type {name}")));
    } else if matches!(collation.name.as_str(), "C" | "POSIX" | "default") {
        return Ok(());
    } else {
        format!("collation \"{collation}\"")
    };
    Err(SqlError::unsupported(message))
}

/// The oids of types that have a collation.
const NAME: u32 = 19;
const TEXT: u32 = 25;
const BPCHAR: u32 = 1042;
const VARCHAR: u32 = 1043;
