//! The first pass over a program: every wire gets its mask, and the interpreter itself sends nothing.
//!
//! A wire w carries a value z_w and has a mask λ_w, an authenticated bit that no party knows; the
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

use super::error::SessionError;
use super::settings::Extent;
use super::trace::{Trace, Wire};
use crate::inputs::{InputStream, Inputs};
use crate::program::{Program, Shape};
use crate::{Block, Fancy};

/// A party's shares of many masks. A share is N blocks: a MAC and a key for each peer.
pub(super) trait MaskList<const N: usize>: Send {
    fn with_capacity(n: usize) -> Self;
    fn len(&self) -> usize;
    fn at(&self, i: usize) -> [Block; N];
    fn add(&mut self, share: [Block; N]);
}

/// A chunk, as the first pass sees it; the default has no gates.
pub(super) trait Notes<const N: usize>: Default + Send {
    type List: MaskList<N>;

    fn extent(&self) -> &Extent;

    /// The number of gates whose masks are not noted yet.
    fn room(&self) -> usize;

    /// Notes α and β of the next gate; returns γ.
    fn note(&mut self, operands: [[Block; N]; 2]) -> [Block; N];
}

/// The list of shares that belongs to a kind of chunk.
pub(super) type ListOf<const N: usize, K> = <K as Notes<N>>::List;

/// What the first pass needs while it runs.
pub(super) trait Supply<const N: usize, K: Notes<N>> {
    /// Hands in a chunk whose gates are all noted; returns the next one.
    ///
    /// # Errors
    /// If there is none.
    fn chunk(&mut self, noted: Noted<K>) -> Result<K, SessionError>;

    /// Masks of the next bits of an input stream: of at least `bits` of them.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    fn inputs(&mut self, stream: usize, bits: usize) -> Result<K::List, SessionError>;
}

/// A chunk whose gates are all noted.
pub(super) struct Noted<K> {
    pub(super) chunk: K,
    /// The digest of the first pass so far.
    pub(super) trace: [u64; 3],
}

/// What the first pass begins with.
pub(super) struct Start<K, L> {
    pub(super) chunk: K,
    /// Masks of the first bits of each input stream.
    pub(super) inputs: Vec<L>,
}

/// What the first pass leaves.
pub(super) struct End<K, L> {
    /// The last chunk.
    pub(super) noted: Noted<K>,
    /// The masks of the outputs.
    pub(super) outputs: L,
}

/// Runs the first pass.
///
/// # Errors
/// If the supply fails, or the program has another number of gates or outputs than announced.
pub(super) fn first_pass<const N: usize, K: Notes<N>>(
    program: &impl Program,
    start: Start<K, K::List>,
    supply: &mut dyn Supply<N, K>,
) -> Result<End<K, K::List>, SessionError> {
    let Shape { input_streams, outputs: expected } = program.shape();
    let ahead = |(shares, stream): (K::List, &InputStream)| Ahead { shares, next: 0, left: stream.bits };
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
    let mut shares = K::List::with_capacity(expected);
    outputs.iter().for_each(|wire| shares.add(wire.blocks()));
    Ok(End { noted: Noted { chunk: f.chunk, trace: f.trace.digest() }, outputs: shares })
}

/// The interpreter of the first pass.
struct Masks<'s, const N: usize, K: Notes<N>> {
    supply: &'s mut dyn Supply<N, K>,
    chunk: K,
    trace: Trace,
    streams: Vec<Ahead<K::List>>,
}

/// Masks of input bits that are not read yet.
struct Ahead<L> {
    shares: L,
    /// The index of the first unread one.
    next: usize,
    /// The bits of the stream that are not read yet.
    left: usize,
}

impl<const N: usize, K: Notes<N>> Masks<'_, N, K> {
    /// Notes gates, at most as many as the chunk has room for.
    fn gates(&mut self, a: &[Wire<N>], b: &[Wire<N>], out: &mut [Wire<N>]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let gamma = self.chunk.note([a.blocks(), b.blocks()]);
            *out = Wire::new(gamma, self.trace.gate([a.form, b.form]));
        }
    }

    /// Hands in the chunk.
    fn turn(&mut self) -> Result<(), SessionError> {
        let noted = Noted { chunk: core::mem::take(&mut self.chunk), trace: self.trace.digest() };
        self.chunk = self.supply.chunk(noted)?;
        if self.chunk.room() > 0 { Ok(()) } else { Err(SessionError::Unsteady) }
    }

    fn read(&mut self, stream: usize, wires: &mut [Wire<N>]) -> Result<(), SessionError> {
        let mut missing = wires.len();
        let ahead = &mut self.streams[stream];
        assert!(missing <= ahead.left, "a program reads no more than its shape declares");
        ahead.left -= missing;
        for slot in wires {
            if ahead.next == ahead.shares.len() {
                (ahead.shares, ahead.next) = (self.supply.inputs(stream, missing)?, 0);
            }
            *slot = Wire::new(ahead.shares.at(ahead.next), self.trace.input(stream));
            ahead.next += 1;
            missing -= 1;
        }
        Ok(())
    }
}

impl<const N: usize, K: Notes<N>> Fancy for Masks<'_, N, K> {
    type Wire = Wire<N>;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Wire<N>], b: &[Wire<N>], out: &mut [Wire<N>]) -> Result<(), SessionError> {
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

    fn xor(&mut self, a: Wire<N>, b: Wire<N>) -> Wire<N> {
        a ^ b
    }

    fn not(&mut self, a: Wire<N>) -> Wire<N> {
        a.negated(a.blocks())
    }

    fn constant(&mut self, bit: bool) -> Wire<N> {
        Wire::constant([Block::ZERO; N], bit)
    }
}

/// The input streams of the first pass; the interpreter holds the masks ahead of them.
struct MaskInputs;

impl<'s, const N: usize, K: Notes<N>> Inputs<Masks<'s, N, K>> for MaskInputs {
    fn read_into(
        &mut self,
        f: &mut Masks<'s, N, K>,
        stream: usize,
        wires: &mut [Wire<N>],
    ) -> Result<(), SessionError> {
        f.read(stream, wires)
    }
}
