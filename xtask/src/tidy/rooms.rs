//! Rooms and arrows: the crates of the workspace and whom they may know, as ARCHITECTURE.md draws them.

use super::finding::Finding;
use super::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};

/// Crates outside of `crates/`: tools, which may know every room and which no room knows.
const TOOLS: [&str; 4] = ["bench", "conformance", "fuzz", "xtask"];

/// Libraries that one kind of room knows alone: the library, then the rooms, `*` standing for any end.
const LIBRARIES: [(&str, &[&str]); 3] =
    [("sqlx", &["store-*", "mirror"]), ("heed", &["index"]), ("askama", &["pages", "portal", "identity", "ecps", "relying"])];

/// Rooms in which one file alone may name a library: the library, the room, the file, why.
const ONE_FILE: [(&str, &str, &str, &str); 1] = [(
    "sqlx",
    "crates/mirror",
    "crates/mirror/src/sink/database.rs",
    "a mirror may write to the database of an operator, in which there is no registry; its tables are known to nobody else",
)];

/// The room that reads the clock and the environment. The fictional nation and the tools run on a developer's machine.
const READERS_OF_THE_WORLD: [&str; 2] = ["annuaire", "testkit"];

/// Calls that read the clock or the environment.
const WORLD: [&str; 9] = [
    "SystemTime::now",
    "Instant::now",
    "UNIX_EPOCH.elapsed",
    "Timestamp::now",
    "Zoned::now",
    "env::var",
    "env::vars",
    "env::var_os",
    "env::args",
];

/// Places that may make such a call all the same: file, call, why.
const WORLD_EXCEPTIONS: [(&str, &str, &str); 1] =
    [("crates/web/src/connections.rs", "Instant::now", "the clock of the runtime, which sets the alarms of connections")];

/// Rooms without input and output, and what they may not name.
const PURE: [&str; 5] = ["base", "fhir", "mos", "nos", "terms"];
const INPUT_AND_OUTPUT: [&str; 4] = ["std::fs", "std::net", "std::process", "std::thread"];

/// A crate as its manifest describes it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CrateManifest {
    /// Its room: the name of its directory.
    pub room: String,
    /// Packages that it needs to be built, without those of its tests.
    pub dependencies: BTreeSet<String>,
}

impl CrateManifest {
    /// Reads the manifest of the crate in the directory `room`.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn parse(room: &str, manifest: &str) -> Result<Self, String> {
        let manifest: toml::Table = manifest.parse().map_err(|e| format!("Cargo.toml of {room}: {e}"))?;
        let mut dependencies = BTreeSet::new();
        let mut add = |table: &toml::Table| {
            for section in ["dependencies", "build-dependencies"] {
                let names = table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(|t| t.keys().cloned());
                dependencies.extend(names);
            }
        };
        add(&manifest);
        let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
        targets.filter_map(|(_, target)| target.as_table()).for_each(&mut add);
        Ok(Self { room: room.to_owned(), dependencies })
    }
}

/// Whom a room may know.
#[derive(Debug, PartialEq, Eq)]
enum MayKnow {
    All,
    These(BTreeSet<String>),
}

/// Compares the table of ARCHITECTURE.md with the manifests, and the code with the rules of rooms.
pub fn check(architecture: &str, manifests: &[CrateManifest], files: &[SourceFile]) -> Vec<Finding> {
    let drawn = table(architecture);
    let mut found = arrows(&drawn, manifests);
    found.extend(libraries(manifests));
    found.extend(calls(files));
    found.extend(beyond_one_file(files));
    found
}

fn finding(place: &str, message: String) -> Finding {
    Finding { check: "rooms", place: place.to_owned(), message }
}

/// The rows of the table "Crate | In one sentence | May know".
fn table(architecture: &str) -> BTreeMap<String, MayKnow> {
    let rows = architecture.lines().skip_while(|line| !line.contains("| May know |")).skip(2);
    let mut drawn = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [rooms, .., known] = cells.as_slice() else { continue };
        for room in words(rooms) {
            let known: BTreeSet<String> = words(known).into_iter().filter(|word| word != "–").collect();
            let known = if known.contains("all") { MayKnow::All } else { MayKnow::These(known) };
            drawn.insert(room, known);
        }
    }
    drawn
}

/// Names between commas, without marks of code and without what is in parentheses.
fn words(cell: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for c in cell.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '`' => {}
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.split([',', ';', '·']).map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn arrows(drawn: &BTreeMap<String, MayKnow>, manifests: &[CrateManifest]) -> Vec<Finding> {
    let mut found = Vec::new();
    let rooms: BTreeSet<&str> = manifests.iter().map(|m| m.room.as_str()).collect();
    for (room, known) in drawn {
        if !rooms.contains(room.as_str()) {
            found.push(finding("ARCHITECTURE.md", format!("the room `{room}` has no crate")));
        }
        if let MayKnow::These(known) = known {
            for other in known.iter().filter(|other| !drawn.contains_key(*other)) {
                found.push(finding("ARCHITECTURE.md", format!("`{room}` may know `{other}`, which is no room of the table")));
            }
        }
    }
    for manifest in manifests {
        let room = manifest.room.as_str();
        let place = if TOOLS.contains(&room) { format!("{room}/Cargo.toml") } else { format!("crates/{room}/Cargo.toml") };
        let known = match (drawn.get(room), TOOLS.contains(&room)) {
            (Some(known), _) => known,
            (None, true) => &MayKnow::All,
            (None, false) => {
                found.push(finding("ARCHITECTURE.md", format!("the table of rooms does not list `{room}`")));
                continue;
            }
        };
        for other in manifest.dependencies.iter().filter_map(|d| d.strip_prefix("annuaire-")) {
            let allowed = match known {
                MayKnow::All => true,
                MayKnow::These(known) => known.contains(other),
            };
            let to_a_tool = TOOLS.contains(&other) && !TOOLS.contains(&room);
            if !allowed || to_a_tool {
                found.push(finding(&place, format!("`{room}` knows `{other}`, an arrow that ARCHITECTURE.md does not draw")));
            }
        }
    }
    found
}

fn libraries(manifests: &[CrateManifest]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (library, rooms) in LIBRARIES {
        for manifest in manifests.iter().filter(|m| m.dependencies.contains(library)) {
            let allowed = rooms.iter().any(|room| match room.strip_suffix('*') {
                Some(start) => manifest.room.starts_with(start),
                None => *room == manifest.room,
            });
            if !allowed {
                let message = format!("only {} may know {library}", rooms.join(", "));
                found.push(finding(&format!("crates/{}/Cargo.toml", manifest.room), message));
            }
        }
    }
    found
}

/// Files that name a library which only another file of their room may name.
fn beyond_one_file(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (library, room, only, why) in ONE_FILE {
        for file in files.iter().filter(|f| f.crate_dir() == room && f.path != only && !f.is_test()) {
            if let Some((at, _)) = file.code.match_indices(library).find(|(at, _)| whole_call(&file.code, *at, library)) {
                let message = format!("only {only} may name {library}: {why}");
                found.push(finding(&format!("{}:{}", file.path, file.line(at)), message));
            }
        }
    }
    found
}

fn calls(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for file in files.iter().filter(|f| !f.is_test()) {
        let Some(room) = file.crate_dir().strip_prefix("crates/") else { continue };
        let mut name = |call: &'static str, message: String| {
            for (at, _) in file.code.match_indices(call).filter(|(at, _)| whole_call(&file.code, *at, call)) {
                if let Some(exception) = WORLD_EXCEPTIONS.iter().find(|(path, of, _)| *path == file.path && *of == call) {
                    used.insert(*exception);
                } else {
                    found.push(finding(&format!("{}:{}", file.path, file.line(at)), message.clone()));
                }
            }
        };
        if !READERS_OF_THE_WORLD.contains(&room) {
            for call in WORLD {
                name(call, format!("`{call}`: only `annuaire` reads the clock and the environment; take it as a parameter"));
            }
        }
        if PURE.contains(&room) {
            for call in INPUT_AND_OUTPUT {
                name(call, format!("`{call}`: `{room}` does no input and output"));
            }
        }
    }
    for (path, call, _) in WORLD_EXCEPTIONS.iter().filter(|exception| !used.contains(*exception)) {
        found.push(finding(path, format!("`{call}` is an exception in xtask/src/tidy/rooms.rs and does not occur: take it out")));
    }
    found
}

/// Whether the call does not go on, as `env::var` does in `env::vars`.
fn whole_call(code: &str, at: usize, call: &str) -> bool {
    !code[at + call.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# x\n\n| Crate | In one sentence | May know |\n|---|---|---|\n| `base` | values | – |\n\
        | `store-a`, `store-b` | traits (and one | thing) | base (types only) |\n| `annuaire` | the program | all |\n\ntext | May\n";

    fn manifest(room: &str, dependencies: &[&str]) -> CrateManifest {
        CrateManifest { room: room.to_owned(), dependencies: dependencies.iter().map(|d| (*d).to_owned()).collect() }
    }

    fn messages(found: &[Finding]) -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    }

    /// Findings about manifests; without files, every exception is one that does not occur.
    fn about_rooms(manifests: &[CrateManifest]) -> Vec<String> {
        messages(&check(TABLE, manifests, &[])).into_iter().filter(|m| !m.contains("take it out")).collect()
    }

    #[test]
    fn the_table_is_read_row_by_row() {
        let drawn = table(TABLE);
        assert_eq!(drawn.keys().collect::<Vec<_>>(), ["annuaire", "base", "store-a", "store-b"]);
        assert_eq!(drawn["store-b"], MayKnow::These(["base".to_owned()].into()));
        assert_eq!(drawn["annuaire"], MayKnow::All);
    }

    #[test]
    fn arrows_that_are_not_drawn_are_named() {
        let text = "[dependencies]\nannuaire-base.workspace = true\n[target.'cfg(unix)'.dependencies]\nsqlx = \"1\"\n\
                    [dev-dependencies]\nannuaire-x = \"1\"\n";
        assert_eq!(CrateManifest::parse("store-a", text), Ok(manifest("store-a", &["annuaire-base", "sqlx"])));
        let good = [
            manifest("base", &[]),
            manifest("store-a", &["annuaire-base", "sqlx"]),
            manifest("store-b", &[]),
            manifest("annuaire", &["annuaire-store-a"]),
            manifest("bench", &["annuaire-base"]),
        ];
        assert!(about_rooms(&good).is_empty(), "{:?}", about_rooms(&good));
        let mut bad = good.to_vec();
        bad[0] = manifest("base", &["annuaire-store-a", "heed"]);
        bad[2] = manifest("new", &[]);
        bad[3] = manifest("annuaire", &["annuaire-bench"]);
        let found = about_rooms(&bad);
        for wanted in
            ["`base` knows `store-a`", "may know heed", "does not list `new`", "`store-b` has no crate", "knows `bench`"]
        {
            assert!(found.iter().any(|m| m.contains(wanted)), "{wanted}: {found:?}");
        }
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn one_file_of_a_room_names_the_library() {
        let file = |path: &str| SourceFile::new(path, "use sqlx::Row;".to_owned());
        let paths = [
            "crates/mirror/src/sink/database.rs",
            "crates/mirror/src/round.rs",
            "crates/mirror/tests/a.rs",
            "crates/store-a/src/a.rs",
        ];
        let found = messages(&beyond_one_file(&paths.map(file)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("crates/mirror/src/round.rs:1"));
    }

    #[test]
    fn the_clock_is_a_parameter() {
        let file = |path: &str, text: &str| SourceFile::new(path, text.to_owned());
        let files = [
            file("crates/base/src/a.rs", "fn f() { std::time::SystemTime::now(); std::env::vars(); std::fs::read(x); }"),
            file(
                "crates/index/src/a.rs",
                "#[cfg(test)] mod t { fn f() { Instant::now(); } } // Instant::now\nfn g() { std::fs::read(x); }",
            ),
            file("crates/annuaire/src/a.rs", "fn f() { Instant::now(); }"),
            file("crates/index/tests/a.rs", "fn f() { Instant::now(); }"),
        ];
        let found: Vec<String> = messages(&calls(&files)).into_iter().filter(|m| !m.contains("take it out")).collect();
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
