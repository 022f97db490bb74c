//! Requests: who may answer what, how often, and who wins.

use crate::world::{CAMILLE, DOMINIQUE, FORMER, NOBODY, PIN, SECRET, START_MS, Told, World, ciba, order};
use annuaire_ecps::{
    AskRefusal, Asker, DecisionOutcome, DeviceChange, MeansState, PhoneRefusal, PromptOrder, PromptState, SignedIn, limits,
};

fn session(national_id: &str) -> SignedIn {
    SignedIn { national_id: national_id.into(), other_ids: Vec::new(), sid: "s".into(), by_card: false, login_ms: START_MS }
}

fn other(number: &str) -> &'static str {
    if number == "00" { "01" } else { "00" }
}

#[tokio::test]
async fn the_right_number_approves_and_the_approval_is_taken_once() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let answer = world.ask(CAMILLE).await;
    let [shown] = &world.waiting(&phone).await[..] else { panic!("one request waits") };
    assert_eq!((shown.client_name.as_str(), shown.origin.as_str()), ("Dossier patient Exemple", "Firefox, Linux, Metz"));
    assert!(shown.choices.contains(&answer.number) && shown.choices.len() == 3);
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Pending);
    assert_eq!(world.service.take(&answer.prompt_id).await.unwrap(), None);
    assert_eq!(phone.approve(&world.service, &answer.number).await.unwrap(), DecisionOutcome::Approved);
    let PromptState::Approved(approval) = world.service.state(&answer.prompt_id).await.unwrap() else { panic!("approved") };
    assert_eq!((approval.national_id.as_str(), &approval.means_id), (CAMILLE, &phone.means_id));
    assert_eq!((approval.amr.as_slice(), approval.auth_ms), (&["swk", "pin", "mfa"][..], world.now_ms()));
    let takers = (0..8).map(|_| {
        let (service, id) = (world.service.clone(), answer.prompt_id.clone());
        tokio::spawn(async move { service.take(&id).await.unwrap() })
    });
    let mut taken = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.extend(taker.await.unwrap());
    }
    assert_eq!(taken, [approval], "eight takers, one approval");
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Expired);
    assert_eq!(world.service.uses(&session(CAMILLE)).await.unwrap()[0].outcome, DecisionOutcome::Approved);
    assert_eq!(world.audits("ecps-approved").await, 1);
    // The holder is told of the first connection to an application, and of no other.
    world.wait(limits::ASK_WINDOW_MS);
    let answer = world.ask(CAMILLE).await;
    phone.approve(&world.service, &answer.number).await.unwrap();
    assert_eq!(world.kinds("camille@").await.iter().filter(|kind| *kind == "ecps-new-client").count(), 1);
}

#[tokio::test]
async fn a_wrong_number_refuses_at_once() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    assert_eq!(phone.approve(&world.service, other(&answer.number)).await.unwrap(), DecisionOutcome::WrongNumber);
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Refused);
    let call = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&call).await.refusal(), Some(PhoneRefusal::AlreadyAnswered));
    assert_eq!(world.service.take(&answer.prompt_id).await.unwrap(), None);
}

#[tokio::test]
async fn scenario_10_of_two_phones_one_wins_and_the_other_is_told() {
    let world = World::new().await;
    let phones = [world.phone(CAMILLE).await, world.phone(CAMILLE).await];
    for round in 0..4 {
        world.wait(limits::ASK_WINDOW_MS);
        let answer = world.ask(CAMILLE).await;
        let mut running = Vec::new();
        for phone in &phones {
            let prompt = world.waiting(phone).await.remove(0);
            let call = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
            let service = world.service.clone();
            running.push(tokio::spawn(async move { service.decide(&call).await }));
        }
        let mut said = Vec::new();
        for one in running {
            said.push(one.await.unwrap());
        }
        let won = said.iter().filter(|one| matches!(one, Ok(DecisionOutcome::Approved))).count();
        let told = said.iter().filter(|one| one.refusal() == Some(PhoneRefusal::AlreadyAnswered)).count();
        assert_eq!((won, told), (1, 1), "round {round}");
    }
    assert!(PhoneRefusal::AlreadyAnswered.french().starts_with("Déjà répondu"));
    assert_eq!(world.audits("ecps-approved").await, 4);
}

#[tokio::test]
async fn a_proof_covers_what_it_decides_and_is_used_once() {
    let world = World::new().await;
    let (phone, foreign) = (world.phone(CAMILLE).await, world.phone(DOMINIQUE).await);
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    let right = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    // A phone of somebody else, with its own proof or with the stolen one.
    let own = foreign.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&own).await.refusal(), Some(PhoneRefusal::UnknownPrompt));
    let mut stolen = right.clone();
    stolen.means_id.clone_from(&foreign.means_id);
    assert_eq!(world.service.decide(&stolen).await.refusal(), Some(PhoneRefusal::Proof("signature")));
    // Each part that is changed after the signature, or signed wrongly.
    let mut challenged = prompt.clone();
    challenged.challenge = "x".into();
    let mut of_other_client = prompt.clone();
    of_other_client.client_id = "other".into();
    let wrong = |prompt| phone.decision(world.now_ms(), prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&wrong(&challenged)).await.refusal(), Some(PhoneRefusal::Proof("challenge")));
    assert_eq!(world.service.decide(&wrong(&of_other_client)).await.refusal(), Some(PhoneRefusal::Proof("client_id")));
    let mut swapped = phone.decision(world.now_ms(), &prompt, "refuse", "").unwrap();
    swapped.decision = "approve".into();
    swapped.number.clone_from(&answer.number);
    swapped.pin = PIN.into();
    assert_eq!(world.service.decide(&swapped).await.refusal(), Some(PhoneRefusal::Proof("number")));
    let mut renumbered = phone.decision(world.now_ms(), &prompt, "approve", other(&answer.number)).unwrap();
    renumbered.number.clone_from(&answer.number);
    assert_eq!(world.service.decide(&renumbered).await.refusal(), Some(PhoneRefusal::Proof("number")));
    // An old proof, and a call of another kind.
    let old = phone.decision(world.now_ms() - limits::PROOF_LEEWAY_MS - 1_000, &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&old).await.refusal(), Some(PhoneRefusal::Proof("iat")));
    let mut listed = right.clone();
    listed.proof = phone.signed("ecps-list+jwt", world.now_ms(), serde_json::json!({"means_id": phone.means_id})).unwrap();
    assert_eq!(world.service.decide(&listed).await.refusal(), Some(PhoneRefusal::Proof("signature")));
    // None of them decided anything or cost an attempt at the PIN.
    assert_eq!(world.service.decide(&right).await.unwrap(), DecisionOutcome::Approved);
    assert_eq!(world.service.decide(&right).await.refusal(), Some(PhoneRefusal::AlreadyAnswered), "a replay");
    // The proof is of this request: it does not fit the next one.
    let next = world.ask(CAMILLE).await;
    let mut replayed = right;
    replayed.tx = world.waiting(&phone).await.remove(0).tx;
    assert_eq!(world.service.decide(&replayed).await.refusal(), Some(PhoneRefusal::Proof("tx")));
    assert_eq!(world.service.state(&next.prompt_id).await.unwrap(), PromptState::Pending);
}

#[tokio::test]
async fn a_request_ends_after_two_minutes_and_a_revoked_phone_answers_none() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let answer = world.ask(CAMILLE).await;
    assert_eq!(answer.expires_ms, world.now_ms() + 120_000);
    let prompt = world.waiting(&phone).await.remove(0);
    world.wait(limits::PROMPT_MS);
    let late = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&late).await.refusal(), Some(PhoneRefusal::PromptExpired));
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Expired);
    assert!(world.waiting(&phone).await.is_empty());
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::Revoke).await.unwrap();
    let revoked = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&revoked).await.refusal(), Some(PhoneRefusal::NotUsable(MeansState::Revoked)));
    // What can no longer be asked for goes.
    world.wait(limits::PROMPT_MS + limits::OUTCOME_MS + 1);
    world.service.run_due(world.now_ms()).await.unwrap();
    assert!(world.registry.identity_rows("prompt", None, "", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_fifth_wrong_pin_locks_whatever_comes_at_once() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    let right = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    let mut wrong = right.clone();
    wrong.pin = "000000".into();
    assert_eq!(world.service.decide(&wrong).await.refusal(), Some(PhoneRefusal::WrongPin(4)));
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Pending, "it still waits");
    let tries = (0..6).map(|_| {
        let (service, call) = (world.service.clone(), wrong.clone());
        tokio::spawn(async move { service.decide(&call).await.refusal() })
    });
    let mut said = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        said.push(one.await.unwrap());
    }
    let tried = said.iter().filter(|one| matches!(one, Some(PhoneRefusal::WrongPin(_)))).count();
    assert_eq!(tried, 3, "{said:?}");
    assert_eq!(world.service.decide(&right).await.refusal(), Some(PhoneRefusal::PinLocked));
    assert_eq!(world.service.devices(&session(CAMILLE)).await.unwrap()[0].state, MeansState::Locked);
    assert_eq!(world.ended.0.lock().unwrap().len(), 1);
    assert!(world.kinds("camille@").await.contains(&"ecps-locked".to_owned()));
    assert_eq!(world.audits("ecps-locked").await, 1);
}

#[tokio::test]
async fn a_right_pin_forgives_wrong_ones() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    for _ in 0..3 {
        world.wait(limits::ASK_WINDOW_MS);
        let answer = world.ask(CAMILLE).await;
        let prompt = world.waiting(&phone).await.remove(0);
        let right = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
        let mut wrong = right.clone();
        wrong.pin = String::new();
        for left in [4, 3] {
            assert_eq!(world.service.decide(&wrong).await.refusal(), Some(PhoneRefusal::WrongPin(left)));
        }
        assert_eq!(world.service.decide(&right).await.unwrap(), DecisionOutcome::Approved);
    }
}

#[tokio::test]
async fn an_unknown_person_is_answered_like_a_known_one() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let rows = async |id: &str| world.registry.identity_rows("prompt", Some(id), "", 10).await.unwrap().len();
    let asked = world.audits("ecps-asked").await;
    for (id, expected) in [(CAMILLE, 1), (NOBODY, 1), (DOMINIQUE, 1)] {
        let answer = world.ask(id).await;
        assert_eq!((answer.prompt_id.len(), answer.number.len(), answer.expires_ms), (43, 2, world.now_ms() + 120_000));
        assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Pending);
        assert_eq!(rows(id).await, expected);
    }
    assert_eq!(world.audits("ecps-asked").await, asked + 3);
    // A phone of Camille cannot answer for Nobody, and CIBA is told that nobody is there.
    let nobody = world.registry.identity_rows("prompt", Some(NOBODY), "", 10).await.unwrap().remove(0);
    let mut prompt = world.waiting(&phone).await.remove(0);
    prompt.tx = nobody.key;
    let call = phone.decision(world.now_ms(), &prompt, "approve", "42").unwrap();
    assert_eq!(world.service.decide(&call).await.refusal(), Some(PhoneRefusal::UnknownPrompt));
    for id in [NOBODY, DOMINIQUE] {
        assert!(matches!(world.service.ask_known(&ciba(id, "c", "42")).await, Err(AskRefusal::UnknownPerson)));
    }
    let answer = world.service.ask_known(&ciba(CAMILLE, "c", "42")).await.unwrap();
    assert_eq!(answer.number, "42");
    for number in ["4", "420", "4a", ""] {
        assert!(matches!(world.service.ask(&ciba(CAMILLE, "c", number)).await, Err(AskRefusal::Number)));
    }
    assert!(matches!(world.service.ask(&order("' --")).await, Err(AskRefusal::NationalId)));
}

#[tokio::test]
async fn scenario_27_six_requests_in_ten_minutes_block_the_asker_and_write_a_mail() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    for id in [CAMILLE, NOBODY] {
        for n in 0..5 {
            let order = PromptOrder { asker: Asker::Browser(format!("bot-{n}")), ..order(id) };
            world.service.ask(&order).await.unwrap();
        }
        let sixth = PromptOrder { asker: Asker::Browser("bot-6".into()), ..order(id) };
        let Err(AskRefusal::Blocked { until_ms }) = world.service.ask(&sixth).await else { panic!("blocked") };
        assert_eq!(until_ms, world.now_ms() + limits::REFUSED_BLOCK_MS, "told of unknown persons too");
        assert!(matches!(world.service.ask(&sixth).await, Err(AskRefusal::Blocked { .. })));
    }
    let kinds = world.kinds("camille@").await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "ecps-asker-blocked").count(), 1, "one mail for one block");
    world.wait(1_000);
    // The person is not locked out: an application asks, and so does the browser in which the person was approved before.
    let answer = world.service.ask_known(&ciba(CAMILLE, "dmp", "42")).await.unwrap();
    assert_eq!(phone.approve(&world.service, &answer.number).await.unwrap(), DecisionOutcome::Approved);
    world.wait(limits::REFUSED_BLOCK_MS);
    let answer = world.ask(CAMILLE).await;
    phone.approve(&world.service, &answer.number).await.unwrap();
    for n in 0..6 {
        _ = world.service.ask(&PromptOrder { asker: Asker::Browser(format!("bot-{n}")), ..order(CAMILLE) }).await;
    }
    assert!(world.service.ask(&order(CAMILLE)).await.is_ok(), "the browser is known");
}

#[tokio::test]
async fn three_refusals_block_a_client_and_not_asked_blocks_it_for_a_day() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    for _ in 0..3 {
        world.service.ask(&ciba(CAMILLE, "pushy", "42")).await.unwrap();
        assert_eq!(phone.decide(&world.service, "refuse", "").await.unwrap(), DecisionOutcome::Refused);
    }
    assert!(matches!(world.service.ask(&ciba(CAMILLE, "pushy", "42")).await, Err(AskRefusal::Blocked { .. })));
    assert!(world.service.ask(&ciba(DOMINIQUE, "pushy", "42")).await.is_ok(), "the pair is blocked, not the client");
    world.service.ask(&ciba(CAMILLE, "thief", "42")).await.unwrap();
    assert_eq!(phone.decide(&world.service, "not_asked", "").await.unwrap(), DecisionOutcome::NotAsked);
    let Err(AskRefusal::Blocked { until_ms }) = world.service.ask(&ciba(CAMILLE, "thief", "42")).await else { panic!("blocked") };
    assert_eq!(until_ms, world.now_ms() + limits::NOT_ASKED_BLOCK_MS);
    let kinds = world.kinds("camille@").await;
    assert!(["ecps-not-asked", "ecps-asker-blocked"].iter().all(|one| kinds.iter().filter(|kind| kind == one).count() == 1));
    // The phone still works, and the holder lifts the block.
    assert_eq!(world.service.devices(&session(CAMILLE)).await.unwrap()[0].state, MeansState::Active);
    let blocked = world.service.blocked(&session(CAMILLE)).await.unwrap();
    assert_eq!(blocked.len(), 2);
    let thief = blocked.iter().find(|one| one.label == "thief").unwrap();
    assert!(world.service.unblock(&session(DOMINIQUE), &thief.key).await.is_err());
    world.service.unblock(&session(CAMILLE), &thief.key).await.unwrap();
    assert!(world.service.ask(&ciba(CAMILLE, "thief", "42")).await.is_ok());
}

#[tokio::test]
async fn any_node_answers_and_another_secret_knows_no_pin() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let answer = world.ask(CAMILLE).await;
    let stranger = world.node([8; 32]);
    let wrong = phone.approve(&stranger, &answer.number).await;
    assert_eq!(wrong.refusal(), Some(PhoneRefusal::WrongPin(4)));
    let nodes = [world.node(SECRET), world.node(SECRET)];
    assert_eq!(phone.approve(&nodes[0], &answer.number).await.unwrap(), DecisionOutcome::Approved);
    let takers = (0..8).map(|n| {
        let (node, id) = (std::sync::Arc::clone(&nodes[n % 2]), answer.prompt_id.clone());
        tokio::spawn(async move { node.take(&id).await.unwrap() })
    });
    let mut taken = 0;
    for taker in takers.collect::<Vec<_>>() {
        taken += usize::from(taker.await.unwrap().is_some());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_newer_request_of_one_asker_takes_the_place_of_the_older() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let first = world.ask(CAMILLE).await;
    let second = world.ask(CAMILLE).await;
    let stranger = PromptOrder { asker: Asker::Browser("other".into()), ..order(CAMILLE) };
    let third = world.service.ask(&stranger).await.unwrap();
    assert_eq!(world.waiting(&phone).await.len(), 2);
    for (id, state) in [(&first, PromptState::Expired), (&second, PromptState::Pending), (&third, PromptState::Pending)] {
        assert_eq!(world.service.state(&id.prompt_id).await.unwrap(), state);
    }
}

#[tokio::test]
async fn a_phone_of_any_identifier_of_the_person_answers() {
    let world = World::new().await;
    let phone = world.phone(FORMER).await;
    let mut order = order(CAMILLE);
    assert!(matches!(world.service.ask_known(&order).await, Err(AskRefusal::UnknownPerson)));
    order.other_ids = vec![FORMER.into(), CAMILLE.into(), FORMER.into()];
    let answer = world.service.ask_known(&order).await.unwrap();
    assert_eq!(world.waiting(&phone).await.len(), 1);
    assert_eq!(phone.approve(&world.service, &answer.number).await.unwrap(), DecisionOutcome::Approved);
    let approval = world.service.take(&answer.prompt_id).await.unwrap().unwrap();
    assert_eq!((approval.national_id.as_str(), approval.means_id), (CAMILLE, phone.means_id));
}
