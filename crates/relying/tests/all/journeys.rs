//! Logins that succeed, and their end (identity.md §6, scenarios 23 to 25).

use annuaire_relying::fictional_citizens;
use axum::http::StatusCode;

use crate::world::{PORTAL, SESSION, Visitor, World, between, parameter};

#[tokio::test]
async fn everybody_alive_logs_in_and_sees_what_was_received() {
    let world = World::new().await;
    for citizen in fictional_citizens().into_iter().filter(|citizen| citizen.register_code.is_none()) {
        let mut visitor = Visitor::default();
        let answer = visitor.log_in(&world, &citizen.id, "").await;
        assert_eq!(
            (answer.status, answer.location().as_str()),
            (StatusCode::SEE_OTHER, "/portail/pro/identite"),
            "{}",
            answer.body
        );
        let page = visitor.get(&world, "/portail/pro/identite").await;
        assert_eq!(page.status, StatusCode::OK);
        for name in &citizen.given_names {
            assert!(page.body.contains(name.as_str()), "{name}: {}", page.body);
        }
        let family = citizen.family_name.replace('\'', "&#39;");
        assert!(page.body.contains(&format!("<dd>{family}</dd>")), "{family}: {}", page.body);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.body.contains("<script") && !page.body.contains("style=\""));
        assert!(visitor.who(&world).await.ends_with(&format!(" {} FC", citizen.family_name)));
    }
    assert_eq!((world.line.count("openid-configuration"), world.line.count("jwks")), (1, 1), "metadata and keys are kept");
}

#[tokio::test]
async fn scenario_23_partial_dates_and_empty_traits_stay_as_they_are() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "joseph", "").await;
    let headers = [("cookie", format!("{SESSION}={}", visitor.cookies[SESSION]))];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let person = world.door.person(&headers).await.unwrap().unwrap();
    let civil = &person.identity;
    assert_eq!((civil.birth_date(), civil.birth_commune(), civil.usual_name()), ("1984-00-00", None, None));
    assert_eq!((person.acr.as_str(), person.certification(), civil.missing().len()), ("eidas1", "FC", 0));
    assert_eq!(person.ends_ms - person.opened_ms, 30 * 60_000);
    let page = visitor.get(&world, "/portail/pro/identite").await;
    assert!(page.body.contains("1984 (jour et mois inconnus)") && page.body.contains("à l’étranger"), "{}", page.body);
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_and_its_rows_tell_nothing() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "claire", "").await;
    let [row] = &world.rows("civil_session").await[..] else { panic!("one row") };
    let bytes = std::fs::read(world.dir.path().join("registry.sqlite")).unwrap();
    let wal = std::fs::read(world.dir.path().join("registry.sqlite-wal")).unwrap_or_default();
    let subject = {
        let tokens = world.line.tokens.lock().unwrap();
        let id_token = tokens[0]["id_token"].as_str().unwrap().to_owned();
        assert!(!row.content.contains(&id_token));
        claims(&id_token)["sub"].as_str().unwrap().to_owned()
    };
    for secret in ["SPECIMEN", "TEMOIN", "1988-12-24", &visitor.cookies[SESSION], &subject] {
        for (place, all) in [("file", &bytes), ("wal", &wal)] {
            assert!(!all.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} in {place}");
        }
    }
    world.pass(30 * 60_000 - 1);
    assert!(visitor.who(&world).await.contains("SPECIMEN"));
    world.pass(1);
    assert_eq!(visitor.who(&world).await, "nobody");
    assert_eq!(visitor.get(&world, "/portail/pro/identite").await.location(), "/portail/pro/connexion");
    world.pass(1);
    assert_eq!(world.door.sweep().await.unwrap(), 1);
    assert!(world.rows("civil_session").await.is_empty());
}

pub fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn scenario_24_who_cancels_reads_a_neutral_page_and_has_no_session() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    let answer = visitor.log_in(&world, "", "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "cancelled"));
    assert!(answer.body.contains("La connexion n’a pas abouti.") && !answer.body.contains("role=\"alert\""), "{}", answer.body);
    assert!(!answer.gives(SESSION) && world.rows("civil_session").await.is_empty());
    assert_eq!(visitor.who(&world).await, "nobody");
    assert_eq!(visitor.log_in(&world, "angele", "").await.location(), "/portail/pro/identite", "the next try succeeds");
}

#[tokio::test]
async fn scenario_25_logout_goes_to_the_provider_with_the_token_of_the_session() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "angele", "").await;
    assert!(visitor.begin(&world).await.body.contains("Continuer en tant que Angèle EXEMPLAIRE"));
    let page = visitor.get(&world, "/portail/pro/identite").await;
    let proof = between(&page.body, "name=\"proof\" value=\"", "\"").to_owned();
    let answer = visitor.post(&world, "/portail/pro/deconnexion", &[("proof", &proof)]).await;
    let location = answer.location();
    assert!(location.starts_with("https://fc.exemple.test/fc-simulateur/api/v2/session/end?"), "{location}");
    let given = world.line.tokens.lock().unwrap()[0]["id_token"].as_str().unwrap().to_owned();
    assert_eq!(parameter(&location, "id_token_hint"), given);
    assert_eq!(parameter(&location, "post_logout_redirect_uri"), format!("{PORTAL}/portail/pro/deconnecte"));
    assert!(!visitor.cookies.contains_key(SESSION) && world.rows("civil_session").await.is_empty());
    // The ID token of the hint is over by then.
    world.pass(20 * 60_000);
    let back = visitor.get(&world, &location).await.location();
    assert_eq!(parameter(&back, "state"), parameter(&location, "state"));
    let left = visitor.get(&world, &back).await;
    assert!(left.body.contains("déconnecté du portail et de FranceConnect"), "{}", left.body);
    assert!(!visitor.begin(&world).await.body.contains("Continuer en tant que"), "the provider's session is over too");
    let mut other = Visitor::default();
    assert!(other.get(&world, &back).await.body.contains("Vous n’êtes pas connecté au portail."));
    let events: Vec<String> = world.trail().await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["civil_login", "civil_logout"]);
}

#[tokio::test]
async fn a_logout_ends_the_session_when_the_provider_does_not_answer() {
    let world = World::new().await;
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "angele", "").await;
    let page = visitor.get(&world, "/portail/pro/identite").await;
    let proof = between(&page.body, "name=\"proof\" value=\"", "\"").to_owned();
    let forged = visitor.clone().post(&world, "/portail/pro/deconnexion", &[("proof", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let mut other = Visitor::default();
    other.log_in(&world, "claire", "").await;
    let stolen = other.post(&world, "/portail/pro/deconnexion", &[("proof", &proof)]).await;
    assert_eq!((stolen.status, world.rows("civil_session").await.len()), (StatusCode::FORBIDDEN, 2));
    // Another node, which knows no metadata yet.
    let down = World::new().await;
    down.line.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    let answer = Visitor::default().get(&down, "/portail/pro/franceconnect").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "unreachable"));
    // Metadata are over after a day, a session is not as long: the clock jumps between the two.
    world.line.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    let left = visitor.post(&world, "/portail/pro/deconnexion", &[("proof", &proof)]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "known metadata need no call");
    assert_eq!(world.rows("civil_session").await.len(), 1);
}

#[tokio::test]
async fn a_login_returns_to_the_page_that_asked_for_it() {
    let world = World::new().await;
    for (asked, to) in [
        ("/portail/pro/demande?x=1", "/portail/pro/demande?x=1"),
        ("https://evil.test/portail/", "/portail/pro/identite"),
        ("//evil.test/portail/", "/portail/pro/identite"),
    ] {
        let mut visitor = Visitor::default();
        let asked: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        let begun = visitor.get(&world, &format!("/portail/pro/franceconnect?retour={asked}")).await;
        let page = visitor.get(&world, &begun.location()).await;
        let callback = visitor.choose(&world, &page, "angele", "").await;
        assert_eq!(visitor.get(&world, &callback).await.location(), to);
    }
    let page = Visitor::default().get(&world, "/portail/pro/connexion?retour=/portail/pro/demande").await;
    assert!(page.body.contains("name=\"retour\" value=\"/portail/pro/demande\""), "{}", page.body);
}
