//! Browsers, tabs, persons and answers that do not belong together.

use axum::http::{Method, StatusCode};

use crate::world::{PORTAL, SESSION, Visitor, World, parameter};

const BACK: &str = "/portail/pro/franceconnect/retour";

#[tokio::test]
async fn two_tabs_of_one_browser_finish_each_its_login() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let first = visitor.begin(&world).await;
    let second = visitor.begin(&world).await;
    let second = visitor.choose(&world, &second, "angele", "").await;
    let first = visitor.choose(&world, &first, "angele", "").await;
    assert_ne!(parameter(&first, "state"), parameter(&second, "state"));
    for callback in [second, first] {
        assert_eq!(visitor.get(&world, &callback).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(world.rows("civil_session").await.len(), 1, "the later session took the place of the former");
    assert!(visitor.get(&world, "/portail/pro/identite").await.body.contains("EXEMPLAIRE"));
}

#[tokio::test]
async fn a_callback_is_taken_once_and_in_its_browser_alone() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let page = visitor.begin(&world).await;
    let callback = visitor.choose(&world, &page, "angele", "").await;
    for mut stranger in [Visitor::default(), {
        let mut other = Visitor::default();
        other.begin(&world).await;
        other
    }] {
        let answer = stranger.get(&world, &callback).await;
        assert_eq!((answer.status, answer.code(), answer.gives(SESSION)), (StatusCode::BAD_REQUEST, "other-browser", false));
    }
    assert_eq!(visitor.send(&world, Method::HEAD, &callback, None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(visitor.get(&world, &callback).await.status, StatusCode::SEE_OTHER, "neither stranger nor HEAD used it up");
    let again = visitor.get(&world, &callback).await;
    assert_eq!((again.status, again.code()), (StatusCode::BAD_REQUEST, "unknown-login"));
    assert_eq!(world.line.count("token"), 1);
}

#[tokio::test]
async fn of_two_callbacks_at_once_one_is_taken() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let page = visitor.begin(&world).await;
    let callback = visitor.choose(&world, &page, "angele", "").await;
    let (mut one, mut other) = (visitor.clone(), visitor.clone());
    let (one, other) = tokio::join!(one.get(&world, &callback), other.get(&world, &callback));
    let taken = [&one, &other].iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!((taken, world.rows("civil_session").await.len()), (1, 1));
}

#[tokio::test]
async fn two_tabs_that_return_at_once_both_succeed() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "claire", "").await;
    let (first, second) = (visitor.begin(&world).await, visitor.begin(&world).await);
    let first = visitor.choose(&world, &first, "angele", "").await;
    let second = visitor.choose(&world, &second, "angele", "").await;
    let (mut one, mut other) = (visitor.clone(), visitor.clone());
    let (one, other) = tokio::join!(one.get(&world, &first), other.get(&world, &second));
    assert_eq!((one.status, other.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(visitor.who(&world).await, "nobody", "the session before them is over");
}

#[tokio::test]
async fn the_code_of_another_login_is_refused() {
    let world = World::new().await;
    let (mut victim, mut attacker) = (Visitor::default(), Visitor::default());
    let page = attacker.begin(&world).await;
    let stolen = parameter(&attacker.choose(&world, &page, "claire", "").await, "code");
    let page = victim.begin(&world).await;
    let callback = victim.choose(&world, &page, "angele", "").await;
    let mixed = callback.replace(&parameter(&callback, "code"), &stolen);
    // PKCE: the provider sees that the code was given for another login.
    let answer = victim.get(&world, &mixed).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "exchange.invalid_grant"));
    assert!(!answer.gives(SESSION));
    assert_eq!(victim.get(&world, &callback).await.code(), "unknown-login", "a login that failed is over");
}

#[tokio::test]
async fn a_login_that_took_too_long_is_over() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let page = visitor.begin(&world).await;
    world.pass(10 * 60_000 - 1);
    let callback = visitor.choose(&world, &page, "angele", "").await;
    world.pass(1);
    assert_eq!(visitor.get(&world, &callback).await.code(), "unknown-login");
    world.pass(1);
    assert_eq!(world.door.sweep().await.unwrap(), 1);
}

#[tokio::test]
async fn callbacks_that_cannot_be_read_are_refused() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let page = visitor.begin(&world).await;
    let callback = visitor.choose(&world, &page, "angele", "").await;
    let state = parameter(&callback, "state");
    let long = format!("state={state}&code={}", "x".repeat(9_000));
    let many: String = (0..40).map(|n| format!("a{n}=1&")).collect();
    for query in ["", "code=x", "state=x&code=y", &format!("state={state}&state={state}&code=x"), &long, &many] {
        let answer = visitor.get(&world, &format!("{BACK}?{query}")).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "callback"), "{query}");
    }
    let unknown = format!("{BACK}?code=x&state={}", "A".repeat(43));
    assert_eq!(visitor.get(&world, &unknown).await.code(), "unknown-login");
    let answer = visitor.get(&world, &format!("{BACK}?state={state}&code=")).await;
    assert_eq!(answer.code(), "callback", "an empty code");
}

#[tokio::test]
async fn another_issuer_and_errors_of_the_provider_are_told_without_its_text() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    assert_eq!(visitor.log_in(&world, "angele", "callback.wrong-iss").await.code(), "other-issuer");
    assert_eq!(visitor.log_in(&world, "angele", "callback.no-iss").await.status, StatusCode::SEE_OTHER);
    let dead = Visitor::default().log_in(&world, "deces", "").await;
    assert_eq!((dead.status, dead.code()), (StatusCode::BAD_REQUEST, "civil-register.010015"));
    assert!(dead.body.contains("sans FranceConnect"), "{}", dead.body);
    for (error, code) in [("server_error", "refused.server_error"), ("<script>alert(1)</script>", "refused.other")] {
        let page = visitor.begin(&world).await;
        let callback = visitor.choose(&world, &page, "angele", "").await;
        let error: String = form_urlencoded::byte_serialize(error.as_bytes()).collect();
        let state = parameter(&callback, "state");
        let query = format!("{BACK}?state={state}&error={error}&error_description=%3Cb%3Ealert%3C%2Fb%3E");
        let answer = visitor.get(&world, &query).await;
        assert_eq!(answer.code(), code);
        assert!(!answer.body.contains("alert(1)") && !answer.body.contains("<b>"), "{}", answer.body);
    }
}

#[tokio::test]
async fn another_person_takes_over_aloud_and_nothing_is_merged() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "angele", "").await;
    let (former, angele) = (visitor.clone(), visitor.who(&world).await);
    visitor.log_in(&world, "angele", "").await;
    assert_eq!(visitor.who(&world).await, angele, "a person keeps the account");
    assert_ne!(former.cookies[SESSION], visitor.cookies[SESSION], "and gets another session");
    assert!(!visitor.get(&world, "/portail/pro/identite").await.body.contains("Une autre personne"));
    assert_eq!(former.clone().who(&world).await, "nobody");
    let former = visitor.clone();
    visitor.log_in(&world, "claire", "").await;
    let claire = visitor.who(&world).await;
    assert_ne!(claire.split(' ').next(), angele.split(' ').next());
    let page = visitor.get(&world, "/portail/pro/identite").await;
    assert!(page.body.contains("Une autre personne") && page.body.contains("SPECIMEN") && !page.body.contains("EXEMPLAIRE"));
    assert_eq!(former.clone().who(&world).await, "nobody");
    let trail = world.trail().await;
    assert!(trail.contains(&("civil_session_ended".into(), "{\"reason\":\"other-person\"}".into())), "{trail:?}");
    assert!(trail.iter().all(|(_, detail)| !detail.contains("SPECIMEN") && !detail.contains("1988")), "{trail:?}");
}

#[tokio::test]
async fn no_civil_login_beside_a_professional_session() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let page = visitor.begin(&world).await;
    let callback = visitor.choose(&world, &page, "angele", "").await;
    visitor.is_professional = true;
    for path in ["/portail/pro/franceconnect", callback.as_str()] {
        let answer = visitor.get(&world, path).await;
        assert_eq!((answer.status, answer.code(), answer.gives(SESSION)), (StatusCode::CONFLICT, "professional-session", false));
    }
    visitor.is_professional = false;
    assert_eq!(visitor.get(&world, &callback).await.status, StatusCode::SEE_OTHER);
    assert!(callback.starts_with(PORTAL));
}
