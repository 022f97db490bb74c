//! The survey of new registrations (registration §15): one in a hundred is asked, and the answers are of nobody.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_workflow::day::{paris_day, plus_days};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request_number::RequestNumber;
use annuaire_workflow::reviews::is_surveyed;
use std::sync::atomic::Ordering;
use world::{COLLEAGUE, DAY, HEAD, NEIGHBOUR, SITE, World, refused};

/// The seed that the installation of these tests draws by, from its secret.
fn seed() -> String {
    let key = blake3::derive_key("annuaire 2026-11 hashed traits of registration", &[7; 32]);
    let mut hash = blake3::Hasher::new_keyed(&key);
    hash.update(&6_u64.to_be_bytes()).update(b"survey");
    hash.finalize().to_hex().to_string()
}

/// Lets days pass until the first request of a day is drawn, or is not.
async fn on_a_day(w: &World, drawn: bool) {
    let today = paris_day(w.clock.load(Ordering::SeqCst));
    let is_drawn = |days: &i64| {
        let day = plus_days(today, i32::try_from(*days).unwrap());
        is_surveyed(seed().as_bytes(), &RequestNumber::new(day, 1).to_string()) == drawn
    };
    let days = (0..380).find(is_drawn).expect("a day within the use of a habilitation");
    w.pass(days * DAY);
}

#[tokio::test]
async fn who_is_drawn_is_asked_a_week_later_and_answers_once() {
    let w = World::new().await;
    let r = &w.registration;
    on_a_day(&w, true).await;
    let (number, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Camille", "camille").await;
    assert!(is_surveyed(seed().as_bytes(), &number), "{number}");
    let who = w.holder(&rpps).await;
    let mails = async || {
        let all = w.mails().await.into_iter().filter(|(_, subject, _)| subject == "Votre avis sur votre enregistrement");
        all.map(|(to, _, text)| (to, text)).collect::<Vec<_>>()
    };
    assert!(mails().await.is_empty());
    assert_eq!(r.open_survey(&who).await.unwrap(), None);
    assert_eq!(refused(r.answer_survey(&who, true, true).await).code, MessageCode::EGen02, "not yet");
    w.pass(7 * DAY);
    let told = mails().await;
    assert!(told.len() == 1 && told[0].0 == "camille@personne.example" && !told[0].1.contains(&rpps), "{told:?}");
    let until = r.open_survey(&who).await.unwrap().expect("open");
    assert_eq!(until, plus_days(paris_day(w.clock.load(Ordering::SeqCst)), 30));
    for other in [SITE, COLLEAGUE, HEAD, NEIGHBOUR] {
        let other = w.holder(&other[1..]).await;
        assert_eq!(refused(r.answer_survey(&other, true, true).await).code, MessageCode::EGen02, "who is not asked");
    }
    r.answer_survey(&who, true, false).await.unwrap();
    assert_eq!(r.open_survey(&who).await.unwrap(), None);
    assert_eq!(refused(r.answer_survey(&who, true, true).await).code, MessageCode::EGen02, "once");
    // What is kept leads to nobody, and the trail does not say what was answered.
    assert!(w.registry.identity_row("survey", &format!("8{rpps}")).await.unwrap().is_none());
    let answers = w.registry.identity_rows("survey-answer", None, "", 10).await.unwrap();
    assert!(answers.len() == 1 && answers[0].subject.is_empty() && !answers[0].content.contains(&rpps));
    let trail = w.registry.audit_trail(0, 100_000).await.unwrap();
    let event = trail.iter().rfind(|row| row.event.event == "inscription-repondre-enquete").unwrap();
    assert!(!event.event.detail.contains("informed") && !event.event.detail.contains("exact"));
    w.pass(366 * DAY);
    r.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_rows("survey-answer", None, "", 10).await.unwrap().is_empty(), "counted for a year");
}

#[tokio::test]
async fn nobody_else_is_asked_and_silence_ends_it() {
    let w = World::new().await;
    on_a_day(&w, false).await;
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Camille", "camille").await;
    assert!(w.registry.identity_row("survey", &format!("8{rpps}")).await.unwrap().is_none());
    let w = World::new().await;
    on_a_day(&w, true).await;
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Camille", "camille").await;
    let key = format!("8{rpps}");
    w.pass(37 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.registration.open_survey(&w.holder(&rpps).await).await.unwrap().is_some(), "the last day");
    w.pass(DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_row("survey", &key).await.unwrap().is_none());
}
