//! Programs that do something else when they run again. A party runs a program three times: to count its
//! gates, and in two passes.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// What the second pass does differently.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whim {
    None,
    /// Another operand of the same gate.
    Operand,
    /// The operands of two gates exchanged.
    Order,
    Negation,
    /// Two inputs read in another order.
    Reads,
    GateMore,
    GateLess,
    Output,
}

struct Fickle {
    whim: Whim,
    /// The gates before the change.
    before: usize,
    runs: AtomicUsize,
}

impl Fickle {
    fn new(whim: Whim, before: usize) -> Self {
        Self { whim, before, runs: AtomicUsize::new(0) }
    }
}

impl Program for Fickle {
    fn name(&self) -> ProgramName {
        ProgramName::literal("fickle@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(3, 3, 2)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let is_second_pass = self.runs.fetch_add(1, Ordering::SeqCst) == 2;
        let whim = if is_second_pass { self.whim } else { Whim::None };
        let (mut x, mut y) = (Vec::new(), Vec::new());
        if whim == Whim::Reads {
            y = inputs.read(f, 1, 3)?;
        }
        x.extend(inputs.read(f, 0, 3)?);
        if whim != Whim::Reads {
            y = inputs.read(f, 1, 3)?;
        }
        let mut last = x[0];
        for _ in 0..self.before {
            last = f.and(last, y[0])?;
            last = f.xor(last, x[1]);
        }
        let (a, b) = if whim == Whim::Order { (y[2], y[1]) } else { (y[1], y[2]) };
        let operand = if whim == Whim::Operand { x[1] } else { x[2] };
        let operand = if whim == Whim::Negation { f.not(operand) } else { operand };
        let first = f.and(operand, a)?;
        let mut second = f.and(last, b)?;
        if whim != Whim::GateLess {
            second = f.and(second, y[2])?;
        }
        if whim == Whim::GateMore {
            second = f.and(second, y[2])?;
        }
        outputs.extend(if whim == Whim::Output { [second, first] } else { [first, second] });
        Ok(())
    }
}

/// What both parties have at the end, if the program of these sides has a whim.
fn results(whim: Whim, before: usize, chunk: usize, sides: [bool; 2]) -> [End; 2] {
    let [program_g, program_e] =
        sides.map(|has_whim| Fickle::new(if has_whim { whim } else { Whim::None }, before));
    let (near, far) = memory_pair();
    let inputs = [&X[..], &Y[..]].map(Bits::from);
    Run { chunk, ..Run::new(2) }.outcome_of([&program_g, &program_e], inputs, [near, far])
}

#[test]
fn a_program_that_changes_in_its_second_pass_is_caught() {
    // In one chunk, in the last of several, and in the middle.
    for (before, chunk) in [(0, 20), (4, 20), (0, 1), (4, 1), (1, 1), (2, 1)] {
        let steady = results(Whim::None, before, chunk, [true, true]);
        let expected = Fickle::new(Whim::None, before).compute(&X, &Y);
        assert!(steady.iter().all(|end| end.result == Ok(Some(expected.clone()))));
        for whim in [
            Whim::Operand,
            Whim::Order,
            Whim::Negation,
            Whim::Reads,
            Whim::GateMore,
            Whim::GateLess,
            Whim::Output,
        ] {
            for sides in [[true, true], [true, false], [false, true]] {
                let ends = results(whim, before, chunk, sides);
                assert!(ends.iter().all(|end| end.result.is_err()), "{whim:?} after {before} gates");
                // The garbler ends before the evaluator has all tables, so it is the first to notice.
                let first = usize::from(!sides[0]);
                assert_eq!(ends[first].result, Err(SessionError::Unsteady), "{whim:?} after {before} gates");
            }
        }
    }
}
