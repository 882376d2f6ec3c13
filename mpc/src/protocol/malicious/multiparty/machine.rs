//! A party as a machine of the two passes (`super::second_pass`): masks are a MAC and a key for each peer.

use core::marker::PhantomData;

use rand_core::{CryptoRng, RngCore};

use super::super::authenticated_bits::Shares;
use super::super::buckets::MacDigests;
use super::super::chunk::Chunk;
use super::super::error::SessionError;
use super::super::hand_over::Source;
use super::super::inputs::Inputs;
use super::super::second_pass::{self, Gates, Machine, Masked};
use super::agreement::Intent;
use super::evaluation::Evaluation;
use super::garbling::Garbling;
use super::inputs::{Entering, Entry};
use super::links::Links;
use super::openings::combine;
use super::party::Party;
use super::peer_chunks::{PeerChunks, PeerShares};
use super::products::{TEST_BITS, multiply};
use super::tables::{Done, Kernel};
use crate::program::Program;
use crate::{Bits, Block};

/// What a party executes with.
pub(super) struct At<'s, 'c, R> {
    pub(super) party: &'s mut Party,
    pub(super) links: &'s mut Links<'c>,
    pub(super) rng: &'s mut R,
}

/// Runs both passes.
///
/// # Errors
/// If the inputs do not match the program, a connection fails, or a party is caught deviating.
pub(super) fn execute<R: RngCore + CryptoRng, P: Program + Sync>(
    at: At<'_, '_, R>,
    intent: &Intent<'_, P>,
    inputs: Inputs<'_>,
) -> Result<Masked<PeerShares>, SessionError> {
    let entry = Entry::new(intent, inputs)?;
    let program = intent.program;
    match at.links.parties() {
        3 => sided::<4, 2, _>(at, entry, program),
        4 => sided::<6, 3, _>(at, entry, program),
        5 => sided::<8, 4, _>(at, entry, program),
        6 => sided::<10, 5, _>(at, entry, program),
        7 => sided::<12, 6, _>(at, entry, program),
        _ => sided::<14, 7, _>(at, entry, program),
    }
}

/// Runs both passes of the garbler or the evaluator; N are the blocks of a mask, and L the garblers.
fn sided<const N: usize, const L: usize, R: RngCore + CryptoRng>(
    at: At<'_, '_, R>,
    entry: Entry<'_>,
    program: &(impl Program + Sync),
) -> Result<Masked<PeerShares>, SessionError> {
    if at.links.own == 0 {
        let machine = Side { at, entry, side: PhantomData::<Evaluation<L>> };
        second_pass::execute::<N, L, _>(machine, program)
    } else {
        let machine = Side { at, entry, side: PhantomData::<Garbling> };
        second_pass::execute::<N, 1, _>(machine, program)
    }
}

/// One of n parties.
struct Side<'s, 'c, R, K> {
    at: At<'s, 'c, R>,
    entry: Entry<'s>,
    side: PhantomData<K>,
}

impl<'s, 'c, R, K> Side<'s, 'c, R, K> {
    /// The inputs, and what entering them takes.
    fn entry(&mut self) -> (&mut Entry<'s>, Entering<'_, 'c, R>) {
        let At { party, links, rng } = &mut self.at;
        (&mut self.entry, Entering { party, links, rng })
    }
}

impl<const N: usize, R: RngCore + CryptoRng, K> Source<N> for Side<'_, '_, R, K> {
    type Notes = PeerChunks;

    fn first_inputs(&mut self) -> Result<Vec<PeerShares>, SessionError> {
        let (entry, with) = self.entry();
        entry.first(with)
    }

    fn more_inputs(&mut self, stream: usize, bits: usize) -> Result<PeerShares, SessionError> {
        let (entry, with) = self.entry();
        entry.more(with, (stream, bits))
    }
}

impl<const N: usize, const L: usize, R, K> Machine<N, L> for Side<'_, '_, R, K>
where
    R: RngCore + CryptoRng,
    K: Kernel<L>,
{
    /// With the digests of openings with each peer.
    type Kernel = (K, Vec<MacDigests>);

    fn chunks(&self) -> u64 {
        self.at.party.agreed.chunks.count()
    }

    fn draw(&mut self, number: u64, memory: PeerChunks) -> Result<PeerChunks, SessionError> {
        let At { party, links, rng } = &mut self.at;
        let extent = party.agreed.chunks.extent(number);
        let PeerChunks(mut chunks) = memory;
        chunks.resize_with(links.all.len(), Chunk::default);
        let mut shares: Vec<Shares> = chunks.iter_mut().map(Chunk::take_shares).collect();
        let bits = match Chunk::need(&extent).own {
            0 => 0,
            bits => bits + TEST_BITS,
        };
        party.random_bits(links, &vec![bits; links.parties()], &mut shares, rng)?;
        let renew = |(chunk, drawn): (Chunk, Shares)| {
            chunk.renew(extent, |_, shares| {
                *shares = drawn;
                Ok(())
            })
        };
        Ok(PeerChunks(chunks.into_iter().zip(shares).map(renew).collect::<Result<_, SessionError>>()?))
    }

    fn prepare(&mut self, chunks: &mut PeerChunks) -> Result<(K, Vec<MacDigests>), SessionError> {
        let At { party, links, rng } = &mut self.at;
        let gates = chunks.extent().gates;
        let digests = if gates == 0 {
            links.all.iter().map(|_| MacDigests::default()).collect()
        } else {
            chunks.0.iter_mut().for_each(Chunk::pad);
            multiply(party, links, chunks, *rng)?;
            combine(party, links, chunks, *rng)?
        };
        Ok((K::begin(party, gates, links, *rng)?, digests))
    }

    fn value(&mut self, stream: usize) -> Option<bool> {
        self.entry.value(stream)
    }

    fn known(&self, (kernel, _): &mut (K, Vec<MacDigests>), masked_value: bool) -> [Block; L] {
        kernel.known(self.at.party, masked_value)
    }

    fn not(&self, a: [Block; L]) -> [Block; L] {
        K::not(self.at.party, a)
    }

    fn gates(
        &mut self,
        (kernel, _): &mut (K, Vec<MacDigests>),
        gates: &Gates<'_, PeerChunks, L>,
        out: &mut [[Block; L]],
    ) -> Result<(), SessionError> {
        let At { party, links, .. } = &mut self.at;
        kernel.gates((party, links), gates, out)
    }

    fn end(
        &mut self,
        (kernel, digests): &mut (K, Vec<MacDigests>),
        chunks: &PeerChunks,
        outputs: &[[Block; L]],
    ) -> Result<Bits, SessionError> {
        let At { party, links, rng } = &mut self.at;
        kernel.end(&Done { party, chunks, digests, outputs }, links, *rng)
    }
}
