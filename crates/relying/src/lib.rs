//! Logins at other providers: FranceConnect, and a stand-in for it; the national identity provider as upstream.
//!
//! # Concepts
//!
//! - **Provider** ([`RelyingSettings`]): somebody else who knows who people are. All about it is configuration; FranceConnect and Pro Santé
//!   Connect are presets.
//! - **Login** ([`RelyingParty`]): begun with a redirection, finished once, in the browser that began it. What the provider says is believed
//!   after its signature and every claim were checked ([`TokenFault`]); a login that does not succeed has one [`LoginFault`].
//! - **Civil identity** ([`CivilIdentity`]): the traits exactly as received. They say who a person is, never what they may do.
//! - **Civil session** ([`CivilSession`]): half an hour at most. Traits and ID token are sealed, and gone with the session; the audit trail
//!   holds a hash of the person, the level and the instant. Nothing else is kept.
//! - **Stand-in** ([`StandIn`]): a provider with fictional people, for demonstrations and tests.
//!
//! # What it never does
//!
//! It reads no clock, file or environment. It logs no trait, token or code. It merges no two persons: a login in a browser where somebody else
//! is logged in ends that session and says so, and none begins where the door in front tells that a professional session is open
//! ([`ProfessionalSessionOpen`]).

mod back_channel;
mod calls;
mod civil;
mod error;
mod fault;
mod http;
mod known;
pub mod limits;
mod provider;
mod relying;
mod rows;
mod session;
mod stand_in;
mod told_logout;
mod verify;

pub use back_channel::LogoutFault;
pub use calls::{HttpCaller, ProviderAnswer, ProviderCall, ProviderCaller};
pub use civil::{BirthPrecision, CivilIdentity, CivilSex};
pub use error::RelyingError;
pub use fault::{LoginFault, TokenFault};
pub use http::door::{CivilDoor, CivilDoorSettings, ProfessionalSessionOpen, tell_civil};
pub use http::routes::civil_router;
pub use http::stand_in_pages::stand_in_router;
pub use provider::{ClientProof, EndpointSource, ProviderEndpoints, RelyingSettings, ServiceEnvironment, UserInfoForm};
pub use relying::{LoginRedirect, RelyingParts, RelyingParty, VerifiedLogin};
pub use session::{CIVIL_LOGIN_KINDS, CivilSession};
pub use stand_in::citizens::{Citizen, fictional_citizens};
pub use stand_in::client::StandInClient;
pub use stand_in::{STAND_IN_ROOT, StandIn, StandInSettings};
pub use told_logout::ToldLogout;
