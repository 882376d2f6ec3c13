//! `sotto node peers`.

use crate::{
    Context, args,
    bridge::{Home, unasked},
    exit::Outcome,
};
use node::wire::rpc;
use serde_json::json;

pub(super) fn peers(context: &Context, a: &args::NodePeers) -> Outcome {
    let client = Home::of(&context.config).client(&a.node)?;
    let all = client.ask(&rpc::Peers {}).map_err(|e| unasked("the node does not answer", &e))?.peers;
    if all.is_empty() {
        context.ui.say("The node is connected with nobody.");
    }
    for p in all {
        let direction = if p.outbound { "outbound" } else { "inbound" };
        let height = p.tip.as_ref().map(|t| t.height);
        let fields = json!({
            "address": p.address, "key": p.key, "direction": direction, "height": height,
            "tip": p.tip.map(|t| t.hash),
        });
        let at = height.map_or_else(|| "?".to_owned(), |h| h.to_string());
        let human = format!("{direction:8}  {:<22} height {at:>8}  {}", p.address, p.key.0);
        context.output.record("peer", fields, &human)?;
    }
    Ok(())
}
