//! Encoding ristretto255 (RFC 9496, section 4.3.2), one point at a time.

use super::{
    curve::{Point, ROOT_OF_MINUS_ONE},
    decode::inverse_square_root,
    field::Fe,
    lanes::Field,
};

/// 1/√(−1 − d), the even one.
const INVERSE_ROOT_OF_A_MINUS_D: Fe =
    Fe([0x0fdaa805d40ea, 0x2eb482e57d339, 0x007610274bc58, 0x6510b613dc8ff, 0x786c8905cfaff]);

/// The canonical encoding of the element that the point represents. Names as in the RFC.
pub(super) fn encode(point: &Point<Fe>) -> [u8; 32] {
    let [x0, y0, z0, t0] = point.coordinates();
    let u1 = z0.add(y0).mul(z0.sub(y0));
    let u2 = x0.mul(y0);
    // The product is 0 for the four points that represent the identity, and a square for all points.
    let Some(inverse_root) = inverse_square_root(u1.mul(u2.square())) else { return [0; 32] };
    let den1 = inverse_root.mul(u1);
    let den2 = inverse_root.mul(u2);
    let z_inverse = den1.mul(den2).mul(t0);
    let rotate = t0.mul(z_inverse).is_odd();
    let x = Fe::pick(rotate, y0.mul(ROOT_OF_MINUS_ONE), x0);
    let y = Fe::pick(rotate, x0.mul(ROOT_OF_MINUS_ONE), y0);
    let den_inverse = Fe::pick(rotate, den1.mul(INVERSE_ROOT_OF_A_MINUS_D), den2);
    let y = y.negate_if(x.mul(z_inverse).is_odd());
    let s = den_inverse.mul(z0.sub(y));
    s.negate_if(s.is_odd()).to_bytes()
}
