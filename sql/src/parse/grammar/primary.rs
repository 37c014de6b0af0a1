//! What operators stand between: literals, columns, rows, arrays, CASE.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{self, AccessExpr, CastKind, Expr, Ident, ObjectName, ObjectNamePart, Subscript, Value};

use super::Grammar;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::encoding;
use crate::parse::keyword::{Class, Keyword};
use crate::parse::token::{Token, TokenKind};

impl Grammar<'_> {
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let token = self.token();
        match &token.kind {
            TokenKind::Number => {
                self.advance();
                Ok(self.literal(token, Value::Number(self.text(token).to_owned(), false)))
            }
            TokenKind::String(_) => {
                let text = self.string_literal()?;
                Ok(self.literal(token, Value::SingleQuotedString(text)))
            }
            TokenKind::Parameter => {
                self.advance();
                let parameter = self.literal(token, Value::Placeholder(self.text(token).to_owned()));
                self.indirection(parameter)
            }
            TokenKind::LeftParen => self.in_parentheses(),
            TokenKind::Keyword(keyword) => self.keyword_primary(*keyword, token),
            TokenKind::Word | TokenKind::QuotedName(_) => self.named(),
            TokenKind::BitString => self.unsupported("a bit string"),
            _ => self.unexpected(),
        }
    }

    pub(super) fn literal(&self, token: &Token, value: Value) -> Expr {
        Expr::Value(ast::ValueWithSpan { value, span: self.span_of(token) })
    }

    /// What begins with a keyword.
    #[inline(never)]
    fn keyword_primary(&mut self, keyword: Keyword, token: &Token) -> Result<Expr> {
        let constant = match keyword {
            Keyword::True => Some(Value::Boolean(true)),
            Keyword::False => Some(Value::Boolean(false)),
            Keyword::Null => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = constant {
            self.advance();
            return Ok(self.literal(token, value));
        }
        let has_parenthesis = self.ahead(1).kind == TokenKind::LeftParen;
        match keyword {
            Keyword::Case => self.case(),
            Keyword::Cast => self.cast(),
            Keyword::Array => self.array(),
            Keyword::Exists if has_parenthesis => {
                self.advance();
                if !self.is_query_in_parentheses() {
                    self.advance();
                    return self.unexpected();
                }
                Ok(Expr::Exists { subquery: self.query_in_parentheses()?, negated: false })
            }
            Keyword::Row if has_parenthesis => {
                self.advance();
                self.advance();
                let fields = match self.eat(&TokenKind::RightParen) {
                    true => Vec::new(),
                    false => {
                        let fields = self.exprs()?;
                        self.expect(&TokenKind::RightParen)?;
                        fields
                    }
                };
                self.after_row(fields)
            }
            Keyword::Unique if has_parenthesis => {
                let message = "UNIQUE predicate is not yet implemented";
                Err(self.error_here(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)))
            }
            _ => {
                if let Some(call) = self.special_call(keyword)? {
                    return Ok(call);
                }
                if is_type_keyword(keyword)
                    && let Some(typed) = self.typed_literal()?
                {
                    return Ok(typed);
                }
                match keyword.class() {
                    Class::Reserved => self.unexpected(),
                    _ => self.named(),
                }
            }
        }
    }

    /// `(query)`, `(expression)` or a row.
    fn in_parentheses(&mut self) -> Result<Expr> {
        if self.is_query_in_parentheses() {
            let query = Expr::Subquery(self.query_in_parentheses()?);
            return self.indirection(query);
        }
        self.advance();
        let first = self.expr()?;
        if self.eat(&TokenKind::RightParen) {
            return self.indirection(Expr::Nested(Box::new(first)));
        }
        let mut fields = vec![first];
        while self.eat(&TokenKind::Comma) {
            fields.push(self.expr()?);
        }
        self.expect(&TokenKind::RightParen)?;
        self.after_row(fields)
    }

    fn after_row(&mut self, fields: Vec<Expr>) -> Result<Expr> {
        if self.keyword() == Some(Keyword::Overlaps) { self.overlaps(fields) } else { Ok(Expr::Tuple(fields)) }
    }

    /// A column, a call, or a literal of a type that is named.
    fn named(&mut self) -> Result<Expr> {
        let token = self.token();
        let next = &self.ahead(1).kind;
        if *next == TokenKind::LeftParen && self.is_function_name(token) {
            let name = ObjectName::from(vec![self.function_name()?]);
            return self.call(name, token);
        }
        if matches!(next, TokenKind::String(_)) && self.is_function_name(token) {
            let name = ObjectName::from(vec![self.function_name()?]);
            return self.literal_of_type(ast::DataType::Custom(name, Vec::new()));
        }
        let first = self.column_name()?;
        if !matches!(self.kind(), TokenKind::Dot | TokenKind::LeftBracket) {
            return Ok(Expr::Identifier(first));
        }
        self.dotted(first, token)
    }

    /// `a.b.c`, `a.*`, `a.b(…)`, `a.b[1]`
    fn dotted(&mut self, first: Ident, token: &Token) -> Result<Expr> {
        let mut parts = vec![first];
        while self.eat(&TokenKind::Dot) {
            let star = self.token();
            if self.eat(&TokenKind::Star) {
                return Ok(Expr::QualifiedWildcard(ObjectName::from(parts), self.attached(star)));
            }
            parts.push(self.label()?);
        }
        match self.kind() {
            TokenKind::LeftParen if parts.len() > 1 => return self.call(ObjectName::from(parts), token),
            TokenKind::String(_) if parts.len() > 1 => {
                return self.literal_of_type(ast::DataType::Custom(ObjectName::from(parts), Vec::new()));
            }
            _ => {}
        }
        let column = match (parts.len(), parts.pop()) {
            (1, Some(only)) => Expr::Identifier(only),
            (_, Some(last)) => {
                parts.push(last);
                Expr::CompoundIdentifier(parts)
            }
            _ => return self.unexpected(),
        };
        self.indirection(column)
    }

    /// A token as the tree keeps it, for its place.
    pub(super) fn attached(&self, token: &Token) -> AttachedToken {
        let span = self.span_of(token);
        AttachedToken(sqlparser::tokenizer::TokenWithSpan { token: sqlparser::tokenizer::Token::EOF, span })
    }

    /// Subscripts and fields behind a value.
    pub(super) fn indirection(&mut self, root: Expr) -> Result<Expr> {
        if !matches!(self.kind(), TokenKind::Dot | TokenKind::LeftBracket) {
            return Ok(root);
        }
        let mut access_chain = Vec::new();
        loop {
            let token = self.token();
            if self.eat(&TokenKind::Dot) {
                let star = self.token();
                if self.eat(&TokenKind::Star) {
                    access_chain.push(AccessExpr::Dot(Expr::Wildcard(self.attached(star))));
                    break;
                }
                access_chain.push(AccessExpr::Dot(Expr::Identifier(self.label()?)));
            } else if token.kind == TokenKind::LeftBracket {
                access_chain.push(AccessExpr::Subscript(self.subscript()?));
            } else {
                break;
            }
        }
        Ok(Expr::CompoundFieldAccess { root: Box::new(root), access_chain })
    }

    /// `[i]` or `[from:to]`.
    pub(super) fn subscript(&mut self) -> Result<Subscript> {
        self.expect(&TokenKind::LeftBracket)?;
        let lower_bound = if *self.kind() == TokenKind::Colon { None } else { Some(self.expr()?) };
        if self.eat(&TokenKind::Colon) {
            let upper_bound = if *self.kind() == TokenKind::RightBracket { None } else { Some(self.expr()?) };
            self.expect(&TokenKind::RightBracket)?;
            return Ok(Subscript::Slice { lower_bound, upper_bound, stride: None });
        }
        self.expect(&TokenKind::RightBracket)?;
        match lower_bound {
            Some(index) => Ok(Subscript::Index { index }),
            None => self.unexpected(),
        }
    }

    /// A target of an assignment: a column, perhaps with fields and subscripts.
    pub(super) fn target_name(&mut self) -> Result<ObjectName> {
        let mut parts = vec![ObjectNamePart::Identifier(self.column_name()?)];
        loop {
            if self.eat(&TokenKind::Dot) {
                parts.push(ObjectNamePart::Identifier(self.label()?));
            } else if *self.kind() == TokenKind::LeftBracket {
                parts.push(encoding::subscript_part(self.subscript()?));
            } else {
                return Ok(ObjectName(parts));
            }
        }
    }

    fn case(&mut self) -> Result<Expr> {
        let case_token = self.attached(self.token());
        self.advance();
        let operand = if self.keyword() == Some(Keyword::When) { None } else { Some(Box::new(self.expr()?)) };
        let mut conditions = Vec::new();
        if self.keyword() != Some(Keyword::When) {
            return self.unexpected();
        }
        while self.eat_keyword(Keyword::When) {
            let condition = self.expr()?;
            self.expect_keyword(Keyword::Then)?;
            conditions.push(ast::CaseWhen { condition, result: self.expr()? });
        }
        let else_result = if self.eat_keyword(Keyword::Else) { Some(Box::new(self.expr()?)) } else { None };
        let end_token = self.attached(self.token());
        self.expect_keyword(Keyword::End)?;
        Ok(Expr::Case { case_token, end_token, operand, conditions, else_result })
    }

    fn cast(&mut self) -> Result<Expr> {
        self.advance();
        self.expect(&TokenKind::LeftParen)?;
        let expr = Box::new(self.expr()?);
        self.expect_keyword(Keyword::As)?;
        let data_type = self.data_type()?;
        self.expect(&TokenKind::RightParen)?;
        Ok(Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None })
    }

    /// `ARRAY[…]` or `ARRAY(query)`.
    fn array(&mut self) -> Result<Expr> {
        let token = self.token();
        self.advance();
        if *self.kind() == TokenKind::LeftBracket {
            return self.array_elements(true);
        }
        if !self.is_query_in_parentheses() {
            return self.unexpected();
        }
        let query = self.query_in_parentheses()?;
        let name =
            ObjectName::from(vec![Ident { value: "ARRAY".into(), quote_style: None, span: self.span_of(token) }]);
        Ok(Expr::Function(encoding::function(name, ast::FunctionArguments::Subquery(query))))
    }

    fn array_elements(&mut self, named: bool) -> Result<Expr> {
        self.nested(|grammar| {
            grammar.expect(&TokenKind::LeftBracket)?;
            let elem = match grammar.kind() {
                TokenKind::RightBracket => Vec::new(),
                TokenKind::LeftBracket => grammar.list(|grammar| grammar.array_elements(false))?,
                _ => grammar.exprs()?,
            };
            grammar.expect(&TokenKind::RightBracket)?;
            Ok(Expr::Array(ast::Array { elem, named }))
        })
    }

    /// A literal behind the keyword of a type, or nothing if the keyword is the name of a column here.
    fn typed_literal(&mut self) -> Result<Option<Expr>> {
        let start = self.at;
        if self.keyword() == Some(Keyword::Interval) {
            if let Some(interval) = self.interval_literal()? {
                return Ok(Some(interval));
            }
        } else {
            // A parenthesis can only belong to a type.
            let is_type = self.ahead(1).kind == TokenKind::LeftParen && self.keyword() != Some(Keyword::Double);
            let data_type = self.keyword_type();
            if is_type || (data_type.is_ok() && matches!(self.kind(), TokenKind::String(_))) {
                return self.literal_of_type(data_type?).map(Some);
            }
        }
        self.at = start;
        Ok(None)
    }

    /// `type 'literal'`, with the literal next.
    pub(super) fn literal_of_type(&mut self, data_type: ast::DataType) -> Result<Expr> {
        let token = self.token();
        let value = Value::SingleQuotedString(self.string_literal()?);
        let value = ast::ValueWithSpan { value, span: self.span_of(token) };
        Ok(Expr::TypedString(ast::TypedString { data_type, value, uses_odbc_syntax: false }))
    }

    /// `INTERVAL '…' [fields]` or `INTERVAL(p) '…'`.
    fn interval_literal(&mut self) -> Result<Option<Expr>> {
        self.advance();
        let precision = match (self.kind(), &self.ahead(3).kind) {
            (TokenKind::LeftParen, TokenKind::String(_)) => {
                self.advance();
                let precision = self.integer()?;
                self.expect(&TokenKind::RightParen)?;
                Some(precision)
            }
            (TokenKind::String(_), _) => None,
            _ => return Ok(None),
        };
        let token = self.token();
        let text = self.string_literal()?;
        let (fields, field_precision) = if precision.is_none() { self.interval_fields()? } else { (None, None) };
        let data_type = ast::DataType::Interval { fields, precision: precision.or(field_precision) };
        let value = ast::ValueWithSpan { value: Value::SingleQuotedString(text), span: self.span_of(token) };
        Ok(Some(Expr::TypedString(ast::TypedString { data_type, value, uses_odbc_syntax: false })))
    }
}

/// Keywords that begin the name of a type.
const fn is_type_keyword(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Bigint
            | Keyword::Bit
            | Keyword::Boolean
            | Keyword::Char
            | Keyword::Character
            | Keyword::Dec
            | Keyword::Decimal
            | Keyword::Double
            | Keyword::Float
            | Keyword::Int
            | Keyword::Integer
            | Keyword::Interval
            | Keyword::National
            | Keyword::Nchar
            | Keyword::Numeric
            | Keyword::Real
            | Keyword::Smallint
            | Keyword::Time
            | Keyword::Timestamp
            | Keyword::Varchar
    )
}
