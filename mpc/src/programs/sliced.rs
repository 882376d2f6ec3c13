//! `sliced@1`: slices that do not depend on each other, and a final program over their outputs.
//!
//! ```text
//! inputs of slice 0 ─► slice 0 ─► its outputs ─┐
//! inputs of slice 1 ─► slice 1 ─► its outputs ─┼─► final program ─► outputs
//! inputs of slice 2 ─► slice 2 ─► its outputs ─┘
//! ```
//!
//! What goes from a slice to the final program are wires: under a protocol neither party learns them. As a [`Program`] it runs its
//! slices one after another. A [session in lanes](crate::protocol::semi_honest) runs them side by side.
//!
//! The input streams are those of slice 0, then those of slice 1, and so on; so are each party's input bits. To the final
//! program, stream i holds the outputs of slice i; whom its shape names as holders does not matter.

use core::ops::Range;

use sha2::{Digest, Sha256};

use crate::inputs::{GivenWires, Holder, InputStream};
use crate::program::{Program, ProgramName, Shape};
use crate::{Bits, Fancy, Inputs};

const NAME: ProgramName = ProgramName::literal("sliced@1");
/// The largest number of input streams: each takes some prefetched labels.
const STREAMS: usize = 1 << 13;

/// Slices, and the final program that takes their outputs.
///
/// ```
/// use sotto_mpc::Program;
/// use sotto_mpc::programs::{Aes128, Sliced};
///
/// // Two blocks, each under its own key.
/// let blocks = Sliced::side_by_side(vec![Aes128; 2]).unwrap();
/// let (keys, plain) = ([true; 256], [false; 256]);
/// let output = blocks.compute(&keys, &plain);
/// assert_eq!(output[128..], Aes128.compute(&keys[128..], &plain[128..]));
/// ```
#[derive(Clone, Debug)]
pub struct Sliced<S, L = SideBySide> {
    slices: Vec<S>,
    last: L,
}

impl<S: Program> Sliced<S> {
    /// Slices whose outputs are the outputs, in their order; `None` as [`new`](Self::new).
    #[must_use]
    pub fn side_by_side(slices: Vec<S>) -> Option<Self> {
        let last = SideBySide(streams_of_outputs(&slices));
        Self::new(slices, last)
    }
}

impl<S: Program, L: Program> Sliced<S, L> {
    /// Slices and their final program; `None` if there are no slices, if they have more than 8,192 input streams together, or
    /// if stream i of the final program has another length than the output of slice i.
    #[must_use]
    pub fn new(slices: Vec<S>, last: L) -> Option<Self> {
        let streams: usize = slices.iter().map(|slice| slice.shape().input_streams.len()).sum();
        let lengths = |streams: Vec<InputStream>| streams.into_iter().map(|stream| stream.bits);
        let fit = lengths(streams_of_outputs(&slices)).eq(lengths(last.shape().input_streams));
        (!slices.is_empty() && streams <= STREAMS && fit).then_some(Self { slices, last })
    }

    /// What lane `lane` of so many runs: lanes have equally many slices, or one more. `bits` are those of a party that holds
    /// the streams of which `holds` is true.
    pub(crate) fn part(&self, lane: usize, lanes: usize, bits: &Bits, holds: fn(Holder) -> bool) -> Part {
        let cut = |lane| self.slices.len() * lane / lanes;
        let slices = cut(lane)..cut(lane + 1);
        let shape = |slices: &[S]| {
            let shapes: Vec<Shape> = slices.iter().map(Program::shape).collect();
            let outputs = shapes.iter().map(|shape| shape.outputs).sum();
            Shape {
                input_streams: shapes.into_iter().flat_map(|shape| shape.input_streams).collect(),
                outputs,
            }
        };
        let (before, shape) = (shape(&self.slices[..slices.start]), shape(&self.slices[slices.clone()]));
        let bits = bits.iter_from(before.bits(holds)).take(shape.bits(holds)).collect();
        Part { slices, shape, bits }
    }

    /// Runs some slices and appends their outputs to `wires`. Stream 0 of `inputs` is the first of the first of them.
    ///
    /// # Panics
    /// If a slice has another number of outputs than its shape declares, which is a bug in the program.
    pub(crate) fn run_slices<F: Fancy>(
        &self,
        slices: Range<usize>,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut first = 0;
        for slice in &self.slices[slices] {
            let (shape, before) = (slice.shape(), wires.len());
            slice.run(f, &mut From { inputs, first }, wires)?;
            assert_eq!(
                wires.len() - before,
                shape.outputs,
                "a slice has the outputs that its shape declares"
            );
            first += shape.input_streams.len();
        }
        Ok(())
    }

    /// Runs the final program on the outputs of all slices.
    pub(crate) fn run_last<F: Fancy>(
        &self,
        f: &mut F,
        wires: &[F::Wire],
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let streams = streams_of_outputs(&self.slices);
        self.last.run(f, &mut GivenWires::new(&streams, wires, &[]), outputs)
    }
}

impl<S: Program, L: Program> Program for Sliced<S, L> {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc sliced v1");
        hash.update((self.slices.len() as u64).to_le_bytes());
        for id in self.slices.iter().map(Program::id).chain([self.last.id()]) {
            hash.update(id.name.to_bytes());
            hash.update(id.digest);
        }
        hash.finalize().into()
    }

    fn shape(&self) -> Shape {
        let input_streams = self.slices.iter().flat_map(|slice| slice.shape().input_streams).collect();
        Shape { input_streams, outputs: self.last.shape().outputs }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut wires = Vec::new();
        self.run_slices(0..self.slices.len(), f, inputs, &mut wires)?;
        self.run_last(f, &wires, outputs)
    }
}

/// What a lane runs: some slices, their shape together, and the party's input bits.
pub(crate) struct Part {
    pub(crate) slices: Range<usize>,
    pub(crate) shape: Shape,
    pub(crate) bits: Bits,
}

/// A final program without gates: the outputs of all slices, in their order.
#[derive(Clone, Debug)]
pub struct SideBySide(Vec<InputStream>);

impl Program for SideBySide {
    fn name(&self) -> ProgramName {
        ProgramName::literal("side-by-side@1")
    }

    fn shape(&self) -> Shape {
        let outputs = self.0.iter().map(|stream| stream.bits).sum();
        Shape { input_streams: self.0.clone(), outputs }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        for (i, stream) in self.0.iter().enumerate() {
            outputs.extend(inputs.read(f, i, stream.bits)?);
        }
        Ok(())
    }
}

/// The outputs of slices as streams of the final program.
fn streams_of_outputs(slices: &[impl Program]) -> Vec<InputStream> {
    let stream = |slice: &_| InputStream { holder: Holder::Garbler, bits: Program::shape(slice).outputs };
    slices.iter().map(stream).collect()
}

/// Inputs from a stream on.
struct From<'a, I> {
    inputs: &'a mut I,
    first: usize,
}

impl<F: Fancy, I: Inputs<F>> Inputs<F> for From<'_, I> {
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        self.inputs.read_into(f, self.first + stream, wires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has one output, whatever its shape says.
    struct One(usize);

    impl Program for One {
        fn name(&self) -> ProgramName {
            ProgramName::literal("one@1")
        }

        fn shape(&self) -> Shape {
            Shape::two_party(1, 0, self.0)
        }

        fn run<F: Fancy>(
            &self,
            f: &mut F,
            inputs: &mut impl Inputs<F>,
            outputs: &mut Vec<F::Wire>,
        ) -> Result<(), F::Error> {
            outputs.extend(inputs.read(f, 0, 1)?);
            Ok(())
        }
    }

    /// Otherwise the final program would take outputs of one slice for those of another.
    #[test]
    #[should_panic(expected = "the outputs that its shape declares")]
    fn a_slice_with_other_outputs_than_its_shape_declares_is_a_bug() {
        Sliced::side_by_side(vec![One(2), One(0)]).unwrap().compute(&[true, false], &[]);
    }

    #[test]
    fn lanes_have_all_slices_in_order() {
        let program = Sliced::side_by_side((0..7).map(|_| One(1)).collect()).unwrap();
        let bits: Bits = [true, false, false, true, true, false, true].into_iter().collect();
        for lanes in 1..=9 {
            let parts = (0..lanes).map(|lane| program.part(lane, lanes, &bits, Holder::includes_garbler));
            let (mut next, mut all) = (0, Vec::new());
            for part in parts {
                assert_eq!((part.slices.start, part.shape.outputs), (next, part.slices.len()));
                assert!((7 / lanes..=7usize.div_ceil(lanes)).contains(&part.slices.len()));
                next = part.slices.end;
                all.extend(part.bits.iter());
            }
            assert_eq!((next, all), (7, bits.iter().collect()));
        }
    }
}
