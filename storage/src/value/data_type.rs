//! The types a value can have.

use serde::{Deserialize, Serialize};

/// The oids of objects that users make count from here.
pub const FIRST_USER_OID: u32 = 16_384;

/// A type of the SQL dialect. Its number in `pg_type` is [`DataType::oid`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// The type of a literal or parameter before it is known; PostgreSQL's `unknown`.
    Unknown,
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`
    Numeric,
    /// `text`
    Text,
    /// `character varying`
    Varchar,
    /// `character`
    Bpchar,
    /// `name`, of the catalog's columns
    Name,
    /// `"char"`, of the catalog's columns; a [`super::Value::Text`] of one byte
    Char,
    /// `bytea`
    Bytea,
    /// `uuid`
    Uuid,
    /// `date`
    Date,
    /// `time without time zone`
    Time,
    /// `time with time zone`
    TimeTz,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`
    TimestampTz,
    /// `interval`
    Interval,
    /// `json`: its text as it was given
    Json,
    /// `jsonb`
    Jsonb,
    /// `oid`
    Oid,
    /// `xid`, of the catalog's columns; a [`super::Value::Oid`]
    Xid,
    /// `regclass`: a relation
    RegClass,
    /// `regtype`: a type
    RegType,
    /// `regproc`: a function by its name
    RegProc,
    /// `regprocedure`: a function by its name and arguments
    RegProcedure,
    /// `regoper`: an operator by its name
    RegOper,
    /// `regnamespace`: a schema
    RegNamespace,
    /// `regrole`: a role
    RegRole,
    /// `aclitem`, of the catalog's columns; a [`super::Value::Text`]
    AclItem,
    /// `pg_node_tree`, of the catalog's columns; a [`super::Value::Text`]
    PgNodeTree,
    /// `int2vector`, of the catalog's columns: an array of `int2` from 0
    Int2Vector,
    /// `oidvector`, of the catalog's columns: an array of `oid` from 0
    OidVector,
    /// `void`: the result of functions that return nothing; a [`super::Value::Text`] that is empty
    Void,
    /// `record`: a row value
    Record,
    /// An array of elements of one type.
    Array(ElementType),
    /// An enum by its oid.
    Enum(u32),
    /// The pseudo-type of an argument that takes any type; those that are declared so in one signature are of one type.
    AnyElement,
    /// The array of what `AnyElement` is.
    AnyArray,
    /// `AnyElement` that is no array.
    AnyNonArray,
    /// `AnyElement` that is an enum.
    AnyEnum,
    /// Arguments that are brought to their common type.
    AnyCompatible,
    /// The array of what `AnyCompatible` is.
    AnyCompatibleArray,
    /// Any type, each argument its own: `"any"`.
    Any,
}

/// The type of an array's elements: any type that has an array type, by its oid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ElementType(u32);

impl ElementType {
    /// The type itself.
    pub fn data_type(self) -> DataType {
        DataType::from_oid(self.0).expect("BUG: an element type was made of a type")
    }
}

/// The types with a fixed oid: the type, its oid, the oid of its array (0: it has none).
const FIXED: &[(DataType, u32, u32)] = &[
    (DataType::Bool, 16, 1000),
    (DataType::Bytea, 17, 1001),
    (DataType::Char, 18, 1002),
    (DataType::Name, 19, 1003),
    (DataType::Int8, 20, 1016),
    (DataType::Int2, 21, 1005),
    (DataType::Int2Vector, 22, 1006),
    (DataType::Int4, 23, 1007),
    (DataType::RegProc, 24, 1008),
    (DataType::Text, 25, 1009),
    (DataType::Oid, 26, 1028),
    (DataType::Xid, 28, 1011),
    (DataType::OidVector, 30, 1013),
    (DataType::Json, 114, 199),
    (DataType::PgNodeTree, 194, 0),
    (DataType::Float4, 700, 1021),
    (DataType::Float8, 701, 1022),
    (DataType::Unknown, 705, 0),
    (DataType::AclItem, 1033, 1034),
    (DataType::Bpchar, 1042, 1014),
    (DataType::Varchar, 1043, 1015),
    (DataType::Date, 1082, 1182),
    (DataType::Time, 1083, 1183),
    (DataType::Timestamp, 1114, 1115),
    (DataType::TimestampTz, 1184, 1185),
    (DataType::Interval, 1186, 1187),
    (DataType::TimeTz, 1266, 1270),
    (DataType::Numeric, 1700, 1231),
    (DataType::RegProcedure, 2202, 2207),
    (DataType::RegOper, 2203, 2208),
    (DataType::RegClass, 2205, 2210),
    (DataType::RegType, 2206, 2211),
    (DataType::Record, 2249, 2287),
    (DataType::Any, 2276, 0),
    (DataType::AnyArray, 2277, 0),
    (DataType::Void, 2278, 0),
    (DataType::AnyElement, 2283, 0),
    (DataType::AnyNonArray, 2776, 0),
    (DataType::Uuid, 2950, 2951),
    (DataType::AnyEnum, 3500, 0),
    (DataType::Jsonb, 3802, 3807),
    (DataType::RegNamespace, 4089, 4090),
    (DataType::RegRole, 4096, 4097),
    (DataType::AnyCompatible, 5077, 0),
    (DataType::AnyCompatibleArray, 5078, 0),
];

impl DataType {
    /// `integer[]`
    pub const INT4_ARRAY: Self = Self::Array(ElementType(23));
    /// `text[]`
    pub const TEXT_ARRAY: Self = Self::Array(ElementType(25));

    /// PostgreSQL's oid of the type.
    pub fn oid(self) -> u32 {
        match self {
            Self::Enum(oid) => oid,
            // An enum's array has the oid behind the enum's own.
            Self::Array(ElementType(element)) if element >= FIRST_USER_OID => element.saturating_add(1),
            Self::Array(ElementType(element)) => {
                FIXED.iter().find(|(_, oid, _)| *oid == element).map_or(0, |(_, _, array)| *array)
            }
            fixed => FIXED.iter().find(|(data_type, ..)| *data_type == fixed).map_or(0, |(_, oid, _)| *oid),
        }
    }

    /// The type with an oid. Of oids that users' objects have, the even ones are enums and the odd ones their arrays;
    /// whether there is such an enum is for the catalog to say.
    pub fn from_oid(oid: u32) -> Option<Self> {
        if oid >= FIRST_USER_OID {
            let is_enum = oid.is_multiple_of(2);
            return Some(if is_enum { Self::Enum(oid) } else { Self::Array(ElementType(oid - 1)) });
        }
        FIXED.iter().find_map(|(data_type, own, array)| match oid {
            0 => None,
            _ if *own == oid => Some(*data_type),
            _ if *array == oid => Some(Self::Array(ElementType(*own))),
            _ => None,
        })
    }

    /// All types with a fixed oid, arrays not among them.
    pub fn fixed() -> impl Iterator<Item = Self> {
        FIXED.iter().map(|(data_type, ..)| *data_type)
    }

    /// The array of the type; none for a type that has none (arrays themselves: `int[][]` is `int[]`).
    pub fn array(self) -> Option<Self> {
        match self {
            Self::Array(_) => None,
            Self::Enum(oid) => Some(Self::Array(ElementType(oid))),
            fixed => FIXED
                .iter()
                .find(|(data_type, _, array)| *data_type == fixed && *array != 0)
                .map(|(_, oid, _)| Self::Array(ElementType(*oid))),
        }
    }

    /// The type of an array's elements.
    pub fn element(self) -> Option<Self> {
        match self {
            Self::Array(element) => Some(element.data_type()),
            Self::Int2Vector => Some(Self::Int2),
            Self::OidVector => Some(Self::Oid),
            _ => None,
        }
    }

    /// Whether values of the type are [`super::Value::Text`].
    pub const fn is_string(self) -> bool {
        matches!(self, Self::Text | Self::Varchar | Self::Name | Self::Char | Self::Unknown)
    }

    /// Whether the type stands for others in the signature of a function.
    pub const fn is_polymorphic(self) -> bool {
        matches!(
            self,
            Self::AnyElement
                | Self::AnyArray
                | Self::AnyNonArray
                | Self::AnyEnum
                | Self::AnyCompatible
                | Self::AnyCompatibleArray
        )
    }

    /// Whether it names an object of the catalog by its oid.
    pub const fn is_reg(self) -> bool {
        matches!(
            self,
            Self::RegClass
                | Self::RegType
                | Self::RegProc
                | Self::RegProcedure
                | Self::RegOper
                | Self::RegNamespace
                | Self::RegRole
        )
    }
}

/// A column's type with its modifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ColumnType {
    /// The type of the values (what a CRDT column reads as).
    pub data_type: DataType,
    /// PostgreSQL's `atttypmod`: -1 for none, length + 4 for `varchar(n)`, ((p << 16) | s) + 4 for `numeric(p, s)`; of an
    /// array that of its elements.
    pub typmod: i32,
}

impl ColumnType {
    /// Whether every value of this type is one of the other, stored and shown alike.
    pub fn is_widened_by(self, other: Self) -> bool {
        use DataType::{Numeric, Text, Time, TimeTz, Timestamp, TimestampTz, Varchar};
        let (from, to) = (self.typmod, other.typmod);
        match (self.data_type, other.data_type) {
            (Text | Varchar, Text) => true,
            (Text, Varchar) => to < 0,
            (Varchar, Varchar) | (Time, Time) | (TimeTz, TimeTz) => to < 0 || (from >= 0 && from <= to),
            (Timestamp, Timestamp) | (TimestampTz, TimestampTz) => to < 0 || (from >= 0 && from <= to),
            // The digits behind the point must be as many; those before it may be more.
            (Numeric, Numeric) => to < 0 || (from >= 0 && from <= to && (from - 4) & 0xffff == (to - 4) & 0xffff),
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_lead_back_to_their_types() {
        for data_type in DataType::fixed().chain([DataType::Enum(16_384)]) {
            assert_eq!(DataType::from_oid(data_type.oid()), Some(data_type));
            if let Some(array) = data_type.array() {
                assert_eq!(array.element(), Some(data_type));
                assert_eq!(DataType::from_oid(array.oid()), Some(array));
                assert_eq!(array.array(), None);
            }
        }
        assert_eq!(DataType::from_oid(0), None);
        assert_eq!(DataType::Unknown.array(), None);
    }
}
