//! Nodes that are told which block a chain must have.

use crate::World;
use core::time::Duration;
use sotto_mw::{amount::Height, hash::Hash};
use sotto_node::{
    ledger::{Ledger, LedgerError, mempool::MempoolLimits},
    message::BlockName,
    storage::{Layout, Store},
};

impl World {
    fn block(&self, height: u64) -> BlockName {
        BlockName::of(&self.chain.blocks()[height as usize - 1].header)
    }
}

/// A chain of some blocks, and a node that starts now, with this checkpoint.
fn newcomer(seed: u64, checkpoint: impl FnOnce(&World) -> BlockName) -> World {
    let mut world = World::with_followers(seed, 4, vec![0]);
    world.kill(4);
    world.run(200, |w| (0..4).all(|n| w.height(n).get() >= 5));
    world.checkpoints = vec![checkpoint(&world)];
    world.start(4);
    world
}

#[test]
fn a_chain_with_the_checkpoint_is_followed() {
    let mut world = newcomer(20, |w| w.block(4));
    world.run(60, |w| w.height(4) >= Height::new(5));
    assert_eq!(world.status(4).checkpoint, Some((world.block(4), None)));
}

/// Nothing of the chain is adopted, not even what comes before that height, and the node says why.
#[test]
fn a_chain_with_another_block_there_is_not() {
    let other = |w: &World| BlockName { hash: Hash::from_bytes([9; 32]), ..w.block(4) };
    let mut world = newcomer(21, other);
    let end = world.now + Duration::from_secs(60);
    world.run(70, |w| w.now >= end);
    assert_eq!(world.height(4), Height::GENESIS);
    assert_eq!(world.status(4).checkpoint, Some((other(&world), Some(world.block(4)))));
}

/// Until the chain has come there, nothing is known of it.
#[test]
fn a_chain_is_followed_once_it_has_come_to_the_checkpoint() {
    let mut world = newcomer(22, |w| w.block(5));
    world.run(60, |w| w.height(4) >= Height::new(5));
    world.kill(4);
    let later = world.chain.next().get() + 3;
    // A node that has some of the chain, and a checkpoint that it cannot know yet.
    world.checkpoints = vec![BlockName { height: Height::new(later), hash: Hash::from_bytes([9; 32]) }];
    world.start(4);
    let before = world.height(4);
    world.run(200, |w| w.height(0).get() > later);
    assert_eq!(world.height(4), before);
    world.kill(4);
    world.checkpoints = vec![world.block(later)];
    world.start(4);
    world.run(60, |w| w.height(4).get() >= later);
}

/// The chain that is here already.
#[test]
fn a_ledger_with_another_block_is_refused() {
    let world = newcomer(23, |w| w.block(1));
    let open = || {
        let store = Store::open_on(world.machines[0].files.clone(), Layout::in_memory()).unwrap();
        Ledger::over(store, MempoolLimits::default()).unwrap()
    };
    open().with_checkpoints(vec![world.block(1), world.block(3)]).unwrap();
    let other = BlockName { hash: Hash::ZERO, ..world.block(3) };
    let refused = open().with_checkpoints(vec![world.block(1), other]);
    assert!(matches!(refused, Err(LedgerError::OtherCheckpoint(e)) if e.found == world.block(3).hash));
}
