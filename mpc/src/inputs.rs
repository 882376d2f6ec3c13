//! Input streams: who holds a program's input bits, and how the program reads them.
//!
//! ```text
//! stream 0   Garbler     ▸▸▸▸▸▸▸▸▸▸
//! stream 1   Shared      ▸▸▸▸▸▸          a program reads the next bits of any stream at any time
//! stream 2   Evaluator   ▸▸▸▸▸▸▸▸
//! ```
//!
//! A two-party program has two streams; a program for more parties has one for each of them, and the two
//! parties that compute hold XOR shares of its bits. Both compute parties run the same program, so both
//! read the same bits in the same order, and a session transfers labels as the program asks for them (see
//! [`semi_honest`](crate::protocol::semi_honest)).

use crate::Fancy;

/// A source of input wires for an interpreter.
pub trait Inputs<F: Fancy> {
    /// Fills `wires` with the next bits of a stream.
    ///
    /// # Errors
    /// If the interpreter fails.
    ///
    /// # Panics
    /// If the stream has fewer bits left, which is a bug in the program.
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [F::Wire]) -> Result<(), F::Error>;

    /// The next `bits` bits of a stream.
    ///
    /// # Errors
    /// As [`read_into`](Self::read_into).
    fn read(&mut self, f: &mut F, stream: usize, bits: usize) -> Result<Vec<F::Wire>, F::Error> {
        let mut wires = vec![F::Wire::default(); bits];
        self.read_into(f, stream, &mut wires)?;
        Ok(wires)
    }
}

/// Who holds the bits of an input stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The garbler.
    Garbler,
    /// The evaluator.
    Evaluator,
    /// Both: each holds a share of every bit, and a bit is the XOR of its two shares.
    Shared,
}

impl Holder {
    /// Whether the garbler holds bits or shares.
    #[must_use]
    pub const fn includes_garbler(self) -> bool {
        !matches!(self, Self::Evaluator)
    }

    /// Whether the evaluator holds bits or shares.
    #[must_use]
    pub const fn includes_evaluator(self) -> bool {
        !matches!(self, Self::Garbler)
    }
}

/// A sequence of input bits that a program reads in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputStream {
    /// Who holds the bits.
    pub holder: Holder,
    /// The number of bits.
    pub bits: usize,
}

/// The index of each stream's first bit among a party's bits, where `holds` tells whether the party holds a
/// stream.
pub(crate) fn starts(input_streams: &[InputStream], holds: fn(Holder) -> bool) -> Vec<usize> {
    let start = |at: &mut usize, stream: &InputStream| {
        let start = *at;
        *at += if holds(stream.holder) { stream.bits } else { 0 };
        Some(start)
    };
    input_streams.iter().scan(0, start).collect()
}

/// Inputs from wires that are all given at the start: those of each party, stream by stream.
pub(crate) struct GivenWires<'a, W> {
    garbler: &'a [W],
    evaluator: &'a [W],
    /// The rest of each stream, and the index of each party's next wire.
    left: Vec<(InputStream, [usize; 2])>,
}

impl<'a, W> GivenWires<'a, W> {
    pub(crate) fn new(input_streams: &[InputStream], garbler: &'a [W], evaluator: &'a [W]) -> Self {
        let starts =
            [Holder::includes_garbler, Holder::includes_evaluator].map(|holds| starts(input_streams, holds));
        let [ours, theirs] = &starts;
        let left = input_streams.iter().zip(ours).zip(theirs).map(|((stream, x), y)| (*stream, [*x, *y]));
        Self { garbler, evaluator, left: left.collect() }
    }
}

impl<F: Fancy> Inputs<F> for GivenWires<'_, F::Wire> {
    fn read_into(&mut self, f: &mut F, stream: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        let (InputStream { holder, bits }, [x, y]) = &mut self.left[stream];
        let n = wires.len();
        assert!(n <= *bits, "a program reads no more than its shape declares");
        match holder {
            Holder::Garbler => wires.copy_from_slice(&self.garbler[*x..*x + n]),
            Holder::Evaluator => wires.copy_from_slice(&self.evaluator[*y..*y + n]),
            Holder::Shared => f.xor_n(&self.garbler[*x..*x + n], &self.evaluator[*y..*y + n], wires),
        }
        (*bits, *x, *y) = (*bits - n, *x + n, *y + n);
        Ok(())
    }
}
