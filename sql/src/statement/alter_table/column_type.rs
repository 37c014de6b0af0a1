//! ALTER COLUMN … TYPE.
//!
//! All columns of a statement that get another type do so in one rewrite. What is kept as text over them (checks, indexes,
//! generated columns) is bound anew, and may turn out not to fit any more. A type that only lets more values in needs no
//! rewrite: the values are stored as they would be.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, IndexedValue, Reference, RowExpression, TableDef};
use heliosdb_storage::value::{ColumnType, DataType};
use heliosdb_storage::Catalog;

use super::super::constraint::judge_key_types;
use super::super::operator_class;
use super::super::sequence;
use super::identity::sequence_of;
use super::{Alteration, Step, refuse_on_synced};
use crate::bind::names::QualifiedName;
use crate::bind::row_expression::{RowClause, keep};
use crate::bind::scope::{Place, Scope};
use crate::bind::tree::plain;
use crate::bind::{Binder, SearchPath, type_name};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::eval;
use crate::expr::Expr;
use crate::functions::quote_ident;
use crate::parse::object::SequenceClause;
use crate::parse::table::{AlterColumn, ExpressionText, TableAction};
use crate::parse;
use crate::types::cast::{CastContext, can_cast};
use crate::types::{self, ValueContext};

/// A column that gets another type.
struct Retyped {
    slot: usize,
    to: ColumnType,
    /// The new value, over the old row.
    value: Expr,
    has_using: bool,
}

pub(super) fn run(alteration: &mut Alteration<'_, '_>, steps: &[Step<'_>]) -> Result<()> {
    let table = alteration.definition()?;
    let (catalog, path) = alteration.catalog()?;
    let mut retyped: Vec<Retyped> = Vec::with_capacity(steps.len());
    for step in steps {
        let Step::Action(TableAction::AlterColumn(name, AlterColumn::Type { data_type, collation, using })) = step
        else {
            continue;
        };
        let slot = alteration.slot(name)?;
        let Some(column) = table.columns.get(slot) else { continue };
        let declared = type_name::declared(data_type, type_name::TypeNames { catalog: &catalog, path: &path })?;
        if let Some(collation) = collation {
            type_name::check_collation(collation, declared.column_type.data_type)?;
        }
        if declared.crdt.is_some() || column.crdt.is_some() {
            return Err(SqlError::unsupported(format!("changing the type of CRDT column \"{name}\"")));
        }
        if retyped.iter().any(|known| known.slot == slot) {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot alter type of column \"{name}\" twice"),
            ));
        }
        let using = using.as_ref();
        judge_uses(&catalog, &table, column, using.is_some())?;
        let value = new_value(&catalog, &path, &table, column, declared.column_type, using)?;
        retyped.push(Retyped { slot, to: declared.column_type, value, has_using: using.is_some() });
    }
    let changed = retype(&catalog, &path, &table, &retyped)?;
    for known in &retyped {
        alteration.retype_sequence(&table, known)?;
    }
    judge_foreign_keys(&catalog, &table, &changed)?;
    if retyped.iter().all(|known| is_wider(&table, known)) {
        return alteration.put(changed);
    }
    refuse_on_synced(&table, "changing the type of a column")?;
    alteration.session.with_evaluation(|txn, ctx| {
        txn.rewrite_table(changed, |_, row| {
            let mut new = row.to_vec();
            for known in &retyped {
                if let Some(place) = new.get_mut(known.slot) {
                    *place = eval(&known.value, row, ctx)?;
                }
            }
            Ok(new)
        })?;
        Ok(())
    })?;
    alteration.judge_foreign_keys_again()
}

/// What the definition becomes.
fn retype(catalog: &Catalog, path: &SearchPath, table: &TableDef, retyped: &[Retyped]) -> Result<TableDef> {
    let mut changed = table.clone();
    for known in retyped {
        let Some(column) = changed.columns.get_mut(known.slot) else { continue };
        column.default = new_default(catalog, column, known.to)?;
        column.column_type = known.to;
    }
    let definition = changed.clone();
    let again = |expression: &RowExpression, clause: RowClause, column: Option<(&str, ColumnType)>| {
        if !expression.slots.iter().any(|slot| retyped.iter().any(|known| known.slot == *slot)) {
            return Ok(None);
        }
        let text = ExpressionText { text: expression.text.clone(), offset: 0 };
        keep(catalog, path, &definition, &text, clause, column).map(Some).map_err(|mut error| {
            // The text is not the statement's.
            error.fields.position = None;
            error
        })
    };
    for check in &mut changed.checks {
        if let Some(kept) = again(&check.expression, RowClause::Check, None)? {
            check.expression = kept.expression;
        }
    }
    for column in &mut changed.columns {
        // The type of a generated column may change; those that it is computed from may not.
        let Some(expression) = &column.generated else { continue };
        if retyped.iter().any(|known| definition.columns.get(known.slot).is_some_and(|other| other.id == column.id)) {
            let text = ExpressionText { text: expression.text.clone(), offset: 0 };
            let of_column = Some((column.name.as_str(), column.column_type));
            keep(catalog, path, &definition, &text, RowClause::Generated, of_column).map_err(|mut error| {
                error.fields.position = None;
                error
            })?;
        }
    }
    for index in &mut changed.indexes {
        if let Some(predicate) = &mut index.predicate
            && let Some(kept) = again(predicate, RowClause::Predicate, None)?
        {
            *predicate = kept.expression;
        }
        for key in &mut index.keys {
            let data_type = match &mut key.value {
                IndexedValue::Column(slot) => definition.columns.get(*slot).map(|column| column.column_type.data_type),
                IndexedValue::Expression { expression, column_type } => {
                    if let Some(kept) = again(expression, RowClause::Index, None)? {
                        *column_type = plain(kept.expr.data_type());
                        *expression = kept.expression;
                    }
                    Some(column_type.data_type)
                }
            };
            let Some(data_type) = data_type else { continue };
            operator_class::judge_default(data_type)?;
            if let Some(class) = &key.operator_class {
                key.operator_class =
                    operator_class::named(&QualifiedName { schema: None, name: class.clone() }, data_type)?;
            }
        }
    }
    for slot in &changed.primary_key {
        let column = changed.columns.get(*slot);
        operator_class::judge_default(column.map_or(DataType::Unknown, |column| column.column_type.data_type))?;
    }
    Ok(changed)
}

/// The value of a column over the old row: what USING says, or the old value.
fn new_value(
    catalog: &Arc<Catalog>,
    path: &SearchPath,
    table: &Arc<TableDef>,
    column: &ColumnDef,
    to: ColumnType,
    using: Option<&ExpressionText>,
) -> Result<Expr> {
    let slot = table.slot(&column.name).unwrap_or_default();
    let time = ValueContext::utc().with_names(catalog, path);
    let name = &column.name;
    let type_name = types::name(to.data_type, -1);
    let Some(text) = using else {
        let from = column.column_type.data_type;
        if !can_cast(from, to.data_type, CastContext::Assignment) {
            let message = format!("column \"{name}\" cannot be cast automatically to type {type_name}");
            let error = SqlError::new(SqlState::DATATYPE_MISMATCH, message);
            if column.generated.is_some() {
                return Err(error);
            }
            let wanted = types::name(to.data_type, to.typmod);
            return Err(
                error.with_hint(format!("You might need to specify \"USING {}::{wanted}\".", quote_ident(name)))
            );
        }
        let mut binder = Binder::new(catalog, &time, "", &[]).with_path(path.clone());
        return binder.coerce(Expr::Column(slot, from), to, CastContext::Assignment);
    };
    let parsed = parse::parse_expression(&text.text).map_err(|error| text.place(error))?;
    let mut binder = Binder::new(catalog, &time, &text.text, &[]).with_path(path.clone());
    let scope = Scope::of_table(table, &table.name);
    scope.place.set(Place::Kept("transform expressions"));
    let bound = binder.expr(&parsed, &scope).map_err(|error| text.place(error))?;
    if bound.has_subquery() {
        return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot use subquery in transform expression"));
    }
    let from = bound.data_type();
    if from != DataType::Unknown && !can_cast(from, to.data_type, CastContext::Assignment) {
        let message = format!("result of USING clause for column \"{name}\" cannot be cast automatically to type {type_name}");
        return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message)
            .with_hint("You might need to add an explicit cast."));
    }
    binder.coerce(bound, to, CastContext::Assignment).map_err(|error| text.place(error))
}

/// The default of a column with another type.
fn new_default(catalog: &Catalog, column: &ColumnDef, to: ColumnType) -> Result<Option<String>> {
    let Some(text) = &column.default else { return Ok(None) };
    let time = ValueContext::utc().with_names(catalog, &SearchPath::of_schemas(&[]));
    let mut binder = Binder::new(catalog, &time, "", &[]).with_path(SearchPath::of_schemas(&[]));
    let raw = binder.expr(&parse::parse_expression(text)?, &Scope::default())?;
    let is_literal = raw.data_type() == DataType::Unknown;
    let from = if is_literal { column.column_type.data_type } else { raw.data_type() };
    if !can_cast(from, to.data_type, CastContext::Assignment) {
        let type_name = types::name(to.data_type, -1);
        return Err(SqlError::new(
            SqlState::DATATYPE_MISMATCH,
            format!("default for column \"{}\" cannot be cast automatically to type {type_name}", column.name),
        ));
    }
    if is_literal && from != to.data_type {
        let old = types::name(column.column_type.data_type, column.column_type.typmod);
        return Ok(Some(format!("{text}::{old}")));
    }
    Ok(Some(text.clone()))
}

/// A column that others are computed from, or that a view shows, keeps its type.
fn judge_uses(catalog: &Catalog, table: &TableDef, column: &ColumnDef, has_using: bool) -> Result<()> {
    let refuse = |message: &str, detail: String| {
        Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail))
    };
    if column.generated.is_some() && has_using {
        return Err(SqlError::new(
            SqlState::INVALID_COLUMN_DEFINITION,
            "cannot specify USING when altering type of generated column",
        )
        .with_detail(format!("Column \"{}\" is a generated column.", column.name)));
    }
    let slot = table.slot(&column.name);
    let reads = |other: &&ColumnDef| {
        other.generated.as_ref().is_some_and(|expression| slot.is_some_and(|slot| expression.slots.contains(&slot)))
    };
    if let Some(other) = table.columns.iter().find(reads) {
        return refuse(
            "cannot alter type of a column used by a generated column",
            format!("Column \"{}\" is used by generated column \"{}\".", column.name, other.name),
        );
    }
    let own = Reference::to_column(table.id, column.id);
    let view = catalog.views().find(|view| view.references.contains(&own));
    if let Some(view) = view {
        return refuse(
            "cannot alter type of a column used by a view or rule",
            format!("rule _RETURN on view {} depends on column \"{}\"", quote_ident(&view.name), column.name),
        );
    }
    Ok(())
}

/// The two ends of a foreign key must still fit.
fn judge_foreign_keys(catalog: &Catalog, old: &TableDef, new: &TableDef) -> Result<()> {
    for foreign in &new.foreign_keys {
        let parent = if foreign.parent == old.id { Some(new) } else { catalog.table_by_id(foreign.parent).map(|p| &**p) };
        if let Some(parent) = parent {
            judge_key_types(new, parent, &foreign.slots, &foreign.parent_slots, &foreign.name)?;
        }
    }
    for (child, foreign) in catalog.foreign_keys_to(old.id).filter(|(child, _)| child.id != old.id) {
        judge_key_types(child, new, &foreign.slots, &foreign.parent_slots, &foreign.name)?;
    }
    Ok(())
}

/// Whether the old values are the new ones, in rows and in indexes.
fn is_wider(table: &TableDef, known: &Retyped) -> bool {
    let Some(column) = table.columns.get(known.slot) else { return true };
    let (from, to) = (column.column_type, known.to);
    if known.has_using || column.generated.is_some() {
        return from == to && matches!(known.value, Expr::Column(slot, _) if slot == known.slot);
    }
    let is_in_expression = table.indexes.iter().any(|index| {
        let keys = index.keys.iter().filter_map(|key| match &key.value {
            IndexedValue::Expression { expression, .. } => Some(expression),
            IndexedValue::Column(_) => None,
        });
        keys.chain(&index.predicate).any(|expression| expression.slots.contains(&known.slot))
    });
    from == to || (from.is_widened_by(to) && !is_in_expression)
}

impl Alteration<'_, '_> {
    /// The sequence of an identity column follows its type.
    fn retype_sequence(&mut self, table: &TableDef, known: &Retyped) -> Result<()> {
        let Some(column) = table.columns.get(known.slot).filter(|column| column.identity.is_some()) else {
            return Ok(());
        };
        if !matches!(known.to.data_type, DataType::Int2 | DataType::Int4 | DataType::Int8) {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "identity column type must be smallint, integer, or bigint",
            ));
        }
        let Some(found) = sequence_of(self.session, table, column)? else { return Ok(()) };
        let clause = SequenceClause::As(parse::parse_type(&types::name(known.to.data_type, -1))?);
        sequence::alter(self.session, &found, &[clause])
    }
}
