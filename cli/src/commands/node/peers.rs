//! `sotto node peers`.

use crate::{
    Context, args,
    bridge::{Home, node_failure},
    exit::Outcome,
};
use serde_json::json;
use sotto_link::PeerKey;
use sotto_mw::hash::Hash;
use sotto_node::rpc;

pub(crate) fn peers(context: &Context, a: &args::NodePeers) -> Outcome {
    let client = Home::of(&context.config).client(&a.node)?;
    let all = client.ask(&rpc::Peers {}).map_err(|e| node_failure("the node does not answer", &e))?.peers;
    if all.is_empty() {
        context.ui.info("The node has no peers.");
    }
    for p in all {
        let key = key_text(&p.key.0);
        let direction = if p.outbound { "outbound" } else { "inbound" };
        let height = p.tip.as_ref().map(|t| t.height);
        let fields = json!({
            "address": p.address, "key": key, "direction": direction, "height": height,
            "tip": p.tip.map(|t| t.hash),
        });
        let at = height.map_or_else(|| "?".to_owned(), |h| h.to_string());
        let human = format!("{direction:8}  {:<22} height {at:>8}  {}", p.address, key);
        context.output.record("peer", fields, &human)?;
    }
    Ok(())
}

/// A node's key in the form that --connect takes; one that is not a point, which only a user can have
/// written, stays in hexadecimal.
pub(super) fn key_text(key: &Hash) -> String {
    PeerKey::from_bytes(*key.as_bytes()).map_or_else(|_| key.to_string(), |key| key.to_string())
}
