//! A program of many parties as a program of two, whose outputs leave under the pads of their result parties.
//!
//! ```text
//! stream of a party   its input bits ‖ its pad                           outputs, party by party:  z ⊕ pad
//! ```
//!
//! An output that several parties learn leaves once for each of them. The pad is read after the whole program,
//! from behind the input bits, whether or not the program has read all of those.

use super::functionality::Functionality;
use sotto_mpc::Fancy;
use sotto_mpc::inputs::{Holder, InputStream, Inputs};
use sotto_mpc::program::{Program, ProgramId, ProgramName, Shape};

/// A party that enters bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Who holds its bits.
    pub(crate) holder: Holder,
    /// The places of the outputs that it learns, each once.
    pub(crate) outputs: Vec<usize>,
}

/// A functionality between a garbler and an evaluator, with padded outputs.
#[derive(Clone, Debug)]
pub(crate) struct Padded<'p, P> {
    program: &'p P,
    streams: Vec<Stream>,
}

impl<'p, P: Functionality> Padded<'p, P> {
    /// The program with the input parties as the first streams; `None` if there are fewer streams than input
    /// parties, or a stream learns an output that the program does not have.
    #[must_use]
    pub(crate) fn new(program: &'p P, streams: Vec<Stream>) -> Option<Self> {
        let declaration = program.declaration();
        let outputs = declaration.outputs().len();
        let has_all = |stream: &Stream| stream.outputs.iter().all(|output| *output < outputs);
        let fits = streams.len() >= declaration.parties().len() && streams.iter().all(has_all);
        fits.then_some(Self { program, streams })
    }

    /// The bits of each stream's pad.
    pub(crate) fn pads(&self) -> impl Iterator<Item = usize> + '_ {
        let outputs = self.program.declaration().outputs();
        let width = |output: &usize| outputs.get(*output).map_or(0, super::Table::bits);
        self.streams.iter().map(move |stream| stream.outputs.iter().map(width).sum())
    }

    /// The input bits of each stream, without its pad.
    fn inputs(&self) -> impl Iterator<Item = usize> + '_ {
        let declaration = self.program.declaration();
        let parties = declaration.parties().len();
        (0..self.streams.len()).map(move |i| if i < parties { declaration.input_bits(i) } else { 0 })
    }
}

impl<P: Functionality> Program for Padded<'_, P> {
    fn name(&self) -> ProgramName {
        self.program.name()
    }

    fn digest(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let ProgramId { digest, .. } = self.program.id();
        let mut hash = Sha256::new_with_prefix(b"sotto mpc padded v1").chain_update(digest);
        for Stream { holder, outputs } in &self.streams {
            hash.update([*holder as u8]);
            hash.update((outputs.len() as u64).to_le_bytes());
            outputs.iter().for_each(|output| hash.update((*output as u64).to_le_bytes()));
        }
        hash.finalize().into()
    }

    fn shape(&self) -> Shape {
        let bits = self.inputs().zip(self.pads()).map(|(input, pad)| input + pad);
        let stream = |(stream, bits): (&Stream, usize)| InputStream { holder: stream.holder, bits };
        let input_streams = self.streams.iter().zip(bits).map(stream).collect();
        Shape { input_streams, outputs: self.pads().sum() }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut clear = Vec::new();
        let mut counted = Counted { inputs, left: self.inputs().collect() };
        self.program.run(f, &mut counted, &mut clear)?;
        let Counted { inputs, left } = counted;
        let tables = self.program.declaration().outputs();
        for (i, ((stream, pad), left)) in self.streams.iter().zip(self.pads()).zip(left).enumerate() {
            inputs.read(f, i, left)?;
            let pad = inputs.read(f, i, pad)?;
            let mut wires = Vec::with_capacity(pad.len());
            for output in &stream.outputs {
                let from = tables.iter().take(*output).map(super::Table::bits).sum();
                let width = tables.get(*output).map_or(0, super::Table::bits);
                wires.extend(clear.iter().skip(from).take(width));
            }
            let first = outputs.len();
            outputs.resize(first + wires.len(), F::Wire::default());
            f.xor_n(&wires, &pad, outputs.get_mut(first..).unwrap_or_default());
        }
        Ok(())
    }
}

/// Inputs, and how many bits the program has not read.
struct Counted<'a, I> {
    inputs: &'a mut I,
    left: Vec<usize>,
}

impl<F: Fancy, I: Inputs<F>> Inputs<F> for Counted<'_, I> {
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        let left = &mut self.left[stream];
        assert!(wires.len() <= *left, "a program reads no more than its declaration says");
        *left -= wires.len();
        self.inputs.read_into(f, stream, wires)
    }
}
