//! The garbler's interpreter: a wire is its false label `W⁰`, and tables are sent as they are made.
//!
//! ```text
//! XOR    C⁰ = A⁰ ⊕ B⁰
//! NOT    C⁰ = A⁰ ⊕ Δ            false and true swap, and the evaluator does nothing
//! AND    half gates             sends the table TG [16] ‖ TE [16]; the equations are in `backend/portable`
//!        or three halves        sends eight tables in 197 bytes; the equations are in `backend/three_halves`
//! ```
//!
//! Memory: one buffer of 64 KiB of tables, and of their bytes, however long the program.

use crate::backend::{Ahead, Backend, GarbleContext, GarbleScratch, GateWires, HalvesTable, Table, pack};
use crate::channel::{Channel, ChannelError, Phase};
use crate::fancy::Fancy;
use crate::keys::{OutOfGates, SessionKeys};
use crate::ot::OtError;
use crate::{Block, Delta};

/// The number of tables that are collected before they are sent; whole groups of eight.
const TABLES: usize = 2048;

/// How AND gates are garbled.
///
/// ```
/// use sotto_mpc::garble::Scheme;
///
/// assert_eq!(Scheme::HalfGates.table_bytes(16), 512);
/// assert_eq!(Scheme::ThreeHalves.table_bytes(16), 394);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Two labels for a gate; four hashes to garble it and two to evaluate it.
    #[default]
    HalfGates,
    /// A label and a half for a gate, and five bits; six hashes to garble it and three to evaluate it.
    ThreeHalves,
}

impl Scheme {
    /// All schemes, the one with the longest tables first.
    pub const ALL: [Self; 2] = [Self::HalfGates, Self::ThreeHalves];

    /// The name by which people choose it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfGates => "half-gates",
            Self::ThreeHalves => "three-halves",
        }
    }

    /// The bytes of the tables of this many gates that are sent together.
    #[must_use]
    pub const fn table_bytes(self, gates: u64) -> u64 {
        match self {
            Self::HalfGates => 32 * gates,
            Self::ThreeHalves => 24 * gates + (5 * gates).div_ceil(8),
        }
    }
}

/// Why garbling or evaluating a program failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The execution has no gate numbers left.
    #[error(transparent)]
    OutOfGates(#[from] OutOfGates),
    /// The transfer of input labels failed.
    #[error("oblivious transfer failed: {0}")]
    Ot(#[from] OtError),
    /// The garbler sent more tables than the program has AND gates.
    #[error("the garbler sent more tables than the program has AND gates")]
    SurplusTables,
}

/// The interpreter that garbles a program for the peer of a channel.
pub struct Garbling<'s, C> {
    backend: Backend,
    delta: &'s Delta,
    keys: &'s mut SessionKeys,
    channel: &'s mut C,
    tables: Tables,
    filled: usize,
}

/// Tables that are collected.
enum Tables {
    HalfGates(Box<[Table]>, Ahead),
    ThreeHalves { tables: Box<[HalvesTable]>, scratch: Box<GarbleScratch>, bytes: Vec<u8> },
}

impl Tables {
    fn new(scheme: Scheme, delta: &Delta) -> Self {
        match scheme {
            Scheme::HalfGates => Self::HalfGates(vec![[0; 32]; TABLES].into(), Ahead::default()),
            Scheme::ThreeHalves => Self::ThreeHalves {
                tables: vec![HalvesTable::default(); TABLES].into(),
                scratch: GarbleScratch::new(delta),
                bytes: Vec::with_capacity(Scheme::ThreeHalves.table_bytes(TABLES as u64) as usize),
            },
        }
    }

    /// The bytes of the first `filled` tables.
    fn bytes(&mut self, filled: usize) -> &[u8] {
        match self {
            Self::HalfGates(tables, _) => tables[..filled].as_flattened(),
            Self::ThreeHalves { tables, bytes, .. } => {
                bytes.clear();
                pack(&tables[..filled], bytes);
                bytes
            }
        }
    }
}

impl<'s, C: Channel> Garbling<'s, C> {
    /// An interpreter that garbles half gates under fresh keys.
    pub fn new(backend: Backend, delta: &'s Delta, keys: &'s mut SessionKeys, channel: &'s mut C) -> Self {
        Self { backend, delta, keys, channel, tables: Tables::new(Scheme::HalfGates, delta), filled: 0 }
    }

    /// This interpreter before its first gate, with another scheme.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { tables: Tables::new(scheme, self.delta), ..self }
    }

    /// The wire of a bit that the garbler knows: its own input, or a constant.
    pub fn known(&mut self, bit: bool) -> Block {
        self.keys.labels.draw() ^ self.delta.times(bit)
    }

    /// Sends the remaining tables.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn finish(mut self) -> Result<(), StreamError> {
        self.send_tables()
    }

    /// Sends the buffered tables and lends the channel for other messages.
    pub(crate) fn pause(&mut self) -> Result<&mut C, StreamError> {
        self.send_tables()?;
        Ok(self.channel)
    }

    fn send_tables(&mut self) -> Result<(), StreamError> {
        self.channel.send(Phase::Tables, self.tables.bytes(self.filled))?;
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
            let gates = GarbleContext { delta: self.delta, key: &self.keys.gates, first };
            let place = self.filled..self.filled + n;
            match &mut self.tables {
                Tables::HalfGates(tables, ahead) => {
                    self.backend.garble(&gates, ahead, a_now, b_now, out_now, &mut tables[place]);
                }
                Tables::ThreeHalves { tables, scratch, .. } => {
                    let wires = GateWires { a: a_now, b: b_now, c: out_now };
                    self.backend.garble_halves(&gates, scratch, wires, &mut tables[place]);
                }
            }
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

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::backend::EvaluateContext;
    use crate::hash::HashKey;

    const RUNS: u32 = 4096;

    /// How the garbler draws a false label.
    type Draw = fn(&mut ChaCha20Rng) -> Block;

    /// How often each bit of the evaluator's view of a gate is set: active labels, table, active output.
    fn ones(draw: Draw, x: bool, y: bool) -> Vec<u32> {
        let rng = &mut ChaCha20Rng::seed_from_u64(u64::from(x) + 2 * u64::from(y));
        let mut ones = vec![0; 128 * 5];
        for _ in 0..RUNS {
            let (delta, key) = (Delta::random(rng), HashKey::new(Block::random(rng)));
            let (a0, b0) = (draw(rng), draw(rng));
            let (mut c, mut tables) = ([Block::ZERO], [[0; 32]]);
            let garble = GarbleContext { delta: &delta, key: &key, first: 0 };
            let ahead = &mut Ahead::default();
            Backend::detect().garble(&garble, ahead, &[a0], &[b0], &mut c, &mut tables);
            let (a, b) = (a0 ^ delta.times(x), b0 ^ delta.times(y));
            let evaluate = EvaluateContext { key: &key, first: 0 };
            Backend::detect().evaluate(&evaluate, ahead, &[a], &[b], &tables, &mut c);
            let [table] = tables;
            let view = [&a.to_bytes()[..], &b.to_bytes(), &table, &c[0].to_bytes()].concat();
            for (i, ones) in ones.iter_mut().enumerate() {
                *ones += u32::from(view[i / 8] >> (i % 8) & 1);
            }
        }
        ones
    }

    /// Whether, for some inputs, some bit of the view deviates from a fair coin by six standard deviations.
    fn betrays_inputs(draw: Draw) -> bool {
        let margin = 6.0 * f64::from(RUNS).sqrt() / 2.0;
        let fair = |ones: u32| (f64::from(ones) - f64::from(RUNS) / 2.0).abs() < margin;
        let inputs = [(false, false), (false, true), (true, false), (true, true)];
        inputs.into_iter().any(|(x, y)| !ones(draw, x, y).into_iter().all(fair))
    }

    #[test]
    fn what_the_evaluator_sees_of_a_gate_is_the_same_for_all_inputs() {
        assert!(!betrays_inputs(Block::random));
    }

    #[test]
    fn a_garbler_without_permute_bits_is_caught() {
        assert!(betrays_inputs(|rng| Block::new(Block::random(rng).to_u128() & !1)));
    }
}
