//! Letters that are lost, come twice and in any order, members that crash at every write, and one that says
//! something else to each.
//!
//! ```text
//! a member   hears some letters ─▶ acts ─▶ keeps its letters ─▶ they leave
//!            a crash before it keeps them: they are gone, and so is what it heard; its register is not
//! a liar     two copies of a member, whose letters contradict each other; each letter comes from one of them
//! ```
//!
//! Asserted: an honest member says one thing at a step, no nonce serves twice, all who end a key generation have one
//! group, a repaired share is the lost one and signs; and without a liar, everything is completed once it is calm.

use rand_chacha::rand_core::RngCore as _;
use std::collections::BTreeSet;

use super::*;
use crate::repair::Repaired;
use crate::request::Request;
use crate::sign::{self as signing, Answered};
use crate::{Step, dkg as generation};

const SEEDS: u64 = 12;
const T: u8 = 3;
const N: u8 = 5;

/// The members of a session in bad weather.
struct Storm<'a> {
    team: &'a Team,
    session: Session,
    /// The other copy of a liar.
    copy: Option<(Index, Party)>,
    dice: ChaCha20Rng,
    /// What members said at each step: once for each honest one.
    said: BTreeMap<(Step, Index), BTreeSet<Vec<u8>>>,
    /// Shares of signatures that were computed, also if they never left.
    signed: BTreeMap<Index, BTreeSet<Vec<u8>>>,
}

impl<'a> Storm<'a> {
    fn new(team: &'a Team, id: SessionId, seed: u64) -> Self {
        let session = Session::new(team, id, seed);
        let (said, signed) = Default::default();
        Self { team, session, copy: None, dice: rng(seed), said, signed }
    }

    /// Member `liar` also runs a copy of itself, with this seed.
    fn with_copy(mut self, liar: u8, seed: Option<Seed>) -> Self {
        let mut copy = self.session.0[&index(liar)].clone();
        copy.seed = seed.unwrap_or(copy.seed);
        self.copy = Some((index(liar), copy));
        self
    }

    fn chance(&mut self, of: u32) -> bool {
        self.dice.next_u32().is_multiple_of(of)
    }

    /// What everybody but `to` has said, some of it twice, in any order.
    fn letters(&mut self, to: Index, share: u32) -> Vec<Letter> {
        let all = self.session.0.iter().map(|(i, party)| (*i, party));
        let all = all.chain(self.copy.iter().map(|(i, party)| (*i, party)));
        let own = |(i, party): (Index, &Party)| -> Vec<Letter> {
            party.log.letters().filter(|l| l.heading().from == i && i != to).cloned().collect()
        };
        let mut letters: Vec<Letter> = all.flat_map(own).collect();
        letters.extend(letters.clone());
        letters.retain(|_| self.dice.next_u32().is_multiple_of(share));
        for i in (1..letters.len()).rev() {
            letters.swap(i, self.dice.next_u32() as usize % (i + 1));
        }
        letters
    }

    /// One member (or the liar's copy) hears letters and acts; it may crash before it keeps anything.
    fn act<T>(
        &mut self,
        (i, copy): (Index, bool),
        (letters, crashes): (Vec<Letter>, bool),
        step: &mut impl FnMut(&Member<'_>, &mut Log, &mut MemoryRegister, bool) -> Result<Progress<T>, Fault>,
    ) -> Option<Result<T, Fault>> {
        let party = match &mut self.copy {
            Some((_, party)) if copy => party,
            _ => self.session.0.get_mut(&i).unwrap(),
        };
        let mut log = Log::from_bytes(&party.log.to_bytes()).unwrap();
        for letter in letters {
            log.take(letter, &self.team.draft).unwrap();
        }
        let me = Member::new(&self.team.draft, self.team.identity(i), &party.seed).unwrap();
        let ended = step(&me, &mut log, &mut party.register, copy);
        if let Some(letter) = log.get(Step::Signed, i) {
            self.signed.entry(i).or_default().insert(letter.to_bytes());
        }
        if crashes {
            return None;
        }
        for letter in log.letters().filter(|letter| letter.heading().from == i) {
            self.said.entry((letter.heading().step, i)).or_default().insert(letter.to_bytes());
        }
        party.log = log;
        match ended {
            Ok(Progress::Done(done)) => Some(Ok(done)),
            Ok(Progress::Awaiting { .. }) => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Storm, then calm; how it ended for the honest.
    fn run<T>(
        &mut self,
        mut step: impl FnMut(&Member<'_>, &mut Log, &mut MemoryRegister, bool) -> Result<Progress<T>, Fault>,
    ) -> BTreeMap<Index, Result<T, Fault>> {
        let (members, mut ended): (Vec<Index>, _) =
            (self.session.0.keys().copied().collect(), BTreeMap::new());
        let liar = self.copy.as_ref().map(|(liar, _)| *liar);
        for round in 0..80 {
            let calm = round >= 40;
            let i = match calm {
                true => members[round % members.len()],
                false => members[self.dice.next_u32() as usize % members.len()],
            };
            let copy = Some(i) == liar && self.chance(2);
            let heard = self.letters(i, if calm { 1 } else { 3 });
            let crashes = !calm && self.chance(3);
            if let Some(end) = self.act((i, copy), (heard, crashes), &mut step) {
                ended.insert(i, end);
            }
        }
        let honest = |i: &Index| Some(*i) != liar;
        for ((step, _), said) in self.said.iter().filter(|((_, i), _)| honest(i)) {
            assert_eq!(said.len(), 1, "two letters at {step}");
        }
        ended.retain(|i, _| honest(i));
        ended
    }

    /// How many honest members computed two shares with the same nonces.
    fn reused(&self) -> usize {
        let liar = self.copy.as_ref().map(|(liar, _)| *liar);
        self.signed.iter().filter(|(i, signed)| Some(**i) != liar && signed.len() > 1).count()
    }
}

/// The ends without a fault: all of them without a liar.
fn completed<T>(ended: &BTreeMap<Index, Result<T, Fault>>, liar: bool) -> Vec<&T> {
    let done: Vec<&T> = ended.values().filter_map(|end| end.as_ref().ok()).collect();
    assert!(liar || done.len() == usize::from(N), "{:?}", faults(ended));
    done
}

#[test]
fn a_key_generation_makes_one_group() {
    let team = Team::new(Purpose::Seal, T, N);
    for seed in 0..SEEDS {
        let (mut storm, liar) = (Storm::new(&team, generation::session(&team.draft), seed), seed % 2 == 1);
        if liar {
            storm = storm.with_copy(2, Some(Seed::from_bytes([seed as u8; 32])));
        }
        let ended = storm.run(|me, log, register, _| generation::advance(me, log, register));
        let done = completed(&ended, liar);
        done.iter().for_each(|made| made.share.fits(made.group.epoch()).unwrap());
        assert!(done.iter().all(|made| made.group == done[0].group), "two groups");
    }
}

/// One action of a member: it asks if it is the first, agrees, and goes on.
fn sign(
    made: &Made,
    me: &Member<'_>,
    (log, register): (&mut Log, &mut MemoryRegister),
    wanted: &[Index],
) -> Result<Progress<Answered>, Fault> {
    let (epoch, share) = (made.epoch(), &made.shares[&me.index()]);
    let first = index(1);
    if me.index() == first && log.latest(first).is_none() {
        signing::ask(me, epoch, log, &Request::Header { chain: [7; 32], header: vec![5; 192] })?;
    }
    let Some(asked) = signing::asked(epoch, log)? else {
        return Ok(Progress::Awaiting { step: Step::Asked, from: vec![first] });
    };
    if log.get(Step::Committed, me.index()).is_none() {
        signing::agree(&me.holding(epoch, Some(share)), log, &asked)?;
    }
    signing::advance(&me.holding(epoch, Some(share)), log, Some(wanted), register)
}

/// The one who asks has two copies, which choose two sets: members of both sign for one of them.
#[test]
fn no_nonce_serves_twice() {
    let made = Made::new(Purpose::Seal, T, N);
    let sets = [[1, 2, 3, 4, 5], [1, 3, 2, 5, 4], [1, 5, 4, 2, 3]].map(|set| set.map(index));
    let storm = |seed: u64, forgets: bool| {
        let (mut storm, liar) =
            (Storm::new(&made.team, Session::id(seed as u8), seed), !seed.is_multiple_of(3));
        if liar {
            storm = storm.with_copy(1, None);
        }
        let other = &sets[(seed % 3) as usize];
        let ended = storm.run(|me, log, register, copy| {
            if forgets {
                *register = MemoryRegister::default();
            }
            sign(&made, me, (log, register), if copy { other } else { &sets[0] })
        });
        let key = made.epoch().public_key(0).unwrap();
        // A crash after the choice, before it is kept, costs the session.
        let closed = |end: &Result<Answered, Fault>| *end == Err(Fault::Closed);
        let lost = liar || ended.get(&index(1)).is_some_and(closed);
        let done = completed(&ended, lost);
        for answered in &done {
            let message = answered.request.message(made.epoch(), &Session::id(seed as u8));
            assert!(crate::signing::verifies(&key, &message, &answered.signature.unwrap()));
        }
        (storm.reused(), done.len())
    };
    let run = |forgets| -> (usize, usize) {
        let ran = (0..3 * SEEDS).map(|seed| storm(seed, forgets));
        ran.fold((0, 0), |(reused, done), (r, d)| (reused + r, done + d))
    };
    let (reused, done) = run(false);
    assert!(reused == 0 && done >= usize::from(N), "{reused} nonces twice, {done} signatures");
    let (reused, _) = run(true);
    assert!(reused > 0, "only the register prevents it");
}

/// One action of a member in a repair of the last one's share.
fn repair(made: &Made, me: &Member<'_>, log: &mut Log) -> Result<Progress<Repaired>, Fault> {
    let (epoch, lost) = (made.epoch(), index(N));
    if me.index() == lost {
        if log.latest(lost).is_none() {
            crate::repair::ask(me, epoch, log)?;
        }
        return crate::repair::advance(&me.holding(epoch, None), log);
    }
    if crate::repair::asked(epoch, log)?.is_none() {
        return Ok(Progress::Awaiting { step: Step::Lost, from: vec![lost] });
    }
    let share = &made.shares[&me.index()];
    if log.get(Step::Authorised, me.index()).is_none() {
        let typed = made.team.identity(lost).public().fingerprint();
        crate::repair::authorise(&me.holding(epoch, Some(share)), log, &typed).unwrap();
    }
    crate::repair::advance(&me.holding(epoch, Some(share)), log)
}

#[test]
fn a_repaired_share_signs() {
    let mut made = Made::new(Purpose::Seal, T, N);
    let right = *made.shares[&index(N)].secret(0).unwrap().expose();
    for seed in 0..SEEDS {
        let (mut storm, liar) = (Storm::new(&made.team, Session::id(seed as u8), seed), seed % 2 == 1);
        if liar {
            storm = storm.with_copy(2, Some(Seed::from_bytes([seed as u8; 32])));
        }
        let mut ended = storm.run(|me, log, _, _| repair(&made, me, log));
        completed(&ended, liar);
        if let Some(Ok(Repaired::Share(share))) = ended.remove(&index(N)) {
            assert_eq!(*share.secret(0).unwrap().expose(), right, "seed {seed}");
            made.shares.insert(index(N), share);
        }
    }
    let mut session = Session::new(&made.team, Session::id(99), 99).without(&[2, 3]);
    sign::asked(&made, &mut session, &Request::Drill { time: 1 });
    let ended = sign::run(&made, &mut session, honest);
    assert!(ended.values().all(|end| end.as_ref().is_ok_and(|a| a.members.contains(&index(N)))), "{ended:?}");
}
