//! Attack 8: lies whose effects on the sum of labels would cancel if gates were not numbered, or inputs not
//! told apart.

use super::*;

/// The garbler's verdict on a report with these bits flipped.
fn reported(bits: [usize; 2], seed: u64) -> Option<Check> {
    let changes = bits.map(|bit| flip(Phase::Checks, 0, bit));
    let [garbler, _] = Run::new(seed).evaluator(Cheat::changing(changes)).outcome();
    garbler.caught()
}

#[test]
fn the_same_lie_about_two_gates_with_the_same_inputs_is_caught() {
    for seed in 0..8 {
        assert_eq!(reported([0, 2], seed), Some(Check::Labels));
        assert_eq!(reported([1, 3], seed), Some(Check::Labels));
    }
}

#[test]
fn the_same_lie_about_both_inputs_of_a_gate_is_caught() {
    for seed in 0..8 {
        assert_eq!(reported([4, 5], seed), Some(Check::Labels));
        assert_eq!(reported([0, 1], seed), Some(Check::Labels));
    }
}
