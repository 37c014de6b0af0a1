//! COPY TO: the rows of a table or a query, written as lines or tuples.

use std::sync::Arc;

use bytes::BytesMut;
use heliosdb_storage::Row;
use heliosdb_storage::value::Value;
use sqlparser::ast;

use super::copy_in::{not_copy, refuse_server_files};
use super::prepared::Prepared;
use super::{Portal, Session};
use crate::bind::copy::CopyTarget;
use crate::bind::names;
use crate::copy::options::ColumnSet;
use crate::copy::statement::Subject;
use crate::copy::text::LineWriter;
use crate::copy::{CopyFormat, CopyOptions, Header, tuples};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::{self, ParsedStatement};
use crate::types;

/// How many rows are written in one go.
const BATCH_ROWS: usize = 256;

/// A COPY TO that is under way.
pub struct CopyOut {
    query: Arc<Prepared>,
    portal: Portal,
    options: CopyOptions,
    /// Whether each column is quoted whatever its value.
    force_quote: Vec<bool>,
    rows: u64,
    stage: Stage,
    buffers: Buffers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Rows,
    Done,
}

/// Memory that is used again and again.
#[derive(Default)]
struct Buffers {
    rows: Vec<Row>,
    line: Vec<u8>,
    text: String,
    tuple: BytesMut,
}

impl Session {
    /// Begins a COPY TO.
    pub fn copy_out(&mut self, prepared: &Arc<Prepared>) -> Result<CopyOut> {
        let begun = self.begin_copy_out(prepared);
        self.failing(begun)
    }

    fn begin_copy_out(&mut self, prepared: &Arc<Prepared>) -> Result<CopyOut> {
        let copy = prepared.copy_statement().filter(|copy| !copy.from).ok_or_else(not_copy)?;
        self.begin_copy(prepared)?;
        refuse_server_files(copy)?;
        let (query, table) = match &copy.subject {
            Subject::Table(name, columns) => self.table_query(name, columns)?,
            Subject::Query(query) => (query.clone(), None),
        };
        let query = self.prepare_here(&query, &[])?;
        if query.columns().is_empty() && query.changes_rows() {
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause"));
        }
        let options = CopyOptions::resolve(&copy.options, false)?;
        let names: Vec<&str> = query.columns().iter().map(|column| column.name.as_str()).collect();
        match &table {
            Some(table) => table.check_columns("FORCE_QUOTE", &options.force_quote)?,
            None => check_names(&options.force_quote, &names)?,
        }
        let force_quote = names.iter().map(|name| is_forced(&options.force_quote, name)).collect();
        let portal = self.execute(&query, Vec::new())?;
        let stage = Stage::Header;
        Ok(CopyOut { query, portal, options, force_quote, rows: 0, stage, buffers: Buffers::default() })
    }

    /// `SELECT "a", "b" FROM "t"`, for `COPY t (a, b) TO`; and the table, if it is a stored one.
    fn table_query(
        &mut self,
        name: &ast::ObjectName,
        columns: &[ast::Ident],
    ) -> Result<(ParsedStatement, Option<CopyTarget>)> {
        let name = names::qualified(name)?;
        let catalog = Arc::clone(self.catalog()?);
        let target = CopyTarget::of_table(&catalog, &self.search_path(&catalog), &name, columns)?;
        let names: Vec<String> = match &target {
            Some(target) => target.slots.iter().map(|slot| in_quotes(target.name_of(*slot))).collect(),
            None => columns.iter().map(|column| in_quotes(&names::ident(column))).collect(),
        };
        let list = if names.is_empty() { "*".to_owned() } else { names.join(", ") };
        let schema = name.schema.as_deref().map(|schema| format!("{}.", in_quotes(schema))).unwrap_or_default();
        let sql = format!("SELECT {list} FROM {schema}{}", in_quotes(&name.name));
        Ok((parse::parse(&sql)?.pop().ok_or_else(not_copy)?, target))
    }
}

impl CopyOut {
    /// Whether the binary format is written.
    pub fn is_binary(&self) -> bool {
        self.options.format == CopyFormat::Binary
    }

    /// How many columns a row has.
    pub fn columns(&self) -> usize {
        self.query.columns().len()
    }

    /// Writes some more: the function gets each row, and what comes before and after them. False at the end.
    pub fn step(&mut self, session: &mut Session, put: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let stepped = self.advance(session, put);
        session.failing(stepped)
    }

    /// The command tag, known at the end.
    pub fn tag(&self) -> String {
        format!("COPY {}", self.rows)
    }

    fn advance(&mut self, session: &mut Session, put: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        match self.stage {
            Stage::Header => {
                self.header(put)?;
                self.stage = Stage::Rows;
                Ok(true)
            }
            Stage::Rows => {
                let mut rows = std::mem::take(&mut self.buffers.rows);
                rows.clear();
                let more = self.portal.next_rows(session, BATCH_ROWS, &mut rows)?;
                for row in &rows {
                    self.row(row, session, put)?;
                }
                self.rows += u64::try_from(rows.len()).unwrap_or(0);
                self.buffers.rows = rows;
                if !more {
                    self.stage = Stage::Done;
                    if self.is_binary() {
                        self.buffers.tuple.clear();
                        tuples::put_trailer(&mut self.buffers.tuple);
                        put(&self.buffers.tuple)?;
                    }
                }
                Ok(more)
            }
            Stage::Done => Ok(false),
        }
    }

    fn header(&mut self, put: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Self { query, options, buffers, .. } = self;
        if options.format == CopyFormat::Binary {
            buffers.tuple.clear();
            tuples::put_header(&mut buffers.tuple);
            return put(&buffers.tuple);
        }
        if options.header == Header::None {
            return Ok(());
        }
        buffers.line.clear();
        let mut line = LineWriter::new(options, query.columns().len(), &mut buffers.line);
        query.columns().iter().for_each(|column| line.name(&column.name));
        line.end();
        put(&buffers.line)
    }

    fn row(&mut self, row: &[Value], session: &Session, put: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Self { query, options, force_quote, buffers, .. } = self;
        let columns = query.columns();
        if options.format == CopyFormat::Binary {
            buffers.tuple.clear();
            let types = columns.iter().map(|column| column.data_type);
            tuples::put_tuple(row, types, session.time_context(), &mut buffers.tuple)?;
            return put(&buffers.tuple);
        }
        buffers.line.clear();
        let mut line = LineWriter::new(options, columns.len(), &mut buffers.line);
        for ((value, column), force_quote) in row.iter().zip(columns).zip(force_quote) {
            match value {
                Value::Null => line.null(),
                Value::Text(text) => line.value(text, *force_quote),
                value => {
                    buffers.text.clear();
                    types::format_text(value, column.data_type, session.time_context(), &mut buffers.text);
                    line.value(&buffers.text, *force_quote);
                }
            }
        }
        line.end();
        put(&buffers.line)
    }
}

fn in_quotes(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn is_forced(set: &ColumnSet, name: &str) -> bool {
    match set {
        ColumnSet::None => false,
        ColumnSet::All => true,
        ColumnSet::Named(names) => names.iter().any(|known| known == name),
    }
}

/// FORCE_QUOTE of a query's columns.
fn check_names(set: &ColumnSet, columns: &[&str]) -> Result<()> {
    let ColumnSet::Named(names) = set else { return Ok(()) };
    for (at, name) in names.iter().enumerate() {
        if !columns.contains(&name.as_str()) {
            let message = format!("column \"{name}\" does not exist");
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        }
        if names.iter().take(at).any(|known| known == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
    }
    Ok(())
}
