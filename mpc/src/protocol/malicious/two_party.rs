//! The two-party protocol as a machine of the two passes: masks are a MAC and a key, labels one block.

use core::marker::PhantomData;

use rand_core::{CryptoRng, RngCore};

use super::authenticated_bits::Shares;
use super::buckets::MacDigests;
use super::checks::Transcribed;
use super::chunk::Chunk;
use super::error::SessionError;
use super::gates::{Done, Gates, Kernel};
use super::hand_over::Source;
use super::inputs::{Entry, Inputs};
use super::party::{Party, Preparation};
use super::second_pass::{self, Machine, Masked};
use crate::channel::Channel;
use crate::program::Program;
use crate::{Bits, Block};

/// What a party executes.
pub(super) struct Task<'p, P> {
    pub(super) program: &'p P,
    pub(super) inputs: Inputs<'p>,
    /// The attempt, counted from 0.
    pub(super) attempt: u32,
}

/// Runs both passes.
///
/// # Errors
/// If the inputs do not match the program, the connection fails, or the peer is caught deviating.
pub(super) fn execute<K: Kernel, P: Program + Sync, C: Channel>(
    party: &mut Party,
    channel: &mut Transcribed<C>,
    task: &Task<'_, P>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Masked<Shares>, SessionError> {
    let Task { program, inputs, attempt } = *task;
    let entry = Entry::new(party.own.role, &program.shape().input_streams, (inputs, attempt))?;
    let preparation = Preparation { party, channel, rng, entry };
    second_pass::execute(TwoParty::<_, _, K> { preparation, side: PhantomData }, program)
}

/// One of two parties.
struct TwoParty<'s, C, R, K> {
    preparation: Preparation<'s, Transcribed<C>, R>,
    side: PhantomData<K>,
}

impl<C: Channel, R: RngCore + CryptoRng, K: Kernel> Source<2> for TwoParty<'_, C, R, K> {
    type Notes = Chunk;

    fn first_inputs(&mut self) -> Result<Vec<Shares>, SessionError> {
        self.preparation.first_inputs()
    }

    fn more_inputs(&mut self, stream: usize, bits: usize) -> Result<Shares, SessionError> {
        self.preparation.more_inputs(stream, bits)
    }
}

impl<C: Channel, R: RngCore + CryptoRng, K: Kernel> Machine<2, 1> for TwoParty<'_, C, R, K> {
    /// With the digests of openings.
    type Kernel = (K, MacDigests);

    fn chunks(&self) -> u64 {
        self.preparation.party.agreed.chunks.count()
    }

    fn draw(&mut self, number: u64, memory: Chunk) -> Result<Chunk, SessionError> {
        self.preparation.draw(number, memory)
    }

    fn prepare(&mut self, chunk: &mut Chunk) -> Result<(K, MacDigests), SessionError> {
        let digests = self.preparation.multiply(chunk)?;
        let Preparation { party, channel, rng, .. } = &mut self.preparation;
        Ok((K::begin(party, chunk.extent().gates, *channel, *rng)?, digests))
    }

    fn value(&mut self, stream: usize) -> Option<bool> {
        self.preparation.entry.value(stream)
    }

    fn known(&self, (kernel, _): &mut (K, MacDigests), masked_value: bool) -> [Block; 1] {
        [kernel.known(self.preparation.party, masked_value)]
    }

    fn not(&self, [a]: [Block; 1]) -> [Block; 1] {
        [K::not(self.preparation.party, a)]
    }

    fn gates(
        &mut self,
        (kernel, _): &mut (K, MacDigests),
        gates: &second_pass::Gates<'_, Chunk, 1>,
        out: &mut [[Block; 1]],
    ) -> Result<(), SessionError> {
        let left = gates.left::<2>();
        let second_pass::Gates { chunk, first, labels } = *gates;
        let (labels, _) = labels.as_flattened().as_flattened().as_chunks();
        let Preparation { party, channel, .. } = &mut self.preparation;
        let gates = Gates { party, chunk, first, labels, left };
        kernel.gates(&gates, *channel, out.as_flattened_mut())
    }

    fn end(
        &mut self,
        (kernel, digests): &mut (K, MacDigests),
        chunk: &Chunk,
        outputs: &[[Block; 1]],
    ) -> Result<Bits, SessionError> {
        let Preparation { party, channel, .. } = &mut self.preparation;
        let outputs = outputs.as_flattened();
        kernel.end(&Done { party, chunk, digests, outputs }, channel)
    }
}
