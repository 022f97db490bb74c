//! What the proofs of one log hold at most.

/// Bytes of a signed note.
pub const NOTE_BYTES: usize = 1 << 20;

/// Signatures of a note. Sixteen must be accepted (C2SP signed-note); a rotation adds one, witnesses the rest.
pub const NOTE_SIGNATURES: usize = 64;

/// Bytes of the name of a key, of an origin, of a page.
pub const NAME_BYTES: usize = 255;

/// Hashes of a full tile (C2SP tlog-tiles).
pub const TILE_WIDTH: u16 = 256;

/// Bytes of the stored salt state. Each withdrawal adds 10 kB at most: a hundred thousand of them fit.
pub const SALT_STATE_BYTES: usize = 1 << 30;

/// Bytes of a field of an entry: its length is written in one byte.
pub const FIELD_BYTES: usize = 255;
