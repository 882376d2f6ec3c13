//! Damage on the line, and parties that die: the right output or an error, and nobody waits.

use super::*;
use crate::channel::ChannelError;

/// A channel that changes one byte of what is sent, after the sender has hashed it, or that ends.
struct Faulty {
    inner: Option<Framed<Pipe>>,
    change: Option<Change>,
    sent: [usize; 10],
    /// Sends until the channel ends.
    left: usize,
}

impl Faulty {
    fn live(&mut self, phase: Phase) -> Result<&mut Framed<Pipe>, ChannelError> {
        self.inner.as_mut().ok_or(ChannelError::Closed { phase })
    }
}

impl Channel for Faulty {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        if self.left == 0 {
            self.inner = None;
        }
        self.left = self.left.saturating_sub(1);
        let (at, mut bytes) = (&mut self.sent[usize::from(phase.code())], bytes.to_vec());
        self.change.iter().for_each(|change| change.apply(phase, *at, &mut bytes));
        *at += bytes.len();
        self.live(phase)?.send(phase, &bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.live(Phase::Hello)?.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.live(phase)?.receive_some(phase, into)
    }
}

fn mesh(parties: usize) -> Vec<Vec<Faulty>> {
    let faulty = |inner| Faulty { inner: Some(inner), change: None, sent: [0; 10], left: usize::MAX };
    memory_mesh(parties).into_iter().map(|channels| channels.into_iter().map(faulty).collect()).collect()
}

/// Flips one byte in every `step`, beginning with another in each phase.
fn flip_bytes(step: usize) {
    let run = Run::new(7, 3);
    let expected = Ok(Some(run.program.expected()));
    let honest = run.outcome();
    let mut ended = 0;
    for me in 0..3 {
        for link in 0..2 {
            for phase in Phase::ALL {
                let length = honest[me].records[link].sent(phase);
                for at in ((me + link) % step..length).step_by(step) {
                    let mut mesh = mesh(3);
                    mesh[me][link].change = Some(Change { phase, at, value: 1 << (at % 8) });
                    let ends = run.outcome_over(mesh);
                    assert!(ends.iter().all(|end| end.result.is_err() || end.result == expected));
                    // Only tables may go unnoticed, where a row is not used.
                    let noticed = ends.iter().any(|end| end.result.is_err());
                    assert!(noticed || phase == Phase::Tables, "{phase:?}, byte {at} of {me} on link {link}");
                    ended += usize::from(noticed);
                }
            }
        }
    }
    assert!(ended > 400, "{ended} ended");
}

#[test]
fn flipped_bytes_give_the_right_output_or_an_error() {
    flip_bytes(61);
}

/// `cargo test -p sotto-mpc --release --lib -- --ignored every_flipped_byte_of_three`
#[test]
#[ignore = "minutes"]
fn every_flipped_byte_of_three_parties_gives_the_right_output_or_an_error() {
    flip_bytes(1);
}

/// A party whose channels end after any of its messages leaves the others with an error or the output.
#[test]
fn a_party_that_dies_after_any_message_ends_the_others() {
    let run = Run { chunk: 3, ..Run::new(6, 3) };
    let expected = Ok(Some(run.program.expected()));
    for me in 0..3 {
        let mut dead = 0;
        for left in 0.. {
            let mut mesh = mesh(3);
            mesh[me].iter_mut().for_each(|channel| channel.left = left);
            let ends = run.outcome_over(mesh);
            if ends.iter().all(|end| end.result == expected) {
                break;
            }
            dead += 1;
            assert!(ends[me].result.is_err());
            assert!(ends.iter().all(|end| end.result.is_err() || end.result == expected));
            // Whoever lacks an output says that a connection ended, and nothing of a secret.
            let is_plain = |end: &End| match &end.result {
                Err(SessionError::Channel(_) | SessionError::Hello(_) | SessionError::Ot(_)) | Ok(_) => true,
                Err(error) => panic!("{error}"),
            };
            assert!(ends.iter().all(is_plain));
        }
        assert!(dead > 40, "{dead} messages of party {me}");
    }
}
