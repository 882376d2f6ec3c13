//! Scans that follow blocks: what they ask a source for, when they do not follow, and that the wallet ends as it would
//! after a pass over all unspent outputs. `tests/model.rs` compares the two over random histories.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, same_as_rescanned, two};
use sotto_mw::{amount::Height, hash::Hash, kernel::Excess, state::RewindData};
use sotto_wallet::{
    ViewKey, ViewWallet,
    keys::Account,
    outputs::OutputStatus,
    scan::{BlockContents, ChainSource, PassReason, ScanError, ScanReport, ScanWay},
    sessions::{SessionStatus::Signed, TxStatus},
    store::MemoryStore,
};
use std::{cell::RefCell, collections::BTreeMap, convert::Infallible};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Outputs,
    Kernel(Excess),
    Block(u64),
}

/// A source that notes what it is asked for, and can answer with other blocks.
struct Watched<'a> {
    ledger: &'a Ledger,
    asked: RefCell<Vec<Asked>>,
    change: fn(BlockContents) -> BlockContents,
    /// What it says of these heights, whatever its blocks are.
    hashes: BTreeMap<Height, Hash>,
}

impl<'a> Watched<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, asked: RefCell::default(), change: |block| block, hashes: BTreeMap::new() }
    }

    fn note(&self, asked: Asked) {
        self.asked.borrow_mut().push(asked);
    }
}

impl ChainSource for Watched<'_> {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        self.ledger.tip()
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        self.ledger.unspent_count()
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        self.note(Asked::Outputs);
        self.ledger.unspent(after, most)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        self.note(Asked::Kernel(*excess));
        self.ledger.kernel(excess)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Infallible> {
        let said = self.hashes.get(&height).copied();
        said.map_or_else(|| self.ledger.hash_at(height), |hash| Ok(Some(hash)))
    }

    fn block(&self, height: Height) -> Result<Option<BlockContents>, Infallible> {
        self.note(Asked::Block(height.get()));
        Ok(self.ledger.block(height)?.map(self.change))
    }
}

fn scan(p: &mut Person, source: &impl ChainSource<Error = Infallible>) -> ScanReport {
    p.wallet.scan(source, &mut |_, _| {}).unwrap()
}

/// What a scan asks for, and its report.
fn asked(p: &mut Person, ledger: &Ledger) -> (Vec<Asked>, ScanReport) {
    let watched = Watched::new(ledger);
    let report = scan(p, &watched);
    (watched.asked.into_inner(), report)
}

/// Scans, and compares the wallet with one that passes over all unspent outputs.
fn compared(p: &mut Person, ledger: &Ledger) -> ScanWay {
    let before = p.copy(p.installation.clone());
    let report = scan(p, ledger);
    same_as_rescanned(p, before, ledger);
    report.way
}

#[test]
fn a_scan_asks_for_what_is_new() {
    let (mut ledger, mut a, mut b) = two();
    assert_eq!(asked(&mut a, &ledger).0, [], "nothing is new");
    ledger.grow(&b.wallet, 2);
    let (blocks, report) = asked(&mut a, &ledger);
    assert_eq!(blocks, [Asked::Block(5), Asked::Block(4)]);
    assert_eq!((report.way, report.tried, report.own), (ScanWay::Followed { blocks: 2 }, 2, 3));

    // A payment that waits is asked for, since it can be in a block already; in the blocks it is seen.
    let t = a.pay(1_000_000, &mut b);
    let excess = t.get().body.kernels[0].excess;
    assert_eq!(asked(&mut a, &ledger).0, [Asked::Kernel(excess)]);
    ledger.seal(&b.wallet, &[t]);
    assert_eq!(asked(&mut a, &ledger).0, [Asked::Block(6)]);
    assert_eq!(a.sent(), [Signed(TxStatus::Confirmed { height: Height::new(6) })]);
    let (nothing, report) = asked(&mut a, &ledger);
    assert_eq!((nothing, report.way, report.own), (vec![], ScanWay::Unchanged, 3));
    ledger.grow(&b.wallet, 1);
    assert_eq!(asked(&mut a, &ledger).0, [Asked::Block(7)], "what is confirmed is not asked for again");
}

/// A payment is asked for until it is in a block or can never be in one.
#[test]
fn an_expired_payment_is_not_asked_for() {
    let (mut ledger, mut a, mut b) = shallow();
    let excess = a.pay(1_000_000, &mut b).get().body.kernels[0].excess;
    let waits = [Signed(TxStatus::Waiting)];
    while a.sent() == waits {
        ledger.grow(&b.wallet, 1);
        let block = Asked::Block(ledger.height().get());
        assert_eq!(asked(&mut a, &ledger).0, [block, Asked::Kernel(excess)]);
    }
    assert_eq!(a.sent(), [Signed(TxStatus::Failed)]);
    ledger.grow(&b.wallet, 1);
    assert_eq!(asked(&mut a, &ledger).0, [Asked::Block(ledger.height().get())]);
}

/// An unchanged wallet is not written again.
#[test]
fn nothing_new_writes_nothing() {
    let (ledger, mut a, _) = two();
    a.wallet.store().full.set(true);
    assert_eq!(scan(&mut a, &ledger).way, ScanWay::Unchanged);
}

#[test]
fn a_pass_says_why() {
    let (mut ledger, mut a, b) = two();
    let why = |r: &ScanReport| match r.way {
        ScanWay::Passed(why) => why,
        way => panic!("{way:?}"),
    };
    let mut fresh = Person::from_words(ledger.chain.clone(), a.wallet.words().clone(), 7);
    assert_eq!(why(&scan(&mut fresh, &ledger)), PassReason::First);
    assert_eq!(fresh.balance(), a.balance());
    let restored = fresh.wallet.restore(Height::GENESIS, &ledger, &mut |_, _| {}).unwrap();
    assert_eq!(why(&restored), PassReason::Keys);

    // A new account could have outputs already: a copy of the wallet had it before.
    a.wallet.add_account("other").unwrap();
    assert_eq!(why(&scan(&mut a, &ledger)), PassReason::Keys);
    assert_eq!(scan(&mut a, &ledger).way, ScanWay::Unchanged);

    ledger.grow(&b.wallet, 3);
    ledger.pruned = 5;
    assert_eq!(why(&scan(&mut a, &ledger)), PassReason::NotStored(Height::new(5)));
    ledger.grow(&b.wallet, 1);
    assert_eq!(scan(&mut a, &ledger).way, ScanWay::Followed { blocks: 1 });

    // Blocks with more in them than there are unspent outputs.
    ledger.grow(&a.wallet, 2);
    let crowded = |block: BlockContents| BlockContents {
        outputs: block.outputs.iter().cycle().take(10_000).cloned().collect(),
        ..block
    };
    let source = Watched { change: crowded, ..Watched::new(&ledger) };
    assert_eq!(why(&scan(&mut a, &source)), PassReason::TooMany);
    assert_eq!(source.asked.borrow().iter().filter(|a| matches!(a, Asked::Block(_))).count(), 1);
}

/// A block that is not named by the one above it belongs to another chain.
#[test]
fn blocks_of_two_branches_are_not_mixed() {
    let (mut ledger, mut a, b) = two();
    ledger.grow(&b.wallet, 2);
    let names_another = |block: BlockContents| BlockContents { previous: Hash::ZERO, ..block };
    let is_another = |block: BlockContents| BlockContents { hash: Hash::ZERO, ..block };
    let before = a.wallet.tip();
    let changes: [fn(BlockContents) -> BlockContents; 2] = [names_another, is_another];
    for change in changes {
        let source = Watched { change, ..Watched::new(&ledger) };
        assert!(matches!(a.wallet.scan(&source, &mut |_, _| {}), Err(ScanError::TipMoved)));
        assert_eq!(a.wallet.tip(), before);
    }
}

/// A kernel is said to be in a block that does not have it.
#[test]
fn kernels_that_blocks_do_not_have_are_not_believed() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&b.wallet, &[t]);
    let without = |block: BlockContents| BlockContents { kernels: vec![], ..block };
    let source = Watched { change: without, ..Watched::new(&ledger) };
    assert!(matches!(a.wallet.scan(&source, &mut |_, _| {}), Err(ScanError::TipMoved)));
    assert_eq!(a.sent(), [Signed(TxStatus::Waiting)]);
}

/// Outputs that came and went between two scans are known afterwards, for an owner and for a viewer.
#[test]
fn what_came_and_went_in_between_is_seen() {
    let (mut ledger, mut a, mut b) = two();
    b.scan(&ledger);
    let mut away = b.copy(b.installation.clone());
    let key = b.wallet.view_key(Account(0)).unwrap();
    let key = ViewKey::parse(&key.to_text(), ledger.chain.params().network).unwrap();
    let mut view = ViewWallet::create(MemoryStore::default(), ledger.chain.clone(), key).unwrap();
    view.scan(&ledger, &mut |_, _| {}).unwrap();
    let t = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let t = b.pay(1_000_000, &mut a);
    ledger.seal(&a.wallet, &[t]);
    assert_eq!(compared(&mut away, &ledger), ScanWay::Followed { blocks: 2 });
    let (created, spent) = (Height::new(4), Height::new(5));
    assert!(away.wallet.outputs().any(|o| o.status == OutputStatus::Spent { created, spent }));
    assert_eq!(view.scan(&ledger, &mut |_, _| {}).unwrap().way, ScanWay::Followed { blocks: 2 });
    assert_eq!((view.received().units(), view.unspent().units()), (5_000_000, 0));
}

/// A chain with a reorganisation limit of three blocks.
fn shallow() -> (Ledger, Person, Person) {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 3));
    let (mut a, b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 8);
    a.scan(&ledger);
    (ledger, a, b)
}

/// A reorganisation takes back a payment and a reward, and another block has the payment again.
#[test]
fn a_reorganisation_is_followed_from_the_common_block() {
    let (mut ledger, mut a, mut b) = shallow();
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&a.wallet, std::slice::from_ref(&t));
    ledger.grow(&b.wallet, 1);
    for p in [&mut a, &mut b] {
        p.scan(&ledger);
    }
    (0..3).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 4);
    // From the limit of a reorganisation on: the blocks 8 to 11.
    assert_eq!(compared(&mut a, &ledger), ScanWay::Followed { blocks: 4 });
    assert_eq!(a.sent(), [Signed(TxStatus::Waiting)]);
    assert_eq!(compared(&mut b, &ledger), ScanWay::Followed { blocks: 4 });
    assert_eq!(b.balance()[2], 1_000_000);
    ledger.seal(&b.wallet, &[t]);
    assert_eq!(compared(&mut a, &ledger), ScanWay::Followed { blocks: 1 });
    assert_eq!(compared(&mut b, &ledger), ScanWay::Followed { blocks: 1 });
    assert_eq!(a.sent(), [Signed(TxStatus::Confirmed { height: Height::new(12) })]);
}

/// A source on another branch repeats what the wallet has seen, to hide that it left that chain.
#[test]
fn a_source_that_repeats_what_was_seen_is_not_followed() {
    let (mut ledger, mut a, b) = shallow();
    let hashes = (5..=8).map(Height::new).map(|h| (h, ledger.hash_at(h).unwrap().unwrap())).collect();
    (0..4).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 9);
    let source = Watched { hashes, ..Watched::new(&ledger) };
    let (before, tip) = (a.balance(), a.wallet.tip());
    assert!(matches!(a.wallet.scan(&source, &mut |_, _| {}), Err(ScanError::TipMoved)));
    assert_eq!((a.balance(), a.wallet.tip()), (before, tip));
}

/// No stored block showed in which block an output was spent. It may be one that a reorganisation leaves in place.
#[test]
fn a_spend_of_unknown_height_is_not_undone() {
    let (mut ledger, mut a, mut b) = shallow();
    let mut away = a.copy(a.installation.clone());
    let t = a.pay(1_000_000, &mut b);
    ledger.seal(&b.wallet, &[t]);
    ledger.grow(&b.wallet, 4);
    ledger.pruned = 9;
    scan(&mut away, &ledger);
    let unsure = |o: &sotto_wallet::outputs::OutputRecord| matches!(o.status, OutputStatus::Spent { spent, .. } if spent.get() == 13);
    assert_eq!(away.wallet.outputs().filter(|o| unsure(o)).count(), 1, "seen at height 13, spent at 9");
    (0..3).for_each(|_| ledger.undo());
    ledger.grow(&b.wallet, 4);
    assert_eq!(compared(&mut away, &ledger), ScanWay::Passed(PassReason::Undone));
    let mut whole = Person::from_words(ledger.chain.clone(), a.wallet.words().clone(), 7);
    whole.wallet.restore(Height::GENESIS, &ledger, &mut |_, _| {}).unwrap();
    assert_eq!(away.balance(), whole.balance());
}

/// A copy of the wallet finds a payment in a block, and only then collects it, which gives the same payment again.
#[test]
fn a_payment_that_was_in_a_block_before_it_was_known_is_found() {
    let (mut ledger, mut a, mut b) = two();
    let invoice = b.ask(1_000_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let mut copy = b.copy(b.installation.clone());
    let looked_up = sotto_wallet::scan::UnspentInputs::look_up(&ledger, &payment).unwrap();
    let t = b.wallet.collect(&payment, &looked_up).unwrap();
    ledger.seal(&a.wallet, &[t]);
    ledger.grow(&a.wallet, 1);
    scan(&mut copy, &ledger);
    copy.wallet.collect(&payment, &looked_up).unwrap();
    assert_eq!(compared(&mut copy, &ledger), ScanWay::Passed(PassReason::EarlierPayment));
    assert_eq!(copy.issued(), [Signed(TxStatus::Confirmed { height: Height::new(4) })]);
    assert_eq!(copy.balance()[0], 1_000_000);
    ledger.grow(&a.wallet, 1);
    assert_eq!(compared(&mut copy, &ledger), ScanWay::Followed { blocks: 1 });
}
