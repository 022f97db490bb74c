//! Pages and routes of this room.

pub(crate) mod admission;
pub(crate) mod answer;
mod back_channel;
mod civil_pages;
pub(crate) mod door;
pub(crate) mod routes;
pub(crate) mod stand_in_pages;
