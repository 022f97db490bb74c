//! All names of places, sorted, with what each designates.

use super::near::{NearNames, first_after, near};
use super::told::{Place, PlaceKind};
use super::typed::{name_key, words};
use crate::limits::{AREA_WEIGHT, LABEL_NAMES};
use annuaire_base::text::fold;
use annuaire_nos::Nos;
use annuaire_nos::geography::{Commune, Geography};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

/// Departments of the regions that ended on 1 January 2016, by the code of the region in TRE_R30: the table keeps their names, and people too.
pub(super) const FORMER_REGIONS: [(&str, &[&str]); 16] = [
    ("21", &["08", "10", "51", "52"]),
    ("22", &["02", "60", "80"]),
    ("23", &["27", "76"]),
    ("25", &["14", "50", "61"]),
    ("26", &["21", "58", "71", "89"]),
    ("31", &["59", "62"]),
    ("41", &["54", "55", "57", "88"]),
    ("42", &["67", "68"]),
    ("43", &["25", "39", "70", "90"]),
    ("54", &["16", "17", "79", "86"]),
    ("72", &["24", "33", "40", "47", "64"]),
    ("73", &["09", "12", "31", "32", "46", "65", "81", "82"]),
    ("74", &["19", "23", "87"]),
    ("82", &["01", "07", "26", "38", "42", "69", "73", "74"]),
    ("83", &["03", "15", "43", "63"]),
    ("91", &["11", "30", "34", "48", "66"]),
];

/// Articles that people leave out before the name of a town.
const ARTICLES: [&str; 4] = ["le ", "la ", "les ", "l "];

/// What a name designates. Communes are positions in the list of the geography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Designated {
    /// A commune of today, or a district.
    Commune(u32),
    /// A former commune, or a former name, and the commune of today; `own` still has postal codes of its own.
    Former { name: &'static str, own: Option<u32>, today: u32 },
    /// A department, by its code.
    Department(&'static str),
    /// A region, by its position among the regions.
    Region(usize),
}

/// One name of one place.
#[derive(Debug)]
pub(super) struct PlaceName {
    key: String,
    designated: Designated,
    weight: u32,
    /// Whether it is not the complete name: the article is left out.
    is_short: bool,
}

impl PlaceName {
    /// The order in which places are told: complete names first, then the largest.
    fn rank(&self) -> (bool, std::cmp::Reverse<u32>) {
        (self.is_short, std::cmp::Reverse(self.weight))
    }
}

struct AreaOfDepartments {
    label: &'static str,
    is_former: bool,
    departments: Vec<&'static str>,
}

/// The names of all places of France, made at the first use in some tenths of a second.
pub(super) struct Gazetteer {
    communes: &'static [Commune],
    /// By key, then rank.
    names: Vec<PlaceName>,
    /// Each beginning of a word of a complete name: position of the name, byte at which the word begins; sorted by the text from there.
    beginnings: Vec<(u32, u16)>,
    /// Communes and districts of a postal code, the largest first; a city gives way to its districts.
    by_postal: BTreeMap<&'static str, Vec<u32>>,
    /// Names of departments.
    departments: BTreeMap<&'static str, &'static str>,
    regions: Vec<AreaOfDepartments>,
    /// Departments of the first three digits of postal codes, where two do not tell.
    by_prefix: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Gazetteer {
    pub(super) fn embedded() -> &'static Self {
        static ALL: OnceLock<Gazetteer> = OnceLock::new();
        ALL.get_or_init(|| Self::new(Geography::embedded(), Nos::embedded()))
    }

    fn new(geography: &'static Geography, nos: &'static Nos) -> Self {
        let communes = geography.communes();
        let mut all = Self {
            communes,
            names: Vec::with_capacity(60_000),
            beginnings: Vec::with_capacity(150_000),
            by_postal: BTreeMap::new(),
            departments: BTreeMap::new(),
            regions: Vec::new(),
            by_prefix: BTreeMap::new(),
        };
        all.add_communes(geography);
        all.add_areas(nos);
        all.names.sort_by(|a, b| (a.key.as_str(), a.rank(), a.designated).cmp(&(b.key.as_str(), b.rank(), b.designated)));
        for (position, name) in all.names.iter().enumerate().filter(|(_, name)| !name.is_short) {
            let spaces = name.key.match_indices(' ').map(|(at, _)| at + 1);
            all.beginnings.extend(std::iter::once(0).chain(spaces).map(|at| (position as u32, at as u16)));
        }
        let names = &all.names;
        all.beginnings.sort_by(|a, b| text_from(names, *a).cmp(text_from(names, *b)));
        all
    }

    fn add_communes(&mut self, geography: &'static Geography) {
        let communes = self.communes;
        let of_today: HashMap<&str, u32> = communes
            .iter()
            .zip(0..)
            .filter(|(c, _)| matches!(c.kind.as_str(), "COM" | "ARM"))
            .map(|(c, i)| (c.code.as_str(), i))
            .collect();
        let cities: HashSet<&str> = communes.iter().filter(|c| c.kind == "ARM").map(|c| c.parent.as_str()).collect();
        let mut former = Vec::new();
        for (commune, position) in communes.iter().zip(0..) {
            if matches!(commune.kind.as_str(), "COM" | "ARM") {
                self.add_name(&commune.name, Designated::Commune(position), commune.population);
                for postal in &commune.postal {
                    if !cities.contains(commune.code.as_str()) {
                        self.by_postal.entry(postal).or_default().push(position);
                    }
                    if let (Some(prefix), true) = (postal.get(..3), beyond_two_digits(postal)) {
                        self.by_prefix.entry(prefix).or_default().insert(&commune.department);
                    }
                }
            } else if let Some(today) = of_today.get(commune.parent.as_str()) {
                let own = (!commune.postal.is_empty() || commune.code != commune.parent).then_some(position);
                former.push((commune.name.as_str(), own, *today));
            }
        }
        for (code, names) in geography.histories() {
            let holder =
                geography.today(code).and_then(|c| of_today.get(c.code.as_str()).or_else(|| of_today.get(c.parent.as_str())));
            let Some(today) = holder else { continue };
            former.extend(names.iter().filter(|n| n.kind == "COM" && !n.end.is_empty()).map(|n| (n.name.as_str(), None, *today)));
        }
        let mut known = HashSet::new();
        for (name, own, today) in former {
            let key = name_key(name);
            if key != name_key(&communes[today as usize].name) && known.insert((key, today)) {
                self.add_name(name, Designated::Former { name, own, today }, 0);
            }
        }
        for list in self.by_postal.values_mut() {
            list.sort_by_key(|i| std::cmp::Reverse(communes[*i as usize].population));
        }
    }

    fn add_areas(&mut self, nos: &'static Nos) {
        let mut regions: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
        // Of each department: the inhabitants, and the only commune when there is one.
        let mut held: HashMap<&'static str, (u32, Option<&'static str>)> = HashMap::new();
        for commune in self.communes.iter().filter(|c| c.kind == "COM") {
            regions.entry(commune.region.as_str()).or_default().insert(&commune.department);
            let only = if held.contains_key(commune.department.as_str()) { None } else { Some(commune.name.as_str()) };
            let (inhabitants, name) = held.entry(&commune.department).or_default();
            (*inhabitants, *name) = (*inhabitants + commune.population, only);
        }
        let weight = |departments: &[&str]| {
            let inhabitants: u32 =
                departments.iter().filter_map(|code| held.get(code)).map(|(inhabitants, _)| *inhabitants).sum();
            inhabitants.min(AREA_WEIGHT)
        };
        let concepts = |table| nos.table(table).map_or(&[][..], annuaire_nos::Table::concepts);
        let known: BTreeSet<_> = regions.values().flatten().copied().collect();
        for department in concepts("TRE_G09").iter().filter(|d| known.contains(d.code.as_str())) {
            self.departments.insert(&department.code, &department.label);
            // Paris, Saint-Martin and Saint-Barthélemy are told once, as communes.
            let is_commune = held
                .get(department.code.as_str())
                .and_then(|(_, only)| *only)
                .is_some_and(|only| name_key(only) == name_key(&department.label));
            if !is_commune {
                self.add_name(&department.label, Designated::Department(&department.code), weight(&[&department.code]));
            }
        }
        for region in concepts("TRE_R30") {
            let departments: Vec<&'static str> = match FORMER_REGIONS.iter().find(|(code, _)| *code == region.code) {
                Some((_, departments)) => departments.to_vec(),
                None => regions.get(region.code.as_str()).map(|codes| codes.iter().copied().collect()).unwrap_or_default(),
            };
            match departments[..] {
                [] => {}
                // An overseas region is its only department, perhaps under another name (La Réunion).
                [one] => {
                    if self.departments.get(one).is_some_and(|name| name_key(name) != name_key(&region.label)) {
                        self.add_name(&region.label, Designated::Department(one), weight(&[one]));
                    }
                }
                _ => {
                    let designated = Designated::Region(self.regions.len());
                    let weight = weight(&departments);
                    self.regions.push(AreaOfDepartments { label: &region.label, is_former: !region.valid_on(""), departments });
                    self.add_name(&region.label, designated, weight);
                    if let Some(short) = region.extra.split(';').find_map(|pair| pair.strip_prefix("short=")) {
                        self.add_name(short, designated, weight);
                    }
                }
            }
        }
    }

    fn add_name(&mut self, name: &str, designated: Designated, weight: u32) {
        let key = name_key(name);
        if let Some(short) = ARTICLES.iter().find_map(|article| key.strip_prefix(article)) {
            self.names.push(PlaceName { key: short.to_owned(), designated, weight, is_short: true });
        }
        self.names.push(PlaceName { key, designated, weight, is_short: false });
    }

    /// Names that are exactly this one, best first; without the article only where `short` allows it.
    pub(super) fn exact(&self, key: &str, short: bool) -> Vec<&PlaceName> {
        let from = self.names.partition_point(|name| name.key.as_str() < key);
        self.names[from..].iter().take_while(|name| name.key == key && (short || !name.is_short)).collect()
    }

    /// Names within so many errors, best first, of the fewest errors alone.
    pub(super) fn near(&self, key: &str, errors: u8) -> Vec<&PlaceName> {
        let found = self.walk(key, errors).found;
        let fewest = found.iter().map(|(_, errors)| *errors).min();
        let mut names: Vec<_> =
            found.into_iter().filter(|(_, errors)| Some(*errors) == fewest).map(|(i, _)| &self.names[i]).collect();
        names.sort_by_key(|name| name.rank());
        names
    }

    pub(super) fn walk(&self, key: &str, errors: u8) -> NearNames {
        near(self.names.len(), |i| self.names[i].key.as_str(), key, errors)
    }

    /// The department of a code, as a name.
    pub(super) fn department(&self, code: &str) -> Option<Place> {
        let (code, _) = self.departments.get_key_value(code.to_uppercase().as_str())?;
        Some(self.designated(Designated::Department(code)))
    }

    /// Names of which a word begins with a text, by weight; those that are the text come first.
    pub(super) fn beginning_with(&self, text: &str, keep: impl Fn(&PlaceName) -> bool, limit: usize) -> Vec<&PlaceName> {
        let from = self.beginnings.partition_point(|b| text_from(&self.names, *b) < text);
        let holds = |i: usize| text_from(&self.names, self.beginnings[i]).starts_with(text);
        if from == self.beginnings.len() || !holds(from) {
            return Vec::new();
        }
        let to = first_after(from, self.beginnings.len(), holds);
        let mut names: Vec<u32> =
            self.beginnings[from..to].iter().map(|(name, _)| *name).filter(|n| keep(&self.names[*n as usize])).collect();
        let rank = |n: &u32| {
            let name = &self.names[*n as usize];
            (name.key != text, std::cmp::Reverse(name.weight), *n)
        };
        // A name of which two words begin so stands there twice.
        let first = (2 * limit).min(names.len());
        if first < names.len() {
            names.select_nth_unstable_by_key(first, rank);
            names.truncate(first);
        }
        names.sort_unstable_by_key(rank);
        names.dedup();
        names.truncate(limit);
        names.into_iter().map(|n| &self.names[n as usize]).collect()
    }

    /// Departments whose code begins with a text, and communes with a postal code that does, the largest first.
    pub(super) fn beginning_with_digits(&self, digits: &str, limit: usize) -> Vec<Place> {
        let of = self.departments.keys().filter(|code| code.starts_with(digits));
        let mut places: Vec<Place> = of.map(|code| self.designated(Designated::Department(code))).collect();
        places.extend(self.postal(digits));
        let codes = self.by_postal.range(digits..).take_while(|(code, _)| code.starts_with(digits));
        let mut communes: Vec<u32> = codes.flat_map(|(_, communes)| communes).copied().collect();
        communes.sort_unstable_by_key(|i| (std::cmp::Reverse(self.communes[*i as usize].population), *i));
        communes.dedup();
        communes.truncate(limit);
        places.extend(communes.into_iter().map(|i| self.designated(Designated::Commune(i))));
        places.truncate(limit);
        places
    }

    /// The place of a postal code that communes have.
    pub(super) fn postal(&self, code: &str) -> Option<Place> {
        let (code, positions) = self.by_postal.get_key_value(code)?;
        let communes: Vec<&Commune> = positions.iter().map(|i| &self.communes[*i as usize]).collect();
        let mut label =
            format!("{code} {}", communes.iter().take(LABEL_NAMES).map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "));
        if communes.len() > LABEL_NAMES {
            label.push('…');
        }
        Some(Place {
            label,
            kind: PlaceKind::PostalCode,
            insee: communes.iter().map(|c| c.code.clone()).collect(),
            postal: vec![(*code).to_owned()],
            names: communes.iter().flat_map(|c| address_names(c)).collect(),
            departments: distinct(communes.iter().map(|c| c.department.as_str())),
        })
    }

    /// Departments in which a postal code lies: those of its communes; of a code that no commune has (CEDEX), those of its first digits.
    pub(super) fn departments_of_postal(&self, code: &str) -> Vec<String> {
        if let Some(communes) = self.by_postal.get(code) {
            return distinct(communes.iter().map(|i| self.communes[*i as usize].department.as_str()));
        }
        if beyond_two_digits(code) {
            return code
                .get(..3)
                .and_then(|prefix| self.by_prefix.get(prefix))
                .map(|d| distinct(d.iter().copied()))
                .unwrap_or_default();
        }
        code.get(..2)
            .and_then(|prefix| self.departments.get_key_value(prefix))
            .map(|(code, _)| vec![(*code).to_owned()])
            .unwrap_or_default()
    }

    /// Beginnings of the postal codes of a department: two digits, three in Corsica and overseas, complete codes of
    /// small islands that share the digits of another one.
    fn postal_prefixes(&self, department: &str) -> Vec<String> {
        if department.len() == 2 && department.bytes().all(|b| b.is_ascii_digit()) {
            return vec![department.to_owned()];
        }
        let own = |prefix: &str| !department.starts_with("9") || prefix == department;
        let prefixes: Vec<String> = self
            .by_prefix
            .iter()
            .filter(|(prefix, of)| of.contains(department) && own(prefix))
            .map(|(p, _)| (*p).to_owned())
            .collect();
        if !prefixes.is_empty() {
            return prefixes;
        }
        let codes = self.communes.iter().filter(|c| c.department == department).flat_map(|c| c.postal.iter());
        distinct(codes.map(String::as_str))
    }

    /// What a name designates.
    pub(super) fn place(&self, name: &PlaceName) -> Place {
        self.designated(name.designated)
    }

    /// Whether a place of today, or a former commune, lies where a postal code, or an INSEE code, says.
    pub(super) fn agrees(&self, name: &PlaceName, code: &str) -> bool {
        let in_commune = |i: u32| {
            let commune = &self.communes[i as usize];
            commune.code == code
                || commune.postal.iter().any(|postal| postal == code)
                || (!self.by_postal.contains_key(code) && self.departments_of_postal(code).contains(&commune.department))
        };
        match name.designated {
            Designated::Commune(i) => in_commune(i),
            Designated::Former { own, today, .. } => own.is_some_and(in_commune) || in_commune(today),
            Designated::Department(_) | Designated::Region(_) => false,
        }
    }

    /// Whether a place lies in a department.
    pub(super) fn is_in(&self, name: &PlaceName, department: &str) -> bool {
        match name.designated {
            Designated::Commune(i) | Designated::Former { today: i, .. } => self.communes[i as usize].department == department,
            Designated::Department(_) | Designated::Region(_) => false,
        }
    }

    /// The district of a city that has a postal code.
    pub(super) fn district_of(&self, city: &PlaceName, postal: &str) -> Option<Place> {
        let Designated::Commune(i) = city.designated else { return None };
        let city = &self.communes[i as usize];
        let district = self.by_postal.get(postal)?.iter().find(|d| self.communes[**d as usize].parent == city.code)?;
        Some(self.designated(Designated::Commune(*district)))
    }

    fn designated(&self, designated: Designated) -> Place {
        match designated {
            Designated::Commune(i) => {
                let commune = &self.communes[i as usize];
                let is_district = commune.kind == "ARM";
                Place {
                    label: if is_district { commune.name.clone() } else { labelled(commune) },
                    kind: if is_district { PlaceKind::District } else { PlaceKind::Commune },
                    insee: vec![commune.code.clone()],
                    postal: commune.postal.clone(),
                    names: address_names(commune),
                    departments: vec![commune.department.clone()],
                }
            }
            Designated::Former { name, own, today } => {
                let today = &self.communes[today as usize];
                let own = own.map(|i| &self.communes[i as usize]);
                let postal = own.map(|c| &c.postal).filter(|codes| !codes.is_empty()).unwrap_or(&today.postal);
                Place {
                    label: format!("{name}, aujourd’hui {}", labelled(today)),
                    kind: PlaceKind::FormerCommune,
                    insee: distinct(std::iter::once(today.code.as_str()).chain(own.map(|c| c.code.as_str()))),
                    postal: postal.clone(),
                    names: name_variants(name).into_iter().chain(address_names(today)).collect(),
                    departments: vec![today.department.clone()],
                }
            }
            Designated::Department(code) => {
                let name = self.departments.get(code).copied().unwrap_or_default();
                Place {
                    label: format!("{name} (département {code})"),
                    kind: PlaceKind::Department,
                    insee: Vec::new(),
                    postal: self.postal_prefixes(code),
                    names: Vec::new(),
                    departments: vec![code.to_owned()],
                }
            }
            Designated::Region(position) => {
                let region = &self.regions[position];
                Place {
                    label: format!("{} ({})", region.label, if region.is_former { "ancienne région" } else { "région" }),
                    kind: PlaceKind::Region,
                    insee: Vec::new(),
                    postal: region.departments.iter().flat_map(|code| self.postal_prefixes(code)).collect(),
                    names: Vec::new(),
                    departments: region.departments.iter().map(|code| (*code).to_owned()).collect(),
                }
            }
        }
    }
}

/// Whether the department of a postal code takes three digits.
fn beyond_two_digits(postal: &str) -> bool {
    matches!(postal.get(..2), Some("20" | "97" | "98"))
}

fn text_from(names: &[PlaceName], (name, at): (u32, u16)) -> &str {
    &names[name as usize].key[usize::from(at)..]
}

/// « Brest (29) ».
fn labelled(commune: &Commune) -> String {
    format!("{} ({})", commune.name, commune.department)
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.iter().any(|f| f == text) {
            found.push(text.to_owned());
        }
    }
    found
}

/// A name as addresses write it: in full, and with « st » or « ste ».
fn name_variants(name: &str) -> Vec<String> {
    let full = fold(name);
    let short = full.split(' ').map(|word| match word {
        "saint" => "st",
        "sainte" => "ste",
        word => word,
    });
    let short = short.collect::<Vec<_>>().join(" ");
    if short == full { vec![full] } else { vec![full, short] }
}

/// The names that addresses give a commune, or a district: « paris 15e arrondissement », « paris 15 », « paris 15e », « paris 15eme ».
fn address_names(commune: &Commune) -> Vec<String> {
    let mut names = name_variants(&commune.name);
    if commune.kind == "ARM"
        && let [city, number, ..] = &words(&commune.name)[..]
    {
        let digits = number.trim_end_matches(char::is_alphabetic);
        names.extend([format!("{city} {digits}"), format!("{city} {number}")]);
        names.extend((digits != "1").then(|| format!("{city} {digits}eme")));
    }
    names
}
