//! Persons as registration needs them, out of the merged facts of the registry.

use crate::error::Error;
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, Provenance, consolidate, entity_key};
use annuaire_mos::owner::Owner;
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, EtatCivil, Objet, Professionnel, SituationExercice, Structure};
use annuaire_store::Registry;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits};
use annuaire_workflow::fields::KnownSituation;

/// Facet of contact data.
pub(crate) const CONTACT: &str = "contact";
/// Status of a registration with an order: not registered (TRE_R33).
const NOT_REGISTERED: &str = "N";

/// A person of the registry, with the facts as they stand.
#[derive(Debug, Clone)]
pub(crate) struct RegisteredPerson {
    /// National identification: type digit and number.
    pub(crate) national_id: String,
    /// All owners together.
    pub(crate) merged: Professionnel,
    pub(crate) cards: Vec<CarteProfessionnel>,
    pub(crate) mailboxes: Vec<BoiteLettresMss>,
    /// Who says what of it.
    pub(crate) provenance: Provenance,
    /// The facts, for those who change one.
    pub(crate) facts: Vec<Fact>,
    /// Transaction at which they were read.
    pub(crate) at: Tx,
}

/// A way to reach somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReachedAt {
    pub(crate) mail: String,
    pub(crate) mobile: String,
    /// First name, for the salutation.
    pub(crate) name: String,
}

/// The owners of facts. Cost: the rows that have a description.
async fn owners(registry: &dyn Registry) -> Result<Owners, Error> {
    let rows = registry.described_owners().await?;
    Ok(Owners::new(rows.iter().map(|row| (&row.code, &row.description)))?)
}

/// The entities of these keys, merged with all that is known of them, and their facts.
async fn merged(registry: &dyn Registry, keys: &[String]) -> Result<(Tx, Vec<Fact>, Vec<ConsolidatedEntity>), Error> {
    if keys.is_empty() {
        return Ok((Tx::NONE, Vec::new(), Vec::new()));
    }
    let at = registry.last_tx().await?;
    let facts = registry.facts_at(at, keys).await?;
    let entities = consolidate(facts.clone(), &owners(registry).await?, Perimeter::Restricted);
    Ok((at, facts, entities.into_values().collect()))
}

/// Persons by national identification, in any order; those that nobody knows are left out.
pub(crate) async fn persons(registry: &dyn Registry, national_ids: &[String]) -> Result<Vec<RegisteredPerson>, Error> {
    persons_or_faults(registry, national_ids).await?.into_iter().collect()
}

/// [`persons`], where one whose facts cannot be merged does not hide the others.
pub(crate) async fn persons_or_faults(
    registry: &dyn Registry,
    national_ids: &[String],
) -> Result<Vec<Result<RegisteredPerson, Error>>, Error> {
    let keys: Vec<String> = national_ids.iter().map(|id| entity_key::person(id)).collect();
    let (at, facts, entities) = merged(registry, &keys).await?;
    let mut all = Vec::new();
    for entity in entities {
        if let Some(fault) = entity.fault {
            all.push(Err(Error::Facts { entity: fault.entity, reason: fault.reason }));
            continue;
        }
        let ConsolidatedEntity { entity, professional: Some(merged), cards, mailboxes, provenance, .. } = entity else {
            continue;
        };
        let national_id = entity_key::number_of_person(&entity).unwrap_or_default().to_owned();
        let facts = facts.iter().filter(|fact| fact.key.entity == entity).cloned().collect();
        all.push(Ok(RegisteredPerson { national_id, merged, cards, mailboxes, provenance, facts, at }));
    }
    Ok(all)
}

/// A person by national identification.
pub(crate) async fn person(registry: &dyn Registry, national_id: &str) -> Result<Option<RegisteredPerson>, Error> {
    Ok(persons(registry, &[national_id.to_owned()]).await?.pop())
}

/// What is public of a person; `None` when nothing is.
pub(crate) async fn public_person(registry: &dyn Registry, national_id: &str) -> Result<Option<Professionnel>, Error> {
    let (at, key) = (registry.last_tx().await?, entity_key::person(national_id));
    let facts = registry.facts_at(at, std::slice::from_ref(&key)).await?;
    let owners = owners(registry).await?;
    let Some(entity) = consolidate(facts, &owners, Perimeter::Public).remove(&key) else { return Ok(None) };
    match entity.fault {
        Some(fault) => Err(Error::Facts { entity: fault.entity, reason: fault.reason }),
        None => Ok(entity.professional.filter(|public| !public.exercices.is_empty())),
    }
}

/// Structures by technical identifier; those that nobody knows, and those whose facts cannot be used, are left out.
pub(crate) async fn structures(registry: &dyn Registry, ids: &[String]) -> Result<Vec<Structure>, Error> {
    let keys: Vec<String> = ids.iter().filter(|id| !id.is_empty()).map(|id| entity_key::structure(id)).collect();
    let (_, _, entities) = merged(registry, &keys).await?;
    Ok(entities.into_iter().filter(|entity| entity.fault.is_none()).filter_map(|entity| entity.structure).collect())
}

impl RegisteredPerson {
    /// A number of which nothing stands, as of a transaction.
    pub(crate) fn nobody(national_id: &str, at: Tx) -> Self {
        Self {
            national_id: national_id.to_owned(),
            merged: Professionnel::default(),
            cards: Vec::new(),
            mailboxes: Vec::new(),
            provenance: Provenance::default(),
            facts: Vec::new(),
            at,
        }
    }

    /// The traits by which duplicates are found; `None` when no civil status is known.
    pub(crate) fn traits(&self) -> Option<IdentityTraits> {
        let civil = self.merged.etat_civil.as_ref()?;
        let mut other_names: Vec<String> = self.merged.exercices.iter().map(|e| e.nom_exercice.clone()).collect();
        other_names.retain(|name| !name.is_empty());
        other_names.dedup();
        let contact = self.verified_contact();
        Some(IdentityTraits {
            other_names,
            contacts: contact.into_iter().flat_map(|contact| [contact.mail, contact.mobile]).filter(|c| !c.is_empty()).collect(),
            ..civil_traits(civil)
        })
    }

    /// Whether somebody vouches for the civil status: INSEE or FranceConnect.
    pub(crate) fn is_certified(&self) -> bool {
        let status = self.merged.etat_civil.as_ref().map(|civil| civil.statut.as_str()).unwrap_or_default();
        annuaire_workflow::certification::CertificationState::parse(status).is_some_and(|state| state.is_certified())
    }

    /// Whether a day of death is known.
    pub(crate) fn is_deceased(&self) -> bool {
        self.merged.etat_civil.as_ref().is_some_and(|civil| !civil.date_deces.is_empty())
    }

    /// Whether an order knew the person and no longer does: its registration ended, or says « non inscrit ». The data does not tell
    /// a sanction from a resignation, so an arbiter asks.
    pub(crate) fn is_sanctioned(&self, today: Day) -> bool {
        let stands = |i: &&annuaire_mos::InscriptionOrdre| {
            i.statut != NOT_REGISTERED && parse_iso(&i.date_fin).is_none_or(|end| today <= end)
        };
        let all = &self.merged.inscriptions;
        all.iter().any(|i| !all.iter().filter(|other| other.ordre == i.ordre).any(|other| stands(&other)))
    }

    /// The contact that the professional verified: what only they may state.
    pub(crate) fn verified_contact(&self) -> Option<ReachedAt> {
        let own = Owner::person(&self.national_id).code;
        let fact = self.facts.iter().find(|fact| fact.key.owner == own && fact.key.facet == CONTACT)?;
        match serde_json::from_str(&fact.payload) {
            Ok(Objet::Contact { correspondance }) => Some(self.reached(&correspondance)),
            _ => None,
        }
    }

    /// Where the person is reached, verified or not.
    pub(crate) fn contact(&self) -> ReachedAt {
        self.reached(&self.merged.correspondance.clone().unwrap_or_default())
    }

    fn reached(&self, contact: &annuaire_mos::Coordonnees) -> ReachedAt {
        ReachedAt {
            mail: contact.courriel.clone(),
            mobile: contact.telephones.first().cloned().unwrap_or_default(),
            name: self.given_name(),
        }
    }

    /// First given name of exercise, else of the civil status.
    pub(crate) fn given_name(&self) -> String {
        let exercise = self.merged.exercices.iter().map(|e| e.prenom_exercice.clone()).find(|name| !name.is_empty());
        let civil = || self.merged.etat_civil.as_ref().and_then(|civil| civil.prenoms.first().cloned());
        exercise.or_else(civil).unwrap_or_default()
    }

    /// Given and family name of exercise, for those who may know them.
    pub(crate) fn full_name(&self) -> String {
        let exercise = self.merged.exercices.first();
        exercise.map(|e| format!("{} {}", e.prenom_exercice, e.nom_exercice)).unwrap_or_default()
    }

    /// Every situation, with the profession and category of its practice.
    pub(crate) fn situations(&self) -> impl Iterator<Item = (&str, &str, &SituationExercice)> {
        self.merged
            .exercices
            .iter()
            .flat_map(|e| e.situations.iter().map(move |s| (e.profession.as_str(), e.categorie_professionnelle.as_str(), s)))
    }

    /// The situations as the check of another one asks them; all but `changed`, when one of them changes.
    pub(crate) fn known_situations_but(&self, changed: Option<&str>) -> Vec<KnownSituation> {
        let known = |s: &SituationExercice| KnownSituation {
            structure: s.structure.get(1..).unwrap_or_default().to_owned(),
            profession: s.role.clone(),
            role: s.genre_activite.clone(),
            from: parse_iso(&s.date_debut).unwrap_or(Day::MIN),
            until: parse_iso(&s.date_fin),
        };
        let others = self.situations().filter(|(_, _, s)| Some(s.id_situation_exercice.as_str()) != changed);
        others.map(|(_, _, s)| known(s)).collect()
    }

    /// Whether the person works in a structure on a day.
    pub(crate) fn works_in(&self, structures: &[String], today: Day) -> bool {
        self.situations()
            .any(|(_, _, s)| structures.contains(&s.structure) && parse_iso(&s.date_fin).is_none_or(|end| today <= end))
    }
}

/// What a civil status says of an identity; it has neither other names nor contacts.
pub(crate) fn civil_traits(civil: &EtatCivil) -> IdentityTraits {
    let abroad = civil.commune_naissance.is_empty();
    IdentityTraits {
        family_name: civil.nom_famille.clone(),
        other_names: Vec::new(),
        given_names: civil.prenoms.clone(),
        birth: parse_iso(&civil.date_naissance),
        place: BirthPlace {
            commune: civil.commune_naissance.clone(),
            country: civil.pays_naissance.clone(),
            town: if abroad { civil.lieu_naissance.clone() } else { String::new() },
        },
        sex: civil.sexe_administratif.clone(),
        contacts: Vec::new(),
    }
}
