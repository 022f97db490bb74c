//! The publication store: versions of resources, search terms, and reads at a transaction.
//!
//! It answers the questions of the doors (FHIR API, public pages) without the registry: the current version of a resource, one of
//! its versions, its history, what a search finds, all of them *at a transaction of the log*. It holds nothing that the log does
//! not determine: it can be deleted and rebuilt to the same bytes.
//!
//! # Concepts
//!
//! * **Row**: each version of a resource has a [`Row`], numbered densely in commit order. Time is therefore a range of rows, and a
//!   set of versions is a bitmap ([`RoaringBitmap`] of [`Row::get`]).
//! * **Term and posting list**: a searchable value of a resource ([`annuaire_terms::Term`]) and the rows that have it. Set
//!   operations on posting lists answer a [`Filter`].
//! * **State**: the rows below the end of a transaction are visible; those that it or an earlier transaction *closed* (replaced,
//!   or vanished) are not live. Nothing else changes from one state to the next, so every past state stays readable.
//! * **Snapshot**: a [`Snapshot`] is one state, held by an LMDB read transaction. Readers take no lock that a writer can hold.
//! * **Transaction**: [`Index::preparer`] makes versions on any number of threads, and [`Index::apply`] writes them in order.
//!   A transaction becomes visible in one commit; an interrupted one is applied again. [`Index::apply_group`] makes many small
//!   ones visible in one commit.
//! * **Identity**: a store follows one log ([`Index::bind_log`]) and holds one view of it ([`Marks`]); another one is refused.
//! * **Retention**: what left the directory stays in a reduced form for a while, then vanishes ([`Retention`]): a [`Tombstone`] is
//!   its last version, and stays for ever, so that a copy that was away for long learns it.
//! * **Compaction**: closed versions are kept for a while, and with them the states that had them; [`Index::compact`] removes older ones
//!   and gives their space back. Numbers of rows and of versions are never used again.
//! * **Withdrawal by law**: a transaction can replace all the versions of a resource by tombstones ([`TxEnd::withdrawn`]), in all states.
//!
//! [`layout`] describes the files byte by byte, the commit protocol, and what is assumed of the disk and the operating system.
//!
//! # Example
//!
//! ```
//! use annuaire_base::Tx;
//! use annuaire_index::{Filter, Index, Row};
//! use annuaire_terms::{ParamId, Presence, Resource, Term, TypeId};
//!
//! const ORGANIZATION: TypeId = TypeId::new(2);
//! const NAME: ParamId = ParamId::new(4);
//!
//! let dir = tempfile::tempdir()?;
//! // At most 64 MiB, without compression dictionaries.
//! let index = Index::open(dir.path(), 64 << 20, &[])?;
//!
//! let (tx, commit_ms) = (Tx::new(1), 1_700_000_000_000);
//! let mut preparer = index.preparer(tx, commit_ms)?;
//! let prepared = preparer.prepare(Resource {
//!     ty: ORGANIZATION,
//!     id: "001-99".into(),
//!     before: br#"{"resourceType":"Organization","id":"001-99","meta":{"#.to_vec(),
//!     after: br#"},"name":"Cabinet fictif"}"#.to_vec(),
//!     terms: vec![Term::Text { param: NAME, value: "Cabinet fictif".into() }],
//!     foreign_stamp: None,
//!     presence: Presence::Described,
//! });
//! assert_eq!(index.apply(tx, commit_ms, std::iter::once(prepared))?, 1);
//!
//! let snapshot = index.snapshot()?;
//! let rows = snapshot.search(ORGANIZATION, &Filter::Prefix { param: NAME, value: "CABINET".into() })?;
//! let version = snapshot.read(Row::new(rows.min().expect("one row is found")))?;
//! assert_eq!((version.id(), version.number, version.tx), ("001-99", 1, tx));
//! let body = String::from_utf8_lossy(version.body());
//! assert!(body.contains(r#""meta":{"versionId":"1","lastUpdated":"2023-11-14T22:13:20.000Z"},"name""#));
//!
//! // The state before the transaction is still there, and empty.
//! assert!(index.snapshot_at(Tx::NONE)?.expect("the empty state").current(ORGANIZATION, "001-99")?.is_none());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Costs
//!
//! A *look-up* descends a tree of LMDB pages, about four levels for a country.
//!
//! | Operation | Cost |
//! |---|---|
//! | read a resource or a row | two look-ups (one for a row) and a decompression |
//! | a version, a history | one look-up, and the heads of the versions in between |
//! | code, exact text, reference, URI | one look-up, and the slices of a frequent term |
//! | prefix, range of texts | the blocks of the range: a longer prefix never costs more |
//! | word, sound of a word, folded text | one look-up, and the slices of a frequent one |
//! | near spellings of a word | a step over each block of the words of the parameter, reading those whose words can be near |
//! | stored order | walking the listed texts from a beginning until enough rows are met |
//! | substring (`:contains`) | skipping the blocks whose Bloom filter excludes the value, reading the others |
//! | chained search, `_has` | one look-up for each of a few resources; two columns in sequence for many |
//! | interval of instants | a binary search over the transactions |
//! | order of ids | a sort of up to 2 000 rows, a walk over the ids beyond |
//! | a recent state, or one asked for lately | nothing; another one, some hundred entries of closings |
//! | applying `n` versions | a sort of their terms, and rewriting each block that gets one; memory is bounded; small transactions share a commit ([`Index::apply_group`]) |
//! | compaction | reading every block, chunk and column once, in commits of some milliseconds |
//! | a withdrawal by law | reading every block, slice and column once |
//! | opening | the rows of each type and some hundred entries of closings |
//!
//! [`Snapshot::within`] bounds the work of a snapshot's searches ([`Effort`]). Results that cost much are remembered, up to 64 MiB, and
//! carried over the transactions that follow.
//!
//! # What it never does
//!
//! It never reads the clock, the registry or the network, and starts no thread but those of the sort of a large transaction. It
//! knows nothing of HTTP, of FHIR names or of perimeters: types and parameters are numbers, and what a perimeter may publish is decided before a resource comes
//! here. It changes no version but to withdraw it by law: retention closes rows, and old versions stay readable until a compaction that
//! its caller asks for. It never opens files of another format: it refuses them, and the caller rebuilds.

mod application;
mod applied;
mod apply;
mod budget;
mod carry;
mod changes;
mod check;
mod chunk;
mod closings;
mod compact;
mod databases;
mod dictionaries;
mod error;
mod every_version;
mod filter;
mod former;
mod hash;
mod id_order;
mod index;
mod key;
pub mod layout;
mod links;
mod meta;
mod open;
mod posting;
mod prepare;
mod published;
mod reader;
mod record;
mod removal;
mod resource_keys;
mod results;
mod retention;
mod row;
mod search;
mod set_aside;
mod snapshot;
mod state;
mod states;
#[cfg(test)]
mod tests;
mod time;
mod tombstone;
mod transaction;
mod unpublished;
mod varint;
mod version;
mod withdraw;
mod withdrawn_rows;
mod words;

pub use roaring::RoaringBitmap;

pub use applied::{Applied, LogDigest};
pub use apply::ApplyOptions;
pub use budget::{Effort, UNLIMITED};
pub use compact::CompactionReport;
pub use error::Error;
pub use filter::Filter;
pub use former::FormerResource;
pub use id_order::IdOrder;
pub use index::Index;
pub use open::{Marks, Peek};
pub use prepare::{Prepared, Preparer};
pub use reader::VersionReader;
pub use retention::Retention;
pub use row::Row;
pub use set_aside::{SetAsideChanges, SetAsideEntity};
pub use snapshot::Snapshot;
pub use tombstone::Tombstone;
pub use transaction::{GroupItem, TxEnd};
pub use version::Version;
pub use words::NearWord;
