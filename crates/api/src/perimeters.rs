//! The perimeters of the API, as doors.

use std::time::Duration;

use annuaire_bulk::PublishedTree;
use annuaire_web::{ApiClient, HistoryReader, RateRule, Refusal, RestrictedReader, Subscriber};

use crate::door::{Door, FhirDoor, Sharing};
use crate::error::ApiError;
use crate::service::{ServedPerimeter, Service};
use crate::types::PublishedTypes;

/// The public perimeter, `/fhir/v2` and `/fhir/dp`.
pub(crate) struct PublicPerimeter;

impl Door for PublicPerimeter {
    type Pass = ApiClient;
    const RATE: RateRule = RateRule::Counted;
    const SHARING: Sharing = Sharing::AnySite;
    const CHALLENGE: &'static str = "ESANTE-API-KEY";

    fn kept_from(service: &Service) -> Option<&ServedPerimeter> {
        Some(&service.public)
    }

    fn no_form() -> ApiError {
        ApiError::read_only()
    }
}

impl FhirDoor for PublicPerimeter {
    const TYPES: PublishedTypes = PublishedTypes::Public;
    const SCOPE: &'static str = "";

    fn files(service: &Service, _: ApiClient) -> Option<&PublishedTree> {
        service.files.as_deref()
    }

    fn offers_subscriptions(service: &Service) -> bool {
        service.subscriptions.is_some() && service.turns.gate.asks_for_keys()
    }

    fn subscriber(pass: ApiClient) -> Option<Subscriber> {
        pass.subscriber()
    }

    fn perimeter(service: &Service, _: ApiClient) -> Option<&ServedPerimeter> {
        Some(&service.public)
    }
}

/// The restricted perimeter, `/fhir/dr`.
pub(crate) struct RestrictedPerimeter;

impl Door for RestrictedPerimeter {
    type Pass = RestrictedReader;
    const RATE: RateRule = RateRule::Counted;
    const SHARING: Sharing = Sharing::NoStore;
    const CHALLENGE: &'static str = "Bearer";

    fn is_open(service: &Service) -> bool {
        service.restricted.is_some()
    }

    fn kept_from(service: &Service) -> Option<&ServedPerimeter> {
        service.restricted.as_ref()
    }

    fn no_form() -> ApiError {
        ApiError::read_only()
    }
}

impl FhirDoor for RestrictedPerimeter {
    const TYPES: PublishedTypes = PublishedTypes::Restricted;
    const SCOPE: &'static str = "dr:";

    fn subscriber(pass: RestrictedReader) -> Option<Subscriber> {
        Some(pass.subscriber())
    }

    fn perimeter(service: &Service, _: RestrictedReader) -> Option<&ServedPerimeter> {
        service.restricted.as_ref()
    }

    fn past(service: &Service) -> Option<Duration> {
        service.restricted_past
    }
}

/// The historised perimeter, `/fhir/historique`: the restricted store with all the past that it keeps, for those who may read it.
pub(crate) struct HistorisedPerimeter;

impl Door for HistorisedPerimeter {
    type Pass = HistoryReader;
    const RATE: RateRule = RateRule::Counted;
    const SHARING: Sharing = Sharing::NoStore;
    const CHALLENGE: &'static str = "Bearer";
    const CLOSED: Refusal = Refusal::HistoryClosed;

    fn is_open(service: &Service) -> bool {
        service.restricted.is_some()
    }

    fn kept_from(service: &Service) -> Option<&ServedPerimeter> {
        service.restricted.as_ref()
    }

    fn no_form() -> ApiError {
        ApiError::read_only()
    }
}

impl FhirDoor for HistorisedPerimeter {
    const TYPES: PublishedTypes = PublishedTypes::Restricted;
    const SCOPE: &'static str = "historique:";

    fn offers_subscriptions(_: &Service) -> bool {
        false
    }

    fn subscriber(_: HistoryReader) -> Option<Subscriber> {
        None
    }

    fn perimeter(service: &Service, _: HistoryReader) -> Option<&ServedPerimeter> {
        service.restricted.as_ref()
    }
}

/// Addresses below `/fhir` that no perimeter has.
pub(crate) struct NoPerimeter;

impl Door for NoPerimeter {
    type Pass = ApiClient;
    const RATE: RateRule = RateRule::Counted;
    const SHARING: Sharing = Sharing::AnySite;
    const CHALLENGE: &'static str = "ESANTE-API-KEY";
}
