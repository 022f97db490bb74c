//! The table of addresses, and the router that is made from it.

use crate::admission::admit;
use crate::door::{HrDoor, HrSettings};
use crate::fields::{BEGIN, LEGAL};
use crate::problem::{CallFault, HrProblem};
use crate::route::{Answering, BodyKind, HrHandling, HrMethod, HrRoute, QuerySpec};
use crate::{BASE, lots, openapi, reading, requests, token};
use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, MethodRouter, on};
use std::sync::Arc;

const fn query(name: &'static str, words: &'static str) -> QuerySpec {
    QuerySpec { name, words, required: false }
}

const PAGE: QuerySpec = query("page", "Numéro de la page, à partir de 1");
const PER_PAGE: QuerySpec = query("parPage", "Lignes par page, 100 au plus, 50 par défaut");

/// Makes a handler of a function.
macro_rules! software {
    ($function:path) => {
        HrHandling::Software(|door, call| Box::pin($function(door, call)))
    };
}

const fn reading(
    path: &'static str,
    name: &'static str,
    words: &'static str,
    brings: &'static str,
    handling: HrHandling,
) -> HrRoute {
    HrRoute {
        name,
        method: HrMethod::Get,
        path,
        words,
        query: &[],
        headers: &[],
        body: BodyKind::Nothing,
        success: (200, brings),
        refusals: &[400],
        handling,
    }
}

const fn step(path: &'static str, name: &'static str, words: &'static str, body: BodyKind, handling: HrHandling) -> HrRoute {
    HrRoute {
        name,
        method: HrMethod::Post,
        path,
        words,
        query: &[],
        headers: &[],
        body,
        success: (200, "Le numéro, l'état et la version de la demande"),
        refusals: &[400, 403, 404, 409, 413, 422],
        handling,
    }
}

/// Every address.
pub(crate) static ROUTES: &[HrRoute] = &[
    HrRoute {
        body: BodyKind::Credentials,
        success: (200, "Un jeton pour dix minutes"),
        refusals: &[400, 401, 413],
        ..step(
            "/jeton",
            "hr.token",
            "Obtenir un jeton par l'identifiant et le secret du logiciel (RFC 6749 §4.4)",
            BodyKind::Credentials,
            HrHandling::Open(|door, call| Box::pin(token::token(door, call))),
        )
    },
    reading(
        "/openapi.json",
        "hr.openapi",
        "Lire ce document",
        "Ce document",
        HrHandling::Open(|door, call| Box::pin(reading::document(door, call))),
    ),
    HrRoute {
        query: &[query("etat", "État, par exemple INSTRUCTION_AE"), query("numero", "Numéro de la demande"), PAGE, PER_PAGE],
        ..reading(
            "/demandes",
            "hr.requests",
            "Lister les demandes de l'établissement, la dernière modifiée d'abord",
            "Les demandes et leur nombre",
            software!(requests::list),
        )
    },
    HrRoute {
        headers: &["Idempotency-Key"],
        success: (201, "La demande commencée, ou celle que la même clé a commencée avant"),
        ..step("/demandes", "hr.begin", "Commencer une demande", BodyKind::Object(BEGIN), software!(requests::begin))
    },
    HrRoute {
        refusals: &[403, 404],
        ..reading(
            "/demandes/{numero}",
            "hr.request",
            "Lire une demande",
            "La demande, et sa version dans ETag",
            software!(requests::read),
        )
    },
    HrRoute {
        method: HrMethod::Put,
        headers: &["If-Match"],
        success: (200, "La section est valide ; la nouvelle version est dans ETag"),
        refusals: &[400, 403, 404, 409, 412, 413, 422, 428],
        ..step(
            "/demandes/{numero}/{section}",
            "hr.section",
            "Remplir et valider une section : civil, contact, situation, ou fermeture pour une fin d'activité. La saisie est gardée même si elle est à corriger",
            BodyKind::Section,
            software!(requests::section),
        )
    },
    step(
        "/demandes/{numero}/soumettre",
        "hr.submit",
        "Mettre en instruction, ou valider une modification ou une fin si l'option est signée",
        BodyKind::Object(LEGAL),
        software!(requests::submit),
    ),
    HrRoute {
        headers: &["If-Match"],
        refusals: &[400, 403, 404, 409, 412, 413, 422, 428],
        ..step(
            "/demandes/{numero}/valider",
            "hr.validate",
            "Valider une demande sans avertissement, si l'établissement a signé l'option",
            BodyKind::Object(LEGAL),
            software!(requests::validate),
        )
    },
    step(
        "/demandes/{numero}/abandonner",
        "hr.abandon",
        "Abandonner une demande en cours de saisie",
        BodyKind::Nothing,
        software!(requests::abandon),
    ),
    step(
        "/demandes/{numero}/retirer",
        "hr.withdraw",
        "Retirer une demande envoyée",
        BodyKind::Nothing,
        software!(requests::withdraw),
    ),
    HrRoute {
        query: &[QuerySpec { name: "structure", words: "FINESS ou SIRET, dans le périmètre", required: true }, PAGE, PER_PAGE],
        refusals: &[400, 403],
        ..reading(
            "/situations",
            "hr.situations",
            "Lister les situations en cours ou à venir dans une structure ; les pages comptent des personnes",
            "Les situations, et le nombre de personnes",
            software!(reading::situations),
        )
    },
    HrRoute {
        refusals: &[403, 404],
        ..reading(
            "/professionnels/{rpps}",
            "hr.person",
            "Lire la fiche d'un professionnel du périmètre ; ses coordonnées sont masquées",
            "Le professionnel",
            software!(reading::person),
        )
    },
    reading(
        "/nomenclatures",
        "hr.lists",
        "Lire les listes des formulaires, avec leurs dates de validité",
        "Les listes",
        software!(reading::lists),
    ),
    HrRoute {
        query: &[
            query("nom", "Dénomination"),
            query("finess", "N° FINESS"),
            query("siret", "N° SIRET"),
            query("cp", "Code postal, avec la dénomination ou la commune"),
            query("commune", "Commune"),
        ],
        refusals: &[400, 422],
        ..reading(
            "/structures",
            "hr.structures",
            "Chercher des structures ouvertes ; sans critère, celles du périmètre",
            "Les structures, et si elles sont dans le périmètre",
            software!(reading::structures),
        )
    },
    reading("/lots", "hr.lots", "Lister les lots envoyés par le logiciel, gardés sept jours", "Les lots", software!(lots::list)),
    HrRoute {
        query: &[query("nom", "Nom du fichier")],
        success: (201, "Le lot contrôlé : rien n'est créé avant qu'il soit soumis"),
        refusals: &[400, 413, 422],
        ..step(
            "/lots",
            "hr.upload",
            "Envoyer un fichier CSV, XLSX ou ODS, et le contrôler ligne à ligne",
            BodyKind::List,
            software!(lots::upload),
        )
    },
    HrRoute {
        refusals: &[404],
        ..reading("/lots/{id}", "hr.lot", "Lire un lot et ses lignes", "Le lot et ses lignes", software!(lots::read))
    },
    HrRoute {
        success: (202, "Le lot : ses demandes seront faites dans les instants qui suivent"),
        refusals: &[400, 404, 409, 413],
        ..step(
            "/lots/{id}/soumettre",
            "hr.submit-lot",
            "Mettre en instruction les lignes valides d'un lot",
            BodyKind::Nothing,
            software!(lots::submit),
        )
    },
    HrRoute {
        refusals: &[404],
        ..reading(
            "/lots/{id}/rapport",
            "hr.report",
            "Télécharger le compte rendu d'un lot, en CSV",
            "Une ligne par remarque",
            software!(lots::report),
        )
    },
    HrRoute {
        query: &[query("depuis", "La valeur de suite de la lecture précédente ; vide : depuis le début"), PER_PAGE],
        ..reading(
            "/evenements",
            "hr.events",
            "Lire les changements d'état des demandes de l'établissement, dans l'ordre",
            "Les changements, et où reprendre",
            software!(reading::events),
        )
    },
];

/// What answers where no route does, so that it is counted and has the form of a refusal too.
static NO_METHOD: HrRoute = nothing("hr.method", HrHandling::Open(|_, _| refused(CallFault::Method)));
static NO_ADDRESS: HrRoute = nothing("hr.nothing", HrHandling::Open(|_, _| refused(CallFault::Address)));

const fn nothing(name: &'static str, handling: HrHandling) -> HrRoute {
    reading("", name, "", "", handling)
}

fn refused(fault: CallFault) -> Answering {
    Box::pin(async move { Err(HrProblem::from(fault)) })
}

const fn filter(method: HrMethod) -> MethodFilter {
    match method {
        HrMethod::Get => MethodFilter::GET,
        HrMethod::Post => MethodFilter::POST,
        HrMethod::Put => MethodFilter::PUT,
    }
}

/// The interface for software of employers.
pub fn router(settings: HrSettings) -> Router {
    let document = openapi::described(ROUTES, &format!("{}{BASE}", settings.public_base));
    let door = Arc::new(HrDoor::new(settings, document));
    let answering = |route: &'static HrRoute| {
        let door = Arc::clone(&door);
        move |request: Request| admit(door, route, route.handling, request)
    };
    let mut paths: Vec<String> = ROUTES.iter().map(HrRoute::whole_path).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut router = Router::new();
    for path in paths {
        let mut methods = MethodRouter::new();
        for route in ROUTES.iter().filter(|route| route.whole_path() == path) {
            methods = methods.merge(on(filter(route.method), answering(route)));
        }
        router = router.route(&path, methods.fallback(answering(&NO_METHOD)));
    }
    for path in [BASE.to_owned(), format!("{BASE}/"), format!("{BASE}/{{*reste}}")] {
        router = router.route(&path, axum::routing::any(answering(&NO_ADDRESS)));
    }
    router
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_and_each_name_stands_once() {
        let names: std::collections::BTreeSet<&str> = ROUTES.iter().map(|route| route.name).collect();
        let addresses: std::collections::BTreeSet<String> =
            ROUTES.iter().map(|route| format!("{} {}", route.method.lower(), route.path)).collect();
        assert_eq!((names.len(), addresses.len()), (ROUTES.len(), ROUTES.len()));
    }

    #[test]
    fn a_token_is_asked_for_everywhere_but_where_one_is_given_and_described() {
        let open: Vec<&str> = ROUTES.iter().filter(|route| !route.is_closed()).map(|route| route.path).collect();
        assert_eq!(open, ["/jeton", "/openapi.json"]);
    }
}
