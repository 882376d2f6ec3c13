//! The first pass over a program: every wire gets its mask, and the interpreter itself sends nothing.
//!
//! A wire w carries a value z_w and has a mask λ_w, an authenticated bit that neither party knows; the
//! parties compute with the *masked value* Λ_w = z_w ⊕ λ_w. A wire of this interpreter is a party's share of
//! λ_w:
//!
//! ```text
//! input        its owner alone knows λ            constant    λ = 0
//! XOR          λ of both, XORed                   NOT         λ stays, and z and Λ are flipped
//! AND          a fresh bit γ; α and β, the masks of the inputs, are noted
//! ```
//!
//! When all gates of a chunk are noted and the program asks for one more, the chunk is handed in, and the
//! interpreter waits for the next one ([`Supply`]). The second pass (`second_pass`) takes the gates in the
//! same order and changes chunks at the same places.

use super::authenticated_bits::{Share, Shares};
use super::chunk::Chunk;
use super::error::SessionError;
use super::trace::{Trace, Wire};
use crate::inputs::{InputStream, Inputs};
use crate::program::{Program, Shape};
use crate::{Block, Fancy};

/// What the first pass needs while it runs.
pub(super) trait Supply {
    /// Hands in a chunk whose gates are all noted; returns the next one.
    ///
    /// # Errors
    /// If there is none.
    fn chunk(&mut self, noted: Noted) -> Result<Chunk, SessionError>;

    /// Masks of the next bits of an input stream: of at least `bits` of them.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    fn inputs(&mut self, stream: usize, bits: usize) -> Result<Shares, SessionError>;
}

/// A chunk whose gates are all noted.
pub(super) struct Noted {
    pub(super) chunk: Chunk,
    /// The digest of the first pass so far.
    pub(super) trace: [u64; 3],
}

/// What the first pass begins with.
pub(super) struct Start {
    pub(super) chunk: Chunk,
    /// Masks of the first bits of each input stream.
    pub(super) inputs: Vec<Shares>,
}

/// What the first pass leaves.
pub(super) struct End {
    /// The last chunk.
    pub(super) noted: Noted,
    /// The masks of the outputs.
    pub(super) outputs: Shares,
}

/// Runs the first pass.
///
/// # Errors
/// If the supply fails, or the program has another number of gates or outputs than announced.
pub(super) fn first_pass(
    program: &impl Program,
    start: Start,
    supply: impl Supply,
) -> Result<End, SessionError> {
    let Shape { input_streams, outputs: expected } = program.shape();
    let ahead = |(shares, stream): (Shares, &InputStream)| Ahead { shares, next: 0, left: stream.bits };
    let streams = start.inputs.into_iter().zip(&input_streams).map(ahead).collect();
    let mut f = Masks { supply, chunk: start.chunk, trace: Trace::default(), streams };
    let mut outputs = Vec::with_capacity(expected);
    program.run(&mut f, &mut MaskInputs, &mut outputs)?;
    if outputs.len() != expected {
        return Err(SessionError::OutputLength { expected, given: outputs.len() });
    }
    if f.chunk.room() > 0 {
        return Err(SessionError::Unsteady);
    }
    f.trace.outputs(&outputs);
    let mut shares = Shares::with_capacity(expected);
    outputs.iter().for_each(|wire| shares.push(share(*wire)));
    Ok(End { noted: Noted { chunk: f.chunk, trace: f.trace.digest() }, outputs: shares })
}

/// The interpreter of the first pass.
struct Masks<S> {
    supply: S,
    chunk: Chunk,
    trace: Trace,
    streams: Vec<Ahead>,
}

/// Masks of input bits that are not read yet.
struct Ahead {
    shares: Shares,
    /// The index of the first unread one.
    next: usize,
    /// The bits of the stream that are not read yet.
    left: usize,
}

fn share(wire: Wire<2>) -> Share {
    let [mac, key] = wire.blocks();
    Share { mac, key }
}

fn wire(Share { mac, key }: Share, form: u64) -> Wire<2> {
    Wire::new([mac, key], form)
}

impl<S: Supply> Masks<S> {
    /// Notes gates, at most as many as the chunk has room for.
    fn gates(&mut self, a: &[Wire<2>], b: &[Wire<2>], out: &mut [Wire<2>]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let gamma = self.chunk.gate(share(*a), share(*b));
            *out = wire(gamma, self.trace.gate([a.form, b.form]));
        }
    }

    /// Hands in the chunk.
    fn turn(&mut self) -> Result<(), SessionError> {
        let noted = Noted { chunk: core::mem::take(&mut self.chunk), trace: self.trace.digest() };
        self.chunk = self.supply.chunk(noted)?;
        if self.chunk.room() > 0 { Ok(()) } else { Err(SessionError::Unsteady) }
    }

    fn read(&mut self, stream: usize, wires: &mut [Wire<2>]) -> Result<(), SessionError> {
        let mut missing = wires.len();
        let ahead = &mut self.streams[stream];
        assert!(missing <= ahead.left, "a program reads no more than its shape declares");
        ahead.left -= missing;
        for slot in wires {
            if ahead.next == ahead.shares.len() {
                (ahead.shares, ahead.next) = (self.supply.inputs(stream, missing)?, 0);
            }
            *slot = wire(ahead.shares.view().get(ahead.next), self.trace.input(stream));
            ahead.next += 1;
            missing -= 1;
        }
        Ok(())
    }
}

impl<S: Supply> Fancy for Masks<S> {
    type Wire = Wire<2>;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Wire<2>], b: &[Wire<2>], out: &mut [Wire<2>]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let mut done = 0;
        while done < out.len() {
            if self.chunk.room() == 0 {
                self.turn()?;
            }
            let range = done..out.len().min(done + self.chunk.room());
            done = range.end;
            self.gates(&a[range.clone()], &b[range.clone()], &mut out[range]);
        }
        Ok(())
    }

    fn xor(&mut self, a: Wire<2>, b: Wire<2>) -> Wire<2> {
        a ^ b
    }

    fn not(&mut self, a: Wire<2>) -> Wire<2> {
        a.negated(a.blocks())
    }

    fn constant(&mut self, bit: bool) -> Wire<2> {
        Wire::constant([Block::ZERO; 2], bit)
    }
}

/// The input streams of the first pass; the interpreter holds the masks ahead of them.
struct MaskInputs;

impl<S: Supply> Inputs<Masks<S>> for MaskInputs {
    fn read_into(
        &mut self,
        f: &mut Masks<S>,
        stream: usize,
        wires: &mut [Wire<2>],
    ) -> Result<(), SessionError> {
        f.read(stream, wires)
    }
}
