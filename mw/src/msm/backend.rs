//! Selects the instructions for the arithmetic at run time. The verdict never depends on the choice.
//!
//! [`Backend::run`] compiles a [`Kernel`] once for each back end, inside a function that enables its
//! instructions; everything is inlined into that function.

use super::kernel::Kernel;
use portable::Portable;

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;

/// A back end that this machine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// 64-bit words, everywhere.
    Portable,
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
        Self::Portable
    }

    /// All back ends of this machine.
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
