//! The actions of a wallet that pay and receive, and its accounts and contacts.

use super::{
    Wallet, context::Change, freezing, holds::Holds, invoicing, levels::Levels, notices::Notices, paying,
    receiving, self_transfers,
};
use crate::{
    accounts::{AccountInfo, AccountNameError},
    coin_selection::{
        self, Confirmed, HoldPlan, HoldRequest, InvoicePlan, Payee, PaymentPlan, PaymentRequest,
        SelfTransferPlan, Spend,
    },
    coinbase::{CoinbaseBuilder, CoinbaseError},
    contacts::{ContactError, ContactName},
    error::WalletError,
    hold::{HoldPrice, HoldTerms},
    keys::{Account, Address},
    level::Level,
    outputs::OutputRecord,
    scan::UnspentInputs,
    sessions::{HoldRecord, TxStatus},
    slate::{Invite, Invoice, InvoiceRequest, Payment, Response},
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    group::PointBytes,
    kernel::Kernel,
    output::Output,
    rules::Verified,
    session::SessionId,
    transaction::Transaction,
};

/// Accounts and contacts.
impl<S: Store> Wallet<S> {
    /// Adds an account.
    ///
    /// # Errors
    /// [`AccountNameError`], or the error of the store.
    pub fn add_account(&mut self, name: &str) -> Result<Account, WalletError> {
        if !AccountInfo::is_name(name) {
            return Err(AccountNameError::Form.into());
        }
        if let Some(account) = self.account(name) {
            return Err(AccountNameError::Taken { account }.into());
        }
        self.perform(|context| {
            let mut next = context.state.clone();
            next.accounts.push(AccountInfo { name: name.to_owned(), ..AccountInfo::default() });
            Ok(Change::new(next, Account(context.state.account_count())))
        })
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// [`ContactError`] when the name means another address, or the address belongs to another network.
    pub fn add_contact(&mut self, name: ContactName, address: Address) -> Result<(), WalletError> {
        let (found, expected) = (address.network(), self.chain().params().network);
        if found != expected {
            return Err(ContactError::Network { found, expected }.into());
        }
        self.perform(|context| {
            let mut next = context.state.clone();
            next.contacts.add(name, address)?;
            Ok(Change::new(next, ()))
        })
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// [`ContactError::Unknown`].
    pub fn remove_contact(&mut self, name: ContactName) -> Result<Address, WalletError> {
        self.perform(|context| {
            let mut next = context.state.clone();
            let address = next.contacts.remove(name)?;
            Ok(Change::new(next, address))
        })
    }
}

/// Payments that the payer begins.
impl<S: Store> Wallet<S> {
    /// Plans a payment; nothing changes.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError`] when the payment cannot be made.
    pub fn plan(&self, request: PaymentRequest) -> Result<PaymentPlan, WalletError> {
        self.plan_from(request, &Spend::Fewest)
    }

    /// Plans a payment from the outputs that `spend` names; nothing changes.
    ///
    /// # Errors
    /// As [`Wallet::plan`], and [`coin_selection::CoinSelectionError::NotFree`].
    pub fn plan_from(&self, request: PaymentRequest, spend: &Spend) -> Result<PaymentPlan, WalletError> {
        let context = self.context();
        context.keys(request.account)?;
        Ok(coin_selection::plan(context.state, context.chain, request, spend)?)
    }

    /// Plans to pay everything that the outputs of an account are worth, less the fee, to one recipient,
    /// whose amount is replaced; nothing changes.
    ///
    /// # Errors
    /// As [`Wallet::plan_from`].
    pub fn plan_all(
        &self,
        account: Account,
        payee: Payee,
        spend: &Spend,
    ) -> Result<PaymentPlan, WalletError> {
        let context = self.context();
        context.keys(account)?;
        Ok(coin_selection::plan_all(context.state, context.chain, account, payee, spend)?)
    }

    /// Freezes an output: no plan spends it until it is unfrozen. A payment that has locked it already can
    /// still spend it.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::NotFree`] when this wallet has no such output on the chain.
    pub fn freeze(&mut self, output: &PointBytes) -> Result<(), WalletError> {
        self.perform(|context| freezing::freeze(context, output))
    }

    /// Unfreezes an output. Returns whether it was frozen.
    ///
    /// # Errors
    /// The error of the store.
    pub fn unfreeze(&mut self, output: &PointBytes) -> Result<bool, WalletError> {
        self.perform(|context| freezing::unfreeze(context, output))
    }

    /// Makes a payment to which no recipient has to respond: locks the inputs of a confirmed plan and returns
    /// the transaction.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::NeedsResponse`] when a payee has to respond,
    /// [`coin_selection::CoinSelectionError::Stale`] when an input is no longer free, or the error of the
    /// store; nothing changes then.
    pub fn pay(
        &mut self,
        plan: Confirmed<PaymentPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| paying::pay(context, &plan, rng))
    }

    /// Locks the inputs of a confirmed plan and opens a session for each payee who has to respond. The
    /// invites are in the order of those payees; what is paid one-sidedly beside them enters the same
    /// transaction.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::NeedsNoResponse`] when no recipient has to respond,
    /// [`coin_selection::CoinSelectionError::Stale`] when an input is no longer free, or the error of the
    /// store; nothing changes then.
    pub fn invite(
        &mut self,
        plan: Confirmed<PaymentPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Invite>, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| paying::invite(context, &plan, rng))
    }

    /// Responds to an invite for `account`. The same invite gets the same response, byte for byte.
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) when the terms are refused or the session was used; nothing
    /// changes then.
    pub fn respond(
        &mut self,
        account: Account,
        invite: &Invite,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Response, WalletError> {
        self.perform(|context| receiving::respond(context, account, invite, rng))
    }

    /// Checks an invite as [`Wallet::respond`] does, except for the payer's share; nothing changes.
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) when the terms are refused, the payer's address did not sign
    /// them, or the session was used.
    pub fn check_invite(&self, account: Account, invite: &Invite) -> Result<(), WalletError> {
        receiving::check(&self.context(), account, invite)
    }

    /// Stops expecting a payment that this wallet has answered: it is no longer pending. The payer can still
    /// sign it, and it is received then all the same. Answering the same invite again takes it back.
    ///
    /// # Errors
    /// [`SlateError::NotAnswered`](crate::slate::SlateError::NotAnswered) or
    /// [`SlateError::Confirmed`](crate::slate::SlateError::Confirmed).
    pub fn dismiss(&mut self, session: &SessionId) -> Result<(), WalletError> {
        self.perform(|context| receiving::dismiss(context, session))
    }

    /// Accepts the response of one payee. When all other payees have responded too, signs, destroys the
    /// nonces, and returns the transaction; until then returns `None`. The same response gets the same
    /// transaction.
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) with the party at fault. A refused response changes nothing,
    /// and a valid one can still arrive. Once a response was accepted, no other ever is.
    pub fn finalize(
        &mut self,
        response: &Response,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Verified<Transaction>>, WalletError> {
        self.perform(|context| paying::finalize(context, response, rng))
    }

    /// Cancels an invite or an invoice, free of charge while nothing signed has left, and destroys its
    /// nonces. The other invites of the same payment remain, and the share of this one becomes change; with
    /// the last one the inputs are free.
    ///
    /// # Errors
    /// [`SlateError::HasLeft`](crate::slate::SlateError::HasLeft) when the payment was finalized,
    /// [`SlateError::MayHaveLeft`](crate::slate::SlateError::MayHaveLeft) when another copy of this wallet
    /// may have finalized it, both with the height after which it cannot confirm.
    pub fn cancel(&mut self, session: &SessionId) -> Result<(), WalletError> {
        self.perform(|context| paying::cancel(context, session))
    }
}

/// Payments that the receiver begins.
impl<S: Store> Wallet<S> {
    /// Creates an invoice for a payment to `account`.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError`] when the amount is zero or exceeds the supply, or the payer's
    /// address belongs to another network; or the error of the store.
    pub fn create_invoice(
        &mut self,
        account: Account,
        request: InvoiceRequest,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Invoice, WalletError> {
        self.perform(|context| invoicing::create_invoice(context, account, request, rng))
    }

    /// Checks an invoice and plans its payment from `account`; nothing changes. An invoice that was paid is
    /// refused: see [`Wallet::payment_for`].
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) when the invoice is invalid,
    /// [`coin_selection::CoinSelectionError`] when it cannot be paid.
    pub fn plan_invoice(&self, account: Account, invoice: &Invoice) -> Result<InvoicePlan, WalletError> {
        invoicing::plan_invoice(&self.context(), account, invoice)
    }

    /// Pays an invoice: signs the payer's part, and locks its inputs until the payment is in a block or never
    /// can be.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::Stale`] when an input is no longer free,
    /// [`SlateError::SessionReused`](crate::slate::SlateError::SessionReused) when the invoice was paid
    /// meanwhile, or the error of the store; nothing changes then. If the store fails after the register has
    /// noted the payment, the invoice can no longer be paid
    /// ([`SlateError::PaidBefore`](crate::slate::SlateError::PaidBefore)); ask for another one.
    pub fn pay_invoice(
        &mut self,
        plan: Confirmed<InvoicePlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Payment, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| invoicing::pay_invoice(context, &plan, rng))
    }

    /// Checks a payment to an invoice of this wallet, signs, destroys the nonces, and returns the
    /// transaction. The same payment gets the same transaction. `inputs` is what the chain says of the
    /// payment's inputs; a payment with others stays refused until the chain shows them.
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) with the party at fault. A refused payment changes nothing,
    /// and a valid one can still arrive. Once a payment was accepted, no other ever is.
    pub fn collect(
        &mut self,
        payment: &Payment,
        inputs: &UnspentInputs,
    ) -> Result<Verified<Transaction>, WalletError> {
        self.perform(|context| invoicing::collect(context, payment, inputs))
    }
}

/// Self-transfers and block rewards.
impl<S: Store> Wallet<S> {
    /// Plans to make one output of at most `most` of an account's smallest outputs; nothing changes.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError`] when there are fewer than two, or they are worth less than the
    /// fee.
    pub fn plan_consolidation(&self, account: Account, most: usize) -> Result<SelfTransferPlan, WalletError> {
        let context = self.context();
        context.keys(account)?;
        Ok(coin_selection::consolidation(context.state, context.chain, account, most)?)
    }

    /// Carries out a consolidation: locks its inputs and returns the transaction.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::Stale`] when an input is no longer free, or the error of the
    /// store; nothing changes then.
    pub fn consolidate(
        &mut self,
        plan: Confirmed<SelfTransferPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| self_transfers::consolidate(context, &plan, rng))
    }

    /// The outputs of an account that somebody paid one-sidedly and that are worth moving.
    pub fn movable(&self, account: Account) -> impl Iterator<Item = &OutputRecord> {
        self_transfers::movable(&self.chain, &self.state, account)
    }

    /// Transactions of this wallet with itself that the chain does not have yet. A crash may have come before
    /// the first submission, so they are worth submitting again.
    pub fn waiting_self_transfers(&self) -> impl Iterator<Item = &Transaction> {
        let all = self.state.self_transfers.values();
        all.filter(|t| t.tx_status == TxStatus::Waiting).map(|t| &t.transaction)
    }

    /// The output that is to be moved now, if outputs are moved unasked: each waits 1 to 144 blocks, and one
    /// moves at a time.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn due_relocation(&self, account: Account) -> Result<Option<PointBytes>, WalletError> {
        self_transfers::due(&self.context(), account)
    }

    /// Plans to move an output within its account. Its payer knows what opens it, sees when it is spent, and
    /// could help a dishonest operator to take it out of a pruned chain; afterwards only the owner does.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::NotFree`] when the output is not free, or
    /// [`coin_selection::CoinSelectionError::NotWorth`].
    pub fn plan_relocation(
        &self,
        account: Account,
        output: &PointBytes,
    ) -> Result<SelfTransferPlan, WalletError> {
        let context = self.context();
        context.keys(account)?;
        Ok(coin_selection::relocation(context.state, context.chain, account, output)?)
    }

    /// Carries out a relocation: locks its input and returns the transaction.
    ///
    /// # Errors
    /// As [`Wallet::consolidate`].
    pub fn relocate(
        &mut self,
        plan: Confirmed<SelfTransferPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| self_transfers::relocate(context, &plan, rng))
    }

    /// Plans the self-spend that ends a signed payment: it moves the smallest input that is worth more than
    /// the fee. While nothing signed has left, [`Wallet::cancel`] is free.
    ///
    /// # Errors
    /// [`SlateError`](crate::slate::SlateError) when the payment has ended, or is being ended already;
    /// [`coin_selection::CoinSelectionError`] when no input is on the chain and worth more than the fee.
    pub fn plan_self_spend(&self, session: &SessionId) -> Result<SelfTransferPlan, WalletError> {
        self_transfers::plan_self_spend(&self.context(), session)
    }

    /// Makes the self-spend. The first of the two transactions to enter a block displaces the other.
    ///
    /// # Errors
    /// As [`Wallet::plan_self_spend`], or the error of the store; nothing changes then.
    pub fn self_spend(
        &mut self,
        session: &SessionId,
        plan: Confirmed<SelfTransferPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let plan = plan.into_inner();
        self.perform(|context| self_transfers::self_spend(context, session, &plan, rng))
    }

    /// Builds the reward of a block at `height`, whose transactions pay `fees`, for `account`. A scan finds
    /// it once the block is in the chain.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`] or [`CoinbaseError`].
    pub fn coinbase(
        &self,
        account: Account,
        height: Height,
        fees: Amount,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Output, Kernel), WalletError> {
        let due = self.chain().params().reward.checked_add(fees).ok_or(CoinbaseError::Overflow)?;
        Ok(self.coinbase_builder(account)?.build(height, due, rng)?)
    }

    /// The builder of block rewards for an account; it works without this wallet.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn coinbase_builder(&self, account: Account) -> Result<CoinbaseBuilder, WalletError> {
        Ok(CoinbaseBuilder::new(self.context().keys(account)?, self.chain().clone()))
    }
}

/// Integrity levels.
impl<S: Store> Wallet<S> {
    /// The levels of outputs.
    pub const fn levels(&mut self) -> Levels<'_, S> {
        Levels(self)
    }

    /// The level of an output.
    #[must_use]
    pub fn level_of(&self, output: &PointBytes) -> Level {
        self.state.levels.of(output)
    }
}

/// Notices.
impl<S: Store> Wallet<S> {
    /// The notices that this wallet puts on record, other than those about levels.
    pub const fn notices(&mut self) -> Notices<'_, S> {
        Notices(self)
    }
}

/// Holds.
impl<S: Store> Wallet<S> {
    /// The steps of holds.
    pub const fn holds(&mut self) -> Holds<'_, S> {
        Holds(self)
    }

    /// All holds, in the order of their ids.
    pub fn held(&self) -> impl Iterator<Item = &HoldRecord> {
        self.state.holds.values()
    }

    /// Plans a hold; nothing changes.
    ///
    /// # Errors
    /// [`HoldError::Terms`](crate::hold::HoldError::Terms), or [`coin_selection::CoinSelectionError`] when it cannot be funded.
    pub fn plan_hold(&self, request: HoldRequest) -> Result<HoldPlan, WalletError> {
        let context = self.context();
        context.keys(request.account)?;
        let next = context.tip().next();
        let price = HoldPrice { amount: request.amount, start_fee: request.start_fee };
        let terms = HoldTerms::new(context.chain, next, price, request.schedule)?;
        Ok(coin_selection::plan_hold(context.state, context.chain, request, terms)?)
    }
}
