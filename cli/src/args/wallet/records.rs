//! Contacts, and proofs of payment.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Names for addresses, so that nobody retypes one
#[derive(Subcommand, Debug)]
pub(crate) enum WalletContact {
    Add(ContactAdd),
    List(ContactList),
    Remove(ContactRemove),
}

/// Give an address a name
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet contact add robert $(cat bob.address) --wallet alice")]
pub(crate) struct ContactAdd {
    /// Letters, digits, `-`, `_` and `.`; upper and lower case are the same
    pub(crate) name: String,
    /// The address
    pub(crate) address: String,
}

/// All names and their addresses
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet contact list --wallet alice")]
pub(crate) struct ContactList {}

/// Forget a name
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet contact remove bob --wallet alice")]
pub(crate) struct ContactRemove {
    /// The name
    pub(crate) name: String,
}

/// Show that a payment was made, or check that it was
#[derive(Subcommand, Debug)]
pub(crate) enum WalletProof {
    Export(ProofExport),
    Verify(ProofVerify),
}

/// Print the proof of a payment that is in a block
///
/// It shows whoever reads it: the amount, the signing keys of both addresses, and which kernel on the chain is the payment's.
/// The memo is shown by its hash only.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet proof export $(cat paid.session) --wallet alice > paid.proof")]
pub(crate) struct ProofExport {
    /// The payment's session, as `slates --all` shows it; the first letters that name no other are enough
    pub(crate) session: String,
}

/// Verify a proof of payment; needs no wallet and no network
///
/// All trust is in the chain's id: that of the ledger here, or the one given with --id.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet proof verify payment.proof
  $ sotto wallet proof verify payment.proof --to $(cat bob.address) --memo 'for the roof'")]
pub(crate) struct ProofVerify {
    /// The proof as text or as its JSON record; `-` is standard input
    pub(crate) file: PathBuf,
    /// The chain's id [default: that of the ledger here]
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
    /// Check that this address was paid
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<String>,
    /// Check that the payment was made with this memo
    #[arg(long, value_name = "TEXT")]
    pub(crate) memo: Option<String>,
}
