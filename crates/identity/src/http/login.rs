//! The pages of a login: choice of a means, waiting for the phone, return to the client. Each works as a plain form.

use std::sync::Arc;
use std::time::Duration;

use annuaire_cards::CARD_REFUSED;
use annuaire_ecps::{AskRefusal, Asker, PasskeyLogin, PasskeyRequest, PhoneError, PhoneRefusal, PromptOrder, PromptState};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::authorize::{Parameters, Refused};
use crate::claims::{NoRight, identifiers};
use crate::client::sha256_hex;
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{origin, see_other};
use crate::http::browser::{BackForm, BrowserCookie, Frame, ProviderMessage, browser_label};
use crate::http::script::script_path;
use crate::leaving::is_opposed;
use crate::limits::NAMES_OF_PERSON;
use crate::login::{CardTicket, Login, LoginStep};
use crate::provider::{EndReason, Provider};
use crate::rows::{Held, Writes};
use crate::session::{AccountName, AuthMode, Authentication, Session};

/// An answer to a national identifier takes this long at least, whether anybody has it or not.
const LEAST: Duration = Duration::from_millis(250);

/// `GET /auth/connexion/{id}`
pub(crate) async fn show(State(provider): State<Arc<Provider>>, caller: EndpointCaller, Path(id): Path<String>) -> Response {
    let shown = async {
        let Some(held) = login_of(&provider, &caller, &id).await? else { return Ok(lost(&provider, &caller)) };
        match &held.value.step {
            LoginStep::Choice => choice(&provider, &caller, &held.value, None).await,
            LoginStep::Phone { .. } => Ok(see_other(&format!("{}/attente", held.value.path()))),
            LoginStep::Done => Ok(lost(&provider, &caller)),
        }
    };
    shown.await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

/// `POST /auth/connexion/{id}`
pub(crate) async fn act(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    acted(&provider, &caller, &id, &body).await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

/// `GET /auth/connexion/{id}/attente`
pub(crate) async fn wait(State(provider): State<Arc<Provider>>, caller: EndpointCaller, Path(id): Path<String>) -> Response {
    waited(&provider, &caller, &id).await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

/// `GET /auth/connexion/{id}/carte?ticket=…`
pub(crate) async fn with_card(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let ticket =
        Parameters::parse(query.unwrap_or_default().as_bytes()).ok().and_then(|all| all.get("ticket").map(str::to_owned));
    let entered = by_card(&provider, &caller, &id, &ticket.unwrap_or_default()).await;
    entered.unwrap_or_else(|error| provider.incident(&caller, &error))
}

/// A login of the browser that asks.
pub(super) async fn login_of(provider: &Provider, caller: &EndpointCaller, id: &str) -> Result<Option<Held<Login>>, Error> {
    let Some(browser) = provider.cookie(&caller.headers, BrowserCookie::Browser) else { return Ok(None) };
    let held: Option<Held<Login>> = provider.rows.live(id).await?;
    let sha256 = sha256_hex(&browser);
    Ok(held.filter(|held| annuaire_jose::equal(&held.value.browser_sha256, &sha256)))
}

fn lost(provider: &Provider, caller: &EndpointCaller) -> Response {
    let text = "Cette connexion est terminée ou périmée, ou elle a commencé dans un autre navigateur. Revenez à votre application \
                et recommencez.";
    provider.message(caller, StatusCode::GONE, "Connexion terminée", text)
}

fn proof(provider: &Provider, caller: &EndpointCaller, login: &Login) -> String {
    let browser = provider.cookie(&caller.headers, BrowserCookie::Browser).unwrap_or_default();
    provider.form_proof(&browser, &login.id)
}

/// Why nobody is logged in yet, for the page of the choice.
struct Problem<'a> {
    text: &'a str,
    /// Whether the identifier that was typed is at fault.
    of_identifier: bool,
}

impl<'a> Problem<'a> {
    const fn of_identifier(text: &'a str) -> Self {
        Self { text, of_identifier: true }
    }

    const fn of_means(text: &'a str) -> Self {
        Self { text, of_identifier: false }
    }
}

/// The challenge of the passkey of a login: it follows from the random number of the login and the secret of the installation, so that an
/// assertion is good for this login alone, on any node.
fn passkey_challenge(provider: &Provider, login: &Login) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("annuaire 2026-11 challenge of a login by passkey");
    *hasher.update(&provider.form_key).update(login.id.as_bytes()).finalize().as_bytes()
}

/// What a browser needs for a passkey; `None` where this login takes none.
async fn passkey_request(provider: &Provider, login: &Login) -> Result<Option<PasskeyRequest>, Error> {
    let Some(request) = provider.phone.passkey_request(&passkey_challenge(provider, login)) else { return Ok(None) };
    let client = provider.client(&login.request.return_to.client_id).await?;
    Ok(client.is_some_and(|client| client.takes(AuthMode::Webauthn)).then_some(request))
}

async fn choice(
    provider: &Provider,
    caller: &EndpointCaller,
    login: &Login,
    problem: Option<Problem<'_>>,
) -> Result<Response, Error> {
    let kept = provider.cookie(&caller.headers, BrowserCookie::Remembered);
    let page = ChoicePage {
        frame: provider.frame(),
        client_name: login.client_name.clone(),
        is_invalid: problem.as_ref().is_some_and(|problem| problem.of_identifier),
        problem: problem.map(|problem| problem.text.to_owned()),
        passkey: passkey_request(provider, login).await?,
        script: script_path(),
        action: login.path(),
        proof: proof(provider, caller, login),
        is_remembered: kept.is_some(),
        remembered: login.request.login_hint.clone().filter(|hint| is_plausible(hint)).or(kept).unwrap_or_default(),
        with_card: provider.addresses.card_host.is_some(),
        activate: "/e-cps/".to_owned(),
    };
    let status = if page.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut targets = vec![origin(&login.request.return_to.redirect_uri)];
    targets.extend(provider.addresses.card_host.clone());
    Ok(match page.passkey {
        Some(_) => provider.page_with_script(caller, status, &page, &targets),
        None => provider.page(caller, status, &page, &targets),
    })
}

async fn acted(provider: &Provider, caller: &EndpointCaller, id: &str, body: &[u8]) -> Result<Response, Error> {
    let Some(held) = login_of(provider, caller, id).await? else { return Ok(lost(provider, caller)) };
    let browser = provider.cookie(&caller.headers, BrowserCookie::Browser).unwrap_or_default();
    let form = Parameters::parse(body).unwrap_or_default();
    if !provider.is_our_form(&browser, id, form.get("proof")) {
        let text = "Le formulaire ne vient pas de cette page. Revenez à votre application et recommencez.";
        return Ok(provider.message(caller, StatusCode::FORBIDDEN, "Demande refusée", text));
    }
    if matches!(held.value.step, LoginStep::Done) {
        return Ok(lost(provider, caller));
    }
    match form.get("action") {
        Some("annuler") => cancelled(provider, caller, held).await,
        Some("recommencer") => {
            let path = held.value.path();
            step(provider, held, LoginStep::Choice).await?;
            Ok(see_other(&path))
        }
        Some("carte") => match &provider.addresses.card_host {
            Some(host) => Ok(see_other(&format!("{host}/auth/carte/{id}"))),
            None => {
                let text = "La connexion par carte n’est pas proposée ici.";
                choice(provider, caller, &held.value, Some(Problem::of_means(text))).await
            }
        },
        Some("cle") => by_passkey(provider, caller, held, &form).await,
        _ => {
            let (response, ()) = tokio::join!(asked(provider, caller, held, &form, &browser), tokio::time::sleep(LEAST));
            response
        }
    }
}

/// Sets the step of a login; false when somebody else did.
async fn step(provider: &Provider, mut held: Held<Login>, step: LoginStep) -> Result<bool, Error> {
    held.value.step = step;
    provider.rows.write(Writes::default().replace(&held)?).await
}

async fn cancelled(provider: &Provider, caller: &EndpointCaller, held: Held<Login>) -> Result<Response, Error> {
    let to = held.value.request.return_to.clone();
    if !step(provider, held, LoginStep::Done).await? {
        return Ok(lost(provider, caller));
    }
    Ok(provider.refuse(caller, &to, &Refused::new("access_denied", "the person did not log in")))
}

/// A national identifier as people type it: spaces go, and an RPPS number gets its type digit.
fn national_id(typed: &str) -> String {
    let compact: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    if compact.len() == 11 && compact.bytes().all(|byte| byte.is_ascii_digit()) { format!("8{compact}") } else { compact }
}

fn is_plausible(id: &str) -> bool {
    (8..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-'))
}

async fn asked(
    provider: &Provider,
    caller: &EndpointCaller,
    held: Held<Login>,
    form: &Parameters,
    browser: &str,
) -> Result<Response, Error> {
    let id = national_id(form.get("identifiant").unwrap_or_default());
    if !is_plausible(&id) {
        let text = "Saisissez votre identifiant national : les 11 chiffres de votre numéro RPPS, ou 12 avec le premier 8.";
        return choice(provider, caller, &held.value, Some(Problem::of_identifier(text))).await;
    }
    let person = provider.people.person(&id).await?;
    let order = PromptOrder {
        national_id: id.clone(),
        other_ids: person.as_deref().map(identifiers).unwrap_or_default(),
        client_id: held.value.request.return_to.client_id.clone(),
        client_name: held.value.client_name.clone(),
        channel_origin: browser_label(&caller.headers),
        number: None,
        asker: Asker::Browser(sha256_hex(browser)),
    };
    let answer = match provider.phone.ask(&order).await {
        Ok(answer) => answer,
        Err(AskRefusal::Failed(error)) => return Err(error.into()),
        Err(_) => {
            let text = "Trop de demandes pour cet identifiant, ou la dernière a été signalée par son titulaire. Réessayez plus tard, ou utilisez un autre moyen.";
            return choice(provider, caller, &held.value, Some(Problem::of_identifier(text))).await;
        }
    };
    let path = held.value.path();
    step(provider, held, LoginStep::Phone { prompt: answer.prompt_id, number: answer.number }).await?;
    let mut response = see_other(&format!("{path}/attente"));
    let kept = form.get("memoriser").map(|_| id.as_str()).filter(|id| !id.contains('/')).unwrap_or_default();
    provider.give_cookie(&mut response, BrowserCookie::Remembered, kept);
    Ok(response)
}

async fn waited(provider: &Provider, caller: &EndpointCaller, id: &str) -> Result<Response, Error> {
    let Some(held) = login_of(provider, caller, id).await? else { return Ok(lost(provider, caller)) };
    let LoginStep::Phone { prompt, number } = held.value.step.clone() else {
        return Ok(match held.value.step {
            LoginStep::Done => lost(provider, caller),
            _ => see_other(&held.value.path()),
        });
    };
    match provider.phone.state(&prompt).await? {
        PromptState::Pending => {
            let page = WaitPage {
                frame: provider.frame(),
                client_name: held.value.client_name.clone(),
                number,
                action: held.value.path(),
                proof: proof(provider, caller, &held.value),
            };
            Ok(provider.page_with_script(caller, StatusCode::OK, &page, &[origin(&held.value.request.return_to.redirect_uri)]))
        }
        PromptState::Refused => Ok(refused(
            provider,
            caller,
            &held.value,
            "Connexion refusée",
            "La demande a été refusée sur le téléphone, ou un autre nombre y a été choisi.",
        )),
        PromptState::Expired => Ok(refused(
            provider,
            caller,
            &held.value,
            "Temps écoulé",
            "Aucune réponse n’est arrivée du téléphone. Vérifiez l’identifiant, ouvrez l’application e-CPS et réessayez.",
        )),
        PromptState::Approved(_) => {
            let Some(approval) = provider.phone.take(&prompt).await? else { return Ok(lost(provider, caller)) };
            let authentication = Authentication {
                national_id: approval.national_id,
                mode: AuthMode::Mobile,
                amr: approval.amr.iter().map(|method| (*method).to_owned()).collect(),
                at_ms: approval.auth_ms,
                means: approval.means_id,
                holder: None,
                certificate: String::new(),
            };
            finish(provider, caller, held, authentication).await
        }
    }
}

/// A page that says why nobody is logged in, with the way back to the client.
fn refused(provider: &Provider, caller: &EndpointCaller, login: &Login, title: &str, text: &str) -> Response {
    let back = BackForm {
        action: login.path(),
        proof: proof(provider, caller, login),
        client_name: login.client_name.clone(),
        again: true,
    };
    let page =
        ProviderMessage { frame: provider.frame(), title: title.to_owned(), text: text.to_owned(), back: Some(back), link: None };
    provider.page(caller, StatusCode::OK, &page, &[origin(&login.request.return_to.redirect_uri)])
}

async fn by_card(provider: &Provider, caller: &EndpointCaller, id: &str, ticket: &str) -> Result<Response, Error> {
    let Some(held) = login_of(provider, caller, id).await? else { return Ok(lost(provider, caller)) };
    let found: Option<Held<CardTicket>> = provider.rows.live(&sha256_hex(ticket)).await?;
    let Some(found) = found.filter(|found| found.value.login == id) else { return Ok(lost(provider, caller)) };
    if !provider.rows.write(Writes::default().remove(&found)).await? {
        return Ok(lost(provider, caller));
    }
    let authentication = Authentication {
        national_id: found.value.national_id,
        mode: AuthMode::Card,
        amr: ["sc", "pin", "mfa"].map(str::to_owned).to_vec(),
        at_ms: provider.now_ms(),
        means: found.value.card,
        holder: found.value.holder,
        certificate: found.value.certificate,
    };
    finish(provider, caller, held, authentication).await
}

/// A passkey proves who sits at the browser, without a phone.
async fn by_passkey(
    provider: &Provider,
    caller: &EndpointCaller,
    held: Held<Login>,
    form: &Parameters,
) -> Result<Response, Error> {
    let login = &held.value;
    if passkey_request(provider, login).await?.is_none() {
        let text = PhoneRefusal::NoPasskeys.french();
        return choice(provider, caller, login, Some(Problem::of_means(&text))).await;
    }
    let assertion = serde_json::from_str(form.get("assertion").unwrap_or_default()).unwrap_or_default();
    let client_id = login.request.return_to.client_id.as_str();
    let shown = PasskeyLogin {
        challenge: &passkey_challenge(provider, login),
        assertion: &assertion,
        client_id,
        client_name: &login.client_name,
        origin: &browser_label(&caller.headers),
    };
    let approval = match provider.phone.log_in_with_passkey(&shown).await {
        Ok(approval) => approval,
        Err(PhoneError::Refused(refusal)) => {
            let detail = serde_json::json!({"reason": refusal.code(), "client": client_id});
            let event = provider.event("identity.passkey.refused", &login.id, &detail);
            provider.rows.write(Writes::default().audit(event)).await?;
            let text = refusal.french();
            return choice(provider, caller, login, Some(Problem::of_means(&text))).await;
        }
        Err(error) => return Err(error.into()),
    };
    let authentication = Authentication {
        national_id: provider.present_id(approval.national_id).await?,
        mode: AuthMode::Webauthn,
        amr: approval.amr.iter().map(|method| (*method).to_owned()).collect(),
        at_ms: approval.auth_ms,
        means: approval.means_id,
        holder: None,
        certificate: String::new(),
    };
    finish(provider, caller, held, authentication).await
}

/// Somebody proved who they are: a session, a code, and back to the client; or the reason why they may not log in.
async fn finish(
    provider: &Provider,
    caller: &EndpointCaller,
    held: Held<Login>,
    mut authentication: Authentication,
) -> Result<Response, Error> {
    let login = held.value.clone();
    let Some(client) = provider.client(&login.request.return_to.client_id).await? else { return Ok(lost(provider, caller)) };
    let mode = authentication.mode.name();
    if !client.takes(authentication.mode) {
        let text = "Cette application n’accepte pas ce moyen d’identification. Choisissez-en un autre.";
        return Ok(refused(provider, caller, &login, "Autre moyen demandé", text));
    }
    let (person, claims) = match provider.bearer_of(&authentication).await? {
        Some((person, Ok(_))) if authentication.mode == AuthMode::Card && is_opposed(&person, &authentication.means) => {
            let detail =
                serde_json::json!({"national_id": authentication.national_id, "reason": "opposed", "client": client.client_id});
            let event = provider.event("identity.card.refused", &login.id, &detail);
            provider.rows.write(Writes::default().audit(event)).await?;
            return Ok(refused(provider, caller, &login, "Carte refusée", CARD_REFUSED));
        }
        Some((person, Ok(claims))) => (person, claims),
        other => {
            let text = match other {
                Some((_, Err(NoRight::Deceased))) | None => "Cet identifiant ne permet plus de se connecter.",
                _ => {
                    "Aucune activité ni aucun rôle n’est ouvert à votre nom. Adressez-vous à votre ordre ou à l’autorité qui vous \
                     enregistre."
                }
            };
            let detail =
                serde_json::json!({"national_id": authentication.national_id, "authMode": mode, "client": client.client_id});
            let event = provider.event("identity.login.refused", &login.id, &detail);
            provider.rows.write(Writes::default().audit(event)).await?;
            return Ok(refused(provider, caller, &login, "Connexion impossible", text));
        }
    };
    // The identifier may be a former one: the session is of the person.
    authentication.national_id = claims.national_id.clone();
    if !step(provider, held, LoginStep::Done).await? {
        return Ok(lost(provider, caller));
    }
    let before = match provider.cookie(&caller.headers, BrowserCookie::Session) {
        Some(cookie) => provider.session_of(&cookie).await?,
        None => None,
    };
    let (session, cookie): (Session, String) = match before {
        Some(before) => match provider.renewed_session(&person, before, &authentication, &client.client_id).await? {
            Some(renewed) => renewed,
            None => provider.open_session(&person, authentication, &client.client_id).await?,
        },
        None => provider.open_session(&person, authentication, &client.client_id).await?,
    };
    let mut response = provider.give_code(caller, &login.request, &client, &session).await?;
    provider.give_cookie(&mut response, BrowserCookie::Session, &cookie);
    Ok(response)
}

impl Provider {
    /// The identifier under which the register knows a person now: their phone may be of a former one. What leads from one to the other is
    /// their account, in which a login by phone notes the new one.
    async fn present_id(&self, national_id: String) -> Result<String, Error> {
        if self.people.person(&national_id).await?.is_some() {
            return Ok(national_id);
        }
        let Some(name) = self.rows.any::<AccountName>(&national_id).await? else { return Ok(national_id) };
        for other in self.rows.list::<AccountName>(Some(&name.value.sub), "", NAMES_OF_PERSON).await? {
            if self.people.person(&other.value.national_id).await?.is_some() {
                return Ok(other.value.national_id);
            }
        }
        Ok(national_id)
    }

    /// The session that the browser had, after its person logged in again: it keeps its clients and gets another cookie. `None` when it
    /// was another person's, whose session ends.
    async fn renewed_session(
        &self,
        person: &crate::at_work::PersonAtWork,
        mut before: Held<Session>,
        authentication: &Authentication,
        client_id: &str,
    ) -> Result<Option<(Session, String)>, Error> {
        if !identifiers(person).contains(&before.value.authentication.national_id) {
            self.end_session(&before.value.sid, EndReason::Logout).await?;
            return Ok(None);
        }
        before.value.authentication = authentication.clone();
        before.value.used_ms = authentication.at_ms;
        self.replace_session(&before, client_id).await
    }
}

#[derive(Template)]
#[template(path = "choice.html")]
struct ChoicePage {
    frame: Frame,
    client_name: String,
    problem: Option<String>,
    is_invalid: bool,
    passkey: Option<PasskeyRequest>,
    script: String,
    action: String,
    proof: String,
    remembered: String,
    is_remembered: bool,
    with_card: bool,
    activate: String,
}

#[derive(Template)]
#[template(path = "wait.html")]
struct WaitPage {
    frame: Frame,
    client_name: String,
    number: String,
    action: String,
    proof: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_taken_as_people_type_it() {
        assert_eq!(national_id(" 109 9900 0011 "), "810999000011");
        assert_eq!(national_id("810990000011"), "810990000011");
        assert_eq!(national_id("3990000010/CPET00001"), "3990000010/CPET00001");
        for (id, is) in
            [("810990000011", true), ("3990000010/CPET00001", true), ("", false), ("<b>alert</b>", false), ("1", false)]
        {
            assert_eq!(is_plausible(id), is, "{id}");
        }
    }
}
