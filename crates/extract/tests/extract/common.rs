//! Registries of fictional people, and extractions of them.

use annuaire_base::Tx;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate};
use annuaire_exchange::{Options, Report, import};
use annuaire_extract::{ExtractOptions, ExtractReport, RegistryState, extract};
use annuaire_store::BlockingRegistry;
use annuaire_testkit::{Dice, Plan, generate};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// 24 November 2026, 09:00 in Paris.
pub const NOW_MS: i64 = 1_795_507_200_000;

pub struct World {
    pub registry: BlockingRegistry,
    pub dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { registry: annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap(), dir }
    }

    /// The fictional nation after its first delivery; `next` holds the second one.
    pub fn of_nation(professionals: u32) -> Self {
        let world = Self::new();
        generate(&world.dir.path().join("files"), &Plan { professionals, seed: 7, changed_per_mille: 20 }).unwrap();
        world.import(&files_of(&world.dir.path().join("files")));
        world
    }

    /// What the files of the samples say: open and restricted people.
    pub fn of_samples(names: &[&str]) -> Self {
        let world = Self::new();
        let files: Vec<PathBuf> = names.iter().map(|n| sample(n)).collect();
        world.import(&files);
        world
    }

    pub fn import(&self, files: &[PathBuf]) -> Report {
        self.import_at(files, NOW_MS)
    }

    pub fn import_at(&self, files: &[PathBuf], ms: i64) -> Report {
        let options = Options {
            clock: Arc::new(move || ms),
            any_clock: true,
            accept_mass_change: Some("a fictional delivery".into()),
            ..Options::default()
        };
        import(&self.registry, files, &options).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn import_next(&self) -> Report {
        self.import_at(&files_of(&self.dir.path().join("files/next")), NOW_MS + 86_400_000)
    }

    pub fn last(&self) -> RegistryState {
        RegistryState::last(&self.registry).unwrap()
    }

    pub fn at(&self, tx: u64) -> RegistryState {
        RegistryState::at(&self.registry, Tx::new(tx)).unwrap()
    }

    /// Extracts a state into a new directory of this name.
    pub fn extract(&self, name: &str, state: RegistryState, options: &ExtractOptions) -> (PathBuf, ExtractReport) {
        let dir = self.dir.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let report = extract(&self.registry, state, &dir, options).unwrap();
        (dir, report)
    }

    /// All entities as a perimeter sees them.
    pub fn entities(&self, perimeter: Perimeter) -> BTreeMap<String, ConsolidatedEntity> {
        let tx = self.registry.last_tx().unwrap();
        let (facts, _) = self.registry.standing(tx, "", 10_000_000).unwrap();
        consolidate(facts, &Owners::default(), perimeter)
    }
}

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples").join(name)
}

pub fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

/// The texts of a directory by the beginning of their names, archives unpacked.
pub fn texts(dir: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for path in files_of(dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".zip") {
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
            for at in 0..archive.len() {
                let mut member = archive.by_index(at).unwrap();
                let mut text = String::new();
                member.read_to_string(&mut text).unwrap();
                all.insert(undated(member.name()), text);
            }
        } else if name.ends_with(".txt") || name.ends_with(".csv") {
            all.insert(undated(&name), std::fs::read_to_string(&path).unwrap());
        }
    }
    all
}

/// A name of a national file without its stamp.
pub fn undated(name: &str) -> String {
    name.split(['_', '-']).take_while(|part| !(part.starts_with("20") && part.len() >= 8)).collect::<Vec<_>>().join("_")
}

/// A random part of the files of a folder, with odd values: persons that are left out, names with characters that these files cannot
/// hold unchanged, places that moved. Documents of structures stay whole.
pub fn part_of(folder: &Path, to: &Path, seed: u64, stamp: &str) -> Vec<PathBuf> {
    std::fs::create_dir_all(to).unwrap();
    for path in files_of(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".txt") {
            std::fs::copy(&path, to.join(&name)).unwrap();
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if text.lines().count() == 1 {
            // A small nation may have no know-how, and a file without a line is a cut one.
            continue;
        }
        let mut lines = text.lines();
        let mut out = lines.next().unwrap().to_owned() + "\n";
        for line in lines {
            let mut fields: Vec<String> = line.split('|').map(str::to_owned).collect();
            let national = if name.starts_with("Extraction_Corr") { fields[4].clone() } else { fields[2].clone() };
            let mut dice = Dice::new(seed, national.parse().unwrap_or(0), 0);
            // A file without the last persons of the one before is a cut one.
            if dice.below(4) == 0 && !national.is_empty() && !text.lines().rev().take(8).any(|l| l.contains(&national)) {
                continue;
            }
            if name.contains("Personne_activite") {
                match dice.below(12) {
                    0 => fields[7].push_str(" ÉÎ-D'O"),
                    1 => fields[8] = "J.  P.".into(),
                    2 => (17..47).for_each(|at| fields[at].clear()),
                    3 => fields[47].clear(),
                    4 => fields[13..17].iter_mut().for_each(String::clear),
                    _ => {}
                }
                // A structure is the same on all lines.
                let mut dice = Dice::new(seed, 9, fields[23].bytes().fold(7, |h: u64, b| h.wrapping_mul(31) + u64::from(b)));
                if dice.below(5) == 0 && fields[23].starts_with('R') {
                    fields[24].push_str(" ET ASSOCIES");
                    fields[40] = "0199000001".into();
                }
            }
            out.push_str(&fields.join("|"));
            out.push('\n');
        }
        let dated = format!("{}_{stamp}.txt", undated(&name));
        std::fs::write(to.join(dated), out).unwrap();
    }
    files_of(to)
}
