-- Arrays: literals, subscripts, slices, operators, functions.
SELECT '{1,2,3}'::int[], '{}'::int[], '{{1,2},{3,4}}'::int[], '{a,"b c",NULL,"null",""}'::text[], '{"a\"b","c\\d"}'::text[], ' { 1 , 2 } '::int[];
SELECT ARRAY[1,2,3], ARRAY['a','b'], ARRAY[[1,2],[3,4]], ARRAY[1,2.5], ARRAY[NULL,1], ARRAY[1,'2'], ARRAY[]::text[], ARRAY[true,NULL];
SELECT ARRAY[];
SELECT ARRAY[1,'x'];
SELECT ARRAY[[1,2],[3]];
SELECT '{1,2'::int[];
SELECT '{1,x}'::int[];
SELECT '{{1,2},{3}}'::int[];
SELECT '1,2'::int[];
SELECT '{1,,2}'::int[];
SELECT '[2:4]={1,2,3}'::int[], '[0:1][1:2]={{1,2},{3,4}}'::int[], ('[2:4]={1,2,3}'::int[])[2];
SELECT '{a b,c}'::text[], '{ a , b }'::text[], '{"a,b","{c}"}'::text[], ARRAY['a,b', '{c}', 'd"e', 'f\g', ' ', '', NULL, 'NULL']::text[];
SELECT (ARRAY[1,2,3])[1], (ARRAY[1,2,3])[0], (ARRAY[1,2,3])[4], (ARRAY[[1,2],[3,4]])[2][1], (ARRAY[[1,2],[3,4]])[2], (ARRAY[1,2,3])[NULL];
SELECT (ARRAY[1,2,3])[2:3], (ARRAY[1,2,3])[:2], (ARRAY[1,2,3])[2:], (ARRAY[1,2,3])[:], (ARRAY[1,2,3])[3:2], (ARRAY[[1,2],[3,4]])[1:2][2:2], (ARRAY[[1,2],[3,4]])[1:1];
SELECT array_length(ARRAY[1,2,3], 1), array_length(ARRAY[1], 2), array_length('{}'::int[], 1), cardinality(ARRAY[[1,2],[3,4]]), cardinality('{}'::int[]), array_ndims(ARRAY[[1]]), array_dims(ARRAY[[1,2],[3,4]]), array_lower('[2:3]={1,2}'::int[], 1), array_upper(ARRAY[1,2], 1);
SELECT ARRAY[1,2] || 3, 0 || ARRAY[1,2], ARRAY[1,2] || ARRAY[3,4], ARRAY[[1,2]] || ARRAY[3,4], ARRAY[1] || NULL::int, ARRAY[1] || NULL::int[], '{}'::int[] || 1, ARRAY['a'] || 'b'::text;
SELECT ARRAY[1] || ARRAY[[1,2],[3,4]];
SELECT ARRAY['a'] || 'b';
SELECT array_append(ARRAY[1,2], 3), array_prepend(0, ARRAY[1]), array_cat(ARRAY[1], ARRAY[2]), array_append(NULL::int[], 1), array_remove(ARRAY[1,2,1,NULL], 1), array_remove(ARRAY[1,NULL], NULL), array_replace(ARRAY[1,2,1], 1, 9), array_position(ARRAY['a','b','a'], 'a'), array_position(ARRAY['a','b','a'], 'a', 2), array_positions(ARRAY[1,2,1], 1), array_position(ARRAY[1], 5);
SELECT array_fill(7, ARRAY[3]), array_fill(0, ARRAY[2,2]), array_fill(1, ARRAY[2], ARRAY[5]), trim_array(ARRAY[1,2,3], 1);
SELECT trim_array(ARRAY[1], 5);
SELECT array_to_string(ARRAY[1,NULL,3], ','), array_to_string(ARRAY[1,NULL,3], ',', '*'), array_to_string(ARRAY['a','b'], NULL), string_to_array('a,b,,c', ','), string_to_array('abc', NULL), string_to_array('a,b', ''), string_to_array('', ','), string_to_array('a,x,b', ',', 'x');
SELECT ARRAY[1,2,3] @> ARRAY[2], ARRAY[1] <@ ARRAY[1,2], ARRAY[1,2] && ARRAY[2,3], ARRAY[1] && ARRAY[2], '{}'::int[] <@ ARRAY[1], ARRAY[1,NULL] @> ARRAY[NULL]::int[];
SELECT ARRAY[1,2] = ARRAY[1,2], ARRAY[1,2] < ARRAY[1,3], ARRAY[1,2] < ARRAY[1,2,0], ARRAY[2] > ARRAY[1,9], ARRAY[1,NULL] = ARRAY[1,NULL], ARRAY[[1,2]] = ARRAY[1,2], '{}'::int[] = '{}'::int[];
SELECT x FROM (VALUES (ARRAY[2]), (ARRAY[1,2]), ('{}'), (NULL), (ARRAY[1]), (ARRAY[1,NULL])) v(x) ORDER BY x;
SELECT 1 = ANY(ARRAY[1,2]), 3 = ANY(ARRAY[1,2]), 3 = ANY(ARRAY[1,NULL]), 1 <> ALL(ARRAY[2,3]), 1 = ALL('{}'::int[]), 1 = ANY('{}'::int[]), 1 = ANY(NULL::int[]), 2 > ANY(ARRAY[1,5]), 2 > ALL(ARRAY[1,5]), 'a' LIKE ANY(ARRAY['b%','a%']), 'x' = SOME(ARRAY['x']);
SELECT 1 = ANY(1);
SELECT 1 = ANY('{1,2}');
SELECT unnest(ARRAY[1,2,NULL]), unnest(ARRAY['a','b']);
SELECT * FROM unnest(ARRAY[1,2,3]) AS u(x);
SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b','c']) AS u(a, b);
SELECT * FROM unnest(ARRAY[[1,2],[3,4]]) WITH ORDINALITY;
SELECT * FROM unnest('{}'::int[]);
SELECT array_agg(x), array_agg(x ORDER BY x DESC), array_agg(DISTINCT x ORDER BY x) FROM (VALUES (2), (1), (NULL), (2)) v(x);
SELECT array_agg(x) FROM (VALUES (1)) v(x) WHERE false;
SELECT array_agg(x) FROM (VALUES (ARRAY[1,2]), (ARRAY[3,4])) v(x);
SELECT array_agg(x) FROM (VALUES (ARRAY[1,2]), (ARRAY[3])) v(x);
SELECT ARRAY(SELECT x FROM generate_series(1, 3) x), ARRAY(SELECT 1 WHERE false), ARRAY(SELECT ARRAY[x, x] FROM generate_series(1, 2) x);
SELECT generate_subscripts(ARRAY['a','b','c'], 1), generate_subscripts(ARRAY['a','b','c'], 1, true);
SELECT pg_typeof(ARRAY[1]), pg_typeof(ARRAY['a']), pg_typeof(ARRAY[1,2.5]), pg_typeof(ARRAY[[1]]), pg_typeof('{1}'::smallint[]), pg_typeof(ARRAY[now()]), pg_typeof(ARRAY['a'::varchar]);
SELECT ARRAY[1,2]::text[], '{1,2}'::text[]::int[], ARRAY['1','2']::int[], ARRAY[1.5,2.5]::int[], ARRAY[1,2]::text, ARRAY[1,2]::bigint[], '{t,f}'::bool[], ARRAY['a','bcd']::varchar(2)[], ARRAY['a']::char(3)[];
SELECT ARRAY['x']::int[];
SELECT ARRAY[1]::date[];
SELECT '{2024-01-01,infinity}'::date[], '{"2024-01-01 12:00:00"}'::timestamp[], '{1.50,NaN}'::numeric[], '{1 day,"02:00:00"}'::interval[], ARRAY['\x01'::bytea], '{"{\"a\": 1}"}'::jsonb[], ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid], '{0.1,1e20,NaN}'::float8[], '{12:00}'::time[];
SELECT greatest(ARRAY[1,2], ARRAY[1,3]), coalesce(NULL, ARRAY[1]), array_length(coalesce(NULL::int[], '{}'), 1);
SELECT array_ndims('{}'::int[]), array_dims('{}'::int[]), '{}'::int[] IS NULL, ARRAY[NULL]::int[] IS NULL;
SELECT min(x), max(x) FROM (VALUES (ARRAY[1,2]), (ARRAY[1,1,5])) v(x);
CREATE TABLE lists (id int PRIMARY KEY, a int[], t text[] NOT NULL DEFAULT '{}', m int[][], f int[3], v varchar(3)[]);
INSERT INTO lists VALUES (1, '{1,2,3}', '{x,y}', '{{1,2},{3,4}}', '{1,2,3,4}', '{abc,d}'), (2, ARRAY[4,NULL], ARRAY['z'], NULL, NULL, NULL), (3, NULL, DEFAULT, '{}', NULL, NULL);
INSERT INTO lists (id, v) VALUES (4, '{toolong}');
INSERT INTO lists (id, a) VALUES (4, ARRAY['a']);
INSERT INTO lists (id, a) VALUES (4, 5);
INSERT INTO lists (id, t) VALUES (4, NULL);
SELECT * FROM lists ORDER BY id;
SELECT id, a[1], t[1], m[2][1], a[2:], array_length(a, 1) FROM lists ORDER BY id;
SELECT id FROM lists WHERE 2 = ANY(a);
SELECT id FROM lists WHERE a @> '{2}';
SELECT id FROM lists WHERE a = '{1,2,3}';
SELECT id FROM lists WHERE 'x' = ANY(t) OR t = '{}' ORDER BY id;
UPDATE lists SET a[2] = 20 WHERE id = 1 RETURNING a;
UPDATE lists SET a[6] = 60 WHERE id = 1 RETURNING a;
UPDATE lists SET a[1:2] = '{7,8}' WHERE id = 1 RETURNING a;
UPDATE lists SET a[1] = 5 WHERE id = 3 RETURNING a;
UPDATE lists SET a = array_append(a, 9), t = t || 'w'::text WHERE id = 2 RETURNING a, t;
UPDATE lists SET t = array_remove(t, 'w') WHERE id = 2 RETURNING t;
SELECT id, u FROM lists, unnest(t) u ORDER BY id, u;
SELECT a, count(*) FROM lists GROUP BY a ORDER BY a;
SELECT attname, format_type(atttypid, atttypmod), attndims FROM pg_attribute WHERE attrelid = 'lists'::regclass AND attnum > 0 ORDER BY attnum;
-- params: {1,2,3}
-- params: {}
-- params: x
-- params: \N
SELECT $1::int[], array_length($1::int[], 1);
-- params: {1,2}
SELECT id FROM lists WHERE id = ANY($1) ORDER BY id;
-- params: {x,"y z",NULL}
SELECT $1::text[], cardinality($1::text[]);
-- params: 2
SELECT (ARRAY['a','b'])[$1];
SELECT (ARRAY[1,2])['x'];
SELECT (5)[1];
SELECT ARRAY[ROW(1,'a'), ROW(2,'b')];
SELECT array_shuffle(ARRAY[1]);
