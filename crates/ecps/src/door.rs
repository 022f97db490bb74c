//! What every page and call of `/e-cps/` shares: who sent a form, cookies, headers of answers, errors.

use crate::devices::SignedIn;
use crate::error::PhoneError;
use crate::french::typeset;
use crate::limits;
use crate::mailbox::LocalMailbox;
use crate::service::PhoneService;
use annuaire_web::Arrival;
use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use std::sync::Arc;

/// The parts of a demonstration: everybody reads all messages and answers for all test users.
#[derive(Clone)]
pub struct PhoneDemo {
    /// The mailbox, shown at `/e-cps/messagerie`.
    pub mailbox: Arc<LocalMailbox>,
    /// National identifier and name of the test users of `/e-cps/simulateur`.
    pub people: Vec<(String, String)>,
}

/// What the pages need beside the service.
#[derive(Clone, Default)]
pub struct PhoneDoorSettings {
    /// Shows the warning that all data is fictional.
    pub fictional: bool,
    /// Address to which a person without a session is sent, with the page that was asked for as its parameter `retour`; `None`: a page says
    /// that a session is needed.
    pub sign_in: Option<String>,
    /// Serves the parts of a demonstration.
    pub demo: Option<PhoneDemo>,
}

/// Service and settings, as handlers get them.
pub(crate) struct PhoneDoor {
    pub service: Arc<PhoneService>,
    pub settings: PhoneDoorSettings,
    /// Scheme and host of the public address.
    origin: String,
    /// Path prefix of the public address: empty or `/…`.
    pub root: String,
    /// Path of the style sheet, without the prefix.
    pub style: String,
}

/// Service and settings, as handlers take them.
pub(crate) type DoorState = State<Arc<PhoneDoor>>;

pub(crate) const STYLE: &str = include_str!("../assets/style.css");

impl PhoneDoor {
    pub(crate) fn new(service: Arc<PhoneService>, settings: PhoneDoorSettings) -> Self {
        let base = &service.settings.public_base;
        let host = base.find("://").map_or(0, |at| at + 3);
        let path = base[host..].find('/').map_or(base.len(), |at| host + at);
        let (origin, root) = (base[..path].to_owned(), base[path..].trim_end_matches('/').to_owned());
        let hash = blake3::hash(STYLE.as_bytes()).to_hex();
        Self { service, settings, origin, root, style: format!("/e-cps/style.{}.css", &hash[..8]) }
    }

    /// Whether a form may have been sent by a page of this address. Browsers say it by `Sec-Fetch-Site`; older ones by `Origin`, which is `null`
    /// for our own pages, since they send no referrer. Forms that change something for a person have a token besides.
    pub(crate) fn is_our_form(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
            (Some(site), _) => site == "same-origin" || site == "none",
            (None, Some(origin)) => origin == self.origin || origin == "null",
            (None, None) => true,
        }
    }

    /// The token of the forms of a session or of an opened activation.
    pub(crate) fn form_token(&self, binding: &str) -> String {
        self.service.secrets.derived_handle("form", &[binding])
    }

    pub(crate) fn is_form_token(&self, binding: &str, given: &str) -> bool {
        annuaire_jose::equal(self.form_token(binding), given)
    }

    /// `Set-Cookie` of the cookie that binds the page of an activation to its browser.
    pub(crate) fn activation_cookie(&self, value: &str) -> String {
        let secure = if self.origin.starts_with("https:") { "; Secure" } else { "" };
        let seconds = limits::LINK_MS / 1_000;
        format!("{COOKIE}={value}; Path={}/e-cps; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.root)
    }

    /// A redirect that a browser follows with GET.
    pub(crate) fn see_other(&self, path: &str) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        if let Ok(value) = HeaderValue::from_str(&format!("{}{path}", self.root)) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        no_store(&mut response);
        response
    }
}

/// Name of the cookie of an activation.
const COOKIE: &str = "ecps-activation";

/// The cookie of an activation that a request brings.
pub(crate) fn activation_cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// The fields of a form.
pub(crate) struct PhoneForm(Vec<(String, String)>);

impl PhoneForm {
    pub(crate) fn read(body: &Bytes) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of a field, without blanks around it; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    }
}

pub(crate) fn no_store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Lets a page load its style sheet and send its forms to this server, and nothing else.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// As [`PAGE_POLICY`], with scripts of this server.
const SCRIPTED_PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Around the content of every page.
#[derive(Clone, Default)]
pub(crate) struct PhoneFrame {
    pub root: String,
    pub style: String,
    pub fictional: bool,
    pub demo: bool,
    /// Seconds after which a browser without script reads the page again; with script, it looks more often. Zero: the page does not wait.
    pub refresh: i64,
}

impl PhoneDoor {
    pub(crate) fn frame(&self) -> PhoneFrame {
        PhoneFrame {
            root: self.root.clone(),
            style: format!("{}{}", self.root, self.style),
            fictional: self.settings.fictional,
            demo: self.settings.demo.is_some(),
            refresh: 0,
        }
    }

    /// The answer with a page.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let (status, body) = match page.render() {
            Ok(body) => (status, body),
            Err(error) => {
                annuaire_web::record_internal_error("-", "ecps.page", &error.to_string());
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "La page ne peut pas être affichée. Réessayez dans quelques minutes.".to_owned(),
                )
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
            (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // The address of an activation is a secret.
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("x-robots-tag"), "noindex"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        no_store(&mut response);
        response
    }

    /// As [`page`](Self::page), for a page that runs scripts of this server, which talk to it alone.
    pub(crate) fn page_with_scripts(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = self.page(status, page);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPTED_PAGE_POLICY));
        response
    }

    /// A page that says one thing.
    pub(crate) fn message(&self, status: StatusCode, heading: &str, text: &str) -> Response {
        self.page(status, &PhoneMessagePage { frame: self.frame(), heading, text: &typeset(text) })
    }

    /// The page of an error: a refusal in its words, anything else with the number under which the operator finds the cause.
    pub(crate) fn error(&self, parts: &Parts, route: &'static str, error: &PhoneError) -> Response {
        match error {
            PhoneError::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
                // A page asks for no credential of HTTP.
                let status = if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status };
                self.message(status, "Ce n’est pas possible", &refusal.french())
            }
            PhoneError::Contended => {
                let text = "Plusieurs demandes se croisent. Revenez en arrière, puis réessayez.";
                self.message(StatusCode::SERVICE_UNAVAILABLE, "Réessayez dans un instant", text)
            }
            other => {
                let id = recorded(parts, route, other);
                let text = format!(
                    "Réessayez dans quelques minutes. Si l’erreur persiste, signalez-la avec ce numéro d’incident : {id}."
                );
                self.message(StatusCode::INTERNAL_SERVER_ERROR, "Une erreur est survenue", &text)
            }
        }
    }

    /// The person of the session, or the answer that leads to one.
    pub(crate) fn signed_in(&self, parts: &Parts) -> Result<SignedIn, Box<Response>> {
        if let Some(who) = parts.extensions.get::<SignedIn>() {
            return Ok(who.clone());
        }
        Err(Box::new(match &self.settings.sign_in {
            Some(address) => {
                let back = format!("{}{}", self.root, parts.uri.path());
                let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
                let mut response = self.see_other("");
                if let Ok(value) = HeaderValue::from_str(&format!("{address}?retour={back}")) {
                    response.headers_mut().insert(header::LOCATION, value);
                }
                response
            }
            None => {
                let text = "Cette page est la vôtre : connectez-vous avec votre carte ou votre e-CPS, puis revenez ici.";
                self.message(StatusCode::FORBIDDEN, "Connectez-vous", text)
            }
        }))
    }

    /// The answer to a form that no page of ours sent.
    pub(crate) fn foreign_form(&self) -> Response {
        let text = "Ce formulaire ne vient pas de cette page, ou votre session a changé. Rouvrez la page, puis réessayez.";
        self.message(StatusCode::FORBIDDEN, "Formulaire refusé", text)
    }
}

/// Writes the cause of an internal error to the operator's log, and gives the number of the request.
pub(crate) fn recorded(parts: &Parts, route: &'static str, error: &PhoneError) -> String {
    let id = parts.extensions.get::<Arrival>().map_or_else(|| "-".to_owned(), |arrival| arrival.id.clone());
    annuaire_web::record_internal_error(&id, route, &annuaire_web::cause_chain(error));
    id
}

#[derive(Template)]
#[template(path = "message.html")]
struct PhoneMessagePage<'a> {
    frame: PhoneFrame,
    heading: &'a str,
    text: &'a str,
}
