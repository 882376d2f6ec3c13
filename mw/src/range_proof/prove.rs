//! The prover: range proofs for m amounts of 64/m bits each, from given random scalars.
//!
//! ```text
//! A = α·G + Σ aᵢ·Gᵢ + (aᵢ − 1)·Hᵢ          aᵢ the bits       S = ρ·G + Σ s_Lᵢ·Gᵢ + s_Rᵢ·Hᵢ
//! l(X) = a − z + s_L·X                        r(X) = yⁱ(a − 1 + z + s_R·X) + z^(2+j)·2ᵏ      i = (64/m)·j + k
//! T₁ = t₁·H + τ₁·G     T₂ = t₂·H + τ₂·G      t(X) = ⟨l(X), r(X)⟩ = t₀ + t₁·X + t₂·X²
//! t = t(x)      τ = τ₁·x + τ₂·x² + Σ z^(2+j)·rⱼ      μ = α + ρ·x      then ⟨l, r⟩ = t by the inner-product argument
//! ```
//!
//! audited, m = 2 (handles.rs):   D_lo, D_hi = r_j·P are absorbed first;   T'₁ = τ₁·P, T'₂ = τ₂·P after T₂
//!
//! The bytes are those of the `bulletproofs` crate for the same scalars; the tests compare them.
//!
//! Constant time in the amounts, the blinding factors and the random scalars. Only the inner-product argument
//! is not: its vectors l and r are what the protocol without that argument sends in the clear, and that
//! protocol is zero-knowledge (Bünz et al. 2018, section 4.2 and theorem 3), so they tell nothing.
//!
//! Source: Bünz et al. 2018, sections 4.1 to 4.3.

use super::{
    PROOF_BYTES,
    inner_product::{self, BITS, inner, powers},
    transcript::{Challenges, begin, bind_handles, bind_terms, bind_vectors, challenge},
};
use crate::{
    generators::Generators,
    group::{Element, Scalar, constant_time_sum_of_products, mul_g, mul_h},
    secret::SecretScalar,
};
use core::array::from_fn;
use merlin::Transcript;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// One scalar for each bit.
type Vector = Zeroizing<[Scalar; BITS]>;

/// An amount, its blinding factor, and the encoded commitment to it.
pub(crate) struct Committed<'a> {
    pub(crate) amount: u64,
    pub(crate) blinding: &'a SecretScalar,
    pub(crate) commitment: &'a [u8; 32],
}

/// The prover's random scalars. Two different proofs under the same ones reveal the amounts.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Nonces {
    pub(crate) alpha: Scalar,
    pub(crate) rho: Scalar,
    pub(crate) s_l: [Scalar; BITS],
    pub(crate) s_r: [Scalar; BITS],
    pub(crate) tau: [Scalar; 2],
}

/// Proves that each amount is below 2^(64/m), m their number. The transcript may have absorbed a context.
///
/// `None` unless there are 1, 2, 4 or 8 amounts, each in range.
#[cfg(test)]
pub(crate) fn prove(
    t: &mut Transcript,
    committed: &[Committed<'_>],
    nonces: &Nonces,
) -> Option<[u8; PROOF_BYTES]> {
    prove_opening(t, committed, nonces, nonces)
}

/// The same, where what is committed under `nonces` is opened under others: a false proof, unless both are
/// the same. Tests make errors of a chosen size with it.
#[cfg(test)]
pub(crate) fn prove_opening(
    t: &mut Transcript,
    committed: &[Committed<'_>],
    nonces: &Nonces,
    opened: &Nonces,
) -> Option<[u8; PROOF_BYTES]> {
    let committing = Committing { committed, nonces, added: [crate::group::identity(); 2], handling: None };
    let (responses, challenges) = committing.respond(t, opened)?;
    responses.finish(t, challenges.y)
}

/// What a prover commits to: amounts, nonces, and what a co-owner adds to T₁ and T₂, to which it alone knows
/// the τ (`joint.rs`); otherwise nothing.
pub(crate) struct Committing<'a> {
    pub(crate) committed: &'a [Committed<'a>],
    pub(crate) nonces: &'a Nonces,
    pub(crate) added: [Element; 2],
    /// On a chain with auditors.
    pub(crate) handling: Option<Handling>,
}

/// How the proof of an audited output differs: P, the encodings of D_lo and D_hi, and what a co-owner adds to
/// T'₁ and T'₂.
pub(crate) struct Handling {
    pub(crate) auditors: Element,
    pub(crate) blindings: [[u8; 32]; 2],
    pub(crate) added: [Element; 2],
}

/// A proof before the inner-product argument: A, S, T₁, T₂, and what answers the challenge x.
///
/// None of it is secret once the proof is shown, but for a co-owner's part of `blinding`: l and r are what
/// the protocol without that argument sends.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Responses {
    pub(crate) amounts: usize,
    pub(crate) head: [[u8; 32]; 4],
    /// T'₁ and T'₂ of an audited output.
    pub(crate) terms: Option<[[u8; 32]; 2]>,
    pub(crate) l: [Scalar; BITS],
    pub(crate) r: [Scalar; BITS],
    /// t_x_blinding and e_blinding.
    pub(crate) blindings: [Scalar; 2],
}

impl Committing<'_> {
    /// Commits, and answers the challenge x with these nonces. The transcript stands after x then.
    pub(crate) fn respond(&self, t: &mut Transcript, opened: &Nonces) -> Option<(Responses, Challenges)> {
        let Self { committed, nonces, added, handling } = self;
        let generators = Generators::of(committed.len())?;
        let bits = BITS / committed.len();
        if committed.iter().any(|c| bits < 64 && c.amount >> bits != 0) {
            return None;
        }
        handling.iter().for_each(|h| bind_handles(t, &h.blindings));
        begin(t, &committed.iter().map(|c| c.commitment).collect::<Vec<_>>());
        let a: Zeroizing<[u8; BITS]> =
            Zeroizing::new(from_fn(|i| (committed[i / bits].amount >> (i % bits)) as u8 & 1));
        let vectors = [commit_bits(generators, &nonces.alpha, &a), commit_vectors(generators, nonces)];
        let vectors = vectors.map(|p| p.compress().to_bytes());
        let [y, z] = bind_vectors(t, &vectors);
        let z_powers: Vec<Scalar> = powers(z).skip(2).take(committed.len()).collect();
        let polynomials = Polynomials::new(&a, nonces, &Weights { y, z, z_powers: &z_powers });
        let [t1, t2] = polynomials.products();
        let term = |t: &_, tau: &_, added: Element| (mul_h(t) + mul_g(tau) + added).compress().to_bytes();
        let terms = [term(&t1, &nonces.tau[0], added[0]), term(&t2, &nonces.tau[1], added[1])];
        let of_auditors = handling.as_ref().map(|h| h.terms(&nonces.tau));
        let x = bind_terms(t, &terms, of_auditors.as_ref());

        let (l, r) = polynomials.at(x);
        let blinding = committed.iter().zip(&z_powers).map(|(c, z)| c.blinding.expose() * z);
        let t_x_blinding = (opened.tau[1] * x + opened.tau[0]) * x + blinding.sum::<Scalar>();
        let blindings = [t_x_blinding, opened.alpha + opened.rho * x];
        let head = [vectors[0], vectors[1], terms[0], terms[1]];
        let responses =
            Responses { amounts: committed.len(), head, terms: of_auditors, l: *l, r: *r, blindings };
        Some((responses, Challenges { y, z, x }))
    }
}

impl Handling {
    /// T'₁ and T'₂.
    fn terms(&self, tau: &[Scalar; 2]) -> [[u8; 32]; 2] {
        from_fn(|k| (self.auditors * tau[k] + self.added[k]).compress().to_bytes())
    }
}

impl Responses {
    /// The proof, from a transcript that stands after x.
    pub(crate) fn finish(&self, t: &mut Transcript, y: Scalar) -> Option<[u8; PROOF_BYTES]> {
        let generators = Generators::of(self.amounts)?;
        let t_x = inner(&self.l, &self.r);
        let scalars = [t_x, self.blindings[0], self.blindings[1]].map(|s| s.to_bytes());
        let labels = [&b"t_x"[..], b"t_x_blinding", b"e_blinding"];
        labels.into_iter().zip(&scalars).for_each(|(label, s)| t.append_message(label, s));
        let w = challenge(t, b"w");
        let argument = inner_product::prove(t, &generators.tables, [w, y.invert()], [self.l, self.r]);
        self.head.into_iter().chain(scalars).chain(argument).collect::<Vec<_>>().concat().try_into().ok()
    }
}

/// `α·G + Σ aᵢ·Gᵢ + (aᵢ − 1)·Hᵢ`, each bit's term selected in constant time.
fn commit_bits(generators: &Generators, alpha: &Scalar, bits: &[u8; BITS]) -> Element {
    let bases = &generators.elements;
    let terms = bases.g.iter().zip(&bases.h).zip(bits);
    terms.fold(mul_g(alpha), |sum, ((g, h), bit)| {
        sum + Element::conditional_select(&-h, g, Choice::from(*bit))
    })
}

/// `ρ·G + Σ s_Lᵢ·Gᵢ + s_Rᵢ·Hᵢ`.
fn commit_vectors(generators: &Generators, nonces: &Nonces) -> Element {
    let bases = &generators.elements;
    let scalars = nonces.s_l.iter().chain(&nonces.s_r);
    mul_g(&nonces.rho) + constant_time_sum_of_products(scalars, bases.g.iter().chain(&bases.h))
}

/// y, z, and `z², z³, …`, one for each amount.
struct Weights<'a> {
    y: Scalar,
    z: Scalar,
    z_powers: &'a [Scalar],
}

/// l(X) and r(X): constant and linear terms.
struct Polynomials {
    l: [Vector; 2],
    r: [Vector; 2],
}

impl Polynomials {
    fn new(bits: &[u8; BITS], nonces: &Nonces, weights: &Weights<'_>) -> Self {
        let Weights { y, z, z_powers } = *weights;
        let per_amount = BITS / z_powers.len();
        let a = |i: usize| Scalar::from(bits[i]);
        let y: Vec<Scalar> = powers(y).take(BITS).collect();
        let two_to = |k: usize| Scalar::from(1u64 << k);
        let constant =
            |i: usize| y[i] * (a(i) - Scalar::ONE + z) + z_powers[i / per_amount] * two_to(i % per_amount);
        Self {
            l: [Zeroizing::new(from_fn(|i| a(i) - z)), Zeroizing::new(nonces.s_l)],
            r: [Zeroizing::new(from_fn(constant)), Zeroizing::new(from_fn(|i| y[i] * nonces.s_r[i]))],
        }
    }

    /// t₁ and t₂.
    fn products(&self) -> [Scalar; 2] {
        let ([l0, l1], [r0, r1]) = (&self.l, &self.r);
        [inner(&**l0, &**r1) + inner(&**l1, &**r0), inner(&**l1, &**r1)]
    }

    /// l(x) and r(x).
    fn at(&self, x: Scalar) -> (Vector, Vector) {
        let at = |[p0, p1]: &[Vector; 2]| Zeroizing::new(from_fn(|i| p0[i] + p1[i] * x));
        (at(&self.l), at(&self.r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{amount::Amount, commitment::Commitment, generators::pedersen};
    use bulletproofs::{BulletproofGens, RangeProof};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use rand_core::{CryptoRng, RngCore};

    fn random(seed: u64) -> Nonces {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut next = || Scalar::random(&mut rng);
        Nonces {
            alpha: next(),
            rho: next(),
            s_l: from_fn(|_| next()),
            s_r: from_fn(|_| next()),
            tau: from_fn(|_| next()),
        }
    }

    /// What the crate draws: α, ρ, s_L, s_R, τ₁, τ₂.
    struct Scripted(std::vec::IntoIter<Scalar>);

    impl RngCore for Scripted {
        fn next_u32(&mut self) -> u32 {
            rand_core::impls::next_u32_via_fill(self)
        }
        fn next_u64(&mut self) -> u64 {
            rand_core::impls::next_u64_via_fill(self)
        }
        fn fill_bytes(&mut self, out: &mut [u8]) {
            out.fill(0);
            out[..32].copy_from_slice(self.0.next().unwrap().as_bytes());
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
            self.fill_bytes(out);
            Ok(())
        }
    }
    impl CryptoRng for Scripted {}

    /// Our proof of these amounts, and the commitments.
    fn proven(amounts: &[u64], nonces: &Nonces) -> (Option<[u8; PROOF_BYTES]>, Vec<Commitment>) {
        let blindings: Vec<SecretScalar> =
            (0..amounts.len()).map(|j| Scalar::from(1000 + j as u64).into()).collect();
        let commitments: Vec<_> =
            amounts.iter().zip(&blindings).map(|(v, r)| Commitment::new(Amount::new(*v), r)).collect();
        let committed: Vec<_> = (0..amounts.len())
            .map(|j| Committed {
                amount: amounts[j],
                blinding: &blindings[j],
                commitment: commitments[j].as_bytes(),
            })
            .collect();
        (prove(&mut Transcript::new(b"test"), &committed, nonces), commitments)
    }

    #[test]
    fn the_bytes_of_the_crate() {
        for (seed, amount) in [0, 1, 0x8000_0000_0000_0001, u64::MAX, 987_654_321].into_iter().enumerate() {
            let nonces = random(seed as u64);
            let scalars = [nonces.alpha, nonces.rho].into_iter().chain(nonces.s_l).chain(nonces.s_r);
            let mut rng = Scripted(scalars.chain(nonces.tau).collect::<Vec<_>>().into_iter());
            let (gens, r) = (BulletproofGens::new(64, 1), Scalar::from(1000u64));
            let mut t = Transcript::new(b"test");
            let theirs =
                RangeProof::prove_single_with_rng(&gens, &pedersen(), &mut t, amount, &r, 64, &mut rng);
            let ours = proven(&[amount], &nonces).0.unwrap();
            assert_eq!(ours.to_vec(), theirs.unwrap().0.to_bytes(), "{amount}");
        }
    }

    #[test]
    fn the_crate_accepts_one_to_eight_amounts() {
        for amounts in
            [&[u64::MAX][..], &[u32::MAX.into(), 7], &[1, 0, 65_535, 3], &[1, 2, 3, 255, 5, 6, 7, 8]]
        {
            let (m, bits) = (amounts.len(), 64 / amounts.len());
            let (proof, commitments) = proven(amounts, &random(m as u64));
            let proof = RangeProof::from_bytes(&proof.unwrap()).unwrap();
            let mut v: Vec<_> = commitments.iter().map(|c| c.point().element().compress()).collect();
            let gens = BulletproofGens::new(bits, m);
            let verify = |v: &[_]| {
                let mut rng = ChaCha20Rng::seed_from_u64(0);
                let mut t = Transcript::new(b"test");
                proof.verify_multiple_with_rng(&gens, &pedersen(), &mut t, v, bits, &mut rng).is_ok()
            };
            assert!(verify(&v), "{m} amounts");
            v.reverse();
            assert_eq!(verify(&v), m == 1, "{m} amounts in another order");
        }
    }

    #[test]
    fn out_of_range_or_of_an_odd_number_is_refused() {
        let nonces = random(0);
        for amounts in [&[1 << 32, 0][..], &[0, 1 << 32], &[256; 8], &[], &[1; 3], &[1; 16]] {
            assert!(proven(amounts, &nonces).0.is_none(), "{amounts:?}");
        }
    }
}
