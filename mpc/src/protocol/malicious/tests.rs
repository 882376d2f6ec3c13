//! Parties that deviate, and the check that stops each of them.
//!
//! A cheater runs the honest code, but its bytes are changed before they are hashed and sent ([`Deviation`]),
//! so it and its peer have one transcript. It also ignores checks of its own that would stop it. The tests of
//! products, openings, labels, values and outputs run twice: with the check, which must end the session, and
//! with an honest party that ignores the check, where the cheat must have its effect. So these checks are
//! needed, and their tests would fail without them.
//!
//! Base transfers are replaced by their honest outcome, and settings allow few candidates, so that a session
//! takes a millisecond.

mod cancelling;
mod cheats;
mod flips;
mod later_chunks;
mod long;
mod owners;
mod primitives;
mod unsteady;

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::thread;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::authenticated_bits::{Authenticator, Transfers};
use super::party::Keys;
use super::settings::Buckets;
use super::*;
use crate::channel::{Channel, ChannelError, Deviating, Deviation, Framed, Phase, Pipe, memory_pair};
use crate::ot::tests::dealt;
use crate::ot::{Adversary, Options};
use crate::program::{ProgramName, Shape};
use crate::{Bits, Fancy, Inputs, Program};

thread_local! {
    /// The checks that the party of this thread ignores.
    static IGNORED: Cell<&'static [Check]> = const { Cell::new(&[]) };
}

/// Every check: what a cheater ignores.
pub(super) const ALL: &[Check] = &[
    Check::Coin,
    Check::Products,
    Check::Broadcast,
    Check::Openings,
    Check::Transcript,
    Check::Labels,
    Check::Values,
    Check::Outputs,
    Check::OwnerSeed,
    Check::OwnerInput,
];

/// Whether the party of this thread ignores a check.
pub(super) fn ignores(check: Check) -> bool {
    IGNORED.get().contains(&check)
}

/// Lets the party of this thread ignore these checks.
pub(super) fn ignore(checks: &'static [Check]) {
    IGNORED.set(checks);
}

pub(super) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Five AND gates, of which 0 and 1 have the same inputs, and 2 has one wire at both inputs.
struct Small;

impl Program for Small {
    fn name(&self) -> ProgramName {
        ProgramName::literal("small@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(3, 3, 6)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 3)?, inputs.read(f, 1, 3)?);
        let (first, second) = (f.and(x[0], y[0])?, f.and(x[0], y[0])?);
        let square = f.and(y[1], y[1])?;
        let mixed = f.xor(first, x[1]);
        let third = f.and(mixed, y[2])?;
        let not = f.not(third);
        let last = f.and(not, x[2])?;
        let sum = f.xor(x[1], y[1]);
        outputs.extend([first, second, square, third, last, sum]);
        Ok(())
    }
}

const GATES: usize = 5;
const OUTPUTS: usize = 6;
const X: [bool; 3] = [true, false, true];
const Y: [bool; 3] = [true, true, false];

fn buckets() -> Buckets {
    Buckets::for_gates(GATES, &Settings::insecure_small(GATES))
}

/// A change of the bits of `value` in byte `at` of a phase.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub(super) phase: Phase,
    pub(super) at: usize,
    pub(super) value: u8,
}

/// The change of bit `bit`, counted from byte `at`.
pub(super) fn flip(phase: Phase, at: usize, bit: usize) -> Change {
    Change { phase, at: at + bit / 8, value: 1 << (bit % 8) }
}

impl Change {
    pub(super) fn apply(&self, phase: Phase, at: usize, bytes: &mut [u8]) {
        let place = self.at.checked_sub(at).filter(|_| phase == self.phase);
        place.and_then(|place| bytes.get_mut(place)).into_iter().for_each(|byte| *byte ^= self.value);
    }
}

/// What a party does other than the protocol says.
#[derive(Clone, Default)]
pub(super) struct Cheat {
    /// Changes of what it sends.
    changes: Vec<Change>,
    /// Changes of what it takes for received.
    heard: Vec<Change>,
    /// Phases, from a byte on, in which the party sends the bytes that it received at the same place.
    copies: Vec<(Phase, usize)>,
    /// Phases, from a byte on, in which the party sends these bytes.
    replays: Vec<(Phase, usize, Vec<u8>)>,
    ignored: &'static [Check],
}

impl Cheat {
    pub(super) fn changing(changes: impl Into<Vec<Change>>) -> Self {
        Self { changes: changes.into(), ..Self::default() }
    }

    /// A party that lies about bits of its own and computes as if the lie were true: to the peer's bits it
    /// adds what it added to its own.
    pub(super) fn consistent(changes: impl Into<Vec<Change>>) -> Self {
        let changes = changes.into();
        Self { heard: changes.clone(), changes, ..Self::default() }
    }

    fn ignoring(self, ignored: &'static [Check]) -> Self {
        Self { ignored, ..self }
    }
}

/// Bytes that a party sent and received, by phase.
#[derive(Clone, Default)]
pub(super) struct Record {
    pub(super) sent: [Vec<u8>; 10],
    received: [Vec<u8>; 10],
}

impl Record {
    pub(super) fn sent(&self, phase: Phase) -> usize {
        self.sent[usize::from(phase.code())].len()
    }
}

pub(super) struct Cheating {
    pub(super) cheat: Cheat,
    pub(super) record: Arc<Mutex<Record>>,
}

impl Deviation for Cheating {
    fn sending(&mut self, phase: Phase, at: usize, bytes: &mut [u8]) {
        let mut record = self.record.lock().unwrap();
        for (of, from) in &self.cheat.copies {
            let copied = record.received[usize::from(phase.code())].get(at..).unwrap_or_default();
            if *of == phase && at >= *from {
                bytes.iter_mut().zip(copied).for_each(|(byte, copy)| *byte = *copy);
            }
        }
        for (of, from, old) in &self.cheat.replays {
            // Byte by byte, since the first one to be replaced may be in the middle.
            for (i, byte) in bytes.iter_mut().enumerate().filter(|(i, _)| *of == phase && at + i >= *from) {
                *byte = old.get(at + i - from).copied().unwrap_or(*byte);
            }
        }
        self.cheat.changes.iter().for_each(|change| change.apply(phase, at, bytes));
        record.sent[usize::from(phase.code())].extend_from_slice(bytes);
    }

    fn received(&mut self, phase: Phase, at: usize, bytes: &mut [u8]) {
        self.record.lock().unwrap().received[usize::from(phase.code())].extend_from_slice(bytes);
        self.cheat.heard.iter().for_each(|change| change.apply(phase, at, bytes));
    }
}

/// What a party has at the end.
struct End {
    result: Result<Option<Vec<bool>>, SessionError>,
    record: Record,
}

impl End {
    /// The check that ended the session.
    fn caught(&self) -> Option<Check> {
        match self.result {
            Err(SessionError::Deviation(check)) => Some(check),
            _ => None,
        }
    }

    /// Whether the party accepted a wrong output.
    fn is_wrong(&self, (x, y): (&[bool], &[bool])) -> bool {
        self.result.as_ref().is_ok_and(|output| output.as_ref() != Some(&Small.compute(x, y)))
    }
}

/// A run of [`Small`] in which both parties may cheat.
#[derive(Clone)]
struct Run {
    seed: u64,
    inputs: ([bool; 3], [bool; 3]),
    cheats: [Cheat; 2],
    /// The most gates of a chunk, if there are enough candidates.
    chunk: usize,
    /// Bits of Δ_G that the transfers have otherwise.
    other_delta: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        Self { seed, inputs: (X, Y), cheats: Default::default(), chunk: GATES, other_delta: 0 }
    }

    fn garbler(self, cheat: Cheat) -> Self {
        let [_, evaluator] = self.cheats;
        Self { cheats: [cheat, evaluator], ..self }
    }

    fn evaluator(self, cheat: Cheat) -> Self {
        let [garbler, _] = self.cheats;
        Self { cheats: [garbler, cheat], ..self }
    }

    /// The party of this side cheats, and the other ignores the checks.
    fn side(self, side: usize, cheat: Cheat, ignored: &'static [Check]) -> Self {
        let honest = Cheat::default().ignoring(ignored);
        let cheats = if side == 0 { [cheat, honest] } else { [honest, cheat] };
        Self { cheats, ..self }
    }

    fn outcome(&self) -> [End; 2] {
        let (near, far) = memory_pair();
        self.outcome_over([near, far])
    }

    fn outcome_over<C: Channel + Send>(&self, channels: [C; 2]) -> [End; 2] {
        let (x, y) = &self.inputs;
        self.outcome_of([&Small; 2], [&x[..], &y[..]].map(Bits::from), channels)
    }

    /// The outcome of a session of these programs.
    fn outcome_of<P: Program + Sync, C: Channel + Send>(
        &self,
        [program_g, program_e]: [&P; 2],
        [x, y]: [Bits; 2],
        [near, far]: [C; 2],
    ) -> [End; 2] {
        let rng_0 = &mut rng(self.seed);
        let own = [Role::Garbler, Role::Evaluator].map(|role| Authenticator::random(role, rng_0));
        let options = Options {
            depth: Settings::default().depth,
            adversary: Adversary::Malicious,
            ..Options::default()
        };
        let deltas = own.each_ref().map(|own| own.delta.block());
        let other = [deltas[0] ^ crate::Block::new(self.other_delta.into()), deltas[1]];
        let [(sender_g, receiver_e), (sender_e, receiver_g)] =
            other.map(|delta| dealt(&crate::Delta::insecure(delta), options, rng_0));
        let [own_g, own_e] = own;
        let transfers_g = Transfers::dealt(&own_g, sender_g, receiver_g);
        let transfers_e = Transfers::dealt(&own_e, sender_e, receiver_e);
        let keys_g = Keys { own: own_g, transfers: transfers_g };
        let keys_e = Keys { own: own_e, transfers: transfers_e };
        let records: [Arc<Mutex<Record>>; 2] = Default::default();
        let [cheat_g, cheat_e] = core::array::from_fn(|side| {
            Deviating::new(Cheating { cheat: self.cheats[side].clone(), record: Arc::clone(&records[side]) })
        });
        let (terms, settings) = (Terms::new(Reveal::Both), Settings::insecure_small(self.chunk));
        let results = thread::scope(|scope| {
            let garbling = scope.spawn(move || {
                IGNORED.set(self.cheats[0].ignored);
                let rng = &mut rng(self.seed ^ 1 << 32);
                let mut session = Garbler::new(near, program_g, terms, settings);
                session.channel.deviation = Some(cheat_g);
                let session = session.hello(rng)?.set_up_with(keys_g, rng)?;
                session.execute(&x, rng).map(|session| session.output().map(<[bool]>::to_vec))
            });
            let evaluating = scope.spawn(move || {
                IGNORED.set(self.cheats[1].ignored);
                let rng = &mut rng(self.seed ^ 1 << 33);
                let mut session = Evaluator::new(far, program_e, terms, settings);
                session.channel.deviation = Some(cheat_e);
                let session = session.hello(rng)?.set_up_with(keys_e, rng)?;
                session.execute(&y, rng).map(|session| session.output().map(<[bool]>::to_vec))
            });
            [garbling.join().unwrap(), evaluating.join().unwrap()]
        });
        let [result_g, result_e] = results;
        let [record_g, record_e] = records.map(|record| record.lock().unwrap().clone());
        [End { result: result_g, record: record_g }, End { result: result_e, record: record_e }]
    }
}

#[test]
fn honest_parties_get_the_right_output() {
    for seed in 0..16 {
        let run = Run {
            inputs: ([seed & 1 == 1, seed & 2 == 2, true], [true, seed & 4 == 4, seed & 8 == 8]),
            ..Run::new(seed)
        };
        let expected = Small.compute(&run.inputs.0, &run.inputs.1);
        for end in run.outcome() {
            assert_eq!(end.result, Ok(Some(expected.clone())));
        }
    }
}
