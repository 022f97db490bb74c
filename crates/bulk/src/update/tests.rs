use super::*;
use crate::limits::TreeLimits;
use crate::manifest::Addresses;
use crate::tree::{Found, TreeOptions};
use crate::witness::NoWitness;
use annuaire_base::LogIdentity;
use annuaire_index::{GroupItem, Row, TxEnd};
use annuaire_terms::{Presence, Resource, TypeId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

const TYPES: [&str; 2] = ["A", "B"];
const DAY: i64 = 86_400_000;

/// Small files, so that a page has several.
fn options(limits: TreeLimits) -> TreeOptions {
    let types = TYPES.iter().enumerate().map(|(n, name)| (TypeId::new(n as u8), *name)).collect();
    TreeOptions { types, cadence: "PT15M".into(), limits: TreeLimits { file_bytes: 300, ..limits } }
}

fn steady() -> TreeLimits {
    TreeLimits { root_share: 1_000_000, root_age_ms: i64::MAX, ..TreeLimits::default() }
}

/// A store that is changed by a script.
struct Directory {
    index: Index,
    tx: u64,
    _dir: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), 1 << 26, &[]).unwrap();
        index.bind_log(LogIdentity { id: 7, epoch: 1 }).unwrap();
        Self { index, tx: 0, _dir: dir }
    }

    /// One transaction: (type, id, content), what vanishes, what is withdrawn by law.
    fn apply(&mut self, put: &[(u8, &str, &str)], vanished: &[(u8, &str)], withdrawn: &[(u8, &str)]) {
        self.tx += 1;
        let (tx, ms) = (Tx::new(self.tx), 1_000 * self.tx as i64);
        let snapshot = self.index.snapshot().unwrap();
        let mut preparer = self.index.preparer(tx, ms).unwrap();
        let mut items: Vec<Result<GroupItem, Error>> = Vec::new();
        for (ty, id, content) in put {
            let resource = Resource {
                ty: TypeId::new(*ty),
                id: (*id).into(),
                before: format!(r#"{{"resourceType":"{}","id":"{id}","meta":{{"#, TYPES[usize::from(*ty)]).into_bytes(),
                after: format!(r#"}},"x":"{content}"}}"#).into_bytes(),
                terms: Vec::new(),
                foreign_stamp: None,
                presence: Presence::Described,
            };
            items.push(Ok(GroupItem::Resource(preparer.prepare_for(resource, tx, ms).unwrap())));
        }
        let number = |(ty, id): &(u8, &str)| {
            let ty = TypeId::new(*ty);
            let current = snapshot.current(ty, id).unwrap()?;
            Some((ty, (*id).to_owned(), current.number + 1))
        };
        let withdrawn = withdrawn.iter().map(|(ty, id)| (TypeId::new(*ty), (*id).to_owned())).collect();
        let vanished = vanished.iter().filter_map(number).collect();
        items.push(Ok(GroupItem::End(TxEnd { tx, commit_ms: ms, vanished, withdrawn, ..TxEnd::default() })));
        self.index.apply_group(items.into_iter(), None).unwrap();
    }

    fn truth(&self) -> BTreeMap<(String, String), String> {
        let snapshot = self.index.snapshot().unwrap();
        let rows = snapshot.standing(&[TypeId::new(0), TypeId::new(1)]);
        let read = |row| snapshot.read(Row::new(row)).unwrap();
        rows.iter()
            .map(read)
            .map(|v| ((TYPES[usize::from(v.ty.get())].into(), v.id().into()), String::from_utf8(v.body().into()).unwrap()))
            .collect()
    }
}

/// A client written from the rules of interop §6.2 alone, over the stored tree.
#[derive(Default)]
struct Copy {
    resources: BTreeMap<(String, String), String>,
    /// The last page that was applied.
    at: Option<String>,
    restarts: u32,
}

impl Copy {
    fn follow(&mut self, dir: &Path) {
        loop {
            let Some(at) = self.at.clone() else {
                let Some(root) = read_page(&dir.join("root.json")) else { return };
                // The old state stands until the new one is whole.
                let mut fresh = BTreeMap::new();
                assert!(apply(dir, &root, &mut fresh), "a file of the root is not there");
                self.resources = fresh;
                self.at = Some(next(&root).strip_prefix("pages/").unwrap().strip_suffix(".json").unwrap().to_owned());
                continue;
            };
            let page = read_page(&dir.join(format!("pages/{at}.json")));
            match page.as_ref().map(next) {
                Some("#pending") => return,
                Some("#closed") | None => {
                    (self.at, self.restarts) = (None, self.restarts + 1);
                }
                Some(name) => {
                    let name = name.strip_suffix(".json").unwrap().to_owned();
                    let page = read_page(&dir.join(format!("pages/{name}.json"))).expect("a page that is linked is there");
                    let mut fresh = self.resources.clone();
                    if apply(dir, &page, &mut fresh) {
                        (self.resources, self.at) = (fresh, Some(name));
                    } else {
                        (self.at, self.restarts) = (None, self.restarts + 1);
                    }
                }
            }
        }
    }
}

fn read_page(path: &Path) -> Option<Value> {
    fs::read(path).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn next(page: &Value) -> &str {
    assert_eq!(page["link"][0]["relation"], "next");
    page["link"][0]["url"].as_str().unwrap()
}

/// Applies the files of a page; false when one is not there.
fn apply(dir: &Path, page: &Value, to: &mut BTreeMap<(String, String), String>) -> bool {
    let mut listed = BTreeSet::new();
    for (deleted, item) in ["output", "deleted"]
        .iter()
        .flat_map(|part| page[part].as_array().unwrap().iter().map(move |item| (*part == "deleted", item)))
    {
        let url = item["url"].as_str().unwrap();
        let name = url.rsplit('/').next().unwrap();
        let Ok(bytes) = fs::read(dir.join(format!("files/{name}.zst"))) else { return false };
        let facts: BTreeMap<&str, &Value> = item["extension"][0]["extension"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fact| (fact["url"].as_str().unwrap(), fact))
            .collect();
        assert_eq!(facts["sha256"]["valueString"], annuaire_base::text::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
        assert_eq!(facts["size"]["valueDecimal"], bytes.len());
        let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!((&item["fileSize"], &item["count"]), (&text.len().into(), &text.lines().count().into()));
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            if deleted {
                assert_eq!((&value["resourceType"], &value["type"]), (&"Bundle".into(), &"transaction".into()));
                for entry in value["entry"].as_array().unwrap() {
                    assert_eq!(entry["request"]["method"], "DELETE");
                    let (ty, id) = entry["request"]["url"].as_str().unwrap().split_once('/').unwrap();
                    assert!(!listed.contains(&(ty.to_owned(), id.to_owned())), "{id} is in output and in deleted");
                    to.remove(&(ty.to_owned(), id.to_owned()));
                }
            } else {
                assert_eq!(value["resourceType"], item["type"]);
                let key = (item["type"].as_str().unwrap().to_owned(), value["id"].as_str().unwrap().to_owned());
                assert!(listed.insert(key.clone()), "two versions of {key:?} in a page");
                to.insert(key, line.to_owned());
            }
        }
    }
    true
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn random_change(directory: &mut Directory, numbers: &mut Numbers) {
    let ids: Vec<String> = (0..12).map(|n| format!("r{n}")).collect();
    let (mut put, mut gone) = (Vec::new(), Vec::new());
    let content = format!("{} é {}", directory.tx, "text ".repeat(5));
    for id in &ids {
        match numbers.below(6) {
            0 | 1 => put.push(((numbers.below(2)) as u8, id.as_str(), content.as_str())),
            2 => gone.push(((numbers.below(2)) as u8, id.as_str())),
            _ => {}
        }
    }
    gone.retain(|(ty, id)| !put.iter().any(|(t, i, _)| t == ty && i == id));
    let withdrawn: Vec<(u8, &str)> = if numbers.below(9) == 0 { gone.pop().into_iter().collect() } else { Vec::new() };
    directory.apply(&put, &gone, &withdrawn);
}

#[test]
fn copies_begun_at_any_time_follow_roots_increments_and_ends() {
    for seed in 0..3 {
        let (mut directory, mut numbers) = (Directory::new(), Numbers(seed));
        let dir = tempfile::tempdir().unwrap();
        let limits =
            TreeLimits { root_share: 150, root_age_ms: 2 * DAY, grace_ms: 3 * DAY, grace_roots: 2, ..TreeLimits::default() };
        let tree = PublishedTree::open(dir.path(), options(limits)).unwrap();
        let mut copies: Vec<Copy> = Vec::new();
        let (mut roots, mut chains) = (0, 0);
        for hour in 0..60_i64 {
            for _ in 0..numbers.below(3) {
                random_change(&mut directory, &mut numbers);
            }
            let report = tree.update(&directory.index, "v", hour * DAY / 4, &mut NoWitness).unwrap();
            (roots, chains) = (roots + u32::from(report.root), chains + u32::from(report.chain.is_some()));
            if hour % 7 == 0 {
                copies.push(Copy::default());
            }
            for (n, copy) in copies.iter_mut().enumerate() {
                // Each at its own pace.
                if hour % (1 + n as i64) == 0 || hour == 59 {
                    copy.follow(dir.path());
                    assert_eq!(copy.resources, directory.truth(), "seed {seed}, hour {hour}, copy {n}");
                }
            }
            let again = tree.update(&directory.index, "v", hour * DAY / 4, &mut NoWitness).unwrap();
            assert_eq!(again, UpdateReport { tx: report.tx, ..UpdateReport::default() }, "nothing new is nothing to do");
            assert_nothing_left_over(&tree);
        }
        assert!(roots > 2 && chains > 1, "{roots} {chains}");
        let state = tree.state.load();
        assert!(state.files.len() < 200 && state.pages.len() < 100 && !state.removed.is_empty());
    }
}

/// The disk has what the state names, and nothing else.
fn assert_nothing_left_over(tree: &PublishedTree) {
    let state = tree.state.load();
    let names = |dir: &str| -> BTreeSet<String> {
        fs::read_dir(tree.dir.join(dir)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("files"), state.files.keys().map(|sha| format!("{sha}.ndjson.zst")).collect());
    assert_eq!(names("pages"), state.pages.keys().map(|name| format!("{name}.json")).collect());
    let named: BTreeSet<&str> = state
        .roots
        .iter()
        .map(|r| &r.page)
        .chain(state.pages.values())
        .flat_map(ChainPage::items)
        .map(|i| i.sha256.as_str())
        .collect();
    assert!(state.files.keys().all(|sha| named.contains(sha.as_str())));
}

#[test]
fn a_process_that_ends_at_any_step_is_resumed_and_copies_see_whole_states() {
    let mut steps = BTreeSet::new();
    for end in 0.. {
        let mut directory = Directory::new();
        let mut numbers = Numbers(3);
        let dir = tempfile::tempdir().unwrap();
        let limits = TreeLimits { root_share: 200, grace_ms: 0, grace_roots: 1, ..TreeLimits::default() };
        let open = || PublishedTree::open(dir.path(), options(limits)).unwrap();
        let mut tree = open();
        let (mut copy, mut states, mut seen, mut ended) = (Copy::default(), vec![BTreeMap::new()], 0, false);
        for round in 0..7 {
            random_change(&mut directory, &mut numbers);
            states.push(directory.truth());
            if !ended {
                let name = std::sync::Arc::new(std::sync::Mutex::new((seen, "")));
                let counter = std::sync::Arc::clone(&name);
                *tree.steps.lock().unwrap() = Box::new(move |step| {
                    let mut counter = counter.lock().unwrap();
                    *counter = (counter.0 + 1, step);
                    if counter.0 == end + 1 { Err(Error::Lost) } else { Ok(()) }
                });
                let failed = tree.update(&directory.index, "v", 1_000 * round, &mut NoWitness).is_err();
                seen = name.lock().unwrap().0;
                if failed {
                    steps.insert(name.lock().unwrap().1);
                    ended = true;
                    copy.follow(dir.path());
                    assert!(states.contains(&copy.resources), "step {end}, round {round}: no state of the directory");
                    tree = open();
                    assert!(tree.root(Addresses::InRoot).is_some() || round == 0);
                    tree.update(&directory.index, "v", 1_000 * round + 1, &mut NoWitness).unwrap();
                }
            } else {
                tree.update(&directory.index, "v", 1_000 * round, &mut NoWitness).unwrap();
            }
            copy.follow(dir.path());
            assert_eq!(copy.resources, directory.truth(), "step {end}, round {round}");
            assert_nothing_left_over(&tree);
        }
        if !ended {
            break;
        }
    }
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), ["files", "forgotten", "link", "page", "root", "state"]);
}

#[test]
fn what_is_withdrawn_by_law_is_in_no_file_and_old_names_are_gone() {
    let mut directory = Directory::new();
    directory.apply(&[(0, "a", "zyzzyva"), (0, "b", "stays"), (1, "c", "stays")], &[], &[]);
    let dir = tempfile::tempdir().unwrap();
    let tree = PublishedTree::open(dir.path(), options(steady())).unwrap();
    let update = |directory: &Directory, ms| tree.update(&directory.index, "v", ms, &mut NoWitness).unwrap();
    assert_eq!(update(&directory, 0).chain, Some(ChainStart::First));
    directory.apply(&[(0, "d", "more")], &[], &[]);
    assert!(update(&directory, 1).increment);
    directory.apply(&[(0, "a", "zyzzyva again")], &[], &[]);
    assert!(update(&directory, 2).increment && !tree.withdrawal_is_pending(&directory.index).unwrap());
    let mut copy = Copy::default();
    copy.follow(dir.path());
    let before = tree.state.load_full();
    let text = |tree: &PublishedTree| {
        let mut all = String::new();
        for sha in tree.state.load().files.keys() {
            let Found::Here(file) = tree.file(&format!("{sha}.ndjson")) else { panic!("{sha}") };
            file.open_decoded(0).unwrap().read_to_string(&mut all).unwrap();
        }
        all
    };
    assert!(text(&tree).contains("zyzzyva"));
    directory.apply(&[], &[], &[(0, "a")]);
    assert!(tree.withdrawal_is_pending(&directory.index).unwrap());
    let report = update(&directory, 3);
    assert_eq!((report.chain, report.increment), (Some(ChainStart::Withdrawal), false));
    assert!(!text(&tree).contains("zyzzyva") && !tree.withdrawal_is_pending(&directory.index).unwrap());
    assert_nothing_on_disk(dir.path(), "zyzzyva");
    // Every file but those that the new root has is gone; the end of the chain says so to whoever polls it.
    let after = tree.state.load_full();
    let lost: Vec<&String> = before.files.keys().filter(|sha| !after.files.contains_key(*sha)).collect();
    assert!(!lost.is_empty() && lost.iter().all(|sha| tree.file(&format!("{sha}.ndjson")) == Found::Removed));
    let Found::Here(last) = tree.page(&before.tails[0], Addresses::InPage) else { panic!() };
    assert_eq!(next(&serde_json::from_slice(&last).unwrap()), "#closed");
    let middle = before.pages.keys().find(|name| !before.tails.contains(name)).unwrap();
    assert_eq!(tree.page(middle, Addresses::InPage), Found::Removed);
    assert_eq!(tree.page("root-1-0", Addresses::InPage), Found::Never);
    for strange in ["", "x", "../state.json", "../../x.ndjson", "state.json"] {
        assert_eq!((tree.file(strange), tree.page(strange, Addresses::InPage)), (Found::Never, Found::Never));
    }
    copy.follow(dir.path());
    assert_eq!((copy.resources, copy.restarts), (directory.truth(), 1));
}

/// Looks for a text in every file of a tree, decompressed where it is compressed.
fn assert_nothing_on_disk(dir: &Path, text: &str) {
    for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            assert_nothing_on_disk(&entry, text);
            continue;
        }
        let bytes = fs::read(&entry).unwrap();
        let plain = zstd::decode_all(bytes.as_slice()).unwrap_or(bytes);
        assert!(!String::from_utf8_lossy(&plain).contains(text), "{}", entry.display());
    }
}

#[test]
fn another_log_or_other_forms_end_the_chain_and_an_earlier_store_is_waited_for() {
    let mut directory = Directory::new();
    directory.apply(&[(0, "a", "1")], &[], &[]);
    let dir = tempfile::tempdir().unwrap();
    let tree = PublishedTree::open(dir.path(), options(steady())).unwrap();
    let mut copy = Copy::default();
    for (ms, (view, epoch, chain)) in [
        ("v", 1, Some(ChainStart::First)),
        ("v", 1, None),
        ("w", 1, Some(ChainStart::OtherView)),
        ("w", 2, Some(ChainStart::OtherLog)),
    ]
    .into_iter()
    .enumerate()
    {
        directory.index.rebind_log(LogIdentity { id: 7, epoch }).unwrap();
        assert_eq!(tree.update(&directory.index, view, ms as i64, &mut NoWitness).unwrap().chain, chain);
        copy.follow(dir.path());
        assert_eq!(copy.resources, directory.truth());
    }
    assert_eq!(copy.restarts, 2);
    directory.apply(&[(0, "b", "2")], &[], &[]);
    tree.update(&directory.index, "w", 10, &mut NoWitness).unwrap();
    // A store that is made again begins at its first transaction.
    let mut again = Directory::new();
    again.index.rebind_log(LogIdentity { id: 7, epoch: 2 }).unwrap();
    again.apply(&[(0, "a", "1")], &[], &[]);
    let waits = tree.update(&again.index, "w", 11, &mut NoWitness).unwrap();
    assert_eq!(waits, UpdateReport { tx: 2, ..UpdateReport::default() });
    again.apply(&[(0, "b", "2")], &[], &[]);
    again.apply(&[(0, "c", "3")], &[], &[]);
    assert!(tree.update(&again.index, "w", 12, &mut NoWitness).unwrap().increment);
    copy.follow(dir.path());
    assert_eq!((copy.resources, copy.restarts), (again.truth(), 2));
    // An empty store publishes nothing.
    let (empty, nothing) = (Directory::new(), tempfile::tempdir().unwrap());
    let tree = PublishedTree::open(nothing.path(), options(steady())).unwrap();
    assert_eq!(tree.update(&empty.index, "v", 0, &mut NoWitness).unwrap(), UpdateReport::default());
    assert!(tree.root(Addresses::InRoot).is_none() && tree.status().is_none());
}

#[test]
fn what_was_replaced_stays_for_its_grace() {
    let mut directory = Directory::new();
    let dir = tempfile::tempdir().unwrap();
    let limits = TreeLimits { root_share: 0, grace_ms: 7 * DAY, grace_roots: 3, ..TreeLimits::default() };
    let tree = PublishedTree::open(dir.path(), options(limits)).unwrap();
    let mut first: Option<String> = None;
    // A root with each change, one a day.
    for day in 0..20_i64 {
        directory.apply(&[(0, "a", &format!("{day}"))], &[], &[]);
        tree.update(&directory.index, "v", day * DAY, &mut NoWitness).unwrap();
        let state = tree.state.load();
        let first = first.get_or_insert_with(|| state.files.keys().next().unwrap().clone());
        // Replaced on the first day, and over seven days later.
        assert_eq!(matches!(tree.file(&format!("{first}.ndjson")), Found::Here(_)), day < 8, "day {day}");
        assert!(state.roots.len() <= 8);
    }
    // Without updates, nothing goes: three newer roots are needed.
    directory.apply(&[(0, "a", "late")], &[], &[]);
    tree.update(&directory.index, "v", 100 * DAY, &mut NoWitness).unwrap();
    assert_eq!(tree.state.load().roots.len(), 3);
}

#[test]
fn a_disk_that_fails_leaves_what_stands_and_names_the_place() {
    let mut directory = Directory::new();
    directory.apply(&[(0, "a", "1")], &[], &[]);
    let dir = tempfile::tempdir().unwrap();
    let tree = PublishedTree::open(dir.path(), options(steady())).unwrap();
    tree.update(&directory.index, "v", 0, &mut NoWitness).unwrap();
    let root = tree.root(Addresses::InRoot);
    directory.apply(&[(0, "a", "2")], &[], &[]);
    let (files, aside) = (dir.path().join("files"), dir.path().join("aside"));
    fs::rename(&files, &aside).unwrap();
    let error = tree.update(&directory.index, "v", 1, &mut NoWitness).unwrap_err().to_string();
    assert!(error.contains("files") && error.contains("No such file"), "{error}");
    assert_eq!(tree.root(Addresses::InRoot), root);
    fs::rename(&aside, &files).unwrap();
    assert!(tree.update(&directory.index, "v", 2, &mut NoWitness).unwrap().increment);
    let full = Error::File { path: "/x/files/y".into(), cause: std::io::ErrorKind::StorageFull.into() }.to_string();
    assert!(full.contains("/x/files/y") && full.contains("make room there"), "{full}");
    fs::write(dir.path().join("state.json"), "{").unwrap();
    let Err(error) = PublishedTree::open(dir.path(), options(steady())) else { panic!("opened") };
    assert!(error.to_string().contains("state.json") && error.to_string().contains("remove the directory"), "{error}");
}

#[test]
fn a_witness_sees_each_version_once_and_signs_what_is_stored() {
    #[derive(Default)]
    struct Notary {
        rows: Vec<u32>,
        signed: BTreeMap<String, Vec<u8>>,
    }
    impl PageWitness for Notary {
        fn witness(&mut self, page: &NewPage<'_>) -> Result<Option<Value>, crate::witness::WitnessError> {
            self.rows.extend(page.rows);
            Ok(Some(serde_json::json!([{"url": "size", "valueDecimal": self.rows.len()}])))
        }

        fn sign(&mut self, name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, crate::witness::WitnessError> {
            self.signed.insert(name.to_owned(), bytes.to_vec());
            Ok(Some(format!("signed {}", bytes.len()).into_bytes()))
        }
    }
    let mut directory = Directory::new();
    let dir = tempfile::tempdir().unwrap();
    let tree = PublishedTree::open(dir.path(), options(TreeLimits { root_share: 150, ..TreeLimits::default() })).unwrap();
    let mut notary = Notary::default();
    for n in 0..8 {
        directory.apply(&[(0, "a", &format!("{n}")), (1, "b", &format!("{n}"))], &[(0, "c")], &[]);
        directory.apply(&[(0, "a", &format!("{n}+")), (0, "c", &format!("{n}"))], &[], &[]);
        tree.update(&directory.index, "v", n, &mut notary).unwrap();
    }
    let snapshot = directory.index.snapshot().unwrap();
    let every = snapshot.since(&[TypeId::new(0), TypeId::new(1)], Tx::NONE).unwrap();
    // All but the version that the first root does not tell, since it was replaced before.
    let missed = every.iter().filter(|row| !notary.rows.contains(row)).count();
    assert_eq!((notary.rows.len(), missed), (every.len() as usize - 1, 1));
    for (name, bytes) in &notary.signed {
        let path = if name == "root" { dir.path().join("root.json") } else { dir.path().join(format!("pages/{name}.json")) };
        assert_eq!(&fs::read(&path).unwrap(), bytes, "{name}");
        assert_eq!(fs::read_to_string(path.with_extension("json.sig")).unwrap(), format!("signed {}", bytes.len()));
        let page: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(page["extension"][0]["url"], crate::manifest::CHECKPOINT_EXTENSION);
    }
}
