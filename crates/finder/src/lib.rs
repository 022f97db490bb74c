//! What people type becomes what the stores can be asked, and what they find, in the order in which a person wants it.
//!
//! People write « st malo », « 29200 Brest », « paris 15 », « cardio » or « Dr Lefevre »; stores know codes, the texts of addresses and
//! the words of names. This room holds what lies between. It reads no file and no clock.
//!
//! - [`place`]: communes of today and former ones, districts, postal codes, departments and regions, with typing errors.
//! - [`concept`]: professions and specialties as people say them, and the families that lists and filters show.
//! - [`reading`]: numbers, addresses and words of one box, in all the ways to read them.
//! - [`find`]: people and structures of a store that fit, whole names first; near spellings and sounds when few do.
//! - [`located`]: filters of a place.
//! - [`described`]: practices that fit the description of one person, and [`resemblance`], how well and why.
//!
//! # Example
//!
//! ```
//! use annuaire_finder::{concept, place};
//!
//! let reading = place::read_place("st malo");
//! assert_eq!((reading.places[0].label.as_str(), reading.is_exact), ("Saint-Malo (35)", true));
//! let (words, cardiologist) = concept::read_concept(&["cardio".to_owned(), "lefebvre".to_owned()]).unwrap();
//! assert_eq!((words, cardiologist.label), (1, "Cardiologue"));
//! ```
//!
//! # Costs and absences
//!
//! Names as they were typed cost a look-up for each word; a near spelling costs a step over the blocks of the words of the store. All of it
//! counts as work of the snapshot, which bounds it. Rows are read only to order a hundred of them and to look where a few people
//! practise. No answer depends on who asks, and nothing is remembered of what was typed.

pub mod concept;
pub mod described;
pub mod find;
pub mod limits;
mod listed_name;
pub mod located;
mod matching;
pub mod place;
pub mod reading;
pub mod resemblance;
