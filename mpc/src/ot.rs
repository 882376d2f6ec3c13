//! Oblivious transfer: the receiver learns one of two values, the sender does not learn which.
//!
//! What the garbler needs is the correlated form. For each transfer `i` the sender holds `q_i`, the
//! receiver its choice `x_i` and `t_i`, and
//!
//! ```text
//! t_i = q_i ⊕ x_i·Δ
//! ```
//!
//! so `q_i` and `q_i ⊕ Δ` are the two labels of an input wire, and `t_i` is the active one. The sender
//! knows nothing of `x_i`; the receiver knows nothing of `Δ`.
//!
//! How: 128 base transfers on ristretto255, in which the *extension sender receives* with the bits of
//! `Δ` as choices (`base`); they open all leaves but one of `128/k` GGM trees (`ggm`); the leaves are
//! stretched into a vector correlation over `F_{2^k}` (`vole`), at `128/k` bits a transfer if the choice is
//! given and one less if any choice will do (`extension`). What both parties do beyond that against a peer
//! that deviates is in `check`.
//!
//! ```
//! use mpc::{Delta, channel::memory_pair, ot::{Receiver, Sender, Sid}};
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! let (sid, (mut here, mut there)) = (Sid([1; 32]), memory_pair());
//! let garbler = std::thread::spawn(move || {
//!     let mut rng = ChaCha20Rng::from_seed([1; 32]);
//!     let delta = Delta::random(&mut rng);
//!     Sender::setup(&mut here, &sid, &delta, &mut rng)?.send_correlated(&mut here, 3)
//! });
//! let mut rng = ChaCha20Rng::from_seed([2; 32]);
//! let mut receiver = Receiver::setup(&mut there, &sid, &mut rng)?;
//! let t = receiver.receive_correlated(&mut there, &[false, true, false])?;
//! let q = garbler.join().unwrap()?;
//! assert!(t[0] == q[0] && t[1] != q[1] && t[2] == q[2]);
//! # Ok::<(), mpc::ot::OtError>(())
//! ```
//!
//! Guaranteed: a set-up serves any number of calls of one session, and no stream position or hash
//! index repeats; no branch or address depends on a choice, on `Δ` or on a key; a call that failed
//! leaves the session unusable. Against [`Adversary::Malicious`]: outputs are given only if they are
//! correlated; a peer that deviates may test guesses of bits of `Δ`, and is caught unless all are right.
//!
//! Not guaranteed: anything about a peer that deviates if [`Adversary::SemiHonest`] was chosen; that a sender
//! offers the right messages (one that spoils a message of a pair learns from an abort which was chosen:
//! whoever uses transfers for inputs must encode these); what is left of secrets on the stack.
//!
//! Sources: base transfers, Canetti, Sarkar and Wang 2020 (ePrint 2020/110); extension and checks,
//! Roy 2022, SoftSpokenOT (ePrint 2022/192).

mod base;
mod check;
mod extension;
mod ggm;
mod oracle;
#[cfg(test)]
mod tests;
mod transpose;
mod vole;

pub use extension::{Receiver, Sender};

use crate::channel::ChannelError;

/// The session's name: both parties must hold the same, and no other session may have it.
///
/// Public; it enters every hash of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sid(pub [u8; 32]);

/// What the other party is trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adversary {
    /// It follows the protocol and is curious.
    #[default]
    SemiHonest = 0,
    /// It does what it likes; deviating is caught before any output is given.
    Malicious = 1,
}

/// How many bits of `Δ` one tree covers: more cost fewer bytes a transfer and more time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slice {
    /// k = 2: 8 bytes a transfer.
    #[default]
    Two = 2,
    /// k = 4: 4 bytes a transfer.
    Four = 4,
    /// k = 8: 2 bytes a transfer.
    Eight = 8,
}

impl Slice {
    /// k.
    pub(crate) const fn bits(self) -> usize {
        self as usize
    }

    /// Leaves of a tree, 2^k.
    pub(crate) const fn leaves(self) -> usize {
        1 << self.bits()
    }

    /// Trees, 128/k.
    pub(crate) const fn trees(self) -> usize {
        128 / self.bits()
    }
}

/// What both parties must choose alike; the set-up compares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Bits of `Δ` a tree.
    pub slice: Slice,
    /// The peer that is withstood.
    pub adversary: Adversary,
}

impl Options {
    /// The two bytes that stand for the options in the first message.
    pub(crate) const fn code(self) -> [u8; 2] {
        [self.slice as u8, self.adversary as u8]
    }
}

/// Why a transfer failed. The session is of no use afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtError {
    /// The channel failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The peer sent bytes that are no group element, or the identity.
    #[error("the peer sent no usable curve point in the base transfers")]
    Point,
    /// The parties chose different [`Options`].
    #[error("the peer's options for oblivious transfer differ from ours")]
    Options,
    /// A check failed; which one is not told, for that could depend on a secret.
    #[error("the peer deviated from the oblivious-transfer protocol")]
    Check,
    /// More transfers than one session has stream positions.
    #[error("the session's transfers are used up")]
    Exhausted,
    /// An earlier call of this session failed.
    #[error("an earlier transfer failed, start a new session")]
    Spent,
}
