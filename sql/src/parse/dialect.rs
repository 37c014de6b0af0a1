//! sqlparser as a reader of DDL: its tokens from ours, and a dialect that sends it back to our grammar for expressions
//! and types.
//!
//! A query inside a statement (CREATE VIEW, CREATE TABLE AS) is read by our grammar first. sqlparser gets a
//! placeholder in its place, which is then exchanged for the query.

use std::cell::RefCell;
use std::ops::Range;

use sqlparser::ast::{self, DataType, Expr, Statement};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword as Word;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{self, TokenWithSpan};

use super::grammar::Grammar;
use super::keyword::{Class, Keyword};
use super::position::{self, span};
use super::token::{Token, TokenKind};
use crate::error::{Result, SqlError};

/// How deeply the parser may call itself. It grows its stack as it needs.
const PARSER_RECURSION: usize = 400;

/// Reads a statement that our grammar does not. The tokens are those of the statement and an end.
pub fn statement(source: &str, tokens: &[Token]) -> Result<Statement> {
    let inner = inner_query(source, tokens)?;
    let (given, places) = given_tokens(source, tokens, inner.as_ref());
    let dialect = Hooks { source: source.to_owned(), tokens: tokens.to_vec(), places, failure: RefCell::new(None) };
    let mut parser = Parser::new(&dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(given);
    let parsed = parser.parse_statement();
    let rest = parser.peek_token_ref().clone();
    let mut statement = parsed.map_err(|error| match dialect.failure.take() {
        Some(failure) if is_marker(&error) => failure,
        _ => position::parser_error(source, tokens, &error),
    })?;
    if rest.token != tokenizer::Token::EOF {
        let end = ParserError::ParserError(format!("unexpected{}", rest.span.start));
        return Err(position::parser_error(source, tokens, &end));
    }
    if let Some(inner) = inner {
        place(&mut statement, inner)?;
    }
    check_column_names(source, &statement)?;
    Ok(statement)
}

/// sqlparser's tokens, and which of ours each of them is.
fn given_tokens(source: &str, tokens: &[Token], inner: Option<&InnerQuery>) -> (Vec<TokenWithSpan>, Vec<usize>) {
    let mut given = Vec::with_capacity(tokens.len());
    let mut places = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| !super::ends_statement(token)) {
        match inner {
            Some(inner) if at == inner.tokens.start => {
                for placeholder in [tokenizer::Token::make_word("SELECT", None), tokenizer::Token::Mul] {
                    given.push(with_span(placeholder, token));
                    places.push(at);
                }
            }
            Some(inner) if inner.tokens.contains(&at) || inner.columns.contains(&at) => {}
            _ => {
                given.push(foreign(source, token));
                places.push(at);
            }
        }
    }
    places.push(tokens.len().saturating_sub(1));
    (given, places)
}

/// A query inside a statement, and which tokens it is.
struct InnerQuery {
    tokens: Range<usize>,
    query: Box<ast::Query>,
    /// The names that CREATE TABLE AS gives to the columns, which sqlparser would take for definitions.
    columns: Range<usize>,
    names: Vec<ast::Ident>,
}

fn inner_query(source: &str, tokens: &[Token]) -> Result<Option<InnerQuery>> {
    let keyword = |at: usize| match tokens.get(at).map(|token| &token.kind) {
        Some(TokenKind::Keyword(keyword)) => Some(*keyword),
        _ => None,
    };
    let makes = match keyword(0) {
        Some(Keyword::Create) => {
            (1..6).find_map(|at| keyword(at).filter(|k| matches!(k, Keyword::Table | Keyword::View)))
        }
        _ => None,
    };
    let Some(makes) = makes else { return Ok(None) };
    let Some(from) = query_after_as(source, tokens) else { return Ok(None) };
    let mut grammar = Grammar::new(source, tokens, from);
    let query = grammar.query()?;
    let to = grammar.at();
    if makes == Keyword::View && keyword(to) == Some(Keyword::With) {
        return Err(SqlError::unsupported("WITH CHECK OPTION"));
    }
    let mut inner = InnerQuery { tokens: from..to, query, columns: 0..0, names: Vec::new() };
    let open = tokens.iter().position(|token| token.kind == TokenKind::LeftParen);
    if makes == Keyword::Table
        && let Some(open) = open.filter(|open| *open < from)
        && keyword(open - 1) != Some(Keyword::With)
    {
        let mut grammar = Grammar::new(source, tokens, open);
        inner.names = grammar.column_names()?;
        inner.columns = open..grammar.at();
    }
    Ok(Some(inner))
}

/// Where the query begins behind an AS outside of parentheses.
fn query_after_as(source: &str, tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth = depth.saturating_sub(1),
            TokenKind::Keyword(Keyword::As) if depth == 0 => {
                return Grammar::new(source, tokens, at + 1).begins_query().then_some(at + 1);
            }
            _ => {}
        }
    }
    None
}

/// sqlparser takes some words for names that are reserved.
fn check_column_names(source: &str, statement: &Statement) -> Result<()> {
    let Statement::CreateTable(table) = statement else { return Ok(()) };
    for name in table.columns.iter().map(|column| &column.name).filter(|name| name.quote_style.is_none()) {
        let class = Keyword::of(&name.value).map(Keyword::class);
        if matches!(class, Some(Class::Reserved | Class::TypeOrFunction)) {
            let start = position::byte_of(name.span.start).unwrap_or_default();
            return Err(position::syntax_error_at(source, start, start + name.value.len()));
        }
    }
    Ok(())
}

/// Puts the query in the place of the placeholder.
fn place(statement: &mut Statement, inner: InnerQuery) -> Result<()> {
    match statement {
        Statement::CreateView(view) => view.query = inner.query,
        Statement::CreateTable(table) => {
            table.query = Some(inner.query);
            table.columns = inner.names.into_iter().map(column_without_type).collect();
        }
        _ => return Err(SqlError::unsupported("a query in this statement")),
    }
    Ok(())
}

fn column_without_type(name: ast::Ident) -> ast::ColumnDef {
    ast::ColumnDef { name, data_type: DataType::Unspecified, options: Vec::new() }
}

const MARKER: &str = "see the dialect's failure";

fn is_marker(error: &ParserError) -> bool {
    matches!(error, ParserError::ParserError(text) if text == MARKER)
}

/// PostgreSQL's dialect, with expressions and types by our grammar.
#[derive(Debug)]
struct Hooks {
    source: String,
    tokens: Vec<Token>,
    /// Which of our tokens each of sqlparser's is.
    places: Vec<usize>,
    /// Why our grammar refused something.
    failure: RefCell<Option<SqlError>>,
}

impl Hooks {
    /// Reads something with our grammar where sqlparser stands, and takes sqlparser behind it.
    fn read<T>(
        &self,
        parser: &mut Parser<'_>,
        rule: impl FnOnce(&mut Grammar<'_>) -> Result<T>,
    ) -> Result<T, ParserError> {
        let Some(at) = self.places.get(parser.index()) else {
            return Err(ParserError::ParserError("unexpected end".to_owned()));
        };
        let mut grammar = Grammar::new(&self.source, &self.tokens, *at);
        match rule(&mut grammar) {
            Ok(read) => {
                while self.places.get(parser.index()).is_some_and(|place| *place < grammar.at()) {
                    parser.advance_token();
                }
                Ok(read)
            }
            Err(error) => {
                *self.failure.borrow_mut() = Some(error);
                Err(ParserError::ParserError(MARKER.to_owned()))
            }
        }
    }

    /// Whether the expression that comes next is the DEFAULT of a column's definition, which NOT NULL may follow.
    fn is_column_default(&self, at: usize) -> bool {
        let keyword = |back: usize| at.checked_sub(back).and_then(|at| self.tokens.get(at)).map(|token| &token.kind);
        keyword(1) == Some(&TokenKind::Keyword(Keyword::Default))
            && keyword(2) != Some(&TokenKind::Keyword(Keyword::Set))
    }
}

macro_rules! as_postgresql {
    ($($name:ident)*) => {
        $(fn $name(&self) -> bool { PostgreSqlDialect {}.$name() })*
    };
}

impl Dialect for Hooks {
    fn dialect(&self) -> std::any::TypeId {
        std::any::TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let at = self.places.get(parser.index()).copied().unwrap_or(self.tokens.len());
        let is_default = self.is_column_default(at);
        Some(self.read(parser, |grammar| if is_default { grammar.restricted_expr() } else { grammar.expr() }))
    }

    fn get_next_precedence(&self, _: &Parser) -> Option<Result<u8, ParserError>> {
        // Our grammar has read all operators.
        Some(Ok(0))
    }

    fn parse_data_type(&self, parser: &mut Parser) -> Option<Result<DataType, ParserError>> {
        let next = self.places.get(parser.index()).and_then(|at| self.tokens.get(*at)).map(|token| &token.kind);
        if matches!(next, Some(TokenKind::Keyword(Keyword::Table | Keyword::Setof | Keyword::Trigger))) {
            // What a function may return besides types.
            return None;
        }
        Some(self.read(parser, |grammar| grammar.data_type()))
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, word: Word) -> bool {
        PostgreSqlDialect {}.is_reserved_for_identifier(word)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        PostgreSqlDialect {}.prec_value(precedence)
    }

    as_postgresql! {
        supports_alter_column_type_using supports_alter_user_as_alter_role supports_add_column_if_not_exists
        supports_array_typedef_with_brackets supports_attach_partition_of supports_comment_on
        supports_create_group supports_create_index_with_clause supports_create_role_if_not_exists
        supports_create_table_like_parenthesized supports_detach_partition_of supports_drop_group
        supports_exclude_constraint supports_explain_with_utility_options supports_interval_options
        supports_listen_notify supports_load_extension supports_set_names supports_sql_option_without_value
        supports_table_inheritance_markers supports_column_generic_options supports_order_by_using_operator
    }
}

fn with_span(token: tokenizer::Token, at: &Token) -> TokenWithSpan {
    TokenWithSpan { token, span: span(at.start, at.end) }
}

/// The token as sqlparser has it.
fn foreign(source: &str, token: &Token) -> TokenWithSpan {
    use tokenizer::Token as Foreign;
    let text = source.get(token.start as usize..token.end as usize).unwrap_or_default();
    let foreign = match &token.kind {
        TokenKind::Word | TokenKind::Keyword(_) => Foreign::make_word(text, None),
        TokenKind::QuotedName(name) => Foreign::make_word(name, Some('"')),
        TokenKind::String(None) => {
            Foreign::SingleQuotedString(text.get(1..text.len() - 1).unwrap_or_default().to_owned())
        }
        TokenKind::String(Some(value)) if text.starts_with('$') => {
            Foreign::DollarQuotedString(ast::DollarQuotedString { value: value.to_string(), tag: None })
        }
        TokenKind::String(Some(value)) => Foreign::SingleQuotedString(value.to_string()),
        TokenKind::BitString => Foreign::SingleQuotedByteStringLiteral(text.to_owned()),
        TokenKind::Number => Foreign::Number(text.to_owned(), false),
        TokenKind::Parameter => Foreign::Placeholder(text.to_owned()),
        TokenKind::Operator | TokenKind::Other => Foreign::CustomBinaryOperator(text.to_owned()),
        TokenKind::LeftParen => Foreign::LParen,
        TokenKind::RightParen => Foreign::RParen,
        TokenKind::LeftBracket => Foreign::LBracket,
        TokenKind::RightBracket => Foreign::RBracket,
        TokenKind::Comma => Foreign::Comma,
        TokenKind::Semicolon => Foreign::SemiColon,
        TokenKind::Dot => Foreign::Period,
        TokenKind::DotDot => Foreign::CustomBinaryOperator(text.to_owned()),
        TokenKind::Colon => Foreign::Colon,
        TokenKind::DoubleColon => Foreign::DoubleColon,
        TokenKind::ColonEquals => Foreign::Assignment,
        TokenKind::EqualsGreater => Foreign::RArrow,
        TokenKind::Plus => Foreign::Plus,
        TokenKind::Minus => Foreign::Minus,
        TokenKind::Star => Foreign::Mul,
        TokenKind::Slash => Foreign::Div,
        TokenKind::Percent => Foreign::Mod,
        TokenKind::Caret => Foreign::Caret,
        TokenKind::Less => Foreign::Lt,
        TokenKind::LessEquals => Foreign::LtEq,
        TokenKind::Greater => Foreign::Gt,
        TokenKind::GreaterEquals => Foreign::GtEq,
        TokenKind::Equals => Foreign::Eq,
        TokenKind::NotEquals => Foreign::Neq,
        TokenKind::End => Foreign::EOF,
    };
    with_span(foreign, token)
}
