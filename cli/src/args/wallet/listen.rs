//! A wallet that receives by itself.

use super::{super::NodeArgs, AccountArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Receive by itself: answer invites that arrive over the network
///
/// Payers deliver invites with `wallet send --to-listener`. The wallet answers those that the rules below
/// allow, and takes payments of its own invoices. The connection is encrypted between pinned keys, and the
/// payer proves its address. The rules can also be set in the section `[listen]` of the user's settings, with
/// the keys `accept`, `most`, `least` and `per_hour`; flags override them. Programs on this machine can ask
/// the wallet over JSON-RPC: `docs/openrpc-wallet.json` describes it, and the files `rpc.url` and `rpc.token`
/// in DIR/listen/NAME hold its address and token. The wallet stays open until the listener is stopped, so
/// other verbs cannot use it meanwhile.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet listen --listen 127.0.0.1:0 --wallet bob
  $ sotto wallet listen --listen 127.0.0.1:0 --accept anyone --most 5 --wallet bob")]
pub(crate) struct WalletListen {
    /// Address to listen at: host and port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: String,
    /// Whose invites to answer [default: contacts]
    #[arg(long, value_name = "WHOSE")]
    pub(crate) accept: Option<Accept>,
    /// With `anyone`: largest amount to take from a stranger, such as 5 or '5 SOT'
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) most: Option<String>,
    /// Smallest amount to take [default: 1u, one base unit]
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) least: Option<String>,
    /// Number of invites to answer in any hour [default: 60]
    #[arg(long, value_name = "N")]
    pub(crate) per_hour: Option<u32>,
    /// Key of the listener: a party's secret key file [default: a key derived from the wallet's words]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Whose invites a listener answers.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Accept {
    /// None; only payments of invoices are taken
    Never,
    /// Those of contacts
    Contacts,
    /// Those of everyone, up to --most; of contacts, any amount
    Anyone,
}
