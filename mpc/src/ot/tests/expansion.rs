//! Expanded transfers: honest parties over several rounds, deviating ones, and the bytes on the wire.

use super::transcripts::{bias, transcript};
use super::*;

const SEMI_HONEST: Options = expanded(Expansion::K16, Adversary::SemiHonest);
const MALICIOUS: Options = expanded(Expansion::K16, Adversary::Malicious);

const fn expanded(expansion: Expansion, adversary: Adversary) -> Options {
    Options { depth: TreeDepth::Eight, expansion, adversary }
}

/// Bytes of the sender's message for a tree of the first round: ten pairs, and ψ.
const TREE: usize = 10 * 32 + 16;
/// Bytes of the sender's message: S, then the trees.
const ROUND: usize = 16 + 850 * TREE;
/// Outputs of the first round that are not kept for the next one, which takes k, t·h and 64 transfers.
const FIRST: usize = 850 * 1024 - (65_536 + 8_500 + 64);

/// One session of one call over dealt transfers, with either party's stream changed.
fn session(
    options: Options,
    n: usize,
    change_sender: impl FnOnce(&mut Tap) + Send,
    change_receiver: impl FnOnce(&mut Tap) + Send,
) -> (Result<Vec<Block>, OtError>, Result<Vec<Block>, OtError>) {
    let (mut sender, mut receiver) = dealt(&delta(), options, &mut rng(9));
    run(
        |ch| {
            change_sender(ch);
            sender.send_correlated(ch, n)
        },
        |ch| {
            change_receiver(ch);
            receiver.receive_correlated(ch, &bits(n, 4))
        },
    )
}

fn honest(_: &mut Tap) {}

/// Where the sender's message begins in its stream: after the challenge of the transfers of the trees.
const START: usize = 16;

/// Calls of these sizes, of chosen and of random choices in turn, are as ideal.
fn assert_ideal(options: Options, sizes: &[usize]) {
    let (mut sender, mut receiver) = dealt(&delta(), options, &mut rng(9));
    let (sent, received) = run(
        |ch| {
            let calls = sizes.iter().enumerate();
            let calls = calls.map(|(call, n)| match call % 2 {
                0 => sender.send_correlated(ch, *n).unwrap(),
                _ => sender.send_random(ch, *n).unwrap(),
            });
            calls.collect::<Vec<_>>()
        },
        |ch| {
            let calls = sizes.iter().enumerate();
            let calls = calls.map(|(call, n)| match call % 2 {
                0 => {
                    let x = bits(*n, 5);
                    let t = receiver.receive_correlated(ch, &x).unwrap();
                    (x, t)
                }
                _ => receiver.receive_random(ch, *n).unwrap(),
            });
            calls.collect::<Vec<_>>()
        },
    );
    for ((n, q), (x, t)) in sizes.iter().zip(&sent).zip(&received) {
        assert_eq!((q.len(), x.len(), t.len()), (*n, *n, *n));
        assert!(*t == ideal(q, x, &delta()), "{options:?}: a call for {n}");
    }
}

#[test]
fn transfers_are_as_ideal_within_a_round_and_over_several() {
    for options in [SEMI_HONEST, MALICIOUS] {
        assert_ideal(options, &[0, 0, 1, 1, 127, 129, FIRST - 300, 100, 800_000, 800_000, 5, 5]);
    }
}

/// The second round has the parameters of the options.
#[test]
fn all_parameters_serve() {
    for expansion in [Expansion::K17, Expansion::K18, Expansion::K19] {
        let keep = expansion.parameters().unwrap().taken(64);
        assert_ideal(expanded(expansion, Adversary::Malicious), &[5, 850 * 1024 - keep, 20_000]);
    }
}

/// A real set-up, messages, and a sender whose Δ is even, as the evaluator of the malicious protocol has: outputs
/// differ from the ideal in bit 0 alone, which that protocol sets.
#[test]
fn a_real_set_up_is_expanded_and_only_bit_zero_is_fixed() {
    let even = Delta::random_ending(0b10, &mut rng(6));
    let pairs: Vec<[Block; 2]> = (0..300).map(|i| [Block::new(2 * i), Block::new(2 * i + 1)]).collect();
    let (q, (x, t, chosen)) = run(
        |ch| {
            let mut sender = Sender::setup_with(ch, &SID, &even, MALICIOUS, &mut rng(2)).unwrap();
            let q = sender.send_random(ch, 500).unwrap();
            sender.send_messages(ch, &pairs).unwrap_or_else(|e| panic!("{e}"));
            q
        },
        |ch| {
            let mut receiver = Receiver::setup_with(ch, &SID, MALICIOUS, &mut rng(3)).unwrap();
            let (x, t) = receiver.receive_random(ch, 500).unwrap();
            (x, t, receiver.receive_messages(ch, &bits(300, 4)).unwrap())
        },
    );
    for ((q, t), x) in q.iter().zip(&t).zip(&x) {
        let odd = even.block().with_lsb(true);
        assert!(*t == *q ^ odd.masked(*x));
        assert_eq!((q.lsb(), t.lsb()), (false, *x));
    }
    assert_eq!(chosen.len(), pairs.len());
}

#[test]
fn messages_are_the_chosen_ones() {
    let pairs: Vec<[Block; 2]> = (0..300).map(|i| [Block::new(2 * i), Block::new(2 * i + 1)]).collect();
    let (mut sender, mut receiver) = dealt(&delta(), MALICIOUS, &mut rng(9));
    let (_, chosen) = run(
        |ch| sender.send_messages(ch, &pairs).unwrap(),
        |ch| receiver.receive_messages(ch, &bits(300, 4)).unwrap(),
    );
    let expected = bits(300, 4).into_iter().zip(&pairs).map(|(x, pair)| pair[usize::from(x)]);
    assert!(chosen == expected.collect::<Vec<_>>());
}

#[test]
fn no_output_repeats_over_rounds() {
    const N: usize = FIRST + 850_000;
    let (mut sender, mut receiver) = dealt(&delta(), SEMI_HONEST, &mut rng(9));
    let (q, (x, _)) =
        run(|ch| sender.send_random(ch, N).unwrap(), |ch| receiver.receive_random(ch, N).unwrap());
    let mut values: Vec<u128> = q.iter().map(|q| q.to_u128()).collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), N);
    // The choices look random: as often one as zero, alone and beside each other.
    let ones = x.iter().filter(|x| **x).count() as f64;
    let pairs = x.windows(2).filter(|pair| pair[0] & pair[1]).count() as f64;
    let n = N as f64;
    assert!((ones - n / 2.0).abs() < 5.0 * (n / 4.0).sqrt(), "{ones}");
    assert!((pairs - n / 4.0).abs() < 5.0 * n.sqrt(), "{pairs}");
}

/// S and the trees, and one bit of correction for each chosen bit.
#[test]
fn a_round_takes_the_bytes_of_its_formula() {
    let (mut sender, mut receiver) = dealt(&delta(), SEMI_HONEST, &mut rng(9));
    let calls = |ch: &mut Tap, call: &mut dyn FnMut(&mut Tap, usize)| {
        [1, FIRST - 1, 790_000, 8, 80].map(|n| {
            let before = ch.sent.len();
            call(ch, n);
            ch.sent.len() - before
        })
    };
    let (sent, received) = run(
        |ch| calls(ch, &mut |ch, n| drop(sender.send_correlated(ch, n).unwrap())),
        |ch| calls(ch, &mut |ch, n| drop(receiver.receive_correlated(ch, &vec![true; n]).unwrap())),
    );
    let trees = 15 * 16 * (65_536 + 8_500usize).div_ceil(128);
    assert_eq!(sent, [ROUND, 0, ROUND, 0, 0]);
    assert_eq!(received, [trees + 1, (FIRST - 1).div_ceil(8), 790_000 / 8, 1, 10]);
}

#[test]
fn bytes_are_as_said() {
    for (expansion, most) in
        [(Expansion::K16, 0.36), (Expansion::K17, 0.192), (Expansion::K18, 0.11), (Expansion::K19, 0.056)]
    {
        let p = expansion.parameters().unwrap();
        let bytes = p.message() as f64 / (p.outputs() - p.taken(64)) as f64;
        assert!((most - 0.02..most).contains(&bytes), "{expansion:?}: {bytes}");
    }
    assert_eq!(Expansion::K16.parameters().unwrap().message(), ROUND);
}

/// A wrong M_b is noticed exactly if the receiver takes it: of the two of a level, one. (Bit 0 of the last level does
/// not matter: leaves have none.)
#[test]
fn a_false_message_of_a_level_is_caught_where_it_is_taken() {
    let mut sides = [0; 2];
    for (tree, level) in [(0, 0), (0, 9), (1, 3), (400, 5), (849, 0), (849, 9), (33, 7), (77, 1)] {
        let caught = [0, 1].map(|side| {
            let at = START + 16 + TREE * tree + 32 * level + 16 * side;
            let (q, t) = session(MALICIOUS, 200, |ch| ch.flip(at, 2), honest);
            match t {
                Ok(t) => assert!(t == ideal(&q.unwrap(), &bits(200, 4), &delta())),
                Err(error) => {
                    assert_eq!(error, OtError::Check);
                    return true;
                }
            }
            false
        });
        assert!(caught[0] != caught[1], "tree {tree}, level {level}");
        sides[usize::from(caught[1])] += 1;
    }
    assert!(sides.iter().all(|n| *n > 0), "paths go to both sides");
}

/// A wrong ψ, or a whole tree under another Δ, is always noticed, also in the bit that all Δ have.
#[test]
fn a_false_last_block_is_caught() {
    for tree in [0, 1, 500, 849] {
        for (byte, bit) in [(0, 1), (0, 2), (15, 0x80)] {
            let at = START + 16 + TREE * tree + 320 + byte;
            let (_, t) = session(MALICIOUS, 200, |ch| ch.flip(at, bit), honest);
            assert_eq!(t, Err(OtError::Check));
        }
    }
}

#[test]
fn a_false_proof_or_challenge_is_refused() {
    for byte in [0, 31] {
        let (_, t) = session(MALICIOUS, 200, |ch| ch.flip(START + ROUND + byte, 4), honest);
        assert_eq!(t, Err(OtError::Check));
    }
    // The receiver's challenge and d, after the corrections of the trees of the extension and their answer.
    let corrections = 15 * 16 * (65_536 + 8_500 + 64 + 64usize).div_ceil(128) + 8 + 64 * 16;
    for byte in [0, 15, 16, 23] {
        let (_, t) = session(MALICIOUS, 200, honest, |ch| ch.flip(corrections + byte, 1));
        assert_eq!(t, Err(OtError::Check));
    }
}

#[test]
fn any_changed_byte_is_harmless_or_refused() {
    for start in (0..START + ROUND + 32).step_by(6_007) {
        let (q, t) = session(MALICIOUS, 200, |ch| ch.flip(start, 0x10), honest);
        if let (Ok(q), Ok(t)) = (q, t) {
            assert!(t == ideal(&q, &bits(200, 4), &delta()));
        }
    }
}

#[test]
fn hanging_up_or_garbage_is_an_error_and_spends_the_session() {
    for cut in [START, START + 15, START + 1000, START + ROUND - 1, START + ROUND + 31] {
        let (_, t) = session(MALICIOUS, 200, |ch| ch.cut(cut), honest);
        assert!(matches!(t, Err(OtError::Channel(_))));
    }
    let (mut sender, mut receiver) = dealt(&delta(), MALICIOUS, &mut rng(9));
    let (_, results) = run(
        |ch| {
            ch.overwrite(START, usize::MAX, 0x5a);
            sender.send_random(ch, 200)
        },
        |ch| [receiver.receive_random(ch, 200).err(), receiver.receive_random(ch, 200).err()],
    );
    assert_eq!(results, [Some(OtError::Check), Some(OtError::Spent)]);
}

#[test]
fn parties_with_other_expansions_do_not_mix() {
    for theirs in [Expansion::None, Expansion::K17] {
        let (_, t) = run(
            |ch| Sender::setup_with(ch, &SID, &delta(), MALICIOUS, &mut rng(2))?.send_correlated(ch, 1),
            |ch| {
                let options = Options { expansion: theirs, ..MALICIOUS };
                Receiver::setup_with(ch, &SID, options, &mut rng(3))?.receive_correlated(ch, &[true])
            },
        );
        assert_eq!(t, Err(OtError::Options));
    }
}

#[test]
fn corrections_do_not_show_choices() {
    const N: usize = 1 << 16;
    for choice in [|_| false, |_| true, |i| i % 3 == 0] {
        let x: Vec<bool> = (0..N).map(choice).collect();
        let (mut sender, mut receiver) = dealt(&delta(), SEMI_HONEST, &mut rng(9));
        let (_, sent) = run(
            |ch| drop(sender.send_correlated(ch, N).unwrap()),
            |ch| {
                receiver.receive_correlated(ch, &x).unwrap();
                ch.sent.split_off(ch.sent.len() - N / 8)
            },
        );
        assert!(bias(&sent, &x).abs() < 4.5);
    }
}

/// Any change of the wire format or of the outputs shows here.
#[test]
fn transcripts_are_known() {
    let hex = |hash: [u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let found = [SEMI_HONEST, MALICIOUS].map(|options| hex(transcript(options)));
    assert_eq!(
        found,
        [
            "b46804fc3149fac63198e6d92b2182fddb731dc034655d4c7ef6c488985f5eca",
            "381610d9149cba814383f770523bc02398417791f88d4404b1c554869009f96a",
        ]
    );
}
