//! How to write a gadget: Hamming distance, checked in the clear, by its cost, and under the protocol.
//!
//! ```text
//! cargo run --release -p sotto-mpc --example gadget
//! ```
//!
//! A gadget is a function over any interpreter. Put it into a trait that every `Fancy` implements, and it
//! reads like a built-in one.

#![allow(clippy::print_stdout)]

use std::error::Error;

use rand_core::OsRng;
use sotto_mpc::gadgets::{Arithmetic, Comparison};
use sotto_mpc::{Fancy, Inputs, Plain, Program, ProgramName, Shape, Words, run_in_memory};

/// Distances of words in lock-step.
trait Distance: Fancy {
    /// The number of bits in which two words differ: `w − weight(w)` gates, because XOR is free.
    fn hamming_distance(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let mut difference = x.wires().to_vec();
        self.xor_n(x.wires(), y.wires(), &mut difference);
        self.count_ones(&Words::new(x.lanes(), difference))
    }
}

impl<F: Fancy + ?Sized> Distance for F {}

/// Whether two fingerprints of 256 bits differ in at most 40 bits.
struct Similar;

impl Program for Similar {
    fn name(&self) -> ProgramName {
        ProgramName::literal("similar@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(256, 256, 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 256)?, inputs.read(f, 1, 256)?);
        let distance = f.hamming_distance(&Words::single(&x), &Words::single(&y))?;
        for far in f.greater_than_constant(&distance, 40)? {
            outputs.push(f.not(far));
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let x: Vec<bool> = (0..256).map(|i| i * i % 7 < 3).collect();
    let y: Vec<bool> = x.iter().enumerate().map(|(i, bit)| *bit ^ (i % 8 == 0)).collect(); // 32 bits differ

    // In the clear: the plain interpreter is the reference for every gadget.
    let distance = Plain.hamming_distance(&Words::single(&x), &Words::single(&y))?;
    let distance = distance.lane(0).enumerate().map(|(i, bit)| usize::from(bit) << i).sum::<usize>();
    assert_eq!(distance, 32);

    // By its cost: 256 − weight(256) gates for the distance, and a few for the comparison.
    println!("{} AND gates", Similar.cost().and_gates);
    assert!((255..265).contains(&Similar.cost().and_gates));

    // Under the protocol.
    let output = run_in_memory(&Similar, &x, &y, [&mut OsRng, &mut OsRng])?;
    assert_eq!(output, Similar.compute(&x, &y));
    println!("distance {distance}: similar is {}", output == [true]);
    Ok(())
}
