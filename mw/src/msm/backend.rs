//! Which instructions do the arithmetic: chosen at run time, one verdict whatever the choice.
//!
//! A [`Kernel`] is generic over the [`Instructions`]. [`Backend::run`] compiles it once a back end, each time inside a function
//! that enables the back end's instructions, into which everything is inlined.

use super::kernel::Kernel;
use portable::Portable;

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;

/// A set of instructions that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// 64-bit words, everywhere.
    Portable,
    /// Eight lanes of AVX-512 with 52-bit multiplication.
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Present),
}

impl Backend {
    /// The fastest.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(present) = ifma::Present::detect() {
            return Self::Ifma(present);
        }
        Self::Portable
    }

    /// All that this machine has.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let best = Self::detect();
        if best == Self::Portable { vec![best] } else { vec![best, Self::Portable] }
    }

    /// Runs the kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Portable => kernel.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(present) => present.run(kernel),
        }
    }
}
