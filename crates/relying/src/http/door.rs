//! The door of people who log in with civil traits: what it is made of, and its routes.

use std::sync::Arc;

use annuaire_jose::equal;
use annuaire_store::{Entropy, Registry};
use annuaire_web::Gate;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::calls::ProviderCaller;
use crate::error::RelyingError;
use crate::http::admission::cookie;
use crate::http::answer::{RelyingFrame, cookie_name};
use crate::limits::PAGE_BYTES;
use crate::provider::RelyingSettings;
use crate::relying::{RelyingParts, RelyingParty};
use crate::rows::{RelyingRows, is_handle};
use crate::session::{CivilSession, CivilSessions};

/// The cookie of the session.
pub(crate) const SESSION_COOKIE: &str = "annuaire-civil";
/// The cookie that binds logins and logouts to a browser.
pub(crate) const BROWSER_COOKIE: &str = "annuaire-civil-navigateur";
const FORM_PURPOSE: &str = "annuaire 2026-11 forms of civil pages";

/// What the door is made of.
pub struct CivilDoorSettings {
    /// Where rows are.
    pub registry: Arc<dyn Registry>,
    /// Random bytes.
    pub entropy: Entropy,
    /// The clock, milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Secret of the installation.
    pub secret: [u8; 32],
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// The provider, and what we are there.
    pub provider: RelyingSettings,
    /// Who calls it.
    pub caller: Arc<dyn ProviderCaller>,
    /// Path of the style sheet of all pages.
    pub style: String,
    /// Whether all people are fictional.
    pub is_fictional: bool,
    /// Where a person logs in with a professional means.
    pub professional_sign_in: String,
    /// Where the managers of structures log in.
    pub manager_page: String,
}

/// Put into the extensions of a request by who knows that a professional session is open in the browser: then no civil login begins or ends
/// there, so that two persons are not taken for one (identity.md §5, 10).
#[derive(Debug, Clone, Copy)]
pub struct ProfessionalSessionOpen;

/// The door of people who log in with civil traits.
pub struct CivilDoor {
    pub(crate) party: RelyingParty,
    pub(crate) sessions: CivilSessions,
    pub(crate) rows: RelyingRows,
    pub(crate) frame: RelyingFrame,
    pub(crate) professional_sign_in: String,
    pub(crate) manager_page: String,
    pub(crate) gate: Arc<Gate>,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    form_key: [u8; 32],
}

impl CivilDoor {
    /// A door.
    ///
    /// # Errors
    /// [`RelyingError::Setting`] for settings of the provider that no login can succeed with.
    pub fn new(settings: CivilDoorSettings) -> Result<Arc<Self>, RelyingError> {
        let CivilDoorSettings { registry, entropy, now_ms, secret, gate, provider, caller, style, .. } = settings;
        let frame = RelyingFrame {
            style,
            is_fictional: settings.is_fictional,
            is_encrypted: provider.redirect_uri.starts_with("https://"),
            is_plain_accepted: provider.is_plain_accepted,
        };
        let rows = RelyingRows::new(Arc::clone(&registry), Arc::clone(&entropy));
        let party = RelyingParty::new(provider, RelyingParts { registry, entropy, secret, caller })?;
        Ok(Arc::new(Self {
            party,
            sessions: CivilSessions::new(rows.clone(), &secret),
            rows,
            frame,
            professional_sign_in: settings.professional_sign_in,
            manager_page: settings.manager_page,
            gate,
            now_ms,
            form_key: blake3::derive_key(FORM_PURPOSE, &secret),
        }))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.now_ms)()
    }

    /// The value of a cookie of ours.
    pub(crate) fn cookie(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        cookie(headers, &cookie_name(name, self.frame.is_encrypted)).filter(|value| is_handle(value))
    }

    /// The value that a form or a logout carries back: it shows that it was given to this browser, for this purpose.
    pub(crate) fn proof(&self, holder: &str, purpose: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.form_key);
        hasher.update(holder.as_bytes()).update(b"\0").update(purpose.as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize().as_bytes())
    }

    pub(crate) fn is_proof(&self, holder: &str, purpose: &str, given: &str) -> bool {
        equal(given, self.proof(holder, purpose))
    }

    /// The person of a request's session, if there is one.
    ///
    /// # Errors
    /// When the database fails, or the row does not open.
    pub async fn person(&self, headers: &HeaderMap) -> Result<Option<CivilSession>, RelyingError> {
        match self.cookie(headers, SESSION_COOKIE) {
            Some(cookie) => self.sessions.find(self.now_ms(), &cookie).await,
            None => Ok(None),
        }
    }

    /// Removes logins and sessions that are over, up to a thousand of each kind; returns how many. For the housekeeping of the program.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, RelyingError> {
        self.sessions.sweep(self.now_ms()).await
    }
}

/// Whether a login may return to this page: a path of the portal.
pub(crate) fn is_portal_page(path: &str) -> bool {
    let is_plain = !path.contains("//") && !path.contains("..") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    is_plain && path.len() <= PAGE_BYTES && path.starts_with("/portail/")
}

/// Puts the [`CivilSession`] of a browser into its requests; without one, the request goes on without.
pub async fn tell_civil(State(door): State<Arc<CivilDoor>>, mut request: Request, next: Next) -> Response {
    match door.person(request.headers()).await {
        Ok(Some(person)) => drop(request.extensions_mut().insert(person)),
        Ok(None) => {}
        Err(error) => annuaire_web::record_internal_error("", "civil.session", &annuaire_web::cause_chain(&error)),
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::is_portal_page;

    #[test]
    fn a_login_returns_to_the_portal_alone() {
        for (path, is) in [
            ("/portail/pro/identite", true),
            ("/portail/pro?x=1", true),
            ("/portail", false),
            ("//evil.test/portail/", false),
            ("https://evil.test/portail/", false),
            ("/portail/../auth", false),
            ("/portail//evil", false),
            ("/portail/\\evil", false),
            ("/portail/\r\nx", false),
        ] {
            assert_eq!(is_portal_page(path), is, "{path}");
        }
        assert!(!is_portal_page(&format!("/portail/{}", "x".repeat(600))));
    }
}
