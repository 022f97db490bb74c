//! The router of the API, and the list of its routes with their rights: both are made of the tables of all doors.

use std::sync::Arc;

use annuaire_web::{Pass, Who};
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;

use crate::door::Door;
use crate::mount::{EndpointId, Mount, RouteTable};
use crate::serve::serve;
use crate::service::Service;

/// A route of the API, as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its path, with `{parameters}`.
    pub path: String,
    /// Its methods that have an operation. `HEAD` goes with `GET`; every route also answers the preflight `OPTIONS`, to anyone.
    pub methods: Vec<&'static str>,
    /// Who may call it.
    pub who: Who,
}

/// What is done with every door of the API: the router serves it, the list of rights names it.
pub(crate) trait ForEachDoor {
    /// Takes the door `D` at a mount.
    fn door<D: Door>(&mut self, mount: &'static str, table: RouteTable<D>);
}

/// Makes the router.
pub(crate) struct RouterBuilder {
    pub service: Arc<Service>,
    pub router: Router,
}

impl ForEachDoor for RouterBuilder {
    fn door<D: Door>(&mut self, mount: &'static str, table: RouteTable<D>) {
        let paths: Vec<&'static str> = table.paths().map(|(path, _)| path).collect();
        let state = Arc::new(Mount { service: Arc::clone(&self.service), path: mount, table });
        let mut router = Router::new();
        for (at, path) in paths.into_iter().enumerate() {
            let endpoint = EndpointId(at);
            // All methods come here: the API answers those that it does not serve with a FHIR outcome, not with 405.
            let handler = move |State(mount): State<Arc<Mount<D>>>, request: Request| serve(mount, endpoint, request);
            router = router.route(&format!("{mount}{path}"), any(handler));
        }
        self.router = std::mem::take(&mut self.router).merge(router.with_state(state));
    }
}

/// Lists the routes.
pub(crate) struct RouteList(pub Vec<Route>);

impl ForEachDoor for RouteList {
    fn door<D: Door>(&mut self, mount: &'static str, table: RouteTable<D>) {
        let route = |(path, methods)| Route { path: format!("{mount}{path}"), methods, who: D::Pass::WHO };
        self.0.extend(table.paths().map(route));
    }
}
