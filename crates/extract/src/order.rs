//! The order of the lines of a file, which is a function of their contents: by the columns that identify what a line is about, then
//! by the whole line, byte by byte. So a line can be found, and a delta applied, without knowing how the file was made.

use annuaire_exchange::column_name;

/// What the first columns of the order identify, for counts: plural noun and number of columns.
pub(crate) type Level = (&'static str, usize);

/// The order of the lines of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineOrder {
    separator: char,
    columns: OrderColumns,
    pub(crate) levels: &'static [Level],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OrderColumns {
    /// Positions of the columns.
    Of(Vec<usize>),
    /// Those of the section that a line of a FINESS file belongs to.
    OfSection,
}

/// Formats with columns to sort by: names of columns as imports know them, and what their beginnings identify.
const FORMATS: &[(&str, &[&str], &[Level])] = &[
    ("PS_LibreAcces_Personne_activite", ACTIVITY, ACTIVITY_LEVELS),
    ("Extraction_ProSanteConnect_Personne_activite", ACTIVITY, ACTIVITY_LEVELS),
    ("Extraction_Pro_sante_connect", ACTIVITY, ACTIVITY_LEVELS),
    (
        "PS_LibreAcces_SavoirFaire",
        &[PERSON, "code profession", "code categorie professionnelle", "code type savoir faire", "code savoir faire"],
        &[("persons", 1), ("know-how", 5)],
    ),
    (
        "PS_LibreAcces_Dipl_AutExerc",
        &[PERSON, "code type diplome obtenu", "code diplome obtenu", "code type autorisation", "code discipline autorisation"],
        &[("persons", 1), ("diplomas and authorisations", 5)],
    ),
    ("Porteurs_CPS_CPF", &[PERSON, "numero carte"], &[("persons", 1), ("cards", 2)]),
    (
        "Extraction_Correspondance_MSSante",
        &[PERSON, "identification structure", "adresse bal"],
        &[("persons", 1), ("mailboxes", 3)],
    ),
];
const PERSON: &str = "identification nationale pp";
const ACTIVITY: &[&str] = &[
    PERSON,
    "code profession",
    "code categorie professionnelle",
    "identifiant technique de la structure",
    "code mode exercice",
    "code section tableau pharmaciens",
    "code role",
    "code genre activite",
    "code type savoir faire",
    "code savoir faire",
];
const ACTIVITY_LEVELS: &[Level] = &[("persons", 1), ("activities", 8)];

/// Sections of FINESS files in the order in which a file has them, with the positions that their lines are sorted by.
const SECTIONS: &[(&str, &[usize])] = &[
    ("structureej", &[1]),
    ("structureet", &[1]),
    ("activiteoffresoin", &[11, 3, 5, 7, 1]),
    ("equipmateriellourd", &[9, 3, 1]),
    ("equipementsocial", &[1, 2, 4, 6]),
    ("geolocalisation", &[1]),
];

/// Fields of a line that are looked at: the columns of no format lie beyond.
const FIELDS: usize = 64;

impl LineOrder {
    /// The order of a file: its format, and its columns as an import names them (none for FINESS files). A format without an entry
    /// is sorted by person, if it has one, then by line.
    pub(crate) fn of(format: &str, columns: &[String], separator: char) -> Self {
        if format.starts_with("FINESS cs") {
            return Self { separator, columns: OrderColumns::OfSection, levels: &[("structures", 2)] };
        }
        let position = |name: &str| columns.iter().position(|c| c == name);
        match FORMATS.iter().find(|f| f.0 == format) {
            // A column that older headers lack is empty on all lines.
            Some((_, names, levels)) => {
                let all = names.iter().map(|n| position(n).unwrap_or(usize::MAX)).collect();
                Self { separator, columns: OrderColumns::Of(all), levels }
            }
            None => match position(PERSON) {
                Some(at) => Self { separator, columns: OrderColumns::Of(vec![at]), levels: &[("persons", 1)] },
                None => Self { separator, columns: OrderColumns::Of(Vec::new()), levels: &[] },
            },
        }
    }

    /// The order of a file with this first line.
    pub(crate) fn of_header(format: &str, header: &str) -> Self {
        let separator = if header.contains('|') { '|' } else { ';' };
        let columns: Vec<String> = header.split(separator).map(column_name).collect();
        Self::of(format, &columns, separator)
    }

    /// The place of a line among others: the values of its columns, each ended by a zero byte.
    pub(crate) fn key(&self, line: &str, key: &mut Vec<u8>) {
        match &self.columns {
            OrderColumns::Of(columns) => self.add(columns, line, key),
            OrderColumns::OfSection => {
                let section = line.split(self.separator).next().unwrap_or_default();
                let known = SECTIONS.iter().position(|s| s.0 == section);
                // Zero ends a value.
                key.extend([known.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(u8::MAX), 0]);
                self.add(known.map_or(&[][..], |at| SECTIONS[at].1), line, key);
            }
        }
    }

    /// Adds the values of these columns; a column that the line does not have is empty.
    fn add(&self, columns: &[usize], line: &str, key: &mut Vec<u8>) {
        let mut fields = [""; FIELDS];
        fields.iter_mut().zip(line.split(self.separator)).for_each(|(field, value)| *field = value);
        for at in columns {
            key.extend_from_slice(fields.get(*at).unwrap_or(&"").trim_matches('"').as_bytes());
            key.push(0);
        }
    }
}

/// The beginning of a key that holds its first `columns` values.
pub(crate) fn beginning(key: &[u8], columns: usize) -> &[u8] {
    let ends = key.iter().enumerate().filter(|(_, b)| **b == 0);
    ends.map(|(at, _)| at + 1).nth(columns - 1).map_or(key, |end| &key[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_the_columns_of_the_format_wherever_they_are() {
        let header = "Numéro carte|x|Identification nationale PP|";
        let order = LineOrder::of_header("Porteurs_CPS_CPF", header);
        let mut key = Vec::new();
        order.key("9990000001|y|810999000010|", &mut key);
        assert_eq!(key, b"810999000010\x009990000001\0");
        assert_eq!(beginning(&key, 1), b"810999000010\0");
        assert_eq!(beginning(&key, 2), key);
    }

    #[test]
    fn sections_of_finess_files_follow_each_other() {
        let order = LineOrder::of_header("FINESS cs1100505", "finess;etalab;1;2026-05-04");
        let key = |line: &str| {
            let mut key = Vec::new();
            order.key(line, &mut key);
            key
        };
        assert!(key("structureet;990000820;990000762") < key("equipementsocial;990000317;924;;11;"));
        assert!(key("equipementsocial;990000317;924;;11;") < key("equipementsocial;990000317;924;;12;"));
    }
}
