//! Addresses, who may ask for each, and what answers.

use crate::admission::admitted;
use crate::anomaly;
use crate::attestation;
use crate::console::{
    arbitration, audit, authority, feeds, home as consoles, indicators, pairs, second_look, support, terminologies,
};
use crate::demo;
use crate::door::{Portal, PortalSettings};
use crate::gae::{ended, entrance, home, identities, instruction, list, lots, people, request, review, shared_lots, staff, wish};
use crate::open_pages;
use crate::papers;
use crate::pro::{applicant, attestation as own_attestation, file, holder, not_me, survey};
use crate::representative::{authority as represented, designation, software, structures, withdrawal};
use crate::request::Space;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

type Handler = MethodRouter<Arc<Portal>>;

/// The routes of managers.
fn of_managers() -> Vec<(&'static str, &'static str, Space, Handler)> {
    use Space::{Open, Professional};
    vec![
        ("/portail", "portal.entrance", Open, get(entrance::entrance)),
        ("/portail/gae/connexion", "portal.gae-sign-in", Open, get(entrance::sign_in)),
        ("/portail/gae", "portal.gae-home", Professional, get(home::home)),
        ("/portail/gae/agir-pour", "portal.gae-acting", Professional, post(entrance::act_for)),
        ("/portail/gae/charte", "portal.gae-charter", Professional, get(entrance::charter).post(entrance::accept_charter)),
        ("/portail/gae/messages", "portal.gae-messages", Professional, get(home::messages)),
        ("/portail/gae/demandes", "portal.gae-list", Professional, get(list::list)),
        ("/portail/gae/demandes/fichier/{table}", "portal.gae-file", Professional, get(list::file)),
        ("/portail/gae/nouvelle", "portal.gae-new", Professional, get(request::new).post(request::create)),
        ("/portail/gae/demandes/{numero}", "portal.gae-request", Professional, get(request::show)),
        ("/portail/gae/demandes/{numero}/saisie", "portal.gae-entry", Professional, post(request::take)),
        ("/portail/gae/demandes/{numero}/decision", "portal.gae-decision", Professional, post(instruction::decide)),
        (
            "/portail/gae/demandes/{numero}/soumettre",
            "portal.gae-submit",
            Professional,
            get(request::before_submit).post(request::submit),
        ),
        ("/portail/gae/demandes/{numero}/confirmation", "portal.gae-confirmation", Professional, get(request::confirmation)),
        (
            "/portail/gae/demandes/{numero}/confirmation.pdf",
            "portal.gae-confirmation-paper",
            Professional,
            get(papers::of_manager),
        ),
        ("/portail/gae/demandes/{numero}/{acte}", "portal.gae-deed", Professional, get(request::before_deed).post(request::deed)),
        ("/portail/gae/enregistrements", "portal.gae-people", Professional, get(people::search_page).post(people::search)),
        ("/portail/gae/enregistrements/{rpps}", "portal.gae-person", Professional, get(people::person)),
        ("/portail/gae/enregistrements/{rpps}/demande", "portal.gae-begin", Professional, post(people::begin)),
        ("/portail/gae/effectifs", "portal.gae-staff", Professional, get(staff::staff)),
        (
            "/portail/gae/effectifs/confirmation",
            "portal.gae-review",
            Professional,
            get(review::review).post(review::answer_review),
        ),
        ("/portail/gae/anomalies", "portal.gae-anomalies", Professional, get(anomaly::of_manager).post(anomaly::manager_answers)),
        ("/portail/gae/deces-corriges", "portal.gae-ended", Professional, get(ended::list).post(ended::settle)),
        ("/portail/gae/tableau", "portal.gae-dashboard", Professional, get(staff::dashboard)),
        ("/portail/gae/identites", "portal.gae-identities", Professional, get(identities::list)),
        (
            "/portail/gae/identites/{rpps}",
            "portal.gae-identity",
            Professional,
            get(identities::identity).post(identities::verify),
        ),
        ("/portail/gae/lots", "portal.gae-lots", Professional, get(lots::list).post(lots::upload)),
        ("/portail/gae/lots/modele.csv", "portal.gae-lot-template", Professional, get(lots::template)),
        ("/portail/gae/lots/{lot}", "portal.gae-lot", Professional, get(lots::show)),
        ("/portail/gae/lots/{lot}/rapport.csv", "portal.gae-lot-report", Professional, get(lots::report)),
        ("/portail/gae/lots/{lot}/soumettre", "portal.gae-lot-submit", Professional, post(lots::submit)),
        ("/portail/gae/lots/{lot}/valider", "portal.gae-lot-validate", Professional, post(lots::validate)),
        (
            "/portail/gae/lots/{lot}/tiers",
            "portal.gae-shared-lot",
            Professional,
            get(shared_lots::show).post(shared_lots::validate),
        ),
        ("/portail/gae/professions", "portal.gae-wish", Professional, get(wish::wish_page).post(wish::wish)),
    ]
}

/// The routes of people who come with FranceConnect, and of registered professionals.
fn of_professionals() -> Vec<(&'static str, &'static str, Space, Handler)> {
    use Space::{Civil, Professional};
    vec![
        ("/portail/pro/inscription", "portal.own", Civil, get(applicant::home).post(applicant::begin)),
        ("/portail/pro/inscription/{numero}", "portal.own-request", Civil, get(applicant::show)),
        ("/portail/pro/inscription/{numero}/saisie", "portal.own-entry", Civil, post(applicant::take)),
        (
            "/portail/pro/inscription/{numero}/codes",
            "portal.own-codes",
            Civil,
            get(applicant::codes).post(applicant::enter_codes),
        ),
        ("/portail/pro/inscription/{numero}/confirmation", "portal.own-confirmation", Civil, get(applicant::confirmation)),
        ("/portail/pro/inscription/{numero}/confirmation.pdf", "portal.own-confirmation-paper", Civil, get(papers::of_applicant)),
        ("/portail/pro/inscription/{numero}/{acte}", "portal.own-deed", Civil, get(applicant::before_deed).post(applicant::deed)),
        ("/portail/pro", "portal.file", Professional, get(file::file)),
        ("/portail/pro/coordonnees", "portal.contact", Professional, get(file::contact).post(holder::change_contact)),
        ("/portail/pro/coordonnees/proposition", "portal.contact-proposal", Professional, post(file::answer_proposal)),
        ("/portail/pro/situations", "portal.situations", Professional, get(file::situations)),
        ("/portail/pro/situations/ajouter", "portal.add", Professional, get(holder::add_page)),
        ("/portail/pro/situations/demande", "portal.begin", Professional, post(holder::begin)),
        ("/portail/pro/coordonnees/confirmation", "portal.contact-exact", Professional, post(file::confirm_contact)),
        ("/portail/pro/anomalies", "portal.anomalies", Professional, get(anomaly::of_holder).post(anomaly::holder_answers)),
        ("/portail/pro/pas-moi", "portal.not-me", Professional, get(not_me::page).post(not_me::alert)),
        ("/portail/pro/enquete", "portal.survey", Professional, get(survey::page).post(survey::reply)),
        ("/portail/pro/acces", "portal.accesses", Professional, get(file::accesses)),
        ("/portail/pro/messages", "portal.messages", Professional, get(file::messages)),
        ("/portail/pro/mes-donnees.json", "portal.export", Professional, get(file::export)),
        ("/portail/pro/attestation", "portal.attestation", Professional, get(own_attestation::page)),
        ("/portail/pro/attestation.pdf", "portal.attestation-paper", Professional, get(own_attestation::pdf)),
        ("/portail/pro/attestation-profession", "portal.home-help", Professional, get(own_attestation::home_help)),
        ("/portail/pro/attestation-profession.pdf", "portal.home-help-paper", Professional, get(own_attestation::home_help_pdf)),
        ("/portail/pro/demandes", "portal.requests", Professional, get(holder::list)),
        ("/portail/pro/demandes/{numero}", "portal.request", Professional, get(holder::show)),
        ("/portail/pro/demandes/{numero}/saisie", "portal.entry", Professional, post(holder::take)),
        ("/portail/pro/demandes/{numero}/codes", "portal.codes", Professional, get(holder::codes).post(holder::enter_codes)),
        ("/portail/pro/demandes/{numero}/confirmation", "portal.confirmation", Professional, get(holder::confirmation)),
        ("/portail/pro/demandes/{numero}/confirmation.pdf", "portal.confirmation-paper", Professional, get(papers::of_holder)),
        ("/portail/pro/demandes/{numero}/{acte}", "portal.deed", Professional, get(holder::before_deed).post(holder::deed)),
    ]
}

/// The routes of legal representatives and mandataires.
fn of_representatives() -> Vec<(&'static str, &'static str, Space, Handler)> {
    use Space::Professional;
    vec![
        ("/portail/habilitations", "portal.habilitations", Professional, get(structures::list).post(structures::attach)),
        ("/portail/habilitations/{cible}", "portal.habilitation", Professional, get(represented::page).post(represented::act)),
        (
            "/portail/habilitations/{cible}/gestionnaire",
            "portal.manager",
            Professional,
            get(designation::manager_page).post(designation::manager),
        ),
        (
            "/portail/habilitations/{cible}/mandataire",
            "portal.mandataire",
            Professional,
            get(designation::mandataire_page).post(designation::mandataire),
        ),
        ("/portail/habilitations/{cible}/logiciels", "portal.software", Professional, get(software::page).post(software::add)),
        (
            "/portail/habilitations/{cible}/logiciels/{logiciel}/{acte}",
            "portal.software-deed",
            Professional,
            get(software::before_deed).post(software::deed),
        ),
        (
            "/portail/habilitations/{cible}/{liste}/{personne}/supprimer",
            "portal.withdrawal",
            Professional,
            get(withdrawal::before).post(withdrawal::withdraw),
        ),
    ]
}

/// The routes of consoles, and of those who check an attestation.
fn of_consoles() -> Vec<(&'static str, &'static str, Space, Handler)> {
    use Space::{Open, Professional};
    vec![
        ("/portail/verifier", "portal.check", Open, get(attestation::check)),
        ("/portail/console", "portal.consoles", Professional, get(consoles::home)),
        ("/portail/console/arbitrage", "portal.arbitration", Professional, get(arbitration::queue)),
        (
            "/portail/console/arbitrage/corrections",
            "portal.corrections",
            Professional,
            get(pairs::corrections_page).post(pairs::correct),
        ),
        (
            "/portail/console/arbitrage/paires/{premier}/{second}",
            "portal.pair",
            Professional,
            get(pairs::before_pair).post(pairs::pair),
        ),
        (
            "/portail/console/arbitrage/second-avis/{cle}",
            "portal.second-look",
            Professional,
            get(second_look::before).post(second_look::look),
        ),
        (
            "/portail/console/arbitrage/{numero}",
            "portal.arbitration-file",
            Professional,
            get(arbitration::before_file).post(arbitration::file),
        ),
        ("/portail/console/support", "portal.support", Professional, get(support::page).post(support::open)),
        ("/portail/console/support/acte", "portal.support-deed", Professional, post(support::act)),
        ("/portail/console/audit", "portal.trail", Professional, get(audit::trail)),
        ("/portail/console/audit/fichier", "portal.trail-file", Professional, get(audit::file)),
        ("/portail/console/indicateurs", "portal.indicators", Professional, get(indicators::page)),
        ("/portail/console/indicateurs/fichier", "portal.indicators-file", Professional, get(indicators::file)),
        (
            "/portail/console/nomenclatures",
            "portal.terminologies",
            Professional,
            get(terminologies::wishes).post(terminologies::answer_wish),
        ),
        ("/portail/console/autorite", "portal.authority", Professional, get(authority::page).post(authority::person)),
        ("/portail/signaler", "portal.report", Open, get(anomaly::form).post(anomaly::report)),
        ("/portail/signaler/{reference}", "portal.report-state", Open, get(anomaly::state)),
        (
            "/portail/console/autorite/anomalies",
            "portal.authority-anomalies",
            Professional,
            get(anomaly::of_authority).post(anomaly::authority_answers),
        ),
        (
            "/portail/console/support/anomalies",
            "portal.support-anomalies",
            Professional,
            get(anomaly::of_support).post(anomaly::support_answers),
        ),
        ("/portail/console/autorite/flux", "portal.feeds", Professional, get(feeds::list).post(feeds::upload)),
        ("/portail/console/autorite/flux/{envoi}", "portal.feed", Professional, get(feeds::show).post(feeds::decide)),
        (
            "/portail/console/autorite/flux/{envoi}/acquittement.jsonl",
            "portal.feed-answer",
            Professional,
            get(feeds::acknowledgement),
        ),
    ]
}

/// The routes of everybody.
fn of_everybody(portal: &Portal) -> Vec<(String, &'static str, Space, Handler)> {
    let open = |path: &str, route, handler| (path.to_owned(), route, Space::Open, handler);
    vec![
        open(&portal.own_style, "portal.style", get(open_pages::style)),
        open(&portal.own_script, "portal.script", get(open_pages::script)),
        open("/portail/icone.svg", "portal.icon", get(open_pages::icon)),
        open("/portail/communes", "portal.communes", get(open_pages::communes)),
        open("/portail/aide", "portal.help", get(open_pages::help)),
        open("/portail/contacts", "portal.contacts", get(open_pages::contacts)),
        open("/portail/presse", "portal.press", get(open_pages::press)),
        open("/portail/accessibilite", "portal.accessibility", get(open_pages::accessibility)),
        open("/portail/mentions", "portal.notices", get(open_pages::notices)),
        open("/portail/demonstration", "portal.demo", get(demo::page).post(demo::advance)),
        ("/portail/reconnecte".to_owned(), "portal.again", Space::Either, get(entrance::signed_in_again)),
        ("/portail/prolonger".to_owned(), "portal.prolong", Space::Either, get(open_pages::prolong)),
    ]
}

/// The pages of the portal. The caller puts who is logged in into the extensions of each request (`SignedIn` of `ecps`, `CivilSession` of
/// `relying`), by layers around this router.
pub fn router(settings: PortalSettings) -> Router {
    let portal = Arc::new(Portal::new(settings));
    let mut router = Router::new();
    for (path, route, space, handler) in
        of_managers().into_iter().chain(of_professionals()).chain(of_representatives()).chain(of_consoles())
    {
        router = admitted(router, &portal, (path, route, space), handler);
    }
    for (path, route, space, handler) in of_everybody(&portal) {
        router = admitted(router, &portal, (&path, route, space), handler);
    }
    router.layer(DefaultBodyLimit::max(crate::limits::FILE_BYTES)).with_state(portal)
}
