//! Validators' accounts of their votes: an honest one's always shows it innocent, and of two certificates of one
//! height more than a third of the power is found guilty.

use crate::{
    byzantine::Fault,
    world::{Weather, World, ms},
};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, Encode},
    hash::Hash,
    schnorr::Signature,
    validators::Signatures,
    votes::{
        Certificate, ProposalClaim, Vote,
        VoteKind::{self, Precommit, Prevote},
    },
};
use sotto_node::consensus::{
    CertifiedHeader, DoubleCertificate, Event, Message,
    account::{Account, AccountError, Breach, SignedAccount},
    accountability::{Guilt, JudgeError, Judged, Verdict, guilty_power, judge},
};
use std::{collections::BTreeMap, time::Duration};

/// Height, round, kind and place.
type At = (u64, u32, VoteKind, usize);
type Quorums = BTreeMap<(u32, Hash), Signatures>;

impl World {
    /// An account that an engine signs names all that it voted for, up to the last vote in it, and accuses it of
    /// nothing: of a height of which a log was lost it signs none, since votes would be missing.
    pub(crate) fn check_accounts(&self, who: usize) {
        let sim = &self.all[who];
        // The others say something else than their engines.
        if !matches!(sim.fault, None | Some(Fault::Amnesia | Fault::NoPrecommits)) {
            return;
        }
        for signed in sim.disk.accounts.all() {
            let account = &signed.account;
            assert_eq!(signed.check(self.chain.id(), &self.set, account.height), Ok(who));
            assert_eq!(account.breach(), None, "{account:?}");
            assert!(account.changed_its_mind());
            for ((_, round, kind, _), (value, _)) in self.of_height(account.height.get(), who) {
                let Some(value) = value.filter(|_| Some((round, kind)) <= account.last()) else { continue };
                assert_eq!(account.votes.get(&(round, kind)), Some(&value), "{who} left out a vote");
            }
        }
    }

    /// A vote against a former lock leaves when the account that explains it is on disk, and not before.
    pub(crate) fn check_account_of(&mut self, who: usize, vote: &Vote) {
        let own = self.of_height(vote.height.get(), who);
        let votes =
            own.filter_map(|((_, round, kind, _), (value, _))| Some(((round, kind), value?))).collect();
        let (voter, polkas) = (self.set.get(who).unwrap().vote_key, BTreeMap::new());
        let account = Account { height: vote.height, voter, votes, polkas };
        if self.all[who].is_honest() && account.changed_its_mind() {
            let kept = self.all[who].disk.accounts.of_height(vote.height);
            let kept = kept.all().next().expect("an account of this height");
            assert!(kept.account.last() >= account.last(), "{who}: {kept:?} of {account:?}");
            self.explained += 1;
        }
    }

    fn of_height(&self, height: u64, who: usize) -> impl Iterator<Item = (At, (Option<Hash>, Signature))> {
        let of_height = self.cast.range((height, 0, Prevote, 0)..(height + 1, 0, Prevote, 0));
        let all = of_height.filter(move |((.., place), _)| *place == who);
        all.map(|(k, v)| (*k, *v))
    }

    /// All quorums that a holder of every vote could put together.
    fn quorums(&self, height: u64, wanted: VoteKind) -> Quorums {
        let mut all = BTreeMap::<_, Vec<_>>::new();
        for ((h, round, kind, place), (value, signature)) in &self.cast {
            if (*h, *kind) == (height, wanted)
                && let Some(value) = value
            {
                all.entry((*round, *value)).or_default().push((*place, *signature));
            }
        }
        let all =
            all.into_iter().map(|(at, signed)| (at, Signatures::new(self.set.count(), signed).unwrap()));
        all.filter(|(_, s)| self.set.has_quorum(s.signers().power(&self.set).unwrap())).collect()
    }

    /// Two certificates of a height for different blocks, if the precommits that were cast make them.
    fn double(&self, height: u64) -> Option<DoubleCertificate> {
        let all = self.quorums(height, Precommit);
        let mut certified = all.into_iter().map(|((round, header), signatures)| CertifiedHeader {
            header,
            certificate: Certificate { round, signatures },
        });
        let first = certified.next()?;
        let second = certified.find(|c| c.header != first.header)?;
        Some(DoubleCertificate::new(Height::new(height), first, second))
    }

    /// The best account that a dishonest validator can give: it signs to every vote, and shows every polka.
    fn defence(&self, height: u64, who: usize) -> SignedAccount {
        let votes = self.of_height(height, who);
        let votes = votes.filter_map(|((_, round, kind, _), (value, _))| Some(((round, kind), value?)));
        let account = Account {
            height: Height::new(height),
            voter: self.set.get(who).unwrap().vote_key,
            votes: votes.collect(),
            polkas: self.quorums(height, Prevote),
        };
        account.sign(self.chain.id(), &self.all[who].key, &mut self.rng.clone())
    }

    /// The account that a validator gives of a height, if it has one.
    fn given(&self, height: u64, who: usize) -> Option<SignedAccount> {
        if !self.all[who].is_honest() {
            return Some(self.defence(height, who));
        }
        let own = self.all[who].disk.accounts.of_height(Height::new(height));
        own.all().next().cloned()
    }

    fn judged(&self, double: &DoubleCertificate, accounts: &[SignedAccount]) -> Vec<Judged> {
        judge(self.chain.id(), &self.set, double, accounts).unwrap()
    }

    /// A validator forgets its lock: its log is lost, and it votes again all the same.
    fn forget(&mut self, who: usize) {
        self.take_away(who);
        self.all[who].disk.log.clear();
        self.bring_back(who);
        let now = self.now;
        self.run(now + ms(1), |_| false);
        self.feed(who, Event::Resume);
    }
}

fn verdict(all: &[Judged], place: usize) -> Option<Verdict> {
    all.iter().find(|j| j.place == place).map(|j| j.verdict)
}

/// 0, 2 and 3 precommit to a block, and the precommits of 2 and 3 stay with them. They forget, and vote with 1 for
/// another block, which 0 follows, since it sees the polka.
fn amnesia(seed: u64) -> Option<(World, DoubleCertificate)> {
    let mut world = World::new(seed, 4);
    (2..4).for_each(|i| world.all[i].fault = Some(Fault::NoPrecommits));
    world.weather = Weather { delay: (20, 80), loss: 0, part: vec![0, 1, 0, 0] };
    world.start_all();
    if !world.run(Duration::from_secs(3), |w| !w.quorums(1, Precommit).is_empty()) {
        return None;
    }
    world.weather.part = vec![0; 4];
    for i in 2..4 {
        world.forget(i);
        world.all[i].fault = Some(Fault::Amnesia);
    }
    let until = world.now + Duration::from_secs(30);
    world.run(until, |w| w.least() >= 1);
    world.double(1).map(|double| (world, double))
}

#[test]
fn who_forgot_its_lock_is_guilty_and_who_followed_a_polka_is_cleared() {
    let (mut doubles, mut followers) = (0, 0);
    for (world, double) in (0..60).filter_map(amnesia) {
        doubles += 1;
        assert!(!double.is_of_one_round());
        let accounts: Vec<_> = (0..4).filter_map(|i| world.given(1, i)).collect();
        let all = world.judged(&double, &accounts);
        for i in 2..4 {
            let guilt = verdict(&all, i);
            assert!(matches!(guilt, Some(Verdict::Guilty(Guilt::Breach(_)))), "{i}: {guilt:?}");
        }
        assert!(3 * guilty_power(&world.set, &all) > world.set.total());
        assert!((0..2).all(|i| matches!(verdict(&all, i), None | Some(Verdict::Cleared))), "{all:?}");
        // Silence is no proof.
        let all = world.judged(&double, &[]);
        assert!(all.iter().all(|j| j.verdict == Verdict::NoAccount) && all.len() >= 2, "{all:?}");
        followers += usize::from(verdict(&all, 0).is_some());
    }
    assert!(doubles >= 10 && followers >= 5, "{doubles} and {followers}");
}

/// Weather and forgetting as they come, over 4 and 7 validators.
#[test]
fn whenever_two_certificates_exist_more_than_a_third_is_guilty() {
    let (mut doubles, mut cleared) = (0, 0);
    for seed in 0..crate::storms::seeds(200) {
        let n = if seed % 2 == 0 { 4 } else { 7 };
        let mut world = World::new(70_000 + seed, n);
        let forgetful = n / 3 + 1;
        (0..forgetful).for_each(|i| world.all[i].fault = Some(Fault::Amnesia));
        world.start_all();
        for _ in 0..20 {
            // At most one is cut off.
            let alone = world.below(2 * n as u64) as usize;
            let part = (0..n).map(|i| u8::from(i == alone)).collect();
            world.weather = Weather { delay: (20, 200), loss: world.below(10), part };
            let until = world.now + ms(world.between((500, 2_500)));
            world.run(until, |_| false);
            for i in 0..forgetful {
                // What it precommits to from now on, it may keep from the others.
                let keeps = world.below(2) == 0;
                world.all[i].fault = Some(if keeps { Fault::NoPrecommits } else { Fault::Amnesia });
                if world.below(2) == 0 {
                    world.forget(i);
                }
            }
        }
        for (height, double) in (1..40).filter_map(|h| Some((h, world.double(h)?))) {
            doubles += 1;
            let accounts: Vec<_> = (0..n).filter_map(|i| world.given(height, i)).collect();
            let all = world.judged(&double, &accounts);
            assert!(3 * guilty_power(&world.set, &all) > world.set.total(), "seed {seed}: {all:?}");
            cleared += all.iter().filter(|j| j.verdict == Verdict::Cleared).count();
            for j in &all {
                let honest = world.all[j.place].is_honest();
                assert_eq!(honest, j.verdict == Verdict::Cleared, "seed {seed}: {all:?}");
            }
        }
    }
    assert!(doubles > 3 && cleared > 0, "{doubles} doubles, {cleared} cleared");
}

/// Votes of four validators, put together by hand.
struct Table {
    world: World,
}

const A: Hash = Hash::from_bytes([1; 32]);
const B: Hash = Hash::from_bytes([2; 32]);
const HEIGHT: Height = Height::new(5);

impl Table {
    fn new() -> Self {
        Self { world: World::new(9, 4) }
    }

    fn signed(&self, kind: VoteKind, round: u32, value: Hash, places: &[usize]) -> Signatures {
        let vote = Vote { kind, height: HEIGHT, round, value: Some(value) };
        let sign = |i: &usize| {
            let (key, mut rng) = (&self.world.all[*i].key, self.world.rng.clone());
            (*i, vote.sign(self.world.chain.id(), key, &mut rng).signature)
        };
        Signatures::new(4, places.iter().map(sign).collect()).unwrap()
    }

    fn polka(&self, round: u32, value: Hash, places: &[usize]) -> ((u32, Hash), Signatures) {
        ((round, value), self.signed(Prevote, round, value, places))
    }

    /// A in round `first` by 0, 1 and 2, and B in round `second` by 1, 2 and 3.
    fn double(&self, first: u32, second: u32) -> DoubleCertificate {
        let certificate = |round, value, places: &[usize]| {
            let signatures = self.signed(Precommit, round, value, places);
            CertifiedHeader { header: value, certificate: Certificate { round, signatures } }
        };
        DoubleCertificate::new(HEIGHT, certificate(first, A, &[0, 1, 2]), certificate(second, B, &[1, 2, 3]))
    }

    fn account(
        &self,
        place: usize,
        votes: &[(u32, VoteKind, Hash)],
        polkas: &[((u32, Hash), Signatures)],
    ) -> Account {
        Account {
            height: HEIGHT,
            voter: self.world.set.get(place).unwrap().vote_key,
            votes: votes.iter().map(|(round, kind, value)| ((*round, *kind), *value)).collect(),
            polkas: polkas.iter().cloned().collect(),
        }
    }

    fn sign(&self, place: usize, account: Account) -> SignedAccount {
        account.sign(self.world.chain.id(), &self.world.all[place].key, &mut self.world.rng.clone())
    }

    fn judge(&self, double: &DoubleCertificate, all: &[SignedAccount]) -> Result<Vec<Judged>, JudgeError> {
        judge(self.world.chain.id(), &self.world.set, double, all)
    }
}

/// 1 followed a polka for B of rounds 1; 2 and 3, and 0, made it: 0 and 2 against their lock.
#[test]
fn a_polka_that_clears_one_accuses_others_who_are_asked_next() {
    let table = Table::new();
    let double = table.double(0, 2);
    let (first, polka, second) =
        (table.polka(0, A, &[0, 1, 2]), table.polka(1, B, &[0, 2, 3]), table.polka(2, B, &[1, 2, 3]));
    let votes = [(0, Prevote, A), (0, Precommit, A), (2, Prevote, B), (2, Precommit, B)];
    let followed = table.sign(1, table.account(1, &votes, &[first.clone(), polka.clone(), second.clone()]));
    let all = table.judged(&double, std::slice::from_ref(&followed));
    assert_eq!(all, [(0, Verdict::NoAccount), (1, Verdict::Cleared), (2, Verdict::NoAccount)]);
    // All of 0 is in round 1; 2 shows the best that it has.
    let votes = [(0, Prevote, A), (0, Precommit, A), (1, Prevote, B)];
    let zero = table.sign(0, table.account(0, &votes, &[first.clone(), polka.clone()]));
    let votes = [votes.as_slice(), &[(2, Prevote, B), (2, Precommit, B)]].concat();
    let two = table.sign(2, table.account(2, &votes, &[first.clone(), polka.clone(), second.clone()]));
    let breach = Verdict::Guilty(Guilt::Breach(Breach::AgainstLock { round: 1, locked: 0 }));
    let all = table.judged(&double, &[followed.clone(), zero.clone(), two]);
    assert_eq!(all, [(0, breach), (1, Verdict::Cleared), (2, breach)]);
    // Who leaves out the vote that others saw is guilty; who ends before it gave no account of it.
    let votes = [(0, Prevote, A), (0, Precommit, A), (2, Prevote, B), (2, Precommit, B)];
    let liar = table.sign(2, table.account(2, &votes, &[first.clone(), polka, second]));
    let short = table.sign(2, table.account(2, &votes[..2], &[first]));
    let omitted = Verdict::Guilty(Guilt::Omitted((1, Prevote)));
    let all = table.judged(&double, &[followed.clone(), zero.clone(), liar]);
    assert_eq!(all, [(0, breach), (1, Verdict::Cleared), (2, omitted)]);
    let all = table.judged(&double, &[followed, zero, short]);
    assert_eq!(all, [(0, breach), (1, Verdict::Cleared), (2, Verdict::NoAccount)]);
}

/// Two polkas in the round of the lock: a lock may be released by the other, and who is in both is guilty.
#[test]
fn a_lock_gives_way_to_a_polka_of_its_own_round_and_then_a_third_prevoted_twice() {
    let table = Table::new();
    let votes = [(0, Prevote, A), (0, Precommit, A), (1, Prevote, B), (1, Precommit, B)];
    let polkas =
        [table.polka(0, A, &[0, 1, 2]), table.polka(0, B, &[0, 2, 3]), table.polka(1, B, &[1, 2, 3])];
    let account = table.sign(1, table.account(1, &votes, &polkas));
    let twice = Verdict::Guilty(Guilt::TwoVotes((0, Prevote)));
    let all = table.judged(&table.double(0, 1), &[account]);
    assert_eq!(all, [(0, twice), (1, Verdict::Cleared), (2, twice)]);
}

#[test]
fn in_one_round_who_signed_both_is_guilty_without_an_account() {
    let table = Table::new();
    let twice = Verdict::Guilty(Guilt::TwoVotes((3, Precommit)));
    assert_eq!(table.judged(&table.double(3, 3), &[]), [(1, twice), (2, twice)]);
}

#[test]
fn an_account_that_does_not_hold_is_refused() {
    let table = Table::new();
    let double = table.double(0, 1);
    let votes = [(0, Precommit, A), (1, Precommit, B)];
    let polkas = [table.polka(0, A, &[0, 1, 2]), table.polka(1, B, &[1, 2, 3])];
    let good = table.account(1, &votes, &polkas);
    let refusal = |signed: SignedAccount| table.judge(&double, &[signed]).err();
    let refused = |why| Some(JudgeError::Account(0, why));
    assert_eq!(refusal(table.sign(1, good.clone())), None);
    // A polka or a vote left out by someone else, and the signature of another validator or for another chain.
    let mut less = table.sign(1, good.clone());
    less.account.polkas.remove(&(1, B));
    let mut fewer = table.sign(1, good.clone());
    fewer.account.votes.remove(&(1, Precommit));
    let elsewhere = ChainId::from_bytes([7; 32]);
    let elsewhere = good.clone().sign(&elsewhere, &table.world.all[1].key, &mut table.world.rng.clone());
    for forged in [less, fewer, table.sign(2, good.clone()), elsewhere] {
        assert_eq!(refusal(forged), refused(AccountError::Signature));
    }
    let later = Account { height: HEIGHT.next(), ..good.clone() };
    assert_eq!(refusal(table.sign(1, later)), refused(AccountError::Height(HEIGHT.next())));
    let stranger = World::new(10, 4);
    let theirs = Account { voter: stranger.set.get(1).unwrap().vote_key, ..good.clone() };
    let theirs = theirs.sign(table.world.chain.id(), &stranger.all[1].key, &mut stranger.rng.clone());
    assert_eq!(refusal(theirs), refused(AccountError::Stranger));
    // Polkas: of another set, of too few, for another value, of another round, of precommits.
    let mut other = Table { world: World::new(10, 4) };
    other.world.chain = table.world.chain.clone();
    let place = |(_, signatures)| ((1, B), signatures);
    let precommits = ((1, B), table.signed(Precommit, 1, B, &[1, 2, 3]));
    let bad = [
        other.polka(1, B, &[1, 2, 3]),
        table.polka(1, B, &[1, 2]),
        place(table.polka(1, A, &[1, 2, 3])),
        place(table.polka(2, B, &[1, 2, 3])),
        precommits,
    ];
    for bad in bad {
        let account = table.account(1, &votes, &[polkas[0].clone(), bad]);
        assert_eq!(refusal(table.sign(1, account)), refused(AccountError::Polka(1)));
    }
    let bytes = table.sign(1, good).to_bytes();
    assert!((0..bytes.len()).all(|n| SignedAccount::from_bytes(&bytes[..n]).is_err()), "cut off");
    assert!(SignedAccount::from_bytes(&[&bytes[..], &[0]].concat()).is_err(), "longer");
    // And certificates of other validators.
    let theirs = other.double(0, 1);
    assert_eq!(table.judge(&theirs, &[]).err(), Some(JudgeError::Certificates));
}

impl Table {
    fn judged(&self, double: &DoubleCertificate, all: &[SignedAccount]) -> Vec<(usize, Verdict)> {
        self.judge(double, all).unwrap().into_iter().map(|j| (j.place, j.verdict)).collect()
    }
}

/// The next round after this one in which it is not the turn of 0: a block, and a polka for it.
fn polka_for_another(world: &mut World, after: u32) -> u32 {
    let (chain, height) = (*world.chain.id(), Height::new(1));
    let round = (after + 1..).find(|r| world.set.proposer(&chain, height, *r) != 0).unwrap();
    let (now, proposer) = (world.now, world.set.proposer(&chain, height, round));
    let time = world.all[0].clock(now) + 1;
    let block = world.all[0].draft(time, round.into()).block();
    world.all[0].here.insert(block.value, block.clone());
    let claim = ProposalClaim { height, round, pol_round: None, value: block.value };
    let signature = claim.sign(&chain, &world.all[proposer].key, &mut world.rng).signature;
    let mut said = vec![(proposer, Message::Proposal { claim, signature })];
    for place in 1..4 {
        let vote = Vote { kind: Prevote, height, round, value: Some(block.value) };
        let signature = vote.sign(&chain, &world.all[place].key, &mut world.rng).signature;
        said.push((place, Message::Vote { vote, place: place as u8, signature }));
    }
    for (place, message) in said {
        let from = world.all[place].link;
        world.feed(0, Event::Heard { from, bytes: message.to_bytes() });
    }
    world.run(now + ms(100), |_| false);
    round
}

/// Who follows two polkas accounts for it, also over a restart between them. Who lost its log before signs no account:
/// it does not know what it voted for.
#[test]
fn who_lost_its_log_signs_no_account_and_who_was_restarted_does() {
    for (loses, restarts) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut world = World::new(3, 4);
        (1..4).for_each(|i| world.all[i].fault = Some(Fault::Silent));
        world.start_all();
        assert!(world.run(Duration::from_secs(5), |w| w.all[0].disk.votes.last().height.get() == 1));
        if loses {
            world.all[0].fault = Some(Fault::Amnesia);
            world.forget(0);
        }
        let first = polka_for_another(&mut world, 1);
        if restarts {
            world.take_away(0);
            world.bring_back(0);
            let now = world.now;
            world.run(now + ms(1), |_| false);
        }
        polka_for_another(&mut world, first);
        let precommits =
            world.cast.iter().filter(|((.., kind, _), (value, _))| *kind == Precommit && value.is_some());
        assert_eq!(precommits.count(), 2, "to both; lost: {loses}, restarted: {restarts}");
        let own = world.all[0].disk.accounts.of_height(Height::new(1));
        assert_eq!(own.all().count(), usize::from(!loses), "lost: {loses}, restarted: {restarts}");
    }
}
