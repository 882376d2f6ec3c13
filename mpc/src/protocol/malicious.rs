//! The two-party protocol against a peer that deviates at will (malicious security, with abort).
//!
//! ```text
//!  garbler                                        evaluator
//!  Connected ── hello ────────────────────────── Connected    program, terms, settings → session id
//!  Agreed    ── set_up: transfers both ways ──── Agreed       each has its own Δ; commitments to coin nonces
//!  Ready     ── execute ──────────────────────── Ready
//!    masked inputs       ◄── Λ = x ⊕ λ ────────────►          of the first block of each stream; later ones on demand
//!    owners' tests       ◄── κ, then X and MACs ───►          of the shares in these blocks
//!    for each chunk of L AND gates
//!      authenticated bits  ◄── corrections, check ►           random bits, each with a MAC under the peer's Δ
//!      masks                                                  first pass: λ of every wire; nothing is sent
//!      leaky products      ◄── U, s, digest ──────►           z = x∧y, test of equality
//!      buckets             ◄── coin, d, f ────────►           σ = α∧β of every AND gate
//!      tables              ─── R0, R1, b ─────────►           second pass: authenticated half gates
//!      report              ◄── Λ of gates, χ ───────          with the last chunk, Λ of outputs
//!      checks              ◄── MACs, transcript, Σ ─          (1) the garbler checks
//!                          ─── MACs, transcript, W ►          (2) the evaluator checks
//!    outputs             ◄── λ with MACs ──────────►          (3) to the parties that the terms name
//!  Finished                                      Finished     all secrets are wiped
//! ```
//!
//! The program runs twice, and both passes advance chunk by chunk (`hand_over`, `second_pass`). So memory
//! depends on the size of a chunk ([`ChunkSize`]) and on the program's live wires, not on its length.
//!
//! The formulas stand at the head of each file; `docs/GARBLING.md` derives them in one piece.
//!
//! **Guaranteed**, if one party follows the protocol: the output is that of the program on inputs of which
//! each party chose its own without knowing the other's, or the session ends with an error; and the other
//! party learns no more than its output. A deviation goes unnoticed with probability at most 2⁻⁴⁰ over all
//! attempts at a run ([`Settings::attempts`]), as far as AES is an ideal cipher and SHA-256, SHA-512 and
//! BLAKE3 are random oracles. A party that notices one closes the connection and does not say why.
//!
//! **Not guaranteed**: fairness (the last to send its output masks can withhold them); that a peer enters
//! true inputs; anything once both parties deviate; timing and memory of one's own machine (shares and labels
//! that a program's wires held stay in freed memory). The code has not been audited.
//!
//! Owners who do not compute give each compute party a share of their bits, and tests by which each compute
//! party finds out whether the other entered its share (`owners`). A caller that repeats an execution keeps
//! durably which
//! [`Milestone`]s were reached.
//!
//! **More than two parties**: [`multiparty`], which is experimental.
//!
//! Sources: Katz, Ranellucci, Rosulek, Wang 2018 (ePrint 2018/578); Wang, Ranellucci, Katz 2017 (ePrint
//! 2017/189); Yang, Wang, Zhang 2019 (ePrint 2019/1104); Roy 2022 (ePrint 2022/192).

mod agreement;
mod authenticated_bits;
mod blocks;
mod buckets;
mod checks;
mod chunk;
mod coins;
mod cost;
mod domains;
mod error;
mod evaluation;
mod exchange;
mod garbling;
mod gates;
mod hand_over;
mod in_memory;
mod inputs;
mod masks;
pub mod multiparty;
mod outputs;
mod owner_check;
mod owners;
mod party;
mod products;
mod report;
mod second_pass;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod trace;
mod two_party;

pub use agreement::Agreed;
pub use cost::SessionCost;
pub use error::{Check, SessionError};
pub use in_memory::run_in_memory;
pub use inputs::Inputs;
pub use owner_check::OwnerTests;
pub use owners::{BlockTest, Deal, Milestone, NotKept, OwnerId, block_bits, blocks};
pub use session::{
    Connected, Evaluator, EvaluatorSide, Finished, Garbler, GarblerSide, Ready, Session, Side,
};
pub use settings::{Attempts, ChunkSize, Settings};

pub use super::hello::{HelloError, Reveal, Role, RunId, Terms};
