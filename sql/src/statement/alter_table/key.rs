//! ADD UNIQUE and PRIMARY KEY, from columns or from an index that is there.

use heliosdb_storage::catalog::{IndexDef, TableDef};
use heliosdb_storage::key::KeyOrder;

use super::super::constraint::{deferral, free_name, key_index};
use super::super::create_table::draft::{refuse_in_primary_key, second_primary_key};
use super::Alteration;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{KeyColumns, NamedConstraint};

impl Alteration<'_, '_> {
    pub(super) fn add_unique(
        &mut self,
        constraint: &NamedConstraint,
        columns: &KeyColumns,
        nulls_not_distinct: bool,
    ) -> Result<()> {
        if let KeyColumns::Index(name) = columns {
            let table = self.definition()?;
            let index = self.usable_index(&table, name, false)?.clone();
            let mut changed = TableDef::clone(&table);
            for own in changed.indexes.iter_mut().filter(|own| own.id == index.id) {
                own.is_constraint = true;
                own.deferral = deferral(constraint.attributes);
                own.name = self.name_of_key(constraint, &index)?;
            }
            return self.put(changed);
        }
        let table = self.definition()?;
        let mut index = key_index(&table.columns, columns, constraint.attributes, nulls_not_distinct, false)?;
        index.name = self.free_key_name(constraint, &table, &index, "key")?;
        self.session.storage()?.create_index(table.id, index)?;
        Ok(())
    }

    pub(super) fn add_primary_key(&mut self, constraint: &NamedConstraint, columns: &KeyColumns) -> Result<()> {
        let table = self.definition()?;
        if !table.primary_key.is_empty() {
            return Err(second_primary_key(&table.name));
        }
        let (name, slots, used) = if let KeyColumns::Index(name) = columns {
            let index = self.usable_index(&table, name, true)?.clone();
            refuse_in_primary_key(constraint.attributes, !index.included.is_empty())?;
            let slots = index.column_slots().unwrap_or_default();
            (self.name_of_key(constraint, &index)?, slots, Some(index.id))
        } else {
            let index = key_index(&table.columns, columns, constraint.attributes, false, true)?;
            let name = self.free_key_name(constraint, &table, &index, "pkey")?;
            (name, index.column_slots().unwrap_or_default(), None)
        };
        let of_crdt = slots.iter().filter_map(|slot| table.columns.get(*slot)).find(|column| column.crdt.is_some());
        if let Some(column) = of_crdt {
            return Err(SqlError::unsupported(format!("CRDT column \"{}\" in a key", column.name)));
        }
        self.set_not_null(&slots)?;
        let mut changed = TableDef::clone(&*self.definition()?);
        changed.indexes.retain(|index| Some(index.id) != used);
        changed.primary_key = slots;
        changed.primary_key_name = Some(name);
        changed.primary_key_id = used;
        self.session.storage()?.rewrite_table(changed, |_, row| Ok(row.to_vec()))?;
        Ok(())
    }

    /// The name of a key that is made anew.
    fn free_key_name(
        &mut self,
        constraint: &NamedConstraint,
        table: &TableDef,
        index: &IndexDef,
        label: &str,
    ) -> Result<String> {
        let catalog = self.session.catalog()?;
        if let Some(name) = &constraint.name {
            if catalog.has_relation(&table.schema, name) {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
            }
            return Ok(name.clone());
        }
        let slots = index.column_slots().unwrap_or_default();
        let columns = slots.iter().chain(&index.included).filter_map(|slot| table.columns.get(*slot));
        let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        let columns = if label == "pkey" { String::new() } else { columns.join("_") };
        Ok(free_name(&table.name, &columns, label, &|name| catalog.has_relation(&table.schema, name)))
    }

    /// The name of a key that an index becomes.
    fn name_of_key(&mut self, constraint: &NamedConstraint, index: &IndexDef) -> Result<String> {
        let Some(name) = constraint.name.as_ref().filter(|name| **name != index.name) else {
            return Ok(index.name.clone());
        };
        let schema = self.definition()?.schema.clone();
        self.session.note(
            SqlState::SUCCESS,
            format!("ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{}\" to \"{name}\"", index.name),
        );
        if self.session.catalog()?.has_relation(&schema, name) {
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        Ok(name.clone())
    }

    /// The index of a name, if a constraint can be made of it.
    fn usable_index<'t>(
        &mut self,
        table: &'t TableDef,
        name: &str,
        is_primary: bool,
    ) -> Result<&'t IndexDef> {
        let not_ready = |message: String| Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        if table.primary_key_name.as_deref() == Some(name) {
            return not_ready(format!("index \"{name}\" is already associated with a constraint"));
        }
        let Some(index) = table.indexes.iter().find(|index| index.name == name) else {
            return if self.session.catalog()?.has_relation(&table.schema, name) {
                not_ready(format!("index \"{name}\" does not belong to table \"{}\"", table.name))
            } else {
                Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("index \"{name}\" does not exist")))
            };
        };
        if index.is_constraint {
            return not_ready(format!("index \"{name}\" is already associated with a constraint"));
        }
        let unfit = |message: String| {
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)
                .with_detail("Cannot create a primary key or unique constraint using such an index."))
        };
        if !index.unique {
            return unfit(format!("\"{name}\" is not a unique index"));
        }
        if index.column_slots().is_none() {
            return unfit(format!("index \"{name}\" contains expressions"));
        }
        if index.predicate.is_some() {
            return unfit(format!("\"{name}\" is a partial index"));
        }
        let is_odd = |key: &heliosdb_storage::catalog::IndexKey| {
            key.order != KeyOrder::default() || key.operator_class.is_some()
        };
        if let Some(at) = index.keys.iter().position(is_odd) {
            return unfit(format!("index \"{name}\" column number {} does not have default sorting behavior", at + 1));
        }
        if is_primary && index.nulls_not_distinct {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "primary keys cannot use NULLS NOT DISTINCT indexes",
            ));
        }
        Ok(index)
    }
}
