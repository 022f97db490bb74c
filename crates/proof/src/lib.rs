//! The verifiable log of what was published (interop §11.3): a Merkle tree with a leaf for each version, and notes that sign it.
//!
//! Pure: no file, no socket, no clock, no random source. Tiles are had through a trait, random bytes are parameters. The rooms that publish
//! files store and serve what is made here; whoever checks needs a pinned key and nothing of us.
//!
//! - [`Merkle`], [`proves_inclusion`], [`proves_consistency`]: the tree of RFC 6962 and RFC 9162, and the check of its proofs.
//! - [`Tile`], [`TiledTree`], [`TileAppender`]: the tree as C2SP *tlog-tiles*. 5.8 million leaves are 187 MB; a day of 30,000 adds 1 MB.
//! - [`SignedNote`], [`VerifierKey`], [`SignerKey`]: C2SP *signed-note* with Ed25519 (RFC 8032), cosignatures of witnesses included.
//! - [`Checkpoint`]: C2SP *tlog-checkpoint*. [`PageStatement`]: what is signed of a page of published files.
//! - [`LogEntry`], [`commitment`], [`SaltLine`]: what a leaf stands for. It names nobody.
//! - [`SaltState`]: the salts of all versions from one seed, with those of a withdrawn resource destroyed.
//!
//! A leaf takes some 7 µs of one processor, nearly all of it for its salt (17 HMAC-SHA-256): 40 s for 5.8 million, once; measured without
//! optimisation of the hash functions.
//!
//! ```
//! use annuaire_base::Tx;
//! use annuaire_proof::{Checkpoint, EntryOp, LogEntry, SaltState, Secret, SignedNote, SignerKey, TileAppender, VerifierKey, commitment, leaf_hash};
//!
//! // Whoever publishes:
//! let salts = SaltState::new(Secret::take(&mut [7; 32]));
//! let key = SignerKey::of_seed("annuaire.example/log", Secret::take(&mut [8; 32])).unwrap();
//! let salt = salts.of("Practitioner/003-1099900001-10").salt(1).unwrap();
//! let content = leaf_hash(b"stands for the SHA-256 of the bytes of the version");
//! let entry = LogEntry {
//!     tx: Tx::new(41),
//!     commit_ms: 1_780_000_000_000,
//!     resource_type: "Practitioner",
//!     op: EntryOp::Create,
//!     commitment: commitment(&salt, "003-1099900001-10", 1, &content),
//! };
//! let mut tree = TileAppender::default();
//! tree.push(entry.leaf(), |_, _| std::io::Result::Ok(())).unwrap();
//! let state = Checkpoint::new("annuaire.example/log", tree.size(), tree.root()).unwrap();
//! let note = SignedNote::sign(&state.to_string(), &[&key]).unwrap().to_string();
//!
//! // Whoever checks, with the text of the public key:
//! let pinned = VerifierKey::parse(&key.verifier().to_string()).unwrap();
//! let note = SignedNote::parse(note.as_bytes()).unwrap();
//! let (text, _) = note.verify(&[pinned]).unwrap();
//! assert_eq!(Checkpoint::parse(text).unwrap().root, entry.leaf(), "a tree of one leaf");
//! ```

mod checkpoint;
mod entry;
mod key;
pub mod limits;
mod merkle;
mod note;
mod page_statement;
mod salts;
mod secret;
mod tile;
mod tiled_tree;

pub use checkpoint::{Checkpoint, NotACheckpoint, root_of_base64, root_to_base64};
pub use entry::{EntryOp, LogEntry, NotASaltLine, SaltLine, commitment};
pub use key::{KeyError, KeyKind, SignerKey, VerifierKey};
pub use merkle::{Hash, Merkle, leaf_hash, node_hash, proves_consistency, proves_inclusion};
pub use note::{NoteError, SignedNote, VerifiedSignature};
pub use page_statement::{NotAPageStatement, PageStatement, page_digest};
pub use salts::{ResourceSalts, SaltState, SaltStateError, VersionSalt};
pub use secret::Secret;
pub use tile::{NotATile, Tile};
pub use tiled_tree::{TileAppender, TileSource, TiledTree, TreeError};
