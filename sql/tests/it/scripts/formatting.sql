-- to_char, to_date, to_timestamp, to_number.
select to_char(timestamp '2024-03-05 15:04:05.123456', 'YYYY-MM-DD HH24:MI:SS.MS US FF3'), to_char(timestamp '2024-03-05 15:04:05', 'Day, DD Month YYYY HH12:MI AM'), to_char(timestamp '2024-03-05 03:04:05', 'FMDay, FMDD FMMonth YYYY FMHH12:MI pm');
select to_char(timestamp '2024-03-05', 'DDD D ID IW IYYY WW W Q CC J RM Y,YYY YY Y'), to_char(timestamp '2024-03-01', 'DDth Mon "of" YYYY'), to_char(timestamptz '2024-03-05 12:00+00', 'TZ OF TZH:TZM');
select to_char(interval '15 hours 2 minutes 12 seconds', 'HH24:MI:SS'), to_char(interval '1 year 2 mons 3 days', 'YYYY-MM-DD'), to_char(timestamp '0044-03-15 BC', 'YYYY BC A.D.');
select to_char(125, '999'), to_char(-125, '999'), to_char(125.8, '999D9'), to_char(-125.8, '999D99S'), to_char(1485, '9G999'), to_char(148.5, '9,999.99'), to_char(0.1, '0.9'), to_char(12, '9990999.9'), to_char(12, 'FM9990999.9'), to_char(0.5, '9.99'), to_char(0.5,'FM9.99'), to_char(12345,'999');
select to_char(485, 'RN'), to_char(485, 'FMRN'), to_char(482, '999th'), to_char(-485, '999PR'), to_char(485,'"Good number:"999'), to_char(12.4, '99V999'), to_char(0.0004859, '9.99EEEE'), to_char(1234.5678::float8, '9999.99'), to_char(-12, 'S9999'), to_char(12, 'MI9999'), to_char(-12, '9999MI'), to_char(12,'PL9999'), to_char(12,'SG9999'), to_char(1000000, 'FM999,999,999'), to_char(1234567.891, 'FM9,999,999.00'), to_char(0, '9999'), to_char(0,'FM9999'), to_char(0, 'FM9990.00'), to_char(-0.1, '99.99'), to_char(12.345, '00000.0'), to_char(5,'L999');
select to_number('12,454.8-', '99G999D9S'), to_number('1234', '9999'), to_number('-12.5','S99.9');
select to_date('05 Dec 2000', 'DD Mon YYYY'), to_date('20240105','YYYYMMDD'), to_date('2024-060','YYYY-DDD'), to_timestamp('2024-01-05 14:30:15','YYYY-MM-DD HH24:MI:SS'), to_timestamp('05/12/24 2:30 PM','DD/MM/YY HH12:MI PM'), to_date('2024 Week 10','IYYY "Week" IW');
select to_date('2024-13-01','YYYY-MM-DD');
select to_date('abc','YYYY');
select to_char(timestamp 'infinity','YYYY'), to_char(123456789012::int8,'FM999G999G999G999'), to_char(1e10::float8,'9.9EEEE'), to_char('NaN'::float8,'999.9');
