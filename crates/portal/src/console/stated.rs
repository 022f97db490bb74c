//! What authorities state of a person, as consoles show it.

use crate::console::home::authority_name;
use crate::door::Portal;
use annuaire_registry::{OwnExercise, OwnSituation};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::value_sets::ValueList;

/// A practice.
pub(crate) struct StatedExerciseLine {
    pub(crate) profession: String,
    pub(crate) name: String,
    pub(crate) authority: String,
}

/// A situation.
pub(crate) struct StatedSituationLine {
    pub(crate) place: String,
    pub(crate) profession: String,
    pub(crate) role: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) state: &'static str,
    pub(crate) state_class: &'static str,
    pub(crate) authority: String,
    /// Whether another authority than the reader states it; of a reader who is none, false.
    pub(crate) by_others: bool,
}

/// What a page shows of a person.
pub(crate) struct StatedView {
    pub(crate) exercises: Vec<StatedExerciseLine>,
    pub(crate) situations: Vec<StatedSituationLine>,
}

fn day(iso: &str) -> String {
    parse_iso(iso).map(french).unwrap_or_default()
}

/// A certification (J111) in words.
pub(crate) fn certification(code: &str) -> &'static str {
    match code {
        "C" => "certifié par l’INSEE",
        "FC" => "certifié par FranceConnect",
        "FCP" => "certifié par FranceConnect+",
        "DI" | "AC" => "en cours de vérification auprès de l’INSEE",
        "NC" => "non certifiable",
        "NCI" => "immatriculation en cours à l’INSEE",
        "AN" => "vérification annulée",
        _ => "tenu par l’autorité d’enregistrement",
    }
}

/// A certification in words, with the day since which it stands.
pub(crate) fn certification_since(civil: &annuaire_mos::EtatCivil) -> String {
    let words = certification(&civil.statut);
    match parse_iso(&civil.date_effet) {
        Some(since) => format!("{words} depuis le {}", french(since)),
        None => words.to_owned(),
    }
}

/// Makes it; `reader`: the authority that reads, empty for anybody else.
pub(crate) fn stated_view(
    portal: &Portal,
    exercises: Vec<OwnExercise>,
    situations: Vec<OwnSituation>,
    reader: &str,
) -> StatedView {
    let values = portal.values();
    let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
    let profession =
        |by_role: bool, code: &str| if by_role { word(ValueList::Profession, code) } else { portal.profession(code) };
    let situation = |s: OwnSituation| {
        let (state, state_class) = match s.state {
            SituationState::Planned => ("Planifiée", ""),
            SituationState::Active => ("Active", "good"),
            SituationState::Ended => ("Terminée", ""),
            SituationState::Cancelled => ("Annulée", "bad"),
            SituationState::Suspended => ("Suspendue", "act"),
        };
        StatedSituationLine {
            place: s.structure.map(|place| format!("{} - {}", place.number, place.name)).unwrap_or_default(),
            profession: profession(s.by_role, &s.profession),
            role: word(ValueList::Role, &s.role),
            from: day(&s.from),
            until: day(&s.until),
            state,
            state_class,
            by_others: !reader.is_empty() && s.authority != reader,
            authority: authority_name(&s.authority),
        }
    };
    let exercise = |e: OwnExercise| StatedExerciseLine {
        profession: portal.profession(&e.profession),
        name: format!("{} {}", e.given_name, e.name).trim().to_owned(),
        authority: authority_name(&e.authority),
    };
    StatedView {
        exercises: exercises.into_iter().map(exercise).collect(),
        situations: situations.into_iter().map(situation).collect(),
    }
}
