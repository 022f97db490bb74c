//! Figures of compaction: `cargo test --release -p annuaire-index figures -- --ignored --nocapture`.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::cell::Cell;
use std::time::Instant;

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, Term};

use super::common::{DICTIONARIES, param, ty};
use crate::{Error, Filter, GroupItem, Index, TxEnd};

const RESOURCES: u32 = 200_000;

fn resource(n: u32, changes: u32) -> Resource {
    let text = |number, value: String| Term::Text { param: param(number), value };
    let code = |number, system: &str, code: String| Term::Token { param: param(number), system: system.into(), code };
    let (family, given) = (n.wrapping_mul(2_654_435_761) % 60_000, n.wrapping_mul(40_503) % 4_000);
    let town = (n + changes / 3) % 9_000;
    let body = format!(
        "{{\"name\":\"Nom{family} Prénom{given}\",\"address\":\"{} rue Fictive {town}\",\"phone\":\"{:010}\",\"mail\":\"m{n}.{changes}@exemple.fr\",",
        n % 200,
        n * 7 + changes
    );
    Resource {
        ty: ty(1),
        id: format!("{n:011}"),
        before: body.into_bytes(),
        after: format!("\"codes\":[{},{},{}]}}", n % 50, n % 300, n % 1_000).into_bytes(),
        terms: vec![
            text(1, format!("Nom{family}")),
            text(2, format!("Prénom{given}")),
            text(3, format!("Nom{family} Prénom{given}")),
            text(4, format!("Ville{town}")),
            text(5, format!("{} rue Fictive {town}", n % 200)),
            code(6, "phone", format!("{:010}", n * 7 + changes)),
            code(6, "mail", format!("m{n}.{changes}@exemple.fr")),
            code(7, "national", format!("{n:011}")),
            code(8, "profession", format!("{}", n % 50)),
            code(9, "speciality", format!("{}", n % 300)),
            code(10, "qualification", format!("{}", n % 1_000)),
            code(11, "postal", format!("{town:05}")),
            Term::Reference { param: param(12), target: format!("B/{}", (n + changes) % 40_000) },
            Term::Reference { param: param(13), target: format!("C/{}", n / 2) },
            Term::Uri { param: param(14), value: "urn:fictive:profile".into() },
        ],
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

fn print_size(index: &Index, when: &str) {
    let txn = index.env.read_txn().unwrap();
    let dbs = &index.dbs;
    let mut line = format!("{when}:");
    let mut all = 0;
    for (name, db) in [
        ("rows", dbs.rows),
        ("terms", dbs.terms),
        ("sets", dbs.sets),
        ("links", dbs.links),
        ("tx", dbs.tx),
        ("closings", dbs.closings),
    ] {
        let stat = db.stat(&txn).unwrap();
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        all += pages;
        line += &format!(" {name} {} values {:.1} MiB,", stat.entries, pages as f64 / 256.0);
    }
    let file = index.env.info().last_page_number as f64 / 256.0;
    println!("{line} in use {:.1} MiB, file {file:.1} MiB", all as f64 / 256.0);
}

#[test]
#[ignore = "takes minutes; prints figures"]
fn figures_of_compaction() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 8 << 30, DICTIONARIES).unwrap();
    let (mut tx, mut changes, mut seed) = (0, vec![0; RESOURCES as usize], 1_u32);
    let mut apply = |ms: i64, transactions: &mut dyn Iterator<Item = Vec<Resource>>| {
        let mut preparer = index.preparer(Tx::new(tx), ms).unwrap();
        let items = (ms..).zip(transactions).flat_map(|(ms, resources)| {
            tx += 1;
            let (tx, preparer) = (Tx::new(tx), &mut preparer);
            let mut items: Vec<Result<GroupItem, Error>> =
                resources.into_iter().map(|r| preparer.prepare_for(r, tx, ms).map(GroupItem::Resource)).collect();
            items.push(Ok(GroupItem::End(TxEnd { tx, commit_ms: ms, ..TxEnd::default() })));
            items
        });
        index.apply_group(items, None).unwrap();
    };
    let start = Instant::now();
    apply(0, &mut std::iter::once((0..RESOURCES).map(|n| resource(n, 0)).collect()));
    println!("first load of {RESOURCES}: {:.1} s", start.elapsed().as_secs_f64());
    print_size(&index, "day one");
    let mut days = |from: i64, to: i64| {
        let start = Instant::now();
        for day in from..to {
            let mut change = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let n = (seed >> 8) % RESOURCES;
                changes[n as usize] += 1;
                resource(n, changes[n as usize])
            };
            let delivery: Vec<Resource> = (0..RESOURCES * 3 / 1_000).map(|_| change()).collect();
            let small: Vec<Vec<Resource>> = (0..100).map(|_| vec![change()]).collect();
            apply(day * 1_000, &mut std::iter::once(delivery).chain(small));
        }
        println!("days {from} to {to}: {:.1} s", start.elapsed().as_secs_f64());
    };
    let compact = |keep_since: i64| {
        let (start, last, longest) = (Instant::now(), Cell::new(Instant::now()), Cell::new(0.0_f64));
        let removable = index.removable(keep_since).unwrap();
        let estimate = start.elapsed().as_secs_f64();
        let report = index
            .compact(keep_since, &|| {
                longest.set(longest.get().max(last.get().elapsed().as_secs_f64()));
                last.set(Instant::now());
                true
            })
            .unwrap();
        println!(
            "compaction: {removable} rows foreseen in {:.1} ms, {report:?}, {:.2} s, longest step {:.1} ms",
            estimate * 1e3,
            start.elapsed().as_secs_f64(),
            longest.get() * 1e3
        );
    };
    days(1, 60);
    print_size(&index, "after 60 days");
    compact(30_000);
    print_size(&index, "compacted to 30 days");
    for n in 1..3 {
        days(45 + 15 * n, 60 + 15 * n);
        compact((30 + 15 * n) * 1_000);
        print_size(&index, "15 days more, compacted to 30");
    }
    let wide = Filter::Contains { param: param(3), value: "m1234".into() };
    for when in ["first", "again", "after a change", "again"] {
        if when == "after a change" {
            days(500, 501);
        }
        let start = Instant::now();
        let snapshot = index.snapshot().unwrap();
        let found = snapshot.search(ty(1), &wide).unwrap().len();
        println!("contains, {when}: {found} found in {:.0} µs", start.elapsed().as_secs_f64() * 1e6);
    }
    let start = Instant::now();
    let mut preparer = index.preparer(Tx::new(1_000_000), 600_000).unwrap();
    let end =
        TxEnd { tx: Tx::new(1_000_000), commit_ms: 600_000, withdrawn: vec![(ty(1), "00000000077".into())], ..TxEnd::default() };
    let one = preparer.prepare(resource(5, 9_999)).map(GroupItem::Resource);
    index.apply_group([one, Ok::<_, Error>(GroupItem::End(end))].into_iter(), None).unwrap();
    println!("withdrawal of one resource: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    compact(600_000);
    print_size(&index, "nothing closed kept");
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
}
