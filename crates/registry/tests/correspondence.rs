//! Correspondence files of ADELI and RPPS numbers: loaded, taken back, and what they lead to.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{CorrespondenceReport, FoundPerson, PersonQuery, PersonSearch, limits};
use annuaire_workflow::adeli::{CORRESPONDENCE_HEADER, CorrespondenceCode, CorrespondenceLine, read_correspondence};
use world::{NATIONAL, NEIGHBOUR, SITE, World, person, trace};

fn lines(rows: &str) -> Vec<CorrespondenceLine> {
    read_correspondence(&format!("{CORRESPONDENCE_HEADER}\n{rows}")).unwrap()
}

async fn load(w: &World, rows: &str) -> CorrespondenceReport {
    w.registration.load_correspondence(&w.system, &lines(rows), false).await.unwrap()
}

async fn follow(w: &World) {
    while w.registration.index_next(&w.system).await.unwrap().is_behind {}
}

async fn found(w: &World, number: &str) -> Option<FoundPerson> {
    let manager = w.manager(SITE).await;
    match w.registration.find_person(&manager, &PersonQuery::Number(number.into())).await.unwrap() {
        PersonSearch::Found(person) => Some(*person),
        _ => None,
    }
}

fn rpps(national_id: &str) -> &str {
    &national_id[1..]
}

#[tokio::test]
async fn a26_a_file_with_three_columns_is_refused_as_a_whole() {
    let w = World::new().await;
    let before = w.registry.last_tx().await.unwrap();
    let text = format!("{CORRESPONDENCE_HEADER}\n991091018;{}\n997091020;{};3\n", rpps(SITE), rpps(NEIGHBOUR));
    let fault = read_correspondence(&text).unwrap_err();
    assert_eq!((fault.line, fault.columns), (3, 3));
    // There are no lines to load: nothing of the file can be applied.
    assert_eq!(w.registry.last_tx().await.unwrap(), before);
    assert_eq!(w.registration.rpps_of_adeli("991091018").await.unwrap(), None);
}

#[tokio::test]
async fn a27_an_unknown_rpps_number_is_reported_and_the_other_lines_are_applied() {
    let w = World::new().await;
    let rows = format!("991091018;{}\n997091020;10999000143\n2A2899983;{}\n991091018x;1\n", rpps(SITE), rpps(NEIGHBOUR));
    let before = w.registry.last_tx().await.unwrap();
    let tried = w.registration.load_correspondence(&w.system, &lines(&rows), true).await.unwrap();
    assert_eq!((w.registry.last_tx().await.unwrap(), tried.load.as_deref()), (before, None), "a trial writes nothing");
    let report = load(&w, &rows).await;
    let expected = [
        format!("0991091018;{SITE};200"),
        "0997091020;810999000143;410".into(),
        format!("02A2899983;{NEIGHBOUR};200"),
        "0991091018x;81;406".into(),
    ];
    assert_eq!(report.lines, expected);
    assert_eq!((&tried.lines, &tried.events), (&report.lines, &report.events), "a trial tells what a load does");
    let events: Vec<&str> = report.events.iter().map(String::as_str).collect();
    let updates = [format!("UPDATE;{NEIGHBOUR}"), format!("UPDATE;{SITE}")];
    assert_eq!(events, ["DELETE;02A2899983", "DELETE;0991091018", &updates[0], &updates[1]]);
    assert_eq!(report.load.as_deref(), Some("000001"));
    // It leads to the person at once, restricted and never public.
    assert_eq!(w.registration.rpps_of_adeli("991091018").await.unwrap().as_deref(), Some(rpps(SITE)));
    assert_eq!(w.registration.rpps_of_adeli("997091020").await.unwrap(), None);
    let number = w.restricted(rpps(SITE)).await.identifiants_alternatifs.remove(0);
    assert_eq!((number.id_nat_ps.as_str(), number.statut.as_str(), number.dernier_connu), ("0991091018", "HISTORIQUE", true));
    let public = w.public(rpps(SITE)).await;
    assert!(!public.exercices.is_empty() && public.identifiants_alternatifs.is_empty());
    assert_eq!(found(&w, "991091018").await.map(|person| person.rpps).as_deref(), Some(rpps(SITE)));
    assert_eq!(found(&w, "0997091020").await, None);
    let support = w.registration.support_session(NATIONAL, "essai", trace()).await.unwrap();
    assert!(w.registration.support_person(&support, "2A2899983").await.unwrap().is_some());
    let table = w.registration.correspondence_table(&w.system).await.unwrap();
    assert_eq!(table, [("2A2899983".into(), rpps(NEIGHBOUR).to_owned()), ("991091018".into(), rpps(SITE).to_owned())]);
    // Neither number nor name stands in a row beside the log.
    for kind in ["adeli-link", "adeli-load"] {
        for row in w.registry.identity_rows(kind, None, "", 9).await.unwrap() {
            assert!(!row.content.contains("991091018") && !row.key.contains("991091018"), "{row:?}");
        }
    }
    let trail = w.registry.audit_trail(0, 10_000).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.event.event == "inscription-adeli-charger").count(), 2);
    // Twice is once, also after the log was followed.
    follow(&w).await;
    let tx = w.registry.last_tx().await.unwrap();
    let again = load(&w, &rows).await;
    assert_eq!(again.codes.get(&CorrespondenceCode::Known), Some(&2));
    assert_eq!((again.load, again.events.len(), w.registry.last_tx().await.unwrap()), (None, 0, tx));
    assert_eq!(w.registration.rpps_of_adeli("991091018").await.unwrap().as_deref(), Some(rpps(SITE)));
    assert!(w.registry.verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_number_of_somebody_else_is_refused_and_a_second_number_of_a_person_is_added() {
    let w = World::new().await;
    load(&w, &format!("991091018;{}\n", rpps(SITE))).await;
    let report = load(&w, &format!("991091018;{}\n997091020;{}\n", rpps(NEIGHBOUR), rpps(SITE))).await;
    assert_eq!(report.lines, [format!("0991091018;{NEIGHBOUR};406"), format!("0997091020;{SITE};200")]);
    assert_eq!(report.load.as_deref(), Some("000002"));
    let numbers = w.restricted(rpps(SITE)).await.identifiants_alternatifs;
    assert_eq!(numbers.iter().filter(|number| number.dernier_connu).count(), 0, "nobody knows which was the last");
    assert_eq!(numbers.len(), 2);
    assert!(w.restricted(rpps(NEIGHBOUR)).await.identifiants_alternatifs.is_empty());
}

#[tokio::test]
async fn a_load_is_taken_back_by_its_number_and_no_other() {
    let w = World::new().await;
    let before = w.restricted(rpps(SITE)).await;
    load(&w, &format!("991091018;{}\n", rpps(SITE))).await;
    let kept = w.restricted(rpps(SITE)).await;
    load(&w, &format!("997091020;{}\n2A2899983;{}\n", rpps(SITE), rpps(NEIGHBOUR))).await;
    let r = &w.registration;
    assert_eq!(r.undo_correspondence(&w.system, "000009").await.unwrap(), None);
    let undone = r.undo_correspondence(&w.system, "000002").await.unwrap().unwrap();
    assert_eq!(undone.codes.get(&CorrespondenceCode::Applied), Some(&2));
    assert!(undone.lines.contains(&format!("{SITE};0997091020;200")), "{:?}", undone.lines);
    assert_eq!(w.restricted(rpps(SITE)).await, kept, "the first load stands, and its number is the last known one again");
    assert_eq!(r.rpps_of_adeli("997091020").await.unwrap(), None);
    assert_eq!(r.rpps_of_adeli("991091018").await.unwrap().as_deref(), Some(rpps(SITE)));
    let tx = w.registry.last_tx().await.unwrap();
    assert!(r.undo_correspondence(&w.system, "000002").await.unwrap().unwrap().lines.is_empty());
    assert_eq!(w.registry.last_tx().await.unwrap(), tx, "twice is once");
    r.undo_correspondence(&w.system, "000001").await.unwrap();
    assert_eq!(w.restricted(rpps(SITE)).await, before);
    follow(&w).await;
    assert_eq!(r.rpps_of_adeli("991091018").await.unwrap(), None);
    // What was taken back may be loaded again, under another number.
    assert_eq!(load(&w, &format!("991091018;{}\n", rpps(SITE))).await.load.as_deref(), Some("000003"));
}

#[tokio::test]
async fn a_long_file_is_loaded_in_bounded_transactions() {
    let w = World::new().await;
    let many = limits::CORRESPONDENCE_LINES + 7;
    // Any nine digits are an ADELI number, and each RPPS number has its key.
    let numbers: Vec<String> =
        (0_u32..).map(|n| format!("109990{n:05}")).filter(|number| annuaire_base::id::luhn(number)).take(many).collect();
    w.state_persons(numbers.iter().map(|number| person(&format!("8{number}"), "NOMBREUSE")).collect()).await;
    let rows: Vec<String> = numbers.iter().enumerate().map(|(n, number)| format!("{n:09};{number}")).collect();
    let before = w.registry.last_tx().await.unwrap().get();
    let whole = lines(&rows.join("\n"));
    let first = w.registration.load_correspondence(&w.system, &whole, false).await.unwrap();
    assert_eq!(first.codes.get(&CorrespondenceCode::Applied), Some(&(many as u64)));
    assert_eq!(w.registry.last_tx().await.unwrap().get(), before + 2);
    let table = w.registration.correspondence_table(&w.system).await.unwrap();
    assert_eq!(table.len(), many);
}

/// The number that a request for somebody gets whom a delivery knows twice, by an ADELI and by an RPPS number, with another place of birth
/// than the request: probable, and not certain by itself.
async fn number_of_a_new_request(is_loaded: bool) -> Option<String> {
    let w = World::new().await;
    for (national_id, kind) in [("0991091018", "0"), ("810999000309", "8")] {
        let mut record = person(national_id, "Zoé");
        record.type_id_nat_pp = kind.into();
        let civil = record.etat_civil.as_mut().unwrap();
        civil.nom_famille = "ESSAI".into();
        civil.date_naissance = "1991-05-07".into();
        civil.statut = String::new();
        w.state_person(record).await;
    }
    if is_loaded {
        load(&w, "991091018;10999000309").await;
    }
    follow(&w).await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let at = w.validated(&neighbour, "990000028", "Zoé", "zoe").await;
    w.process().await;
    w.registration.open_sheet(&neighbour, &at.number).await.unwrap().rpps
}

#[tokio::test]
async fn an_adeli_record_leads_a_new_registration_to_the_rpps_number() {
    assert_eq!(number_of_a_new_request(false).await, None, "an arbiter looks");
    assert_eq!(number_of_a_new_request(true).await.as_deref(), Some("10999000309"));
}
