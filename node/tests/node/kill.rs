//! A process that is killed while it adds blocks on a real disk, index and all.

use crate::toy::{Dir, Toy};
use mw::{
    rules::{check_block, connect_block, verify_block},
    state::ChainView,
    wire::{Decode, Encode},
};
use node::edge::store::Store;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Set in the process that will be killed: the store's directory.
const VICTIM: &str = "SOTTO_TEST_VICTIM";
const BLOCKS: u64 = 12;

/// Adds the blocks that lie in files, flushes the index after every other, takes each third back once, and says so.
fn add_blocks(dir: &Path) {
    let mut store = Store::open(&dir.join("chain")).unwrap();
    loop {
        let next = store.tip().height.next().get();
        let Ok(bytes) = fs::read(dir.join(format!("block-{next}"))) else { break };
        let chain = store.chain().clone();
        let block = mw::block::Block::from_bytes(&bytes).unwrap();
        let block = verify_block(&chain, store.tip(), check_block(&chain, block).unwrap()).unwrap();
        let block = connect_block(&chain, &store, block).unwrap();
        store.apply(&block).unwrap();
        if next.is_multiple_of(3) {
            store.undo().unwrap();
            store.apply(&block).unwrap();
        }
        if next.is_multiple_of(2) {
            store.flush().unwrap();
        }
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {next}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_process_loses_no_acknowledged_block() {
    if let Ok(dir) = std::env::var(VICTIM) {
        return add_blocks(dir.as_ref());
    }
    let mut toy = Toy::new(80);
    let all: Vec<_> = (0..BLOCKS).map(|_| toy.mine()).collect();
    let (mut killed_early, mut least) = (0, u64::MAX);
    for round in 0..12u64 {
        let dir = Dir::new();
        for (b, n) in all.iter().zip(1..) {
            fs::write(dir.path().join(format!("block-{n}")), b.get().block.to_bytes()).unwrap();
        }
        drop(Store::create(&dir.path().join("chain"), toy.chain.params().clone()).unwrap());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_killed_process_loses_no_acknowledged_block", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        for line in lines.map_while(Result::ok) {
            acknowledged = line.strip_prefix("acknowledged ").map_or(acknowledged, |n| n.parse().unwrap());
            if acknowledged == 1 + round % (BLOCKS - 1) {
                std::thread::sleep(Duration::from_micros(700 * round));
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let store = Store::open(&dir.path().join("chain")).unwrap();
        let height = store.tip().height.get();
        assert!(height >= acknowledged, "{height} is there and {acknowledged} was acknowledged");
        (killed_early, least) = (killed_early + u64::from(height < BLOCKS), least.min(height));
        let beyond: Vec<_> = (height..BLOCKS).map(|_| toy.undo()).collect();
        toy.agrees(&store);
        beyond.into_iter().rev().for_each(|b| drop(toy.connect(b)));
        store.check_log().unwrap();
    }
    assert!(killed_early > 5, "{killed_early} of 12 were killed in time, the earliest at {least}");
}
