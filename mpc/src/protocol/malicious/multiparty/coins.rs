//! Coins that all parties toss live.
//!
//! ```text
//! at the start   each broadcasts the commitment to its nonce of coin 0
//! coin i         each broadcasts nonce_i [32] ‖ salt_i [32] ‖ commitment_{i+1} [32]
//!                coin_i = SHA-256(session, i, nonce_i of P_1, …, nonce_i of P_n)
//! ```
//!
//! **A party opens its nonce only when all that the coin decides about has arrived from every other party.**
//! So what a deviating party sent to an honest one does not depend on that one's nonce, nor on the coin.
//! The caller compares records (`links`) before it uses what the coin decided: two honest parties that were
//! shown different nonces end there.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::super::coins::Coin;
use super::super::domains::{COIN, COIN_COMMITMENT, Domain};
use super::super::error::{Check, SessionError, accept};
use super::links::Links;
use crate::channel::Phase;
use crate::ot::SessionId;

/// A nonce that is committed to, and the salt of the commitment.
type Committed = Zeroizing<[[u8; 32]; 2]>;

/// A party's side of all coins of a session.
pub(super) struct Coins {
    session: SessionId,
    /// The index of the next coin.
    next: u64,
    ours: Committed,
    /// The commitments of all, by place.
    committed: Vec<[u8; 32]>,
}

impl Coins {
    /// Tells the commitments for the first coin.
    ///
    /// # Errors
    /// If a connection fails.
    pub(super) fn begin(
        links: &mut Links<'_>,
        session: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let ours = fresh(rng);
        let commitment = commitment(session, 0, links.own, &ours);
        let committed = links.broadcast_each(Phase::Coins, &commitment)?;
        Ok(Self { session: *session, next: 0, ours, committed })
    }

    /// Tosses the next coin. The caller compares records before it uses what depends on it.
    ///
    /// # Errors
    /// If a connection fails, or a party opens another nonce than it committed to.
    pub(super) fn toss(
        &mut self,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Coin, SessionError> {
        let (index, coming) = (self.next, fresh(rng));
        let [nonce, salt] = *self.ours;
        let next = commitment(&self.session, index + 1, links.own, &coming);
        let mut ours = [0; 96];
        ours.as_chunks_mut().0.copy_from_slice(&[nonce, salt, next]);
        let broadcast = links.broadcast_each(Phase::Coins, &ours)?;
        let (mut nonces, mut all) = (Vec::with_capacity(broadcast.len()), Choice::from(1));
        for (place, (broadcast, committed)) in broadcast.iter().zip(&mut self.committed).enumerate() {
            let [nonce, salt, next] = core::array::from_fn(|i| broadcast.as_chunks::<32>().0[i]);
            all &= commitment(&self.session, index, place, &[nonce, salt]).ct_eq(committed);
            *committed = next;
            nonces.push(nonce);
        }
        accept(all, Check::Coin)?;
        (self.next, self.ours) = (index + 1, coming);
        let domain = Domain { label: COIN, session: &self.session, index, role: None };
        let nonces: Vec<&[u8]> = nonces.iter().map(|nonce| &nonce[..]).collect();
        Ok(Coin(domain.of(&nonces)))
    }
}

fn fresh(rng: &mut (impl RngCore + CryptoRng)) -> Committed {
    let mut committed = Zeroizing::new([[0; 32]; 2]);
    rng.fill_bytes(committed.as_flattened_mut());
    committed
}

fn commitment(session: &SessionId, index: u64, place: usize, [nonce, salt]: &[[u8; 32]; 2]) -> [u8; 32] {
    let domain = Domain { label: COIN_COMMITMENT, session, index, role: None };
    domain.of(&[&[place as u8], nonce, salt])
}
