//! The wallet: keys, state and store behind the few things one does with money.
//!
//! Every change is made to a copy of the state, kept durably, and only then taken over and answered: after an error the
//! wallet is as it was, on disk and in memory, and no byte leaves before what it depends on is kept.
//!
//! Heights are those of the last scan: scan before paying.

use crate::{
    coinbase::{self, RewardError},
    keys::{Account, AccountKeys, Address, Purpose, Root, Words, WordsError, fresh_index},
    outputs::{Balance, Origin, OutputRecord, Status},
    scan::{self, ChainSource, Progress, ScanError, ScanReport},
    select::{self, Confirmed, Plan, Request, SelectError},
    slate::{
        Invite, Response, SlateError,
        finalize::{Answered, Funding},
        invite, respond,
        seal::{Installation, Secrets},
    },
    state::{Fate, Received, Sent, Stage, State, last_chance},
    store::{Store, StoreError},
    wire::{self, Contents},
};
use core::fmt;
use mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    hash::Hash,
    kernel::Kernel,
    range_proof::Opening,
    rules::{
        Verified, check_transaction,
        params::{Chain, ParamsError},
        verify_transaction,
    },
    schnorr::session::SessionId,
    transaction::{Output, OutputFeatures, Transaction},
    wire::Decode,
};
use rand_core::{CryptoRng, RngCore};

/// Why the wallet refuses.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// It could not be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A slate was refused.
    #[error(transparent)]
    Slate(#[from] SlateError),
    /// A payment could not be planned.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The words are not a seed.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The chain's parameters make no sense.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A block's reward could not be made.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// No such account.
    #[error("there is no account {account}; this wallet has {accounts}")]
    NoAccount {
        /// Which was asked for.
        account: Account,
        /// How many there are.
        accounts: u32,
    },
    /// There is something in the store already.
    #[error("there is a wallet already; it is not overwritten")]
    Exists,
}

/// An open wallet.
pub struct Wallet<S> {
    words: Words,
    root: Root,
    chain: Chain,
    state: State,
    installation: Installation,
    store: S,
}

impl<S> fmt::Debug for Wallet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.chain.params().network;
        f.debug_struct("Wallet")
            .field("network", &network)
            .field("tip", &self.state.tip)
            .finish_non_exhaustive()
    }
}

impl<S: Store> Wallet<S> {
    /// Creates a wallet of these words, new or restored, in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty, or the store's refusal.
    pub fn create(
        store: S,
        chain: Chain,
        words: Words,
        installation: Installation,
    ) -> Result<Self, WalletError> {
        if !store.load()?.is_empty() {
            return Err(WalletError::Exists);
        }
        let root = Root::new(&words);
        let mut wallet = Self { words, root, chain, state: State::default(), installation, store };
        wallet.keep(State::default())?;
        Ok(wallet)
    }

    /// Opens the wallet in a store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(store: S, installation: Installation) -> Result<Self, WalletError> {
        let Contents { params, entropy, state } =
            Contents::from_bytes(&store.load()?).map_err(StoreError::Contents)?;
        let words = Words::from_entropy(&entropy)?;
        let root = Root::new(&words);
        Ok(Self { words, root, chain: Chain::new(params)?, state, installation, store })
    }

    /// Makes `next` the wallet's state: durably first, then here.
    fn keep(&mut self, next: State) -> Result<(), StoreError> {
        self.store.replace(&wire::contents(self.chain.params(), &self.words.entropy(), &next))?;
        self.state = next;
        Ok(())
    }

    fn keys(&self, account: Account) -> Result<AccountKeys, WalletError> {
        if account.0 < self.state.accounts {
            Ok(self.root.account(account))
        } else {
            Err(WalletError::NoAccount { account, accounts: self.state.accounts })
        }
    }

    /// The chain it is for.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Where it is kept.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The seed words, for the owner's eyes.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// How many accounts there are.
    #[must_use]
    pub const fn accounts(&self) -> u32 {
        self.state.accounts
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip
    }

    /// Adds an account.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn add_account(&mut self) -> Result<Account, WalletError> {
        let account = Account(self.state.accounts);
        let mut next = self.state.clone();
        next.accounts = next.accounts.saturating_add(1);
        self.keep(next)?;
        Ok(account)
    }

    /// An account's address.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn address(&self, account: Account) -> Result<Address, WalletError> {
        Ok(self.keys(account)?.address(self.chain.params().network))
    }

    /// The account that an invite is for; `None` when it is for somebody else, or for whoever answers.
    #[must_use]
    pub fn addressee(&self, invite: &Invite) -> Option<Account> {
        let network = self.chain.params().network;
        let ours = |a: &Account| invite.recipient == Some(self.root.account(*a).address(network));
        (0..self.state.accounts).map(Account).find(ours)
    }

    /// What an account has, or all of them together.
    #[must_use]
    pub fn balance(&self, account: Option<Account>) -> Balance {
        self.state.balance(&self.chain, account)
    }

    /// All outputs, in order of commitments.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputRecord> {
        self.state.outputs.values()
    }

    /// All payments made, in order of sessions.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.state.sent.values()
    }

    /// All payments answered, in order of sessions.
    pub fn received(&self) -> impl Iterator<Item = &Received> {
        self.state.received.values()
    }

    /// Plans a payment; nothing changes.
    ///
    /// # Errors
    /// [`SelectError`] when it cannot be made.
    pub fn plan(&self, request: Request) -> Result<Plan, WalletError> {
        self.keys(request.account)?;
        Ok(select::plan(&self.state, &self.chain, request)?)
    }

    /// Locks the inputs of a confirmed plan and opens its session.
    ///
    /// # Errors
    /// [`SelectError::Stale`] when an input is no longer free, or the store's refusal; nothing changes then.
    pub fn invite(
        &mut self,
        plan: Confirmed<Plan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Invite, WalletError> {
        let plan = plan.into_inner();
        let account = plan.request().account;
        let keys = self.keys(account)?;
        let (invite, secrets) = invite::invite(&keys, &self.chain, plan.terms(), rng);
        let sealed = secrets.seal(&self.installation, &invite.hash(self.chain.id()), rng);
        let origin = Origin::Slate(invite.session);
        let change = (plan.change() > Amount::ZERO).then(|| {
            let opening = Opening { amount: plan.change(), index: fresh_index(rng) };
            pending(&keys, account, (Purpose::Change, opening), origin)
        });
        let inputs = plan.inputs().iter().map(|i| i.commitment).collect();
        let sent = Sent {
            account,
            invite: invite.clone(),
            inputs,
            change: change.as_ref().map(|c| c.commitment),
            stage: Stage::Invited(sealed),
        };
        let mut next = self.state.clone();
        if !next.lock(sent, change) {
            return Err(SelectError::Stale.into());
        }
        self.keep(next)?;
        Ok(invite)
    }

    /// Answers an invite for `account`; the same invite gets the same response, byte for byte.
    ///
    /// # Errors
    /// [`SlateError`] when the terms are refused or the session was used; nothing changes then.
    pub fn respond(
        &mut self,
        account: Account,
        invite: &Invite,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Response, WalletError> {
        let keys = self.keys(account)?;
        if let Some(known) = self.state.received.get(&invite.session) {
            let same = known.invite == *invite && known.account == account;
            return if same { Ok(known.response.clone()) } else { Err(SlateError::SessionReused.into()) };
        }
        let answer = respond::respond(&keys, &self.chain, self.state.tip, invite, rng)?;
        let (response, excess) = (answer.response, answer.excess);
        let record =
            pending(&keys, account, (Purpose::Received, answer.opening), Origin::Slate(invite.session));
        let mut next = self.state.clone();
        next.outputs.insert(record.commitment, record);
        let received = Received {
            account,
            invite: invite.clone(),
            response: response.clone(),
            excess,
            fate: Fate::Waiting,
        };
        next.received.insert(invite.session, received);
        self.keep(next)?;
        Ok(response)
    }

    /// Checks a response, signs, burns the nonces, and returns the payment; the same response gets the same payment.
    ///
    /// # Errors
    /// [`SlateError`] with the party at fault. A refused response changes nothing, and a good one can still come; once
    /// one was accepted, no other ever is.
    pub fn finalize(&mut self, response: &Response) -> Result<Verified<Transaction>, WalletError> {
        let sent = self.state.sent.get(&response.session).ok_or(SlateError::UnknownSession)?;
        let sealed = match &sent.stage {
            Stage::Cancelled => return Err(SlateError::Cancelled.into()),
            Stage::Finalised { response: first, transaction, .. } => {
                return if **first == *response {
                    self.again(transaction.clone())
                } else {
                    Err(SlateError::AnsweredTwice.into())
                };
            }
            Stage::Invited(sealed) => sealed,
        };
        let hash = sent.invite.hash(self.chain.id());
        let secrets =
            Secrets::unseal(sealed, &self.installation, &hash).ok_or(SlateError::ForeignInstallation)?;
        let answered = Answered::check(&self.chain, self.state.tip, &sent.invite, response)?;
        let excess = answered.excess();
        let funding = self.funding(sent)?;
        let transaction = answered.finalize(&self.keys(sent.account)?, &self.chain, &funding, secrets)?;
        // For ever, and before a byte leaves: whatever becomes of the wallet file, no other response is signed for.
        let hash = response.hash();
        match self.installation.close(&response.session, &hash)? {
            closed if closed == hash => {}
            Hash::ZERO => return Err(SlateError::Cancelled.into()),
            _ => return Err(SlateError::AnsweredTwice.into()),
        }
        let mut next = self.state.clone();
        if let Some(sent) = next.sent.get_mut(&response.session) {
            sent.stage = Stage::Finalised {
                response: Box::new(response.clone()),
                transaction: transaction.get().clone(),
                excess,
                fate: Fate::Waiting,
            };
        }
        self.keep(next)?;
        Ok(transaction)
    }

    fn again(&self, t: Transaction) -> Result<Verified<Transaction>, WalletError> {
        let well_formed = check_transaction(&self.chain, t).map_err(SlateError::Rules)?;
        Ok(verify_transaction(&self.chain, well_formed).map_err(SlateError::Rules)?)
    }

    /// Openings of what a payment spends and of its change; every input must still be held by it.
    fn funding(&self, sent: &Sent) -> Result<Funding, SlateError> {
        let held = |c: &Commitment| {
            let record = self.state.outputs.get(c);
            let held =
                record.filter(|o| matches!(o.status, Status::Locked { by, .. } if by == sent.invite.session));
            held.map(|o| (o.purpose, o.opening)).ok_or(SlateError::InputGone { output: c.encoded() })
        };
        let inputs = sent.inputs.iter().map(held).collect::<Result<_, _>>()?;
        let change = sent.change.and_then(|c| self.state.outputs.get(&c)).map(|o| o.opening);
        Ok(Funding { inputs, change })
    }

    /// Calls off an invite: free of charge while nothing signed has left. Its nonces are burnt, its inputs free.
    ///
    /// # Errors
    /// [`SlateError::HasLeft`] when it was finalised, [`SlateError::MayHaveLeft`] when another copy of this wallet may have
    /// finalised it, both with the height after which it cannot come true.
    pub fn cancel(&mut self, session: &SessionId) -> Result<(), WalletError> {
        let mut next = self.state.clone();
        next.cancel(&self.chain, session)?;
        self.burn(session)?;
        Ok(self.keep(next)?)
    }

    /// Closes an open session on no response; an error when it was closed on one, or another installation could have.
    fn burn(&self, session: &SessionId) -> Result<(), WalletError> {
        let Some(Sent { invite, stage: Stage::Invited(sealed), .. }) = self.state.sent.get(session) else {
            return Ok(());
        };
        let until = last_chance(&self.chain, invite);
        if Secrets::unseal(sealed, &self.installation, &invite.hash(self.chain.id())).is_none() {
            return Err(SlateError::MayHaveLeft { until }.into());
        }
        match self.installation.close(session, &Hash::ZERO)? {
            Hash::ZERO => Ok(()),
            _ => Err(SlateError::HasLeft { until }.into()),
        }
    }

    /// Scans the chain with the keys of all accounts.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails or moves, or the result cannot be kept; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        self.scan_accounts(self.state.accounts, source, progress)
    }

    /// Scans with [`scan::RESTORE_GAP`] more accounts than are known, again from there when one of those has money.
    ///
    /// # Errors
    /// As [`Wallet::scan`].
    pub fn restore<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let mut all = ScanReport::default();
        loop {
            let known = self.state.accounts;
            let tried = known.saturating_add(scan::RESTORE_GAP);
            let report = self.scan_accounts(tried, source, progress)?;
            let found_amount =
                all.found_amount.checked_add(report.found_amount).unwrap_or(report.found_amount);
            all = ScanReport { found: all.found + report.found, found_amount, ..report };
            if self.state.accounts == known {
                return Ok(all);
            }
        }
    }

    fn scan_accounts<C: ChainSource>(
        &mut self,
        accounts: u32,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let (next, report) = scan::scan((&self.root, &self.chain, &self.state), accounts, source, progress)?;
        self.keep(next)?;
        Ok(report)
    }

    /// The reward of a block at `height` whose transactions pay `fees`, to `account`; a scan finds it once it is sealed.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`] or [`RewardError`].
    pub fn reward(
        &self,
        account: Account,
        (height, fees): (Height, Amount),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Output, Kernel), WalletError> {
        Ok(coinbase::reward(&self.keys(account)?, &self.chain, (height, fees), rng)?)
    }
}

fn pending(
    keys: &AccountKeys,
    account: Account,
    (purpose, opening): (Purpose, Opening),
    origin: Origin,
) -> OutputRecord {
    let (features, status) = (OutputFeatures::Plain, Status::Pending);
    let commitment = keys.commitment(purpose, &opening);
    OutputRecord { commitment, account, purpose, opening, features, origin, status }
}
