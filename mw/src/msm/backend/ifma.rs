//! Eight lanes: AVX-512 with the 52-bit multiply-and-add of IFMA.
//!
//! ```text
//! lo(a·b) = a·b mod 2⁵²      hi(a·b) = ⌊a·b / 2⁵²⌋      of the low 52 bits of a and b
//! ```
//!
//! The instruction ignores the bits of its factors above bit 51. [`field`] and [`residues`] must therefore
//! show for each product that both factors are below 2⁵². Idea: Gueron and Krasnov, Accelerating big integer
//! arithmetic using Intel IFMA extensions (2016).

mod field;
mod residues;
mod states;
mod word;

use crate::msm::kernel::{Instructions, Kernel};

/// Proof that this machine has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Present(());

impl Present {
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        all.then_some(Self(()))
    }

    #[allow(unsafe_code)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
        fn enabled<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Ifma>()
        }
        // SAFETY: `enabled` requires avx512f, avx512dq and avx512ifma. Only `detect` makes a `Present`, after
        // it has detected all three.
        unsafe { enabled(kernel) }
    }
}

/// The back end; its types never leave `enabled`.
struct Ifma;

impl Instructions for Ifma {
    type Field = field::Field8;
    type Residues = residues::Residues8;
    type States = word::Word;
}
