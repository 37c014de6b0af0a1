//! Tokens of PostgreSQL's lexical grammar.

use super::keyword::Keyword;

/// A token and where it stands in the text, in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// What a token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// A name without quotes that is no keyword.
    Word,
    /// A keyword without quotes.
    Keyword(Keyword),
    /// A name in quotes, as it reads. Boxed, so that tokens stay small.
    QuotedName(Box<str>),
    /// A string literal, as it reads; none if it stands in the text between its two quotes as it is.
    String(Option<Box<str>>),
    /// A bit string, `B'…'` or `X'…'`.
    BitString,
    /// A number without a sign.
    Number,
    /// `$1`
    Parameter,
    /// An operator that has no kind of its own.
    Operator,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `:=`
    ColonEquals,
    /// `=>`
    EqualsGreater,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `^`
    Caret,
    /// `<`
    Less,
    /// `<=`
    LessEquals,
    /// `>`
    Greater,
    /// `>=`
    GreaterEquals,
    /// `=`
    Equals,
    /// `<>` or `!=`
    NotEquals,
    /// A character that begins no token.
    Other,
    /// The end of the statement.
    End,
}
