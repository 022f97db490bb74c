//! Feeds of orders and regional agencies (registration §16.3), on the registry that the suite runs on.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_mos::owner::Owner;
use annuaire_registry::{FeedPhase, FeedSender, ListedFeed};
use annuaire_workflow::feed::FeedHold;
use annuaire_workflow::messages::MessageCode;
use serde_json::{Value, json};
use world::{DAY, HEAD, NATIONAL, SITE, World, refused, trace};

const REASON: &str = "Rentrée de la promotion vérifiée";

async fn order(w: &World) -> FeedSender {
    FeedSender::agent(&w.registration.authority_session(NATIONAL, trace()).await.unwrap())
}

async fn agency(w: &World) -> FeedSender {
    FeedSender::agent(&w.registration.authority_session(HEAD, trace()).await.unwrap())
}

/// A name that no other number gives, made of syllables that differ.
fn name(n: usize) -> String {
    let syllable = |n: usize| ["BA", "KEU", "LIN", "DOZ", "FU", "GRI", "PLO", "TEX", "VOU", "ZY"][n % 10];
    format!("{}{}{}", syllable(n), syllable(n / 10 + 3), syllable(n * 7 + 5))
}

/// A doctor of the order's population, as it sends them.
fn doctor(n: usize, version: u64) -> Value {
    json!({
        "sourceId": format!("M-{n}"), "version": version, "operation": "upsert",
        "person": {
            "civility": "MME", "familyName": name(n), "givenNames": [format!("{}e", name(n + 37))], "sex": "F",
            "birthDate": format!("19{}-{:02}-{:02}", 50 + n % 40, 1 + n % 12, 1 + n % 28), "birthCommune": "35238",
        },
        "exercises": [{
            "profession": "10", "category": "C", "familyName": name(n), "givenName": "Essai", "validFrom": "2020-01-01",
            "qualifications": [{"type": "S", "code": "SM54"}],
            "registrations": [{"department": "35", "validFrom": "2020-01-01"}],
            "situations": [{"sourceId": "S-1", "structure": "990000010", "mode": "S", "validFrom": "2020-01-01"}],
        }],
    })
}

fn file(lines: &[Value]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

/// Applies what waits for nobody.
async fn run(w: &World) {
    let done = w.registration.run_feeds(&w.system).await.unwrap();
    assert_eq!(done.failed, 0, "{:?}", w.registry.jobs(annuaire_store::Queue::Work, 9).await.unwrap());
}

async fn send(w: &World, by: &FeedSender, full: bool, lines: &[Value]) -> ListedFeed {
    // Batches of one millisecond have no order.
    w.pass(1_000);
    let sent = w.registration.receive_feed(by, full, "flux.jsonl", &file(lines)).await.unwrap();
    run(w).await;
    w.registration.feed(by, &sent.id).await.unwrap()
}

async fn answers(w: &World, by: &FeedSender, feed: &ListedFeed) -> Vec<Value> {
    let text = w.registration.feed_acknowledgement(by, &feed.id).await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The population of the order: a full set, which needs nobody.
async fn population(w: &World, by: &FeedSender, count: usize) -> Vec<String> {
    let lines: Vec<Value> = (0..count).map(|n| doctor(n, 1)).collect();
    let sent = send(w, by, true, &lines).await;
    assert_eq!(
        (sent.phase, sent.created, sent.rejected),
        (FeedPhase::Applied, count as u64, 0),
        "{:?}",
        answers(w, by, &sent).await
    );
    answers(w, by, &sent).await.iter().map(|answer| answer["rpps"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn acceptance_a30_a_delta_that_changes_eight_percent_waits_for_a_human() {
    let w = World::new().await;
    let by = order(&w).await;
    let numbers = population(&w, &by, 25).await;
    assert_eq!(w.public(&numbers[0]).await.exercices[0].savoir_faire.len(), 1);
    let before = w.registry.last_tx().await.unwrap();
    let changed: Vec<Value> = (0..2)
        .map(|n| {
            let mut line = doctor(n, 2);
            line["exercises"][0]["familyName"] = json!("AUTREMENT");
            line
        })
        .collect();
    let held = send(&w, &by, false, &changed).await;
    assert_eq!((held.phase, held.hold, held.changed, held.population), (FeedPhase::Held, Some(FeedHold::Changes), 2, 25));
    assert_eq!(w.registry.last_tx().await.unwrap(), before, "nothing is published");
    assert_eq!(answers(&w, &by, &held).await, Vec::<Value>::new());
    assert_eq!(refused(w.registration.decide_feed(&by, &held.id, true, "court").await).code, MessageCode::EGen03);
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    let applied = w.registration.feed(&by, &held.id).await.unwrap();
    assert_eq!((applied.phase, applied.accepted, applied.decided_by.as_str()), (FeedPhase::Applied, 2, NATIONAL));
    for number in &numbers[..2] {
        assert_eq!(w.public(number).await.exercices[0].nom_exercice, "AUTREMENT");
    }
    assert_eq!(w.registry.last_tx().await.unwrap().get(), before.get() + 2, "each person is a transaction");
    let cause = w.registry.transactions(before, 1).await.unwrap().remove(0).cause;
    assert_eq!((cause.authority.as_deref(), cause.actor.as_str()), (Some("CNOM"), NATIONAL));
    // One person of 25 is four percent.
    let mut small = doctor(3, 2);
    small["exercises"][0]["familyName"] = json!("AUTREMENT");
    assert_eq!(send(&w, &by, false, &[small]).await.phase, FeedPhase::Applied);
}

#[tokio::test]
async fn a_batch_that_is_rejected_changes_nothing_and_is_decided_once() {
    let w = World::new().await;
    let by = order(&w).await;
    population(&w, &by, 5).await;
    let before = w.registry.last_tx().await.unwrap();
    let held = send(&w, &by, false, &[doctor(7, 1)]).await;
    assert_eq!((held.phase, held.created), (FeedPhase::Held, 1));
    assert_eq!(refused(w.registration.decide_feed(&agency(&w).await, &held.id, true, REASON).await).code, MessageCode::EGen02);
    w.registration.decide_feed(&by, &held.id, false, REASON).await.unwrap();
    run(&w).await;
    assert_eq!(w.registration.feed(&by, &held.id).await.unwrap().phase, FeedPhase::Rejected);
    assert_eq!(w.registry.last_tx().await.unwrap(), before);
    assert_eq!(refused(w.registration.decide_feed(&by, &held.id, true, REASON).await).code, MessageCode::EReq06);
    assert_eq!(w.registration.feeds(&agency(&w).await).await.unwrap(), []);
    assert!(w.registration.authority_session(SITE, trace()).await.is_err());
}

#[tokio::test]
async fn repeated_and_older_lines_have_no_effect() {
    let w = World::new().await;
    let by = order(&w).await;
    let numbers = population(&w, &by, 21).await;
    let mut newer = doctor(0, 5);
    newer["exercises"][0]["familyName"] = json!("NEUF");
    // Within a batch the lines of a source follow their versions.
    let mut between = doctor(0, 4);
    between["exercises"][0]["familyName"] = json!("ENTRE");
    let first = send(&w, &by, false, &[newer.clone(), between.clone()]).await;
    assert_eq!((first.phase, first.accepted), (FeedPhase::Applied, 2));
    assert_eq!(w.public(&numbers[0]).await.exercices[0].nom_exercice, "NEUF");
    let before = w.registry.last_tx().await.unwrap();
    let again = send(&w, &by, false, &[newer.clone()]).await;
    assert_eq!((again.changed, again.unchanged, again.accepted), (0, 1, 1));
    let older = send(&w, &by, false, &[between]).await;
    let answer = &answers(&w, &by, &older).await[0];
    assert_eq!((answer["result"].as_str(), answer["code"].as_str()), (Some("accepted-with-warning"), Some("older-version")));
    newer["exercises"][0]["familyName"] = json!("CONTRAIRE");
    let contrary = send(&w, &by, false, &[newer]).await;
    assert_eq!(answers(&w, &by, &contrary).await[0]["code"], "same-version");
    assert_eq!(w.registry.last_tx().await.unwrap(), before, "no transaction of the log");
}

#[tokio::test]
async fn a_wrong_line_is_named_and_stops_nobody() {
    let w = World::new().await;
    let by = order(&w).await;
    let numbers = population(&w, &by, 4).await;
    let damaged = |path: &str, value: Value| {
        let mut line = doctor(1, 2);
        *line.pointer_mut(path).unwrap() = value;
        line
    };
    let mut misspelt = doctor(0, 2);
    misspelt["exercises"][0]["situatons"] = json!([]);
    let mut unknown = doctor(9, 1);
    unknown["rpps"] = json!("99900000110");
    let lines = [
        misspelt,
        damaged("/exercises/0/validFrom", json!("2020-02-30")),
        damaged("/version", json!("2")),
        damaged("/exercises/0/profession", json!("60")),
        damaged("/exercises/0/situations/0/structure", json!("990000999")),
        unknown,
        json!({"sourceId": "M-2", "version": 2, "operation": "close"}),
        json!({"sourceId": "M-77", "version": 2, "operation": "close", "validTo": "2026-11-01"}),
        doctor(3, 1),
    ];
    let sent = send(&w, &by, true, &lines).await;
    let told: Vec<(u64, String, String)> = answers(&w, &by, &sent)
        .await
        .iter()
        .map(|a| {
            (a["line"].as_u64().unwrap(), a["code"].as_str().unwrap_or("-").into(), a["field"].as_str().unwrap_or("").into())
        })
        .collect();
    let expected = [
        (1, "unknown-member", "exercises[0].situatons"),
        (2, "wrong-date", "exercises[0].validFrom"),
        (3, "wrong-type", "version"),
        (4, "foreign-profession", "exercises[0].profession"),
        (5, "unknown-structure", "exercises[0].situations[0].structure"),
        (6, "unknown-rpps", "rpps"),
        (7, "missing-member", "validTo"),
        (8, "unknown-source", "sourceId"),
        (9, "-", ""),
    ];
    let expected: Vec<(u64, String, String)> = expected.iter().map(|(n, c, f)| (*n, (*c).into(), (*f).into())).collect();
    assert_eq!(told, expected);
    assert_eq!(answers(&w, &by, &sent).await[0]["near"], "situations");
    assert_eq!((sent.phase, sent.rejected, sent.left_out), (FeedPhase::Applied, 8, 0));
    for number in &numbers {
        assert_eq!(w.public(number).await.exercices.len(), 1, "a wrong line removes nobody, not even from a full set");
    }
    // A line that names nobody: nothing ends by absence.
    let mut bytes = file(&[doctor(0, 1)]);
    bytes.extend_from_slice(b"{\"sourceId\": \"M-1\", \n");
    w.pass(1_000);
    let cut = w.registration.receive_feed(&by, true, "coupé.jsonl", &bytes).await.unwrap();
    run(&w).await;
    let cut = w.registration.feed(&by, &cut.id).await.unwrap();
    assert_eq!((cut.phase, cut.keeps_absent, cut.removed, cut.left_out), (FeedPhase::Applied, true, 0, 0));
    assert_eq!(answers(&w, &by, &cut).await[1]["code"], "not-json");
}

#[tokio::test]
async fn a_full_set_that_leaves_out_two_percent_waits_and_ends_them_when_applied() {
    let w = World::new().await;
    let by = order(&w).await;
    let numbers = population(&w, &by, 50).await;
    let lines: Vec<Value> = (1..50).map(|n| doctor(n, 1)).collect();
    let held = send(&w, &by, true, &lines).await;
    assert_eq!((held.phase, held.hold, held.removed), (FeedPhase::Held, Some(FeedHold::Removals), 1));
    assert_eq!(w.public(&numbers[0]).await.exercices.len(), 1);
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    let applied = w.registration.feed(&by, &held.id).await.unwrap();
    assert_eq!((applied.phase, applied.left_out), (FeedPhase::Applied, 1));
    let gone = w.restricted(&numbers[0]).await;
    assert_eq!(gone.exercices[0].date_fin_effet_exercice, "2026-11-25", "the day before the set came");
    assert_eq!(gone.exercices[0].situations[0].date_fin, "2026-11-25");
    assert_eq!(w.public(&numbers[0]).await.exercices.len(), 0);
    // A set that brings the person back counts, with the version of before.
    let mut all = lines;
    all.push(doctor(0, 1));
    let back = send(&w, &by, true, &all).await;
    assert_eq!((back.phase, back.created, back.rejected), (FeedPhase::Applied, 1, 0));
    assert_eq!(w.public(&numbers[0]).await.exercices[0].situations.len(), 1);
}

#[tokio::test]
async fn each_authority_changes_what_is_its_own() {
    let w = World::new().await;
    let manager = w.manager(SITE).await;
    let (_, rpps) = w.registered(&manager, "990000010", "Camille", "camille").await;
    let (by, ars) = (order(&w).await, agency(&w).await);
    let civil = |family: &str| json!({"familyName": family, "givenNames": ["Camille"], "sex": "F", "birthDate": "1991-05-07", "birthCommune": "97128"});
    let line = |source: &str, profession: &str, family: &str, version: u64| {
        json!({
            "sourceId": source, "version": version, "operation": "upsert", "rpps": rpps, "person": civil(family),
            "contact": {"email": "ordre@ordre.example"},
            "exercises": [{"profession": profession, "category": "C", "familyName": "FICTIF", "givenName": "Camille"}],
        })
    };
    w.mails().await;
    // The order is stronger than the structure that registered the person, and becomes the owner of the civil status.
    let sent = send(&w, &by, true, &[line("M-1", "10", "Essai", 1)]).await;
    assert_eq!((sent.accepted, sent.warned), (1, 0), "{:?}", answers(&w, &by, &sent).await);
    let person = w.restricted(&rpps).await;
    assert_eq!((person.exercices.len(), person.correspondance.unwrap().courriel.as_str()), (2, "ordre@ordre.example"));
    let trail = w.registry.audit_trail(0, 100_000).await.unwrap();
    assert!(trail.iter().any(|row| row.event.event == "inscription-flux-proprietaire"));
    // The person is told (N15), once: the next line of the order takes nothing over.
    let told = async || {
        let mails = w.mails().await.into_iter().filter(|(_, subject, _)| subject.contains("état civil"));
        mails.collect::<Vec<(String, String, String)>>()
    };
    let mails = told().await;
    assert_eq!(mails.iter().map(|(to, ..)| to.as_str()).collect::<Vec<_>>(), ["camille@personne.example"]);
    assert!(mails[0].2.contains("l'autorité qui répond de l'état civil, désormais"), "{}", mails[0].2);
    let inbox = w.registration.manager_inbox(&manager).await.unwrap();
    assert!(inbox.iter().any(|message| message.body.contains("désormais")), "the managers of the former owner");
    send(&w, &by, true, &[line("M-1", "10", "Essai", 2)]).await;
    assert!(told().await.is_empty());
    // The agency is weaker: its practice is taken, its civil status and contact are not.
    let sent = send(&w, &ars, true, &[line("P-1", "93", "Autrement", 1)]).await;
    let answer = &answers(&w, &ars, &sent).await[0];
    assert_eq!((answer["code"].as_str(), answer["field"].as_str()), (Some("owned-by-other"), Some("person")));
    let person = w.restricted(&rpps).await;
    assert_eq!(person.etat_civil.unwrap().nom_famille, "Essai");
    let professions: Vec<&str> = person.exercices.iter().map(|e| e.profession.as_str()).collect();
    assert!(professions.len() == 3 && professions.contains(&"93"), "{professions:?}");
    // The facts of the structure are as it wrote them.
    let facts = w.facts(&rpps).await;
    let of = |owner: &str| facts.iter().filter(|fact| fact.key.owner == owner).count();
    assert_eq!((of("ENREG:1990000010"), of("CNOM"), of("ARS-53")), (5, 4, 2));
    // Nor does an order cancel what others state.
    let cancel = json!({"sourceId": "M-1", "version": 3, "operation": "cancel"});
    let held = send(&w, &by, false, &[cancel]).await;
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    let facts = w.facts(&rpps).await;
    let of = |owner: &str| facts.iter().filter(|fact| fact.key.owner == owner).count();
    assert_eq!((of("ENREG:1990000010"), of("CNOM"), of("ARS-53")), (5, 0, 2));
    assert_eq!(Owner::authority("CNOM").unwrap().code, "CNOM");
}

#[tokio::test]
async fn identities_are_attached_when_certain_and_left_to_the_arbiter_when_probable() {
    let w = World::new().await;
    let manager = w.manager(SITE).await;
    let (_, rpps) = w.registered(&manager, "990000010", "Marie-Alice", "alice").await;
    let by = order(&w).await;
    let line = |source: &str, given: &str| {
        let mut line = doctor(0, 1);
        line["sourceId"] = json!(source);
        line["person"]["familyName"] = json!("Essai");
        line["person"]["givenNames"] = json!([given]);
        line["person"]["birthDate"] = json!("1991-05-07");
        line["person"]["birthCommune"] = json!("97128");
        line
    };
    let sent = send(&w, &by, true, &[line("A", "Marie-Alice"), line("B", "Marie-Aline"), doctor(1, 1)]).await;
    let told = answers(&w, &by, &sent).await;
    assert_eq!((told[0]["result"].as_str(), told[0]["rpps"].as_str()), (Some("accepted"), Some(rpps.as_str())), "{told:?}");
    assert_eq!((told[1]["code"].as_str(), told[1]["rpps"].as_str()), (Some("probable-identity"), None));
    let new = told[2]["rpps"].as_str().unwrap();
    assert!(new.starts_with("99912") && new != rpps);
    // A number that belongs to somebody else is refused.
    let mut wrong = doctor(2, 1);
    wrong["rpps"] = json!(rpps);
    let held = send(&w, &by, false, &[wrong]).await;
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    assert_eq!(answers(&w, &by, &held).await[0]["code"], "other-identity");
}

#[tokio::test]
async fn a_run_that_was_killed_goes_on_to_the_same_result() {
    let w = World::new().await;
    let by = order(&w).await;
    let lines: Vec<Value> = (0..120).map(|n| doctor(n, 1)).collect();
    let sent = w.registration.receive_feed(&by, true, "flux.jsonl", &file(&lines)).await.unwrap();
    // Killed again and again, in the middle of whatever it does.
    let mut kills = 0;
    for patience in 1.. {
        let (another, system) = w.another_node();
        let time = std::time::Duration::from_millis(20 * patience);
        if tokio::time::timeout(time, another.run_feeds(&system)).await.is_ok()
            && w.registration.feed(&by, &sent.id).await.unwrap().phase == FeedPhase::Applied
        {
            break;
        }
        kills += 1;
        // The job of a dead node comes back when its lease is over.
        w.pass(61_000);
    }
    assert!(kills > 0);
    let done = w.registration.feed(&by, &sent.id).await.unwrap();
    assert_eq!((done.accepted, done.warned, done.rejected), (120, 0, 0));
    let told = answers(&w, &by, &done).await;
    let mut numbers: Vec<&str> = told.iter().map(|answer| answer["rpps"].as_str().unwrap()).collect();
    assert_eq!(told.iter().map(|a| a["line"].as_u64().unwrap()).collect::<Vec<_>>(), (1..=120).collect::<Vec<u64>>());
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 120, "nobody has two numbers");
    // Sent once more, it says what is known.
    let again = send(&w, &by, true, &lines).await;
    assert_eq!((again.unchanged, again.accepted, again.created), (120, 120, 0));
}

#[tokio::test]
async fn situations_begin_and_end_on_their_days() {
    let w = World::new().await;
    let by = order(&w).await;
    let mut line = doctor(0, 1);
    line["exercises"][0]["situations"][0]["validTo"] = json!("2026-11-30");
    let mut planned = line["exercises"][0]["situations"][0].clone();
    planned["sourceId"] = json!("S-2");
    planned["structure"] = json!("990000028");
    planned["validFrom"] = json!("2026-12-01");
    planned.as_object_mut().unwrap().remove("validTo");
    line["exercises"][0]["situations"].as_array_mut().unwrap().push(planned);
    let sent = send(&w, &by, true, &[line]).await;
    let rpps = answers(&w, &by, &sent).await[0]["rpps"].as_str().unwrap().to_owned();
    let structures =
        async || -> Vec<String> { w.public(&rpps).await.exercices[0].situations.iter().map(|s| s.structure.clone()).collect() };
    assert_eq!(structures().await, ["F990000010"]);
    w.pass(5 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert_eq!(structures().await, ["F990000028"]);
    // The situation that stands is closed by a line, and a practice by another.
    let close = json!({
        "sourceId": "M-0", "version": 2, "operation": "upsert",
        "exercises": [{
            "profession": "10", "category": "C", "familyName": "X", "validFrom": "2020-01-01",
            "situations": [{"sourceId": "S-2", "operation": "close", "validTo": "2026-11-30"}],
        }],
    });
    let held = send(&w, &by, false, &[close]).await;
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    assert_eq!(structures().await, Vec::<String>::new());
    let end = json!({"sourceId": "M-0", "version": 3, "operation": "close", "validTo": "2026-11-30", "endReason": "RH"});
    let held = send(&w, &by, false, &[end]).await;
    w.registration.decide_feed(&by, &held.id, true, REASON).await.unwrap();
    run(&w).await;
    assert_eq!(w.public(&rpps).await.exercices.len(), 0);
}

#[tokio::test]
async fn nothing_of_a_batch_stands_in_clear_and_it_is_erased_after_thirty_days() {
    let w = World::new().await;
    let by = order(&w).await;
    let sent = send(&w, &by, false, &[doctor(0, 1)]).await;
    assert_eq!(sent.phase, FeedPhase::Held);
    for kind in ["feed-batch", "feed-page", "feed-source"] {
        for row in w.registry.identity_rows(kind, None, "", 100).await.unwrap() {
            for secret in [name(0).as_str(), "35238", "\"M-0", "flux.jsonl", "1950"] {
                assert!(!row.content.contains(secret), "{kind}: {secret}");
            }
        }
    }
    w.pass(31 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert_eq!(w.registration.feeds(&by).await.unwrap(), []);
    assert_eq!(w.registry.identity_rows("feed-page", None, "", 100).await.unwrap(), []);
}

/// The example of the documentation is taken as it stands, twice with one result.
#[tokio::test]
async fn the_example_of_the_documentation_is_accepted() {
    let page = include_str!("../../../docs/authority-feeds.md");
    let (_, rest) = page.split_once("```jsonl\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let w = World::new().await;
    let by = order(&w).await;
    let sent = w.registration.receive_feed(&by, true, "exemple.jsonl", example.as_bytes()).await.unwrap();
    run(&w).await;
    let sent = w.registration.feed(&by, &sent.id).await.unwrap();
    let told = answers(&w, &by, &sent).await;
    assert_eq!((sent.phase, sent.lines, sent.accepted), (FeedPhase::Applied, 2, 2), "{told:?}");
    // Every code of an acknowledgement is explained.
    for code in annuaire_workflow::feed::RecordCode::ALL {
        assert!(page.contains(&format!("| `{}` |", code.code())), "{code:?}");
    }
}
