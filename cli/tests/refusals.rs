//! Invalid input: one clear error, the documented exit code, and no partial result.

use crate::support::World;
use std::fs;

#[test]
fn usage_errors_are_2_and_missing_things_are_1() {
    let w = World::empty();
    for words in [
        "",
        "wallet",
        "chain seal --blocks 0",
        "mpc circuit",
        "demo --sabotage everything",
        "generate man nothing",
    ] {
        assert_eq!(w.run(words).code, 2, "{words}");
    }
    assert!(w.run("chain info").fails(1).contains("sotto chain init"));
    assert!(w.run("wallet balance").fails(1).contains("sotto chain init"));
    w.run("chain init").ok();
    assert!(w.run("wallet balance").fails(1).contains("sotto wallet init"));
    assert!(w.run("chain block 7").fails(1).contains("no block 7"));
    w.run("chain init").fails(1);
    w.run("wallet init --wallet ../outside --words-file x").fails(1);
    assert!(!w.path("x").exists());
}

#[test]
fn without_a_terminal_the_code_is_4_and_nothing_happens() {
    let w = World::settled();
    w.run("wallet init --wallet carol").fails(4);
    assert!(!w.path("data/wallets/carol").exists());
    let before = w.run("wallet balance --wallet alice --json").ok();
    assert!(
        w.run("wallet send --interactive 10000u --to $(cat bob.address) --wallet alice")
            .fails(4)
            .contains("--yes")
    );
    w.shell("env -u SOTTO_PASSPHRASE_FILE sotto wallet balance --wallet alice").fails(4);
    // A person is not asked for the passphrase of what is not there.
    let absent =
        |line: &str| w.shell(&format!("env -u SOTTO_PASSPHRASE_FILE sotto wallet balance {line}")).fails(1);
    assert!(absent("--wallet zoe").contains("no wallet `zoe`"));
    assert!(absent("--wallet alice --dir empty").contains("no chain in empty"));
    assert_eq!(w.run("wallet balance --wallet alice --json").ok(), before);
}

#[test]
fn secret_files_that_others_can_read_are_refused() {
    let w = World::settled();
    w.shell("chmod 644 pass");
    assert!(w.run("wallet balance --wallet alice").fails(1).contains("chmod 600"));
    w.shell("chmod 600 pass && echo wrong > pass");
    assert!(w.run("wallet balance --wallet alice").fails(1).contains("passphrase"));
    w.write("pass", "correct horse\n");
    // A flag overrides the environment.
    w.shell("SOTTO_PASSPHRASE_FILE=nowhere sotto wallet balance --wallet alice --passphrase-fd 5 5< pass")
        .ok();
    w.shell("chmod 644 data/operator.key");
    w.run("chain seal --wallet alice").fails(1);
}

#[test]
fn a_wrong_seed_word_is_named_by_its_position() {
    let w = World::settled();
    let words = w.read("alice.words");
    let put = |text: &str| {
        w.write("try.words", text);
        w.shell("chmod 600 try.words");
        w.run("wallet restore --wallet again --words-file try.words")
    };
    let all: Vec<&str> = words.split_whitespace().collect();
    assert!(put(&all[..23].join(" ")).fails(1).contains("24 seed words, found 23"));
    let mut bad = all.clone();
    bad[4] = "sottovoce";
    assert!(put(&bad.join(" ")).fails(1).contains("word 5"));
    // Words of this wallet in another order would pass one time in 256. These are sound with `art` at the end.
    let swapped = ["art"].into_iter().chain(["abandon"; 23]).collect::<Vec<_>>();
    assert!(put(&swapped.join(" ")).fails(1).contains("checksum"));
    assert!(!w.path("data/wallets/again").exists());
    let lines: Vec<String> = all.chunks(6).map(|l| l.join(" ")).collect();
    put(&lines.join("\n")).ok();
    let total =
        |name: &str| w.run(&format!("wallet balance --wallet {name} --json | sed 's/.*total/total/'")).ok();
    assert_eq!(total("again"), total("alice"));
}

#[test]
fn impossible_amounts_are_refused() {
    let w = World::settled();
    for amount in ["0", "-5", "+5", "1.5000000001", "1.5 BTC", "1.5u", "1e3", "18446744073709551616", "a lot"]
    {
        let said = w.run(&format!(
            "wallet send --interactive '{amount}' --to $(cat bob.address) --yes --wallet alice"
        ));
        assert!(said.fails(2).contains("invalid amount"), "{amount}");
    }
    for amount in ["18446744073709551615", "999999999999999"] {
        w.run(&format!("wallet send --interactive {amount}u --to $(cat bob.address) --yes --wallet alice"))
            .fails(1);
    }
    let address = w.read("bob.address");
    let typo = format!("{}{}", &address[..address.len() - 1], if address.ends_with('q') { 'p' } else { 'q' });
    w.run(&format!("wallet send --interactive 10000u --to {typo} --yes --wallet alice")).fails(1);
    assert!(w.run("wallet balance --wallet alice").ok().contains("locked                       0 SOT"));
}

#[test]
fn truncated_altered_and_misaddressed_slates_are_refused() {
    let w = World::paying();
    let invite = w.read("invite.txt");
    let receive = "wallet receive --yes --wallet bob";
    w.write("cut.txt", &invite[..invite.len() / 2]);
    w.run(&format!("{receive} cut.txt")).fails(1);
    let mut lines: Vec<String> = invite.lines().map(str::to_owned).collect();
    let flipped: String = lines[2].chars().rev().collect();
    lines[2] = flipped;
    w.write("altered.txt", &lines.join("\n"));
    w.run(&format!("{receive} altered.txt")).fails(1);
    w.write("empty.txt", "");
    w.run(&format!("{receive} empty.txt")).fails(1);
    w.shell("head -c 5000000 /dev/zero | tr '\\0' a > long.txt");
    assert!(w.run(&format!("{receive} long.txt")).fails(1).contains("longer"));
    // A response is not an invite, and an invite is not a transaction.
    w.run(&format!("{receive} response.txt")).fails(1);
    w.run("chain submit invite.txt").fails(1);
    // Only the addressed wallet can answer an invite.
    w.run("wallet receive --yes --wallet alice invite.txt").fails(1);
    // Quoted and wrapped by a mail program, it is still the same invite.
    let mail = format!("> hello\n{}\nbye", invite.replace('\n', "\n> "));
    w.write("mail.txt", &mail);
    w.run(&format!("{receive} mail.txt")).ok();
    // A cancelled session cannot be finalized.
    w.run(&format!("{receive} invite.txt > late.txt")).ok();
    for (words, verb) in
        [("receive response.txt --yes", "wallet finalize"), ("finalize invite.txt", "wallet receive")]
    {
        assert!(w.run(&format!("wallet {words} --wallet alice")).fails(1).contains(verb), "{words}");
    }
    w.run("wallet cancel invite.txt --wallet alice").ok();
    assert!(w.run("wallet finalize late.txt --wallet alice").fails(1).contains("cancelled"));
}

/// An old copy of the wallet file repeats what was signed, and does not cancel it.
#[test]
fn an_old_wallet_file_signs_nothing_twice() {
    let w = World::paying();
    w.shell("cp data/wallets/alice old").ok();
    let finalize = "wallet finalize response.txt --wallet alice";
    let t = w.run(finalize).ok();
    w.shell("cp old data/wallets/alice").ok();
    assert!(w.run("wallet cancel one.txt --wallet alice").fails(1).contains("has left"));
    assert_eq!(w.run(finalize).ok(), t);
    // On another machine, the copy does not know what was signed.
    w.shell("cp old data/wallets/alice && mv state elsewhere").ok();
    assert!(w.run(finalize).fails(1).contains("another installation"));
    assert!(w.run("wallet cancel one.txt --wallet alice").fails(1).contains("copy"));
}

#[test]
fn folders_with_secrets_are_private_whatever_the_umask() {
    let w = World::empty();
    w.shell("umask 000 && sotto chain init && sotto wallet init --wallet alice --words-file alice.words")
        .ok();
    let modes = "stat -c %a data/wallets state state/closed data/wallets/alice state/installation.key alice.words data/operator.key";
    assert_eq!(
        w.shell(modes).ok().split_whitespace().collect::<Vec<_>>(),
        ["700", "700", "700", "600", "600", "600", "600"]
    );
}

#[test]
fn a_transaction_counts_once_and_on_its_own_chain() {
    let w = World::paying();
    w.run("chain submit transaction.txt").ok();
    w.run("chain submit transaction.txt").fails(1);
    w.run("chain seal --wallet alice").ok();
    assert!(w.run("chain submit transaction.txt").ok().contains("already in block 9 (20"));
    let other = World::settled();
    fs::copy(w.path("transaction.txt"), other.path("transaction.txt")).unwrap();
    fs::copy(w.path("invite.txt"), other.path("invite.txt")).unwrap();
    assert!(other.run("chain submit transaction.txt").fails(1).contains("chain"));
    assert!(other.run("wallet receive invite.txt --yes --wallet bob").fails(1).contains("chain"));
    assert!(w.run("chain audit --json").ok().contains(r#""audit":"ok""#));
    assert!(w.run("wallet balance --wallet bob").ok().contains("spendable                0.001 SOT"));
}

#[test]
fn a_copied_wallet_cannot_finalize() {
    let w = World::paying();
    let said = w.shell("SOTTO_STATE_DIR=$PWD/elsewhere sotto wallet finalize response.txt --wallet alice");
    assert!(said.fails(1).contains("another installation"));
    w.run("wallet finalize response.txt --wallet alice").ok();
}

#[test]
fn malformed_circuits_are_refused_with_their_line() {
    let w = World::empty();
    w.write("in.hex", "1\n1\n");
    let adder = include_str!("data/adder8.txt");
    let header = "1 3\n2 1 1\n1 1\n\n";
    for (name, text) in [
        ("empty", String::new()),
        ("index out of range", format!("{header}2 1 0 9 2 AND\n")),
        ("re-assigned wire", format!("{header}2 1 0 1 1 AND\n")),
        ("undefined wire", "2 4\n2 1 1\n1 1\n\n2 1 0 3 2 AND\n2 1 0 1 3 AND\n".to_owned()),
        ("too few gates", adder.lines().take(20).collect::<Vec<_>>().join("\n")),
        ("huge header", "99999999999999999999 3\n2 1 1\n1 1\n\n2 1 0 1 2 AND\n".to_owned()),
        ("large header", "4000000000 4000000000\n2 1 1\n1 1\n\n2 1 0 1 2 AND\n".to_owned()),
        ("unknown gate", format!("{header}2 1 0 1 2 NAND\n")),
        ("wrong fan-in", format!("{header}1 1 0 2 AND\n")),
        ("binary", "\u{0}\u{1}\u{2}".to_owned()),
    ] {
        w.write("bad.txt", &text);
        let said = w.run("mpc circuit bad.txt --role both --input in.hex").fails(1);
        assert!(said.contains("why:"), "{name}: {said}");
    }
    w.write("adder.txt", adder);
    for (input, why) in
        [("1", "values"), ("1\n2\n3", "values"), ("100\n1", "more than 8 bits"), ("x\n1", "hexadecimal")]
    {
        w.write("in.hex", input);
        assert!(w.run("mpc circuit adder.txt --role both --input in.hex").fails(1).contains(why));
    }
    w.write("in.hex", "1\n1\n");
    assert_eq!(w.run("mpc circuit adder.txt --role both --input in.hex --garbler-values 3").code, 2);
}

#[test]
fn two_processes_add_and_a_lost_peer_is_3() {
    let w = World::empty();
    w.write("adder.txt", include_str!("data/adder8.txt"));
    w.write("a.hex", "2a\n");
    w.write("b.hex", "17\n");
    let side = |role: &str, how: &str, input: &str| {
        format!("sotto mpc circuit adder.txt --role {role} {how} --input {input} --timeout 20")
    };
    let line = format!(
        "{} & {}; wait $!",
        side("garbler", "--listen 127.0.0.1:7809", "a.hex"),
        side("evaluator", "--connect 127.0.0.1:7809", "b.hex"),
    );
    assert_eq!(w.shell(&line).ok(), "41\n41\n");
    let alone = side("evaluator", "--connect 127.0.0.1:7810", "b.hex").replace("20", "1");
    w.shell(&alone).fails(3);
    // A peer that speaks another protocol, and a peer that disconnects at once.
    for peer in ["printf 'GET / HTTP/1.1\\r\\n\\r\\n'", "true"] {
        let garbler = side("garbler", "--listen 127.0.0.1:7811", "a.hex");
        let line =
            format!("({garbler}; exit $?) & p=$!; sleep 0.5; {peer} > /dev/tcp/127.0.0.1/7811; wait $p");
        assert_eq!(w.shell(&line).code, 3, "{peer}");
    }
    let open = side("garbler", "--listen 0.0.0.0:0", "a.hex");
    assert!(w.shell(&open).fails(1).contains("--insecure-plaintext"));
}

#[test]
fn a_closed_pipe_is_success_and_json_stays_json() {
    let w = World::settled();
    assert_eq!(w.shell("sotto chain block 1 | head -1 >/dev/null; exit ${PIPESTATUS[0]}").code, 0);
    for words in [
        "chain info",
        "chain audit",
        "chain block 1",
        "wallet balance --wallet alice",
        "wallet outputs --wallet alice",
        "config show",
    ] {
        for line in w.run(&format!("{words} --json")).ok().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["v"], 1, "{words}");
            assert!(record["type"].is_string(), "{words}");
        }
    }
}
