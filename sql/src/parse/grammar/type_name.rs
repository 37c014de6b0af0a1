//! Types.

use sqlparser::ast::{ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, IntervalFields, ObjectName};
use sqlparser::ast::{ObjectNamePart, TimezoneInfo, TypeModifier};

use super::Grammar;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// The CRDT types that take types as arguments. Their arguments are kept as one text, which the binder reads as a type.
pub const WITH_TYPE_ARGUMENTS: [&str; 5] = ["lww", "or_set", "or_map", "rga", "lseq"];

impl Grammar<'_> {
    /// The name of a type, with array bounds.
    pub fn data_type(&mut self) -> Result<DataType> {
        let mut data_type = match self.keyword() {
            Some(Keyword::Setof) => return self.unsupported("SETOF"),
            Some(Keyword::Interval) => {
                self.advance();
                self.interval_type()?
            }
            _ => self.element_type()?,
        };
        if self.eat_keyword(Keyword::Array) {
            let size = if *self.kind() == TokenKind::LeftBracket { self.array_bound()? } else { None };
            return Ok(array_of(data_type, size));
        }
        while *self.kind() == TokenKind::LeftBracket {
            let size = self.array_bound()?;
            // Dimensions are no part of a type: `int[][]` is `int[]`.
            if !matches!(data_type, DataType::Array(_)) {
                data_type = array_of(data_type, size);
            }
        }
        Ok(data_type)
    }

    fn array_bound(&mut self) -> Result<Option<u64>> {
        self.expect(&TokenKind::LeftBracket)?;
        let size = if *self.kind() == TokenKind::RightBracket { None } else { Some(self.integer()?) };
        self.expect(&TokenKind::RightBracket)?;
        Ok(size)
    }

    fn element_type(&mut self) -> Result<DataType> {
        let start = self.at;
        match self.keyword_type() {
            Ok(data_type) => Ok(data_type),
            Err(error) if self.at > start => Err(error),
            Err(_) => self.named_type(),
        }
    }

    /// A type that its own rule of the grammar names. Reads nothing if there is none.
    pub(super) fn keyword_type(&mut self) -> Result<DataType> {
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        if keyword == Keyword::Double && self.keyword_ahead(1) != Some(Keyword::Precision) {
            return self.unexpected();
        }
        self.advance();
        Ok(match keyword {
            Keyword::Int | Keyword::Integer => DataType::Integer(None),
            Keyword::Smallint => DataType::SmallInt(None),
            Keyword::Bigint => DataType::BigInt(None),
            Keyword::Real => DataType::Real,
            Keyword::Boolean => DataType::Boolean,
            Keyword::Float => {
                DataType::Float(self.optional_length()?.map_or(ExactNumberInfo::None, ExactNumberInfo::Precision))
            }
            Keyword::Double => {
                self.advance();
                DataType::DoublePrecision
            }
            Keyword::Decimal | Keyword::Dec | Keyword::Numeric => DataType::Numeric(self.numeric_digits()?),
            Keyword::Bit => match self.eat_keyword(Keyword::Varying) {
                true => DataType::BitVarying(self.optional_length()?),
                false => DataType::Bit(self.optional_length()?),
            },
            Keyword::Varchar => DataType::Varchar(self.character_length()?),
            Keyword::Char | Keyword::Character | Keyword::Nchar => self.character()?,
            Keyword::National => {
                if !self.eat_keyword(Keyword::Character) {
                    self.expect_keyword(Keyword::Char)?;
                }
                self.character()?
            }
            Keyword::Time => DataType::Time(self.optional_length()?, self.time_zone()?),
            Keyword::Timestamp => DataType::Timestamp(self.optional_length()?, self.time_zone()?),
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        })
    }

    fn character(&mut self) -> Result<DataType> {
        Ok(match self.eat_keyword(Keyword::Varying) {
            true => DataType::Varchar(self.character_length()?),
            false => DataType::Char(self.character_length()?),
        })
    }

    fn character_length(&mut self) -> Result<Option<CharacterLength>> {
        let length = self.optional_length()?;
        Ok(length.map(|length| CharacterLength::IntegerLength { length, unit: None }))
    }

    fn optional_length(&mut self) -> Result<Option<u64>> {
        if *self.kind() != TokenKind::LeftParen {
            return Ok(None);
        }
        self.advance();
        let length = self.integer()?;
        self.expect(&TokenKind::RightParen)?;
        Ok(Some(length))
    }

    fn numeric_digits(&mut self) -> Result<ExactNumberInfo> {
        if !self.eat(&TokenKind::LeftParen) {
            return Ok(ExactNumberInfo::None);
        }
        let token = self.token();
        let precision = self.signed_integer()?;
        let scale = if self.eat(&TokenKind::Comma) { Some(self.signed_integer()?) } else { None };
        if *self.kind() == TokenKind::Comma {
            let error = SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier");
            return Err(self.error_at(token, error));
        }
        self.expect(&TokenKind::RightParen)?;
        let Ok(precision) = u64::try_from(precision) else {
            let message = format!("NUMERIC precision {precision} must be between 1 and 1000");
            return Err(self.error_at(token, SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)));
        };
        Ok(match scale {
            None => ExactNumberInfo::Precision(precision),
            Some(scale) => ExactNumberInfo::PrecisionAndScale(precision, scale),
        })
    }

    pub(in crate::parse) fn signed_integer(&mut self) -> Result<i64> {
        let negative = self.eat(&TokenKind::Minus);
        if !negative {
            self.eat(&TokenKind::Plus);
        }
        let Ok(n) = i64::try_from(self.integer()?) else { return self.unexpected() };
        Ok(if negative { -n } else { n })
    }

    fn time_zone(&mut self) -> Result<TimezoneInfo> {
        if self.are_next(&[Keyword::With, Keyword::Time]) {
            self.advance();
            self.expect_keywords(&[Keyword::Time, Keyword::Zone])?;
            return Ok(TimezoneInfo::WithTimeZone);
        }
        if self.are_next(&[Keyword::Without, Keyword::Time]) {
            self.advance();
            self.expect_keywords(&[Keyword::Time, Keyword::Zone])?;
        }
        Ok(TimezoneInfo::None)
    }

    fn interval_type(&mut self) -> Result<DataType> {
        let length = self.optional_length()?;
        let (fields, precision) = if length.is_none() { self.interval_fields()? } else { (None, None) };
        Ok(DataType::Interval { fields, precision: length.or(precision) })
    }

    /// `DAY TO SECOND(3)` and its like.
    pub(super) fn interval_fields(&mut self) -> Result<(Option<IntervalFields>, Option<u64>)> {
        use IntervalFields as Fields;
        let Some(first) = self.keyword() else { return Ok((None, None)) };
        let alone = match first {
            Keyword::Year => Fields::Year,
            Keyword::Month => Fields::Month,
            Keyword::Day => Fields::Day,
            Keyword::Hour => Fields::Hour,
            Keyword::Minute => Fields::Minute,
            Keyword::Second => {
                self.advance();
                return Ok((Some(Fields::Second), self.optional_length()?));
            }
            _ => return Ok((None, None)),
        };
        self.advance();
        if !self.eat_keyword(Keyword::To) {
            return Ok((Some(alone), None));
        }
        let Some(last) = self.keyword() else { return self.unexpected() };
        let fields = match (first, last) {
            (Keyword::Year, Keyword::Month) => Fields::YearToMonth,
            (Keyword::Day, Keyword::Hour) => Fields::DayToHour,
            (Keyword::Day, Keyword::Minute) => Fields::DayToMinute,
            (Keyword::Day, Keyword::Second) => Fields::DayToSecond,
            (Keyword::Hour, Keyword::Minute) => Fields::HourToMinute,
            (Keyword::Hour, Keyword::Second) => Fields::HourToSecond,
            (Keyword::Minute, Keyword::Second) => Fields::MinuteToSecond,
            _ => return self.unexpected(),
        };
        self.advance();
        let precision = if last == Keyword::Second { self.optional_length()? } else { None };
        Ok((Some(fields), precision))
    }

    /// A type by its name, which may be a user's.
    fn named_type(&mut self) -> Result<DataType> {
        let mut parts = vec![ObjectNamePart::Identifier(self.function_name()?)];
        while self.eat(&TokenKind::Dot) {
            parts.push(ObjectNamePart::Identifier(self.label()?));
        }
        let is_crdt = matches!(parts.as_slice(), [ObjectNamePart::Identifier(name)] if name.quote_style.is_none()
            && WITH_TYPE_ARGUMENTS.iter().any(|crdt| crdt.eq_ignore_ascii_case(&name.value)));
        let name = ObjectName(parts);
        if *self.kind() != TokenKind::LeftParen {
            return Ok(DataType::Custom(name, Vec::new()));
        }
        self.advance();
        let modifiers = if is_crdt { vec![self.type_arguments()?] } else { self.list(Self::type_modifier)? };
        self.expect(&TokenKind::RightParen)?;
        Ok(DataType::Custom(name, modifiers))
    }

    fn type_arguments(&mut self) -> Result<TypeModifier> {
        let first = self.token();
        self.nested(|grammar| grammar.list(Self::data_type))?;
        let span = self.span_from(first);
        let text = crate::parse::position::text_of(self.source, span).unwrap_or_default();
        Ok(TypeModifier::String(text.to_owned()))
    }

    fn type_modifier(&mut self) -> Result<TypeModifier> {
        match self.kind() {
            TokenKind::Number | TokenKind::Minus | TokenKind::Plus => {
                Ok(TypeModifier::Number(self.signed_integer()?.to_string(), false))
            }
            TokenKind::String(_) => Ok(TypeModifier::String(self.string_literal()?)),
            _ => Ok(TypeModifier::Identifier(self.label()?)),
        }
    }
}

fn array_of(element: DataType, size: Option<u64>) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), size))
}
