-- to_char and to_number of numbers (chapter 9.8).
SELECT to_char(125, '999'), to_char(125.8::real, '999D9'), to_char(-125.8, '999D99S'), to_char(-0.1, '99.99'), to_char(-0.1, 'FM9.99'), to_char(-0.1, 'FM90.99'), to_char(0.1, '0.9'), to_char(12, '9990999.9'), to_char(12, 'FM9990999.9');
SELECT to_char(485, '999'), to_char(-485, '999'), to_char(485, '9 9 9'), to_char(1485, '9,999'), to_char(1485, '9G999'), to_char(148.5, '999.999'), to_char(148.5, 'FM999.999'), to_char(148.5, 'FM999.990'), to_char(148.5, '999D999'), to_char(3148.5, '9G999D999');
SELECT to_char(-485, '999S'), to_char(-485, '999MI'), to_char(485, '999MI'), to_char(485, 'FM999MI'), to_char(485, 'PL999'), to_char(485, 'SG999'), to_char(-485, 'SG999'), to_char(-485, '9SG99'), to_char(-485, '999PR'), to_char(485, '999PR'), to_char(485, 'L999'), to_char(485, 'RN'), to_char(485, 'FMRN'), to_char(5.2, 'FMRN'), to_char(482, '999th'), to_char(485, '"Good number:"999'), to_char(485.8, '"Pre:"999" Post:" .999');
SELECT to_char(12, '99V999'), to_char(12.4, '99V999'), to_char(12.45, '99V9'), to_char(0.0004859, '9.99EEEE'), to_char(123456789, '9.99EEEE'), to_char(1234567, '9,999,999.99'), to_char(1234567.891, 'FM9,999,999.00');
SELECT to_char(12345, '999'), to_char(0, '999'), to_char(0, 'FM999'), to_char(0, '000'), to_char(0.5, '.99'), to_char(0.5, 'FM.99'), to_char(1.5, '9'), to_char(2.5, '9'), to_char(-1.5, '9'), to_char(5, '000009'), to_char(5, 'FM000009'), to_char(42, '0000'), to_char(42, 'FM0000');
SELECT to_char(1e15::float8, '9999999999999999'), to_char('NaN'::float8, '999'), to_char('NaN'::numeric, '999D99'), to_char('Infinity'::float8, '999'), to_char(1234567890123::bigint, '9,999,999,999,999'), to_char(NULL::int, '999'), to_char(5, '');
SELECT to_char(-5, 'S999'), to_char(5, 'S999'), to_char(-5, 'FMS999'), to_char(5::smallint, '99'), to_char(3, '9th'), to_char(1, '9TH'), to_char(22, '99th'), to_char(13, '99th'), to_char(-1, '9th');
SELECT to_char(99.99, '99'), to_char(99.5, '99'), to_char(999.99, '999.9'), to_char(0.05, '0.0'), to_char(0.04999, '0.0'), to_char(1000, '999,999'), to_char(1000, 'FM999,999'), to_char(-1000, 'FM999,999'), to_char(100, '0,000');
SELECT to_number('12,454.8-', '99G999D9S'), to_number('1,234.56', '9,999.99'), to_number('-34,338,492', '99G999G999'), to_number('$1,234', 'L9,999'), to_number('<564646.654564>', '999999.999999PR'), to_number(' 12 ', '99'), to_number('0.5', '9.9'), to_number('12', '999.99'), to_number('123', '99'), to_number('1.5', '9D9');
SELECT to_number('x', '9');
SELECT to_number('', '9');
SELECT pg_size_pretty(0::bigint), pg_size_pretty(1023::bigint), pg_size_pretty(10240::bigint), pg_size_pretty(1048576 * 15::bigint), pg_size_pretty(1e15), pg_size_bytes('10 MB');
SELECT to_char(1.1, '9.9') || '|', to_char(-1, '99') || '|', to_char(19.99, 'FM$999.00'), to_char(1234.5, 'FM9G999D00'), to_char(0.075 * 100, 'FM990.0') || '%';
-- params: 1234.5 | 9,999.99
SELECT to_char($1::numeric, $2);
