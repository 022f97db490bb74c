//! The routes of people who log in with civil traits.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::http::admission::admitted;
use crate::http::door::CivilDoor;
use crate::http::{back_channel, civil_pages};
use crate::limits::BODY_BYTES;

/// The pages of people who log in with civil traits. Anyone may call each of them.
///
/// | Path | What |
/// |---|---|
/// | `/portail/pro/connexion` | the choice (SC02) |
/// | `/portail/pro/franceconnect` | begins a login; `?retour=/portail/…` names the page after it |
/// | `/portail/pro/franceconnect/retour` | where the provider's answer returns; a login belongs to the browser that began it |
/// | `/portail/pro/franceconnect/deconnexion` | where the provider tells a logout, without a browser |
/// | `/portail/pro/identite` | what was received: of the session's person alone |
/// | `/portail/pro/deconnexion` | ends the session; its form carries a proof that it is of this session |
/// | `/portail/pro/deconnecte` | where the provider's logout returns |
pub fn civil_router(door: &Arc<CivilDoor>) -> Router {
    let mut router = Router::new();
    for (path, route, handler) in [
        ("/portail/pro/connexion", "civil.choice", get(civil_pages::choice)),
        ("/portail/pro/franceconnect", "civil.begin", get(civil_pages::begin)),
        ("/portail/pro/franceconnect/retour", "civil.return", get(civil_pages::returned)),
        ("/portail/pro/franceconnect/deconnexion", "civil.told", post(back_channel::told)),
        ("/portail/pro/identite", "civil.identity", get(civil_pages::identity)),
        ("/portail/pro/deconnexion", "civil.logout", post(civil_pages::log_out)),
        ("/portail/pro/deconnecte", "civil.left", get(civil_pages::left)),
    ] {
        router = admitted(router, &door.gate, path, route, handler);
    }
    router.layer(DefaultBodyLimit::max(BODY_BYTES)).with_state(Arc::clone(door))
}
