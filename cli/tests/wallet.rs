//! Accounts, history, view keys, backups, and ending payments.

use crate::support::World;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn accounts_have_names_addresses_and_balances_of_their_own() {
    let w = World::settled();
    w.run("wallet account create rent --wallet bob").ok();
    assert!(w.run("wallet account create rent --wallet bob").fails(1).contains("already has this name"));
    assert!(w.run("wallet account create 7 --wallet bob").fails(1).contains("not only digits"));
    assert!(w.run("wallet balance --account nobody --wallet bob").fails(1).contains("account list"));
    let address = w.run("wallet address --account rent --wallet bob").ok();
    assert_ne!(address.trim(), w.read("bob.address"));
    let send = format!("wallet send --interactive 1000000u --to {} --yes --wallet alice", address.trim());
    let line = format!(
        "sotto {send} | sotto wallet receive - --yes --wallet bob | sotto wallet finalize - --wallet alice | sotto chain submit -"
    );
    w.shell(&line).ok();
    w.run("chain seal --wallet alice").ok();
    let list = w.run("wallet account list --wallet bob --json").ok();
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains(r#""name":"0""#) && lines[0].contains(r#""total":"0""#));
    assert!(lines[1].contains(r#""name":"rent""#) && lines[1].contains(r#""total":"1000000""#));
    // The CSV has a header line and one line per payment.
    let csv = w.run("wallet history --csv --wallet alice").ok();
    assert!(csv.starts_with("height,kind,account,amount,fee,party,memo,id,date,reference\n"));
    let sent: Vec<_> = csv.lines().filter(|l| l.contains(",sent,")).collect();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("9,sent,0,1000000,60000,ssotto1"), "{sent:?}");
    assert!(w.run("wallet history --csv --json --wallet alice").code == 2);
}

#[test]
fn a_view_key_shows_and_cannot_pay() {
    let w = World::settled();
    w.shell("sotto wallet view-key export --wallet alice > key && sotto wallet view-key import key --wallet watch").ok();
    let shown = w.run("wallet view-key show --wallet watch --json").ok();
    assert_eq!(shown.matches(r#""type":"received","#).count(), 8);
    assert!(shown.contains(r#""received":"48000000000","unspent":"48000000000""#), "{shown}");
    let refused = w.run("wallet balance --wallet watch").fails(1);
    assert!(refused.contains("view-only wallet") && refused.contains("view-key show --wallet watch"));
    assert_eq!(w.run("wallet list").ok(), "alice\nbob\nwatch\n");
    assert!(w.run("wallet view-key show --wallet alice").fails(1).contains("not a view-only wallet"));
    w.write("nonsense", "ssottoview1qqqq");
    w.run("wallet view-key import nonsense --wallet other").fails(1);
    assert!(!w.path("data/wallets/other").exists());
}

#[test]
fn a_backup_is_rehearsed_and_a_passphrase_changed() {
    let w = World::settled();
    w.run("wallet backup alice.backup --wallet alice").ok();
    assert_eq!(fs::metadata(w.path("alice.backup")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(w.run("wallet backup alice.backup --wallet alice").fails(1).contains("another file"));
    w.run("wallet scan --wallet alice").ok();
    w.run("chain seal --blocks 2 --wallet alice").ok();
    // A scan reads the new blocks, and then nothing.
    let scan = || w.run("wallet scan --wallet alice --json").ok();
    let scanned = scan();
    assert!(scanned.contains(r#""reason":null"#) && !scanned.contains(r#""blocks":0,"#), "{scanned}");
    let scanned = scan();
    assert!(scanned.contains(r#""blocks":0,"reason":null,"tried":0,"#), "{scanned}");
    let put_back = w.run("wallet restore --backup alice.backup --wallet again").ok();
    assert!(put_back.contains("restored wallet `again`"), "{put_back}");
    let balance = |name: &str| w.run(&format!("wallet balance --wallet {name} --json")).ok();
    assert_eq!(balance("again").replace("again", "alice"), balance("alice"));
    assert!(w.run("wallet restore --backup alice.backup --wallet again").fails(1).contains("exists already"));
    let drill = w.run("wallet verify-backup alice.backup --wallet alice --json").ok();
    assert!(drill.contains(r#""payments":0,"loss":{"blocks":"#), "{drill}");
    assert!(w.run("wallet verify-backup alice.backup --wallet bob").fails(1).contains("another wallet"));
    assert!(w.run("wallet verify-backup alice.backup --wallet gone").ok().contains("no wallet here"));
    w.shell("umask 077; echo another > new.pass").ok();
    w.run("wallet passphrase --new-passphrase-file new.pass --wallet alice").ok();
    assert!(w.run("wallet balance --wallet alice").fails(1).contains("passphrase"));
    w.run("wallet balance --passphrase-file new.pass --wallet alice").ok();
    w.run("wallet verify-backup alice.backup --wallet gone").ok();
    w.write("alice.backup", "cut");
    assert!(
        w.run("wallet verify-backup alice.backup --wallet gone").fails(1).contains("cannot use the backup")
    );
}

/// A payment is cancelled for free until it is finalized; afterwards a self-spend ends it, once.
#[test]
fn a_finalized_payment_is_ended_by_a_self_spend() {
    let w = World::paying();
    let free = w.run("wallet cancel invite.txt --self-spend --yes --wallet alice --json").ok();
    assert!(free.contains(r#""type":"cancelled""#));
    // This one is finalized, but not submitted.
    w.shell("sotto wallet finalize response.txt --wallet alice > late.txt").ok();
    let refused = w.run("wallet cancel one.txt --wallet alice").fails(1);
    assert!(refused.contains("--self-spend"), "{refused}");
    assert!(w.run("wallet cancel one.txt --self-spend --wallet alice").fails(4).contains("--yes"));
    w.run("wallet cancel one.txt --self-spend --yes --wallet alice").ok();
    w.run("chain seal --wallet bob").ok();
    let txs = w.run("wallet history --wallet alice").ok();
    assert!(txs.contains("displaced") && txs.contains("self-spend"), "{txs}");
    w.run("chain submit late.txt").fails(1);
    w.run("wallet cancel one.txt --self-spend --yes --wallet alice").fails(1);
}
