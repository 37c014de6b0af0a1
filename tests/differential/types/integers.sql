-- smallint, integer, bigint: input, arithmetic, overflow.
SELECT 1, 2147483647, 2147483648, 9223372036854775807, 9223372036854775808;
SELECT -2147483648, -9223372036854775808;
SELECT '  42 '::int, '-7'::smallint, '+5'::bigint;
SELECT ''::int;
SELECT 'abc'::int;
SELECT '12x'::int;
SELECT '1.5'::int;
SELECT '0x10'::int;
SELECT '1_000'::int;
SELECT '32768'::smallint;
SELECT '-32769'::int2;
SELECT '2147483648'::int;
SELECT '9223372036854775808'::bigint;
SELECT 32767::smallint + 1::smallint;
SELECT 2147483647 + 1;
SELECT -2147483648 - 1;
SELECT 2147483647 * 2;
SELECT 9223372036854775807 + 1;
SELECT 9223372036854775807 * 2::bigint;
SELECT (-9223372036854775808)::bigint / -1;
SELECT (-2147483648)::int / -1;
SELECT (-32768)::smallint / (-1)::smallint;
SELECT -(-2147483648)::int;
SELECT abs((-2147483648)::int);
SELECT 1 / 0;
SELECT 1 % 0;
SELECT 1::bigint / 0;
SELECT mod(5, 0);
SELECT 7 / 2, -7 / 2, 7 / -2, -7 / -2;
SELECT 7 % 3, -7 % 3, 7 % -3, -7 % -3;
SELECT mod(-7, 3), mod(7::bigint, -3);
SELECT (-9223372036854775808)::bigint % -1;
SELECT 5::smallint / 2::smallint, pg_typeof(5::smallint / 2::smallint);
SELECT pg_typeof(1::smallint + 1), pg_typeof(1 + 1::bigint), pg_typeof(1::smallint + 1::bigint);
SELECT pg_typeof(1), pg_typeof(2147483648), pg_typeof(9223372036854775808), pg_typeof(1.0);
SELECT 2 ^ 10, 2 ^ 0.5, (-2) ^ 3, 2 ^ -1;
SELECT pg_typeof(2 ^ 10);
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 4;
SELECT 5::bigint & 3, ~5::smallint, 1::bigint << 40, -1 >> 1;
SELECT @ -5, @ (-5)::bigint;
SELECT |/ 25, ||/ 27;
SELECT 5 !;
SELECT factorial(5), factorial(20), factorial(25);
SELECT factorial(-1);
SELECT gcd(12, 18), gcd(0, 0), gcd(-12, 18), lcm(4, 6), lcm(0, 5);
SELECT gcd((-2147483648)::int, 0);
SELECT lcm(2147483647, 2);
SELECT 1::smallint::int::bigint::numeric::text;
SELECT 40000::smallint;
SELECT 3000000000::int;
SELECT 2.5::int, 3.5::int, -2.5::int, 2.4999::int, -0.5::int;
SELECT 2.5::float8::int, 3.5::float8::int, -2.5::float8::int, 0.5::real::int;
SELECT 1e10::float8::int;
SELECT 'NaN'::float8::int;
SELECT 'NaN'::numeric::int;
SELECT 1e5::int, 1e2;
SELECT 0::int = -0, 1 < 2, 2 <= 2, 3 <> 4, 5 != 5;
SELECT 1 = 1::smallint, 1 = 1::bigint, 1 = 1.0, 1 = 1::float8;
SELECT 1 = '1', 1 = ' 1 ';
SELECT 1 = 'one';
SELECT 1 + '2', '3' * 4;
SELECT 1 + '2.5';
SELECT 1 || 'a', 'a' || 1;
SELECT 1 || 2;
SELECT 10 BETWEEN 1 AND 10, 10 NOT BETWEEN 11 AND 20, 5 BETWEEN SYMMETRIC 10 AND 1;
SELECT int4(5.7), int8('12'), int2(3);
SELECT int4pl(1, 2), int4mi(5, 3), int8mul(4, 5), int4div(9, 2);
SELECT greatest(1, 2::bigint, 3::smallint), pg_typeof(greatest(1, 2::bigint));
SELECT coalesce(NULL, 1::smallint, 2), pg_typeof(coalesce(NULL, 1::smallint, 2));
SELECT width_bucket(5, 0, 10, 5), width_bucket(-1, 0, 10, 5), width_bucket(10, 0, 10, 5);
SELECT to_hex(255), to_hex(-1), to_hex(255::bigint), to_hex(-1::bigint);
SELECT min(x), max(x), sum(x), avg(x), count(x) FROM (VALUES (1), (2), (NULL), (4)) v(x);
SELECT sum(x), pg_typeof(sum(x)) FROM (VALUES (1::smallint), (2)) v(x);
SELECT sum(x), pg_typeof(sum(x)), avg(x), pg_typeof(avg(x)) FROM (VALUES (9223372036854775807), (9223372036854775807)) v(x);
SELECT bit_and(x), bit_or(x), bit_xor(x) FROM (VALUES (6), (3), (NULL)) v(x);
SELECT stddev(x), variance(x), stddev_pop(x), var_pop(x), stddev_samp(x), var_samp(x) FROM (VALUES (1), (2), (3), (4)) v(x);
SELECT stddev(x), var_pop(x) FROM (VALUES (5)) v(x);
CREATE TABLE ints (a smallint, b int, c bigint);
INSERT INTO ints VALUES (32767, 2147483647, 9223372036854775807), (-32768, -2147483648, -9223372036854775808), (0, 0, 0), (NULL, NULL, NULL);
SELECT a, b, c FROM ints ORDER BY a NULLS FIRST;
INSERT INTO ints (a) VALUES (32768);
INSERT INTO ints (b) VALUES (2147483648);
INSERT INTO ints (a) VALUES (1.5), (2.5);
INSERT INTO ints (a) VALUES ('17');
INSERT INTO ints (a) VALUES ('x');
INSERT INTO ints (a) VALUES (true);
SELECT a + 1 FROM ints WHERE a = 32767;
SELECT a + 1::smallint FROM ints WHERE a = 32767;
SELECT b + 1 FROM ints WHERE b = 2147483647;
SELECT sum(a), sum(b), sum(c), pg_typeof(sum(a)), pg_typeof(sum(b)), pg_typeof(sum(c)) FROM ints;
-- params: 5
-- params: 32768
-- params: x
-- params: \N
SELECT $1::smallint + 1;
-- params: 2147483648
SELECT $1::int;
-- types: 20
-- params: 9223372036854775807
SELECT $1 - 1;
-- params: 1 | 2
SELECT $1 + $2::bigint;
-- params: 7
SELECT * FROM ints WHERE a = $1;
