-- COPY in and out: text, CSV, options, errors.
CREATE TABLE prod (id int PRIMARY KEY, name text, price numeric(8,2) DEFAULT 1.50, at timestamp, ok bool);
COPY prod FROM STDIN;
1	plain	9.99	2024-01-01 00:00:00	t
2	tab\there	\N	\N	f
3	back\\slash\nnewline	5	2024-02-29 12:34:56.789	t
\.
COPY prod TO STDOUT;
COPY prod (id, name) FROM STDIN;
4	four
5	\N
6	
\.
COPY prod (name, id) TO STDOUT;
COPY (SELECT id, name FROM prod WHERE id < 4 ORDER BY id) TO STDOUT;
COPY prod FROM STDIN WITH (FORMAT csv);
10,"quoted, comma",1.5,2024-01-01,true
11,"say ""hi""",,,
12,plain,2,,false
13,"",3,,t
\.
COPY (SELECT * FROM prod ORDER BY id) TO STDOUT WITH (FORMAT csv);
COPY (SELECT * FROM prod ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT * FROM prod ORDER BY id) TO STDOUT CSV HEADER DELIMITER ';' NULL 'nil' QUOTE '''';
COPY (SELECT id, name FROM prod ORDER BY id) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (name));
COPY (SELECT id, name FROM prod ORDER BY id) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT id, name FROM prod ORDER BY id LIMIT 2) TO STDOUT (DELIMITER '|', NULL '<>');
COPY (SELECT 1, 'x', NULL, ARRAY[1,2], '\x01'::bytea, true, 1.50) TO STDOUT;
COPY (SELECT 1, 'x', NULL, ARRAY['a b','c,d'], E'\t\n\\') TO STDOUT (FORMAT csv);
COPY prod FROM STDIN (FORMAT csv, HEADER true, NULL 'nil', DELIMITER ';');
id;name;price;at;ok
20;nil;1;nil;t
21;"nil";2;nil;f
\.
SELECT id, name, name IS NULL AS n FROM prod WHERE id >= 10 ORDER BY id;
COPY prod (id, name) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (name));
30,
\.
COPY prod (id, name) FROM STDIN (FORMAT csv, FORCE_NULL (name));
31,""
\.
SELECT id, name, name IS NULL AS n FROM prod WHERE id >= 30 ORDER BY id;
COPY prod (id, name) FROM STDIN (FORMAT csv, HEADER match);
id,name
32,m
\.
COPY prod (id, name) FROM STDIN (FORMAT csv, HEADER match);
id,nom
33,m
\.
COPY prod FROM STDIN;
1	dup	1	\N	t
\.
COPY prod FROM STDIN;
x	bad	1	\N	t
\.
COPY prod FROM STDIN;
40	few
\.
COPY prod FROM STDIN;
40	many	1	\N	t	extra
\.
COPY prod (id, price) FROM STDIN;
41	1234567.89
\.
COPY prod (id) FROM STDIN;
42
\N
\.
COPY prod (id, name) FROM STDIN (FORMAT csv);
43,"unterminated
\.
COPY prod (nosuch) FROM STDIN;
1
\.
COPY nosuch FROM STDIN;
1
\.
COPY prod FROM STDIN (FORMAT nosuch);
1
\.
COPY prod TO STDOUT (NOSUCH 1);
COPY prod TO STDOUT (DELIMITER 'ab');
COPY prod TO STDOUT (FORMAT text, HEADER, QUOTE '"');
COPY (DELETE FROM prod WHERE id = 32 RETURNING id) TO STDOUT;
COPY (INSERT INTO prod (id, name) VALUES (50, 'x') RETURNING id, price) TO STDOUT;
COPY prod FROM STDIN WHERE id > 100;
99	no	1	\N	t
101	yes	1	\N	t
\.
SELECT id, name, price FROM prod WHERE id > 50 ORDER BY id;
COPY prod (id, name) FROM STDIN;
\.
COPY prod TO '/nonexistent/file';
COPY prod FROM PROGRAM 'nosuch';
COPY (SELECT id FROM prod WHERE id < 3 ORDER BY id) TO STDOUT (FORMAT binary);
COPY (SELECT NULL::int, 'a'::text, 1.5::numeric, true, '2024-01-01'::date, ARRAY[1,NULL]) TO STDOUT BINARY;
COPY (SELECT 1 AS "a b", 2 AS c) TO STDOUT (FORMAT csv, HEADER);
COPY prod (id, name) FROM STDIN (DELIMITER ',', NULL 'NULL');
60,NULL
61,a\,b
\.
SELECT id, name FROM prod WHERE id >= 60 AND id < 100 ORDER BY id;
BEGIN;
COPY prod (id) FROM STDIN;
70
71
\.
ROLLBACK;
SELECT count(*) FROM prod WHERE id IN (70, 71);
CREATE TABLE strict_copy (id int PRIMARY KEY, qty int NOT NULL CHECK (qty > 0), ref int REFERENCES prod);
COPY strict_copy FROM STDIN;
1	5	1
2	0	1
\.
COPY strict_copy FROM STDIN;
1	5	1000
\.
COPY strict_copy (id) FROM STDIN;
1
\.
SELECT * FROM strict_copy;
COPY strict_copy FROM STDIN WITH (FORMAT csv, FREEZE false, ENCODING 'UTF8');
1,5,1
\.
TABLE strict_copy;
COPY strict_copy FROM STDIN;
2	\x41	1
\.
COPY prod (id, name) FROM STDIN;
80	\x41\101\u0041\e
\.
SELECT name FROM prod WHERE id = 80;
