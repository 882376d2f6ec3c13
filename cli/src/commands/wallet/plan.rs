//! The plan that a payer confirms: every input, the change, the fee, and what becomes public.

use super::{command::named, slates::memo_text};
use crate::{output::grouped, ui::BOLD};
use serde_json::{Value, json};
use sotto_mw::amount::Amount;
use sotto_wallet::{
    Wallet,
    coin_selection::{InvoicePlan, Payee, PaymentPlan},
    edge::file::WalletFile,
    outputs::OutputRecord,
};

pub(crate) fn plan_text(plan: &PaymentPlan, wallet: &Wallet<WalletFile>) -> String {
    let network = wallet.chain().params().network;
    let (end, one) = (plan.not_after(), plan.payees().len() == 1);
    let who = |p: &Payee| p.recipient.map_or_else(|| "anyone who answers".into(), |a| named(wallet, &a));
    let line = |(p, fee): (&Payee, Amount)| {
        if one {
            return format!("  to     {}\n", who(p));
        }
        let (amount, fee) = (grouped(p.amount.units()), grouped(fee.units()));
        format!("  pay    {amount:>20}  to {}, with a fee of {fee} in its kernel\n", who(p))
    };
    let payees: String = plan.payees().iter().zip(plan.fees()).map(line).collect();
    let memo = plan.payees().first().map_or("", |p| memo_text(&p.memo));
    let sums = sums(plan.amount(), plan.inputs(), plan.fee(), plan.change());
    let several = if one { String::new() } else { format!(" to {} in one transaction", plan.payees().len()) };
    format!(
        "{BOLD}Pay {} base units{several}{BOLD:#} on the {network} network\n{payees}  memo   {memo}\n{sums}\nPublic afterwards: {}.\nUntil you finalize it, you can cancel it for free; after that, it cannot be undone. It expires after height {end}.",
        grouped(plan.amount().units()),
        plan.linkage(),
    )
}

pub(crate) fn bill_text(bill: &InvoicePlan, network: &str, to: &str) -> String {
    let invoice = bill.invoice();
    let sums = sums(invoice.amount, bill.inputs(), invoice.features.fee(), bill.change());
    format!(
        "{BOLD}Pay {} base units{BOLD:#} on the {network} network, as invoiced\n  to     {to}\n  memo   {}\n{sums}\nPublic afterwards: {}. The receiver sees what you spend before anyone else does.\nThe receiver has signed a receipt. The payment contains your signature and cannot be undone. It expires after height {}.",
        grouped(invoice.amount.units()),
        memo_text(&invoice.memo),
        bill.linkage(),
        invoice.not_after(),
    )
}

fn sums(amount: Amount, inputs: &[OutputRecord], fee: Amount, change: Amount) -> String {
    let inputs: String = inputs
        .iter()
        .map(|i| format!("  spend  {:>20}  {}\n", grouped(i.opening.amount.units()), i.commitment))
        .collect();
    format!(
        "{inputs}  fee    {:>20}\n  change {:>20}  back to this wallet\n  total  {:>20}  leaves this wallet",
        grouped(fee.units()),
        grouped(change.units()),
        grouped(amount.checked_add(fee).unwrap_or_default().units()),
    )
}

pub(crate) fn plan_json(plan: &PaymentPlan) -> Value {
    let payee = |(p, fee): (&Payee, Amount)| {
        json!({
            "to": p.recipient.map(|a| a.to_string()), "amount": p.amount.to_string(), "fee": fee.to_string(),
        })
    };
    json!({
        "amount": plan.amount().to_string(), "fee": plan.fee().to_string(),
        "payees": plan.payees().iter().zip(plan.fees()).map(payee).collect::<Vec<_>>(),
        "change": plan.change().to_string(), "not_after": plan.not_after().get(),
        "inputs": inputs_json(plan.inputs()), "linkage": plan.linkage().to_string(),
    })
}

pub(crate) fn bill_json(bill: &InvoicePlan) -> Value {
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
