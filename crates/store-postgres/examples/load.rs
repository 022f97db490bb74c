//! Measures the registry on a database: `load URL FACTS`. A first load through a stage, what is known, a next day of one per cent, all that
//! stands, scattered look-ups, small commits beside a second stage.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect, OwnerRow, Result};
use std::time::Instant;

fn change(owner: &str, n: u32, day: u32) -> Change {
    let key = FactKey { owner: owner.into(), entity: format!("PP:8{:011}", u64::from(n) * 7), facet: String::new() };
    let payload = format!(
        r#"{{"objet":"professionnel","nationalId":"8{n:011}","nom":"ESSAI-{}","prenom":"CAMILLE {}","exercices":[{{"profession":"{}","categorie":"C",
        "civilite":"DR","situations":[{{"identifiant":"R{n:09}","structure":"F99{:07}","mode":"{}","jour":{day},"adresse":{{"numero":"{}","voie":"RUE D’ESSAI","commune":"99{:03}"}}}}]}}]}}"#,
        n % 9_973,
        n % 389,
        n % 60,
        n / 3,
        ["S", "L", "B"][n as usize % 3],
        n % 120,
        n % 900
    );
    Change { key, payload: Some(payload), publication: Publication::Open, fingerprint: u64::from(n) << 8 | u64::from(day) }
}

fn save(unit: annuaire_store::BlockingUnit) -> Result<()> {
    let clock = CommitClock { now_ms: &|| 1_800_000_000_000, any_clock: true };
    unit.save(&Cause::new(Channel::Import, "load", "measured"), clock).map(|done| println!("    {done:?}"))
}

fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let out = work()?;
    println!("{what}: {:.2} s", start.elapsed().as_secs_f64());
    Ok(out)
}

fn known(stage: &mut annuaire_store::BlockingStage, owner: &str) -> Result<usize> {
    let (mut n, mut after) = (0, String::new());
    loop {
        let page = stage.known(owner, &after, 8_192)?;
        let Some(last) = page.last() else { return Ok(n) };
        after.clone_from(&last.entity);
        n += page.len();
    }
}

fn run(r: &BlockingRegistry, facts: u32) -> Result<()> {
    let mut unit = r.begin()?;
    for code in ["a", "b"] {
        unit.set_owner(&OwnerRow { code: code.into(), description: String::new() })?;
    }
    save(unit)?;
    timed("first load, two owners", || {
        let mut stage = r.stage()?;
        for owner in ["a", "b"] {
            for n in 0..facts / 2 {
                stage.put(change(owner, n, 0))?;
            }
        }
        let mut unit = r.begin()?;
        unit.adopt(stage)?;
        save(unit)
    })?;
    timed("next day: known of all, one per cent put", || {
        let mut stage = r.stage()?;
        for owner in ["a", "b"] {
            println!("    {} known", known(&mut stage, owner)?);
        }
        for owner in ["a", "b"] {
            for n in (0..facts / 2).step_by(100) {
                stage.put(change(owner, n, 1))?;
            }
        }
        let mut unit = r.begin()?;
        unit.adopt(stage)?;
        save(unit)
    })?;
    timed("all that stands", || {
        let (mut n, mut after) = (0, Some(String::new()));
        while let Some(from) = after {
            let (page, end) = r.standing(r.last_tx()?, &from, 4_096)?;
            (n, after) = (n + page.len(), end);
        }
        println!("    {n} facts");
        Ok(())
    })?;
    timed("changed entities of the day, and their facts before and after", || {
        let (mut n, mut after) = (0, String::new());
        loop {
            let page = r.changed_entities(Tx::new(2), &after, 1_000)?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            n += r.facts_at(Tx::new(2), &page)?.len() + r.facts_at(Tx::new(1), &page)?.len();
        }
        println!("    {n} facts");
        Ok(())
    })?;
    let mut waits: Vec<f64> = Vec::new();
    for n in 0..400 {
        let start = Instant::now();
        let mut unit = r.begin()?;
        unit.put(change("a", n * 50, 2), Expect::Any)?;
        let clock = CommitClock { now_ms: &|| 1_800_000_000_000, any_clock: true };
        unit.save(&Cause::new(Channel::Portal, "load", "measured"), clock)?;
        waits.push(start.elapsed().as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    println!("small commits: median {:.1} ms, p99 {:.1} ms, worst {:.1} ms", waits[200], waits[396], waits[399]);
    timed("verification", || r.verify().map(|faults| println!("    {faults:?}")))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("load URL FACTS");
    let facts = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    if let Err(e) = annuaire_store_postgres::open_blocking(&url).and_then(|r| run(&r, facts)) {
        println!("{e}");
    }
}
