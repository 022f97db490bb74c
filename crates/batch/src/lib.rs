//! Work on more data than memory holds, on all processors.
//!
//! Two tools, each of which exists once in the workspace:
//!
//! - [`parallel`] maps jobs to results on several threads and hands the results out in the order of the jobs, so that what a
//!   program writes does not depend on the number of threads;
//! - [`sort`] sorts (key, value) pairs in bounded memory, through temporary files when they do not fit.
//!
//! They know nothing of the directory: grouping by entity, limits and duplicates belong to the rooms that sort.
//!
//! Both in one example: words are measured on two threads, then sorted by length.
//!
//! ```
//! use annuaire_batch::{parallel, sort::Sorter};
//!
//! let words = ["practitioner", "role", "device", "organization"];
//! let mut sorter = Sorter::new(1 << 20, None);
//! parallel::ordered(
//!     2,
//!     |give| _ = words.iter().all(|word| give(*word)),
//!     || |word: &'static str| (word.len() as u8, word),
//!     |results| {
//!         for result in results {
//!             let (length, word) = result.expect("no worker panics here");
//!             sorter.push(&[&[length]], word.as_bytes())?;
//!         }
//!         std::io::Result::Ok(())
//!     },
//! )?;
//! let mut merge = sorter.finish(2)?;
//! let mut sorted = Vec::new();
//! while let Some((_, word)) = merge.peek() {
//!     sorted.push(String::from_utf8_lossy(word).into_owned());
//!     merge.advance()?;
//! }
//! assert_eq!(sorted, ["role", "device", "organization", "practitioner"]);
//! # std::io::Result::Ok(())
//! ```
//!
//! It never reads a clock, never writes a file that has a name, and never lets a panic pass for the end of the data.

pub mod parallel;
pub mod sort;
