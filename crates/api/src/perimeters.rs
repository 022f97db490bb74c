//! The perimeters of the API, as doors.

use annuaire_web::{ApiClient, RateRule, RestrictedReader, Subscriber};

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
}

/// Addresses below `/fhir` that no perimeter has.
pub(crate) struct NoPerimeter;

impl Door for NoPerimeter {
    type Pass = ApiClient;
    const RATE: RateRule = RateRule::Counted;
    const SHARING: Sharing = Sharing::AnySite;
    const CHALLENGE: &'static str = "ESANTE-API-KEY";
}
