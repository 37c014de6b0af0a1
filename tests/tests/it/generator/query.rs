//! Random queries over a schema.

use heliosdb_tests::rng::Rng;

use super::schema::{Schema, random_value};
use super::tree::{Kind, Node, Piece, Type};

/// How deep queries nest in FROM.
const DEPTH: usize = 2;

/// A relation that expressions can name.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub alias: String,
    pub columns: Vec<(String, Type)>,
}

/// What expressions can name, and what surrounds it.
pub(crate) struct Scope<'a> {
    pub relations: Vec<Relation>,
    pub outer: Option<&'a Scope<'a>>,
}

impl Scope<'_> {
    const fn empty() -> Self {
        Self { relations: Vec::new(), outer: None }
    }
}

/// Makes queries.
pub(crate) struct Generator<'a> {
    pub rng: Rng,
    schema: &'a Schema,
    /// Common table expressions that FROM can name.
    named: Vec<Relation>,
    aliases: usize,
    depth: usize,
    /// Not within the grouped part of a query, where a subquery may only name what is grouped.
    pub allows_subqueries: bool,
}

impl<'a> Generator<'a> {
    pub const fn new(rng: Rng, schema: &'a Schema) -> Self {
        Self { rng, schema, named: Vec::new(), aliases: 0, depth: 0, allows_subqueries: true }
    }

    /// A whole statement.
    pub fn statement(&mut self) -> Node {
        self.named.clear();
        self.aliases = 0;
        let mut with = Vec::new();
        while with.len() < 2 && self.rng.percent(12) {
            let types = self.types(3);
            let name = format!("w{}", with.len());
            let columns: Vec<(String, Type)> =
                types.iter().enumerate().map(|(at, of)| (format!("x{at}"), *of)).collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let query = self.query(&types, &Scope::empty());
            let hint = *self.rng.pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
            let head = format!("{name} ({}) AS {hint}({{}})", names.join(", "));
            with.push(Node::fill(Kind::Clause, &head, vec![query]));
            self.named.push(Relation { alias: name, columns });
        }
        let types = self.types(4);
        let body = self.query(&types, &Scope::empty());
        let order = self.order(types.len(), 70);
        let mut pieces = Vec::new();
        if !with.is_empty() {
            let with = Node { kind: Kind::Clause, pieces: vec!["WITH ".into(), Piece::List(with, 1), " ".into()] };
            pieces.push(Piece::Optional(with));
        }
        pieces.push(Piece::Node(body));
        pieces.extend(order.map(Piece::Optional));
        Node { kind: Kind::Query, pieces }
    }

    fn types(&mut self, most: usize) -> Vec<Type> {
        (0..=self.rng.below(most)).map(|_| *self.rng.pick(&Type::ALL)).collect()
    }

    /// ORDER BY over all columns, so that LIMIT takes the same rows everywhere.
    fn order(&mut self, columns: usize, percent: usize) -> Option<Node> {
        if !self.rng.percent(percent) {
            return None;
        }
        let keys: Vec<String> = (1..=columns)
            .map(|at| format!("{at}{}", self.rng.pick(&["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"])))
            .collect();
        let mut text = format!(" ORDER BY {}", keys.join(", "));
        if self.rng.percent(40) {
            text.push_str(&format!(" LIMIT {}", self.rng.below(8)));
        }
        if self.rng.percent(15) {
            text.push_str(&format!(" OFFSET {}", self.rng.below(4)));
        }
        Some(Node::leaf(Kind::Clause, text))
    }

    /// A query that gives columns of these types.
    fn query(&mut self, types: &[Type], outer: &Scope<'_>) -> Node {
        self.depth += 1;
        let query = match self.rng.below(10) {
            0 if self.depth <= DEPTH => {
                let set = *self.rng.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL"]);
                let sides = vec![self.select(types, outer), self.select(types, outer)];
                Node::fill(Kind::Query, &format!("({{}} {set} {{}})"), sides)
            }
            1 | 2 => self.grouped(types, outer),
            _ => self.select(types, outer),
        };
        self.depth -= 1;
        query
    }

    /// A query for an expression: small, and free to name what surrounds it.
    pub fn subquery(&mut self, types: &[Type], outer: &Scope<'_>) -> Node {
        let depth = std::mem::replace(&mut self.depth, DEPTH);
        let query = self.query(types, outer);
        self.depth = depth;
        query
    }

    /// A query with one row and one column: an aggregate without GROUP BY.
    pub fn aggregate_query(&mut self, data_type: Type, outer: &Scope<'_>) -> Node {
        let depth = std::mem::replace(&mut self.depth, DEPTH);
        let (from, relations) = self.from(outer);
        let inner = Scope { relations, outer: None };
        let item = self.aggregate(data_type, &inner);
        let correlated = Scope { relations: inner.relations, outer: Some(outer) };
        let filter = self.filter(&correlated, 80);
        self.depth = depth;
        let mut pieces = vec!["SELECT ".into(), Piece::Node(item), " FROM ".into(), Piece::Node(from)];
        pieces.extend(filter.map(Piece::Optional));
        Node { kind: Kind::Item, pieces }
    }

    fn select(&mut self, types: &[Type], outer: &Scope<'_>) -> Node {
        let (from, relations) = self.from(outer);
        let scope = Scope { relations, outer: Some(outer) };
        let items = types.iter().enumerate().map(|(at, of)| {
            let item = if self.rng.percent(10) { self.window(*of, &scope) } else { None };
            let item = item.unwrap_or_else(|| self.expression(*of, &scope, 0));
            Node::fill(Kind::Item, &format!("{{}} AS x{at}"), vec![item])
        });
        let items: Vec<Node> = items.collect();
        let distinct = if self.rng.percent(12) { "DISTINCT " } else { "" };
        let filter = self.filter(&scope, 60);
        let mut pieces = vec![
            "SELECT ".into(),
            Piece::Optional(Node::leaf(Kind::Clause, distinct)),
            Piece::List(items, 1),
            " FROM ".into(),
            Piece::Node(from),
        ];
        pieces.extend(filter.map(Piece::Optional));
        Node { kind: Kind::Query, pieces }
    }

    /// GROUP BY with aggregates, and HAVING.
    fn grouped(&mut self, types: &[Type], outer: &Scope<'_>) -> Node {
        let (from, relations) = self.from(outer);
        let correlated = Scope { relations: relations.clone(), outer: Some(outer) };
        let filter = self.filter(&correlated, 50);
        let scope = Scope { relations, outer: None };
        let allowed = std::mem::replace(&mut self.allows_subqueries, false);
        let mut keys = Vec::new();
        let mut items = Vec::new();
        for (at, of) in types.iter().enumerate() {
            let key = if self.rng.percent(50) { self.column(*of, &scope) } else { None };
            let item = match key {
                Some(key) => {
                    keys.push(key.clone());
                    key
                }
                None if self.rng.percent(30) => {
                    let key = self.compound(*of, &scope, 1);
                    keys.push(key.clone());
                    key
                }
                None => self.aggregate(*of, &scope),
            };
            items.push(Node::fill(Kind::Item, &format!("{{}} AS x{at}"), vec![item]));
        }
        let having = self.rng.percent(25).then(|| {
            let of = *self.rng.pick(&[Type::Int, Type::Bigint, Type::Numeric, Type::Text, Type::Date]);
            let value = random_value(&mut self.rng, of);
            let operator = *self.rng.pick(&["=", "<", ">", "<>"]);
            let aggregate = self.aggregate(of, &scope);
            Node::fill(Kind::Clause, &format!(" HAVING {{}} {operator} {value}"), vec![aggregate])
        });
        self.allows_subqueries = allowed;
        let mut pieces = vec!["SELECT ".into(), Piece::List(items, 1), " FROM ".into(), Piece::Node(from)];
        pieces.extend(filter.map(Piece::Optional));
        if !keys.is_empty() {
            pieces.push(" GROUP BY ".into());
            pieces.push(Piece::List(keys, 1));
        }
        pieces.extend(having.map(Piece::Optional));
        Node { kind: Kind::Query, pieces }
    }

    fn filter(&mut self, scope: &Scope<'_>, percent: usize) -> Option<Node> {
        self.rng.percent(percent).then(|| {
            let condition = self.expression(Type::Bool, scope, 0);
            Node::fill(Kind::Clause, " WHERE {}", vec![condition])
        })
    }

    /// An aggregate. Its argument names nothing from outside: such an aggregate would belong to the outer query.
    fn aggregate(&mut self, data_type: Type, scope: &Scope<'_>) -> Node {
        let allowed = std::mem::replace(&mut self.allows_subqueries, false);
        let kind = Kind::Expression(data_type);
        let (template, of) = match data_type {
            Type::Int => {
                *self.rng.pick(&[("max({})", Type::Int), ("min({})", Type::Int), ("count({})::int", Type::Text)])
            }
            Type::Bigint => *self.rng.pick(&[
                ("count({})", Type::Int),
                ("count(DISTINCT {})", Type::Text),
                ("sum({})", Type::Int),
                ("sum(DISTINCT {})", Type::Int),
                ("max({})", Type::Bigint),
            ]),
            Type::Numeric => *self.rng.pick(&[
                ("sum({})", Type::Numeric),
                ("avg({})", Type::Int),
                ("max({})", Type::Numeric),
                ("sum({})", Type::Bigint),
                ("round(avg({}), 3)", Type::Numeric),
            ]),
            // Sums of floating-point numbers depend on the order of the rows.
            Type::Float => *self.rng.pick(&[("max({})", Type::Float), ("min({})", Type::Float)]),
            Type::Text => *self.rng.pick(&[("max({})", Type::Text), ("min({})", Type::Text)]),
            Type::Bool => *self.rng.pick(&[("bool_and({})", Type::Bool), ("bool_or({})", Type::Bool)]),
            Type::Date => *self.rng.pick(&[("max({})", Type::Date), ("min({})", Type::Date)]),
            Type::Timestamp => *self.rng.pick(&[("max({})", Type::Timestamp), ("min({})", Type::Timestamp)]),
        };
        let mut node = if data_type == Type::Text && self.rng.percent(30) {
            let argument = self.expression(Type::Text, scope, 2);
            Node::leaf(kind, format!("string_agg({argument}, ',' ORDER BY {argument})"))
        } else {
            let argument = self.expression(of, scope, 2);
            Node::fill(kind, template, vec![argument])
        };
        if !template.contains(")::") && !template.starts_with("round") && self.rng.percent(10) {
            let condition = self.expression(Type::Bool, scope, 1);
            node = Node::fill(kind, "{} FILTER (WHERE {})", vec![node, condition]);
        }
        self.allows_subqueries = allowed;
        node
    }

    /// A window function whose value does not hang on the order of equal rows.
    fn window(&mut self, data_type: Type, scope: &Scope<'_>) -> Option<Node> {
        let allowed = std::mem::replace(&mut self.allows_subqueries, false);
        let (template, of) = match data_type {
            Type::Bigint => *self.rng.pick(&[
                ("rank()", None),
                ("dense_rank()", None),
                ("count(*)", None),
                ("sum({})", Some(Type::Int)),
                ("count({})", Some(Type::Text)),
            ]),
            Type::Int => ("max({})", Some(Type::Int)),
            Type::Numeric => *self.rng.pick(&[("sum({})", Some(Type::Numeric)), ("avg({})", Some(Type::Int))]),
            Type::Text => *self.rng.pick(&[("min({})", Some(Type::Text)), ("first_value({})", None)]),
            _ => ("", None),
        };
        let window = if template.is_empty() || template.starts_with("first") {
            None
        } else {
            let mut operands: Vec<Node> = of.into_iter().map(|of| self.expression(of, scope, 2)).collect();
            let mut over = String::new();
            if self.rng.percent(50) {
                over.push_str("PARTITION BY {} ");
                let of = *self.rng.pick(&Type::ALL);
                operands.push(self.expression(of, scope, 2));
            }
            if template.contains("rank") || self.rng.percent(50) {
                over.push_str("ORDER BY {}");
                over.push_str(self.rng.pick::<&str>(&["", " DESC", " NULLS FIRST"]));
                let of = *self.rng.pick(&Type::ALL);
                operands.push(self.expression(of, scope, 2));
            }
            Some(Node::fill(Kind::Expression(data_type), &format!("{template} OVER ({over})"), operands))
        };
        self.allows_subqueries = allowed;
        window
    }

    /// What follows FROM, and what it brings into scope.
    fn from(&mut self, outer: &Scope<'_>) -> (Node, Vec<Relation>) {
        let (mut node, first) = self.relation(outer);
        let mut relations = vec![first];
        let most = if self.depth > 1 { 2 } else { 3 };
        while relations.len() < most && self.rng.percent(50) {
            if self.rng.percent(10) {
                let scope = Scope { relations: relations.clone(), outer: Some(outer) };
                let (lateral, relation) = self.lateral(&scope);
                let join = *self.rng.pick(&["{} CROSS JOIN LATERAL {}", "{} LEFT JOIN LATERAL {} ON true"]);
                node = Node::fill(Kind::From, join, vec![node, lateral]);
                relations.push(relation);
                continue;
            }
            let (right, relation) = self.relation(outer);
            node = self.join(node, &relations, right, &relation);
            relations.push(relation);
        }
        (node, relations)
    }

    fn join(&mut self, left: Node, relations: &[Relation], right: Node, relation: &Relation) -> Node {
        let equal = self.equal_columns(relations, relation);
        let form = self.rng.below(10);
        let Some(equal) = equal.filter(|_| form > 0) else {
            return Node::fill(Kind::From, "{} CROSS JOIN {}", vec![left, right]);
        };
        let kind = *self.rng.pick(&["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let mut parts = vec![left, right, equal];
        let mut template = format!("({{}} {kind} {{}} ON {{}}");
        if kind != "FULL JOIN" && self.rng.percent(30) {
            let mut relations = relations.to_vec();
            relations.push(relation.clone());
            let scope = Scope { relations, outer: None };
            let allowed = std::mem::replace(&mut self.allows_subqueries, false);
            let condition = self.expression(Type::Bool, &scope, 1);
            self.allows_subqueries = allowed;
            template.push_str(" AND {}");
            parts.push(condition);
        }
        template.push(')');
        Node::fill(Kind::From, &template, parts)
    }

    fn equal_columns(&mut self, relations: &[Relation], relation: &Relation) -> Option<Node> {
        let mut pairs = Vec::new();
        for left in relations {
            for (left_name, left_type) in &left.columns {
                for (right_name, right_type) in &relation.columns {
                    if left_type == right_type {
                        pairs.push(format!("({}.{left_name} = {}.{right_name})", left.alias, relation.alias));
                    }
                }
            }
        }
        (!pairs.is_empty()).then(|| Node::leaf(Kind::Expression(Type::Bool), self.rng.pick(&pairs).clone()))
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("r{}", self.aliases)
    }

    /// A table, a common table expression, a subquery, a series or VALUES.
    fn relation(&mut self, outer: &Scope<'_>) -> (Node, Relation) {
        let alias = self.alias();
        let choice = self.rng.below(20);
        if choice < 2 && self.depth < DEPTH {
            let types = self.types(3);
            let query = self.query(&types, outer);
            return derived(query, alias, &types);
        }
        if choice == 2 {
            let columns = vec![("n".to_owned(), Type::Int)];
            let text =
                format!("generate_series({}, {}) AS {alias}(n)", self.rng.between(-1, 2), self.rng.between(0, 4));
            return (Node::leaf(Kind::From, text), Relation { alias, columns });
        }
        if choice == 3 {
            let types = self.types(2);
            let rows: Vec<String> = (0..=self.rng.below(3))
                .map(|_| {
                    let values: Vec<String> = types.iter().map(|of| random_value(&mut self.rng, *of)).collect();
                    format!("({})", values.join(", "))
                })
                .collect();
            let query = Node::leaf(Kind::Query, format!("VALUES {}", rows.join(", ")));
            return derived(query, alias, &types);
        }
        if !self.named.is_empty() && self.rng.percent(40) {
            let named = self.rng.pick(&self.named).clone();
            let text = format!("{} AS {alias}", named.alias);
            return (Node::leaf(Kind::From, text), Relation { alias, columns: named.columns });
        }
        let table = self.rng.pick(&self.schema.tables);
        let text = format!("{} AS {alias}", table.name);
        (Node::leaf(Kind::From, text), Relation { alias, columns: table.columns.clone() })
    }

    /// A subquery that names what stands left of it.
    fn lateral(&mut self, scope: &Scope<'_>) -> (Node, Relation) {
        let types = self.types(2);
        let depth = std::mem::replace(&mut self.depth, DEPTH);
        let query = self.query(&types, scope);
        self.depth = depth;
        derived(query, self.alias(), &types)
    }
}

fn derived(query: Node, alias: String, types: &[Type]) -> (Node, Relation) {
    let columns: Vec<(String, Type)> = types.iter().enumerate().map(|(at, of)| (format!("x{at}"), *of)).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let node = Node::fill(Kind::From, &format!("({{}}) AS {alias}({})", names.join(", ")), vec![query]);
    (node, Relation { alias, columns })
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
