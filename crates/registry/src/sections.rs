//! Sections of the form: saved as they are typed, checked when they are validated (registration §4.5, §5, §8.2).

use crate::acting::{CaseActor, CaseStep, TypedSection};
use crate::content::{ClosingValues, RequestContent, SituationValues};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::home_help::home_help_fields;
use crate::identity_key::SoughtIdentity;
use crate::limits::DRAFT_FIELD_CHARS;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::service::Registration;
use crate::step::SteppedRequest;
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::attestation::check_home_help;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::duplicates::{EntryDisclosure, MatchClass, MatchPlace, disclosure};
use annuaire_workflow::fields::{
    CivilDraft, CivilStatus, ClosingDraft, ContactDraft, ContactUse, FieldContext, Findings, SituationDraft, SituationFacts,
    check_civil_status, check_closing, check_contact, check_situation,
};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::{RequestEvent, RequestSection};
use annuaire_workflow::value_sets::needs_attestation;

/// A section as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionDraft {
    /// « Etat civil ».
    Civil(CivilDraft),
    /// « Données de contact ».
    Contact(ContactDraft),
    /// « Situation professionnelle ».
    Situation(SituationDraft),
    /// « Fermer la situation », which takes the place of the third section.
    Closing(ClosingDraft),
}

/// What the validation of a section gave.
#[derive(Debug, Clone)]
pub struct SectionOutcome {
    /// Where the request is; it was saved whatever was found.
    pub request: SteppedRequest,
    /// What was found, field by field.
    pub findings: Findings,
    /// What may be told of a registered person who is alike.
    pub alike: Option<EntryDisclosure>,
    /// Whether the section is valid now.
    pub valid: bool,
}

/// A section that was checked.
pub(crate) struct CheckedSection {
    pub(crate) typed: TypedSection,
    pub(crate) findings: Findings,
    pub(crate) place: Option<RegisteredPlace>,
    pub(crate) alike: Option<EntryDisclosure>,
}

impl SectionDraft {
    /// Which section it is.
    #[must_use]
    pub const fn section(&self) -> RequestSection {
        match self {
            Self::Civil(_) => RequestSection::Civil,
            Self::Contact(_) => RequestSection::Contact,
            Self::Situation(_) | Self::Closing(_) => RequestSection::Situation,
        }
    }

    fn texts(&self) -> Vec<&str> {
        let all: Vec<&String> = match self {
            Self::Civil(d) => vec![
                &d.civilite,
                &d.sexe,
                &d.nom_famille,
                &d.nom_usage,
                &d.prenom1,
                &d.prenom2,
                &d.prenom3,
                &d.prenoms4plus,
                &d.date_naissance,
                &d.pays_naissance,
                &d.commune_naissance,
                &d.ville_naissance_etr,
            ],
            Self::Contact(d) => vec![&d.email, &d.mobile],
            Self::Situation(d) => vec![
                &d.nom_exercice,
                &d.prenom_exercice,
                &d.structure,
                &d.profession,
                &d.role,
                &d.mode_exercice,
                &d.date_debut,
                &d.date_fin,
                &d.categorie,
                &d.service,
                &d.critere,
                &d.date_verification,
            ],
            Self::Closing(d) => vec![&d.date_fin, &d.motif],
        };
        all.into_iter().map(String::as_str).collect()
    }

    /// A draft is saved unchecked, but no field grows without end.
    pub(crate) fn check_size(&self) -> Result<(), RegistrationRefusal> {
        let sound = |text: &&str| text.chars().count() <= DRAFT_FIELD_CHARS && !text.contains('\0');
        if self.texts().iter().all(sound) {
            return Ok(());
        }
        let max = DRAFT_FIELD_CHARS.to_string();
        Err(RegistrationRefusal::filled(MessageCode::EGen03, &[("min", "0"), ("max", &max)]))
    }

    fn unchecked(self) -> TypedSection {
        match self {
            Self::Civil(draft) => TypedSection::Civil(draft, None),
            Self::Contact(draft) => TypedSection::Contact(draft, None),
            Self::Situation(draft) => TypedSection::Situation(draft, None),
            Self::Closing(draft) => TypedSection::Closing(draft, None),
        }
    }
}

/// A change of contact carries the names of exercise alone (registration §4.9): nothing else of the situation is asked or kept.
fn checked_names(draft: SituationDraft, fields: &FieldContext<'_>) -> CheckedSection {
    let facts = SituationFacts { actor: ActorKind::Pro, person: None, structure: None, known: &[] };
    let SituationDraft { nom_exercice, prenom_exercice, .. } = draft;
    let names = SituationDraft { nom_exercice, prenom_exercice, ..SituationDraft::default() };
    let (_, mut findings) = check_situation(&names, &facts, fields);
    let is_name = |field: &str| matches!(field, "nomExercice" | "prenomExercice");
    findings.list.retain(|finding| is_name(finding.field));
    findings.normalised.retain(|(field, _)| is_name(field));
    let values = (!findings.has_errors()).then(|| SituationValues {
        name: findings.value("nomExercice").to_owned(),
        given_name: findings.value("prenomExercice").to_owned(),
        ..SituationValues::default()
    });
    CheckedSection { typed: TypedSection::Situation(names, values), findings, place: None, alike: None }
}

impl Registration {
    /// Saves a section as it was typed (04).
    pub(crate) async fn save_as(
        &self,
        actor: &CaseActor,
        number: &str,
        version: u64,
        draft: SectionDraft,
    ) -> Result<SteppedRequest, RegistrationStop> {
        draft.check_size()?;
        let section = draft.section();
        let mut step = CaseStep::new(RequestEvent::SaveSection { section, version });
        step.place = self.chosen_place(&draft).await?;
        step.section = Some(self.kept_values(number, draft).await?);
        self.act(number, actor, &step).await
    }

    /// A draft that changes nothing keeps what the checks made of it.
    async fn kept_values(&self, number: &str, draft: SectionDraft) -> Result<TypedSection, Error> {
        let Some(kept) = self.request(number).await? else { return Ok(draft.unchecked()) };
        let content = self.opened(&kept.value)?;
        Ok(match draft {
            SectionDraft::Civil(d) if d == content.civil => TypedSection::Civil(d, content.civil_values),
            SectionDraft::Contact(d) if d == content.contact => TypedSection::Contact(d, content.contact_values),
            SectionDraft::Situation(d) if d == content.situation => TypedSection::Situation(d, content.situation_values),
            SectionDraft::Closing(d) if d == content.closing => TypedSection::Closing(d, content.closing_values),
            other => other.unchecked(),
        })
    }

    /// The structure that a draft names, when the registry knows it.
    async fn chosen_place(&self, draft: &SectionDraft) -> Result<Option<RegisteredPlace>, Error> {
        match draft {
            SectionDraft::Situation(d) if !d.structure.trim().is_empty() => self.place_numbered(&d.structure).await,
            _ => Ok(None),
        }
    }

    /// Saves a section, runs its checks, and marks it valid when nothing stands open (05). Warnings count until they are
    /// acknowledged.
    pub(crate) async fn validate_as(
        &self,
        actor: &CaseActor,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        draft.check_size()?;
        let section = draft.section();
        let Some(kept) = self.request(number).await? else {
            let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
            return self.refused(actor.event("valider-section", number), hidden).await;
        };
        let content = self.opened(&kept.value)?;
        let checked = self.check(actor, &kept.value, &content, draft).await?;
        let open_points = checked.findings.open_points(acknowledged);
        let valid = open_points.is_empty();
        let event = if valid {
            RequestEvent::ValidateSection { section, version, open_points }
        } else {
            RequestEvent::SaveSection { section, version }
        };
        let mut step = CaseStep::new(event);
        // A structure beyond reach is told as a finding of its field; the draft stays where it was.
        step.place = checked.place.filter(|_| !checked.findings.codes().contains(&MessageCode::EPer01));
        step.section = Some(checked.typed);
        step.acknowledged = if valid { checked.findings.codes() } else { Vec::new() };
        let request = self.act(number, actor, &step).await?;
        if checked.alike.as_ref().is_some_and(EntryDisclosure::counts_as_outside_warning)
            && let Some(TypedSection::Civil(_, Some(values))) = &step.section
        {
            self.note_outside_warning(actor, number, values).await?;
        }
        Ok(SectionOutcome { request, findings: checked.findings, alike: checked.alike, valid })
    }

    /// Checks a draft without writing anything.
    pub(crate) async fn check(
        &self,
        actor: &CaseActor,
        row: &RequestRow,
        content: &RequestContent,
        draft: SectionDraft,
    ) -> Result<CheckedSection, Error> {
        let fields = self.fields();
        let nothing = |typed, findings| CheckedSection { typed, findings, place: None, alike: None };
        Ok(match draft {
            SectionDraft::Civil(draft) => {
                let (status, mut findings) = check_civil_status(&draft, &fields);
                let values = status.map(Into::into);
                let alike = match &values {
                    Some(values) => self.alike(actor, row, content, values).await?,
                    None => None,
                };
                if let Some(code) = alike.as_ref().and_then(EntryDisclosure::warning) {
                    findings.add("nomFamille", code, &[]);
                }
                CheckedSection { typed: TypedSection::Civil(draft, values), findings, place: None, alike }
            }
            SectionDraft::Contact(draft) => {
                // Looked up in the form in which it is kept.
                let (first, _) = check_contact(&draft, ContactUse::default(), &fields);
                let (email, mobile) = first.map(|contact| (contact.email, contact.mobile)).unwrap_or_default();
                let (email, mobile) = self.contact_used(&email, &mobile, row.subject.as_deref()).await?;
                let (contact, findings) = check_contact(&draft, ContactUse { email, mobile }, &fields);
                nothing(TypedSection::Contact(draft, contact.map(Into::into)), findings)
            }
            SectionDraft::Situation(draft) => self.check_situation_section(actor, row, content, draft).await?,
            SectionDraft::Closing(draft) => {
                let from = self.first_day(row).await?;
                let (closing, findings) = check_closing(&draft, from, actor.kind, false, &fields);
                let values = closing.map(|(end, reason)| ClosingValues { end: end.to_string(), reason });
                nothing(TypedSection::Closing(draft, values), findings)
            }
        })
    }

    /// Checks what a manager changes while instructing.
    pub(crate) async fn check_instruction(
        &self,
        actor: &CaseActor,
        row: &RequestRow,
        content: &RequestContent,
        draft: SituationDraft,
    ) -> Result<CheckedSection, Error> {
        self.check_situation_section(actor, row, content, draft).await
    }

    async fn check_situation_section(
        &self,
        actor: &CaseActor,
        row: &RequestRow,
        content: &RequestContent,
        draft: SituationDraft,
    ) -> Result<CheckedSection, Error> {
        let fields = self.fields();
        if row.kind == RequestKind::Coord.code() {
            return Ok(checked_names(draft, &fields));
        }
        let place = self.place_numbered(&draft.structure).await?;
        let within = match (&place, self.rights_of(actor).await?) {
            (Some(place), Some(rights)) => rights.contains(place),
            _ => true,
        };
        let chosen = place.as_ref().map(|place| place.chosen(self.is_public(place), within));
        let known = match &row.subject {
            Some(subject) => match self.person(subject).await? {
                Some(person) => person.known_situations_but(row.situation.as_deref()),
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        // The civil status is checked again rather than kept in two forms.
        let person: Option<CivilStatus> =
            content.civil_values.as_ref().and_then(|_| check_civil_status(&content.civil, &fields).0);
        // What is known of the structure names it by its leading number: FINESS, where a SIRET was typed.
        let mut named = draft.clone();
        if let Some(place) = &place {
            named.structure.clone_from(&place.number);
        }
        let facts = SituationFacts { actor: actor.kind, person: person.as_ref(), structure: chosen.as_ref(), known: &known };
        let (typed, mut findings) = check_situation(&named, &facts, &fields);
        let id = place.as_ref().map(|place| place.id.clone()).unwrap_or_default();
        let mut values = typed.map(|typed| SituationValues::of(typed, &id));
        // The employer attests: a professional who types the section does not.
        if needs_attestation(named.profession.trim()) && !actor.kind.is_professional() {
            let (attested, found) = check_home_help(&home_help_fields(&named), fields.today);
            findings.list.extend(found.list);
            values =
                values.zip(attested).map(|(values, attested)| SituationValues { home_help: Some(attested.into()), ..values });
        }
        Ok(CheckedSection { typed: TypedSection::Situation(named, values), findings, place, alike: None })
    }

    /// First day of the situation that a request is about.
    async fn first_day(&self, row: &RequestRow) -> Result<Day, Error> {
        let Some(subject) = &row.subject else { return Ok(Day::MIN) };
        let person = self.person(subject).await?;
        let id = row.situation.as_deref().unwrap_or_default();
        let from = person.iter().flat_map(|person| person.situations()).find(|(_, _, s)| s.id_situation_exercice == id);
        Ok(from.and_then(|(_, _, s)| parse_iso(&s.date_debut)).unwrap_or(Day::MIN))
    }

    /// What may be told of a registered person who is alike, to the one who typed the civil status (registration §8.2).
    pub(crate) async fn alike(
        &self,
        actor: &CaseActor,
        row: &RequestRow,
        content: &RequestContent,
        values: &crate::content::CivilValues,
    ) -> Result<Option<EntryDisclosure>, Error> {
        let Some(rights) = self.rights_of(actor).await?.filter(|_| row.subject.is_none()) else { return Ok(None) };
        let contact = content.contact_values.clone().unwrap_or_default();
        let sought = SoughtIdentity {
            traits: values.traits(),
            email: contact.email,
            mobile: contact.mobile,
            distinct: row.distinct.clone(),
            ..Default::default()
        };
        let today = self.today();
        let Some(best) = self.find_identity(&sought, today).await? else { return Ok(None) };
        let mut structures: Vec<String> = best.person.situations().map(|(_, _, s)| s.structure.clone()).collect();
        structures.dedup();
        let reached = self.places(&structures).await?.into_iter().filter(|place| rights.contains(place));
        let reached: Vec<String> = reached.map(|place| place.id).collect();
        let civil = best.person.merged.etat_civil.clone().unwrap_or_default();
        let place = match parse_iso(&civil.date_naissance) {
            Some(birth) if best.person.works_in(&reached, today) => MatchPlace::Inside {
                given_name: civil.prenoms.first().cloned().unwrap_or_default(),
                family_name: civil.nom_famille,
                birth,
                rpps: best.person.national_id.get(1..).unwrap_or_default().to_owned(),
            },
            _ => MatchPlace::Outside,
        };
        Ok(Some(disclosure(MatchClass::of(best.found.score), best.found.strict, &place)))
    }
}
