//! Wrong secrets and tokens of one address are counted: the trail keeps each of them.

use crate::call::OpenCall;
use crate::door::HrDoor;
use crate::problem::{CallFault, HrProblem};

/// Refuses an address that sent too many wrong secrets and tokens.
pub(crate) fn refuse_guessing(door: &HrDoor, call: &OpenCall) -> Result<(), HrProblem> {
    let verdict = door.strangers.look(call.client, door.settings.gate.now());
    if verdict.allowed { Ok(()) } else { Err(HrProblem::from(CallFault::Rate).retry_after(verdict.reset)) }
}

/// Notes a wrong secret or token of an address.
pub(crate) fn note_guess(door: &HrDoor, call: &OpenCall) {
    door.strangers.take(call.client, door.settings.gate.now());
}
