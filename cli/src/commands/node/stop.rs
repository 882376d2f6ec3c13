//! `sotto node stop`.

use crate::{
    Context, args,
    bridge::{Home, node_failure},
    exit::Outcome,
};
use serde_json::json;
use sotto_node::rpc;

pub(crate) fn stop(context: &Context, a: &args::NodeStop) -> Outcome {
    let home = Home::of(&context.config);
    let client = home.client(&a.node)?;
    client.ask(&rpc::Stop {}).map_err(|e| node_failure("cannot stop the node", &e))?;
    let has_ended = home.wait_for_end(&a.node);
    let human = if has_ended { "the node has stopped" } else { "the node saves its state and stops" };
    context.output.record("node-stopping", json!({ "stopped": has_ended }), human)
}
