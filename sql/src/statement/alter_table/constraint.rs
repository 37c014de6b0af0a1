//! ADD CONSTRAINT, VALIDATE, ALTER and DROP CONSTRAINT.

use std::collections::BTreeSet;
use std::sync::Arc;

use heliosdb_storage::RelationId;
use heliosdb_storage::catalog::{CheckDef, ForeignKeyDef, TableDef};
use heliosdb_storage::transaction::TableLock;

use super::super::constraint::{check, deferral, foreign_key};
use super::Alteration;
use crate::bind::find_target;
use crate::dependency::{ObjectAddress, drop_objects};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{Attributes, ConstraintKind, ExpressionText, ForeignKey, NamedConstraint};

impl Alteration<'_, '_> {
    pub(super) fn add_constraint(&mut self, constraint: &NamedConstraint) -> Result<()> {
        if let Some(name) = &constraint.name {
            let table = self.definition()?;
            if constraint_names(&table).contains(name) {
                return Err(already_exists(&table, name));
            }
        }
        match &constraint.kind {
            ConstraintKind::Check(text) => self.add_check(constraint, text),
            ConstraintKind::ForeignKey(foreign) => self.add_foreign_key(constraint, foreign),
            ConstraintKind::PrimaryKey(columns) => self.add_primary_key(constraint, columns),
            ConstraintKind::Unique { columns, nulls_not_distinct } => {
                self.add_unique(constraint, columns, *nulls_not_distinct)
            }
        }
    }

    fn add_check(&mut self, constraint: &NamedConstraint, text: &ExpressionText) -> Result<()> {
        let table = self.definition()?;
        let (catalog, path) = self.catalog()?;
        let taken = constraint_names(&table);
        let made = check(&catalog, &path, &table, constraint.name.clone(), text, &|name| taken.contains(name))?;
        let id = RelationId(self.session.storage()?.new_oid()?.0);
        let Attributes { not_valid, no_inherit, .. } = constraint.attributes;
        let made = CheckDef { id, validated: !not_valid, no_inherit, ..made };
        if made.validated {
            self.session.storage()?.judge_check(&table, &made)?;
        }
        let mut changed = TableDef::clone(&table);
        changed.checks.push(made);
        changed.checks.sort_by(|a, b| a.name.cmp(&b.name));
        self.put(changed)
    }

    fn add_foreign_key(&mut self, constraint: &NamedConstraint, foreign: &ForeignKey) -> Result<()> {
        let (_, path) = self.catalog()?;
        let referred = &foreign.references.table;
        self.session.lock_for_ddl(|catalog| find_target(catalog, &path, referred), TableLock::ShareRowExclusive)?;
        let table = self.definition()?;
        let (catalog, path) = self.catalog()?;
        let taken = constraint_names(&table);
        let is_taken = |name: &str| taken.contains(name);
        let made = foreign_key(&catalog, &path, &table, foreign, constraint.name.clone(), &is_taken)?;
        let id = RelationId(self.session.storage()?.new_oid()?.0);
        let validated = !constraint.attributes.not_valid;
        let made = ForeignKeyDef { id, validated, deferral: deferral(constraint.attributes), ..made };
        let mut changed = TableDef::clone(&table);
        changed.foreign_keys.push(made);
        self.put(changed)?;
        if validated {
            let table = self.definition()?;
            self.session.storage()?.judge_foreign_key(&table, id)?;
        }
        Ok(())
    }

    pub(super) fn alter_constraint(&mut self, name: &str, attributes: Attributes) -> Result<()> {
        let table = self.definition()?;
        let mut changed = TableDef::clone(&table);
        let found = changed.foreign_keys.iter_mut().find(|foreign| foreign.name == name);
        let Some(foreign) = found else {
            if !constraint_names(&table).contains(name) {
                return Err(no_such_constraint(&table, name));
            }
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("constraint \"{name}\" of relation \"{}\" is not a foreign key constraint", table.name),
            ));
        };
        foreign.deferral = deferral(attributes);
        self.put(changed)
    }

    pub(super) fn validate_constraint(&mut self, name: &str) -> Result<()> {
        let table = self.definition()?;
        let mut changed = TableDef::clone(&table);
        if let Some(check) = changed.checks.iter_mut().find(|check| check.name == name) {
            if check.validated {
                return Ok(());
            }
            check.validated = true;
            let check = check.clone();
            self.session.storage()?.judge_check(&table, &check)?;
            return self.put(changed);
        }
        if let Some(foreign) = changed.foreign_keys.iter_mut().find(|foreign| foreign.name == name) {
            if foreign.validated {
                return Ok(());
            }
            foreign.validated = true;
            let (id, parent) = (foreign.id, foreign.parent);
            self.session.storage()?.lock_table(parent, TableLock::RowShare)?;
            self.session.storage()?.judge_foreign_key(&table, id)?;
            return self.put(changed);
        }
        if !constraint_names(&table).contains(name) {
            return Err(no_such_constraint(&table, name));
        }
        Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("constraint \"{name}\" of relation \"{}\" is not a foreign key or check constraint", table.name),
        ))
    }

    pub(super) fn drop_constraint(&mut self, name: &str, if_exists: bool, cascade: bool) -> Result<()> {
        let table = self.definition()?;
        if !constraint_names(&table).contains(name) {
            let error = no_such_constraint(&table, name);
            if !if_exists {
                return Err(error);
            }
            self.session.note(SqlState::SUCCESS, format!("{}, skipping", error.message));
            return Ok(());
        }
        drop_objects(self.session, &[ObjectAddress::Constraint(table.id, name.to_owned())], cascade)
    }

    /// Judges all foreign keys of and to the table again, because its values are others now.
    pub(super) fn judge_foreign_keys_again(&mut self) -> Result<()> {
        let table = self.definition()?;
        for foreign in table.foreign_keys.iter().filter(|foreign| foreign.validated) {
            self.session.storage()?.judge_foreign_key(&table, foreign.id)?;
        }
        let catalog = Arc::clone(self.session.catalog()?);
        for (child, foreign) in catalog.foreign_keys_to(table.id) {
            if child.id != table.id && foreign.validated {
                self.session.storage()?.judge_foreign_key(child, foreign.id)?;
            }
        }
        Ok(())
    }
}

/// The names of all constraints of a table.
pub(super) fn constraint_names(table: &TableDef) -> BTreeSet<String> {
    let keys = table.indexes.iter().filter(|index| index.is_constraint).map(|index| &index.name);
    let names = table.primary_key_name.iter().chain(keys);
    let checks = table.checks.iter().map(|check| &check.name);
    names.chain(checks).chain(table.foreign_keys.iter().map(|foreign| &foreign.name)).cloned().collect()
}

pub(super) fn already_exists(table: &TableDef, name: &str) -> SqlError {
    let message = format!("constraint \"{name}\" for relation \"{}\" already exists", table.name);
    SqlError::new(SqlState::DUPLICATE_OBJECT, message)
}

fn no_such_constraint(table: &TableDef, name: &str) -> SqlError {
    let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", table.name);
    SqlError::new(SqlState::UNDEFINED_OBJECT, message)
}
