-- bytea: both input formats, both output formats, functions.
SELECT '\x0102ff'::bytea, '\x'::bytea, ''::bytea, '\xDEADbeef'::bytea, '\x 01 02'::bytea;
SELECT 'abc'::bytea, 'a\\b'::bytea, 'a\001b'::bytea, E'\\000\\377'::bytea;
SELECT '\x0'::bytea;
SELECT '\xzz'::bytea;
SELECT 'a\9'::bytea;
SELECT 'a\'::bytea;
SET bytea_output = 'escape';
SELECT '\x0041ff5c'::bytea, 'abc'::bytea;
RESET bytea_output;
SELECT '\x01'::bytea || '\x02'::bytea, '\x01'::bytea || '\x02';
SELECT length('\x010203'::bytea), octet_length('\x010203'::bytea), bit_length('\x0102'::bytea), bit_count('\xff01'::bytea);
SELECT substring('\x0102030405'::bytea FROM 2 FOR 3), substr('\x0102030405'::bytea, 4), substring('\x010203'::bytea, 0, 2);
SELECT position('\x0203'::bytea IN '\x01020304'::bytea), position('\x09'::bytea IN '\x0102'::bytea);
SELECT overlay('\x0102030405'::bytea PLACING '\xff'::bytea FROM 2 FOR 2);
SELECT get_byte('\x0102ff'::bytea, 2), set_byte('\x0102ff'::bytea, 0, 9), get_bit('\x80'::bytea, 7), set_bit('\x00'::bytea, 3, 1);
SELECT get_byte('\x01'::bytea, 5);
SELECT trim(both '\x00'::bytea FROM '\x000100'::bytea), btrim('\x000100'::bytea, '\x00'), ltrim('\x000100'::bytea, '\x00'), rtrim('\x000100'::bytea, '\x00');
SELECT encode('\x0102ff'::bytea, 'hex'), encode('hello'::bytea, 'base64'), encode('\x0041ff5c'::bytea, 'escape');
SELECT decode('0102ff', 'hex'), decode('aGVsbG8=', 'base64'), decode('a\\b\001', 'escape');
SELECT decode('zz', 'hex');
SELECT decode('a', 'base64');
SELECT encode('x'::bytea, 'rot13');
SELECT encode(repeat('x', 100)::bytea, 'base64');
SELECT md5('hello'::bytea), sha224('hello'), sha256('hello'::bytea), sha384('hello'), sha512('');
SELECT convert_to('äb', 'UTF8'), convert_from('\xc3a462'::bytea, 'UTF8'), convert_to('ä', 'LATIN1'), convert_from('\xe4'::bytea, 'LATIN1');
SELECT convert_from('\xff'::bytea, 'UTF8');
SELECT '\x01'::bytea < '\x02'::bytea, '\x01'::bytea < '\x0100'::bytea, '\xff'::bytea > '\x00'::bytea, '\x01'::bytea = '\x01';
SELECT 'abc'::bytea LIKE 'a%'::bytea, '\x616263'::bytea NOT LIKE '\x62'::bytea;
SELECT 'abc'::bytea::text, 'abc'::text::bytea;
SELECT 1::bytea;
SELECT string_agg(x, '\x2c'::bytea ORDER BY x) FROM (VALUES ('\x01'::bytea), ('\x02')) v(x);
SELECT min(x), max(x) FROM (VALUES ('\x01'::bytea), ('\x02')) v(x);
SELECT reverse('\x01'::bytea);
CREATE TABLE blobs (id int PRIMARY KEY, b bytea NOT NULL DEFAULT '\x00');
INSERT INTO blobs VALUES (1, '\x0102'), (2, 'text'), (3, DEFAULT), (4, decode('ff', 'hex'));
SELECT * FROM blobs ORDER BY b;
SELECT id FROM blobs WHERE b = '\x0102';
CREATE UNIQUE INDEX ON blobs (b);
INSERT INTO blobs VALUES (5, '\x0102');
SELECT id FROM blobs WHERE b > '\x01' ORDER BY id;
UPDATE blobs SET b = b || '\xaa' WHERE id = 1 RETURNING b, length(b);
SELECT b::int FROM blobs;
-- params: \x0a0b
-- params: raw
-- params: \N
SELECT $1::bytea;
-- params: \x00
SELECT id FROM blobs WHERE b = $1;
