//! One node among peers that are played by hand: what is said to it, and what it asks, answers and closes.

use core::{net::SocketAddr, time::Duration};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    block::{Block, Header},
    chain::Params,
    codec::Encode,
    hash::Hash,
    testing::TestChain,
    transaction::Transaction,
};
use sotto_node::{
    codec::transaction_id,
    config::Config,
    effect::{Effect, FileWrite, LogEvent, Response},
    engine::{Node, NodeSetup},
    event::{Event, Request, RequestId, SaveId},
    ledger::Ledger,
    message::{
        BlockName, Hello, Message,
        compact::{Compact, items as items_of},
        rules,
    },
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
    seal::{OperatorKey, SealedHeader},
    sealing::Solo,
    storage::{Memory, Store},
    work::{Ticket, Work},
};
use std::collections::VecDeque;

use crate::world::layout;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A node, the time, and what came of it so far, or since it was asked last.
pub(crate) struct Hand {
    pub(crate) node: Node,
    pub(crate) test_chain: TestChain,
    pub(crate) now: Duration,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) said: Vec<(u64, Message)>,
    pub(crate) closed: Vec<(u64, CloseReason)>,
    pub(crate) alarms: usize,
    pub(crate) answer: Option<Response>,
    pub(crate) notes: Vec<LogEvent>,
    pub(crate) files: Memory,
    /// How often the mempool could not be saved, and how often the store failed.
    pub(crate) lacks: Lacks,
    /// How much work it has had done.
    pub(crate) begun: usize,
    /// What its workers were given and have not done, if they wait.
    pub(crate) held: Option<Vec<(Ticket, Work)>>,
    /// Whether peers answer its pings at once.
    pongs: bool,
    /// Whether what is submitted to it cannot be saved, and what was saved last.
    pub(crate) full: bool,
    pub(crate) kept: Option<Vec<u8>>,
    /// The file `votes`.
    pub(crate) votes: Option<Vec<u8>>,
    /// What was written to it, and damaged files that were kept.
    pub(crate) writes: Vec<FileWrite>,
    /// What is being written, if that takes time.
    pub(crate) saving: Option<VecDeque<(SaveId, FileWrite)>>,
    /// The requests that were answered, in order.
    pub(crate) answered: Vec<u64>,
    pub(crate) set_aside: Vec<Vec<u8>>,
}

/// What failed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacks {
    pub(crate) saves: usize,
    pub(crate) store: usize,
}

impl Hand {
    /// A node that seals, with the first so many blocks of this chain.
    pub(crate) fn new(test_chain: TestChain, blocks: usize, edit: impl FnOnce(&mut Config)) -> Self {
        let operator =
            Solo::new(test_chain.chain(), OperatorKey::from_secret(test_chain.operator().clone())).unwrap();
        let edit = |c: &mut Config| {
            (c.outbound, c.snapshot_every) = (0, 0);
            edit(c);
        };
        Self::over(test_chain, blocks, Some(operator), (1, false), edit)
    }

    /// A node that does not seal, with all blocks of this chain, whose peers answer its pings.
    pub(crate) fn lone(test_chain: &TestChain, edit: impl FnOnce(&mut Config)) -> Self {
        let edit = |c: &mut Config| {
            // One in twenty nodes ends all stems at once; with this seed this one does not.
            c.dandelion = sotto_dandelion::Params::new(0.05, SECOND / 100, 0.1, 60 * SECOND).unwrap();
            edit(c);
        };
        Self::over(test_chain.clone(), test_chain.blocks().len(), None, (5, true), edit)
    }

    fn over(
        test_chain: TestChain,
        blocks: usize,
        operator: Option<Solo>,
        (seed, pongs): (u64, bool),
        edit: impl FnOnce(&mut Config),
    ) -> Self {
        let files = Memory::new();
        let store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
        let mut config = Config::new(PeerKey([99; 32]));
        edit(&mut config);
        let mut ledger = Ledger::over(store, config.mempool).unwrap();
        test_chain.blocks().iter().take(blocks).for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let node = Node::new(NodeSetup { operator, ..NodeSetup::new(config, ledger) }, &mut rng);
        Self {
            node,
            test_chain,
            now: Duration::ZERO,
            rng,
            said: Vec::new(),
            closed: Vec::new(),
            alarms: 0,
            answer: None,
            notes: Vec::new(),
            files,
            lacks: Lacks::default(),
            begun: 0,
            held: None,
            pongs,
            full: false,
            kept: None,
            votes: None,
            writes: Vec::new(),
            saving: None,
            answered: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    pub(crate) fn happen(&mut self, event: Event) {
        let mut next = VecDeque::from([event]);
        while let Some(event) = next.pop_front() {
            for effect in self.node.step(self.now, &mut self.rng, event) {
                next.extend(self.carry_out(effect));
            }
        }
    }

    /// Carries an effect out; returns what follows from it at once.
    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Send(peer, Message::Ping(nonce)) if self.pongs => {
                return Some(Event::Frame { peer, bytes: Message::Pong(nonce).to_bytes() });
            }
            Effect::Send(peer, message) => self.said.push((peer.0, message)),
            Effect::Verify(ticket, work) => {
                self.begun += 1;
                if let Some(held) = &mut self.held {
                    held.push((ticket, work));
                    return None;
                }
                return Some(Event::Verified(ticket, work.run()));
            }
            Effect::SaveLocalTxs(id, _) if self.full => return Some(Event::LocalTxsNotSaved(id)),
            Effect::SaveLocalTxs(id, own) => {
                self.writes.push(own.clone());
                if let Some(saving) = &mut self.saving {
                    saving.push_back((id, own));
                    return None;
                }
                own.apply(self.kept.get_or_insert_default());
                return Some(Event::LocalTxsSaved(id));
            }
            Effect::SetAsideLocalTxs(damaged) => self.set_aside.push(damaged),
            Effect::Close(peer, why) => self.closed.push((peer.0, why)),
            Effect::Respond(id, answer) => {
                self.answered.push(id.0);
                self.answer = Some(*answer);
            }
            Effect::Log(note) => {
                match note {
                    LogEvent::DoubleSeal(_) => self.alarms += 1,
                    LogEvent::MempoolNotSaved(_) => self.lacks.saves += 1,
                    LogEvent::Failed(_) => self.lacks.store += 1,
                    _ => {}
                }
                self.notes.push(note);
            }
            Effect::SaveVotes { id, votes, .. } => {
                self.votes = Some(votes);
                return Some(Event::VotesSaved(id));
            }
            Effect::Dial(_) | Effect::SaveAddrBook(_) | Effect::TellCouncil(_) | Effect::Stop => {}
        }
        None
    }

    /// Somebody connects who has yet to show a block; its key is its number's.
    pub(crate) fn join(&mut self, peer: u64, direction: fn(Address) -> Direction) {
        let n = (peer % 100) as u8;
        let address = Address { at: SocketAddr::from(([10, n, 0, 1], 4_000)), key: PeerKey([n; 32]) };
        let (key, direction) = (address.key, direction(address));
        self.happen(Event::Connected { peer: PeerId(peer), key, direction });
        let hello = Hello { chain: *self.test_chain.chain().id(), rules: rules(), listen_port: None };
        self.say(peer, &Message::Hello(hello));
    }

    pub(crate) fn say(&mut self, peer: u64, message: &Message) {
        self.happen(Event::Frame { peer: PeerId(peer), bytes: message.to_bytes() });
    }

    /// The workers do what waits, the last first, and go on waiting.
    pub(crate) fn work(&mut self) {
        while let Some((ticket, work)) = self.held.as_mut().and_then(Vec::pop) {
            self.happen(Event::Verified(ticket, work.run()));
        }
    }

    /// The first of what is being written is on disk, or not.
    pub(crate) fn saved(&mut self, well: bool) {
        let (id, own) = self.saving.as_mut().and_then(VecDeque::pop_front).unwrap();
        if well {
            own.apply(self.kept.get_or_insert_default());
        }
        self.happen(if well { Event::LocalTxsSaved(id) } else { Event::LocalTxsNotSaved(id) });
    }

    /// Lets time pass, in ticks of half a second.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += SECOND / 2;
            self.happen(Event::Tick);
        }
    }

    pub(crate) fn block(&self, n: usize) -> &Block {
        &self.test_chain.blocks()[n]
    }

    pub(crate) fn tip_message(&self, n: usize) -> Message {
        Message::Tip(SealedHeader::of(self.block(n)))
    }

    pub(crate) fn block_message(&self, n: usize) -> Message {
        let block = self.block(n);
        Message::Block { sealed: SealedHeader::of(block), body: block.body.to_bytes() }
    }

    /// A sealed header after this one, which it takes the place of.
    pub(crate) fn after(&mut self, header: &mut Header) -> SealedHeader {
        (header.previous, header.height, header.time) =
            (header.hash(), header.height.next(), header.time + 1);
        let key = OperatorKey::from_secret(self.test_chain.operator().clone());
        let seal = key.seal(self.test_chain.chain().id(), header, &mut self.rng);
        SealedHeader { header: header.clone(), seal: seal.into() }
    }

    pub(crate) fn name(&self, n: usize) -> BlockName {
        BlockName::of(&self.block(n).header)
    }

    pub(crate) fn height(&self) -> usize {
        self.node.ledger().tip().height.get() as usize
    }

    /// Who has been asked for blocks since this was asked last, in order.
    pub(crate) fn asked(&mut self) -> Vec<u64> {
        let blocks = |m: &Message| matches!(m, Message::GetBlock(_) | Message::GetCompact(_));
        self.take(blocks)
    }

    pub(crate) fn asked_headers(&mut self) -> Vec<u64> {
        self.take(|m| matches!(m, Message::GetHeaders(_)))
    }

    pub(crate) fn take(&mut self, which: impl Fn(&Message) -> bool) -> Vec<u64> {
        let found = self.said.iter().filter(|(_, m)| which(m)).map(|(peer, _)| *peer).collect();
        self.said.retain(|(_, m)| !which(m));
        found
    }

    pub(crate) fn ask(&mut self, request: Request) -> Response {
        self.happen(Event::Request { id: RequestId(0), request });
        self.answer.take().unwrap()
    }

    /// A peer that has said hello, as one that the node chose if it did.
    pub(crate) fn meet(&mut self, peer: u64, chosen: bool) -> u64 {
        self.join(peer, if chosen { Direction::Outbound } else { inbound });
        peer
    }

    pub(crate) fn submit(&mut self, t: &Transaction) -> Response {
        self.ask(Request::Submit(Box::new(t.clone())))
    }

    /// A peer offers a transaction, and hands it out when it is asked for.
    pub(crate) fn give(&mut self, peer: u64, t: &Transaction) -> bool {
        let id = transaction_id(t);
        self.say(peer, &Message::Announce(vec![id]));
        let asked = self.asked_of(&id).contains(&peer);
        if asked {
            self.say(peer, &Message::Transaction(t.clone()));
        }
        asked
    }

    /// Which peers were asked for a transaction, in order.
    pub(crate) fn asked_of(&self, id: &Hash) -> Vec<u64> {
        let asks = |m: &Message| matches!(m, Message::GetTransactions(ids) if ids.contains(id));
        self.said.iter().filter(|(_, m)| asks(m)).map(|(peer, _)| *peer).collect()
    }

    /// The peers that a transaction was stemmed to, by itself or joined with others.
    pub(crate) fn stemmed_to(&self, t: &Transaction) -> Vec<u64> {
        let has = |stem: &Transaction| t.body.kernels.iter().all(|kernel| stem.body.kernels.contains(kernel));
        let is = |m: &Message| matches!(m, Message::Stem(stem) if has(stem));
        self.said.iter().filter(|(_, m)| is(m)).map(|(peer, _)| *peer).collect()
    }

    /// The next block comes from a peer.
    pub(crate) fn receive(&mut self, peer: u64, block: &Block) {
        self.say(peer, &Message::Tip(SealedHeader::of(block)));
        self.say(peer, &Message::Compact(Compact::of(block, 7).unwrap()));
        let items = self.said.iter().rev().find_map(|(_, m)| match m {
            Message::GetItems { block, outputs, kernels } => Some((*block, outputs.clone(), kernels.clone())),
            _ => None,
        });
        let name = BlockName::of(&block.header);
        if let Some((_, outputs, kernels)) = items.filter(|(asked, ..)| *asked == name) {
            let (outputs, kernels) = items_of(&block.body, &outputs, &kernels).unwrap();
            self.say(peer, &Message::Items { block: name, outputs, kernels });
        }
        assert_eq!(self.node.ledger().tip(), &block.header);
    }

    pub(crate) fn pending(&self, t: &Transaction) -> bool {
        self.node.ledger().mempool().get(&transaction_id(t)).is_some()
    }

    pub(crate) fn banned(&self, peer: u64, offence: Offence) -> bool {
        self.closed.contains(&(peer, CloseReason::Banned(offence)))
    }
}

pub(crate) fn inbound(a: Address) -> Direction {
    Direction::Inbound(a.at)
}

pub(crate) fn test_chain(blocks: usize) -> TestChain {
    let wide = |p: &mut Params| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100);
    let mut test_chain = TestChain::with(31, wide);
    (0..blocks).for_each(|_| drop(test_chain.grow(Vec::new())));
    test_chain
}
