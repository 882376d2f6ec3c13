//! `sotto wallet invoice` and `pay`: a payment that its receiver starts.

use super::{
    choosing::Dust,
    command::WalletCommand,
    dates::Dated,
    deliver::{self, ListenerAddress},
    plan::{bill_json, bill_text},
    reasons::OrRefuseIn as _,
    sessions::step,
    slates::{Addressed, declined, in_block, memo, print_slate, read_slate, who_reads, wrong_slate},
};
use crate::{
    amounts, args,
    exit::{Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_mw::amount::Height;
use sotto_wallet::{
    InvoiceRequest, Wallet,
    coin_selection::Decision,
    edge::file::WalletFile,
    sessions::{SessionStatus, TxStatus},
    slate::Invoice,
};

pub(crate) fn invoice(command: &WalletCommand<'_>, a: &args::WalletInvoice) -> Outcome {
    let (amount, memo) = (amounts::written(&a.amount)?, memo(&a.memo)?);
    let (mut wallet, chain, _) = command.open_fresh()?;
    let amount = amounts::in_unit(&amount, wallet.chain().unit())?;
    Dust::of(a.allow_dust).check(&wallet, amount)?;
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

/// Whether an invoice that was paid can still be collected: the height of its block if it is in one already,
/// and an error if it never can be.
fn still_useful(wallet: &Wallet<WalletFile>, invoice: &Invoice) -> Outcome<Option<Height>> {
    let paid = wallet.sessions().find(|s| s.session() == invoice.session && s.is_payer());
    let over = |why: String| {
        Failure::refused("the payment of this invoice has ended, and nothing was paid")
            .why(why)
            .help("ask for a new invoice")
    };
    match paid.map(|s| s.status()) {
        Some(SessionStatus::Signed(TxStatus::Confirmed { height })) => Ok(Some(height)),
        Some(status @ SessionStatus::Signed(TxStatus::Displaced { .. } | TxStatus::Failed)) => {
            Err(over(step(status)))
        }
        Some(_) if invoice.not_after() <= wallet.tip() => {
            Err(over(format!("it expired after height {}", invoice.not_after())))
        }
        Some(_) | None => Ok(None),
    }
}

pub(crate) fn pay(command: &WalletCommand<'_>, a: &args::WalletPay) -> Outcome {
    let listener = a.to_listener.as_deref().map(ListenerAddress::parse).transpose()?;
    let text = read_slate(&a.file)?;
    let (mut wallet, chain, _) = command.open_fresh()?;
    let invoice: Invoice = wallet.read_message(&text).map_err(wrong_slate("cannot use this invoice"))?;
    let payment = match wallet.payment_for(&invoice) {
        Some(payment) => {
            if let Some(height) = still_useful(&wallet, &invoice)? {
                return in_block(command, &invoice.session, Dated::of(&chain, height)?);
            }
            drop(chain);
            command.context.ui.info("This invoice has been paid already; this is the same payment again.");
            payment.clone()
        }
        None => {
            let bill = wallet
                .plan_invoice(command.account(&wallet)?, &invoice)
                .or_refuse_in(chain.chain().unit(), "cannot pay this invoice")?;
            drop(chain);
            let text = bill_text(&bill, &wallet);
            if a.dry_run {
                return command.context.output.record("payment-plan", bill_json(&bill), &text);
            }
            wallet = command.confirm(wallet, &text, a.yes)?;
            let bill = bill.confirm(|_| Decision::Yes).ok_or_else(declined)?;
            wallet.pay_invoice(bill, &mut OsRng).or_refuse("cannot make the payment")?
        }
    };
    if let Some(listener) = &listener {
        return deliver::payment(command, &wallet, listener, &payment);
    }
    command.context.ui.info(&format!("Give this payment to the receiver. {}", who_reads(a.form)));
    let to = Some(&invoice.receiver);
    print_slate(command, &wallet, &Addressed { slate: &payment, session: payment.session, to }, a.form)
}
