//! Suggestions for an unknown command: `sotto send` → did you mean `sotto wallet send`?
//!
//! ```text
//! NOUN WORD ──▶ a guess in GUESSES ──▶ a command of that name elsewhere ──▶ a similar name (from clap)
//! ```
//!
//! The first source that has an answer wins. A unit test checks that every suggested command exists.

use crate::{
    args::Cli,
    exit::{Code, Failure},
};
use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::ffi::OsString;

/// A guess: the noun that it follows (`*` for any, empty for none), words that people type, commands that
/// they mean.
type Guess = (&'static str, &'static [&'static str], &'static [&'static str]);

/// More specific rows come first.
const GUESSES: &[Guess] = &[
    ("wallet", &["info", "status", "show", "amount", "funds", "total"], &["wallet balance"]),
    ("wallet", &["ls"], &["wallet list", "wallet outputs", "wallet account list"]),
    ("wallet", &["new", "create", "generate"], &["wallet init"]),
    ("wallet", &["export", "dump"], &["wallet backup", "wallet view-key export", "wallet proof export"]),
    ("wallet", &["import", "recover", "load"], &["wallet restore"]),
    ("wallet contact", &["new", "create", "set"], &["wallet contact add"]),
    ("wallet contact", &["rm", "delete", "del"], &["wallet contact remove"]),
    ("wallet contact", &["ls", "show"], &["wallet contact list"]),
    ("wallet account", &["new", "add", "init"], &["wallet account create"]),
    ("wallet account", &["ls", "show"], &["wallet account list"]),
    ("wallet proof", &["create", "make", "show"], &["wallet proof export"]),
    ("wallet proof", &["check"], &["wallet proof verify"]),
    ("chain", &["status", "show", "height", "tip", "stat", "stats"], &["chain info"]),
    ("chain", &["new", "create"], &["chain init"]),
    ("chain", &["verify", "check", "supply"], &["chain audit"]),
    ("chain", &["copy", "clone", "sync"], &["chain join", "chain import"]),
    ("node", &["info", "show"], &["node status"]),
    ("mpc", &["init", "create", "template"], &["mpc new"]),
    ("mpc", &["keys", "key", "genkey"], &["mpc keygen"]),
    ("mpc", &["approve", "consent", "agree", "accept"], &["mpc sign"]),
    ("mpc", &["pay", "purchase", "order"], &["mpc buy"]),
    ("mpc", &["sell"], &["mpc offer new", "mpc run"]),
    ("mpc", &["test", "demo", "simulate"], &["mpc try", "mpc local"]),
    ("mpc", &["gather", "pack", "approvals"], &["mpc bundle", "mpc collect"]),
    ("mpc", &["estimate", "cost", "price", "speed"], &["mpc quote"]),
    ("mpc", &["show", "describe", "read", "explain"], &["mpc check"]),
    ("mpc", &["join", "start", "compute"], &["mpc run"]),
    ("mpc", &["server", "relay", "listen"], &["mpc rendezvous"]),
    ("tee", &["attest", "quote", "report", "prove"], &["tee evidence"]),
    ("tee", &["check", "appraise"], &["tee verify", "tee policy check"]),
    ("tee", &["revoke"], &["tee policy revoke"]),
    ("", &["pay", "transfer"], &["wallet send", "wallet pay"]),
    ("", &["ls", "list"], &["wallet balance", "wallet history", "chain info"]),
    ("", &["new", "create", "start"], &["chain init", "wallet init", "node run"]),
    ("*", &["transfer", "pay-to", "spend"], &["wallet send"]),
    ("*", &["tx", "txs", "transaction", "transactions", "payments", "log"], &["wallet history"]),
    ("*", &["request", "bill", "charge"], &["wallet invoice"]),
    ("*", &["accept", "respond", "answer"], &["wallet receive"]),
    ("*", &["finish", "complete", "finalise"], &["wallet finalize"]),
    ("*", &["abort", "revoke", "undo"], &["wallet cancel"]),
    ("*", &["rescan", "refresh", "update", "sync"], &["wallet scan"]),
    ("*", &["utxo", "utxos", "coins"], &["wallet outputs"]),
    ("*", &["merge", "combine"], &["wallet consolidate", "wallet sweep"]),
    ("*", &["password", "passwd"], &["wallet passphrase"]),
    ("*", &["seed", "words", "mnemonic", "phrase"], &["wallet init", "wallet restore"]),
    ("*", &["addresses", "contacts", "address-book"], &["wallet address", "wallet contact list"]),
    ("*", &["mine", "mint", "forge"], &["chain seal"]),
    ("*", &["broadcast", "push", "post"], &["chain submit"]),
    ("*", &["blocks", "explorer"], &["chain block", "chain info"]),
    ("*", &["start", "daemon", "serve", "up", "connect"], &["node run"]),
    ("*", &["kill", "quit", "shutdown", "down"], &["node stop"]),
    ("*", &["bench", "benchmark"], &["speed"]),
    ("*", &["settings", "options"], &["config show"]),
    (
        "*",
        &["man", "manual", "completion", "docs"],
        &["generate all", "generate man", "generate completions"],
    ),
    ("*", &["example", "tour", "tutorial"], &["demo"]),
];

/// The error for a command that does not exist; `None` for any other error of the parser.
pub(crate) fn unknown_command(error: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    else {
        return None;
    };
    let noun = noun(word, arguments);
    let similar = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    };
    let typed = join(&noun, word);
    let failure = Failure::new(Code::Usage, format!("unknown command `sotto {typed}`"));
    let mut found = commands(&noun, word);
    if found.is_empty() {
        found = similar.iter().map(|name| join(&noun, name)).collect();
    }
    let all = if noun.is_empty() { "`sotto help`".to_owned() } else { format!("`sotto help {noun}`") };
    Some(match &found[..] {
        [] => failure.help(format!("{all} lists the commands")),
        found => {
            let quoted: Vec<String> = found.iter().map(|c| format!("`sotto {c}`")).collect();
            failure.help(format!("did you mean {}? {all} lists the commands", quoted.join(" or ")))
        }
    })
}

fn join(noun: &str, word: &str) -> String {
    if noun.is_empty() { word.to_owned() } else { format!("{noun} {word}") }
}

/// The commands before `word`, such as `wallet contact`; options and their values are skipped.
fn noun(word: &str, arguments: &[OsString]) -> String {
    let mut command = Cli::command();
    let mut path = Vec::new();
    for argument in arguments.iter().skip(1).filter_map(|a| a.to_str()) {
        let Some(next) = command.find_subcommand(argument) else {
            if argument == word {
                break;
            }
            continue;
        };
        path.push(argument.to_owned());
        command = next.clone();
    }
    path.join(" ")
}

/// What someone who typed `noun word` probably means.
fn commands(noun: &str, word: &str) -> Vec<String> {
    let fits = |(of, words, _): &&Guess| (*of == noun || *of == "*") && words.contains(&word);
    if let Some((_, _, commands)) = GUESSES.iter().find(fits) {
        return commands.iter().map(|c| (*c).to_owned()).collect();
    }
    let mut named = Vec::new();
    collect(&Cli::command(), "", word, &mut named);
    named
}

/// Collects the paths of all commands that are called `word`.
fn collect(command: &clap::Command, path: &str, word: &str, into: &mut Vec<String>) {
    for verb in command.get_subcommands() {
        let path = join(path, verb.get_name());
        if verb.get_name() == word {
            into.push(path.clone());
        }
        collect(verb, &path, word, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exists(path: &str) -> bool {
        let mut all = Vec::new();
        collect(&Cli::command(), "", path.rsplit(' ').next().unwrap_or_default(), &mut all);
        all.iter().any(|found| found == path)
    }

    #[test]
    fn every_suggested_command_exists_and_no_guess_is_one() {
        for (noun, words, commands) in GUESSES {
            assert!(["", "*"].contains(noun) || exists(noun), "`{noun}` does not exist");
            commands.iter().for_each(|c| assert!(exists(c), "`{c}` does not exist"));
            words
                .iter()
                .for_each(|w| assert!(!exists(&join(noun.trim_matches('*'), w)), "`{noun} {w}` exists"));
        }
    }

    #[test]
    fn a_verb_under_the_wrong_noun_is_found() {
        assert_eq!(commands("", "send"), ["wallet send"]);
        assert_eq!(commands("wallet", "seal"), ["chain seal"]);
        assert_eq!(
            commands("", "verify"),
            [
                "wallet level verify",
                "wallet proof verify",
                "node evidence verify",
                "mpc verify",
                "tee verify"
            ]
        );
        assert!(commands("wallet", "frobnicate").is_empty());
    }

    #[test]
    fn options_before_the_word_are_skipped() {
        let arguments = ["sotto", "--dir", "x", "wallet", "--wallet", "alice", "info"].map(OsString::from);
        assert_eq!(noun("info", &arguments), "wallet");
    }
}
