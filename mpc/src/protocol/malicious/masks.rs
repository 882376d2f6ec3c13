//! The first pass over a program: every wire gets its mask, and nothing is sent.
//!
//! A wire w carries a value z_w and has a mask λ_w, an authenticated bit that neither party knows; the parties
//! compute with the *masked value* Λ_w = z_w ⊕ λ_w. A wire of this interpreter is a party's share of λ_w:
//!
//! ```text
//! input        its owner alone knows λ            constant    λ = 0
//! shared       λ of both shares, XORed
//! XOR          λ of both, XORed                   NOT         λ stays, and z and Λ are flipped
//! AND          a fresh bit γ; α and β, the masks of the inputs, are noted
//! ```
//!
//! The second pass (`garbling`, `evaluation`) takes the gates in the same order.

use super::authenticated_bits::{Share, Shares};
use super::chunk::ChunkBits;
use super::error::SessionError;
use crate::inputs::{Holder, InputStream, Inputs, starts};
use crate::protocol::hello::Role;
use crate::{Bits, Block, Fancy};

/// The interpreter of the first pass.
pub(super) struct Masks<'c> {
    chunk: &'c ChunkBits,
    gates: usize,
    alphas: Shares,
    betas: Shares,
}

impl<'c> Masks<'c> {
    /// An interpreter of a program with this many AND gates.
    pub(super) fn new(chunk: &'c ChunkBits, gates: usize) -> Self {
        let room = chunk.buckets().candidates;
        let (alphas, betas) = (Shares::with_capacity(gates), Shares::with_capacity(room));
        Self { chunk, gates, alphas, betas }
    }

    /// The masks α and β of all gates; β is filled with the chunk's padding up to the number of candidates.
    ///
    /// # Errors
    /// If the program had fewer gates than announced.
    pub(super) fn finish(self) -> Result<[Shares; 2], SessionError> {
        let Self { chunk, gates, alphas, mut betas } = self;
        if alphas.len() != gates {
            return Err(SessionError::Unsteady);
        }
        let padding = chunk.gammas().slice(gates..chunk.buckets().candidates);
        padding.iter().for_each(|share| betas.push(share));
        Ok([alphas, betas])
    }
}

impl Fancy for Masks<'_> {
    type Wire = Share;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Share], b: &[Share], out: &mut [Share]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let first = self.alphas.len();
        if out.len() > self.gates - first {
            return Err(SessionError::Unsteady);
        }
        let gammas = self.chunk.gammas().slice(first..first + out.len());
        for (((out, gamma), a), b) in out.iter_mut().zip(gammas.iter()).zip(a).zip(b) {
            *out = gamma;
            self.alphas.push(*a);
            self.betas.push(*b);
        }
        Ok(())
    }

    fn xor(&mut self, a: Share, b: Share) -> Share {
        a ^ b
    }

    fn not(&mut self, a: Share) -> Share {
        a
    }

    fn constant(&mut self, _: bool) -> Share {
        Share::default()
    }
}

/// Where a program is in its input streams: the same in both passes.
pub(super) struct Places {
    role: Role,
    input_streams: Vec<InputStream>,
    /// The index of each stream's next bit among the bits of the garbler and of the evaluator.
    next: Vec<[usize; 2]>,
    /// The number of bits left of each stream.
    left: Vec<usize>,
}

/// An input bit, by its index among the bits of the party that holds it; a shared one by its index among either
/// party's.
#[derive(Clone, Copy)]
pub(super) struct Place {
    own: Option<usize>,
    peer: Option<usize>,
}

impl Places {
    /// The beginning of all streams.
    pub(super) fn new(role: Role, input_streams: &[InputStream]) -> Self {
        let garbler = starts(input_streams, Holder::includes_garbler);
        let evaluator = starts(input_streams, Holder::includes_evaluator);
        let next = garbler.into_iter().zip(evaluator).map(|(garbler, evaluator)| [garbler, evaluator]);
        let left = input_streams.iter().map(|stream| stream.bits);
        Self { role, input_streams: input_streams.to_vec(), next: next.collect(), left: left.collect() }
    }

    /// The next `n` bits of a stream.
    ///
    /// # Panics
    /// If the stream has fewer bits left, which is a bug in the program.
    pub(super) fn take(&mut self, stream: usize, n: usize) -> impl Iterator<Item = Place> + use<> {
        let (at, left) = (&mut self.next[stream], &mut self.left[stream]);
        assert!(n <= *left, "a program reads no more than its shape declares");
        let [garbler, evaluator] = *at;
        (*at, *left) = ([garbler + n, evaluator + n], *left - n);
        let holder = self.input_streams[stream].holder;
        let is_garbler = self.role == Role::Garbler;
        (0..n).map(move |i| {
            let garbler = holder.includes_garbler().then_some(garbler + i);
            let evaluator = holder.includes_evaluator().then_some(evaluator + i);
            let (own, peer) = if is_garbler { (garbler, evaluator) } else { (evaluator, garbler) };
            Place { own, peer }
        })
    }
}

/// The masks of input bits.
pub(super) struct MaskInputs<'c> {
    pub(super) chunk: &'c ChunkBits,
    pub(super) places: Places,
}

impl Inputs<Masks<'_>> for MaskInputs<'_> {
    fn read_into(
        &mut self,
        _: &mut Masks<'_>,
        stream: usize,
        wires: &mut [Share],
    ) -> Result<(), SessionError> {
        let places = self.places.take(stream, wires.len());
        for (wire, Place { own, peer }) in wires.iter_mut().zip(places) {
            let (own, peer) = (own.map(|i| self.chunk.own_input(i)), peer.map(|i| self.chunk.peer_input(i)));
            *wire = own.unwrap_or_default() ^ peer.unwrap_or_default();
        }
        Ok(())
    }
}

/// The masked values of all input bits, as their owners revealed them.
pub(super) struct MaskedInputs {
    pub(super) own: Bits,
    pub(super) peer: Bits,
}

impl MaskedInputs {
    /// Λ at a place.
    pub(super) fn get(&self, Place { own, peer }: Place) -> bool {
        own.is_some_and(|i| self.own.get(i)) ^ peer.is_some_and(|i| self.peer.get(i))
    }
}

/// The labels of input bits, from their masked values: for the garbler those for Λ = 0, for the evaluator the active ones.
pub(super) struct InputLabels<'i> {
    pub(super) values: &'i MaskedInputs,
    pub(super) places: Places,
}

impl<F: Fancy<Wire = Block>> Inputs<F> for InputLabels<'_> {
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [Block]) -> Result<(), F::Error> {
        let places = self.places.take(stream, wires.len());
        wires.iter_mut().zip(places).for_each(|(wire, place)| *wire = f.constant(self.values.get(place)));
        Ok(())
    }
}
