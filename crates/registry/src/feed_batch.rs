//! A batch of an authority as a whole: what it would change, and the job that applies it, page by page. A node that is killed leaves its page
//! to another one, for which the lines that were done are done.

use crate::error::Error;
use crate::feed::FeedSender;
use crate::feed_record::{RecordFault, read_record, source_of};
use crate::feed_rows::{FEED_JOB, FeedAnswer, FeedBatchRow, FeedLine, FeedPhase, FeedSourceRow};
use crate::feed_write::rejected;
use crate::limits::LEASE_MS;
use crate::row::{PendingWrites, VersionedRow, beginning, read};
use crate::service::{Registration, SystemActor};
use annuaire_store::Queue;
use annuaire_workflow::feed::{KnownRecord, RecordCode, RecordOperation, RecordResult, RecordStanding, order_records, standing};
use std::collections::{BTreeMap, BTreeSet};

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedsRun {
    /// Lines that were accepted, with or without a remark.
    pub accepted: u64,
    /// Lines that were rejected.
    pub rejected: u64,
    /// Persons of whom something ended because a full set leaves them out.
    pub left_out: u64,
    /// Pages that failed for a technical reason and are tried again.
    pub failed: u64,
}

/// What a batch says of a source: what becomes of the person.
#[derive(Debug, Clone, Copy, Default)]
struct WeighedSource {
    creates: bool,
    changes: bool,
    ends: bool,
    leaves_out: bool,
}

impl Registration {
    async fn sources(&self, authority: &str) -> Result<BTreeMap<String, FeedSourceRow>, Error> {
        let rows: Vec<VersionedRow<FeedSourceRow>> = beginning(self.registry(), &format!("{authority}|"), usize::MAX).await?;
        Ok(rows.into_iter().map(|row| (row.value.hash.clone(), row.value)).collect())
    }

    /// Puts the lines into the order in which they are applied, and counts what they would change.
    pub(crate) async fn weigh(&self, batch: &mut FeedBatchRow, lines: &mut [FeedLine]) -> Result<(), Error> {
        order_records(lines, |line| line.text.as_deref().and_then(source_of));
        let sources = self.sources(&batch.authority).await?;
        batch.population = sources.values().filter(|source| source.stands).count() as u64;
        batch.lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let mut weighed: BTreeMap<String, WeighedSource> = BTreeMap::new();
        for line in lines.iter() {
            let named = line.text.as_deref().and_then(source_of);
            batch.unnamed |= named.is_none();
            let Some((source, _)) = named else {
                batch.unreadable += 1;
                continue;
            };
            let hash = self.feed_hash(&batch.authority, &source);
            let of_source = weighed.entry(hash.clone()).or_default();
            let Ok(record) = read_record(line.text.as_deref().unwrap_or_default(), &batch.authority) else {
                batch.unreadable += 1;
                continue;
            };
            let known = sources.get(&hash);
            let fingerprint = self.feed_fingerprint(&record)?;
            let before = known.map(|known| KnownRecord { version: known.version, fingerprint: &known.fingerprint });
            if standing(record.version, &fingerprint, before) != RecordStanding::Changes {
                continue;
            }
            match record.operation {
                RecordOperation::Upsert if known.is_none_or(|known| !known.stands) => of_source.creates = true,
                RecordOperation::Upsert => {
                    of_source.changes = true;
                    let parts = self.named_parts(&batch.authority, &record);
                    let is_missing = |known: &FeedSourceRow| known.parts.iter().any(|part| !parts.contains(part));
                    of_source.leaves_out = batch.full && known.is_some_and(is_missing);
                }
                // What nobody knows is rejected, and ends nothing.
                RecordOperation::Close | RecordOperation::Cancel => of_source.ends = known.is_some_and(|known| known.stands),
            }
        }
        for of_source in weighed.values() {
            batch.removed += u64::from(of_source.leaves_out);
            match of_source {
                WeighedSource { ends: true, .. } => batch.ended += 1,
                WeighedSource { creates: true, .. } => batch.created += 1,
                WeighedSource { changes: true, .. } => batch.changed += 1,
                _ => batch.unchanged += 1,
            }
        }
        if batch.full && !batch.unnamed {
            let is_absent = |(hash, source): &(&String, &FeedSourceRow)| source.stands && !weighed.contains_key(*hash);
            batch.removed += sources.iter().filter(is_absent).count() as u64;
        }
        Ok(())
    }

    /// Goes on with batches that are applied; several nodes may do it at once. A line costs one unit, a page one more.
    ///
    /// # Errors
    /// Those of the registry while jobs are taken. A page that fails is tried again, and its lines that are done stay done.
    pub async fn run_feeds(&self, _by: &SystemActor) -> Result<FeedsRun, Error> {
        let mut run = FeedsRun::default();
        while let Some(job) = self.registry().take_job(Queue::Work, &[FEED_JOB], self.now_ms(), LEASE_MS).await? {
            let (id, page) = job.job.key.rsplit_once('|').unwrap_or_default();
            match self.feed_page(id, page.parse().unwrap_or(u32::MAX), &mut run).await {
                Ok(()) => self.registry().finish_job(job.id).await?,
                Err(reason) => {
                    self.retry_later(&job, &reason.to_string()).await?;
                    run.failed += 1;
                }
            }
        }
        Ok(run)
    }

    async fn feed_page(&self, id: &str, page: u32, run: &mut FeedsRun) -> Result<(), Error> {
        let kept: Option<VersionedRow<FeedBatchRow>> = read(self.registry(), id).await?;
        let is_next =
            |kept: &VersionedRow<FeedBatchRow>| kept.value.phase == FeedPhase::Applying && kept.value.pages_done == page;
        let Some(kept) = kept.filter(is_next) else { return Ok(()) };
        let mut batch = kept.value.clone();
        let by = FeedSender::of_batch(&batch);
        let mut answers = Vec::new();
        for line in self.opened_page::<FeedLine>(&batch.page_key(page)).await? {
            answers.push(self.apply_line(&by, &batch, &line).await?);
        }
        for answer in &answers {
            let (count, done) = match answer.result.as_str() {
                result if result == RecordResult::Rejected.code() => (&mut batch.rejected, &mut run.rejected),
                result if result == RecordResult::Warned.code() => (&mut batch.warned, &mut run.accepted),
                _ => (&mut batch.accepted, &mut run.accepted),
            };
            *count += 1;
            *done += 1;
        }
        let mut writes = PendingWrites::default();
        if !answers.is_empty() {
            writes.put(&self.sealed_page(batch.answer_key(page), batch.ends_ms(), &answers)?, None)?;
        }
        batch.pages_done += 1;
        if batch.pages_done < batch.pages {
            writes.job(batch.job(self.now_ms()));
        } else {
            let left_out = if batch.full && !batch.unnamed { self.leave_out_absent(&by, &batch).await? } else { 0 };
            batch.left_out = left_out;
            run.left_out += u64::from(left_out);
            batch.phase = FeedPhase::Applied;
        }
        writes.put(&batch, Some(kept.version))?;
        // Whoever loses had a page that another node finished.
        self.write(writes, &by.cause("flux")).await?;
        Ok(())
    }

    async fn apply_line(&self, by: &FeedSender, batch: &FeedBatchRow, line: &FeedLine) -> Result<FeedAnswer, Error> {
        let Some(text) = &line.text else {
            let too_long = RecordFault { code: RecordCode::TooLong, field: String::new(), near: None };
            return Ok(rejected(line.number, None, &too_long));
        };
        match read_record(text, &batch.authority) {
            Ok(record) => self.apply_record((by, batch), line.number, &record).await,
            Err(fault) => Ok(rejected(line.number, source_of(text), &fault)),
        }
    }

    /// Ends what a full set leaves out: persons whom no line of it names, readable or not.
    async fn leave_out_absent(&self, by: &FeedSender, batch: &FeedBatchRow) -> Result<u32, Error> {
        let mut named = BTreeSet::new();
        for page in 0..batch.pages {
            for line in self.opened_page::<FeedLine>(&batch.page_key(page)).await? {
                let source = line.text.as_deref().and_then(source_of);
                named.extend(source.map(|(source, _)| self.feed_hash(&batch.authority, &source)));
            }
        }
        let mut left_out = 0;
        for (hash, source) in self.sources(&batch.authority).await? {
            // A run before this one that was killed ended some of them.
            let ended_before = !source.stands && source.batch == batch.id && !named.contains(&hash);
            if source.stands && !named.contains(&hash) && self.leave_person_out(by, batch, &hash).await? || ended_before {
                left_out += 1;
            }
        }
        Ok(left_out)
    }
}
