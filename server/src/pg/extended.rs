//! The extended protocol: Parse, Bind, Describe, Execute, Close.

use std::sync::Arc;

use heliosdb_sql::session::{Portal, Prepared, TransactionStatus};
use heliosdb_sql::{SqlError, SqlState};
use heliosdb_storage::value::{DataType, Value};
use pgwire::messages::data::NoData;
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Connection, PortalState};
use super::error::Failure;
use super::frontend::{Bind, Numbers, Target};
use super::rows::{Format, ResultFormats, describe_columns, describe_parameters, parameters};
use super::simple::LONG_TEXT_BYTES;

/// Named prepared statements of one session.
const MAX_STATEMENTS: usize = 10_000;
/// Named portals of one session.
const MAX_PORTALS: usize = 1_000;

/// A prepared statement; None for an empty text.
pub(super) struct Statement(Option<Arc<Prepared>>);

/// A portal as the client sees it.
pub(super) struct OpenPortal {
    prepared: Option<Arc<Prepared>>,
    formats: ResultFormats,
    run: Run,
}

/// How far a portal has come.
enum Run {
    /// Execute has not been asked yet.
    Bound(Vec<Value>),
    /// Execute stopped at its row limit.
    Suspended(Box<Portal>),
    /// It has run to its end.
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Makes a prepared statement.
    pub(super) fn parse(&mut self, name: &str, sql: &str, type_oids: Numbers<'_, 4>) -> Result<(), SqlError> {
        if name.is_empty() {
            self.unnamed_statement = None;
        } else if self.statements.contains_key(name) {
            return Err(SqlError::new(SqlState("42P05"), format!("prepared statement \"{name}\" already exists")));
        } else if self.statements.len() >= MAX_STATEMENTS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can have {MAX_STATEMENTS} prepared statements"),
            )
            .with_hint("Close those that are not needed any more."));
        }
        self.session.start_clock();
        let types = type_oids.oids().map(parameter_type).collect::<Result<Vec<_>, _>>()?;
        let prepared = self.run(sql.len() <= LONG_TEXT_BYTES, |this| {
            let statements = this.session.split(sql)?;
            match statements.as_slice() {
                [] => Ok(None),
                [statement] => this.session.prepare(statement, &types).map(Some),
                _ => Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    "cannot insert multiple commands into a prepared statement",
                )),
            }
        })?;
        if name.is_empty() {
            self.unnamed_statement = Some(Statement(prepared));
        } else {
            self.statements.insert(name.to_owned(), Statement(prepared));
        }
        self.wire.output.message(&ParseComplete::new())
    }

    /// Makes a portal from a prepared statement.
    pub(super) fn bind(&mut self, bind: &Bind<'_>) -> Result<(), SqlError> {
        self.session.start_clock();
        let prepared = self.statement(bind.statement)?.0.clone();
        if !bind.portal.is_empty() {
            if self.portals.contains_key(bind.portal) {
                return Err(SqlError::new(SqlState("42P03"), format!("cursor \"{}\" already exists", bind.portal)));
            }
            if self.portals.len() >= MAX_PORTALS {
                return Err(SqlError::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a session can have {MAX_PORTALS} portals"),
                ));
            }
        }
        let (types, columns) = match &prepared {
            Some(prepared) => (prepared.parameter_types(), prepared.columns().len()),
            None => (&[][..], 0),
        };
        let portal = OpenPortal {
            run: Run::Bound(parameters(bind, types, self.session.time_context())?),
            formats: ResultFormats::of(bind.result_formats, columns)?,
            prepared,
        };
        if bind.portal.is_empty() {
            self.unnamed_portal = Some(portal);
        } else {
            self.portals.insert(bind.portal.to_owned(), portal);
        }
        self.wire.output.message(&BindComplete::new())
    }

    /// Describes a statement or a portal.
    pub(super) fn describe(&mut self, target: Target, name: &str) -> Result<(), SqlError> {
        let text = ResultFormats::All(Format::Text);
        match target {
            Target::Statement => {
                let prepared = self.statement(name)?.0.clone();
                let types = prepared.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
                describe_parameters(&mut self.wire.output, types)?;
                self.describe_result(prepared.as_deref(), &text)
            }
            Target::Portal => {
                let portal = self.take_portal(name)?;
                let described = self.describe_result(portal.prepared.as_deref(), &portal.formats);
                self.put_portal(name, portal);
                described
            }
        }
    }

    fn describe_result(&mut self, prepared: Option<&Prepared>, formats: &ResultFormats) -> Result<(), SqlError> {
        match prepared.map(Prepared::columns) {
            None | Some([]) => self.wire.output.message(&NoData::new()),
            Some(columns) => describe_columns(&mut self.wire.output, columns, formats),
        }
    }

    /// Runs a portal up to a number of rows.
    pub(super) async fn execute(&mut self, name: &str, max_rows: i32) -> Result<(), Failure> {
        let mut portal = self.take_portal(name)?;
        let limit = usize::try_from(max_rows).ok().filter(|&rows| rows > 0).unwrap_or(usize::MAX);
        let before = self.session.transaction_status();
        self.run_portal(name, &mut portal, limit).await?;
        self.session.stop_clock();
        if before != TransactionStatus::Idle && self.session.transaction_status() == TransactionStatus::Idle {
            // It was the COMMIT or ROLLBACK of a transaction, whose portals end with it.
            self.forget_portals();
        }
        self.put_portal(name, portal);
        self.wire.flush_chunk().await
    }

    async fn run_portal(&mut self, name: &str, portal: &mut OpenPortal, limit: usize) -> Result<(), Failure> {
        let Some(prepared) = portal.prepared.clone() else {
            return Ok(self.wire.output.message(&EmptyQueryResponse::new())?);
        };
        if let (Some(direction), Run::Bound(_)) = (prepared.copy_direction(), &portal.run) {
            portal.run = Run::Done;
            let tag = self.copy(&prepared, direction).await?;
            return Ok(self.command_complete(tag)?);
        }
        let mut running = match std::mem::replace(&mut portal.run, Run::Done) {
            Run::Bound(params) => Box::new(self.session.execute(&prepared, params)?),
            Run::Suspended(running) => running,
            Run::Done if prepared.columns().is_empty() => {
                return Err(Failure::Statement(SqlError::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("portal \"{name}\" cannot be run"),
                )));
            }
            Run::Done => return Ok(self.command_complete("SELECT 0".to_owned())?),
        };
        match self.send_rows(&mut running, &prepared, &portal.formats, limit).await? {
            PortalState::LimitReached => {
                portal.run = Run::Suspended(running);
                self.send_notices();
                self.wire.output.message(&PortalSuspended::new())?;
            }
            PortalState::Complete | PortalState::OutputFull => self.command_complete(running.tag())?,
        }
        Ok(())
    }

    /// Forgets a statement or a portal; it need not exist.
    pub(super) fn close(&mut self, target: Target, name: &str) -> Result<(), SqlError> {
        match (target, name.is_empty()) {
            (Target::Statement, true) => self.unnamed_statement = None,
            (Target::Statement, false) => drop(self.statements.remove(name)),
            (Target::Portal, true) => self.unnamed_portal = None,
            (Target::Portal, false) => drop(self.portals.remove(name)),
        }
        self.wire.output.message(&CloseComplete::new())
    }

    fn statement(&self, name: &str) -> Result<&Statement, SqlError> {
        let found = if name.is_empty() { self.unnamed_statement.as_ref() } else { self.statements.get(name) };
        found.ok_or_else(|| {
            let message = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            SqlError::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }

    /// Takes a portal out, so that it can run beside the rest of the connection. One that fails is gone.
    fn take_portal(&mut self, name: &str) -> Result<OpenPortal, SqlError> {
        let found = if name.is_empty() { self.unnamed_portal.take() } else { self.portals.remove(name) };
        found.ok_or_else(|| SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist")))
    }

    fn put_portal(&mut self, name: &str, portal: OpenPortal) {
        if name.is_empty() {
            self.unnamed_portal = Some(portal);
        } else {
            self.portals.insert(name.to_owned(), portal);
        }
    }
}

/// The type that a client gives a parameter; 0 and `unknown` leave it to be inferred.
fn parameter_type(oid: u32) -> Result<DataType, SqlError> {
    if oid == 0 {
        return Ok(DataType::Unknown);
    }
    DataType::from_oid(oid).ok_or_else(|| SqlError::unsupported(format!("a parameter of the type with OID {oid}")))
}
