//! Third step, by the sender: check the responses, sign, combine, join, and hold the result against the rules.
//!
//! `Answered` is an invite with a response that was checked; only such ones are joined to a transaction. What is checked (SPEC
//! "Signing a payment", 3 and 5, and "Proof of payment"):
//!
//! ```text
//! shares      possession of X_r, no identities, X_r ≠ X_s, nothing cancels
//! partial     z_r·G = D_r + ρ_r·E_r + c·X_r
//! output      C_r − v·H = X_r + o_r·G, plain, without extra data, with its range proof
//! receipt     the address that was invited signed the proof of payment
//! ```
//!
//! Each answer brings a kernel and an output. The payer adds inputs, change, and a kernel of his own where the others' fees do not
//! suffice; a transaction with oneself is that kernel alone. His share of the offset covers all his keys at once:
//! o_s = Σ r_out − Σ r_in − Σ x_s.

use super::{Invite, Response, SlateError, respond::not_expired, seal::Secrets};
use crate::{
    keys::{AccountKeys, Purpose},
    state::Signed,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::Scalar,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputFeatures},
    range_proof::Opening,
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    session::{Role, Session},
    transaction::{Body, Transaction},
};

/// What the sender spends, and what comes back.
#[derive(Clone, Debug)]
pub(crate) struct Funding {
    /// The outputs to spend.
    pub(crate) inputs: Vec<(Purpose, Opening)>,
    /// The change, if there is any.
    pub(crate) change: Option<Opening>,
}

/// An invite with a response to it that was checked.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    invite: &'a Invite,
    response: &'a Response,
    session: Session,
}

impl<'a> Answered<'a> {
    /// Checks a response against the invite that was made here.
    pub(crate) fn check(
        chain: &Chain,
        tip: Height,
        invite: &'a Invite,
        response: &'a Response,
    ) -> Result<Self, SlateError> {
        let id = chain.id();
        if response.session != invite.session {
            return Err(SlateError::UnknownSession);
        }
        if response.invite != invite.hash(id) {
            return Err(SlateError::InviteAltered);
        }
        not_expired(tip, invite.not_after())?;
        let known = invite.recipient.is_none_or(|r| r == response.receiver);
        if !known || response.receiver.network() != chain.params().network {
            return Err(SlateError::ResponderAddress);
        }
        let session = invite.session(id, response.share)?;
        session.check_partial(Role::Responder, &response.partial)?;
        let (c, x) = (&response.output.commitment, &response.share.key);
        if !is_agreed(invite.amount, &response.output, x, &response.offset) {
            return Err(SlateError::ResponderOutput);
        }
        if !response.receipt.verifies(response.receiver.sign(), &invite.receipt(x, c).message(id)) {
            return Err(SlateError::ResponderReceipt);
        }
        if !response.output.proof_holds(id) {
            return Err(SlateError::ResponderProof);
        }
        Ok(Self { invite, response, session })
    }

    /// The excess of the payment's kernel.
    fn excess(&self) -> Excess {
        Excess::from_point(*self.session.key().point())
    }

    /// What is kept of it.
    pub(crate) fn signed(&self) -> Signed {
        Signed { invite: self.invite.clone(), response: self.response.clone(), excess: self.excess() }
    }

    /// The signed kernel; consumes the nonces.
    fn sign(&self, secrets: Secrets) -> Result<Kernel, SlateError> {
        let partial = self.session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
        let signature = self.session.combine(&partial, &self.response.partial)?;
        Ok(Kernel { features: self.invite.features, excess: self.excess(), signature })
    }
}

/// A kernel that the payer signs alone, and its key.
pub(crate) struct Own {
    x: SecretScalar,
    kernel: Kernel,
}

impl Own {
    pub(crate) fn new(chain: &Chain, features: KernelFeatures, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let x = SecretScalar::random(rng);
        let signature = sign(&x, &features.message(chain.id()), rng);
        let excess = Excess::from_point(*PublicKey::of(&x).point());
        Self { x, kernel: Kernel { features, excess, signature } }
    }

    pub(crate) const fn excess(&self) -> Excess {
        self.kernel.excess
    }
}

/// Signs what was answered and builds the transaction, with a kernel of the payer alone if one is given.
pub(crate) fn join(
    keys: &AccountKeys,
    chain: &Chain,
    answered: Vec<(Answered<'_>, Secrets)>,
    (funding, own): (&Funding, Option<Own>),
) -> Result<Verified<Transaction>, SlateError> {
    let (mut x, mut offset, mut kernels) = (SecretScalar::zero(), Scalar::ZERO, vec![]);
    let mut outputs: Vec<Output> = change(keys, chain, funding)?.into_iter().collect();
    for (answer, secrets) in answered {
        x = x.add(&secrets.x);
        offset += answer.response.offset;
        outputs.push(answer.response.output.clone());
        kernels.push(answer.sign(secrets)?);
    }
    if let Some(own) = own {
        x = x.add(&own.x);
        kernels.push(own.kernel);
    }
    let inputs = funding.inputs.iter().map(|(p, o)| keys.commitment(*p, o)).collect();
    let offset = offset + offset_share(keys, funding, &x);
    let transaction = Transaction { offset, body: Body::sorted(inputs, outputs, kernels) };
    Ok(verify_transaction(chain, check_transaction(chain, transaction)?)?)
}

/// Whether a receiver's output is plain, without extra data, and of this amount under its key and offset:
/// `C_r − v·H = X_r + o_r·G`.
pub(super) fn is_agreed(amount: Amount, output: &Output, x: &PublicKey, offset: &Scalar) -> bool {
    let bare = output.features == OutputFeatures::Plain && output.extra.as_bytes().is_empty();
    bare && output.commitment.is_split(amount, x, offset)
}

/// What comes back to the payer.
pub(crate) fn change(
    keys: &AccountKeys,
    chain: &Chain,
    funding: &Funding,
) -> Result<Option<Output>, SlateError> {
    let make = |o: &Opening| keys.output(chain.id(), OutputFeatures::Plain, Purpose::Change, o);
    Ok(funding.change.as_ref().map(make).transpose()?)
}

/// `o_s = Σ r_out − Σ r_in − x_s`, x_s being the sum of the payer's keys.
pub(crate) fn offset_share(keys: &AccountKeys, funding: &Funding, x: &SecretScalar) -> Scalar {
    let out = funding
        .change
        .iter()
        .fold(SecretScalar::zero(), |sum, o| sum.add(&keys.blinding(Purpose::Change, o)));
    let rest = funding.inputs.iter().fold(out, |sum, (p, o)| sum.sub(&keys.blinding(*p, o)));
    rest.sub(x).reveal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{Account, Root, Words},
        slate::{
            Memo,
            invite::{Terms, invite},
            respond::respond,
        },
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_mw::chain::{INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT, Params};

    /// The slate's three steps make the transaction that one party with all keys would make, up to the nonces, the split
    /// of the excess, and the offset.
    #[test]
    fn three_steps_equal_one() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let chain = Chain::new(Params::solo(PublicKey::of(&SecretScalar::random(&mut rng)), 0)).unwrap();
        let mut keys = || Root::new(&Words::generate(&mut rng).unwrap()).account(Account(0));
        let (a, b) = (keys(), keys());
        let opening = |units, index| Opening { amount: Amount::new(units), index: [index; 12] };
        let fee = chain.least_fee(2 * INPUT_WEIGHT + 2 * OUTPUT_WEIGHT + KERNEL_WEIGHT).unwrap();
        let funding = Funding {
            inputs: vec![(Purpose::Received, opening(600_000, 1)), (Purpose::Change, opening(500_000, 2))],
            change: Some(opening(100_000 - fee.units(), 3)),
        };
        let features = KernelFeatures::Plain { fee, not_after: Height::new(60) };
        let terms =
            Terms { amount: Amount::new(1_000_000), features, recipient: None, memo: Memo::default() };
        let tip = Height::new(1);
        let (invite, secrets) = invite(&a, &chain, terms, &mut rng);
        let answer = respond(&b, &chain, tip, &invite, &mut rng).unwrap();
        let answered = Answered::check(&chain, tip, &invite, &answer.response).unwrap();
        assert_eq!(answered.excess(), answer.excess);
        let slate = join(&a, &chain, vec![(answered, secrets)], (&funding, None)).unwrap();

        let x = SecretScalar::random(&mut rng);
        let theirs = b.output(chain.id(), OutputFeatures::Plain, Purpose::Received, &answer.opening).unwrap();
        let r = b.blinding(Purpose::Received, &answer.opening);
        let offset = offset_share(&a, &funding, &x) + r.reveal();
        let excess = Excess::from_point(*PublicKey::of(&x).point());
        let kernel =
            Kernel { features, excess, signature: sign(&x, &features.message(chain.id()), &mut rng) };
        let inputs = funding.inputs.iter().map(|(p, o)| a.commitment(*p, o)).collect();
        let outputs = vec![change(&a, &chain, &funding).unwrap().unwrap(), theirs];
        let single = Transaction { offset, body: Body::sorted(inputs, outputs, vec![kernel]) };
        let single = verify_transaction(&chain, check_transaction(&chain, single).unwrap()).unwrap();

        let (slate, single) = (slate.get(), single.get());
        assert_eq!(slate.body.inputs, single.body.inputs);
        assert_eq!(slate.body.outputs, single.body.outputs);
        assert_eq!(slate.body.kernels[0].features, single.body.kernels[0].features);
        // Same sums on one side of the balance, so the same E + offset·G on the other: both were verified.
        assert_ne!(slate.body.kernels[0].excess, single.body.kernels[0].excess);
        assert_ne!(slate.offset, single.offset);
    }
}
