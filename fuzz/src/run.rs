//! The runner on stable Rust: seeds, then a bounded number of inputs derived from them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use crate::mutate::mutate;
use crate::targets::{FuzzTarget, TARGETS};
use annuaire_testkit::Dice;

/// Time that one input may take. A reader that needs more is taken for an endless loop.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs the target `name` on its seeds, then on `inputs` inputs derived from them. Returns how many inputs there were.
///
/// # Errors
/// When the target is unknown or has no seeds, and when an input panics or does not end: the error shows that input.
pub fn run(name: &str, inputs: usize) -> Result<usize, String> {
    let (_, target) = TARGETS.iter().find(|t| t.0 == name).ok_or_else(|| format!("no target {name}"))?;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> =
        std::fs::read_dir(&dir).and_then(Iterator::collect::<Result<_, _>>).map_err(|e| format!("{}: {e}", dir.display()))?;
    paths.sort_by_key(std::fs::DirEntry::file_name);
    let seeds: Vec<Vec<u8>> =
        paths.iter().map(|p| std::fs::read(p.path())).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    if seeds.is_empty() {
        return Err(format!("{}: no seeds", dir.display()));
    }
    let mut dice = Dice::new(name.len() as u64, 0, 0);
    let mutated = (0..inputs).map(|_| mutate(&seeds, &mut dice)).collect::<Vec<_>>();
    let all: Vec<Vec<u8>> = seeds.into_iter().chain(mutated).collect();
    let count = all.len();
    run_with_timeout(*target, all, LONGEST)?;
    Ok(count)
}

/// Runs the inputs in a thread of their own, so that an endless one is noticed.
fn run_with_timeout(target: FuzzTarget, inputs: Vec<Vec<u8>>, longest: Duration) -> Result<(), String> {
    let (done, each_done) = mpsc::channel();
    let current = Arc::new(Mutex::new(Vec::new()));
    let shown = |why: &str| {
        let input = current.lock().unwrap_or_else(PoisonError::into_inner).escape_ascii().to_string();
        format!("{why} on this input: \"{input}\"")
    };
    let worker = std::thread::spawn({
        let current = Arc::clone(&current);
        move || {
            for input in inputs {
                current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&input);
                target(&input);
                if done.send(()).is_err() {
                    return;
                }
            }
        }
    });
    loop {
        match each_done.recv_timeout(longest) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => return Err(shown("no end")),
            Err(mpsc::RecvTimeoutError::Disconnected) => return worker.join().map_err(|_| shown("a panic")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_input() {
        let inputs = || vec![b"good".to_vec(), b"b\xe9d".to_vec(), b"never".to_vec()];
        let panics = run_with_timeout(|data| assert!(data[0] != b'b'), inputs(), LONGEST);
        assert_eq!(panics, Err("a panic on this input: \"b\\xe9d\"".to_owned()));
        let hangs = |data: &[u8]| {
            if data[0] == b'b' {
                std::thread::sleep(Duration::from_secs(60));
            }
        };
        assert_eq!(
            run_with_timeout(hangs, inputs(), Duration::from_millis(300)),
            Err("no end on this input: \"b\\xe9d\"".to_owned())
        );
        assert_eq!(run_with_timeout(|_| (), inputs(), LONGEST), Ok(()));
        assert!(run("nothing", 1).is_err());
    }

    #[test]
    fn inputs_are_many_and_the_same_each_time() {
        let made = || -> Vec<Vec<u8>> {
            let mut dice = Dice::new(3, 0, 0);
            (0..1_000).map(|_| mutate(&[b"2022-01-01".to_vec(), b"name=a".to_vec()], &mut dice)).collect()
        };
        assert_eq!(made(), made());
        // Seeds as short as these are often cut to equal inputs.
        let different = made().into_iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(different > 600, "{different}");
    }

    /// A good resource is accepted, so that a target that refuses everything does not count as success.
    #[test]
    fn a_good_resource_is_read_back() {
        let world = crate::fuzz_world::FuzzWorld::empty();
        let resource = r#"{"resourceType":"Organization","id":"x-1","active":true,"name":"ESSAI"}"#;
        assert!(world.deliver("feed.ndjson", resource.as_bytes()));
        assert!(!world.deliver("feed.ndjson", b"{"));
    }
}
