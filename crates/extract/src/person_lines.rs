//! The lines of a person, of all files.

use crate::labels::{self, label};
use crate::national_file::{HeaderWidth, Part};
use crate::render::{Condition, Reference, Renderer, WaitingLine};
use crate::text_line::{Fragment, PipeLine};
use annuaire_base::date::PartialDate;
use annuaire_consolidate::{ConsolidatedEntity, entity_key};
use annuaire_mos::{
    BoiteLettresMss, CarteProfessionnel, EtatCivil, ExerciceProfessionnel, Professionnel, SavoirFaire, SituationExercice,
};

/// Types of know-how that files of activities have (source-files §2.2).
const OF_ACTIVITIES: [&str; 3] = ["S", "CEX", "PAC"];

/// The identification that begins a line.
#[derive(Clone, Copy)]
struct Identification<'a> {
    kind: &'a str,
    number: &'a str,
    national: &'a str,
}

impl<'a> Identification<'a> {
    /// That of an entity. Of a person whom no file describes (a card, a mailbox) only the national identification is known: its
    /// first digit is the type (identifiers §5), but for mail addresses, whose type is 10.
    fn of(entity: &'a ConsolidatedEntity) -> Option<Self> {
        let national = entity_key::number_of_person(&entity.entity)?;
        if let Some(p) = &entity.professional
            && !p.type_id_nat_pp.is_empty()
            && national.strip_prefix(&p.type_id_nat_pp) == Some(&p.id_pp)
        {
            return Some(Self { kind: &p.type_id_nat_pp, number: &p.id_pp, national });
        }
        let length = if national.contains('@') && national.starts_with("10") { 2 } else { 1 };
        let (kind, number) = national.split_at_checked(length)?;
        Some(Self { kind, number, national })
    }

    fn fields(self) -> [&'a str; 3] {
        [self.kind, self.number, self.national]
    }
}

impl Renderer<'_> {
    /// All lines of a person.
    pub(crate) fn person(&self, entity: &ConsolidatedEntity, add: &mut dyn FnMut(WaitingLine)) {
        let Some(id) = Identification::of(entity) else { return };
        let mut lines = Vec::new();
        if let Some(p) = &entity.professional {
            self.activities(p, id, &mut lines);
            if self.wants(Part::KnowHow) {
                know_how(p, id, &mut lines);
            }
            if self.wants(Part::Diplomas) {
                diplomas(p, id, &mut lines);
            }
        }
        if self.wants(Part::Cards) {
            lines.extend(entity.cards.iter().map(|card| plain(Part::Cards, card_line(entity.professional.as_ref(), id, card))));
        }
        if self.wants(Part::Mailboxes) {
            let p = entity.professional.as_ref();
            let of_other_files = p.iter().flat_map(|p| &p.boites_lettres);
            let of_other_files = of_other_files.filter(|b| entity.mailboxes.iter().all(|known| known.adresse != b.adresse));
            lines.extend(entity.mailboxes.iter().chain(of_other_files).map(|b| mailbox_line(p, Some(id), b, Condition::None)));
        }
        // Two situations that differ only in what the file does not have are one line of it.
        lines.sort();
        lines.dedup();
        lines.into_iter().for_each(add);
    }

    /// Lines of practices, situations and know-how, of both files of activities.
    fn activities(&self, p: &Professionnel, id: Identification<'_>, lines: &mut Vec<WaitingLine>) {
        let (open, psc) = (self.wants(Part::Activities), self.wants(Part::ProSanteConnect));
        if !(open || psc) {
            return;
        }
        for e in p.exercices.iter().filter(|e| self.filter.wants_profession(&e.profession)) {
            let none = SavoirFaire::default();
            let mut skills: Vec<&SavoirFaire> =
                e.savoir_faire.iter().filter(|s| OF_ACTIVITIES.contains(&s.type_savoir_faire.as_str())).collect();
            if skills.is_empty() {
                skills.push(&none);
            }
            let nowhere = [None];
            let situations: Vec<Option<&SituationExercice>> =
                if e.situations.is_empty() { nowhere.to_vec() } else { e.situations.iter().map(Some).collect() };
            for situation in situations {
                let structure = situation.map_or("", |s| s.structure.as_str());
                if structure.is_empty() && self.filter.has_places() {
                    continue;
                }
                let reference = (!structure.is_empty()).then(|| Reference::Technical(structure.to_owned()));
                let condition = if self.filter.has_places() { Condition::WantedStructure } else { Condition::None };
                for skill in &skills {
                    let mut add = |part, line: PipeLine| {
                        lines.push(WaitingLine { part, reference: reference.clone(), condition, text: line.into_text() });
                    };
                    if open {
                        add(Part::Activities, activity_line(p, id, e, skill, situation, self.width));
                    }
                    if psc {
                        add(Part::ProSanteConnect, psc_line(p, id, e, skill, situation));
                    }
                }
            }
        }
    }
}

/// A line of `Personne_activite`. Without a situation, columns 18 to 56 are empty.
fn activity_line(
    p: &Professionnel,
    id: Identification<'_>,
    e: &ExerciceProfessionnel,
    skill: &SavoirFaire,
    situation: Option<&SituationExercice>,
    width: HeaderWidth,
) -> PipeLine {
    let mut line = PipeLine::default();
    line.fields(&id.fields());
    line.fields(&[&e.civilite_exercice, label("TRE_R11", &e.civilite_exercice)]);
    line.fields(&[&p.civilite, label("TRE_R81", &p.civilite), &e.nom_exercice, &e.prenom_exercice]);
    practice(&mut line, e);
    skill_fields(&mut line, skill);
    let Some(s) = situation else {
        line.empty(width.columns() - 17);
        return line;
    };
    line.fields(&[&s.mode_exercice, label("TRE_R23", &s.mode_exercice)]);
    line.fragment(Fragment::Place).authority(&p.autorite_enregistrement);
    if width != HeaderWidth::To2019 {
        line.fragment(Fragment::Sector);
        line.fields(&[&s.section_ordre_pharmacien, label("TRE_R06", &s.section_ordre_pharmacien)]);
    }
    if width == HeaderWidth::Current {
        line.fields(&[&s.role, labels::role(&s.role), &s.genre_activite, label("TRE_R22", &s.genre_activite)]);
    }
    line
}

/// A line of the ProSanteConnect file, in its 50 columns.
fn psc_line(
    p: &Professionnel,
    id: Identification<'_>,
    e: &ExerciceProfessionnel,
    skill: &SavoirFaire,
    situation: Option<&SituationExercice>,
) -> PipeLine {
    let mut line = PipeLine::default();
    let civil = p.etat_civil.clone().unwrap_or_default();
    line.fields(&id.fields()).field(&civil.nom_famille).field(&given_names(&civil));
    line.fields(&[&day(&civil.date_naissance), &civil.commune_naissance, &civil.pays_naissance]);
    line.fields(&[&civil.lieu_naissance, &civil.sexe_administratif]);
    let contact = p.correspondance.clone().unwrap_or_default();
    line.field(contact.telephones.first().map_or("", String::as_str)).field(&contact.courriel).field(&p.civilite);
    line.fields(&[&e.profession, &e.categorie_professionnelle, &e.civilite_exercice, &e.nom_exercice, &e.prenom_exercice]);
    line.fields(&[&skill.type_savoir_faire, &skill.code]);
    let Some(s) = situation else {
        line.empty(30);
        return line;
    };
    line.field(&s.mode_exercice).fragment(Fragment::PscSector).fields(&[&s.section_ordre_pharmacien, &s.role]);
    line.fragment(Fragment::PscPlace).authority(&p.autorite_enregistrement).field(&s.genre_activite);
    line
}

/// Three given names joined by apostrophes; a missing one leaves an empty part (source-files §3).
fn given_names(civil: &EtatCivil) -> String {
    if civil.prenoms.is_empty() {
        return String::new();
    }
    let name = |n: usize| civil.prenoms.get(n).map_or("", String::as_str);
    [name(0), name(1), name(2)].join("'")
}

/// A day as these files write it, `dd/mm/yyyy`; a date that is known in part stays as it is.
pub(crate) fn day(iso: &str) -> String {
    match iso.split('-').collect::<Vec<_>>()[..] {
        [y, m, d] if PartialDate::parse(iso).is_some() => format!("{d}/{m}/{y}"),
        _ => iso.to_owned(),
    }
}

fn practice(line: &mut PipeLine, e: &ExerciceProfessionnel) {
    line.fields(&[&e.profession, labels::profession(&e.profession)]);
    line.fields(&[&e.categorie_professionnelle, label("TRE_R09", &e.categorie_professionnelle)]);
}

fn skill_fields(line: &mut PipeLine, s: &SavoirFaire) {
    line.fields(&[&s.type_savoir_faire, label("TRE_R04", &s.type_savoir_faire)]);
    line.fields(&[&s.code, labels::know_how(&s.type_savoir_faire, &s.code)]);
}

fn plain(part: Part, line: PipeLine) -> WaitingLine {
    WaitingLine { part, reference: None, condition: Condition::None, text: line.into_text() }
}

/// Lines of `SavoirFaire`: all types.
fn know_how(p: &Professionnel, id: Identification<'_>, lines: &mut Vec<WaitingLine>) {
    for e in &p.exercices {
        for skill in &e.savoir_faire {
            let mut line = PipeLine::default();
            line.fields(&id.fields()).fields(&[&e.nom_exercice, &e.prenom_exercice]);
            practice(&mut line, e);
            skill_fields(&mut line, skill);
            lines.push(plain(Part::KnowHow, line));
        }
    }
}

/// Lines of `Dipl_AutExerc`: one for each diploma and one for each authorisation, which have nothing to do with each other.
fn diplomas(p: &Professionnel, id: Identification<'_>, lines: &mut Vec<WaitingLine>) {
    let name = p.exercices.first().map_or(["", ""], |e| [e.nom_exercice.as_str(), &e.prenom_exercice]);
    let begun = || {
        let mut line = PipeLine::default();
        line.fields(&id.fields()).fields(&name);
        line
    };
    for d in &p.diplomes {
        let mut line = begun();
        line.fields(&[&d.type_diplome, label("TRE_R14", &d.type_diplome)]);
        line.fields(&[&d.code_diplome, labels::diploma(&d.type_diplome, &d.code_diplome)]).empty(4);
        lines.push(plain(Part::Diplomas, line));
    }
    for a in &p.autorisations {
        let mut line = begun();
        line.empty(4).fields(&[&a.type_autorisation, label("TRE_R17", &a.type_autorisation)]);
        line.fields(&[&a.discipline_autorisee, label("TRE_R18", &a.discipline_autorisee)]);
        lines.push(plain(Part::Diplomas, line));
    }
}

/// The practice of this profession and category, else of this profession, else the first one.
fn practice_of<'a>(p: Option<&'a Professionnel>, profession: &str, category: &str) -> Option<&'a ExerciceProfessionnel> {
    let all = || p.into_iter().flat_map(|p| &p.exercices);
    let of_profession = || all().find(|e| e.profession == profession);
    let exact = all().find(|e| e.profession == profession && e.categorie_professionnelle == category);
    exact.or_else(of_profession).or_else(|| all().next())
}

/// A line of `Porteurs_CPS_CPF`. The registry does not keep the last column, when the card was last touched.
fn card_line(p: Option<&Professionnel>, id: Identification<'_>, card: &CarteProfessionnel) -> PipeLine {
    let name = practice_of(p, &card.profession, &card.categorie_professionnelle);
    let mut line = PipeLine::default();
    line.fields(&id.fields());
    line.fields(&name.map_or(["", ""], |e| [e.nom_exercice.as_str(), &e.prenom_exercice]));
    line.fields(&[&card.profession, labels::profession(&card.profession)]);
    line.fields(&[&card.categorie_professionnelle, label("TRE_R09", &card.categorie_professionnelle)]);
    line.fields(&[&card.type_carte, label("TRE_G02", &card.type_carte), &card.numero_carte, &card.id_nat_carte]);
    line.fields(&[&day(&card.date_debut_validite), &day(&card.date_fin_validite), &day(&card.date_opposition), ""]);
    line
}

/// A line of the mailbox file; without a person it is the mailbox of a structure. The registry does not keep whether its holder
/// agreed to receive no paper.
fn mailbox_line(
    p: Option<&Professionnel>,
    id: Option<Identification<'_>>,
    b: &BoiteLettresMss,
    condition: Condition,
) -> WaitingLine {
    let mut line = PipeLine::default();
    let number = national_number(&b.structure);
    line.fields(&[&b.type_bal, &b.adresse]);
    line.fields(&id.map_or([""; 3], Identification::fields));
    line.fields(&[structure_type(&number), &number, &b.service_rattachement]);
    let e = id.and_then(|_| practice_of(p, &b.profession, ""));
    let specialty = e.and_then(|e| e.savoir_faire.iter().find(|s| s.type_savoir_faire == "S"));
    let profession = if b.profession.is_empty() { e.map_or("", |e| &e.profession) } else { &b.profession };
    match e.filter(|e| e.profession == profession) {
        Some(e) => {
            line.fields(&[&e.civilite_exercice, &e.nom_exercice, &e.prenom_exercice]);
            line.fields(&[&e.categorie_professionnelle, label("TRE_R09", &e.categorie_professionnelle)]);
        }
        None => _ = line.empty(5),
    }
    line.fields(&[profession, labels::profession(profession)]);
    match specialty.filter(|_| e.is_some_and(|e| e.profession == profession)) {
        Some(s) => _ = line.fields(&[&s.code, labels::know_how("S", &s.code)]),
        None => _ = line.empty(2),
    }
    line.empty(1).fragment(Fragment::MailboxPlace);
    let reference = (!number.is_empty()).then_some(Reference::National(number));
    WaitingLine { part: Part::Mailboxes, reference, condition, text: line.into_text() }
}

/// The line of a mailbox that a structure holds.
pub(crate) fn structure_mailbox_line(b: &BoiteLettresMss, condition: Condition) -> WaitingLine {
    mailbox_line(None, None, b, condition)
}

/// A national number of a structure with its type digit: mailbox files also give FINESS numbers without theirs.
pub(crate) fn national_number(number: &str) -> String {
    if number.len() == 9 { format!("1{number}") } else { number.to_owned() }
}

/// TRE_G07 type of a national number, when its length agrees.
fn structure_type(number: &str) -> &str {
    let expected: &[usize] = match number.get(..1) {
        Some("0") => &[9, 11],
        Some("1" | "2") => &[9],
        Some("3" | "4") => &[14],
        _ => &[],
    };
    if expected.contains(&number.len().saturating_sub(1)) { &number[..1] } else { "" }
}
