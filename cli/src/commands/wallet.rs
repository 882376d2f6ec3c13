//! `sotto wallet`: keys, payments and outputs of a person.

use crate::{
    Context, args,
    args::WalletVerb,
    bridge::{Home, LedgerSource, read_text},
    exit::{Code, Context as _, Failure, Outcome},
    secret,
    ui::BOLD,
};
use mw::{amount::Amount, rules::params::Chain};
use node::ledger::Ledger;
use rand_core::{OsRng, RngCore};
use serde_json::json;
use std::path::Path;
use wallet::{
    armor,
    edge::file::{Cost, WalletFile},
    keys::{Account, Address, Words},
    outputs::{OutputRecord, Status},
    scan::ScanReport,
    select::{Decision, Plan, Request},
    slate::{Invite, Memo, Response},
    wallet::Wallet,
};

/// The account that these verbs use.
const ACCOUNT: Account = Account(0);

pub(crate) fn run(context: &Context, command: &args::Wallet) -> Outcome {
    let shop = Shop { context, home: Home::of(&context.config), args: &command.wallet };
    match &command.verb {
        WalletVerb::Init(a) => shop.init(a),
        WalletVerb::Restore(a) => shop.restore(a),
        WalletVerb::Info(_) => shop.info(),
        WalletVerb::Address(_) => shop.address(),
        WalletVerb::Send(a) => shop.send(a),
        WalletVerb::Receive(a) => shop.receive(a),
        WalletVerb::Finalize(a) => shop.finalize(a),
        WalletVerb::Cancel(a) => shop.cancel(a),
        WalletVerb::Outputs(_) => shop.outputs(),
        WalletVerb::Scan(_) => shop.scan(),
    }
}

/// One run of one verb on one wallet.
struct Shop<'a> {
    context: &'a Context,
    home: Home,
    args: &'a args::WalletArgs,
}

impl Shop<'_> {
    fn open(&self) -> Outcome<Wallet<WalletFile>> {
        self.home.open_wallet(&self.args.wallet, &self.args.passphrase.get()?)
    }

    /// The wallet, with what the chain says by now.
    fn open_fresh(&self) -> Outcome<(Wallet<WalletFile>, Ledger, ScanReport)> {
        let passphrase = self.args.passphrase.get()?;
        let ledger = self.home.ledger()?;
        let mut wallet = self.home.open_wallet(&self.args.wallet, &passphrase)?;
        same_chain(&wallet, &ledger)?;
        let report = scan(self.context, &mut wallet, &ledger)?;
        Ok((wallet, ledger, report))
    }

    fn init(&self, a: &args::WalletInit) -> Outcome {
        self.home.free_wallet(&self.args.wallet)?;
        let chain = self.home.ledger()?.chain().clone();
        let passphrase = self.args.passphrase.choose()?;
        let words = Words::generate(&mut OsRng).or_refuse("no seed words can be made")?;
        match &a.words_file {
            Some(path) => secret::write_new(path, &format!("{}\n", *words.phrase()))?,
            None => show_and_ask_back(&words)?,
        }
        self.create(words, chain, &passphrase).map(drop)
    }

    fn restore(&self, a: &args::WalletRestore) -> Outcome {
        self.home.free_wallet(&self.args.wallet)?;
        let ledger = self.home.ledger()?;
        let phrase = match &a.words_file {
            Some(path) => secret::read_whole(path)?,
            None => secret::ask("The 24 words: ", "--words-file FILE")?,
        };
        let words = Words::parse(&phrase).or_refuse("these are not the words of a wallet")?;
        let passphrase = self.args.passphrase.choose()?;
        let mut wallet = self.create(words, ledger.chain().clone(), &passphrase)?;
        let bar = self.context.ui.bar(ledger.tip().output_count, "restoring");
        let report = wallet
            .restore(&LedgerSource::new(&ledger), &mut |done, _| bar.at(done))
            .or_refuse("the chain could not be searched; `sotto wallet scan` tries again")?;
        drop(bar);
        self.report(&report, &wallet)
    }

    fn create(&self, words: Words, chain: Chain, passphrase: &str) -> Outcome<Wallet<WalletFile>> {
        let name = &*self.args.wallet;
        let wallet = self.home.create_wallet((name, passphrase), words, chain, Cost::STANDARD)?;
        let address = address(&wallet)?;
        let network = wallet.chain().params().network;
        self.context.output.record(
            "wallet-created",
            json!({ "wallet": name, "network": network.to_string(), "address": address.to_string() }),
            &format!("wallet `{name}` on the {network} network\naddress {address}"),
        )?;
        Ok(wallet)
    }

    fn info(&self) -> Outcome {
        let (wallet, ..) = self.open_fresh()?;
        let b = wallet.balance(Some(ACCOUNT));
        let network = wallet.chain().params().network;
        let fields = json!({
            "wallet": self.args.wallet, "network": network.to_string(), "height": wallet.tip().get(),
            "spendable": b.spendable.to_string(), "immature": b.immature.to_string(),
            "pending": b.pending.to_string(), "locked": b.locked.to_string(), "change": b.change.to_string(),
            "total": b.total().to_string(),
        });
        let human = format!(
            "wallet `{}` on the {network} network at height {}\n{BOLD}spendable {:>20}{BOLD:#}\nimmature  {:>20}  rewards that must wait\nlocked    {:>20}  in payments begun here; {} of it comes back as change\ntotal     {:>20}\npending   {:>20}  promised by others",
            self.args.wallet,
            wallet.tip(),
            b.spendable.units(),
            b.immature.units(),
            b.locked.units(),
            b.change,
            b.total().units(),
            b.pending.units(),
        );
        self.context.output.record("wallet-info", fields, &human)
    }

    fn address(&self) -> Outcome {
        let wallet = self.open()?;
        let address = address(&wallet)?;
        let fields =
            json!({ "network": wallet.chain().params().network.to_string(), "address": address.to_string() });
        self.context.output.record("address", fields, &address.to_string())
    }

    fn send(&self, a: &args::WalletSend) -> Outcome {
        let amount = parse_amount(&a.amount)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let network = wallet.chain().params().network;
        let recipient = Address::parse(&a.to, network).or_refuse("the receiver's address cannot be used")?;
        let memo = Memo::default();
        let request = Request { account: ACCOUNT, amount, recipient: Some(recipient), memo };
        let plan = wallet.plan(request).or_refuse("this payment cannot be made")?;
        let text = plan_text(&plan, &network.to_string(), &a.to);
        if a.dry_run {
            return self.context.output.record("payment-plan", plan_json(&plan, &a.to), &text);
        }
        self.context.ui.confirm(&text, a.yes)?;
        let declined = || Failure::new(Code::Declined, "declined: nothing was done");
        let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
        let invite = wallet.invite(plan, &mut OsRng).or_refuse("the payment cannot be started")?;
        drop(ledger);
        self.context.ui.say("Give this invite to the receiver. Whoever reads it learns the amount.");
        self.slate("invite", &invite, &wallet)
    }

    fn receive(&self, a: &args::WalletReceive) -> Outcome {
        let text = read_slate(&a.file)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let invite: Invite =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this invite cannot be used")?;
        let plan = format!(
            "{BOLD}{}{BOLD:#} base units would be yours on the {} network\n  from   {}\n  memo   {}\nThe payer gets a receipt signed by your address. It can be spent once it is in a block.",
            invite.amount,
            wallet.chain().params().network,
            invite.sender,
            if invite.memo.as_str().is_empty() { "(none)" } else { invite.memo.as_str() },
        );
        self.context.ui.confirm(&plan, a.yes)?;
        let response = wallet.respond(ACCOUNT, &invite, &mut OsRng).or_refuse("the invite was refused")?;
        drop(ledger);
        self.context.ui.say("Give this response to the payer.");
        self.slate("response", &response, &wallet)
    }

    fn finalize(&self, a: &args::WalletFinalize) -> Outcome {
        let text = read_slate(&a.file)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let response: Response =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this response cannot be used")?;
        let transaction = wallet.finalize(&response).or_refuse("the response was refused")?;
        drop(ledger);
        self.context.ui.say(
            "Submit this transaction with `sotto chain submit`. From now on it cannot be cancelled for free.",
        );
        self.slate("transaction", transaction.get(), &wallet)
    }

    fn cancel(&self, a: &args::WalletCancel) -> Outcome {
        let text = read_slate(&a.file)?;
        let mut wallet = self.open()?;
        let invite: Invite =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this is no invite of this wallet")?;
        wallet.cancel(&invite.session).or_refuse("the payment cannot be cancelled")?;
        let fields = json!({ "session": crate::bridge::hex(&invite.session.0) });
        self.context.output.record("cancelled", fields, "cancelled: its outputs are free again")
    }

    fn slate<T: armor::Letter>(&self, kind: &str, letter: &T, wallet: &Wallet<WalletFile>) -> Outcome {
        let text = armor::to_text(wallet.chain().id(), letter);
        let network = wallet.chain().params().network.to_string();
        self.context.output.record(kind, json!({ "network": network, "text": text }), &text)
    }

    fn outputs(&self) -> Outcome {
        let (wallet, ..) = self.open_fresh()?;
        let mut all: Vec<&OutputRecord> = wallet.outputs().collect();
        all.sort_by_key(|o| (status_rank(o.status), o.commitment));
        if all.is_empty() {
            self.context.ui.say("This wallet knows of no outputs.");
        }
        for o in all {
            let (status, height) = status_words(o.status);
            let fields = json!({
                "commitment": o.commitment.to_string(), "amount": o.opening.amount.to_string(), "status": status,
                "height": height, "spendable": o.is_spendable(wallet.chain(), wallet.tip()),
            });
            let at = height.map_or(String::new(), |h| format!(" at {h}"));
            let human = format!("{:>20}  {}  {status}{at}", o.opening.amount.units(), o.commitment);
            self.context.output.record("output", fields, &human)?;
        }
        Ok(())
    }

    fn scan(&self) -> Outcome {
        let (wallet, _, report) = self.open_fresh()?;
        self.report(&report, &wallet)
    }

    fn report(&self, r: &ScanReport, wallet: &Wallet<WalletFile>) -> Outcome {
        let total = wallet.balance(None).total();
        let fields = json!({
            "height": r.tip.get(), "tried": r.tried, "own": r.own, "found": r.found,
            "found_amount": r.found_amount.to_string(), "gone": r.gone, "total": total.to_string(),
        });
        let human = format!(
            "height {}: {} outputs tried, {} are this wallet's ({} of them new, {}), {} have left the chain\ntotal {total}",
            r.tip, r.tried, r.own, r.found, r.found_amount, r.gone,
        );
        self.context.output.record("scan", fields, &human)
    }
}

/// Refuses a wallet that was made for another chain.
pub(crate) fn same_chain(wallet: &Wallet<impl wallet::store::Store>, ledger: &Ledger) -> Outcome {
    let (ours, here) = (wallet.chain().id(), ledger.chain().id());
    if ours == here {
        return Ok(());
    }
    Err(Failure::refused("the wallet belongs to another chain")
        .why(format!("it is for {ours}, and the chain here is {here}"))
        .advice("Give the right --dir or --wallet."))
}

/// Brings a wallet up to date with the chain.
pub(crate) fn scan(
    context: &Context,
    wallet: &mut Wallet<impl wallet::store::Store>,
    ledger: &Ledger,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(ledger.tip().output_count, "scanning");
    wallet
        .scan(&LedgerSource::new(ledger), &mut |done, _| bar.at(done))
        .or_refuse("the chain could not be searched")
}

/// The address of the wallet's account.
pub(crate) fn address(wallet: &Wallet<impl wallet::store::Store>) -> Outcome<Address> {
    wallet.address(ACCOUNT).or_refuse("the wallet has no address")
}

fn read_slate(path: &Path) -> Outcome<String> {
    read_text(path, armor::MAX_TEXT as u64)
}

fn parse_amount(text: &str) -> Outcome<Amount> {
    let units = text.parse::<u64>().ok().filter(|n| *n > 0 && !text.starts_with('+'));
    units.map(Amount::new).ok_or_else(|| {
        Failure::refused(format!("`{text}` is no amount"))
            .why(format!("amounts are whole base units from 1 to {}", u64::MAX))
            .advice("For example: sotto wallet send 2500000 --to ADDRESS")
    })
}

fn plan_text(plan: &Plan, network: &str, to: &str) -> String {
    let inputs: String = plan
        .inputs()
        .iter()
        .map(|i| format!("  spend  {:>20}  {}\n", i.opening.amount.units(), i.commitment))
        .collect();
    let sum = plan.request().amount.checked_add(plan.fee()).unwrap_or_default();
    format!(
        "{BOLD}Pay {} base units{BOLD:#} on the {network} network\n  to     {to}\n{inputs}  fee    {:>20}\n  change {:>20}  back to you\n  in all {:>20}  leaves you\nPublic afterwards: {}.\nUntil you finalize, you can cancel for free; after that it cannot be undone. It expires after height {}.",
        plan.request().amount,
        plan.fee().units(),
        plan.change().units(),
        sum.units(),
        plan.linkage(),
        plan.not_after(),
    )
}

fn plan_json(plan: &Plan, to: &str) -> serde_json::Value {
    json!({
        "amount": plan.request().amount.to_string(), "to": to, "fee": plan.fee().to_string(),
        "change": plan.change().to_string(), "not_after": plan.not_after().get(),
        "inputs": plan.inputs().iter().map(|i| json!({
            "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string(),
        })).collect::<Vec<_>>(),
        "linkage": plan.linkage().to_string(),
    })
}

fn status_words(s: Status) -> (&'static str, Option<u64>) {
    match s {
        Status::Pending => ("pending", None),
        Status::Unspent { created } => ("unspent", Some(created.get())),
        Status::Locked { created, .. } => ("locked", Some(created.get())),
        Status::Spent { .. } => ("spent", None),
    }
}

fn status_rank(s: Status) -> u8 {
    match s {
        Status::Unspent { .. } => 0,
        Status::Locked { .. } => 1,
        Status::Pending => 2,
        Status::Spent { .. } => 3,
    }
}

/// Clears the terminal and what can be scrolled back to (ECMA-48; `3J` is xterm's).
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Shows the words on the terminal, takes them away, and asks three of them back.
fn show_and_ask_back(words: &Words) -> Outcome {
    let phrase = words.phrase();
    let all: Vec<&str> = phrase.split_whitespace().collect();
    // Room for all of it, so that no reallocation leaves a copy behind.
    let mut page = zeroize::Zeroizing::new(String::with_capacity(1_024));
    page.push_str(
        "Write these words on paper. Whoever has them has your money; without them it is lost.\n\n",
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
            return Err(Failure::new(Code::Declined, format!("that was not word {}", i + 1))
                .advice("No wallet was made. Run the command again and write the words down."));
        }
    }
    Ok(())
}
