//! What an import leaves in the registry beside its facts: owners, the cause of its transaction, an event of the audit trail; and what
//! it does not write, because the law withdrew it.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_base::fact::Publication;
use annuaire_exchange::{Options, deliveries, import, undo};
use annuaire_mos::owner::{Owner, file_source, file_sources};
use annuaire_store::Channel;
use common::{World, activity_name, file, people, pp};
use serde_json::Value;

fn by_the_night() -> Options {
    Options { author: "nuit".into(), clock: std::sync::Arc::new(|| 1_700_000_000_000), ..Options::default() }
}

#[test]
fn an_import_and_its_undoing_say_who_and_why_and_leave_an_event_that_names_nobody() {
    let w = World::new();
    let path = w.write(&activity_name("202611240800"), file(&people(1..=3)));
    import(&w.registry, &[path], &by_the_night()).unwrap();
    undo(&w.registry, 1, true, &by_the_night()).unwrap();
    let log = w.registry.transactions(annuaire_base::Tx::NONE, 10).unwrap();
    let causes: Vec<_> = log.iter().map(|t| (t.cause.channel, t.cause.actor.as_str(), t.cause.reason.as_str())).collect();
    let of = format!("import of {}", activity_name("202611240800"));
    assert_eq!(
        causes,
        [(Channel::Import, "nuit", of.as_str()), (Channel::Operator, "nuit", "undoes delivery 1")],
        "a delivery came in, and an operator took it back"
    );
    let trail = w.registry.audit_trail(0, 10).unwrap();
    let [imported, undone] = trail.as_slice() else { panic!("{trail:?}") };
    assert_eq!((imported.event.event.as_str(), imported.event.object.as_str(), imported.tx), ("import", "1", Some(log[0].tx)));
    assert_eq!((undone.event.event.as_str(), undone.event.object.as_str(), undone.tx), ("undo", "2", Some(log[1].tx)));
    assert_eq!((imported.event.actor.as_str(), undone.event.actor.as_str()), ("nuit", "nuit"));
    let detail: Value = serde_json::from_str(&imported.event.detail).unwrap();
    assert_eq!(detail["files"][0]["file"], activity_name("202611240800"));
    let digest = &deliveries(&w.registry).unwrap()[0].files[0].digest;
    assert_eq!((detail["files"][0]["digest"].as_str(), &detail["counts"]["created"]), (Some(digest.as_str()), &Value::from(6)));
    assert!(!imported.event.detail.contains("NOM00") && !imported.event.detail.contains(&common::rpps(1)));
    assert_eq!(serde_json::from_str::<Value>(&undone.event.detail).unwrap()["undoes"], 1);
    // An import that changes nothing is an event too, and no transaction.
    let same = w.write(&activity_name("202611240900"), file(&[]) + &people(1..=3).join("\n") + "\n");
    import(&w.registry, std::slice::from_ref(&same), &by_the_night()).unwrap();
    std::fs::copy(&same, w.dir.path().join(activity_name("202611250900"))).unwrap();
    import(&w.registry, &[w.dir.path().join(activity_name("202611250900"))], &by_the_night()).unwrap();
    let last = w.registry.audit_trail(3, 10).unwrap();
    assert_eq!((last.len(), last[0].tx, last[0].event.object.as_str()), (1, None, "4"));
    assert_eq!(w.registry.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn the_sources_of_files_are_owners_and_their_facts_are_public_as_their_files_are() {
    let w = World::new();
    let feed = "{\"resourceType\":\"Organization\",\"id\":\"a\",\"name\":\"CENTRE\"}\n";
    w.activity("202611240800", &people([1])).unwrap();
    w.load("closed.ndjson", feed).unwrap();
    w.load_with("open.ndjson", feed, &Options { open: true, ..Options::default() }).unwrap();
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/bascule_adeli_rpps.csv");
    import(&w.registry, &[sample], &Options::default()).unwrap();
    let owners = w.registry.owners().unwrap();
    assert_eq!(owners.len(), file_sources().len(), "known from the first import on");
    for row in &owners {
        let owner: Owner = serde_json::from_str(&row.description).unwrap();
        assert_eq!(owner, file_source(&row.code).unwrap().owner());
    }
    let (facts, _) = w.registry.standing(w.registry.last_tx().unwrap(), "", 1_000).unwrap();
    assert!(facts.len() > 4 && facts.iter().all(|f| f.key.facet.is_empty()));
    for fact in facts {
        let open = ["fhir", "psla"].contains(&fact.key.owner.as_str());
        assert_eq!(fact.publication == Publication::Open, open, "{:?}", fact.key);
    }
}

#[test]
fn an_owner_that_somebody_has_described_keeps_its_description() {
    let w = World::new();
    let described = annuaire_store::OwnerRow { code: "psla".into(), description: "{\"described\":true}".into() };
    w.unit(|unit| unit.set_owner(&described).unwrap());
    w.activity("202611240800", &people([1])).unwrap();
    assert!(w.registry.owners().unwrap().contains(&described));
    // One that is known by its facts only, as after the migration of an older registry, gets one.
    w.unit(|unit| unit.set_owner(&annuaire_store::OwnerRow { description: String::new(), ..described.clone() }).unwrap());
    w.activity("202611250800", &people([1, 2])).unwrap();
    let psla = w.registry.owners().unwrap().into_iter().find(|o| o.code == "psla").unwrap();
    assert!(psla.description.contains("\"kind\":\"file\""), "{psla:?}");
}

#[test]
fn an_old_file_does_not_bring_back_who_was_withdrawn_and_the_report_counts_it() {
    let w = World::new();
    w.activity("202611240800", &people(1..=120)).unwrap();
    // More than the share that may appear in one delivery: withdrawn persons seem to be new in each.
    let withdrawn: Vec<String> = (10..=19).map(pp).collect();
    w.unit(|unit| withdrawn.iter().for_each(|entity| unit.withdraw(entity).unwrap()));
    for (stamp, dry_run) in [("202611250800", true), ("202611250800", false), ("202611260800", false)] {
        let options = Options { dry_run, ..Options::default() };
        let report = w.load_with(&activity_name(stamp), file(&people(1..=121)), &options).unwrap();
        assert_eq!((report.withheld, report.ended, report.changed), (10, 0, 0), "{stamp} {dry_run}");
        let created = if stamp == "202611260800" { 0 } else { 2 };
        assert_eq!((report.created, report.examples.created.len() as u64), (created, created), "{:?}", report.examples);
        assert!(report.complete(), "{:?}", report.warnings);
        assert!(withdrawn.iter().all(|entity| !w.stands(entity)));
    }
    let told: Vec<u64> = deliveries(&w.registry).unwrap().iter().map(|d| d.withheld).collect();
    assert_eq!(told, [0, 10, 10]);
    // A growth that is none of theirs is refused as ever.
    let e = common::why(w.activity("202611270800", &people(1..=300)));
    assert!(e.contains("appear, more than 5 %"), "{e}");
    // Undoing does not bring them back either.
    undo(&w.registry, 1, true, &Options::default()).unwrap();
    assert!(withdrawn.iter().all(|entity| !w.stands(entity)));
    assert_eq!(w.registry.verify().unwrap(), Vec::<String>::new());
}
