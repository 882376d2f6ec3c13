//! A party's channels to all others, and what it broadcasts.
//!
//! ```text
//! broadcast    a party sends all others the same message; each adds what every party broadcast to its record, by place
//! comparing    all pairs compare the digests of their records
//! ```
//!
//! **Nothing that was broadcast is used before records were compared**, except for one's own answer to a challenge
//! and for the zero test, which need no agreement (`party`, `products`). So either all honest parties go on with the
//! same messages, or one of them ends the session. (This is the echo broadcast with abort of Goldwasser and
//! Lindell 2002, ePrint 2002/040, section 2, with one digest for all messages so far.)
//!
//! On a link the party of the higher place has [`Role::Garbler`], the other [`Role::Evaluator`]: so the roles
//! separate the hashes of both, and the evaluator P_1 is the evaluator on all its links.
//!
//! **Order.** Messages that fit into the buffers of any transport go to all before any is received. Longer
//! ones go pair by pair, in rounds: in round r, i and j with i + j ≡ r modulo n, so all pairs of a round work
//! at once, and two parties never wait for each other.

use subtle::{Choice, ConstantTimeEq};

use super::super::checks::{Directions, Transcribed};
use super::super::error::{Check, SessionError, accept};
use super::super::exchange::Exchange;
use crate::channel::{Channel, ChannelError, Phase};
use crate::ot::SessionId;
use crate::protocol::hello::Role;

/// The longest message that goes to all before any is received.
const AT_ONCE: usize = 1 << 12;

/// The channel to one peer.
pub(super) struct Link<'c> {
    /// The place of the peer, from 0.
    pub(super) peer: usize,
    /// Our role on this link.
    pub(super) role: Role,
    pub(super) channel: Transcribed<Box<dyn Channel + Send + 'c>>,
}

impl Link<'_> {
    /// Sends `ours` and receives `theirs`.
    pub(super) fn swap(&mut self, phase: Phase, ours: &[u8], theirs: &mut [u8]) -> Result<(), ChannelError> {
        Exchange { role: self.role, phase }.swap(&mut self.channel, ours, theirs)?;
        self.channel.flush()
    }

    /// The digest of what both have sent so far.
    pub(super) fn transcript(&self, pair: &SessionId) -> [u8; 32] {
        let directions = match self.role {
            Role::Garbler => Directions::at_garbler(&self.channel),
            Role::Evaluator => Directions::at_evaluator(&self.channel),
        };
        directions.digest(pair)
    }
}

/// The channels to all peers, in the order of places.
pub(super) struct Links<'c> {
    /// Our place, from 0.
    pub(super) own: usize,
    pub(super) all: Vec<Link<'c>>,
    record: blake3::Hasher,
    /// Changes of what we broadcast, which enter our own record too: for tests of parties that lie.
    #[cfg(test)]
    pub(super) lies: Vec<super::super::tests::Change>,
    #[cfg(test)]
    broadcast: [usize; 10],
}

impl<'c> Links<'c> {
    /// Links over these channels, one to each other party in the order of places.
    pub(super) fn new(own: usize, channels: Vec<impl Channel + Send + 'c>) -> Self {
        let link = |(i, channel)| {
            let peer = if i < own { i } else { i + 1 };
            let role = if own > peer { Role::Garbler } else { Role::Evaluator };
            let channel: Box<dyn Channel + Send + 'c> = Box::new(channel);
            Link { peer, role, channel: Transcribed::new(channel) }
        };
        let record = blake3::Hasher::new_derive_key("sotto mpc multiparty v1 record");
        Self {
            own,
            all: channels.into_iter().enumerate().map(link).collect(),
            record,
            #[cfg(test)]
            lies: Vec::new(),
            #[cfg(test)]
            broadcast: [0; 10],
        }
    }

    /// The number of parties.
    pub(super) fn parties(&self) -> usize {
        self.all.len() + 1
    }

    /// The digest of everything that was broadcast.
    pub(super) fn record(&self) -> [u8; 32] {
        self.record.finalize().into()
    }

    /// The indices of links in the order in which pairs work.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (own, n) = (self.own, self.parties());
        let peers = (0..n).map(move |round| (round + n - own) % n).filter(move |peer| *peer != own);
        peers.map(move |peer| if peer < own { peer } else { peer - 1 })
    }
}

impl Links<'_> {
    /// Every party broadcasts a message; that of party i has `lengths[i]` bytes, and ours is `ours`.
    /// Returns what each party broadcast, by place. It must not be used before [`compare`](Self::compare).
    ///
    /// # Errors
    /// If a connection fails.
    pub(super) fn broadcast(
        &mut self,
        phase: Phase,
        ours: &[u8],
        lengths: &[usize],
    ) -> Result<Vec<Vec<u8>>, ChannelError> {
        #[cfg(test)]
        let ours = &self.lied(phase, ours)[..];
        let mut broadcast: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0; *length]).collect();
        if lengths.iter().all(|length| *length <= AT_ONCE) {
            for link in self.all.iter_mut().filter(|_| !ours.is_empty()) {
                link.channel.send(phase, ours)?;
                link.channel.flush()?;
            }
            for link in &mut self.all {
                link.channel.receive(phase, &mut broadcast[link.peer])?;
            }
        } else {
            for i in self.in_turn() {
                let link = &mut self.all[i];
                link.swap(phase, ours, &mut broadcast[link.peer])?;
            }
        }
        broadcast[self.own].copy_from_slice(ours);
        self.record.update(&[phase.code()]);
        for message in &broadcast {
            self.record.update(&(message.len() as u64).to_le_bytes());
            self.record.update(message);
        }
        Ok(broadcast)
    }

    /// What a party that lies broadcasts in place of `ours`; positions count what it broadcast in a phase.
    #[cfg(test)]
    fn lied(&mut self, phase: Phase, ours: &[u8]) -> Vec<u8> {
        let (at, mut bytes) = (&mut self.broadcast[usize::from(phase.code())], ours.to_vec());
        self.lies.iter().for_each(|lie| lie.apply(phase, *at, &mut bytes));
        *at += bytes.len();
        bytes
    }

    /// Every party broadcasts a message of N bytes.
    ///
    /// # Errors
    /// If a connection fails.
    pub(super) fn broadcast_each<const N: usize>(
        &mut self,
        phase: Phase,
        ours: &[u8; N],
    ) -> Result<Vec<[u8; N]>, ChannelError> {
        let broadcast = self.broadcast(phase, ours, &vec![N; self.parties()])?;
        Ok(broadcast.iter().map(|message| core::array::from_fn(|i| message[i])).collect())
    }

    /// Sends each peer a message of its own, of a few kilobytes, and receives one of the same length.
    ///
    /// # Errors
    /// If a connection fails.
    pub(super) fn send_each(&mut self, phase: Phase, ours: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, ChannelError> {
        for (link, message) in self.all.iter_mut().zip(ours).filter(|(_, message)| !message.is_empty()) {
            link.channel.send(phase, message)?;
            link.channel.flush()?;
        }
        let receive = |(link, message): (&mut Link<'_>, &Vec<u8>)| {
            let mut theirs = vec![0; message.len()];
            link.channel.receive(phase, &mut theirs).map(|()| theirs)
        };
        self.all.iter_mut().zip(ours).map(receive).collect()
    }

    /// Compares our record of what was broadcast with that of every other party.
    ///
    /// # Errors
    /// If a connection fails, or a record differs.
    pub(super) fn compare(&mut self, phase: Phase) -> Result<(), SessionError> {
        let ours = self.record();
        for link in &mut self.all {
            link.channel.send(phase, &ours)?;
            link.channel.flush()?;
        }
        let mut equal = Choice::from(1);
        for link in &mut self.all {
            let mut theirs = [0; 32];
            link.channel.receive(phase, &mut theirs)?;
            equal &= ours.ct_eq(&theirs);
        }
        accept(equal, Check::Broadcast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In each round every party meets at most one other, both at the same time, and in all rounds each other
    /// once.
    #[test]
    fn pairs_meet_once_and_never_wait_in_a_circle() {
        for n in 3..=8 {
            let order = |own: usize| {
                let links = Links::new(own, super::super::memory_mesh(n).swap_remove(own));
                links.in_turn().map(|i| links.all[i].peer).collect::<Vec<_>>()
            };
            let orders: Vec<_> = (0..n).map(order).collect();
            let mut next = vec![0; n];
            // Some pair is always ready, until all are done.
            while next.iter().any(|at| *at < n - 1) {
                let wants = |i: usize| orders[i].get(next[i]).copied();
                let ready = (0..n).find(|i| wants(*i).is_some_and(|j| wants(j) == Some(*i)));
                let i = ready.expect("a pair is ready");
                let j = wants(i).unwrap();
                (next[i], next[j]) = (next[i] + 1, next[j] + 1);
            }
            for (own, order) in orders.iter().enumerate() {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..n).filter(|peer| *peer != own).collect::<Vec<_>>());
            }
        }
    }
}
