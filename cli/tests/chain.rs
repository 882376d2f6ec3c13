//! `sotto chain prune`, `export` and `import`, as a user would run them.
#![allow(clippy::unwrap_used, reason = "the functions that tests share fail as tests do")]

use crate::support::World;
use serde_json::Value;
use std::fs;

/// On a chain of a few blocks the state takes more than the blocks: nothing is deleted then.
#[test]
fn pruning_never_makes_a_chain_larger() {
    let w = World::empty();
    w.run("chain init --reorganisation 0 --window 120").ok();
    w.run("wallet init --wallet alice --words-file alice.words").ok();
    w.run("chain seal --wallet alice").ok();
    let before = record(&w.run("chain info --json").ok());
    assert!(w.run("chain prune --yes").ok().contains("nothing to gain"));
    let after = record(&w.run("chain info --json").ok());
    assert_eq!((&before["log_bytes"], &after["pruned"]), (&after["log_bytes"], &0.into()));
    w.run("chain block 1").ok();
}

/// A payment that a block has is found by its kernel, and submitting it again says so and succeeds.
#[test]
fn a_payment_in_a_block_is_found() {
    let w = small();
    w.run("wallet scan --wallet alice").ok();
    w.shell(
        "sotto wallet send --interactive 1000000u --to $(cat bob.address) --yes --wallet alice > one.txt \
         && sotto wallet receive --yes --wallet bob one.txt > two.txt \
         && sotto wallet finalize two.txt --wallet alice > payment.txt && sotto chain submit payment.txt",
    )
    .ok();
    w.run("chain seal --wallet alice").ok();
    let height = record(&w.run("chain info --json").ok())["height"].as_u64().unwrap();
    let again = record(&w.run("chain submit payment.txt --json").ok());
    assert_eq!((&again["type"], &again["height"]), (&"already-sealed".into(), &height.into()));
    let again = w.run("chain submit payment.txt").ok();
    assert!(again.starts_with(&format!("already in block {height} (20")), "{again}");
    let block = record(&w.run(&format!("chain block {height} --json")).ok());
    let kernels = block["kernels"].as_array().unwrap();
    let plain = kernels.iter().find(|k| k["kind"] != "coinbase").unwrap();
    let excess = plain["excess"].as_str().unwrap();
    let found = record(&w.run(&format!("chain kernel {excess} --json")).ok());
    assert_eq!(
        (&found["height"], &found["block"], &found["time"]),
        (&height.into(), &block["hash"], &block["time"])
    );
    assert_eq!((&found["fee"], &found["kind"]), (&plain["fee"], &plain["kind"]));
    // Dates for people are local.
    let local = |zone: &str, command: &str| w.shell(&format!("TZ={zone} sotto {command}")).ok();
    for command in [format!("chain kernel {excess}"), format!("chain block {height}"), "chain info".into()] {
        let (utc, east) = (local("UTC", &command), local("Asia/Tokyo", &command));
        assert!(utc.contains("+00:00") && east.contains("+09:00"), "{utc}{east}");
    }
    let none = format!("{}{}", &excess[..62], if excess.ends_with("00") { "08" } else { "00" });
    w.run(&format!("chain kernel {none}")).fails(1);
    assert!(w.run("chain kernel beef").fails(1).contains("64 hexadecimal digits"));
}

fn record(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// A chain on which blocks are final after four, with payments in it.
fn small() -> World {
    let w = World::empty();
    w.run("chain init --reorganisation 4 --window 120").ok();
    for name in ["alice", "bob"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    w.run("chain seal --blocks 8 --wallet alice").ok();
    w.write("bob.address", w.run("wallet address --wallet bob").ok().trim());
    pay(&w);
    w.run("chain seal --blocks 5 --wallet alice").ok();
    w
}

fn pay(w: &World) {
    w.run("wallet scan --wallet alice").ok();
    w.shell(
        "sotto wallet send --interactive 1000000u --to $(cat bob.address) --yes --wallet alice > one.txt \
         && sotto wallet receive --yes --wallet bob one.txt > two.txt \
         && sotto wallet finalize two.txt --wallet alice | sotto chain submit -",
    )
    .ok();
    w.run("chain seal --wallet alice").ok();
}

#[test]
fn a_pruned_chain_is_audited_and_goes_on() {
    let w = small();
    let before = record(&w.run("chain audit --json").ok());
    assert_eq!((&before["pruned"], &before["unchecked"]), (&0.into(), &Value::Array(vec![])));
    let info = record(&w.run("chain info --json").ok());
    // Nothing is deleted unasked.
    assert!(w.run("chain prune").fails(4).contains("--yes"));
    let planned = record(&w.run("chain prune --dry-run --json").ok());
    assert!(w.run("chain prune --dry-run").ok().contains("would delete 10 block bodies"));
    w.run("chain block 10").ok();
    let pruned = record(&w.run("chain prune --yes --json").ok());
    assert_eq!(planned, pruned, "what was announced was done");
    assert_eq!((&pruned["pruned"], &pruned["dropped"]), (&10.into(), &10.into()));
    assert!(pruned["bytes_after"].as_u64() < pruned["bytes_before"].as_u64());
    assert!(w.run("chain prune").ok().contains("nothing to prune"));
    let after = record(&w.run("chain audit --json").ok());
    for same in ["height", "kernels", "outputs_unspent", "supply", "bytes_cut_through"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!((&after["pruned"], after["unchecked"].as_array().unwrap().len()), (&10.into(), 5));
    assert!(w.run("chain audit").ok().contains("R24"));
    let now = record(&w.run("chain info --json").ok());
    assert_eq!((&now["tip"], &now["pruned"]), (&info["tip"], &10.into()));
    assert_eq!(now["double_seals"], Value::Array(vec![]));
    assert!(w.run("chain block 10").fails(1).contains("pruned"));
    w.run("chain block 11").ok();
    // Wallets keep their balance and can pay; a restored wallet finds everything.
    pay(&w);
    w.run("wallet scan --wallet bob").ok();
    let spendable = |wallet: &str| {
        let balance = record(&w.run(&format!("wallet balance --json --wallet {wallet}")).ok());
        balance["spendable"].clone()
    };
    assert_eq!(spendable("bob"), "2000000");
    w.run("wallet restore --wallet again --words-file bob.words").ok();
    assert_eq!(spendable("again"), "2000000");
    w.run("chain audit").ok();
}

#[test]
fn a_snapshot_is_imported_part_by_part() {
    let w = small();
    let info = record(&w.run("chain info --json").ok());
    let (id, height) = (info["chain_id"].as_str().unwrap(), info["height"].as_u64().unwrap());
    w.run("chain export --part 2 whole").ok();
    let done = record(&w.run("chain export --part 2 again --json").ok());
    assert_eq!(fs::read(w.path("whole")).unwrap(), fs::read(w.path("again")).unwrap());
    assert!(done["parts"].as_u64().unwrap() > 8);
    w.shell("sotto chain export - --part 2 | cmp - whole").ok();
    assert_eq!(w.shell("sotto chain export - | head -c 9 >/dev/null; exit ${PIPESTATUS[0]}").code, 0);
    // A snapshot does not contain the operator's key.
    w.run(&format!("chain import whole --dir copy --id {id}")).ok();
    assert!(!w.path("copy/operator.key").exists());
    assert_eq!(record(&w.run("chain info --dir copy --json").ok())["tip"], info["tip"]);
    w.run("chain audit --dir copy").ok();
    w.run("chain import whole --dir copy").fails(1);
    w.run("chain import whole").fails(1);
    let wrong = if id.starts_with('0') { "1" } else { "0" };
    let other = format!("{wrong}{}", &id[1..]);
    assert!(w.run(&format!("chain import whole --dir x --id {other}")).fails(1).contains("of chain"));
    assert!(w.run("chain import whole --dir x --id beef").fails(1).contains("64"));
    // The damaged part is reported, and the undamaged copy fills the gap.
    let mut bytes = fs::read(w.path("whole")).unwrap();
    let at = bytes.len() - 1_000;
    bytes[at] ^= 1;
    fs::write(w.path("damaged"), &bytes).unwrap();
    let said = w.run("chain import damaged --dir late --json");
    assert_eq!(said.code, 1);
    let found = record(&said.out);
    assert_eq!((&found["complete"], &found["missing"].as_array().unwrap().len()), (&false.into(), &1));
    assert_eq!(found["missing"][0]["kind"], "outputs");
    assert!(w.run("chain info --dir late").fails(1).contains("import"));
    assert!(w.run("chain import damaged --dir late").fails(1).contains("another copy"));
    w.run("chain import whole --dir late").ok();
    w.run("chain audit --dir late").ok();
    // An earlier state; states that cannot be exported; files that are not snapshots.
    w.run(&format!("chain export --height {} earlier", height - 4)).ok();
    assert!(w.run("chain export --height 1 early").fails(1).contains("not kept"));
    assert!(!w.path("early").exists() && !w.path("early.part").exists());
    w.write("empty", "");
    assert!(w.run("chain import empty --dir y").fails(1).contains("start"));
    assert!(w.run("chain import nothing --dir y").fails(1).contains("read"));
}

/// Commands at the same time wait for each other's locks, unless they are not to.
#[test]
fn commands_wait_for_a_lock() {
    let w = World::empty();
    w.run("chain init").ok();
    w.run("wallet init --wallet alice --words-file alice.words").ok();
    w.shell("for n in 1 2 3 4; do sotto chain seal --wallet alice & all+=\" $!\"; done; for n in $all; do wait $n || exit 9; done")
        .ok();
    assert_eq!(record(&w.run("chain info --json").ok())["height"], 4);
    // The test's own process has each lock, so that nothing depends on time.
    for (lock, command) in
        [("data/chain/lock", "chain info"), ("data/wallets/alice.lock", "wallet address --wallet alice")]
    {
        let lock = fs::File::open(w.path(lock)).unwrap();
        lock.lock().unwrap();
        assert!(w.run(&format!("{command} --wait 0")).fails(1).contains("another process"), "{command}");
        std::thread::scope(|s| {
            let waiting = s.spawn(|| w.run(&format!("{command} --wait 600")));
            std::thread::sleep(std::time::Duration::from_millis(300));
            lock.unlock().unwrap();
            waiting.join().unwrap().ok();
        });
    }
}

/// The rewards go to the account that was named.
#[test]
fn rewards_go_to_the_account() {
    let w = World::empty();
    w.run("chain init").ok();
    w.run("wallet init --wallet alice --words-file alice.words").ok();
    w.run("wallet account create savings --wallet alice").ok();
    assert!(w.run("chain seal --wallet alice --account nosuch").fails(1).contains("no account `nosuch`"));
    w.run("chain seal --wallet alice --account savings --blocks 2").ok();
    let outputs = |account: &str| w.run(&format!("wallet outputs --wallet alice --json {account}")).ok();
    assert_eq!(outputs("--account savings").matches("\"type\":\"output\"").count(), 2, "{}", outputs(""));
    assert_eq!(record(&w.run("chain info --json").ok())["height"], 2, "the refused command sealed nothing");
}

#[test]
fn invalid_parameters_are_refused() {
    let w = World::empty();
    for words in ["--reorganisation 1440", "--window 61", "--window 60", "--reorganisation 200 --window 120"]
    {
        w.run(&format!("chain init {words}")).fails(1);
    }
    assert!(!w.path("data/operator.key").exists());
    w.run("chain init --reorganisation 0 --window 120").ok();
}
