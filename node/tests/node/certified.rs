//! A ledger of a chain that validators seal: it follows their terms, on disk too.

use sotto_mw::{
    Amount, Encode,
    amount::Height,
    error::{ChangeFault, Rejection},
    state::ChainView,
    terms::{Announced, Change, Limits},
    testing::TestChain,
    validators::ValidatorSet,
};
use sotto_node::{
    ledger::{Ledger, LedgerError, mempool::MempoolLimits},
    storage::{ExportError, Layout, Memory, Store, StoreError},
};

const EXPIRY: Height = Height::new(1_000);

/// A fifth validator from height 4 on, twice the fee from height 22 on.
fn test_chain() -> TestChain {
    let mut chain = TestChain::with_validators(80, 4);
    chain.grow(Vec::new());
    let new = chain.appoint("fifth", 1);
    let set = chain.chain().terms().sealing.validators().unwrap().clone();
    let set = ValidatorSet::new([set.all(), &[new]].concat()).unwrap();
    let change = chain.change(Change::Validators(set), EXPIRY);
    chain.grow_with(Vec::new(), Some(change));
    chain.grow(Vec::new());
    let what = Limits { fee_per_weight: Amount::new(2_000), max_weight: 40_000 };
    let change = chain.change(Change::Limits(Announced { from: Height::new(22), what }), EXPIRY);
    chain.grow_with(Vec::new(), Some(change));
    (0..20).for_each(|_| drop(chain.grow(Vec::new())));
    chain
}

fn opened(files: &Memory) -> Ledger<Memory> {
    let store = Store::open_on(files.clone(), Layout::in_memory()).unwrap();
    Ledger::over(store, MempoolLimits::default()).unwrap()
}

/// Opened anew after each block, the ledger knows who seals the next.
#[test]
fn a_ledger_follows_its_validators_across_restarts() {
    let (chain, files) = (test_chain(), Memory::new());
    let params = TestChain::with_validators(80, 4).chain().params().clone();
    drop(Store::create_on(files.clone(), Layout::in_memory(), params).unwrap());
    let mut terms = chain.chain().params().first_terms();
    for block in chain.blocks() {
        let mut ledger = opened(&files);
        assert_eq!((ledger.store().terms(), ledger.chain().terms()), (&terms, &terms));
        ledger.connect(block.clone()).unwrap();
        terms = terms.after(block.header.height, block.body.terms_change());
    }
    let mut ledger = opened(&files);
    assert_eq!(ledger.chain().terms(), chain.chain().terms());
    assert_eq!(ledger.chain().least_fee(1), Some(Amount::new(2_000)));
    let audit = ledger.audit(|_, _| {}).unwrap();
    assert_eq!(audit.height, chain.state().tip().height);

    // What validators certified is final, and all of it is kept.
    assert!(matches!(ledger.undo(), Err(LedgerError::Store(StoreError::Final { .. }))));
    assert!(matches!(ledger.prune(), Err(LedgerError::Store(StoreError::Certified))));
    let height = ledger.tip().height;
    let refused = ledger.store().export(height, 1_024, &mut Vec::new(), |_, _| {});
    assert!(matches!(refused, Err(ExportError::Store(StoreError::Certified))));
}

/// A block with a change that does not hold is refused, and the ledger goes on with one that does.
#[test]
fn a_change_that_does_not_hold_is_refused() {
    let mut chain = TestChain::with_validators(81, 4);
    let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone()).unwrap();
    let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
    let announce = Change::Rules(Announced { from: Height::new(500), what: 9 });
    let mut change = chain.change(announce, EXPIRY);
    let good = change.clone();
    change.expiry = Height::new(999);
    let (p, _) = chain.propose_with(&[], Some(change)).unwrap();
    let refused = ledger.connect(chain.seal(p.header, p.body));
    let fault = ChangeFault::Signature;
    assert!(
        matches!(&refused, Err(LedgerError::Refused(why)) if *why == Rejection::BadChange { fault }),
        "{refused:?}"
    );
    chain.grow_with(Vec::new(), Some(good));
    ledger.connect(chain.blocks()[0].clone()).unwrap();
    assert_eq!(ledger.tip().to_bytes(), chain.state().tip().to_bytes());
    assert!(ledger.chain().terms().announced_rules.is_some());
}
