//! The cost of a program, found without garbling it.

use std::convert::Infallible;

use super::Fancy;

/// A wire of [`Count`]: the number of AND gates on the longest path to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Depth(pub u64);

/// The cost of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// AND gates. Only these are garbled and sent.
    pub and_gates: u64,
    /// AND gates on the longest path.
    pub depth: u64,
    /// XOR and NOT gates, which take time but no bytes.
    pub free_gates: u64,
}

impl Cost {
    /// The size of the garbled tables in bytes, without frame headers.
    #[must_use]
    pub const fn table_bytes(&self) -> u64 {
        32 * self.and_gates
    }
}

/// The interpreter that counts gates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count(Cost);

impl Count {
    /// The cost so far.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.0
    }
}

impl Fancy for Count {
    type Wire = Depth;
    type Error = Infallible;

    fn and_n(&mut self, a: &[Depth], b: &[Depth], out: &mut [Depth]) -> Result<(), Infallible> {
        assert!(a.len() == b.len() && a.len() == out.len());
        self.0.and_gates += out.len() as u64;
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = Depth(a.max(b).0 + 1);
            self.0.depth = self.0.depth.max(out.0);
        }
        Ok(())
    }

    fn xor(&mut self, a: Depth, b: Depth) -> Depth {
        self.0.free_gates += 1;
        a.max(b)
    }

    fn not(&mut self, a: Depth) -> Depth {
        self.0.free_gates += 1;
        a
    }

    fn constant(&mut self, _: bool) -> Depth {
        Depth(0)
    }
}
