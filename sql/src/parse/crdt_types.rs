//! Arguments of CRDT types. `lww(numeric(10,2))` and `or_map(text, or_set(text))` are more than sqlparser parses, and
//! `or_set(double precision)` it parses wrongly; so in CREATE and ALTER TABLE the arguments become one string, which the
//! binder parses as a type by itself.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// The CRDT types that take types as arguments.
pub const WITH_TYPE_ARGUMENTS: [&str; 5] = ["lww", "or_set", "or_map", "rga", "lseq"];

/// The tokens, with `crdt(type arguments)` as `crdt('type arguments')`.
pub fn rewrite(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    if !is_table_ddl(tokens) {
        return tokens.to_vec();
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        out.push(token.clone());
        rest = after;
        if is_crdt_name(&token.token)
            && let Some((open, argument, after)) = parenthesised(after)
        {
            out.push(open.clone());
            let text = argument.iter().map(|token| token.token.to_string()).collect::<String>();
            let string = Token::SingleQuotedString(text.trim().to_owned());
            out.push(TokenWithSpan { token: string, span: open.span });
            rest = after;
        }
    }
    out
}

fn is_table_ddl(tokens: &[TokenWithSpan]) -> bool {
    let mut words = tokens.iter().filter_map(|token| match &token.token {
        Token::Word(word) => Some(word.keyword),
        _ => None,
    });
    matches!(words.next(), Some(Keyword::CREATE | Keyword::ALTER))
}

fn is_crdt_name(token: &Token) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. })
        if WITH_TYPE_ARGUMENTS.iter().any(|name| name.eq_ignore_ascii_case(value)))
}

/// An opening parenthesis, what is inside, and the rest from the closing one on.
fn parenthesised(tokens: &[TokenWithSpan]) -> Option<(&TokenWithSpan, &[TokenWithSpan], &[TokenWithSpan])> {
    let start = tokens.iter().position(|token| !matches!(token.token, Token::Whitespace(_)))?;
    let (open, inside) = tokens.get(start..)?.split_first()?;
    if open.token != Token::LParen {
        return None;
    }
    let mut depth = 1_usize;
    for (at, token) in inside.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((open, inside.get(..at)?, inside.get(at..)?));
        }
    }
    None
}
