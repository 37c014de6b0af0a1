//! DECLARE, FETCH, MOVE, CLOSE.

use std::sync::Arc;

use crate::parse::token::TokenKind;

use crate::error::{Result, SqlError, SqlState};
use crate::parse::tokens::Tokens;
use crate::parse::{ParsedStatement, parse_one};

/// A statement about cursors.
#[derive(Clone, Debug)]
pub enum CursorStatement {
    /// DECLARE
    Declare(Declare),
    /// FETCH
    Fetch(String, Direction),
    /// MOVE
    Move(String, Direction),
    /// CLOSE
    Close(String),
    /// CLOSE ALL
    CloseAll,
}

/// DECLARE
#[derive(Clone, Debug)]
pub struct Declare {
    /// The cursor's name.
    pub name: String,
    /// BINARY: rows travel in binary form.
    pub binary: bool,
    /// INSENSITIVE
    pub insensitive: bool,
    /// Whether it can go backwards.
    pub scroll: Scroll,
    /// WITH HOLD: it outlives its transaction.
    pub hold: bool,
    /// The query.
    pub query: ParsedStatement,
}

impl Declare {
    /// Why the cursor cannot be, if its query locks rows.
    pub(crate) fn refused(&self, locks_rows: bool) -> Option<SqlError> {
        if !locks_rows {
            return None;
        }
        let refuse =
            |what: &str, detail: &str| Some(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, what).with_detail(detail));
        if self.hold {
            return refuse(
                "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported",
                "Holdable cursors must be READ ONLY.",
            );
        }
        if self.scroll == Scroll::Yes {
            return refuse(
                "DECLARE SCROLL CURSOR ... FOR UPDATE is not supported",
                "Scrollable cursors must be READ ONLY.",
            );
        }
        if self.insensitive {
            return Some(
                SqlError::new(
                    SqlState::INVALID_CURSOR_DEFINITION,
                    "DECLARE INSENSITIVE CURSOR ... FOR UPDATE is not valid",
                )
                .with_detail("Insensitive cursors must be READ ONLY."),
            );
        }
        None
    }
}

/// Whether a cursor can go backwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scroll {
    /// SCROLL
    Yes,
    /// NO SCROLL
    No,
    /// Nothing is said: if it is easy.
    Unsaid,
}

/// Which rows FETCH and MOVE want.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// That many forwards; all if none. A negative number goes backwards, 0 stays.
    Forward(Option<i64>),
    /// That many backwards; all if none.
    Backward(Option<i64>),
    /// The row of this number, counted from the end if negative.
    Absolute(i64),
    /// The row so far from here.
    Relative(i64),
}

/// DECLARE
pub(super) fn declare(source: &Arc<str>, tokens: &mut Tokens<'_>) -> Result<CursorStatement> {
    tokens.next();
    let name = tokens.name()?;
    let (mut binary, mut insensitive, mut asensitive, mut scroll) = (false, false, false, Scroll::Unsaid);
    let conflict =
        |what: &str| Err(SqlError::new(SqlState::INVALID_CURSOR_DEFINITION, format!("cannot specify both {what}")));
    while !tokens.take("cursor") {
        if tokens.take("binary") {
            binary = true;
        } else if tokens.take("no") {
            tokens.expect("scroll")?;
            if scroll == Scroll::Yes {
                return conflict("SCROLL and NO SCROLL");
            }
            scroll = Scroll::No;
        } else if tokens.take("scroll") {
            if scroll == Scroll::No {
                return conflict("SCROLL and NO SCROLL");
            }
            scroll = Scroll::Yes;
        } else if tokens.take("insensitive") {
            insensitive = true;
        } else if tokens.take("asensitive") {
            asensitive = true;
        } else {
            return Err(tokens.unexpected());
        }
    }
    if insensitive && asensitive {
        return conflict("INSENSITIVE and ASENSITIVE");
    }
    let hold = tokens.take("with");
    if hold || tokens.take("without") {
        tokens.expect("hold")?;
    }
    tokens.expect("for")?;
    let query = embedded(source, tokens, &QUERIES)?;
    Ok(CursorStatement::Declare(Declare { name, binary, insensitive, scroll, hold, query }))
}

/// The words that a query begins with.
pub(super) const QUERIES: [&str; 4] = ["select", "with", "values", "table"];

/// The rest of the tokens as a statement of its own, which begins with a parenthesis or one of the words. None of them
/// begins a statement that holds another one, so that there is no nesting.
pub(in crate::parse) fn embedded(
    source: &Arc<str>,
    tokens: &mut Tokens<'_>,
    words: &[&str],
) -> Result<ParsedStatement> {
    let rest = tokens.rest();
    if tokens.peek() != Some(&TokenKind::LeftParen) && !words.iter().any(|word| tokens.is_word(word)) {
        return Err(tokens.unexpected());
    }
    while tokens.next().is_some() {}
    parse_one(source, rest)
}

/// FETCH, MOVE, CLOSE
pub(super) fn parse(tokens: &mut Tokens<'_>) -> Result<CursorStatement> {
    if tokens.take("close") {
        if tokens.take("all") {
            return Ok(CursorStatement::CloseAll);
        }
        return tokens.name().map(CursorStatement::Close);
    }
    let is_fetch = tokens.take("fetch");
    if !is_fetch {
        tokens.expect("move")?;
    }
    let direction = direction(tokens)?;
    tokens.take_any(&["from", "in"]);
    let name = tokens.name()?;
    Ok(if is_fetch { CursorStatement::Fetch(name, direction) } else { CursorStatement::Move(name, direction) })
}

/// A direction; a word that could be one is the cursor's name if nothing follows it.
fn direction(tokens: &mut Tokens<'_>) -> Result<Direction> {
    if let Some(count) = tokens.take_integer()? {
        return Ok(Direction::Forward(Some(count)));
    }
    if names_the_cursor(tokens) {
        return Ok(Direction::Forward(Some(1)));
    }
    if tokens.take("next") {
        return Ok(Direction::Forward(Some(1)));
    }
    if tokens.take("prior") {
        return Ok(Direction::Backward(Some(1)));
    }
    if tokens.take("first") {
        return Ok(Direction::Absolute(1));
    }
    if tokens.take("last") {
        return Ok(Direction::Absolute(-1));
    }
    if tokens.take("all") {
        return Ok(Direction::Forward(None));
    }
    let is_absolute = tokens.take("absolute");
    if is_absolute || tokens.take("relative") {
        let Some(count) = tokens.take_integer()? else { return Err(tokens.unexpected()) };
        return Ok(if is_absolute { Direction::Absolute(count) } else { Direction::Relative(count) });
    }
    let is_forward = tokens.take("forward");
    if is_forward || tokens.take("backward") {
        let count = if tokens.take("all") { None } else { Some(tokens.take_integer()?.unwrap_or(1)) };
        return Ok(if is_forward { Direction::Forward(count) } else { Direction::Backward(count) });
    }
    Ok(Direction::Forward(Some(1)))
}

fn names_the_cursor(tokens: &mut Tokens<'_>) -> bool {
    let mut ahead = Tokens::new("", tokens.rest());
    matches!(ahead.next(), Some(TokenKind::Word | TokenKind::Keyword(_) | TokenKind::QuotedName(_)))
        && ahead.is_at_end()
}
