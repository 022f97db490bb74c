//! How texts are compared here: letters without accents, words without signs. These are functions of the gold set's own, since those
//! of the directory are what is measured.

/// Words of a name that people leave out and put in as they like.
pub(crate) const LITTLE_WORDS: &[&str] = &["de", "du", "des", "la", "le", "les", "l", "d", "et", "a", "au", "aux"];

/// The letter without its accent, in lower case; two letters for `œ`, `æ` and `ß`.
fn bare(c: char, out: &mut String) {
    let plain = match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ñ' | 'ń' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ş' | 'š' | 'ś' => 's',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ž' | 'ź' | 'ż' => 'z',
        'œ' => return out.push_str("oe"),
        'æ' => return out.push_str("ae"),
        'ß' => return out.push_str("ss"),
        // A combining accent.
        '\u{300}'..='\u{36f}' => return,
        c => c,
    };
    out.push(plain);
}

/// In lower case and without accents; signs stay.
pub(crate) fn unaccented(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().flat_map(char::to_lowercase).for_each(|c| bare(c, &mut out));
    out
}

/// Lower case, no accents, every sign a space, one space between words.
pub(crate) fn plain(text: &str) -> String {
    let spaced: String = unaccented(text).chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// [`plain`] without spaces: what `Le Goff`, `LE-GOFF` and `legoff` have in common.
pub(crate) fn squeezed(text: &str) -> String {
    plain(text).replace(' ', "")
}

/// The words of a structure's name that tell it from others.
pub(crate) fn telling_words(name: &str) -> String {
    plain(name).split(' ').filter(|word| !LITTLE_WORDS.contains(word)).collect::<Vec<_>>().join(" ")
}

/// The town as people say it: without `12E ARRONDISSEMENT` and without `CEDEX`.
pub(crate) fn said_town(town: &str) -> String {
    let words: Vec<&str> = town.split_whitespace().collect();
    let end = match words.as_slice() {
        [.., _, last] if last.starts_with("ARRONDISSEMENT") => words.len() - 2,
        _ => words.iter().position(|word| *word == "CEDEX").unwrap_or(words.len()),
    };
    words[..end].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_take_for_equal_is_equal() {
        assert_eq!(plain("  D'HÔTEL-Dieu, Cœur "), "d hotel dieu coeur");
        assert_eq!(squeezed("LE GOFF"), squeezed("le-goff"));
        assert_eq!(telling_words("CENTRE DE SANTÉ DU MODÈLE 3"), "centre sante modele 3");
        assert_eq!(said_town("PARIS 12E ARRONDISSEMENT"), "PARIS");
        assert_eq!(said_town("BREST CEDEX 2"), "BREST");
        assert_eq!(said_town("LE HAVRE"), "LE HAVRE");
    }
}
