//! Small resources, and the way a publisher with one thread applies them.

use annuaire_base::Tx;
use annuaire_terms::{ForeignStamp, ParamId, Presence, Resource, Term, TypeId};

use crate::{Error, Index};

pub const MAP: usize = 1 << 28;

pub const fn ty(number: u8) -> TypeId {
    TypeId::new(number)
}

pub const fn param(number: u8) -> ParamId {
    ParamId::new(number)
}
/// A dictionary for type 1 and none for the others.
pub const DICTIONARIES: &[&[u8]] = &[b"", b"\"versionId\":\"1\",\"lastUpdated\":\"1970-01-01T00:00:00.100Z\","];

/// Names of the types 0 and 1 in references.
pub const NAMES: [&str; 2] = ["A", "B"];

pub fn resource(ty: TypeId, id: u8, content: u8) -> Resource {
    let names = ["Élodie  Le-Goff", "elodie", "GOFF", "", "Jean\u{1}\0x"];
    let mut terms = vec![
        Term::Token {
            param: param(1),
            system: ["", "s", "t"][usize::from(content % 3)].into(),
            code: format!("c{}", content % 2),
        },
        Term::Text { param: param(2), value: names[usize::from(content) % 5].into() },
        Term::Reference { param: param(3), target: format!("{}/id{}", NAMES[usize::from(content % 2)], (content + id) % 5) },
    ];
    // Content 3 has no name: it has no words and is not listed.
    if !names[usize::from(content) % 5].is_empty() {
        terms.push(Term::Words { param: param(2), value: names[usize::from(content) % 5].into() });
        terms.push(Term::Order { value: format!("{}{}", names[usize::from(content) % 5], id % 3) });
    }
    if content.is_multiple_of(3) {
        terms.push(Term::Reference { param: param(3), target: format!("{}/id{}", NAMES[usize::from(id % 2)], content % 4) });
        terms.push(Term::Reference { param: param(5), target: ["A/id1", "id1", "B/C/id1", "B/"][usize::from(id % 4)].into() });
    }
    if content.is_multiple_of(2) {
        terms.push(Term::Uri { param: param(4), value: format!("urn:{}", content % 3) });
        terms.push(Term::Text { param: param(2), value: format!("{}{}", "Long ".repeat(120), content % 3) });
    }
    // Content 5 has a foreign stamp, with a version of its own and an instant between those of the transactions.
    let kept = (content == 5).then(|| ForeignStamp {
        version: id.is_multiple_of(2).then_some(7),
        last_updated_ms: 40 + 100 * i64::from(id),
        stamp: b"of another".to_vec(),
    });
    Resource {
        ty,
        id: format!("id{id}"),
        before: vec![b'{', b'0' + content],
        after: b"x}".to_vec(),
        terms,
        foreign_stamp: kept,
        presence: Presence::Described,
    }
}

pub fn all_ok(list: &[Resource]) -> impl Iterator<Item = Result<Resource, Error>> {
    list.iter().cloned().map(Ok)
}

/// Prepares and applies, as a publisher with one thread would.
pub fn apply(index: &Index, tx: Tx, ms: i64, list: impl Iterator<Item = Result<Resource, Error>>) -> Result<u64, Error> {
    let mut preparer = index.preparer(tx, ms)?;
    index.apply(tx, ms, list.map(|r| r.and_then(|r| preparer.prepare(r))))
}
