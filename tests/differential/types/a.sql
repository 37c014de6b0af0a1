SELECT 1 AS one;
SELECT 1/0;
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1,'x'), (2,NULL);
SELECT * FROM t ORDER BY id;
-- params: 1
-- params: \N
SELECT v FROM t WHERE id = $1;
BEGIN; SELECT 1;
SELECT 1::smallint;
SELECT foo;
COMMIT;
COPY t FROM STDIN;
3	z
\.
SELECT 'abc'::bytea;
SET timezone = 'Europe/Paris';
