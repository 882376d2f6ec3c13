//! `sotto wallet invoice` and `pay`: a payment that its receiver starts.

use super::{
    WalletCommand, named,
    plan::{bill_json, bill_text},
    slates::{declined, memo, parse_amount, read_slate, unusable, who_reads},
};
use crate::{
    args,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_wallet::{InvoiceRequest, coin_selection::Decision, slate::Invoice};

impl WalletCommand<'_> {
    pub(super) fn invoice(&self, a: &args::WalletInvoice) -> Outcome {
        let (amount, memo) = (parse_amount(&a.amount)?, memo(&a.memo)?);
        let (mut wallet, chain, _) = self.open_fresh()?;
        let (network, account) = (wallet.chain().params().network, self.account(&wallet)?);
        let payer = a.from.as_deref().map(|from| wallet.contacts().resolve(from, network)).transpose();
        let payer = payer.or_refuse("invalid payer")?;
        let ask = InvoiceRequest { amount, payer, inputs: a.inputs, memo };
        let invoice =
            wallet.create_invoice(account, ask, &mut OsRng).or_refuse("cannot create the invoice")?;
        drop(chain);
        let who = match payer {
            Some(_) => who_reads(a.form),
            None => "It names no payer, so it is not encrypted and anyone who reads it can pay it.",
        };
        self.context.ui.say(&format!("Give this invoice to the payer. {who}"));
        self.letter((&invoice, &invoice.session), payer.as_ref(), &wallet, a.form)
    }

    pub(super) fn pay(&self, a: &args::WalletPay) -> Outcome {
        let text = read_slate(&a.file)?;
        let (mut wallet, chain, _) = self.open_fresh()?;
        let invoice: Invoice = wallet.read_message(&text).map_err(unusable("cannot use this invoice"))?;
        let payment = match wallet.payment_for(&invoice) {
            Some(payment) => {
                self.context.ui.say("This invoice has been paid already; this is the same payment again.");
                payment.clone()
            }
            None => {
                let bill = wallet
                    .plan_invoice(self.account(&wallet)?, &invoice)
                    .or_refuse("cannot pay this invoice")?;
                let to = named(&wallet, &invoice.receiver);
                let text = bill_text(&bill, &wallet.chain().params().network.to_string(), &to);
                if a.dry_run {
                    return self.context.output.record("payment-plan", bill_json(&bill), &text);
                }
                self.context.ui.confirm(&text, a.yes)?;
                let bill = bill.confirm(|_| Decision::Yes).ok_or_else(declined)?;
                wallet.pay_invoice(bill, &mut OsRng).or_refuse("cannot make the payment")?
            }
        };
        drop(chain);
        self.context.ui.say(&format!("Give this payment to the receiver. {}", who_reads(a.form)));
        self.letter((&payment, &payment.session), Some(&invoice.receiver), &wallet, a.form)
    }
}
