//! Dates, instants and times of day of FHIR, known to the precision that they were written with.

use std::cmp::Ordering;
use std::fmt::Write as _;

const NANOS: u64 = 1_000_000_000;

/// A date, an instant or a time of day; each may be partial (`2026`, `2026-11`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    form: MomentForm,
    /// Year, month, day, hour, minute, nanosecond of the minute; those beyond `known` are zero.
    fields: [u64; 6],
    /// How many fields are known. A time of day has no year, month and day, and they count.
    known: usize,
    /// Digits after the second.
    decimals: usize,
    /// Minutes east of Greenwich.
    offset: Option<i16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MomentForm {
    /// A date, or a dateTime with or without its time.
    Calendar,
    TimeOfDay,
}

/// What a text of FHIR is read as, when that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MomentType {
    Date,
    DateTime,
    Time,
}

impl MomentType {
    /// The type of a moment by the name of a FHIR type; `None` for others.
    pub(crate) fn of_fhir(name: &str) -> Option<Self> {
        match name {
            "date" => Some(Self::Date),
            "dateTime" | "instant" => Some(Self::DateTime),
            "time" => Some(Self::Time),
            _ => None,
        }
    }
}

impl Moment {
    /// Reads a FHIR `date`, `dateTime` or `instant`, or a FHIRPath literal without `@`. Days exist in the calendar.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T').map_or((text, None), |(d, t)| (d, Some(t)));
        let mut moment = Self { form: MomentForm::Calendar, fields: [0; 6], known: 0, decimals: 0, offset: None };
        let lengths = [4, 2, 2];
        for (part, length) in date.split('-').zip(lengths) {
            moment.add(number(part, length)?);
        }
        let dashes = date.bytes().filter(|b| *b == b'-').count();
        let [year, month, day, ..] = moment.fields;
        let exists = year > 0
            && (moment.known < 2 || (1..=12).contains(&month))
            && (moment.known < 3 || (1..=days_in_month(year, month)).contains(&day));
        if dashes + 1 != moment.known || !exists {
            return None;
        }
        match time {
            // A literal `@2026-11T` is a dateTime of that precision.
            None | Some("") => Some(moment),
            Some(time) if moment.known == 3 => moment.with_time(time),
            Some(_) => None,
        }
    }

    /// Reads a FHIR `time`, or a FHIRPath literal without `@T`.
    pub(crate) fn parse_time(text: &str) -> Option<Self> {
        let moment = Self { form: MomentForm::TimeOfDay, fields: [0; 6], known: 3, decimals: 0, offset: None };
        moment.with_time(text).filter(|m| m.offset.is_none())
    }

    /// Reads a text as a moment of this type.
    pub(crate) fn parse_as(ty: MomentType, text: &str) -> Option<Self> {
        match ty {
            MomentType::Time => Self::parse_time(text),
            MomentType::Date => Self::parse(text).filter(|m| m.known <= 3),
            MomentType::DateTime => Self::parse(text),
        }
    }

    fn add(&mut self, field: u64) {
        self.fields[self.known] = field;
        self.known += 1;
    }

    fn with_time(mut self, text: &str) -> Option<Self> {
        let (clock, offset) = match text.find(['Z', '+', '-']) {
            Some(at) => (&text[..at], Some(&text[at..])),
            None => (text, None),
        };
        let mut parts = clock.split(':');
        self.add(number(parts.next()?, 2).filter(|h| *h < 24)?);
        if let Some(minute) = parts.next() {
            self.add(number(minute, 2).filter(|m| *m < 60)?);
        }
        if let Some(second) = parts.next() {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
            // FHIR allows the leap second.
            let mut nanos = number(whole, 2).filter(|s| *s <= 60)? * NANOS;
            if second.contains('.') {
                (1..=9).contains(&fraction.len()).then_some(())?;
                nanos += number(fraction, fraction.len())? * 10_u64.pow(9 - u32::try_from(fraction.len()).ok()?);
                self.decimals = fraction.len();
            }
            self.add(nanos);
        }
        if parts.next().is_some() {
            return None;
        }
        self.offset = match offset {
            None => None,
            Some("Z") => Some(0),
            Some(offset) => {
                let (hours, minutes) = offset[1..].split_once(':')?;
                let (hours, minutes) = (number(hours, 2).filter(|h| *h <= 14)?, number(minutes, 2).filter(|m| *m < 60)?);
                let east = i16::try_from(hours * 60 + minutes).ok()?;
                Some(if offset.starts_with('-') { -east } else { east })
            }
        };
        Some(self)
    }

    /// Days from 1970-01-01, when this is a full day and nothing more.
    pub(crate) fn day(&self) -> Option<i32> {
        (self.form == MomentForm::Calendar && self.known == 3).then(|| i32::try_from(self.days()).ok()).flatten()
    }

    /// Milliseconds from 1970-01-01T00:00Z, when this is an instant that milliseconds tell exactly.
    pub(crate) fn millis(&self) -> Option<i64> {
        self.fields[5].is_multiple_of(1_000_000).then(|| self.millis_cut()).flatten()
    }

    /// Milliseconds from 1970-01-01T00:00Z, without what is below them, when this is an instant: to the second, with an offset.
    pub(crate) fn millis_cut(&self) -> Option<i64> {
        let is_instant = self.form == MomentForm::Calendar && self.known == 6;
        is_instant.then(|| i64::try_from(self.utc_nanos()?.div_euclid(1_000_000)).ok()).flatten()
    }

    fn days(&self) -> i64 {
        let [year, month, day, ..] = self.fields;
        days_from_epoch(year, month.max(1), day.max(1))
    }

    fn utc_nanos(&self) -> Option<i128> {
        let offset = self.offset?;
        let [.., hour, minute, nanos] = self.fields;
        let minutes = i128::from(self.days()) * 1_440 + i128::from(hour * 60 + minute) - i128::from(offset);
        Some(minutes * 60 * i128::from(NANOS) + i128::from(nanos))
    }

    /// The order of two moments; `None` when the precision of one of them leaves it open, or one is a time of day alone.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        if self.form != other.form {
            return None;
        }
        if self.known == 6
            && other.known == 6
            && let (Some(a), Some(b)) = (self.utc_nanos(), other.utc_nanos())
        {
            return Some(a.cmp(&b));
        }
        // Without its offset, a moment may be a day earlier or later than it says.
        if self.offset != other.offset && self.known >= 3 && other.known >= 3 {
            return if (self.days() - other.days()).abs() > 1 { Some(self.days().cmp(&other.days())) } else { None };
        }
        let common = self.known.min(other.known);
        match self.fields[..common].cmp(&other.fields[..common]) {
            Ordering::Equal if self.known != other.known => None,
            order => Some(order),
        }
    }

    /// The first or the last moment that this one may mean, as text: a full day for a date, milliseconds for the others. A
    /// dateTime without offset may be anywhere on earth: +14:00 is the first zone, -12:00 the last.
    pub(crate) fn boundary(&self, ty: MomentType, high: bool) -> String {
        let [year, mut month, mut day, mut hour, mut minute, mut nanos] = self.fields;
        if self.known < 2 {
            month = if high { 12 } else { 1 };
        }
        if self.known < 3 {
            day = if high { days_in_month(year, month) } else { 1 };
        }
        if high {
            if self.known < 4 {
                hour = 23;
            }
            if self.known < 5 {
                minute = 59;
            }
            nanos = match self.known {
                6 => nanos + 10_u64.pow(9_u32.saturating_sub(u32::try_from(self.decimals).unwrap_or(9))) - 1,
                _ => 60 * NANOS - 1,
            };
        }
        let mut out = String::new();
        if ty != MomentType::Time {
            let _ = write!(out, "{year:04}-{month:02}-{day:02}");
        }
        if ty != MomentType::Date {
            let mark = if ty == MomentType::Time { "" } else { "T" };
            let millis = nanos / 1_000_000;
            let _ = write!(out, "{mark}{hour:02}:{minute:02}:{:02}.{:03}", millis / 1_000, millis % 1_000);
        }
        if ty == MomentType::DateTime {
            match self.offset {
                Some(0) => out.push('Z'),
                offset => {
                    let minutes = offset.unwrap_or(if high { -12 * 60 } else { 14 * 60 });
                    let sign = if minutes < 0 { '-' } else { '+' };
                    let _ = write!(out, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
                }
            }
        }
        out
    }
}

fn number(text: &str, length: usize) -> Option<u64> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; the year is at least 1.
#[expect(clippy::cast_possible_wrap, reason = "a year has four digits")]
fn days_from_epoch(year: u64, month: u64, day: u64) -> i64 {
    // Years that start in March put the leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    days as i64 - 719_469
}

#[cfg(test)]
mod tests {
    use super::{Moment, MomentType, days_from_epoch, days_in_month};
    use std::cmp::Ordering;

    #[test]
    fn days_count_without_a_gap_over_four_centuries() {
        let mut expected = days_from_epoch(1970, 1, 1);
        assert_eq!(expected, 0);
        for year in 1970..2400 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_epoch(year, month, day), expected);
                    expected += 1;
                }
            }
        }
        assert_eq!(days_from_epoch(1, 1, 1), -719_162);
    }

    #[test]
    fn only_what_fhir_writes_is_a_moment() {
        for good in
            ["2026", "2026-11", "2024-02-29", "2026-11-26T12:00:00Z", "2026-11-26T12:00:00.123456789+14:00", "2026-11-26T12:00"]
        {
            assert!(Moment::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "26",
            "2026-13",
            "2026-00",
            "2025-02-29",
            "2026-1-01",
            "2026-11-26-01",
            "2026-11T12:00:00Z",
            "0000",
            "2026-11-26 12:00",
            "2026-11-26T24:00:00Z",
            "2026-11-26T12:00:00.Z",
            "2026-11-26T12:00:00+15:00",
            "2026-11-26T12:00:00.0000000001Z",
            "20261126",
            "2026-",
        ] {
            assert!(Moment::parse(bad).is_none(), "{bad}");
        }
        assert!(Moment::parse_time("18:12:00").is_some() && Moment::parse_time("18:12:00Z").is_none());
    }

    #[test]
    fn a_full_day_and_an_exact_instant_are_numbers() {
        let day = |t: &str| Moment::parse(t).unwrap().day();
        assert_eq!((day("1970-01-02"), day("1970-01"), day("1970-01-02T00:00:00Z")), (Some(1), None, None));
        let millis = |t: &str| Moment::parse(t).unwrap().millis();
        assert_eq!(millis("1970-01-01T01:00:00.5+01:00"), Some(500));
        assert_eq!(millis("1969-12-31T23:59:59.999Z"), Some(-1));
        assert_eq!(Moment::parse("1969-12-31T23:59:59.9999Z").unwrap().millis_cut(), Some(-1));
        assert_eq!(
            (millis("1970-01-01T00:00:00.0001Z"), millis("1970-01-01T00:00:00"), millis("1970-01-01")),
            (None, None, None)
        );
    }

    #[test]
    fn the_order_is_open_where_the_precision_leaves_it_open() {
        let order = |a: &str, b: &str| Moment::parse(a).unwrap().order(&Moment::parse(b).unwrap());
        assert_eq!(order("2026-11-26", "2026-11-27"), Some(Ordering::Less));
        assert_eq!(order("2026-11", "2026-11-27"), None);
        assert_eq!(order("2025", "2026-11-27"), Some(Ordering::Less));
        assert_eq!(order("2026-11-26T12:00:00+01:00", "2026-11-26T11:00:00Z"), Some(Ordering::Equal));
        assert_eq!(order("2026-11-26T12:00:00+01:00", "2026-11-26"), None);
        assert_eq!(order("2026-11-26T12:00:00+01:00", "2026-11-20"), Some(Ordering::Greater));
        let noon = Moment::parse_time("12:00:00").unwrap();
        assert_eq!(noon.order(&Moment::parse_time("12:00:01").unwrap()), Some(Ordering::Less));
        assert_eq!(noon.order(&Moment::parse("2026").unwrap()), None);
    }

    #[test]
    fn boundaries_are_the_first_and_the_last_moment() {
        let both = |ty: MomentType, t: &str| {
            let moment = Moment::parse_as(ty, t).unwrap();
            (moment.boundary(ty, false), moment.boundary(ty, true))
        };
        assert_eq!(both(MomentType::Date, "2024-02"), ("2024-02-01".into(), "2024-02-29".into()));
        assert_eq!(both(MomentType::Date, "2024"), ("2024-01-01".into(), "2024-12-31".into()));
        let (low, high) = ("2024-02-29T10:30:15.500+01:00", "2024-02-29T10:30:15.599+01:00");
        assert_eq!(both(MomentType::DateTime, "2024-02-29T10:30:15.5+01:00"), (low.into(), high.into()));
        assert_eq!(both(MomentType::Time, "10:30"), ("10:30:00.000".into(), "10:30:59.999".into()));
    }
}
