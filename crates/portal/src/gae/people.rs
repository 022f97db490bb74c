//! « Modifier un enregistrement » (SC30), the sheet of a person (SC31), and the requests that begin there (SC32–SC34).

use crate::answer;
use crate::console::stated::certification_since;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint, remark};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::sections::civil_fields;
use crate::who::ManagerVisit;
use annuaire_registry::{FoundPerson, PersonQuery, PersonSearch, RegisteredPlace, RegistrationSubject, SectionDraft};
use annuaire_workflow::day::{french, paris_day, paris_time, parse_iso};
use annuaire_workflow::fields::CivilDraft;
use annuaire_workflow::value_sets::ValueList;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// SC30.
#[derive(Template)]
#[template(path = "gae/people.html")]
struct PeopleSearchPage<'a> {
    frame: &'a PortalFrame,
    number: FormField,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
    told: String,
}

/// A situation of the sheet.
struct SituationLine {
    id: String,
    place: String,
    number: String,
    profession: String,
    role: String,
    mode: String,
    from: String,
    until: String,
    state: &'static str,
    is_open: bool,
}

/// SC31.
#[derive(Template)]
#[template(path = "gae/person.html")]
struct PersonPage<'a> {
    frame: &'a PortalFrame,
    person: FoundPerson,
    professions: String,
    identity: Vec<(&'static str, String)>,
    situations: Vec<SituationLine>,
    /// Structures for which another situation can be begun.
    places: Vec<RegisteredPlace>,
    key: String,
}

fn identity_fields(draft: &CivilDraft, visit: &ManagerVisit) -> Vec<FormField> {
    let day = paris_day(visit.portal.now_ms());
    let asked =
        ["civilite", "sexe", "nomFamille", "prenom1", "dateNaissance", "paysNaissance", "communeNaissance", "villeNaissanceEtr"];
    let all = civil_fields(draft, false, &visit.portal.values(), day);
    all.into_iter().filter(|field| asked.contains(&field.id)).collect()
}

fn number_field(typed: &str) -> FormField {
    FormField::text("rpps", "Numéro RPPS", typed, 20).numeric().hinted("11 chiffres")
}

/// `GET /portail/gae/enregistrements`
pub(crate) async fn search_page(visit: ManagerVisit) -> PageAnswer {
    let fields = identity_fields(&CivilDraft::default(), &visit);
    let page =
        PeopleSearchPage { frame: &visit.frame, number: number_field(""), fields, points: Vec::new(), told: String::new() };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/enregistrements`: by number or by identity. Traits are in no address.
pub(crate) async fn search(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let typed = form.text("rpps");
    let by_number = form.get("faire") == "numero";
    let mut draft = CivilDraft::default();
    let query = if by_number {
        PersonQuery::Number(typed.clone())
    } else {
        if let Some(SectionDraft::Civil(civil)) = crate::sections::drafts_of(&form).into_iter().next() {
            draft = civil;
        }
        PersonQuery::Identity(Box::new(draft.clone()))
    };
    let mut fields = identity_fields(&draft, &visit);
    let mut number = number_field(&typed);
    let mut points = Vec::new();
    let told = match registration.find_person(&visit.session, &query).await? {
        PersonSearch::Found(person) => {
            return Ok(answer::see_other(&format!("/portail/gae/enregistrements/{}", person.rpps)));
        }
        PersonSearch::Nobody => {
            "Aucun professionnel ne correspond. Vérifiez les informations ou ajoutez un enregistrement.".to_owned()
        }
        PersonSearch::LockedUntil(at) => {
            typeset(&format!("Trop de recherches sans résultat : vous pourrez chercher de nouveau à {}.", paris_time(at)))
        }
        PersonSearch::Incomplete(findings) => {
            points = remark(&mut fields, &findings, &[]);
            points.retain(|point| !point.is_warning);
            String::new()
        }
    };
    if by_number && typed.is_empty() {
        number = number.mandatory();
    }
    let page = PeopleSearchPage { frame: &visit.frame, number, fields, points, told };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/gae/enregistrements/{rpps}`
pub(crate) async fn person(visit: ManagerVisit, Path(rpps): Path<String>) -> PageAnswer {
    let registration = visit.portal.registration();
    let PersonSearch::Found(person) = registration.find_person(&visit.session, &PersonQuery::Number(rpps)).await? else {
        return Err(PortalFault::told(
            StatusCode::NOT_FOUND,
            "Aucun professionnel ne correspond",
            "Vérifiez le numéro RPPS, ou ajoutez un enregistrement.",
        ));
    };
    let values = visit.portal.values();
    let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
    let date = |iso: &str| parse_iso(iso).map(french).unwrap_or_default();
    let mut identity = Vec::new();
    let mut situations = Vec::new();
    if let Some(inside) = &person.inside {
        let c = &inside.civil;
        identity = vec![
            ("Nom de famille", c.nom_famille.clone()),
            ("Prénoms", c.prenoms.join(", ")),
            ("Sexe", word(ValueList::Sex, &c.sexe_administratif)),
            ("Date de naissance", date(&c.date_naissance)),
            ("Lieu de naissance", c.lieu_naissance.clone()),
            ("État civil", certification_since(c)),
            ("Adresse email", inside.mail.clone()),
            ("Téléphone mobile", inside.mobile.clone()),
        ];
        identity.retain(|(_, value)| !value.is_empty());
        let today = paris_day(visit.portal.now_ms());
        for s in &inside.situations {
            let place = registration.place(&s.structure).await?;
            let until = parse_iso(&s.date_fin);
            let (state, is_open) = match (parse_iso(&s.date_debut), until) {
                (Some(from), _) if from > today => ("Planifiée", true),
                (_, Some(until)) if until < today => ("Terminée", false),
                _ => ("Active", true),
            };
            situations.push(SituationLine {
                id: s.id_situation_exercice.clone(),
                number: place.as_ref().map(|place| place.number.clone()).unwrap_or_default(),
                place: place.map(|place| format!("{} - {}", place.number, place.name)).unwrap_or_default(),
                profession: word(ValueList::Profession, &s.role),
                role: word(ValueList::Role, &s.genre_activite),
                mode: word(ValueList::Mode, &s.mode_exercice),
                from: date(&s.date_debut),
                until: date(&s.date_fin),
                state,
                is_open,
            });
        }
    }
    let professions = person.professions.iter().map(|code| visit.portal.profession(code)).collect::<Vec<_>>().join(", ");
    let places = registration.perimeter_places(&visit.session).await?;
    let key = visit.portal.key();
    let page = PersonPage { frame: &visit.frame, person: *person, professions, identity, situations, places, key };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/enregistrements/{rpps}/demande`: begins what the button says.
pub(crate) async fn begin(visit: ManagerVisit, Path(rpps): Path<String>, form: PostedForm) -> PageAnswer {
    let situation = form.text("situation");
    let subject = match form.get("faire") {
        "ajouter" => RegistrationSubject::NewActivity { rpps },
        "modifier" => RegistrationSubject::Situation { rpps, situation, ends: false },
        "fermer" => RegistrationSubject::Situation { rpps, situation, ends: true },
        "civil" => RegistrationSubject::CivilStatus { rpps },
        _ => return Err(PortalFault::Unreadable),
    };
    let registration = visit.portal.registration();
    let stepped = registration.create_request_once(&visit.session, form.get("cle"), form.get("structure"), &subject).await?;
    Ok(answer::see_other(&format!("/portail/gae/demandes/{}", stepped.number)))
}
