//! `sotto node status`.

use crate::{
    Context, args,
    bridge::{Home, node_failure},
    exit::Outcome,
    output::counted,
};
use serde_json::json;
use sotto_node::rpc;

pub(crate) fn status(context: &Context, a: &args::NodeStatus) -> Outcome {
    let client = Home::of(&context.config).client(&a.node)?;
    let failed = |e| node_failure("the node does not answer", &e);
    let chain = client.ask(&rpc::Chain {}).map_err(failed)?;
    let s = client.ask(&rpc::Status {}).map_err(failed)?;
    let human = format!(
        "chain     {} ({})\nheight    {}{}\ntip       {}\nunspent   {}\nkernels   {}\npending   {}, weight {}\npeers     {} outbound, {} inbound; {} addresses known",
        chain.chain_id.0,
        chain.network,
        s.tip.height,
        if s.best > s.tip.height { format!(" of {}", s.best) } else { String::new() },
        s.tip.hash.0,
        counted(s.unspent, "output"),
        s.kernels,
        counted(s.pending, "transaction"),
        s.pending_weight,
        s.outbound,
        s.inbound,
        s.addresses,
    );
    let fields = json!({
        "chain_id": chain.chain_id, "network": chain.network, "height": s.tip.height, "tip": s.tip.hash,
        "time": s.time, "best": s.best, "unspent": s.unspent, "kernels": s.kernels, "pending": s.pending,
        "pending_weight": s.pending_weight, "outbound": s.outbound, "inbound": s.inbound,
        "addresses": s.addresses,
    });
    context.output.record("node-status", fields, &human)
}
