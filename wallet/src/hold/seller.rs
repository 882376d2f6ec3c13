//! The seller's side of a hold: joins it, answers the proof once, claims or undoes it.
//!
//! ```text
//! funding  o_s = r_s − x_s          refund, undoing  o_s = −r_s − x_s          claim  o_s = r_out − r_s − x_s
//! the payer's half of a claim:  o_p·G + X_cp = −X_p
//! ```
//!
//! Its nonces live in one call. τ1s and τ2s are encrypted to the installation until they have answered.
//! Source: `docs/SIGNING.md`, "Holds".

use super::{
    HoldError, HoldTerms,
    letters::{Answer, Join, Offer, Part, Prove, Purpose, Release, Settlement, SignedShare, moved},
    payer::{Agreed, ClaimSession, Party, joint, kernel, receipt, spend},
};
use crate::{
    keys::{Purpose as OutputPurpose, fresh_index},
    nonce_vault::SessionSecrets,
    slate::{
        SlateError,
        respond::check_kernel,
        session::{self, Place},
    },
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::Encode,
    group::Point,
    hash::{Hash, tagged},
    joint::{CoOwner, Joint},
    kernel::KernelFeatures,
    range_proof::Opening,
    schnorr::{Signature, sign},
    secret::SecretScalar,
    session::{Nonces, Participant, Role, Share},
    transaction::Transaction,
};

/// The seller's consent, with its secrets until it answers the proof: r_s, and τ1s, τ2s in place of d and e.
pub(crate) struct NewJoin {
    pub(crate) join: Join,
    pub(crate) secrets: SessionSecrets,
}

/// Checks an offer: everything but the payer's shares, which the sessions check.
pub(crate) fn check_offer(party: &Party<'_>, offer: &Offer) -> Result<(), HoldError> {
    let (chain, network) = (party.chain, party.chain.params().network);
    if offer.payer.network() != network {
        return Err(SlateError::InviterNetwork.into());
    }
    if party.keys.identity_of(&offer.seller).is_none() {
        return Err(SlateError::NotForUs.into());
    }
    check_kernel(chain, party.tip, offer.terms.held(), &offer.funding)?;
    offer.terms.check(chain, offer.funding.window(0).not_after)?;
    if offer.is_signed(chain.id()) { Ok(()) } else { Err(HoldError::PayerSignature) }
}

/// Joins a hold: signs the funding and all refunds.
pub(crate) fn join(
    party: &Party<'_>,
    offer: &Offer,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<NewJoin, HoldError> {
    check_offer(party, offer)?;
    let (chain, hash) = (party.chain.id(), offer.hash(party.chain.id()));
    let place = Participant { chain, session: &offer.id, role: Role::Responder };
    let [r, tau1, tau2] = [0, 1, 2].map(|i| party.secret(&place, &[hash.as_bytes(), &[i][..]].concat(), rng));
    let auditors = party.chain.params().auditors.as_ref().map(|a| &a.key);
    let part = CoOwner::from_secrets(r.clone(), [tau1.clone(), tau2.clone()]).part(&place, auditors, rng);
    let mut signed = |purpose, features: KernelFeatures, blinding: &SecretScalar| {
        let session = purpose_session(party, offer, (purpose, &features, None), rng)?;
        session.sign(blinding)
    };
    let funding = signed(Purpose::Funding, offer.funding, &r)?;
    let back = SecretScalar::zero().sub(&r);
    let rungs = (0..offer.terms.rungs)
        .map(|i| signed(Purpose::Refund(i), offer.terms.rung(party.chain, i), &back))
        .collect::<Result<_, _>>()?;
    let join = Join { id: offer.id, offer: hash, part, funding, rungs };
    joint(party.chain, offer, &join)?;
    Ok(NewJoin { join, secrets: SessionSecrets { x: r, nonces: Nonces::from_secrets(tau1, tau2) } })
}

/// A session in which the seller has drawn its share and not signed yet.
struct Drawn {
    session: ClaimSession,
    share: Share,
    secrets: SessionSecrets,
}

/// What x, d and e are bound to: all that is signed. Heights and lock are the seller's choice, so two clones whose
/// random sources repeat themselves can sign different ones in the same session.
fn bound(chain: &ChainId, offer: &Offer, features: &KernelFeatures, lock: Option<&Point>) -> Hash {
    let parts = [features.to_bytes(), lock.map(Encode::to_bytes).unwrap_or_default()];
    tagged(tag::HOLD_BOUND, &[offer.hash(chain).as_bytes(), &parts.concat()])
}

fn purpose_session(
    party: &Party<'_>,
    offer: &Offer,
    (purpose, features, lock): (Purpose, &KernelFeatures, Option<&Point>),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Drawn, HoldError> {
    let (chain, id) = (party.chain.id(), purpose.session(&offer.id));
    let place = Place::responder(chain, &id, bound(chain, offer, features, lock));
    let (share, secrets) = session::draw(party.keys, &place, rng);
    let session = ClaimSession::of(chain, offer, (purpose, features, lock), share)?;
    Ok(Drawn { session, share, secrets })
}

impl Drawn {
    /// o_s = blinding − x_s, and z_s.
    fn sign(self, blinding: &SecretScalar) -> Result<SignedShare, HoldError> {
        let offset = blinding.sub(&self.secrets.x).reveal();
        let partial = self.session.sign(Role::Responder, self.secrets)?;
        Ok(SignedShare { share: self.share, offset, partial })
    }
}

/// Checks that a proof is the one to be answered.
pub(crate) fn check_prove(join: &Join, prove: &Prove) -> Result<(), HoldError> {
    let same = prove.id == join.id && prove.join == join.hash();
    if same { Ok(()) } else { Err(HoldError::Altered(Role::Inviter)) }
}

/// Answers the proof of the joint output; consumes the secrets. It leaves only after the register has closed
/// the hold on this proof.
pub(crate) fn part(joint: &Joint, prove: &Prove, secrets: SessionSecrets) -> Result<Part, HoldError> {
    let (tau1, tau2) = secrets.nonces.secrets();
    let owner = CoOwner::from_secrets(secrets.x, [tau1.clone(), tau2.clone()]);
    Ok(Part { id: prove.id, prove: prove.hash(), answer: owner.answer(joint, &prove.heads)? })
}

/// What a seller answers to: the hold so far.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) offer: &'a Offer,
    pub(crate) part: &'a Part,
    /// r_s.
    pub(crate) r: &'a SecretScalar,
}

/// Claims the amount up to a last height, locked to T if there is one.
pub(crate) fn claim(
    party: &Party<'_>,
    held: Held<'_>,
    (lock, not_after): (Option<Point>, Height),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Answer, HoldError> {
    let (chain, offer, next) = (party.chain, held.offer, party.tip.next());
    HoldTerms::check_time(HoldTerms::claim_by(chain, not_after, lock.is_some()), next)?;
    let features = KernelFeatures::Plain { fee: offer.terms.claim_fee, not_after };
    let opening = Opening { amount: offer.terms.amount, index: fresh_index(rng) };
    let output = party.keys.output(chain, OutputPurpose::Received, &opening).map_err(SlateError::from)?;
    let blinding = party.keys.blinding(OutputPurpose::Received, &opening).sub(held.r);
    let drawn = purpose_session(party, offer, (Purpose::Claim, &features, lock.as_ref()), rng)?;
    let (signed, id) = (drawn.sign(&blinding)?, offer.id);
    let (commitment, receipt_of) = (output.commitment, party.keys.identity_of(&offer.seller));
    let signer = receipt_of.ok_or(SlateError::NotForUs)?;
    let unsigned = Settlement::Claim { output: Box::new(output), receipt: offer.signature, lock };
    let mut answer = Answer { id, part: held.part.hash(), features, signed, settlement: unsigned };
    let statement = receipt(offer, &answer, &commitment).message(chain.id());
    if let Settlement::Claim { receipt, .. } = &mut answer.settlement {
        *receipt = sign(&signer.sign, &statement, rng);
    }
    Ok(answer)
}

/// Consents to undo the hold.
pub(crate) fn undo(
    party: &Party<'_>,
    held: Held<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Answer, HoldError> {
    let not_after = party.chain.standard_expiry(party.tip.next());
    let features = KernelFeatures::Plain { fee: held.offer.terms.claim_fee, not_after };
    let drawn = purpose_session(party, held.offer, (Purpose::Undo, &features, None), rng)?;
    let signed = drawn.sign(&SecretScalar::zero().sub(held.r))?;
    let (id, part) = (held.offer.id, held.part.hash());
    Ok(Answer { id, part, features, signed, settlement: Settlement::Undo })
}

/// What the payer's half makes of a claim.
pub(crate) enum Completed {
    /// The transaction, to be published.
    Transaction(Transaction),
    /// Nothing before the secret of T is known.
    Locked,
}

/// Checks the payer's half of a claim and adds it.
pub(crate) fn complete(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    answer: &Answer,
    release: &Release,
) -> Result<Completed, HoldError> {
    if release.id != offer.id || release.answer != answer.hash() {
        return Err(HoldError::Altered(Role::Inviter));
    }
    let share = offer.share(Purpose::Claim).ok_or(HoldError::Altered(Role::Inviter))?;
    let rest = moved(&share.key, &release.offset).plus(&offer.part.key);
    if !rest.point().is_identity() {
        return Err(HoldError::Offset(Role::Inviter));
    }
    match ClaimSession::answered(party.chain, offer, answer)? {
        ClaimSession::Plain(s) => {
            let signature = s.combine(&release.partial, &answer.signed.partial)?;
            let halves = Halves { answer, release };
            let t = transaction(party, Agreed { offer, join }, halves, signature)?;
            Ok(Completed::Transaction(t))
        }
        ClaimSession::Locked(s) => {
            s.combine(&release.partial, &answer.signed.partial)?;
            Ok(Completed::Locked)
        }
    }
}

/// Both halves of a claim.
#[derive(Clone, Copy)]
pub(crate) struct Halves<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) release: &'a Release,
}

/// The claim with its signature, verified against the consensus rules.
pub(crate) fn transaction(
    party: &Party<'_>,
    Agreed { offer, join }: Agreed<'_>,
    Halves { answer, release }: Halves<'_>,
    signature: Signature,
) -> Result<Transaction, HoldError> {
    let Settlement::Claim { output, .. } = &answer.settlement else { return Err(HoldError::Kernel) };
    let key = ClaimSession::answered(party.chain, offer, answer)?;
    let kernel = kernel(answer.features, key.key(), signature);
    let joint = joint(party.chain, offer, join)?;
    let offset = answer.signed.offset + release.offset;
    let t = spend(joint.commitment(), (**output).clone(), offset, kernel);
    Ok(party.verify(t)?.get().clone())
}
