//! One-sided payments: the receiver only publishes an address.
//!
//! An output names two keys: `R = r·G` of its sender, and `K_o` of its receiver. An input that spends it adds
//! a fresh key `D = d·G` and signs under `D + h·K_o`, so only the receiver can spend. A *bond* `X = x·G`
//! beside a kernel ties the keys of one transaction together without naming any of them:
//!
//! ```text
//! Σ R (outputs) + Σ (D − K_o) (inputs) = Σ X (bonds) + y·G          y = Σ r + Σ (d − k_o) − x
//!
//! ρ  signature under R        of (chain id, C, R, K_o, view tag, extra, p₁, p₂)
//! ψ  signature under D + h·K_o of (chain id, C, K_o, D),   h = hash of the same
//! σ  signature under X        of (E, m),   E, m: excess and message of the kernel
//! ```
//!
//! y is public, like the offset: it is uniform because x is, so it reveals nothing, and it adds up when
//! transactions are joined. ρ keeps R from being made of the keys of others, ψ proves the logarithms of D and
//! K_o, the sum binds all items to the bonds, and σ binds the bonds to fee and window. A kernel keeps its
//! bytes; bonds, keys and y vanish with the body.
//!
//! Guaranteed: who knows the amount and the blinding factor of such an output, and even its sender, cannot
//! spend it. Not guaranteed: anything once the discrete logarithm is broken; anonymity of the receiver
//! towards who holds its view key.
//!
//! Source: Fuchsbauer and Orrù, "Non-interactive Mimblewimble transactions, revisited" (2022), section 5; the
//! bond is ours: see `docs/adr/0009-one-sided-payments.md`.

use crate::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader, fields},
    commitment::Commitment,
    group::{Point, Scalar, mul_g},
    hash::{Hash, tagged, tagged_scalar},
    kernel::Kernel,
    schnorr::{PublicKey, Signature, SignedMessage, h2, nonce, sign},
    secret::SecretScalar,
    tag,
};
use rand_core::{CryptoRng, RngCore};

/// The keys that a one-sided output names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneSidedKeys {
    /// R, made by the sender for this output.
    pub sender: PublicKey,
    /// K_o, which the receiver alone can sign for.
    pub receiver: PublicKey,
    /// One byte by which a receiver passes over most outputs of others.
    pub view_tag: u8,
}

impl Encode for OneSidedKeys {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sender.encode(out);
        self.receiver.encode(out);
        out.push(self.view_tag);
    }
}

impl Decode for OneSidedKeys {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { sender: PublicKey::decode(r)?, receiver: PublicKey::decode(r)?, view_tag: r.u8()? })
    }
}

impl OneSidedKeys {
    /// The message of ρ; `rest` is what the output holds beside its commitment and these keys.
    pub(crate) fn message(&self, chain: &ChainId, c: &Commitment, rest: &[u8]) -> Vec<u8> {
        let start = [tag::ONE_SIDED_OUTPUT.as_bytes(), chain.as_bytes(), c.as_bytes()].concat();
        [start.as_slice(), &self.to_bytes(), rest].concat()
    }
}

/// What only a one-sided output has: its keys, and the sender's signature or, where it is not verified, its
/// hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneSided<S = Signature> {
    /// Both keys and the view tag.
    pub keys: OneSidedKeys,
    /// ρ, or its hash.
    pub signature: S,
}

impl OneSided {
    /// The keys and the hash of ρ, as a trie leaf and rewind data hold them.
    #[must_use]
    pub fn hashed(&self) -> OneSided<Hash> {
        let hash = tagged(tag::SENDER_SIGNATURE, &[&self.signature.to_bytes()]);
        OneSided { keys: self.keys, signature: hash }
    }
}

impl<S: Encode> Encode for OneSided<S> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.keys.encode(out);
        self.signature.encode(out);
    }
}

impl<S: Decode> Decode for OneSided<S> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { keys: OneSidedKeys::decode(r)?, signature: S::decode(r)? })
    }
}

/// An input that spends a one-sided output. It names no kernel, and is judged without the state but for
/// MW-R24 and MW-R38.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneSidedInput {
    /// The commitment of the output that it spends.
    pub commitment: Commitment,
    /// K_o of that output.
    pub receiver: PublicKey,
    /// D, made for this input.
    pub fresh: PublicKey,
    /// ψ, under D + h·K_o.
    pub signature: Signature,
}

fields!(OneSidedInput { commitment, receiver, fresh, signature });

impl OneSidedInput {
    /// The size of the encoding.
    pub(crate) const BYTES: usize = 160;

    /// Spends the output `commitment`, whose key has the secret `k_o`. Also returns `d − k_o`, this input's
    /// part of y.
    pub fn sign(
        chain: &ChainId,
        commitment: Commitment,
        k_o: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> (Self, SecretScalar) {
        let bound = [tag::ONE_SIDED_FRESH.as_bytes(), chain.as_bytes(), commitment.as_bytes()].concat();
        let d = nonce(k_o, &bound, rng);
        let (receiver, fresh) = (PublicKey::of(k_o), PublicKey::of(&d));
        let m = input_message(chain, &commitment, &receiver, &fresh);
        let h = input_factor(chain, &commitment, &receiver, &fresh);
        let key = SecretScalar::from(d.expose() + h * k_o.expose());
        let n = nonce(&key, &m, rng);
        let r = Point::from(mul_g(n.expose()));
        let z = n.expose() + h2(&r, fresh.point(), &m) * key.expose();
        let signature = Signature { r, z };
        (Self { commitment, receiver, fresh, signature }, d.sub(k_o))
    }

    /// ψ as a signed message, for a batch.
    pub(crate) fn signed(&self, chain: &ChainId) -> SignedMessage {
        let Self { commitment, receiver, fresh, signature } = self;
        let message = input_message(chain, commitment, receiver, fresh);
        let h = input_factor(chain, commitment, receiver, fresh);
        SignedMessage { second: Some((*receiver, h)), ..SignedMessage::new(*fresh, message, *signature) }
    }
}

fn input_message(chain: &ChainId, c: &Commitment, receiver: &PublicKey, fresh: &PublicKey) -> Vec<u8> {
    let keys = [receiver.as_bytes().as_slice(), fresh.as_bytes()].concat();
    [tag::ONE_SIDED_INPUT.as_bytes(), chain.as_bytes(), c.as_bytes(), &keys].concat()
}

/// h. It depends on D, so that no choice of D cancels K_o.
fn input_factor(chain: &ChainId, c: &Commitment, receiver: &PublicKey, fresh: &PublicKey) -> Scalar {
    let parts: [&[u8]; 4] = [chain.as_bytes(), c.as_bytes(), receiver.as_bytes(), fresh.as_bytes()];
    tagged_scalar(tag::ONE_SIDED_INPUT_KEY, &parts)
}

/// A bond: a key X beside a kernel, and the signature of that kernel under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    /// X.
    pub key: PublicKey,
    /// σ.
    pub signature: Signature,
}

fields!(Bond { key, signature });

impl Bond {
    /// Signs `kernel` with x, which must be uniform and fresh: with an x used twice, others could swap items
    /// between the two transactions.
    pub fn sign(
        chain: &ChainId,
        kernel: &Kernel,
        x: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        Self { key: PublicKey::of(x), signature: sign(x, &bond_message(chain, kernel), rng) }
    }

    /// σ as a signed message, for a batch.
    pub(crate) fn signed(&self, chain: &ChainId, kernel: &Kernel) -> SignedMessage {
        SignedMessage::new(self.key, bond_message(chain, kernel), self.signature)
    }
}

fn bond_message(chain: &ChainId, kernel: &Kernel) -> Vec<u8> {
    [tag::BOND.as_bytes(), kernel.excess.as_bytes(), &kernel.features.message(chain)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{amount::Amount, batch::verify_signatures};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    const CHAIN: ChainId = ChainId::from_bytes([7; 32]);

    fn coin(v: u64) -> Commitment {
        Commitment::new(Amount::new(v), &Scalar::from(3u64).into())
    }

    /// `D = d·G − K_o`: without h, d alone would sign for D + K_o.
    #[test]
    fn a_fresh_key_that_cancels_the_outputs_key_is_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let [k_o, d, n] = core::array::from_fn(|_| SecretScalar::random(&mut rng));
        let (commitment, receiver) = (coin(5), PublicKey::of(&k_o));
        let fresh = Point::from(mul_g(d.expose()) - receiver.point().element());
        let fresh = PublicKey::from_point(fresh);
        let r = Point::from(mul_g(n.expose()));
        let c = h2(&r, fresh.point(), &input_message(&CHAIN, &commitment, &receiver, &fresh));
        let signature = Signature { r, z: n.expose() + c * d.expose() };
        let both = fresh.point().element() + receiver.point().element();
        assert_eq!(mul_g(&signature.z), r.element() + both * c, "under D + K_o it verifies");
        let rogue = OneSidedInput { commitment, receiver, fresh, signature };
        assert_eq!(verify_signatures(&[rogue.signed(&CHAIN)]), Err(0));
        let (honest, part) = OneSidedInput::sign(&CHAIN, commitment, &k_o, &mut rng);
        assert_eq!(verify_signatures(&[honest.signed(&CHAIN)]), Ok(()));
        let difference = honest.fresh.point().element() - honest.receiver.point().element();
        assert_eq!(mul_g(part.expose()), difference, "the input's part of y");
        assert_eq!(verify_signatures(&[honest.signed(&ChainId::from_bytes([8; 32]))]), Err(0));
    }

    /// Two inputs have two fresh keys and two nonces, even if the random source repeats itself.
    #[test]
    fn a_repeated_random_source_repeats_no_fresh_key() {
        let k_o = SecretScalar::from(Scalar::from(9u64));
        let signed = |chain: &ChainId, v| {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            OneSidedInput::sign(chain, coin(v), &k_o, &mut rng).0
        };
        let all = [signed(&CHAIN, 1), signed(&CHAIN, 2), signed(&ChainId::from_bytes([8; 32]), 1)];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert!(a.fresh != b.fresh && a.signature.r != b.signature.r);
            }
        }
        assert_eq!(signed(&CHAIN, 1), all[0]);
    }
}
