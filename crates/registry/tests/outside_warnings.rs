//! Warnings of identical identities elsewhere (registration §8.5): support is told of who collects them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{RegistrationSubject, SectionDraft};
use annuaire_workflow::request::LegalStatement;
use world::{DAY, NATIONAL, NEIGHBOUR, SITE, WARNINGS, World, civil, contact, situation, trace};

const NAMES: [&str; 4] = ["Ondine", "Basile", "Colombe", "Fulbert"];

/// Managers of whom support is told that they collect warnings.
async fn alerted(w: &World) -> Vec<String> {
    let by = w.registration.support_session(NATIONAL, "alertes", trace()).await.unwrap();
    let jobs = w.registration.operator_jobs(&by).await.unwrap();
    jobs.into_iter().filter(|job| job.what == "outside").map(|job| job.manager).collect()
}

/// Types the civil status of somebody who is registered elsewhere into a new draft, or one that there is.
async fn warned(w: &World, given: &str, draft: Option<(String, u64)>) -> (String, u64) {
    let by = w.manager(NEIGHBOUR).await;
    let r = &w.registration;
    let (number, version) = match draft {
        Some(draft) => draft,
        None => {
            let at = r.create_request(&by, "990000028", &RegistrationSubject::Unknown).await.unwrap();
            (at.number, at.version)
        }
    };
    let done = r.validate_section(&by, &number, version, SectionDraft::Civil(civil(given)), &WARNINGS).await.unwrap();
    assert!(done.alike.unwrap().text().unwrap().starts_with("Une identité identique"), "{given}");
    (number, done.request.version)
}

async fn submit(w: &World, (number, version): (String, u64), given: &str) {
    let by = w.manager(NEIGHBOUR).await;
    let r = &w.registration;
    let mut version = version;
    for section in [SectionDraft::Contact(contact(&given.to_lowercase())), SectionDraft::Situation(situation("990000028", given))]
    {
        let done = r.validate_section(&by, &number, version, section, &WARNINGS).await.unwrap();
        assert!(done.valid, "{:?}", done.findings.list);
        version = done.request.version;
    }
    r.submit(&by, &number, LegalStatement::default()).await.unwrap();
}

#[tokio::test]
async fn three_unfollowed_warnings_in_a_day_alert_support() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    for given in NAMES {
        w.registered(&by, "990000010", given, &given.to_lowercase()).await;
    }
    // Two that are submitted do not count.
    for given in &NAMES[..2] {
        let draft = warned(&w, given, None).await;
        submit(&w, draft, given).await;
    }
    let draft = warned(&w, NAMES[2], None).await;
    // Typed again, the same is one warning.
    let draft = warned(&w, NAMES[2], Some(draft)).await;
    assert!(alerted(&w).await.is_empty());
    // One draft with one name after the other collects as well as several do.
    let draft = warned(&w, NAMES[3], Some(draft)).await;
    assert!(alerted(&w).await.is_empty(), "two");
    warned(&w, NAMES[0], Some(draft)).await;
    assert_eq!(alerted(&w).await, [NEIGHBOUR]);
    let trail = w.registry.audit_trail(0, 100_000).await.unwrap();
    let event = trail.iter().find(|row| row.event.event == "inscription-identites-ailleurs").unwrap();
    assert!(event.event.actor == NEIGHBOUR && !event.event.detail.contains("Essai"));
}

#[tokio::test]
async fn each_day_counts_for_itself() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    for given in NAMES {
        w.registered(&by, "990000010", given, &given.to_lowercase()).await;
    }
    for given in &NAMES[..2] {
        warned(&w, given, None).await;
    }
    w.pass(DAY);
    for given in &NAMES[2..] {
        warned(&w, given, None).await;
    }
    assert!(alerted(&w).await.is_empty());
    // Nobody counts against somebody else, and a row of a day that is over is swept.
    w.pass(2 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_row("outside-warnings", NEIGHBOUR).await.unwrap().is_none());
}
