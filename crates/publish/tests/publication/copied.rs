//! Stores that copy another one.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER};
use annuaire_index::Index;
use annuaire_publish::{CopiedContent, CopiedVersion, Error, apply_copied};

fn new_store(dir: &tempfile::TempDir, name: &str) -> Index {
    annuaire_publish::open(&dir.path().join(name), MAP, PUBLIC).unwrap()
}

/// A copy that is kept up with what follows, deletions included, has the state of its origin and the versions since.
#[test]
fn a_copy_that_follows_has_the_state_of_its_origin() {
    let w = FollowedRegistry::new();
    let dir = tempfile::tempdir().unwrap();
    w.commit_and_compare(T0, &[structure("990000019", "CABINET UN"), person("F990000019")]);
    let copied = new_store(&dir, "copied");
    let begun = w.public.snapshot().unwrap();
    copy(&begun, &begun.standing(&TYPES), &copied, PUBLIC).unwrap();

    // It changes, leaves, and vanishes after its retention.
    w.commit_and_compare(T0 + DAY, &[structure("990000019", "CABINET DEUX")]);
    w.commit_and_compare(T0 + 2 * DAY, &[("PP:810999000003".into(), "psla", None)]);
    w.commit_and_compare(T0 + 40 * DAY, &[structure("990000027", "CABINET TROIS")]);
    let reached = w.public.snapshot().unwrap();
    assert!(!reached.exists(PRACTITIONER, PP).unwrap());
    let rows = reached.since(&TYPES, begun.tx()).unwrap();
    for _ in 0..2 {
        copy(&reached, &rows, &copied, PUBLIC).unwrap();
        assert_eq!(standing(&copied), standing(&w.public));
    }
    let now = copied.snapshot().unwrap();
    let tell = |versions: Vec<CopiedVersion>| versions.into_iter().map(|v| format!("{v:?}")).collect::<Vec<_>>();
    assert_eq!(tell(told(&now, &now.since(&TYPES, begun.tx()).unwrap())), tell(told(&reached, &rows)));
    assert_eq!(copied.check().unwrap(), Vec::<String>::new());
}

/// What an origin should not tell changes nothing that stands.
#[test]
fn what_cannot_be_held_as_it_is_stops_the_copy_before_its_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let copied = new_store(&dir, "copied");
    let json = |id: &str, number: u32, more: &str| {
        format!(
            r#"{{"resourceType":"Organization","id":"{id}","meta":{{"versionId":"{number}","lastUpdated":"2023-11-14T22:13:20.000Z"}},"active":true{more}}}"#
        )
    };
    let line = |tx: u64, id: &str, number: u32, json: String| CopiedVersion {
        tx: Tx::new(tx),
        commit_ms: T0,
        ty: "Organization".into(),
        id: id.into(),
        number,
        content: CopiedContent::Resource(json),
    };
    let good = line(1, "001-a", 3, json("001-a", 3, ""));
    let apply = |lines: Vec<CopiedVersion>| apply_copied(&copied, PUBLIC, lines.into_iter().map(Ok), || (Tx::new(9), T0), 1);
    let cases = [
        (line(2, "001-b", 1, json("001-c", 1, "")), "another resource"),
        (line(2, "001-b", 1, json("001-b", 2, "")), "meta.versionId"),
        (line(2, "001-b", 1, json("001-b", 1, r#","secret":"x""#)), "does not show"),
        (line(2, "001-b", 1, json("001-b", 1, "").replace(r#""versionId":"1","#, "")), "together"),
        (line(2, "001-b", 1, "{".into()), "not JSON"),
        (line(2, "../b", 1, json("../b", 1, "")), "not an id"),
        (CopiedVersion { ty: "Patient".into(), content: CopiedContent::Vanished, ..line(2, "p", 1, String::new()) }, "Patient"),
    ];
    for (bad, reason) in cases {
        let more = line(2, "001-m", 1, json("001-m", 1, ""));
        let e = apply(vec![good.clone(), more, CopiedVersion { tx: Tx::new(3), ..bad }]).unwrap_err();
        assert!(matches!(e, Error::Copied { .. }) && e.to_string().contains(reason), "{e}");
        // Whether all of the transaction before it had come is not known.
        assert_eq!(copied.applied_tx(), Tx::new(1));
    }
    let mixed = vec![line(5, "001-b", 1, json("001-b", 1, "")), line(4, "001-c", 1, json("001-c", 1, ""))];
    assert!(matches!(apply(mixed), Err(Error::CopiedOutOfOrder { .. })));
    let cut = [Ok(good), Err(Error::CopiedLines("the line ends".into()))];
    assert!(matches!(apply_copied(&copied, PUBLIC, cut.into_iter(), || (Tx::new(9), T0), 1), Err(Error::CopiedLines(_))));
    assert_eq!(copied.snapshot().unwrap().current(ORGANIZATION, "001-a").unwrap().unwrap().number, 3);
    assert!(!copied.snapshot().unwrap().exists(ORGANIZATION, "001-b").unwrap());
}
