//! Passkeys: who adds one, what one proves, and what becomes of it.

use crate::authenticator::Authenticator;
use crate::world::{BASE, CAMILLE, DOMINIQUE, PIN, SECRET, START_MS, Told, World};
use annuaire_ecps::{
    Approval, ApprovalMethods, DecisionCall, DecisionOutcome, DeviceChange, MeansState, PasskeyLogin, PhoneError, PhoneRefusal,
    PhoneService, PromptState, ShownPasskey, SignedIn, SimulatedPhone, limits, passkey_name,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const CALL: &str = "ecps-passkey+jwt";

fn session(national_id: &str) -> SignedIn {
    SignedIn { national_id: national_id.into(), other_ids: Vec::new(), sid: "s".into(), by_card: false, login_ms: START_MS }
}

fn other(number: &str) -> &'static str {
    if number == "00" { "01" } else { "00" }
}

/// Adds a passkey to a phone that was just activated.
async fn add(world: &World, phone: &SimulatedPhone, authenticator: &mut Authenticator) -> ShownPasskey {
    let id = &phone.activation_id;
    let call = phone.signed(CALL, world.now_ms(), json!({"activation_id": id})).unwrap();
    let made = authenticator.create(&world.service.start_first_passkey(id, &call).await.unwrap());
    let call = phone.signed(CALL, world.now_ms(), json!({"activation_id": id, "credential_id": made["id"]})).unwrap();
    world.service.finish_first_passkey(id, &call, &made).await.unwrap()
}

/// A phone with a passkey.
async fn ready(world: &World) -> (SimulatedPhone, Authenticator) {
    let phone = world.phone(CAMILLE).await;
    let mut authenticator = Authenticator::new(BASE, "one");
    add(world, &phone, &mut authenticator).await;
    (phone, authenticator)
}

/// The approval of the newest request by the passkey of a phone.
async fn approval(world: &World, phone: &SimulatedPhone, authenticator: &mut Authenticator, number: &str) -> DecisionCall {
    let prompt = world.waiting(phone).await.remove(0);
    let mut call = phone.decision(world.now_ms(), &prompt, "approve", number).unwrap();
    call.pin = String::new();
    call.webauthn = Some(authenticator.approval(&prompt.tx, &prompt.challenge, number, &prompt.client_id));
    call
}

/// Begins a later passkey by the phone with this PIN.
async fn start(service: &PhoneService, phone: &SimulatedPhone, pin: &str) -> Result<Value, PhoneError> {
    let call = phone.signed(CALL, service.now_ms(), json!({"means_id": phone.means_id, "pin": pin})).unwrap();
    service.start_passkey(&phone.means_id, &call).await
}

async fn finish(service: &PhoneService, phone: &SimulatedPhone, made: &Value) -> Result<ShownPasskey, PhoneError> {
    let claims = json!({"means_id": phone.means_id, "credential_id": made["id"]});
    let call = phone.signed(CALL, service.now_ms(), claims).unwrap();
    service.finish_passkey(&phone.means_id, &call, made).await
}

const CHALLENGE: [u8; 32] = [5; 32];

fn assertion(authenticator: &mut Authenticator, challenge: &[u8; 32]) -> Value {
    authenticator.get(&URL_SAFE_NO_PAD.encode(challenge))
}

async fn log_in(service: &PhoneService, assertion: &Value) -> Result<Approval, PhoneError> {
    let (client_id, client_name, origin) = ("dossier", "Dossier patient Exemple", "Firefox sur Linux");
    service.log_in_with_passkey(&PasskeyLogin { challenge: &CHALLENGE, assertion, client_id, client_name, origin }).await
}

async fn shown(world: &World) -> Option<ShownPasskey> {
    world.service.devices(&session(CAMILLE)).await.unwrap().remove(0).passkey
}

#[tokio::test]
async fn a_passkey_of_the_activation_approves_and_the_pin_stays() {
    let world = World::new().await;
    for (n, synced) in [false, true].into_iter().enumerate() {
        let phone = world.phone(CAMILLE).await;
        let name = format!("authenticator {n}");
        let mut authenticator = if synced { Authenticator::synced(BASE, &name) } else { Authenticator::new(BASE, &name) };
        let told = add(&world, &phone, &mut authenticator).await;
        assert_eq!((told.is_synced, told.is_doubted, told.added_ms), (synced, false, world.now_ms()));
        let view = phone.look(&world.service).await.unwrap();
        assert_eq!((view.means.passkey, view.rp_id.as_deref()), (Some(told), Some("id.example")));
        for round in 0..2 {
            world.wait(limits::ASK_WINDOW_MS);
            let answer = world.ask(CAMILLE).await;
            let call = approval(&world, &phone, &mut authenticator, &answer.number).await;
            assert_eq!(world.service.decide(&call).await.unwrap(), DecisionOutcome::Approved, "round {round}");
            let approval = world.service.take(&answer.prompt_id).await.unwrap().unwrap();
            let key = if synced { "swk" } else { "hwk" };
            assert_eq!((approval.amr.as_slice(), approval.means_id), (&[key, "user", "mfa"][..], phone.means_id.clone()));
        }
        world.wait(limits::ASK_WINDOW_MS);
        let answer = world.ask(CAMILLE).await;
        assert_eq!(phone.approve(&world.service, &answer.number).await.unwrap(), DecisionOutcome::Approved);
        assert_eq!(world.service.take(&answer.prompt_id).await.unwrap().unwrap().amr, ["swk", "pin", "mfa"]);
    }
    let kinds = |all: Vec<String>| all.into_iter().filter(|kind| kind == "ecps-passkey-added").count();
    assert_eq!((kinds(world.kinds("camille@").await), kinds(world.kinds("+33").await)), (2, 2), "every contact is told");
    assert_eq!(world.audits("ecps-passkey-added").await, 2);
}

#[tokio::test]
async fn an_assertion_covers_what_is_decided_here_and_nothing_else() {
    let world = World::new().await;
    let (phone, mut right) = ready(&world).await;
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    let base = approval(&world, &phone, &mut right, &answer.number).await;
    let (tx, challenge, number, client) =
        (prompt.tx.as_str(), prompt.challenge.as_str(), answer.number.as_str(), prompt.client_id.as_str());
    let with = |webauthn: Value| DecisionCall { webauthn: Some(webauthn), ..base.clone() };
    let mut refused = Vec::new();
    // Another number, request, challenge, application.
    for (tx, challenge, number, client) in [
        (tx, challenge, other(number), client),
        ("x", challenge, number, client),
        (tx, "x", number, client),
        (tx, challenge, number, "x"),
    ] {
        refused.push((with(right.approval(tx, challenge, number, client)), "challenge"));
    }
    let assert_by = |change: &dyn Fn(&mut Authenticator)| {
        let mut wrong = Authenticator { count: 50, user_handle: right.user_handle.clone(), ..Authenticator::new(BASE, "one") };
        wrong.take_key_of(&right);
        change(&mut wrong);
        with(wrong.approval(tx, challenge, number, client))
    };
    refused.push((assert_by(&|one| one.origin = "https://id.example.evil.test".into()), "origin"));
    refused.push((assert_by(&|one| one.origin = "https://sub.id.example".into()), "origin"));
    refused.push((assert_by(&|one| one.origin = "http://id.example".into()), "origin"));
    refused.push((assert_by(&|one| one.origin = "https://id.example:8443".into()), "origin"));
    refused.push((assert_by(&|one| one.rp_id = "example".into()), "rp_id"));
    refused.push((assert_by(&|one| one.verifies = false), "user"));
    refused.push((assert_by(&|one| one.user_handle = vec![7; 16]), "userHandle"));
    refused.push((assert_by(&|one| one.credential_id = vec![7; 32]), "credential"));
    refused.push((assert_by(&|one| one.new_key()), "signature"));
    let mut cut = assert_by(&|_| ());
    cut.webauthn.as_mut().unwrap()["response"]["signature"] = "AA".into();
    refused.push((cut, "signature"));
    for (call, part) in &refused {
        assert_eq!(world.service.decide(call).await.refusal(), Some(PhoneRefusal::Passkey(part)), "{part}");
    }
    for broken in [json!({}), json!("x"), json!({"id": 1})] {
        assert_eq!(world.service.decide(&with(broken)).await.refusal(), Some(PhoneRefusal::Passkey("assertion")));
    }
    // The key of the phone signs all the same, and the PIN is no second try.
    let unsigned = DecisionCall { proof: "a.b.c".into(), ..base.clone() };
    assert_eq!(world.service.decide(&unsigned).await.refusal(), Some(PhoneRefusal::Proof("signature")));
    let both = DecisionCall { pin: PIN.into(), ..base.clone() };
    assert_eq!(world.service.decide(&both).await.refusal(), Some(PhoneRefusal::Malformed("webauthn")));
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Pending, "it still waits");
    assert_eq!(world.service.decide(&base).await.unwrap(), DecisionOutcome::Approved);
    assert_eq!(world.service.decide(&base).await.refusal(), Some(PhoneRefusal::AlreadyAnswered), "a replay");
    // A wrong number that was shown and chosen refuses, by passkey too.
    let answer = world.ask(CAMILLE).await;
    let call = approval(&world, &phone, &mut right, other(&answer.number)).await;
    assert_eq!(world.service.decide(&call).await.unwrap(), DecisionOutcome::WrongNumber);
    assert!(shown(&world).await.is_some_and(|passkey| !passkey.is_doubted));
}

#[tokio::test]
async fn a_sign_count_that_goes_back_puts_the_passkey_in_doubt_and_its_holder_is_told_once() {
    let world = World::new().await;
    let (phone, mut original) = ready(&world).await;
    let mut copy = Authenticator { count: 9, user_handle: original.user_handle.clone(), ..Authenticator::new(BASE, "one") };
    copy.take_key_of(&original);
    let answer = world.ask(CAMILLE).await;
    let call = approval(&world, &phone, &mut copy, &answer.number).await;
    assert_eq!(world.service.decide(&call).await.unwrap(), DecisionOutcome::Approved, "nobody can know yet");
    let answer = world.ask(CAMILLE).await;
    for _ in 0..2 {
        let call = approval(&world, &phone, &mut original, &answer.number).await;
        assert_eq!(world.service.decide(&call).await.refusal(), Some(PhoneRefusal::PasskeyDoubted));
    }
    // The one that counts on is refused too: it may be the copy.
    let call = approval(&world, &phone, &mut copy, &answer.number).await;
    assert_eq!(world.service.decide(&call).await.refusal(), Some(PhoneRefusal::PasskeyDoubted));
    assert_eq!(log_in(&world.service, &assertion(&mut copy, &CHALLENGE)).await.refusal(), Some(PhoneRefusal::PasskeyDoubted));
    assert_eq!(world.audits("ecps-passkey-doubted").await, 1);
    assert_eq!(world.kinds("camille@").await.iter().filter(|kind| *kind == "ecps-passkey-doubted").count(), 1);
    assert_eq!(*world.ended.0.lock().unwrap(), [(CAMILLE.to_owned(), passkey_name(&phone.means_id))]);
    assert!(shown(&world).await.unwrap().is_doubted);
    // The phone itself is not at fault, and a new passkey is taken.
    assert_eq!(phone.approve(&world.service, &answer.number).await.unwrap(), DecisionOutcome::Approved);
    let removal = phone.signed("ecps-passkey-removal+jwt", world.now_ms(), json!({"means_id": phone.means_id})).unwrap();
    world.service.remove_own_passkey(&phone.means_id, &removal).await.unwrap();
    let mut next = Authenticator::new(BASE, "two");
    let made = next.create(&start(&world.service, &phone, PIN).await.unwrap());
    finish(&world.service, &phone, &made).await.unwrap();
    let answer = world.ask(CAMILLE).await;
    let call = approval(&world, &phone, &mut next, &answer.number).await;
    assert_eq!(world.service.decide(&call).await.unwrap(), DecisionOutcome::Approved);
}

#[tokio::test]
async fn a_later_passkey_needs_the_pin_and_any_node_finishes_it() {
    let world = World::new().await;
    let (phone, foreign) = (world.phone(CAMILLE).await, world.phone(DOMINIQUE).await);
    let service = &world.service;
    assert_eq!(start(service, &phone, "000000").await.refusal(), Some(PhoneRefusal::WrongPin(4)));
    let call = phone.signed(CALL, world.now_ms(), json!({"means_id": phone.means_id})).unwrap();
    assert_eq!(service.start_passkey(&phone.means_id, &call).await.refusal(), Some(PhoneRefusal::Proof("pin")));
    let stolen = foreign.signed(CALL, world.now_ms(), json!({"means_id": phone.means_id, "pin": PIN})).unwrap();
    assert_eq!(service.start_passkey(&phone.means_id, &stolen).await.refusal(), Some(PhoneRefusal::Proof("signature")));
    let mut authenticator = Authenticator::new(BASE, "one");
    assert_eq!(
        finish(service, &phone, &json!({"id": "x"})).await.refusal(),
        Some(PhoneRefusal::Passkey("start")),
        "nothing was begun"
    );
    let options = start(service, &phone, PIN).await.unwrap();
    assert_eq!(
        start(service, &phone, "000000").await.refusal(),
        Some(PhoneRefusal::WrongPin(4)),
        "the right PIN gave the count back"
    );
    // Another host, no verification, another challenge, another credential than the one that was signed for.
    let elsewhere = Authenticator { origin: "https://evil.test".into(), ..Authenticator::new(BASE, "one") }.create(&options);
    assert_eq!(finish(service, &phone, &elsewhere).await.refusal(), Some(PhoneRefusal::Passkey("origin")));
    let unverified = Authenticator { verifies: false, ..Authenticator::new(BASE, "one") }.create(&options);
    assert_eq!(finish(service, &phone, &unverified).await.refusal(), Some(PhoneRefusal::Passkey("user")));
    let mut rechallenged = options.clone();
    rechallenged["publicKey"]["challenge"] = URL_SAFE_NO_PAD.encode([1; 32]).into();
    let made = Authenticator::new(BASE, "one").create(&rechallenged);
    assert_eq!(finish(service, &phone, &made).await.refusal(), Some(PhoneRefusal::Passkey("challenge")));
    let made = authenticator.create(&options);
    let claims = json!({"means_id": phone.means_id, "credential_id": "other"});
    let call = phone.signed(CALL, world.now_ms(), claims).unwrap();
    assert_eq!(service.finish_passkey(&phone.means_id, &call, &made).await.refusal(), Some(PhoneRefusal::Proof("credential_id")));
    // What the phone began no session finishes.
    let by_session = service.finish_passkey_as(&session(CAMILLE), &phone.means_id, &made).await;
    assert_eq!(by_session.refusal(), Some(PhoneRefusal::Passkey("start")));
    finish(&world.node(SECRET), &phone, &made).await.unwrap();
    assert_eq!(finish(service, &phone, &made).await.refusal(), Some(PhoneRefusal::HasPasskey), "used once");
    assert_eq!(start(service, &phone, PIN).await.refusal(), Some(PhoneRefusal::HasPasskey));
    // Too late.
    service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::RemovePasskey).await.unwrap();
    let none = service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::RemovePasskey).await;
    assert_eq!(none.refusal(), Some(PhoneRefusal::Passkey("none")));
    let made = authenticator.create(&start(service, &phone, PIN).await.unwrap());
    world.wait(limits::PASSKEY_CEREMONY_MS);
    assert_eq!(finish(service, &phone, &made).await.refusal(), Some(PhoneRefusal::Passkey("start")));
    service.run_due(world.now_ms() + 1).await.unwrap();
    assert!(world.registry.identity_rows("passkey_start", None, "", 10).await.unwrap().is_empty());
    // Wrong PINs lock here too.
    for left in [4, 3, 2, 1] {
        assert_eq!(start(service, &phone, "000000").await.refusal(), Some(PhoneRefusal::WrongPin(left)));
    }
    assert_eq!(start(service, &phone, "000000").await.refusal(), Some(PhoneRefusal::PinLocked));
    assert_eq!(start(service, &phone, PIN).await.refusal(), Some(PhoneRefusal::PinLocked));
}

#[tokio::test]
async fn the_first_passkey_is_for_the_phone_of_the_activation_and_for_a_while() {
    let world = World::new().await;
    let (phone, foreign) = (world.phone(CAMILLE).await, world.phone(DOMINIQUE).await);
    let id = &phone.activation_id;
    let by = |phone: &SimulatedPhone| phone.signed(CALL, world.now_ms(), json!({"activation_id": id})).unwrap();
    let stolen = world.service.start_first_passkey(id, &by(&foreign)).await;
    assert_eq!(stolen.refusal(), Some(PhoneRefusal::Proof("signature")));
    world.service.start_first_passkey(id, &by(&phone)).await.unwrap();
    world.wait(limits::FIRST_PASSKEY_MS);
    let late = world.service.start_first_passkey(id, &by(&phone)).await;
    assert_eq!(late.refusal(), Some(PhoneRefusal::ActivationOver));
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::Suspend).await.unwrap();
    assert_eq!(start(&world.service, &phone, PIN).await.refusal(), Some(PhoneRefusal::NotUsable(MeansState::Suspended)));
}

#[tokio::test]
async fn a_session_adds_a_passkey_soon_after_its_login_to_a_phone_of_its_person() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let (camille, dominique) = (session(CAMILLE), session(DOMINIQUE));
    let foreign = world.service.start_passkey_as(&dominique, &phone.means_id).await;
    assert_eq!(foreign.refusal(), Some(PhoneRefusal::UnknownMeans));
    let mut authenticator = Authenticator::new(BASE, "one");
    let made = authenticator.create(&world.service.start_passkey_as(&camille, &phone.means_id).await.unwrap());
    assert_eq!(
        world.service.finish_passkey_as(&dominique, &phone.means_id, &made).await.refusal(),
        Some(PhoneRefusal::UnknownMeans)
    );
    let other_session = SignedIn { sid: "other".into(), ..camille.clone() };
    let other = world.service.finish_passkey_as(&other_session, &phone.means_id, &made).await;
    assert_eq!(other.refusal(), Some(PhoneRefusal::Passkey("start")));
    world.service.finish_passkey_as(&camille, &phone.means_id, &made).await.unwrap();
    world.service.change_device(&camille, &phone.means_id, &DeviceChange::RemovePasskey).await.unwrap();
    world.wait(limits::RECENT_LOGIN_MS);
    let old = world.service.start_passkey_as(&camille, &phone.means_id).await;
    assert_eq!(old.refusal(), Some(PhoneRefusal::LoginTooOld));
    assert!(!world.service.may_add_passkey(&camille));
}

#[tokio::test]
async fn the_operator_may_leave_out_either_way() {
    let world = World::new().await;
    let (phone, mut authenticator) = ready(&world).await;
    let answer = world.ask(CAMILLE).await;
    let by_passkey = approval(&world, &phone, &mut authenticator, &answer.number).await;
    let pin_only = world.taking(ApprovalMethods::PinOnly);
    assert_eq!(pin_only.decide(&by_passkey).await.refusal(), Some(PhoneRefusal::NoPasskeys));
    assert!(pin_only.passkey_request(&CHALLENGE).is_none() && phone.look(&pin_only).await.unwrap().rp_id.is_none());
    let seen = log_in(&pin_only, &assertion(&mut authenticator, &CHALLENGE)).await;
    assert_eq!(seen.refusal(), Some(PhoneRefusal::NoPasskeys));
    let recent = pin_only.start_passkey_as(&session(CAMILLE), &phone.means_id).await;
    assert_eq!(recent.refusal(), Some(PhoneRefusal::NoPasskeys));
    let passkey_only = world.taking(ApprovalMethods::PasskeyOnly);
    assert_eq!(phone.approve(&passkey_only, &answer.number).await.refusal(), Some(PhoneRefusal::PasskeyNeeded));
    assert_eq!(passkey_only.decide(&by_passkey).await.unwrap(), DecisionOutcome::Approved);
    // A holder refuses in any case.
    world.ask(CAMILLE).await;
    assert_eq!(phone.decide(&passkey_only, "refuse", "").await.unwrap(), DecisionOutcome::Refused);
    // The PIN still guards the adding.
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::RemovePasskey).await.unwrap();
    assert_eq!(start(&passkey_only, &phone, "000000").await.refusal(), Some(PhoneRefusal::WrongPin(4)));
    start(&passkey_only, &phone, PIN).await.unwrap();
}

#[tokio::test]
async fn passkeys_are_for_hosts_that_browsers_allow() {
    let world = World::new().await;
    for (base, rp_id) in [
        ("https://id.example", Some("id.example")),
        ("https://id.example:8443/annuaire", Some("id.example")),
        ("http://localhost:8080", Some("localhost")),
        ("http://id.example", None),
        ("http://127.0.0.1:8080", None),
        ("https://192.0.2.1", None),
    ] {
        let request = world.found_at(base).passkey_request(&CHALLENGE);
        assert_eq!(request.as_ref().map(|request| request.rp_id.as_str()), rp_id, "{base}");
    }
}

#[tokio::test]
async fn a_passkey_logs_its_person_in_without_the_phone() {
    let world = World::new().await;
    let (phone, mut authenticator) = ready(&world).await;
    let shown_assertion = assertion(&mut authenticator, &CHALLENGE);
    // One assertion is taken once, whatever number of callers present it at once, and nobody takes it for a copy.
    let nodes = [world.node(SECRET), world.node(SECRET)];
    let callers = (0..8).map(|n| {
        let (node, shown) = (nodes[n % 2].clone(), shown_assertion.clone());
        tokio::spawn(async move { log_in(&node, &shown).await })
    });
    let mut taken = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.unwrap() {
            Ok(approval) => taken.push(approval),
            other => assert_eq!(other.refusal(), Some(PhoneRefusal::Passkey("replay"))),
        }
    }
    let [approval] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((approval.national_id.as_str(), &approval.means_id), (CAMILLE, &passkey_name(&phone.means_id)));
    assert_eq!(approval.amr, ["hwk", "user", "mfa"]);
    assert!(!shown(&world).await.unwrap().is_doubted);
    let uses = world.service.uses(&session(CAMILLE)).await.unwrap();
    assert_eq!((uses.len(), uses[0].device.as_str()), (1, "Téléphone, clé d’accès"));
    assert!(world.kinds("camille@").await.contains(&"ecps-new-client".to_owned()));
    // For another login, for nobody, of somebody else.
    let for_other = assertion(&mut authenticator, &[6; 32]);
    assert_eq!(log_in(&world.service, &for_other).await.refusal(), Some(PhoneRefusal::Passkey("challenge")));
    let mut unknown = assertion(&mut authenticator, &CHALLENGE);
    unknown["response"]["userHandle"] = URL_SAFE_NO_PAD.encode([3; 16]).into();
    assert_eq!(log_in(&world.service, &unknown).await.refusal(), Some(PhoneRefusal::Passkey("credential")));
    unknown["response"]["userHandle"] = Value::Null;
    assert_eq!(log_in(&world.service, &unknown).await.refusal(), Some(PhoneRefusal::Passkey("userHandle")));
    let foreign = world.phone(DOMINIQUE).await;
    let mut theirs = Authenticator::new(BASE, "theirs");
    add(&world, &foreign, &mut theirs).await;
    let own = std::mem::replace(&mut theirs.user_handle, authenticator.user_handle.clone());
    let borrowed = log_in(&world.service, &assertion(&mut theirs, &CHALLENGE)).await;
    assert_eq!(borrowed.refusal(), Some(PhoneRefusal::Passkey("credential")));
    for nothing in [Value::Null, json!({}), json!({"response": {"userHandle": "x"}})] {
        assert_eq!(log_in(&world.service, &nothing).await.refusal(), Some(PhoneRefusal::Passkey("userHandle")));
    }
    // A suspended phone opens nothing, and the passkey goes with a revoked one.
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::Suspend).await.unwrap();
    let suspended = log_in(&world.service, &assertion(&mut authenticator, &CHALLENGE)).await;
    assert_eq!(suspended.refusal(), Some(PhoneRefusal::NotUsable(MeansState::Suspended)));
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::Resume).await.unwrap();
    log_in(&world.service, &assertion(&mut authenticator, &CHALLENGE)).await.unwrap();
    world.service.change_device(&session(CAMILLE), &phone.means_id, &DeviceChange::Revoke).await.unwrap();
    let revoked = log_in(&world.service, &assertion(&mut authenticator, &CHALLENGE)).await;
    assert_eq!(revoked.refusal(), Some(PhoneRefusal::Passkey("none")));
    // Time ends the other one.
    theirs.user_handle = own;
    world.wait(limits::MEANS_MS);
    let expired = log_in(&world.service, &assertion(&mut theirs, &CHALLENGE)).await;
    assert_eq!(expired.refusal(), Some(PhoneRefusal::NotUsable(MeansState::Expired)));
}

#[tokio::test]
async fn what_was_active_before_an_alert_is_frozen_until_it_is_settled() {
    let world = World::new().await;
    let (phone, mut authenticator) = ready(&world).await;
    let colleague = world.phone(DOMINIQUE).await;
    // Approved before the alert, and taken after it: nobody gets in.
    let early = world.ask(CAMILLE).await;
    phone.approve(&world.service, &early.number).await.unwrap();
    world.withheld.2.lock().unwrap().insert(CAMILLE.into());
    assert_eq!(world.service.take(&early.prompt_id).await.unwrap(), None);
    world.wait(limits::ASK_WINDOW_MS);
    // By PIN, by the passkey of the phone, and by the passkey alone.
    let answer = world.ask(CAMILLE).await;
    let prompt = world.waiting(&phone).await.remove(0);
    let pin = phone.decision(world.now_ms(), &prompt, "approve", &answer.number).unwrap();
    assert_eq!(world.service.decide(&pin).await.refusal(), Some(PhoneRefusal::Frozen));
    let passkey = approval(&world, &phone, &mut authenticator, &answer.number).await;
    assert_eq!(world.service.decide(&passkey).await.refusal(), Some(PhoneRefusal::Frozen));
    let proof = assertion(&mut authenticator, &CHALLENGE);
    assert_eq!(log_in(&world.service, &proof).await.refusal(), Some(PhoneRefusal::Frozen));
    assert_eq!(world.service.take(&answer.prompt_id).await.unwrap(), None);
    // The PIN was not looked at, a refusal counts, and others are not concerned.
    assert_eq!(world.service.state(&answer.prompt_id).await.unwrap(), PromptState::Pending);
    assert_eq!(phone.decide(&world.service, "not_asked", "").await.unwrap(), DecisionOutcome::NotAsked);
    let other = world.ask(DOMINIQUE).await;
    colleague.approve(&world.service, &other.number).await.unwrap();
    assert!(world.service.take(&other.prompt_id).await.unwrap().is_some());
    // Settled: it is used as before.
    world.withheld.2.lock().unwrap().clear();
    let proof = assertion(&mut authenticator, &CHALLENGE);
    assert_eq!(log_in(&world.service, &proof).await.unwrap().national_id, CAMILLE);
}
