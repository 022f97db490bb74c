//! A recorded death that was wrong (registration §10.3): two arbiters take it back, and what it ended is listed and not opened again.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_consolidate::Perimeter;
use annuaire_registry::{ArbiterSession, CorrectedDeath};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::messages::MessageCode;
use world::{COLLEAGUE, NATIONAL, NEIGHBOUR, SECOND_ARBITER, SITE, World, person, refused, trace};

const REASON: &str = "Erreur sur la personne, acte de naissance vu";

async fn arbiter(w: &World, who: &str) -> ArbiterSession {
    w.registration.arbiter_session(who, "décès", trace()).await.unwrap()
}

#[tokio::test]
async fn two_arbiters_take_a_death_back_and_the_structure_is_told_what_it_ended() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let (first, second) = (arbiter(&w, NATIONAL).await, arbiter(&w, SECOND_ARBITER).await);
    assert_eq!(refused(r.correct_death(&first, &rpps, REASON).await).code, MessageCode::EGen02, "nobody died");
    r.death_known(&w.system, &rpps, parse_iso("2026-11-20").unwrap()).await.unwrap();
    assert_eq!(refused(r.correct_death(&first, &rpps, "court").await).code, MessageCode::EGen03);
    assert_eq!(refused(r.correct_death(&first, "99912345671", REASON).await).code, MessageCode::ERpps01);
    assert_eq!(r.correct_death(&first, &rpps, REASON).await.unwrap(), CorrectedDeath::Proposed);
    assert!(w.restricted(&rpps).await.etat_civil.unwrap().date_deces == "2026-11-20", "one alone changes nothing");
    assert_eq!(refused(r.correct_death(&first, &rpps, REASON).await).code, MessageCode::EReq06, "not twice the same one");
    let waiting = r.deaths_to_correct(&second).await.unwrap();
    assert_eq!((waiting[0].rpps.as_str(), waiting[0].is_own, waiting.len()), (rpps.as_str(), false, 1));
    assert!(r.deaths_to_correct(&first).await.unwrap()[0].is_own);
    w.mails().await;
    assert_eq!(r.correct_death(&second, &rpps, REASON).await.unwrap(), CorrectedDeath::Corrected(1));
    assert!(r.deaths_to_correct(&first).await.unwrap().is_empty());
    let alive = w.restricted(&rpps).await;
    assert_eq!(alive.etat_civil.unwrap().date_deces, "");
    // What the death ended is not open again, today or when timers run.
    r.run_due(&w.system).await.unwrap();
    let ended = &w.restricted(&rpps).await.exercices[0].situations[0];
    assert_eq!((ended.date_fin.as_str(), ended.motif_fin.as_str()), ("2026-11-20", "DCD"));
    let public = w.merged(&rpps, Perimeter::Public).await.and_then(|entity| entity.professional).unwrap_or_default();
    assert!(public.exercices.iter().all(|e| e.situations.is_empty()), "nothing is shown");
    // The person logs in again; means wait for support.
    w.holder(&rpps).await;
    let number = format!("8{rpps}");
    assert_eq!(r.means_withheld(&number).await.unwrap().as_deref(), Some("décès corrigé"));
    let support = r.support_session(NATIONAL, "décès corrigé", trace()).await.unwrap();
    r.lift_withheld(&support, &rpps, REASON).await.unwrap();
    assert_eq!(r.means_withheld(&number).await.unwrap(), None);
    // It is listed for the structure, and for nobody else.
    let neighbour = w.manager(NEIGHBOUR).await;
    assert_eq!(
        (r.manager_tasks(&by).await.unwrap().ended_by_death, r.manager_tasks(&neighbour).await.unwrap().ended_by_death),
        (1, 0)
    );
    assert!(r.ended_by_death(&neighbour).await.unwrap().is_empty());
    let list = r.ended_by_death(&w.manager(COLLEAGUE).await).await.unwrap();
    assert_eq!((list[0].rpps.as_str(), list[0].ended_on.as_str()), (rpps.as_str(), "2026-11-20"));
    assert_eq!(refused(r.settle_ended_by_death(&neighbour, &list[0].situation).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.settle_ended_by_death(&by, "inconnue").await).code, MessageCode::EPer01);
    r.settle_ended_by_death(&by, &list[0].situation).await.unwrap();
    assert!(r.ended_by_death(&by).await.unwrap().is_empty());
    let trail = w.registry.audit_trail(0, 100_000).await.unwrap();
    for event in ["inscription-proposer-deces", "inscription-corriger-deces", "inscription-deces-corrige-traite"] {
        let found = trail.iter().find(|row| row.event.event == event && !row.event.detail.contains("refused"));
        assert_eq!(found.unwrap().event.object, number, "{event}");
    }
}

#[tokio::test]
async fn the_person_works_again_once_the_structure_registers_the_activity() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    r.death_known(&w.system, &rpps, parse_iso("2026-11-20").unwrap()).await.unwrap();
    for who in [NATIONAL, SECOND_ARBITER] {
        r.correct_death(&arbiter(&w, who).await, &rpps, REASON).await.unwrap();
    }
    let more = annuaire_registry::RegistrationSubject::NewActivity { rpps: rpps.clone() };
    let at = r.create_request(&by, "990000010", &more).await.unwrap();
    let mut draft = world::situation("990000010", "Camille");
    draft.date_debut = "26/11/2026".into();
    let section = annuaire_registry::SectionDraft::Situation(draft);
    let done = r.validate_section(&by, &at.number, at.version, section, &world::WARNINGS).await.unwrap();
    assert!(done.valid, "{:?}", done.findings.list);
    r.submit(&by, &at.number, world::signed()).await.unwrap();
    let at = r.open_sheet(&by, &at.number).await.unwrap();
    if at.state == annuaire_workflow::state::RequestState::S20 {
        r.validate_request(&by, &at.number, at.version, world::signed(), None).await.unwrap();
    }
    w.process().await;
    r.run_due(&w.system).await.unwrap();
    assert_eq!(w.public(&rpps).await.exercices[0].situations.len(), 1, "shown again");
}

#[tokio::test]
async fn a_death_that_an_order_states_is_the_orders() {
    let w = World::new().await;
    let mut dead = person("899900008000", "AGATHE");
    dead.etat_civil.as_mut().unwrap().date_deces = "2026-11-20".into();
    w.state_person(dead).await;
    let first = arbiter(&w, NATIONAL).await;
    assert_eq!(refused(w.registration.correct_death(&first, "99900008000", REASON).await).code, MessageCode::EGen02);
}
