//! Doors: who may come in, and what their answers have in common. A door is a type, so that an operation cannot be mounted behind
//! a door whose pass it does not take.

use std::time::Duration;

use annuaire_bulk::PublishedTree;
use annuaire_web::{Pass, RateRule, Refusal, Subscriber};

use crate::answer::Answer;
use crate::error::ApiError;
use crate::service::{ServedPerimeter, Service};
use crate::types::PublishedTypes;

/// A door of the API.
pub(crate) trait Door: Sized + Send + Sync + 'static {
    /// What its callers must show.
    type Pass: Pass;

    /// Whether its requests count for the rate of their client.
    const RATE: RateRule;
    /// Who may keep its answers, and whether pages of other sites may read them.
    const SHARING: Sharing;
    /// Scheme that a refused caller is asked to authenticate with.
    const CHALLENGE: &'static str;
    /// Refusal of everybody while it is closed.
    const CLOSED: Refusal = Refusal::Closed;

    /// Whether the door is open at all.
    fn is_open(_: &Service) -> bool {
        true
    }

    /// The perimeter that its answers are made from; `None` for a door whose answers are not kept.
    fn kept_from(_: &Service) -> Option<&ServedPerimeter> {
        None
    }

    /// The refusal of a form where none is taken. Outside the perimeters there is nothing to post to.
    fn no_form() -> ApiError {
        ApiError::no_such_address()
    }

    /// The answer in place of an internal error, for a door that has its own.
    fn internal_error() -> Option<Answer> {
        None
    }
}

/// A door to a FHIR perimeter.
pub(crate) trait FhirDoor: Door {
    /// The types that it publishes.
    const TYPES: PublishedTypes;
    /// Prefix of the scope of its page tokens, so that a token of one perimeter opens nothing in another.
    const SCOPE: &'static str;

    /// Its perimeter as files, when it is published so.
    fn files(_: &Service, _: Self::Pass) -> Option<&PublishedTree> {
        None
    }

    /// Whether its changes can be subscribed to: somebody must be known to whom a subscription belongs.
    fn offers_subscriptions(service: &Service) -> bool {
        service.subscriptions.is_some()
    }

    /// The right of a caller to have subscriptions here; `None`: nobody knows who it is.
    fn subscriber(pass: Self::Pass) -> Option<Subscriber>;

    /// Its perimeter. The pass is the proof that the caller may read it.
    fn perimeter(service: &Service, pass: Self::Pass) -> Option<&ServedPerimeter>;

    /// How long a version is told after another one replaced it; `None` for as long as the store keeps it.
    fn past(_: &Service) -> Option<Duration> {
        None
    }
}

/// Who may keep and read answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Public data: pages of any site may read it, with their own key.
    AnySite,
    /// Restricted data: nothing between us and the caller may keep an answer, whatever it is.
    NoStore,
    /// For the operator, whose browser must not read it for another site.
    SameSite,
}
