//! Honest parties and parties that deviate, over dealt transfers and few candidates, as in the tests of two
//! parties (`super::super::tests`).
//!
//! A deviating party runs the honest code. [`Cheat`]s change bytes towards one peer; [`Run::lies`] change what
//! a party broadcasts, and its own record with it. Each attack runs a second time with honest parties that
//! ignore the check in question.

mod cheats;
mod faults;
mod honest;
mod owners;

use std::sync::{Arc, Mutex};
use std::thread;

use super::links::Links;
use super::party::{Keys, ending};
use super::*;
use crate::channel::{Channel, Deviating, Framed, Phase, Pipe};
use crate::inputs::{Holder, InputStream};
use crate::ot::tests::dealt;
use crate::ot::{Adversary, Options};
use crate::program::{ProgramName, Shape};
use crate::protocol::hello::Role;
use crate::protocol::malicious::authenticated_bits::{Authenticator, Transfers};
use crate::protocol::malicious::tests::{ALL, Change, Cheat, Cheating, Record, flip, ignore, rng};
use crate::protocol::malicious::{Check, SessionError};
use crate::{Bits, Block, Delta, Fancy, Inputs, Program};

/// Gates, negations and constants that follow from a seed. Its streams are all of the garbler's kind, so that
/// plain evaluation takes their bits in order.
#[derive(Clone)]
pub(super) struct Random {
    pub(super) seed: u64,
    /// The bits of each stream.
    pub(super) streams: Vec<usize>,
    pub(super) gates: usize,
    pub(super) outputs: usize,
}

impl Random {
    fn input(&self) -> Vec<Vec<bool>> {
        let mut next = scatter(self.seed);
        self.streams.iter().map(|bits| (0..*bits).map(|_| next() & 1 == 1).collect()).collect()
    }

    /// The output in the clear.
    fn expected(&self) -> Vec<bool> {
        self.compute(&self.input().concat(), &[])
    }
}

/// A stream of numbers from a seed.
fn scatter(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize
    }
}

impl Program for Random {
    fn name(&self) -> ProgramName {
        ProgramName::literal("random@1")
    }

    fn shape(&self) -> Shape {
        let stream = |bits: &usize| InputStream { holder: Holder::Garbler, bits: *bits };
        Shape { input_streams: self.streams.iter().map(stream).collect(), outputs: self.outputs }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut next = scatter(!self.seed);
        let mut wires = if self.gates > 0 { vec![f.constant(true)] } else { Vec::new() };
        for (stream, bits) in self.streams.iter().enumerate() {
            // The last bit of each stream is read after the gates.
            wires.extend(inputs.read(f, stream, bits.saturating_sub(1))?);
        }
        let mut done = 0;
        while done < self.gates {
            let mut any = || wires[next() % wires.len()];
            let (a, b, c, d) = (any(), any(), any(), any());
            let not = f.not(c);
            let mixed = f.xor(a, not);
            let n = (1 + done % 3).min(self.gates - done);
            let mut out = vec![F::Wire::default(); n];
            f.and_n(&[mixed, b, a][..n], &[b, d, not][..n], &mut out)?;
            wires.extend(out);
            wires.push(mixed);
            done += n;
        }
        for (stream, bits) in self.streams.iter().enumerate() {
            let last = inputs.read(f, stream, 1.min(*bits))?;
            let pairs: Vec<_> = last.iter().zip(&wires).map(|(a, b)| f.xor(*a, *b)).collect();
            wires.extend(pairs);
        }
        outputs.extend(wires.iter().rev().take(self.outputs));
        Ok(())
    }
}

/// The party at an index, from 0.
fn place(index: usize) -> Place {
    Place::new(index as u8 + 1).unwrap()
}

/// Another Δ of one party towards another.
#[derive(Clone, Copy)]
struct TwoFaced {
    who: usize,
    to: usize,
    difference: u128,
}

/// A session in which parties may cheat. Stream i belongs to party i, and all learn.
#[derive(Clone)]
struct Run {
    program: Random,
    /// The most gates of a chunk, if there are enough candidates.
    chunk: usize,
    /// How a party cheats on a peer, and checks that it ignores, by places.
    cheats: Vec<(usize, usize, Cheat)>,
    /// What a party broadcasts that is not so.
    lies: Vec<(usize, Change)>,
    ignored: Vec<&'static [Check]>,
    two_faced: Option<TwoFaced>,
    /// The garbler, by number, for whom the evaluator computes with other known values.
    shown_otherwise: Option<usize>,
    learners: Vec<Place>,
}

/// What a party has at the end.
struct End {
    result: Result<Option<Vec<bool>>, SessionError>,
    /// The bytes to each peer, in the order of links.
    records: Vec<Record>,
}

impl End {
    fn caught(&self) -> Option<Check> {
        match self.result {
            Err(SessionError::Deviation(check)) => Some(check),
            _ => None,
        }
    }

    fn sent(&self, link: usize, phase: Phase) -> usize {
        self.records[link].sent(phase)
    }
}

impl Run {
    /// Three parties or more, one stream each.
    fn new(seed: u64, parties: usize) -> Self {
        let program = Random { seed, streams: vec![2; parties], gates: 5, outputs: 6 };
        Self::of(program)
    }

    fn of(program: Random) -> Self {
        let parties = program.streams.len();
        let learners = (0..parties).map(place).collect();
        let (chunk, ignored) = (program.gates, vec![&[][..]; parties]);
        Self {
            program,
            chunk,
            cheats: Vec::new(),
            lies: Vec::new(),
            ignored,
            two_faced: None,
            shown_otherwise: None,
            learners,
        }
    }

    fn parties(&self) -> usize {
        self.program.streams.len()
    }

    /// `who` changes bytes towards `to`, and ignores all checks.
    fn cheat(mut self, who: usize, to: usize, changes: impl Into<Vec<Change>>) -> Self {
        self.ignored[who] = ALL;
        self.cheats.push((who, to, Cheat::changing(changes)));
        self
    }

    /// `who` broadcasts something else, and ignores all checks.
    fn lie(mut self, who: usize, change: Change) -> Self {
        self.ignored[who] = ALL;
        self.lies.push((who, change));
        self
    }

    /// All parties but those that cheat ignore these checks too.
    fn ignoring(mut self, checks: &'static [Check]) -> Self {
        self.ignored.iter_mut().filter(|ignored| ignored.is_empty()).for_each(|ignored| *ignored = checks);
        self
    }

    fn plan(&self) -> Plan {
        let parties = Parties::new(self.parties() as u8).unwrap();
        let holders: Vec<Place> = (0..self.parties()).map(place).collect();
        let plan = Plan::new(Experimental, parties, &holders, &self.learners).unwrap();
        plan.with_settings(Settings::insecure_small(self.chunk))
    }

    fn outcome(&self) -> Vec<End> {
        self.outcome_over(memory_mesh(self.parties()))
    }

    fn outcome_over<C: Channel + Send>(&self, mesh: Vec<Vec<C>>) -> Vec<End> {
        let (plan, inputs) = (&self.plan(), self.program.input());
        let keys = deal(self.parties(), self.program.seed, self.two_faced);
        thread::scope(|scope| {
            let parties = mesh.into_iter().zip(keys).zip(&inputs).enumerate();
            let threads: Vec<_> = parties
                .map(|(me, ((channels, keys), input))| {
                    scope.spawn(move || self.party(me, plan, (channels, keys, &Bits::from(&input[..]))))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn party<C: Channel + Send>(&self, me: usize, plan: &Plan, with: (Vec<C>, Keys, &Bits)) -> End {
        ignore(self.ignored[me]);
        SHOWN_OTHERWISE.set(self.shown_otherwise);
        let (channels, keys, input) = with;
        let rng = &mut rng(self.program.seed ^ (me as u64 + 1) << 32);
        let mut session = Session::new(channels, place(me), &self.program, plan);
        let links: &mut Links<'_> = &mut session.links;
        links.lies = self.lies.iter().filter(|(who, _)| *who == me).map(|(_, lie)| *lie).collect();
        let records = watch(links, &self.cheats);
        let result = session
            .hello(rng)
            .and_then(|session| session.set_up_with(keys, rng))
            .and_then(|session| session.execute(input, rng))
            .map(|session| session.output().map(<[bool]>::to_vec));
        End { result, records: records.iter().map(|record| record.lock().unwrap().clone()).collect() }
    }
}

/// Lets a party cheat as it does towards each peer, and records what it sends.
fn watch(links: &mut Links<'_>, cheats: &[(usize, usize, Cheat)]) -> Vec<Arc<Mutex<Record>>> {
    let mut records: Vec<Arc<Mutex<Record>>> = Vec::new();
    for link in &mut links.all {
        let cheat = cheats.iter().find(|(who, to, _)| (*who, *to) == (links.own, link.peer));
        let cheat = cheat.map(|(_, _, cheat)| cheat.clone()).unwrap_or_default();
        records.push(Arc::default());
        let record = Arc::clone(records.last().unwrap());
        link.channel.deviation = Some(Deviating::new(Cheating { cheat, record }));
    }
    records
}

/// The honest outcome of the set-up of all parties, but for the two-faced one.
fn deal(parties: usize, seed: u64, two_faced: Option<TwoFaced>) -> Vec<Keys> {
    let rng = &mut rng(seed);
    let options =
        Options { depth: Settings::default().depth, adversary: Adversary::Malicious, ..Options::default() };
    let deltas: Vec<_> =
        (0..parties).map(|i| Arc::new(Delta::random_ending(ending(i, parties), rng))).collect();
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for (i, delta) in deltas.iter().enumerate() {
        for j in (0..parties).filter(|j| *j != i) {
            let lie = two_faced.filter(|lie| (lie.who, lie.to) == (i, j));
            let difference = Block::new(lie.map_or(0, |lie| lie.difference));
            let (sender, receiver) = dealt(&Delta::insecure(delta.block() ^ difference), options, rng);
            senders.push(sender);
            receivers.push(((j, i), receiver));
        }
    }
    // Both by owner, then by peer.
    receivers.sort_by_key(|(at, _)| *at);
    let mut both = senders.into_iter().zip(receivers);
    let keys = |i: usize| {
        let own: Vec<_> = (0..parties)
            .filter(|j| *j != i)
            .map(|j| Authenticator {
                role: if i > j { Role::Garbler } else { Role::Evaluator },
                delta: Arc::clone(&deltas[i]),
                peer_ending: ending(j, parties),
            })
            .collect();
        let dealt = own.iter().zip(both.by_ref());
        let transfers = dealt.map(|(own, (sender, (_, receiver)))| Transfers::dealt(own, sender, receiver));
        let transfers = transfers.collect();
        Keys { delta: Arc::clone(&deltas[i]), own, transfers }
    };
    (0..parties).map(keys).collect()
}

std::thread_local! {
    /// The number of the garbler to whom the evaluator of this thread shows other values.
    static SHOWN_OTHERWISE: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// Whether the evaluator of this thread computes, for this garbler, with the negation of known values.
pub(super) fn shows_another_value(garbler: usize) -> bool {
    SHOWN_OTHERWISE.get() == Some(garbler)
}
