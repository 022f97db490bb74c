//! Names by how they sound: the parameter `phonetic` of R4, and a modifier of the parameters of names that is ours (SRCH-9).

use annuaire_base::sound::sound_key;
use annuaire_base::words::words;
use annuaire_index::Filter;
use annuaire_terms::ParamId;

use super::filters::any_of;
use super::values::unescape;
use crate::error::ApiError;

/// The modifier by which the names of a parameter are compared by sound. R4 has none.
pub(super) const SOUND_MODIFIER: &str = "phonetic";

/// Resources with, for each word of a value, a word of these parameters that sounds so. A number has no sound: it must be there as it is.
/// Refused when no word sounds, for such a value would find what nobody asked.
pub(super) fn sounding(params: &[ParamId], raw: &str) -> Result<Filter, ApiError> {
    let all: Vec<(String, String)> = words(&unescape(raw)).into_iter().map(|word| (sound_key(&word), word)).collect();
    if all.iter().all(|(sound, _)| sound.is_empty()) {
        return Err(ApiError::value("No letter of it can be heard: give a name as it is said."));
    }
    let each = all.into_iter().map(|(sound, word)| {
        let of_param = |param: &ParamId| match sound.as_str() {
            "" => Filter::Word { param: *param, word: word.clone() },
            sound => Filter::Sound { param: *param, sound: sound.to_owned() },
        };
        any_of(params.iter().map(of_param).collect())
    });
    Ok(Filter::And(each.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [ParamId; 2] = [ParamId::new(5), ParamId::new(6)];

    #[test]
    fn each_word_sounds_somewhere_among_the_names() {
        let Filter::And(each) = sounding(&NAMES, "Lefèvre 19").ok().unwrap() else { panic!("not all words") };
        let sound = sound_key("lefebvre");
        let heard = NAMES.map(|param| Filter::Sound { param, sound: sound.clone() });
        let written = NAMES.map(|param| Filter::Word { param, word: "19".into() });
        assert_eq!(each, [Filter::Or(heard.to_vec()), Filter::Or(written.to_vec())]);
    }

    #[test]
    fn what_has_no_sound_is_refused() {
        for value in ["", "-", "19", "h", "1 2", "..", r"\,", "«»", "\u{301}"] {
            let refused = sounding(&NAMES, value).err().unwrap_or_else(|| panic!("{value:?} is compared"));
            assert!(refused.hint.contains("heard"), "{value:?}");
        }
    }
}
