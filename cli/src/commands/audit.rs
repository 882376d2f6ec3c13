//! `sotto audit`: requests to read amounts, and what auditors and readers do with them.
//!
//! `requester` (charter, request, signatures, notice), `auditor` (answers, the log, what is handed out), `reader` (amounts, and
//! which outputs of a wallet were named); `letters` is what they share.

mod auditor;
mod letters;
mod reader;
mod requester;

use crate::{Context, args::Audit, exit::Outcome};

pub(crate) fn run(context: &Context, command: &Audit) -> Outcome {
    match command {
        Audit::Charter(a) => requester::charter(context, a),
        Audit::Request(a) => requester::request(context, a),
        Audit::Sign(a) => requester::sign(context, a),
        Audit::Notice(a) => requester::notice(context, a),
        Audit::Answer(a) => auditor::answer(context, a),
        Audit::Read(a) => reader::read(context, a),
        Audit::Record(a) => reader::record(context, a),
        Audit::Open(a) => auditor::open(context, a),
        Audit::Log(a) => auditor::log(context, a),
        Audit::Watch(a) => reader::watch(context, a),
    }
}
