//! Texts that name an object, when it gets another name.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{CatalogObject, ColumnDef, Reference, TableDef, ViewDef};

use crate::bind::mention::{Mentions, Renaming};
use crate::bind::query::Unknowns;
use crate::bind::{Binder, SearchPath};
use crate::error::{Result, SqlError};
use crate::parse;
use crate::session::Session;
use crate::types::ValueContext;

/// Rewrites the texts that name something which is about to be renamed. To be called before the renaming itself, because
/// the texts are read by the names they have.
pub fn rename(session: &mut Session, renaming: &Renaming) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let concerned: Vec<Arc<ViewDef>> =
        catalog.views().filter(|view| concerns(&catalog, view, renaming)).cloned().collect();
    defaults(session, &catalog, renaming)?;
    for view in concerned {
        let mentions = mentions(&catalog, &view.query)?;
        if let Renaming::Column { relation, column, .. } = renaming
            && mentions.is_merged(*relation, *column)
        {
            return Err(SqlError::unsupported(format!(
                "renaming a column that USING or NATURAL merges in view \"{}\"",
                view.name
            )));
        }
        let query = mentions.rewrite(&view.query, Some(renaming));
        let changed = ViewDef { query, ..ViewDef::clone(&view) };
        session.storage()?.put_object(CatalogObject::View(Arc::new(changed)))?;
    }
    Ok(())
}

/// Rewrites the defaults of columns.
fn defaults(session: &mut Session, catalog: &Arc<Catalog>, renaming: &Renaming) -> Result<()> {
    for table in catalog.tables() {
        let mut changed = TableDef::clone(table);
        for column in &mut changed.columns {
            let Some(mentions) = default_mentions(catalog, column) else { continue };
            if let Some(text) = &column.default {
                column.default = Some(mentions.rewrite(text, Some(renaming)));
            }
        }
        if changed != **table {
            session.storage()?.put_object(CatalogObject::Table(Arc::new(changed)))?;
        }
    }
    Ok(())
}

/// What the default of a column names beside functions of `pg_catalog`; none if nothing.
pub(super) fn default_mentions(catalog: &Catalog, column: &ColumnDef) -> Option<Mentions> {
    // Names of all else have their schemas.
    let text = column.default.as_deref().filter(|text| text.contains('.'))?;
    let parsed = parse::parse_expression(text).ok()?;
    let path = SearchPath::of_schemas(&[]);
    let time = ValueContext::utc().with_names(catalog, &path);
    let mut binder = Binder::new(catalog, &time, text, &[]).with_path(path).noting();
    binder.default_expression(&parsed, column).ok()?;
    Some(binder.take_mentions())
}

fn concerns(catalog: &Catalog, view: &ViewDef, renaming: &Renaming) -> bool {
    view.references.iter().any(|reference| match renaming {
        Renaming::Object { id, .. } => reference.object == *id,
        Renaming::Column { relation, column, .. } => *reference == Reference::to_column(*relation, *column),
        Renaming::Schema { from, .. } => {
            catalog.object(reference.object).and_then(CatalogObject::schema) == Some(from.as_str())
        }
    })
}

/// What the names in a text mean that the catalog keeps.
fn mentions(catalog: &Catalog, text: &str) -> Result<Mentions> {
    let parsed = parse::parse_query(text)?;
    let path = SearchPath::of_schemas(&[]);
    let time = ValueContext::utc().with_names(catalog, &path);
    let mut binder = Binder::new(catalog, &time, text, &[]).with_path(path).noting();
    binder.query(&parsed, None, Unknowns::Text)?;
    Ok(binder.take_mentions())
}
