//! « Signaler une anomalie » (registration §15): who answers, who sees the answer, what is kept and for how long.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{AnomalyAnswer, AnomalyDatum, AnomalyOwner, AnomalyReport, ReportedAnomaly};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::messages::MessageCode;
use world::{COLLEAGUE, DAY, HEAD, NATIONAL, NEIGHBOUR, SITE, World, refused, trace};

fn report(rpps: &str, datum: AnomalyDatum) -> AnomalyReport {
    AnomalyReport {
        rpps: rpps.into(),
        structure: String::new(),
        datum,
        text: "Cette personne est partie.".into(),
        mail: "lecteur@essai.example".into(),
    }
}

async fn filed(w: &World, report: &AnomalyReport) -> String {
    match w.registration.report_anomaly(report, "192.0.2.7").await.unwrap() {
        ReportedAnomaly::Filed { reference } => reference,
        ReportedAnomaly::TooMany => panic!("too many"),
    }
}

#[tokio::test]
async fn a_report_goes_to_the_owner_of_the_datum() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    for datum in AnomalyDatum::ALL {
        filed(&w, &report(&rpps, datum)).await;
    }
    // Another structure is named, in which the person does not work: the one that states the situation answers all the same or the support.
    filed(&w, &AnomalyReport { structure: "990000028".into(), ..report(&rpps, AnomalyDatum::Left) }).await;
    filed(&w, &report(&HEAD[1..], AnomalyDatum::Left)).await;
    filed(&w, &report("99912345671", AnomalyDatum::Contact)).await;
    let (holder, neighbour) = (w.holder(&rpps).await, w.manager(NEIGHBOUR).await);
    let order = r.authority_session(NATIONAL, trace()).await.unwrap();
    let agency = r.authority_session(HEAD, trace()).await.unwrap();
    let support = r.support_session(NATIONAL, "essai", trace()).await.unwrap();
    let count = async |by: AnomalyOwner<'_>| r.anomalies_of(by).await.unwrap().len();
    assert_eq!(count(AnomalyOwner::Manager(&by)).await, 5, "what the structure states");
    assert_eq!(r.manager_tasks(&by).await.unwrap().anomalies, 5);
    assert_eq!(count(AnomalyOwner::Manager(&w.manager(HEAD).await)).await, 5, "its legal entity too");
    assert_eq!(count(AnomalyOwner::Manager(&neighbour)).await, 0);
    assert_eq!(count(AnomalyOwner::Holder(&holder)).await, 1, "the contact");
    assert_eq!(count(AnomalyOwner::Holder(&w.holder(&SITE[1..]).await)).await, 0);
    assert_eq!(count(AnomalyOwner::Authority(&order)).await, 1, "what the order registered");
    assert_eq!(count(AnomalyOwner::Authority(&agency)).await, 0);
    assert_eq!(count(AnomalyOwner::Support(&support)).await, 1, "a number of nobody");
    assert!(r.anomalies_of(AnomalyOwner::Support(&support)).await.unwrap()[0].name.is_empty());
}

#[tokio::test]
async fn an_answer_closes_a_report_for_its_owner_and_shows_to_whoever_has_the_reference() {
    let w = World::new().await;
    let r = &w.registration;
    let (by, colleague) = (w.manager(SITE).await, w.manager(COLLEAGUE).await);
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let reference = filed(&w, &report(&rpps, AnomalyDatum::Role)).await;
    assert!(reference.len() == 32 && r.anomaly_state("0").await.unwrap().is_none());
    let other = filed(&w, &report(&rpps, AnomalyDatum::Role)).await;
    assert_ne!(reference, other);
    let rows = w.registry.identity_rows("anomaly", None, "", 10).await.unwrap();
    for row in &rows {
        let hidden = ["partie", "lecteur", rpps.as_str(), reference.as_str(), other.as_str()];
        assert!(hidden.iter().all(|text| !row.content.contains(text) && !row.key.contains(text)), "{}", row.content);
    }
    let list = r.anomalies_of(AnomalyOwner::Manager(&by)).await.unwrap();
    assert_eq!((list[0].name.as_str(), list[0].mail.as_str()), ("Camille Fictif", "lecteur@essai.example"));
    assert_eq!((list[0].reported_on, list[0].answered_by), (parse_iso("2026-11-26").unwrap(), parse_iso("2026-12-26").unwrap()));
    let state = r.anomaly_state(&reference).await.unwrap().unwrap();
    assert!(state.answer.is_none() && state.datum == AnomalyDatum::Role);
    w.pass(31 * DAY);
    r.run_due(&w.system).await.unwrap();
    let list = r.anomalies_of(AnomalyOwner::Manager(&colleague)).await.unwrap();
    assert!(list.len() == 2 && list.iter().all(|line| line.is_late), "it waits, and is late");
    let first = async || r.anomaly_state(&reference).await.unwrap().unwrap().answer;
    // The two reports came in one instant: whichever is first.
    let neighbour = w.manager(NEIGHBOUR).await;
    for line in &list {
        let stranger = r.answer_anomaly(AnomalyOwner::Manager(&neighbour), &line.key, AnomalyAnswer::Right).await;
        assert_eq!(refused(stranger).code, MessageCode::EGen02);
        r.answer_anomaly(AnomalyOwner::Manager(&colleague), &line.key, AnomalyAnswer::Right).await.unwrap();
        let twice = r.answer_anomaly(AnomalyOwner::Manager(&by), &line.key, AnomalyAnswer::Corrected).await;
        assert_eq!(refused(twice).code, MessageCode::EGen02, "answered once");
    }
    assert_eq!(first().await, Some((AnomalyAnswer::Right, parse_iso("2026-12-27").unwrap())));
    assert_eq!(r.manager_tasks(&by).await.unwrap().anomalies, 0);
    w.pass(364 * DAY);
    r.run_due(&w.system).await.unwrap();
    assert!(first().await.is_some());
    w.pass(2 * DAY);
    r.run_due(&w.system).await.unwrap();
    assert!(r.anomaly_state(&reference).await.unwrap().is_none(), "a year after the answer nothing is left");
}

#[tokio::test]
async fn forms_are_checked_and_one_address_does_not_flood_the_owners() {
    let w = World::new().await;
    let r = &w.registration;
    let good = report("99912345671", AnomalyDatum::Name);
    for (wrong, code) in [
        (AnomalyReport { rpps: "9991234567x".into(), ..good.clone() }, MessageCode::ERpps01),
        (AnomalyReport { text: "trop".into(), ..good.clone() }, MessageCode::EGen03),
        (AnomalyReport { text: "x".repeat(501), ..good.clone() }, MessageCode::EGen03),
        (AnomalyReport { mail: "personne".into(), ..good.clone() }, MessageCode::ECon01),
    ] {
        assert_eq!(refused(r.report_anomaly(&wrong, "192.0.2.7").await).code, code);
    }
    for _ in 0..10 {
        filed(&w, &AnomalyReport { mail: String::new(), ..good.clone() }).await;
    }
    assert_eq!(r.report_anomaly(&good, "192.0.2.7").await.unwrap(), ReportedAnomaly::TooMany);
    assert!(matches!(r.report_anomaly(&good, "192.0.2.8").await.unwrap(), ReportedAnomaly::Filed { .. }));
    w.pass(3_600_000);
    filed(&w, &good).await;
    w.pass(2 * 3_600_000);
    r.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_rows("anomaly-source", None, "", 10).await.unwrap().is_empty(), "addresses are forgotten");
}

#[tokio::test]
async fn owners_hear_of_reports_in_one_mail_a_day() {
    let w = World::new().await;
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    w.mails().await;
    for datum in [AnomalyDatum::Role, AnomalyDatum::Left, AnomalyDatum::Contact] {
        filed(&w, &report(&rpps, datum)).await;
    }
    filed(&w, &report(&HEAD[1..], AnomalyDatum::Name)).await;
    filed(&w, &report("99912345671", AnomalyDatum::Name)).await;
    assert!(w.mails().await.is_empty(), "not for each report");
    w.pass(DAY);
    let subject = "Une anomalie est signalée";
    let mails: Vec<_> = w.mails().await.into_iter().filter(|(_, sent, _)| sent == subject).collect();
    let mut told: Vec<&str> = mails.iter().map(|(to, ..)| to.as_str()).collect();
    told.sort_unstable();
    // The managers of the structure, the professional, the agents of the order that registered the other person: each once.
    let managers = ["collegue@gestion.example", "nationale@gestion.example", "siege@gestion.example", "site@gestion.example"];
    assert_eq!(told, [&["camille@personne.example"], &managers[..]].concat());
    for (_, _, text) in &mails {
        assert!(!text.contains("partie") && !text.contains(&rpps) && !text.contains("lecteur@"), "{text}");
    }
}
