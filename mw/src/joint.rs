//! Joint outputs: an output whose blinding factor two parties share, so that neither spends it alone.
//!
//! ```text
//! C = v·H + X_p + X_s        X_p = r_p·G of the prover, X_s = r_s·G of the co-owner
//!
//! co-owner                                          prover
//!  X_s, T1s = τ1s·G, T2s = τ2s·G  ───────────────▶  A, S;  T₁ = t₁·H + τ1p·G + T1s,  T₂ likewise
//!  replay the transcript to z, x  ◀───────────────  A, S, T₁, T₂
//!  u = z²·r_s + x·τ1s + x²·τ2s    ───────────────▶  u·G = z²·X_s + x·T1s + x²·T2s ?
//!                                                   τ = u + z²·r_p + x·τ1p + x²·τ2p, and the rest of the proof
//! ```
//!
//! It is the m-party aggregation of Bünz et al. 2018, section 4.5, for one amount that the prover knows, with
//! z² at the shared commitment; in a proof of several amounts the shared one must stand first.
//!
//! On a chain with auditors the proof is of two halves, the shared commitment first, and has handles
//! ([`Handles`]). The prover knows no r_s, so the co-owner shows r_s·P, τ1s·P and τ2s·P too, which are added to
//! D_lo, T'₁ and T'₂; false ones show in u·P ([`Joint::finish`]).
//!
//! Guaranteed: without a proof of possession of its part, for this chain, this id and its role, no party takes
//! part, so none chooses its part as a function of the other's (X_p = k·G − X_s would spend C alone). A
//! [`CoOwner`] answers once: it is consumed, and wiped. One answer hides r_s, because τ1s and τ2s mask it
//! whatever z and x the prover tries for; false T1s, T2s or u only spoil the proof, and [`Joint::finish`] names
//! the co-owner. The prover's scalars are drawn for each proof: under the same ones, other T1s, T2s would change
//! x, and three answers give r_p.
//!
//! Not guaranteed: anything after a co-owner's τ were used twice, as a snapshot of its machine allows. Not
//! reviewed outside the project.

pub mod group_output;

use crate::{
    amount::Amount,
    codec::{Decode, DecodeError, Encode, Reader, fields},
    commitment::Commitment,
    features::{Audit, Extra, OutputChain, OutputContext, OutputFeatures},
    group::{Element, Point, Scalar, mul_g, vartime_mul_h},
    output::Output,
    prover::{Halves, verifies},
    range_proof::{
        BITS, Challenges, Committed, Committing, Handles, Nonces, RangeProof, Responses, replay, scalar,
    },
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    session::{Participant, Role, SessionId},
    tag,
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// The prover's part: X_p, with a proof of possession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProverPart {
    /// X_p.
    pub key: PublicKey,
    /// Proof of possession of r_p.
    pub possession: Signature,
}

fields!(ProverPart { key, possession });

/// The co-owner's part: X_s, T1s and T2s, with a proof of possession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoOwnerPart {
    /// X_s.
    pub key: PublicKey,
    /// T1s and T2s.
    pub terms: [Point; 2],
    /// r_s·P, τ1s·P and τ2s·P on a chain with auditors.
    pub handles: Option<[Point; 3]>,
    /// Proof of possession of r_s, which covers all of these.
    pub possession: Signature,
}

/// What a letter for a chain with auditors begins with. The same letter for another chain begins with the encoding of
/// a point, whose first byte is even (RFC 9496, section 4.3.2).
const AUDITED: u8 = 1;

/// Reads [`AUDITED`], if it is there.
fn audit(r: &mut Reader<'_>) -> Result<Audit, DecodeError> {
    let audited = r.clone().u8()? == AUDITED;
    if audited {
        r.u8()?;
    }
    Ok(if audited { Audit::Audited } else { Audit::Unaudited })
}

impl Encode for CoOwnerPart {
    fn encode(&self, out: &mut Vec<u8>) {
        self.handles.iter().for_each(|_| out.push(AUDITED));
        self.key.encode(out);
        self.shown().for_each(|t| t.encode(out));
        self.possession.encode(out);
    }
}

impl Decode for CoOwnerPart {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let audit = audit(r)?;
        let (key, terms) = (PublicKey::decode(r)?, [Point::decode(r)?, Point::decode(r)?]);
        let handles = match audit {
            Audit::Unaudited => None,
            Audit::Audited => Some([Point::decode(r)?, Point::decode(r)?, Point::decode(r)?]),
        };
        Ok(Self { key, terms, handles, possession: Signature::decode(r)? })
    }
}

impl CoOwnerPart {
    /// The points beside the key, in the order of the encoding.
    fn shown(&self) -> impl Iterator<Item = &Point> {
        self.terms.iter().chain(self.handles.iter().flatten())
    }
}

/// What a proof of possession of `key` signs.
fn statement<'a>(
    place: &Participant<'_>,
    key: &PublicKey,
    shown: impl Iterator<Item = &'a Point>,
) -> Vec<u8> {
    let Participant { chain, session, role } = place;
    let mut m =
        [tag::JOINT.as_bytes(), chain.as_bytes(), &session.0, &[*role as u8], key.as_bytes()].concat();
    shown.for_each(|t| t.encode(&mut m));
    m
}

impl ProverPart {
    /// The part of the prover with the blinding factor `r`; the place's role is [`Role::Inviter`].
    pub fn new(place: &Participant<'_>, r: &SecretScalar, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let key = PublicKey::of(r);
        Self { key, possession: sign(r, &statement(place, &key, [].iter()), rng) }
    }
}

/// The co-owner's secrets until it has answered: r_s, τ1s, τ2s. It can be neither cloned nor printed, and
/// answering consumes it.
pub struct CoOwner {
    r: SecretScalar,
    tau: [SecretScalar; 2],
}

impl CoOwner {
    /// Takes three secrets, which must be fresh for each joint output.
    #[must_use]
    pub const fn from_secrets(r: SecretScalar, tau: [SecretScalar; 2]) -> Self {
        Self { r, tau }
    }

    /// Shows the public halves, and those over the key of the auditors if the chain has some; the place's role is
    /// [`Role::Responder`].
    pub fn part(
        &self,
        place: &Participant<'_>,
        auditors: Option<&PublicKey>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> CoOwnerPart {
        let (key, terms) = (PublicKey::of(&self.r), self.terms());
        let handles = auditors.map(|p| self.handles(p));
        let shown = terms.iter().chain(handles.iter().flatten());
        let possession = sign(&self.r, &statement(place, &key, shown), rng);
        CoOwnerPart { key, terms, handles, possession }
    }

    fn handles(&self, auditors: &PublicKey) -> [Point; 3] {
        let [tau1, tau2] = &self.tau;
        [&self.r, tau1, tau2].map(|s| Point::from(auditors.point().element() * s.expose()))
    }

    fn terms(&self) -> [Point; 2] {
        self.tau.each_ref().map(|t| mul_g(t.expose()).into())
    }

    /// Replays the transcript and answers its challenges: u.
    ///
    /// # Errors
    /// [`JointError::ForeignPart`] if the joint output is another co-owner's.
    pub fn answer(self, joint: &Joint, heads: &ProofHeads) -> Result<Scalar, JointError> {
        let handles = joint.context.auditors().map(|p| self.handles(p));
        let part = &joint.co_owner;
        let own = PublicKey::of(&self.r) == part.key && self.terms() == part.terms;
        if !own || handles != part.handles || handles.is_some() != heads.handles.is_some() {
            return Err(JointError::ForeignPart);
        }
        let Challenges { z, x, .. } = joint.replay(heads).1;
        let [tau1, tau2] = self.tau.each_ref().map(|t| t.expose());
        Ok(z * z * self.r.expose() + x * (tau1 + x * tau2))
    }
}

/// A, S, T₁ and T₂ of a proof, and its handles: what the co-owner replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofHeads {
    head: [[u8; 32]; 4],
    handles: Option<Handles>,
}

impl Encode for ProofHeads {
    fn encode(&self, out: &mut Vec<u8>) {
        self.handles.iter().for_each(|_| out.push(AUDITED));
        self.head.iter().for_each(|e| e.encode(out));
        self.handles.iter().for_each(|h| h.encode(out));
    }
}

impl Decode for ProofHeads {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let audit = audit(r)?;
        let head = [r.array()?, r.array()?, r.array()?, r.array()?];
        let handles = match audit {
            Audit::Unaudited => None,
            Audit::Audited => Some(Handles::from_bytes(&r.array()?)),
        };
        Ok(Self { head, handles })
    }
}

/// A proof that waits for the co-owner's answer.
///
/// It answers one challenge: the random scalars are gone. It may be stored, and a copy of it is harmless: all
/// of it is in the finished proof, or the co-owner can compute it from that, except l and r, which the protocol
/// without the inner-product argument sends in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedProof {
    responses: Responses,
    handles: Option<Handles>,
}

impl core::fmt::Debug for PreparedProof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PreparedProof(…)")
    }
}

impl PreparedProof {
    /// What the co-owner has to see.
    #[must_use]
    pub fn heads(&self) -> ProofHeads {
        ProofHeads { head: self.responses.head, handles: self.handles.clone() }
    }
}

impl Encode for PreparedProof {
    fn encode(&self, out: &mut Vec<u8>) {
        let Responses { l, r, blindings, .. } = &self.responses;
        self.heads().encode(out);
        l.iter().chain(r).chain(blindings).for_each(|s| s.encode(out));
    }
}

impl Decode for PreparedProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let ProofHeads { head, handles } = ProofHeads::decode(r)?;
        let mut scalars = [Scalar::ZERO; 2 * BITS + 2];
        for s in &mut scalars {
            *s = Scalar::decode(r)?;
        }
        let at = |i: usize| scalars.get(i).copied().unwrap_or_default();
        let (l, right) = (core::array::from_fn(at), core::array::from_fn(|i| at(BITS + i)));
        let blindings = [at(2 * BITS), at(2 * BITS + 1)];
        let (amounts, terms) = handles.as_ref().map_or((1, None), |h| (2, Some(h.terms())));
        Ok(Self { responses: Responses { amounts, head, terms, l, r: right, blindings }, handles })
    }
}

/// A joint output of which both parts were checked.
#[derive(Clone, Debug)]
pub struct Joint {
    context: OutputContext,
    amount: Amount,
    prover: PublicKey,
    co_owner: CoOwnerPart,
    commitment: Commitment,
}

impl Joint {
    /// Checks both parts, for a chain and the id of the output.
    ///
    /// # Errors
    /// The first check that fails, and the party at fault.
    pub fn new<'c>(
        chain: impl Into<OutputChain<'c>>,
        session: &SessionId,
        amount: Amount,
        prover: &ProverPart,
        co_owner: &CoOwnerPart,
    ) -> Result<Self, JointError> {
        let chain = chain.into();
        let context = OutputContext::new(chain, &OutputFeatures::<Signature>::Plain, &[]);
        if context.auditors().is_some() != co_owner.handles.is_some() {
            return Err(JointError::Handles);
        }
        let shown: Vec<Point> = co_owner.shown().copied().collect();
        let parts = [
            (Role::Inviter, &prover.key, &[][..], &prover.possession),
            (Role::Responder, &co_owner.key, &shown[..], &co_owner.possession),
        ];
        for (role, key, shown, possession) in parts {
            if key.point().is_identity() || shown.iter().any(Point::is_identity) {
                return Err(JointError::Identity { role });
            }
            let place = Participant { chain: chain.id(), session, role };
            if !possession.verifies(key, &statement(&place, key, shown.iter())) {
                return Err(JointError::Possession { role });
            }
        }
        let sum = prover.key.plus(&co_owner.key);
        if prover.key == co_owner.key || sum.point().is_identity() {
            return Err(JointError::EqualKeys);
        }
        let commitment = vartime_mul_h(amount.units()) + sum.point().element();
        let commitment = Commitment::from_point(commitment.into());
        Ok(Self { context, amount, prover: prover.key, co_owner: *co_owner, commitment })
    }

    /// C.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    fn replay(&self, heads: &ProofHeads) -> (merlin::Transcript, Challenges) {
        let mut t = self.context.transcript();
        let challenges = replay(&mut t, self.commitment.as_bytes(), &heads.head, heads.handles.as_ref());
        (t, challenges)
    }

    /// The prover's first step: commits, and computes all but the co-owner's answer.
    ///
    /// # Errors
    /// [`JointError::ForeignPart`] if `r` is not the secret of the prover's part.
    pub fn prepare(
        &self,
        r: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<PreparedProof, JointError> {
        if PublicKey::of(r) != self.prover {
            return Err(JointError::ForeignPart);
        }
        let ((nonces, high), added) = (self.nonces(r, rng), self.co_owner.terms.map(|t| t.element()));
        let (amount, commitment) = (self.amount.units(), self.commitment.as_bytes());
        let theirs = self.co_owner.handles.map(|h| h.map(|p| p.element()));
        let halves = self.context.auditors().zip(theirs);
        let halves = halves.map(|(p, [x, t1, t2])| (Halves::new(p, amount, [r, &high], x), [t1, t2]));
        let committed = match &halves {
            Some((halves, _)) => halves.committed(&self.commitment).into(),
            None => vec![Committed { amount, blinding: r, commitment }],
        };
        let handling = halves.as_ref().map(|(halves, terms)| halves.handling(*terms));
        let committing = Committing { committed: &committed, nonces: &nonces, added, handling };
        let (responses, _) =
            committing.respond(&mut self.context.transcript(), &nonces).ok_or(JointError::Proof)?;
        let handles = halves.as_ref().zip(responses.terms).map(|((halves, _), terms)| halves.handles(terms));
        Ok(PreparedProof { responses, handles })
    }

    /// Fresh scalars: 32 random bytes, hedged by r and by all that x depends on, so that a random source that
    /// repeats itself does not repeat them under another challenge. And r_hi, of an audited output.
    fn nonces(&self, r: &SecretScalar, rng: &mut (impl RngCore + CryptoRng)) -> (Nonces, SecretScalar) {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let (r, c, [t1, t2]) = (r.to_bytes(), self.commitment.as_bytes(), self.co_owner.terms);
        let handles: Vec<u8> = self.co_owner.handles.iter().flatten().flat_map(|p| *p.as_bytes()).collect();
        let parts: [&[u8]; 8] = [
            tag::JOINT_NONCES,
            &*fresh,
            &*r,
            t1.as_bytes(),
            t2.as_bytes(),
            c,
            self.context.prefix(),
            &handles,
        ];
        let prefix = Zeroizing::new(parts.concat());
        let at = |i: usize| *scalar(&prefix, i as u64).expose();
        let nonces = Nonces {
            alpha: at(0),
            rho: at(1),
            s_l: core::array::from_fn(|i| at(2 + i)),
            s_r: core::array::from_fn(|i| at(66 + i)),
            tau: [at(130), at(131)],
        };
        (nonces, scalar(&prefix, 132))
    }

    /// Whether u answers: `u·G = z²·X_s + x·T1s + x²·T2s`, and the same over P.
    fn check_answer(&self, challenges: &Challenges, u: &Scalar) -> Result<(), JointError> {
        let Challenges { z, x, .. } = challenges;
        let [t1, t2] = self.co_owner.terms.map(|t| t.element());
        let want: Element = self.co_owner.key.point().element() * (z * z) + t1 * x + t2 * (x * x);
        let handles = self.co_owner.handles.map(|h| h.map(|p| p.element()));
        let of_auditors =
            self.context.auditors().zip(handles).is_none_or(|(p, [h, t1, t2])| {
                p.point().element() * u == h * (z * z) + t1 * x + t2 * (x * x)
            });
        if mul_g(u) == want && of_auditors { Ok(()) } else { Err(JointError::Answer) }
    }

    /// The prover's last step: checks the answer, finishes the proof and verifies it.
    ///
    /// # Errors
    /// [`JointError::Answer`] names the co-owner; [`JointError::Proof`] is a fault of this machine.
    pub fn finish(&self, prepared: &PreparedProof, u: &Scalar) -> Result<Output, JointError> {
        let (mut t, challenges) = self.replay(&prepared.heads());
        self.check_answer(&challenges, u)?;
        let mut responses = prepared.responses.clone();
        responses.blindings[0] += u;
        let bytes = responses.finish(&mut t, challenges.y).ok_or(JointError::Proof)?;
        let proof = RangeProof::from_bytes(&bytes).with_handles(prepared.handles.clone());
        if !verifies(&proof, &self.context, &self.commitment) {
            return Err(JointError::Proof);
        }
        let (features, extra) = (OutputFeatures::Plain, Extra::default());
        Ok(Output { features, commitment: self.commitment, extra, proof })
    }
}

/// Why a joint output failed, and which party is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JointError {
    /// A key or a T is the identity.
    #[error("invalid part of the {role} in the joint output: a point is the identity")]
    Identity {
        /// The party at fault.
        role: Role,
    },
    /// The proof of possession does not verify.
    #[error("invalid part of the {role} in the joint output: the proof of possession does not verify")]
    Possession {
        /// The party at fault.
        role: Role,
    },
    /// X_p = ±X_s.
    #[error("the parts of both parties in the joint output are equal or cancel out")]
    EqualKeys,
    /// The secrets belong to another part.
    #[error("the secrets do not belong to this joint output")]
    ForeignPart,
    /// The chain has auditors and the co-owner's part no handles, or the reverse.
    #[error("invalid part of the responder in the joint output: it is for another kind of chain")]
    Handles,
    /// u does not answer the challenges.
    #[error("invalid answer of the responder to the proof of the joint output")]
    Answer,
    /// The finished proof does not verify.
    #[error("cannot make the proof of the joint output: its own check failed")]
    Proof,
}

#[cfg(test)]
mod tests;
