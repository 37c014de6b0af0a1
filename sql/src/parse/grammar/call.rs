//! Calls: functions, aggregates, windows, and the forms of calls that have a grammar of their own.

use sqlparser::ast::{self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Value};
use sqlparser::ast::{WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType};

use super::Grammar;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::encoding;
use crate::parse::keyword::Keyword;
use crate::parse::token::{Token, TokenKind};
use crate::plan::Exclusion;

impl Grammar<'_> {
    /// A call of a function whose name, which began at `token`, has been read.
    pub(super) fn call(&mut self, name: ObjectName, token: &Token) -> Result<Expr> {
        let list = self.call_arguments()?;
        if matches!(self.kind(), TokenKind::String(_)) {
            return self.typed_by_call(name, &list, token);
        }
        let mut function = encoding::function(name, FunctionArguments::List(list));
        self.call_suffixes(&mut function)?;
        Ok(Expr::Function(function))
    }

    /// `numeric(10, 2) '1.5'`: what looked like a call is a type.
    fn typed_by_call(&mut self, name: ObjectName, list: &ast::FunctionArgumentList, token: &Token) -> Result<Expr> {
        let mut modifiers = Vec::with_capacity(list.args.len());
        for arg in &list.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
                let error = SqlError::new(SqlState::SYNTAX_ERROR, "type modifier cannot have parameter name");
                return Err(self.error_at(token, error));
            };
            modifiers.push(match expr {
                Expr::Value(ast::ValueWithSpan { value: Value::Number(n, _), .. }) => {
                    ast::TypeModifier::Number(n.clone(), false)
                }
                Expr::Value(ast::ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
                    ast::TypeModifier::String(text.clone())
                }
                Expr::Identifier(name) => ast::TypeModifier::Identifier(name.clone()),
                _ => {
                    let message = "type modifiers must be simple constants or identifiers";
                    return Err(self.error_at(token, SqlError::new(SqlState::SYNTAX_ERROR, message)));
                }
            });
        }
        self.literal_of_type(ast::DataType::Custom(name, modifiers))
    }

    /// What is between the parentheses of a call.
    pub(super) fn call_arguments(&mut self) -> Result<ast::FunctionArgumentList> {
        let mut list = ast::FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() };
        self.expect(&TokenKind::LeftParen)?;
        if self.eat(&TokenKind::RightParen) {
            return Ok(list);
        }
        if self.eat(&TokenKind::Star) {
            list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
            self.expect(&TokenKind::RightParen)?;
            return Ok(list);
        }
        if self.eat_keyword(Keyword::All) {
            list.duplicate_treatment = Some(ast::DuplicateTreatment::All);
        } else if self.eat_keyword(Keyword::Distinct) {
            list.duplicate_treatment = Some(ast::DuplicateTreatment::Distinct);
        }
        loop {
            if list.duplicate_treatment.is_none() && self.eat_keyword(Keyword::Variadic) {
                let array = encoding::variadic(self.expr()?);
                list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(array)));
                break;
            }
            list.args.push(self.argument()?);
            if !self.eat(&TokenKind::Comma) {
                break;
            }
        }
        if let Some(order) = self.order_by()? {
            list.clauses.push(ast::FunctionArgumentClause::OrderBy(order));
        }
        self.expect(&TokenKind::RightParen)?;
        Ok(list)
    }

    /// An argument, perhaps with its name: `name => value`.
    fn argument(&mut self) -> Result<FunctionArg> {
        let operator = match self.ahead(1).kind {
            TokenKind::EqualsGreater => Some(ast::FunctionArgOperator::RightArrow),
            TokenKind::ColonEquals => Some(ast::FunctionArgOperator::Assignment),
            _ => None,
        };
        match operator {
            Some(operator) if self.is_function_name(self.token()) => {
                let name = self.function_name()?;
                self.advance();
                Ok(FunctionArg::Named { name, arg: FunctionArgExpr::Expr(self.expr()?), operator })
            }
            _ => Ok(FunctionArg::Unnamed(FunctionArgExpr::Expr(self.expr()?))),
        }
    }

    /// WITHIN GROUP, FILTER, OVER.
    fn call_suffixes(&mut self, function: &mut Function) -> Result<()> {
        if self.are_next(&[Keyword::Within, Keyword::Group]) {
            self.advance();
            self.advance();
            self.expect(&TokenKind::LeftParen)?;
            let Some(order) = self.order_by()? else { return self.unexpected() };
            function.within_group = order;
            self.expect(&TokenKind::RightParen)?;
        }
        if self.keyword() == Some(Keyword::Filter) && self.ahead(1).kind == TokenKind::LeftParen {
            self.advance();
            self.advance();
            self.expect_keyword(Keyword::Where)?;
            function.filter = Some(Box::new(self.expr()?));
            self.expect(&TokenKind::RightParen)?;
        }
        if self.eat_keyword(Keyword::Over) {
            function.over = Some(match self.kind() {
                TokenKind::LeftParen => WindowType::WindowSpec(self.window_spec()?),
                _ => WindowType::NamedWindow(self.column_name()?),
            });
        }
        Ok(())
    }

    /// `(w PARTITION BY … ORDER BY … ROWS …)`
    pub(super) fn window_spec(&mut self) -> Result<WindowSpec> {
        self.expect(&TokenKind::LeftParen)?;
        let begins_clause = matches!(
            self.keyword(),
            Some(Keyword::Partition | Keyword::Order | Keyword::Rows | Keyword::Range | Keyword::Groups)
        );
        let window_name = match self.kind() {
            TokenKind::RightParen => None,
            _ if begins_clause => None,
            _ => Some(self.column_name()?),
        };
        let partition_by = match self.eat_keyword(Keyword::Partition) {
            true => {
                self.expect_keyword(Keyword::By)?;
                self.exprs()?
            }
            false => Vec::new(),
        };
        let order_by = self.order_by()?.unwrap_or_default();
        let window_frame = self.window_frame()?;
        self.expect(&TokenKind::RightParen)?;
        Ok(WindowSpec { window_name, partition_by, order_by, window_frame })
    }

    fn window_frame(&mut self) -> Result<Option<WindowFrame>> {
        let units = match self.keyword() {
            Some(Keyword::Rows) => WindowFrameUnits::Rows,
            Some(Keyword::Range) => WindowFrameUnits::Range,
            Some(Keyword::Groups) => WindowFrameUnits::Groups,
            _ => return Ok(None),
        };
        self.advance();
        let token = self.token();
        let between = self.eat_keyword(Keyword::Between);
        let start_bound = self.frame_bound()?;
        let end_bound = match between {
            true => {
                self.expect_keyword(Keyword::And)?;
                Some(self.frame_bound()?)
            }
            false => None,
        };
        if let Some(message) = impossible_frame(&start_bound, end_bound.as_ref()) {
            return Err(self.error_at(token, SqlError::new(SqlState("42P20"), message)));
        }
        let exclusion = self.frame_exclusion()?;
        let end_bound = encoding::excluding(end_bound, exclusion);
        Ok(Some(WindowFrame { units, start_bound, end_bound }))
    }

    fn frame_exclusion(&mut self) -> Result<Exclusion> {
        if !self.eat_keyword(Keyword::Exclude) || self.eat_keywords(&[Keyword::No, Keyword::Others]) {
            return Ok(Exclusion::NoOthers);
        }
        if self.eat_keywords(&[Keyword::Current, Keyword::Row]) {
            return Ok(Exclusion::CurrentRow);
        }
        if self.eat_keyword(Keyword::Group) {
            return Ok(Exclusion::Group);
        }
        self.expect_keyword(Keyword::Ties)?;
        Ok(Exclusion::Ties)
    }

    fn frame_bound(&mut self) -> Result<WindowFrameBound> {
        if self.eat_keywords(&[Keyword::Current, Keyword::Row]) {
            return Ok(WindowFrameBound::CurrentRow);
        }
        let unbounded = self.keyword() == Some(Keyword::Unbounded)
            && matches!(self.keyword_ahead(1), Some(Keyword::Preceding | Keyword::Following));
        let offset = if unbounded {
            self.advance();
            None
        } else {
            Some(Box::new(self.expr()?))
        };
        if self.eat_keyword(Keyword::Preceding) {
            return Ok(WindowFrameBound::Preceding(offset));
        }
        self.expect_keyword(Keyword::Following)?;
        Ok(WindowFrameBound::Following(offset))
    }

    /// A call with a grammar of its own; none if the keyword is something else here.
    #[inline(never)]
    pub(super) fn special_call(&mut self, keyword: Keyword) -> Result<Option<Expr>> {
        let token = self.token();
        match keyword {
            Keyword::CurrentDate
            | Keyword::CurrentCatalog
            | Keyword::CurrentRole
            | Keyword::CurrentUser
            | Keyword::SessionUser
            | Keyword::User => {
                self.advance();
                return Ok(Some(self.value_function(token, FunctionArguments::None)));
            }
            Keyword::CurrentSchema if self.ahead(1).kind != TokenKind::LeftParen => {
                self.advance();
                return Ok(Some(self.value_function(token, FunctionArguments::None)));
            }
            Keyword::CurrentTime | Keyword::CurrentTimestamp | Keyword::Localtime | Keyword::Localtimestamp => {
                self.advance();
                return self.time_function(token).map(Some);
            }
            Keyword::Collation if self.keyword_ahead(1) == Some(Keyword::For) => {
                self.advance();
                self.advance();
                self.expect(&TokenKind::LeftParen)?;
                let expr = self.expr()?;
                self.expect(&TokenKind::RightParen)?;
                return Ok(Some(encoding::call("pg_collation_for", vec![expr])));
            }
            _ if self.ahead(1).kind != TokenKind::LeftParen => return Ok(None),
            _ => {}
        }
        let call = match keyword {
            Keyword::Coalesce | Keyword::Greatest | Keyword::Least | Keyword::Nullif | Keyword::Grouping => {
                self.advance();
                let args = match keyword {
                    Keyword::Nullif => self.two_arguments()?,
                    _ => self.parenthesised(Self::expr)?,
                };
                self.value_function(token, encoding::arguments(args))
            }
            Keyword::Extract => self.extract()?,
            Keyword::Position => self.position()?,
            Keyword::Substring => self.substring(token)?,
            Keyword::Overlay => self.overlay(token)?,
            Keyword::Trim => self.trim()?,
            Keyword::Normalize => return self.unsupported("NORMALIZE"),
            Keyword::Treat => return self.unsupported("TREAT"),
            Keyword::Xmlconcat
            | Keyword::Xmlelement
            | Keyword::Xmlexists
            | Keyword::Xmlforest
            | Keyword::Xmlparse
            | Keyword::Xmlpi
            | Keyword::Xmlroot
            | Keyword::Xmlserialize => return self.unsupported(&keyword.word().to_uppercase()),
            _ => return Ok(None),
        };
        Ok(Some(call))
    }

    /// A call that is named by the keyword itself.
    fn value_function(&self, token: &Token, args: FunctionArguments) -> Expr {
        let name = Ident { value: self.text(token).to_ascii_lowercase(), quote_style: None, span: self.span_of(token) };
        Expr::Function(encoding::function(ObjectName::from(vec![name]), args))
    }

    /// CURRENT_TIMESTAMP and its kin, perhaps with a precision.
    fn time_function(&mut self, token: &Token) -> Result<Expr> {
        if *self.kind() != TokenKind::LeftParen {
            return Ok(self.value_function(token, FunctionArguments::None));
        }
        self.advance();
        let number = self.token();
        self.integer()?;
        let precision = self.literal(number, Value::Number(self.text(number).to_owned(), false));
        self.expect(&TokenKind::RightParen)?;
        Ok(self.value_function(token, encoding::arguments(vec![precision])))
    }

    fn two_arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect(&TokenKind::LeftParen)?;
        let first = self.expr()?;
        self.expect(&TokenKind::Comma)?;
        let second = self.expr()?;
        self.expect(&TokenKind::RightParen)?;
        Ok(vec![first, second])
    }

    /// Opens a special call.
    fn open(&mut self) -> Result<()> {
        self.advance();
        self.expect(&TokenKind::LeftParen)
    }

    fn close(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        self.expect(&TokenKind::RightParen)?;
        Ok(encoding::call(name, args))
    }

    fn extract(&mut self) -> Result<Expr> {
        self.open()?;
        let token = self.token();
        let field = match &token.kind {
            TokenKind::String(_) => self.string_literal()?,
            TokenKind::Word => self.label()?.value.to_ascii_lowercase(),
            TokenKind::QuotedName(_) => self.label()?.value,
            TokenKind::Keyword(
                keyword @ (Keyword::Year
                | Keyword::Month
                | Keyword::Day
                | Keyword::Hour
                | Keyword::Minute
                | Keyword::Second),
            ) => {
                self.advance();
                keyword.word().to_owned()
            }
            _ => return self.unexpected(),
        };
        let field = self.literal(token, Value::SingleQuotedString(field));
        self.expect_keyword(Keyword::From)?;
        let source = self.expr()?;
        self.close("extract", vec![field, source])
    }

    fn position(&mut self) -> Result<Expr> {
        self.open()?;
        let sought = self.restricted_expr()?;
        self.expect_keyword(Keyword::In)?;
        let text = self.restricted_expr()?;
        self.close("position", vec![text, sought])
    }

    /// A call of a function that also has a special form, once its first argument and a comma show which it is.
    fn ordinary_call(&mut self, token: &Token, first: Expr) -> Result<Expr> {
        let mut args = vec![first];
        while self.eat(&TokenKind::Comma) {
            args.push(self.expr()?);
        }
        self.expect(&TokenKind::RightParen)?;
        Ok(self.value_function(token, encoding::arguments(args)))
    }

    /// The special form stands between parentheses that may be empty.
    fn is_empty_call(&mut self, token: &Token) -> Option<Expr> {
        self.eat(&TokenKind::RightParen).then(|| self.value_function(token, encoding::arguments(Vec::new())))
    }

    fn substring(&mut self, token: &Token) -> Result<Expr> {
        self.open()?;
        if let Some(empty) = self.is_empty_call(token) {
            return Ok(empty);
        }
        let text = self.expr()?;
        let mut args = vec![text];
        match self.keyword() {
            Some(Keyword::From) => {
                self.advance();
                args.push(self.expr()?);
                if self.eat_keyword(Keyword::For) {
                    args.push(self.expr()?);
                }
            }
            Some(Keyword::For) => {
                self.advance();
                let length = self.expr()?;
                if self.eat_keyword(Keyword::From) {
                    args.push(self.expr()?);
                    args.push(length);
                } else {
                    let one = Expr::value(Value::Number("1".to_owned(), false));
                    let data_type = ast::DataType::Integer(None);
                    let kind = ast::CastKind::DoubleColon;
                    let length = Expr::Cast { kind, expr: Box::new(length), data_type, format: None };
                    args.extend([one, length]);
                }
            }
            Some(Keyword::Similar) => {
                self.advance();
                args.push(self.expr()?);
                self.expect_keyword(Keyword::Escape)?;
                args.push(self.expr()?);
            }
            _ => return self.ordinary_call(token, args.remove(0)),
        }
        self.close("substring", args)
    }

    fn overlay(&mut self, token: &Token) -> Result<Expr> {
        self.open()?;
        if let Some(empty) = self.is_empty_call(token) {
            return Ok(empty);
        }
        let text = self.expr()?;
        if !self.eat_keyword(Keyword::Placing) {
            return self.ordinary_call(token, text);
        }
        let mut args = vec![text, self.expr()?];
        self.expect_keyword(Keyword::From)?;
        args.push(self.expr()?);
        if self.eat_keyword(Keyword::For) {
            args.push(self.expr()?);
        }
        self.close("overlay", args)
    }

    fn trim(&mut self) -> Result<Expr> {
        self.open()?;
        let name = match self.keyword() {
            Some(Keyword::Leading) => "ltrim",
            Some(Keyword::Trailing) => "rtrim",
            _ => "btrim",
        };
        if matches!(self.keyword(), Some(Keyword::Leading | Keyword::Trailing | Keyword::Both)) {
            self.advance();
        }
        if self.eat_keyword(Keyword::From) {
            let args = self.exprs()?;
            return self.close(name, args);
        }
        let mut args = self.exprs()?;
        if args.len() == 1 && self.eat_keyword(Keyword::From) {
            let what = args.pop();
            args = self.exprs()?;
            args.extend(what);
        }
        self.close(name, args)
    }
}

/// What PostgreSQL says of a frame that can have no rows.
fn impossible_frame(start: &WindowFrameBound, end: Option<&WindowFrameBound>) -> Option<&'static str> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    match (start, end) {
        (Following(None), _) => Some("frame start cannot be UNBOUNDED FOLLOWING"),
        (Following(Some(_)), None) => Some("frame starting from following row cannot end with current row"),
        (_, Some(Preceding(None))) => Some("frame end cannot be UNBOUNDED PRECEDING"),
        (CurrentRow, Some(Preceding(Some(_)))) => Some("frame starting from current row cannot have preceding rows"),
        (Following(Some(_)), Some(Preceding(Some(_)) | CurrentRow)) => {
            Some("frame starting from following row cannot have preceding rows")
        }
        _ => None,
    }
}
