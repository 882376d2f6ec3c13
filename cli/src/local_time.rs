//! Dates for people: local time to the second, with its distance from UTC.
//!
//! JSON records hold seconds since 1970 instead. The time zone is the system's (`TZ` overrides it).

use jiff::{Timestamp, tz::TimeZone};

/// Seconds since 1970 as local time: `2026-11-28 22:03:10 +01:00`. A time that no calendar has, which a block
/// may state, stays a number.
pub(crate) fn local_time(seconds: u64) -> String {
    in_zone(seconds, TimeZone::system())
}

fn in_zone(seconds: u64, zone: TimeZone) -> String {
    let known = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
    match known {
        Some(time) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        None => format!("{seconds} s after 1970"),
    }
}

/// How long ago something was, in the largest unit that fits: `8 s`, `3 min`, `5 h`, `2 d`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;

    #[test]
    fn dates_are_those_of_the_zone() {
        assert_eq!(in_zone(0, TimeZone::UTC), "1970-01-01 00:00:00 +00:00");
        let east = TimeZone::fixed(offset(2));
        assert_eq!(in_zone(1_795_903_390, east), "2026-11-29 00:03:10 +02:00");
        assert_eq!(in_zone(u64::MAX, TimeZone::UTC), "18446744073709551615 s after 1970");
        assert_eq!([age(119), age(120), age(7_200), age(172_800)], ["119 s", "2 min", "2 h", "2 d"]);
    }
}
