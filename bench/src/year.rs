//! `annuaire-bench year [PROFESSIONALS] [DAYS] [SMALL]`: what a year of daily deliveries of 0.3 % and of `SMALL` registrations does to
//! the stores: one with the retention of the public perimeter, one that keeps everything.
//!
//! The clock of the year is simulated; everything else is what the program does.

use crate::commits::{generate, import};
use crate::load;
use crate::program::{disk, measured, serve};
use crate::table::{CONNECTIONS, mib, row};
use crate::{others, pages, writer};
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_consolidate::Perimeter;
use annuaire_fhir::schema::{self, params};
use annuaire_fhir::{Guide, View};
use annuaire_index::{Filter, Index, Row};
use annuaire_mos::Objet;
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect};
use annuaire_testkit::Dice;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

const DAY_MS: i64 = 86_400_000;
/// Retention of the public perimeter.
const KEPT_DAYS: i64 = 30;
const VIEW: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
const MAP: usize = 64 << 30;

/// Seconds of each load.
const SECONDS: f64 = 1.0;
/// Servers that are asked: a few requests, each asked once, take so little time that one server says nothing.
const ROUNDS: usize = 5;

/// Prints the table.
pub fn run(professionals: &str, days: u64, small: u64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let files = generate(dir.path(), "files", professionals)?;
    import(dir.path(), &data, &files)?;
    let first = figures(&data)?;
    let first_bytes = disk(&data.join("public"));
    let kept = dir.path().join("kept");
    fs::create_dir_all(&kept)?;
    copy(&data.join("public"), &kept.join("public"))?;

    let registry = writer::registry(&data)?;
    let mut year = Year::new(&registry)?;
    let began = Instant::now();
    {
        let retained = annuaire_publish::open(&data.join("public"), MAP, VIEW)?;
        let all = annuaire_publish::open(&kept.join("public"), MAP, VIEW)?;
        for day in 1..=days {
            year.live_a_day(&registry, small / days.max(1))?;
            follow(&registry, &retained)?;
            follow(&registry, &all)?;
            annuaire_publish::compact(&retained, year.now_ms() - KEPT_DAYS * DAY_MS, &|| true)?;
            if day % 50 == 0 {
                eprintln!("day {day}, {:.0} s, {} transactions", began.elapsed().as_secs_f64(), registry.last_tx()?);
            }
        }
    }
    println!("\n{professionals} professionals, {days} deliveries, {} transactions in all", registry.last_tx()?);
    let registry_bytes = disk(&data.join("registry.sqlite"));
    row("registry", &format!("{:.0} MiB", mib(registry_bytes)));

    println!("\n| | day one | {KEPT_DAYS} days kept | everything kept |\n|---|---|---|---|");
    let (retained_bytes, all_bytes) = (disk(&data.join("public")), disk(&kept.join("public")));
    let of_first = |bytes: u64| format!("{:.0} MiB, {:.2} ×", mib(bytes), bytes as f64 / first_bytes as f64);
    row("store", &format!("{:.0} MiB | {} | {}", mib(first_bytes), of_first(retained_bytes), of_first(all_bytes)));
    let retained = figures(&data)?;
    // The program serves the other store through a directory of its own, with a link to the registry.
    std::os::unix::fs::symlink(data.join("registry.sqlite"), kept.join("registry.sqlite"))?;
    drop(registry);
    let all = figures(&kept)?;
    for ((what, day_one), ((_, now), (_, everything))) in first.iter().zip(retained.iter().zip(&all)) {
        row(
            what,
            &format!("{day_one:.0}/s | {now:.0}/s, {:.2} × | {everything:.0}/s, {:.2} ×", now / day_one, everything / day_one),
        );
    }
    for store in [&data, &kept] {
        old_states(&store.join("public"))?;
    }

    let registry = writer::registry(&data)?;
    let beside = dir.path().join("same");
    let began = Instant::now();
    first_publication(&registry, &beside)?;
    let once = began.elapsed().as_secs_f64();
    drop(registry);
    let again = measured(&["rebuild", "--quiet", "--data", &data.to_string_lossy()])?.seconds;
    row(
        "first publication of that content; rebuild through the year",
        &format!("{once:.1} s | {again:.1} s, {:.2} ×", again / once),
    );
    Ok(())
}

/// Answers a second of each kind of request: the median of servers of `data` that begin one after the other.
fn figures(data: &Path) -> Result<Vec<(&'static str, f64)>> {
    let mut rounds = (0..ROUNDS).map(|_| figures_once(data)).collect::<Result<Vec<_>>>()?;
    let mut rows = rounds.pop().context("no round")?;
    for (n, (_, figure)) in rows.iter_mut().enumerate() {
        let mut all: Vec<f64> = rounds.iter().filter_map(|round| Some(round.get(n)?.1)).chain([*figure]).collect();
        all.sort_by(f64::total_cmp);
        *figure = all[all.len() / 2];
    }
    Ok(rows)
}

/// Answers a second of each kind of request, from one server of `data`.
fn figures_once(data: &Path) -> Result<Vec<(&'static str, f64)>> {
    let (server, _) = serve(&data.to_string_lossy())?;
    let host = server.host.as_str();
    let page = load::json(host, "/fhir/v2/Practitioner?_count=400")?;
    let mut rows = Vec::new();
    for (what, paths) in others::loads(&page, "/fhir/v2") {
        rows.push((what, load::run(host, &paths, "", CONNECTIONS, SECONDS).per_second));
    }
    // Not asked twice: each letter group and each town is a search of its own.
    let letters = ["arti", "ern", "oub", "mart", "ant", "eri", "ois", "ard", "elle", "ier", "ann", "ous", "ill", "ond", "evr"];
    let contains: Vec<String> = letters.iter().map(|l| format!("/fhir/v2/Practitioner?family:contains={l}")).collect();
    rows.push((":contains, each once", load::once(host, &contains).per_second));
    let towns =
        ["brest", "lyon", "metz", "nantes", "lille", "rennes", "dijon", "nice", "tours", "caen", "pau", "sete", "arles", "laval"];
    let chains: Vec<String> = towns.iter().map(|t| format!("/fhir/v2/PractitionerRole?organization.address-city={t}")).collect();
    rows.push(("chain of a town, each once", load::once(host, &chains).per_second));
    rows.push(("full walk, resources", pages::walk(host, false, usize::MAX)?.per_second()));
    Ok(rows)
}

/// A page of 50 by name in the latest state, and in states 100 and 10,000 transactions old.
fn old_states(store: &Path) -> Result<()> {
    let index = annuaire_publish::open(store, MAP, VIEW)?;
    let last = index.applied_tx();
    let filter = Filter::Token { param: params::ACTIVE.id, system: None, code: Some("true".to_owned()) };
    let page = |tx: Tx| -> Result<Option<f64>> {
        let mut times = Vec::new();
        for _ in 0..30 {
            let began = Instant::now();
            let Some(snapshot) = (if tx < index.retained_from() { None } else { index.snapshot_at(tx)? }) else {
                return Ok(None);
            };
            let rows = snapshot.search(schema::PRACTITIONER, &filter)?;
            for row in rows.iter().take(50) {
                snapshot.read(Row::new(row))?;
            }
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        Ok(Some(times[times.len() / 2]))
    };
    let latest = page(last)?.context("no latest state")?;
    let old = |n: u64| -> Result<String> {
        Ok(page(Tx::new(last.get().saturating_sub(n)))?
            .map_or("not kept".to_owned(), |ms| format!("{ms:.2} ms, {:.1} ×", ms / latest)))
    };
    row("page of a state: latest, 100, 10,000 transactions old", &format!("{latest:.2} ms | {} | {}", old(100)?, old(10_000)?));
    Ok(())
}

fn follow(registry: &BlockingRegistry, index: &Index) -> Result<()> {
    annuaire_publish::follow(registry, index, VIEW, &|_, _, _| {})?;
    Ok(())
}

/// The present facts as one transaction of a new registry, published.
fn first_publication(registry: &BlockingRegistry, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let new = annuaire_store_sqlite::open_blocking(&dir.join("registry.sqlite"))?;
    let mut unit = new.begin()?;
    for owner in registry.owners()? {
        unit.set_owner(&owner)?;
    }
    let cause = Cause::new(Channel::Operator, "bench", "copy");
    unit.save(&cause, CommitClock { now_ms: &writer::now_ms, any_clock: true })?;
    let mut stage = new.stage()?;
    let last = registry.last_tx()?;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (facts, next) = registry.standing(last, &from, 10_000)?;
        for Fact { key, payload, publication, .. } in facts {
            stage.put(Change { key, payload: Some(payload), publication, fingerprint: 0 })?;
        }
        after = next;
    }
    let mut unit = new.begin()?;
    unit.adopt(stage)?;
    unit.save(&cause, CommitClock { now_ms: &writer::now_ms, any_clock: true })?;
    let index = annuaire_publish::open(&dir.join("public"), MAP, VIEW)?;
    follow(&new, &index)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The year: facts that stand, and the clock.
struct Year {
    facts: Vec<Fact>,
    dice: Dice,
    now_ms: AtomicI64,
    changes: u64,
}

impl Year {
    fn new(registry: &BlockingRegistry) -> Result<Self> {
        let last = registry.last_tx()?;
        let (mut facts, mut after) = (Vec::new(), Some(String::new()));
        while let Some(from) = after {
            let (page, next) = registry.standing(last, &from, 10_000)?;
            // Only what the public store shows: every change is a new version there.
            facts.extend(page.into_iter().filter(|f| changed(&f.payload, 0).is_some()));
            after = next;
        }
        let now_ms = registry.transactions(last.previous(), 1)?.first().map_or(0, |t| t.commit_ms);
        Ok(Self { facts, dice: Dice::new(5, 0, 0), now_ms: AtomicI64::new(now_ms), changes: 0 })
    }

    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// One delivery that changes 0.3 % of the facts, and registrations over the day.
    fn live_a_day(&mut self, registry: &BlockingRegistry, small: u64) -> Result<()> {
        let step = DAY_MS / (i64::try_from(small)? + 2);
        self.now_ms.fetch_add(step, Ordering::Relaxed);
        let mut stage = registry.stage()?;
        let mut drawn: Vec<usize> = (0..self.facts.len() * 3 / 1_000).map(|_| self.draw()).collect();
        drawn.sort_unstable();
        drawn.dedup();
        for fact in drawn {
            if let Some(change) = self.change(fact) {
                stage.put(change)?;
            }
        }
        let mut unit = registry.begin()?;
        unit.adopt(stage)?;
        self.save(unit, Channel::Import)?;
        for _ in 0..small {
            self.now_ms.fetch_add(step, Ordering::Relaxed);
            let fact = self.draw();
            let Some(change) = self.change(fact) else { continue };
            let mut unit = registry.begin()?;
            unit.put(change, Expect::Any)?;
            self.save(unit, Channel::Portal)?;
        }
        self.now_ms.fetch_add(step, Ordering::Relaxed);
        Ok(())
    }

    fn save(&self, unit: annuaire_store::BlockingUnit, channel: Channel) -> Result<()> {
        let now = || self.now_ms();
        unit.save(&Cause::new(channel, "bench", "a day"), CommitClock { now_ms: &now, any_clock: true })?;
        Ok(())
    }

    fn draw(&mut self) -> usize {
        usize::try_from(self.dice.below(self.facts.len() as u64)).unwrap_or(0)
    }

    fn change(&mut self, fact: usize) -> Option<Change> {
        self.changes += 1;
        let fact = &mut self.facts[fact];
        fact.payload = changed(&fact.payload, self.changes)?;
        let payload = Some(fact.payload.clone());
        Some(Change { key: fact.key.clone(), payload, publication: fact.publication, fingerprint: 0 })
    }
}

/// The content with another given name, or another name of the structure.
fn changed(payload: &str, number: u64) -> Option<String> {
    const NAMES: [&str; 8] = ["ANNE", "PAUL", "LOUISE", "HENRI", "JEANNE", "MARC", "ODILE", "YVES"];
    let name = NAMES[usize::try_from(number % 8).unwrap_or(0)];
    match serde_json::from_str(payload).ok()? {
        Objet::Professionnel(mut p) => {
            let practice = p.exercices.iter_mut().find(|e| !e.nom_exercice.is_empty())?;
            practice.prenom_exercice = if practice.prenom_exercice == name { "LUCIE".to_owned() } else { name.to_owned() };
            serde_json::to_string(&Objet::Professionnel(p)).ok()
        }
        Objet::Structure(mut s) if !s.raison_sociale.is_empty() => {
            let base = s.raison_sociale.split(" N").next().unwrap_or_default().to_owned();
            s.raison_sociale = format!("{base} N{number}");
            serde_json::to_string(&Objet::Structure(s)).ok()
        }
        _ => None,
    }
}
