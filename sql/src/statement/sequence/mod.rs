//! CREATE SEQUENCE and ALTER SEQUENCE.

pub(super) mod options;

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, SequenceDef, SequenceOwner, SequencePlace, SequenceValue, TableDef};
use heliosdb_storage::{Catalog, RelationId};

use crate::bind::SearchPath;
use crate::bind::mention::Renaming;
use crate::bind::names::{QualifiedName, no_such_relation};
use crate::dependency;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{SequenceClause, SequenceStatement};
use crate::session::Session;
use options::Draft;

impl SequenceStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Create { .. } => "CREATE SEQUENCE",
            Self::Alter { .. } | Self::Rename { .. } | Self::SetSchema { .. } => "ALTER SEQUENCE",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create { name, if_not_exists, clauses } => create(session, name, *if_not_exists, clauses),
            Self::Alter { name, if_exists, clauses } => {
                let Some(sequence) = find(session, name, *if_exists)? else { return Ok(()) };
                alter(session, &sequence, clauses)
            }
            Self::Rename { name, if_exists, to } => {
                let Some(sequence) = find(session, name, *if_exists)? else { return Ok(()) };
                if session.catalog()?.has_relation(&sequence.schema, to) {
                    return Err(already_exists(to));
                }
                let (id, schema) = (sequence.id.into(), sequence.schema.clone());
                dependency::rename(session, &Renaming::Object { id, schema, name: to.clone() })?;
                put(session, SequenceDef { name: to.clone(), ..SequenceDef::clone(&sequence) })
            }
            Self::SetSchema { name, if_exists, schema } => {
                let Some(sequence) = find(session, name, *if_exists)? else { return Ok(()) };
                set_schema(session, &sequence, schema)
            }
        }
    }
}

fn create(session: &mut Session, name: &QualifiedName, if_not_exists: bool, clauses: &[SequenceClause]) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let schema = path.creation_schema(&catalog, name.schema.as_deref())?;
    if catalog.has_relation(&schema, &name.name) {
        if !if_not_exists {
            return Err(already_exists(&name.name));
        }
        session.note(SqlState::DUPLICATE_TABLE, format!("relation \"{}\" already exists, skipping", name.name));
        return Ok(());
    }
    let draft = Draft::of_clauses(clauses)?;
    let owner = match &draft.owned_by {
        Some(Some(column)) => Some(owner(&catalog, &path, column, &schema)?),
        _ => None,
    };
    make(session, &schema, &name.name, &draft, owner)?;
    Ok(())
}

/// Makes a sequence of which all is known.
pub(super) fn make(
    session: &mut Session,
    schema: &str,
    name: &str,
    draft: &Draft,
    owner: Option<SequenceOwner>,
) -> Result<RelationId> {
    let id = RelationId(session.storage()?.new_oid()?.0);
    let options = draft.options()?;
    let definition = SequenceDef {
        id,
        schema: schema.to_owned(),
        name: name.to_owned(),
        data_type: draft.data_type(),
        options,
        owner,
        place: SequencePlace::new(),
        initial: SequenceValue { last: options.start, is_called: false },
    };
    put(session, definition)?;
    Ok(id)
}

/// ALTER SEQUENCE, and ALTER COLUMN … SET or RESTART of an identity column.
pub(super) fn alter(session: &mut Session, sequence: &SequenceDef, clauses: &[SequenceClause]) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let draft = Draft::of_change(sequence, clauses)?;
    let (value, _) = session.store().sequence_value(sequence)?;
    let options = draft.options()?;
    let mut changed = SequenceDef { options, data_type: draft.data_type(), ..sequence.clone() };
    if let Some(restart) = &draft.restart {
        changed.place = SequencePlace::new();
        changed.initial = SequenceValue { last: restart.unwrap_or(options.start), is_called: false };
    }
    let last = if draft.restart.is_some() { changed.initial.last } else { value.last };
    options::check_last(&options, last)?;
    match &draft.owned_by {
        None => {}
        Some(_) if sequence.owner.is_some_and(|owner| owner.is_identity) => {
            let table = sequence.owner.and_then(|owner| catalog.table_by_id(owner.table));
            let table = table.map_or("", |table| &table.name);
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence")
                .with_detail(format!("Sequence \"{}\" is linked to table \"{table}\".", sequence.name)));
        }
        Some(None) => changed.owner = None,
        Some(Some(column)) => changed.owner = Some(owner(&catalog, &path, column, &sequence.schema)?),
    }
    put(session, changed)
}

fn set_schema(session: &mut Session, sequence: &SequenceDef, schema: &str) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    if let Some(table) = sequence.owner.and_then(|owner| catalog.table_by_id(owner.table)) {
        return Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "cannot move an owned sequence into another schema",
        )
        .with_detail(format!("Sequence \"{}\" is linked to table \"{}\".", sequence.name, table.name)));
    }
    let schema = path.creation_schema(&catalog, Some(schema))?;
    if schema == sequence.schema {
        return Ok(());
    }
    if catalog.has_relation(&schema, &sequence.name) {
        let message = format!("relation \"{}\" already exists in schema \"{schema}\"", sequence.name);
        return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
    }
    let (id, name) = (sequence.id.into(), sequence.name.clone());
    dependency::rename(session, &Renaming::Object { id, schema: schema.clone(), name })?;
    put(session, SequenceDef { schema, ..sequence.clone() })
}

/// Records a sequence.
pub(super) fn put(session: &mut Session, sequence: SequenceDef) -> Result<()> {
    session.storage()?.put_object(CatalogObject::Sequence(Arc::new(sequence)))?;
    Ok(())
}

/// The sequence that a statement names; none if it is not there and need not be.
fn find(session: &mut Session, name: &QualifiedName, if_exists: bool) -> Result<Option<Arc<SequenceDef>>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let found = path.find(name, |schema| catalog.relation(schema, &name.name).cloned());
    match found {
        Some(CatalogObject::Sequence(sequence)) => Ok(Some(sequence)),
        Some(_) => Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", name.name))),
        None if if_exists => {
            let message = format!("relation \"{}\" does not exist, skipping", name.name);
            session.note(SqlState::SUCCESS, message);
            Ok(None)
        }
        None => Err(no_such_relation(name)),
    }
}

/// The column that OWNED BY names.
fn owner(catalog: &Catalog, path: &SearchPath, column: &[String], schema: &str) -> Result<SequenceOwner> {
    let [qualifier @ .., table, column] = column else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "invalid OWNED BY option")
            .with_hint("Specify OWNED BY table.column or OWNED BY NONE."));
    };
    let name = QualifiedName { schema: qualifier.last().cloned(), name: table.clone() };
    let table = owning_table(catalog, path, &name)?;
    if table.schema != schema {
        return Err(SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "sequence must be in same schema as table it is linked to",
        ));
    }
    let found = table.slot(column).and_then(|slot| table.columns.get(slot)).ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
        )
    })?;
    Ok(SequenceOwner { table: table.id, column: found.id, is_identity: false })
}

fn owning_table(catalog: &Catalog, path: &SearchPath, name: &QualifiedName) -> Result<Arc<TableDef>> {
    match path.find(name, |schema| catalog.relation(schema, &name.name).cloned()) {
        Some(CatalogObject::Table(table)) => Ok(table),
        Some(_) => Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("sequence cannot be owned by relation \"{}\"", name.name),
        )),
        None => Err(no_such_relation(name)),
    }
}

fn already_exists(name: &str) -> SqlError {
    SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists"))
}
