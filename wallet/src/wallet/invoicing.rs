//! Requests: ask with an invoice and collect what is paid; check an invoice and pay it.

use super::{Wallet, WalletError, pending};
use crate::{
    keys::{Account, Purpose, fresh_index},
    outputs::Origin,
    select::{self, Bill, Confirmed, SelectError},
    slate::{
        Invoice, Payment, SlateError,
        collect::Offered,
        finalize::Funding,
        invoice::{self, Ask},
        pay::{self, Checked},
        seal::Secrets,
    },
    state::{Asked, AskedStage, Fate, Paid},
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount, commitment::Commitment, range_proof::Opening, rules::Verified, transaction::Transaction,
};

impl<S: Store> Wallet<S> {
    /// Asks for a payment to `account`: opens its session and keeps it.
    ///
    /// # Errors
    /// [`SelectError`] when nothing is asked for, more than there is, or of somebody elsewhere; or the store's refusal.
    pub fn ask(
        &mut self,
        account: Account,
        ask: Ask,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Invoice, WalletError> {
        let keys = self.keys(account)?;
        let features = select::ask(&self.state, &self.chain, &ask)?;
        let opened = invoice::invoice(&keys, &self.chain, (ask, features), rng).map_err(SlateError::Prove)?;
        let (invoice, opening) = (opened.invoice, opened.opening);
        let sealed = opened.secrets.seal(&self.installation, &invoice.hash(self.chain.id()), rng);
        let mut next = self.state.clone();
        let asked = Asked { account, invoice: invoice.clone(), opening, stage: AskedStage::Open(sealed) };
        next.asked.insert(invoice.session, asked);
        self.keep(next)?;
        Ok(invoice)
    }

    /// Checks an invoice and plans its payment from `account`; nothing changes. An invoice that was paid is not planned for
    /// again: see [`Wallet::paid_before`].
    ///
    /// # Errors
    /// [`SlateError`] with what is wrong with the invoice, [`SelectError`] when it cannot be paid.
    pub fn bill(&self, account: Account, invoice: &Invoice) -> Result<Bill, WalletError> {
        let keys = self.keys(account)?;
        self.unpaid(invoice)?;
        let checked = Checked::new(&keys, &self.chain, self.state.tip, invoice.clone())?;
        Ok(select::bill(&self.state, &self.chain, account, checked)?)
    }

    /// The payment that this wallet made to this very invoice, if it did.
    #[must_use]
    pub fn paid_before(&self, invoice: &Invoice) -> Option<&Payment> {
        self.state.paid.get(&invoice.session).filter(|p| p.invoice == *invoice).map(|p| &p.payment)
    }

    /// Pays a confirmed bill: signs the payer's part and locks its inputs until the payment is in a block or never can be.
    ///
    /// # Errors
    /// [`SelectError::Stale`] when an input is no longer free, [`SlateError::SessionReused`] when the invoice was paid
    /// meanwhile, or the store's refusal; nothing changes then. When the store fails after the installation has noted the
    /// payment, the invoice is not paid any more ([`SlateError::PaidBefore`]), and another one is needed.
    pub fn pay(
        &mut self,
        bill: Confirmed<Bill>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Payment, WalletError> {
        let bill = bill.into_inner();
        let (account, invoice) = (bill.account(), bill.invoice());
        let keys = self.keys(account)?;
        self.unpaid(invoice)?;
        let change = (bill.change() > Amount::ZERO)
            .then(|| Opening { amount: bill.change(), index: fresh_index(rng) });
        let inputs = bill.inputs().iter().map(|i| (i.purpose, i.opening)).collect();
        let funding = Funding { inputs, change };
        let terms = (bill.checked(), &funding);
        let (payment, excess) = pay::pay(&keys, &self.chain, self.state.tip, terms, rng)?;
        let origin = Origin::Slate(invoice.session);
        let change = change.map(|o| pending(&keys, account, (Purpose::Change, o), origin));
        let mut next = self.state.clone();
        let held: Vec<_> = payment.inputs.iter().map(Commitment::encoded).collect();
        if !next.lock(invoice.session, &held, change) {
            return Err(SelectError::Stale.into());
        }
        let (invoice, fate) = (invoice.clone(), Fate::Waiting);
        let paid = Paid { account, invoice, payment: payment.clone(), excess, fate };
        next.paid.insert(payment.session, paid);
        // Before the signature leaves: a wallet file from before does not pay once more.
        if self.installation.close(&payment.session, &payment.hash())? != payment.hash() {
            return Err(SlateError::PaidBefore.into());
        }
        self.keep(next)?;
        Ok(payment)
    }

    /// A session in which this wallet pays already is not taken for another payment.
    fn unpaid(&self, invoice: &Invoice) -> Result<(), SlateError> {
        let (session, state) = (&invoice.session, &self.state);
        let used = state.paid.contains_key(session) || state.sent_in(session).is_some();
        if used { Err(SlateError::SessionReused) } else { Ok(()) }
    }

    /// Checks a payment to an invoice of this wallet, signs, burns the nonces, and returns the transaction; the same payment
    /// gets the same transaction.
    ///
    /// # Errors
    /// [`SlateError`] with the party at fault. A refused payment changes nothing, and a good one can still come; once one
    /// was accepted, no other ever is.
    pub fn collect(&mut self, payment: &Payment) -> Result<Verified<Transaction>, WalletError> {
        let asked = self.state.asked.get(&payment.session).ok_or(SlateError::UnknownSession)?;
        let sealed = match &asked.stage {
            AskedStage::Cancelled => return Err(SlateError::Cancelled.into()),
            AskedStage::Collected { payment: first, transaction, .. } => {
                return if **first == *payment {
                    self.again(transaction.clone())
                } else {
                    Err(SlateError::AnsweredTwice.into())
                };
            }
            AskedStage::Open(sealed) => sealed,
        };
        let hash = asked.invoice.hash(self.chain.id());
        let secrets =
            Secrets::unseal(sealed, &self.installation, &hash).ok_or(SlateError::ForeignInstallation)?;
        let offered = Offered::check(&self.chain, self.state.tip, &asked.invoice, payment)?;
        let excess = offered.excess();
        let transaction = offered.collect(&self.chain, secrets)?;
        self.close(&payment.session, &payment.hash())?;
        let (account, opening) = (asked.account, asked.opening);
        let origin = Origin::Slate(payment.session);
        let output = pending(&self.keys(account)?, account, (Purpose::Received, opening), origin);
        let mut next = self.state.clone();
        next.outputs.entry(output.commitment).or_insert(output);
        if let Some(asked) = next.asked.get_mut(&payment.session) {
            asked.stage = AskedStage::Collected {
                payment: Box::new(payment.clone()),
                transaction: transaction.get().clone(),
                excess,
                fate: Fate::Waiting,
            };
        }
        self.keep(next)?;
        Ok(transaction)
    }

    /// All requests made, in order of sessions.
    pub fn asked(&self) -> impl Iterator<Item = &Asked> {
        self.state.asked.values()
    }

    /// All invoices paid, in order of sessions.
    pub fn paid(&self) -> impl Iterator<Item = &Paid> {
        self.state.paid.values()
    }
}
