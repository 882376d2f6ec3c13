//! A transaction of one party with itself: what a slate makes with two parties, made by one that has all keys.
//!
//! ```text
//! E = x·G,   offset = r_out − Σ r_in − x,   signed with x alone
//! ```
//!
//! Two uses. A **consolidation** makes one output of several, which links them for ever. A **self-spend** moves one input of
//! a payment that cannot be cancelled any more back to this wallet: a chain that has it never takes the payment.

use crate::{
    keys::AccountKeys,
    slate::{
        SlateError,
        finalize::{Funding, change, offset_share},
    },
};
use mw::{
    kernel::{Excess, Kernel, KernelFeatures},
    rules::{Verified, check_transaction, params::Chain, verify_transaction},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    transaction::{Body, Transaction},
};
use rand_core::{CryptoRng, RngCore};

/// Spends `funding`'s inputs to its change output, and returns the transaction with its kernel's excess.
///
/// # Errors
/// [`SlateError::Prove`] or [`SlateError::Rules`] when it does not stand its own checks: nothing leaves then.
pub(crate) fn transaction(
    keys: &AccountKeys,
    chain: &Chain,
    (funding, features): (&Funding, KernelFeatures),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Verified<Transaction>, Excess), SlateError> {
    let x = SecretScalar::random(rng);
    let excess = Excess::from_point(*PublicKey::of(&x).point());
    let signature = sign(&x, &features.message(chain.id()), rng);
    let inputs = funding.inputs.iter().map(|(p, o)| keys.commitment(*p, o)).collect();
    let outputs = change(keys, chain, funding)?.into_iter().collect();
    let body = Body::sorted(inputs, outputs, vec![Kernel { features, excess, signature }]);
    let transaction = Transaction { offset: offset_share(keys, funding, &x), body };
    Ok((verify_transaction(chain, check_transaction(chain, transaction)?)?, excess))
}
