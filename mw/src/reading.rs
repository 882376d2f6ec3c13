//! Reading audited amounts: the points of an output that auditors multiply by their key, and the amount from the products.
//!
//! ```text
//! C_lo = C − 2³²·C_hi     S_j = y·C_j     S_j − D_j = v_j·K     K = y·H     v = v_lo + 2³²·v_hi
//! v_j = 2¹⁶·i + b:  v_j·K − i·(2¹⁶·K) = b·K       2¹⁶ baby steps b in a table, up to 2¹⁶ giant steps i
//! ```
//!
//! The caller has checked, by the auditors' proofs, that S_j and K come from one y. Guaranteed then: the amount is the one
//! that the output was made with, or none is found. Variable time: the reader learns the amount anyway.
//!
//! Points are compared by the encodings of their doubles, which are computed together (RFC 9496 has one encoding an element).
//!
//! Source: D. Shanks, "Class number, a theory of factorization, and genera", 1971 (baby steps, giant steps).

use crate::{
    amount::Amount,
    group::{Element, Point, Scalar, encodings_of_doubles, identity},
    output::Output,
};
use std::collections::HashMap;

/// Half of the bits of half an amount.
const STEPS: u32 = 1 << 16;
/// Giant steps that are encoded together.
const TOGETHER: u32 = 1 << 10;

/// The points of an output that auditors multiply by their key, and those that a reader subtracts from the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves {
    /// C_lo and C_hi.
    pub commitments: [Point; 2],
    /// D_lo and D_hi.
    pub handles: [Point; 2],
}

impl Halves {
    /// Those of an output; `None` unless it is audited and has points in their places, as every output in a block of a chain
    /// with auditors does.
    #[must_use]
    pub fn of(output: &Output) -> Option<Self> {
        let handles = output.proof.handles()?;
        let high = Point::from_bytes(handles.high())?;
        let [d_lo, d_hi] = handles.blindings().map(Point::from_bytes);
        let whole = output.commitment.point().element();
        let low = Point::from(whole - high.element() * Scalar::from(1u64 << 32));
        Some(Self { commitments: [low, high], handles: [d_lo?, d_hi?] })
    }
}

/// Finds v < 2³² of v·K.
pub struct AmountTable {
    /// The encodings of 2·b·K.
    baby: HashMap<[u8; 32], u32>,
    /// 2¹⁶·K.
    giant: Element,
}

impl core::fmt::Debug for AmountTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AmountTable").finish_non_exhaustive()
    }
}

impl AmountTable {
    /// The table of K = y·H; `None` for the identity, under which all amounts are alike.
    #[must_use]
    pub fn new(k: &Point) -> Option<Self> {
        if k.is_identity() {
            return None;
        }
        let steps: Vec<Element> = multiples(identity(), k.element()).take(STEPS as usize).collect();
        let baby = encodings_of_doubles(&steps).into_iter().zip(0..).collect();
        Some(Self { baby, giant: k.element() * Scalar::from(STEPS) })
    }

    /// v of v·K; `None` if it is not below 2³².
    fn vartime_find(&self, vk: Element) -> Option<u32> {
        let mut all = multiples(vk, -self.giant);
        (0..STEPS / TOGETHER).find_map(|round| {
            let steps: Vec<Element> = all.by_ref().take(TOGETHER as usize).collect();
            let encoded = encodings_of_doubles(&steps);
            let found = encoded.iter().zip(0..).find_map(|(e, i)| Some((i, *self.baby.get(e)?)));
            found.map(|(i, b): (u32, u32)| (round * TOGETHER + i) * STEPS + b)
        })
    }

    /// The amount of an output, of y·C_lo and y·C_hi; `None` if the handles do not fit these.
    #[must_use]
    pub fn vartime_amount(&self, halves: &Halves, products: &[Point; 2]) -> Option<Amount> {
        let half = |j: usize| {
            let (s, d) = (products.get(j)?, halves.handles.get(j)?);
            self.vartime_find(s.element() - d.element())
        };
        let (low, high) = (half(0)?, half(1)?);
        Some(Amount::new(u64::from(high) << 32 | u64::from(low)))
    }
}

/// from, from + step, from + 2·step, …
fn multiples(from: Element, step: Element) -> impl Iterator<Item = Element> {
    core::iter::successors(Some(from), move |e| Some(e + step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::Auditors, hash::Hash, output::OutputFeatures, schnorr::PublicKey, testing::TestChain,
    };

    const Y: u64 = 4_711;

    fn times(p: &Point, y: u64) -> Point {
        Point::from(p.element() * Scalar::from(y))
    }

    #[test]
    fn amounts_of_all_sizes_are_read_and_nothing_else() {
        let key = PublicKey::of(&Scalar::from(Y).into());
        let mut chain = TestChain::with(3, |p| p.auditors = Some(Auditors { key, charter: Hash::ZERO }));
        let table = AmountTable::new(&times(&Point::h(), Y)).unwrap();
        let low = u64::from(u32::MAX);
        for v in [0, 1, 65_535, 65_536, low, low + 1, (7 << 48) + 5, u64::MAX] {
            for one_sided in [false, true] {
                let owned =
                    if one_sided { chain.one_sided(v) } else { chain.output_as(OutputFeatures::Plain, v) };
                let halves = Halves::of(&owned.output).unwrap();
                let [lo, hi] = halves.commitments;
                assert_eq!(
                    table.vartime_amount(&halves, &[times(&lo, Y), times(&hi, Y)]),
                    Some(Amount::new(v))
                );
                let wrong = [times(&lo, Y), times(&hi, Y + 1)];
                assert_eq!(table.vartime_amount(&halves, &wrong), None, "another key");
                let swapped = [times(&hi, Y), times(&lo, Y)];
                assert_eq!(table.vartime_amount(&halves, &swapped), None, "halves in the other order");
            }
        }
        assert!(AmountTable::new(&Point::from(identity())).is_none());
        let plain = TestChain::new(3).output(5).output;
        assert_eq!(Halves::of(&plain), None);
    }
}
