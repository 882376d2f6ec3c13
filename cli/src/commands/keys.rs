//! `sotto keys`: groups whose key no single computer holds.
//!
//! Every verb that takes part in a session has one shape (`session`): take the letters, do the next step, keep what
//! must survive a crash, print this member's letters, say whose are awaited.

mod addresses;
mod dkg;
mod enrol;
mod exchange;
mod files;
mod inspect;
mod refresh;
mod repair;
mod session;
mod sign;
mod vault;

pub(crate) use self::{
    addresses::addresses,
    files::{ShareFile, read_group, read_letters},
    session::{Session, fresh, installation, installation_path, session_of},
};

use crate::{Context, args::Keys, exit::Outcome};

pub(crate) fn run(context: &Context, command: Keys) -> Outcome {
    match command {
        Keys::New(a) => files::new(context, &a),
        Keys::Dkg(a) => dkg::run(context, &a),
        Keys::Sign(a) => sign::sign(context, &a),
        Keys::Drill(a) => sign::drill(context, &a),
        Keys::Repair(a) => repair::run(context, &a),
        Keys::Refresh(a) => refresh::run(context, &a),
        Keys::Enrol(a) => enrol::run(context, &a),
        Keys::Exchange(a) => exchange::run(context, &a),
        Keys::Vault(command) => vault::run(context, &command),
        Keys::Show(a) => inspect::show(context, &a),
        Keys::Check(a) => inspect::check(context, &a),
        Keys::Backup(a) => files::backup(context, &a),
        Keys::Export(a) => inspect::export(context, &a),
    }
}
