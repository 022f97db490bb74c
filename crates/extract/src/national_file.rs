//! The national files that are written: names, headers, archives.

use crate::headers;
use crate::state::RegistryState;
use annuaire_consolidate::Perimeter;
use std::fmt;
use std::str::FromStr;

/// A national file that the registry can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NationalFile {
    /// `PS_LibreAcces_Dipl_AutExerc` (source-files §2.8).
    Diplomas,
    /// `PS_LibreAcces_Personne_activite` (§2.2).
    Activities,
    /// `PS_LibreAcces_SavoirFaire` (§2.7).
    KnowHow,
    /// `Porteurs_CPS_CPF` (§2.9).
    Cards,
    /// `Extraction_Correspondance_MSSante` (§2.10).
    Mailboxes,
    /// `Extraction_ProSanteConnect_Personne_activite` (§3), restricted.
    ProSanteConnect,
    /// FINESS cs1100501 (§7), legal entities.
    LegalEntities,
    /// FINESS cs1100502, establishments.
    Establishments,
    /// FINESS cs1100503, authorised care.
    Care,
    /// FINESS cs1100504, heavy equipment.
    Equipment,
    /// FINESS cs1100505, social activities.
    Social,
    /// FINESS cs1100507, establishments and their positions.
    Positions,
}

/// The lines of a file. Its number is the first byte of keys in sorts, so that files come out in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Part {
    Diplomas,
    Activities,
    KnowHow,
    Cards,
    Mailboxes,
    ProSanteConnect,
    LegalEntities,
    Establishments,
    Care,
    Equipment,
    Social,
    Positions,
}

impl Part {
    /// The part with this number; that of [`Self::Positions`] for any other.
    pub(crate) fn of_number(number: u8) -> Self {
        FILES.iter().map(|row| row.part).find(|part| *part as u8 == number).unwrap_or(Self::Positions)
    }
}

use NationalFile as F;

/// What is known of a file.
struct FileRow {
    file: F,
    /// The word for it in options.
    word: &'static str,
    /// The name that it begins with.
    name: &'static str,
    /// Beginning of the name of its archive.
    archive: Option<&'static str>,
    /// Its header; empty for FINESS.
    header: &'static str,
    part: Part,
}

const fn row(
    file: F,
    word: &'static str,
    name: &'static str,
    archive: Option<&'static str>,
    header: &'static str,
    part: Part,
) -> FileRow {
    FileRow { file, word, name, archive, header, part }
}

const FILES: [FileRow; 12] = [
    row(F::Diplomas, "diplomas", "PS_LibreAcces_Dipl_AutExerc", PS, headers::DIPLOMAS, Part::Diplomas),
    row(F::Activities, "activities", "PS_LibreAcces_Personne_activite", PS, headers::ACTIVITIES, Part::Activities),
    row(F::KnowHow, "know-how", "PS_LibreAcces_SavoirFaire", PS, headers::KNOW_HOW, Part::KnowHow),
    row(F::Cards, "cards", CARDS, Some(CARDS), headers::CARDS, Part::Cards),
    row(F::Mailboxes, "mailboxes", MAILBOXES, Some(MAILBOXES), headers::MAILBOXES, Part::Mailboxes),
    row(F::ProSanteConnect, "prosanteconnect", PSC, Some(PSC), headers::PRO_SANTE_CONNECT, Part::ProSanteConnect),
    row(F::LegalEntities, "finess-501", "etalab-cs1100501-stock", None, "", Part::LegalEntities),
    row(F::Establishments, "finess-502", "etalab-cs1100502-stock", None, "", Part::Establishments),
    row(F::Care, "finess-503", "etalab-cs1100503-stock", None, "", Part::Care),
    row(F::Equipment, "finess-504", "etalab-cs1100504-stock", None, "", Part::Equipment),
    row(F::Social, "finess-505", "etalab-cs1100505-stock", None, "", Part::Social),
    row(F::Positions, "finess-507", "etalab-cs1100507-stock", None, "", Part::Positions),
];
const PS: Option<&str> = Some("PS_LibreAcces");
const CARDS: &str = "Porteurs_CPS_CPF";
const MAILBOXES: &str = "Extraction_Correspondance_MSSante";
const PSC: &str = "Extraction_ProSanteConnect_Personne_activite";

/// Begins the names of open files that are written in the restricted perimeter: no import and no person takes them for open data.
const RESTRICTED_PREFIX: &str = "Restreint_";

impl NationalFile {
    /// All files, in the order in which they are written; the members of an archive follow each other as in the national one.
    pub const ALL: [Self; 12] = [
        F::Diplomas,
        F::Activities,
        F::KnowHow,
        F::Cards,
        F::Mailboxes,
        F::ProSanteConnect,
        F::LegalEntities,
        F::Establishments,
        F::Care,
        F::Equipment,
        F::Social,
        F::Positions,
    ];

    fn row(self) -> &'static FileRow {
        // A test reads every row.
        FILES.iter().find(|row| row.file == self).unwrap_or(&FILES[0])
    }

    /// Whether a perimeter may have it: data for the identity provider is restricted as a whole.
    #[must_use]
    pub fn is_of(self, perimeter: Perimeter) -> bool {
        self != Self::ProSanteConnect || perimeter == Perimeter::Restricted
    }

    /// Whether it is a FINESS file: `;` between fields, a stamp for a header, no archive.
    pub(crate) fn is_finess(self) -> bool {
        self.row().header.is_empty()
    }

    pub(crate) fn part(self) -> Part {
        self.row().part
    }

    /// The format as imports name it.
    pub(crate) fn format(self) -> String {
        let name = self.row().name;
        let section = name.strip_prefix("etalab-").and_then(|n| n.strip_suffix("-stock"));
        section.map_or_else(|| name.to_owned(), |section| format!("FINESS {section}"))
    }

    fn prefix(self, perimeter: Perimeter) -> &'static str {
        if perimeter == Perimeter::Restricted && self != Self::ProSanteConnect { RESTRICTED_PREFIX } else { "" }
    }

    /// Name of the text of a state.
    pub(crate) fn name(self, state: RegistryState, perimeter: Perimeter) -> String {
        let (prefix, name, stamp) = (self.prefix(perimeter), self.row().name, state.stamp());
        match stamp.split_at_checked(8) {
            Some((day, time)) if self.is_finess() => format!("{prefix}{name}-{day}-{time}.csv"),
            _ => format!("{prefix}{name}_{stamp}.txt"),
        }
    }

    /// Name of the archive of a state; `None` for a file that is not packed.
    pub(crate) fn archive(self, state: RegistryState, perimeter: Perimeter) -> Option<String> {
        let (prefix, name) = (self.prefix(perimeter), self.row().archive?);
        Some(format!("{prefix}{name}_{}.zip", state.archive_stamp()))
    }

    /// Name of the delta between two states.
    pub(crate) fn delta_name(self, from: RegistryState, to: RegistryState, perimeter: Perimeter) -> String {
        let (prefix, name) = (self.prefix(perimeter), self.row().name.trim_end_matches("-stock"));
        format!("{prefix}{name}_{}_{}.delta", from.tx, to.tx)
    }

    /// First line of the file at a state.
    pub(crate) fn first_line(self, state: RegistryState, width: HeaderWidth) -> String {
        match self {
            _ if self.is_finess() => state.finess_line(),
            Self::Activities => self.row().header.split_inclusive('|').take(width.columns()).collect(),
            _ => self.row().header.to_owned(),
        }
    }
}

impl fmt::Display for NationalFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().word)
    }
}

impl FromStr for NationalFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = || FILES.iter().map(|row| row.word).collect::<Vec<_>>().join(", ");
        FILES.iter().find(|row| row.word == text).map(|row| row.file).ok_or_else(|| format!("one of {}", words()))
    }
}

/// The generation of `PS_LibreAcces_Personne_activite` (source-files §2.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderWidth {
    /// 48 columns, up to 2019: ends with the registration authority.
    To2019,
    /// 52 columns, 2020 and 2021: with sector and section of pharmacists.
    To2021,
    /// 56 columns, today: with role and kind of activity.
    #[default]
    Current,
}

impl HeaderWidth {
    /// Number of columns.
    #[must_use]
    pub const fn columns(self) -> usize {
        match self {
            Self::To2019 => 48,
            Self::To2021 => 52,
            Self::Current => 56,
        }
    }
}

impl FromStr for HeaderWidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::To2019, Self::To2021, Self::Current];
        all.into_iter().find(|w| w.columns().to_string() == text).ok_or_else(|| "48, 52 or 56".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_base::Tx;

    #[test]
    fn every_file_has_its_row_and_its_word() {
        for file in NationalFile::ALL {
            assert_eq!(file.row().file, file);
            assert_eq!(file.to_string().parse(), Ok(file));
        }
        assert!("nothing".parse::<NationalFile>().is_err());
    }

    #[test]
    fn names_are_those_of_the_country() {
        // 23:30 UTC of a winter day is the next day in Paris.
        let state = RegistryState { tx: Tx::new(7), commit_ms: 1_764_027_000_000 };
        let names = |file: NationalFile| (file.name(state, Perimeter::Public), file.archive(state, Perimeter::Public));
        assert_eq!(
            names(F::Activities),
            ("PS_LibreAcces_Personne_activite_202511250030.txt".into(), Some("PS_LibreAcces_202511250031.zip".into()))
        );
        assert_eq!(names(F::Care), ("etalab-cs1100503-stock-20251125-0030.csv".into(), None));
        assert_eq!(F::Care.first_line(state, HeaderWidth::Current), "finess;etalab;7;2025-11-25");
        assert_eq!(F::Cards.name(state, Perimeter::Restricted), "Restreint_Porteurs_CPS_CPF_202511250030.txt");
        for width in [HeaderWidth::To2019, HeaderWidth::To2021, HeaderWidth::Current] {
            let line = F::Activities.first_line(state, width);
            assert!(line.ends_with('|') && line.matches('|').count() == width.columns(), "{line}");
        }
    }
}
