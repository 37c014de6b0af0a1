//! COPY FROM: rows that the client sends, put into a table as they come.

use std::sync::Arc;

use heliosdb_storage::Row;
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::TableLock;
use heliosdb_storage::value::Value;

use super::Session;
use super::portal::{portal_is_gone, read_only_transaction};
use super::prepared::Prepared;
use super::settings::Setting;
use super::transaction::Active;
use crate::bind::Binder;
use crate::bind::copy::CopyTarget;
use crate::copy::fields::Fields;
use crate::copy::lines::{Found, Lines, text_of};
use crate::copy::statement::Place;
use crate::copy::tuples::{FoundTuple, Tuples};
use crate::copy::{CopyFormat, CopyOptions, CopyStatement, Header};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{eval, is_true};
use crate::exec::{ExecContext, StatementContext, TxnAccess};
use crate::types;
use crate::types::datetime::now_micros;

/// How much of the data a report of an error shows.
const MAX_SHOWN_BYTES: usize = 100;

/// How often names are looked up again because the catalog changes while the statement waits for its locks.
const MAX_REBINDS: usize = 20;

/// A COPY FROM that is under way.
pub struct CopyIn {
    target: CopyTarget,
    options: CopyOptions,
    reader: Reader,
    statement: StatementContext,
    /// The transaction that it belongs to.
    generation: u64,
    awaits_header: bool,
}

enum Reader {
    Lines(Lines, Fields),
    Tuples(Tuples),
}

impl Session {
    /// Begins a COPY FROM.
    pub fn copy_in(&mut self, prepared: &Arc<Prepared>) -> Result<CopyIn> {
        let begun = self.begin_copy_in(prepared);
        self.failing(begun)
    }

    fn begin_copy_in(&mut self, prepared: &Arc<Prepared>) -> Result<CopyIn> {
        let copy = prepared.copy_statement().filter(|copy| copy.from).ok_or_else(not_copy)?;
        self.begin_copy(prepared)?;
        refuse_server_files(copy)?;
        let target = self.copy_target(copy)?;
        let options = CopyOptions::resolve(&copy.options, true)?;
        let forced = [("FORCE_NOT_NULL", &options.force_not_null), ("FORCE_NULL", &options.force_null)];
        for (name, columns) in forced {
            target.check_columns(name, columns)?;
        }
        let reader = match options.format {
            CopyFormat::Binary => Reader::Tuples(Tuples::default()),
            format => Reader::Lines(Lines::new(format, options.quote, options.escape), Fields::default()),
        };
        Ok(CopyIn {
            awaits_header: options.header != Header::None,
            target,
            options,
            reader,
            statement: StatementContext::new(Vec::new(), self.time.clone()),
            generation: self.generation,
        })
    }

    /// An error fails the transaction.
    pub(super) fn failing<T>(&mut self, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let error = self.told(error);
            self.fail();
            error
        })
    }

    /// What every statement begins with.
    pub(super) fn begin_copy(&mut self, prepared: &Prepared) -> Result<()> {
        self.start_clock();
        self.facts.backend.report_query(&prepared.statement.source);
        self.ensure_transaction()?;
        self.note_query();
        self.time.statement_start = now_micros().max(self.time.transaction_start);
        Ok(())
    }

    /// The table, locked, as a new snapshot knows it.
    fn copy_target(&mut self, copy: &CopyStatement) -> Result<CopyTarget> {
        for _ in 0..MAX_REBINDS {
            let catalog = Arc::clone(self.ensure_transaction()?.txn.catalog());
            let path = self.search_path(&catalog);
            let target = Binder::new(&catalog, &self.time, &copy.source, &[]).with_path(path).copy_target(copy)?;
            if self.settings.is_on(Setting::TransactionReadOnly) {
                return Err(read_only_transaction("COPY FROM"));
            }
            let active = self.ensure_transaction()?;
            active.txn.lock_table(target.table.id, TableLock::RowExclusive)?;
            active.txn.begin_statement()?;
            if Arc::ptr_eq(active.txn.catalog(), &catalog) {
                return Ok(target);
            }
        }
        Err(SqlError::new(
            SqlState::SERIALIZATION_FAILURE,
            "the schema kept changing while the statement waited for its locks",
        ))
    }
}

impl CopyIn {
    /// Whether the binary format is expected.
    pub fn is_binary(&self) -> bool {
        self.options.format == CopyFormat::Binary
    }

    /// How many columns a row of the data has.
    pub const fn columns(&self) -> usize {
        self.target.slots.len()
    }

    /// Takes the next piece of the data. After an error the transaction has failed.
    pub fn push(&mut self, session: &mut Session, bytes: &[u8]) -> Result<()> {
        let taken = self.take(session, bytes);
        session.failing(taken)
    }

    /// There are no more data. Returns the command tag.
    pub fn finish(mut self, session: &mut Session) -> Result<String> {
        let ended = self.end(session);
        session.failing(ended)
    }

    /// The error of a COPY that the client has given up, with its reason.
    pub fn failed_by_client(&self, reason: &str) -> SqlError {
        let error = SqlError::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {reason}"));
        error.with_context(&place(&self.target.table, self.line_no() + 1))
    }

    fn line_no(&self) -> u64 {
        match &self.reader {
            Reader::Lines(lines, _) => lines.line_no(),
            Reader::Tuples(tuples) => tuples.tuple_no(),
        }
    }

    fn take(&mut self, session: &mut Session, bytes: &[u8]) -> Result<()> {
        match &mut self.reader {
            Reader::Lines(lines, _) => lines.push(bytes),
            Reader::Tuples(tuples) => tuples.push(bytes),
        }
        .map_err(|error| self.in_line(error))?;
        self.read_on(session)
    }

    fn end(&mut self, session: &mut Session) -> Result<String> {
        match &mut self.reader {
            Reader::Lines(lines, _) => {
                lines.finish();
                self.read_on(session)?;
            }
            Reader::Tuples(tuples) => {
                let finished = tuples.finish();
                finished.map_err(|error| self.in_line(error))?;
            }
        }
        self.active(session)?.txn.end_statement()?;
        Ok(format!("COPY {}", self.statement.affected.get()))
    }

    fn active<'s>(&self, session: &'s mut Session) -> Result<&'s mut Active> {
        if session.generation != self.generation {
            return Err(portal_is_gone());
        }
        session.state.active_mut().ok_or_else(portal_is_gone)
    }

    /// Puts all rows in that have come whole.
    fn read_on(&mut self, session: &mut Session) -> Result<()> {
        self.active(session)?;
        let Session { state, engine, facts, .. } = session;
        let Active { txn, baselines, .. } = state.active_mut().ok_or_else(portal_is_gone)?;
        let Self { target, options, reader, statement, awaits_header, .. } = self;
        let mut ctx = ExecContext {
            txn: TxnAccess::Write(txn),
            statement,
            session: facts,
            sync: engine.sync.as_ref(),
            cancel: facts.backend.flag(),
            outer: None,
            ctes: None,
            baselines: Some(baselines),
        };
        let loader = Loader { target, options };
        ctx.check_cancelled()?;
        match reader {
            Reader::Lines(lines, fields) => loader.lines(lines, fields, awaits_header, &mut ctx),
            Reader::Tuples(tuples) => loader.tuples(tuples, &mut ctx),
        }
    }

    fn in_line(&self, error: SqlError) -> SqlError {
        error.with_context(&place(&self.target.table, self.line_no()))
    }
}

/// Makes rows of what has been read.
struct Loader<'c> {
    target: &'c CopyTarget,
    options: &'c CopyOptions,
}

/// A line that has been read, for the reports of errors.
#[derive(Clone, Copy)]
struct Line<'l> {
    table: &'l TableDef,
    no: u64,
    text: &'l str,
}

impl Loader<'_> {
    fn lines(
        &self,
        lines: &mut Lines,
        fields: &mut Fields,
        awaits_header: &mut bool,
        ctx: &mut ExecContext<'_>,
    ) -> Result<()> {
        let table = &self.target.table;
        loop {
            let before = lines.line_no();
            let (no, bytes) = match lines.next_line() {
                Ok(Found::Line { no, bytes }) => (no, bytes),
                Ok(Found::Pending | Found::End) => return Ok(()),
                Err(error) => return Err(error.with_context(&place(table, before + 1))),
            };
            let text = text_of(bytes).map_err(|error| error.with_context(&place(table, no)))?;
            let line = Line { table, no, text };
            self.split(line, fields)?;
            if std::mem::replace(awaits_header, false) {
                self.header(fields).map_err(|error| line.context(error))?;
            } else {
                self.line(line, fields, ctx)?;
            }
        }
    }

    fn split(&self, line: Line<'_>, fields: &mut Fields) -> Result<()> {
        match self.options.format {
            CopyFormat::Csv => fields.read_csv(line.text.as_bytes(), self.options),
            CopyFormat::Text | CopyFormat::Binary => {
                fields.read_text(line.text.as_bytes(), self.options);
                Ok(())
            }
        }
        .map_err(|error| line.context(error))
    }

    /// The first line, with the names of the columns.
    fn header(&self, fields: &Fields) -> Result<()> {
        if self.options.header != Header::Match {
            return Ok(());
        }
        let columns = &self.target.slots;
        if fields.count() != columns.len() {
            return Err(bad(format!(
                "wrong number of fields in header line: got {}, expected {}",
                fields.count(),
                columns.len()
            )));
        }
        for (at, slot) in columns.iter().enumerate() {
            let expected = self.target.name_of(*slot);
            let message = match fields.get(at).flatten().map(String::from_utf8_lossy) {
                Some(name) if name == expected => continue,
                Some(name) => format!("got \"{name}\", expected \"{expected}\""),
                None => format!("got null value (\"{}\"), expected \"{expected}\"", self.options.null),
            };
            return Err(bad(format!("column name mismatch in header line field {}: {message}", at + 1)));
        }
        Ok(())
    }

    fn line(&self, line: Line<'_>, fields: &Fields, ctx: &mut ExecContext<'_>) -> Result<()> {
        let columns = self.target.slots.len();
        if fields.count() > columns && !(columns == 0 && line.text.is_empty()) {
            return Err(line.context(bad("extra data after last expected column")));
        }
        let mut row = vec![Value::Null; self.target.table.columns.len()];
        for (at, slot) in self.target.slots.iter().enumerate() {
            let Some(field) = fields.get(at) else {
                let message = format!("missing data for column \"{}\"", self.target.name_of(*slot));
                return Err(line.context(bad(message)));
            };
            let field = field.map(text_of).transpose().map_err(|error| line.context(error))?;
            let Some(text) = self.forced(*slot, field) else { continue };
            let Some((place, column)) = row.get_mut(*slot).zip(self.target.table.columns.get(*slot)) else { continue };
            *place = types::parse_text(text, column.column_type, &ctx.statement.time)
                .map_err(|error| line.column_context(error, &column.name, text))?;
        }
        self.put(row, ctx).map_err(|error| line.context(error))
    }

    /// A field after FORCE_NULL and FORCE_NOT_NULL.
    fn forced<'f>(&'f self, slot: usize, field: Option<&'f str>) -> Option<&'f str> {
        let null = self.options.null.as_str();
        match field {
            None if self.target.has_column(&self.options.force_not_null, slot) => Some(null),
            Some(text) if text == null && self.target.has_column(&self.options.force_null, slot) => None,
            field => field,
        }
    }

    fn tuples(&self, tuples: &mut Tuples, ctx: &mut ExecContext<'_>) -> Result<()> {
        let table = &self.target.table;
        loop {
            let found = tuples.next_tuple(self.target.slots.len());
            let place = place(table, tuples.tuple_no());
            match found {
                Ok(FoundTuple::Tuple) => {}
                Ok(FoundTuple::Pending | FoundTuple::End) => return Ok(()),
                Err(error) => return Err(error.with_context(&place)),
            }
            let mut row = vec![Value::Null; table.columns.len()];
            for (at, slot) in self.target.slots.iter().enumerate() {
                let Some(bytes) = tuples.field(at) else { continue };
                let Some((value, column)) = row.get_mut(*slot).zip(table.columns.get(*slot)) else { continue };
                *value = types::decode_binary(bytes, column.column_type.data_type, &ctx.statement.time)
                    .and_then(|value| types::typmod::apply(value, column.column_type, false))
                    .map_err(|error| error.with_context(&format!("{place}, column {}", column.name)))?;
            }
            self.put(row, ctx).map_err(|error| error.with_context(&place))?;
        }
    }

    /// Puts a row in, if WHERE wants it.
    fn put(&self, mut row: Row, ctx: &mut ExecContext<'_>) -> Result<()> {
        for (slot, default) in &self.target.defaults {
            if let Some(place) = row.get_mut(*slot) {
                *place = eval(default, &[], &ctx.eval())?;
            }
        }
        ctx.txn.read().complete_row(&self.target.table, &mut row)?;
        if let Some(filter) = &self.target.filter
            && !is_true(filter, &row, &ctx.eval())?
        {
            return Ok(());
        }
        let remembers = ctx.baselines.as_ref().is_some_and(|baselines| !baselines.is_empty());
        let kept = remembers.then(|| row.clone());
        let key = ctx.txn.write()?.insert_row(&self.target.table, row)?;
        ctx.statement.affected.set(ctx.statement.affected.get() + 1);
        if let (Some(row), Some(baselines)) = (kept, &mut ctx.baselines) {
            baselines.inserted(&self.target.table, &key, &row);
        }
        Ok(())
    }
}

impl Line<'_> {
    /// An error about the whole line. One that only another row makes an error does not show the line, as in PostgreSQL,
    /// which finds out later.
    fn context(&self, error: SqlError) -> SqlError {
        let place = place(self.table, self.no);
        if error.state == SqlState::UNIQUE_VIOLATION {
            return error.with_context(&place);
        }
        error.with_context(&format!("{place}: \"{}\"", shown(self.text)))
    }

    fn column_context(&self, error: SqlError, column: &str, text: &str) -> SqlError {
        error.with_context(&format!("{}, column {column}: \"{}\"", place(self.table, self.no), shown(text)))
    }
}

fn place(table: &TableDef, line_no: u64) -> String {
    format!("COPY {}, line {line_no}", table.name)
}

/// A text as far as it is shown.
fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= MAX_SHOWN_BYTES {
        return text.into();
    }
    let end = text.floor_char_boundary(MAX_SHOWN_BYTES);
    format!("{}...", text.get(..end).unwrap_or_default()).into()
}

fn bad(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

/// Refuses data that are not at the client.
pub(super) fn refuse_server_files(copy: &CopyStatement) -> Result<()> {
    let direction = if copy.from { "FROM" } else { "TO" };
    match copy.place {
        Place::Client => Ok(()),
        Place::File => Err(SqlError::unsupported(format!("COPY {direction} a file of the server"))
            .with_hint("Use STDIN or STDOUT; psql's \\copy does so with a file of the client.")),
        Place::Program => Err(SqlError::unsupported(format!("COPY {direction} PROGRAM"))),
    }
}

/// The error for running as a COPY what is none.
pub(super) fn not_copy() -> SqlError {
    SqlError::new(SqlState::INTERNAL_ERROR, "a statement was run as a COPY that is none")
}
