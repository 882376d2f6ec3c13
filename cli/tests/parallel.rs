//! Many processes use one wallet at a time: each coin is promised once, and none is lost.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::{Said, World};
use std::{collections::BTreeSet, thread};

const PROCESSES: usize = 12;
const AMOUNT: u64 = 1_000_000;

/// A number of base units in the wallet's balance.
fn balance(w: &World, wallet: &str, field: &str) -> u64 {
    let shown = w.run(&format!("wallet balance --json --wallet {wallet}")).ok();
    let record: serde_json::Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    record[field].as_str().unwrap_or_else(|| panic!("{field} in {shown}")).parse().unwrap()
}

/// The JSON records that a command prints.
fn records(w: &World, command: &str) -> Vec<serde_json::Value> {
    w.run(command).ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The same where each command needs wallet, chain and wallet again: in whatever order, none waits for ever.
#[test]
fn twelve_payments_at_once_spend_each_coin_once() {
    let w = World::settled();
    let coins = (balance(&w, "alice", "spendable") / 6_000_000_000) as usize;
    let send = format!("sotto wallet send {AMOUNT}u --to $(cat bob.address) --yes --wallet alice --wait 600");
    let said: Vec<Said> = thread::scope(|scope| {
        let running: Vec<_> = (0..PROCESSES).map(|_| scope.spawn(|| w.shell(&send))).collect();
        running.into_iter().map(|process| process.join().unwrap()).collect()
    });
    let (sent, refused): (Vec<_>, Vec<_>) = said.into_iter().partition(|said| said.code == 0);
    assert_eq!(sent.len(), coins, "{refused:?}");
    for said in refused {
        let why = said.fails(1);
        assert!(why.contains("locked") && !why.contains("another process"), "{why}");
    }
    w.run("chain seal --wallet alice").ok();
    assert_eq!(balance(&w, "bob", "total"), coins as u64 * AMOUNT);
}

#[test]
fn twelve_sends_at_once_promise_each_coin_once() {
    let w = World::settled();
    let (total, reward) = (balance(&w, "alice", "total"), 6_000_000_000);
    let coins = (balance(&w, "alice", "spendable") / reward) as usize;
    assert!(0 < coins && coins < PROCESSES, "{coins} coins for {PROCESSES} processes");

    let send = format!(
        "wallet send {AMOUNT}u --interactive --to $(cat bob.address) --yes --wallet alice --wait 600"
    );
    let said: Vec<Said> = thread::scope(|scope| {
        let send = |n| w.shell(&format!("sotto {send} > invite-{n}.txt"));
        let running: Vec<_> = (0..PROCESSES).map(|n| scope.spawn(move || send(n))).collect();
        running.into_iter().map(|process| process.join().unwrap()).collect()
    });
    let (sent, refused): (Vec<_>, Vec<_>) = (0..PROCESSES).zip(said).partition(|(_, said)| said.code == 0);
    assert_eq!(sent.len(), coins, "{refused:?}");
    for (_, said) in refused {
        let why = said.fails(1);
        assert!(why.contains("locked") && !why.contains("another process"), "{why}");
    }
    // One open payment for each, over coins of its own, and nothing else is locked.
    let sessions = records(&w, "wallet slates --json --wallet alice");
    let ids: BTreeSet<_> = sessions.iter().map(|s| s["session"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), coins);
    assert_eq!(balance(&w, "alice", "spendable"), 0);
    assert_eq!(balance(&w, "alice", "locked"), coins as u64 * reward);
    assert_eq!(balance(&w, "alice", "total"), total, "no coin is lost");

    // All of them can be finished: no two spend the same coin.
    for (n, _) in &sent {
        let finish = "wallet finalize - --wallet alice | sotto chain submit -";
        w.shell(&format!("sotto wallet receive invite-{n}.txt --yes --wallet bob | sotto {finish}")).ok();
    }
    w.run("chain seal --wallet alice").ok();
    let paid = coins as u64 * AMOUNT;
    assert_eq!(balance(&w, "bob", "total"), paid);
    // The fees come back with the reward of her block.
    assert_eq!(balance(&w, "alice", "total"), total + reward - paid);
}
