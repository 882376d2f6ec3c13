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
/// The proof of a payment to which the receiver responded shows the amount, the receiver's address, your
/// signing key and the payment's kernel, with the hash of the memo only. That of a payment to an address
/// alone shows the amount, the reference, the address and the output; a reader of the file could help a
/// dishonest operator to drop the output until it is moved. The receiver can prove such a payment too, by the
/// output that `wallet outputs` shows.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet proof export $(cat paid.session) --wallet alice > paid.proof")]
pub(crate) struct ProofExport {
    /// The payment's session, as `wallet slates --all` shows it, a hold that was claimed, or an output that was paid to
    /// this wallet's address; a unique prefix is enough
    pub(crate) session: String,
    /// Of a hold: the proof of its start fee, which its funding paid
    #[arg(long)]
    pub(crate) start_fee: bool,
    /// What to say with the proof of a payment to an address, such as a challenge of its reader
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) statement: String,
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
    /// Check that the prover said this with the proof of a payment to an address
    #[arg(long, value_name = "TEXT", conflicts_with = "memo")]
    pub(crate) statement: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
