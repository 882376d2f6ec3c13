//! The six letters of a hold, their hashes and their bytes.
//!
//! ```text
//! offer     id (32) ‖ terms ‖ kernel features ‖ payer ‖ seller ‖ memo ‖ X_p (32) ‖ possession (64)
//!           ‖ shares of funding, claim, undoing ‖ share of each refund ‖ signature (64)
//! join      id (32) ‖ offer hash (32) ‖ X_s, T1s, T2s (96) ‖ possession (64) ‖ signed share of the funding
//!           ‖ n (1) ‖ signed share of each refund ‖ [C_f ‖ receipt (64)]
//! prove     id (32) ‖ join hash (32) ‖ A, S, T₁, T₂ (128)
//! part      id (32) ‖ prove hash (32) ‖ u (32)
//! answer    id (32) ‖ part hash (32) ‖ kernel features ‖ signed share ‖ 0, or 1 or 2 ‖ output ‖ receipt (64) ‖ [T (32)]
//! release   id (32) ‖ answer hash (32) ‖ o_p (32) ‖ z_p (32)
//! signed share = share (160) ‖ o_s (32) ‖ z_s (32)       terms: schedule.rs
//! ```
//!
//! On a chain with auditors join and prove have the byte 1 before their points, and six points in place of three, nine in
//! place of four. C_f pays the start fee, if the terms name one; 128 is then added to n, here and in the terms.
//! An answer begins with 0 if it undoes the hold, with 1 if it claims it, with 2 if the claim is locked to T.
//! The payer's address signs its offer, without the signature, after a label and the chain id.
#![deny(clippy::indexing_slicing)]

use super::schedule::{HoldTerms, marked, unmarked};
use crate::{
    codec::session,
    keys::Address,
    slate::{Memo, put_share, share},
    tag,
};
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    group::{Point, Scalar},
    hash::{Hash, tagged},
    joint::{CoOwnerPart, ProofHeads, ProverPart},
    kernel::KernelFeatures,
    output::{Output, OutputFeatures},
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    session::{Session, SessionError, SessionId, Share, Shares},
};

/// What a signing session of a hold is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The transaction that makes the output of the hold.
    Funding,
    /// The transaction that pays the seller.
    Claim,
    /// The transaction that returns the money by consent.
    Undo,
    /// Refund i.
    Refund(u8),
}

impl Purpose {
    /// The id of the session: `H("sotto/hold/session/v1", hold id ‖ purpose ‖ refund)`.
    #[must_use]
    pub fn session(self, hold: &SessionId) -> SessionId {
        let code = match self {
            Self::Funding => [1, 0],
            Self::Claim => [2, 0],
            Self::Undo => [3, 0],
            Self::Refund(i) => [4, i],
        };
        SessionId(*tagged(tag::HOLD_SESSION, &[&hold.0, &code]).as_bytes())
    }

    /// All sessions of a hold with n refunds, in the order of an offer.
    pub(crate) fn all(rungs: u8) -> impl Iterator<Item = Self> {
        [Self::Funding, Self::Claim, Self::Undo].into_iter().chain((0..rungs).map(Self::Refund))
    }
}

/// The proposal of a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The id of the hold: fresh for each.
    pub id: SessionId,
    /// Amount, fees and heights.
    pub terms: HoldTerms,
    /// The kernel of the funding.
    pub funding: KernelFeatures,
    /// The address of the payer.
    pub payer: Address,
    /// The address of the seller.
    pub seller: Address,
    /// A line of text for the seller.
    pub memo: Memo,
    /// The payer's part of the joint output.
    pub part: ProverPart,
    /// The payer's shares: funding, claim, undoing, then one for each refund.
    pub shares: Vec<Share>,
    /// The signature of the payer's address.
    pub signature: Signature,
}

impl Offer {
    /// The hash of all bytes of the offer on `chain`.
    #[must_use]
    pub fn hash(&self, chain: &ChainId) -> Hash {
        tagged(tag::HOLD_OFFER, &[chain.as_bytes(), &self.to_bytes()])
    }

    fn unsigned(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        self.terms.encode(out);
        self.funding.encode(out);
        self.payer.encode(out);
        self.seller.encode(out);
        self.memo.encode(out);
        self.part.encode(out);
        self.shares.iter().for_each(|s| put_share(s, out));
    }

    fn statement(&self, chain: &ChainId) -> Vec<u8> {
        let mut m = [tag::SIGNED_HOLD.as_bytes(), chain.as_bytes()].concat();
        self.unsigned(&mut m);
        m
    }

    /// The same offer, signed with the key of the payer's address.
    pub(crate) fn signed(
        mut self,
        chain: &ChainId,
        x: &SecretScalar,
        rng: &mut (impl rand_core::RngCore + rand_core::CryptoRng),
    ) -> Self {
        self.signature = sign(x, &self.statement(chain), rng);
        self
    }

    pub(crate) fn is_signed(&self, chain: &ChainId) -> bool {
        self.signature.verifies(&self.payer.sign(), &self.statement(chain))
    }

    /// The payer's share for this purpose.
    pub(crate) fn share(&self, purpose: Purpose) -> Option<&Share> {
        Purpose::all(self.terms.rungs).zip(&self.shares).find(|(p, _)| *p == purpose).map(|(_, s)| s)
    }

    /// The checked session for this purpose, with the seller's share.
    pub(crate) fn session(
        &self,
        chain: &ChainId,
        (purpose, features): (Purpose, &KernelFeatures),
        responder: Share,
    ) -> Result<Session, SessionError> {
        let role = sotto_mw::session::Role::Inviter;
        let inviter = *self.share(purpose).ok_or(SessionError::Identity { role })?;
        let id = purpose.session(&self.id);
        Session::new(chain, &id, features.message(chain), Shares { inviter, responder })
    }
}

impl Encode for Offer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.unsigned(out);
        self.signature.encode(out);
    }
}

impl Decode for Offer {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (id, terms) = (session(r)?, HoldTerms::decode(r)?);
        Ok(Self {
            id,
            terms,
            funding: KernelFeatures::decode(r)?,
            payer: Address::decode(r)?,
            seller: Address::decode(r)?,
            memo: Memo::decode(r)?,
            part: ProverPart::decode(r)?,
            shares: Purpose::all(terms.rungs).map(|_| share(r)).collect::<Result<_, _>>()?,
            signature: Signature::decode(r)?,
        })
    }
}

/// A share of the seller with its share of the offset and its partial signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedShare {
    /// X, D, E and the proof of possession.
    pub share: Share,
    /// o_s.
    pub offset: Scalar,
    /// z_s.
    pub partial: Scalar,
}

impl Encode for SignedShare {
    fn encode(&self, out: &mut Vec<u8>) {
        put_share(&self.share, out);
        self.offset.encode(out);
        self.partial.encode(out);
    }
}

impl Decode for SignedShare {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { share: share(r)?, offset: Scalar::decode(r)?, partial: Scalar::decode(r)? })
    }
}

/// The seller's output for the start fee, in the funding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFee {
    /// C_f with its range proof.
    pub output: Box<Output>,
    /// The receipt, signed by the address of the seller.
    pub receipt: Signature,
}

/// The seller's consent: its part of the joint output, and all that the ladder needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The hold.
    pub id: SessionId,
    /// The hash of the offer.
    pub offer: Hash,
    /// The seller's part of the joint output.
    pub part: CoOwnerPart,
    /// For the funding.
    pub funding: SignedShare,
    /// For each refund.
    pub rungs: Vec<SignedShare>,
    /// For the start fee, if the offer names one.
    pub start_fee: Option<StartFee>,
}

impl Encode for Join {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        self.offer.encode(out);
        self.part.encode(out);
        self.funding.encode(out);
        let n = u8::try_from(self.rungs.len()).unwrap_or(u8::MAX);
        out.push(marked(n, self.start_fee.is_some()));
        self.rungs.iter().for_each(|s| s.encode(out));
        self.start_fee.iter().for_each(|s| s.encode(out));
    }
}

impl Decode for Join {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (id, offer, part, funding) =
            (session(r)?, Hash::decode(r)?, CoOwnerPart::decode(r)?, SignedShare::decode(r)?);
        let (n, starts) = unmarked(r)?;
        let rungs = (0..n).map(|_| SignedShare::decode(r)).collect::<Result<_, _>>()?;
        let start_fee = starts.then(|| StartFee::decode(r)).transpose()?;
        Ok(Self { id, offer, part, funding, rungs, start_fee })
    }
}

impl Encode for StartFee {
    fn encode(&self, out: &mut Vec<u8>) {
        self.output.encode(out);
        self.receipt.encode(out);
    }
}

impl Decode for StartFee {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { output: Box::new(Output::decode(r)?), receipt: Signature::decode(r)? })
    }
}

/// What the payer commits to in the range proof of the joint output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prove {
    /// The hold.
    pub id: SessionId,
    /// The hash of the seller's consent.
    pub join: Hash,
    /// A, S, T₁, T₂.
    pub heads: ProofHeads,
}

/// The seller's one answer to the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The hold.
    pub id: SessionId,
    /// The hash of the letter that it answers.
    pub prove: Hash,
    /// u.
    pub answer: Scalar,
}

/// How the seller ends the hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a letter has one")]
pub enum Settlement {
    /// It returns the money.
    Undo,
    /// It is paid.
    Claim {
        /// C_s with its range proof.
        output: Box<Output>,
        /// The receipt, signed by the address of the seller.
        receipt: Signature,
        /// T, if the claim is locked to a point.
        lock: Option<Point>,
    },
}

/// The seller's claim, or its consent to undo the hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The hold.
    pub id: SessionId,
    /// The hash of the seller's letter before.
    pub part: Hash,
    /// The kernel.
    pub features: KernelFeatures,
    /// Share, o_s and z_s.
    pub signed: SignedShare,
    /// Claim or undoing.
    pub settlement: Settlement,
}

impl Answer {
    /// What its session is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self.settlement {
            Settlement::Undo => Purpose::Undo,
            Settlement::Claim { .. } => Purpose::Claim,
        }
    }
}

/// The payer's half of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The hold.
    pub id: SessionId,
    /// The hash of the answer.
    pub answer: Hash,
    /// o_p.
    pub offset: Scalar,
    /// z_p.
    pub partial: Scalar,
}

/// Bytes of letters whose fields follow one another.
macro_rules! letter {
    ($T:ident, $tag:expr, $($field:ident: $read:expr),*) => {
        impl Encode for $T {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.id.0);
                $(self.$field.encode(out);)*
            }
        }
        impl Decode for $T {
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self { id: session(r)?, $($field: $read(r)?),* })
            }
        }
        hashed!($T, $tag);
    };
}

/// The hash of all bytes of a letter.
macro_rules! hashed {
    ($T:ident, $tag:expr) => {
        impl $T {
            /// The hash of all bytes of the letter.
            #[must_use]
            pub fn hash(&self) -> Hash {
                tagged($tag, &[&self.to_bytes()])
            }
        }
    };
}

hashed!(Join, tag::HOLD_JOIN);
letter!(Prove, tag::HOLD_PROVE, join: Hash::decode, heads: ProofHeads::decode);
letter!(Part, tag::HOLD_PART, prove: Hash::decode, answer: Scalar::decode);
letter!(Answer, tag::HOLD_ANSWER, part: Hash::decode, features: KernelFeatures::decode,
    signed: SignedShare::decode, settlement: Settlement::decode);
letter!(Release, tag::HOLD_RELEASE, answer: Hash::decode, offset: Scalar::decode, partial: Scalar::decode);

impl Encode for Settlement {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Undo => out.push(0),
            Self::Claim { output, receipt, lock } => {
                out.push(1 + u8::from(lock.is_some()));
                output.encode(out);
                receipt.encode(out);
                lock.iter().for_each(|t| t.encode(out));
            }
        }
    }
}

impl Decode for Settlement {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let locked = match r.u8()? {
            0 => return Ok(Self::Undo),
            code @ 1..=2 => code == 2,
            code => return Err(DecodeError::Code { what: "settlement of a hold", code }),
        };
        Ok(Self::Claim {
            output: Box::new(Output::decode(r)?),
            receipt: Signature::decode(r)?,
            lock: locked.then(|| Point::decode(r)).transpose()?,
        })
    }
}

/// X of a partner, moved by its share of an offset: `X + o·G`, which must equal what the offset stands for.
pub(crate) fn moved(x: &PublicKey, offset: &Scalar) -> PublicKey {
    x.plus(&PublicKey::of(&SecretScalar::from(*offset)))
}

/// Whether an output says nothing but its amount: no reward, no receiver, no extra data.
pub(crate) fn bare(output: &Output) -> bool {
    output.features == OutputFeatures::Plain && output.extra.as_bytes().is_empty()
}
