//! The verbs of `sotto chain`.

use super::{NodeArgs, WalletArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The ledger on this machine
#[derive(Subcommand, Debug)]
pub(crate) enum Chain {
    Init(ChainInit),
    Join(ChainJoin),
    Info(ChainInfo),
    Seal(ChainSeal),
    Submit(ChainSubmit),
    Block(ChainBlock),
    Audit(ChainAudit),
    Prune(ChainPrune),
    Export(ChainExport),
    Import(ChainImport),
}

/// Create a solo ledger, and the operator key that seals its blocks
///
/// The parameters are fixed for ever: the chain's id is their hash.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain init --dir new
  $ sotto chain init --dir another --reward 5000000 --maturity 10
  $ sotto chain init --dir small --reorganisation 4 --window 120")]
pub(crate) struct ChainInit {
    /// New base units in each block [default: 6000000000]
    #[arg(long, value_name = "UNITS")]
    pub(crate) reward: Option<u64>,
    /// Blocks before a reward can be spent [default: 3]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) maturity: Option<u64>,
    /// How many of the last blocks can be replaced by others; what is below is final [default: 720]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) reorganisation: Option<u64>,
    /// How long a payment can wait for its block: a multiple of 60, above --reorganisation [default: 1440]
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) window: Option<u64>,
}

/// Create an empty copy of somebody's ledger; a node fetches its blocks
///
/// All it takes is the ledger's parameters: 130 bytes in `chain/genesis` of any folder that has it. All trust is in the
/// chain's id, which is their hash: compare it, or give it with --id. The copy cannot seal blocks.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain join data/chain/genesis --dir copy
  $ sotto chain join data/chain/genesis --dir another --id $(cat chain.id)")]
pub(crate) struct ChainJoin {
    /// The parameters; `-` is standard input
    pub(crate) file: PathBuf,
    /// Join this chain only
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
}

/// Height, supply, sizes and parameters
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
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    /// How many blocks
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) blocks: u32,
}

/// Hand in a finished transaction; it waits for the next block
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

/// What anybody can see of a block: commitments, proofs and kernels
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain block 1
  $ sotto chain block 1 --json")]
pub(crate) struct ChainBlock {
    /// The block's height
    pub(crate) height: u64,
}

/// Verify everything on disk again: seals, signatures, proofs, and that the supply adds up
///
/// Blocks that were pruned are verified from their headers, kernels and unspent outputs; the audit says what that no longer
/// shows.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain audit
  $ sotto chain audit --json")]
pub(crate) struct ChainAudit {}

/// Drop the bodies of all blocks that are final: what they spent is gone, what they prove stays
///
/// Headers with their seals, all kernels, and the unspent outputs stay, and `chain audit` verifies the chain from the
/// genesis with nothing else. Final are all blocks but the last ones that a reorganisation could replace (see `chain
/// init --reorganisation`). What was dropped cannot be brought back, and `chain block` shows no block that was pruned.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain prune
  $ sotto chain prune --json && sotto chain audit")]
pub(crate) struct ChainPrune {}

/// Write the chain's state as a snapshot: headers with seals, kernels, unspent outputs
///
/// The snapshot holds no key, and no body of a block. It comes in parts that are checked one by one: where a copy is damaged
/// only that part has to come from another copy. The same state gives the same bytes.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot
  $ sotto chain export --height 8 ledger.snapshot
  $ sotto chain export - | sotto chain import - --dir copy")]
pub(crate) struct ChainExport {
    /// Where to; `-` is standard output
    pub(crate) file: PathBuf,
    /// The state after this block, which must not be below the reorganisation limit [default: the last]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) height: Option<u64>,
    /// About how many headers, kernels or outputs go into a part
    #[arg(long, value_name = "ITEMS", default_value_t = sotto_node::edge::store::PART_ITEMS,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) part: u32,
}

/// Create a ledger from a snapshot, verifying all of it
///
/// Every seal, signature and range proof is verified, and that the supply adds up. Damaged parts are named, the rest is
/// kept, and another copy of the same snapshot fills the gaps. All trust is in the chain's id: compare it, or give it with
/// --id. The ledger cannot seal blocks, since the operator's key is in no snapshot; nor can it go back behind it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto chain export ledger.snapshot && sotto chain import ledger.snapshot --dir copy
  $ sotto chain export - | sotto chain import - --dir copy && sotto chain audit --dir copy")]
pub(crate) struct ChainImport {
    /// The snapshot; `-` is standard input
    pub(crate) file: PathBuf,
    /// Take a snapshot of this chain only
    #[arg(long, value_name = "CHAIN_ID")]
    pub(crate) id: Option<String>,
}
