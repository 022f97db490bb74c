//! A call of an operation: the request as it reads it.

use std::marker::PhantomData;
use std::sync::Arc;

use annuaire_index::{Effort, Index};
use annuaire_web::RequestSubject;
use axum::http::request::Parts;

use crate::door::{Door, FhirDoor};
use crate::error::ApiError;
use crate::service::Service;

/// A request that was let in, for an operation behind the door `D`.
pub(crate) struct Call<'a, D> {
    pub service: &'a Service,
    /// Path under which the door is mounted.
    pub mount: &'static str,
    pub parts: &'a Parts,
    /// Body of a POST.
    pub form: Option<&'a [u8]>,
    /// Work that the answer may take.
    pub effort: Effort,
    /// What the log line says of the request.
    pub subject: &'a mut RequestSubject,
    pub door: PhantomData<D>,
}

impl<D: Door> Call<'_, D> {
    /// The query of the address, still encoded.
    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The path below the mount, as it was written.
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path().strip_prefix(self.mount).unwrap_or_default()
    }

    /// Address of the mount as the client sees it. A public base may be configured with the path of the API or without it.
    pub(crate) fn base(&self) -> String {
        let root = self.service.turns.gate.base(self.parts);
        format!("{}{}", root.trim_end_matches(self.mount), self.mount)
    }
}

impl<P: FhirDoor> Call<'_, P> {
    /// The store of the perimeter, for a caller that shows its pass.
    pub(crate) fn store(&self, pass: P::Pass) -> Result<&Arc<Index>, ApiError> {
        P::store(self.service, pass).ok_or_else(ApiError::no_such_address)
    }
}
