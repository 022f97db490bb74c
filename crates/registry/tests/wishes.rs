//! « Ma profession n'est pas dans la liste » (registration §3.3): who may ask, who answers, who is told.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_workflow::messages::MessageCode;
use world::{COLLEAGUE, NATIONAL, SITE, World, refused, trace};

#[tokio::test]
async fn a_wish_is_answered_to_its_author_alone() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    assert_eq!(refused(r.terminology_session(SITE, trace()).await).code, MessageCode::M01);
    let nom = r.terminology_session(NATIONAL, trace()).await.unwrap();
    let first = r.wish_profession(&by, " Musicothérapeute ", 3, "Équipe de soins palliatifs").await.unwrap();
    w.pass(1_000);
    let second = r.wish_profession(&w.manager(COLLEAGUE).await, "Art-thérapeute", 1, "Atelier").await.unwrap();
    let row = w.registry.identity_row("profession-wish", &first).await.unwrap().unwrap();
    assert!(!row.content.contains("Musico") && !row.content.contains("palliatifs"), "what was typed is sealed");
    let waiting = r.profession_wishes(&nom).await.unwrap();
    assert_eq!(waiting.iter().map(|wish| wish.key.as_str()).collect::<Vec<_>>(), [first.as_str(), second.as_str()]);
    let wish = &waiting[0];
    assert_eq!((wish.text.as_str(), wish.persons, wish.usage.as_str()), ("Musicothérapeute", 3, "Équipe de soins palliatifs"));
    assert_eq!((wish.author.as_str(), wish.answer.as_deref()), (SITE, None));
    for key in [second.as_str(), "x"] {
        let answer = if key == "x" { "une réponse" } else { "  " };
        let code = if key == "x" { MessageCode::EGen02 } else { MessageCode::EGen01 };
        assert_eq!(refused(r.answer_wish(&nom, key, answer).await).code, code);
    }
    r.answer_wish(&nom, &first, "Le code 345 convient.").await.unwrap();
    let all = r.profession_wishes(&nom).await.unwrap();
    assert_eq!((all[0].key.as_str(), all[1].answer.as_deref()), (second.as_str(), Some("Le code 345 convient.")));
    let own = r.own_profession_wishes(&by).await.unwrap();
    assert_eq!((own.len(), own[0].answer.as_deref()), (1, Some("Le code 345 convient.")));
    let told = r.manager_inbox(&by).await.unwrap();
    let answer = told.iter().find(|message| message.notice == "G02").unwrap();
    assert!(answer.body.contains("Musicothérapeute") && answer.body.contains("Le code 345 convient."));
    let other = r.manager_inbox(&w.manager(COLLEAGUE).await).await.unwrap();
    assert!(other.iter().all(|message| message.notice != "G02"));
}

#[tokio::test]
async fn a_wish_says_what_for_and_does_not_grow_without_end() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    assert_eq!(refused(r.wish_profession(&by, "", 1, "usage").await).code, MessageCode::EGen01);
    assert_eq!(refused(r.wish_profession(&by, "profession", 1, " ").await).code, MessageCode::EGen01);
    assert_eq!(refused(r.wish_profession(&by, "profession", 0, "usage").await).code, MessageCode::EGen01);
    assert_eq!(refused(r.wish_profession(&by, &"x".repeat(81), 1, "usage").await).code, MessageCode::EGen03);
    assert_eq!(refused(r.wish_profession(&by, "profession", 1, &"x".repeat(501)).await).code, MessageCode::EGen03);
    for n in 0..20 {
        r.wish_profession(&by, &format!("profession {n}"), 1, "usage").await.unwrap();
    }
    let full = refused(r.wish_profession(&by, "profession", 1, "usage").await);
    assert!(full.code == MessageCode::ENom01 && full.text.contains("20 demandes"), "{}", full.text);
    let nom = r.terminology_session(NATIONAL, trace()).await.unwrap();
    let key = r.profession_wishes(&nom).await.unwrap()[0].key.clone();
    r.answer_wish(&nom, &key, "non").await.unwrap();
    assert!(r.wish_profession(&by, "profession", 1, "usage").await.is_ok(), "an answer makes place");
}
