//! Activations, devices, messages.

use crate::world::{CAMILLE, DOMINIQUE, NOBODY, PIN, START_MS, Told, World};
use annuaire_ecps::{
    ActivationMode, ActivationStep, BindCall, DeviceChange, MeansState, OpenedActivation, PhoneRefusal, PinFault, SignedIn,
    SimulatedPhone, limits,
};
use annuaire_jose::{PrivateKey, SignatureAlgorithm, sign};
use serde_json::json;
use std::sync::atomic::Ordering;

fn session(national_id: &str) -> SignedIn {
    SignedIn { national_id: national_id.into(), other_ids: Vec::new(), sid: "s".into(), by_card: false, login_ms: START_MS }
}

/// A key that is in no phone yet.
struct Loose(PrivateKey);

impl Loose {
    fn new() -> Self {
        Self(PrivateKey::generate(SignatureAlgorithm::Es256).unwrap())
    }

    fn call(&self, world: &World, typ: &str, mut claims: serde_json::Value) -> String {
        claims["iat"] = (world.now_ms() / 1_000).into();
        sign(&self.0, typ, &claims).unwrap()
    }

    fn bind(&self, world: &World, code: &str) -> BindCall {
        let proof = self.call(world, "ecps-bind+jwt", json!({"activation_code": code}));
        BindCall { activation_code: code.into(), device_key: self.0.public().jwk(), device: Default::default(), proof }
    }
}

async fn link(world: &World, to: &str) -> Option<String> {
    let all = world.messages().await;
    let mail = all.into_iter().find(|m| m.to.starts_with(to) && m.kind == "ecps-activation-link")?;
    mail.text.split_whitespace().find_map(|word| word.split_once("/e-cps/activation/")).map(|(_, link)| link.to_owned())
}

/// The link of one activation.
async fn link_of(world: &World, activation_id: &str) -> String {
    let all = world.messages().await;
    let words = all.iter().flat_map(|m| m.text.split_whitespace());
    let mut links = words.filter_map(|word| word.split_once("/e-cps/activation/")).map(|(_, link)| link);
    links.find(|link| link.starts_with(activation_id)).unwrap().to_owned()
}

/// The page of an activation by contact data, opened.
async fn opened(world: &World) -> OpenedActivation {
    let id = world.service.start_activation(CAMILLE).await.unwrap();
    world.service.open_link(&link_of(world, &id).await, None).await.unwrap()
}

async fn code(world: &World, opened: &OpenedActivation) -> String {
    world.service.activation_view(opened).await.unwrap().code.unwrap()
}

async fn sms(world: &World) -> String {
    let text = world.messages().await.into_iter().find(|m| m.kind == "ecps-activation-code").unwrap().text;
    text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap().to_owned()
}

#[tokio::test]
async fn a_phone_is_activated_and_every_contact_is_told() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let devices = world.service.devices(&session(CAMILLE)).await.unwrap();
    assert_eq!((devices.len(), devices[0].state, devices[0].mode), (1, MeansState::Active, ActivationMode::ContactData));
    assert_eq!(devices[0].means_id, phone.means_id);
    assert_eq!(world.kinds("camille@").await, ["ecps-activated", "ecps-activation-link"]);
    assert_eq!(world.kinds("+33").await, ["ecps-activated", "ecps-activation-code"]);
    assert_eq!(world.audits("ecps-activated").await, 1);
    assert!(world.service.devices(&session(DOMINIQUE)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_person_gets_the_answer_of_a_known_one_and_no_message() {
    let world = World::new().await;
    for id in [CAMILLE, NOBODY] {
        assert_eq!(world.service.start_activation(id).await.unwrap().len(), 32);
    }
    // The work is the same: rows, audit and a job for each.
    assert_eq!(world.audits("ecps-activation-asked").await, 2);
    assert_eq!(world.registry.jobs(annuaire_store::Queue::Outbox, 10).await.unwrap().len(), 2);
    let run = world.service.run_messages(world.now_ms()).await.unwrap();
    assert_eq!((run.sent, run.dropped), (1, 1));
    assert_eq!(world.service.start_activation("x' OR 1").await.refusal(), Some(PhoneRefusal::NationalId));
    // Without a mobile there is nobody to prove: no link is sent.
    world.people.0.lock().unwrap().get_mut(DOMINIQUE).unwrap().mobile = None;
    world.service.start_activation(DOMINIQUE).await.unwrap();
    assert_eq!(link(&world, "dominique").await, None);
}

#[tokio::test]
async fn links_to_one_person_are_few_within_an_hour() {
    let world = World::new().await;
    for _ in 0..5 {
        world.service.start_activation(CAMILLE).await.unwrap();
    }
    assert_eq!(world.kinds("camille@").await.len(), limits::LINKS);
    world.wait(limits::LINK_WINDOW_MS);
    world.service.start_activation(CAMILLE).await.unwrap();
    assert_eq!(world.kinds("camille@").await.len(), limits::LINKS + 1);
}

#[tokio::test]
async fn a_link_belongs_to_the_first_browser_and_a_forged_one_to_nobody() {
    let world = World::new().await;
    let id = world.service.start_activation(CAMILLE).await.unwrap();
    let link = link(&world, "camille").await.unwrap();
    let forged = format!("{id}.{}", "A".repeat(43));
    assert_eq!(world.service.open_link(&forged, None).await.refusal(), Some(PhoneRefusal::UnknownLink));
    assert_eq!(world.service.open_link(&id, None).await.refusal(), Some(PhoneRefusal::UnknownLink));
    let opened = world.service.open_link(&link, None).await.unwrap();
    assert_eq!(world.service.open_link(&link, Some(&opened.cookie)).await.unwrap(), opened);
    // A cookie that somebody else may know opens no activation.
    let other = world.service.start_activation(CAMILLE).await.unwrap();
    let other_link = link_of(&world, &other).await;
    let fresh = world.service.open_link(&other_link, Some(&opened.cookie)).await.unwrap();
    assert_ne!(fresh.cookie, opened.cookie);
    assert_eq!(world.service.open_link(&link, None).await.refusal(), Some(PhoneRefusal::LinkUsed));
    let stranger = OpenedActivation { cookie: "other".into(), ..opened };
    assert_eq!(world.service.activation_view(&stranger).await.refusal(), Some(PhoneRefusal::UnknownLink));
}

#[tokio::test]
async fn a_code_is_read_once_in_its_time_and_by_the_key_that_signs() {
    let world = World::new().await;
    let opened = opened(&world).await;
    let first = code(&world, &opened).await;
    world.wait(limits::QR_MS + limits::QR_GRACE_MS);
    let second = code(&world, &opened).await;
    assert_ne!(first, second);
    let key = Loose::new();
    assert_eq!(world.service.bind_phone(&key.bind(&world, &first)).await.refusal(), Some(PhoneRefusal::UnknownCode));
    assert_eq!(world.service.bind_phone(&key.bind(&world, "00000")).await.refusal(), Some(PhoneRefusal::UnknownCode));
    let foreign = BindCall { device_key: Loose::new().0.public().jwk(), ..key.bind(&world, &second) };
    assert!(matches!(world.service.bind_phone(&foreign).await.refusal(), Some(PhoneRefusal::Proof(_))));
    // Typed in lower case, without hyphens.
    let typed = second.to_lowercase().replace('-', " ");
    let bound = world.service.bind_phone(&key.bind(&world, &typed)).await.unwrap();
    assert_eq!(bound.pc_code, None);
    let again = world.service.bind_phone(&Loose::new().bind(&world, &second)).await;
    assert_eq!(again.refusal(), Some(PhoneRefusal::UnknownCode));
}

#[tokio::test]
async fn five_wrong_codes_end_an_activation_and_no_other_phone_can_spend_them() {
    let world = World::new().await;
    let opened = opened(&world).await;
    let key = Loose::new();
    let id = world.service.bind_phone(&key.bind(&world, &code(&world, &opened).await)).await.unwrap().activation_id;
    let right = sms(&world).await;
    let wrong = if right == "000000" { "111111" } else { "000000" };
    let with = |key: &Loose, otp: &str| key.call(&world, "ecps-code+jwt", json!({"activation_id": id, "otp": otp}));
    let stranger = world.service.check_code(&id, &with(&Loose::new(), wrong)).await;
    assert!(matches!(stranger.refusal(), Some(PhoneRefusal::Proof(_))));
    for left in [4, 3, 2, 1, 0] {
        assert_eq!(world.service.check_code(&id, &with(&key, wrong)).await.refusal(), Some(PhoneRefusal::WrongCode(left)));
    }
    assert_eq!(world.service.check_code(&id, &with(&key, &right)).await.refusal(), Some(PhoneRefusal::ActivationOver));
    assert_eq!(world.service.activation_view(&opened).await.unwrap().step, ActivationStep::Over);
}

#[tokio::test]
async fn a_pin_follows_its_rules_and_needs_the_code_first() {
    let world = World::new().await;
    let opened = opened(&world).await;
    let key = Loose::new();
    let id = world.service.bind_phone(&key.bind(&world, &code(&world, &opened).await)).await.unwrap().activation_id;
    let pin = |pin: &str| key.call(&world, "ecps-pin+jwt", json!({"activation_id": id, "pin": pin}));
    assert_eq!(world.service.choose_pin(&id, &pin(PIN)).await.refusal(), Some(PhoneRefusal::ActivationOver));
    let call = key.call(&world, "ecps-code+jwt", json!({"activation_id": id, "otp": sms(&world).await}));
    world.service.check_code(&id, &call).await.unwrap();
    for (bad, fault) in [("123456", PinFault::Trivial), ("290284", PinFault::BirthDate), ("12345", PinFault::Form)] {
        assert_eq!(world.service.choose_pin(&id, &pin(bad)).await.refusal(), Some(PhoneRefusal::Pin(fault)));
    }
    // A call of one step is none of another step.
    let swapped = key.call(&world, "ecps-code+jwt", json!({"activation_id": id, "pin": PIN}));
    assert!(matches!(world.service.choose_pin(&id, &swapped).await.refusal(), Some(PhoneRefusal::Proof(_))));
    world.service.choose_pin(&id, &pin(PIN)).await.unwrap();
    assert_eq!(world.service.choose_pin(&id, &pin(PIN)).await.refusal(), Some(PhoneRefusal::ActivationOver));
    // No code and no PIN is at rest in the open.
    for kind in ["activation", "means", "phone_link"] {
        for row in world.registry.identity_rows(kind, None, "", 50).await.unwrap() {
            assert!(!row.content.contains(PIN) && !row.content.contains(&sms(&world).await), "{}", row.content);
        }
    }
}

#[tokio::test]
async fn by_card_the_phone_shows_the_code_and_the_page_asks_it() {
    let world = World::new().await;
    let opened = world.service.start_with_card(CAMILLE).await.unwrap();
    let key = Loose::new();
    let bound = world.service.bind_phone(&key.bind(&world, &code(&world, &opened).await)).await.unwrap();
    let shown = bound.pc_code.unwrap();
    assert!(world.messages().await.is_empty(), "no SMS");
    let id = bound.activation_id;
    let step = key.call(&world, "ecps-list+jwt", json!({"activation_id": id}));
    assert_eq!(world.service.activation_step(&id, &step).await.unwrap(), ActivationStep::PhoneBound);
    // The phone cannot prove by itself what the card must prove.
    let call = key.call(&world, "ecps-code+jwt", json!({"activation_id": id, "otp": shown}));
    assert_eq!(world.service.check_code(&id, &call).await.refusal(), Some(PhoneRefusal::ActivationOver));
    let stranger = OpenedActivation { cookie: "other".into(), ..opened.clone() };
    assert_eq!(world.service.check_screen_code(&stranger, &shown).await.refusal(), Some(PhoneRefusal::UnknownLink));
    world.service.check_screen_code(&opened, &shown).await.unwrap();
    assert_eq!(world.service.activation_step(&id, &step).await.unwrap(), ActivationStep::Proven);
    let pin = key.call(&world, "ecps-pin+jwt", json!({"activation_id": id, "pin": PIN}));
    world.service.choose_pin(&id, &pin).await.unwrap();
    assert_eq!(world.service.devices(&session(CAMILLE)).await.unwrap()[0].mode, ActivationMode::Card);
}

#[tokio::test]
async fn a_holder_changes_their_phones_and_nobody_else_does() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let (camille, dominique) = (session(CAMILLE), session(DOMINIQUE));
    let change = async |change: DeviceChange| world.service.change_device(&camille, &phone.means_id, &change).await;
    let foreign = world.service.change_device(&dominique, &phone.means_id, &DeviceChange::Revoke).await;
    assert_eq!(foreign.refusal(), Some(PhoneRefusal::UnknownMeans));
    change(DeviceChange::Rename(" Le\u{202e} mien ".into())).await.unwrap();
    assert_eq!(world.service.devices(&camille).await.unwrap()[0].device.name, "Le mien");
    world.messages().await;
    world.wait(1_000);
    change(DeviceChange::Suspend).await.unwrap();
    world.messages().await;
    world.ask(CAMILLE).await;
    assert!(world.waiting(&phone).await.is_empty());
    world.wait(1_000);
    change(DeviceChange::Resume).await.unwrap();
    world.messages().await;
    world.wait(1_000);
    assert_eq!(world.waiting(&phone).await.len(), 1);
    assert!(world.ended.0.lock().unwrap().is_empty());
    change(DeviceChange::Revoke).await.unwrap();
    assert_eq!(change(DeviceChange::Resume).await.refusal(), Some(PhoneRefusal::NotUsable(MeansState::Revoked)));
    let ended = [(CAMILLE.to_owned(), phone.means_id.clone())];
    assert_eq!(*world.ended.0.lock().unwrap(), ended);
    // Told again by the job, in case the process had died between.
    world.service.run_due(world.now_ms()).await.unwrap();
    assert_eq!(world.ended.0.lock().unwrap().len(), 2);
    let kinds = world.kinds("camille@").await;
    assert_eq!(kinds[..3], ["ecps-revoked", "ecps-resumed", "ecps-suspended"]);
    world.wait(limits::LINK_WINDOW_MS);
    // By the way of the phone itself, and of the register.
    let (second, third) = (world.phone(CAMILLE).await, world.phone(CAMILLE).await);
    let call = second.signed("ecps-revoke+jwt", world.now_ms(), json!({"means_id": second.means_id})).unwrap();
    world.service.revoke_itself(&second.means_id, &call).await.unwrap();
    assert_eq!(world.service.revoke_itself(&third.means_id, &call).await.refusal(), Some(PhoneRefusal::Proof("signature")));
    assert_eq!(world.service.revoke_all(CAMILLE, &[], "register").await.unwrap(), 1);
}

#[tokio::test]
async fn a_person_has_five_phones_at_most_and_each_for_three_years() {
    let world = World::new().await;
    let first = world.phone(CAMILLE).await;
    for _ in 1..limits::DEVICES {
        world.wait(limits::LINK_WINDOW_MS);
        world.phone(CAMILLE).await;
    }
    world.wait(limits::LINK_WINDOW_MS);
    let sixth = SimulatedPhone::activate(&world.service, &world.mailbox, CAMILLE, "6", PIN).await;
    assert_eq!(sixth.refusal(), Some(PhoneRefusal::TooManyDevices));
    world.wait(limits::MEANS_MS - limits::LINK_WINDOW_MS * 5);
    assert_eq!(first.look(&world.service).await.unwrap().means.state, MeansState::Expired);
    assert_eq!(world.service.run_due(world.now_ms()).await.unwrap().expired, 1);
    assert_eq!(world.ended.0.lock().unwrap()[0], (CAMILLE.to_owned(), first.means_id.clone()));
    assert_eq!(world.kinds("camille@").await[0], "ecps-expired");
    world.wait(limits::ENDED_MEANS_MS);
    world.service.run_due(world.now_ms()).await.unwrap();
    world.service.run_due(world.now_ms()).await.unwrap();
    assert!(world.service.devices(&session(CAMILLE)).await.unwrap().iter().all(|means| means.means_id != first.means_id));
}

#[tokio::test]
async fn who_is_withheld_activates_nothing_by_link_or_card_until_it_is_over() {
    let world = World::new().await;
    // Begun before: everything but the PIN is there.
    let (loose, page) = (Loose::new(), opened(&world).await);
    let code = code(&world, &page).await;
    let bound = world.service.bind_phone(&loose.bind(&world, &code)).await.unwrap();
    let digits = sms(&world).await;
    let otp = loose.call(&world, "ecps-code+jwt", json!({"activation_id": bound.activation_id, "otp": digits}));
    world.service.check_code(&bound.activation_id, &otp).await.unwrap();
    world.withheld.0.lock().unwrap().insert(CAMILLE.into());
    let pin = loose.call(&world, "ecps-pin+jwt", json!({"activation_id": bound.activation_id, "pin": PIN}));
    assert_eq!(world.service.choose_pin(&bound.activation_id, &pin).await.refusal(), Some(PhoneRefusal::Withheld));
    assert_eq!(world.service.start_with_card(CAMILLE).await.refusal(), Some(PhoneRefusal::Withheld));
    // A stranger is answered as ever, and no link leaves.
    let before = world.kinds("camille@").await.len();
    world.service.start_activation(CAMILLE).await.unwrap();
    assert_eq!(world.kinds("camille@").await.len(), before);
    assert!(world.service.devices(&session(CAMILLE)).await.unwrap().is_empty());
    world.service.start_with_card(DOMINIQUE).await.unwrap();
    world.withheld.0.lock().unwrap().clear();
    assert!(world.withheld.1.lock().unwrap().is_empty(), "nobody activated anything");
    world.service.choose_pin(&bound.activation_id, &pin).await.unwrap();
    assert_eq!(*world.withheld.1.lock().unwrap(), [CAMILLE]);
}

#[tokio::test]
async fn a_change_of_contact_ends_what_is_not_finished() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let opened = opened(&world).await;
    let code = code(&world, &opened).await;
    world.service.cancel_activations(CAMILLE, "register").await.unwrap();
    assert!(world.service.bind_phone(&Loose::new().bind(&world, &code)).await.refusal().is_some());
    assert_eq!(world.service.activation_view(&opened).await.refusal(), Some(PhoneRefusal::UnknownLink));
    assert_eq!(phone.look(&world.service).await.unwrap().means.state, MeansState::Active);
}

#[tokio::test]
async fn what_cannot_be_sent_is_tried_again_and_given_up_one_day() {
    let world = World::new().await;
    let run = async || world.service.run_messages(world.now_ms()).await.unwrap();
    world.way.cut.store(true, Ordering::SeqCst);
    world.service.start_activation(CAMILLE).await.unwrap();
    assert_eq!((run().await.failed, run().await.failed), (1, 0), "not before its time");
    let jobs = world.registry.jobs(annuaire_store::Queue::Outbox, 10).await.unwrap();
    assert_eq!(jobs[0].last_error.as_deref(), Some("the way is cut"));
    // What waits names neither address nor link.
    assert!(!jobs[0].job.payload.contains('@') && !jobs[0].job.payload.contains("http"), "{}", jobs[0].job.payload);
    world.way.cut.store(false, Ordering::SeqCst);
    world.wait(limits::SEND_FIRST_MS);
    assert_eq!(run().await.sent, 1);
    world.way.cut.store(true, Ordering::SeqCst);
    world.service.start_activation(CAMILLE).await.unwrap();
    let mut attempts = 0;
    while !world.registry.jobs(annuaire_store::Queue::Outbox, 10).await.unwrap().is_empty() {
        let one = run().await;
        attempts += one.failed + one.given_up + one.dropped;
        world.wait(limits::SEND_LONGEST_MS);
        assert!(attempts < 100);
    }
    assert!((20..=u64::from(limits::SEND_ATTEMPTS)).contains(&attempts), "{attempts}");
}

#[tokio::test]
async fn a_code_that_is_over_is_not_sent() {
    let world = World::new().await;
    let opened = opened(&world).await;
    world.service.bind_phone(&Loose::new().bind(&world, &code(&world, &opened).await)).await.unwrap();
    world.wait(limits::CODE_MS);
    let run = world.service.run_messages(world.now_ms()).await.unwrap();
    assert_eq!((run.sent, run.dropped), (0, 1));
}
