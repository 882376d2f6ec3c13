//! The payer's side of a hold: opens it, checks the seller's letters, signs the ladder, the funding and the end.
//!
//! ```text
//! funding  o_s + X_fs = X_s,            o_p = r_p + (r_change − Σ r_in) − x_p
//! refund   o_s·G + X_rs = −X_s,         o_p = r_back − r_p − x_p
//! undoing  as a refund
//! claim    C_s − v·H = X_s + X_cs + o_s·G,    o_p = −r_p − x_p
//! ```
//!
//! Source: `docs/SIGNING.md`, "Holds".

use super::{
    HoldError, HoldTerms,
    letters::{Answer, Join, Offer, Part, Purpose, Release, Settlement, SignedShare, moved},
};
use crate::{
    keys::{AccountKeys, Address, Identity, derive_scalar},
    nonce_vault::SessionSecrets,
    slate::{
        Memo, Receipt, SlateError,
        funding::Funding,
        session::{self, Place, fresh_session},
    },
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::Encode,
    commitment::Commitment,
    group::{Point, Scalar},
    hash::{Hash, tagged},
    joint::{Joint, PreparedProof, ProverPart},
    kernel::{Excess, Kernel, KernelFeatures, Window},
    output::{Output, OutputFeatures},
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
    session::{Participant, Role, Session, SessionId, Share, adaptor::AdaptorSession},
    transaction::{Body, Transaction},
};
use zeroize::Zeroizing;

/// An account on a chain of which a scan has seen a tip.
#[derive(Clone, Copy)]
pub(crate) struct Party<'a> {
    pub(crate) keys: &'a AccountKeys,
    pub(crate) chain: &'a Chain,
    pub(crate) tip: Height,
}

impl Party<'_> {
    /// A secret of this account in a hold: fresh bytes, hedged by a key and by what it is for.
    pub(crate) fn secret(
        &self,
        place: &Participant<'_>,
        what: &[u8],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> SecretScalar {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let hedge = self.keys.hedge().to_bytes();
        let parts: [&[u8]; 6] =
            [&*fresh, &*hedge, place.chain.as_bytes(), &place.session.0, &[place.role as u8], what];
        derive_scalar(tag::HOLD_SECRET, &parts)
    }

    pub(crate) fn verify(&self, t: Transaction) -> Result<Verified<Transaction>, HoldError> {
        let well_formed = check_transaction(self.chain, t).map_err(SlateError::Rules)?;
        Ok(verify_transaction(self.chain, well_formed).map_err(SlateError::Rules)?)
    }
}

/// What a payer proposes.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) terms: HoldTerms,
    pub(crate) funding: KernelFeatures,
    pub(crate) seller: Address,
    pub(crate) memo: Memo,
}

impl Proposal {
    fn hash(&self, chain: &Chain) -> Hash {
        let mut bytes = chain.id().to_bytes();
        self.terms.encode(&mut bytes);
        self.funding.encode(&mut bytes);
        self.seller.encode(&mut bytes);
        self.memo.encode(&mut bytes);
        tagged(tag::HOLD_TERMS, &[&bytes])
    }
}

/// An offer with the payer's secrets: r_p, and x, d, e of each session in the order of [`Purpose::all`].
pub(crate) struct NewOffer {
    pub(crate) offer: Offer,
    pub(crate) r: SecretScalar,
    pub(crate) sessions: Vec<SessionSecrets>,
}

/// Opens a hold.
///
/// # Security
/// The secrets must be encrypted and durable before the offer leaves.
pub(crate) fn open(party: &Party<'_>, new: Proposal, rng: &mut (impl RngCore + CryptoRng)) -> NewOffer {
    let (chain, id) = (party.chain.id(), fresh_session(rng));
    let place = Participant { chain, session: &id, role: Role::Inviter };
    let terms_hash = new.hash(party.chain);
    let r = party.secret(&place, terms_hash.as_bytes(), rng);
    let part = ProverPart::new(&place, &r, rng);
    let (mut shares, mut sessions) = (vec![], vec![]);
    for purpose in Purpose::all(new.terms.rungs) {
        let session = purpose.session(&id);
        let (share, secrets) = session::draw(party.keys, &Place::inviter(chain, &session, terms_hash), rng);
        shares.push(share);
        sessions.push(secrets);
    }
    let Identity { address: payer, sign, .. } = party.keys.identity(party.chain.params().network);
    let Proposal { terms, funding, seller, memo } = new;
    let signature = part.possession;
    let offer = Offer { id, terms, funding, payer, seller, memo, part, shares, signature };
    NewOffer { offer: offer.signed(chain, &sign, rng), r, sessions }
}

/// What both parties have agreed on.
#[derive(Clone, Copy)]
pub(crate) struct Agreed<'a> {
    pub(crate) offer: &'a Offer,
    pub(crate) join: &'a Join,
}

/// The payer's secrets in one session: r_p, and x, d, e.
pub(crate) struct Own<'a> {
    pub(crate) r: &'a SecretScalar,
    pub(crate) secrets: SessionSecrets,
}

/// The joint output of an offer and the seller's consent; checks both proofs of possession.
pub(crate) fn joint(chain: &Chain, offer: &Offer, join: &Join) -> Result<Joint, HoldError> {
    Ok(Joint::new(chain, &offer.id, offer.terms.held(), &offer.part, &join.part)?)
}

/// The seller's consent, every part of which was checked.
pub(crate) struct CheckedJoin {
    pub(crate) joint: Joint,
    pub(crate) rungs: Vec<Session>,
}

/// Checks the seller's consent to an offer of this wallet.
pub(crate) fn check_join(chain: &Chain, offer: &Offer, join: &Join) -> Result<CheckedJoin, HoldError> {
    let n = usize::from(offer.terms.rungs);
    if join.id != offer.id || join.offer != offer.hash(chain.id()) || join.rungs.len() != n {
        return Err(HoldError::Altered(Role::Responder));
    }
    let joint = joint(chain, offer, join)?;
    checked(chain, offer, (Purpose::Funding, &offer.funding), &join.funding)?;
    if moved(&join.funding.share.key, &join.funding.offset) != join.part.key {
        return Err(HoldError::Offset(Role::Responder));
    }
    let rung = |(i, signed): (u8, &SignedShare)| {
        let features = offer.terms.rung(chain, i);
        let session = checked(chain, offer, (Purpose::Refund(i), &features), signed)?;
        check_return(join, signed)?;
        Ok(session)
    };
    let rungs = (0..offer.terms.rungs).zip(&join.rungs).map(rung).collect::<Result<_, HoldError>>()?;
    Ok(CheckedJoin { joint, rungs })
}

/// A session with the seller's share, whose partial signature holds.
fn checked(
    chain: &Chain,
    offer: &Offer,
    of: (Purpose, &KernelFeatures),
    signed: &SignedShare,
) -> Result<Session, HoldError> {
    let session = offer.session(chain.id(), of, signed.share)?;
    session.check_partial(Role::Responder, &signed.partial)?;
    Ok(session)
}

/// Checks that the seller's share of an offset gives r_s back: `o_s·G + X = −X_s`.
fn check_return(join: &Join, signed: &SignedShare) -> Result<(), HoldError> {
    let rest = moved(&signed.share.key, &signed.offset).plus(&join.part.key);
    if rest.point().is_identity() { Ok(()) } else { Err(HoldError::Offset(Role::Responder)) }
}

/// A signed refund, without the output that all refunds share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) offset: Scalar,
    pub(crate) kernel: Kernel,
}

/// A transaction that spends the joint output to one output.
pub(crate) fn spend(joint: &Commitment, to: Output, offset: Scalar, kernel: Kernel) -> Transaction {
    Transaction { offset, body: Body::sorted(vec![*joint], vec![to], vec![kernel]) }
}

/// An output of the payer that money returns to, with its blinding factor.
pub(crate) struct Back {
    pub(crate) output: Output,
    pub(crate) blinding: SecretScalar,
}

/// A session, with the seller's part of it.
#[derive(Clone, Copy)]
pub(crate) struct SignedSession<'a> {
    pub(crate) session: &'a Session,
    pub(crate) signed: &'a SignedShare,
}

/// Completes the seller's half of a transaction that returns the money.
pub(crate) fn take_back(
    features: KernelFeatures,
    SignedSession { session, signed }: SignedSession<'_>,
    back: &Back,
    Own { r, secrets }: Own<'_>,
) -> Result<Rung, HoldError> {
    let offset = signed.offset + back.blinding.sub(r).sub(&secrets.x).reveal();
    let partial = session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
    let signature = session.combine(&partial, &signed.partial)?;
    Ok(Rung { offset, kernel: kernel(features, session.key(), signature) })
}

pub(crate) fn kernel(features: KernelFeatures, key: &PublicKey, signature: Signature) -> Kernel {
    Kernel { features, excess: Excess::from_point(*key.point()), signature }
}

/// Signs all refunds, and verifies each against the consensus rules.
pub(crate) fn ladder(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    checked: &CheckedJoin,
    back: &Back,
    own: Vec<Own<'_>>,
) -> Result<Vec<Rung>, HoldError> {
    let mut rungs = vec![];
    let sessions = checked.rungs.iter().zip(&join.rungs);
    for ((i, (session, signed)), own) in (0..).zip(sessions).zip(own) {
        let features = offer.terms.rung(party.chain, i);
        let rung = take_back(features, SignedSession { session, signed }, back, own)?;
        let t = spend(checked.joint.commitment(), back.output.clone(), rung.offset, rung.kernel.clone());
        party.verify(t)?;
        rungs.push(rung);
    }
    Ok(rungs)
}

/// Finishes the joint output, and signs and verifies the funding.
pub(crate) fn fund(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    (output, funding): (Output, Funding),
    Own { r, secrets }: Own<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Verified<Transaction>, HoldError> {
    let session = offer.session(party.chain.id(), (Purpose::Funding, &offer.funding), join.funding.share)?;
    let funded = funding.fund(party.keys, party.chain, rng)?;
    let own = funded.offset(&secrets.x).add(r).reveal();
    let partial = session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
    let signature = session.combine(&partial, &join.funding.partial)?;
    let mut body = Body { kernels: vec![kernel(offer.funding, session.key(), signature)], ..Body::default() };
    funded.bond(party.keys, party.chain, &mut body, rng);
    body.inputs = funded.inputs;
    body.one_sided_inputs = funded.one_sided_inputs;
    body.outputs.push(output);
    body.outputs.extend(funded.outputs);
    party.verify(Transaction { offset: join.funding.offset + own, body: body.in_order() })
}

/// Checks the letter that an answer follows, and finishes the joint output with it.
pub(crate) fn finish(
    joint: &Joint,
    (prove, prepared): (&Hash, &PreparedProof),
    part: &Part,
) -> Result<Output, HoldError> {
    if part.prove != *prove {
        return Err(HoldError::Altered(Role::Responder));
    }
    Ok(joint.finish(prepared, &part.answer)?)
}

/// Whether a kernel that lasts to this height can be in the next block, and in those of almost a whole window.
pub(crate) fn is_fresh(chain: &Chain, not_after: Height, next: Height) -> bool {
    let p = chain.params();
    let window = Window { not_before: not_after.minus(p.window_width), not_after };
    window.contains(next) && not_after.plus(p.window_grid) >= chain.standard_expiry(next)
}

/// Checks the seller's consent to undo the hold. The payer signs one undoing: one that could miss its window is none.
pub(crate) fn check_undo(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    answer: &Answer,
) -> Result<Session, HoldError> {
    let KernelFeatures::Plain { fee, not_after } = answer.features else { return Err(HoldError::Kernel) };
    let grid = party.chain.params().window_grid;
    let fresh = is_fresh(party.chain, not_after, party.tip.next());
    if fee != offer.terms.claim_fee || !not_after.get().is_multiple_of(grid) || !fresh {
        return Err(HoldError::Kernel);
    }
    let session = checked(party.chain, offer, (Purpose::Undo, &answer.features), &answer.signed)?;
    check_return(join, &answer.signed)?;
    Ok(session)
}

/// The receipt of a claim.
pub(crate) fn receipt(offer: &Offer, answer: &Answer, output: &Commitment) -> Receipt {
    Receipt {
        session: Purpose::Claim.session(&offer.id),
        amount: offer.terms.amount,
        features: answer.features,
        key: answer.signed.share.key,
        commitment: *output,
        sender: Some(offer.payer.sign()),
        memo: offer.memo.hash(),
    }
}

/// Checks the seller's claim: all that [`release`] relies on but the partial signature.
pub(crate) fn check_claim(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    answer: &Answer,
) -> Result<(), HoldError> {
    let (Settlement::Claim { output, receipt: signature, .. }, chain) = (&answer.settlement, party.chain)
    else {
        return Err(HoldError::Kernel);
    };
    let KernelFeatures::Plain { fee, not_after } = answer.features else { return Err(HoldError::Kernel) };
    if fee != offer.terms.claim_fee || !offer.terms.allows_claim(chain, not_after) {
        return Err(HoldError::Kernel);
    }
    let SignedShare { share, offset, .. } = &answer.signed;
    let bare = output.features == OutputFeatures::Plain && output.extra.as_bytes().is_empty();
    let x = share.key.plus(&join.part.key);
    if !bare || !output.commitment.is_split(offer.terms.amount, &x, offset) {
        return Err(HoldError::Output);
    }
    let statement = receipt(offer, answer, &output.commitment).message(chain.id());
    if !signature.verifies(&offer.seller.sign(), &statement) {
        return Err(HoldError::Receipt);
    }
    if !output.proof_holds(chain) {
        return Err(HoldError::Proof);
    }
    let session = ClaimSession::answered(chain, offer, answer)?;
    session.check_partial(Role::Responder, &answer.signed.partial)
}

/// The session of a claim, with or without a lock: what both parties sign, and what comes of it.
pub(crate) enum ClaimSession {
    Plain(Session),
    Locked(AdaptorSession),
}

impl ClaimSession {
    pub(crate) fn of(
        chain: &ChainId,
        offer: &Offer,
        (purpose, features, lock): (Purpose, &KernelFeatures, Option<&Point>),
        share: Share,
    ) -> Result<Self, HoldError> {
        let session = offer.session(chain, (purpose, features), share)?;
        Ok(match lock {
            None => Self::Plain(session),
            Some(t) => Self::Locked(session.with_adaptor(t)?),
        })
    }

    /// That of an answer.
    pub(crate) fn answered(chain: &Chain, offer: &Offer, answer: &Answer) -> Result<Self, HoldError> {
        let lock = match &answer.settlement {
            Settlement::Claim { lock, .. } => lock.as_ref(),
            Settlement::Undo => None,
        };
        Self::of(chain.id(), offer, (Purpose::Claim, &answer.features, lock), answer.signed.share)
    }

    pub(crate) const fn key(&self) -> &PublicKey {
        match self {
            Self::Plain(s) => s.key(),
            Self::Locked(s) => s.key(),
        }
    }

    pub(crate) fn sign(&self, role: Role, secrets: SessionSecrets) -> Result<Scalar, HoldError> {
        let SessionSecrets { x, nonces } = secrets;
        Ok(match self {
            Self::Plain(s) => s.sign(role, &x, nonces)?,
            Self::Locked(s) => s.sign(role, &x, nonces)?,
        })
    }

    pub(crate) fn check_partial(&self, role: Role, z: &Scalar) -> Result<(), HoldError> {
        let checked = match self {
            Self::Plain(s) => s.check_partial(role, z),
            Self::Locked(s) => s.check_partial(role, z),
        };
        Ok(checked?)
    }
}

/// Signs the payer's half of a claim that was checked. It leaves only after the register has closed the claim.
pub(crate) fn release(
    chain: &Chain,
    offer: &Offer,
    answer: &Answer,
    Own { r, secrets }: Own<'_>,
) -> Result<Release, HoldError> {
    let session = ClaimSession::answered(chain, offer, answer)?;
    let offset = SecretScalar::zero().sub(r).sub(&secrets.x).reveal();
    let partial = session.sign(Role::Inviter, secrets)?;
    Ok(Release { id: offer.id, answer: answer.hash(), offset, partial })
}

/// What the encrypted secrets of a session are bound to.
pub(crate) fn sealed_for(chain: &Chain, offer: &Offer, purpose: Purpose) -> Hash {
    let SessionId(session) = purpose.session(&offer.id);
    tagged(tag::HOLD_SEALED, &[offer.hash(chain.id()).as_bytes(), &session])
}
