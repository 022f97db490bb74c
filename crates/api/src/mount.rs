//! The table of routes of a door, mounted at a path.

use std::borrow::Cow;
use std::sync::Arc;

use annuaire_web::RateRule;
use axum::http::Method;

use crate::answer::Answer;
use crate::call::Call;
use crate::door::Door;
use crate::error::ApiError;
use crate::limits;
use crate::path::{is_plain, segments};
use crate::service::Service;

/// An operation: a pass, the call, and as many parameters of the path as it takes.
pub(crate) type OperationFn<D, const N: usize> = fn(<D as Door>::Pass, &mut Call<'_, D>, [&str; N]) -> Result<Answer, ApiError>;

/// An operation whose number of parameters is hidden. It takes the segments of the path, and the positions of its parameters.
type AnyOperation<D> =
    Box<dyn Fn(<D as Door>::Pass, &mut Call<'_, D>, &[Cow<'_, str>], &[usize]) -> Result<Answer, ApiError> + Send + Sync>;

fn hide_parameters<D: Door, const N: usize>(operation: OperationFn<D, N>) -> AnyOperation<D> {
    Box::new(move |pass, call, segments, positions| {
        let parameter = |n: usize| positions.get(n).and_then(|at| segments.get(*at)).map_or("", AsRef::as_ref);
        operation(pass, call, std::array::from_fn(parameter))
    })
}

/// The operations of a path, by method.
pub(crate) struct Operations<D: Door> {
    get: Option<AnyOperation<D>>,
    post: Option<AnyOperation<D>>,
    put: Option<AnyOperation<D>>,
    delete: Option<AnyOperation<D>>,
    /// Most bytes of a body.
    body: usize,
}

/// No operation.
fn nothing<D: Door>() -> Operations<D> {
    Operations { get: None, post: None, put: None, delete: None, body: limits::QUERY }
}

/// `GET` and `HEAD` are answered by `operation`.
pub(crate) fn get<D: Door, const N: usize>(operation: OperationFn<D, N>) -> Operations<D> {
    Operations { get: Some(hide_parameters(operation)), ..nothing() }
}

/// `POST` alone is answered, by `operation`.
pub(crate) fn post<D: Door, const N: usize>(operation: OperationFn<D, N>) -> Operations<D> {
    Operations { post: Some(hide_parameters(operation)), ..nothing() }
}

impl<D: Door> Operations<D> {
    /// `POST` is answered by `operation`.
    pub(crate) fn post<const N: usize>(self, operation: OperationFn<D, N>) -> Self {
        Self { post: Some(hide_parameters(operation)), ..self }
    }

    /// `PUT` is answered by `operation`.
    pub(crate) fn put<const N: usize>(self, operation: OperationFn<D, N>) -> Self {
        Self { put: Some(hide_parameters(operation)), ..self }
    }

    /// `DELETE` is answered by `operation`.
    pub(crate) fn delete<const N: usize>(self, operation: OperationFn<D, N>) -> Self {
        Self { delete: Some(hide_parameters(operation)), ..self }
    }

    /// Bodies may have up to `bytes`, where they are no forms.
    pub(crate) fn with_bodies(self, bytes: usize) -> Self {
        Self { body: bytes, ..self }
    }

    fn of_method(&self, method: &Method) -> Option<&AnyOperation<D>> {
        match *method {
            Method::POST => self.post.as_ref(),
            Method::PUT => self.put.as_ref(),
            Method::DELETE => self.delete.as_ref(),
            _ => self.get.as_ref(),
        }
    }
}

/// A path of a table.
struct Endpoint<D: Door> {
    path: &'static str,
    /// Segments of the path; `None` for an address that names nothing.
    template: Option<Vec<&'static str>>,
    /// Positions of the parameters among the segments.
    positions: Vec<usize>,
    operations: Operations<D>,
    rate: RateRule,
}

impl<D: Door> Endpoint<D> {
    fn matches(&self, segments: &[Cow<'_, str>]) -> bool {
        self.template.as_ref().is_some_and(|template| {
            let alike = |(name, segment): (&&str, &Cow<'_, str>)| name.starts_with('{') || *name == segment.as_ref();
            template.len() == segments.len() && template.iter().zip(segments).all(alike)
        })
    }
}

/// Number of an endpoint in its table.
#[derive(Clone, Copy)]
pub(crate) struct EndpointId(pub usize);

/// The paths of a door below its mount, in the order in which a spelling that the router does not know is compared with them:
/// literal segments come before parameters.
pub(crate) struct RouteTable<D: Door>(Vec<Endpoint<D>>);

impl<D: Door> RouteTable<D> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// The operations at a path. An operation gets the `{parameters}` of the path; where it has none, its words.
    pub(crate) fn at(mut self, path: &'static str, operations: Operations<D>) -> Self {
        let template: Vec<&str> = path.split('/').skip(1).collect();
        let parameters: Vec<usize> = (0..template.len()).filter(|at| template[*at].starts_with('{')).collect();
        let positions = if parameters.is_empty() { (0..template.len()).collect() } else { parameters };
        self.0.push(Endpoint { path, template: Some(template), positions, operations, rate: D::RATE });
        self
    }

    /// [`at`](Self::at), for what costs so little that it is outside the quota (interop §11.4).
    pub(crate) fn at_no_cost(self, path: &'static str, operations: Operations<D>) -> Self {
        let mut table = self.at(path, operations);
        if let Some(endpoint) = table.0.last_mut() {
            endpoint.rate = RateRule::Exempt;
        }
        table
    }

    /// Paths that name nothing, so that the door answers them and not another one.
    pub(crate) fn nothing_at(mut self, paths: &[&'static str]) -> Self {
        let empty =
            |path: &&'static str| Endpoint { path, template: None, positions: Vec::new(), operations: nothing(), rate: D::RATE };
        self.0.extend(paths.iter().map(empty));
        self
    }

    /// The paths below the mount, with the methods that have an operation.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
        self.0.iter().map(|endpoint| {
            let Operations { get, post, put, delete, .. } = &endpoint.operations;
            let methods = [("GET", get), ("POST", post), ("PUT", put), ("DELETE", delete)];
            (endpoint.path, methods.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect())
        })
    }
}

/// A door with its table, mounted at a path of a service.
pub(crate) struct Mount<D: Door> {
    pub service: Arc<Service>,
    pub path: &'static str,
    pub table: RouteTable<D>,
}

impl<D: Door> Mount<D> {
    /// Whether a request that the router brought to an endpoint counts for the rate of its client.
    pub(crate) fn rate(&self, routed: EndpointId) -> RateRule {
        self.table.0.get(routed.0).map_or(D::RATE, |endpoint| endpoint.rate)
    }

    /// Whether an endpoint changes data by this method.
    pub(crate) fn writes(&self, endpoint: EndpointId, method: &Method) -> bool {
        let written = [Method::PUT, Method::DELETE].contains(method);
        written && self.table.0.get(endpoint.0).is_some_and(|endpoint| endpoint.operations.of_method(method).is_some())
    }

    /// Most bytes of a body that an endpoint takes.
    pub(crate) fn body_limit(&self, endpoint: EndpointId) -> usize {
        self.table.0.get(endpoint.0).map_or(limits::QUERY, |endpoint| endpoint.operations.body)
    }

    /// Answers a call by the operation of its path and method. A path that is spelled otherwise than the router reads it
    /// (percent-encoded, empty segments, a slash at the end) is compared with the table, since an address means the same
    /// however it is spelled.
    pub(crate) fn operate(&self, routed: EndpointId, pass: D::Pass, call: &mut Call<'_, D>) -> Result<Answer, ApiError> {
        let path = call.parts.uri.path().strip_prefix(self.path).unwrap_or_default();
        let segments = segments(path).ok_or_else(ApiError::no_such_address)?;
        let spelled = || self.table.0.iter().find(|endpoint| endpoint.matches(&segments));
        let endpoint = if is_plain(path) || self.path.is_empty() { self.table.0.get(routed.0) } else { spelled() };
        let method = &call.parts.method;
        let posted = *method != Method::GET && *method != Method::HEAD;
        let operation = endpoint.and_then(|endpoint| Some((endpoint.operations.of_method(method)?, &endpoint.positions)));
        match operation {
            Some((operation, positions)) => operation(pass, call, &segments, positions),
            None if posted => Err(D::no_form()),
            None => Err(ApiError::no_such_address()),
        }
    }
}
