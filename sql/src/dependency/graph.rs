//! Who depends on whom, read off the definitions.

use heliosdb_storage::catalog::{
    CatalogObject, ForeignKeyDef, Reference, SequenceDef, TableDef, ViewDef, is_permutation,
};
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Catalog, Oid, RelationId};

use super::ObjectAddress;
use super::rename::default_mentions;

/// What happens to the dependent object when the other one goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It goes with CASCADE only.
    Normal,
    /// It goes along, without a word.
    Auto,
}

/// One object needs another.
pub(super) struct Dependency {
    pub dependent: ObjectAddress,
    /// When the dependent object was made, as far as that can be told: the walk begins with the newest.
    pub age: u32,
    pub on: ObjectAddress,
    pub kind: Kind,
}

/// All dependencies between the objects of a catalog.
pub(super) fn dependencies(catalog: &Catalog) -> Vec<Dependency> {
    let mut found = Graph { catalog, dependencies: Vec::new() };
    for object in catalog.objects() {
        match object {
            CatalogObject::Table(table) => found.table(table),
            CatalogObject::Sequence(sequence) => found.sequence(sequence),
            CatalogObject::View(view) => found.view(view),
            CatalogObject::Enum(definition) => {
                found.in_schema(ObjectAddress::Type(definition.id), definition.id, &definition.schema);
            }
            CatalogObject::Schema(_) => {}
        }
    }
    found.dependencies
}

struct Graph<'a> {
    catalog: &'a Catalog,
    dependencies: Vec<Dependency>,
}

impl Graph<'_> {
    fn add(&mut self, dependent: ObjectAddress, age: u32, on: ObjectAddress, kind: Kind) {
        self.dependencies.push(Dependency { dependent, age, on, kind });
    }

    fn in_schema(&mut self, dependent: ObjectAddress, id: Oid, schema: &str) {
        if let Some(schema) = self.catalog.schema(schema) {
            let on = ObjectAddress::Schema(schema.id);
            self.add(dependent, id.0, on, Kind::Normal);
        }
    }

    /// Something that belongs to columns of its table.
    fn part(&mut self, part: &ObjectAddress, age: u32, table: &TableDef, slots: &[usize]) {
        for column in slots.iter().filter_map(|slot| table.columns.get(*slot)) {
            self.add(part.clone(), age, ObjectAddress::Column(table.id, column.id), Kind::Auto);
        }
        if slots.is_empty() {
            self.add(part.clone(), age, ObjectAddress::Relation(table.id), Kind::Auto);
        }
    }

    fn table(&mut self, table: &TableDef) {
        self.in_schema(ObjectAddress::Relation(table.id), table.id.into(), &table.schema);
        if let (Some(id), Some(name)) = (table.primary_key_id, &table.primary_key_name) {
            self.key(table, id, Some(name), &table.primary_key);
        }
        for index in &table.indexes {
            self.key(
                table,
                index.id,
                index.is_constraint.then_some(&index.name),
                &index.all_slots().collect::<Vec<_>>(),
            );
        }
        for check in &table.checks {
            let address = ObjectAddress::Constraint(table.id, check.name.clone());
            self.part(&address, table.id.0.max(check.id.0), table, &check.expression.slots);
        }
        for column in &table.columns {
            if let Some(id) = enum_of(column.column_type.data_type) {
                let address = ObjectAddress::Column(table.id, column.id);
                self.add(address, table.id.0, ObjectAddress::Type(id), Kind::Normal);
            }
        }
        for column in table.columns.iter().filter(|column| column.default.is_some()) {
            let address = ObjectAddress::Default(table.id, column.id);
            if let Some(mentions) = default_mentions(self.catalog, column) {
                self.references(&address, table.id.0, &mentions.references());
            }
            self.add(address, table.id.0, ObjectAddress::Column(table.id, column.id), Kind::Auto);
        }
        for column in &table.columns {
            let Some(expression) = &column.generated else { continue };
            for read in expression.slots.iter().filter_map(|slot| table.columns.get(*slot)) {
                let address = ObjectAddress::Column(table.id, column.id);
                self.add(address, table.id.0, ObjectAddress::Column(table.id, read.id), Kind::Normal);
            }
        }
        for foreign in &table.foreign_keys {
            self.foreign_key(table, foreign);
        }
    }

    fn view(&mut self, view: &ViewDef) {
        let address = ObjectAddress::Relation(view.id);
        self.in_schema(address.clone(), view.id.into(), &view.schema);
        self.references(&address, view.id.0, &view.references);
    }

    /// What a definition names.
    fn references(&mut self, address: &ObjectAddress, age: u32, references: &[Reference]) {
        for reference in references {
            let Some(object) = self.catalog.object(reference.object) else { continue };
            let relation = RelationId(reference.object.0);
            let on = match object {
                CatalogObject::Schema(schema) => ObjectAddress::Schema(schema.id),
                CatalogObject::Enum(definition) => ObjectAddress::Type(definition.id),
                CatalogObject::Table(_) | CatalogObject::Sequence(_) | CatalogObject::View(_) => {
                    if reference.column.0 == 0 {
                        ObjectAddress::Relation(relation)
                    } else {
                        ObjectAddress::Column(relation, reference.column)
                    }
                }
            };
            self.add(address.clone(), age, on, Kind::Normal);
        }
    }

    fn sequence(&mut self, sequence: &SequenceDef) {
        let address = ObjectAddress::Relation(sequence.id);
        self.in_schema(address.clone(), sequence.id.into(), &sequence.schema);
        if let Some(owner) = sequence.owner {
            self.add(address, sequence.id.0, ObjectAddress::Column(owner.table, owner.column), Kind::Auto);
        }
    }

    /// An index, and the constraint that it belongs to.
    fn key(&mut self, table: &TableDef, id: RelationId, constraint: Option<&String>, slots: &[usize]) {
        let index = ObjectAddress::Index(table.id, id);
        match constraint {
            Some(name) => {
                let constraint = ObjectAddress::Constraint(table.id, name.clone());
                self.part(&constraint, id.0, table, slots);
                self.add(index, id.0, constraint, Kind::Auto);
            }
            None => self.part(&index, id.0, table, slots),
        }
    }

    fn foreign_key(&mut self, table: &TableDef, foreign: &ForeignKeyDef) {
        let address = ObjectAddress::Constraint(table.id, foreign.name.clone());
        let Some(parent) = self.catalog.table_by_id(foreign.parent) else { return };
        let index = parent.indexes.iter().find(|index| index.is_key_of(&foreign.parent_slots));
        let index = match parent.primary_key_id {
            Some(id) if is_permutation(&parent.primary_key, &foreign.parent_slots) => Some(id),
            _ => index.map(|index| index.id),
        };
        // It is newer than both tables and the index, whatever their ids (older stores gave it none).
        let age = table.id.0.max(parent.id.0).max(index.map_or(0, |index| index.0)).max(foreign.id.0);
        self.part(&address, age, table, &foreign.slots);
        for column in foreign.parent_slots.iter().filter_map(|slot| parent.columns.get(*slot)) {
            self.add(address.clone(), age, ObjectAddress::Column(parent.id, column.id), Kind::Normal);
        }
        if let Some(index) = index {
            self.add(address, age, ObjectAddress::Index(parent.id, index), Kind::Normal);
        }
    }
}

/// The enum that values of a type hold.
fn enum_of(data_type: DataType) -> Option<Oid> {
    match data_type {
        DataType::Enum(id) => Some(Oid(id)),
        other => match other.element()? {
            DataType::Enum(id) => Some(Oid(id)),
            _ => None,
        },
    }
}
