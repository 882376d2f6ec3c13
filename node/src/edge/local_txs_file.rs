//! The file of submitted transactions: a thread writes it, so that one sync makes durable all that arrived during the
//! last one (group commit).
//!
//! ```text
//! Effect::SaveLocalTxs(1) ─▶ write, sync ───────▶ LocalTxsSaved(1)
//! Effect::SaveLocalTxs(2)        │ meanwhile
//! Effect::SaveLocalTxs(3) ───────┴─▶ one write, one sync ─▶ LocalTxsSaved(3): 2 and 3 are durable
//! ```
//!
//! Nothing waits for company: a lone save is written at once. Guaranteed: an event leaves after the sync of what it
//! names, and in the order of the saves. After a failure the file's end is unknown (a failed sync may have dropped
//! what it did not write), so nothing is appended until the file has been replaced. When this is dropped, what was
//! handed over is written first. Bounded: by the engine, which has a request waiting for each append.

use crate::{
    effect::FileWrite,
    event::{Event, SaveId},
    storage::{
        FileName, Files,
        files::{append, replace},
    },
};
use std::{
    io,
    sync::mpsc::{Receiver, Sender, SyncSender, channel},
    thread::{self, JoinHandle},
};

/// The thread.
#[derive(Debug)]
pub(crate) struct LocalTxsFile {
    /// Taken when this is dropped, which ends the thread.
    saves: Option<Sender<(SaveId, FileWrite)>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalTxsFile {
    /// Starts the thread over the node's directory.
    pub(crate) fn start(files: impl Files + 'static, events: SyncSender<Event>) -> io::Result<Self> {
        let (saves, waiting) = channel();
        let thread = thread::Builder::new().name("node-saver".into());
        let thread =
            thread.spawn(move || run(Saver { files: Box::new(files), broken: false }, &waiting, &events))?;
        Ok(Self { saves: Some(saves), thread: Some(thread) })
    }

    /// Has a change written, durably.
    ///
    /// # Panics
    /// If the thread has panicked: no submission would be answered any more.
    pub(crate) fn save(&self, id: SaveId, write: FileWrite) {
        assert!(!self.thread.as_ref().is_some_and(JoinHandle::is_finished), "the node's saver has panicked");
        // The thread is there until this is dropped.
        drop(self.saves.as_ref().map(|saves| saves.send((id, write))));
    }
}

impl Drop for LocalTxsFile {
    fn drop(&mut self) {
        self.saves = None;
        // A panic of the thread was reported there.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Writes until no more comes, all that waits at a time.
fn run(mut saver: Saver, waiting: &Receiver<(SaveId, FileWrite)>, events: &SyncSender<Event>) {
    while let Ok(first) = waiting.recv() {
        // The outcome is of no interest once the node has stopped; what is left is written all the same.
        drop(events.send(saver.save(first, waiting.try_iter())));
    }
}

/// The file, and whether its end is known.
struct Saver {
    files: Box<dyn Files>,
    broken: bool,
}

impl Saver {
    /// Makes changes in one write and one sync; returns the outcome of all.
    fn save(
        &mut self,
        (first, change): (SaveId, FileWrite),
        more: impl Iterator<Item = (SaveId, FileWrite)>,
    ) -> Event {
        let join = |(_, all): (_, Option<FileWrite>), (id, next)| (id, all.and_then(|all| all.then(next)));
        let (last, change) = more.fold((first, Some(change)), join);
        if change.is_some_and(|change| self.write(&change)) {
            Event::LocalTxsSaved(last)
        } else {
            self.broken = true;
            Event::LocalTxsNotSaved(last)
        }
    }

    fn write(&mut self, change: &FileWrite) -> bool {
        let outcome = match change {
            FileWrite::Append { .. } if self.broken => return false,
            FileWrite::Append { at, bytes } => append(&mut self.files, FileName::LocalTxs, *at, bytes),
            FileWrite::Replace(bytes) => replace(&mut self.files, FileName::LocalTxs, bytes),
        };
        self.broken = outcome.is_err();
        if let Err(why) = outcome {
            tracing::error!(%why, "cannot save submitted transactions; refusing further ones until it succeeds");
        }
        !self.broken
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use crate::{
        ledger::mempool_file::{self, Tail},
        storage::Memory,
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_mw::{chain::ChainId, testing::TestChain, transaction::Transaction};
    use std::sync::mpsc::sync_channel;

    fn payments(n: usize) -> (ChainId, Vec<Transaction>) {
        let mut test_chain = TestChain::new(71);
        let coins: Vec<_> = (0..n).map(|_| test_chain.grow(Vec::new())).collect();
        test_chain.mature();
        let all = coins.iter().map(|coin| test_chain.pay(&[coin], &[5]).0).collect();
        (*test_chain.chain().id(), all)
    }

    /// Saves as an engine makes them: where the next append belongs, and the number of the next save.
    struct Saves {
        chain: ChainId,
        end: u64,
        next: u64,
    }

    impl Saves {
        fn number(&mut self, write: FileWrite) -> (SaveId, FileWrite) {
            self.end = match &write {
                FileWrite::Replace(bytes) => bytes.len() as u64,
                FileWrite::Append { at, bytes } => at + bytes.len() as u64,
            };
            self.next += 1;
            (SaveId(self.next), write)
        }

        fn replace(&mut self, all: &[Transaction]) -> (SaveId, FileWrite) {
            let file = mempool_file::file(&self.chain, all.iter());
            self.number(FileWrite::Replace(file))
        }

        fn append(&mut self, t: &Transaction) -> (SaveId, FileWrite) {
            let at = self.end;
            self.number(FileWrite::Append { at, bytes: mempool_file::entry(&self.chain, at, t) })
        }
    }

    /// Saves that are made together, and what must be in the file from then on.
    type Group = (Vec<(SaveId, FileWrite)>, Vec<Transaction>);

    /// Groups of saves with what must be in the file from then on: appends alone and together, and a replacement that
    /// drops what is dead, with an append behind it.
    fn groups(chain: ChainId, all: &[Transaction]) -> Vec<Group> {
        let mut saves = Saves { chain, end: 0, next: 0 };
        vec![
            (vec![saves.replace(&all[..1])], all[..1].to_vec()),
            (vec![saves.append(&all[1])], all[..2].to_vec()),
            (vec![saves.append(&all[2]), saves.append(&all[3])], all[..4].to_vec()),
            (vec![saves.replace(&all[2..4]), saves.append(&all[4])], all[2..5].to_vec()),
            (vec![saves.append(&all[5])], all[2..6].to_vec()),
        ]
    }

    fn save(saver: &mut Saver, group: Vec<(SaveId, FileWrite)>) -> Event {
        let mut group = group.into_iter();
        saver.save(group.next().unwrap(), group)
    }

    /// The power fails at every file operation, and the disk keeps what it likes of what was not synced: every
    /// transaction whose save was confirmed is in the file, whose tail is at most torn.
    #[test]
    fn what_was_confirmed_outlives_the_power() {
        let (chain, all) = payments(6);
        let mut rng = ChaCha20Rng::seed_from_u64(72);
        let ends = (0..100).find(|kill| {
            let files = Memory::new();
            files.kill_after(Some(*kill));
            let mut saver = Saver { files: Box::new(files.clone()), broken: false };
            let mut confirmed: Vec<Transaction> = Vec::new();
            let ends = groups(chain, &all).into_iter().all(|(group, held)| {
                // What is held no longer may be dropped from now on.
                confirmed.retain(|t| held.contains(t));
                let saved = matches!(save(&mut saver, group), Event::LocalTxsSaved(_));
                if saved {
                    confirmed = held;
                }
                saved
            });
            for _ in 0..24 {
                let disk = files.after_power_loss(&mut rng);
                let Some(bytes) = disk.bytes(FileName::LocalTxs) else {
                    assert!(confirmed.is_empty(), "kill {kill}");
                    continue;
                };
                let found = mempool_file::read(&bytes).unwrap();
                assert!(found.tail != Tail::Damaged, "kill {kill}");
                assert!(confirmed.iter().all(|t| found.transactions.contains(t)), "kill {kill}");
                assert!(found.transactions.iter().all(|t| all.contains(t)));
            }
            ends
        });
        // Two replacements of five operations, and three appends of two.
        assert_eq!(ends, Some(16));
    }

    /// What waits is one write and one sync; what is confirmed is named by its last number.
    #[test]
    fn a_group_is_one_sync() {
        let (chain, all) = payments(5);
        let files = Memory::new();
        let mut saver = Saver { files: Box::new(files.clone()), broken: false };
        let mut saves = Saves { chain, end: 0, next: 0 };
        assert!(matches!(save(&mut saver, vec![saves.replace(&[])]), Event::LocalTxsSaved(SaveId(1))));
        let before = files.changes();
        let group = all.iter().map(|t| saves.append(t)).collect();
        assert!(matches!(save(&mut saver, group), Event::LocalTxsSaved(SaveId(6))));
        assert_eq!(files.changes() - before, 2);
        assert_eq!(mempool_file::read(&files.bytes(FileName::LocalTxs).unwrap()).unwrap().transactions, all);
    }

    /// Behind a write or a sync that failed nothing is appended, though there is room again, until the file is replaced.
    #[test]
    fn nothing_is_appended_behind_a_failure() {
        let (chain, all) = payments(3);
        let files = Memory::new();
        let mut saver = Saver { files: Box::new(files.clone()), broken: false };
        let mut saves = Saves { chain, end: 0, next: 0 };
        assert!(matches!(save(&mut saver, vec![saves.replace(&[])]), Event::LocalTxsSaved(_)));
        files.limit(Some(200));
        assert!(matches!(save(&mut saver, vec![saves.append(&all[0])]), Event::LocalTxsNotSaved(SaveId(2))));
        files.limit(None);
        let group = vec![saves.append(&all[1]), saves.append(&all[2])];
        assert!(matches!(save(&mut saver, group), Event::LocalTxsNotSaved(SaveId(4))));
        let group = vec![saves.append(&all[0]), saves.replace(&all[1..]), saves.append(&all[0])];
        assert!(matches!(save(&mut saver, group), Event::LocalTxsSaved(SaveId(7))));
        let found = mempool_file::read(&files.bytes(FileName::LocalTxs).unwrap()).unwrap();
        assert_eq!((found.transactions, found.tail), ([&all[1..], &all[..1]].concat(), Tail::Whole));
        // The bytes are there, but a disk that could not sync them may have dropped them.
        files.kill_after(Some(1));
        assert!(matches!(save(&mut saver, vec![saves.append(&all[1])]), Event::LocalTxsNotSaved(SaveId(8))));
        files.kill_after(None);
        assert!(matches!(save(&mut saver, vec![saves.append(&all[2])]), Event::LocalTxsNotSaved(SaveId(9))));
        // A file that ends elsewhere is another's.
        assert!(matches!(save(&mut saver, vec![saves.replace(&[])]), Event::LocalTxsSaved(SaveId(10))));
        files.set(FileName::LocalTxs, vec![0; 500]);
        assert!(matches!(save(&mut saver, vec![saves.append(&all[0])]), Event::LocalTxsNotSaved(SaveId(11))));
        assert!(matches!(save(&mut saver, vec![saves.replace(&[])]), Event::LocalTxsSaved(SaveId(12))));
        // Saves that do not follow each other are not written.
        let gap = vec![saves.append(&all[0]), (SaveId(14), FileWrite::Append { at: 1, bytes: vec![0] })];
        assert!(matches!(save(&mut saver, gap), Event::LocalTxsNotSaved(SaveId(14))));
    }

    /// What was handed over is written before the thread ends, whether its outcome is heard or not.
    #[test]
    fn the_thread_writes_what_it_was_given() {
        let (chain, all) = payments(4);
        let files = Memory::new();
        let (events, outcomes) = sync_channel(1);
        let thread = LocalTxsFile::start(files.clone(), events).unwrap();
        let mut saves = Saves { chain, end: 0, next: 0 };
        let (id, write) = saves.replace(&all[..1]);
        thread.save(id, write);
        assert!(matches!(outcomes.recv().unwrap(), Event::LocalTxsSaved(SaveId(1))));
        drop(outcomes);
        all[1..].iter().map(|t| saves.append(t)).for_each(|(id, write)| thread.save(id, write));
        drop(thread);
        let disk = files.after_power_loss(&mut ChaCha20Rng::seed_from_u64(1));
        assert_eq!(mempool_file::read(&disk.bytes(FileName::LocalTxs).unwrap()).unwrap().transactions, all);
    }
}
