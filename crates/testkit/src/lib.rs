//! A fictional nation in the official file formats: same plan, same bytes.
//!
//! Everything about person `i` is a function of (seed, i, delivery), so files of any size stream out in constant memory.
//! Numbers lie in blocks that are not in use: RPPS from `1099900000`, FINESS department 99, phones reserved for fiction.

mod headers;

use std::fs::{self, File};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Persons in the first delivery.
    pub professionals: u32,
    /// Seed of everything.
    pub seed: u64,
    /// Persons that differ in the second delivery, per mille.
    pub changed_per_mille: u32,
}

/// How the second delivery differs from the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planted {
    /// Present in both, with another name.
    pub persons_changed: u32,
    /// Only in the second.
    pub persons_new: u32,
    /// Only in the first.
    pub persons_gone: u32,
}

impl std::fmt::Display for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} persons changed, {} new, {} gone", self.persons_changed, self.persons_new, self.persons_gone)
    }
}

const FAMILIES: &[&str] = &[
    "MARTIN",
    "BERNARD",
    "THOMAS",
    "PETIT",
    "ROBERT",
    "RICHARD",
    "DURAND",
    "DUBOIS",
    "MOREAU",
    "LAURENT",
    "SIMON",
    "MICHEL",
    "LEFÈVRE",
    "LEROY",
    "ROUX",
    "DAVID",
    "BERTRAND",
    "MOREL",
    "FOURNIER",
    "GIRARD",
    "BONNET",
    "DUPONT",
    "LAMBERT",
    "FONTAINE",
    "ROUSSEAU",
    "VINCENT",
    "MULLER",
    "LE GOFF",
    "FAURE",
    "ANDRÉ",
    "MERCIER",
    "BLANC",
    "GUÉRIN",
    "BOYER",
    "GARNIER",
    "CHEVALIER",
    "FRANÇOIS",
    "LEGRAND",
    "GAUTHIER",
    "GARCIA",
    "PERRIN",
    "ROBIN",
    "CLÉMENT",
    "MORIN",
    "NICOLAS",
    "HENRY",
    "ROUSSEL",
    "D'ESSAI",
    "FRASLIN",
    "N'GUESSAN",
    "BENALI",
    "NGUYEN",
    "DA SILVA",
    "KOWALSKI",
    "CŒURDOUX",
    "ÉTIENNE",
    "ÏSSA",
    "DE LA TOUR",
    "YVON",
    "ZIMMER",
];
const GIVEN: &[(&str, bool)] = &[
    ("CAMILLE", true),
    ("MARIE", true),
    ("JEAN", false),
    ("PIERRE", false),
    ("ANNE-SOPHIE", true),
    ("LÉA", true),
    ("ZOÉ", true),
    ("JEAN-FRANÇOIS", false),
    ("THOMAS", false),
    ("NICOLAS", false),
    ("CLAIRE", true),
    ("SOPHIE", true),
    ("ÉLODIE", true),
    ("HÉLÈNE", true),
    ("PAUL", false),
    ("LOUIS", false),
    ("GWENAËLLE", true),
    ("MAËL", false),
    ("YANN", false),
    ("AÏCHA", true),
    ("FATIMA", true),
    ("MOHAMED", false),
    ("JULIE", true),
    ("BÉNÉDICTE", true),
    ("LUCIE", true),
    ("HUGO", false),
    ("ALI", false),
    ("INÈS", true),
    ("ANDRÉ", false),
    ("FRANÇOISE", true),
    ("CHLOÉ", true),
    ("RAPHAËL", false),
    ("NOÉMIE", true),
    ("LUC", false),
];
/// (INSEE, postal code, town).
const TOWNS: &[(&str, &str, &str)] = &[
    ("75114", "75014", "PARIS 14E ARRONDISSEMENT"),
    ("69383", "69003", "LYON 3E ARRONDISSEMENT"),
    ("35238", "35000", "RENNES"),
    ("29019", "29200", "BREST"),
    ("2A004", "20000", "AJACCIO"),
    ("13208", "13008", "MARSEILLE 8E ARRONDISSEMENT"),
    ("31555", "31000", "TOULOUSE"),
    ("33063", "33000", "BORDEAUX"),
    ("59350", "59000", "LILLE"),
    ("67482", "67000", "STRASBOURG"),
    ("44109", "44000", "NANTES"),
    ("06088", "06000", "NICE"),
    ("34172", "34000", "MONTPELLIER"),
    ("21231", "21000", "DIJON"),
    ("57463", "57000", "METZ"),
    ("97411", "97400", "SAINT-DENIS"),
    ("38185", "38000", "GRENOBLE"),
    ("37261", "37000", "TOURS"),
];
const STREETS: &[&str] = &["DES LILAS IMAGINAIRES", "DE L'EXEMPLE", "DU FAUX PONT", "DE LA FICTION", "DES ESSAIS", "DU MODELE"];
/// (code, label, share of a hundred, order, diploma code, diploma label).
const PROFESSIONS: &[(&str, &str, u64, &str, &str, &str)] = &[
    ("60", "Infirmier", 55, "ONI", "DE09", "DE Infirmier"),
    ("10", "Médecin", 22, "CNOM", "DE05", "DE Docteur en médecine"),
    ("70", "Masseur-Kinésithérapeute", 10, "CNOMK", "DE11", "DE Masseur-Kinésithérapeute"),
    ("21", "Pharmacien", 7, "CNOP", "DE02", "DE Docteur en pharmacie"),
    ("40", "Chirurgien-Dentiste", 4, "CNOCD", "DE04", "DE Chirurgien-Dentiste"),
    ("50", "Sage-Femme", 2, "CNOSF", "DE06", "DE Sage-Femme"),
];
const SPECIALTIES: &[(&str, &str)] = &[
    ("SM54", "Médecine générale (SM)"),
    ("SM26", "Qualifié en Médecine générale (SM)"),
    ("SM04", "Cardiologie et Maladies vasculaires (SM)"),
    ("SM42", "Psychiatrie (SM)"),
    ("SM20", "Gynécologie-obstétrique (SM)"),
];

/// A stream of pseudo-random numbers (splitmix64) keyed by what it is for.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, purpose: u64, i: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i.wrapping_mul(0xd1b5_4a32_d192_ed03));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len() as u64);
        &list[usize::try_from(at).unwrap_or(0)]
    }
}

/// The number followed by its Luhn key.
fn keyed(number: &str) -> String {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| match (u32::from(b - b'0'), i % 2) {
            (d, 1) => d,
            (d, _) if d > 4 => d * 2 - 9,
            (d, _) => d * 2,
        })
        .sum();
    format!("{number}{}", (10 - sum % 10) % 10)
}

/// A structure's 31 columns, 20 to 50 of the activity file, but for the authority.
struct Place {
    columns: [String; 28],
    sector: (&'static str, &'static str),
    authority: &'static str,
}

fn address(dice: &mut Dice, columns: &mut [String; 28]) {
    let town = dice.pick(TOWNS);
    columns[9] = (1 + dice.below(120)).to_string();
    columns[11] = "R".into();
    columns[12] = "Rue".into();
    columns[13] = (*dice.pick(STREETS)).into();
    columns[15] = format!("{} {}", town.1, town.2);
    columns[16] = town.1.into();
    columns[17] = town.0.into();
    columns[18] = town.2.into();
    columns[19] = "99000".into();
    columns[20] = "France".into();
    columns[21] = format!("019900{:04}", dice.below(10_000));
}

/// Hospital site `n`: five sites to a legal entity.
fn hospital(seed: u64, n: u64) -> Place {
    let mut dice = Dice::new(seed, 2, n);
    let mut c: [String; 28] = Default::default();
    let site = keyed(&format!("990{:05}", 20_000 + n));
    c[2].clone_from(&site);
    c[3] = keyed(&format!("990{:05}", 10_000 + n / 5));
    c[4] = format!("F{site}");
    c[5] = format!("CENTRE HOSPITALIER FICTIF {} SITE {}", n / 5 + 1, n % 5 + 1);
    address(&mut dice, &mut c);
    c[27] = format!("1{site}");
    Place { columns: c, sector: ("SA01", "Etablissement public de santé"), authority: "ARS" }
}

/// The own practice of person `i`, or the pharmacy where they work.
fn practice(seed: u64, i: u64, rpps: &str, family: &str, profession: &str, order: &'static str) -> Place {
    let mut dice = Dice::new(seed, 3, i);
    let mut c: [String; 28] = Default::default();
    let (name, sector) = if profession == "21" {
        let site = keyed(&format!("991{:05}", i % 100_000));
        c[2].clone_from(&site);
        c[4] = format!("F{site}");
        c[27] = format!("1{site}");
        ("PHARMACIE DES ESSAIS".to_owned(), ("SA33", "Pharmacie d'officine"))
    } else {
        c[4] = format!("R1019{i:010}");
        c[27] = format!("4{}", keyed(&format!("{rpps}00")));
        (format!("CABINET {family}"), ("SA07", "Cabinet individuel"))
    };
    c[5] = name;
    // A pharmacy is the same place for all who share its number: its address follows the number.
    if profession == "21" {
        dice = Dice::new(seed, 4, i % 100_000);
    }
    address(&mut dice, &mut c);
    Place { columns: c, sector, authority: order }
}

struct Files {
    activity: BufWriter<File>,
    know_how: BufWriter<File>,
    diplomas: BufWriter<File>,
    cards: BufWriter<File>,
}

fn line(out: &mut impl Write, fields: &[&str]) -> Result<()> {
    for f in fields {
        out.write_all(f.as_bytes())?;
        out.write_all(b"|")?;
    }
    out.write_all(b"\n")
}

/// Writes the first delivery in `dir` and the second in `dir/next`.
///
/// # Errors
/// Whatever the file system says.
pub fn generate(dir: &Path, plan: &Plan) -> Result<Planted> {
    let mut planted = Planted::default();
    let fresh = plan.professionals / 2_000;
    for (delivery, stamp) in [(1_u32, "202611010800"), (2, "202611040800")] {
        let folder = if delivery == 1 { dir.to_owned() } else { dir.join("next") };
        fs::create_dir_all(&folder)?;
        let open = |name: &str, header: &str| -> Result<BufWriter<File>> {
            let mut out = BufWriter::with_capacity(1 << 18, File::create(folder.join(format!("{name}_{stamp}.txt")))?);
            writeln!(out, "{header}")?;
            Ok(out)
        };
        let mut files = Files {
            activity: open("PS_LibreAcces_Personne_activite", headers::ACTIVITY)?,
            know_how: open("PS_LibreAcces_SavoirFaire", headers::KNOW_HOW)?,
            diplomas: open("PS_LibreAcces_Dipl_AutExerc", headers::DIPLOMAS)?,
            cards: open("Porteurs_CPS_CPF", headers::CARDS)?,
        };
        for i in 0..u64::from(plan.professionals) {
            let fate = Dice::new(plan.seed, 5, i).below(10_000);
            let gone = fate < 5;
            let changed = !gone && fate < 5 + 10 * u64::from(plan.changed_per_mille);
            if delivery == 2 {
                planted.persons_gone += u32::from(gone);
                planted.persons_changed += u32::from(changed);
                if gone {
                    continue;
                }
            }
            person(plan, i, delivery == 2 && changed, &mut files)?;
        }
        if delivery == 2 {
            planted.persons_new = fresh;
            for i in 0..u64::from(fresh) {
                person(plan, u64::from(plan.professionals) + i, false, &mut files)?;
            }
        }
        for out in [&mut files.activity, &mut files.know_how, &mut files.diplomas, &mut files.cards] {
            out.flush()?;
        }
    }
    Ok(planted)
}

fn person(plan: &Plan, i: u64, changed: bool, files: &mut Files) -> Result<()> {
    let mut dice = Dice::new(plan.seed, 1, i);
    let rpps = keyed(&(1_099_900_000 + i).to_string());
    let national = format!("8{rpps}");
    let mut family = (*dice.pick(FAMILIES)).to_owned();
    if dice.below(4) == 0 {
        family = format!("{family}-{}", dice.pick(FAMILIES));
    }
    let place_family = family.clone();
    if changed {
        family = format!("{family}-NOUVEAU");
    }
    let (given, woman) = *dice.pick(GIVEN);
    let mut draw = dice.below(100);
    let job = PROFESSIONS.iter().find(|p| {
        let hit = draw < p.2;
        draw = draw.saturating_sub(p.2);
        hit
    });
    let &(profession, label, _, order, diploma, diploma_label) = job.unwrap_or(&PROFESSIONS[0]);
    let doctor = matches!(profession, "10" | "40");
    let title = if doctor { ("DR", "Docteur") } else { ("", "") };
    let civil = if woman { ("MME", "Madame") } else { ("M", "Monsieur") };
    let category = if dice.below(50) == 0 { ("M", "Militaire") } else { ("C", "Civil") };
    let specialty = if profession == "10" { Some(*dice.pick(SPECIALTIES)) } else { None };
    let skill = specialty.map_or(["", "", "", ""], |s| ["S", "Spécialité ordinale", s.0, s.1]);
    let id = ["8", rpps.as_str(), national.as_str()];
    let head: Vec<&str> =
        [&id[..], &[title.0, title.1, civil.0, civil.1, &family, given, profession, label, category.0, category.1], &skill]
            .concat();

    let own = practice(plan.seed, i, &rpps, &place_family, profession, order);
    let sites = (u64::from(plan.professionals) / 50).clamp(1, 70_000);
    let site = hospital(plan.seed, dice.below(sites));
    let place_of = |dice: &mut Dice| match dice.below(100) {
        0..8 => Vec::new(),
        8..46 => vec![("L", Some(&own))],
        46..80 => vec![("S", Some(&site))],
        80..97 => vec![("L", Some(&own)), ("S", Some(&site))],
        _ => vec![("L", None)],
    };
    let places = place_of(&mut dice);
    let nothing: [String; 28] = Default::default();
    if places.is_empty() {
        line(&mut files.activity, &[&head[..], &[""; 39]].concat())?;
    }
    for (mode, place) in places {
        let mode_label = if mode == "L" { "Libéral, indépendant, artisan, commerçant" } else { "Salarié" };
        let columns = place.map_or(&nothing, |p| &p.columns);
        let authority = format!("{order}/{order}/{}", place.map_or("", |p| p.authority));
        let sector = place.map_or(("", ""), |p| p.sector);
        let section = if profession == "21" { ("A", "Pharmacien titulaire d'officine") } else { ("", "") };
        let role = if mode == "L" && profession != "21" {
            ("FON-01", "Titulaire de cabinet")
        } else {
            ("FON-AU", "Fonction non définie")
        };
        let mut fields = head.clone();
        fields.extend([mode, mode_label]);
        fields.extend(columns.iter().map(String::as_str));
        fields.extend([authority.as_str(), sector.0, sector.1, section.0, section.1, role.0, role.1]);
        fields.extend(["GENR01", "Activité standard de soins ou de pharmacien"]);
        line(&mut files.activity, &fields)?;
    }
    let name = [family.as_str(), given];
    let practice = [profession, label, category.0, category.1];
    if specialty.is_some() {
        line(&mut files.know_how, &[&id[..], &name, &practice, &skill].concat())?;
    }
    let degree = ["DE", "Diplôme d'Etat français", diploma, diploma_label];
    line(&mut files.diplomas, &[&id[..], &name, &degree, &["", "", "", ""]].concat())?;
    if dice.below(2) == 0 {
        let number = format!("999{i:07}");
        let card =
            ["00", "Carte de Professionnel de Santé (CPS)", &number, &national, "02/03/2025", "01/03/2028", "", "01/11/2026"];
        line(&mut files.cards, &[&id[..], &name, &practice, &card].concat())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn persons(dir: &Path) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
        files.sort();
        for path in files {
            let text = fs::read_to_string(path).unwrap();
            let width = text.lines().next().unwrap().matches('|').count();
            for line in text.lines().skip(1) {
                assert_eq!(line.matches('|').count(), width, "{line}");
                let fields: Vec<&str> = line.split('|').collect();
                assert_eq!(annuaire_base::id::rpps(fields[1]), Ok(()));
                if width == 56 {
                    for f in [fields[21], fields[22]] {
                        assert!(f.is_empty() || annuaire_base::id::finess(f).is_ok(), "{f}");
                    }
                }
                all.entry(fields[2].into()).or_default().push(line.into());
            }
        }
        all
    }

    #[test]
    fn same_plan_same_bytes_and_the_planted_changes_are_the_real_ones() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { professionals: 3_000, seed: 7, changed_per_mille: 20 };
        let planted = generate(&dir.path().join("a"), &plan).unwrap();
        assert_eq!(planted, generate(&dir.path().join("b"), &plan).unwrap());
        let one = persons(&dir.path().join("a"));
        assert_eq!(one, persons(&dir.path().join("b")));
        let two = persons(&dir.path().join("a/next"));
        let count = |n: usize| u32::try_from(n).unwrap();
        assert_eq!(one.len(), 3_000);
        assert_eq!(planted.persons_gone, count(one.keys().filter(|k| !two.contains_key(*k)).count()));
        assert_eq!(planted.persons_new, count(two.keys().filter(|k| !one.contains_key(*k)).count()));
        assert_eq!(planted.persons_changed, count(one.iter().filter(|(k, v)| two.get(*k).is_some_and(|w| w != *v)).count()));
        assert!(planted.persons_changed > 30 && planted.persons_gone > 0, "{planted:?}");
    }
}
