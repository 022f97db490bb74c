//! Names as people write them: given names with a capital, family names in capitals, particles small.
//!
//! Sources write names in capitals or in small letters alone. Such a name is written anew; one that mixes both is shown as its owner wrote
//! it. Letters are never added or taken away: an accent that a source dropped stays dropped.

/// Particles that are small before the rest of a family name, as in « Anne d’ESSAI » or « Luc de LA TOUR ».
const PARTICLES: [&str; 3] = ["DE", "DU", "DES"];
/// Signs after which a new part of a name begins.
const SEPARATORS: [char; 4] = [' ', '-', '\'', '’'];

/// Given names: `JEAN-PIERRE` is « Jean-Pierre ».
pub(crate) fn given_names(text: &str) -> String {
    if mixes_cases(text) {
        return text.to_owned();
    }
    let mut begins = true;
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match begins {
            true => shown.extend(letter.to_uppercase()),
            false => shown.extend(letter.to_lowercase()),
        }
        begins = SEPARATORS.contains(&letter);
    }
    shown
}

/// A family name: `DE LA TOUR` is « de LA TOUR », `lefèvre` is « LEFÈVRE ».
pub(crate) fn family_name(text: &str) -> String {
    if mixes_cases(text) {
        return text.to_owned();
    }
    let capitals = text.to_uppercase();
    let words: Vec<&str> = capitals.split(' ').collect();
    let last = words.len() - 1;
    let shown = words.iter().enumerate().map(|(at, word)| match word.split_once(['\'', '’']) {
        _ if at < last && PARTICLES.contains(word) => word.to_lowercase(),
        Some(("D", rest)) if !rest.is_empty() => format!("d’{rest}"),
        _ => (*word).to_owned(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether a text has both capitals and small letters.
fn mixes_cases(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && text.chars().any(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::{family_name, given_names};

    #[test]
    fn given_names_begin_with_a_capital() {
        for (written, shown) in [
            ("JEAN-PIERRE", "Jean-Pierre"),
            ("élodie marie", "Élodie Marie"),
            ("N'GUESSAN", "N'Guessan"),
            ("LÉA", "Léa"),
            ("MacKenzie", "MacKenzie"),
            ("ZOE", "Zoe"),
            ("", ""),
        ] {
            assert_eq!(given_names(written), shown);
        }
    }

    #[test]
    fn family_names_are_in_capitals_and_particles_small() {
        for (written, shown) in [
            ("LEFÈVRE", "LEFÈVRE"),
            ("lefèvre", "LEFÈVRE"),
            ("DE LA TOUR", "de LA TOUR"),
            ("DU BELLAY", "du BELLAY"),
            ("D'ESSAI", "d’ESSAI"),
            ("D’ESSAI MARTIN", "d’ESSAI MARTIN"),
            ("MARTIN DE BREST", "MARTIN de BREST"),
            ("LE GOFF", "LE GOFF"),
            // A particle alone is a name.
            ("DE", "DE"),
            ("DU", "DU"),
            ("L'HOSTIS", "L'HOSTIS"),
            ("McDonald", "McDonald"),
            ("de La Tour", "de La Tour"),
            ("", ""),
        ] {
            assert_eq!(family_name(written), shown);
        }
    }
}
