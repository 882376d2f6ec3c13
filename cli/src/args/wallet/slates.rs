//! The steps of a payment.

use super::{super::NodeArgs, AccountArgs, QrFile};
use clap::Args;
use std::path::PathBuf;

/// How a slate is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct SlateForm {
    /// Do not encrypt: anyone who sees the text learns the amount, both parties and the memo
    #[arg(long)]
    pub(crate) plain: bool,
    /// Also draw a QR code on standard error
    #[arg(long)]
    pub(crate) qr: bool,
}

/// Pay: at once, or by an invite that the receiver answers
///
/// An address is enough: the receiver need not be there, and finds the payment with its next scan. With
/// --interactive, this prints an invite for the receiver instead, encrypted to the address. Such a payment is
/// smaller, puts no key of the receiver on the chain, gives you a receipt, and needs the receiver's consent.
///
/// One transaction can pay several receivers, which is cheaper than one for each; all know how many there
/// are, but not who the others are or what they get. If some must answer, the transaction is signed when all
/// have. One who does not answer can be dropped with `cancel`; the others are then paid.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet send 1.5 --to $(cat bob.address) --yes --wallet alice
  $ sotto wallet send '0.25 SOT' --to bob --reference INV-2026-17 --dry-run --wallet alice
  $ sotto wallet send --interactive --to bob=1 --to dora=2.5 --yes --wallet alice > invites.txt")]
pub(crate) struct WalletSend {
    /// Amount for the receiver, such as 1.5, '1.5 SOT', or 1500000000u for base units; for several receivers,
    /// --to has it
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: Option<String>,
    /// Pay everything that the account can spend, less the fee, to one receiver
    #[arg(long, conflicts_with = "amount")]
    pub(crate) all: bool,
    /// Spend exactly the outputs that are named like this; a unique prefix of the commitment is enough
    #[arg(long, value_name = "OUTPUT", hide_short_help = true)]
    pub(crate) spend: Vec<String>,
    /// Allow amounts that cost more to spend than they are worth
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_dust: bool,
    /// The receiver: an address, a request ADDRESS?ref=REFERENCE, or a contact; for several, WHO=AMOUNT for
    /// each
    #[arg(long, value_name = "WHO|WHO=AMOUNT", required = true)]
    pub(crate) to: Vec<String>,
    /// Let the receivers answer an invite
    #[arg(long)]
    pub(crate) interactive: bool,
    /// Refuse a receiver whose address can only be paid interactively
    #[arg(long, conflicts_with_all = ["interactive", "to_listener"], hide_short_help = true)]
    pub(crate) one_sided: bool,
    /// What the payment is for: up to 12 letters, digits or signs, which the receiver reads
    #[arg(long, value_name = "REFERENCE", conflicts_with_all = ["interactive", "to_listener"])]
    pub(crate) reference: Option<String>,
    /// Leave the change visible: cheaper, but beside one-sided outputs it is known to be yours
    #[arg(long, hide_short_help = true)]
    pub(crate) plain_change: bool,
    /// A line for receivers who answer, the same for all, whose hash is in the proof; otherwise a note for
    /// yourself
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) memo: String,
    /// Deliver an invite to the receiver's `wallet listen` at this address, and finish the payment at once
    #[arg(long, value_name = "KEY@HOST:PORT")]
    pub(crate) to_listener: Option<String>,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}

/// Answer an invite: print the response for the payer
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet receive invite.txt --yes --wallet bob > answer.txt
  $ cat invite.txt | sotto wallet receive - --yes --wallet bob > answer.txt")]
pub(crate) struct WalletReceive {
    /// The invite, or several invites of which one is for this wallet; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}

/// Ask for a payment: print the invoice for the payer
///
/// The invoice contains the receiver's signed receipt, so the payer has a proof of payment before signing.
/// For the same reason it fixes the fee, which the payer adds to the amount. With --from, only that address
/// can pay and the invoice is encrypted to it; without, anyone who reads the invoice can pay it, and it is
/// not encrypted. An invoice locks nothing. `finalize` takes the payer's answer.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet invoice 0.3 --from alice --memo 'two cakes' --wallet bob > bill.txt
  $ sotto wallet invoice 0.3 --wallet bob | sotto wallet pay - --yes --wallet alice > paid.txt
  $ sotto wallet invoice 0.3 --from alice --inputs 12 --wallet bob > bill.txt")]
pub(crate) struct WalletInvoice {
    /// Amount that you receive, such as 1.5, '1.5 SOT', or 1500000000u for base units
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// Allow an amount that costs more to spend than it is worth
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_dust: bool,
    /// The payer: an address or the name of a contact
    #[arg(long, value_name = "ADDRESS|NAME")]
    pub(crate) from: Option<String>,
    /// A line for the payer; the proof of payment signs its hash
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) memo: String,
    /// Largest number of outputs that the payer can spend; the fee covers that many
    #[arg(long, value_name = "N", default_value_t = sotto_wallet::InvoiceRequest::INPUTS)]
    pub(crate) inputs: u32,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}

/// Pay an invoice: print the payment for the receiver, who finalizes it
///
/// The payment contains your signature. It cannot be cancelled for free, and the outputs that it spends stay
/// locked until it is in a block or its last height has passed. Paying the same invoice again prints the same
/// payment; it is never paid twice.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet pay invoice.txt --yes --wallet alice > paid.txt
  $ sotto wallet pay invoice.txt --dry-run --wallet alice")]
pub(crate) struct WalletPay {
    /// The invoice; `-` is standard input
    pub(crate) file: PathBuf,
    /// Deliver the payment to the receiver's `wallet listen` at this address
    #[arg(long, value_name = "KEY@HOST:PORT")]
    pub(crate) to_listener: Option<String>,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}

/// Finish a payment with the other side's response: print the transaction
///
/// A payment to several receivers is signed with the last response; earlier ones are checked and kept.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet finalize response.txt --wallet alice > finished.txt
  $ sotto wallet finalize response.txt --submit --wallet alice
  $ sotto wallet finalize payment.txt --wallet bob | sotto chain submit -")]
pub(crate) struct WalletFinalize {
    /// The responses, or the payments of invoices; `-` is standard input
    #[arg(required_unless_present = "session")]
    pub(crate) files: Vec<PathBuf>,
    /// Finish this session with the responses that it has, after another receiver was dropped
    #[arg(long, value_name = "SESSION", conflicts_with = "files")]
    pub(crate) session: Option<String>,
    /// Submit the transaction instead of printing it
    #[arg(long)]
    pub(crate) submit: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// List open payments, or print the last message of one again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet slates --wallet alice
  $ sotto wallet slates $(cat open.session) --wallet alice > again.txt")]
pub(crate) struct WalletSlates {
    /// Print the last message of this session again, byte for byte; a unique prefix is enough
    pub(crate) session: Option<String>,
    /// Also list payments that are confirmed, expired or cancelled
    #[arg(long, conflicts_with = "session")]
    pub(crate) all: bool,
    /// Stop expecting this payment, which you answered; it is received if the payer signs it all the same
    #[arg(long, requires = "session")]
    pub(crate) forget: bool,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) qr_file: QrFile,
}
