//! Plain bits: what a program computes, without any cryptography.

use std::convert::Infallible;

use super::Fancy;

/// The oracle: a wire is its value.
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
