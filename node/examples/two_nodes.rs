//! Two nodes in virtual time: one has a chain of ten blocks, the other connects to it and fetches them.
//!
//! Nothing here waits or opens a socket. The program plays the network: it carries every message from one
//! node to the other, and moves the clock between rounds.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{codec::Encode, testing::TestChain};
use sotto_node::{
    Address, Config, Direction, Effect, Event, Layout, Ledger, Memory, MempoolLimits, Node, NodeSetup,
    PeerId, PeerKey, Store,
};
use std::{error::Error, time::Duration};

type MemoryNode = Node;

/// A node whose ledger has the first `blocks` of the chain.
fn node(
    n: u8,
    chain: &TestChain,
    blocks: usize,
    rng: &mut ChaCha20Rng,
) -> Result<MemoryNode, Box<dyn Error>> {
    let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone())?;
    let mut ledger = Ledger::over(store, MempoolLimits::default())?;
    for block in chain.blocks().iter().take(blocks) {
        ledger.connect(block.clone())?;
    }
    Ok(Node::new(NodeSetup::new(Config::new(PeerKey([n; 32])), ledger), rng))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut chain = TestChain::new(1);
    (0..10).for_each(|_| drop(chain.grow(Vec::new())));
    let mut nodes = [node(1, &chain, 10, &mut rng)?, node(2, &chain, 0, &mut rng)?];

    // Node 2 has dialled node 1. Each knows the connection by its own number; here both call it 1.
    let address = Address { at: "192.0.2.1:4000".parse()?, key: PeerKey([1; 32]) };
    let peer = PeerId(1);
    let inbound = Direction::Inbound("192.0.2.2:50000".parse()?);
    let mut events = vec![
        (0, Event::Connected { peer, key: PeerKey([2; 32]), direction: inbound }),
        (1, Event::Connected { peer, key: PeerKey([1; 32]), direction: Direction::Outbound(address) }),
    ];

    for round in 0..100 {
        let now = Duration::from_millis(200 * round);
        events.extend([(0, Event::Tick), (1, Event::Tick)]);
        while !events.is_empty() {
            for (n, event) in std::mem::take(&mut events) {
                for effect in nodes[n].step(now, &mut rng, event) {
                    match effect {
                        Effect::Verify(ticket, work) => {
                            events.push((n, Event::Verified(ticket, work.run())));
                        }
                        Effect::Send(_, message) => {
                            events.push((1 - n, Event::Frame { peer, bytes: message.to_bytes() }));
                        }
                        Effect::Log(what) => println!("{now:?} node {}: {what:?}", n + 1),
                        _ => {}
                    }
                }
            }
        }
        if nodes[1].ledger().tip() == nodes[0].ledger().tip() {
            println!("after {now:?} both nodes are at block {}", nodes[1].ledger().tip().height);
            return Ok(());
        }
    }
    Err("the nodes did not agree".into())
}
