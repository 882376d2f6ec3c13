//! `sotto tee`: evidence of attested computers, verified offline.

mod binding;
mod evidence;
mod policy;
mod revoke;
mod verify;

pub(crate) use self::{
    evidence::ask,
    verify::{bundle_file, not_verified, refused},
};

use crate::{Context, args, exit::Outcome};

pub(crate) fn run(context: &Context, command: &args::Tee) -> Outcome {
    match command {
        args::Tee::Evidence(a) => evidence::run(context, a),
        args::Tee::Verify(a) => verify::run(context, a),
        args::Tee::Policy(args::TeePolicy::Check(a)) => policy::check(context, a),
        args::Tee::Policy(args::TeePolicy::Show(a)) => policy::show(context, a),
        args::Tee::Policy(args::TeePolicy::Hash(a)) => policy::hash(context, a),
        args::Tee::Policy(args::TeePolicy::Revoke(a)) => revoke::revoke(context, a),
    }
}
