//! A random schema with random rows: few of them, with NULLs, duplicates and edges.

use std::fmt::Write as _;

use heliosdb_tests::rng::Rng;

use super::tree::Type;

/// Tables that queries can be made over.
#[derive(Debug)]
pub(crate) struct Schema {
    pub tables: Vec<Table>,
    /// What creates and fills them, statement by statement.
    pub script: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub name: String,
    pub columns: Vec<(String, Type)>,
}

impl Schema {
    pub fn random(rng: &mut Rng) -> Self {
        let mut schema = Self { tables: Vec::new(), script: Vec::new() };
        for number in 0..rng.between(3, 4) {
            schema.add_table(rng, format!("t{number}"));
        }
        schema
    }

    fn add_table(&mut self, rng: &mut Rng, name: String) {
        let mut columns = vec![("id".to_owned(), Type::Int)];
        for number in 0..rng.between(3, 6) {
            columns.push((format!("c{number}"), *rng.pick(&Type::ALL)));
        }
        let has_key = rng.percent(80);
        let mut definition = format!("CREATE TABLE {name} (");
        for (at, (column, data_type)) in columns.iter().enumerate() {
            let data_type = if *data_type == Type::Numeric { "numeric(8,2)" } else { data_type.name() };
            let key = if at == 0 && has_key { " PRIMARY KEY" } else { "" };
            let comma = if at > 0 { ", " } else { "" };
            write!(definition, "{comma}{column} {data_type}{key}").unwrap();
        }
        definition.push(')');
        self.script.push(definition);
        let rows = *rng.pick(&[0, 1, 3, 5, 8, 8, 12, 20]);
        if rows > 0 {
            let rows: Vec<String> = (1..=rows).map(|id| random_row(rng, id, &columns)).collect();
            self.script.push(format!("INSERT INTO {name} VALUES {}", rows.join(", ")));
        }
        for number in 0..rng.below(3) {
            let (column, _) = rng.pick(&columns);
            let order = rng.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
            let filter = if rng.percent(20) { format!(" WHERE {column} IS NOT NULL") } else { String::new() };
            self.script.push(format!("CREATE INDEX {name}_i{number} ON {name} ({column}{order}){filter}"));
        }
        self.tables.push(Table { name, columns });
    }
}

fn random_row(rng: &mut Rng, id: i64, columns: &[(String, Type)]) -> String {
    let mut values = vec![id.to_string()];
    for (_, data_type) in columns.iter().skip(1) {
        values.push(if rng.percent(15) { "NULL".to_owned() } else { random_value(rng, *data_type) });
    }
    format!("({})", values.join(", "))
}

/// A value as a literal; small numbers come often, so that rows meet in joins.
pub(crate) fn random_value(rng: &mut Rng, data_type: Type) -> String {
    match data_type {
        Type::Int => match rng.below(10) {
            0 => rng.between(-1000, 1000).to_string(),
            1 => "0".to_owned(),
            _ => rng.between(-2, 12).to_string(),
        },
        Type::Bigint => match rng.below(5) {
            0 => "3000000000".to_owned(),
            _ => format!("{}::bigint", rng.between(-2, 12)),
        },
        Type::Numeric => (*rng.pick(&["0.00", "1.50", "-0.25", "100.00", "2", "7.77", "9999.99", "-3.1"])).to_owned(),
        Type::Float => {
            (*rng.pick(&["0::float8", "1.5::float8", "-2.25::float8", "1e10::float8", "0.1::float8", "3::float8"]))
                .to_owned()
        }
        Type::Text => (*rng.pick(&["'a'", "'b'", "'abc'", "''", "'A b'", "'zz%'", "'10'", "'ä'", "'b_'"])).to_owned(),
        Type::Bool => (*rng.pick(&["true", "false"])).to_owned(),
        Type::Date => format!("date '2024-0{}-{:02}'", rng.between(1, 3), rng.between(1, 28)),
        Type::Timestamp => format!("timestamp '2024-01-0{} {:02}:30:00'", rng.between(1, 5), rng.between(0, 23)),
    }
}
