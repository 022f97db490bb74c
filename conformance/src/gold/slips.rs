//! Slips of fingers on a French keyboard (AZERTY).

use annuaire_testkit::Dice;

use super::spelling::unaccented;

/// Rows of letters. A key touches its neighbours of a row, and the keys `i` and `i + 1` of the row above.
const KEYBOARD: [&str; 3] = ["azertyuiop", "qsdfghjklm", "wxcvbn"];

/// Fewest letters of a word in which a slip is made: shorter words are another word at once.
const SHORTEST: usize = 4;

/// What a finger does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FingerSlip {
    /// A key beside the right one.
    Neighbour,
    /// Two letters in the wrong order.
    Transposed,
    /// A letter left out.
    Missing,
    /// A letter twice, or a doubled letter once.
    Doubled,
    /// The key beside the right one as well.
    Extra,
}

/// Letters whose keys touch the key of `letter`.
fn neighbours(letter: char) -> Vec<char> {
    let mut out = Vec::new();
    for (r, row) in KEYBOARD.iter().enumerate() {
        let keys: Vec<char> = row.chars().collect();
        let Some(i) = keys.iter().position(|key| *key == letter) else { continue };
        out.extend((i > 0).then(|| keys[i - 1]));
        out.extend(keys.get(i + 1));
        let above = r.checked_sub(1).map(|r| KEYBOARD[r].chars().collect::<Vec<_>>()).unwrap_or_default();
        out.extend(above.iter().skip(i).take(2));
        let below: Vec<char> = KEYBOARD.get(r + 1).map(|row| row.chars().collect()).unwrap_or_default();
        out.extend(i.checked_sub(1).and_then(|i| below.get(i)));
        out.extend(below.get(i));
    }
    out
}

/// The word with one slip, at any letter; the first one is hit a fifth as often. `None` for a short word, and when the slip changes
/// nothing.
pub(crate) fn slipped(word: &str, slip: FingerSlip, dice: &mut Dice) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < SHORTEST || !letters.iter().all(|c| c.is_alphabetic()) {
        return None;
    }
    let last = letters.len() as u64 - 1;
    let first_too = u64::from(!dice.once_in(5));
    let at = usize::try_from(first_too + dice.below(last + 1 - first_too)).ok()?;
    let beside = |letter: char, dice: &mut Dice| {
        let keys = neighbours(unaccented(&letter.to_string()).chars().next()?);
        (!keys.is_empty()).then(|| *dice.pick(&keys))
    };
    match slip {
        FingerSlip::Neighbour => letters[at] = beside(letters[at], dice)?,
        FingerSlip::Transposed if at + 1 < letters.len() => letters.swap(at, at + 1),
        FingerSlip::Transposed => letters.swap(at - 1, at),
        FingerSlip::Missing => {
            letters.remove(at);
        }
        FingerSlip::Doubled => match (1..letters.len()).find(|i| letters[*i] == letters[*i - 1]) {
            Some(double) if dice.once_in(2) => {
                letters.remove(double);
            }
            _ => letters.insert(at, letters[at]),
        },
        FingerSlip::Extra => {
            let key = beside(letters[at], dice)?;
            letters.insert(at + usize::from(dice.once_in(2)), key);
        }
    }
    let out: String = letters.into_iter().collect();
    (out != word).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_touch_each_other_both_ways() {
        for letter in 'a'..='z' {
            let keys = neighbours(letter);
            assert!(!keys.is_empty(), "{letter}");
            assert!(keys.iter().all(|key| neighbours(*key).contains(&letter)), "{letter}: {keys:?}");
        }
        assert_eq!(neighbours('a'), ['z', 'q']);
        assert_eq!(neighbours('s'), ['q', 'd', 'z', 'e', 'w', 'x']);
    }

    #[test]
    fn a_slip_is_one_slip() {
        let mut dice = Dice::new(1, 2, 3);
        let all = [(FingerSlip::Neighbour, 0), (FingerSlip::Transposed, 0), (FingerSlip::Missing, -1), (FingerSlip::Extra, 1)];
        for _ in 0..500 {
            for (slip, longer) in all {
                let Some(typed) = slipped("kermarrec", slip, &mut dice) else { continue };
                assert_eq!(typed.len() as i64, 9 + longer, "{typed}");
                assert_ne!(typed, "kermarrec");
            }
            let doubled = slipped("kermarrec", FingerSlip::Doubled, &mut dice).unwrap();
            assert!(doubled.len() == 10 || doubled == "kermarec", "{doubled}");
        }
        assert_eq!(slipped("roy", FingerSlip::Missing, &mut dice), None);
        assert_eq!(slipped("2026a", FingerSlip::Missing, &mut dice), None);
    }
}
