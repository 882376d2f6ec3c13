//! The bytes on the wire: known answers, and independence of the choices.

use sha2::{Digest, Sha256};

use super::*;

/// All bytes both parties send under fixed seeds, and the first outputs.
pub(super) fn transcript(options: Options) -> [u8; 32] {
    let ((sent, q), received) = run(
        |ch| {
            let mut sender = Sender::setup_with(ch, &SID, &delta(), options, &mut rng(2)).unwrap();
            let mut q = sender.send_correlated(ch, 150).unwrap();
            q.extend(sender.send_random(ch, 150).unwrap());
            sender.send_messages(ch, &[[Block::new(1), Block::new(2)]; 3]).unwrap();
            (core::mem::take(&mut ch.sent), q)
        },
        |ch| {
            let mut receiver = Receiver::setup_with(ch, &SID, options, &mut rng(3)).unwrap();
            receiver.receive_correlated(ch, &bits(150, 4)).unwrap();
            receiver.receive_random(ch, 150).unwrap();
            receiver.receive_messages(ch, &bits(3, 4)).unwrap();
            core::mem::take(&mut ch.sent)
        },
    );
    let mut hash = Sha256::new();
    hash.update(sent);
    hash.update(received);
    for q in q {
        hash.update(q.to_bytes());
    }
    hash.finalize().into()
}

/// Any change of the wire format or of the outputs shows here.
#[test]
fn transcripts_are_known() {
    let hex = |hash: [u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let found: Vec<_> = all_options().map(|options| hex(transcript(options))).collect();
    let known = [
        "6e431e9ea5a28ea9acdd0ebda8d488b9cb1812db1ab3e3bb784337332c7c018f",
        "ca4ac189a47426a2f7f3ead48b54431bcde5b22d332a59d80fa259ad312e88a1",
        "333a3a8b54d408966d708a3af469a2f00f09e9b88b82d75c71c218872fb32a35",
        "cd0adf47afc2f854907687fe4c07e4b3c3538f5d48fc3feaa47f68ffc5d7468c",
        "093372cf8d09f862dccf7f4aa9ab8009850d709b01d71b529175ee0e2b96ae9e",
        "c09b6b1064e82249fe95a3a361f3f3aa7741ecb03b82b0b466ae42baf84d1482",
    ];
    assert_eq!(found, known);
}

/// The corrections of one call, and the choices behind them.
fn corrections(choice: fn(usize) -> bool) -> (Vec<u8>, Vec<bool>) {
    const N: usize = 1 << 13;
    let x: Vec<bool> = (0..N).map(choice).collect();
    let (_, sent) = run(
        |ch| {
            let mut sender = Sender::setup(ch, &SID, &delta(), &mut rng(2)).unwrap();
            sender.send_correlated(ch, N).unwrap();
        },
        |ch| {
            let mut receiver = Receiver::setup(ch, &SID, &mut rng(3)).unwrap();
            let before = ch.sent.len();
            receiver.receive_correlated(ch, &x).unwrap();
            ch.sent.split_off(before)
        },
    );
    (sent, x)
}

/// How many standard deviations the agreement of the corrections with the choices is away from one half.
pub(super) fn bias(corrections: &[u8], x: &[bool]) -> f64 {
    let bits = corrections.iter().flat_map(|byte| (0..8).map(move |j| byte >> j & 1 == 1));
    let agree = bits.zip(x.iter().cycle()).filter(|(d, x)| d == *x).count();
    let n = 8.0 * corrections.len() as f64;
    (agree as f64 - n / 2.0) / (n / 4.0).sqrt()
}

#[test]
fn corrections_do_not_show_choices() {
    for choice in [|_| false, |_| true, |i| i % 3 == 0, |i: usize| i.count_ones() % 2 == 1] {
        let (sent, x) = corrections(choice);
        assert_eq!(sent.len(), 64 * x.len() / 8);
        for tree in sent.chunks(x.len() / 8) {
            assert!(bias(tree, &x).abs() < 4.5);
        }
        assert!(bias(&sent, &x).abs() < 4.5);
        // The test notices bare choices, and corrections under one mask for all trees.
        let mut bare = sent.clone();
        for (i, bit) in x.iter().enumerate().take(x.len() / 8) {
            bare[i / 8] = bare[i / 8] & !(1 << (i % 8)) | u8::from(*bit) << (i % 8);
        }
        assert!(bias(&bare[..x.len() / 8], &x).abs() > 4.5);
    }
}

/// The choices of padding and sacrificed transfers come from tree 0: they are random and secret.
#[test]
fn the_answer_about_the_rows_is_masked_by_random_choices() {
    const N: usize = 100;
    let options = Options { adversary: Adversary::Malicious, ..Options::default() };
    let (_, calls) = run(
        |ch| {
            let mut sender = Sender::setup_with(ch, &SID, &delta(), options, &mut rng(2)).unwrap();
            sender.send_correlated(ch, N).unwrap();
            sender.send_correlated(ch, N).unwrap();
        },
        |ch| {
            let mut receiver = Receiver::setup_with(ch, &SID, options, &mut rng(3)).unwrap();
            [(); 2].map(|()| {
                let before = ch.sent.len();
                receiver.receive_correlated(ch, &[false; N]).unwrap();
                ch.sent.split_off(before)
            })
        },
    );
    let answers = calls.map(|sent| {
        // Two blocks of 128 in each of 64 trees, then `R·x`; with `x = 0` it is the mask alone.
        let (tree_0, answer) = (&sent[..32], &sent[64 * 32..][..8]);
        assert!(tree_0[..N / 8].iter().any(|byte| *byte != 0));
        assert_eq!(tree_0[N.div_ceil(8)..], [0; 32 - N.div_ceil(8)]);
        u64::from_le_bytes(answer.try_into().unwrap())
    });
    for word in [answers[0], answers[1], answers[0] ^ answers[1]] {
        assert!((12..=52).contains(&word.count_ones()));
    }
}
