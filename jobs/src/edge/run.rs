//! A party's part in a run, over pinned channels: what `sotto mpc run` does, without its terminal.
//!
//! ```text
//! input party, result party     deliver to both compute parties ─► collect from both until there is something ─► confirm
//! compute parties           answer the others · evaluator calls garbler · attempts until both signed ─► serve until all have theirs
//! ```
//!
//! Each party waits for the others until the job's deadline. After a crash it continues where it was; see
//! [`run_state`](crate::run_state) for what survives. Nothing begins after the job's expiry, and a
//! computation that takes longer than the job's limit ends. What was finished in time can be collected later.
//!
//! Where the job asks for evidence, it is shown and judged on each connection before the first secret byte leaves on it
//! ([`session_evidence`](crate::session_evidence)), and an input party delivers only after it has judged both compute
//! parties.
//!
//! Where outputs are sold, buyer and payees leave letters for each other with the compute parties ([`Post`]), a payee brings its
//! input only when the money is there, and both are done when the sale is settled ([`Trade`]).
//!
//! Guaranteed: no byte that depends on an input leaves before [`Setup::debit`] has returned, and once another
//! party has learned of an input, the run has no other input. Not guaranteed: that a run ends if others stay
//! away longer than the deadline; then an error names them.

mod client;
mod compute_party;
mod connection;
mod error;
mod garbling;
mod letters;
mod link_probe;
mod listener;
mod mailbox;
mod meeting;
mod progress;
mod routes;
mod server;
mod setup;
mod trade;

pub use error::RunError;
pub use garbling::{UNMEASURED_GATES, fastest_scheme, garbling_rates};
pub use link_probe::{LinkSpeed, probe};
pub use routes::Routes;
pub use setup::{Setup, Stage};
pub use trade::{Post, Progress, Trade};

pub use crate::collect::Outcome;

use rand_core::{CryptoRng, RngCore};

use crate::attempt::Executable;
use crate::storage::{Storage, claim};
use crate::verify_program::verify_declaration;

/// Takes part in a run, to its end.
///
/// # Errors
/// [`RunError`]; whatever was kept is still there, and the run can be taken up again.
pub fn take_part<P: Executable>(
    setup: &Setup<'_, P>,
    storage: &mut (impl Storage + Send),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Outcome, RunError> {
    verify_declaration(setup.job(), setup.program)?;
    if setup.job().sale.as_ref().is_some_and(|sale| sale.has_part(setup.us)) && setup.trade.is_none() {
        return Err(RunError::Sale);
    }
    if !setup.job().attestation.is_none() {
        setup.means()?;
    }
    if !claim(storage, setup.run)? {
        return Err(RunError::OtherStorage);
    }
    let own = setup.prepare(storage, rng)?;
    if setup.job().computes(setup.us) {
        compute_party::run(setup, own, storage, rng)
    } else {
        client::run(setup, own, storage)
    }
}
