//! COPY as it is written.

use std::sync::Arc;

use sqlparser::ast;

use crate::parse::ParsedStatement;

/// A COPY statement.
#[derive(Clone, Debug)]
pub struct CopyStatement {
    /// What is copied.
    pub subject: Subject,
    /// Whether rows come in.
    pub from: bool,
    /// Where the data are.
    pub place: Place,
    /// The options, those of the old syntax under their new names.
    pub options: Vec<CopyOption>,
    /// WHERE of COPY FROM.
    pub filter: Option<ast::Expr>,
    /// The text that spans refer to.
    pub source: Arc<str>,
}

/// What is copied.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A table and some of its columns; all if there are none.
    Table(ast::ObjectName, Vec<ast::Ident>),
    /// The rows of a statement.
    Query(ParsedStatement),
}

/// Where the data are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// STDIN, STDOUT: at the client.
    Client,
    /// A file of the server.
    File,
    /// A program on the server.
    Program,
}

/// An option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyOption {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: OptionValue,
    /// Where it stands, in characters from 1.
    pub position: Option<usize>,
}

/// The value of an option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OptionValue {
    /// None.
    None,
    /// A word (`true`, `on`, `csv`) or a string.
    Text(String),
    /// A number.
    Number(String),
    /// `*`
    Star,
    /// `(a, b)`
    List(Vec<String>),
}
