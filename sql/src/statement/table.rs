//! Statements about tables and indexes: what each of them does.

use super::{alter_index, alter_table, create_index, create_table, set_constraints, truncate};
use crate::error::{Result, SqlError};
use crate::parse::table::TableStatement;
use crate::session::Session;

impl TableStatement {
    /// Its tag when all goes well.
    pub(crate) const fn tag(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE TABLE",
            Self::CreateAs(_) => "CREATE TABLE AS",
            Self::CreateIndex(_) => "CREATE INDEX",
            Self::Alter(_) => "ALTER TABLE",
            Self::AlterIndex(_) => "ALTER INDEX",
            Self::Reindex(_) => "REINDEX",
            Self::Truncate(_) => "TRUNCATE TABLE",
            Self::SetConstraints(_) => "SET CONSTRAINTS",
        }
    }

    /// Runs it, inside the transaction.
    pub(crate) fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create(create) => session.ddl(self.tag(), |session| create_table::run(session, create)),
            Self::CreateIndex(create) => session.ddl(self.tag(), |session| create_index::run(session, create)),
            Self::SetConstraints(set) => set_constraints::run(session, set),
            Self::Alter(alter) => session.ddl(self.tag(), |session| alter_table::run(session, alter)),
            Self::AlterIndex(alter) => session.ddl(self.tag(), |session| alter_index::run(session, alter)),
            Self::Reindex(reindex) => session.ddl(self.tag(), |session| alter_index::reindex(session, reindex)),
            Self::Truncate(truncate) => session.ddl(self.tag(), |session| truncate::run(session, truncate)),
            Self::CreateAs(_) => Err(SqlError::unsupported(self.tag())),
        }
    }
}
