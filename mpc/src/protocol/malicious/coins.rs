//! Coins that both parties toss live.
//!
//! ```text
//! at the start   each commits to its nonce of coin 0
//! coin i         each opens nonce i and commits to nonce i + 1:    nonce_i [32] ‖ salt_i [32] ‖ commitment_{i+1} [32]
//!                commitment_i = SHA-256(session, i, role, nonce_i, salt_i)
//!                coin_i = SHA-256(session, i, nonce_i of the garbler, nonce_i of the evaluator)
//! ```
//!
//! A coin takes one message of each party, because its commitments travelled with the coin before.
//!
//! Guaranteed: a coin is uniform if one party is honest, and unknown to the other party until the honest one
//! has opened its nonce. **The caller must not toss before everything that the coin decides about has
//! arrived.** A party that dislikes a coin can only break off, which ends the attempt: there is nothing to
//! try offline.

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::domains::{COIN, COIN_COMMITMENT, Domain};
use super::error::{Check, SessionError, accept};
use super::exchange::Exchange;
use crate::channel::{Channel, Phase};
use crate::ot::SessionId;
use crate::protocol::hello::Role;

/// The result of a toss.
pub(super) struct Coin(pub(super) [u8; 32]);

/// A nonce that is committed to, and the salt of the commitment.
type Committed = Zeroizing<[[u8; 32]; 2]>;

/// A party's side of all coins of a session.
pub(super) struct Coins {
    session: SessionId,
    role: Role,
    /// The index of the next coin.
    next: u64,
    ours: Committed,
    theirs: [u8; 32],
}

impl Coins {
    /// Exchanges the commitments for the first coin.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn begin(
        channel: &mut impl Channel,
        session: &SessionId,
        role: Role,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let ours = fresh(rng);
        let commitment = commitment(session, 0, role, &ours);
        let theirs = Exchange { role, phase: Phase::Coins }.bytes(channel, &commitment)?;
        // The set-up ends here, and nothing more may be received for long.
        channel.flush()?;
        Ok(Self { session: *session, role, next: 0, ours, theirs })
    }

    /// Tosses the next coin.
    ///
    /// # Errors
    /// If the connection fails, or the peer opens another nonce than it committed to.
    pub(super) fn toss(
        &mut self,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Coin, SessionError> {
        let (index, coming) = (self.next, fresh(rng));
        let [nonce, salt] = *self.ours;
        let ours = [nonce, salt, commitment(&self.session, index + 1, self.role, &coming)];
        let mut theirs = [[0; 32]; 3];
        match self.role {
            Role::Garbler => {
                channel.send(Phase::Coins, ours.as_flattened())?;
                channel.receive(Phase::Coins, theirs.as_flattened_mut())?;
                self.check(&theirs)?;
            }
            Role::Evaluator => {
                channel.receive(Phase::Coins, theirs.as_flattened_mut())?;
                self.check(&theirs)?;
                channel.send(Phase::Coins, ours.as_flattened())?;
            }
        }
        let [their_nonce, _, their_next] = theirs;
        let (garbler, evaluator) = match self.role {
            Role::Garbler => (nonce, their_nonce),
            Role::Evaluator => (their_nonce, nonce),
        };
        (self.next, self.ours, self.theirs) = (index + 1, coming, their_next);
        let domain = Domain { label: COIN, session: &self.session, index, role: None };
        Ok(Coin(domain.of(&[&garbler, &evaluator])))
    }

    /// Checks that the peer opens what it committed to.
    fn check(&self, [nonce, salt, _]: &[[u8; 32]; 3]) -> Result<(), SessionError> {
        let opened = commitment(&self.session, self.next, self.role.peer(), &[*nonce, *salt]);
        accept(opened.ct_eq(&self.theirs), Check::Coin)
    }
}

fn fresh(rng: &mut (impl RngCore + CryptoRng)) -> Committed {
    let mut committed = Zeroizing::new([[0; 32]; 2]);
    rng.fill_bytes(committed.as_flattened_mut());
    committed
}

fn commitment(session: &SessionId, index: u64, role: Role, [nonce, salt]: &[[u8; 32]; 2]) -> [u8; 32] {
    Domain { label: COIN_COMMITMENT, session, index, role: Some(role) }.of(&[nonce, salt])
}
