//! Another sealing engine behind the same interface: three sealers, none of whom can seal alone.
//!
//! ```text
//! Show: a proposal ─▶ each judges it ─▶ Vote: a promise of a nonce ─▶ Reveal: the nonce Dᵢ, once all have voted
//!   ─▶ Part: zᵢ = dᵢ + c·xᵢ, once all promises hold, c = H2(ΣDᵢ ‖ ΣXᵢ ‖ m) ─▶ the seal (ΣDᵢ, Σzᵢ), once all parts are here
//! ```
//!
//! The seal is a signature under the sum of their keys, so its bytes are those of a solo operator's and
//! everybody else takes the blocks as they are. The chain has K = 0: what is sealed is final. The sealers
//! talk over a bus in memory, in the order in which they speak. A model: that each knows the secret of its key
//! is taken for granted, and one who is silent stops all.

use crate::test_chain::{TestChain, temporary};
use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::CryptoRngCore;
use sha2::{Digest, Sha512};
use sotto_mw::{
    block::Block,
    chain::ChainId,
    error::Rejection,
    group::{Point, Scalar},
    hash::{Hash, tagged},
    rules::{Connected, Proposal, ProposalChange},
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
};
use sotto_node::{
    ledger::{Ledger, LedgerError, SealingContext, fork::ForkError, mempool::MempoolLimits, seal_with},
    seal::SealedHeader,
    sealing::{SealEffect, SealEvent, Sealing},
    storage::{Memory, Store},
};
use std::collections::{BTreeMap, VecDeque};

const SEALERS: usize = 3;
/// For how long a round may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What sealers say.
#[allow(clippy::large_enum_variant, reason = "a test has few of them")]
#[derive(Clone, Debug)]
enum Word {
    Show(Proposal),
    Vote(Hash),
    Against(&'static str),
    Reveal(Point),
    Part(Scalar),
}

/// Who says it, and of which block.
#[derive(Clone, Debug)]
struct Said {
    from: usize,
    block: Hash,
    word: Word,
}

/// One sealer's engine.
struct Joint {
    me: usize,
    x: SecretScalar,
    chain: ChainId,
    /// The sum of all keys.
    key: PublicKey,
    round: Option<Round>,
    /// Who was against what, and by which rule.
    against: Vec<(usize, &'static str)>,
}

/// A proposal that is being signed.
struct Round {
    block: Hash,
    until: Duration,
    judged: Connected<ProposalChange>,
    d: SecretScalar,
    promises: BTreeMap<usize, Hash>,
    nonces: BTreeMap<usize, Point>,
    parts: BTreeMap<usize, Scalar>,
}

fn promise(d: &Point) -> Hash {
    tagged("model/promise", &[d.as_bytes()])
}

fn sum(points: impl IntoIterator<Item = Point>) -> PublicKey {
    points.into_iter().map(PublicKey::from_point).reduce(|a, b| a.plus(&b)).unwrap()
}

/// RFC 9591's H2, as `mw` computes it.
fn challenge(r: &Point, key: &PublicKey, m: &[u8]) -> Scalar {
    let hash = Sha512::new_with_prefix(b"FROST-RISTRETTO255-SHA512-v1chal");
    let hash = hash.chain_update(r.as_bytes()).chain_update(key.as_bytes()).chain_update(m);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

type Effects = Vec<SealEffect<Said>>;

impl Joint {
    fn say(&self, block: Hash, word: Word) -> SealEffect<Said> {
        SealEffect::Tell(Said { from: self.me, block, word })
    }

    /// This sealer is for a proposal.
    fn vote(
        &mut self,
        now: Duration,
        mut rng: &mut dyn CryptoRngCore,
        judged: Connected<ProposalChange>,
    ) -> Effects {
        let block = judged.get().proposal.header.hash();
        let d = SecretScalar::random(&mut rng);
        let mine = promise(PublicKey::of(&d).point());
        let (promises, nonces, parts) = ([(self.me, mine)].into(), BTreeMap::new(), BTreeMap::new());
        let until = now + PATIENCE;
        self.round = Some(Round { block, until, judged, d, promises, nonces, parts });
        vec![self.say(block, Word::Vote(mine))]
    }

    fn heard(&mut self, Said { from, block, word }: Said) -> Effects {
        match (word, self.round.as_mut().filter(|r| r.block == block)) {
            (Word::Show(proposal), None) => {
                let turn = proposal.header.height.get() as usize % SEALERS == from;
                let sound = turn && self.round.is_none() && proposal.header.hash() == block;
                return if sound { vec![SealEffect::Judge(proposal)] } else { Vec::new() };
            }
            (Word::Against(rule), _) => self.against.push((from, rule)),
            (Word::Vote(promise), Some(round)) => {
                round.promises.insert(from, promise);
            }
            (Word::Reveal(d), Some(round)) if round.promises.get(&from) == Some(&promise(&d)) => {
                round.nonces.insert(from, d);
            }
            (Word::Part(z), Some(round)) => {
                round.parts.insert(from, z);
            }
            _ => {}
        }
        self.further()
    }

    /// The next word of a round for which everything is here.
    fn further(&mut self) -> Effects {
        let (me, key) = (self.me, self.key);
        let Some(round) = self.round.as_mut() else { return Vec::new() };
        let block = round.block;
        let mut effects = Vec::new();
        if round.promises.len() == SEALERS && !round.nonces.contains_key(&me) {
            let d = *PublicKey::of(&round.d).point();
            round.nonces.insert(me, d);
            effects.push(Word::Reveal(d));
        }
        if round.nonces.len() == SEALERS {
            let r = *sum(round.nonces.values().copied()).point();
            let header = &round.judged.get().proposal.header;
            if !round.parts.contains_key(&me) {
                let c = challenge(&r, &key, &header.seal_message(&self.chain));
                let z = round.d.reveal() + c * self.x.reveal();
                round.parts.insert(me, z);
                effects.push(Word::Part(z));
            }
            if round.parts.len() == SEALERS {
                let seal = Signature::from_parts(r, round.parts.values().sum());
                let judged = round.judged.clone();
                self.round = None;
                let last = effects.into_iter().map(|word| self.say(block, word));
                return last.chain([SealEffect::Commit(judged, seal.into())]).collect();
            }
        }
        effects.into_iter().map(|word| self.say(block, word)).collect()
    }
}

impl Sealing for Joint {
    type Message = Said;

    fn step(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, event: SealEvent<Said>) -> Effects {
        match event {
            SealEvent::Proposed(own) => {
                let proposal = own.get().proposal.clone();
                let shown = self.say(proposal.header.hash(), Word::Show(proposal));
                [vec![shown], self.vote(now, rng, own)].concat()
            }
            SealEvent::Judged { verdict: Ok(judged), .. } => self.vote(now, rng, judged),
            SealEvent::Judged { block, verdict: Err(why) } => {
                vec![self.say(block, Word::Against(why.rule()))]
            }
            SealEvent::Heard(said) => self.heard(said),
            SealEvent::Tick => {
                self.round.take_if(|round| round.until <= now);
                Vec::new()
            }
        }
    }
}

/// A sealer: its engine and its own ledger.
struct Sealer {
    engine: Joint,
    ledger: Ledger,
    rng: ChaCha20Rng,
    silent: bool,
}

/// All of them, and the bus between them.
struct Council {
    test_chain: TestChain,
    sealers: Vec<Sealer>,
    /// Somebody who holds no key.
    follower: Ledger,
    now: Duration,
}

impl Council {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secrets: Vec<SecretScalar> = (0..SEALERS).map(|_| SecretScalar::random(&mut rng)).collect();
        let key = sum(secrets.iter().map(|x| *PublicKey::of(x).point()));
        let test_chain = TestChain::with(seed, |p| {
            (p.sealing, p.reorganisation) = (sotto_mw::terms::Sealing::Solo(key), 0)
        });
        let ledger = || {
            let store =
                Store::create_on(Memory::new(), temporary(), test_chain.chain.params().clone()).unwrap();
            Ledger::over(store, MempoolLimits::default()).unwrap()
        };
        let sealers = secrets.into_iter().enumerate().map(|(me, x)| {
            let (chain, round, against) = (*test_chain.chain.id(), None, Vec::new());
            let engine = Joint { me, x, chain, key, round, against };
            Sealer { engine, ledger: ledger(), rng: ChaCha20Rng::seed_from_u64(me as u64), silent: false }
        });
        let (sealers, follower) = (sealers.collect(), ledger());
        Self { test_chain, sealers, follower, now: Duration::ZERO }
    }

    /// Whose turn it is at the next height, as the follower sees it.
    fn turn(&self) -> usize {
        self.follower.tip().height.next().get() as usize % SEALERS
    }

    /// What sealer `n` would propose, with so much too much for itself.
    fn draft(&mut self, n: usize, greed: u64) -> Proposal {
        let ledger = &self.sealers[n].ledger;
        let draft = ledger.draft().unwrap();
        let reward = self.test_chain.coinbase(draft.height, draft.due.units() + greed);
        ledger.propose(&draft, reward, 1_000 + draft.height.get()).unwrap()
    }

    /// Something happens to sealer `n`, and all that follows from it; returns the blocks that were connected,
    /// by sealer.
    fn happen(&mut self, n: usize, event: SealEvent<Said>) -> Vec<(usize, Block)> {
        let (mut due, mut sealed) = (VecDeque::from([(n, event)]), Vec::new());
        while let Some((n, event)) = due.pop_front() {
            let Sealer { engine, ledger, rng, silent } = &mut self.sealers[n];
            if *silent {
                continue;
            }
            let driven = seal_with(ledger, engine, SealingContext { now: self.now, rng }, event).unwrap();
            for (name, _) in driven.connected {
                sealed.push((n, ledger.store().block(name.height).unwrap().unwrap()));
            }
            for said in driven.tell {
                let others = (0..SEALERS).filter(|other| *other != n);
                due.extend(others.map(|other| (other, SealEvent::Heard(said.clone()))));
            }
        }
        sealed
    }

    /// The sealer whose turn it is proposes honestly.
    fn round(&mut self) -> Vec<(usize, Block)> {
        let n = self.turn();
        let proposal = self.draft(n, 0);
        let judged = self.sealers[n].ledger.judge_proposal(proposal).unwrap();
        self.happen(n, SealEvent::Proposed(judged))
    }

    /// A sealer sends a proposal without having judged it.
    fn show(&mut self, from: usize, proposal: Proposal) -> Vec<(usize, Block)> {
        let said = Said { from, block: proposal.header.hash(), word: Word::Show(proposal) };
        let others: Vec<usize> = (0..SEALERS).filter(|n| *n != from).collect();
        others.into_iter().flat_map(|n| self.happen(n, SealEvent::Heard(said.clone()))).collect()
    }

    /// A round that ends with a block everywhere.
    fn seals(&mut self) {
        let sealed = self.round();
        assert_eq!(sealed.len(), SEALERS);
        let block = &sealed[0].1;
        assert!(sealed.iter().all(|(_, b)| b == block), "one block, one seal");
        assert!(SealedHeader::of(block).holds(&self.test_chain.chain));
        self.follower.connect(block.clone()).unwrap();
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        for n in 0..SEALERS {
            assert!(self.happen(n, SealEvent::Tick).is_empty());
        }
    }
}

/// Each in turn proposes, all judge, sign together and connect; whoever follows needs to know nothing of it.
#[test]
fn three_sealers_seal_as_one() {
    let mut council = Council::new(140);
    for _ in 0..2 * SEALERS {
        council.seals();
    }
    let audit = council.follower.audit(|_, _| {}).unwrap();
    assert_eq!(audit.height.get(), 2 * SEALERS as u64);
    assert!(council.sealers.iter().all(|s| s.ledger.tip() == council.follower.tip()));
    assert!(council.sealers.iter().all(|s| s.engine.against.is_empty()));
}

/// What breaks a rule is refused by each validator, by the number of the rule, and nobody signs; the next
/// round goes on.
#[test]
fn nobody_signs_what_breaks_a_rule() {
    let mut council = Council::new(141);
    council.seals();
    let n = council.turn();
    let greedy = council.draft(n, 1);
    assert!(matches!(
        council.sealers[n].ledger.judge_proposal(greedy.clone()),
        Err(LedgerError::Refused(Rejection::Unbalanced))
    ));
    assert!(council.show(n, greedy).is_empty());
    let others: Vec<usize> = (0..SEALERS).filter(|other| *other != n).collect();
    let expected: Vec<_> = others.iter().map(|other| (*other, "MW-R15")).collect();
    assert_eq!(council.sealers[n].engine.against, expected);
    // A sealer who proposes out of turn is not even judged.
    let stranger = others[0];
    let early = council.draft(stranger, 0);
    assert!(council.show(stranger, early).is_empty());
    assert_eq!(council.sealers[stranger].engine.against, vec![(others[1], "MW-R15")]);
    council.seals();
}

/// A proposal on another tip than a validator's is refused as such, and a certificate that comes after the
/// tip has moved too.
#[test]
fn a_stale_tip_is_refused() {
    let mut council = Council::new(142);
    council.seals();
    let n = council.turn();
    let stale = council.draft(n, 0);
    let judged = council.sealers[n].ledger.judge_proposal(stale.clone()).unwrap();
    (0..SEALERS).for_each(|_| council.seals());
    assert!(council.show(n, stale.clone()).is_empty());
    assert!(council.sealers[n].engine.against.iter().all(|(_, rule)| *rule == "MW-R18"));
    assert_eq!(council.sealers[n].engine.against.len(), SEALERS - 1);
    // The certificate of the block that was sealed in its place.
    let ledger = &mut council.sealers[n].ledger;
    let height = stale.header.height;
    let seal = ledger.store().sealed_header(height).unwrap().unwrap().seal;
    let late = ledger.commit(judged, seal);
    assert!(matches!(late, Err(LedgerError::Refused(Rejection::NotNext { .. }))), "{late:?}");
    council.seals();
}

/// Without all of them there is no block; a round that leads nowhere is given up, and the next is as good as
/// any.
#[test]
fn a_silent_sealer_stops_all_until_it_is_back() {
    let mut council = Council::new(143);
    council.seals();
    let silent = (council.turn() + 1) % SEALERS;
    council.sealers[silent].silent = true;
    assert!(council.round().is_empty());
    council.sealers[silent].silent = false;
    council.wait(PATIENCE / 2);
    // Others are in the middle of the first round, and take part in no second.
    assert!(council.round().is_empty());
    council.wait(PATIENCE);
    council.seals();
}

/// One sealer's signature is no certificate, nor is a joint one of another block; and what is sealed is
/// final.
#[test]
fn one_sealer_cannot_seal_and_nobody_can_take_back() {
    let mut council = Council::new(144);
    council.seals();
    let n = council.turn();
    let proposal = council.draft(n, 0);
    let (chain, before) = (*council.test_chain.chain.id(), council.follower.tip().clone());
    let alone = sotto_mw::schnorr::sign(
        &council.sealers[n].engine.x,
        &proposal.header.seal_message(&chain),
        &mut council.test_chain.rng,
    );
    let other = council.follower.store().sealed_header(before.height).unwrap().unwrap().seal;
    for certificate in [alone.into(), other] {
        let ledger = &mut council.sealers[n].ledger;
        let judged = ledger.judge_proposal(proposal.clone()).unwrap();
        let refused = ledger.commit(judged, certificate.clone());
        assert!(matches!(refused, Err(LedgerError::Refused(Rejection::Seal))), "{refused:?}");
        let block = proposal.clone().seal(certificate);
        assert!(matches!(council.follower.connect(block), Err(LedgerError::Refused(Rejection::Seal))));
    }
    // Even all of them together cannot make a follower leave what they have sealed, however long the other
    // branch is.
    let mut twin = Council::new(144);
    twin.test_chain.rng = ChaCha20Rng::seed_from_u64(1);
    (0..SEALERS).for_each(|_| twin.seals());
    let branch: Vec<Block> = (1..=SEALERS as u64)
        .map(|h| twin.follower.store().block(sotto_mw::amount::Height::new(h)).unwrap().unwrap())
        .collect();
    assert_ne!(branch[0].header, before);
    let refused = council.follower.reorganise(branch);
    assert!(matches!(refused, Err(LedgerError::Fork(ForkError::TooDeep { .. }))), "{refused:?}");
    assert_eq!(council.follower.tip(), &before);
    assert_eq!(council.follower.double_seals().unwrap().len(), 1, "and it is held against them");
}
