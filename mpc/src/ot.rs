//! Correlated oblivious transfer: the receiver learns one of two values, and the sender does not learn which.
//!
//! For each transfer `i` the sender gets `q_i`, and the receiver, whose choice is `x_i`, gets
//!
//! ```text
//! t_i = q_i ⊕ x_i·Δ
//! ```
//!
//! So `q_i` and `q_i ⊕ Δ` are the two labels of an input wire, and `t_i` is the active one. The sender learns
//! nothing about `x_i`, and the receiver learns nothing about `Δ`.
//!
//! 128 base transfers on ristretto255, in which the *extension sender receives* with the bits of `Δ` as
//! choices (`base`), give the sender all leaves but one of `128/k` GGM trees (`ggm`). Both stretch their
//! leaves into a vector correlation over `F_{2^k}` (`vole`). A transfer then costs `128/k` bits if the
//! receiver chooses, and one bit less if any choice will do (`extension`). `check` contains what the parties
//! do in addition against a malicious peer. With an [`Expansion`], these transfers are only the seeds of far more, for
//! a tenth of a byte and less each, under one assumption more (`ferret`).
//!
//! ```
//! use sotto_mpc::{Delta, channel::memory_pair, ot::{Receiver, Sender, SessionId}};
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! let (sid, (mut here, mut there)) = (SessionId([1; 32]), memory_pair());
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
//! # Ok::<(), sotto_mpc::ot::OtError>(())
//! ```
//!
//! Guaranteed: one set-up serves any number of calls of a session, and no stream position or hash index
//! repeats; no branch or address depends on a choice, on `Δ` or on a key; after a call has failed the session
//! refuses further calls. Against [`Adversary::Malicious`], a party gets outputs only if they are correlated;
//! a deviating peer can test guesses of bits of `Δ`, and is caught unless all guesses are right.
//!
//! Not guaranteed: anything against a deviating peer with [`Adversary::SemiHonest`]; that a sender offers the
//! right messages (a sender that spoils one message of a pair learns from an abort which was chosen, so a
//! protocol that transfers inputs must encode them); that no copy of a secret stays on the stack.
//!
//! Sources: base transfers, Canetti, Sarkar and Wang 2020 (ePrint 2020/110); extension and checks, Roy 2022,
//! SoftSpokenOT (ePrint 2022/192); expansion, Yang, Weng, Lan, Zhang, Wang 2020, Ferret (ePrint 2020/924).

mod base;
mod check;
mod extension;
mod ferret;
mod ggm;
mod oracle;
#[cfg(test)]
pub(crate) mod tests;
mod transpose;
mod vole;

pub(crate) use check::{Answer, ROWS as SACRIFICED};
pub(crate) use extension::PackedChoices;
pub use extension::{Receiver, Sender};

use crate::channel::ChannelError;

/// The public identifier of a session, which enters every hash of the set-up.
///
/// # Security
/// Both parties must use the same identifier, and no two sessions may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId(pub [u8; 32]);

/// The behaviour of the peer against which transfers are secure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adversary {
    /// The peer follows the protocol and is curious.
    #[default]
    SemiHonest = 0,
    /// The peer may deviate at will; deviations are caught before there is any output.
    Malicious = 1,
}

/// The depth `k` of a tree, which is the number of bits of `Δ` that it covers. Deeper trees need fewer bytes
/// for each transfer and more time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TreeDepth {
    /// k = 2: 8 bytes a transfer.
    #[default]
    Two = 2,
    /// k = 4: 4 bytes a transfer.
    Four = 4,
    /// k = 8: 2 bytes a transfer.
    Eight = 8,
}

impl TreeDepth {
    /// `k`.
    pub(crate) const fn bits(self) -> usize {
        self as usize
    }

    /// The number of leaves of a tree, 2^k.
    pub(crate) const fn leaves(self) -> usize {
        1 << self.bits()
    }

    /// The number of trees, 128/k.
    pub(crate) const fn trees(self) -> usize {
        128 / self.bits()
    }
}

/// Whether the transfers of the trees are expanded (*Ferret*), and with which parameters.
///
/// A round takes the outputs of 2^log k transfers, and gives t·2^depth. Larger ones take fewer bytes for each
/// transfer and more memory. All have the security of 128 bits against the attacks that are known on LPN with
/// regular noise; none was audited.
///
/// | | t | log k | depth | transfers of a round | bytes of a transfer | memory of each party |
/// |---|--:|--:|--:|--:|--:|--:|
/// | [`K16`](Self::K16) | 850 | 16 | 10 | 0.8 million | 0.36 | 3 MB |
/// | [`K17`](Self::K17) | 1170 | 17 | 11 | 2.3 million | 0.19 | 5 MB |
/// | [`K18`](Self::K18) | 1520 | 18 | 12 | 5.9 million | 0.10 | 9 MB |
/// | [`K19`](Self::K19) | 1900 | 19 | 13 | 15 million | 0.055 | 18 MB |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expansion {
    /// Not expanded: all transfers are those of the trees.
    #[default]
    None = 0,
    /// k = 2^16.
    K16 = 1,
    /// k = 2^17.
    K17 = 2,
    /// k = 2^18.
    K18 = 3,
    /// k = 2^19.
    K19 = 4,
}

/// The encoding of trees and their expansion: the depth in the low four bits, the expansion in the high ones.
pub(crate) const fn tree_code(depth: TreeDepth, expansion: Expansion) -> u8 {
    depth as u8 | (expansion as u8) << 4
}

/// The options of a session. The set-up checks that both parties choose the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The depth of the trees.
    pub depth: TreeDepth,
    /// Whether the transfers of the trees are expanded.
    pub expansion: Expansion,
    /// The behaviour of the peer against which transfers are secure.
    pub adversary: Adversary,
}

impl Options {
    /// The encoding of the options in the first message.
    pub(crate) const fn code(self) -> [u8; 2] {
        [tree_code(self.depth, self.expansion), self.adversary as u8]
    }
}

/// Why a transfer failed. The session cannot be used afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtError {
    /// The channel failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The peer sent bytes that are not a group element, or the identity.
    #[error("the peer sent an invalid curve point in the base transfers")]
    Point,
    /// The parties chose different [`Options`].
    #[error("the peer uses other options for oblivious transfer")]
    Options,
    /// A check failed. The error does not tell which one, because that could depend on a secret.
    #[error("the peer deviated from the oblivious-transfer protocol")]
    Check,
    /// The session has used all its stream positions.
    #[error("the session has used all its transfers: start a new session")]
    Exhausted,
    /// An earlier call of this session failed.
    #[error("an earlier transfer of this session failed: start a new session")]
    Spent,
}
