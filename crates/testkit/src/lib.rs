//! A fictional nation in the official file formats, and pseudo-random draws for tests: same plan, same bytes.
//!
//! Everything about person or structure `i` is a function of (seed, i, delivery), so files of any size stream out in
//! constant memory. Numbers lie in ranges that nobody has: RPPS from `1099900000`, FINESS department 99, phones reserved
//! for fiction, mail domains that end in `.example`, cards from `998` and `999`.
//!
//! ```
//! use annuaire_testkit::{Plan, generate};
//!
//! let dir = tempfile::tempdir().unwrap();
//! let planted = generate(dir.path(), &Plan { professionals: 50, seed: 7, changed_per_mille: 20 }).unwrap();
//! assert!(dir.path().join("PS_LibreAcces_Personne_activite_202611010800.txt").exists());
//! assert!(dir.path().join("next").is_dir(), "the second delivery has {planted}");
//! ```

mod dice;
mod family_names;
mod finess;
mod generate;
mod given_names;
mod hand_made;
mod headers;
mod names;
mod people;
mod places;
mod plan;

pub use dice::Dice;
pub use generate::generate;
pub use hand_made::{HandMadePerson, HandMadeStructure, hand_made_national_id, hand_made_structure_id, write_hand_made};
pub use plan::{Plan, Planted};
