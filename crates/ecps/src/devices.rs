//! A holder looks at their phones and their uses, and changes them.

use crate::answering::PhoneUse;
use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, MeansState, ShownMeans, shown};
use crate::pair::Pair;
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::service::PhoneService;
use serde_json::json;

/// The person of a session. The provider puts it into the extensions of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// National identifier.
    pub national_id: String,
    /// All other national identifiers of the person.
    pub other_ids: Vec<String>,
    /// The session: tokens of forms are bound to it.
    pub sid: String,
    /// Whether the session was opened by a card, which allows to activate a phone without mail and SMS.
    pub by_card: bool,
    /// When the person last proved who they are, milliseconds since 1970 UTC: a session adds a passkey soon after that alone.
    pub login_ms: i64,
}

/// Whose session it is could not be read, since the registry failed. The provider puts it into the extensions of a request in the place of
/// [`SignedIn`], so that nobody is told that their session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionUnread;

impl SignedIn {
    pub(crate) fn is(&self, national_id: &str) -> bool {
        self.national_id == national_id || self.other_ids.iter().any(|id| id == national_id)
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        let others = self.other_ids.iter().filter(|id| **id != self.national_id);
        std::iter::once(self.national_id.as_str()).chain(others.map(String::as_str).take(limits::OTHER_IDS))
    }
}

/// What a holder does with a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// Give it another name.
    Rename(String),
    /// Suspend it.
    Suspend,
    /// Resume it.
    Resume,
    /// Revoke it.
    Revoke,
    /// Remove its passkey.
    RemovePasskey,
}

/// An asker whose requests are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedAsker {
    /// Its key, to lift the block.
    pub key: String,
    /// How the holder recognises it.
    pub label: String,
    /// Until when, milliseconds since 1970 UTC.
    pub until_ms: i64,
}

impl PhoneService {
    /// The phones of a person, those in use first, then by age.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn devices(&self, who: &SignedIn) -> Result<Vec<ShownMeans>, PhoneError> {
        let now_ms = self.now_ms();
        let all = self.means_of(&who.national_id, &who.other_ids).await?;
        let mut all: Vec<ShownMeans> = all.iter().map(|means| means.value.shown(now_ms)).collect();
        all.sort_by_key(|means| (!means.state.is_in_use(), std::cmp::Reverse(means.created_ms)));
        Ok(all)
    }

    /// What was decided on the phones of a person: the last [`limits::PAGE`].
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn uses(&self, who: &SignedIn) -> Result<Vec<PhoneUse>, PhoneError> {
        let mut all = Vec::new();
        for id in who.ids() {
            for row in self.registry().identity_rows(rows::PHONE_USE, Some(id), "", limits::PAGE).await? {
                all.push(StoredRow::<PhoneUse>::read(row)?.value);
            }
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.at_ms));
        all.truncate(limits::PAGE as usize);
        Ok(all)
    }

    /// Who is blocked for a person now.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn blocked(&self, who: &SignedIn) -> Result<Vec<BlockedAsker>, PhoneError> {
        let now_ms = self.now_ms();
        let mut all = Vec::new();
        for id in who.ids() {
            for row in self.registry().identity_rows(rows::PAIR, Some(id), "", limits::PAGE * 4).await? {
                let StoredRow { row, value } = StoredRow::<Pair>::read(row)?;
                if now_ms < value.blocked_until_ms {
                    all.push(BlockedAsker { key: row.key, label: value.label, until_ms: value.blocked_until_ms });
                }
            }
        }
        Ok(all)
    }

    /// Lifts the block of an asker.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownPrompt`] when there is none for this person; those of the registry.
    pub async fn unblock(&self, who: &SignedIn, key: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let found = match crate::service::is_row_name(key) {
                true => rows::load::<Pair>(self.registry(), rows::PAIR, key).await?,
                false => None,
            };
            let mut found = found.filter(|pair| who.is(&pair.row.subject)).ok_or(PhoneRefusal::UnknownPrompt)?;
            found.value.blocked_until_ms = 0;
            let mut event = Event::default();
            event.replace(&found, found.value.due_ms(self.now_ms()))?;
            event.audit(&who.national_id, "ecps-asker-unblocked", &format!("person/{}", who.national_id), &json!({"pair": key}));
            if self.save(event).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    /// Changes a phone of the person.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownMeans`] for a phone of somebody else too, [`PhoneRefusal::NotUsable`] when its state does not allow it,
    /// [`PhoneRefusal::Malformed`] for an empty name, [`PhoneRefusal::Passkey`] when there is no passkey to remove; those of the registry.
    pub async fn change_device(&self, who: &SignedIn, means_id: &str, change: &DeviceChange) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let means = self.one_means(means_id).await?;
            if !who.is(&means.value.national_id) {
                return Err(PhoneRefusal::UnknownMeans.into());
            }
            if self.changed(means, &who.national_id, change).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    async fn changed(&self, mut means: StoredRow<Means>, actor: &str, change: &DeviceChange) -> Result<bool, PhoneError> {
        let now_ms = self.now_ms();
        let state = means.value.state_at(now_ms);
        let mut event = Event::default();
        let next = match change {
            DeviceChange::Rename(name) => {
                let name = shown(name, limits::NAME_CHARS);
                if name.is_empty() {
                    return Err(PhoneRefusal::Malformed("name").into());
                }
                means.value.device.name = name;
                event.replace(&means, means.value.due_ms())?;
                event.audit(actor, "ecps-renamed", &format!("means/{}", means.value.means_id), &json!({}));
                return self.save(event).await;
            }
            DeviceChange::RemovePasskey => return self.passkey_removed(means, actor, now_ms).await,
            DeviceChange::Suspend => MeansState::Suspended,
            DeviceChange::Resume => MeansState::Active,
            DeviceChange::Revoke => MeansState::Revoked,
        };
        // What is over by its time is ended by housekeeping alone.
        if state == MeansState::Expired || !self.change_state(&mut event, &mut means, next, actor, now_ms)? {
            return Err(PhoneRefusal::NotUsable(state).into());
        }
        let saved = self.save(event).await?;
        if saved && !next.is_in_use() {
            self.tell_ended(&means.value).await;
        }
        Ok(saved)
    }

    /// A phone revokes itself: `call` is a JWS of type `ecps-revoke+jwt` by its key over `means_id` and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`], [`PhoneRefusal::NotUsable`]; those of the registry.
    pub async fn revoke_itself(&self, means_id: &str, call: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let (means, _) = self.signing_means(means_id, call, proof::REVOKE, self.now_ms()).await?;
            let actor = means.value.national_id.clone();
            if self.changed(means, &actor, &DeviceChange::Revoke).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    /// A phone removes its passkey: `call` is a JWS of type `ecps-passkey-removal+jwt` by its key over `means_id` and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`], [`PhoneRefusal::Passkey`] when it has none; those of the registry.
    pub async fn remove_own_passkey(&self, means_id: &str, call: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let (means, _) = self.signing_means(means_id, call, proof::PASSKEY_REMOVAL, self.now_ms()).await?;
            let actor = means.value.national_id.clone();
            if self.changed(means, &actor, &DeviceChange::RemovePasskey).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    /// Revokes all phones of a person whom the register ended (death, no exercise any more), and says how many there were.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn revoke_all(&self, national_id: &str, other_ids: &[String], actor: &str) -> Result<usize, PhoneError> {
        let mut revoked = 0;
        for means in self.means_of(national_id, other_ids).await? {
            let means_id = means.value.means_id.clone();
            for _ in 0..limits::TRIES {
                let mut means = self.one_means(&means_id).await?;
                let mut event = Event::default();
                if !self.change_state(&mut event, &mut means, MeansState::Revoked, actor, self.now_ms())? {
                    break;
                }
                if self.save(event).await? {
                    self.tell_ended(&means.value).await;
                    revoked += 1;
                    break;
                }
            }
        }
        Ok(revoked)
    }
}
