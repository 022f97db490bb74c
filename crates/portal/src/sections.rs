//! The three sections of a request as fields of a form, and back (registration §4.5). Labels are those of the reference.

use crate::field::{FieldChoice, FieldControl, FormField};
use crate::form::PostedForm;
use annuaire_registry::{RegisteredPlace, SectionDraft};
use annuaire_workflow::day::Day;
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft, END_BY_DEATH, FIELDS_OF_FRANCE_CONNECT, SituationDraft};
use annuaire_workflow::limits::{EMAIL_MAX, NAME_MAX, SERVICE_MAX};
use annuaire_workflow::value_sets::{ValueList, ValueSets, needs_attestation};

/// What a role opens, in plain words (registration §3.2: the choice is the authority's).
const ROLE_MEANING: [(&str, &str); 8] = [
    ("GENR01", "Prodigue ou participe aux soins : ouvre les documents de soin que le patient n’a pas masqués."),
    ("GENR08", "Coordonne les parcours : c’est l’accès le plus large aux documents du médico-social."),
    ("GENR09", "Gère l’administration de l’accompagnement : ouvre les documents administratifs et sociaux."),
    ("GENR10", "Accompagne la vie quotidienne, sociale ou éducative : ouvre les documents d’accompagnement."),
    ("GENR11", "Aide aux soins dans l’accompagnement : ouvre les documents d’accompagnement et de soin utiles."),
    ("GENR12", "Encadre des équipes d’accompagnement : ouvre les documents d’organisation de l’accompagnement."),
    ("GENR13", "Secrétariat et organisation médicale : ouvre les documents nécessaires à l’accueil et au dossier."),
    ("GENR99", "Aucun des autres rôles : n’ouvre pas de document par lui-même."),
];

/// Values of a list that can be chosen on a day; the present one is kept, although it may be closed.
pub(crate) fn choices(values: &ValueSets<'static>, list: ValueList, day: Day, present: &str) -> Vec<FieldChoice> {
    let mut all: Vec<FieldChoice> =
        values.values(list, day).into_iter().map(|concept| FieldChoice::new(&concept.code, &concept.label)).collect();
    if !present.is_empty() && !all.iter().any(|choice| choice.value == present) {
        all.push(FieldChoice::new(present, values.label(list, present).unwrap_or(present)));
    }
    all
}

/// Names of countries, for the proposals of the browser.
fn countries(values: &ValueSets<'static>, day: Day) -> Vec<FieldChoice> {
    let open = values.values(ValueList::Country, day);
    let mut names: Vec<FieldChoice> = open
        .into_iter()
        .map(|concept| values.country_name(&concept.code).unwrap_or(&concept.label))
        .map(|name| FieldChoice::new(name, name))
        .collect();
    names.sort_by(|a, b| a.value.cmp(&b.value));
    names
}

/// « Etat civil ». What FranceConnect told is read-only.
pub(crate) fn civil_fields(draft: &CivilDraft, told: bool, values: &ValueSets<'static>, day: Day) -> Vec<FormField> {
    let sexes = vec![FieldChoice::new("F", "Féminin"), FieldChoice::new("M", "Masculin")];
    let civilities = vec![FieldChoice::new("M", "Monsieur"), FieldChoice::new("MME", "Madame")];
    let country = match draft.pays_naissance.trim() {
        "" => "France".to_owned(),
        typed => values.country_name(typed).unwrap_or(typed).to_owned(),
    };
    let proposed = FieldControl::Proposed { max: 120, source: "/portail/communes" };
    let listed = FieldControl::Listed { max: 120, choices: countries(values, day) };
    let mut fields = vec![
        FormField::radio("civilite", "Civilité", &draft.civilite, civilities).mandatory(),
        FormField::radio("sexe", "Sexe", &draft.sexe, sexes).mandatory(),
        FormField::text("nomFamille", "Nom de famille", &draft.nom_famille, NAME_MAX).mandatory(),
        FormField::text("nomUsage", "Nom d’usage", &draft.nom_usage, NAME_MAX),
        FormField::text("prenom1", "Prénom", &draft.prenom1, NAME_MAX).mandatory().hinted("Premier prénom de l’état civil"),
        FormField::text("prenom2", "Deuxième prénom", &draft.prenom2, NAME_MAX),
        FormField::text("prenom3", "Troisième prénom", &draft.prenom3, NAME_MAX),
        FormField::text("prenoms4plus", "Autres prénoms", &draft.prenoms4plus, 200).hinted("Séparés par des espaces"),
        FormField::day("dateNaissance", "Date de naissance", &draft.date_naissance).mandatory(),
        FormField::check("dateIncomplete", "Date de naissance incomplète", draft.date_incomplete)
            .hinted("Pour un jour ou un mois inconnu de l’état civil : 00/05/1991, 05/1991 ou 1991"),
        FormField::controlled("paysNaissance", "Pays de naissance", &country, listed).mandatory(),
        FormField::controlled("communeNaissance", "Commune de naissance", &draft.commune_naissance, proposed)
            .hinted("Pour une naissance en France. Nom, code INSEE ou code postal"),
        FormField::text("villeNaissanceEtr", "Ville de naissance (étranger)", &draft.ville_naissance_etr, NAME_MAX)
            .hinted("Pour une naissance à l’étranger"),
    ];
    if told {
        let is_told = |field: &FormField| FIELDS_OF_FRANCE_CONNECT.contains(&field.id) && !field.value.is_empty();
        for field in &mut fields {
            field.is_read_only = is_told(field);
        }
    }
    fields
}

/// « Données de contact ».
pub(crate) fn contact_fields(draft: &ContactDraft, is_own: bool) -> Vec<FormField> {
    let own = |token: &'static str| if is_own { token } else { "off" };
    vec![
        FormField::text("email", "Adresse email", &draft.email, EMAIL_MAX)
            .mandatory()
            .reached("email")
            .filled_by_browser(own("email"))
            .hinted(
                "De préférence personnelle : elle suit le professionnel toute sa vie, et il peut la changer à tout moment sans \
                 son employeur. Une adresse de travail s’arrête avec le contrat.",
            ),
        FormField::text("mobile", "Téléphone mobile", &draft.mobile, 25)
            .mandatory()
            .reached("tel")
            .filled_by_browser(own("tel"))
            .hinted("10 chiffres, par exemple 06 39 98 00 12"),
        FormField::check("sansMobile", "Le professionnel n’a pas de mobile utilisable", draft.sans_mobile),
    ]
}

/// « Situation professionnelle », without the choice of the structure. `place` is the one that is chosen.
pub(crate) fn situation_fields(
    draft: &SituationDraft,
    place: Option<&RegisteredPlace>,
    values: &ValueSets<'static>,
    day: Day,
) -> Vec<FormField> {
    let category = place.map_or("", |place| place.category.as_str());
    let offered = values.offered_roles(category, day);
    let role = |concept: &annuaire_nos::Concept| {
        let meaning = ROLE_MEANING.iter().find(|(code, _)| *code == concept.code).map_or("", |(_, words)| words);
        FieldChoice {
            value: concept.code.clone(),
            label: values.label(ValueList::Role, &concept.code).unwrap_or(&concept.label).to_owned(),
            hint: crate::french::typeset(meaning),
        }
    };
    let roles = FieldControl::Radio {
        choices: offered.usual.into_iter().map(role).collect(),
        more: offered.others.into_iter().map(role).collect(),
        more_label: "Afficher tous les rôles",
    };
    let mode = if draft.mode_exercice.is_empty() { "S" } else { &draft.mode_exercice };
    let modes = choices(values, ValueList::Mode, day, &draft.mode_exercice);
    let professions = choices(values, ValueList::Profession, day, &draft.profession);
    let categories = ["C", "E", "M"];
    let categories =
        categories.iter().map(|code| FieldChoice::new(*code, values.label(ValueList::Category, code).unwrap_or(code)));
    let mut fields = vec![
        FormField::select("profession", "Profession", &draft.profession, professions).mandatory(),
        FormField::controlled("role", "Rôle dans l’établissement", &draft.role, roles).mandatory().hinted(
            "Le rôle détermine les documents que le professionnel pourra ouvrir. L’établissement est responsable de ce choix.",
        ),
        FormField::radio("modeExercice", "Mode d’exercice", mode, modes).mandatory(),
        FormField::day("dateDebut", "Date de prise de fonction", &draft.date_debut).mandatory(),
        FormField::day("dateFin", "Date de fin de fonction (si connue)", &draft.date_fin),
        FormField::select("categorie", "Catégorie", &draft.categorie, categories.collect())
            .hinted("Laissez vide : elle est déduite de la profession"),
        FormField::text("service", "Service de rattachement", &draft.service, SERVICE_MAX).hinted("Non publié"),
    ];
    // Asked once the profession is chosen: its check names the fields that are missing.
    if needs_attestation(&draft.profession) {
        let criteria = vec![
            FieldChoice::new("certification", "Une certification de niveau 3 au moins"),
            FieldChoice::new("experience", "Trois ans à mi-temps ou plus dans les cinq dernières années"),
        ];
        fields.push(FormField::radio("critere", "Critère rempli", &draft.critere, criteria).mandatory());
        fields.push(FormField::check("verifie", "J’atteste avoir vérifié les justificatifs", draft.verifie).mandatory());
        fields.push(FormField::day("dateVerification", "Date de la vérification", &draft.date_verification).mandatory());
    }
    fields
}

/// « Nom d'exercice » and « Prénom d'exercice », filled from the civil status while they are empty.
pub(crate) fn name_fields(draft: &SituationDraft, civil: &CivilDraft) -> Vec<FormField> {
    let or = |typed: &str, proposed: &str| if typed.is_empty() { proposed.to_owned() } else { typed.to_owned() };
    let name = annuaire_workflow::names::proposed_name(&civil.nom_famille, &civil.nom_usage);
    vec![
        FormField::text("nomExercice", "Nom d’exercice", &or(&draft.nom_exercice, name), NAME_MAX).mandatory(),
        FormField::text("prenomExercice", "Prénom d’exercice", &or(&draft.prenom_exercice, &civil.prenom1), NAME_MAX).mandatory(),
    ]
}

/// « Fermer la situation ».
pub(crate) fn closing_fields(draft: &ClosingDraft, is_own: bool, values: &ValueSets<'static>, day: Day) -> Vec<FormField> {
    let motif = if draft.motif.is_empty() { "AUT" } else { &draft.motif };
    let mut reasons = choices(values, ValueList::EndReason, day, "");
    reasons.retain(|choice| !(is_own && choice.value == END_BY_DEATH));
    vec![
        FormField::day("dateFin", "Date de fin de fonction", &draft.date_fin).mandatory(),
        FormField::select("motif", "Motif", motif, reasons),
    ]
}

/// The drafts that a form holds: of a section that it does not show, none.
pub(crate) fn drafts_of(form: &PostedForm) -> Vec<SectionDraft> {
    let mut drafts = Vec::new();
    if form.has("nomFamille") {
        // A commune that was chosen from the list that works without script takes the place of what was typed.
        let chosen = form.text("communeChoisie");
        drafts.push(SectionDraft::Civil(CivilDraft {
            civilite: form.text("civilite"),
            sexe: form.text("sexe"),
            nom_famille: form.text("nomFamille"),
            nom_usage: form.text("nomUsage"),
            prenom1: form.text("prenom1"),
            prenom2: form.text("prenom2"),
            prenom3: form.text("prenom3"),
            prenoms4plus: form.text("prenoms4plus"),
            date_naissance: form.text("dateNaissance"),
            date_incomplete: form.is_ticked("dateIncomplete"),
            pays_naissance: form.text("paysNaissance"),
            commune_naissance: if chosen.is_empty() { form.text("communeNaissance") } else { chosen },
            ville_naissance_etr: form.text("villeNaissanceEtr"),
        }));
    }
    if form.has("email") {
        drafts.push(SectionDraft::Contact(ContactDraft {
            email: form.text("email"),
            mobile: form.text("mobile"),
            sans_mobile: form.is_ticked("sansMobile"),
        }));
    }
    if form.has("dateDebut") {
        drafts.push(SectionDraft::Situation(situation_of(form)));
    }
    if form.has("motif") {
        drafts.push(SectionDraft::Closing(ClosingDraft { date_fin: form.text("dateFin"), motif: form.text("motif") }));
    }
    drafts
}

/// The third section of a form.
pub(crate) fn situation_of(form: &PostedForm) -> SituationDraft {
    SituationDraft {
        nom_exercice: form.text("nomExercice"),
        prenom_exercice: form.text("prenomExercice"),
        structure: form.text("structure"),
        profession: form.text("profession"),
        role: form.text("role"),
        mode_exercice: form.text("modeExercice"),
        date_debut: form.text("dateDebut"),
        date_fin: form.text("dateFin"),
        categorie: form.text("categorie"),
        service: form.text("service"),
        critere: form.text("critere"),
        verifie: form.is_ticked("verifie"),
        date_verification: form.text("dateVerification"),
    }
}

/// What is shown for an optional value that is empty (registration §4.7).
const NOTHING: &str = "Non renseigné";

/// Lines of a summary: label and value.
pub(crate) type SummaryLines = Vec<(&'static str, String)>;

fn line(label: &'static str, value: impl Into<String>) -> (&'static str, String) {
    let value: String = value.into();
    (label, if value.trim().is_empty() { NOTHING.to_owned() } else { value })
}

/// « 1. Etat civil ».
pub(crate) fn civil_summary(d: &CivilDraft, values: &ValueSets<'static>) -> SummaryLines {
    let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
    let country = values.country_name(d.pays_naissance.trim()).unwrap_or(&d.pays_naissance).to_owned();
    let birth = annuaire_workflow::day::parse_french(&d.date_naissance);
    let birth = birth.map_or_else(|| d.date_naissance.clone(), annuaire_workflow::day::french_long);
    let commune = annuaire_workflow::communes::CommuneIndex::embedded();
    let day = annuaire_workflow::day::parse_french(&d.date_naissance);
    let named = commune.of_birth(&d.commune_naissance, day).map(|found| format!("{} ({})", found.name, found.code));
    let mut lines = vec![
        line(
            "Civilité",
            match d.civilite.as_str() {
                "M" => "Monsieur",
                "MME" => "Madame",
                other => other,
            },
        ),
        line("Sexe", word(ValueList::Sex, &d.sexe)),
        line("Nom de famille", d.nom_famille.as_str()),
        line("Nom d’usage", d.nom_usage.as_str()),
        line("Prénom", d.prenom1.as_str()),
        line("Deuxième prénom", d.prenom2.as_str()),
        line("Troisième prénom", d.prenom3.as_str()),
    ];
    if !d.prenoms4plus.trim().is_empty() {
        lines.push(line("Autres prénoms", d.prenoms4plus.as_str()));
    }
    lines.push(line("Date de naissance", birth));
    lines.push(line("Pays de naissance", country));
    if d.ville_naissance_etr.trim().is_empty() || !d.commune_naissance.trim().is_empty() {
        lines.push(line("Commune de naissance", named.unwrap_or_else(|_| d.commune_naissance.clone())));
    } else {
        lines.push(line("Ville de naissance (étranger)", d.ville_naissance_etr.as_str()));
    }
    lines
}

/// « 2. Données de contact ».
pub(crate) fn contact_summary(d: &ContactDraft) -> SummaryLines {
    let mobile = if d.sans_mobile && d.mobile.is_empty() { "Pas de mobile utilisable" } else { &d.mobile };
    vec![line("Adresse email", d.email.as_str()), line("Téléphone mobile", mobile)]
}

/// « 3. Situation professionnelle ».
pub(crate) fn situation_summary(
    d: &SituationDraft,
    place: Option<&RegisteredPlace>,
    values: &ValueSets<'static>,
) -> SummaryLines {
    let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
    let place = place.map_or_else(|| d.structure.clone(), |place| format!("{} - {}", place.number, place.name));
    vec![
        line("Nom d’exercice", d.nom_exercice.as_str()),
        line("Prénom d’exercice", d.prenom_exercice.as_str()),
        line("Etablissement", place),
        line("Profession", word(ValueList::Profession, &d.profession)),
        line("Rôle dans l’établissement", word(ValueList::Role, &d.role)),
        line("Mode d’exercice", word(ValueList::Mode, &d.mode_exercice)),
        line("Date de prise de fonction", d.date_debut.as_str()),
        line("Date de fin de fonction", d.date_fin.as_str()),
        line("Catégorie", word(ValueList::Category, &d.categorie)),
        line("Service de rattachement", d.service.as_str()),
    ]
}

/// « Fermer la situation ».
pub(crate) fn closing_summary(d: &ClosingDraft, values: &ValueSets<'static>) -> SummaryLines {
    vec![
        line("Date de fin de fonction", d.date_fin.as_str()),
        line("Motif", values.label(ValueList::EndReason, &d.motif).unwrap_or(&d.motif)),
    ]
}
