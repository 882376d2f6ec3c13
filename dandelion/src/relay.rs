//! The relay of one node as a state machine: [`Event`]s in, [`Effect`]s out.
//!
//! ```text
//!   Local ───▶ stem along the node's own route ─────────────────┐
//!                                                               ├─ embargo expired ─▶ Fluff
//!   Stem ─┬─ relayer: stem along the sender's route ────────────┘
//!         └─ diffuser · loop · no other relay · stempool full (Evicted) ────────────▶ Fluff
//!   Public, Rejected ───────────────────────────────────────────────────────────────▶ Forget
//! ```
//!
//! Guaranteed, whatever peers do:
//! - Every transaction taken in is fluffed when its embargo expires at the latest, unless it is public or
//!   rejected by then.
//! - A transaction that a second peer sends is treated as if it were new, so a peer cannot probe the stempool
//!   by sending it. Only a peer that sends its own transaction again causes a fluff (a loop), and learns
//!   nothing from it.
//! - A transaction never goes back to the peer that sent it, neither as a stem nor as a fluff.
//! - The node's own transactions always travel at least one hop, whatever the node's role. Without a relay
//!   they wait for one under embargo and are fluffed when it expires. Without any peer they wait for the
//!   first.
//! - Memory is bounded by [`Limits`](crate::params::Limits), except for the node's own transactions.
//!
//! Not guaranteed: the caller has to do its part. It stores the bytes, passes in only transactions that its
//! mempool would accept and that are not public yet, and lets no reply to a peer or wallet depend on the
//! stempool. It also joins transactions, and keeps the originals until they are fluffed or forgotten, so that
//! a member can be removed again.
//!
//! Source: Dandelion++ (2018), sections 4 and 5. Joining, and recognising loops by kernels, are our
//! additions.

use crate::{
    Id, Params,
    embargo::Embargoes,
    epoch::{Epoch, Role},
    relay_queue::{RelayQueue, StemTx},
    stempool::Stempool,
};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// An input of [`Relay::step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T, K, P> {
    /// The node connected to a peer of its own choice, which may become a relay.
    Connected(P),
    /// A peer connected to the node and may receive fluffs of the node's own transactions when no relay comes
    /// in time.
    ///
    /// A caller that reports every inbound peer here lets a spy that keeps relays away receive those
    /// transactions.
    Accepted(P),
    /// A peer disconnected, inbound or outbound.
    Disconnected(P),
    /// The node's wallet submits a transaction.
    Local {
        /// The transaction.
        tx: T,
        /// Its kernels.
        kernels: Vec<K>,
    },
    /// A peer sends a transaction in its stem phase.
    Stem {
        /// The peer.
        from: P,
        /// The transaction.
        tx: T,
        /// Its kernels.
        kernels: Vec<K>,
    },
    /// The relay received the last [`Effect::Stem`]; the next one may be sent.
    Delivered(P),
    /// These kernels are now public: in the mempool or in a block.
    Public(Vec<K>),
    /// The mempool would not accept this stempool transaction any more.
    Rejected(T),
    /// The caller has no room for this stempool transaction any more.
    Evicted(T),
    /// The time that [`Relay::wake`] returned has come.
    Tick,
}

/// An instruction to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<T, P> {
    /// Send these to a relay, joined into one transaction; members that cannot be joined go one after
    /// another.
    Stem {
        /// The relay.
        to: P,
        /// At least one transaction; no two share a kernel.
        members: Vec<T>,
    },
    /// Put the transaction into the mempool and announce it to all peers except some.
    Fluff {
        /// The transaction, which has left the stempool.
        tx: T,
        /// The peers that sent it, or a part of it.
        except: Vec<P>,
        /// Why now.
        reason: Reason,
    },
    /// Delete the bytes: the transaction has left the stempool.
    Forget(T),
}

/// Why a stem ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// This node is a diffuser in this epoch.
    Diffuser,
    /// The same peer sent it again.
    Loop,
    /// The embargo expired before the transaction became public.
    Embargo,
    /// The only relay is the peer that sent it.
    NoRelay,
    /// The stempool is full, or the peer's share of it.
    NoRoom,
}

/// The relay of one node.
///
/// ```
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
/// use sotto_dandelion::{Effect, Event, Params, Reason, Relay};
/// use std::time::Duration;
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let mut relay = Relay::new(Duration::ZERO, &mut rng, Params::default());
/// relay.step(Duration::ZERO, &mut rng, Event::Connected("bob"));
/// relay.step(Duration::ZERO, &mut rng, Event::Local { tx: "payment", kernels: vec![1] });
///
/// // Bob never announces the payment, so the embargo expires and the node fluffs it.
/// let mut fluffs = Vec::new();
/// while relay.stems() > 0 {
///     let now = relay.wake();
///     fluffs.extend(relay.step(now, &mut rng, Event::Tick));
/// }
/// assert_eq!(fluffs, [Effect::Fluff { tx: "payment", except: vec![], reason: Reason::Embargo }]);
/// ```
#[derive(Clone, Debug)]
pub struct Relay<T, K, P> {
    params: Params,
    outbound: BTreeSet<P>,
    inbound: BTreeSet<P>,
    epoch: Epoch<P>,
    pool: Stempool<T, K, P>,
    embargoes: Embargoes<T>,
    queues: BTreeMap<P, RelayQueue<T, P>>,
    /// Own transactions that found no relay. They are under embargo if the node had any peer.
    unrouted: BTreeSet<T>,
}

/// A transaction that enters the stempool, and the peer that sent it (`None`: the node's own wallet).
struct Incoming<T, K, P> {
    tx: T,
    kernels: Vec<K>,
    from: Option<P>,
}

impl<T: Id, K: Id, P: Id> Relay<T, K, P> {
    /// A relay without peers. `now` counts from an origin of the caller's choice and never decreases.
    ///
    /// The first epoch ends early, at a random time, so that nodes which start together do not change routes
    /// together.
    pub fn new(now: Duration, rng: &mut impl RngCore, params: Params) -> Self {
        let outbound = BTreeSet::new();
        let ends = now.saturating_add(params.epoch().mul_f64(crate::draw::unit(rng)));
        Self {
            epoch: Epoch::draw(rng, params.fluff(), ends, &outbound),
            embargoes: Embargoes::new(params.embargo()),
            pool: Stempool::new(),
            queues: BTreeMap::new(),
            unrouted: BTreeSet::new(),
            inbound: BTreeSet::new(),
            outbound,
            params,
        }
    }

    /// When to call [`step`](Self::step) with [`Event::Tick`], if no other event comes first.
    #[must_use]
    pub fn wake(&self) -> Duration {
        self.embargoes.next().map_or(self.epoch.ends(), |e| e.min(self.epoch.ends()))
    }

    /// How many transactions the stempool holds.
    ///
    /// # Security
    /// Do not show this number to peers: it tells whether the node sends payments.
    #[must_use]
    pub fn stems(&self) -> usize {
        self.pool.len()
    }

    /// Handles one event. The caller carries out the effects in their order.
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
            Event::Disconnected(peer) => self.disconnected(now, rng, &peer, &mut effects),
            Event::Local { tx, kernels } => {
                self.receive(now, rng, Incoming { tx, kernels, from: None }, &mut effects);
            }
            Event::Stem { from, tx, kernels } => {
                self.receive(now, rng, Incoming { tx, kernels, from: Some(from) }, &mut effects);
            }
            Event::Delivered(to) => drop(self.queues.get_mut(&to).map(RelayQueue::delivered)),
            Event::Public(kernels) => self.forget(self.pool.sharing(&kernels), &mut effects),
            Event::Rejected(tx) => self.forget(BTreeSet::from([tx]), &mut effects),
            Event::Evicted(tx) if self.pool.holds(&tx) => self.fluff(tx, Reason::NoRoom, &mut effects),
            Event::Evicted(_) | Event::Tick => {}
        }
        self.expire_embargoes(now, &mut effects);
        self.send_ready(&mut effects);
        effects
    }

    fn connected(&mut self, now: Duration, rng: &mut impl RngCore, peer: P, effects: &mut Vec<Effect<T, P>>) {
        self.outbound.insert(peer);
        self.epoch.fill(rng, &self.outbound);
        for tx in std::mem::take(&mut self.unrouted) {
            self.stem(now, rng, StemTx { tx, from: None }, effects);
        }
    }

    fn accepted(&mut self, now: Duration, rng: &mut impl RngCore, peer: P) {
        self.inbound.insert(peer);
        for tx in &self.unrouted {
            self.embargoes.start(now, rng, tx);
        }
    }

    fn disconnected(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        peer: &P,
        effects: &mut Vec<Effect<T, P>>,
    ) {
        self.outbound.remove(peer);
        self.inbound.remove(peer);
        self.epoch.disconnected(peer, self.params.limits().remembered_edges);
        self.epoch.fill(rng, &self.outbound);
        for stem in self.queues.remove(peer).map(RelayQueue::into_undelivered).unwrap_or_default() {
            if self.pool.holds(&stem.tx) {
                self.stem(now, rng, stem, effects);
            }
        }
    }

    /// Takes a transaction into the stempool and stems or fluffs it.
    fn receive(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        incoming: Incoming<T, K, P>,
        effects: &mut Vec<Effect<T, P>>,
    ) {
        let Incoming { tx, kernels, from } = incoming;
        let reason = match &from {
            None if self.pool.repeats(&kernels, None) => {
                if !self.pool.holds(&tx) {
                    effects.push(Effect::Forget(tx));
                }
                return;
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
            None => self.stem(now, rng, StemTx { tx, from }, effects),
        }
    }

    fn is_full(&self, peer: &P) -> bool {
        let limits = self.params.limits();
        self.pool.load(peer) >= limits.stems_per_peer || self.pool.len() >= limits.stems
    }

    /// Queues a transaction along its route, under embargo. Own transactions without a route wait for one.
    fn stem(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        stem: StemTx<T, P>,
        effects: &mut Vec<Effect<T, P>>,
    ) {
        match self.epoch.route(rng, stem.from.as_ref()) {
            Some(to) => {
                self.embargoes.start(now, rng, &stem.tx);
                self.queues.entry(to).or_insert_with(RelayQueue::new).push(stem);
            }
            None if stem.from.is_none() => {
                if !self.is_alone() {
                    self.embargoes.start(now, rng, &stem.tx);
                }
                self.unrouted.insert(stem.tx);
            }
            None => self.fluff(stem.tx, Reason::NoRelay, effects),
        }
    }

    /// Whether the node has no peer at all.
    fn is_alone(&self) -> bool {
        self.outbound.is_empty() && self.inbound.is_empty()
    }

    /// Makes a stempool transaction public, and forgets all that share a kernel with it.
    fn fluff(&mut self, tx: T, reason: Reason, effects: &mut Vec<Effect<T, P>>) {
        let kernels = self.pool.kernels(&tx).to_vec();
        let except = self.pool.senders(&kernels).into_iter().collect();
        let others = self.pool.sharing(&kernels).into_iter().filter(|t| *t != tx).collect();
        self.remove(&BTreeSet::from([tx.clone()]));
        effects.push(Effect::Fluff { tx, except, reason });
        self.forget(others, effects);
    }

    /// Forgets transactions that are public, or can no longer become public.
    fn forget(&mut self, gone: BTreeSet<T>, effects: &mut Vec<Effect<T, P>>) {
        let gone: BTreeSet<T> = gone.into_iter().filter(|tx| self.pool.holds(tx)).collect();
        self.remove(&gone);
        effects.extend(gone.into_iter().map(Effect::Forget));
    }

    fn remove(&mut self, gone: &BTreeSet<T>) {
        for tx in gone {
            self.pool.remove(tx);
            self.embargoes.lift(tx);
            self.unrouted.remove(tx);
        }
        self.queues.values_mut().for_each(|queue| queue.remove_all(gone));
    }

    /// Fluffs the transactions whose embargo has expired.
    ///
    /// An own transaction is kept while the node has no peer: the next peer would receive it from its author
    /// directly.
    fn expire_embargoes(&mut self, now: Duration, effects: &mut Vec<Effect<T, P>>) {
        while let Some(tx) = self.embargoes.due(now) {
            if self.is_alone() && self.pool.is_own(&tx) {
                self.embargoes.lift(&tx);
                self.unrouted.insert(tx);
            } else {
                self.fluff(tx, Reason::Embargo, effects);
            }
        }
    }

    /// Sends the next batch to every relay with nothing in flight.
    fn send_ready(&mut self, effects: &mut Vec<Effect<T, P>>) {
        let pool = &self.pool;
        let conflict = |a: &T, b: &T| pool.kernels(a).iter().any(|k| pool.kernels(b).contains(k));
        for (to, queue) in &mut self.queues {
            let members = queue.next_batch(self.params.limits().joined, conflict);
            if !members.is_empty() {
                effects.push(Effect::Stem { to: to.clone(), members });
            }
        }
        self.queues.retain(|_, queue| !queue.is_idle());
    }
}
