//! The search grammar: from a query string to a filter of the store and the parameters of the answer.
//!
//! [`compile`] reads a whole search. The order is: pairs of the query ([`pairs`]), what each name means (`criteria`, `includes`,
//! `results`), values (`values`, `dates`, `references`).

mod criteria;
mod dates;
mod decode;
mod exported;
mod filters;
mod handling;
mod includes;
mod modifiers;
mod pairs;
mod references;
mod results;
mod search;
mod sounds;
mod subscribed;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use dates::interval;
pub(crate) use decode::{decode_form, decode_segment};
pub(crate) use exported::compile_export_filter;
pub use exported::export_filter;
pub(crate) use handling::Handling;
pub(crate) use includes::{IncludeRule, links_from, links_to};
pub(crate) use pairs::{format_parameters, pairs, without_parameter};
pub(crate) use results::{PageOrder, PageSize, first_criterion, page_size, read_elements};
pub(crate) use search::{Search, compile};
pub use subscribed::subscription_filter;
