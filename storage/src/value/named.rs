//! Values that stand for something with a name: labels of enums, and objects of the catalog.

use std::sync::Arc;

/// A label of an enum. Labels compare by their place, not by their text.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumLabel {
    /// The enum's oid.
    pub enum_type: u32,
    /// Its place: labels added between two others have a fraction, as in `pg_enum.enumsortorder`.
    pub order: f32,
    /// Its text.
    pub label: Arc<str>,
}

/// An object of the catalog by its oid, with the name it printed as when the value was made (`regclass` and its kin).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegObject {
    /// Its oid.
    pub oid: u32,
    /// Its name, quoted and with its schema where that is needed; its number if there is no such object.
    pub name: Arc<str>,
}
