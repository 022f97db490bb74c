//! How files come: in archives with companions, in other encodings, with other ends of lines, cut, changed while they are read,
//! or not at all.

#![allow(clippy::unwrap_used)]

use annuaire_exchange::{Error, Options, Report, import};
use annuaire_mos::Objet;
use annuaire_store::BlockingRegistry;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::write::SimpleFileOptions;

const ACTIVITY: &str = "PS_LibreAcces_Personne_activite_202611240800.txt";

struct World {
    registry: BlockingRegistry,
    dir: tempfile::TempDir,
}

fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name)
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)).unwrap()
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { registry: annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap(), dir }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn load(&self, path: &Path) -> Result<Report, Error> {
        self.load_with(path, &Options::default())
    }

    fn load_with(&self, path: &Path, options: &Options) -> Result<Report, Error> {
        import(&self.registry, &[path.to_owned()], options)
    }

    /// Imports what must be refused; returns the message.
    fn refusal(&self, path: &Path) -> String {
        let before = self.registry.last_tx().unwrap();
        let text = match self.load(path) {
            Ok(report) => panic!("{} was read: {report:?}", path.display()),
            Err(e) => e.to_string(),
        };
        assert_eq!(self.registry.last_tx().unwrap(), before, "nothing changed");
        assert!(text.contains(&*path.file_name().unwrap().to_string_lossy()), "{text}");
        text
    }

    fn entities(&self) -> Vec<(String, String)> {
        let tx = self.registry.last_tx().unwrap();
        let (objects, _) = self.registry.standing(tx, "", 1_000_000).unwrap();
        objects.into_iter().map(|o| (o.key.owner, o.key.entity)).collect()
    }
}

/// An archive of members, deflated.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn activity() -> Vec<u8> {
    std::fs::read(input(ACTIVITY)).unwrap()
}

#[test]
fn companions_are_named_and_missing_members_are_told() {
    for (name, files, companions, missing) in [
        ("PS_LibreAcces_202611240900.zip", 3, 0, 0),
        ("readme-PS_LibreAcces_202611240900.zip", 3, 1, 0),
        ("macosx-PS_LibreAcces_202611240900.zip", 3, 1, 0),
        ("deflate64-PS_LibreAcces_202611240900.zip", 1, 0, 2),
    ] {
        let w = World::new();
        let report = w.load(&input(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            (report.files.len(), report.companions.len(), report.missing.len()),
            (files, companions, missing),
            "{name}: {report:?}"
        );
        assert!(report.created > 0 && report.missing.iter().all(|m| m.contains("PS_LibreAcces_")), "{report:?}");
        if companions == 1 {
            assert!(report.companions[0].contains("LISEZMOI.txt") || report.companions[0].contains("__MACOSX/"), "{report:?}");
        }
    }
}

#[test]
fn members_of_every_shape_are_read_or_refused_by_name() {
    let w = World::new();
    let text = activity();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&text).unwrap();
    let gz = gz.finish().unwrap();
    // Folders, backslashes and gzip inside; documents, pictures, tables of nobody and empty texts beside.
    let beside: &[(&str, &[u8])] = &[
        ("a/README.md", b"x"),
        ("a/notes.txt", b"To whom it may concern.\n"),
        ("a/empty.txt", b""),
        ("descriptor.json", b"{\"name\":\"x\",\"resources\":[]}"),
        ("list.csv", b"colour;size\nred;1\n"),
        ("photo.bin", b"\xff\xd8\xff\xe0\x00\x01\x02"),
        (".DS_Store", b"\0\0\0\x01"),
        ("DSFT.pdf", b"%PDF-1.4"),
    ];
    for (name, bytes) in
        [(format!("a/b/{ACTIVITY}"), &text), (format!("a\\{ACTIVITY}"), &text), (format!("d/{ACTIVITY}.gz"), &gz)]
    {
        let w = World::new();
        let mut members = beside.to_vec();
        members.push((&name, bytes));
        let path = w.file("download.zip", archive(&members));
        let report = w.load(&path).unwrap();
        assert_eq!(report.files.len(), 1, "{report:?}");
        assert_eq!(report.files[0].format, "PS_LibreAcces_Personne_activite");
        assert_eq!((report.companions.len(), report.missing.len()), (beside.len(), 2), "{report:?}");
    }
    let inner = archive(&[(ACTIVITY, &text)]);
    let renamed = String::from_utf8(text.clone()).unwrap().replacen("Code profession|", "Code metier|", 1);
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (archive(&[(ACTIVITY, &text), ("more.zip", &inner)]), &["more.zip", "unpack"]),
        (archive(&[("README.txt", b"x"), ("b.pdf", b"%PDF")]), &["no national file", "README.txt"]),
        (archive(&[]), &["empty"]),
        (archive(&[(ACTIVITY, b"")]), &[ACTIVITY, "empty"]),
        (archive(&[(ACTIVITY, b"<html>503</html>")]), &[ACTIVITY, "error page"]),
        (archive(&[("other.txt", renamed.as_bytes())]), &["other.txt"]),
        (
            archive(&[(ACTIVITY, &text), ("PS_LibreAcces_SavoirFaire_202611240800.txt", b"colour|size|\n1|2|\n")]),
            &["SavoirFaire"],
        ),
        (archive(&[(ACTIVITY, &text)])[..300].to_vec(), &["cut or damaged", "download it again"]),
    ];
    for (n, (bytes, words)) in cases.into_iter().enumerate() {
        let path = w.file(&format!("case{n}.zip"), bytes);
        let said = w.refusal(&path);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
}

#[test]
fn an_archive_named_like_a_restricted_extraction_holds_nothing_open() {
    let world = World::new();
    let open = std::fs::read(input(ACTIVITY)).unwrap();
    for name in ["Extraction_ProSanteConnect_202611240801.zip", "Extraction_RPPS_Profil1_202611240801.zip"] {
        let path = world.file(name, archive(&[("activites_202611240801.txt", &open)]));
        let said = world.refusal(&path);
        assert!(said.contains("restricted") && said.contains("PS_LibreAcces_Personne_activite"), "{said}");
    }
    let path = world.file("download.zip", archive(&[("activites_202611240801.txt", &open)]));
    assert_eq!(world.load(&path).unwrap().files.len(), 1);
}

#[test]
fn damaged_encrypted_and_large_archives() {
    let w = World::new();
    let text = activity();
    // Stored, so that one byte changes one letter.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(ACTIVITY, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
    zip.write_all(&text).unwrap();
    let whole = zip.finish().unwrap().into_inner();
    let mut damaged = whole.clone();
    let at = damaged.windows(4).position(|b| b == b"METZ" || b == b"|DR|" || b == b"|M||").unwrap_or(800);
    damaged[at] ^= 1;
    let path = w.file("PS_LibreAcces_202611240900.zip", &damaged);
    let said = w.refusal(&path);
    assert!(said.contains(ACTIVITY) && said.contains("cut or damaged"), "{said}");
    // The bit that marks a member as encrypted, in both places.
    let mut encrypted = whole.clone();
    encrypted[6] |= 1;
    let central = encrypted.windows(4).rposition(|b| b == b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    let path = w.file("x.zip", &encrypted);
    let said = w.refusal(&path);
    assert!(said.contains("encrypted") && said.contains(ACTIVITY), "{said}");
    // A method that nobody reads.
    let mut odd = whole.clone();
    odd[8] = 99;
    let central = odd.windows(4).rposition(|b| b == b"PK\x01\x02").unwrap();
    odd[central + 10] = 97;
    let path = w.file("y.zip", &odd);
    let said = w.refusal(&path);
    assert!(said.contains(ACTIVITY), "{said}");
    // 64-bit sizes.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(ACTIVITY, SimpleFileOptions::default().large_file(true)).unwrap();
    zip.write_all(&text).unwrap();
    let path = w.file("PS_LibreAcces_Personne_activite_202611240801.zip", zip.finish().unwrap().into_inner());
    let report = w.load(&path).unwrap();
    assert!(report.created > 0 && report.missing.is_empty());
    // What expands without end.
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(b"{\"pmej\":[").unwrap();
    for _ in 0..70 {
        gz.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let path = w.file("finess-structures-journalier-20261009.json.gz", gz.finish().unwrap());
    let said = w.refusal_of(&path, "finess-structures-journalier-20261009.json");
    assert!(said.contains("expands"), "{said}");
    let many: Vec<(String, &[u8])> = (0..1_100).map(|n| (format!("f{n}.txt"), &b"x"[..])).collect();
    let path = w.file("many.zip", archive(&many.iter().map(|(n, b)| (n.as_str(), *b)).collect::<Vec<_>>()));
    assert!(w.refusal(&path).contains("1000 members"));
    // A gzip that is cut.
    let whole = sample("finess-plus/finess-structures-journalier-20261008.json.gz");
    let path = w.file("finess-structures-journalier-20261008.json.gz", &whole[..whole.len() / 2]);
    assert!(w.refusal_of(&path, "finess-structures-journalier-20261008.json").contains("cut or damaged"));
}

impl World {
    fn refusal_of(&self, path: &Path, name: &str) -> String {
        let said = self.load(path).unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
        said
    }
}

#[test]
fn marks_of_encodings_and_ends_of_lines() {
    // The plain file first: what the others must give.
    let plain = World::new();
    plain.load(&input(ACTIVITY)).unwrap();
    let want = plain.entities();
    assert!(!want.is_empty());
    let w = World::new();
    w.load(&input(&format!("cr-only-{ACTIVITY}"))).unwrap();
    assert_eq!(w.entities(), want, "CR alone");
    let text = String::from_utf8(activity()).unwrap();
    let ends = ["\r\n", "\r", "\n", "\r\n"];
    let mixed: String = text.lines().zip(ends.iter().cycle()).map(|(l, e)| format!("{l}{e}")).collect();
    for (n, other) in
        [text.replace('\n', "\r\n"), mixed, format!("\u{feff}{text}"), text.trim_end().to_owned()].iter().enumerate()
    {
        let w = World::new();
        let path = w.file(ACTIVITY, other);
        let report = w.load(&path).unwrap_or_else(|e| panic!("{n}: {e}"));
        assert_eq!((w.entities(), report.files[0].rejected), (want.clone(), 0), "{n}");
    }
    for name in ["bom-Practitioner.ndjson", "bom-finess-structures-journalier-20261123.json"] {
        let w = World::new();
        assert!(w.load(&input(name)).unwrap().created > 0, "{name}");
    }
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let w = World::new();
    let path = w.file(ACTIVITY, wide);
    assert!(w.refusal(&path).contains("UTF-16; save it as UTF-8"));
    for empty in ["", "\u{feff}", " \n\t\r\n", "\u{feff}\n"] {
        let path = w.file(ACTIVITY, empty);
        assert!(w.refusal(&path).contains("empty"), "{empty:?}");
    }
    let said = w.refusal(&input("PS_LibreAcces_202611250900.zip.html"));
    assert!(said.contains("503 service unavailable") && said.contains("download it again"), "{said}");
}

#[test]
fn one_stray_byte_spoils_one_character() {
    let w = World::new();
    let bytes = sample("PS_LibreAcces_Personne_activite_202610080843.txt");
    let name = "PS_LibreAcces_Personne_activite_202610080843.txt";
    let clean = w.file(name, &bytes);
    w.load(&clean).unwrap();
    let want = w.entities();
    // A letter of the last name of the first line becomes a byte that is no UTF-8.
    let text = String::from_utf8(bytes.clone()).unwrap();
    let header = text.find('\n').unwrap() + 1;
    let field = text[header..].match_indices('|').nth(6).unwrap().0 + header + 1;
    for stray in [0xff, 0xe9, 0xc3] {
        let other = World::new();
        let mut spoiled = bytes.clone();
        spoiled[field] = stray;
        let path = other.file(name, &spoiled);
        let report = other.load(&path).unwrap();
        assert_eq!((report.files[0].rejected, report.quarantined), (0, 0));
        assert_eq!(
            report.files[0].oddities.iter().filter(|(k, _)| k.contains("U+FFFD")).map(|(_, n)| *n).collect::<Vec<_>>(),
            [1]
        );
        assert_eq!(other.entities(), want, "nobody is lost");
    }
    // Marks that change how a name is seen do not enter.
    let marked = World::new();
    let spoiled = format!("{}\u{202e}\u{200b}{}", &text[..field], &text[field..]);
    let path = marked.file(name, spoiled);
    let report = marked.load(&path).unwrap();
    let removed: Vec<u64> =
        report.files[0].oddities.iter().filter(|(k, _)| k.contains("direction mark")).map(|(_, n)| *n).collect();
    assert_eq!(removed, [2]);
    let tx = marked.registry.last_tx().unwrap();
    let (objects, _) = marked.registry.standing(tx, "", 1_000_000).unwrap();
    assert!(objects.iter().all(|o| !o.payload.contains(['\u{202e}', '\u{200b}']) && !o.payload.contains("\\u20")));
}

#[test]
fn what_changes_while_it_is_read_is_refused() {
    for (n, change) in [
        (|p: &Path| std::fs::OpenOptions::new().append(true).open(p).unwrap().write_all(b"x\n").unwrap()) as fn(&Path),
        |p| std::fs::OpenOptions::new().write(true).open(p).unwrap().set_len(1_000).unwrap(),
        |p| {
            let text = std::fs::read(p).unwrap();
            // The clock of some file systems steps every few milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(30));
            std::fs::write(p, text).unwrap();
        },
    ]
    .into_iter()
    .enumerate()
    {
        for archived in [false, true] {
            let w = World::new();
            let path = if archived { w.file("x.zip", archive(&[(ACTIVITY, &activity())])) } else { w.file(ACTIVITY, activity()) };
            let (once, target) = (std::sync::Once::new(), path.clone());
            let progress: annuaire_exchange::Progress = Arc::new(move |_, _, _| once.call_once(|| change(&target)));
            let said = w.load_with(&path, &Options { progress: Some(progress), ..Options::default() }).unwrap_err().to_string();
            assert!(said.contains("changed while it was read"), "{n}: {said}");
            assert_eq!(w.registry.last_tx().unwrap().get(), 0);
        }
    }
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let w = World::new();
    let folder = w.dir.path().join("folder.txt");
    std::fs::create_dir(&folder).unwrap();
    assert!(w.refusal(&folder).contains("directory"));
    let pipe = w.dir.path().join("pipe.txt");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success()) {
        assert!(w.refusal(&pipe).contains("pipe or a device"));
    }
    assert!(w.load(Path::new("/dev/null")).is_err());
    let tar: Vec<u8> = [&b"PS.txt"[..], &[0; 251], b"ustar\x0000", &[0; 300]].concat();
    let path = w.file("a.tar", tar);
    assert!(w.refusal(&path).contains("tar archive"));
}

#[test]
fn scores_and_places_alarm_nobody_and_a_number_of_a_person_does() {
    let w = World::new();
    for name in
        ["finess-structures-journalier-20261123.json", "finess-structures-journalier-20261124.json", "geo-Organization.ndjson"]
    {
        w.load(&input(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let nir = format!("1990199999999{:02}", 97 - 1_990_199_999_999_u64 % 97);
    let spaced = format!("1 99 01 99 999 999 {}", &nir[13..]);
    for written in [&nir, &spaced] {
        let json = format!("{{\"resourceType\":\"Organization\",\"id\":\"o1\",\"name\":\"x {written}\"}}\n");
        let path = w.file("p.ndjson", json);
        let said = w.refusal(&path);
        assert!(said.contains("social security") && !said.contains(&nir) && !said.contains(&spaced), "{said}");
    }
}

#[test]
fn a_wrong_number_of_a_structure_is_no_number_of_a_person() {
    // 3 and a SIRET with a wrong key that, by chance, has the key of a number of a person.
    let number = (0..).map(|n| 3_990_199_000_000_u64 + n).find_map(|n| {
        let text = format!("{n}{:02}", 97 - n % 97);
        annuaire_base::nir::contains_nir(&text).then_some(text)
    });
    let number = number.unwrap();
    let text = String::from_utf8(activity()).unwrap();
    let columns: Vec<&str> = text.lines().next().unwrap().split('|').collect();
    let at = |name: &str| columns.iter().position(|c| c.starts_with(name)).unwrap();
    let with = |column: usize| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut fields: Vec<&str> = lines[1].split('|').collect();
        fields[column] = &number;
        lines[1] = fields.join("|");
        lines.join("\n") + "\n"
    };
    let w = World::new();
    let path = w.file(ACTIVITY, with(at("Ancien identifiant")));
    let report = w.load(&path).unwrap();
    assert_eq!(report.files[0].rejected, 0);
    let path = w.file("PS_LibreAcces_Personne_activite_202611240801.txt", with(at("Enseigne commerciale")));
    assert!(w.refusal(&path).contains("social security"));
}

#[test]
fn a_feed_goes_where_the_operator_says() {
    let line = "{\"resourceType\":\"Organization\",\"id\":\"o1\",\"name\":\"x\"}\n";
    let open = Options { open: true, ..Options::default() };
    let w = World::new();
    let path = w.file("o.ndjson", line);
    w.load(&path).unwrap();
    assert_eq!(w.entities(), [("fhir-restreint".to_owned(), "FH:Organization/o1".to_owned())]);
    w.load_with(&path, &open).unwrap();
    assert_eq!(w.entities().len(), 2, "two sources, each with its word");
    for restricted in [
        "{\"resourceType\":\"Person\",\"id\":\"p\"}\n",
        "{\"resourceType\":\"Organization\",\"id\":\"o2\",\"meta\":{\"profile\":[\"https://x.example/as-dr-organization\"]}}\n",
    ] {
        let path = w.file("r.ndjson", format!("{line}{restricted}"));
        let said = w.load_with(&path, &open).unwrap_err().to_string();
        assert!(said.contains("r.ndjson: line 2") && said.contains("--open"), "{said}");
    }
}

#[test]
fn feeds_cut_refused_unpublished_or_in_bundles() {
    let w = World::new();
    let org = |id: &str| format!("{{\"resourceType\":\"Organization\",\"id\":\"{id}\",\"name\":\"x\"}}");
    // Types that are not published: named, and no silence.
    let report = w.load(&input("export/Location.000.ndjson")).unwrap();
    assert!(
        report.files[0].left_out.contains("2 Location") && report.warnings.iter().any(|t| t.contains("2 Location")),
        "{report:?}"
    );
    assert_eq!(report.tx, None);
    let both = [input("export/Location.000.ndjson"), input("export/Practitioner.000.ndjson")];
    let report = import(&w.registry, &both, &Options::default()).unwrap();
    assert_eq!((report.created, report.warnings.len()), (1, 1), "{report:?}");
    // The last line cut, with and without others before; a bad line in the middle costs itself only.
    for cut in [format!("{}\n{}", org("a"), &org("b")[..30]), format!("{}\n{{\"resourceType\":\"Or", org("a"))] {
        let path = w.file("c.ndjson", cut);
        assert!(w.refusal(&path).contains("cut"));
    }
    let path = w.file("c.ndjson", &org("b")[..30]);
    assert!(w.refusal(&path).contains("cut"));
    let many: String = (0..200).map(|n| org(&format!("n{n}")) + "\n").collect();
    let path = w.file("m.ndjson", format!("{many}{{\"resourceType\":\"Organization\",{{\n{}\n{}", org("z"), org("last")));
    let report = w.load(&path).unwrap();
    assert_eq!((report.created, report.files[0].rejected, report.files[0].rejected_lines[0].line), (202, 1, 201), "{report:?}");
    // Bundles of all kinds, with outcomes among the entries.
    for (n, kind) in ["searchset", "transaction", "collection", "batch"].iter().enumerate() {
        let bundle = format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"{kind}\",\"entry\":[{{\"resource\":{}}},{{\"resource\":{{\"resourceType\":\
             \"OperationOutcome\",\"issue\":[]}},\"search\":{{\"mode\":\"outcome\"}}}}]}}",
            org(&format!("k{n}"))
        );
        let path = w.file("b.json", bundle);
        let report = w.load(&path).unwrap();
        assert_eq!((report.created, report.files[0].rejected), (1, 0), "{kind}");
    }
    // A Bundle without entries is a warning.
    let path = w.file("e.json", "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0}");
    assert_eq!(w.load(&path).unwrap().warnings.len(), 1);
    let outcome = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"diagnostics\":\"quota\"}]}";
    let path = w.file("e.json", outcome);
    assert!(w.refusal(&path).contains("quota"));
    for other in ["{\"entry\":[{}]}", "{\"a\":1}", "{}"] {
        let path = w.file("e.json", other);
        w.refusal(&path);
    }
    // The last file has the last word, whatever their order inside.
    let named = |id: &str, name: &str| org(id).replace("\"x\"", &format!("\"{name}\"")) + "\n";
    let paths = [w.file("1.ndjson", format!("{}{}", many, named("two", "first"))), w.file("2.ndjson", named("two", "second"))];
    import(&w.registry, &paths, &Options::default()).unwrap();
    let tx = w.registry.last_tx().unwrap();
    let found = w.registry.facts_at(tx, &["FH:Organization/two".to_owned()]).unwrap();
    let Objet::Ressource { json } = serde_json::from_str(&found[0].payload).unwrap() else { panic!() };
    assert!(json.contains("second"), "{json}");
}

#[test]
fn a_history_lists_the_newest_first() {
    let w = World::new();
    let version = |id: &str, n: u32| {
        format!(
            "{{\"resource\":{{\"resourceType\":\"Organization\",\"id\":\"{id}\",\"name\":\"v{n}\"}},\"request\":{{\"method\":\"PUT\",\"url\":\"x\"}}}}"
        )
    };
    let gone = "{\"request\":{\"method\":\"DELETE\",\"url\":\"Organization/b\"}}";
    let entries = [version("a", 3), gone.to_owned(), version("a", 2), version("b", 1), version("a", 1)].join(",");
    let bundle = |kind: &str| format!("{{\"resourceType\":\"Bundle\",\"type\" : \"{kind}\",\"entry\":[{entries}]}}");
    for (kind, name, count) in [("history", "v3", 1), ("transaction", "v1", 2)] {
        let path = w.file("h.json", bundle(kind));
        w.load(&path).unwrap();
        let tx = w.registry.last_tx().unwrap();
        let (objects, _) = w.registry.standing(tx, "", 100).unwrap();
        assert_eq!(objects.len(), count, "{kind}");
        assert!(objects[0].payload.contains(name), "{kind}: {objects:?}");
    }
}

#[test]
fn what_the_check_refuses_is_rejected_with_its_reason() {
    let w = World::new();
    let check: annuaire_exchange::ResourceCheck =
        |json| if json.contains("0001-") { Err("a date before all others".into()) } else { Ok(()) };
    let bad = "{\"resourceType\":\"Organization\",\"id\":\"old\",\"meta\":{\"lastUpdated\":\"0001-01-01T00:00:00Z\"}}\n";
    let good: String = (0..3).map(|n| format!("{{\"resourceType\":\"Organization\",\"id\":\"o{n}\"}}\n")).collect();
    let path = w.file("f.ndjson", format!("{good}{bad}"));
    let report = w.load_with(&path, &Options { check: Some(check), ..Options::default() }).unwrap();
    let first = &report.files[0].rejected_lines[0];
    assert_eq!((report.created, report.files[0].rejected, first.line), (3, 1, 4));
    assert!(first.reason.contains("Organization/old") && first.reason.contains("a date before all others"), "{first:?}");
}

#[test]
fn a_finess_record_that_cannot_be_read_costs_no_other() {
    let w = World::new();
    let text = String::from_utf8(sample("finess-plus/finess-structures-journalier-20261008.json")).unwrap();
    // An empty record first must not decide what the document is.
    let at = text.find("\"pmej\"").map(|p| p + text[p..].find('[').unwrap() + 1).unwrap();
    let path = w.file("finess-structures-journalier-20261008.json", format!("{}{{}},{}", &text[..at], &text[at..]));
    let report = w.load(&path).unwrap();
    assert_eq!((report.files[0].format.as_str(), report.files[0].rejected), ("FINESS+ structures", 1), "{report:?}");
    assert!(report.created > 20);
    // One byte that is no UTF-8 spoils a character, not the record.
    let w = World::new();
    let mut bytes = text.into_bytes();
    let at = bytes.windows(10).position(|b| b == b"CH D'ESSAI").unwrap();
    bytes[at] = 0xff;
    let path = w.file("finess-structures-journalier-20261008.json", bytes);
    let report = w.load(&path).unwrap();
    assert_eq!(report.files[0].rejected, 0);
    assert!(report.files[0].oddities.iter().any(|(k, n)| k.contains("U+FFFD") && *n == 1), "{report:?}");
}
