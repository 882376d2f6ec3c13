//! The members of a group that seals, as one node reaches them: pinned channels, and where its share is bound.
//!
//! ```text
//! each member dials every other one, and says everything on that channel; it hears on those that others dialled
//! frame = length (4) ‖ message; an empty one every second, so that both ends notice soon when the other is gone
//! ```
//!
//! The channel's keys are the members' own, as the group's draft names them. A member that does not read in time
//! misses messages, which costs it a round and nothing else.

use crate::{
    codec::{proposal_bytes, read_proposal},
    council::{
        Council, CouncilSetup, MAX_SAID, SealRegister, VoteKeeper, VoteRecord, VoteSigner, VoteSignerSetup,
    },
    edge::saved_files::{SavedFile, SavedFiles},
    engine::GroupEngine,
    event::{CouncilEvent, Event},
    seal::ForeignKey,
};
use core::{fmt, time::Duration};
use sotto_keys::{
    Group, Index, Share,
    edge::seal_records::{SealRecordError, SealRecords, VotesFile},
};
use sotto_link::{
    Identity as LinkIdentity, PeerKey, Timeouts,
    pinned::{self, ChannelConfig, LinkError, Listener, Pinned},
};
use sotto_mw::{amount::Height, chain::Chain, hash::Hash, rules::Proposal};
use sotto_party::Identity;
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
};

/// What the channels are for.
const PURPOSE: &str = "sotto-keys/1";
/// How long to wait until a connection is tried again, and between two signs of life.
const PULSE: Duration = Duration::from_secs(1);
/// Most channels on which one member is heard. An old one may take a while to end.
const CHANNELS: usize = 4;
/// Messages that wait for a member.
const WAITING: usize = 64;
const TIMEOUTS: Timeouts = Timeouts {
    connect: PULSE,
    handshake: Duration::from_secs(5),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(u32::MAX as u64),
};

/// A member of a group that seals, and how it reaches the others.
pub struct CouncilMember {
    /// Who this member is.
    pub identity: Identity,
    /// The group.
    pub group: Group,
    /// This member's share.
    pub share: Share,
    /// How long to wait from block to block.
    pub every: Duration,
    /// The folder of the installation that may use the share.
    pub installation: PathBuf,
    /// Where it listens for the others.
    pub listen: String,
    /// Where the others listen, each with host and port.
    pub others: BTreeMap<Index, String>,
}

/// Why a node is no member of a council.
#[derive(Debug, thiserror::Error)]
pub enum CouncilError {
    /// Identity, share, group and chain do not belong together.
    #[error(transparent)]
    ForeignKey(#[from] ForeignKey),
    /// The share may not be used here.
    #[error("cannot use the share: {0}")]
    Share(String),
    /// The address cannot be used.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The operating system reported an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CouncilMember {
    /// The engine of the member: of a chain with validators, of whom the group is one, or of an operator's.
    pub(crate) fn engine(&self, chain: &Chain, saved: &SavedFiles) -> Result<GroupEngine, CouncilError> {
        if chain.terms().sealing.validators().is_some() {
            return self.vote_signer(chain).map(Box::new).map(GroupEngine::Votes);
        }
        self.council(chain, saved).map(Box::new).map(GroupEngine::Seals)
    }

    fn vote_signer(&self, chain: &Chain) -> Result<VoteSigner, CouncilError> {
        let key = self.group.epoch().public_key(0).ok_or(ForeignKey)?;
        let refused = |why: &dyn fmt::Display| CouncilError::Share(why.to_string());
        let records = SealRecords::of(&self.installation);
        let file = records.votes(&key).map_err(|why| refused(&why))?;
        let record = match file.bytes() {
            [] => VoteRecord::new(*chain.id()),
            bytes => VoteRecord::from_file(chain.id(), bytes).map_err(|why| refused(&why))?,
        };
        let (identity, share) = (copy(&self.identity).ok_or(ForeignKey)?, self.share.clone());
        let keeper = Box::new(Keeper { records, key, file });
        let setup = VoteSignerSetup { identity, group: self.group.clone(), share, record, keeper };
        Ok(VoteSigner::new(chain, setup)?)
    }

    fn council(&self, chain: &Chain, saved: &SavedFiles) -> Result<Council, CouncilError> {
        let key = self.group.epoch().public_key(0).ok_or(ForeignKey)?;
        let records = SealRecords::of(&self.installation);
        records.check(&key).map_err(|why| CouncilError::Share(why.to_string()))?;
        let held = saved.read(SavedFile::Sealing)?.and_then(|bytes| read_proposal(&bytes));
        let (identity, share) = (copy(&self.identity).ok_or(ForeignKey)?, self.share.clone());
        let register = Box::new(Register { records, key, saved: saved.clone() });
        let (group, every) = (self.group.clone(), self.every);
        Ok(Council::new(chain, CouncilSetup { identity, group, share, every, held, register })?)
    }

    /// Opens its channels.
    pub(crate) fn open(&self, events: &SyncSender<Event>) -> Result<Channels, CouncilError> {
        let (us, draft) = (LinkIdentity::from_seed(&self.identity.signing_seed()), self.group.draft());
        let key = |i: Index| draft.key(i).and_then(|key| PeerKey::from_bytes(key.signing_bytes()).ok());
        let me = draft.index_of(&self.identity.public());
        let others: Vec<(Index, PeerKey)> =
            draft.indexes().filter(|i| Some(*i) != me).filter_map(|i| Some((i, key(i)?))).collect();
        let listener = Listener::bind(&self.listen, &us, others.iter().map(|(_, key)| *key), PURPOSE)?;
        let address = listener.address()?;
        let stop = Arc::<AtomicBool>::default();
        let members = others.iter().map(|(index, key)| (*key, (*index, Open::default()))).collect();
        let members = Arc::new(Mutex::new(members));
        let heard = Hearing { stop: stop.clone(), events: events.clone(), members };
        thread::Builder::new().name("council".into()).spawn(move || heard.listen(listener))?;
        let mut tell = Vec::new();
        for (index, peer) in others {
            let Some(at) = self.others.get(&index).cloned() else { continue };
            let (sender, messages) = sync_channel(WAITING);
            let telling = Telling {
                at,
                us: LinkIdentity::from_seed(&self.identity.signing_seed()),
                peer,
                index,
                messages,
                stop: stop.clone(),
                events: events.clone(),
            };
            thread::Builder::new().name(format!("member {index}")).spawn(move || telling.run())?;
            tell.push(sender);
        }
        Ok(Channels { address, tell, stop })
    }
}

/// The same identity: its owner keeps one.
fn copy(identity: &Identity) -> Option<Identity> {
    Identity::from_secret_text(&identity.to_secret_text())
}

/// The channels to all other members, until this is dropped.
#[derive(Debug)]
pub(crate) struct Channels {
    address: SocketAddr,
    tell: Vec<SyncSender<Arc<[u8]>>>,
    stop: Arc<AtomicBool>,
}

impl Channels {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a message to all others. Whoever is not connected, or too slow, misses it.
    pub(crate) fn tell(&self, message: Vec<u8>) {
        let message: Arc<[u8]> = message.into();
        for to in &self.tell {
            let _ = to.try_send(message.clone());
        }
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread that says everything to one member.
struct Telling {
    at: String,
    us: LinkIdentity,
    peer: PeerKey,
    index: Index,
    messages: Receiver<Arc<[u8]>>,
    stop: Arc<AtomicBool>,
    events: SyncSender<Event>,
}

impl Telling {
    fn run(self) {
        let config = ChannelConfig { us: &self.us, peer: self.peer, purpose: PURPOSE, timeouts: TIMEOUTS };
        let mut last = None;
        while !self.stop.load(Ordering::Relaxed) {
            match pinned::connect(&self.at, &config) {
                Ok(channel) => {
                    last = None;
                    self.present(true);
                    self.say(channel);
                    self.present(false);
                }
                Err(why) => {
                    // Once for each reason.
                    if last.as_ref() != Some(&why) {
                        tracing::warn!(member = self.index.get(), %why, "cannot connect to a member of the group");
                    }
                    last = Some(why);
                    thread::sleep(PULSE);
                }
            }
        }
    }

    fn present(&self, present: bool) {
        tracing::info!(member = self.index.get(), present, "member of the group");
        // The node may have stopped.
        let _ = self.events.send(Event::Council(CouncilEvent::Present(self.index, present)));
    }

    /// Passes messages on until the channel breaks or the node stops.
    fn say(&self, mut channel: Pinned) {
        // What was said before is of rounds that are over.
        while self.messages.try_recv().is_ok() {}
        loop {
            let message: Arc<[u8]> = match self.messages.recv_timeout(PULSE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => Arc::default(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if channel.send_message(&message).is_err() {
                return;
            }
        }
    }
}

/// The threads that hear the others.
#[derive(Clone)]
struct Hearing {
    stop: Arc<AtomicBool>,
    events: SyncSender<Event>,
    members: Arc<Mutex<BTreeMap<PeerKey, (Index, Open)>>>,
}

/// The channels on which one member is heard: the ones before the latest end.
#[derive(Clone, Copy, Default)]
struct Open {
    latest: u64,
    count: usize,
}

impl Hearing {
    fn listen(self, mut listener: Listener) {
        while !self.stop.load(Ordering::Relaxed) {
            let Ok(channel) = listener.accept(TIMEOUTS) else { continue };
            let peer = channel.peer();
            let Some(of) = self.opened(&peer) else { continue };
            let hearing = self.clone();
            let started = thread::Builder::new().name("member".into()).spawn(move || {
                hearing.hear(channel, of);
                hearing.closed(&peer);
            });
            // Without a thread the member connects again.
            if started.is_err() {
                self.closed(&peer);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerKey, (Index, Open)>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member opened a channel: who it is, and the channel's number, unless it has enough of them.
    fn opened(&self, peer: &PeerKey) -> Option<(Index, u64)> {
        let mut members = self.lock();
        let (index, open) = members.get_mut(peer).filter(|(_, open)| open.count < CHANNELS)?;
        (open.latest, open.count) = (open.latest + 1, open.count + 1);
        Some((*index, open.latest))
    }

    fn closed(&self, peer: &PeerKey) {
        self.lock().get_mut(peer).into_iter().for_each(|(_, open)| open.count -= 1);
    }

    fn hear(&self, mut channel: Pinned, (member, number): (Index, u64)) {
        let peer = channel.peer();
        let latest = || self.lock().get(&peer).is_some_and(|(_, open)| open.latest == number);
        while !self.stop.load(Ordering::Relaxed) && latest() {
            let Ok(message) = channel.receive_message(MAX_SAID) else { return };
            if message.is_empty() {
                continue;
            }
            if self.events.send(Event::Council(CouncilEvent::Heard(member, message))).is_err() {
                return;
            }
        }
    }
}

fn permits_upon(records: &SealRecords, key: &[u8; 32], (tip, time): (Height, u64)) -> io::Result<()> {
    records.permits_upon(key, tip.get(), time).map_err(|why| match why {
        SealRecordError::Refused(why) if why.is_of_repair() => io::Error::new(io::ErrorKind::WouldBlock, why),
        why => io::Error::other(why),
    })
}

/// What a validator's share said.
struct Keeper {
    records: SealRecords,
    key: [u8; 32],
    file: VotesFile,
}

impl VoteKeeper for Keeper {
    fn permits_upon(&mut self, tip: Height, time: u64) -> io::Result<()> {
        permits_upon(&self.records, &self.key, (tip, time))
    }

    fn keep(&mut self, record: &VoteRecord) -> io::Result<()> {
        self.file.keep(&record.to_file())
    }
}

/// The share's record and the proposal beside it.
struct Register {
    records: SealRecords,
    key: [u8; 32],
    saved: SavedFiles,
}

impl SealRegister for Register {
    fn permits_upon(&mut self, tip: Height, time: u64) -> io::Result<()> {
        permits_upon(&self.records, &self.key, (tip, time))
    }

    fn bind(&mut self, height: Height, header: &Hash, proposal: &Proposal) -> io::Result<()> {
        // The proposal first: whoever is bound to a header must be able to show its block.
        self.saved.replace(SavedFile::Sealing, &proposal_bytes(proposal))?;
        let header = sotto_keys::Hash::from_bytes(*header.as_bytes());
        self.records.bind(&self.key, height.get(), header).map_err(io::Error::other)
    }
}
