//! The search path: in which schemas a name without one is looked for.
//!
//! `pg_catalog` is searched first unless the setting names it, and the session's temporary schema before that. Schemas
//! that do not exist are passed over. Objects are made in the first schema that the setting itself names.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{CatalogObject, SequenceDef, TableDef, ViewDef};

use super::names::QualifiedName;
use crate::catalog_views::{self, SystemRelation};
use crate::error::{Result, SqlError, SqlState};
use crate::functions::quote_ident;

/// The schema of PostgreSQL's own objects.
pub const PG_CATALOG: &str = "pg_catalog";

/// The name by which every session means its own temporary schema.
pub const PG_TEMP: &str = "pg_temp";

/// How many schemas of a path are searched.
const MAX_SCHEMAS: usize = 256;

/// A search path as it is in effect: existing schemas in the order in which they are searched.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SearchPath {
    schemas: Arc<[String]>,
    /// How many of them come first without being named by the setting.
    implicit: usize,
    /// The session's temporary schema, if it has one.
    temporary: Option<Arc<str>>,
}

impl Default for SearchPath {
    fn default() -> Self {
        Self::of_schemas(&[Catalog::DEFAULT_SCHEMA])
    }
}

/// A relation that a name means.
#[derive(Clone, Debug)]
pub enum NamedRelation {
    /// A system view.
    System(&'static SystemRelation),
    /// A stored table.
    Table(Arc<TableDef>),
    /// A view.
    View(Arc<ViewDef>),
    /// A sequence.
    Sequence(Arc<SequenceDef>),
}

impl SearchPath {
    /// The path that a setting means for a user under a catalog.
    pub fn new(setting: &[String], user: &str, catalog: &Catalog, temporary: Option<Arc<str>>) -> Self {
        let mut named: Vec<String> = Vec::new();
        for entry in setting.iter().take(MAX_SCHEMAS) {
            let schema = match entry.as_str() {
                "$user" => user.to_owned(),
                PG_TEMP => match &temporary {
                    Some(schema) => schema.as_ref().to_owned(),
                    None => continue,
                },
                other => other.to_owned(),
            };
            if schema_exists(catalog, &schema) && !named.contains(&schema) {
                named.push(schema);
            }
        }
        let mut schemas = Vec::with_capacity(named.len() + 2);
        schemas.extend(temporary.iter().map(|schema| schema.as_ref().to_owned()).filter(|own| !named.contains(own)));
        if !named.iter().any(|schema| schema == PG_CATALOG) {
            schemas.push(PG_CATALOG.to_owned());
        }
        let implicit = schemas.len();
        schemas.extend(named);
        Self { schemas: schemas.into(), implicit, temporary }
    }

    /// `pg_catalog` and then these schemas.
    pub fn of_schemas(schemas: &[&str]) -> Self {
        let all = std::iter::once(PG_CATALOG).chain(schemas.iter().copied());
        Self { schemas: all.map(str::to_owned).collect(), implicit: 1, temporary: None }
    }

    /// The schemas in their order.
    pub fn schemas(&self) -> &[String] {
        &self.schemas
    }

    /// Those that the setting names.
    pub fn named(&self) -> &[String] {
        self.schemas.get(self.implicit..).unwrap_or_default()
    }

    /// The schema that a name given by the user means: `pg_temp` is the session's own.
    pub fn explicit<'a>(&'a self, schema: &'a str) -> &'a str {
        match &self.temporary {
            Some(temporary) if schema == PG_TEMP => temporary,
            _ => schema,
        }
    }

    /// The first thing of a name on the way, or the one in the schema that is given.
    pub fn find<T>(&self, name: &QualifiedName, look: impl Fn(&str) -> Option<T>) -> Option<T> {
        match &name.schema {
            Some(schema) => look(self.explicit(schema)),
            None => self.schemas.iter().find_map(|schema| look(schema)),
        }
    }

    /// The relation that a name means.
    pub fn relation(&self, catalog: &Catalog, name: &QualifiedName) -> Option<NamedRelation> {
        self.find(name, |schema| {
            if let Some(system) = catalog_views::lookup(schema, &name.name) {
                return Some(NamedRelation::System(system));
            }
            match catalog.relation(schema, &name.name)? {
                CatalogObject::Table(table) => Some(NamedRelation::Table(Arc::clone(table))),
                CatalogObject::View(view) => Some(NamedRelation::View(Arc::clone(view))),
                CatalogObject::Sequence(sequence) => Some(NamedRelation::Sequence(Arc::clone(sequence))),
                CatalogObject::Schema(_) | CatalogObject::Enum(_) => None,
            }
        })
    }

    /// Whether the name without a schema means the object of this schema, as far as `exists` tells.
    pub fn shows(&self, schema: &str, exists: impl Fn(&str) -> bool) -> bool {
        self.schemas.iter().find(|on_path| *on_path == schema || exists(on_path)).is_some_and(|first| first == schema)
    }

    /// A relation's name as it is shown: with its schema unless the path leads to it.
    pub fn qualified_relation(&self, catalog: &Catalog, schema: &str, name: &str) -> String {
        let exists =
            |on_path: &str| catalog.has_relation(on_path, name) || catalog_views::lookup(on_path, name).is_some();
        if self.shows(schema, exists) {
            quote_ident(name)
        } else {
            format!("{}.{}", quote_ident(schema), quote_ident(name))
        }
    }

    /// An enum's name as it is shown.
    pub fn qualified_enum(&self, catalog: &Catalog, schema: &str, name: &str) -> String {
        let exists = |on_path: &str| catalog.enum_named(on_path, name).is_some();
        if self.shows(schema, exists) {
            quote_ident(name)
        } else {
            format!("{}.{}", quote_ident(schema), quote_ident(name))
        }
    }

    /// The schema in which an object is made.
    pub fn creation_schema(&self, catalog: &Catalog, given: Option<&str>) -> Result<String> {
        let schema = match given {
            Some(schema) => self.explicit(schema),
            None => self.named().first().ok_or_else(|| {
                SqlError::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in")
            })?,
        };
        if catalog_views::is_system_schema(schema) {
            return Err(SqlError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for schema {schema}"),
            ));
        }
        if catalog.schema(schema).is_none() {
            return Err(no_such_schema(schema));
        }
        Ok(schema.to_owned())
    }
}

/// Whether there is such a schema, one of the system's included.
pub fn schema_exists(catalog: &Catalog, name: &str) -> bool {
    catalog_views::is_system_schema(name) || catalog.schema(name).is_some()
}

/// The error for a schema that does not exist.
pub fn no_such_schema(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pg_catalog_comes_first_unless_it_is_named() {
        let catalog = Catalog::default();
        let path = |setting: &[&str], temporary: Option<&str>| {
            let setting: Vec<String> = setting.iter().map(|name| (*name).to_owned()).collect();
            SearchPath::new(&setting, "u", &catalog, temporary.map(Into::into)).schemas().to_vec()
        };
        assert_eq!(path(&["information_schema"], None), ["pg_catalog", "information_schema"]);
        assert_eq!(path(&["sync", "pg_catalog"], None), ["sync", "pg_catalog"]);
        assert_eq!(path(&["nowhere", "$user"], None), ["pg_catalog"]);
        assert_eq!(path(&["sync"], Some("pg_temp_1")), ["pg_temp_1", "pg_catalog", "sync"]);
    }
}
