//! Peers that hang up, send garbage, or deviate: the result is an error or the right outputs.

use super::*;

/// Positions in the sender's stream: code, seed, points, answer, then challenges.
const POINTS: usize = 34;
const ANSWER: usize = POINTS + 32 * 128;
/// Positions in the receiver's stream: z, offers, χ, proof, sums, digest, then corrections.
const OFFERS: usize = 32;
const CHI: usize = OFFERS + 32 * 128;
const SUMS: usize = CHI + 32 * 128 + 32;

const MALICIOUS: Options =
    Options { depth: TreeDepth::Two, adversary: Adversary::Malicious, expansion: Expansion::None };
/// Transfers in a session below, in one call.
const N: usize = 200;
/// Bytes of corrections of one tree, with the sacrificed transfers.
const TREE: usize = 3 * 16;

type Outcome = (Result<Vec<Block>, OtError>, Result<Vec<Block>, OtError>);

/// One session of one call, with either party's stream changed.
fn session(
    options: Options,
    change_sender: impl FnOnce(&mut Tap) + Send,
    change_receiver: impl FnOnce(&mut Tap) + Send,
) -> Outcome {
    run(
        |ch| {
            change_sender(ch);
            Sender::setup_with(ch, &SID, &delta(), options, &mut rng(2))?.send_correlated(ch, N)
        },
        |ch| {
            change_receiver(ch);
            Receiver::setup_with(ch, &SID, options, &mut rng(3))?.receive_correlated(ch, &bits(N, 4))
        },
    )
}

fn honest(_: &mut Tap) {}

fn assert_right_or_refused((q, t): &Outcome) {
    if let (Ok(q), Ok(t)) = (q, t) {
        assert!(*t == ideal(q, &bits(N, 4), &delta()));
    }
}

/// Whether the bits of `Δ` that tree `i` covers are zero.
fn tree_bits_are_zero(i: usize) -> bool {
    delta().block().to_u128() >> (2 * i) & 3 == 0
}

#[test]
fn invalid_points_and_the_identity_are_refused() {
    for value in [0x00, 0xff] {
        for point in [0, 77, 127] {
            let at = POINTS + 32 * point;
            let (_, t) = session(MALICIOUS, |ch| ch.overwrite(at, at + 32, value), honest);
            assert_eq!(t, Err(OtError::Point));
        }
        let (q, _) = session(MALICIOUS, honest, |ch| ch.overwrite(0, 32, value));
        assert_eq!(q, Err(OtError::Point));
    }
}

#[test]
fn hanging_up_anywhere_is_an_error_of_the_channel() {
    for options in [Options::default(), MALICIOUS] {
        for cut in [0, 1, 40, ANSWER - 1] {
            let (q, t) = session(options, |ch| ch.cut(cut), honest);
            assert!(matches!(q, Err(OtError::Channel(_))));
            assert!(matches!(t, Err(OtError::Channel(ChannelError::Closed { .. }))));
        }
        for cut in [0, 31, 33, CHI - 1, CHI + 1] {
            let (q, _) = session(options, honest, |ch| ch.cut(cut));
            assert!(matches!(q, Err(OtError::Channel(ChannelError::Closed { .. }))));
        }
    }
}

#[test]
fn any_changed_byte_is_harmless_or_refused() {
    for start in (0..ANSWER + 32 + 16).step_by(83) {
        assert_right_or_refused(&session(MALICIOUS, |ch| ch.flip(start, 0x10), honest));
    }
    let end = SUMS + 64 * 32 + 64 + 64 * TREE + 8 + 64 * 16;
    for start in (0..end).step_by(197) {
        assert_right_or_refused(&session(MALICIOUS, honest, |ch| ch.flip(start, 0x10)));
    }
}

#[test]
fn garbage_does_not_panic() {
    for options in all_options() {
        for start in [2, POINTS - 1, ANSWER] {
            let garbled = |ch: &mut Tap| ch.overwrite(start, usize::MAX, 0x5a);
            let (_, t) = session(options, garbled, honest);
            assert!(t.is_err() || options.adversary == Adversary::SemiHonest);
        }
        for start in [32, CHI, SUMS] {
            let garbled = |ch: &mut Tap| ch.overwrite(start, usize::MAX, 0xa5);
            let (q, _) = session(options, honest, garbled);
            assert!(q.is_err() || options.adversary == Adversary::SemiHonest);
        }
    }
}

/// An offer that comes from no tree is noticed exactly if it is taken: the receiver guesses a bit of `Δ`, and
/// is caught if the guess is wrong.
#[test]
fn false_offers_are_caught_when_taken() {
    for p in [0, 1, 64, 100, 127] {
        for side in [false, true] {
            let at = OFFERS + 32 * p + 16 * usize::from(side);
            let (q, _) = session(MALICIOUS, honest, |ch| ch.flip(at, 1));
            let taken = (delta().block().to_u128() >> p & 1 == 1) == side;
            assert_eq!(q.err(), taken.then_some(OtError::Check));
        }
    }
}

#[test]
fn a_false_challenge_proof_or_sum_is_refused() {
    for at in [CHI + 32 * 128, SUMS, SUMS + 64 * 32, SUMS + 64 * 32 + 63] {
        let (q, t) = session(MALICIOUS, honest, |ch| ch.flip(at, 0x80));
        assert_eq!(q, Err(OtError::Check));
        assert!(matches!(t, Err(OtError::Channel(_))));
    }
}

/// χ_i enters the answer only where the choice is 1, so a false one tests a guess of one bit.
#[test]
fn a_false_challenge_is_refused_where_the_choice_is_one() {
    for i in 0..16 {
        let (q, _) = session(MALICIOUS, honest, |ch| ch.flip(CHI + 32 * i, 1));
        let chosen = delta().block().to_u128() >> i & 1 == 1;
        assert_eq!(q.err(), chosen.then_some(OtError::Check));
    }
}

#[test]
fn a_false_answer_to_the_challenge_is_refused() {
    for at in [ANSWER, ANSWER + 31] {
        let (_, t) = session(MALICIOUS, |ch| ch.flip(at, 1), honest);
        assert_eq!(t, Err(OtError::Check));
    }
}

/// Different choices in one tree change the sender's outputs, unless its bits of `Δ` are zero: then the
/// outputs are right, and pass.
#[test]
fn different_choices_in_one_tree_are_caught() {
    let corrections = SUMS + 64 * 32 + 64;
    for tree in (0..64).step_by(5) {
        for byte in [0, 24, 32] {
            let at = corrections + TREE * tree + byte;
            let outcome = session(MALICIOUS, honest, |ch| ch.flip(at, 1));
            let caught = (!tree_bits_are_zero(tree)).then_some(OtError::Check);
            assert_eq!(outcome.0.as_ref().err(), caught.as_ref());
        }
    }
    assert!((0..64).step_by(5).any(tree_bits_are_zero));
}

#[test]
fn a_false_answer_about_the_rows_is_refused() {
    let answer = SUMS + 64 * 32 + 64 + 64 * TREE;
    for at in [answer, answer + 7, answer + 8, answer + 8 + 16 * 64 - 1] {
        let (q, _) = session(MALICIOUS, honest, |ch| ch.flip(at, 0x40));
        assert_eq!(q, Err(OtError::Check));
    }
}

#[test]
fn another_session_or_other_options_do_not_mix() {
    let mixed = |ours: Options, theirs: Options, their_sid: SessionId| {
        run(
            move |ch| Sender::setup_with(ch, &SID, &delta(), ours, &mut rng(2))?.send_correlated(ch, N),
            move |ch| {
                Receiver::setup_with(ch, &their_sid, theirs, &mut rng(3))?.receive_correlated(ch, &bits(N, 4))
            },
        )
    };
    let other = SessionId([8; 32]);
    let (q, t) = mixed(Options::default(), Options::default(), other);
    let expected = ideal(&q.unwrap(), &bits(N, 4), &delta());
    assert!(t.unwrap().iter().zip(&expected).all(|(t, expected)| t != expected));
    assert_eq!(mixed(MALICIOUS, MALICIOUS, other).0, Err(OtError::Check));
    let four = Options { depth: TreeDepth::Four, ..MALICIOUS };
    assert_eq!(mixed(MALICIOUS, four, SID).1, Err(OtError::Options));
    assert_eq!(mixed(MALICIOUS, Options::default(), SID).1, Err(OtError::Options));
}

#[test]
fn after_a_failure_the_session_is_spent() {
    let ((first, second), _) = run(
        |ch| {
            let mut sender = Sender::setup_with(ch, &SID, &delta(), MALICIOUS, &mut rng(2)).unwrap();
            let first = sender.send_correlated(ch, N);
            (first, sender.send_random(ch, N))
        },
        |ch| {
            ch.flip(SUMS + 64 * 32 + 64 + 64 * TREE, 1);
            let mut receiver = Receiver::setup_with(ch, &SID, MALICIOUS, &mut rng(3)).unwrap();
            receiver.receive_correlated(ch, &bits(N, 4)).unwrap();
        },
    );
    assert_eq!(first, Err(OtError::Check));
    assert_eq!(second, Err(OtError::Spent));
}

#[test]
fn a_peer_that_leaves_while_messages_are_sent_spends_the_session() {
    let (_, (first, second)) = run(
        |ch| {
            let mut sender = Sender::setup(ch, &SID, &delta(), &mut rng(2)).unwrap();
            ch.cut(ch.sent.len() + 16 + 32 + 5);
            sender.send_messages(ch, &[[Block::ZERO; 2]; 3]).unwrap_err();
        },
        |ch| {
            let mut receiver = Receiver::setup(ch, &SID, &mut rng(3)).unwrap();
            let first = receiver.receive_messages(ch, &[true; 3]);
            (first, receiver.receive_random(ch, 1))
        },
    );
    assert!(matches!(first, Err(OtError::Channel(_))));
    assert_eq!(second, Err(OtError::Spent));
}
