//! `sotto wallet init` and `restore`.

use super::{WalletCommand, address};
use crate::{
    args,
    bridge::{ChainAt, unsearched},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    secret,
};
use rand_core::{OsRng, RngCore};
use serde_json::json;
use sotto_mw::{amount::Height, chain::Chain};
use sotto_wallet::{
    Wallet,
    edge::file::{KdfCost, WalletFile},
    keys::Words,
    scan::{ChainSource, ScanReport},
};

impl WalletCommand<'_> {
    pub(super) fn init(&self, a: &args::WalletInit) -> Outcome {
        self.home.free_wallet(&self.args.wallet)?;
        let chain = self.chain()?.chain().clone();
        let passphrase = self.args.passphrase.choose()?;
        let words = Words::generate(&mut OsRng).or_refuse("cannot generate seed words")?;
        match &a.words_file {
            Some(path) => secret::write_new(path, &format!("{}\n", *words.phrase()))?,
            None => show_and_ask_back(&words)?,
        }
        self.create(words, chain, &passphrase).map(drop)
    }

    pub(super) fn restore(&self, a: &args::WalletRestore) -> Outcome {
        self.home.free_wallet(&self.args.wallet)?;
        let chain = self.chain()?;
        let phrase = match &a.words_file {
            Some(path) => secret::read_whole(path)?,
            None => secret::ask("Seed words: ", "--words-file FILE")?,
        };
        let words = Words::parse(&phrase).or_refuse("invalid seed words")?;
        let passphrase = self.args.passphrase.choose()?;
        let mut wallet = self.create(words, chain.chain().clone(), &passphrase)?;
        let report = self.search(&mut wallet, &chain, Height::new(a.birthday))?;
        self.report(&report, &wallet)
    }

    /// Tries all outputs from a height on.
    pub(super) fn search(
        &self,
        wallet: &mut Wallet<WalletFile>,
        chain: &ChainAt,
        birthday: Height,
    ) -> Outcome<ScanReport> {
        let (view, what) = (chain.view(), "cannot scan the chain");
        let bar = self.context.ui.bar(view.unspent_count().or_refuse(what)?, "searching");
        wallet
            .restore(birthday, &view, &mut |done, _| bar.at(done))
            .map_err(|e| unsearched(what, e).help("run `sotto wallet scan` to continue"))
    }

    fn create(&self, words: Words, chain: Chain, passphrase: &str) -> Outcome<Wallet<WalletFile>> {
        let name = &*self.args.wallet;
        let wallet = self.home.create_wallet((name, passphrase), words, chain, KdfCost::STANDARD)?;
        let address = address(&wallet)?;
        let network = wallet.chain().params().network;
        self.context.output.record(
            "wallet-created",
            json!({ "wallet": name, "network": network.to_string(), "address": address.to_string() }),
            &format!("wallet `{name}` on the {network} network\naddress {address}"),
        )?;
        Ok(wallet)
    }
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
