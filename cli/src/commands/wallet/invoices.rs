//! `sotto wallet invoice` and `pay`: a payment that its receiver starts.

use super::{
    command::{WalletCommand, named},
    deliver::{self, ListenerAddress},
    plan::{bill_json, bill_text},
    slates::{Addressed, declined, memo, parse_amount, print_slate, read_slate, who_reads, wrong_slate},
};
use crate::{
    args,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_wallet::{InvoiceRequest, coin_selection::Decision, slate::Invoice};

pub(crate) fn invoice(command: &WalletCommand<'_>, a: &args::WalletInvoice) -> Outcome {
    let (amount, memo) = (parse_amount(&a.amount)?, memo(&a.memo)?);
    let (mut wallet, chain, _) = command.open_fresh()?;
    let (network, account) = (wallet.chain().params().network, command.account(&wallet)?);
    let payer = a.from.as_deref().map(|from| wallet.contacts().resolve(from, network)).transpose();
    let payer = payer.or_refuse("invalid payer")?;
    let ask = InvoiceRequest { amount, payer, inputs: a.inputs, memo };
    let invoice = wallet.create_invoice(account, ask, &mut OsRng).or_refuse("cannot create the invoice")?;
    drop(chain);
    let who = match payer {
        Some(_) => who_reads(a.form),
        None => "It names no payer, so it is not encrypted and anyone who reads it can pay it.",
    };
    command.context.ui.info(&format!("Give this invoice to the payer. {who}"));
    let slate = Addressed { slate: &invoice, session: invoice.session, to: payer.as_ref() };
    print_slate(command, &wallet, &slate, a.form)
}

pub(crate) fn pay(command: &WalletCommand<'_>, a: &args::WalletPay) -> Outcome {
    let listener = a.to_listener.as_deref().map(ListenerAddress::parse).transpose()?;
    let text = read_slate(&a.file)?;
    let (mut wallet, chain, _) = command.open_fresh()?;
    let invoice: Invoice = wallet.read_message(&text).map_err(wrong_slate("cannot use this invoice"))?;
    let payment = match wallet.payment_for(&invoice) {
        Some(payment) => {
            command.context.ui.info("This invoice has been paid already; this is the same payment again.");
            payment.clone()
        }
        None => {
            let bill = wallet
                .plan_invoice(command.account(&wallet)?, &invoice)
                .or_refuse("cannot pay this invoice")?;
            let to = named(&wallet, &invoice.receiver);
            let text = bill_text(&bill, &wallet.chain().params().network.to_string(), &to);
            if a.dry_run {
                return command.context.output.record("payment-plan", bill_json(&bill), &text);
            }
            command.context.ui.confirm(&text, a.yes)?;
            let bill = bill.confirm(|_| Decision::Yes).ok_or_else(declined)?;
            wallet.pay_invoice(bill, &mut OsRng).or_refuse("cannot make the payment")?
        }
    };
    drop(chain);
    if let Some(listener) = &listener {
        return deliver::payment(command, &wallet, listener, &payment);
    }
    command.context.ui.info(&format!("Give this payment to the receiver. {}", who_reads(a.form)));
    let to = Some(&invoice.receiver);
    print_slate(command, &wallet, &Addressed { slate: &payment, session: payment.session, to }, a.form)
}
