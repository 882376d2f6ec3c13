//! `sotto mpc`: joint computation between parties that keep their inputs.

pub(crate) mod auc;
mod bundle;
mod circuit;
mod evidence;
pub(crate) mod job;
mod local;
mod new;
pub(crate) mod offer;
mod quote;
mod rendezvous;
mod results;
pub(crate) mod run;
pub(crate) mod sale;
mod session;
mod sign;
mod trial;
mod verify;

use crate::{Context, args, exit::Outcome};

/// A part in a run in which money moves; another module brings the wallet.
pub(crate) enum Trading<'a> {
    /// A payee's.
    Sell(&'a args::MpcRun),
    /// The buyer's.
    Buy(&'a args::MpcBuy),
}

pub(crate) fn run(
    context: &Context,
    command: args::Mpc,
    trade: fn(&Context, Trading<'_>) -> Outcome,
) -> Outcome {
    match command {
        args::Mpc::Keygen(a) => sign::keygen(context, &a),
        args::Mpc::New(a) => new::run(context, &a),
        args::Mpc::Try(a) => trial::run(context, &a),
        args::Mpc::Bundle(a) => bundle::bundle(context, &a),
        args::Mpc::Collect(a) => bundle::collect(context, &a),
        args::Mpc::Offer(a) => offer::run(context, &a),
        args::Mpc::Check(a) => sign::check(context, &a),
        args::Mpc::Sign(a) => sign::run(context, &a),
        args::Mpc::Run(a) if a.wallet.wallet.is_some() => trade(context, Trading::Sell(&a)),
        args::Mpc::Run(a) => run::run(context, &a),
        args::Mpc::Buy(a) => trade(context, Trading::Buy(&a)),
        args::Mpc::Local(a) => local::run(context, &a),
        args::Mpc::Rendezvous(a) => rendezvous::run(context, &a),
        args::Mpc::Quote(a) => quote::run(context, &a),
        args::Mpc::Verify(a) => verify::run(context, &a),
        args::Mpc::Circuit(a) => circuit::run(context, &a),
        args::Mpc::Auc(a) => auc::run(context, &a),
    }
}
