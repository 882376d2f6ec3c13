//! The plan that a payer confirms: every input, the change, the fee, and what becomes public.

use super::{command::named, slates::memo_text};
use crate::ui::BOLD;
use serde_json::{Value, json};
use sotto_mw::{amount::Amount, unit::Unit};
use sotto_wallet::{
    Wallet,
    coin_selection::{InvoicePlan, Payee, PaymentPlan, Recipient},
    edge::file::WalletFile,
    outputs::OutputRecord,
};

pub(crate) fn plan_text(plan: &PaymentPlan, wallet: &Wallet<WalletFile>) -> String {
    let (network, unit) = (wallet.chain().params().network, wallet.chain().unit());
    let (end, one) = (plan.not_after(), plan.payees().len() == 1);
    let who = |p: &Payee| match &p.recipient {
        Recipient::FirstToRespond => "anyone who answers".to_owned(),
        Recipient::Interactive(address) => named(wallet, address),
        Recipient::OneSided { to, reference } => {
            let reference = reference.map_or_else(String::new, |r| format!(", reference {r}"));
            format!("{}, without an answer{reference}", named(wallet, &(*to).into()))
        }
    };
    let line = |(p, fee): (&Payee, Option<Amount>)| {
        if one {
            return format!("  to     {}\n", who(p));
        }
        let fee =
            fee.map_or_else(String::new, |fee| format!(", with a fee of {} in its kernel", unit.show(fee)));
        format!("  pay    {:>24}  to {}{fee}\n", unit.show(p.amount), who(p))
    };
    let payees: String = payees(plan).into_iter().map(line).collect();
    let memo = plan.payees().first().map_or("", |p| memo_text(&p.memo));
    let (memo, end_text) = match plan.is_complete() {
        true => (
            format!("  note   {memo}"),
            format!("It cannot be undone once it is submitted. It expires after height {end}."),
        ),
        false => (
            format!("  memo   {memo}"),
            format!(
                "Until you finalize it, you can cancel it for free; after that, it cannot be undone. It expires after height {end}."
            ),
        ),
    };
    let reveals = match plan.payees().iter().any(|p| matches!(p.recipient, Recipient::OneSided { .. })) {
        true => {
            " The receiver's outputs carry keys that only breaking discrete logarithms links to an address."
        }
        false => "",
    };
    let paid = Paid { amount: plan.amount(), inputs: plan.inputs(), fee: plan.fee(), change: plan.change() };
    let sums = paid.text(unit);
    let several = if one { String::new() } else { format!(" to {} in one transaction", plan.payees().len()) };
    format!(
        "{BOLD}Pay {}{several}{BOLD:#} on the {network} network\n{payees}{memo}\n{sums}\nPublic afterwards: {}.{reveals}\n{end_text}",
        unit.show(plan.amount()),
        plan.linkage(),
    )
}

/// The payees of a plan, each with the fee of its kernel, if it has one.
fn payees(plan: &PaymentPlan) -> Vec<(&Payee, Option<Amount>)> {
    let mut fees = plan.fees();
    let fee = |p: &Payee| match p.recipient {
        Recipient::OneSided { .. } => None,
        Recipient::FirstToRespond | Recipient::Interactive(_) => fees.next(),
    };
    let each: Vec<Option<Amount>> = plan.payees().iter().map(fee).collect();
    plan.payees().iter().zip(each).collect()
}

pub(crate) fn bill_text(bill: &InvoicePlan, wallet: &Wallet<WalletFile>) -> String {
    let (network, unit) = (wallet.chain().params().network, wallet.chain().unit());
    let invoice = bill.invoice();
    let (to, fee) = (named(wallet, &invoice.receiver), bill.fee());
    let paid = Paid { amount: invoice.amount, inputs: bill.inputs(), fee, change: bill.change() };
    let sums = paid.text(unit);
    format!(
        "{BOLD}Pay {}{BOLD:#} on the {network} network, as invoiced\n  to     {to}\n  memo   {}\n{sums}\nPublic afterwards: {}. The receiver sees what you spend before anyone else does.\nThe receiver has signed a receipt. The payment contains your signature and cannot be undone. It expires after height {}.",
        unit.show(invoice.amount),
        memo_text(&invoice.memo),
        bill.linkage(),
        invoice.not_after(),
    )
}

/// The sums of a payment.
struct Paid<'a> {
    amount: Amount,
    inputs: &'a [OutputRecord],
    fee: Amount,
    change: Amount,
}

impl Paid<'_> {
    fn text(&self, unit: &Unit) -> String {
        let input =
            |i: &OutputRecord| format!("  spend  {:>24}  {}\n", unit.show(i.opening.amount), i.commitment);
        let inputs: String = self.inputs.iter().map(input).collect();
        format!(
            "{inputs}  fee    {:>24}\n  change {:>24}  back to this wallet\n  total  {:>24}  leaves this wallet",
            unit.show(self.fee),
            unit.show(self.change),
            unit.show(self.amount.checked_add(self.fee).unwrap_or_default()),
        )
    }
}

pub(crate) fn plan_json(plan: &PaymentPlan) -> Value {
    let payee = |(p, fee): (&Payee, Option<Amount>)| {
        let reference = match p.recipient {
            Recipient::OneSided { reference, .. } => reference,
            Recipient::FirstToRespond | Recipient::Interactive(_) => None,
        };
        json!({
            "to": p.recipient.address().map(|a| a.to_string()), "amount": p.amount.to_string(),
            "fee": fee.map(|fee| fee.to_string()), "one_sided": matches!(p.recipient, Recipient::OneSided { .. }),
            "reference": reference.map(|r| r.to_string()),
        })
    };
    json!({
        "amount": plan.amount().to_string(), "fee": plan.fee().to_string(),
        "payees": payees(plan).into_iter().map(payee).collect::<Vec<_>>(),
        "change": plan.change().to_string(), "not_after": plan.not_after().get(),
        "inputs": inputs_json(plan.inputs()), "linkage": plan.linkage().to_string(),
    })
}

pub(crate) fn bill_json(bill: &InvoicePlan) -> Value {
    let invoice = bill.invoice();
    json!({
        "amount": invoice.amount.to_string(), "to": invoice.receiver.to_string(),
        "fee": bill.fee().to_string(), "change": bill.change().to_string(),
        "not_after": invoice.not_after().get(), "inputs": inputs_json(bill.inputs()),
        "linkage": bill.linkage().to_string(),
    })
}

fn inputs_json(inputs: &[OutputRecord]) -> Value {
    let one = |i: &OutputRecord| json!({ "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string() });
    inputs.iter().map(one).collect()
}
