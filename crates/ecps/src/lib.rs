//! The means on a phone: activation, devices, PIN, requests to approve (identity §2).
//!
//! # Concepts
//!
//! - **Means**: one activated e-CPS on one phone: a P-256 key that the phone does not give out, and a PIN that the server checks. A person has up
//!   to [`limits::DEVICES`]. States: [`MeansState`].
//! - **Activation**: how a phone becomes a means, by the mail and the mobile that the register knows ([`ContactBook`]), or by a card.
//! - **Prompt**: a request that a person approves or refuses on a phone. The provider [asks](PhoneService::ask), looks at its
//!   [state](PhoneService::state), and [takes](PhoneService::take) its approval, once. CIBA and login pages go one way.
//! - **Passkey**: the WebAuthn credential that a means may have. It proves its holder in place of the PIN, with an assertion over what is decided;
//!   and alone, without the phone, at a login page ([`PhoneService::log_in_with_passkey`]). [`ApprovalMethods`] leave out PIN or passkeys.
//! - **Pair**: a person and who asks. Requests are counted for pairs, and pairs are blocked, so that no stranger locks a person out.
//! - **Proof**: a compact JWS by the key of the phone over what is decided. What one covers, another one cannot say.
//! - **Messages** are jobs of the outbox that [`PhoneService::run_messages`] sends by a [`MessageSender`]: SMTP, an SMS gateway, or the mailbox
//!   of a demonstration.
//! - **Push**: a phone may [subscribe](PhoneService::subscribe) to notifications of its browser's push service. [`PhoneService::push_taken`] sends
//!   them by a [`PushSender`]; one says the number of a request, encrypted, and nothing else.
//! - **Housekeeping**: [`PhoneService::run_due`] expires means and removes rows that say nothing any more.
//!
//! All state is rows of the registry, each written on the condition of the version that was read, in one unit with its audit events and its
//! jobs: any node answers, and a restart loses nothing. No code, PIN or handle is at rest in the open.
//!
//! # Pages
//!
//! [`router`] serves `/e-cps/…`: pages in French that work without script, the calls of phones in JSON, and an installable application. Pages of a
//! holder read a [`SignedIn`] in the extensions of the request. [`PhoneDemo`] adds the mailbox and the simulator; [`SimulatedPhone`] is what
//! tests use.
//!
//! # What it never does
//!
//! It reads no clock and no environment, trusts no address, and tells nobody but CIBA clients ([`PhoneService::ask_known`]) whether a
//! person exists. It does not prove on which device the key of a phone is: `amr` says `swk`. It says `hwk` of a passkey that its authenticator
//! calls bound to it (not backup-eligible); no attestation is asked for, so that this is the word of the authenticator.

mod activating;
mod activation;
mod answering;
mod app;
mod asking;
mod calls;
mod devices;
mod door;
mod enrolling;
mod error;
mod french;
mod housekeeping;
pub mod limits;
mod mailbox;
mod means;
mod message;
mod outbox;
mod pages;
mod pair;
mod passkey;
mod passkey_login;
mod pin;
mod prompt;
mod proof;
mod push;
mod routes;
mod rows;
mod secrets;
mod service;
mod simulated;
mod simulator;
mod sms;
mod smtp;
mod subscription;

pub use activating::{ActivationView, BindCall, BoundAnswer, OpenedActivation};
pub use activation::ActivationStep;
pub use answering::{DecisionCall, PhoneUse, PhoneView, ShownPrompt};
pub use devices::{BlockedAsker, DeviceChange, SessionUnread, SignedIn};
pub use door::{PhoneDemo, PhoneDoorSettings};
pub use error::{AskRefusal, PhoneError, PhoneRefusal};
pub use housekeeping::HousekeepingRun;
pub use mailbox::{LocalMailbox, LocalMessage, MessageRoutes};
pub use means::{ActivationMode, MeansState, PhoneDevice, ShownMeans, passkey_name};
pub use message::{ActivationRight, ContactBook, KnownContacts, MeansEnded, MessageSender, OutgoingMessage, Recipient};
pub use outbox::MessagesRun;
pub use passkey::{ApprovalMethods, PasskeyRequest, ShownPasskey};
pub use passkey_login::PasskeyLogin;
pub use pin::{PinFault, check_pin};
pub use prompt::{Approval, Asker, DecisionOutcome, PromptAnswer, PromptOrder, PromptState};
pub use push::TakenPush;
pub use routes::router;
pub use service::{PhoneService, PhoneSettings, is_national_id};
pub use simulated::{SimulatedPhone, SimulationError};
pub use simulator::SIMULATED_PIN;
pub use sms::{SmsGateway, SmsSettings};
pub use smtp::{SmtpSecurity, SmtpSender, SmtpSettings};
pub use subscription::{OutgoingPush, PushKeys, PushOutcome, PushSender, PushSubscription};
