//! Queries for people.

use annuaire_testkit::Dice;

use super::draft::{GoldDraft, MOST_ANSWERS};
use super::nation::{GoldNation, KnownPerson, KnownTown};
use super::respelling::respelt;
use super::slips::{FingerSlip, slipped};
use super::spelling::{LITTLE_WORDS, plain, squeezed, unaccented};
use super::spoken::{PROFESSIONS, SPECIALTIES, calling_of};

/// Somebody of the nation.
fn somebody<'n>(nation: &'n GoldNation, dice: &mut Dice) -> (usize, &'n KnownPerson) {
    let at = usize::try_from(dice.below(nation.people.len() as u64)).unwrap_or(0);
    (at, &nation.people[at])
}

/// A text as it is typed: in lower case, three times in five without its accents.
pub(crate) fn typed(text: &str, dice: &mut Dice) -> String {
    if dice.below(100) < 60 { unaccented(text) } else { text.to_lowercase() }
}

/// Given and family name, three times in five in this order.
fn both(given: &str, family: &str, dice: &mut Dice) -> String {
    if dice.below(100) < 60 { format!("{given} {family}") } else { format!("{family} {given}") }
}

/// Pages of those among `found` who fulfil `also`.
fn pages(nation: &GoldNation, found: &[usize], also: impl Fn(&KnownPerson) -> bool) -> Vec<String> {
    let right = found.iter().map(|at| &nation.people[*at]).filter(|person| also(person));
    right.map(|person| format!("professionnel/{}", person.national_id)).collect()
}

/// A query for a person whose full name is typed so. Refused when that is the true name of others: whoever types it means them.
fn by_name(
    nation: &GoldNation,
    (at, person): (usize, &KnownPerson),
    (given, family): (&str, &str),
    (q, ou): (String, String),
    also: impl Fn(&KnownPerson) -> bool,
) -> Option<GoldDraft> {
    let others = nation.named(given, family);
    if !others.is_empty() && !others.contains(&at) {
        return None;
    }
    Some(GoldDraft { q, ou, answers: pages(nation, nation.named(&person.given, &person.family), also) })
}

/// A query of nothing but a name.
fn name_alone(
    nation: &GoldNation,
    somebody: (usize, &KnownPerson),
    given: &str,
    family: &str,
    dice: &mut Dice,
) -> Option<GoldDraft> {
    let q = both(given, family, dice);
    by_name(nation, somebody, (given, family), (q, String::new()), |_| true)
}

pub(crate) fn exact(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let (given, family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let q = format!("{given} {family}");
    by_name(nation, who, (&given, &family), (q, String::new()), |_| true)
}

pub(crate) fn swapped(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let (given, family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let q = format!("{family}{} {given}", if dice.once_in(2) { "," } else { "" });
    by_name(nation, who, (&given, &family), (q, String::new()), |_| true)
}

/// One word of a text changed by `change`: a word drawn by chance among those that can be.
pub(crate) fn one_word(text: &str, dice: &mut Dice, change: impl Fn(&str, &mut Dice) -> Option<String>) -> Option<String> {
    let starts: Vec<(usize, &str)> = text
        .split([' ', '-', '\''])
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
        .collect();
    if starts.is_empty() {
        return None;
    }
    let first = usize::try_from(dice.below(starts.len() as u64)).ok()?;
    (0..starts.len()).map(|i| starts[(first + i) % starts.len()]).find_map(|(at, word)| {
        let changed = change(word, dice)?;
        Some(format!("{}{changed}{}", &text[..at], &text[at + word.len()..]))
    })
}

pub(crate) fn slip(nation: &GoldNation, dice: &mut Dice, slip: FingerSlip) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let (mut given, mut family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let hit = if dice.below(100) < 70 { &mut family } else { &mut given };
    *hit = one_word(hit, dice, |word, dice| slipped(word, slip, dice))?;
    name_alone(nation, who, &given, &family, dice)
}

pub(crate) fn family_by_sound(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let family = one_word(&unaccented(&who.1.family), dice, respelt)?;
    let given = typed(&who.1.given, dice);
    name_alone(nation, who, &given, &family, dice)
}

pub(crate) fn given_by_sound(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let given = one_word(&unaccented(&who.1.given), dice, respelt)?;
    let family = typed(&who.1.family, dice);
    name_alone(nation, who, &given, &family, dice)
}

pub(crate) fn sound_and_slip(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let family = one_word(&unaccented(&who.1.family), dice, respelt)?;
    let slips = [FingerSlip::Neighbour, FingerSlip::Transposed, FingerSlip::Missing, FingerSlip::Doubled, FingerSlip::Extra];
    let slip = *dice.pick(&slips);
    let given = one_word(&unaccented(&who.1.given), dice, |word, dice| slipped(word, slip, dice))?;
    name_alone(nation, who, &given, &family, dice)
}

/// The ways to write a name with signs or particles in it, other than the published one.
fn other_ways(name: &str) -> Vec<String> {
    let words = plain(name);
    let parts: Vec<&str> = words.split(' ').collect();
    if parts.len() < 2 {
        return Vec::new();
    }
    let bare = parts.iter().position(|word| !LITTLE_WORDS.contains(word)).unwrap_or(0);
    let mut ways = vec![
        words.clone(),
        words.replace(' ', ""),
        words.replace(' ', "-"),
        words.replace(' ', "'"),
        format!("{}{}", parts[0], words[parts[0].len()..].replacen(' ', "", 1)),
        // Without its particles: « Goff », « tour du pin ».
        parts[bare..].join(" "),
    ];
    if let Some(rest) = words.strip_prefix("saint ") {
        ways.extend([format!("st {rest}"), format!("st-{rest}"), format!("st.{rest}")]);
    }
    if let Some(rest) = words.strip_prefix("st ") {
        ways.extend([format!("saint {rest}"), format!("saint-{rest}")]);
    }
    ways.retain(|way| *way != unaccented(name));
    ways
}

pub(crate) fn particles(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let ways = other_ways(&who.1.family);
    if ways.is_empty() {
        return None;
    }
    let (given, family) = (typed(&who.1.given, dice), dice.pick(&ways).clone());
    // Without its particle, a name may be that of others.
    name_alone(nation, who, &given, &family, dice)
}

pub(crate) fn half_of_double(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let (mut given, mut family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let cut = if family.contains('-') { &mut family } else { &mut given };
    let (first, second) = cut.split_once('-')?;
    let half = if dice.below(100) < 70 { first } else { second };
    if half.chars().count() < 3 {
        return None;
    }
    *cut = half.to_owned();
    name_alone(nation, who, &given, &family, dice)
}

pub(crate) fn titled(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let has = |code: &str| who.1.titles.iter().any(|title| title == code);
    let titles: &[&str] = match () {
        () if has("DR") => &["dr", "dr.", "docteur", "pr", "professeur"],
        () if has("MME") => &["madame", "mme"],
        () => &["monsieur", "m.", "mr"],
    };
    let (given, family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let q = format!("{} {}", dice.pick(titles), both(&given, &family, dice));
    by_name(nation, who, (&given, &family), (q, String::new()), |_| true)
}

/// A town of the person; with `postal`, one with a postal code.
fn town_of<'n>(person: &'n KnownPerson, dice: &mut Dice, postal: bool) -> Option<&'n KnownTown> {
    let towns: Vec<&KnownTown> = person.towns.iter().filter(|town| !postal || !town.postal.is_empty()).collect();
    (!towns.is_empty()).then(|| *dice.pick(&towns))
}

/// Whether somebody practises in a town of that name, however it is written.
fn practises_in(person: &KnownPerson, town: &str) -> bool {
    person.towns.iter().any(|known| squeezed(&known.name) == squeezed(town))
}

/// The name of a town as it is typed: of those with a hyphen one in three with spaces, one in four Saints as `st`.
pub(crate) fn typed_town(town: &str, dice: &mut Dice) -> String {
    let mut text = typed(town, dice);
    if dice.once_in(3) {
        text = text.replace('-', " ");
    }
    if dice.once_in(4) {
        text = text.replacen("saint", "st", 1);
    }
    text
}

/// A query with a place: `write` makes what and where of the name and the place.
fn with_place(
    nation: &GoldNation,
    dice: &mut Dice,
    postal: bool,
    write: impl Fn(&str, &str, &KnownTown, &mut Dice) -> (String, String),
) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let town = town_of(who.1, dice, postal)?;
    let (given, family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let name = both(&given, &family, dice);
    let said = typed_town(&town.name, dice);
    let boxes = write(&name, &said, town, dice);
    by_name(nation, who, (&given, &family), boxes, |other| practises_in(other, &town.name))
}

pub(crate) fn town_apart(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    with_place(nation, dice, false, |name, said, _, _| (name.to_owned(), said.to_owned()))
}

pub(crate) fn postal_apart(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    with_place(nation, dice, true, |name, _, town, _| (name.to_owned(), town.postal.clone()))
}

pub(crate) fn postal_and_town_apart(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    with_place(nation, dice, true, |name, said, town, dice| (name.to_owned(), both(&town.postal, said, dice)))
}

pub(crate) fn town_inside(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    with_place(nation, dice, false, |name, said, _, dice| {
        let sign = ["", "", ",", " à"][usize::try_from(dice.below(4)).unwrap_or(0)];
        (format!("{name}{sign} {said}"), String::new())
    })
}

pub(crate) fn postal_inside(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    with_place(nation, dice, true, |name, _, town, _| (format!("{name} {}", town.postal), String::new()))
}

/// A family name and a town, in one box or in two.
fn family_in_town(nation: &GoldNation, dice: &mut Dice, family: &str, (at, person): (usize, &KnownPerson)) -> Option<GoldDraft> {
    let others = nation.of_family(family);
    if !others.is_empty() && !others.contains(&at) {
        return None;
    }
    let town = town_of(person, dice, false)?;
    let answers = pages(nation, nation.of_family(&person.family), |other| practises_in(other, &town.name));
    let said = typed_town(&town.name, dice);
    let (q, ou) = if dice.once_in(2) { (family.to_owned(), said) } else { (format!("{family} {said}"), String::new()) };
    Some(GoldDraft { q, ou, answers })
}

pub(crate) fn family_and_town(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let family = typed(&who.1.family, dice);
    family_in_town(nation, dice, &family, who)
}

pub(crate) fn heard_family_and_town(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let family = one_word(&unaccented(&who.1.family), dice, respelt)?;
    family_in_town(nation, dice, &family, who)
}

/// The specialty of a physician, else the profession: codes that one word of people covers, and the word.
fn calling(person: &KnownPerson, dice: &mut Dice) -> Option<(&'static [&'static str], &'static str)> {
    let said = calling_of(SPECIALTIES, &person.specialties).or_else(|| calling_of(PROFESSIONS, &person.professions))?;
    Some((said.codes, dice.pick::<&str>(said.words)))
}

fn has_calling(person: &KnownPerson, codes: &[&str]) -> bool {
    person.specialties.iter().chain(&person.professions).any(|code| codes.contains(&code.as_str()))
}

pub(crate) fn with_profession(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let who = somebody(nation, dice);
    let (codes, word) = calling(who.1, dice)?;
    let (given, family) = (typed(&who.1.given, dice), typed(&who.1.family, dice));
    let name = both(&given, &family, dice);
    let word = typed(word, dice);
    by_name(nation, who, (&given, &family), (both(&word, &name, dice), String::new()), |other| has_calling(other, codes))
}

/// One name with a calling and a town.
fn calling_in_town(
    nation: &GoldNation,
    dice: &mut Dice,
    person: &KnownPerson,
    name: &str,
    found: &[usize],
    most: usize,
) -> Option<GoldDraft> {
    let (codes, word) = calling(person, dice)?;
    let town = town_of(person, dice, false)?;
    let answers = pages(nation, found, |other| practises_in(other, &town.name) && has_calling(other, codes));
    if answers.len() > most {
        return None;
    }
    let (name, word, said) = (typed(name, dice), typed(word, dice), typed_town(&town.name, dice));
    let what = both(&word, &name, dice);
    let (q, ou) = if dice.once_in(2) { (what, said) } else { (format!("{what} {said}"), String::new()) };
    Some(GoldDraft { q, ou, answers })
}

/// Most true answers of a given name with a calling and a town.
const MOST_OF_GIVEN: usize = 5;

pub(crate) fn given_calling_town(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let (_, person) = somebody(nation, dice);
    calling_in_town(nation, dice, person, &person.given, nation.of_given(&person.given), MOST_OF_GIVEN)
}

pub(crate) fn family_calling_town(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let (_, person) = somebody(nation, dice);
    calling_in_town(nation, dice, person, &person.family, nation.of_family(&person.family), MOST_ANSWERS)
}

/// A query for one person alone.
fn number(person: &KnownPerson, q: String) -> GoldDraft {
    GoldDraft { q, ou: String::new(), answers: vec![format!("professionnel/{}", person.national_id)] }
}

/// Digits in groups, as one reads them from a paper; three times in ten.
pub(crate) fn spaced(digits: &str, groups: &[usize], dice: &mut Dice) -> String {
    if dice.below(10) >= 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.to_owned();
    }
    let (mut out, mut rest) = (Vec::new(), digits);
    for group in groups {
        let (head, tail) = rest.split_at((*group).min(rest.len()));
        out.push(head);
        rest = tail;
    }
    out.push(rest);
    out.join(" ").trim_end().to_owned()
}

pub(crate) fn own_number(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let (_, person) = somebody(nation, dice);
    // The first digit of the national identifier says what kind of number follows.
    Some(number(person, spaced(person.national_id.get(1..)?, &[2, 3, 3], dice)))
}

pub(crate) fn national_number(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let (_, person) = somebody(nation, dice);
    Some(number(person, spaced(&person.national_id, &[3, 3, 3], dice)))
}

pub(crate) fn mailbox(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let (_, person) = somebody(nation, dice);
    Some(number(person, person.mailboxes.first()?.clone()))
}
