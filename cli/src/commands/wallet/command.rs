//! What all verbs of `sotto wallet` share: the wallet, the account and the chain that the user chose.

use super::sync::{Scan, same_chain, scan};
use crate::{
    Context, args,
    bridge::{ChainAt, Home},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    qr,
    ui::BAD,
};
use core::cell::OnceCell;
use sotto_wallet::{
    Wallet,
    edge::file::WalletFile,
    keys::{Account, Address},
    scan::ScanReport,
    store::Store,
};
use std::path::Path;
use zeroize::Zeroizing;

/// The account if none is given.
pub(crate) const ACCOUNT: Account = Account(0);

/// One run of one verb on one wallet.
pub(crate) struct WalletCommand<'a> {
    pub(crate) context: &'a Context,
    pub(crate) home: Home,
    pub(crate) args: &'a args::WalletChoice,
    /// What the verb itself says: nothing, for a verb that has no such option.
    pub(crate) account: Option<&'a str>,
    pub(crate) node: &'a args::NodeArgs,
    pub(crate) qr_file: Option<&'a Path>,
    pub(crate) known: OnceCell<Zeroizing<String>>,
}

impl WalletCommand<'_> {
    pub(crate) fn open(&self) -> Outcome<Wallet<WalletFile>> {
        self.home.open_wallet(&self.args.wallet, &self.passphrase()?)
    }

    /// The file for a QR code, checked before anything is done.
    pub(crate) fn check_qr_file(&self) -> Outcome {
        let Some(path) = self.qr_file else { return Ok(()) };
        qr::Format::of(path)?;
        picture_file(path).check()
    }

    /// Draws a text on the terminal (`on_screen`), and into the file that was asked for.
    ///
    /// A code that does not fit does not stop a payment that is under way: a warning suffices.
    pub(crate) fn draw(&self, text: &str, on_screen: bool) -> Outcome {
        let ui = &self.context.ui;
        if on_screen {
            match qr::draw(text, ui.size()) {
                Ok(code) => ui.info(&code),
                Err(e) => ui.info(&format!(
                    "{BAD}warning:{BAD:#} {}: {}; {}",
                    e.what,
                    e.why.unwrap_or_default(),
                    e.help.unwrap_or_default()
                )),
            }
        }
        let Some(path) = self.qr_file else { return Ok(()) };
        picture_file(path).write_all(&qr::picture(text, qr::Format::of(path)?)?)
    }

    /// The passphrase of the wallet, which is asked for, or read from a descriptor, once.
    pub(crate) fn passphrase(&self) -> Outcome<Zeroizing<String>> {
        if let Some(known) = self.known.get() {
            return Ok(known.clone());
        }
        let passphrase = self.home.passphrase(&self.args.wallet, &self.args.passphrase)?;
        Ok(self.known.get_or_init(|| passphrase).clone())
    }

    /// Shows a plan and asks for confirmation, with the wallet closed while a person thinks, so that other
    /// commands can use it. The wallet checks the plan again when it is carried out.
    pub(crate) fn confirm(
        &self,
        wallet: Wallet<WalletFile>,
        plan: &str,
        yes: bool,
    ) -> Outcome<Wallet<WalletFile>> {
        if yes {
            self.context.ui.confirm(plan, true)?;
            return Ok(wallet);
        }
        let terms = wallet.chain().terms().clone();
        drop(wallet);
        self.context.ui.confirm(plan, false)?;
        let mut wallet = self.open()?;
        // The plan was made under these, and the file does not keep them.
        wallet.follow_terms(&terms);
        Ok(wallet)
    }

    /// The account given with --account.
    pub(crate) fn chosen(&self, wallet: &Wallet<WalletFile>) -> Outcome<Option<Account>> {
        account_named(wallet, &self.args.wallet, self.account)
    }

    /// The account that acts.
    pub(crate) fn account(&self, wallet: &Wallet<WalletFile>) -> Outcome<Account> {
        Ok(self.chosen(wallet)?.unwrap_or(ACCOUNT))
    }

    /// Opens the wallet and brings it up to date with the chain.
    pub(crate) fn open_fresh(&self) -> Outcome<(Wallet<WalletFile>, ChainAt, ScanReport)> {
        self.open_after(scan)
    }

    /// The same, with a scan of the caller's choice.
    pub(crate) fn open_after(&self, look: Scan) -> Outcome<(Wallet<WalletFile>, ChainAt, ScanReport)> {
        // Without a chain no wallet can be brought up to date; a person is not asked for nothing.
        if self.node.node.is_none() && !self.home.chain().exists() {
            self.chain()?;
        }
        // The wallet first, everywhere: two commands that each have one and wait for the other would wait in
        // vain.
        let mut wallet = self.open()?;
        let chain = self.chain()?;
        same_chain(&wallet, chain.chain())?;
        wallet.follow_terms(chain.chain().terms());
        let report = look(self.context, &mut wallet, &chain.view())?;
        Ok((wallet, chain, report))
    }

    /// What a command that is suggested next needs, to use the same node as this one.
    pub(crate) fn at_node(&self) -> String {
        self.node.node.as_ref().map_or_else(String::new, |node| format!(" --node {node}"))
    }

    /// The chain given with --node or --dir.
    pub(crate) fn chain(&self) -> Outcome<ChainAt> {
        self.home.chain_at(self.node)
    }
}

/// A picture can show a slate, which is not for everybody.
const fn picture_file(path: &Path) -> NewFile<'_> {
    NewFile { path, readers: Readers::Owner, existing: Existing::Never }
}

/// The account given with --account, if one is.
pub(crate) fn chosen_account(
    wallet: &Wallet<WalletFile>,
    args: &args::WalletArgs,
) -> Outcome<Option<Account>> {
    account_named(wallet, &args.wallet, args.account.as_deref())
}

fn account_named(
    wallet: &Wallet<WalletFile>,
    wallet_name: &str,
    account: Option<&str>,
) -> Outcome<Option<Account>> {
    let Some(name) = account else { return Ok(None) };
    let unknown = format!("no account `{name}` in wallet `{wallet_name}`");
    let found = wallet.account(name).ok_or_else(|| {
        Failure::coded(ErrorCode::NoAccount, unknown).help("`sotto wallet account list` shows the accounts")
    });
    found.map(Some)
}

/// An address for people: with its name, if the wallet knows one.
pub(crate) fn named(wallet: &Wallet<WalletFile>, address: &Address) -> String {
    match wallet.contacts().name_of(address) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    }
}

/// The name of an address, or the address.
pub(crate) fn who(wallet: &Wallet<WalletFile>, address: &Address) -> String {
    wallet.contacts().name_of(address).map_or_else(|| address.to_string(), ToString::to_string)
}

/// The address of the wallet's account.
pub(crate) fn address(wallet: &Wallet<impl Store>) -> Outcome<Address> {
    wallet.address(ACCOUNT).or_refuse("cannot derive the address of the wallet")
}
