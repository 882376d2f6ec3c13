//! The verbs of `sotto node validator` and `sotto net`.

use clap::{Args, Subcommand};
use core::num::NonZeroU32;

/// The key by which this node votes
#[derive(Subcommand, Debug)]
pub(crate) enum NodeValidator {
    Init(ValidatorInit),
    Show(ValidatorShow),
    Renew(ValidatorRenew),
    Move(ValidatorMove),
    Resume(ValidatorResume),
}

/// Create a vote key, and print what a list of validators says of it
///
/// The key is DIR/node/vote_key. The output is public: the creator of the ledger collects it from every
/// validator in one file for `sotto chain init --validators`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node validator init --name east --dir east
  $ sotto node validator init --name south --power 2 --dir south >> validators.toml")]
pub(crate) struct ValidatorInit {
    /// Name: 1 to 32 of a to z, 0 to 9 and `-`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Its share of all votes
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::MIN)]
    pub(crate) power: NonZeroU32,
}

/// Print what a list of validators says of this node, and what its key signed last
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node validator show --dir north
  $ sotto node validator show --dir north --json")]
pub(crate) struct ValidatorShow {}

/// Create a vote key that is to take the place of this validator's, and print what a list says of it
///
/// Nothing changes before the ledger has: put what is printed in a file of all validators, in place of the old part, and
/// propose it with `sotto chain change propose --set`. `sotto chain change sign` here signs with both keys. Start the node
/// again before the change is submitted; it votes with each key in its time.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node validator renew --dir north
  $ sotto node validator renew --dir north --json")]
pub(crate) struct ValidatorRenew {}

/// Let this machine vote with a key that another machine used
///
/// Copy the whole folder of the other machine first, after its node has stopped for good: DIR/node/votes says
/// what the key signed last, and without it nothing can be moved. A folder that was moved on one machine needs
/// this too. Two machines that vote with one key sign two things at one height, which proves that the validator
/// broke the protocol.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node validator move --dir north --yes")]
pub(crate) struct ValidatorMove {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Vote again although DIR/node/votes.log is lost
///
/// A validator without the log of its last votes follows the height without voting, because it may be locked on
/// a block that it has forgotten. It votes again at the next height, so this is needed only if so many
/// validators lost their logs at once that the height never ends. It takes effect when the node is started.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ sotto node validator resume --dir north --yes")]
pub(crate) struct ValidatorResume {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Run a whole network on this machine
#[derive(Subcommand, Debug)]
pub(crate) enum Net {
    Local(NetLocal),
}

/// Run validators and a node for wallets on this machine, until they are stopped
///
/// Creates a ledger, a folder for each validator with its key and a wallet for its rewards, and a node that
/// does not vote; starts them all, and ends them with Ctrl-C or SIGTERM. In a folder that holds such a network,
/// that network goes on. Use the node's folder with wallets: `sotto wallet init --dir D/node`. The passphrase
/// of the rewards is in D/passphrase. This network tests and shows; one machine is one operator.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  $ timeout -s INT 20 sotto net local --dir four
  $ timeout -s INT 20 sotto net local --validators 7 --dir seven --json")]
pub(crate) struct NetLocal {
    /// How many validators
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) validators: u8,
    /// Least seconds between two blocks
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub(crate) pace: u64,
    /// Seconds until a block without a payment
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=3_600))]
    pub(crate) idle: u32,
}
