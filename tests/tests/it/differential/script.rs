//! Scripts: statements with directives in the comments before them.
//!
//! A statement ends with a semicolon at the end of a line, outside quotes; several on one line are one simple query. After
//! `COPY … FROM STDIN` the data follow, up to a line `\.`, as in psql. Directives:
//!
//! | directive | meaning |
//! |---|---|
//! | `-- differs: KEY` | an accepted difference in anything |
//! | `-- differs in rows, message: KEY` | an accepted difference in these parts |
//! | `-- params: 1 \| abc \| \N` | only in extended passes, with these parameters; once for each such line |
//! | `-- types: 23 25` | the types that Parse gives to the parameters |
//! | `-- ordered`, `-- unordered` | whether the order of rows counts, where ORDER BY at the top level does not say so |
//! | `-- only simple`, `-- only text` | not in the extended passes, not in the binary pass |

use super::Pass;
use super::compare::Part;

/// A file of statements.
pub(crate) struct Script {
    /// Topic and file.
    pub name: String,
    pub statements: Vec<Statement>,
}

/// A statement with what its directives say.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub line: usize,
    pub sql: String,
    pub copy_in: Option<String>,
    pub differs: Option<Accepted>,
    pub params: Vec<Vec<Option<String>>>,
    pub types: Vec<u32>,
    pub ordered: Option<bool>,
    only: Option<Pass>,
    several: bool,
}

/// A difference that is accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The parts that may differ; empty for all.
    pub parts: Vec<Part>,
    /// What docs/compatibility.md calls it.
    pub key: String,
}

impl Statement {
    /// Whether a pass takes it.
    pub fn runs_in(&self, pass: Pass) -> bool {
        (self.params.is_empty() || pass != Pass::Simple) && (self.only != Some(Pass::Simple) || pass == Pass::Simple)
    }

    /// How it travels in a pass: several statements are always a simple query.
    pub fn pass(&self, pass: Pass) -> Pass {
        match (self.several, self.only) {
            (true, _) => Pass::Simple,
            (false, Some(only)) => pass.min(only),
            (false, None) => pass,
        }
    }

    /// Whether the order of its rows counts.
    pub fn is_ordered(&self) -> bool {
        self.ordered.unwrap_or_else(|| Lexer::default().top_level(&self.sql).contains("order by"))
    }
}

impl Script {
    pub fn parse(name: String, text: &str) -> Self {
        let mut statements = Vec::new();
        let mut lines = text.lines().enumerate();
        let mut next = Statement::default();
        let mut lexer = Lexer::default();
        while let Some((at, line)) = lines.next() {
            let is_start = next.sql.is_empty();
            if is_start && line.trim().is_empty() {
                continue;
            }
            if is_start && let Some(comment) = line.strip_prefix("--") {
                next.direct(comment.trim(), &name, at + 1);
                continue;
            }
            if is_start {
                next.line = at + 1;
            } else {
                next.sql.push('\n');
            }
            next.sql.push_str(line);
            lexer.feed(line);
            if !lexer.is_complete() {
                continue;
            }
            next.several = lexer.statements > 1;
            lexer = Lexer::default();
            let words = next.sql.to_ascii_lowercase();
            if words.starts_with("copy") && words.contains("from stdin") {
                let data = lines.by_ref().map(|(_, line)| line).take_while(|&line| line != "\\.");
                next.copy_in = Some(data.flat_map(|line| [line, "\n"]).collect());
            }
            statements.push(std::mem::take(&mut next));
        }
        assert!(next.sql.is_empty(), "{name}:{}: the last statement has no end", next.line);
        Self { name, statements }
    }
}

impl Statement {
    fn direct(&mut self, comment: &str, name: &str, line: usize) {
        if let Some(rest) = comment.strip_prefix("differs") {
            let (parts, key) = rest.split_once(':').unwrap_or_else(|| panic!("{name}:{line}: differs has no key"));
            let parts = parts.trim().strip_prefix("in").unwrap_or_default();
            let parts = parts.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
                Part::from_name(part).unwrap_or_else(|| panic!("{name}:{line}: {part} is no part of an outcome"))
            });
            self.differs = Some(Accepted { parts: parts.collect(), key: key.trim().to_owned() });
        } else if let Some(values) = comment.strip_prefix("params:") {
            let values = values.split('|').map(str::trim);
            let values = values.map(|value| (value != "\\N").then(|| value.replace("\\n", "\n")));
            self.params.push(values.filter(|value| value.as_deref() != Some("(none)")).collect());
        } else if let Some(types) = comment.strip_prefix("types:") {
            self.types = types.split_whitespace().map(|oid| oid.parse().unwrap()).collect();
        } else {
            match comment {
                "ordered" => self.ordered = Some(true),
                "unordered" => self.ordered = Some(false),
                "only simple" => self.only = Some(Pass::Simple),
                "only text" => self.only = Some(Pass::Extended),
                _ => {}
            }
        }
    }
}

/// Follows quotes, comments and parentheses through SQL, as far as finding the end of a statement asks for it.
#[derive(Default)]
struct Lexer {
    /// The delimiter that ends the quoted text we are in.
    quote: Option<String>,
    backslash_escapes: bool,
    parentheses: usize,
    /// BEGIN ATOMIC or CASE that has not met its END.
    blocks: usize,
    statements: usize,
    /// The last thing outside quotes and comments was a semicolon.
    at_end: bool,
}

impl Lexer {
    fn is_complete(&self) -> bool {
        self.quote.is_none() && self.at_end
    }

    /// What is outside quotes, comments and parentheses, in lower case with single spaces.
    fn top_level(mut self, sql: &str) -> String {
        let mut kept = String::new();
        for line in sql.lines() {
            self.scan(line, &mut kept);
            kept.push(' ');
        }
        kept.to_ascii_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn feed(&mut self, line: &str) {
        self.scan(line, &mut String::new());
    }

    fn scan(&mut self, line: &str, kept: &mut String) {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if let Some(quote) = &self.quote {
                if self.backslash_escapes && c == '\\' {
                    let skipped = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                    rest = &rest[skipped..];
                } else if let Some(after) = rest.strip_prefix(quote.as_str()) {
                    rest = after;
                    self.quote = None;
                } else {
                    rest = &rest[c.len_utf8()..];
                }
                continue;
            }
            if rest.starts_with("--") {
                return;
            }
            let after = &rest[c.len_utf8()..];
            rest = after;
            match c {
                '\'' | '"' => {
                    self.backslash_escapes = c == '\'' && kept.ends_with(['e', 'E']);
                    self.quote = Some(c.to_string());
                    kept.push(c);
                }
                '/' if after.starts_with('*') => self.quote = Some("*/".to_owned()),
                '$' if dollar_tag(after).is_some() => {
                    let tag = dollar_tag(after).unwrap();
                    self.quote = Some(format!("${tag}$"));
                    rest = &after[tag.len() + 1..];
                }
                '(' => self.parentheses += 1,
                ')' => self.parentheses = self.parentheses.saturating_sub(1),
                ';' if self.parentheses == 0 && self.blocks == 0 => {
                    self.statements += 1;
                    self.at_end = true;
                    continue;
                }
                c if self.parentheses == 0 => {
                    kept.push(c);
                    let word = kept.to_ascii_lowercase();
                    if word.ends_with("begin atomic") {
                        self.blocks += 1;
                    } else if self.blocks > 0 && word.ends_with("end") {
                        self.blocks -= 1;
                    }
                }
                _ => {}
            }
            self.at_end &= c.is_whitespace();
        }
    }
}

/// The tag of a dollar quote whose first dollar has just been read.
fn dollar_tag(rest: &str) -> Option<&str> {
    let (tag, _) = rest.split_once('$')?;
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then_some(tag)
}

#[test]
fn a_script_is_cut_where_statements_end() {
    let text = "-- prose\nSELECT ';' AS \"a;\",\n  $$;$$; -- differs: no\n\n-- differs in rows, message: order\n\
                -- params: 1 | \\N\nSELECT $1;\nBEGIN; SELECT 1;\nCOPY t FROM STDIN;\n1\n2\n\\.\nSELECT (1;\n);\n";
    let script = Script::parse("x".into(), text);
    let found: Vec<&str> = script.statements.iter().map(|statement| statement.sql.as_str()).collect();
    assert_eq!(
        found,
        [
            "SELECT ';' AS \"a;\",\n  $$;$$; -- differs: no",
            "SELECT $1;",
            "BEGIN; SELECT 1;",
            "COPY t FROM STDIN;",
            "SELECT (1;\n);"
        ]
    );
    let [first, second, third, fourth, _] = script.statements.as_slice() else { panic!() };
    assert!(first.differs.is_none());
    let accepted = second.differs.as_ref().unwrap();
    assert_eq!((accepted.parts.as_slice(), accepted.key.as_str()), ([Part::Rows, Part::Message].as_slice(), "order"));
    assert_eq!(second.params, [[Some("1".to_owned()), None]]);
    assert_eq!(third.pass(Pass::Binary), Pass::Simple);
    assert_eq!(fourth.copy_in.as_deref(), Some("1\n2\n"));
}

#[test]
fn order_counts_where_the_outermost_query_asks_for_it() {
    let is_ordered = |sql: &str| Statement { sql: sql.to_owned(), ..Statement::default() }.is_ordered();
    assert!(is_ordered("SELECT 1 ORDER\n BY 1;"));
    assert!(!is_ordered("SELECT array_agg(x ORDER BY x) FROM (SELECT 1 ORDER BY 1) t;"));
    assert!(!is_ordered("SELECT 'order by';"));
}
