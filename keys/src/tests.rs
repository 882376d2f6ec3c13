//! Members in one process, with letters that a test can lose, repeat and forge on their way.

mod attacks;
mod dkg;
mod pool;
mod properties;
mod refresh;
mod repair;
mod resume;
mod sign;
mod simulator;
mod storm;
mod succession;

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_party::Identity;
use zeroize::Zeroizing;

use crate::dkg::Generated;
use crate::letter::Heading;
use crate::{
    Draft, Epoch, Fault, Group, Index, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed,
    SessionId, Share,
};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn index(number: u8) -> Index {
    Index::new(number).unwrap()
}

/// The identities of a group's members, and of whoever joins later.
pub(crate) struct Team {
    pub(crate) identities: Vec<Identity>,
    pub(crate) draft: Draft,
}

impl Team {
    pub(crate) fn new(purpose: Purpose, t: u8, n: u8) -> Self {
        let rng = &mut rng(u64::from(t) * 100 + u64::from(n));
        let identities: Vec<Identity> = (0..n).map(|_| Identity::random(rng)).collect();
        let members = identities.iter().map(Identity::public).collect();
        Self { draft: Draft::new(purpose, [7; 32], t, members, rng).unwrap(), identities }
    }

    pub(crate) fn identity(&self, i: Index) -> &Identity {
        &self.identities[usize::from(i.get()) - 1]
    }

    /// A letter of a member that does what it likes.
    pub(crate) fn forge(
        &self,
        letter: &Letter,
        change: impl FnOnce(&mut Vec<u8>, &mut BTreeMap<Index, Zeroizing<Vec<u8>>>),
    ) -> Letter {
        let heading = *letter.heading();
        let mut body = letter.body().to_vec();
        // A forger remembers what it encrypted to whom.
        let opened = |i: Index| letter.part(i, self.identity(i)).map(|part| (i, part));
        let mut parts = self.draft.indexes().filter_map(opened).collect();
        change(&mut body, &mut parts);
        self.write(heading, body, parts)
    }

    pub(crate) fn write(
        &self,
        heading: Heading,
        body: Vec<u8>,
        parts: BTreeMap<Index, Zeroizing<Vec<u8>>>,
    ) -> Letter {
        let parts: Vec<_> = parts.into_iter().collect();
        let writer = (&self.draft, self.identity(heading.from));
        Letter::write(writer, heading, body, &parts, &mut rng(99)).unwrap()
    }

    /// All members, after key generation.
    pub(crate) fn generate(self) -> Made {
        let mut session = Session::new(&self, crate::dkg::session(&self.draft), 1);
        let made = session.run(&self, honest, crate::dkg::advance);
        let made: Vec<Generated> = made.into_values().map(|made| made.unwrap()).collect();
        let group = made[0].group.clone();
        assert!(made.iter().all(|made| made.group == group));
        let shares = made.into_iter().map(|made| (made.share.index(), made.share)).collect();
        Made { team: self, group, shares }
    }
}

/// A group with all its shares.
pub(crate) struct Made {
    pub(crate) team: Team,
    pub(crate) group: Group,
    pub(crate) shares: BTreeMap<Index, Share>,
}

impl Made {
    pub(crate) fn new(purpose: Purpose, t: u8, n: u8) -> Self {
        Team::new(purpose, t, n).generate()
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        self.group.epoch()
    }
}

/// Delivers letters as they are.
pub(crate) fn honest(letter: &Letter, _: Index) -> Option<Letter> {
    Some(letter.clone())
}

/// What one member holds of a session.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) log: Log,
    pub(crate) seed: Seed,
    pub(crate) register: MemoryRegister,
}

/// A session with the parties that take part.
#[derive(Clone)]
pub(crate) struct Session(pub(crate) BTreeMap<Index, Party>);

impl Session {
    pub(crate) fn new(team: &Team, id: SessionId, seed: u64) -> Self {
        let rng = &mut rng(seed + 1_000);
        let party = |i| {
            let log = Log::new(team.draft.id(), id);
            (i, Party { log, seed: Seed::random(rng), register: MemoryRegister::default() })
        };
        Self(team.draft.indexes().map(party).collect())
    }

    pub(crate) fn id(number: u8) -> SessionId {
        SessionId::from_bytes([number; 32])
    }

    /// Leaves some members out.
    pub(crate) fn without(mut self, out: &[u8]) -> Self {
        self.0.retain(|i, _| !out.contains(&i.get()));
        self
    }

    /// Lets one member do something.
    pub(crate) fn by<T>(
        &mut self,
        team: &Team,
        i: u8,
        act: impl FnOnce(&Member<'_>, &mut Log, &mut MemoryRegister) -> T,
    ) -> T {
        let party = self.0.get_mut(&index(i)).unwrap();
        let me = Member::new(&team.draft, team.identity(index(i)), &party.seed).unwrap();
        act(&me, &mut party.log, &mut party.register)
    }

    /// Gives everyone's letters to everyone, as `post` lets them through.
    pub(crate) fn deliver(&mut self, team: &Team, post: impl Fn(&Letter, Index) -> Option<Letter>) {
        let own = |(i, party): (&Index, &Party)| -> Vec<Letter> {
            party.log.letters().filter(|letter| letter.heading().from == *i).cloned().collect()
        };
        let sent: Vec<Letter> = self.0.iter().flat_map(own).collect();
        for (to, party) in &mut self.0 {
            for letter in sent.iter().filter(|letter| letter.heading().from != *to) {
                if let Some(letter) = post(letter, *to) {
                    party.log.take(letter, &team.draft).unwrap();
                }
            }
        }
    }

    fn count(&self) -> usize {
        self.0.values().map(|party| party.log.letters().count()).sum()
    }

    /// Advances everybody and delivers, until nothing changes; how it ended for each.
    pub(crate) fn run<T>(
        &mut self,
        team: &Team,
        post: impl Fn(&Letter, Index) -> Option<Letter>,
        mut step: impl FnMut(&Member<'_>, &mut Log, &mut MemoryRegister) -> Result<Progress<T>, Fault>,
    ) -> BTreeMap<Index, Result<T, Fault>> {
        let mut ended = BTreeMap::new();
        for _ in 0..8 {
            ended.clear();
            let sent = self.count();
            let members: Vec<Index> = self.0.keys().copied().collect();
            for i in members {
                match self.by(team, i.get(), &mut step) {
                    Ok(Progress::Done(done)) => drop(ended.insert(i, Ok(done))),
                    Ok(Progress::Awaiting { .. }) => {}
                    Err(fault) => drop(ended.insert(i, Err(fault))),
                }
            }
            let before = self.count();
            self.deliver(team, &post);
            if self.count() == before && sent == before {
                break;
            }
        }
        ended
    }
}

/// The faults of those for whom the session failed.
pub(crate) fn faults<T>(ended: &BTreeMap<Index, Result<T, Fault>>) -> BTreeMap<u8, Fault> {
    ended.iter().filter_map(|(i, end)| Some((i.get(), *end.as_ref().err()?))).collect()
}
