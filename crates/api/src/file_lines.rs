//! The lines of a published file, for a client that does not take them as they are stored.

use std::io::Read;

use annuaire_bulk::{DecodedLines, StoredFile};
use annuaire_web::Piece;
use annuaire_web::limits::PIECE;

use crate::error::ApiError;

/// Lines that are not sent yet.
pub(crate) struct FileLines {
    lines: DecodedLines,
    left: u64,
}

impl FileLines {
    /// The bytes of the lines of a file from one on, as many as are asked for.
    pub(crate) fn open(file: &StoredFile, from: u64, length: u64) -> Result<Self, ApiError> {
        Ok(Self { lines: file.open_decoded(from).map_err(ApiError::internal)?, left: length })
    }

    /// The next piece. Pieces have one length, whoever asks.
    pub(crate) fn next_piece(&mut self) -> Result<Piece, ApiError> {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
        let mut bytes = vec![0; length];
        self.lines.read_exact(&mut bytes).map_err(ApiError::internal)?;
        self.left -= length as u64;
        Ok(Piece { bytes, last: self.left == 0 })
    }
}
