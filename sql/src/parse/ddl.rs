//! DDL that sqlparser does not read: COMMENT ON everything, RENAME, OWNER TO and SET SCHEMA of everything, VACUUM and
//! ANALYZE with options.
//!
//! sqlparser is asked first; a statement comes here only if it fails there.

use sqlparser::ast::{self, DataType, Ident, ObjectName};

use super::grammar::Grammar;
use super::keyword::Keyword;
use super::token::{Token, TokenKind};
use crate::bind::names::ident;
use crate::error::Result;

/// A statement of DDL that sqlparser's tree cannot say.
#[derive(Clone, PartialEq, Debug)]
pub enum DdlStatement {
    /// ALTER … RENAME TO, OWNER TO, SET SCHEMA.
    AlterObject(AlterObject),
    /// COMMENT ON
    Comment(Comment),
    /// VACUUM or ANALYZE.
    Vacuum(Vacuum),
}

impl DdlStatement {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::AlterObject(alter) => format!("ALTER {}", alter.object.kind),
            Self::Comment(_) => "COMMENT".to_owned(),
            Self::Vacuum(vacuum) => if vacuum.vacuums { "VACUUM" } else { "ANALYZE" }.to_owned(),
        }
    }
}

/// An object of the catalog, as statements about any kind of them name it.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    /// The words for its kind, in upper case: `TABLE`, `MATERIALIZED VIEW`.
    pub kind: &'static str,
    /// Its name.
    pub name: ObjectName,
    /// The relation that it belongs to: of a constraint, a trigger, a rule, a policy.
    pub on: Option<ObjectName>,
    /// The types of its arguments, of a function; none if they are not given.
    pub args: Option<Vec<DataType>>,
}

/// ALTER of one of the three things that all objects have.
#[derive(Clone, PartialEq, Debug)]
pub struct AlterObject {
    /// The object.
    pub object: Object,
    /// IF EXISTS
    pub if_exists: bool,
    /// What changes.
    pub action: ObjectAction,
}

/// What changes about an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectAction {
    /// RENAME TO
    Rename(String),
    /// RENAME COLUMN a TO b
    RenameColumn(String, String),
    /// OWNER TO
    Owner(String),
    /// SET SCHEMA
    Schema(String),
}

/// COMMENT ON
#[derive(Clone, PartialEq, Debug)]
pub struct Comment {
    /// What it is about; of a column the name is that of the table with the column behind it.
    pub object: Object,
    /// The text; none takes it away.
    pub text: Option<String>,
}

/// VACUUM or ANALYZE.
#[derive(Clone, PartialEq, Debug)]
pub struct Vacuum {
    /// Whether rows are vacuumed; else they are only analysed.
    pub vacuums: bool,
    /// The options in lower case; none given as a word is true.
    pub options: Vec<(String, Option<String>)>,
    /// The tables, with their columns; none for all tables.
    pub tables: Vec<(ObjectName, Vec<String>)>,
}

/// Reads the statement, whose tokens end with its end; none if it is none of these.
pub fn parse(source: &str, tokens: &[Token]) -> Result<Option<DdlStatement>> {
    let mut grammar = Grammar::new(source, tokens, 0);
    let statement = match (grammar.keyword(), grammar.keyword_ahead(1)) {
        (Some(Keyword::Alter), _) => DdlStatement::AlterObject(grammar.alter_object()?),
        (Some(Keyword::Comment), Some(Keyword::On)) => DdlStatement::Comment(grammar.comment()?),
        (Some(Keyword::Vacuum | Keyword::Analyze | Keyword::Analyse), _) => DdlStatement::Vacuum(grammar.vacuum()?),
        _ => return Ok(None),
    };
    if grammar.is_at_end() { Ok(Some(statement)) } else { grammar.unexpected() }
}

impl Grammar<'_> {
    fn alter_object(&mut self) -> Result<AlterObject> {
        self.expect_keyword(Keyword::Alter)?;
        let kind = self.object_kind()?;
        let if_exists = self.if_exists();
        let object = self.object(kind)?;
        let action = if self.eat_keyword(Keyword::Rename) {
            if *self.kind() == TokenKind::Keyword(Keyword::To) {
                self.advance();
                ObjectAction::Rename(ident(&self.column_name()?))
            } else {
                self.eat_keyword(Keyword::Column);
                let from = ident(&self.column_name()?);
                self.expect_keyword(Keyword::To)?;
                ObjectAction::RenameColumn(from, ident(&self.column_name()?))
            }
        } else if self.eat_keywords(&[Keyword::Owner, Keyword::To]) {
            ObjectAction::Owner(self.role()?)
        } else {
            self.expect_keywords(&[Keyword::Set, Keyword::Schema])?;
            ObjectAction::Schema(ident(&self.column_name()?))
        };
        Ok(AlterObject { object, if_exists, action })
    }

    fn role(&mut self) -> Result<String> {
        match self.keyword() {
            Some(Keyword::CurrentUser | Keyword::SessionUser | Keyword::CurrentRole) => Ok(ident(&self.label()?)),
            _ => Ok(ident(&self.non_reserved_word()?)),
        }
    }

    /// The words for a kind of objects.
    fn object_kind(&mut self) -> Result<&'static str> {
        const KINDS: [(&[Keyword], &str); 34] = [
            (&[Keyword::Access, Keyword::Method], "ACCESS METHOD"),
            (&[Keyword::Aggregate], "AGGREGATE"),
            (&[Keyword::Collation], "COLLATION"),
            (&[Keyword::Column], "COLUMN"),
            (&[Keyword::Constraint], "CONSTRAINT"),
            (&[Keyword::Conversion], "CONVERSION"),
            (&[Keyword::Database], "DATABASE"),
            (&[Keyword::Domain], "DOMAIN"),
            (&[Keyword::Event, Keyword::Trigger], "EVENT TRIGGER"),
            (&[Keyword::Extension], "EXTENSION"),
            (&[Keyword::Foreign, Keyword::Data, Keyword::Wrapper], "FOREIGN DATA WRAPPER"),
            (&[Keyword::Foreign, Keyword::Table], "FOREIGN TABLE"),
            (&[Keyword::Function], "FUNCTION"),
            (&[Keyword::Index], "INDEX"),
            (&[Keyword::Language], "LANGUAGE"),
            (&[Keyword::Materialized, Keyword::View], "MATERIALIZED VIEW"),
            (&[Keyword::Policy], "POLICY"),
            (&[Keyword::Procedural, Keyword::Language], "LANGUAGE"),
            (&[Keyword::Procedure], "PROCEDURE"),
            (&[Keyword::Publication], "PUBLICATION"),
            (&[Keyword::Role], "ROLE"),
            (&[Keyword::Routine], "ROUTINE"),
            (&[Keyword::Rule], "RULE"),
            (&[Keyword::Schema], "SCHEMA"),
            (&[Keyword::Sequence], "SEQUENCE"),
            (&[Keyword::Server], "SERVER"),
            (&[Keyword::Statistics], "STATISTICS"),
            (&[Keyword::Subscription], "SUBSCRIPTION"),
            (&[Keyword::Table], "TABLE"),
            (&[Keyword::Tablespace], "TABLESPACE"),
            (&[Keyword::Trigger], "TRIGGER"),
            (&[Keyword::Type], "TYPE"),
            (&[Keyword::User], "ROLE"),
            (&[Keyword::View], "VIEW"),
        ];
        match KINDS.iter().find(|(words, _)| self.are_next(words)) {
            Some((words, kind)) => {
                self.eat_keywords(words);
                Ok(kind)
            }
            None => self.unexpected(),
        }
    }

    /// An object by its name, behind the words for its kind.
    fn object(&mut self, kind: &'static str) -> Result<Object> {
        let name = self.qualified_name()?;
        let mut object = Object { kind, name, on: None, args: None };
        match kind {
            "CONSTRAINT" | "POLICY" | "RULE" | "TRIGGER" => {
                self.expect_keyword(Keyword::On)?;
                self.eat_keyword(Keyword::Domain);
                object.on = Some(self.qualified_name()?);
            }
            "AGGREGATE" | "FUNCTION" | "PROCEDURE" | "ROUTINE" if *self.kind() == TokenKind::LeftParen => {
                object.args = Some(self.argument_types()?);
            }
            _ => {}
        }
        Ok(object)
    }

    /// `(IN a int, text, VARIADIC b int[])`: the types of what goes in.
    fn argument_types(&mut self) -> Result<Vec<DataType>> {
        self.expect(&TokenKind::LeftParen)?;
        if self.eat(&TokenKind::RightParen) {
            return Ok(Vec::new());
        }
        if self.eat(&TokenKind::Star) {
            self.expect(&TokenKind::RightParen)?;
            return Ok(Vec::new());
        }
        let args = self.list(Self::argument_type)?;
        self.expect(&TokenKind::RightParen)?;
        Ok(args.into_iter().flatten().collect())
    }

    fn argument_type(&mut self) -> Result<Option<DataType>> {
        let is_out = self.eat_keyword(Keyword::Out);
        if !is_out && !self.eat_keyword(Keyword::Inout) && !self.eat_keyword(Keyword::Variadic) {
            self.eat_keyword(Keyword::In);
        }
        let start = self.at;
        if let Ok(data_type) = self.data_type()
            && matches!(self.kind(), TokenKind::Comma | TokenKind::RightParen)
        {
            return Ok((!is_out).then_some(data_type));
        }
        // The first word was the argument's name.
        self.at = start;
        self.non_reserved_word()?;
        let data_type = self.data_type()?;
        Ok((!is_out).then_some(data_type))
    }

    fn comment(&mut self) -> Result<Comment> {
        self.expect_keywords(&[Keyword::Comment, Keyword::On])?;
        let kind = self.object_kind()?;
        let object = self.object(kind)?;
        self.expect_keyword(Keyword::Is)?;
        let text = if self.eat_keyword(Keyword::Null) { None } else { Some(self.string_literal()?) };
        Ok(Comment { object, text })
    }

    fn vacuum(&mut self) -> Result<Vacuum> {
        let vacuums = self.eat_keyword(Keyword::Vacuum);
        if !vacuums {
            self.advance();
        }
        let mut options = Vec::new();
        if *self.kind() == TokenKind::LeftParen {
            for option in self.parenthesised(Self::utility_option)? {
                let value = option.arg.map(|arg| match arg {
                    ast::Expr::Identifier(word) => ident(&word),
                    ast::Expr::Value(value) => value.value.to_string().trim_matches('\'').to_owned(),
                    other => other.to_string(),
                });
                options.push((ident(&option.name), value));
            }
        } else {
            while let Some(keyword @ (Keyword::Full | Keyword::Freeze | Keyword::Verbose | Keyword::Analyze)) =
                self.keyword()
            {
                self.advance();
                options.push((keyword.word().to_owned(), None));
            }
        }
        let tables = match self.is_at_end() {
            true => Vec::new(),
            false => self.list(|grammar| {
                let name = grammar.qualified_name()?;
                let columns = match grammar.kind() {
                    TokenKind::LeftParen => grammar.parenthesised(Self::column_name)?,
                    _ => Vec::<Ident>::new(),
                };
                Ok((name, columns.iter().map(ident).collect()))
            })?,
        };
        Ok(Vacuum { vacuums, options, tables })
    }
}
