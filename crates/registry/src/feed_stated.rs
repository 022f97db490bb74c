//! What one authority states of one person: its own facts, read, changed by a line, and written again. Facts of other owners are looked at
//! and never touched (registration §2.3).

use crate::error::Error;
use crate::feed_record::{AuthorityRecord, RecordExercise, RecordQualification, RecordSituation};
use crate::person::{CONTACT, RegisteredPerson};
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_mos::owner::{Facet, Owner, OwnerKind, file_source};
use annuaire_mos::{
    Coordonnees, Diplome, EtatCivil, ExerciceEnregistre, ExerciceProfessionnel, InscriptionOrdre, Objet, Professionnel,
    SavoirFaire, SituationEnregistree, SituationExercice,
};
use annuaire_nos::Nos;
use annuaire_store::{Change, Expect};
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::day::{Day, parse_iso, plus_days};
use annuaire_workflow::feed::{RecordCode, RecordOperation};
use std::collections::BTreeMap;

/// A remark on a line that was accepted.
pub(crate) type RecordRemark = (RecordCode, String);

/// A structure and a stable key for each situation of a line, by the reference of the situation.
pub(crate) type SituationKeys = BTreeMap<String, (String, String)>;

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

/// The facts of an authority about a person.
pub(crate) struct OwnStatements {
    owner: Owner,
    national_id: String,
    /// By the text of the facet.
    objects: BTreeMap<String, Objet>,
}

/// Whether a period holds on a day.
fn holds(from: &str, until: &str, today: Day) -> bool {
    parse_iso(from).is_none_or(|from| from <= today) && parse_iso(until).is_none_or(|until| today <= until)
}

/// Facts of a person that belong to an authority, if an order, the army or an agency is their owner.
pub(crate) fn authorities_of(person: &RegisteredPerson) -> Vec<Owner> {
    let mut codes: Vec<&str> = person.facts.iter().map(|fact| fact.key.owner.as_str()).collect();
    codes.dedup();
    codes.into_iter().filter_map(Owner::authority).collect()
}

impl OwnStatements {
    /// What an authority states of a person now; of nobody, nothing.
    pub(crate) fn of(owner: &Owner, national_id: &str, facts: &[Fact]) -> Result<Self, Error> {
        let mut objects = BTreeMap::new();
        for fact in facts.iter().filter(|fact| fact.key.owner == owner.code) {
            objects.insert(fact.key.facet.clone(), serde_json::from_str(&fact.payload).map_err(unreadable)?);
        }
        Ok(Self { owner: owner.clone(), national_id: national_id.to_owned(), objects })
    }

    /// Adds what stood under an alias of the person, where nothing stands yet.
    pub(crate) fn take_over(&mut self, other: Self) {
        for (facet, object) in other.objects {
            let object = match object {
                Objet::Professionnel(mut whole) => {
                    whole.id_nat_ps.clone_from(&self.national_id);
                    self.national_id.get(1..).unwrap_or_default().clone_into(&mut whole.id_pp);
                    Objet::Professionnel(whole)
                }
                object => object,
            };
            self.objects.entry(facet).or_insert(object);
        }
    }

    /// Facets of practices and situations that stand.
    pub(crate) fn parts(&self, today: Day) -> Vec<String> {
        let open = |(_, object): &(&String, &Objet)| match object {
            Objet::Exercice(e) => parse_iso(&e.exercice.date_fin_effet_exercice).is_none_or(|end| today <= end),
            Objet::Situation(s) => parse_iso(&s.situation.date_fin).is_none_or(|end| today <= end),
            _ => false,
        };
        self.objects.iter().filter(open).map(|(facet, _)| facet.clone()).collect()
    }

    /// Takes a line that creates or changes, and returns what another owner keeps.
    pub(crate) fn take(
        &mut self,
        record: &AuthorityRecord,
        keys: &SituationKeys,
        person: Option<&RegisteredPerson>,
        today: Day,
    ) -> Option<RecordRemark> {
        let mut remark = None;
        let mut whole = match self.objects.remove("") {
            Some(Objet::Professionnel(whole)) => whole,
            _ => Professionnel::default(),
        };
        "8".clone_into(&mut whole.type_id_nat_pp);
        whole.id_nat_ps.clone_from(&self.national_id);
        self.national_id.get(1..).unwrap_or_default().clone_into(&mut whole.id_pp);
        whole.autorite_enregistrement.clone_from(&self.owner.code);
        whole.date_maj = today.to_string();
        if let Some(civil) = &record.person {
            if person.is_some_and(|person| self.is_kept_by_other(person, &Facet::CivilStatus)) {
                remark = Some((RecordCode::OwnedByOther, "person".to_owned()));
            } else {
                whole.civilite.clone_from(&civil.civility);
                let before = whole.etat_civil.take();
                let known = match self.objects.remove(&Facet::CivilStatus.to_string()) {
                    Some(Objet::EtatCivil { etat_civil, .. }) => Some(etat_civil),
                    _ => before,
                };
                let etat_civil = civil_status(record, known.as_ref(), today);
                let stated = Objet::EtatCivil { civilite: civil.civility.clone(), etat_civil };
                self.objects.insert(Facet::CivilStatus.to_string(), stated);
            }
        }
        if let Some(contact) = &record.contact {
            if person.is_some_and(|person| person.verified_contact().is_some()) {
                remark = remark.or(Some((RecordCode::VerifiedContact, "contact".to_owned())));
            } else if person.is_some_and(|person| self.is_kept_by_other(person, &Facet::Contact)) {
                remark = remark.or(Some((RecordCode::OwnedByOther, "contact".to_owned())));
            } else {
                let mut correspondance = Coordonnees { courriel: contact.mail.clone(), ..Default::default() };
                correspondance.telephones.extend(Some(contact.mobile.clone()).filter(|mobile| !mobile.is_empty()));
                whole.correspondance = None;
                self.objects.insert(CONTACT.to_owned(), Objet::Contact { correspondance });
            }
        }
        for (n, exercise) in record.exercises.iter().enumerate() {
            let facet = Facet::Practice { profession: exercise.profession.clone(), category: exercise.category.clone() };
            if person.is_some_and(|person| self.is_kept_by_other(person, &facet)) {
                remark = remark.or(Some((RecordCode::OwnedByOther, format!("exercises[{n}]"))));
                continue;
            }
            // What an import once said as a whole is said by facts of their own from now on.
            whole
                .exercices
                .retain(|e| (&e.profession, &e.categorie_professionnelle) != (&exercise.profession, &exercise.category));
            self.take_exercise(exercise, &facet.to_string(), keys, today);
        }
        self.objects.insert(String::new(), Objet::Professionnel(whole));
        remark
    }

    fn take_exercise(&mut self, exercise: &RecordExercise, facet: &str, keys: &SituationKeys, today: Day) {
        match exercise.operation {
            RecordOperation::Upsert => {
                let stated = practice(exercise, &self.owner.code, today);
                self.objects.insert(facet.to_owned(), Objet::Exercice(stated));
            }
            RecordOperation::Close => {
                if let Some(until) = parse_iso(&exercise.until) {
                    self.end_practice(facet, until, "");
                }
            }
            RecordOperation::Cancel => {
                for situation in self.situations_of(facet) {
                    self.objects.remove(&situation);
                }
                self.objects.remove(facet);
            }
        }
        for situation in &exercise.situations {
            let Some((structure, id)) = keys.get(&situation.source) else { continue };
            let facet = Facet::Situation { id: id.clone() }.to_string();
            match situation.operation {
                RecordOperation::Upsert => {
                    let stated = stated_situation(exercise, situation, (structure, id));
                    self.objects.insert(facet, Objet::Situation(stated));
                }
                RecordOperation::Close => {
                    if let Some(until) = parse_iso(&situation.until) {
                        self.end_situation(&facet, until, &situation.reason);
                    }
                }
                RecordOperation::Cancel => {
                    self.objects.remove(&facet);
                }
            }
        }
    }

    fn situations_of(&self, practice: &str) -> Vec<String> {
        let of_it = |(_, object): &(&String, &Objet)| match object {
            Objet::Situation(s) => {
                let (profession, category) = (s.profession.clone(), s.categorie_professionnelle.clone());
                Facet::Practice { profession, category }.to_string() == practice
            }
            _ => false,
        };
        self.objects.iter().filter(of_it).map(|(facet, _)| facet.clone()).collect()
    }

    /// Ends a situation with a day, unless it ended before. One that would end before it began was never true.
    fn end_situation(&mut self, facet: &str, until: Day, reason: &str) {
        let Some(Objet::Situation(stated)) = self.objects.get_mut(facet) else { return };
        let situation = &mut stated.situation;
        if parse_iso(&situation.date_debut).is_some_and(|from| until < from) {
            self.objects.remove(facet);
        } else if parse_iso(&situation.date_fin).is_none_or(|end| until < end) {
            situation.date_fin = until.to_string();
            reason.clone_into(&mut situation.motif_fin);
        }
    }

    fn end_practice(&mut self, facet: &str, until: Day, reason: &str) {
        for situation in self.situations_of(facet) {
            self.end_situation(&situation, until, reason);
        }
        let Some(Objet::Exercice(stated)) = self.objects.get_mut(facet) else { return };
        if parse_iso(&stated.exercice.date_fin_effet_exercice).is_none_or(|end| until < end) {
            stated.exercice.date_fin_effet_exercice = until.to_string();
        }
        for inscription in stated.inscriptions.iter_mut().filter(|inscription| inscription.date_fin.is_empty()) {
            inscription.date_fin = until.to_string();
        }
    }

    /// Ends all that the authority states of work with a day.
    pub(crate) fn close(&mut self, until: Day, reason: &str) {
        if let Some(Objet::Professionnel(whole)) = self.objects.get_mut("") {
            for exercice in &mut whole.exercices {
                exercice.date_fin_effet_exercice = until.to_string();
                exercice.situations.clear();
            }
        }
        self.end_parts(&self.objects.keys().cloned().collect::<Vec<_>>(), until, reason);
    }

    /// Ends parts that a full set leaves out, on the day before it came.
    pub(crate) fn leave_out(&mut self, parts: &[String], today: Day) {
        self.end_parts(parts, plus_days(today, -1), "");
    }

    fn end_parts(&mut self, parts: &[String], until: Day, reason: &str) {
        for facet in parts {
            match facet.parse() {
                Ok(Facet::Practice { .. }) => self.end_practice(facet, until, reason),
                Ok(Facet::Situation { .. }) => self.end_situation(facet, until, reason),
                _ => {}
            }
        }
    }

    /// Nothing of it was ever true.
    pub(crate) fn cancel(&mut self) {
        self.objects.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether another authority of equal or greater strength states a facet. A file of a register repeats what authorities state: it
    /// counts as the one whom it names.
    fn is_kept_by_other(&self, person: &RegisteredPerson, facet: &Facet) -> bool {
        let mine = self.owner.strength(facet);
        let text = facet.to_string();
        person.facts.iter().filter(|fact| fact.key.owner != self.owner.code).any(|fact| {
            if fact.key.facet != text && !fact.key.facet.is_empty() {
                return false;
            }
            let Some(other) = Owner::told_by_code(&fact.key.owner) else { return false };
            let whole = match serde_json::from_str(&fact.payload) {
                Ok(Objet::Professionnel(whole)) => whole,
                Ok(_) => return !matches!(other.kind, OwnerKind::File { .. }) && other.strength(facet) <= mine,
                Err(_) => return false,
            };
            let states = match facet {
                Facet::CivilStatus => whole.etat_civil.is_some(),
                Facet::Contact => whole.correspondance.is_some(),
                Facet::Practice { profession, category } => {
                    whole.exercices.iter().any(|e| e.profession == *profession && e.categorie_professionnelle == *category)
                }
                Facet::Whole | Facet::Situation { .. } => false,
            };
            let of_file = || {
                let label = whole.autorite_enregistrement.split('/').next().unwrap_or_default();
                Nos::embedded().autorite(label).and_then(Owner::authority)
            };
            let speaker = if file_source(&other.code).is_some() { of_file() } else { Some(other) };
            states && speaker.is_some_and(|speaker| speaker.code != self.owner.code && speaker.strength(facet) <= mine)
        })
    }

    /// How a facet may be published today: practices and situations while they hold, the person while a practice holds, civil status
    /// and contact never.
    fn publication(&self, facet: &str, object: &Objet, today: Day) -> Publication {
        let open = match object {
            Objet::Exercice(e) => holds(&e.exercice.date_effet_exercice, &e.exercice.date_fin_effet_exercice, today),
            Objet::Situation(s) => holds(&s.situation.date_debut, &s.situation.date_fin, today),
            Objet::Professionnel(whole) => {
                let in_whole = whole.exercices.iter();
                let of_facts = self.objects.values().filter_map(|object| match object {
                    Objet::Exercice(e) => Some(&e.exercice),
                    _ => None,
                });
                in_whole.chain(of_facts).any(|e| holds(&e.date_effet_exercice, &e.date_fin_effet_exercice, today))
            }
            _ => false,
        };
        let may = facet.parse().is_ok_and(|facet| self.owner.is_open(&facet));
        if open && may { Publication::Open } else { Publication::Restricted }
    }

    /// The next day on which a practice or situation begins, or is over.
    pub(crate) fn next_day(&self, today: Day) -> Option<Day> {
        let periods = self.objects.values().filter_map(|object| match object {
            Objet::Exercice(e) => Some((&e.exercice.date_effet_exercice, &e.exercice.date_fin_effet_exercice)),
            Objet::Situation(s) => Some((&s.situation.date_debut, &s.situation.date_fin)),
            _ => None,
        });
        let days = periods.flat_map(|(from, until)| [parse_iso(from), parse_iso(until).map(|until| plus_days(until, 1))]);
        days.flatten().filter(|day| *day > today).min()
    }

    /// What differs from the facts as they stand. Nothing is written when somebody changed them since.
    pub(crate) fn changes(&self, person: Option<&RegisteredPerson>, today: Day) -> Result<Vec<(Change, Expect)>, Error> {
        let stands: BTreeMap<&str, &Fact> = person
            .iter()
            .flat_map(|person| &person.facts)
            .filter(|fact| fact.key.owner == self.owner.code)
            .map(|fact| (fact.key.facet.as_str(), fact))
            .collect();
        let since = person.map_or(Expect::Absent, |person| Expect::UnchangedSince(person.at));
        let mut changes = Vec::new();
        for (facet, object) in &self.objects {
            let payload = serde_json::to_string(object).map_err(unreadable)?;
            let publication = self.publication(facet, object, today);
            let known = stands.get(facet.as_str());
            if known.is_some_and(|known| known.payload == payload && known.publication == publication) {
                continue;
            }
            let entity = entity_key::person(&self.national_id);
            let key = FactKey { owner: self.owner.code.clone(), entity, facet: facet.clone() };
            let expect = if known.is_some() { since } else { Expect::Absent };
            changes.push((Change { key, payload: Some(payload), publication, fingerprint: 0 }, expect));
        }
        for (facet, fact) in stands {
            if !self.objects.contains_key(facet) {
                let change = Change { key: fact.key.clone(), payload: None, publication: fact.publication, fingerprint: 0 };
                changes.push((change, since));
            }
        }
        Ok(changes)
    }
}

/// The civil status of a line. Its certification stays while the five traits do.
fn civil_status(record: &AuthorityRecord, known: Option<&EtatCivil>, today: Day) -> EtatCivil {
    let mut stated = EtatCivil::default();
    if let Some(person) = &record.person {
        stated = EtatCivil {
            nom_famille: person.family.clone(),
            prenoms: person.given.clone(),
            sexe_administratif: person.sex.clone(),
            date_naissance: person.birth.clone(),
            commune_naissance: person.commune.clone(),
            pays_naissance: person.country.clone(),
            lieu_naissance: person.place.clone(),
            ..Default::default()
        };
    }
    let pivot = |civil: &EtatCivil| {
        let first = civil.prenoms.first().cloned();
        let born = (civil.date_naissance.clone(), civil.commune_naissance.clone(), civil.pays_naissance.clone());
        (civil.nom_famille.clone(), first, civil.sexe_administratif.clone(), born)
    };
    let kept = known.filter(|known| pivot(known) == pivot(&stated));
    stated.statut = kept.map_or_else(|| CertificationState::Asked.code().to_owned(), |known| known.statut.clone());
    stated.date_deces = known.map(|known| known.date_deces.clone()).unwrap_or_default();
    stated.date_effet = match kept {
        Some(known) if record.from.is_empty() => known.date_effet.clone(),
        _ if record.from.is_empty() => today.to_string(),
        _ => record.from.clone(),
    };
    stated
}

fn practice(exercise: &RecordExercise, authority: &str, today: Day) -> ExerciceEnregistre {
    let know_how = |q: &RecordQualification| SavoirFaire {
        type_savoir_faire: q.kind.clone(),
        code: q.code.clone(),
        date_reconnaissance: q.from.clone(),
        date_abandon: q.until.clone(),
    };
    let diploma = |q: &RecordQualification| Diplome {
        type_diplome: q.kind.clone(),
        code_diplome: q.code.clone(),
        date_obtention: q.from.clone(),
        ..Default::default()
    };
    let inscriptions = exercise.registrations.iter().map(|r| InscriptionOrdre {
        ordre: authority.to_owned(),
        departement: r.department.clone(),
        statut: r.status.clone(),
        date_debut: r.from.clone(),
        date_fin: r.until.clone(),
        profession: exercise.profession.clone(),
        categorie_professionnelle: exercise.category.clone(),
        ..Default::default()
    });
    ExerciceEnregistre {
        exercice: ExerciceProfessionnel {
            profession: exercise.profession.clone(),
            categorie_professionnelle: exercise.category.clone(),
            civilite_exercice: exercise.title.clone(),
            nom_exercice: exercise.family.clone(),
            prenom_exercice: exercise.given.clone(),
            savoir_faire: exercise.qualifications.iter().map(know_how).collect(),
            date_effet_exercice: exercise.from.clone(),
            date_fin_effet_exercice: exercise.until.clone(),
            ..Default::default()
        },
        diplomes: exercise.diplomas.iter().map(diploma).collect(),
        inscriptions: inscriptions.collect(),
        autorite_enregistrement: authority.to_owned(),
        date_maj: today.to_string(),
        ..Default::default()
    }
}

fn stated_situation(
    exercise: &RecordExercise,
    situation: &RecordSituation,
    (structure, id): (&str, &str),
) -> SituationEnregistree {
    SituationEnregistree {
        profession: exercise.profession.clone(),
        categorie_professionnelle: exercise.category.clone(),
        situation: SituationExercice {
            id_situation_exercice: id.to_owned(),
            mode_exercice: situation.mode.clone(),
            structure: structure.to_owned(),
            role: situation.function.clone(),
            genre_activite: situation.activity.clone(),
            date_debut: situation.from.clone(),
            date_fin: situation.until.clone(),
            motif_fin: situation.reason.clone(),
            ..Default::default()
        },
    }
}
