//! Published resources do not depend on the reading of a transaction.

use super::{TransactionReading, apply};
use crate::follower::{Follower, LogRange, check_position};
use crate::publication::PublicationFollower;
use crate::{follow, open, owners, verify};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Index, Row};
use annuaire_mos::{BoiteLettresMss, Objet, Structure};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use annuaire_testkit::Dice;

const OWNERS: [&str; 3] = ["fhir", "psla", "monotable"];

/// The content of a store, whatever the order of its rows.
fn content(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot().unwrap();
    let line =
        |e: annuaire_index::Version| format!("{} {} {:?} {}", e.ty, e.number, e.presence, String::from_utf8_lossy(e.body()));
    let mut all: Vec<String> = (0..).map_while(|row| snapshot.read(Row::new(row)).ok()).map(line).collect();
    // Which of several faults was met last may differ.
    all.extend(index.set_aside_entities(usize::MAX).unwrap().iter().map(|a| format!("{} {}", a.entity, a.made_at)));
    all.sort();
    all
}

/// A registry with the owners of these tests.
fn registry(path: &std::path::Path) -> BlockingRegistry {
    let registry = annuaire_store_sqlite::open_blocking(path).unwrap();
    let mut unit = registry.begin().unwrap();
    for code in OWNERS {
        unit.set_owner(&OwnerRow { code: code.into(), description: String::new() }).unwrap();
    }
    unit.save(&Cause::new(Channel::System, "t", "t"), CommitClock { now_ms: &|| 0, any_clock: true }).unwrap();
    registry
}

/// Applies what a store lacks, each transaction alone and read in one way.
fn follow_reading(registry: &BlockingRegistry, index: &Index, view: View, reading: TransactionReading) {
    let mut follower = PublicationFollower::new(index, view);
    let log = check_position(registry, &mut follower).unwrap();
    let owners = owners::read(registry).unwrap();
    for transaction in &log {
        let is_first = index.is_empty() && index.set_aside_count().unwrap() == 0;
        let reading = if is_first { TransactionReading::FirstLoad } else { reading };
        let range = LogRange { registry, owners: &owners, transactions: std::slice::from_ref(transaction) };
        apply(&range, index, view, transaction, reading, None).unwrap();
    }
    assert_eq!(follower.position().unwrap().tx, registry.last_tx().unwrap());
}

/// A large transaction and a small one are read in two ways, or in groups, and give one result.
#[test]
fn what_is_published_does_not_depend_on_how_the_log_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let registry = registry(&dir.path().join("r"));
    let view = View { guide: Guide::V120, perimeter: Perimeter::Restricted };
    let stores = [TransactionReading::SideBySide, TransactionReading::LookUps]
        .map(|reading| (reading, open(&dir.path().join(format!("{reading:?}")), 1 << 27, view).unwrap()));
    let in_groups = open(&dir.path().join("groups"), 1 << 27, view).unwrap();
    let mut dice = Dice::new(7, 0, 0);
    let mut roll = |n: u64| dice.below(n);
    let mut seen_aside = 0;
    for ms in 1..28 {
        // More entities than a page has, now and then.
        let many = if ms % 10 == 5 { 1_500 } else { roll(30) };
        let mut unit = registry.begin().unwrap();
        for _ in 0..many {
            let n = roll(if many > 100 { 4_000 } else { 8 });
            let s = Structure {
                id_technique: format!("C{n}"),
                id_nat_struct: format!("3{n}"),
                raison_sociale: format!("S{}", roll(4)),
                ..Default::default()
            };
            let address = format!("a{}@mssante.example", roll(4));
            let boxes = vec![BoiteLettresMss { adresse: address, type_bal: "ORG".into(), ..Default::default() }];
            let (entity, object) = match roll(3) {
                0 => (format!("NS:3{n}"), Objet::BoitesLettres { boites: boxes }),
                1 => (
                    format!("FH:Device/{n}"),
                    Objet::Ressource { json: format!("{{\"resourceType\":\"Device\",\"id\":\"{n}\",\"x\":{}}}", roll(4)) },
                ),
                _ => (format!("ST:C{n}"), Objet::Structure(s)),
            };
            let payload = match roll(6) {
                0 => None,
                1 => Some(format!("bad {}", roll(3))),
                _ => Some(serde_json::to_string(&object).unwrap()),
            };
            let owner = if entity.starts_with("FH:") { OWNERS[0] } else { OWNERS[1 + roll(2) as usize] };
            let key = FactKey { owner: owner.into(), entity, facet: String::new() };
            unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).unwrap();
        }
        let clock = CommitClock { now_ms: &move || ms * 86_400_000, any_clock: true };
        let Some(_) = unit.save(&Cause::new(Channel::Import, "t", "t"), clock).unwrap().tx else { continue };
        for (reading, index) in &stores {
            follow_reading(&registry, index, view, *reading);
            assert_eq!(verify(&registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
        }
        let [a, b] = [0, 1].map(|n| content(&stores[n].1));
        let differing = a.iter().zip(&b).find(|(a, b)| a != b);
        assert_eq!((differing, a.len()), (None, b.len()), "{ms}");
        if ms % 7 == 0 {
            follow(&registry, &in_groups, view, &|_, _, _| {}).unwrap();
            let differing = a.iter().zip(&content(&in_groups)).find(|(a, b)| a != b).map(|(a, b)| format!("{a}\n{b}"));
            assert_eq!(differing, None, "{ms}");
        }
        seen_aside += stores[0].1.set_aside_count().unwrap();
    }
    assert!(seen_aside > 100);
}
