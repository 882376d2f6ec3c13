//! `sotto mpc`: joint computation between parties that keep their inputs.

pub(crate) mod auc;
mod bundle;
mod circuit;
mod evidence;
pub(crate) mod job;
mod local;
mod new;
mod offer;
mod quote;
mod rendezvous;
mod results;
mod run;
mod sale;
mod session;
mod sign;
mod trial;
mod verify;

use crate::{Context, args, exit::Outcome};

pub(crate) fn run(context: &Context, command: args::Mpc) -> Outcome {
    match command {
        args::Mpc::Keygen(a) => sign::keygen(context, &a),
        args::Mpc::New(a) => new::run(context, &a),
        args::Mpc::Try(a) => trial::run(context, &a),
        args::Mpc::Bundle(a) => bundle::bundle(context, &a),
        args::Mpc::Collect(a) => bundle::collect(context, &a),
        args::Mpc::Offer(a) => offer::run(context, &a),
        args::Mpc::Check(a) => sign::check(context, &a),
        args::Mpc::Sign(a) => sign::run(context, &a),
        args::Mpc::Run(a) => run::run(context, &a),
        args::Mpc::Local(a) => local::run(context, &a),
        args::Mpc::Rendezvous(a) => rendezvous::run(context, &a),
        args::Mpc::Quote(a) => quote::run(context, &a),
        args::Mpc::Verify(a) => verify::run(context, &a),
        args::Mpc::Circuit(a) => circuit::run(context, &a),
        args::Mpc::Auc(a) => auc::run(context, &a),
    }
}
