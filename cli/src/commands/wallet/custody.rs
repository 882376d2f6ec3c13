//! `sotto wallet init` and `restore`.

use super::{
    command::{WalletCommand, address},
    sync::{print_report, search},
};
use crate::{
    args,
    bridge::NewWallet,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file, secret,
};
use rand_core::{OsRng, RngCore};
use serde_json::json;
use sotto_mw::{amount::Height, chain::Chain};
use sotto_wallet::{Wallet, edge::file::WalletFile, keys::Words};

pub(crate) fn init(command: &WalletCommand<'_>, a: &args::WalletInit) -> Outcome {
    command.home.free_wallet(&command.args.wallet)?;
    a.words_file.as_deref().map_or(Ok(()), new_file::check_secret)?;
    let chain = command.chain()?.chain().clone();
    let passphrase = command.args.passphrase.choose()?;
    let words = Words::generate(&mut OsRng).or_refuse("cannot generate seed words")?;
    match &a.words_file {
        Some(path) => new_file::write_secret(path, &format!("{}\n", *words.phrase()))?,
        None => show_and_ask_back(&words)?,
    }
    create(command, words, chain, &passphrase).map(drop)
}

pub(crate) fn restore(command: &WalletCommand<'_>, a: &args::WalletRestore) -> Outcome {
    command.home.free_wallet(&command.args.wallet)?;
    let chain = command.chain()?;
    let phrase = match &a.words_file {
        Some(path) => secret::read_whole(path)?,
        None => secret::ask("Seed words: ", "--words-file FILE")?,
    };
    let words = Words::parse(&phrase).or_refuse("invalid seed words")?;
    let passphrase = command.args.passphrase.choose()?;
    let mut wallet = create(command, words, chain.chain().clone(), &passphrase)?;
    let report = search(command.context, &mut wallet, &chain, Height::new(a.birthday))?;
    print_report(command.context, &report, &wallet)
}

fn create(
    command: &WalletCommand<'_>,
    words: Words,
    chain: Chain,
    passphrase: &str,
) -> Outcome<Wallet<WalletFile>> {
    let name = &*command.args.wallet;
    let wallet = command.home.create_wallet(NewWallet { name, passphrase }, words, chain)?;
    let address = address(&wallet)?;
    let network = wallet.chain().params().network;
    command.context.output.record(
        "wallet-created",
        json!({ "wallet": name, "network": network.to_string(), "address": address.to_string() }),
        &format!("wallet `{name}` on the {network} network\naddress {address}"),
    )?;
    Ok(wallet)
}

/// Clears the terminal and its scrollback (ECMA-48; `3J` is from xterm).
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Shows the words on the terminal, clears it, and asks for three of them.
fn show_and_ask_back(words: &Words) -> Outcome {
    let phrase = words.phrase();
    let all: Vec<&str> = phrase.split_whitespace().collect();
    // Enough capacity for the whole page, so that no reallocation leaves a copy behind.
    let mut page = zeroize::Zeroizing::new(String::with_capacity(1_024));
    page.push_str(
        "Write these words on paper. Anyone who has them has your money; without them it is lost.\n\n",
    );
    for (i, w) in all.iter().enumerate() {
        page.push_str(&format!("{:>2}. {w:<10}{}", i + 1, if i % 4 == 3 { "\n" } else { "" }));
    }
    page.push_str("\nPress return when you have written them down. ");
    secret::ask(&page, "--words-file FILE")?;
    let mut before = CLEAR;
    let first = OsRng.next_u32() as usize;
    for i in [first, first + 7, first + 15].map(|i| i % all.len()) {
        let answer = secret::ask(&format!("{before}Word {}: ", i + 1), "--words-file FILE")?;
        before = "";
        if all.get(i) != Some(&answer.trim()) {
            return Err(Failure::new(Code::Declined, format!("this is not word {}", i + 1))
                .help("no wallet was created; run the command again and write the words down"));
        }
    }
    Ok(())
}
