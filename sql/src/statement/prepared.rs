//! PREPARE, DEALLOCATE. EXECUTE is run by the session.

use crate::error::Result;
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
        PreparedStatement::Deallocate(name) => session.deallocate(name),
        PreparedStatement::Prepare(prepare) => session.prepare_named(prepare),
        PreparedStatement::Execute(_) => unreachable!("BUG: it is an action of its own"),
    }
}
