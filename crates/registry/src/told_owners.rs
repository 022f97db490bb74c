//! Who is told of something as the owner of what is stated: the managers of a local authority, the agents of an order or a regional agency.

use crate::error::Error;
use crate::grants::PlaceManagers;
use crate::notice::{NoticePeople, NoticeRecipient, NoticeValues};
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::PendingWrites;
use crate::service::Registration;
use annuaire_mos::owner::Facet;
use annuaire_nos::Nos;
use annuaire_workflow::day::{Day, french};
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};

/// An owner as people know it, with whom it is told through.
#[derive(Debug, Default)]
pub(crate) struct ToldOwner {
    /// What it is called.
    pub(crate) name: String,
    pub(crate) people: NoticePeople,
}

/// The name of an order or agency: its label of TRE_R60, else its code.
pub(crate) fn authority_label(code: &str) -> String {
    let found = Nos::embedded().table("TRE_R60").and_then(|table| table.get(code));
    found.map_or_else(|| code.to_owned(), |concept| concept.label.clone())
}

impl Registration {
    async fn recipients(&self, numbers: &[String]) -> Result<Vec<NoticeRecipient>, Error> {
        Ok(persons(self.registry(), numbers).await?.iter().map(Into::into).collect())
    }

    /// The managers of a structure.
    pub(crate) async fn told_place(&self, place: &RegisteredPlace) -> Result<ToldOwner, Error> {
        let managers = PlaceManagers::of(self.registry(), place, self.today()).await?.all();
        let mut told = ToldOwner { name: place.name.clone(), ..ToldOwner::default() };
        told.people.set(NoticeAudience::Managers, self.recipients(&managers).await?);
        Ok(told)
    }

    /// The agents of an order or agency, by its code.
    pub(crate) async fn told_agents(&self, code: &str) -> Result<ToldOwner, Error> {
        let agents: Vec<String> =
            self.settings.authority_agents.iter().filter(|(_, known)| *known == code).map(|(agent, _)| agent.clone()).collect();
        let mut told = ToldOwner { name: authority_label(code), ..ToldOwner::default() };
        told.people.set(NoticeAudience::Agents, self.recipients(&agents).await?);
        Ok(told)
    }

    /// Whoever answers for an owner of facts.
    pub(crate) async fn told_owner(&self, owner: &str) -> Result<ToldOwner, Error> {
        match self.place_of_owner(owner).await? {
            Some(place) => self.told_place(&place).await,
            None => self.told_agents(owner).await,
        }
    }

    /// Tells an owner that somebody whose civil status it states is not certifiable for long (G06). Nobody is named.
    pub(crate) async fn tell_uncertified(&self, writes: &mut PendingWrites, owner: &str, since: Day) -> Result<(), Error> {
        let told = self.told_owner(owner).await?;
        let mut values = NoticeValues::of("");
        values.set("structure", &told.name);
        values.set("date", &french(since));
        self.notify(writes, NoticeId::G06, &told.people, &values, self.now_ms())
    }

    /// Who is told when an authority takes over a civil status (registration §2.3): the person, and the managers of the structures that stated it.
    /// `None` when nobody else states one, or the authority does already.
    pub(crate) async fn told_of_takeover(
        &self,
        person: Option<&RegisteredPerson>,
        authority: &str,
    ) -> Result<Option<NoticePeople>, Error> {
        let facet = Facet::CivilStatus.to_string();
        let Some(person) = person else { return Ok(None) };
        let owners: Vec<&str> =
            person.facts.iter().filter(|fact| fact.key.facet == facet).map(|fact| fact.key.owner.as_str()).collect();
        if owners.is_empty() || owners.contains(&authority) {
            return Ok(None);
        }
        let mut managers = Vec::new();
        for owner in owners {
            if let Some(place) = self.place_of_owner(owner).await? {
                managers.extend(PlaceManagers::of(self.registry(), &place, self.today()).await?.all());
            }
        }
        managers.sort_unstable();
        managers.dedup();
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Managers, self.recipients(&managers).await?);
        people.set(NoticeAudience::Professional, vec![person.into()]);
        Ok(Some(people))
    }

    /// Tells of a civil status that an authority took over (N15).
    pub(crate) fn tell_takeover(&self, writes: &mut PendingWrites, people: &NoticePeople, authority: &str) -> Result<(), Error> {
        let mut values = NoticeValues::of("");
        let text = format!("l'autorité qui répond de l'état civil, désormais {}", authority_label(authority));
        values.set("liste", &text);
        self.notify(writes, NoticeId::N15, people, &values, self.now_ms())
    }
}
