use super::*;

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern, Syntax::default()).unwrap_or_else(|error| panic!("{pattern}: {error:?}"))
}

/// The first match with its groups, `-` for those that took no part.
fn groups(pattern: &str, text: &str) -> Vec<String> {
    let groups = compiled(pattern).groups_at(text, 0).unwrap();
    let part = |part: Option<(usize, usize)>| part.map_or("-".to_owned(), |(from, to)| text[from..to].to_owned());
    groups.into_iter().flatten().map(part).collect()
}

#[test]
fn the_longest_match_and_its_groups_are_those_of_postgresql() {
    let cases: [(&str, &str, &[&str]); 24] = [
        ("a|ab|abc", "abcd", &["abc"]),
        ("(a*)(ab)?", "aab", &["aab", "a", "ab"]),
        ("Y*([0-9]{1,3})", "XY1234Z", &["Y123", "123"]),
        ("Y*?([0-9]{1,3})", "XY1234Z", &["Y1", "1"]),
        (r"(.*)(\d+)(.*)", "abc01234xyz", &["abc01234xyz", "abc0123", "4", "xyz"]),
        (r"(.*?)(\d+)(.*)", "abc01234xyz", &["abc0", "abc", "0", ""]),
        (r"(?:(.*?)(\d+)(.*)){1,1}", "abc01234xyz", &["abc01234xyz", "abc", "01234", "xyz"]),
        ("(a|aa)(a*)", "aaa", &["aaa", "aa", "a"]),
        ("(a|ab)(c|bcd)(d*)", "abcd", &["abcd", "ab", "c", "d"]),
        ("(a|ab|b)*", "abab", &["abab", "ab"]),
        ("((a)|(b))*", "ababa", &["ababa", "a", "a", "-"]),
        ("x(a|b)*y(a|b)*z", "xayaz", &["xayaz", "a", "a"]),
        ("(f)(x)?(o)", "foo", &["fo", "f", "-", "o"]),
        (r"(?:(foo)|(bar))\.(\w+)", "foo.bar", &["foo.bar", "foo", "-", "bar"]),
        (r"^(a+)b\1$", "aabaa", &["aabaa", "aa"]),
        (r"(..)\1", "xabab", &["abab", "ab"]),
        ("foo(?=bar)", "foofoobar", &["foo"]),
        ("(?<=foo)bar", "barfoobar", &["bar"]),
        ("(?<!foo)bar(.)", "foobar1bar2", &["bar2", "2"]),
        (r"\mbar\M", "foobar bar", &["bar"]),
        ("a{2}?", "aaa", &["aa"]),
        ("(a|b|ab)*?c", "ababc", &["ababc", "ab"]),
        ("x{0}", "x", &[""]),
        ("(é+)", "caféé", &["éé", "éé"]),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(groups(pattern, text), expected, "{pattern} in {text}");
    }
}

#[test]
fn patterns_mean_what_they_mean_in_postgresql() {
    let cases = [
        ("a{x", "a{x", true),
        ("[]]", "a]", true),
        ("a||b", "x", true),
        ("(?i)A", "a", true),
        ("a.b", "a\nb", true),
        ("(?n)a.b", "a\nb", false),
        ("(?n)^b", "a\nb", true),
        ("(?p)^b", "a\nb", false),
        ("(?w)a.b", "a\nb", true),
        ("(?n)a[^x]b", "a\nb", false),
        ("(?x)a b # comment", "ab", true),
        ("a(?#comment)b", "ab", true),
        ("***=a.b", "axb", false),
        ("***:a.b", "axb", true),
        (r"\061", "a1", true),
        (r"a\x41b", "aAb", false),
        (r"a\u0041b", "aAb", true),
        (r"[\w-]+$", "a-1", true),
        ("[[:<:]]bar[[:>:]]", "foo bar", true),
        ("^a{2}?$", "aa", true),
        (r"a\Bb", r"a\b", true),
        ("(?q)a.", "ab", false),
        ("[^a]", "\n", true),
        ("(?i)STRASSE", "Straße", false),
        ("(?=a)b", "ab", false),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(compiled(pattern).is_match(text).unwrap(), expected, "{pattern} in {text:?}");
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    let cases = [
        ("*", RegexError::Quantifier),
        ("(", RegexError::Parentheses),
        (")", RegexError::Parentheses),
        ("[", RegexError::Brackets),
        ("[]", RegexError::Brackets),
        ("a{2", RegexError::Braces),
        ("a{2,1}", RegexError::Bound),
        ("a{256}", RegexError::Bound),
        ("a**", RegexError::Quantifier),
        ("^*", RegexError::Quantifier),
        ("(?=a)*", RegexError::Quantifier),
        ("a{1,2}{2}", RegexError::Quantifier),
        ("\\", RegexError::Escape),
        (r"\q", RegexError::Escape),
        ("[[:foo:]]", RegexError::Class),
        ("[b-a]", RegexError::Range),
        ("[a-c-e]", RegexError::Range),
        (r"(a)\2", RegexError::Backreference),
        (r"(a\1)", RegexError::Backreference),
        ("(?z)a", RegexError::Option),
        ("(?e)a", RegexError::OtherFlavour),
        ("[[.foo.]]", RegexError::Collation),
        ("(((x{255}){255}){255}){255}", RegexError::TooComplex),
    ];
    for (pattern, expected) in cases {
        assert_eq!(Regex::new(pattern, Syntax::default()).unwrap_err(), expected, "{pattern}");
    }
    let nested = format!("{}{}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(Regex::new(&nested, Syntax::default()).unwrap_err(), RegexError::TooComplex);
}

#[test]
fn hostile_patterns_end() {
    let text = "a".repeat(30_000);
    for pattern in [r"(a*)*\1b", "(a|aa)+$", r"(x+x+)+\1y", "(a*)*", r"((a+)+)\2$", "(?<=a*)b"] {
        // Found, not found, or given up: all that matters is that it comes to an end.
        let _ = compiled(pattern).groups_at(&text, 0);
    }
}

#[test]
fn similar_patterns_are_translated() {
    let cases = [
        ("a%b_c(d|e)[%_]{2}\\%", Some('\\'), r"^(?:a.*b.c(?:d|e)[%_]{2}\%)$"),
        ("a#\"b#\"c", Some('#'), "^(?:a){1,1}?(b){1,1}(?:c)$"),
        ("[]a]%", Some('#'), "^(?:[]a].*)$"),
        ("[^]a]", Some('#'), "^(?:[^]a])$"),
        ("[\\a]%_", None, r"^(?:[\\a].*.)$"),
        ("a\\%b.c^$", Some('#'), r"^(?:a\\.*b\.c\^\$)$"),
        ("#[a", Some('#'), r"^(?:\[a)$"),
    ];
    for (pattern, escape, expected) in cases {
        assert_eq!(similar::to_regex(pattern, escape).unwrap(), expected, "{pattern}");
    }
}
