//! Range proofs: 672 bytes that show `0 ≤ v < 2⁶⁴` for `C = v·H + r·G`, and bind the output they belong to.
//!
//! Bulletproofs (Bünz et al. 2018) by the `bulletproofs` crate, single proofs only, so that outputs stay separable.
//! The transcript first absorbs chain id, features and extra data: a proof copied to another output fails.
//!
//! **Rewind.** None of the prover's 132 random scalars is random. With `P` the absorbed prefix,
//!
//! ```text
//! sᵢ = H512→scalar("sotto/rewind/v1", rewind key, C, len(P), P, i)    i = 0…129:  α, ρ, s_L, s_R
//! τᵢ = the same under "sotto/tau/v1" and the private key              i = 130, 131
//! α  = s₀ + M,   M = amount (8) ‖ index (12) ‖ 0¹²
//! ```
//!
//! The proof carries `e_blinding = α + ρ·x`, so who has the rewind key finds `M = e_blinding − s₀ − s₁·x` from a
//! transcript alone, without a curve operation; a foreign proof gives a scalar whose twelve tag bytes are not zero.
//! The blinding factor stays hidden behind the τ. Because every scalar depends on C and P, proving twice gives the same
//! bytes: two different proofs under the same nonces would reveal the amount or the blinding factor.
//!
//! Not constant time: the crate's inner-product step multiplies blinded vectors in variable time.

mod rewind;

pub use rewind::Replayed;

use crate::{
    amount::Amount,
    batch,
    commitment::Commitment,
    group::{Scalar, bulletproof, pedersen, scalar_from_bytes},
    secret::SecretScalar,
    transcript::{OutputContext, tag},
};
use bulletproofs::RangeProof as Bulletproof;
use core::fmt;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a single 64-bit proof: 21 elements of 32 bytes.
pub const PROOF_BYTES: usize = 672;

/// Bytes of a proof that a rewind reads: A, S, T₁, T₂, t_x, t_x_blinding, e_blinding.
pub const REWIND_BYTES: usize = 224;

/// A range proof's bytes; its five scalars are known to be canonical only after [`crate::rules`] looked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeProof(pub(crate) Box<[u8; PROOF_BYTES]>);

impl RangeProof {
    /// The proof with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PROOF_BYTES]) -> Self {
        Self(Box::new(*bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PROOF_BYTES] {
        &self.0
    }

    /// The part that a rewind reads.
    #[must_use]
    pub fn head(&self) -> ProofHead {
        let mut head = [0; REWIND_BYTES];
        head.copy_from_slice(&self.0[..REWIND_BYTES]);
        ProofHead(head)
    }

    /// The i-th of its 21 elements.
    pub(crate) fn element(&self, i: usize) -> [u8; 32] {
        element(&*self.0, i)
    }

    /// Whether its five scalars are canonical: t_x, t_x_blinding, e_blinding, a and b.
    #[must_use]
    pub(crate) fn scalars_are_canonical(&self) -> bool {
        [4, 5, 6, 19, 20].iter().all(|i| scalar_from_bytes(self.element(*i)).is_some())
    }
}

impl fmt::Debug for RangeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeProof({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// The first [`REWIND_BYTES`] of a range proof: enough to rewind it, not to verify it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofHead(pub(crate) [u8; REWIND_BYTES]);

impl ProofHead {
    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; REWIND_BYTES] {
        &self.0
    }

    /// The i-th of its seven elements.
    pub(crate) fn element(&self, i: usize) -> [u8; 32] {
        element(&self.0, i)
    }

    /// The challenge x, from the transcript replayed up to T₂.
    pub(crate) fn replay_to_x(&self, context: &OutputContext, c: &Commitment) -> Scalar {
        let mut t = context.transcript();
        t.append_message(b"dom-sep", b"rangeproof v1");
        t.append_u64(b"n", 64);
        t.append_u64(b"m", 1);
        t.append_message(b"V", c.as_bytes());
        t.append_message(b"A", &self.element(0));
        t.append_message(b"S", &self.element(1));
        // y and z are drawn, since drawing changes what is drawn later.
        let (_, _) = (challenge(&mut t, b"y"), challenge(&mut t, b"z"));
        t.append_message(b"T_1", &self.element(2));
        t.append_message(b"T_2", &self.element(3));
        challenge(&mut t, b"x")
    }
}

impl fmt::Debug for ProofHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofHead({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// The i-th element of a proof or of its head.
fn element(bytes: &[u8], i: usize) -> [u8; 32] {
    let mut e = [0; 32];
    e.copy_from_slice(&bytes[32 * i..32 * i + 32]);
    e
}

fn challenge(t: &mut Transcript, label: &'static [u8]) -> Scalar {
    let mut wide = [0; 64];
    t.challenge_bytes(label, &mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// What the owner of a rewind key reads from a proof: the opening without its blinding factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The committed amount.
    pub amount: Amount,
    /// The random index from which its blinding factor is derived.
    pub index: [u8; 12],
}

impl Opening {
    /// `M = amount (8, LE) ‖ index (12) ‖ 0¹²`: below 2²⁴⁸, so canonical.
    fn message(&self) -> Scalar {
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

/// Sees amounts of the proofs made with it, and nothing else.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RewindKey(pub [u8; 32]);

/// Keeps the blinding factor out of a rewind key's reach.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TauKey(pub [u8; 32]);

/// The scalars of one proof, served to the crate as if they were random.
///
/// The crate draws exactly 132 scalars of 64 bytes in the order α, ρ, s_L (64), s_R (64), τ₁, τ₂.
struct Scripted {
    rewind: Zeroizing<Vec<u8>>,
    tau: Zeroizing<Vec<u8>>,
    message: SecretScalar,
    next: u64,
}

fn keyed(tag: &[u8], key: &[u8; 32], context: &OutputContext, c: &Commitment) -> Zeroizing<Vec<u8>> {
    let len = (context.prefix().len() as u64).to_le_bytes();
    Zeroizing::new([tag, key, c.as_bytes(), &len, context.prefix()].concat())
}

fn scalar(prefix: &[u8], i: u64) -> SecretScalar {
    let wide: Zeroizing<[u8; 64]> =
        Zeroizing::new(Sha512::new_with_prefix(prefix).chain_update(i.to_le_bytes()).finalize().into());
    SecretScalar::from_wide(&wide)
}

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        let s = match self.next {
            0 => scalar(&self.rewind, 0).add(&self.message),
            i @ 1..=129 => scalar(&self.rewind, i),
            i => scalar(&self.tau, i),
        };
        self.next += 1;
        dest.fill(0);
        let bytes = s.to_bytes();
        let n = dest.len().min(32);
        dest[..n].copy_from_slice(&bytes[..n]);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

/// Proves that `opening.amount`, blinded by `r`, is in range; returns the commitment and the proof.
///
/// The same arguments give the same bytes.
///
/// # Errors
/// [`ProveError`] when the crate refuses or draws its randomness in another order than this file relies on.
pub(crate) fn prove(
    context: &OutputContext,
    opening: &Opening,
    r: &SecretScalar,
    (rewind, tau): (&RewindKey, &TauKey),
) -> Result<(Commitment, RangeProof), ProveError> {
    let c = Commitment::new(opening.amount, r);
    let mut rng = Scripted {
        rewind: keyed(tag::REWIND, &rewind.0, context, &c),
        tau: keyed(tag::TAU, &tau.0, context, &c),
        message: opening.message().into(),
        next: 0,
    };
    let v = opening.amount.units();
    let mut t = context.transcript();
    let (proof, _) =
        Bulletproof::prove_single_with_rng(bulletproof(), pedersen(), &mut t, v, r.expose(), 64, &mut rng)
            .map_err(|_| ProveError)?;
    let bytes: [u8; PROOF_BYTES] = proof.to_bytes().try_into().map_err(|_| ProveError)?;
    let proof = RangeProof(Box::new(bytes));
    // Before release: the proof must rewind to its opening and verify, or nothing leaves.
    let rewinds = rng.next == 132 && rewinds_to(&proof, context, &c, rewind) == Some(*opening);
    if rewinds && verifies(&proof, context, &c) { Ok((c, proof)) } else { Err(ProveError) }
}

/// Whether the proof holds for `c` in `context`.
pub(crate) fn verifies(proof: &RangeProof, context: &OutputContext, c: &Commitment) -> bool {
    batch::all_hold(&[batch::Claim { proof, commitment: c, context: context.clone() }], &[])
}

fn rewinds_to(
    proof: &RangeProof,
    context: &OutputContext,
    c: &Commitment,
    key: &RewindKey,
) -> Option<Opening> {
    Replayed::new(&proof.head(), context.clone(), c)?.rewind(key)
}

/// The proof could not be made; nothing was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the range proof could not be made soundly")]
pub struct ProveError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{block::ChainId, hash::Hash, transaction::OutputFeatures};

    fn context(extra: &[u8]) -> OutputContext {
        OutputContext::new(&ChainId(Hash::ZERO), OutputFeatures::Plain, extra)
    }

    const KEYS: (&RewindKey, &TauKey) = (&RewindKey([1; 32]), &TauKey([2; 32]));
    const OPENING: Opening = Opening { amount: Amount::new(987_654_321), index: *b"twelve bytes" };

    fn proven(extra: &[u8]) -> (Commitment, RangeProof) {
        prove(&context(extra), &OPENING, &Scalar::from(77u64).into(), KEYS).unwrap()
    }

    #[test]
    fn rewinds_with_its_key_only() {
        let (c, p) = proven(b"");
        assert_eq!(rewinds_to(&p, &context(b""), &c, KEYS.0), Some(OPENING));
        assert_eq!(rewinds_to(&p, &context(b""), &c, &RewindKey([3; 32])), None);
        assert_eq!(rewinds_to(&p, &context(b"x"), &c, KEYS.0), None);
    }

    #[test]
    fn proving_twice_gives_the_same_bytes_and_other_contexts_other_nonces() {
        let (_, p) = proven(b"");
        assert_eq!(p, proven(b"").1);
        let q = proven(b"extra").1;
        // A, S, T₁, T₂ all differ: no nonce is shared between two contexts of one commitment.
        (0..4).for_each(|i| assert_ne!(p.element(i), q.element(i)));
    }

    #[test]
    fn binds_the_whole_output() {
        let (c, p) = proven(b"");
        assert!(verifies(&p, &context(b""), &c));
        assert!(!verifies(&p, &context(b"x"), &c));
        let coinbase = OutputContext::new(&ChainId(Hash::ZERO), OutputFeatures::Coinbase, b"");
        assert!(!verifies(&p, &coinbase, &c));
        let foreign = OutputContext::new(&ChainId(Hash([1; 32])), OutputFeatures::Plain, b"");
        assert!(!verifies(&p, &foreign, &c));
        assert!(!verifies(&p, &context(b""), &Commitment::new(OPENING.amount, &Scalar::from(78u64).into())));
    }

    #[test]
    fn every_element_counts() {
        let (c, p) = proven(b"");
        for i in 0..21 {
            let mut bad = p.clone();
            bad.0[32 * i] ^= 1;
            assert!(!verifies(&bad, &context(b""), &c), "element {i}");
        }
    }

    #[test]
    fn non_canonical_scalars_are_seen() {
        let (_, mut p) = proven(b"");
        assert!(p.scalars_are_canonical());
        p.0[32 * 20 + 31] = 0xff;
        assert!(!p.scalars_are_canonical());
    }
}
