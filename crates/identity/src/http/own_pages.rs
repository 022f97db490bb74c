//! Pages of our own that need a session, such as those of the e-CPS: who is logged in, and the way to log in. They are a client as others.

use std::sync::Arc;

use annuaire_ecps::{SessionUnread, SignedIn};
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use crate::authorize::Parameters;
use crate::claims::identifiers;
use crate::client::{ClientMode, ClientRecord};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::see_other;
use crate::http::browser::BrowserCookie;
use crate::provider::Provider;
use crate::session::AuthMode;

/// The client that our pages are.
const OWN: &str = "annuaire-pages";
/// Where their logins return.
const RETURN: &str = "/auth/retour";
/// Pages to which a login may return.
const PAGES: [&str; 2] = ["/e-cps/", "/portail/"];

/// Path that begins a login for a page of ours: `?retour=/e-cps/…`.
pub const SIGN_IN: &str = "/auth/entree";

fn is_own_page(path: &str) -> bool {
    let plain = !path.contains("//") && !path.contains("..") && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && PAGES.iter().any(|page| path.starts_with(page))
}

/// The client that our pages are, for registration.
pub(crate) fn own_client(provider: &Provider) -> ClientRecord {
    let addresses = vec![format!("{}{RETURN}", provider.addresses.login_host)];
    // It takes no tokens: the session is in the cookie. Nobody knows the secret.
    let record = ClientRecord::with_secret(OWN, "Espace professionnel", addresses, &provider.handle(), provider.now_ms());
    ClientRecord { mode: ClientMode::Basic, ..record }
}

/// `GET /auth/entree?retour=/e-cps/…`; with `de-nouveau` the person proves again who they are.
pub(crate) async fn sign_in(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let asked = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let page = asked.get("retour").filter(|path| is_own_page(path)).unwrap_or(PAGES[0]);
    let mut query = form_urlencoded::Serializer::new(String::new());
    let address = format!("{}{RETURN}", provider.addresses.login_host);
    for (name, value) in
        [("response_type", "code"), ("client_id", OWN), ("redirect_uri", &address), ("scope", "openid"), ("state", page)]
    {
        query.append_pair(name, value);
    }
    if asked.get("de-nouveau").is_some() {
        query.append_pair("prompt", "login");
    }
    see_other(&format!("/auth?{}", query.finish()))
}

/// `GET /auth/retour?state=/e-cps/…`: the session is in the cookie, the code is not needed.
pub(crate) async fn returned(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    if answer.get("error").is_some() {
        let text = "Vous n’êtes pas identifié. Vous pouvez fermer cette page, ou recommencer.";
        return provider.message(&caller, StatusCode::OK, "Connexion non aboutie", text);
    }
    see_other(answer.get("state").filter(|path| is_own_page(path)).unwrap_or(PAGES[0]))
}

/// Puts the person of the session into a request for a page of ours; without a session, the request goes on without.
pub async fn tell_who(State(provider): State<Arc<Provider>>, mut request: Request, next: Next) -> Response {
    if let Some(cookie) = provider.cookie(request.headers(), BrowserCookie::Session) {
        match signed_in(&provider, &cookie).await {
            Ok(Some(who)) => drop(request.extensions_mut().insert(who)),
            Ok(None) => {}
            Err(error) => {
                annuaire_web::record_internal_error("", "identity.session", &annuaire_web::cause_chain(&error));
                request.extensions_mut().insert(SessionUnread);
            }
        }
    }
    next.run(request).await
}

async fn signed_in(provider: &Provider, cookie: &str) -> Result<Option<SignedIn>, Error> {
    let Some(session) = provider.session_of(cookie).await? else { return Ok(None) };
    let session = session.value;
    let Some((person, Ok(claims))) = provider.bearer_of(&session.authentication).await? else { return Ok(None) };
    provider.use_session(&session.sid, None).await?;
    let other_ids = identifiers(&person).into_iter().filter(|id| *id != claims.national_id).collect();
    Ok(Some(SignedIn {
        national_id: claims.national_id.clone(),
        other_ids,
        login_ms: session.authentication.at_ms,
        by_card: session.authentication.mode == AuthMode::Card,
        sid: session.sid,
    }))
}

#[cfg(test)]
mod tests {
    use super::is_own_page;

    #[test]
    fn a_login_returns_to_our_pages_alone() {
        for (path, is) in [
            ("/e-cps/appareils", true),
            ("/portail/gae?x=1", true),
            ("/e-cps", false),
            ("//evil.test/e-cps/", false),
            ("https://evil.test/e-cps/", false),
            ("/e-cps/../auth", false),
            ("/e-cps//evil", false),
            ("/e-cps/\\evil", false),
        ] {
            assert_eq!(is_own_page(path), is, "{path}");
        }
    }
}
