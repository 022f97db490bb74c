//! Persons with two numbers: found at night, declared distinct or merged by an arbiter.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_consolidate::Perimeter;
use annuaire_registry::{ArbiterSession, ManagerTerms, PersonQuery, PersonSearch, RegistrationSubject, UndoneMerge};
use annuaire_workflow::messages::MessageCode;
use world::{DAY, NATIONAL, NEIGHBOUR, SITE, World, refused, trace};

const REASON: &str = "Deux pièces d'identité vues";

async fn arbiter(w: &World) -> ArbiterSession {
    w.registration.arbiter_session(NATIONAL, "doublons", trace()).await.unwrap()
}

/// Two persons who are alike, in two structures: the second was declared distinct by a request that is then forgotten, as if the two
/// had come in by files.
async fn alike(w: &World) -> (String, String) {
    let (by, neighbour) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    let (_, one) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let at = w.validated(&neighbour, "990000028", "Marie-Aline", "aline").await;
    w.process().await;
    w.registration.distinct_persons(&arbiter(w).await, &at.number, REASON).await.unwrap();
    w.process().await;
    let other = w.registration.open_sheet(&neighbour, &at.number).await.unwrap().rpps.unwrap();
    (one, other)
}

async fn forget_distinct(w: &World) {
    forget(w, "distinct-pair").await;
}

async fn forget_pairs(w: &World) {
    forget(w, "duplicate-pair").await;
}

async fn forget(w: &World, kind: &str) {
    use annuaire_store::identity::IdentityWrite;
    let rows = w.registry.identity_rows(kind, None, "", 9).await.unwrap();
    let mut unit = w.registry.begin().await.unwrap();
    for row in rows {
        let remove = IdentityWrite::Remove { kind: row.kind, key: row.key, version: row.version };
        unit.write_identity(&remove).await.unwrap();
    }
    let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
    let now = w.clock.load(std::sync::atomic::Ordering::SeqCst);
    unit.save(&cause, annuaire_store::CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
}

#[tokio::test]
async fn pairs_are_found_once_and_distinct_ones_never_again() {
    let w = World::new().await;
    let (one, other) = alike(&w).await;
    let (r, arbiter) = (&w.registration, arbiter(&w).await);
    let run = r.run_duplicates(&w.system).await.unwrap();
    assert!(run.found == 0 && run.compared > 0, "an arbiter said so: {run:?}");
    // Each night once, whenever the program looks, and in another process not again.
    assert_eq!(r.run_nightly_duplicates(&w.system).await.unwrap().map(|run| run.found), Some(0));
    assert_eq!(r.run_nightly_duplicates(&w.system).await.unwrap(), None);
    forget_distinct(&w).await;
    let (restarted, system) = w.another_node();
    assert_eq!(restarted.run_nightly_duplicates(&system).await.unwrap(), None);
    w.pass(3 * DAY);
    assert_eq!(restarted.run_nightly_duplicates(&system).await.unwrap().map(|run| run.found), Some(1));
    forget_pairs(&w).await;
    assert_eq!(r.run_duplicates(&w.system).await.unwrap().found, 1);
    assert_eq!(r.run_duplicates(&w.system).await.unwrap().found, 0, "once");
    let pairs = r.duplicate_pairs(&arbiter, None).await.unwrap();
    assert_eq!(pairs.len(), 1);
    let mut numbers = [pairs[0].first.clone(), pairs[0].second.clone()];
    numbers.sort();
    let mut expected = [one.clone(), other.clone()];
    expected.sort();
    assert_eq!((numbers, pairs[0].score), (expected, 89));
    assert_eq!(r.duplicate_pairs(&arbiter, Some(&pairs[0])).await.unwrap(), []);
    let sheet = r.duplicate_sheet(&arbiter, &one, &other).await.unwrap();
    assert_eq!((sheet.score.total, sheet.survivor.as_str()), (89, one.as_str()), "the older number stays");
    assert_eq!((&sheet.first.prenoms[0][..], &sheet.second.prenoms[0][..]), ("Marie-Alice", "Marie-Aline"));
    assert_eq!(refused(r.declare_distinct(&arbiter, &one, &other, "court").await).code, MessageCode::EGen03);
    assert_eq!(refused(r.declare_distinct(&arbiter, &one, &one, REASON).await).code, MessageCode::ERpps01);
    r.declare_distinct(&arbiter, &other, &one, REASON).await.unwrap();
    assert_eq!(r.duplicate_pairs(&arbiter, None).await.unwrap(), []);
    assert_eq!(r.run_duplicates(&w.system).await.unwrap().found, 0);
}

#[tokio::test]
async fn a_person_whose_facts_cannot_be_merged_hides_no_other_pair() {
    let w = World::new().await;
    let (one, other) = alike(&w).await;
    forget_distinct(&w).await;
    // Born on that day too: one key leads to the three.
    let (_, third) = w.registered(&w.manager(SITE).await, "990000010", "Sophie", "sophie").await;
    w.state_nonsense_of(&format!("8{third}")).await;
    let run = w.registration.run_duplicates(&w.system).await.unwrap();
    assert!(run.found == 1 && run.faulty > 0, "{run:?}");
    let pairs = w.registration.duplicate_pairs(&arbiter(&w).await, None).await.unwrap();
    assert!([&pairs[0].first, &pairs[0].second].iter().all(|number| [&one, &other].contains(number)), "{pairs:?}");
}

#[tokio::test]
async fn merged_numbers_lead_to_the_survivor() {
    let w = World::new().await;
    let (one, other) = alike(&w).await;
    forget_distinct(&w).await;
    let (r, arbiter) = (&w.registration, arbiter(&w).await);
    r.run_duplicates(&w.system).await.unwrap();
    w.mails().await;
    assert_eq!(refused(r.merge_persons(&arbiter, &one, &other, "court").await).code, MessageCode::EGen03);
    assert_eq!(refused(r.merge_persons(&arbiter, &other, &one, REASON).await).code, MessageCode::EGen02, "the older stays");
    assert_eq!(refused(r.merge_persons(&arbiter, &one, &one, REASON).await).code, MessageCode::ERpps01);
    let neighbour = w.manager(NEIGHBOUR).await;
    let open =
        r.create_request(&neighbour, "990000028", &RegistrationSubject::NewActivity { rpps: other.clone() }).await.unwrap();
    let waits = refused(r.merge_persons(&arbiter, &one, &other, REASON).await);
    assert!(waits.code == MessageCode::EReq01 && waits.text.contains(&open.number), "{}", waits.text);
    r.abandon(&neighbour, &open.number, true).await.unwrap();
    let (rep, alias) = (w.representative().await, format!("8{other}"));
    r.designate_manager(&rep, &world::site("990000010"), &alias, ManagerTerms::default()).await.unwrap();
    w.manager(&alias).await;
    w.mails().await;
    let done = r.merge_persons(&arbiter, &one, &other, REASON).await.unwrap();
    assert_eq!(refused(r.manager_session(&alias, trace()).await).code, MessageCode::M01, "rights of an alias end");
    assert_eq!((done.kept.as_str(), done.alias.as_str()), (one.as_str(), other.as_str()));
    assert_eq!((done.moved, done.still_stated_by), (2, Vec::<String>::new()));
    let public = w.public(&one).await;
    let mut places: Vec<&str> = public.exercices.iter().flat_map(|e| e.situations.iter().map(|s| s.structure.as_str())).collect();
    places.sort_unstable();
    assert_eq!(places, ["F990000010", "F990000028"]);
    assert!(w.merged(&other, Perimeter::Public).await.is_none() && w.facts(&other).await.is_empty());
    let restricted = w.restricted(&one).await;
    assert_eq!(restricted.identifiants_alternatifs[0].id_nat_ps, format!("8{other}"));
    assert_eq!(restricted.etat_civil.unwrap().prenoms, ["Marie-Alice"]);
    assert_eq!(restricted.correspondance.unwrap().courriel, "alice@personne.example");
    assert_eq!(r.surviving_number(&other).await.unwrap().as_deref(), Some(one.as_str()));
    assert_eq!(r.surviving_number(&one).await.unwrap(), None);
    let PersonSearch::Found(found) = r.find_person(&neighbour, &PersonQuery::Number(other.clone())).await.unwrap() else {
        panic!("nobody")
    };
    assert!(found.rpps == one && found.inside.is_some());
    assert_eq!(refused(r.holder_session(&format!("8{other}"), trace()).await).code, MessageCode::M01);
    assert_eq!(r.means_withheld(&format!("8{other}")).await.unwrap().as_deref(), Some("fusion"));
    let support = r.support_session(NATIONAL, "essai", trace()).await.unwrap();
    assert_eq!(refused(r.lift_withheld(&support, &other, "Vérifié par téléphone").await).code, MessageCode::EReq06);
    let mails = w.mails().await;
    for to in ["alice@personne.example", "aline@personne.example", "site@gestion.example", "voisine@gestion.example"] {
        let told = mails.iter().find(|mail| mail.0 == to && mail.1.contains("rapprochement")).unwrap();
        assert!(told.2.contains(&one) && told.2.contains(&other), "{told:?}");
    }
    assert_eq!(r.duplicate_pairs(&arbiter, None).await.unwrap(), []);
    assert_eq!(r.run_duplicates(&w.system).await.unwrap().found, 0);
    assert_eq!(refused(r.merge_persons(&arbiter, &one, &other, REASON).await).code, MessageCode::ERpps01);
    assert!(w.registry.verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_merge_is_undone_by_its_arbiter_within_thirty_days() {
    let w = World::new().await;
    let (one, other) = alike(&w).await;
    let (r, arbiter) = (&w.registration, arbiter(&w).await);
    let (before_one, before_other) = (w.restricted(&one).await, w.restricted(&other).await);
    assert_eq!(refused(r.undo_merge(&arbiter, &other, REASON).await).code, MessageCode::ERpps01, "it is no alias");
    r.merge_persons(&arbiter, &one, &other, REASON).await.unwrap();
    w.pass(30 * DAY);
    assert_eq!(refused(r.undo_merge(&arbiter, &other, "court").await).code, MessageCode::EGen03);
    w.mails().await;
    r.undo_merge(&arbiter, &other, REASON).await.unwrap();
    assert_eq!((w.restricted(&one).await, w.restricted(&other).await), (before_one, before_other));
    assert_eq!(w.public(&other).await.exercices[0].situations.len(), 1);
    assert_eq!(r.surviving_number(&other).await.unwrap(), None);
    assert!(w.mails().await.iter().any(|mail| mail.0 == "aline@personne.example" && mail.2.contains("annulé")));
    assert_eq!(r.run_duplicates(&w.system).await.unwrap().found, 0, "they were arbitrated");
    // Support gives the means back, which the merge withheld.
    let support = r.support_session(NATIONAL, "essai", trace()).await.unwrap();
    r.lift_withheld(&support, &other, "Rapprochement annulé").await.unwrap();
}

#[tokio::test]
async fn a_wrong_merge_is_undone_later_by_two_arbiters() {
    let w = World::new().await;
    let (one, other) = alike(&w).await;
    let (r, first) = (&w.registration, arbiter(&w).await);
    let second = r.arbiter_session(world::SECOND_ARBITER, "essai", trace()).await.unwrap();
    let (before_one, before_other) = (w.restricted(&one).await, w.restricted(&other).await);
    r.merge_persons(&first, &one, &other, REASON).await.unwrap();
    w.pass(31 * DAY);
    assert_eq!(refused(r.undo_merge(&first, &other, "court").await).code, MessageCode::EGen03);
    assert_eq!(r.merges_to_undo(&second).await.unwrap(), []);
    assert_eq!(r.undo_merge(&first, &other, REASON).await.unwrap(), UndoneMerge::Proposed);
    assert!(r.surviving_number(&other).await.unwrap().is_some(), "nothing is undone yet");
    assert_eq!(refused(r.undo_merge(&first, &other, REASON).await).code, MessageCode::EReq06, "nobody confirms themselves");
    assert!(r.merges_to_undo(&first).await.unwrap()[0].is_own);
    let waits = r.merges_to_undo(&second).await.unwrap();
    assert_eq!((waits[0].alias.as_str(), waits[0].kept.as_str(), waits[0].is_own), (other.as_str(), one.as_str(), false));
    assert_eq!(r.undo_merge(&second, &other, REASON).await.unwrap(), UndoneMerge::Undone);
    assert_eq!((w.restricted(&one).await, w.restricted(&other).await), (before_one, before_other));
    assert_eq!(r.merges_to_undo(&second).await.unwrap(), []);
    assert!(w.registry.verify().await.unwrap().is_empty());
}
