//! Transactions that came before their parent, whose outputs they spend: the two may be fetched from
//! different peers.
//!
//! What an orphan spends is neither in the chain nor pending. Orphans wait, in bounded number, until it is,
//! and are verified then. A peer that sends transactions whose parents do not exist pushes out other orphans,
//! which delays them and costs no coin.

use sotto_mw::{
    hash::Hash,
    transaction::{Body, Transaction},
};
use std::collections::{HashSet, VecDeque};

/// How many wait, and how much they weigh together.
const MOST: usize = 64;
const MAX_WEIGHT: u64 = 40_000;

/// Those that wait, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    waiting: VecDeque<(Hash, Transaction)>,
    weight: u64,
}

impl Orphans {
    pub(crate) fn contains(&self, id: &Hash) -> bool {
        self.waiting.iter().any(|(waiting, _)| waiting == id)
    }

    /// Adds an orphan, and drops the oldest if there is no room.
    pub(crate) fn insert(&mut self, id: Hash, t: Transaction) {
        if self.contains(&id) || t.body.weight() > MAX_WEIGHT / 4 {
            return;
        }
        self.weight += t.body.weight();
        self.waiting.push_back((id, t));
        while self.waiting.len() > MOST || self.weight > MAX_WEIGHT {
            let Some((_, oldest)) = self.waiting.pop_front() else { return };
            self.weight -= oldest.body.weight();
        }
    }

    /// Those that spend what this body creates.
    pub(crate) fn children(&mut self, parent: &Body) -> Vec<Transaction> {
        let created: HashSet<_> = parent.outputs.iter().map(|o| o.commitment).collect();
        self.take(|t| t.body.spent().any(|c| created.contains(c)))
    }

    /// All of them.
    pub(crate) fn all(&mut self) -> Vec<Transaction> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Transaction) -> bool) -> Vec<Transaction> {
        let all = core::mem::take(&mut self.waiting);
        let (taken, kept): (VecDeque<_>, _) = all.into_iter().partition(|(_, t)| which(t));
        self.waiting = kept;
        self.weight -= taken.iter().map(|(_, t)| t.body.weight()).sum::<u64>();
        taken.into_iter().map(|(_, t)| t).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::testing::TestChain;

    #[test]
    fn children_are_found_and_room_is_bounded() {
        let mut test_chain = TestChain::new(41);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (parent, made) = test_chain.pay(&[&coin], &[1_000_000]);
        let child = test_chain.pay(&[&made[1]], &[5]).0;
        let mut orphans = Orphans::default();
        let name = |n: u8| Hash::from_bytes([n; 32]);
        orphans.insert(name(1), child.clone());
        orphans.insert(name(1), child.clone());
        orphans.insert(name(2), parent.clone());
        assert_eq!(orphans.children(&parent.body), vec![child.clone()]);
        assert!(!orphans.contains(&name(1)) && orphans.contains(&name(2)));
        (0..200).for_each(|n| orphans.insert(name(n), child.clone()));
        assert!(!orphans.contains(&name(2)) && orphans.contains(&name(199)));
        assert_eq!(orphans.all().len(), MOST);
        assert_eq!((orphans.weight, orphans.all().len()), (0, 0));
    }

    #[test]
    fn their_weight_is_bounded_together_and_each() {
        let mut test_chain = TestChain::new(41);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (small, made) = test_chain.pay(&[&coin], &[1_000_000]);
        let (mut heavy, _) = test_chain.pay(&[&made[1]], &[5]);
        let output = heavy.body.outputs[0].clone();
        while heavy.body.weight() <= MAX_WEIGHT / 4 {
            heavy.body.outputs.push(output.clone());
        }
        let name = |n: u8| Hash::from_bytes([n; 32]);
        let mut orphans = Orphans::default();
        orphans.insert(name(0), heavy.clone());
        assert!(!orphans.contains(&name(0)), "a quarter is the most for one");
        heavy.body.outputs.pop();
        (1..=4).for_each(|n| orphans.insert(name(n), heavy.clone()));
        assert!((1..=4).all(|n| orphans.contains(&name(n))));
        let before = orphans.weight;
        assert_eq!(before, 4 * heavy.body.weight());
        (5..=6).for_each(|n| orphans.insert(name(n), heavy.clone()));
        assert_eq!(orphans.weight, before);
        assert!((1..=2).all(|n| !orphans.contains(&name(n))), "the oldest made room");
        assert_eq!(orphans.children(&small.body).len(), 4);
        assert_eq!(orphans.weight, 0);
    }

    /// A quarter of the weight is not too heavy, and four of these are not too many.
    #[test]
    fn their_weight_may_be_used_up() {
        let mut test_chain = TestChain::new(41);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (mut t, _) = test_chain.pay(&[&coin], &[1_000_000]);
        let (input, output) = (t.body.inputs[0], t.body.outputs[0].clone());
        // 7 inputs and kernels of 8, and 452 outputs of 22.
        t.body.inputs.resize(6, input);
        t.body.outputs.resize(452, output);
        assert_eq!(4 * t.body.weight(), MAX_WEIGHT);
        let mut orphans = Orphans::default();
        let name = |n: u8| Hash::from_bytes([n; 32]);
        (0..4).for_each(|n| orphans.insert(name(n), t.clone()));
        assert!((0..4).all(|n| orphans.contains(&name(n))) && orphans.weight == MAX_WEIGHT);
    }
}
