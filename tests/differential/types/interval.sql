-- interval: forms of input and output, arithmetic.
SELECT interval '1 day', interval '1 year 2 months', interval '3 days 04:05:06.789', interval '-1 day', interval '1 day -2 hours', interval '00:00:00', interval '0';
SELECT '1 week'::interval, '1.5 days'::interval, '1.5 months'::interval, '1.5 years'::interval, '0.1 seconds'::interval, '2 decades'::interval, '1 century'::interval, '1 millennium'::interval;
SELECT 'P1Y2M3DT4H5M6S'::interval, 'P0001-02-03T04:05:06'::interval, 'PT1.5H'::interval, 'P1W'::interval, 'P-1Y'::interval;
SELECT '1-2'::interval, '3 4:05:06'::interval, '-1-2 +3 -4:05:06'::interval, '1 2:03'::interval, '12:34'::interval, '25:00:00'::interval;
SELECT '@ 1 minute'::interval, '1 day ago'::interval, '2 hours 3 mins ago'::interval, '1y 2mon 3d 4h 5m 6s'::interval, '100 us'::interval, '5 ms'::interval;
SELECT interval '1' year, interval '5' day, interval '1-2' year to month, interval '10' hour, interval '1:02' minute to second, interval '3 04:05' day to minute;
SELECT interval '1.23456' second(2), '1.23456 s'::interval(3), interval(0) '1.9 seconds';
SELECT ''::interval;
SELECT 'nonsense'::interval;
SELECT '1 fortnight'::interval;
SELECT '1 day 1 day'::interval;
SELECT '10000000000 years'::interval;
SELECT 'infinity'::interval;
SELECT interval '1 day' + interval '2 hours', interval '1 month' - interval '1 day', -interval '1 day 2 hours', interval '1 day' * 2, 2.5 * interval '1 day', interval '1 month' * 1.5, interval '1 day' / 3, interval '1 hour' / 1.5;
SELECT interval '1 day' / 0;
SELECT interval '1 year' * 1e10;
SELECT interval '1 day' * interval '1 day';
SELECT interval '1 day' = interval '24 hours', interval '1 month' = interval '30 days', interval '1 day' > interval '23 hours', interval '-1 day' < interval '0';
SELECT x FROM (VALUES (interval '1 month'), (interval '31 days'), (interval '29 days'), (NULL), (interval '720 hours')) v(x) ORDER BY x, x::text;
SELECT DISTINCT x = interval '1 day' FROM (VALUES (interval '24 hours'), (interval '1 day')) v(x);
SELECT count(*) FROM (SELECT DISTINCT x FROM (VALUES (interval '24 hours'), (interval '1 day')) v(x)) d;
SELECT extract(day FROM interval '40 days 25 hours'), extract(hour FROM interval '40 days 25 hours'), extract(year FROM interval '14 months'), extract(month FROM interval '14 months'), extract(epoch FROM interval '1 year 1 month 1 day 01:00:01.5'), extract(second FROM interval '1.5 seconds'), extract(quarter FROM interval '7 months'), extract(decade FROM interval '25 years'), extract(minute FROM interval '90 minutes'), extract(millisecond FROM interval '1.234 s');
SELECT extract(dow FROM interval '1 day');
SELECT extract(week FROM interval '10 days');
SELECT date_part('epoch', interval '1 month'), date_part('hour', interval '-5 hours 30 minutes');
SELECT date_trunc('hour', interval '1 day 12:34:56'), date_trunc('month', interval '14 months 5 days'), date_trunc('year', interval '14 months');
SELECT justify_hours(interval '50 hours'), justify_days(interval '65 days'), justify_interval(interval '1 month -1 hour'), justify_interval(interval '40 days 50 hours');
SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5), make_interval(days => 10), make_interval(hours => 5, secs => 1.5), make_interval();
SELECT interval '1 day'::text, '1 day'::text::interval, interval '90 minutes'::time, time '01:30'::interval;
SELECT interval '1 day'::int;
SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (interval '1 day'), (interval '2 hours'), (NULL)) v(x);
SELECT avg(x) FROM (VALUES (interval '1 month'), (interval '1 day')) v(x);
SELECT interval '1 day' + date '2024-01-01', interval '1 day' + timestamp '2024-01-01', interval '1 day' + time '12:00', pg_typeof(interval '1 day' + interval '1 day');
SELECT timestamp '2024-01-01' - interval '1 month 1 day 1 hour', timestamp '2024-05-31' + interval '1 month' + interval '1 month', timestamp '2024-05-31' + interval '2 months';
SET intervalstyle = 'iso_8601';
SELECT interval '1 year 2 months 3 days 04:05:06.789', interval '-1 day', interval '0', interval '1 day -1 hour';
SET intervalstyle = 'sql_standard';
SELECT interval '1 year 2 months', interval '3 days 04:05:06.789', interval '1 year 2 months 3 days 04:05:06', interval '-1 day', interval '1 day -1 hour', interval '0', interval '-1 year -2 months +3 days';
SELECT '-1 day 02:03'::interval;
SET intervalstyle = 'postgres_verbose';
SELECT interval '1 year 2 months 3 days 04:05:06.789', interval '-1 day', interval '0', interval '-1.5 hours';
SET intervalstyle = 'postgres';
SHOW intervalstyle;
SET intervalstyle = 'nonsense';
CREATE TABLE durations (id int PRIMARY KEY, i interval, ym interval year to month, s interval second(0), d interval day to hour);
INSERT INTO durations VALUES (1, '1 day 2 hours', '1 year 2 months 3 days', '1.6 seconds', '1 day 2 hours 3 minutes'), (2, '-1 month', NULL, NULL, NULL);
SELECT * FROM durations ORDER BY i;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'durations'::regclass AND attnum > 0 ORDER BY attnum;
SELECT id FROM durations WHERE i > interval '1 hour';
UPDATE durations SET i = i * 2 WHERE id = 1 RETURNING i;
-- params: 1 day 02:03:04
-- params: P1D
-- params: x
SELECT $1::interval, $1::interval * 2;
-- params: 1 day
SELECT now() + $1 > now();
SELECT '1 year'::interval::text, interval '178000000 years';
SELECT interval '-00:00:00.5', interval '1 mon -1 day +00:00:01', interval '-1 years 11 months';
