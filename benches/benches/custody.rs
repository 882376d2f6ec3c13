//! Keys of groups and evidence of machines: key generation, signing, repair, refresh, a box; and each kind of evidence.
//!
//! ```text
//! cargo bench -p sotto-benches --bench custody                  # under two minutes
//! cargo bench -p sotto-benches --bench custody -- 'sign'        # one group of them
//! cargo bench -p sotto-benches --bench custody -- 'evidence'
//! ```
//!
//! The figures are processor time of **all members together**, letters included: each participant signs its letters,
//! encrypts the parts for others, and verifies what it gets. Divide by the number of members for one of them. Files,
//! passphrases and links are left out. Everything is seeded, so two runs measure the same bytes.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_benches::ProcessorTime;
use sotto_keys::{
    Draft, Fault, Group, Hash, Index, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed,
    SessionId, Share, dkg, refresh, repair,
    request::Request,
    sign,
    vault::{BoxTerms, Opening, VaultBox, VaultMember, VaultRequest},
};
use sotto_party::Identity;
use sotto_tee::{Binding, Collateral, Digest, Evidence, Purpose as For, software, verify};
use std::{collections::BTreeMap, hint::black_box, time::Duration};

type Bench = Criterion<ProcessorTime>;

/// How many act together, of how many.
const SIZES: [(u8, u8); 3] = [(2, 3), (3, 5), (7, 11)];
const SESSION: SessionId = SessionId::from_bytes([9; 32]);

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The members of a draft.
struct Team {
    draft: Draft,
    people: Vec<Identity>,
}

impl Team {
    fn new(purpose: Purpose, (t, n): (u8, u8)) -> Self {
        let rng = &mut rng(u64::from(n));
        let people: Vec<Identity> = (0..n).map(|_| Identity::random(rng)).collect();
        let members = people.iter().map(Identity::public).collect();
        Self { draft: Draft::new(purpose, [7; 32], t, members, rng).unwrap(), people }
    }

    fn identity(&self, i: Index) -> &Identity {
        &self.people[usize::from(i.get()) - 1]
    }

    fn indexes(&self, n: u8) -> Vec<Index> {
        self.draft.indexes().take(n.into()).collect()
    }
}

/// What each member that takes part has of a session.
struct Session<'a> {
    team: &'a Team,
    parties: BTreeMap<Index, (Seed, Log, MemoryRegister)>,
}

impl<'a> Session<'a> {
    fn new(team: &'a Team, id: SessionId, who: &[Index]) -> Self {
        let party = |i: &Index| {
            let log = Log::new(team.draft.id(), id);
            (*i, (Seed::random(&mut rng(i.get().into())), log, MemoryRegister::default()))
        };
        Self { team, parties: who.iter().map(party).collect() }
    }

    fn by<T>(&mut self, i: Index, act: impl FnOnce(&Member<'_>, &mut Log, &mut MemoryRegister) -> T) -> T {
        let (seed, log, register) = self.parties.get_mut(&i).unwrap();
        let me = Member::new(&self.team.draft, self.team.identity(i), seed).unwrap();
        act(&me, log, register)
    }

    fn deliver(&mut self) {
        let own = |(i, (_, log, _)): (&Index, &(Seed, Log, MemoryRegister))| -> Vec<Letter> {
            log.letters().filter(|letter| letter.heading().from == *i).cloned().collect()
        };
        let sent: Vec<Letter> = self.parties.iter().flat_map(own).collect();
        for (_, log, _) in self.parties.values_mut() {
            let known: Vec<Hash> = log.letters().map(Letter::name).collect();
            for letter in sent.iter().filter(|letter| !known.contains(&letter.name())) {
                log.take(letter.clone(), &self.team.draft).unwrap();
            }
        }
    }

    /// Advances everybody and delivers, until all are done.
    fn run<T>(
        &mut self,
        mut step: impl FnMut(&Member<'_>, &mut Log, &mut MemoryRegister) -> Result<Progress<T>, Fault>,
    ) -> BTreeMap<Index, T> {
        let who: Vec<Index> = self.parties.keys().copied().collect();
        for _ in 0..10 {
            let mut done = BTreeMap::new();
            for i in &who {
                if let Progress::Done(what) = self.by(*i, &mut step).unwrap() {
                    done.insert(*i, what);
                }
            }
            if done.len() == who.len() {
                return done;
            }
            self.deliver();
        }
        unreachable!("honest members come to an end")
    }
}

/// A group with all its shares.
struct Made {
    team: Team,
    group: Group,
    shares: BTreeMap<Index, Share>,
}

fn generate(team: &Team) -> (Group, BTreeMap<Index, Share>) {
    let who = team.indexes(team.people.len() as u8);
    let made = Session::new(team, dkg::session(&team.draft), &who).run(dkg::advance);
    let group = made.values().next().unwrap().group.clone();
    (group, made.into_iter().map(|(i, made)| (i, made.share)).collect())
}

impl Made {
    fn new(purpose: Purpose, size: (u8, u8)) -> Self {
        let team = Team::new(purpose, size);
        let (group, shares) = generate(&team);
        Self { team, group, shares }
    }

    /// t members sign a header.
    fn sign(&self) {
        let who = self.team.indexes(self.team.draft.threshold());
        let mut session = Session::new(&self.team, SESSION, &who);
        let epoch = self.group.epoch();
        let request = Request::Header { chain: [7; 32], header: vec![3; 256] };
        session.by(who[0], |me, log, _| sign::ask(me, epoch, log, &request)).unwrap();
        session.deliver();
        for i in &who {
            session
                .by(*i, |me, log, _| {
                    let asked = sign::asked(epoch, log).unwrap().unwrap();
                    sign::agree(&me.holding(epoch, self.shares.get(i)), log, &asked)
                })
                .unwrap();
        }
        session.deliver();
        let signed = session.run(|me, log, register| {
            sign::advance(&me.holding(epoch, self.shares.get(&me.index())), log, None, register)
        });
        assert!(signed.values().all(|answer| answer.signature.is_some()));
    }

    /// The last member's share comes back from t others.
    fn repair(&self) {
        let lost = self.team.indexes(u8::MAX).pop().unwrap();
        let mut who = self.team.indexes(self.team.draft.threshold());
        who.push(lost);
        let (epoch, fingerprint) = (self.group.epoch(), self.team.identity(lost).public().fingerprint());
        let mut session = Session::new(&self.team, SESSION, &who);
        session.by(lost, |me, log, _| repair::ask(me, epoch, log)).unwrap();
        session.deliver();
        for i in who.iter().filter(|i| **i != lost) {
            let agree = |me: &Member<'_>, log: &mut Log, _: &mut MemoryRegister| {
                repair::authorise(&me.holding(epoch, self.shares.get(i)), log, &fingerprint)
            };
            session.by(*i, agree).unwrap();
        }
        session.deliver();
        let ended = session.run(|me, log, _| {
            let share = self.shares.get(&me.index()).filter(|_| me.index() != lost);
            repair::advance(&me.holding(epoch, share), log)
        });
        assert_eq!(ended.len(), who.len());
    }

    /// Everybody gets a new share.
    fn refresh(&self) {
        let who = self.team.indexes(u8::MAX);
        let epoch = self.group.epoch();
        let mut session = Session::new(&self.team, SESSION, &who);
        session.by(who[0], |me, log, _| refresh::propose(me, epoch, log, &who)).unwrap();
        session.deliver();
        let prepared =
            session.run(|me, log, _| refresh::prepare(&me.holding(epoch, self.shares.get(&me.index())), log));
        let ended = session.run(|me, log, _| refresh::confirm(me, &prepared[&me.index()], log));
        assert!(ended.values().all(|group| group.epoch().number() == 1));
    }
}

fn groups(c: &mut Bench) {
    for size in SIZES {
        let name = |what: &str| BenchmarkId::new(what, format!("{} of {}", size.0, size.1));
        let made = Made::new(Purpose::Seal, size);
        let mut group = c.benchmark_group("group");
        group.sample_size(10);
        group.bench_function(name("key generation"), |b| b.iter(|| generate(black_box(&made.team))));
        group.bench_function(name("sign"), |b| b.iter(|| made.sign()));
        group.bench_function(name("repair"), |b| b.iter(|| made.repair()));
        group.bench_function(name("refresh"), |b| b.iter(|| made.refresh()));
        group.finish();
    }
}

fn boxes(c: &mut Bench) {
    for size in SIZES {
        let name = |what: &str| BenchmarkId::new(what, format!("{} of {}", size.0, size.1));
        let made = Made::new(Purpose::Vault, size);
        let terms = BoxTerms { policy: Hash::from_bytes([1; 32]), owner: Hash::from_bytes([2; 32]) };
        let (epoch, machine) = (made.group.epoch(), Identity::random(&mut rng(50)));
        let vault_box = VaultBox::encrypt(epoch, terms, &[5; 32], &mut rng(1)).unwrap();
        let request = VaultRequest::new(&vault_box, machine.public());
        let opening = Opening { epoch, vault_box: &vault_box, request: &request };
        let answer = |i: &Index| {
            let member = VaultMember { identity: made.team.identity(*i), share: &made.shares[i] };
            opening.answer(member, terms.policy, &mut rng(2)).unwrap()
        };
        let answers: Vec<_> = made.team.indexes(size.0).iter().map(answer).collect();
        let mut group = c.benchmark_group("box");
        group.sample_size(20);
        group.bench_function(name("encrypt"), |b| {
            b.iter(|| VaultBox::encrypt(epoch, terms, black_box(&[5; 32][..]), &mut rng(1)).unwrap());
        });
        group.bench_function(name("one answer"), |b| b.iter(|| answer(&made.team.indexes(1)[0])));
        group.bench_function(name("open"), |b| b.iter(|| opening.open(&machine, &answers).unwrap()));
        group.finish();
    }
}

/// Evidence of one kind, its collateral, and a time at which it verifies.
fn shown() -> Vec<(&'static str, Evidence, Collateral, u64)> {
    macro_rules! intel {
        ($name:literal) => {
            (
                Evidence::recognize(include_bytes!(concat!("../../tee/tests/data/intel/", $name))).unwrap(),
                Collateral::parse(include_bytes!(concat!(
                    "../../tee/tests/data/intel/",
                    $name,
                    "_collateral.json"
                )))
                .unwrap(),
            )
        };
    }
    let hex = |bytes: &[u8]| sotto_party::hex::to_hex(bytes);
    let digits = include_str!("../../tee/tests/data/amd/report_milan.hex").trim().to_lowercase();
    let mut report = vec![0; digits.len() / 2];
    sotto_party::hex::from_hex(&digits, &mut report).unwrap();
    let vcek = hex(include_bytes!("../../tee/tests/data/amd/vcek_milan.der"));
    let chip = Collateral::parse(format!("{{\"vcek\": \"{vcek}\"}}").as_bytes()).unwrap();
    let party = Identity::random(&mut rng(60));
    let build = Digest([3; 32]);
    let binding = Binding { party: Digest(party.public().digest()), purpose: For::Enrol { build } };
    let signed = software::sign(&party, &build.0, &binding.report_data()).unwrap();
    let (sgx, tdx) = (intel!("sgx_quote"), intel!("tdx_quote"));
    vec![
        ("sgx", sgx.0, sgx.1, 1_750_400_000),
        ("tdx", tdx.0, tdx.1, 1_750_400_000),
        ("snp", Evidence::recognize(&report).unwrap(), chip, 1_700_000_000),
        ("software", signed, Collateral::nothing(), 1_700_000_000),
    ]
}

fn evidence(c: &mut Bench) {
    let mut group = c.benchmark_group("evidence");
    for (kind, evidence, collateral, now) in shown() {
        group.bench_function(kind, |b| {
            b.iter_batched(
                || evidence.encode(),
                |bytes| verify(&Evidence::decode(&bytes).unwrap(), &collateral, now).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(ProcessorTime)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2));
    targets = groups, boxes, evidence
}
criterion_main!(benches);
