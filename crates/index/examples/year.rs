//! A year in the life of a store, measured: a first load, daily deliveries, small transactions, with or without compaction.
//!
//! `cargo run --release -p annuaire-index --example year -- [professionals] [days] [small transactions] [keep|compact]
//! [rounds of reads]`
//!
//! It prints, after each quarter, the size of the file and the median of several reads, then the cost of old states, of single small
//! transactions, of groups of them, and of opening the store.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a measurement reads the clock and stops at the first error")]

use std::path::Path;
use std::time::{Duration, Instant};

use annuaire_base::Tx;
use annuaire_index::{ApplyOptions, Error, Filter, GroupItem, IdOrder, Index, Row, TxEnd, Version};
use annuaire_terms::{ParamId, Presence, Resource, Term, TypeId};

const PRACTITIONER: TypeId = TypeId::new(1);
const ROLE: TypeId = TypeId::new(2);
const ORGANIZATION: TypeId = TypeId::new(3);
const IDENTIFIER: ParamId = ParamId::new(1);
const FAMILY: ParamId = ParamId::new(2);
const TOWN: ParamId = ParamId::new(3);
const PRACTITIONER_OF: ParamId = ParamId::new(4);
const ORGANIZATION_OF: ParamId = ParamId::new(5);
const PROFESSION: ParamId = ParamId::new(6);

const DAY_MS: i64 = 86_400_000;

/// Pseudo-random numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

fn syllables(mut n: u64, count: usize) -> String {
    const ALL: [&str; 16] = ["ba", "ne", "li", "ro", "du", "mar", "tin", "ver", "go", "sa", "le", "fou", "ca", "pi", "ra", "ton"];
    let mut out = String::new();
    for _ in 0..count {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.push_str(ALL[(n >> 40) as usize % ALL.len()]);
    }
    out
}

fn with_body(ty: TypeId, id: String, name: &str, content: u64, terms: Vec<Term>) -> Resource {
    let before = format!(r#"{{"resourceType":"{ty}","id":"{id}","meta":{{"profile":["https://example.org/fictional/profile"],"#);
    let filler: String =
        (0..6).map(|n| format!(r#"{{"system":"https://example.org/{n}","value":"{}"}},"#, content * 7 + n)).collect();
    let after = format!(r#"}},"name":"{name}","content":[{filler}{{}}],"active":true}}"#);
    Resource { ty, id, before: before.into(), after: after.into(), terms, foreign_stamp: None, presence: Presence::Described }
}

fn token(param: ParamId, code: String) -> Term {
    Term::Token { param, system: "https://example.org/system".into(), code }
}

/// The n-th resource: of each seven, two practitioners, four roles and an organization.
fn resource(n: u64, content: u64) -> Resource {
    let (group, place) = (n / 7, n % 7);
    let town = |n: u64| token(TOWN, format!("{:05}", (n * 7_919 + content) % 9_000));
    match place {
        0 | 1 => {
            let n = group * 2 + place;
            let family = syllables(n % 30_000, 3);
            let terms = vec![
                token(IDENTIFIER, format!("8{n:011}")),
                Term::Text { param: FAMILY, value: family.to_uppercase() },
                token(PROFESSION, format!("{}", n % 30)),
            ];
            with_body(PRACTITIONER, format!("p{n:09}"), &family, content, terms)
        }
        2..=5 => {
            let n = group * 4 + place - 2;
            let terms = vec![
                Term::Reference { param: PRACTITIONER_OF, target: format!("Practitioner/p{:09}", n / 2) },
                Term::Reference { param: ORGANIZATION_OF, target: format!("Organization/o{:09}", n / 4) },
                token(PROFESSION, format!("{}", n / 2 % 30)),
                town(n / 4),
            ];
            with_body(ROLE, format!("r{n:09}"), "", content, terms)
        }
        _ => {
            let name = format!("Cabinet {}", syllables(group % 50_000, 4));
            let terms =
                vec![token(IDENTIFIER, format!("1{group:08}")), Term::Text { param: FAMILY, value: name.clone() }, town(group)];
            with_body(ORGANIZATION, format!("o{group:09}"), &name, content, terms)
        }
    }
}

fn median(mut one: impl FnMut(u64), times: u64) -> f64 {
    let mut all: Vec<Duration> = (0..times)
        .map(|n| {
            let begun = Instant::now();
            one(n);
            begun.elapsed()
        })
        .collect();
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1e6
}

fn page(index: &Index, tx: Option<Tx>, town: u64) -> usize {
    let s = tx.map_or_else(|| index.snapshot(), |tx| index.snapshot_at(tx).map(Option::unwrap)).unwrap();
    let rows = s.search(ROLE, &Filter::Token { param: TOWN, system: None, code: Some(format!("{:05}", town % 9_000)) }).unwrap();
    let (mut reader, mut version) = (s.reader(), Version::default());
    rows.iter().take(20).map(|row| reader.read(Row::new(row), &mut version).map(|()| version.body().len()).unwrap()).sum()
}

fn reads(index: &Index, dice: &mut Dice, total: u64) -> [f64; 6] {
    let s = index.snapshot().unwrap();
    // The questions are always the same, but for a name that nobody has: no result is one that is remembered.
    let (seed, nobody) = (4_711, dice.below(1 << 60));
    let read = median(|n| drop(s.current(ROLE, &format!("r{:09}", (seed + n * 7_919) % (total / 7 * 4))).unwrap().unwrap()), 400);
    let identifier =
        |n: u64| Filter::Token { param: IDENTIFIER, system: None, code: Some(format!("8{:011}", n % (total / 7 * 2))) };
    let identifier = median(|n| assert_eq!(s.search(PRACTITIONER, &identifier(seed + n * 104_729)).unwrap().len(), 1), 400);
    let text = |n: u64| syllables((seed + n) % 30_000, 3);
    let or_nobody = |n, filter| Filter::Or(vec![filter, Filter::Ids(vec![format!("{nobody} {n}")])]);
    let name = |n| or_nobody(n, Filter::Prefix { param: FAMILY, value: text(n)[..4].into() });
    let name = median(|n| drop(s.search(PRACTITIONER, &name(n)).unwrap()), 100);
    let contains = |n| or_nobody(n, Filter::Contains { param: FAMILY, value: text(n)[1..6].into() });
    let contains = median(|n| drop(s.search(PRACTITIONER, &contains(n)).unwrap()), 60);
    let chain = |n: u64| {
        let inner = Filter::Prefix { param: FAMILY, value: text(n)[..3].into() };
        let filter = Box::new(or_nobody(n, inner));
        Filter::Chain { param: PRACTITIONER_OF, target_type: PRACTITIONER, target_name: "Practitioner".into(), filter }
    };
    let chain = median(|n| drop(s.search(ROLE, &chain(n)).unwrap()), 20);
    let live = s.search(ROLE, &Filter::All).unwrap();
    let walk = median(
        |n| {
            let after = format!("r{:09}", (seed + n * 7_919) % (total / 7 * 4));
            s.by_id(ROLE, &live, Some(&after), IdOrder::Ascending, 100).unwrap();
        },
        100,
    );
    [read, identifier, name, contains, chain, walk]
}

fn megabytes(dir: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(dir.join("data.mdb")).unwrap().blocks() as f64 * 512.0 / 1e6
}

fn report(index: &Index, dir: &Path, what: &str, dice: &mut Dice, total: u64) -> [f64; 6] {
    let all = reads(index, dice, total);
    let [read, identifier, name, contains, chain, walk] = all;
    println!(
        "{what}: tx {}, {:.0} MB; µs: read {read:.1}, identifier {identifier:.1}, name {name:.0}, contains {contains:.0}, chain {chain:.0}, walk {walk:.0}",
        index.applied_tx(),
        megabytes(dir)
    );
    all
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: u64| arguments.get(n).map_or(default, |text| text.parse().unwrap());
    let (people, days, small) = (number(0, 20_000), number(1, 365), number(2, 30_000));
    let is_compacted = arguments.get(3).is_some_and(|word| word == "compact");
    let total = people / 2 * 7;
    let dir = tempfile::tempdir_in(".").unwrap();
    let index = Index::open(dir.path(), 64 << 30, &[]).unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);

    let begun = Instant::now();
    let mut preparer = index.preparer(Tx::new(1), 0).unwrap();
    index.apply(Tx::new(1), 0, (0..total).map(|n| preparer.prepare(resource(n, 0)))).unwrap();
    println!("first load of {total} resources: {:.1} s", begun.elapsed().as_secs_f64());
    let first = report(&index, dir.path(), "day one", &mut dice, total);
    let first_mb = megabytes(dir.path());

    let mut tx = Tx::new(1);
    let (mut daily, mut grouped) = (Duration::ZERO, Duration::ZERO);
    let mut content = 1;
    for day in 1..=days {
        let ms = day as i64 * DAY_MS;
        let begun = Instant::now();
        tx = tx.next();
        content += 1;
        let changed = total * 3 / 1_000;
        let mut ids: Vec<u64> = (0..changed).map(|_| dice.below(total)).collect();
        ids.sort_unstable();
        let mut preparer = index.preparer(tx, ms).unwrap();
        let prepared = ids.iter().map(|n| preparer.prepare(resource(*n, content)));
        index.apply_with::<Error>(tx, ms, prepared, &ApplyOptions::default()).unwrap();
        daily += begun.elapsed();
        let begun = Instant::now();
        let of_day = small * day / days - small * (day - 1) / days;
        let mut items = Vec::new();
        for n in 0..of_day {
            tx = tx.next();
            content += 1;
            let commit_ms = ms + n as i64 + 1;
            for _ in 0..2 {
                let resource = resource(dice.below(total), content);
                items.push(preparer.prepare_for(resource, tx, commit_ms).map(GroupItem::Resource));
            }
            items.push(Ok(GroupItem::End(TxEnd { tx, commit_ms, ..TxEnd::default() })));
        }
        index.apply_group::<Error>(items.into_iter(), None).unwrap();
        grouped += begun.elapsed();
        if is_compacted && (day.is_multiple_of(7) || day == days) {
            index.compact(ms - 30 * DAY_MS, &|| true).unwrap();
        }
        if day.is_multiple_of((days / 4).max(1)) {
            report(&index, dir.path(), &format!("day {day}"), &mut dice, total);
        }
    }
    if days > 0 {
        println!(
            "daily delivery: {:.0} ms; small transaction in a group: {:.2} ms",
            daily.as_secs_f64() * 1e3 / days as f64,
            grouped.as_secs_f64() * 1e3 / small.max(1) as f64
        );
    }
    let last = report(&index, dir.path(), "at the end", &mut dice, total);
    let ratios: Vec<String> = first.iter().zip(&last).map(|(a, b)| format!("{:.2}", a / b)).collect();
    println!("speed against day one: {}; size × {:.2}", ratios.join(", "), megabytes(dir.path()) / first_mb);

    // For a profiler.
    for _ in 0..number(4, 0) {
        reads(&index, &mut dice, total);
    }
    let latest = median(|n| _ = std::hint::black_box(page(&index, None, n * 13)), 200);
    for age in [100, 10_000] {
        let Some(old) = tx.get().checked_sub(age).filter(|old| *old > index.retained_from().get()) else { continue };
        let begun = Instant::now();
        page(&index, Some(Tx::new(old)), 1);
        let cold = begun.elapsed().as_secs_f64() * 1e6;
        let same = median(|n| _ = std::hint::black_box(page(&index, Some(Tx::new(old)), n * 13)), 200);
        let near = median(|n| _ = std::hint::black_box(page(&index, Some(Tx::new(old - n - 1)), n * 13)), 50);
        println!(
            "page of the latest state {latest:.0} µs; {age} old: first {cold:.0}, same state {same:.0}, each another state {near:.0}"
        );
    }

    let mut singles = Vec::new();
    for n in 0..300 {
        tx = tx.next();
        let ms = (days as i64 + 1) * DAY_MS + n;
        let begun = Instant::now();
        content += 1;
        let prepared: Vec<_> = (0..2).map(|_| preparer_of(&index, tx, ms, resource(dice.below(total), content))).collect();
        index.apply_with::<Error>(tx, ms, prepared.into_iter(), &ApplyOptions::default()).unwrap();
        singles.push(begun.elapsed());
    }
    singles.sort_unstable();
    println!(
        "single small transaction: median {:.1} ms, p99 {:.1} ms",
        singles[150].as_secs_f64() * 1e3,
        singles[297].as_secs_f64() * 1e3
    );
    drop(preparer);
    drop(index);
    let begun = Instant::now();
    let index = Index::open(dir.path(), 64 << 30, &[]).unwrap();
    println!("opening: {:.1} ms, {} resources", begun.elapsed().as_secs_f64() * 1e3, index.resource_count());
}

fn preparer_of(index: &Index, tx: Tx, ms: i64, resource: Resource) -> Result<annuaire_index::Prepared, Error> {
    index.preparer(tx, ms)?.prepare(resource)
}
