//! One cheat a test. Positions count the bytes that a party sends to one peer in a phase, or broadcasts.

use super::*;
use crate::ot::OtError;
use crate::protocol::malicious::settings::{Buckets, Settings};

const GATES: usize = 5;

fn total() -> usize {
    Buckets::for_gates(GATES, &Settings::insecure_small(GATES)).total()
}

fn layers() -> usize {
    Buckets::for_gates(GATES, &Settings::insecure_small(GATES)).layers
}

/// Positions towards a peer in the phase of products: S, U, s, comparison, c, offers, commitment, opening, d and f.
fn s() -> usize {
    16 + 16 * total()
}

fn offers() -> usize {
    s() + total().div_ceil(8) + 32 + 16
}

fn opened_bits() -> usize {
    offers() + 16 + 2048 + 32 + 48
}

/// Bytes of corrections for so many bits.
fn corrections(bits: usize) -> usize {
    512 * (bits + 64).div_ceil(128)
}

/// Positions towards a garbler in the phase of checks, for the evaluator: Λ of gates, outputs, χ, comparison.
const REPORTED_OUTPUTS: usize = (2 * GATES).div_ceil(8);
const CHI: usize = REPORTED_OUTPUTS + 1;

/// The checks that ended the session of each honest party.
fn caught(ends: &[End], honest: &[usize]) -> Vec<Option<Check>> {
    honest.iter().map(|i| ends[*i].caught()).collect()
}

/// Whether some honest party was ended by this check, and none accepted anything.
fn all_end_by(ends: &[End], honest: &[usize], check: Check) -> bool {
    honest.iter().all(|i| ends[*i].result.is_err()) && caught(ends, honest).contains(&Some(check))
}

/// What all parties have, to be shown where a test fails.
fn results(ends: &[End]) -> String {
    ends.iter().map(|end| format!("{:?}; ", end.result.as_ref().map(|_| ()))).collect()
}

/// Whether an honest party accepted a wrong output.
fn is_wrong(run: &Run, ends: &[End], honest: &[usize]) -> bool {
    let expected = Some(run.program.expected());
    honest.iter().any(|i| ends[*i].result.as_ref().is_ok_and(|output| *output != expected))
}

/// Whether all honest parties have the right output.
fn are_right(run: &Run, ends: &[End], honest: &[usize]) -> bool {
    honest.iter().all(|i| ends[*i].result == Ok(Some(run.program.expected())))
}

/// Every message that is broadcast, changed towards one of two honest parties.
#[test]
fn whatever_is_told_differently_to_two_is_caught_by_the_comparison() {
    let broadcast = [
        // The party that cheats, towards whom, what, and the check that meets it without the comparison, if any.
        (2, 1, flip(Phase::Inputs, 0, 0), Some(Check::Labels)),
        (2, 1, flip(Phase::Products, s(), 3), Some(Check::Products)),
        (0, 1, flip(Phase::Products, s(), 3), Some(Check::Products)),
        (0, 1, flip(Phase::Checks, 0, 2), Some(Check::Labels)),
        (0, 2, flip(Phase::Checks, REPORTED_OUTPUTS, 1), Some(Check::Labels)),
        (0, 2, flip(Phase::Checks, CHI, 9), None),
        // The nonce of the handshake, on which all ids depend.
        (1, 0, flip(Phase::Hello, 145 + 57, 0), Some(Check::Coin)),
    ];
    for (who, to, change, otherwise) in broadcast {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let run = Run::new(11, 3).cheat(who, to, [change]);
        let ends = run.outcome();
        assert!(all_end_by(&ends, &honest, Check::Broadcast), "{who} to {to}: {:?}", caught(&ends, &honest));
        let ends = run.ignoring(&[Check::Broadcast]).outcome();
        let checks = caught(&ends, &honest);
        assert!(!checks.contains(&Some(Check::Broadcast)));
        match otherwise {
            Some(check) => assert!(checks.contains(&Some(check)), "{who} to {to}: {checks:?}"),
            None => assert!(checks.iter().all(Option::is_none), "{who} to {to}: {checks:?}"),
        }
    }
}

/// Attack 17: the evaluator has two inputs, one towards each garbler. Over XORs nothing but the comparison meets it.
#[test]
fn two_inputs_of_one_party_are_caught_by_the_comparison() {
    // Party 0 holds two bits; outputs are their XOR and the first of them. All others hold none.
    let program = Random { seed: 2, streams: vec![2, 0, 0], gates: 0, outputs: 2 };
    let cheat = Run::of(program).cheat(
        0,
        2,
        [
            Change { phase: Phase::Inputs, at: 0, value: 3 },
            // There are no gates: the report begins with the outputs. Their XOR is the same for both inputs.
            Change { phase: Phase::Checks, at: 0, value: 2 },
        ],
    );
    let run = Run { shown_otherwise: Some(1), ..cheat };
    let ends = run.outcome();
    assert!(all_end_by(&ends, &[1, 2], Check::Broadcast));
    let ends = run.clone().ignoring(&[Check::Broadcast]).outcome();
    let [first, second] = [1, 2].map(|i: usize| &ends[i].result);
    assert!(first.is_ok() && second.is_ok(), "{first:?}, {second:?}");
    assert_ne!(first, second, "two garblers accept two outputs");
}

/// Different bits towards two peers, with the R·x that each expects: a transfer that will be sacrificed.
#[test]
fn different_bits_towards_two_peers_are_caught_by_the_comparison_of_answers() {
    let bits = 3 * total() + 128;
    let sacrificed = bits + 5;
    let blocks = (bits + 64).div_ceil(128);
    // The bits of the chunk come first. In each tree's correction the same transfer, a bit of one block.
    let mut changes: Vec<Change> =
        (0..32).map(|tree| flip(Phase::OtExtension, 16 * blocks * tree, sacrificed)).collect();
    changes.push(flip(Phase::OtExtension, corrections(bits), 5));
    for (who, to) in [(1, 0), (2, 1), (0, 2)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let run = Run::new(12, 3).cheat(who, to, changes.clone());
        assert!(all_end_by(&run.outcome(), &honest, Check::Broadcast));
        let ends = run.clone().ignoring(&[Check::Broadcast]).outcome();
        assert!(are_right(&run, &ends, &honest), "only the comparison meets it: {}", results(&ends));
        // With one R·x for both, the transfers' own check meets it.
        let run = Run::new(12, 3).cheat(who, to, changes[..32].to_vec());
        let error = &run.outcome()[to].result;
        assert!(matches!(error, Err(SessionError::Ot(OtError::Check))), "{error:?}");
    }
}

/// A nonce that was not committed to, and another commitment towards one.
#[test]
fn nonces_and_commitments_of_coins_are_checked() {
    for (who, to) in [(0, 2), (2, 1)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        for at in [0, 32] {
            let run = Run::new(13, 3).cheat(who, to, [flip(Phase::Coins, at, 4)]);
            assert!(all_end_by(&run.outcome(), &honest, Check::Coin));
            let ends = run.ignoring(&[Check::Coin]).outcome();
            assert!(all_end_by(&ends, &honest, Check::Broadcast));
        }
        // A nonce that all hear, but that was not the one committed to.
        let run = Run::new(13, 3).lie(who, flip(Phase::Coins, 32, 4));
        assert!(all_end_by(&run.outcome(), &honest, Check::Coin));
        let ends = run.clone().ignoring(&[Check::Coin]).outcome();
        assert!(are_right(&run, &ends, &honest));
    }
}

/// Attack 3: an error in U is a guess of a bit of x: it passes in half of all cases, and then does no harm.
#[test]
fn an_error_in_u_passes_half_of_the_time_and_then_the_product_is_right() {
    for (who, to) in [(0, 1), (1, 0), (1, 2)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let (mut passed, mut wrong) = (0, 0);
        for seed in 0..60 {
            let candidate = seed as usize % total();
            let change = flip(Phase::Products, 16 + 16 * candidate, (seed as usize / 15) % 128);
            let run = Run::new(seed, 3).cheat(who, to, [change]);
            let ends = run.outcome();
            if are_right(&run, &ends, &honest) {
                passed += 1;
            } else {
                assert!(all_end_by(&ends, &honest, Check::Products), "{:?}", caught(&ends, &honest));
            }
            let ignoring = run.ignoring(&[Check::Products, Check::Values]);
            wrong += usize::from(is_wrong(&ignoring, &ignoring.outcome(), &honest));
        }
        // 30 expected, standard deviation 3.9.
        assert!((12..=48).contains(&passed), "{passed} of 60 passed");
        assert!(wrong > 0, "without the test, a wrong product shows in outputs");
    }
}

/// Attack 4: a false s that all hear.
#[test]
fn a_false_s_is_caught_by_the_zero_test_and_would_spoil_the_product() {
    for who in 0..3 {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let mut wrong = 0;
        for bit in 0..total() {
            let run = Run::new(bit as u64, 3).lie(who, flip(Phase::Products, 0, bit));
            assert!(all_end_by(&run.outcome(), &honest, Check::Products));
            let ignoring = run.ignoring(&[Check::Products, Check::Values, Check::Openings]);
            wrong += usize::from(is_wrong(&ignoring, &ignoring.outcome(), &honest));
        }
        assert!(wrong > 0);
    }
}

/// Attack 14: a chunk that was survived changes nothing for the next one.
#[test]
fn a_false_s_in_a_later_chunk_is_caught() {
    // Nine candidates in the first chunk of three gates: s, then c, commitment and opening of the zero test.
    let later = 9usize.div_ceil(8) + 16 + 32 + 48;
    let run = Run { chunk: 3, ..Run::new(10, 3) }.lie(1, flip(Phase::Products, later, 2));
    let ends = run.outcome();
    assert!(all_end_by(&ends, &[0, 2], Check::Products), "{}", results(&ends));
    // The first chunk was evaluated and checked before.
    assert!(ends[2].sent(0, Phase::Tables) > 0 && ends[2].sent(0, Phase::Outputs) == 0);
}

/// Attack 17: another Δ towards one peer.
#[test]
fn a_two_faced_delta_is_caught_by_the_zero_test() {
    for (who, to) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let mut seen = 0;
        for seed in 0..10 {
            let two_faced = Some(TwoFaced { who, to, difference: 0xff00 << (seed * 10) });
            let run = Run { two_faced, ..Run::new(seed, 3) }.cheat(who, to, []);
            let ends = run.outcome();
            assert!(all_end_by(&ends, &honest, Check::Products), "{:?}", caught(&ends, &honest));
            let ends = run.ignoring(&[Check::Products]).outcome();
            seen += usize::from(!caught(&ends, &honest).contains(&Some(Check::Products)));
        }
        assert_eq!(seen, 10);
    }
}

/// The low bits of Δ are constants that both ends set: a party that enters others has changed nothing.
#[test]
fn other_low_bits_of_delta_change_nothing() {
    for (who, to) in [(0, 1), (2, 0)] {
        let two_faced = Some(TwoFaced { who, to, difference: 1 });
        let run = Run { two_faced, ..Run::new(3, 3) };
        let ends = run.outcome();
        // The check of the transfers is against the Δ that was entered, and everything else against constants.
        assert!(are_right(&run, &ends, &[0, 1, 2]), "{:?}", caught(&ends, &[0, 1, 2]));
    }
}

/// An error in the zero test's own messages tests a bit of ℓ, and never makes a wrong product right.
#[test]
fn an_error_in_the_zero_test_ends_it_or_does_nothing() {
    let (mut passed, mut ended) = (0, 0);
    for seed in 0..40 {
        let change = flip(Phase::Products, offers() + 16 + 16 * seed as usize, 7);
        let run = Run::new(seed, 3).cheat(2, seed as usize % 2, [change]);
        let ends = run.outcome();
        if are_right(&run, &ends, &[0, 1]) {
            passed += 1;
        } else {
            assert!(all_end_by(&ends, &[0, 1], Check::Products));
            ended += 1;
        }
        // With a false s at the same time it never passes.
        let run = run.lie(2, flip(Phase::Products, 0, seed as usize % total()));
        assert!(all_end_by(&run.outcome(), &[0, 1], Check::Products));
    }
    assert!(passed > 6 && ended > 6, "{passed} passed, {ended} ended");
}

/// A zero test that fails shows the sum of nothing: what is opened differs with what the honest parties drew,
/// though the false candidate, and so the sum of V, is the same.
#[test]
fn a_zero_test_that_fails_opens_noise() {
    let opened = |seed: u64| {
        let run = Run::new(seed, 3).lie(2, flip(Phase::Products, 0, 0));
        let ends = run.outcome();
        let share = |end: &End| {
            let at = offers() + 16 + 2048 + 32;
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&end.records[0].sent[8][at..at + 16]);
            Block::from_bytes(bytes)
        };
        ends.iter().map(share).fold(Block::ZERO, |sum, share| sum ^ share)
    };
    let sums: Vec<u128> = (0..8).map(|seed| opened(seed).to_u128()).collect();
    assert!(sums.iter().all(|sum| *sum != 0));
    let mut distinct = sums.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), sums.len());
    // Honest parties open shares of zero.
    let run = Run::new(1, 3);
    let at = offers() + 16 + 2048 + 32;
    let shares = run.outcome();
    let shares = shares.iter().map(|end| &end.records[0].sent[8][at..at + 16]);
    let sum = shares.fold([0; 16], |sum, share| core::array::from_fn(|i| sum[i] ^ share[i]));
    assert_eq!(sum, [0; 16]);
}

/// Attack 7: a lie in d or f to one, or to all.
#[test]
fn a_lie_in_an_opening_is_caught_by_its_mac() {
    for who in 0..3 {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let mut wrong = 0;
        for bit in 0..layers() * GATES {
            let change = flip(Phase::Products, opened_bits(), bit);
            let one = Run::new(bit as u64, 3).cheat(who, honest[bit % 2], [change]);
            let ends = one.outcome();
            // Who was lied to has other shares from then on, and a garbler checks labels of the evaluator first.
            let is_caught = [Check::Openings, Check::Labels].map(|check| all_end_by(&ends, &honest, check));
            let is_caught = is_caught.contains(&true);
            assert!(is_caught, "{who}, {bit}: {}", results(&ends));
            // To all, and computing as if it were true.
            let mut all = one.cheat(who, honest[(bit + 1) % 2], [change]);
            all.cheats[0].2 = Cheat::consistent([change]);
            let ends = all.outcome();
            assert!(all_end_by(&ends, &honest, Check::Openings), "{who}, {bit}: {}", results(&ends));
            let ignoring = all.ignoring(&[Check::Openings, Check::Values]);
            wrong += usize::from(is_wrong(&ignoring, &ignoring.outcome(), &honest));
        }
        assert!(wrong > 0);
    }
}

/// Attack 1: a garbler garbles another gate.
#[test]
fn an_altered_table_is_unused_or_caught_by_the_values() {
    // Five blocks of each of five gates, and b of P_2.
    for (who, bytes) in [(1, 400 + 1), (2, 400)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let (mut unused, mut caught_by, mut wrong) = (0, 0, 0);
        for at in (0..bytes).step_by(3) {
            let change = Change { phase: Phase::Tables, at, value: 1 << (at % 5) };
            let run = Run::new(at as u64, 3).cheat(who, 0, [change]);
            let ends = run.outcome();
            match ends[0].caught() {
                // Garblers may see labels that they do not expect where their peer spoilt them.
                None if ends[0].result.is_ok() => {
                    assert!(are_right(&run, &ends, &honest));
                    unused += 1;
                }
                Some(Check::Values) => caught_by += 1,
                _ => assert!(caught(&ends, &honest).contains(&Some(Check::Labels))),
            }
            let ignoring = run.ignoring(&[Check::Values, Check::Labels, Check::Outputs]);
            wrong += usize::from(is_wrong(&ignoring, &ignoring.outcome(), &honest));
        }
        assert!(unused > 10 && wrong > 0, "{unused} unused, {caught_by} caught, {wrong} wrong");
    }
}

/// Attack 6: the evaluator reports a false Λ to all.
#[test]
fn a_false_report_is_caught_by_the_labels_before_w_is_sent() {
    for bit in 0..2 * GATES {
        let run = Run::new(bit as u64, 3).lie(0, flip(Phase::Checks, 0, bit));
        let ends = run.outcome();
        assert_eq!(caught(&ends, &[1, 2]).into_iter().filter(|c| *c == Some(Check::Labels)).count(), 2);
        // No garbler has sent more than the comparison and its proof to the other garbler.
        assert!([1, 2].iter().all(|i| ends[*i].sent(0, Phase::Checks) == 32));
        let ends = run.ignoring(&[Check::Labels]).outcome();
        assert!([1, 2].iter().all(|i| ends[*i].sent(0, Phase::Checks) == 32 + 80));
    }
}

/// Σ that the evaluator does not know.
#[test]
fn a_false_sum_of_labels_is_caught_by_its_garbler() {
    for to in [1, 2] {
        let run = Run::new(14, 3).cheat(0, to, [flip(Phase::Checks, CHI + 16 + 32 + 64, 6)]);
        assert_eq!(run.outcome()[to].caught(), Some(Check::Labels));
        let ends = run.clone().ignoring(&[Check::Labels]).outcome();
        assert!(are_right(&run, &ends, &[1, 2]));
    }
}

/// The proofs of each pair: both digests are compared.
#[test]
fn both_digests_of_every_proof_are_compared() {
    const EVALUATOR: usize = CHI + 16 + 32;
    const GARBLER: usize = 32;
    for (who, to, from) in [
        (0, 1, EVALUATOR),
        (0, 2, EVALUATOR),
        (1, 0, GARBLER),
        (2, 0, GARBLER),
        (1, 2, GARBLER),
        (2, 1, GARBLER),
    ] {
        for (at, check) in
            [(0, Check::Openings), (31, Check::Openings), (32, Check::Transcript), (63, Check::Transcript)]
        {
            let run = Run::new(15, 3).cheat(who, to, [flip(Phase::Checks, from + at, 1)]);
            assert_eq!(run.outcome()[to].caught(), Some(check), "{who} to {to}, byte {at}");
        }
    }
}

/// A share of zero is opened as it was committed to: here with another salt, so that the shares still add up.
#[test]
fn a_share_that_was_not_committed_to_is_caught() {
    // Broadcast before the salt: s, c, the commitment, the share.
    let salt = total().div_ceil(8) + 16 + 32 + 16;
    for (who, bit) in [(0, 0), (1, 100), (2, 255)] {
        let honest: Vec<usize> = (0..3).filter(|i| *i != who).collect();
        let run = Run::new(16, 3).lie(who, flip(Phase::Products, salt, bit));
        assert!(all_end_by(&run.outcome(), &honest, Check::Products));
        let run = run.ignoring(&[Check::Products]);
        assert!(are_right(&run, &run.outcome(), &honest), "nothing but the commitment was wrong");
    }
}

/// W of one garbler alone tells nothing: it is masked by pads that only the garblers know.
#[test]
fn a_false_w_is_caught_and_pads_cancel() {
    for who in [1, 2] {
        let run = Run::new(7, 3).cheat(who, 0, [flip(Phase::Checks, 32 + 64, 3)]);
        assert_eq!(run.outcome()[0].caught(), Some(Check::Values));
        let ends = run.clone().ignoring(&[Check::Values]).outcome();
        assert!(are_right(&run, &ends, &[0]));
    }
    // The same session but for a pad: the evaluator sees other W, and the same sum.
    let pad = |run: &Run| {
        let ends = run.outcome();
        [1, 2].map(|i: usize| ends[i].records[0].sent[9][32 + 64..].to_vec())
    };
    let (plain, run) = (pad(&Run::new(7, 3)), Run::new(7, 3).cheat(2, 1, [flip(Phase::Checks, 32 + 64, 3)]));
    let changed = pad(&run);
    assert_ne!(plain[0], changed[0], "the other garbler masks its W with the pad that it heard");
}

/// A party lies about its mask of an output to a learner.
#[test]
fn a_false_mask_of_an_output_is_caught() {
    for (who, to) in [(0, 1), (1, 0), (2, 1)] {
        let run = Run::new(8, 3).cheat(who, to, [flip(Phase::Outputs, 0, 1)]);
        assert_eq!(run.outcome()[to].caught(), Some(Check::Outputs));
        let ignoring = run.ignoring(&[Check::Outputs]);
        assert!(is_wrong(&ignoring, &ignoring.outcome(), &[to]));
    }
}

/// Four parties, of whom two lie together about one candidate to the two others.
#[test]
fn two_that_collude_are_caught_by_the_others() {
    let both = |run: Run| run.lie(0, flip(Phase::Products, 0, 1)).lie(3, flip(Phase::Products, 0, 2));
    let run = both(Run::new(9, 4));
    assert!(all_end_by(&run.outcome(), &[1, 2], Check::Products));
    // Both lies about the same s cancel, and nothing was lied about.
    let run = Run::new(9, 4).lie(0, flip(Phase::Products, 0, 1)).lie(3, flip(Phase::Products, 0, 1));
    assert!(are_right(&run, &run.outcome(), &[1, 2]));
}
