//! Times the registry part of an import: `load REGISTRY FILES…`.
fn main() {
    let mut args = std::env::args_os().skip(1);
    let path = std::path::PathBuf::from(args.next().expect("a registry"));
    let files: Vec<_> = args.map(std::path::PathBuf::from).filter(|p| p.is_file()).collect();
    let mut registry = annuaire_store_sqlite::SqliteRegistry::open(&path).expect("open");
    let options = annuaire_exchange::Options::default();
    let start = std::time::Instant::now();
    let report = annuaire_exchange::import(&mut registry, &files, &options).expect("import");
    println!(
        "{:.2} s: {:?} {} new, {} changed, {} ended, {} unchanged",
        start.elapsed().as_secs_f64(),
        report.tx,
        report.created,
        report.changed,
        report.ended,
        report.unchanged
    );
}
