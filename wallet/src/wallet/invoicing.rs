//! Invoices: create one and collect its payment; check one and pay it.

use super::context::{Change, Context};
use crate::{
    coin_selection::{self, CoinSelectionError, InvoicePlan},
    error::WalletError,
    keys::{Account, Purpose, fresh_index},
    outputs::OutputRecord,
    scan::UnspentInputs,
    slate::{
        Invoice, InvoiceRequest, Payment, SlateError,
        collect::CheckedPayment,
        funding::Funding,
        invoice,
        pay::{CheckedInvoice, InvoiceFunding},
    },
    state::{InvoiceStage, IssuedInvoice, PaidInvoice, TxStatus},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount, range_proof::Opening, rules::Verified, session::Role, transaction::Transaction,
};

pub(crate) fn create_invoice(
    context: &Context<'_>,
    account: Account,
    request: InvoiceRequest,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Invoice>, WalletError> {
    let keys = context.keys(account)?;
    let features = coin_selection::invoice_features(context.state, context.chain, &request)?;
    let new = invoice::invoice(&keys, context.chain, (request, features), rng).map_err(SlateError::Prove)?;
    let (invoice, opening) = (new.invoice, new.opening);
    let encrypted = new.secrets.encrypt(context.installation, &invoice.hash(context.chain.id()), rng);
    let stage = InvoiceStage::Open(encrypted);
    let mut next = context.state.clone();
    next.issued.insert(invoice.session, IssuedInvoice { account, invoice: invoice.clone(), opening, stage });
    Ok(Change::new(next, invoice))
}

pub(crate) fn plan_invoice(
    context: &Context<'_>,
    account: Account,
    invoice: &Invoice,
) -> Result<InvoicePlan, WalletError> {
    let keys = context.keys(account)?;
    unpaid(context, invoice)?;
    let checked = CheckedInvoice::new(&keys, context.chain, context.tip(), invoice.clone())?;
    Ok(coin_selection::plan_invoice(context.state, context.chain, account, checked)?)
}

pub(crate) fn pay_invoice(
    context: &Context<'_>,
    plan: &InvoicePlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Payment>, WalletError> {
    let (account, invoice) = (plan.account(), plan.invoice());
    let keys = context.keys(account)?;
    unpaid(context, invoice)?;
    let opening = Opening { amount: plan.change(), index: fresh_index(rng) };
    let change = (plan.change() > Amount::ZERO).then(|| keys.plain(Purpose::Change, opening));
    let inputs = plan.inputs().iter().map(OutputRecord::secret).collect();
    let funding = Funding { inputs, change: change.map(|c| c.secret) };
    let funding = InvoiceFunding { funding, own: plan.own() };
    plan.checked().not_expired(context.tip())?;
    let (payment, excess) = plan.checked().pay(&keys, context.chain, funding, rng)?;
    let change = change.map(|new| OutputRecord::pending(account, invoice.session, &new));
    let mut next = context.state.clone();
    let inputs: Vec<_> = payment.spent().map(|coin| coin.commitment).collect();
    if !next.lock(invoice.session, &inputs, change) {
        return Err(CoinSelectionError::Stale.into());
    }
    let (invoice, tx_status) = (invoice.clone(), TxStatus::Waiting);
    let paid = PaidInvoice { account, invoice, payment: payment.clone(), excess, tx_status };
    next.paid.insert(payment.session, paid);
    // Before the signature leaves: an older wallet file must not pay again.
    if context.installation.close(&payment.session, Role::Responder, &payment.hash())? != payment.hash() {
        return Err(SlateError::PaidBefore.into());
    }
    Ok(Change::new(next, payment))
}

/// Refuses a session in which this wallet already pays.
fn unpaid(context: &Context<'_>, invoice: &Invoice) -> Result<(), SlateError> {
    let (session, state) = (&invoice.session, context.state);
    let used = state.paid.contains_key(session)
        || state.received.contains_key(session)
        || state.payment_with(session).is_some();
    // An invoice of this wallet can be paid from another of its accounts, but not one that copies its
    // session.
    let copied = state.issued.get(session).is_some_and(|i| i.invoice != *invoice);
    if used || copied { Err(SlateError::SessionReused) } else { Ok(()) }
}

pub(crate) fn collect(
    context: &Context<'_>,
    payment: &Payment,
    inputs: &UnspentInputs,
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let issued = context.state.issued.get(&payment.session).ok_or(SlateError::UnknownSession)?;
    let encrypted = match &issued.stage {
        InvoiceStage::Cancelled => return Err(SlateError::Cancelled.into()),
        InvoiceStage::Expired => {
            let (not_after, next) = (issued.invoice.not_after(), context.tip().next());
            return Err(SlateError::Expired { not_after, next }.into());
        }
        InvoiceStage::Collected { payment: first, transaction, .. } if **first == *payment => {
            return Ok(Change::none(context.verify(transaction.clone())?));
        }
        InvoiceStage::Collected { .. } => return Err(SlateError::AnsweredTwice.into()),
        InvoiceStage::Open(encrypted) => encrypted,
    };
    let secrets = context.decrypt(encrypted, &issued.invoice.hash(context.chain.id()))?;
    let checked = CheckedPayment::check(context.chain, context.tip(), &issued.invoice, payment)?;
    let excess = checked.excess();
    inputs.check(context.chain, payment)?;
    let transaction = checked.collect(context.chain, secrets)?;
    context.close(&payment.session, &payment.hash())?;
    let output = context.keys(issued.account)?.plain(Purpose::Received, issued.opening);
    let output = OutputRecord::pending(issued.account, payment.session, &output);
    let mut next = context.state.clone();
    next.outputs.entry(output.commitment).or_insert(output);
    if let Some(issued) = next.issued.get_mut(&payment.session) {
        issued.stage = InvoiceStage::Collected {
            payment: Box::new(payment.clone()),
            transaction: transaction.get().clone(),
            excess,
            tx_status: TxStatus::Waiting,
        };
    }
    Ok(Change::new(next, transaction))
}
