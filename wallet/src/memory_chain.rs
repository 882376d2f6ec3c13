//! A chain in memory: the twin of a node, for examples, tests and simulations.
//!
//! ```text
//! seal(miner, payments)   connect ─▶ propose ─▶ connect_proposal ─▶ seal_proposal ─▶ apply        one block
//! undo()                  takes the last block back, as a reorganisation does
//! ```
//!
//! A [`MemoryChain`] is also its own operator: it holds the key that signs blocks. Every block passes the
//! same rules as on a real chain. Nothing is kept on disk, and no block is ever pruned.

use crate::{
    coinbase::{CoinbaseBuilder, CoinbaseError},
    output_proof::SealedOutput,
    proof::KernelInclusion,
    scan::{BlockContents, ChainSource},
};
use core::convert::Infallible;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, SealedHeader},
    chain::{Chain, Params, ParamsError},
    commitment::Commitment,
    error::{ConnectError, Rejection},
    hash::Hash,
    kernel::Excess,
    rules::{NextBlock, Verified, connect_proposal, connect_transaction, propose, seal_proposal},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::{ChainView, ChangeSet, MemoryState, RewindData, Unspent, WrongState},
    transaction::Transaction,
};

/// A chain in memory, with the key of its operator.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rand_core::OsRng;
/// use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, Wallet, Words};
///
/// let mut chain = MemoryChain::solo(&mut OsRng)?;
/// let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([1; 32]));
/// let mut wallet = Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?;
///
/// chain.seal(&wallet.coinbase_builder(Account(0))?, &[], &mut OsRng)?;
/// let report = wallet.scan(&chain, &mut |_, _| {})?;
/// assert_eq!((report.found, report.found_amount), (1, chain.chain().params().reward));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryChain {
    chain: Chain,
    operator: SecretScalar,
    state: MemoryState,
    blocks: Vec<Block>,
    changes: Vec<ChangeSet>,
}

/// Why a block could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The block reward could not be built.
    #[error(transparent)]
    Coinbase(#[from] CoinbaseError),
    /// A rule refuses one of the payments, or the block.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The block does not extend the state.
    #[error(transparent)]
    State(#[from] WrongState),
}

impl From<ConnectError<Infallible>> for SealError {
    fn from(e: ConnectError<Infallible>) -> Self {
        match e {
            ConnectError::Refused(e) => Self::Rejected(e),
            ConnectError::View(never) => match never {},
        }
    }
}

impl MemoryChain {
    /// A new chain with the parameters of a solo network and a fresh operator key.
    ///
    /// # Errors
    /// None in practice: these parameters are valid.
    pub fn solo(rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, ParamsError> {
        let operator = SecretScalar::random(rng);
        Self::new(Params::solo(PublicKey::of(&operator), 0), operator)
    }

    /// A new chain with these parameters, which must name the operator's public key.
    ///
    /// # Errors
    /// [`ParamsError`] when the parameters contradict each other.
    pub fn new(params: Params, operator: SecretScalar) -> Result<Self, ParamsError> {
        let chain = Chain::new(params)?;
        let state = MemoryState::genesis(&chain);
        Ok(Self { chain, operator, state, blocks: vec![], changes: vec![] })
    }

    /// The parameters of the chain and its identifier.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The state after the last block.
    #[must_use]
    pub const fn state(&self) -> &MemoryState {
        &self.state
    }

    /// All blocks after the genesis, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The height of the last block.
    #[must_use]
    pub fn height(&self) -> Height {
        ChainView::tip(&self.state).height
    }

    /// Seals a block of these payments, whose reward and fees go to `miner`; its time is its height.
    ///
    /// # Errors
    /// [`SealError`] when a rule refuses the block; the chain is unchanged then.
    pub fn seal(
        &mut self,
        miner: &CoinbaseBuilder,
        payments: &[Verified<Transaction>],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Height, SealError> {
        let (chain, state, height) = (&self.chain, &self.state, self.height().next());
        let connect = |t| connect_transaction(chain, state, t);
        let payments = payments.iter().map(connect).collect::<Result<Vec<_>, _>>()?;
        let fees = payments.iter().map(|t| t.get().body.fees().ok_or(CoinbaseError::Overflow));
        let due = fees
            .chain([Ok(chain.params().reward)])
            .try_fold(Amount::ZERO, |sum, fee| sum.checked_add(fee?).ok_or(CoinbaseError::Overflow))?;
        let reward = miner.build(height, due, rng)?;
        let next =
            NextBlock { transactions: &payments, reward: reward.into(), time: height.get(), change: None };
        let proposal = propose(chain, state, next)?;
        let seal = sign(&self.operator, &proposal.header.seal_message(chain.id()), rng);
        let block = seal_proposal(chain, connect_proposal(chain, state, proposal)?, seal)?;
        let (block, change) = (block.get().block.clone(), block.get().change.clone());
        self.state.apply(&change)?;
        self.blocks.push(block);
        self.changes.push(change);
        Ok(height)
    }

    /// Takes the last block back; `None` at the genesis.
    pub fn undo(&mut self) -> Option<Block> {
        let change = self.changes.pop()?;
        self.state.undo(&change).ok()?;
        self.blocks.pop()
    }

    /// The proof that the kernel with this excess is in the chain, under the seal of its last block; `None`
    /// when it is not.
    #[must_use]
    pub fn inclusion(&self, excess: &Excess) -> Option<KernelInclusion> {
        let last = SealedHeader::of(self.blocks.last()?);
        let kernels = self.blocks.iter().flat_map(|b| b.body.kernels.iter().cloned());
        let kernels = kernels.map(Ok::<_, Infallible>);
        match KernelInclusion::find(self.chain.params(), &last, kernels, excess) {
            Ok(found) => found,
            Err(never) => match never {},
        }
    }
}

impl ChainSource for MemoryChain {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        ChainSource::tip(&self.state)
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        self.state.unspent_count()
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        ChainSource::unspent(&self.state, after, most)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        self.state.kernel(excess)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Infallible> {
        Ok(self.block_at(height).map(|b| b.header.hash()))
    }

    fn sealed_output(&self, c: &Commitment) -> Result<Option<SealedOutput>, Infallible> {
        let (Some(last), Some(unspent)) = (self.blocks.last(), ChainView::unspent(&self.state, c)?) else {
            return Ok(None);
        };
        let opening = self.state.commitments().outputs.prove(&Unspent::key(c));
        let (sealed, output) = (SealedHeader::of(last), unspent.rewind_data());
        Ok(Some(SealedOutput { sealed, output, opening }))
    }

    fn block(&self, height: Height) -> Result<Option<BlockContents>, Infallible> {
        Ok(self.block_at(height).map(|b| b.clone().into()))
    }
}

impl MemoryChain {
    fn block_at(&self, height: Height) -> Option<&Block> {
        let index = usize::try_from(height.get().checked_sub(1)?).ok()?;
        self.blocks.get(index)
    }
}
