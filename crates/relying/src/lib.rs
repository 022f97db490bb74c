//! Logins at other providers.
mod calls;
mod error;
mod fault;
mod known;
pub mod limits;
mod provider;
mod relying;
mod rows;
mod verify;
pub use calls::{HttpCaller, ProviderAnswer, ProviderCall, ProviderCaller};
pub use error::RelyingError;
pub use fault::{LoginFault, TokenFault};
pub use provider::{ClientProof, EndpointSource, ProviderEndpoints, RelyingSettings, ServiceEnvironment, UserInfoForm};
pub use relying::{LoginRedirect, RelyingParts, RelyingParty, VerifiedLogin};
