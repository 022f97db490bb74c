//! Structures as registration needs them, out of the merged facts of the registry.

use annuaire_mos::owner::Owner;
use annuaire_mos::{Adresse, Structure};
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::fields::{ChosenStructure, StructureQuery};
use annuaire_workflow::perimeter::{PerimeterTarget, StructureFacts, StructureRow};
use async_trait::async_trait;

/// A structure of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPlace {
    /// Technical identifier: `F990000010`.
    pub id: String,
    /// The number that people know: FINESS, else SIRET.
    pub number: String,
    /// National number with its type digit, which names the owner of what it states.
    pub national_number: String,
    /// What it is called.
    pub name: String,
    /// What a perimeter asks.
    pub facts: StructureRow,
    /// Whether it is a legal entity.
    pub is_legal_entity: bool,
    /// TRE_R66 category.
    pub category: String,
    /// TRE_R72 legal status.
    pub legal_status: String,
    /// Ordinary mail of the structure.
    pub mail: String,
    /// Its address on one line, for people who choose between structures of one name.
    pub address: String,
}

impl RegisteredPlace {
    /// The structure of merged facts.
    #[must_use]
    pub fn of(s: &Structure) -> Self {
        let siret = s.num_siret.clone();
        let siren = if s.num_siren.is_empty() { siret.get(..9).unwrap_or_default().to_owned() } else { s.num_siren.clone() };
        let number = [&s.num_finess, &s.num_siret].into_iter().find(|n| !n.is_empty()).cloned();
        let number = number.unwrap_or_else(|| s.id_technique.get(1..).unwrap_or_default().to_owned());
        let national_number = match (s.num_finess.is_empty(), siret.is_empty()) {
            (false, _) => format!("1{}", s.num_finess),
            (true, false) => format!("3{siret}"),
            (true, true) => s.id_nat_struct.clone(),
        };
        let closed = parse_iso(&s.date_fermeture).or(s.ferme.then_some(Day::MIN));
        let name = if s.raison_sociale.is_empty() { &s.enseigne_commerciale } else { &s.raison_sociale };
        Self {
            id: s.id_technique.clone(),
            number,
            national_number,
            name: name.clone(),
            facts: StructureRow {
                finess: s.num_finess.clone(),
                siret,
                siren,
                legal_entity: if s.entite_juridique { String::new() } else { s.num_finess_ej.clone() },
                opened: parse_iso(&s.date_ouverture),
                closed,
            },
            is_legal_entity: s.entite_juridique,
            category: s.categorie_etablissement.clone(),
            legal_status: s.statut_juridique.clone(),
            mail: s.courriel.clone(),
            address: address_line(&s.adresse),
        }
    }

    /// What a habilitation on this structure itself is for.
    #[must_use]
    pub fn target(&self) -> PerimeterTarget {
        match (self.facts.finess.is_empty(), self.is_legal_entity) {
            (false, true) => PerimeterTarget::LegalEntity(self.facts.finess.clone()),
            (false, false) => PerimeterTarget::Site(self.facts.finess.clone()),
            (true, _) => PerimeterTarget::Establishment(self.facts.siret.clone()),
        }
    }

    /// Every target whose perimeter may contain the structure, the nearest first.
    #[must_use]
    pub fn covering(&self) -> Vec<PerimeterTarget> {
        let mut all = vec![self.target()];
        if !self.facts.legal_entity.is_empty() {
            all.push(PerimeterTarget::LegalEntity(self.facts.legal_entity.clone()));
        }
        if self.facts.finess.is_empty() && !self.facts.siren.is_empty() {
            all.push(PerimeterTarget::Employer(self.facts.siren.clone()));
        }
        all
    }

    /// The owner of what the structure states of its staff.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::structure(&self.national_number)
    }

    /// What the check of a situation asks.
    #[must_use]
    pub fn chosen(&self, public: bool, within_reach: bool) -> ChosenStructure {
        ChosenStructure {
            number: self.number.clone(),
            opened: self.facts.opened,
            closed: self.facts.closed,
            category: self.category.clone(),
            public,
            within_reach,
        }
    }

    /// Whether it is open on a day.
    #[must_use]
    pub fn is_open_on(&self, day: Day) -> bool {
        self.facts.is_open_on(day)
    }
}

/// An address on one line: street, postal code and town.
fn address_line(a: &Adresse) -> String {
    let words = |parts: &[&String]| {
        let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    };
    let street = words(&[&a.numero_voie, &a.extension, &a.type_voie, &a.libelle_voie]);
    let town = if a.localite.trim().is_empty() { words(&[&a.bureau_cedex]) } else { words(&[&a.code_postal, &a.localite]) };
    [street, town].into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Finds structures by what the registry has no key for. The program answers from its index.
#[async_trait]
pub trait StructureSearch: Send + Sync {
    /// Technical identifiers of the sites that a legal entity had or has. The caller looks at each of them again, so that one
    /// too many does no harm; one that is missing hides its requests.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn sites_of(&self, legal_entity: &str) -> Result<Vec<String>, String>;

    /// Technical identifiers of the structures with this SIRET, or for which this SIREN (nine digits) is stated. The caller finds those that
    /// are known by their SIRET alone.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn by_siret(&self, number: &str) -> Result<Vec<String>, String>;

    /// Technical identifiers by name, postal code and commune, the best first; at most `limit`.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn named(&self, query: &StructureQuery, limit: usize) -> Result<Vec<String>, String>;

    /// A page of the national identifications of people with an open situation in a structure, in an order that one state of the index
    /// keeps, and how many there are. The caller looks at each of them again.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn persons_of(&self, structure: &str, offset: u32, limit: u32) -> Result<(Vec<String>, u64), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_covered_by_itself_and_its_legal_entity() {
        let site = RegisteredPlace::of(&Structure {
            id_technique: "F990000010".into(),
            num_finess: "990000010".into(),
            num_finess_ej: "990000002".into(),
            num_siret: "99900000300015".into(),
            raison_sociale: "Foyer d'essai".into(),
            ..Default::default()
        });
        assert_eq!((site.number.as_str(), site.owner().code.as_str()), ("990000010", "ENREG:1990000010"));
        assert_eq!(site.facts.siren, "999000003");
        assert_eq!(
            site.covering(),
            [PerimeterTarget::Site("990000010".into()), PerimeterTarget::LegalEntity("990000002".into())]
        );
    }

    #[test]
    fn an_employer_without_finess_is_known_by_its_siret_and_a_closed_one_is_closed() {
        let place = RegisteredPlace::of(&Structure {
            id_technique: "C99900000300023".into(),
            num_siret: "99900000300023".into(),
            ferme: true,
            ..Default::default()
        });
        assert_eq!((place.number.as_str(), place.owner().code.as_str()), ("99900000300023", "ENREG:399900000300023"));
        assert!(!place.is_open_on(annuaire_workflow::day::parse_iso("2026-01-01").unwrap()));
        assert_eq!(place.covering()[1], PerimeterTarget::Employer("999000003".into()));
    }
}
