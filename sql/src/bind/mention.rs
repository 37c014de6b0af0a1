//! What the names in a text mean: noted while the text is bound, so that it can be kept with its names resolved.
//!
//! A view's query, for example, is kept as text. In that text every relation, function and type is given its schema and
//! every column its relation, by exchanging the names where they stand; the rest stays as it was written. A name that is
//! exchanged later, because what it means is renamed, is found in the same way.

use std::collections::{BTreeMap, BTreeSet};

use heliosdb_storage::catalog::Reference;
use heliosdb_storage::value::{ColumnType, DataType, Value};
use heliosdb_storage::{ColumnId, Oid, RelationId};
use sqlparser::ast::{self, Ident, ObjectName};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::scope::Scope;
use crate::expr::Expr;
use crate::functions::{quote_ident, quote_literal};
use crate::parse::byte_range;

/// What the names in a text mean.
#[derive(Debug, Default)]
pub struct Mentions {
    /// By the byte at which they begin.
    found: BTreeMap<usize, Mention>,
    references: BTreeSet<Reference>,
    /// Columns that USING or NATURAL merges: what they are called decides what is merged.
    merged: BTreeSet<(RelationId, ColumnId)>,
    /// Set if a name has no place in the text: then the text cannot be rewritten.
    is_incomplete: bool,
}

#[derive(Clone, Debug)]
struct Mention {
    end: usize,
    meaning: Meaning,
}

/// What a name means.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// An object with a schema: a relation, a function or a type.
    Object {
        /// Its oid.
        id: Oid,
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
        /// Whether it is a relation of FROM that goes by its own name there.
        names_itself: bool,
    },
    /// A relation that a string stands for.
    Literal {
        /// Its oid.
        id: Oid,
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A column of a relation in scope.
    Column(NamedColumn),
    /// `*`: all of these columns.
    Star(Vec<NamedColumn>),
}

/// A column of a relation in scope.
#[derive(Clone, Debug)]
pub struct NamedColumn {
    /// The name by which its relation goes; none if it is named without.
    pub relation: Option<String>,
    /// Its name.
    pub name: String,
    /// The stored column that it is.
    pub origin: Option<(RelationId, ColumnId)>,
    /// Whether it gives its name to a column of a result.
    pub names_result: bool,
}

/// An object or a column that gets another name.
#[derive(Clone, Debug)]
pub enum Renaming {
    /// An object: its schema and its name from now on.
    Object {
        /// The object.
        id: Oid,
        /// Its schema.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A column.
    Column {
        /// Its relation.
        relation: RelationId,
        /// The column.
        column: ColumnId,
        /// Its name.
        name: String,
    },
    /// A schema.
    Schema {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
}

impl Mentions {
    /// Notes what stands at a place of the text.
    fn note(&mut self, span: Span, meaning: Meaning) {
        match &meaning {
            Meaning::Object { id, .. } | Meaning::Literal { id, .. } => {
                self.references.insert(Reference::to(*id));
            }
            Meaning::Column(column) => self.refer_to(column),
            Meaning::Star(columns) => columns.iter().for_each(|column| self.refer_to(column)),
        }
        match byte_range(span) {
            Some(range) => {
                self.found.insert(range.start, Mention { end: range.end, meaning });
            }
            None => self.is_incomplete = true,
        }
    }

    fn refer_to(&mut self, column: &NamedColumn) {
        if let Some((relation, column)) = column.origin {
            self.references.insert(Reference::to_column(relation, column));
        }
    }

    /// Notes an object that is used without being named.
    pub fn use_object(&mut self, id: Oid) {
        self.references.insert(Reference::to(id));
    }

    /// What the text names.
    pub fn references(&self) -> Vec<Reference> {
        self.references.iter().copied().collect()
    }

    /// Whether the text would mean something else if the column had another name.
    pub fn is_merged(&self, relation: RelationId, column: ColumnId) -> bool {
        self.merged.contains(&(relation, column))
    }

    /// Whether some name of the text has no place in it.
    pub const fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// The text with all names resolved, and as it reads after something has got another name.
    pub fn rewrite(&self, text: &str, renaming: Option<&Renaming>) -> String {
        let mut out = String::with_capacity(text.len() + 16 * self.found.len());
        let mut done = 0;
        for (start, mention) in &self.found {
            if *start < done {
                continue;
            }
            out.push_str(text.get(done..*start).unwrap_or_default());
            mention.meaning.write(renaming, &mut out);
            done = mention.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

impl Meaning {
    fn write(&self, renaming: Option<&Renaming>, out: &mut String) {
        match self {
            Self::Object { id, schema, name, names_itself } => {
                let (mut new_schema, mut new_name) = (schema, name);
                match renaming {
                    Some(Renaming::Object { id: renamed, schema, name }) if renamed == id => {
                        (new_schema, new_name) = (schema, name);
                    }
                    Some(Renaming::Schema { from, to }) if from == schema => new_schema = to,
                    _ => {}
                }
                out.push_str(&quote_ident(new_schema));
                out.push('.');
                out.push_str(&quote_ident(new_name));
                if *names_itself && new_name != name {
                    // The rest of the text goes on calling it so.
                    out.push(' ');
                    out.push_str(&quote_ident(name));
                }
            }
            Self::Literal { id, schema, name } => {
                let (mut new_schema, mut new_name) = (schema, name);
                match renaming {
                    Some(Renaming::Object { id: renamed, schema, name }) if renamed == id => {
                        (new_schema, new_name) = (schema, name);
                    }
                    Some(Renaming::Schema { from, to }) if from == schema => new_schema = to,
                    _ => {}
                }
                out.push_str(&quote_literal(&format!("{}.{}", quote_ident(new_schema), quote_ident(new_name))));
            }
            Self::Column(column) => column.write(renaming, out),
            Self::Star(columns) => {
                for (at, column) in columns.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    column.write(renaming, out);
                }
            }
        }
    }
}

impl NamedColumn {
    fn write(&self, renaming: Option<&Renaming>, out: &mut String) {
        let name = match renaming {
            Some(Renaming::Column { relation, column, name }) if self.origin == Some((*relation, *column)) => name,
            _ => &self.name,
        };
        if let Some(relation) = &self.relation {
            out.push_str(&quote_ident(relation));
            out.push('.');
        }
        out.push_str(&quote_ident(name));
        if self.names_result && *name != self.name {
            out.push_str(" AS ");
            out.push_str(&quote_ident(&self.name));
        }
    }
}

impl Binder<'_> {
    /// Notes from here on what names mean.
    #[must_use]
    pub fn noting(mut self) -> Self {
        self.mentions = Some(Box::default());
        self
    }

    /// What was noted.
    pub fn take_mentions(&mut self) -> Mentions {
        self.mentions.take().map(|mentions| *mentions).unwrap_or_default()
    }

    /// Notes the object that a name means.
    pub(super) fn note_object(
        &mut self,
        written: &ObjectName,
        id: Oid,
        (schema, name): (&str, &str),
        names_itself: bool,
    ) {
        if let Some(mentions) = &mut self.mentions {
            let (schema, name) = (schema.to_owned(), name.to_owned());
            mentions.note(span_of(written), Meaning::Object { id, schema, name, names_itself });
        }
    }

    /// Notes the enum that the name of a type means.
    pub(super) fn note_type(&mut self, written: &ast::DataType, meant: ColumnType) {
        if self.mentions.is_none() {
            return;
        }
        use ast::ArrayElemTypeDef as Def;
        match written {
            ast::DataType::Array(Def::SquareBracket(element, _) | Def::AngleBracket(element)) => {
                let element_type = meant.data_type.element().unwrap_or(meant.data_type);
                self.note_type(element, ColumnType { data_type: element_type, typmod: -1 });
            }
            ast::DataType::Custom(name, _) => {
                let DataType::Enum(id) = meant.data_type else { return };
                let catalog = self.catalog;
                if let Some(found) = catalog.enum_type(Oid(id)) {
                    self.note_object(name, found.id, (&found.schema, &found.name), false);
                }
            }
            _ => {}
        }
    }

    /// Notes the relation that a string stands for as a `regclass`.
    pub(super) fn note_regclass(&mut self, written: &ast::Expr, meant: &Expr) {
        let Some(mentions) = &mut self.mentions else { return };
        let Expr::Literal(Value::Reg(object), DataType::RegClass) = meant else { return };
        let mut inner = written;
        while let ast::Expr::Nested(next) | ast::Expr::Cast { expr: next, .. } = inner {
            inner = next;
        }
        let ast::Expr::Value(value) = inner else { return };
        if let Some((schema, name)) = crate::catalog_views::relation_name(self.catalog, object.oid) {
            mentions.note(value.span, Meaning::Literal { id: Oid(object.oid), schema, name });
        }
    }

    /// Notes the column that a bare name means.
    pub(super) fn note_bare_column(&mut self, written: &Ident, name: &str, scope: &Scope<'_>) {
        if self.mentions.is_none() {
            return;
        }
        let (relation, origin) = scope.qualifier(name);
        let names_result = self.is_result_name(written.span);
        let column = NamedColumn { relation, name: name.to_owned(), origin, names_result };
        if let Some(mentions) = &mut self.mentions {
            mentions.note(written.span, Meaning::Column(column));
        }
    }

    /// Notes the column that a name with its relation means.
    pub(super) fn note_column(&mut self, written: &[Ident], relation: &str, name: &str, scope: &Scope<'_>) {
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return };
        if self.mentions.is_none() {
            return;
        }
        let span = Span { start: first.span.start, end: last.span.end };
        let origin = scope.origin_of(relation, name);
        let names_result = self.is_result_name(span);
        let column = NamedColumn { relation: Some(relation.to_owned()), name: name.to_owned(), origin, names_result };
        if let Some(mentions) = &mut self.mentions {
            mentions.note(span, Meaning::Column(column));
        }
    }

    /// Notes the columns that a star means.
    pub(super) fn note_star(&mut self, span: Span, scope: &Scope<'_>, relation: Option<usize>) {
        let Some(mentions) = &mut self.mentions else { return };
        let is_meant = |column: &&super::scope::ScopeColumn| match relation {
            Some(relation) => column.relation == Some(relation),
            None => column.is_bare,
        };
        let columns = scope.columns.iter().filter(is_meant).map(|column| NamedColumn {
            relation: column.relation.and_then(|at| scope.relations.get(at)).map(|relation| relation.name.clone()),
            name: column.name.clone(),
            origin: scope.stored(column),
            names_result: true,
        });
        let columns = columns.collect();
        mentions.note(span, Meaning::Star(columns));
    }

    /// Notes a column that USING merges.
    pub(super) fn note_merged(&mut self, column: Option<(RelationId, ColumnId)>) {
        if let (Some(mentions), Some((relation, column))) = (&mut self.mentions, column) {
            mentions.references.insert(Reference::to_column(relation, column));
            mentions.merged.insert((relation, column));
        }
    }

    /// Whether an expression without an alias stands at the place, so that it names a column of the result.
    fn is_result_name(&self, span: Span) -> bool {
        self.result_name == Some(span)
    }
}

/// The place of a name with its dots.
pub(super) fn span_of(name: &ObjectName) -> Span {
    let ident = |part: Option<&sqlparser::ast::ObjectNamePart>| part.and_then(|part| part.as_ident()).map(|i| i.span);
    match (ident(name.0.first()), ident(name.0.last())) {
        (Some(first), Some(last)) => Span { start: first.start, end: last.end },
        _ => Span::empty(),
    }
}
