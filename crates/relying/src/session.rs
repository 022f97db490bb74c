//! The session of a person who logged in with civil traits. Half an hour at most; traits and ID token are sealed, and gone with it.

use annuaire_seal::Sealer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::back_channel::TakenLogout;
use crate::civil::CivilIdentity;
use crate::error::RelyingError;
use crate::limits::{SESSION_MS, SESSION_PAGE, SWEEP, WRITE_ATTEMPTS};
use crate::relying::{PendingLogin, VerifiedLogin};
use crate::rows::{KeptRow, ReadRow, RelyingRows, RowWrites, is_handle, sha256_key};
use crate::told_logout::ToldLogout;

/// Kinds of the rows that make somebody logged in. A registry that was brought back from a copy loses them: a login that ended since would
/// stand again.
pub const CIVIL_LOGIN_KINDS: [&str; 2] = [PendingLogin::KIND, StoredCivilSession::KIND];

const SEAL_PURPOSE: &str = "annuaire 2026-11 civil session";
const ACCOUNT_PURPOSE: &str = "annuaire 2026-11 account of a person at another provider";

/// A session as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredCivilSession {
    /// SHA-256 of the cookie.
    key: String,
    account: String,
    acr: String,
    opened_ms: i64,
    due_ms: i64,
    took_over: bool,
    /// SHA-256 of issuer and session at the provider; empty when it told none.
    #[serde(default)]
    upstream: String,
    /// Sealed: traits and ID token.
    sealed: String,
}

impl KeptRow for StoredCivilSession {
    const KIND: &'static str = "civil_session";

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

#[derive(Serialize, Deserialize)]
struct SessionSecrets {
    identity: CivilIdentity,
    id_token: String,
}

/// A person who logged in with civil traits, for the portal: who they are, never what they may do. It gives no profession and opens no
/// professional data (identity.md §4.5). It stands in the extensions of a request that [`tell_civil`](crate::tell_civil) saw.
///
/// A request may hold a professional session too. The two are not one person because of that: nothing of one may be written on behalf of
/// the other (identity.md §5, 10).
#[derive(Debug, Clone)]
pub struct CivilSession {
    /// The person at this provider: 64 hexadecimal characters, a hash under the secret of the installation. A person whose civil status was
    /// rectified comes with another one (identity.md §4.3): the portal finds them by traits.
    pub account: String,
    /// The traits.
    pub identity: CivilIdentity,
    /// Level of the login: `eidas1`, `eidas2`, `eidas3`.
    pub acr: String,
    /// When it was opened, milliseconds since 1970 UTC.
    pub opened_ms: i64,
    /// When it ends.
    pub ends_ms: i64,
    /// Whether it took the place of another person's session in this browser, which was ended.
    pub took_over: bool,
}

impl CivilSession {
    /// State of certification (J111, registration.md §9.1): `FC`, or `FCP` above `eidas1`; `DI` when a form has to ask for traits.
    #[must_use]
    pub fn certification(&self) -> &'static str {
        match self.acr.as_str() {
            _ if !self.identity.missing().is_empty() => "DI",
            "eidas2" | "eidas3" => "FCP",
            _ => "FC",
        }
    }
}

/// A session that was opened.
pub(crate) struct OpenedSession {
    /// The new value of the cookie: a session never keeps the one that the browser had before.
    pub(crate) cookie: String,
}

/// A session that was ended.
pub(crate) struct EndedSession {
    /// For the logout at the provider.
    pub(crate) id_token: Zeroizing<String>,
}

/// All sessions.
pub(crate) struct CivilSessions {
    rows: RelyingRows,
    sealer: Sealer,
    account_key: [u8; 32],
}

impl CivilSessions {
    pub(crate) fn new(rows: RelyingRows, secret: &[u8; 32]) -> Self {
        let account_key = blake3::derive_key(ACCOUNT_PURPOSE, secret);
        Self { rows, sealer: Sealer::new(secret, SEAL_PURPOSE), account_key }
    }

    fn account(&self, issuer: &str, subject: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.account_key);
        hasher.update(issuer.as_bytes()).update(b"\0").update(subject.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    async fn read(&self, now_ms: i64, cookie: &str) -> Result<Option<ReadRow<StoredCivilSession>>, RelyingError> {
        if !is_handle(cookie) {
            return Ok(None);
        }
        self.rows.live(&sha256_key(cookie), now_ms).await
    }

    fn open_secrets(&self, stored: &StoredCivilSession) -> Result<SessionSecrets, RelyingError> {
        let kind = StoredCivilSession::KIND;
        let text = self.sealer.open(&stored.key, &stored.sealed).ok_or(RelyingError::Sealed(kind))?;
        serde_json::from_str(&text).map_err(|cause| RelyingError::Unreadable { kind, cause })
    }

    /// Opens the session of a verified login. A session that this browser had, as `former` tells, ends with it: of two persons, the one who
    /// logged in last is there, and nothing of the other is.
    pub(crate) async fn open(
        &self,
        now_ms: i64,
        login: &VerifiedLogin,
        identity: CivilIdentity,
        former: Option<&str>,
    ) -> Result<OpenedSession, RelyingError> {
        let kind = StoredCivilSession::KIND;
        let account = self.account(&login.issuer, &login.subject);
        let cookie = self.rows.handle();
        let key = sha256_key(&cookie);
        let secrets = SessionSecrets { identity, id_token: login.id_token.clone() };
        let text = serde_json::to_string(&secrets).map_err(|cause| RelyingError::Unreadable { kind, cause })?;
        let sealed = self.sealer.seal(&key, &Zeroizing::new(text), self.rows.random()).ok_or(RelyingError::Sealed(kind))?;
        let due_ms = now_ms.saturating_add(SESSION_MS);
        let mut stored = StoredCivilSession {
            key,
            account: account.clone(),
            acr: login.acr.clone(),
            opened_ms: now_ms,
            due_ms,
            took_over: false,
            upstream: login.session.as_ref().map(|session| upstream(&login.issuer, session)).unwrap_or_default(),
            sealed,
        };
        // Another tab may end the former session meanwhile: then it is looked for again.
        for _ in 0..WRITE_ATTEMPTS {
            let former = match former {
                Some(cookie) => self.read(now_ms, cookie).await?,
                None => None,
            };
            stored.took_over = former.as_ref().is_some_and(|former| former.value.account != account);
            let mut writes = RowWrites::default().create(&stored)?;
            if let Some(former) = &former {
                writes = writes.remove(former);
                if stored.took_over {
                    writes = writes.audit(&former.value.account, "civil_session_ended", "", &json!({"reason": "other-person"}));
                }
            }
            writes = writes.audit(&account, "civil_login", "", &json!({"acr": login.acr}));
            if self.rows.write(writes, now_ms).await? {
                return Ok(OpenedSession { cookie });
            }
        }
        Err(RelyingError::Contended(kind))
    }

    /// The session of a cookie.
    pub(crate) async fn find(&self, now_ms: i64, cookie: &str) -> Result<Option<CivilSession>, RelyingError> {
        let Some(read) = self.read(now_ms, cookie).await? else { return Ok(None) };
        let secrets = self.open_secrets(&read.value)?;
        let StoredCivilSession { account, acr, opened_ms, due_ms, took_over, .. } = read.value;
        Ok(Some(CivilSession { account, identity: secrets.identity, acr, opened_ms, ends_ms: due_ms, took_over }))
    }

    /// Ends the session of a cookie; `None` when there is none.
    pub(crate) async fn end(&self, now_ms: i64, cookie: &str) -> Result<Option<EndedSession>, RelyingError> {
        let Some(read) = self.read(now_ms, cookie).await? else { return Ok(None) };
        let secrets = self.open_secrets(&read.value)?;
        let writes = RowWrites::default().remove(&read);
        let writes = writes.audit(&read.value.account, "civil_logout", "", &json!({}));
        let is_ours = self.rows.write(writes, now_ms).await?;
        Ok(is_ours.then(|| EndedSession { id_token: Zeroizing::new(secrets.id_token) }))
    }

    /// Ends the sessions that a logout at the provider names; returns how many. Cost: reading the sessions that are open.
    pub(crate) async fn end_told(&self, now_ms: i64, issuer: &str, told: &ToldLogout) -> Result<u32, RelyingError> {
        let account = told.subject.as_deref().map(|subject| self.account(issuer, subject));
        let session = told.session.as_deref().map(|session| upstream(issuer, session));
        let (mut after, mut ended) = (String::new(), 0);
        loop {
            let page = self.rows.page::<StoredCivilSession>(&after, SESSION_PAGE).await?;
            let Some(last) = page.last() else { return Ok(ended) };
            after.clone_from(&last.value.key);
            for read in page {
                let of = &read.value;
                let is_person = account.as_ref().is_none_or(|account| *account == of.account);
                // A session of which the provider told no name is one of the person's.
                let is_session = session.as_ref().is_none_or(|session| *session == of.upstream)
                    || (account.is_some() && of.upstream.is_empty());
                if of.due_ms > now_ms && is_person && is_session {
                    let writes = RowWrites::default().remove(&read);
                    let writes = writes.audit(&of.account, "civil_session_ended", "", &json!({"reason": "provider"}));
                    // Whoever ended it meanwhile did what was to be done.
                    ended += u32::from(self.rows.write(writes, now_ms).await?);
                }
            }
        }
    }

    /// Removes logins and sessions that are over; returns how many.
    pub(crate) async fn sweep(&self, now_ms: i64) -> Result<u64, RelyingError> {
        self.rows.sweep(&[&CIVIL_LOGIN_KINDS[..], &[TakenLogout::KIND]].concat(), now_ms, SWEEP).await
    }
}

/// A session at the provider, as it is stored.
fn upstream(issuer: &str, session: &str) -> String {
    sha256_key(&format!("{issuer} {session}"))
}
