//! A route: what the table says of it.

use crate::BASE;
use crate::call::{OpenCall, SoftwareCall};
use crate::door::HrDoor;
use crate::fields::FieldSpec;
use crate::limits::{BODY_BYTES, LIST_BYTES};
use crate::problem::HrProblem;
use axum::response::Response;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that is under way.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response, HrProblem>> + Send>>;

/// The function of a route. Its argument says who may call it.
#[derive(Clone, Copy)]
pub(crate) enum HrHandling {
    /// Anybody.
    Open(fn(Arc<HrDoor>, OpenCall) -> Answering),
    /// A software whose token stands.
    Software(fn(Arc<HrDoor>, SoftwareCall) -> Answering),
}

/// The methods of this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HrMethod {
    /// `GET`, and `HEAD`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

impl HrMethod {
    /// The name, as OpenAPI writes it.
    pub(crate) const fn lower(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
        }
    }
}

/// What a route takes as body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BodyKind {
    /// None.
    Nothing,
    /// A form with the credentials of a client.
    Credentials,
    /// A JSON object with these members.
    Object(&'static [FieldSpec]),
    /// A JSON object, of one of several sections of the form.
    Section,
    /// A file.
    List,
}

/// A parameter of the query.
pub(crate) struct QuerySpec {
    pub(crate) name: &'static str,
    /// What it is, in French.
    pub(crate) words: &'static str,
    pub(crate) required: bool,
}

/// A line of the table of routes.
pub(crate) struct HrRoute {
    /// Name in logs and metrics.
    pub(crate) name: &'static str,
    pub(crate) method: HrMethod,
    /// Path below [`BASE`]; places in braces.
    pub(crate) path: &'static str,
    /// What it does, in French.
    pub(crate) words: &'static str,
    pub(crate) query: &'static [QuerySpec],
    /// Headers that must come: `If-Match`, `Idempotency-Key`.
    pub(crate) headers: &'static [&'static str],
    pub(crate) body: BodyKind,
    /// Status of success with what it brings, in French.
    pub(crate) success: (u16, &'static str),
    /// Statuses of refusals, beside those of every route.
    pub(crate) refusals: &'static [u16],
    pub(crate) handling: HrHandling,
}

impl HrRoute {
    /// The path as routers know it.
    pub(crate) fn whole_path(&self) -> String {
        format!("{BASE}{}", self.path)
    }

    /// Bytes that a body may have.
    pub(crate) const fn body_bytes(&self) -> usize {
        match self.body {
            BodyKind::List => LIST_BYTES,
            _ => BODY_BYTES,
        }
    }

    /// Whether a token is asked for.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.handling, HrHandling::Software(_))
    }
}
