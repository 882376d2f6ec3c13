//! What one says yes to before a payment: every input, the change, the fee, and what becomes public.

use super::slates::shown;
use crate::ui::BOLD;
use mw::amount::Amount;
use serde_json::{Value, json};
use wallet::{
    outputs::OutputRecord,
    select::{Bill, Plan},
};

pub(super) fn plan_text(plan: &Plan, network: &str, to: &str) -> String {
    let sums = sums(plan.request().amount, plan.inputs(), plan.fee(), plan.change());
    format!(
        "{BOLD}Pay {} base units{BOLD:#} on the {network} network\n  to     {to}\n{sums}\nPublic afterwards: {}.\nUntil you finalize, you can cancel for free; after that it cannot be undone. It expires after height {}.",
        plan.request().amount,
        plan.linkage(),
        plan.not_after(),
    )
}

pub(super) fn bill_text(bill: &Bill, network: &str, to: &str) -> String {
    let invoice = bill.invoice();
    let sums = sums(invoice.amount, bill.inputs(), invoice.features.fee(), bill.change());
    format!(
        "{BOLD}Pay {} base units{BOLD:#} on the {network} network, as asked\n  to     {to}\n  memo   {}\n{sums}\nPublic afterwards: {}. The receiver sees what you spend before anybody else.\nIt signed a receipt. Your signature leaves with the payment: it cannot be undone. It expires after height {}.",
        invoice.amount,
        shown(&invoice.memo),
        bill.linkage(),
        invoice.not_after(),
    )
}

fn sums(amount: Amount, inputs: &[OutputRecord], fee: Amount, change: Amount) -> String {
    let inputs: String = inputs
        .iter()
        .map(|i| format!("  spend  {:>20}  {}\n", i.opening.amount.units(), i.commitment))
        .collect();
    format!(
        "{inputs}  fee    {:>20}\n  change {:>20}  back to you\n  in all {:>20}  leaves you",
        fee.units(),
        change.units(),
        amount.checked_add(fee).unwrap_or_default().units(),
    )
}

pub(super) fn plan_json(plan: &Plan, to: &str) -> Value {
    json!({
        "amount": plan.request().amount.to_string(), "to": to, "fee": plan.fee().to_string(),
        "change": plan.change().to_string(), "not_after": plan.not_after().get(),
        "inputs": inputs_json(plan.inputs()), "linkage": plan.linkage().to_string(),
    })
}

pub(super) fn bill_json(bill: &Bill) -> Value {
    let invoice = bill.invoice();
    json!({
        "amount": invoice.amount.to_string(), "to": invoice.receiver.to_string(),
        "fee": invoice.features.fee().to_string(), "change": bill.change().to_string(),
        "not_after": invoice.not_after().get(), "inputs": inputs_json(bill.inputs()),
        "linkage": bill.linkage().to_string(),
    })
}

fn inputs_json(inputs: &[OutputRecord]) -> Value {
    let one = |i: &OutputRecord| json!({ "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string() });
    inputs.iter().map(one).collect()
}
