-- Which casts there are, and what unknown literals become.
SELECT '1'::int + 1, cast('1' AS int), int '1', '1'::pg_catalog.int4, "int4"('5');
SELECT 1::text, 1.5::text, true::text, '2024-01-01'::date::text, NULL::int::text;
SELECT '1'::text::int, '1.5'::text::numeric, 'x'::text::varchar::char(2)::name;
SELECT 'abc'::text::int;
SELECT '5'::text + 1;
SELECT 5 + '5'::text;
SELECT true::date;
SELECT 1::date;
SELECT 1.5::boolean;
SELECT now()::int;
SELECT '{1}'::int[]::int;
SELECT 1::int[];
SELECT 'x'::nosuchtype;
SELECT CAST(1 AS nosuch.type);
SELECT 1::int4::int8::float8::numeric::text::varchar;
SELECT pg_typeof(NULL), pg_typeof('x'), pg_typeof(NULL::int), pg_typeof(CASE WHEN true THEN 1 ELSE 2.5 END), pg_typeof(CASE WHEN true THEN 'a' ELSE 'b' END);
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
SELECT CASE WHEN false THEN 1 ELSE '2' END;
SELECT CASE WHEN true THEN 1 ELSE true END;
SELECT coalesce(1, 'x');
SELECT coalesce(NULL, 'x'), coalesce(NULL, NULL), pg_typeof(coalesce(NULL, NULL));
SELECT coalesce(1, 2.5), pg_typeof(coalesce(1, 2.5)), coalesce('2024-01-01'::date, now()) IS NOT NULL, pg_typeof(coalesce('2024-01-01'::date, now()));
SELECT greatest(1, 2.5, '3'), least('a', 'b', NULL), greatest(NULL, NULL), greatest('2024-01-01'::date, '2024-02-01');
SELECT greatest(1, 'x');
SELECT nullif(1, 1), nullif(1, 2), nullif('a', 'b'), nullif(1, 1.0), pg_typeof(nullif(1, 2.0));
SELECT nullif(1, 'x');
SELECT 1 UNION SELECT 2.5 ORDER BY 1;
SELECT 1 UNION SELECT 'x';
SELECT 1 UNION ALL SELECT NULL UNION ALL SELECT '3';
SELECT 'a' UNION SELECT 'b'::varchar ORDER BY 1;
SELECT pg_typeof(x) FROM (SELECT 'a' AS x UNION SELECT 'b') t;
SELECT pg_typeof(x) FROM (SELECT NULL AS x UNION SELECT 1) t;
SELECT pg_typeof(x) FROM (VALUES (1), (2.5), (NULL)) v(x);
SELECT x FROM (VALUES (1), ('x')) v(x);
SELECT x FROM (VALUES (1), (true)) v(x);
SELECT 1 IN (1, 2.5, '3'), '1' IN (1, 2), 1 IN ('1', NULL);
SELECT 1 IN ('x');
SELECT 1 IN (true);
SELECT 1 = true;
SELECT '2024-01-01' < now(), '2024-01-01'::date < '2024-02-01', now() > '2020-01-01';
SELECT date '2024-01-01' = 'garbage';
SELECT 10 / '3', 10 / '3'::numeric, 10 / 4.0, 10.0::float8 / 4;
SELECT '10' / '3';
SELECT -'5'::int, - '5';
SELECT +'a';
SELECT 'a' = 'a', 'a' || 'b', 'a' LIKE 'a%', '1' = '1.0';
SELECT length(5);
SELECT lower(5);
SELECT upper(NULL), length(NULL), abs(NULL);
SELECT abs('5'), abs('-5.5'), round('2.5'), sqrt('4');
SELECT substr('hello', '2'), repeat('a', '3'), lpad('x', 3.7::int);
SELECT repeat('a', 2.5);
SELECT left('abc', 2::bigint);
SELECT left('abc', 2::smallint);
SELECT round(2.5::float8::numeric, 1::smallint), round(5, 1), round(5::bigint, -1);
SELECT mod(5, 2::bigint), mod(5::smallint, 2), mod(5.5, 2), mod(5.5::float8, 2);
SELECT concat(1, 'a', NULL), 1::text || 'a', 'x' || 1.5, 'x' || now()::date IS NOT NULL;
SELECT row(1, 'a')::text, row(1, NULL, 'x y', '"')::text, row()::text;
SELECT (1, 2) = (1, 2), (1, 'a') < (2, 'b'), row(1, NULL) IS NULL, row(NULL, NULL) IS NULL, row(1, NULL) IS NOT NULL;
SELECT (1, 2) = (1, 2, 3);
SELECT (1, 2) = (1, 'x');
SELECT 0::bool, 1::bool, 'x'::name::text, 'pg_class'::regclass::text, 5::oid::text;
SELECT 12345::varchar(3), 12345::char(3), 12345.678::varchar(6), true::char(2);
SELECT ''::text = ' ', ''::char(1) = ' ';
SELECT interval '1 day'::text::interval, time '12:00'::text, '\x01'::bytea::text, '1'::json::text, '{1}'::int[]::text;
SELECT xmlparse(content 'x');
SELECT B'101';
SELECT '1.2.3.4'::inet;
SELECT '$5'::money;
SELECT '(1,2)'::point;
SELECT '[1,2]'::int4range;
SELECT 'a'::tsvector;
-- params: 1 | 2
SELECT $1 + $2;
-- params: 1
SELECT $1 + 1;
-- params: 1.5
SELECT $1 + 1.0;
-- params: x
SELECT $1;
-- params: x | y
SELECT $1 = $2;
-- params: 5
SELECT $1 || 'a';
-- params: 5
SELECT CASE WHEN $1 THEN 1 END;
-- params: 5
SELECT coalesce($1, 7);
-- params: 3
SELECT * FROM generate_series(1, $1) g;
-- params: 5
SELECT abs($1);
-- params: 2024-01-01
SELECT $1 < now();
-- params: 1
SELECT 5 IN ($1, 2);
-- params: 1
SELECT $1 IS NULL;
-- params: 1
SELECT $1::int, $1::text;
-- params: 1
SELECT $2::int;
-- params: 1
-- types: 25
SELECT $1 + 1;
-- params: a
SELECT length($1), upper($1);
-- params: 10
SELECT 1 LIMIT $1;
-- params: 1 | 2
SELECT ARRAY[$1, $2]::int[], ARRAY[$1::int, $2];
-- params: a
SELECT $1 LIKE 'a%';
-- params: (none)
SELECT $1;
