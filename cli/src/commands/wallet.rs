//! `sotto wallet`: keys, payments and outputs of one person.
//!
//! One file per group of verbs: `custody` (create, restore), `backup`, `view_key`, `accounts`, `paying`, `invoices` and
//! `slates` (the steps of a payment), `plan` (what is confirmed), `sessions` (open payments), `spending` (end a payment,
//! merge outputs), `records` (contacts, proofs), `views` (balance, address, outputs, scan), `history`.

mod accounts;
mod backup;
mod custody;
mod history;
mod invoices;
mod moving;
mod paying;
mod plan;
mod records;
mod sessions;
mod slates;
mod view_key;
mod views;

use crate::{
    Context, args,
    args::WalletVerb,
    bridge::{ChainAt, Home, View, unsearched},
    exit::{Failure, OrRefuse as _, Outcome},
    memory,
    ui::BAD,
};
use sotto_mw::chain::Chain;
use sotto_wallet::{
    Wallet,
    edge::file::WalletFile,
    keys::{Account, Address},
    scan::{ChainSource, ReplacedBlock, ScanReport},
};

/// The account if none is given.
const ACCOUNT: Account = Account(0);

pub(crate) fn run(context: &Context, arguments: &args::Wallet) -> Outcome {
    memory::keep(&context.ui);
    let args::Wallet { wallet, node, verb } = arguments;
    let command = WalletCommand { context, home: Home::of(&context.config), args: wallet, node };
    match verb {
        WalletVerb::Init(a) => command.init(a),
        WalletVerb::Restore(a) => command.restore(a),
        WalletVerb::Balance(_) => command.balance(),
        WalletVerb::Address(a) => command.address(a),
        WalletVerb::Send(a) => command.send(a),
        WalletVerb::Receive(a) => command.receive(a),
        WalletVerb::Invoice(a) => command.invoice(a),
        WalletVerb::Pay(a) => command.pay(a),
        WalletVerb::Finalize(a) => command.finalize(a),
        WalletVerb::Cancel(a) => command.cancel(a),
        WalletVerb::Slates(a) => command.slates(a),
        WalletVerb::Contact(verb) => command.contact(verb),
        WalletVerb::Proof(verb) => command.proof(verb),
        WalletVerb::Consolidate(a) => command.consolidate(a),
        WalletVerb::Outputs(_) => command.outputs(),
        WalletVerb::History(a) => command.history(a),
        WalletVerb::Scan(a) => command.scan(a),
        WalletVerb::Account(a) => command.accounts(a),
        WalletVerb::ViewKey(a) => command.view_key(a),
        WalletVerb::Passphrase(a) => command.passphrase(a),
        WalletVerb::Backup(a) => command.backup(a),
        WalletVerb::VerifyBackup(a) => command.verify_backup(a),
    }
}

/// One run of one verb on one wallet.
struct WalletCommand<'a> {
    context: &'a Context,
    home: Home,
    args: &'a args::WalletArgs,
    node: &'a args::NodeArgs,
}

impl WalletCommand<'_> {
    fn open(&self) -> Outcome<Wallet<WalletFile>> {
        self.home.open_wallet(&self.args.wallet, &self.args.passphrase.get()?)
    }

    /// The account given with --account.
    fn chosen(&self, wallet: &Wallet<WalletFile>) -> Outcome<Option<Account>> {
        let Some(name) = &self.args.account else { return Ok(None) };
        let found = wallet.account(name).ok_or_else(|| {
            Failure::refused(format!("no account `{name}` in wallet `{}`", self.args.wallet))
                .help("`sotto wallet account list` shows the accounts")
        });
        found.map(Some)
    }

    /// The account that acts.
    fn account(&self, wallet: &Wallet<WalletFile>) -> Outcome<Account> {
        Ok(self.chosen(wallet)?.unwrap_or(ACCOUNT))
    }

    /// Opens the wallet and brings it up to date with the chain.
    fn open_fresh(&self) -> Outcome<(Wallet<WalletFile>, ChainAt, ScanReport)> {
        self.open_after(scan)
    }

    /// The same, with a scan of the caller's choice.
    fn open_after(&self, look: Scan) -> Outcome<(Wallet<WalletFile>, ChainAt, ScanReport)> {
        let passphrase = self.args.passphrase.get()?;
        let chain = self.chain()?;
        let mut wallet = self.home.open_wallet(&self.args.wallet, &passphrase)?;
        same_chain(&wallet, chain.chain())?;
        let report = look(self.context, &mut wallet, &chain.view())?;
        Ok((wallet, chain, report))
    }

    /// The chain given with --node or --dir.
    fn chain(&self) -> Outcome<ChainAt> {
        self.home.chain_at(self.node)
    }
}

/// How a wallet is brought up to date: [`scan`] or [`accept`].
type Scan = fn(&Context, &mut Wallet<WalletFile>, &View<'_>) -> Outcome<ScanReport>;

/// An address for people: with its name, if the wallet knows one.
fn named(wallet: &Wallet<WalletFile>, address: &Address) -> String {
    match wallet.contacts().name_of(address) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    }
}

/// Refuses a wallet of another chain.
pub(crate) fn same_chain(wallet: &Wallet<impl sotto_wallet::store::Store>, chain: &Chain) -> Outcome {
    let (ours, here) = (wallet.chain().id(), chain.id());
    if ours == here {
        return Ok(());
    }
    Err(Failure::refused("the wallet belongs to another chain")
        .why(format!("it belongs to {ours}, and the chain here is {here}"))
        .help("pass the right --dir or --wallet"))
}

/// Brings a wallet up to date with the chain.
pub(crate) fn scan(
    context: &Context,
    wallet: &mut Wallet<impl sotto_wallet::store::Store>,
    view: &View<'_>,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(view.unspent_count().or_refuse(UNSEARCHED)?, "scanning");
    let report = wallet.scan(view, &mut |done, _| bar.at(done)).map_err(|e| unsearched(UNSEARCHED, e))?;
    drop(bar);
    warn(context, &report);
    Ok(report)
}

/// The same, but accepts the chain as it is now, whatever the wallet has seen before.
fn accept(
    context: &Context,
    wallet: &mut Wallet<impl sotto_wallet::store::Store>,
    view: &View<'_>,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(view.unspent_count().or_refuse(UNSEARCHED)?, "scanning");
    wallet.rescan(view, &mut |done, _| bar.at(done)).map_err(|e| unsearched(UNSEARCHED, e))
}

/// Warns if the last block that the wallet has seen is no longer in the chain.
fn warn(context: &Context, report: &ScanReport) {
    if let Some(ReplacedBlock { height, before, now }) = report.replaced {
        context.ui.say(&format!(
            "{BAD}warning:{BAD:#} block {height} was {before} at the last scan and is {now} now. The reason is a reorganisation, or an operator who seals a height twice; keep the two hashes as evidence."
        ));
    }
}

const UNSEARCHED: &str = "cannot scan the chain";

/// The address of the wallet's account.
pub(crate) fn address(wallet: &Wallet<impl sotto_wallet::store::Store>) -> Outcome<Address> {
    wallet.address(ACCOUNT).or_refuse("cannot derive the address of the wallet")
}
