//! A ledger of a chain that validators seal: it follows their terms, on disk too.

use super::{
    snapshot::{exported, forged, import, parts},
    test_chain::Dir,
};
use sotto_mw::{
    Amount, Encode,
    amount::Height,
    error::{ChangeFault, Rejection},
    history::{History, TermsChange},
    state::ChainView,
    terms::{Announced, Change, Limits},
    testing::TestChain,
    validators::ValidatorSet,
};
use sotto_node::{
    codec::Damage,
    edge::sled_database::SledDatabases,
    ledger::{Ledger, LedgerError, audit::audit, mempool::MempoolLimits},
    seal::SealedHeader,
    storage::{
        FileName, IndexFault, Layout, Memory, PART_ITEMS, Store, StoreError, snapshot_check::PartFault,
    },
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

fn opened(files: &Memory) -> Ledger {
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

    // What validators certified is final.
    assert!(matches!(ledger.undo(), Err(LedgerError::Store(StoreError::Final { .. }))));
}

/// A ledger of all blocks, and its files.
fn grown(chain: &TestChain) -> (Ledger, Memory) {
    let files = Memory::new();
    let params = TestChain::with_validators(80, 4).chain().params().clone();
    drop(Store::create_on(files.clone(), Layout::in_memory(), params).unwrap());
    let mut ledger = opened(&files);
    chain.blocks().iter().for_each(|block| drop(ledger.connect(block.clone()).unwrap()));
    (ledger, files)
}

/// The store knows the terms of all heights, shows what leads to them, and passes an audit.
fn knows_the_terms(chain: &TestChain, store: &Store, changes: &[TermsChange]) {
    let headers = chain.blocks().iter().map(SealedHeader::of);
    assert!(headers.clone().all(|s| store.history().states_terms(&s.header) && store.history().holds(&s)));
    assert_eq!(store.terms(), chain.chain().terms());
    let tip = store.tip().height;
    let shown = store.terms_changes(Height::new(1), tip, 100).unwrap();
    assert_eq!(shown, changes);
    let stored = store.sealed_headers(Height::new(1), tip).unwrap();
    assert!(stored.into_iter().eq(headers.take(tip.get() as usize)));
    let audit = audit(store, |_, _| {}).unwrap();
    assert_eq!((audit.height, audit.pruned), (tip, store.base()));
}

/// Pruned, opened with an index that is built anew, and pruned again: the terms of all heights stay, and the
/// chain goes on under those of now.
#[test]
fn a_pruned_chain_keeps_the_terms_of_every_height() {
    let mut chain = test_chain();
    let (mut ledger, files) = grown(&chain);
    let changes = ledger.store().terms_changes(Height::new(1), ledger.tip().height, 100).unwrap();
    for _ in 0..2 {
        ledger.prune().unwrap();
        assert_eq!(ledger.store().base(), ledger.tip().height, "all of it is final");
        knows_the_terms(&chain, ledger.store(), &changes);
        drop(ledger);
        ledger = opened(&files);
        knows_the_terms(&chain, ledger.store(), &changes);
        chain.grow(Vec::new());
        ledger.connect(chain.blocks().last().unwrap().clone()).unwrap();
    }
    // A base that states other terms than its headers do is damaged.
    let (ledger, files) = grown(&chain);
    drop(ledger);
    let file = FileName::Base(1);
    opened(&files).prune().unwrap();
    let whole = files.bytes(file).unwrap();
    let terms = changes[0].terms.to_bytes();
    let at = whole.windows(terms.len()).position(|w| w == terms).unwrap();
    let mut damaged = whole;
    damaged[at + 40] ^= 1;
    files.set(file, damaged);
    assert!(Store::open_on(files, Layout::in_memory()).is_err());
}

/// A snapshot file of a chain whose validators changed, in parts of any size; copies go on as the original
/// does.
#[test]
fn what_validators_sealed_is_exported_and_imported() {
    let mut chain = test_chain();
    let (ledger, _) = grown(&chain);
    let (store, tip) = (ledger.store(), ledger.tip().height);
    let changes = store.terms_changes(Height::new(1), tip, 100).unwrap();
    chain.grow(Vec::new());
    for items in [1, 64, PART_ITEMS] {
        let bytes = exported(store, tip.get(), items);
        let headers = parts(&bytes).iter().filter(|p| p.0 == 0).count() as u64;
        assert_eq!(headers, tip.get().div_ceil((u64::from(items) / 16).max(1)));
        let files = Memory::new();
        let copy = import(&files, &bytes).unwrap().store.unwrap();
        knows_the_terms(&chain, &copy, &changes);
        drop(copy);
        let mut copy = opened(&files);
        assert_eq!(exported(copy.store(), tip.get(), items), bytes);
        copy.connect(chain.blocks().last().unwrap().clone()).unwrap();
    }
}

/// Without a part that states a change, those under the terms after it cannot be judged; another copy fills
/// the gap.
#[test]
fn a_part_with_a_change_is_needed_for_those_after_it() {
    let chain = test_chain();
    let (ledger, _) = grown(&chain);
    let whole = exported(ledger.store(), ledger.tip().height.get(), 16);
    // What a change announces needs no further header.
    let changes = [1, 3];
    for (place, (kind, from, _)) in parts(&whole).into_iter().enumerate() {
        let (mut bytes, files) = (whole.clone(), Memory::new());
        bytes[from] ^= 1;
        let found = import(&files, &bytes).unwrap();
        let missing: Vec<_> = found.missing.iter().map(|m| m.part as usize).collect();
        assert_eq!(missing[0], place);
        let headers = ledger.tip().height.get() as usize;
        let then = if kind == 0 && changes.contains(&place) { place..headers } else { place..place + 1 };
        assert_eq!(missing, then.collect::<Vec<_>>(), "{:?}", found.missing);
        assert_eq!(import(&files, &whole).unwrap().store.unwrap().tip(), ledger.tip());
    }
    // Terms that no header states, and a seal that is none, under checks that hold.
    let (_, from, to) = parts(&whole)[1];
    for at in [to - from - 1, 256 + 1 + 4 + 1 + 1 + 3] {
        let bytes = forged(&whole, 1, |part| part[at] ^= 1);
        let found = import(&Memory::new(), &bytes).unwrap();
        assert_eq!(found.missing[0].part, 1);
        assert_ne!(found.missing[0].fault, PartFault::Damaged(Damage::Checksum));
    }
}

/// Each header is judged by the terms of its height, also after those have changed, and by an index that was
/// written block by block as by one that was rebuilt.
#[test]
fn a_store_knows_the_terms_of_every_height() {
    let (chain, files) = (test_chain(), Memory::new());
    let params = TestChain::with_validators(80, 4).chain().params().clone();
    drop(Store::create_on(files.clone(), Layout::in_memory(), params).unwrap());
    let (index, mut ledger) = (Dir::new(), opened(&files));
    chain.blocks().iter().for_each(|block| drop(ledger.connect(block.clone()).unwrap()));
    let tip = ledger.tip().height;
    let sealed = ledger.store().sealed_headers(Height::new(1), tip).unwrap();
    let rebuilt = opened(&files);
    let layout = || Layout::new(SledDatabases::in_directory(index.path()));
    let on_disk = || Store::open_on(files.clone(), layout()).unwrap();
    drop(on_disk());
    let written = on_disk();
    assert!(written.opened().rebuilt.is_none() && written.opened().replayed == 0, "{:?}", written.opened());
    let changes = written.terms_changes(Height::new(1), tip, 100).unwrap();
    // The fifth is announced and seals; the fee is announced and in effect.
    let heights: Vec<_> = changes.iter().map(|c| c.sealed.header.height.get()).collect();
    assert_eq!(heights, [2, 3, 4, 21]);
    let mut walked = History::new(ledger.chain());
    walked.extend(&changes).unwrap();
    for history in [ledger.store().history(), rebuilt.store().history(), written.history(), &walked] {
        assert!(sealed.iter().all(|s| history.states_terms(&s.header) && history.holds(s)));
        assert_eq!(history.at(tip.next()), chain.chain().terms());
    }
    assert_eq!(written.terms_changes(Height::new(3), Height::new(20), 1).unwrap(), changes[1..2]);
    assert_eq!(written.terms_changes(Height::new(5), Height::new(20), 9).unwrap(), []);
    drop(written);
    // An entry that is missing, altered or too many is found.
    let entry = |from: u64| [b"t".as_slice(), &from.to_be_bytes()].concat();
    for (from, value) in [(4, None), (5, Some(vec![1, 2, 3])), (9, Some(Vec::new()))] {
        let database = sled::open(index.path().join("index")).unwrap();
        match value {
            Some(value) => drop(database.insert(entry(from), value).unwrap()),
            None => drop(database.remove(entry(from)).unwrap().expect("an entry")),
        }
        drop(database);
        let found = on_disk();
        let rebuilt = &found.opened().rebuilt;
        assert!(matches!(rebuilt, Some(StoreError::Index { fault: IndexFault::Terms(_) })), "{rebuilt:?}");
        assert_eq!(found.terms_changes(Height::new(1), tip, 100).unwrap(), changes);
    }
}

/// A second block of a height is judged by the validators of that height, not by those of today.
#[test]
fn a_height_that_was_sealed_twice_is_seen_after_the_validators_changed() {
    let mut chain = TestChain::with_validators(82, 4);
    let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone()).unwrap();
    let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
    let (p, _) = chain.propose_with(&[], None).unwrap();
    let second = SealedHeader::of(&chain.seal(p.header, p.body));
    let new = chain.appoint("fifth", 1);
    let set = chain.chain().terms().sealing.validators().unwrap().clone();
    let change = Change::Validators(ValidatorSet::new([set.all(), &[new]].concat()).unwrap());
    let change = chain.change(change, EXPIRY);
    chain.grow_with(Vec::new(), Some(change));
    (0..4).for_each(|_| drop(chain.grow(Vec::new())));
    chain.blocks().iter().for_each(|block| drop(ledger.connect(block.clone()).unwrap()));
    assert_eq!(ledger.chain().terms().sealing.validators().unwrap().count(), 5);
    let twice = ledger.see(&second).unwrap().expect("evidence");
    assert!(twice.holds(ledger.store().history()));
    let mut forged = second;
    forged.header.time += 1;
    assert_eq!(ledger.see(&forged).unwrap(), None);
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
