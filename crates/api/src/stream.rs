//! Answers that leave in pieces.
//!
//! The first piece is made with the headers; each of the others is made in the lane of long work while the one before it is on
//! its way, and not before that one was asked for: a client that reads slowly holds two pieces and no thread.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use annuaire_gzip::Encoder;
use annuaire_web::{Client, RequestLine};
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::Frame;
use tokio::sync::oneshot;

use crate::{App, Fault, Rest, internal, limits};

/// Where the line of a request waits for the end of its answer.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Option<RequestLine>>>);

impl Watch {
    pub(crate) fn set(&self, line: RequestLine) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    /// Tells the operator why the answer is cut.
    fn record(&self, fault: &Fault) {
        if let (Some(line), Some(cause)) = (&*self.0.lock().unwrap_or_else(PoisonError::into_inner), &fault.cause) {
            annuaire_web::record_internal_error(&line.id, line.subject.route, cause);
        }
    }
}

/// What makes pieces.
struct Maker {
    rest: Rest,
    encoder: Option<Encoder>,
    app: Arc<App>,
}

/// A piece, and what makes the next one when there is one.
type Piece = (Vec<u8>, Option<Box<Maker>>);

impl Maker {
    fn make(mut self: Box<Self>, piece: usize) -> Result<Piece, Fault> {
        let (plain, done) = self.rest.next(piece)?;
        let piece = match self.encoder.take() {
            None => plain,
            Some(mut encoder) => {
                let mut piece = Vec::with_capacity(plain.len() / 8);
                encoder.write_piece(&plain, &mut piece);
                if done {
                    encoder.finish(&mut piece);
                } else {
                    self.encoder = Some(encoder);
                }
                piece
            }
        };
        Ok((piece, (!done).then_some(self)))
    }
}

struct Pieces {
    app: Arc<App>,
    client: Client,
    /// Made and not sent.
    ready: Option<Bytes>,
    /// What makes the next piece, when that was not asked for yet.
    maker: Option<Box<Maker>>,
    /// The next piece, in the making.
    next: Option<oneshot::Receiver<(Result<Piece, Fault>, i64)>>,
    watch: Watch,
    bytes: u64,
    /// Microseconds of work.
    micros: i64,
}

/// The answer that starts with a piece and ends with the rest.
pub(crate) fn response(first: &Bytes, rest: Rest, mut encoder: Option<Encoder>, app: &Arc<App>, client: Client) -> Response {
    let first = match &mut encoder {
        None => first.clone(),
        Some(encoder) => {
            let mut piece = Vec::with_capacity(first.len() / 8);
            encoder.write_piece(first, &mut piece);
            piece.into()
        }
    };
    let watch = Watch(Arc::default());
    let maker = Some(Box::new(Maker { rest, encoder, app: Arc::clone(app) }));
    let ready = Some(first);
    let app = Arc::clone(app);
    let pieces = Pieces { app, client, ready, maker, next: None, watch: watch.clone(), bytes: 0, micros: 0 };
    let mut response = Response::new(Body::new(pieces));
    response.extensions_mut().insert(watch);
    response
}

impl Pieces {
    /// Has the next piece made.
    fn order(&mut self) -> io::Result<()> {
        let (Some(maker), client) = (self.maker.take(), self.client) else { return Ok(()) };
        let job = move || {
            let gate = Arc::clone(&maker.app.gate);
            let start = gate.now();
            let greedy = maker.app.shares.greedy(client, start);
            let made = maker.make(if greedy { limits::SMALL_PIECE } else { limits::PIECE });
            (made, gate.now() - start)
        };
        // The client took more answers at once than it may: this one ends here, and it sees that it was cut.
        let next = self.app.settings.lane.run(client, job).map_err(|_| io::Error::other("too many long answers at once"))?;
        self.next = Some(next);
        Ok(())
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.take() {
                // The next one is made while this one is sent.
                this.order()?;
                this.bytes += piece.len() as u64;
                if !piece.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
            }
            let Some(next) = &mut this.next else { return Poll::Ready(None) };
            let made = ready!(Pin::new(next).poll(context));
            this.next = None;
            // An answer that cannot be ended is cut, which every client tells from a whole one.
            let (piece, maker, micros) = match made {
                Ok((Ok((piece, maker)), micros)) => (piece, maker, micros),
                cut => {
                    let fault = cut.ok().and_then(|(made, _)| made.err());
                    this.watch.record(&fault.unwrap_or_else(|| internal("a piece was not made: its job panicked")));
                    return Poll::Ready(Some(Err(io::Error::other("the answer could not be read to its end"))));
                }
            };
            this.micros += micros;
            this.app.shares.count(this.client, this.app.gate.now(), micros, piece.len() as u64, 0);
            (this.ready, this.maker) = (Some(Bytes::from(piece)), maker);
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(line) = self.watch.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.app.gate.account(&line, self.bytes, self.micros);
        }
    }
}
