//! The pool's file: it grows with each transaction that is admitted, and is written anew when some leave.
//!
//! ```text
//! submitted           appended, fdatasync ─▶ acknowledged
//! received            appended ─────────────▶ acknowledged ─▶ fdatasync, now and then and when the node stops
//! block, reorganisation, or much that has left      the whole pool, atomically
//! ```
//!
//! So a transaction that was admitted comes back after a kill whenever that was, and after the loss of power if it was submitted
//! or some seconds old, unless the chain has taken it or made it impossible. What was pushed out for a higher fee
//! may come back too: it is judged anew.

use super::{Ledger, LedgerError, PoolChange};
use crate::{
    edge::store::{FileName, Files, StoreError, append_beside, read_beside, sync_beside, write_beside},
    engine::pool::{AdmitError, Pool},
    wire::{
        self,
        pool::{Found, Tail},
    },
};
use sotto_mw::transaction::Transaction;

const FILE: FileName = FileName::Pool;
/// Bytes that the file may have beyond twice what the pool weighs, at 32 bytes a unit.
const SLACK: u64 = 1 << 20;

/// What is known of the file.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Where the next entry belongs; 0: there is no file yet.
    end: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// All that is pending is there, durably.
    #[default]
    Saved,
    /// It is there, and may be lost with the power.
    Unsynced,
    /// Something is not there.
    Stale,
}

impl<F: Files> Ledger<F> {
    /// Appends a transaction to the file; if that fails, the whole is written when it is saved.
    pub(super) fn write_down(&mut self, t: &Transaction) -> Result<(), StoreError> {
        let end = self.journal.end;
        if end == 0 || self.journal.state == State::Stale || end > SLACK + 64 * self.pool.weight() {
            let new = self.pool.get(&wire::transaction_id(t)).is_none().then_some(t);
            let all = self.pool.iter().map(|(_, pending)| pending).chain(new);
            let bytes = wire::pool::file(self.store.chain().id(), all);
            return self.replace(&bytes);
        }
        let entry = wire::pool::entry(self.chain().id(), end, t);
        self.journal.state = State::Stale;
        append_beside(&mut self.store, FILE, end, &entry)?;
        self.journal = Journal { end: end + entry.len() as u64, state: State::Unsynced };
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.journal.state = State::Stale;
        write_beside(&mut self.store, FILE, bytes)?;
        self.journal = Journal { end: bytes.len() as u64, state: State::Saved };
        Ok(())
    }

    /// Makes the pool durable, if it is not.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_pool(&mut self) -> Result<(), StoreError> {
        match self.journal.state {
            State::Saved => Ok(()),
            State::Unsynced => {
                sync_beside(&mut self.store, FILE)?;
                self.journal.state = State::Saved;
                Ok(())
            }
            State::Stale => {
                let all = self.pool.iter().map(|(_, t)| t);
                let bytes = wire::pool::file(self.store.chain().id(), all);
                self.replace(&bytes)
            }
        }
    }

    /// The pool after a change of the chain, which stands whether the file can be written or not.
    pub(super) fn put(&mut self, pool: Pool) -> Option<StoreError> {
        let same = pool.len() == self.pool.len() && pool.iter().all(|(id, _)| self.pool.get(id).is_some());
        self.pool = pool;
        if same {
            return None;
        }
        self.journal.state = State::Stale;
        self.save_pool().err()
    }

    pub(super) fn load_pool(&mut self) -> Result<PoolChange, LedgerError> {
        let Some(bytes) = read_beside(&self.store, FILE)? else { return Ok(PoolChange::default()) };
        let expected = *self.chain().id();
        let Found { transactions, end, tail, chain: found } = match wire::pool::read(&bytes) {
            Ok(found) => found,
            Err(_) => Found { chain: expected, transactions: Vec::new(), end: 0, tail: Tail::Damaged },
        };
        if found != expected {
            return Err(StoreError::Foreign { file: FILE, expected, found }.into());
        }
        let mut change = PoolChange { set_aside: tail == Tail::Damaged, ..PoolChange::default() };
        for t in transactions {
            let id = wire::transaction_id(&t);
            match self.pool.admit(self.store.chain(), &self.store, t) {
                Err(AdmitError::View(e)) => return Err(e.into()),
                Err(AdmitError::Refused(why)) => change.dropped.push((id, why)),
                Ok(_) | Err(AdmitError::Clash(_)) => {}
            }
        }
        self.journal = Journal { end, state: State::Saved };
        if change.set_aside {
            write_beside(&mut self.store, FileName::PoolDamaged, &bytes)?;
        }
        if tail != Tail::Whole {
            self.journal.state = State::Stale;
            self.save_pool()?;
        }
        Ok(change)
    }
}
