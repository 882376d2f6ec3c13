//! What ends or is away in the middle of a sale: the buyer's wish to buy, compute parties, the node of the ledger.

use crate::selling::{
    STATUS, budgets,
    market::{
        Party, START, await_all, balance, eventually, fees, is_settled, last, market, pending, said, says,
        seal, while_sealing,
    },
};
use crate::support::World;
use std::{fs, thread::sleep, time::Duration};

/// The money is put aside, and not deep enough yet for an owner to begin, when the buyer wants it back.
#[test]
fn funded_holds_are_undone_with_the_consent_of_the_owners() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let [left, right, mut north, mut south, west] =
        ["left", "right", "north", "south", "west"].map(|name| Party::start(&w, name));
    pending(&w, 2);
    seal(&w, 1);
    says(&w, "west", "1 of 2 blocks on the money for north, 1 of 2 blocks on the money for south");
    drop(west);
    let mut west = Party::with(&w, "west", "--undo");
    // Both owners have consented once both undoings wait for a block.
    pending(&w, 2);
    seal(&w, 1);
    eventually(&w, "the ends of those with money", || {
        [&mut north, &mut south, &mut west].into_iter().all(|party| party.ended().is_some())
    });
    assert_eq!((west.ended(), north.ended(), south.ended()), (Some(true), Some(false), Some(false)));
    drop((left, right));
    assert_eq!(last(&w, "west.out")["stage"], "undone");
    assert_eq!(before - balance(&w, "alice", "total"), START + fees(&w), "the price is back, less fees");
    assert_eq!(["alice", "north", "south"].map(|name| balance(&w, name, "held")), [0; 3]);
    assert_eq!((balance(&w, "north", "total"), balance(&w, "south", "total")), (0, START));
    for owner in ["north", "south"] {
        assert!(!said(&w, owner).contains("has our encrypted input share"), "{}", said(&w, owner));
    }
    assert_eq!(budgets(&w), 0);
    assert!(w.run(STATUS).ok().contains(r#""stage":"undone""#));
}

/// The rows of north are with both compute parties, which wait for south, when the buyer wants its money back.
#[test]
fn an_owner_that_waits_for_the_run_gives_the_money_back() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let mut parties = ["left", "right", "north", "west"].map(|name| Some(Party::start(&w, name)));
    // South has its money, and is ended before it brings its rows.
    let south = Party::start(&w, "south");
    pending(&w, 2);
    seal(&w, 1);
    says(&w, "south", "1 of 2");
    drop(south);
    while_sealing(&w, || {
        says(&w, "north", "right has our encrypted input share");
        parties[3] = None;
        let west = Party::with(&w, "west", "--undo");
        // North gives the money back, and still waits for the output that is not sold.
        says(&w, "west", "Waiting for south to give the money back");
        assert_eq!(parties[2].as_mut().unwrap().ended(), None);
        // South has brought nothing, and gives the money back when it is there again.
        let mut south = Party::start(&w, "south");
        eventually(&w, "the end of south", || south.ended().is_some());
        await_all(&w, &mut [("west", west)]);
    });
    assert_eq!(last(&w, "west.out")["stage"], "undone");
    assert_eq!(before - balance(&w, "alice", "total"), START + fees(&w), "the price is back, less fees");
    assert_eq!((balance(&w, "north", "total"), balance(&w, "south", "total")), (0, START));
    assert_eq!(budgets(&w), 1, "north had brought its rows");
}

/// A sale in which south said go and is away, and north is away and has not: left, right and west.
pub(crate) fn before_the_last_go(w: &World) -> [Party; 3] {
    while_sealing(w, || {
        let [left, right, north, south, west] =
            ["left", "right", "north", "south", "west"].map(|name| Party::start(w, name));
        says(w, "south", "right has our encrypted input share");
        drop(south);
        says(w, "west", "Waiting for south to claim");
        drop(north);
        let south = Party::start(w, "south");
        let goes = "find data/jobs -name 'letter-south-*-go' || true";
        eventually(w, "the go of south", || w.shell(goes).ok().lines().count() == 2);
        drop(south);
        [left, right, west]
    })
}

/// One compute party ends after it gave its secret to north alone: south has it from north, by way of the other one.
#[test]
fn an_owner_is_paid_whose_compute_party_ended_before_it_gave_its_secret() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let [left, _right, west] = before_the_last_go(&w);
    let north = Party::start(&w, "north");
    // Its claim: both secrets have reached it.
    pending(&w, 1);
    drop(left);
    let south = Party::start(&w, "south");
    // No block shows the secret yet.
    pending(&w, 2);
    while_sealing(&w, || await_all(&w, &mut [("north", north), ("south", south), ("west", west)]));
    is_settled(&w, before);
}

/// Both compute parties end after they gave their secrets to north alone: south reads the secret in north's claim.
#[test]
fn an_owner_is_paid_by_what_a_block_shows_when_both_compute_parties_are_gone() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let [left, right, west] = before_the_last_go(&w);
    let north = Party::start(&w, "north");
    pending(&w, 1);
    drop((left, right));
    let south = Party::start(&w, "south");
    while_sealing(&w, || await_all(&w, &mut [("north", north), ("south", south), ("west", west)]));
    is_settled(&w, before);
}

/// Wallets that ask a node, which is killed before the money is deep enough, and again before the claims.
#[test]
fn a_sale_outlasts_restarts_of_the_node() {
    let w = market();
    let before = balance(&w, "alice", "total");
    fs::create_dir_all(w.path("ledger/wallets")).unwrap();
    for what in ["chain", "operator.key", "wallets/miner"] {
        fs::rename(w.path("data").join(what), w.path("ledger").join(what)).unwrap();
    }
    let node = || {
        let node = Party::of(&w, "node", "node run --dir ledger --seal --every 1 --wallet miner");
        eventually(&w, "the node", || w.run("node status --node ledger").code == 0);
        node
    };
    let mut running = node();
    let mut all: Vec<(&str, Party)> = ["left", "right"].map(|name| (name, Party::start(&w, name))).into();
    let with_node = |name| (name, Party::with(&w, name, "--node ledger"));
    all.extend(["north", "south", "west"].map(with_node));
    for moment in ["of 2 blocks on the money", "to claim"] {
        says(&w, "west", moment);
        drop(running);
        sleep(Duration::from_secs(3));
        running = node();
    }
    await_all(&w, &mut all);
    drop(running);
    fs::rename(w.path("ledger/chain"), w.path("data/chain")).unwrap();
    is_settled(&w, before);
}
