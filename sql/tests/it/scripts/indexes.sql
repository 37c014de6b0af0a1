-- Indexes of all kinds.
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c numeric, d jsonb, j json);
INSERT INTO t VALUES (1, 1, 'x', 1.5), (2, NULL, 'Y', 2.5), (3, 3, NULL, NULL), (4, 4, 'y', 0);

-- Names.
CREATE INDEX ON t (a);
CREATE INDEX ON t (a);
CREATE INDEX ON t (a, b);
CREATE INDEX ON t (lower(b));
CREATE INDEX ON t ((a + 1));
CREATE INDEX ON t ((a + 1), (a + 2), a);
CREATE INDEX ON t ((a));
CREATE INDEX ON t ((a::text));
CREATE INDEX ON t (coalesce(a, 0));
CREATE INDEX ON t ((CASE WHEN a > 0 THEN 1 END));
CREATE INDEX ON t (a) INCLUDE (b, c);
CREATE INDEX ON t (b text_pattern_ops, a int4_ops);
CREATE INDEX ON t (a, a);
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX IF NOT EXISTS t_a_idx ON t (a);
CREATE INDEX CONCURRENTLY ON t (c);
BEGIN;
CREATE INDEX CONCURRENTLY ON t (c);
ROLLBACK;
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 't' AND indexdef NOT LIKE '%((%' ORDER BY 1;

-- Orders.
CREATE TABLE o (id int PRIMARY KEY, a int, b text);
INSERT INTO o VALUES (1, 1, 'b'), (2, 2, NULL), (3, NULL, 'a'), (4, 1, 'a'), (5, NULL, NULL), (6, 2, 'c');
CREATE INDEX o_desc ON o (a DESC);
CREATE INDEX o_both ON o (a DESC NULLS LAST, b NULLS FIRST);
SELECT indexdef FROM pg_indexes WHERE tablename = 'o' ORDER BY indexname;
SELECT id FROM o WHERE a = 1 ORDER BY id;
SELECT id FROM o WHERE a > 1 ORDER BY id;
SELECT id FROM o WHERE a >= 1 ORDER BY a DESC, id;
SELECT id FROM o WHERE a IS NULL ORDER BY id;
SELECT id, a, b FROM o ORDER BY a DESC NULLS LAST, b NULLS FIRST, id;
SELECT id, a FROM o ORDER BY a DESC, id;
SELECT id, a FROM o ORDER BY a, id;
UPDATE o SET a = a + 1 WHERE a < 2;
SELECT id FROM o WHERE a = 2 ORDER BY id;
DELETE FROM o WHERE a = 2 AND b IS NULL;
SELECT id FROM o WHERE a = 2 ORDER BY id;

-- UNIQUE: partial, on expressions, NULLS NOT DISTINCT, INCLUDE.
CREATE TABLE u (id int PRIMARY KEY, email text, active bool, n int, CONSTRAINT u_n UNIQUE NULLS NOT DISTINCT (n));
CREATE UNIQUE INDEX u_email ON u (lower(email)) WHERE active;
INSERT INTO u VALUES (1, 'A@x', true, 1), (2, 'a@X', false, 2), (3, 'b@x', true, NULL);
INSERT INTO u VALUES (4, 'a@x', true, 4);
INSERT INTO u VALUES (4, 'c@x', true, NULL);
INSERT INTO u VALUES (4, 'a@x', NULL, 4);
UPDATE u SET active = true WHERE id = 2;
UPDATE u SET active = false WHERE id = 1;
UPDATE u SET active = true WHERE id = 2;
UPDATE u SET email = 'B@X' WHERE id = 2;
SELECT id, email FROM u WHERE lower(email) = 'a@x' AND active ORDER BY id;
DROP INDEX u_email;
CREATE UNIQUE INDEX u_email ON u (lower(email));
CREATE UNIQUE INDEX u_sum ON u ((n + 1)) INCLUDE (email);
INSERT INTO u VALUES (5, 'e', true, 2);
CREATE TABLE v (a int, b int, c int, UNIQUE (a) INCLUDE (b), UNIQUE NULLS NOT DISTINCT (b), UNIQUE (c) WITH (fillfactor = 70));
INSERT INTO v VALUES (1, 1), (1, 2);
INSERT INTO v VALUES (1, NULL), (2, NULL);
SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('u', 'v') ORDER BY 1;

-- An expression that fails.
CREATE TABLE e (id int PRIMARY KEY, a int);
CREATE INDEX e_inv ON e ((100 / a));
INSERT INTO e VALUES (1, 5), (2, 0);
INSERT INTO e VALUES (1, 5);
UPDATE e SET a = 0;
UPDATE e SET a = 4;
SELECT * FROM e;
DELETE FROM e;
INSERT INTO e VALUES (2, NULL);
DROP INDEX e_inv;
INSERT INTO e VALUES (3, 0);
CREATE INDEX e_inv ON e ((100 / a));
CREATE INDEX e_inv ON e ((100 / a)) WHERE a <> 0;

-- What an index may not be.
CREATE INDEX ON t (nosuch);
CREATE INDEX ON t (random());
CREATE INDEX ON t ((a + random()));
CREATE INDEX ON t (a) WHERE random() > 0.5;
CREATE INDEX ON t ((now()));
CREATE INDEX ON t (a) WHERE a;
CREATE INDEX ON t ((count(*)));
CREATE INDEX ON t (a) WHERE count(*) > 1;
CREATE INDEX ON t ((SELECT 1));
CREATE INDEX ON t (a) WHERE EXISTS (SELECT 1);
CREATE INDEX ON t (j);
CREATE INDEX ON t USING foo (a);
CREATE INDEX ON t (a nosuch_ops);
CREATE INDEX ON t (a text_ops);
CREATE INDEX ON t (a COLLATE "C");
CREATE INDEX ON t (a) INCLUDE (b DESC);
CREATE INDEX ON t (a) INCLUDE ((a + 1));
CREATE INDEX ON t (a) INCLUDE (nosuch);
CREATE INDEX ON t (a) WITH (fillfactor = 1);
CREATE INDEX ON nosuch (a);
CREATE INDEX ON t (a) TABLESPACE nosuch;
CREATE INDEX ON pg_class (relname);
CREATE TABLE w (a json PRIMARY KEY);
CREATE TABLE w (a json UNIQUE);

-- Generated columns.
CREATE TABLE g (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text GENERATED ALWAYS AS (upper(coalesce(t, 'none'))) STORED NOT NULL UNIQUE, t text, CHECK (b < 100));
INSERT INTO g (id, a, t) VALUES (1, 10, 'x') RETURNING *;
INSERT INTO g VALUES (2, 20, DEFAULT, DEFAULT, 'y') RETURNING *;
INSERT INTO g VALUES (3, 30, 60, 'Z', 'z');
INSERT INTO g (id, b) SELECT 3, 1;
INSERT INTO g (id, a) VALUES (3, 60);
INSERT INTO g (id, a, t) VALUES (3, 5, 'X');
UPDATE g SET a = a + 1, t = t || t RETURNING *;
UPDATE g SET b = 5;
UPDATE g SET b = DEFAULT WHERE id = 1 RETURNING *;
UPDATE g SET a = 70 WHERE id = 1;
UPDATE g SET t = NULL;
SELECT * FROM g ORDER BY id;
INSERT INTO g (id, a) VALUES (1, 7) ON CONFLICT (id) DO UPDATE SET a = excluded.b RETURNING *;
CREATE TABLE gp (k int PRIMARY KEY);
CREATE TABLE gg (a int REFERENCES gp ON UPDATE CASCADE, b int GENERATED ALWAYS AS (a * 10) STORED);
INSERT INTO gp VALUES (1);
INSERT INTO gg VALUES (1);
UPDATE gp SET k = 2;
SELECT * FROM gg;
CREATE TABLE gx (a int DEFAULT 1 GENERATED ALWAYS AS (3) STORED);
CREATE TABLE gx (a int GENERATED ALWAYS AS (3) STORED GENERATED ALWAYS AS (4) STORED);
CREATE TABLE gx (a int GENERATED ALWAYS AS (b) STORED, b int GENERATED ALWAYS AS (1) STORED);
CREATE TABLE gx (a int GENERATED ALWAYS AS (random()) STORED);
CREATE TABLE gx (a int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE gx (a int, b int GENERATED BY DEFAULT AS (a) STORED);
CREATE TABLE gx (a int, b int GENERATED ALWAYS AS (a));
CREATE TABLE gx (a int, b bool GENERATED ALWAYS AS (a) STORED);
CREATE TABLE gx (a int, b int GENERATED ALWAYS AS (count(a)) STORED);
CREATE TABLE gx (a int REFERENCES gp ON DELETE CASCADE, b int GENERATED ALWAYS AS (a) STORED REFERENCES gp ON DELETE SET NULL);
