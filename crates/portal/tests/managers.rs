//! The pages of managers and professionals, as browsers see them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::LotUpload;
use annuaire_workflow::state::RequestState;
use axum::http::StatusCode;
use world::{HEAD, NEIGHBOUR, REP, SITE, World};

/// Pages of managers that take no number.
const OF_MANAGERS: &[&str] = &[
    "/portail/gae",
    "/portail/gae/demandes",
    "/portail/gae/demandes/fichier/saisie",
    "/portail/gae/nouvelle",
    "/portail/gae/enregistrements",
    "/portail/gae/effectifs",
    "/portail/gae/effectifs/confirmation",
    "/portail/gae/anomalies",
    "/portail/gae/tableau",
    "/portail/gae/messages",
    "/portail/gae/professions",
    "/portail/gae/lots",
    "/portail/gae/identites",
];
/// Pages of registered professionals.
const OF_PROFESSIONALS: [&str; 12] = [
    "/portail/pro/pas-moi",
    "/portail/pro",
    "/portail/pro/coordonnees",
    "/portail/pro/situations",
    "/portail/pro/situations/ajouter",
    "/portail/pro/anomalies",
    "/portail/pro/acces",
    "/portail/pro/messages",
    "/portail/pro/demandes",
    "/portail/pro/attestation",
    "/portail/pro/attestation.pdf",
    "/portail/pro/mes-donnees.json",
];
/// Forms.
const FORMS: &[&str] = &[
    "/portail/gae/agir-pour",
    "/portail/gae/charte",
    "/portail/gae/nouvelle",
    "/portail/gae/demandes/P20261126000001/saisie",
    "/portail/gae/demandes/P20261126000001/decision",
    "/portail/gae/demandes/P20261126000001/soumettre",
    "/portail/gae/demandes/P20261126000001/abandonner",
    "/portail/gae/enregistrements",
    "/portail/gae/enregistrements/99900000011/demande",
    "/portail/gae/effectifs/confirmation",
    "/portail/gae/professions",
    "/portail/gae/identites/99900000011",
    "/portail/gae/lots",
    "/portail/gae/lots/1/soumettre",
    "/portail/gae/lots/1/valider",
    "/portail/gae/lots/1/tiers",
    "/portail/gae/anomalies",
    "/portail/pro/anomalies",
    "/portail/pro/pas-moi",
    "/portail/pro/coordonnees",
    "/portail/pro/coordonnees/confirmation",
    "/portail/pro/coordonnees/proposition",
    "/portail/pro/situations/demande",
    "/portail/pro/demandes/P20261126000001/saisie",
    "/portail/pro/demandes/P20261126000001/codes",
];

#[tokio::test]
async fn strangers_see_nothing_and_keep_what_they_typed() {
    let w = World::new().await;
    for path in OF_MANAGERS.iter().chain(&OF_PROFESSIONALS).chain(&[
        "/portail/gae/demandes/P20261126000001",
        "/portail/gae/lots/1",
        "/portail/gae/lots/1/tiers",
    ]) {
        let answer = w.get(None, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location.contains("retour="), "{path}: {}", answer.location);
    }
    for path in FORMS {
        let answer = w.post_plain(None, path, &[("nomFamille", "Gard\u{e9}e <b>")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        answer.says(&["value=\"Gard\u{e9}e &#60;b&#62;\"", "Reprendre ma saisie"]);
        let answer = w.post_plain(Some(SITE), path, &[("faire", "valider")]).await;
        assert!(matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST), "a form without token: {path}");
    }
    for path in ["/portail/pro/inscription", "/portail/pro/inscription/P20261126000001"] {
        assert_eq!(w.get(None, path).await.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(w.get(Some(SITE), path).await.status, StatusCode::SEE_OTHER, "a professional is no applicant: {path}");
    }
}

#[tokio::test]
async fn whoever_manages_nothing_is_told_what_to_do() {
    let w = World::new().await;
    for path in OF_MANAGERS {
        let answer = w.get(Some(REP), path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        answer.says(&["Vous n\u{2019}\u{ea}tes pas encore habilit\u{e9}", "Je suis repr\u{e9}sentant l\u{e9}gal"]);
    }
    for path in OF_PROFESSIONALS {
        assert_eq!(w.get(Some("899900000999"), path).await.status, StatusCode::FORBIDDEN, "nobody registered: {path}");
        assert_eq!(w.get(Some(SITE), path).await.status, StatusCode::OK, "{path}");
    }
    for path in OF_MANAGERS {
        assert_eq!(w.get(Some(SITE), path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_request_of_another_perimeter_is_not_shown() {
    let w = World::new().await;
    let site = w.manager(SITE).await;
    let filed = w.submitted(&site, "990000010", "Ondine", "Fictive").await;
    let path = format!("/portail/gae/demandes/{}", filed.number);
    w.get(Some(SITE), &path).await.page(StatusCode::OK, "Instruction de la demande").says(&["Ondine"]);
    w.get(Some(HEAD), &path).await.page(StatusCode::OK, "Instruction de la demande");
    w.get(Some(NEIGHBOUR), &path).await.page(StatusCode::FORBIDDEN, "Ce n\u{2019}est pas possible").hides(&["Ondine", "Fictive"]);
    for unknown in ["P20000101000001", "x", "..", "%00"] {
        let answer = w.get(Some(SITE), &format!("/portail/gae/demandes/{unknown}")).await;
        assert!(answer.status.is_client_error() || answer.status == StatusCode::CONFLICT, "{unknown}: {}", answer.status);
    }
    let decision = format!("{path}/decision");
    let stranger = w.post(NEIGHBOUR, &decision, &[("faire", "valider"), ("legal", "oui"), ("faceAFace", "oui")]).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_sent_twice_begins_one_request() {
    let w = World::new().await;
    let fields = [("structure", "990000010"), ("cle", "0123456789abcdef")];
    let first = w.post(SITE, "/portail/gae/nouvelle", &fields).await;
    let second = w.post(SITE, "/portail/gae/nouvelle", &fields).await;
    assert_eq!((first.status, &first.location), (StatusCode::SEE_OTHER, &second.location));
    // The key is that of a person.
    let other = w.post(HEAD, "/portail/gae/nouvelle", &fields).await;
    assert_ne!(first.location, other.location);
    // A structure of somebody else begins nothing.
    let elsewhere = w.post(SITE, "/portail/gae/nouvelle", &[("structure", "990000028"), ("cle", "another")]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    elsewhere.says(&["E-PER-01"]);
}

/// The sections of a form, as a browser sends them all with each button.
fn whole<'a>(version: &'a str, deed: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("version", version),
        ("civilite", "MME"),
        ("sexe", "F"),
        ("nomFamille", "Fictive"),
        ("prenom1", "Ondine"),
        ("dateNaissance", "14/03/1988"),
        ("paysNaissance", "France"),
        ("communeNaissance", "Sainte-Anne (97128)"),
        ("email", "ondine@personne.example"),
        ("mobile", "0639980101"),
        ("nomExercice", "Fictive"),
        ("prenomExercice", "Ondine"),
        ("structure", "990000010"),
        ("profession", "313"),
        ("role", "GENR11"),
        ("modeExercice", "S"),
        ("dateDebut", "02/11/2026"),
        ("faire", deed),
    ]
}

#[tokio::test]
async fn one_button_checks_everything_and_sends_it() {
    let w = World::new().await;
    let begun = w.post(SITE, "/portail/gae/nouvelle", &[("structure", "990000010"), ("cle", "k")]).await.location;
    let number = begun.rsplit('/').next().unwrap().to_owned();
    // A section that does not hold is told with its field; everything else that was typed is kept.
    let mut wrong = whole("1", "soumettre");
    wrong[5].1 = "31/02/1988";
    // Until the three sections are valid, the button says so, and can be reached and pressed all the same (registration §4.5).
    let early = "<button name=\"faire\" value=\"soumettre\" aria-disabled=\"true\" aria-describedby=\"manque\">Mise en instruction</button>";
    w.get(Some(SITE), &begun).await.says(&[early, "À valider d’abord&nbsp;: Etat civil, Données de contact, Situation"]);
    let told = format!("{begun}?controle=civil&manque=oui");
    w.post(SITE, &format!("{begun}/saisie"), &wrong).await.leads_to(&told);
    let page = w.get(Some(SITE), &told).await;
    let page = page.page(StatusCode::UNPROCESSABLE_ENTITY, "Nouvelle demande");
    let page = page.says(&[early, "href=\"#section-civil\"", "Toutes les sections doivent être validées\u{a0}: Etat civil."]);
    page.says(&["href=\"#dateNaissance\"", "Saisissez la date au format JJ/MM/AAAA", "value=\"ondine@personne.example\""]);
    // Again with the version of the page before: what is stored is what was sent, so that nobody is in conflict with themselves.
    w.post(SITE, &format!("{begun}/saisie"), &wrong).await.leads_to(&told);
    let sheet = w.registration.open_sheet(&w.manager(SITE).await, &number).await.unwrap();
    let version = sheet.version.to_string();
    let sent = w.post(SITE, &format!("{begun}/saisie"), &whole(&version, "soumettre")).await;
    sent.leads_to(&format!("{begun}/confirmation"));
    let page = w.get(Some(SITE), &format!("{begun}/confirmation")).await;
    page.says(&["Non renseign\u{e9}", "14 mars 1988", "pour Madame Ondine FICTIVE"]);
    let sheet = w.registration.open_sheet(&w.manager(SITE).await, &number).await.unwrap();
    assert_eq!(sheet.state, RequestState::S20);
}

#[tokio::test]
async fn two_versions_are_shown_side_by_side() {
    let w = World::new().await;
    let begun = w.post(SITE, "/portail/gae/nouvelle", &[("structure", "990000010"), ("cle", "k")]).await.location;
    w.post(HEAD, &format!("{begun}/saisie"), &whole("1", "enregistrer")).await.leads_to(&format!("{begun}?fait=enregistree"));
    let mut late = whole("1", "enregistrer");
    late[3].1 = "Tardive";
    let page = w.post(SITE, &format!("{begun}/saisie"), &late).await;
    let page = page.page(StatusCode::CONFLICT, "Deux saisies se croisent");
    page.says(&["Tardive", "Fictive", "Enregistrer ma saisie \u{e0} la place"]);
}

#[tokio::test]
async fn traits_are_in_no_address_and_searches_end() {
    let w = World::new().await;
    let fields = [
        ("civilite", "MME"),
        ("sexe", "F"),
        ("nomFamille", "Inconnue"),
        ("prenom1", "Personne"),
        ("dateNaissance", "01/01/1980"),
        ("paysNaissance", "France"),
        ("communeNaissance", "97128"),
        ("faire", "identite"),
    ];
    for _ in 0..10 {
        w.post(SITE, "/portail/gae/enregistrements", &fields)
            .await
            .page(StatusCode::OK, "Modifier un enregistrement")
            .says(&["Aucun professionnel ne correspond"]);
    }
    w.post(SITE, "/portail/gae/enregistrements", &fields).await.says(&["Trop de recherches sans r\u{e9}sultat"]);
    let found = w.post(HEAD, "/portail/gae/enregistrements", &[("rpps", &SITE[1..]), ("faire", "numero")]).await;
    found.leads_to(&format!("/portail/gae/enregistrements/{}", &SITE[1..]));
}

#[tokio::test]
async fn an_identity_that_the_register_does_not_know_is_verified_by_its_authority() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.get(Some(SITE), "/portail/gae").await.hides(&["à vérifier"]);
    w.get(Some(SITE), "/portail/gae/identites").await.says(&["0 identité à vérifier"]);
    w.pass(86_400_000);
    let r = &w.registration;
    let questions = r.civil_questions(&w.system).await.unwrap();
    r.civil_questions_sent(&w.system, &questions).await.unwrap();
    let unknown = annuaire_registry::CivilAnswer::Unknown;
    r.take_civil_answer(&w.system, &questions[0].reference, &unknown).await.unwrap();
    w.get(Some(SITE), "/portail/gae").await.says(&["1 identité à vérifier", "/portail/gae/identites"]);
    w.get(Some(SITE), "/portail/gae/identites").await.says(&[&rpps, "non certifiable", "27/11/2026"]);
    w.get(Some(SITE), &format!("/portail/gae/enregistrements/{rpps}")).await.says(&["non certifiable depuis le 27/11/2026"]);
    w.get(Some(&format!("8{rpps}")), "/portail/pro").await.says(&["Non certifiable", "depuis le 27/11/2026"]);
    let address = format!("/portail/gae/identites/{rpps}");
    w.get(Some(SITE), &address).await.says(&["Je confirme sur pièce d’identité", "Rectifier l’état civil"]);
    // Another authority neither sees nor does it.
    w.get(Some(NEIGHBOUR), "/portail/gae/identites").await.hides(&[&rpps]);
    assert_eq!(w.get(Some(NEIGHBOUR), &address).await.status, StatusCode::NOT_FOUND);
    let confirmed = [("faire", "confirmer"), ("document", "CNI"), ("vueLe", "26/11/2026")];
    assert_eq!(w.post(NEIGHBOUR, &address, &confirmed).await.status, StatusCode::FORBIDDEN);
    // A form without its token, and one that is not filled.
    let forged = w.post_plain(Some(SITE), &address, &confirmed).await.status;
    assert!(matches!(forged, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST), "{forged}");
    let wrong = w.post(SITE, &address, &[("faire", "confirmer"), ("document", "CNI"), ("vueLe", "demain")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["au format JJ/MM/AAAA", "value=\"demain\""]);
    w.post(SITE, &address, &confirmed).await.leads_to("/portail/gae/identites?fait=piece");
    w.get(Some(SITE), "/portail/gae/identites?fait=piece").await.says(&["Votre confirmation est enregistrée", "0 identité"]);
}

#[tokio::test]
async fn a_colleague_validates_a_list_at_once() {
    let w = World::new().await;
    let r = &w.registration;
    let columns = [
        "ref_externe",
        "civilite",
        "sexe",
        "nom_famille",
        "prenom",
        "date_naissance",
        "commune_naissance_insee",
        "email",
        "mobile",
        "finess",
        "profession",
        "role",
        "mode",
        "date_debut",
        "identite_verifiee",
        "information_faite",
    ];
    let line = |n: usize, role: &str| {
        let name = format!("Liste{}", ["a", "b", "c"][n]);
        let mail = format!("liste{n}@personne.example");
        let birth = format!("0{}/02/1987", n + 1);
        let mobile = format!("063998021{n}");
        [
            "RH",
            "MME",
            "F",
            &name,
            "Ondine",
            &birth,
            "57463",
            &mail,
            &mobile,
            "990000010",
            "313",
            role,
            "S",
            "02/11/2026",
            "FACE_A_FACE",
            "OUI",
        ]
        .iter()
        .enumerate()
        .map(|(at, text)| if at == 0 { format!("RH-{n}") } else { (*text).to_owned() })
        .collect()
    };
    let rows: Vec<Vec<String>> =
        vec![columns.map(str::to_owned).to_vec(), line(0, "GENR11"), line(1, "GENR11"), line(2, "GENR13")];
    let site = w.manager(SITE).await;
    let LotUpload::Kept(sheet) = r.upload_lot(&site, "embauche-martin.csv", rows).await.unwrap() else { panic!("a list") };
    assert_eq!((sheet.lot.ready, sheet.lot.warned), (2, 1), "{:?}", sheet.lines);
    r.submit_lot(&site, &sheet.lot.id).await.unwrap();
    r.run_lots(&w.system).await.unwrap();
    let path = format!("/portail/gae/lots/{}/tiers", sheet.lot.id);
    let title = "Valider la liste d’un autre gestionnaire";
    w.get(Some(HEAD), "/portail/gae/lots").await.says(&[&path, "SITE GESTION"]).hides(&["embauche-martin"]);
    w.get(Some(SITE), "/portail/gae/lots").await.hides(&[&path]);
    let page = w.get(Some(HEAD), &path).await.page(StatusCode::OK, title);
    page.says(&["LISTEA Ondine", "Valider les 2 lignes prêtes", "à ouvrir et à valider seule"]).hides(&["embauche-martin"]);
    for stranger in [SITE, NEIGHBOUR] {
        w.get(Some(stranger), &path).await.page(StatusCode::CONFLICT, "Ce n’est pas possible").hides(&["LISTEA"]);
        let answer = w.post(stranger, &path, &[("legal", "oui")]).await;
        answer.page(StatusCode::CONFLICT, "Ce n’est pas possible").hides(&["LISTEA"]);
    }
    let told = w.post(HEAD, &path, &[]).await.page(StatusCode::UNPROCESSABLE_ENTITY, title);
    told.says(&["href=\"#legal\"", "Vous devez confirmer l’exactitude"]);
    w.post(HEAD, &path, &[("legal", "oui")]).await.leads_to(&path);
    w.get(Some(HEAD), &path)
        .await
        .page(StatusCode::OK, title)
        .says(&["Validation en cours", "0 sur 1"])
        .hides(&["name=\"legal\""]);
    assert_eq!(r.run_lots(&w.system).await.unwrap().validated, 2);
    let page = w.get(Some(HEAD), &path).await.page(StatusCode::OK, title);
    let own = format!("/portail/gae/lots/{}", sheet.lot.id);
    w.get(Some(SITE), &own)
        .await
        .page(StatusCode::OK, "embauche-martin.csv")
        .says(&["Valider ce qui attend encore", "(E-LOT-08)"]);
    page.says(&["validation refusée", "Ouvrez cette demande et validez-la seule. (E-LOT-08)", "Traitement en cours (T02)"]);
}

#[tokio::test]
async fn whoever_did_not_ask_raises_an_alert_on_a_request_about_them() {
    let w = World::new().await;
    let site = w.manager(SITE).await;
    let (number, rpps) = w.registered(&site, "990000010", "Ondine", "ondine").await;
    let (other, _) = w.registered(&site, "990000010", "Basile", "basile").await;
    let (who, path) = (format!("8{rpps}"), "/portail/pro/pas-moi");
    w.get(Some(&who), "/portail/pro").await.says(&[path]);
    let title = "Ce n’est pas moi";
    w.get(Some(&who), path).await.page(StatusCode::OK, title).says(&[&number, "Primo enregistrement"]).hides(&[&other]);
    let chosen = format!("{path}?demande={number}");
    w.get(Some(&who), &chosen)
        .await
        .page(StatusCode::OK, title)
        .says(&["ne permettent plus de se connecter", "class=\"danger\""]);
    assert_eq!(w.get(Some(&who), &format!("{path}?demande={other}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(w.post(&who, path, &[("demande", &other)]).await.status, StatusCode::FORBIDDEN, "about somebody else");
    assert!(w.registration.means_withheld(&who).await.unwrap().is_none());
    w.post(&who, path, &[("demande", &number)]).await.leads_to(&format!("{path}?fait=gelees"));
    w.get(Some(&who), &format!("{path}?fait=gelees")).await.says(&["Votre alerte est transmise au support"]);
    assert!(annuaire_registry::means_frozen(&*w.registry, &who).await.unwrap());
    w.get(Some(SITE), path).await.page(StatusCode::OK, title).says(&["Aucune demande ne vous concerne"]);
}
