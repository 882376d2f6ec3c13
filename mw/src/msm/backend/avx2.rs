//! Four lanes: AVX2, whose multiplication takes 32 bits to 64.
//!
//! The instruction ignores the upper halves of its factors. [`field`] must therefore show for each product
//! that both factors are below 2³². Integers modulo ℓ gain nothing from so short factors and stay portable.

mod field;
mod word;

use crate::msm::{
    kernel::{Instructions, Kernel},
    residues::Residue,
};

/// Proof that this machine has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Present(());

impl Present {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    #[allow(unsafe_code)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2")]
        fn enabled<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx2>()
        }
        // SAFETY: `enabled` requires avx2. Only `detect` makes a `Present`, after it has detected it.
        unsafe { enabled(kernel) }
    }
}

/// The back end; its types never leave `enabled`.
struct Avx2;

impl Instructions for Avx2 {
    type Field = field::Field4;
    type Residues = Residue;
    type States = word::Word;
}
