//! The receiver's part of a round: it has paths, and grows trees without one leaf.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::OtError;
use super::super::check::Matrix;
use super::super::ggm::expand;
use super::tree::{Leaves, Permutations, Punctured};
use super::{End, Round, Transfers};
use crate::block::Block;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;

/// What the receiver has of the round at hand.
pub(in super::super) struct Receiving {
    /// The state from which challenges are derived.
    draw: Zeroizing<Block>,
    depth: usize,
    /// The path of each tree.
    alphas: Zeroizing<Vec<u64>>,
    /// K of each level of each tree.
    taken: Zeroizing<Vec<Block>>,
    /// ψ of each tree.
    last: Vec<Block>,
}

impl Receiving {
    /// A receiver whose challenges follow from `draw`.
    pub(in super::super) fn new(draw: Block) -> Self {
        Self {
            draw: Zeroizing::new(draw),
            depth: 0,
            alphas: Zeroizing::default(),
            taken: Zeroizing::default(),
            last: Vec::new(),
        }
    }

    /// Challenges the sender to prove its leaves.
    fn check(
        &mut self,
        channel: &mut impl Channel,
        round: &Round<'_>,
        sacrificed: &[Block],
    ) -> Result<(), OtError> {
        let [next, seed] = expand(*self.draw);
        *self.draw = next;
        let (matrix, mut leaves) = (Matrix::new(seed), Leaves::new(self.depth));
        let mut product = matrix.begin();
        for tree in 0..round.parameters.trees {
            self.grow(&round.keys.of(round.number, tree), tree, &mut leaves);
            product.add(leaves.get());
        }
        // Bit 0 of w is u, and that of t is x: so that of a row is that of d.
        let rows = Zeroizing::new(product.total(sacrificed));
        let d = rows.iter().rev().fold(0, |d, row| d << 1 | u64::from(row.lsb()));
        channel.send(Phase::OtExtension, &seed.to_bytes())?;
        channel.send(Phase::OtExtension, &d.to_le_bytes())?;
        channel.flush()?;
        let mut digest = [0; 32];
        channel.receive(Phase::OtExtension, &mut digest)?;
        let is_right = bool::from(digest.ct_eq(&*round.digest(&rows)));
        is_right.then_some(()).ok_or(OtError::Check)
    }
}

impl End for Receiving {
    fn exchange(
        &mut self,
        channel: &mut impl Channel,
        round: &Round<'_>,
        transfers: Transfers<'_>,
    ) -> Result<(), OtError> {
        let parameters = round.parameters;
        let mut s = [0; Block::BYTES];
        channel.receive(Phase::OtExtension, &mut s)?;
        let key = HashKey::new(Block::from_bytes(s));
        self.depth = parameters.depth;
        self.alphas = Zeroizing::new(Vec::with_capacity(parameters.trees));
        self.taken = Zeroizing::new(Vec::with_capacity(parameters.levels()));
        self.last = Vec::with_capacity(parameters.trees);
        let mut message = vec![0; 2 * Block::BYTES * parameters.depth + Block::BYTES];
        for (tree, t) in transfers.levels.chunks(parameters.depth).enumerate() {
            channel.receive(Phase::OtExtension, &mut message)?;
            let (pairs, last) = message.split_at(2 * Block::BYTES * parameters.depth);
            let mut alpha = 0;
            for (i, (t, pair)) in (tree * parameters.depth..).zip(t.iter().zip(pairs.as_chunks::<32>().0)) {
                let mut halves = Block::from_chunks(pair);
                let [zero, one] = [(); 2].map(|()| halves.next().unwrap_or_default());
                let side = t.lsb();
                alpha = alpha << 1 | u64::from(!side);
                let masked = zero ^ (zero ^ one).masked(side);
                self.taken.push(masked ^ key.tweaked(i as u128).of(*t));
            }
            self.alphas.push(alpha);
            self.last.extend(Block::from_chunks(last));
        }
        if transfers.sacrificed.is_empty() {
            Ok(())
        } else {
            self.check(channel, round, transfers.sacrificed)
        }
    }

    fn grow(&self, keys: &Permutations, tree: usize, leaves: &mut Leaves) {
        let taken = &self.taken[tree * self.depth..][..self.depth];
        leaves.puncture(keys, &Punctured { alpha: self.alphas[tree], taken, last: self.last[tree] });
    }
}
