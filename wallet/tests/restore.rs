//! Restores: what they find, how they resume, and that the result is always the same.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee, two};
use sotto_mw::{amount::Height, hash::Hash, kernel::Excess, state::RewindData};
use sotto_wallet::{
    history::{EntryKind, HistoryEntry},
    outputs::OutputStatus,
    scan::{BlockContents, ChainSource, ScanError},
    store::Store,
};
use std::cell::Cell;

fn again(ledger: &Ledger, p: &Person, seed: u64) -> Person {
    Person::from_words(ledger.chain.clone(), p.wallet.words().clone(), seed)
}

fn restore(ledger: &Ledger, p: &mut Person) {
    p.wallet.restore(Height::GENESIS, ledger, &mut |_, _| {}).unwrap();
}

/// A source that answers a limited number of requests for outputs.
struct Tiring<'a>(&'a Ledger, Cell<usize>);

#[derive(Debug, thiserror::Error)]
#[error("tired")]
struct Tired;

impl ChainSource for Tiring<'_> {
    type Error = Tired;

    fn tip(&self) -> Result<(Height, Hash), Tired> {
        self.0.tip().map_err(|_| Tired)
    }

    fn unspent_count(&self) -> Result<u64, Tired> {
        self.0.unspent_count().map_err(|_| Tired)
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Tired> {
        self.1.set(self.1.get().checked_sub(1).ok_or(Tired)?);
        self.0.unspent(after, most).map_err(|_| Tired)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Tired> {
        self.0.kernel(excess).map_err(|_| Tired)
    }

    fn block(&self, height: Height) -> Result<Option<BlockContents>, Tired> {
        self.0.block(height).map_err(|_| Tired)
    }
}

/// A restore that is interrupted at any time, even while blocks arrive, ends like an uninterrupted one.
#[test]
fn an_interrupted_restore_goes_on() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(5_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    // More than the 32 batches of three outputs after which the progress is stored.
    ledger.grow(&a.wallet, 110);
    let mut late = again(&ledger, &a, 1);
    for answers in [0, 10, 34, 36] {
        let tiring = Tiring(&ledger, Cell::new(answers));
        let error = match late.wallet.is_restoring() {
            true => late.wallet.scan(&tiring, &mut |_, _| {}),
            false => late.wallet.restore(Height::GENESIS, &tiring, &mut |_, _| {}),
        };
        assert!(matches!(error, Err(ScanError::Source(Tired))));
        late = late.copy(late.installation.clone());
        assert!(late.wallet.is_restoring());
        ledger.grow(&b.wallet, 1);
    }
    late.scan(&ledger);
    assert!(!late.wallet.is_restoring());
    let mut whole = again(&ledger, &a, 2);
    restore(&ledger, &mut whole);
    a.scan(&ledger);
    assert_eq!(late.balance(), a.balance());
    assert_eq!(late.wallet.store().load().unwrap(), whole.wallet.store().load().unwrap());
}

/// Stored blocks show outputs that were created and spent, with their heights; pruned blocks do not.
#[test]
fn history_comes_back_as_far_as_blocks_are_stored() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(5_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let t = b.pay(1_000_000, &mut a);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let spent = |p: &Person| {
        let heights = |o: &sotto_wallet::outputs::OutputRecord| match o.status {
            OutputStatus::Spent { created, spent } => Some((created.get(), spent.get())),
            _ => None,
        };
        p.wallet.outputs().filter_map(heights).collect::<Vec<_>>()
    };
    let mut b2 = again(&ledger, &b, 3);
    restore(&ledger, &mut b2);
    assert_eq!((spent(&b), spent(&b2)), (vec![(4, 5)], vec![(4, 5)]));
    assert_eq!(b2.balance(), b.balance());
    // What was paid is shown as spent, with its fee, and the change is not shown as income.
    let shown = |p: &Person| {
        let entry = |e: &HistoryEntry| (e.kind, e.height().unwrap().get(), e.amount.units());
        p.wallet.history().iter().map(entry).collect::<Vec<_>>()
    };
    let paid = 1_000_000 + fee(1, 2, 1);
    assert_eq!(shown(&b2), [(EntryKind::Found, 4, 5_000_000), (EntryKind::Spent, 5, paid)]);
    assert_eq!(shown(&b), [(EntryKind::Received, 4, 5_000_000), (EntryKind::Sent, 5, 1_000_000)]);
    ledger.pruned = 4;
    let mut b3 = again(&ledger, &b, 4);
    restore(&ledger, &mut b3);
    assert_eq!((spent(&b3), b3.balance()), (vec![], b.balance()));
    // No stored block shows what was spent for this change.
    assert_eq!(shown(&b3), [(EntryKind::Change, 5, 5_000_000 - paid)]);
}

#[test]
fn nothing_before_the_birthday_is_looked_at() {
    let (mut ledger, a, _) = two();
    ledger.grow(&a.wallet, 3);
    let mut late = again(&ledger, &a, 5);
    late.wallet.restore(Height::new(4), &ledger, &mut |_, _| {}).unwrap();
    assert_eq!(late.wallet.outputs().count(), 3);
    // A rescan afterwards finds the rest.
    restore(&ledger, &mut late);
    assert_eq!(late.wallet.outputs().count(), 6);
}

/// A reward whose block was undone is forgotten; one that left the chain with its block in place was spent.
#[test]
fn a_block_taken_back_leaves_no_spent_reward() {
    let (mut ledger, mut a, b) = two();
    ledger.grow(&a.wallet, 1);
    a.scan(&ledger);
    assert_eq!(a.wallet.outputs().count(), 4);
    ledger.undo();
    ledger.grow(&b.wallet, 1);
    a.scan(&ledger);
    assert_eq!(a.wallet.outputs().count(), 3);
}

/// A wallet remembers the blocks that an unfinished restore has seen, like those of a scan.
#[test]
fn a_restore_does_not_go_on_at_an_older_tip() {
    let (mut ledger, a, _) = two();
    ledger.grow(&a.wallet, 110);
    let mut late = again(&ledger, &a, 1);
    late.wallet.restore(Height::GENESIS, &Tiring(&ledger, Cell::new(34)), &mut |_, _| {}).unwrap_err();
    ledger.undo();
    let before = late.wallet.store().load().unwrap();
    let refused = late.wallet.scan(&ledger, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, ScanError::Older { seen, .. } if seen.get() == 113), "{refused}");
    assert_eq!(late.wallet.store().load().unwrap(), before);
    late.wallet.rescan(&ledger, &mut |_, _| {}).unwrap();
    assert!(!late.wallet.is_restoring());
    assert_eq!(late.wallet.outputs().count(), 112);
}
