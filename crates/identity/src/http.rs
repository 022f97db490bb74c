//! Endpoints and pages of the provider.

pub(crate) mod admission;
pub(crate) mod answer;
mod authorize;
mod backchannel;
mod browser;
pub(crate) mod card;
mod client_auth;
mod discovery;
mod login;
mod logout;
pub(crate) mod own_pages;
mod resources;
mod sandbox;
mod script;
mod token;
mod waiting;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use crate::error::Error;
use crate::http::admission::{EndpointAdmission, admit};
use crate::limits::BODY_BYTES;
use crate::provider::{Provider, REALM};

/// The endpoints and pages of the provider.
///
/// | Path | Who may call |
/// |---|---|
/// | `/auth`, `/auth/connexion/…`, `/auth/deconnexion` | anyone: browsers; a login belongs to the browser that began it |
/// | `…/.well-known/…`, `…/certs` | anyone |
/// | `…/token`, `…/token/introspect`, `…/revoke`, `…/ext/…` | clients, each by its registered way |
/// | `…/userinfo` | holders of an access token |
/// | `…/logout` | anyone; without a hint, the person confirms |
/// | `/auth/bac-a-sable/…` | anyone, in a demonstration alone |
pub fn router(provider: &Arc<Provider>) -> Router {
    let admitted = admission(provider);
    let mut router = client_endpoints(provider);
    for path in ["openid-configuration", "wallet-openid-configuration"] {
        let route = format!("{REALM}/.well-known/{path}");
        router = router.route(&route, admitted("identity.metadata", get(discovery::configuration)));
    }
    router = router
        .route("/auth", admitted("identity.authorize", get(authorize::authorize).post(authorize::authorize)))
        .route("/auth/connexion/{id}", admitted("identity.login", get(login::show).post(login::act)))
        .route("/auth/connexion/{id}/attente", admitted("identity.wait", get(login::wait)))
        .route("/auth/connexion/{id}/etat", admitted("identity.wait", get(waiting::state)))
        .route("/auth/attente.js", admitted("identity.wait", get(waiting::script)))
        .route("/auth/connexion/{id}/carte", admitted("identity.ticket", get(login::with_card)))
        .route("/auth/deconnexion", admitted("identity.logout", get(logout::confirm).post(logout::confirmed)))
        .route(&script::script_path(), admitted("identity.script", get(script::script)))
        .route(own_pages::SIGN_IN, admitted("identity.entry", get(own_pages::sign_in)))
        .route("/auth/retour", admitted("identity.return", get(own_pages::returned)))
        .route(&at("certs"), admitted("identity.keys", get(discovery::keys)))
        .route(&at("logout"), admitted("identity.logout", get(logout::end).post(logout::end)));
    if provider.sandbox {
        router = router
            .route("/auth/bac-a-sable", admitted("identity.sandbox", get(sandbox::show).post(sandbox::register)))
            .route("/auth/bac-a-sable/jetons", admitted("identity.sandbox", get(sandbox::tokens)));
    }
    router
        .layer(from_fn_with_state(Arc::clone(provider), card::tell_organisation))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::clone(provider))
}

/// The endpoints that clients and holders of tokens call with the certificate of an organisation (`mtls_endpoint_aliases`): those of
/// [`router`] to which a certificate matters, without pages.
pub fn certificate_router(provider: &Arc<Provider>) -> Router {
    client_endpoints(provider)
        .layer(from_fn_with_state(Arc::clone(provider), card::tell_organisation))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::clone(provider))
}

fn client_endpoints(provider: &Arc<Provider>) -> Router<Arc<Provider>> {
    let admitted = admission(provider);
    Router::new()
        .route(&at("token"), admitted("identity.token", post(token::token)))
        .route(&at("token/introspect"), admitted("identity.introspect", post(resources::introspect)))
        .route(&at("revoke"), admitted("identity.revoke", post(resources::revoke)))
        .route(&at("userinfo"), admitted("identity.userinfo", get(resources::userinfo).post(resources::userinfo)))
        .route(&at("ext/par/request"), admitted("identity.pushed", post(backchannel::push)))
        .route(&at("ext/ciba/auth"), admitted("identity.ciba", post(backchannel::ciba)))
}

/// Path of an endpoint of clients.
fn at(path: &str) -> String {
    format!("{REALM}/protocol/openid-connect/{path}")
}

/// Puts the gate in front of a route.
fn admission(provider: &Arc<Provider>) -> impl Fn(&'static str, MethodRouter<Arc<Provider>>) -> MethodRouter<Arc<Provider>> {
    let provider = Arc::clone(provider);
    move |route, handler| handler.layer(from_fn_with_state(EndpointAdmission { provider: Arc::clone(&provider), route }, admit))
}

/// The page of the host that asks for cards.
pub fn card_router(provider: &Arc<Provider>) -> Router {
    let admission = EndpointAdmission { provider: Arc::clone(provider), route: "identity.card" };
    let present: MethodRouter<Arc<Provider>> = get(card::present).layer(from_fn_with_state(admission, admit));
    Router::new().route("/auth/carte/{id}", present).with_state(Arc::clone(provider))
}

impl Provider {
    /// Registers the clients that our own pages are, those of the sandbox too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prepare(&self) -> Result<(), Error> {
        let showcase = self.sandbox.then(|| sandbox::showcase(self));
        for record in std::iter::once(own_pages::own_client(self)).chain(showcase) {
            let known = self.client(&record.client_id).await?;
            if known.is_none_or(|known| known.redirect_uris != record.redirect_uris) {
                self.register_client(&record, "serve").await?;
            }
        }
        Ok(())
    }
}
