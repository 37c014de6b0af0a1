//! A view in FROM: its query takes its place.

use heliosdb_storage::catalog::ViewDef;

use super::Binder;
use super::query::Unknowns;
use super::search_path::SearchPath;
use super::tree::Query;
use crate::error::{Result, SqlError, SqlState};
use crate::parse;

impl Binder<'_> {
    /// The query of a view, with the names of the view's columns.
    pub(super) fn view_query(&mut self, view: &ViewDef) -> Result<Query> {
        if self.views.contains(&view.id) {
            return Err(SqlError::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!("infinite recursion detected in rules for relation \"{}\"", view.name),
            ));
        }
        let parsed = parse::parse_query(&view.query)?;
        // All names in the text have their schemas, but for those of pg_catalog. Errors in it have no place in the statement.
        let mut inner = Binder::new(self.catalog, self.time, "", &[]).with_path(SearchPath::of_schemas(&[]));
        inner.locks_given = std::mem::take(&mut self.locks_given);
        (inner.depth, inner.queries, inner.cte_ids) = (self.depth, self.queries, self.cte_ids);
        inner.views = self.views.iter().copied().chain([view.id]).collect();
        let mut query = inner.query(&parsed, None, Unknowns::Text)?;
        self.cte_ids = inner.cte_ids;
        let same_shape = query.columns.len() == view.columns.len()
            && query
                .columns
                .iter()
                .zip(&view.columns)
                .all(|(now, then)| now.column_type.data_type == then.column_type.data_type);
        if !same_shape {
            return Err(SqlError::new(
                SqlState::INTERNAL_ERROR,
                format!("the columns of view \"{}\" are not what they were when it was made", view.name),
            ));
        }
        for (slot, (column, known)) in query.columns.iter_mut().zip(&view.columns).enumerate() {
            column.name.clone_from(&known.name);
            column.column_type = known.column_type;
            column.origin = Some((view.id, slot));
        }
        Ok(query)
    }
}
