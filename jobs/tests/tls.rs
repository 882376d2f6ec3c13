//! A whole session between two pinned keys over loopback, and one that somebody with both keys puts through.

#![allow(clippy::unwrap_used)]

use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::edge::tls::{Listener, Timeouts, bound, connect};
use sotto_link::Identity;
use sotto_link::pinned::Pinned;
use sotto_mpc::channel::Framed;
use sotto_mpc::programs::Aes128;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, HelloError, Reveal, RunId, SessionError, Terms};
use sotto_mpc::{Channel, Phase};

const RUN: RunId = RunId([9; 32]);

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

/// Parties 2 and 1, connected; each believes to speak to the other.
fn pair() -> (Framed<Pinned>, Framed<Pinned>) {
    let mut listener = Listener::bind("127.0.0.1:0", &identity(1), [identity(2).peer_key()]).unwrap();
    let address = listener.address().unwrap().to_string();
    let timeouts = Timeouts::default();
    let near =
        thread::spawn(move || connect(&address, &identity(2), identity(1).peer_key(), timeouts).unwrap());
    let far = listener.accept(timeouts).unwrap();
    (near.join().unwrap(), far)
}

fn terms(channel: &Framed<Pinned>) -> Terms {
    Terms { run: bound(RUN, channel), ..Terms::new(Reveal::Both) }
}

type Outcome = Result<Option<Vec<bool>>, SessionError>;

fn garble(channel: Framed<Pinned>, bits: &[bool]) -> Outcome {
    let (terms, rng) = (terms(&channel), &mut ChaCha20Rng::seed_from_u64(1));
    let ready = Garbler::new(channel, &Aes128, terms).hello(rng)?.set_up(rng)?;
    Ok(ready.execute(&bits.into(), rng)?.1)
}

fn evaluate(channel: Framed<Pinned>, bits: &[bool]) -> Outcome {
    let (terms, rng) = (terms(&channel), &mut ChaCha20Rng::seed_from_u64(2));
    let ready = Evaluator::new(channel, &Aes128, terms).hello(rng)?.set_up(rng)?;
    Ok(ready.execute(&bits.into())?.1)
}

#[test]
fn a_session_over_tls_ends_with_the_answer() {
    let (near, far) = pair();
    let garbler = thread::spawn(move || garble(near, &[false; 128]).unwrap());
    let evaluated = evaluate(far, &[false; 128]).unwrap().unwrap();
    assert_eq!(garbler.join().unwrap().unwrap(), evaluated);
    // AES-128 of zeros under zeros; 16 bytes in the order of FIPS 197, each lowest bit first.
    let first: Vec<u8> =
        evaluated.chunks(8).take(4).map(|b| (0..8).map(|i| u8::from(b[i]) << i).sum()).collect();
    assert_eq!(first, [0x66, 0xe9, 0x4b, 0xd4]);
}

#[test]
fn a_session_put_through_between_two_connections_ends_before_it_begins() {
    let ((near, mut between), (mut onwards, far)) = (pair(), pair());
    let garbler = thread::spawn(move || garble(near, &[false; 128]));
    let evaluator = thread::spawn(move || evaluate(far, &[false; 128]));
    // Both hellos, word for word.
    let hello = |from: &mut Framed<Pinned>, to: &mut Framed<Pinned>| {
        let mut bytes = [0; 4096];
        let n = from.receive_some(Phase::Hello, &mut bytes).unwrap();
        to.send(Phase::Hello, &bytes[..n]).unwrap();
        to.flush().unwrap();
    };
    hello(&mut between, &mut onwards);
    hello(&mut onwards, &mut between);
    for side in [garbler, evaluator] {
        assert_eq!(side.join().unwrap(), Err(SessionError::Hello(HelloError::Run)));
    }
}
