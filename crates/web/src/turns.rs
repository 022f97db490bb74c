//! Fair turns: who is answered at once, and who waits.

use std::sync::Arc;

use crate::gate::Gate;
use crate::lane::Lane;
use crate::shares::Shares;

/// All that decides when an answer is made: the lane of long work and the shares of the clients, with the gate whose clock
/// measures them.
#[derive(Clone)]
pub struct Turns {
    /// The gate of the server.
    pub gate: Arc<Gate>,
    /// The lane of long work, one for all doors.
    pub lane: Arc<Lane>,
    /// Work of the last seconds, by client.
    pub shares: Arc<Shares>,
}
