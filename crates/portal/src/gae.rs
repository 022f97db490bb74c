//! The pages of managers (registration §4.2–§4.10).

pub(crate) mod ended;
pub(crate) mod entrance;
pub(crate) mod home;
pub(crate) mod identities;
pub(crate) mod instruction;
pub(crate) mod list;
pub(crate) mod lot_words;
pub(crate) mod lots;
pub(crate) mod people;
pub(crate) mod request;
pub(crate) mod review;
pub(crate) mod shared_lots;
pub(crate) mod staff;
pub(crate) mod wish;
