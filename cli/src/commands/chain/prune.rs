//! `sotto chain prune`: says what would be deleted, asks, and deletes it.

use crate::{
    Context, args,
    bridge::Home,
    exit::{OrRefuse as _, Outcome},
    output::counted,
};
use serde_json::json;
use sotto_node::{ledger::Ledger, storage::Pruned};

pub(crate) fn prune(context: &Context, home: &Home, a: &args::ChainPrune) -> Outcome {
    let mut ledger = if a.dry_run { home.ledger_to_read()? } else { home.ledger()? };
    let plan = ledger.store().plan_prune().or_refuse("cannot plan the pruning of the chain")?;
    if let Some(why) = useless(&ledger, plan) {
        return report(context, Pruned { dropped: 0, bytes_after: plan.bytes_before, ..plan }, &why);
    }
    let bodies = counted(plan.dropped, "block body").replace("bodys", "bodies");
    let what = format!(
        "{bodies} of blocks up to {}: {} bytes now, {} afterwards",
        plan.base, plan.bytes_before, plan.bytes_after
    );
    if a.dry_run {
        return report(context, plan, &format!("would delete {what}"));
    }
    let question = format!(
        "Delete {what}.\nThis cannot be undone, and this folder can no longer show these blocks or hand them to nodes that ask for them."
    );
    context.ui.confirm(&question, a.yes)?;
    let done = ledger.prune().or_refuse("cannot prune the chain")?;
    let bodies = counted(done.dropped, "block body").replace("bodys", "bodies");
    let human = format!(
        "deleted {bodies}, up to block {}: {} bytes before, {} now",
        done.base, done.bytes_before, done.bytes_after
    );
    report(context, done, &human)
}

/// Why there is nothing to prune.
fn useless(ledger: &Ledger, plan: Pruned) -> Option<String> {
    let (tip, limit) = (ledger.tip().height, ledger.chain().params().reorganisation);
    if plan.dropped == 0 {
        return Some(format!("nothing to prune: of {tip} blocks, the latest {limit} are not final yet"));
    }
    let grows = plan.bytes_after >= plan.bytes_before;
    grows.then(|| {
        format!(
            "nothing to gain: the state that replaces blocks up to {} takes {} bytes with the later blocks, and all blocks take {}",
            plan.base, plan.bytes_after, plan.bytes_before
        )
    })
}

fn report(context: &Context, p: Pruned, human: &str) -> Outcome {
    let fields = json!({
        "pruned": p.base.get(), "dropped": p.dropped, "bytes_before": p.bytes_before, "bytes_after": p.bytes_after,
    });
    context.output.record("chain-prune", fields, human)
}
