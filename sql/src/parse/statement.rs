//! Which statement is which: the ones that our grammar reads, the ones that sqlparser reads, and the ones that PostgreSQL
//! has and this node has not.

use sqlparser::ast::{self, Statement};

use super::dialect;
use super::grammar::Grammar;
use super::keyword::Keyword;
use super::token::{Token, TokenKind};
use crate::error::{Result, SqlError};

/// Reads a statement; the tokens are its own and an end.
pub fn parse(source: &str, tokens: &[Token]) -> Result<Statement> {
    let mut grammar = Grammar::new(source, tokens, 0);
    let statement = match grammar.keyword() {
        Some(Keyword::Explain) => grammar.explain()?,
        _ if grammar.begins_query() || grammar.begins_change() => grammar.query_statement()?,
        Some(keyword) => {
            if let Some(name) = not_built(keyword, tokens) {
                return Err(SqlError::unsupported(name));
            }
            if !is_foreign(keyword) {
                return grammar.unexpected();
            }
            return dialect::statement(source, tokens);
        }
        None => return grammar.unexpected(),
    };
    if grammar.is_at_end() { Ok(statement) } else { grammar.unexpected() }
}

/// Statements that sqlparser reads.
const fn is_foreign(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Alter
            | Keyword::Analyse
            | Keyword::Analyze
            | Keyword::Call
            | Keyword::Comment
            | Keyword::Copy
            | Keyword::Create
            | Keyword::Drop
            | Keyword::Grant
            | Keyword::Refresh
            | Keyword::Revoke
            | Keyword::Truncate
            | Keyword::Vacuum
    )
}

/// The name of a statement that PostgreSQL has and this node has not.
fn not_built(keyword: Keyword, tokens: &[Token]) -> Option<String> {
    let next = |ahead: usize| match tokens.get(ahead).map(|token| &token.kind) {
        Some(TokenKind::Keyword(keyword)) => Some(*keyword),
        _ => None,
    };
    let name = match (keyword, next(1)) {
        (Keyword::Do, _) => "DO",
        (Keyword::Cluster, _) => "CLUSTER",
        (Keyword::Reindex, _) => "REINDEX",
        (Keyword::Merge, _) => "MERGE",
        (Keyword::Load, _) => "LOAD",
        (Keyword::Import, _) => "IMPORT FOREIGN SCHEMA",
        (Keyword::Security, _) => "SECURITY LABEL",
        (Keyword::Reassign, _) => "REASSIGN OWNED",
        (Keyword::Drop, Some(Keyword::Owned)) => "DROP OWNED",
        (Keyword::Create | Keyword::Alter | Keyword::Drop, Some(first)) => {
            let second = next(2);
            // `CREATE OR REPLACE TRIGGER`
            let (first, second) = match (first, second) {
                (Keyword::Or, Some(Keyword::Replace)) => (next(3)?, next(4)),
                (Keyword::Constraint, Some(Keyword::Trigger)) => (Keyword::Trigger, None),
                other => other,
            };
            return object_not_built(first, second).map(|object| format!("{} {object}", upper(keyword)));
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// Kinds of objects that this node has not.
fn object_not_built(first: Keyword, second: Option<Keyword>) -> Option<&'static str> {
    Some(match (first, second) {
        (Keyword::Access, _) => "ACCESS METHOD",
        (Keyword::Aggregate, _) => "AGGREGATE",
        (Keyword::Cast, _) => "CAST",
        (Keyword::Collation, _) => "COLLATION",
        (Keyword::Conversion, _) => "CONVERSION",
        (Keyword::Domain, _) => "DOMAIN",
        (Keyword::Event, _) => "EVENT TRIGGER",
        (Keyword::Foreign, Some(Keyword::Data)) => "FOREIGN DATA WRAPPER",
        (Keyword::Foreign, _) => "FOREIGN TABLE",
        (Keyword::Language | Keyword::Procedural | Keyword::Trusted, _) => "LANGUAGE",
        (Keyword::Large, _) => "LARGE OBJECT",
        (Keyword::Operator, Some(Keyword::Class)) => "OPERATOR CLASS",
        (Keyword::Operator, Some(Keyword::Family)) => "OPERATOR FAMILY",
        (Keyword::Operator, _) => "OPERATOR",
        (Keyword::Policy, _) => "POLICY",
        (Keyword::Procedure, _) => "PROCEDURE",
        (Keyword::Publication, _) => "PUBLICATION",
        (Keyword::Routine, _) => "ROUTINE",
        (Keyword::Rule, _) => "RULE",
        (Keyword::Server, _) => "SERVER",
        (Keyword::Statistics, _) => "STATISTICS",
        (Keyword::Subscription, _) => "SUBSCRIPTION",
        (Keyword::System, _) => "SYSTEM",
        (Keyword::Tablespace, _) => "TABLESPACE",
        (Keyword::Text, _) => "TEXT SEARCH",
        (Keyword::Transform, _) => "TRANSFORM",
        (Keyword::Trigger, _) => "TRIGGER",
        (Keyword::User, Some(Keyword::Mapping)) => "USER MAPPING",
        _ => return None,
    })
}

fn upper(keyword: Keyword) -> String {
    keyword.word().to_uppercase()
}

impl Grammar<'_> {
    /// Whether a query comes next, perhaps in parentheses.
    pub(super) fn begins_query(&self) -> bool {
        matches!(
            self.kind(),
            TokenKind::LeftParen
                | TokenKind::Keyword(Keyword::Select | Keyword::With | Keyword::Values | Keyword::Table)
        )
    }

    fn begins_change(&self) -> bool {
        matches!(self.keyword(), Some(Keyword::Insert | Keyword::Update | Keyword::Delete))
    }

    /// A query, or a statement that changes rows.
    fn query_statement(&mut self) -> Result<Statement> {
        let query = self.query()?;
        if query.with.is_some() {
            return Ok(Statement::Query(query));
        }
        Ok(match *query.body {
            ast::SetExpr::Insert(statement) | ast::SetExpr::Update(statement) | ast::SetExpr::Delete(statement) => {
                statement
            }
            body => Statement::Query(Box::new(ast::Query { body: Box::new(body), ..*query })),
        })
    }

    fn explain(&mut self) -> Result<Statement> {
        self.advance();
        let (mut analyze, mut verbose, mut options) = (false, false, None);
        if *self.kind() == TokenKind::LeftParen && !self.is_query_in_parentheses() {
            options = Some(self.parenthesised(Self::utility_option)?);
        } else {
            analyze = matches!(self.keyword(), Some(Keyword::Analyze | Keyword::Analyse));
            if analyze {
                self.advance();
            }
            verbose = self.eat_keyword(Keyword::Verbose);
        }
        if !self.begins_query() && !self.begins_change() {
            return match self.keyword() {
                Some(Keyword::Declare | Keyword::Execute | Keyword::Create | Keyword::Refresh | Keyword::Merge) => {
                    Err(SqlError::unsupported("EXPLAIN of this statement"))
                }
                _ => self.unexpected(),
            };
        }
        let statement = Box::new(self.query_statement()?);
        Ok(Statement::Explain {
            describe_alias: ast::DescribeAlias::Explain,
            analyze,
            verbose,
            query_plan: false,
            estimate: false,
            statement,
            format: None,
            options,
        })
    }

    /// An option of EXPLAIN and its like: a name, perhaps with a word, a string or a number.
    pub(super) fn utility_option(&mut self) -> Result<ast::UtilityOption> {
        let name = match self.keyword() {
            Some(Keyword::Analyse | Keyword::Analyze) => self.label()?,
            _ => self.non_reserved_word()?,
        };
        let token = self.token();
        let arg = match &token.kind {
            TokenKind::Comma | TokenKind::RightParen => None,
            TokenKind::String(_) => Some(ast::Expr::value(ast::Value::SingleQuotedString(self.string_literal()?))),
            TokenKind::Number | TokenKind::Plus | TokenKind::Minus => {
                let number = self.signed_integer()?.to_string();
                Some(ast::Expr::value(ast::Value::Number(number, false)))
            }
            TokenKind::Keyword(Keyword::True | Keyword::False | Keyword::On) => {
                Some(ast::Expr::Identifier(self.label()?))
            }
            _ => Some(ast::Expr::Identifier(self.non_reserved_word()?)),
        };
        Ok(ast::UtilityOption { name, arg })
    }
}
