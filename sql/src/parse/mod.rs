//! SQL text to statements.
//!
//! The text is cut into tokens once, the tokens into statements at their semicolons, and each statement is parsed by
//! `sqlparser`, but for those about the session (`session`). Two things are done to the tokens before: types that it cannot parse are rewritten (`crdt_types`), and
//! statements whose tree would be too deep to walk are refused (`depth`).

mod crdt_types;
mod depth;
mod position;
pub mod session;
mod tokens;

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Result, SqlError, SqlState};

pub use position::TextPosition;
use session::SessionStatement;

/// The longest text of one message.
pub const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// How deeply parentheses may be nested.
const MAX_NESTING: usize = 64;

/// How deeply the parser may call itself; each parenthesis takes a few levels. It grows its stack as it needs.
const PARSER_RECURSION: usize = 400;

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
    /// As `sqlparser` makes it.
    Sql(Arc<ast::Statement>),
    /// A statement about the session.
    Session(Arc<SessionStatement>),
}

/// Parses a text into its statements. A mistake anywhere fails all of them, as in PostgreSQL.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>> {
    if sql.len() > MAX_TEXT_BYTES {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("the query text is longer than {MAX_TEXT_BYTES} bytes"),
        ));
    }
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| position::tokenizer_error(sql, &error))?;
    let source: Arc<str> = sql.into();
    let mut statements = Vec::new();
    let mut end = 0;
    for part in tokens.split(|token| token.token == Token::SemiColon) {
        end += part.len() + 1;
        if part.iter().all(|token| matches!(token.token, Token::Whitespace(_) | Token::EOF)) {
            continue;
        }
        let semicolon = tokens.get(end - 1);
        statements.push(parse_one(&source, part).map_err(|error| position::before(&source, semicolon, error))?);
    }
    Ok(statements)
}

/// Parses an expression that the catalog keeps as text: a DEFAULT or a CHECK.
pub fn parse_expression(sql: &str) -> Result<ast::Expr> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| position::tokenizer_error(sql, &error))?;
    depth::check(&tokens)?;
    let mut parser = parser(tokens);
    let expr = parser.parse_expr().map_err(|error| position::parser_error(sql, &error))?;
    position::expect_end(sql, &parser)?;
    Ok(expr)
}

/// Parses the name of a type.
pub fn parse_type(sql: &str) -> Result<ast::DataType> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| position::tokenizer_error(sql, &error))?;
    depth::check(&tokens)?;
    let mut parser = parser(tokens);
    let parsed = parser.parse_data_type().map_err(|error| position::parser_error(sql, &error))?;
    position::expect_end(sql, &parser)?;
    Ok(parsed)
}

fn parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};
    Parser::new(&DIALECT).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(tokens)
}

fn parse_one(source: &Arc<str>, tokens: &[TokenWithSpan]) -> Result<ParsedStatement> {
    depth::check(tokens)?;
    let is_nameless = |token: &Token| matches!(token, Token::Word(word) if word.value.is_empty());
    if tokens.iter().any(|token| is_nameless(&token.token)) {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "zero-length delimited identifier"));
    }
    let tree = match session::parse(source, tokens)? {
        Some(statement) => Tree::Session(Arc::new(statement)),
        None => Tree::Sql(Arc::new(parse_sql(source, tokens)?)),
    };
    let text = position::text_of(source, tokens);
    let text = if text.len() == source.len() { Arc::clone(source) } else { text.into() };
    Ok(ParsedStatement { text, tree, source: Arc::clone(source) })
}

/// A statement of `sqlparser`'s.
fn parse_sql(source: &Arc<str>, tokens: &[TokenWithSpan]) -> Result<ast::Statement> {
    depth::check_head(tokens)?;
    let mut parser = parser(crdt_types::rewrite(tokens));
    let statement = parser.parse_statement().map_err(|error| position::parser_error(source, &error))?;
    position::expect_end(source, &parser)?;
    Ok(statement)
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
