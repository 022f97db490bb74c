//! Notifications by web push: what they say, to whom, and what becomes of those that nobody takes.

use crate::world::{CAMILLE, DOMINIQUE, FORMER, NOBODY, START_MS, Told, World, order};
use annuaire_ecps::{
    DeviceChange, PhoneError, PhoneRefusal, PromptOrder, PushKeys, PushSubscription, SignedIn, SimulatedPhone, limits,
};
use annuaire_jose::{PublicKey, SignatureAlgorithm, TokenRule, open_token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use web_push_native::p256::SecretKey;

const SECRET: [u8; 32] = [9; 32];
const AUTH: [u8; 16] = [4; 16];

fn subscription(endpoint: &str) -> PushSubscription {
    let key = SecretKey::from_slice(&SECRET).unwrap().public_key().to_sec1_bytes();
    let keys = PushKeys { p256dh: URL_SAFE_NO_PAD.encode(key), auth: URL_SAFE_NO_PAD.encode(AUTH) };
    PushSubscription { endpoint: endpoint.into(), keys }
}

async fn subscribe(world: &World, phone: &SimulatedPhone, wanted: Option<&PushSubscription>) -> Result<(), PhoneError> {
    let endpoint = wanted.map_or("", |wanted| wanted.endpoint.as_str());
    let call = phone.signed("ecps-push+jwt", world.now_ms(), json!({"means_id": phone.means_id, "endpoint": endpoint})).unwrap();
    world.service.subscribe(&phone.means_id, &call, wanted).await
}

/// A phone that is notified at this address.
async fn notified(world: &World, national_id: &str, endpoint: &str) -> SimulatedPhone {
    let phone = world.phone(national_id).await;
    subscribe(world, &phone, Some(&subscription(endpoint))).await.unwrap();
    phone
}

/// Sends what is due, and gives the addresses.
async fn sent(world: &World) -> Vec<String> {
    while world.service.push_one().await.unwrap() {}
    let mut all: Vec<String> = world.pushes.sent.lock().unwrap().drain(..).map(|push| push.endpoint).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_notification_says_the_number_of_the_request_to_the_phone_and_is_signed() {
    let world = World::new().await;
    let phone = notified(&world, CAMILLE, "https://push.example/a?b=c").await;
    assert!(phone.look(&world.service).await.unwrap().means.is_notified);
    world.ask(CAMILLE).await;
    let tx = world.waiting(&phone).await.remove(0).tx;
    world.wait(20_000);
    assert!(world.service.push_one().await.unwrap() && !world.service.push_one().await.unwrap());
    let sent: Vec<_> = world.pushes.sent.lock().unwrap().drain(..).collect();
    let [push] = &sent[..] else { panic!("one is sent") };
    let header = |name: &str| push.headers.iter().find(|(known, _)| known == name).unwrap().1.as_str();
    assert_eq!((header("content-encoding"), header("ttl"), header("urgency")), ("aes128gcm", "100", "high"));
    let plain = web_push_native::decrypt(push.body.clone(), &SecretKey::from_slice(&SECRET).unwrap(), &AUTH.into()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap(), json!({"tx": tx}), "nothing else");
    // Signed by the key with which the browser subscribed, for this push service, for less than a day (RFC 8292).
    let (token, key) = header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(world.service.push_key().await.unwrap().as_deref(), Some(key));
    assert_eq!(world.node(crate::world::SECRET).push_key().await.unwrap().as_deref(), Some(key), "one key for all nodes");
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4));
    let part = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
    let key = PublicKey::from_jwk(&json!({"kty": "EC", "crv": "P-256", "x": part(1), "y": part(33)})).unwrap();
    let rule = TokenRule { types: &["JWT"], algorithms: &[SignatureAlgorithm::Es256] };
    let claims = open_token(token, &rule, &|_| vec![key.clone()]).unwrap().claims;
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://push.example"), &json!("https://id.example")));
    let ahead = claims["exp"].as_i64().unwrap() - world.now_ms() / 1_000;
    assert!(ahead > 0 && ahead <= 86_400, "{ahead}");
    // No key is at rest in the open, and another secret opens none.
    let row = world.registry.identity_row("push_key", "one").await.unwrap().unwrap();
    assert!(row.content.contains("sealed") && row.due_ms.is_none());
    assert!(world.node([8; 32]).push_key().await.is_err());
}

#[tokio::test]
async fn all_phones_of_a_person_are_notified_and_those_of_nobody_else() {
    let world = World::new().await;
    let first = notified(&world, CAMILLE, "https://push.example/1").await;
    notified(&world, CAMILLE, "https://push.example/2").await;
    notified(&world, FORMER, "https://push.example/3").await;
    notified(&world, DOMINIQUE, "https://push.example/4").await;
    world.phone(CAMILLE).await;
    let with_former = PromptOrder { other_ids: vec![FORMER.into()], ..order(CAMILLE) };
    world.service.ask(&with_former).await.unwrap();
    assert_eq!(sent(&world).await, ["https://push.example/1", "https://push.example/2", "https://push.example/3"]);
    // The work is the same for a person who has none: a job.
    world.ask(NOBODY).await;
    assert!(world.service.push_one().await.unwrap());
    assert!(sent(&world).await.is_empty());
    // A suspended phone, a revoked one, one whose holder wants no more.
    let who = SignedIn { national_id: CAMILLE.into(), other_ids: vec![], sid: "s".into(), by_card: false, login_ms: START_MS };
    world.service.change_device(&who, &first.means_id, &DeviceChange::Suspend).await.unwrap();
    world.wait(limits::ASK_WINDOW_MS);
    world.ask(CAMILLE).await;
    assert_eq!(sent(&world).await, ["https://push.example/2"]);
    world.service.change_device(&who, &first.means_id, &DeviceChange::Resume).await.unwrap();
    subscribe(&world, &first, None).await.unwrap();
    world.wait(limits::ASK_WINDOW_MS);
    world.ask(CAMILLE).await;
    assert_eq!(sent(&world).await, ["https://push.example/2"]);
    // A request that was answered or is over notifies nobody.
    world.wait(limits::ASK_WINDOW_MS);
    let answer = world.ask(CAMILLE).await;
    first.approve(&world.service, &answer.number).await.unwrap();
    world.wait(limits::ASK_WINDOW_MS);
    world.ask(CAMILLE).await;
    world.wait(limits::PROMPT_MS);
    assert!(sent(&world).await.is_empty());
}

#[tokio::test]
async fn what_is_gone_is_forgotten_and_what_fails_is_tried_again_and_holds_up_nobody() {
    let world = World::new().await;
    let gone = notified(&world, CAMILLE, "https://push.example/gone").await;
    let dead = notified(&world, CAMILLE, "https://push.example/dead").await;
    notified(&world, CAMILLE, "https://push.example/1").await;
    world.ask(CAMILLE).await;
    assert!(world.service.push_one().await.unwrap());
    // The one that is dead kept the others from nothing, and alone is tried again, in its time.
    assert_eq!(sent(&world).await, ["https://push.example/1", "https://push.example/dead", "https://push.example/gone"]);
    assert!(!gone.look(&world.service).await.unwrap().means.is_notified);
    assert!(dead.look(&world.service).await.unwrap().means.is_notified);
    assert_eq!(world.audits("ecps-push-gone").await, 1);
    assert!(sent(&world).await.is_empty());
    let mut tried = 0;
    while tried < 100 {
        world.wait(limits::PUSH_RETRY_MS);
        let again = sent(&world).await;
        if again.is_empty() {
            break;
        }
        assert_eq!(again, ["https://push.example/dead"]);
        tried += 1;
    }
    assert_eq!(i64::from(tried), limits::PROMPT_MS / limits::PUSH_RETRY_MS - 1, "while the request waits");
    assert!(world.registry.jobs(annuaire_store::Queue::Outbox, 100).await.unwrap().iter().all(|job| job.job.kind != "ecps-push"));
}

#[tokio::test]
async fn a_subscription_is_of_the_phone_that_signs_and_at_an_address_that_may_be_called() {
    let world = World::new().await;
    let (phone, foreign) = (world.phone(CAMILLE).await, world.phone(DOMINIQUE).await);
    let good = subscription("https://push.example/1");
    let call = |phone: &SimulatedPhone, endpoint: &str| {
        let claims = json!({"means_id": phone.means_id, "endpoint": endpoint});
        phone.signed("ecps-push+jwt", world.now_ms(), claims).unwrap()
    };
    let by = async |call: String, wanted: Option<&PushSubscription>| {
        world.service.subscribe(&phone.means_id, &call, wanted).await.refusal()
    };
    assert_eq!(by(call(&foreign, &good.endpoint), Some(&good)).await, Some(PhoneRefusal::Proof("signature")));
    assert_eq!(by(call(&phone, "https://push.example/2"), Some(&good)).await, Some(PhoneRefusal::Proof("endpoint")));
    assert_eq!(by(call(&phone, &good.endpoint), None).await, Some(PhoneRefusal::Proof("endpoint")));
    for endpoint in [
        "http://push.example/1",
        "https://127.0.0.1/1",
        "ftp://push.example",
        "",
        &format!("https://push.example/{}", "x".repeat(1_024)),
    ] {
        let wanted = subscription(endpoint);
        assert_eq!(subscribe(&world, &phone, Some(&wanted)).await.refusal(), Some(PhoneRefusal::Push("endpoint")), "{endpoint}");
    }
    for (p256dh, auth) in
        [("", "BAQEBAQEBAQEBAQEBAQEBA"), (good.keys.p256dh.as_str(), "BAQ"), ("AAAA", "BAQEBAQEBAQEBAQEBAQEBA"), ("?", "?")]
    {
        let keys = PushKeys { p256dh: p256dh.into(), auth: auth.into() };
        let wanted = PushSubscription { keys, ..good.clone() };
        assert_eq!(subscribe(&world, &phone, Some(&wanted)).await.refusal(), Some(PhoneRefusal::Push("keys")), "{p256dh} {auth}");
    }
    assert!(!phone.look(&world.service).await.unwrap().means.is_notified);
    subscribe(&world, &phone, Some(&good)).await.unwrap();
    let who = SignedIn { national_id: CAMILLE.into(), other_ids: vec![], sid: "s".into(), by_card: false, login_ms: START_MS };
    world.service.change_device(&who, &phone.means_id, &DeviceChange::Revoke).await.unwrap();
    assert!(!world.service.devices(&who).await.unwrap()[0].is_notified, "it goes with the phone");
    assert!(matches!(subscribe(&world, &phone, Some(&good)).await.refusal(), Some(PhoneRefusal::NotUsable(_))));
}
