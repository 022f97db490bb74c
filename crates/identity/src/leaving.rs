//! When a right ends: sessions end with it, and relying parties are told (identity.md §1.7.7, §1.9).

use std::collections::BTreeSet;

use annuaire_base::Tx;
use annuaire_cards::{CardRefusal, CertificateRefusal, check_card};
use annuaire_consolidate::entity_key;
use annuaire_store::{Job, Queue, back_off_ms};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::error::Error;
use crate::limits::{LOGOUT_LEASE_MS, LOGOUT_RETRIES, LOGOUT_RETRY_MS};
use crate::provider::{EndReason, LOGOUT_JOB, Provider};
use crate::session::{AccountName, AuthMode, Session};

/// Rows that are read together.
const PAGE: u32 = 1_000;

/// Sends a logout token to a relying party.
#[async_trait]
pub trait LogoutSender: Send + Sync {
    /// Posts `logout_token` as a form to the address; an error says why nobody took it, without address or token.
    async fn send(&self, address: &str, logout_token: &str) -> Result<(), String>;
}

/// What a job of a logout names.
#[derive(Deserialize)]
struct LogoutOrder {
    client: String,
    sid: String,
    sub: String,
}

/// A logout of which a relying party is to be told, taken for [`LOGOUT_LEASE_MS`].
pub struct LogoutToTell(Job);

impl Provider {
    /// Ends the sessions of people whose rights a transaction took. Called for each transaction, in order, by one node or several: what is
    /// done twice changes nothing. Cost: a look-up for each person that changed, and reading those who are logged in.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn follow(&self, tx: Tx) -> Result<u32, Error> {
        let registry = self.rows.registry();
        self.people.know(tx);
        let (mut after, mut ended) = (String::new(), 0);
        loop {
            let entities = registry.changed_entities(tx, &after, PAGE).await?;
            let Some(last) = entities.last() else { return Ok(ended) };
            after.clone_from(last);
            for id in entities.iter().filter_map(|entity| entity_key::number_of_person(entity)) {
                ended += self.check_person(id).await?;
            }
        }
    }

    /// Checks everybody who is logged in: days pass without a transaction. Cost: one reading of a person for each session.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn check_all(&self) -> Result<u32, Error> {
        self.people.know(self.rows.registry().last_tx().await?);
        let (mut after, mut ended, mut seen) = (String::new(), 0, BTreeSet::new());
        loop {
            let sessions = self.rows.list::<Session>(None, &after, PAGE).await?;
            let Some(last) = sessions.last() else { return Ok(ended) };
            after.clone_from(&last.value.sid);
            for held in &sessions {
                if seen.insert(held.value.authentication.national_id.clone()) {
                    ended += self.check_person(&held.value.authentication.national_id).await?;
                }
            }
        }
    }

    /// Ends the sessions of a person that have lost what they rest on.
    async fn check_person(&self, national_id: &str) -> Result<u32, Error> {
        let Some(name) = self.rows.any::<AccountName>(national_id).await? else { return Ok(0) };
        let sessions = self.rows.list::<Session>(Some(&name.value.sub), "", PAGE).await?;
        if sessions.is_empty() {
            return Ok(0);
        }
        let mut ended = 0;
        for held in sessions {
            let authentication = &held.value.authentication;
            let reason = match self.bearer_of(authentication).await? {
                Some((person, Ok(_))) if authentication.mode == AuthMode::Card => {
                    let is_over = is_opposed(&person, &authentication.means) || self.is_revoked(&authentication.certificate);
                    is_over.then_some(EndReason::MeansEnded)
                }
                Some((_, Ok(_))) => None,
                _ => Some(EndReason::NoRight),
            };
            if let Some(reason) = reason {
                ended += u32::from(self.end_session(&held.value.sid, reason).await?);
            }
        }
        Ok(ended)
    }

    /// Whether a list of revocations names the certificate of a card, or its authority. That a list is over refuses new logins, and ends none.
    fn is_revoked(&self, certificate: &str) -> bool {
        let Ok(leaf) = URL_SAFE_NO_PAD.decode(certificate) else { return false };
        let Some(checks) = self.certificates.as_ref().filter(|_| !leaf.is_empty()) else { return false };
        let Some(authorities) = (checks.cards)() else { return false };
        match check_card(&[leaf.into()], &authorities, self.now_ms(), checks.environment) {
            Err(CardRefusal::Certificate(refusal)) => {
                matches!(refusal, CertificateRefusal::Revoked | CertificateRefusal::AuthorityRevoked { .. })
            }
            _ => false,
        }
    }

    /// Takes a logout that waits to be told.
    ///
    /// # Errors
    /// When the registry fails.
    pub async fn take_logout(&self) -> Result<Option<LogoutToTell>, Error> {
        let taken = self.rows.registry().take_job(Queue::Outbox, &[LOGOUT_JOB], self.now_ms(), LOGOUT_LEASE_MS).await?;
        Ok(taken.map(LogoutToTell))
    }

    /// Takes one logout and tells it; false when none waits.
    ///
    /// # Errors
    /// Those of [`take_logout`](Self::take_logout) and [`tell_logout`](Self::tell_logout).
    pub async fn tell_one_logout(&self, sender: &dyn LogoutSender) -> Result<bool, Error> {
        let Some(taken) = self.take_logout().await? else { return Ok(false) };
        self.tell_logout(taken, sender).await?;
        Ok(true)
    }

    /// Tells a relying party of a logout. Several may be told side by side: one that does not answer holds up no other.
    ///
    /// # Errors
    /// When the registry fails. That a relying party does not answer is no error: it is tried again.
    pub async fn tell_logout(&self, LogoutToTell(job): LogoutToTell, sender: &dyn LogoutSender) -> Result<(), Error> {
        let registry = self.rows.registry();
        let told = match serde_json::from_str::<LogoutOrder>(&job.job.payload) {
            Ok(order) => self.tell(&order, sender).await?,
            Err(_) => Ok(()),
        };
        match told {
            Ok(()) => registry.finish_job(job.id).await?,
            Err(why) if job.attempts >= LOGOUT_RETRIES => {
                let detail = serde_json::json!({"reason": why});
                let event = self.event("identity.logout.untold", &job.job.key, &detail);
                self.rows.write(crate::rows::Writes::default().audit(event)).await?;
                registry.finish_job(job.id).await?;
            }
            Err(why) => {
                let wait = back_off_ms(job.attempts + 1, LOGOUT_RETRY_MS, LOGOUT_RETRY_MS * 16);
                registry.retry_job(job.id, self.now_ms() + wait, &why).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, order: &LogoutOrder, sender: &dyn LogoutSender) -> Result<Result<(), String>, Error> {
        let Some(client) = self.client(&order.client).await? else { return Ok(Ok(())) };
        let Some(address) = client.backchannel_logout_uri.clone() else { return Ok(Ok(())) };
        let token = self.logout_token(&client, &order.sid, &order.sub).await?;
        Ok(sender.send(&address, &token).await)
    }
}

/// Whether a card may not be used any more: it was opposed.
pub(crate) fn is_opposed(person: &crate::at_work::PersonAtWork, card: &str) -> bool {
    // The issuer stands before the number in certificates, and not in the register.
    let number = card.rsplit_once('/').map_or(card, |(_, number)| number);
    person.person.cards.iter().any(|known| known.numero_carte == number && !known.date_opposition.is_empty())
}

/// Ends sessions when a means ends: what the means call.
pub struct EndsSessions(pub std::sync::Weak<Provider>);

#[async_trait]
impl annuaire_ecps::MeansEnded for EndsSessions {
    async fn means_ended(&self, national_id: &str, means_id: &str) {
        let Some(provider) = self.0.upgrade() else { return };
        // Sessions of its passkey name that; a passkey that ended alone is named itself, and has none of its own.
        for name in [means_id.to_owned(), annuaire_ecps::passkey_name(means_id)] {
            if let Err(error) = provider.end_sessions_of(national_id, Some(&name)).await {
                annuaire_web::record_internal_error("", "identity.means", &annuaire_web::cause_chain(&error));
            }
        }
    }
}
