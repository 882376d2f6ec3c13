//! Encrypted slates, invoices, contacts and proofs of payment at the command line.

use crate::support::World;

#[test]
fn slates_are_encrypted_by_default_and_print_again_byte_for_byte() {
    let w = World::proven();
    let invite = w.read("invite.txt");
    assert!(invite.starts_with("BEGIN SOTTO ENCRYPTED INVITE."));
    assert!(w.read("response.txt").starts_with("BEGIN SOTTO ENCRYPTED RESPONSE."));
    // The author cannot decrypt it, but recognises it.
    assert!(w.run("wallet receive invite.txt --yes --wallet alice").fails(1).contains("another address"));
    let again =
        |session: &str, how: &str| w.run(&format!("wallet slates {session} {how} --wallet alice")).ok();
    let listed = w.run("wallet slates --json --wallet alice").ok();
    let records: Vec<serde_json::Value> =
        listed.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let sessions = || records.iter().filter_map(|r| r["session"].as_str());
    assert_eq!(sessions().filter(|s| again(s, "") == invite).count(), 1);
    for session in sessions().take(1) {
        assert!(again(&session[..12], "--plain").starts_with("BEGIN SOTTO "));
    }
    assert!(w.run("wallet slates xyz --wallet alice").fails(1).contains("no payment"));
    assert!(w.run("wallet slates '' --wallet alice").fails(1).contains("more than one"));
    // With --plain it is not encrypted, and it is read like an encrypted one.
    w.run("wallet send --interactive 10000u --to bob --plain --yes --wallet alice > plain.txt").ok();
    assert!(w.read("plain.txt").starts_with("BEGIN SOTTO INVITE."));
    w.run("wallet receive plain.txt --yes --qr --wallet bob").ok();
    assert!(
        w.run("wallet send --interactive 10000u --to bob --memo \"$(printf 'a\\nb')\" --yes --wallet alice")
            .fails(1)
            .contains("memo")
    );
}

#[test]
fn an_invoice_is_paid_once_and_proven() {
    let w = World::proven();
    assert!(w.read("invoice.txt").starts_with("BEGIN SOTTO ENCRYPTED INVOICE."));
    let payment = w.run("wallet pay invoice.txt --yes --wallet alice").ok();
    assert_eq!(w.run("wallet pay invoice.txt --wallet alice").ok(), payment, "the same payment, unasked");
    assert!(w.run("wallet pay invoice.txt --yes --wallet bob").fails(1).contains("another address"));
    w.write("paid.txt", &payment);
    w.run("wallet finalize paid.txt --wallet bob | sotto chain submit -").ok();
    w.run("wallet cancel invoice.txt --wallet bob").fails(1);
    w.run("chain seal --wallet alice").ok();
    let asked = w.run("wallet slates --all --json --wallet bob").ok();
    let confirmed = |l: &&str| l.contains("\"confirmed\"") && l.contains("\"6000\"");
    assert_eq!(asked.lines().filter(confirmed).count(), 1);
    // The proof is valid as a record and as text, only on this chain and only with this memo.
    let session = w.read("paid.session");
    w.run(&format!("wallet proof export {} --json --wallet alice > proof.json", session.trim())).ok();
    let verify = |how: &str| w.run(&format!("wallet proof verify {how}"));
    assert!(
        verify("proof.json --memo 'for the roof' --to $(cat bob.address)")
            .ok()
            .contains("0.001 SOT was paid in or before block 9 (20")
    );
    // What is shown can be compared with an address, and the chain at hand is asked.
    let shown = verify("proof.json").ok();
    let bob = w.read("bob.address");
    assert!(shown.contains(&bob[..59]) && shown.contains("still in the chain here, in block 9"), "{shown}");
    let id: serde_json::Value = serde_json::from_str(&w.run("chain info --json").ok()).unwrap();
    let elsewhere = verify(&format!("proof.json --id {} --json", id["chain_id"].as_str().unwrap())).ok();
    assert!(elsewhere.contains("\"in_chain\":null"), "{elsewhere}");
    assert!(
        w.run(&format!("wallet proof export {} --wallet bob", session.trim()))
            .fails(1)
            .contains("only the payer")
    );
    assert!(verify("proof.json --memo 'for the cellar'").fails(1).contains("another memo"));
    assert!(
        verify("proof.json --to $(sotto wallet address --wallet alice)").fails(1).contains("another address")
    );
    assert!(verify(&format!("payment.proof --id {}", "0".repeat(64))).fails(1).contains("another chain"));
    verify("invite.txt").fails(1);
    let text = w.read("payment.proof");
    w.write("cut.proof", &text[..text.len() / 2]);
    verify("cut.proof").fails(1);
    // A payment that is not in a block cannot be proven.
    let open = w.read("open.session");
    w.run(&format!("wallet proof export {} --wallet alice", open.trim())).fails(1);
}

#[test]
fn a_contact_has_one_address() {
    let w = World::settled();
    let contact = |words: &str| w.run(&format!("wallet contact {words} --wallet alice"));
    let own = w.run("wallet address --wallet alice").ok();
    contact("add Bob $(cat bob.address)").ok();
    contact("add bob $(cat bob.address)").ok();
    assert!(contact(&format!("add BOB {}", own.trim())).fails(1).contains("another address"));
    assert!(contact("add 'b b' $(cat bob.address)").fails(1).contains("letters"));
    assert!(contact("add carol nowhere").fails(1).contains("address"));
    assert!(contact("list").ok().contains(&w.read("bob.address")));
    let send = "wallet send --interactive 10000u --yes --wallet alice --dry-run --to";
    assert!(w.run(&format!("{send} bob")).ok().contains(&w.read("bob.address")));
    assert!(w.run(&format!("{send} bo")).fails(1).contains("unknown contact `bo`"));
    // One address has one name, and no name looks like an address.
    assert!(contact("add robert $(cat bob.address)").fails(1).contains("is contact `Bob` already"));
    assert!(contact(&format!("add ssotto1x {}", own.trim())).fails(1).contains("like an address"));
    contact("remove bOB").ok();
    contact("remove bob").fails(1);
    assert!(w.run(&format!("{send} bob")).fails(1).contains("unknown contact `bob`"));
}
