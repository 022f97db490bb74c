//! The extractions of a server: once a day the national files, what changed in them, and the tables, beside the store.
//!
//! They lie in `extractions/` of the data directory, a directory for each perimeter, an edition for each day
//! ([`annuaire_pages::Edition`]). An edition is written under another name and gets its own when it is whole on disk; a failure leaves
//! those that are there. `status.json` says when they were last looked after, and what failed.

use crate::clock::now_ms;
use crate::data_place::{DataPlace, create_private, store_name};
use crate::edition::{EditionOrder, make_edition};
use crate::exit::one_line;
use crate::limits::{EXTRACTIONS_KEPT, EXTRACTIONS_LOOK, EXTRACTIONS_RETRY};
use crate::progress::SharedTell;
use annuaire_base::Tx;
use annuaire_base::date::{iso_day, iso_ms, paris_stamp, parse_instant};
use annuaire_extract::ExtractOptions;
use annuaire_fhir::Perimeter;
use annuaire_index::Index;
use annuaire_pages::{Edition, editions};
use annuaire_web::ServedStore;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// When the extractions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DailyTime {
    /// Never.
    Off,
    /// At this time of Paris.
    At { hour: u8, minute: u8 },
}

impl FromStr for DailyTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let parts = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
        let number = |digits: &str, below: u8| digits.parse::<u8>().ok().filter(|n| *n < below && !digits.starts_with('+'));
        let time = parts.and_then(|(hour, minute)| Some(Self::At { hour: number(hour, 24)?, minute: number(minute, 60)? }));
        time.ok_or_else(|| format!("{text:?} is no time of the day: write \"03:30\", in the time of Paris, or \"off\""))
    }
}

impl DailyTime {
    /// The last such time at an instant or before it, in milliseconds since 1970 UTC; `None` for never. A time that the clocks of a day
    /// skip is that of the skip.
    fn last_before(self, now_ms: i64) -> Option<i64> {
        let Self::At { hour, minute } = self else { return None };
        let at = |day: &str| Some(parse_instant(&format!("{day}T{hour:02}:{minute:02}:00"))?.0);
        let today = iso_day(now_ms);
        let due = at(&today)?;
        if due <= now_ms {
            return Some(due);
        }
        // Noon before the beginning of today is on the day before, whatever clocks do.
        at(&iso_day(parse_instant(&today)?.0 - 12 * 3_600_000))
    }
}

/// What became of the extractions of a perimeter, as its directory tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ExtractionStatus {
    /// Instant at which they were last up to date, milliseconds since 1970 UTC.
    pub(crate) done_ms: i64,
    /// The last failure since.
    pub(crate) failure: Option<ExtractionFailure>,
}

/// A failure to make extractions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExtractionFailure {
    pub(crate) at_ms: i64,
    pub(crate) why: String,
}

const STATUS: &str = "status.json";

impl ExtractionStatus {
    /// Reads that of a directory; a file that cannot be read tells nothing.
    pub(crate) fn read(dir: &Path) -> Self {
        fs::read(dir.join(STATUS)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn write(&self, dir: &Path) -> Result<()> {
        let (path, beside) = (dir.join(STATUS), dir.join(".status.partial"));
        fs::write(&beside, serde_json::to_vec(self)?).and_then(|()| fs::rename(&beside, &path))?;
        Ok(())
    }

    /// Whether an edition is to be made.
    fn is_due(&self, at: DailyTime, now_ms: i64) -> bool {
        let retry_ms = i64::try_from(EXTRACTIONS_RETRY.as_millis()).unwrap_or(i64::MAX);
        let waits = self.failure.as_ref().is_some_and(|failure| (0..retry_ms).contains(&(now_ms - failure.at_ms)));
        !waits && at.last_before(now_ms).is_some_and(|due| self.done_ms < due)
    }
}

/// Directory of the extractions of an installation.
pub(crate) fn extractions_dir(place: &DataPlace) -> PathBuf {
    place.data.join("extractions")
}

/// That of a perimeter.
pub(crate) fn perimeter_dir(place: &DataPlace, perimeter: Perimeter) -> PathBuf {
    extractions_dir(place).join(store_name(perimeter))
}

/// Extractions as `annuaire status` tells them.
pub(crate) struct ExtractionSurvey {
    pub(crate) perimeter: &'static str,
    /// Those that are there, the newest first.
    pub(crate) editions: Vec<Edition>,
    pub(crate) status: ExtractionStatus,
}

/// The extractions of an installation, for each perimeter that has or had some.
pub(crate) fn survey(place: &DataPlace) -> Vec<ExtractionSurvey> {
    let of = |perimeter| {
        let dir = perimeter_dir(place, perimeter);
        let editions = editions(&dir).unwrap_or_default();
        dir.exists().then(|| ExtractionSurvey {
            perimeter: store_name(perimeter),
            editions,
            status: ExtractionStatus::read(&dir),
        })
    };
    [Perimeter::Public, Perimeter::Restricted].into_iter().filter_map(of).collect()
}

impl ExtractionSurvey {
    /// A line for the operator.
    pub(crate) fn line(&self) -> String {
        let there = match self.editions.first() {
            None => "none yet".to_owned(),
            Some(last) => format!("{}, the last of transaction {} ({})", self.editions.len(), last.tx, last.edition),
        };
        let failed = self.status.failure.as_ref().map(|failure| {
            format!("; the last attempt failed at {}: {}; those before are served", iso_ms(failure.at_ms), failure.why)
        });
        format!("{} extractions: {there}{}", self.perimeter, failed.unwrap_or_default())
    }
}

/// Makes the extractions of a server once a day, for as long as it runs. Its thread runs behind those that answer.
pub(crate) struct ExtractionThread {
    pub(crate) place: DataPlace,
    pub(crate) at: DailyTime,
    /// The perimeters whose files are made, with their stores.
    pub(crate) stores: Vec<(Perimeter, ServedStore<Index>)>,
    /// How the national files are made; the perimeter is that of each store.
    pub(crate) options: ExtractOptions,
    pub(crate) tell: SharedTell,
}

impl ExtractionThread {
    /// Runs until the process ends. No error ends it.
    pub(crate) fn run(self) {
        for (perimeter, _) in &self.stores {
            let dir = perimeter_dir(&self.place, *perimeter);
            if let Err(error) = create_private(&dir).and_then(|()| remove_unfinished(&dir)) {
                tracing::error!("the {} extractions: {}", store_name(*perimeter), one_line(&error));
            }
        }
        loop {
            for (perimeter, store) in &self.stores {
                self.look_after(*perimeter, store, now_ms());
            }
            std::thread::sleep(EXTRACTIONS_LOOK);
        }
    }

    /// Makes an edition when one is due, and writes down what became of it.
    fn look_after(&self, perimeter: Perimeter, store: &ServedStore<Index>, now_ms: i64) {
        let dir = perimeter_dir(&self.place, perimeter);
        let before = ExtractionStatus::read(&dir);
        // A store that shows nothing yet is waited for.
        if !before.is_due(self.at, now_ms) || store.get().applied_tx() == Tx::NONE {
            return;
        }
        let status = match self.renew(&dir, perimeter, &store.get(), now_ms) {
            Ok(()) => ExtractionStatus { done_ms: now_ms, failure: None },
            Err(error) => {
                let why = one_line(&error);
                tracing::error!("the {} extractions cannot be made: {why}; those before are served", store_name(perimeter));
                ExtractionStatus { failure: Some(ExtractionFailure { at_ms: now_ms, why }), ..before }
            }
        };
        if let Err(error) = status.write(&dir) {
            tracing::error!("the status of the {} extractions cannot be written: {}", store_name(perimeter), one_line(&error));
        }
    }

    /// Makes an edition of the state that a store shows, unless the newest one is of it, and removes those that are too old.
    fn renew(&self, dir: &Path, perimeter: Perimeter, index: &Index, now_ms: i64) -> Result<()> {
        let registry = self.place.registry()?;
        let order = EditionOrder {
            registry: &registry,
            index,
            options: ExtractOptions { perimeter, ..self.options.clone() },
            dir,
            name: paris_stamp(now_ms),
            tell: &self.tell,
        };
        let made = make_edition(&order)?;
        let names = editions(dir)?.into_iter().map(|edition| edition.edition);
        // What was withdrawn by law since may stand in the files before (WDR-3): they go at once, as do those of another log or epoch, of
        // which nobody can say.
        let is_alone = made.is_some_and(|edition| !edition.withdrawn.is_empty() || edition.since.is_none());
        let kept = if is_alone { 1 } else { EXTRACTIONS_KEPT };
        for name in names.skip(kept) {
            // Out of sight first, so that no half of an edition is ever served.
            let (path, away) = (dir.join(&name), dir.join(format!(".{name}.partial-removed")));
            let removed = fs::rename(&path, &away).and_then(|()| fs::remove_dir_all(&away));
            removed.with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }
}

/// Removes what a process that was killed left.
fn remove_unfinished(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        let is_unfinished = path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with('.') && name.contains(".partial-")
        });
        if is_unfinished && path.is_dir() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        parse_instant(text).unwrap().0
    }

    #[test]
    fn a_time_of_the_day_is_read_or_refused() {
        assert_eq!("03:30".parse(), Ok(DailyTime::At { hour: 3, minute: 30 }));
        assert_eq!("23:59".parse(), Ok(DailyTime::At { hour: 23, minute: 59 }));
        assert_eq!("off".parse(), Ok(DailyTime::Off));
        for bad in ["", "3:30", "24:00", "03:60", "0330", "03:30:00", "+3:30", "Off", "03h30"] {
            assert!(bad.parse::<DailyTime>().unwrap_err().contains("\"03:30\""), "{bad}");
        }
    }

    #[test]
    fn the_last_time_is_of_today_or_of_the_day_before() {
        let at: DailyTime = "03:30".parse().unwrap();
        for (now, due) in [
            ("2026-11-26T03:30:00", "2026-11-26T03:30:00"),
            ("2026-11-26T03:29:59", "2026-11-25T03:30:00"),
            ("2026-11-26T23:59:00", "2026-11-26T03:30:00"),
            ("2027-01-01T00:00:00", "2026-12-31T03:30:00"),
            // The days of 25 and of 23 hours.
            ("2026-10-25T03:31:00", "2026-10-25T03:30:00"),
            ("2026-10-26T00:30:00", "2026-10-25T03:30:00"),
            ("2026-03-30T00:10:00", "2026-03-29T03:30:00"),
        ] {
            assert_eq!(at.last_before(ms(now)).map(iso_ms), Some(iso_ms(ms(due))), "{now}");
        }
        let early: DailyTime = "00:10".parse().unwrap();
        assert_eq!(early.last_before(ms("2026-03-30T00:05:00")), Some(ms("2026-03-29T00:10:00")));
        assert_eq!(early.last_before(ms("2026-10-26T00:05:00")), Some(ms("2026-10-25T00:10:00")));
        assert_eq!(DailyTime::Off.last_before(ms("2026-11-26")), None);
    }

    #[test]
    fn an_edition_is_due_once_a_day_and_again_after_a_failure() {
        let at: DailyTime = "03:30".parse().unwrap();
        let now = ms("2026-11-26T10:00:00");
        let status = |done: &str, failed: Option<&str>| ExtractionStatus {
            done_ms: ms(done),
            failure: failed.map(|at| ExtractionFailure { at_ms: ms(at), why: "a full disk".to_owned() }),
        };
        assert!(ExtractionStatus::default().is_due(at, now), "a new server does not wait for the night");
        assert!(status("2026-11-25T03:31:00", None).is_due(at, now));
        assert!(!status("2026-11-26T03:31:00", None).is_due(at, now));
        assert!(!status("2026-11-25T03:31:00", Some("2026-11-26T09:58:00")).is_due(at, now));
        assert!(status("2026-11-25T03:31:00", Some("2026-11-26T09:00:00")).is_due(at, now));
        assert!(status("2026-11-25T03:31:00", Some("2026-11-27")).is_due(at, now), "a clock that was set back");
        assert!(!ExtractionStatus::default().is_due(DailyTime::Off, now));
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".202611260330.partial-abc", ".202611250330.partial-removed", "202611240330", ".mine", "x.partial-1"] {
            fs::create_dir_all(dir.path().join(name).join("views")).unwrap();
        }
        remove_unfinished(dir.path()).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        assert_eq!(names, [".mine", "202611240330", "x.partial-1"]);
        let status =
            ExtractionStatus { done_ms: 7, failure: Some(ExtractionFailure { at_ms: 8, why: "a full disk".to_owned() }) };
        status.write(dir.path()).unwrap();
        assert_eq!(ExtractionStatus::read(dir.path()), status);
    }
}
