//! Structures of the fictional nation. Every attribute follows from the number of the structure, so each line of each file
//! says the same of it.
//!
//! FINESS numbers lie in department 99, which does not exist: `99`, six digits, key. The six digits are cut in ranges by
//! kind of structure, see [`StructureKind`].

use crate::dice::{Dice, keyed};

/// (INSEE, postal code, town, inhabitants in thousands).
const TOWNS: &[(&str, &str, &str, u64)] = &[
    ("75112", "75012", "PARIS 12E ARRONDISSEMENT", 140),
    ("75113", "75013", "PARIS 13E ARRONDISSEMENT", 180),
    ("75114", "75014", "PARIS 14E ARRONDISSEMENT", 136),
    ("75115", "75015", "PARIS 15E ARRONDISSEMENT", 229),
    ("75116", "75016", "PARIS 16E ARRONDISSEMENT", 160),
    ("75118", "75018", "PARIS 18E ARRONDISSEMENT", 190),
    ("13201", "13001", "MARSEILLE 1ER ARRONDISSEMENT", 40),
    ("13208", "13008", "MARSEILLE 8E ARRONDISSEMENT", 82),
    ("13213", "13013", "MARSEILLE 13E ARRONDISSEMENT", 93),
    ("69383", "69003", "LYON 3E ARRONDISSEMENT", 104),
    ("69387", "69007", "LYON 7E ARRONDISSEMENT", 83),
    ("69388", "69008", "LYON 8E ARRONDISSEMENT", 87),
    ("31555", "31000", "TOULOUSE", 504),
    ("06088", "06000", "NICE", 348),
    ("44109", "44000", "NANTES", 323),
    ("34172", "34000", "MONTPELLIER", 302),
    ("67482", "67000", "STRASBOURG", 291),
    ("33063", "33000", "BORDEAUX", 261),
    ("59350", "59000", "LILLE", 236),
    ("35238", "35000", "RENNES", 225),
    ("51454", "51100", "REIMS", 178),
    ("83137", "83000", "TOULON", 179),
    ("42218", "42000", "SAINT-ETIENNE", 173),
    ("76351", "76600", "LE HAVRE", 166),
    ("38185", "38000", "GRENOBLE", 157),
    ("21231", "21000", "DIJON", 159),
    ("49007", "49000", "ANGERS", 157),
    ("69266", "69100", "VILLEURBANNE", 156),
    ("97411", "97400", "SAINT-DENIS", 153),
    ("30189", "30000", "NIMES", 148),
    ("63113", "63000", "CLERMONT-FERRAND", 147),
    ("13001", "13100", "AIX-EN-PROVENCE", 147),
    ("72181", "72000", "LE MANS", 145),
    ("29019", "29200", "BREST", 139),
    ("37261", "37000", "TOURS", 138),
    ("80021", "80000", "AMIENS", 133),
    ("87085", "87000", "LIMOGES", 130),
    ("74010", "74000", "ANNECY", 131),
    ("66136", "66000", "PERPIGNAN", 119),
    ("57463", "57000", "METZ", 120),
    ("25056", "25000", "BESANCON", 117),
    ("45234", "45000", "ORLEANS", 116),
    ("76540", "76000", "ROUEN", 114),
    ("68224", "68100", "MULHOUSE", 106),
    ("14118", "14000", "CAEN", 106),
    ("54395", "54000", "NANCY", 104),
    ("97209", "97200", "FORT-DE-FRANCE", 76),
    ("86194", "86000", "POITIERS", 89),
    ("64445", "64000", "PAU", 76),
    ("17300", "17000", "LA ROCHELLE", 77),
    ("2A004", "20000", "AJACCIO", 72),
    ("2B033", "20200", "BASTIA", 48),
    ("56260", "56000", "VANNES", 54),
    ("22278", "22000", "SAINT-BRIEUC", 44),
    ("73065", "73000", "CHAMBERY", 59),
    ("16015", "16000", "ANGOULEME", 41),
    ("97302", "97300", "CAYENNE", 61),
    ("97105", "97100", "BASSE-TERRE", 10),
    ("97608", "97600", "MAMOUDZOU", 71),
    ("15014", "15000", "AURILLAC", 25),
    ("48095", "48000", "MENDE", 12),
    ("05061", "05000", "GAP", 40),
    ("23096", "23000", "GUERET", 13),
    ("50129", "50100", "CHERBOURG-EN-COTENTIN", 78),
    ("29232", "29000", "QUIMPER", 63),
    ("89024", "89000", "AUXERRE", 35),
];
const STREETS: &[&str] = &[
    "DES LILAS IMAGINAIRES",
    "DE L'EXEMPLE",
    "DU FAUX PONT",
    "DE LA FICTION",
    "DES ESSAIS",
    "DU MODELE",
    "DE LA MAQUETTE",
    "DES CHIMERES",
    "DU PROTOTYPE",
    "DE L'ECHANTILLON",
    "DES FABLES",
    "DU SPECIMEN",
];
/// (code, label).
const WAYS: &[(&str, &str)] =
    &[("R", "Rue"), ("AV", "Avenue"), ("BD", "Boulevard"), ("PL", "Place"), ("IMP", "Impasse"), ("RTE", "Route")];

/// Families of FINESS structures; each has its own range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StructureKind {
    Hospital,
    Pharmacy,
    Social,
    Other,
}

impl StructureKind {
    pub(crate) const ALL: [Self; 4] = [Self::Hospital, Self::Pharmacy, Self::Social, Self::Other];

    /// Number of legal entities in a nation of `n` professionals.
    pub(crate) fn bodies(self, n: u64) -> u64 {
        match self {
            Self::Hospital => (n / 700).clamp(1, 10_000),
            Self::Pharmacy => (n / 100).clamp(1, 50_000),
            Self::Social => (n * 15 / 800).clamp(1, 100_000),
            Self::Other => (n / 50).clamp(1, 90_000),
        }
    }

    /// Establishments of a legal entity.
    pub(crate) fn sites(self, seed: u64, body: u64) -> u64 {
        match self {
            Self::Hospital => 1 + Dice::new(seed, 20, body).zipf(8),
            Self::Pharmacy => 1,
            Self::Social => 2,
            Self::Other => 1 + body % 2,
        }
    }

    fn first(self) -> (u64, u64) {
        match self {
            Self::Hospital => (10_000, 20_000),
            Self::Pharmacy => (100_000, 150_000),
            Self::Social => (200_000, 300_000),
            Self::Other => (500_000, 600_000),
        }
    }

    /// FINESS number of a legal entity.
    pub(crate) fn ej(self, body: u64) -> String {
        keyed(&format!("99{:06}", self.first().0 + body))
    }

    /// FINESS number of an establishment.
    pub(crate) fn eg(self, body: u64, site: u64) -> String {
        let most = match self {
            Self::Hospital => 8,
            Self::Pharmacy => 1,
            Self::Social | Self::Other => 2,
        };
        keyed(&format!("99{:06}", self.first().1 + body * most + site))
    }

    /// Whether a legal entity is closed: 40 % of social ones and 65 % of others, so that as many stay open as people work in.
    pub(crate) fn closed(self, seed: u64, body: u64) -> bool {
        match self {
            Self::Hospital | Self::Pharmacy => false,
            Self::Social => Dice::new(seed, 21, body).below(100) < 40,
            Self::Other => Dice::new(seed, 22, body).below(100) < 65,
        }
    }

    pub(crate) fn name(self, body: u64, site: u64) -> String {
        match self {
            Self::Hospital => format!("CENTRE HOSPITALIER FICTIF {} SITE {}", body + 1, site + 1),
            Self::Pharmacy => format!("PHARMACIE DES ESSAIS {}", body + 1),
            Self::Social => format!("EHPAD LES TILLEULS {} RESIDENCE {}", body + 1, site + 1),
            Self::Other => format!("CENTRE DE SANTE DU MODELE {} ANTENNE {}", body + 1, site + 1),
        }
    }

    /// Activity sector (code, label) and FINESS category.
    pub(crate) fn sector(self) -> ((&'static str, &'static str), &'static str) {
        match self {
            Self::Hospital => (("SA01", "Etablissement public de santé"), "355"),
            Self::Pharmacy => (("SA33", "Pharmacie d'officine"), "620"),
            Self::Social => (("SA17", "Etablissement pour personnes âgées"), "500"),
            Self::Other => (("SA05", "Centre de santé"), "124"),
        }
    }
}

/// An address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address {
    pub number: String,
    pub way: (&'static str, &'static str),
    pub street: &'static str,
    pub insee: &'static str,
    pub postal: String,
    pub town: String,
    pub phone: String,
    /// The source did not recognise the commune: only the sixth address line names the town.
    pub unmatched: bool,
}

pub(crate) fn address(dice: &mut Dice) -> Address {
    let town = dice.weighted(TOWNS, |t| t.3);
    // Number ranges that the French regulator reserves for fiction.
    let range = *dice.pick(&["019900", "026191", "035301", "046571", "063998"]);
    Address {
        number: (1 + dice.below(120)).to_string(),
        way: *dice.pick(WAYS),
        street: dice.pick::<&str>(STREETS),
        insee: town.0,
        postal: town.1.to_owned(),
        town: town.2.to_owned(),
        phone: format!("{range}{:04}", dice.below(10_000)),
        unmatched: dice.once_in(200),
    }
}

/// The address of an establishment; a legal entity has the address of its first establishment. Hospitals have CEDEX lines.
pub(crate) fn site_address(seed: u64, kind: StructureKind, body: u64, site: u64) -> Address {
    let mut a = address(&mut Dice::new(seed, 30 + kind as u64, body * 8 + site));
    a.unmatched = false;
    if kind == StructureKind::Hospital {
        a.postal = format!("{}{:03}", &a.postal[..2], 900 + body % 90);
        a.town = format!("{} CEDEX", a.town);
    }
    a
}

/// A place of practice, as the activity file writes it: columns 20 to 47, sector, authority.
#[derive(Debug, Clone, Default)]
pub(crate) struct PracticePlace {
    pub columns: [String; 28],
    pub sector: (&'static str, &'static str),
    pub authority: &'static str,
}

impl PracticePlace {
    /// National structure id with its type digit.
    pub(crate) fn national(&self) -> &str {
        &self.columns[27]
    }

    /// Technical id.
    pub(crate) fn id(&self) -> &str {
        &self.columns[4]
    }

    pub(crate) fn name(&self) -> &str {
        &self.columns[5]
    }
}

fn fill(columns: &mut [String; 28], a: &Address) {
    columns[9].clone_from(&a.number);
    columns[11] = a.way.0.into();
    columns[12] = a.way.1.into();
    columns[13] = a.street.into();
    columns[15] = format!("{} {}", a.postal, a.town);
    if !a.unmatched {
        columns[16].clone_from(&a.postal);
        columns[17] = a.insee.into();
        columns[18] = a.town.trim_end_matches(" CEDEX").into();
        columns[19] = "99000".into();
        columns[20] = "France".into();
    }
    columns[21].clone_from(&a.phone);
}

/// An establishment as a place of practice.
pub(crate) fn establishment(seed: u64, kind: StructureKind, body: u64, site: u64) -> PracticePlace {
    let mut c: [String; 28] = Default::default();
    let number = kind.eg(body, site);
    c[3] = kind.ej(body);
    c[4] = format!("F{number}");
    c[5] = kind.name(body, site);
    c[27] = format!("1{number}");
    c[2] = number;
    fill(&mut c, &site_address(seed, kind, body, site));
    PracticePlace { columns: c, sector: kind.sector().0, authority: "ARS" }
}

/// A place that a test describes.
pub(crate) struct HandMadePlace<'a> {
    pub id: &'a str,
    pub finess: &'a str,
    pub name: &'a str,
    pub postal: &'a str,
    pub town: &'a str,
    pub insee: &'a str,
}

impl HandMadePlace<'_> {
    /// Columns 20 to 47 of the activity file.
    pub(crate) fn columns(&self) -> [String; 28] {
        let mut c: [String; 28] = Default::default();
        let [finess, id, name, postal, insee, town] =
            [self.finess, self.id, self.name, self.postal, self.insee, self.town].map(str::to_owned);
        c[27] = if finess.is_empty() { format!("4{}", &id[1..]) } else { format!("1{finess}") };
        c[15] = format!("{postal} {town}");
        (c[2], c[4], c[5], c[16], c[17], c[18]) = (finess, id, name, postal, insee, town);
        (c[9], c[11], c[12], c[13]) = ("1".into(), WAYS[0].0.into(), WAYS[0].1.into(), STREETS[0].into());
        (c[19], c[20]) = ("99000".into(), "France".into());
        c
    }
}

/// The private practice of person `i`. With `renamed` it has a trade name, one of the changes of the second delivery.
pub(crate) fn own(seed: u64, i: u64, rpps: &str, family: &str, order: &'static str, renamed: bool) -> PracticePlace {
    let mut dice = Dice::new(seed, 3, i);
    let mut c: [String; 28] = Default::default();
    c[4] = format!("R1019{i:010}");
    c[5] = format!("CABINET {family}");
    if renamed {
        c[6] = "CABINET RENOMMÉ".into();
    }
    c[27] = format!("4{}", keyed(&format!("{rpps}00")));
    fill(&mut c, &address(&mut dice));
    PracticePlace { columns: c, sector: ("SA07", "Cabinet individuel"), authority: order }
}

/// A group practice; all who draw its number share it.
pub(crate) fn group(seed: u64, g: u64) -> PracticePlace {
    let mut dice = Dice::new(seed, 4, g);
    let mut c: [String; 28] = Default::default();
    // SIREN: eight digits and a key. SIRET: the SIREN, four digits and a key over all.
    let siren = keyed(&format!("{:08}", 1_000 + g));
    let siret = keyed(&format!("{siren}0001"));
    c[4] = format!("R1018{g:010}");
    c[5] = format!("SELARL DES QUATRE VENTS {}", g + 1);
    c[27] = format!("3{siret}");
    (c[0], c[1]) = (siret, siren);
    fill(&mut c, &address(&mut dice));
    PracticePlace { columns: c, sector: ("SA09", "Exercice en société"), authority: "CNOM" }
}

/// A small employer outside FINESS.
pub(crate) fn employer(seed: u64, i: u64) -> PracticePlace {
    let mut dice = Dice::new(seed, 5, i);
    let mut c: [String; 28] = Default::default();
    c[4] = format!("R1017{i:010}");
    c[5] = format!("ASSOCIATION DE SOINS FICTIVE {}", i + 1);
    fill(&mut c, &address(&mut dice));
    PracticePlace { columns: c, sector: ("SA43", "Secteur non défini"), authority: "ENREG" }
}
