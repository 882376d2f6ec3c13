//! Ours: through the ledger's public interface, as a node uses it.

use sotto_mw::{amount::Amount, batch::verify_signatures, block::Block, kernel::KernelFeatures, output::{Extra, OutputFeatures}, range_proof::{Opening, PROOF_BYTES, RangeProof, RewindKey}, rules::{check_block, check_transaction, verify_block, verify_transaction, WellFormed}, schnorr::SignedMessage, secret::SecretScalar, state::ChainView, testing::{Owned, TestChain}, transaction::Transaction};
use rand_chacha_03::{ChaCha20Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use std::hint::black_box;

const AMOUNT: u64 = 1_000;

/// A chain, and outputs to build transactions from.
pub(crate) struct Ledger {
    test_chain: TestChain,
    pool: Vec<Owned>,
}

impl Ledger {
    pub(crate) fn new(outputs: u64) -> Self {
        let test_chain = TestChain::new(1);
        let pool = (0..outputs).into_par_iter().map(|i| output(&test_chain, i)).collect();
        let ledger = Self { test_chain, pool };
        ledger.assert_it_refuses();
        ledger
    }

    pub(crate) const fn proof_bytes(&self) -> usize {
        PROOF_BYTES
    }

    pub(crate) fn prove(&self) {
        black_box(output(&self.test_chain, 0));
    }

    pub(crate) fn verify_one(&self) {
        assert!(black_box(&self.pool[0].output).proof_holds(self.test_chain.chain().id()));
    }

    /// A transaction of k outputs and one kernel.
    pub(crate) fn batch(&self, k: usize) -> WellFormed<Transaction> {
        check_transaction(self.test_chain.chain(), self.transaction(k, 1)).unwrap()
    }

    pub(crate) fn verify(&self, t: &WellFormed<Transaction>) {
        verify_transaction(self.test_chain.chain(), t.clone()).unwrap();
    }

    pub(crate) fn signatures(&self, n: usize) -> Vec<SignedMessage> {
        let t = self.transaction(1, n);
        t.body.kernels.iter().map(|k| k.signed(self.test_chain.chain().id())).collect()
    }

    pub(crate) fn verify_signature(&self, s: &SignedMessage) {
        assert!(s.signature.verifies(&s.key, &s.message));
    }

    pub(crate) fn verify_signatures(&self, all: &[SignedMessage]) {
        verify_signatures(all).unwrap();
    }

    /// A block with so many outputs and kernels, its reward among them.
    pub(crate) fn block(&self, outputs: usize, kernels: usize) -> Block {
        self.test_chain.clone().forge_with(&self.transaction(outputs - 1, kernels - 1))
    }

    pub(crate) fn verify_block(&self, b: &Block) {
        let (chain, parent) = (self.test_chain.chain(), self.test_chain.state().tip());
        verify_block(chain, parent, check_block(chain, b.clone()).unwrap()).unwrap();
    }

    pub(crate) fn rewind_own(&self) {
        assert!(black_box(&self.pool[0].output).rewind(self.test_chain.chain().id(), &TestChain::REWIND).is_some());
    }

    pub(crate) fn rewind_miss(&self) {
        assert!(black_box(&self.pool[0].output).rewind(self.test_chain.chain().id(), &RewindKey([9; 32])).is_none());
    }

    fn transaction(&self, outputs: usize, kernels: usize) -> Transaction {
        let mut test_chain = self.test_chain.clone();
        let fee = test_chain.least_fee(1, outputs, kernels);
        let spent = test_chain.output(AMOUNT * outputs as u64 + fee.units());
        let mut features: Vec<KernelFeatures> = vec![test_chain.plain(Amount::ZERO); kernels];
        features[0] = test_chain.plain(fee);
        test_chain.transaction(&[&spent], &self.pool[..outputs].iter().collect::<Vec<_>>(), &features)
    }

    fn assert_it_refuses(&self) {
        let (chain, mut t) = (self.test_chain.chain(), self.transaction(16, 1));
        let mut bytes = *t.body.outputs[7].proof.as_bytes();
        bytes[20 * 32] ^= 1;
        t.body.outputs[7].proof = RangeProof::from_bytes(&bytes);
        let refusal = check_transaction(chain, t).and_then(|t| verify_transaction(chain, t)).unwrap_err();
        assert_eq!(refusal.rule(), "MW-R13");
        let mut signed = self.signatures(16);
        signed[7].message[0] ^= 1;
        assert_eq!(verify_signatures(&signed), Err(7));
    }
}

fn output(test_chain: &TestChain, i: u64) -> Owned {
    let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(i));
    let opening = Opening { amount: Amount::new(AMOUNT), index: [7; 12] };
    test_chain.output_of(OutputFeatures::Plain, opening, blinding, Extra::default())
}
