//! A branch: the chain as it was some blocks ago, and as it would be with other blocks since. Planned in
//! memory, then adopted at once.
//!
//! ```text
//! tip ──undo──▶ … ──undo──▶ fork ──push──▶ … ──push──▶ new tip     Branch: answers as a store at its tip would
//!                                                                  Plan: what the store then does, all or nothing
//! ```
//!
//! A branch changes nothing on disk. Its answers are the store's, except where the blocks between differ. Parts
//! of its trie that are not loaded are those of the store's, and compared with the same hashes. The floor
//! bounds how far it goes back, so a branch is small.

use crate::storage::{
    chain_store::ChainStore,
    error::StoreError,
    format::{Head, Record},
    index_check::{after_block, after_undo, outputs_before, undoable},
    index_outputs::touched,
    plan::{ChainStep, Plan},
};
use sotto_mw::{
    amount::Height,
    block::Header,
    codec::Encode,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    rules::{BlockChange, Connected},
    state::{ChainView, Sighting, StateCommitments, Unspent, WrongState},
    terms::Terms,
    trie::Trie,
};
use std::collections::{HashMap, HashSet};

/// Unspent outputs in which a branch differs from the store: `None` for those that it does not have.
pub(crate) type Differences = HashMap<Commitment, Option<Unspent>>;

/// A chain that leaves the store's chain at some height.
#[derive(Debug)]
pub(crate) struct Branch<'a> {
    store: &'a ChainStore,
    fork: Height,
    head: Head,
    commitments: StateCommitments,
    outputs: Differences,
    excesses: HashMap<Excess, Sighting>,
    kernels: HashSet<Hash>,
    steps: Vec<ChainStep>,
}

impl<'a> Branch<'a> {
    /// The store's chain up to `height`, which is not below the floor.
    pub(crate) fn at(store: &'a ChainStore, height: Height) -> Result<Self, StoreError> {
        store.running()?;
        let (tip, floor) = (store.head.header.height, store.head.floor);
        if height < floor || height > tip {
            return Err(StoreError::NotKept { height, floor, tip });
        }
        let mut branch = Self {
            store,
            fork: height,
            head: store.head.clone(),
            commitments: store.commitments.clone(),
            outputs: HashMap::new(),
            excesses: HashMap::new(),
            kernels: HashSet::new(),
            steps: Vec::new(),
        };
        while branch.head.header.height > height {
            branch.undo()?;
        }
        Ok(branch)
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        let ChainStore { files, log, index, chain, .. } = self.store;
        let (block, undo) = self.store.noting(undoable(files, log, index, &self.head))?;
        let head = self.store.noting(after_undo(files, index, chain, (&self.head, &undo)))?;
        let entries: Vec<_> = undo.spent.iter().map(|l| l.entry).collect();
        let after = self.outputs(&touched(&block))?;
        let outputs = outputs_before(&after, &block.body, &entries, &head.header);
        let outputs = self.store.noting(outputs)?;
        let spent = undo.spent.iter().map(|l| l.read(files, &self.head));
        let spent = spent.collect::<Result<Vec<_>, StoreError>>()?;
        self.outputs.extend(block.body.outputs.iter().map(|o| (o.commitment, None)));
        self.outputs.extend(spent.iter().map(|u| (u.output.commitment, Some(u.clone()))));
        let record = Record::Undo { height: head.header.height, to: head.header.hash() };
        self.step(ChainStep { record, block, spent, head, outputs });
        Ok(())
    }

    /// Adds a block that was connected to this branch.
    pub(crate) fn push(&mut self, block: &Connected<BlockChange>) -> Result<(), StoreError> {
        let found = self.head.header.hash();
        if *block.parent() != found {
            return Err(WrongState { expected: *block.parent(), found }.into());
        }
        let BlockChange { block, change } = block.get().clone();
        let height = block.header.height;
        self.outputs.extend(change.spent.iter().map(|u| (u.output.commitment, None)));
        let unspent = |o: &sotto_mw::output::Output| Some(Unspent { created: height, output: o.clone() });
        self.outputs.extend(block.body.outputs.iter().map(|o| (o.commitment, unspent(o))));
        for k in &block.body.kernels {
            self.excesses.insert(k.excess, Sighting { height, may_repeat: k.features.may_repeat() });
            self.kernels.insert(k.id());
        }
        let record = Record::Block { height, bytes: block.to_bytes() };
        let head = after_block(&self.head, &block, &self.store.chain);
        let outputs = change.after.commitments.outputs;
        self.step(ChainStep { record, block, spent: change.spent, head, outputs });
        Ok(())
    }

    fn step(&mut self, step: ChainStep) {
        self.head = step.head.clone();
        self.commitments =
            StateCommitments { kernels: step.head.kernels.clone(), outputs: step.outputs.clone() };
        self.steps.push(step);
    }

    /// What the store has to do to follow this branch.
    pub(crate) fn plan(self) -> Plan {
        Plan { from: self.store.head.header.hash(), steps: self.steps }
    }

    /// The state at its tip, and its differences from the store.
    pub(crate) fn into_state(self) -> (Head, StateCommitments, Differences) {
        (self.head, self.commitments, self.outputs)
    }
}

impl ChainView for Branch<'_> {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        &self.head.header
    }

    fn terms(&self) -> &Terms {
        &self.head.terms
    }

    fn commitments(&self) -> &StateCommitments {
        &self.commitments
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, StoreError> {
        let mut outputs = self.commitments.outputs.clone();
        self.store.noting(self.store.index.load_paths(&mut outputs, keys))?;
        Ok(outputs)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        match self.outputs.get(c) {
            Some(differs) => Ok(differs.clone()),
            None => self.store.unspent(c),
        }
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        match self.excesses.get(e) {
            Some(seen) => Ok(Some(*seen)),
            None => self.store.noting(self.store.index.last_seen(e, self.fork)),
        }
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        let before = || Ok(self.store.kernel_height(id)?.is_some_and(|h| h <= self.fork));
        if self.kernels.contains(id) { Ok(true) } else { before() }
    }
}
