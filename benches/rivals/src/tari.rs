//! Tari: `tari_bulletproofs_plus`, one 64-bit proof a commitment, as its wallet and its node use it.

use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{cell::RefCell, hint::black_box};
use tari_bulletproofs_plus::{
    Transcript,
    commitment_opening::CommitmentOpening,
    generators::pedersen_gens::ExtensionDegree,
    protocols::scalar_protocol::ScalarProtocol,
    range_parameters::RangeParameters,
    range_proof::{RangeProof, VerifyAction},
    range_statement::RangeStatement,
    range_witness::RangeWitness,
    ristretto::{RistrettoRangeProof, create_pedersen_gens_with_extension_degree},
};

const AMOUNT: u64 = 1_000;

/// Statements with their proofs.
pub(crate) struct Proofs {
    generators: RangeParameters<RistrettoPoint>,
    rng: RefCell<ChaCha20Rng>,
    all: Batch,
}

/// What one call of the verifier takes.
#[derive(Clone)]
pub(crate) struct Batch {
    statements: Vec<RangeStatement<RistrettoPoint>>,
    proofs: Vec<RistrettoRangeProof>,
}

impl Proofs {
    pub(crate) fn new(n: usize) -> Self {
        let gens = create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
        let generators = RangeParameters::init(64, 1, gens).unwrap();
        let rng = RefCell::new(ChaCha20Rng::seed_from_u64(1));
        let mut new = Self { generators, rng, all: Batch { statements: vec![], proofs: vec![] } };
        let (statements, proofs) = (0..n).map(|_| new.make()).unzip();
        new.all = Batch { statements, proofs };
        let mut bad = new.batch(16);
        bad.proofs.swap(7, 8);
        assert!(verify(&bad).is_err());
        new
    }

    pub(crate) fn proof_bytes(&self) -> usize {
        self.all.proofs[0].to_bytes().len()
    }

    pub(crate) fn prove(&self) {
        black_box(self.make());
    }

    pub(crate) fn batch(&self, k: usize) -> Batch {
        Batch { statements: self.all.statements[..k].to_vec(), proofs: self.all.proofs[..k].to_vec() }
    }

    pub(crate) fn verify(&self, batch: &Batch) {
        verify(batch).unwrap();
    }

    fn make(&self) -> (RangeStatement<RistrettoPoint>, RistrettoRangeProof) {
        let (rng, g) = (&mut *self.rng.borrow_mut(), &self.generators);
        let r = Scalar::random_not_zero(rng);
        let c = g.pc_gens().commit(&Scalar::from(AMOUNT), &[r]).unwrap();
        let seed = Some(Scalar::random_not_zero(rng));
        let statement = RangeStatement::init(g.clone(), vec![c], vec![None], seed).unwrap();
        let witness = RangeWitness::init(vec![CommitmentOpening::new(AMOUNT, vec![r])]).unwrap();
        let proof = RangeProof::prove_with_rng(&mut transcript(), &statement, &witness, rng).unwrap();
        (statement, proof)
    }
}

fn transcript() -> Transcript {
    Transcript::new(b"rivals")
}

fn verify(b: &Batch) -> Result<(), tari_bulletproofs_plus::errors::ProofError> {
    let mut transcripts = vec![transcript(); b.proofs.len()];
    RangeProof::verify_batch(&mut transcripts, &b.statements, &b.proofs, VerifyAction::VerifyOnly).map(|_| ())
}
