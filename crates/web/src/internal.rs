//! Internal errors: the operator's log gets their causes, the client never does.

use std::error::Error;
use std::fmt::Write;

/// The text of an error and of its causes, the nearest first. A cause that the text before it already ends with is left out.
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

/// Writes one event about an internal error. `id` is the request id that the client got, `route` the name of the route. None of
/// the three may contain a query or the value of a parameter.
pub fn record_internal_error(id: &str, route: &str, cause: &str) {
    tracing::error!(target: "annuaire", request = id, route, cause, "internal error");
}

#[cfg(test)]
mod tests {
    use super::cause_chain;
    use std::fmt;

    #[derive(Debug)]
    struct NestedError(&'static str, Option<Box<NestedError>>);

    impl fmt::Display for NestedError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for NestedError {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|e| e as _)
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let disk = NestedError("no space left", None);
        let page = NestedError("page 7: no space left", Some(Box::new(disk)));
        assert_eq!(cause_chain(&NestedError("store", Some(Box::new(page)))), "store: page 7: no space left");
    }
}
