//! A process that is killed while it adds blocks on a real disk, index and all.

use crate::test_chain::{Dir, TestChain};
use sotto_mw::{
    codec::{Decode, Encode},
    rules::{check_block, connect_block, verify_block},
    state::ChainView,
};
use sotto_node::storage::Store;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Set in the process that will be killed: the store's directory.
const VICTIM: &str = "SOTTO_TEST_VICTIM";
const BLOCKS: u64 = 12;
const KILLS: u64 = 100;

/// Adds the blocks that lie in files, flushes the index after every other, takes each third back once, and
/// says so.
fn add_blocks(dir: &Path) {
    let mut store = Store::open(&dir.join("chain")).unwrap();
    loop {
        let next = store.tip().height.next().get();
        let Ok(bytes) = fs::read(dir.join(format!("block-{next}"))) else { break };
        let chain = store.chain().clone();
        let block = sotto_mw::block::Block::from_bytes(&bytes).unwrap();
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
    let mut test_chain = TestChain::new(80);
    // The smallest blocks there are: a reward and its kernel.
    let all: Vec<_> = (0..BLOCKS)
        .map(|_| {
            let block = test_chain.block(&[]);
            test_chain.connect(block)
        })
        .collect();
    let begun = Instant::now();
    let (mut kills, mut round, mut heights) = (0, 0, BTreeSet::new());
    while kills < KILLS {
        let dir = Dir::new();
        for (b, n) in all.iter().zip(1..) {
            fs::write(dir.path().join(format!("block-{n}")), b.get().block.to_bytes()).unwrap();
        }
        drop(Store::create(&dir.path().join("chain"), test_chain.chain.params().clone()).unwrap());
        // One chain on disk, killed again and again until it is complete.
        let mut height = 0;
        while height < BLOCKS {
            let acknowledged = run_and_kill(dir.path(), round);
            let store = Store::open(&dir.path().join("chain")).unwrap();
            let found = store.tip().height.get();
            assert!(
                found >= acknowledged.max(height),
                "{found} of {acknowledged} acknowledged, {height} before"
            );
            (height, round) = (found, round + 1);
            kills += u64::from(height < BLOCKS);
            heights.insert(height);
            let beyond: Vec<_> = (height..BLOCKS).map(|_| test_chain.undo()).collect();
            test_chain.agrees(&store);
            beyond.into_iter().rev().for_each(|b| drop(test_chain.connect(b)));
            store.check_log().unwrap();
        }
    }
    println!("{kills} kills in {:?}, at {} heights", begun.elapsed(), heights.len());
    assert!(heights.len() > 6, "{heights:?}");
}

/// Starts the victim and kills it some time after its first block; returns the last block that it
/// acknowledged.
fn run_and_kill(dir: &Path, round: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::a_killed_process_loses_no_acknowledged_block", "--nocapture"])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut acknowledged, mut killed) = (0, false);
    for line in lines.map_while(Result::ok) {
        // A line of the test harness may stand before it.
        let Some((_, n)) = line.split_once("acknowledged ") else { continue };
        acknowledged = n.parse().unwrap();
        if !killed {
            std::thread::sleep(Duration::from_micros(97 * (round % 61)));
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    acknowledged
}
