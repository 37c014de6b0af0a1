-- text, varchar, char, name: length, padding, escapes.
SELECT 'plain', 'it''s', '', E'tab\there', E'\x41\u0042\101', U&'\0041\+000042';
SELECT 'continued '
  'string';
SELECT 'a' 'b';
SELECT $$dollar 'quoted'$$, $tag$with $$ inside$tag$;
SELECT E'back\\slash', 'no\nescape', E'\'';
SELECT U&'d!0061t!+000061' UESCAPE '!';
SELECT U&'\D800';
SELECT E'\u0000';
SELECT E'\xff';
SELECT 'abc'::varchar(2), 'abc'::varchar, 'abc'::varchar(10), 'abc'::character varying(1);
SELECT 'abc'::char(5), 'abc'::char, 'abc'::char(2), 'a'::bpchar, 'abc'::character(4);
SELECT 'abc'::char(5) || '|', length('abc'::char(5)), octet_length('abc'::char(5)), char_length('ab  '::char(5));
SELECT 'abc  '::char(5) = 'abc', 'abc  '::text = 'abc', 'abc'::char(5) = 'abc  '::text;
SELECT 'a'::char(3) < 'a b'::char(3), 'ab'::char(5) LIKE 'ab', 'ab'::char(5)::text LIKE 'ab   ';
SELECT ('abc'::char(5))::text || '|', ('abc'::char(5))::varchar || '|';
SELECT 'abc'::varchar(0);
SELECT 'abc'::char(0);
SELECT 'abc'::varchar(10485761);
SELECT 'abc'::text(5);
SELECT 'toolongname_toolongname_toolongname_toolongname_toolongname_toolongname'::name;
SELECT 'abc'::name, length('abc'::name), 'abc'::name || 'd', pg_typeof('abc'::name || 'd');
SELECT 'a'::"char", 'abc'::"char", ''::"char", 65::"char", 'a'::"char"::int;
SELECT pg_typeof('a'), pg_typeof('a'::varchar), pg_typeof('a' || 'b'), pg_typeof('a'::varchar || 'b'), pg_typeof('a'::char(3) || 'b');
SELECT 'a' < 'b', 'A' < 'a', 'a' < 'B', '' < 'a', 'ab' < 'abc', 'Z' < 'a', 'é' > 'z';
SELECT x FROM (VALUES ('b'), ('A'), ('a'), (NULL), (''), ('B'), ('é'), ('10'), ('9')) v(x) ORDER BY x;
SELECT 'a' COLLATE "C" < 'b', 'a' COLLATE "POSIX" = 'a';
SELECT 'a' COLLATE "nope";
SELECT 1 COLLATE "C";
SELECT 'a' || NULL, NULL || 'a', 'a' || '' IS NULL;
SELECT 'x' = NULL, NULL = NULL, 'x' IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL;
SELECT 'ß', upper('ß'), lower('ÄÖÜ'), upper('äöü'), length('äöü'), octet_length('äöü'), '日本語', length('日本語'), reverse('日本語');
SELECT '😀', length('😀'), substr('a😀b', 2, 1), '😀' > 'z';
SELECT cast('5' AS text), CAST(5 AS varchar), cast(5.50 AS char(6)), text(5), varchar '12', text 'x';
SELECT min(x), max(x), count(DISTINCT x), string_agg(x, ',' ORDER BY x) FROM (VALUES ('b'), ('a'), ('b'), (NULL)) v(x);
SELECT string_agg(x, NULL ORDER BY x), string_agg(DISTINCT x, '-') FROM (VALUES ('b'), ('a'), ('b')) v(x);
SELECT string_agg(x, ',' ORDER BY y DESC, x) FROM (VALUES ('b', 1), ('a', 2), ('c', 2)) v(x, y);
SELECT string_agg(DISTINCT x, ',' ORDER BY y) FROM (VALUES ('b', 1), ('a', 2)) v(x, y);
CREATE TABLE names (id int PRIMARY KEY, t text, v varchar(5), c char(5), n name, v0 varchar);
INSERT INTO names VALUES (1, 'text', 'vchar', 'chr', 'nm', 'any'), (2, '', '', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL);
INSERT INTO names (id, v) VALUES (4, 'toolong');
INSERT INTO names (id, v) VALUES (4, 'five    ');
INSERT INTO names (id, c) VALUES (5, 'toolong');
INSERT INTO names (id, c) VALUES (5, 'abc       ');
INSERT INTO names (id, t) VALUES (6, 7);
INSERT INTO names (id, v) VALUES (7, 12.5), (8, true);
INSERT INTO names (id, t) VALUES (9, '2020-01-01'::date);
SELECT * FROM names ORDER BY id;
SELECT id, length(t), length(v), length(c), length(n), octet_length(c) FROM names ORDER BY id;
SELECT id FROM names WHERE c = 'chr';
SELECT id FROM names WHERE c = 'chr  '::text;
SELECT id FROM names WHERE v = 'vchar' AND t > 'a';
SELECT c || '|' || v || '|' || t FROM names WHERE id = 1;
SELECT DISTINCT c FROM names ORDER BY c;
SELECT t COLLATE "C" FROM names ORDER BY t COLLATE "C" DESC NULLS LAST, id;
UPDATE names SET v = v || 'more' WHERE id = 1;
UPDATE names SET v = (v || 'more')::varchar(5) WHERE id = 1 RETURNING v;
-- params: abc
-- params: \N
-- params: 
SELECT $1::text, length($1);
-- params: abcdefgh
SELECT $1::varchar(3), $1::char(10);
-- params: abcdefgh
UPDATE names SET v = $1 WHERE id = 1;
-- params: a | b
SELECT $1 || $2;
SELECT 'unterminated;
';
SELECT 'text' = 5;
SELECT 'a' + 'b';
SELECT 'a' || 5 || true || 1.5;
SELECT 5 || NULL::text;
SELECT concat('a', 5, NULL, true, 1.50, '2020-01-01'::date);
SELECT "quoted"."x y" FROM (SELECT 1 AS "x y") AS "quoted";
SELECT 1 AS "Mixed Case", 2 AS MixedCase, 3 AS "with""quote";
SELECT 1 AS "";
