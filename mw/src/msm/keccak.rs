//! Keccak-f[1600] (FIPS 202, section 3) on several states side by side, and a duplex driven by a script.
//!
//! The input of a sponge does not depend on its state. A transcript is therefore first written as blocks,
//! each state with its own bytes in the same places; then all states process the blocks together. Nothing
//! here is secret.

use super::{
    kernel::{Instructions, Kernel},
    lanes::States,
};

/// Bytes of a block in memory: 21 words are absorbed, and three are there to make rows of eight.
pub(crate) const BLOCK_BYTES: usize = 192;

/// Blocks for up to N states and where to squeeze.
pub(crate) struct Script<'a> {
    /// One block after another, `states` at a time.
    pub(crate) blocks: &'a [[u8; BLOCK_BYTES]],
    /// How many states.
    pub(crate) states: usize,
    /// For each block, how many words are squeezed after it, and then set to 0; at most eight.
    pub(crate) squeezed: &'a [usize],
}

/// Returns the output of each squeeze for each state: rows of words at `squeeze·states + state`.
impl Kernel for Script<'_> {
    type Output = Vec<[u64; 8]>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<[u64; 8]> {
        let squeezes = self.squeezed.iter().filter(|n| **n > 0).count();
        let mut out = vec![[0; 8]; squeezes * self.states];
        for first in (0..self.states).step_by(I::States::N) {
            self.run_states::<I::States>(first, &mut out);
        }
        out
    }
}

impl Script<'_> {
    /// Runs N states from the `first` on; states beyond the last repeat it.
    #[inline(always)]
    fn run_states<W: States>(&self, first: usize, out: &mut [[u64; 8]]) {
        let mut a = [W::splat(0); 25];
        let mut out = out.chunks_exact_mut(self.states);
        for (block, squeezed) in self.blocks.chunks_exact(self.states).zip(self.squeezed) {
            absorb(&mut a, |state| &block[(first + state).min(self.states - 1)]);
            permute(&mut a);
            if *squeezed > 0
                && let Some(out) = out.next()
            {
                let rows = W::store([a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]]);
                for (out, row) in out.iter_mut().skip(first).zip(rows).take(W::N) {
                    out[..*squeezed].copy_from_slice(&row[..*squeezed]);
                }
                a[..*squeezed].fill(W::splat(0));
            }
        }
    }
}

/// Adds a block to each state.
#[inline(always)]
fn absorb<'a, W: States>(a: &mut [W; 25], block: impl Fn(usize) -> &'a [u8; BLOCK_BYTES]) {
    for part in 0..3 {
        let mut rows = [[0; 8]; 8];
        for (state, row) in rows.iter_mut().enumerate().take(W::N) {
            let bytes = &block(state)[64 * part..64 * part + 64];
            for (word, bytes) in row.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = bytes.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
            }
        }
        let words = W::load(|state| &rows[state]);
        for (a, w) in a[8 * part..].iter_mut().zip(words) {
            *a = a.xor(w);
        }
    }
}

/// Keccak-f[1600]; word `x + 5y` is the standard's lane (x, y).
#[inline(always)]
fn permute<W: States>(a: &mut [W; 25]) {
    for constant in ROUND_CONSTANTS {
        // θ
        let mut c = [a[0]; 5];
        for x in 0..5 {
            c[x] = a[x].xor3(a[x + 5], a[x + 10]).xor3(a[x + 15], a[x + 20]);
        }
        for y in 0..5 {
            for x in 0..5 {
                a[x + 5 * y] = a[x + 5 * y].xor3(c[(x + 4) % 5], c[(x + 1) % 5].rotate::<1>());
            }
        }
        // ρ and π
        let b = [
            a[0],
            a[6].rotate::<44>(),
            a[12].rotate::<43>(),
            a[18].rotate::<21>(),
            a[24].rotate::<14>(),
            a[3].rotate::<28>(),
            a[9].rotate::<20>(),
            a[10].rotate::<3>(),
            a[16].rotate::<45>(),
            a[22].rotate::<61>(),
            a[1].rotate::<1>(),
            a[7].rotate::<6>(),
            a[13].rotate::<25>(),
            a[19].rotate::<8>(),
            a[20].rotate::<18>(),
            a[4].rotate::<27>(),
            a[5].rotate::<36>(),
            a[11].rotate::<10>(),
            a[17].rotate::<15>(),
            a[23].rotate::<56>(),
            a[2].rotate::<62>(),
            a[8].rotate::<55>(),
            a[14].rotate::<39>(),
            a[15].rotate::<41>(),
            a[21].rotate::<2>(),
        ];
        // χ and ι
        for y in [0, 5, 10, 15, 20] {
            for x in 0..5 {
                a[x + y] = b[x + y].chi(b[(x + 1) % 5 + y], b[(x + 2) % 5 + y]);
            }
        }
        a[0] = a[0].xor(W::splat(constant));
    }
}

/// ι's constants.
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808a,
    0x8000000080008000,
    0x000000000000808b,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008a,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000a,
    0x000000008000808b,
    0x800000000000008b,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800a,
    0x800000008000000a,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
];
