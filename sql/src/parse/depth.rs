//! Bounds on the shape of a statement, judged on its tokens: the tree is recursive, and so is whatever walks or drops it.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::MAX_NESTING;
use crate::error::{Result, SqlError, SqlState};

/// How many operators may follow each other without a comma or a parenthesis between them. An OR over a thousand
/// comparisons fits.
const MAX_OPERATOR_CHAIN: usize = 3_000;

/// Refuses what would nest too deeply (54001).
pub fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    // One count per open parenthesis.
    let mut chains = vec![0_usize];
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                if chains.len() > MAX_NESTING {
                    return Err(too_complex());
                }
                chains.push(0);
            }
            Token::RParen | Token::RBracket | Token::RBrace if chains.len() > 1 => {
                chains.pop();
            }
            Token::Comma => set_last(&mut chains, 0),
            other if deepens(other) => {
                let length = chains.last().map_or(1, |length| length + 1);
                if length > MAX_OPERATOR_CHAIN {
                    return Err(too_complex());
                }
                set_last(&mut chains, length);
            }
            _ => {}
        }
    }
    Ok(())
}

fn set_last(chains: &mut [usize], value: usize) {
    if let Some(last) = chains.last_mut() {
        *last = value;
    }
}

fn deepens(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::SIMILAR
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::CASE
                | Keyword::EXPLAIN
                | Keyword::NOTNULL
                | Keyword::OVERLAPS
                | Keyword::JOIN
        ),
        Token::Number(..)
        | Token::Whitespace(_)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Period
        | Token::EOF => false,
        _ => !matches!(token, Token::DoubleQuotedString(_) | Token::EscapedStringLiteral(_)),
    }
}

fn too_complex() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .with_hint("Write the statement with fewer nested expressions, for example with IN instead of many ORs.")
}
