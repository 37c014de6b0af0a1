//! PostgreSQL's advanced regular expressions.
//!
//! ```text
//!  pattern ─ syntax ─► Node ─┬─ automaton (regex-automata): whether, and where, in time linear in the text
//!                            └─ matcher: groups by PostgreSQL's rules; references back, looking around
//! ```
//!
//! PostgreSQL looks for the match that begins first, and of those for the longest one (or the shortest, if the pattern
//! prefers that), where other engines take the first alternative that leads to a match. So the automaton is asked
//! twice: where the first match begins, and how far the matches from there reach.
//! Source: PostgreSQL's documentation, "POSIX Regular Expressions", "Regular Expression Matching Rules".

mod class;
mod matcher;
pub mod similar;
mod syntax;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, OnceLock};

use lru::LruCache;
use parking_lot::Mutex;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::hir::{self, Class, Hir, Look};

use crate::error::{Result, SqlError, SqlState};
use matcher::{Matcher, prefers_longer};
use syntax::{Assertion, Node};

pub use matcher::Groups;

/// How large an automaton may become.
const MAX_AUTOMATON_BYTES: usize = 1024 * 1024;

/// How much an automaton may keep of what it has found out.
const MAX_CACHE_BYTES: usize = 256 * 1024;

/// How many patterns are kept.
const MAX_KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("BUG: 64 is not zero");

/// The longest pattern that is kept.
const MAX_KEPT_BYTES: usize = 4 * 1024;

/// How a pattern is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Syntax {
    /// Case does not count.
    pub ignore_case: bool,
    /// `.` and `[^…]` do not match a newline.
    pub newline_stops: bool,
    /// `^` and `$` match at newlines too.
    pub newline_anchors: bool,
    /// Blanks and comments are passed over.
    pub expanded: bool,
    /// The pattern is a text, not a pattern.
    pub literal: bool,
}

impl Syntax {
    /// Sets what a letter stands for. The error is none for a letter that stands for nothing.
    pub(crate) fn set(&mut self, flag: char) -> Result<(), Option<RegexError>> {
        match flag {
            'i' => self.ignore_case = true,
            'c' => self.ignore_case = false,
            'm' | 'n' => (self.newline_stops, self.newline_anchors) = (true, true),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'q' => self.literal = true,
            't' => self.expanded = false,
            'x' => self.expanded = true,
            'b' | 'e' => return Err(Some(RegexError::OtherFlavour)),
            _ => return Err(None),
        }
        Ok(())
    }
}

/// Why a pattern cannot be read, or not be searched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegexError {
    /// `(` or `)` without the other.
    Parentheses,
    /// `[` without `]`.
    Brackets,
    /// `{` without `}`.
    Braces,
    /// A quantifier that has nothing to quantify.
    Quantifier,
    /// Repetitions that cannot be.
    Bound,
    /// An escape that there is not.
    Escape,
    /// A class that there is not.
    Class,
    /// A range whose end is before its start.
    Range,
    /// A reference to a group that is not closed yet.
    Backreference,
    /// A collating element that there is not.
    Collation,
    /// A flag that there is not.
    Option,
    /// Too large or too slow.
    TooComplex,
    /// Basic and extended regular expressions.
    OtherFlavour,
}

impl From<RegexError> for SqlError {
    fn from(error: RegexError) -> Self {
        let message = match error {
            RegexError::Parentheses => "parentheses () not balanced",
            RegexError::Brackets => "brackets [] not balanced",
            RegexError::Braces => "braces {} not balanced",
            RegexError::Quantifier => "quantifier operand invalid",
            RegexError::Bound => "invalid repetition count(s)",
            RegexError::Escape => "invalid escape \\ sequence",
            RegexError::Class => "invalid character class",
            RegexError::Range => "invalid character range",
            RegexError::Backreference => "invalid backreference number",
            RegexError::Collation => "invalid collating element",
            RegexError::Option => "invalid embedded option",
            RegexError::TooComplex => "regular expression is too complex",
            RegexError::OtherFlavour => {
                return Self::unsupported("a basic or extended regular expression (the flags b and e)");
            }
        };
        Self::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {message}"))
    }
}

/// A regular expression that is ready to be searched for.
#[derive(Debug)]
pub struct Regex {
    root: Node,
    groups: usize,
    /// None if no automaton can search for it.
    automaton: Option<meta::Regex>,
    /// Finds how far matches reach; none if the automaton already tells.
    lengths: Option<OnceLock<Option<PikeVM>>>,
    longest: bool,
}

type Kept = Mutex<LruCache<(Box<str>, Syntax), Arc<Regex>>>;

static KEPT: LazyLock<Kept> = LazyLock::new(|| Mutex::new(LruCache::new(MAX_KEPT)));

/// The regular expression of a pattern; the last ones are kept.
pub fn compile(pattern: &str, syntax: Syntax) -> Result<Arc<Regex>> {
    let key = (Box::from(pattern), syntax);
    if let Some(kept) = KEPT.lock().get(&key) {
        return Ok(Arc::clone(kept));
    }
    let regex = Arc::new(Regex::new(pattern, syntax)?);
    if pattern.len() <= MAX_KEPT_BYTES {
        KEPT.lock().put(key, Arc::clone(&regex));
    }
    Ok(regex)
}

impl Regex {
    fn new(pattern: &str, syntax: Syntax) -> Result<Self, RegexError> {
        let parsed = syntax::parse(pattern, syntax)?;
        let automaton = match hir_of(&parsed.root) {
            None => None,
            Some(hir) => {
                let config = meta::Config::new()
                    .which_captures(WhichCaptures::Implicit)
                    .nfa_size_limit(Some(MAX_AUTOMATON_BYTES))
                    .hybrid_cache_capacity(MAX_CACHE_BYTES)
                    .dfa(false);
                let built = meta::Builder::new().configure(config).build_from_hir(&hir);
                Some(built.map_err(|_| RegexError::TooComplex)?)
            }
        };
        let lengths = (!is_decided(&parsed.root)).then(OnceLock::new);
        let longest = prefers_longer(&parsed.root);
        Ok(Self { root: parsed.root, groups: parsed.groups, automaton, lengths, longest })
    }

    /// How many groups it has.
    pub fn group_count(&self) -> usize {
        self.groups
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        match &self.automaton {
            Some(automaton) => Ok(automaton.is_match(text)),
            None => Ok(self.find_at(text, 0)?.is_some()),
        }
    }

    /// Where the first match is that begins at a place or behind it.
    pub fn find_at(&self, text: &str, from: usize) -> Result<Option<(usize, usize)>> {
        let Some(automaton) = &self.automaton else {
            let groups = Matcher::new(text, &self.root, self.groups).find(&self.root, from)?;
            return Ok(groups.and_then(|groups| groups.first().copied().flatten()));
        };
        let Some(found) = automaton.search(&Input::new(text).range(from..)) else { return Ok(None) };
        match &self.lengths {
            None => Ok(Some((found.start(), found.end()))),
            Some(lengths) => Ok(Some((found.start(), self.reach(lengths, text, found.start())?))),
        }
    }

    /// How far the preferred match from a place reaches.
    fn reach(&self, lengths: &OnceLock<Option<PikeVM>>, text: &str, start: usize) -> Result<usize> {
        let machine = lengths.get_or_init(|| {
            let hir = hir_of(&self.root)?;
            let config = thompson::Config::new()
                .which_captures(WhichCaptures::Implicit)
                .nfa_size_limit(Some(MAX_AUTOMATON_BYTES));
            let nfa = thompson::Compiler::new().configure(config).build_from_hir(&hir).ok()?;
            let config = PikeVM::config().match_kind(MatchKind::All);
            PikeVM::builder().configure(config).build_from_nfa(nfa).ok()
        });
        let machine = machine.as_ref().ok_or(RegexError::TooComplex)?;
        let input = Input::new(text).range(start..).anchored(Anchored::Yes).earliest(!self.longest);
        let mut slots = [None; 2];
        machine.search_slots(&mut machine.create_cache(), &input, &mut slots);
        Ok(slots.get(1).copied().flatten().map_or(start, |end| end.get()))
    }

    /// The first match that begins at a place or behind it, with its groups.
    pub fn groups_at(&self, text: &str, from: usize) -> Result<Option<Groups>> {
        if self.automaton.is_none() {
            return Ok(Matcher::new(text, &self.root, self.groups).find(&self.root, from)?);
        }
        let Some((start, end)) = self.find_at(text, from)? else { return Ok(None) };
        if self.groups == 0 {
            return Ok(Some(vec![Some((start, end))]));
        }
        Ok(Some(Matcher::new(text, &self.root, self.groups).groups_of(&self.root, start, end)?))
    }
}

/// The pattern for an automaton; none if it is no regular one. Groups are found by the matcher.
fn hir_of(node: &Node) -> Option<Hir> {
    Some(match node {
        Node::Empty => Hir::empty(),
        Node::Set(set) => Hir::class(Class::Unicode(set.clone())),
        Node::Group(_, inner) => hir_of(inner)?,
        Node::Concat(parts) => Hir::concat(parts.iter().map(hir_of).collect::<Option<_>>()?),
        Node::Alternate(branches) => Hir::alternation(branches.iter().map(hir_of).collect::<Option<_>>()?),
        Node::Repeat { node, min, max, greedy } => Hir::repetition(hir::Repetition {
            min: *min,
            max: *max,
            greedy: greedy.unwrap_or(true),
            sub: Box::new(hir_of(node)?),
        }),
        Node::Assert(assertion) => Hir::look(match assertion {
            Assertion::Start => Look::Start,
            Assertion::End => Look::End,
            Assertion::LineStart => Look::StartLF,
            Assertion::LineEnd => Look::EndLF,
            Assertion::WordStart => Look::WordStartUnicode,
            Assertion::WordEnd => Look::WordEndUnicode,
            Assertion::WordBoundary => Look::WordUnicode,
            Assertion::NotWordBoundary => Look::WordUnicodeNegate,
        }),
        Node::Look { .. } | Node::Backreference(_) => return None,
    })
}

/// Whether there is only one way to match from a place, so that the first match found is the preferred one: there are no
/// alternatives, and one repetition of single characters at most.
fn is_decided(root: &Node) -> bool {
    fn count(node: &Node, open: &mut usize) {
        match node {
            Node::Empty | Node::Set(_) | Node::Assert(_) => {}
            Node::Group(_, inner) => count(inner, open),
            Node::Concat(parts) => parts.iter().for_each(|part| count(part, open)),
            Node::Repeat { node, min, max, .. } if Some(*min) == *max => count(node, open),
            Node::Repeat { node, .. } => {
                *open += 1;
                if !matches!(node.as_ref(), Node::Set(_)) {
                    *open += 1;
                }
            }
            Node::Alternate(_) | Node::Look { .. } | Node::Backreference(_) => *open += 2,
        }
    }
    let mut open = 0;
    count(root, &mut open);
    open <= 1
}
