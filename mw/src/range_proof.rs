//! Range proofs: 672 bytes that prove `0 ≤ v < 2⁶⁴` for `C = v·H + r·G`, and how their owner reads them
//! again.
//!
//! The proofs are Bulletproofs (Bünz et al. 2018), byte for byte as the `bulletproofs` crate makes them, one
//! for each output, so that outputs stay separable. The transcript first absorbs a prefix `P` of chain id,
//! features and extra data; a proof that is copied to another output fails.
//!
//! **Rewind.** The prover's 132 random scalars are derived from keys:
//!
//! ```text
//! sᵢ = H512→scalar("sotto/rewind/v1", rewind key, C, len(P), P, i)    i = 0…129:  α, ρ, s_L, s_R
//! τᵢ = the same under "sotto/tau/v1" and the tau key                  i = 130, 131
//! α  = s₀ + M,   M = amount (8) ‖ index (12) ‖ 0¹²
//! ```
//!
//! The proof carries `e_blinding = α + ρ·x`, so the holder of the rewind key computes `M = e_blinding − s₀ −
//! s₁·x` from the transcript alone, without a curve operation. For a proof made with another key, the twelve
//! tag bytes of the result are not zero. The τ hide the blinding factor from the rewind key. Because every
//! scalar depends on C and P, proving twice gives the same bytes; two different proofs under the same nonces
//! would reveal the amount or the blinding factor.
//!
//! **Auditors.** On a chain with auditors a proof is of two amounts of 32 bits, the halves of v, and 160 bytes
//! follow it: [`Handles`]. The scalars above bind `C_hi ‖ D_lo ‖ D_hi` after P too (`docs/AUDIT.md`).

mod handles;
mod inner_product;
mod prove;
mod rewind;
mod transcript;

use handles::element;
pub use handles::{HANDLE_BYTES, Handles};
pub(crate) use inner_product::BITS;
#[cfg(test)]
pub(crate) use prove::prove_opening;
pub(crate) use prove::{Committed, Committing, Handling, Nonces, Responses};
pub use rewind::Replayed;
pub(crate) use transcript::{Challenges, replay};

use crate::{
    amount::Amount,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    features::{Audit, OutputContext},
    group::Scalar,
    hash::{Hash, tagged},
    msm::{is_canonical, words},
    secret::SecretScalar,
    tag,
};
use core::fmt;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of a proof in bytes: 21 elements of 32 bytes.
pub const PROOF_BYTES: usize = 672;

/// Length of the part that a rewind reads: A, S, T₁, T₂, t_x, t_x_blinding, e_blinding.
pub const REWIND_BYTES: usize = 224;

/// The bytes of a range proof. [`crate::rules`] checks that its five scalars are canonical.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeProof {
    bytes: Box<[u8; PROOF_BYTES]>,
    handles: Option<Box<Handles>>,
}

impl RangeProof {
    /// The proof with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PROOF_BYTES]) -> Self {
        Self { bytes: Box::new(*bytes), handles: None }
    }

    /// The same proof with what auditors need, on a chain that has some.
    #[must_use]
    pub fn with_handles(self, handles: impl Into<Option<Handles>>) -> Self {
        Self { handles: handles.into().map(Box::new), ..self }
    }

    /// The bytes, without the handles.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PROOF_BYTES] {
        &self.bytes
    }

    /// What auditors need, on a chain that has some.
    #[must_use]
    pub fn handles(&self) -> Option<&Handles> {
        self.handles.as_deref()
    }

    pub(crate) fn audit(&self) -> Audit {
        if self.handles.is_some() { Audit::Audited } else { Audit::Unaudited }
    }

    /// The part that a rewind reads.
    #[must_use]
    pub fn head(&self) -> ProofHead {
        let mut head = [0; REWIND_BYTES];
        head.copy_from_slice(&self.bytes[..REWIND_BYTES]);
        ProofHead { bytes: head, handles: self.handles.clone() }
    }

    /// The hashes of the part that a rewind reads, and of the rest.
    #[must_use]
    pub(crate) fn parts(&self) -> [Hash; 2] {
        [self.head().hash(), self.rest()]
    }

    /// The second of [`Self::parts`].
    pub(crate) fn rest(&self) -> Hash {
        tagged(tag::PROOF_PART, &[&self.bytes[REWIND_BYTES..]])
    }

    /// Element `i` of 21.
    pub(crate) fn element(&self, i: usize) -> [u8; 32] {
        element(&*self.bytes, i)
    }

    /// Whether the five scalars are canonical: t_x, t_x_blinding, e_blinding, a and b.
    #[must_use]
    pub(crate) fn scalars_are_canonical(&self) -> bool {
        [4, 5, 6, 19, 20].iter().all(|i| is_canonical(&words(&self.element(*i))))
    }
}

impl Encode for RangeProof {
    fn encode(&self, out: &mut Vec<u8>) {
        self.bytes.encode(out);
        self.handles.iter().for_each(|handles| handles.encode(out));
    }
}

impl Decode for RangeProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_on(Audit::Unaudited, r)
    }
}

impl RangeProof {
    /// Reads a proof, with handles if the output is audited.
    pub(crate) fn decode_on(audit: Audit, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = Box::new(r.array()?);
        Ok(Self { bytes, handles: Handles::decode_if(audit, r)? })
    }
}

impl fmt::Debug for RangeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeProof({:02x}{:02x}…)", self.bytes[0], self.bytes[1])
    }
}

/// The first [`REWIND_BYTES`] of a range proof and its handles: enough to rewind it, not to verify it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofHead {
    bytes: [u8; REWIND_BYTES],
    handles: Option<Box<Handles>>,
}

impl ProofHead {
    /// The bytes, without the handles.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; REWIND_BYTES] {
        &self.bytes
    }

    /// What auditors need, on a chain that has some.
    #[must_use]
    pub fn handles(&self) -> Option<&Handles> {
        self.handles.as_deref()
    }

    pub(crate) fn audit(&self) -> Audit {
        if self.handles.is_some() { Audit::Audited } else { Audit::Unaudited }
    }

    /// The first of [`RangeProof::parts`].
    pub(crate) fn hash(&self) -> Hash {
        tagged(tag::PROOF_PART, &[&self.bytes, self.handles().map_or(&[][..], |h| h.as_bytes())])
    }

    /// Element `i` of seven.
    pub(crate) fn element(&self, i: usize) -> [u8; 32] {
        element(&self.bytes, i)
    }

    /// The challenge x, from the transcript replayed up to T₂.
    pub(crate) fn replay_to_x(&self, context: &OutputContext, c: &Commitment) -> Scalar {
        let head = core::array::from_fn(|i| self.element(i));
        replay(&mut context.transcript(), c.as_bytes(), &head, self.handles()).x
    }

    /// Reads a head, with handles if the output is audited.
    pub(crate) fn decode(audit: Audit, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = r.array()?;
        Ok(Self { bytes, handles: Handles::decode_if(audit, r)? })
    }
}

impl Encode for ProofHead {
    fn encode(&self, out: &mut Vec<u8>) {
        self.bytes.encode(out);
        self.handles.iter().for_each(|handles| handles.encode(out));
    }
}

impl fmt::Debug for ProofHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofHead({:02x}{:02x}…)", self.bytes[0], self.bytes[1])
    }
}

/// What a rewind key reads from a proof: the amount, and the index of the blinding factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The committed amount.
    pub amount: Amount,
    /// The random index from which the owner derives the blinding factor.
    pub index: [u8; 12],
}

impl Opening {
    /// `M = amount (8, LE) ‖ index (12) ‖ 0¹²`: below 2²⁴⁸, so canonical.
    pub(crate) fn message(&self) -> Scalar {
        let mut m = Zeroizing::new([0u8; 32]);
        m[..8].copy_from_slice(&self.amount.units().to_le_bytes());
        m[8..20].copy_from_slice(&self.index);
        Scalar::from_bytes_mod_order(*m)
    }

    fn from_message(m: Scalar) -> Option<Self> {
        let m = m.to_bytes();
        let (amount, index, tag): ([u8; 8], [u8; 12], [u8; 12]) =
            (m[..8].try_into().ok()?, m[8..20].try_into().ok()?, m[20..].try_into().ok()?);
        (tag == [0; 12]).then(|| Self { amount: Amount::new(u64::from_le_bytes(amount)), index })
    }
}

/// A key that reads the amounts of the proofs made with it, and nothing else.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RewindKey(pub [u8; 32]);

/// A key that hides the blinding factor from the rewind key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TauKey(pub [u8; 32]);

/// What all scalars of one proof that a key derives are hashed of.
pub(crate) fn keyed(tag: &[u8], key: &[u8; 32], proven: &Proven<'_>) -> Zeroizing<Vec<u8>> {
    let Proven { context, commitment, halves } = proven;
    let len = (context.prefix().len() as u64).to_le_bytes();
    Zeroizing::new([tag, key, commitment.as_bytes(), &len, context.prefix(), halves].concat())
}

/// What a range proof is about: all that its challenges depend on before its first element.
pub(crate) struct Proven<'a> {
    pub(crate) context: &'a OutputContext,
    pub(crate) commitment: &'a Commitment,
    /// C_hi ‖ D_lo ‖ D_hi, empty on a chain without auditors.
    pub(crate) halves: &'a [u8],
}

pub(crate) fn scalar(prefix: &[u8], i: u64) -> SecretScalar {
    numbered(Sha512::new_with_prefix(prefix), i)
}

/// s₀ and s₁, whose hashes share what they begin with.
pub(crate) fn first_scalars(prefix: &[u8]) -> [SecretScalar; 2] {
    let begun = Sha512::new_with_prefix(prefix);
    [numbered(begun.clone(), 0), numbered(begun, 1)]
}

fn numbered(begun: Sha512, i: u64) -> SecretScalar {
    let wide: Zeroizing<[u8; 64]> = Zeroizing::new(begun.chain_update(i.to_le_bytes()).finalize().into());
    SecretScalar::from_wide(&wide)
}
