//! A file as an answer: whole, in part, or not at all when the client has it (RFC 9110 §13 and §14, RFC 9530).
//!
//! The file must never get other bytes under one tag: a client that resumes at any byte gets the rest of what it has. Blocks are read
//! by a thread that may wait for the disk, one block ahead of what is sent; a client that reads slowly holds two blocks and no thread.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::conditions::{match_names, none_match_names};
use crate::gate::Gate;
use crate::limits::FILE_BLOCK;
use crate::pending_line::PendingLine;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// What is sent for a file, in one encoding.
#[derive(Debug, Clone)]
pub struct Representation {
    /// Bytes of the encoding that is sent.
    pub length: u64,
    /// Strong tag with its quotes, for these bytes alone.
    pub etag: String,
    /// SHA-256 of these bytes, when it is known (RFC 9530).
    pub sha256: Option<[u8; 32]>,
    /// Media type of the decoded content.
    pub content_type: &'static str,
    /// Encoding of the bytes; `None` for plain ones.
    pub content_encoding: Option<&'static str>,
}

/// What a request asks of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSelection {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Nothing, the client has it: 304.
    NotModified,
}

/// Why a request gets nothing of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRefusal {
    /// It asks for bytes beyond the end: 416, with `Content-Range: bytes */length`.
    OutOfRange {
        /// Bytes that there are.
        length: u64,
    },
    /// `If-Match` names another tag: 412.
    Changed,
}

impl FileRefusal {
    /// HTTP status of the refusal.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::OutOfRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
        }
    }

    /// The header that goes with it.
    #[must_use]
    pub fn header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::OutOfRange { length } => Some((header::CONTENT_RANGE, text(format!("bytes */{length}")))),
            Self::Changed => None,
        }
    }
}

impl Representation {
    /// What a request asks of it: `If-Match`, `If-None-Match`, `Range` and `If-Range`, in this order of precedence. A range that cannot
    /// be read, several ranges and those of other units are ignored, as RFC 9110 allows: the answer is then whole.
    ///
    /// # Errors
    /// [`FileRefusal`] when a condition fails or the range begins beyond the end.
    pub fn select(&self, method: &Method, headers: &HeaderMap) -> Result<FileSelection, FileRefusal> {
        if !match_names(headers, &self.etag) {
            return Err(FileRefusal::Changed);
        }
        if none_match_names(headers, &self.etag) {
            return Ok(FileSelection::NotModified);
        }
        // Ranges are defined for GET alone. A date in If-Range never holds, since none is given here.
        let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == self.etag.as_bytes());
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None, true) = (ranges.next(), ranges.next(), same && method == Method::GET) else {
            return Ok(FileSelection::Whole);
        };
        match range.to_str().ok().and_then(|range| asked_range(range, self.length)) {
            None => Ok(FileSelection::Whole),
            Some(range) if range.is_empty() => Err(FileRefusal::OutOfRange { length: self.length }),
            Some(range) => Ok(FileSelection::Part(range)),
        }
    }

    /// Status and headers of the answer to a selection, without body: the caller sends [`FileBytes`], or what it makes itself.
    #[must_use]
    pub fn response(&self, selection: &FileSelection) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::ETAG, text(self.etag.clone()));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if *selection == FileSelection::NotModified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(encoding) = self.content_encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if let Some(sha256) = self.sha256 {
            let digest = text(format!("sha-256=:{}:", STANDARD.encode(sha256)));
            headers.insert(REPR_DIGEST, digest.clone());
            if *selection == FileSelection::Whole {
                headers.insert(CONTENT_DIGEST, digest);
            }
        }
        if let FileSelection::Part(range) = selection {
            let (first, last) = (range.start, range.end - 1);
            headers.insert(header::CONTENT_RANGE, text(format!("bytes {first}-{last}/{}", self.length)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }

    /// The answer of an open file whose bytes are this representation: status, headers and body. Nothing is read of the file before
    /// the body is sent. `gate` accounts for the request when its end is sent ([`account_for`](crate::account_for)).
    ///
    /// # Errors
    /// As [`select`](Self::select).
    pub fn answer(&self, file: File, method: &Method, headers: &HeaderMap, gate: &Arc<Gate>) -> Result<Response, FileRefusal> {
        let selection = self.select(method, headers)?;
        let mut response = self.response(&selection);
        let range = match selection {
            FileSelection::Whole => 0..self.length,
            FileSelection::Part(range) => range,
            FileSelection::NotModified => return Ok(response),
        };
        FileBytes { file, range }.send_in(&mut response, gate);
        Ok(response)
    }
}

/// A part of an open file.
#[derive(Debug)]
pub struct FileBytes {
    /// The file.
    pub file: File,
    /// Its bytes that are sent.
    pub range: Range<u64>,
}

impl FileBytes {
    /// Makes these bytes the body of a response.
    pub fn send_in(self, response: &mut Response, gate: &Arc<Gate>) {
        let line = PendingLine::default();
        response.extensions_mut().insert(line.clone());
        let Range { start, end } = self.range;
        let (file, gate) = (Arc::new(self.file), Arc::clone(gate));
        let body = FileBody { file, start, sent: start, ordered: start, end, next: None, line, gate, micros: 0 };
        *response.body_mut() = Body::new(body);
    }
}

/// The range that `Range` asks of a content of `length` bytes: empty when none of it is there, `None` when the header is to be ignored.
fn asked_range(header: &str, length: u64) -> Option<Range<u64>> {
    let (unit, range) = header.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (position(first)?, position(last)?) {
        (None, None) => None,
        (None, Some(suffix)) => Some(length.saturating_sub(suffix)..length),
        (Some(first), None) => Some(first.min(length)..length),
        (Some(first), Some(last)) if first <= last => Some(first.min(length)..last.saturating_add(1).min(length)),
        _ => None,
    }
}

/// A number of a range: `Some(None)` when it is absent, `None` when it is no number. One beyond 64 bits is beyond every end.
fn position(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    }
}

fn text(value: String) -> HeaderValue {
    // Tags, ranges and digests are made of visible ASCII; another value would be a mistake of the caller, and is left empty.
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
}

/// A block as it was read, with the microseconds that it took.
type ReadBlock = (io::Result<Vec<u8>>, i64);

/// The body of an answer that is part of a file.
struct FileBody {
    file: Arc<File>,
    start: u64,
    /// Position up to which it is sent.
    sent: u64,
    /// Position up to which a block is asked for.
    ordered: u64,
    end: u64,
    /// The block that is being read.
    next: Option<JoinHandle<ReadBlock>>,
    line: PendingLine,
    gate: Arc<Gate>,
    micros: i64,
}

impl FileBody {
    /// Has the next block read by a thread that may wait.
    fn order_next(&mut self) {
        if self.ordered == self.end {
            return;
        }
        let (file, gate, at) = (Arc::clone(&self.file), Arc::clone(&self.gate), self.ordered);
        let length = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(FILE_BLOCK);
        self.ordered += length as u64;
        self.next = Some(tokio::task::spawn_blocking(move || {
            let start = gate.now();
            (read_block(&file, at, length), gate.now() - start)
        }));
    }
}

/// Reads `length` bytes from `at` on.
fn read_block(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(length);
    while block.len() < length {
        // The free place of a vector is not filled with zeros before it is read into. Its capacity may be more than was asked for.
        let from = at + block.len() as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut block), from) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file ends at byte {from}"))),
            Ok(_) => block.truncate(length),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(block)
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if this.next.is_none() {
            this.order_next();
        }
        let Some(next) = &mut this.next else { return Poll::Ready(None) };
        let read = ready!(Pin::new(next).poll(context));
        this.next = None;
        let block = match read {
            Ok((read, micros)) => {
                this.micros += micros;
                read
            }
            Err(_) => Err(io::Error::other("the reading thread ended")),
        };
        match block {
            Ok(block) => {
                // The next block is read while this one is sent.
                this.order_next();
                this.sent += block.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(block)))))
            }
            // An answer that ends early is cut, which every client tells from a complete one by its length.
            Err(error) => {
                this.ordered = this.end;
                this.line.record(&format!("a file could not be read beyond byte {}: {error}", this.sent));
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.sent)
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.end
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.gate.account(&line, self.sent - self.start, self.micros);
        }
    }
}

#[cfg(test)]
mod tests;
