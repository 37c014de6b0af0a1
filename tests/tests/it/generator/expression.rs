//! Random expressions of a type over the relations in scope.
//!
//! None of them can fail while it is evaluated: PostgreSQL may evaluate parts of a query in any order or not at all, so that
//! a failure on one side alone would prove nothing. Divisors are guarded, factors are cut down so that nothing overflows,
//! scalar subqueries are aggregates.

use super::query::{Generator, Scope};
use super::schema::random_value;
use super::tree::{Kind, Node, Type};

/// How deep expressions nest.
const DEPTH: usize = 3;

impl Generator<'_> {
    /// Any expression of the type.
    pub fn expression(&mut self, data_type: Type, scope: &Scope<'_>, depth: usize) -> Node {
        if depth >= DEPTH || self.rng.percent(35) {
            return self.leaf(data_type, scope);
        }
        self.compound(data_type, scope, depth)
    }

    /// A column if there is one of the type, or a literal.
    fn leaf(&mut self, data_type: Type, scope: &Scope<'_>) -> Node {
        if self.rng.percent(75)
            && let Some(column) = self.column(data_type, scope)
        {
            return column;
        }
        self.literal(data_type)
    }

    /// A column of the type; those of outer queries are found too, if rarer.
    pub fn column(&mut self, data_type: Type, scope: &Scope<'_>) -> Option<Node> {
        let outer = scope.outer.filter(|_| self.rng.percent(25));
        if let Some(found) = outer.and_then(|outer| self.column(data_type, outer)) {
            return Some(found);
        }
        let columns: Vec<String> = (scope.relations.iter())
            .flat_map(|relation| relation.columns.iter().map(move |(name, of)| (&relation.alias, name, *of)))
            .filter(|(_, _, of)| *of == data_type)
            .map(|(alias, name, _)| format!("{alias}.{name}"))
            .collect();
        let name = (!columns.is_empty()).then(|| self.rng.pick(&columns).clone())?;
        Some(Node::leaf(Kind::Expression(data_type), name))
    }

    fn literal(&mut self, data_type: Type) -> Node {
        let text = if self.rng.percent(8) {
            format!("NULL::{}", data_type.name())
        } else {
            let text = random_value(&mut self.rng, data_type);
            if text.starts_with('-') { format!("({text})") } else { text }
        };
        Node::leaf(Kind::Expression(data_type), text)
    }

    /// An expression with an operator, a function or a subquery at its top.
    pub fn compound(&mut self, data_type: Type, scope: &Scope<'_>, depth: usize) -> Node {
        if self.rng.percent(20) {
            return self.of_any_type(data_type, scope, depth);
        }
        if depth < 2 && self.allows_subqueries && data_type != Type::Bool && self.rng.percent(8) {
            return self.scalar_subquery(data_type, scope);
        }
        if data_type == Type::Bool {
            return self.predicate(scope, depth);
        }
        let (template, operands) = self.rng.pick(operations(data_type));
        let operands = operands.iter().map(|of| self.expression(*of, scope, depth + 1)).collect();
        Node::fill(Kind::Expression(data_type), template, operands)
    }

    fn of_any_type(&mut self, data_type: Type, scope: &Scope<'_>, depth: usize) -> Node {
        let kind = Kind::Expression(data_type);
        let inner = |generator: &mut Self| generator.expression(data_type, scope, depth + 1);
        match self.rng.below(5) {
            0 => Node::fill(kind, "coalesce({}, {})", vec![inner(self), inner(self)]),
            1 => Node::fill(kind, "nullif({}, {})", vec![inner(self), inner(self)]),
            2 if data_type != Type::Bool => Node::fill(kind, "greatest({}, {})", vec![inner(self), inner(self)]),
            3 if data_type != Type::Bool => Node::fill(kind, "least({}, {})", vec![inner(self), inner(self)]),
            _ => {
                let (then, otherwise) = (inner(self), inner(self));
                let when = self.expression(Type::Bool, scope, depth + 1);
                Node::fill(kind, "CASE WHEN {} THEN {} ELSE {} END", vec![when, then, otherwise])
            }
        }
    }

    /// A subquery with exactly one row.
    fn scalar_subquery(&mut self, data_type: Type, scope: &Scope<'_>) -> Node {
        let subquery = self.aggregate_query(data_type, scope);
        Node::fill(Kind::Expression(data_type), "({})", vec![subquery])
    }

    /// A condition.
    fn predicate(&mut self, scope: &Scope<'_>, depth: usize) -> Node {
        let kind = Kind::Expression(Type::Bool);
        let of = *self.rng.pick(&Type::ALL);
        let inner = |generator: &mut Self| generator.expression(of, scope, depth + 1);
        match self.rng.below(18) {
            0..=5 => {
                let operator = *self.rng.pick(&["=", "=", "<>", "<", "<=", ">", ">="]);
                Node::fill(kind, &format!("({{}} {operator} {{}})"), vec![inner(self), inner(self)])
            }
            6 => Node::fill(kind, "({} IS NULL)", vec![inner(self)]),
            7 => Node::fill(kind, "({} IS NOT NULL)", vec![inner(self)]),
            8 => Node::fill(kind, "({} IS DISTINCT FROM {})", vec![inner(self), inner(self)]),
            9 if of != Type::Bool => {
                let not = *self.rng.pick(&["", "NOT ", ""]);
                let template = format!("({{}} {not}BETWEEN {{}} AND {{}})");
                Node::fill(kind, &template, vec![inner(self), inner(self), inner(self)])
            }
            10 => {
                let not = *self.rng.pick(&["", "NOT "]);
                Node::fill(kind, &format!("({{}} {not}IN ({{}}, {{}}))"), vec![inner(self), inner(self), inner(self)])
            }
            11 => {
                let pattern = *self.rng.pick(&["a%", "%b", "_", "%", "", "A%", "%\\%", "%ä%"]);
                let like = *self.rng.pick(&["LIKE", "NOT LIKE", "ILIKE"]);
                let text = self.expression(Type::Text, scope, depth + 1);
                Node::fill(kind, &format!("({{}} {like} '{pattern}')"), vec![text])
            }
            12 => Node::fill(kind, "({} = ANY (ARRAY[{}, {}]))", vec![inner(self), inner(self), inner(self)]),
            13 | 14 if depth < 2 && self.allows_subqueries => self.subquery_predicate(of, scope, depth),
            _ => {
                let condition = |generator: &mut Self| generator.expression(Type::Bool, scope, depth + 1);
                match self.rng.below(5) {
                    0 => Node::fill(kind, "(NOT {})", vec![condition(self)]),
                    1 => Node::fill(kind, "({} IS TRUE)", vec![condition(self)]),
                    2 | 3 => Node::fill(kind, "({} AND {})", vec![condition(self), condition(self)]),
                    _ => Node::fill(kind, "({} OR {})", vec![condition(self), condition(self)]),
                }
            }
        }
    }

    fn subquery_predicate(&mut self, of: Type, scope: &Scope<'_>, depth: usize) -> Node {
        let kind = Kind::Expression(Type::Bool);
        let subquery = self.subquery(&[of], scope);
        let form = self.rng.below(6);
        if form <= 1 {
            return Node::fill(kind, self.rng.pick::<&str>(&["EXISTS ({})", "(NOT EXISTS ({}))"]), vec![subquery]);
        }
        let left = self.expression(of, scope, depth + 1);
        let template = match form {
            2 => "({} IN ({}))".to_owned(),
            3 => "({} NOT IN ({}))".to_owned(),
            _ => {
                let operator = *self.rng.pick(&["=", "<>", "<", ">="]);
                format!("({{}} {operator} {} ({{}}))", self.rng.pick(&["ANY", "ALL"]))
            }
        };
        Node::fill(kind, &template, vec![left, subquery])
    }
}

/// Templates with the types of their operands.
const fn operations(data_type: Type) -> &'static [(&'static str, &'static [Type])] {
    use Type::{Bigint, Bool, Date, Float, Int, Numeric, Text, Timestamp};
    match data_type {
        Int => &[
            ("({} + {})", &[Int, Int]),
            ("({} - {})", &[Int, Int]),
            ("(({} % 1000) * ({} % 1000))", &[Int, Int]),
            ("({} / nullif({}, 0))", &[Int, Int]),
            ("({} % nullif({}, 0))", &[Int, Int]),
            ("abs({})", &[Int]),
            ("(- {})", &[Int]),
            ("length({})", &[Text]),
            ("({})::int", &[Bool]),
            ("extract(day FROM {})::int", &[Date]),
            ("({} - {})", &[Date, Date]),
            ("strpos({}, {})", &[Text, Text]),
        ],
        Bigint => &[
            ("({} + {})", &[Bigint, Bigint]),
            ("({} - {})", &[Bigint, Int]),
            ("(({} % 100000) * ({} % 100000))", &[Bigint, Bigint]),
            ("({})::bigint", &[Int]),
            ("({} % nullif({}, 0))", &[Bigint, Bigint]),
            ("abs({})", &[Bigint]),
        ],
        Numeric => &[
            ("({} + {})", &[Numeric, Numeric]),
            ("({} - {})", &[Numeric, Int]),
            ("({} * {})", &[Numeric, Numeric]),
            ("({} / nullif({}, 0))", &[Numeric, Numeric]),
            ("round({}, 1)", &[Numeric]),
            ("trunc({})", &[Numeric]),
            ("({})::numeric", &[Int]),
            ("({})::numeric", &[Bigint]),
            ("abs({})", &[Numeric]),
        ],
        Float => &[
            ("({} + {})", &[Float, Float]),
            ("({} * 2)", &[Float]),
            ("({})::float8", &[Int]),
            ("({} / nullif({}, 0))", &[Float, Float]),
            ("sqrt(abs({}))", &[Float]),
            ("({})::float8", &[Numeric]),
        ],
        Text => &[
            ("({} || {})", &[Text, Text]),
            ("upper({})", &[Text]),
            ("substr({}, 1, 2)", &[Text]),
            ("({})::text", &[Int]),
            ("({})::text", &[Bool]),
            ("({})::text", &[Date]),
            ("replace({}, 'a', 'x')", &[Text]),
            ("lpad({}, 4, '*')", &[Text]),
            ("concat({}, {})", &[Text, Int]),
            ("trim({})", &[Text]),
        ],
        Bool => &[],
        Date => &[
            ("({} + ({} % 1000))", &[Date, Int]),
            ("({} - 7)", &[Date]),
            ("({})::date", &[Timestamp]),
            ("(date_trunc('month', {}))::date", &[Timestamp]),
        ],
        Timestamp => &[
            ("({})::timestamp", &[Date]),
            ("({} + interval '1 day 02:00')", &[Timestamp]),
            ("date_trunc('day', {})", &[Timestamp]),
            ("({} + interval '1 month')", &[Date]),
        ],
    }
}
