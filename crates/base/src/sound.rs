//! How a name sounds in France: words that are said alike get one key, however they are written.
//!
//! The key serves to find; it never serves to decide that two people are one. It is wider than the ear: a voiced and a voiceless
//! consonant share a sign (`b` and `p`, `d` and `t`, `g` and `k`, `v` and `f`, `z` and `s`, `j` and `ch`), and so do `é`, `è`, `e` and
//! `eu`, or `u` and `ou`. Whoever ranks results puts the name as it was typed before the names that only sound like it.
//!
//! Folding has taken the accents away before: the final `é` of HERVÉ reads as the mute `e` of CÉCILE, and the cedilla is put back only
//! for the few names of [`LOST_CEDILLAS`].

/// The signs of a key made of Latin letters, besides digits, which stay. `x` after a vowel says that it is nasal; `j` is `ch` too.
pub const SIGNS: &str = "aeiouxptkfsjlmnr";

/// A final `é`, once an ending such as `-er`, `-et` or `-ez` has been read as one.
const CLOSED_E: char = 'é';

/// A final `e` that nobody hears: it softens `c` and `g`, opens a nasal vowel, and leaves no sign.
const MUTE_E: char = 'ə';

/// Beginnings of names whose last `c` had a cedilla before folding; FRANCK and FRANCO keep their `k`.
const LOST_CEDILLAS: [&str; 4] = ["francoi", "goncal", "lourenco", "mendonca"];

/// Names whose final `-es` is heard as `é`: those of Spain and Portugal have a twin in `-ez`.
const HEARD_ES: [&str; 16] = [
    "agnes",
    "antunes",
    "domingues",
    "fernandes",
    "gomes",
    "henriques",
    "hernandes",
    "ines",
    "lopes",
    "martines",
    "mendes",
    "nunes",
    "peres",
    "rodrigues",
    "sanches",
    "vasques",
];

/// Letters before `ill` after which the `l` is heard, as in VILLENEUVE or CYRILLE. An initial is marked by `^`.
const HEARD_ILL: [&str; 6] = ["v", "w", "cyr", "ach", "^g", "^l"];

/// The French phonetic key of one word that [`fold`](crate::text::fold) gave, without spaces (`legoff`, `nguessan`).
///
/// Letters become at most the sixteen of [`SIGNS`], and no sign of a letter stands twice in a row; digits stay as they are, and so do letters of other
/// alphabets. The key is empty when the word has no letter, or none that is heard (`h`). Linear in the word: each letter is looked at with at
/// most four neighbours; under a microsecond for a name, with two allocations.
#[must_use]
pub fn sound_key(word: &str) -> String {
    if !word.chars().any(char::is_alphabetic) {
        return String::new();
    }
    let mut reader = SoundReader { letters: heard_letters(word), at: 0, key: String::with_capacity(word.len()) };
    while let Some(&letter) = reader.letters.get(reader.at) {
        let read = if is_vowel(letter) { reader.vowel(letter) } else { reader.consonant(letter) };
        reader.at += read;
    }
    reader.key
}

/// The letters of a word once its ending is as it is heard.
fn heard_letters(word: &str) -> Vec<char> {
    let mut w: Vec<char> = word.chars().collect();
    for name in LOST_CEDILLAS {
        if word.starts_with(name)
            && let Some(c) = name.rfind('c')
        {
            w[c] = 's';
        }
    }
    if HEARD_ES.contains(&word) {
        w.truncate(w.len() - 2);
        w.push(CLOSED_E);
        return w;
    }
    // A letter falls silent only where a vowel is left.
    let plain_en = ends(&w, "en") && !ends_any(&w, &["ien", "yen"]);
    while ends(&w, "s") && has_vowel_before(&w, 1) {
        w.pop();
    }
    if ends_any(&w, &["aux", "eux", "oux", "aix", "eix", "oix"]) {
        w.pop();
    }
    if ends_any(&w, &["ez", "er"]) && has_vowel_before(&w, 2) {
        close(&mut w, 2);
        return w;
    }
    if ends_any(&w, &["az", "iz", "oz", "uz"]) {
        w.pop();
    }
    if ends_any(&w, &["ault", "auld"]) || (ends(&w, "ost") && has_vowel_before(&w, 3)) {
        w.truncate(w.len() - 2);
        return w;
    }
    if ends(&w, "t") {
        let silent = w.iter().rev().take_while(|c| matches!(c, 't' | 'd')).count();
        if has_vowel_before(&w, silent) {
            w.truncate(w.len() - silent);
            if ends(&w, "e") {
                close(&mut w, 1);
                return w;
            }
        }
    } else if ends_any(&w, &["nd", "rd", "od", "aud", "eud", "oud", "oup", "erc", "ourg"]) && has_vowel_before(&w, 1) {
        w.pop();
    } else if ends_any(&w, &["mp", "mb", "nc", "ng"]) && has_vowel_before(&w, 2) {
        w.truncate(w.len() - 2);
        w.push('n');
    } else if ends(&w, "ercq") {
        w.truncate(w.len() - 2);
    } else if plain_en {
        // COHEN and CARMEN, but not VINCENS: a second `n` keeps the vowel open.
        w.push('n');
    }
    if ends(&w, "e") && has_vowel_before(&w, 1) {
        while ends(&w, "ee") {
            w.pop();
        }
        if has_vowel_before(&w, 1)
            && let Some(last) = w.last_mut()
        {
            *last = MUTE_E;
        }
    }
    w
}

fn ends(w: &[char], ending: &str) -> bool {
    w.len() >= ending.len() && w.iter().rev().zip(ending.chars().rev()).all(|(a, b)| *a == b)
}

fn ends_any(w: &[char], endings: &[&str]) -> bool {
    endings.iter().any(|ending| ends(w, ending))
}

/// Whether a vowel stands before the last letters.
fn has_vowel_before(w: &[char], last: usize) -> bool {
    w.len().checked_sub(last).is_some_and(|end| w[..end].iter().any(|c| is_vowel(*c)))
}

/// Replaces the last letters by a heard `é`.
fn close(w: &mut Vec<char>, last: usize) {
    w.truncate(w.len() - last);
    w.push(CLOSED_E);
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | CLOSED_E | MUTE_E)
}

/// Whether `c` and `g` are soft before a letter.
fn softens(c: Option<char>) -> bool {
    matches!(c, Some('e' | 'i' | 'y' | CLOSED_E | MUTE_E))
}

struct SoundReader {
    letters: Vec<char>,
    at: usize,
    key: String,
}

impl SoundReader {
    fn letter(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn before(&self) -> Option<char> {
        self.at.checked_sub(1).map(|at| self.letters[at])
    }

    fn starts(&self, with: &str) -> bool {
        let rest = &self.letters[self.at..];
        with.chars().count() <= rest.len() && with.chars().zip(rest).all(|(a, b)| a == *b)
    }

    fn ends_with(&self, with: &str) -> bool {
        self.letters.len() - self.at == with.len() && self.starts(with)
    }

    fn vowel_at(&self, ahead: usize) -> bool {
        self.letter(ahead).is_some_and(is_vowel)
    }

    /// Writes signs; one that is written already is not written again.
    fn say(&mut self, signs: &str) {
        for sign in signs.chars() {
            if !self.key.ends_with(sign) {
                self.key.push(sign);
            }
        }
    }

    /// Whether the vowel that ends before a place is nasal: an `n` or `m` stands there and opens no syllable.
    fn is_nasal(&self, ahead: usize) -> bool {
        let mut next = ahead + 1;
        while self.letter(next) == Some('h') {
            next += 1;
        }
        let after = self.letter(next);
        match self.letter(ahead) {
            Some('n') => after.is_none_or(|c| c != 'n' && !is_vowel(c)),
            Some('m') => matches!(after, Some('b' | 'p')) || (after == Some('t') && self.letter(ahead - 1) == Some('o')),
            _ => false,
        }
    }

    /// Reads a vowel with what belongs to it; answers how many letters that were.
    fn vowel(&mut self, vowel: char) -> usize {
        match vowel {
            CLOSED_E => self.said("e", 1),
            MUTE_E => 1,
            'a' if self.starts("au") => self.said("o", 2),
            'e' if self.starts("eau") => self.said("o", 3),
            'a' | 'e' if matches!(self.letter(1), Some('i' | 'y')) => self.open_e(vowel),
            'a' if self.letter(1) == Some('e') && !matches!(self.letter(2), None | Some('l' | 'n')) => self.said("e", 2),
            'e' if self.starts("eu") => self.rounded(2),
            'o' if self.starts("oeu") => self.rounded(3),
            'o' if self.starts("ou") || self.starts("oo") => self.said("u", 2),
            'o' if matches!(self.letter(1), Some('i' | 'y')) => {
                if self.is_nasal(2) {
                    self.said("uex", 3)
                } else if self.vowel_at(2) && self.letter(2) != Some(MUTE_E) {
                    self.said("uai", 2)
                } else {
                    self.said("ua", 2)
                }
            }
            'i' | 'y' if self.starts("ill") && self.vowel_at(3) => {
                let signs = if self.hears_ill() { "il" } else { "i" };
                self.said(signs, 3)
            }
            _ if self.is_nasal(1) => {
                let after_i = matches!(self.before(), Some('i' | 'y'));
                let signs = match vowel {
                    'a' => "ax",
                    'e' if !after_i => "ax",
                    'o' => "ox",
                    _ => "ex",
                };
                self.said(signs, 2)
            }
            'a' => self.said("a", 1),
            'e' => self.said("e", 1),
            'o' => self.said("o", 1),
            'u' => self.said("u", 1),
            _ => self.said("i", 1),
        }
    }

    /// `ai`, `ay`, `ei`, `ey`, with the nasal after it, or the `i` that glides into the next vowel or is written `il`, `ill`.
    fn open_e(&mut self, vowel: char) -> usize {
        let own = if vowel == 'a' { "ai" } else { "ei" };
        if self.letter(1) == Some('i') && self.letter(2) == Some('l') {
            if self.letter(3).is_none() {
                return self.said(own, 3);
            }
            if self.letter(3) == Some('l') && self.vowel_at(4) {
                return self.said(own, 4);
            }
        }
        if self.is_nasal(2) {
            self.said("ex", 3)
        } else if self.vowel_at(2) && self.letter(2) != Some(MUTE_E) {
            self.said("ei", 2)
        } else {
            self.said("e", 2)
        }
    }

    /// `eu` and `oeu`, of so many letters.
    fn rounded(&mut self, letters: usize) -> usize {
        if self.is_nasal(letters) { self.said("ex", letters + 1) } else { self.said("e", letters) }
    }

    fn hears_ill(&self) -> bool {
        let before = &self.letters[..self.at];
        HEARD_ILL.iter().any(|letters| match letters.strip_prefix('^') {
            Some(initial) => before.len() == initial.len() && ends(before, initial),
            None => ends(before, letters),
        })
    }

    fn said(&mut self, signs: &str, letters: usize) -> usize {
        self.say(signs);
        letters
    }

    /// Reads a consonant, a digit or a sign; answers how many letters that were.
    fn consonant(&mut self, letter: char) -> usize {
        let next = self.letter(1);
        match letter {
            'b' if next == Some('v') => 1,
            'b' => self.said("p", 1),
            'c' => self.letter_c(next),
            'd' if next == Some('j') => 1,
            'd' => self.said("t", 1),
            'f' | 'v' => self.said("f", 1),
            'g' => self.letter_g(next),
            'h' => 1,
            'j' if next == Some('e') && matches!(self.letter(2), Some('a' | 'o')) => self.said("j", 2),
            'j' => self.said("j", 1),
            'k' => self.said("k", 1),
            'l' => self.said("l", 1),
            'm' => self.said("m", 1),
            'n' => self.said("n", 1),
            'p' if next == Some('h') => self.said("f", 2),
            'p' if next == Some('t') && self.before() == Some('a') => 1,
            'p' => self.said("p", 1),
            'q' if next == Some('u') && self.vowel_at(2) => self.said("k", 2),
            'q' => self.said("k", 1),
            'r' => self.said("r", 1),
            's' if self.starts("sch") => self.said("j", 3),
            's' if next == Some('h') => self.said("j", 2),
            's' | 'z' => self.said("s", 1),
            't' if self.starts("tsch") => self.said("j", 4),
            't' if self.starts("tch") => self.said("j", 3),
            't' if next == Some('z') => self.said("s", 2),
            't' if self.at > 0 && (self.starts("tion") || (self.ends_with("tia") && self.before() == Some('i'))) => {
                self.said("s", 1)
            }
            't' => self.said("t", 1),
            'w' if next.is_some_and(is_vowel) => self.said("f", 1),
            'w' => self.said("u", 1),
            'x' => self.said("ks", 1),
            digit if digit.is_ascii_digit() => {
                self.key.push(digit);
                1
            }
            foreign if foreign.is_alphanumeric() => {
                self.key.push(foreign);
                1
            }
            _ => 1,
        }
    }

    fn letter_c(&mut self, next: Option<char>) -> usize {
        if next == Some('h') {
            // Greek and Hebrew names: CHRISTELLE, CHLOE, MICHAEL.
            let hard = matches!(self.letter(2), Some('r' | 'l')) || self.starts("chae");
            return self.said(if hard { "k" } else { "j" }, 2);
        }
        self.said(if softens(next) { "s" } else { "k" }, 1)
    }

    fn letter_g(&mut self, next: Option<char>) -> usize {
        match next {
            Some('n') => self.said(if matches!(self.letter(2), Some('i' | 'y')) { "n" } else { "ni" }, 2),
            Some('h') => self.said("k", 2),
            Some('u') if softens(self.letter(2)) => self.said("k", 2),
            Some('e') if matches!(self.letter(2), Some('a' | 'o')) => self.said("j", 2),
            _ => self.said(if softens(next) { "j" } else { "k" }, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SIGNS, sound_key};
    use crate::text::fold;
    use proptest::prelude::*;

    fn key(name: &str) -> String {
        sound_key(&fold(name).replace(' ', ""))
    }

    /// Each line: names that a French ear takes for one another.
    const ALIKE: &[&str] = &[
        "LEFEVRE LEFEBVRE LEFÈVRE LEFEUVRE",
        "DUPONT DUPOND DUPON",
        "MARTIN MARTAIN MARTEIN MARTYN",
        "GAUTHIER GAUTIER GOTIER GOTHIER GAUTIEZ",
        "RENAUD RENAULT RENAUT RENO REYNAUD REINAUD",
        "PHILIPPE FILIPE PHILIPE FILIPPE PHILIP",
        "CHRISTELLE KRISTEL CRISTELLE CHRISTEL KRISTELLE",
        "STEPHANIE STEFANI STÉPHANY STEFANIE",
        "MATHIEU MATTHIEU MATIEU",
        "BERTHELOT BERTELO BERTHELEAU BERTELOT",
        "HERVE ERVE HERVÉ",
        "THIBAULT TIBO THIBAUD THIBAUT TIBAUD THIBEAU",
        "QUENTIN KENTIN QUENTAIN",
        "GEOFFROY JOFFROI GEOFFROI JOFROY",
        "LEGOFF LEGOF",
        "SYLVIE SILVI SYLVY SILVIE",
        "YVES IVES YVE",
        "DURAND DURANT DURAN DURANS",
        "BERNARD BERNART BERNAR",
        "MOREAU MOROT MAUREAU MORAULT",
        "LAURENT LAURANT LORENT LORAN LORANT",
        "MICHEL MICHELE MICHELLE MICHÈLE",
        "GIRARD GIRART JIRARD",
        "BONNET BONET BONNAY BONNER",
        "FRANÇOIS FRANSOIS FRANCOIT FRANÇOI",
        "FRANÇOISE FRANCOISE FRANSOISE FRANÇOIZE",
        "GARNIER GARNIET GARNIEZ",
        "FAURE FORE FAUR",
        "ROUSSEAU ROUSSO ROUSSOT ROUSEAU",
        "BLANC BLAN BLANT BLAND",
        "LEBLANC LEBLAN LEBLANT",
        "BOYER BOIER BOYET BOYEZ",
        "MEYER MEIER MAYER MAIER",
        "CHEVALIER CHEVALLIER CHEVALIEZ",
        "LECLERC LECLAIR LECLERE LECLERCQ",
        "LECOMTE LECONTE LEQUONTE",
        "GUILLAUME GUILLOME GUYOME",
        "GERARD JERARD GÉRARD",
        "GUERIN GUÉRAIN GUERRIN GHERIN",
        "JEAN JAN GEAN JEANT",
        "JEANNE JANNE JANE",
        "JEROME GEROME JÉROME",
        "ISABELLE IZABELLE ISABEL IZABEL",
        "ALEXANDRE ALEKSANDRE ALEXENDRE",
        "XAVIER KSAVIER GZAVIER",
        "NICOLAS NIKOLA NICOLA NIKOLAS",
        "THOMAS TOMA TOMAS THOMA",
        "CATHERINE KATERINE CATERINE KATHERINE",
        "ELISABETH ELISABETHE ELIZABETH ÉLISABETTE",
        "NATHALIE NATALI NATALIE NATHALY",
        "DOMINIQUE DOMINIK DOMINIC",
        "VERONIQUE VÉRONIK VERONIC",
        "MICKAEL MIKAEL MICHAËL MIKAËL",
        "CHLOE CLOE KLOÉ",
        "AGNES AGNEZ AGNÈS",
        "LAETITIA LETITIA LETICIA",
        "BAPTISTE BATISTE BATTISTE",
        "HENRI HENRY ANRI ENRY",
        "HUGUES UGUE HUGUE",
        "GEORGES JORGE GEORGE JEORGE",
        "SEBASTIEN SÉBASTIAIN SEBASTYEN",
        "JULIEN JULYEN JULIIN",
        "FABRICE FABRISSE FABRYCE",
        "CELINE SÉLINE CÉLINE",
        "CECILE SÉCILE CESSILE",
        "VINCENT VINSANT VINCENS VAINCENT",
        "CLEMENT CLÉMANT KLEMENT",
        "BENOIT BENOIS BENOI BENOÎT",
        "ANTOINE ENTOINE ANTOYNE",
        "MAXIME MAKSIME MAXIM",
        "JACQUES JACQUE JAK JACK JAQUES",
        "ERIC ERIK HERIC ÉRICK",
        "MARC MARK MARQUE",
        "PASCAL PASCALE PASKAL PASQUALE",
        "JOSEPH JOSEF JOZEF",
        "SOPHIE SOFI SOFIE",
        "KOWALSKI KOVALSKI COWALSKI KOWALSKY",
        "NGUYEN NGUIEN",
        "N'GUESSAN NGUESSAN NGUESSENT",
        "BENALI BEN-ALI BENALLI BENHALI",
        "SCHMITT SCHMIT SCHMIDT CHMITT SHMIT",
        "SCHWARTZ SCHWARZ CHVARTZ SHWARTZ",
        "SCHNEIDER CHNEIDER SHNAIDER",
        "MULLER MÜLLER MULER",
        "WAGNER VAGNER",
        "WEBER VEBER VÉBER",
        "GOMEZ GOMES GAUMEZ",
        "LOPEZ LOPES",
        "FERNANDEZ FERNANDES",
        "DESCHAMPS DECHAMPS DECHAMP DÉCHANT",
        "PREVOST PREVOT PRÉVÔT PRÉVAUT",
        "LACROIX LACROI LAKROIX",
        "LEROUX LEROU LE-ROUX",
        "GIRAUDEAU GIRODEAU JIRODO",
        "DJAMEL JAMEL DJAMMEL",
        "MOHAMED MOHAMMED MOAMED",
        "VILLENEUVE VILENEUVE",
        "CYRIL CYRILLE SIRIL",
        "GILLES GIL JIL",
        "DA-SILVA DASYLVA",
        "RIMBAUD RAIMBAUD RINBO RIMBAULT",
        "HUMBERT UMBERT HUNBERT",
        "CHAMPION CHANPION",
        "PICARD PIQUARD PICCARD",
        "COLOMB COLON COLOMBS",
        "BOURGEOIS BOURJOIS BOURGEOI",
        "MONTAGNE MONTAGNES MONTANIE",
        "ROYER ROIER ROYET",
        "SCHAEFFER SCHEFFER CHÉFFER",
        "COHEN COEN COENN",
        "BRIAND BRILLANT BRIANT",
        "RAOUL RAHOUL",
        "VASSEUR WASSEUR VASEUR",
        "PELLETIER PELETIER PELLETIEZ",
        "HUET UET HUEZ",
        "OLIVIER OLLIVIER OLIVIET",
        "AUBERT OBERT HAUBERT",
    ];

    /// Pairs that an ear tells apart.
    const APART: &[(&str, &str)] = &[
        ("MARTIN", "MARTINE"),
        ("PETIT", "PETITE"),
        ("JEAN", "JEANNE"),
        ("SIMON", "SIMONE"),
        ("LOUIS", "LOUISE"),
        ("FRANÇOIS", "FRANÇOISE"),
        ("LAURENT", "LAURENCE"),
        ("DENIS", "DENISE"),
        ("CLEMENT", "CLEMENCE"),
        ("DUPONT", "DUPIN"),
        ("DURAND", "DURIN"),
        ("DUBOIS", "DUBOS"),
        ("MOREAU", "MOREL"),
        ("MARTIN", "MARTEL"),
        ("MARTIN", "MARTY"),
        ("ROBERT", "ROBIN"),
        ("RICHARD", "RICARD"),
        ("BERNARD", "BERNARDIN"),
        ("ROUX", "ROCHE"),
        ("LEROY", "LEROUX"),
        ("GARNIER", "GRANIER"),
        ("LAMBERT", "LIMBERT"),
        ("BONNET", "BENOIT"),
        ("MULLER", "MILLER"),
        ("SIMON", "SAMSON"),
        ("MICHEL", "MICHAUD"),
        ("FAURE", "FAVRE"),
        ("BLANC", "BLANCHE"),
        ("BRUN", "BRUNET"),
        ("GUERIN", "GARIN"),
        ("PERRIN", "PERRON"),
        ("NICOLAS", "NICOLE"),
        ("MATHIEU", "MATHIS"),
        ("GAUTHIER", "GAUTHERON"),
        ("LEFEBVRE", "LEFORT"),
        ("ROGER", "ROCHER-LEVY"),
        ("DAVID", "DAVY"),
        ("NGUYEN", "NGUESSAN"),
        ("AGNES", "ANNIE"),
        ("ANNE", "AGNES"),
        ("PAUL", "PAULINE"),
        ("JULIEN", "JULIENNE"),
        ("JULIEN", "JULIETTE"),
        ("CHRISTIAN", "CHRISTIANE"),
        ("KARIM", "KARINE"),
        ("BENALI", "BENALLAL"),
        ("COHEN", "CAHEN"),
        ("LOPEZ", "LOUPE"),
        ("CARON", "CARRIN"),
        ("HUBERT", "AUBERT"),
        ("FRANCK", "FRANCE"),
        ("FRANCO", "FRANÇOIS"),
        ("MEUNIER", "MONNIER"),
        ("VIDAL", "VIAL"),
    ];

    #[test]
    fn names_that_sound_alike_have_one_key() {
        let mut pairs = 0;
        let mut wrong = Vec::new();
        for line in ALIKE {
            let mut names = line.split(' ');
            let first = names.next().unwrap_or_default();
            for other in names {
                pairs += 1;
                if key(first) != key(other) {
                    wrong.push(format!("{first} {} {other} {}", key(first), key(other)));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(pairs >= 80, "{pairs}");
    }

    #[test]
    fn names_that_an_ear_tells_apart_have_two_keys() {
        let wrong: Vec<_> = APART.iter().filter(|(a, b)| key(a) == key(b)).map(|(a, b)| format!("{a} {b} {}", key(a))).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(APART.len() >= 40);
    }

    #[test]
    fn keys_are_stable_because_stores_keep_them() {
        for (name, expected) in [
            ("LEFEBVRE", "lefefr"),
            ("GAUTHIER", "kotie"),
            ("MARTIN", "martex"),
            ("MARTINE", "martin"),
            ("NGUYEN", "nkiex"),
            ("KOWALSKI", "kofalski"),
            ("GEOFFROY", "jofrua"),
            ("BATAILLE", "patai"),
            ("D", "t"),
            ("LE", "le"),
            ("E", "e"),
            ("H", ""),
            ("1", ""),
            ("1234", ""),
            ("", ""),
            ("_-", ""),
            ("B12", "p12"),
            ("11A11", "11a11"),
            ("Ωμέγα", "ωμεγα"),
        ] {
            assert_eq!(key(name), expected, "{name}");
        }
    }

    #[test]
    fn the_alphabet_is_small() {
        assert_eq!(SIGNS.len(), 16);
        assert_eq!(SIGNS.chars().collect::<std::collections::BTreeSet<_>>().len(), 16);
    }

    proptest! {
        #[test]
        fn a_key_of_latin_letters_holds_known_signs_and_is_never_longer_than_twice_the_word(word in "[a-z]{0,24}") {
            let key = sound_key(&word);
            prop_assert!(key.chars().all(|sign| SIGNS.contains(sign)), "{word} {key}");
            prop_assert!(key.len() <= 2 * word.len());
            prop_assert!(!key.as_bytes().windows(2).any(|two| two[0] == two[1]), "{word} {key}");
            prop_assert_eq!(key.is_empty(), word.chars().all(|c| c == 'h'));
        }

        #[test]
        fn any_text_has_a_key_and_digits_stay(word in "\\PC{0,16}") {
            let digits = |s: &str| s.chars().filter(char::is_ascii_digit).collect::<String>();
            let key = sound_key(&word);
            if word.chars().any(char::is_alphabetic) {
                prop_assert_eq!(digits(&key), digits(&word));
            } else {
                prop_assert_eq!(key, "");
            }
        }

        #[test]
        fn doubled_consonants_do_not_count_between_vowels(head in "(ba|le|mo|tu)", letter in "[bdfklmpr]", tail in "(a|o|i)") {
            prop_assert_eq!(sound_key(&format!("{head}{letter}{tail}")), sound_key(&format!("{head}{letter}{letter}{tail}")));
        }
    }
}
