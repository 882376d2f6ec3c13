//! The transposition of bits, compiled for registers of 256 bits.

use super::super::portable;
use crate::Block;

pub(in super::super) fn transpose_avx2(matrix: &mut [Block; 128]) {
    #[target_feature(enable = "avx2")]
    fn kernel(matrix: &mut [Block; 128]) {
        portable::transpose(matrix);
    }
    // SAFETY: a `Backend` of kind `Vaes` exists only where `has_vaes()` holds, which includes AVX2.
    unsafe { kernel(matrix) }
}
