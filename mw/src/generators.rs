//! The generators that all range proofs share, as the `bulletproofs` crate derives them, and tables of their
//! multiples.
//!
//! A proof of m amounts of 64/m bits takes 64/m generators Gᵢ and Hᵢ of each of m parties. Together with H,
//! which carries amounts, and G, which carries blinding factors, they are 130.

use crate::{
    group::{Element, h},
    msm::{self, Backend, FixedBases},
};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use sha3::{
    Shake256,
    digest::{ExtendableOutput, Update, XofReader},
};
use std::sync::OnceLock;

/// One value for each of the 130 generators that all range proofs share.
#[derive(Clone, Debug)]
pub(crate) struct StaticBases<T> {
    pub(crate) g: [T; 64],
    pub(crate) h: [T; 64],
    /// For H, the value generator.
    pub(crate) value: T,
    /// For G, the blinding generator.
    pub(crate) blinding: T,
}

impl<T: Copy> StaticBases<T> {
    pub(crate) const fn filled(x: T) -> Self {
        Self { g: [x; 64], h: [x; 64], value: x, blinding: x }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.g.iter().chain(&self.h).chain([&self.value, &self.blinding])
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.g.iter_mut().chain(&mut self.h).chain([&mut self.value, &mut self.blinding])
    }
}

/// The generators of proofs of some number of amounts.
pub(crate) struct Generators {
    /// As elements, for sums in constant time.
    pub(crate) elements: StaticBases<Element>,
    /// With their multiples, for sums of public products.
    pub(crate) tables: FixedBases,
}

impl Generators {
    /// Those of proofs of `parties` amounts of 64/`parties` bits, computed on first use; `None` unless there
    /// are 1, 2, 4 or 8 amounts.
    pub(crate) fn of(parties: usize) -> Option<&'static Self> {
        static ALL: [OnceLock<Option<Generators>>; 4] = [const { OnceLock::new() }; 4];
        let i = [1, 2, 4, 8].iter().position(|n| *n == parties)?;
        ALL.get(i)?.get_or_init(|| Self::new(parties)).as_ref()
    }

    fn new(parties: usize) -> Option<Self> {
        let elements = derive(parties);
        let encoded: Vec<_> = elements.iter().map(|g| g.compress().to_bytes()).collect();
        let backend = Backend::detect();
        let tables = FixedBases::new(backend, &msm::decode_here(backend, &encoded)?);
        Some(Self { elements, tables })
    }
}

/// The derivation of the `bulletproofs` crate: a stream for each party and each of G and H.
fn derive(parties: usize) -> StaticBases<Element> {
    let bits = 64 / parties;
    let chain = |name: u8| -> [Element; 64] {
        let mut stream = Shake256::default().finalize_xof();
        core::array::from_fn(|i| {
            if i % bits == 0 {
                let seed = [b"GeneratorsChain", &[name][..], &((i / bits) as u32).to_le_bytes()].concat();
                stream = Shake256::default().chain(seed).finalize_xof();
            }
            let mut wide = [0; 64];
            stream.read(&mut wide);
            Element::from_uniform_bytes(&wide)
        })
    };
    StaticBases { g: chain(b'G'), h: chain(b'H'), value: h(), blinding: RISTRETTO_BASEPOINT_POINT }
}

/// The pair (H, G) in the form that the `bulletproofs` crate takes.
#[cfg(test)]
pub(crate) fn pedersen() -> bulletproofs::PedersenGens {
    bulletproofs::PedersenGens { B: h(), B_blinding: RISTRETTO_BASEPOINT_POINT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Point;
    use bulletproofs::{BulletproofGens, PedersenGens};

    /// The crate does not show its Hᵢ; that the prover's bytes are the crate's covers them.
    #[test]
    fn derived_as_the_crate_does() {
        for parties in [1, 2, 4, 8] {
            let bits = 64 / parties;
            let crates = BulletproofGens::new(bits, parties);
            let ours = derive(parties);
            for (party, g) in ours.g.chunks(bits).enumerate() {
                assert!(crates.share(party).G(bits).eq(g), "party {party} of {parties}");
            }
        }
        assert!(Generators::of(3).is_none() && Generators::of(0).is_none());
    }

    /// H differs from G and from every generator of the range proof: a shared one would break binding.
    #[test]
    fn generators_differ() {
        let pc = PedersenGens::default();
        let ours = derive(1);
        let mut all: Vec<Point> = ours.g.iter().chain(&ours.h).map(|p| Point::from(*p)).collect();
        all.extend([Point::from(pc.B), Point::from(pc.B_blinding)]);
        assert!(!all.contains(&Point::h()));
        assert_ne!(Point::h(), Point::g());
        assert!(!Point::h().is_identity());
    }
}
