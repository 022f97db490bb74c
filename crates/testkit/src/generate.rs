//! Writing the two deliveries.

use crate::people::{self, Fate, Files, Person};
use crate::places::{self, StructureKind};
use crate::plan::{Plan, Planted};
use crate::{finess, headers};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Writes the first delivery in `dir` and the second in `dir/next`.
///
/// # Errors
/// When a file cannot be written.
pub fn generate(dir: &Path, plan: &Plan) -> Result<Planted> {
    let mut planted = Planted::default();
    for second in [false, true] {
        let folder = if second { dir.join("next") } else { dir.to_owned() };
        let day = if second { "20261104" } else { "20261101" };
        fs::create_dir_all(&folder)?;
        // Files of people and documents of structures are independent: one thread each.
        let (changed, people) = std::thread::scope(|scope| {
            let documents = scope.spawn(|| documents(&folder, day, plan, second));
            let people = open_files(&folder, day, plan, second);
            let documents = documents.join().unwrap_or_else(|_| Err(std::io::Error::other("the documents could not be written")));
            (documents, people)
        });
        let (changed, people) = (changed?, people?);
        if second {
            planted = people;
            planted.closed = changed.structures;
            planted.activities = changed.activities;
            planted.changed += changed.structures + changed.activities;
        }
    }
    Ok(planted)
}

fn documents(folder: &Path, day: &str, plan: &Plan, second: bool) -> Result<finess::ChangedDocuments> {
    let open = |name: &str| -> Result<BufWriter<GzEncoder<File>>> {
        let file = File::create(folder.join(format!("finess-{name}-journalier-{day}.json.gz")))?;
        Ok(BufWriter::with_capacity(1 << 18, GzEncoder::new(file, Compression::fast())))
    };
    let (mut structures, mut activities) = (open("structures")?, open("activites")?);
    let changed = finess::ChangedDocuments {
        structures: finess::structures(&mut structures, plan, second)?,
        activities: finess::activities(&mut activities, plan, second)?,
    };
    for out in [structures, activities] {
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()?;
    }
    Ok(changed)
}

/// The open extractions of the professionals' directory.
fn open_files(folder: &Path, day: &str, plan: &Plan, second: bool) -> Result<Planted> {
    let mut planted = Planted::default();
    let open = |name: &str, time: &str, header: &str| -> Result<Box<dyn Write>> {
        let mut out = BufWriter::with_capacity(1 << 18, File::create(folder.join(format!("{name}_{day}{time}.txt")))?);
        writeln!(out, "{header}")?;
        Ok(Box::new(out))
    };
    let mut files = Files {
        activity: open("PS_LibreAcces_Personne_activite", "0800", headers::ACTIVITY)?,
        know_how: open("PS_LibreAcces_SavoirFaire", "0800", headers::KNOW_HOW)?,
        diplomas: open("PS_LibreAcces_Dipl_AutExerc", "0800", headers::DIPLOMAS)?,
        cards: open("Porteurs_CPS_CPF", "0802", headers::CARDS)?,
        mailboxes: open("Extraction_Correspondance_MSSante", "0805", headers::MAILBOXES)?,
    };
    let n = u64::from(plan.professionals);
    for i in 0..n {
        let person = Person::new(plan, i, second, false);
        if second && person.fate != Fate::None {
            let first = Person::new(plan, i, false, false);
            if person.fate != Fate::Gone || person.may_leave() {
                let (created, changed, ended) = person.effect(&first);
                planted.created += created;
                planted.changed += changed;
                planted.ended += ended;
                let counter = match person.fate {
                    Fate::Gone => &mut planted.persons_gone,
                    Fate::Renamed => &mut planted.renamed,
                    Fate::Moved => &mut planted.moved,
                    Fate::Mailbox => &mut planted.mailboxes,
                    Fate::CardOpposed => &mut planted.cards,
                    _ => &mut planted.places,
                };
                *counter += u64::from(created + changed + ended > 0);
            }
            if person.fate == Fate::Gone && person.may_leave() {
                continue;
            }
        }
        person.write(&mut files)?;
        if i == 0 {
            // The published files contain exact duplicates too.
            person.write(&mut files)?;
        }
    }
    if second {
        for i in n..n + n / 2_000 {
            let person = Person::new(plan, i, false, true);
            planted.persons_new += 1;
            planted.created += person.objects();
            person.write(&mut files)?;
        }
    }
    for body in 0..StructureKind::Hospital.bodies(n) {
        for site in 0..StructureKind::Hospital.sites(plan.seed, body) {
            let place = places::establishment(plan.seed, StructureKind::Hospital, body, site);
            for box_number in 0..3 {
                people::organisation_mailbox(&mut files.mailboxes, &place, box_number)?;
            }
        }
    }
    for g in (0..n / 40 + 1).step_by(3) {
        people::organisation_mailbox(&mut files.mailboxes, &places::group(plan.seed, g), 0)?;
    }
    for i in 0..n / 500 {
        people::unknown_card(&mut files.cards, i)?;
    }
    files.flush()?;
    Ok(planted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;

    fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for e in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
            let mut bytes = fs::read(&e).unwrap();
            if e.extension().is_some_and(|x| x == "gz") {
                let packed = std::mem::take(&mut bytes);
                flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
            }
            all.insert(e.file_name().unwrap().to_string_lossy().into_owned(), bytes);
        }
        all
    }

    #[test]
    fn same_plan_same_bytes_and_every_number_has_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { professionals: 3_000, seed: 7, changed_per_mille: 20 };
        let planted = generate(&dir.path().join("a"), &plan).unwrap();
        assert_eq!(planted, generate(&dir.path().join("b"), &plan).unwrap());
        assert!(planted.renamed > 5 && planted.moved > 5 && planted.closed > 0 && planted.activities > 0, "{planted}");
        let one = contents(&dir.path().join("a"));
        assert_eq!(one, contents(&dir.path().join("b")));
        assert_eq!(contents(&dir.path().join("a/next")), contents(&dir.path().join("b/next")));
        assert_eq!(one.len(), 7);
        let (mut people, mut homonyms, mut lines) = (BTreeSet::new(), BTreeMap::<String, u32>::new(), 0);
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        for (name, bytes) in &one {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(!annuaire_base::nir::contains_nir(&text), "{name}");
            if !name.starts_with("PS_") {
                continue;
            }
            let width = text.lines().next().unwrap().matches('|').count();
            for line in text.lines().skip(1) {
                assert_eq!(line.matches('|').count(), width, "{line}");
                let f: Vec<&str> = line.split('|').collect();
                assert!(
                    if f[0] == "8" { annuaire_base::id::rpps(f[1]) } else { annuaire_base::id::adeli(f[1]) }.is_ok(),
                    "{line}"
                );
                if width == 56 {
                    lines += 1;
                    if people.insert(f[2].to_owned()) {
                        *homonyms.entry(format!("{} {}", f[7], f[8])).or_default() += 1;
                    }
                    for number in [f[21], f[22]] {
                        assert!(number.is_empty() || annuaire_base::id::finess(number).is_ok(), "{number}");
                    }
                    assert!(f[19].is_empty() || annuaire_base::id::siret(f[19]).is_ok(), "{}", f[19]);
                    if !f[23].is_empty() {
                        let said = places.entry(f[23].to_owned()).or_insert_with(|| f[19..46].join("|"));
                        assert_eq!(*said, f[19..46].join("|"), "a structure is the same on every line");
                    }
                }
            }
        }
        assert_eq!(people.len(), 3_000);
        assert!(homonyms.values().any(|n| *n > 1) && homonyms.len() > 2_700, "{}", homonyms.len());
        assert!((3_200..4_200).contains(&lines), "{lines}");
        let structures: serde_json::Value =
            serde_json::from_slice(&one["finess-structures-journalier-20261101.json.gz"]).unwrap();
        let activities: serde_json::Value = serde_json::from_slice(&one["finess-activites-journalier-20261101.json.gz"]).unwrap();
        let known: BTreeSet<&str> = structures["pmej"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|p| p["ege"].as_array().unwrap())
            .map(|e| e["informationsGeneralesEGE"]["numFinessEge"].as_str().unwrap())
            .collect();
        assert!(known.iter().all(|n| annuaire_base::id::finess(n).is_ok()));
        for e in activities["pmej"].as_array().unwrap().iter().flat_map(|p| p["ege"].as_array().unwrap()) {
            assert!(known.contains(e["numFinessEge"].as_str().unwrap()));
        }
        assert!(places.keys().filter_map(|id| id.strip_prefix('F')).all(|n| known.contains(n)), "people work in known places");
    }
}
