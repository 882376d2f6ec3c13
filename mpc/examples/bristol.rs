//! A circuit from a Bristol Fashion file, computed by two parties in one process.
//!
//! ```text
//! cargo run --release -p sotto-mpc --example bristol                 the adder below
//! cargo run --release -p sotto-mpc --example bristol FILE X Y        your file and two decimal inputs
//! ```
//!
//! The circuits of the public collection (<https://nigelsmart.github.io/MPC-Circuits/>) with two input values
//! work, for instance `adder64.txt`.

#![allow(clippy::print_stdout)]

use std::error::Error;

use rand_core::OsRng;
use sotto_mpc::circuit::CircuitProgram;
use sotto_mpc::{Bits, Circuit, Netlist, Program, run_in_memory};

/// Two bits plus two bits: `gates wires`, the sizes of the inputs and of the outputs, then one gate on each
/// line.
const ADDER: &str = "\
7 11
2 2 2
1 3

2 1 0 2 4 AND
2 1 1 3 5 XOR
2 1 1 3 6 AND
2 1 5 4 7 AND
2 1 0 2 8 XOR
2 1 5 4 9 XOR
2 1 6 7 10 XOR
";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (text, x, y) = match &arguments[..] {
        [file, x, y] => (std::fs::read_to_string(file)?, x.parse()?, y.parse()?),
        _ => (ADDER.to_owned(), 3u128, 2u128),
    };

    // Reading checks every line; scheduling groups independent AND gates and lets wires share memory.
    let netlist = Netlist::from_bristol(&text)?;
    let circuit = Circuit::new(&netlist)?;
    let [garbler_bits, evaluator_bits] = *circuit.inputs() else {
        return Err("expected a circuit with two input values".into());
    };
    println!("{} AND gates, at most {} wires in memory", circuit.and_gates(), circuit.slots());

    // The first input value belongs to the garbler, the second to the evaluator.
    let program = CircuitProgram::new(&circuit, 1).ok_or("expected an input value for the garbler")?;
    let x: Vec<bool> = Bits::from_number(x, garbler_bits).iter().collect();
    let y: Vec<bool> = Bits::from_number(y, evaluator_bits).iter().collect();
    let output = run_in_memory(&program, &x, &y, [&mut OsRng, &mut OsRng])?;
    assert_eq!(output, program.compute(&x, &y), "the protocol computes what the circuit computes");

    let number = output.iter().rev().take(128).fold(0u128, |number, bit| number << 1 | u128::from(*bit));
    println!("output: {number}");
    Ok(())
}
