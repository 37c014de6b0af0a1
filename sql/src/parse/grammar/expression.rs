//! Operators: PostgreSQL's precedence, by precedence climbing.
//!
//! An operator takes operands of a higher precedence to its right (of the same one if it associates to the left, on its
//! left). Some do not associate: `a < b < c` is an error. What ends with its own last token (`IS NULL`, `IN (…)`,
//! `= ANY (…)`, `::type`) needs nothing to its right, so that anything may follow.

use sqlparser::ast::{self, BinaryOperator, Expr, UnaryOperator};

use super::Grammar;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::encoding;
use crate::parse::keyword::Keyword;
use crate::parse::token::{Token, TokenKind};

/// How tightly operators bind, loosest first.
mod level {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const IS: u8 = 4;
    pub const COMPARISON: u8 = 5;
    /// BETWEEN, IN, LIKE, ILIKE, SIMILAR TO.
    pub const MATCH: u8 = 6;
    /// All operators that have no level of their own.
    pub const OTHER: u8 = 8;
    pub const SUM: u8 = 9;
    pub const PRODUCT: u8 = 10;
    pub const POWER: u8 = 11;
    pub const AT_TIME_ZONE: u8 = 12;
    pub const COLLATE: u8 = 13;
    pub const SIGN: u8 = 14;
    pub const CAST: u8 = 15;
}

/// Which of the two expression rules of PostgreSQL is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `a_expr`: all operators.
    Full,
    /// `b_expr`: none that is a word, but IS DISTINCT FROM. For places where such a word means something else.
    Restricted,
}

/// An operator between two operands: what it is, how tightly it binds, and whether `a op b op c` is an error.
struct Infix {
    op: BinaryOperator,
    level: u8,
    associates: bool,
    /// How many tokens it is.
    tokens: usize,
}

/// A predicate that is written with words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    And,
    Or,
    Is,
    IsNull,
    NotNull,
    Between,
    In,
    Like,
    Ilike,
    Similar,
    Collate,
    AtTimeZone,
}

impl Word {
    const fn level(self) -> u8 {
        match self {
            Self::Or => level::OR,
            Self::And => level::AND,
            Self::Is | Self::IsNull | Self::NotNull => level::IS,
            Self::Between | Self::In | Self::Like | Self::Ilike | Self::Similar => level::MATCH,
            Self::AtTimeZone => level::AT_TIME_ZONE,
            Self::Collate => level::COLLATE,
        }
    }
}

impl Grammar<'_> {
    /// An expression.
    pub fn expr(&mut self) -> Result<Expr> {
        self.operand(0, Rule::Full)
    }

    /// An expression in which words like AND and IN are no operators.
    pub fn restricted_expr(&mut self) -> Result<Expr> {
        self.operand(0, Rule::Restricted)
    }

    /// The expressions of a list.
    pub(super) fn exprs(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::expr)
    }

    /// An expression with operators that bind more tightly than `level`.
    pub(super) fn operand(&mut self, level: u8, rule: Rule) -> Result<Expr> {
        self.nested(|grammar| {
            let mut left = grammar.prefix(rule)?;
            // The level of the last operator if it may not be followed by one of the same level.
            let mut closed = None;
            while grammar.infix(&mut left, level, rule, &mut closed)? {}
            Ok(left)
        })
    }

    fn prefix(&mut self, rule: Rule) -> Result<Expr> {
        let token = self.token();
        let op = match &token.kind {
            TokenKind::Plus => UnaryOperator::Plus,
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Operator => match unary_operator(self.text(token)) {
                Some(op) => op,
                None => return self.custom_prefix(rule),
            },
            TokenKind::Keyword(Keyword::Not) if rule == Rule::Full => {
                self.advance();
                let expr = Box::new(self.operand(level::NOT, rule)?);
                return Ok(Expr::UnaryOp { op: UnaryOperator::Not, expr });
            }
            TokenKind::Keyword(Keyword::Operator) if self.ahead(1).kind == TokenKind::LeftParen => {
                return self.custom_prefix(rule);
            }
            TokenKind::Keyword(Keyword::Default) if rule == Rule::Full => {
                self.advance();
                return Ok(Expr::Identifier(self.ident_of(token)));
            }
            _ => return self.primary(),
        };
        self.advance();
        let is_sign = matches!(op, UnaryOperator::Plus | UnaryOperator::Minus);
        let expr = Box::new(self.operand(if is_sign { level::SIGN } else { level::OTHER }, rule)?);
        Ok(Expr::UnaryOp { op, expr })
    }

    /// A prefix operator that the tree has no name for.
    #[inline(never)]
    fn custom_prefix(&mut self, rule: Rule) -> Result<Expr> {
        let path = self.operator_path()?;
        let operand = self.operand(level::OTHER, rule)?;
        let name = path.last().map_or("", String::as_str);
        if let Some(op) = sign_or_unary(name) {
            return Ok(Expr::UnaryOp { op, expr: Box::new(operand) });
        }
        Ok(encoding::prefix_operator(name, operand))
    }

    /// An operator, or `OPERATOR(schema.op)`.
    pub(in crate::parse) fn operator_path(&mut self) -> Result<Vec<String>> {
        if !self.eat_keyword(Keyword::Operator) {
            return Ok(vec![self.operator_symbol()?]);
        }
        self.expect(&TokenKind::LeftParen)?;
        let mut path = Vec::new();
        while self.is_column_name(self.token()) {
            path.push(self.column_name()?.value);
            self.expect(&TokenKind::Dot)?;
        }
        path.push(self.operator_symbol()?);
        self.expect(&TokenKind::RightParen)?;
        Ok(path)
    }

    fn operator_symbol(&mut self) -> Result<String> {
        let token = self.token();
        if !is_symbol(&token.kind) {
            return self.unexpected();
        }
        self.advance();
        Ok(self.text(token).to_owned())
    }

    /// Reads one operator behind an expression with what belongs to it; false if none follows that binds tightly enough.
    fn infix(&mut self, left: &mut Expr, level: u8, rule: Rule, closed: &mut Option<u8>) -> Result<bool> {
        let token = self.token();
        match token.kind {
            TokenKind::End | TokenKind::Comma | TokenKind::RightParen | TokenKind::Semicolon => return Ok(false),
            TokenKind::DoubleColon => {
                if level >= level::CAST {
                    return Ok(false);
                }
                self.advance();
                let data_type = self.data_type()?;
                let expr = Box::new(take(left));
                *left = Expr::Cast { kind: ast::CastKind::DoubleColon, expr, data_type, format: None };
                *closed = None;
                return Ok(true);
            }
            TokenKind::Keyword(keyword) if keyword != Keyword::Operator => {
                return match self.word(keyword, rule) {
                    Some(word) => self.word_infix(left, word, level, rule, closed),
                    None => Ok(false),
                };
            }
            _ => {}
        }
        let Some(infix) = self.symbol_infix(token)? else { return Ok(false) };
        if infix.level <= level {
            return Ok(false);
        }
        if !infix.associates && *closed == Some(infix.level) {
            return self.unexpected();
        }
        self.at += infix.tokens;
        if rule == Rule::Full && matches!(self.keyword(), Some(Keyword::Any | Keyword::Some | Keyword::All)) {
            *left = self.quantified(take(left), infix.op)?;
            *closed = None;
            return Ok(true);
        }
        let right = Box::new(self.operand(infix.level, rule)?);
        *left = Expr::BinaryOp { left: Box::new(take(left)), op: infix.op, right };
        *closed = (!infix.associates).then_some(infix.level);
        Ok(true)
    }

    fn symbol_infix(&mut self, token: &Token) -> Result<Option<Infix>> {
        let (op, level) = match &token.kind {
            TokenKind::Equals => (BinaryOperator::Eq, level::COMPARISON),
            TokenKind::NotEquals => (BinaryOperator::NotEq, level::COMPARISON),
            TokenKind::Less => (BinaryOperator::Lt, level::COMPARISON),
            TokenKind::LessEquals => (BinaryOperator::LtEq, level::COMPARISON),
            TokenKind::Greater => (BinaryOperator::Gt, level::COMPARISON),
            TokenKind::GreaterEquals => (BinaryOperator::GtEq, level::COMPARISON),
            TokenKind::Plus => (BinaryOperator::Plus, level::SUM),
            TokenKind::Minus => (BinaryOperator::Minus, level::SUM),
            TokenKind::Star => (BinaryOperator::Multiply, level::PRODUCT),
            TokenKind::Slash => (BinaryOperator::Divide, level::PRODUCT),
            TokenKind::Percent => (BinaryOperator::Modulo, level::PRODUCT),
            TokenKind::Caret => (BinaryOperator::PGExp, level::POWER),
            TokenKind::Operator => (binary_operator(self.text(token)), level::OTHER),
            TokenKind::Keyword(Keyword::Operator) if self.ahead(1).kind == TokenKind::LeftParen => {
                let start = self.at;
                let path = self.operator_path()?;
                let tokens = self.at - start;
                self.at = start;
                let op = BinaryOperator::PGCustomBinaryOperator(path);
                return Ok(Some(Infix { op, level: level::OTHER, associates: true, tokens }));
            }
            _ => return Ok(None),
        };
        Ok(Some(Infix { op, level, associates: level != level::COMPARISON, tokens: 1 }))
    }

    /// The predicate that begins with a keyword; none if the keyword is something else here, such as a label.
    fn word(&self, keyword: Keyword, rule: Rule) -> Option<Word> {
        if rule == Rule::Restricted {
            let is_distinct = keyword == Keyword::Is
                && (self.keyword_ahead(1) == Some(Keyword::Distinct)
                    || (self.keyword_ahead(1) == Some(Keyword::Not)
                        && self.keyword_ahead(2) == Some(Keyword::Distinct)));
            return is_distinct.then_some(Word::Is);
        }
        let next = self.keyword_ahead(1);
        let word = match keyword {
            Keyword::And => Word::And,
            Keyword::Or => Word::Or,
            Keyword::Isnull => Word::IsNull,
            Keyword::Notnull => Word::NotNull,
            Keyword::Not => match next {
                Some(Keyword::Between) => Word::Between,
                Some(Keyword::In) => Word::In,
                Some(Keyword::Like) => Word::Like,
                Some(Keyword::Ilike) => Word::Ilike,
                Some(Keyword::Similar) if self.keyword_ahead(2) == Some(Keyword::To) => Word::Similar,
                _ => return None,
            },
            _ if self.ends_label(self.ahead(1)) => return None,
            Keyword::Is => Word::Is,
            Keyword::Between => Word::Between,
            Keyword::In => Word::In,
            Keyword::Like => Word::Like,
            Keyword::Ilike => Word::Ilike,
            Keyword::Similar if next == Some(Keyword::To) => Word::Similar,
            Keyword::Collate => Word::Collate,
            Keyword::At if next == Some(Keyword::Time) => Word::AtTimeZone,
            _ => return None,
        };
        Some(word)
    }

    /// Whether the word before a token must have been a label: `SELECT 1 like FROM t`.
    fn ends_label(&self, token: &Token) -> bool {
        matches!(
            token.kind,
            TokenKind::End
                | TokenKind::Semicolon
                | TokenKind::Comma
                | TokenKind::RightParen
                | TokenKind::Keyword(Keyword::From | Keyword::Where)
        )
    }

    fn word_infix(
        &mut self,
        left: &mut Expr,
        word: Word,
        level: u8,
        rule: Rule,
        closed: &mut Option<u8>,
    ) -> Result<bool> {
        let own = word.level();
        if own <= level {
            return Ok(false);
        }
        let associates = !matches!(own, level::IS | level::MATCH);
        if !associates && *closed == Some(own) {
            return self.unexpected();
        }
        *closed = None;
        let op = match word {
            Word::And => BinaryOperator::And,
            Word::Or => BinaryOperator::Or,
            _ => {
                let (expr, is_open) = self.predicate(take(left), word, rule)?;
                *left = expr;
                *closed = is_open.then_some(own);
                return Ok(true);
            }
        };
        self.advance();
        let right = Box::new(self.operand(own, rule)?);
        *left = Expr::BinaryOp { left: Box::new(take(left)), op, right };
        Ok(true)
    }

    /// A predicate, and whether it ended with an operand, so that another one of its level may not follow.
    #[inline(never)]
    fn predicate(&mut self, left: Expr, word: Word, rule: Rule) -> Result<(Expr, bool)> {
        let expr = Box::new(left);
        let negated = !matches!(word, Word::Is) && self.eat_keyword(Keyword::Not);
        self.advance();
        Ok(match word {
            Word::IsNull => (Expr::IsNull(expr), false),
            Word::NotNull => (Expr::IsNotNull(expr), false),
            Word::Is => self.is(expr, rule)?,
            Word::In => (self.in_list(expr, negated)?, false),
            Word::Between => (self.between(expr, negated)?, true),
            Word::Like | Word::Ilike | Word::Similar => self.like(expr, word, negated)?,
            Word::Collate => (Expr::Collate { expr, collation: self.qualified_name()? }, false),
            Word::AtTimeZone => {
                self.expect_keywords(&[Keyword::Time, Keyword::Zone])?;
                let zone = self.operand(level::AT_TIME_ZONE, rule)?;
                (encoding::call("timezone", vec![zone, *expr]), false)
            }
            Word::And | Word::Or => return self.unexpected(),
        })
    }

    fn is(&mut self, expr: Box<Expr>, rule: Rule) -> Result<(Expr, bool)> {
        let not = self.eat_keyword(Keyword::Not);
        let token = self.token();
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        self.advance();
        let is = match (keyword, not) {
            (Keyword::Null, false) => Expr::IsNull(expr),
            (Keyword::Null, true) => Expr::IsNotNull(expr),
            (Keyword::True, false) => Expr::IsTrue(expr),
            (Keyword::True, true) => Expr::IsNotTrue(expr),
            (Keyword::False, false) => Expr::IsFalse(expr),
            (Keyword::False, true) => Expr::IsNotFalse(expr),
            (Keyword::Unknown, false) => Expr::IsUnknown(expr),
            (Keyword::Unknown, true) => Expr::IsNotUnknown(expr),
            (Keyword::Distinct, _) => {
                self.expect_keyword(Keyword::From)?;
                let other = Box::new(self.operand(level::IS, rule)?);
                let is = if not { Expr::IsNotDistinctFrom(expr, other) } else { Expr::IsDistinctFrom(expr, other) };
                return Ok((is, true));
            }
            (Keyword::Document, _) => return Err(self.error_at(token, SqlError::unsupported("IS DOCUMENT"))),
            (Keyword::Normalized | Keyword::Nfc | Keyword::Nfd | Keyword::Nfkc | Keyword::Nfkd, _) => {
                return Err(self.error_at(token, SqlError::unsupported("IS NORMALIZED")));
            }
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        };
        Ok((is, false))
    }

    fn in_list(&mut self, expr: Box<Expr>, negated: bool) -> Result<Expr> {
        let target = if self.is_query_in_parentheses() {
            ast::InTarget::Subquery(self.query_in_parentheses()?)
        } else {
            ast::InTarget::List(self.parenthesised(Self::expr)?)
        };
        Ok(Expr::In { expr, target, negated, global: false })
    }

    fn between(&mut self, expr: Box<Expr>, negated: bool) -> Result<Expr> {
        let symmetric = self.eat_keyword(Keyword::Symmetric);
        if !symmetric {
            self.eat_keyword(Keyword::Asymmetric);
        }
        let low = Box::new(self.restricted_expr()?);
        self.expect_keyword(Keyword::And)?;
        let high = Box::new(self.operand(level::MATCH, Rule::Full)?);
        if !symmetric {
            return Ok(Expr::Between { expr, negated, low, high });
        }
        let (swapped_low, swapped_high) = (high.clone(), low.clone());
        let one = Expr::Between { expr: expr.clone(), negated, low, high };
        let other = Expr::Between { expr, negated, low: swapped_low, high: swapped_high };
        let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
        Ok(Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(one), op, right: Box::new(other) })))
    }

    /// LIKE, ILIKE and SIMILAR TO, over one pattern, or over those of an array.
    fn like(&mut self, expr: Box<Expr>, word: Word, negated: bool) -> Result<(Expr, bool)> {
        if word == Word::Similar {
            self.expect_keyword(Keyword::To)?;
        } else if matches!(self.keyword(), Some(Keyword::Any | Keyword::Some | Keyword::All)) {
            let op = match (word == Word::Ilike, negated) {
                (false, false) => BinaryOperator::PGLikeMatch,
                (false, true) => BinaryOperator::PGNotLikeMatch,
                (true, false) => BinaryOperator::PGILikeMatch,
                (true, true) => BinaryOperator::PGNotILikeMatch,
            };
            return Ok((self.quantified(*expr, op)?, false));
        }
        let pattern = Box::new(self.operand(level::MATCH, Rule::Full)?);
        let escape_char = match self.eat_keyword(Keyword::Escape) {
            true => Some(Box::new(self.operand(level::MATCH, Rule::Full)?)),
            false => None,
        };
        let like = match word {
            Word::Similar => Expr::SimilarTo { negated, expr, pattern, escape_char },
            Word::Ilike => Expr::ILike { negated, any: false, expr, pattern, escape_char },
            _ => Expr::Like { negated, any: false, expr, pattern, escape_char },
        };
        Ok((like, true))
    }

    /// `op ANY (…)` and `op ALL (…)`, over a subquery or an array.
    #[inline(never)]
    fn quantified(&mut self, left: Expr, compare_op: BinaryOperator) -> Result<Expr> {
        let quantifier = self.keyword();
        self.advance();
        let right = if self.is_query_in_parentheses() {
            Expr::Subquery(self.query_in_parentheses()?)
        } else {
            self.expect(&TokenKind::LeftParen)?;
            let array = self.expr()?;
            self.expect(&TokenKind::RightParen)?;
            array
        };
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(match quantifier {
            Some(Keyword::All) => Expr::AllOp { left, compare_op, right },
            other => Expr::AnyOp { left, compare_op, right, is_some: other == Some(Keyword::Some) },
        })
    }

    /// `OVERLAPS` behind a row.
    pub(super) fn overlaps(&mut self, left: Vec<Expr>) -> Result<Expr> {
        let token = self.token();
        self.advance();
        let right = match self.primary()? {
            Expr::Tuple(right) => right,
            _ => return self.unexpected(),
        };
        for (side, row) in [("left", &left), ("right", &right)] {
            if row.len() != 2 {
                let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                return Err(self.error_at(token, SqlError::new(SqlState::SYNTAX_ERROR, message)));
            }
        }
        Ok(encoding::call("overlaps", left.into_iter().chain(right).collect()))
    }
}

/// Takes an expression out of its place, which is filled again at once.
fn take(place: &mut Expr) -> Expr {
    std::mem::replace(place, Expr::Tuple(Vec::new()))
}

const fn is_symbol(kind: &TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Operator
            | TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Percent
            | TokenKind::Caret
            | TokenKind::Less
            | TokenKind::LessEquals
            | TokenKind::Greater
            | TokenKind::GreaterEquals
            | TokenKind::Equals
            | TokenKind::NotEquals
    )
}

fn sign_or_unary(symbol: &str) -> Option<UnaryOperator> {
    match symbol {
        "+" => Some(UnaryOperator::Plus),
        "-" => Some(UnaryOperator::Minus),
        other => unary_operator(other),
    }
}

fn unary_operator(symbol: &str) -> Option<UnaryOperator> {
    Some(match symbol {
        "~" => UnaryOperator::BitwiseNot,
        "@" => UnaryOperator::PGAbs,
        "|/" => UnaryOperator::PGSquareRoot,
        "||/" => UnaryOperator::PGCubeRoot,
        "!!" => UnaryOperator::PGPrefixFactorial,
        "@-@" => UnaryOperator::AtDashAt,
        "@@" => UnaryOperator::DoubleAt,
        "#" => UnaryOperator::Hash,
        "?-" => UnaryOperator::QuestionDash,
        "?|" => UnaryOperator::QuestionPipe,
        _ => return None,
    })
}

fn binary_operator(symbol: &str) -> BinaryOperator {
    match symbol {
        "||" => BinaryOperator::StringConcat,
        "|" => BinaryOperator::BitwiseOr,
        "&" => BinaryOperator::BitwiseAnd,
        "#" => BinaryOperator::PGBitwiseXor,
        "<<" => BinaryOperator::PGBitwiseShiftLeft,
        ">>" => BinaryOperator::PGBitwiseShiftRight,
        "&&" => BinaryOperator::PGOverlap,
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "^@" => BinaryOperator::PGStartsWith,
        "->" => BinaryOperator::Arrow,
        "->>" => BinaryOperator::LongArrow,
        "#>" => BinaryOperator::HashArrow,
        "#>>" => BinaryOperator::HashLongArrow,
        "@@" => BinaryOperator::AtAt,
        "@>" => BinaryOperator::AtArrow,
        "<@" => BinaryOperator::ArrowAt,
        "#-" => BinaryOperator::HashMinus,
        "@?" => BinaryOperator::AtQuestion,
        "?" => BinaryOperator::Question,
        "?&" => BinaryOperator::QuestionAnd,
        "?|" => BinaryOperator::QuestionPipe,
        other => BinaryOperator::Custom(other.to_owned()),
    }
}
