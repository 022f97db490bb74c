//! Communes: in force, former, with their postal codes (data/geography).

use flate2::read::GzDecoder;
use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

const COMMUNES: &[u8] = include_bytes!("../../../data/geography/communes.csv.gz");
const HISTORY: &[u8] = include_bytes!("../../../data/geography/communes_history.csv.gz");

/// A commune, delegated or associated commune, or municipal district in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commune {
    /// INSEE code. Several types may share it.
    pub code: String,
    /// `COM`, `COMD`, `COMA`, `ARM`.
    pub kind: String,
    /// Name with accents.
    pub name: String,
    /// Department code; empty for a delegated commune of the source.
    pub department: String,
    /// Region code.
    pub region: String,
    /// Postal codes.
    pub postal: Vec<String>,
    /// The commune that a part belongs to.
    pub parent: String,
    /// Inhabitants.
    pub population: u32,
}

/// A name that a code had during a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// `COM`, `COMD`, `COMA`, `COMP`.
    pub kind: String,
    /// Name at that time.
    pub name: String,
    /// First day, ISO.
    pub start: String,
    /// Day from which it no longer holds, empty when it still does.
    pub end: String,
}

/// All communes.
#[derive(Debug)]
pub struct Geographie {
    communes: Vec<Commune>,
    by_code: HashMap<String, usize>,
    successor: HashMap<String, usize>,
    history: HashMap<String, Vec<Former>>,
}

fn lines(packed: &[u8]) -> String {
    let mut text = String::new();
    // The files are part of the program and read by a test: a broken one cannot reach a user.
    let _ = GzDecoder::new(packed).read_to_string(&mut text);
    text
}

impl Geographie {
    /// The tables of this program, read at their first use (some 90,000 rows, under a tenth of a second).
    #[must_use]
    pub fn embedded() -> &'static Self {
        static ALL: OnceLock<Geographie> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all =
                Self { communes: Vec::new(), by_code: HashMap::new(), successor: HashMap::new(), history: HashMap::new() };
            for line in lines(COMMUNES).lines().skip(1) {
                let f: Vec<&str> = line.split(';').collect();
                let [code, kind, name, department, region, postal, parent, former, population] = f[..] else { continue };
                let at = all.communes.len();
                all.communes.push(Commune {
                    code: code.to_owned(),
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    department: department.to_owned(),
                    region: region.to_owned(),
                    postal: postal.split_whitespace().map(str::to_owned).collect(),
                    parent: parent.to_owned(),
                    population: population.parse().unwrap_or(0),
                });
                // A delegated commune may share the code of the one that succeeded it, which wins.
                if matches!(kind, "COM" | "ARM") || !all.by_code.contains_key(code) {
                    all.by_code.insert(code.to_owned(), at);
                }
                for old in former.split_whitespace() {
                    all.successor.insert(old.to_owned(), at);
                }
            }
            for line in lines(HISTORY).lines().skip(1) {
                let f: Vec<&str> = line.split(';').collect();
                let [code, kind, name, start, end, _] = f[..] else { continue };
                let [kind, name, start, end] = [kind, name, start, end].map(str::to_owned);
                all.history.entry(code.to_owned()).or_default().push(Former { kind, name, start, end });
            }
            all
        })
    }

    /// Everything in force, in code order.
    #[must_use]
    pub fn communes(&self) -> &[Commune] {
        &self.communes
    }

    /// The commune or district in force with this code.
    #[must_use]
    pub fn commune(&self, code: &str) -> Option<&Commune> {
        self.by_code.get(code).map(|i| &self.communes[*i])
    }

    /// The commune that holds today what this code named, in force or not.
    #[must_use]
    pub fn today(&self, code: &str) -> Option<&Commune> {
        self.commune(code).or_else(|| self.successor.get(code).map(|i| &self.communes[*i]))
    }

    /// The names that a code had from 1943 to 2019, oldest first.
    #[must_use]
    pub fn history(&self, code: &str) -> &[Former] {
        self.history.get(code).map_or(&[], Vec::as_slice)
    }

    /// Whether a code is or was ever a commune.
    #[must_use]
    pub fn known(&self, code: &str) -> bool {
        self.by_code.contains_key(code) || self.successor.contains_key(code) || self.history.contains_key(code)
    }
}

#[cfg(test)]
mod tests {
    use super::Geographie;

    #[test]
    fn codes_in_force_and_former_ones_resolve() {
        let geo = Geographie::embedded();
        assert_eq!(geo.communes().len(), 37_590);
        let metz = geo.commune("57463").unwrap();
        assert_eq!((metz.name.as_str(), metz.kind.as_str(), metz.department.as_str()), ("Metz", "COM", "57"));
        assert!(metz.postal.contains(&"57000".to_owned()));
        // A delegated commune that shares the code of the new commune; a commune that no longer exists; a district; Corsica.
        assert_eq!(geo.commune("01015").unwrap().kind, "COM");
        let former = geo.today("01340").unwrap();
        assert_ne!((former.code.as_str(), former.kind.as_str()), ("01340", "COM"));
        assert!(!geo.history("01340").is_empty());
        assert_eq!(geo.commune("69383").unwrap().parent, "69123");
        assert_eq!(geo.commune("2A004").unwrap().name, "Ajaccio");
        assert!(geo.commune("97411").is_some() && !geo.known("99999"));
    }

    #[test]
    fn every_code_since_1943_leads_to_a_commune_of_today() {
        let geo = Geographie::embedded();
        let lost: Vec<_> = geo.history.keys().filter(|c| geo.today(c).is_none()).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
