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
        Size { element: 1, elements: 1, reading: Reading::Whole },
        Size { element: 1, elements, reading: Reading::Streamed },
    ];
    let (reads, writes) = (vec![0], vec![0]);
    let block = (rounds > 1).then(|| Block { rounds, circuit: all(1 + rounds) });
    let sources = vec![Source { table: 1, from: 0 }];
    let (makes, counter) = (Vec::new(), None);
    let each =
        ForEach { sources, rounds: elements, reads, writes, makes, counter, round: all(2).into(), block };
    let steps = vec![Step::Once(all(1).into()), Step::ForEach(each)];
    StreamedCircuit::new(sizes, steps, all(1).into(), None).unwrap()
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
    let others = [conjunction(9, 3), conjunction(10, 4), conjunction(9, 4).last.last.into()];
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
            _ => panic!("a loop"),
        }
    }
    refused(|c| each(c).reads[0] = 1);
    refused(|c| each(c).writes[0] = 1);
    refused(|c| each(c).sources[0].table = 0);
    refused(|c| each(c).sources[0].table = 2);
    refused(|c| each(c).sources[0].from = 1);
    refused(|c| each(c).sources.push(Source { table: 1, from: 0 }));
    refused(|c| each(c).sources.clear());
    refused(|c| each(c).makes.push(Make { width: 1, into: None }));
    refused(|c| each(c).counter = Some(Counter { bits: 1, first: 0 }));
    refused(|c| each(c).rounds = 8);
    refused(|c| each(c).rounds = 10);
    refused(|c| block(c).rounds = 0);
    refused(|c| block(c).rounds = 3);
    refused(|c| each(c).writes.clear());
    refused(|c| c.sizes[1].elements = MAX_ELEMENTS + 1);
    refused(|c| c.sizes[1].reading = Reading::Whole);
    refused(|c| drop(c.steps.pop()));
    refused(|c| c.steps.push(c.steps[1].clone()));
    refused(|c| c.steps[0] = Step::Once(conjunction(9, 4).steps.remove(1).block()));
    refused(|c| c.result = Some(0));
    refused(|c| c.result = Some(1));
}

fn block(circuit: &mut StreamedCircuit) -> &mut Block {
    let Step::ForEach(each) = &mut circuit.steps[1] else { panic!("a loop") };
    each.block.as_mut().unwrap()
}

/// A circuit of one held table of nine rows of two bits, which it sorts, merges with itself and looks up.
fn with_tables() -> StreamedCircuit {
    let sizes = vec![
        Size { element: 2, elements: 9, reading: Reading::Held },
        Size { element: 4, elements: 1, reading: Reading::Whole },
    ];
    let through = |inputs: Vec<usize>, outputs: std::ops::Range<usize>| {
        let mut netlist = Netlist::new(inputs);
        netlist.output(outputs.map(Signal::Wire));
        Circuit::new(&netlist).unwrap()
    };
    let key = vec![KeyBit { place: 1, descends: false }];
    // Table 2 is table 0 by its second bit; table 3 are both, in one order: 18 rows of three bits.
    let sort = Step::Sort(Sort { table: 0, key: key.clone() });
    let merge = Step::Merge(Merge { tables: [2, 2], key });
    let stage = Stage { circuit: through(vec![4, 3], 0..4), table: 3, index: vec![0, 1, 2, 3] };
    let known = vec![Known { table: 3, row: 17 }];
    let last = Staged { known, stages: vec![stage], last: through(vec![4, 3], 4..7) };
    StreamedCircuit::new(sizes, vec![sort, merge], last, None).unwrap()
}

#[test]
fn tables_are_sorted_merged_and_looked_up() {
    let circuit = with_tables();
    let rows = [3, 0, 1, 2, 0, 3, 1, 2, 1];
    let bits = |n: usize, width: usize| (0..width).map(move |i| n >> i & 1 == 1);
    let table: Vec<bool> = rows.iter().flat_map(|row| bits(*row, 2)).collect();
    // Five rows have no second bit. Among equal keys those of the first table come first.
    for index in 0..16 {
        let given = [table.clone(), bits(index, 4).collect()];
        let mut out = Vec::new();
        let Ok(()) = circuit.run(&mut Plain, &mut AtOnce(given), &mut out);
        let side = if index < 10 { index >= 5 } else { index >= 14 };
        assert_eq!((out[1], out[2], out.len()), (index >= 10, side, 3), "{index}");
    }
    let order = Order { width: 2, key: &[KeyBit { place: 1, descends: false }] };
    let merged = [KeyBit { place: 2, descends: false }, KeyBit { place: 1, descends: false }];
    let merged = Order { width: 3, key: &merged }.cost_of_merge(18);
    assert_eq!(circuit.and_gates(), order.cost_of_sort(9).and_gates + merged.and_gates + 17 * 3);
    let found = Tables { sorts: 1, joins: 1, lookups: 1, made: 0, held_bits: 18 + 54 };
    assert_eq!(circuit.tables(), found);
}

#[test]
fn tables_that_do_not_exist_are_refused() {
    let encoded = bytes(&with_tables());
    assert_eq!(bytes(&StreamedCircuit::from_bytes(&encoded).unwrap()), encoded);
    let refused = |change: fn(&mut StreamedCircuit)| {
        let mut changed = with_tables();
        change(&mut changed);
        assert!(StreamedCircuit::from_bytes(&bytes(&changed)).is_err());
    };
    fn sort(circuit: &mut StreamedCircuit) -> &mut Sort {
        let Step::Sort(sort) = &mut circuit.steps[0] else { panic!("a sort") };
        sort
    }
    refused(|c| sort(c).table = 1);
    refused(|c| sort(c).table = 2);
    refused(|c| sort(c).key.clear());
    refused(|c| sort(c).key[0].place = 2);
    refused(|c| {
        let bit = sort(c).key[0];
        sort(c).key.push(bit);
    });
    refused(|c| c.steps.swap(0, 1));
    refused(|c| drop(c.steps.pop()));
    refused(|c| c.last.known[0].row = 18);
    refused(|c| c.last.known[0].table = 4);
    refused(|c| c.last.stages[0].index[0] = 4);
    refused(|c| c.last.stages[0].index.clear());
    refused(|c| c.last.stages[0].table = 1);
    refused(|c| c.sizes[0].reading = Reading::Streamed);
    refused(|c| c.sizes[0].elements = MAX_TABLES / 2);
    refused(|c| c.result = Some(3));
    for bit in 0..8 * encoded.len() {
        let mut changed = encoded.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = StreamedCircuit::from_bytes(&changed) else { continue };
        assert_eq!(bytes(&other), changed);
        let [first, second] = other.inputs() else { panic!("two values") };
        if first + second < 1 << 12 {
            let given = [vec![true; *first], vec![true; *second]];
            let Ok(()) = other.run(&mut Plain, &mut AtOnce(given), &mut Vec::new());
        }
    }
}

/// A circuit of one held table of nine rows of two bits. Two loops make tables: the second bit of each row and the low
/// bit of its number, which replaces rows 1 to 4 of it; then the same rows without the numbers.
fn that_makes_tables(rounds: usize) -> StreamedCircuit {
    let sizes = vec![
        Size { element: 2, elements: 9, reading: Reading::Held },
        Size { element: 1, elements: 1, reading: Reading::Whole },
    ];
    let picked = |inputs: usize, places: &[usize]| {
        let mut netlist = Netlist::new(vec![inputs]);
        netlist.output(places.iter().map(|place| Signal::Wire(*place)));
        Circuit::new(&netlist).unwrap()
    };
    // A round takes a bit of the state, a row and the number of three bits; its row goes in front of the next ones.
    let places: Vec<usize> = (0..rounds).flat_map(|round| [5 * round + 2, 5 * round + 3]).collect();
    let first = ForEach {
        sources: vec![Source { table: 0, from: 1 }],
        rounds: 4,
        reads: vec![0],
        writes: vec![0],
        makes: vec![Make { width: 2, into: Some(Source { table: 0, from: 1 }) }],
        counter: Some(Counter { bits: 3, first: 5 }),
        round: picked(6, &[0, 2, 3]).into(),
        block: (rounds > 1)
            .then(|| Block { rounds, circuit: picked(1 + 5 * rounds, &[&[0][..], &places[..]].concat()) }),
    };
    let second = ForEach {
        sources: vec![Source { table: 2, from: 0 }],
        rounds: 9,
        reads: vec![0],
        writes: Vec::new(),
        makes: vec![Make { width: 1, into: None }],
        counter: None,
        round: picked(3, &[1]).into(),
        block: None,
    };
    let steps = vec![Step::ForEach(first), Step::ForEach(second)];
    let known = [(2, 0), (2, 1), (2, 4), (2, 5), (3, 1)].map(|(table, row)| Known { table, row }).to_vec();
    let last = Staged { known, stages: Vec::new(), last: picked(10, &(1..10).collect::<Vec<_>>()) };
    StreamedCircuit::new(sizes, steps, last, None).unwrap()
}

#[test]
fn rounds_make_rows_and_know_their_numbers() {
    for rounds in [1, 2, 4] {
        let circuit = that_makes_tables(rounds);
        let rows = [3, 2, 1, 0, 2, 1, 1, 3, 0];
        let table: Vec<bool> = rows.iter().flat_map(|row| [row & 1 == 1, row >> 1 == 1]).collect();
        let mut out = Vec::new();
        let Ok(()) = circuit.run(&mut Plain, &mut AtOnce([table, vec![true]]), &mut out);
        // Row 0 as it was; row 1: its second bit, and 5; row 4: its second bit, and 8; row 5 as it was; the last is one bit.
        let expected = [[true, true], [true, true], [true, false], [true, false]].concat();
        assert_eq!(out, [&expected[..], &[true]].concat(), "{rounds}");
        assert_eq!(circuit.tables().made, 2);
        // Both tables are there at once.
        assert_eq!(circuit.tables().held_bits, 18 + 18);
    }
}

#[test]
fn tables_that_rounds_cannot_make_are_refused() {
    let encoded = bytes(&that_makes_tables(2));
    assert_eq!(bytes(&StreamedCircuit::from_bytes(&encoded).unwrap()), encoded);
    let refused = |change: fn(&mut ForEach, &mut ForEach)| {
        let mut changed = that_makes_tables(2);
        let [Step::ForEach(first), Step::ForEach(second)] = &mut changed.steps[..] else {
            panic!("two loops")
        };
        change(first, second);
        assert!(StreamedCircuit::from_bytes(&bytes(&changed)).is_err());
    };
    fn into(each: &mut ForEach) -> &mut Source {
        each.makes[0].into.as_mut().unwrap()
    }
    refused(|first, _| into(first).from = 6);
    refused(|first, _| into(first).table = 1);
    refused(|first, _| into(first).table = 2);
    refused(|first, _| first.makes[0].width = 1);
    refused(|first, _| _ = first.makes.pop());
    refused(|first, _| first.counter = None);
    refused(|first, _| first.counter = Some(Counter { bits: 33, first: 0 }));
    refused(|_, second| second.makes[0].width = 0);
    refused(|_, second| second.sources[0].table = 3);
    refused(|_, second| second.makes.extend(second.makes.clone()));
    // Sums of rows and rounds are beyond numbers.
    refused(|first, _| first.rounds = usize::MAX);
    for bit in 0..8 * encoded.len() {
        let mut changed = encoded.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = StreamedCircuit::from_bytes(&changed) else { continue };
        assert_eq!(bytes(&other), changed);
        let [first, second] = other.inputs() else { panic!("two values") };
        if first + second < 1 << 12 && other.tables().held_bits < 1 << 16 {
            let given = [vec![true; *first], vec![true; *second]];
            let Ok(()) = other.run(&mut Plain, &mut AtOnce(given), &mut Vec::new());
        }
    }
}

/// Elements that may be read as a whole, or in parts of any size.
struct AtOnce([Vec<bool>; 2]);

impl Elements<Plain> for AtOnce {
    fn whole(&mut self, _: &mut Plain, value: usize, wires: &mut Vec<bool>) -> Result<(), Never> {
        wires.append(&mut self.0[value]);
        Ok(())
    }

    fn next(&mut self, _: &mut Plain, value: usize, n: usize, wires: &mut Vec<bool>) -> Result<(), Never> {
        // All elements are at most one chunk.
        assert!(n <= CHUNK);
        wires.append(&mut self.0[value]);
        Ok(())
    }
}

impl Step {
    fn block(self) -> Staged {
        match self {
            Self::ForEach(each) => each.block.unwrap().circuit.into(),
            _ => panic!("a loop"),
        }
    }
}
