//! Indicators of quality (registration §15): what a night counts, what of it is told, to whom.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_mos::Adresse;
use annuaire_registry::{IndicatorReader, QualityReport, RegistrationSubject, SectionDraft, TerritoryFigures};
use annuaire_workflow::fields::ClosingDraft;
use annuaire_workflow::indicators::{PublishedFigure, QualityIndicator};
use annuaire_workflow::messages::MessageCode;
use world::{DAY, HEAD, NATIONAL, NEIGHBOUR, SITE, World, refused, signed, structure, trace};

const PLACE: &str = "990000010";
/// Twelve given names that nobody takes for each other.
const NAMES: [&str; 12] = [
    "Ondine",
    "Basile",
    "Colombe",
    "Fulbert",
    "Gwenola",
    "Hyacinthe",
    "Isidore",
    "Judicael",
    "Khadija",
    "Ludivine",
    "Maxence",
    "Thelma",
];

async fn report(w: &World) -> Option<QualityReport> {
    let by = w.registration.auditor_session(NATIONAL, trace()).await.unwrap();
    w.registration.quality_report(IndicatorReader::Auditor(&by)).await.unwrap()
}

fn figure(of: &TerritoryFigures, indicator: QualityIndicator) -> PublishedFigure {
    of.shares[QualityIndicator::ALL.iter().position(|one| *one == indicator).unwrap()]
}

/// Both sites have an address: one in Ille-et-Vilaine, one in Réunion.
async fn located(w: &World) {
    for (finess, siret, commune) in [(PLACE, "99900000300015", "35238"), ("990000028", "99900000300023", "97411")] {
        let mut place = structure(finess, "990000002", siret);
        place.adresse = Adresse { cog_commune: commune.into(), ..Default::default() };
        w.state_structure(place).await;
    }
}

#[tokio::test]
async fn a_night_counts_each_territory_and_hides_small_ones() {
    let w = World::new().await;
    located(&w).await;
    let (by, neighbour) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    assert_eq!(report(&w).await, None, "before the first night");
    assert_eq!(w.registration.authority_score(&by).await.unwrap(), None);
    let mut numbers = Vec::new();
    for given in &NAMES[..11] {
        numbers.push(w.registered(&by, PLACE, given, &given.to_lowercase()).await.1);
    }
    w.registered(&neighbour, "990000028", NAMES[11], "thelma").await;
    // One is refused.
    let refused_one = w.submitted(&by, PLACE, "Zephyrin", "zephyrin").await;
    let reason = annuaire_workflow::request::RefusalReason::R99;
    w.registration.refuse(&by, &refused_one.number, Some(reason), "Personne inconnue ici").await.unwrap();
    w.mails().await;
    // What stands gets its day of confirmation.
    w.registration.run_due(&w.system).await.unwrap();
    let run = w.registration.run_nightly_indicators(&w.system).await.unwrap().expect("this night");
    assert_eq!((run.persons, run.places, run.faulty), (12, 2, 0));
    assert_eq!(w.registration.run_nightly_indicators(&w.system).await.unwrap(), None, "once a night");
    let told = report(&w).await.unwrap();
    let codes: Vec<&str> = told.territories.iter().map(|figures| figures.territory.as_str()).collect();
    assert_eq!(codes, ["35", "974", ""], "what has no place comes last: mails to managers");
    let (ille, reunion) = (&told.territories[0], &told.territories[1]);
    // Eleven persons, none certified yet: the only person of the other territory is not told, and not found by subtraction either.
    assert_eq!(figure(ille, QualityIndicator::Certified), PublishedFigure::Hidden);
    assert_eq!(figure(reunion, QualityIndicator::Certified), PublishedFigure::Hidden);
    assert_eq!(figure(&told.whole, QualityIndicator::Certified), PublishedFigure::Shown { value: 0, of: 10 });
    assert_eq!(figure(&told.whole, QualityIndicator::Reviewed), PublishedFigure::Shown { value: 1_000, of: 10 });
    assert_eq!(figure(&told.whole, QualityIndicator::Refusals), PublishedFigure::Hidden, "one refusal");
    assert_eq!(figure(&told.whole, QualityIndicator::LateClosures), PublishedFigure::Nothing);
    assert_eq!(told.whole.delay, PublishedFigure::Shown { value: 0, of: 10 });
    assert_eq!(reunion.delay, PublishedFigure::Hidden);
    let PublishedFigure::Shown { value, .. } = figure(&told.whole, QualityIndicator::Completeness) else { panic!("shown") };
    assert!(value > 900, "{value}");
    // A manager sees the own figure; of two authorities there is no median.
    let own = w.registration.authority_score(&by).await.unwrap().unwrap();
    assert_eq!(own.median, None);
    assert!((60..=67).contains(&own.own), "nobody certified, all confirmed, nearly all filled: {}", own.own);
    // Time passes: nobody confirms, and everybody is certified.
    w.pass(366 * DAY);
    w.registration.run_nightly_indicators(&w.system).await.unwrap().expect("another night");
    let later = report(&w).await.unwrap();
    assert!(later.counted_on > told.counted_on);
    assert_eq!(figure(&later.whole, QualityIndicator::Reviewed), PublishedFigure::Shown { value: 0, of: 10 });
    assert_eq!(later.whole.delay, PublishedFigure::Nothing, "numbers of the year before");
}

#[tokio::test]
async fn late_closures_and_lost_mails_are_counted() {
    let w = World::new().await;
    located(&w).await;
    let by = w.manager(SITE).await;
    let r = &w.registration;
    let mut numbers = Vec::new();
    for given in NAMES {
        numbers.push(w.registered(&by, PLACE, given, &given.to_lowercase()).await.1);
    }
    w.mails().await;
    // All twelve end a week before they are told.
    w.pass(20 * DAY);
    for rpps in &numbers {
        let situation = w.restricted(rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
        let subject = RegistrationSubject::Situation { rpps: rpps.clone(), situation, ends: true };
        let at = r.create_request(&by, PLACE, &subject).await.unwrap();
        let draft = ClosingDraft { date_fin: "09/12/2026".into(), motif: String::new() };
        let done = r.validate_section(&by, &at.number, at.version, SectionDraft::Closing(draft), &world::WARNINGS).await.unwrap();
        assert!(done.valid, "{:?}", done.findings.list);
        r.submit(&by, &at.number, signed()).await.unwrap();
    }
    w.process().await;
    w.recorder.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..10 {
        w.mails().await;
        w.pass(2 * 3_600_000);
    }
    r.run_nightly_indicators(&w.system).await.unwrap().unwrap();
    let told = report(&w).await.unwrap();
    assert_eq!(figure(&told.whole, QualityIndicator::LateClosures), PublishedFigure::Shown { value: 1_000, of: 10 });
    let PublishedFigure::Shown { value, of } = figure(&told.whole, QualityIndicator::Bounces) else { panic!("shown") };
    assert!((1..1_000).contains(&value) && of >= 20, "some reached somebody, those of the closures did not: {value} of {of}");
    assert_eq!(figure(&told.whole, QualityIndicator::Certified), PublishedFigure::Nothing, "nobody works here any more");
}

#[tokio::test]
async fn figures_are_for_auditors_and_arbiters() {
    let w = World::new().await;
    assert_eq!(refused(w.registration.auditor_session(SITE, trace()).await).code, MessageCode::M01);
    let arbiter = w.registration.arbiter_session(NATIONAL, "lecture", trace()).await.unwrap();
    w.registration.run_nightly_indicators(&w.system).await.unwrap().unwrap();
    let told = w.registration.quality_report(IndicatorReader::Arbiter(&arbiter)).await.unwrap().unwrap();
    assert!(told.territories.is_empty() && told.whole.shares.iter().all(|figure| *figure == PublishedFigure::Nothing));
    let events = w.registry.audit_trail(0, 100_000).await.unwrap();
    assert!(events.iter().any(|row| row.event.event == "inscription-lire-indicateurs" && row.event.actor == NATIONAL));
    // A manager without anything registered has no score.
    assert_eq!(w.registration.authority_score(&w.manager(HEAD).await).await.unwrap(), None);
}
