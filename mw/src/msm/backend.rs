//! Which instructions do the arithmetic: chosen at run time, one verdict whatever the choice.
//!
//! A [`Kernel`] is generic over the lanes. [`Backend::run`] compiles it once a back end, each time inside a function that
//! enables the back end's instructions, into which everything is inlined.

use super::{field::Fe, lanes::Lanes};

#[cfg(target_arch = "x86_64")]
mod ifma;

/// A piece of work on any number of lanes.
pub(super) trait Kernel {
    /// Its result.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`.
    fn run<F: Lanes>(self) -> Self::Output;
}

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
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Portable => kernel.run::<Fe>(),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(present) => present.run(kernel),
        }
    }
}
