-- LIKE, SIMILAR TO, regular expressions (chapter 9.7).
SELECT 'abc' LIKE 'abc', 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'abc' LIKE 'c', 'abc' LIKE '', '' LIKE '', '' LIKE '%', 'a' LIKE '%%', 'abc' NOT LIKE 'a%';
SELECT 'a%c' LIKE 'a\%c', 'abc' LIKE 'a\%c', 'a_c' LIKE 'a!_c' ESCAPE '!', 'abc' LIKE 'a!_c' ESCAPE '!', 'a\c' LIKE 'a\c' ESCAPE '', 'a\c' LIKE 'a\\c';
SELECT 'abc' LIKE 'ab\';
SELECT 'abc' LIKE 'a' ESCAPE 'xx';
SELECT 'ABC' ILIKE 'abc', 'ÄB' ILIKE 'äb', 'abc' NOT ILIKE 'A%', 'a' ~~ 'a', 'a' !~~ 'b', 'A' ~~* 'a', 'A' !~~* 'b';
SELECT NULL LIKE 'a', 'a' LIKE NULL, 'a' LIKE 'a' ESCAPE NULL;
SELECT '日本語' LIKE '__語', 'é' LIKE '_', 'a' || chr(10) || 'b' LIKE 'a%b', 'a' || chr(10) || 'b' LIKE 'a_b';
SELECT 1 LIKE '1';
SELECT 'a' LIKE ANY(ARRAY['b', 'a']), 'a' NOT LIKE ALL(ARRAY['b', 'c']), 'ab' ILIKE ALL(ARRAY['A%', '%B']);
SELECT 'abc' SIMILAR TO 'abc', 'abc' SIMILAR TO 'a', 'abc' SIMILAR TO '%(b|d)%', 'abc' SIMILAR TO '(b|c)%', 'aaa' SIMILAR TO 'a{3}', 'abc' SIMILAR TO 'a_c', 'abc' SIMILAR TO 'a.c', 'ab' NOT SIMILAR TO 'a+', 'abc' SIMILAR TO '[a-c]+', 'a%' SIMILAR TO 'a\%';
SELECT 'abc' SIMILAR TO NULL, 'a.c' SIMILAR TO 'a!.c' ESCAPE '!';
SELECT 'abc' ~ 'b', 'abc' ~ '^b', 'abc' ~ 'C', 'abc' ~* 'C', 'abc' !~ 'x', 'abc' !~* 'B', 'abc' ~ '', '' ~ '^$';
SELECT 'foobar' ~ '^(foo|bar)+$', 'a1b2' ~ '\d', 'a b' ~ '\s', 'a_b' ~ '^\w+$', 'abc' ~ 'a.c', 'a\nb' ~ 'a.b', E'a\nb' ~ 'a.b', E'a\nb' ~ '^b', 'aaa' ~ '^a{2,3}$', 'abc' ~ '[[:alpha:]]{3}', 'ab1' ~ '^[^0-9]+$', 'x.y' ~ 'x\.y';
SELECT 'abab' ~ '^(ab)\1$', 'foo bar' ~ '\mbar\M', 'foobar' ~ '\mbar', 'a' ~ '(?i)A', 'foo' ~ 'f(?=o)', 'foo' ~ 'f(?!x)', 'abc' ~ '(?:b)c', 'x' ~ '\x78', 'é' ~ '^.$', 'aXb' ~ 'a[A-Z]b', 'ä' ~ '\w', 'foo' ~ 'o\Z', 'foo' ~ '\Afoo';
SELECT 'abc' ~ '[';
SELECT 'abc' ~ '(';
SELECT 'abc' ~ '*a';
SELECT 'abc' ~ 'a{2,1}';
SELECT 'abc' ~ '[z-a]';
SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('abc', 'B', 'x', 'i'), regexp_replace('Hello', 'l', '\&\&', 'g'), regexp_replace('a.b', '\.', '\\'), regexp_replace('abc', '', '-', 'g'), regexp_replace('aaa', 'a', 'b', 2), regexp_replace('aaa', 'a', 'b', 1, 2), regexp_replace('AbA', 'a', 'x', 1, 0, 'i');
SELECT regexp_replace('abc', 'a', 'b', 'z');
SELECT regexp_match('foobarbequebaz', 'bar.*que'), regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('abc', 'x'), regexp_match('abc', '(a)|(x)'), regexp_match('aBc', '(b)', 'i');
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g');
SELECT regexp_matches('abc', 'x', 'g');
SELECT regexp_matches('abcabc', 'b', 'g');
SELECT regexp_match('abc', 'b', 'g');
SELECT regexp_split_to_array('hello world', '\s+'), regexp_split_to_array('abc', ''), regexp_split_to_array('a,b,,c', ','), regexp_split_to_array('abc', 'x'), regexp_split_to_array('aXbxc', 'x', 'i');
SELECT * FROM regexp_split_to_table('the quick  brown', '\s+') WITH ORDINALITY;
SELECT regexp_count('ABCABCAXYaxy', 'A.'), regexp_count('ABCABCAXYaxy', 'A.', 1, 'i'), regexp_instr('ABCABCAXYaxy', 'A.', 2, 2), regexp_like('Hello', 'l{2}'), regexp_like('HELLO', 'h', 'i'), regexp_substr('ABCABCAXYaxy', 'A.', 2, 2), regexp_substr('abc', '(b)(c)', 1, 1, '', 2);
SELECT substring('foobar', 'o.b'), substring('foobar' FROM 'o(.)b'), substring('foobar' FROM '(f)(o)'), substring('abc' FROM '(x)?b');
SELECT 'abc' ~ NULL, NULL ~ 'a', regexp_replace(NULL, 'a', 'b'), regexp_match('a', NULL);
SELECT 'aaa' ~ 'a*?', regexp_match('aaab', 'a*?b'), regexp_match('xaaab', 'a+?'), regexp_replace('xaaa', 'a+?', 'y'), regexp_match('abcd', '(a|ab)(c|bcd)'), regexp_match('foobar', 'foo(?=bar)');
SELECT regexp_replace('  many   spaces ', '\s+', ' ', 'g'), regexp_replace('2024-02-29', '(\d+)-(\d+)-(\d+)', '\3/\2/\1'), regexp_replace('camelCaseString', '([A-Z])', '_\1', 'g');
SELECT regexp_match('key=value; other=x', '(\w+)=(\w+)'), (regexp_match('key=value', '(\w+)=(\w+)'))[2];
SELECT E'line1\nline2' ~ '(?n)^line2$', E'line1\nline2' ~ '^line2$', regexp_replace(E'a\nb', '^', '> ', 'gn'), 'a b' ~ '(?x)a\ b', 'ab' ~ '(?x) a b # comment';
SELECT 'foo.bar' ~ '***=o.b', 'foo.bar' ~ '(?q)o.b', 'ab' ~ 'a|b|', 'a-b' ~ '[a\-]', ']' ~ '[]]', '^' ~ '[\^]', 'a' ~ '[[:digit:][:alpha:]]', '-' ~ '[a-]';
CREATE TABLE words (w text PRIMARY KEY);
INSERT INTO words VALUES ('apple'), ('Apricot'), ('banana'), ('cherry pie'), ('100%'), ('under_score'), ('');
SELECT w FROM words WHERE w LIKE 'a%' ORDER BY w;
SELECT w FROM words WHERE w ILIKE 'a%' ORDER BY w;
SELECT w FROM words WHERE w LIKE '%\%' ORDER BY w;
SELECT w FROM words WHERE w LIKE '%\_%' ORDER BY w;
SELECT w FROM words WHERE w ~ '^[a-b]' ORDER BY w;
SELECT w FROM words WHERE w ~* '^a' AND w !~ 'ricot' ORDER BY w;
SELECT w FROM words WHERE w SIMILAR TO '(apple|banana)' ORDER BY w;
SELECT w, regexp_replace(w, '[aeiou]', '*', 'g') FROM words ORDER BY w;
SELECT w FROM words WHERE w LIKE w ORDER BY w;
SELECT w FROM words WHERE 'apple' LIKE w || '%' ORDER BY w;
SELECT w FROM words WHERE w BETWEEN 'a' AND 'c' ORDER BY w;
-- params: b%
-- params: %e%
SELECT w FROM words WHERE w LIKE $1 ORDER BY w;
-- params: ^b
-- params: [
SELECT w FROM words WHERE w ~ $1;
