//! Dates and times of the Gregorian calendar as whole numbers: days and seconds since the beginning of 1970, UTC.
//!
//! ```text
//! date   2027-01-31                     days       time   2027-01-31T09:30:00Z, 2027-01-31 10:30:00+01:00     seconds
//! ```
//!
//! Years are 0001 to 9999. A time without its zone is none: which one is meant is not guessed. The calendar is in
//! days from the first of March of the year 0, so that the leap day is a year's last (Richards 2013, "Calendars").

/// Seconds of a day.
const DAY: i128 = 86_400;

/// Days from the first of March of the year 0 to the beginning of 1970.
const EPOCH: i128 = 719_468;

/// The dates from 0001-01-01 to 9999-12-31.
pub(crate) const DATES: (i128, i128) = (-719_162, 2_932_896);

/// The times of these dates.
pub(crate) const TIMES: (i128, i128) = (DATES.0 * DAY, DATES.1 * DAY + DAY - 1);

/// The day of a date, if the calendar has it.
pub(crate) fn day(year: u32, month: u32, of_month: u32) -> Option<i128> {
    let (y, m) = if month < 3 { (year.checked_sub(1)?, month + 9) } else { (year, month.checked_sub(3)?) };
    let (y, m) = (i128::from(y), i128::from(m));
    let day = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + i128::from(of_month) - 1 - EPOCH;
    (civil(day) == [year, month, of_month].map(i128::from) && year <= 9999).then_some(day)
}

/// Year, month and day of a day that is not before the year 0.
fn civil(day: i128) -> [i128; 3] {
    let day = (day + EPOCH).max(0);
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    [era * 400 + year + i128::from(month < 3), month, of_month]
}

/// The number of digits alone.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The fields of a text of fixed places, such as `2027-01-31`.
fn fields(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut next = |length: usize| parts.next().filter(|part| part.len() == length).and_then(digits);
    let first = if separator == '-' { 4 } else { 2 };
    let fields = [next(first)?, next(2)?, next(2)?];
    parts.next().is_none().then_some(fields)
}

/// The day of a date in ISO 8601.
pub(crate) fn parse_date(text: &str) -> Option<i128> {
    let [year, month, of_month] = fields(text, '-')?;
    day(year, month, of_month)
}

/// The second of a time in ISO 8601 with its zone.
pub(crate) fn parse_time(text: &str) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let (clock, zone) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
            let east = if zone.starts_with('+') { 1 } else { -1 };
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            let is_zone = hours.len() == 2 && minutes.len() == 2;
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            if !is_zone || hours > 14 || minutes > 59 {
                return None;
            }
            (clock, east * i128::from(60 * hours + minutes) * 60)
        }
    };
    let [hour, minute, second] =
        fields(&if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() }, ':')?;
    let is_clock = hour < 24 && minute < 60 && second < 60;
    is_clock.then_some(parse_date(date)? * DAY + i128::from(3600 * hour + 60 * minute + second) - zone)
}

/// A day as a date in ISO 8601.
pub(crate) fn show_date(day: i128) -> String {
    let [year, month, of_month] = civil(day);
    format!("{year:04}-{month:02}-{of_month:02}")
}

/// A second as a time in ISO 8601, UTC.
pub(crate) fn show_time(second: i128) -> String {
    let of_day = second.rem_euclid(DAY);
    let [hour, minute, second_of] = [of_day / 3600, of_day / 60 % 60, of_day % 60];
    format!("{}T{hour:02}:{minute:02}:{second_of:02}Z", show_date(second.div_euclid(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_a_date_and_no_other_text_is() {
        for day in (DATES.0..DATES.1).step_by(97).chain([DATES.0, DATES.1, 0, 11_016]) {
            assert_eq!(parse_date(&show_date(day)), Some(day));
        }
        assert_eq!([show_date(DATES.0), show_date(DATES.1)], ["0001-01-01", "9999-12-31"]);
        assert_eq!([show_date(0), show_date(11_016)], ["1970-01-01", "2000-02-29"]);
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "2023-13-01",
            "2023-00-10",
            "2023-1-01",
            "0000-01-01",
            "31.12.2023",
            "2023-01-01x",
            "+023-01-01",
            "2023-01-00",
            "",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_has_its_zone() {
        assert_eq!(parse_time("1970-01-02T00:00:01Z"), Some(86_401));
        assert_eq!(parse_time("1970-01-01 01:30:00+01:30"), Some(0));
        assert_eq!(parse_time("1969-12-31T23:00-01:00"), Some(0));
        for second in [TIMES.0, -1, 0, 1_798_761_599, TIMES.1] {
            assert_eq!(parse_time(&show_time(second)), Some(second));
        }
        assert_eq!(show_time(1_798_761_599), "2026-12-31T23:59:59Z");
        for bad in [
            "2023-01-01T10:00:00",
            "2023-01-01",
            "2023-01-01T24:00:00Z",
            "2023-01-01T10:00:60Z",
            "2023-01-01T1:00:00Z",
            "2023-01-01T10:00:00+1:00",
            "2023-01-01T10:00:00ä",
            "2023-01-01T10:60:00Z",
            "2023-01-01_10:00:00Z",
            "2023-01-01T10:00:00+15:00",
            "2023-01-01T10:00:00+01:60",
            "2023-01-01T10:00:00+1:000",
            "2023-01-01T10:00:00 01:00",
            "2023-01-01T10:00:00.5Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
