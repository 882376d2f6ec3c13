//! A running node: the ledger, the loop, the sockets and what is kept, brought together and taken apart.
//!
//! ```text
//! start: kept book, own whispers ─▶ sockets ─▶ node ─▶ loop on a thread of its own ──▶ asker, for whoever is on this machine
//! stop:  asked, or the store fails ─▶ book and pool kept ─▶ loop ends ─▶ goodbyes ─▶ ledger closed ─▶ wait returns
//! ```
//!
//! The ledger is locked by whoever opened it, so that no second process comes this far. Time of day does not enter: a node counts
//! from its start on a clock that is never set.

use crate::{
    config::Config,
    edge::{
        asker::Asker,
        clock::Clock,
        disk::Disk,
        event_loop::{Edges, channel, run},
        kept::{Kept, Kind},
        log,
        metrics::Counters,
        net::{self, Net, NetError},
        rpc::{RpcError, Server},
    },
    effect::{Effect, LogEvent},
    engine::Node,
    event::Event,
    ledger::{Ledger, LedgerError},
    peer::PeerKey,
    seal::{ForeignKey, OperatorKey},
    sealing::Solo,
};
use core::{net::SocketAddr, num::NonZeroU16};
use rand_core::OsRng;
use std::{
    io,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// What a node is told before it starts.
#[derive(Debug)]
pub struct Setup {
    /// How it behaves. Its key, its port and how many peers may come follow from `net`.
    pub config: Config,
    /// How it reaches others, and is reached.
    pub net: net::Setup,
    /// Where it answers programs on this machine, if it does.
    pub rpc: Option<SocketAddr>,
    /// The directory for what it keeps beside its chain.
    pub dir: PathBuf,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There are no sockets.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Programs on this machine cannot be answered.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Its directory cannot be used.
    #[error("{} cannot be used: {source}; check its permissions", .dir.display())]
    Kept {
        /// Which directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was given a key to seal with, which is another chain's.
    #[error(transparent)]
    ForeignKey(#[from] ForeignKey),
    /// The operating system gives no thread.
    #[error("the operating system gives no thread: {0}")]
    Thread(io::Error),
}

/// A node that runs.
#[derive(Debug)]
pub struct Daemon {
    asker: Asker,
    address: Option<SocketAddr>,
    rpc: Option<Server>,
    node: JoinHandle<Result<(), LedgerError>>,
}

impl Daemon {
    /// Starts a node over a ledger. Who holds the operator's key may seal.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        setup: Setup,
        ledger: Ledger<Disk>,
        operator: Option<OperatorKey>,
    ) -> Result<Self, StartError> {
        let Setup { mut config, net, rpc, dir } = setup;
        let sealing = operator.map(|key| Solo::new(ledger.chain(), key)).transpose()?;
        let refused = |source| StartError::Kept { dir: dir.clone(), source };
        let kept = Kept::open(&dir).map_err(refused)?;
        let book = kept.read(Kind::AddrBook).map_err(refused)?;
        let own = kept.read(Kind::Own).map_err(refused)?;
        let (events, happened) = channel();
        // The first that happens. Who would hear of it is a few lines below.
        drop(events.send(Event::LocalTxsLoaded(own.unwrap_or_default())));
        let asker = Asker::new(events.clone());
        config.key = PeerKey(*net.identity.peer_key().as_bytes());
        config.inbound = net.inbound;
        let outside = net.listen.as_ref().and_then(|door| door.outside);
        let net = Net::open(net, ledger.chain().id(), events)?;
        let address = net.address();
        config.listen_port = outside.map(NonZeroU16::get).or(address.map(|a| a.port()));
        let counters = Arc::<Counters>::default();
        let answers = (ledger.chain(), asker.clone(), counters.clone());
        let rpc = rpc.map(|at| Server::start((&dir, at), answers, &mut OsRng)).transpose()?;
        let mut node = Node::new(config, ledger, sealing, book.as_deref(), &mut OsRng);
        let mut hands = Hands { net, kept, asker: asker.clone(), counters, failed: None };
        let node = thread::Builder::new().name("node".into()).spawn(move || {
            node = run(node, &Clock::start(), &mut OsRng, &happened, &mut hands);
            // In this order: nobody can ask any more, nobody waits any more, nobody is connected any more.
            drop(happened);
            hands.asker.stopped();
            drop(hands.net);
            drop(node);
            hands.failed.map_or(Ok(()), Err)
        });
        Ok(Self { asker, address, rpc, node: node.map_err(StartError::Thread)? })
    }

    /// The way to ask it something, from any thread.
    #[must_use]
    pub const fn asker(&self) -> &Asker {
        &self.asker
    }

    /// Where it takes connections.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What answers programs on this machine, if anything does.
    #[must_use]
    pub const fn rpc(&self) -> Option<&Server> {
        self.rpc.as_ref()
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// How its store failed.
    pub fn wait(self) -> Result<(), LedgerError> {
        // The loop never panics; if it does, that is a defect to be reported where defects are.
        self.node.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// What carries a node's decisions out.
struct Hands {
    net: Net,
    kept: Kept,
    asker: Asker,
    counters: Arc<Counters>,
    failed: Option<LedgerError>,
}

impl Edges for Hands {
    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Dial(to) => self.net.dial(to),
            Effect::Send(peer, message) => self.net.send(peer, &message),
            Effect::Close(peer, _) => self.net.close(peer),
            Effect::Respond(id, answer) => self.asker.answered(id, *answer),
            Effect::SaveAddrBook(book) => {
                // It is kept again soon; a node without its book finds others by those that it is told.
                if let Err(why) = self.kept.replace(Kind::AddrBook, &book) {
                    tracing::warn!(%why, "the address book could not be kept");
                }
            }
            Effect::SaveLocalTxs(own) => {
                return Some(match self.kept.replace(Kind::Own, &own) {
                    Ok(()) => Event::LocalTxsSaved,
                    Err(why) => {
                        tracing::error!(%why, "what was handed in could not be kept; nothing more is taken in until it can be");
                        Event::LocalTxsNotSaved
                    }
                });
            }
            Effect::Log(note) => {
                log::note(&note);
                self.counters.note(&note);
                if let LogEvent::Failed(why) = note {
                    self.failed.get_or_insert(why);
                }
            }
            Effect::Stop => {}
        }
        None
    }
}
