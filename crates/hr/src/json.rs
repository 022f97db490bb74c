//! What is answered, as JSON. Instants are ISO 8601 in UTC, days ISO; labels stand beside codes.

use annuaire_base::date::iso_ms;
use annuaire_registry::{
    FoundPerson, ListedLot, ListedRequest, LotFault, LotOutcome, LotPhase, LotSheet, RegisteredPlace, RequestSheet, StaffLine,
    StateEvent, SteppedRequest, origin_code, section_code,
};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::state::{Blocked, RequestState};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Adds the version of a request.
pub(crate) fn with_version(mut response: Response, version: u64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Adds the address of what was made.
pub(crate) fn with_location(mut response: Response, address: &str) -> Response {
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

fn blocked(why: Option<Blocked>) -> Value {
    why.map_or(Value::Null, |why| json!({"code": why.key(), "libelle": why.plain()}))
}

fn state(state: RequestState) -> Value {
    json!({"code": state.key(), "libelle": state.statut()})
}

/// Where a request is after a step.
pub(crate) fn stepped(at: &SteppedRequest) -> Value {
    json!({"numero": at.number, "etat": state(at.state), "version": at.version})
}

/// A line of the list.
pub(crate) fn listed(line: &ListedRequest) -> Value {
    json!({
        "numero": line.number,
        "modifieeLe": iso_ms(line.changed_ms),
        "nom": line.name,
        "etablissement": line.place,
        "role": line.role,
        "type": line.kind.code(),
        "etat": state(line.state),
        "origine": origin_code(line.origin),
        "blocage": blocked(line.blocked),
        "version": line.version,
    })
}

/// A structure.
pub(crate) fn place(place: &RegisteredPlace) -> Value {
    json!({
        "numero": place.number,
        "finess": place.facts.finess,
        "siret": place.facts.siret,
        "entiteJuridique": place.facts.legal_entity,
        "nom": place.name,
        "categorie": place.category,
        "adresse": place.address,
    })
}

/// A request as its form shows it.
pub(crate) fn sheet(sheet: &RequestSheet) -> Value {
    let (civil, contact, situation, closing) = (&sheet.civil, &sheet.contact, &sheet.situation, &sheet.closing);
    json!({
        "numero": sheet.number,
        "type": sheet.kind.code(),
        "origine": origin_code(sheet.origin),
        "etat": state(sheet.state),
        "blocage": blocked(sheet.blocked),
        "version": sheet.version,
        "modifieeLe": iso_ms(sheet.changed_ms),
        "structure": sheet.place.as_ref().map(place),
        "rpps": sheet.rpps,
        "sectionsAValider": sheet.open_sections.iter().map(|section| section_code(*section)).collect::<Vec<_>>(),
        "avertissementsAcquittes": sheet.acknowledged.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "motifs": sheet.reasons,
        "contactVerifie": sheet.contact_verified,
        "etapes": sheet.steps.iter().map(|(at, to)| json!({"date": iso_ms(*at), "etat": to.key()})).collect::<Vec<_>>(),
        "civil": {
            "civilite": civil.civilite,
            "sexe": civil.sexe,
            "nomFamille": civil.nom_famille,
            "nomUsage": civil.nom_usage,
            "prenom1": civil.prenom1,
            "prenom2": civil.prenom2,
            "prenom3": civil.prenom3,
            "prenoms4plus": civil.prenoms4plus,
            "dateNaissance": civil.date_naissance,
            "dateIncomplete": civil.date_incomplete,
            "paysNaissance": civil.pays_naissance,
            "communeNaissance": civil.commune_naissance,
            "villeNaissanceEtr": civil.ville_naissance_etr,
        },
        "contact": {"email": contact.email, "mobile": contact.mobile, "sansMobile": contact.sans_mobile},
        "situation": {
            "nomExercice": situation.nom_exercice,
            "prenomExercice": situation.prenom_exercice,
            "structure": situation.structure,
            "profession": situation.profession,
            "role": situation.role,
            "modeExercice": situation.mode_exercice,
            "dateDebut": situation.date_debut,
            "dateFin": situation.date_fin,
            "categorie": situation.categorie,
            "service": situation.service,
            "critere": situation.critere,
            "verifie": situation.verifie,
            "dateVerification": situation.date_verification,
        },
        "fermeture": {"dateFin": closing.date_fin, "motif": closing.motif},
    })
}

/// A change of a request.
pub(crate) fn event(event: &StateEvent) -> Value {
    json!({
        "date": iso_ms(event.at_ms),
        "numero": event.number,
        "type": event.kind.code(),
        "origine": origin_code(event.origin),
        "etat": state(event.state),
        "blocage": blocked(event.blocked),
        "version": event.version,
        "structure": event.structure,
        "rpps": event.rpps,
    })
}

/// A situation of somebody of the staff.
pub(crate) fn staff(line: &StaffLine) -> Value {
    json!({
        "situation": line.situation,
        "rpps": line.rpps,
        "nom": line.name,
        "profession": line.profession,
        "role": line.role,
        "modeExercice": line.mode,
        "dateDebut": line.from,
        "dateFin": line.until,
        "planifiee": line.planned,
        "nonConfirme": line.unconfirmed,
        "identiteCertifiee": line.certified,
        "aideADomicileJusquau": line.home_help_until,
        "propre": line.own,
    })
}

/// A person of the perimeter; `None` for anybody else.
pub(crate) fn person(found: &FoundPerson) -> Option<Value> {
    let inside = found.inside.as_ref()?;
    let civil = &inside.civil;
    let situations = inside.situations.iter().map(|s| {
        json!({
            "situation": s.id_situation_exercice,
            "structure": s.structure.get(1..).unwrap_or_default(),
            "profession": s.role,
            "role": s.genre_activite,
            "modeExercice": s.mode_exercice,
            "dateDebut": s.date_debut,
            "dateFin": s.date_fin,
        })
    });
    Some(json!({
        "rpps": found.rpps,
        "nomExercice": found.name,
        "professions": found.professions,
        "civil": {
            "sexe": civil.sexe_administratif,
            "nomFamille": civil.nom_famille,
            "prenoms": civil.prenoms,
            "dateNaissance": civil.date_naissance,
            "paysNaissance": civil.pays_naissance,
            "communeNaissance": civil.commune_naissance,
        },
        "contact": {"email": inside.mail, "mobile": inside.mobile},
        "situations": situations.collect::<Vec<_>>(),
    }))
}

const fn phase(phase: LotPhase) -> &'static str {
    match phase {
        LotPhase::Checked => "CONTROLE",
        LotPhase::Filing => "EN_COURS",
        LotPhase::Filed => "MIS_EN_INSTRUCTION",
        LotPhase::Validating => "VALIDATION_EN_COURS",
        LotPhase::Validated => "VALIDE",
    }
}

/// A list without its lines.
pub(crate) fn lot(lot: &ListedLot) -> Value {
    json!({
        "id": lot.id,
        "nom": lot.name,
        "envoyeLe": iso_ms(lot.begun_ms),
        "effaceLe": iso_ms(lot.ends_ms),
        "phase": phase(lot.phase),
        "lignes": lot.lines,
        "pretes": lot.ready,
        "avecAvertissement": lot.warned,
        "enErreur": lot.faulty,
        "avancement": {"fait": lot.steps_done, "total": lot.steps},
    })
}

/// A list with its lines.
pub(crate) fn lot_sheet(sheet: &LotSheet) -> Value {
    let outcome = |outcome: LotOutcome| match outcome {
        LotOutcome::Created => "CREEE",
        LotOutcome::Updated => "MISE_A_JOUR",
        LotOutcome::Unchanged => "DEJA_TRANSMISE",
        LotOutcome::Refused => "REFUSEE",
    };
    let lines = sheet.lines.iter().map(|line| {
        let found = line.line.findings.iter().map(|found| crate::problem::remark(&found.column, &found.code, &found.text));
        json!({
            "ligne": line.line.line,
            "refExterne": line.line.cell(annuaire_workflow::bulk::BulkColumn::Reference),
            "etat": line.state_label(),
            "resultat": line.outcome.map(outcome),
            "demande": line.number,
            "refus": line.refused.map(MessageCode::as_str),
            "semblable": line.line.alike,
            "constats": found.collect::<Vec<_>>(),
        })
    });
    let mut value = lot(&sheet.lot);
    if let Some(members) = value.as_object_mut() {
        members.insert("detail".to_owned(), Value::Array(lines.collect()));
    }
    value
}

/// What is wrong with a file as a whole.
pub(crate) fn fault(fault: &LotFault) -> Value {
    let column = fault.place.map(|place| format!("colonne {}", place + 1)).unwrap_or_default();
    crate::problem::remark(&column, crate::problem::CallFault::File.code(), &fault.text)
}
