//! What a validated request writes of a person: numbers, facts, keys of identity (registration §6.5, §8.1, §10).
//!
//! Only the owner of a fact changes it. A request is attached to a registered person without a word on contact or civil status.

use crate::certification::{UNCERTIFIED, certification_event, changed_meanwhile};
use crate::content::{CivilValues, ContactValues, SituationValues};
use crate::effects::Settling;
use crate::error::Error;
use crate::followed::{
    CONTACT_TO_CONFIRM, CertificationRow, ContactProposalRow, DistinctPairRow, FollowedPersonRow, WEAK_IDENTITY,
    WithheldMeansRow, contact_text,
};
use crate::person::RegisteredPerson;
use crate::place::RegisteredPlace;
use crate::row::{RegistrationRow, VersionedRow};
use crate::statement::{self, BY_ROLE, StatedRegistration};
use annuaire_base::fact::{Fact, Publication};
use annuaire_mos::owner::{Facet, Owner};
use annuaire_mos::{ExerciceEnregistre, ExerciceProfessionnel, Objet, SituationEnregistree};
use annuaire_store::{Change, Expect};
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::contact::proposal_ends;
use annuaire_workflow::day::{paris_midnight, parse_iso, plus_days};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::norm::norm;
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::situation::{SituationRewrite, rewrite};

/// A payload of the log that this room cannot write or read.
fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

impl Settling<'_> {
    fn missing(&self, what: &'static str) -> Error {
        Error::Incomplete { number: self.row.number.clone(), what }
    }

    fn owning_place(&self) -> Result<RegisteredPlace, Error> {
        self.place.clone().ok_or_else(|| self.missing("structure"))
    }

    fn situation_values(&self) -> Result<SituationValues, Error> {
        self.content.situation_values.clone().ok_or_else(|| self.missing("valid situation"))
    }

    fn civil_values(&self) -> Result<CivilValues, Error> {
        self.content.civil_values.clone().ok_or_else(|| self.missing("valid civil status"))
    }

    fn contact_values(&self) -> Result<ContactValues, Error> {
        self.content.contact_values.clone().ok_or_else(|| self.missing("valid contact"))
    }

    fn registered(&self) -> Result<RegisteredPerson, Error> {
        self.person.clone().ok_or_else(|| self.missing("registered person"))
    }

    /// Registers an owner.
    fn own(&mut self, owner: &Owner) -> Result<(), Error> {
        self.writes.owner(statement::owner_row(owner).map_err(unreadable)?);
        Ok(())
    }

    /// The stable key of the situation that this request adds: 20 digits that follow from its number, so that a second attempt
    /// gives the key of the first.
    fn new_situation_id(&self) -> String {
        let hash = self.service.keys.hashed("situation", &[&self.row.number]);
        let number = hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
        format!("{number:020}")
    }

    /// Writes person, exercise, situation, civil status and contact under the number that was allotted (18).
    pub(crate) fn create_person(&mut self) -> Result<(), Error> {
        let rpps = self.row.rpps.clone().ok_or_else(|| self.missing("RPPS number"))?;
        let national_id = idnps(&rpps);
        let (civil, contact, situation) = (self.civil_values()?, self.contact_values()?, self.situation_values()?);
        let owner = self.owning_place()?.owner();
        self.own(&owner)?;
        let id = self.new_situation_id();
        let certified = CertificationState::parse(&self.row.certified).unwrap_or(CertificationState::Asked);
        let stated = StatedRegistration {
            owner: &owner,
            national_id: &national_id,
            situation: &situation,
            situation_id: &id,
            today: self.today,
        };
        let changes =
            [stated.person(&civil.civility), stated.practice(), stated.situation(), stated.civil_status(&civil, certified)];
        for change in changes {
            self.writes.change(change.map_err(unreadable)?, Expect::Absent);
        }
        // A contact whose codes the professional entered is theirs from the beginning.
        let contact_owner = if self.row.contact_verified { Owner::person(&national_id) } else { owner };
        self.own(&contact_owner)?;
        let change = statement::contact_change(&contact_owner, &national_id, &contact).map_err(unreadable)?;
        self.writes.change(change, Expect::Absent);
        let reached = (contact.email.as_str(), contact.mobile.as_str());
        let mut traits = civil.traits();
        traits.other_names.push(situation.name.clone());
        self.service.index_person(&mut self.writes, &national_id, &[], &traits, reached)?;
        for distinct in &self.row.distinct {
            self.writes.put(&DistinctPairRow::of(&national_id, distinct, &self.row.number), None)?;
        }
        self.follow(&national_id)?;
        self.keep_home_help(&national_id, &id, &situation)?;
        if self.row.legal.as_ref().is_some_and(|legal| legal.weak) {
            self.withhold(&national_id, WEAK_IDENTITY)?;
        }
        self.row.subject = Some(national_id);
        self.row.situation = Some(id);
        Ok(())
    }

    /// Adds the situation to the registered person (18b of AJOUT, 19, 23).
    pub(crate) fn attach_situation(&mut self) -> Result<(), Error> {
        let person = self.registered()?;
        let situation = self.situation_values()?;
        let owner = self.owning_place()?.owner();
        self.own(&owner)?;
        let id = self.new_situation_id();
        let national_id = person.national_id.clone();
        let stated = StatedRegistration {
            owner: &owner,
            national_id: &national_id,
            situation: &situation,
            situation_id: &id,
            today: self.today,
        };
        self.writes.change(stated.situation().map_err(unreadable)?, Expect::Absent);
        let facet = Facet::Practice { profession: BY_ROLE.to_owned(), category: situation.category.clone() }.to_string();
        let is_shown = |fact: &Fact| fact.key.facet == facet && fact.publication == Publication::Open;
        if !person.facts.iter().any(is_shown) {
            self.writes.change(stated.practice().map_err(unreadable)?, Expect::Any);
        }
        // The name of exercise finds the person from now on too.
        if let Some(mut traits) = person.traits() {
            traits.other_names.push(situation.name.clone());
            let contact = person.contact();
            let former = std::mem::take(&mut self.person_keys);
            let reached = (contact.mail.as_str(), contact.mobile.as_str());
            self.service.index_person(&mut self.writes, &national_id, &former, &traits, reached)?;
        }
        self.follow(&national_id)?;
        self.keep_home_help(&national_id, &id, &situation)?;
        self.row.rpps = national_id.strip_prefix('8').map(str::to_owned);
        self.row.subject = Some(national_id);
        self.row.situation = Some(id);
        Ok(())
    }

    /// Writes what a request about a registered person changes (18b, 23b).
    pub(crate) fn write_versions(&mut self) -> Result<(), Error> {
        match self.facts.kind {
            RequestKind::Primo | RequestKind::Ajout => self.attach_situation(),
            RequestKind::Modif => self.modify_situation(),
            RequestKind::Fin => self.close_situation(),
            RequestKind::Coord => self.change_contact(),
            RequestKind::Civil => self.correct_civil_status(),
        }
    }

    /// The fact of the situation that the request names.
    fn stated_situation(&self) -> Result<(Fact, SituationEnregistree), Error> {
        let person = self.registered()?;
        let id = self.row.situation.clone().unwrap_or_default();
        let facet = Facet::Situation { id }.to_string();
        let fact = person.facts.into_iter().find(|fact| fact.key.facet == facet).ok_or_else(|| self.missing("situation"))?;
        match serde_json::from_str(&fact.payload).map_err(unreadable)? {
            Objet::Situation(stated) => Ok((fact, stated)),
            _ => Err(self.missing("situation")),
        }
    }

    /// A new version of a fact that was read.
    fn replace(&mut self, fact: &Fact, object: Option<&Objet>, publication: Publication) -> Result<(), Error> {
        let payload = object.map(serde_json::to_string).transpose().map_err(unreadable)?;
        let since = self.registered()?.at;
        let change = Change { key: fact.key.clone(), payload, publication, fingerprint: 0 };
        self.writes.change(change, Expect::UnchangedSince(since));
        Ok(())
    }

    /// Whether a situation is shown today.
    fn shown(&self, stated: &SituationEnregistree) -> Publication {
        let shown = statement::state_of(&stated.situation, self.today).is_public();
        if shown { Publication::Open } else { Publication::Restricted }
    }

    fn modify_situation(&mut self) -> Result<(), Error> {
        let (fact, mut old) = self.stated_situation()?;
        let values = self.situation_values()?;
        let national_id = self.registered()?.national_id;
        let place = self.owning_place()?;
        let mut new = statement::situation(&values, &old.situation.id_situation_exercice);
        let other_structure = new.situation.structure != old.situation.structure;
        let key = |s: &SituationEnregistree| {
            let s = &s.situation;
            (s.role.clone(), s.genre_activite.clone(), s.mode_exercice.clone())
        };
        let other_role = key(&new) != key(&old) || new.categorie_professionnelle != old.categorie_professionnelle;
        match rewrite(other_structure, other_role, self.content.typing_error) {
            SituationRewrite::Amend | SituationRewrite::MarkErroneous => {
                let shown = self.shown(&new);
                self.replace(&fact, Some(&Objet::Situation(new)), shown)?;
            }
            SituationRewrite::CloseAndReopen => {
                // The old one ends on the day before the change, which is today unless the new one begins later.
                let first = values.first_day();
                let began = parse_iso(&old.situation.date_debut);
                let change = if began.is_some_and(|began| first > began) { first } else { self.today };
                old.situation.date_fin = plus_days(change, -1).to_string();
                "CHP".clone_into(&mut old.situation.motif_fin);
                if other_structure {
                    "CHL".clone_into(&mut old.situation.motif_fin);
                }
                let shown = self.shown(&old);
                self.replace(&fact, Some(&Objet::Situation(old)), shown)?;
                let id = self.new_situation_id();
                new.situation.id_situation_exercice.clone_from(&id);
                new.situation.date_debut = change.to_string();
                let owner = place.owner();
                self.own(&owner)?;
                let change = statement::situation_change(&owner, &national_id, new, self.today).map_err(unreadable)?;
                self.writes.change(change, Expect::Absent);
                self.row.situation = Some(id);
            }
        }
        let id = self.row.situation.clone().unwrap_or_default();
        self.keep_home_help(&national_id, &id, &values)?;
        self.follow(&national_id)
    }

    fn close_situation(&mut self) -> Result<(), Error> {
        let (fact, mut stated) = self.stated_situation()?;
        let closing = self.content.closing_values.clone().ok_or_else(|| self.missing("valid end"))?;
        stated.situation.date_fin = closing.end;
        stated.situation.motif_fin = closing.reason;
        let shown = self.shown(&stated);
        let national_id = self.registered()?.national_id;
        self.replace(&fact, Some(&Objet::Situation(stated)), shown)?;
        self.follow(&national_id)
    }

    /// The professional states contact and names of exercise: what belongs to them alone (registration §10.5).
    fn change_contact(&mut self) -> Result<(), Error> {
        let person = self.registered()?;
        let contact = self.contact_values()?;
        let owner = Owner::person(&person.national_id);
        self.own(&owner)?;
        let change = statement::contact_change(&owner, &person.national_id, &contact).map_err(unreadable)?;
        self.writes.change(change, Expect::Any);
        if let Some(values) = self.content.situation_values.clone() {
            self.change_names(&person, &owner, &values)?;
        }
        if let Some(traits) = person.traits() {
            let reached = (contact.email.as_str(), contact.mobile.as_str());
            let former = std::mem::take(&mut self.person_keys);
            self.service.index_person(&mut self.writes, &person.national_id, &former, &traits, reached)?;
        }
        // The codes prove that the person holds the contact: what waited for that waits no longer.
        if let Some(withheld) = self.withheld.take().filter(|row| row.value.reason == CONTACT_TO_CONFIRM) {
            self.writes.remove(&withheld);
        }
        Ok(())
    }

    /// Names of exercise pass from the local authority to the professional: the authority's fact keeps the practice alone.
    fn change_names(&mut self, person: &RegisteredPerson, owner: &Owner, values: &SituationValues) -> Result<(), Error> {
        for fact in &person.facts {
            let Ok(Facet::Practice { profession, category }) = fact.key.facet.parse() else { continue };
            if profession != BY_ROLE || !fact.key.owner.starts_with("ENREG:") {
                continue;
            }
            let Objet::Exercice(mut stated) = serde_json::from_str(&fact.payload).map_err(unreadable)? else { continue };
            stated.exercice.nom_exercice.clear();
            stated.exercice.prenom_exercice.clear();
            self.replace(fact, Some(&Objet::Exercice(stated)), fact.publication)?;
            let named = ExerciceEnregistre {
                exercice: ExerciceProfessionnel {
                    profession,
                    categorie_professionnelle: category,
                    nom_exercice: values.name.clone(),
                    prenom_exercice: values.given_name.clone(),
                    ..Default::default()
                },
                ..Default::default()
            };
            let hidden = fact.publication != Publication::Open;
            let change = statement::change(owner, &person.national_id, &Objet::Exercice(named), hidden).map_err(unreadable)?;
            self.writes.change(change, Expect::Any);
        }
        Ok(())
    }

    /// A new version of the civil status; the former family name stays a key of search (registration §9.4).
    fn correct_civil_status(&mut self) -> Result<(), Error> {
        let person = self.registered()?;
        let civil = self.civil_values()?;
        let owner = self.owning_place()?.owner();
        let own = |fact: &&Fact| fact.key.owner == owner.code && fact.key.facet == Facet::CivilStatus.to_string();
        let fact = person.facts.iter().find(own).cloned().ok_or_else(|| self.missing("civil status of the authority"))?;
        let etat_civil = civil.recorded(CertificationState::Asked, self.today);
        let stated = Objet::EtatCivil { civilite: civil.civility.clone(), etat_civil };
        self.replace(&fact, Some(&stated), Publication::Restricted)?;
        let whole = person.facts.iter().find(|fact| fact.key.owner == owner.code && fact.key.facet.is_empty()).cloned();
        if let Some(whole) = whole
            && let Objet::Professionnel(mut stated) = serde_json::from_str(&whole.payload).map_err(unreadable)?
        {
            stated.civilite.clone_from(&civil.civility);
            self.replace(&whole, Some(&Objet::Professionnel(stated)), whole.publication)?;
        }
        self.change_given_name(&person, &civil.given_names)?;
        let mut traits = civil.traits();
        if let Some(before) = person.traits() {
            traits.other_names.push(before.family_name);
            traits.other_names.extend(before.other_names);
        }
        let contact = person.contact();
        let former = std::mem::take(&mut self.person_keys);
        let reached = (contact.mail.as_str(), contact.mobile.as_str());
        self.service.index_person(&mut self.writes, &person.national_id, &former, &traits, reached)
    }

    /// Who bore a given name that is no more exercises under it no more (registration §9.4): authorities of structures and the person state the
    /// new one. What orders and files state is theirs.
    fn change_given_name(&mut self, person: &RegisteredPerson, now: &[String]) -> Result<(), Error> {
        let given = |names: &[String]| names.iter().map(|name| norm(name)).collect::<Vec<_>>();
        let former = given(&person.merged.etat_civil.as_ref().map(|civil| civil.prenoms.clone()).unwrap_or_default());
        let (standing, own) = (given(now), Owner::person(&person.national_id).code);
        let Some(first) = now.first() else { return Ok(()) };
        for fact in &person.facts {
            let is_practice = matches!(fact.key.facet.parse(), Ok(Facet::Practice { .. }));
            if !is_practice || !(fact.key.owner.starts_with("ENREG:") || fact.key.owner == own) {
                continue;
            }
            let Objet::Exercice(mut stated) = serde_json::from_str(&fact.payload).map_err(unreadable)? else { continue };
            let exercised = norm(&stated.exercice.prenom_exercice);
            if former.contains(&exercised) && !standing.contains(&exercised) {
                stated.exercice.prenom_exercice.clone_from(first);
                self.replace(fact, Some(&Objet::Exercice(stated)), fact.publication)?;
            }
        }
        Ok(())
    }

    /// Keeps the contact of the request as a proposal, and withholds means until the person proves identity (registration §8.1).
    pub(crate) fn propose_contact(&mut self) -> Result<(), Error> {
        let person = self.registered()?;
        let contact = self.contact_values()?;
        let key = person.national_id.clone();
        let text = contact_text(&contact)?;
        let sealed = self.service.keys.messages.seal(&key, &text, self.service.nonce());
        let until = proposal_ends(self.today);
        let row = ContactProposalRow {
            person: key.clone(),
            request: self.row.number.clone(),
            until: until.to_string(),
            sealed: sealed.ok_or(Error::Sealed { kind: ContactProposalRow::KIND })?,
            due_ms: paris_midnight(plus_days(until, 1)),
        };
        // An earlier proposal that waits stays: whoever comes second replaces nobody's contact.
        let waits = |kept: &VersionedRow<ContactProposalRow>| parse_iso(&kept.value.until).is_some_and(|day| self.today <= day);
        if self.withheld.is_none() {
            if !self.proposal.as_ref().is_some_and(waits) {
                self.writes.put(&row, self.proposal.as_ref().map(|over| over.version))?;
                let structure = self.place.as_ref().map(|place| place.name.clone()).unwrap_or_default();
                self.service.tell_proposal(&mut self.writes, &person, &row, &structure, self.now_ms)?;
            }
            self.withhold(&key, CONTACT_TO_CONFIRM)?;
        }
        Ok(())
    }

    fn withhold(&mut self, national_id: &str, reason: &str) -> Result<(), Error> {
        let row = WithheldMeansRow {
            person: national_id.to_owned(),
            reason: reason.to_owned(),
            since: self.today.to_string(),
            request: self.row.number.clone(),
        };
        self.writes.put(&row, self.withheld.as_ref().map(|kept| kept.version))
    }

    /// The person is looked at at the next run of timers, which finds the day after that.
    fn follow(&mut self, national_id: &str) -> Result<(), Error> {
        let told = self.followed.as_ref().map(|kept| kept.value.told.clone()).unwrap_or_default();
        let row = FollowedPersonRow { person: national_id.to_owned(), due_ms: Some(self.now_ms), told };
        self.writes.put(&row, self.followed.as_ref().map(|kept| kept.version))
    }

    /// Asks the register for a certification in the coming night (registration §9).
    pub(crate) fn request_certification(&mut self) -> Result<(), Error> {
        let person = self.row.subject.clone().ok_or_else(|| self.missing("registered person"))?;
        let state = if self.row.certified.is_empty() { CertificationState::Asked.code() } else { &self.row.certified };
        let mut row = CertificationRow::first(&person, state, &self.owning_place()?.owner().code, self.today);
        row.questions = self.certification.as_ref().map_or(0, |kept| kept.value.questions);
        if let Some(kept) = &self.certification {
            for event in changed_meanwhile(&kept.value, state) {
                self.writes.audit(certification_event(&self.actor.event("certification", ""), &person, &event));
            }
        }
        if let Some(withheld) = self.withheld.take_if(|row| row.value.reason == UNCERTIFIED) {
            self.writes.remove(&withheld);
        }
        self.writes.put(&row, self.certification.as_ref().map(|kept| kept.version))
    }

    /// « Erreur de personne »: the situation was never true. `number` also takes the person out of the directory, whose number is
    /// never given again.
    pub(crate) fn cancel_situation(&mut self, number: bool) -> Result<(), Error> {
        if !number {
            let (fact, _) = self.stated_situation()?;
            return self.replace(&fact, None, fact.publication);
        }
        let owner = self.owning_place()?.owner().code;
        let person = self.registered()?;
        let own = person.facts.iter().filter(|fact| fact.key.owner == owner && !fact.key.facet.starts_with("situation:"));
        for fact in own {
            self.replace(fact, None, fact.publication)?;
        }
        Ok(())
    }
}
