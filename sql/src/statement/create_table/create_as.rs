//! CREATE TABLE … AS and SELECT INTO.

use std::sync::Arc;

use heliosdb_storage::catalog::{NewColumn, NewTable};
use heliosdb_storage::sync_row::Role;
use sqlparser::ast::{self, SetExpr, Statement};

use super::{refuse_clauses, storage_parameter};
use crate::bind::Binder;
use crate::bind::query::Unknowns;
use crate::error::{Result, SqlError, SqlState};
use crate::functions::quote_ident;
use crate::parse::table::{CreateTableAs, TableHead};
use crate::parse::{self, ParsedStatement, Tree};
use crate::session::Session;

/// How many rows are asked for at once; there are none to return.
const BATCH_ROWS: usize = 256;

/// The statement that a SELECT INTO is; none if the query is no such thing.
pub fn select_into(query: &ast::Query) -> Result<Option<CreateTableAs>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Ok(None) };
    let Some(into) = &select.into else { return Ok(None) };
    let name = match into.targets.as_slice() {
        [ast::Expr::CompoundIdentifier(parts)] => {
            let parts = parts.iter().map(|part| ast::ObjectNamePart::Identifier(part.clone()));
            crate::bind::names::qualified(&ast::ObjectName(parts.collect()))?
        }
        _ => return Err(SqlError::unsupported("this form of SELECT INTO")),
    };
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.into = None;
    }
    let head = TableHead {
        name,
        temporary: into.temporary,
        unlogged: into.unlogged,
        if_not_exists: false,
        parameters: Vec::new(),
        on_commit: None,
        tablespace: None,
        access_method: None,
    };
    Ok(Some(CreateTableAs { head, columns: Vec::new(), query: Box::new(query), with_data: true }))
}

/// Makes the table and fills it; returns how many rows it has, if it was to be filled. None if it was there already.
pub(in crate::statement) fn run(session: &mut Session, create: &CreateTableAs) -> Result<Option<u64>> {
    let head = &create.head;
    refuse_clauses(head)?;
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let schema = path.creation_schema(&catalog, head.name.schema.as_deref())?;
    let name = &head.name.name;
    if catalog.has_relation(&schema, name) {
        let message = format!("relation \"{name}\" already exists");
        if !head.if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
        }
        session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
        return Ok(None);
    }
    let parameters = storage_parameter::of_table(&head.parameters)?;
    let mut binder = Binder::new(&catalog, session.time_context(), "", &[]).with_path(path);
    let bound = binder.query(&create.query, None, Unknowns::Text)?;
    if !binder.into_parameter_types()?.is_empty() {
        return Err(SqlError::unsupported("a parameter in CREATE TABLE AS"));
    }
    if create.columns.len() > bound.columns.len() {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "too many column names were specified"));
    }
    let mut table =
        NewTable { schema: schema.clone(), name: name.clone(), options: parameters.listed, ..NewTable::default() };
    let mut given = create.columns.iter();
    for column in &bound.columns {
        let name = given.next().unwrap_or(&column.name);
        if table.columns.iter().any(|known| known.name == *name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        table.columns.push(NewColumn::new(name.clone(), column.column_type));
    }
    if session.role() == Role::Hub {
        session.note(SqlState::SUCCESS, format!("table \"{name}\" has no primary key and is not synced"));
    }
    session.storage()?.create_table(table)?;
    if !create.with_data {
        return Ok(None);
    }
    fill(session, &schema, name, &create.query).map(Some)
}

/// INSERT INTO the new table what the query gives.
fn fill(session: &mut Session, schema: &str, name: &str, query: &ast::Query) -> Result<u64> {
    let text = format!("INSERT INTO {}.{} SELECT 1", quote_ident(schema), quote_ident(name));
    let parsed = parse::parse(&text)?;
    let Some(Tree::Sql(statement)) = parsed.first().map(|parsed| parsed.tree.clone()) else {
        return Err(SqlError::new(SqlState::INTERNAL_ERROR, "an INSERT is not one"));
    };
    let mut statement = Statement::clone(&statement);
    if let Statement::Insert(insert) = &mut statement {
        insert.source = Some(Box::new(query.clone()));
    }
    // The catalog is this transaction's own now, so that the plan is kept by nobody, whatever the text.
    let text: Arc<str> = text.into();
    let statement = ParsedStatement { text: Arc::clone(&text), tree: Tree::Sql(Arc::new(statement)), source: text };
    let prepared = session.prepare(&statement, &[])?;
    let mut portal = session.execute(&prepared, Vec::new())?;
    let mut rows = Vec::new();
    while portal.next_rows(session, BATCH_ROWS, &mut rows)? {
        rows.clear();
    }
    let tag = portal.tag();
    Ok(tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0))
}
