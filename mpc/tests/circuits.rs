//! Circuits from files and from recorded programs compute the same in the clear and garbled.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::circuit::{Circuit, CircuitBuilder, CircuitProgram, Netlist};
use sotto_mpc::fancy::Plain;
use sotto_mpc::programs::{Aes128, Sha256Block};
use sotto_mpc::protocol::semi_honest::run_in_memory;

/// A circuit of the public collection (`aes_128.txt` and others, in Bristol Fashion), if its folder is named by the
/// environment variable `BRISTOL_CIRCUITS`.
fn collection(name: &str) -> Option<Circuit> {
    let Some(folder) = std::env::var_os("BRISTOL_CIRCUITS") else {
        println!("skipped: BRISTOL_CIRCUITS does not name a folder with {name}.txt");
        return None;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join(format!("{name}.txt"))).unwrap();
    Some(Circuit::new(&Netlist::from_bristol(&text).unwrap()).unwrap())
}

/// The bits of big-endian bytes read as one number, lowest first.
fn bits(hex: &str) -> Vec<bool> {
    let nibble = |c: char| c.to_digit(16).unwrap();
    hex.chars().rev().flat_map(|c| (0..4).map(move |i| nibble(c) >> i & 1 == 1)).collect()
}

fn plain(circuit: &Circuit, inputs: &[bool]) -> Vec<bool> {
    let mut outputs = Vec::new();
    circuit.run(&mut Plain, inputs.iter().copied(), &mut outputs).unwrap();
    outputs
}

/// Runs both parties; the garbler holds the first value.
fn garbled(circuit: &Circuit, x: &[bool], y: &[bool]) -> Vec<bool> {
    let program = CircuitProgram::new(circuit, 1).unwrap();
    let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
    run_in_memory(&program, x, y, [garbler, evaluator]).unwrap()
}

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const PLAIN: &str = "00112233445566778899aabbccddeeff";
const CIPHER: &str = "69c4e0d86a7b0430d8cdb78070b4c55a";

#[test]
fn aes_of_the_collection_gives_the_answer_of_fips_197() {
    let Some(circuit) = collection("aes_128") else { return };
    assert_eq!(circuit.and_gates(), 6400);
    assert!(circuit.slots() < 2500, "{} slots", circuit.slots());
    assert_eq!(plain(&circuit, &[bits(KEY), bits(PLAIN)].concat()), bits(CIPHER));
    assert_eq!(garbled(&circuit, &bits(KEY), &bits(PLAIN)), bits(CIPHER));
}

#[test]
fn sha_256_of_the_collection_gives_the_answer_of_fips_180() {
    let Some(circuit) = collection("sha256") else { return };
    // "abc", padded to one block; the initial value; the digest.
    let block = format!("61626380{}18", "0".repeat(118));
    let initial = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19";
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(plain(&circuit, &[bits(&block), bits(initial)].concat()), bits(digest));
    assert_eq!(garbled(&circuit, &bits(&block), &bits(initial)), bits(digest));
}

#[test]
fn arithmetic_of_the_collection_computes() {
    let (x, y) = (0xfedc_ba98_7654_3210u64, 0x0f1e_2d3c_4b5a_6978u64);
    let hex = |n: u64| bits(&format!("{n:016x}"));
    for (name, expected) in
        [("adder64", x.wrapping_add(y)), ("mult64", x.wrapping_mul(y)), ("udivide64", x / y)]
    {
        let Some(circuit) = collection(name) else { return };
        assert_eq!(plain(&circuit, &[hex(x), hex(y)].concat()), hex(expected), "{name}");
        assert_eq!(garbled(&circuit, &hex(x), &hex(y)), hex(expected), "{name}");
    }
    let zero = collection("zero_equal").unwrap();
    assert_eq!(plain(&zero, &hex(0)), [true]);
    assert_eq!(plain(&zero, &hex(1 << 40)), [false]);
}

#[test]
fn a_recorded_program_computes_what_the_program_does() {
    let byte_order = |hex: &str| {
        let bytes = bits(hex);
        bytes.chunks(8).rev().flatten().copied().collect::<Vec<_>>()
    };
    let circuit = Circuit::new(&CircuitBuilder::record(&Aes128)).unwrap();
    assert_eq!(circuit.and_gates(), 6400);
    assert_eq!(garbled(&circuit, &byte_order(KEY), &byte_order(PLAIN)), byte_order(CIPHER));
}

#[test]
fn the_digest_tells_circuits_apart() {
    let digest = |text: &str| Circuit::new(&Netlist::from_bristol(text).unwrap()).unwrap().digest();
    let and = digest("1 3\n2 1 1\n1 1\n2 1 0 1 2 AND\n");
    assert_eq!(and, digest("1 3 \n2 1 1\n1 1\n\n\n2 1 0 1 2 AND"));
    for other in [
        "1 3\n2 1 1\n1 1\n2 1 0 1 2 XOR\n",
        "1 3\n2 1 1\n1 1\n2 1 1 0 2 AND\n",
        "1 3\n1 2\n1 1\n2 1 0 1 2 AND\n",
        "1 3\n2 1 1\n1 2\n2 1 0 1 2 AND\n",
        "1 3\n2 1 1\n2 1 1\n2 1 0 1 2 AND\n",
    ] {
        assert_ne!(digest(other), and, "{other}");
    }
}

/// Gates by two earlier wires and a kind; about as many outputs as inputs.
fn random_netlist() -> impl Strategy<Value = (Netlist, usize)> {
    let gates =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5u8), 1..400);
    (1usize..20, gates).prop_map(|(inputs, gates)| {
        let mut netlist = Netlist::new(vec![inputs]);
        let mut wires: Vec<_> = netlist.input_wires().collect();
        for (a, b, kind) in gates {
            let (a, b) = (wires[a.index(wires.len())], wires[b.index(wires.len())]);
            wires.push(match kind {
                0 | 1 => netlist.and(a, b),
                2 | 3 => netlist.xor(a, b),
                _ => netlist.not(a),
            });
        }
        let outputs = wires.len().min(30);
        netlist.output(wires.split_off(wires.len() - outputs));
        (netlist, inputs)
    })
}

/// Our own SHA-256 circuit, written, read again and run, against FIPS 180-4.
#[test]
fn own_sha_256_survives_as_text() {
    let netlist = CircuitBuilder::record(&Sha256Block);
    let text = netlist.to_string();
    let read = Netlist::from_bristol(&text).unwrap();
    assert_eq!(read, netlist);
    let circuit = Circuit::new(&read).unwrap();
    assert_eq!(circuit.and_gates(), 22_335);
    let words = |hex: &str| {
        hex.as_bytes().chunks(8).flat_map(|word| bits(str::from_utf8(word).unwrap())).collect::<Vec<_>>()
    };
    let block = words(&format!("61626380{}18", "0".repeat(118)));
    let initial = words("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");
    let digest = words("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(plain(&circuit, &[&block[..], &initial].concat()), digest);
    assert_eq!(garbled(&circuit, &block, &initial), digest);
}

proptest! {
    #[test]
    fn what_is_written_is_read((netlist, _) in random_netlist()) {
        let text = netlist.to_string();
        prop_assert_eq!(Netlist::from_bristol(&text), Ok(netlist));
    }

    #[test]
    fn scheduling_and_slots_change_no_answer((netlist, inputs) in random_netlist(), bits: u32) {
        let circuit = Circuit::new(&netlist).unwrap();
        let inputs: Vec<bool> = (0..inputs).map(|i| bits >> i & 1 == 1).collect();
        prop_assert_eq!(plain(&circuit, &inputs), netlist.compute(&inputs));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([0-9 ]{0,6}(AND|XOR|INV|EQ|EQW|MAND)?\n){0,12}") {
        let _ = Netlist::from_bristol(&text);
    }

    #[test]
    fn no_change_of_a_good_text_makes_the_reader_panic(at in 0usize..60, byte in 0u8..128) {
        let mut text = b"3 6\n2 2 1\n1 2\n\n2 1 0 1 3 AND\n1 1 3 4 INV\n2 1 4 2 5 XOR\n".to_vec();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        if let Ok(netlist) = Netlist::from_bristol(std::str::from_utf8(&text).unwrap()) {
            Circuit::new(&netlist).unwrap();
        }
    }
}
