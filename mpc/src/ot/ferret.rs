//! Ferret: many transfers from few, by a code (LPN) and trees with one punctured leaf each.
//!
//! A round takes k + t·h transfers (`t_i = q_i ⊕ x_i·Δ`, x random) and gives t·2^h:
//!
//! ```text
//! the first k          s_i at the sender, s_i ⊕ x_i·Δ at the receiver: the seeds of the code
//! the next t·h         one for each level of t trees of depth h: they decide where the receiver's leaf is punctured
//! leaves               v_j, and w_j = v_j ⊕ u_j·Δ, where u has a single one in each tree
//! outputs              q_j = v_j ⊕ Σ s_i,  t_j = w_j ⊕ Σ (s_i ⊕ x_i·Δ),  over ten i of the code:  t_j = q_j ⊕ x'_j·Δ
//! ```
//!
//! `x' = A·x ⊕ u` is LPN with regular noise: it looks random to the sender, who knows A. The last outputs of a round
//! are what the next one takes; the first round takes those of the trees of the extension, and has the smallest
//! parameters, since its outputs are enough for any other.
//!
//! ```text
//! sender ──►    S [16], then for each tree: for each level M_0 [16] ‖ M_1 [16];  ψ [16]        M_b = K_b ⊕ H(q ⊕ b·Δ, S ⊕ number)
//! ◄── receiver  malicious: seed of R [16] ‖ d [8]                                               d = R·u ⊕ x of 64 transfers
//! sender ──►    malicious: hash of R·v ⊕ q ⊕ d·Δ [32]                                           compared with that of R·w ⊕ t
//! ```
//!
//! The receiver takes M_b with b = x of the level's transfer, and its path goes to the other side. **Bit 0** of Δ
//! counts as 1, that of q is 0, and so that of t is x: the choices need no room. Who uses another bit 0 of Δ sets
//! that of the outputs.
//!
//! **Memory** does not grow with the number of transfers, nor with n = t·2^h: of a tree, its root (the sender) or the
//! h + 1 blocks that it received (the receiver) are kept, and its leaves grow again when its outputs are due.
//!
//! Guaranteed against a malicious sender: a wrong M or ψ is noticed before any output is used, except that a wrong M_b
//! goes unnoticed where the receiver's path is on side b. So a sender that guesses c bits of paths is caught but for
//! 2^−c, as the functionality of the paper allows, plus 2^−64. Against a malicious receiver: the hash tells it nothing
//! that it does not know, unless it guesses Δ. No address or branch depends on Δ, on a choice or on a path.
//!
//! Not guaranteed: anything if LPN with these parameters is easy; it is an assumption beyond those of the other
//! transfers.
//!
//! Source: Yang, Weng, Lan, Zhang, Wang, *Ferret* (ePrint 2020/924): figures 6 and 7, all trees in one check, here with
//! the matrix R of `check` in place of an inner product over GF(2^128). The choice bits of transfers are random and
//! serve as paths, so the message that would correct them is left out.

mod code;
mod parameters;
mod receiver;
mod sender;
mod tree;

pub(super) use receiver::Receiving;
pub(super) use sender::Sending;

use zeroize::Zeroizing;

use super::check::ROWS;
use super::{Adversary, OtError, SessionId};
use crate::block::Block;
use crate::channel::Channel;
use code::Code;
use parameters::{FIRST, Parameters};
use tree::{Leaves, Permutations, TreeKeys};

/// What one end does in a round: the sender, or the receiver.
pub(super) trait End {
    /// Exchanges the messages of a round over the transfers of its levels and, against a malicious peer, those that
    /// its check sacrifices.
    ///
    /// # Errors
    /// If the channel fails or the peer is caught deviating.
    fn exchange(
        &mut self,
        channel: &mut impl Channel,
        round: &Round<'_>,
        transfers: Transfers<'_>,
    ) -> Result<(), OtError>;

    /// Grows a tree of the round that was exchanged last.
    fn grow(&self, keys: &Permutations, tree: usize, leaves: &mut Leaves);
}

/// A round that is exchanged.
pub(super) struct Round<'a> {
    sid: &'a SessionId,
    keys: &'a TreeKeys,
    number: u64,
    parameters: Parameters,
}

/// The transfers that a round takes besides the seeds of the code.
#[derive(Clone, Copy)]
pub(super) struct Transfers<'a> {
    levels: &'a [Block],
    /// Empty unless the peer may be malicious.
    sacrificed: &'a [Block],
}

/// One end of the expansion, for any number of transfers of one session.
pub(super) struct Ferret<E> {
    sid: SessionId,
    code: Code,
    keys: TreeKeys,
    /// Those of all rounds but the first.
    parameters: Parameters,
    /// The transfers that the check of a round sacrifices.
    sacrificed: usize,
    end: E,
    /// The number of rounds begun.
    rounds: u64,
    outputs: Outputs,
}

/// The outputs of the round at hand.
struct Outputs {
    parameters: Parameters,
    seeds: Zeroizing<Vec<Block>>,
    /// The leaves of the tree at hand, to which their seeds are added.
    leaves: Leaves,
    /// How many were given out.
    given: usize,
}

impl Outputs {
    /// Those of a round with these seeds.
    fn new(parameters: Parameters, seeds: Zeroizing<Vec<Block>>) -> Self {
        Self { parameters, seeds, leaves: Leaves::new(parameters.depth), given: 0 }
    }

    fn left(&self) -> usize {
        self.parameters.outputs() - self.given
    }
}

impl<E: End> Ferret<E> {
    pub(super) fn new(sid: &SessionId, parameters: Parameters, adversary: Adversary, end: E) -> Self {
        let sacrificed = if adversary == Adversary::Malicious { ROWS } else { 0 };
        let none = Parameters { trees: 0, ..FIRST };
        Self {
            sid: *sid,
            code: Code::new(sid),
            keys: TreeKeys::new(sid),
            parameters,
            sacrificed,
            end,
            rounds: 0,
            outputs: Outputs::new(none, Zeroizing::default()),
        }
    }

    /// What this end keeps.
    pub(super) const fn end(&self) -> &E {
        &self.end
    }

    /// How many transfers of the trees of the extension [`begin`](Self::begin) takes; none if it has begun.
    pub(super) fn first(&self) -> usize {
        if self.rounds == 0 { FIRST.taken(self.sacrificed) } else { 0 }
    }

    /// Performs the first round, over transfers of the trees of the extension, whose lowest bits are set as said above.
    ///
    /// # Errors
    /// If the channel fails or the peer is caught deviating.
    pub(super) fn begin(
        &mut self,
        channel: &mut impl Channel,
        transfers: Zeroizing<Vec<Block>>,
    ) -> Result<(), OtError> {
        self.round(channel, FIRST, transfers)
    }

    /// Fills `into` with the next outputs.
    ///
    /// # Errors
    /// If the channel fails or the peer is caught deviating.
    pub(super) fn fill(&mut self, channel: &mut impl Channel, into: &mut [Block]) -> Result<(), OtError> {
        let (keep, mut rest) = (self.parameters.taken(self.sacrificed), into);
        while !rest.is_empty() {
            let n = self.outputs.left().saturating_sub(keep).min(rest.len());
            let (now, later) = rest.split_at_mut(n);
            self.take(now);
            rest = later;
            if !rest.is_empty() {
                let mut transfers = Zeroizing::new(vec![Block::ZERO; keep]);
                self.take(&mut transfers);
                self.round(channel, self.parameters, transfers)?;
            }
        }
        Ok(())
    }

    fn round(
        &mut self,
        channel: &mut impl Channel,
        parameters: Parameters,
        mut transfers: Zeroizing<Vec<Block>>,
    ) -> Result<(), OtError> {
        if transfers.len() != parameters.taken(self.sacrificed) {
            return Err(OtError::Exhausted);
        }
        let rest = Zeroizing::new(transfers.split_off(parameters.seed()));
        let (levels, sacrificed) = rest.split_at(parameters.levels());
        let round = Round { sid: &self.sid, keys: &self.keys, number: self.rounds, parameters };
        self.end.exchange(channel, &round, Transfers { levels, sacrificed })?;
        self.outputs = Outputs::new(parameters, transfers);
        self.rounds += 1;
        Ok(())
    }

    /// The next outputs, of which there are enough.
    fn take(&mut self, mut into: &mut [Block]) {
        let Outputs { parameters, seeds, leaves, given } = &mut self.outputs;
        let round = self.rounds.saturating_sub(1);
        while !into.is_empty() {
            let (tree, at) = (*given / parameters.leaves(), *given % parameters.leaves());
            if at == 0 {
                self.end.grow(&self.keys.of(round, tree), tree, leaves);
                self.code.add(round, *given, seeds, leaves.get_mut());
            }
            let n = into.len().min(parameters.leaves() - at);
            let (now, later) = into.split_at_mut(n);
            now.copy_from_slice(&leaves.get()[at..at + n]);
            (into, *given) = (later, *given + n);
        }
    }
}
