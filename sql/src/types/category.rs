//! PostgreSQL's type categories: which types are alike, and which of them the others prefer to become.

use heliosdb_storage::value::DataType;

/// A category of `pg_type.typcategory`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// `A`
    Array,
    /// `B`
    Boolean,
    /// `D`
    DateTime,
    /// `E`
    Enum,
    /// `N`
    Number,
    /// `P`
    Pseudo,
    /// `S`
    String,
    /// `T`
    Timespan,
    /// `U`: each of these types is alone.
    User,
    /// `X`
    Unknown,
    /// `Z`
    Internal,
}

impl Category {
    /// The category of a type.
    pub const fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Unknown => Self::Unknown,
            DataType::Bool => Self::Boolean,
            DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Float4
            | DataType::Float8
            | DataType::Numeric
            | DataType::Oid
            | DataType::RegClass
            | DataType::RegType
            | DataType::RegProc
            | DataType::RegProcedure
            | DataType::RegOper
            | DataType::RegNamespace
            | DataType::RegRole => Self::Number,
            DataType::Text | DataType::Varchar | DataType::Bpchar | DataType::Name => Self::String,
            DataType::Date | DataType::Time | DataType::TimeTz | DataType::Timestamp | DataType::TimestampTz => {
                Self::DateTime
            }
            DataType::Interval => Self::Timespan,
            DataType::Enum(_) => Self::Enum,
            DataType::Array(_) | DataType::Int2Vector | DataType::OidVector => Self::Array,
            DataType::Char | DataType::PgNodeTree => Self::Internal,
            DataType::Bytea | DataType::Uuid | DataType::Json | DataType::Jsonb | DataType::Xid | DataType::AclItem => {
                Self::User
            }
            DataType::Void
            | DataType::Record
            | DataType::AnyElement
            | DataType::AnyArray
            | DataType::AnyNonArray
            | DataType::AnyEnum
            | DataType::AnyCompatible
            | DataType::AnyCompatibleArray
            | DataType::Any => Self::Pseudo,
        }
    }

    /// Its letter in the catalog.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Array => "A",
            Self::Boolean => "B",
            Self::DateTime => "D",
            Self::Enum => "E",
            Self::Number => "N",
            Self::Pseudo => "P",
            Self::String => "S",
            Self::Timespan => "T",
            Self::User => "U",
            Self::Unknown => "X",
            Self::Internal => "Z",
        }
    }
}

/// Whether two types are of one category.
pub fn is_alike(a: DataType, b: DataType) -> bool {
    Category::of(a) == Category::of(b)
}

/// Whether the type is one that its category's others prefer to become.
pub const fn is_preferred(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Bool | DataType::Float8 | DataType::Oid | DataType::Text | DataType::TimestampTz | DataType::Interval
    )
}
