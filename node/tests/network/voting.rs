//! A validator among others that are played by hand: of whom it asks for blocks, what it holds of them, and what it votes
//! for.

use crate::{
    hand::{Hand, SECOND},
    world::layout,
};
use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    block::body_hash_of_bytes,
    codec::{Decode, Encode},
    hash::Hash,
    rules::Proposal,
    state::ChainView,
    testing::TestChain,
    transaction::Transaction,
    validators::ValidatorSet,
    votes::{ProposalClaim, Vote, VoteKind},
};
use sotto_node::{
    config::Config,
    consensus::{self, Activity, Engine, Saved, Setup, Timing, Votes, Why},
    effect::Response,
    engine::{Node, NodeSetup},
    event::{Event, Request},
    ledger::Ledger,
    message::{Hello, Message, compact::CompactBody, rules},
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
    storage::Store,
};

const MS: Duration = Duration::from_millis(1);
const INSTALLATION: Hash = Hash::from_bytes([1; 32]);

/// The node of a validator, whose peers have the numbers of their places in the set.
pub(crate) struct Voting {
    pub(crate) hand: Hand,
    set: ValidatorSet,
    /// The time of day when the node started.
    began: u64,
    /// Who proposes in round 0.
    pub(crate) proposer: u64,
    pub(crate) others: Vec<u64>,
}

/// A chain of four validators, of which one is this node, whose turn it is or is not.
pub(crate) fn voting(chain: TestChain, ours: bool) -> Voting {
    let votes = Votes::new(*chain.chain().id(), INSTALLATION);
    voting_from(chain, ours, Saved { votes: Some(votes), log: Some(Vec::new()), ..Saved::default() }, &[])
}

/// The same with this on its disk, and what happens before it knows the time of day.
fn voting_from(chain: TestChain, ours: bool, saved: Saved, first: &[Event]) -> Voting {
    let set = chain.chain().terms().sealing.validators().unwrap().clone();
    let proposer = set.proposer(chain.chain().id(), chain.next(), 0);
    let us = (0..4).find(|n| (*n == proposer) == ours).unwrap();
    let mut hand = Hand::lone(&chain, |_| ());
    let store = Store::open_on(hand.files.copy(), layout()).unwrap();
    let ledger = Ledger::over(store, Default::default()).unwrap();
    let (chain, installation) = (ledger.chain().clone(), INSTALLATION);
    let zero = Duration::ZERO;
    let timing = Timing { propose: 60 * SECOND, gather: zero, idle: zero, ..Timing::default() };
    let vote_key = hand.test_chain.validators().secret(&set.all()[us].vote_key).clone().into();
    let setup = Setup { chain, vote_key, installation, timing };
    let engine = Engine::new(setup, saved);
    let link = |n: usize| PeerKey(*set.all()[n].link_key.as_bytes());
    let mut config = Config::new(link(us));
    (config.outbound, config.snapshot_every) = (0, 0);
    config.dandelion = sotto_dandelion::Params::new(0.05, SECOND / 100, 0.1, 60 * SECOND).unwrap();
    let setup = NodeSetup { validator: Some(engine), ..NodeSetup::new(config, ledger) };
    hand.node = Node::new(setup, &mut hand.rng);
    let began = hand.test_chain.state().tip().time + 1_000;
    let others: Vec<u64> = (0..4).filter(|n| *n != us).map(|n| n as u64).collect();
    let mut voting = Voting { hand, set: set.clone(), began, proposer: proposer as u64, others };
    first.iter().for_each(|event| voting.hand.happen(event.clone()));
    voting.pass(zero);
    for n in voting.others.clone() {
        voting.connect(n, link(n as usize));
    }
    voting.pass(SECOND);
    voting.hand.said.clear();
    voting
}

impl Voting {
    fn connect(&mut self, peer: u64, key: PeerKey) {
        self.connects(peer, key, Direction::Inbound(([10, peer as u8, 0, 1], 1).into()));
    }

    /// This node connects to somebody.
    pub(crate) fn dials(&mut self, peer: u64, key: PeerKey) {
        let at = ([10, peer as u8, 0, 1], 1).into();
        self.connects(peer, key, Direction::Outbound(Address { at, key }));
    }

    fn connects(&mut self, peer: u64, key: PeerKey, direction: Direction) {
        self.hand.happen(Event::Connected { peer: PeerId(peer), key, direction });
        let chain = *self.hand.test_chain.chain().id();
        self.hand.say(peer, &Message::Hello(Hello { chain, rules: rules(), listen_port: None }));
    }

    /// Lets time pass, and tells the time of day.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.hand.now += time;
        self.hand.happen(Event::Clock(self.began + self.hand.now.as_secs()));
    }

    /// A block for the next height, with the time of now.
    fn block(&mut self, payments: &[Transaction]) -> Proposal {
        let mut proposal = self.hand.test_chain.propose(payments).unwrap().0;
        proposal.header.time = self.began + self.hand.now.as_secs();
        proposal
    }

    /// The proposer claims a header for a round.
    fn claim(&mut self, value: Hash) {
        let (height, chain) = (self.hand.test_chain.next(), *self.hand.test_chain.chain().id());
        let claim = ProposalClaim { height, round: 0, pol_round: None, value };
        let key = &self.set.all()[self.proposer as usize].vote_key;
        let secret = self.hand.test_chain.validators().secret(key);
        let signature = claim.sign(&chain, secret, &mut ChaCha20Rng::seed_from_u64(1)).signature;
        let said = consensus::Message::Proposal { claim, signature }.to_bytes();
        self.hand.say(self.proposer, &Message::Consensus(said));
    }

    fn activity(&mut self) -> Activity {
        let Response::Status(status) = self.hand.ask(Request::Status) else { panic!("no status") };
        status.validator.unwrap().activity
    }

    /// Who was asked for a block since this was asked last.
    fn asked(&mut self, value: Hash) -> Vec<u64> {
        self.hand.take(|m| *m == Message::GetProposed(value))
    }

    /// What the node prevoted for, if it did.
    fn prevote(&self) -> Option<Option<Hash>> {
        self.hand.said.iter().find_map(|(_, m)| {
            let Message::Consensus(bytes) = m else { return None };
            match consensus::Message::from_bytes(bytes) {
                Ok(consensus::Message::Vote {
                    vote: Vote { kind: VoteKind::Prevote, value, .. }, ..
                }) => Some(value),
                _ => None,
            }
        })
    }
}

fn whole(block: &Proposal) -> Message {
    Message::Proposed([block.header.to_bytes(), block.body.to_bytes()].concat())
}

fn compact(block: &Proposal) -> Message {
    let body = Box::new(CompactBody::of(&block.header, &block.body, 7).unwrap());
    Message::CompactProposed { header: block.header.clone(), body }
}

pub(crate) fn chain() -> TestChain {
    TestChain::with_validators(71, 4)
}

/// A block that does not come from its proposer is asked of one other validator after the other, a quarter of a second
/// each; once all were asked, from the start. When it is here, nobody is asked any more.
#[test]
fn a_block_that_does_not_come_is_asked_of_the_others() {
    let mut v = voting(chain(), false);
    let block = v.block(&[]);
    let value = block.header.hash();
    v.claim(value);
    assert_eq!(v.asked(value), [v.proposer]);
    let mut all = vec![v.proposer];
    for _ in 0..2 {
        assert_eq!(v.hand.node.wake_at(), Some(v.hand.now + 250 * MS));
        v.pass(249 * MS);
        assert!(v.asked(value).is_empty());
        v.pass(MS);
        all.extend(v.asked(value));
    }
    all.sort_unstable();
    assert_eq!(all, v.others, "each once");
    v.pass(250 * MS);
    assert!(v.asked(value).is_empty());
    let mut again: Vec<u64> = Vec::new();
    for n in 1..=3 {
        v.pass(249 * MS);
        assert!(v.asked(value).is_empty());
        v.pass(MS);
        again.extend(v.asked(value));
        assert_eq!(again.len(), n);
    }
    again.sort_unstable();
    assert_eq!((again, v.prevote()), (v.others.clone(), None));
    v.hand.say(v.others[0], &whole(&block));
    assert_eq!(v.prevote(), Some(Some(value)));
    v.pass(250 * MS);
    v.pass(SECOND);
    assert!(v.asked(value).is_empty());
}

/// A validator's last block is held until it is wanted, and nobody is asked for it then. What others send, and what was
/// sent before, is not held.
#[test]
fn one_block_of_each_validator_is_held_for_later() {
    for (first, second, stranger) in [(true, true, false), (false, true, false), (false, false, true)] {
        let mut v = voting(chain(), false);
        let [early, wanted] = [1, 2].map(|_| v.block(&[]));
        let value = wanted.header.hash();
        v.connect(9, PeerKey([9; 32]));
        let sender = v.others[1];
        if first {
            v.hand.say(sender, &whole(&early));
        }
        if second {
            v.hand.say(sender, &compact(&wanted));
        }
        if !first && second {
            v.hand.say(sender, &whole(&early));
        }
        if stranger {
            v.hand.say(9, &whole(&wanted));
        }
        v.hand.said.clear();
        v.claim(value);
        let is_held = first && second;
        assert_eq!(v.asked(value), if is_held { vec![] } else { vec![v.proposer] });
        assert_eq!(v.prevote(), is_held.then_some(Some(value)));
        assert_eq!(v.hand.closed, []);
    }
}

/// Of a compact block of which a transaction is missing, its sender is asked for the whole, once; one of which all is here
/// is judged.
#[test]
fn what_a_compact_block_lacks_is_asked_of_its_sender_once() {
    let mut chain = chain();
    let coin = chain.grow(Vec::new());
    let (payment, _) = chain.pay(&[&coin], &[5]);
    for here in [false, true] {
        let mut v = voting(chain.clone(), false);
        if here {
            assert!(v.hand.give(v.others[0], &payment) && v.hand.pending(&payment));
        }
        let block = v.block(core::slice::from_ref(&payment));
        let value = block.header.hash();
        v.claim(value);
        assert_eq!(v.asked(value), [v.proposer]);
        let other = *v.others.iter().find(|n| **n != v.proposer).unwrap();
        let mut asked = Vec::new();
        for sender in [other, other, v.proposer, v.proposer, other] {
            v.hand.say(sender, &compact(&block));
            asked.extend(v.asked(value));
        }
        assert_eq!(asked, if here { vec![] } else { vec![other, v.proposer] });
        assert_eq!(v.prevote(), here.then_some(Some(value)));
        v.hand.say(other, &whole(&block));
        assert_eq!(v.prevote(), Some(Some(value)));
    }
}

/// A block whose body is not its header's is its sender's fault. One that breaks a rule, or cannot be read, is voted
/// against; of one for another tip nothing is known, and it is asked for on.
#[test]
fn a_block_is_judged_by_its_header_at_the_tip() {
    type Edit = fn(&mut Proposal) -> Vec<u8>;
    let against: [(Edit, bool); 3] = [
        (
            |block| {
                block.header.kernel_root = block.header.output_root;
                block.body.to_bytes()
            },
            true,
        ),
        (
            |block| {
                block.header.body_hash = body_hash_of_bytes(&[7; 9]);
                vec![7; 9]
            },
            true,
        ),
        (
            |block| {
                block.header.previous = Hash::from_bytes([7; 32]);
                block.body.to_bytes()
            },
            false,
        ),
    ];
    for (n, (edit, is_judged)) in against.into_iter().enumerate() {
        let mut v = voting(chain(), false);
        let mut block = v.block(&[]);
        let body = edit(&mut block);
        let value = block.header.hash();
        v.claim(value);
        v.hand.say(v.proposer, &Message::Proposed([block.header.to_bytes(), body].concat()));
        assert_eq!(v.prevote(), is_judged.then_some(None), "block {n}");
        v.hand.said.clear();
        v.pass(250 * MS);
        assert_eq!(v.asked(value).is_empty(), is_judged, "block {n}");
        assert_eq!(v.hand.closed, []);
    }
    // It was here before it was wanted.
    let mut v = voting(chain(), false);
    let (mut block, sender) = (v.block(&[]), v.others[0]);
    block.header.previous = Hash::from_bytes([7; 32]);
    let value = block.header.hash();
    v.hand.say(sender, &whole(&block));
    v.claim(value);
    v.pass(249 * MS);
    assert!(v.asked(value).is_empty());
    v.pass(MS);
    assert_eq!((v.asked(value).len(), v.prevote()), (1, None));
    let mut v = voting(chain(), false);
    block.header.body_hash = Hash::ZERO;
    v.hand.say(sender, &whole(&block));
    assert!(v.hand.banned(sender, Offence::Invalid), "{:?}", v.hand.closed);
}

/// The time of day goes on between two looks at the clock: a block of now is on time, one of a minute ago is not, and waits
/// for others to vote for it.
#[test]
fn the_clock_goes_on_between_two_looks() {
    for late in [0, 60] {
        let mut v = voting(chain(), false);
        v.hand.now += 60 * SECOND;
        let mut block = v.block(&[]);
        block.header.time -= late;
        let value = block.header.hash();
        v.claim(value);
        v.hand.say(v.proposer, &whole(&block));
        assert_eq!(v.prevote(), (late == 0).then_some(Some(value)), "{late} s late");
    }
}

/// A block that was judged is given to validators that ask for it, and to nobody else.
#[test]
fn a_judged_block_is_given_to_validators() {
    let mut v = voting(chain(), false);
    let block = v.block(&[]);
    let value = block.header.hash();
    v.connect(9, PeerKey([9; 32]));
    let asker = v.others[2];
    let given = |v: &mut Voting, peer: u64| {
        v.hand.say(peer, &Message::GetProposed(value));
        v.hand.take(|m| *m == whole(&block))
    };
    v.claim(value);
    assert!(given(&mut v, asker).is_empty(), "it is not here");
    v.hand.say(v.proposer, &whole(&block));
    assert_eq!((given(&mut v, asker), given(&mut v, 9)), (vec![asker], vec![]));
}

/// The addresses of validators come from the settings: they are not passed on, nor are they asked for others.
#[test]
fn validators_are_in_no_address_book() {
    let mut v = voting(chain(), false);
    let before = v.hand.node.usage().addresses;
    let key = PeerKey(*v.set.all()[v.others[0] as usize].link_key.as_bytes());
    for (peer, key, added) in [(20, key, 0), (30, PeerKey([30; 32]), 1)] {
        v.dials(peer, key);
        let asked = v.hand.take(|m| *m == Message::GetAddresses);
        assert_eq!((asked.len(), v.hand.node.usage().addresses), (added, before + added));
    }
}

/// A validator that says what is none of consensus is refused on all its connections, and no other is.
#[test]
fn who_breaks_the_protocol_is_refused() {
    let mut v = voting(chain(), false);
    let [liar, honest] = [v.others[0], v.others[1]];
    let key = PeerKey(*v.set.all()[liar as usize].link_key.as_bytes());
    v.dials(20, key);
    v.hand.say(honest, &Message::Ping(1));
    v.hand.say(liar, &Message::Consensus(vec![0xff; 40]));
    let mut closed: Vec<u64> = v.hand.closed.iter().map(|(peer, _)| *peer).collect();
    closed.sort_unstable();
    assert_eq!(closed, [liar, 20]);
    assert!(v.hand.closed.iter().all(|(_, why)| *why == CloseReason::Banned(Offence::Invalid)));
}

/// Without the log of what it signed a validator follows, and votes for nothing, until a person says that the log is lost for
/// good: before it knows the time of day or after.
#[test]
fn without_its_log_a_validator_votes_when_it_is_told_to() {
    let mut v = voting(chain(), false);
    let block = v.block(&[]);
    v.claim(block.header.hash());
    v.hand.say(v.proposer, &whole(&block));
    assert!(v.prevote().is_some());
    let id = *v.hand.test_chain.chain().id();
    let votes = Votes::from_file(&id, v.hand.votes.as_ref().unwrap()).unwrap();
    let saved = || Saved { votes: Some(votes), ..Saved::default() };
    let mut v = voting_from(chain(), false, saved(), &[]);
    assert!(matches!(v.activity(), Activity::Following(_, Why::LogLost(_))), "{:?}", v.activity());
    v.claim(block.header.hash());
    v.hand.say(v.proposer, &whole(&block));
    assert!(v.prevote().is_none());
    v.hand.happen(Event::ResumeVoting);
    assert!(matches!(v.activity(), Activity::Voting(..)), "{:?}", v.activity());
    let mut v = voting_from(chain(), false, saved(), &[Event::ResumeVoting]);
    assert!(matches!(v.activity(), Activity::Voting(..)), "{:?}", v.activity());
}
