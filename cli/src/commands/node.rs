//! `sotto node`: one of the network.

mod config;
mod log;
mod run;
mod sealer;

use crate::{Context, args, exit::Outcome};

pub(crate) fn run(context: &Context, command: args::Node) -> Outcome {
    match command {
        args::Node::Run(a) => run::run(context, &a),
        args::Node::Config(args::NodeConfig::Init(_)) => config::init(context),
    }
}
