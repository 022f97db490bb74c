//! « Nouvelle demande »: the accordion of three sections (SC20, registration §4.5), for everybody who fills in a request.
//!
//! The page is one form. Each button saves all sections that were changed, and then does what it says, so that nothing that was typed
//! is lost whichever button is pressed. What was found is looked up again when the page is shown (`?controle=civil`): a page can be
//! read again, gone back to, and sent to nobody.

use crate::answer;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint, remark};
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::sections::{
    SummaryLines, civil_fields, civil_summary, closing_fields, contact_fields, contact_summary, drafts_of, name_fields,
    situation_fields,
};
use crate::structure_choice::StructureChoice;
use annuaire_registry::{RegistrationStop, RequestSheet, SectionDraft, section_code};
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{Day, paris_day};
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft, SituationDraft};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::{MessageCode, fill};
use annuaire_workflow::request::{LegalStatement, RequestSection};
use annuaire_workflow::state::RequestState;
use annuaire_workflow::value_sets::ValueSets;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::request::PortalRequest;

/// A section, as the page shows it.
pub(crate) struct FormSection {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    /// « À compléter », « Complète », « À corriger ».
    pub(crate) mark: &'static str,
    pub(crate) mark_class: &'static str,
    pub(crate) is_open: bool,
    /// Whether it can be changed.
    pub(crate) is_form: bool,
    pub(crate) intro: String,
    pub(crate) fields: Vec<FormField>,
    /// Fields before the choice of the structure.
    pub(crate) names: Vec<FormField>,
    pub(crate) structure: Option<StructureChoice>,
    pub(crate) summary: SummaryLines,
    /// What is told of a registered person who is alike, and the number that opens their sheet.
    pub(crate) alike: String,
    pub(crate) alike_rpps: String,
    /// Communes to choose from, where no script proposes them.
    pub(crate) communes: Vec<(String, String)>,
    pub(crate) communes_told: String,
}

/// The page.
#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    frame: &'a PortalFrame,
    heading: String,
    number: &'a str,
    status: String,
    kind: &'static str,
    base: &'static str,
    version: u64,
    sections: Vec<FormSection>,
    points: Vec<OpenPoint>,
    /// Titles of the sections that are not valid.
    missing: Vec<&'static str>,
    /// Whether there is another button to press first: one of several sections is not valid (registration §4.5).
    is_too_early: bool,
    submit_words: &'static str,
    /// Reasons that the other side gave, the newest first.
    asked: Vec<String>,
    can_abandon: bool,
    is_typing_error: Option<bool>,
}

impl EntryPage<'_> {
    fn is_warned_only(&self) -> bool {
        self.points.iter().all(|point| point.is_warning)
    }
}

/// Heading of a kind of request.
fn heading(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Primo => "Nouvelle demande",
        RequestKind::Ajout => "Ajouter une situation",
        RequestKind::Modif => "Modifier la situation",
        RequestKind::Fin => "Fermer la situation",
        RequestKind::Coord => "Mes coordonnées",
        RequestKind::Civil => "Rectifier l’état civil",
    }
}

/// The sections that a kind of request asks for.
pub(crate) fn asked_sections(kind: RequestKind) -> &'static [RequestSection] {
    match kind {
        RequestKind::Primo => &[RequestSection::Civil, RequestSection::Contact, RequestSection::Situation],
        RequestKind::Ajout | RequestKind::Modif | RequestKind::Fin => &[RequestSection::Situation],
        RequestKind::Coord => &[RequestSection::Contact],
        RequestKind::Civil => &[RequestSection::Civil],
    }
}

/// Whether a state lets its holder fill the form in.
pub(crate) const fn is_drafted(state: RequestState) -> bool {
    matches!(state, RequestState::S10 | RequestState::S11 | RequestState::S25)
}

/// Shows a request that is filled in.
pub(crate) async fn show(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    sheet: &RequestSheet,
    points: Vec<OpenPoint>,
) -> PageAnswer {
    let day = paris_day(portal.now_ms());
    let values = portal.values();
    let asked = asked_sections(sheet.kind);
    let controlled = request.parameter("controle");
    let searched = request.parameter("chercher");
    let wanted = request.parameter("section");
    let missing: Vec<RequestSection> = asked.iter().copied().filter(|section| sheet.open_sections.contains(section)).collect();
    let opened = match () {
        () if !controlled.is_empty() => controlled.clone(),
        () if searched == "commune" => "civil".to_owned(),
        () if searched == "structure" => "situation".to_owned(),
        () if !wanted.is_empty() => wanted,
        () => missing.first().or(asked.first()).map_or("", |section| section_code(*section)).to_owned(),
    };
    let mut points = points;
    if let Some(first) = missing.first().filter(|_| !request.parameter("manque").is_empty()) {
        let list = missing.iter().map(|section| section.label()).collect::<Vec<_>>().join(", ");
        let text = crate::french::typeset(&MessageCode::EReq03.fill(&[("liste", &list)]));
        points.push(OpenPoint { anchor: format!("section-{}", section_code(*first)), text, is_warning: false });
    }
    let mut sections = Vec::new();
    for section in RequestSection::ALL {
        let code = section_code(*section);
        if !asked.contains(section) && *section != RequestSection::Civil {
            continue;
        }
        let mut view = view_of(portal, by, sheet, *section, (asked.contains(section), day, &values)).await?;
        view.is_open = opened == code || asked.len() == 1;
        if view.is_form && controlled == code {
            let (found, alike) = by.findings(portal.registration(), &sheet.number, *section).await?;
            let mut all: Vec<FormField> = view.names.drain(..).chain(view.fields.drain(..)).collect();
            let names = all.iter().take_while(|field| field.id.ends_with("Exercice")).count();
            let found_points = remark(&mut all, &found, &sheet.acknowledged);
            if let Some(structure) = &mut view.structure {
                structure.remark(&found);
            }
            view.fields = all.split_off(names);
            view.names = all;
            if !found_points.is_empty() && sheet.open_sections.contains(section) {
                view.mark = "À corriger";
                view.mark_class = "wrong-mark";
            }
            points.extend(found_points);
            if let Some(alike) = &alike {
                view.alike = crate::french::typeset(alike.text().unwrap_or_default());
                view.alike_rpps = alike.rpps().unwrap_or_default().to_owned();
            }
        }
        if view.is_form && *section == RequestSection::Civil && searched == "commune" {
            propose_communes(&mut view, &sheet.civil.commune_naissance);
        }
        if searched == "structure"
            && let Some(structure) = &mut view.structure
        {
            let found = structure.search(portal, by, request).await?;
            points.extend(found);
        }
        sections.push(view);
    }
    let page = EntryPage {
        frame,
        heading: heading(sheet.kind).to_owned(),
        number: &sheet.number,
        status: crate::french::typeset(&sheet.state.label()),
        kind: sheet.kind.label(),
        base: by.base(),
        version: sheet.version,
        sections,
        points,
        missing: missing.iter().map(|section| section.label()).collect(),
        is_too_early: asked.len() > 1 && !missing.is_empty(),
        submit_words: match (sheet.state, by, sheet.kind) {
            (RequestState::S25, ..) => "Renvoyer la demande",
            (_, Filler::Manager(_), RequestKind::Modif | RequestKind::Fin) => "Valider",
            (_, Filler::Manager(_), _) => "Mise en instruction",
            (_, _, RequestKind::Coord) => "Enregistrer mes coordonnées",
            _ => "Envoyer ma demande",
        },
        asked: if sheet.state == RequestState::S25 { sheet.reasons.iter().rev().cloned().collect() } else { Vec::new() },
        can_abandon: matches!(sheet.state, RequestState::S10 | RequestState::S11),
        is_typing_error: (by.is_manager() && sheet.kind == RequestKind::Modif).then_some(sheet.typing_error),
    };
    let status =
        if page.points.iter().any(|point| !point.is_warning) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(answer::page(portal, request, status, &page))
}

async fn view_of(
    portal: &Portal,
    by: &Filler<'_>,
    sheet: &RequestSheet,
    section: RequestSection,
    (is_form, day, values): (bool, Day, &ValueSets<'static>),
) -> Result<FormSection, PortalFault> {
    let is_valid = !sheet.open_sections.contains(&section);
    let closes = sheet.kind == RequestKind::Fin;
    let mut view = FormSection {
        code: section_code(section),
        title: if section == RequestSection::Situation && closes { "Fermer la situation" } else { section.label() },
        mark: if is_valid { "Complète" } else { "À compléter" },
        mark_class: if is_valid { "done-mark" } else { "todo" },
        is_open: false,
        is_form,
        intro: String::new(),
        fields: Vec::new(),
        names: Vec::new(),
        structure: None,
        summary: Vec::new(),
        alike: String::new(),
        alike_rpps: String::new(),
        communes: Vec::new(),
        communes_told: String::new(),
    };
    match section {
        _ if !is_form => {
            view.mark = "";
            view.summary = match section {
                RequestSection::Civil => civil_summary(&sheet.civil, values),
                _ => contact_summary(&sheet.contact),
            };
        }
        RequestSection::Civil => {
            let told = matches!(by, Filler::Applicant(_));
            view.fields = civil_fields(&sheet.civil, told, values, day);
            if told {
                view.intro = "Ces informations proviennent de FranceConnect. Si elles sont fausses, faites-les corriger auprès de l’INSEE.".to_owned();
            }
        }
        RequestSection::Contact => {
            view.intro = format!(
                "Les informations suivantes seront utilisées afin d’activer votre e-CPS. Elles ne seront pas rendues publiques et leur \
                 diffusion sera réglementée par {}.",
                portal.settings.contact_law
            );
            view.fields = contact_fields(&sheet.contact, !by.is_manager());
        }
        RequestSection::Situation if closes => {
            view.intro =
                "À la date de fin, la situation disparaît de l’annuaire public, et les droits, boîtes aux lettres et cartes qui \
                          en dépendent s’arrêtent. Le professionnel garde son numéro RPPS."
                    .to_owned();
            view.fields = closing_fields(&sheet.closing, !by.is_manager(), values, day);
        }
        RequestSection::Situation => {
            let chosen = if sheet.situation.structure.trim().is_empty() {
                None
            } else {
                portal.registration().place_numbered(&sheet.situation.structure).await?
            };
            // A first registration that names no structure yet begins with the one that it was opened for.
            let chosen = chosen.or_else(|| sheet.place.clone());
            view.names = name_fields(&sheet.situation, &sheet.civil);
            view.fields = situation_fields(&sheet.situation, chosen.as_ref(), values, day);
            view.structure = Some(StructureChoice::new(chosen, by));
        }
    }
    Ok(view)
}

fn propose_communes(view: &mut FormSection, typed: &str) {
    let found = CommuneIndex::embedded().propose(typed);
    view.communes = found.list.iter().map(|commune| (commune.label(), commune.line())).collect();
    view.communes_told = match (view.communes.len(), found.more_text()) {
        (0, _) => {
            "Aucune commune ne correspond. Saisissez au moins deux lettres du nom, un code INSEE ou un code postal.".to_owned()
        }
        (_, Some(more)) => more,
        _ => String::new(),
    };
}

/// What a button asks for: `valider-civil`, `enregistrer`, `chercher-structure`.
pub(crate) struct AskedDeed<'a> {
    pub(crate) verb: &'a str,
    pub(crate) section: &'a str,
}

impl<'a> AskedDeed<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let (verb, section) = text.split_once('-').unwrap_or((text, ""));
        Self { verb, section }
    }
}

/// Whether a sheet holds a draft as it was posted.
fn holds(sheet: &RequestSheet, draft: &SectionDraft, day: Day) -> bool {
    match draft {
        SectionDraft::Civil(d) => {
            // Countries are shown by name and may be stored by code.
            let values = ValueSets::new(annuaire_nos::Nos::embedded());
            let code = |typed: &str| values.country(typed, day).map(str::to_owned);
            let is_same = code(&d.pays_naissance) == code(&sheet.civil.pays_naissance);
            let pays_naissance = if is_same { sheet.civil.pays_naissance.clone() } else { d.pays_naissance.clone() };
            CivilDraft { pays_naissance, ..d.clone() } == sheet.civil
        }
        SectionDraft::Contact(d) => *d == sheet.contact,
        SectionDraft::Situation(d) => *d == sheet.situation,
        SectionDraft::Closing(d) => *d == sheet.closing,
    }
}

/// Whether a draft is what an empty form sends: values that it shows before anything is typed.
fn is_untouched(sheet: &RequestSheet, draft: &SectionDraft) -> bool {
    match draft {
        SectionDraft::Civil(d) => {
            let mut blank = d.clone();
            blank.pays_naissance.clone_from(&sheet.civil.pays_naissance);
            blank == sheet.civil
        }
        SectionDraft::Contact(d) => *d == ContactDraft::default() && sheet.contact == ContactDraft::default(),
        SectionDraft::Situation(d) => {
            let typed = SituationDraft {
                nom_exercice: String::new(),
                prenom_exercice: String::new(),
                mode_exercice: String::new(),
                structure: String::new(),
                ..d.clone()
            };
            typed == SituationDraft::default() && sheet.situation == SituationDraft::default()
        }
        SectionDraft::Closing(d) => d.date_fin.is_empty() && sheet.closing == ClosingDraft::default(),
    }
}

/// Saves what a form holds and does what its button asks. Gives the address of the page to show.
pub(crate) async fn take(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    (number, form): (&str, &PostedForm),
) -> PageAnswer {
    let registration = portal.registration();
    let sheet = by.sheet(registration, number).await?;
    let day = paris_day(portal.now_ms());
    let asked = AskedDeed::of(form.get("faire"));
    let quiet = request.headers.get("accept").is_some_and(|accept| accept == "application/json");
    let mut version = form.version();
    let drafts = drafts_of(form);
    if version != sheet.version {
        // A double click, or « back » and again: what is stored is what was sent.
        let is_again = drafts.iter().all(|draft| holds(&sheet, draft, day) || is_untouched(&sheet, draft));
        if !is_again {
            return Ok(conflict(portal, request, frame, by, &sheet, form));
        }
        version = sheet.version;
    }
    let mut acknowledged = sheet.acknowledged.clone();
    acknowledged.extend(form.acknowledged());
    let submits = asked.verb == "soumettre";
    let mut unfinished = None;
    for draft in drafts {
        let section = draft.section();
        if !asked_sections(sheet.kind).contains(&section) {
            continue;
        }
        let is_kept = holds(&sheet, &draft, day);
        let validates = asked.verb == "valider" && section_code(section) == asked.section;
        if validates || (submits && (sheet.open_sections.contains(&section) || !is_kept)) {
            let outcome = match by.validate(registration, number, version, draft, &acknowledged).await {
                Ok(outcome) => outcome,
                Err(stop) => return lost_race(portal, request, frame, by, number, form, stop).await,
            };
            version = outcome.request.version;
            // Something may be told although the section is valid: an identity elsewhere.
            let is_told = validates && outcome.alike.as_ref().is_some_and(|alike| alike.text().is_some());
            if !outcome.valid || is_told {
                unfinished = unfinished.or(Some(section_code(section)));
            }
            continue;
        }
        if is_kept || is_untouched(&sheet, &draft) {
            continue;
        }
        match by.save(registration, number, version, draft).await {
            Ok(stepped) => version = stepped.version,
            Err(stop) => return lost_race(portal, request, frame, by, number, form, stop).await,
        }
    }
    if form.has("typage") && form.is_ticked("erreurDeSaisie") != sheet.typing_error {
        version = by.set_typing_error(registration, number, version, form.is_ticked("erreurDeSaisie")).await?.version;
    }
    if quiet {
        let text = format!("Enregistré à {}.", annuaire_workflow::day::paris_time(portal.now_ms()));
        return Ok(answer::json(&json!({ "version": version, "text": text })));
    }
    let base = format!("{}/{number}", by.base());
    if let Some(section) = unfinished {
        let missing = if submits { "&manque=oui" } else { "" };
        return Ok(answer::see_other(&format!("{base}?controle={section}{missing}")));
    }
    Ok(answer::see_other(&match (asked.verb, asked.section) {
        ("valider", _) => format!("{base}?fait=section"),
        ("chercher", "commune") => format!("{base}?chercher=commune#communeNaissance"),
        ("chercher", _) => format!("{base}?chercher=structure&{}#choix-structure", StructureChoice::query_of(form)),
        ("soumettre", _) if sheet.state == RequestState::S25 => {
            by.resubmit(registration, number).await?;
            format!("{base}/confirmation")
        }
        ("soumettre", _) if needs_legal(by, sheet.kind) => format!("{base}/soumettre"),
        ("soumettre", _) if needs_codes(by, &sheet) => format!("{base}/codes"),
        ("soumettre", _) => {
            by.submit(registration, number, LegalStatement::default()).await?;
            format!("{base}/confirmation")
        }
        ("enregistrer", section) if !section.is_empty() => format!("{base}?fait=enregistree&section={section}"),
        _ => format!("{base}?fait=enregistree"),
    }))
}

/// Whether the legal statement is part of the submission (transition 09).
fn needs_legal(by: &Filler<'_>, kind: RequestKind) -> bool {
    by.is_manager() && matches!(kind, RequestKind::Modif | RequestKind::Fin)
}

/// Whether the contact waits for the codes that prove it (transitions 07, 10).
fn needs_codes(by: &Filler<'_>, sheet: &RequestSheet) -> bool {
    !by.is_manager() && asked_sections(sheet.kind).contains(&RequestSection::Contact) && !sheet.contact_verified
}

/// Somebody else wrote between the reading of the sheet and the writing.
async fn lost_race(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    number: &str,
    form: &PostedForm,
    stop: RegistrationStop,
) -> PageAnswer {
    if stop.refusal().is_some_and(|refusal| refusal.code == MessageCode::EGen09) {
        let sheet = by.sheet(portal.registration(), number).await?;
        return Ok(conflict(portal, request, frame, by, &sheet, form));
    }
    Err(stop.into())
}

/// Two people on one request: both versions side by side, and neither is lost.
#[derive(Template)]
#[template(path = "conflict.html")]
struct ConflictPage<'a> {
    frame: &'a PortalFrame,
    text: String,
    number: &'a str,
    base: &'static str,
    version: u64,
    /// Label, what was typed, what is stored.
    lines: Vec<(&'static str, String, String)>,
    fields: Vec<(String, String)>,
}

fn conflict(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    sheet: &RequestSheet,
    form: &PostedForm,
) -> Response {
    let values = portal.values();
    let mut lines = Vec::new();
    let mut compare = |typed: SummaryLines, stored: SummaryLines| {
        for (label, value) in typed {
            let stored = stored.iter().find(|(known, _)| *known == label).map(|(_, value)| value.clone()).unwrap_or_default();
            if stored != value {
                lines.push((label, value, stored));
            }
        }
    };
    for draft in drafts_of(form) {
        match draft {
            SectionDraft::Civil(d) => compare(civil_summary(&d, &values), civil_summary(&sheet.civil, &values)),
            SectionDraft::Contact(d) => compare(contact_summary(&d), contact_summary(&sheet.contact)),
            SectionDraft::Situation(d) => compare(
                crate::sections::situation_summary(&d, None, &values),
                crate::sections::situation_summary(&sheet.situation, None, &values),
            ),
            SectionDraft::Closing(d) => {
                compare(crate::sections::closing_summary(&d, &values), crate::sections::closing_summary(&sheet.closing, &values))
            }
        }
    }
    let time = annuaire_workflow::day::paris_time(sheet.changed_ms);
    let page = ConflictPage {
        frame,
        text: crate::french::typeset(&fill(MessageCode::EGen09.template(), &[("heure", &time)])),
        number: &sheet.number,
        base: by.base(),
        version: sheet.version,
        lines,
        fields: form.fields().filter(|(name, _)| name != "version").cloned().collect(),
    };
    answer::page(portal, request, StatusCode::CONFLICT, &page)
}
