//! Dates and times as ISO 8601, from the numbers of days that spreadsheets have for them.

use heavy_load_kernel::Result;
use heavy_load_kernel::value::append;

const DAY: i64 = 86_400_000;
/// The day after 9999-12-31, as a number of days.
const DAYS: f64 = 2_958_466.0;

/// What a cell's format makes of its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number,
    Date,
    Duration,
}

impl Kind {
    /// What a format makes of numbers: by the letters of its first section that are neither quoted nor escaped.
    pub(crate) fn of_format(format: &str) -> Self {
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            match character.to_ascii_lowercase() {
                ';' => break,
                '"' => while characters.next().is_some_and(|quoted| quoted != '"') {},
                '\\' | '_' | '*' => drop(characters.next()),
                // Hours that go beyond a day, or a colour, a currency, a condition.
                '[' => {
                    let rest = characters.as_str();
                    let Some((inside, behind)) = rest.split_once(']') else { break };
                    if !inside.is_empty()
                        && inside.bytes().all(|byte| matches!(byte.to_ascii_lowercase(), b'h' | b'm' | b's'))
                    {
                        return Self::Duration;
                    }
                    characters = behind.chars();
                }
                'd' | 'm' | 'y' | 'h' | 's' => return Self::Date,
                _ => {}
            }
        }
        Self::Number
    }

    /// What a format that is built in, and so has no text in a file, makes of numbers (ECMA-376 part 1, 18.8.30).
    pub(crate) fn of_number(id: u32) -> Self {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Date,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }
}

/// Writes a date or a duration; nothing if the number is none.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn append_date(out: &mut Vec<u8>, days: f64, kind: Kind, from_1904: bool) -> Result<bool> {
    let text = match kind {
        Kind::Number => None,
        Kind::Date => date(days, from_1904),
        Kind::Duration => duration(days),
    };
    match text {
        Some(text) => append(out, text.as_bytes()).map(|()| true),
        None => Ok(false),
    }
}

fn date(days: f64, from_1904: bool) -> Option<String> {
    if !(0.0..DAYS - if from_1904 { 1462.0 } else { 0.0 }).contains(&days) {
        return None;
    }
    let all = (days * DAY as f64).round() as i64;
    let (day, time) = (all / DAY, all % DAY);
    let clock = clock(time);
    if day == 0 && (time > 0 || !from_1904) {
        return Some(clock);
    }
    // Days since 1970-01-01. To Excel 1900 was a leap year: the day before March is one that never was.
    let (year, month, day) = match (from_1904, day) {
        (true, day) => civil(day - 24_107),
        (false, 60) => (1900, 2, 29),
        (false, day) => civil(day - if day < 60 { 25_568 } else { 25_569 }),
    };
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if time == 0 { date } else { format!("{date}T{clock}") })
}

fn clock(time: i64) -> String {
    let (seconds, rest) = (time / 1000, time % 1000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { clock } else { format!("{clock}.{rest:03}") }
}

fn duration(days: f64) -> Option<String> {
    if days.is_nan() || days.abs() >= DAYS {
        return None;
    }
    let all = (days * DAY as f64).round() as i64;
    let (seconds, rest) = (all.abs() / 1000, all.abs() % 1000);
    let sign = if all < 0 { "-" } else { "" };
    let duration = format!("{sign}PT{}H{}M{}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(if rest == 0 { format!("{duration}S") } else { format!("{duration}.{rest:03}S") })
}

/// The date of so many days since 1970-01-01. Years begin in March here, so that a leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(days: f64, kind: Kind, from_1904: bool) -> String {
        let mut out = vec![];
        append_date(&mut out, days, kind, from_1904).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_of_days_are_dates() {
        for (days, expected) in [
            (0.0, "00:00:00"),
            (0.5, "12:00:00"),
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (60.0, "1900-02-29"),
            (61.0, "1900-03-01"),
            (25_569.0, "1970-01-01"),
            (36_585.0, "2000-02-29"),
            (45_322.25, "2024-01-31T06:00:00"),
            (45_322.999_999_999, "2024-02-01"),
            (45_322.000_011_574_08, "2024-01-31T00:00:01"),
            (45_322.000_000_1, "2024-01-31T00:00:00.009"),
            (2_958_465.0, "9999-12-31"),
            (2_958_466.0, ""),
            (-1.0, ""),
            (f64::NAN, ""),
        ] {
            assert_eq!(text(days, Kind::Date, false), expected, "{days}");
        }
        assert_eq!(text(0.0, Kind::Date, true), "1904-01-01");
        assert_eq!(text(0.25, Kind::Date, true), "06:00:00");
        assert_eq!(text(43_860.0, Kind::Date, true), "2024-01-31");
        assert_eq!(text(2_957_003.0, Kind::Date, true), "9999-12-31");
    }

    #[test]
    fn durations_go_beyond_a_day() {
        assert_eq!(text(1.5, Kind::Duration, false), "PT36H0M0S");
        assert_eq!(text(-0.000_011_574_074, Kind::Duration, false), "-PT0H0M1S");
        assert_eq!(text(f64::INFINITY, Kind::Duration, false), "");
    }

    #[test]
    fn formats_say_what_a_number_is() {
        for (format, kind) in [
            ("General", Kind::Number),
            ("0.00E+00", Kind::Number),
            ("#,##0\\ \"days\"", Kind::Number),
            ("[Red]0;[Blue]d", Kind::Number),
            ("[$USD-409]0", Kind::Number),
            ("\\d0_m*y", Kind::Number),
            ("@", Kind::Number),
            ("yyyy-mm-dd", Kind::Date),
            ("[$-409]h:mm AM/PM", Kind::Date),
            ("mm:ss.0", Kind::Date),
            ("DD.MM.YYYY", Kind::Date),
            ("[h]:mm:ss", Kind::Duration),
            ("[Red][mm]:ss", Kind::Duration),
            ("[h", Kind::Number),
            ("\"", Kind::Number),
        ] {
            assert_eq!(Kind::of_format(format), kind, "{format}");
        }
    }
}
