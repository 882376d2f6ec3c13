//! The verbs of `sotto chain`.

use super::{ChainChange, NodeArgs, WalletArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Create, inspect, audit and copy the ledger on this machine
#[derive(Subcommand, Debug)]
pub(crate) enum Chain {
    Init(ChainInit),
    Join(ChainJoin),
    Info(ChainInfo),
    Seal(ChainSeal),
    Submit(ChainSubmit),
    Block(ChainBlock),
    Audit(ChainAudit),
    Kernel(ChainKernel),
    Prune(ChainPrune),
    Export(ChainExport),
    Import(ChainImport),
    #[command(subcommand)]
    Change(ChainChange),
}

/// Create a ledger: a solo one, with the operator's key that seals its blocks, or one of validators
///
/// With --validators, a quorum of the validators in the file seals: more than two thirds of their power. The file holds
/// what `sotto node validator init` prints for each of them. With --operator, the key that seals is one that a group of
/// `sotto keys` has together: `sotto node run --seal --group`, at each member. Every validator needs the same ledger: one creates it, the
/// others join it with `sotto chain join`.
///
/// The parameters can never be changed: the chain's id is their hash.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain init --dir points --unit POINTS --decimals 2 --reward 100 --maturity 10
  $ sotto chain init --dir new --validators validators.toml
  $ sotto chain init --dir new --operator $(sotto keys export --group board.group)")]
pub(crate) struct ChainInit {
    /// File of the validators that seal
    #[arg(long, value_name = "FILE")]
    pub(crate) validators: Option<PathBuf>,
    /// Public key of a group that seals, as `sotto keys export` prints it
    #[arg(long, value_name = "KEY", conflicts_with = "validators")]
    pub(crate) operator: Option<String>,
    /// Group file of auditors, who can then read the amounts of all outputs together, for ever
    #[arg(long, value_name = "FILE", requires = "charter")]
    pub(crate) auditors: Option<PathBuf>,
    /// What the auditors may do, as `sotto audit charter` writes it; its hash is a parameter
    #[arg(long, value_name = "FILE", requires = "auditors")]
    pub(crate) charter: Option<PathBuf>,
    /// Which network a ledger of validators is
    #[arg(long, value_name = "NETWORK", default_value = "test", requires = "validators")]
    pub(crate) network: ChainNetwork,
    /// Name of the unit of its money: 1 to 8 letters A to Z
    #[arg(long, value_name = "NAME", default_value = sotto_mw::unit::Unit::SOT.name())]
    pub(crate) unit: String,
    /// Decimals of the unit, 0 to 12: one unit is 10 to this power of base units
    #[arg(long, value_name = "N", default_value_t = sotto_mw::unit::Unit::SOT.decimals())]
    pub(crate) decimals: u8,
    /// Amount that each block creates, such as 2.5, or 2500000000u for base units [default: 6000000000u]
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) reward: Option<String>,
    /// Least number of seconds between a block and the one before it [default: 0, with --validators 1]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) pace: Option<u64>,
    /// Blocks before a reward can be spent [default: 3, with --validators 1]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) maturity: Option<u64>,
    /// How many of the latest blocks other blocks can replace; all earlier ones are final [default: 720, with --operator 0]
    #[arg(long, value_name = "BLOCKS", conflicts_with = "validators")]
    pub(crate) reorganisation: Option<u64>,
    /// How long a payment stays valid: a multiple of 60, larger than --reorganisation [default: 1440, with
    /// --validators 21600, a multiple of 360]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) window: Option<u64>,
}

/// The network of a ledger of validators.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainNetwork {
    /// Real money
    Main,
    /// Money without value
    Test,
}

/// Create an empty copy of an existing ledger, for a node to fill
///
/// The copy needs only the ledger's parameters: some 145 bytes in `chain/genesis` of any folder that holds it.
/// What you trust is the chain's id, the hash of the parameters: compare it, or pass it with --id. The copy
/// cannot seal blocks.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain join data/chain/genesis --dir copy
  $ sotto chain join data/chain/genesis --dir another --id $(cat chain.id)")]
pub(crate) struct ChainJoin {
    /// The parameters; `-` is standard input
    pub(crate) file: PathBuf,
    /// Refuse any other chain than this one
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) audit: AcceptAudit,
}

/// Consent to auditors; only verbs that join a chain have this option.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct AcceptAudit {
    /// Accept that the chain's auditors, if it has some, can read all amounts
    #[arg(long)]
    pub(crate) accept_audit: bool,
}

/// Show height, supply, sizes and parameters
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain info
  $ sotto chain info --json")]
pub(crate) struct ChainInfo {}

/// Seal the pending transactions into a block; the reward goes to a wallet
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain seal --wallet alice
  $ sotto chain seal --wallet alice --blocks 3")]
pub(crate) struct ChainSeal {
    /// Number of blocks
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) blocks: u32,
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
}

/// Submit a finished transaction for the next block
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain submit transaction.txt
  $ cat transaction.txt | sotto chain submit -")]
pub(crate) struct ChainSubmit {
    /// The transaction, as `wallet finalize` printed it; `-` is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show what anyone can see of a block: commitments, proofs and kernels
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain block 1
  $ sotto chain block 1 --json")]
pub(crate) struct ChainBlock {
    /// The block's height
    pub(crate) height: u64,
}

/// Verify everything on disk again: seals, signatures, proofs and the supply
///
/// Pruned blocks are verified from their headers, kernels and unspent outputs; the audit lists what this can
/// no longer show.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain audit
  $ sotto chain audit --json")]
pub(crate) struct ChainAudit {}

/// Delete the bodies of all final blocks to save space
///
/// All headers with their seals, all kernels and the unspent outputs stay; `chain audit` verifies the chain
/// from the genesis with these alone. A block is final when no reorganisation can replace it (see `chain init
/// --reorganisation`). Pruning cannot be undone, and `chain block` no longer shows a pruned block; the
/// command asks first, and deletes nothing where that would save nothing.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain prune --dry-run
  $ sotto chain prune --yes --json && sotto chain audit")]
pub(crate) struct ChainPrune {
    /// Delete without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be deleted, and delete nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

/// Show in which block a kernel is
///
/// Each payment has a kernel of its own, which stays in the chain for good: its excess identifies the
/// payment. A proof of payment and `wallet history` name it. Without --node, the ledger in --dir is read.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain kernel $(sotto chain block 1 --json | grep -o '\"excess\":\"[0-9a-f]*' | cut -d'\"' -f4)")]
pub(crate) struct ChainKernel {
    /// The kernel's excess: 64 hexadecimal digits
    pub(crate) excess: String,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Write a snapshot of the chain's state: headers with seals, kernels, unspent outputs
///
/// A snapshot contains no key and no block body. It consists of parts with a checksum each: if a copy is
/// damaged, only the damaged part has to come from another copy. The same state always gives the same bytes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot
  $ sotto chain export --height 8 ledger.snapshot
  $ sotto chain export - | sotto chain import - --dir copy")]
pub(crate) struct ChainExport {
    /// The snapshot to write; `-` is standard output
    pub(crate) file: PathBuf,
    /// Export the state after this block, no older than the reorganisation limit [default: the latest]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) height: Option<u64>,
    /// Approximate number of headers, kernels or outputs in a part
    #[arg(long, value_name = "ITEMS", default_value_t = sotto_node::storage::PART_ITEMS,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) part: u32,
    /// Overwrite the file if it exists; never a key, a wallet or a file of a chain
    #[arg(long)]
    pub(crate) force: bool,
}

/// Create a ledger from a snapshot, verifying all of it
///
/// The import verifies every seal, signature and range proof, and the supply. It lists damaged parts and
/// keeps the rest; importing another copy of the same snapshot fills the gaps. What you trust is the chain's
/// id: compare it, or pass it with --id. The new ledger cannot seal blocks, because a snapshot does not
/// contain the operator's key, and it cannot go back to a height below the snapshot.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot && sotto chain import ledger.snapshot --dir copy
  $ sotto chain export - | sotto chain import - --dir copy && sotto chain audit --dir copy")]
pub(crate) struct ChainImport {
    /// The snapshot; `-` is standard input
    pub(crate) file: PathBuf,
    /// Refuse a snapshot of any other chain than this one
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) audit: AcceptAudit,
}
