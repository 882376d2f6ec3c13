//! The group ristretto255, and the two generators of the ledger.
//!
//! The group is that of RFC 9496, through `curve25519-dalek`; no other file names the curve. `G`, the base
//! point, carries blinding factors. `H`, hashed to the group, carries amounts. No relation between the two is
//! known.
//!
//! A [`Point`] keeps its canonical encoding beside the element: hashes and comparisons need the bytes, sums
//! the element.

use crate::{
    codec::{Decode, DecodeError, Encode, Reader},
    tag,
};
use core::fmt;
use curve25519_dalek::{
    constants::{RISTRETTO_BASEPOINT_POINT, RISTRETTO_BASEPOINT_TABLE},
    ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint},
    traits::{Identity, MultiscalarMul, VartimeMultiscalarMul},
};
use sha2::Sha512;
use std::sync::LazyLock;

/// A public scalar modulo the group's order; secret ones are [`SecretScalar`](crate::secret::SecretScalar).
pub use curve25519_dalek::scalar::Scalar;

/// A group element without its encoding, for sums.
pub(crate) type Element = RistrettoPoint;

/// `H`: the element derivation (RFC 9496, section 4.3.4) of SHA-512("sotto/H/v1"), not a known multiple of G.
static H: LazyLock<Element> = LazyLock::new(|| Element::hash_from_bytes::<Sha512>(tag::H.as_bytes()));

/// Multiples of H, for constant-time products.
static H_TABLE: LazyLock<RistrettoBasepointTable> = LazyLock::new(|| RistrettoBasepointTable::create(&H));

/// The value generator.
pub(crate) fn h() -> Element {
    *H
}

/// `x·G`, constant time.
pub(crate) fn mul_g(x: &Scalar) -> Element {
    RISTRETTO_BASEPOINT_TABLE * x
}

/// `x·H`, constant time.
pub(crate) fn mul_h(x: &Scalar) -> Element {
    &*H_TABLE * x
}

/// `v·H`; variable time in `v`, which is public here.
pub(crate) fn vartime_mul_h(v: u64) -> Element {
    vartime_sum_of_products([(Scalar::from(v), h())])
}

/// `Σ aᵢ·Pᵢ`; variable time: public values only.
pub(crate) fn vartime_sum_of_products(terms: impl IntoIterator<Item = (Scalar, Element)>) -> Element {
    let (a, p): (Vec<_>, Vec<_>) = terms.into_iter().unzip();
    Element::vartime_multiscalar_mul(a, p)
}

/// `Σ aᵢ·Pᵢ`, constant time.
pub(crate) fn constant_time_sum_of_products<'a>(
    scalars: impl Iterator<Item = &'a Scalar>,
    points: impl Iterator<Item = &'a Element>,
) -> Element {
    Element::multiscalar_mul(scalars, points)
}

/// The encodings of 2·P for all of these, at a tenth of what each alone costs; variable time.
pub(crate) fn encodings_of_doubles(points: &[Element]) -> Vec<[u8; 32]> {
    Element::double_and_compress_batch(points).iter().map(CompressedRistretto::to_bytes).collect()
}

/// The identity element.
pub(crate) fn identity() -> Element {
    Element::identity()
}

/// A group element with its canonical 32-byte encoding.
///
/// Equality, order and hashing are those of the encoding.
#[derive(Clone, Copy)]
pub struct Point {
    element: Element,
    bytes: [u8; 32],
}

impl Point {
    /// The value generator H.
    #[must_use]
    pub fn h() -> Self {
        h().into()
    }

    /// The blinding generator G, the group's base point.
    #[must_use]
    pub fn g() -> Self {
        RISTRETTO_BASEPOINT_POINT.into()
    }

    /// Decodes a canonical encoding (RFC 9496, section 4.3.1); `None` for any other 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let element = CompressedRistretto(bytes).decompress()?;
        Some(Self { element, bytes })
    }

    /// The canonical encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The canonical encoding without the element.
    #[must_use]
    pub const fn encoded(&self) -> PointBytes {
        PointBytes(self.bytes)
    }

    /// Whether this is the identity, which the rules refuse wherever it appears.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.bytes == [0; 32]
    }

    pub(crate) const fn element(&self) -> Element {
        self.element
    }
}

impl From<Element> for Point {
    fn from(element: Element) -> Self {
        Self { element, bytes: element.compress().to_bytes() }
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl Eq for Point {}
impl PartialOrd for Point {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Point {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}
impl core::hash::Hash for Point {
    fn hash<S: core::hash::Hasher>(&self, state: &mut S) {
        self.bytes.hash(state);
    }
}
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoded().fmt(f)
    }
}
impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Point({self})")
    }
}

impl Encode for Point {
    fn encode(&self, out: &mut Vec<u8>) {
        self.bytes.encode(out);
    }
}

impl Decode for Point {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(r.array()?).ok_or(DecodeError::Point)
    }
}

/// Defines a newtype of [`Point`]: its accessors, its encoding and its text, which are those of the point.
macro_rules! point_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::group::Point);

        impl $name {
            /// Wraps any point, the identity included; the rules refuse the identity.
            #[must_use]
            pub const fn from_point(p: $crate::group::Point) -> Self {
                Self(p)
            }

            /// The point.
            #[must_use]
            pub const fn point(&self) -> &$crate::group::Point {
                &self.0
            }

            /// The encoding alone, as errors and indices keep it.
            #[must_use]
            pub const fn encoded(&self) -> $crate::group::PointBytes {
                self.0.encoded()
            }

            /// The canonical 32-byte encoding.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }

            /// The sum in the group.
            #[must_use]
            pub fn plus(&self, other: &Self) -> Self {
                Self($crate::group::Point::from(self.0.element() + other.0.element()))
            }
        }

        $crate::codec::fields!($name { 0 });

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

pub(crate) use point_newtype;

/// The encoding of a point without the element: small enough for errors and index keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointBytes(pub [u8; 32]);

impl fmt::Display for PointBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for PointBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PointBytes({self})")
    }
}

/// The four 64-bit words of a scalar, the lowest first.
pub(crate) fn words(s: &Scalar) -> [u64; 4] {
    let bytes = s.as_bytes();
    core::array::from_fn(|i| (0..8).rev().fold(0, |w, j| w << 8 | u64::from(bytes[8 * i + j])))
}

impl Encode for Scalar {
    fn encode(&self, out: &mut Vec<u8>) {
        self.as_bytes().encode(out);
    }
}

impl Decode for Scalar {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        scalar_from_bytes(r.array()?).ok_or(DecodeError::Scalar)
    }
}

/// The scalar with these 32 little-endian bytes; `None` unless it is below the group's order.
#[must_use]
pub fn scalar_from_bytes(bytes: [u8; 32]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_encodings_decode() {
        let mut b = *Point::h().as_bytes();
        assert_eq!(Point::from_bytes(b), Some(Point::h()));
        b[31] |= 0x80;
        assert_eq!(Point::from_bytes(b), None);
        assert_eq!(Point::from_bytes([0; 32]).map(|p| p.is_identity()), Some(true));
        assert_eq!(scalar_from_bytes([0xff; 32]), None);
    }
}
