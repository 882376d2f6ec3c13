//! The garbler's interpreter: a wire is its false label `W⁰`, and tables leave as they are made.
//!
//! XOR is the XOR of the false labels. NOT is `W⁰ ⊕ Δ`: false and true change places, and the evaluator
//! does nothing. An AND is a half gate (see `backend/portable`), 32 bytes to the evaluator.
//!
//! Memory is one buffer of 64 KiB of tables, however long the program.

use crate::backend::{Backend, Garble, Table};
use crate::channel::{Channel, ChannelError, Phase};
use crate::fancy::Fancy;
use crate::keys::{OutOfGates, SessionKeys};
use crate::{Block, Delta};

/// Tables that are gathered before they are sent.
const TABLES: usize = 2048;

/// Why a program cannot be garbled or evaluated to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// No gate numbers are left.
    #[error(transparent)]
    OutOfGates(#[from] OutOfGates),
    /// The garbler sent tables for more gates than the program has.
    #[error("the garbler sent more tables than the program has AND gates")]
    SurplusTables,
}

/// Garbles a program for the peer of a channel.
pub struct Garbling<'s, C> {
    backend: Backend,
    delta: &'s Delta,
    keys: &'s mut SessionKeys,
    channel: &'s mut C,
    tables: Box<[Table]>,
    filled: usize,
}

impl<'s, C: Channel> Garbling<'s, C> {
    /// Garbling with fresh keys.
    pub fn new(
        backend: Backend,
        delta: &'s Delta,
        keys: &'s mut SessionKeys,
        channel: &'s mut C,
    ) -> Self {
        Self { backend, delta, keys, channel, tables: vec![[0; 32]; TABLES].into(), filled: 0 }
    }

    /// The wire of a bit that the garbler knows: its own input, or a constant.
    pub fn known(&mut self, bit: bool) -> Block {
        self.keys.labels.draw() ^ self.delta.times(bit)
    }

    /// Sends the last tables.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn finish(mut self) -> Result<(), StreamError> {
        self.send_tables()
    }

    fn send_tables(&mut self) -> Result<(), StreamError> {
        self.channel.send(Phase::Tables, self.tables[..self.filled].as_flattened())?;
        self.filled = 0;
        Ok(())
    }
}

impl<C: Channel> Fancy for Garbling<'_, C> {
    type Wire = Block;
    type Error = StreamError;

    fn and_n(&mut self, mut a: &[Block], mut b: &[Block], mut out: &mut [Block]) -> Result<(), StreamError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let mut first = self.keys.take_gates(a.len())?;
        while !a.is_empty() {
            if self.filled == TABLES {
                self.send_tables()?;
            }
            let n = a.len().min(TABLES - self.filled);
            let (a_now, b_now, out_now);
            ((a_now, a), (b_now, b), (out_now, out)) = (a.split_at(n), b.split_at(n), out.split_at_mut(n));
            let gates = Garble { delta: self.delta, key: &self.keys.gates, first };
            let tables = &mut self.tables[self.filled..self.filled + n];
            self.backend.garble(&gates, a_now, b_now, out_now, tables);
            first += n as u64;
            self.filled += n;
        }
        Ok(())
    }

    fn xor(&mut self, a: Block, b: Block) -> Block {
        a ^ b
    }

    fn not(&mut self, a: Block) -> Block {
        a ^ self.delta.block()
    }

    fn constant(&mut self, bit: bool) -> Block {
        self.known(bit)
    }
}
