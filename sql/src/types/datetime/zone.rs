//! Time zones by their names: those of the system's database, hours east of Greenwich, POSIX rules.

use jiff::tz::{Offset, TimeZone};

use crate::error::{Result, SqlError, SqlState};

/// Hours east or west of Greenwich at most, as in PostgreSQL.
const MAX_HOURS: f64 = 167.0;

/// A zone for `SET TimeZone`.
pub fn time_zone(name: &str) -> Result<TimeZone> {
    Ok(resolve(name)?.1)
}

/// The name under which `SHOW TimeZone` shows a zone.
pub fn zone_name(name: &str) -> Result<String> {
    Ok(resolve(name)?.0)
}

/// The name of a zone that is so many seconds east of Greenwich: `<+05:30>-05:30`.
pub fn offset_name(seconds: i64) -> Result<String> {
    let (hours, rest) = (seconds.abs() / 3600, seconds.abs() % 3600);
    if hours > 167 {
        return Err(out_of_range(&seconds.to_string()));
    }
    let mut digits = format!("{hours:02}");
    if rest != 0 {
        digits.push_str(&format!(":{:02}", rest / 60));
    }
    if rest % 60 != 0 {
        digits.push_str(&format!(":{:02}", rest % 60));
    }
    // In POSIX's rules, positive is west.
    let (east, west) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    Ok(format!("<{east}{digits}>{west}{digits}"))
}

/// A zone's canonical name and the zone.
fn resolve(name: &str) -> Result<(String, TimeZone)> {
    let trimmed = name.trim();
    if let Ok(hours) = trimmed.parse::<f64>()
        && hours.is_finite()
    {
        if hours.abs() > MAX_HOURS {
            return Err(out_of_range(name));
        }
        #[allow(clippy::cast_possible_truncation, reason = "bounded above")]
        let canonical = offset_name((hours * 3600.0) as i64)?;
        let zone = posix(&canonical).ok_or_else(|| invalid(name))?;
        return Ok((canonical, zone));
    }
    if let Some(zone) = named_zone(trimmed) {
        let utc = UTC_NAMES.iter().find(|utc| trimmed.eq_ignore_ascii_case(utc)).copied();
        let canonical = utc.or_else(|| zone.iana_name()).unwrap_or(trimmed).to_owned();
        return Ok((canonical, zone));
    }
    let rule = trimmed.to_ascii_uppercase();
    let zone = posix(&rule).ok_or_else(|| invalid(name))?;
    Ok((rule, zone))
}

/// The names of UTC, known even where the system has no zone database.
const UTC_NAMES: [&str; 10] =
    ["UTC", "GMT", "Zulu", "UCT", "Universal", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Etc/Universal", "Etc/Zulu"];

/// A zone by name: UTC under its many names, else from the system's database.
pub(super) fn named_zone(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("z") || UTC_NAMES.iter().any(|utc| name.eq_ignore_ascii_case(utc)) {
        return Some(TimeZone::UTC);
    }
    TimeZone::get(name).ok()
}

/// A zone by a POSIX rule, which begins with a name and an offset.
fn posix(rule: &str) -> Option<TimeZone> {
    if let Some(zone) = offset_by_name(rule) {
        return Some(zone);
    }
    let has_offset = rule.bytes().any(|byte| byte.is_ascii_digit());
    if has_offset { TimeZone::posix(rule).ok() } else { None }
}

/// The zone of a name that [`offset_name`] makes: `<+05:30>-05:30`.
fn offset_by_name(name: &str) -> Option<TimeZone> {
    let (_, west) = name.strip_prefix('<')?.split_once('>')?;
    let sign = if west.starts_with('-') { 1 } else { -1 };
    let mut seconds = 0;
    for (part, unit) in west.trim_start_matches(['-', '+']).splitn(3, ':').zip([3600, 60, 1]) {
        seconds += part.parse::<i32>().ok().filter(|part| (0..=167).contains(part))? * unit;
    }
    Offset::from_seconds(sign * seconds).ok().map(Offset::to_time_zone)
}

fn invalid(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"TimeZone\": \"{name}\""))
}

fn out_of_range(name: &str) -> SqlError {
    invalid(name).with_detail("UTC timezone offset is out of range.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_canonical_names() {
        for (given, shown) in [
            ("europe/berlin", "Europe/Berlin"),
            ("utc", "UTC"),
            ("-7", "<-07>+07"),
            ("3.5", "<+03:30>-03:30"),
            ("Foo-3", "FOO-3"),
            ("<+05>-5", "<+05>-5"),
        ] {
            assert_eq!(zone_name(given).unwrap(), shown, "{given}");
            assert_eq!(zone_name(shown).unwrap(), shown, "{shown}");
        }
        for bad in ["foo bar", "interval", "200", "", "Nowhere/Land"] {
            assert!(zone_name(bad).is_err(), "{bad}");
        }
    }
}
