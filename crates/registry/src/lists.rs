//! Lists, counts and single requests, as managers see them (registration §4.3, §4.4, §14: each read of a file is audited).

use crate::acting::CaseActor;
use crate::content::RequestContent;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::ManagerRights;
use crate::limits::{DAYS_BACK_MAX, EXPORT_MAX, FINISHED_DAYS, LIST_PAGE_MAX, PAGE, PERIMETER_PLACES_MAX};
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::row::VersionedRow;
use crate::service::Registration;
use crate::session::ManagerSession;
use annuaire_store::{CaseFilter, CaseOrder, ListedCase};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, french, paris_day, paris_midnight, plus_days};
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft, SituationDraft};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::norm::norm;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::{Reach, RequestSection};
use annuaire_workflow::state::{Blocked, RequestHolder, RequestState};
use std::collections::BTreeMap;

/// A table of « Mes demandes d'enregistrement ».
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestTable {
    /// « Demandes en cours de saisie ».
    Drafts,
    /// « Demandes en cours d'instruction ».
    Instruction,
    /// « Demandes terminées (90 derniers jours) ».
    Finished,
}

/// What a list is searched by; every member that is filled must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Beginning of the family name.
    pub family: String,
    /// Beginning of the given name.
    pub given: String,
    /// FINESS or SIRET of a structure.
    pub structure: String,
    /// Words of the name of a structure.
    pub structure_name: String,
    /// Number of the request.
    pub number: String,
    /// « Statut »: among those of the table.
    pub state: Option<RequestState>,
    /// « Type ».
    pub kind: Option<RequestKind>,
    /// « Origine ».
    pub origin: Option<RequestOrigin>,
    /// « Déposée entre »: first day.
    pub from: Option<Day>,
    /// « Déposée entre »: last day.
    pub until: Option<Day>,
    /// « Ancienneté > n jours »: days since the status began, more than these.
    pub older_than_days: Option<u32>,
    /// The oldest first.
    pub oldest_first: bool,
    /// Lines before the page.
    pub offset: u32,
    /// Lines of the page, 100 at most.
    pub limit: u32,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRequest {
    /// « Numéro de demande ».
    pub number: String,
    /// « Date »: of the last change of the status, milliseconds since 1970 UTC.
    pub changed_ms: i64,
    /// « Nom »: family name in capitals and given name; empty once it was erased.
    pub name: String,
    /// « Etablissement »: number and name.
    pub place: String,
    /// « Rôle »: code of the terminology; empty while it is not chosen.
    pub role: String,
    /// « Type ».
    pub kind: RequestKind,
    /// « Statut ».
    pub state: RequestState,
    /// « Origine ».
    pub origin: RequestOrigin,
    /// Why it is frozen.
    pub blocked: Option<Blocked>,
    /// Its version, for an action on the line.
    pub version: u64,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPage {
    /// The lines.
    pub lines: Vec<ListedRequest>,
    /// How many there are in all.
    pub total: u64,
}

/// What waits for the authorities of a manager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ManagerTasks {
    /// « {n} demandes à traiter en tout » (registration §4.3): drafts, requests to instruct, and complements whose author is an authority.
    pub to_treat: u64,
    /// Departures that professionals declared.
    pub departures: u64,
    /// Everything else that professionals asked for.
    pub from_professionals: u64,
    /// « Enregistrements à vérifier »: situations that wait for a confirmation.
    pub reviews: u64,
    /// « Anomalies signalées ».
    pub anomalies: u64,
    /// « Identités à vérifier »: persons whom the civil register does not know.
    pub identities: u64,
    /// « Activités arrêtées par un décès corrigé ».
    pub ended_by_death: u64,
}

/// A request with everything that its form shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSheet {
    /// Its number.
    pub number: String,
    /// Its type.
    pub kind: RequestKind,
    /// Where it comes from.
    pub origin: RequestOrigin,
    /// Its state.
    pub state: RequestState,
    /// Why it is frozen.
    pub blocked: Option<Blocked>,
    /// « Corriger une erreur de saisie »: what the change replaces was never true.
    pub typing_error: bool,
    /// Whose turn it is.
    pub holder: RequestHolder,
    /// Its version, for the next form.
    pub version: u64,
    /// Instant of the last change.
    pub changed_ms: i64,
    /// The structure.
    pub place: Option<RegisteredPlace>,
    /// « Etat civil », as it was typed.
    pub civil: CivilDraft,
    /// « Données de contact », as they were typed.
    pub contact: ContactDraft,
    /// « Situation professionnelle », as it was typed.
    pub situation: SituationDraft,
    /// « Fermer la situation », as it was typed.
    pub closing: ClosingDraft,
    /// Sections that are not valid.
    pub open_sections: Vec<RequestSection>,
    /// Whether the professional entered the codes for the contact.
    pub contact_verified: bool,
    /// Whether no manager of the structure can instruct it yet.
    pub waits_for_manager: bool,
    /// Warnings that were acknowledged or kept.
    pub acknowledged: Vec<MessageCode>,
    /// Reasons that people typed, the oldest first.
    pub reasons: Vec<String>,
    /// RPPS number that it led to.
    pub rpps: Option<String>,
    /// « Pris en charge par »: national identification of the manager who acted first on the request of a professional.
    pub taken_by: Option<String>,
    /// Steps with their instants: the tracker of the request.
    pub steps: Vec<(i64, RequestState)>,
}

impl RequestTable {
    /// The states that it shows.
    #[must_use]
    pub fn states(self) -> Vec<RequestState> {
        use RequestState as S;
        match self {
            Self::Drafts => vec![S::S10, S::S25],
            Self::Instruction => vec![S::S20, S::S30, S::S35],
            Self::Finished => S::ALL.iter().copied().filter(|state| state.terminal()).collect(),
        }
    }
}

impl Registration {
    /// Structures of the perimeter that requests may be filed under, as far as the session shows them. Cost: one look-up for each rule of
    /// the perimeter, and the facts of its structures.
    pub(crate) async fn places_shown(&self, by: &ManagerSession) -> Result<Vec<RegisteredPlace>, Error> {
        let mut places = self.places_within(&self.rights(&by.person).await?).await?;
        places.retain(|place| by.shows(place));
        Ok(places)
    }

    /// Structures of a perimeter that requests may be filed under.
    pub(crate) async fn places_within(&self, rights: &ManagerRights) -> Result<Vec<RegisteredPlace>, Error> {
        let mut ids = Vec::new();
        for rule in rights.perimeter().rules() {
            match &rule.target {
                PerimeterTarget::Site(finess) => ids.push(format!("F{finess}")),
                PerimeterTarget::LegalEntity(finess) => {
                    ids.push(format!("F{finess}"));
                    ids.extend(self.settings.structures.sites_of(finess).await.map_err(Error::Structures)?);
                }
                PerimeterTarget::Establishment(number) | PerimeterTarget::Employer(number) => {
                    ids.push(format!("C{number}"));
                    ids.extend(self.ids_of_employer(number).await?);
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        // Each is asked again as it is today: a site that moved to another legal entity moved with its requests.
        let places = self.places(&ids).await?;
        Ok(places.into_iter().filter(|place| rights.contains(place)).collect())
    }

    async fn structures_of(&self, by: &ManagerSession) -> Result<Vec<String>, Error> {
        Ok(self.places_shown(by).await?.into_iter().map(|place| place.id).collect())
    }

    /// The open structures of the perimeter, by name, [`PERIMETER_PLACES_MAX`] at most: for the selector « Agir pour », the filter
    /// « Etablissement », and the first search of a new situation. Cost: one look-up for each rule of the perimeter, and the facts of
    /// its structures.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn perimeter_places(&self, by: &ManagerSession) -> Result<Vec<RegisteredPlace>, Error> {
        let mut places = self.places_shown(by).await?;
        places.retain(|place| place.is_open_on(self.today()));
        places.sort_by(|one, other| (norm(&one.name), &one.number).cmp(&(norm(&other.name), &other.number)));
        places.truncate(PERIMETER_PLACES_MAX);
        Ok(places)
    }

    /// The cases of a table among `structures`, those of the perimeter.
    async fn filter(&self, mut structures: Vec<String>, table: RequestTable, query: &RequestQuery) -> Result<CaseFilter, Error> {
        if !query.structure.trim().is_empty() {
            let wanted = self.place_numbered(&query.structure).await?.map(|place| place.id);
            structures.retain(|id| Some(id) == wanted.as_ref());
        }
        let wanted = norm(&query.structure_name);
        if !wanted.is_empty() {
            let named = self.places(&structures).await?.into_iter().filter(|place| norm(&place.name).contains(&wanted));
            structures = named.map(|place| place.id).collect();
        }
        let today = paris_day(self.now_ms());
        let finished = (table == RequestTable::Finished).then(|| plus_days(today, -FINISHED_DAYS));
        let mut states = table.states();
        states.retain(|state| query.state.is_none_or(|wanted| wanted == *state));
        let aged =
            query.older_than_days.map(|days| plus_days(today, -i32::try_from(days).unwrap_or(i32::MAX).min(DAYS_BACK_MAX)));
        Ok(CaseFilter {
            structures: Some(structures),
            states: Some(states.iter().map(|state| state.code().to_owned()).collect()),
            kinds: query.kind.map(|kind| vec![kind.code().to_owned()]),
            origins: query.origin.map(|origin| vec![crate::origin_code(origin).to_owned()]),
            number: Some(query.number.trim().to_owned()).filter(|number| !number.is_empty()),
            family: norm(&query.family),
            given: norm(&query.given),
            begun_from_ms: query.from.map(paris_midnight),
            begun_until_ms: query.until.map(|day| paris_midnight(plus_days(day, 1))),
            from_ms: finished.map(paris_midnight),
            until_ms: aged.map(paris_midnight),
            ..CaseFilter::default()
        })
    }

    /// Cases of a list, page by page.
    async fn listed(&self, filter: &CaseFilter, query: &RequestQuery, first: u32, most: usize) -> Result<Vec<ListedCase>, Error> {
        let order = if query.oldest_first { CaseOrder::OldestFirst } else { CaseOrder::NewestFirst };
        let mut all = Vec::new();
        while all.len() < most {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let page = count(most - all.len()).min(PAGE);
            let cases = self.registry().cases(filter, order, first.saturating_add(count(all.len())), page).await?;
            let whole = count(cases.len()) < page;
            all.extend(cases);
            if whole {
                break;
            }
        }
        Ok(all)
    }

    pub(crate) async fn lines(&self, cases: &[ListedCase]) -> Result<Vec<ListedRequest>, Error> {
        let mut ids: Vec<String> = cases.iter().map(|case| case.listing.structure.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let places: BTreeMap<String, RegisteredPlace> =
            self.places(&ids).await?.into_iter().map(|place| (place.id.clone(), place)).collect();
        cases.iter().map(|case| self.line(case, &places)).collect()
    }

    async fn audit_list(&self, by: &ManagerSession, event: &str, lines: usize) -> Result<(), Error> {
        let mut event = CaseActor::manager(by).event(event, "");
        event.detail = crate::service::with_member(&event.detail, "lines", &serde_json::json!(lines));
        self.audit(event).await
    }

    /// A table of requests of the perimeter (registration §4.4). Drafts of professionals are in none. Cost: the structures of the
    /// perimeter, one page and one count.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn requests(&self, by: &ManagerSession, table: RequestTable, query: &RequestQuery) -> Result<RequestPage, Error> {
        self.table(by, self.structures_of(by).await?, table, query).await
    }

    /// Several tables of requests, and [`ManagerTasks::to_treat`], of one look at the perimeter.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn request_tables(
        &self,
        by: &ManagerSession,
        asked: &[(RequestTable, RequestQuery)],
    ) -> Result<(Vec<RequestPage>, u64), Error> {
        let structures = self.structures_of(by).await?;
        let mut pages = Vec::with_capacity(asked.len());
        for (table, query) in asked {
            pages.push(self.table(by, structures.clone(), *table, query).await?);
        }
        Ok((pages, self.to_treat(structures).await?))
    }

    async fn table(
        &self,
        by: &ManagerSession,
        structures: Vec<String>,
        table: RequestTable,
        query: &RequestQuery,
    ) -> Result<RequestPage, Error> {
        let filter = self.filter(structures, table, query).await?;
        let cases = self.listed(&filter, query, query.offset, query.limit.clamp(1, LIST_PAGE_MAX) as usize).await?;
        let total = self.registry().case_counts(&filter).await?.values().sum();
        let lines = self.lines(&cases).await?;
        self.audit_list(by, "liste", lines.len()).await?;
        Ok(RequestPage { lines, total })
    }

    /// A whole table, for an export: [`EXPORT_MAX`] lines at most, whatever page the query asks. The export is audited.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn all_requests(
        &self,
        by: &ManagerSession,
        table: RequestTable,
        query: &RequestQuery,
    ) -> Result<Vec<ListedRequest>, Error> {
        let filter = self.filter(self.structures_of(by).await?, table, query).await?;
        let cases = self.listed(&filter, query, 0, EXPORT_MAX).await?;
        let mut lines = Vec::with_capacity(cases.len());
        for cases in cases.chunks(PAGE as usize) {
            lines.extend(self.lines(cases).await?);
        }
        self.audit_list(by, "export", lines.len()).await?;
        Ok(lines)
    }

    fn line(&self, case: &ListedCase, places: &BTreeMap<String, RegisteredPlace>) -> Result<ListedRequest, Error> {
        let kept: VersionedRow<RequestRow> = VersionedRow::of(&case.row)?;
        let content = self.opened(&kept.value)?;
        let facts = kept.value.facts(kept.version)?;
        let place = places.get(&kept.value.structure);
        let name = format!("{} {}", content.civil.nom_famille.to_uppercase(), content.civil.prenom1);
        Ok(ListedRequest {
            number: kept.value.number.clone(),
            changed_ms: case.listing.changed_ms,
            name: name.trim().to_owned(),
            place: place.map(|place| format!("{} - {}", place.number, place.name)).unwrap_or_default(),
            role: content.situation.role,
            kind: facts.kind,
            state: facts.state.unwrap_or(RequestState::S10),
            origin: facts.origin,
            blocked: facts.blocked,
            version: kept.version,
        })
    }

    async fn to_treat(&self, structures: Vec<String>) -> Result<u64, Error> {
        let structures = Some(structures);
        let of = |states: &[RequestState], origins: Option<Vec<String>>| CaseFilter {
            structures: structures.clone(),
            states: Some(states.iter().map(|state| state.code().to_owned()).collect()),
            origins,
            ..CaseFilter::default()
        };
        let by_authority = RequestOrigin::ALL.iter().filter(|origin| origin.by_authority());
        let origins = by_authority.map(|origin| crate::origin_code(*origin).to_owned()).collect();
        let waiting = [of(&[RequestState::S10, RequestState::S20], None), of(&[RequestState::S25], Some(origins))];
        let mut sum = 0;
        for filter in &waiting {
            sum += self.registry().case_counts(filter).await?.values().sum::<u64>();
        }
        Ok(sum)
    }

    /// What waits for the authorities of a manager, of one look at the perimeter. Cost: four counts, and three pages of rows for each structure.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn manager_tasks(&self, by: &ManagerSession) -> Result<ManagerTasks, Error> {
        let places = self.places_shown(by).await?;
        let structures: Vec<String> = places.iter().map(|place| place.id.clone()).collect();
        let to_treat = self.to_treat(structures.clone()).await?;
        let states = Some(vec![RequestState::S20.code().to_owned()]);
        let origins = Some(vec![crate::origin_code(RequestOrigin::Professional).to_owned()]);
        let all = CaseFilter { structures: Some(structures), states, origins, ..CaseFilter::default() };
        let departures = CaseFilter { kinds: Some(vec![RequestKind::Fin.code().to_owned()]), ..all.clone() };
        let departures = self.registry().case_counts(&departures).await?.values().sum();
        let from_professionals: u64 = self.registry().case_counts(&all).await?.values().sum();
        Ok(ManagerTasks {
            to_treat,
            departures,
            from_professionals: from_professionals.saturating_sub(departures),
            reviews: self.reviews_of(&places).await?,
            anomalies: self.anomalies_about(&places).await?,
            identities: self.identities_of(&places).await?,
            ended_by_death: self.ended_by_death_of(&places).await?,
        })
    }

    /// « Voir »: a request of the perimeter. The read is audited.
    ///
    /// # Errors
    /// E-PER-01 and E-PER-02 beyond the perimeter; E-REQ-06 for a number that there is not, and for the draft of a professional;
    /// the errors of the registry.
    pub async fn open_sheet(&self, by: &ManagerSession, number: &str) -> Result<RequestSheet, RegistrationStop> {
        let (kept, place) = self.request_within(by, number, "lire").await?;
        Ok(self.sheet(kept, place, ActorKind::Gae).await?)
    }

    /// A request that a manager may read, with its structure. The read is audited, and a refusal too.
    pub(crate) async fn request_within(
        &self,
        by: &ManagerSession,
        number: &str,
        name: &str,
    ) -> Result<(VersionedRow<RequestRow>, Option<RegisteredPlace>), RegistrationStop> {
        let event = CaseActor::manager(by).event(name, number);
        let hidden = || RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
        let Some(kept) = self.request(number).await? else { return self.refused(event, hidden()).await };
        let place = self.place(&kept.value.structure).await?;
        let rights = self.rights(&by.person).await?;
        let refused = match beyond(&rights.reach(place.as_ref())?) {
            None if kept.value.state == RequestState::S11.code() => Some(hidden()),
            other => other,
        };
        if let Some(refused) = refused {
            return self.refused(event, refused).await;
        }
        self.audit(event).await?;
        Ok((kept, place))
    }

    /// A request as its form shows it. Of a contact that somebody verified, managers see a mask.
    pub(crate) async fn sheet(
        &self,
        kept: VersionedRow<RequestRow>,
        place: Option<RegisteredPlace>,
        reader: ActorKind,
    ) -> Result<RequestSheet, Error> {
        let RequestContent { civil, mut contact, situation, closing, remarks, typing_error, .. } = self.opened(&kept.value)?;
        let row = kept.value;
        if reader == ActorKind::Gae && row.contact_verified {
            contact.email = annuaire_workflow::rights::masked_mail(&contact.email);
            contact.mobile = annuaire_workflow::rights::masked_mobile(&contact.mobile);
        }
        let facts = row.facts(kept.version)?;
        let state = facts.state.unwrap_or(RequestState::S10);
        let steps = row.trail.iter().filter_map(|step| Some((step.at_ms, RequestState::parse(&step.to)?))).collect();
        Ok(RequestSheet {
            number: row.number.clone(),
            kind: facts.kind,
            origin: facts.origin,
            state,
            blocked: facts.blocked,
            typing_error,
            holder: facts.holder(),
            version: kept.version,
            changed_ms: row.changed_ms,
            place,
            civil,
            contact,
            situation,
            closing,
            open_sections: facts.open_sections,
            contact_verified: row.contact_verified,
            waits_for_manager: row.waiting,
            acknowledged: row.acknowledged.iter().filter_map(|code| MessageCode::parse(code)).collect(),
            reasons: remarks.into_iter().map(|remark| remark.text).collect(),
            rpps: row.rpps,
            taken_by: row.taken_by,
            steps,
        })
    }
}

/// The refusal of what a perimeter answers about a structure; `None` within it.
pub(crate) fn beyond(reach: &Reach) -> Option<RegistrationRefusal> {
    match reach {
        Reach::Within => None,
        Reach::Outside => Some(RegistrationRefusal::plain(MessageCode::EPer01)),
        Reach::Ended { structure, on } => {
            let date = french(*on);
            let values = [("structure", structure.as_str()), ("date", date.as_str())];
            Some(RegistrationRefusal::filled(MessageCode::EPer02, &values))
        }
    }
}
