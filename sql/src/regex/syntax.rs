//! The syntax of regular expressions: text to tree.

use regex_syntax::hir::ClassUnicode;

use super::class::{self, NamedClass};
use super::{RegexError, Syntax};

/// The most repetitions that a bound may ask for.
const MAX_REPETITIONS: u32 = 255;

/// How deeply parentheses may be nested.
const MAX_NESTING: usize = 100;

/// A part of a regular expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// Matches nothing, everywhere.
    Empty,
    /// One character of a set.
    Set(ClassUnicode),
    /// One after the other.
    Concat(Vec<Node>),
    /// One of several.
    Alternate(Vec<Node>),
    /// Several times.
    Repeat {
        /// What.
        node: Box<Node>,
        /// How often at least.
        min: u32,
        /// How often at most.
        max: Option<u32>,
        /// Whether more is better; `{2}` has no preference of its own, `{2,2}` has.
        greedy: Option<bool>,
    },
    /// Parentheses whose match is remembered; they count from 1.
    Group(usize, Box<Node>),
    /// A place.
    Assert(Assertion),
    /// A place before or behind which something matches, or does not.
    Look {
        /// Before; else behind.
        ahead: bool,
        /// It must not match.
        negated: bool,
        /// What.
        node: Box<Node>,
    },
    /// What a group has matched, once more.
    Backreference(usize),
}

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assertion {
    /// The start of the text.
    Start,
    /// The end of the text.
    End,
    /// The start of a line.
    LineStart,
    /// The end of a line.
    LineEnd,
    /// The start of a word.
    WordStart,
    /// The end of a word.
    WordEnd,
    /// The start or the end of a word.
    WordBoundary,
    /// Neither the start nor the end of a word.
    NotWordBoundary,
}

/// What reading a pattern comes to.
#[derive(Debug)]
pub struct Parsed {
    /// The pattern.
    pub root: Node,
    /// How many groups it has.
    pub groups: usize,
}

/// Reads a pattern.
pub fn parse(pattern: &str, syntax: Syntax) -> Result<Parsed, RegexError> {
    let mut parser = Parser { rest: pattern, syntax, groups: 0, closed: Vec::new(), depth: 0 };
    parser.prefix()?;
    if parser.syntax.literal {
        let chars = parser.rest.chars().map(|c| Node::Set(parser.single(c))).collect();
        return Ok(Parsed { root: Node::Concat(chars), groups: 0 });
    }
    let root = parser.alternatives()?;
    if !parser.rest.is_empty() {
        return Err(RegexError::Parentheses);
    }
    Ok(Parsed { root, groups: parser.groups })
}

struct Parser<'a> {
    rest: &'a str,
    syntax: Syntax,
    /// How many groups have been opened.
    groups: usize,
    /// The groups that are closed.
    closed: Vec<usize>,
    depth: usize,
}

/// What an escape stands for.
enum Escape {
    Char(char),
    Class(NamedClass, bool),
    Assert(Assertion),
    Backreference(usize),
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The set of one character, in both cases if they count as one.
    fn single(&self, c: char) -> ClassUnicode {
        class::folded(class::single(c), self.syntax.ignore_case)
    }

    /// `***:`, `***=` and `(?flags)` at the start.
    fn prefix(&mut self) -> Result<(), RegexError> {
        if self.syntax.literal {
            return Ok(());
        }
        if self.rest.starts_with("***") {
            if self.eat("***=") {
                self.syntax.literal = true;
                return Ok(());
            }
            if !self.eat("***:") {
                return Err(RegexError::Quantifier);
            }
        }
        let letters = self.rest.strip_prefix("(?").filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        if let Some(letters) = letters {
            let end = letters.find(')').ok_or(RegexError::Option)?;
            let (flags, rest) = letters.split_at(end);
            for flag in flags.chars() {
                self.syntax.set(flag).map_err(|error| error.unwrap_or(RegexError::Option))?;
            }
            self.rest = rest.get(1..).unwrap_or_default();
        }
        Ok(())
    }

    fn alternatives(&mut self) -> Result<Node, RegexError> {
        if self.depth >= MAX_NESTING {
            return Err(RegexError::TooComplex);
        }
        self.depth += 1;
        let mut branches = vec![self.branch()?];
        while self.eat("|") {
            branches.push(self.branch()?);
        }
        self.depth -= 1;
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternate(branches) })
    }

    fn branch(&mut self) -> Result<Node, RegexError> {
        let mut parts = Vec::new();
        loop {
            self.skip_comments()?;
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(_) => {}
            }
            let atom = self.atom()?;
            self.skip_comments()?;
            parts.push(self.quantified(atom)?);
        }
        Ok(match parts.len() {
            0 => Node::Empty,
            1 => parts.remove(0),
            _ => Node::Concat(parts),
        })
    }

    /// Comments, and blanks in the expanded syntax.
    fn skip_comments(&mut self) -> Result<(), RegexError> {
        loop {
            if self.rest.starts_with("(?#") {
                let end = self.rest.find(')').ok_or(RegexError::Parentheses)?;
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
            } else if self.syntax.expanded && self.rest.starts_with(char::is_whitespace) {
                self.next();
            } else if self.syntax.expanded && self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..).unwrap_or_default();
            } else {
                return Ok(());
            }
        }
    }

    fn atom(&mut self) -> Result<Node, RegexError> {
        let Some(c) = self.next() else { return Ok(Node::Empty) };
        Ok(match c {
            '(' => self.parenthesis()?,
            '[' => self.bracket()?,
            '.' => Node::Set(class::any(self.syntax.newline_stops)),
            '^' if self.syntax.newline_anchors => Node::Assert(Assertion::LineStart),
            '^' => Node::Assert(Assertion::Start),
            '$' if self.syntax.newline_anchors => Node::Assert(Assertion::LineEnd),
            '$' => Node::Assert(Assertion::End),
            '*' | '+' | '?' => return Err(RegexError::Quantifier),
            '{' if self.peek().is_some_and(|next| next.is_ascii_digit()) => return Err(RegexError::Quantifier),
            '\\' => match self.escape()? {
                Escape::Char(c) => Node::Set(self.single(c)),
                Escape::Class(named, negated) => Node::Set(class::escape(named, negated)),
                Escape::Assert(assertion) => Node::Assert(assertion),
                Escape::Backreference(group) => Node::Backreference(group),
            },
            c => Node::Set(self.single(c)),
        })
    }

    fn parenthesis(&mut self) -> Result<Node, RegexError> {
        const LOOKS: [(&str, bool, bool); 4] =
            [("?=", true, false), ("?!", true, true), ("?<=", false, false), ("?<!", false, true)];
        if let Some((_, ahead, negated)) = LOOKS.into_iter().find(|(text, ..)| self.eat(text)) {
            // Groups inside are not remembered, and there is nothing to refer back to.
            let groups = self.groups;
            let closed = std::mem::take(&mut self.closed);
            let node = self.closed_alternatives()?;
            (self.groups, self.closed) = (groups, closed);
            return Ok(Node::Look { ahead, negated, node: Box::new(without_groups(node)) });
        }
        if self.eat("?:") {
            return self.closed_alternatives();
        }
        if self.rest.starts_with('?') {
            return Err(RegexError::Quantifier);
        }
        self.groups += 1;
        let group = self.groups;
        let node = self.closed_alternatives()?;
        self.closed.push(group);
        Ok(Node::Group(group, Box::new(node)))
    }

    fn closed_alternatives(&mut self) -> Result<Node, RegexError> {
        let node = self.alternatives()?;
        if self.eat(")") { Ok(node) } else { Err(RegexError::Parentheses) }
    }

    /// An atom with the quantifier behind it.
    fn quantified(&mut self, atom: Node) -> Result<Node, RegexError> {
        let start = self.rest;
        let Some((min, max)) = self.quantifier()? else { return Ok(atom) };
        let read = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        let is_exact = read.starts_with('{') && !read.contains(',');
        if matches!(atom, Node::Assert(_) | Node::Look { .. }) {
            return Err(RegexError::Quantifier);
        }
        let greedy = !self.eat("?");
        let greedy = (!is_exact).then_some(greedy);
        let is_bound = self.rest.strip_prefix('{').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if self.rest.starts_with(['*', '+', '?']) || is_bound {
            return Err(RegexError::Quantifier);
        }
        Ok(Node::Repeat { node: Box::new(atom), min, max, greedy })
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, RegexError> {
        let simple = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => return self.bound().map(Some),
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(simple))
    }

    /// `{2}`, `{2,}`, `{2,3}`
    fn bound(&mut self) -> Result<(u32, Option<u32>), RegexError> {
        self.next();
        let min = self.count()?.ok_or(RegexError::Bound)?;
        let max = if self.eat(",") { self.count()? } else { Some(min) };
        match self.next() {
            Some('}') => {}
            Some(_) => return Err(RegexError::Bound),
            None => return Err(RegexError::Braces),
        }
        if max.is_some_and(|max| max < min) { Err(RegexError::Bound) } else { Ok((min, max)) }
    }

    fn count(&mut self) -> Result<Option<u32>, RegexError> {
        let mut count = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.next();
            let next = count.unwrap_or(0) * 10 + digit;
            if next > MAX_REPETITIONS {
                return Err(RegexError::Bound);
            }
            count = Some(next);
        }
        Ok(count)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<Escape, RegexError> {
        let c = self.next().ok_or(RegexError::Escape)?;
        Ok(match c {
            'a' => Escape::Char('\u{7}'),
            'A' => Escape::Assert(Assertion::Start),
            'b' => Escape::Char('\u{8}'),
            'B' => Escape::Char('\\'),
            'c' => {
                let control = u32::from(self.next().ok_or(RegexError::Escape)?) & 0x1f;
                Escape::Char(char::from_u32(control).ok_or(RegexError::Escape)?)
            }
            'd' => Escape::Class(NamedClass::Digit, false),
            'D' => Escape::Class(NamedClass::Digit, true),
            'e' => Escape::Char('\u{1b}'),
            'f' => Escape::Char('\u{c}'),
            'm' => Escape::Assert(Assertion::WordStart),
            'M' => Escape::Assert(Assertion::WordEnd),
            'n' => Escape::Char('\n'),
            'r' => Escape::Char('\r'),
            's' => Escape::Class(NamedClass::Space, false),
            'S' => Escape::Class(NamedClass::Space, true),
            't' => Escape::Char('\t'),
            'u' => Escape::Char(self.code(16, 4, 4)?),
            'U' => Escape::Char(self.code(16, 8, 8)?),
            'v' => Escape::Char('\u{b}'),
            'w' => Escape::Class(NamedClass::Word, false),
            'W' => Escape::Class(NamedClass::Word, true),
            'x' => Escape::Char(self.code(16, 1, 255)?),
            'y' => Escape::Assert(Assertion::WordBoundary),
            'Y' => Escape::Assert(Assertion::NotWordBoundary),
            'Z' => Escape::Assert(Assertion::End),
            '0'..='9' => return self.number(c),
            c if c.is_ascii_alphanumeric() => return Err(RegexError::Escape),
            c => Escape::Char(c),
        })
    }

    /// A reference to a group, or a character by its octal code.
    fn number(&mut self, first: char) -> Result<Escape, RegexError> {
        let behind = self.rest;
        if first != '0' {
            let digits = behind.chars().take_while(char::is_ascii_digit).count();
            let text = format!("{first}{}", behind.get(..digits).unwrap_or_default());
            let group = text.parse::<usize>().unwrap_or(usize::MAX);
            if digits == 0 || group <= self.groups {
                self.rest = behind.get(digits..).unwrap_or_default();
                if !self.closed.contains(&group) {
                    return Err(RegexError::Backreference);
                }
                return Ok(Escape::Backreference(group));
            }
        }
        let mut code = first.to_digit(8).ok_or(RegexError::Escape)?;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.next();
            code = code * 8 + digit;
        }
        char::from_u32(code).map(Escape::Char).ok_or(RegexError::Escape)
    }

    /// A character by its code, of so many digits.
    fn code(&mut self, radix: u32, least: usize, most: usize) -> Result<char, RegexError> {
        let (mut code, mut count) = (0_u32, 0);
        while count < most
            && let Some(digit) = self.peek().and_then(|c| c.to_digit(radix))
        {
            self.next();
            code = code.checked_mul(radix).and_then(|code| code.checked_add(digit)).ok_or(RegexError::Escape)?;
            count += 1;
        }
        if count < least {
            return Err(RegexError::Escape);
        }
        char::from_u32(code).ok_or(RegexError::Escape)
    }

    /// What follows `[`.
    fn bracket(&mut self) -> Result<Node, RegexError> {
        if self.eat("[:<:]]") {
            return Ok(Node::Assert(Assertion::WordStart));
        }
        if self.eat("[:>:]]") {
            return Ok(Node::Assert(Assertion::WordEnd));
        }
        let negated = self.eat("^");
        let mut set = class::empty();
        let mut is_first = true;
        loop {
            let c = self.peek().ok_or(RegexError::Brackets)?;
            if c == ']' && !is_first {
                self.next();
                break;
            }
            let is_plain_hyphen = is_first || self.rest.starts_with("-]");
            if c == '-' && !is_plain_hyphen {
                return Err(RegexError::Range);
            }
            is_first = false;
            match self.bracket_item()? {
                BracketItem::Class(class) => {
                    if self.is_range() {
                        return Err(RegexError::Range);
                    }
                    set.union(&class);
                }
                BracketItem::Char(from) => {
                    let to = if self.is_range() {
                        self.next();
                        match self.bracket_item()? {
                            BracketItem::Char(to) => to,
                            BracketItem::Class(_) => return Err(RegexError::Range),
                        }
                    } else {
                        from
                    };
                    if to < from {
                        return Err(RegexError::Range);
                    }
                    set.push(regex_syntax::hir::ClassUnicodeRange::new(from, to));
                }
            }
        }
        let mut set = class::folded(set, self.syntax.ignore_case);
        if negated {
            set.negate();
            if self.syntax.newline_stops {
                set.difference(&class::single('\n'));
            }
        }
        Ok(Node::Set(set))
    }

    fn is_range(&self) -> bool {
        self.rest.starts_with('-') && !self.rest.starts_with("-]")
    }

    fn bracket_item(&mut self) -> Result<BracketItem, RegexError> {
        let c = self.next().ok_or(RegexError::Brackets)?;
        match (c, self.peek()) {
            ('[', Some(kind @ (':' | '.' | '='))) => {
                self.next();
                let end = format!("{kind}]");
                let length = self.rest.find(&end).ok_or(RegexError::Brackets)?;
                let name = self.rest.get(..length).unwrap_or_default();
                self.rest = self.rest.get(length + end.len()..).unwrap_or_default();
                if kind == ':' {
                    let named = NamedClass::by_name(name).ok_or(RegexError::Class)?;
                    return Ok(BracketItem::Class(class::named(named, self.syntax.ignore_case)));
                }
                let mut chars = name.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(BracketItem::Char(c)),
                    _ => Err(RegexError::Collation),
                }
            }
            ('\\', _) => match self.escape()? {
                Escape::Char(c) => Ok(BracketItem::Char(c)),
                Escape::Class(named, negated) => Ok(BracketItem::Class(class::escape(named, negated))),
                Escape::Assert(_) | Escape::Backreference(_) => Err(RegexError::Escape),
            },
            _ => Ok(BracketItem::Char(c)),
        }
    }
}

enum BracketItem {
    Char(char),
    Class(ClassUnicode),
}

/// The same without remembering what groups match.
fn without_groups(node: Node) -> Node {
    match node {
        Node::Group(_, inner) => without_groups(*inner),
        Node::Concat(parts) => Node::Concat(parts.into_iter().map(without_groups).collect()),
        Node::Alternate(parts) => Node::Alternate(parts.into_iter().map(without_groups).collect()),
        Node::Repeat { node, min, max, greedy } => {
            Node::Repeat { node: Box::new(without_groups(*node)), min, max, greedy }
        }
        other => other,
    }
}
