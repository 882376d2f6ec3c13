//! Loops in chunks and blocks, their bytes, and what does not fit together.

use super::*;
use crate::Plain;
use crate::Program as _;
use crate::circuit::{Netlist, Signal};
use crate::codec::Decode as _;

/// Elements of one bit each.
struct Given([Vec<bool>; 2], [usize; 2]);

impl Elements<Plain> for Given {
    fn whole(&mut self, _: &mut Plain, value: usize, wires: &mut Vec<bool>) -> Result<(), Never> {
        wires.extend(&self.0[value]);
        Ok(())
    }

    fn next(&mut self, _: &mut Plain, value: usize, n: usize, wires: &mut Vec<bool>) -> Result<(), Never> {
        let Self(bits, read) = self;
        wires.extend(&bits[value][read[value]..read[value] + n]);
        read[value] += n;
        Ok(())
    }
}

type Never = <Plain as Fancy>::Error;

/// The conjunction of a whole bit and of all streamed ones, of which `rounds` are taken at once.
fn conjunction(elements: usize, rounds: usize) -> StreamedCircuit {
    let all = |inputs: usize| {
        let mut netlist = Netlist::new(vec![inputs]);
        let both = (1..inputs).fold(Signal::Wire(0), |all, i| netlist.and(all, Signal::Wire(i)));
        netlist.output([both]);
        Circuit::new(&netlist).unwrap()
    };
    let sizes = vec![
        Size { element: 1, elements: 1, is_streamed: false },
        Size { element: 1, elements, is_streamed: true },
    ];
    let (reads, writes) = (vec![0], vec![0]);
    let each = ForEach { values: vec![1], reads, writes, round: all(2), rounds, block: all(1 + rounds) };
    let steps = vec![Step::Once(all(1)), Step::ForEach(each)];
    StreamedCircuit::new(sizes, steps, all(1)).unwrap()
}

fn bytes(circuit: &StreamedCircuit) -> Vec<u8> {
    let mut out = Vec::new();
    circuit.encode(&mut out);
    out
}

#[test]
fn every_element_counts_in_chunks_and_in_blocks() {
    for (elements, rounds) in [(0, 1), (1, 1), (5, 4), (256, 8), (257, 8), (600, 3), (1_000, 256)] {
        let circuit = conjunction(elements, rounds);
        assert_eq!(circuit.and_gates(), elements as u64);
        assert_eq!((circuit.inputs(), circuit.reading_order()), (&[1, elements][..], vec![0, 1]));
        let run = |first: bool, bits: Vec<bool>| {
            let (mut out, mut given) = (Vec::new(), Given([vec![first], bits], [0; 2]));
            let Ok(()) = circuit.run(&mut Plain, &mut given, &mut out);
            assert_eq!(given.1[1], elements, "all are read");
            out
        };
        assert_eq!(run(true, vec![true; elements]), [true]);
        assert_eq!(run(false, vec![true; elements]), [false]);
        for at in [0, elements / 2, elements.saturating_sub(1)].into_iter().filter(|at| *at < elements) {
            let mut bits = vec![true; elements];
            bits[at] = false;
            assert_eq!(run(true, bits), [false]);
        }
    }
}

#[test]
fn a_program_of_two_parties_reads_both_streams() {
    let circuit = conjunction(600, 3);
    let program = StreamedProgram::new(&circuit, 1).unwrap();
    let mut bits = vec![true; 600];
    assert_eq!(program.compute(&[true], &bits), [true]);
    bits[599] = false;
    assert_eq!(program.compute(&[true], &bits), [false]);
    assert_eq!(program.compute(&[false], &[true; 600]), [false]);
    assert!(StreamedProgram::new(&circuit, 3).is_none());
}

#[test]
fn a_streamed_circuit_reads_back_and_other_bytes_do_not_panic() {
    let circuit = conjunction(9, 4);
    let encoded = bytes(&circuit);
    let again = StreamedCircuit::from_bytes(&encoded).unwrap();
    assert_eq!((again.digest(), bytes(&again)), (circuit.digest(), encoded.clone()));
    let others = [conjunction(9, 3), conjunction(10, 4), conjunction(9, 4).last.into()];
    assert!(others.iter().all(|other| other.digest() != circuit.digest()));
    assert!((0..encoded.len()).all(|length| StreamedCircuit::from_bytes(&encoded[..length]).is_err()));
    for bit in 0..8 * encoded.len() {
        let mut changed = encoded.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = StreamedCircuit::from_bytes(&changed) else { continue };
        assert_eq!(bytes(&other), changed);
        // What is accepted runs.
        let [whole, streamed] = other.inputs() else { panic!("two values") };
        if *streamed < 1 << 20 {
            let given = [vec![true; *whole], vec![true; *streamed]];
            let Ok(()) = other.run(&mut Plain, &mut Given(given, [0; 2]), &mut Vec::new());
        }
    }
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let refused = |change: fn(&mut StreamedCircuit)| {
        let mut changed = conjunction(9, 4);
        change(&mut changed);
        assert!(StreamedCircuit::from_bytes(&bytes(&changed)).is_err());
    };
    fn each(circuit: &mut StreamedCircuit) -> &mut ForEach {
        match &mut circuit.steps[1] {
            Step::ForEach(each) => each,
            Step::Once(_) => panic!("a loop"),
        }
    }
    refused(|c| each(c).reads[0] = 1);
    refused(|c| each(c).writes[0] = 1);
    refused(|c| each(c).values[0] = 0);
    refused(|c| each(c).values.push(1));
    refused(|c| each(c).values.clear());
    refused(|c| each(c).rounds = 0);
    refused(|c| each(c).rounds = 3);
    refused(|c| each(c).writes.clear());
    refused(|c| c.sizes[1].elements = MAX_ELEMENTS + 1);
    refused(|c| c.sizes[1].is_streamed = false);
    refused(|c| drop(c.steps.pop()));
    refused(|c| c.steps.push(c.steps[1].clone()));
    refused(|c| c.steps[0] = Step::Once(conjunction(9, 4).steps.remove(1).block()));
}

impl Step {
    fn block(self) -> Circuit {
        match self {
            Self::Once(circuit) => circuit,
            Self::ForEach(each) => each.block,
        }
    }
}
