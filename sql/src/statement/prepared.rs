//! PREPARE, EXECUTE, DEALLOCATE.

use crate::error::{Result, SqlError};
use crate::parse::session::PreparedStatement;
use crate::session::Session;

pub(super) const fn tag(statement: &PreparedStatement) -> &'static str {
    match statement {
        PreparedStatement::Prepare(_) => "PREPARE",
        PreparedStatement::Execute(_) => "EXECUTE",
        PreparedStatement::Deallocate(_) => "DEALLOCATE",
        PreparedStatement::DeallocateAll => "DEALLOCATE ALL",
    }
}

pub(super) fn run(session: &mut Session, statement: &PreparedStatement) -> Result<()> {
    match statement {
        PreparedStatement::DeallocateAll => {
            session.deallocate_all();
            Ok(())
        }
        PreparedStatement::Deallocate(_) => Err(SqlError::unsupported("DEALLOCATE of one statement")
            .with_hint("Close statements by the protocol, or DEALLOCATE ALL.")),
        PreparedStatement::Prepare(_) => Err(SqlError::unsupported("PREPARE in SQL")),
        PreparedStatement::Execute(_) => Err(SqlError::unsupported("EXECUTE in SQL")),
    }
}
