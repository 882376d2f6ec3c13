//! The steps of a payment.

use clap::Args;
use std::path::PathBuf;

/// How a slate is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct SlateForm {
    /// Do not encrypt it: whoever carries it reads amount, parties and memo
    #[arg(long)]
    pub(crate) plain: bool,
    /// Also draw it as a QR code, on standard error
    #[arg(long)]
    pub(crate) qr: bool,
}

/// Start a payment: prints the invite for the receiver, encrypted to its address
///
/// Several receivers are paid in one transaction, which is cheaper than one for each. Each gets an invite of its own and learns
/// how many the others are, not who they are nor what they get. The transaction is signed when all have answered; who does
/// not is dropped with `cancel`, and the others are paid.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet send 2500000 --to $(cat bob.address) --yes --wallet alice > mine.txt
  $ sotto wallet send 2500000 --to bob --memo 'for the roof' --dry-run --wallet alice
  $ sotto wallet send --to bob=1000000 --to dora=2000000 --yes --wallet alice > invites.txt")]
pub(crate) struct WalletSend {
    /// How much the receiver gets, in base units; of several, --to says it
    #[arg(value_name = "UNITS", allow_negative_numbers = true)]
    pub(crate) amount: Option<String>,
    /// The receiver: an address, or the name of a contact; WHO=UNITS for each of several
    #[arg(long, value_name = "WHO|WHO=UNITS", required = true)]
    pub(crate) to: Vec<String>,
    /// A line for the receiver, the same for all; the proof of payment signs its hash
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) memo: String,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Answer an invite: prints the encrypted response for the payer
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet receive invite.txt --yes --wallet bob > answer.txt
  $ cat invite.txt | sotto wallet receive - --yes --wallet bob > answer.txt")]
pub(crate) struct WalletReceive {
    /// The invite, or several of which one is for this wallet; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Ask for a payment: prints the invoice for the payer
///
/// The invoice holds the receiver's signed receipt, so the payer has a proof of payment before he signs. Therefore it
/// fixes the fee, which the payer adds to the amount. With --from only that address can pay, and the invoice is encrypted to
/// it; without, whoever reads it can pay, and it is printed in the clear. Asking locks nothing; `finalize` takes the answer.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet invoice 300000 --from alice --memo 'two cakes' --wallet bob > bill.txt
  $ sotto wallet invoice 300000 --wallet bob | sotto wallet pay - --yes --wallet alice > paid.txt
  $ sotto wallet invoice 300000 --from alice --inputs 12 --wallet bob > bill.txt")]
pub(crate) struct WalletInvoice {
    /// How much you get, in base units
    #[arg(value_name = "UNITS", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// The payer: an address, or the name of a contact
    #[arg(long, value_name = "ADDRESS|NAME")]
    pub(crate) from: Option<String>,
    /// A line for the payer; the proof of payment signs its hash
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) memo: String,
    /// How many outputs the payer can spend at most: the fee pays for that many
    #[arg(long, value_name = "N", default_value_t = sotto_wallet::slate::invoice::Ask::INPUTS)]
    pub(crate) inputs: u32,
    #[command(flatten)]
    pub(crate) form: SlateForm,
}

/// Pay an invoice: prints the payment for the receiver, who finalizes it
///
/// With the payment your signature leaves: it cannot be cancelled for free, and what it spends is held until it is in
/// a block or its last height is past. The same invoice gets the same payment, and is never paid twice.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet pay invoice.txt --yes --wallet alice > paid.txt
  $ sotto wallet pay invoice.txt --dry-run --wallet alice")]
pub(crate) struct WalletPay {
    /// The invoice; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Finish with the other side's response or payment: prints the transaction
///
/// A payment to several is signed with the last response: those before are checked and kept.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet finalize response.txt --wallet alice > finished.txt
  $ sotto wallet finalize response.txt --wallet alice | sotto chain submit -
  $ sotto wallet finalize payment.txt --wallet bob | sotto chain submit -")]
pub(crate) struct WalletFinalize {
    /// The responses, or the payments of invoices; `-` is standard input
    #[arg(required_unless_present = "session")]
    pub(crate) files: Vec<PathBuf>,
    /// Go on with what was answered in this session, after another receiver was dropped
    #[arg(long, value_name = "SESSION", conflicts_with = "files")]
    pub(crate) session: Option<String>,
}

/// List open payments, or print the last message of one again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet slates --wallet alice
  $ sotto wallet slates $(cat open.session) --wallet alice > again.txt")]
pub(crate) struct WalletSlates {
    /// Print this session's message again, byte for byte; the first letters that name no other are enough
    pub(crate) session: Option<String>,
    /// List those that are confirmed, expired or cancelled too
    #[arg(long, conflicts_with = "session")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) form: SlateForm,
}
