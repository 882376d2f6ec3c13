//! The sender's part of a round: it has Δ, and grows whole trees.

use zeroize::Zeroizing;

use super::super::OtError;
use super::super::check::Matrix;
use super::super::ggm::expand;
use super::super::oracle::{EXPANDED, oracle32};
use super::tree::{Leaves, Permutations};
use super::{End, Round, Transfers};
use crate::block::Block;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;

/// What the sender has of the round at hand.
pub(in super::super) struct Sending {
    /// Δ with bit 0 set.
    delta: Zeroizing<Block>,
    /// The state from which roots and hash keys are derived.
    draw: Zeroizing<Block>,
    roots: Zeroizing<Vec<Block>>,
}

impl Sending {
    /// A sender whose roots follow from `draw`.
    pub(in super::super) fn new(delta: Block, draw: Block) -> Self {
        let delta = Zeroizing::new(delta.with_lsb(true));
        Self { delta, draw: Zeroizing::new(draw), roots: Zeroizing::default() }
    }

    /// Δ with bit 0 set.
    pub(in super::super) fn delta(&self) -> &Block {
        &self.delta
    }

    /// A block that the peer cannot predict.
    fn fresh(&mut self) -> Block {
        let [next, fresh] = expand(*self.draw);
        *self.draw = next;
        fresh
    }

    /// Answers the receiver's challenge about the leaves.
    fn prove(
        &self,
        channel: &mut impl Channel,
        round: &Round<'_>,
        sacrificed: &[Block],
    ) -> Result<(), OtError> {
        let (mut seed, mut d) = ([0; Block::BYTES], [0; 8]);
        channel.receive(Phase::OtExtension, &mut seed)?;
        channel.receive(Phase::OtExtension, &mut d)?;
        let (matrix, d) = (Matrix::new(Block::from_bytes(seed)), u64::from_le_bytes(d));
        let (mut product, mut leaves) = (matrix.begin(), Leaves::new(round.parameters.depth));
        for tree in 0..round.parameters.trees {
            self.grow(&round.keys.of(round.number, tree), tree, &mut leaves);
            product.add(leaves.get());
        }
        let mut rows = Zeroizing::new(product.total(sacrificed));
        for (i, row) in rows.iter_mut().enumerate() {
            *row ^= self.delta.masked(d >> i & 1 == 1);
        }
        channel.send(Phase::OtExtension, &*round.digest(&rows))?;
        Ok(channel.flush()?)
    }
}

impl Round<'_> {
    /// The hash of R·v ⊕ q ⊕ d·Δ or of R·w ⊕ t.
    pub(super) fn digest(&self, rows: &[Block]) -> Zeroizing<[u8; 32]> {
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(rows.iter().flat_map(|row| row.to_bytes()).collect());
        oracle32(EXPANDED, self.sid, self.number, [&bytes[..]])
    }
}

impl End for Sending {
    fn exchange(
        &mut self,
        channel: &mut impl Channel,
        round: &Round<'_>,
        transfers: Transfers<'_>,
    ) -> Result<(), OtError> {
        let parameters = round.parameters;
        let s = self.fresh();
        channel.send(Phase::OtExtension, &s.to_bytes())?;
        let (key, mut leaves) = (HashKey::new(s), Leaves::new(parameters.depth));
        self.roots = Zeroizing::new((0..parameters.trees).map(|_| self.fresh()).collect());
        for (tree, q) in transfers.levels.chunks(parameters.depth).enumerate() {
            let keys = round.keys.of(round.number, tree);
            let (sums, total) = leaves.grow(&keys, self.roots[tree]);
            let mut message = Vec::with_capacity(2 * Block::BYTES * parameters.depth + Block::BYTES);
            for (i, (q, [k0, k1])) in (tree * parameters.depth..).zip(q.iter().zip(sums.iter())) {
                let [h0, h1] = key.tweaked(i as u128).of_each([*q, *q ^ *self.delta]);
                message.extend([*k0 ^ h0, *k1 ^ h1].map(Block::to_bytes).as_flattened());
            }
            message.extend((total ^ *self.delta).to_bytes());
            channel.send(Phase::OtExtension, &message)?;
        }
        channel.flush()?;
        if transfers.sacrificed.is_empty() {
            Ok(())
        } else {
            self.prove(channel, round, transfers.sacrificed)
        }
    }

    fn grow(&self, keys: &Permutations, tree: usize, leaves: &mut Leaves) {
        leaves.grow(keys, self.roots[tree]);
    }
}
