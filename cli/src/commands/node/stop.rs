//! `sotto node stop`.

use crate::{
    Context, args,
    bridge::{Home, node_failure},
    exit::Outcome,
};
use serde_json::json;
use sotto_node::rpc;

pub(crate) fn stop(context: &Context, a: &args::NodeStop) -> Outcome {
    let client = Home::of(&context.config).client(&a.node)?;
    client.ask(&rpc::Stop {}).map_err(|e| node_failure("cannot stop the node", &e))?;
    context.output.record("node-stopping", json!({}), "the node saves its state and stops")
}
