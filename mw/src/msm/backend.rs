//! Selects the instructions for the arithmetic at run time. The verdict never depends on the choice.
//!
//! [`Backend::run`] compiles a [`Kernel`] once for each back end, inside a function that enables its
//! instructions; everything is inlined into that function.

use super::kernel::Kernel;
use portable::Portable;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod short;

/// A back end of the ledger's arithmetic that this machine supports: `portable`, on x86-64 `avx2` and `ifma`, on 64-bit
/// ARM `neon`. All give the same verdicts.
///
/// ```
/// use sotto_mw::arithmetic::Backend;
///
/// assert!(Backend::available().any(|backend| backend == Backend::detect()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 64-bit words, everywhere.
    Portable,
    /// Four lanes of AVX2 or NEON.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Short(short::Present),
    /// Eight lanes of AVX-512 with 52-bit multiplication.
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Present),
}

/// What this process uses.
static CHOSEN: OnceLock<Backend> = OnceLock::new();

impl Backend {
    /// All back ends of this machine, the slowest first.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        [
            Some(Kind::Portable),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            short::Present::detect().map(Kind::Short),
            #[cfg(target_arch = "x86_64")]
            ifma::Present::detect().map(Kind::Ifma),
        ]
        .into_iter()
        .flatten()
        .map(Self)
    }

    /// The back end that this process uses: the fastest of its machine, unless [`choose`](Self::choose) has set another.
    #[must_use]
    pub fn detect() -> Self {
        *CHOSEN.get_or_init(|| Self::available().next_back().unwrap_or(Self(Kind::Portable)))
    }

    /// Makes this process use a back end, for measurements. Returns what it uses, which is another if it has verified
    /// or proved something already.
    pub fn choose(self) -> Self {
        *CHOSEN.get_or_init(|| self)
    }

    /// The name by which people choose it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Kind::Short(_) => short::NAME,
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(_) => "ifma",
        }
    }

    /// Runs the kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run::<Portable>(),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Kind::Short(present) => present.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(present) => present.run(kernel),
        }
    }
}
