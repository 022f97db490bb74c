//! What each perimeter gets.

use crate::common::{World, files_of, texts};
use annuaire_consolidate::Perimeter;
use annuaire_exchange::Options;
use annuaire_extract::{ExtractOptions, NationalFile};

const RESTRICTED_SAMPLES: [&str; 4] = [
    "PS_LibreAcces_202610080942.zip",
    "Porteurs_CPS_CPF_202610080946.zip",
    "Extraction_Correspondance_MSSante_202610080951.zip",
    "Extraction_ProSanteConnect_Personne_activite_202610081201.zip",
];

/// Values of civil status and contact data of the samples, opposition of a card, number in a chip.
const SECRETS: [&str; 5] = ["ÉCHANTILLON", "14/02/1971", "contact010@courriel.example", "12/05/2025", "0991091018"];

#[test]
fn the_public_extraction_has_nothing_of_restricted_data() {
    let world = World::of_samples(&RESTRICTED_SAMPLES);
    let (dir, _) = world.extract("public", world.last(), &ExtractOptions::default());
    let public = texts(&dir);
    assert!(public.keys().all(|name| !name.contains("ProSanteConnect")));
    for secret in SECRETS {
        assert!(public.values().all(|t| !t.contains(secret)), "{secret}");
    }
    let restricted = ExtractOptions { perimeter: Perimeter::Restricted, ..Default::default() };
    let (dir, _) = world.extract("restricted", world.last(), &restricted);
    let all: String = texts(&dir).into_values().collect();
    for secret in SECRETS {
        assert!(all.contains(secret), "{secret}");
    }
}

#[test]
fn the_file_of_the_identity_provider_comes_back() {
    let world = World::of_samples(&RESTRICTED_SAMPLES[3..]);
    let only = vec![NationalFile::ProSanteConnect];
    let options = ExtractOptions { perimeter: Perimeter::Restricted, only, ..Default::default() };
    let (dir, _) = world.extract("psc", world.last(), &options);
    let again = World::new();
    let report = again.import(&files_of(&dir));
    assert_eq!((report.quarantined, report.missing.len()), (0, 0));
    let (one, two) = (world.entities(Perimeter::Restricted), again.entities(Perimeter::Restricted));
    assert_eq!(one.len(), two.len());
    for (key, known) in &one {
        let read = &two[key];
        // The authority of a person without activity is in none of the columns that such a line has.
        let without_authority = |e: &annuaire_consolidate::ConsolidatedEntity| {
            let mut p = e.professional.clone();
            for p in p.iter_mut().filter(|p| p.exercices.iter().all(|e| e.situations.is_empty())) {
                p.autorite_enregistrement.clear();
            }
            p
        };
        assert_eq!(without_authority(known), without_authority(read), "{key}");
        let mut structure = known.structure.clone();
        // Files with `|` hold no quotes.
        structure.iter_mut().for_each(|s| s.raison_sociale = s.raison_sociale.replace('"', ""));
        assert_eq!(structure, read.structure, "{key}");
    }
}

#[test]
fn a_restricted_extraction_in_open_layouts_is_never_taken_for_open_data() {
    let world = World::of_samples(&RESTRICTED_SAMPLES);
    let options = ExtractOptions { perimeter: Perimeter::Restricted, ..Default::default() };
    let (dir, report) = world.extract("restricted", world.last(), &options);
    assert_eq!(report.perimeter, "restricted");
    let mut refused = 0;
    for path in files_of(&dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains("ProSanteConnect") {
            continue;
        }
        assert!(name.starts_with("Restreint_"), "{name}");
        let result = annuaire_exchange::import(&World::new().registry, &[path], &Options::default());
        let reason = result.unwrap_err().to_string();
        assert!(reason.contains("open data"), "{name}: {reason}");
        refused += 1;
    }
    assert!(refused >= 3, "{refused}");
}

/// Positions are restricted data, and their file with them; what FINESS says of establishments comes back.
#[test]
fn positions_are_in_the_restricted_perimeter() {
    let world = World::of_samples(&crate::extractions::OPEN_SAMPLES);
    let options = ExtractOptions { perimeter: Perimeter::Restricted, ..Default::default() };
    let (dir, _) = world.extract("restricted", world.last(), &options);
    let texts = texts(&dir);
    let text = &texts["Restreint_etalab_cs1100507_stock"];
    let sample = std::fs::read_to_string(crate::common::sample("finess/etalab-cs1100507-stock-20260512-0343.csv")).unwrap();
    // But for the day of the position, which the registry does not keep.
    let positions = |t: &str| -> Vec<String> {
        let lines = t.lines().filter(|l| l.starts_with("geolocalisation;"));
        let mut all: Vec<String> = lines.map(|l| l.rsplit_once(';').unwrap().0.to_owned()).collect();
        all.sort();
        all
    };
    assert!(!positions(text).is_empty());
    assert_eq!(positions(text), positions(&sample));
    let mut lines: Vec<&str> = sample.lines().filter(|l| l.starts_with("structureet;")).collect();
    lines.sort_unstable();
    let written: Vec<&str> = text.lines().filter(|l| l.starts_with("structureet;")).collect();
    // Codes, names, numbers and days, without labels.
    let codes = |l: &str| -> Vec<String> {
        let labels = [14, 19, 20, 21, 25, 27];
        let mut fields: Vec<&str> = l.split(';').collect();
        // The registry keeps the second line of a name as the long one, when there is none.
        let second = std::mem::take(&mut fields[5]);
        if fields[4].is_empty() {
            fields[4] = second;
        }
        fields.iter().enumerate().filter(|(at, _)| !labels.contains(at)).map(|(_, f)| (*f).to_owned()).collect()
    };
    assert_eq!(written.len(), lines.len());
    for (written, line) in written.iter().zip(&lines) {
        assert_eq!(codes(written), codes(line));
    }
}

/// An entity with a fact that cannot be used is left out, and said: its other facts alone would contradict it.
#[test]
fn what_cannot_be_made_is_told() {
    use annuaire_base::fact::{FactKey, Publication};
    use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
    let world = World::of_samples(&["PS_LibreAcces_202610080942.zip"]);
    let mut unit = world.registry.begin().unwrap();
    unit.set_owner(&OwnerRow { code: "stranger".into(), description: String::new() }).unwrap();
    let key = FactKey { owner: "stranger".into(), entity: "PP:810999000010".into(), facet: String::new() };
    let payload = Some(r#"{"objet":"professionnel","idNatPs":"810999000010"}"#.to_owned());
    unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).unwrap();
    let clock = CommitClock { now_ms: &|| crate::common::NOW_MS + 1, any_clock: false };
    unit.save(&Cause::new(Channel::Operator, "test", "a test"), clock).unwrap();
    let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
    assert_eq!(report.faults, 1);
    assert!(report.notes.iter().any(|n| n.contains("PP:810999000010") && n.contains("stranger")), "{:?}", report.notes);
    assert!(!texts(&dir)["PS_LibreAcces_Personne_activite"].contains("810999000010"));
}
