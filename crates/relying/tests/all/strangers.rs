//! Strangers at every route, and callbacks of any text.

use axum::http::{Method, StatusCode};
use proptest::prelude::*;

use crate::world::{SESSION, Visitor, World, parameter};

#[tokio::test]
async fn a_stranger_gets_nothing_from_any_route() {
    let world = World::new().await;
    let mut holder = Visitor::default();
    holder.log_in(&world, "claire", "").await;
    let stand_in = "/fc-simulateur/api/v2";
    for (method, path, status) in [
        (Method::GET, "/portail/pro/connexion".to_owned(), 200),
        (Method::GET, "/portail/pro/franceconnect".to_owned(), 303),
        (Method::GET, "/portail/pro/franceconnect/retour".to_owned(), 400),
        (Method::POST, "/portail/pro/franceconnect/deconnexion".to_owned(), 400),
        (Method::GET, "/portail/pro/identite".to_owned(), 303),
        (Method::POST, "/portail/pro/deconnexion".to_owned(), 303),
        (Method::GET, "/portail/pro/deconnexion".to_owned(), 405),
        (Method::GET, "/portail/pro/deconnecte".to_owned(), 200),
        (Method::GET, format!("{stand_in}/.well-known/openid-configuration"), 200),
        (Method::GET, format!("{stand_in}/authorize"), 400),
        (Method::POST, format!("{stand_in}/token"), 401),
        (Method::GET, format!("{stand_in}/userinfo"), 401),
        (Method::GET, format!("{stand_in}/jwks"), 200),
        (Method::GET, format!("{stand_in}/session/end"), 400),
        (Method::POST, "/fc-simulateur/choix".to_owned(), 400),
    ] {
        for cookie in [None, Some("A".repeat(43)), Some("x".repeat(500)), Some("é".into())] {
            let mut stranger = Visitor::default();
            if let Some(cookie) = cookie {
                stranger.cookies.insert(SESSION.into(), cookie);
            }
            // A cookie of the right form is not looked up without the proof of the form.
            let is_formed = stranger.cookies.get(SESSION).is_some_and(|cookie| cookie.len() == 43);
            let status = if path == "/portail/pro/deconnexion" && status == 303 && is_formed { 403 } else { status };
            let answer = stranger.send(&world, method.clone(), &path, None).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
            assert!(!answer.gives(SESSION) && !answer.body.contains("SPECIMEN") && !answer.body.contains("\"d\":"), "{path}");
        }
    }
    assert_eq!(world.rows("civil_session").await.len(), 1);
    assert!(holder.who(&world).await.contains("SPECIMEN"));
}

#[tokio::test]
async fn a_link_from_elsewhere_ends_no_session() {
    let world = World::new().await;
    let mut holder = Visitor::default();
    holder.log_in(&world, "claire", "").await;
    let left = holder.get(&world, "/portail/pro/deconnecte?state=x.y").await;
    assert_eq!((left.status, left.location().as_str()), (StatusCode::SEE_OTHER, "/portail/pro/identite"));
}

#[test]
fn a_callback_of_any_text_is_refused_without_a_panic() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (world, visitor, state) = runtime.block_on(async {
        let world = World::new().await;
        let mut visitor = Visitor::default();
        let page = visitor.begin(&world).await;
        let callback = visitor.choose(&world, &page, "claire", "").await;
        (world, visitor, parameter(&callback, "state"))
    });
    let part = prop_oneof![
        Just(format!("state={state}x")),
        Just(format!("state={}", "B".repeat(43))),
        Just("code=x".to_owned()),
        Just("iss=".to_owned()),
        "error=[a-z%0-9]{0,12}",
        "[ -~]{0,40}",
        "(%[0-9A-Fa-f]{0,2}){0,8}",
    ];
    let queries = proptest::collection::vec(part, 0..6).prop_map(|parts| parts.join("&"));
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(query in queries)| {
        let safe: String = query.chars().filter(|c| c.is_ascii_graphic() && !"<>\"\\^`{|}#".contains(*c)).collect();
        let path = format!("/portail/pro/franceconnect/retour?{safe}");
        let answer = runtime.block_on(async { visitor.clone().get(&world, &path).await });
        prop_assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        prop_assert!(matches!(answer.code(), "callback" | "unknown-login"), "{}", answer.code());
        prop_assert!(!answer.gives(SESSION));
    });
    let rest = runtime.block_on(world.rows("relying_login"));
    assert_eq!(rest.len(), 1, "the login of the person is still there");
}
