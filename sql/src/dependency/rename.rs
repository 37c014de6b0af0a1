//! Texts that name an object, when it gets another name.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{CatalogObject, Reference, ViewDef};

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
    let time = ValueContext::utc();
    let mut binder = Binder::new(catalog, &time, text, &[]).with_path(SearchPath::of_schemas(&[])).noting();
    binder.query(&parsed, None, Unknowns::Text)?;
    Ok(binder.take_mentions())
}
