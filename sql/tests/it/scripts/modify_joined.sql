-- UPDATE … FROM and DELETE … USING.
CREATE TABLE t (id int PRIMARY KEY, n int, m int NOT NULL DEFAULT 7);
CREATE TABLE s (id int PRIMARY KEY, v int);
CREATE TABLE h (a int, b text);
INSERT INTO t VALUES (1, 10), (2, 20), (3, 30);
INSERT INTO s VALUES (1, 100), (3, 300), (4, 400);
INSERT INTO h VALUES (1, 'one'), (1, 'uno'), (3, 'three');

UPDATE t SET n = s.v FROM s WHERE s.id = t.id;
SELECT * FROM t ORDER BY id;
UPDATE t SET n = t.n + 1, m = s.v FROM s WHERE s.id = t.id AND s.v > 100 RETURNING *;
UPDATE t AS x SET n = y.n FROM t y WHERE y.id = x.id + 1 RETURNING x.id, x.n, y.*;
SELECT * FROM t ORDER BY id;
UPDATE t SET n = (SELECT max(v) FROM s WHERE s.id <= q.id) FROM (SELECT id FROM s WHERE v < 400) q WHERE q.id = t.id RETURNING t.*;
UPDATE t SET n = s.v FROM s LEFT JOIN h ON h.a = s.id + 2 WHERE s.id = t.id RETURNING t.id, h.b;
UPDATE t SET (n, m) = (SELECT s.v + t.n, count(*) FROM h) FROM s WHERE s.id = t.id RETURNING t.*;
UPDATE t SET n = s.v FROM s, h WHERE s.id = t.id AND h.a = s.id AND h.b = 'three' RETURNING t.id, s.v, h.b;

-- One row for each target, whatever matches it.
UPDATE t SET n = t.n + 1 FROM h WHERE h.a = t.id;
SELECT id, n FROM t ORDER BY id;
UPDATE t SET n = 5 FROM s;
UPDATE t SET n = 5 FROM s, h WHERE t.id = 1 RETURNING t.id;

-- A table without a key, and keys that change.
UPDATE h SET b = upper(h.b) FROM s WHERE s.id = h.a;
SELECT * FROM h ORDER BY b;
UPDATE h SET b = x.b || '!' FROM h x WHERE x.b = h.b RETURNING h.b, x.b AS old;
UPDATE t SET id = t.id + 10 FROM s WHERE s.id = t.id RETURNING t.id, s.id;
UPDATE t SET id = id - 10 WHERE id > 10;

-- Names.
UPDATE t SET n = 1 FROM t;
UPDATE t SET n = 1 FROM nope;
UPDATE t SET n = id FROM s;
UPDATE t SET n = v FROM s WHERE s.id = t.id AND v = 300;
UPDATE t SET v = 1 FROM s;
UPDATE t SET s.v = 1 FROM s;
UPDATE t x SET n = t.n FROM s;
UPDATE t SET n = count(*) FROM s;
UPDATE t SET n = 1 FROM s WHERE count(*) > 1;
UPDATE t SET n = 1 FROM s RETURNING count(*);

DELETE FROM h USING s WHERE s.id = h.a AND s.v = 100 RETURNING h.*, s.v;
DELETE FROM t USING t;
DELETE FROM t x USING t y WHERE y.id = x.id + 1 AND y.n = 5 RETURNING x.id, y.id;
DELETE FROM t USING s, h WHERE s.id = t.id AND h.a = t.id RETURNING t.id, h.b;
DELETE FROM t USING s;
DELETE FROM t USING s;
SELECT * FROM t;
