//! `sotto wallet init` and `restore`.

use super::{
    command::{WalletCommand, address},
    sync::{self, print_report, search},
    words::{self, Terminal},
};
use crate::{
    args,
    bridge::NewWallet,
    consent::consent,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file, secret,
};
use rand_core::{OsRng, RngCore};
use serde_json::json;
use sotto_mw::{amount::Height, chain::Chain};
use sotto_wallet::{
    MemoryStore, Wallet, WalletError,
    backup::Backup,
    edge::file::WalletFile,
    keys::Words,
    member_wallet::MemberWallet,
    scan::ChainSource as _,
    store::{Store as _, StoreError},
};
use std::path::Path;
use zeroize::Zeroizing;

pub(crate) fn init(command: &WalletCommand<'_>, a: &args::WalletInit) -> Outcome {
    command.home.free_wallet(&command.args.wallet)?;
    a.words_file.as_deref().map_or(Ok(()), new_file::check_secret)?;
    let chain = command.chain()?.chain().clone();
    consent(&command.context.ui, &chain, a.audit)?;
    let passphrase = command.args.passphrase.choose(&format!("wallet `{}`", command.args.wallet))?;
    let words = Words::generate(&mut OsRng).or_refuse("cannot generate seed words")?;
    match &a.words_file {
        Some(path) => new_file::write_secret(path, &format!("{}\n", *words.phrase()))?,
        None => words::show_and_ask_back(&mut Person, &words, places())?,
    }
    create(command, words, chain, &passphrase).map(drop)
}

/// Puts a backup back under a name that is free.
fn restore_backup(command: &WalletCommand<'_>, file: &Path) -> Outcome {
    let (name, what) = (&command.args.wallet, "cannot use the backup");
    let is_right = |passphrase: &str| {
        !matches!(WalletFile::read_backup(file, passphrase.as_bytes()), Err(StoreError::Passphrase))
    };
    let of = format!("the backup {}", file.display());
    let passphrase = command.args.passphrase.existing(&of, is_right)?;
    let contents = WalletFile::read_backup(file, passphrase.as_bytes()).or_refuse(what)?;
    let (height, payments) = described(&contents)?;
    let mut store = command.home.create_wallet_file(NewWallet { name, passphrase: &passphrase })?;
    store.replace(&contents).or_refuse(format!("cannot write wallet `{name}`"))?;
    let fields = json!({ "wallet": name, "height": height, "payments": payments });
    let human = format!(
        "restored wallet `{name}` as it was at height {height}, with {payments} payments. What it had started can be ended with `cancel --self-spend`, but not finished."
    );
    command.context.output.record("backup-restored", fields, &human)
}

/// The height and the number of payments of a backup of either kind.
fn described(contents: &[u8]) -> Outcome<(u64, usize)> {
    let what = "cannot use the backup";
    match Backup::read(contents) {
        Ok(backup) => Ok((backup.tip().get(), backup.payments())),
        Err(WalletError::OfGroup) => {
            let mut store = MemoryStore::default();
            store.replace(contents).or_refuse(what)?;
            let wallet = MemberWallet::open(store).or_refuse(what)?;
            Ok((wallet.tip().get(), wallet.records().count()))
        }
        Err(e) => Err(e).or_refuse(what),
    }
}

pub(crate) fn restore(command: &WalletCommand<'_>, a: &args::WalletRestore) -> Outcome {
    command.home.free_wallet(&command.args.wallet)?;
    if let Some(file) = &a.backup {
        return restore_backup(command, file);
    }
    let chain = command.chain()?;
    let tip = chain.view().tip().or_refuse(sync::CANNOT_SCAN)?.0;
    if Height::new(a.birthday) > tip {
        return Err(Failure::new(
            Code::Usage,
            format!("the birthday {} is above the last block, {tip}", a.birthday),
        )
        .help(
            "pass the height of a block before the first payment, or omit --birthday to search all of them",
        ));
    }
    consent(&command.context.ui, chain.chain(), a.audit)?;
    let words = match &a.words_file {
        Some(path) => words::parse(&secret::read_whole(path)?)?,
        None => words::enter(&mut Person)?,
    };
    let passphrase = command.args.passphrase.choose(&format!("wallet `{}`", command.args.wallet))?;
    let mut wallet = create(command, words, chain.chain().clone(), &passphrase)?;
    let report = search(command.context, &mut wallet, &chain, Height::new(a.birthday))?;
    if a.birthday > 0 {
        command.context.ui.info(&format!(
            "Blocks below {} were not looked at. `sotto wallet scan --full` searches them too.",
            a.birthday
        ));
    }
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

/// The controlling terminal.
struct Person;

impl Terminal for Person {
    fn show(&mut self, text: &str) -> Outcome {
        secret::show(text, INSTEAD)
    }

    fn clear(&mut self) -> Outcome {
        secret::show(CLEAR, INSTEAD)
    }

    fn ask(&mut self, prompt: &str) -> Outcome<Zeroizing<String>> {
        secret::ask(prompt, INSTEAD)
    }

    fn ask_hidden(&mut self, prompt: &str) -> Outcome<Zeroizing<String>> {
        secret::ask_hidden(prompt, INSTEAD)
    }
}

/// What to pass where there is no terminal.
const INSTEAD: &str = "--words-file FILE";

/// Three places that are far apart, at random.
fn places() -> [usize; 3] {
    let first = OsRng.next_u32() as usize;
    [first, first + 7, first + 15].map(|i| i % 24)
}
