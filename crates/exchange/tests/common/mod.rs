//! A registry, and files of the open activity extraction with fictional people.

#![allow(dead_code, clippy::unwrap_used)]

pub mod forgetful;
pub mod hooked;

use annuaire_exchange::{Error, Options, Report, import};
use annuaire_store::{BlockingRegistry, BlockingUnit, Cause, Channel, CommitClock};
use std::path::{Path, PathBuf};

pub const HEADER: &str = include_str!("../inputs/PS_LibreAcces_Personne_activite_202611240800.txt");

pub fn header() -> &'static str {
    HEADER.lines().next().unwrap()
}

pub fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs").join(name)
}

/// RPPS number of the fictional person `n`, with its key.
pub fn rpps(n: u32) -> String {
    let body = format!("{:010}", 1_099_900_000 + n);
    let digit = |(i, c): (usize, char)| {
        let d = c.to_digit(10).unwrap() * if i % 2 == 0 { 2 } else { 1 };
        d / 10 + d % 10
    };
    let sum: u32 = body.chars().rev().enumerate().map(digit).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Entity of the fictional person `n`.
pub fn pp(n: u32) -> String {
    format!("PP:8{}", rpps(n))
}

/// A line of profession 10 in Metz.
pub fn line(n: u32, name: &str) -> String {
    at(n, name, "10", "57000", "57463")
}

pub fn at(n: u32, name: &str, profession: &str, postal: &str, commune: &str) -> String {
    format!(
        "8|{0}|8{0}|DR||MME||{name}|PRENOM|{profession}|Médecin|C|Civil|||||L||||||R1019990{n:07}|CABINET {name}||||1||||DES ESSAIS||{postal} METZ|{postal}|{commune}|METZ||||||||||CNOM/CNOM/CNOM|||||||||",
        rpps(n)
    )
}

pub fn file(lines: &[String]) -> String {
    let mut text = format!("{}\n", header());
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

pub fn people(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|n| line(n, &format!("NOM{n:03}"))).collect()
}

pub struct World {
    pub registry: BlockingRegistry,
    pub dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { registry: annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap(), dir }
    }

    /// Writes a unit that is no import.
    pub fn unit(&self, write: impl FnOnce(&mut BlockingUnit)) {
        let mut unit = self.registry.begin().unwrap();
        write(&mut unit);
        unit.save(&Cause::new(Channel::Operator, "", ""), CommitClock { now_ms: &|| 0, any_clock: false }).unwrap();
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn load(&self, name: &str, text: impl AsRef<[u8]>) -> Result<Report, Error> {
        self.load_with(name, text, &Options::default())
    }

    pub fn load_with(&self, name: &str, text: impl AsRef<[u8]>, options: &Options) -> Result<Report, Error> {
        let path = self.write(name, text);
        import(&self.registry, &[path], options)
    }

    pub fn activity(&self, stamp: &str, lines: &[String]) -> Result<Report, Error> {
        self.load(&activity_name(stamp), file(lines))
    }

    /// What a source says of an entity now.
    pub fn payload(&self, entity: &str, source: &str) -> Option<String> {
        let tx = self.registry.last_tx().unwrap();
        let objects = self.registry.facts_at(tx, &[entity.to_owned()]).unwrap();
        objects.into_iter().find(|o| o.key.owner == source).map(|o| o.payload)
    }

    pub fn stands(&self, entity: &str) -> bool {
        let tx = self.registry.last_tx().unwrap();
        !self.registry.facts_at(tx, &[entity.to_owned()]).unwrap().is_empty()
    }

    /// Everything that stands, and all notes that imports read.
    pub fn all(&self) -> Vec<(String, String, String)> {
        let tx = self.registry.last_tx().unwrap();
        let (objects, _) = self.registry.standing(tx, "", 1_000_000).unwrap();
        objects.into_iter().map(|o| (o.key.owner, o.key.entity, o.payload)).collect()
    }
}

pub fn activity_name(stamp: &str) -> String {
    format!("PS_LibreAcces_Personne_activite_{stamp}.txt")
}

pub fn why(result: Result<Report, Error>) -> String {
    match result {
        Ok(report) => panic!("not refused: {report:?}"),
        Err(e) => e.to_string(),
    }
}
