//! The host that asks for a card (identity.md §3.5), and certificates of organisations (§3.6).
//!
//! A certificate that a client showed is no identity before it was checked against the authorities: only this file turns one into the other.

use std::sync::Arc;

use annuaire_cards::{CARD_REFUSED, CardIdentity, check_card, check_organisation};
use annuaire_web::PeerCertificates;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::card_holder::CardHolder;
use crate::client::sha256_hex;
use crate::error::Error;
use crate::http::admission::{EndpointCaller, OrganisationProof};
use crate::http::answer::see_other;
use crate::http::browser::{BackForm, ProviderMessage};
use crate::limits::TICKET_MS;
use crate::login::{CardTicket, Login, LoginStep};
use crate::provider::Provider;
use crate::rows::{Held, Writes};

/// `GET /auth/carte/{login}` on the host of cards: a card becomes a ticket that the browser of the login uses once.
pub(crate) async fn present(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    Path(id): Path<String>,
    peer: Option<Extension<PeerCertificates>>,
) -> Response {
    let shown = presented(&provider, &caller, &id, peer.map(|Extension(peer)| peer)).await;
    shown.unwrap_or_else(|error| provider.incident(&caller, &error))
}

async fn presented(
    provider: &Provider,
    caller: &EndpointCaller,
    id: &str,
    peer: Option<PeerCertificates>,
) -> Result<Response, Error> {
    let login: Option<Held<Login>> = provider.rows.live(id).await?;
    let Some(login) = login.filter(|held| !matches!(held.value.step, LoginStep::Done)) else {
        let text = "Cette connexion est terminée ou périmée. Revenez à votre application et recommencez.";
        return Ok(provider.message(caller, StatusCode::GONE, "Connexion terminée", text));
    };
    let checked = provider.checked_card(peer.as_ref());
    let card = match checked {
        Ok(card) => card,
        Err(reason) => {
            let detail = json!({"reason": reason, "client": login.value.request.return_to.client_id});
            let event = provider.event("identity.card.refused", id, &detail);
            provider.rows.write(Writes::default().audit(event)).await?;
            // The form leads to the login host, whose cookie this host does not have: a link does.
            let page = ProviderMessage {
                frame: provider.frame(),
                title: "Carte refusée".to_owned(),
                text: CARD_REFUSED.to_owned(),
                back: None::<BackForm>,
                link: Some(format!("{}{}", provider.addresses.login_host, login.value.path())),
            };
            return Ok(provider.page(caller, StatusCode::FORBIDDEN, &page, &[]));
        }
    };
    let (ticket, facts) = (provider.handle(), &card.certificate().facts);
    let number = card.certificate().card_number.clone().unwrap_or_default();
    let issuer = card.certificate().card_issuer.clone().unwrap_or_default();
    let row = CardTicket {
        sha256: sha256_hex(&ticket),
        login: id.to_owned(),
        national_id: card.national_id().to_owned(),
        card: format!("{issuer}/{number}"),
        holder: CardHolder::of(card.certificate()),
        certificate: peer.and_then(|peer| peer.0.first().map(|leaf| URL_SAFE_NO_PAD.encode(leaf))).unwrap_or_default(),
        until_ms: provider.now_ms() + TICKET_MS,
    };
    let detail = json!({
        "national_id": card.national_id(), "serial": facts.serial, "issuer": facts.issuer.to_string(), "card": row.card,
        "thumbprint": annuaire_base::text::hex(&facts.thumbprint),
    });
    let event = provider.event("identity.card", id, &detail);
    if !provider.rows.write(Writes::default().create(&row)?.audit(event)).await? {
        return Err(Error::Contended { kind: "card_ticket" });
    }
    let to = format!("{}{}/carte?ticket={ticket}", provider.addresses.login_host, login.value.path());
    Ok(see_other(&to))
}

impl Provider {
    /// The card of a connection, or the reason for the journal why it is none.
    fn checked_card(&self, peer: Option<&PeerCertificates>) -> Result<CardIdentity, String> {
        let checks = self.certificates.as_ref().ok_or("no_authorities")?;
        let authorities = (checks.cards)().ok_or("no_authorities")?;
        let chain = peer.map_or(&[][..], |peer| &peer.0);
        check_card(chain, &authorities, self.now_ms(), checks.environment).map_err(|refusal| refusal.code().to_owned())
    }

    /// What the certificate of a connection proves of an organisation; `None` when it proves nothing.
    fn organisation(&self, peer: &PeerCertificates) -> Option<OrganisationProof> {
        let authorities = (self.certificates.as_ref()?.organisations)()?;
        let checked = check_organisation(&peer.0, &authorities, self.now_ms()).ok()?;
        let facts = &checked.certificate().facts;
        Some(OrganisationProof { subject: facts.subject.to_string(), thumbprint: URL_SAFE_NO_PAD.encode(facts.thumbprint) })
    }
}

/// Turns the certificate of a connection into the proof of an organisation, for the endpoints of clients. What the extensions of a request
/// said before does not count.
pub(crate) async fn tell_organisation(State(provider): State<Arc<Provider>>, mut request: Request, next: Next) -> Response {
    if let Some(peer) = request.extensions().get::<PeerCertificates>()
        && let Some(proof) = provider.organisation(peer)
    {
        request.extensions_mut().insert(proof);
    }
    next.run(request).await
}
