//! Matching by PostgreSQL's rules where an automaton cannot do it: which part of a match belongs to which group,
//! references back, looking ahead and behind.
//!
//! `ends` answers where matches of a part that begin at a place can end; the answers are kept, so that the work is
//! bounded by the size of the pattern and the square of that of the text. A reference back is taken there for anything
//! that its group could match. `dissect` then finds for a match that is known to exist which part of it is what: of two
//! parts in a row the first one gets as much as it prefers, then the second, and so on down; and it checks the references.

use std::collections::HashMap;
use std::rc::Rc;

use super::RegexError;
use super::class;
use super::syntax::{Assertion, Node};

/// How many places may be looked at for one match.
const MAX_STEPS: usize = 4_000_000;

/// The parts of a text that groups have matched; the first one is the whole match.
pub type Groups = Vec<Option<(usize, usize)>>;

/// A search in one text.
pub struct Matcher<'a> {
    text: &'a str,
    /// The groups of the pattern, for references to them.
    bodies: HashMap<usize, &'a Node>,
    ends: HashMap<(usize, usize), Rc<[usize]>>,
    steps: usize,
    groups: Groups,
}

impl<'a> Matcher<'a> {
    /// A search for a pattern with so many groups.
    pub fn new(text: &'a str, root: &'a Node, groups: usize) -> Self {
        let mut bodies = HashMap::new();
        find_groups(root, &mut bodies);
        Self { text, bodies, ends: HashMap::new(), steps: 0, groups: vec![None; groups + 1] }
    }

    /// The groups of the first match that begins at a place or behind it.
    pub fn find(mut self, root: &'a Node, from: usize) -> Result<Option<Groups>, RegexError> {
        let starts = self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).filter(|at| *at >= from);
        for start in starts {
            let ends = self.ends(root, start)?;
            for end in in_order(&ends, prefers_longer(root)) {
                if self.dissect(root, start, end)? {
                    return Ok(Some(self.into_groups(start, end)));
                }
            }
        }
        Ok(None)
    }

    /// The groups of a match whose ends are known.
    pub fn groups_of(mut self, root: &'a Node, start: usize, end: usize) -> Result<Groups, RegexError> {
        self.dissect(root, start, end)?;
        Ok(self.into_groups(start, end))
    }

    fn into_groups(mut self, start: usize, end: usize) -> Groups {
        if let Some(whole) = self.groups.first_mut() {
            *whole = Some((start, end));
        }
        self.groups
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn char_before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    /// Counts places that are looked at.
    fn spend(&mut self, steps: usize) -> Result<(), RegexError> {
        self.steps += steps;
        if self.steps > MAX_STEPS { Err(RegexError::TooComplex) } else { Ok(()) }
    }

    /// Where matches of a part that begin at a place can end, in order.
    fn ends(&mut self, node: &'a Node, at: usize) -> Result<Rc<[usize]>, RegexError> {
        let key = (std::ptr::from_ref(node).addr(), at);
        if let Some(known) = self.ends.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut ends = self.compute_ends(node, at)?;
        ends.sort_unstable();
        ends.dedup();
        self.spend(ends.len() + 1)?;
        let ends: Rc<[usize]> = ends.into();
        self.ends.insert(key, Rc::clone(&ends));
        Ok(ends)
    }

    fn compute_ends(&mut self, node: &'a Node, at: usize) -> Result<Vec<usize>, RegexError> {
        let here = |holds: bool| if holds { vec![at] } else { Vec::new() };
        Ok(match node {
            Node::Empty => vec![at],
            Node::Set(set) => {
                let next = self.char_at(at).filter(|c| class::contains(set, *c));
                next.map(|c| at + c.len_utf8()).into_iter().collect()
            }
            Node::Group(_, inner) => self.ends(inner, at)?.to_vec(),
            Node::Assert(assertion) => here(self.holds(*assertion, at)),
            Node::Look { ahead: true, negated, node } => here(self.ends(node, at)?.is_empty() == *negated),
            Node::Look { ahead: false, negated, node } => here(self.is_behind(node, at)? != *negated),
            Node::Backreference(group) => match self.bodies.get(group).copied() {
                Some(body) => self.ends(body, at)?.to_vec(),
                None => Vec::new(),
            },
            Node::Alternate(branches) => {
                let mut ends = Vec::new();
                for branch in branches {
                    ends.extend_from_slice(&self.ends(branch, at)?);
                }
                ends
            }
            Node::Concat(parts) => self.chain_ends(parts, at)?,
            Node::Repeat { node, min, max, .. } => self.repeat_ends(node, *min, *max, at)?,
        })
    }

    fn chain_ends(&mut self, parts: &'a [Node], at: usize) -> Result<Vec<usize>, RegexError> {
        let mut places = vec![at];
        for part in parts {
            let mut next = Vec::new();
            for place in places {
                let ends = self.ends(part, place)?;
                self.spend(ends.len())?;
                next.extend_from_slice(&ends);
            }
            next.sort_unstable();
            next.dedup();
            places = next;
        }
        Ok(places)
    }

    fn repeat_ends(&mut self, node: &'a Node, min: u32, max: Option<u32>, at: usize) -> Result<Vec<usize>, RegexError> {
        let mut level = vec![at];
        for _ in 0..min {
            let next = self.step(node, &level)?;
            // More rounds only reach the same places.
            if next == level {
                break;
            }
            level = next;
            if level.is_empty() {
                return Ok(level);
            }
        }
        let mut all = level.clone();
        let mut rounds = max.map(|max| max - min);
        while !level.is_empty() && rounds != Some(0) {
            let mut next = self.step(node, &level)?;
            all.sort_unstable();
            self.spend(all.len() / 16 + 1)?;
            next.retain(|place| all.binary_search(place).is_err());
            all.extend_from_slice(&next);
            level = next;
            rounds = rounds.map(|rounds| rounds - 1);
        }
        Ok(all)
    }

    fn step(&mut self, node: &'a Node, places: &[usize]) -> Result<Vec<usize>, RegexError> {
        let mut next = Vec::new();
        for place in places {
            let ends = self.ends(node, *place)?;
            self.spend(ends.len())?;
            next.extend_from_slice(&ends);
        }
        next.sort_unstable();
        next.dedup();
        Ok(next)
    }

    /// Whether a match of the part ends at a place.
    fn is_behind(&mut self, node: &'a Node, at: usize) -> Result<bool, RegexError> {
        let starts: Vec<usize> = self
            .text
            .char_indices()
            .map(|(start, _)| start)
            .chain([self.text.len()])
            .take_while(|s| *s <= at)
            .collect();
        self.spend(starts.len())?;
        for start in starts.into_iter().rev() {
            if self.ends(node, start)?.binary_search(&at).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let (before, after) = (self.char_before(at), self.char_at(at));
        let (word_before, word_after) = (before.is_some_and(class::is_word), after.is_some_and(class::is_word));
        match assertion {
            Assertion::Start => at == 0,
            Assertion::End => after.is_none(),
            Assertion::LineStart => matches!(before, None | Some('\n')),
            Assertion::LineEnd => matches!(after, None | Some('\n')),
            Assertion::WordStart => !word_before && word_after,
            Assertion::WordEnd => word_before && !word_after,
            Assertion::WordBoundary => word_before != word_after,
            Assertion::NotWordBoundary => word_before == word_after,
        }
    }

    fn can_end(&mut self, node: &'a Node, start: usize, end: usize) -> Result<bool, RegexError> {
        Ok(self.ends(node, start)?.binary_search(&end).is_ok())
    }

    /// Finds what belongs to which group in a match of a part; false if references back contradict it.
    fn dissect(&mut self, node: &'a Node, start: usize, end: usize) -> Result<bool, RegexError> {
        self.spend(1)?;
        match node {
            Node::Empty | Node::Set(_) | Node::Assert(_) | Node::Look { .. } => Ok(true),
            Node::Backreference(group) => {
                let earlier = self.groups.get(*group).copied().flatten();
                let earlier = earlier.and_then(|(from, to)| self.text.get(from..to));
                Ok(earlier.is_some() && earlier == self.text.get(start..end))
            }
            Node::Group(group, inner) => {
                let holds = self.dissect(inner, start, end)?;
                if let Some(slot) = self.groups.get_mut(*group).filter(|_| holds) {
                    *slot = Some((start, end));
                }
                Ok(holds)
            }
            Node::Concat(parts) => self.dissect_chain(parts, start, end),
            Node::Alternate(branches) => {
                for branch in branches {
                    if self.can_end(branch, start, end)? {
                        let saved = self.groups.clone();
                        if self.dissect(branch, start, end)? {
                            return Ok(true);
                        }
                        self.groups = saved;
                    }
                }
                Ok(false)
            }
            Node::Repeat { min, .. } if start == end && *min == 0 => Ok(true),
            Node::Repeat { node, .. } if !is_remembered(node) => Ok(true),
            Node::Repeat { node, min, max, .. } => {
                let least = usize::try_from(*min).unwrap_or(usize::MAX).max(1);
                let most = max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
                self.dissect_rounds(node, (least, most.max(least)), start, end)
            }
        }
    }

    /// Parts in a row: the first one takes what it prefers of what leaves the others a match.
    fn dissect_chain(&mut self, parts: &'a [Node], start: usize, end: usize) -> Result<bool, RegexError> {
        let Some((first, rest)) = parts.split_first() else { return Ok(start == end) };
        if rest.is_empty() {
            return Ok(self.can_end(first, start, end)? && self.dissect(first, start, end)?);
        }
        let ends = self.ends(first, start)?;
        for middle in in_order(&ends, prefers_longer(first)).filter(|middle| *middle <= end) {
            if !self.chain_reaches(rest, middle, end)? {
                continue;
            }
            let saved = self.groups.clone();
            if self.dissect(first, start, middle)? && self.dissect_chain(rest, middle, end)? {
                return Ok(true);
            }
            self.groups = saved;
        }
        Ok(false)
    }

    fn chain_reaches(&mut self, parts: &'a [Node], start: usize, end: usize) -> Result<bool, RegexError> {
        let key = (parts.as_ptr().addr() + 1, start);
        if let Some(known) = self.ends.get(&key) {
            return Ok(known.binary_search(&end).is_ok());
        }
        let mut ends = self.chain_ends(parts, start)?;
        ends.sort_unstable();
        self.spend(ends.len() + 1)?;
        let reaches = ends.binary_search(&end).is_ok();
        self.ends.insert(key, ends.into());
        Ok(reaches)
    }

    /// Rounds of a repetition, each of which takes what it prefers of what leaves the next ones a match.
    fn dissect_rounds(
        &mut self,
        node: &'a Node,
        (least, most): (usize, usize),
        start: usize,
        end: usize,
    ) -> Result<bool, RegexError> {
        // Rounds of one character are many, and only the last one is remembered.
        if let Node::Group(_, inner) = node
            && matches!(inner.as_ref(), Node::Set(_))
            && let Some(last) = self.char_before(end).filter(|_| end > start)
        {
            return self.dissect(node, end - last.len_utf8(), end);
        }
        let mut inside = HashMap::new();
        find_groups(node, &mut inside);
        let inside: Vec<usize> = inside.into_keys().collect();
        let longer_first = prefers_longer(node);
        let mut rounds = vec![Round { choices: self.choices(node, start, longer_first)?, start, saved: None }];
        while let Some(round) = rounds.last_mut() {
            if let Some(saved) = round.saved.take() {
                self.groups = saved;
            }
            let Some(middle) = round.choices.pop() else {
                rounds.pop();
                continue;
            };
            let from = round.start;
            round.saved = Some(self.groups.clone());
            let count = rounds.len();
            let is_last = middle == end && count >= least;
            let may_go_on = middle <= end && count < most && (middle > from || count < least);
            if !is_last && !may_go_on {
                continue;
            }
            // What earlier rounds have matched is forgotten.
            for group in &inside {
                if let Some(slot) = self.groups.get_mut(*group) {
                    *slot = None;
                }
            }
            if !self.dissect(node, from, middle)? {
                continue;
            }
            if is_last {
                return Ok(true);
            }
            let choices = self.choices(node, middle, longer_first)?;
            rounds.push(Round { choices, start: middle, saved: None });
        }
        Ok(false)
    }

    /// Where a round that begins at a place can end; the one that is preferred comes last.
    fn choices(&mut self, node: &'a Node, start: usize, longer_first: bool) -> Result<Vec<usize>, RegexError> {
        let ends = self.ends(node, start)?;
        self.spend(ends.len() + self.groups.len())?;
        let mut choices = ends.to_vec();
        if !longer_first {
            choices.reverse();
        }
        Ok(choices)
    }
}

/// A round of a repetition that is being dissected.
struct Round {
    /// Where it may end, the next choice last.
    choices: Vec<usize>,
    start: usize,
    /// The groups as they were before it.
    saved: Option<Groups>,
}

/// Places in the order in which they are preferred.
fn in_order(places: &Rc<[usize]>, longer_first: bool) -> impl Iterator<Item = usize> + use<> {
    let places = Rc::clone(places);
    let count = places.len();
    (0..count).filter_map(move |at| places.get(if longer_first { count - 1 - at } else { at }).copied())
}

/// Whether a part prefers its longest match. What has no preference has the longer one.
pub fn prefers_longer(node: &Node) -> bool {
    preference(node).unwrap_or(true)
}

fn preference(node: &Node) -> Option<bool> {
    match node {
        Node::Empty | Node::Set(_) | Node::Assert(_) | Node::Look { .. } | Node::Backreference(_) => None,
        Node::Group(_, inner) => preference(inner),
        Node::Concat(parts) => parts.iter().find_map(preference),
        Node::Alternate(_) => Some(true),
        Node::Repeat { node, greedy, .. } => greedy.or_else(|| preference(node)),
    }
}

/// Whether a group or a reference to one is inside.
fn is_remembered(node: &Node) -> bool {
    match node {
        Node::Group(..) | Node::Backreference(_) => true,
        Node::Empty | Node::Set(_) | Node::Assert(_) | Node::Look { .. } => false,
        Node::Concat(parts) | Node::Alternate(parts) => parts.iter().any(is_remembered),
        Node::Repeat { node, .. } => is_remembered(node),
    }
}

fn find_groups<'a>(node: &'a Node, groups: &mut HashMap<usize, &'a Node>) {
    match node {
        Node::Group(group, inner) => {
            groups.insert(*group, inner);
            find_groups(inner, groups);
        }
        Node::Concat(parts) | Node::Alternate(parts) => parts.iter().for_each(|part| find_groups(part, groups)),
        Node::Repeat { node, .. } => find_groups(node, groups),
        Node::Empty | Node::Set(_) | Node::Assert(_) | Node::Look { .. } | Node::Backreference(_) => {}
    }
}
