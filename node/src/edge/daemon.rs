//! A running node: starts and stops the ledger, the event loop, the sockets and the files around them.
//!
//! ```text
//! start: read address book and local transactions ─▶ sockets ─▶ node ─▶ event loop on its own thread ─▶ handle
//! stop:  request, or the store fails ─▶ save address book and mempool ─▶ end loop ─▶ close sessions ─▶ close ledger
//! ```
//!
//! The caller has opened and thereby locked the ledger, so no second process can start a node on it. The node
//! does not read the system time: it counts from its start.

use crate::{
    config::Config,
    consensus::{self, Accounts, Engine, Saved, Timing, VoteKey, Votes},
    edge::{
        clock::Clock,
        council::{Channels, CouncilError, CouncilMember},
        disk::Disk,
        event_loop::{Edges, EventLoop, channel},
        local_txs_file::LocalTxsFile,
        log,
        metrics::Counters,
        net::{self, Net, NetError},
        node_handle::NodeHandle,
        rpc::{RpcError, Server, Service},
        saved_files::{SavedFile, SavedFiles},
        workers::Workers,
    },
    effect::{Effect, FileWrite, LogEvent},
    engine::{Node, NodeSetup},
    event::Event,
    ledger::{Ledger, LedgerError, equivocations::Halt, witness},
    peer::PeerKey,
    seal::{ForeignKey, OperatorKey},
    sealing::Solo,
};
use core::{fmt, net::SocketAddr, num::NonZeroU16};
use rand_core::OsRng;
use sotto_mw::{chain::Chain, hash::Hash, validators::ValidatorSet};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc::SyncSender},
    thread::{self, JoinHandle},
};

/// The setup of a node.
#[derive(Debug)]
pub struct Setup {
    /// Its configuration. `net` overrides its key, its port and its number of inbound peers.
    pub config: Config,
    /// Its sockets.
    pub net: net::Setup,
    /// The address of its RPC server, if it has one.
    pub rpc: Option<SocketAddr>,
    /// The directory for its files besides the chain.
    pub dir: PathBuf,
    /// The keys of a validator, if this node votes.
    pub validator: Option<ValidatorSetup>,
    /// The mempool's file of a damaged store in place of which this ledger is: what it holds was
    /// acknowledged.
    pub recovered: Option<Vec<u8>>,
}

/// What makes a node a validator.
pub struct ValidatorSetup {
    /// Who has the vote key.
    pub vote_key: VoteKey,
    /// The vote key that takes its place, or has taken it: at each height the one in the set votes.
    pub renewal: Option<OperatorKey>,
    /// The id of this installation, which the file `votes` must name.
    pub installation: Hash,
    /// How long it waits.
    pub timing: Timing,
    /// Whether a person said that the log is lost for good: it votes again, above `votes`.
    pub resume: bool,
}

impl fmt::Debug for ValidatorSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorSetup").field("installation", &self.installation).finish_non_exhaustive()
    }
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sockets cannot be opened.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The RPC server cannot start.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The directory cannot be used.
    #[error("cannot use {}: {source}; check its permissions", .dir.display())]
    Kept {
        /// The directory.
        dir: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operator's key belongs to another chain.
    #[error(transparent)]
    ForeignKey(#[from] ForeignKey),
    /// This node cannot be a member of the group that seals.
    #[error(transparent)]
    Council(#[from] CouncilError),
    /// The chain must not go on before a person says which of two blocks counts.
    #[error(transparent)]
    Halt(#[from] Box<Halt>),
    /// The operating system starts no thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// A running node.
#[derive(Debug)]
pub struct Daemon {
    handle: NodeHandle,
    address: Option<SocketAddr>,
    members: Option<SocketAddr>,
    rpc: Option<Server>,
    node: JoinHandle<Result<(), LedgerError>>,
}

impl Daemon {
    /// Starts a node over a ledger. With the operator's key it can seal blocks.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(setup: Setup, ledger: Ledger, operator: Option<OperatorKey>) -> Result<Self, StartError> {
        Self::start_as(setup, ledger, (operator, None))
    }

    /// Starts a node that is a member's of a group: the chain's operator, or one of its validators.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_council(setup: Setup, ledger: Ledger, member: &CouncilMember) -> Result<Self, StartError> {
        Self::start_as(setup, ledger, (None, Some(member)))
    }

    fn start_as(
        setup: Setup,
        ledger: Ledger,
        (operator, member): (Option<OperatorKey>, Option<&CouncilMember>),
    ) -> Result<Self, StartError> {
        let Setup { mut config, mut net, rpc, dir, validator, recovered } = setup;
        if let Some(halt) = witness::halt(&ledger) {
            return Err(Box::new(halt).into());
        }
        let sealing = operator.map(|key| Solo::new(ledger.chain(), key)).transpose()?;
        let refused = |source| StartError::Kept { dir: dir.clone(), source };
        config.inbound = net.inbound;
        let kept = SavedFiles::open(&dir).map_err(refused)?;
        let book = kept.read(SavedFile::AddrBook).map_err(refused)?;
        let own = kept.read(SavedFile::LocalTxs).map_err(refused)?;
        let resume = validator.as_ref().is_some_and(|setup| setup.resume);
        let validator = validator.map(|setup| consensus(&kept, &ledger, setup)).transpose();
        let validator = validator.map_err(refused)?;
        let council = member.map(|member| member.engine(ledger.chain(), &kept)).transpose()?;
        if validator.is_some() {
            // Connections of validators are counted apart.
            net.inbound += ValidatorSet::MAX;
        }
        let (events, received) = channel();
        // The first event; the receiver exists, so sending cannot fail.
        drop(events.send(Event::LocalTxsLoaded(own.unwrap_or_default())));
        recovered.into_iter().for_each(|bytes| drop(events.send(Event::MempoolRecovered(bytes))));
        if resume {
            drop(events.send(Event::ResumeVoting));
        }
        let handle = NodeHandle::new(events.clone());
        config.key = PeerKey(*net.identity.peer_key().as_bytes());
        let outside = net.listen.as_ref().and_then(|listen| listen.outside);
        let (workers, local_txs) = threads(&dir, &events).map_err(StartError::Thread)?;
        let channels = member.map(|member| member.open(&events)).transpose()?;
        let net = Net::open(net, ledger.chain().id(), events)?;
        let address = net.address();
        config.listen = address;
        config.listen_port = outside.map(NonZeroU16::get).or(address.map(|a| a.port()));
        let counters = Arc::<Counters>::default();
        let service = || Service::new(ledger.chain(), handle.clone(), counters.clone());
        let members = channels.as_ref().map(Channels::address);
        let rpc = rpc.map(|at| Server::start(&dir, at, service(), &mut OsRng)).transpose()?;
        let setup =
            NodeSetup { config, ledger, operator: sealing, council, validator, addr_book: book.as_deref() };
        let node = Node::new(setup, &mut OsRng);
        let mut edges = DaemonEdges {
            net,
            saved: kept,
            local_txs,
            handle: handle.clone(),
            counters,
            workers,
            channels,
            failed: None,
        };
        let node = thread::Builder::new().name("node".into()).spawn(move || {
            let (clock, rng) = (&Clock::start(), &mut OsRng);
            let node = EventLoop { node, clock, rng, events: &received, edges: &mut edges }.run();
            // In this order: no new requests, the last saves, no waiting requests, no connections.
            drop(received);
            drop(edges.local_txs);
            edges.handle.stopped();
            drop(edges.net);
            drop(node);
            edges.failed.map_or(Ok(()), Err)
        });
        Ok(Self { handle, address, members, rpc, node: node.map_err(StartError::Thread)? })
    }

    /// A handle for requests from any thread.
    #[must_use]
    pub const fn handle(&self) -> &NodeHandle {
        &self.handle
    }

    /// The address at which it accepts peers.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The address at which it hears the other members of the group that seals.
    #[must_use]
    pub const fn members_address(&self) -> Option<SocketAddr> {
        self.members
    }

    /// Its RPC server, if it has one.
    #[must_use]
    pub const fn rpc(&self) -> Option<&Server> {
        self.rpc.as_ref()
    }

    /// Waits until the node has stopped.
    ///
    /// # Errors
    /// [`LedgerError`] if its store failed.
    pub fn wait(self) -> Result<(), LedgerError> {
        // The loop does not panic; a panic is a defect and must be reported as one.
        self.node.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The threads that work and write for the engine.
fn threads(dir: &Path, events: &SyncSender<Event>) -> io::Result<(Workers, LocalTxsFile)> {
    Ok((Workers::start(events)?, LocalTxsFile::start(Disk::beside_locked(dir), events.clone())?))
}

/// The consensus engine of a validator, with what it saved.
fn consensus(kept: &SavedFiles, ledger: &Ledger, setup: ValidatorSetup) -> io::Result<Engine> {
    let chain = ledger.chain();
    let ValidatorSetup { vote_key, renewal, installation, timing, resume: _ } = setup;
    let votes = kept.read(SavedFile::Votes)?.and_then(|bytes| Votes::from_file(chain.id(), &bytes).ok());
    let undecided = ledger.equivocations().doubles().iter().map(|double| double.height);
    let accounts = accounts(kept, chain)?.pinned(undecided);
    let saved = Saved { votes, log: kept.read(SavedFile::VoteLog)?, accounts };
    let setup = consensus::Setup { chain: chain.clone(), vote_key, installation, timing };
    let engine = Engine::new(setup, saved);
    Ok(match renewal {
        Some(key) => engine.with_renewal(key.vote_key()),
        None => engine,
    })
}

/// The accounts that were kept; a damaged file is set aside.
fn accounts(kept: &SavedFiles, chain: &Chain) -> io::Result<Accounts> {
    let Some(bytes) = kept.read(SavedFile::Accounts)? else { return Ok(Accounts::default()) };
    match Accounts::from_file(&bytes) {
        Ok((of, accounts)) if of == *chain.id() => Ok(accounts),
        _ => {
            tracing::error!(
                "the accounts of this validator's votes are damaged; they are kept as accounts.damaged"
            );
            kept.replace(SavedFile::AccountsDamaged, &bytes)?;
            Ok(Accounts::default())
        }
    }
}

/// Carries out the effects of a node.
struct DaemonEdges {
    net: Net,
    saved: SavedFiles,
    local_txs: LocalTxsFile,
    handle: NodeHandle,
    counters: Arc<Counters>,
    workers: Workers,
    channels: Option<Channels>,
    failed: Option<LedgerError>,
}

impl Edges for DaemonEdges {
    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Dial(to) => self.net.dial(to),
            Effect::Send(peer, message) => self.net.send(peer, &message),
            Effect::Close(peer, _) => self.net.close(peer),
            Effect::Respond(id, response) => self.handle.respond(id, *response),
            Effect::SaveAddrBook(book) => {
                // It is saved again soon, and a node without an address book learns addresses from its seeds.
                if let Err(why) = self.saved.replace(SavedFile::AddrBook, &book) {
                    tracing::warn!(%why, "cannot save the address book");
                }
            }
            Effect::SaveLocalTxs(id, write) => self.local_txs.save(id, write),
            Effect::SaveVotes { id, log_at, log, votes, accounts } => {
                let append = FileWrite::Append { at: log_at, bytes: log };
                let saved = self.saved.write(SavedFile::VoteLog, &append);
                let saved = saved.and_then(|()| self.saved.replace(SavedFile::Votes, &votes));
                let replace = |file: Vec<u8>| self.saved.replace(SavedFile::Accounts, &file);
                match saved.and_then(|()| accounts.map_or(Ok(()), replace)) {
                    Ok(()) => return Some(Event::VotesSaved(id)),
                    Err(why) => {
                        tracing::error!(%why, "cannot save what this validator signs; it does not vote until it is started again");
                    }
                }
            }
            Effect::TellCouncil(message) => {
                self.channels.iter().for_each(|channels| channels.tell(message.clone()));
            }
            Effect::SetAsideLocalTxs(damaged) => {
                if let Err(why) = self.saved.replace(SavedFile::LocalTxsDamaged, &damaged) {
                    tracing::error!(%why, "cannot keep the damaged file of submitted transactions");
                }
            }
            Effect::Verify(ticket, work) => self.workers.begin(ticket, work),
            Effect::Log(event) => {
                log::record(&event);
                self.counters.count(&event);
                if let LogEvent::Failed(why) = event {
                    self.failed.get_or_insert(why);
                }
            }
            Effect::Stop => {}
        }
        None
    }
}
