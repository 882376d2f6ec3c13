//! Transactions that were submitted to this node, and which of them are saved, acknowledged and to be stemmed
//! again.
//!
//! ```text
//! submitted ─▶ saved? ── no ─▶ refused: no peer has heard of it
//!                 └ yes ─▶ acknowledged, stemmed ─▶ public ─▶ in a block: forgotten
//!                              ▲      fluff refused, or public no longer │        └ expired: dropped
//!                              └──────────── a random delay ◀────────────┘
//! ```
//!
//! What is public may cease to be: a transaction that was aggregated with another on its stem falls with it,
//! and a mempool drops what pays least. Then it is stemmed again as if it were new, since a node that fluffed
//! it now would be known as its origin: no other still has it. It waits first, for an exponential time as
//! long on average as an embargo, because what comes at once after a block comes from nearby.
//!
//! Guaranteed: a transaction that was acknowledged is saved durably until a block has it or its window is
//! over: here, or where it is pending under its own name, in the mempool's file; when it ceases to be pending, it is
//! written here in the same step. What is held fits in one
//! file that is read back whole; a submission beyond that is refused. Not guaranteed: that one which a
//! restart found in the mempool is stemmed again when the mempool drops it, nor one whose block was undone.
//! An attacker who makes a transaction fall sees its route a second time, which shows no more before the
//! epoch changes (`docs/THREATS.md`).

use crate::{
    event::{RequestId, SaveId},
    ledger::mempool_file,
};
use core::time::Duration;
use sotto_mw::{error::Rejection, hash::Hash, rules::Verified, transaction::Transaction};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes up to which the file grows whatever it holds.
const SLACK: u64 = 1 << 20;

/// What was submitted here.
#[derive(Debug, Default)]
pub(crate) struct LocalTxs {
    all: BTreeMap<Hash, Verified<Transaction>>,
    /// Those that no peer has heard of, in the order of their saves.
    unacknowledged: VecDeque<Unacknowledged>,
    /// Those that are neither stemmed nor public, and when they are stemmed again.
    again: BTreeMap<Hash, Duration>,
    /// Bytes of the entries of all.
    bytes: u64,
    file: File,
}

/// A submission that is not on disk yet.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    save: SaveId,
    pub(crate) id: Hash,
    /// Those that wait for a response; more than one if it was submitted again meanwhile.
    pub(crate) requests: Vec<RequestId>,
}

/// How what is to be saved compares with what was saved last, or will be when all saves are carried out.
#[derive(Debug, Default)]
struct File {
    /// The number of the next save.
    next: SaveId,
    /// Where the file ends; `None` when it is not known, and must be replaced.
    end: Option<u64>,
    /// Held, and not in the file yet.
    unwritten: Vec<Hash>,
    /// Held, and not in the file, because the mempool's file has them.
    absent: BTreeSet<Hash>,
    /// The file holds more than it need.
    stale: bool,
    /// The file must be replaced in this step.
    due: bool,
}

/// What must be written now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Save {
    /// Everything.
    All,
    /// These, at the end of the file.
    More(u64, Vec<Hash>),
}

/// How far a submitted transaction has come.
pub(crate) enum TxStatus {
    /// A block has it.
    Sealed,
    /// No block can have it any more.
    Expired(Rejection),
    /// It is stemmed or public.
    UnderWay,
    /// Only this node has it, as far as it knows.
    Lost,
}

impl LocalTxs {
    pub(crate) fn contains(&self, id: &Hash) -> bool {
        self.all.contains_key(id)
    }

    pub(crate) fn get(&self, id: &Hash) -> Option<&Verified<Transaction>> {
        self.all.get(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &Hash> {
        self.all.keys()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Hash, &Transaction)> {
        self.all.iter().map(|(id, t)| (id, t.get()))
    }

    /// Whether a file of at most `most` bytes holds this one too.
    pub(crate) fn has_room(&self, t: &Transaction, most: u64) -> bool {
        mempool_file::EMPTY + self.bytes + mempool_file::entry_bytes(t) <= most
    }

    /// Takes in what was submitted now. It must be saved before any peer hears of it.
    pub(crate) fn submit(&mut self, request: RequestId, id: Hash, t: Verified<Transaction>) {
        self.load(id, t);
        self.unacknowledged.push_back(Unacknowledged { save: self.file.next, id, requests: vec![request] });
        self.file.unwritten.push(id);
    }

    /// Lets another request wait for the same save; says whether there is one to wait for.
    pub(crate) fn wait(&mut self, request: RequestId, id: &Hash) -> bool {
        let waiting = self.unacknowledged.iter_mut().find(|w| w.id == *id);
        waiting.map(|w| w.requests.push(request)).is_some()
    }

    /// Takes in what an earlier run saved.
    pub(crate) fn load(&mut self, id: Hash, t: Verified<Transaction>) {
        let bytes = mempool_file::entry_bytes(t.get());
        if self.all.insert(id, t).is_none() {
            self.bytes += bytes;
        }
    }

    /// Those whose outcome is known with that of this save.
    pub(crate) fn take_unacknowledged(&mut self, up_to: SaveId) -> Vec<Unacknowledged> {
        let known = self.unacknowledged.partition_point(|w| w.save <= up_to);
        self.unacknowledged.drain(..known).collect()
    }

    /// Plans to stem one again, unless that is planned already.
    pub(crate) fn schedule(&mut self, id: Hash, at: Duration) {
        self.again.entry(id).or_insert(at);
    }

    /// Does not stem one again.
    pub(crate) fn cancel(&mut self, id: &Hash) {
        self.again.remove(id);
    }

    /// Those that are to be stemmed again by now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<Hash> {
        let due = self.again.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        self.again.retain(|_, at| *at > now);
        due
    }

    pub(crate) fn forget(&mut self, id: &Hash) {
        if let Some(t) = self.all.remove(id) {
            self.bytes = self.bytes.saturating_sub(mempool_file::entry_bytes(t.get()));
        }
        self.again.remove(id);
        self.file.absent.remove(id);
        self.mark_stale();
    }

    /// Takes note that the file was replaced by one without these.
    pub(crate) fn replaced_without(&mut self, absent: BTreeSet<Hash>) {
        self.file.absent = absent;
    }

    /// Has those written that the mempool's file need not have any more.
    pub(crate) fn write_absent(&mut self, pending: impl Fn(&Hash) -> bool) {
        let File { unwritten, absent, .. } = &mut self.file;
        unwritten.extend(absent.iter().filter(|id| !pending(id)));
        absent.retain(pending);
    }

    /// Takes note that one of these may be public now, or not stemmed any longer.
    pub(crate) fn touch(&mut self, id: &Hash) {
        if self.contains(id) {
            self.mark_stale();
        }
    }

    /// Takes note that the file holds more than it need.
    pub(crate) const fn mark_stale(&mut self) {
        self.file.stale = true;
    }

    /// Has a stale file written in this step.
    pub(crate) const fn save_stale(&mut self) {
        self.file.due |= self.file.stale;
    }

    /// Takes note of where the file ends; `None` when that is not known.
    pub(crate) const fn file_ends(&mut self, end: Option<u64>) {
        self.file.end = end;
    }

    /// Bytes of a file that is appended to: at most half of it, or [`SLACK`], is what need not be there. So for each
    /// byte that a replacement writes, another was appended before.
    fn longest(&self) -> u64 {
        SLACK.max(2 * (mempool_file::EMPTY + self.bytes))
    }

    /// What must be written now, if anything; it counts as written then.
    pub(crate) fn take_save(&mut self) -> Option<(SaveId, Save)> {
        let save = self.plan()?;
        let id = self.file.next;
        self.file.next = SaveId(id.0 + 1);
        Some((id, save))
    }

    fn plan(&mut self) -> Option<Save> {
        let mut unwritten = core::mem::take(&mut self.file.unwritten);
        unwritten.retain(|id| self.all.contains_key(id));
        let more: u64 =
            unwritten.iter().filter_map(|id| self.get(id)).map(|t| mempool_file::entry_bytes(t.get())).sum();
        match self.file.end.filter(|end| !self.file.due && end + more <= self.longest()) {
            Some(_) if unwritten.is_empty() => None,
            Some(end) => Some(Save::More(end, unwritten)),
            None if unwritten.is_empty() && !self.file.due => None,
            None => {
                (self.file.due, self.file.stale) = (false, false);
                Some(Save::All)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{
        rules::{check_transaction, verify_transaction},
        testing::TestChain,
    };

    /// Payments come and go: replacements write no more than was appended, and the file stays within twice of what
    /// is held.
    #[test]
    fn what_is_rewritten_is_bounded_by_what_is_appended() {
        let mut test_chain = TestChain::new(44);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (t, _) = test_chain.pay(&[&coin], &[5]);
        let t =
            check_transaction(test_chain.chain(), t).and_then(|t| verify_transaction(test_chain.chain(), t));
        let t = t.unwrap();
        let each = mempool_file::entry_bytes(t.get());
        let name = |n: u64| Hash::from_bytes(core::array::from_fn(|i| n.to_le_bytes()[i % 8]));
        for held in [10, 2_000] {
            let (mut local, mut appended, mut rewritten) = (LocalTxs::default(), 0, 0);
            for n in 0..20_000 {
                local.submit(RequestId(n), name(n), t.clone());
                n.checked_sub(held).into_iter().for_each(|old| local.forget(&name(old)));
                let (end, whole) = match local.take_save().unwrap() {
                    (SaveId(id), Save::More(at, ids)) if id == n && ids == [name(n)] => (at + each, 0),
                    (SaveId(id), Save::All) if id == n => (mempool_file::EMPTY + local.bytes, local.bytes),
                    other => panic!("{other:?}"),
                };
                (appended, rewritten) = (appended + each, rewritten + whole);
                local.file_ends(Some(end));
                assert!(end <= SLACK.max(2 * (mempool_file::EMPTY + local.bytes)), "{end}");
            }
            assert!(rewritten > 0 && rewritten <= appended, "{rewritten} {appended}");
        }
    }

    /// A verified transaction, and names for it.
    fn one() -> (Verified<Transaction>, impl Fn(u8) -> Hash) {
        let mut test_chain = TestChain::new(44);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (t, _) = test_chain.pay(&[&coin], &[5]);
        let chain = test_chain.chain();
        let t = check_transaction(chain, t).and_then(|t| verify_transaction(chain, t)).unwrap();
        (t, |n| Hash::from_bytes([n; 32]))
    }

    /// What is held fits into a file of so many bytes, to the last of them.
    #[test]
    fn room_is_that_of_one_file() {
        let ((t, name), mut local) = (one(), LocalTxs::default());
        let each = mempool_file::entry_bytes(t.get());
        for n in 0..3 {
            let most = mempool_file::EMPTY + (u64::from(n) + 1) * each;
            assert!(local.has_room(t.get(), most) && !local.has_room(t.get(), most - 1));
            (0..2).for_each(|_| local.load(name(n), t.clone()));
        }
        local.forget(&name(1));
        local.forget(&name(1));
        assert!(local.has_room(t.get(), mempool_file::EMPTY + 3 * each));
        assert!(local.contains(&name(0)) && !local.contains(&name(1)) && local.get(&name(1)).is_none());
        assert_eq!((local.ids().count(), local.iter().count()), (2, 2));
    }

    /// All who submitted a transaction hear of its save together, and of no other's; each save once.
    #[test]
    fn whoever_waits_hears_of_the_save() {
        let ((t, name), mut local) = (one(), LocalTxs::default());
        local.submit(RequestId(1), name(1), t.clone());
        assert!(local.wait(RequestId(2), &name(1)) && !local.wait(RequestId(3), &name(2)));
        assert_eq!(local.take_save(), Some((SaveId(0), Save::All)));
        local.submit(RequestId(4), name(2), t.clone());
        local.file_ends(Some(500));
        assert_eq!(local.take_save(), Some((SaveId(1), Save::More(500, vec![name(2)]))));
        let heard: Vec<_> =
            local.take_unacknowledged(SaveId(0)).into_iter().map(|u| (u.id, u.requests)).collect();
        assert_eq!(heard, [(name(1), vec![RequestId(1), RequestId(2)])]);
        assert!(local.take_unacknowledged(SaveId(0)).is_empty() && !local.wait(RequestId(5), &name(1)));
        assert_eq!(local.take_unacknowledged(SaveId(1)).len(), 1);
    }

    /// One is stemmed again at the first time that was planned, once, unless that is called off.
    #[test]
    fn plans_are_kept_and_called_off() {
        let ((t, name), mut local, second) = (one(), LocalTxs::default(), Duration::from_secs(1));
        (1..5).for_each(|n| local.load(name(n), t.clone()));
        (1..5).for_each(|n| local.schedule(name(n), u32::from(n) * second));
        local.schedule(name(1), 9 * second);
        local.cancel(&name(3));
        local.forget(&name(4));
        assert_eq!(local.take_due(second / 2), []);
        assert_eq!(local.take_due(second), [name(1)]);
        assert_eq!(local.take_due(second), []);
        assert_eq!(local.take_due(9 * second), [name(2)]);
        assert!(local.again.is_empty());
    }

    /// Nothing is written when nothing has changed; a file that holds too much is, when that is asked for.
    #[test]
    fn what_has_not_changed_is_not_written() {
        let ((t, name), mut local) = (one(), LocalTxs::default());
        assert_eq!(local.take_save(), None, "no file and nothing for it");
        local.load(name(1), t.clone());
        local.load(name(2), t.clone());
        local.file_ends(Some(900));
        assert_eq!(local.take_save(), None);
        local.touch(&name(9));
        local.save_stale();
        assert_eq!(local.take_save(), None, "it is not held");
        local.touch(&name(1));
        assert_eq!(local.take_save(), None, "that can wait");
        local.save_stale();
        assert_eq!(local.take_save(), Some((SaveId(0), Save::All)));
        local.save_stale();
        assert_eq!(local.take_save(), None, "once");
        // What the mempool's file has is written here when the mempool drops it.
        local.replaced_without([name(1), name(2)].into());
        local.write_absent(|id| *id == name(1));
        assert_eq!(local.take_save(), Some((SaveId(1), Save::More(900, vec![name(2)]))));
        local.write_absent(|_| false);
        assert_eq!(local.take_save(), Some((SaveId(2), Save::More(900, vec![name(1)]))));
    }
}
