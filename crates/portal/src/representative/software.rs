//! « Logiciels »: the software of an employer that uses the interface (registration §2.6, §17.3), as a representative or mandataire registers it,
//! renews its secret and revokes it.
//!
//! A secret is on one page, the answer to the form that made it; nothing that is kept can show it again. The form that registers a software is
//! harmless when it is sent twice: the name is taken by then.

use crate::answer;
use crate::console::purpose::{missing, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::representative::structures::{HABILITATIONS, represented};
use crate::who::RepresentativeVisit;
use annuaire_registry::{AuthoritySheet, ListedSoftware, RegistrationStop, limits, target_text};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::habilitation::HabilitationState;
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Path of the interface for software, below the origin of the portal.
const INTERFACE: &str = "/portail/api/v1";

/// A software in the table.
struct SoftwareLine {
    client: String,
    name: String,
    manager: String,
    validates: &'static str,
    from: String,
    renewed: String,
    state: &'static str,
    state_class: &'static str,
    /// Whether it was not revoked.
    stands: bool,
}

/// The software of a structure.
#[derive(Template)]
#[template(path = "representative/software.html")]
struct SoftwarePage<'a> {
    frame: &'a PortalFrame,
    target: String,
    place: String,
    lines: Vec<SoftwareLine>,
    fields: Vec<FormField>,
    /// Whether somebody can answer for a software.
    has_managers: bool,
    api: String,
    points: Vec<OpenPoint>,
}

/// A secret, told once.
#[derive(Template)]
#[template(path = "representative/software_secret.html")]
struct SoftwareSecretPage<'a> {
    frame: &'a PortalFrame,
    title: &'static str,
    target: String,
    place: String,
    name: String,
    client: String,
    secret: &'a str,
    api: String,
}

/// The page that asks before a secret is renewed or a software revoked.
#[derive(Template)]
#[template(path = "representative/software_deed.html")]
struct SoftwareDeedPage<'a> {
    frame: &'a PortalFrame,
    deed: SoftwareDeed,
    target: String,
    text: String,
}

/// What is done with a registered software.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SoftwareDeed {
    Renewal,
    Revocation,
}

impl SoftwareDeed {
    /// By the end of its address.
    fn of(word: &str) -> Result<Self, PortalFault> {
        match word {
            "secret" => Ok(Self::Renewal),
            "revocation" => Ok(Self::Revocation),
            _ => Err(PortalFault::Nothing),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Renewal => "Renouveler le secret d’un logiciel",
            Self::Revocation => "Révoquer un logiciel",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Renewal => "Renouveler le secret",
            Self::Revocation => "Révoquer le logiciel",
        }
    }

    fn question(self, name: &str) -> String {
        typeset(&match self {
            Self::Renewal => format!(
                "Donner un nouveau secret à {name} ? L'ancien secret et les jetons en cours ne sont plus acceptés, dès maintenant. Le \
                 logiciel s'arrête jusqu'à ce que le nouveau secret y soit saisi."
            ),
            Self::Revocation => format!(
                "Révoquer {name} ? Son secret et ses jetons ne sont plus acceptés, dès maintenant. Les demandes qu'il a préparées restent. \
                 Cette action est définitive."
            ),
        })
    }
}

fn day(iso: Option<&str>) -> String {
    iso.and_then(parse_iso).map(french).unwrap_or_default()
}

fn line(sheet: &AuthoritySheet, software: ListedSoftware) -> SoftwareLine {
    let (state, state_class) = match (&software.ended_on, software.is_active) {
        (Some(_), _) => ("Révoqué", ""),
        (None, true) => ("Actif", "good"),
        (None, false) => ("Sans gestionnaire habilité", "bad"),
    };
    let manager = sheet.managers.iter().find(|manager| manager.manager == software.manager);
    SoftwareLine {
        manager: manager.map_or_else(|| software.manager.clone(), |manager| manager.name.clone()),
        validates: if software.may_validate { "oui" } else { "non" },
        from: day(Some(&software.from)),
        renewed: day(software.renewed_on.as_deref()),
        state,
        state_class,
        stands: software.ended_on.is_none(),
        name: software.name,
        client: software.client,
    }
}

/// The fields of a new software: name, manager, option.
fn fields_of(sheet: &AuthoritySheet, form: Option<&PostedForm>) -> Vec<FormField> {
    let typed = |name: &str| form.map(|form| form.text(name)).unwrap_or_default();
    let active = sheet.managers.iter().filter(|manager| manager.state == HabilitationState::Active);
    let managers = active.map(|manager| FieldChoice::new(&manager.manager, &manager.name)).collect();
    let may_validate = form.is_some_and(|form| form.is_ticked("validation"));
    vec![
        FormField::text("nom", "Nom du logiciel", &typed("nom"), limits::SOFTWARE_NAME_CHARS)
            .mandatory()
            .hinted("Tel que vos équipes l'appellent"),
        FormField::select("gestionnaire", "Gestionnaire qui en répond", &typed("gestionnaire"), managers)
            .mandatory()
            .hinted("Le logiciel agit dans les limites de son habilitation, et s'arrête avec elle."),
        FormField::check("validation", "Autoriser ce logiciel à valider les demandes", may_validate).hinted(
            "Sans cette option, un gestionnaire valide chaque demande dans le portail. Une demande avec un avertissement est toujours \
             validée par une personne.",
        ),
    ]
}

fn api(visit: &RepresentativeVisit) -> String {
    format!("{}{INTERFACE}", visit.portal.origin())
}

fn place(sheet: &AuthoritySheet) -> String {
    format!("{} - {}", sheet.number, sheet.name)
}

async fn show(visit: &RepresentativeVisit, sheet: &AuthoritySheet, fields: Vec<FormField>, points: Vec<OpenPoint>) -> PageAnswer {
    let all = visit.portal.registration().software_of(&visit.session, &sheet.target).await?;
    let mut lines: Vec<SoftwareLine> = all.into_iter().map(|software| line(sheet, software)).collect();
    lines.sort_by(|one, other| (!one.stands, &one.name, &one.client).cmp(&(!other.stands, &other.name, &other.client)));
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SoftwarePage {
        frame: &visit.frame,
        target: target_text(&sheet.target),
        place: place(sheet),
        lines,
        fields,
        has_managers: sheet.managers.iter().any(|manager| manager.state == HabilitationState::Active),
        api: api(visit),
        points,
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/habilitations/{cible}/logiciels`
pub(crate) async fn page(visit: RepresentativeVisit, Path(target): Path<String>) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    show(&visit, &sheet, fields_of(&sheet, None), Vec::new()).await
}

/// The field that a refusal is about.
fn field_of(code: MessageCode) -> Option<usize> {
    match code {
        MessageCode::EGen03 | MessageCode::EHab09 | MessageCode::EHab10 => Some(0),
        MessageCode::EGen02 => Some(1),
        _ => None,
    }
}

/// `POST /portail/habilitations/{cible}/logiciels`: registers a software, and tells its secret.
pub(crate) async fn add(visit: RepresentativeVisit, Path(target): Path<String>, form: PostedForm) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    let mut fields = fields_of(&sheet, Some(&form));
    let points: Vec<OpenPoint> =
        fields.iter_mut().filter(|field| field.is_mandatory && field.value.trim().is_empty()).map(missing).collect();
    if !points.is_empty() {
        return show(&visit, &sheet, fields, points).await;
    }
    let (name, manager, may_validate) = (form.get("nom").trim(), form.get("gestionnaire"), form.is_ticked("validation"));
    let registration = visit.portal.registration();
    match registration.add_software(&visit.session, &sheet.target, name, manager, may_validate).await {
        Ok((client, secret)) => tell(&visit, &sheet, "Logiciel enregistré", (name, &client, secret.expose())),
        Err(RegistrationStop::Refused(refused)) => match field_of(refused.code).and_then(|at| fields.get_mut(at)) {
            Some(field) => {
                field.tell(refused.code.as_str(), &refused.text);
                let points = vec![refused_at(&field.anchor(), &refused)];
                show(&visit, &sheet, fields, points).await
            }
            None => Err(PortalFault::Refused(refused)),
        },
        Err(stop) => Err(stop.into()),
    }
}

/// The one page with a secret: name of the software, identifier, secret.
fn tell(
    visit: &RepresentativeVisit,
    sheet: &AuthoritySheet,
    title: &'static str,
    (name, client, secret): (&str, &str, &str),
) -> PageAnswer {
    let page = SoftwareSecretPage {
        frame: &visit.frame,
        title,
        target: target_text(&sheet.target),
        place: place(sheet),
        name: name.to_owned(),
        client: client.to_owned(),
        secret,
        api: api(visit),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// The software of an address, if it belongs to the structure and was not revoked.
async fn standing(visit: &RepresentativeVisit, sheet: &AuthoritySheet, client: &str) -> Result<ListedSoftware, PortalFault> {
    let all = visit.portal.registration().software_of(&visit.session, &sheet.target).await?;
    all.into_iter().find(|software| software.client == client && software.ended_on.is_none()).ok_or(PortalFault::Nothing)
}

/// `GET /portail/habilitations/{cible}/logiciels/{logiciel}/{acte}`
pub(crate) async fn before_deed(
    visit: RepresentativeVisit,
    Path((target, client, word)): Path<(String, String, String)>,
) -> PageAnswer {
    let deed = SoftwareDeed::of(&word)?;
    let sheet = represented(&visit, &target).await?;
    let software = standing(&visit, &sheet, &client).await?;
    let page =
        SoftwareDeedPage { frame: &visit.frame, deed, target: target_text(&sheet.target), text: deed.question(&software.name) };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/habilitations/{cible}/logiciels/{logiciel}/{acte}`
pub(crate) async fn deed(
    visit: RepresentativeVisit,
    Path((target, client, word)): Path<(String, String, String)>,
    _form: PostedForm,
) -> PageAnswer {
    let deed = SoftwareDeed::of(&word)?;
    let sheet = represented(&visit, &target).await?;
    let software = standing(&visit, &sheet, &client).await?;
    let registration = visit.portal.registration();
    match deed {
        SoftwareDeed::Renewal => {
            let secret = registration.renew_software(&visit.session, &sheet.target, &client).await?;
            tell(&visit, &sheet, "Nouveau secret", (&software.name, &client, secret.expose()))
        }
        SoftwareDeed::Revocation => {
            registration.revoke_software(&visit.session, &sheet.target, &client).await?;
            let target = target_text(&sheet.target);
            Ok(answer::see_other(&format!("{HABILITATIONS}/{target}/logiciels?fait=logicielrevoque")))
        }
    }
}
