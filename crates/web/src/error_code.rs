//! The closed table of errors: whatever a door refuses, it is one of these codes.

use axum::http::StatusCode;

use crate::gate::Refusal;

/// Why a request gets no answer, or a warning beside its answer.
///
/// A door chooses the sentence that the caller reads; the code fixes its HTTP status and its FHIR issue code. The names are
/// ours and stable. Texts that the national service documents keep its issue code `exception` (fhir-api §5), since its clients
/// compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request does not name its host once, by a well-formed name.
    HostNotNamed,
    /// The client exceeded its rate.
    RateExceeded,
    /// The address sent too many wrong keys or credentials.
    TooManyGuesses,
    /// An API key is missing or wrong.
    ApiKeyRequired,
    /// A credential of the restricted or the historised perimeter is missing or wrong.
    CredentialRequired,
    /// This server has no restricted, or no historised, perimeter.
    RestrictedNotServed,
    /// The method would change data, or has no meaning at this address.
    ReadOnly,
    /// Nothing is at this address.
    NoSuchAddress,
    /// The operation that is asked exists, but not at this address.
    OperationNotHere,
    /// No resource has this id.
    ResourceUnknown,
    /// The resource left the directory.
    ResourceGone,
    /// The resource, or this version of it, was withdrawn by law.
    ResourceWithdrawn,
    /// The type that a read names is not published.
    TypeUnknown,
    /// The type that a search names is not published.
    TypeNotSearched,
    /// The format asked is not served.
    FormatNotServed,
    /// The body is longer than a query may be.
    BodyTooLong,
    /// The body of a search is no form.
    BodyNotAForm,
    /// The query is longer than its limit, or names too many parameters or values.
    QueryTooLong,
    /// The search names a parameter that its type does not have.
    ParameterUnknown,
    /// An unknown parameter, for a client that asked for strict or lenient handling: refused, or ignored with a warning.
    ParameterNotSupported,
    /// A modifier has no effect on its parameter: refused in strict handling, else a warning.
    ModifierNotSupported,
    /// The value of a parameter does not follow its form.
    ValueMalformed,
    /// The value of a documented parameter does not follow its documented form.
    ValueMalformedAsDocumented,
    /// A link to a page comes without its token.
    PageTokenMissing,
    /// The token of a page is altered, of another perimeter or of another log.
    PageTokenInvalid,
    /// The token of a page is of a state that is not kept any more.
    PageExpired,
    /// The token of a page is of a state that this store does not show yet.
    StoreBehind,
    /// The state that a request names is not kept any more.
    StateExpired,
    /// The state that a request names is before the first transaction.
    StateUnknown,
    /// The state that a request names is in the future.
    StateNotYet,
    /// The answer would hold or sort more resources than one request may take.
    AnswerTooLarge,
    /// The search needs more work than its budget.
    WorkExhausted,
    /// A range of a file begins beyond its end.
    RangeBeyondEnd,
    /// A condition of the request on the tag of what is there does not hold.
    ConditionFailed,
    /// What was published at this address was removed.
    NoLongerPublished,
    /// The client has as many exports, or asks about one as often, as it may; or there are too many of all.
    TooManyExports,
    /// The client already waits for too many long answers.
    TooManyLongRequests,
    /// The caller is nobody whose subscriptions could be kept: this server is open, or keeps none.
    NotASubscriber,
    /// The body is no resource of the kind that is wanted.
    ResourceMalformed,
    /// The body is in a format that is not read.
    BodyNotRead,
    /// The resource asks for what is not served.
    ResourceNotServed,
    /// The caller has no resource of this id.
    OwnResourceUnknown,
    /// The resource has another version than the one that the caller names.
    VersionStale,
    /// The caller has as many resources as it may have.
    TooManyResources,
    /// The server failed. The cause is in the log of the operator, under the request id.
    Internal,
    /// The store cannot be read.
    StoreUnreadable,
}

impl ErrorCode {
    /// Code system of the names of all codes.
    pub const SYSTEM: &'static str = "https://annuaire.example/fhir/CodeSystem/error-code";

    /// All codes, in the order of the table.
    pub const ALL: [Self; 46] = [
        Self::HostNotNamed,
        Self::RateExceeded,
        Self::TooManyGuesses,
        Self::ApiKeyRequired,
        Self::CredentialRequired,
        Self::RestrictedNotServed,
        Self::ReadOnly,
        Self::NoSuchAddress,
        Self::OperationNotHere,
        Self::ResourceUnknown,
        Self::ResourceGone,
        Self::ResourceWithdrawn,
        Self::TypeUnknown,
        Self::TypeNotSearched,
        Self::FormatNotServed,
        Self::BodyTooLong,
        Self::BodyNotAForm,
        Self::QueryTooLong,
        Self::ParameterUnknown,
        Self::ParameterNotSupported,
        Self::ModifierNotSupported,
        Self::ValueMalformed,
        Self::ValueMalformedAsDocumented,
        Self::PageTokenMissing,
        Self::PageTokenInvalid,
        Self::PageExpired,
        Self::StoreBehind,
        Self::StateExpired,
        Self::StateUnknown,
        Self::StateNotYet,
        Self::AnswerTooLarge,
        Self::WorkExhausted,
        Self::RangeBeyondEnd,
        Self::ConditionFailed,
        Self::NoLongerPublished,
        Self::TooManyExports,
        Self::TooManyLongRequests,
        Self::NotASubscriber,
        Self::ResourceMalformed,
        Self::BodyNotRead,
        Self::ResourceNotServed,
        Self::OwnResourceUnknown,
        Self::VersionStale,
        Self::TooManyResources,
        Self::Internal,
        Self::StoreUnreadable,
    ];

    /// HTTP status and FHIR issue code (R4 `issue-type`).
    const fn row(self) -> (StatusCode, &'static str) {
        match self {
            Self::HostNotNamed => (StatusCode::BAD_REQUEST, "invalid"),
            Self::RateExceeded | Self::TooManyGuesses | Self::TooManyExports | Self::TooManyLongRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "throttled")
            }
            Self::ApiKeyRequired | Self::CredentialRequired | Self::RestrictedNotServed => (StatusCode::UNAUTHORIZED, "login"),
            Self::ReadOnly => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NoSuchAddress | Self::StateUnknown => (StatusCode::NOT_FOUND, "not-found"),
            Self::OperationNotHere => (StatusCode::NOT_FOUND, "not-supported"),
            Self::ResourceUnknown | Self::TypeUnknown => (StatusCode::NOT_FOUND, "exception"),
            Self::ResourceGone | Self::ResourceWithdrawn => (StatusCode::GONE, "deleted"),
            Self::PageExpired | Self::StateExpired | Self::NoLongerPublished => (StatusCode::GONE, "expired"),
            Self::RangeBeyondEnd => (StatusCode::RANGE_NOT_SATISFIABLE, "value"),
            Self::ConditionFailed => (StatusCode::PRECONDITION_FAILED, "conflict"),
            Self::StoreBehind => (StatusCode::SERVICE_UNAVAILABLE, "transient"),
            Self::FormatNotServed => (StatusCode::NOT_ACCEPTABLE, "not-supported"),
            Self::BodyTooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
            Self::BodyNotAForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported"),
            Self::TypeNotSearched
            | Self::ParameterUnknown
            | Self::ValueMalformedAsDocumented
            | Self::PageTokenMissing
            | Self::PageTokenInvalid => (StatusCode::BAD_REQUEST, "exception"),
            Self::ParameterNotSupported | Self::ModifierNotSupported => (StatusCode::BAD_REQUEST, "not-supported"),
            Self::ValueMalformed | Self::StateNotYet => (StatusCode::BAD_REQUEST, "value"),
            Self::QueryTooLong | Self::AnswerTooLarge | Self::WorkExhausted => (StatusCode::BAD_REQUEST, "too-costly"),
            Self::NotASubscriber => (StatusCode::FORBIDDEN, "forbidden"),
            Self::ResourceMalformed => (StatusCode::BAD_REQUEST, "structure"),
            Self::BodyNotRead => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported"),
            Self::ResourceNotServed => (StatusCode::UNPROCESSABLE_ENTITY, "business-rule"),
            Self::OwnResourceUnknown => (StatusCode::NOT_FOUND, "not-found"),
            Self::VersionStale => (StatusCode::PRECONDITION_FAILED, "conflict"),
            Self::TooManyResources => (StatusCode::CONFLICT, "business-rule"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "exception"),
            Self::StoreUnreadable => (StatusCode::SERVICE_UNAVAILABLE, "exception"),
        }
    }

    /// Name of the code in `OperationOutcome.issue.details.coding`, in the system [`ErrorCode::SYSTEM`]. Programs compare it: a name
    /// never changes, whatever becomes of the sentences. The guides of developers list all names (`docs/guide-fr.md`,
    /// `docs/guide-en.md`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HostNotNamed => "host-not-named",
            Self::RateExceeded => "rate-exceeded",
            Self::TooManyGuesses => "too-many-guesses",
            Self::ApiKeyRequired => "api-key-required",
            Self::CredentialRequired => "credential-required",
            Self::RestrictedNotServed => "restricted-not-served",
            Self::ReadOnly => "read-only",
            Self::NoSuchAddress => "no-such-address",
            Self::OperationNotHere => "operation-not-here",
            Self::ResourceUnknown => "resource-unknown",
            Self::ResourceGone => "resource-gone",
            Self::ResourceWithdrawn => "resource-withdrawn",
            Self::TypeUnknown => "type-unknown",
            Self::TypeNotSearched => "type-not-searched",
            Self::FormatNotServed => "format-not-served",
            Self::BodyTooLong => "body-too-long",
            Self::BodyNotAForm => "body-not-a-form",
            Self::QueryTooLong => "query-too-long",
            Self::ParameterUnknown => "parameter-unknown",
            Self::ParameterNotSupported => "parameter-not-supported",
            Self::ModifierNotSupported => "modifier-not-supported",
            Self::ValueMalformed => "value-malformed",
            Self::ValueMalformedAsDocumented => "value-malformed-as-documented",
            Self::PageTokenMissing => "page-token-missing",
            Self::PageTokenInvalid => "page-token-invalid",
            Self::PageExpired => "page-expired",
            Self::StoreBehind => "store-behind",
            Self::StateExpired => "state-expired",
            Self::StateUnknown => "state-unknown",
            Self::StateNotYet => "state-not-yet",
            Self::AnswerTooLarge => "answer-too-large",
            Self::WorkExhausted => "work-exhausted",
            Self::RangeBeyondEnd => "range-beyond-end",
            Self::ConditionFailed => "condition-failed",
            Self::NoLongerPublished => "no-longer-published",
            Self::TooManyExports => "too-many-exports",
            Self::TooManyLongRequests => "too-many-long-requests",
            Self::NotASubscriber => "not-a-subscriber",
            Self::ResourceMalformed => "resource-malformed",
            Self::BodyNotRead => "body-not-read",
            Self::ResourceNotServed => "resource-not-served",
            Self::OwnResourceUnknown => "own-resource-unknown",
            Self::VersionStale => "version-stale",
            Self::TooManyResources => "too-many-resources",
            Self::Internal => "internal",
            Self::StoreUnreadable => "store-unreadable",
        }
    }

    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().0
    }

    /// Code of the issue in an OperationOutcome.
    #[must_use]
    pub const fn issue(self) -> &'static str {
        self.row().1
    }
}

impl From<Refusal> for ErrorCode {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Host => Self::HostNotNamed,
            Refusal::Rate => Self::RateExceeded,
            Refusal::Guesses(_) => Self::TooManyGuesses,
            Refusal::ApiKey => Self::ApiKeyRequired,
            Refusal::Credential | Refusal::HistoryCredential => Self::CredentialRequired,
            Refusal::Closed | Refusal::HistoryClosed => Self::RestrictedNotServed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogue of errors in both guides of developers has a row for each code, in the order of the table.
    #[test]
    fn the_guides_list_every_code_with_its_status() {
        let expected: Vec<String> = ErrorCode::ALL
            .into_iter()
            .map(|code| format!("| `{}` | {} | `{}` |", code.name(), code.status().as_u16(), code.issue()))
            .collect();
        for guide in [include_str!("../../../docs/guide-fr.md"), include_str!("../../../docs/guide-en.md")] {
            let issue_column = guide.lines().skip_while(|line| !line.contains("`issue.code`")).skip(2);
            let rows: Vec<&str> = issue_column.take_while(|line| line.starts_with("| `")).collect();
            let told: Vec<String> = rows.iter().map(|row| row.split_inclusive('|').take(4).collect()).collect();
            assert_eq!(told, expected);
            assert!(
                rows.iter().all(|row| row.split('|').nth(4).is_some_and(|advice| advice.trim().len() > 3)),
                "each has advice"
            );
        }
    }

    #[test]
    fn every_code_is_an_error_and_is_listed_once() {
        let listed: std::collections::HashSet<ErrorCode> = ErrorCode::ALL.into_iter().collect();
        assert_eq!(listed.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert!(!code.issue().is_empty());
            let letters = code.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(letters && !code.name().is_empty(), "{code:?}");
        }
        let names: std::collections::HashSet<&str> = ErrorCode::ALL.into_iter().map(ErrorCode::name).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len(), "a name tells one code");
    }
}
