//! « Mon dossier » (SC50), « Mes coordonnées » (SC51), « Mes situations » (SC52), « Qui a consulté mon dossier » (SC53) and the copy.

use crate::answer;
use crate::fault::PageAnswer;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{instant, typeset};
use crate::gae::home::{InboxPage, shown_messages};
use crate::who::HolderVisit;
use annuaire_registry::{FileAccess, OwnFile};
use annuaire_workflow::day::{french, french_long, parse_iso};
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::value_sets::{ValueList, ValueSets};
use askama::Template;
use axum::http::StatusCode;

/// A situation, as its holder sees it.
struct OwnSituationLine {
    id: String,
    number: String,
    place: String,
    profession: String,
    role: String,
    from: String,
    until: String,
    state: &'static str,
    state_class: &'static str,
    authority: String,
    can_change: bool,
}

/// SC50.
#[derive(Template)]
#[template(path = "pro/file.html")]
struct OwnFilePage<'a> {
    frame: &'a PortalFrame,
    rpps: String,
    identity: Vec<(&'static str, String)>,
    certification: String,
    exercises: Vec<(String, String, String)>,
    situations: Vec<OwnSituationLine>,
    cards: Vec<(String, String)>,
    mailboxes: Vec<String>,
    withheld: &'static str,
    has_proposal: bool,
    has_old_contact: bool,
    /// Whether an employer attested the profession of home helper.
    has_home_help: bool,
    has_survey: bool,
}

/// SC51.
#[derive(Template)]
#[template(path = "pro/contact.html")]
struct OwnContactPage<'a> {
    frame: &'a PortalFrame,
    mail: String,
    mobile: String,
    is_verified: bool,
    is_old: bool,
    /// Address, mobile and last day of a proposal.
    proposal: Option<(String, String, String)>,
}

/// SC52.
#[derive(Template)]
#[template(path = "pro/situations.html")]
struct OwnSituationsPage<'a> {
    frame: &'a PortalFrame,
    situations: Vec<OwnSituationLine>,
    needs_contact: bool,
}

/// SC53.
#[derive(Template)]
#[template(path = "pro/accesses.html")]
struct AccessesPage<'a> {
    frame: &'a PortalFrame,
    lines: Vec<(String, FileAccess)>,
}

/// A state of certification (J111) in words.
fn certification_words(code: &str) -> &'static str {
    match code {
        "C" => "Certifié par l’INSEE",
        "FC" => "Certifié par FranceConnect",
        "FCP" => "Certifié par FranceConnect+",
        "DI" | "AC" => "En cours de vérification auprès de l’INSEE",
        "NC" => "Non certifiable : votre autorité d’enregistrement doit vérifier votre identité",
        "NCI" => "Immatriculation en cours à l’INSEE",
        "AN" => "Vérification annulée",
        _ => "Tenu par votre autorité d’enregistrement",
    }
}

fn date(iso: &str) -> String {
    parse_iso(iso).map(french).unwrap_or_default()
}

fn situation_lines(file: &OwnFile, values: &ValueSets<'static>, profession: impl Fn(&str) -> String) -> Vec<OwnSituationLine> {
    let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
    let line = |s: &annuaire_registry::OwnSituation| OwnSituationLine {
        id: s.id.clone(),
        number: s.structure.as_ref().map(|place| place.number.clone()).unwrap_or_default(),
        place: s.structure.as_ref().map_or_else(|| "Sans structure".to_owned(), |place| place.name.clone()),
        profession: if s.by_role { word(ValueList::Profession, &s.profession) } else { profession(&s.profession) },
        role: word(ValueList::Role, &s.role),
        from: date(&s.from),
        until: date(&s.until),
        state: match s.state {
            SituationState::Planned => "Planifiée",
            SituationState::Active => "Active",
            SituationState::Ended => "Terminée",
            SituationState::Cancelled => "Annulée",
            SituationState::Suspended => "Suspendue",
        },
        state_class: if s.state == SituationState::Active { "good" } else { "" },
        authority: s.authority.clone(),
        can_change: s.is_local && s.structure.is_some() && matches!(s.state, SituationState::Active | SituationState::Planned),
    };
    file.situations.iter().map(line).collect()
}

fn lines_of(visit: &HolderVisit, file: &OwnFile) -> Vec<OwnSituationLine> {
    let portal = &visit.portal;
    situation_lines(file, &portal.values(), |code| portal.profession(code))
}

/// `GET /portail/pro`
pub(crate) async fn file(visit: HolderVisit) -> PageAnswer {
    let file = visit.portal.registration().own_file(&visit.session).await?;
    let values = visit.portal.values();
    let c = &file.civil;
    let sex = values.label(ValueList::Sex, &c.sexe_administratif).unwrap_or_default().to_owned();
    let birth = parse_iso(&c.date_naissance).map(french_long).unwrap_or_default();
    let mut identity = vec![
        ("Nom de famille", c.nom_famille.clone()),
        ("Prénoms", c.prenoms.join(", ")),
        ("Sexe", sex),
        ("Date de naissance", birth),
        ("Lieu de naissance", c.lieu_naissance.clone()),
        ("Adresse email", file.mail.clone()),
        ("Téléphone mobile", file.mobile.clone()),
    ];
    for (_, value) in &mut identity {
        if value.is_empty() {
            "Non renseigné".clone_into(value);
        }
    }
    let exercises = file.exercises.iter().map(|e| {
        let name = format!("{} {}", e.given_name, e.name);
        (visit.portal.profession(&e.profession), name.trim().to_owned(), e.authority.clone())
    });
    let cards = file.cards.iter().map(|card| (card.numero_carte.clone(), date(&card.date_fin_validite)));
    let page = OwnFilePage {
        frame: &visit.frame,
        rpps: file.rpps.clone(),
        identity,
        certification: match date(&file.civil.date_effet) {
            since if since.is_empty() => certification_words(&file.certification).to_owned(),
            since => format!("{} (depuis le {since})", certification_words(&file.certification)),
        },
        exercises: exercises.collect(),
        situations: lines_of(&visit, &file),
        cards: cards.collect(),
        mailboxes: file.mailboxes.iter().map(|mailbox| mailbox.adresse.clone()).collect(),
        withheld: if file.withheld.is_some() {
            "L’activation de votre e-CPS attend une vérification de votre identité ou de vos coordonnées."
        } else {
            ""
        },
        has_proposal: file.proposal.is_some(),
        has_old_contact: file.contact_is_old,
        has_home_help: visit.portal.registration().own_home_help(&visit.session).await?.is_some(),
        has_survey: visit.portal.registration().open_survey(&visit.session).await?.is_some(),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/pro/coordonnees`
pub(crate) async fn contact(visit: HolderVisit) -> PageAnswer {
    let file = visit.portal.registration().own_file(&visit.session).await?;
    let page = OwnContactPage {
        frame: &visit.frame,
        mail: file.mail,
        mobile: file.mobile,
        is_verified: file.contact_verified,
        is_old: file.contact_is_old,
        proposal: file.proposal.map(|proposal| (proposal.mail, proposal.mobile, date(&proposal.until))),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/pro/coordonnees/confirmation`
pub(crate) async fn confirm_contact(visit: HolderVisit, _: PostedForm) -> PageAnswer {
    visit.portal.registration().confirm_own_contact(&visit.session).await?;
    Ok(answer::see_other("/portail/pro/coordonnees?fait=confirmees"))
}

/// `POST /portail/pro/coordonnees/proposition`
pub(crate) async fn answer_proposal(visit: HolderVisit, form: PostedForm) -> PageAnswer {
    let accept = form.get("faire") == "accepter";
    visit.portal.registration().confirm_contact(&visit.session, accept).await?;
    Ok(answer::see_other("/portail/pro/coordonnees?fait=fait"))
}

/// `GET /portail/pro/situations`
pub(crate) async fn situations(visit: HolderVisit) -> PageAnswer {
    let file = visit.portal.registration().own_file(&visit.session).await?;
    let needs_contact = !file.contact_verified;
    let page = OwnSituationsPage { frame: &visit.frame, situations: lines_of(&visit, &file), needs_contact };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/pro/acces`
pub(crate) async fn accesses(visit: HolderVisit) -> PageAnswer {
    let found = visit.portal.registration().own_accesses(&visit.session, 200).await?;
    let lines = found.into_iter().map(|mut access| {
        access.what = typeset(&access.what);
        (instant(access.at_ms), access)
    });
    let page = AccessesPage { frame: &visit.frame, lines: lines.collect() };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/pro/messages`
pub(crate) async fn messages(visit: HolderVisit) -> PageAnswer {
    let messages = shown_messages(visit.portal.registration().holder_inbox(&visit.session).await?);
    let page = InboxPage { frame: &visit.frame, messages, base: "/portail/pro/demandes" };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/pro/mes-donnees.json`
pub(crate) async fn export(visit: HolderVisit) -> PageAnswer {
    let copy = visit.portal.registration().own_export(&visit.session).await?;
    let text = serde_json::to_string_pretty(&copy).unwrap_or_default();
    Ok(answer::download("application/json", "mes-donnees-rpps.json", text))
}
