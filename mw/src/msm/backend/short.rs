//! Four lanes whose multiplication takes 32 bits to 64: AVX2 on 64-bit x86, NEON on 64-bit ARM.
//!
//! The instruction ignores the upper halves of its factors. [`field`] must therefore show for each product
//! that both factors are below 2³². Integers modulo ℓ gain nothing from so short factors and stay portable.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod field;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(target_arch = "x86_64")]
use avx2::Word;
#[cfg(target_arch = "aarch64")]
use neon::Word;

use crate::msm::{
    kernel::{Instructions, Kernel},
    residues::Residue,
};

/// The name of the instructions.
pub(super) const NAME: &str = if cfg!(target_arch = "x86_64") { "avx2" } else { "neon" };

/// Proof that this machine has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Present(());

impl Present {
    pub(super) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        let present = is_x86_feature_detected!("avx2");
        #[cfg(target_arch = "aarch64")]
        let present = std::arch::is_aarch64_feature_detected!("neon");
        present.then_some(Self(()))
    }

    #[allow(unsafe_code)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
        #[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
        fn enabled<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Short>()
        }
        // SAFETY: `enabled` requires avx2 or neon. Only `detect` makes a `Present`, after it has detected it.
        unsafe { enabled(kernel) }
    }
}

/// The back end; its types never leave `enabled`.
struct Short;

impl Instructions for Short {
    type Field = field::Field4;
    type Residues = Residue;
    type States = Word;
}
