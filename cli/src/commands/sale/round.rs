//! One round of a trade: letters come, the wallet is open for a moment, letters go.
//!
//! ```text
//! fetch ─▶ is anything new? ─ no ─▶ what was said before
//!             └ yes ─▶ open the wallet, scan ─▶ the step ─▶ close it ─▶ send
//! ```
//!
//! New is: another letter, another block, a step that failed a second ago, or much time. The wallet is closed between
//! two rounds, so that other commands can use it. What fails in a round is said and tried again in the next one: a letter
//! that a compute party altered is one that is awaited.

use crate::{
    Context, args,
    bridge::{ChainAt, Home},
    commands::wallet::WalletCommand,
    exit::{Failure, Outcome},
};
use core::{cell::OnceCell, time::Duration};
use rand_core::OsRng;
use sotto_jobs::PartyId;
use sotto_jobs::edge::run::{Post, Progress};
use sotto_jobs::post::{Letter, Slot};
use sotto_mw::{amount::Height, rules::Verified, transaction::Transaction};
use sotto_wallet::{
    Account, Address, Wallet,
    edge::file::WalletFile,
    encrypt::{Encryptable, Privacy},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Instant,
};
use zeroize::Zeroizing;

/// How often the chain is looked at, and a step that failed is tried again.
const SOON: Duration = Duration::from_millis(800);
/// How long a step may be left out while nothing is new.
const LATE: Duration = Duration::from_secs(20);

/// So many different troubles are said: a stranger's letters do not fill a screen.
const MOST_SHOWN: usize = 64;

/// What a round is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the run.
    #[default]
    Fund,
    /// While it is awaited.
    Await,
    /// After it.
    Settle,
}

/// The wallet of a trade, which is opened for each round.
pub(super) struct Purse<'a> {
    context: &'a Context,
    home: Home,
    choice: &'a args::WalletChoice,
    node: &'a args::NodeArgs,
    passphrase: Zeroizing<String>,
    rounds: Mutex<Rounds>,
    shown: Mutex<BTreeSet<String>>,
}

/// What is known of the rounds so far.
#[derive(Default)]
struct Rounds {
    letters: Vec<Letter>,
    tip: Option<Height>,
    looked: Option<Instant>,
    stepped: Option<Instant>,
    failed: bool,
    /// What `said` is about.
    phase: Phase,
    said: Option<Progress>,
    /// What the last step wrote: it is left with each compute party until that has it.
    out: Vec<Outgoing>,
}

/// A letter on its way.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) to: PartyId,
    pub(super) slot: Slot,
    pub(super) bytes: Vec<u8>,
}

/// What a step has before it: the open wallet, the chain, the letters that came, and those that are to go.
pub(super) struct Table {
    pub(super) wallet: Wallet<WalletFile>,
    pub(super) chain: ChainAt,
    pub(super) letters: Vec<Letter>,
    pub(super) out: Vec<Outgoing>,
    /// What went wrong and is tried again; it is said once.
    pub(super) trouble: Vec<String>,
    /// What is seldom of interest.
    details: Vec<String>,
}

impl<'a> Purse<'a> {
    /// Asks for the passphrase, and sees that the wallet opens.
    pub(super) fn open(
        context: &'a Context,
        choice: &'a args::WalletChoice,
        node: &'a args::NodeArgs,
    ) -> Outcome<Self> {
        let home = Home::of(&context.config);
        let passphrase = home.passphrase(&choice.wallet, &choice.passphrase)?;
        let purse = Self {
            context,
            home,
            choice,
            node,
            passphrase,
            rounds: Mutex::default(),
            shown: Mutex::default(),
        };
        purse.with(Vec::new(), |_| Ok(()))?;
        Ok(purse)
    }

    /// Carries out a step with the wallet open and up to date; the letters that it wrote.
    pub(super) fn with<T>(
        &self,
        letters: Vec<Letter>,
        step: impl FnOnce(&mut Table) -> Outcome<T>,
    ) -> Outcome<(T, Vec<Outgoing>)> {
        let command = WalletCommand {
            context: self.context,
            home: self.home.clone(),
            args: self.choice,
            account: None,
            node: self.node,
            qr_file: None,
            known: OnceCell::from(self.passphrase.clone()),
        };
        let (wallet, chain, _) = command.open_fresh()?;
        let (out, trouble, details) = (Vec::new(), Vec::new(), Vec::new());
        let mut table = Table { wallet, chain, letters, out, trouble, details };
        let done = step(&mut table);
        table.details.iter().for_each(|what| self.context.ui.detail(what));
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for what in table.trouble {
            if shown.len() < MOST_SHOWN && shown.insert(what.clone()) {
                self.context.ui.info(&what);
            }
        }
        Ok((done?, table.out))
    }

    /// One round.
    pub(super) fn round(
        &self,
        phase: Phase,
        post: &dyn Post,
        step: impl FnOnce(&mut Table) -> Outcome<Progress>,
    ) -> Progress {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if core::mem::replace(&mut rounds.phase, phase) != phase {
            rounds.said = None;
        }
        let mut away = None;
        let letters = post.fetch().unwrap_or_else(|e| {
            away = Some(e.to_string());
            rounds.letters.clone()
        });
        if let Some(said) = self.before(&mut rounds, &letters) {
            return with_trouble(said, send(post, &rounds.out).or(away));
        }
        rounds.stepped = Some(Instant::now());
        let stepped = self.with(letters.clone(), step);
        (rounds.letters, rounds.failed) = (letters, stepped.is_err());
        let said = match stepped {
            Ok((said, out)) => {
                rounds.out = out;
                said
            }
            Err(failure) => Progress::Awaited(words(&failure)),
        };
        rounds.said = Some(said.clone());
        with_trouble(said, send(post, &rounds.out).or(away))
    }

    /// What was said before, if nothing is new.
    fn before(&self, rounds: &mut Rounds, letters: &[Letter]) -> Option<Progress> {
        let passed = |at: Option<Instant>| at.map_or(LATE, |at| at.elapsed());
        if letters != rounds.letters || rounds.said.is_none() || passed(rounds.stepped) >= LATE {
            return None;
        }
        if passed(rounds.looked) < SOON {
            return rounds.said.clone();
        }
        rounds.looked = Some(Instant::now());
        let tip = self.home.chain_at(self.node).ok().map(|chain| chain.tip_height());
        let is_new = rounds.failed || (tip.is_some() && tip != rounds.tip);
        rounds.tip = tip.or(rounds.tip);
        rounds.said.clone().filter(|_| !is_new)
    }
}

/// Leaves letters with the compute parties; to send one again costs nothing where it is. What is wrong, if anything is.
fn send(post: &dyn Post, out: &[Outgoing]) -> Option<String> {
    let sent = out.iter().map(|Outgoing { to, slot, bytes }| post.send(*to, *slot, bytes.clone()));
    sent.filter_map(Result::err).last().map(|e| e.to_string())
}

/// What is awaited, with what keeps letters from coming.
fn with_trouble(said: Progress, trouble: Option<String>) -> Progress {
    match (said, trouble) {
        (Progress::Awaited(what), Some(why)) => Progress::Awaited(format!("{what} ({why})")),
        (said, _) => said,
    }
}

impl Table {
    /// The texts of the letters of one kind from a party.
    pub(super) fn texts(&self, from: PartyId, slot: Slot) -> Vec<String> {
        let mut texts: Vec<String> = self
            .letters
            .iter()
            .filter(|letter| (letter.from, letter.slot) == (from, slot))
            .filter_map(|letter| String::from_utf8(letter.bytes.0.clone()).ok())
            .collect();
        texts.dedup();
        texts
    }

    /// The letters of one kind from a party that the wallet can read.
    pub(super) fn read<T: Encryptable>(&mut self, from: PartyId, slot: Slot) -> Vec<T> {
        let mut all = Vec::new();
        for text in self.texts(from, slot) {
            match self.wallet.read_message(&text) {
                Ok(letter) => all.push(letter),
                Err(e) => self.trouble.push(format!("a letter cannot be read: {e}")),
            }
        }
        all
    }

    /// A letter of the wallet to the other side of a hold, encrypted to it.
    pub(super) fn write<T: Encryptable>(
        &mut self,
        (to, slot): (PartyId, Slot),
        (account, address): (Account, &Address),
        letter: &T,
    ) -> Outcome {
        let text = self.wallet.write_message(account, Some(address), letter, Privacy::Encrypted);
        let text = text.map_err(|e| Failure::refused("cannot write a letter").cause(&e))?;
        self.out.push(Outgoing { to, slot, bytes: text.into_bytes() });
        Ok(())
    }

    /// Submits the refunds whose windows are open.
    pub(super) fn take_back(&mut self) {
        for id in self.wallet.holds().due() {
            match self.wallet.holds().refund(&id, &mut OsRng) {
                Ok(refund) => self.submit(&refund),
                Err(e) => self.trouble.push(format!("cannot take the money back: {e}")),
            }
        }
    }

    /// Submits a transaction; the chain may have it already.
    pub(super) fn submit(&mut self, t: &Verified<Transaction>) {
        if let Err(e) = self.chain.submit(t.get().clone()) {
            self.details.push(format!("not submitted: {}", words(&e)));
        }
    }
}

/// A failure in a line.
pub(super) fn words(failure: &Failure) -> String {
    match &failure.why {
        Some(why) => format!("{}: {why}", failure.what),
        None => failure.what.clone(),
    }
}
