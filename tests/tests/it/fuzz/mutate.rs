//! Statements made from other statements, token by token: most are nonsense, many of them nearly sense.

use heliosdb_tests::rng::Rng;

/// The longest statement made, in tokens.
const MOST_TOKENS: usize = 400;

/// Values at the edges, and text that has hurt before.
const EDGES: &[&str] = &[
    "0",
    "-1",
    "1",
    "2147483647",
    "2147483648",
    "-9223372036854775808",
    "9223372036854775808",
    "1e400",
    "1e-400",
    "0.1",
    "NULL",
    "''",
    "'x'",
    "'\\'",
    "'{1,2}'",
    "'{'",
    "'NaN'",
    "'infinity'",
    "'{\"a\":[1]}'",
    "'2024-02-30'",
    "E'\\x00'",
    "$1",
    "$999999",
    "*",
    "ARRAY[]",
    "ARRAY[1,NULL]",
    "ROW()",
    "()",
    "(SELECT 1)",
    "'é😀'",
    "\"\"",
    "true",
    "DEFAULT",
    "now()",
    "1::numeric(1000)",
    "repeat('x', 100000)",
    "'1 day'::interval",
    "generate_series(1, 3)",
    "count(*)",
    "'\\x00'::bytea",
];

/// Cuts a text into words, numbers, quoted text and signs, each with the space before it.
pub(crate) fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while !rest.is_empty() {
        let space = rest.len() - rest.trim_start().len();
        let body = &rest[space..];
        let Some(first) = body.chars().next() else { break };
        let length = match first {
            '\'' | '"' => body[1..].find(first).map_or(body.len(), |end| end + 2),
            c if c.is_alphanumeric() || c == '_' => {
                body.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(body.len())
            }
            c => c.len_utf8(),
        };
        tokens.push(rest[..space + length].to_owned());
        rest = &rest[space + length..];
    }
    tokens
}

/// Makes statements out of a pool of them.
pub(crate) struct Mutator {
    pub rng: Rng,
    pool: Vec<Vec<String>>,
}

impl Mutator {
    pub fn new(seed: u64, pool: &[String]) -> Self {
        Self { rng: Rng::new(seed), pool: pool.iter().map(|sql| tokens(sql)).collect() }
    }

    /// The next statement.
    pub fn statement(&mut self) -> String {
        let mut statement = self.rng.pick(&self.pool).clone();
        for _ in 0..=self.rng.below(4) {
            self.change(&mut statement);
            statement.truncate(MOST_TOKENS);
        }
        statement.concat()
    }

    fn change(&mut self, statement: &mut Vec<String>) {
        let other = self.rng.pick(&self.pool).clone();
        if statement.is_empty() || other.is_empty() {
            *statement = other;
            return;
        }
        let at = self.rng.below(statement.len());
        let from = self.rng.below(other.len());
        match self.rng.below(12) {
            0 => {
                statement.remove(at);
            }
            1 => {
                let with = self.rng.below(statement.len());
                statement.swap(at, with);
            }
            2 => statement.insert(at, statement[at].clone()),
            3 => statement.insert(at, other[from].clone()),
            4 => statement[at] = other[from].clone(),
            5 | 6 => statement[at] = format!(" {}", self.rng.pick(EDGES)),
            7 => {
                statement.truncate(at);
                statement.extend_from_slice(&other[from..]);
            }
            8 => {
                let length = (1 + self.rng.below(8)).min(other.len() - from);
                statement.splice(at..at, other[from..from + length].iter().cloned());
            }
            9 => {
                let end = at + (1 + self.rng.below(6)).min(statement.len() - at);
                let part: Vec<String> = statement[at..end].to_vec();
                for _ in 0..self.rng.below(20) {
                    statement.splice(at..at, part.iter().cloned());
                }
            }
            10 => {
                let end = at + (1 + self.rng.below(8)).min(statement.len() - at);
                statement.insert(end, ")".to_owned());
                statement.insert(at, " (".to_owned());
            }
            _ => {
                // Another token of the same class: a word for a word, a sign for a sign.
                let class = |token: &str| token.trim_start().chars().next().map(char::is_alphanumeric);
                let same: Vec<&String> = other.iter().filter(|token| class(token) == class(&statement[at])).collect();
                if !same.is_empty() {
                    statement[at] = (*self.rng.pick(&same)).clone();
                }
            }
        }
    }
}

#[test]
fn tokens_give_the_text_back() {
    for sql in ["SELECT 'a b'  ,\"c\" FROM t WHERE x>=1.5;", "SELECT 'open", "é + '😀'"] {
        assert_eq!(tokens(sql).concat(), sql);
    }
    assert_eq!(tokens("SELECT 'a b',1.5"), ["SELECT", " 'a b'", ",", "1.5"]);
}
