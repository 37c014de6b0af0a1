//! The proleptic Gregorian calendar, without end.
//!
//! Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Years are astronomical: 0 is 1 BC.

/// Days from 0000-03-01 to 2000-01-01.
const SHIFT: i64 = 730_425;
/// Days of 400 years.
const ERA: i64 = 146_097;

/// Days since 2000-01-01 of a date; the day may lie beyond its month.
pub const fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - SHIFT
}

/// Year, month and day.
pub const fn date_of_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + SHIFT;
    let era = shifted.div_euclid(ERA);
    let day_of_era = shifted.rem_euclid(ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// Days of a month.
pub const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether February has 29 days.
pub const fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// 0 for Sunday to 6 for Saturday.
pub const fn day_of_week(days: i64) -> i64 {
    // 2000-01-01 was a Saturday.
    (days + 6).rem_euclid(7)
}

/// The day of the year, from 1.
pub const fn day_of_year(days: i64) -> i64 {
    let (year, _, _) = date_of_days(days);
    days - days_of_date(year, 1, 1) + 1
}

/// ISO 8601 year and week: the week belongs to the year that has its Thursday.
pub const fn iso_week(days: i64) -> (i64, i64) {
    let monday_based = (day_of_week(days) + 6) % 7;
    let thursday = days - monday_based + 3;
    let (year, _, _) = date_of_days(thursday);
    (year, (thursday - days_of_date(year, 1, 1)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(days_of_date(2000, 1, 1), 0);
        assert_eq!(days_of_date(1970, 1, 1), -10_957);
        assert_eq!(date_of_days(-2_451_545), (-4713, 11, 24));
        assert_eq!(date_of_days(8825), (2024, 2, 29));
        assert_eq!(day_of_week(8825), 4);
        assert_eq!(iso_week(days_of_date(2021, 1, 3)), (2020, 53));
        assert_eq!(day_of_year(days_of_date(2024, 12, 31)), 366);
    }

    #[test]
    fn days_and_dates_agree_both_ways() {
        let mut previous = date_of_days(-800_000);
        for days in -799_999..800_000 {
            let date = date_of_days(days);
            assert_eq!(days_of_date(date.0, date.1, date.2), days);
            assert!(date > previous);
            assert!((1..=days_in_month(date.0, date.1)).contains(&date.2));
            previous = date;
        }
    }
}
