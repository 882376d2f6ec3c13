//! Computes a program in the clear, without any cryptography.

use std::convert::Infallible;

use super::Fancy;

/// The interpreter that computes in the clear; a wire is its bit. It is the reference for all others.
///
/// ```
/// use sotto_mpc::{Fancy, Plain};
///
/// assert_eq!(Plain.and(true, false), Ok(false));
/// assert!(Plain.xor(true, false));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Fancy for Plain {
    type Wire = bool;
    type Error = Infallible;

    fn and_n(&mut self, a: &[bool], b: &[bool], out: &mut [bool]) -> Result<(), Infallible> {
        assert!(a.len() == b.len() && a.len() == out.len());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = a & b;
        }
        Ok(())
    }

    fn xor(&mut self, a: bool, b: bool) -> bool {
        a ^ b
    }

    fn not(&mut self, a: bool) -> bool {
        !a
    }

    fn constant(&mut self, bit: bool) -> bool {
        bit
    }
}
