//! The hint for a job file that states too few gates.

use crate::job::MAX_AND_GATES;
use crate::multiparty::{Functionality, TooLarge};
use crate::program::{Computation, PinError};

/// Most gates that are counted to say how many a job needs: less than a second.
const MAX_COUNTED: u64 = 1 << 26;

/// How many gates a program needs that has more than its job allows.
pub(super) fn needed(program: &Computation, e: &PinError) -> String {
    if !matches!(e, PinError::TooLarge(TooLarge::Gates(_))) {
        return String::new();
    }
    if let Some(gates) = program.gates_of_source() {
        return format!(
            ": it has about {gates}; raise `and_gates`, at most to {MAX_AND_GATES}, or compute less"
        );
    }
    match program.gate_stream(MAX_COUNTED) {
        Ok((_, cost)) => format!(": it has {}; raise `and_gates`, or compute less", cost.and_gates),
        Err(_) => format!(
            ": it has more than {MAX_COUNTED}; raise `and_gates`, at most to {MAX_AND_GATES}, or compute less"
        ),
    }
}
