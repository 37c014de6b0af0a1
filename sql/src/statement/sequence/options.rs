//! The options of a sequence: what is said, what follows from it, and what cannot be.

use heliosdb_storage::catalog::{SequenceDef, SequenceOptions};
use heliosdb_storage::value::DataType;

use crate::bind::type_name;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::SequenceClause;
use crate::types::{self, ValueContext};

/// The options of a sequence as they are being put together.
#[derive(Clone, Debug)]
pub struct Draft {
    data_type: DataType,
    increment: i64,
    /// None: as far as the type goes.
    min: Option<i64>,
    max: Option<i64>,
    start: Option<i64>,
    cache: i64,
    cycle: bool,
    /// RESTART, perhaps with a number.
    pub restart: Option<Option<i64>>,
    /// OWNED BY a column, or by none.
    pub owned_by: Option<Option<Vec<String>>>,
}

impl Draft {
    /// A sequence of a type of which nothing is said.
    pub const fn new(data_type: DataType) -> Self {
        Self {
            data_type,
            increment: 1,
            min: None,
            max: None,
            start: None,
            cache: 1,
            cycle: false,
            restart: None,
            owned_by: None,
        }
    }

    /// A new sequence.
    pub fn of_clauses(clauses: &[SequenceClause]) -> Result<Self> {
        let mut draft = Self::new(DataType::Int8);
        draft.apply(clauses)?;
        Ok(draft)
    }

    /// A sequence that is changed: what is not said stays.
    pub fn of_change(sequence: &SequenceDef, clauses: &[SequenceClause]) -> Result<Self> {
        let options = &sequence.options;
        let mut draft = Self {
            increment: options.increment,
            min: Some(options.min),
            max: Some(options.max),
            start: Some(options.start),
            cache: options.cache,
            cycle: options.cycle,
            ..Self::new(sequence.data_type)
        };
        draft.apply(clauses)?;
        Ok(draft)
    }

    /// What clauses say.
    pub fn apply(&mut self, clauses: &[SequenceClause]) -> Result<()> {
        let before = (self.data_type, self.increment > 0);
        for clause in clauses {
            match clause {
                SequenceClause::As(named) => {
                    let data_type = type_name::plain(named, ValueContext::utc().types())?.data_type;
                    if !matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8) {
                        return Err(invalid("sequence type must be smallint, integer, or bigint"));
                    }
                    self.data_type = data_type;
                }
                SequenceClause::Increment(increment) => self.increment = *increment,
                SequenceClause::Cache(cache) => self.cache = *cache,
                SequenceClause::Cycle(cycle) => self.cycle = *cycle,
                SequenceClause::Start(start) => self.start = Some(*start),
                SequenceClause::Restart(restart) => self.restart = Some(*restart),
                SequenceClause::OwnedBy(column) => self.owned_by = Some(column.clone()),
                SequenceClause::MinValue(_) | SequenceClause::MaxValue(_) | SequenceClause::Name(_) => {}
            }
        }
        // A bound that came from the type follows it.
        if before.0 != self.data_type {
            let (min, max) = range(before.0);
            self.min = self.min.filter(|known| *known != min);
            self.max = self.max.filter(|known| *known != max);
        }
        for clause in clauses {
            match clause {
                SequenceClause::MinValue(min) => self.min = *min,
                SequenceClause::MaxValue(max) => self.max = *max,
                _ => {}
            }
        }
        Ok(())
    }

    /// Sets the type, before anything is said.
    pub const fn set_type(&mut self, data_type: DataType) {
        self.data_type = data_type;
    }

    /// The type.
    pub const fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The options, with all that is not said.
    pub fn options(&self) -> Result<SequenceOptions> {
        if self.increment == 0 {
            return Err(invalid("INCREMENT must not be zero"));
        }
        let is_ascending = self.increment > 0;
        let (least, greatest) = range(self.data_type);
        let max = self.max.unwrap_or(if is_ascending { greatest } else { -1 });
        let min = self.min.unwrap_or(if is_ascending { 1 } else { least });
        let type_name = types::name(self.data_type, -1);
        if !(least..=greatest).contains(&max) {
            return Err(invalid(format!("MAXVALUE ({max}) is out of range for sequence data type {type_name}")));
        }
        if !(least..=greatest).contains(&min) {
            return Err(invalid(format!("MINVALUE ({min}) is out of range for sequence data type {type_name}")));
        }
        if min >= max {
            return Err(invalid(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")));
        }
        let start = self.start.unwrap_or(if is_ascending { min } else { max });
        if start < min {
            return Err(invalid(format!("START value ({start}) cannot be less than MINVALUE ({min})")));
        }
        if start > max {
            return Err(invalid(format!("START value ({start}) cannot be greater than MAXVALUE ({max})")));
        }
        if self.cache <= 0 {
            return Err(invalid(format!("CACHE ({}) must be greater than zero", self.cache)));
        }
        Ok(SequenceOptions { start, increment: self.increment, min, max, cache: self.cache, cycle: self.cycle })
    }
}

/// Whether the number at which a changed sequence stands is within its bounds.
pub fn check_last(options: &SequenceOptions, last: i64) -> Result<()> {
    let SequenceOptions { min, max, .. } = options;
    if last < *min {
        return Err(invalid(format!("RESTART value ({last}) cannot be less than MINVALUE ({min})")));
    }
    if last > *max {
        return Err(invalid(format!("RESTART value ({last}) cannot be greater than MAXVALUE ({max})")));
    }
    Ok(())
}

const fn range(data_type: DataType) -> (i64, i64) {
    match data_type {
        DataType::Int2 => (i16::MIN as i64, i16::MAX as i64),
        DataType::Int4 => (i32::MIN as i64, i32::MAX as i64),
        _ => (i64::MIN, i64::MAX),
    }
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
