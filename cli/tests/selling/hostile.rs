//! Letters that no honest party wrote, put where a compute party keeps its letters.

use crate::selling::{
    market::{
        Party, await_all, balance, eventually, is_settled, market, pending, record, said, says, while_sealing,
    },
    stops::before_the_last_go,
};
use crate::support::World;
use sotto_jobs::sale::ClaimSet;
use std::{fs, path::PathBuf};

/// The file of a letter at both compute parties.
fn letter(w: &World, name: &str) -> [PathBuf; 2] {
    let job = record(&w.run("mpc check job.toml --json").ok());
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let id = word(&job["job"]);
    [0, 1].map(|i| w.path(&format!("data/jobs/{}/{id}-1/letter-{name}", word(&job["parties"][i]["key"]))))
}

fn put(files: &[PathBuf; 2], letter: &[u8]) {
    for file in files {
        // Whole or not at all, as a compute party does it.
        fs::write(file.with_extension("other"), letter).unwrap();
        fs::rename(file.with_extension("other"), file).unwrap();
    }
}

/// A buyer that offers less money than the owner's offer says, or less time.
#[test]
fn an_owner_answers_no_hold_that_promises_less_than_was_agreed() {
    let w = market();
    let _running = ["left", "right", "north"].map(|name| Party::start(&w, name));
    says(&w, "north", "Waiting for west to put the money aside");
    let (offer, join) = (letter(&w, "west-north-offer"), letter(&w, "north-west-join"));
    let job = record(&w.run("mpc check job.toml --json").ok());
    let open = |terms: &str| {
        let memo = format!("'sale {} to north'", job["job"].as_str().unwrap());
        let line = format!(
            "sotto wallet hold open {terms} --to $(sotto wallet address --wallet north) --memo {memo} --refunds 29 --yes --wallet alice"
        );
        put(&offer, w.shell(&line).ok().as_bytes());
    };
    for (terms, why) in [
        ("1.999999999 --blocks 60 --confirmations 2", "it pays less than was agreed"),
        ("2 --blocks 59 --confirmations 2", "it leaves fewer blocks"),
    ] {
        open(terms);
        says(&w, "north", why);
        assert!(!join[0].exists() && !join[1].exists(), "{terms}: {}", said(&w, "north"));
    }
    open("2 --blocks 60 --confirmations 2");
    eventually(&w, "the consent of north", || join[0].exists());
}

/// Claims that a buyer altered, or a compute party.
#[test]
fn an_owner_says_go_for_its_own_claim_among_claims_that_hold() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let [_left, _right, west] = before_the_last_go(&w);
    let (claims, goes) = (letter(&w, "west-north-claims"), letter(&w, "north-left-go"));
    let good = fs::read(&claims[0]).unwrap();
    let altered = |change: &dyn Fn(&mut ClaimSet)| {
        let mut set = ClaimSet::from_bytes(&good).unwrap();
        change(&mut set);
        put(&claims, &set.to_bytes());
    };
    let doubts = |name: &str| {
        said(&w, "north").matches(&format!("Waiting for the claim of {name} does not hold")).count()
    };
    altered(&|set| set.until += 60);
    let north = Party::start(&w, "north");
    eventually(&w, "a doubt about the last height", || doubts("north") == 1);
    altered(&|set| set.claims[1].claim.0[140] ^= 1);
    eventually(&w, "a doubt about the claim of south", || doubts("south") == 1);
    // A claim that holds, and is another owner's.
    altered(&|set| set.claims[0].claim = set.claims[1].claim.clone());
    eventually(&w, "a doubt about its own claim", || doubts("north") == 2);
    assert!(!goes[0].exists());
    put(&claims, &good);
    pending(&w, 1);
    let south = Party::start(&w, "south");
    while_sealing(&w, || await_all(&w, &mut [("north", north), ("south", south), ("west", west)]));
    is_settled(&w, before);
}
