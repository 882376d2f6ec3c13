//! The two checks that bind a malicious receiver.
//!
//! **Leaves** (once per session). The receiver made the trees. With offers that do not come from a tree it
//! could learn bits of `Δ` from what breaks. It therefore sends the XOR of the check values of all leaves for
//! every tree, and a hash of all check values of all trees. The XOR gives the sender the one check value that
//! it lacks, which tells nothing about the stream key of that leaf, and the sender compares the hash.
//!
//! **Rows** (once per call, after all corrections). The receiver may have used different choices `x` for
//! different trees. The sender draws a random 64×ℓ bit matrix `R`. The receiver answers with `R·x` and `R·t`,
//! where `t` is the matrix whose rows are its outputs. The sender accepts if
//!
//! ```text
//! R·q = R·t ⊕ (R·x)·Δ
//! ```
//!
//! The last 64 columns of `R` are the identity, so the 64 transfers that they multiply mask the answer; these
//! transfers are sacrificed.
//!
//! Guaranteed: a receiver whose corrections are inconsistent in `d` trees passes with probability at most
//! about `2^{−k·d}`, because it must guess the bits of `Δ` in those trees, plus 2^−64, and learns only that
//! its guess was right. `R` is public, so the running time may depend on it; it does not depend on the
//! outputs or on `Δ`. Not guaranteed: more than 64 bits of security against a receiver that deviates once.
//! The challenge is drawn live, so the receiver cannot search for one offline.
//!
//! Source: Roy 2022 (ePrint 2022/192), the consistency checks of the PPRF and of the subspace VOLE (section
//! 4: a universal hash that is hiding in its last rows). Here the hash is a uniformly random matrix.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::ggm::LeafCheck;
use super::oracle::{LEAVES, oracle};
use super::transpose::SIDE;
use super::{SessionId, TreeDepth};
use crate::block::Block;

/// The number of rows of `R`, and of transfers that a call sacrifices.
pub(crate) const ROWS: usize = 64;

/// The receiver's proof about its leaves.
pub(super) struct LeafProof {
    /// For each tree the XOR of its check values.
    pub(super) sums: Vec<LeafCheck>,
    /// The hash of all check values.
    pub(super) digest: [u8; 64],
}

/// The receiver's answer to a challenge of rows.
pub(crate) struct Answer {
    /// `R·x`.
    pub(crate) choices: u64,
    /// `R·t`: [`ROWS`] blocks.
    pub(crate) rows: Vec<Block>,
}

/// Proves the check values of all leaves of all trees.
pub(super) fn prove_leaves(sid: &SessionId, depth: TreeDepth, checks: &[LeafCheck]) -> LeafProof {
    LeafProof { sums: checks.chunks(depth.leaves()).map(sum).collect(), digest: *digest(sid, checks) }
}

/// Whether a proof matches the check values of punctured trees, in their order and with a zero at index 0 of
/// each.
pub(super) fn leaves_match(
    sid: &SessionId,
    depth: TreeDepth,
    delta: &[bool],
    mut checks: Zeroizing<Vec<LeafCheck>>,
    proof: &LeafProof,
) -> Choice {
    let trees = checks.chunks_mut(depth.leaves()).zip(delta.chunks(depth.bits()));
    for ((checks, alpha), all) in trees.zip(&proof.sums) {
        let known = sum(checks);
        checks[0] = xor(known, *all);
        unpermute(checks, alpha);
    }
    digest(sid, &checks).ct_eq(&proof.digest)
}

/// Moves entry `y` to `α ⊕ y`, in constant time.
fn unpermute(entries: &mut [LeafCheck], alpha: &[bool]) {
    for (b, bit) in alpha.iter().enumerate() {
        for pair in entries.chunks_mut(2 << b) {
            let (zeros, ones) = pair.split_at_mut(1 << b);
            for (zero, one) in zeros.as_flattened_mut().iter_mut().zip(ones.as_flattened_mut()) {
                let swap = (*zero ^ *one).masked(*bit);
                *zero ^= swap;
                *one ^= swap;
            }
        }
    }
}

fn sum(checks: &[LeafCheck]) -> LeafCheck {
    checks.iter().fold([Block::ZERO; 2], |sum, check| xor(sum, *check))
}

fn xor([a, b]: LeafCheck, [c, d]: LeafCheck) -> LeafCheck {
    [a ^ c, b ^ d]
}

fn digest(sid: &SessionId, checks: &[LeafCheck]) -> Zeroizing<[u8; 64]> {
    let bytes: Zeroizing<Vec<u8>> =
        Zeroizing::new(checks.as_flattened().iter().flat_map(|b| b.to_bytes()).collect());
    oracle(LEAVES, sid, 0, [&bytes[..]])
}

/// `R` without its identity part: column `j` is half `j mod 2` of `AES_seed(⌊j/2⌋)`.
pub(super) struct Matrix(Aes128Enc);

impl Matrix {
    /// The matrix of a challenge.
    pub(super) fn new(seed: Block) -> Self {
        Self(Aes128Enc::new(&seed.to_bytes().into()))
    }

    /// The product with the matrix whose rows are `rows`, the last [`ROWS`] of them sacrificed.
    pub(super) fn times(&self, rows: &[Block]) -> Vec<Block> {
        self.product(rows, |_, _| ())
    }

    /// The products with a vector of bits, 128 in each block, and with the matrix of as many rows.
    pub(super) fn times_both(&self, bits: &[Block], rows: &[Block]) -> (u64, Vec<Block>) {
        let (n, mut x) = (rows.len() - ROWS, 0);
        let product = self.product(rows, |block, columns| {
            for (columns, half) in columns.chunks(64).zip(bits[block].halves()) {
                let bits = (0..64).map(|j| (half >> j & 1).wrapping_neg());
                x = columns.iter().zip(bits).fold(x, |x, (column, bit)| x ^ column & bit);
            }
        });
        let bit = |i: usize| (bits[i / SIDE].to_u128() >> (i % SIDE)) as u64 & 1;
        ((0..ROWS).fold(x, |x, i| x ^ bit(n + i) << i), product)
    }

    /// The product with `rows`; shows the number of each 128 rows, and their columns of `R`, to `visit`.
    fn product(&self, rows: &[Block], visit: impl FnMut(usize, &[u64])) -> Vec<Block> {
        let (rows, sacrificed) = rows.split_at(rows.len() - ROWS);
        let mut product = self.begin();
        product.add_shown(rows, visit);
        product.total(sacrificed)
    }

    /// The product with rows that come in pieces.
    pub(super) fn begin(&self) -> Product<'_> {
        Product { matrix: self, sums: Zeroizing::new(vec![[Block::ZERO; 256]; ROWS / 8]), block: 0 }
    }

    /// The columns before the identity part, 128 at a time, from the given 128 on.
    fn columns(&self, block: usize) -> impl Iterator<Item = [[u64; 2]; SIDE / 2]> {
        (block as u128 * (SIDE / 2) as u128..).step_by(SIDE / 2).map(|first: u128| {
            let counter = |i: usize| Block::new(first + i as u128).to_bytes().into();
            let mut blocks: [AesBlock; SIDE / 2] = core::array::from_fn(counter);
            self.0.encrypt_blocks(&mut blocks);
            blocks.map(|block| {
                let value = Block::from_bytes(block.into()).to_u128();
                [value as u64, (value >> 64) as u64]
            })
        })
    }
}

/// A product with `R` that is under way.
///
/// For each byte of a row's column of `R`, the row is added to one of 256 sums. Row `c` of the product is the
/// total of the sums whose number has bit `c` set.
pub(super) struct Product<'m> {
    matrix: &'m Matrix,
    sums: Zeroizing<Vec<[Block; 256]>>,
    /// The number of the next 128 rows.
    block: usize,
}

impl Product<'_> {
    /// Adds the next rows: a multiple of 128, but for the last ones.
    pub(super) fn add(&mut self, rows: &[Block]) {
        self.add_shown(rows, |_, _| ());
    }

    fn add_shown(&mut self, rows: &[Block], mut visit: impl FnMut(usize, &[u64])) {
        for (rows, columns) in rows.chunks(SIDE).zip(self.matrix.columns(self.block)) {
            let columns = &columns.as_flattened()[..rows.len()];
            visit(self.block, columns);
            self.block += 1;
            for (row, column) in rows.iter().zip(columns) {
                for (sum, byte) in self.sums.iter_mut().zip(column.to_le_bytes()) {
                    sum[usize::from(byte)] ^= *row;
                }
            }
        }
    }

    /// The product, with the rows that are sacrificed.
    pub(super) fn total(&self, sacrificed: &[Block]) -> Vec<Block> {
        (sacrificed.iter().enumerate())
            .map(|(i, row)| {
                let chosen = self.sums[i / 8].iter().enumerate();
                let chosen = chosen.filter(|(number, _)| number >> (i % 8) & 1 == 1);
                chosen.fold(*row, |product, (_, sum)| product ^ *sum)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    /// The entry in row `r` and column `j` of the whole matrix.
    fn entry(matrix: &Matrix, n: usize, r: usize, j: usize) -> bool {
        if j >= n {
            return j - n == r;
        }
        let columns = matrix.columns(j / SIDE).next().unwrap();
        columns.as_flattened()[j % SIDE] >> r & 1 == 1
    }

    #[test]
    fn products_are_those_of_the_matrix() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let matrix = Matrix::new(Block::random(&mut rng));
        for n in [0, 1, 31, 33, 200] {
            let rows: Vec<_> = (0..n + ROWS).map(|_| Block::random(&mut rng)).collect();
            let bits: Vec<_> = (0..3).map(|_| Block::random(&mut rng)).collect();
            let (vector, product) = matrix.times_both(&bits, &rows);
            assert!(product == matrix.times(&rows));
            let mut pieces = matrix.begin();
            rows[..n].chunks(128).for_each(|rows| pieces.add(rows));
            assert!(product == pieces.total(&rows[n..]));
            assert_eq!(product.len(), ROWS);
            for (r, product) in product.into_iter().enumerate() {
                let (mut row, mut bit) = (Block::ZERO, false);
                for j in (0..n + ROWS).filter(|j| entry(&matrix, n, r, *j)) {
                    row ^= rows[j];
                    bit ^= bits[j / 128].to_u128() >> (j % 128) & 1 == 1;
                }
                assert_eq!((product, vector >> r & 1 == 1), (row, bit));
            }
        }
    }

    #[test]
    fn unpermuting_moves_by_alpha() {
        let before: Vec<LeafCheck> = (0..16).map(|i| [Block::new(i), Block::new(!i)]).collect();
        for alpha in 0..16 {
            let bits: Vec<bool> = (0..4).map(|b| alpha >> b & 1 == 1).collect();
            let mut after = before.clone();
            unpermute(&mut after, &bits);
            for y in 0..16 {
                assert_eq!(after[alpha ^ y], before[y]);
            }
        }
    }
}
