//! `sotto wallet group`, `wallet init --group`, and what the other verbs show of a group's wallet.
//!
//! ```text
//! asks    receive | pay ─▶ letters planned, masked        the others   sign ─▶ masked ─▶ answered
//! then    sign ─▶ answered, and the answer for the other side
//! ```
//!
//! One file each: `init` (the view secret), `joint` (a step of a session), `plan` (what is confirmed), `opened` (the wallet), `status`, `views`
//! (the other verbs).

mod init;
mod joint;
mod opened;
mod plan;
mod status;
mod views;

pub(crate) use init::init;

use super::command::WalletCommand;
use crate::{
    args::{WalletGroup, WalletProof, WalletVerb},
    exit::{Failure, Outcome},
};

pub(crate) fn group(command: &WalletCommand<'_>, verb: &WalletGroup) -> Outcome {
    match verb {
        WalletGroup::Receive(a) => joint::receive(command, a),
        WalletGroup::Pay(a) => joint::pay(command, a),
        WalletGroup::Sign(a) => joint::sign(command, a),
        WalletGroup::Status(_) => status::status(command),
    }
}

/// A verb on a wallet that turned out to be a group's: shown if it only shows, else the failure that was met.
pub(crate) fn instead(command: &WalletCommand<'_>, verb: &WalletVerb, met: Failure) -> Outcome {
    match verb {
        WalletVerb::Balance(_) => views::balance(command),
        WalletVerb::Address(a) => views::address(command, a),
        WalletVerb::History(a) => views::history(command, a),
        WalletVerb::Outputs(_) => views::outputs(command),
        WalletVerb::Scan(a) => views::scan(command, a),
        WalletVerb::Proof(WalletProof::Export(a)) => views::prove(command, a),
        WalletVerb::Backup(a) => views::backup(command, a),
        _ => Err(met),
    }
}
