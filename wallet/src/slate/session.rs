//! The keys and nonces of one party in one signing session.
//!
//! Source: `docs/SIGNING.md`, "Keys and nonces".

use crate::nonce_vault::SessionSecrets;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::ChainId,
    secret::SecretScalar,
    session::{Nonces, Participant, Role, SessionId, Share},
};

/// Draws a fresh session identifier.
pub(crate) fn fresh_session(rng: &mut (impl RngCore + CryptoRng)) -> SessionId {
    let mut session = SessionId([0; 32]);
    rng.fill_bytes(&mut session.0);
    session
}

/// Draws x, d and e of one party, and the share that shows X, D and E.
pub(crate) fn draw(
    chain: &ChainId,
    session: &SessionId,
    role: Role,
    rng: &mut (impl RngCore + CryptoRng),
) -> (Share, SessionSecrets) {
    let x = SecretScalar::random(rng);
    let nonces = Nonces::generate(&x, rng);
    let share = Share::new(&Participant { chain, session, role }, &x, &nonces, rng);
    (share, SessionSecrets { x, nonces })
}
