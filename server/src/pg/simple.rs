//! The simple protocol: a text of any number of statements, in one implicit transaction.

use std::sync::Arc;

use heliosdb_sql::session::{ParsedStatement, Prepared, ResultFormats};
use pgwire::messages::response::EmptyQueryResponse;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::error::Failure;
use super::rows::describe_columns;

/// A text that is longer than this is parsed where it holds up nobody else.
pub(super) const LONG_TEXT_BYTES: usize = 16 << 10;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Runs the statements of a text one after the other, up to the first error.
    pub(super) async fn query(&mut self, sql: &str) -> Result<(), Failure> {
        self.session.forget_unnamed_statement();
        self.session.close_portal("");
        self.session.report_query(&sql.into());
        let statements = self.run(sql.len() <= LONG_TEXT_BYTES, |this| this.session.split(sql))?;
        let Some(last) = statements.len().checked_sub(1) else {
            self.wire.output.message(&EmptyQueryResponse::new())?;
            return Ok(());
        };
        self.session.one_of_many(last > 0);
        let ran = self.query_each(&statements, sql.len() <= LONG_TEXT_BYTES).await;
        self.session.one_of_many(false);
        ran
    }

    async fn query_each(&mut self, statements: &[ParsedStatement], is_short: bool) -> Result<(), Failure> {
        let last = statements.len().saturating_sub(1);
        for (index, statement) in statements.iter().enumerate() {
            self.session.start_clock();
            let prepared = self.run(is_short, |this| this.session.prepare(statement, &[]))?;
            let tag = match prepared.copy_direction() {
                Some(direction) => self.copy(&prepared, direction).await?,
                None => self.run_whole(&prepared).await?,
            };
            if index == last {
                // The tag promises that the work is done, so the commit comes first.
                self.end_implicit()?;
            }
            self.session.stop_clock();
            self.command_complete(tag)?;
            self.wire.flush_chunk().await?;
        }
        Ok(())
    }

    /// Runs a statement to its end and sends its rows; its tag.
    async fn run_whole(&mut self, prepared: &Arc<Prepared>) -> Result<String, Failure> {
        let formats = ResultFormats::All(prepared.simple_format());
        let mut portal = self.session.execute(prepared, Vec::new())?;
        if !prepared.columns().is_empty() {
            describe_columns(&mut self.wire.output, prepared.columns(), &formats)?;
        }
        self.send_rows(&mut portal, prepared, &formats, usize::MAX).await?;
        Ok(portal.tag())
    }
}
