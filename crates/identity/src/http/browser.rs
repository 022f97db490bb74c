//! What the provider knows of a browser: its cookies, the forms that it was given, and the pages that it gets.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::admission::EndpointCaller;
use crate::http::answer::{set, set_cookie};
use crate::limits::{LOGIN_MS, SESSION_MS};
use crate::provider::Provider;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrowserCookie {
    /// Binds logins that are under way to the browser that began them.
    Browser,
    /// The session.
    Session,
    /// National identifier to propose, when the person wanted that.
    Remembered,
}

impl BrowserCookie {
    const fn name(self) -> &'static str {
        match self {
            Self::Browser => "annuaire-navigateur",
            Self::Session => "annuaire-session",
            Self::Remembered => "annuaire-identifiant",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Browser => LOGIN_MS * 6 / 1_000,
            Self::Session => SESSION_MS / 1_000,
            Self::Remembered => 180 * 86_400,
        }
    }
}

impl Provider {
    /// Name of a cookie: over TLS with the prefix that keeps it to this host (RFC 6265bis §4.1.3.2).
    fn cookie_name(&self, cookie: BrowserCookie) -> String {
        if self.addresses.is_encrypted() { format!("__Host-{}", cookie.name()) } else { cookie.name().to_owned() }
    }

    /// Value of a cookie of a request.
    pub(crate) fn cookie(&self, headers: &HeaderMap, cookie: BrowserCookie) -> Option<String> {
        let name = self.cookie_name(cookie);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = values.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
        value.filter(|value| !value.is_empty() && value.len() <= 128)
    }

    /// Gives a cookie to a browser; an empty value takes it away.
    pub(crate) fn give_cookie(&self, response: &mut Response, cookie: BrowserCookie, value: &str) {
        let (name, secure) = (self.cookie_name(cookie), if self.addresses.is_encrypted() { "; Secure" } else { "" });
        let age = if value.is_empty() { 0 } else { cookie.seconds() };
        set_cookie(response, &format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"));
    }

    /// The value that a form carries back: it shows that the form was given to this browser, for this purpose.
    pub(crate) fn form_proof(&self, browser: &str, purpose: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.form_key);
        hasher.update(browser.as_bytes()).update(b"\0").update(purpose.as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize().as_bytes())
    }

    /// Whether a form was given to this browser for this purpose.
    pub(crate) fn is_our_form(&self, browser: &str, purpose: &str, proof: Option<&str>) -> bool {
        let expected = self.form_proof(browser, purpose);
        proof.is_some_and(|proof| annuaire_jose::equal(proof, &expected))
    }

    /// What every page shows around its content.
    pub(crate) fn frame(&self) -> Frame {
        Frame { style: self.style.clone(), fictional: self.sandbox }
    }

    /// The answer with a page. `form_targets` are origins to which its forms lead, besides ours.
    pub(crate) fn page(
        &self,
        caller: &EndpointCaller,
        status: StatusCode,
        page: &impl Template,
        form_targets: &[String],
    ) -> Response {
        let (status, body) = match page.render() {
            Ok(body) => (status, body),
            Err(error) => {
                annuaire_web::record_internal_error(&caller.id, caller.route, &error.to_string());
                (StatusCode::INTERNAL_SERVER_ERROR, format!("La page ne peut pas être affichée (incident {}).", caller.id))
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let targets = form_targets.iter().fold(String::new(), |all, target| format!("{all} {target}"));
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{targets}; base-uri 'none'; frame-ancestors 'none'"
        );
        set(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
        if self.addresses.is_encrypted() {
            set(&mut response, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        response
    }

    /// As [`page`](Self::page), for a page that runs a script of ours, which talks to this server alone.
    pub(crate) fn page_with_script(
        &self,
        caller: &EndpointCaller,
        status: StatusCode,
        page: &impl Template,
        form_targets: &[String],
    ) -> Response {
        let mut response = self.page(caller, status, page, form_targets);
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
        let policy = format!("{}; script-src 'self'; connect-src 'self'", policy.unwrap_or("default-src 'none'"));
        set(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
        response
    }

    /// A page that says one thing, and where to go from there.
    pub(crate) fn message(&self, caller: &EndpointCaller, status: StatusCode, title: &str, text: &str) -> Response {
        let page =
            ProviderMessage { frame: self.frame(), title: title.to_owned(), text: text.to_owned(), back: None, link: None };
        self.page(caller, status, &page, &[])
    }

    /// The page of a failure of ours: the operator finds the cause under the number.
    pub(crate) fn incident(&self, caller: &EndpointCaller, error: &crate::error::Error) -> Response {
        caller.record(error);
        let text = format!(
            "Le service ne peut pas répondre pour le moment. Réessayez dans quelques minutes. Si l’erreur persiste, signalez-la avec \
             ce numéro d’incident : {}.",
            caller.id
        );
        self.message(caller, StatusCode::INTERNAL_SERVER_ERROR, "Une erreur est survenue", &text)
    }
}

/// What every page shows around its content.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Path of the style sheet.
    pub(crate) style: String,
    /// Shows that everything is fictional.
    pub(crate) fictional: bool,
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct ProviderMessage {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) text: String,
    /// The form that leads back to the client.
    pub(crate) back: Option<BackForm>,
    /// Where to choose another means.
    pub(crate) link: Option<String>,
}

/// The form that answers the client with a refusal, or begins again.
pub(crate) struct BackForm {
    pub(crate) action: String,
    pub(crate) proof: String,
    pub(crate) client_name: String,
    /// Whether the person may try again.
    pub(crate) again: bool,
}

/// A browser and its system in words, of `User-Agent`: what a person recognises, and no more.
pub(crate) fn browser_label(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first =
        |names: &[(&'static str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} sur {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => "Navigateur inconnu".to_owned(),
    }
}
