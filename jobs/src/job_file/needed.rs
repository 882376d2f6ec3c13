//! The hint for a job file that states too few gates.

use crate::job::MAX_AND_GATES;
use crate::multiparty::{Functionality, TooLarge, limit_for};
use crate::program::{Computation, PinError};

/// Most gates that are counted to say how many a job needs: less than a second.
const MAX_COUNTED: u64 = 1 << 26;

/// How many gates a program needs that has more than its job allows: as many as suffice.
pub(super) fn needed(program: &Computation, e: &PinError) -> String {
    match e {
        PinError::TooLarge(TooLarge::Gates(_)) => {}
        PinError::TooLarge(TooLarge::FreeGates(free)) => {
            let suffice = at_most(program).map(|gates| gates.max(limit_for(*free)));
            return suffice.map_or_else(String::new, |gates| format!("; {gates} suffice"));
        }
        PinError::TooLarge(TooLarge::Inputs(_)) | PinError::Text(_) => return String::new(),
    }
    let most = match program.gate_stream(MAX_COUNTED) {
        Ok((_, cost)) => return format!(": it has {}; raise `and_gates`, or compute less", cost.and_gates),
        Err(_) => at_most(program)
            .map_or_else(|| format!("more than {MAX_COUNTED}"), |gates| format!("at most {gates}")),
    };
    format!(": it has {most}; raise `and_gates`, at most to {MAX_AND_GATES}, or compute less")
}

/// A bound of the gates of a source, which suffices: its own, those that check the ranges of inputs, two for each bit
/// or fewer, and those that keep outputs back if one of them is not within its range.
fn at_most(program: &Computation) -> Option<u64> {
    let declaration = program.declaration();
    let parties = 0..declaration.parties().len();
    let inputs = parties.fold(0usize, |bits, party| bits.saturating_add(declaration.input_bits(party)));
    let checks = inputs.saturating_mul(2).saturating_add(declaration.output_bits());
    Some(program.gates_of_source()?.saturating_add(checks as u64))
}
