//! The volume guard: how many objects a delivery may create and end, and how many lines of a profession or a department it
//! may lose, before the operator is asked (source-files §13, guard 2).

use crate::formats::{LineKind, Slot};
use crate::limits;
use crate::text::fields::LineFields;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Lines for each profession and department.
#[derive(Default)]
pub(crate) struct LineCounts(HashMap<u64, u64, BuildHasherDefault<MixingHasher>>);

/// Hashes packed keys, whose low bits alone would collide.
#[derive(Default)]
struct MixingHasher(u64);

impl Hasher for MixingHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |h, b| h << 8 | u64::from(*b));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (n ^ n >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Up to four bytes as a number.
fn packed(text: &str) -> u64 {
    text.bytes().take(4).fold(0, |n, b| n << 8 | u64::from(b))
}

fn unpacked(n: u64) -> String {
    n.to_be_bytes()[4..].iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect()
}

/// The department of an address: the beginning of its INSEE commune, else of its postal code. Three characters overseas, and
/// `2A` or `2B` for Corsica.
pub(crate) fn department<'a>(commune: &'a str, postal: &'a str) -> &'a str {
    let code = if commune.is_empty() { postal } else { commune };
    if code.starts_with("97") || code.starts_with("98") {
        return code.get(..3).unwrap_or_default();
    }
    match code.get(..3) {
        Some("200" | "201") if commune.is_empty() => "2A",
        Some(c) if commune.is_empty() && c.starts_with("20") => "2B",
        _ => code.get(..2).filter(|d| d.as_bytes()[0].is_ascii_digit()).unwrap_or_default(),
    }
}

impl LineCounts {
    /// Counts a line of a person or of a structure.
    pub(crate) fn count(&mut self, kind: LineKind, fields: &LineFields<'_>) {
        if !matches!(kind, LineKind::Person | LineKind::Structure) {
            return;
        }
        let profession = fields.get(Slot::Profession);
        let place = match fields.get(Slot::DepartementFiness) {
            "" => department(fields.get(Slot::Commune), fields.get(Slot::CodePostal)),
            finess => finess,
        };
        if !(profession.is_empty() && place.is_empty()) {
            *self.0.entry(packed(profession) << 32 | packed(place)).or_default() += 1;
        }
    }

    /// Adds the counts of other lines.
    pub(crate) fn add(&mut self, other: Self) {
        for (key, n) in other.0 {
            *self.0.entry(key).or_default() += n;
        }
    }

    /// The counts by `profession/department`.
    pub(crate) fn by_name(self) -> BTreeMap<String, u64> {
        self.0.into_iter().map(|(key, n)| (format!("{}/{}", unpacked(key >> 32), unpacked(key & 0xffff_ffff)), n)).collect()
    }
}

/// How many of `before` may go: a share of them, and in a small registry a few, but not most of them.
pub(crate) fn allowed_loss(before: u64, percent: u64, few: u64) -> u64 {
    (before * percent / 100).max(few.min((before / 2).max(1)))
}

/// The name under which lines of a profession and a department are added up; empty when they are left out.
type CountName = fn(&str, &str) -> String;

/// What a delivery has lost against the one before it, as a text: the first count that lost too much, by both profession and
/// department, then by profession, then by department.
pub(crate) fn lost_lines(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Option<String> {
    let sums = |of: &BTreeMap<String, u64>, part: CountName| {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (key, n) in of {
            let (profession, department) = key.split_once('/').unwrap_or((key, ""));
            *sums.entry(part(profession, department)).or_default() += n;
        }
        sums
    };
    let profession = |p: &str, _: &str| if p.is_empty() { String::new() } else { format!("practitioners of profession {p}") };
    let place = |p: &str, d: &str| match (p, d) {
        (_, "") => String::new(),
        ("", d) => format!("structures in department {d}"),
        (_, d) => format!("practitioners in department {d}"),
    };
    let both = |p: &str, d: &str| match (p, d) {
        ("", _) | (_, "") => String::new(),
        (p, d) => format!("practitioners of profession {p} in department {d}"),
    };
    let steps: [(CountName, u64, u64); 3] = [
        (both, limits::GROUP_PERCENT, limits::GROUP_FEW),
        (profession, limits::VOLUME_PERCENT, limits::GROUP_FEW),
        (place, limits::VOLUME_PERCENT, limits::GROUP_FEW),
    ];
    for (part, percent, few) in steps {
        let (was, is) = (sums(before, part), sums(now, part));
        for (name, n) in was.into_iter().filter(|(name, _)| !name.is_empty()) {
            let left = is.get(&name).copied().unwrap_or(0);
            if n.saturating_sub(left) > allowed_loss(n, percent, few) {
                return Some(format!("{name}: {n} lines in the delivery before, {left} in this one"));
            }
        }
    }
    None
}

/// What the objects of the kind of an entity are called in messages.
pub(crate) fn kind_name(entity: &str) -> &'static str {
    match entity.get(..3) {
        Some("PP:") => "practitioners",
        Some("ST:") => "structures",
        Some("AC:") => "authorised activities",
        Some("NS:") => "structures with mailboxes",
        Some("AM:") => "lines of the health insurance",
        Some("GR:") => "groups",
        _ => "resources",
    }
}

#[cfg(test)]
mod tests {
    use super::{allowed_loss, department, lost_lines};
    use std::collections::BTreeMap;

    #[test]
    fn departments_are_those_of_the_commune_or_of_the_postal_code() {
        for (commune, postal, want) in [
            ("57463", "57085", "57"),
            ("2A004", "20000", "2A"),
            ("", "20000", "2A"),
            ("", "20200", "2B"),
            ("97411", "97400", "974"),
            ("", "98800", "988"),
            ("", "GL", ""),
            ("", "", ""),
        ] {
            assert_eq!(department(commune, postal), want, "{commune} {postal}");
        }
    }

    #[test]
    fn small_registries_may_lose_one_and_large_ones_a_share() {
        for (before, want) in [(1, 1), (3, 1), (4, 2), (10, 5), (99, 5), (100, 5), (2_000, 100)] {
            assert_eq!(allowed_loss(before, 5, 5), want, "{before}");
        }
    }

    #[test]
    fn a_lost_group_is_named_in_words() {
        let of = |all: &[(&str, u64)]| all.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect::<BTreeMap<_, _>>();
        let before = of(&[("10/75", 30_000), ("10/57", 4_000), ("60/75", 1_000_000)]);
        let now = of(&[("10/57", 4_000), ("60/75", 1_010_000)]);
        assert_eq!(
            lost_lines(&before, &now).unwrap(),
            "practitioners of profession 10 in department 75: 30000 lines in the delivery before, 0 in this one"
        );
        assert_eq!(lost_lines(&before, &of(&[("10/75", 29_900), ("10/57", 4_000), ("60/75", 990_000)])), None);
    }
}
