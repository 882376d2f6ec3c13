//! Receiving: answer an invite, take a block's reward.

use super::{Wallet, WalletError, pending};
use crate::{
    coinbase::{RewardError, Rewards},
    keys::{Account, Purpose},
    outputs::Origin,
    slate::{Invite, Response, SlateError, respond},
    state::{Fate, Received},
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    kernel::Kernel,
    output::Output,
};

impl<S: Store> Wallet<S> {
    /// The account that an invite is for; `None` when it is for somebody else, or for whoever answers.
    #[must_use]
    pub fn addressee(&self, invite: &Invite) -> Option<Account> {
        let network = self.chain.params().network;
        let ours = |a: &Account| invite.recipient == Some(self.root.account(*a).address(network));
        (0..self.accounts()).map(Account).find(ours)
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
        if self.state.asked.contains_key(&invite.session) {
            return Err(SlateError::SessionReused.into());
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
        let due = self.chain.params().reward.checked_add(fees).ok_or(RewardError::Overflow)?;
        Ok(self.rewards(account)?.of((height, due), rng)?)
    }

    /// What makes the rewards of an account without this wallet.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn rewards(&self, account: Account) -> Result<Rewards, WalletError> {
        Ok(Rewards::new(self.keys(account)?, self.chain.clone()))
    }
}
