-- oid and the reg* types.
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE INDEX item_name ON item (name);
SELECT 1::oid, 4294967295::oid, '42'::oid, 0::oid, 1::oid < 2::oid, 5::oid = 5;
SELECT (-1)::oid;
SELECT 4294967296::oid;
SELECT 'x'::oid;
SELECT 'pg_class'::regclass, 'pg_catalog.pg_type'::regclass, 1259::regclass, 'item'::regclass, 'item'::regclass::text, 'item_name'::regclass, 'public.item'::regclass;
SELECT 'pg_class'::regclass::oid, 'pg_class'::regclass::int, 'pg_class'::regclass = 1259, 0::regclass, 999999::regclass;
SELECT 'nothere'::regclass;
SELECT 'no.where'::regclass;
SELECT 'a.b.c.d'::regclass;
SELECT to_regclass('item'), to_regclass('nothere'), to_regtype('int4'), to_regtype('nope'), to_regnamespace('public'), to_regnamespace('nope'), to_regrole('nope'), to_regproc('nope');
SELECT 'int4'::regtype, 'integer'::regtype, 'timestamp with time zone'::regtype, 'int[]'::regtype, 'varchar(5)'::regtype, 23::regtype, 'text'::regtype::oid, '_int4'::regtype, 'char(3)'::regtype, '"char"'::regtype;
SELECT 'nope'::regtype;
SELECT 'public'::regnamespace, 'pg_catalog'::regnamespace::oid, 11::regnamespace;
SELECT 'nope'::regnamespace;
SELECT 'now'::regproc, 'lower'::regproc;
SELECT 'abs(int)'::regprocedure, 'now()'::regprocedure, 'lower(text)'::regprocedure;
SELECT 'nope'::regproc;
SELECT 'nope(int)'::regprocedure;
SELECT pg_typeof(1::oid), pg_typeof('item'::regclass), pg_typeof('int'::regtype), pg_typeof(pg_typeof(1));
SELECT oid::regclass::text FROM pg_class WHERE oid = 'item'::regclass;
SELECT relname FROM pg_class WHERE oid = 'item'::regclass::oid;
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 0 ORDER BY attnum;
SELECT 1::oid::int, 1::oid::bigint, 1::oid::text, 4294967295::oid::bigint;
SELECT 4294967295::oid::int;
SELECT 'item'::regclass IN (SELECT oid FROM pg_class), 'item'::regclass::oid > 0;
SELECT '1 2 3'::oidvector, '1 2'::int2vector, ('5 6'::int2vector)[0], '{1,2}'::oid[];
SELECT max(x), min(x) FROM (VALUES (1::oid), (2)) v(x);
SELECT tableoid::regclass, id FROM item;
INSERT INTO item VALUES (1, 'x');
SELECT tableoid::regclass, id FROM item;
-- params: item
-- params: nope
SELECT $1::regclass::text;
-- params: 23
SELECT $1::oid::regtype;
CREATE TABLE "Odd Name" ("Select" int);
SELECT '"Odd Name"'::regclass, 'Odd Name'::regclass;
SELECT '"Odd Name"'::regclass;
SELECT regclass('item'), regtype('int8');
