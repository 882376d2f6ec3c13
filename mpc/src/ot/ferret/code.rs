//! The linear code: output j of a round is the sum of ten of the k seeds, which are public, and its leaf.
//!
//! ```text
//! z_j = w_j ⊕ r_{i_1(j)} ⊕ … ⊕ r_{i_10(j)}
//! AES_key(round ‖ 2j), AES_key(round ‖ 2j + 1)      five indices each, 21 bits apart, of which the lowest log k count
//! ```
//!
//! The key follows from the session id, so no work on the code of one session serves another one, and no round has
//! the code of another round. Both parties compute the same sums, the sender of q and the receiver of t; the choices
//! are the lowest bits of t and so need no sums of their own.
//!
//! Guaranteed: addresses and time depend on public indices only.
//!
//! Source: Yang, Weng, Lan, Zhang, Wang 2020 (ePrint 2020/924), section 5 (local linear codes with d = 10).

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};

use super::super::SessionId;
use super::super::oracle::{CODE, oracle};
use crate::block::Block;

/// How many rows are computed together.
const ROWS: usize = 32;

/// The code of a session.
pub(super) struct Code(Aes128Enc);

impl Code {
    pub(super) fn new(sid: &SessionId) -> Self {
        let hash = oracle(CODE, sid, 0, []);
        let mut key = [0; 16];
        key.copy_from_slice(&hash[..16]);
        Self(Aes128Enc::new(&key.into()))
    }

    /// Adds to each of `rows`, of which the first has number `first` in its round, its ten seeds. The number of seeds
    /// is a power of two.
    pub(super) fn add(&self, round: u64, first: usize, seeds: &[Block], rows: &mut [Block]) {
        let mask = seeds.len() as u64 - 1;
        for (at, rows) in (first..).step_by(ROWS).zip(rows.chunks_mut(ROWS)) {
            let words = self.words(round, at);
            for (row, words) in rows.iter_mut().zip(words.as_chunks().0) {
                *row = indices(words).iter().fold(*row, |sum, i| sum ^ seeds[(i & mask) as usize]);
            }
        }
    }

    fn words(&self, round: u64, at: usize) -> [[u64; 2]; 2 * ROWS] {
        let counter = |i: usize| Block::from_halves([(2 * at + i) as u64, round]).to_bytes().into();
        let mut blocks: [AesBlock; 2 * ROWS] = core::array::from_fn(counter);
        self.0.encrypt_blocks(&mut blocks);
        blocks.map(|block| Block::from_bytes(block.into()).halves())
    }
}

/// The ten indices of a row. (An array: with chained iterators a row takes five times as long.)
const fn indices([[a, b], [c, d]]: &[[u64; 2]; 2]) -> [u64; 10] {
    [*a, *a >> 21, *a >> 42, *b, *b >> 21, *c, *c >> 21, *c >> 42, *d, *d >> 21]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the code, by their definition.
    fn row(code: &Code, round: u64, j: usize, k: usize) -> Vec<usize> {
        let mut found = Vec::new();
        for half in 0..2 {
            let mut block = Block::from_halves([(2 * j + half) as u64, round]).to_bytes().into();
            code.0.encrypt_block(&mut block);
            let word = Block::from_bytes(block.into()).to_u128();
            found.extend([0, 21, 42, 64, 85].map(|shift| (word >> shift) as usize % k));
        }
        found
    }

    #[test]
    fn every_row_is_the_sum_of_its_ten_seeds_wherever_it_is_computed() {
        let (code, k) = (Code::new(&SessionId([1; 32])), 1 << 10);
        let seeds: Vec<Block> = (0..k as u128).map(|i| Block::new(i * i + 1)).collect();
        for (round, first, n) in [(0, 0, 100), (3, 77, 33), (3, 0, 110)] {
            let mut rows = vec![Block::new(1 << 90); n];
            code.add(round, first, &seeds, &mut rows);
            for (j, found) in rows.iter().enumerate() {
                let terms = row(&code, round, first + j, k);
                let expected = terms.iter().fold(Block::new(1 << 90), |sum, i| sum ^ seeds[*i]);
                assert_eq!(*found, expected);
            }
        }
    }

    #[test]
    fn codes_of_sessions_and_rounds_differ_and_reach_all_seeds() {
        let [one, two] = [1, 2].map(|sid| Code::new(&SessionId([sid; 32])));
        let k = 1 << 19;
        assert_ne!(row(&one, 0, 5, k), row(&two, 0, 5, k));
        assert_ne!(row(&one, 0, 5, k), row(&one, 1, 5, k));
        assert_ne!(row(&one, 0, 5, k), row(&one, 0, 6, k));
        let all: Vec<usize> = (0..500).flat_map(|j| row(&one, 0, j, k)).collect();
        let mean = all.iter().sum::<usize>() as f64 / all.len() as f64 / k as f64;
        assert!((0.48..0.52).contains(&mean), "{mean}");
        assert!(all.iter().any(|i| *i >= k - k / 64) && all.iter().all(|i| *i < k));
    }
}
