//! What one says yes to before a payment: every input, the change, the fee, and what becomes public.

use crate::ui::BOLD;
use serde_json::json;
use wallet::select::Plan;

pub(super) fn plan_text(plan: &Plan, network: &str, to: &str) -> String {
    let inputs: String = plan
        .inputs()
        .iter()
        .map(|i| format!("  spend  {:>20}  {}\n", i.opening.amount.units(), i.commitment))
        .collect();
    let sum = plan.request().amount.checked_add(plan.fee()).unwrap_or_default();
    format!(
        "{BOLD}Pay {} base units{BOLD:#} on the {network} network\n  to     {to}\n{inputs}  fee    {:>20}\n  change {:>20}  back to you\n  in all {:>20}  leaves you\nPublic afterwards: {}.\nUntil you finalize, you can cancel for free; after that it cannot be undone. It expires after height {}.",
        plan.request().amount,
        plan.fee().units(),
        plan.change().units(),
        sum.units(),
        plan.linkage(),
        plan.not_after(),
    )
}

pub(super) fn plan_json(plan: &Plan, to: &str) -> serde_json::Value {
    json!({
        "amount": plan.request().amount.to_string(), "to": to, "fee": plan.fee().to_string(),
        "change": plan.change().to_string(), "not_after": plan.not_after().get(),
        "inputs": plan.inputs().iter().map(|i| json!({
            "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string(),
        })).collect::<Vec<_>>(),
        "linkage": plan.linkage().to_string(),
    })
}
