//! Consolidation of typical entities beside the rule of files alone, as it was before there were other owners.
//!
//! ```text
//! cargo bench -p annuaire-consolidate --bench typical
//! ```
//!
//! Both run in turn on the facts of a page, and the fastest of many rounds counts: a round lasts about a millisecond, so that the
//! fastest is one during which the machine did nothing else.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::{Owners, Perimeter, consolidate, public};
use annuaire_mos::owner::{FileSource, Owner, file_source};
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Entities of a page.
const ENTITIES: u32 = 100;
/// Rounds of each.
const ROUNDS: usize = 2_001;

fn main() {
    let owners = owners();
    println!("| Entities | Facts each | Perimeter | Before: ns an entity | Now: ns an entity | Now / before |");
    println!("|---|--:|---|--:|--:|--:|");
    let kinds: [(&str, MakeEntity); 3] =
        [("professionals", professional), ("structures", structure), ("professionals with a portal's situation", registered)];
    for (name, make) in kinds {
        for perimeter in [Perimeter::Public, Perimeter::Restricted] {
            let page: Vec<Fact> = (0..ENTITIES).flat_map(make).collect();
            let facts_of_files = page.iter().all(|f| file_source(&f.key.owner).is_some());
            let (mut before, mut now) = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                if facts_of_files {
                    before = before.min(timed(|facts| files_alone(facts, perimeter), &page));
                }
                now = now.min(timed(|facts| consolidate(facts, &owners, perimeter), &page));
            }
            let each = |d: Duration| d.as_nanos() / u128::from(ENTITIES);
            let facts = page.len() / ENTITIES as usize;
            if facts_of_files {
                let ratio = now.as_secs_f64() / before.as_secs_f64();
                println!("| {name} | {facts} | {perimeter:?} | {} | {} | {ratio:.2} |", each(before), each(now));
            } else {
                println!("| {name} | {facts} | {perimeter:?} | – | {} | – |", each(now));
            }
        }
    }
}

/// The facts of the entity with a number.
type MakeEntity = fn(u32) -> Vec<Fact>;

fn timed<T>(work: impl Fn(Vec<Fact>) -> T, page: &[Fact]) -> Duration {
    let facts = page.to_vec();
    let start = Instant::now();
    drop(black_box(work(black_box(facts))));
    start.elapsed()
}

fn owners() -> Owners {
    let employer = Owner::structure("1990000028");
    let files = annuaire_mos::owner::file_sources().iter().map(FileSource::owner);
    let rows = files.chain([employer]).map(|o| (o.code.clone(), serde_json::to_string(&o).unwrap_or_default()));
    Owners::new(rows).unwrap_or_default()
}

fn fact(owner: &str, entity: String, facet: &str, payload: String) -> Fact {
    let key = FactKey { owner: owner.to_owned(), entity, facet: facet.to_owned() };
    Fact { key, tx: Tx::new(1), payload, publication: Publication::Open }
}

/// A professional of the open files: person and situation, know-how, card, mailbox.
fn professional(n: u32) -> Vec<Fact> {
    let number = format!("8109990{n:05}");
    let entity = || format!("PP:{number}");
    let person = format!(
        r#"{{"objet":"professionnel","typeIdNatPp":"8","idPp":"109990{n:05}","idNatPs":"{number}","civilite":"M","exercices":[{{"profession":"10","categorieProfessionnelle":"C","civiliteExercice":"DR","nomExercice":"DUPONT","prenomExercice":"CAMILLE","savoirFaire":[{{"typeSavoirFaire":"S","code":"SM26"}}],"situations":[{{"idSituationExercice":"000000000000000{n:05}","modeExercice":"S","structure":"F990000028","role":"FON-01","genreActivite":"GENR01"}}]}}],"autoriteEnregistrement":"CNOM/CNOM/ARS"}}"#
    );
    let know = format!(
        r#"{{"objet":"professionnel","typeIdNatPp":"8","idPp":"109990{n:05}","idNatPs":"{number}","exercices":[{{"profession":"10","categorieProfessionnelle":"C","nomExercice":"DUPONT","prenomExercice":"CAMILLE","savoirFaire":[{{"typeSavoirFaire":"S","code":"SM26"}},{{"typeSavoirFaire":"C","code":"CM05"}}]}}]}}"#
    );
    let card = format!(
        r#"{{"objet":"cartes","cartes":[{{"numeroCarte":"28000{n:05}","typeCarte":"00","profession":"10","categorieProfessionnelle":"C","dateDebutValidite":"2024-01-01","dateFinValidite":"2027-01-01"}}]}}"#
    );
    let mailbox = format!(
        r#"{{"objet":"boitesLettres","boites":[{{"adresse":"camille.dupont.{n}@mssante.example","typeBal":"PER","profession":"10"}}]}}"#
    );
    vec![
        fact("cps", entity(), "", card),
        fact("mss", entity(), "", mailbox),
        fact("psla", entity(), "", person),
        fact("psla-sf", entity(), "", know),
    ]
}

/// The professional, and a situation that an employer states.
fn registered(n: u32) -> Vec<Fact> {
    let mut facts = professional(n);
    let situation = r#"{"objet":"situation","profession":"10","categorieProfessionnelle":"C","situation":{"idSituationExercice":"05","modeExercice":"S","structure":"F990000036","role":"FON-01","dateDebut":"2026-11-26"}}"#;
    facts.insert(0, fact("ENREG:1990000028", format!("PP:8109990{n:05}"), "situation:05", situation.to_owned()));
    facts
}

/// A structure of FINESS to which professionals point.
fn structure(n: u32) -> Vec<Fact> {
    let entity = || format!("ST:F9900{n:05}");
    let body = format!(
        r#""idTechnique":"F9900{n:05}","idNatStruct":"19900{n:05}","numSiret":"000001016{n:05}","numFiness":"9900{n:05}","numFinessEj":"990000019","raisonSociale":"CENTRE HOSPITALIER FICTIF","secteurActivite":"SA01","categorieEtablissement":"355","adresse":{{"numeroVoie":"12","typeVoie":"R","libelleVoie":"DES LILAS","bureauCedex":"99123 VILLE","codePostal":"99123","cogCommune":"99123","localite":"VILLE"}},"telephones":["0100000000"]"#
    );
    ["finess-eg", "psla"].map(|file| fact(file, entity(), "", format!(r#"{{"objet":"structure",{body}}}"#))).into()
}

/// An entity of the former rule.
#[derive(Default)]
struct FormerEntity {
    entity: String,
    professional: Option<Professionnel>,
    structure: Option<Structure>,
    cards: Vec<CarteProfessionnel>,
    mailboxes: Vec<BoiteLettresMss>,
}

/// The former rule: files by rank, without owners, facets and provenance.
fn files_alone(mut facts: Vec<Fact>, perimeter: Perimeter) -> BTreeMap<String, FormerEntity> {
    let rank = |fact: &Fact| file_source(&fact.key.owner).map_or(u8::MAX, |file| file.rank);
    facts.retain(|f| perimeter == Perimeter::Restricted || file_source(&f.key.owner).is_some_and(|file| file.open));
    facts.sort_by_key(rank);
    let mut all: BTreeMap<String, FormerEntity> = BTreeMap::new();
    for Fact { key, payload, .. } in facts {
        let merged =
            all.entry(key.entity).or_insert_with_key(|entity| FormerEntity { entity: entity.clone(), ..Default::default() });
        let object: serde_json::Result<Objet> = match payload.strip_prefix("{\"objet\":\"").and_then(|r| r.split('"').next()) {
            Some("professionnel") => serde_json::from_str(&payload).map(Objet::Professionnel),
            Some("structure") => serde_json::from_str(&payload).map(Objet::Structure),
            _ => serde_json::from_str(&payload),
        };
        match (object, perimeter == Perimeter::Public) {
            (Ok(Objet::Professionnel(p)), is_public) => {
                let p = if is_public { public::public_professional(p) } else { p };
                match &mut merged.professional {
                    Some(known) => known.merge(p),
                    None => merged.professional = Some(p),
                }
            }
            (Ok(Objet::Structure(s)), is_public) => {
                let s = if is_public { public::public_structure(s) } else { s };
                match &mut merged.structure {
                    Some(known) => known.merge(s),
                    None => merged.structure = Some(s),
                }
            }
            (Ok(Objet::Cartes { cartes }), is_public) => {
                for card in cartes {
                    let card = if is_public { public::public_card(card) } else { card };
                    if !merged.cards.iter().any(|c| c.numero_carte == card.numero_carte) {
                        merged.cards.push(card);
                    }
                }
            }
            (Ok(Objet::BoitesLettres { boites }), _) => merged.mailboxes.extend(boites),
            _ => {}
        }
    }
    for merged in all.values_mut() {
        black_box(&merged.entity);
        if let Some(professional) = &mut merged.professional {
            professional.exercices.retain(|e| !e.nom_exercice.is_empty());
        }
    }
    all
}
