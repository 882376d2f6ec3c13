//! Third step, by the payer: check the responses, sign, combine, join, and verify the result.
//!
//! [`CheckedResponse`] is an invite with a response that was checked; only checked responses are joined to a
//! transaction. What is checked (`docs/SIGNING.md`, "Slates" and "Proofs of payment"):
//!
//! ```text
//! shares      possession of X_r, no identities, X_r ≠ X_s, nothing cancels
//! partial     z_r·G = D_r + ρ_r·E_r + c·X_r
//! output      C_r − v·H = X_r + o_r·G, plain, without extra data, with its range proof
//! receipt     the address that was invited signed it
//! ```
//!
//! Each response contributes a kernel and an output. The payer adds the inputs, the change, and a kernel of
//! its own if the fees of the others do not suffice ("Several recipients"). A self-transfer consists of that
//! kernel alone. The payer's share of the offset covers all its keys at once: o_s = Σ r_out − Σ r_in − Σ x_s.
//! What is one-sided hangs on one bond (`funding`).

use super::{Invite, Response, SlateError, funding::Funding, respond::not_expired};
use crate::{
    keys::{AccountKeys, NewOneSided},
    nonce_vault::SessionSecrets,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::Scalar,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputFeatures},
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    session::{Role, Session},
    transaction::{Body, Transaction},
};

/// An invite of this wallet with a response to it, which was checked.
#[derive(Debug)]
pub(crate) struct CheckedResponse<'a> {
    invite: &'a Invite,
    response: &'a Response,
    session: Session,
}

impl<'a> CheckedResponse<'a> {
    /// Checks a response against the invite that this wallet made.
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
        if !response.receipt.verifies(&response.receiver.sign(), &invite.receipt(x, c).message(id)) {
            return Err(SlateError::ResponderReceipt);
        }
        if !response.output.proof_holds(chain) {
            return Err(SlateError::ResponderProof);
        }
        Ok(Self { invite, response, session })
    }

    /// The invite.
    pub(crate) const fn invite(&self) -> &'a Invite {
        self.invite
    }

    /// The response.
    pub(crate) const fn response(&self) -> &'a Response {
        self.response
    }

    /// The excess of the kernel.
    pub(crate) fn excess(&self) -> Excess {
        Excess::from_point(*self.session.key().point())
    }

    /// The signed kernel; consumes the nonces.
    fn sign(&self, secrets: SessionSecrets) -> Result<Kernel, SlateError> {
        let partial = self.session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
        let signature = self.session.combine(&partial, &self.response.partial)?;
        Ok(Kernel { features: self.invite.features, excess: self.excess(), signature })
    }
}

/// A kernel that the payer signs alone, with its key.
pub(crate) struct PayerKernel {
    x: SecretScalar,
    kernel: Kernel,
}

impl PayerKernel {
    pub(crate) fn new(chain: &Chain, features: KernelFeatures, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let x = SecretScalar::random(rng);
        let signature = sign(&x, &features.message(chain.id()), rng);
        let excess = Excess::from_point(*PublicKey::of(&x).point());
        Self { x, kernel: Kernel { features, excess, signature } }
    }

    pub(crate) const fn excess(&self) -> Excess {
        self.kernel.excess
    }

    pub(crate) const fn secret(&self) -> &SecretScalar {
        &self.x
    }

    pub(crate) fn into_kernel(self) -> Kernel {
        self.kernel
    }
}

/// Everything that a transaction of this wallet is joined from.
pub(crate) struct Parts<'a> {
    /// The responses, with the secrets of their sessions.
    pub(crate) answered: Vec<(CheckedResponse<'a>, SessionSecrets)>,
    /// The one-sided payments.
    pub(crate) direct: Vec<NewOneSided>,
    /// The inputs and the change.
    pub(crate) funding: Funding,
    /// The kernels of the payer alone.
    pub(crate) own: Vec<PayerKernel>,
}

/// Signs all kernels and builds the transaction.
pub(crate) fn join(
    keys: &AccountKeys,
    chain: &Chain,
    parts: Parts<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Verified<Transaction>, SlateError> {
    let Parts { answered, direct, funding, own } = parts;
    let mut funded = funding.fund(keys, chain, rng)?;
    direct.into_iter().for_each(|new| funded.add(new));
    let (mut x, mut offset) = (SecretScalar::zero(), Scalar::ZERO);
    let mut body = Body::default();
    for (answer, secrets) in answered {
        x = x.add(&secrets.x);
        offset += answer.response.offset;
        body.outputs.push(answer.response.output.clone());
        body.kernels.push(answer.sign(secrets)?);
    }
    for own in own {
        x = x.add(&own.x);
        body.kernels.push(own.kernel);
    }
    funded.bond(keys, chain, &mut body, rng);
    let offset = offset + funded.offset(&x).reveal();
    body.inputs = funded.inputs;
    body.one_sided_inputs = funded.one_sided_inputs;
    body.outputs.extend(funded.outputs);
    let transaction = Transaction { offset, body: body.in_order() };
    Ok(verify_transaction(chain, check_transaction(chain, transaction)?)?)
}

/// Whether the receiver's output is plain, has no extra data, and commits to this amount under the receiver's
/// key and offset: `C_r − v·H = X_r + o_r·G`.
pub(crate) fn is_agreed(amount: Amount, output: &Output, x: &PublicKey, offset: &Scalar) -> bool {
    let bare = output.features == OutputFeatures::Plain && output.extra.as_bytes().is_empty();
    bare && output.commitment.is_split(amount, x, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{Account, Purpose, Root, Words},
        slate::{
            Memo,
            invite::{InviteTerms, invite},
            messages::SignedByPayer as _,
            respond::respond,
        },
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_mw::{
        chain::{INPUT_WEIGHT, KERNEL_WEIGHT, Network, OUTPUT_WEIGHT, Params},
        group::Point,
        range_proof::Opening,
        session::SessionError,
    };

    /// A receiver that answers another invite than the payer made, in good faith or not: the payer detects
    /// it, even if the hash was adjusted and the other invite bears its own signature.
    #[test]
    fn an_answer_to_another_invite_is_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let chain = Chain::new(Params::solo(PublicKey::of(&SecretScalar::random(&mut rng)), 0)).unwrap();
        let mut keys = || Root::new(&Words::generate(&mut rng).unwrap()).account(Account(0));
        let (a, b, stranger) = (keys(), keys(), keys());
        let (tip, not_after) = (Height::new(1), Height::new(120));
        let plain = |fee, not_after| KernelFeatures::Plain { fee: Amount::new(fee), not_after };
        let fee = chain.least_fee(OUTPUT_WEIGHT + KERNEL_WEIGHT).unwrap().units() + 1;
        let (amount, recipient) = (Amount::new(1_000), Some(b.identity(chain.params().network).address));
        let features = plain(fee, not_after);
        let terms = InviteTerms { amount, features, recipient, memo: Memo::default() };
        let (good, _) = invite(&a, &chain, terms, &mut rng);
        type Alter<'a> = &'a dyn Fn(&mut Invite);
        let partial = SlateError::Session(SessionError::Partial { role: Role::Responder });
        let cases: [(Alter<'_>, SlateError); 7] = [
            (&|i| i.amount = Amount::new(999), SlateError::ResponderOutput),
            (&|i| i.features = plain(fee - 1, not_after), partial.clone()),
            (&|i| i.features = plain(fee, not_after.minus(60)), partial.clone()),
            (&|i| i.share.hiding = Point::h(), partial.clone()),
            (&|i| i.share.binding = Point::h(), partial),
            (&|i| i.sender = stranger.identity(chain.params().network).address, SlateError::ResponderReceipt),
            (&|i| i.memo = Memo::new("for the cellar".into()).unwrap(), SlateError::ResponderReceipt),
        ];
        for (n, (alter, reason)) in cases.into_iter().enumerate() {
            let mut other = good.clone();
            alter(&mut other);
            let signer = if other.sender == good.sender { &a } else { &stranger };
            let other = other.signed(chain.id(), &signer.identity(Network::Solo).sign, &mut rng);
            let response = respond(&b, &chain, tip, &other, &mut rng).unwrap().response;
            let check = |r: &Response| CheckedResponse::check(&chain, tip, &good, r).map(|_| ()).unwrap_err();
            assert_eq!(check(&response), SlateError::InviteAltered, "{n}");
            assert_eq!(check(&Response { invite: good.hash(chain.id()), ..response }), reason, "{n}");
        }
    }

    /// The three steps of a slate give the transaction that one party with all keys would build, except for
    /// the nonces, the split of the excess, and the offset.
    #[test]
    fn three_steps_equal_one() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let chain = Chain::new(Params::solo(PublicKey::of(&SecretScalar::random(&mut rng)), 0)).unwrap();
        let mut keys = || Root::new(&Words::generate(&mut rng).unwrap()).account(Account(0));
        let (a, b) = (keys(), keys());
        let opening = |units, index| Opening { amount: Amount::new(units), index: [index; 12] };
        let fee = chain.least_fee(2 * INPUT_WEIGHT + 2 * OUTPUT_WEIGHT + KERNEL_WEIGHT).unwrap();
        let funding = Funding {
            inputs: vec![
                a.plain(Purpose::Received, opening(600_000, 1)).secret,
                a.plain(Purpose::Change, opening(500_000, 2)).secret,
            ],
            change: Some(a.plain(Purpose::Change, opening(100_000 - fee.units(), 3)).secret),
        };
        let features = KernelFeatures::Plain { fee, not_after: Height::new(60) };
        let terms =
            InviteTerms { amount: Amount::new(1_000_000), features, recipient: None, memo: Memo::default() };
        let tip = Height::new(1);
        let (invite, secrets) = invite(&a, &chain, terms, &mut rng);
        let answer = respond(&b, &chain, tip, &invite, &mut rng).unwrap();
        let answered = CheckedResponse::check(&chain, tip, &invite, &answer.response).unwrap();
        assert_eq!(answered.excess(), answer.excess);
        let (answered, direct) = (vec![(answered, secrets)], vec![]);
        let parts = Parts { answered, direct, funding: funding.clone(), own: vec![] };
        let slate = join(&a, &chain, parts, &mut rng).unwrap();

        let x = SecretScalar::random(&mut rng);
        let theirs = b.output(chain.id(), Purpose::Received, &answer.opening).unwrap();
        let r = b.blinding(Purpose::Received, &answer.opening);
        let funded = funding.fund(&a, &chain, &mut rng).unwrap();
        let offset = funded.offset(&x).reveal() + r.reveal();
        let excess = Excess::from_point(*PublicKey::of(&x).point());
        let kernel =
            Kernel { features, excess, signature: sign(&x, &features.message(chain.id()), &mut rng) };
        let outputs = [funded.outputs, vec![theirs]].concat();
        let single = Transaction { offset, body: Body::sorted(funded.inputs, outputs, vec![kernel]) };
        let single = verify_transaction(&chain, check_transaction(&chain, single).unwrap()).unwrap();

        let (slate, single) = (slate.get(), single.get());
        assert_eq!(slate.body.inputs, single.body.inputs);
        assert_eq!(slate.body.outputs, single.body.outputs);
        assert_eq!(slate.body.kernels[0].features, single.body.kernels[0].features);
        // The inputs and outputs are equal, so E + offset·G is equal too: both transactions were verified.
        assert_ne!(slate.body.kernels[0].excess, single.body.kernels[0].excess);
        assert_ne!(slate.offset, single.offset);
    }
}
