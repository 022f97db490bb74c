//! Every sample of the national formats imports, with exactly the oddities that were planted in it.

#![allow(clippy::unwrap_used)]

use annuaire_exchange::{FileReport, Options, Report, import};
use annuaire_mos::{Objet, Professionnel, Structure};
use annuaire_store::BlockingRegistry;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct World {
    registry: BlockingRegistry,
    _dir: tempfile::TempDir,
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { registry: annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap(), _dir: dir }
    }

    fn import(&self, names: &[&str]) -> Report {
        let files: Vec<PathBuf> = names.iter().map(|n| sample(n)).collect();
        import(&self.registry, &files, &Options::default()).unwrap_or_else(|e| panic!("{names:?}: {e}"))
    }

    fn get(&self, entity: &str, source: &str) -> Option<Objet> {
        let tx = self.registry.last_tx().unwrap();
        let objects = self.registry.facts_at(tx, &[entity.to_owned()]).unwrap();
        objects.into_iter().find(|o| o.key.owner == source).map(|o| serde_json::from_str(&o.payload).unwrap())
    }

    fn person(&self, number: &str, source: &str) -> Professionnel {
        match self.get(&format!("PP:{number}"), source) {
            Some(Objet::Professionnel(p)) => p,
            other => panic!("{number} of {source}: {other:?}"),
        }
    }

    fn structure(&self, id: &str, source: &str) -> Structure {
        match self.get(&format!("ST:{id}"), source) {
            Some(Objet::Structure(s)) => s,
            other => panic!("{id} of {source}: {other:?}"),
        }
    }

    fn activity(&self, id: &str) -> annuaire_mos::ActiviteAutorisee {
        for source in ["finess-as", "finess-eml", "finess-soc"] {
            if let Some(Objet::Activite(a)) = self.get(&format!("AC:{id}"), source) {
                return a;
            }
        }
        panic!("{id}")
    }
}

/// One number for all objects of the registry.
fn fingerprint(registry: &BlockingRegistry) -> String {
    let tx = registry.last_tx().unwrap();
    let (objects, end) = registry.standing(tx, "", 1_000_000).unwrap();
    assert_eq!(end, None);
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for o in objects {
        for text in [o.key.owner, o.key.entity, o.payload] {
            hash.update(text.as_bytes());
            hash.update(&[0]);
        }
    }
    format!("{:032x}", hash.digest128())
}

/// Sample, format of its only text, lines, exact duplicates, registry objects that it makes in an empty registry.
const SAMPLES: &[(&str, &str, u64, u64, u64)] = &[
    ("ExtractionMonoTable_CAT18_ToutePopulation_202011241543.csv", "ExtractionMonoTable_CAT18_ToutePopulation", 37, 2, 51),
    ("Extraction_Correspondance_MSSante_202610080850.txt", "Extraction_Correspondance_MSSante", 30, 0, 26),
    ("Extraction_Correspondance_MSSante_202610080951.zip", "Extraction_Correspondance_MSSante", 30, 0, 26),
    (
        "Extraction_ProSanteConnect_Personne_activite_202107010900_49col_latin1.txt",
        "Extraction_ProSanteConnect_Personne_activite",
        39,
        0,
        59,
    ),
    ("Extraction_ProSanteConnect_Personne_activite_202610081201.txt", "Extraction_ProSanteConnect_Personne_activite", 39, 0, 59),
    ("Extraction_ProSanteConnect_Personne_activite_202610081201.zip", "Extraction_ProSanteConnect_Personne_activite", 39, 0, 59),
    ("Extraction_Pro_sante_connect_202610081300.txt", "Extraction_Pro_sante_connect", 49, 0, 65),
    ("PS_LibreAcces_Dipl_AutExerc_202610080843.txt", "PS_LibreAcces_Dipl_AutExerc", 29, 1, 25),
    ("PS_LibreAcces_Personne_activite_202104080843_52col.txt", "PS_LibreAcces_Personne_activite", 40, 1, 59),
    ("PS_LibreAcces_Personne_activite_202610080843.txt", "PS_LibreAcces_Personne_activite", 40, 1, 59),
    ("PS_LibreAcces_SavoirFaire_202610080843.txt", "PS_LibreAcces_SavoirFaire", 24, 1, 11),
    ("Porteurs_CPS_CPF_202610080845.txt", "Porteurs_CPS_CPF", 29, 0, 28),
    ("Porteurs_CPS_CPF_202610080946.zip", "Porteurs_CPS_CPF", 29, 0, 28),
    ("bascule_adeli_rpps.csv", "bascule ADELI RPPS", 22, 0, 21),
    ("finess/etalab-cs1100501-stock-20260512-0339.csv", "FINESS cs1100501", 21, 0, 21),
    ("finess/etalab-cs1100502-stock-20260512-0339.csv", "FINESS cs1100502", 22, 0, 41),
    ("finess/etalab-cs1100503-stock-20260512-0340.csv", "FINESS cs1100503", 24, 0, 36),
    ("finess/etalab-cs1100504-stock-20260512-0341.csv", "FINESS cs1100504", 20, 0, 30),
    ("finess/etalab-cs1100505-stock-20260512-0342.csv", "FINESS cs1100505", 20, 0, 27),
    ("finess/etalab-cs1100507-stock-20260512-0343.csv", "FINESS cs1100507", 43, 0, 62),
    ("finess/etalab_stock_et_20251231.csv", "etalab_stock_et", 22, 0, 41),
    ("finess-plus/finess-activites-journalier-20261008.json", "FINESS+ activités", 21, 0, 47),
    ("finess-plus/finess-activites-journalier-20261008.json.gz", "FINESS+ activités", 21, 0, 47),
    ("finess-plus/finess-structures-journalier-20261008.json", "FINESS+ structures", 24, 0, 46),
    ("finess-plus/finess-structures-journalier-20261008.json.gz", "FINESS+ structures", 24, 0, 46),
    ("ameli/liste-cds-20261004-232544.csv", "liste-cds (Ameli)", 21, 0, 21),
    ("ameli/liste-ps-20261004-232512.csv", "liste-ps (Ameli)", 22, 0, 22),
    ("restreint/Extraction_Certificat_PM_202610080500.csv", "Extraction_Certificat_PM", 20, 0, 20),
    ("restreint/Extraction_Certificat_PP_202610080500.csv", "Extraction_Certificat_PP", 26, 0, 26),
    ("restreint/Extraction_RPPS_DernierCodeADELI_202610080500.csv", "Extraction_RPPS_DernierCodeADELI", 6, 0, 6),
    ("restreint/Extraction_RPPS_Profil1_Activite_202610080500.csv", "Activite", 31, 0, 25),
    ("restreint/Extraction_RPPS_Profil1_AdresseMSSante_202610080500.csv", "AdresseMSSante", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_AttribPart_202610080500.csv", "AttribPart", 20, 0, 20),
    ("restreint/Extraction_RPPS_Profil1_AutExerc_202610080500.csv", "AutExerc", 3, 0, 3),
    ("restreint/Extraction_RPPS_Profil1_AutreDiplObt_202610080500.csv", "AutreDiplObt", 20, 0, 20),
    ("restreint/Extraction_RPPS_Profil1_CartePro_202610080500.csv", "CartePro", 26, 0, 25),
    ("restreint/Extraction_RPPS_Profil1_CoordAct_202610080500.csv", "CoordAct", 31, 0, 25),
    ("restreint/Extraction_RPPS_Profil1_CoordCorresp_202610080500.csv", "CoordCorresp", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_CoordStructGeoloc_202610080500.csv", "CoordStructGeoloc", 20, 0, 20),
    ("restreint/Extraction_RPPS_Profil1_CoordStruct_202610080500.csv", "CoordStruct", 20, 0, 20),
    ("restreint/Extraction_RPPS_Profil1_DiplObt_202610080500.csv", "DiplObt", 24, 0, 21),
    ("restreint/Extraction_RPPS_Profil1_EtatCiv_202610080500.csv", "EtatCiv", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_ExercPro_202610080500.csv", "ExercPro", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_Langue_202610080500.csv", "Langue", 27, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_Personne_202610080500.csv", "Personne", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_ReferAe_202610080500.csv", "ReferAe", 26, 0, 26),
    ("restreint/Extraction_RPPS_Profil1_SavoirFaire_202610080500.csv", "SavoirFaire", 23, 0, 11),
    ("restreint/Extraction_RPPS_Profil1_Structure_202610080500.csv", "Structure", 24, 0, 20),
];

/// Samples that are recognised and hold no facts of this registry.
const LEFT_OUT: &[&str] = &[
    "pscload_rapport_des_echecs_de_bascule.csv",
    "restreint/Extraction_RPPS_Profil1_Sanction_202610080500.csv",
    "finess/finess_cs1400102_stock_20261008-0330.xml",
    "finess/finess_cs1400102_stock_20261008-0330.xml.gz",
    "ameli/ps-infospratiques.csv",
    "ameli/ps-tarifs.csv",
];

/// Oddities that a report counts, by sample; all other samples have none.
fn expected_oddities(name: &str) -> BTreeMap<String, u64> {
    let list: &[(&str, u64)] = if name.contains("finess-activites") {
        &[("AMSR under its former name ASMR", 2), ("age that is a year", 2)]
    } else if name.contains("finess-structures") {
        &[
            ("address of use that is not the first", 1),
            ("class of the former NAF", 1),
            ("closed entity", 2),
            ("coordinates exchanged", 26),
            ("establishment without SIRET", 2),
            ("group member that is not in the file", 1),
            ("group number under its spring 2026 name", 1),
            ("padded text", 20),
            ("phone field with two numbers", 1),
        ]
    } else if name.contains("MonoTable") {
        &[("row without a structure number, whose place is not kept", 5)]
    } else {
        &[]
    };
    list.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()
}

#[test]
fn every_sample_imports_and_only_the_planted_oddities_are_reported() {
    let mut listed = 0;
    for (name, format, lines, duplicates, objects) in SAMPLES {
        listed += 1;
        let report = World::new().import(&[name]);
        let [FileReport { .. }] = report.files.as_slice() else { panic!("{name}: {:?}", report.files) };
        let f = &report.files[0];
        assert_eq!((f.format.as_str(), f.lines, f.duplicates), (*format, *lines, *duplicates), "{name}");
        assert_eq!((f.rejected, f.wrong_keys, report.created), (0, 0, *objects), "{name}: {:?}", f.rejected_lines);
        assert_eq!(f.unknown_columns, Vec::<String>::new(), "{name}");
        assert_eq!(f.oddities, expected_oddities(name), "{name}");
        // The one code that no terminology holds was planted with quotes and a semicolon in its label.
        let codes: Vec<_> = f.unknown_codes.iter().collect();
        let planted = name.contains("AutreDiplObt");
        assert_eq!(codes.len(), usize::from(planted), "{name}: {codes:?}");
    }
    for name in LEFT_OUT {
        listed += 1;
        let report = World::new().import(&[name]);
        assert!(!report.files[0].left_out.is_empty() && report.tx.is_none(), "{name}");
    }
    // The three open files about professionals come in one archive stamped later than its members.
    let report = World::new().import(&["PS_LibreAcces_202610080942.zip"]);
    assert_eq!((report.files.len(), report.created), (3, 95));
    listed += 1;
    let mut present = 0;
    for dir in ["", "finess", "finess-plus", "ameli", "restreint"] {
        present += std::fs::read_dir(sample(dir)).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
    }
    assert_eq!(listed, present, "a sample is not tested");
}

#[test]
fn all_samples_of_one_day_import_in_one_call() {
    let w = World::new();
    let mut names: Vec<&str> = SAMPLES
        .iter()
        .map(|s| s.0)
        .filter(|n| !n.ends_with(".zip") && !n.ends_with(".gz") && !n.contains("52col") && !n.contains("49col"))
        .filter(|n| !n.contains("Pro_sante_connect") && !n.starts_with("finess/"))
        .collect();
    names.extend(LEFT_OUT);
    let report = w.import(&names);
    assert_eq!(report.tx.map(|tx| tx.get()), Some(1));
    assert_eq!(w.registry.verify().unwrap(), Vec::<String>::new());
    // When this changes on purpose, raise the version of the assembler: registries hold what the one before made.
    assert_eq!(fingerprint(&w.registry), "dce90cc3ecf58480a1e87a246430be76");
    // Neither the objects nor the report depend on the number of threads.
    for threads in [1, 3] {
        let other = World::new();
        let files: Vec<PathBuf> = names.iter().map(|n| sample(n)).collect();
        let same = import(&other.registry, &files, &Options { threads, ..Options::default() }).unwrap();
        assert_eq!(serde_json::to_string(&same).unwrap(), serde_json::to_string(&report).unwrap());
        assert_eq!(fingerprint(&other.registry), fingerprint(&w.registry));
    }
    let again = w.import(&names);
    assert_eq!((again.tx, again.created, again.changed, again.ended), (None, 0, 0, 0));
}

#[test]
fn legacy_finess_files_import_together_and_507_repeats_502() {
    let w = World::new();
    let files: Vec<&str> = SAMPLES.iter().map(|s| s.0).filter(|n| n.starts_with("finess/etalab-")).collect();
    assert_eq!(files.len(), 6);
    let report = w.import(&files);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert_eq!(fingerprint(&w.registry), "184d4fca2a281da773317563fb5b99dc", "see above");
    assert!(report.notes[0].contains("cs1100507") && report.notes[0].contains("finess-eg"));
    // Overseas departments, Corsica, a number with a letter, and Œ in Windows-1252.
    assert_eq!(w.structure("F2A0999025", "finess-eg").adresse.cog_commune, "2A004");
    assert_eq!(w.structure("F990000812", "finess-eg").raison_sociale, "HOPITAL CŒUR DE L'EXEMPLE");
    let overseas: Vec<String> =
        ["F970499026", "F970199016"].iter().map(|id| w.get(&format!("ST:{id}"), "finess-eg")).map(commune).collect();
    assert!(overseas.iter().any(|c| c.starts_with("97")), "{overseas:?}");
    // A place without coordinates keeps its other facts.
    let position = |o: Option<Objet>| matches!(o, Some(Objet::Structure(s)) if s.adresse.position.is_some());
    assert!(position(w.get("ST:F990000820", "finess-geo")));
}

fn commune(o: Option<Objet>) -> String {
    match o {
        Some(Objet::Structure(s)) => s.adresse.cog_commune,
        _ => String::new(),
    }
}

#[test]
fn oddities_of_the_activity_file() {
    let w = World::new();
    w.import(&["PS_LibreAcces_202610080942.zip", "Extraction_Correspondance_MSSante_202610080850.txt"]);
    // 2: two activities × two savoir-faire are four lines for one person.
    let testier = w.person("810999000010", "psla");
    assert_eq!((testier.exercices[0].situations.len(), testier.exercices[0].savoir_faire.len()), (2, 2));
    // 3: a person without any activity; 4: an activity without structure.
    assert!(w.person("810999000135", "psla").exercices[0].situations.is_empty());
    let volante = w.person("810999000234", "psla").exercices[0].situations[0].clone();
    assert_eq!((volante.structure.as_str(), volante.mode_exercice.as_str(), volante.role.as_str()), ("", "L", "FON-22"));
    // 5: three people still under type 0, one with a Corsican number.
    assert_eq!(w.person("02A2899983", "psla").type_id_nat_pp, "0");
    // 6: civil and exercise titles, categories.
    assert_eq!(w.person("810999000192", "psla").civilite, "MLLE");
    assert_eq!(w.person("810999000101", "psla").exercices[0].categorie_professionnelle, "E");
    assert_eq!(w.person("810999000093", "psla").exercices[0].civilite_exercice, "MC");
    // 7 and 8: a role of the second nomenclature and a kind of activity that is not care.
    let role = w.person("810999000168", "psla").exercices[0].situations[0].clone();
    assert_eq!((role.role.as_str(), role.genre_activite.as_str()), ("310", "GENR11"));
    // 9: a foreign address; 11: only the sixth postal line.
    let clinic = w.structure("R10199900000009", "psla");
    assert_eq!(
        (clinic.adresse.pays.as_str(), clinic.adresse.code_postal.as_str(), clinic.adresse.numero_voie.as_str()),
        ("99132", "GL", "P")
    );
    assert_eq!((clinic.adresse.cog_commune.as_str(), clinic.adresse.bureau_cedex.as_str()), ("", "GL 5O 2QJ CHELTENHAM"));
    // 10: a CEDEX line while the commune has an ordinary code.
    let hospital = w.structure("F990000028", "psla");
    assert_eq!((hospital.adresse.bureau_cedex.as_str(), hospital.adresse.cog_commune.as_str()), ("57085 METZ CEDEX 03", "57463"));
    // 12: quotes in a name; 13: trailing spaces; 14: two technical ids for one SIRET.
    assert_eq!(w.structure("R10199900000003", "psla").raison_sociale, "SELARL \"CARDIO ESSAI\" D'ARMOR");
    assert_eq!(w.structure("F990000317", "psla").raison_sociale, "EHPAD LES TILLEULS D'ESSAI");
    assert_eq!(w.structure("R10199900000003", "psla").num_siret, w.structure("R10199900000033", "psla").num_siret);
    // 15: an authority with empty parts.
    assert_eq!(w.person("810999000119", "psla").autorite_enregistrement, "CNOM");
    assert_eq!(clinic.autorite_enregistrement, "");
    // Mailboxes: two for one person, one of them on two lines; ORG without any person.
    let Some(Objet::BoitesLettres { boites }) = w.get("PP:810999000010", "mss") else { panic!() };
    let mut addresses: Vec<_> = boites.iter().map(|b| b.adresse.as_str()).collect();
    addresses.dedup();
    assert_eq!((boites.len(), addresses.len()), (3, 2));
    assert!(w.get("ST:F2A0999025", "mss").is_some() && w.get("NS:300000101600013", "mss").is_some());
}

#[test]
fn oddities_of_cards_and_of_the_restricted_family() {
    let w = World::new();
    w.import(&[
        "Porteurs_CPS_CPF_202610080845.txt",
        "restreint/Extraction_RPPS_Profil1_AutreDiplObt_202610080500.csv",
        "restreint/Extraction_RPPS_Profil1_Structure_202610080500.csv",
        "restreint/Extraction_RPPS_Profil1_EtatCiv_202610080500.csv",
        "restreint/Extraction_RPPS_Profil1_Activite_202610080500.csv",
        "restreint/Extraction_RPPS_Profil1_CoordAct_202610080500.csv",
        "Extraction_ProSanteConnect_Personne_activite_202610081201.txt",
        "bascule_adeli_rpps.csv",
    ]);
    let mut cards = Vec::new();
    let tx = w.registry.last_tx().unwrap();
    let entities = w.registry.changed_entities(tx, "", 1_000).unwrap();
    for o in w.registry.facts_at(tx, &entities).unwrap() {
        if let Objet::Cartes { cartes } = serde_json::from_str(&o.payload).unwrap() {
            cards.extend(cartes);
        }
    }
    assert_eq!(cards.iter().filter(|c| !c.date_opposition.is_empty()).count(), 1, "one opposed card");
    assert!(cards.iter().any(|c| c.id_nat_carte == "0991091018"), "a chip that still holds the ADELI number");
    assert!(cards.iter().any(|c| c.type_carte == "01" && c.numero_carte == "9990099999"), "a holder unknown elsewhere");
    assert_eq!(w.person("810999000010", "r-autrediplobt").diplomes[0].code_diplome, "AUT199", "quotes and ; inside a field");
    assert!(!w.structure("R10199900000001", "r-structure").entite_juridique, "a practice written twice, EJ and EG, is a place");
    // 17: born in a commune that no longer exists; 18: given names joined by apostrophes with a trailing pair.
    let civil = |p: Professionnel| p.etat_civil.unwrap();
    assert_eq!(civil(w.person("810999000010", "r-etatciv")).prenoms, ["Camille", "Rose", "Ève"]);
    let mut communes = Vec::new();
    for e in entities.iter().filter(|e| e.starts_with("PP:8")) {
        if let Some(Objet::Professionnel(p)) = w.get(e, "psc") {
            let c = civil(p);
            assert!(c.prenoms.iter().all(|n| !n.is_empty()));
            communes.push(c.commune_naissance);
        }
    }
    assert!(communes.contains(&"01340".to_owned()));
    // Activity and its contact points meet under the national number of the activity.
    let (a, c) = (w.person("810999000010", "r-activite"), w.person("810999000010", "r-coordact"));
    assert_eq!(a.exercices[0].situations[0].id_situation_exercice, "990000001");
    let mut merged = a;
    merged.merge(c);
    let first = &merged.exercices[0].situations[0];
    assert!(first.coordonnees.is_some() && first.date_debut == "2015-01-01" && first.structure == "R10199900000001");
    // Switch-over: the ADELI number lives on as another identifier.
    assert_eq!(w.person("810999000010", "bascule").identifiants_alternatifs[0].id_nat_ps, "0991091018");
}

#[test]
fn oddities_of_finess_plus() {
    let w = World::new();
    w.import(&[
        "finess-plus/finess-structures-journalier-20261008.json",
        "finess-plus/finess-activites-journalier-20261008.json",
    ]);
    let site = w.structure("F990000028", "finess-eg");
    // The address of activity (03) comes after the reception's (06); the northing was in X.
    assert_eq!((site.adresse.libelle_voie.as_str(), site.adresse.lieu_dit.as_str()), ("DE LA DEMONSTRATION", "CS 30001"));
    let p = site.adresse.position.unwrap();
    assert_eq!((p.latitude.as_str(), p.x.as_str(), p.y.as_str()), ("49.119300", "931100.00", "6895300.00"));
    let ej = w.structure("F990000010", "finess-ej");
    assert_eq!((ej.raison_sociale.as_str(), ej.entite_juridique), ("CH D'ESSAI", true), "padding is cut");
    assert_eq!(w.structure("F990000820", "finess-eg").telephones, ["0465710025", "0465710026"]);
    // Complementary levels, 80 places and their 79 accredited ones, which must not be summed.
    let social = w.activity("500019");
    assert_eq!(social.autorisee.nature, "ASMR");
    let place = &social.exercees[0];
    assert_eq!((place.capacite, place.capacite_installee, place.capacite_installee_habilitee), (Some(80), Some(80), Some(79)));
    let scanner = w.activity("500005");
    assert_eq!((scanner.autorisee.marque.as_str(), scanner.exercees[0].marque.as_str()), ("MARQUE FICTIVE", ""));
    assert_eq!(scanner.exercees[0].num_finess, "990000028");
    assert_eq!(scanner.exercees[0].date_mise_en_oeuvre, "2016-06-01");
}

#[test]
fn a_feed_of_resources_is_kept_and_only_a_whole_one_ends_what_it_does_not_name() {
    let w = World::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("feed.ndjson");
    let line = |id: &str, v: u32| {
        format!("{{\"resourceType\":\"Organization\",\"id\":\"{id}\",\"meta\":{{\"versionId\":\"{v}\"}},\"name\":\"CH\"}}\n")
    };
    let load = |w: &World, text: String, full: bool| {
        std::fs::write(&path, text).unwrap();
        let options = Options { full_feed: full, ..Options::default() };
        import(&w.registry, std::slice::from_ref(&path), &options).unwrap()
    };
    let first = load(&w, line("a", 3) + &line("b", 7) + "{\"resourceType\":\"Patient\",\"id\":\"x\"}\n", true);
    assert_eq!((first.created, first.files[0].rejected), (2, 1), "an unknown type is named, the rest goes on");
    let second = load(&w, line("b", 8), false);
    assert_eq!((second.changed, second.ended), (1, 0));
    let third = load(&w, line("b", 8), true);
    assert_eq!((third.unchanged, third.ended), (1, 1));
    let bundle = "{\"resourceType\":\"Bundle\",\"entry\":[{\"request\":{\"method\":\"DELETE\",\"url\":\"Organization/b\"}}]}";
    assert_eq!(load(&w, bundle.to_owned(), false).ended, 1);
}
