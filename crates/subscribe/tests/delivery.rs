//! The whole life of subscriptions against a registry, a publication store and receivers that misbehave, by a clock of its own.

#![allow(clippy::unwrap_used)]

mod world;

use annuaire_base::Tx;
use annuaire_store::subscription::{NewEvents, SubscriptionStatus};
use annuaire_subscribe::limits::{CHANGES_TOGETHER, RETRY_MS};
use annuaire_subscribe::{Engine, PayloadContent, RefusalKind, ServiceError};
use annuaire_testkit::Dice;
use std::collections::BTreeMap;
use world::{Answering, HOUR, MINUTE, Person, Receiver, World, subscription};

/// What a subscription must be told of the changes of a world: transaction and id, in the order of the log.
fn expected(world: &World, watched: Option<&[&str]>, from: Tx) -> Vec<(u64, String)> {
    let mut now: BTreeMap<String, Person> = BTreeMap::new();
    let mut told = Vec::new();
    for (tx, people) in &world.log {
        for person in people {
            let before = now.insert(person.id.clone(), person.clone());
            let is_watched = |p: &Person| watched.is_none_or(|list| list.contains(&p.number.as_str()));
            if *tx > from && (is_watched(person) || before.as_ref().is_some_and(is_watched)) {
                told.push((tx.get(), person.id.clone()));
            }
        }
    }
    told
}

#[test]
fn receivers_fail_servers_die_and_nobody_misses_an_event() {
    let mut world = World::new();
    let mut rng = Dice::new(20_261_126, 0, 0);
    world.commit(&(0..30).map(|n| Person::new(n, n)).collect::<Vec<_>>());
    let down_until = world.now + 80 * HOUR;
    let list = ["10999000003", "10999000007", "10999000099"];
    let receivers = [
        ("healthy", Answering::Always),
        ("five-hundred", Answering::Often),
        ("duplicate", Answering::LosesAnswers),
        ("silent", Answering::Often),
        ("down", Answering::From(down_until)),
    ];
    let (mut of, mut owners) = (Vec::new(), Vec::new());
    let since = world.snapshot().tx();
    for (name, answering) in receivers {
        for watched in [None, Some(&list[..])] {
            let endpoint = format!("https://{name}.example/{}", watched.is_some());
            // One owner would have few places.
            let owner = format!("k{}", of.len());
            let made = world.create(&owner, &subscription(&endpoint, "practitioner-changed", watched, PayloadContent::IdOnly));
            // Whoever is down later answers its handshake.
            world.receivers.insert(endpoint.clone(), Receiver::new(Answering::Always));
            of.push((made.head.id, endpoint, answering, watched));
            owners.push(owner);
        }
    }
    let mut engine = world.engine();
    assert_eq!(world.round(&mut engine, None), 8, "suspects have few places");
    world.round(&mut engine, None);
    for (id, endpoint, answering, _) in &of {
        assert_eq!(world.head(id).status, SubscriptionStatus::Active, "{endpoint}");
        world.receivers.insert(endpoint.clone(), Receiver::new(*answering));
    }
    for round in 0..120_u64 {
        let people: Vec<Person> = (0..1 + rng.below(3))
            .map(|_| Person::new(rng.below(30), if rng.below(4) == 0 { 99 } else { rng.below(30) }))
            .collect();
        world.commit(&people);
        world.now += 40 * MINUTE;
        let dies = rng.below(3) == 0;
        world.round(&mut engine, dies.then_some(rng.below(12)));
        if dies {
            engine = world.engine();
            // Its lease is held until it ends.
            assert!(!engine.step(world.now).unwrap().leading || round == u64::MAX);
            world.now += 2 * MINUTE;
        }
        while world.round(&mut engine, None) > 0 {}
        for (id, endpoint, answering, watched) in &of {
            if *answering == Answering::Always {
                let told = expected(&world, *watched, since).len();
                assert_eq!(world.receivers[endpoint].numbers.len(), told, "round {round}: others delayed {endpoint}");
                assert_eq!(world.head(id).progress.attempts, 0);
            }
        }
        owners.iter().for_each(|owner| world.recover(owner));
    }
    world.now = down_until + 30 * HOUR;
    for receiver in world.receivers.values_mut() {
        receiver.answering = Answering::Always;
    }
    owners.iter().for_each(|owner| world.recover(owner));
    for _ in 0..40 {
        world.now += HOUR;
        while world.round(&mut engine, None) > 0 {}
    }
    for ((id, endpoint, _, watched), owner) in of.iter().zip(&owners) {
        let told = expected(&world, *watched, since);
        let events = world.events(owner, id);
        assert_eq!(events.iter().map(|e| (e.tx.get(), e.id.clone())).collect::<Vec<_>>(), told, "{endpoint}: $events");
        assert!(!told.is_empty());
        let numbers = &world.receivers[endpoint].numbers;
        assert_eq!(*numbers, (1..=told.len() as u64).collect::<Vec<_>>(), "{endpoint}: pushed, in order, none left out");
    }
    let down: Vec<_> = of.iter().filter(|(_, _, answering, _)| matches!(answering, Answering::From(_))).collect();
    let trail = world.registry.audit_trail(0, 10_000).unwrap();
    for (id, ..) in down {
        let failed = trail
            .iter()
            .filter(|row| row.event.event == "subscription-failure" && row.event.object.ends_with(id.as_str()))
            .count();
        assert!(failed > 0, "a receiver that is down for days is given up, and the trail says so");
    }
}

#[test]
fn the_retry_plan_is_kept_and_then_the_client_must_ask() {
    let mut world = World::new();
    world.commit(&[Person::new(1, 1)]);
    let endpoint = "https://hook.example/";
    let id = world.create("k", &subscription(endpoint, "practitioner-changed", None, PayloadContent::Empty)).head.id;
    let mut engine = world.engine();
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Always));
    world.round(&mut engine, None);
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Never));
    world.commit(&[Person::new(1, 2)]);
    for (n, wait) in RETRY_MS.into_iter().enumerate() {
        assert_eq!(world.round(&mut engine, None), 1, "attempt {n}");
        assert_eq!(world.head(&id).status, SubscriptionStatus::Active);
        world.now += wait - 1;
        assert_eq!(world.round(&mut engine, None), 0, "not before its time");
        world.now += 1;
    }
    assert_eq!(world.round(&mut engine, None), 1);
    let head = world.head(&id);
    assert_eq!((head.status, head.version), (SubscriptionStatus::Error, 3));
    world.commit(&[Person::new(1, 3)]);
    world.now += 100 * HOUR;
    assert_eq!(world.round(&mut engine, None), 0, "the server does not begin again by itself");
    assert_eq!(world.head(&id).progress.events, 2, "events are numbered all the same");
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Always));
    world.recover("k");
    while world.round(&mut engine, None) > 0 {}
    assert_eq!((world.receivers[endpoint].numbers.clone(), world.head(&id).status), (vec![1, 2], SubscriptionStatus::Active));
    // A handshake that fails is an error at once.
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Never));
    let second = world.create("k", &subscription(endpoint, "role-changed", None, PayloadContent::Empty)).head.id;
    world.round(&mut engine, None);
    assert_eq!(world.head(&second).status, SubscriptionStatus::Error);
}

/// An engine that died in a large transaction had stored some of its events.
#[test]
fn a_transaction_larger_than_memory_is_numbered_once() {
    let mut world = World::new();
    world.commit(&[Person::new(1, 1)]);
    let endpoint = "https://hook.example/";
    let id = world.create("k", &subscription(endpoint, "practitioner-changed", None, PayloadContent::Empty)).head.id;
    let other = world.create("k", &subscription(endpoint, "practitioner-changed", None, PayloadContent::Empty)).head.id;
    let many = CHANGES_TOGETHER as u64 + 50;
    world.commit(&(0..many).map(|n| Person::new(n, n)).collect::<Vec<_>>());
    // What an engine stores before it dies: events without the watermark.
    let events: Vec<_> = world.rows_of(Tx::new(2)).into_iter().take(200).collect();
    let new = NewEvents { subscription: other.clone(), before: 0, events };
    assert_eq!(world.registry.store_events(&[new], &[], Tx::NONE).unwrap(), [""; 0]);
    world.engine().step(world.now).unwrap();
    let (whole, resumed) = (world.events("k", &id), world.events("k", &other));
    assert_eq!(whole.len() as u64, many - 1, "the first person did not change");
    assert_eq!(resumed, whole, "what was stored is not numbered again, what was not is");
}

#[test]
fn a_right_to_practise_and_a_mailbox_are_told_apart_from_a_name() {
    let mut world = World::new();
    let person = Person::new(1, 1);
    world.commit(std::slice::from_ref(&person));
    let rights =
        world.create("k", &subscription("https://a.example/", "right-to-practise-changed", None, PayloadContent::IdOnly)).head.id;
    let boxes =
        world.create("k", &subscription("https://b.example/", "messaging-address-changed", None, PayloadContent::IdOnly)).head.id;
    let active = world.create("k", &world::filtered("https://c.example/", "Practitioner?active=false")).head.id;
    world.commit(&[Person { family: "AUTRE".into(), ..person.clone() }]);
    world.commit(&[Person { family: "AUTRE".into(), active: false, ..person.clone() }]);
    world.commit(&[Person { family: "ENCORE".into(), active: false, mailbox: Some("a@mss.example".into()), ..person.clone() }]);
    world.commit(&[Person { family: "ENCORE".into(), mailbox: Some("a@mss.example".into()), ..person.clone() }]);
    world.commit(&[Person { family: "FIN".into(), ..person }]);
    world.engine().step(world.now).unwrap();
    let told = |id: &str| world.events("k", id).iter().map(|event| event.tx.get()).collect::<Vec<_>>();
    assert_eq!(told(&rights), [3, 5]);
    assert_eq!(told(&boxes), [4, 6]);
    assert_eq!(told(&active), [3, 4, 5], "also when it leaves the filter");
}

#[test]
fn full_resources_are_those_of_the_event_and_bundles_are_signed() {
    let mut world = World::new();
    world.commit(&[Person::new(1, 1)]);
    let endpoint = "https://hook.example/";
    let made = world.create("k", &subscription(endpoint, "practitioner-changed", None, PayloadContent::FullResource));
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Always));
    let mut engine = world.engine();
    world.round(&mut engine, None);
    let first = Person { family: "UN".into(), ..Person::new(1, 1) };
    world.commit(&[first.clone(), Person::new(2, 2)]);
    world.commit(&[Person { family: "DEUX".into(), ..first }]);
    world.round(&mut engine, None);
    let bundles = &world.receivers[endpoint].bundles;
    assert_eq!(bundles.len(), 2, "a handshake, and the events");
    assert_eq!(bundles[0]["entry"][0]["resource"]["parameter"][2]["valueCode"], "handshake");
    let entries = bundles[1]["entry"].as_array().unwrap();
    let told: Vec<_> = entries[1..]
        .iter()
        .map(|e| {
            (
                e["request"]["method"].as_str().unwrap(),
                e["resource"]["name"][0]["family"].as_str().unwrap(),
                e["resource"]["meta"]["versionId"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("PUT", "UN", "2"), ("POST", "ESSAI2", "1"), ("PUT", "DEUX", "3")]);
    assert!(entries.iter().all(|entry| entry["request"].is_object() && entry["response"].is_object()));
    let parameters = entries[0]["resource"]["parameter"].as_array().unwrap();
    let total = parameters.iter().find(|p| p["name"] == "events-since-subscription-start").unwrap();
    assert_eq!(total["valueString"], "3", "a text, as R4 wants it");
    let secret = made.secret.unwrap();
    world.receivers[endpoint].check_signatures(&[&secret]);
    // A rotation: both keys sign for a day.
    let rotated = world.rotate("k", &made.head.id);
    while world.round(&mut engine, None) > 0 {}
    world.receivers[endpoint].check_last_signature(&[&rotated, &secret]);
    world.now += 25 * HOUR;
    world.commit(&[Person::new(2, 3)]);
    while world.round(&mut engine, None) > 0 {}
    world.receivers[endpoint].check_last_signature(&[&rotated]);
}

#[test]
fn a_heartbeat_an_end_and_a_repetition() {
    let mut world = World::new();
    world.commit(&[Person::new(1, 1)]);
    let endpoint = "https://hook.example/";
    let mut resource = subscription(endpoint, "practitioner-changed", None, PayloadContent::Empty);
    resource["end"] = serde_json::json!(annuaire_base::date::iso_ms(world.now + 3 * HOUR));
    resource["channel"]["extension"] = serde_json::json!([
        {"url": "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period", "valueUnsignedInt": 3_600},
        {"url": "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count", "valuePositiveInt": 2},
    ]);
    let id = world.create("k", &resource).head.id;
    world.receivers.insert(endpoint.into(), Receiver::new(Answering::Always));
    let mut engine = world.engine();
    world.round(&mut engine, None);
    for n in 2..5 {
        world.commit(&[Person::new(1, n)]);
    }
    while world.round(&mut engine, None) > 0 {}
    assert_eq!(world.receivers[endpoint].numbers, [1, 2, 3]);
    assert_eq!(world.receivers[endpoint].bundles.len(), 3, "two events at most");
    assert_eq!(world.service.resend(world.caller("k").as_caller(), &id, (2, 9)).unwrap(), (2, 3));
    while world.round(&mut engine, None) > 0 {}
    assert_eq!(world.receivers[endpoint].all_numbers, [1, 2, 3, 2, 3], "with their numbers");
    world.now += HOUR - 1;
    assert_eq!(world.round(&mut engine, None), 0);
    world.now += 1;
    assert_eq!(world.round(&mut engine, None), 1);
    let last = world.receivers[endpoint].bundles.last().unwrap();
    assert_eq!(last["entry"][0]["resource"]["parameter"][2]["valueCode"], "heartbeat");
    assert_eq!(world.head(&id).progress.events, 3, "a heartbeat is no event");
    world.now += 2 * HOUR;
    world.commit(&[Person::new(1, 9)]);
    world.round(&mut engine, None);
    assert_eq!((world.head(&id).status, world.head(&id).progress.events), (SubscriptionStatus::Off, 3));
    world.service.status(world.caller("k").as_caller(), &id).unwrap();
}

#[test]
fn a_subscription_is_its_owners_alone() {
    let world = World::new();
    let id = world.create("k", &subscription("https://a.example/", "practitioner-changed", None, PayloadContent::Empty)).head.id;
    let unknown = |result: Result<(), ServiceError>| {
        assert!(matches!(result, Err(ServiceError::Refused { kind: RefusalKind::Unknown, .. })))
    };
    let stranger = world.caller("other");
    let elsewhere = world.caller_at("k", "restricted");
    for caller in [&stranger, &elsewhere] {
        let (service, caller) = (&world.service, caller.as_caller());
        unknown(service.read(caller, &id).map(drop));
        unknown(service.status(caller, &id).map(drop));
        unknown(service.events(caller, &id, (1, 9), None).map(drop));
        unknown(service.resend(caller, &id, (1, 9)).map(drop));
        unknown(service.update(caller, &id, b"{}", None).map(drop));
        unknown(service.remove(caller, &id, None));
        assert!(service.list(caller).unwrap().is_empty());
    }
    let own = world.caller("k");
    let stale = world.service.remove(own.as_caller(), &id, Some(4));
    assert!(matches!(stale, Err(ServiceError::Refused { kind: RefusalKind::Stale, .. })));
    world.service.remove(own.as_caller(), &id, Some(1)).unwrap();
    unknown(world.service.read(own.as_caller(), &id).map(drop));
    let trail: Vec<String> = world.registry.audit_trail(0, 99).unwrap().into_iter().map(|row| row.event.event).collect();
    assert_eq!(trail, ["subscription-create", "subscription-delete"]);
}

#[test]
fn two_nodes_and_one_delivers() {
    let mut world = World::new();
    let (mut one, mut two): (Engine, Engine) = (world.engine(), world.engine());
    assert!(one.step(world.now).unwrap().leading && !two.step(world.now).unwrap().leading);
    world.now += 2 * MINUTE;
    assert!(two.step(world.now).unwrap().leading && !one.step(world.now).unwrap().leading, "the first one slept for too long");
    two.stop().unwrap();
    assert!(one.step(world.now).unwrap().leading);
    // What the other one numbered meanwhile is not numbered again.
    let id = world.create("k", &subscription("https://a.example/", "practitioner-changed", None, PayloadContent::Empty)).head.id;
    one.step(world.now).unwrap();
    for n in 0..3 {
        world.commit(&[Person::new(1, n)]);
        world.now += 2 * MINUTE;
        assert!(two.step(world.now).unwrap().leading);
        two.stop().unwrap();
        assert!(one.step(world.now).unwrap().leading);
        one.stop().unwrap();
    }
    assert_eq!(world.events("k", &id).iter().map(|event| event.tx.get()).collect::<Vec<_>>(), [1, 2, 3]);
}

/// Prints what a change costs beside long watch lists: `cargo test -p annuaire-subscribe --test delivery -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures"]
#[expect(clippy::disallowed_methods, reason = "a measure reads the clock")]
fn measure_changes_beside_watch_lists() {
    let mut world = World::new();
    world.commit(&(0..20_000).map(|n| Person::new(n, n)).collect::<Vec<_>>());
    let mut engine = world.engine();
    let mut lists = 0;
    for wanted in [1, 10, 50] {
        while lists < wanted {
            let numbers: Vec<String> = (0..10_000).map(|n| format!("10999{:06}", lists * 1_000 + n)).collect();
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let owner = format!("k{}", lists / 10);
            world.create(
                &owner,
                &subscription("https://a.example/", "practitioner-changed", Some(&numbers), PayloadContent::Empty),
            );
            lists += 1;
        }
        let learn = std::time::Instant::now();
        engine.step(world.now).unwrap();
        let learn = learn.elapsed();
        // The matcher is made with the first change.
        for changes in [1_u64, 1, 1_000] {
            let people: Vec<Person> =
                (0..changes).map(|n| Person { family: format!("F{lists}-{changes}-{n}"), ..Person::new(n, n) }).collect();
            world.commit(&people);
            let start = std::time::Instant::now();
            engine.step(world.now).unwrap();
            eprintln!("{lists} lists of 10 000 (learnt in {learn:?}): {changes} changes in {:?}", start.elapsed());
        }
    }
}
