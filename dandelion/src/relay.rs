//! The relay of one node: what it is told, and what it commands.
//!
//! ```text
//!   Own ─────▶ whisper to the own route ────────────────┐
//!                                                       ├─ embargo over ───▶ Fluff
//!   Stem ─┬─ relayer: whisper to the sender's route ────┘
//!         └─ diffuser · same peer again · no relay · no room (Crowded) ──────▶ Fluff
//!   Public, Unacceptable ───────────────────────────────────────────────────▶ Forget
//! ```
//!
//! Guaranteed, whatever peers do:
//! - What was taken in is fluffed when its embargo ends at the latest, unless it is public or unacceptable by then.
//! - A transaction that another peer brings again is treated as if it were new, so that nobody can ask by sending it whether
//!   it was here. Only who brings again what it brought itself has it fluffed: that is a loop, and tells it nothing.
//! - Nothing is whispered to the peer it came from, nor is it told of the fluff.
//! - The node's own transactions always travel a hop, whatever its role. While there is no relay they wait for one under embargo, and
//!   are fluffed when it ends; where nobody is there at all, they wait for somebody.
//! - Memory is bounded by [`Limits`](crate::params::Limits), but for the node's own transactions.
//!
//! The caller keeps the bytes. It hands in only transactions that it would accept into its public pool, refuses those that are
//! public without a step, and lets no answer to a peer or a wallet depend on the stempool. Joined transactions are its
//! work as well: originals are kept until they are fluffed or forgotten, so one can be taken out again.
//!
//! Source: Dandelion++ (2018), sections 4 and 5. Ours: joining, and that loops are found by kernels.

use crate::{
    Id, Params,
    embargo::Embargoes,
    epoch::{Epoch, Role},
    line::{Line, Whisper},
    stempool::Stempool,
};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What happens to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T, K, P> {
    /// The node has connected to a peer of its own choice: a relay to be.
    Connected(P),
    /// A peer that connected to the node may be told what is the node's own, if no relay comes in time. Whoever tells this of all
    /// such peers gives to a spy who keeps relays away what the node sends then.
    Accepted(P),
    /// A peer is gone, whoever connected.
    Lost(P),
    /// The node's wallet hands in a transaction.
    Own {
        /// The transaction.
        tx: T,
        /// Its kernels.
        kernels: Vec<K>,
    },
    /// A peer whispers a transaction.
    Stem {
        /// The peer.
        from: P,
        /// The transaction.
        tx: T,
        /// Its kernels.
        kernels: Vec<K>,
    },
    /// A relay has taken what was last whispered to it: the line is free.
    Taken(P),
    /// All these kernels are public now: in the pool or in a block.
    Public(Vec<K>),
    /// A transaction of the stempool would not be accepted any more.
    Unacceptable(T),
    /// There is no room for this one any longer, as the caller counts room.
    Crowded(T),
    /// It is the time that [`Relay::wake`] told.
    Tick,
}

/// What a relay commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<T, P> {
    /// Whisper these to a relay, joined into one; those that do not join, one after another.
    Stem {
        /// The relay.
        to: P,
        /// At least one transaction, none sharing a kernel with another.
        members: Vec<T>,
    },
    /// Put it into the public pool and announce it to all peers but some.
    Fluff {
        /// The transaction; it is in the stempool no longer.
        tx: T,
        /// Those who whispered it, or a part of it.
        except: Vec<P>,
        /// Why now.
        reason: Reason,
    },
    /// Drop the bytes: it is in the stempool no longer.
    Forget(T),
}

/// Why a stem ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// This node is a diffuser in this epoch.
    Diffuser,
    /// The same peer brought it again.
    Loop,
    /// Nobody fluffed it in time.
    Embargo,
    /// There is no relay but the peer it came from.
    NoRelay,
    /// The peer, or all together, whispered more than is kept.
    NoRoom,
}

/// A node's relay.
#[derive(Clone, Debug)]
pub struct Relay<T, K, P> {
    params: Params,
    outbound: BTreeSet<P>,
    inbound: BTreeSet<P>,
    epoch: Epoch<P>,
    pool: Stempool<T, K, P>,
    embargoes: Embargoes<T>,
    lines: BTreeMap<P, Line<T, P>>,
    /// Own transactions that no relay was there for; under embargo, if anybody was there.
    parked: BTreeSet<T>,
}

impl<T: Id, K: Id, P: Id> Relay<T, K, P> {
    /// A relay without peers. `now` counts from an origin of the caller's choice and never goes back.
    ///
    /// The first epoch is cut at random, so that nodes which start together do not turn together.
    pub fn new(now: Duration, rng: &mut impl RngCore, params: Params) -> Self {
        let outbound = BTreeSet::new();
        let ends = now.saturating_add(params.epoch().mul_f64(crate::draw::unit(rng)));
        Self {
            epoch: Epoch::draw(rng, params.fluff(), ends, &outbound),
            embargoes: Embargoes::new(params.embargo()),
            pool: Stempool::new(),
            lines: BTreeMap::new(),
            parked: BTreeSet::new(),
            inbound: BTreeSet::new(),
            outbound,
            params,
        }
    }

    /// When to call again with [`Event::Tick`], if nothing else happens before.
    #[must_use]
    pub fn wake(&self) -> Duration {
        self.embargoes.next().map_or(self.epoch.ends(), |e| e.min(self.epoch.ends()))
    }

    /// How many transactions are in the stempool. For the node's own eyes only.
    #[must_use]
    pub fn stems(&self) -> usize {
        self.pool.len()
    }

    /// Takes an event and says what to do, in this order.
    pub fn step(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        event: Event<T, K, P>,
    ) -> Vec<Effect<T, P>> {
        let mut effects = Vec::new();
        if now >= self.epoch.ends() {
            let ends = now.saturating_add(self.params.epoch());
            self.epoch = Epoch::draw(rng, self.params.fluff(), ends, &self.outbound);
        }
        match event {
            Event::Connected(peer) => self.connected(now, rng, peer, &mut effects),
            Event::Accepted(peer) => self.accepted(now, rng, peer),
            Event::Lost(peer) => self.lost(now, rng, &peer, &mut effects),
            Event::Own { tx, kernels } => self.take_in(now, rng, (tx, kernels, None), &mut effects),
            Event::Stem { from, tx, kernels } => {
                self.take_in(now, rng, (tx, kernels, Some(from)), &mut effects);
            }
            Event::Taken(by) => drop(self.lines.get_mut(&by).map(Line::arrive)),
            Event::Public(kernels) => self.settle(self.pool.sharing(&kernels), &mut effects),
            Event::Unacceptable(tx) => self.settle(BTreeSet::from([tx]), &mut effects),
            Event::Crowded(tx) if self.pool.holds(&tx) => self.fluff(tx, Reason::NoRoom, &mut effects),
            Event::Crowded(_) => {}
            Event::Tick => {}
        }
        self.end_embargoes(now, &mut effects);
        self.depart(&mut effects);
        effects
    }

    fn connected(&mut self, now: Duration, rng: &mut impl RngCore, peer: P, effects: &mut Vec<Effect<T, P>>) {
        self.outbound.insert(peer);
        self.epoch.fill(rng, &self.outbound);
        for tx in std::mem::take(&mut self.parked) {
            self.whisper(now, rng, Whisper { tx, from: None }, effects);
        }
    }

    fn accepted(&mut self, now: Duration, rng: &mut impl RngCore, peer: P) {
        self.inbound.insert(peer);
        for tx in &self.parked {
            self.embargoes.start(now, rng, tx);
        }
    }

    fn lost(&mut self, now: Duration, rng: &mut impl RngCore, peer: &P, effects: &mut Vec<Effect<T, P>>) {
        self.outbound.remove(peer);
        self.inbound.remove(peer);
        self.epoch.lose(peer, self.params.limits().remembered_edges);
        self.epoch.fill(rng, &self.outbound);
        for whisper in self.lines.remove(peer).map(Line::close).unwrap_or_default() {
            if self.pool.holds(&whisper.tx) {
                self.whisper(now, rng, whisper, effects);
            }
        }
    }

    /// A transaction with its kernels, from a peer or from the own wallet (`None`).
    fn take_in(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        (tx, kernels, from): (T, Vec<K>, Option<P>),
        effects: &mut Vec<Effect<T, P>>,
    ) {
        let reason = match &from {
            None if self.pool.repeats(&kernels, None) => {
                return if !self.pool.holds(&tx) {
                    effects.push(Effect::Forget(tx))
                };
            }
            None => None,
            Some(_) if self.epoch.role() == Role::Diffuser => Some(Reason::Diffuser),
            Some(_) if self.pool.repeats(&kernels, from.as_ref()) => Some(Reason::Loop),
            Some(peer) if self.is_full(peer) => Some(Reason::NoRoom),
            Some(_) => None,
        };
        self.pool.add(&tx, &kernels, from.as_ref());
        match reason {
            Some(reason) => self.fluff(tx, reason, effects),
            None => self.whisper(now, rng, Whisper { tx, from }, effects),
        }
    }

    fn is_full(&self, peer: &P) -> bool {
        let limits = self.params.limits();
        self.pool.load(peer) >= limits.stems_per_peer || self.pool.len() >= limits.stems
    }

    /// Sends it along its route, under embargo. Own transactions without a route wait for one.
    fn whisper(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        whisper: Whisper<T, P>,
        effects: &mut Vec<Effect<T, P>>,
    ) {
        match self.epoch.route(rng, whisper.from.as_ref()) {
            Some(to) => {
                self.embargoes.start(now, rng, &whisper.tx);
                self.lines.entry(to).or_insert_with(Line::new).push(whisper);
            }
            None if whisper.from.is_none() => {
                if !self.is_alone() {
                    self.embargoes.start(now, rng, &whisper.tx);
                }
                self.parked.insert(whisper.tx);
            }
            None => self.fluff(whisper.tx, Reason::NoRelay, effects),
        }
    }

    fn is_alone(&self) -> bool {
        self.outbound.is_empty() && self.inbound.is_empty()
    }

    /// Makes a transaction of the stempool public.
    fn fluff(&mut self, tx: T, reason: Reason, effects: &mut Vec<Effect<T, P>>) {
        let kernels = self.pool.kernels(&tx).to_vec();
        let except = self.pool.senders(&kernels).into_iter().collect();
        let others = self.pool.sharing(&kernels).into_iter().filter(|t| *t != tx).collect();
        self.remove(&BTreeSet::from([tx.clone()]));
        effects.push(Effect::Fluff { tx, except, reason });
        self.settle(others, effects);
    }

    /// Forgets transactions that are public, or can no longer become so.
    fn settle(&mut self, gone: BTreeSet<T>, effects: &mut Vec<Effect<T, P>>) {
        let gone: BTreeSet<T> = gone.into_iter().filter(|tx| self.pool.holds(tx)).collect();
        self.remove(&gone);
        effects.extend(gone.into_iter().map(Effect::Forget));
    }

    fn remove(&mut self, gone: &BTreeSet<T>) {
        for tx in gone {
            self.pool.remove(tx);
            self.embargoes.lift(tx);
            self.parked.remove(tx);
        }
        self.lines.values_mut().for_each(|line| line.drop_all(gone));
    }

    /// Fluffs what was whispered for too long; but nothing of one's own to nobody, because the next peer to come would be
    /// told of it by its maker.
    fn end_embargoes(&mut self, now: Duration, effects: &mut Vec<Effect<T, P>>) {
        while let Some(tx) = self.embargoes.due(now) {
            if self.is_alone() && self.pool.is_own(&tx) {
                self.embargoes.lift(&tx);
                self.parked.insert(tx);
            } else {
                self.fluff(tx, Reason::Embargo, effects);
            }
        }
    }

    /// Lets go what waits at free lines.
    fn depart(&mut self, effects: &mut Vec<Effect<T, P>>) {
        let pool = &self.pool;
        let clash = |a: &T, b: &T| pool.kernels(a).iter().any(|k| pool.kernels(b).contains(k));
        for (to, line) in &mut self.lines {
            let members = line.depart(self.params.limits().joined, clash);
            if !members.is_empty() {
                effects.push(Effect::Stem { to: to.clone(), members });
            }
        }
        self.lines.retain(|_, line| !line.is_idle());
    }
}
