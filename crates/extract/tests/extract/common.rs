//! Registries of fictional people, and extractions of them.

use annuaire_base::Tx;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate};
use annuaire_exchange::{Options, Report, import};
use annuaire_extract::{ExtractOptions, ExtractReport, RegistryState, extract};
use annuaire_store::BlockingRegistry;
use annuaire_testkit::{Plan, generate};
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
        import(&self.registry, files, &options).unwrap()
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
        consolidate(facts, &Owners::of_files(), perimeter)
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
