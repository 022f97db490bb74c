//! The publication store.

mod apply;
mod budget;
mod check;
mod chunk;
mod databases;
mod dictionaries;
mod error;
mod filter;
mod hash;
mod id_order;
mod index;
mod key;
mod links;
mod open;
mod posting;
mod prepare;
mod published;
mod reader;
mod record;
mod resource_keys;
mod results;
mod retention;
mod row;
mod search;
mod set_aside;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod varint;
mod version;

pub use roaring::RoaringBitmap;

pub use apply::ApplyOptions;
pub use budget::{Effort, UNLIMITED};
pub use error::Error;
pub use filter::Filter;
pub use id_order::IdOrder;
pub use index::Index;
pub use open::{Marks, Peek};
pub use prepare::{Prepared, Preparer};
pub use reader::VersionReader;
pub use retention::Retention;
pub use row::Row;
pub use set_aside::{SetAsideChanges, SetAsideEntity};
pub use snapshot::Snapshot;
pub use version::Version;
