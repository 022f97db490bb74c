//! Dates as the field writes them: partial, in three notations; FHIR instants; HTTP dates.
//!
//! The calendar is `jiff`'s, with its own copy of the time zone Europe/Paris: nothing is read from the system. Instants are
//! milliseconds since 1970 UTC. Years run from 0001 to 9999, the range that FHIR can write.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::civil::{self, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Time zone of the directory: literals without an offset are in it.
static PARIS: TimeZone = jiff::tz::get!("Europe/Paris");
/// Origin of instants.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// The first instant that FHIR can write.
const FIRST: DateTime = DateTime::constant(1, 1, 1, 0, 0, 0, 0);
const DAY_MS: i64 = 86_400_000;
/// Last second that an HTTP date can say: the end of 9999.
const LAST_HTTP_SECOND: u64 = 253_402_300_799;
/// Largest offset from UTC, in minutes (FHIR R4, dateTime).
const LARGEST_OFFSET: i64 = 14 * 60;

/// A date known to the year, the month or the day. Dates are ordered by year, month, day; an unknown part comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialDate {
    year: i16,
    /// 0 when it is not known.
    month: i8,
    /// 0 when it is not known.
    day: i8,
}

impl PartialDate {
    /// Reads `yyyy`, `yyyy-mm`, `yyyy-mm-dd`, `dd/mm/yyyy` or `yyyymmdd`; `None` for another form or a day that the calendar does not have.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let parts: Vec<&str> = s.split(['-', '/']).collect();
        match parts[..] {
            [d, m, y] if s.contains('/') && !s.contains('-') => Self::day(y, m, d),
            [y, m, d] if !s.contains('/') => Self::day(y, m, d),
            [y, m] if !s.contains('/') => {
                let month = Self { month: digits(m, 2)?.try_into().ok()?, ..Self::year(y)? };
                (1..=12).contains(&month.month).then_some(month)
            }
            [all] if all.len() == 8 => Self::day(all.get(..4)?, all.get(4..6)?, all.get(6..)?),
            [y] => Self::year(y),
            _ => None,
        }
    }

    fn year(y: &str) -> Option<Self> {
        let year = digits(y, 4)?;
        (year > 0).then_some(Self { year, month: 0, day: 0 })
    }

    fn day(y: &str, m: &str, d: &str) -> Option<Self> {
        let known = Self { month: digits(m, 2)?.try_into().ok()?, day: digits(d, 2)?.try_into().ok()?, ..Self::year(y)? };
        civil::Date::new(known.year, known.month, known.day).is_ok().then_some(known)
    }

    /// Days since 1970 of the first day that the date covers and of the first day after it.
    fn span(self) -> Option<(i64, i64)> {
        let first = civil::Date::new(self.year, self.month.max(1), self.day.max(1)).ok()?;
        let length = match (self.month, self.day) {
            (0, _) => i64::from(first.days_in_year()),
            (_, 0) => i64::from(first.days_in_month()),
            _ => 1,
        };
        let start = days(first);
        Some((start, start + length))
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

/// The number that `s` writes with exactly `len` digits, at most four.
fn digits(s: &str, len: usize) -> Option<i16> {
    (s.len() == len && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())?
}

/// Days from 1970-01-01 to `date`.
fn days(date: civil::Date) -> i64 {
    date.duration_since(EPOCH.date()).as_secs() / 86_400
}

/// The date and time that lie `ms` milliseconds after 1970-01-01T00:00 on one wall clock, in UTC or in Paris. Values outside the
/// years of FHIR become the nearest year.
fn clock(ms: i64) -> DateTime {
    EPOCH.saturating_add(SignedDuration::from_millis(ms)).max(FIRST)
}

/// A UTC instant in milliseconds as `2026-11-24T10:00:00.123Z`. Instants before the year 0001 or after 9999 are written as the
/// first or the last of those years, so that texts compare as instants do.
#[must_use]
pub fn iso_ms(ms: i64) -> String {
    let t = clock(ms);
    let (y, m, d) = (t.year(), t.month(), t.day());
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{:03}Z", t.hour(), t.minute(), t.second(), t.millisecond())
}

/// The second of an instant in milliseconds, as HTTP headers write it (RFC 9110, IMF-fixdate):
/// `Tue, 24 Nov 2026 10:00:00 GMT`. An instant before 1970 is written as 1970, where HTTP dates begin.
#[must_use]
pub fn http_date(ms: i64) -> String {
    let seconds = u64::try_from(ms.div_euclid(1_000)).unwrap_or(0).min(LAST_HTTP_SECOND);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Seconds since 1970 of an HTTP date in one of the three forms that a server must accept (RFC 9110); `None` for another text.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<i64> {
    let at = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(at.as_secs()).ok()
}

/// First and last millisecond (UTC) covered by a FHIR date or dateTime of precision year to millisecond; further digits of the
/// second are accepted and ignored. A literal without an offset is Paris time, daylight saving included: of an hour that
/// clocks show twice the first is meant, and a time that clocks skip is the instant of the skip. A leap second counts as the
/// second that follows. `None` when the literal is malformed.
#[must_use]
pub fn parse_instant(s: &str) -> Option<(i64, i64)> {
    let (date, time) = s.split_once('T').map_or((s, None), |(d, t)| (d, Some(t)));
    // The two other notations of the files are not FHIR.
    if date.contains('/') || date.len() == 8 {
        return None;
    }
    let date = PartialDate::parse(date)?;
    let (first, after) = date.span()?;
    let Some(time) = time else {
        return Some((paris(first * DAY_MS), paris(after * DAY_MS) - 1));
    };
    if date.day == 0 {
        return None;
    }
    let (time, offset) = split_offset(time)?;
    let (ms, span) = time_of_day(time)?;
    let local = first * DAY_MS + ms;
    let start = offset.map_or_else(|| paris(local), |minutes| local - minutes * 60_000);
    Some((start, start + span - 1))
}

/// The time of a dateTime and its offset in minutes, when it has one.
fn split_offset(time: &str) -> Option<(&str, Option<i64>)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, Some(0)));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, None)) };
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let (hours, minutes) = (i64::from(digits(hours, 2)?), i64::from(digits(minutes, 2)?));
    let offset = hours * 60 + minutes;
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    (minutes < 60 && offset <= LARGEST_OFFSET).then_some((&time[..at], Some(sign * offset)))
}

/// Milliseconds since midnight of `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f…`, and how many of them it covers.
fn time_of_day(time: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = time.split_once('.').map_or((time, None), |(w, f)| (w, Some(f)));
    let below = |s: &str, limit: i64| digits(s, 2).map(i64::from).filter(|n| *n < limit);
    let mut fields = whole.split(':');
    let (hours, minutes) = (below(fields.next()?, 24)?, below(fields.next()?, 60)?);
    let seconds = fields.next().map_or(Some(None), |s| below(s, 61).map(Some))?;
    if fields.next().is_some() || (seconds.is_none() && fraction.is_some()) {
        return None;
    }
    let mut ms = (hours * 60 + minutes) * 60_000 + seconds.unwrap_or(0) * 1_000;
    let mut span = if seconds.is_some() { 1_000 } else { 60_000 };
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        for digit in fraction.bytes().take(3) {
            span /= 10;
            ms += i64::from(digit - b'0') * span;
        }
    }
    Some((ms, span))
}

/// The Paris days that a literal covers, as `yyyy-mm-dd`: its first day, and the first day after it (`None` after 9999-12-31).
/// `None` when the literal is malformed.
#[must_use]
pub fn parse_days(s: &str) -> Option<(String, Option<String>)> {
    let (first, last) = parse_instant(s)?;
    let (first, last) = (paris_day(first), paris_day(last));
    Some((first.to_string(), last.tomorrow().ok().map(|day| day.to_string())))
}

/// The day of an instant in milliseconds, as calendars in Paris show it: `yyyy-mm-dd`.
#[must_use]
pub fn iso_day(ms: i64) -> String {
    paris_day(ms).to_string()
}

/// The minute of an instant in milliseconds, as clocks in Paris show it, in the twelve digits by which national files are dated:
/// `AAAAMMJJhhmm` (source-files §2.1).
#[must_use]
pub fn paris_stamp(ms: i64) -> String {
    let t = paris_clock(ms);
    format!("{:04}{:02}{:02}{:02}{:02}", t.year(), t.month(), t.day(), t.hour(), t.minute())
}

/// The day of an instant in Paris.
fn paris_day(ms: i64) -> civil::Date {
    paris_clock(ms).date()
}

/// Date and time of an instant in Paris.
fn paris_clock(ms: i64) -> DateTime {
    let offset = PARIS.to_offset(Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX }));
    clock(ms.saturating_add(i64::from(offset.seconds()) * 1_000))
}

/// Paris wall clock, in milliseconds counted as if it were UTC, to UTC.
fn paris(local: i64) -> i64 {
    let at = |offset: Offset| local - i64::from(offset.seconds()) * 1_000;
    match PARIS.to_ambiguous_timestamp(clock(local)).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => at(offset),
        AmbiguousOffset::Gap { before, after } => {
            // Converted with the new offset, a skipped time lies shortly before the skip: the next transition is the skip.
            let skip = Timestamp::from_millisecond(at(after)).ok().and_then(|t| PARIS.following(t).next());
            skip.map_or_else(|| at(before), |skip| skip.timestamp().as_millisecond())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_is_that_of_paris() {
        // 23:30 UTC is past midnight in Paris, in summer and in winter.
        assert_eq!(iso_day(parse_instant("2026-11-24T23:30:00Z").unwrap().0), "2026-11-25");
        assert_eq!(iso_day(parse_instant("2026-06-30T22:30:00Z").unwrap().0), "2026-07-01");
        assert_eq!(iso_day(parse_instant("1960-12-31T12:00:00Z").unwrap().0), "1960-12-31");
        assert_eq!(paris_stamp(parse_instant("2026-11-24T23:30:59Z").unwrap().0), "202611250030");
        assert_eq!(paris_stamp(parse_instant("2026-06-30T22:30:00Z").unwrap().0), "202607010030");
    }

    #[test]
    fn partial_dates_in_three_notations() {
        for s in ["2026-03-09", "09/03/2026", "20260309"] {
            assert_eq!(PartialDate::parse(s).map(|d| d.to_string()).as_deref(), Some("2026-03-09"));
        }
        assert_eq!(PartialDate::parse("2026-03").map(|d| d.to_string()).as_deref(), Some("2026-03"));
        for bad in [
            "",
            "2026-02-29",
            "31/04/2026",
            "2026-13",
            "2026-00",
            "0000",
            "26-01-01",
            "2026-00-01",
            "2026-01-00",
            "2026/01",
            "é026",
            "01-01/2026",
            "+026",
            "20260230",
            "2022-02-30",
        ] {
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

    /// Summer and winter, the hour that is twice and the hour that is not, times of long ago.
    #[test]
    fn paris_time() {
        for (local, utc) in [
            ("2022-03-27T01:59:59", "2022-03-27T00:59:59.000Z"),
            ("2022-03-27T02:00:00", "2022-03-27T01:00:00.000Z"),
            ("2022-03-27T02:30", "2022-03-27T01:00:00.000Z"),
            ("2022-03-27T03:00", "2022-03-27T01:00:00.000Z"),
            ("2022-10-30T02:30", "2022-10-30T00:30:00.000Z"),
            ("2022-10-30T03:00", "2022-10-30T02:00:00.000Z"),
            ("2022-07-01T23:59", "2022-07-01T21:59:00.000Z"),
            ("1960-12-31", "1960-12-30T23:00:00.000Z"),
            ("1970-01-01", "1969-12-31T23:00:00.000Z"),
            // German time of the occupation, French summer time of 1976, local mean time before 1911.
            ("1942-07-01", "1942-06-30T22:00:00.000Z"),
            ("1976-07-01T12:00", "1976-07-01T10:00:00.000Z"),
            ("1900-01-01", "1899-12-31T23:50:39.000Z"),
            ("2099-07-01T12:00", "2099-07-01T10:00:00.000Z"),
        ] {
            assert_eq!(parse_instant(local).map(|r| iso_ms(r.0)).as_deref(), Some(utc), "{local}");
        }
    }

    #[test]
    fn the_edges_of_the_calendar() {
        assert_eq!(iso_ms(parse_instant("0001-01-01T00:00:00Z").unwrap().0), "0001-01-01T00:00:00.000Z");
        assert_eq!(iso_ms(parse_instant("9999-12-31T23:59:59.999Z").unwrap().1), "9999-12-31T23:59:59.999Z");
        assert_eq!(iso_ms(parse_instant("1960-12-31T00:00:00Z").unwrap().0), "1960-12-31T00:00:00.000Z");
        let last = parse_instant("9999-12-31").unwrap();
        assert_eq!((iso_ms(last.0).as_str(), last.1 - last.0 + 1), ("9999-12-30T23:00:00.000Z", DAY_MS));
        assert!(parse_instant("0001-01-01").unwrap().0 < parse_instant("0001-01-02").unwrap().0);
        assert!(parse_instant("9999").unwrap().1 == last.1);
        for ms in [i64::MIN, i64::MAX, -62_135_596_800_001, 253_402_300_800_000] {
            let (text, http) = (iso_ms(ms), http_date(ms));
            assert_eq!(text, if ms < 0 { "0001-01-01T00:00:00.000Z" } else { "9999-12-31T23:59:59.999Z" });
            assert_eq!(http, if ms < 0 { "Thu, 01 Jan 1970 00:00:00 GMT" } else { "Fri, 31 Dec 9999 23:59:59 GMT" });
        }
    }

    #[test]
    fn forms_of_a_time() {
        let first = |s: &str| parse_instant(s).map(|r| iso_ms(r.0));
        for (s, utc) in [
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
            ("2022-01-01T10:00:00+14:00", "2021-12-31T20:00:00.000Z"),
            ("2022-01-01T10:00:00-14:00", "2022-01-02T00:00:00.000Z"),
            ("2022-01-01T10:00-00:30", "2022-01-01T10:30:00.000Z"),
            ("2022-01-01T10:00:00.123456789012345678901234567890Z", "2022-01-01T10:00:00.123Z"),
            ("2022-01-01T10:00:00.0Z", "2022-01-01T10:00:00.000Z"),
        ] {
            assert_eq!(first(s).as_deref(), Some(utc), "{s}");
        }
        for bad in [
            "2022-00",
            "2022-13",
            "2022-02-30",
            "0000-01-01",
            "2022-01-01T24:00:00Z",
            "2022-01-01T23:59:61Z",
            "2022-01-01T23:60Z",
            "2022-01-01T10:00:00+14:01",
            "2022-01-01T10:00:00+15:00",
            "2022-01-01T10:00:00+01:60",
            "2022-01-01T10:00:00+0100",
            "2022-01-01T10:00:00+é1:00",
            "2022-01-01T10:00.5Z",
            "2022-01-01T10:00:00:00Z",
            "2022-01-01T",
            "2022-01T10:00Z",
            "2022T10:00",
            "2022-01-01T10:00:00z",
            "2022-01-01t10:00:00Z",
            "2022-01-01 10:00:00Z",
            "2022-1-1",
            "-2022",
            "20220101T10:00:00Z",
            "01/01/2022T10:00:00Z",
            "2022-01-01T-1:00:00Z",
            "2022-01-01T10:00:00.1e3Z",
            "10000-01-01",
        ] {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_are_days_of_paris_at_any_hour() {
        for (literal, first, after) in [
            ("2022-11-01", "2022-11-01", Some("2022-11-02")),
            ("2022-11-01T14:20", "2022-11-01", Some("2022-11-02")),
            ("2022-11-01T23:59:59", "2022-11-01", Some("2022-11-02")),
            ("2022-11-01T23:30:00Z", "2022-11-02", Some("2022-11-03")),
            ("2022-07-01T22:00:00Z", "2022-07-02", Some("2022-07-03")),
            ("1960", "1960-01-01", Some("1961-01-01")),
            ("1960-12", "1960-12-01", Some("1961-01-01")),
            ("9999-12-31", "9999-12-31", None),
            ("9999-12-31T23:59:59Z", "9999-12-31", None),
            ("9999", "9999-01-01", None),
            ("0001-01-01", "0001-01-01", Some("0001-01-02")),
        ] {
            assert_eq!(parse_days(literal), Some((first.to_owned(), after.map(str::to_owned))), "{literal}");
        }
    }

    /// Every day that can be written: read, printed, in order, with the days of Paris one after the other.
    #[test]
    fn every_day_from_0001_to_9999() {
        let (mut day, mut before, mut count) = (civil::Date::constant(1, 1, 1), i64::MIN, 0);
        loop {
            let text = day.to_string();
            assert_eq!(PartialDate::parse(&text).unwrap().to_string(), text);
            let (first, last) = parse_instant(&text).unwrap();
            assert!(first <= last && (before == i64::MIN || before + 1 == first), "{text}");
            before = last;
            // Dear checks run on every 29th day, which visits all days of months and weeks.
            if count % 29 == 0 {
                assert_eq!(paris_day(first.max(-62_135_596_800_000)), day, "{text}");
                let noon = days(day) * DAY_MS + DAY_MS / 2;
                assert_eq!(parse_instant(&iso_ms(noon)), Some((noon, noon)), "{text}");
            }
            count += 1;
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        assert_eq!(count, 3_652_059);
    }

    proptest! {
        /// Any text, and texts that are nearly dates.
        #[test]
        fn no_text_breaks_it(
            any in ".{0,40}",
            near in "[<=>a-z]{0,2}[0-9]{3,5}[-/.:T0-9]{0,14}(\\.[0-9]{0,12})?(Z|[+-][0-9:]{0,6})?",
        ) {
            for s in [any, near] {
                let _ = parse_http_date(&s);
                if let Some(date) = PartialDate::parse(&s) {
                    prop_assert_eq!(PartialDate::parse(&date.to_string()), Some(date));
                }
                let (instant, days) = (parse_instant(&s), parse_days(&s));
                prop_assert_eq!(instant.is_some(), days.is_some());
                if let Some((first, last)) = instant {
                    prop_assert!(first <= last);
                }
            }
        }

        /// Printed and read again; texts in the order of the instants.
        #[test]
        fn instants_print_as_they_compare(a in -62_135_596_800_000..253_402_300_800_000_i64, b in any::<i64>()) {
            prop_assert_eq!(parse_instant(&iso_ms(a)), Some((a, a)));
            prop_assert!(iso_ms(a).cmp(&iso_ms(b)) == a.cmp(&b) || iso_ms(a) == iso_ms(b));
            if a >= 0 {
                prop_assert_eq!(parse_http_date(&http_date(a)), Some(a / 1_000));
            }
        }
    }

    #[test]
    fn http_dates() {
        assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Sun Nov  6 08:49:37 1994"), Some(784_111_777));
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 UTC"), None);
        assert_eq!(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("yesterday"), None);
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
