//! A member's wallet of a group: the view secret, the group's outputs, and what its members made together.
//!
//! It holds no share and spends nothing by itself: it reads the chain, checks what members ask for, and keeps what they
//! made ([`crate::group`]). Shares and unfinished sessions are in the files and the installation of `sotto_keys`.
//!
//! ```text
//! letters ─▶ session kept (sotto_keys) ─▶ record kept here ─▶ own letters leave
//! ```
//!
//! Guaranteed: a member that keeps its wallet agrees to pay one invoice at most once, or again with an output in
//! common, so that only one of both can be made. Not reviewed outside the project.

use crate::{
    armor,
    contents::{self, GroupContents},
    encrypt::{Encryptable, Encrypted, Privacy},
    error::WalletError,
    group::{
        GroupAnswer, GroupAsked, GroupBook, GroupCoin, GroupError, GroupKeys, GroupRecord, GroupRequest,
        GroupStage, GroupState, GroupWallet, Past,
    },
    keys::Address,
    proof::{KernelInclusion, PaymentProof, PaymentProofError},
    scan::{ChainSource, PassReason, ScanError, ScanReport, ScanWay},
    slate::{Invoice, SlateError},
    store::{Store, StoreError},
};
use core::fmt;
use sotto_keys::{Epoch, Group, Hash as KeysHash, Index, pool::PoolKey, view::ViewSecret};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::Decode as _,
    session::{Role, SessionId},
    terms::Terms,
};
use std::collections::{BTreeMap, BTreeSet};

/// A member's wallet of a group.
pub struct MemberWallet<S> {
    chain: Chain,
    view: ViewSecret,
    group: Group,
    state: GroupState,
    store: S,
}

impl<S> fmt::Debug for MemberWallet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberWallet").field("tip", &self.state.height()).finish_non_exhaustive()
    }
}

impl<S: Store> MemberWallet<S> {
    /// Creates a member's wallet in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty; [`GroupError`] when the group owns nothing on this chain.
    pub fn create(store: S, chain: Chain, group: Group, view: ViewSecret) -> Result<Self, WalletError> {
        if !store.load()?.is_empty() {
            return Err(WalletError::Exists);
        }
        GroupKeys::new(&chain, group.epoch(), &view)?;
        let mut wallet = Self { chain, view, group, state: GroupState::default(), store };
        wallet.save(GroupState::default())?;
        Ok(wallet)
    }

    /// Opens the member's wallet in a store.
    ///
    /// # Errors
    /// When the store does not contain one.
    pub fn open(store: S) -> Result<Self, WalletError> {
        let bytes = store.load()?;
        let contents = GroupContents::from_bytes(&bytes).map_err(StoreError::Contents)?;
        let GroupContents { params, view, group, state } = contents;
        let chain = Chain::new(params)?;
        GroupKeys::new(&chain, group.epoch(), &view)?;
        Ok(Self { chain, view, group, state, store })
    }

    fn save(&mut self, next: GroupState) -> Result<(), StoreError> {
        let bytes = contents::group_contents(self.chain.params(), (&self.view, &self.group), &next);
        self.store.replace(&bytes)?;
        self.state = next;
        Ok(())
    }

    /// The chain, under the terms that were told last.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Takes note of the terms of the next block, as [`crate::Wallet::follow_terms`] does.
    pub fn follow_terms(&mut self, terms: &Terms) {
        self.chain = self.chain.under(terms);
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The group, as its file was last.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// What finds and reads the group's outputs.
    #[must_use]
    pub const fn view(&self) -> &ViewSecret {
        &self.view
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.height()
    }

    /// The group's outputs, and the keys that are in use.
    #[must_use]
    pub const fn book(&self) -> &GroupBook {
        &self.state.book
    }

    /// What members made or began to make, by their sessions.
    pub fn records(&self) -> impl Iterator<Item = &GroupRecord> {
        self.state.records.values()
    }

    /// The group's keys at the epoch that is kept here.
    #[must_use]
    pub fn keys(&self) -> GroupKeys<'_> {
        GroupKeys::checked(self.group.epoch(), &self.view)
    }

    /// The group's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.keys().address(self.chain.params().network)
    }

    /// How many fresh keys each set of members has.
    #[must_use]
    pub fn fresh_keys(&self) -> BTreeMap<Vec<Index>, usize> {
        let draft = self.group.draft();
        let mut sets: BTreeMap<Vec<Index>, usize> = BTreeMap::new();
        // Also sets that have none left.
        for set in PoolKey::all_fresh().filter_map(|key| key.set(draft)) {
            sets.entry(set).or_default();
        }
        for set in self.state.fresh_keys().filter_map(|key| key.set(draft)) {
            *sets.entry(set).or_default() += 1;
        }
        sets
    }

    /// The group's wallet with the keys of this epoch, for members who act.
    ///
    /// # Errors
    /// [`GroupError::OtherChain`], or [`GroupError::OtherGroup`] for an epoch with other keys.
    pub fn at<'a>(&'a self, epoch: &'a Epoch) -> Result<GroupWallet<'a>, GroupError> {
        if !same_keys(epoch, self.group.epoch()) {
            return Err(GroupError::OtherGroup);
        }
        let keys = GroupKeys::new(&self.chain, epoch, &self.view)?;
        Ok(GroupWallet { keys, chain: &self.chain, tip: self.tip(), book: &self.state.book })
    }

    /// Keeps a later file of the same group, or of one that succeeds it: the keys stay.
    ///
    /// # Errors
    /// [`GroupError::OtherGroup`], or the error of the store.
    pub fn follow_group(&mut self, group: &Group) -> Result<(), WalletError> {
        if !same_keys(group.epoch(), self.group.epoch()) {
            return Err(GroupError::OtherGroup.into());
        }
        if *group != self.group {
            let before = core::mem::replace(&mut self.group, group.clone());
            let saved = self.save(self.state.clone());
            if saved.is_err() {
                self.group = before;
            }
            saved?;
        }
        Ok(())
    }

    /// Reads the chain.
    ///
    /// # Errors
    /// [`ScanError`], also for a chain that goes back behind what was seen; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        past: Past,
        source: &C,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let before = self.unspent();
        let (next, replaced) = self.state.scanned((&self.keys(), &self.chain), past, source)?;
        let tried = source.unspent_count().map_err(ScanError::Source)?;
        let way = match (next.tip == self.state.tip, self.tip()) {
            (true, _) => ScanWay::Unchanged,
            (false, Height::GENESIS) => ScanWay::Passed(PassReason::First),
            (false, _) => ScanWay::Passed(PassReason::NotFollowed),
        };
        if next != self.state {
            self.save(next)?;
        }
        let now = self.unspent();
        let found: Vec<Amount> = now.difference(&before).map(|coin| coin.amount).collect();
        Ok(ScanReport {
            tip: self.tip(),
            way,
            tried: if way == ScanWay::Unchanged { 0 } else { tried },
            own: now.len() as u64,
            found: found.len() as u64,
            found_amount: Amount::checked_sum(found).unwrap_or_default(),
            gone: before.difference(&now).count() as u64,
            replaced,
        })
    }

    fn unspent(&self) -> BTreeSet<GroupCoin> {
        self.state.book.unspent().copied().collect()
    }

    /// The request to pay an invoice, which spends an output of each earlier plan to pay it again.
    ///
    /// # Errors
    /// [`GroupError`]: what a member would refuse.
    pub fn pay(&self, epoch: &Epoch, invoice: &Invoice, with: &[Index]) -> Result<GroupRequest, GroupError> {
        let group = self.at(epoch)?;
        let request = group.pay(invoice, with)?;
        let again = self.state.spent_for(&request)?;
        let request = if again.is_empty() { request } else { group.pay_from(invoice, with, &again)? };
        // No session has this id.
        self.state.check_once(&KeysHash::from_bytes([0; 32]), &request).map(|()| request)
    }

    /// Checks what the letters of a session ask for, beside what [`GroupWallet::check`] does: no invoice is paid twice.
    ///
    /// # Errors
    /// [`GroupError::PaidTwice`].
    pub fn check_once(&self, session: &KeysHash, asked: &GroupAsked) -> Result<(), GroupError> {
        self.state.check_once(session, asked.request())
    }

    /// Keeps how far a session has come, and the keys of its plan as used. Call it before a letter leaves.
    ///
    /// # Errors
    /// The error of the store.
    pub fn keep(
        &mut self,
        session: KeysHash,
        asked: &GroupAsked,
        stage: GroupStage,
    ) -> Result<(), StoreError> {
        let mut next = self.state.clone();
        next.book.note(asked);
        let known = next.records.get(&session);
        let (request, confirmed) = (asked.request().clone(), known.and_then(|r| r.confirmed));
        // What was answered stays, whatever is said of the session later.
        let answered = known.filter(|r| matches!(r.stage, GroupStage::Answered(_))).map(|r| r.stage.clone());
        let stage = answered.unwrap_or(stage);
        next.records.insert(session, GroupRecord { session, request, stage, confirmed });
        if next == self.state { Ok(()) } else { self.save(next) }
    }

    /// The latest session about the slate with this identifier, unless it failed.
    #[must_use]
    pub fn open_session(&self, slate: &SessionId) -> Option<&GroupRecord> {
        let lives = |r: &&GroupRecord| r.slate() == *slate && !matches!(r.stage, GroupStage::Failed { .. });
        self.records().find(lives)
    }

    /// Reads a message of the other side, encrypted to the group or not.
    ///
    /// # Errors
    /// [`WalletError`] when it cannot be read.
    pub fn read_message<T: Encryptable>(&self, text: &str) -> Result<T, WalletError> {
        let id = self.chain.id();
        if armor::kind(text)? != T::ENCRYPTED {
            return Ok(armor::from_text(id, text)?);
        }
        let message: Encrypted<T> = armor::from_text(id, text)?;
        Ok(self.keys().decrypt(&self.chain, &message).ok_or(SlateError::NotOurs)?)
    }

    /// The group's answer as text, for the other side; `None` while there is none.
    #[must_use]
    pub fn answer(&self, record: &GroupRecord, privacy: Privacy) -> Option<String> {
        let GroupStage::Answered(answer) = &record.stage else { return None };
        let to = record.counterparty();
        Some(match answer {
            GroupAnswer::Response(response) => self.write(to, &**response, privacy),
            GroupAnswer::Payment(payment) => self.write(to, &**payment, privacy),
        })
    }

    fn write<T: Encryptable>(&self, to: &Address, message: &T, privacy: Privacy) -> String {
        let id = self.chain.id();
        match privacy {
            Privacy::Encrypted => armor::to_text(id, &self.keys().encrypt(&self.chain, to, message)),
            Privacy::Plain => armor::to_text(id, message),
        }
    }

    /// Proves that the group paid an invoice; its record is known, and its kernel in a block.
    ///
    /// # Errors
    /// [`PaymentProofError`].
    pub fn prove(
        &self,
        record: &GroupRecord,
        inclusion: KernelInclusion,
    ) -> Result<PaymentProof, PaymentProofError> {
        let (GroupRequest::Pay { invoice, .. }, GroupStage::Answered(GroupAnswer::Payment(payment))) =
            (&record.request, &record.stage)
        else {
            return Err(PaymentProofError::UnknownSession);
        };
        let proof = PaymentProof {
            receipt: invoice.receipt(),
            receiver: invoice.receiver,
            signature: invoice.receipt,
            payer: payment.share.key,
            role: Role::Responder,
            possession: payment.share.possession,
            inclusion,
        };
        proof.verify(self.chain.id()).map(|_| proof)
    }
}

/// Whether two epochs have the same 256 keys: one is a refresh or a successor of the other.
fn same_keys(one: &Epoch, two: &Epoch) -> bool {
    let key = |epoch: &Epoch, key: PoolKey| epoch.public_key(key.get().into());
    let all = || core::iter::once(PoolKey::ADDRESS).chain(PoolKey::all_fresh());
    one.key_count() == two.key_count() && all().all(|k| key(one, k) == key(two, k))
}
