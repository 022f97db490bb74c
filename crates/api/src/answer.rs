//! Answers before their format, compression and common headers.

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_index::{Index, Snapshot};
use annuaire_web::{CutShort, FileBytes, Piece, PieceSource};
use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::bundle::BundleDraft;
use crate::change_lines::ChangeLines;
use crate::error::ApiError;
use crate::file_lines::FileLines;
use crate::xml_pieces::XmlEntries;

/// What an operation answers.
pub(crate) struct Answer {
    pub status: StatusCode,
    /// FHIR JSON, or plain text.
    pub body: Vec<u8>,
    /// What continues the body, for an answer that leaves in pieces.
    pub rest: Option<AnswerRest>,
    /// The body of an answer that is part of a file.
    pub file: Option<FileBytes>,
    pub media: AnswerMedia,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerMedia {
    /// A FHIR resource, in the format that the client asks.
    Fhir,
    /// JSON that is no resource, whatever the client asks.
    Json,
    /// A JSON object on each line, whatever the client asks.
    Lines,
    /// Text, whatever the client asks.
    Plain,
}

impl Answer {
    /// An answer that is a FHIR resource in JSON, or has no body.
    pub(crate) fn fhir(status: StatusCode, body: Vec<u8>) -> Self {
        Self { status, body, rest: None, file: None, media: AnswerMedia::Fhir, headers: Vec::new() }
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

/// The part of an answer that is not written yet.
pub(crate) enum AnswerRest {
    /// Of a bundle.
    Bundle(Box<BundleRest>),
    /// Of the lines of changes, with the store of their rows.
    Changes { lines: ChangeLines, index: Arc<Index> },
    /// Of the lines of a published file.
    Lines(FileLines),
}

impl PieceSource for AnswerRest {
    fn next_piece(&mut self, bytes: usize) -> Result<Piece, CutShort> {
        match self {
            // Always as much, so that the compressed bytes of a file are equal at each time.
            Self::Lines(lines) => lines.next_piece(),
            Self::Bundle(bundle) => bundle.write_next(bytes),
            Self::Changes { lines, index } => state_of(index, lines.tx()).and_then(|snap| {
                let (bytes, last) = lines.write(&snap, bytes)?;
                Ok(Piece { bytes, last })
            }),
        }
        .map_err(|error| CutShort { cause: error.cause.map(String::from) })
    }
}

/// The state of an answer under way. Rows never change, so that the state is there for as long as the store is.
fn state_of(index: &Index, tx: Tx) -> Result<Snapshot, ApiError> {
    let snap = index.snapshot_at(tx).map_err(ApiError::internal)?;
    snap.ok_or_else(|| ApiError::internal("transaction"))
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
        let snap = state_of(&self.index, self.draft.tx())?;
        let links = self.draft.measure(&snap)?;
        let (entries, first) = XmlEntries::start(json, &links)?;
        self.xml = Some(entries);
        Ok(first)
    }

    fn write_next(&mut self, bytes: usize) -> Result<Piece, ApiError> {
        let snap = state_of(&self.index, self.draft.tx())?;
        let last = self.draft.write(&snap, bytes)?;
        let json = self.draft.take();
        let bytes = match &mut self.xml {
            None => json,
            Some(entries) => entries.next(&json, last)?,
        };
        Ok(Piece { bytes, last })
    }
}
