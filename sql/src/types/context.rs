//! What reading, printing and casting values depends on besides the value.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::value::Micros;
use jiff::tz::TimeZone;

use super::style::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};
use crate::bind::SearchPath;
use crate::bind::type_name::TypeNames;

/// The session's zone and styles, the moments of transaction and statement, and the catalog with its named types.
#[derive(Clone, Debug)]
pub struct ValueContext {
    /// The zone in which timestamps are shown, and read where they name none.
    pub zone: TimeZone,
    /// When the transaction began: `now()`. Microseconds since 2000-01-01 UTC.
    pub transaction_start: Micros,
    /// When the statement began.
    pub statement_start: Micros,
    /// How values are printed, and in which order dates are read.
    pub styles: Styles,
    /// Where labels of enums and names of objects (`regclass`) are looked up.
    pub catalog: Arc<Catalog>,
    /// Where names without a schema are looked for.
    pub path: SearchPath,
}

/// Settings that steer text forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Styles {
    /// The first half of `DateStyle`.
    pub date: DateStyle,
    /// The second half of `DateStyle`: which of two numbers is the month.
    pub date_order: DateOrder,
    /// `IntervalStyle`
    pub interval: IntervalStyle,
    /// `bytea_output`
    pub bytea: ByteaOutput,
    /// How many digits of a floating-point value are left out (`extra_float_digits` of 0 or less); none for all that matter.
    pub float_digits: Option<i8>,
}

impl ValueContext {
    /// Looks names up in another catalog from now on.
    pub fn use_catalog(&mut self, catalog: &Arc<Catalog>) {
        if !Arc::ptr_eq(&self.catalog, catalog) {
            self.catalog = Arc::clone(catalog);
        }
    }

    /// Where the names of types are looked up.
    pub fn types(&self) -> TypeNames<'_> {
        TypeNames { catalog: &self.catalog, path: &self.path }
    }

    /// The same with a catalog and a search path.
    #[must_use]
    pub fn with_names(mut self, catalog: &Catalog, path: &SearchPath) -> Self {
        self.catalog = Arc::new(catalog.clone());
        self.path = path.clone();
        self
    }

    /// UTC, at PostgreSQL's epoch, with an empty catalog. For what depends on none of them.
    pub fn utc() -> Self {
        Self {
            zone: TimeZone::UTC,
            transaction_start: 0,
            statement_start: 0,
            styles: Styles::default(),
            catalog: Arc::default(),
            path: SearchPath::default(),
        }
    }
}
