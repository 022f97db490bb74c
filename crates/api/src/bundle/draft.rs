//! A bundle in the making: spliced from stored bytes and a few written ones, without parsing.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_index::{Row, Snapshot, Version, VersionReader};
use annuaire_web::limits::PIECE;

use super::frame::BundleFrame;
use super::included::included_rows;
use super::page_rows::PageRows;
use super::reduce::reduce;
use crate::cursor::Cursor;
use crate::digest::{digest, uuid};
use crate::error::ApiError;
use crate::json::{quote, quote_all};
use crate::limits;
use crate::outcome::{Severity, operation_outcome};
use crate::query::{IncludeRule, format_parameters};
use crate::types::type_name;

/// Usual bytes of an entry, for which room is reserved.
const USUAL: usize = 2_400;

/// What the entries of a bundle are.
pub(crate) enum BundleKind {
    /// Matches with their elements (all, or those named), what the rules bring to them, and the warnings about parameters.
    Search { includes: Vec<IncludeRule>, elements: Option<Vec<String>>, ignored: Vec<ApiError> },
    /// Versions.
    History,
}

/// What an entry is in its bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryRole {
    /// A match of the search, or a version of the history.
    Match,
    /// A resource that a rule brought.
    Included,
}

/// A bundle that is written in pieces: the first one is on its way to the client before the last one is made.
///
/// Its `meta.lastUpdated` is a watermark: the commit instant of the state that it was answered from. A follower that next asks
/// `_lastUpdated=ge` this instant loses nothing, since instants of commits strictly increase: what was committed later has a
/// later instant, and what has an earlier one was already in this state. A change of that very instant is answered again. All
/// pages of an answer are of one state and carry one watermark.
pub(crate) struct BundleDraft {
    frame: BundleFrame,
    tx: Tx,
    kind: BundleKind,
    /// Bytes written and not yet taken.
    out: Vec<u8>,
    /// Bytes taken.
    taken: usize,
    entries: u64,
    total: Option<u64>,
    page: PageRows,
    /// Rows of the page already written.
    written: usize,
    /// Rows that the rules bring to the page.
    included: Vec<Row>,
    /// Included rows already written.
    included_written: usize,
    entry: Version,
}

impl BundleDraft {
    pub(super) fn new(snap: &Snapshot, frame: BundleFrame, kind: BundleKind, total: Option<u64>, page: PageRows) -> Self {
        let place = frame.last_row().map_or(0, |row| u64::from(row.get()) + 1);
        let (tx, place) = (snap.tx().get().to_be_bytes(), place.to_be_bytes());
        let name = if matches!(kind, BundleKind::History) { "history" } else { "searchset" };
        let mut out = Vec::with_capacity((page.rows.len() * USUAL + 1_000).min(PIECE / 8 * 9));
        let start = format!(
            r#"{{"resourceType":"Bundle","id":"{}""#,
            uuid(digest(&[&frame.seal.log_bytes(), &tx, frame.scope.as_bytes(), frame.query.as_bytes(), &place]))
        );
        out.extend_from_slice(start.as_bytes());
        out.extend_from_slice(br#","meta":{"lastUpdated":"#);
        quote(&mut out, &iso_ms(snap.commit_ms()));
        out.extend_from_slice(br#"},"type":""#);
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
        if let Some(total) = total {
            out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
        }
        Self {
            frame,
            tx: snap.tx(),
            kind,
            out,
            taken: 0,
            entries: 0,
            total,
            page,
            written: 0,
            included: Vec::new(),
            included_written: 0,
            entry: Version::default(),
        }
    }

    /// Transaction of the bundle.
    pub(crate) fn tx(&self) -> Tx {
        self.tx
    }

    /// Matches, or versions, of this page.
    pub(crate) fn matches(&self) -> u64 {
        self.page.rows.len() as u64
    }

    /// The bytes written since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.taken += self.out.len();
        // The next piece is about as long, or somewhat longer.
        let room = self.out.len() / 8 * 9;
        std::mem::replace(&mut self.out, Vec::with_capacity(room))
    }

    /// Writes until `piece` bytes wait to be taken; true when the bundle is complete. `snap` must be of the transaction of the
    /// bundle.
    ///
    /// # Errors
    /// [`ApiError`] when the store cannot be read, or when too many resources are included.
    pub(crate) fn write(&mut self, snap: &Snapshot, piece: usize) -> Result<bool, ApiError> {
        let mut rows = snap.reader();
        while let Some(&row) = self.page.rows.get(self.written) {
            if self.out.len() >= piece {
                return Ok(false);
            }
            if self.taken + self.out.len() > limits::ANSWER {
                self.page.rows.truncate(self.written);
                self.page.more = true;
                self.find_included(snap)?;
                break;
            }
            self.write_entry(&mut rows, row, EntryRole::Match)?;
            self.written += 1;
        }
        while let Some(&row) = self.included.get(self.included_written) {
            if self.out.len() >= piece {
                return Ok(false);
            }
            self.write_entry(&mut rows, row, EntryRole::Included)?;
            self.included_written += 1;
        }
        self.finish()?;
        Ok(true)
    }

    /// Finds the rows that the rules bring to the page.
    pub(super) fn find_included(&mut self, snap: &Snapshot) -> Result<(), ApiError> {
        if let BundleKind::Search { includes, .. } = &self.kind
            && !includes.is_empty()
        {
            self.included = included_rows(snap, includes, &self.page.rows)?.iter().map(Row::new).collect();
        }
        Ok(())
    }

    fn open_entry(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    /// Closes an entry with its search mode.
    fn close_entry(&mut self, mode: &str) {
        for part in [r#","search":{"mode":""#, mode, r#""}}"#] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes the entry of a row.
    fn write_entry(&mut self, rows: &mut VersionReader, row: Row, role: EntryRole) -> Result<(), ApiError> {
        rows.read(row, &mut self.entry).map_err(ApiError::from_index)?;
        let is_search = matches!(self.kind, BundleKind::Search { .. });
        if self.entry.tombstone.is_some() && is_search {
            // A page of an earlier state, in which the resource still stood: the rules of today apply.
            return Ok(());
        }
        self.open_entry();
        let ty = type_name(self.entry.ty);
        self.out.extend_from_slice(br#""fullUrl":"#);
        quote_all(&mut self.out, &[&self.frame.base, "/", ty, "/", self.entry.id()]);
        if self.entry.tombstone.is_some() {
            push_request(&mut self.out, &self.entry, "DELETE", "204", &[ty, "/", self.entry.id()]);
            return Ok(());
        }
        self.out.extend_from_slice(br#","resource":"#);
        match &self.kind {
            BundleKind::Search { elements: Some(names), .. } if role == EntryRole::Match => {
                self.out.extend_from_slice(&reduce(self.entry.body(), names));
            }
            _ => self.out.extend_from_slice(self.entry.body()),
        }
        if is_search {
            self.close_entry(if role == EntryRole::Match { "match" } else { "include" });
        } else if self.entry.number == 1 {
            push_request(&mut self.out, &self.entry, "POST", "201", &[ty]);
        } else {
            push_request(&mut self.out, &self.entry, "PUT", "200", &[ty, "/", self.entry.id()]);
        }
        Ok(())
    }

    /// Closes the bundle with the warnings and the links, each of which but `self` leads to a page of this state.
    fn finish(&mut self) -> Result<(), ApiError> {
        if let BundleKind::Search { ignored, .. } = &self.kind
            && !ignored.is_empty()
        {
            let outcome = operation_outcome(Severity::Warning, ignored);
            let name = uuid(digest(&[&self.tx.get().to_be_bytes(), self.frame.query.as_bytes(), &outcome]));
            self.open_entry();
            self.out.extend_from_slice(format!(r#""fullUrl":"urn:uuid:{name}","resource":"#).as_bytes());
            self.out.extend_from_slice(&outcome);
            self.close_entry("outcome");
        }
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b',');
        self.write_links()?;
        self.out.push(b'}');
        Ok(())
    }

    /// Finds where the page will end, as [`BundleDraft::write`] will, and returns the member `link`, which XML has before the
    /// entries. It reads the matches that are not written yet, one at a time. `snap` must be of the transaction of the bundle.
    pub(crate) fn measure(&mut self, snap: &Snapshot) -> Result<Vec<u8>, ApiError> {
        let (out, written, entries) = (std::mem::take(&mut self.out), self.written, self.entries);
        let mut bytes = self.taken + out.len();
        let mut rows = snap.reader();
        while let Some(&row) = self.page.rows.get(self.written) {
            if bytes > limits::ANSWER {
                self.page.rows.truncate(self.written);
                self.page.more = true;
                self.find_included(snap)?;
                break;
            }
            self.out.clear();
            self.write_entry(&mut rows, row, EntryRole::Match)?;
            bytes += self.out.len();
            self.written += 1;
        }
        self.out.clear();
        self.write_links()?;
        (self.written, self.entries) = (written, entries);
        Ok(std::mem::replace(&mut self.out, out))
    }

    /// Writes the member `link`.
    fn write_links(&mut self) -> Result<(), ApiError> {
        self.out.extend_from_slice(br#""link":["#);
        let mut links = Vec::new();
        if let Some(last) = self.page.rows.last().filter(|_| self.page.more) {
            links.push(("next", Some(*last)));
        }
        if let (BundleKind::Search { .. }, Some(before)) = (&self.kind, self.page.previous) {
            links.push(("first", None));
            links.push(("previous", before));
        }
        let BundleFrame { base, seal, self_url, scope, query, .. } = &self.frame;
        let format = format_parameters(query);
        for (relation, last_row) in links {
            let cursor = Cursor { tx: self.tx, last_row, total: self.total, scope: scope.clone(), query: query.clone() };
            let token = cursor.seal(seal).ok_or_else(|| ApiError::internal("cursor"))?;
            self.out.extend_from_slice(format!(r#"{{"relation":"{relation}","url":"#).as_bytes());
            quote(&mut self.out, &format!("{base}/_page?id={token}{format}"));
            self.out.extend_from_slice(b"},");
        }
        self.out.extend_from_slice(br#"{"relation":"self","url":"#);
        quote(&mut self.out, self_url);
        self.out.extend_from_slice(b"}]");
        Ok(())
    }
}

/// Closes the entry of a version with what made it: the request and its response (HIST-5).
fn push_request(out: &mut Vec<u8>, entry: &Version, method: &str, status: &str, url: &[&str]) {
    let (number, last_updated_ms) = (entry.number, entry.last_updated_ms);
    out.extend_from_slice(format!(r#","request":{{"method":"{method}","url":"#).as_bytes());
    quote_all(out, url);
    let response = format!(r#"}},"response":{{"status":"{status}","etag":"W/\"{number}\"","lastModified":"#);
    out.extend_from_slice(response.as_bytes());
    quote(out, &iso_ms(last_updated_ms));
    out.extend_from_slice(b"}}");
}
