//! One cheat a test. Positions are in the bytes that a party sends in a phase.

use super::*;

/// Positions in the phase of products.
const U: usize = 16;

fn s() -> usize {
    U + 16 * buckets().total()
}

fn commitment() -> usize {
    s() + buckets().total().div_ceil(8)
}

fn opening() -> usize {
    commitment() + 32
}

fn opened_bits() -> usize {
    opening() + 64
}

/// Positions in the phase of checks: the garbler's proof is at 0.
const REPORTED_OUTPUTS: usize = (2 * GATES).div_ceil(8);
const EVALUATOR_PROOF: usize = REPORTED_OUTPUTS + OUTPUTS.div_ceil(8) + 16;

/// Both ends after this party cheated on the other, which ignores these checks; the cheater ignores all.
fn cheated(side: usize, seed: u64, changes: &[Change], ignored: &'static [Check]) -> [End; 2] {
    Run::new(seed).side(side, Cheat::changing(changes).ignoring(ALL), ignored).outcome()
}

/// Attack 1: the garbler garbles another gate.
#[test]
fn an_altered_table_is_unused_or_caught_by_the_values() {
    let (mut unused, mut caught, mut wrong) = (0, 0, 0);
    for at in 0..32 * GATES + 1 {
        let run = |ignored| {
            let change = Change { phase: Phase::Tables, at, value: 1 << (at % 5) };
            cheated(0, at as u64, &[change], ignored)
        };
        let [_, evaluator] = run(&[]);
        match evaluator.result {
            Ok(ref output) => (assert_eq!(*output, Some(Small.compute(&X, &Y))), unused += 1),
            Err(_) => (assert_eq!(evaluator.caught(), Some(Check::Values)), caught += 1),
        };
        let [_, evaluator] = run(&[Check::Values, Check::Outputs]);
        wrong += usize::from(evaluator.is_wrong((&X, &Y)));
    }
    assert!(unused > 20 && caught > 20, "{unused} unused, {caught} caught");
    assert!(wrong > 0, "without the check of values an altered table gives a wrong output");
}

/// Attack 2: whether an altered row is noticed does not depend on the evaluator's input.
#[test]
fn selective_failure_does_not_depend_on_an_input() {
    for input in [false, true] {
        let inputs = (X, [true, input, false]);
        let aborts = (0..300).filter(|seed| {
            // Bit 0 of R0 of gate 2, whose inputs are the evaluator's bit 1.
            let change = flip(Phase::Tables, 2 * 32, 0);
            let run = Run { inputs, ..Run::new(*seed) };
            let [_, evaluator] = run.garbler(Cheat::changing([change]).ignoring(ALL)).outcome();
            assert!(matches!(evaluator.caught(), None | Some(Check::Values)));
            evaluator.caught().is_some()
        });
        // 150 expected, standard deviation 8.7.
        let aborts = aborts.count();
        assert!((98..=202).contains(&aborts), "{aborts} aborts of 300 for {input}");
    }
}

/// Attack 3: an error in U is a guess of a bit of x: it passes in half of all cases, and then does no harm.
#[test]
fn an_error_in_u_passes_half_of_the_time_and_then_the_product_is_right() {
    for side in [0, 1] {
        let (mut passed, mut wrong) = (0, 0);
        for seed in 0..120 {
            let candidate = seed as usize % buckets().total();
            // Among them bit 0, which makes s wrong where x = 1.
            let change = [flip(Phase::Products, U + 16 * candidate, (seed as usize / 15) % 128)];
            let ends = cheated(side, seed, &change, &[]);
            match ends[1 - side].caught() {
                None => {
                    assert_eq!(ends[1 - side].result, Ok(Some(Small.compute(&X, &Y))));
                    passed += 1;
                }
                Some(check) => assert_eq!(check, Check::Products),
            }
            // Without the test, a wrong product shows in outputs.
            let ends = cheated(side, seed, &change, &[Check::Products]);
            wrong += usize::from(ends[1 - side].is_wrong((&X, &Y)));
        }
        // 60 expected, standard deviation 5.5.
        assert!((30..=90).contains(&passed), "{passed} of 120 passed");
        assert!(wrong > 0);
    }
}

/// Attack 3, the other ways to put an error into U: another key.
#[test]
fn another_hash_key_than_the_one_told_is_caught() {
    for side in [0, 1] {
        let change = [flip(Phase::Products, 0, 77)];
        assert_eq!(cheated(side, 1, &change, &[])[1 - side].caught(), Some(Check::Products));
    }
}

/// Both ends after this party lied about bits of its own, and computed as if they were others.
fn lied(side: usize, seed: u64, change: Change, ignored: &'static [Check]) -> [End; 2] {
    Run::new(seed).side(side, Cheat::consistent([change]).ignoring(ALL), ignored).outcome()
}

/// Attack 4: a false s always shows, since it takes the peer's Δ to hide it.
#[test]
fn a_false_s_is_caught_and_would_spoil_the_product() {
    for side in [0, 1] {
        let mut wrong = 0;
        for bit in 0..buckets().total() {
            let change = flip(Phase::Products, s(), bit);
            let ends = lied(side, bit as u64, change, &[]);
            assert_eq!(ends[1 - side].caught(), Some(Check::Products));
            let ends = lied(side, bit as u64, change, &[Check::Products]);
            wrong += usize::from(ends[1 - side].is_wrong((&X, &Y)));
        }
        // Every candidate belongs to a gate here, and every gate to an output.
        assert_eq!(wrong, buckets().total(), "side {side}");
    }
}

/// Attack 4: the evaluator, whose digest is another, sends the garbler's commitment and opening back.
#[test]
fn a_copied_digest_is_caught_by_the_role_in_its_commitment() {
    let copies = vec![(Phase::Products, commitment())];
    let change = vec![flip(Phase::Products, s(), 3)];
    let cheat = Cheat { copies, changes: change, ..Cheat::default() }.ignoring(ALL);
    let [garbler, evaluator] = Run::new(3).evaluator(cheat).outcome();
    let [sent, received] =
        [&evaluator.record.sent, &evaluator.record.received].map(|of| &of[8][commitment()..]);
    assert_eq!(sent[..96], received[..96]);
    assert_eq!(garbler.caught(), Some(Check::Products));
}

/// A digest other than the one committed to is refused, even if it is the right one.
#[test]
fn an_opening_that_was_not_committed_to_is_caught() {
    for side in [0, 1] {
        for at in [commitment(), commitment() + 31, opening(), opening() + 32, opening() + 63] {
            let change = [flip(Phase::Products, at, 5)];
            assert_eq!(cheated(side, 4, &change, &[])[1 - side].caught(), Some(Check::Products));
        }
    }
}

/// Attack 6: a false Λ is caught before the garbler has sent W.
#[test]
fn a_false_report_is_caught_before_the_values_are_shown() {
    for bit in 0..2 * GATES {
        let change = [flip(Phase::Checks, 0, bit)];
        let [garbler, _] = cheated(1, bit as u64, &change, &[]);
        assert_eq!((garbler.caught(), garbler.record.sent(Phase::Checks)), (Some(Check::Labels), 0));
        let [garbler, _] = cheated(1, bit as u64, &change, &[Check::Labels]);
        assert_eq!(garbler.record.sent(Phase::Checks), 80, "without the check W is sent");
    }
    for bit in 0..OUTPUTS {
        let change = [flip(Phase::Checks, REPORTED_OUTPUTS, bit)];
        let [garbler, _] = cheated(1, bit as u64, &change, &[]);
        assert_eq!(garbler.caught(), Some(Check::Labels));
        let [garbler, _] = cheated(1, bit as u64, &change, &[Check::Labels]);
        assert!(garbler.is_wrong((&X, &Y)), "without the check the evaluator sets output {bit}");
    }
}

/// Attack 7: a lie in d or f is caught before W, and before any output.
#[test]
fn a_false_opening_is_caught_before_the_values_are_shown() {
    for side in [0, 1] {
        let mut wrong = 0;
        for bit in 0..buckets().layers * GATES {
            let change = flip(Phase::Products, opened_bits(), bit);
            let ends = lied(side, bit as u64, change, &[]);
            let honest = &ends[1 - side];
            assert_eq!(honest.caught(), Some(Check::Openings), "side {side}, bit {bit}");
            assert_eq!(honest.record.sent(Phase::Outputs), 0);
            if side == 1 {
                assert_eq!(honest.record.sent(Phase::Checks), 0);
            }
            let ends = lied(side, bit as u64, change, &[Check::Openings]);
            wrong += usize::from(ends[1 - side].is_wrong((&X, &Y)));
        }
        // A false d adds x to the product, and a false f adds β: half of them are 1.
        assert!(wrong > 2, "side {side}: {wrong} wrong outputs without the check");
    }
}

/// Attack 10: a party flips its mask of an output.
#[test]
fn a_false_mask_of_an_output_is_caught() {
    for side in [0, 1] {
        for bit in 0..OUTPUTS {
            let change = [flip(Phase::Outputs, 0, bit)];
            let ends = cheated(side, bit as u64, &change, &[]);
            assert_eq!(ends[1 - side].caught(), Some(Check::Outputs));
            let ends = cheated(side, bit as u64, &change, &[Check::Outputs]);
            assert!(ends[1 - side].is_wrong((&X, &Y)));
        }
        let ends = cheated(side, 1, &[flip(Phase::Outputs, 1, 9)], &[]);
        assert_eq!(ends[1 - side].caught(), Some(Check::Outputs));
    }
}

/// Attack 12: corrections that differ between trees are caught, or were a guess of bits of Δ.
#[test]
fn inconsistent_corrections_are_caught_or_harmless() {
    for side in [0, 1] {
        let (mut caught, mut harmless) = (0, 0);
        for tree in 0..31 {
            for seed in 0..4 {
                let at = tree * 16 + seed as usize;
                let ends = cheated(
                    side,
                    seed,
                    &[Change { phase: Phase::OtExtension, at: at + 16 * side, value: 8 }],
                    &[],
                );
                match &ends[1 - side].result {
                    Ok(output) => (assert_eq!(*output, Some(Small.compute(&X, &Y))), harmless += 1),
                    Err(SessionError::Ot(crate::ot::OtError::Check)) => ((), caught += 1),
                    // The cheater was out of step with itself, and noticed.
                    Err(_) => ((), harmless += 1),
                };
            }
        }
        assert!(caught > 80, "{caught} caught, {harmless} harmless");
    }
}

/// Attack 13: a nonce other than the one committed to.
#[test]
fn a_nonce_that_was_not_committed_to_is_caught() {
    for side in [0, 1] {
        for at in [0, 31, 32, 63, 64, 95] {
            let ends = cheated(side, 5, &[flip(Phase::Coins, at, 2)], &[]);
            assert_eq!(ends[1 - side].caught(), Some(Check::Coin), "byte {at}");
        }
    }
}

/// Attack 13: no party opens a nonce before all that the coin decides about has come, and passed its test.
#[test]
fn no_nonce_is_opened_before_the_products_are_tested() {
    for side in [0, 1] {
        for at in [U, s(), commitment(), opening()] {
            let change = [Change { phase: Phase::Products, at, value: 0x55 }];
            let ends = cheated(side, 9, &change, &[]);
            if ends[1 - side].caught() == Some(Check::Products) {
                assert_eq!(ends[1 - side].record.sent(Phase::Coins), 32, "side {side}, byte {at}");
            }
        }
    }
}

/// Attack 16: the evaluator sends the garbler's commitment and nonce back as its own.
#[test]
fn a_reflected_coin_is_caught_by_the_role_in_its_commitment() {
    let cheat = Cheat { copies: vec![(Phase::Coins, 0)], ..Cheat::default() };
    let [garbler, evaluator] = Run::new(3).evaluator(cheat.ignoring(ALL)).outcome();
    assert_eq!(evaluator.record.sent[7][..96], evaluator.record.received[7][..96]);
    assert_eq!(garbler.caught(), Some(Check::Coin));
}

/// Δ of another colour in the transfers: both ends set the constants, so that it has no effect.
#[test]
fn no_delta_of_another_colour_exists() {
    for other_delta in 1..4 {
        let run = Run { other_delta, ..Run::new(other_delta) };
        for end in run.outcome() {
            assert_eq!(end.result, Ok(Some(Small.compute(&X, &Y))));
        }
    }
    // Any other bit makes another Δ, which is noticed.
    let run = Run { other_delta: 4, ..Run::new(4) };
    assert!(run.outcome().iter().any(|end| end.caught() == Some(Check::Products)));
}

/// Bits have one encoding: padding that is not zero is refused.
#[test]
fn padding_of_bits_that_is_not_zero_is_refused() {
    let bits = buckets().layers * GATES;
    for side in [0, 1] {
        for (phase, from, bit) in [
            (Phase::Products, s(), bits),
            (Phase::Products, opened_bits(), bits),
            (Phase::Outputs, 0, OUTPUTS),
        ] {
            let ends = cheated(side, 8, &[flip(phase, from, bit)], &[]);
            assert_eq!(ends[1 - side].result, Err(SessionError::Encoding(phase)), "{phase:?} of side {side}");
        }
    }
    for (from, bit) in [(0, 2 * GATES), (REPORTED_OUTPUTS, OUTPUTS)] {
        let [garbler, _] = cheated(1, 8, &[flip(Phase::Checks, from, bit)], &[]);
        assert_eq!(garbler.result, Err(SessionError::Encoding(Phase::Checks)));
    }
}

/// The proofs themselves: each part is compared.
#[test]
fn every_part_of_a_proof_is_compared() {
    for (side, from, sum) in [(0, 0, Check::Values), (1, EVALUATOR_PROOF, Check::Labels)] {
        for (at, check) in [
            (0, Check::Openings),
            (31, Check::Openings),
            (32, Check::Transcript),
            (63, Check::Transcript),
            (64, sum),
            (79, sum),
        ] {
            let change = [flip(Phase::Checks, from + at, 1)];
            assert_eq!(cheated(side, 6, &change, &[])[1 - side].caught(), Some(check), "byte {at}");
        }
    }
}
