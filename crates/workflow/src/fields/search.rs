//! « Rechercher l'établissement » (registration §4.5, §5.6): what may be asked, and what is said about the results.
//!
//! A Corsican FINESS number has a key that is not asked for (V-FINESS); A35 nevertheless expects W-STR-02 for one that leads to
//! nothing. So its doubt is said once the search is empty.

use super::finding::Findings;
use super::numbers::{FinessKey, finess, finess_key, siret};
use crate::limits::{SEARCH_NAME_MIN, STRUCTURES_MAX};
use crate::messages::MessageCode;
use crate::norm::norm;

/// The criteria as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StructureQuery {
    /// « Dénomination ».
    pub nom: String,
    /// « N° FINESS ».
    pub finess: String,
    /// « N° SIRET ».
    pub siret: String,
    /// « Code postal ».
    pub cp: String,
    /// « Commune ».
    pub commune: String,
}

/// Checks the criteria; the normalised values are what the caller searches.
#[must_use]
pub fn check_structure_search(query: &StructureQuery) -> Findings {
    let mut findings = Findings::default();
    let name = norm(&query.nom);
    if [&query.nom, &query.finess, &query.siret, &query.cp, &query.commune].iter().all(|text| text.trim().is_empty()) {
        findings.add("q.nom", MessageCode::EStr01, &[]);
        return findings;
    }
    if !name.is_empty() && name.chars().count() < SEARCH_NAME_MIN {
        let (min, max) = (SEARCH_NAME_MIN.to_string(), "80");
        findings.add("q.nom", MessageCode::EGen03, &[("min", &min), ("max", max)]);
    }
    findings.set("q.nom", &name);
    if !query.finess.trim().is_empty() {
        match finess(&query.finess) {
            Ok(number) => {
                if finess_key(&number) == FinessKey::Wrong {
                    findings.add("q.finess", MessageCode::WStr02, &[]);
                }
                findings.set("q.finess", &number);
            }
            Err(code) => findings.add("q.finess", code, &[]),
        }
    }
    if !query.siret.trim().is_empty() {
        match siret(&query.siret) {
            Ok(number) => findings.set("q.siret", &number),
            Err(code) => findings.add("q.siret", code, &[]),
        }
    }
    let code = query.cp.trim();
    if !code.is_empty() {
        let alone = name.is_empty() && query.commune.trim().is_empty();
        if code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit()) && !alone {
            findings.set("q.cp", code);
        } else {
            findings.add("q.cp", MessageCode::EStr06, &[]);
        }
    }
    findings.set("q.commune", &norm(&query.commune));
    findings
}

/// Adds what is said about the number of results, after the search that `asked` allowed.
pub fn check_structure_results(asked: &mut Findings, results: usize) {
    if results > STRUCTURES_MAX {
        asked.add("q.nom", MessageCode::EStr03, &[("n", &results.to_string())]);
    }
    if results > 0 {
        return;
    }
    let number = asked.value("q.finess").to_owned();
    if !number.is_empty() && finess_key(&number) == FinessKey::NotAsked {
        asked.add("q.finess", MessageCode::WStr02, &[]);
    }
    asked.add("q.nom", MessageCode::EStr02, &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_needs_a_criterion_that_can_be_read() {
        let codes = |query: StructureQuery| check_structure_search(&query).codes();
        assert_eq!(codes(StructureQuery::default()), [MessageCode::EStr01]);
        assert_eq!(codes(StructureQuery { nom: "ab".into(), ..Default::default() }), [MessageCode::EGen03]);
        assert!(codes(StructureQuery { nom: "É.H.P".into(), ..Default::default() }).is_empty());
        assert_eq!(codes(StructureQuery { finess: "990000011".into(), ..Default::default() }), [MessageCode::WStr02]);
        assert_eq!(codes(StructureQuery { finess: "99".into(), ..Default::default() }), [MessageCode::EStr04]);
        assert_eq!(codes(StructureQuery { siret: "1".into(), ..Default::default() }), [MessageCode::EStr05]);
        assert_eq!(codes(StructureQuery { cp: "97180".into(), ..Default::default() }), [MessageCode::EStr06]);
        assert_eq!(codes(StructureQuery { cp: "9718".into(), nom: "Essai".into(), ..Default::default() }), [MessageCode::EStr06]);
        assert!(codes(StructureQuery { cp: "97180".into(), commune: "Sainte-Anne".into(), ..Default::default() }).is_empty());
    }

    #[test]
    fn too_many_and_none() {
        let after = |results| {
            let mut findings = check_structure_search(&StructureQuery { nom: "Essai".into(), ..Default::default() });
            check_structure_results(&mut findings, results);
            findings.list.into_iter().map(|f| (f.code, f.text)).collect::<Vec<_>>()
        };
        assert!(after(100).is_empty());
        assert_eq!(after(101)[0].1, "Trop de résultats (101). Précisez votre recherche.");
        assert_eq!(after(0)[0].0, MessageCode::EStr02);
    }
}
