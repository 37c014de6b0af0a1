-- COPY to and from the client.
CREATE TABLE ct (a int, b text);
INSERT INTO ct VALUES (1, 'x'), (2, NULL);

-- Options.
COPY ct TO STDOUT;
COPY ct TO STDOUT (FORMAT xml);
COPY ct TO STDOUT (FORMAT csv, FORMAT text);
COPY ct TO STDOUT (FOO 1);
COPY ct TO STDOUT (DELIMITER '');
COPY ct TO STDOUT (DELIMITER 'ab');
COPY ct TO STDOUT (DELIMITER E'\n');
COPY ct TO STDOUT (DELIMITER 'a');
COPY ct TO STDOUT (DELIMITER '.');
COPY ct TO STDOUT (DELIMITER '\');
COPY ct TO STDOUT (FORMAT csv, DELIMITER '"');
COPY ct TO STDOUT (DELIMITER 'é');
COPY ct TO STDOUT (NULL E'\n');
COPY ct TO STDOUT (NULL E'a\tb');
COPY ct TO STDOUT (FORMAT csv, NULL 'a,b');
COPY ct TO STDOUT (FORMAT csv, NULL '"');
COPY ct TO STDOUT (QUOTE 'x');
COPY ct TO STDOUT (FORMAT csv, QUOTE 'xy');
COPY ct TO STDOUT (ESCAPE 'x');
COPY ct TO STDOUT (FORMAT csv, ESCAPE 'xy');
COPY ct TO STDOUT (FORCE_QUOTE (a));
COPY ct TO STDOUT (FORCE_NOT_NULL (a));
COPY ct TO STDOUT (FORMAT csv, FORCE_NOT_NULL (a));
COPY ct TO STDOUT (FORCE_NULL (a));
COPY ct TO STDOUT (FORMAT csv, FORCE_NULL (a));
COPY ct TO STDOUT (FORMAT csv, FORCE_QUOTE (zz));
COPY ct (a) TO STDOUT (FORMAT csv, FORCE_QUOTE (b));
COPY ct TO STDOUT (FORMAT csv, FORCE_QUOTE (a, a));
COPY ct TO STDOUT (FORMAT csv, FORCE_QUOTE *);
COPY ct TO STDOUT (FORMAT csv, FORCE_QUOTE 'a');
COPY ct TO STDOUT (FORMAT binary, DELIMITER ',');
COPY ct TO STDOUT (FORMAT binary, NULL ',');
COPY ct TO STDOUT (FORMAT binary, HEADER);
COPY ct TO STDOUT (HEADER match);
COPY ct TO STDOUT (HEADER 5);
COPY ct TO STDOUT (HEADER 1);
COPY ct TO STDOUT (HEADER 'on');
COPY ct TO STDOUT (HEADER maybe);
COPY ct TO STDOUT (ENCODING 'utf8');
COPY ct TO STDOUT (ENCODING 'nope');
COPY ct TO STDOUT (FREEZE);
COPY ct TO STDOUT (FREEZE 3);
COPY ct TO STDOUT (DELIMITER);
COPY ct (a, a) TO STDOUT;
COPY ct (zz) TO STDOUT;
COPY nope TO STDOUT;
COPY (SELECT 1) FROM STDIN;
COPY (INSERT INTO ct VALUES (3, 'y')) TO STDOUT;
COPY (INSERT INTO ct VALUES (3, 'y') RETURNING b, a) TO STDOUT;
COPY ct TO STDOUT WHERE a = 1;
COPY ct FROM STDIN STDOUT;
COPY ct TO STDIN (FORMAT csv);
COPY ct TO STDOUT ();
COPY ct TO STDOUT (FORMAT 'csv', NULL null);
COPY ct TO STDOUT (FORMAT csv) CSV;

-- As it was written before there were parentheses.
COPY ct TO STDOUT WITH CSV HEADER QUOTE '''' FORCE QUOTE b NULL 'n';
COPY ct TO STDOUT CSV FORCE QUOTE *;
COPY ct TO STDOUT DELIMITERS ',';
COPY ct TO STDOUT USING DELIMITERS ',';
COPY ct TO STDOUT WITH DELIMITER AS '|' NULL AS 'nn';
COPY ct TO STDOUT WITH OIDS;
COPY ct TO STDOUT WITH CSV CSV;
COPY ct TO STDOUT WITH CSV ENCODING 'UTF8';

-- What is written.
COPY (SELECT '\.') TO STDOUT (FORMAT csv);
COPY (SELECT '\.', 1) TO STDOUT (FORMAT csv);
COPY (SELECT '', null, 'a,b', 'a"b', E'a\nb', 'a b', '\N', ' x') TO STDOUT (FORMAT csv);
COPY (SELECT '', null, 'a,b', 'a"b', E'a\nb', 'a b', E'a\rb', '\N', E'\b\f\v\t\\ \x01é') TO STDOUT;
COPY (SELECT 'a\b"c') TO STDOUT (FORMAT csv, ESCAPE '\');
COPY (SELECT 'a|b\c') TO STDOUT (DELIMITER '|');
COPY (SELECT null, 'NULL', 'x') TO STDOUT (FORMAT csv, NULL 'NULL', HEADER);
COPY (SELECT 1 AS "a,b", 2 AS "c""d") TO STDOUT (FORMAT csv, HEADER);
COPY (SELECT 1 AS "a	b", 2 AS "c\d") TO STDOUT (HEADER);
COPY (SELECT 1 WHERE false) TO STDOUT;
COPY (SELECT a, b FROM ct ORDER BY a DESC) TO STDOUT (FORMAT csv, FORCE_QUOTE (b));
COPY (VALUES (true, 1.50, date '2024-02-29'), (false, 2, NULL)) TO STDOUT;

-- What is read.
CREATE TABLE it (id int PRIMARY KEY, n numeric(6,2) DEFAULT 1.5, s varchar(5), b bool NOT NULL DEFAULT true, CHECK (n < 100));
COPY it FROM STDIN;
1	2.5	abc	t
2	\N	\N	f
3	7	a\tb	yes
\.
COPY it (s, id) FROM STDIN;
x	4
\x41\102\\	5
\.
COPY it (id, s, n) FROM STDIN (FORMAT csv, HEADER);
anything,at,all
6,"a,b",3
7,,
8,"",4
"9","q""q",5
\.
SELECT * FROM it ORDER BY id;
COPY it (id, s) FROM STDIN (FORMAT csv, HEADER match);
id,s
10,x
\.
COPY it (id, s) FROM STDIN (FORMAT csv, HEADER match);
id,t
11,x
\.
COPY it (id, s) FROM STDIN (FORMAT csv, HEADER match);
id
11
\.
COPY it (id, s) FROM STDIN (HEADER match, DELIMITER ' ');
id \N
\.
COPY it (id, s, n) FROM STDIN (FORMAT csv, NULL 'null', FORCE_NULL (n), FORCE_NOT_NULL (s));
11,null,"null"
12,abc,2
\.
COPY it (id, n) FROM STDIN WHERE n > 5 AND id > 12;
13	5
14	6
1	7
15	\N
\.
COPY it (id, s) FROM STDIN WITH DELIMITER '|' NULL '';
16|
17|a\|b
\.
SELECT * FROM it WHERE id > 9 ORDER BY id;

-- What is wrong with it.
COPY it FROM STDIN;
20	2.5	abc
\.
COPY it FROM STDIN;
20	2.5	abc	t	x
\.
COPY it FROM STDIN;
20	2.5	abc	t
x1	2.5	abc	t
\.
COPY it FROM STDIN;
20	2.5	abcdefg	t
\.
COPY it FROM STDIN;
20	12345.5	abc	t
\.
COPY it FROM STDIN;
20	2.5	abc	t
20	2.5	abc	t
\.
COPY it FROM STDIN;
20	2.5	abc	\N
\.
COPY it FROM STDIN;
20	250	abc	t
\.
COPY it FROM STDIN;
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa	1
\.
COPY it (id, s) FROM STDIN (FORMAT csv);
20,"abc
\.
COPY it (id, s) FROM STDIN (FORMAT csv);
20,"a
b",x
\.
COPY it FROM STDIN (DELIMITER 'n');
COPY it FROM STDIN WHERE b + 1;
COPY it FROM STDIN WHERE zz = 1;
COPY it FROM STDIN WHERE (SELECT true);
COPY it FROM STDIN WHERE count(*) > 1;
COPY it (id, zz) FROM STDIN;
COPY nope FROM STDIN;
SELECT count(*) FROM it WHERE id >= 20;
COPY it (id) FROM STDIN;
\.
COPY it (id, b) FROM STDIN;
\N	t
\.

-- References, and rows without a key.
CREATE TABLE child (id int REFERENCES it (id));
COPY child FROM STDIN;
1
777
\.
COPY child FROM STDIN;
1
1
\N
\.
COPY child TO STDOUT;

-- In a transaction.
BEGIN;
COPY it (id) FROM STDIN;
30
31
\.
SELECT count(*) FROM it WHERE id >= 30;
SAVEPOINT a;
COPY it (id) FROM STDIN;
32
31
\.
ROLLBACK TO a;
SELECT count(*) FROM it WHERE id >= 30;
ROLLBACK;
BEGIN READ ONLY;
COPY it (id) TO STDOUT WITH (FREEZE off);
COPY (INSERT INTO it (id) VALUES (40) RETURNING id) TO STDOUT;
ROLLBACK;
