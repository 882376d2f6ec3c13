#![allow(clippy::indexing_slicing, reason = "a test may fail")]
use super::*;
use crate::storage::{
    Batch, Layout, Memory, index::Index, index_format::part_entry, key, located::Located, merkle_map::Changes,
};
use core::convert::Infallible;
use sotto_mw::{
    block::Header,
    commitment::Commitment,
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    rules::{BlockChange, Connected, check_block, verify_block},
    secret::SecretScalar,
    state::{MemoryState, Sighting, StateCommitments},
    terms::Terms,
    testing::{Owned, TestChain},
    transaction::Transaction,
    trie::Trie,
};

/// A state that forgets kernels, so that it takes one twice.
struct Forgetful<'a>(&'a MemoryState);

impl ChainView for Forgetful<'_> {
    type Error = Infallible;

    fn tip(&self) -> &Header {
        self.0.tip()
    }

    fn terms(&self) -> &Terms {
        self.0.terms()
    }

    fn commitments(&self) -> &StateCommitments {
        self.0.commitments()
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, Infallible> {
        self.0.outputs(keys)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, Infallible> {
        self.0.unspent(c)
    }

    fn last_seen(&self, _: &Excess) -> Result<Option<Sighting>, Infallible> {
        Ok(None)
    }

    fn has_kernel(&self, _: &Hash) -> Result<bool, Infallible> {
        Ok(false)
    }
}

/// A chain, in memory and in a store.
struct World {
    chain: TestChain,
    store: Store,
    coins: Vec<Owned>,
    channel: SecretScalar,
}

impl World {
    /// Rewards that can be spent, payments under an excess that occurs again, and what they leave.
    fn new(seed: u64) -> Self {
        let mut chain = TestChain::new(seed);
        let channel = chain.secret();
        let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone());
        let mut world = Self { chain, store: store.unwrap(), coins: Vec::new(), channel };
        for _ in 0..8 {
            let coin = world.grow(Vec::new());
            world.coins.push(coin);
        }
        for _ in 0..3 {
            let payment = world.payment(world.recurring());
            world.grow(vec![payment]);
        }
        world
    }

    fn grow(&mut self, transactions: Vec<Transaction>) -> Owned {
        let before = self.chain.clone();
        let coin = self.chain.grow(transactions);
        let block = before.judge(self.chain.blocks().last().unwrap()).unwrap();
        self.store.apply(&block).unwrap();
        coin
    }

    fn fee(&self) -> Amount {
        self.chain.least_fee(1, 1, 1)
    }

    fn recurring(&self) -> KernelFeatures {
        let window = Window { not_before: Height::GENESIS, not_after: Height::new(16) };
        KernelFeatures::NoRecentDuplicate { fee: self.fee(), window, distance: 1 }
    }

    /// Spends the oldest coin under the channel's excess.
    fn payment(&mut self, features: KernelFeatures) -> Transaction {
        let coin = self.coins.remove(0);
        let output = self.chain.output(coin.opening.amount.units() - self.fee().units());
        self.chain.transaction_under(&[&coin], &[&output], &[(features, self.channel.clone())])
    }

    /// Adds a block that is sound but for its kernels.
    fn grow_forgetfully(&mut self, t: &Transaction) -> Height {
        let (block, chain) = (self.chain.forge_with(t), self.chain.chain());
        let height = block.header.height;
        let verified = verify_block(chain, self.chain.state().tip(), check_block(chain, block).unwrap());
        let block = connect_block(chain, &Forgetful(self.chain.state()), verified.unwrap());
        self.store.apply(&block.unwrap_or_else(|e| panic!("{e:?}"))).unwrap();
        height
    }

    /// Makes the map of the index say something else, and its root as well.
    fn claim(&mut self, note: impl FnOnce(&Index, &mut Changes)) {
        let (mut batch, mut changes) = (Batch::default(), Changes::new());
        let index = self.store.index_mut();
        note(index, &mut changes);
        index.note(&mut batch, changes).unwrap();
        index.apply(batch).unwrap();
    }

    fn verdict(&self) -> Result<Audit, AuditError> {
        audit(&self.store, |_, _| {})
    }

    fn kernel(&self, height: u64) -> Kernel {
        let kernels = &self.chain.blocks()[height as usize - 1].body.kernels;
        let found = kernels.iter().find(|k| k.features.may_repeat());
        found.unwrap_or(&kernels[0]).clone()
    }
}

fn connected(chain: &Chain, state: &FreshState<'_>, block: Block) -> Connected<BlockChange> {
    let verified = verify_block(chain, state.tip(), check_block(chain, block).unwrap()).unwrap();
    connect_block(chain, state, verified).unwrap()
}

/// While blocks are connected, what is kept is what a later block spends or has again: nothing at the tip.
#[test]
fn what_stays_is_not_kept() {
    for pruned in [false, true] {
        let mut world = World::new(1);
        if pruned {
            assert!(world.store.prune().unwrap().dropped > 0);
        }
        let (store, blocks) = (&world.store, world.chain.blocks());
        for claims in [Claims::Used, Claims::Ignored] {
            let mut state = FreshState::begin(store, claims).unwrap();
            for block in blocks.iter().filter(|b| b.header.height > store.base()) {
                let block = connected(store.chain(), &state, block.clone());
                state.take(&block).unwrap();
                let header = &block.get().block.header;
                let later = blocks.iter().filter(|b| b.header.height > header.height);
                let spends: usize = later.map(|b| b.body.spent().count()).sum();
                let all = [header.output_count, header.kernel_count].map(|n| n as usize);
                match claims {
                    Claims::Used => {
                        let [outputs, kernels, excesses] = state.kept();
                        assert!(outputs <= spends && kernels == 0 && excesses <= 1);
                    }
                    Claims::Ignored => assert_eq!(state.kept()[..2], all),
                }
            }
            if claims == Claims::Used {
                assert_eq!(state.kept(), [0; 3], "pruned: {pruned}");
            }
            for (part, _) in store.commitments().outputs.parts() {
                assert!(state.agrees(part).unwrap());
            }
        }
        assert!(world.verdict().is_ok());
    }
}

/// A claim about a kernel.
type Claim<'a> = &'a dyn Fn(&Index, &mut Changes, &Kernel);

/// The index claims of a kernel what is not so, and its root agrees.
#[test]
fn a_false_claim_about_a_kernel_is_found() {
    let height = Height::new(10);
    let tried: [Claim<'_>; 4] = [
        &|index, changes, k| index.note_kernel(changes, k, Height::new(3), Height::new(3)).unwrap(),
        &|index, changes, k| index.note_kernel(changes, k, Height::new(99), Height::new(99)).unwrap(),
        &|index, changes, k| index.forget_kernel(changes, k, height).unwrap(),
        &|index, changes, _| index.forget_place(changes, Height::new(9)),
    ];
    for claim in tried {
        let mut world = World::new(2);
        assert!(world.verdict().is_ok());
        let kernel = world.kernel(height.get());
        world.claim(|index, changes| claim(index, changes, &kernel));
        let found = world.verdict().unwrap_err();
        assert!(matches!(found, AuditError::Store(StoreError::Index { .. })), "{found}");
    }
}

/// The index claims an output elsewhere than it is. The part has the right hash.
#[test]
fn a_false_claim_about_an_output_is_found() {
    let mut world = World::new(3);
    let block = world.chain.blocks()[8].clone();
    let mut at = world.store.place_of(block.header.height).unwrap();
    at.offset += 1;
    let moved = Located::in_block(&block, at)[0];
    let part = moved.part();
    let hash = world.store.commitments().outputs.part(part).unwrap();
    let all: Vec<_> = world.store.part(part).unwrap();
    let altered: Vec<_> = all.iter().map(|l| if l.entry == moved.entry { moved } else { *l }).collect();
    assert_ne!(all, altered);
    world.store.index_mut().put(key::unspent(part), Some(part_entry(&altered, part, &hash)));
    assert!(matches!(world.verdict().unwrap_err(), AuditError::Differs { what: "unspent outputs" }));
}

/// A block has an excess, or a whole kernel, that must not occur again: the audit names the rule, whether the index
/// claims the last occurrence, the first one, or none.
#[test]
fn a_kernel_that_occurs_again_is_found_whatever_the_index_claims() {
    for (again, rule) in [(false, "MW-R29"), (true, "MW-R30")] {
        for claimed in [None, Some(9), Some(0)] {
            let mut world = World::new(4);
            let plain = world.chain.plain(world.fee());
            let mut payment = world.payment(if again { world.recurring() } else { plain });
            if again {
                payment.body.kernels = vec![world.kernel(9)];
            }
            let kernel = payment.body.kernels[0].clone();
            let height = world.grow_forgetfully(&payment);
            match claimed {
                None => {}
                Some(0) => {
                    world.claim(|index, changes| index.forget_kernel(changes, &kernel, height).unwrap())
                }
                Some(h) => world.claim(|index, changes| {
                    index.forget_kernel(changes, &kernel, height).unwrap();
                    index.note_kernel(changes, &kernel, Height::new(h), height).unwrap();
                }),
            }
            let found = world.verdict().unwrap_err();
            let why = match found {
                AuditError::Block(InvalidBlock { height: at, why }) => (at, why.rule()),
                other => panic!("{again} {claimed:?}: {other}"),
            };
            assert_eq!(why, (height, rule), "{claimed:?}");
        }
    }
}
