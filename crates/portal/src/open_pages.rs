//! Pages and files for everybody: help, notices, and what scripts ask for.

use crate::answer;
use crate::door::{Portal, SCRIPT, STYLE};
use crate::fault::PageAnswer;
use crate::frame::PortalFrame;
use crate::request::PortalRequest;
use annuaire_workflow::communes::CommuneIndex;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// A page of text.
#[derive(Template)]
#[template(path = "text.html")]
struct TextPage<'a> {
    frame: &'a PortalFrame,
    title: &'static str,
    paragraphs: &'static [&'static str],
    links: &'static [(&'static str, &'static str)],
}

type Links = &'static [(&'static str, &'static str)];

fn text(
    portal: &Portal,
    request: &PortalRequest,
    title: &'static str,
    paragraphs: &'static [&'static str],
    links: Links,
) -> PageAnswer {
    let frame = PortalFrame::plain(portal, request);
    Ok(answer::page(portal, request, StatusCode::OK, &TextPage { frame: &frame, title, paragraphs, links }))
}

pub(crate) async fn style() -> Response {
    answer::asset("text/css;charset=UTF-8", STYLE)
}

pub(crate) async fn script() -> Response {
    answer::asset("text/javascript;charset=UTF-8", SCRIPT)
}

pub(crate) async fn icon() -> Response {
    answer::asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

/// `GET /portail/prolonger`: the session was used, which is all.
pub(crate) async fn prolong() -> Response {
    answer::json(&json!({}))
}

/// `GET /portail/communes?q=…`: proposals of the field « Commune de naissance » (registration §5.5). The table is public.
pub(crate) async fn communes(request: PortalRequest) -> Response {
    let typed = request.parameter("q");
    let typed: String = typed.chars().take(80).collect();
    let found = CommuneIndex::embedded().propose(&typed);
    let lines: Vec<_> = found.list.iter().map(|c| json!({ "value": c.label(), "text": c.line() })).collect();
    let count = match lines.len() {
        0 => "Aucune proposition.".to_owned(),
        1 => "1 proposition.".to_owned(),
        n => format!("{n} propositions."),
    };
    answer::json(&json!({ "lines": lines, "count": count, "more": found.more_text().unwrap_or_default() }))
}

/// `GET /portail/aide`
pub(crate) async fn help(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    const TEXT: &[&str] = &[
        "Vous gérez les enregistrements d’une structure : connectez-vous avec votre carte ou votre e-CPS, ajoutez la personne en trois \
         étapes (état civil, contact, situation), mettez la demande en instruction, puis validez-la. Le numéro RPPS est attribué dans la \
         minute et la personne paraît dans l’annuaire.",
        "Vous n’êtes pas encore enregistré : connectez-vous avec FranceConnect et déposez votre demande. Votre établissement la valide.",
        "Vous êtes déjà enregistré : connectez-vous avec votre e-CPS ou votre carte pour voir votre dossier, changer vos coordonnées, \
         ajouter une activité ou signaler un départ.",
        "« Enregistrer » garde ce que vous avez saisi, même incomplet. « Valider » vérifie une section. Une demande en saisie est gardée \
         90 jours.",
    ];
    text(&portal, &request, "Aide", TEXT, &[("Entrer dans le portail", "/portail")])
}

/// `GET /portail/contacts`
pub(crate) async fn contacts(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    const TEXT: &[&str] = &[
        "Une question sur une demande : adressez-vous d’abord à votre établissement, dont le représentant légal désigne les gestionnaires.",
        "Le support national est joint par l’exploitant de ce service, nommé dans les mentions légales. Donnez-lui le numéro de la demande \
         ou de l’incident, jamais un mot de passe ni un code.",
    ];
    text(&portal, &request, "Contacts", TEXT, &[("Mentions légales", "/mentions")])
}

/// `GET /portail/presse`
pub(crate) async fn press(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    const TEXT: &[&str] =
        &["Les demandes de la presse sont reçues par l’exploitant de ce service, nommé dans les mentions légales."];
    text(&portal, &request, "Presse", TEXT, &[("Mentions légales", "/mentions")])
}

/// `GET /portail/accessibilite`
pub(crate) async fn accessibility(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    const TEXT: &[&str] = &[
        "Ce portail vise le niveau AA du RGAA 4.1 et des WCAG 2.2. Ses pages sont vérifiées par des tests automatiques (axe) à chaque \
         version ; aucun audit n’a encore été fait par un tiers.",
        "Toutes les pages fonctionnent au clavier, sans script, et jusqu’à 200 % de taille de texte.",
        "Si une page vous est inaccessible, dites-le à l’exploitant de ce service, nommé dans les mentions légales.",
    ];
    text(&portal, &request, "Accessibilité", TEXT, &[("Mentions légales", "/mentions")])
}

/// `GET /portail/mentions`
pub(crate) async fn notices(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    const TEXT: &[&str] = &[
        "Conditions générales : l’enregistrement donne un numéro RPPS pour la vie, une inscription à l’annuaire public, et la possibilité \
         d’activer une e-CPS. Il identifie ; il ne donne accès par lui-même à aucune application.",
        "Données personnelles : l’état civil et les coordonnées de contact ne sont pas publics. Nom et prénom d’exercice, profession, rôle \
         et structure le sont. Chacun voit son dossier, en demande la rectification et sait qui l’a consulté, dans « Mon dossier ».",
        "Conservation : les informations d’une demande abandonnée ou expirée sont effacées après 30 jours, celles d’une demande refusée, \
         rejetée ou annulée après un an. Les actions sont tracées pendant dix ans.",
        "L’exploitant de ce service, qui répond de ces données, est nommé dans les mentions légales de l’annuaire.",
    ];
    text(&portal, &request, "Mentions légales", TEXT, &[("Mentions légales de l’annuaire", "/mentions")])
}
