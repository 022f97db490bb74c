//! Dates as the field writes them: partial, in three notations, and FHIR instants.

use std::fmt;

/// A date known to the year, the month or the day. Ordered by what is known, a less precise date first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialDate {
    year: u16,
    month: u8,
    day: u8,
}

impl PartialDate {
    /// Reads `yyyy`, `yyyy-mm`, `yyyy-mm-dd`, `dd/mm/yyyy` or `yyyymmdd`; `None` for anything else or for a day that never was.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let number =
            |t: &str, len: usize| (t.len() == len && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u16>().ok())?;
        let parts: Vec<&str> = s.split(['-', '/']).collect();
        let (y, m, d) = match parts[..] {
            [d, m, y] if s.contains('/') => (number(y, 4)?, number(m, 2)?, number(d, 2)?),
            [y, m, d] if !s.contains('/') => (number(y, 4)?, number(m, 2)?, number(d, 2)?),
            [y, m] if !s.contains('/') => return Self::checked(number(y, 4)?, number(m, 2)?, 0),
            [all] if all.len() == 8 => (number(all.get(..4)?, 4)?, number(all.get(4..6)?, 2)?, number(all.get(6..)?, 2)?),
            [y] => return Self::checked(number(y, 4)?, 0, 0),
            _ => return None,
        };
        if m == 0 || d == 0 {
            return None;
        }
        Self::checked(y, m, d)
    }

    fn checked(year: u16, month: u16, day: u16) -> Option<Self> {
        let (m, d) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let valid = year > 0 && m <= 12 && (d == 0 || d <= days_in(i64::from(year), m));
        valid.then_some(Self { year, month: m, day: d })
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month > 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day > 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

fn leap(y: i64) -> bool {
    y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)
}

fn days_in(year: i64, month: u8) -> u8 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a Gregorian day, counting years from March so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let mut year = 1970 + days.div_euclid(366);
    while self::days(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut month = 12;
    while self::days(year, month, 1) > days {
        month -= 1;
    }
    (year, month, days - self::days(year, month, 1) + 1)
}

/// A UTC instant in milliseconds as `2026-11-24T10:00:00.123Z`.
#[must_use]
pub fn iso_ms(ms: i64) -> String {
    let (y, m, d) = civil(ms.div_euclid(86_400_000));
    let t = ms.rem_euclid(86_400_000);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{:03}Z", t / 3_600_000, t / 60_000 % 60, t / 1000 % 60, t % 1000)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The second of an instant in milliseconds, as HTTP headers say it (RFC 9110, IMF-fixdate):
/// `Tue, 24 Nov 2026 10:00:00 GMT`.
#[must_use]
pub fn http_date(ms: i64) -> String {
    const WEEK: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let days = ms.div_euclid(86_400_000);
    let (y, m, d) = civil(days);
    let t = ms.rem_euclid(86_400_000) / 1_000;
    let name = |names: &[&'static str], n: i64| usize::try_from(n).ok().and_then(|n| names.get(n).copied()).unwrap_or_default();
    let (week, month) = (name(&WEEK, days.rem_euclid(7)), name(&MONTHS, m - 1));
    format!("{week}, {d:02} {month} {y:04} {:02}:{:02}:{:02} GMT", t / 3_600, t / 60 % 60, t % 60)
}

/// Seconds since 1970 of an HTTP date in that form; `None` for anything else.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<i64> {
    let mut words = text.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let at = MONTHS.iter().position(|m| *m == month)?;
    parse_instant(&format!("{year}-{:02}-{day}T{time}Z", at + 1)).map(|i| i.0.div_euclid(1_000))
}

/// First and last millisecond (UTC) covered by a FHIR date or dateTime of precision year to millisecond.
/// Without an offset it is Paris time, daylight saving included. `None` when malformed.
#[must_use]
pub fn parse_instant(s: &str) -> Option<(i64, i64)> {
    let (date, time) = s.split_once('T').map_or((s, None), |(d, t)| (d, Some(t)));
    let date_parts: Vec<&str> = date.split('-').collect();
    if date.contains('/') || !matches!(date_parts.len(), 1..=3) || date_parts[0].len() != 4 {
        return None;
    }
    let p = PartialDate::parse(date)?;
    let (y, m, d) = (i64::from(p.year), i64::from(p.month), i64::from(p.day));
    let Some(time) = time else {
        let (from, to) = match (m, d) {
            (0, _) => (days(y, 1, 1), days(y + 1, 1, 1)),
            (12, 0) => (days(y, 12, 1), days(y + 1, 1, 1)),
            (m, 0) => (days(y, m, 1), days(y, m + 1, 1)),
            (m, d) => (days(y, m, d), days(y, m, d) + 1),
        };
        return Some((paris(from * 86_400_000), paris(to * 86_400_000) - 1));
    };
    if d == 0 {
        return None;
    }
    let (clock, offset) = if let Some(clock) = time.strip_suffix('Z') {
        (clock, Some(0))
    } else if let Some(at) = time.rfind(['+', '-']) {
        let (h, min) = time[at + 1..].split_once(':')?;
        let minutes = two(h, 15)? * 60 + two(min, 60)?;
        (&time[..at], Some(if time[at..].starts_with('-') { -minutes } else { minutes }))
    } else {
        (time, None)
    };
    let (whole, fraction) = clock.split_once('.').map_or((clock, None), |(w, f)| (w, Some(f)));
    let fields: Vec<&str> = whole.split(':').collect();
    let (h, min, sec, mut span) = match fields[..] {
        [h, m] if fraction.is_none() => (two(h, 24)?, two(m, 60)?, 0, 60_000),
        [h, m, s] => (two(h, 24)?, two(m, 60)?, two(s, 61)?, 1000),
        _ => return None,
    };
    let mut ms = days(y, m, d) * 86_400_000 + h * 3_600_000 + min * 60_000 + sec * 1000;
    if let Some(f) = fraction {
        if f.is_empty() || !f.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        for i in 0..3 {
            span /= 10;
            match f.as_bytes().get(i) {
                Some(b) => ms += i64::from(b - b'0') * span,
                None => {
                    span *= 10;
                    break;
                }
            }
        }
    }
    let start = offset.map_or_else(|| paris(ms), |o| ms - o * 60_000);
    Some((start, start + span - 1))
}

fn two(s: &str, below: i64) -> Option<i64> {
    let n = (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<i64>().ok())??;
    (n < below).then_some(n)
}

/// Paris wall clock to UTC. Summer time runs from the last Sunday of March to the last Sunday of October, 01:00 UTC.
fn paris(local: i64) -> i64 {
    let (year, ..) = civil(local.div_euclid(86_400_000));
    let change = |month: i64| {
        let last = days(year, month + 1, 1) - 1;
        (last - (last + 4).rem_euclid(7)) * 86_400_000 + 3_600_000
    };
    let winter = local - 3_600_000;
    if (change(3)..change(10)).contains(&winter) { local - 7_200_000 } else { winter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_dates_in_three_notations() {
        for s in ["2026-03-09", "09/03/2026", "20260309"] {
            assert_eq!(PartialDate::parse(s).map(|d| d.to_string()).as_deref(), Some("2026-03-09"));
        }
        assert_eq!(PartialDate::parse("2026-03").map(|d| d.to_string()).as_deref(), Some("2026-03"));
        for bad in ["", "2026-02-29", "31/04/2026", "2026-13", "26-01-01", "2026-00-01", "2026/01", "é026"] {
            assert_eq!(PartialDate::parse(bad), None, "{bad}");
        }
        assert!(PartialDate::parse("2024-02-29").is_some());
    }

    #[test]
    fn instants_go_there_and_back() {
        assert_eq!(iso_ms(0), "1970-01-01T00:00:00.000Z");
        for ms in [0, 951_782_399_999, 1_795_000_000_123, 4_102_444_800_000, 68_169_600_000] {
            assert_eq!(parse_instant(&iso_ms(ms)), Some((ms, ms)));
        }
    }

    #[test]
    fn precision_gives_the_range_and_paris_the_offset() {
        let day = parse_instant("2022-11-01").unwrap();
        assert_eq!((iso_ms(day.0).as_str(), iso_ms(day.1).as_str()), ("2022-10-31T23:00:00.000Z", "2022-11-01T22:59:59.999Z"));
        assert_eq!(iso_ms(parse_instant("2022-07-01T14:20").unwrap().0), "2022-07-01T12:20:00.000Z");
        assert_eq!(iso_ms(parse_instant("2022-12-01T14:20:05+02:00").unwrap().1), "2022-12-01T12:20:05.999Z");
        assert_eq!(parse_instant("2022-12-01T14:20:05.5Z").map(|r| r.1 - r.0), Some(99));
        assert_eq!(parse_instant("2022").map(|r| (r.1 - r.0 + 1) / 86_400_000), Some(365));
        for bad in
            ["2022-13", "T10:00", "2022-01-01T25:00", "2022-01-01T10", "01/01/2022", "2022-01-01T10:00:00.Z", "20220101", "x"]
        {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn http_dates() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("yesterday"), None);
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
