//! The extended protocol: Parse, Bind, Describe, Execute, Close. Statements and portals are the session's.

use heliosdb_sql::SqlError;
use heliosdb_sql::session::{Format, OpenPortal, Prepared, ResultFormats};
use heliosdb_storage::value::DataType;
use pgwire::messages::data::NoData;
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Connection, PortalState};
use super::error::Failure;
use super::frontend::{Bind, Numbers, Target};
use super::rows::{describe_columns, describe_parameters, parameters, result_formats};
use super::simple::LONG_TEXT_BYTES;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Makes a prepared statement.
    pub(super) fn parse(&mut self, name: &str, sql: &str, type_oids: Numbers<'_, 4>) -> Result<(), SqlError> {
        self.session.start_clock();
        self.session.report_query(&sql.into());
        let types = type_oids.oids().map(parameter_type).collect::<Result<Vec<_>, _>>()?;
        self.run(sql.len() <= LONG_TEXT_BYTES, |this| this.session.parse(name, sql, &types))?;
        self.wire.output.message(&ParseComplete::new())
    }

    /// Makes a portal from a prepared statement.
    pub(super) fn bind(&mut self, bind: &Bind<'_>) -> Result<(), SqlError> {
        self.session.start_clock();
        let prepared = self.session.statement(bind.statement)?;
        let (types, columns) = match &prepared {
            Some(prepared) => (prepared.parameter_types(), prepared.columns().len()),
            None => (&[][..], 0),
        };
        let params = parameters(bind, types, self.session.time_context())?;
        let formats = result_formats(bind.result_formats, columns)?;
        self.session.bind(bind.portal, bind.statement, params, formats)?;
        self.wire.output.message(&BindComplete::new())
    }

    /// Describes a statement or a portal.
    pub(super) fn describe(&mut self, target: Target, name: &str) -> Result<(), SqlError> {
        match target {
            Target::Statement => {
                let prepared = self.session.statement(name)?;
                let types = prepared.as_ref().map_or(&[][..], |prepared| prepared.parameter_types());
                describe_parameters(&mut self.wire.output, types)?;
                self.describe_result(prepared.as_deref(), &ResultFormats::All(Format::Text))
            }
            Target::Portal => {
                let (prepared, formats) = self.session.describe_portal(name)?;
                self.describe_result(prepared.as_deref(), &formats)
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
        let mut portal = self.session.take_portal(name)?;
        self.session.report_query(portal.text());
        let limit = usize::try_from(max_rows).ok().filter(|&rows| rows > 0).unwrap_or(usize::MAX);
        self.execute_portal(name, &mut portal, limit).await?;
        self.session.stop_clock();
        self.session.put_portal(name, portal);
        self.wire.flush_chunk().await
    }

    async fn execute_portal(&mut self, name: &str, portal: &mut OpenPortal, limit: usize) -> Result<(), Failure> {
        let Some(prepared) = portal.prepared().cloned() else {
            return Ok(self.wire.output.message(&EmptyQueryResponse::new())?);
        };
        if !portal.begin_execute(name)? {
            return Ok(self.command_complete("SELECT 0".to_owned())?);
        }
        if let Some(direction) = prepared.copy_direction() {
            portal.end_execute(0);
            let tag = self.copy(&prepared, direction).await?;
            return Ok(self.command_complete(tag)?);
        }
        let formats = portal.formats().clone();
        let (state, rows) = self.send_rows(portal, &prepared, &formats, limit).await?;
        match state {
            PortalState::LimitReached => {
                self.send_notices();
                self.wire.output.message(&PortalSuspended::new())?;
            }
            PortalState::Complete | PortalState::OutputFull => {
                let tag = portal.end_execute(rows);
                self.command_complete(tag)?;
            }
        }
        Ok(())
    }

    /// Forgets a statement or a portal; it need not exist.
    pub(super) fn close(&mut self, target: Target, name: &str) -> Result<(), SqlError> {
        match target {
            Target::Statement => self.session.close_statement(name),
            Target::Portal => self.session.close_portal(name),
        }
        self.wire.output.message(&CloseComplete::new())
    }
}

/// The type that a client gives a parameter; 0 and `unknown` leave it to be inferred.
fn parameter_type(oid: u32) -> Result<DataType, SqlError> {
    if oid == 0 {
        return Ok(DataType::Unknown);
    }
    DataType::from_oid(oid).ok_or_else(|| SqlError::unsupported(format!("a parameter of the type with OID {oid}")))
}
