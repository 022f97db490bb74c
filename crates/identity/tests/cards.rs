//! Cards and certificates of organisations over TLS: the real listener, the real handshake, tickets, and what ends a session.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_base::fact::{FactKey, Publication};
use annuaire_cards::{
    CARD_REFUSED, CardAuthorities, CardEnvironment, IssuedCertificate, OrganisationAuthorities, TestAuthority, TestAuthorityPlan,
    TestCard, TestCase, TestHolders, TestOrganisation, read_certificate,
};
use annuaire_identity::{
    CertificateChecks, ClientAuthentication, ClientRecord, CurrentAuthorities, REALM, card_router, certificate_router,
};
use annuaire_mos::owner::Owner;
use annuaire_mos::{Adresse, CarteProfessionnel, Objet, Structure};
use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use annuaire_web::connections::{self, ConnectionLimits};
use annuaire_web::{ClientCertificates, ServedTls, TlsConfiguration};
use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use world::*;

/// The instant at which worlds begin.
const NOW_MS: i64 = 1_795_000_000_000;
const DAY_MS: i64 = 86_400_000;
const CARDS: &str = "carte.exemple.test";
const MTLS: &str = "mtls.exemple.test";
/// Staff whom the directory does not describe.
const STAFF: &str = "3990000010/CPET00001";

/// A world with the hosts of cards and of certificates on one listener.
struct CardWorld {
    world: World,
    authority: TestAuthority,
    cards: Arc<ArcSwap<CardAuthorities>>,
    organisations: Arc<ArcSwap<OrganisationAuthorities>>,
    address: SocketAddr,
}

impl CardWorld {
    async fn new() -> Self {
        let count = AtomicU64::new(1);
        let random = Arc::new(move |bytes: &mut [u8]| {
            bytes.fill(1);
            let n = count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let at = bytes.len().min(8);
            bytes[..at].copy_from_slice(&n[8 - at..]);
        });
        let mut authority = TestAuthority::new(TestAuthorityPlan::for_tests(NOW_MS), random).unwrap();
        let cards = Arc::new(ArcSwap::from_pointee(authority.card_authorities(NOW_MS).unwrap()));
        let organisations = Arc::new(ArcSwap::from_pointee(authority.organisation_authorities(NOW_MS).unwrap()));
        let (of_cards, of_organisations) = (Arc::clone(&cards), Arc::clone(&organisations));
        let cards_now: CurrentAuthorities<CardAuthorities> = Arc::new(move || Some(of_cards.load_full()));
        let organisations_now: CurrentAuthorities<OrganisationAuthorities> = Arc::new(move || Some(of_organisations.load_full()));
        let checks = CertificateChecks { cards: cards_now, organisations: organisations_now, environment: CardEnvironment::Test };
        let world = World::made(HOST, Some(format!("https://{CARDS}")), Some(checks)).await;
        let server = authority.server(&[CARDS, MTLS, "id.exemple.test"]).unwrap();
        let (chain, key) = (server.chain_pem(), server.key_pem());
        let (chain, key) = (chain.as_bytes(), key.as_bytes());
        let hints =
            |holders| ClientCertificates::Asked { issuers: authority.crl_store(holders, NOW_MS).unwrap().authorities().hints() };
        let tls = TlsConfiguration::new(chain, key, &ClientCertificates::NotAsked)
            .and_then(|made| made.with_host(CARDS, chain, key, &hints(TestHolders::Persons)))
            .and_then(|made| made.with_host(MTLS, chain, key, &hints(TestHolders::Organisations)))
            .unwrap();
        let app = card_router(&world.provider).merge(certificate_router(&world.provider));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(ServedTls::new(tls));
        tokio::spawn(connections::serve_tls(listener, served, app, ConnectionLimits::default(), std::future::pending()));
        let this = Self { world, authority, cards, organisations, address };
        this.world.register(compat("exemple")).await;
        this
    }

    fn card(&mut self, national_id: &str) -> IssuedCertificate {
        self.authority.card(&TestCard::new(national_id, "MODELE", "ALIX")).unwrap()
    }

    /// Serves lists that are made now.
    fn renew_lists(&self) {
        let now = self.world.clock.load(Ordering::SeqCst);
        self.cards.store(Arc::new(self.authority.card_authorities(now).unwrap()));
        self.organisations.store(Arc::new(self.authority.organisation_authorities(now).unwrap()));
    }

    /// Asks a host over TLS, with a certificate or none.
    async fn ask(
        &self,
        host: &str,
        with: Option<&IssuedCertificate>,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.authority.roots(TestHolders::Organisations).as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let client = match with {
            Some(with) => builder.with_client_auth_cert(with.chain.clone(), with.key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let mut text = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        let (name, address) = (host.to_owned().try_into().unwrap(), self.address);
        let read = tokio::task::spawn_blocking(move || {
            let connection = ClientConnection::new(Arc::new(client), name).unwrap();
            let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
            stream.write_all(text.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = read.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        Answer { status, headers, body: body.to_owned() }
    }

    /// Chooses the card on the page of the login, and returns the path on the host of cards.
    async fn choose_card(&self, browser: &mut Browser, client: &str) -> String {
        let page = browser.follow(&self.world, &format!("/auth?{}", encoded(&request(client)))).await;
        let to = browser.post(&self.world, &page, &[("action", "carte")]).await;
        assert_eq!(to.status, StatusCode::SEE_OTHER, "{}", to.body);
        to.location().strip_prefix(&format!("https://{CARDS}")).unwrap().to_owned()
    }

    /// Shows a card, or none, to the host of cards.
    async fn show(&self, path: &str, card: Option<&IssuedCertificate>) -> Answer {
        self.ask(CARDS, card, &format!("GET {path}"), &[], "").await
    }

    /// The ticket that a card gets, as a path on the host of the login.
    async fn ticket(&self, path: &str, card: &IssuedCertificate) -> String {
        let shown = self.show(path, Some(card)).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.body);
        shown.location().strip_prefix(HOST).unwrap().to_owned()
    }

    /// Logs in with a card as far as the answer of the host of the login.
    async fn enter(&self, browser: &mut Browser, client: &str, card: &IssuedCertificate) -> Answer {
        let path = self.choose_card(browser, client).await;
        let back = self.ticket(&path, card).await;
        browser.step(&self.world, &back).await
    }

    /// Logs in with a card, and returns the code.
    async fn code(&self, browser: &mut Browser, client: &str, card: &IssuedCertificate) -> String {
        let answer = self.enter(browser, client, card).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        query_of(answer.location()).remove("code").unwrap()
    }

    /// Logs in with a card, and returns the tokens.
    async fn tokens(&self, browser: &mut Browser, card: &IssuedCertificate) -> Value {
        let code = self.code(browser, "exemple", card).await;
        self.world.tokens("exemple", &code).await.json()
    }

    /// States an object of another owner than the person's.
    async fn state(&self, entity: &str, object: &Objet) {
        let owner = Owner::authority("ARS-44").unwrap();
        let mut unit = self.world.registry.begin().await.unwrap();
        let description = serde_json::to_string(&owner).unwrap();
        unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
        let key = FactKey { owner: owner.code, entity: entity.into(), facet: String::new() };
        let payload = Some(serde_json::to_string(object).unwrap());
        unit.put(Change { key, payload, publication: Publication::Restricted, fingerprint: 0 }, Expect::Any).await.unwrap();
        let cause = Cause {
            actor: "test".into(),
            authority: None,
            request: None,
            channel: Channel::Operator,
            basis: None,
            reason: "test".into(),
        };
        let now = self.world.clock.load(Ordering::SeqCst);
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: true }).await.unwrap();
    }

    /// Opposes a card.
    async fn oppose(&self, national_id: &str, card: &IssuedCertificate) {
        let number = read_certificate(&card.chain[0]).unwrap().card_number.unwrap();
        let card =
            CarteProfessionnel { numero_carte: number, date_opposition: "2026-11-18".into(), ..CarteProfessionnel::default() };
        self.world.pass(10);
        self.state(&format!("PP:{national_id}"), &Objet::Cartes { cartes: vec![card] }).await;
    }

    /// Details of the events of a kind.
    async fn events(&self, kind: &str) -> Vec<Value> {
        let trail = self.world.registry.audit_trail(0, 10_000).await.unwrap();
        let found = trail.into_iter().filter(|row| row.event.event == kind);
        found.map(|row| serde_json::from_str(&row.event.detail).unwrap()).collect()
    }
}

fn hospital() -> Structure {
    Structure {
        id_technique: "F990000010".into(),
        id_nat_struct: "1990000010".into(),
        num_finess: "990000010".into(),
        num_finess_ej: "990000002".into(),
        raison_sociale: "HOPITAL DE DEMONSTRATION".into(),
        secteur_activite: "SA01".into(),
        adresse: Adresse {
            numero_voie: "1".into(),
            type_voie: "AV".into(),
            libelle_voie: "DE LA REFERENCE".into(),
            bureau_cedex: "57000 METZ".into(),
            code_postal: "57000".into(),
            cog_commune: "57463".into(),
            ..Adresse::default()
        },
        ..Structure::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_logs_its_holder_in() {
    let mut cards = CardWorld::new().await;
    let card = cards.card(DOCTOR);
    let mut browser = Browser::default();
    let page = browser.follow(&cards.world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains(&format!("https://{CARDS}")), "the form of the page leads there: {policy}");
    let tokens = cards.tokens(&mut browser, &card).await;
    let id = claims_of(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id["authMode"], &id["amr"], &id["acr"]), (&json!("CARD"), &json!(["sc", "pin", "mfa"]), &json!("eidas1")));
    assert_eq!((&id["SubjectNameID"], &id["family_name"]), (&json!(DOCTOR), &json!("EXEMPLE")), "the name of the directory");
    let told = cards.world.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!((&told["authMode"], &told["SubjectRefPro"]["exercices"][0]["codeProfession"]), (&json!("CARD"), &json!("10")));
    // What the journal must know (identity.md §3.5, 8).
    let events = cards.events("identity.card").await;
    let certificate = read_certificate(&card.chain[0]).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["serial"], certificate.facts.serial);
    assert_eq!(events[0]["card"], format!("8025000001/{}", certificate.card_number.unwrap()));
    assert_eq!(events[0]["thumbprint"].as_str().unwrap().len(), 64);
    // One page for everybody, and no card where none is looked for: the other routes are not on this host.
    for path in ["/auth", "/auth/bac-a-sable", "/"] {
        assert_eq!(cards.show(path, Some(&card)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Distinct reasons for the journal, one message for people.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_17_bad_cards_are_refused_with_one_message_and_distinct_reasons() {
    let mut cards = CardWorld::new().await;
    let holder = TestCard::new(DOCTOR, "EXEMPLE", "CAMILLE");
    let mut shown: Vec<(String, IssuedCertificate)> = Vec::new();
    for case in TestCase::ALL {
        let issued = cards.authority.case(case, &holder).unwrap();
        shown.extend(case.refusal().map(|reason| (reason.to_owned(), issued)));
    }
    let editor = TestOrganisation {
        name: "EDITEUR EXEMPLE".into(),
        structure: "399900000300015".into(),
        common_name: "app.exemple.test".into(),
    };
    // Software passes for no card: its certificate names no person.
    shown.push(("unreadable".into(), cards.authority.organisation(&editor).unwrap()));
    cards.renew_lists();
    let mut browser = Browser::default();
    let path = cards.choose_card(&mut browser, "exemple").await;
    let message = CARD_REFUSED.replace('’', "&#8217;");
    let mut pages = BTreeMap::new();
    for card in shown.iter().map(|(_, card)| Some(card)).chain([None]) {
        let refused = cards.show(&path, card).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert!(refused.body.contains(CARD_REFUSED) || refused.body.contains(&message), "{}", refused.body);
        assert!(refused.body.contains(&format!("{HOST}/auth/connexion/")), "the way back to the login");
        *pages.entry(refused.body).or_insert(0) += 1;
    }
    assert_eq!(pages.len(), 1, "people are told one thing");
    let reasons: Vec<String> =
        cards.events("identity.card.refused").await.iter().map(|e| e["reason"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<String> = shown.iter().map(|(reason, _)| reason.clone()).chain(["no_certificate".to_owned()]).collect();
    assert_eq!(reasons, expected);
    for reason in ["revoked", "expired", "production_card", "other_authority", "no_certificate"] {
        assert!(reasons.iter().any(|told| told == reason), "{reason}");
    }
    // After all that, a good card enters.
    let good = cards.card(DOCTOR);
    let back = cards.ticket(&path, &good).await;
    assert!(query_of(browser.step(&cards.world, &back).await.location()).contains_key("code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_over_refuse_everybody_and_new_ones_count_at_once() {
    let mut cards = CardWorld::new().await;
    let card = cards.card(DOCTOR);
    let mut browser = Browser::default();
    cards.world.pass(8 * DAY_MS);
    let path = cards.choose_card(&mut browser, "exemple").await;
    assert_eq!(cards.show(&path, Some(&card)).await.status, StatusCode::FORBIDDEN);
    cards.renew_lists();
    cards.ticket(&path, &card).await;
    cards.authority.revoke(&card);
    cards.world.pass(1_000);
    cards.renew_lists();
    assert_eq!(cards.show(&path, Some(&card)).await.status, StatusCode::FORBIDDEN);
    let reasons: Vec<Value> = cards.events("identity.card.refused").await.iter().map(|e| e["reason"].clone()).collect();
    assert_eq!(reasons, ["stale_revocation_list", "revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_of_one_login_and_one_browser_once_and_soon() {
    let mut cards = CardWorld::new().await;
    let card = cards.card(DOCTOR);
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    let path = cards.choose_card(&mut browser, "exemple").await;
    let back = cards.ticket(&path, &card).await;
    // Another browser, with a login of its own or none; and the ticket of one login in another.
    assert_eq!(other.step(&cards.world, &back).await.status, StatusCode::GONE);
    let others = cards.choose_card(&mut other, "exemple").await.replace("/auth/carte/", "/auth/connexion/");
    assert_eq!(other.step(&cards.world, &back).await.status, StatusCode::GONE);
    let (_, ticket) = back.split_once("ticket=").unwrap();
    assert_eq!(other.step(&cards.world, &format!("{others}/carte?ticket={ticket}")).await.status, StatusCode::GONE);
    for wrong in ["", "x", &ticket[1..]] {
        let at = back.replace(ticket, wrong);
        assert_eq!(browser.step(&cards.world, &at).await.status, StatusCode::GONE, "{wrong}");
    }
    // None of them used it up; thirty seconds do.
    cards.world.pass(30_000);
    assert_eq!(browser.step(&cards.world, &back).await.status, StatusCode::GONE, "after thirty seconds");
    let back = cards.ticket(&path, &card).await;
    cards.world.pass(29_000);
    assert!(query_of(browser.step(&cards.world, &back).await.location()).contains_key("code"));
    let again = browser.step(&cards.world, &back).await;
    assert_eq!(again.status, StatusCode::GONE, "a ticket is used once");
    // The login is over for the host of cards too.
    assert_eq!(cards.show(&path, Some(&card)).await.status, StatusCode::GONE);
    assert_eq!(cards.show("/auth/carte/inconnu", Some(&card)).await.status, StatusCode::GONE);
}

/// Example C of identity.md §1.7.6, from the card alone.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_18_staff_whom_the_directory_does_not_describe_are_who_their_card_says() {
    let mut cards = CardWorld::new().await;
    let card = cards.card(STAFF);
    let mut browser = Browser::default();
    // The directory knows neither person nor structure: the card names the structure.
    let tokens = cards.tokens(&mut browser, &card).await;
    let told = cards.world.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(told["SubjectOrganization"], "HOPITAL DE DEMONSTRATION");
    assert_eq!((&told["SubjectOrganizationID"], &told["Secteur_Activite"]), (&json!("F990000010"), &json!("")));

    cards.state(&annuaire_consolidate::entity_key::structure("F990000010"), &Objet::Structure(hospital())).await;
    let told = cards.world.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    let activity = json!({
                    "codeModeExercice": "S", "codeSecteurDactivite": "SA01", "codeSectionPharmacien": "",
                    "codeRole": "", "codeGenreActivite": "",
                    "numeroSiretSite": "", "numeroSirenSite": "", "numeroFinessSite": "990000010",
                    "numeroFinessetablissementJuridique": "990000002",
                    "identifiantTechniqueDeLaStructure": "F990000010",
                    "raisonSocialeSite": "HOPITAL DE DEMONSTRATION", "enseigneCommercialeSite": "",
                    "complementDestinataire": "", "complementPointGeographique": "", "numeroVoie": "1",
                    "indiceRepetitionVoie": "", "codeTypeDeVoie": "AV", "libelleVoie": "DE LA REFERENCE",
                    "mentionDistribution": "", "bureauCedex": "57000 METZ", "codePostal": "57000",
                    "codeCommune": "57463", "codePays": "99000", "telephone": "", "telephone2": "",
                    "telecopie": "", "adresseEMail": "", "codeDepartement": "57",
                    "ancienIdentifiantDeLaStructure": "1990000010", "autoriteDenregistrement": ""
    });
    let expected = json!({
        "sub": told["sub"],
        "SubjectNameID": STAFF, "preferred_username": STAFF, "given_name": "ALIX", "family_name": "MODELE", "email_verified": false,
        "SubjectRole": [], "Secteur_Activite": "SA01^1.2.250.1.71.4.2.4",
        "SubjectOrganization": "HOPITAL DE DEMONSTRATION", "SubjectOrganizationID": "F990000010",
        "Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX",
        "PSI_Locale": "1.2.250.1.213.1.3.1.1", "UITVersion": "1.0",
        "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1", "authMode": "CARD",
        "otherIds": [{"identifiant": STAFF, "origine": "FINESS", "qualite": 1}],
        "SubjectRefPro": {
            // A card says no civility.
            "codeCivilite": "",
            "exercices": [{
                "codeProfession": "", "codeCategorieProfessionnelle": "", "codeCiviliteDexercice": "",
                "nomDexercice": "MODELE", "prenomDexercice": "ALIX", "codeTypeSavoirFaire": "", "codeSavoirFaire": "",
                "activities": [activity]
            }]
        }
    });
    assert_eq!(told, expected);
    // All that follows knows the person too: refresh, introspection, the next login, the session of the browser.
    let refreshed = cards.world.refresh("exemple", tokens["refresh_token"].as_str().unwrap()).await.json();
    let access = refreshed["access_token"].as_str().unwrap();
    assert_eq!(cards.world.introspect("exemple", access).await.json()["SubjectNameID"], STAFF);
    let silent = [request("exemple"), vec![("prompt", "none")]].concat();
    let answer = browser.step(&cards.world, &format!("/auth?{}", encoded(&silent))).await;
    assert!(query_of(answer.location()).contains_key("code"), "{}", answer.location());
    let again = cards.tokens(&mut Browser::default(), &card).await;
    assert_eq!(claims_of(again["id_token"].as_str().unwrap())["sub"], told["sub"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_comes_before_the_card_of_staff() {
    let mut cards = CardWorld::new().await;
    let card = cards.card(STAFF);
    let mut known = person(STAFF, "", vec![situation("9", "F990000010", "")]);
    known.exercices[0].categorie_professionnelle = String::new();
    cards.world.state(STAFF, Some(known.clone())).await;
    let tokens = cards.tokens(&mut Browser::default(), &card).await;
    let access = tokens["access_token"].as_str().unwrap();
    let told = cards.world.userinfo(access).await.json();
    assert_eq!((&told["family_name"], &told["SubjectRefPro"]["codeCivilite"]), (&json!("EXEMPLE"), &json!("MME")));
    assert_eq!(told["otherIds"], json!([{"identifiant": STAFF, "origine": "FINESS", "qualite": 1}]));
    // Where the directory closed them, the card does not open.
    known.exercices[0].situations[0].date_fin = "2026-01-31".into();
    cards.world.pass(10);
    cards.world.state(STAFF, Some(known)).await;
    assert_eq!(cards.world.follow().await, 1);
    assert_eq!(cards.world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
    let refused = cards.enter(&mut Browser::default(), "exemple", &card).await;
    assert!(refused.status == StatusCode::OK && refused.body.contains("Connexion impossible"), "{}", refused.body);
    // A card of a professional describes nobody: the directory must.
    let unknown = cards.card("899900000029");
    let refused = cards.enter(&mut Browser::default(), "exemple", &unknown).await;
    assert!(refused.status == StatusCode::OK && refused.body.contains("Connexion impossible"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opposed_card_ends_its_sessions_and_opens_no_other() {
    let mut cards = CardWorld::new().await;
    for id in [DOCTOR, STAFF] {
        let (card, spare) = (cards.card(id), cards.card(id));
        let tokens = cards.tokens(&mut Browser::default(), &card).await;
        let kept = cards.tokens(&mut Browser::default(), &spare).await;
        cards.oppose(id, &card).await;
        assert_eq!(cards.world.follow().await, 1, "the session of the card alone");
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(cards.world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(cards.world.userinfo(kept["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
        let told = Told::default();
        while cards.world.provider.tell_one_logout(&told).await.unwrap() {}
        let sids: Vec<Value> = told.tokens.lock().unwrap().iter().map(|(_, token)| claims_of(token)["sid"].clone()).collect();
        assert_eq!(sids, [tokens["session_state"].clone()], "the application is told of one session");
        let ends = cards.events("identity.session.end").await;
        assert_eq!(ends.last().unwrap()["reason"], "means-ended");
        // The certificate still stands; the register says otherwise.
        let refused = cards.enter(&mut Browser::default(), "exemple", &card).await;
        assert!(refused.status == StatusCode::OK && refused.body.contains("Carte refusée"), "{}", refused.body);
        assert_eq!(cards.events("identity.card.refused").await.last().unwrap()["reason"], "opposed");
        cards.code(&mut Browser::default(), "exemple", &spare).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_on_a_list_of_revocations_loses_its_sessions() {
    let mut cards = CardWorld::new().await;
    let (card, spare) = (cards.card(DOCTOR), cards.card(DOCTOR));
    let tokens = cards.tokens(&mut Browser::default(), &card).await;
    let kept = cards.tokens(&mut Browser::default(), &spare).await;
    cards.authority.revoke(&card);
    assert_eq!(cards.world.provider.check_all().await.unwrap(), 0, "the list is not there yet");
    cards.world.pass(1_000);
    cards.renew_lists();
    assert_eq!(cards.world.provider.check_all().await.unwrap(), 1, "the session of the card alone");
    let asked = [&tokens, &kept].map(|tokens| tokens["access_token"].as_str().unwrap());
    assert_eq!(cards.world.introspect("exemple", asked[0]).await.json(), json!({"active": false}));
    assert_eq!(cards.world.introspect("exemple", asked[1]).await.json()["active"], true);
    assert_eq!(cards.events("identity.session.end").await.last().unwrap()["reason"], "means-ended");
    // Lists that are over refuse new logins, and end nothing.
    cards.cards.store(Arc::new(cards.authority.card_authorities(NOW_MS - 400 * DAY_MS).unwrap()));
    assert_eq!(cards.world.provider.check_all().await.unwrap(), 0);
}

/// A client that is known by its certificate (RFC 8705), over the real listener.
#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_is_known_over_tls_and_its_tokens_are_bound() {
    let mut cards = CardWorld::new().await;
    let organisation = |common_name: &str| TestOrganisation {
        name: "EDITEUR EXEMPLE".into(),
        structure: "399900000300015".into(),
        common_name: common_name.into(),
    };
    let own = cards.authority.organisation(&organisation("app.exemple.test")).unwrap();
    let renewed = cards.authority.organisation(&organisation("app.exemple.test")).unwrap();
    let other = cards.authority.organisation(&organisation("autre.exemple.test")).unwrap();
    let card = cards.card(DOCTOR);
    let record = ClientRecord {
        token_endpoint_auth_method: ClientAuthentication::TlsClientAuth,
        secrets_sha256: vec![],
        tls_client_auth_subject_dn: Some("CN=app.exemple.test,OU=399900000300015,O=EDITEUR EXEMPLE,ST=Moselle (57),C=FR".into()),
        ..compat("confiance")
    };
    cards.world.register(record).await;
    let code = cards.code(&mut Browser::default(), "confiance", &card).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("client_id", "confiance")];
    let post = format!("POST {REALM}/protocol/openid-connect/token");
    let typed = [("Content-Type", "application/x-www-form-urlencoded")];
    for (with, why) in [(None, "none"), (Some(&other), "another subject"), (Some(&card), "a card is no organisation")] {
        let refused = cards.ask(MTLS, with, &post, &typed, &encoded(&form)).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{why}");
    }
    let tokens = cards.ask(MTLS, Some(&own), &post, &typed, &encoded(&form)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let tokens = tokens.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(claims_of(access)["cnf"]["x5t#S256"].is_string());

    let get = format!("GET {REALM}/protocol/openid-connect/userinfo");
    let bearer = format!("Bearer {access}");
    let ask =
        async |with: Option<&IssuedCertificate>| cards.ask(MTLS, with, &get, &[("Authorization", &bearer)], "").await.status;
    assert_eq!(ask(Some(&own)).await, StatusCode::OK);
    assert_eq!(ask(Some(&other)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Some(&renewed)).await, StatusCode::UNAUTHORIZED, "a renewed certificate has other tokens");
    assert_eq!(ask(Some(&card)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(cards.world.userinfo(access).await.status, StatusCode::UNAUTHORIZED, "without TLS");
    // A stranger writes headers; nothing but the handshake tells a certificate.
    let forged = [("Authorization", bearer.as_str()), ("Client-Cert", ":AQID:"), ("X-Client-Cert", "x")];
    assert_eq!(cards.ask(MTLS, None, &get, &forged, "").await.status, StatusCode::UNAUTHORIZED);

    // The renewed certificate keeps the client; the tokens of the former stay with the former.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "confiance")];
    assert_eq!(cards.ask(MTLS, Some(&renewed), &post, &typed, &encoded(&form)).await.error(), "invalid_grant");
    assert_eq!(cards.ask(MTLS, Some(&own), &post, &typed, &encoded(&form)).await.status, StatusCode::OK);
    cards.authority.revoke(&own);
    cards.world.pass(1_000);
    cards.renew_lists();
    assert_eq!(cards.ask(MTLS, Some(&own), &post, &typed, &encoded(&form)).await.error(), "invalid_client");
    let late = cards.ask(MTLS, Some(&own), &get, &[("Authorization", &bearer)], "").await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "a revoked certificate binds to nothing");
    // Pages of logins are not on this host.
    for path in ["/auth", "/auth/connexion/x", &format!("{REALM}/protocol/openid-connect/logout")] {
        assert_eq!(cards.ask(MTLS, Some(&own), &format!("GET {path}"), &[], "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
