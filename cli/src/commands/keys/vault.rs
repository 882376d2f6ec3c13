//! `sotto keys vault`: boxes that members of a group open for attested machines.
//!
//! ```text
//! owner      seal ─▶ box
//! machine    request ─▶ request            request + challenges ─▶ evidence            open + answers ─▶ contents
//! member                   answer ─▶ challenge               answer + evidence ─▶ answer
//! ```
//!
//! The machine's evidence is that of a session: its fresh key is the party, the box the job, the request the run. There is
//! no channel, so the exported value is zeros: what a relay could gain is an answer that is encrypted to that key.

mod answer;
mod bound;
mod letters;
mod machine;
mod owner;
mod show;

pub(super) use show::show_piece;

use crate::{Context, args::KeysVault, exit::Outcome};

pub(super) fn run(context: &Context, command: &KeysVault) -> Outcome {
    match command {
        KeysVault::Encrypt(a) => owner::encrypt(context, a),
        KeysVault::Request(a) => machine::request(context, a),
        KeysVault::Answer(a) => answer::answer(context, a),
        KeysVault::Open(a) => machine::open(context, a),
        KeysVault::Show(a) => show::show(context, a),
    }
}
