//! The steps of holds, as methods of a handle.

use super::{
    Wallet, holding,
    holding_ends::{self, Secrecy},
};
use crate::{
    coin_selection::{Confirmed, HoldPlan},
    error::WalletError,
    hold::{Answer, ClaimLock, Join, Offer, Part, Promised, Prove, Release},
    keys::Account,
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    group::Point, kernel::Kernel, rules::Verified, secret::SecretScalar, session::SessionId,
    transaction::Transaction,
};

/// The holds of a wallet: each method is one step. See [`crate::hold`].
#[derive(Debug)]
pub struct Holds<'a, S>(pub(super) &'a mut Wallet<S>);

/// Each step fails with [`crate::hold::HoldError`] and changes nothing, or gives the same result again for the same letter.
impl<S: Store> Holds<'_, S> {
    /// Payer: locks the inputs of a confirmed plan and makes the offer.
    ///
    /// # Errors
    /// [`crate::coin_selection::CoinSelectionError::Stale`], or the error of the store.
    pub fn open(
        &mut self,
        plan: Confirmed<HoldPlan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Offer, WalletError> {
        let plan = plan.into_inner();
        self.0.perform(|context| holding::open(context, &plan, rng))
    }

    /// Seller: checks an offer as [`Self::join`] does, except for the payer's shares; nothing changes.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn check_offer(&self, offer: &Offer) -> Result<Account, WalletError> {
        let context = self.0.context();
        holding::check_offer(&context, offer)
    }

    /// Seller: consents, and signs the funding and all refunds.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn join(&mut self, offer: &Offer, rng: &mut (impl RngCore + CryptoRng)) -> Result<Join, WalletError> {
        self.0.perform(|context| holding::join(context, offer, rng))
    }

    /// Payer: checks the seller's consent, signs all refunds, and commits in the range proof.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn prove(
        &mut self,
        letter: &Join,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Prove, WalletError> {
        self.0.perform(|context| holding::prove(context, letter, rng))
    }

    /// Seller: answers the range proof, once.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn part(&mut self, letter: &Prove) -> Result<Part, WalletError> {
        self.0.perform(|context| holding::part(context, letter))
    }

    /// Payer: checks the seller's answer as [`Self::fund`] does; nothing changes.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn check_part(&self, letter: &Part) -> Result<(), WalletError> {
        holding::check_part(&self.0.context(), letter)
    }

    /// Payer: finishes the range proof and signs the funding.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn fund(
        &mut self,
        letter: &Part,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.0.perform(|context| holding::fund(context, letter, rng))
    }

    /// Payer: ends a hold that is not funded, free of charge.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::Stage`] once it is funded.
    pub fn cancel(&mut self, id: &SessionId) -> Result<(), WalletError> {
        self.0.perform(|context| holding::cancel(context, id))
    }

    /// Seller: claims the amount, locked to a point or not.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::NotBuried`], [`crate::hold::HoldError::Late`], and others.
    pub fn answer(
        &mut self,
        id: &SessionId,
        lock: Option<Point>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, WalletError> {
        self.0.perform(|context| holding_ends::answer(context, id, (lock, None), rng))
    }

    /// Seller: claims the amount with the point and the last height that all claims of one lock share.
    ///
    /// # Errors
    /// As [`Self::answer`]; [`crate::hold::HoldError::LastHeight`], [`crate::hold::HoldError::OtherHeight`].
    pub fn answer_with(
        &mut self,
        id: &SessionId,
        lock: ClaimLock,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, WalletError> {
        let ClaimLock { point, until } = lock;
        self.0.perform(|context| holding_ends::answer(context, id, (Some(point), Some(until)), rng))
    }

    /// Seller: the hold that was promised, if the work may begin: its funding is deep enough, and enough blocks are left.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`], which names the missing condition; nothing changes.
    pub fn ready(&self, promised: &Promised<'_>) -> Result<SessionId, WalletError> {
        holding_ends::ready(&self.0.context(), promised)
    }

    /// Seller: consents to undo the hold.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn consent(
        &mut self,
        id: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, WalletError> {
        self.0.perform(|context| holding_ends::consent(context, id, rng))
    }

    /// Payer: checks a claim as [`Self::release`] does; nothing is signed and nothing changes.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn check_claim(&self, letter: &Answer) -> Result<(), WalletError> {
        holding_ends::check_claim(&self.0.context(), letter)
    }

    /// Payer: signs its half of a claim, once.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn release(&mut self, letter: &Answer) -> Result<Release, WalletError> {
        self.0.perform(|context| holding_ends::release(context, letter))
    }

    /// Payer: takes the money back with the seller's consent.
    ///
    /// # Errors
    /// [`crate::hold::HoldError`].
    pub fn undo(
        &mut self,
        letter: &Answer,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.0.perform(|context| holding_ends::undo(context, letter, rng))
    }

    /// Seller: keeps the payer's half of a claim, and gives the claim if it is not locked.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::Late`] when it must not be published any more, and others.
    pub fn receive(
        &mut self,
        letter: &Release,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Verified<Transaction>>, WalletError> {
        self.0.perform(|context| holding_ends::receive(context, letter, rng))
    }

    /// Seller: completes a claim that is locked to the point of this secret.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::Secret`], [`crate::hold::HoldError::Late`], and others.
    pub fn complete(
        &mut self,
        id: &SessionId,
        t: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.0.perform(|context| holding_ends::complete(context, id, (t, Secrecy::Hidden), rng))
    }

    /// Seller: the same with a secret that is public, because another claim with this lock is in a block: up to the last
    /// height, whatever else could still happen to the hold, since nothing is left to lose.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Security
    /// With a secret that is not public, this gives it away where the claim may not get the money.
    pub fn complete_public(
        &mut self,
        id: &SessionId,
        t: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.0.perform(|context| holding_ends::complete(context, id, (t, Secrecy::Public), rng))
    }

    /// Payer: the holds of which a refund can be in the next block. They are unclaimed, and the time for claims is over.
    #[must_use]
    pub fn due(&self) -> Vec<SessionId> {
        holding_ends::due(&self.0.context())
    }

    /// Payer: the refund whose window is open in the next block.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::NoRung`] when there is none.
    pub fn refund(
        &mut self,
        id: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.0.perform(|context| holding_ends::refund(context, id, rng))
    }

    /// Payer: the secret of the point that a claim was locked to, from the kernel of the claim.
    ///
    /// # Errors
    /// [`crate::hold::HoldError::Secret`] when the kernel is not that of the claim.
    pub fn extract(&self, id: &SessionId, kernel: &Kernel) -> Result<SecretScalar, WalletError> {
        holding_ends::extract(&self.0.context(), id, kernel)
    }
}
