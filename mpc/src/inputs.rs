//! Input strands: where a program's input bits are, and how it takes them.
//!
//! ```text
//! strand 0   Garbler     ▸▸▸▸▸▸▸▸▸▸
//! strand 1   Shared      ▸▸▸▸▸▸          a program takes the next bits of any strand, whenever it wants them
//! strand 2   Evaluator   ▸▸▸▸▸▸▸▸
//! ```
//!
//! A two-party program has two strands, a joint program one for each owner. Both sides run the same program, so both take the
//! same bits in the same order, and a session can fetch labels as they are asked for
//! (see [`semi_honest`](crate::protocol::semi_honest)).

use crate::Fancy;

/// A source of input wires.
pub trait Inputs<F: Fancy> {
    /// The next bits of a strand.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    ///
    /// # Panics
    /// If the strand has not as many left: an error in the program.
    fn take(&mut self, f: &mut F, strand: usize, wires: &mut [F::Wire]) -> Result<(), F::Error>;

    /// The next `bits` bits of a strand.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    fn next_of(&mut self, f: &mut F, strand: usize, bits: usize) -> Result<Vec<F::Wire>, F::Error> {
        let mut wires = vec![F::Wire::default(); bits];
        self.take(f, strand, &mut wires)?;
        Ok(wires)
    }
}

/// Where the bits of a strand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// With the garbler, who is their owner.
    Garbler,
    /// With the evaluator, who is their owner.
    Evaluator,
    /// Shared: each computer has a share of every bit, and the XOR of both is the bit.
    Shared,
}

impl Place {
    /// Whether the garbler enters something.
    #[must_use]
    pub const fn at_garbler(self) -> bool {
        !matches!(self, Self::Evaluator)
    }

    /// Whether the evaluator enters something.
    #[must_use]
    pub const fn at_evaluator(self) -> bool {
        !matches!(self, Self::Garbler)
    }
}

/// Input bits that are taken in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strand {
    /// Where they are.
    pub place: Place,
    /// How many.
    pub bits: usize,
}

/// The first bit of each strand among the bits of a party that has those strands which `has` says; others have none.
pub(crate) fn starts(strands: &[Strand], has: fn(Place) -> bool) -> Vec<usize> {
    let start = |at: &mut usize, strand: &Strand| {
        let start = *at;
        *at += if has(strand.place) { strand.bits } else { 0 };
        Some(start)
    };
    strands.iter().scan(0, start).collect()
}

/// Wires in hand: those of each party's bits, strand by strand.
pub(crate) struct InHand<'a, W> {
    garbler: &'a [W],
    evaluator: &'a [W],
    /// What is left of each strand, and where the next wire of either party is.
    left: Vec<(Strand, [usize; 2])>,
}

impl<'a, W> InHand<'a, W> {
    pub(crate) fn new(strands: &[Strand], garbler: &'a [W], evaluator: &'a [W]) -> Self {
        let starts = [Place::at_garbler, Place::at_evaluator].map(|has| starts(strands, has));
        let [ours, theirs] = &starts;
        let left = strands.iter().zip(ours).zip(theirs).map(|((strand, x), y)| (*strand, [*x, *y]));
        Self { garbler, evaluator, left: left.collect() }
    }
}

impl<F: Fancy> Inputs<F> for InHand<'_, F::Wire> {
    fn take(&mut self, f: &mut F, strand: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        let (Strand { place, bits }, [x, y]) = &mut self.left[strand];
        let n = wires.len();
        assert!(n <= *bits, "a program takes no more than its shape says");
        match place {
            Place::Garbler => wires.copy_from_slice(&self.garbler[*x..*x + n]),
            Place::Evaluator => wires.copy_from_slice(&self.evaluator[*y..*y + n]),
            Place::Shared => f.xor_n(&self.garbler[*x..*x + n], &self.evaluator[*y..*y + n], wires),
        }
        (*bits, *x, *y) = (*bits - n, *x + n, *y + n);
        Ok(())
    }
}
