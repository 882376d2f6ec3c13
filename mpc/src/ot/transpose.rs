//! Transposes matrices of 128 × 128 bits, two at a time, with the kernel of a [`Backend`].

use crate::backend::{Backend, Matrices};
use crate::block::Block;

/// The number of rows and columns.
pub(super) const SIDE: usize = 128;
/// Writes the columns of the matrices of which row `p` is `rows[p]`: as many as `columns` has.
pub(super) fn transpose<const N: usize>(
    backend: Backend,
    rows: &[[Block; N]],
    columns: &mut [[Block; SIDE]],
) {
    let mut both: Matrices = [[0; 4]; SIDE];
    for (first, columns) in (0..).step_by(2).zip(columns.chunks_mut(2)) {
        for (both, row) in both.iter_mut().zip(rows) {
            // Of an odd number the last has any other beside it.
            let [a, b] = [first, (first + 1).min(N - 1)].map(|m| row[m].halves());
            *both = [a[0], a[1], b[0], b[1]];
        }
        backend.transpose(&mut both);
        for (m, column) in columns.iter_mut().enumerate() {
            for (block, both) in column.iter_mut().zip(&both) {
                *block = Block::from_halves([both[2 * m], both[2 * m + 1]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn every_bit_moves_to_its_mirror() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let rows: Vec<[Block; 7]> = (0..SIDE).map(|_| [0; 7].map(|_| Block::random(&mut rng))).collect();
        for backend in Backend::available() {
            for n in 0..=7 {
                let mut columns = vec![[Block::ZERO; SIDE]; n];
                transpose(backend, &rows, &mut columns);
                for (m, columns) in columns.iter().enumerate() {
                    for (i, row) in rows.iter().enumerate() {
                        for (j, column) in columns.iter().enumerate() {
                            let (x, y) = (row[m].to_u128() >> j, column.to_u128() >> i);
                            assert_eq!(x & 1, y & 1, "{backend:?}");
                        }
                    }
                }
            }
        }
    }
}
