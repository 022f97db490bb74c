//! Feeds of orders and regional agencies (registration §16.3): a batch is received, waits for a human when it changes too much, is applied or
//! rejected, and is acknowledged line by line. `docs/authority-feeds.md` has the format.

use crate::authority::AuthoritySession;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::feed_rows::{FeedAnswer, FeedBatchRow, FeedLine, FeedPageRow, FeedPhase, unreadable};
use crate::limits::{ATTEMPTS, FEED_BYTES_MAX, FEED_PAGE_BYTES, FEED_PAGE_LINES, FEEDS_SHOWN, LOT_NAME_CHARS};
use crate::row::{PendingWrites, VersionedRow, about, read};
use crate::service::{Registration, SystemActor, refusal, typed_reason, with_member};
use crate::session::{SessionTrace, audit_event};
use annuaire_mos::owner::Owner;
use annuaire_store::{AuditEvent, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::feed::FeedHold;
use annuaire_workflow::messages::MessageCode;
use serde::Serialize;
use serde_json::json;

/// Actor of what an operator does by command.
const OPERATOR: &str = "operator";

/// The right to send and decide on batches of one authority: of an agent of it, or of the operator.
#[derive(Debug, Clone)]
pub struct FeedSender {
    /// Code of TRE_R60.
    pub(crate) code: String,
    /// National identification, or the operator.
    pub(crate) id: String,
    pub(crate) trace: SessionTrace,
    pub(crate) channel: Channel,
}

/// A batch of an authority. Counts are of persons, those of results of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFeed {
    /// Identifier.
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// Who sent it.
    pub sent_by: String,
    /// Who applied or rejected it; empty when nobody had to.
    pub decided_by: String,
    /// The reason that they typed.
    pub reason: String,
    /// When it came, milliseconds since 1970 UTC.
    pub received_ms: i64,
    /// When it is erased, milliseconds since 1970 UTC.
    pub ends_ms: i64,
    /// Whether it is a full set.
    pub full: bool,
    /// Where it is.
    pub phase: FeedPhase,
    /// Why it waits, or waited.
    pub hold: Option<FeedHold>,
    /// Lines.
    pub lines: u32,
    /// Lines that cannot be read.
    pub unreadable: u32,
    /// Whether a line names no source, so that nothing ends by absence.
    pub keeps_absent: bool,
    /// Persons of whom the authority stated something when it came.
    pub population: u64,
    /// Persons whom it would make known.
    pub created: u64,
    /// Persons whom it would change.
    pub changed: u64,
    /// Persons whom its lines would end or cancel.
    pub ended: u64,
    /// Persons of whom it leaves out something.
    pub removed: u64,
    /// Persons of whom it says what is known.
    pub unchanged: u64,
    /// Lines that were accepted.
    pub accepted: u32,
    /// Lines that were accepted with a remark.
    pub warned: u32,
    /// Lines that were rejected.
    pub rejected: u32,
    /// Persons of whom something ended by absence.
    pub left_out: u32,
}

impl FeedSender {
    /// The right of an agent.
    #[must_use]
    pub fn agent(session: &AuthoritySession) -> Self {
        Self {
            code: session.code().to_owned(),
            id: session.person().to_owned(),
            trace: session.trace().clone(),
            channel: Channel::Portal,
        }
    }

    /// The right of an operator, for the authority with a code of TRE_R60; `None` for any other code.
    #[must_use]
    pub fn operator(_by: &SystemActor, code: &str) -> Option<Self> {
        Owner::authority(code)?;
        Some(Self { code: code.to_owned(), id: OPERATOR.to_owned(), trace: SessionTrace::default(), channel: Channel::Operator })
    }

    /// Whoever decided on a batch, or sent it when nobody had to decide.
    pub(crate) fn of_batch(batch: &FeedBatchRow) -> Self {
        let id = if batch.decided_by.is_empty() { &batch.sent_by } else { &batch.decided_by };
        let channel = if id == OPERATOR { Channel::Operator } else { Channel::Portal };
        Self { code: batch.authority.clone(), id: id.clone(), trace: SessionTrace::default(), channel }
    }

    pub(crate) fn kind(&self) -> ActorKind {
        crate::authority::kind_of(&self.code)
    }

    fn event(&self, name: &str, batch: &str) -> AuditEvent {
        let event = audit_event(self.kind(), &self.id, &self.trace, name, batch);
        AuditEvent { detail: with_member(&event.detail, "authority", &json!(self.code)), ..event }
    }
}

/// Lines of a file that are not empty, with their numbers; a byte order mark is passed over.
fn lines_of(bytes: &[u8]) -> Vec<FeedLine> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    for (n, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        // What is too long is answered and not kept. What is no text is read as JSON, and is none.
        let text = (line.len() <= crate::limits::FEED_LINE_BYTES).then(|| String::from_utf8_lossy(line).into_owned());
        lines.push(FeedLine { number: u32::try_from(n + 1).unwrap_or(u32::MAX), text });
    }
    lines
}

/// Pages of lines, each small enough for a row.
fn pages_of(lines: &[FeedLine]) -> Vec<&[FeedLine]> {
    let (mut pages, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (end, line) in lines.iter().enumerate() {
        let own = line.text.as_ref().map_or(0, |text| 2 * text.len());
        if end > begin && (end - begin >= FEED_PAGE_LINES || bytes + own > FEED_PAGE_BYTES) {
            pages.push(&lines[begin..end]);
            (begin, bytes) = (end, 0);
        }
        bytes += own;
    }
    if begin < lines.len() {
        pages.push(&lines[begin..]);
    }
    pages
}

impl Registration {
    /// A page of a batch, sealed under its key.
    pub(crate) fn sealed_page<T: Serialize>(&self, key: String, due_ms: i64, content: &[T]) -> Result<FeedPageRow, Error> {
        let text = serde_json::to_string(content).map_err(unreadable)?;
        let sealed = self.keys.feeds.seal(&key, &text, self.nonce()).ok_or(Error::Sealed { kind: "feed-page" })?;
        Ok(FeedPageRow { key, due_ms, sealed })
    }

    /// What a page of a batch holds; nothing when there is no such page.
    pub(crate) async fn opened_page<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Vec<T>, Error> {
        let row: Option<VersionedRow<FeedPageRow>> = read(self.registry(), key).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let text = self.keys.feeds.open(key, &row.value.sealed).ok_or(Error::Sealed { kind: "feed-page" })?;
        serde_json::from_str(&text).map_err(unreadable)
    }

    /// The batch that a file would be, with what it would change; nothing is written.
    async fn weighed(
        &self,
        by: &FeedSender,
        full: bool,
        name: &str,
        bytes: &[u8],
    ) -> Result<(FeedBatchRow, Vec<FeedLine>), Error> {
        let received_ms = self.now_ms();
        let digest = self.keys.hashed("feed-batch", &[&by.code, &String::from_utf8_lossy(&self.nonce())]);
        let id = format!("{}-{received_ms:014}-{}", by.code, digest.get(..8).unwrap_or_default());
        let name: String = name.chars().filter(|c| !c.is_control()).take(LOT_NAME_CHARS).collect();
        let mut batch = FeedBatchRow {
            name: self.keys.feeds.seal(&id, &name, self.nonce()).ok_or(Error::Sealed { kind: "feed-batch" })?,
            id,
            authority: by.code.clone(),
            sent_by: by.id.clone(),
            decided_by: String::new(),
            reason: String::new(),
            received_ms,
            full,
            phase: FeedPhase::Applying,
            lines: 0,
            unreadable: 0,
            unnamed: false,
            population: 0,
            created: 0,
            changed: 0,
            ended: 0,
            removed: 0,
            unchanged: 0,
            pages: 0,
            pages_done: 0,
            accepted: 0,
            warned: 0,
            rejected: 0,
            left_out: 0,
        };
        let mut lines = lines_of(bytes);
        self.weigh(&mut batch, &mut lines).await?;
        if batch.hold().is_some() {
            batch.phase = FeedPhase::Held;
        }
        Ok((batch, lines))
    }

    fn listed_feed(&self, batch: &FeedBatchRow) -> Result<ListedFeed, Error> {
        Ok(ListedFeed {
            id: batch.id.clone(),
            name: self.keys.feeds.open(&batch.id, &batch.name).ok_or(Error::Sealed { kind: "feed-batch" })?.to_string(),
            sent_by: batch.sent_by.clone(),
            decided_by: batch.decided_by.clone(),
            reason: batch.reason.clone(),
            received_ms: batch.received_ms,
            ends_ms: batch.ends_ms(),
            full: batch.full,
            phase: batch.phase,
            hold: batch.hold(),
            lines: batch.lines,
            unreadable: batch.unreadable,
            keeps_absent: batch.unnamed,
            population: batch.population,
            created: batch.created,
            changed: batch.changed,
            ended: batch.ended,
            removed: batch.removed,
            unchanged: batch.unchanged,
            accepted: batch.accepted,
            warned: batch.warned,
            rejected: batch.rejected,
            left_out: batch.left_out,
        })
    }

    /// What a file would change; nothing is written. Cost: that of reading the file, and the sources of the authority.
    ///
    /// # Errors
    /// E-GEN-02 for an empty file or one of more than [`FEED_BYTES_MAX`] bytes; the errors of the registry.
    pub async fn preview_feed(
        &self,
        by: &FeedSender,
        full: bool,
        name: &str,
        bytes: &[u8],
    ) -> Result<ListedFeed, RegistrationStop> {
        Self::check_size(bytes)?;
        let (batch, _) = self.weighed(by, full, name, bytes).await?;
        Ok(self.listed_feed(&batch)?)
    }

    fn check_size(bytes: &[u8]) -> Result<(), RegistrationStop> {
        if bytes.trim_ascii().is_empty() || bytes.len() > FEED_BYTES_MAX {
            return Err(refusal(MessageCode::EGen02).into());
        }
        Ok(())
    }

    /// Receives a file: JSON lines of persons, a delta or a full set. It is applied by [`run_feeds`](Self::run_feeds), or waits for a human
    /// when it changes too much ([`FeedPhase::Held`]). A receipt that is killed leaves pages that nothing names, which are erased
    /// with time. Cost: a unit for each page of fifty lines, and the sources of the authority.
    ///
    /// # Errors
    /// E-GEN-02 for an empty file or one of more than [`FEED_BYTES_MAX`] bytes; the errors of the registry.
    pub async fn receive_feed(
        &self,
        by: &FeedSender,
        full: bool,
        name: &str,
        bytes: &[u8],
    ) -> Result<ListedFeed, RegistrationStop> {
        Self::check_size(bytes)?;
        let (mut batch, lines) = self.weighed(by, full, name, bytes).await?;
        let pages = pages_of(&lines);
        batch.pages = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        for (n, page) in (0..).zip(pages) {
            let mut writes = PendingWrites::default();
            writes.put(&self.sealed_page(batch.page_key(n), batch.ends_ms(), page)?, None)?;
            self.write(writes, &by.cause("flux")).await?;
        }
        let mut writes = PendingWrites::default();
        writes.put(&batch, None)?;
        if batch.phase == FeedPhase::Applying {
            writes.job(batch.job(self.now_ms()));
        }
        let mut event = by.event("flux-recu", &batch.id);
        event.detail = with_member(&event.detail, "held", &json!(batch.hold().is_some()));
        writes.audit(event);
        if !self.write(writes, &by.cause("flux")).await? {
            return Err(Error::Contended { number: batch.id }.into());
        }
        Ok(self.listed_feed(&batch)?)
    }

    /// The last batches of the authority, the newest first.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn feeds(&self, by: &FeedSender) -> Result<Vec<ListedFeed>, RegistrationStop> {
        let mut rows: Vec<VersionedRow<FeedBatchRow>> = about(self.registry(), &FeedBatchRow::subject_of(&by.code)).await?;
        rows.reverse();
        rows.truncate(FEEDS_SHOWN);
        rows.iter().map(|row| self.listed_feed(&row.value).map_err(Into::into)).collect()
    }

    /// A batch of the authority; batches of others are as unknown as none.
    pub(crate) async fn feed_row(&self, by: &FeedSender, id: &str) -> Result<VersionedRow<FeedBatchRow>, RegistrationStop> {
        let row: Option<VersionedRow<FeedBatchRow>> = read(self.registry(), id).await?;
        row.filter(|row| row.value.authority == by.code).ok_or_else(|| refusal(MessageCode::EGen02).into())
    }

    /// A batch of the authority.
    ///
    /// # Errors
    /// E-GEN-02 for an identifier of no batch of this authority; the errors of the registry.
    pub async fn feed(&self, by: &FeedSender, id: &str) -> Result<ListedFeed, RegistrationStop> {
        let row = self.feed_row(by, id).await?;
        Ok(self.listed_feed(&row.value)?)
    }

    /// Applies a batch that waits, or rejects it. What a full set leaves out is looked for again while it is applied: one that came before
    /// another batch was applied must be rejected, since it may know less.
    ///
    /// # Errors
    /// E-GEN-03 for the reason, E-GEN-02 for an identifier of no batch of this authority, E-REQ-06 for one that waits no longer, or a full set that
    /// is outdated; the errors of the registry.
    pub async fn decide_feed(
        &self,
        by: &FeedSender,
        id: &str,
        apply: bool,
        reason: &str,
    ) -> Result<ListedFeed, RegistrationStop> {
        let event = by.event(if apply { "flux-appliquer" } else { "flux-rejeter" }, id);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        for _ in 0..ATTEMPTS {
            let row = self.feed_row(by, id).await?;
            if row.value.phase != FeedPhase::Held {
                return self.refused(event, settled(row.value.phase)).await;
            }
            if apply && row.value.full && self.is_outdated(&row.value).await? {
                let outdated = [("statut", "dépassée par un envoi plus récent")];
                return self.refused(event, RegistrationRefusal::filled(MessageCode::EReq06, &outdated)).await;
            }
            let phase = if apply { FeedPhase::Applying } else { FeedPhase::Rejected };
            let batch = FeedBatchRow { phase, decided_by: by.id.clone(), reason: reason.clone(), ..row.value };
            let mut writes = PendingWrites::default();
            writes.put(&batch, Some(row.version))?;
            if apply {
                writes.job(batch.job(self.now_ms()));
            }
            let detail = with_member(&event.detail, "reason", &json!(reason));
            writes.audit(AuditEvent { detail, ..event.clone() });
            if self.write(writes, &by.cause("flux")).await? {
                return Ok(self.listed_feed(&batch)?);
            }
        }
        Err(Error::Contended { number: id.to_owned() }.into())
    }

    async fn is_outdated(&self, batch: &FeedBatchRow) -> Result<bool, Error> {
        let rows: Vec<VersionedRow<FeedBatchRow>> = about(self.registry(), &FeedBatchRow::subject_of(&batch.authority)).await?;
        let went_on = |other: &FeedBatchRow| matches!(other.phase, FeedPhase::Applying | FeedPhase::Applied);
        Ok(rows.iter().any(|row| row.value.id > batch.id && went_on(&row.value)))
    }

    /// The acknowledgement of a batch, as JSON lines in the order of the file: result, code, field and RPPS number of each line. Lines that are
    /// not done yet are absent. It is personal data; the read is audited.
    ///
    /// # Errors
    /// E-GEN-02 for an identifier of no batch of this authority; the errors of the registry.
    pub async fn feed_acknowledgement(&self, by: &FeedSender, id: &str) -> Result<String, RegistrationStop> {
        let row = self.feed_row(by, id).await?;
        self.audit(by.event("flux-accuse", id)).await?;
        let mut answers: Vec<FeedAnswer> = Vec::new();
        for page in 0..row.value.pages_done {
            answers.extend(self.opened_page::<FeedAnswer>(&row.value.answer_key(page)).await?);
        }
        answers.sort_by_key(|answer| answer.line);
        let mut text = String::new();
        for answer in &answers {
            text.push_str(&serde_json::to_string(answer).map_err(unreadable)?);
            text.push('\n');
        }
        Ok(text)
    }
}

/// The refusal of a decision on a batch that waits no longer.
fn settled(phase: FeedPhase) -> RegistrationRefusal {
    let word = match phase {
        FeedPhase::Held => "en attente",
        FeedPhase::Applying => "en cours d'application",
        FeedPhase::Applied => "appliquée",
        FeedPhase::Rejected => "rejetée",
    };
    RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", word)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_pages_are_bounded() {
        let lines = lines_of(b"\xef\xbb\xbf{}\r\n\n  \n{\"a\":1}");
        let texts: Vec<(u32, &str)> = lines.iter().map(|line| (line.number, line.text.as_deref().unwrap())).collect();
        assert_eq!(texts, [(1, "{}"), (4, "{\"a\":1}")]);
        assert_eq!(lines_of(&vec![b'x'; crate::limits::FEED_LINE_BYTES + 1])[0].text, None);
        let many: Vec<FeedLine> = (0..120).map(|number| FeedLine { number, text: Some("{}".into()) }).collect();
        assert_eq!(pages_of(&many).iter().map(|page| page.len()).collect::<Vec<_>>(), [50, 50, 20]);
        let long: Vec<FeedLine> = (0..3).map(|number| FeedLine { number, text: Some("x".repeat(50_000)) }).collect();
        assert_eq!(pages_of(&long).iter().map(|page| page.len()).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(pages_of(&[]).is_empty());
    }
}
