//! Many outputs at once, for tests and benchmarks of large blocks.

use super::{owned::Owned, test_chain::TestChain};
use crate::{
    amount::Amount,
    output::{Extra, OutputFeatures},
    range_proof::Opening,
    secret::SecretScalar,
    transaction::Transaction,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rayon::prelude::*;

impl TestChain {
    /// `n` plain outputs of one amount, proven on all threads. Two seeds below 2³² share no output.
    ///
    /// # Panics
    /// If they cannot be proven.
    #[must_use]
    pub fn many(&self, n: usize, amount: u64, seed: u64) -> Vec<Owned> {
        let output = |i: usize| {
            let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64((seed << 32) + i as u64));
            let opening = Opening { amount: Amount::new(amount), index: [7; 12] };
            self.output_of(OutputFeatures::Plain, opening, blinding, Extra::default())
        };
        (0..n).into_par_iter().map(output).collect()
    }

    /// A transaction that spends a coin for these outputs and change, under one plain kernel at the least
    /// fee.
    ///
    /// # Panics
    /// If the coin is too small.
    pub fn spread(&mut self, coin: &Owned, to: &[Owned]) -> Transaction {
        let fee = self.least_fee(1, to.len() + 1, 1);
        let paid: u64 = to.iter().map(|o| o.opening.amount.units()).sum();
        let change = self.output(coin.opening.amount.units() - paid - fee.units());
        let to: Vec<&Owned> = to.iter().chain([&change]).collect();
        let kernel = self.plain(fee);
        self.transaction(&[coin], &to, &[kernel])
    }
}
