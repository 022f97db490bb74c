//! The OpenID provider: an application that was made for the national one works by changing issuer and keys.
//!
//! # Concepts
//!
//! - **Client** ([`ClientRecord`]): a relying party. It has one mode ([`ClientMode`]) and one way to prove who it is.
//! - **Account**: a person as clients know them. `sub` is for ever; all national identifiers of the person lead to it.
//! - **Session**: a person who proved who they are, with a device or a card. It rests on a right: when the person, the device or the card
//!   loses it, the session ends, its tokens are inactive at once, and its clients are told.
//! - **Grant**: what one login gave to one client. Codes lead to it, tokens name it, refresh tokens are judged by it.
//! - **Claims** ([`claims::claims`]): a function of the merged view on a day. They are made anew for each answer, and kept nowhere.
//!
//! All of it are rows in the registry's database, written by comparison of versions with their audit event, so that any node answers
//! and a restart loses nothing. Handles are kept as hashes; keys are sealed.
//!
//! # What it never does
//!
//! It reads no clock, file or environment. It never logs a token, a code or an identifier. It decides nothing about who a person is:
//! `consolidate` does.

mod at_work;
mod authorize;
mod card_holder;
mod certificates;
mod ciba;
pub mod claims;
mod client;
mod error;
mod http;
mod keys;
mod leaving;
pub mod limits;
mod login;
mod person;
mod provider;
mod pushed;
mod rows;
mod session;
mod tokens;

pub use at_work::PersonAtWork;
pub use card_holder::CardHolder;
pub use certificates::{CertificateChecks, CurrentAuthorities};
pub use client::{ClientAuthentication, ClientMode, ClientRecord, GrantType};
pub use error::Error;
pub use http::admission::OrganisationProof;
pub use http::own_pages::{SIGN_IN, tell_who};
pub use http::{card_router, certificate_router, router};
pub use leaving::{EndsSessions, LogoutSender, LogoutToTell};
pub use person::People;
pub use provider::{PROVIDER_LOGIN_KINDS, Provider, ProviderAddresses, ProviderSettings, REALM, SubjectForm};
pub use session::{AuthMode, Authentication};
