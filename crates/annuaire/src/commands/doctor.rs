//! `annuaire doctor`: what is wrong or soon will be, and what to do.

use crate::amounts::{age, date_utc, duration, lines, size};
use crate::clock::now_ms;
use crate::commands::status::backlog_line;
use crate::data_place::{DataPlace, ExpectedData, STORES};
use crate::exit::{Exit, one_line};
use crate::files::files_status;
use crate::limits::{SILENT, doctor as limits};
use crate::options::{GivenOptions, PlaceOptions};
use crate::registry::ahead_of_database_ms;
use crate::stores::reason_to_renew;
use crate::survey::Survey;
use annuaire_base::Tx;
use annuaire_index::Peek;
use annuaire_store::limits::{CLOCK_AHEAD_MS, CLOCK_BEHIND_MS};
use annuaire_web::{digest_prefix, limits as web};
use anyhow::Result;
use clap::Args;
use std::time::Duration;

/// Looks for what is wrong or soon will be, and says what to do
#[derive(Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Days without a delivery before a warning
    #[arg(long, default_value_t = 3)]
    days: u32,
}

impl DoctorArguments {
    /// Checks an installation. Ends with 0 when all is well, 3 with warnings, 1 when something is broken.
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, configuration) = self.place.open()?;
        let days = given.value("days", self.days).unwrap_or(configuration.doctor.days);
        // Before the directory is made private again.
        let open = open_to_others(&place);
        place.expect(ExpectedData::Present)?;
        let survey = Survey::read(&place);
        let mut checks = Checkup(Grade::Ok);
        check_permissions(&mut checks, &open);
        check_disk(&mut checks, &survey);
        check_log(&mut checks, &survey, days);
        check_database_clock(&mut checks, &place);
        for (store, found) in &survey.stores {
            check_store(&mut checks, store, found.as_ref(), &survey, place.map_bytes as u64);
        }
        check_versions(&mut checks, &place, &survey);
        check_publisher(&mut checks, &survey);
        check_files(&mut checks, &place, configuration.publication.files.is_some());
        check_quarantine(&mut checks, &survey);
        check_backlog(&mut checks, &survey);
        Ok(match checks.0 {
            Grade::Ok => Exit::Done,
            Grade::Warn => Exit::Incomplete,
            Grade::Fail => Exit::Refused,
        })
    }
}

/// Result of one check.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// The worst grade so far.
struct Checkup(Grade);

impl Checkup {
    /// Prints the result of one check.
    fn report(&mut self, grade: Grade, subject: &str, result: &str) {
        let word = match grade {
            Grade::Ok => "OK  ",
            Grade::Warn => "WARN",
            Grade::Fail => "FAIL",
        };
        println!("{word} {subject}: {result}");
        self.0 = self.0.max(grade);
    }
}

fn check_permissions(checks: &mut Checkup, open: &[String]) {
    match open {
        [] => checks.report(Grade::Ok, "permissions", "the data directory is its owner's alone"),
        open => checks.report(
            Grade::Warn,
            "permissions",
            &format!("others could reach {}: closed to them now; find out who opened it", open.join(", ")),
        ),
    }
}

/// Compares a store with the last transaction of the log, and its size with what it may take.
fn check_store(checks: &mut Checkup, store: &str, found: Option<&Result<Peek, String>>, survey: &Survey, map_bytes: u64) {
    let subject = format!("{store} store");
    let last = survey.last();
    let at = match (found, last) {
        (None, _) if store == STORES[1] => return,
        (None, Some(Tx::NONE)) => return checks.report(Grade::Ok, &subject, "none yet, and nothing to publish"),
        (None, _) => return checks.report(Grade::Warn, &subject, "none: the next import or server makes it"),
        (Some(Err(why)), _) => {
            let result = format!("cannot be read ({why}): make the stores again with `annuaire rebuild`");
            return checks.report(Grade::Fail, &subject, &result);
        }
        (Some(Ok(at)), _) => at,
    };
    match last {
        _ if survey.is_of_another_log(at) => {
            let log = at.log.map(|log| log.to_string()).unwrap_or_default();
            let result = format!(
                "follows the log {log}, which is another one or this one before it was restored from a copy: look at --database, or \
                 make the stores again with `annuaire rebuild`"
            );
            checks.report(Grade::Fail, &subject, &result);
        }
        Some(last) if at.tx > last => {
            let result = format!(
                "at transaction {} and the log ends at {last}: not its log, or an older state of it; look at --database, or make the \
                 stores again with `annuaire rebuild`",
                at.tx
            );
            checks.report(Grade::Fail, &subject, &result);
        }
        Some(last) if at.tx < last => {
            let behind = last.since(at.tx);
            let result = format!("{behind} transactions behind the log: a running server or the next import publishes them");
            checks.report(Grade::Warn, &subject, &result);
        }
        _ => checks.report(Grade::Ok, &subject, &format!("at transaction {}, {}", at.tx, size(at.bytes))),
    }
    let used = at.bytes.saturating_mul(100) / map_bytes;
    if used >= limits::MAP_PERCENT {
        let may = size(map_bytes);
        let result = format!("takes {used} % of the {may} that it may: `annuaire rebuild` makes it smaller");
        checks.report(Grade::Warn, &subject, &result);
    }
    if at.dead_readers > 0 {
        let result = format!("{} programs that read it were killed; what they held is free again", at.dead_readers);
        checks.report(Grade::Warn, &subject, &result);
    }
}

/// Says where the published files are, when there are any or there should be.
fn check_files(checks: &mut Checkup, place: &DataPlace, wanted: bool) {
    let (grade, result) = match files_status(place) {
        None if wanted => (Grade::Ok, "none yet: a server makes them".to_owned()),
        None => return,
        Some(Ok(files)) if wanted => (Grade::Ok, format!("at transaction {}, {}", files.tx, size(files.bytes.1))),
        Some(Ok(files)) => {
            let why = "nobody publishes files here any more: remove the directory files/, or set files in [publication]";
            (Grade::Warn, format!("at transaction {}, {}; {why}", files.tx, size(files.bytes.1)))
        }
        Some(Err(why)) => (Grade::Warn, why),
    };
    checks.report(grade, "published files", &result);
}

fn check_quarantine(checks: &mut Checkup, survey: &Survey) {
    match &survey.quarantined {
        Ok(0) => checks.report(Grade::Ok, "quarantine", "empty"),
        Ok(n) => {
            let lines = lines(*n as u64);
            let result = format!("{lines}: `annuaire quarantine` lists them; the next delivery settles those that it has right");
            checks.report(Grade::Warn, "quarantine", &result);
        }
        Err(_) => {}
    }
}

/// Warns when letters and alerts of registration wait longer than a working day.
fn check_backlog(checks: &mut Checkup, survey: &Survey) {
    let Ok(Some(backlog)) = &survey.backlog else { return };
    let late = now_ms() - backlog.since_ms > limits::BACKLOG_MS;
    let grade = if late { Grade::Warn } else { Grade::Ok };
    checks.report(grade, "registration", &backlog_line(backlog));
}

/// Paths that group or others may reach, each with its mode.
fn open_to_others(place: &DataPlace) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |m| m.permissions().mode() & 0o777);
    let open = place.private_paths().into_iter().filter(|(path, _)| mode(path) & 0o077 != 0);
    open.map(|(path, _)| format!("{} (mode {:o})", path.display(), mode(&path))).collect()
}

fn check_disk(checks: &mut Checkup, survey: &Survey) {
    let Some(free) = survey.free else { return };
    // A rebuild makes stores beside those that are there.
    let wanted = limits::ROOM_BYTES.max(survey.bytes);
    if free < wanted {
        let found = format!(
            "{} free, and an import, a rebuild or a backup may need {}: make room, or move the data directory",
            size(free),
            size(wanted)
        );
        checks.report(Grade::Warn, "disk", &found);
    } else {
        checks.report(Grade::Ok, "disk", &format!("{} free, {} used", size(free), size(survey.bytes)));
    }
}

fn check_log(checks: &mut Checkup, survey: &Survey, days: u32) {
    if let Some(origin) = &survey.copied {
        return checks.report(Grade::Ok, "registry", &format!("none: this directory copies {origin}"));
    }
    let last = match &survey.log {
        Err(why) => return checks.report(Grade::Fail, "registry", why),
        Ok(None) => return checks.report(Grade::Warn, "registry", "empty: nothing was imported yet"),
        Ok(Some(last)) => last,
    };
    let log =
        survey.identity.as_ref().map_or_else(|_| String::new(), |log| format!("log {:032x}, epoch {}, ", log.id, log.epoch));
    let (tx, at, digest) = (last.tx, date_utc(last.commit_ms), digest_prefix(&last.digest));
    checks.report(Grade::Ok, "registry", &format!("{log}ends at transaction {tx} of {at}, digest {digest}"));
    let now = now_ms();
    if last.commit_ms - now > CLOCK_BEHIND_MS {
        let found = format!(
            "this machine says {} and the log ends in the future, at {}: set the clock right, or, if it is right, import once with \
             --accept-clock (later instants then follow the log's)",
            date_utc(now),
            date_utc(last.commit_ms)
        );
        checks.report(Grade::Fail, "clock", &found);
    } else if now - last.commit_ms > CLOCK_AHEAD_MS {
        let found =
            format!("this machine says {}, and the log ended {}: set the clock right", date_utc(now), age(last.commit_ms, now));
        checks.report(Grade::Fail, "clock", &found);
    } else if last.commit_ms - now > web::CLOCK_BEHIND_MS {
        let found = format!(
            "this machine says {} and the log ends {} later: compare the clocks of the machines that commit (timedatectl)",
            date_utc(now),
            span(last.commit_ms - now)
        );
        checks.report(Grade::Warn, "clock", &found);
    } else if now - last.commit_ms > web::CLOCK_AHEAD_MS {
        let found = format!(
            "this machine says {}, and the log ended {}: look whether the clock is right; imports are refused from {} on",
            date_utc(now),
            age(last.commit_ms, now),
            span(CLOCK_AHEAD_MS)
        );
        checks.report(Grade::Warn, "clock", &found);
    } else {
        checks.report(Grade::Ok, "clock", &format!("{}, after the last transaction", date_utc(now)));
    }
    let limit = Duration::from_secs(u64::from(days) * 86_400);
    match u64::try_from(now - last.commit_ms).map(Duration::from_millis) {
        Ok(age) if age > limit => checks.report(
            Grade::Warn,
            "deliveries",
            &format!(
                "nothing changed for {}: look at the nightly import and at the services that publish the files",
                duration(age)
            ),
        ),
        _ => checks.report(Grade::Ok, "deliveries", &format!("the last change is of {}", age(last.commit_ms, now))),
    }
}

/// Compares the clock of this machine with that of the database: the nodes of a cluster date transactions by their own clocks.
fn check_database_clock(checks: &mut Checkup, place: &DataPlace) {
    // A database that does not answer is told with the log.
    let Ok(Some(Ok(ahead_ms))) = place.database_url().map(|url| url.map(|url| ahead_of_database_ms(&url))) else { return };
    let (apart, word) = (span(ahead_ms), if ahead_ms < 0 { "behind" } else { "ahead of" });
    if ahead_ms.abs() > web::CLOCK_APART_MS {
        let found = format!("this machine is {apart} {word} PostgreSQL: have both follow one source of time (timedatectl)");
        checks.report(Grade::Warn, "database clock", &found);
    } else {
        checks.report(Grade::Ok, "database clock", &format!("within {} of this machine", span(web::CLOCK_APART_MS)));
    }
}

/// A time of so many milliseconds, in words.
fn span(ms: i64) -> String {
    duration(Duration::from_millis(ms.unsigned_abs()))
}

/// Checks that this program can read the stores, when no process has them open to publish.
fn check_versions(checks: &mut Checkup, place: &DataPlace, survey: &Survey) {
    if !matches!(survey.holder, Ok(None)) {
        return;
    }
    for (store, perimeter) in STORES.into_iter().zip([annuaire_fhir::Perimeter::Public, annuaire_fhir::Perimeter::Restricted]) {
        if !place.store_file(store).exists() {
            continue;
        }
        match reason_to_renew(place, perimeter) {
            Ok(None) => {}
            Ok(Some(found)) => checks.report(Grade::Warn, &format!("{store} store"), &found),
            Err(e) => checks.report(Grade::Fail, &format!("{store} store"), &one_line(&e)),
        }
    }
}

fn check_publisher(checks: &mut Checkup, survey: &Survey) {
    match &survey.holder {
        Err(why) => checks.report(Grade::Fail, "publication", why),
        Ok(None) => checks.report(Grade::Ok, "publication", "nobody is at work: an import publishes what it commits"),
        Ok(Some(who)) => {
            let silent = now_ms() - who.beat_ms > i64::try_from(SILENT.as_millis()).unwrap_or(i64::MAX);
            match (&who.waiting, silent) {
                (_, true) => checks.report(
                    Grade::Warn,
                    "publication",
                    &format!("the {} has the right to publish and gives no sign of life: end it", who.description()),
                ),
                (Some(why), _) => checks.report(Grade::Warn, "publication", &format!("the {} waits: {why}", who.description())),
                (None, _) => checks.report(Grade::Ok, "publication", &who.description()),
            }
        }
    }
}
