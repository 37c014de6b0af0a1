-- Date and time functions (chapter 9.9), and formatting of them (9.8).
SELECT to_char(timestamp '2024-02-29 15:04:05.678901', 'YYYY-MM-DD HH24:MI:SS'), to_char(timestamp '2024-02-29 15:04:05.678901', 'YY Y,YYY YYY Y'), to_char(timestamp '2024-02-29 15:04:05.678901', 'HH HH12 HH24 AM am P.M. a.m. PM');
SELECT to_char(timestamp '2024-02-29 15:04:05.678901', 'MS US SSSS SSSSS FF1 FF2 FF3 FF4 FF5 FF6'), to_char(timestamp '2024-02-29 15:04:05.678901', 'Month|MONTH|month|Mon|MON|mon|MM|RM|rm'), to_char(timestamp '2024-02-29 15:04:05.678901', 'Day|DAY|day|Dy|DY|dy|D|ID');
SELECT to_char(timestamp '2024-02-29 15:04:05', 'DDD IDDD DD W WW IW IYYY IYY IY I CC J Q'), to_char(timestamp '2024-02-29', 'BC AD B.C. a.d. bc'), to_char(timestamp '0044-03-15 BC', 'YYYY BC');
SELECT to_char(timestamp '2024-02-09 05:04:05', 'FMMonth FMDD, YYYY'), to_char(timestamp '2024-02-09 05:04:05', 'FMDay, DDth FMMonth'), to_char(timestamp '2024-02-01', 'DDth DDTH FMDDth'), to_char(timestamp '2024-02-02', 'FMDDth'), to_char(timestamp '2024-02-11', 'FMDDth'), to_char(timestamp '2024-02-23', 'FMDDTH');
SELECT to_char(timestamp '2024-02-29', '"literal YYYY" YYYY'), to_char(timestamp '2024-02-29', 'YYYY\"MM'), to_char(timestamp '2024-02-29', 'x-YYYY/MM.DD;HH:MI'), to_char(timestamp '2024-02-29', ''), to_char(timestamp '2024-02-29', 'TMMonth TMDay');
SELECT to_char(timestamptz '2024-02-29 12:00+00', 'TZ tz OF TZH TZM'), to_char(timestamptz '2024-02-29 12:00+02', 'HH24:MI TZH:TZM');
SELECT to_char(date '2024-02-29', 'YYYY-MM-DD HH24:MI'), to_char(time '15:04:05', 'HH12:MI:SS AM'), to_char(interval '1 day 26:03:04.5', 'DD HH24:MI:SS.MS'), to_char(interval '15h 2m 12s', 'HH24:MI:SS'), to_char(interval '2 years 3 months', 'YYYY MM');
SELECT to_char('infinity'::timestamp, 'YYYY'), to_char(NULL::timestamp, 'YYYY'), to_char(timestamp '2024-02-29', NULL);
SELECT to_date('05 Dec 2000', 'DD Mon YYYY'), to_date('20240229', 'YYYYMMDD'), to_date('29/02/2024', 'DD/MM/YYYY'), to_date('2024-060', 'YYYY-DDD'), to_date('24-2-9', 'YY-MM-DD'), to_date('2024-09-W', 'YYYY-MM'), to_date('February 2024', 'Month YYYY'), to_date('99', 'YY'), to_date('69', 'YY');
SELECT to_date('2024-02-30', 'YYYY-MM-DD');
SELECT to_date('x', 'YYYY');
SELECT to_date('2024-13-01', 'YYYY-MM-DD');
SELECT to_date('2024', 'YYYY-MM-DD'), to_date('', 'YYYY'), to_date('2024-02-29 x', 'YYYY-MM-DD');
SELECT to_timestamp('05 Dec 2000', 'DD Mon YYYY'), to_timestamp('2024-02-29 15:04:05.678', 'YYYY-MM-DD HH24:MI:SS.MS'), to_timestamp('2024-02-29 03:04 PM', 'YYYY-MM-DD HH12:MI AM');
SELECT to_timestamp('1709210096', 'J');
SELECT to_timestamp('2024-02-29 15:04', 'YYYY-MM-DD HH12:MI');
SELECT to_timestamp('2024-02-29 25:00', 'YYYY-MM-DD HH24:MI');
SELECT to_timestamp(1e9), to_timestamp(1.5), to_timestamp('-Infinity'::float8);
SELECT age(timestamp '2001-04-10', timestamp '1957-06-13'), age(timestamp '2024-02-29 12:00', timestamp '2023-02-28'), age(timestamp '2000-01-01', timestamp '2000-01-01');
SELECT age('infinity'::timestamp, timestamp '2024-01-01');
SELECT date_trunc('week', timestamp '2024-03-03 12:00'), date_trunc('week', timestamp '2024-03-04'), date_trunc('hour', interval '2 days 3 hours 40 minutes'), date_trunc('quarter', date '2024-08-15');
SELECT extract(century FROM timestamp '2000-12-16'), extract(day FROM interval '40 days 1 minute'), extract(isodow FROM timestamp '2001-02-18'), extract(isoyear FROM date '2006-01-01'), extract(julian FROM timestamp '2006-01-01 12:00'), extract(week FROM timestamp '2001-02-16'), extract(year FROM timestamp '0044-03-15 BC');
SELECT extract('year' FROM date '2024-01-01'), extract("year" FROM date '2024-01-01'), EXTRACT(YEAR FROM DATE '2024-01-01');
SELECT date_part('day', timestamp '2024-02-16'), date_part('hour', interval '4 hours 3 minutes');
SELECT date_part('x', now());
SELECT make_date(2013, 7, 15), make_time(8, 15, 23.5), make_timestamp(2013, 7, 15, 8, 15, 23.5), make_interval(years => 1, days => 10);
SELECT make_timestamp(2013, 13, 15, 8, 15, 23.5);
SELECT make_time(8, 60, 0);
SELECT timestamp '2001-09-28 01:00' + interval '23 hours', date '2001-09-28' + interval '1 hour', date '2001-10-01' - date '2001-09-28', timestamp '2001-09-29 03:00' - timestamp '2001-07-27 12:00', 900 * interval '1 second', double precision '3.5' * interval '1 hour', interval '1 hour' / double precision '1.5', - interval '23 hours';
SELECT current_date = now()::date, current_time IS NOT NULL, localtime < '24:00', localtimestamp(0) IS NOT NULL, current_timestamp = now();
SELECT pg_sleep(0), pg_typeof(clock_timestamp()), isfinite(interval '4 hours');
SELECT timestamp '2024-01-15 10:00' AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo', (timestamp '2024-01-15 10:00' AT TIME ZONE 'PST')::text, timestamptz '2024-01-15 10:00+00' AT TIME ZONE 'cet';
SELECT to_char(1234.5, '9999.99'), to_char(g, 'YYYY-MM') AS month, count(*) FROM generate_series(timestamp '2024-01-15', timestamp '2024-03-15', interval '10 days') g GROUP BY g ORDER BY g;
SELECT date_trunc('month', d)::date AS month, sum(x) FROM (VALUES (date '2024-01-15', 1), ('2024-01-20', 2), ('2024-02-01', 4)) v(d, x) GROUP BY 1 ORDER BY 1;
SELECT extract(dow FROM d) AS dow, to_char(d, 'FMDay') FROM generate_series(timestamp '2024-03-03', timestamp '2024-03-05', interval '1 day') d;
SELECT (date '2024-01-31' + interval '1 month')::date, (date '2024-03-31' - interval '1 month')::date, date_trunc('month', date '2024-02-15') + interval '1 month' - interval '1 day';
SELECT now() - '1 day'::interval < now(), now() + '1 day' > now(), now() > '2020-01-01', date '2024-01-01' + 7;
-- params: 2024-02-29 | YYYY/MM
SELECT to_char($1::date, $2);
-- params: month | 2024-02-29 12:00
SELECT date_trunc($1, $2::timestamp);
-- params: 2024-02-29
SELECT extract(year FROM $1::date), $1::date - 7;
