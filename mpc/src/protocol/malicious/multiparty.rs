//! **Experimental.** The protocol of n parties, 3 to 8, of whom all but one may deviate at will.
//!
//! ```text
//!  all parties, over channels between each two
//!  Connected ── hello ──────  Agreed    program, plan, settings → session id
//!  Agreed    ── set_up ─────  Ready     transfers between each two, both ways; commitments to coin nonces
//!  Ready     ── execute
//!    masked inputs        Λ = x ⊕ λ, broadcast                of the first block of each stream; later ones on demand
//!    owners' tests        κ, then X and MACs, between each two   of the shares in these blocks
//!    for each chunk of L AND gates
//!      authenticated bits   corrections to each, coin, R·x broadcast, R·t to each: same bits towards all
//!      masks                first pass: λ of every wire; nothing is sent
//!      leaky products       U to each, s broadcast, coin, zero test
//!      buckets              coin, d and f to each               σ = α∧β of every AND gate
//!      tables               garblers P_2 … P_n to the evaluator P_1
//!      report               P_1 broadcasts Λ of gates, χ; with the last chunk, Λ of outputs
//!      checks               (1) P_1 to each garbler, and garblers to each other: MACs, transcript; Σ of P_1
//!                           (2) garblers to P_1: MACs, transcript, W under pads that add up to zero
//!    outputs                (3) λ with MACs to each learner
//!  Finished                   all secrets are wiped
//! ```
//!
//! Two parties use [`malicious`](super::super::malicious); this module does towards each peer what two parties do,
//! with the same code, and adds what more parties need: messages that are the same to all (`links`), bits that
//! are the same towards all (`party`), a zero test that hides a sum of Δ (`products`), rows for the Δ of every
//! garbler (`garbling`), pads of W. The formulas stand at the head of each file; `docs/GARBLING.md` derives them.
//!
//! **Aimed at**, if one party follows the protocol: as between two parties; a deviation goes unnoticed with
//! probability at most 2⁻⁴⁰ over all attempts at a run. **Not proven**: the zero test is our own, and that it
//! and the compared records compose with the rest is argued in `docs/GARBLING.md`, not proven. So every caller
//! writes [`Experimental`].
//!
//! Owners who do not compute give each party a share of their bits, and tests by which each finds out whether all
//! others entered theirs (`owners`). A receiver who does not compute is the owner of one more input: a pad, under
//! which its outputs are opened to all parties. A caller that repeats an execution keeps durably which
//! [`Milestone`](super::Milestone)s were reached.
//!
//! **Not here**: who signs what was opened; jobs do that. A session that fails says why to its own party and closes
//! its connections; it tells the others nothing.
//!
//! Sources: Wang, Ranellucci, Katz 2017 (ePrint 2017/189), section 5; Katz, Ranellucci, Rosulek, Wang 2018
//! (ePrint 2018/578); Yang, Wang, Zhang 2019 (ePrint 2019/1104); Roy 2022 (ePrint 2022/192).

mod agreement;
mod coins;
mod evaluation;
mod garbling;
mod in_memory;
mod inputs;
mod links;
mod machine;
mod openings;
mod owners;
mod party;
mod peer_chunks;
mod plan;
mod products;
mod session;
mod tables;
#[cfg(test)]
mod tests;

pub use agreement::Agreed;
pub use in_memory::{memory_mesh, run_in_memory};
pub use plan::{Experimental, HeldBy, Parties, Place, Plan, PlanError};
pub use session::{Connected, Finished, Ready, Session};

pub use super::settings::{Attempts, ChunkSize, Settings};
