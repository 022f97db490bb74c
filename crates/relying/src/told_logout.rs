//! What a provider tells of a logout.

/// Whom a provider logged out: a session, a person in all sessions, or one session of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct ToldLogout {
    /// The person at this provider (`sub`).
    pub subject: Option<String>,
    /// The session at this provider (`sid`).
    pub session: Option<String>,
}
