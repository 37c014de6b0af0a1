//! Window functions that are no aggregates.

use heliosdb_storage::value::DataType;

use super::resolution::no_function;
use crate::error::{Result, SqlError, SqlState};

/// A window function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WindowFunction {
    /// The row's number in its partition.
    RowNumber,
    /// The number of its first peer.
    Rank,
    /// The number of its peer group.
    DenseRank,
    /// `(rank - 1) / (rows - 1)`
    PercentRank,
    /// The part of the partition that ends with its peers.
    CumeDist,
    /// The number of its part, of so many parts of equal size.
    Ntile,
    /// The value of a row before.
    Lag,
    /// The value of a row behind.
    Lead,
    /// The value of the frame's first row.
    FirstValue,
    /// The value of the frame's last row.
    LastValue,
    /// The value of the frame's n-th row.
    NthValue,
}

/// A function that fits a call: what its arguments are to become, and what it returns.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The function.
    pub function: WindowFunction,
    /// The types of its arguments.
    pub args: Vec<DataType>,
    /// The type of its result.
    pub returns: DataType,
}

const NAMES: &[(&str, WindowFunction)] = &[
    ("row_number", WindowFunction::RowNumber),
    ("rank", WindowFunction::Rank),
    ("dense_rank", WindowFunction::DenseRank),
    ("percent_rank", WindowFunction::PercentRank),
    ("cume_dist", WindowFunction::CumeDist),
    ("ntile", WindowFunction::Ntile),
    ("lag", WindowFunction::Lag),
    ("lead", WindowFunction::Lead),
    ("first_value", WindowFunction::FirstValue),
    ("last_value", WindowFunction::LastValue),
    ("nth_value", WindowFunction::NthValue),
];

/// The window function of a name.
pub fn named(name: &str) -> Option<WindowFunction> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

impl WindowFunction {
    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, function)| *function == self).map_or("?", |(name, _)| name)
    }

    /// Fits it to arguments. `common` gives the type that several arguments can become.
    pub fn resolve(
        self,
        args: &[DataType],
        common: impl FnOnce(DataType, DataType) -> Result<DataType>,
    ) -> Result<Resolved> {
        let given = |types: Vec<DataType>, returns| Ok(Resolved { function: self, args: types, returns });
        let value = |data_type: DataType| match data_type {
            DataType::Unknown => Err(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                "could not determine polymorphic type because input has type unknown",
            )),
            known => Ok(known),
        };
        match (self, args) {
            (Self::RowNumber | Self::Rank | Self::DenseRank, []) => given(Vec::new(), DataType::Int8),
            (Self::PercentRank | Self::CumeDist, []) => given(Vec::new(), DataType::Float8),
            (Self::Ntile, [_]) => given(vec![DataType::Int4], DataType::Int4),
            (Self::Lag | Self::Lead | Self::FirstValue | Self::LastValue, [of]) => given(vec![value(*of)?], *of),
            (Self::Lag | Self::Lead | Self::NthValue, [of, _]) => given(vec![value(*of)?, DataType::Int4], *of),
            (Self::Lag | Self::Lead, [of, _, default]) => {
                let of = common(*of, *default)?;
                given(vec![value(of)?, DataType::Int4, of], of)
            }
            _ => Err(no_function(None, self.name(), args)),
        }
    }
}
