//! TRUNCATE and SET CONSTRAINTS.

use crate::bind::names::QualifiedName;
use crate::error::Result;
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// TRUNCATE
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truncate {
    /// The tables.
    pub tables: Vec<QualifiedName>,
    /// RESTART IDENTITY
    pub restart_identity: bool,
    /// CASCADE
    pub cascade: bool,
}

/// SET CONSTRAINTS
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetConstraints {
    /// Which; none for all of them.
    pub names: Option<Vec<QualifiedName>>,
    /// DEFERRED; else IMMEDIATE.
    pub deferred: bool,
}

impl Grammar<'_> {
    pub(super) fn truncate(&mut self) -> Result<Truncate> {
        self.expect_keyword(Keyword::Truncate)?;
        self.eat_keyword(Keyword::Table);
        let tables = self.list(|grammar| {
            grammar.eat_keyword(Keyword::Only);
            let name = grammar.relation_name()?;
            grammar.eat(&TokenKind::Star);
            Ok(name)
        })?;
        let restart_identity = self.eat_keywords(&[Keyword::Restart, Keyword::Identity]);
        if !restart_identity {
            self.eat_keywords(&[Keyword::Continue, Keyword::Identity]);
        }
        let cascade = self.drop_behavior();
        Ok(Truncate { tables, restart_identity, cascade })
    }

    pub(super) fn set_constraints(&mut self) -> Result<SetConstraints> {
        self.expect_keywords(&[Keyword::Set, Keyword::Constraints])?;
        let names = if self.eat_keyword(Keyword::All) { None } else { Some(self.list(Self::relation_name)?) };
        let deferred = self.eat_keyword(Keyword::Deferred);
        if !deferred {
            self.expect_keyword(Keyword::Immediate)?;
        }
        Ok(SetConstraints { names, deferred })
    }
}
