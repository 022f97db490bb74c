//! What is wrong or soon will be, and what to do.

use crate::exit::{Exit, date};
use crate::limits::{MAP_BYTES, SILENT, doctor as limits};
use crate::now_ms;
use crate::progress::{duration, lines, size};
use crate::publication::name;
use crate::status::{Known, age};
use crate::stores::{self, DataPlace, Expect, STORES};
use annuaire_store::limits::{CLOCK_AHEAD_MS, CLOCK_BEHIND_MS};
use anyhow::Result;
use std::time::Duration;

/// What a check found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// Lines told so far, and the worst of them.
struct Checks(Grade);

impl Checks {
    fn say(&mut self, grade: Grade, what: &str, found: &str) {
        let word = match grade {
            Grade::Ok => "OK  ",
            Grade::Warn => "WARN",
            Grade::Fail => "FAIL",
        };
        println!("{word} {what}: {found}");
        self.0 = self.0.max(grade);
    }
}

/// Checks an installation. Ends with 0 when all is well, 3 with warnings, 1 when something is broken.
pub(crate) fn doctor(place: &DataPlace, days: u32) -> Result<Exit> {
    // Looked at before the directory is made private again.
    let open = reachable(place);
    place.expect(Expect::Standing)?;
    let known = Known::of(place);
    let mut checks = Checks(Grade::Ok);
    match open.as_slice() {
        [] => checks.say(Grade::Ok, "permissions", "the data directory is its owner's alone"),
        open => checks.say(
            Grade::Warn,
            "permissions",
            &format!("others could reach {}: closed to them now; find out who opened it", open.join(", ")),
        ),
    }
    room(&mut checks, &known);
    log(&mut checks, &known, days);
    for (store, found) in &known.stores {
        match (found, known.last()) {
            (None, _) if *store == STORES[1] => {}
            (None, Some(0)) => checks.say(Grade::Ok, "public store", "none yet, and nothing to publish"),
            (None, _) => checks.say(Grade::Warn, "public store", "none: the next import or server makes it"),
            (Some(Err(why)), _) => checks.say(
                Grade::Fail,
                &format!("{store} store"),
                &format!("cannot be read ({why}): make the stores again with `annuaire rebuild`"),
            ),
            (Some(Ok(at)), last) => {
                let what = format!("{store} store");
                let used = at.bytes.saturating_mul(100) / MAP_BYTES as u64;
                match last {
                    Some(last) if at.tx > last => checks.say(
                        Grade::Fail,
                        &what,
                        &format!(
                            "at transaction {} and the log ends at {last}: not its log, or an older state of it; look at \
                             --database, or make the stores again with `annuaire rebuild`",
                            at.tx
                        ),
                    ),
                    Some(last) if at.tx < last => checks.say(
                        Grade::Warn,
                        &what,
                        &format!(
                            "{} transactions behind the log: a running server or the next import publishes them",
                            last - at.tx
                        ),
                    ),
                    _ => checks.say(Grade::Ok, &what, &format!("at transaction {}, {}", at.tx, size(at.bytes))),
                }
                if used >= limits::MAP_PERCENT {
                    checks.say(
                        Grade::Warn,
                        &what,
                        &format!(
                            "takes {used} % of the {} that it may: `annuaire rebuild` makes it smaller",
                            size(MAP_BYTES as u64)
                        ),
                    );
                }
                if at.dead_readers > 0 {
                    checks.say(
                        Grade::Warn,
                        &what,
                        &format!("{} programs that read it were killed; what they held is free again", at.dead_readers),
                    );
                }
            }
        }
    }
    outdated(&mut checks, place, &known);
    publisher(&mut checks, &known);
    match &known.quarantined {
        Ok(0) => checks.say(Grade::Ok, "quarantine", "empty"),
        Ok(n) => checks.say(
            Grade::Warn,
            "quarantine",
            &format!("{}: `annuaire quarantine` lists them; the next delivery settles those that it has right", lines(*n as u64)),
        ),
        Err(_) => {}
    }
    Ok(match checks.0 {
        Grade::Ok => Exit::Done,
        Grade::Warn => Exit::Incomplete,
        Grade::Fail => Exit::Refused,
    })
}

/// What others than the owner may reach.
fn reachable(place: &DataPlace) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |m| m.permissions().mode() & 0o777);
    let open = place.private().into_iter().filter(|(path, _)| mode(path) & 0o077 != 0);
    open.map(|(path, _)| format!("{} (mode {:o})", path.display(), mode(&path))).collect()
}

fn room(checks: &mut Checks, known: &Known) {
    let Some(free) = known.free else { return };
    // A rebuild makes stores beside those that are there.
    let wanted = limits::ROOM_BYTES.max(known.bytes);
    if free < wanted {
        let found = format!(
            "{} free, and an import, a rebuild or a backup may need {}: make room, or move the data directory",
            size(free),
            size(wanted)
        );
        checks.say(Grade::Warn, "disk", &found);
    } else {
        checks.say(Grade::Ok, "disk", &format!("{} free, {} used", size(free), size(known.bytes)));
    }
}

fn log(checks: &mut Checks, known: &Known, days: u32) {
    let last = match &known.log {
        Err(why) => return checks.say(Grade::Fail, "registry", why),
        Ok(None) => return checks.say(Grade::Warn, "registry", "empty: nothing was imported yet"),
        Ok(Some(last)) => last,
    };
    checks.say(Grade::Ok, "registry", &format!("ends at transaction {} of {}", last.tx, date(last.commit_ms)));
    let now = now_ms();
    if last.commit_ms - now > CLOCK_BEHIND_MS {
        let found = format!(
            "this machine says {} and the log ends in the future, at {}: set the clock right, or, if it is right, import once with \
             --accept-clock (later instants then follow the log's)",
            date(now),
            date(last.commit_ms)
        );
        checks.say(Grade::Fail, "clock", &found);
    } else if now - last.commit_ms > CLOCK_AHEAD_MS {
        let found = format!("this machine says {}, and the log ended {}: set the clock right", date(now), age(last.commit_ms));
        checks.say(Grade::Fail, "clock", &found);
    } else {
        checks.say(Grade::Ok, "clock", &format!("{}, after the last transaction", date(now)));
    }
    let limit = Duration::from_secs(u64::from(days) * 86_400);
    match u64::try_from(now - last.commit_ms).map(Duration::from_millis) {
        Ok(age) if age > limit => checks.say(
            Grade::Warn,
            "deliveries",
            &format!(
                "nothing changed for {}: look at the nightly import and at the services that publish the files",
                duration(age)
            ),
        ),
        _ => checks.say(Grade::Ok, "deliveries", &format!("the last change is of {}", age(last.commit_ms))),
    }
}

/// Whether this program can read the stores; asked only when nobody has them open to publish.
fn outdated(checks: &mut Checks, place: &DataPlace, known: &Known) {
    if !matches!(known.holder, Ok(None)) {
        return;
    }
    for (store, perimeter) in STORES.into_iter().zip([annuaire_fhir::Perimeter::Public, annuaire_fhir::Perimeter::Restricted]) {
        if !place.store_file(store).exists() {
            continue;
        }
        match stores::state(&place.data, perimeter) {
            Ok(None) => {}
            Ok(Some(found)) => checks.say(Grade::Warn, &format!("{store} store"), &found),
            Err(e) => checks.say(Grade::Fail, &format!("{store} store"), &crate::exit::said(&e)),
        }
    }
}

fn publisher(checks: &mut Checks, known: &Known) {
    match &known.holder {
        Err(why) => checks.say(Grade::Fail, "publication", why),
        Ok(None) => checks.say(Grade::Ok, "publication", "nobody is at work: an import publishes what it commits"),
        Ok(Some(who)) => {
            let silent = now_ms() - who.beat_ms > i64::try_from(SILENT.as_millis()).unwrap_or(i64::MAX);
            match (&who.waiting, silent) {
                (_, true) => checks.say(
                    Grade::Warn,
                    "publication",
                    &format!("the {} has the right to publish and gives no sign of life: end it", name(who)),
                ),
                (Some(why), _) => checks.say(Grade::Warn, "publication", &format!("the {} waits: {why}", name(who))),
                (None, _) => checks.say(Grade::Ok, "publication", &name(who)),
            }
        }
    }
}
