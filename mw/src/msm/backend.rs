//! Selects the instructions for the arithmetic at run time. The verdict never depends on the choice.
//!
//! [`Backend::run`] compiles a [`Kernel`] once for each back end, inside a function that enables its
//! instructions; everything is inlined into that function.

use super::kernel::Kernel;
use portable::Portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;

/// A back end that this machine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// 64-bit words, everywhere.
    Portable,
    /// Four lanes of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Present),
    /// Eight lanes of AVX-512 with 52-bit multiplication.
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Present),
}

impl Backend {
    /// The fastest back end of this machine.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(present) = ifma::Present::detect() {
            return Self::Ifma(present);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(present) = avx2::Present::detect() {
            return Self::Avx2(present);
        }
        Self::Portable
    }

    /// All back ends of this machine.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        all.extend(avx2::Present::detect().map(Self::Avx2));
        #[cfg(target_arch = "x86_64")]
        all.extend(ifma::Present::detect().map(Self::Ifma));
        all
    }

    /// Runs the kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Portable => kernel.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(present) => present.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(present) => present.run(kernel),
        }
    }
}
