//! A chain in memory with the keys of all its users, derived from a seed.
//!
//! [`TestChain::grow`] builds blocks with the rules. [`TestChain::forge`] seals any body under a header that
//! it computes independently, so each path checks the other.

use super::{
    owned::{KeySecrets, Owned},
    test_validators::TestValidators,
};
use crate::{
    amount::{Amount, Height},
    block::{Block, Header, Seal, body_hash},
    chain::{self, Chain, Params},
    error::{ConnectError, Rejection},
    features::{Extra, OutputContext, OutputFeatures},
    group::Scalar,
    kernel::{Excess, Kernel, KernelFeatures},
    one_sided::{Bond, OneSidedInput},
    output::{Delivery, Output},
    prover::{OutputKeys, prove},
    range_proof::{Opening, RewindKey, TauKey},
    rules::{self, BlockChange, Connected, NextBlock, Proposal},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::{ChainView, ChangeSet, MemoryState, Unspent},
    terms::{Sealing, SignedChange},
    transaction::{Body, Transaction},
    validators::ValidatorSet,
    votes::{Certificate, Vote, VoteKind},
};
use core::convert::Infallible;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::RngCore;
use std::collections::BTreeMap;

/// A chain, its blocks, and the keys of all its users.
///
/// ```
/// use sotto_mw::testing::TestChain;
///
/// let mut ledger = TestChain::new(1);
/// let reward = ledger.grow(vec![]); // seals and connects a block; its reward is ours
/// ledger.mature(); // until that reward can be spent
/// let (payment, outputs) = ledger.pay(&[&reward], &[25]); // at the least fee; the change is the last output
/// ledger.grow(vec![payment]);
/// assert_eq!(ledger.state().all_unspent().count(), ledger.blocks().len() + 1);
/// ```
#[derive(Clone, Debug)]
pub struct TestChain {
    chain: Chain,
    state: MemoryState,
    blocks: Vec<Block>,
    operator: SecretScalar,
    pub(super) validators: TestValidators,
    pub(super) rng: ChaCha20Rng,
    /// Seconds between blocks.
    pub(super) spacing: u64,
}

impl TestChain {
    /// The key that rewinds all outputs of all test chains.
    pub const REWIND: RewindKey = RewindKey([1; 32]);
    /// The key that hides their blinding factors from the rewind key.
    pub const TAU: TauKey = TauKey([2; 32]);

    /// A new solo chain with short windows (16 blocks on a grid of 4) and a maturity of 3.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, |_| ())
    }

    /// The same with some parameters changed.
    ///
    /// # Panics
    /// If the parameters contradict each other.
    #[must_use]
    pub fn with(seed: u64, edit: impl FnOnce(&mut Params)) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let operator = SecretScalar::random(&mut rng);
        let solo = Params::solo(PublicKey::of(&operator), 1_700_000_000);
        let mut params = Params { window_width: 16, window_grid: 4, reorganisation: 8, ..solo };
        edit(&mut params);
        Self::of(params, operator, TestValidators::default(), rng)
    }

    pub(super) fn of(
        params: Params,
        operator: SecretScalar,
        validators: TestValidators,
        rng: ChaCha20Rng,
    ) -> Self {
        let chain = Chain::new(params).expect("parameters that make sense together");
        let state = MemoryState::genesis(&chain);
        Self { chain, state, blocks: Vec::new(), operator, validators, rng, spacing: 60 }
    }

    /// The same chain with this many seconds between blocks, in place of a minute.
    #[must_use]
    pub fn spaced(mut self, spacing: u64) -> Self {
        self.spacing = spacing;
        self
    }

    /// The chain's parameters.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The state after the last block.
    #[must_use]
    pub const fn state(&self) -> &MemoryState {
        &self.state
    }

    /// All blocks after the genesis.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The height of the next block.
    #[must_use]
    pub fn next(&self) -> Height {
        self.state.tip().height.next()
    }

    /// The key that seals blocks.
    #[must_use]
    pub const fn operator(&self) -> &SecretScalar {
        &self.operator
    }

    /// The chain's random source.
    pub const fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }

    /// A random secret scalar.
    pub fn secret(&mut self) -> SecretScalar {
        SecretScalar::random(&mut self.rng)
    }

    /// A new plain output of this amount.
    pub fn output(&mut self, amount: u64) -> Owned {
        self.output_as(OutputFeatures::Plain, amount)
    }

    /// A new output of this kind and amount.
    pub fn output_as(&mut self, features: OutputFeatures, amount: u64) -> Owned {
        let mut index = [0; 12];
        self.rng.fill_bytes(&mut index);
        let opening = Opening { amount: Amount::new(amount), index };
        let blinding = self.secret();
        self.output_of(features, opening, blinding, Extra::default())
    }

    /// The output with exactly these contents.
    ///
    /// # Panics
    /// If it cannot be proven.
    #[must_use]
    pub fn output_of(
        &self,
        features: OutputFeatures,
        opening: Opening,
        blinding: SecretScalar,
        extra: Extra,
    ) -> Owned {
        let context = OutputContext::new(&self.chain, &features, extra.as_bytes());
        let keys = OutputKeys { blinding: &blinding, rewind: &Self::REWIND, tau: &Self::TAU };
        let (commitment, proof) = prove(&context, &opening, &keys).expect("an output that can be proven");
        Owned { opening, blinding, output: Output { features, commitment, extra, proof }, keys: None }
    }

    /// A new one-sided output of this amount.
    pub fn one_sided(&mut self, amount: u64) -> Owned {
        let keys = KeySecrets { sender: self.secret(), receiver: self.secret() };
        let (index, blinding) = ([4; 12], self.secret());
        self.one_sided_of(keys, Opening { amount: Amount::new(amount), index }, blinding)
    }

    /// The one-sided output with exactly these contents, but for its sender's nonce.
    ///
    /// # Panics
    /// If it cannot be proven.
    pub fn one_sided_of(&mut self, keys: KeySecrets, opening: Opening, blinding: SecretScalar) -> Owned {
        let receiver = PublicKey::of(&keys.receiver);
        let to = Delivery { sender: &keys.sender, receiver, view_tag: 7, opening };
        let own = OutputKeys { blinding: &blinding, rewind: &Self::REWIND, tau: &Self::TAU };
        let output = Output::one_sided(&self.chain, &to, &own, &mut self.rng);
        let output = output.expect("an output that can be proven");
        Owned { opening, blinding, output, keys: Some(keys) }
    }

    /// A kernel of this kind under the excess `x·G`.
    pub fn kernel(&mut self, features: KernelFeatures, x: &SecretScalar) -> Kernel {
        let signature = sign(x, &features.message(self.chain.id()), &mut self.rng);
        Kernel { features, excess: Excess::from_point(*PublicKey::of(x).point()), signature }
    }

    /// The features of a plain kernel with this fee and the standard window for the next block.
    #[must_use]
    pub fn plain(&self, fee: Amount) -> KernelFeatures {
        KernelFeatures::Plain { fee, not_after: self.chain.standard_expiry(self.next()) }
    }

    /// The same with a bond.
    #[must_use]
    pub fn bonded(&self, fee: Amount) -> KernelFeatures {
        KernelFeatures::Bonded { fee, not_after: self.chain.standard_expiry(self.next()) }
    }

    /// The least fee of a transaction with these numbers of items.
    ///
    /// # Panics
    /// If it exceeds 64 bits.
    #[must_use]
    pub fn least_fee(&self, inputs: usize, outputs: usize, kernels: usize) -> Amount {
        let (i, o, k) = (inputs as u64, outputs as u64, kernels as u64);
        let weight =
            i * chain::INPUT_WEIGHT + o * self.chain.params().output_weight() + k * chain::KERNEL_WEIGHT;
        self.chain.least_fee(weight).expect("a fee that fits 64 bits")
    }

    /// A transaction of these outputs and kernels, each kernel under a random excess. The blinding factors
    /// balance; the amounts need not.
    pub fn transaction(
        &mut self,
        inputs: &[&Owned],
        outputs: &[&Owned],
        kernels: &[KernelFeatures],
    ) -> Transaction {
        let excesses: Vec<_> = kernels.iter().map(|f| (*f, self.secret())).collect();
        self.transaction_under(inputs, outputs, &excesses)
    }

    /// The same, with given secret keys of the excesses. One-sided inputs are signed with the secrets of
    /// their keys, and each bonded kernel gets a bond under a random key.
    pub fn transaction_under(
        &mut self,
        inputs: &[&Owned],
        outputs: &[&Owned],
        kernels: &[(KernelFeatures, SecretScalar)],
    ) -> Transaction {
        let sum = |all: &[&Owned]| all.iter().map(|o| o.blinding.reveal()).sum::<Scalar>();
        let offset = sum(outputs) - sum(inputs) - kernels.iter().map(|(_, x)| x.reveal()).sum::<Scalar>();
        let kernels: Vec<_> = kernels.iter().map(|(f, x)| self.kernel(*f, x)).collect();
        let mut key_offset: Scalar =
            outputs.iter().filter_map(|o| o.keys.as_ref()).map(|k| k.sender.reveal()).sum();
        let (mut plain, mut one_sided_inputs) = (Vec::new(), Vec::new());
        for o in inputs {
            let Some(keys) = &o.keys else {
                plain.push(o.commitment());
                continue;
            };
            let (input, part) =
                OneSidedInput::sign(self.chain.id(), o.commitment(), &keys.receiver, &mut self.rng);
            one_sided_inputs.push(input);
            key_offset += part.reveal();
        }
        let mut bonds = BTreeMap::new();
        for k in kernels.iter().filter(|k| k.features.is_bonded()) {
            let x = self.secret();
            bonds.insert(k.excess, Bond::sign(self.chain.id(), k, &x, &mut self.rng));
            key_offset -= x.reveal();
        }
        let outputs = outputs.iter().map(|o| o.output.clone()).collect();
        let body =
            Body { inputs: plain, one_sided_inputs, outputs, kernels, bonds, key_offset, change: None };
        Transaction { offset, body: body.in_order() }
    }

    /// Pays these amounts under one plain kernel at the least fee. Returns the outputs, the change last.
    ///
    /// # Panics
    /// If the inputs are insufficient.
    pub fn pay(&mut self, inputs: &[&Owned], amounts: &[u64]) -> (Transaction, Vec<Owned>) {
        let fee = self.least_fee(inputs.len(), amounts.len() + 1, 1);
        let have: u64 = inputs.iter().map(|o| o.opening.amount.units()).sum();
        let change = have.checked_sub(amounts.iter().sum::<u64>() + fee.units()).expect("enough to pay with");
        let outputs: Vec<_> = amounts.iter().chain([&change]).map(|v| self.output(*v)).collect();
        let features = self.plain(fee);
        (self.transaction(inputs, &outputs.iter().collect::<Vec<_>>(), &[features]), outputs)
    }

    /// The same with one-sided outputs, and inputs of any kind.
    ///
    /// # Panics
    /// If the inputs are insufficient.
    pub fn pay_one_sided(&mut self, inputs: &[&Owned], amounts: &[u64]) -> (Transaction, Vec<Owned>) {
        let one_sided = inputs.iter().filter(|o| o.keys.is_some()).count() as u64;
        let weight = (inputs.len() as u64 - one_sided) * chain::INPUT_WEIGHT
            + one_sided * chain::ONE_SIDED_INPUT_WEIGHT
            + (amounts.len() as u64 + 1) * self.chain.params().one_sided_output_weight()
            + chain::KERNEL_WEIGHT
            + chain::BOND_WEIGHT;
        let fee = self.chain.least_fee(weight).expect("a fee that fits 64 bits");
        let have: u64 = inputs.iter().map(|o| o.opening.amount.units()).sum();
        let change = have.checked_sub(amounts.iter().sum::<u64>() + fee.units()).expect("enough to pay with");
        let outputs: Vec<_> = amounts.iter().chain([&change]).map(|v| self.one_sided(*v)).collect();
        let features = self.bonded(fee);
        (self.transaction(inputs, &outputs.iter().collect::<Vec<_>>(), &[features]), outputs)
    }

    /// The reward of the next block, whose transactions pay these fees.
    ///
    /// # Panics
    /// If it exceeds 64 bits.
    pub fn reward(&mut self, fees: Amount) -> (Owned, Kernel) {
        let due = self.chain.params().reward.checked_add(fees).expect("a reward that fits 64 bits");
        let coinbase = self.output_as(OutputFeatures::Coinbase, due.units());
        let kernel = self.kernel(KernelFeatures::Coinbase { height: self.next() }, &coinbase.blinding);
        (coinbase, kernel)
    }

    /// Checks a transaction for the next block.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn accept(&self, t: &Transaction) -> Result<Connected<Transaction>, Rejection> {
        let t = rules::check_transaction(&self.chain, t.clone())?;
        let t = rules::verify_transaction(&self.chain, t)?;
        rules::connect_transaction(&self.chain, &self.state, &t).map_err(refused)
    }

    /// The next block, unsealed, and its reward.
    ///
    /// # Errors
    /// The rule that a transaction or the block breaks.
    pub fn propose(&mut self, transactions: &[Transaction]) -> Result<(Proposal, Owned), Rejection> {
        self.propose_with(transactions, None)
    }

    /// The same with a change of the terms.
    ///
    /// # Errors
    /// The rule that a transaction, the change or the block breaks.
    pub fn propose_with(
        &mut self,
        transactions: &[Transaction],
        change: Option<SignedChange>,
    ) -> Result<(Proposal, Owned), Rejection> {
        let all: Vec<_> = transactions.iter().map(|t| self.accept(t)).collect::<Result<_, _>>()?;
        let fees = Amount::checked_sum(transactions.iter().filter_map(|t| t.body.fees()));
        let (coinbase, kernel) = self.reward(fees.ok_or(Rejection::FeeOverflow)?);
        let next = NextBlock {
            transactions: &all,
            reward: (coinbase.output.clone(), kernel).into(),
            time: self.time(),
            change,
        };
        let proposal = rules::propose(&self.chain, &self.state, next).map_err(refused)?;
        Ok((proposal, coinbase))
    }

    /// Seals any header and body: by the operator, or by all validators of the next height.
    pub fn seal(&mut self, header: Header, body: Body) -> Block {
        let seal: Seal = match self.state.terms().sealing.clone() {
            Sealing::Solo(_) => {
                sign(&self.operator, &header.seal_message(self.chain.id()), &mut self.rng).into()
            }
            Sealing::Validators(set) => self.certificate(&set, 0, 0..set.count(), &header).into(),
        };
        Proposal { header, body }.seal(seal)
    }

    /// The precommits of the validators at these places of the set for a header.
    ///
    /// # Panics
    /// If the chain does not know their keys.
    pub fn certificate(
        &mut self,
        set: &ValidatorSet,
        round: u32,
        places: impl IntoIterator<Item = usize>,
        header: &Header,
    ) -> Certificate {
        let (kind, height, value) = (VoteKind::Precommit, header.height, Some(header.hash()));
        let message = Vote { kind, height, round, value }.message(self.chain.id());
        let signatures = self.validators.signatures(set, places, &message, &mut self.rng);
        Certificate { round, signatures }
    }

    /// Seals any body under the header that matches it.
    pub fn forge(&mut self, body: Body, offset: &Scalar) -> Block {
        let header = self.header(&body, offset);
        self.seal(header, body)
    }

    /// A sealed block of this transaction and its reward, valid or not.
    pub fn forge_with(&mut self, t: &Transaction) -> Block {
        let fees = t.body.kernels.iter().map(|k| k.features.fee().units()).fold(0, u64::wrapping_add);
        let (coinbase, kernel) = self.reward(Amount::new(fees));
        // The reward is inserted in order; the other items keep their order, right or wrong.
        let mut body = t.body.clone();
        let (outputs, kernels) = (&mut body.outputs, &mut body.kernels);
        let at = outputs.iter().position(|o| o.commitment > coinbase.commitment());
        outputs.insert(at.unwrap_or(outputs.len()), coinbase.output);
        let at = kernels.iter().position(|k| k.excess > kernel.excess);
        kernels.insert(at.unwrap_or(kernels.len()), kernel);
        self.forge(body, &t.offset)
    }

    /// Checks a block.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn judge(&self, b: &Block) -> Result<Connected<BlockChange>, Rejection> {
        let b = rules::check_block(&self.chain, b.clone())?;
        let b = rules::verify_block(&self.chain, self.state.tip(), b)?;
        rules::connect_block(&self.chain, &self.state, b).map_err(refused)
    }

    /// Appends a block and returns its changes.
    ///
    /// # Errors
    /// The rule that it breaks; nothing is changed then.
    pub fn connect(&mut self, b: &Block) -> Result<ChangeSet, Rejection> {
        let change = self.judge(b)?.get().change.clone();
        self.state.apply(&change).expect("a change of this state");
        self.chain = self.chain.under(self.state.terms());
        self.blocks.push(b.clone());
        Ok(change)
    }

    /// Removes the last block, given its changes.
    ///
    /// # Panics
    /// If these are not the changes of the last block.
    pub fn undo(&mut self, change: &ChangeSet) {
        self.state.undo(change).expect("the change of the last block");
        self.chain = self.chain.under(self.state.terms());
        self.blocks.pop();
    }

    /// Appends a block of these transactions and returns its reward.
    ///
    /// # Panics
    /// If a rule is broken.
    pub fn grow(&mut self, transactions: Vec<Transaction>) -> Owned {
        self.grow_with(transactions, None)
    }

    /// The same with a change of the terms.
    ///
    /// # Panics
    /// If a rule is broken.
    pub fn grow_with(&mut self, transactions: Vec<Transaction>, change: Option<SignedChange>) -> Owned {
        let (p, coinbase) = self.propose_with(&transactions, change).expect("transactions that fit");
        let block = self.seal(p.header, p.body);
        self.connect(&block).expect("a block that fits");
        coinbase
    }

    /// Appends empty blocks until every reward so far can be spent in the next block; returns the new
    /// rewards.
    pub fn mature(&mut self) -> Vec<Owned> {
        (1..self.chain.params().maturity).map(|_| self.grow(Vec::new())).collect()
    }

    fn time(&self) -> u64 {
        self.state.tip().time + self.spacing
    }

    /// The header for any body; items that do not fit the state are ignored.
    fn header(&self, body: &Body, offset: &Scalar) -> Header {
        let (parent, height) = (self.state.tip(), self.next());
        let mut after = self.state.commitments().clone();
        body.kernels.iter().for_each(|k| after.kernels.push(k.id()));
        for c in body.spent() {
            let _ = after.outputs.remove(&Unspent::key(c));
        }
        for o in &body.outputs {
            let unspent = Unspent { created: height, output: o.clone() };
            let _ = after.outputs.insert(Unspent::key(&o.commitment), unspent.leaf());
        }
        Header {
            height,
            previous: parent.hash(),
            time: self.time(),
            total_offset: parent.total_offset + offset,
            kernel_count: after.kernels.len(),
            kernel_root: after.kernels.root(),
            output_count: after.outputs.len(),
            output_root: after.outputs.root(),
            body_hash: body_hash(body),
            terms: parent.next_terms,
            next_terms: self.state.terms().after(height, body.terms_change()).hash(),
        }
    }
}

fn refused(e: ConnectError<Infallible>) -> Rejection {
    match e {
        ConnectError::Refused(r) => r,
        ConnectError::View(never) => match never {},
    }
}
