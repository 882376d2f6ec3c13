//! The wallet of a group: what members do together.

use super::{super::NodeArgs, HoldConsent};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Receive and pay as a group: any t of its n members together, and none alone
///
/// A member asks the others to answer an invite (`receive`) or to pay an invoice (`pay`); each looks at it, agrees and
/// answers with `sign`. Every member gets every letter, as with `sotto keys`; a step can be repeated. To the other side the
/// group is one wallet. `wallet init --group` makes it, and `balance`, `history`, `address` and `proof` show it.
///
/// Unaudited: nobody outside the project has reviewed the protocol or the code.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub(crate) enum WalletGroup {
    Receive(GroupReceive),
    Pay(GroupPay),
    Sign(GroupSign),
    Status(GroupStatus),
}

impl WalletGroup {
    /// How to reach the ledger.
    pub(crate) const fn node(&self) -> &NodeArgs {
        match self {
            Self::Receive(a) => &a.node,
            Self::Pay(a) => &a.node,
            Self::Sign(a) => &a.node,
            Self::Status(a) => &a.node,
        }
    }
}

/// Who this member is, and the group's files.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Group options")]
pub(crate) struct GroupMember {
    /// The group
    #[arg(long, value_name = "FILE")]
    pub(crate) group: PathBuf,
    /// Your secret key file, made by `sotto mpc keygen`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Your share [default: the group's path, with the ending .share]
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub(crate) share: Option<PathBuf>,
    /// Passphrase file of the share (mode 0600) [default: the wallet's]
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub(crate) share_passphrase_file: Option<PathBuf>,
}

/// What a step of a group's payment prints and asks.
#[derive(Args, Clone, Debug)]
pub(crate) struct GroupStep {
    /// When the members are done, write their answer for the other side to this new file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Do not encrypt that answer: anyone who sees it learns the amount, both parties and the memo
    #[arg(long)]
    pub(crate) plain: bool,
    #[command(flatten)]
    pub(crate) consent: HoldConsent,
}

/// Ask the members to answer an invite; print your letters for them
///
/// To ask is to agree. Repeated, it prints the same letters, unless the session failed: then it asks anew, with other keys.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet group receive group.invite --group coin.group --key north.key --wallet coin --yes
  $ sotto wallet group receive group.invite --with 1 3 --dry-run --group coin.group \\
      --key north.key --wallet coin")]
pub(crate) struct GroupReceive {
    /// The invite; `-` is standard input
    pub(crate) file: PathBuf,
    /// The numbers of members who are there [default: all]
    #[arg(long, value_name = "N", num_args = 1..)]
    pub(crate) with: Vec<u8>,
    /// Begin another session although one goes on: with other keys, and perhaps other members
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) step: GroupStep,
    #[command(flatten)]
    pub(crate) member: GroupMember,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Ask the members to pay an invoice that names no payer; print your letters for them
///
/// To ask is to agree. Repeated, it prints the same letters. Another session for the same invoice spends an output of
/// each earlier one again, so that only one of the payments can be made; members refuse anything else.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet group pay group.invoice --dry-run --group coin.group --key north.key --wallet coin")]
pub(crate) struct GroupPay {
    /// The invoice; `-` is standard input
    pub(crate) file: PathBuf,
    /// The numbers of members who are there [default: all]
    #[arg(long, value_name = "N", num_args = 1..)]
    pub(crate) with: Vec<u8>,
    /// Begin another session although one goes on: with other keys, and perhaps other members
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) step: GroupStep,
    #[command(flatten)]
    pub(crate) member: GroupMember,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Look at what a member asks for, agree, and go on with the letters that there are
///
/// Pass all letters of the session so far. What is asked is shown before your first letter leaves. When all members who
/// take part have answered, everybody who has all letters can write the answer for the other side with --out.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet group sign group.letters --yes --group coin-south.group --key south.key \\
      --wallet south
  $ sotto wallet group sign group.letters --dry-run --group coin-south.group --key south.key \\
      --wallet south")]
pub(crate) struct GroupSign {
    /// Letters of all members; `-` is standard input
    #[arg(required = true)]
    pub(crate) letter: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) step: GroupStep,
    #[command(flatten)]
    pub(crate) member: GroupMember,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Show the group, its fresh keys, and whose letters its open payments wait for
///
/// Each output and each payment uses up fresh keys of one set of t members. Below 64 in all, make the next group and pay
/// the money to it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto wallet group status --wallet coin
  $ sotto wallet group status --wallet coin --json")]
pub(crate) struct GroupStatus {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
