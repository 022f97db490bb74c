//! Answers before their format, compression and common headers.

use std::sync::Arc;

use annuaire_index::Index;
use annuaire_web::{CutShort, Piece, PieceSource};
use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::bundle::BundleDraft;
use crate::error::ApiError;
use crate::xml_pieces::XmlEntries;

/// What an operation answers.
pub(crate) struct Answer {
    pub status: StatusCode,
    /// FHIR JSON, or plain text.
    pub body: Vec<u8>,
    /// The bundle that continues the body, for an answer that leaves in pieces.
    pub rest: Option<BundleRest>,
    pub media: AnswerMedia,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerMedia {
    /// A FHIR resource, in the format that the client asks.
    Fhir,
    /// Text, whatever the client asks.
    Plain,
}

impl Answer {
    /// An answer that is a FHIR resource in JSON, or has no body.
    pub(crate) fn fhir(status: StatusCode, body: Vec<u8>) -> Self {
        Self { status, body, rest: None, media: AnswerMedia::Fhir, headers: Vec::new() }
    }

    /// An answer that is text.
    pub(crate) fn plain(status: StatusCode, body: String) -> Self {
        Self { media: AnswerMedia::Plain, ..Self::fhir(status, body.into_bytes()) }
    }

    /// This answer with one more header. A value that no header can have is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        self
    }
}

/// The part of a bundle that is not written yet, with the store of its rows.
pub(crate) struct BundleRest {
    draft: BundleDraft,
    index: Arc<Index>,
    /// What converts it, when the client asks for XML.
    xml: Option<XmlEntries>,
}

impl BundleRest {
    pub(crate) fn new(draft: BundleDraft, index: Arc<Index>) -> Self {
        Self { draft, index, xml: None }
    }

    /// Converts the first piece of JSON, and all that follow, to XML.
    pub(crate) fn start_xml(&mut self, json: &[u8]) -> Result<Vec<u8>, ApiError> {
        let snap = self.snapshot()?;
        let links = self.draft.measure(&snap)?;
        let (entries, first) = XmlEntries::start(json, &links)?;
        self.xml = Some(entries);
        Ok(first)
    }

    /// The state of the bundle. Rows never change, so that the state is there for as long as the store is.
    fn snapshot(&self) -> Result<annuaire_index::Snapshot, ApiError> {
        let snap = self.index.snapshot_at(self.draft.tx()).map_err(ApiError::internal)?;
        snap.ok_or_else(|| ApiError::internal("transaction"))
    }

    fn write_next(&mut self, bytes: usize) -> Result<Piece, ApiError> {
        let snap = self.snapshot()?;
        let last = self.draft.write(&snap, bytes)?;
        let json = self.draft.take();
        let bytes = match &mut self.xml {
            None => json,
            Some(entries) => entries.next(&json, last)?,
        };
        Ok(Piece { bytes, last })
    }
}

impl PieceSource for BundleRest {
    fn next_piece(&mut self, bytes: usize) -> Result<Piece, CutShort> {
        self.write_next(bytes).map_err(|error| CutShort { cause: error.cause })
    }
}
