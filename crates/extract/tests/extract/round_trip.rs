//! What is extracted and imported into an empty registry is what was known, but for what the files cannot carry.

use crate::common::{World, files_of};
use annuaire_consolidate::Perimeter;
use annuaire_extract::ExtractOptions;

#[test]
fn look() {
    let world = World::of_nation(300);
    let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    let again = World::new();
    let imported = again.import(&files_of(&dir));
    println!("{:?} {:?} {:?}", imported.warnings, imported.missing, imported.quarantined);
    let (a, b) = (world.entities(Perimeter::Public), again.entities(Perimeter::Public));
    let mut n = 0;
    for (key, one) in &a {
        let two = b.get(key);
        let p = |e: Option<&annuaire_consolidate::ConsolidatedEntity>| {
            e.map(|e| format!("{:?}", (&e.professional, &e.structure, &e.activities, &e.cards, &e.mailboxes)))
        };
        if p(Some(one)) != p(two) && n < 12 && !key.starts_with("AC:") {
            n += 1;
            println!("--- {key}\n{:?}\n{:?}", p(Some(one)), p(two));
        }
    }
    println!("{} {}", a.len(), b.len());
}
