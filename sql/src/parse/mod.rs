//! SQL text to statements.
//!
//! ```text
//!  text ─ lexer ─► tokens ─ split at semicolons ─► statement ─┬─ grammar ─► tree       queries, changes, EXPLAIN
//!                             (depth: bounds)                 ├─ session ─► statement  settings, cursors, …
//!                                                             ├─ table ─► statement    tables and indexes
//!                                                             ├─ copy ─► statement     COPY
//!                                                             ├─ object ─► statement   schemas, sequences, …; DROP
//!                                                             └─ sqlparser ─► tree     other DDL; its hooks use the grammar
//! ```
//!
//! The lexer and the grammar are PostgreSQL's; the tree is sqlparser's. What that tree cannot say is in [`encoding`].

mod copy;
pub mod ddl;
mod depth;
mod dialect;
pub mod encoding;
mod grammar;
mod keyword;
mod lexer;
pub mod object;
mod position;
pub mod session;
mod statement;
mod token;
mod tokens;

use std::sync::Arc;

use sqlparser::ast;

use crate::copy::CopyStatement;
use crate::error::{Result, SqlState};
use ddl::DdlStatement;
use grammar::Grammar;
use object::ObjectStatement;
use session::SessionStatement;
use table::TableStatement;
use token::{Token, TokenKind};

pub use grammar::table;
pub use lexer::unistr;
pub use position::{TextPosition, byte_range, find_before, find_behind, text_of};

/// The longest text of one message.
pub const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// Whether a word cannot be every kind of name without quotes.
pub fn is_restricted_word(word: &str) -> bool {
    keyword::Keyword::of(word).is_some_and(|keyword| keyword.class() != keyword::Class::Unreserved)
}

/// One statement of a text, parsed.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// The statement's own text: with parameter types and settings the key of the plan cache.
    pub(crate) text: Arc<str>,
    /// The tree.
    pub(crate) tree: Tree,
    /// The whole text that it came in, for the positions of errors.
    pub(crate) source: Arc<str>,
}

impl ParsedStatement {
    /// Whether a failed transaction lets the statement through: it ends it, or goes back to a savepoint.
    pub(crate) fn ends_failed_transaction(&self) -> bool {
        matches!(&self.tree, Tree::Session(statement) if statement.ends_failed_transaction())
    }
}

/// The tree of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// As `sqlparser` has it.
    Sql(Arc<ast::Statement>),
    /// DDL that `sqlparser` does not read.
    Ddl(Arc<DdlStatement>),
    /// A statement about the session.
    Session(Arc<SessionStatement>),
    /// A statement about tables and indexes.
    Table(Arc<TableStatement>),
    /// A statement about an object of the catalog.
    Object(Arc<ObjectStatement>),
    /// COPY
    Copy(Arc<CopyStatement>),
}

/// Parses a text into its statements. A mistake anywhere fails all of them, as in PostgreSQL.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>> {
    let tokens = lexer::tokens(sql)?;
    depth::check(&tokens)?;
    let source: Arc<str> = sql.into();
    let mut statements = Vec::new();
    for part in tokens.split_inclusive(ends_statement).filter(|part| part.len() > 1) {
        statements.push(parse_one(&source, part)?);
    }
    Ok(statements)
}

fn ends_statement(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Semicolon | TokenKind::End)
}

/// Parses one statement; the last of its tokens is the semicolon or the end.
fn parse_one(source: &Arc<str>, tokens: &[Token]) -> Result<ParsedStatement> {
    let (first, last) = (tokens.first(), tokens.len().checked_sub(2).and_then(|last| tokens.get(last)));
    let text = match (first, last) {
        (Some(first), Some(last)) => source.get(first.start as usize..last.end as usize).unwrap_or(source),
        _ => source,
    };
    let text = if text.len() == source.len() { Arc::clone(source) } else { text.into() };
    let tree = if let Some(statement) = table::parse(source, tokens)? {
        Tree::Table(Arc::new(statement))
    } else if let Some(statement) = session::parse(source, tokens)? {
        Tree::Session(Arc::new(statement))
    } else if let Some(statement) = object::parse(source, tokens)? {
        Tree::Object(Arc::new(statement))
    } else if let Some(statement) = copy::parse(source, tokens)? {
        Tree::Copy(Arc::new(statement))
    } else {
        other_tree(source, tokens)?
    };
    Ok(ParsedStatement { text, tree, source: Arc::clone(source) })
}

fn other_tree(source: &str, tokens: &[Token]) -> Result<Tree> {
    match statement::parse(source, tokens) {
        Ok(statement) => Ok(Tree::Sql(Arc::new(statement))),
        Err(error) if error.state == SqlState::SYNTAX_ERROR => match ddl::parse(source, tokens) {
            Ok(Some(statement)) => Ok(Tree::Ddl(Arc::new(statement))),
            Ok(None) | Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Parses an expression that the catalog keeps as text: a DEFAULT or a CHECK.
pub fn parse_expression(sql: &str) -> Result<ast::Expr> {
    parse_whole(sql, |grammar| grammar.expr())
}

/// Parses the options of a sequence.
pub fn parse_sequence_clauses(sql: &str) -> Result<Vec<object::SequenceClause>> {
    let tokens = lexer::tokens(sql)?;
    let mut tokens = tokens::Tokens::new(sql, &tokens);
    let clauses = object::sequence_clauses(&mut tokens)?;
    tokens.end()?;
    Ok(clauses)
}

/// Parses a query that the catalog keeps as text.
pub fn parse_query(sql: &str) -> Result<Box<ast::Query>> {
    parse_whole(sql, |grammar| grammar.query())
}

/// Parses the name of a type.
pub fn parse_type(sql: &str) -> Result<ast::DataType> {
    parse_whole(sql, |grammar| grammar.data_type())
}

fn parse_whole<T>(sql: &str, rule: impl FnOnce(&mut Grammar<'_>) -> Result<T>) -> Result<T> {
    let tokens = lexer::tokens(sql)?;
    depth::check(&tokens)?;
    let mut grammar = Grammar::new(sql, &tokens, 0);
    let parsed = rule(&mut grammar)?;
    grammar.expect_end()?;
    Ok(parsed)
}
#[cfg(test)]
mod tests {
    use super::*;

    fn failure(sql: &str) -> (SqlState, String, Option<usize>) {
        let error = parse(sql).unwrap_err();
        (error.state, error.message, error.fields.position)
    }

    #[test]
    fn statements_are_split_and_keep_their_own_text() {
        let statements = parse(" SELECT 1; ;\n SELECT ';' ; -- end\n").unwrap();
        let texts: Vec<&str> = statements.iter().map(|s| &*s.text).collect();
        assert_eq!(texts, ["SELECT 1", "SELECT ';'"]);
        assert!(parse("").unwrap().is_empty());
        assert!(parse(" ; /* nothing */ ;").unwrap().is_empty());
    }

    #[test]
    fn syntax_errors_name_the_token_and_its_place() {
        let expected = (SqlState::SYNTAX_ERROR, "syntax error at or near \"FROMM\"".to_owned(), Some(10));
        assert_eq!(
            failure("SELECT a\n FROMM t WHERE"),
            (expected.0, "syntax error at or near \"t\"".to_owned(), Some(17))
        );
        assert_eq!(failure("SELECT FROM WHERE").1, "syntax error at or near \"WHERE\"");
        assert_eq!(failure("SELECT (1").1, "syntax error at end of input");
        assert_eq!(failure("SELECT 'x").0, SqlState::SYNTAX_ERROR);
        assert_eq!(failure("SELECT 1; SELEC 2").2, Some(11));
    }

    #[test]
    fn deep_trees_are_refused_not_walked() {
        let sum = format!("SELECT {}1", "1 + ".repeat(100_000));
        assert_eq!(failure(&sum).0, SqlState::STATEMENT_TOO_COMPLEX);
        let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(failure(&nested).0, SqlState::STATEMENT_TOO_COMPLEX);
        let unary = format!("SELECT {}1", "- ".repeat(100_000));
        assert_eq!(failure(&unary).0, SqlState::STATEMENT_TOO_COMPLEX);
        let wide = format!("SELECT {}1", "1 + 1, ".repeat(20_000));
        assert_eq!(parse(&wide).unwrap().len(), 1);
    }

    #[test]
    fn type_arguments_of_crdts_survive() {
        for sql in [
            "CREATE TABLE t (a lww(numeric(10,2)))",
            "CREATE TABLE t (a or_map(text, or_set(text)), b int)",
            "CREATE TABLE t (a lww(double precision) NOT NULL)",
        ] {
            assert_eq!(parse(sql).unwrap().len(), 1, "{sql}");
        }
    }
}
