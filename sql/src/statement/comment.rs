//! COMMENT ON.

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, CommentClass, CommentKey, TableDef};
use heliosdb_storage::{Catalog, ColumnId, Oid};

use crate::bind::SearchPath;
use crate::bind::names::{QualifiedName, no_such_relation};
use crate::bind::search_path::no_such_schema;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{CommentStatement, CommentedObject};
use crate::session::Session;

/// The oid of the only database.
const DATABASE_OID: u32 = 5;

pub(super) fn run(session: &mut Session, statement: &CommentStatement) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let key = match &statement.object {
        CommentedObject::Relation(kind, name) => relation(&catalog, &path, kind, name)?,
        CommentedObject::Column(parts) => column(&catalog, &path, parts)?,
        CommentedObject::Schema(name) => {
            let schema = catalog.schema(name).ok_or_else(|| no_such_schema(name))?;
            whole(schema.id, CommentClass::Other)
        }
        CommentedObject::Type(name) => {
            let found = path.find(name, |schema| catalog.enum_named(schema, &name.name));
            let found = found
                .ok_or_else(|| SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")))?;
            whole(found.id, CommentClass::Other)
        }
        CommentedObject::Constraint(constraint, table) => {
            let found = path.find(table, |schema| catalog.table(schema, &table.name));
            let table = found.ok_or_else(|| no_such_relation(table))?;
            whole(constraint_oid(table, constraint)?, CommentClass::Constraint)
        }
        CommentedObject::Database(name) => {
            if *name != session.database() {
                return Err(SqlError::new(
                    SqlState::INVALID_CATALOG_NAME,
                    format!("database \"{name}\" does not exist"),
                ));
            }
            whole(Oid(DATABASE_OID), CommentClass::Shared)
        }
    };
    session.storage()?.set_comment(key, statement.text.as_deref())?;
    Ok(())
}

const fn whole(object: Oid, class: CommentClass) -> CommentKey {
    CommentKey { object, class, column: ColumnId(0) }
}

fn relation(catalog: &Catalog, path: &SearchPath, kind: &str, name: &QualifiedName) -> Result<CommentKey> {
    let is_not = |kind: &str| {
        let article = if kind == "index" { "an" } else { "a" };
        SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {article} {kind}", name.name))
    };
    let index = |schema: &str| {
        let table = catalog.table_of_index(schema, &name.name)?;
        let primary = table.primary_key_id.filter(|_| table.primary_key_name.as_ref() == Some(&name.name));
        primary.or_else(|| table.indexes.iter().find(|index| index.name == name.name).map(|index| index.id))
    };
    let found = path.find(name, |schema| match catalog.relation(schema, &name.name) {
        Some(object) => Some((object.id(), Some(object))),
        None => index(schema).map(|id| (id.into(), None)),
    });
    let (id, object) = found.ok_or_else(|| no_such_relation(name))?;
    let fits = matches!(
        (kind, object),
        ("table", Some(CatalogObject::Table(_)))
            | ("view", Some(CatalogObject::View(_)))
            | ("sequence", Some(CatalogObject::Sequence(_)))
            | ("index", None)
    );
    if fits { Ok(whole(id, CommentClass::Relation)) } else { Err(is_not(kind)) }
}

fn column(catalog: &Catalog, path: &SearchPath, parts: &[String]) -> Result<CommentKey> {
    let [qualifier @ .., table, column] = parts else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "column name must be qualified"));
    };
    let name = QualifiedName { schema: qualifier.last().cloned(), name: table.clone() };
    let object =
        path.find(&name, |schema| catalog.relation(schema, &name.name)).ok_or_else(|| no_such_relation(&name))?;
    let id = match object {
        CatalogObject::Table(table) => {
            table.slot(column).and_then(|slot| table.columns.get(slot)).map(|column| column.id)
        }
        CatalogObject::View(view) => {
            let at = view.columns.iter().position(|known| known.name == *column);
            at.and_then(|at| u16::try_from(at + 1).ok()).map(ColumnId)
        }
        _ => None,
    };
    let column = id.ok_or_else(|| {
        SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" of relation \"{name}\" does not exist"))
    })?;
    Ok(CommentKey { object: object.id(), class: CommentClass::Relation, column })
}

fn constraint_oid(table: &TableDef, name: &str) -> Result<Oid> {
    let primary = table.primary_key_id.filter(|_| table.primary_key_name.as_deref() == Some(name));
    let of_index =
        || table.indexes.iter().find(|index| index.is_constraint && index.name == name).map(|index| index.id);
    let of_check = || table.checks.iter().find(|check| check.name == name).map(|check| check.id);
    let of_key = || table.foreign_keys.iter().find(|key| key.name == name).map(|key| key.id);
    let found = primary.or_else(of_index).or_else(of_check).or_else(of_key);
    found.map(Into::into).ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("constraint \"{name}\" for table \"{}\" does not exist", table.name),
        )
    })
}
