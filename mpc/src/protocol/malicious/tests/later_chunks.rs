//! Cheats in a later chunk of a session, and messages of other chunks and other sessions.

use super::*;

/// A run of two chunks, of three gates and of two.
fn run(seed: u64) -> Run {
    Run { chunk: 1, ..Run::new(seed) }
}

/// Where a phase of the second chunk begins among the bytes that a party sends in it.
struct Second;

impl Second {
    const GATES: usize = 3;
    const LAYERS: usize = 3;

    /// U of the second chunk is after 16 more bytes.
    fn products() -> usize {
        let all = Self::GATES * Self::LAYERS;
        16 + 16 * all + all.div_ceil(8) + 32 + 64 + all.div_ceil(8)
    }

    fn tables() -> usize {
        32 * Self::GATES + 1
    }

    /// The evaluator's report; the garbler's proof is 80 bytes.
    fn report() -> usize {
        (2 * Self::GATES).div_ceil(8) + 16 + 80
    }
}

/// The candidates of the second chunk.
fn rest() -> Buckets {
    Buckets::for_gates(GATES - Second::GATES, &Settings::insecure_small(1))
}

/// Both ends after this party changed bytes; it ignores all checks, and its peer these.
fn cheated(side: usize, seed: u64, change: Change, ignored: &'static [Check]) -> [End; 2] {
    run(seed).side(side, Cheat::changing([change]).ignoring(ALL), ignored).outcome()
}

#[test]
fn chunks_are_where_the_tests_expect_them() {
    let [garbler, evaluator] = run(1).outcome();
    assert_eq!(Buckets::full(&Settings::insecure_small(1)), Buckets { layers: 3, candidates: 3 });
    let all = rest().total();
    let second = 16 + 16 * all + all.div_ceil(8) + 32 + 64 + (rest().layers * 2).div_ceil(8);
    for end in [&garbler, &evaluator] {
        assert_eq!(end.record.sent(Phase::Products), Second::products() + second);
    }
    assert_eq!(garbler.record.sent(Phase::Tables), Second::tables() + 2 * 32 + 1);
    assert_eq!(evaluator.record.sent(Phase::Checks), Second::report() + 1 + 1 + 16 + 80);
    assert_eq!(garbler.record.sent(Phase::Checks), 160);
}

#[test]
fn an_altered_table_of_a_later_chunk_is_unused_or_caught() {
    let (mut unused, mut caught, mut wrong) = (0, 0, 0);
    for at in 0..2 * 32 + 1 {
        let change = Change { phase: Phase::Tables, at: Second::tables() + at, value: 1 << (at % 2) };
        let [_, evaluator] = cheated(0, at as u64, change, &[]);
        match evaluator.result {
            Ok(ref output) => (assert_eq!(*output, Some(Small.compute(&X, &Y))), unused += 1),
            Err(_) => (assert_eq!(evaluator.caught(), Some(Check::Values)), caught += 1),
        };
        let [_, evaluator] = cheated(0, at as u64, change, &[Check::Values, Check::Outputs]);
        wrong += usize::from(evaluator.is_wrong((&X, &Y)));
    }
    assert!(unused > 8 && caught > 8 && wrong > 0, "{unused} unused, {caught} caught, {wrong} wrong");
}

#[test]
fn a_false_report_of_a_later_chunk_is_caught_before_its_values_are_shown() {
    for bit in 0..4 {
        let change = flip(Phase::Checks, Second::report(), bit);
        let [garbler, _] = cheated(1, bit as u64, change, &[]);
        // One proof was sent: that of the first chunk.
        assert_eq!((garbler.caught(), garbler.record.sent(Phase::Checks)), (Some(Check::Labels), 80));
        let [garbler, _] = cheated(1, bit as u64, change, &[Check::Labels]);
        assert_eq!(garbler.record.sent(Phase::Checks), 160);
    }
}

#[test]
fn a_false_opening_in_a_later_chunk_is_caught() {
    let all = rest().total();
    for side in [0, 1] {
        let opened = Second::products() + 16 + 16 * all + all.div_ceil(8) + 96;
        for bit in 0..2 * rest().layers {
            let cheat = Cheat::consistent([flip(Phase::Products, opened, bit)]).ignoring(ALL);
            let ends = run(bit as u64).side(side, cheat, &[]).outcome();
            assert_eq!(ends[1 - side].caught(), Some(Check::Openings), "side {side}, bit {bit}");
            assert_eq!(ends[1 - side].record.sent(Phase::Outputs), 0);
        }
    }
}

#[test]
fn a_false_s_in_a_later_chunk_is_caught_before_its_coin() {
    let all = rest().total();
    for side in [0, 1] {
        for bit in 0..all {
            let change = flip(Phase::Products, Second::products() + 16 + 16 * all, bit);
            let ends = run(bit as u64).side(side, Cheat::consistent([change]).ignoring(ALL), &[]).outcome();
            assert_eq!(ends[1 - side].caught(), Some(Check::Products));
            // The commitments at the start, and the coin of the first chunk.
            assert_eq!(ends[1 - side].record.sent(Phase::Coins), 32 + 96);
        }
    }
}

/// Nothing is opened in mid-program: masks of outputs leave after the checks of the last chunk.
#[test]
fn outputs_are_not_shown_before_the_checks_of_the_last_chunk() {
    for (side, at) in [(0, 80), (1, Second::report() + 18)] {
        for byte in 0..80 {
            let change = Change { phase: Phase::Checks, at: at + byte, value: 4 };
            let ends = cheated(side, 3, change, &[]);
            assert!(ends[1 - side].caught().is_some(), "byte {byte} of side {side}");
            assert_eq!(ends[1 - side].record.sent(Phase::Outputs), 0);
        }
    }
}

/// The honest party's verdict on a party that sends old bytes in a phase, from a byte on.
fn replayed(side: usize, phase: Phase, from: usize, old: &[u8]) -> Option<Check> {
    let cheat = Cheat { replays: vec![(phase, from, old.to_vec())], ..Cheat::default() };
    let ends = run(9).side(side, cheat.ignoring(ALL), &[]).outcome();
    ends[1 - side].caught()
}

/// Attack 16: messages of an earlier session, in which both parties had the same inputs.
#[test]
fn messages_of_another_session_are_caught() {
    let old = run(8).outcome().map(|end| end.record);
    let equality = 16 + 16 * 9 + 2;
    for side in [0, 1] {
        let sent = |phase: Phase| &old[side].sent[usize::from(phase.code())];
        for (phase, from, to, check) in [
            (Phase::Coins, 0, 128, Check::Coin),
            (Phase::Coins, 128, 224, Check::Coin),
            (Phase::Products, 0, 16, Check::Products),
            (Phase::Products, 16, 16 + 16 * 9, Check::Products),
            (Phase::Products, equality, equality + 96, Check::Products),
            (Phase::Outputs, 0, 33, Check::Outputs),
        ] {
            let bytes = &sent(phase)[from..to];
            assert_eq!(replayed(side, phase, from, bytes), Some(check), "{phase:?} of side {side}");
        }
    }
    let tables = &old[0].sent[usize::from(Phase::Tables.code())];
    assert_eq!(replayed(0, Phase::Tables, 0, tables), Some(Check::Values));
    let proof = &old[0].sent[usize::from(Phase::Checks.code())][..80];
    assert_eq!(replayed(0, Phase::Checks, 0, proof), Some(Check::Openings));
    let report = &old[1].sent[usize::from(Phase::Checks.code())][17..97];
    assert_eq!(replayed(1, Phase::Checks, 17, report), Some(Check::Openings));
}

/// Attack 16: messages of the first chunk of the same session.
#[test]
fn messages_of_the_chunk_before_are_caught() {
    let old = run(9).outcome().map(|end| end.record);
    for side in [0, 1] {
        let sent = |phase: Phase| &old[side].sent[usize::from(phase.code())];
        assert_eq!(replayed(side, Phase::Coins, 128, &sent(Phase::Coins)[32..128]), Some(Check::Coin));
        let all = rest().total();
        let equality = 16 + 16 * 9 + 2;
        let place = Second::products() + 16 + 16 * all + all.div_ceil(8);
        let bytes = &sent(Phase::Products)[equality..equality + 96];
        assert_eq!(replayed(side, Phase::Products, place, bytes), Some(Check::Products));
    }
    let proof = &old[0].sent[usize::from(Phase::Checks.code())][..80];
    assert_eq!(replayed(0, Phase::Checks, 80, proof), Some(Check::Openings));
    let tables = &old[0].sent[usize::from(Phase::Tables.code())][..64];
    assert_eq!(replayed(0, Phase::Tables, Second::tables(), tables), Some(Check::Values));
}
