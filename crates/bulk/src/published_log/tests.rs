use super::*;
use crate::error::Error as TreeFault;
use crate::limits::TreeLimits;
use crate::manifest::Addresses;
use crate::published_check::{CheckReport, PublishedFault, TreeDirectory, base_of, check_published};
use crate::tree::{PublishedTree, TreeOptions};
use annuaire_base::LogIdentity;
use annuaire_index::{GroupItem, Index, TxEnd};
use annuaire_terms::{Presence, Resource};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const NAMES: [&str; 2] = ["A", "B"];
const KEY: &str = "annuaire.example/log";

fn types() -> Vec<(TypeId, &'static str)> {
    (0..).map(TypeId::new).zip(NAMES).collect()
}

/// A store, its files and its log.
struct World {
    index: Index,
    tree: PublishedTree,
    log: PublishedLog,
    tx: u64,
    now_ms: i64,
    dir: tempfile::TempDir,
}

fn directories(dir: &Path) -> LogDirectories {
    LogDirectories { tree: dir.join("public"), private: dir.to_owned() }
}

fn open_tree(dir: &Path, limits: TreeLimits) -> PublishedTree {
    let options = TreeOptions { types: types(), cadence: "PT15M".into(), limits: TreeLimits { file_bytes: 300, ..limits } };
    PublishedTree::open(&dir.join("public"), options).unwrap()
}

fn try_open_log(dir: &Path) -> Result<PublishedLog, LogError> {
    let mut n = 0;
    let random = move |bytes: &mut [u8; 32]| {
        n += 1;
        *bytes = Sha256::digest([n]).into();
    };
    PublishedLog::open(directories(dir), KEY, types(), Box::new(random))
}

fn open_log(dir: &Path) -> PublishedLog {
    try_open_log(dir).unwrap()
}

impl World {
    fn new() -> Self {
        Self::with(TreeLimits { root_share: 1_000_000, root_age_ms: i64::MAX, ..TreeLimits::default() })
    }

    fn with(limits: TreeLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("store")).unwrap();
        let index = Index::open(&dir.path().join("store"), 1 << 26, &[]).unwrap();
        index.bind_log(LogIdentity { id: 7, epoch: 1 }).unwrap();
        let (tree, log) = (open_tree(dir.path(), limits), open_log(dir.path()));
        Self { index, tree, log, tx: 0, now_ms: 0, dir }
    }

    fn apply(&mut self, put: &[(u8, &str, &str)], vanished: &[(u8, &str)], withdrawn: &[(u8, &str)]) {
        self.tx += 1;
        let (tx, ms) = (Tx::new(self.tx), 1_000 * i64::try_from(self.tx).unwrap());
        let snapshot = self.index.snapshot().unwrap();
        let mut preparer = self.index.preparer(tx, ms).unwrap();
        let mut items: Vec<Result<GroupItem, TreeFault>> = Vec::new();
        for (ty, id, content) in put {
            let resource = Resource {
                ty: TypeId::new(*ty),
                id: (*id).into(),
                before: format!(r#"{{"resourceType":"{}","id":"{id}","meta":{{"#, NAMES[usize::from(*ty)]).into_bytes(),
                after: format!("}},\n\"x\":\"{content}\"}}").into_bytes(),
                terms: Vec::new(),
                foreign_stamp: None,
                presence: Presence::Described,
            };
            items.push(Ok(GroupItem::Resource(preparer.prepare_for(resource, tx, ms).unwrap())));
        }
        let number = |(ty, id): &(u8, &str)| {
            let ty = TypeId::new(*ty);
            Some((ty, (*id).to_owned(), snapshot.current(ty, id).unwrap()?.number + 1))
        };
        let withdrawn = withdrawn.iter().map(|(ty, id)| (TypeId::new(*ty), (*id).to_owned())).collect();
        let vanished = vanished.iter().filter_map(number).collect();
        items.push(Ok(GroupItem::End(TxEnd { tx, commit_ms: ms, vanished, withdrawn, ..TxEnd::default() })));
        self.index.apply_group(items.into_iter(), None).unwrap();
    }

    /// As the program does it.
    fn update(&mut self) -> Result<crate::UpdateReport, TreeFault> {
        self.now_ms += 1_000;
        let report = self.tree.update(&self.index, &view(&self.log), self.now_ms, &mut self.log)?;
        self.log.settle().unwrap();
        Ok(report)
    }

    fn public(&self) -> PathBuf {
        self.dir.path().join("public")
    }

    /// Writes the sidecars, as a server gives them.
    fn write_salts(&self) {
        let snapshot = self.index.snapshot().unwrap();
        for sha256 in self.tree.state.load().files.keys() {
            let crate::Found::Here(file) = self.tree.file(&format!("{sha256}.ndjson")) else { panic!("{sha256}") };
            let mut lines = Vec::new();
            io::Read::read_to_end(&mut file.open_decoded(0).unwrap(), &mut lines).unwrap();
            if lines.starts_with(br#"{"resourceType":"Bundle""#) {
                continue;
            }
            let salts = self.log.salts().sidecar(&snapshot, &lines).unwrap();
            if !salts.is_empty() {
                fs::write(self.public().join(format!("files/{sha256}.salts")), salts).unwrap();
            }
        }
    }

    fn check(&self, remembered: Option<&str>) -> Result<CheckReport, PublishedFault> {
        self.write_salts();
        let keys: Vec<_> = self.log.verifiers().cloned().collect();
        let report = check_published(&mut TreeDirectory(self.public()), &keys, remembered);
        for file in fs::read_dir(self.public().join("files")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "salts") {
                fs::remove_file(path).unwrap();
            }
        }
        report
    }
}

/// The log belongs to the view, so that another log begins another chain.
fn view(log: &PublishedLog) -> String {
    format!("v {}", log.origin())
}

/// A directory of several files for each type, three increments with changes, replaced versions and a deletion.
fn grown() -> World {
    let mut world = World::new();
    let ids: Vec<String> = (0..40).map(|n| format!("r{n}")).collect();
    let put: Vec<_> = ids.iter().enumerate().map(|(n, id)| (u8::from(n % 3 == 0), id.as_str(), "text")).collect();
    world.apply(&put, &[], &[]);
    world.update().unwrap();
    world.apply(&[(0, "r1", "changed"), (1, "r3", "changed"), (0, "new", "text")], &[], &[]);
    world.apply(&[(0, "r1", "changed again")], &[(0, "r2")], &[]);
    world.update().unwrap();
    for n in 0..2 {
        world.apply(&[(0, "r4", &format!("change {n}")), (1, "r6", "x")], &[], &[]);
        world.update().unwrap();
    }
    world
}

#[test]
fn each_line_of_each_page_is_in_the_log_and_each_checkpoint_goes_on_from_the_last() {
    let mut world = World::with(TreeLimits { root_share: 40, grace_ms: 0, grace_roots: 1, ..TreeLimits::default() });
    let mut remembered: Option<String> = None;
    let (mut roots, mut increments) = (0, 0);
    for round in 0..30_u32 {
        let ids: Vec<String> = (0..5).map(|n| format!("r{}", (round * 7 + n * 3) % 23)).collect();
        let put: Vec<_> =
            ids.iter().map(|id| (u8::from(id.len() == 2), id.as_str(), if round % 2 == 0 { "even" } else { "odd" })).collect();
        let gone = format!("r{}", (round * 5 + 1) % 23);
        let gone: Vec<_> =
            [(0, gone.as_str()), (1, gone.as_str())].into_iter().filter(|(_, id)| !ids.iter().any(|i| i == id)).collect();
        let (vanished, withdrawn): (&[_], &[_]) = if round % 6 == 5 { (&[], &gone) } else { (&gone, &[]) };
        world.apply(&put, vanished, withdrawn);
        if round % 4 == 3 {
            world.apply(&[(0, "often", "x")], &[], &[]);
        }
        let report = world.update().unwrap();
        (roots, increments) = (roots + u32::from(report.root), increments + u32::from(report.increment));
        let report = world.check(remembered.as_deref()).unwrap_or_else(|e| panic!("round {round}: {e}"));
        let standing = world.index.snapshot().unwrap().standing(&[TypeId::new(0), TypeId::new(1)]).len();
        assert!(report.lines >= standing && report.lines_without_salt == 0, "round {round}: {report:?}, {standing} stand");
        remembered = Some(report.checkpoint);
        if round % 5 == 0 {
            world.log = open_log(world.dir.path());
        }
    }
    assert!(roots > 1 && increments > 10, "{roots} {increments}");
}

/// T10: each of these faults is named.
#[test]
fn whatever_is_changed_removed_or_exchanged_is_named() {
    let world = grown();
    let keys: Vec<_> = world.log.verifiers().cloned().collect();
    world.write_salts();
    let public = world.public();
    let check = || check_published(&mut TreeDirectory(public.clone()), &keys, None).map_err(|e| e.to_string());
    let good = check().unwrap();
    assert_eq!((good.pages, good.lines_without_salt), (5, 0), "root, stub and three increments");
    assert_eq!(good.leaves, 40 + 5 + 3, "with replaced versions and the deletion, without what did not change");
    let mut parts: Vec<PathBuf> =
        vec![public.join("root.json"), public.join("root.json.sig"), public.join("checkpoint"), public.join("tile/0/000.p/48")];
    for dir in ["files", "pages"] {
        parts.extend(fs::read_dir(public.join(dir)).unwrap().map(|file| file.unwrap().path()));
    }
    for path in &parts {
        let name = path.strip_prefix(&public).unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(path).unwrap();
        let known = name.trim_end_matches(".zst").trim_end_matches(".sig").trim_end_matches(".salts").to_owned();
        let names_it = |error: &str| {
            error.contains(&known)
                || (name.starts_with("tile") && error.contains("tile"))
                || (name.ends_with(".salts") && error.contains("its salts"))
        };
        for at in (0..bytes.len()).step_by((bytes.len() / 23).max(1)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(path, &changed).unwrap();
            match check() {
                Err(error) => assert!(names_it(&error) || error.contains("page"), "{name}, byte {at}: {error}"),
                // What is not covered: the links of a page, which lead to the same pages or nowhere, and the name of a file in zstd's frame.
                Ok(report) => {
                    let page: Option<Value> = serde_json::from_slice(&changed).ok();
                    let original: Option<Value> = serde_json::from_slice(&bytes).ok();
                    let same = page.zip(original).is_some_and(|(page, original)| {
                        page_digest(&page, &base_of(&page)) == page_digest(&original, &base_of(&original))
                    });
                    assert!(same || name.ends_with(".zst"), "{name}, byte {at}: {report:?}");
                }
            }
        }
        fs::remove_file(path).unwrap();
        match check() {
            Err(error) => assert!(names_it(&error), "without {name}: {error}"),
            Ok(report) => assert!(name.ends_with(".salts") && report.lines_without_salt > 0, "without {name}"),
        }
        fs::write(path, &bytes).unwrap();
    }
    assert_eq!(check().unwrap(), good);

    // A page is taken out of the chain; two are exchanged, with their signatures or without.
    let link = |from: &str, to: &str| {
        let path = public.join(format!("pages/{from}.json"));
        let mut page: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        page["link"][0]["url"] = to.into();
        fs::write(path, page.to_string()).unwrap();
    };
    let state = world.tree.state.load();
    let stub = state.pages.keys().find(|name| name.ends_with("-end")).unwrap();
    let mut increments: Vec<_> = state.pages.values().filter(|page| page.after.is_some()).collect();
    increments.sort_by_key(|page| page.tx);
    let [first, second, third] = [0, 1, 2].map(|n| increments[n].name.as_str());
    link(stub, &format!("{second}.json"));
    let error = check().unwrap_err();
    assert!(
        error.contains(&format!("pages/{second}.json begins after leaf 45 of the log, the page before it ends at 40")),
        "{error}"
    );
    link(second, &format!("{first}.json"));
    link(first, &format!("{third}.json"));
    assert!(check().unwrap_err().contains("removed, or pages were exchanged"));
    link(stub, &format!("{first}.json"));
    link(first, &format!("{second}.json"));
    link(second, "#pending");
    assert!(check().unwrap_err().contains("a page was removed"));
    link(second, &format!("{third}.json"));
    check().unwrap();
    for end in ["json", "json.sig"] {
        let [a, b] = [first, second].map(|name| public.join(format!("pages/{name}.{end}")));
        let (x, y) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
        fs::write(&a, &y).unwrap();
        fs::write(&b, &x).unwrap();
        assert!(check().unwrap_err().contains(&format!("pages/{first}.json")));
        fs::write(&a, &x).unwrap();
        fs::write(&b, &y).unwrap();
    }
    // Another key.
    let other = SignerKey::of_seed(KEY, Secret::take(&mut [3; 32])).unwrap();
    let error = check_published(&mut TreeDirectory(public.clone()), &[other.verifier().clone()], None).unwrap_err();
    assert!(error.to_string().contains("no key that is trusted here signed it"), "{error}");
}

#[test]
fn a_log_that_was_rewritten_or_cut_does_not_go_on_from_what_was_checked() {
    let world = grown();
    let remembered = world.check(None).unwrap().checkpoint;
    // A publisher who begins again with the key and the name, and other content.
    let mut liar = World::new();
    for file in ["log.key", "log.salts"] {
        fs::copy(world.dir.path().join(file), liar.dir.path().join(file)).unwrap();
    }
    liar.log = open_log(liar.dir.path());
    liar.log.state.origin.clone_from(&world.log.state.origin);
    let put: Vec<String> = (0..60).map(|n| format!("s{n}")).collect();
    liar.apply(&put.iter().map(|id| (0, id.as_str(), "other")).collect::<Vec<_>>(), &[], &[]);
    liar.update().unwrap();
    liar.check(None).unwrap();
    let error = liar.check(Some(&remembered)).unwrap_err();
    assert!(error.to_string().contains("does not go on from the checkpoint of 48 leaves"), "{error}");
    let later = liar.check(None).unwrap().checkpoint;
    assert!(world.check(Some(&later)).unwrap_err().to_string().contains("it has 48 leaves"));
    // Honestly begun again: another name, which is told, and another chain, of which each line is in the new log.
    fs::remove_file(world.dir.path().join("log.json")).unwrap();
    let mut world = world;
    world.log = open_log(world.dir.path());
    world.apply(&[(0, "r1", "later")], &[], &[]);
    assert_eq!(world.update().unwrap().chain, Some(ChainStart::OtherView));
    let report = world.check(None).unwrap();
    assert_eq!((report.leaves, report.lines, report.lines_without_salt), (40, 40, 0));
    assert!(world.check(Some(&remembered)).unwrap_err().to_string().contains("it is another log"));
}

#[test]
fn a_process_that_ends_at_any_step_never_takes_a_checkpoint_back() {
    let mut steps = std::collections::BTreeSet::new();
    for end in 0.. {
        let limits = TreeLimits { root_share: 200, grace_ms: 0, grace_roots: 1, ..TreeLimits::default() };
        let mut world = World::with(limits);
        let (mut ended, mut seen) = (false, 0);
        let mut remembered: Option<String> = None;
        for round in 0..5 {
            let content = format!("round {round}");
            let withdrawn: &[(u8, &str)] = if round == 3 { &[(0, "b")] } else { &[] };
            let mut put: Vec<(u8, &str, &str)> = vec![(0, "a", &content), (1, "c", &content)];
            if round < 3 {
                put.push((0, "b", &content));
            }
            world.apply(&put, &[], withdrawn);
            if !ended {
                let counter = Arc::new(Mutex::new((seen, "")));
                let count = Arc::clone(&counter);
                *world.tree.steps.lock().unwrap() = Box::new(move |step| {
                    let mut count = count.lock().unwrap();
                    *count = (count.0 + 1, step);
                    if count.0 == end + 1 { Err(TreeFault::Lost) } else { Ok(()) }
                });
                let failed = world.tree.update(&world.index, &view(&world.log), 1_000 * round, &mut world.log).is_err();
                seen = counter.lock().unwrap().0;
                if failed {
                    steps.insert(counter.lock().unwrap().1);
                    ended = true;
                    // The process ended: nothing was settled. It comes back while the log goes on.
                    world.tree = open_tree(world.dir.path(), limits);
                    world.log = open_log(world.dir.path());
                    world.apply(&[(1, "d", &content)], &[], &[]);
                    world.now_ms = 1_000 * round;
                    world.update().unwrap();
                } else {
                    world.log.settle().unwrap();
                }
            } else {
                world.now_ms = 1_000 * round;
                world.update().unwrap();
            }
            if !ended && end > 0 {
                // As in the runs before this one.
                remembered = Some(fs::read_to_string(world.public().join("checkpoint")).unwrap());
                continue;
            }
            let report = world.check(remembered.as_deref()).unwrap_or_else(|e| panic!("step {end}, round {round}: {e}"));
            assert_eq!(report.lines_without_salt, 0, "step {end}, round {round}");
            remembered = Some(report.checkpoint);
        }
        if !ended {
            break;
        }
    }
    assert!(steps.len() >= 5, "{steps:?}");
}

#[test]
fn a_withdrawal_destroys_salts_and_keeps_leaves_and_a_return_has_new_ones() {
    let mut world = World::new();
    world.apply(&[(0, "gone", "secret"), (0, "stays", "text")], &[], &[]);
    world.update().unwrap();
    let state = |world: &World| SaltState::of_bytes(&fs::read(world.dir.path().join("log.salts")).unwrap()).unwrap();
    let salt = |world: &World, name: &str| state(world).of(name).salt(1).unwrap().to_hex();
    let (gone, stays) = (salt(&world, "A/gone"), salt(&world, "A/stays"));
    let before = world.check(None).unwrap();
    let tile = |world: &World, width: u32| fs::read(world.public().join(format!("tile/0/000.p/{width}"))).unwrap();
    let leaves = tile(&world, 2);
    world.apply(&[], &[], &[(0, "gone")]);
    world.update().unwrap();
    assert_ne!(salt(&world, "A/gone"), gone);
    assert_eq!(salt(&world, "A/stays"), stays);
    let snapshot = world.index.snapshot().unwrap();
    assert_eq!(world.log.salts().line(&snapshot, TypeId::new(0), "gone", 1).unwrap().salt, None);
    let after = world.check(Some(&before.checkpoint)).unwrap();
    assert_eq!(after.leaves, 3, "the leaves stay, and the tombstone has one");
    assert!(tile(&world, 3).starts_with(&leaves));
    // It stays destroyed when the log is opened again, and is destroyed once.
    let stored = fs::read(world.dir.path().join("log.salts")).unwrap();
    world.log = open_log(world.dir.path());
    world.apply(&[(0, "gone", "back"), (0, "other", "x")], &[], &[]);
    world.update().unwrap();
    assert_eq!(fs::read(world.dir.path().join("log.salts")).unwrap(), stored);
    assert_eq!(world.check(Some(&after.checkpoint)).unwrap().lines_without_salt, 0);
    // Withdrawn again in the page in which it came back.
    let second = salt(&world, "A/gone");
    world.apply(&[(0, "gone", "back again")], &[], &[]);
    world.apply(&[], &[], &[(0, "gone")]);
    world.apply(&[(0, "gone", "and again")], &[], &[]);
    world.update().unwrap();
    assert_ne!(salt(&world, "A/gone"), second, "although what stands is newer than the withdrawal");
    world.check(Some(&after.checkpoint)).unwrap();
}

#[test]
fn secrets_are_the_owners_alone_and_damage_is_told() {
    let world = grown();
    let dir = world.dir.path();
    #[cfg(unix)]
    for name in ["log.key", "log.salts", "log.json"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    for name in ["log.key", "log.salts", "log.json", "public/tile/0/000.p/48"] {
        let bytes = fs::read(dir.join(name)).unwrap();
        let mut changed = bytes.clone();
        changed[20] ^= 1;
        fs::write(dir.join(name), &changed).unwrap();
        let error = try_open_log(dir).err().unwrap_or_else(|| panic!("{name}: no error")).to_string();
        assert!(error.contains(name.trim_end_matches("/0/000.p/48")), "{name}: {error}");
        fs::write(dir.join(name), &bytes).unwrap();
    }
    open_log(dir);
    // A lost checkpoint is signed again; one with cosignatures stays.
    let checkpoint = dir.join("public/checkpoint");
    let signed = fs::read_to_string(&checkpoint).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    open_log(dir);
    assert_eq!(fs::read_to_string(&checkpoint).unwrap(), signed);
    let witness = SignerKey::of_seed("witness.example/w1", Secret::take(&mut [5; 32])).unwrap();
    let text = SignedNote::parse(signed.as_bytes()).unwrap().unverified_text().to_owned();
    let mut cosigned = SignedNote::parse(signed.as_bytes()).unwrap();
    cosigned.add_signatures_of(&SignedNote::sign(&text, &[&witness]).unwrap()).unwrap();
    fs::write(&checkpoint, cosigned.to_string()).unwrap();
    open_log(dir);
    assert_eq!(fs::read_to_string(&checkpoint).unwrap(), cosigned.to_string());
    // Two keys during a rotation: the second one signs beside what is there.
    assert!(crate::add_log_key(dir, &mut [6; 32]).unwrap() && !crate::add_log_key(dir, &mut [7; 32]).unwrap());
    let log = open_log(dir);
    assert_eq!(log.verifiers().count(), 2);
    let note = SignedNote::parse(&fs::read(&checkpoint).unwrap()).unwrap();
    for key in log.verifiers().chain([witness.verifier()]) {
        note.verify(std::slice::from_ref(key)).unwrap();
    }
    let both: Vec<_> = log.verifiers().cloned().collect();
    assert!(crate::retire_log_key(dir).unwrap() && !crate::retire_log_key(dir).unwrap());
    assert_eq!(crate::log_keys(dir).unwrap(), both[1..]);
    assert_eq!(open_log(dir).verifiers().cloned().collect::<Vec<_>>(), both[1..]);
    // What the first one signed stays verifiable (TLOG-5).
    SignedNote::parse(&fs::read(&checkpoint).unwrap()).unwrap().verify(&both[..1]).unwrap();
}

#[test]
fn a_page_that_is_served_has_the_digest_of_the_one_that_is_stored() {
    let world = grown();
    let root = "https://annuaire.example/fhir/v2/$bulk-publish";
    let served = Addresses::Below { root, requires_access: false };
    let digest = |bytes: &[u8], base: &str| page_digest(&serde_json::from_slice(bytes).unwrap(), base);
    let stored = fs::read(world.public().join("root.json")).unwrap();
    assert_eq!(digest(&world.tree.root(served).unwrap(), &format!("{root}/")), digest(&stored, ""));
    let names: BTreeMap<_, _> = world.tree.state.load().pages.clone();
    for name in names.keys() {
        let crate::Found::Here(page) = world.tree.page(name, served) else { panic!("{name}") };
        let stored = fs::read(world.public().join(format!("pages/{name}.json"))).unwrap();
        assert_eq!(digest(&page, &format!("{root}/")), digest(&stored, "../"), "{name}");
    }
}
