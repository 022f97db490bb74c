//! Pages and calls over HTTP, walked by a client that runs no script.

use crate::authenticator::Authenticator;
use crate::world::{BASE, CAMILLE, NOBODY, PIN, START_MS, World, order};
use annuaire_ecps::{Asker, PhoneDemo, PhoneDoorSettings, PromptOrder, SignedIn, limits, router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

struct Browser {
    app: Router,
    cookies: Vec<(String, String)>,
    who: Option<SignedIn>,
}

struct Seen {
    status: StatusCode,
    text: String,
    location: String,
    headers: axum::http::HeaderMap,
}

impl Browser {
    fn new(world: &World, demo: bool) -> Self {
        let people = vec![(CAMILLE.to_owned(), "Camille Exemple".to_owned())];
        let demo = demo.then(|| PhoneDemo { mailbox: world.mailbox.clone(), people });
        let settings = PhoneDoorSettings { fictional: true, sign_in: None, demo };
        Self { app: router(world.service.clone(), settings), cookies: Vec::new(), who: None }
    }

    async fn send(&mut self, method: &str, path: &str, body: String, headers: &[(&str, &str)]) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header("host", "id.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        let mut request = request.body(Body::from(body)).unwrap();
        if let Some(who) = &self.who {
            request.extensions_mut().insert(who.clone());
        }
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            assert!(rest.contains("; HttpOnly; SameSite=Lax; Secure"), "{rest}");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), rest.split(';').next().unwrap().to_owned()));
        }
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        let location = parts.headers.get("location").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        Seen { status: parts.status, text, location, headers: parts.headers }
    }

    async fn get(&mut self, path: &str) -> Seen {
        self.send("GET", path, String::new(), &[]).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.send("POST", path, body, &headers).await
    }

    /// Posts as a form of the page `seen` whose action ends so, with its hidden fields and these ones.
    async fn submit(&mut self, seen: &Seen, action: &str, fields: &[(&str, &str)]) -> Seen {
        let form = seen.text.split("<form").skip(1).find(|form| attribute(form, "action").ends_with(action));
        let form = form.unwrap_or_else(|| panic!("no form {action} in {}", seen.text)).split("</form>").next().unwrap();
        assert!(form.contains("method=\"post\""));
        let hidden = form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
        let mut all: Vec<(String, String)> =
            hidden.map(|input| (attribute(input, "name").to_owned(), attribute(input, "value").to_owned())).collect();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let path = attribute(form, "action").to_owned();
        let answer = self.post(&path, &all).await;
        if answer.status == StatusCode::SEE_OTHER { self.get(&answer.location).await } else { answer }
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    tag.split_once(&format!("{name}=\"")).map_or("", |(_, rest)| rest.split('"').next().unwrap())
}

fn signed_in(by_card: bool) -> SignedIn {
    SignedIn { national_id: CAMILLE.into(), other_ids: Vec::new(), sid: "session-1".into(), by_card, login_ms: START_MS }
}

#[tokio::test]
async fn an_activation_is_walked_without_a_script() {
    let world = World::new().await;
    let mut pc = Browser::new(&world, true);
    let home = pc.get("/e-cps/").await;
    let sent = pc.submit(&home, "/e-cps/activation", &[("identifiant", " 810999 000015 ")]).await;
    let unknown = pc.submit(&home, "/e-cps/activation", &[("identifiant", NOBODY)]).await;
    assert_eq!((sent.status, &sent.text), (unknown.status, &unknown.text), "one answer for known and unknown");
    let wrong = pc.submit(&home, "/e-cps/activation", &[("identifiant", "Dr Exemple")]).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("aria-invalid"));
    world.messages().await;
    let mail = pc.get("/e-cps/messagerie").await;
    let at = mail.text.find("https://id.example/e-cps/activation/").unwrap();
    let link = mail.text[at + BASE.len()..].split('"').next().unwrap().to_owned();
    // A scanner of links that fetches it opens nothing.
    Browser::new(&world, false).get(&link).await;
    let closed = pc.get(&link).await;
    let code = pc.submit(&closed, &link, &[]).await;
    assert!(code.text.contains("<svg") && code.text.contains("<noscript><meta http-equiv=\"refresh\""), "{}", code.text);
    let late = Browser::new(&world, false).post(&link, &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let typed = code.text.split_once("class=\"code\">").unwrap().1.split('<').next().unwrap().to_owned();
    // The phone, by its calls.
    let mut phone = Browser::new(&world, false);
    let key = annuaire_jose::PrivateKey::generate(annuaire_jose::SignatureAlgorithm::Es256).unwrap();
    let sign = |typ: &str, mut claims: Value| {
        claims["iat"] = (world.now_ms() / 1_000).into();
        annuaire_jose::sign(&key, typ, &claims).unwrap()
    };
    let mut call = async |path: &str, body: Value| phone.send("POST", &format!("/e-cps/api/{path}"), body.to_string(), &[]).await;
    let bind = json!({
        "activation_code": typed,
        "device_key": key.public().jwk(),
        "device": {"name": "Mon <téléphone>"},
        "proof": sign("ecps-bind+jwt", json!({"activation_code": typed})),
    });
    let bound: Value = serde_json::from_str(&call("activations/device", bind).await.text).unwrap();
    assert_eq!(bound["sms_required"], true);
    let page = pc.get(&link).await;
    assert!(page.text.contains("Mon &#60;téléphone&#62;") && page.text.contains("SMS"), "{}", page.text);
    let sms = world.messages().await.into_iter().find(|m| m.sms).unwrap().text;
    let otp = sms.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap();
    let id = bound["activation_id"].as_str().unwrap();
    let wrong =
        call(&format!("activations/{id}/otp"), json!({"call": sign("ecps-code+jwt", json!({"activation_id": id, "otp": "x"}))}))
            .await;
    let said: Value = serde_json::from_str(&wrong.text).unwrap();
    assert_eq!((wrong.status, &said["error"], &said["left"]), (StatusCode::FORBIDDEN, &json!("wrong_code"), &json!(4)));
    let right =
        call(&format!("activations/{id}/otp"), json!({"call": sign("ecps-code+jwt", json!({"activation_id": id, "otp": otp}))}))
            .await;
    assert_eq!(right.status, StatusCode::NO_CONTENT);
    let made =
        call(&format!("activations/{id}/pin"), json!({"call": sign("ecps-pin+jwt", json!({"activation_id": id, "pin": PIN}))}))
            .await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(pc.get(&link).await.text.contains("est activé"));
    // A request arrives and is approved.
    let answer = world.ask(CAMILLE).await;
    let means: Value = serde_json::from_str(&made.text).unwrap();
    let means = means["means_id"].as_str().unwrap();
    let list = call("prompts", json!({"means_id": means, "call": sign("ecps-list+jwt", json!({"means_id": means}))})).await;
    let list: Value = serde_json::from_str(&list.text).unwrap();
    assert_eq!((&list["state"], &list["now_ms"]), (&json!("active"), &json!(START_MS)));
    let prompt = &list["prompts"][0];
    assert!(prompt.get("number").is_none());
    let claims = json!({"tx": prompt["tx"], "challenge": prompt["challenge"], "client_id": prompt["client_id"], "number": answer.number, "decision": "approve"});
    let body = json!({"means_id": means, "tx": prompt["tx"], "decision": "approve", "number": answer.number, "pin": PIN, "webauthn": null, "proof": sign("ecps-decision+jwt", claims)});
    let decided = call("decisions", body).await;
    assert_eq!(decided.text, r#"{"outcome":"approved"}"#);
    pc.who = Some(signed_in(false));
    let history = pc.get("/e-cps/historique").await;
    assert!(history.text.contains("Dossier patient Exemple") && history.text.contains("Approuvée"));
}

#[tokio::test]
async fn by_card_the_page_asks_the_code_of_the_phone() {
    let world = World::new().await;
    let mut pc = Browser::new(&world, false);
    pc.who = Some(signed_in(true));
    let devices = pc.get("/e-cps/appareils").await;
    let page = pc.submit(&devices, "/e-cps/activation/carte", &[]).await;
    let code = page.text.split_once("class=\"code\">").unwrap().1.split('<').next().unwrap().to_owned();
    let key = annuaire_jose::PrivateKey::generate(annuaire_jose::SignatureAlgorithm::Es256).unwrap();
    let claims = json!({"activation_code": code, "iat": world.now_ms() / 1_000});
    let call = annuaire_ecps::BindCall {
        proof: annuaire_jose::sign(&key, "ecps-bind+jwt", &claims).unwrap(),
        activation_code: code,
        device_key: key.public().jwk(),
        device: Default::default(),
    };
    let bound = world.service.bind_phone(&call).await.unwrap();
    let path = format!("/e-cps/activation/{}", bound.activation_id);
    let asks = pc.get(&path).await;
    let wrong = pc.submit(&asks, "/code", &[("code", "12")]).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("Il reste 4 essais"), "{}", wrong.text);
    let right = pc.submit(&wrong, "/code", &[("code", &bound.pc_code.unwrap())]).await;
    assert!(right.text.contains("Choisissez maintenant un code PIN"), "{}", right.text);
    // Without the cookie the page shows nothing of it.
    let stranger = Browser::new(&world, false).get(&path).await;
    assert!(!stranger.text.contains("PIN") && stranger.text.contains("Afficher le code"));
    pc.who = Some(signed_in(false));
    let without = pc.get("/e-cps/appareils").await;
    assert!(!without.text.contains("activation/carte"));
    let token = attribute(devices.text.split("name=\"jeton\"").nth(1).unwrap(), "value").to_owned();
    assert_eq!(pc.post("/e-cps/activation/carte", &[("jeton", &token)]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn devices_are_changed_by_forms_of_the_session_alone() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let mut pc = Browser::new(&world, false);
    pc.who = Some(signed_in(false));
    let path = format!("/e-cps/appareils/{}", phone.means_id);
    let page = pc.get("/e-cps/appareils").await;
    let suspended = pc.submit(&page, &path, &[("action", "suspendre")]).await;
    assert!(suspended.text.contains(">suspendu<") && suspended.text.contains("Réactiver"), "{}", suspended.text);
    let token = attribute(page.text.split("name=\"jeton\"").nth(1).unwrap(), "value").to_owned();
    assert_eq!(token.len(), 43);
    for bad in ["", "x"] {
        assert_eq!(pc.post(&path, &[("jeton", bad), ("action", "revoquer")]).await.status, StatusCode::FORBIDDEN);
    }
    // The token of another session, another site, another person.
    pc.who = Some(SignedIn { sid: "session-2".into(), ..signed_in(false) });
    assert_eq!(pc.post(&path, &[("jeton", &token), ("action", "revoquer")]).await.status, StatusCode::FORBIDDEN);
    pc.who = Some(signed_in(false));
    let body = format!("jeton={token}&action=revoquer");
    for foreign in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
        assert_eq!(pc.send("POST", &path, body.clone(), &[foreign]).await.status, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    let refused = pc.post(&path, &[("jeton", &token), ("action", "exploser")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let page = pc.get("/e-cps/appareils").await;
    let renamed = pc.submit(&page, &path, &[("action", "revoquer")]).await;
    assert!(renamed.text.contains(">révoqué<") && !renamed.text.contains("Réactiver"));
}

#[tokio::test]
async fn a_stranger_gets_nothing_at_any_door() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    world.ask(CAMILLE).await;
    let mut stranger = Browser::new(&world, false);
    for path in ["/e-cps/appareils", "/e-cps/historique"] {
        assert_eq!(stranger.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let device = format!("/e-cps/appareils/{}", phone.means_id);
    for path in [device.as_str(), "/e-cps/appareils/debloquer", "/e-cps/activation/carte", "/e-cps/activation/x/code"] {
        assert_eq!(stranger.post(path, &[("action", "revoquer"), ("jeton", "x")]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(stranger.post("/e-cps/activation/x.y", &[]).await.status, StatusCode::NOT_FOUND);
    for end in ["debut", "fin"] {
        let path = format!("{device}/cle-acces/{end}");
        let body = json!({"token": "x", "credential": {}}).to_string();
        assert_eq!(stranger.send("POST", &path, body, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // The parts of a demonstration are not there.
    for path in ["/e-cps/messagerie", "/e-cps/simulateur", "/e-cps/simulateur/0", "/e-cps/autre"] {
        assert_eq!(stranger.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let bodies = [
        ("activations", json!({"national_id": ""}), 400),
        ("activations/device", json!({"activation_code": "x", "device_key": {}, "proof": ""}), 401),
        ("activations/x/otp", json!({"call": "a.b.c"}), 404),
        ("activations/x/step", json!({"call": "a.b.c"}), 404),
        ("activations/x/pin", json!({"call": "a.b.c"}), 404),
        ("prompts", json!({"means_id": phone.means_id, "call": "a.b.c"}), 401),
        ("prompts", json!({"means_id": "../x", "call": "a.b.c"}), 401),
        ("decisions", json!({"means_id": phone.means_id, "tx": "x", "decision": "approve", "proof": ""}), 401),
        ("decisions", json!({"means_id": phone.means_id, "tx": "x", "decision": "explode", "proof": ""}), 400),
        ("revocation", json!({"means_id": phone.means_id, "call": ""}), 401),
        ("activations/x/passkey/start", json!({"call": "a.b.c"}), 404),
        ("activations/x/passkey/finish", json!({"call": "a.b.c", "credential": {}}), 404),
        ("passkey/start", json!({"means_id": phone.means_id, "call": "a.b.c"}), 401),
        ("passkey/finish", json!({"means_id": phone.means_id, "call": "a.b.c", "credential": {}}), 401),
        ("push", json!({"means_id": phone.means_id, "call": "a.b.c", "subscription": null}), 401),
        ("passkey/removal", json!({"means_id": phone.means_id, "call": "a.b.c"}), 401),
    ];
    for (path, body, status) in bodies {
        for sent in [body.to_string(), "{".to_owned(), "null".to_owned(), String::new()] {
            let seen = stranger.send("POST", &format!("/e-cps/api/{path}"), sent.clone(), &[]).await;
            let expected = if sent.len() > 5 { status } else { 400 };
            assert_eq!(seen.status.as_u16(), expected, "{path} {sent}: {}", seen.text);
            let said: Value = serde_json::from_str(&seen.text).unwrap();
            assert!(said["error"].is_string() && said["message"].is_string());
        }
    }
    let long = format!("{{\"national_id\":\"{}\"}}", "8".repeat(limits::BODY));
    assert_eq!(stranger.send("POST", "/e-cps/api/activations", long, &[]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_simulator_answers_by_the_calls_of_phones() {
    let world = World::new().await;
    let mut visitor = Browser::new(&world, true);
    assert!(visitor.get("/e-cps/simulateur").await.text.contains("Camille Exemple"));
    let page = visitor.get("/e-cps/simulateur/0").await;
    let ready = visitor.submit(&page, "/activer", &[]).await;
    assert!(ready.text.contains("État&nbsp;: actif"), "{}", ready.text);
    let answer = world.ask(CAMILLE).await;
    let page = visitor.get("/e-cps/simulateur/0").await;
    let said = visitor.submit(&page, "/simulateur/0", &[("decision", &answer.number)]).await;
    assert!(said.text.contains("Demande approuvée"), "{}", said.text);
    assert!(world.service.take(&answer.prompt_id).await.unwrap().is_some());
    world.ask(CAMILLE).await;
    let page = visitor.get("/e-cps/simulateur/0").await;
    let said = visitor.submit(&page, "/simulateur/0", &[("decision", "not_asked")]).await;
    assert!(said.text.contains("bloqué"), "{}", said.text);
    assert!(world.service.ask(&order(CAMILLE)).await.is_err(), "this browser is blocked");
    let other = PromptOrder { asker: Asker::Browser("other".into()), ..order(CAMILLE) };
    assert!(world.service.ask(&other).await.is_ok(), "another one is not");
    assert_eq!(visitor.get("/e-cps/simulateur/9").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_page_forbids_foreign_scripts_frames_and_copies() {
    let world = World::new().await;
    let mut visitor = Browser::new(&world, true);
    visitor.who = Some(signed_in(true));
    let pages =
        ["/e-cps/", "/e-cps/appareils", "/e-cps/historique", "/e-cps/messagerie", "/e-cps/simulateur", "/e-cps/activation/x.y"];
    for path in pages {
        let seen = visitor.get(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        let policy = seen.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        // A page that waits has our script, and the other ones none.
        let waits = path == "/e-cps/messagerie";
        assert_eq!(
            (policy.contains("script-src 'self'"), seen.text.contains("<script src=\"/e-cps/suivre.js\"")),
            (waits, waits)
        );
        assert_eq!(
            (&seen.headers["cache-control"], &seen.headers["referrer-policy"]),
            (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
        );
        for forbidden in ["<script>", " style=", " onclick="] {
            assert!(!seen.text.contains(forbidden), "{path}: {forbidden}");
        }
        assert!(seen.text.contains("<html lang=\"fr\">") && seen.text.matches("<h1").count() == 1, "{path}");
    }
    for file in ["", "app.js", "webauthn.js", "devices.js", "app.css", "sw.js", "manifest.webmanifest", "icon.svg"] {
        let seen = visitor.get(&format!("/e-cps/app/{file}")).await;
        assert_eq!(seen.status, StatusCode::OK, "{file}");
        assert!(!seen.headers["content-security-policy"].to_str().unwrap().contains("unsafe"));
    }
    let home = visitor.get("/e-cps/").await;
    let style = attribute(home.text.split("rel=\"stylesheet\"").nth(1).unwrap(), "href").to_owned();
    assert_eq!(visitor.get(&style).await.status, StatusCode::OK);
    assert_eq!(visitor.get("/e-cps/suivre.js").await.headers["content-type"], "text/javascript;charset=UTF-8");
}

#[tokio::test]
async fn without_a_session_the_page_leads_to_the_sign_in() {
    let world = World::new().await;
    let settings = PhoneDoorSettings { sign_in: Some("/connexion".into()), ..PhoneDoorSettings::default() };
    let mut visitor = Browser { app: router(world.service.clone(), settings), cookies: Vec::new(), who: None };
    let seen = visitor.get("/e-cps/appareils").await;
    assert_eq!((seen.status, seen.location.as_str()), (StatusCode::SEE_OTHER, "/connexion?retour=%2Fe-cps%2Fappareils"));
}

#[tokio::test]
async fn a_holder_adds_and_removes_a_passkey_on_the_page_of_devices() {
    let world = World::new().await;
    let phone = world.phone(CAMILLE).await;
    let mut pc = Browser::new(&world, false);
    pc.who = Some(signed_in(false));
    let page = pc.get("/e-cps/appareils").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'") && policy.contains("connect-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let form = page.text.split("<form").find(|form| form.contains("data-passkey")).unwrap();
    assert!(form.contains(" hidden>") && form.contains("Ajouter une clé d’accès"), "without script nobody sees it: {form}");
    assert!(page.text.contains("<dt>Clé d’accès</dt><dd>aucune</dd>"));
    for script in page.text.split("<script src=\"").skip(1) {
        let path = script.split('"').next().unwrap();
        assert_eq!(pc.get(path).await.status, StatusCode::OK, "{path}");
    }
    let path = attribute(form, "action").to_owned();
    let token = attribute(form.split("name=\"jeton\"").nth(1).unwrap(), "value").to_owned();
    let call = |end: &str, token: &str, credential: Value| {
        (format!("{path}/{end}"), json!({"token": token, "credential": credential}).to_string())
    };
    let ours = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let (begin, body) = call("debut", &token, Value::Null);
    let (_, forged) = call("debut", "x", Value::Null);
    assert_eq!(pc.send("POST", &begin, forged, &ours).await.status, StatusCode::FORBIDDEN);
    for foreign in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
        assert_eq!(pc.send("POST", &begin, body.clone(), &[foreign]).await.status, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    assert_eq!(pc.send("POST", &begin, "{".into(), &ours).await.status, StatusCode::BAD_REQUEST);
    let foreign = begin.replace(&phone.means_id, &"0".repeat(32));
    assert_eq!(pc.send("POST", &foreign, body.clone(), &ours).await.status, StatusCode::UNAUTHORIZED);
    let options = pc.send("POST", &begin, body.clone(), &ours).await;
    assert_eq!(options.status, StatusCode::OK, "{}", options.text);
    let options: Value = serde_json::from_str(&options.text).unwrap();
    let mut authenticator = Authenticator::synced(BASE, "one");
    let (end, made) = call("fin", &token, authenticator.create(&options));
    let made = pc.send("POST", &end, made, &ours).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let page = pc.get("/e-cps/appareils").await;
    assert!(page.text.contains("synchronisée entre vos appareils") && !page.text.contains("<script"), "{}", page.text);
    let removed = pc.submit(&page, &format!("/e-cps/appareils/{}", phone.means_id), &[("action", "retirer-cle")]).await;
    assert!(removed.text.contains("<dd>aucune</dd>") && !removed.text.contains("Retirer la clé d’accès"));
    // A login of long ago adds none, and leads to a new one.
    world.wait(limits::RECENT_LOGIN_MS);
    let late = pc.send("POST", &begin, body, &ours).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(late.text.contains("login_too_old"), "{}", late.text);
    let settings = PhoneDoorSettings { sign_in: Some("/connexion".into()), ..PhoneDoorSettings::default() };
    let mut pc = Browser { app: router(world.service.clone(), settings), cookies: Vec::new(), who: Some(signed_in(false)) };
    let page = pc.get("/e-cps/appareils").await;
    assert!(page.text.contains("/connexion?retour=/e-cps/appareils&#38;de-nouveau=oui"), "{}", page.text);
    assert!(!page.text.contains("<script"));
}
