//! Owners that have a description, among others.

use crate::acts::write;
use annuaire_store::{BlockingRegistry, OwnerRow};

/// Rows without description are owners, and are not read with the described ones.
pub(crate) fn owners(r: &BlockingRegistry) {
    let rows = |codes: &[&str]| -> Vec<OwnerRow> {
        codes.iter().map(|code| OwnerRow { code: (*code).into(), description: format!("{code}!") }).collect()
    };
    let describe = |code: &str, description: &str| {
        write(r, 0, &mut |u| u.set_owner(&OwnerRow { code: code.into(), description: description.into() })).expect("owner");
    };
    describe("PP:8", "");
    assert_eq!(r.described_owners().expect("described"), rows(&["s", "t"]));
    assert!(r.owners().expect("owners").iter().any(|o| o.code == "PP:8"));
    describe("PP:8", "PP:8!");
    assert_eq!(r.described_owners().expect("described"), rows(&["PP:8", "s", "t"]));
    describe("PP:8", "");
    assert_eq!(r.described_owners().expect("described"), rows(&["s", "t"]));
}

/// Owners as a registry of version 8 may describe them, for tests of the step to version 9.
pub const OWNERS_OF_8: [(&str, &str); 8] = [
    ("ENREG:1990000028", r#"{"code":"ENREG:1990000028","kind":"structure","number":"1990000028"}"#),
    ("PP:810999000010", r#"{"code":"PP:810999000010","kind":"person","idNatPs":"810999000010"}"#),
    ("PP:810999000028", r#"{"code":"PP:810999000028","kind":"person","idNatPs":"810999000010"}"#),
    ("PP:810999000036", ""),
    ("PP:", r#"{"code":"PP:","kind":"person","idNatPs":""}"#),
    ("CNOM", r#"{"code":"CNOM","kind":"order"}"#),
    ("ENREG:feed", r#"{"code":"ENREG:feed","kind":"file","producer":"directory","rank":1,"open":true}"#),
    ("psla", r#"{"code":"psla","kind":"file","producer":"register","rank":40,"open":true}"#),
];

/// A registry of [`OWNERS_OF_8`] after the step: the first two need their description no longer.
///
/// # Panics
/// When it says something else.
pub fn owners_of_8_came_forward(r: &BlockingRegistry) {
    let described: Vec<_> = r.described_owners().expect("described").into_iter().map(|o| (o.code, o.description)).collect();
    let mut kept: Vec<_> = OWNERS_OF_8[2..].iter().filter(|(_, text)| !text.is_empty()).collect();
    kept.sort_unstable();
    assert_eq!(described, kept.into_iter().map(|(code, text)| ((*code).to_owned(), (*text).to_owned())).collect::<Vec<_>>());
    assert_eq!(r.owners().expect("owners").len(), OWNERS_OF_8.len());
}
