//! The second look (registration §4.11): one decision in twenty is made again by another arbiter, who does not know the first one.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{ArbiterSession, IdentityDecision, SecondLookLine};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::state::RequestState;
use world::{DAY, NATIONAL, NEIGHBOUR, SECOND_ARBITER, SITE, World, person, refused, trace};

const REASON: &str = "Deux pièces d'identité vues";

async fn arbiter(w: &World, who: &str) -> ArbiterSession {
    w.registration.arbiter_session(who, "second avis", trace()).await.unwrap()
}

/// Declares pairs distinct until one is drawn; how many it took.
async fn drawn_pair(w: &World, by: &ArbiterSession, other: &ArbiterSession) -> (usize, SecondLookLine) {
    let numbers: Vec<String> = (0..16).map(|n| format!("8999000080{n:02}")).collect();
    for (n, id) in numbers.iter().enumerate() {
        w.state_person(person(id, &format!("PERSONNE{n}"))).await;
    }
    let mut decided = 0;
    for (n, one) in numbers.iter().enumerate() {
        for two in &numbers[n + 1..] {
            w.registration.declare_distinct(by, &one[1..], &two[1..], REASON).await.unwrap();
            decided += 1;
            if let Some(line) = w.registration.second_looks(other).await.unwrap().pop() {
                return (decided, line);
            }
        }
    }
    panic!("none of {decided} was drawn");
}

#[tokio::test]
async fn a_pair_is_looked_at_again_and_a_disagreement_is_told_to_both() {
    let w = World::new().await;
    let r = &w.registration;
    let (first, second) = (arbiter(&w, NATIONAL).await, arbiter(&w, SECOND_ARBITER).await);
    let (decided, line) = drawn_pair(&w, &first, &second).await;
    assert!(decided > 1, "not each decision");
    assert!(r.second_looks(&first).await.unwrap().is_empty(), "nobody looks again at what is theirs");
    assert_eq!(refused(r.second_look_sheet(&first, &line.key).await).code, MessageCode::EReq06);
    assert_eq!(refused(r.decide_again(&first, &line.key, IdentityDecision::Same, REASON).await).code, MessageCode::EReq06);
    let sheet = r.second_look_sheet(&second, &line.key).await.unwrap();
    assert!(!sheet.is_request && sheet.first.prenoms != sheet.second.prenoms);
    // Names are sealed in the row, and the decision is in nothing that the second one reads.
    let row = w.registry.identity_row("second-look", &line.key).await.unwrap().unwrap();
    assert!(!row.content.contains("GESTION") && !row.content.contains("PERSONNE"));
    assert_eq!(refused(r.decide_again(&second, &line.key, IdentityDecision::Same, "court").await).code, MessageCode::EGen03);
    assert_eq!(refused(r.decide_again(&second, &line.key, IdentityDecision::Rejected, REASON).await).code, MessageCode::EGen02);
    w.mails().await;
    assert!(!r.decide_again(&second, &line.key, IdentityDecision::Same, REASON).await.unwrap(), "they disagree");
    let mut told: Vec<String> = w.mails().await.into_iter().map(|(to, _, _)| to).collect();
    told.sort();
    assert_eq!(told, ["collegue@gestion.example", "nationale@gestion.example"]);
    for by in [&first, &second] {
        let all = r.arbiter_disagreements(by).await.unwrap();
        assert_eq!((all[0].first, all[0].second, all.len()), (IdentityDecision::Distinct, IdentityDecision::Same, 1));
    }
    assert_eq!(
        refused(r.decide_again(&second, &line.key, IdentityDecision::Same, REASON).await).code,
        MessageCode::EReq06,
        "once"
    );
    w.pass(91 * DAY);
    r.run_due(&w.system).await.unwrap();
    assert!(r.arbiter_disagreements(&first).await.unwrap().is_empty(), "kept for ninety days");
}

#[tokio::test]
async fn a_request_is_looked_at_again_as_it_was_compared() {
    let w = World::new().await;
    let r = &w.registration;
    let (first, second) = (arbiter(&w, NATIONAL).await, arbiter(&w, SECOND_ARBITER).await);
    let (by, neighbour) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let mut line = None;
    for n in 0..120 {
        let at = w.validated(&neighbour, "990000028", "Marie-Aline", &format!("aline{n}")).await;
        w.process().await;
        // Asking for more decides nothing; rejecting does.
        if r.reject(&first, &at.number, REASON).await.unwrap().state != RequestState::S51 {
            panic!("rejected");
        }
        line = r.second_looks(&second).await.unwrap().pop();
        if line.is_some() {
            break;
        }
    }
    let line = line.expect("one of a hundred and twenty");
    let sheet = r.second_look_sheet(&second, &line.key).await.unwrap();
    assert!(sheet.is_request);
    assert_eq!(sheet.first.prenoms[0].to_lowercase(), "marie-aline");
    assert_eq!(sheet.second.prenoms[0].to_lowercase(), "marie-alice");
    assert!((80..95).contains(&sheet.score.total), "{}", sheet.score.total);
    w.mails().await;
    assert!(r.decide_again(&second, &line.key, IdentityDecision::Rejected, REASON).await.unwrap(), "they agree");
    assert!(w.mails().await.is_empty() && r.arbiter_disagreements(&first).await.unwrap().is_empty());
}
