//! A byte that is changed on its way gives an error or the right output, whichever byte it is.

use super::*;

/// A channel that changes one byte of what is sent, after the sender has hashed it.
struct Flipping {
    inner: Framed<Pipe>,
    change: Option<Change>,
    sent: [usize; 10],
}

impl Channel for Flipping {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        let (at, mut bytes) = (&mut self.sent[usize::from(phase.code())], bytes.to_vec());
        self.change.iter().for_each(|change| change.apply(phase, *at, &mut bytes));
        *at += bytes.len();
        self.inner.send(phase, &bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.inner.receive_some(phase, into)
    }
}

fn outcome(chunk: usize, side: usize, change: Option<Change>) -> [End; 2] {
    let (near, far) = memory_pair();
    let mut ends = [near, far].map(|inner| Flipping { inner, change: None, sent: [0; 10] });
    ends[side].change = change;
    Run { chunk, ..Run::new(7) }.outcome_over(ends)
}

#[test]
fn every_flipped_byte_of_one_chunk_gives_the_right_output_or_an_error() {
    flip_every_byte(GATES);
}

#[test]
fn every_flipped_byte_of_two_chunks_gives_the_right_output_or_an_error() {
    assert_eq!(outcome(1, 0, None)[1].record.sent(Phase::Coins), 32 + 2 * 96, "not two chunks");
    flip_every_byte(1);
}

fn flip_every_byte(chunk: usize) {
    let expected = Small.compute(&X, &Y);
    let lengths = outcome(chunk, 0, None).map(|end| Phase::ALL.map(|phase| end.record.sent(phase)));
    let mut ended = 0;
    for (side, lengths) in lengths.iter().enumerate() {
        for (phase, length) in Phase::ALL.into_iter().zip(lengths) {
            let silent = phase == Phase::BaseOt || (phase == Phase::Tables && side == 1);
            assert_eq!(silent, *length == 0, "{phase:?}");
            for at in 0..*length {
                let change = Change { phase, at, value: 1 << (at % 8) };
                let ends = outcome(chunk, side, Some(change));
                for end in &ends {
                    assert!(
                        end.result.as_ref().is_ok_and(|out| out.as_ref() == Some(&expected))
                            || end.result.is_err()
                    );
                }
                // Only tables may go unnoticed, where a row is not used.
                let noticed = ends.iter().any(|end| end.result.is_err());
                assert!(noticed || phase == Phase::Tables, "{phase:?}, byte {at} of side {side}");
                ended += usize::from(noticed);
            }
        }
    }
    assert!(ended > 1000);
}
