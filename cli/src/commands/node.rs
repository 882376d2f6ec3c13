//! `sotto node`: runs a node of the network, and asks a running one.

mod accounts;
mod certificate;
mod config;
mod council;
mod evidence;
mod identity;
mod kept_evidence;
mod log;
mod peers;
mod proposer;
mod recovery;
mod run;
mod sealer;
mod status;
mod stop;
pub(crate) mod validator;

use crate::{Context, args, exit::Outcome};

pub(crate) fn run(context: &Context, command: args::Node) -> Outcome {
    match command {
        args::Node::Run(a) => run::run(context, &a),
        args::Node::Status(a) => status::status(context, &a),
        args::Node::Peers(a) => peers::peers(context, &a),
        args::Node::Evidence(a) => evidence::run(context, a),
        args::Node::Stop(a) => stop::stop(context, &a),
        args::Node::Validator(v) => validator::run(context, v),
        args::Node::Config(args::NodeConfig::Init(_)) => config::init(context),
    }
}
