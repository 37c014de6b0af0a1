//! Bounds on the shape of a statement, judged on its tokens: the tree is recursive, and so is whatever walks or drops it.

use super::keyword::Keyword;
use super::token::{Token, TokenKind};
use crate::error::{Result, SqlError, SqlState};

/// How deeply parentheses may be nested.
const MAX_NESTING: usize = 64;

/// How many operators may follow each other without a comma or a parenthesis between them. An OR over a thousand
/// comparisons fits.
const MAX_OPERATOR_CHAIN: usize = 3_000;

/// Refuses what would nest too deeply (54001).
pub fn check(tokens: &[Token]) -> Result<()> {
    // One count per open parenthesis.
    let mut chains = [0_usize; MAX_NESTING + 2];
    let mut depth = 0_usize;
    for token in tokens {
        match &token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket => {
                depth += 1;
                match chains.get_mut(depth) {
                    Some(chain) => *chain = 0,
                    None => return Err(too_complex()),
                }
            }
            TokenKind::RightParen | TokenKind::RightBracket => depth = depth.saturating_sub(1),
            kind => {
                let Some(chain) = chains.get_mut(depth) else { return Err(too_complex()) };
                match kind {
                    TokenKind::Comma | TokenKind::Semicolon => *chain = 0,
                    kind if deepens(kind) => *chain += 1,
                    _ => {}
                }
                if *chain > MAX_OPERATOR_CHAIN {
                    return Err(too_complex());
                }
            }
        }
    }
    Ok(())
}

fn deepens(kind: &TokenKind) -> bool {
    match kind {
        TokenKind::Keyword(keyword) => matches!(
            keyword,
            Keyword::And
                | Keyword::Or
                | Keyword::Not
                | Keyword::Is
                | Keyword::In
                | Keyword::Like
                | Keyword::Ilike
                | Keyword::Between
                | Keyword::Similar
                | Keyword::Collate
                | Keyword::At
                | Keyword::Union
                | Keyword::Intersect
                | Keyword::Except
                | Keyword::Case
                | Keyword::Isnull
                | Keyword::Notnull
                | Keyword::Overlaps
                | Keyword::Join
                | Keyword::Operator
                | Keyword::Explain
        ),
        TokenKind::Word
        | TokenKind::QuotedName(_)
        | TokenKind::String(_)
        | TokenKind::BitString
        | TokenKind::Number
        | TokenKind::Parameter
        | TokenKind::Dot
        | TokenKind::DotDot
        | TokenKind::End => false,
        _ => true,
    }
}

fn too_complex() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .with_hint("Write the statement with fewer nested expressions, for example with IN instead of many ORs.")
}
