use super::*;

/// The tokens' texts, those of strings and quoted names as they read.
fn texts(sql: &str) -> Vec<String> {
    let tokens = tokens(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let text = |token: &Token| {
        let text = &sql[token.start as usize..token.end as usize];
        match &token.kind {
            TokenKind::QuotedName(name) => format!("<{name}>"),
            TokenKind::String(None) => format!("[{}]", &text[1..text.len() - 1]),
            TokenKind::String(Some(value)) => format!("[{value}]"),
            _ => text.to_owned(),
        }
    };
    tokens.iter().filter(|token| token.kind != TokenKind::End).map(text).collect()
}

#[test]
fn tokens_are_those_of_postgresql() {
    let cases: [(&str, &[&str]); 17] = [
        ("SELECT a,b FROM t -- x\n", &["SELECT", "a", ",", "b", "FROM", "t"]),
        ("/* a /* b */ c */ 1.5 .5 1. 1e3 1.5E-3 1..2", &["1.5", ".5", "1.", "1e3", "1.5E-3", "1", "..", "2"]),
        ("'it''s' 'a' 'b'", &["[it's]", "[a]", "[b]"]),
        ("'a'\n 'b' -- c\n'd'", &["[abd]"]),
        ("'a' -- c\n'b'", &["[ab]"]),
        (r"E'\n\t\x41\101\u0041\q' e'a'", &["[\n\tAAAq]", "[a]"]),
        (r"E'\ud83d\ude00' U&'\0041\+01F600' U&'d!0061' UESCAPE '!'", &["[😀]", "[A😀]", "[da]"]),
        (r#""a""b" U&"d\0061""#, &["<a\"b>", "<da>"]),
        ("$$it's$$ $x$ $$ $x$ $1", &["[it's]", "[ $$ ]", "$1"]),
        ("a<=-1 b@-1 c*-1 d!=-1", &["a", "<=", "-", "1", "b", "@-", "1", "c", "*", "-", "1", "d", "!=-", "1"]),
        ("1+--c\n2 */* d */3", &["1", "+", "2", "*", "3"]),
        ("a::int[1] := => :b", &["a", "::", "int", "[", "1", "]", ":=", "=>", ":", "b"]),
        ("x'1f' b'01' n'a'", &["x'1f'", "b'01'", "n", "[a]"]),
        ("é_1$ Größe", &["é_1$", "Größe"]),
        ("a#>>'{b}' c->>'d' e||f", &["a", "#>>", "[{b}]", "c", "->>", "[d]", "e", "||", "f"]),
        ("\\ {", &["\\", "{"]),
        ("", &[]),
    ];
    for (sql, expected) in cases {
        assert_eq!(texts(sql), expected, "{sql}");
    }
}

#[test]
fn what_does_not_end_or_cannot_be_read_is_refused_where_it_stands() {
    let cases = [
        ("SELECT 'x", "42601", "unterminated quoted string at or near \"'x\"", Some(8)),
        ("SELECT \"x", "42601", "unterminated quoted identifier at or near \"\"x\"", Some(8)),
        ("SELECT /* x", "42601", "unterminated /* comment at or near \"/* x\"", Some(8)),
        ("SELECT $a$ x", "42601", "unterminated dollar-quoted string at or near \"$a$ x\"", Some(8)),
        ("SELECT $a", "42601", "syntax error at or near \"$\"", Some(8)),
        ("SELECT \"\"", "42601", "zero-length delimited identifier at or near \"\"\"\"", Some(8)),
        ("SELECT 1a", "42601", "trailing junk after numeric literal at or near \"1a\"", Some(8)),
        ("SELECT 1e", "42601", "trailing junk after numeric literal at or near \"1e\"", Some(8)),
        ("SELECT $1a", "42601", "trailing junk after parameter at or near \"$1a\"", Some(8)),
        (r"SELECT E'\u12'", "22025", "invalid Unicode escape", Some(10)),
        (r"SELECT E'\ud800'", "42601", "invalid Unicode surrogate pair at or near \"'\"", Some(16)),
        (r"SELECT E'\u0000'", "42601", "invalid Unicode escape value at or near \"\\u0000\"", Some(10)),
        (r"SELECT E'\xff'", "22021", "invalid byte sequence for encoding \"UTF8\": 0xff", None),
        (r"SELECT E'\xe4\xb8'", "22021", "invalid byte sequence for encoding \"UTF8\": 0xe4 0xb8", None),
        (r"SELECT U&'\00'", "42601", "invalid Unicode escape", Some(11)),
        ("SELECT U&'a' UESCAPE '+'", "42601", "invalid Unicode escape character at or near \"'+'\"", Some(22)),
    ];
    for (sql, state, message, position) in cases {
        let error = tokens(sql).unwrap_err();
        assert_eq!((error.state.0, error.message.as_str(), error.fields.position), (state, message, position), "{sql}");
    }
}

#[test]
fn every_keyword_is_found_and_nothing_else() {
    for word in ["select", "SELECT", "SeLeCt"] {
        assert_eq!(Keyword::of(word), Some(Keyword::Select));
    }
    for word in ["selec", "selects", "top", "qualify", "pivot", "", "é", "zzz", "a_very_long_word_that_is_none"] {
        assert_eq!(Keyword::of(word), None);
    }
    assert_eq!(Keyword::of("current_timestamp"), Some(Keyword::CurrentTimestamp));
    assert_eq!(Keyword::Abort.word(), "abort");
    assert_eq!(Keyword::Zone.word(), "zone");
}
