//! Trains the compression dictionaries on a publication store.

use annuaire_fhir::{dictionary, schema::TYPES};
use annuaire_index::{Filter, Index, Row};
use annuaire_terms::TypeId;
use std::error::Error;
use std::path::Path;

/// Bytes of a dictionary. Sixty-four KiB would save two per cent more, and would not fit in the first-level cache.
const SIZE: usize = 32 << 10;
/// Resources that a dictionary is trained on, taken evenly.
const SAMPLES: usize = 8_000;
/// With fewer resources a dictionary would not help: the type gets none.
const LEAST: u64 = 50;

/// Writes `into/TYPE.zdict` for each type of the public store of a data directory.
pub fn build(data: &Path, into: &Path) -> Result<(), Box<dyn Error>> {
    let index = Index::open(&data.join("public"), 64 << 30, dictionary::ALL)?;
    let snapshot = index.snapshot()?;
    for (number, name) in (0_u8..).map(TypeId::new).zip(TYPES).take(annuaire_fhir::schema::PUBLIC_TYPES) {
        let rows = snapshot.search(number, &Filter::All)?;
        if rows.len() < LEAST {
            println!("{name}: {} resources, left as it is", rows.len());
            continue;
        }
        let step = usize::try_from(rows.len())?.div_ceil(SAMPLES).max(1);
        let samples = rows
            .iter()
            .step_by(step)
            .map(|row| Ok(snapshot.read(Row::new(row))?.body().to_vec()))
            .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        let dictionary = zstd::dict::from_samples(&samples, SIZE)?;
        println!("{name}: {} samples, {} bytes", samples.len(), dictionary.len());
        std::fs::write(into.join(format!("{name}.zdict")), dictionary)?;
    }
    Ok(())
}
