//! The ledger's figures, measured on a chain in memory with real outputs, kernels and one block.
//!
//! A batch of range proofs is measured as the rules verify it: as a transaction with that many outputs, which
//! includes one kernel signature and the balance.

use super::figure::{Figure, Quantity, Unit};
use crate::{
    exit::{Code, Failure, Outcome},
    ui::Ui,
};
use rand_core::OsRng;
use rayon::prelude::*;
use sotto_mw::{
    amount::{Amount, Height},
    batch::verify_signatures,
    block::{Block, Header, body_hash},
    chain::{Chain, ChainId, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT, Params},
    commitment::Commitment,
    group::Scalar,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputKeys, ProveError},
    range_proof::{Opening, RewindKey, TauKey},
    rules::{check_block, check_transaction, verify_block, verify_transaction},
    schnorr::{PublicKey, SignedMessage, sign},
    secret::SecretScalar,
    transaction::{Body, Transaction},
};

/// The amount of each output.
const AMOUNT: u64 = 1_000;
/// Outputs in the block, including its reward.
const OUTPUTS: usize = 1_000;
/// Kernels in the block, including that of the reward.
const KERNELS: usize = 500;

/// All figures of the ledger, in the order of printing.
pub(crate) fn figures(ui: &Ui) -> Outcome<Vec<Figure>> {
    let maker = Maker::new()?;
    let (chain, genesis) = (&maker.chain, Header::genesis(&maker.chain));
    let micro = |key, items| Quantity { key, unit: Unit::Microseconds, items };
    let prove = Figure::measure(
        micro("prove_us", 1),
        "prove an output (including verifying and rewinding it)",
        || maker.output(AMOUNT, Output::plain).is_ok(),
    )?;
    let pool = maker.outputs(OUTPUTS - 1, ui)?;
    let batch = check_transaction(chain, maker.transaction(&pool[..256], 1)?).map_err(refused)?;
    let signed = maker.transaction(&pool[..1], 1_024)?.body;
    let signed: Vec<SignedMessage> = signed.kernels.iter().map(|k| k.signed(chain.id())).collect();
    let block = maker.block(maker.transaction(&pool, KERNELS - 1)?)?;
    let (one, stranger) = (&pool[0].output, RewindKey([9; 32]));
    Ok(vec![
        prove,
        Figure::measure(micro("verify_us", 1), "verify one range proof", || one.proof_holds(chain.id()))?,
        Figure::measure(micro("verify_batch256_us", 256), "verify a range proof, in a batch of 256", || {
            verify_transaction(chain, batch.clone()).is_ok()
        })?,
        Figure::measure(
            micro("kernel_batch1024_us", 1_024),
            "verify a kernel's signature, in a batch of 1,024",
            || verify_signatures(&signed).is_ok(),
        )?,
        Figure::measure(micro("rewind_miss_us", 1), "try to rewind another wallet's output", || {
            one.rewind(chain.id(), &stranger).is_none()
        })?,
        Figure::measure(
            Quantity { key: "block1000_ms", unit: Unit::Milliseconds, items: 1 },
            "check and verify a block of 1,000 outputs and 500 kernels",
            || check_block(chain, block.clone()).and_then(|b| verify_block(chain, &genesis, b)).is_ok(),
        )?,
    ])
}

/// An output with its blinding factor.
struct Owned {
    blinding: SecretScalar,
    output: Output,
}

/// How an output of either kind is made.
type MakeOutput<'c> = fn(&'c ChainId, &Opening, &OutputKeys<'_>) -> Result<Output, ProveError>;

/// Creates outputs and blocks on a chain of its own.
struct Maker {
    chain: Chain,
    operator: SecretScalar,
    rewind: RewindKey,
    tau: TauKey,
}

impl Maker {
    fn new() -> Outcome<Self> {
        let operator = secret();
        let chain = Chain::new(Params::solo(PublicKey::of(&operator), 0)).map_err(refused)?;
        Ok(Self { chain, operator, rewind: RewindKey([1; 32]), tau: TauKey([2; 32]) })
    }

    fn output<'c>(&'c self, amount: u64, make: MakeOutput<'c>) -> Outcome<Owned> {
        let blinding = secret();
        let opening = Opening { amount: Amount::new(amount), index: [0; 12] };
        let keys = OutputKeys { blinding: &blinding, rewind: &self.rewind, tau: &self.tau };
        let output = make(self.chain.id(), &opening, &keys).map_err(refused)?;
        Ok(Owned { blinding, output })
    }

    /// Creates `n` outputs, on all threads.
    fn outputs(&self, n: usize, ui: &Ui) -> Outcome<Vec<Owned>> {
        let (bar, mut made) = (ui.bar(n as u64, "making outputs"), Vec::with_capacity(n));
        while made.len() < n {
            let some = (n - made.len()).min(32);
            let new = (0..some).into_par_iter().map(|_| self.output(AMOUNT, Output::plain));
            made.append(&mut new.collect::<Outcome<_>>()?);
            bar.at(made.len() as u64);
        }
        Ok(made)
    }

    fn kernel(&self, features: KernelFeatures, x: &SecretScalar) -> Kernel {
        let signature = sign(x, &features.message(self.chain.id()), &mut OsRng);
        Kernel { features, excess: Excess::from_point(*PublicKey::of(x).point()), signature }
    }

    /// A transaction with these outputs, this number of kernels and one input.
    fn transaction(&self, outputs: &[Owned], kernels: usize) -> Outcome<Transaction> {
        let (o, k) = (outputs.len() as u64, kernels as u64);
        let fee = self.chain.least_fee(INPUT_WEIGHT + o * OUTPUT_WEIGHT + k * KERNEL_WEIGHT);
        let fee = fee.ok_or_else(|| Failure::new(Code::Internal, "the fee does not fit 64 bits"))?;
        let not_after = self.chain.standard_expiry(Height::GENESIS.next());
        let plain = |i| KernelFeatures::Plain { fee: if i == 0 { fee } else { Amount::ZERO }, not_after };
        let (spent, excesses) = (secret(), (0..kernels).map(|_| secret()).collect::<Vec<_>>());
        let offset = outputs.iter().map(|o| o.blinding.reveal()).sum::<Scalar>()
            - spent.reveal()
            - excesses.iter().map(SecretScalar::reveal).sum::<Scalar>();
        let input = Commitment::new(Amount::new(AMOUNT * o + fee.units()), &spent);
        let kernels = excesses.iter().enumerate().map(|(i, x)| self.kernel(plain(i), x)).collect();
        let outputs = outputs.iter().map(|o| o.output.clone()).collect();
        Ok(Transaction { offset, body: Body::sorted(vec![input], outputs, kernels) })
    }

    /// The first block, with this transaction and the reward.
    ///
    /// Its roots are those of the genesis, because they are checked only when a block is connected.
    fn block(&self, t: Transaction) -> Outcome<Block> {
        let Body { inputs, mut outputs, mut kernels, .. } = t.body;
        let height = Height::GENESIS.next();
        let due =
            Amount::checked_sum(kernels.iter().map(|k| k.features.fee()).chain([self.chain.params().reward]));
        let reward = self.output(due.unwrap_or_default().units(), Output::coinbase)?;
        kernels.push(self.kernel(KernelFeatures::Coinbase { height }, &reward.blinding));
        outputs.push(reward.output);
        let (genesis, body) = (Header::genesis(&self.chain), Body::sorted(inputs, outputs, kernels));
        let header = Header {
            height,
            previous: genesis.hash(),
            total_offset: t.offset,
            body_hash: body_hash(&body),
            ..genesis
        };
        let seal = sign(&self.operator, &header.seal_message(self.chain.id()), &mut OsRng);
        Ok(Block { header, seal: seal.into(), body })
    }
}

fn secret() -> SecretScalar {
    SecretScalar::random(&mut OsRng)
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Internal, "verification of a value made on this machine failed").why(why)
}
