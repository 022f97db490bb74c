//! A cache of bounded weight, without a list of uses.
//!
//! [`Generations`] holds two hash tables, a young and an old one. A value is inserted into the young table; when that table
//! weighs half of the limit, it becomes the old one and the values of the former old table are dropped. A value found in the
//! old table moves to the young one. What is used at least once a generation therefore stays, and nothing has to be ordered.
//!
//! ```
//! use annuaire_cache::Generations;
//!
//! let mut cache = Generations::new(8);
//! cache.insert("address", 4_711, 1);
//! assert_eq!(cache.get(&"address"), Some(4_711));
//! assert_eq!(cache.get(&"other"), None);
//! ```
//!
//! # Costs
//!
//! `get` and `insert` cost one or two look-ups in a hash table and one clone of the value: keep large values behind an `Arc`.
//! Memory is bounded by the limit, in the unit of the weights that the caller gives.
//!
//! # What it never does
//!
//! It takes no lock (callers hold it in a `Mutex`), reads no clock and expires nothing by age.

mod generations;

pub use generations::Generations;
