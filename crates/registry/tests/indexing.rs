//! Persons of files become findable as the log is followed.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_base::Tx;
use annuaire_registry::{FoundPerson, PersonQuery, PersonSearch, Registration, SystemActor, limits};
use annuaire_workflow::fields::CivilDraft;
use std::time::Instant;
use world::{SITE, World, person, trace};

/// Follows the log to its end; how many persons were looked at, and in how many steps.
async fn indexed(registration: &Registration, system: &SystemActor) -> (u64, u64) {
    let (mut persons, mut steps) = (0, 0);
    loop {
        let run = registration.index_next(system).await.unwrap();
        assert!(run.persons <= 2 * u64::from(limits::INDEXED_PERSONS));
        persons += run.persons;
        steps += 1;
        if !run.is_behind {
            return (persons, steps);
        }
    }
}

async fn found(registration: &Registration, given: &str) -> Option<FoundPerson> {
    let manager = registration.manager_session(SITE, trace()).await.unwrap();
    let draft = CivilDraft {
        civilite: "MME".into(),
        sexe: "F".into(),
        nom_famille: "Gestion".into(),
        prenom1: given.into(),
        date_naissance: "03/02/1980".into(),
        pays_naissance: "France".into(),
        commune_naissance: "35238".into(),
        ..Default::default()
    };
    match registration.find_person(&manager, &PersonQuery::Identity(Box::new(draft))).await.unwrap() {
        PersonSearch::Found(person) => Some(*person),
        PersonSearch::Nobody => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_log_is_followed_once_whoever_follows_and_goes_on_after_a_restart() {
    let w = World::new().await;
    assert_eq!(found(&w.registration, "Siege").await, None, "nobody indexed them yet");
    let (persons, _) = indexed(&w.registration, &w.system).await;
    assert_eq!(persons, 6, "the people of the world");
    assert_eq!(found(&w.registration, "Siege").await.map(|p| p.rpps), Some("99900000045".into()));
    let (restarted, system) = w.another_node();
    assert_eq!(indexed(&restarted, &system).await, (0, 1), "the note kept the place");
    w.state_person(person("810999000309", "NOUVELLE")).await;
    assert_eq!(indexed(&restarted, &system).await, (1, 1));
    assert_eq!(found(&w.registration, "Nouvelle").await.map(|p| p.rpps), Some("10999000309".into()));
}

#[tokio::test]
async fn a_transaction_of_many_persons_is_followed_in_bounded_units() {
    let w = World::new().await;
    indexed(&w.registration, &w.system).await;
    let many = u64::from(limits::INDEXED_PERSONS) * 2 + 7;
    let all = (0..many).map(|n| person(&format!("8109990{n:05}"), &given(n))).collect();
    w.state_persons(all).await;
    let first = w.registration.index_next(&w.system).await.unwrap();
    assert_eq!((first.persons, first.is_behind), (u64::from(limits::INDEXED_PERSONS), true));
    assert!(found(&w.registration, &given(0)).await.is_some());
    assert!(found(&w.registration, &given(many - 1)).await.is_none());
    // The process dies here: another one goes on in the middle of the transaction.
    let (restarted, system) = w.another_node();
    let (persons, steps) = indexed(&restarted, &system).await;
    assert_eq!((persons, steps), (many - u64::from(limits::INDEXED_PERSONS), 2));
    assert!(found(&w.registration, &given(many - 1)).await.is_some());
    assert_eq!(restarted.index_next(&system).await.unwrap().indexed, w.registry.last_tx().await.unwrap());
    assert_ne!(w.registry.last_tx().await.unwrap(), Tx::NONE);
}

/// A given name of letters for a number.
fn given(n: u64) -> String {
    let letters: String = format!("{n:04}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    format!("Essai{letters}")
}

/// What the catching-up of a country costs: `cargo test -p annuaire-registry --release --test indexing -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
async fn measure_twenty_thousand_persons() {
    let w = World::new().await;
    let all = (0..20_000).map(|n| person(&format!("8109990{n:05}"), &given(n))).collect();
    w.state_persons(all).await;
    let begun = Instant::now();
    let (persons, steps) = indexed(&w.registration, &w.system).await;
    println!("{persons} persons in {steps} units: {:?}", begun.elapsed());
}
