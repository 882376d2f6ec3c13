//! The verbs of `sotto wallet`: custody of a wallet, the steps of a payment, and what the wallet holds.

mod custody;
mod group;
mod hold;
mod levels;
mod listen;
mod records;
mod slates;
mod spending;
mod views;

pub(crate) use custody::*;
pub(crate) use group::*;
pub(crate) use hold::*;
pub(crate) use levels::*;
pub(crate) use listen::*;
pub(crate) use records::*;
pub(crate) use slates::*;
pub(crate) use spending::*;
pub(crate) use views::*;

use super::NodeArgs;
use crate::secret::PassphraseArgs;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// The wallet that a verb uses.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct WalletChoice {
    /// Name of the wallet
    #[arg(long, value_name = "NAME", default_value = "default", global = true)]
    pub(crate) wallet: String,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// The account that a verb uses; only verbs that use one have this option.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Wallet options")]
pub(crate) struct AccountArgs {
    /// Account, by name or number [default: 0; in sums and lists: all]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
}

/// A QR code in a file; only verbs that print one text have this option.
#[derive(Args, Clone, Debug)]
pub(crate) struct QrFile {
    /// Write a QR code of the text to this new file: FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_file: Option<PathBuf>,
}

/// The wallet and the account that take the reward of blocks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Wallet options")]
pub(crate) struct WalletArgs {
    /// Name of the wallet
    #[arg(long, value_name = "NAME", default_value = "default", global = true)]
    pub(crate) wallet: String,
    /// Account, by name or number [default: 0; in sums and lists: all]
    #[arg(long, value_name = "ACCOUNT", global = true)]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Keep keys, make and receive payments, see balances
///
/// An address is enough to pay: `send` makes the payment, and the receiver finds it. With `send
/// --interactive` the receiver takes part and signs a receipt: the payer starts, the receiver answers with
/// `receive`, and the payer finishes with `finalize`. Or the receiver starts with `invoice`, the payer
/// answers with `pay`, and the receiver finishes with `finalize`. Each step reads and writes a text that can
/// be sent by chat or mail. The text is encrypted to the address of the other side, and does not allow anyone
/// who sees it to take money.
///
/// A verb that needs the chain reads it in --dir or, with --node, asks a running node and checks its answers
/// against the operator's seal.
#[derive(Args, Debug)]
// Two lines shorter than the usual template: the short help fills a screen.
#[command(
    disable_help_subcommand = true,
    help_template = "{about-with-newline}{usage-heading} {usage}\n{all-args}{after-help}"
)]
pub(crate) struct Wallet {
    #[command(flatten)]
    pub(crate) wallet: WalletChoice,
    #[command(subcommand)]
    pub(crate) verb: WalletVerb,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WalletVerb {
    Init(WalletInit),
    Restore(WalletRestore),
    List(WalletList),
    Balance(WalletBalance),
    Address(WalletAddress),
    Send(WalletSend),
    Receive(WalletReceive),
    Listen(WalletListen),
    Invoice(WalletInvoice),
    Pay(WalletPay),
    Finalize(WalletFinalize),
    Cancel(WalletCancel),
    Slates(WalletSlates),
    #[command(subcommand)]
    Hold(WalletHold),
    #[command(subcommand)]
    Level(WalletLevel),
    #[command(subcommand)]
    Group(WalletGroup),
    History(WalletHistory),
    Outputs(WalletOutputs),
    Consolidate(WalletConsolidate),
    Sweep(WalletSweep),
    Freeze(WalletFreeze),
    Unfreeze(WalletUnfreeze),
    Scan(WalletScan),
    #[command(subcommand)]
    Contact(WalletContact),
    #[command(subcommand)]
    Proof(WalletProof),
    #[command(subcommand)]
    Account(WalletAccount),
    #[command(subcommand)]
    ViewKey(WalletViewKey),
    Passphrase(WalletPassphrase),
    Backup(WalletBackup),
    VerifyBackup(WalletVerifyBackup),
}

impl WalletVerb {
    /// The account given to the verb, if it takes one.
    pub(crate) fn account(&self) -> Option<&str> {
        let account = match self {
            Self::Balance(a) => &a.account,
            Self::Address(a) => &a.account,
            Self::Send(a) => &a.account,
            Self::Receive(a) => &a.account,
            Self::Listen(a) => &a.account,
            Self::Invoice(a) => &a.account,
            Self::Pay(a) => &a.account,
            Self::History(a) => &a.account,
            Self::Outputs(a) => &a.account,
            Self::Consolidate(a) => &a.account,
            Self::Sweep(a) => &a.account,
            Self::Hold(WalletHold::Open(a)) => &a.account,
            Self::Level(WalletLevel::State(a)) => &a.account,
            Self::ViewKey(WalletViewKey::Export(a)) => &a.account,
            _ => return None,
        };
        account.account.as_deref()
    }

    /// The file for a QR code, if the verb takes one.
    pub(crate) fn qr_file(&self) -> Option<&Path> {
        let file = match self {
            Self::Address(a) => &a.qr_file,
            Self::Send(a) => &a.qr_file,
            Self::Receive(a) => &a.qr_file,
            Self::Invoice(a) => &a.qr_file,
            Self::Pay(a) => &a.qr_file,
            Self::Slates(a) => &a.qr_file,
            _ => return None,
        };
        file.qr_file.as_deref()
    }

    /// Whether the verb shows what there is, and signs and sends nothing.
    pub(crate) const fn only_shows(&self) -> bool {
        match self {
            Self::List(_) | Self::Balance(_) | Self::Address(_) | Self::History(_) | Self::Outputs(_) => true,
            Self::Slates(a) => !a.forget,
            Self::Level(verb) => matches!(verb, WalletLevel::List(_) | WalletLevel::Verify(_)),
            Self::Contact(verb) => matches!(verb, WalletContact::List(_)),
            Self::Account(verb) => matches!(verb, WalletAccount::List(_)),
            Self::ViewKey(WalletViewKey::Show(a)) => !a.accept_chain,
            Self::ViewKey(verb) => matches!(verb, WalletViewKey::Export(_)),
            Self::Proof(_) | Self::Backup(_) | Self::VerifyBackup(_) => true,
            Self::Group(verb) => matches!(verb, WalletGroup::Status(_)),
            _ => false,
        }
    }

    /// The node given to the verb, if it takes one.
    pub(crate) const fn node(&self) -> Option<&NodeArgs> {
        match self {
            Self::Init(a) => Some(&a.node),
            Self::Restore(a) => Some(&a.node),
            Self::Balance(a) => Some(&a.node),
            Self::Send(a) => Some(&a.node),
            Self::Receive(a) => Some(&a.node),
            Self::Listen(a) => Some(&a.node),
            Self::Invoice(a) => Some(&a.node),
            Self::Pay(a) => Some(&a.node),
            Self::Finalize(a) => Some(&a.node),
            Self::Cancel(a) => Some(&a.node),
            Self::Slates(a) => Some(&a.node),
            Self::Hold(a) => a.node(),
            Self::Level(a) => a.node(),
            Self::Group(a) => Some(a.node()),
            Self::History(a) => Some(&a.node),
            Self::Outputs(a) => Some(&a.node),
            Self::Consolidate(a) => Some(&a.node),
            Self::Sweep(a) => Some(&a.node),
            Self::Scan(a) => Some(&a.node),
            Self::Proof(WalletProof::Export(a)) => Some(&a.node),
            Self::Proof(WalletProof::Verify(a)) => Some(&a.node),
            Self::Account(WalletAccount::List(a)) => Some(&a.node),
            Self::ViewKey(WalletViewKey::Import(a)) => Some(&a.node),
            Self::ViewKey(WalletViewKey::Show(a)) => Some(&a.node),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::{CommandFactory, Parser, error::ErrorKind};

    /// A command line for every verb below `command`, with a value for each argument that it cannot do
    /// without.
    fn lines(command: &clap::Command, before: &[String], into: &mut Vec<Vec<String>>) {
        let line = [before, &[command.get_name().to_owned()]].concat();
        let verbs: Vec<_> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
        verbs.iter().for_each(|verb| lines(verb, &line, into));
        if verbs.is_empty() {
            let needed = command.get_arguments().filter(|a| a.is_positional() || a.is_required_set());
            let value = |a: &clap::Arg| {
                a.get_possible_values().first().map_or("1".to_owned(), |v| v.get_name().to_owned())
            };
            let given =
                needed.flat_map(|a| a.get_long().map(|l| format!("--{l}")).into_iter().chain([value(a)]));
            into.push(line.into_iter().chain(given).collect());
        }
    }

    /// An option that a verb accepts reaches it; every other verb refuses it.
    #[test]
    fn no_verb_swallows_an_option_that_it_does_not_use() {
        let (command, mut all) = (Cli::command(), Vec::new());
        lines(command.find_subcommand("wallet").unwrap(), &["sotto".to_owned()], &mut all);
        assert!(all.len() > 25, "{}", all.len());
        let (mut accepted, mut refused) = (0, 0);
        for line in all {
            assert!(Cli::try_parse_from(&line).is_ok(), "{line:?}");
            for option in ["--account", "--node", "--token-file", "--qr-file"] {
                let asked = [&line[..], &[option.to_owned(), "given".to_owned()]].concat();
                match Cli::try_parse_from(&asked) {
                    Err(e) => {
                        assert_eq!(e.kind(), ErrorKind::UnknownArgument, "{asked:?}");
                        refused += 1;
                    }
                    Ok(Cli { command: Command::Wallet(wallet), .. }) => {
                        let verb = &wallet.verb;
                        let reached = match option {
                            "--account" => verb.account() == Some("given"),
                            "--node" => verb.node().is_some_and(|n| n.node.as_deref() == Some("given")),
                            "--qr-file" => verb.qr_file() == Some(Path::new("given")),
                            _ => verb
                                .node()
                                .is_some_and(|n| n.token_file.as_deref() == Some(Path::new("given"))),
                        };
                        assert!(reached, "{asked:?} is accepted, and not used");
                        accepted += 1;
                    }
                    Ok(_) => panic!("{asked:?}"),
                }
            }
        }
        assert!(accepted > 40 && refused > 40, "{accepted} {refused}");
    }
}
