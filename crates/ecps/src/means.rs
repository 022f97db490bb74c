//! A means: one activated e-CPS on one phone (identity §2.7.1).

use crate::limits;
use crate::passkey::{KeptPasskey, ShownPasskey};
use crate::pin::KeptPin;
use crate::subscription::PushSubscription;
use annuaire_jose::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a means is in its life. Nothing is opened again from an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeansState {
    /// Its activation is not finished.
    Pending,
    /// It may be used.
    Active,
    /// Its holder suspended it, and may resume it.
    Suspended,
    /// Its holder, the support or the end of the person ended it.
    Revoked,
    /// Its time is over.
    Expired,
    /// The PIN was wrong too often: it must be activated anew.
    Locked,
}

impl MeansState {
    /// All states.
    pub const ALL: [Self; 6] = [Self::Pending, Self::Active, Self::Suspended, Self::Revoked, Self::Expired, Self::Locked];

    /// Whether a means may go from this state to another one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Active | Self::Revoked),
            Self::Active => matches!(next, Self::Suspended | Self::Revoked | Self::Expired | Self::Locked),
            Self::Suspended => matches!(next, Self::Active | Self::Revoked | Self::Expired),
            Self::Locked => matches!(next, Self::Revoked),
            Self::Revoked | Self::Expired => false,
        }
    }

    /// Whether the phone counts among those in use.
    #[must_use]
    pub const fn is_in_use(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }

    /// The word that people read.
    #[must_use]
    pub const fn french(self) -> &'static str {
        match self {
            Self::Pending => "en cours d’activation",
            Self::Active => "actif",
            Self::Suspended => "suspendu",
            Self::Revoked => "révoqué",
            Self::Expired => "expiré",
            Self::Locked => "verrouillé",
        }
    }
}

/// How the person proved who they are when the phone was activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActivationMode {
    /// By their card.
    Card,
    /// By a mail and an SMS to what the register knows.
    ContactData,
}

/// What a phone says of itself. It proves nothing; its holder recognises it by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhoneDevice {
    /// The name that its holder gave it.
    pub name: String,
    /// Model.
    pub model: String,
    /// Operating system.
    pub os: String,
    /// Version of the application.
    pub app_version: String,
}

/// A text that somebody chose, as it may be shown: without control and formatting characters, with single blanks, and not longer than `most` characters.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let harmless = |c: char| {
        let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || hidden { ' ' } else { c }
    };
    let clean: String = text.chars().map(harmless).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}

impl PhoneDevice {
    /// The description with texts that may be shown.
    pub(crate) fn cleaned(&self) -> Self {
        let text = |text: &str| shown(text, limits::NAME_CHARS);
        let name = text(&self.name);
        let name = if name.is_empty() { "Téléphone".to_owned() } else { name };
        Self { name, model: text(&self.model), os: text(&self.os), app_version: text(&self.app_version) }
    }
}

/// A means as its row keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Means {
    pub means_id: String,
    pub national_id: String,
    pub state: MeansState,
    pub mode: ActivationMode,
    pub device: PhoneDevice,
    pub device_key: Value,
    /// Absent or null in rows of before passkeys.
    #[serde(default)]
    pub passkey: Option<KeptPasskey>,
    pub pin: Option<KeptPin>,
    /// Where requests are notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushSubscription>,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub last_used_ms: Option<i64>,
    /// When and why it ended.
    pub ended_ms: Option<i64>,
}

impl Means {
    /// Goes to another state, if it may.
    pub(crate) fn become_state(&mut self, next: MeansState, now_ms: i64) -> bool {
        let may = self.state.may_become(next);
        if may {
            self.state = next;
            if !next.is_in_use() {
                self.ended_ms = Some(now_ms);
                // What could be tried against a copy of the registry goes with the means.
                self.pin = None;
                self.passkey = None;
                self.push = None;
            }
        }
        may
    }

    /// The state as it is now: the end of validity counts before somebody writes it.
    pub(crate) fn state_at(&self, now_ms: i64) -> MeansState {
        if self.state.is_in_use() && now_ms >= self.expires_ms { MeansState::Expired } else { self.state }
    }

    /// When the row is due: at the end of its validity, later at the end of its time in the list.
    pub(crate) fn due_ms(&self) -> i64 {
        self.ended_ms.map_or(self.expires_ms, |ended| ended.saturating_add(limits::ENDED_MEANS_MS))
    }

    pub(crate) fn key(&self) -> Option<PublicKey> {
        PublicKey::from_jwk(&self.device_key).ok()
    }
}

/// A phone in the list of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownMeans {
    /// Its number.
    pub means_id: String,
    /// Where it is in its life.
    pub state: MeansState,
    /// How it was activated.
    pub mode: ActivationMode,
    /// What it says of itself.
    pub device: PhoneDevice,
    /// When it was activated, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Until when it is valid.
    pub expires_ms: i64,
    /// When it last approved something.
    pub last_used_ms: Option<i64>,
    /// RFC 7638 thumbprint of its key.
    pub key_thumbprint: String,
    /// Its passkey.
    pub passkey: Option<ShownPasskey>,
    /// Whether requests are notified to it.
    pub is_notified: bool,
}

impl Means {
    pub(crate) fn shown(&self, now_ms: i64) -> ShownMeans {
        ShownMeans {
            means_id: self.means_id.clone(),
            state: self.state_at(now_ms),
            mode: self.mode,
            device: self.device.clone(),
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            last_used_ms: self.last_used_ms,
            key_thumbprint: self.key().map(|key| key.thumbprint().to_owned()).unwrap_or_default(),
            passkey: self.passkey.as_ref().map(KeptPasskey::shown),
            is_notified: self.push.is_some(),
        }
    }
}

/// The name under which sessions rest on the passkey of a means, and on no phone: they end when it is removed, and when the means ends.
#[must_use]
pub fn passkey_name(means_id: &str) -> String {
    format!("{means_id}.passkey")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_back_from_an_end() {
        for end in [MeansState::Revoked, MeansState::Expired] {
            assert!(MeansState::ALL.iter().all(|next| !end.may_become(*next)));
        }
        assert!(MeansState::Locked.may_become(MeansState::Revoked) && !MeansState::Locked.may_become(MeansState::Active));
        assert!(MeansState::ALL.iter().all(|state| !state.may_become(MeansState::Pending) && !state.may_become(*state)));
    }

    #[test]
    fn rows_of_before_passkeys_are_read_and_written_again() {
        let kept = |passkey: &str| {
            format!(
                r#"{{"means_id": "0d9b7f0e2f0b4e0e8a532a8e4c1d7f10", "national_id": "810999000015", "state": "active",
                "mode": "CONTACT_DATA", "device": {{"name": "Téléphone"}}, "device_key": {{"kty": "EC"}}, {passkey}
                "pin": {{"hash": "h", "failures": 0}}, "created_ms": 1, "expires_ms": 2, "last_used_ms": null, "ended_ms": null}}"#
            )
        };
        for text in [kept(""), kept("\"passkey\": null,")] {
            let means: Means = serde_json::from_str(&text).unwrap();
            assert!(means.passkey.is_none() && means.state == MeansState::Active);
            let again: Means = serde_json::from_str(&serde_json::to_string(&means).unwrap()).unwrap();
            assert_eq!(again, means);
        }
    }

    #[test]
    fn texts_of_a_phone_are_shown_without_tricks() {
        assert_eq!(shown("  A\u{202e}B\n<b>\u{7} c ", 60), "A B <b> c");
        assert_eq!(shown("éééé", 2), "éé");
        assert_eq!(PhoneDevice::default().cleaned().name, "Téléphone");
    }
}
