//! `sotto wallet listen`: a wallet that receives by itself, and its JSON-RPC for programs on this machine.
//!
//! ```text
//! payers    ─▶ pinned channel, a thread each ─┐
//!                                             ├─▶ one bounded queue ─▶ the wallet, on this thread ─▶ answers
//! programs  ─▶ HTTP on loopback ──────────────┘
//! ```
//!
//! `sotto_wallet::listener` decides what is answered; here are sockets, threads and the clock. Bounded: bytes
//! and seconds of a connection, connections at a time, and the queue; one wallet works off one request after
//! the other, and scans the chain at most every few seconds.

mod frame;
mod rpc;
mod server;

use self::{
    rpc::Service,
    server::{Event, Servers},
};
use super::{command::WalletCommand, reasons, sweep, sync::scan};
use crate::{
    amounts,
    args::{self, Accept},
    bridge::hex,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    secret,
};
use core::time::Duration;
use rand_core::OsRng;
use serde_json::json;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag::register,
};
use sotto_link::Identity;
use sotto_mw::{
    amount::Amount,
    rules::Verified,
    transaction::Transaction,
    unit::{Unit, WrittenAmount},
};
use sotto_node::edge::rpc as rpc_server;
use sotto_wallet::{
    Payment, Wallet,
    edge::file::WalletFile,
    keys::Account,
    listener::{self, Consent, Delivery, Effect, Listener, Received, Senders},
    scan::UnspentInputs,
    sessions::{HoldRecord, HoldSide},
};
use std::{
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Instant,
};

pub(crate) use frame::{Answer, PURPOSE, read_answer, write_delivery};

/// Context of the listener's key, derived from the wallet's words and the account.
const KEY: &str = "sotto wallet listener key v1";
/// How old the last scan may be.
const FRESH: Duration = Duration::from_secs(3);
/// How often to scan while money of the wallet is in a hold, which may have to return.
const WATCH: Duration = Duration::from_secs(10);
/// How often to look whether the listener was stopped.
const POLL: Duration = Duration::from_millis(200);
/// Invites an hour, if nothing else is said.
const PER_HOUR: u32 = 60;

pub(crate) fn listen(command: &WalletCommand<'_>, a: &args::WalletListen) -> Outcome {
    let rules = Rules::of(command, a)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        register(signal, Arc::clone(&stop)).or_refuse("signals cannot be handled")?;
    }
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let (consent, account) = (rules.in_unit(wallet.chain().unit())?, command.account(&wallet)?);
    let identity = identity(&wallet, account, a)?;
    let folder = command.home.dir.join("listen").join(&command.args.wallet);
    secret::make_folder(&folder)?;
    let servers = Servers::start(&a.listen, &identity, &folder, &stop)?;
    let listener = format!("{}@{}", identity.peer_key(), servers.address);
    let service = Service { account, listener };
    let listener = Listener::new(consent, account);
    let start = Instant::now();
    let mut machine = Machine { command, wallet, listener, service, start, scanned: start };
    machine.announce(&servers)?;
    while !stop.load(Ordering::Relaxed) {
        match servers.next(POLL) {
            Some(event) => machine.on(event)?,
            None => machine.watch(),
        }
    }
    command.context.ui.info("Stopped listening.");
    Ok(())
}

/// The wallet with all that it needs to answer.
struct Machine<'a> {
    command: &'a WalletCommand<'a>,
    wallet: Wallet<WalletFile>,
    listener: Listener,
    service: Service,
    /// The clock of the limits begins here; it never goes back.
    start: Instant,
    scanned: Instant,
}

impl Machine<'_> {
    fn announce(&self, servers: &Servers) -> Outcome {
        let address = self.wallet.address(self.service.account).or_refuse("cannot derive the address")?;
        let fields = json!({
            "address": address.to_string(), "listener": self.service.listener, "rpc": servers.programs.url(),
            "rpc_token": servers.programs.token_file().display().to_string(),
        });
        let human = format!(
            "listening at {}\npayers run: sotto wallet send AMOUNT --to {address} --to-listener {}\nprograms ask {} with the token in {}",
            servers.address,
            self.service.listener,
            servers.programs.url(),
            servers.programs.token_file().display(),
        );
        self.command.context.output.record("listening", fields, &human)
    }

    /// Handles one event. A failure of the chain is the caller's answer, and no reason to stop.
    fn on(&mut self, event: Event) -> Outcome {
        match event {
            Event::Delivery { text, answer } => {
                let now = self.start.elapsed().as_secs();
                let reply = match self.refresh() {
                    Err(e) => Answer::Refused(format!("the wallet cannot see the chain now: {}", e.what)),
                    Ok(()) => {
                        let delivery = Delivery { text: &text, now };
                        let effects = self.listener.step(&mut self.wallet, &delivery, &mut OsRng);
                        self.perform(effects)?
                    }
                };
                // The payer may have gone.
                let _ = answer.send(reply);
            }
            Event::Call { body, answer } => {
                // What the wallet knows is better than no answer: the height is in it.
                let _ = self.refresh();
                let response = rpc::respond(&mut self.wallet, &self.service, &body, &mut OsRng);
                let _ =
                    answer.send(response.map_or(rpc_server::Answer::Nothing, rpc_server::Answer::Response));
            }
        }
        Ok(())
    }

    /// Performs what the listener wants done; the answer for the payer.
    fn perform(&mut self, effects: Vec<Effect>) -> Outcome<Answer> {
        let mut answer = Answer::Refused("no answer".to_owned());
        for effect in effects {
            match effect {
                Effect::LookUp(payment) => match self.inputs(&payment) {
                    Ok(inputs) => {
                        let effects = listener::collect(&mut self.wallet, &payment, &inputs);
                        return self.perform(effects);
                    }
                    Err(e) => return Ok(Answer::Refused(e.what)),
                },
                Effect::Reply(text) => answer = Answer::Reply(text),
                Effect::Refuse(why) => {
                    let why = reasons::refusal(&why, self.wallet.chain().unit());
                    self.command.context.ui.detail(&format!("refused: {why}"));
                    answer = Answer::Refused(why);
                }
                Effect::Received(received) => self.report(&received)?,
                Effect::Submit(t) => {
                    if let Err(e) = self.submit(&t) {
                        let why = e.why.unwrap_or_default();
                        return Ok(Answer::Refused(format!("{}: {why}", e.what)));
                    }
                }
            }
        }
        Ok(answer)
    }

    fn inputs(&self, payment: &Payment) -> Outcome<UnspentInputs> {
        UnspentInputs::look_up(&self.command.chain()?.view(), payment).or_refuse("cannot read the chain")
    }

    fn submit(&self, t: &Verified<Transaction>) -> Outcome {
        self.command.chain()?.submit(t.get().clone()).map(drop)
    }

    fn report(&self, r: &Received) -> Outcome {
        let from = r.from.as_ref().map(|from| super::command::named(&self.wallet, from));
        let fields = json!({
            "session": hex(&r.session.0), "amount": r.amount.to_string(), "memo": r.memo.as_str(),
            "from": r.from.map(|from| from.to_string()),
        });
        let human = format!(
            "answered {} from {}  {}",
            self.wallet.chain().unit().show(r.amount),
            from.as_deref().unwrap_or("somebody"),
            r.memo.as_str()
        );
        self.command.context.output.record("answered", fields, human.trim_end())
    }

    /// Scans now and then if a hold is open: its refund is submitted when its time has come.
    fn watch(&mut self) {
        let is_open = |h: &HoldRecord| h.side() == HoldSide::Payer && h.ended().is_none();
        let is_due = self.scanned.elapsed() >= WATCH && self.wallet.held().any(is_open);
        if is_due && let Err(e) = self.refresh() {
            self.command.context.ui.detail(&format!("the wallet cannot see the chain now: {}", e.what));
        }
    }

    /// Scans, unless that was done a moment ago.
    fn refresh(&mut self) -> Outcome {
        if self.scanned != self.start && self.scanned.elapsed() < FRESH {
            return Ok(());
        }
        let chain = self.command.chain()?;
        self.wallet.follow_terms(chain.chain().terms());
        scan(self.command.context, &mut self.wallet, &chain.view())?;
        drop(chain);
        self.scanned = Instant::now();
        sweep::after_scan(self.command, &mut self.wallet)
    }
}

/// The listener's key: that of the file, or one derived from the words, the same after a restore.
fn identity(wallet: &Wallet<WalletFile>, account: Account, a: &args::WalletListen) -> Outcome<Identity> {
    if let Some(path) = &a.key {
        let text = secret::read_file(path)?;
        let party = sotto_party::Identity::from_secret_text(&text).ok_or_else(|| {
            Failure::refused(format!("{} is not a secret key of a party", path.display()))
                .help("`sotto mpc keygen NAME` makes one")
        })?;
        return Ok(sotto_jobs::edge::tls::identity(&party));
    }
    let words = wallet.words().phrase();
    let seed = sotto_party::hash::hash(KEY, &[words.as_bytes(), &account.0.to_le_bytes()]);
    Ok(Identity::from_seed(&zeroize::Zeroizing::new(seed)))
}

/// The rules as they are written: flags, then the user's settings, then the defaults.
struct Rules {
    accept: Accept,
    /// With `anyone`, the largest amount.
    most: Option<WrittenAmount>,
    least: Option<WrittenAmount>,
    per_hour: u32,
}

impl Rules {
    fn of(command: &WalletCommand<'_>, a: &args::WalletListen) -> Outcome<Self> {
        let set = &command.context.config.listen;
        let amount = |flag: &Option<String>, set: &Option<String>| {
            flag.as_deref().or(set.as_deref()).map(amounts::written).transpose()
        };
        let most = amount(&a.most, &set.most)?;
        let accept = a.accept.or(set.accept).unwrap_or(Accept::Contacts);
        let usage = |what: &str, help: &str| Failure::coded(ErrorCode::Usage, what).help(help);
        let most = match (accept, most) {
            (Accept::Anyone, None) => {
                return Err(usage("`anyone` needs a largest amount", "pass --most AMOUNT as well"));
            }
            (Accept::Anyone, most) => most,
            (_, Some(_)) if a.most.is_some() => {
                return Err(usage("--most has no effect without `--accept anyone`", "pass both, or neither"));
            }
            _ => None,
        };
        let per_hour = a.per_hour.or(set.per_hour).unwrap_or(PER_HOUR);
        Ok(Self { accept, most, least: amount(&a.least, &set.least)?, per_hour })
    }

    /// The rules on a chain with this unit.
    fn in_unit(self, unit: &Unit) -> Outcome<Consent> {
        let amount = |written: Option<WrittenAmount>| written.map(|w| amounts::in_unit(&w, unit)).transpose();
        let senders = match (self.accept, amount(self.most)?) {
            (Accept::Never, _) => Senders::Never,
            (Accept::Anyone, Some(most)) => Senders::Anyone { most },
            _ => Senders::Contacts,
        };
        let least = amount(self.least)?.unwrap_or(Amount::new(1));
        Ok(Consent { senders, least, per_hour: self.per_hour })
    }
}
