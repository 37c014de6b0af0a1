-- Input and output of boolean, and the logic of three values.
SELECT true, false, NULL::boolean;
SELECT 't'::bool, 'tr'::bool, 'TRUE'::bool, 'yes'::bool, 'y'::bool, 'on'::bool, '1'::bool, ' true '::bool;
SELECT 'f'::bool, 'fal'::bool, 'no'::bool, 'n'::bool, 'off'::bool, 'of'::bool, '0'::bool;
SELECT 'o'::bool;
SELECT ''::bool;
SELECT 'maybe'::boolean;
SELECT 1::bool, 0::bool, 42::bool;
SELECT 1::bigint::bool;
SELECT true::int, false::int;
SELECT true::bigint;
SELECT true::text, false::text, true::varchar(3);
SELECT true AND NULL, false AND NULL, true OR NULL, false OR NULL, NOT NULL::bool;
SELECT true = true, true <> false, true > false, true < NULL;
SELECT true IS TRUE, NULL::bool IS TRUE, NULL::bool IS NOT TRUE, false IS FALSE, NULL::bool IS UNKNOWN, true IS NOT UNKNOWN;
SELECT bool_and(x), bool_or(x), every(x) FROM (VALUES (true), (NULL), (false)) v(x);
SELECT bool_and(x), bool_or(x) FROM (VALUES (NULL::bool)) v(x);
SELECT x FROM (VALUES (true), (NULL), (false)) v(x) ORDER BY x;
SELECT x FROM (VALUES (true), (NULL), (false)) v(x) ORDER BY x DESC NULLS LAST;
SELECT min(x) FROM (VALUES (true), (false)) v(x);
SELECT 1 WHERE 1;
SELECT NOT 1;
SELECT true AND 'f';
SELECT true AND 'x';
SELECT booland_statefunc(true, false);
SELECT boolin('t'), boolout(true);
CREATE TABLE flags (id int PRIMARY KEY, b boolean DEFAULT true, c bool NOT NULL DEFAULT 'off');
INSERT INTO flags (id) VALUES (1);
INSERT INTO flags VALUES (2, 'no', 'yes'), (3, NULL, '0');
INSERT INTO flags VALUES (4, 1, true);
INSERT INTO flags VALUES (5, true, NULL);
SELECT * FROM flags WHERE b ORDER BY id;
SELECT * FROM flags WHERE NOT b ORDER BY id;
SELECT id FROM flags WHERE b IS NULL;
SELECT id, b::int + c::int AS n FROM flags ORDER BY id;
UPDATE flags SET b = NOT c WHERE id = 3 RETURNING *;
-- params: t
-- params: off
-- params: x
SELECT $1::bool;
-- params: true
-- params: \N
SELECT id FROM flags WHERE c = $1 ORDER BY id;
SELECT id FROM flags WHERE c = 'nonsense';
SELECT count(*) FILTER (WHERE b) FROM flags;
