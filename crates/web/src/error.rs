//! Internal errors: told to the operator with their causes, never to the client.

use std::error::Error;
use std::fmt::Write;

/// The text of an error followed by its causes, the nearest first, each once.
#[must_use]
pub fn cause_chain(error: &(dyn Error + 'static)) -> String {
    let mut out = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Many errors already repeat their cause.
        if !out.ends_with(&text) {
            let _ = write!(out, ": {text}");
        }
        next = cause.source();
    }
    out
}

/// Writes one event about an internal error. `id` is the request id that the client was given, `route` a name of ours. No
/// query and no value of a parameter may stand in any of the three.
pub fn record_internal_error(id: &str, route: &str, cause: &str) {
    tracing::error!(target: "annuaire", request = id, route, cause, "internal error");
}

#[cfg(test)]
mod tests {
    use super::cause_chain;
    use std::fmt;

    #[derive(Debug)]
    struct Level(&'static str, Option<Box<Level>>);

    impl fmt::Display for Level {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Level {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|e| e as _)
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let disk = Level("no space left", None);
        let page = Level("page 7: no space left", Some(Box::new(disk)));
        assert_eq!(cause_chain(&Level("store", Some(Box::new(page)))), "store: page 7: no space left");
    }
}
