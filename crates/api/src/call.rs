//! A call of an operation: the request as it reads it.

use std::marker::PhantomData;
use std::sync::Arc;

use annuaire_index::{Effort, Index, Snapshot};
use annuaire_web::limits::LONG;
use annuaire_web::{Client, RequestSubject};
use axum::http::request::Parts;

use crate::basis::{AnswerBasis, TypeSet};
use crate::door::{Door, FhirDoor};
use crate::error::ApiError;
use crate::service::Service;

/// A request that was let in, for an operation behind the door `D`.
pub(crate) struct Call<'a, D> {
    pub service: &'a Service,
    /// Path under which the door is mounted.
    pub mount: &'static str,
    pub parts: &'a Parts,
    /// Body of a POST or a PUT.
    pub form: Option<&'a [u8]>,
    /// Whom the request counts for.
    pub client: Client,
    /// Id of the request.
    pub request_id: &'a str,
    /// Work that the answer may take.
    pub effort: Effort,
    /// The request has waited for a transaction that did not come.
    pub has_waited: bool,
    /// What the log line says of the request.
    pub subject: &'a mut RequestSubject,
    /// What the answer is made of; `None` for an answer that is not kept.
    pub basis: &'a mut Option<AnswerBasis>,
    /// The answer depends on the header `Accept-Datetime`.
    pub varies_with_instant: &'a mut bool,
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
    /// The store of the perimeter, for a caller that shows its pass. An operation takes it once: another store may replace it.
    pub(crate) fn store(&self, pass: P::Pass) -> Result<Arc<Index>, ApiError> {
        P::perimeter(self.service, pass).map(|perimeter| perimeter.store.get()).ok_or_else(ApiError::no_such_address)
    }

    /// For what only the lane of long work may do, since it waits for a disk or a database or computes for long: the first, quick
    /// attempt ends here, and the request takes its turn.
    pub(crate) fn needs_the_lane(&self) -> Result<(), ApiError> {
        match self.effort < LONG {
            true => Err(ApiError::from_index(annuaire_index::Error::Exhausted)),
            false => Ok(()),
        }
    }

    /// Says what the answer is made of, so that it can be kept.
    pub(crate) fn depends_on(&mut self, snap: &Snapshot, types: TypeSet) -> Result<(), ApiError> {
        *self.basis = Some(AnswerBasis::new(snap, types).map_err(ApiError::internal)?);
        Ok(())
    }
}
