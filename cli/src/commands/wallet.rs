//! `sotto wallet`: keys, payments and outputs of a person.
//!
//! One file per group of verbs: `custody` (make, restore), `slates` and `invoices` (the steps of a payment, whoever begins),
//! `plan` (what one says yes to), `sessions` (open payments), `records` (contacts, proofs), `views` (what the wallet has, and
//! what the chain says about it).

mod custody;
mod invoices;
mod plan;
mod records;
mod sessions;
mod slates;
mod views;

use crate::{
    Context, args,
    args::WalletVerb,
    bridge::{Home, LedgerSource},
    exit::{Context as _, Failure, Outcome},
};
use node::ledger::Ledger;
use wallet::{
    edge::file::WalletFile,
    keys::{Account, Address},
    scan::ScanReport,
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
        WalletVerb::Address(a) => shop.address(a),
        WalletVerb::Send(a) => shop.send(a),
        WalletVerb::Receive(a) => shop.receive(a),
        WalletVerb::Invoice(a) => shop.invoice(a),
        WalletVerb::Pay(a) => shop.pay(a),
        WalletVerb::Finalize(a) => shop.finalize(a),
        WalletVerb::Cancel(a) => shop.cancel(a),
        WalletVerb::Slates(a) => shop.slates(a),
        WalletVerb::Contact(verb) => shop.contact(verb),
        WalletVerb::Proof(verb) => shop.proof(verb),
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
}

/// An address as a person reads it: with its name, if the wallet knows one.
fn named(wallet: &Wallet<WalletFile>, address: &Address) -> String {
    match wallet.contacts().name_of(address) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
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
