//! Names of a fictional population: some frequent ones, thousands composed of syllables, particles, hyphens, accents.

use crate::dice::Dice;

const FREQUENT: &[&str] = &[
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
];
const FIRST: &[&str] = &[
    "BAR", "BEL", "BER", "BOU", "BRI", "CAM", "CHA", "COR", "DEL", "DES", "DU", "FA", "FER", "FON", "FRA", "GAL", "GAR", "GRI",
    "HA", "JAC", "JOU", "LAC", "LAN", "LAR", "LE", "MAL", "MAR", "MEN", "MON", "NOR", "PAR", "PEL", "PER", "POI", "RAV", "REN",
    "ROC", "SAL", "SEG", "TAR", "TER", "TRE", "VAL", "VER", "VIL",
];
const MIDDLE: &[&str] = &[
    "A", "AN", "AR", "BE", "CE", "CHE", "DE", "DI", "ELI", "FRE", "GE", "I", "LA", "LI", "MA", "NE", "O", "OUR", "QUE", "RI",
    "SI", "TE", "TI", "U", "VI",
];
const LAST: &[&str] = &[
    "AUD", "AULT", "BERT", "CHON", "DIER", "EAU", "EL", "ÈRE", "ET", "EZ", "GNE", "IER", "IN", "LET", "LON", "MAND", "NARD",
    "NET", "OIS", "ON", "OT", "RAND", "RÉ", "SKI", "TIER", "VAL",
];
/// (name, woman).
const GIVEN: &[(&str, bool)] = &[
    ("MARIE", true),
    ("JEAN", false),
    ("CAMILLE", true),
    ("NICOLAS", false),
    ("SOPHIE", true),
    ("PIERRE", false),
    ("JULIE", true),
    ("THOMAS", false),
    ("CLAIRE", true),
    ("ANTOINE", false),
    ("ÉLODIE", true),
    ("PHILIPPE", false),
    ("NATHALIE", true),
    ("FRÉDÉRIC", false),
    ("ISABELLE", true),
    ("OLIVIER", false),
    ("ANNE", true),
    ("MATHIEU", false),
    ("GWENAËLLE", true),
    ("LOÏC", false),
    ("SARAH", true),
    ("MOHAMED", false),
    ("FATIMA", true),
    ("JEAN-CŒUR", false),
    ("MARIE-ÈVE", true),
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
    ("SÉBASTIEN", false),
    ("AURÉLIE", true),
    ("CÉLINE", true),
    ("DAVID", false),
    ("LAURA", true),
    ("JULIEN", false),
    ("ÉMILIE", true),
    ("MAXIME", false),
    ("PAULINE", true),
    ("ALEXANDRE", false),
    ("MANON", true),
    ("FLORIAN", false),
    ("LÉA", true),
    ("QUENTIN", false),
    ("AGATHE", true),
    ("RÉMI", false),
    ("SOLÈNE", true),
    ("THÉO", false),
    ("YASMINE", true),
    ("KARIM", false),
    ("ANAÏS", true),
    ("BAPTISTE", false),
    ("ZOÉ", true),
    ("ÉRIC", false),
];

fn single(dice: &mut Dice) -> String {
    let composed = (FIRST.len() * MIDDLE.len() * LAST.len()) as u64;
    let rank = dice.zipf(FREQUENT.len() as u64 + composed);
    if let Some(name) = usize::try_from(rank).ok().and_then(|r| FREQUENT.get(r)) {
        return (*name).to_owned();
    }
    // Neighbouring ranks differ in their first syllable, so that no letter takes all the frequent names.
    let n = usize::try_from(rank).unwrap_or(0) - FREQUENT.len();
    let (a, b, c) = (n % FIRST.len(), n / FIRST.len() % MIDDLE.len(), n / (FIRST.len() * MIDDLE.len()) % LAST.len());
    format!("{}{}{}", FIRST[a], MIDDLE[b], LAST[c])
}

/// A family name: one in fifteen is double, one in two hundred has a particle.
pub(crate) fn family(dice: &mut Dice) -> String {
    let name = single(dice);
    match dice.below(200) {
        0 => format!("DE {name}"),
        1..=13 => format!("{name}-{}", single(dice)),
        _ => name,
    }
}

/// A given name and whether it is a woman's.
pub(crate) fn given(dice: &mut Dice) -> (&'static str, bool) {
    let rank = dice.zipf(GIVEN.len() as u64);
    GIVEN[usize::try_from(rank).unwrap_or(0)]
}
