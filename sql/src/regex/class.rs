//! Sets of characters.
//!
//! Letters are those of Unicode, as in a PostgreSQL database with the character type C.UTF-8; digits are `0` to `9`.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// A set with a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are POSIX's")]
pub enum NamedClass {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Xdigit,
    Word,
}

/// The names, and the sets in the syntax of the crate that has Unicode's tables.
const NAMED: [(&str, NamedClass, &str); 13] = [
    ("alnum", NamedClass::Alnum, r"[\p{Alphabetic}\p{Nd}]"),
    ("alpha", NamedClass::Alpha, r"\p{Alphabetic}"),
    ("blank", NamedClass::Blank, r"[\t\p{Zs}]"),
    ("cntrl", NamedClass::Cntrl, r"\p{Cc}"),
    ("digit", NamedClass::Digit, "[0-9]"),
    ("graph", NamedClass::Graph, r"[^\p{White_Space}\p{C}]"),
    ("lower", NamedClass::Lower, r"\p{Lowercase}"),
    ("print", NamedClass::Print, r"[^\p{Zl}\p{Zp}\p{C}]"),
    ("punct", NamedClass::Punct, r"[\p{P}\p{S}]"),
    ("space", NamedClass::Space, r"\p{White_Space}"),
    ("upper", NamedClass::Upper, r"\p{Uppercase}"),
    ("xdigit", NamedClass::Xdigit, "[0-9A-Fa-f]"),
    ("word", NamedClass::Word, r"[\p{Alphabetic}\p{Nd}_]"),
];

static SETS: LazyLock<Vec<(NamedClass, ClassUnicode)>> =
    LazyLock::new(|| NAMED.iter().map(|(_, named, syntax)| (*named, parsed(syntax).unwrap_or_else(empty))).collect());

fn parsed(syntax: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(syntax).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        _ => None,
    }
}

impl NamedClass {
    /// The class that `[:name:]` names.
    pub fn by_name(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, ..)| *known == name).map(|(_, named, _)| *named)
    }
}

/// No character.
pub fn empty() -> ClassUnicode {
    ClassUnicode::empty()
}

/// One character.
pub fn single(c: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(c, c)])
}

/// All characters, perhaps but for the newline.
pub fn any(but_newline: bool) -> ClassUnicode {
    let mut set = if but_newline { single('\n') } else { empty() };
    set.negate();
    set
}

/// The set of a name. Where case does not count, there is neither upper nor lower.
pub fn named(class: NamedClass, ignore_case: bool) -> ClassUnicode {
    let class = match class {
        NamedClass::Upper | NamedClass::Lower if ignore_case => NamedClass::Alpha,
        other => other,
    };
    SETS.iter().find(|(known, _)| *known == class).map_or_else(empty, |(_, set)| set.clone())
}

/// The set of an escape such as `\d`, or of `\D`.
pub fn escape(class: NamedClass, negated: bool) -> ClassUnicode {
    let mut set = named(class, false);
    if negated {
        set.negate();
    }
    set
}

/// The set with both cases of its letters, where case does not count.
pub fn folded(mut set: ClassUnicode, ignore_case: bool) -> ClassUnicode {
    if ignore_case {
        set.case_fold_simple();
    }
    set
}

/// Whether a character is in the set.
pub fn contains(set: &ClassUnicode, c: char) -> bool {
    let ranges = set.ranges();
    let found = ranges.binary_search_by(|range| {
        if range.end() < c {
            std::cmp::Ordering::Less
        } else if range.start() > c {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    });
    found.is_ok()
}

/// Whether a character belongs to a word.
pub fn is_word(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => true,
        c if c.is_ascii() => false,
        c => SETS.iter().find(|(known, _)| *known == NamedClass::Word).is_some_and(|(_, set)| contains(set, c)),
    }
}
