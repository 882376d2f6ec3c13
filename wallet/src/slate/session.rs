//! The keys and nonces of one party in one signing session.
//!
//! ```text
//! place  = chain id ‖ session ‖ role (1) ‖ hash of the slate
//! x      = D("sotto/wallet/session-key/v1", 32 fresh bytes ‖ signing key of the interactive address ‖ place)  mod ℓ
//! d, e   = H3(32 fresh bytes ‖ x ‖ place)
//! ```
//!
//! The slate is the message that is answered, or the terms that are proposed. The signing key hedges against
//! a weak random source, and the place tells sessions apart where the random source repeats itself: clones of
//! a machine that answer different messages share neither x nor d nor e. Source: `docs/SIGNING.md`, "Keys and
//! nonces"; RFC 9591, section 4.1; BIP-327, "NonceGen".

use crate::{
    keys::{AccountKeys, derive_scalar},
    nonce_vault::SessionSecrets,
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::ChainId,
    hash::Hash,
    session::{Nonces, Participant, Role, SessionId, Share},
};
use zeroize::Zeroizing;

/// Draws a fresh session identifier.
pub(crate) fn fresh_session(rng: &mut (impl RngCore + CryptoRng)) -> SessionId {
    let mut session = SessionId([0; 32]);
    rng.fill_bytes(&mut session.0);
    session
}

/// One party in one session, and the slate that its keys are for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) participant: Participant<'a>,
    /// The hash of the message that is answered, or of the terms that are proposed.
    pub(crate) slate: Hash,
}

impl<'a> Place<'a> {
    /// The party that proposes these terms.
    pub(crate) const fn inviter(chain: &'a ChainId, session: &'a SessionId, terms: Hash) -> Self {
        Self { participant: Participant { chain, session, role: Role::Inviter }, slate: terms }
    }

    /// The party that answers this message.
    pub(crate) const fn responder(chain: &'a ChainId, session: &'a SessionId, message: Hash) -> Self {
        Self { participant: Participant { chain, session, role: Role::Responder }, slate: message }
    }

    fn bytes(&self) -> Vec<u8> {
        let Participant { chain, session, role } = self.participant;
        [chain.as_bytes().as_slice(), &session.0, &[role as u8], self.slate.as_bytes()].concat()
    }
}

/// Draws x, d and e of one party, and the share that shows X, D and E.
pub(crate) fn draw(
    keys: &AccountKeys,
    place: &Place<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> (Share, SessionSecrets) {
    let (bound, mut fresh) = (place.bytes(), Zeroizing::new([0; 32]));
    rng.fill_bytes(&mut *fresh);
    let x = derive_scalar(tag::SESSION_KEY, &[&*fresh, &*keys.hedge().to_bytes(), &bound]);
    let nonces = Nonces::generate(&x, &bound, rng);
    let share = Share::new(&place.participant, &x, &nonces, rng);
    (share, SessionSecrets { x, nonces })
}
