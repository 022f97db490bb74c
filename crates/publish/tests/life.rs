//! The life of a store beside its log: what cannot be made, whose stamps count, what vanishes, what is another log.

#![allow(clippy::unwrap_used)]

use annuaire_fhir::schema::{DEVICE, ORGANIZATION, PERSON, PRACTITIONER, ROLE};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Filter, Index, Standing};
use annuaire_mos::{BoiteLettresMss, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_publish::{Error, Followed, limits};
use annuaire_store::{Cause, Change, Registry};
use annuaire_store_sqlite::SqliteRegistry;
use serde_json::{Value, json};
use std::path::Path;

const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
const RESTRICTED: View = View { guide: Guide::V120, perimeter: Perimeter::Restricted };
const T0: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;
const MAP: usize = 1 << 27;

/// A word of a transaction: entity, source, payload (`None` ends it).
type Word = (String, &'static str, Option<String>);

fn commit(registry: &mut dyn Registry, ms: i64, words: &[Word]) -> u64 {
    let cause = Cause { author: "t", reason: "t", now_ms: &|| ms, any_clock: true };
    let outcome = registry
        .commit(cause, &mut |unit| {
            for (entity, source, payload) in words {
                let (entity, source) = (entity.clone(), (*source).to_owned());
                unit.put(Change { entity, source, payload: payload.clone(), digest: 0 })?;
            }
            Ok(())
        })
        .unwrap();
    outcome.tx.unwrap().get()
}

fn follow(registry: &mut dyn Registry, index: &Index, view: View) -> Followed {
    annuaire_publish::follow(registry, index, view, &|_, _, _| {}).unwrap()
}

/// Everything that a store holds.
fn dump(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot().unwrap();
    let mut all: Vec<String> = (0..)
        .map_while(|row| snapshot.entry(row).ok())
        .map(|e| format!("{} {} v{} tx{} {:?} {}", e.ty, e.id(), e.version, e.tx, e.standing, String::from_utf8_lossy(e.body())))
        .collect();
    all.extend((0..6).map(|ty| format!("{:?}", snapshot.search(ty, &Filter::All).unwrap())));
    all.extend(index.asides(99).unwrap().iter().map(|a| format!("{a:?}")));
    all
}

struct World {
    dir: tempfile::TempDir,
    registry: SqliteRegistry,
    public: Index,
    restricted: Index,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str, view| annuaire_publish::open(&dir.path().join(name), MAP, view).unwrap();
        let (public, restricted) = (open("public", PUBLIC), open("restricted", RESTRICTED));
        let registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        Self { dir, registry, public, restricted }
    }

    /// Commits, follows with both stores, and compares both with the registry and with stores made anew.
    fn say(&mut self, ms: i64, words: &[Word]) -> Followed {
        commit(&mut self.registry, ms, words);
        follow(&mut self.registry, &self.restricted, RESTRICTED);
        let followed = follow(&mut self.registry, &self.public, PUBLIC);
        for (index, view) in [(&self.public, PUBLIC), (&self.restricted, RESTRICTED)] {
            assert_eq!(annuaire_publish::verify(&mut self.registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
            assert_eq!(index.check().unwrap(), Vec::<String>::new());
            let again = tempfile::tempdir_in(self.dir.path()).unwrap();
            let rebuilt = annuaire_publish::open(again.path(), MAP, view).unwrap();
            follow(&mut self.registry, &rebuilt, view);
            assert_eq!(dump(&rebuilt), dump(index));
        }
        followed
    }

    fn body(&self, ty: u8, id: &str) -> Option<Value> {
        body(&self.public, ty, id)
    }
}

fn body(index: &Index, ty: u8, id: &str) -> Option<Value> {
    let entry = index.snapshot().unwrap().current(ty, id).unwrap()?;
    Some(serde_json::from_slice(entry.body()).unwrap())
}

fn word(entity: &str, source: &'static str, object: Objet) -> Word {
    (entity.to_owned(), source, Some(serde_json::to_string(&object).unwrap()))
}

fn device(source: &'static str, json: &str) -> Word {
    word("FH:Device/d", source, Objet::Ressource { json: json.to_owned() })
}

fn structure(number: &str, name: &str) -> Word {
    let s = Structure {
        id_technique: format!("F{number}"),
        num_finess: number.into(),
        raison_sociale: name.into(),
        ..Default::default()
    };
    word(&format!("ST:F{number}"), "psla", Objet::Structure(s))
}

fn person(structure: &str) -> Word {
    let s = SituationExercice { id_situation_exercice: "12345".into(), structure: structure.into(), ..Default::default() };
    let e = ExerciceProfessionnel {
        profession: "10".into(),
        categorie_professionnelle: "C".into(),
        nom_exercice: "DUPONT".into(),
        situations: vec![s],
        ..Default::default()
    };
    let p = Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: "10999000003".into(),
        id_nat_ps: "810999000003".into(),
        exercices: vec![e],
        ..Default::default()
    };
    word("PP:810999000003", "psla", Objet::Professionnel(p))
}

const PP: &str = "003-810999000003-10-C";

fn deep() -> String {
    format!(r#"{{"resourceType":"Device","id":"d","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200))
}

/// A resource nested too deep, one with a lone surrogate, an object that is no object: what was published stays, what follows
/// is published, and a word that can be made takes its place.
#[test]
fn what_cannot_be_made_stops_nothing() {
    let mut w = World::new();
    let good =
        |m: &str| device("fhir", &format!(r#"{{"resourceType":"Device","id":"d","status":"active","manufacturer":"{m}"}}"#));
    let first = w.say(T0, &[good("A"), structure("990000019", "CLINIQUE")]);
    assert_eq!((first.versions, first.set_aside_count), (2, 0));
    for (n, bad) in [
        device("fhir", &deep()),
        device("fhir", r#"{"resourceType":"Device","id":"d","manufacturer":"\ud800"}"#),
        ("FH:Device/d".to_owned(), "fhir", Some("{\"objet\":\"ressource\",\"json\":7}".to_owned())),
        ("FH:Device/d".to_owned(), "fhir", Some("not json".to_owned())),
    ]
    .into_iter()
    .enumerate()
    {
        let followed = w.say(T0 + 1 + n as i64, &[bad, structure("990000019", &format!("CLINIQUE {n}"))]);
        assert_eq!((followed.versions, followed.set_aside_count), (1, 1), "only the structure");
        let named = &followed.set_aside[0];
        assert_eq!((named.entity.as_str(), named.source.as_str(), named.tx.get()), ("FH:Device/d", "fhir", n as u64 + 2));
        assert_eq!(annuaire_publish::set_aside(&w.public).unwrap(), (followed.set_aside, 1));
        assert_eq!(w.body(DEVICE, "d").unwrap()["manufacturer"], "A");
        assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["name"], format!("CLINIQUE {n}"));
    }
    w.say(T0 + 9, &[good("B")]);
    let made = w.body(DEVICE, "d").unwrap();
    assert_eq!((&made["manufacturer"], &made["meta"]["versionId"]), (&json!("B"), &json!("2")));
    assert_eq!(annuaire_publish::set_aside(&w.public).unwrap(), (vec![], 0));
    // Ended while it is set aside: what is published leaves.
    w.say(T0 + 10, &[device("fhir", &deep())]);
    w.say(T0 + 11, &[("FH:Device/d".into(), "fhir", None)]);
    let made = w.body(DEVICE, "d").unwrap();
    assert_eq!((&made["status"], &made["meta"]["versionId"]), (&json!("inactive"), &json!("3")));
    assert_eq!(annuaire_publish::set_aside(&w.public).unwrap().1, 0);
}

/// A person whose other source cannot be read stays as published; a source that is not open does not disturb the public store.
#[test]
fn an_entity_is_left_as_it_is_as_a_whole() {
    let mut w = World::new();
    w.say(T0, &[person("F990000019"), structure("990000019", "A")]);
    let bad: Word = ("PP:810999000003".into(), "r-etatciv", Some("{".into()));
    let followed = w.say(T0 + 1, &[bad]);
    assert_eq!(followed.set_aside_count, 0, "restricted words are none of the public store");
    assert_eq!(annuaire_publish::set_aside(&w.restricted).unwrap().1, 1);
    // What changes meanwhile waits in the restricted store, and is published there in the end.
    w.say(T0 + 2, &[person("F990000027"), structure("990000027", "B")]);
    let place = |index: &Index| body(index, ROLE, "005-12345").unwrap()["organization"]["reference"].clone();
    assert_eq!(place(&w.public), "Organization/001-F990000027");
    assert_eq!(place(&w.restricted), "Organization/001-F990000019");
    w.say(T0 + 3, &[("PP:810999000003".into(), "r-etatciv", None)]);
    assert_eq!(place(&w.restricted), "Organization/001-F990000027");
}

/// Mailboxes are filed apart from their structure: when they cannot be read, it waits for them, published or not.
#[test]
fn a_structure_waits_for_its_mailboxes() {
    let mut w = World::new();
    let s = |name: &str| {
        let s = Structure {
            id_technique: "C99000000000017".into(),
            id_nat_struct: "399000000000017".into(),
            raison_sociale: name.into(),
            ..Default::default()
        };
        word("ST:C99000000000017", "psla", Objet::Structure(s))
    };
    let boxes = |address: &str| {
        let one = BoiteLettresMss { adresse: address.into(), type_bal: "ORG".into(), ..Default::default() };
        word("NS:399000000000017", "mss", Objet::BoitesLettres { boites: vec![one] })
    };
    let bad: Word = ("NS:399000000000017".into(), "mss", Some("{".into()));
    let followed = w.say(T0, &[bad.clone(), s("A")]);
    assert_eq!(followed.set_aside_count, 2);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017"), None);
    w.say(T0 + 1, &[boxes("a@mssante.example")]);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017").unwrap()["telecom"][0]["value"], "a@mssante.example");
    w.say(T0 + 2, &[bad, s("B")]);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017").unwrap()["name"], "A");
    w.say(T0 + 3, &[boxes("b@mssante.example")]);
    let made = w.body(ORGANIZATION, "001-C99000000000017").unwrap();
    assert_eq!((&made["name"], &made["telecom"][0]["value"]), (&json!("B"), &json!("b@mssante.example")));
}

/// More entities than are named: the list is bounded, the count is not.
#[test]
fn many_set_aside_are_counted() {
    let mut w = World::new();
    let all: Vec<Word> = (0..50).map(|n| (format!("FH:Device/d{n}"), "fhir", Some("{".to_owned()))).collect();
    let followed = w.say(T0, &all);
    assert_eq!((followed.set_aside.len(), followed.set_aside_count), (limits::NAMED, 50));
}

/// The first load keeps the stamps of the feed; from then on they are those of the log.
#[test]
fn stamps_are_of_this_log() {
    let mut w = World::new();
    let sent = |meta: &str, status: &str| {
        device(
            "fhir-restreint",
            &format!(r#"{{"resourceType":"Device","id":"d","meta":{{{meta}}},"status":"{status}","x":1.10}}"#),
        )
    };
    let raw = |w: &World| {
        let entry = w.restricted.snapshot().unwrap().current(DEVICE, "d").unwrap().unwrap();
        (String::from_utf8(entry.body().to_vec()).unwrap(), entry.version, entry.commit_ms)
    };
    let old = r#""versionId":"7","lastUpdated":"2020-05-01T02:00:00.000+02:00","source":"urn:x""#;
    w.say(T0, &[sent(old, "active")]);
    let as_sent = format!(r#"{{"resourceType":"Device","id":"d","meta":{{{old}}},"status":"active","x":1.10}}"#);
    assert_eq!(raw(&w), (as_sent, 7, 1_588_291_200_000));
    // Other stamps alone are no change (LOG-5).
    w.say(T0 + 1, &[sent(r#""versionId":"9","lastUpdated":"2021-05-01T02:00:00Z","source":"urn:x""#, "active")]);
    assert_eq!((raw(&w).1, w.restricted.snapshot().unwrap().history(DEVICE, "d").unwrap().len()), (7, 1));
    // A change is a version of this log, whatever the feed says of it.
    for (n, meta) in [
        r#""versionId":"3","lastUpdated":"2019-01-01T00:00:00Z","source":"urn:x""#,
        r#""versionId":"8","lastUpdated":"0001-01-01T00:00:00Z","source":"urn:x""#,
        r#""versionId":"99","lastUpdated":"9999-12-31T23:59:59Z","source":"urn:x""#,
        r#""lastUpdated":"absurd","source":"urn:x""#,
        r#""source":"urn:x""#,
    ]
    .into_iter()
    .enumerate()
    {
        let at = T0 + 1_000 * (n as i64 + 1);
        w.say(at, &[sent(meta, &format!("s{n}"))]);
        let stamp = format!(r#""versionId":"{}","lastUpdated":"{}""#, 8 + n, annuaire_base::date::iso_ms(at));
        let text =
            format!(r#"{{"resourceType":"Device","id":"d","meta":{{{stamp},"source":"urn:x"}},"status":"s{n}","x":1.10}}"#);
        assert_eq!(raw(&w), (text, 8 + n as u32, at));
    }
    // Never version 1 after a withdrawal.
    w.say(T0 + 10_000, &[("FH:Device/d".into(), "fhir-restreint", None)]);
    w.say(T0 + 11_000, &[sent(r#""versionId":"1","lastUpdated":"2020-01-01T00:00:00Z""#, "active")]);
    assert_eq!((raw(&w).1, raw(&w).2), (14, T0 + 11_000));
}

#[test]
fn a_feed_without_stamps_is_stamped_at_the_commit() {
    let mut w = World::new();
    w.say(T0, &[device("fhir", r#"{"resourceType":"Device","id":"d","status":"active"}"#)]);
    let entry = w.public.snapshot().unwrap().current(DEVICE, "d").unwrap().unwrap();
    assert_eq!((entry.version, entry.commit_ms), (1, T0));
    assert_eq!(w.body(DEVICE, "d").unwrap()["meta"]["lastUpdated"], annuaire_base::date::iso_ms(T0));
}

/// The open feed is public by enumeration, the restricted one never, and a Person never.
#[test]
fn feeds_are_public_by_enumeration() {
    let mut w = World::new();
    let p = |born: &str| json!({"resourceType": "Practitioner", "id": "p", "active": true, "birthDate": born}).to_string();
    let of = |source, id: &str, json: String| word(&format!("FH:{id}"), source, Objet::Ressource { json });
    w.say(
        T0,
        &[
            of("fhir", "Practitioner/p", p("1970-01-01")),
            of("fhir-restreint", "Practitioner/p", p("1970-01-02")),
            of("fhir-restreint", "Practitioner/q", p("1970-01-02").replace("\"p\"", "\"q\"")),
            of("fhir", "Person/x", json!({"resourceType": "Person", "id": "x"}).to_string()),
        ],
    );
    assert_eq!(w.body(PRACTITIONER, "p").unwrap()["birthDate"], Value::Null);
    assert_eq!((w.body(PRACTITIONER, "q"), w.body(PERSON, "x")), (None, None));
    assert_eq!(body(&w.restricted, PRACTITIONER, "p").unwrap()["birthDate"], "1970-01-02");
    assert!(body(&w.restricted, PERSON, "x").is_some());
    assert!(dump(&w.public).iter().all(|line| !line.contains("1970")));
}

/// What left is gone from the public store after a month, unless something points to it; the restricted store keeps it.
#[test]
fn what_left_vanishes() {
    let mut w = World::new();
    w.say(T0, &[person("F990000019"), structure("990000019", "A"), structure("990000027", "B")]);
    let gone = |w: &World, ty, id: &str| {
        let s = w.public.snapshot().unwrap();
        assert_eq!(s.current(ty, id).unwrap().is_some(), s.exists(ty, id).unwrap());
        s.current(ty, id).unwrap().is_none() && !s.history(ty, id).unwrap().is_empty()
    };
    // The person leaves on the first day, both structures on the second; somebody else's role still points to the first one.
    let other = || {
        let mut word = person("F990000019");
        word.0 = "PP:810999000011".into();
        word.2 = word.2.map(|p| p.replace("10999000003", "10999000011").replace("12345", "67890"));
        word
    };
    w.say(T0 + DAY, &[("PP:810999000003".into(), "psla", None), other()]);
    w.say(T0 + 2 * DAY, &[("ST:F990000019".into(), "psla", None), ("ST:F990000027".into(), "psla", None)]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["active"], false);
    let tick = |w: &mut World, day: i64| w.say(T0 + day * DAY + 1, &[structure("990000035", &format!("C{day}"))]);
    tick(&mut w, 30);
    assert!(!gone(&w, PRACTITIONER, PP), "a month less a day");
    tick(&mut w, 31);
    assert!(gone(&w, PRACTITIONER, PP) && gone(&w, ROLE, "005-12345"));
    assert!(!gone(&w, ORGANIZATION, "001-F990000027"));
    {
        let s = w.public.snapshot().unwrap();
        assert_eq!(s.version(PRACTITIONER, PP, 2).unwrap().unwrap().standing, Standing::Withdrawn, "its versions stay");
        assert_eq!(s.search(PRACTITIONER, &Filter::All).unwrap().len(), 1);
        assert!(s.search(PRACTITIONER, &Filter::Ids(vec![PP.into()])).unwrap().is_empty());
        let past = w.public.snapshot_at(4).unwrap().unwrap();
        assert!(past.current(PRACTITIONER, PP).unwrap().is_some(), "the past stays");
        let rows = s.history(PRACTITIONER, PP).unwrap().into_iter().collect();
        assert_eq!(s.current_during(&rows, T0 + 31 * DAY + 1, i64::MAX).unwrap().len(), 0);
        assert_eq!(s.current_during(&rows, T0 + 30 * DAY, T0 + 30 * DAY).unwrap().len(), 1);
    }
    tick(&mut w, 32);
    assert!(gone(&w, ORGANIZATION, "001-F990000027"));
    assert!(!gone(&w, ORGANIZATION, "001-F990000019"), "a role points to it");
    assert!(body(&w.restricted, PRACTITIONER, PP).is_some());
    // It comes back as the next version, and the structure goes once nothing that stays points to it.
    w.say(T0 + 40 * DAY, &[person("F990000035"), ("PP:810999000011".into(), "psla", None)]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["meta"]["versionId"], "3");
    assert_eq!(w.body(ROLE, "005-12345").unwrap()["meta"]["versionId"], "3");
    tick(&mut w, 42);
    assert!(gone(&w, ORGANIZATION, "001-F990000019"), "the reduced form of the role does not point to it");
    tick(&mut w, 80);
    assert!(gone(&w, ROLE, "005-67890") && gone(&w, PRACTITIONER, "003-810999000011-10-C"));
}

/// A structure that its source says is closed is said: it stays.
#[test]
fn what_is_closed_is_not_withdrawn() {
    let mut w = World::new();
    let s = Structure { id_technique: "F990000019".into(), num_finess: "990000019".into(), ferme: true, ..Default::default() };
    w.say(T0, &[word("ST:F990000019", "finess-eg", Objet::Structure(s))]);
    w.say(T0 + 100 * DAY, &[structure("990000027", "B")]);
    assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["active"], false);
}

/// A structure that nobody describes is published as it is named, until somebody does.
#[test]
fn no_link_leads_nowhere() {
    let mut w = World::new();
    w.say(T0, &[person("F990000019")]);
    let named = w.body(ORGANIZATION, "001-F990000019").unwrap();
    let known = (&named["identifier"][0]["value"], &named["active"], &named["name"]);
    assert_eq!(known, (&json!("990000019"), &json!(true), &Value::Null));
    w.say(T0 + 1, &[structure("990000019", "A")]);
    assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["name"], "A");
    w.say(T0 + 2, &[person("R10999000003001")]);
    let named = w.body(ORGANIZATION, "001-R10999000003001").unwrap();
    assert_eq!(named["identifier"][0]["system"], "https://rppsrang.esante.gouv.fr");
    // Nothing points to it any more: it vanishes as what left does.
    w.say(T0 + 3, &[person("F990000019")]);
    w.say(T0 + 40 * DAY, &[structure("990000019", "B")]);
    assert_eq!(w.body(ORGANIZATION, "001-R10999000003001"), None);
    assert!(body(&w.restricted, ORGANIZATION, "001-R10999000003001").is_some());
}

/// A reference to another server is none to this one, whatever it ends with; it is found as it is written.
#[test]
fn another_server_is_not_this_one() {
    let mut w = World::new();
    let role = |id: &str, to: &str| {
        let json = json!({"resourceType": "PractitionerRole", "id": id, "organization": {"reference": to}}).to_string();
        word(&format!("FH:PractitionerRole/{id}"), "fhir", Objet::Ressource { json })
    };
    let far = "https://autre.example/fhir/Organization/001-F990000019";
    let near = "Organization/001-F990000019";
    let words =
        [role("a", far), role("b", near), role("c", &format!("{near}/_history/2")), role("d", "#x"), role("e", "urn:uuid:1")];
    w.say(T0, &[&words[..], &[structure("990000019", "A")]].concat());
    let snapshot = w.public.snapshot().unwrap();
    let param = annuaire_fhir::schema::param("PractitionerRole", "organization").unwrap().id;
    let found = |to: &str| {
        let rows = snapshot.search(ROLE, &Filter::Reference { param, target: to.into() }).unwrap();
        rows.iter().map(|row| snapshot.entry(row).unwrap().id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (found(near), found(far), found("urn:uuid:1")),
        (vec!["b".into(), "c".into()], vec!["a".to_owned()], vec!["e".to_owned()])
    );
    let named =
        Box::new(Filter::Exact { param: annuaire_fhir::schema::param("Organization", "name").unwrap().id, value: "A".into() });
    let chain = Filter::Chain { param, target_type: ORGANIZATION, target_name: "Organization".into(), filter: named };
    assert_eq!(snapshot.search(ROLE, &chain).unwrap().len(), 2);
}

#[test]
fn a_store_knows_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    {
        let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
        follow(&mut registry, &index, PUBLIC);
    }
    let other = |view| annuaire_publish::open(&store, MAP, view).err().unwrap();
    for view in [RESTRICTED, View { guide: Guide::V110, ..PUBLIC }] {
        let said = other(view).to_string();
        let Error::OtherView { found, wanted } = other(view) else { panic!() };
        assert_eq!(found, "the public perimeter after guide 1.2.0");
        assert!(wanted != found && said.contains(&found) && said.contains(&wanted));
    }
    // A store of the program before this one says nothing of itself.
    let old = dir.path().join("old");
    {
        let index = Index::open(&old, MAP, annuaire_fhir::dictionary::ALL).unwrap();
        follow(&mut registry, &index, PUBLIC);
    }
    assert!(matches!(annuaire_publish::open(&old, MAP, PUBLIC), Err(Error::Outdated)));
    // Another log with a transaction of the same number.
    let mut strange = SqliteRegistry::open(&dir.path().join("r2")).unwrap();
    commit(&mut strange, T0 + 5, &[structure("990000027", "B")]);
    commit(&mut strange, T0 + 6, &[structure("990000027", "C")]);
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    let follow = |registry: &mut SqliteRegistry| annuaire_publish::follow(registry, &index, PUBLIC, &|_, _, _| {});
    assert!(matches!(follow(&mut strange), Err(Error::OtherLog { tx }) if tx.get() == 1));
    let mut empty = SqliteRegistry::open(&dir.path().join("r3")).unwrap();
    assert!(matches!(follow(&mut empty), Err(Error::OtherLog { tx }) if tx.get() == 1));
    let differences = annuaire_publish::verify(&mut strange, &index, PUBLIC, &|_, _, _| {}).unwrap();
    assert!(differences.len() == 1 && differences[0].contains("another log"));
    assert_eq!(index.applied_tx(), 1);
    assert_eq!(follow(&mut registry).unwrap(), Followed::default());
    assert_eq!(index.clear_dead_readers().unwrap(), 0);
}

/// What is committed while the log is followed is followed too.
#[test]
fn following_ends_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    let mut registry = SqliteRegistry::open(&path).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let index = annuaire_publish::open(&dir.path().join("s"), MAP, PUBLIC).unwrap();
    let more = std::sync::Mutex::new((SqliteRegistry::open(&path).unwrap(), 0));
    let tell = |_: &str, _: u64, _: u64| {
        let (other, n) = &mut *more.lock().unwrap();
        if *n < 3 {
            *n += 1;
            commit(other, T0 + *n, &[structure("990000019", &format!("A{n}"))]);
        }
    };
    let followed = annuaire_publish::follow(&mut registry, &index, PUBLIC, &tell).unwrap();
    assert_eq!((index.applied_tx(), followed.versions), (4, 4));
}

/// A store that may not grow says so, keeps what it has, and goes on once it may.
#[test]
fn a_full_store_says_so_and_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    let many: Vec<Word> = (0..4_000).map(|n| structure(&format!("99{n:07}"), &format!("CLINIQUE {}", n * 7_919))).collect();
    {
        let index = annuaire_publish::open(&store, 1 << 19, PUBLIC).unwrap();
        follow(&mut registry, &index, PUBLIC);
        commit(&mut registry, T0 + 1, &many);
        for _ in 0..2 {
            let e = annuaire_publish::follow(&mut registry, &index, PUBLIC, &|_, _, _| {}).unwrap_err();
            assert!(matches!(e, Error::Index(annuaire_index::Error::Full)), "{e}");
            assert!(e.to_string().contains("full"));
            assert!(body(&index, ORGANIZATION, "001-F990000019").is_some());
        }
    }
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    follow(&mut registry, &index, PUBLIC);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    assert_eq!(index.snapshot().unwrap().search(ORGANIZATION, &Filter::All).unwrap().len(), 4_000);
}

/// The first words that are published are not always the first of the log.
#[test]
fn a_late_first_load_is_a_first_load() {
    let mut w = World::new();
    w.say(T0, &[device("fhir-restreint", &deep())]);
    w.say(T0 + 1, &[("FH:Device/d".into(), "fhir-restreint", None)]);
    assert!(w.public.is_empty());
    w.say(T0 + 2, &[person("F990000019"), structure("990000019", "A")]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["meta"]["versionId"], "1");
}

/// Whatever files are there, in whatever order they came, no reference leads nowhere (LOG-6).
#[test]
fn every_subset_of_the_samples_is_whole() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
    let mut files: Vec<_> = std::fs::read_dir(samples.join("restreint")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for name in [
        "PS_LibreAcces_202610080942.zip",
        "Porteurs_CPS_CPF_202610080845.txt",
        "Extraction_Correspondance_MSSante_202610080850.txt",
        "Extraction_ProSanteConnect_Personne_activite_202610081201.txt",
        "ExtractionMonoTable_CAT18_ToutePopulation_202011241543.csv",
        "finess-plus/finess-structures-journalier-20261008.json",
        "finess-plus/finess-activites-journalier-20261008.json",
    ] {
        files.push(samples.join(name));
    }
    let mut dice = 99_u64;
    let mut imported = 0;
    for _ in 0..6 {
        // A quarter of the files, one after the other.
        let some = files.iter().filter(|_| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            dice >> 62 == 0
        });
        let dir = tempfile::tempdir().unwrap();
        let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        let stores = [PUBLIC, RESTRICTED].map(|view| {
            let name = format!("{:?}", view.perimeter);
            (annuaire_publish::open(&dir.path().join(name), MAP, view).unwrap(), view)
        });
        for file in some {
            let reason = Some("un essai du programme".to_owned());
            let options = annuaire_exchange::Options { accept_mass_change: reason, ..Default::default() };
            // Some restricted files say nothing without the others.
            if annuaire_exchange::import(&mut registry, std::slice::from_ref(file), &options).is_err() {
                continue;
            }
            imported += 1;
            for (index, view) in &stores {
                follow(&mut registry, index, *view);
                whole(index);
                let faults = annuaire_publish::verify(&mut registry, index, *view, &|_, _, _| {}).unwrap();
                assert_eq!(faults, Vec::<String>::new(), "{}", file.display());
            }
        }
    }
    assert!(imported > 15, "{imported}");
}

/// Every reference of every live resource leads to one.
fn whole(index: &Index) {
    let snapshot = index.snapshot().unwrap();
    for (ty, name) in (0_u8..).zip(annuaire_fhir::schema::TYPES) {
        for row in snapshot.search(ty, &Filter::All).unwrap().iter() {
            let json: Value = serde_json::from_slice(snapshot.entry(row).unwrap().body()).unwrap();
            let mut stack = vec![&json];
            while let Some(value) = stack.pop() {
                if let Some(to) = value.get("reference").and_then(Value::as_str) {
                    let (ty, id) = to.split_once('/').unwrap();
                    let ty = annuaire_fhir::schema::type_id(ty).unwrap();
                    assert!(snapshot.exists(ty, id).unwrap(), "{name} {} points to {to}", json["id"]);
                }
                match value {
                    Value::Object(members) => stack.extend(members.values()),
                    Value::Array(list) => stack.extend(list),
                    _ => {}
                }
            }
        }
    }
}
