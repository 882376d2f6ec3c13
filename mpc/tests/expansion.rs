//! Semi-honest sessions whose transfers are expanded.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::channel::memory_pair;
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::semi_honest::{HelloError, Reveal, SessionError, Terms};
use sotto_mpc::{Bits, Program as _};
use support::{Pieces, both};

type Output = Result<Option<Vec<bool>>, SessionError>;

fn bits(n: usize) -> Vec<bool> {
    (0..n).map(|i| (i * i / 7 + i) % 5 < 2).collect()
}

fn session(n: usize, expansions: [Expansion; 2]) -> [Output; 2] {
    let [ours, theirs] = [vec![true], bits(n)].map(|bits| Bits::from(&bits[..]));
    let (near, far) = memory_pair();
    let job = (&Pieces(n), Terms::new(Reveal::Both));
    both([near, far], job, expansions, [&ours, &theirs]).map(|ended| Ok(ended?.1))
}

/// The first round gives 796,000 labels, or 321,000 before one of the largest parameters.
#[test]
fn inputs_over_several_rounds_give_the_plain_output() {
    for (n, expansion) in [(5, Expansion::K17), (900_000, Expansion::K16), (400_000, Expansion::K19)] {
        let expected = Pieces(n).compute(&[true], &bits(n));
        for output in session(n, [expansion; 2]) {
            assert_eq!(output, Ok(Some(expected.clone())));
        }
    }
}

#[test]
fn a_peer_that_wants_another_expansion_is_refused() {
    for theirs in [Expansion::None, Expansion::K17] {
        let [ours, _] = session(5, [Expansion::K16, theirs]);
        let theirs = 1 | (theirs as u8) << 4;
        assert_eq!(ours, Err(SessionError::Hello(HelloError::Suite { ours: 0x11, theirs })));
    }
}

/// The peak of this process's resident memory, in megabytes; `None` where the system does not tell.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Both parties of eight million transfers in this process: seeds of two rounds and what is kept of trees, twice. The
/// outputs of one round alone would be 250 MB.
#[test]
fn memory_is_that_of_the_seeds_and_not_of_the_outputs() {
    use sotto_mpc::channel::Channel as _;
    use sotto_mpc::ot::{Adversary, Options, Receiver, Sender, SessionId, TreeDepth};
    let Some(before) = peak() else { return };
    let (sid, (mut near, mut far)) = (SessionId([1; 32]), memory_pair());
    let options =
        Options { depth: TreeDepth::Eight, expansion: Expansion::K19, adversary: Adversary::Malicious };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let delta = sotto_mpc::Delta::random(rng);
            let mut sender = Sender::setup_with(&mut near, &sid, &delta, options, rng).unwrap();
            (0..80).for_each(|_| drop(sender.send_random(&mut near, 100_000).unwrap()));
            near.flush().unwrap();
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let mut receiver = Receiver::setup_with(&mut far, &sid, options, rng).unwrap();
        (0..80).for_each(|_| drop(receiver.receive_random(&mut far, 100_000).unwrap()));
    });
    let (found, said) = (peak().unwrap() - before, 2.0 * Expansion::K19.memory() as f64 / 1048576.0);
    println!("{found:.1} MB, and {said:.1} MB are said");
    // What tests beside this one take, and labels on their way, is counted too.
    assert!(found < said + 60.0, "{found} MB, and {said} MB are said");
}
