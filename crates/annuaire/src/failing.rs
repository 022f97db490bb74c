//! What a loop tells the operator.

/// Tells the operator of a failure once, and of its end.
#[derive(Default)]
pub(crate) struct Failing(Option<String>);

impl Failing {
    /// Notes the outcome of a round: `failure` is absent when it went well.
    pub(crate) fn note(&mut self, what: &str, failure: Option<String>) {
        if self.0 == failure {
            return;
        }
        match &failure {
            Some(why) => eprintln!("{what} waits: {why}"),
            None => eprintln!("{what} goes on"),
        }
        self.0 = failure;
    }
}
