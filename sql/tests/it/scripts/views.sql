-- Views.
CREATE TABLE t (id int PRIMARY KEY, a text, n int);
CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t, b text);
INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20), (3, 'three', NULL);
INSERT INTO u VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z');
CREATE VIEW v AS SELECT * FROM t WHERE n > 10;
SELECT * FROM v;
CREATE VIEW v AS SELECT 1;
CREATE VIEW w (first, second) AS SELECT a, n + 1 FROM t;
SELECT * FROM w ORDER BY first;
SELECT w.second FROM w WHERE first = 'one';
CREATE VIEW joined AS SELECT t.id, a, b FROM t JOIN u ON u.t_id = t.id;
SELECT * FROM joined ORDER BY b;
CREATE VIEW counted AS SELECT a, count(*) FROM joined GROUP BY a HAVING count(*) > 0;
SELECT * FROM counted ORDER BY a;
SELECT j.b, v.a FROM joined j LEFT JOIN v ON v.id = j.id ORDER BY 1;
CREATE VIEW bad AS SELECT nope FROM t;
CREATE VIEW bad AS SELECT * FROM nope;
CREATE VIEW bad (x, y, z) AS SELECT 1, 2;
CREATE VIEW bad AS SELECT 1 AS x, 2 AS x;
CREATE VIEW bad (x, x) AS SELECT 1, 2;
CREATE VIEW nowhere.v AS SELECT 1;
CREATE OR REPLACE VIEW w AS SELECT a FROM t;
CREATE OR REPLACE VIEW w AS SELECT a, n FROM t;
CREATE OR REPLACE VIEW w (first, second) AS SELECT a, a FROM t;
CREATE OR REPLACE VIEW w (first, second, third) AS SELECT a, n + 1, id FROM t;
SELECT * FROM w ORDER BY third;
CREATE OR REPLACE VIEW t AS SELECT 1;
CREATE OR REPLACE VIEW fresh AS SELECT 1 AS one;
-- A view goes on meaning what it meant.
CREATE SCHEMA other;
CREATE TABLE other.t (id int, a text, n int);
SET search_path TO other, public;
SELECT * FROM v;
CREATE VIEW here AS SELECT id FROM t;
RESET search_path;
SELECT * FROM other.here;
SELECT * FROM here;
ALTER SCHEMA other RENAME TO elsewhere;
SELECT * FROM elsewhere.here;
-- Dependencies.
DROP TABLE t;
DROP VIEW joined;
DROP VIEW v;
DROP VIEW v;
DROP VIEW IF EXISTS v;
DROP VIEW t;
DROP TABLE w;
DROP SEQUENCE w;
DROP VIEW joined, counted;
DROP SCHEMA elsewhere;
DROP SCHEMA elsewhere CASCADE;
-- Names.
ALTER VIEW w RENAME TO x;
SELECT * FROM w;
SELECT third FROM x ORDER BY 1;
ALTER VIEW x RENAME COLUMN third TO id;
ALTER VIEW x RENAME COLUMN nope TO z;
ALTER VIEW x RENAME COLUMN first TO id;
CREATE VIEW y AS SELECT id FROM x;
ALTER VIEW x RENAME TO z;
ALTER VIEW z RENAME COLUMN id TO number;
SELECT * FROM y ORDER BY 1;
CREATE SCHEMA s;
ALTER VIEW z SET SCHEMA s;
SELECT * FROM y ORDER BY id;
ALTER VIEW nope RENAME TO nope2;
ALTER VIEW IF EXISTS nope RENAME TO nope2;
ALTER VIEW t RENAME TO t2;
DROP SCHEMA s;
DROP SCHEMA s CASCADE;
-- Subqueries, CTEs, set operations, columns of outer queries.
CREATE VIEW deep AS
  WITH c AS (SELECT id, a FROM t)
  SELECT c.*, (SELECT max(b) FROM u WHERE t_id = c.id) AS top
  FROM c WHERE EXISTS (SELECT 1 FROM u WHERE t_id = c.id)
  UNION ALL
  SELECT id, a, NULL FROM t WHERE n IS NULL
  ORDER BY 1;
SELECT * FROM deep;
CREATE VIEW merged AS SELECT * FROM t JOIN (SELECT t_id AS id, b FROM u) q USING (id);
SELECT * FROM merged ORDER BY b;
-- Recursion.
CREATE VIEW a1 AS SELECT 1 AS x;
CREATE VIEW a2 AS SELECT x FROM a1;
CREATE OR REPLACE VIEW a1 AS SELECT x FROM a2;
SELECT * FROM a1;
-- Transactional.
BEGIN;
CREATE VIEW gone AS SELECT 1 AS x;
SELECT * FROM gone;
ROLLBACK;
SELECT * FROM gone;
INSERT INTO nope VALUES (1);
CREATE MATERIALIZED VIEW m AS SELECT 1;
