//! SQL as a tree that knows just enough of itself to be made smaller.
//!
//! A node is text with nodes in between. Shrinking knows three moves: leave out what is optional, put a descendant in the
//! place of an ancestor of the same kind, put NULL in the place of an expression. A move may make nonsense; then the two
//! servers agree on an error, and the move is not taken.

use std::fmt;

/// What a node is: only nodes of one kind can replace each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Query,
    From,
    Clause,
    Item,
    Expression(Type),
}

/// The type of an expression.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Type {
    Int,
    Bigint,
    Numeric,
    Float,
    Text,
    Bool,
    Date,
    Timestamp,
}

impl Type {
    pub const ALL: [Self; 8] =
        [Self::Int, Self::Bigint, Self::Numeric, Self::Float, Self::Text, Self::Bool, Self::Date, Self::Timestamp];

    /// Its name in SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bigint => "bigint",
            Self::Numeric => "numeric",
            Self::Float => "float8",
            Self::Text => "text",
            Self::Bool => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }
}

/// A piece of SQL.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Node(Node),
    /// May be left out, with the text that belongs to it.
    Optional(Node),
    /// Separated by commas; so many must stay.
    List(Vec<Node>, usize),
}

impl Node {
    /// Text without inner nodes.
    pub fn leaf(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, pieces: vec![Piece::Text(text.into())] }
    }

    /// Text with a node for each `{}`.
    pub fn fill(kind: Kind, template: &str, nodes: Vec<Self>) -> Self {
        let texts: Vec<&str> = template.split("{}").collect();
        assert_eq!(texts.len(), nodes.len() + 1, "{template}");
        let mut nodes = nodes.into_iter();
        let mut pieces = Vec::new();
        for text in texts {
            pieces.push(Piece::Text(text.to_owned()));
            pieces.extend(nodes.next().map(Piece::Node));
        }
        Self { kind, pieces }
    }

    /// All trees that are smaller by one move, the boldest first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        self.descendants(self.kind, &mut all);
        if let Kind::Expression(data_type) = self.kind
            && self.size() > 1
        {
            all.push(Self::leaf(self.kind, format!("NULL::{}", data_type.name())));
        }
        for (at, piece) in self.pieces.iter().enumerate() {
            let mut replace = |piece: Piece| {
                let mut tree = self.clone();
                tree.pieces[at] = piece;
                all.push(tree);
            };
            match piece {
                Piece::Text(_) => {}
                Piece::Node(node) => node.smaller().into_iter().for_each(|node| replace(Piece::Node(node))),
                Piece::Optional(node) => {
                    replace(Piece::Text(String::new()));
                    node.smaller().into_iter().for_each(|node| replace(Piece::Optional(node)));
                }
                Piece::List(nodes, least) => {
                    for leave_out in (0..nodes.len()).filter(|_| nodes.len() > *least) {
                        let mut fewer = nodes.clone();
                        fewer.remove(leave_out);
                        replace(Piece::List(fewer, *least));
                    }
                    for (place, node) in nodes.iter().enumerate() {
                        for smaller in node.smaller() {
                            let mut changed = nodes.clone();
                            changed[place] = smaller;
                            replace(Piece::List(changed, *least));
                        }
                    }
                }
            }
        }
        all
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        self.pieces.iter().flat_map(|piece| match piece {
            Piece::Text(_) => [].iter(),
            Piece::Node(node) | Piece::Optional(node) => std::slice::from_ref(node).iter(),
            Piece::List(nodes, _) => nodes.iter(),
        })
    }

    /// The nearest descendants of a kind.
    fn descendants(&self, kind: Kind, found: &mut Vec<Self>) {
        for child in self.children() {
            if child.kind == kind {
                found.push(child.clone());
            } else {
                child.descendants(kind, found);
            }
        }
    }

    /// How many nodes it has.
    pub fn size(&self) -> usize {
        1 + self.children().map(Self::size).sum::<usize>()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Node(node) | Piece::Optional(node) => node.fmt(f)?,
                Piece::List(nodes, _) => {
                    for (at, node) in nodes.iter().enumerate() {
                        f.write_str(if at > 0 { ", " } else { "" })?;
                        node.fmt(f)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[test]
fn a_tree_gets_smaller_until_only_the_culprit_is_left() {
    let int = Kind::Expression(Type::Int);
    let one = || Node::leaf(int, "1");
    let sum = Node::fill(int, "({} + {})", vec![Node::fill(int, "abs({})", vec![one()]), Node::leaf(int, "bad(2)")]);
    let filter = Node::fill(Kind::Clause, " WHERE {} > 0", vec![one()]);
    let mut query = Node {
        kind: Kind::Query,
        pieces: vec![Piece::Text("SELECT ".into()), Piece::List(vec![one(), sum], 1), Piece::Optional(filter)],
    };
    while let Some(smaller) = query.smaller().into_iter().find(|tree| tree.to_string().contains("bad")) {
        query = smaller;
    }
    assert_eq!(query.to_string(), "SELECT bad(2)");
}
