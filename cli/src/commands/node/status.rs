//! `sotto node status`.

use super::peers::key_text;
use crate::{
    Context, args,
    bridge::{Home, hex, node_failure, now},
    consent,
    exit::Outcome,
    local_time::{age, local_time},
    output::counted,
};
use serde_json::json;
use sotto_mw::codec::Encode as _;
use sotto_node::rpc;

pub(crate) fn status(context: &Context, a: &args::NodeStatus) -> Outcome {
    let client = Home::of(&context.config).client(&a.node)?;
    let failed = |e| node_failure("the node does not answer", &e);
    let chain = client.ask(&rpc::Chain {}).map_err(failed)?;
    let s = client.ask(&rpc::Status {}).map_err(failed)?;
    let (key, auditors) = (key_text(&s.key.0), chain.parameters.0.auditors.as_ref());
    let mut human = counts(&chain, &s, &key) + &consent::line(auditors);
    let fields = json!({
        "chain_id": chain.chain_id, "network": chain.network, "height": s.tip.height, "tip": s.tip.hash,
        "time": s.time, "best": s.best, "unspent": s.unspent, "kernels": s.kernels, "pending": s.pending,
        "pending_weight": s.pending_weight, "outbound": s.outbound, "inbound": s.inbound,
        "addresses": s.addresses, "key": key, "validator": s.validator, "evidence": s.evidence,
        "checkpoint": s.checkpoint, "unknown_rules": s.unknown_rules, "listen": s.listen, "stems": s.stems, "auditors": consent::fields(auditors),
        "dial_failures": s.dial_failures.iter().map(|f| json!({
            "address": f.address, "key": key_text(&f.key.0), "why": f.why, "times": f.times,
            "retry_seconds": f.retry_seconds,
        })).collect::<Vec<_>>(),
    });
    if let Some(height) = s.unknown_rules {
        human += &format!(
            "\nrules     from block {height} on this node does not know them, and stops before: install a later version"
        );
    }
    if let Some(v) = &s.validator {
        human += &format!("\nvalidator {}", validator(v));
    }
    if let Some(c) = &s.checkpoint {
        human += &format!("\ncheckpoint {}", checkpoint(c));
    }
    if let Some(e) = &s.evidence {
        let who = e.name.clone().unwrap_or_else(|| hex(&e.vote_key.0.to_bytes()));
        human += &format!(
            "\nevidence  {} of one validator and height; last: {who} signed two {}s at height {} (`sotto node evidence`)",
            counted(e.kept, "case"),
            e.kind,
            e.height
        );
    }
    for f in &s.dial_failures {
        let times = counted(f.times, "time");
        human += &format!(
            "\nfailed    {}@{}: {} ({times}); next try in {} s",
            key_text(&f.key.0),
            f.address,
            f.why,
            f.retry_seconds
        );
    }
    context.output.record("node-status", fields, &human)
}

/// Chain, tip, and how many there are of everything.
fn counts(chain: &rpc::ChainRecord, s: &rpc::StatusRecord, key: &str) -> String {
    format!(
        "chain     {} ({})\nkey       {key}\nlisten    {}\nheight    {}{}\ntip       {}{}\nunspent   {}\nkernels   {}\npending   {}, weight {}; {} in the stem phase\npeers     {} outbound, {} inbound; {} addresses known",
        chain.chain_id.0,
        chain.network,
        s.listen.as_deref().unwrap_or("accepts no connections (see --listen)"),
        s.tip.height,
        if s.best > s.tip.height { format!(" of {}", s.best) } else { String::new() },
        s.tip.hash.0,
        tip_age(s),
        counted(s.unspent, "output"),
        s.kernels,
        counted(s.pending, "transaction"),
        s.pending_weight,
        counted(s.stems, "payment"),
        s.outbound,
        s.inbound,
        s.addresses,
    )
}

/// What the node's own validator does.
fn validator(v: &rpc::ValidatorRecord) -> String {
    let mut text = v.state.clone();
    text += &v.height.map_or_else(String::new, |height| format!(" at height {height}"));
    text += &v.round.map_or_else(String::new, |round| format!(", round {round}"));
    if v.missing.is_empty() { text } else { text + "; not connected: " + &v.missing.join(", ") }
}

/// The block that the chain must have.
fn checkpoint(c: &rpc::CheckpointRecord) -> String {
    let reached = if c.reached { "" } else { "; no block is adopted before its header is known" };
    let other = c.refused.as_ref().map(|r| {
        format!(
            "; a peer shows another chain, with block {} at height {}, which is not followed",
            r.hash.0, r.height
        )
    });
    format!("{} {}{reached}{}", c.height, c.hash.0, other.unwrap_or_default())
}

/// When the last block was sealed, and how long ago.
fn tip_age(s: &rpc::StatusRecord) -> String {
    if s.tip.height == 0 {
        return String::new();
    }
    format!(", sealed {} ({} ago)", local_time(s.time), age(now().saturating_sub(s.time)))
}
