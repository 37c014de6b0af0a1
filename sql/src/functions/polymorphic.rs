//! What the pseudo-types of a signature stand for in a call.
//!
//! `anyelement`, `anyarray`, `anynonarray` and `anyenum` of one signature stand for one type (and its array); so do
//! `anycompatible` and `anycompatiblearray`, to whose common type the arguments are brought. `"any"` is each argument's own
//! type. Source: PostgreSQL's documentation, "Polymorphic Types".

use heliosdb_storage::value::DataType;

use crate::error::{SqlError, SqlState};
use crate::types::cast::{CastContext, can_cast};
use crate::types::category::{is_alike, is_preferred};

/// What the pseudo-types of a signature are in one call. `Unknown` where the arguments leave it open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolved {
    element: DataType,
    compatible: DataType,
}

/// What the arguments make of the signature's pseudo-types; none if they contradict one another.
pub fn resolve(declared: impl Iterator<Item = DataType>, given: &[DataType]) -> Option<Resolved> {
    let mut resolved = Resolved { element: DataType::Unknown, compatible: DataType::Unknown };
    for (declared, given) in declared.zip(given) {
        if *given == DataType::Unknown {
            continue;
        }
        match declared {
            DataType::AnyElement | DataType::AnyNonArray | DataType::AnyEnum => {
                let is_array = given.element().is_some();
                let fits = match declared {
                    DataType::AnyNonArray => !is_array,
                    DataType::AnyEnum => matches!(given, DataType::Enum(_)),
                    _ => true,
                };
                if !fits || !agree(&mut resolved.element, *given) {
                    return None;
                }
            }
            DataType::AnyArray if !agree(&mut resolved.element, given.element()?) => return None,
            DataType::AnyCompatible => resolved.compatible = common(resolved.compatible, *given)?,
            DataType::AnyCompatibleArray => resolved.compatible = common(resolved.compatible, given.element()?)?,
            _ => {}
        }
    }
    Some(resolved)
}

fn agree(known: &mut DataType, given: DataType) -> bool {
    if *known == DataType::Unknown {
        *known = given;
    }
    *known == given
}

fn common(known: DataType, given: DataType) -> Option<DataType> {
    if known == DataType::Unknown || known == given {
        return Some(given);
    }
    if !is_alike(known, given) {
        return None;
    }
    let becomes = |from, to| can_cast(from, to, CastContext::Implicit);
    if !is_preferred(known) && becomes(known, given) && !becomes(given, known) { Some(given) } else { Some(known) }
}

impl Resolved {
    /// What a declared type is in this call; none if that cannot be told.
    pub fn apply(self, declared: DataType) -> Option<DataType> {
        let known = |data_type| if data_type == DataType::Unknown { None } else { Some(data_type) };
        // All that is unknown is text where any common type will do.
        let compatible = if self.compatible == DataType::Unknown { DataType::Text } else { self.compatible };
        match declared {
            DataType::AnyElement | DataType::AnyNonArray | DataType::AnyEnum => known(self.element),
            DataType::AnyArray => known(self.element)?.array(),
            DataType::AnyCompatible => Some(compatible),
            DataType::AnyCompatibleArray => compatible.array(),
            plain => Some(plain),
        }
    }
}

/// The error for a call whose arguments leave the pseudo-types of the signature open.
pub fn undetermined() -> SqlError {
    SqlError::new(SqlState::DATATYPE_MISMATCH, "could not determine polymorphic type because input has type unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_decide_together() {
        let int_array = DataType::Int4.array().unwrap();
        let signature = [DataType::AnyArray, DataType::AnyElement];
        let resolved = resolve(signature.into_iter(), &[int_array, DataType::Unknown]).unwrap();
        assert_eq!(resolved.apply(DataType::AnyElement), Some(DataType::Int4));
        assert_eq!(resolved.apply(DataType::AnyArray), Some(int_array));
        assert!(resolve(signature.into_iter(), &[int_array, DataType::Text]).is_none());
        let compatible = [DataType::AnyCompatibleArray, DataType::AnyCompatible];
        let resolved = resolve(compatible.into_iter(), &[int_array, DataType::Numeric]).unwrap();
        assert_eq!(resolved.apply(DataType::AnyCompatibleArray), DataType::Numeric.array());
        let open = resolve(signature.into_iter(), &[DataType::Unknown, DataType::Unknown]).unwrap();
        assert_eq!(open.apply(DataType::AnyElement), None);
    }
}
