//! Answers that leave in pieces, with back-pressure.
//!
//! The first piece is made with the headers. Each following piece is made in the lane of long work while the one before it is
//! being sent, and not before the connection asked for that one: a client that reads slowly holds two pieces and no thread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use annuaire_gzip::Encoder;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::Frame;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::limits;
use crate::pending_line::PendingLine;
use crate::turns::Turns;

/// A piece of an answer.
pub struct Piece {
    /// Its bytes, before compression.
    pub bytes: Vec<u8>,
    /// Whether the answer ends with it.
    pub last: bool,
}

/// Why an answer is cut before its end.
#[derive(Debug)]
pub struct CutShort {
    /// Cause for the operator, when the server failed.
    pub cause: Option<String>,
}

/// What makes the rest of an answer, piece by piece.
pub trait PieceSource: Send + 'static {
    /// The next piece, of about `bytes` bytes.
    ///
    /// # Errors
    /// [`CutShort`] when the answer cannot be completed: the connection is then ended, since its status was already sent.
    fn next_piece(&mut self, bytes: usize) -> Result<Piece, CutShort>;
}

/// An answer whose body is `first`, then what `source` makes. `encoder` has compressed nothing yet.
pub fn response_in_pieces(
    first: Vec<u8>,
    source: Box<dyn PieceSource>,
    encoder: Option<Encoder>,
    turns: &Turns,
    client: Client,
) -> Response {
    let mut maker = Box::new(PieceMaker { source, encoder });
    let ready = maker.compress(first, Compress::WithMore);
    let line = PendingLine::default();
    let body = PieceBody {
        turns: turns.clone(),
        client,
        ready: Some(Bytes::from(ready)),
        maker: Some(maker),
        next: None,
        line: line.clone(),
        bytes: 0,
        micros: 0,
    };
    let mut response = Response::new(Body::new(body));
    response.extensions_mut().insert(line);
    response
}

/// Whether more of an answer follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compress {
    WithMore,
    Last,
}

/// What makes pieces, and compresses them when the client accepts it.
struct PieceMaker {
    source: Box<dyn PieceSource>,
    encoder: Option<Encoder>,
}

/// A piece as it is sent, and the maker of the next one when there is one.
type MadePiece = (Vec<u8>, Option<Box<PieceMaker>>);

impl PieceMaker {
    fn make(mut self: Box<Self>, bytes: usize) -> Result<MadePiece, CutShort> {
        let piece = self.source.next_piece(bytes)?;
        let compress = if piece.last { Compress::Last } else { Compress::WithMore };
        let sent = self.compress(piece.bytes, compress);
        Ok((sent, (!piece.last).then_some(self)))
    }

    fn compress(&mut self, plain: Vec<u8>, compress: Compress) -> Vec<u8> {
        let Some(mut encoder) = self.encoder.take() else { return plain };
        let mut packed = Vec::with_capacity(plain.len() / 8);
        encoder.write_piece(&plain, &mut packed);
        match compress {
            Compress::Last => encoder.finish(&mut packed),
            Compress::WithMore => self.encoder = Some(encoder),
        }
        packed
    }
}

/// The body of an answer in pieces.
struct PieceBody {
    turns: Turns,
    client: Client,
    /// Made and not sent.
    ready: Option<Bytes>,
    /// What makes the next piece, while none is being made.
    maker: Option<Box<PieceMaker>>,
    /// The piece that is being made, with the microseconds that it took.
    next: Option<oneshot::Receiver<(Result<MadePiece, CutShort>, i64)>>,
    line: PendingLine,
    bytes: u64,
    micros: i64,
}

impl PieceBody {
    /// Has the next piece made in the turn of the client.
    fn order_next(&mut self) -> io::Result<()> {
        let (Some(maker), client) = (self.maker.take(), self.client) else { return Ok(()) };
        let Turns { gate, shares, lane } = self.turns.clone();
        let job = move || {
            let start = gate.now();
            let bytes = if shares.is_exceeded(client, start) { limits::SMALL_PIECE } else { limits::PIECE };
            let made = maker.make(bytes);
            (made, gate.now() - start)
        };
        // A client that takes more answers at once than it may gets this one cut, and can see that it was.
        self.next = Some(lane.run(client, job).map_err(|_| io::Error::other("too many long answers at once"))?);
        Ok(())
    }
}

impl HttpBody for PieceBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.take() {
                // The next piece is made while this one is sent.
                this.order_next()?;
                this.bytes += piece.len() as u64;
                if !piece.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
            }
            let Some(next) = &mut this.next else { return Poll::Ready(None) };
            let made = ready!(Pin::new(next).poll(context));
            this.next = None;
            // An answer that cannot be completed is cut, which every client tells from a complete one.
            let (piece, maker, micros) = match made {
                Ok((Ok((piece, maker)), micros)) => (piece, maker, micros),
                Ok((Err(CutShort { cause: None }), _)) => return cut(),
                Ok((Err(CutShort { cause: Some(cause) }), _)) => {
                    this.line.record(&cause);
                    return cut();
                }
                Err(_) => {
                    this.line.record("a piece was not made: its job panicked");
                    return cut();
                }
            };
            this.micros += micros;
            this.turns.shares.count(this.client, this.turns.gate.now(), micros, piece.len() as u64, 0);
            (this.ready, this.maker) = (Some(Bytes::from(piece)), maker);
        }
    }
}

fn cut() -> Poll<Option<io::Result<Frame<Bytes>>>> {
    Poll::Ready(Some(Err(io::Error::other("the answer could not be read to its end"))))
}

impl Drop for PieceBody {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.turns.gate.account(&line, self.bytes, self.micros);
        }
    }
}
