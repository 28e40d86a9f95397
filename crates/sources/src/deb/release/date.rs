//! Times in release files: `Sat, 21 Nov 2026 09:15:44 UTC` (RFC 2822 with the zone spelled out), and how they are shown.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 of a release file's time; none when it is no such time, or not in UTC.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.split_once(',').map_or(text, |(_weekday, rest)| rest);
    let mut words = text.split_ascii_whitespace();
    let day: u64 = number(words.next()?)?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = number(words.next()?)?;
    let mut clock = words.next()?.split(':');
    let (hour, minute, second) = (number(clock.next()?)?, number(clock.next()?)?, number(clock.next()?)?);
    let zone = words.next()?;
    let valid = matches!(zone, "UTC" | "GMT" | "Z" | "+0000" | "-0000")
        && words.next().is_none()
        && clock.next().is_none()
        && (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    valid.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `2026-11-21 09:15:44 UTC`.
pub fn print(seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = fields(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `20261121T091544Z`, as snapshot archives name their states.
pub fn stamp(seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = fields(seconds);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn number(text: &str) -> Option<u64> {
    (text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, years counted from March so that leap days come last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

fn fields(seconds: u64) -> [u64; 6] {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let clock = seconds % 86_400;
    [year, month, day, clock / 3600, clock / 60 % 60, clock % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows() {
        for (text, seconds, shown) in [
            ("Thu, 01 Jan 1970 00:00:00 UTC", 0, "1970-01-01 00:00:00 UTC"),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799, "2000-02-29 23:59:59 UTC"),
            ("Sat, 21 Nov 2026 09:15:44 UTC", 1_795_252_544, "2026-11-21 09:15:44 UTC"),
            ("Fri, 1 Mar 2024 9:05:00 +0000", 1_709_283_900, "2024-03-01 09:05:00 UTC"),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
            assert_eq!(print(seconds), shown);
        }
        assert_eq!(stamp(1_795_252_544), "20261121T091544Z");
        for text in [
            "",
            "now",
            "Sat, 21 Nov 2026 09:15:44 CET",
            "21 Foo 2026 09:15:44 UTC",
            "21 Nov 99999 09:15:44 UTC",
            "21 Nov 2026 25:15:44 UTC",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
