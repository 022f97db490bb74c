//! The pages of `/e-cps/`: plain forms. Those that wait have a script, and do without.

use crate::activating::{ActivationView, OpenedActivation};
use crate::activation::ActivationStep;
use crate::answering::PhoneUse;
use crate::calls::{answered, read};
use crate::devices::{BlockedAsker, DeviceChange, SignedIn};
use crate::door::{DoorState, PhoneDoor, PhoneForm, PhoneFrame, STYLE, activation_cookie};
use crate::error::{PhoneError, PhoneRefusal};
use crate::french::french_time;
use crate::means::{ActivationMode, MeansState, ShownMeans};
use crate::prompt::DecisionOutcome;
use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::{any, get, post};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn routes(door: &PhoneDoor) -> Router<Arc<PhoneDoor>> {
    Router::new()
        .route("/e-cps/", get(home))
        .route("/e-cps", get(home_without_slash))
        .route(&door.style, get(style))
        .route("/e-cps/suivre.js", get(follow_script))
        .route("/e-cps/activation", post(start))
        .route("/e-cps/activation/carte", post(start_with_card))
        .route("/e-cps/activation/{link}", get(activation).post(open))
        .route("/e-cps/activation/{id}/code", post(screen_code))
        .route("/e-cps/appareils", get(devices))
        .route("/e-cps/appareils/debloquer", post(unblock))
        .route("/e-cps/appareils/{id}", post(change_device))
        .route("/e-cps/appareils/{id}/cle-acces/debut", post(start_passkey))
        .route("/e-cps/appareils/{id}/cle-acces/fin", post(finish_passkey))
        .route("/e-cps/historique", get(history))
        .route("/e-cps/{*rest}", any(missing))
}

#[derive(Template)]
#[template(path = "home.html")]
struct PhoneHomePage {
    frame: PhoneFrame,
    problem: String,
    national_id: String,
}

async fn home(State(door): DoorState) -> Response {
    door.page(StatusCode::OK, &PhoneHomePage { frame: door.frame(), problem: String::new(), national_id: String::new() })
}

async fn home_without_slash(State(door): DoorState) -> Response {
    door.see_other("/e-cps/")
}

async fn missing(State(door): DoorState) -> Response {
    door.message(StatusCode::NOT_FOUND, "Page inconnue", "Il n’y a rien à cette adresse. Revenez à l’accueil de l’e-CPS.")
}

async fn style() -> Response {
    let mut response = Response::new(Body::from(STYLE));
    for (name, value) in
        [(header::CONTENT_TYPE, "text/css;charset=UTF-8"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The script of pages that wait.
async fn follow_script() -> Response {
    let mut response = Response::new(Body::from(include_str!("../assets/follow.js")));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript;charset=UTF-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn start(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    if !door.is_our_form(&parts.headers) {
        return door.foreign_form();
    }
    let national_id: String = PhoneForm::read(&body).get("identifiant").chars().filter(|c| !c.is_whitespace()).collect();
    match door.service.start_activation(&national_id).await {
        Ok(_) => door.message(
            StatusCode::OK,
            "Consultez votre messagerie",
            "Si cet identifiant est connu, avec une adresse électronique et un numéro de mobile de correspondance, un courriel vient de \
             partir. Ouvrez son lien sur un ordinateur dans les 24 heures, et gardez votre téléphone près de vous.",
        ),
        Err(PhoneError::Refused(refusal)) => {
            let page = PhoneHomePage { frame: door.frame(), problem: refusal.french(), national_id };
            door.page(StatusCode::BAD_REQUEST, &page)
        }
        Err(error) => door.error(&parts, "ecps.start", &error),
    }
}

#[derive(Template)]
#[template(path = "open.html")]
struct OpenLinkPage<'a> {
    frame: PhoneFrame,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "activation.html")]
struct ActivationPage<'a> {
    frame: PhoneFrame,
    id: &'a str,
    link: &'a str,
    token: String,
    problem: String,
    qr: String,
    app_link: String,
    view: ActivationView,
    step: &'static str,
    card: bool,
}

/// What a browser opened, by its cookie.
fn opened(parts: &Parts, link: &str) -> Option<OpenedActivation> {
    let activation_id = link.split_once('.').map_or(link, |(id, _)| id).to_owned();
    Some(OpenedActivation { activation_id, cookie: activation_cookie(&parts.headers)? })
}

async fn activation(State(door): DoorState, Path(link): Path<String>, parts: Parts) -> Response {
    let Some(opened) = opened(&parts, &link) else {
        return door.page(StatusCode::OK, &OpenLinkPage { frame: door.frame(), link: &link });
    };
    match door.service.activation_view(&opened).await {
        Ok(view) => activation_page(&door, &link, &opened, view, String::new()),
        // The cookie is of another activation.
        Err(PhoneError::Refused(_)) => door.page(StatusCode::OK, &OpenLinkPage { frame: door.frame(), link: &link }),
        Err(error) => door.error(&parts, "ecps.activation", &error),
    }
}

fn activation_page(door: &PhoneDoor, link: &str, opened: &OpenedActivation, view: ActivationView, problem: String) -> Response {
    let code = view.code.clone().unwrap_or_default();
    // In the fragment, so that no server sees it on the way.
    let app_link = format!("{}/e-cps/app/#code={code}", door.service.settings.public_base);
    let drawn = QrCode::new(app_link.as_bytes()).map(|qr| qr.render::<svg::Color<'_>>().min_dimensions(240, 240).build());
    let drawn = drawn.unwrap_or_default();
    let qr = drawn.split_once("?>").map_or(drawn.as_str(), |(_, svg)| svg).to_owned();
    let step = match view.step {
        ActivationStep::Asked | ActivationStep::Over => "over",
        ActivationStep::Opened => "code",
        ActivationStep::PhoneBound => "bound",
        ActivationStep::Proven => "proven",
        ActivationStep::Done => "done",
    };
    let mut frame = door.frame();
    frame.refresh = match view.step {
        ActivationStep::Opened => (view.renewed_in_ms / 1_000 + 1).min(20),
        ActivationStep::PhoneBound if view.mode == ActivationMode::ContactData => 15,
        ActivationStep::Proven => 10,
        _ => 0,
    };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = ActivationPage {
        frame,
        id: &opened.activation_id,
        link,
        token: door.form_token(&opened.cookie),
        problem,
        qr,
        app_link,
        card: view.mode == ActivationMode::Card,
        view,
        step,
    };
    if page.frame.refresh > 0 { door.page_with_scripts(status, &page) } else { door.page(status, &page) }
}

fn with_cookie(door: &PhoneDoor, path: &str, cookie: &str) -> Response {
    let mut response = door.see_other(path);
    if let Ok(value) = HeaderValue::from_str(&door.activation_cookie(cookie)) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

async fn open(State(door): DoorState, Path(link): Path<String>, parts: Parts) -> Response {
    if !door.is_our_form(&parts.headers) {
        return door.foreign_form();
    }
    let cookie = activation_cookie(&parts.headers);
    match door.service.open_link(&link, cookie.as_deref()).await {
        Ok(opened) => with_cookie(&door, &format!("/e-cps/activation/{link}"), &opened.cookie),
        Err(error) => door.error(&parts, "ecps.open", &error),
    }
}

async fn start_with_card(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let who = match door.signed_in(&parts) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    if !door.is_our_form(&parts.headers) || !door.is_form_token(&who.sid, PhoneForm::read(&body).get("jeton")) {
        return door.foreign_form();
    }
    if !who.by_card {
        let text = "Pour activer un téléphone d’ici, connectez-vous avec votre carte. Sans carte, demandez l’activation par courriel et SMS.";
        return door.message(StatusCode::FORBIDDEN, "Carte nécessaire", text);
    }
    match door.service.start_with_card(&who.national_id).await {
        Ok(opened) => with_cookie(&door, &format!("/e-cps/activation/{}", opened.activation_id), &opened.cookie),
        Err(error) => door.error(&parts, "ecps.start_with_card", &error),
    }
}

async fn screen_code(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let form = PhoneForm::read(&body);
    let Some(opened) = opened(&parts, &id) else { return door.foreign_form() };
    if !door.is_our_form(&parts.headers) || !door.is_form_token(&opened.cookie, form.get("jeton")) {
        return door.foreign_form();
    }
    match door.service.check_screen_code(&opened, form.get("code")).await {
        Ok(()) => door.see_other(&format!("/e-cps/activation/{id}")),
        Err(PhoneError::Refused(refusal @ PhoneRefusal::WrongCode(_))) => match door.service.activation_view(&opened).await {
            Ok(view) => activation_page(&door, &id, &opened, view, refusal.french()),
            Err(error) => door.error(&parts, "ecps.code", &error),
        },
        Err(error) => door.error(&parts, "ecps.code", &error),
    }
}

/// A phone as the list shows it.
struct DeviceLine {
    means: ShownMeans,
    state: &'static str,
    created: String,
    expires: String,
    used: String,
    key: String,
    mode: &'static str,
    active: bool,
    suspended: bool,
    locked: bool,
    passkey: String,
    /// Whether a passkey may be added to it.
    takes_passkey: bool,
}

impl DeviceLine {
    fn new(means: ShownMeans, passkeys: bool) -> Self {
        Self {
            state: means.state.french(),
            created: french_time(means.created_ms),
            expires: french_time(means.expires_ms),
            used: means.last_used_ms.map_or_else(|| "jamais".to_owned(), french_time),
            key: means.key_thumbprint.chars().take(8).collect(),
            mode: match means.mode {
                ActivationMode::Card => "par carte",
                ActivationMode::ContactData => "par courriel et SMS",
            },
            active: means.state == MeansState::Active,
            suspended: means.state == MeansState::Suspended,
            locked: means.state == MeansState::Locked,
            passkey: match &means.passkey {
                None => "aucune".to_owned(),
                Some(passkey) if passkey.is_doubted => "à remplacer : elle a peut-être été copiée".to_owned(),
                Some(passkey) => {
                    let kind =
                        if passkey.is_synced { "synchronisée entre vos appareils" } else { "gardée par un seul appareil" };
                    format!("{kind}, ajoutée le {}", french_time(passkey.added_ms))
                }
            },
            takes_passkey: passkeys && means.state == MeansState::Active && means.passkey.is_none(),
            means,
        }
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: PhoneFrame,
    token: String,
    national_id: String,
    by_card: bool,
    /// Whether the login is recent enough to add a passkey.
    recent: bool,
    /// Where to log in again.
    again: String,
    /// Whether the page has buttons that need a script.
    scripted: bool,
    devices: Vec<DeviceLine>,
    blocked: Vec<(BlockedAsker, String)>,
}

async fn devices(State(door): DoorState, parts: Parts) -> Response {
    let who = match door.signed_in(&parts) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    let read = async { Ok((door.service.devices(&who).await?, door.service.blocked(&who).await?)) };
    match read.await {
        Ok((devices, blocked)) => {
            let passkeys = door.service.has_passkeys();
            let devices: Vec<DeviceLine> = devices.into_iter().map(|means| DeviceLine::new(means, passkeys)).collect();
            let recent = door.service.may_add_passkey(&who);
            let scripted = recent && devices.iter().any(|device| device.takes_passkey);
            let again = door.settings.sign_in.as_ref();
            let page = DevicesPage {
                frame: door.frame(),
                recent,
                scripted,
                again: again.map(|at| format!("{at}?retour={}/e-cps/appareils&de-nouveau=oui", door.root)).unwrap_or_default(),
                token: door.form_token(&who.sid),
                by_card: who.by_card,
                devices,
                blocked: blocked.into_iter().map(|one| (one.clone(), french_time(one.until_ms))).collect(),
                national_id: who.national_id,
            };
            if scripted { door.page_with_scripts(StatusCode::OK, &page) } else { door.page(StatusCode::OK, &page) }
        }
        Err(error) => door.error(&parts, "ecps.devices", &error),
    }
}

async fn change_device(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let who = match door.signed_in(&parts) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    let form = PhoneForm::read(&body);
    if !door.is_our_form(&parts.headers) || !door.is_form_token(&who.sid, form.get("jeton")) {
        return door.foreign_form();
    }
    let change = match form.get("action") {
        "renommer" => DeviceChange::Rename(form.get("nom").to_owned()),
        "suspendre" => DeviceChange::Suspend,
        "reactiver" => DeviceChange::Resume,
        "revoquer" => DeviceChange::Revoke,
        "retirer-cle" => DeviceChange::RemovePasskey,
        _ => return door.error(&parts, "ecps.device", &PhoneRefusal::Malformed("action").into()),
    };
    match door.service.change_device(&who, &id, &change).await {
        Ok(()) => door.see_other("/e-cps/appareils"),
        Err(error) => door.error(&parts, "ecps.device", &error),
    }
}

/// What the script of the page of devices sends.
#[derive(Deserialize)]
struct PasskeyForm {
    token: String,
    #[serde(default)]
    credential: Value,
}

/// The holder and what the script sent, when it ran on a page of ours.
fn passkey_form(door: &PhoneDoor, parts: &Parts, body: &Bytes) -> Result<(SignedIn, Value), Box<Response>> {
    let who = door.signed_in(parts)?;
    let form: PasskeyForm = read(body).map_err(|error| Box::new(answered(parts, "ecps.passkey", Err(error))))?;
    if !door.is_our_form(&parts.headers) || !door.is_form_token(&who.sid, &form.token) {
        return Err(Box::new(door.foreign_form()));
    }
    Ok((who, form.credential))
}

async fn start_passkey(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let (who, _) = match passkey_form(&door, &parts, &body) {
        Ok(sent) => sent,
        Err(answer) => return *answer,
    };
    let done = door.service.start_passkey_as(&who, &id).await;
    answered(&parts, "ecps.passkey", done.map(|options| (StatusCode::OK, options)))
}

async fn finish_passkey(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let (who, made) = match passkey_form(&door, &parts, &body) {
        Ok(sent) => sent,
        Err(answer) => return *answer,
    };
    let done = door.service.finish_passkey_as(&who, &id, &made).await;
    answered(&parts, "ecps.passkey", done.map(|passkey| (StatusCode::CREATED, json!(passkey))))
}

async fn unblock(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let who = match door.signed_in(&parts) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    let form = PhoneForm::read(&body);
    if !door.is_our_form(&parts.headers) || !door.is_form_token(&who.sid, form.get("jeton")) {
        return door.foreign_form();
    }
    match door.service.unblock(&who, form.get("cle")).await {
        Ok(()) => door.see_other("/e-cps/appareils"),
        Err(error) => door.error(&parts, "ecps.unblock", &error),
    }
}

#[derive(Template)]
#[template(path = "history.html")]
struct UsesPage {
    frame: PhoneFrame,
    uses: Vec<(PhoneUse, String, &'static str)>,
}

async fn history(State(door): DoorState, parts: Parts) -> Response {
    let who = match door.signed_in(&parts) {
        Ok(who) => who,
        Err(answer) => return *answer,
    };
    match door.service.uses(&who).await {
        Ok(uses) => {
            let line = |one: PhoneUse| {
                let outcome = match one.outcome {
                    DecisionOutcome::Approved => "Approuvée",
                    DecisionOutcome::WrongNumber => "Refusée : mauvais nombre",
                    DecisionOutcome::Refused => "Refusée",
                    DecisionOutcome::NotAsked => "Refusée : « Je n’ai rien demandé »",
                };
                let time = french_time(one.at_ms);
                (one, time, outcome)
            };
            door.page(StatusCode::OK, &UsesPage { frame: door.frame(), uses: uses.into_iter().map(line).collect() })
        }
        Err(error) => door.error(&parts, "ecps.history", &error),
    }
}
