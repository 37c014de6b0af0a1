//! Bounds on the shape of a statement, judged on its tokens: the tree is recursive, and so is whatever walks or drops it.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::MAX_NESTING;
use crate::error::{Result, SqlError, SqlState};

/// How many operators may follow each other without a comma or a parenthesis between them. An OR over a thousand
/// comparisons fits.
const MAX_OPERATOR_CHAIN: usize = 3_000;

/// How many words may say what kind of statement a statement is: `EXPLAIN ANALYZE VERBOSE SELECT`, `CREATE OR REPLACE
/// CONSTRAINT TRIGGER`.
const MAX_HEAD_WORDS: usize = 5;

/// Refuses statements that hold statements. PostgreSQL's grammar has no nested ones but those of routines and
/// EXPLAIN's; the parser knows those of other dialects too, any number of them within each other.
pub fn check_head(tokens: &[TokenWithSpan]) -> Result<()> {
    let words = tokens.iter().filter_map(|token| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word),
        _ => None,
    });
    let mut is_explained = false;
    let mut is_created = false;
    for word in words.take(MAX_HEAD_WORDS) {
        match word.keyword {
            Keyword::ANALYZE | Keyword::VERBOSE if is_explained => {}
            Keyword::EXPLAIN if !is_explained && !is_created => is_explained = true,
            Keyword::CREATE if !is_created => is_created = true,
            Keyword::OR | Keyword::REPLACE | Keyword::ALTER | Keyword::CONSTRAINT if is_created => {}
            Keyword::PROCEDURE | Keyword::FUNCTION | Keyword::TRIGGER if is_created => {
                return Err(SqlError::unsupported(format!("CREATE {}", word.value.to_uppercase())));
            }
            Keyword::EXPLAIN | Keyword::DESCRIBE | Keyword::DESC | Keyword::IF | Keyword::WHILE | Keyword::CASE
                if !is_created =>
            {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    format!("syntax error at or near \"{}\"", word.value),
                ));
            }
            _ => break,
        }
    }
    Ok(())
}

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
                let length = chains.last().copied().unwrap_or(0) + weight(other);
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

/// A nested statement takes far more of the stack than an operator.
fn weight(token: &Token) -> usize {
    match token {
        Token::Word(word) if word.keyword == Keyword::EXPLAIN => 100,
        _ => 1,
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
