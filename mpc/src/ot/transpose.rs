//! Transposes matrices of 128 × 128 bits, several at a time, with the kernel of a [`Backend`].

use crate::backend::Backend;
use crate::block::Block;

/// The number of rows and columns.
pub(super) const SIDE: usize = 128;
/// Matrices that are read together: four blocks of a row share a cache line.
const TOGETHER: usize = 4;

/// Writes the columns of the matrices of which row `p` is `rows[p]`: as many as `columns` has.
pub(super) fn transpose<const N: usize>(
    backend: Backend,
    rows: &[[Block; N]],
    columns: &mut [[Block; SIDE]],
) {
    for (first, columns) in (0..).step_by(TOGETHER).zip(columns.chunks_mut(TOGETHER)) {
        for (p, row) in rows.iter().enumerate() {
            for (matrix, block) in columns.iter_mut().zip(&row[first..]) {
                matrix[p] = *block;
            }
        }
        columns.iter_mut().for_each(|matrix| backend.transpose(matrix));
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
