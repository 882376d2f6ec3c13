//! The register of an installation: each session that signs is closed once, on one set of letters.
//!
//! A share of a signature uses up nonces. If a copy of a member's folder answered the same session with other
//! letters, two shares would have the same nonces, and the member's secret would follow from them. So a session
//! is closed, durably, before its share leaves: on the same letters again, it gives the same share; on others,
//! none.

use std::collections::BTreeMap;
use std::io;

use crate::letter::SessionId;
use crate::tag::Hash;

/// Where sessions are closed.
pub trait Register {
    /// Closes a session on these letters unless it is closed, and returns on which letters it is.
    ///
    /// # Errors
    /// If that cannot be made durable.
    fn close(&mut self, session: &SessionId, on: &Hash) -> io::Result<Hash>;
}

/// A register in memory, for tests and examples.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegister(BTreeMap<SessionId, Hash>);

impl Register for MemoryRegister {
    fn close(&mut self, session: &SessionId, on: &Hash) -> io::Result<Hash> {
        Ok(*self.0.entry(*session).or_insert(*on))
    }
}
