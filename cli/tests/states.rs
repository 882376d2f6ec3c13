//! What the command line says of payments in every state, and which outputs it spends.
#![allow(clippy::unwrap_used)]

use crate::support::World;

fn field(record: &str, name: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(record.lines().next().unwrap()).unwrap();
    record[name].as_str().map_or_else(|| record[name].to_string(), str::to_owned)
}

#[test]
fn a_payment_in_a_block_is_not_handed_out_again() {
    let w = World::paying();
    w.run("chain submit transaction.txt").ok();
    w.run("chain seal --wallet alice").ok();
    for line in ["finalize two.txt --wallet alice", "finalize two.txt --submit --wallet alice"] {
        let said = w.run(&format!("wallet {line}"));
        assert!(said.code == 0 && said.out.starts_with("already in block 9 (20"), "{said:?}");
    }
    // Submitted at once.
    let done = w.run("wallet finalize response.txt --submit --wallet alice").ok();
    assert!(done.starts_with("pending "), "{done}");
    w.run("chain seal --wallet alice").ok();
    let listed = w.run("wallet slates --all --wallet bob").ok();
    assert!(listed.contains("in block 10 (20") && listed.contains("the payer has its proof"), "{listed}");
    let mine = w.run("wallet slates --all --wallet alice").ok();
    assert!(mine.contains("you have its proof: sotto wallet proof export"), "{mine}");
}

#[test]
fn a_paid_invoice_that_is_in_a_block_says_so() {
    let w = World::proven();
    w.run("wallet finalize payment.txt --submit --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    let said = w.run("wallet pay bill.txt --wallet alice");
    assert!(said.code == 0 && said.out.starts_with("already in block 10 (20"), "{said:?}");
}

/// The payment of an invoice that was ended is not handed out again, as if it could still be collected.
#[test]
fn an_ended_payment_of_an_invoice_is_refused() {
    let w = World::proven();
    let listed = w.run("wallet slates --json --wallet alice").ok();
    let paid = listed.lines().find(|l| field(l, "role") == "pay").unwrap();
    let session = field(paid, "session");
    w.run(&format!("wallet cancel --session {session} --self-spend --yes --wallet alice")).ok();
    w.run("chain seal --wallet alice").ok();
    let refused = w.run("wallet pay bill.txt --yes --wallet alice").fails(1);
    assert!(refused.contains("has ended") && refused.contains("ask for a new invoice"), "{refused}");
}

/// A receiver learns that an invite has expired before the question, not after it.
#[test]
fn an_expired_invite_is_refused_without_a_question() {
    let w = World::empty();
    w.run("chain init --reorganisation 4 --window 120").ok();
    for name in ["alice", "bob"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    w.run("chain seal --blocks 6 --wallet alice").ok();
    w.shell("sotto wallet send 1 --interactive --to $(sotto wallet address --wallet bob) --yes --wallet alice > invite.txt")
        .ok();
    w.run("wallet receive invite.txt --wallet bob").fails(4);
    w.run("chain seal --blocks 130 --wallet alice").ok();
    let refused = w.run("wallet receive invite.txt --wallet bob").fails(1);
    assert!(refused.contains("expired"), "{refused}");
}

#[test]
fn the_receiver_of_a_cancelled_payment_dismisses_it() {
    let w = World::paying();
    w.run("wallet receive invite.txt --yes --wallet bob").ok();
    let listed = w.run("wallet slates --json --wallet bob").ok();
    assert!(listed.lines().all(|l| field(l, "status") == "answered"), "{listed}");
    let session = field(&listed, "session");
    let refused = w.run(&format!("wallet cancel --session {session} --wallet bob")).fails(1);
    assert!(refused.contains("--forget") && refused.contains("only the payer"), "{refused}");
    let before = field(&w.run("wallet balance --wallet bob --json").ok(), "pending");
    assert!(w.run(&format!("wallet slates {session} --forget --wallet bob")).ok().contains("dismissed"));
    let after = field(&w.run("wallet balance --wallet bob --json").ok(), "pending");
    assert_eq!(before.parse::<u64>().unwrap(), after.parse::<u64>().unwrap() + 1_000_000);
    assert!(!w.run("wallet slates --wallet bob").ok().contains(&session));
    assert!(w.run("wallet slates --all --wallet bob").ok().contains("dismissed"));
}

#[test]
fn everything_open_is_cancelled_at_once() {
    let w = World::paying();
    w.run("wallet invoice 300000u --wallet alice").ok();
    let locked = || field(&w.run("wallet balance --wallet alice --json").ok(), "locked");
    let before = locked();
    let open = w.run("wallet slates --wallet alice --json").ok();
    let plan = w.run("wallet cancel --all --dry-run --wallet alice --json").ok();
    assert_eq!(plan.matches("\"cancel-plan\"").count(), 3, "{plan}");
    assert_eq!(w.run("wallet slates --wallet alice --json").ok(), open, "a dry run changes nothing");
    w.run("wallet cancel invite.txt --dry-run --wallet alice").ok();
    assert_eq!(locked(), before);
    w.run("wallet cancel invite.txt --yes --wallet alice").ok();
    assert_ne!(locked(), before);
    assert_eq!(w.run("wallet cancel --all --wallet alice --json").ok().matches("\"cancelled\"").count(), 2);
    assert_eq!(w.run("wallet cancel --all --wallet alice --json").ok(), "");
}

#[test]
fn outputs_are_chosen_frozen_and_spent_whole() {
    let w = World::settled();
    let outputs = w.run("wallet outputs --wallet alice --json").ok();
    let free: Vec<String> =
        outputs.lines().filter(|l| field(l, "spendable") == "true").map(|l| field(l, "commitment")).collect();
    let send = |how: &str| {
        w.run(&format!("wallet send --interactive {how} --to $(cat bob.address) --dry-run --wallet alice"))
    };
    assert!(send(&format!("10000u --spend {}", free[1])).ok().contains(&free[1]));
    assert!(w.run(&format!("wallet freeze {} --wallet alice", &free[1][..16])).ok().starts_with("frozen: "));
    assert!(send(&format!("10000u --spend {}", free[1])).fails(1).contains("not a free output"));
    let balance = w.run("wallet balance --wallet alice").ok();
    assert!(balance.contains("6 SOT  that no payment spends until it is unfrozen"), "{balance}");
    let all = send("--all").ok();
    assert!(
        !all.contains(&free[1]) && free.iter().filter(|c| all.contains(*c)).count() == free.len() - 1,
        "{all}"
    );
    w.run(&format!("wallet unfreeze {} --wallet alice", free[1])).ok();
    assert!(send("--all").ok().contains(&free[1]));
    // Dust is refused with its numbers.
    let dust = send("8000u").fails(1);
    assert!(
        dust.contains("0.000008 SOT is not worth spending") && dust.contains("costs 0.000008 SOT in fees"),
        "{dust}"
    );
    send("8000u --allow-dust").ok();
    send("8,001u").ok();
    assert_eq!(send("80,01u").code, 2);
    assert_eq!(w.run("wallet send --interactive --all --to a=5 --wallet alice").code, 2);
}

#[test]
fn history_has_dates_and_a_restored_one_shows_what_was_spent() {
    let w = World::proven();
    let shown = w.run("wallet history --wallet alice").ok();
    let sent = shown.lines().find(|l| l.contains(" sent ") && l.contains("confirmed")).unwrap();
    assert!(sent.starts_with("20") && sent.contains("        9  sent"), "{sent}");
    let csv = w.run("wallet history --csv --wallet alice").ok();
    let date = csv.lines().next().unwrap().split(',').position(|column| column == "date").unwrap();
    let dated = |l: &str| l.split(',').nth(date).unwrap().starts_with("20");
    let mut sent = csv.lines().filter(|l| l.contains(",sent,")).peekable();
    assert!(sent.peek().is_some() && sent.all(dated), "{csv}");
    w.run("wallet restore --wallet again --words-file alice.words").ok();
    let again = w.run("wallet history --wallet again --json").ok();
    let kinds: Vec<String> = again.lines().map(|l| field(l, "kind")).collect();
    assert!(kinds.iter().all(|k| k == "reward" || k == "spent"), "{kinds:?}");
    let spent = again.lines().find(|l| field(l, "kind") == "spent").unwrap();
    assert_eq!(field(spent, "amount"), "1060000");
    let late = w.run("wallet restore --wallet late --words-file alice.words --birthday 900");
    assert!(late.code == 2 && late.err.contains("above the last block"), "{late:?}");
    let part = w.run("wallet restore --wallet part --words-file alice.words --birthday 5");
    assert!(part.code == 0 && part.err.contains("Blocks below 5 were not looked at"), "{part:?}");
}
