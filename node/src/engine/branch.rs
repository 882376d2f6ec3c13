//! The branch ahead of the chain: sealed headers whose blocks are being fetched, and what is known of each
//! block.
//!
//! [`Sync`](super::sync::Sync) fills it with headers and fetches the bodies;
//! [`SnapshotSync`](super::snapshot_sync::SnapshotSync) reads from it how far the chain is behind, and
//! suspends the fetching of bodies while a snapshot is on its way.

use crate::{
    message::{BlockName, compact::Filling},
    peer::PeerId,
    seal::SealedHeader,
};
use core::time::Duration;
use sotto_mw::{amount::Height, block::Block, history::History};
use std::collections::VecDeque;

/// Most headers that are held before their bodies.
pub(crate) const MAX_AHEAD: usize = 4_096;

/// Whether a snapshot is fetched instead of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotMode {
    /// No: bodies are fetched.
    Off,
    /// A snapshot is being chosen, for which all headers are needed.
    Choosing,
    /// The state after this height is being fetched.
    Fetching(Height),
}

/// What is being fetched.
pub(crate) struct Branch {
    /// The terms of all heights, as far as they are known: also of heights whose blocks are not here.
    pub(crate) history: History,
    /// A better branch, from the first block that is not here.
    pub(crate) blocks: VecDeque<BranchBlock>,
    /// The best block that a peer has shown, and until when it counts as ahead of the chain although its
    /// headers have not come.
    pub(crate) shown: Option<(BlockName, Duration)>,
    pub(crate) mode: SnapshotMode,
    /// The height of the checkpoint that the chain has not come to, up to which all headers are needed.
    pub(crate) checkpoint: Option<Height>,
    /// The block that a peer showed last in place of a checkpoint's.
    pub(crate) refused: Option<BlockName>,
    /// Whether every peer that was asked for the first body has dropped it, so that only a snapshot helps.
    pub(crate) no_bodies: bool,
}

/// A block of the branch.
pub(crate) struct BranchBlock {
    pub(crate) sealed: SealedHeader,
    pub(crate) name: BlockName,
    /// Whether its compact form was of no use.
    pub(crate) whole: bool,
    /// The peers that were asked and do not have it.
    pub(crate) denied: Vec<PeerId>,
    pub(crate) body: Fetch,
}

/// How far a body has come.
pub(crate) enum Fetch {
    Open,
    /// A compact form came from this peer, which is asked for the rest.
    Filling(PeerId, Box<Filling>),
    Here(Box<Block>),
}

impl BranchBlock {
    pub(crate) fn new(sealed: SealedHeader) -> Self {
        let name = BlockName::of(&sealed.header);
        Self { sealed, name, whole: false, denied: Vec::new(), body: Fetch::Open }
    }

    pub(crate) const fn is_here(&self) -> bool {
        matches!(self.body, Fetch::Here(_))
    }
}

impl Branch {
    pub(crate) const fn new(history: History) -> Self {
        Self {
            history,
            blocks: VecDeque::new(),
            shown: None,
            mode: SnapshotMode::Off,
            checkpoint: None,
            refused: None,
            no_bodies: false,
        }
    }

    /// Whether blocks are being fetched.
    pub(crate) fn is_fetching(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Whether a snapshot is being chosen or fetched, so that bodies are not.
    pub(crate) fn is_suspended(&self) -> bool {
        self.mode != SnapshotMode::Off
    }

    /// For how many headers more there is room.
    pub(crate) fn room(&self) -> usize {
        match self.mode {
            SnapshotMode::Choosing => usize::MAX,
            _ if self.checkpoint > self.best().map(|best| best.height) => usize::MAX,
            _ => MAX_AHEAD.saturating_sub(self.blocks.len()),
        }
    }

    /// The best block that is being fetched.
    pub(crate) fn best(&self) -> Option<BlockName> {
        self.blocks.back().map(|b| b.name)
    }

    /// The height of the state that is being fetched.
    pub(crate) const fn snapshot_height(&self) -> Option<Height> {
        if let SnapshotMode::Fetching(height) = self.mode { Some(height) } else { None }
    }

    /// The height of the best block that is known to be sealed and may be followed.
    pub(crate) fn ahead(&self, now: Duration) -> Option<Height> {
        let shown = self.shown.filter(|(_, until)| now < *until).map(|(name, _)| name);
        shown.max(self.best()).map(|name| name.height).max(self.snapshot_height())
    }

    fn place(&self, height: Height) -> Option<usize> {
        let front = self.blocks.front()?.name.height;
        height.get().checked_sub(front.get())?.try_into().ok()
    }

    pub(crate) fn get(&self, name: BlockName) -> Option<&BranchBlock> {
        self.blocks.get(self.place(name.height)?).filter(|b| b.name == name)
    }

    pub(crate) fn get_mut(&mut self, name: BlockName) -> Option<&mut BranchBlock> {
        let place = self.place(name.height)?;
        self.blocks.get_mut(place).filter(|b| b.name == name)
    }

    /// Whether a block is part of the branch.
    pub(crate) fn holds(&self, name: BlockName) -> bool {
        self.get(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{hash::Hash, testing::TestChain};

    const SECOND: Duration = Duration::from_secs(1);

    /// The branch of so many blocks after the first two of a chain, and all of its names.
    fn branch(blocks: usize) -> (Branch, Vec<BlockName>) {
        let mut test_chain = TestChain::new(46);
        (0..2 + blocks).for_each(|_| drop(test_chain.grow(Vec::new())));
        let mut branch = Branch::new(History::new(test_chain.chain()));
        let all = test_chain.blocks();
        branch.blocks.extend(all[2..].iter().map(|b| BranchBlock::new(SealedHeader::of(b))));
        (branch, all.iter().map(|b| BlockName::of(&b.header)).collect())
    }

    /// A stranger can make a node hold so many headers and no more, but where all are needed: to choose a
    /// snapshot, and up to a checkpoint.
    #[test]
    fn headers_are_bounded_unless_all_are_needed() {
        let (mut branch, _) = branch(0);
        assert_eq!((branch.room(), branch.is_fetching()), (MAX_AHEAD, false));
        let (full, names) = self::branch(3);
        branch = full;
        assert_eq!((branch.room(), branch.is_fetching()), (MAX_AHEAD - 3, true));
        for (checkpoint, room) in [(4, MAX_AHEAD - 3), (5, MAX_AHEAD - 3), (6, usize::MAX)] {
            branch.checkpoint = Some(Height::new(checkpoint));
            assert_eq!(branch.room(), room, "{checkpoint} of {:?}", names[4]);
        }
        branch.checkpoint = None;
        branch.mode = SnapshotMode::Choosing;
        assert_eq!((branch.room(), branch.is_suspended()), (usize::MAX, true));
        branch.mode = SnapshotMode::Fetching(Height::new(9));
        assert_eq!((branch.room(), branch.is_suspended()), (MAX_AHEAD - 3, true));
        branch.mode = SnapshotMode::Off;
        assert!(!branch.is_suspended());
    }

    /// A block is found by height and hash together, and what is not in the branch is not.
    #[test]
    fn blocks_are_found_by_their_whole_name() {
        let (mut branch, names) = branch(3);
        assert_eq!(branch.best(), Some(names[4]));
        for (n, name) in names.iter().enumerate() {
            assert_eq!(branch.holds(*name), n >= 2, "block {n}");
            assert_eq!(branch.get(*name).map(|b| b.name), (n >= 2).then_some(*name));
            assert_eq!(branch.get_mut(*name).map(|b| b.name), (n >= 2).then_some(*name));
        }
        let foreign = BlockName { hash: Hash::from_bytes([7; 32]), ..names[3] };
        let above = BlockName { height: names[4].height.next(), ..names[4] };
        for name in [foreign, above] {
            assert!(!branch.holds(name) && branch.get(name).is_none() && branch.get_mut(name).is_none());
        }
    }

    /// What was shown counts until its time; what is fetched, and a snapshot's state, as long as they are.
    #[test]
    fn the_best_that_is_known_is_ahead() {
        let (mut branch, names) = branch(3);
        let height = Height::new;
        assert_eq!(branch.ahead(SECOND), Some(names[4].height));
        let shown = BlockName { height: height(9), ..names[0] };
        branch.shown = Some((shown, 3 * SECOND));
        assert_eq!(branch.ahead(2 * SECOND), Some(height(9)));
        assert_eq!(branch.ahead(3 * SECOND), Some(height(5)), "its time is over");
        branch.mode = SnapshotMode::Fetching(height(7));
        assert_eq!((branch.snapshot_height(), branch.ahead(3 * SECOND)), (Some(height(7)), Some(height(7))));
        branch.blocks.clear();
        (branch.mode, branch.shown) = (SnapshotMode::Choosing, None);
        assert_eq!((branch.snapshot_height(), branch.best(), branch.ahead(SECOND)), (None, None, None));
    }
}
