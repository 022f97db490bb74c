//! « Ma profession n'est pas dans la liste » (registration §3.3): managers say what is missing, the keeper of terminologies answers, and
//! the author is told in the inbox (G02). Meanwhile the profession `312` is used, whose re-coding is a change of each situation.

use crate::acting::CaseActor;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::limits::WISHES_MAX;
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::persons;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, refusal};
use crate::session::{ManagerSession, TerminologySession, audit_event};
use annuaire_store::{AuditEvent, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::duplicates::wish_refusal;
use annuaire_workflow::limits::{NAME_MAX, REASON_MAX};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use serde::{Deserialize, Serialize};

/// A wish as it is kept. What people typed is sealed, since it may name somebody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfessionWishRow {
    pub(crate) key: String,
    /// National identification of the manager.
    pub(crate) author: String,
    pub(crate) persons: u32,
    pub(crate) at_ms: i64,
    /// Sealed [`WishTexts`].
    pub(crate) sealed: String,
    pub(crate) answered_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct WishTexts {
    text: String,
    usage: String,
    answer: String,
}

impl RegistrationRow for ProfessionWishRow {
    const KIND: &'static str = "profession-wish";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn subject(&self) -> String {
        self.author.clone()
    }

    /// Until it is answered.
    fn due_ms(&self) -> Option<i64> {
        self.answered_ms.is_none().then_some(self.at_ms)
    }
}

/// A profession that somebody misses in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfessionWish {
    /// Its key, for the answer.
    pub key: String,
    /// National identification of the manager.
    pub author: String,
    /// Which profession.
    pub text: String,
    /// Number of people concerned.
    pub persons: u32,
    /// What it is needed for.
    pub usage: String,
    /// When it was said, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The answer; `None` while it waits.
    pub answer: Option<String>,
}

/// The text of a field, trimmed.
///
/// # Errors
/// E-GEN-01 for an empty one, E-GEN-03 for one that is too long, or of unprintable characters alone.
fn typed(text: &str, most: usize) -> Result<String, RegistrationRefusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(refusal(MessageCode::EGen01));
    }
    if text.chars().count() > most || text.contains('\0') {
        return Err(RegistrationRefusal::filled(MessageCode::EGen03, &[("min", "1"), ("max", &most.to_string())]));
    }
    Ok(text.to_owned())
}

impl Registration {
    /// Says which profession is missing, for how many people, and what for. Returns the key of the wish.
    ///
    /// # Errors
    /// E-GEN-01 and E-GEN-03 for the fields, E-NOM-01 while too many wishes wait for an answer; the errors of the registry.
    pub async fn wish_profession(
        &self,
        by: &ManagerSession,
        text: &str,
        persons: u32,
        usage: &str,
    ) -> Result<String, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let event = actor.event("souhait-profession", "");
        let texts = match (typed(text, NAME_MAX), typed(usage, REASON_MAX)) {
            (Ok(text), Ok(usage)) => WishTexts { text, usage, answer: String::new() },
            (Err(refused), _) | (_, Err(refused)) => return self.refused(event, refused).await,
        };
        if persons == 0 {
            return self.refused(event, refusal(MessageCode::EGen01)).await;
        }
        let mine: Vec<VersionedRow<ProfessionWishRow>> = about(self.registry(), &by.person).await?;
        let waiting = mine.iter().filter(|row| row.value.answered_ms.is_none()).count();
        if let Some((code, text)) = wish_refusal(waiting) {
            return self.refused(event, RegistrationRefusal { code, text }).await;
        }
        let (now_ms, nonce) = (self.now_ms(), self.nonce());
        let key = format!("{now_ms:014}|{}", self.keys.hashed("wish", &[&format!("{nonce:02x?}")]));
        let sealed = self.sealed_wish(&key, &texts)?;
        let row =
            ProfessionWishRow { key: key.clone(), author: by.person.clone(), persons, at_ms: now_ms, sealed, answered_ms: None };
        let mut writes = PendingWrites::default();
        writes.put(&row, None)?;
        writes.audit(AuditEvent { object: key.clone(), ..event });
        self.write_once(writes, &by.person, "wish").await?;
        Ok(key)
    }

    /// The wishes that a manager said, the newest first, with their answers.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn own_profession_wishes(&self, by: &ManagerSession) -> Result<Vec<ProfessionWish>, Error> {
        let rows: Vec<VersionedRow<ProfessionWishRow>> = about(self.registry(), &by.person).await?;
        let mut all: Vec<ProfessionWish> = rows.into_iter().map(|row| self.wish(row.value)).collect::<Result<_, _>>()?;
        all.reverse();
        Ok(all)
    }

    /// The wishes that wait for an answer, the oldest first, then those that have one: [`WISHES_MAX`] of each at most. The read is audited.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn profession_wishes(&self, by: &TerminologySession) -> Result<Vec<ProfessionWish>, Error> {
        let most = u32::try_from(WISHES_MAX).unwrap_or(u32::MAX);
        let mut rows = Vec::new();
        for row in self.registry().identity_rows_due(ProfessionWishRow::KIND, self.now_ms(), most).await? {
            rows.push(VersionedRow::<ProfessionWishRow>::of(&row)?);
        }
        let known: Vec<VersionedRow<ProfessionWishRow>> = beginning(self.registry(), "", WISHES_MAX).await?;
        rows.extend(known.into_iter().filter(|row| row.value.answered_ms.is_some()));
        let all: Vec<ProfessionWish> = rows.into_iter().map(|row| self.wish(row.value)).collect::<Result<_, _>>()?;
        self.audit(audit_event(ActorKind::Nom, &by.person, &by.trace, "lire-souhaits", "")).await?;
        Ok(all)
    }

    /// Answers a wish: its author is told in the inbox. A second answer takes the place of the first, and is told too.
    ///
    /// # Errors
    /// E-GEN-01 and E-GEN-03 for the answer, E-GEN-02 for a wish that there is not; the errors of the registry.
    pub async fn answer_wish(&self, by: &TerminologySession, key: &str, answer: &str) -> Result<(), RegistrationStop> {
        let event = audit_event(ActorKind::Nom, &by.person, &by.trace, "repondre-souhait", key);
        let answer = match typed(answer, REASON_MAX) {
            Ok(answer) => answer,
            Err(refused) => return self.refused(event, refused).await,
        };
        let Some(kept) = read::<ProfessionWishRow>(self.registry(), key).await? else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        let texts = WishTexts { answer, ..self.wish_texts(&kept.value)? };
        let now_ms = self.now_ms();
        let sealed = self.sealed_wish(key, &texts)?;
        let row = ProfessionWishRow { sealed, answered_ms: Some(now_ms), ..kept.value };
        let mut writes = PendingWrites::default();
        writes.put(&row, Some(kept.version))?;
        let found = persons(self.registry(), std::slice::from_ref(&row.author)).await?;
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Author, found.iter().map(Into::into).collect());
        let mut values = NoticeValues::of("");
        values.set("liste", &texts.text);
        values.set("message", &texts.answer);
        self.notify(&mut writes, NoticeId::G02, &people, &values, now_ms)?;
        writes.audit(event);
        if self.write(writes, &Cause::new(Channel::Portal, &by.person, "wish")).await? {
            return Ok(());
        }
        Err(Error::Contended { number: key.to_owned() }.into())
    }

    fn sealed_wish(&self, key: &str, texts: &WishTexts) -> Result<String, Error> {
        let kind = ProfessionWishRow::KIND;
        let text = serde_json::to_string(texts).map_err(|cause| Error::Unreadable { kind, cause })?;
        self.keys.messages.seal(&wish_place(key), &text, self.nonce()).ok_or(Error::Sealed { kind })
    }

    fn wish_texts(&self, row: &ProfessionWishRow) -> Result<WishTexts, Error> {
        let kind = ProfessionWishRow::KIND;
        let text = self.keys.messages.open(&wish_place(&row.key), &row.sealed).ok_or(Error::Sealed { kind })?;
        serde_json::from_str(&text).map_err(|cause| Error::Unreadable { kind, cause })
    }

    fn wish(&self, row: ProfessionWishRow) -> Result<ProfessionWish, Error> {
        let WishTexts { text, usage, answer } = self.wish_texts(&row)?;
        let answer = row.answered_ms.map(|_| answer);
        Ok(ProfessionWish { key: row.key, author: row.author, text, persons: row.persons, usage, at_ms: row.at_ms, answer })
    }
}

/// Under what the texts of a wish are sealed.
fn wish_place(key: &str) -> String {
    format!("{}|{key}", ProfessionWishRow::KIND)
}
