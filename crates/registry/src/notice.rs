//! What people are told (registration §12): messages for the outbox, and for the inbox of the portal. They are written in the unit
//! that causes them, so that none is sent for what did not happen, and none is forgotten.
//!
//! A job holds no address and no name in clear: recipient and values are sealed under the key of its record of delivery.

use crate::error::Error;
use crate::limits::{DIGEST_HOUR_MS, MESSAGES_KEPT_MS};
use crate::row::{PendingWrites, RegistrationRow};
use crate::service::Registration;
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::day::{paris_day, paris_midnight, plus_days};
use annuaire_workflow::notifications::{NOTICE_LANGUAGE, NoticeAudience, NoticeChannel, NoticeId, TEMPLATES, template_of};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of the jobs of messages.
pub(crate) const NOTICE_JOB: &str = "registration-notice";
/// Kind of the jobs that an operator sees to: letters, processing that fails.
pub(crate) const OPERATOR_JOB: &str = "registration-operator";

/// Somebody who is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoticeRecipient {
    /// National identification; empty for somebody without one, who has no inbox.
    pub(crate) national_id: String,
    pub(crate) mail: String,
    pub(crate) mobile: String,
    /// First name.
    pub(crate) name: String,
}

/// Who is who around a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct NoticePeople(pub(crate) BTreeMap<u8, Vec<NoticeRecipient>>);

impl NoticePeople {
    pub(crate) fn set(&mut self, audience: NoticeAudience, people: Vec<NoticeRecipient>) {
        self.0.insert(audience as u8, people);
    }

    fn of(&self, audience: NoticeAudience) -> &[NoticeRecipient] {
        self.0.get(&(audience as u8)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Values of the places of texts; a place that nobody gave is an empty text.
#[derive(Debug, Clone)]
pub(crate) struct NoticeValues(BTreeMap<String, String>);

impl NoticeValues {
    /// All places of all texts, empty, and the number of the request.
    pub(crate) fn of(number: &str) -> Self {
        let places = TEMPLATES.iter().flat_map(|template| template.places()).filter(|place| *place != "portail");
        let mut values: BTreeMap<String, String> = places.map(|place| (place.to_owned(), String::new())).collect();
        values.insert("num".to_owned(), number.to_owned());
        Self(values)
    }

    pub(crate) fn set(&mut self, place: &str, value: &str) {
        self.0.insert(place.to_owned(), value.to_owned());
    }

    /// The values, as a template takes them.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(place, value)| (place.as_str(), value.as_str())).collect()
    }
}

/// What a job of a message holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NoticeOrder {
    /// Key of the record of delivery, under which the rest is sealed.
    pub(crate) delivery: String,
    /// A sealed [`SealedNotice`].
    pub(crate) sealed: String,
}

/// What a job of a message holds sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SealedNotice {
    pub(crate) notice: String,
    pub(crate) by_sms: bool,
    pub(crate) to: String,
    pub(crate) values: BTreeMap<String, String>,
}

/// The record of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryRow {
    pub(crate) key: String,
    /// Number of the request.
    pub(crate) request: String,
    pub(crate) notice: String,
    pub(crate) version: u16,
    pub(crate) language: String,
    /// `mail`, `sms`.
    pub(crate) channel: String,
    /// `queued`, `sent`, `delivered`, `bounced`, `lost`.
    pub(crate) state: String,
    pub(crate) at_ms: i64,
}

/// A message of the inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InboxRow {
    pub(crate) key: String,
    pub(crate) holder: String,
    pub(crate) notice: String,
    pub(crate) request: String,
    pub(crate) at_ms: i64,
    pub(crate) read: bool,
    /// Subject and body, sealed.
    pub(crate) sealed: String,
}

impl RegistrationRow for DeliveryRow {
    const KIND: &'static str = "notice-delivery";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn subject(&self) -> String {
        self.request.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.at_ms.saturating_add(MESSAGES_KEPT_MS))
    }
}

impl RegistrationRow for InboxRow {
    const KIND: &'static str = "inbox";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn subject(&self) -> String {
        self.holder.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.at_ms.saturating_add(MESSAGES_KEPT_MS))
    }
}

/// The next instant at which digests leave.
fn next_digest(now_ms: i64) -> i64 {
    let today = paris_midnight(paris_day(now_ms)).saturating_add(DIGEST_HOUR_MS);
    if now_ms < today { today } else { paris_midnight(plus_days(paris_day(now_ms), 1)).saturating_add(DIGEST_HOUR_MS) }
}

impl Registration {
    /// Writes a notification to everybody whom its template names, each person once by each channel.
    pub(crate) fn notify(
        &self,
        writes: &mut PendingWrites,
        id: NoticeId,
        people: &NoticePeople,
        values: &NoticeValues,
        now_ms: i64,
    ) -> Result<(), Error> {
        let template = template_of(id);
        let mut told = BTreeSet::new();
        for (audience, channels) in template.to {
            for person in people.of(*audience) {
                let mut values = values.clone();
                values.set("prénom", &person.name);
                for channel in *channels {
                    let who = [&person.national_id, &person.mail, &person.mobile].map(String::as_str).join("|");
                    if !told.insert((*channel, who.clone())) {
                        continue;
                    }
                    let mark = self.keys.hashed("notice", &[id.code(), channel.words(), &who]);
                    self.notify_by(writes, (id, *channel), person, &values, now_ms, &mark)?;
                }
            }
        }
        Ok(())
    }

    fn notify_by(
        &self,
        writes: &mut PendingWrites,
        (id, channel): (NoticeId, NoticeChannel),
        person: &NoticeRecipient,
        values: &NoticeValues,
        now_ms: i64,
        mark: &str,
    ) -> Result<(), Error> {
        let request = values.0.get("num").cloned().unwrap_or_default();
        let template = template_of(id);
        let mut nonce = [0; 8];
        (self.settings.entropy)(&mut nonce);
        let key = format!("{now_ms:014}|{:016x}", u64::from_be_bytes(nonce));
        let (to, due_ms) = match channel {
            NoticeChannel::Mail => (&person.mail, now_ms),
            NoticeChannel::Digest => (&person.mail, next_digest(now_ms)),
            NoticeChannel::Sms => (&person.mobile, now_ms),
            NoticeChannel::Portal => {
                if !person.national_id.is_empty() {
                    let filled = template.fill(&self.settings.public_base, &values.pairs()).map_err(Error::Notice)?;
                    let text = format!("{}\n{}", filled.subject, filled.body);
                    let key = format!("{}|{key}", person.national_id);
                    let sealed = self.keys.messages.seal(&key, &text, self.nonce());
                    let sealed = sealed.ok_or(Error::Sealed { kind: InboxRow::KIND })?;
                    let (notice, holder) = (id.code().to_owned(), person.national_id.clone());
                    writes.put(&InboxRow { key, holder, notice, request, at_ms: now_ms, read: false, sealed }, None)?;
                }
                return Ok(());
            }
            NoticeChannel::Letter => {
                let payload = serde_json::json!({"letter": id.code(), "request": request}).to_string();
                let kind = OPERATOR_JOB.to_owned();
                writes.job(NewJob { queue: Queue::Work, kind, key: format!("letter|{request}"), due_ms: now_ms, payload });
                return Ok(());
            }
        };
        if to.is_empty() {
            return Ok(());
        }
        // Filled once here: a text that lacks a value stops what happens, and not the mail an hour later.
        template.fill(&self.settings.public_base, &values.pairs()).map_err(Error::Notice)?;
        let by_sms = channel == NoticeChannel::Sms;
        let order = SealedNotice { notice: id.code().to_owned(), by_sms, to: to.clone(), values: values.0.clone() };
        let text = serde_json::to_string(&order).map_err(|cause| Error::Unreadable { kind: NOTICE_JOB, cause })?;
        let sealed = self.keys.messages.seal(&key, &text, self.nonce()).ok_or(Error::Sealed { kind: NOTICE_JOB })?;
        writes.put(
            &DeliveryRow {
                key: key.clone(),
                request,
                notice: id.code().to_owned(),
                version: template.version,
                language: NOTICE_LANGUAGE.to_owned(),
                channel: if by_sms { "sms" } else { "mail" }.to_owned(),
                state: "queued".to_owned(),
                at_ms: now_ms,
            },
            None,
        )?;
        // A later digest of the day takes the place of the earlier one.
        let digest = format!("digest|{mark}");
        let payload = serde_json::to_string(&NoticeOrder { delivery: key.clone(), sealed })
            .map_err(|cause| Error::Unreadable { kind: NOTICE_JOB, cause })?;
        let key = if channel == NoticeChannel::Digest { digest } else { key };
        writes.job(NewJob { queue: Queue::Outbox, kind: NOTICE_JOB.to_owned(), key, due_ms, payload });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_workflow::day::parse_iso;

    #[test]
    fn digests_leave_at_eight() {
        let midnight = paris_midnight(parse_iso("2026-07-02").unwrap());
        assert_eq!(next_digest(midnight), midnight + DIGEST_HOUR_MS);
        assert_eq!(next_digest(midnight + DIGEST_HOUR_MS), midnight + DIGEST_HOUR_MS + 24 * 3_600_000);
    }

    #[test]
    fn every_text_can_be_filled() {
        let values = NoticeValues::of("P20260112000042");
        for template in TEMPLATES {
            assert!(template.fill("https://annuaire.example", &values.pairs()).is_ok(), "{}", template.id);
        }
    }
}
