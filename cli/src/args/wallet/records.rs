//! Contacts, and proofs of payment.

use super::super::NodeArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Keep names for addresses
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
  $ sotto wallet contact add dora $(sotto wallet address --wallet dora) --wallet bob")]
pub(crate) struct ContactAdd {
    /// Letters, digits, `-`, `_` and `.`; case does not matter
    pub(crate) name: String,
    /// The address
    pub(crate) address: String,
}

/// List all names and their addresses
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet contact list --wallet alice")]
pub(crate) struct ContactList {}

/// Remove a name
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet contact remove bob --wallet alice")]
pub(crate) struct ContactRemove {
    /// The name
    pub(crate) name: String,
}

/// Prove that a payment was made, or check such a proof
#[derive(Subcommand, Debug)]
pub(crate) enum WalletProof {
    Export(ProofExport),
    Verify(ProofVerify),
}

/// Print the proof of a payment that is in a block
///
/// The proof shows its reader the amount, the signing keys of both addresses and the payment's kernel on the
/// chain. It contains only the hash of the memo.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet proof export $(cat paid.session) --wallet alice > paid.proof")]
pub(crate) struct ProofExport {
    /// The payment's session, as `wallet slates --all` shows it; a unique prefix is enough
    pub(crate) session: String,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Verify a proof of payment, without a wallet or a network
///
/// What you trust is the chain's id: that of the ledger in --dir, or the one given with --id.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet proof verify payment.proof
  $ sotto wallet proof verify payment.proof --to $(cat bob.address) --memo 'for the roof'")]
pub(crate) struct ProofVerify {
    /// The proof, as text or as its JSON record; `-` is standard input
    pub(crate) file: PathBuf,
    /// The chain's id [default: that of the ledger in --dir]
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
    /// Check that this address was paid
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<String>,
    /// Check that the payment has this memo
    #[arg(long, value_name = "TEXT")]
    pub(crate) memo: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
