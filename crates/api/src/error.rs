//! Errors of the FHIR API: a code of the closed table and the sentences that the client reads.

use std::error::Error;
use std::time::Duration;

use annuaire_base::Tx;
use annuaire_web::{ErrorCode, Refusal, cause_chain};

use crate::limits;
use crate::suggest::did_you_mean;
use crate::types::PublishedTypes;

/// A transaction that a request waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaited {
    pub tx: Tx,
    /// How long it waits, counted from the first time.
    pub at_most: Duration,
}

/// Why a request is refused, or a warning beside its answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    /// Row of the table of errors: status and issue code.
    pub code: ErrorCode,
    /// The documented text of the case, which clients compare.
    pub text: String,
    /// Where the error is and what to do, when the text does not say it.
    pub hint: String,
    /// Element of the body in which the error is, as a path of FHIR.
    pub expression: Option<Box<str>>,
    /// Cause of an internal error, for the operator alone.
    pub cause: Option<Box<str>>,
    /// Transaction that the store does not show yet and that the request waits for.
    pub awaits: Option<Box<Awaited>>,
    /// Tag of the version that is not there any more (HIST-10).
    pub tag: Option<Box<str>>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), hint: String::new(), expression: None, cause: None, awaits: None, tag: None }
    }

    /// A value that does not follow its form.
    pub(crate) fn value(hint: &str) -> Self {
        Self::new(ErrorCode::ValueMalformed, "Bad parameter value.").hint(hint)
    }

    /// The documented refusal of a token that is too long or has control characters.
    pub(crate) fn token_limits() -> Self {
        Self::value("A token has at most 1023 characters and no control character.")
            .recoded(ErrorCode::ValueMalformedAsDocumented)
    }

    /// A name that the type `ty` does not have, with those that it has.
    pub(crate) fn unknown<'a>(name: &str, ty: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::unknown_beside(name, ty, known, &[])
    }

    /// [`unknown`](Self::unknown), where `others` are known too and are too many to be listed.
    pub(crate) fn unknown_beside<'a>(name: &str, ty: &str, known: impl IntoIterator<Item = &'a str>, others: &[&'a str]) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let meant = did_you_mean(name, known.iter().chain(others).copied());
        let list = if known.is_empty() { String::new() } else { format!("Known: {}.", known.join(", ")) };
        let hint = format!("{meant} {list}").trim().to_owned();
        Self::new(ErrorCode::ParameterUnknown, format!("Parameter {name} not found for resource {ty}")).hint(hint)
    }

    /// Nothing is at the address of the request.
    pub(crate) fn no_such_address() -> Self {
        Self::new(ErrorCode::NoSuchAddress, "No resource at this address.")
    }

    /// The method has no meaning on a service that only reads.
    pub(crate) fn read_only() -> Self {
        Self::new(ErrorCode::ReadOnly, "Forbidden: this service is read only.")
    }

    /// No resource, or version, of that id.
    pub(crate) fn missing(id: &str) -> Self {
        Self::new(ErrorCode::ResourceUnknown, format!("Resource not found with id: {id}"))
    }

    /// A resource that left the directory. Its text is that of a resource that was never there.
    pub(crate) fn gone(id: &str, version: u32) -> Self {
        let error = Self::missing(id)
            .recoded(ErrorCode::ResourceGone)
            .hint("It left the directory. Its versions are in its history: add /_history to its address.");
        Self { tag: Some(format!("W/\"{version}\"").into_boxed_str()), ..error }
    }

    /// A resource that left the directory so long ago that no version of it is kept.
    pub(crate) fn no_longer_kept(id: &str, version: u32) -> Self {
        let error =
            Self::missing(id).recoded(ErrorCode::ResourceGone).hint("It left the directory. Its versions are not kept any more.");
        Self { tag: Some(format!("W/\"{version}\"").into_boxed_str()), ..error }
    }

    /// A version or a resource that was withdrawn by law: nothing of it is told but that it was there.
    pub(crate) fn withdrawn(id: &str, version: u32) -> Self {
        let error = Self::new(ErrorCode::ResourceWithdrawn, format!("Resource was withdrawn: {id}"))
            .hint("Its content was removed for legal reasons, in every version. Whoever holds a copy must delete it.");
        Self { tag: Some(format!("W/\"{version}\"").into_boxed_str()), ..error }
    }

    /// A link to a page of a state that this store does not show yet: another node of the cluster gave it.
    pub(crate) fn behind(tx: Tx) -> Self {
        let text = "This server does not have the state of this page yet.";
        let hint = "Another server gave the link and this one is a moment behind it: ask again after Retry-After.";
        let awaits = Some(Box::new(Awaited { tx, at_most: limits::BEHIND_WAIT }));
        Self { awaits, ..Self::new(ErrorCode::StoreBehind, text).hint(hint) }
    }

    /// An answer that is empty until a transaction comes. The client sees it only when the operation does not answer afterwards.
    pub(crate) fn awaiting(awaited: Awaited) -> Self {
        Self { awaits: Some(Box::new(awaited)), ..Self::new(ErrorCode::StoreBehind, "Nothing has changed yet.") }
    }

    /// A link to a page of a state that is not kept any more.
    pub(crate) fn expired() -> Self {
        Self::new(ErrorCode::PageExpired, "The state of this page is not kept any more.")
            .hint("Run the search again from its first page.")
    }

    /// The type `asked`, which the perimeter does not publish; `code` tells a read from a search.
    pub(crate) fn type_not_published(code: ErrorCode, types: PublishedTypes, asked: &str) -> Self {
        let meant = did_you_mean(asked, types.names().iter().copied());
        let mut names = types.names().to_vec();
        names.sort_unstable();
        let names = names.join(", ");
        let text = format!("Can't process the request. Resource type not supported. Server knows how to handle: [{names}]");
        Self::new(code, text).hint(meant)
    }

    /// A failure that is not the client's. The operator's log gets its cause, the client does not.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let cause = cause_chain(&*cause.into());
        Self { cause: Some(cause.into()), ..Self::new(ErrorCode::Internal, "Unexpected error") }
    }

    /// An error of the store: the client's when it asked for too much work, else an internal one.
    pub(crate) fn from_index(cause: annuaire_index::Error) -> Self {
        match cause {
            annuaire_index::Error::Exhausted => Self::new(
                ErrorCode::WorkExhausted,
                "This search needs more work than one request may take. Give longer values or fewer of them, add a criterion, or copy the directory and search in it.",
            ),
            other => Self::internal(other),
        }
    }

    /// This error under another code.
    pub(crate) fn recoded(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// This error with a sentence about what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// This error with the element of the body in which it is.
    pub(crate) fn at(self, expression: impl Into<Box<str>>) -> Self {
        Self { expression: Some(expression.into()), ..self }
    }

    /// This error with the name of the parameter in which it is, unless it already names it.
    pub(crate) fn in_parameter(mut self, name: &str) -> Self {
        if !self.text.contains(name) && !self.hint.starts_with("In ") {
            self.hint = format!("In {name}: {}", self.hint).trim_end_matches([' ', ':']).to_owned();
        }
        self
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let text = match refusal {
            Refusal::Host => "The Host header must name this server, once.",
            Refusal::Rate => "Too many requests: see Retry-After.",
            Refusal::Guesses(_) => "Too many wrong keys or credentials from this address: see Retry-After.",
            Refusal::ApiKey => "A valid ESANTE-API-KEY header is required.",
            Refusal::Credential => "A valid credential is required for the restricted perimeter.",
            Refusal::Closed => "The restricted perimeter is not configured.",
            Refusal::HistoryCredential => "A valid credential is required for the historised perimeter.",
            Refusal::HistoryClosed => "The historised perimeter is not configured.",
        };
        Self::new(refusal.into(), text)
    }
}
