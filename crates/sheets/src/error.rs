//! What is wrong with a file, told to the one who chose it.

use crate::limits::{CELL_CHARS, COLUMNS_MAX, FILE_BYTES, INFLATED_BYTES, LINES_MAX};

/// Why a file cannot be read as a sheet. The texts are French and complete: they are shown to the person who sent the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// More bytes than a list needs.
    #[error("Le fichier fait {bytes} octets : {FILE_BYTES} au plus. Découpez-le en plusieurs fichiers.")]
    TooBig {
        /// Its bytes.
        bytes: usize,
    },
    /// A workbook that grows beyond the bound while it is inflated, or has too many parts.
    #[error(
        "Le classeur est trop volumineux une fois décompressé ({INFLATED_BYTES} octets au plus). Enregistrez la feuille seule, en CSV."
    )]
    Inflated,
    /// Nothing in it.
    #[error("Le fichier est vide. La première ligne doit porter les noms des colonnes.")]
    Empty,
    /// Not UTF-8.
    #[error(
        "Ligne {line} : le fichier n'est pas en UTF-8. Dans le tableur, choisissez « Enregistrer sous » puis « CSV UTF-8 », ou envoyez le classeur."
    )]
    NotUtf8 {
        /// Line of the first byte that is not.
        line: usize,
    },
    /// More lines than a list may have.
    #[error("Le fichier a plus de {LINES_MAX} lignes sous les noms des colonnes. Découpez-le en plusieurs fichiers.")]
    TooManyLines,
    /// More text than a list may have.
    #[error("La feuille contient trop de texte. Gardez les colonnes du modèle, ou découpez-la en plusieurs fichiers.")]
    TooMuchText,
    /// More columns than a list may have.
    #[error("Ligne {line} : plus de {COLUMNS_MAX} colonnes. Vérifiez le séparateur, et effacez ce qui est à droite du tableau.")]
    TooManyColumns {
        /// The line.
        line: usize,
    },
    /// A cell without end.
    #[error("Ligne {line}, colonne {column} : plus de {CELL_CHARS} caractères dans une cellule.")]
    CellTooLong {
        /// The line.
        line: usize,
        /// Letter of the column.
        column: String,
    },
    /// A character that no text has.
    #[error("Ligne {line}, colonne {column} : la cellule contient un caractère illisible. Saisissez-la de nouveau.")]
    Unreadable {
        /// The line.
        line: usize,
        /// Letter of the column.
        column: String,
    },
    /// A quoted field that does not end, or goes on behind its end.
    #[error("Ligne {line}, colonne {column} : un guillemet n'est pas refermé, ou du texte suit un guillemet fermant.")]
    Quote {
        /// The line on which the field begins.
        line: usize,
        /// Letter of the column.
        column: String,
    },
    /// A formula without a value.
    #[error("Ligne {line}, colonne {column} : la formule donne l'erreur « {text} ». Corrigez-la dans le tableur.")]
    Formula {
        /// The line.
        line: usize,
        /// Letter of the column.
        column: String,
        /// What the spreadsheet shows.
        text: String,
    },
    /// The binary format of former spreadsheets.
    #[error("Les classeurs .xls ne sont pas lus. Enregistrez-le au format .xlsx, .ods ou « CSV UTF-8 ».")]
    FormerFormat,
    /// A zip file that is no workbook.
    #[error("Ce fichier n'est ni un CSV, ni un classeur .xlsx ou .ods.")]
    NotASheet,
    /// A damaged workbook.
    #[error(
        "Le classeur est endommagé ou protégé ({reason}). Ouvrez-le dans le tableur et enregistrez-le de nouveau, sans mot de passe."
    )]
    Damaged {
        /// What the reader says.
        reason: String,
    },
    /// No sheet begins with the header.
    #[error("Aucune feuille du classeur ne commence par les noms des colonnes. Partez du modèle.")]
    NoHeader,
}

/// The letter of a column, counted from 0, as spreadsheets show it: `A`, `Z`, `AA`.
#[must_use]
pub fn column_letter(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(column_letter), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
