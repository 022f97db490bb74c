//! Pages of people who log in with civil traits (registration.md §4.2: SC02, M03).

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;

use crate::civil::{BirthPrecision, CivilIdentity, CivilSex};
use crate::error::RelyingError;
use crate::fault::LoginFault;
use crate::http::admission::AdmittedRequest;
use crate::http::answer::{RelyingFrame, give_cookie, page, redirected};
use crate::http::door::{BROWSER_COOKIE, CivilDoor, ProfessionalSessionOpen, SESSION_COOKIE, is_portal_page};
use crate::limits::{BROWSER_MS, SESSION_MS};

const CHOICE: &str = "/portail/pro/connexion";
const IDENTITY: &str = "/portail/pro/identite";
const LOGOUT_FORM: &str = "deconnexion";
const LOGOUT_STATE: &str = "retour de deconnexion ";

type Professional = Option<Extension<ProfessionalSessionOpen>>;

/// The choice of a means (SC02), and why the last try did not succeed (M03).
#[derive(Template)]
#[template(path = "choice.html")]
struct CivilChoicePage<'a> {
    frame: &'a RelyingFrame,
    /// Path and parameters of the form that leads to the professional means.
    professional_sign_in: &'a str,
    professional_parameters: Vec<(String, String)>,
    manager_page: &'a str,
    problem: Option<ChoiceProblem>,
    /// The page to which a login returns, when it is another one than usual.
    back: Option<&'a str>,
}

/// Why a login did not succeed, for the person.
struct ChoiceProblem {
    is_neutral: bool,
    text: String,
    code: String,
    incident: String,
}

/// What was received.
#[derive(Template)]
#[template(path = "identity.html")]
struct CivilIdentityPage<'a> {
    frame: &'a RelyingFrame,
    rows: Vec<(&'static str, String)>,
    missing: String,
    took_over: bool,
    proof: String,
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct RelyingMessagePage<'a> {
    frame: &'a RelyingFrame,
    title: &'a str,
    text: &'a str,
}

/// Binds signs to the word before them, so that no line begins with one.
fn bound(text: &str) -> String {
    [":", ";", "?", "!"].iter().fold(text.to_owned(), |text, sign| text.replace(&format!(" {sign}"), &format!("\u{a0}{sign}")))
}

fn parameter(bytes: &[u8], name: &str) -> Option<String> {
    if bytes.len() > crate::limits::QUERY_BYTES {
        return None;
    }
    form_urlencoded::parse(bytes).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The page to which a query asks to return.
fn return_page(query: Option<&str>) -> Option<String> {
    parameter(query.unwrap_or_default().as_bytes(), "retour").filter(|path| is_portal_page(path))
}

impl CivilDoor {
    fn choice_page(
        &self,
        request: &AdmittedRequest,
        status: StatusCode,
        problem: Option<ChoiceProblem>,
        back: Option<&str>,
    ) -> Response {
        let (path, query) = self.professional_sign_in.split_once('?').unwrap_or((&self.professional_sign_in, ""));
        let shown = CivilChoicePage {
            frame: &self.frame,
            professional_sign_in: path,
            professional_parameters: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                // Whoever asked for a page comes back to it by either means.
                .map(|(name, value)| if name == "retour" { (name, back.map_or(value, str::to_owned)) } else { (name, value) })
                .collect(),
            manager_page: &self.manager_page,
            problem,
            back,
        };
        page(&self.frame, request, status, &shown)
    }

    /// The page after a login that did not succeed.
    fn failed(&self, request: &AdmittedRequest, fault: &LoginFault) -> Response {
        let status = match fault {
            LoginFault::Cancelled => StatusCode::OK,
            LoginFault::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            LoginFault::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            LoginFault::ProfessionalSession => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        // What the provider or the installation did wrong is the operator's to look at; what a browser did wrong is not.
        if matches!(
            fault,
            LoginFault::Internal(_)
                | LoginFault::Unreachable { .. }
                | LoginFault::Answer { .. }
                | LoginFault::Exchange(_)
                | LoginFault::IdToken(_)
                | LoginFault::UserInfo(_)
                | LoginFault::Trait(_)
        ) {
            request.record(&annuaire_web::cause_chain(fault));
        }
        let problem = ChoiceProblem {
            is_neutral: matches!(fault, LoginFault::Cancelled),
            text: bound(fault.french()),
            code: fault.code(),
            incident: request.id.clone(),
        };
        self.choice_page(request, status, Some(problem), None)
    }

    fn civil_message(&self, request: &AdmittedRequest, status: StatusCode, title: &str, text: &str) -> Response {
        page(&self.frame, request, status, &RelyingMessagePage { frame: &self.frame, title, text: &bound(text) })
    }

    fn civil_incident(&self, request: &AdmittedRequest, error: &RelyingError) -> Response {
        request.record(&annuaire_web::cause_chain(error));
        let text = format!(
            "Réessayez dans quelques minutes. Si l’erreur persiste, signalez-la avec ce numéro d’incident : {}.",
            request.id
        );
        self.civil_message(request, StatusCode::INTERNAL_SERVER_ERROR, "Une erreur est survenue", &text)
    }

    fn give(&self, response: &mut Response, name: &str, value: &str, ms: i64) {
        give_cookie(response, name, value, ms / 1_000, self.frame.is_encrypted);
    }
}

/// `GET /portail/pro/connexion?retour=…`
pub(crate) async fn choice(State(door): State<Arc<CivilDoor>>, request: AdmittedRequest, RawQuery(query): RawQuery) -> Response {
    door.choice_page(&request, StatusCode::OK, None, return_page(query.as_deref()).as_deref())
}

/// `GET /portail/pro/franceconnect?retour=…`
pub(crate) async fn begin(
    State(door): State<Arc<CivilDoor>>,
    professional: Professional,
    request: AdmittedRequest,
    RawQuery(query): RawQuery,
) -> Response {
    if professional.is_some() {
        return door.failed(&request, &LoginFault::ProfessionalSession);
    }
    if let Some(response) = only_get(&request) {
        return response;
    }
    let back = return_page(query.as_deref()).unwrap_or_else(|| IDENTITY.to_owned());
    let browser = door.cookie(&request.headers, BROWSER_COOKIE);
    match door.party.begin(door.now_ms(), &back, browser.as_deref()).await {
        Ok(begun) => {
            let mut response = redirected(&begun.location);
            door.give(&mut response, BROWSER_COOKIE, &begun.cookie, BROWSER_MS);
            response
        }
        Err(fault) => door.failed(&request, &fault),
    }
}

/// `GET /portail/pro/franceconnect/retour?code=…&state=…`
pub(crate) async fn returned(
    State(door): State<Arc<CivilDoor>>,
    professional: Professional,
    request: AdmittedRequest,
    RawQuery(query): RawQuery,
) -> Response {
    if let Some(response) = only_get(&request) {
        return response;
    }
    if professional.is_some() {
        return door.failed(&request, &LoginFault::ProfessionalSession);
    }
    match finish(&door, &request, &query.unwrap_or_default()).await {
        Ok((cookie, back)) => {
            let mut response = redirected(&back);
            door.give(&mut response, SESSION_COOKIE, &cookie, SESSION_MS);
            response
        }
        Err(fault) => door.failed(&request, &fault),
    }
}

/// The cookie of the new session, and the page to go to.
async fn finish(door: &CivilDoor, request: &AdmittedRequest, query: &str) -> Result<(String, String), LoginFault> {
    let now_ms = door.now_ms();
    let browser = door.cookie(&request.headers, BROWSER_COOKIE);
    let login = door.party.finish(now_ms, query, browser.as_deref()).await?;
    let identity = match CivilIdentity::read(&login.claims) {
        Ok(identity) => identity,
        Err(fault) => {
            door.party.note(now_ms, &fault).await?;
            return Err(fault);
        }
    };
    let former = door.cookie(&request.headers, SESSION_COOKIE);
    let opened = door.sessions.open(now_ms, &login, identity, former.as_deref()).await?;
    let back = if is_portal_page(&login.return_page) { login.return_page } else { IDENTITY.to_owned() };
    Ok((opened.cookie, back))
}

/// A link that is looked at with HEAD begins no login and uses no code up.
fn only_get(request: &AdmittedRequest) -> Option<Response> {
    (request.method == Method::HEAD).then(|| {
        let mut response = redirected(CHOICE);
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().remove(header::LOCATION);
        crate::http::answer::set(&mut response, header::ALLOW, "GET");
        response
    })
}

/// `GET /portail/pro/identite`
pub(crate) async fn identity(State(door): State<Arc<CivilDoor>>, request: AdmittedRequest) -> Response {
    let Some(cookie) = door.cookie(&request.headers, SESSION_COOKIE) else { return redirected(CHOICE) };
    let session = match door.sessions.find(door.now_ms(), &cookie).await {
        Ok(Some(session)) => session,
        Ok(None) => return redirected(CHOICE),
        Err(error) => return door.civil_incident(&request, &error),
    };
    let shown = CivilIdentityPage {
        frame: &door.frame,
        rows: told_rows(&session.identity),
        missing: session.identity.missing().join(", "),
        took_over: session.took_over,
        proof: door.proof(&cookie, LOGOUT_FORM),
    };
    page(&door.frame, &request, StatusCode::OK, &shown)
}

/// The traits by the words of the form (SC20).
fn told_rows(identity: &CivilIdentity) -> Vec<(&'static str, String)> {
    const NONE: &str = "non transmis";
    let or_none = |told: Option<&str>| told.unwrap_or(NONE).to_owned();
    let sex = match identity.sex() {
        Some(CivilSex::F) => "féminin",
        Some(CivilSex::M) => "masculin",
        None => NONE,
    };
    let born = identity.birth_date();
    let birth = match identity.birth_precision() {
        Some(BirthPrecision::Day) => format!("{}/{}/{}", &born[8..], &born[5..7], &born[..4]),
        Some(BirthPrecision::Month) => format!("{}/{} (jour inconnu)", &born[5..7], &born[..4]),
        Some(BirthPrecision::Year) => format!("{} (jour et mois inconnus)", &born[..4]),
        None => NONE.to_owned(),
    };
    let place = match (identity.birth_commune(), identity.birth_country()) {
        (None, Some(country)) if country != "99100" => "à l’étranger".to_owned(),
        (commune, _) => or_none(commune),
    };
    let first_names = identity.first_names().join(", ");
    vec![
        ("Nom de famille", or_none(Some(identity.birth_name()).filter(|name| !name.is_empty()))),
        ("Nom d’usage", or_none(identity.usual_name())),
        ("Prénoms", or_none(Some(first_names.as_str()).filter(|names| !names.is_empty()))),
        ("Sexe", sex.to_owned()),
        ("Date de naissance", birth),
        ("Commune de naissance (code INSEE)", place),
        ("Pays de naissance (code INSEE)", or_none(identity.birth_country())),
        ("Adresse électronique", or_none(identity.email())),
    ]
}

/// `POST /portail/pro/deconnexion`
pub(crate) async fn log_out(State(door): State<Arc<CivilDoor>>, request: AdmittedRequest, form: Bytes) -> Response {
    let Some(cookie) = door.cookie(&request.headers, SESSION_COOKIE) else { return redirected(CHOICE) };
    let proof = parameter(&form, "proof").unwrap_or_default();
    if !door.is_proof(&cookie, LOGOUT_FORM, &proof) {
        let text = "Ce formulaire ne vient pas de cette page, ou votre session a changé. Rouvrez la page, puis réessayez.";
        return door.civil_message(&request, StatusCode::FORBIDDEN, "Formulaire refusé", text);
    }
    let now_ms = door.now_ms();
    let mut response = match door.sessions.end(now_ms, &cookie).await {
        Ok(None) => redirected(CHOICE),
        Err(error) => return door.civil_incident(&request, &error),
        Ok(Some(ended)) => {
            let random = door.rows.handle();
            let browser = door.cookie(&request.headers, BROWSER_COOKIE).unwrap_or_default();
            let state = format!("{random}.{}", door.proof(&browser, &format!("{LOGOUT_STATE}{random}")));
            match door.party.logout_location(now_ms, &ended.id_token, &state).await {
                Ok(Some(location)) => redirected(&location),
                Ok(None) => redirected("/portail/pro/deconnecte"),
                Err(fault) => {
                    request.record(&annuaire_web::cause_chain(&fault));
                    let text = "Vous êtes déconnecté du portail, mais FranceConnect ne répond pas. Sur un ordinateur partagé, \
                                fermez toutes les fenêtres du navigateur.";
                    door.civil_message(&request, StatusCode::OK, "Vous êtes déconnecté", text)
                }
            }
        }
    };
    door.give(&mut response, SESSION_COOKIE, "", 0);
    response
}

/// `GET /portail/pro/deconnecte?state=…`
pub(crate) async fn left(State(door): State<Arc<CivilDoor>>, request: AdmittedRequest, RawQuery(query): RawQuery) -> Response {
    let state = parameter(query.unwrap_or_default().as_bytes(), "state").unwrap_or_default();
    let browser = door.cookie(&request.headers, BROWSER_COOKIE).unwrap_or_default();
    let is_ours =
        state.split_once('.').is_some_and(|(random, proof)| door.is_proof(&browser, &format!("{LOGOUT_STATE}{random}"), proof));
    let is_open = match door.person(&request.headers).await {
        Ok(person) => person.is_some(),
        Err(error) => return door.civil_incident(&request, &error),
    };
    match (is_open, is_ours) {
        // A link from elsewhere ends nothing, and does not say so.
        (true, _) => redirected(IDENTITY),
        (false, true) => {
            let text = "Vous êtes déconnecté du portail et de FranceConnect.";
            door.civil_message(&request, StatusCode::OK, "Vous êtes déconnecté", text)
        }
        (false, false) => {
            door.civil_message(&request, StatusCode::OK, "Vous êtes déconnecté", "Vous n’êtes pas connecté au portail.")
        }
    }
}
