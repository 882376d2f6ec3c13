//! Holds: money that two parties hold together until it is claimed, undone or refunded.

use super::{super::NodeArgs, AccountArgs, SlateForm};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Put money aside for a seller, who gets it, or you get it back
///
/// The payer opens a hold and the seller joins it; four letters later the money is in an output that only both
/// together can spend. Then the seller answers with a claim, and the payer releases it; or the seller consents
/// to undo it; or, if nothing happens, one of the refunds that both signed beforehand returns the money. The
/// letters are texts as those of a payment, encrypted to the other side.
///
/// Unaudited: nobody outside the project has reviewed the protocol or the code.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum WalletHold {
    Open(HoldOpen),
    Join(HoldJoin),
    Prove(HoldProve),
    Lock(HoldLock),
    Answer(HoldAnswer),
    Release(HoldRelease),
    Claim(HoldClaim),
    Undo(HoldUndo),
    Refund(HoldRefund),
    Status(HoldStatus),
}

impl WalletHold {
    /// How to reach the ledger, for verbs that need it.
    pub(crate) const fn node(&self) -> Option<&NodeArgs> {
        Some(match self {
            Self::Lock(_) => return None,
            Self::Open(a) => &a.node,
            Self::Join(a) => &a.node,
            Self::Prove(a) => &a.node,
            Self::Answer(a) => &a.node,
            Self::Release(a) => &a.node,
            Self::Claim(a) => &a.node,
            Self::Undo(a) => &a.node,
            Self::Refund(a) => &a.node,
            Self::Status(a) => &a.node,
        })
    }
}

/// Whether to ask before acting.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct HoldConsent {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be done and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Payer: propose a hold; print the offer for the seller
///
/// Nothing is spent before you fund it with `prove`; until then you can cancel it for free with `undo`. After
/// that the money comes back at the earliest when the refunds begin, which the plan shows in blocks: on a chain
/// that seals blocks when there is something to seal, an idle time can make that much longer.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold open 0.5 --to bob --yes --wallet alice > my-offer.txt
  $ sotto wallet hold open 0.5 --to bob --blocks 200 --refunds 12 --dry-run --wallet alice
  $ sotto wallet hold open 0.5 --start-fee 0.05 --to bob --dry-run --wallet alice")]
pub(crate) struct HoldOpen {
    /// Amount for the seller, such as 1.5, '1.5 SOT', or 1500000000u for base units
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// What the seller gets besides once the hold is funded, for beginning; it does not come back
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) start_fee: Option<String>,
    /// The seller: an address or a contact
    #[arg(long, value_name = "WHO")]
    pub(crate) to: String,
    /// Blocks until the claim, at the fastest pace: for confirmations, the work, and letters
    #[arg(long, value_name = "N", default_value_t = 144)]
    pub(crate) blocks: u64,
    /// Confirmations of the funding that the seller waits for
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) confirmations: u64,
    /// Refunds, one after another; after the last only undoing by both is left
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) refunds: u8,
    /// A line for the seller
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) memo: String,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Seller: join a hold, then answer its range proof
///
/// Takes the offer and prints your consent, which signs the funding and all refunds; then takes the payer's
/// next letter and prints the one answer that its range proof needs.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold join offer.txt --yes --wallet bob > my-join.txt
  $ cat prove.txt | sotto wallet hold join - --wallet bob > my-part.txt")]
pub(crate) struct HoldJoin {
    /// The payer's letter; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Payer: check the seller's consent, then fund the hold
///
/// Takes the seller's consent, verifies every refund, and prints what the range proof commits to; then takes the
/// seller's answer, and submits the funding.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold prove join.txt --wallet alice > my-prove.txt
  $ sotto wallet hold prove part.txt --yes --wallet alice")]
pub(crate) struct HoldProve {
    /// The seller's letter; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Make the lock of claims: write its secret to a file, print its point
///
/// Whoever completes a claim that is locked to the point reveals the secret to its payer. If the file exists, its
/// point is printed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold lock new.secret > new.point")]
pub(crate) struct HoldLock {
    /// The file of the secret, for you alone
    pub(crate) file: PathBuf,
}

/// Seller: claim the money of a buried hold; print the claim for the payer
///
/// With --lock the claim is worth nothing without the secret of a point, and publishing it reveals that secret
/// to the payer for ever.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold answer $(cat funded.hold) --wallet bob > my-answer.txt
  $ sotto wallet hold answer $(cat funded.hold) --lock $(cat lock.point) --wallet bob > mine.txt")]
pub(crate) struct HoldAnswer {
    /// The hold; a unique prefix of its id is enough
    pub(crate) hold: String,
    /// A point, 64 hexadecimal digits
    #[arg(long, value_name = "POINT")]
    pub(crate) lock: Option<String>,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Payer: give the seller your half of a claim
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold release answer.txt --yes --wallet alice > my-release.txt
  $ sotto wallet hold release answer.txt --dry-run --wallet alice")]
pub(crate) struct HoldRelease {
    /// The seller's claim; `-` is standard input
    pub(crate) file: PathBuf,
    /// The point that the claim must be locked to, 64 hexadecimal digits; a claim with another lock, or none, is refused
    #[arg(long, value_name = "POINT")]
    pub(crate) lock: Option<String>,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Seller: complete and submit a claim
///
/// A locked claim is kept until its secret is given; publishing it reveals the secret, so it is refused when the money is
/// not safe any more: too late, too few confirmations, or an undoing that you consented to can still happen.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold claim release.txt --wallet bob
  $ sotto wallet hold claim locked-release.txt --secret-file lock.secret --wallet bob")]
pub(crate) struct HoldClaim {
    /// The payer's half of the claim; `-` is standard input
    pub(crate) file: PathBuf,
    /// A file with the secret of the point to which the claim is locked, 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Return the money by consent: the seller writes it, the payer submits the undoing
///
/// The seller names the hold and gets a letter for the payer; the payer passes that letter. A payer who has not
/// funded the hold names it, and it is cancelled for free.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold undo $(cat funded.hold) --yes --wallet bob > my-consent.txt
  $ sotto wallet hold undo consent.txt --wallet alice
  $ sotto wallet hold undo $(cat open.hold) --wallet alice")]
pub(crate) struct HoldUndo {
    /// The hold, by a unique prefix of its id; or the seller's consent as a file, `-` for standard input
    #[arg(value_name = "HOLD|FILE")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) form: SlateForm,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Payer: submit the refund whose heights have come
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold refund $(cat funded.hold) --dry-run --wallet alice")]
pub(crate) struct HoldRefund {
    /// The hold; a unique prefix of its id is enough
    pub(crate) hold: String,
    /// Show when the refunds begin and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show the holds of a wallet, and what can be done next
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet hold status --wallet alice
  $ sotto wallet hold status $(cat funded.hold) --json --wallet bob")]
pub(crate) struct HoldStatus {
    /// Show only this hold; a unique prefix of its id is enough
    pub(crate) hold: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
