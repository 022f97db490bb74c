//! Structures and their people as the public store finds them, for registration: by postings alone, with bounded work.
//!
//! What is committed and not published yet is not found here; registration itself finds a structure by its FINESS number in the registry.

use crate::limits::{STRUCTURE_SEARCH_EFFORT, STRUCTURE_SITES, STRUCTURE_STAFF};
use annuaire_base::text::fold;
use annuaire_fhir::ids;
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, param_id};
use annuaire_fhir::systems::{IDNPS, SIRENE};
use annuaire_index::{Error, Filter, Index, RoaringBitmap, Row, Snapshot};
use annuaire_registry::StructureSearch;
use annuaire_terms::ParamId;
use annuaire_web::ServedStore;
use annuaire_workflow::fields::StructureQuery;
use async_trait::async_trait;
use serde_json::Value;

const ACTIVE: ParamId = param_id("Organization", "active");
const IDENTIFIER: ParamId = param_id("Organization", "identifier");
const NAME: ParamId = param_id("Organization", "name");
const CITY: ParamId = param_id("Organization", "address-city");
const POSTAL_CODE: ParamId = param_id("Organization", "address-postalcode");
const PART_OF: ParamId = param_id("Organization", "partof");
const ROLE_ACTIVE: ParamId = param_id("PractitionerRole", "active");
const ROLE_PRACTITIONER: ParamId = param_id("PractitionerRole", "practitioner");
const ROLE_ORGANIZATION: ParamId = param_id("PractitionerRole", "organization");

/// Finds structures in the public store that is served.
pub(crate) struct PublishedStructures(ServedStore<Index>);

impl PublishedStructures {
    pub(crate) fn new(store: ServedStore<Index>) -> Self {
        Self(store)
    }

    /// Reads one state of the store on a thread for blocking work.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, String> {
        let store = self.0.get();
        let read = move || {
            let snapshot = store.snapshot()?.within(STRUCTURE_SEARCH_EFFORT);
            work(&snapshot)
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(Error::Exhausted)) => Err("the search is too wide: a longer name or a postal code narrows it down".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the reader ended".to_owned()),
        }
    }
}

#[async_trait]
impl StructureSearch for PublishedStructures {
    async fn sites_of(&self, legal_entity: &str) -> Result<Vec<String>, String> {
        let target = organization(&format!("F{}", legal_entity.trim()));
        self.read(move |snapshot| {
            let rows = snapshot.search(ORGANIZATION, &Filter::Reference { param: PART_OF, target })?;
            technical_ids(snapshot, &rows, STRUCTURE_SITES)
        })
        .await
    }

    async fn by_siret(&self, number: &str) -> Result<Vec<String>, String> {
        let number = number.to_owned();
        self.read(move |snapshot| {
            let with_number = Filter::Token { param: IDENTIFIER, system: Some(SIRENE.to_owned()), code: Some(number) };
            let rows = snapshot.search(ORGANIZATION, &with_number)?;
            technical_ids(snapshot, &rows, STRUCTURE_SITES)
        })
        .await
    }

    async fn named(&self, query: &StructureQuery, limit: usize) -> Result<Vec<String>, String> {
        let query = query.clone();
        self.read(move |snapshot| named(snapshot, &query, limit)).await
    }

    async fn persons_of(&self, structure: &str, offset: u32, limit: u32) -> Result<(Vec<String>, u64), String> {
        let place = organization(structure);
        self.read(move |snapshot| {
            let there = Filter::Reference { param: ROLE_ORGANIZATION, target: place };
            let filter = Filter::Has {
                source_type: PRACTITIONER_ROLE,
                param: ROLE_PRACTITIONER,
                target_name: "Practitioner".to_owned(),
                filter: Box::new(Filter::And(vec![active(ROLE_ACTIVE), there])),
            };
            let rows = snapshot.search(PRACTITIONER, &filter)?;
            let mut found: Vec<String> = Vec::new();
            for row in rows.iter().skip(offset as usize).take(limit.min(STRUCTURE_STAFF) as usize) {
                found.extend(national_id(snapshot.read(Row::new(row))?.body()).filter(|id| !found.contains(id)));
            }
            Ok((found, rows.len()))
        })
        .await
    }
}

/// The reference to the Organization of a structure.
fn organization(id_technique: &str) -> String {
    format!("Organization/{}", ids::organization_id(id_technique))
}

/// Resources that are active; `param` is that parameter of their type.
fn active(param: ParamId) -> Filter {
    Filter::Token { param, system: None, code: Some("true".to_owned()) }
}

/// The national identification in the body of a Practitioner.
fn national_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let identifiers = body["identifier"].as_array()?;
    let national = identifiers.iter().find(|identifier| identifier["system"] == IDNPS)?;
    national["value"].as_str().map(str::to_owned)
}

/// Technical identifiers of the first `most` rows.
fn technical_ids(snapshot: &Snapshot, rows: &RoaringBitmap, most: usize) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for row in rows.iter().take(most) {
        // An id that is a hash is that of a structure without a number by which anybody is habilitated.
        all.extend(ids::structure_of(snapshot.read(Row::new(row))?.id()).map(str::to_owned));
    }
    Ok(all)
}

/// Structures by name, postal code and town. With a name, the postal code narrows to its department and ranks by nearness; without one it
/// is wanted as it is. The first are those of exactly this name, then those whose name begins so; within each, those of the postal
/// code, then those of its first three digits (registration §5.6).
fn named(snapshot: &Snapshot, query: &StructureQuery, limit: usize) -> Result<Vec<String>, Error> {
    let (name, town, postal_code) = (fold(&query.nom), fold(&query.commune), query.cp.trim());
    let mut filters = vec![active(ACTIVE)];
    for word in name.split(' ').filter(|word| !word.is_empty()) {
        filters.push(match word.chars().count() {
            // Nothing narrows down where a word this short stands.
            0..=2 => continue,
            _ => Filter::Contains { param: NAME, value: word.to_owned() },
        });
    }
    let prefix = |param, value: &str| Filter::Prefix { param, value: value.to_owned() };
    if filters.len() == 1 && !name.is_empty() {
        filters.push(prefix(NAME, &name));
    }
    if !town.is_empty() {
        filters.push(prefix(CITY, &town));
    }
    if !postal_code.is_empty() {
        filters.push(prefix(POSTAL_CODE, if name.is_empty() { postal_code } else { department(postal_code) }));
    }
    if filters.len() == 1 {
        return Ok(Vec::new());
    }
    let all = snapshot.search(ORGANIZATION, &Filter::And(filters))?;
    let among = |filter| Ok::<_, Error>(&*all & &*snapshot.search(ORGANIZATION, &filter)?);
    let mut nearness = vec![(*all).clone()];
    for digits in [3, 5] {
        if let Some(beginning) = postal_code.get(..digits) {
            nearness.insert(0, among(prefix(POSTAL_CODE, beginning))?);
        }
    }
    let mut likeness = vec![(*all).clone()];
    if !name.is_empty() {
        likeness.insert(0, among(prefix(NAME, &name))?);
        // Of all texts that begin so, none but the text itself comes before one that goes on with the least sign.
        let exact = Filter::Between { param: NAME, from: Some(name.clone()), before: Some(format!("{name}\u{1}")) };
        likeness.insert(0, among(exact)?);
    }
    let (mut ranked, mut taken) = (Vec::new(), RoaringBitmap::new());
    for like in &likeness {
        for near in &nearness {
            if ranked.len() < limit {
                let tier = (like & near) - &taken;
                ranked.extend(technical_ids(snapshot, &tier, limit - ranked.len())?);
                taken |= tier;
            }
        }
    }
    Ok(ranked)
}

/// The digits of a postal code that tell its department.
fn department(postal_code: &str) -> &str {
    let digits = if postal_code.starts_with("97") || postal_code.starts_with("98") { 3 } else { 2 };
    postal_code.get(..digits).unwrap_or(postal_code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_base::Tx;
    use annuaire_fhir::professional::full_forms;
    use annuaire_fhir::{Guide, Perimeter, View, organization::full_form};
    use annuaire_mos::{Adresse, ExerciceProfessionnel, Professionnel, SituationExercice, Structure};
    use std::sync::Arc;

    const VIEW: View = View { guide: Guide::V120, perimeter: Perimeter::Public };

    fn structure(finess: &str, name: &str, postal_code: &str, town: &str) -> Structure {
        Structure {
            id_technique: format!("F{finess}"),
            num_finess: finess.into(),
            num_finess_ej: "990000002".into(),
            num_siret: format!("99900000{}", &finess[3..]),
            num_siren: "999000003".into(),
            raison_sociale: name.into(),
            adresse: Adresse { code_postal: postal_code.into(), localite: town.into(), ..Default::default() },
            ..Default::default()
        }
    }

    fn person(national_id: &str, structure: &str, ended: bool) -> Professionnel {
        let situation = SituationExercice {
            id_situation_exercice: national_id.into(),
            mode_exercice: "S".into(),
            structure: structure.into(),
            ..Default::default()
        };
        let exercice = ExerciceProfessionnel {
            profession: "60".into(),
            categorie_professionnelle: "C".into(),
            situations: if ended { Vec::new() } else { vec![situation] },
            ..Default::default()
        };
        Professionnel {
            type_id_nat_pp: "8".into(),
            id_pp: national_id[1..].into(),
            id_nat_ps: national_id.into(),
            exercices: vec![exercice],
            ..Default::default()
        }
    }

    fn search() -> (PublishedStructures, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let index = annuaire_publish::open(dir.path(), 64 << 20, VIEW).unwrap();
        let entity = Structure {
            id_technique: "F990000002".into(),
            num_finess: "990000002".into(),
            entite_juridique: true,
            raison_sociale: "ETABLISSEMENT PUBLIC D'ESSAI".into(),
            ..Default::default()
        };
        let closed = Structure { ferme: true, ..structure("990000051", "CLINIQUE DES LILAS", "35000", "RENNES") };
        let structures = [
            entity,
            structure("990000010", "CLINIQUE DES LILAS ET DU PARC", "35000", "RENNES"),
            structure("990000028", "Clinique des Lilas", "35400", "SAINT MALO"),
            structure("990000036", "GRANDE CLINIQUE DES LILAS", "35000", "RENNES"),
            structure("990000044", "CLINIQUE DES LILAS", "57000", "METZ"),
            closed,
        ];
        let people = [
            person("899900000029", "F990000010", false),
            person("899900000037", "F990000010", false),
            person("899900000045", "F990000010", true),
            person("899900000011", "F990000028", false),
        ];
        let mut forms: Vec<_> = structures.iter().map(|s| full_form(VIEW, s, &[])).collect();
        forms.extend(people.iter().flat_map(|p| full_forms(VIEW, p, &[], &[])));
        let mut preparer = index.preparer(Tx::new(1), 1_700_000_000_000).unwrap();
        let prepared: Vec<_> = forms.into_iter().map(|form| preparer.prepare(form)).collect();
        index.apply(Tx::new(1), 1_700_000_000_000, prepared.into_iter()).unwrap();
        (PublishedStructures::new(ServedStore::new(Arc::new(index))), dir)
    }

    fn query(name: &str, postal_code: &str, town: &str) -> StructureQuery {
        StructureQuery { nom: name.into(), cp: postal_code.into(), commune: town.into(), ..Default::default() }
    }

    #[tokio::test]
    async fn the_exact_name_comes_first_then_its_beginning_then_the_nearest() {
        let (search, _dir) = search();
        let named = async |name: &str, postal_code: &str, town: &str, limit| {
            search.named(&query(name, postal_code, town), limit).await.unwrap()
        };
        assert_eq!(named("clinique des lilas", "", "", 10).await, ["F990000028", "F990000044", "F990000010", "F990000036"]);
        assert_eq!(named("Clinique des Lilas", "35000", "", 10).await, ["F990000028", "F990000010", "F990000036"]);
        assert_eq!(named("lilas clinique", "35400", "", 10).await, ["F990000028", "F990000010", "F990000036"]);
        assert_eq!(named("lilas", "", "Saint-Malo", 10).await, ["F990000028"]);
        assert_eq!(named("", "35000", "rennes", 10).await, ["F990000010", "F990000036"]);
        assert_eq!(named("clinique des lilas", "", "", 2).await, ["F990000028", "F990000044"]);
        assert!(named("", "", "", 10).await.is_empty());
        assert!(named("les tilleuls", "", "", 10).await.is_empty());
    }

    #[tokio::test]
    async fn sites_are_found_by_legal_entity_and_by_siret_or_siren() {
        let (search, _dir) = search();
        let mut sites = search.sites_of("990000002").await.unwrap();
        sites.sort_unstable();
        assert_eq!(sites, ["F990000010", "F990000028", "F990000036", "F990000044", "F990000051"]);
        assert!(search.sites_of("990000010").await.unwrap().is_empty());
        assert_eq!(search.by_siret("99900000000028").await.unwrap(), ["F990000028"]);
        assert_eq!(search.by_siret("999000003").await.unwrap().len(), 5);
        assert!(search.by_siret("9990000").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn people_of_a_structure_are_those_with_a_role_there() {
        let (search, _dir) = search();
        let (found, total) = search.persons_of("F990000010", 0, 50).await.unwrap();
        assert_eq!((found, total), (vec!["899900000029".to_owned(), "899900000037".to_owned()], 2));
        let (found, total) = search.persons_of("F990000010", 1, 1).await.unwrap();
        assert_eq!((found, total), (vec!["899900000037".to_owned()], 2));
        assert_eq!(search.persons_of("F990000044", 0, 50).await.unwrap(), (Vec::new(), 0));
    }
}
