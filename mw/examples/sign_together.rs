//! Two parties sign one kernel: each holds half of the key, and neither learns the other half.
//!
//! ```text
//! inviter                                   responder
//!    share (X₁, D₁, E₁, proof)  ─────────▶
//!                               ◀─────────  share (X₂, D₂, E₂, proof), z₂
//!    z₁ + z₂ = z
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use rand_core::OsRng;
use sotto_mw::{
    Amount, Chain, Height, KernelFeatures, Params, PublicKey, SecretScalar,
    session::{Nonces, Participant, Role, Session, SessionId, Share, Shares},
};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let operator = PublicKey::of(&SecretScalar::random(&mut OsRng));
    let chain = Chain::new(Params::solo(operator, 0))?;
    let features = KernelFeatures::Plain { fee: Amount::new(60_000), not_after: Height::new(1_440) };
    let id = SessionId([9; 32]);

    // Each party draws a key and a pair of nonces, and shows the public part with a proof that it knows the
    // key.
    let party = |role| {
        let x = SecretScalar::random(&mut OsRng);
        let nonces = Nonces::generate(&x, &id.0, &mut OsRng);
        let participant = Participant { chain: chain.id(), session: &id, role };
        let share = Share::new(&participant, &x, &nonces, &mut OsRng);
        (x, nonces, share)
    };
    let (x1, nonces1, inviter) = party(Role::Inviter);
    let (x2, nonces2, responder) = party(Role::Responder);

    // Both derive the same session, and each answers once: `sign` consumes the nonces.
    let message = features.message(chain.id());
    let session = Session::new(chain.id(), &id, message.clone(), Shares { inviter, responder })?;
    let z1 = session.sign(Role::Inviter, &x1, nonces1)?;
    let z2 = session.sign(Role::Responder, &x2, nonces2)?;
    let signature = session.combine(&z1, &z2)?;

    assert!(signature.verifies(session.key(), &message));
    println!("signed under the excess {}", session.key());
    Ok(())
}
