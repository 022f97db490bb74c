//! Calendar days, as forms write them and as people in Paris live them.
//!
//! Rules of registration count calendar days of Paris (registration §13). An instant is milliseconds since 1970 UTC, as
//! everywhere in the workspace.

use annuaire_base::date;
use jiff::ToSpan;

/// A day of the Gregorian calendar.
pub type Day = jiff::civil::Date;

/// French names of months, January first.
const MONTHS: [&str; 12] =
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];

/// Hour of Paris at which timers run (registration §13).
const TIMER_HOUR: u8 = 3;

/// Reads `JJ/MM/AAAA`, the form of every screen; `None` for another form or a day that the calendar does not have.
#[must_use]
pub fn parse_french(text: &str) -> Option<Day> {
    let text = text.trim();
    text.contains('/').then(|| date::PartialDate::parse(text)).flatten()?.to_string().parse().ok()
}

/// Reads an ISO day (`AAAA-MM-JJ`), as tables and interfaces write it.
#[must_use]
pub fn parse_iso(text: &str) -> Option<Day> {
    (text.len() == 10).then(|| text.parse().ok())?
}

/// A day as `JJ/MM/AAAA`.
#[must_use]
pub fn french(day: Day) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

/// A day in long form: « 7 mai 1991 », « 1er mai 1991 » (registration §4.7).
#[must_use]
pub fn french_long(day: Day) -> String {
    let month = usize::try_from(day.month() - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
    let number = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
    format!("{number} {month} {:04}", day.year())
}

/// A day some days later, or earlier when negative. Days beyond the calendar become its last or first day.
#[must_use]
pub fn plus_days(day: Day, days: i32) -> Day {
    day.saturating_add(days.days())
}

/// A day some months later; the last day of a month stays within its month.
#[must_use]
pub fn plus_months(day: Day, months: i32) -> Day {
    day.saturating_add(months.months())
}

/// A day some years later; 29 February becomes the 28th where there is none.
#[must_use]
pub fn plus_years(day: Day, years: i16) -> Day {
    day.saturating_add(years.years())
}

/// Complete years between a birth and a day; negative before birth. Whoever was born on 29 February is a year older on 1 March of
/// other years.
#[must_use]
pub fn age(birth: Day, on: Day) -> i16 {
    let had_birthday = (on.month(), on.day()) >= (birth.month(), birth.day());
    on.year() - birth.year() - i16::from(!had_birthday)
}

/// The day that calendars in Paris show at an instant. Instants outside the years 1 to 9999 count as the nearest day.
#[must_use]
pub fn paris_day(at_ms: i64) -> Day {
    parse_iso(&date::iso_day(at_ms)).unwrap_or(if at_ms < 0 { Day::MIN } else { Day::MAX })
}

/// The time that clocks in Paris show at an instant: « 14 h 05 ».
#[must_use]
pub fn paris_time(at_ms: i64) -> String {
    let stamp = date::paris_stamp(at_ms);
    format!("{} h {}", stamp.get(8..10).unwrap_or_default(), stamp.get(10..12).unwrap_or_default())
}

/// The instant at which a day begins in Paris.
#[must_use]
pub fn paris_midnight(day: Day) -> i64 {
    date::parse_instant(&day.to_string()).map_or(i64::MAX, |(first, _)| first)
}

/// The day whose timers are due at an instant: a day begins for them at 03:00 in Paris (registration §13).
#[must_use]
pub fn timer_day(at_ms: i64) -> Day {
    let today = paris_day(at_ms);
    let hour: u8 = date::paris_stamp(at_ms).get(8..10).and_then(|h| h.parse().ok()).unwrap_or(TIMER_HOUR);
    if hour < TIMER_HOUR { plus_days(today, -1) } else { today }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    #[test]
    fn forms_write_days_in_one_way() {
        assert_eq!(parse_french(" 07/05/1991 "), Some(d("1991-05-07")));
        for wrong in ["1991-05-07", "31/02/1991", "7/5/1991", "07/05/91", "19910507", "", "05/1991", "07/05-1991"] {
            assert_eq!(parse_french(wrong), None, "{wrong}");
        }
        assert_eq!((french(d("1991-05-07")).as_str(), french_long(d("1991-05-07")).as_str()), ("07/05/1991", "7 mai 1991"));
        assert_eq!(french_long(d("2026-08-01")), "1er août 2026");
    }

    #[test]
    fn ages_count_birthdays() {
        for (birth, on, years) in [
            ("1991-05-07", "2026-05-06", 34),
            ("1991-05-07", "2026-05-07", 35),
            ("2000-02-29", "2018-02-28", 17),
            ("2000-02-29", "2018-03-01", 18),
            ("2026-01-02", "2026-01-01", -1),
        ] {
            assert_eq!(age(d(birth), d(on)), years, "{birth} {on}");
        }
    }

    #[test]
    fn the_day_of_timers_begins_at_three_in_paris() {
        let at = |text: &str| date::parse_instant(text).unwrap().0;
        assert_eq!(timer_day(at("2026-07-02T02:59:59")), d("2026-07-01"));
        assert_eq!(timer_day(at("2026-07-02T03:00:00")), d("2026-07-02"));
        assert_eq!(timer_day(at("2026-12-31T23:30:00Z")), d("2026-12-31"));
        // The hour that clocks skip, and the one that they show twice.
        assert_eq!(timer_day(at("2026-03-29T01:00:00Z")), d("2026-03-29"));
        assert_eq!(timer_day(at("2026-10-25T01:59:59Z")), d("2026-10-24"));
        assert_eq!(paris_time(at("2026-07-02T12:05:00Z")), "14 h 05");
        assert_eq!(paris_midnight(d("2026-07-02")), at("2026-07-01T22:00:00Z"));
    }

    #[test]
    fn steps_beyond_the_calendar_stop_at_its_ends() {
        assert_eq!(plus_days(Day::MAX, 1), Day::MAX);
        assert_eq!(plus_months(d("2026-01-31"), 1), d("2026-02-28"));
        assert_eq!(plus_years(d("2024-02-29"), 1), d("2025-02-28"));
        assert_eq!(paris_day(i64::MAX), d("9999-12-31"));
    }
}
