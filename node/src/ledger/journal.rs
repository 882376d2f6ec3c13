//! When the mempool's file is written: it grows with each transaction that is admitted, and is rewritten when
//! some leave.
//!
//! ```text
//! submitted                                          appended, fdatasync ─▶ acknowledged
//! received                                           appended ─▶ accepted ─▶ fdatasync, now and then and at the end
//! block, reorganisation, or much that has left       the whole mempool, atomically
//! ```
//!
//! So a transaction that was admitted comes back after a kill at any time, and after the loss of power if it
//! was submitted or is some seconds old, unless the chain includes it or made it impossible. A transaction
//! that was pushed out for a higher fee may come back too: it is judged again.

use crate::{
    codec::transaction_id,
    ledger::{
        mempool::Mempool,
        mempool_file::{self, Found, Tail},
    },
    storage::{
        FileName, Store, StoreError,
        files::{read_if_there, replace, sync, write_at},
    },
};
use sotto_mw::transaction::Transaction;

const FILE: FileName = FileName::Mempool;
/// Bytes that the file may have beyond twice what the mempool weighs, at 32 bytes a unit.
const SLACK: u64 = 1 << 20;

/// The state of the file.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Where the next entry belongs; 0: there is no file yet.
    end: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The file holds every pending transaction, durably.
    #[default]
    Saved,
    /// It holds them, and may lose some with the power.
    Unsynced,
    /// It does not hold all of them.
    Stale,
}

impl Journal {
    /// Reads the file, and sets a damaged one aside; `None` when there is none.
    pub(crate) fn load(store: &mut Store) -> Result<Option<(Self, Found)>, StoreError> {
        let Some(bytes) = read_if_there(store.files(), FILE)? else { return Ok(None) };
        let expected = *store.chain().id();
        let found = match mempool_file::read(&bytes) {
            Ok(found) => found,
            Err(_) => Found { chain: expected, transactions: Vec::new(), end: 0, tail: Tail::Damaged },
        };
        if found.chain != expected {
            return Err(StoreError::Foreign { file: FILE, expected, found: found.chain });
        }
        if found.tail == Tail::Damaged {
            replace(store.files_mut(), FileName::MempoolDamaged, &bytes)?;
        }
        Ok(Some((Self { end: found.end, state: State::Saved }, found)))
    }

    /// Appends a transaction to the file; if that fails, the whole file is written when it is saved.
    pub(crate) fn append(
        &mut self,
        store: &mut Store,
        mempool: &Mempool,
        t: &Transaction,
    ) -> Result<(), StoreError> {
        let (chain, end) = (*store.chain().id(), self.end);
        if end == 0 || self.state == State::Stale || end > SLACK + 64 * mempool.weight() {
            let new = mempool.get(&transaction_id(t)).is_none().then_some(t);
            let all = mempool.iter().map(|(_, pending)| pending).chain(new);
            return self.replace(store, &mempool_file::file(&chain, all));
        }
        let entry = mempool_file::entry(&chain, end, t);
        self.state = State::Stale;
        write_at(store.files_mut(), FILE, end, &entry)?;
        *self = Self { end: end + entry.len() as u64, state: State::Unsynced };
        Ok(())
    }

    /// Takes note that the file does not hold what is pending.
    pub(crate) const fn mark_stale(&mut self) {
        self.state = State::Stale;
    }

    /// Makes the file hold what is pending, durably.
    pub(crate) fn save(&mut self, store: &mut Store, mempool: &Mempool) -> Result<(), StoreError> {
        match self.state {
            State::Saved => Ok(()),
            State::Unsynced => {
                sync(store.files_mut(), FILE)?;
                self.state = State::Saved;
                Ok(())
            }
            State::Stale => {
                let all = mempool.iter().map(|(_, t)| t);
                let bytes = mempool_file::file(store.chain().id(), all);
                self.replace(store, &bytes)
            }
        }
    }

    fn replace(&mut self, store: &mut Store, bytes: &[u8]) -> Result<(), StoreError> {
        self.state = State::Stale;
        replace(store.files_mut(), FILE, bytes)?;
        *self = Self { end: bytes.len() as u64, state: State::Saved };
        Ok(())
    }
}
