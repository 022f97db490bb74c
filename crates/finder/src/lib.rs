//! What people type becomes what the stores can be asked.
//!
//! People write « st malo », « 29200 Brest », « paris 15 » or « cardio »; stores know codes and the texts of addresses. This room holds
//! what lies between, without a store: it reads no file, no clock, and its answers depend on the typed text and on the embedded
//! national tables alone.
//!
//! - [`place`]: communes of today and former ones, districts, postal codes, departments and regions, with typing errors.
//! - [`concept`]: professions and specialties as people say them, and the families that lists and filters show.
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

pub mod concept;
pub mod limits;
pub mod place;
