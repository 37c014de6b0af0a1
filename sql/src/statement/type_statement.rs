//! CREATE TYPE and ALTER TYPE: enums.

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, EnumDef, EnumValueDef};

use crate::bind::mention::Renaming;
use crate::bind::names::QualifiedName;
use crate::dependency;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{TypeChange, TypeStatement};
use crate::session::Session;
use crate::types;

/// The longest label.
const MAX_LABEL_BYTES: usize = 63;

impl TypeStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::CreateEnum { .. } => "CREATE TYPE",
            Self::Alter { .. } => "ALTER TYPE",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::CreateEnum { name, labels } => create(session, name, labels),
            Self::Alter { name, change } => {
                let definition = find(session, name)?;
                alter(session, &definition, change)
            }
        }
    }
}

fn create(session: &mut Session, name: &QualifiedName, labels: &[String]) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let schema = path.creation_schema(&catalog, name.schema.as_deref())?;
    if catalog.enum_named(&schema, &name.name).is_some() || catalog.relation(&schema, &name.name).is_some() {
        return Err(already_exists(&name.name));
    }
    let mut values: Vec<EnumValueDef> = Vec::with_capacity(labels.len());
    let id = session.storage()?.new_enum_oid()?;
    for (label, order) in labels.iter().zip(1_u16..) {
        check_label(label)?;
        if values.iter().any(|known| known.label == *label) {
            return Err(SqlError::new(
                SqlState::UNIQUE_VIOLATION,
                "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"",
            )
            .with_detail(format!("Key (enumtypid, enumlabel)=({}, {label}) already exists.", id.0)));
        }
        values.push(EnumValueDef { id: session.storage()?.new_oid()?, order: f32::from(order), label: label.clone() });
    }
    put(session, EnumDef { id, schema, name: name.name.clone(), labels: values })
}

fn check_label(label: &str) -> Result<()> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(SqlError::new(SqlState::INVALID_NAME, format!("invalid enum label \"{label}\""))
            .with_detail(format!("Labels must be {MAX_LABEL_BYTES} bytes or less.")));
    }
    Ok(())
}

fn alter(session: &mut Session, definition: &EnumDef, change: &TypeChange) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    match change {
        TypeChange::AddValue { label, if_not_exists, beside } => {
            add_value(session, definition, label, *if_not_exists, beside.as_ref())
        }
        TypeChange::Rename(to) => {
            if catalog.enum_named(&definition.schema, to).is_some() {
                return Err(already_exists(to));
            }
            let renaming = Renaming::Object { id: definition.id, schema: definition.schema.clone(), name: to.clone() };
            dependency::rename(session, &renaming)?;
            put(session, EnumDef { name: to.clone(), ..definition.clone() })
        }
        TypeChange::SetSchema(to) => {
            let to = session.search_path(&catalog).creation_schema(&catalog, Some(to))?;
            if to == definition.schema {
                return Ok(());
            }
            if catalog.enum_named(&to, &definition.name).is_some() {
                let message = format!("type \"{}\" already exists in schema \"{to}\"", definition.name);
                return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
            }
            let renaming = Renaming::Object { id: definition.id, schema: to.clone(), name: definition.name.clone() };
            dependency::rename(session, &renaming)?;
            put(session, EnumDef { schema: to, ..definition.clone() })
        }
    }
}

fn add_value(
    session: &mut Session,
    definition: &EnumDef,
    label: &str,
    if_not_exists: bool,
    beside: Option<&(bool, String)>,
) -> Result<()> {
    check_label(label)?;
    if definition.value(label).is_some() {
        let message = format!("enum label \"{label}\" already exists");
        if !if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
        }
        session.note(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
        return Ok(());
    }
    let mut changed = definition.clone();
    let order_at = |at: usize| definition.labels.get(at).map(|value| value.order);
    let (at, order) = match beside {
        None => (definition.labels.len(), definition.labels.last().map_or(1.0, |last| last.order + 1.0)),
        Some((before, neighbour)) => {
            let position = definition.labels.iter().position(|value| value.label == *neighbour).ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("\"{neighbour}\" is not an existing enum label"),
                )
            })?;
            let at = if *before { position } else { position + 1 };
            let order = match (at.checked_sub(1).and_then(order_at), order_at(at)) {
                (Some(low), Some(high)) => low + (high - low) / 2.0,
                (None, Some(high)) => high - 1.0,
                (Some(low), None) => low + 1.0,
                (None, None) => 1.0,
            };
            (at, order)
        }
    };
    if definition.labels.iter().any(|value| value.order.total_cmp(&order).is_eq()) {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            "no label can be added between these two any more",
        )
        .with_hint("Make a new type with all labels in their order."));
    }
    let id = session.storage()?.new_oid()?;
    changed.labels.insert(at, EnumValueDef { id, order, label: label.to_owned() });
    put(session, changed)
}

fn put(session: &mut Session, definition: EnumDef) -> Result<()> {
    session.storage()?.put_object(CatalogObject::Enum(Arc::new(definition)))?;
    Ok(())
}

/// The enum that a statement names.
fn find(session: &mut Session, name: &QualifiedName) -> Result<Arc<EnumDef>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    if let Some(found) = path.find(name, |schema| catalog.enum_named(schema, &name.name).cloned()) {
        return Ok(found);
    }
    Err(match types::by_name(&name.name) {
        Some(_) => SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not an enum", name.name)),
        None => SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")),
    })
}

fn already_exists(name: &str) -> SqlError {
    SqlError::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists"))
}
