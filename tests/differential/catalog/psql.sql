-- What psql 15 asks for \d and its kin, and what other tools ask.
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, name text DEFAULT 'anon', balance numeric(10,2) DEFAULT 0 CHECK (balance >= 0), created timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int NOT NULL REFERENCES customer ON DELETE CASCADE, total numeric(12,2), tags text[], doc jsonb);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_big ON orders (total DESC) WHERE total > 100;
CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 100;
CREATE TYPE status AS ENUM ('new', 'done');
CREATE SCHEMA app;
CREATE TABLE app.setting (key text PRIMARY KEY, value status);
CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
COMMENT ON TABLE customer IS 'who buys';
COMMENT ON COLUMN customer.email IS 'unique';
SELECT n.nspname as "Schema",
  c.relname as "Name",
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END as "Type",
  pg_catalog.pg_get_userbyid(c.relowner) as "Owner"
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('r','p','v','m','S','f','')
      AND n.nspname <> 'pg_catalog'
      AND n.nspname !~ '^pg_toast'
      AND n.nspname <> 'information_schema'
  AND pg_catalog.pg_table_is_visible(c.oid)
ORDER BY 1,2;
SELECT c.relname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname OPERATOR(pg_catalog.~) '^(customer)$' COLLATE pg_catalog.default AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1;
SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity, false AS relhasoids, c.relispartition, '', c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence, c.relreplident, am.amname
FROM pg_catalog.pg_class c
 LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid)
LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid)
WHERE c.oid = 'customer'::regclass;
SELECT a.attname,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)
   FROM pg_catalog.pg_attrdef d
   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
  a.attnotnull,
  (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t
   WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation,
  a.attidentity,
  a.attgenerated
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = 'customer'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
  pg_catalog.pg_get_constraintdef(con.oid, true), contype, condeferrable, condeferred, i.indisreplident, c2.reltablespace
FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
  LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
WHERE c.oid = 'orders'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid
ORDER BY i.indisprimary DESC, c2.relname;
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true)
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = 'customer'::regclass AND r.contype = 'c'
ORDER BY 1;
SELECT true as sametable, conname,
  pg_catalog.pg_get_constraintdef(r.oid, true) as condef,
  conrelid::pg_catalog.regclass AS ontable
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = 'orders'::regclass AND r.contype = 'f'
     AND conparentid = 0
ORDER BY conname;
SELECT conname, conrelid::pg_catalog.regclass AS ontable,
       pg_catalog.pg_get_constraintdef(oid, true) AS condef
  FROM pg_catalog.pg_constraint c
 WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors('customer'::regclass)
                     UNION ALL VALUES ('customer'::regclass))
       AND contype = 'f' AND conparentid = 0
ORDER BY conname;
SELECT pol.polname, pol.polpermissive FROM pg_catalog.pg_policy pol WHERE pol.polrelid = 'customer'::regclass ORDER BY 1;
SELECT oid, stxrelid::pg_catalog.regclass, stxnamespace::pg_catalog.regnamespace::pg_catalog.text AS nsp, stxname FROM pg_catalog.pg_statistic_ext WHERE stxrelid = 'customer'::regclass ORDER BY nsp, stxname;
SELECT pubname FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel pr ON p.oid = pr.prpubid WHERE pr.prrelid = 'customer'::regclass UNION SELECT pubname FROM pg_catalog.pg_publication p WHERE p.puballtables ORDER BY 1;
SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE c.oid = i.inhparent AND i.inhrelid = 'customer'::regclass AND c.relkind NOT IN ('p','I') ORDER BY inhseqno;
SELECT n.nspname AS "Name", pg_catalog.pg_get_userbyid(n.nspowner) AS "Owner" FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT n.nspname as "Schema",
  p.proname as "Name",
  pg_catalog.pg_get_function_result(p.oid) as "Result data type",
  pg_catalog.pg_get_function_arguments(p.oid) as "Argument data types",
 CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END as "Type"
FROM pg_catalog.pg_proc p
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, 4;
SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil,
  ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof, r.rolreplication, r.rolbypassrls
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1;
SELECT n.nspname as "Schema", pg_catalog.format_type(t.oid, NULL) AS "Name", pg_catalog.obj_description(t.oid, 'pg_type') as "Description"
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid))
  AND NOT EXISTS(SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)
  AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' AND pg_catalog.pg_type_is_visible(t.oid)
ORDER BY 1, 2;
SELECT d.datname as "Name", pg_catalog.pg_get_userbyid(d.datdba) as "Owner", pg_catalog.pg_encoding_to_char(d.encoding) as "Encoding", d.datcollate as "Collate", pg_catalog.array_to_string(d.datacl, E'\n') AS "Access privileges"
FROM pg_catalog.pg_database d WHERE d.datname = current_database();
SELECT e.extname AS "Name", n.nspname AS "Schema" FROM pg_catalog.pg_extension e LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'plpgsql';
SELECT seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid ORDER BY c.relname;
SELECT c.relname, d.refobjsubid, d.deptype FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN ('customer'::regclass, 'orders'::regclass) AND c.relkind = 'S' ORDER BY 1;
SELECT relname, relkind, relnatts, relhasindex, relpersistence, relchecks, relispartition, relreplident FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname;
SELECT attname, attnum, attlen, atttypmod, attnotnull, atthasdef, attidentity, attislocal, attinhcount FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, attnum, atttypid::regtype FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum < 0 ORDER BY attnum;
SELECT typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typelem::regtype, typarray::regtype, typinput, typoutput, typalign, typstorage FROM pg_type WHERE typname IN ('int4', 'text', 'numeric', '_int4', 'timestamptz', 'jsonb', 'bool', 'uuid', 'bpchar', 'unknown', 'anyelement') ORDER BY typname;
SELECT typname FROM pg_type WHERE oid BETWEEN 16 AND 30 ORDER BY oid;
SELECT conname, contype, condeferrable, condeferred, convalidated, conkey, confkey, confupdtype, confdeltype, confmatchtype FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY conname;
SELECT schemaname, tablename, tableowner, hasindexes, hasrules, hastriggers, rowsecurity FROM pg_tables WHERE schemaname IN ('public', 'app') ORDER BY 1, 2;
SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'app') ORDER BY 1, 2, 3;
SELECT viewname, viewowner, definition FROM pg_views WHERE schemaname = 'public';
SELECT usename, usesuper, usecreatedb FROM pg_user;
SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT state, query LIKE '%pg_stat%' FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT relname, seq_scan >= 0 FROM pg_stat_user_tables ORDER BY 1;
SELECT count(*) FROM pg_locks WHERE pid = 0;
SELECT name, abbrev FROM pg_timezone_names WHERE name = 'UTC';
SELECT amname, amtype FROM pg_am WHERE amname IN ('btree', 'heap') ORDER BY 1;
SELECT collname FROM pg_collation WHERE collname IN ('C', 'POSIX', 'default') ORDER BY 1;
SELECT lanname FROM pg_language WHERE lanname IN ('sql', 'internal', 'c') ORDER BY 1;
SELECT opcname FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE amname = 'btree' AND opcdefault AND opcname IN ('int4_ops', 'text_ops') ORDER BY 1;
SELECT oprname FROM pg_operator WHERE oid = 96;
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast WHERE castsource = 'int4'::regtype AND casttarget IN ('int8'::regtype, 'text'::regtype, 'float8'::regtype, 'bool'::regtype) ORDER BY 2::text;
SELECT spcname FROM pg_tablespace ORDER BY 1;
SELECT tgname FROM pg_trigger WHERE NOT tgisinternal;
SELECT proname FROM pg_proc WHERE oid = 'now'::regproc;
SELECT rulename FROM pg_rules WHERE schemaname = 'public';
SELECT matviewname FROM pg_matviews;
SELECT * FROM pg_partitioned_table;
SELECT enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE typname = 'status' ORDER BY enumsortorder;
SELECT classoid::regclass, objsubid, description FROM pg_description WHERE objoid = 'customer'::regclass ORDER BY 2;
