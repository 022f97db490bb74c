//! What a client may rely on while states change.

#![allow(clippy::unwrap_used)]

mod as_of;
mod changing;
mod node;
