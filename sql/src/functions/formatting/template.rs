//! Templates of dates and times: cut into fields and text between them.

/// A field of a template, by its longest name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field {
    Hour12,
    Hour24,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    /// `FF1` to `FF6`
    Fraction(u32),
    SecondsOfDay,
    /// `AM`, `PM`; with dots or without, upper case or lower.
    Meridiem {
        dots: bool,
        upper: bool,
    },
    /// `BC`, `AD`
    Era {
        dots: bool,
        upper: bool,
    },
    YearWithComma,
    /// `YYYY` … `Y`: how many digits.
    Year(u32),
    /// `IYYY` … `I`
    IsoYear(u32),
    MonthName(Case),
    MonthShort(Case),
    Month,
    DayName(Case),
    DayShort(Case),
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    WeekOfMonth,
    Week,
    IsoWeek,
    Century,
    Julian,
    Quarter,
    MonthRoman {
        upper: bool,
    },
    ZoneName {
        upper: bool,
    },
    ZoneHours,
    ZoneMinutes,
    ZoneOffset,
}

/// How a name is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Case {
    Upper,
    Capital,
    Lower,
}

/// A part of a template.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Part {
    Field {
        field: Field,
        /// `FM`: no blanks and zeros that fill it up.
        fill: bool,
        /// `TH` or `th`, as upper case or not.
        ordinal: Option<bool>,
        /// Whether another field of digits follows at once: then a number being read ends with its usual length.
        digits_follow: bool,
    },
    /// Text as it is; of quoted text the whole.
    Text(String),
    /// A sign that separates fields: a blank or punctuation.
    Separator(char),
}

/// The fields' names, longer ones first where one begins with another.
const NAMES: &[(&str, Field)] = &[
    ("A.D.", Field::Era { dots: true, upper: true }),
    ("a.d.", Field::Era { dots: true, upper: false }),
    ("A.M.", Field::Meridiem { dots: true, upper: true }),
    ("a.m.", Field::Meridiem { dots: true, upper: false }),
    ("AD", Field::Era { dots: false, upper: true }),
    ("ad", Field::Era { dots: false, upper: false }),
    ("AM", Field::Meridiem { dots: false, upper: true }),
    ("am", Field::Meridiem { dots: false, upper: false }),
    ("B.C.", Field::Era { dots: true, upper: true }),
    ("b.c.", Field::Era { dots: true, upper: false }),
    ("BC", Field::Era { dots: false, upper: true }),
    ("bc", Field::Era { dots: false, upper: false }),
    ("P.M.", Field::Meridiem { dots: true, upper: true }),
    ("p.m.", Field::Meridiem { dots: true, upper: false }),
    ("PM", Field::Meridiem { dots: false, upper: true }),
    ("pm", Field::Meridiem { dots: false, upper: false }),
    ("MONTH", Field::MonthName(Case::Upper)),
    ("Month", Field::MonthName(Case::Capital)),
    ("month", Field::MonthName(Case::Lower)),
    ("MON", Field::MonthShort(Case::Upper)),
    ("Mon", Field::MonthShort(Case::Capital)),
    ("mon", Field::MonthShort(Case::Lower)),
    ("DAY", Field::DayName(Case::Upper)),
    ("Day", Field::DayName(Case::Capital)),
    ("day", Field::DayName(Case::Lower)),
    ("DY", Field::DayShort(Case::Upper)),
    ("Dy", Field::DayShort(Case::Capital)),
    ("dy", Field::DayShort(Case::Lower)),
    ("RM", Field::MonthRoman { upper: true }),
    ("rm", Field::MonthRoman { upper: false }),
    ("TZH", Field::ZoneHours),
    ("TZM", Field::ZoneMinutes),
    ("TZ", Field::ZoneName { upper: true }),
    ("tz", Field::ZoneName { upper: false }),
    ("OF", Field::ZoneOffset),
];

/// Those whose case does not matter.
const NAMES_OF_NUMBERS: &[(&str, Field)] = &[
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("MI", Field::Minute),
    ("SSSSS", Field::SecondsOfDay),
    ("SSSS", Field::SecondsOfDay),
    ("SS", Field::Second),
    ("MS", Field::Millisecond),
    ("US", Field::Microsecond),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("Y,YYY", Field::YearWithComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoDayOfWeek),
    ("IW", Field::IsoWeek),
    ("I", Field::IsoYear(1)),
    ("MM", Field::Month),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("D", Field::DayOfWeek),
    ("WW", Field::Week),
    ("W", Field::WeekOfMonth),
    ("CC", Field::Century),
    ("J", Field::Julian),
    ("Q", Field::Quarter),
];

fn field_at(text: &str) -> Option<(Field, usize)> {
    let exact = NAMES.iter().find(|(name, _)| text.starts_with(name));
    let found = exact.or_else(|| {
        NAMES_OF_NUMBERS
            .iter()
            .find(|(name, _)| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)))
    });
    found.map(|(name, field)| (*field, name.len()))
}

/// Cuts a template into its parts.
pub(super) fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let mut fill = true;
        let mut at = rest;
        while let Some(tail) = prefix(at, &["FM", "FX", "TM"]) {
            if !at.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("FX")) {
                fill = false;
            }
            at = tail;
        }
        if let Some((field, length)) = field_at(at) {
            rest = at.get(length..).unwrap_or("");
            let mut ordinal = None;
            if let Some(tail) = rest.strip_prefix("TH") {
                (ordinal, rest) = (Some(true), tail);
            } else if let Some(tail) = rest.strip_prefix("th") {
                (ordinal, rest) = (Some(false), tail);
            }
            let digits_follow =
                field_at(prefix(rest, &["FM"]).unwrap_or(rest)).is_some_and(|(field, _)| field.is_number());
            parts.push(Part::Field { field, fill, ordinal, digits_follow });
            continue;
        }
        if at.len() < rest.len() {
            rest = at;
            continue;
        }
        let tail = rest.get(first.len_utf8()..).unwrap_or("");
        if first == '"' {
            let (text, tail) = quoted(tail);
            parts.push(Part::Text(text));
            rest = tail;
        } else if first == '\\' && tail.starts_with('"') {
            parts.push(Part::Text("\"".to_owned()));
            rest = tail.get(1..).unwrap_or("");
        } else {
            let is_separator = first.is_ascii() && !first.is_ascii_alphanumeric();
            parts.push(if is_separator { Part::Separator(first) } else { Part::Text(first.to_string()) });
            rest = tail;
        }
    }
    parts
}

fn prefix<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    let name = names.iter().find(|name| text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(name)))?;
    // `TMon` is no prefix of anything but a name.
    text.get(name.len()..)
}

/// Text up to the closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut inside = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => inside.extend(chars.next()),
            c => inside.push(c),
        }
    }
    (inside, chars.as_str())
}

impl Field {
    /// Whether it is written in digits.
    pub(super) const fn is_number(self) -> bool {
        !matches!(
            self,
            Self::Meridiem { .. }
                | Self::Era { .. }
                | Self::MonthName(_)
                | Self::MonthShort(_)
                | Self::DayName(_)
                | Self::DayShort(_)
                | Self::MonthRoman { .. }
                | Self::ZoneName { .. }
                | Self::ZoneHours
                | Self::ZoneOffset
        )
    }
}

impl Case {
    /// A capitalised name in this case.
    pub(super) fn of(self, name: &str) -> String {
        match self {
            Self::Upper => name.to_ascii_uppercase(),
            Self::Capital => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
        }
    }
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
