//! Communes: those in force with their postal codes, and former ones (`data/geography`).
//!
//! A code that no longer exists still leads to the commune that holds its territory today.

use flate2::read::GzDecoder;
use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

const COMMUNES: &[u8] = include_bytes!("../../../data/geography/communes.csv.gz");
const HISTORY: &[u8] = include_bytes!("../../../data/geography/communes_history.csv.gz");

/// A commune, a delegated or associated commune, or a municipal district, in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commune {
    /// INSEE code. Several kinds of commune may share it.
    pub code: String,
    /// `COM`, `COMD`, `COMA`, `ARM`.
    pub kind: String,
    /// Name with accents.
    pub name: String,
    /// Department code; empty where the source gives none, for delegated communes.
    pub department: String,
    /// Region code.
    pub region: String,
    /// Postal codes.
    pub postal: Vec<String>,
    /// Code of the commune that this one is a part of; empty for a commune of its own.
    pub parent: String,
    /// Inhabitants.
    pub population: u32,
}

/// A name that a code had for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerName {
    /// `COM`, `COMD`, `COMA`, `COMP`.
    pub kind: String,
    /// Name at that time.
    pub name: String,
    /// First day (ISO 8601).
    pub start: String,
    /// Day from which the code no longer had this name; empty when it still has.
    pub end: String,
    /// Code of the commune that followed at the end; empty when the code itself went on, and where the source gives none.
    pub successor: String,
}

/// All communes.
#[derive(Debug, Default)]
pub struct Geography {
    /// Those in force, in code order.
    communes: Vec<Commune>,
    /// Position in `communes` of a code in force.
    by_code: HashMap<String, usize>,
    /// Position in `communes` of the commune that holds the territory of a former code.
    successor: HashMap<String, usize>,
    history: HashMap<String, Vec<FormerName>>,
}

impl Geography {
    /// The communes of this program. They are read at their first use: some 90,000 rows, under a tenth of a second.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static ALL: OnceLock<Geography> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all = Self::default();
            decompressed(COMMUNES).lines().skip(1).for_each(|line| all.add_commune(line));
            decompressed(HISTORY).lines().skip(1).for_each(|line| all.add_former_name(line));
            all
        })
    }

    /// Adds a line of `communes.csv`.
    fn add_commune(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(';').collect();
        let [code, kind, name, department, region, postal, parent, former, population] = fields[..] else { return };
        let position = self.communes.len();
        self.communes.push(Commune {
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
        if matches!(kind, "COM" | "ARM") || !self.by_code.contains_key(code) {
            self.by_code.insert(code.to_owned(), position);
        }
        for former_code in former.split_whitespace() {
            self.successor.insert(former_code.to_owned(), position);
        }
    }

    /// Adds a line of `communes_history.csv`.
    fn add_former_name(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(';').collect();
        let [code, kind, name, start, end, successor] = fields[..] else { return };
        let [kind, name, start, end, successor] = [kind, name, start, end, successor].map(str::to_owned);
        self.history.entry(code.to_owned()).or_default().push(FormerName { kind, name, start, end, successor });
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

    /// The commune of today that holds the territory of a code, in force or former.
    #[must_use]
    pub fn today(&self, code: &str) -> Option<&Commune> {
        self.commune(code).or_else(|| self.successor.get(code).map(|i| &self.communes[*i]))
    }

    /// Codes that are not in force, of which the territory is held by a commune of today; in no order.
    pub fn former_codes(&self) -> impl Iterator<Item = &str> {
        self.successor.keys().map(String::as_str)
    }

    /// The names that a code had from 1943 to 2019, oldest first.
    #[must_use]
    pub fn history(&self, code: &str) -> &[FormerName] {
        self.history.get(code).map_or(&[], Vec::as_slice)
    }

    /// Every code that had a name from 1943 to 2019, with its names; in no order.
    pub fn histories(&self) -> impl Iterator<Item = (&str, &[FormerName])> {
        self.history.iter().map(|(code, names)| (code.as_str(), names.as_slice()))
    }

    /// Whether a code is or ever was that of a commune.
    #[must_use]
    pub fn is_known(&self, code: &str) -> bool {
        self.by_code.contains_key(code) || self.successor.contains_key(code) || self.history.contains_key(code)
    }
}

fn decompressed(gzip: &[u8]) -> String {
    let mut text = String::new();
    // The files are part of the program and a test reads them, so that no broken one reaches a user.
    let _ = GzDecoder::new(gzip).read_to_string(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::Geography;

    #[test]
    fn codes_in_force_and_former_ones_resolve() {
        let geo = Geography::embedded();
        assert_eq!(geo.communes().len(), 37_590);
        let metz = geo.commune("57463").unwrap();
        assert_eq!((metz.name.as_str(), metz.kind.as_str(), metz.department.as_str()), ("Metz", "COM", "57"));
        assert!(metz.postal.contains(&"57000".to_owned()));
        // A delegated commune that shares the code of the new commune; a commune that no longer exists; a district; Corsica.
        assert_eq!(geo.commune("01015").unwrap().kind, "COM");
        let former = geo.today("01340").unwrap();
        assert_ne!((former.code.as_str(), former.kind.as_str()), ("01340", "COM"));
        assert_eq!(geo.history("01340")[0].successor, "01015");
        assert!(geo.histories().any(|(code, names)| code == "01340" && names.len() == geo.history("01340").len()));
        assert_eq!(geo.commune("69383").unwrap().parent, "69123");
        assert_eq!(geo.commune("2A004").unwrap().name, "Ajaccio");
        assert!(geo.commune("97411").is_some() && !geo.is_known("99999"));
    }

    #[test]
    fn every_code_since_1943_leads_to_a_commune_of_today() {
        let geo = Geography::embedded();
        let lost: Vec<_> = geo.history.keys().filter(|c| geo.today(c).is_none()).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
