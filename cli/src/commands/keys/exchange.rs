//! `sotto keys exchange`: letters of members, from each one's folder to the folders of the others.
//!
//! ```text
//! FOLDER ──every fifth of a second, what is new──▶ to each member, on the channel that we dialled
//! a member's channel ──▶ a letter of this group, signed by a member? ──▶ FOLDER/SESSION.STEP.FROM.NAME, durable
//!
//! frame = length (4) ‖ letter; an empty one every second, so that both ends notice soon when the other is gone
//! ```
//!
//! The channels' keys are the members' own, as the draft names them, so only members read the letters. What arrives is
//! passed on like everything else in the folder: a member that reaches one other reaches all. The verbs that write and
//! read letters know nothing of this; a letter is in a file before they see it, and they check it as if a person had
//! put it there.
//!
//! Bounded: letters of one member that are taken from channels, letters that are held, channels of one member and frames on
//! a channel. What is no letter of this group ends the channel that it came on.

mod folder;

use super::super::mpc::job::read_identity;
use super::{addresses::addresses, files::read_draft_or_group};
use crate::{
    Context,
    args::KeysExchange,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use folder::{Folder, Taken};
use serde_json::json;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag::register,
};
use sotto_keys::{Draft, Hash, Index, MAX_LETTER};
use sotto_link::{
    Identity as LinkIdentity, PeerKey, Timeouts,
    pinned::{ChannelConfig, LinkError, Listener, Pinned, connect},
};
use sotto_party::Identity;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// What the channels are for; another purpose than that of members' nodes.
const PURPOSE: &str = "sotto-letters/1";
/// How often the folder is read.
const LOOK: Duration = Duration::from_millis(200);
/// How long to wait until a connection is tried again, and between two signs of life.
const PULSE: Duration = Duration::from_secs(1);
/// Most channels on which one member is heard. An old one may take a while to end.
const CHANNELS: usize = 4;
/// Most frames on one channel that hold a letter; a member that has more connects again.
const FRAMES: usize = 1 << 14;
/// Reports that wait to be printed.
const WAITING: usize = 64;
const TIMEOUTS: Timeouts = Timeouts {
    connect: PULSE,
    handshake: Duration::from_secs(5),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(u32::MAX as u64),
};

/// What the threads report.
enum Report {
    /// A letter is in the folder now.
    Arrived(Taken),
    /// A member is connected, or is not any more.
    Present(Index, bool),
    /// The folder cannot be written.
    Failed(Failure),
}

/// What all threads share.
#[derive(Clone)]
struct Shared {
    folder: Arc<Mutex<Folder>>,
    stop: Arc<AtomicBool>,
    reports: SyncSender<Report>,
    seed: Arc<zeroize::Zeroizing<[u8; 32]>>,
}

pub(super) fn run(context: &Context, a: &KeysExchange) -> Outcome {
    let (draft, identity) = (read_draft_or_group(&a.group)?, read_identity(&a.key)?);
    let me = draft.index_of(&identity.public()).ok_or_else(|| {
        Failure::refused("no member of the group has this key")
            .help("pass the right --key, or the right group")
    })?;
    let at = addresses(&draft, me, &a.member)?;
    let folder = Folder::open(&a.folder, draft.clone())?;
    let stop = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        register(signal, Arc::clone(&stop)).or_refuse("cannot handle signals")?;
    }
    let (reports, heard) = sync_channel(WAITING);
    let seed = Arc::new(identity.signing_seed());
    let shared = Shared { folder: Arc::new(Mutex::new(folder)), stop, reports, seed };
    let peers = peers(&draft, me);
    let address = shared.listen(&a.listen, &identity, &peers)?;
    for (index, peer) in peers {
        let at = at.get(&index).cloned().unwrap_or_default();
        let telling = shared.clone();
        start(format!("member {index}"), move || telling.tell((index, peer), &at))?;
    }
    let fields = json!({ "group": draft.id().to_string(), "member": me.get(), "address": address,
        "folder": a.folder.display().to_string() });
    let human = format!("member {me} exchanges letters of group {} at {address}", draft.id());
    context.output.record("keys-exchange", fields, &human)?;
    let ended = serve(context, a, &shared, &heard);
    shared.stop.store(true, Ordering::Relaxed);
    ended
}

/// Reads the folder and prints what arrives, until a signal or the time is over.
fn serve(context: &Context, a: &KeysExchange, shared: &Shared, heard: &Receiver<Report>) -> Outcome {
    let begun = Instant::now();
    while !shared.stop.load(Ordering::Relaxed) {
        shared.folder().look()?;
        if a.seconds.is_some_and(|seconds| begun.elapsed() >= Duration::from_secs(seconds)) {
            return Ok(());
        }
        let mut next = heard.recv_timeout(LOOK).ok();
        while let Some(report) = next {
            match report {
                Report::Arrived(taken) => {
                    context.output.record("keys-arrived", taken.fields(), &taken.text())?
                }
                Report::Present(index, true) => context.ui.info(&format!("member {index} is connected")),
                Report::Present(index, false) => context.ui.info(&format!("member {index} is away")),
                Report::Failed(failure) => return Err(failure),
            }
            next = heard.try_recv().ok();
        }
    }
    Ok(())
}

/// The keys of the other members.
fn peers(draft: &Draft, me: Index) -> Vec<(Index, PeerKey)> {
    let key = |i: Index| draft.key(i).and_then(|key| PeerKey::from_bytes(key.signing_bytes()).ok());
    draft.indexes().filter(|i| *i != me).filter_map(|i| Some((i, key(i)?))).collect()
}

fn start(name: String, run: impl FnOnce() + Send + 'static) -> Outcome {
    thread::Builder::new().name(name).spawn(run).map(drop).or_refuse("cannot start a thread")
}

impl Shared {
    fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reports to the main thread; it may have ended.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }

    fn us(&self) -> LinkIdentity {
        LinkIdentity::from_seed(&self.seed)
    }

    /// Listens for the other members; the address.
    fn listen(&self, at: &str, identity: &Identity, peers: &[(Index, PeerKey)]) -> Outcome<String> {
        let us = LinkIdentity::from_seed(&identity.signing_seed());
        let listening = Listener::bind(at, &us, peers.iter().map(|(_, key)| *key), PURPOSE);
        let mut listener = listening.map_err(|e| {
            let failed = Failure::coded(ErrorCode::Unreachable, format!("cannot listen at {at}")).why(&e);
            match e {
                LinkError::CannotListen { .. } => {
                    failed.help("pass an address of this machine with a free port")
                }
                _ => failed,
            }
        })?;
        let address = listener.address().or_refuse("cannot listen")?.to_string();
        let (shared, members) = (self.clone(), peers.iter().map(|(_, key)| (*key, 0)).collect());
        let members: Arc<Mutex<BTreeMap<PeerKey, usize>>> = Arc::new(Mutex::new(members));
        start("members".to_owned(), move || {
            while !shared.stopped() {
                let Ok(channel) = listener.accept(TIMEOUTS) else { continue };
                let (peer, hearing, open) = (channel.peer(), shared.clone(), Arc::clone(&members));
                let count = |change: isize| {
                    let mut open = members.lock().unwrap_or_else(PoisonError::into_inner);
                    let count = open.get_mut(&peer)?;
                    *count = count.checked_add_signed(change)?;
                    Some(*count)
                };
                if count(1).is_none_or(|count| count > CHANNELS) {
                    count(-1);
                    continue;
                }
                let started = start("member".to_owned(), move || {
                    hearing.hear(channel);
                    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                    open.get_mut(&peer).into_iter().for_each(|count| *count = count.saturating_sub(1));
                });
                // Without a thread the member connects again.
                if started.is_err() {
                    count(-1);
                }
            }
        })?;
        Ok(address)
    }

    /// Takes letters from a channel until it breaks, or something else comes.
    fn hear(&self, mut channel: Pinned) {
        let mut frames = 0;
        while !self.stopped() && frames < FRAMES {
            let Ok(letter) = channel.receive_message(MAX_LETTER) else { return };
            if letter.is_empty() {
                continue;
            }
            frames += 1;
            let taken = self.folder().take(&letter);
            match taken {
                Ok(Some(taken)) if taken.is_new => self.report(Report::Arrived(taken)),
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(failure) => return self.report(Report::Failed(failure)),
            }
        }
    }

    /// Says everything to one member, for as long as this runs.
    fn tell(&self, (index, peer): (Index, PeerKey), at: &str) {
        let us = self.us();
        let config = ChannelConfig { us: &us, peer, purpose: PURPOSE, timeouts: TIMEOUTS };
        while !self.stopped() {
            match connect(at, &config) {
                Ok(channel) => {
                    self.report(Report::Present(index, true));
                    self.say(channel);
                    self.report(Report::Present(index, false));
                }
                Err(_) => thread::sleep(PULSE),
            }
        }
    }

    /// Sends all letters, and those that come later, until the channel breaks. The other knows what it has.
    fn say(&self, mut channel: Pinned) {
        let mut sent: BTreeSet<Hash> = BTreeSet::new();
        let mut quiet = Instant::now();
        while !self.stopped() {
            let fresh = self.folder().letters_besides(&sent);
            for (name, letter) in fresh {
                if channel.send_message(&letter).is_err() {
                    return;
                }
                sent.insert(name);
                quiet = Instant::now();
            }
            if quiet.elapsed() >= PULSE {
                if channel.send_message(&[]).is_err() {
                    return;
                }
                quiet = Instant::now();
            }
            thread::sleep(LOOK);
        }
    }
}
