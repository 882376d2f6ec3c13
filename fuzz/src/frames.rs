//! The framed channel over arbitrary bytes, compared with a reader that parses them as a whole.

use crate::{Verdict, fixtures::circuit::Replay};
use sotto_mpc::channel::Framed;
use sotto_mpc::{Channel, Phase};

/// Calls of the reader per input.
const CALLS: usize = 8;
/// The longest payload of a frame.
const MAX_PAYLOAD: u32 = 1 << 20;

/// Most bytes per read (1) ‖ eight calls: phase (1), length (2) ‖ the peer's stream.
///
/// However the stream is split, a call must return the next bytes of its phase, or an error.
pub fn mpc_frames(data: &[u8]) -> Verdict {
    let Some((&[cut, ref calls @ ..], stream)) = data.split_first_chunk::<{ 1 + 3 * CALLS }>() else {
        return Verdict::Refused;
    };
    let mut channel = Framed::new(Replay::cut(stream, cut.into()));
    let whole = payload(stream);
    let mut rest = &whole[..];
    let mut received = 0;
    for call in calls.as_chunks().0 {
        let &[phase, a, b] = call;
        let phase = Phase::ALL[usize::from(phase) % Phase::ALL.len()];
        let mut bytes = vec![0; u16::from_le_bytes([a, b]).into()];
        let expected = next(&mut rest, phase, bytes.len());
        match (channel.receive(phase, &mut bytes), expected) {
            (Ok(()), Some(expected)) => assert!(bytes == expected, "other bytes than were sent"),
            (Err(_), None) => return Verdict::Refused,
            (got, _) => unreachable!("{got:?} in phase {phase:?}"),
        }
        received += bytes.len();
    }
    assert!(channel.traffic().received <= stream.len() as u64);
    Verdict::of(received > 0)
}

/// Every payload byte with its phase, up to the first invalid header.
fn payload(mut stream: &[u8]) -> Vec<(Phase, u8)> {
    let mut all = Vec::new();
    while let [code, a, b, c, d, later @ ..] = stream {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        let Some(phase) = Phase::from_code(*code).filter(|_| (1..=MAX_PAYLOAD).contains(&length)) else {
            break;
        };
        let (now, later) = later.split_at(later.len().min(length as usize));
        all.extend(now.iter().map(|byte| (phase, *byte)));
        stream = later;
    }
    all
}

/// The next `n` bytes, if there are enough and all belong to this phase.
fn next(rest: &mut &[(Phase, u8)], phase: Phase, n: usize) -> Option<Vec<u8>> {
    let (now, later) = rest.split_at_checked(n)?;
    *rest = later;
    now.iter().map(|(of, byte)| (*of == phase).then_some(*byte)).collect()
}
