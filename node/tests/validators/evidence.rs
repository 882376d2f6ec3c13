//! Validators that say two things, and quorums that seal two blocks: what nodes keep, tell and do.

use crate::World;
use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    block::{Block, SealedHeader},
    chain::ChainId,
    codec::Encode,
    hash::Hash,
    secret::SecretScalar,
    votes::{ProposalClaim, Vote, VoteKind},
};
use sotto_node::{
    consensus::{self, Evidence},
    event::Event,
    ledger::{
        equivocations::Equivocations,
        witness::{Judgement, judge},
    },
    message::{BlockName, Message},
    storage::{FileName, Files},
};

/// Of four validators and three nodes in a row: 0 ─ 4 ─ 5, and 5 ─ 6, which starts later.
fn row(seed: u64) -> World {
    let mut world = World::with_followers(seed, 4, vec![0, 4, 5]);
    world.kill(6);
    world.run(200, |w| w.all_at(2));
    world
}

impl World {
    fn secret(&self, n: usize) -> SecretScalar {
        let terms = self.chain.chain().params().first_terms();
        let key = terms.sealing.validators().unwrap().get(n).unwrap().vote_key;
        self.chain.validators().secret(&key).clone()
    }

    fn kept(&self, n: usize) -> usize {
        self.machines[n].node.as_ref().map_or(0, |node| node.ledger().equivocations().all().len())
    }

    /// Sends a message to `to` as if from `from`, which has a connection with it.
    fn forge(&mut self, from: usize, to: usize, message: &Message) {
        let end = self.ends.iter().find(|((n, _), (m, _))| (*n, *m) == (to, from));
        let peer = end.map(|((_, peer), _)| *peer).unwrap();
        self.later(Duration::ZERO, to, Event::Frame { peer, bytes: message.to_bytes() });
    }

    fn connected(&self, a: usize, b: usize) -> bool {
        self.ends.iter().any(|((n, _), (m, _))| (*n, *m) == (a, b))
    }

    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.run(seconds + 10, |w| w.now >= end);
    }

    /// A block in place of one of the chain, under a certificate of a quorum.
    fn rival(&self, height: u64) -> Block {
        let mut rival = self.chain.blocks()[height as usize - 1].clone();
        rival.header.time += 1;
        self.chain.clone().seal(rival.header, rival.body)
    }
}

fn votes(chain: &ChainId, key: &SecretScalar, height: u64, values: [u8; 2]) -> Evidence {
    let mut rng = ChaCha20Rng::seed_from_u64(height);
    let [a, b] = values.map(|value| {
        let value = Some(Hash::from_bytes([value; 32]));
        let (kind, height, round) = (VoteKind::Prevote, Height::new(height), 0);
        Vote { kind, height, round, value }.sign(chain, key, &mut rng)
    });
    Evidence::votes(a, b)
}

/// A validator tells one other two things. All nodes learn of it, also one that only a node in the middle
/// connects, and one that comes later; each keeps it.
#[test]
fn evidence_is_told_through_a_node_in_the_middle() {
    let mut world = row(10);
    let (chain, key) = (*world.chain.chain().id(), world.secret(3));
    let height = world.chain.next();
    for value in [1, 2] {
        let claim = ProposalClaim { height, round: 0, pol_round: None, value: Hash::from_bytes([value; 32]) };
        let mut round = 0;
        let set = world.chain.chain().terms().sealing.validators().unwrap().clone();
        while set.proposer(&chain, height, round) != 3 {
            round += 1;
        }
        let claim = ProposalClaim { round, ..claim };
        let signature = claim.sign(&chain, &key, &mut ChaCha20Rng::seed_from_u64(1)).signature;
        let said = consensus::Message::Proposal { claim, signature }.to_bytes();
        world.forge(3, 0, &Message::Consensus(said));
    }
    world.run(60, |w| (0..6).all(|n| w.kept(n) == 1));
    let told = world.alarms.iter().filter(|a| a.contains("Equivocation")).count();
    assert_eq!((told, world.alarms.len()), (6, 6), "each says it once: {:?}", world.alarms);
    world.start(6);
    world.run(60, |w| w.kept(6) == 1);
    // It is on disk.
    world.kill(5);
    world.start(5);
    assert_eq!(world.kept(5), 1);
    let node = world.machines[5].node.as_ref().unwrap();
    let evidence = &node.ledger().equivocations().all()[0];
    assert!(evidence.holds(&chain) && evidence.place().height == height);
}

/// What does not hold, or is of a stranger's key, costs its sender the connection, and nothing is kept; what
/// nobody can judge yet waits.
#[test]
fn evidence_that_does_not_hold_is_blamed_on_its_sender() {
    let mut world = row(11);
    let (chain, height) = (*world.chain.chain().id(), world.chain.next().get());
    let stranger = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(9));
    let later = votes(&chain, &world.secret(1), height + 100, [1, 2]);
    world.forge(4, 5, &Message::Evidence(later));
    world.pass(5);
    assert!(world.kept(5) == 0 && world.connected(4, 5));
    let other = ChainId::from_bytes([7; 32]);
    for forged in [votes(&chain, &stranger, 1, [1, 2]), votes(&other, &world.secret(1), 1, [1, 2])] {
        assert!(world.connected(4, 5));
        world.forge(4, 5, &Message::Evidence(forged));
        world.pass(1);
        assert!(world.kept(5) == 0 && !world.connected(4, 5));
        world.kill(5);
        world.start(5);
        world.run(60, |w| w.connected(4, 5));
        world.pass(3);
    }
}

/// Of a validator one case a height is kept, and so many in all; the file says the same, and a damaged one is
/// set aside.
#[test]
fn evidence_is_bounded_and_kept() {
    let mut world = row(12);
    let (chain, tip) = (*world.chain.chain().id(), world.chain.next().get());
    let key = world.secret(2);
    for (height, values) in [(1, [1, 2]), (1, [1, 3]), (2, [1, 2])] {
        world.forge(0, 4, &Message::Evidence(votes(&chain, &key, height, values)));
    }
    world.pass(2);
    assert_eq!((world.kept(4), world.kept(5)), (2, 2));
    assert!(tip >= 2);
    let mut files = world.machines[5].files.clone();
    let length = files.len(FileName::Equivocations).unwrap().unwrap();
    let bytes = files.read(FileName::Equivocations, 0, length as usize).unwrap();
    let (found, kept) = Equivocations::from_file(&bytes).unwrap();
    assert_eq!((found, kept.to_file(&chain)), (chain, bytes));
    for height in 1..=Equivocations::OF_ONE as u64 + 1 {
        let more = votes(&chain, &world.secret(1), height, [1, 2]);
        let node = world.machines[5].node.as_ref().unwrap();
        let known = height <= node.ledger().tip().height.get() + 2;
        let judged = judge(node.ledger(), &more);
        assert_eq!(judged, if known { Judgement::Holds } else { Judgement::Unknown });
    }
    world.kill(5);
    files.write(FileName::Equivocations, 40, &[9]).unwrap();
    world.start(5);
    assert_eq!(world.kept(5), 0);
    assert!(files.len(FileName::EquivocationsDamaged).unwrap().is_some());
    world.run(60, |w| w.kept(5) == 2);
}

/// A dishonest quorum seals a second block of a height. A node that sees both stops, names who signed both,
/// and does not start again until a person says by a checkpoint which one counts.
#[test]
fn two_certificates_stop_a_node_until_a_person_decides() {
    let mut world = row(13);
    let rival = world.rival(1);
    world.forge(4, 5, &Message::Tip(SealedHeader::of(&rival)));
    world.pass(1);
    assert!(world.machines[5].node.is_none(), "it has stopped");
    let said = world.alarms.join("\n");
    assert!(said.contains("Halt") && said.contains("signers: [\"v"), "{said}");
    let alarms = world.alarms.len();
    world.start(5);
    world.pass(1);
    assert!(world.machines[5].node.is_none(), "and does not go on");
    assert_eq!(world.alarms.len(), alarms + 1);
    // The others have not seen it.
    assert!((0..5).all(|n| world.machines[n].node.is_some()));

    let ours = BlockName::of(&world.chain.blocks()[0].header);
    world.checkpoints = vec![BlockName::of(&world.chain.blocks()[1].header)];
    world.start(5);
    world.pass(1);
    assert!(world.machines[5].node.is_none(), "a checkpoint of another height says nothing of the fork");
    world.checkpoints = vec![ours];
    world.start(5);
    let height = world.height(0).get();
    world.run(100, |w| w.height(5).get() > height + 1);
    // What the dishonest ones seal on their branch is known to be theirs.
    let rival = world.rival(2);
    world.forge(4, 5, &Message::Tip(SealedHeader::of(&rival)));
    world.pass(1);
    assert!(world.machines[5].node.is_some());
}

/// A validator stops too, and the chain goes on without it.
#[test]
fn two_certificates_stop_a_validator() {
    let mut world = World::new(14, 4);
    world.run(200, |w| w.all_at(3));
    let rival = world.rival(3);
    world.forge(1, 0, &Message::Tip(SealedHeader::of(&rival)));
    world.pass(1);
    assert!(world.machines[0].node.is_none());
    world.start(0);
    world.pass(1);
    assert!(world.machines[0].node.is_none());
}

/// Keys of a quorum of long ago must not stop a chain: the second block of an old height is kept, and that is
/// all.
#[test]
fn a_second_block_of_an_old_height_stops_nobody() {
    let mut world = row(15);
    let window = world.chain.chain().params().window_width;
    world.run(600, |w| w.all_at(window + 2));
    world.forge(4, 5, &Message::Tip(SealedHeader::of(&world.rival(1))));
    world.pass(5);
    let node = world.machines[5].node.as_ref().expect("it goes on");
    assert_eq!(node.ledger().equivocations().doubles().len(), 1);
    world.forge(4, 5, &Message::Tip(SealedHeader::of(&world.rival(window))));
    world.pass(5);
    assert!(world.machines[5].node.is_none());
}
