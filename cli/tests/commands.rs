//! Commands are found by guessing: `help`, suggestions for what does not exist, man pages and completions in
//! one go.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::World;
use std::fs;

#[test]
fn help_is_a_command_and_the_same_as_the_flag() {
    let world = World::empty();
    for verb in ["", "demo", "wallet", "wallet send", "wallet contact add", "generate all"] {
        let asked = world.run(&format!("help {verb}")).ok();
        assert_eq!(asked, world.run(&format!("{verb} --help")).ok(), "{verb}");
    }
}

#[test]
fn options_of_all_commands_are_apart_from_those_of_a_verb() {
    let help = World::empty().run("help wallet send").ok();
    let at = |what: &str| help.find(what).unwrap_or_else(|| panic!("no {what} in {help}"));
    assert!(at("\nOptions:") < at("--memo") && at("--memo") < at("\nWallet options:"), "{help}");
    assert!(at("\nWallet options:") < at("--account") && at("--account") < at("\nGlobal options:"), "{help}");
    assert!(at("\nGlobal options:") < at("--json"), "{help}");
}

#[test]
fn a_guess_is_answered_with_the_command_that_exists() {
    let world = World::empty();
    for (typed, answers) in [
        ("wallet info", &["sotto wallet balance"][..]),
        ("wallet status", &["sotto wallet balance"]),
        ("wallet txs", &["sotto wallet history"]),
        ("wallet ls", &["sotto wallet list", "sotto wallet outputs"]),
        ("wallet balanse", &["sotto wallet balance"]),
        ("wallet --wallet alice new", &["sotto wallet init"]),
        ("wallet seal", &["sotto chain seal"]),
        ("wallet contact rm", &["sotto wallet contact remove"]),
        ("send", &["sotto wallet send"]),
        ("send 5 --to bob", &["sotto wallet send"]),
        ("pay", &["sotto wallet send", "sotto wallet pay"]),
        ("tx", &["sotto wallet history"]),
        ("balance --verbose", &["sotto wallet balance"]),
        ("ls", &["sotto wallet balance", "sotto chain info"]),
        ("--dir x chain hight", &["`sotto help chain`"]),
        ("chain status", &["sotto chain info"]),
        ("node start", &["sotto node run"]),
        ("bench", &["sotto speed"]),
        ("man", &["sotto generate all"]),
        ("frobnicate", &["`sotto help` lists the commands"]),
        ("help wallet info", &["sotto wallet balance"]),
    ] {
        let said = world.run(typed);
        assert!(said.out.is_empty(), "{typed}: {said:?}");
        let why = said.fails(2);
        assert!(why.contains("unknown command `sotto "), "{typed}: {why}");
        answers.iter().for_each(|answer| assert!(why.contains(answer), "{typed}: {why}"));
    }
}

#[test]
fn man_pages_and_completions_are_written_by_one_command() {
    let world = World::empty();
    world.run("generate all share").ok();
    for (file, text) in [
        ("man/man1/sotto.1", "sotto"),
        ("man/man1/sotto-wallet.1", "balance"),
        ("man/man1/sotto-wallet-send.1", "memo"),
        ("man/man1/sotto-wallet-contact-add.1", "address"),
        ("completions/sotto.bash", "_sotto"),
        ("completions/_sotto", "#compdef sotto"),
        ("completions/sotto.fish", "complete -c sotto"),
    ] {
        assert!(world.read(&format!("share/{file}")).contains(text), "{file}");
    }
    let pages = fs::read_dir(world.path("share/man/man1")).unwrap().count();
    assert!(pages > 50, "{pages} man pages");
    world.write("share/completions/sotto.fish", "mine");
    assert!(world.run("generate all share").fails(1).contains("--force"));
    assert_eq!(world.read("share/completions/sotto.fish"), "mine");
    world.run("generate all share --force").ok();
    assert_ne!(world.read("share/completions/sotto.fish"), "mine");
}
