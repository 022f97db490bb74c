//! What orders and regional agencies send about their own population (registration §16.3, A30): the order of lines, what counts, and
//! when a human looks first.
//!
//! The reference leaves three things open. Here a person counts once for the guards, however many of its parts change. New persons
//! count as changed ones, so that a first delivery is a full set or waits. A professional order speaks of its own profession alone, as
//! does an agency of the professions of §16.2.

use crate::coded::coded;
use crate::limits::{FEED_CHANGED_PERCENT, FEED_REMOVED_PERCENT};

coded! {
    /// What a line, or a part of it, asks for.
    RecordOperation;
    /// Every operation.
    ALL;
    /// The word of the format.
    code;
    /// What people call it.
    label;
    Upsert "upsert" "création ou mise à jour";
    Close "close" "fin";
    Cancel "cancel" "annulation pour erreur";
}

coded! {
    /// What became of a line.
    RecordResult;
    /// Every result.
    ALL;
    /// The word of the acknowledgement.
    code;
    /// What people call it.
    label;
    Accepted "accepted" "acceptée";
    Warned "accepted-with-warning" "acceptée avec remarque";
    Rejected "rejected" "rejetée";
}

coded! {
    /// Why a line was rejected, or accepted with a remark.
    RecordCode;
    /// Every code.
    ALL;
    /// The stable word of the acknowledgement.
    code;
    /// What is told, complete.
    label;
    NotJson "not-json" "La ligne n'est pas un objet JSON sur une seule ligne.";
    TooLong "too-long" "La ligne ou le texte dépasse la longueur permise.";
    UnknownMember "unknown-member" "Ce membre n'existe pas dans le format.";
    MissingMember "missing-member" "Ce membre est obligatoire ici.";
    WrongType "wrong-type" "La valeur n'a pas le type attendu.";
    WrongDate "wrong-date" "La date doit être un jour qui existe, écrit AAAA-MM-JJ, et une fin ne précède pas un début.";
    UnknownCode "unknown-code" "Ce code n'existe pas dans la nomenclature.";
    MisplacedMember "misplaced-member" "Ce membre ne va pas avec cette opération.";
    Repeated "repeated" "Cet élément est déjà dit dans la même ligne.";
    ForeignProfession "foreign-profession" "Cette profession relève d'une autre autorité.";
    UnknownStructure "unknown-structure" "Aucune structure ne porte ce numéro FINESS ou SIRET.";
    UnknownRpps "unknown-rpps" "Aucune personne ne porte ce numéro RPPS.";
    OtherIdentity "other-identity" "L'état civil de la ligne n'est pas celui de la personne qui porte ce numéro RPPS.";
    OtherPerson "other-person" "Cette référence désigne déjà une personne qui porte un autre numéro RPPS.";
    ProbableIdentity "probable-identity" "Une personne enregistrée ressemble à celle-ci : donnez son numéro RPPS, ou saisissez l'arbitre national.";
    UnknownSource "unknown-source" "Rien n'a été dit sous cette référence.";
    Deceased "deceased" "La personne est décédée : seul l'arbitre national corrige sa fiche.";
    OlderVersion "older-version" "Une version plus récente est déjà connue : la ligne est sans effet.";
    SameVersion "same-version" "Cette version est déjà connue avec un autre contenu : la ligne est sans effet, augmentez la version.";
    OwnedByOther "owned-by-other" "Une autre autorité, plus forte ou égale, est propriétaire de cet élément : il n'est pas modifié.";
    VerifiedContact "verified-contact" "Le professionnel a vérifié ses coordonnées : celles de la ligne ne sont pas reprises.";
    Merged "merged" "Le numéro RPPS a été rapproché d'un autre : la ligne porte désormais sur celui qui est indiqué.";
}

/// What is known of a source that an authority speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRecord<'a> {
    /// The last version that counted.
    pub version: u64,
    /// Fingerprint of what it said.
    pub fingerprint: &'a str,
}

/// Whether a line counts beside what is known of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordStanding {
    /// It is newer and says something else.
    Changes,
    /// It is newer and says what is known.
    Repeats,
    /// It is the version that is known.
    Known,
    /// It is the version that is known, with another content.
    Contradicts,
    /// A later version is known.
    Older,
}

/// Compares a line with what is known of its source: idempotent on (authority, `sourceId`, version).
#[must_use]
pub fn standing(version: u64, fingerprint: &str, known: Option<KnownRecord<'_>>) -> RecordStanding {
    match known {
        None => RecordStanding::Changes,
        Some(known) if version < known.version => RecordStanding::Older,
        Some(known) if version == known.version && fingerprint == known.fingerprint => RecordStanding::Known,
        Some(known) if version == known.version => RecordStanding::Contradicts,
        Some(known) if fingerprint == known.fingerprint => RecordStanding::Repeats,
        Some(_) => RecordStanding::Changes,
    }
}

/// Puts lines into the order in which they are applied: sources stand where their first line stands, and the lines of one source follow
/// their versions. `key` gives source and version; lines without a source keep their place. Cost: a sort.
pub fn order_records<T>(lines: &mut [T], key: impl Fn(&T) -> Option<(String, u64)>) {
    let mut first = std::collections::HashMap::new();
    for (position, line) in lines.iter().enumerate() {
        if let Some((source, _)) = key(line) {
            first.entry(source).or_insert(position);
        }
    }
    let mut position = 0;
    lines.sort_by_cached_key(|line| {
        let own = position;
        position += 1;
        match key(line) {
            Some((source, version)) => (first.get(&source).copied().unwrap_or(own), version),
            None => (own, 0),
        }
    });
}

/// How many persons a batch is about. Each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedEffect {
    /// Persons of whom the authority states something before the batch.
    pub population: u64,
    /// Persons whom its lines would make, change, end or cancel.
    pub changed: u64,
    /// Persons of whom a full set leaves out something that stands.
    pub removed: u64,
}

/// Why a batch waits for a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedHold {
    /// A delta changes too much.
    Changes,
    /// A full set leaves out too much.
    Removals,
}

/// Whether a batch waits for a human (registration §16.3): a delta that changes more than 5 % of the population, a full set that removes
/// more than 1 %.
#[must_use]
pub const fn feed_hold(effect: FeedEffect, full: bool) -> Option<FeedHold> {
    const fn above(count: u64, population: u64, percent: u64) -> bool {
        count.saturating_mul(100) > population.saturating_mul(percent)
    }
    if full && above(effect.removed, effect.population, FEED_REMOVED_PERCENT) {
        return Some(FeedHold::Removals);
    }
    if !full && above(effect.changed, effect.population, FEED_CHANGED_PERCENT) {
        return Some(FeedHold::Changes);
    }
    None
}

/// Professions of each order, by codes of TRE_G15 and TRE_R60.
const OF_ORDERS: [(&str, &str); 7] =
    [("CNOM", "10"), ("CNOP", "21"), ("ONCD", "40"), ("CNOSF", "50"), ("ONI", "60"), ("CNOMK", "70"), ("CNOPP", "80")];

/// Professions that the agencies register (registration §16.2).
const OF_AGENCIES: [&str; 21] = [
    "26", "28", "31", "32", "41", "71", "72", "73", "81", "82", "83", "84", "85", "86", "91", "92", "93", "94", "95", "96", "98",
];

/// Whether a profession is one that an authority registers. The armed forces' health service registers those of the orders.
#[must_use]
pub fn registers_profession(authority: &str, profession: &str) -> bool {
    match OF_ORDERS.iter().find(|(order, _)| *order == authority) {
        Some((_, own)) => *own == profession,
        None if authority == "SSA" => OF_ORDERS.iter().any(|(_, own)| *own == profession),
        None => OF_AGENCIES.contains(&profession),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_repeated_versions_change_nothing() {
        let known = Some(KnownRecord { version: 3, fingerprint: "a" });
        for (version, fingerprint, expected) in [
            (2, "b", RecordStanding::Older),
            (2, "a", RecordStanding::Older),
            (3, "a", RecordStanding::Known),
            (3, "b", RecordStanding::Contradicts),
            (4, "a", RecordStanding::Repeats),
            (4, "b", RecordStanding::Changes),
        ] {
            assert_eq!(standing(version, fingerprint, known), expected, "{version} {fingerprint}");
        }
        assert_eq!(standing(1, "a", None), RecordStanding::Changes);
    }

    #[test]
    fn lines_of_one_source_follow_their_versions_where_the_first_stands() {
        let mut lines = vec![("b", 2), ("a", 9), ("", 0), ("b", 1), ("c", 1), ("a", 3)];
        order_records(&mut lines, |(source, version)| (!source.is_empty()).then(|| ((*source).to_owned(), *version)));
        assert_eq!(lines, [("b", 1), ("b", 2), ("a", 3), ("a", 9), ("", 0), ("c", 1)]);
    }

    #[test]
    fn a_human_looks_above_the_limits_and_not_at_them() {
        let effect = |changed, removed| FeedEffect { population: 100, changed, removed };
        assert_eq!(feed_hold(effect(5, 0), false), None);
        assert_eq!(feed_hold(effect(6, 0), false), Some(FeedHold::Changes));
        assert_eq!(feed_hold(effect(100, 1), true), None);
        assert_eq!(feed_hold(effect(0, 2), true), Some(FeedHold::Removals));
        let nobody = FeedEffect { population: 0, changed: 1, removed: 0 };
        assert_eq!((feed_hold(nobody, false), feed_hold(nobody, true)), (Some(FeedHold::Changes), None));
        assert_eq!(feed_hold(FeedEffect::default(), false), None);
    }

    #[test]
    fn each_authority_speaks_of_its_professions() {
        for (authority, profession, own) in [
            ("CNOM", "10", true),
            ("CNOM", "60", false),
            ("ONI", "60", true),
            ("SSA", "60", true),
            ("SSA", "91", false),
            ("ARS-53", "91", true),
            ("ARS-53", "10", false),
            ("AT-975", "93", true),
            ("CNOM", "99", false),
        ] {
            assert_eq!(registers_profession(authority, profession), own, "{authority} {profession}");
        }
    }

    #[test]
    fn codes_are_words_and_texts_are_sentences() {
        for code in RecordCode::ALL {
            assert!(code.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code:?}");
            assert!(code.label().ends_with('.'), "{code:?}");
        }
    }
}
