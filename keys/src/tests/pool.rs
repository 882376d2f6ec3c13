//! Pools: what t members make fits the public keys, every lie is named, and no key serves twice.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE as G;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;

use super::*;
use crate::Step;
use crate::pool::{Factors, Made as Result_, Plan, Pool, PoolKey, Sums, Work, begin};
use crate::tag::Hash;

const CONTEXT: Hash = Hash::from_bytes([5; 32]);

/// A group with the registers of its members, which outlive sessions.
struct World {
    made: Made,
    registers: BTreeMap<Index, MemoryRegister>,
}

impl World {
    fn new(t: u8, n: u8) -> Self {
        let made = Made::new(Purpose::Coin, t, n);
        let register = |i| {
            let mut register = MemoryRegister::default();
            begin(made.epoch(), &mut register).unwrap();
            (i, register)
        };
        let registers = made.team.draft.indexes().map(register).collect();
        Self { made, registers }
    }

    /// Keys of the same set as this one: it, and as many more as are wanted.
    fn mates(&self, first: u8, count: usize) -> Vec<PoolKey> {
        let set = |k: PoolKey| k.set(&self.made.team.draft);
        let first = PoolKey::new(first);
        PoolKey::all_fresh().filter(|k| *k >= first && set(*k) == set(first)).take(count).collect()
    }

    /// A plan with two fresh keys, the first of which is added, and signatures under the address and the mask.
    fn plan(&self, first: u8, subtracted: &[u8]) -> Plan {
        let fresh = self.mates(first, 2);
        Plan {
            added: vec![fresh[0]],
            subtracted: subtracted.iter().copied().map(PoolKey::new).collect(),
            signed: vec![PoolKey::ADDRESS, fresh[1]],
            fresh,
            request: b"for a test".to_vec(),
        }
    }

    fn session(&self, id: u8) -> Session {
        let mut session = Session::new(&self.made.team, Session::id(id), id.into());
        for (i, party) in &mut session.0 {
            party.register = self.registers[i].clone();
        }
        session
    }

    fn planned(&self, session: &mut Session, by: u8, plan: &Plan) {
        session.by(&self.made.team, by, |me, log, _| {
            Pool::new(self.made.epoch(), CONTEXT).plan(me, log, plan).unwrap();
        });
        session.deliver(&self.made.team, honest);
    }

    /// Runs a session; the registers remember it.
    fn run(
        &mut self,
        session: &mut Session,
        post: impl Fn(&Letter, Index) -> Option<Letter>,
    ) -> BTreeMap<Index, Result<Result_, Fault>> {
        self.run_over(session, post, |_| None)
    }

    /// The same; each member takes this for the other base of the pool.
    fn run_over(
        &mut self,
        session: &mut Session,
        post: impl Fn(&Letter, Index) -> Option<Letter>,
        base: impl Fn(Index) -> Option<[u8; 32]>,
    ) -> BTreeMap<Index, Result<Result_, Fault>> {
        let made = &self.made;
        let ended = session.run(&made.team, post, |me, log, register| {
            *log = Log::from_bytes(&log.to_bytes()).unwrap();
            step(made, base(me.index()), me, log, register)
        });
        for (i, party) in &session.0 {
            self.registers.insert(*i, party.register.clone());
        }
        ended
    }
}

fn pool(made: &Made, base: Option<[u8; 32]>) -> Pool<'_> {
    let pool = Pool::new(made.epoch(), CONTEXT);
    base.map_or(pool, |base| pool.over(&base).unwrap())
}

fn step(
    made: &Made,
    base: Option<[u8; 32]>,
    me: &Member<'_>,
    log: &mut Log,
    register: &mut MemoryRegister,
) -> Result<Progress<Result_>, Fault> {
    let (pool, holder) = (pool(made, base), me.holding(made.epoch(), made.shares.get(&me.index())));
    let Some(planned) = pool.planned(log)? else {
        return Ok(Progress::Awaiting { step: Step::Planned, from: vec![] });
    };
    pool.agree(&holder, log, &planned)?;
    match pool.masked(log, &planned)? {
        Progress::Awaiting { step, from } => Ok(Progress::Awaiting { step, from }),
        Progress::Done(masked) => {
            let work = work(&masked.sums());
            masked.work(work)?.answer(&holder, log, register)
        }
    }
}

/// Factors that follow from the sums of the masks, as those of a transcript do.
fn factors(sums: &Sums) -> [Scalar; 3] {
    let over = sums.over.map(|points| points.concat()).unwrap_or_default();
    let shown = [sums.masks.as_flattened(), &over].concat();
    [b"f", b"g", b"h"].map(|l| Scalar::hash_from_bytes::<sha2::Sha512>(&[&l[..], &shown].concat()))
}

fn work(sums: &[Sums]) -> Work {
    let factors = sums.iter().map(|sums| Factors(factors(sums))).collect();
    Work { factors, messages: vec![b"as the group".to_vec(), b"as the mask".to_vec()] }
}

fn point(bytes: [u8; 32]) -> RistrettoPoint {
    CompressedRistretto(bytes).decompress().unwrap()
}

fn public(made: &Made, key: PoolKey) -> RistrettoPoint {
    point(made.epoch().public_key(key.get().into()).unwrap())
}

/// P = y·G.
fn over(y: u64) -> [u8; 32] {
    (&Scalar::from(y) * G).compress().to_bytes()
}

/// With P = y·G the sums over P are y times those over G, and the answer fits both; the mask shows nothing over P.
#[test]
fn sums_over_another_base_are_those_of_the_key_and_its_masks() {
    let mut world = World::new(3, 5);
    let (plan, base) = (world.plan(1, &[]), over(4_711));
    let mut session = world.session(1);
    world.planned(&mut session, 1, &plan);
    let ended = world.run_over(&mut session, honest, |_| Some(base));
    let done = ended[&index(1)].clone().unwrap();
    let (pool, log) = (pool(&world.made, Some(base)), &session.0[&index(1)].log);
    let planned = pool.planned(log).unwrap().unwrap();
    let Progress::Done(masked) = pool.masked(log, &planned).unwrap() else { panic!("masks are missing") };
    let [output, mask] = masked.sums()[..] else { panic!("two keys") };
    let y = Scalar::from(4_711u64);
    let [x, m, n] = output.over.unwrap().map(point);
    assert_eq!(x, y * public(&world.made, plan.fresh[0]));
    assert_eq!([m, n], output.masks.map(|p| y * point(p)));
    let [f, g, h] = factors(&output);
    assert_eq!(done.answers[0] * point(base), f * x + g * m + h * n);
    assert_eq!(mask.over, None);
    assert!(Pool::new(world.made.epoch(), CONTEXT).over(&[0; 32]).is_none(), "the identity");
    assert!(Pool::new(world.made.epoch(), CONTEXT).over(&[0xff; 32]).is_none(), "no point");
}

/// A member that shows its points over another base answers to the factors over G, and is named all the same.
#[test]
fn points_over_a_false_base_name_their_member() {
    let mut world = World::new(3, 5);
    let plan = world.plan(1, &[]);
    let liar = plan.set(&world.made.team.draft).unwrap()[1];
    let mut session = world.session(1);
    world.planned(&mut session, 1, &plan);
    let ended = world.run_over(&mut session, honest, |i| Some(over(if i == liar { 4_712 } else { 4_711 })));
    let honest: Vec<_> = ended.iter().filter(|(i, _)| **i != liar).collect();
    assert_eq!(honest.len(), 4);
    assert!(honest.iter().all(|(_, end)| **end == Err(Fault::Answer(liar))), "{ended:?}");
}

#[test]
fn what_a_set_makes_fits_the_public_keys() {
    let mut world = World::new(3, 5);
    for (id, first, by, subtracted) in [(1, 1, 1, &[][..]), (2, 5, 4, &[1, 2, 3])] {
        let plan = world.plan(first, subtracted);
        let mut session = world.session(id);
        world.planned(&mut session, by, &plan);
        let ended = world.run(&mut session, honest);
        assert_eq!(ended.len(), 5, "who has no part adds up too");
        let done = ended[&index(1)].clone().unwrap();
        assert!(ended.values().all(|end| end.as_ref() == Ok(&done)));
        let made = &world.made;
        let pool = Pool::new(made.epoch(), CONTEXT);
        let log = &session.0[&index(1)].log;
        let planned = pool.planned(log).unwrap().unwrap();
        assert_eq!((planned.by, &planned.plan), (index(by), &plan));
        let Progress::Done(masked) = pool.masked(log, &planned).unwrap() else { panic!("masks are missing") };
        for ((key, sums), z) in plan.fresh.iter().zip(masked.sums()).zip(&done.answers) {
            let [f, g, h] = factors(&sums);
            let [m, n] = sums.masks.map(point);
            assert_eq!(z * G, f * public(made, *key) + g * m + h * n);
        }
        let spent: RistrettoPoint = subtracted.iter().map(|k| public(made, PoolKey::new(*k))).sum();
        assert_eq!(&done.opened * G, public(made, plan.fresh[0]) - spent - public(made, plan.fresh[1]));
        let messages = [&b"as the group"[..], b"as the mask"];
        for ((key, message), signature) in plan.signed.iter().zip(messages).zip(&done.signatures) {
            let key = made.epoch().public_key(key.get().into()).unwrap();
            assert!(crate::signing::verifies(&key, message, signature));
        }
    }
}

/// An answer has the two masked answers, the opening and two shares of signatures, 32 bytes each.
#[test]
fn every_false_part_names_its_member() {
    let mut world = World::new(3, 5);
    // The same team again, so that the closures borrow nothing of the world.
    let team = Team::new(Purpose::Coin, 3, 5);
    let mut firsts = PoolKey::all_fresh().filter(|k| k.set(&team.draft).unwrap().contains(&index(2)));
    for (id, part) in (1..).zip(0..5) {
        let plan = world.plan(firsts.nth(7).unwrap().get(), &[]);
        let mut session = world.session(id);
        world.planned(&mut session, 1, &plan);
        let ended = world.run(&mut session, |letter, _| {
            let lies = (letter.heading().step, letter.heading().from) == (Step::Answered, index(2));
            let flip = |body: &mut Vec<u8>| body[32 * part] ^= 1;
            Some(if lies { team.forge(letter, |body, _| flip(body)) } else { letter.clone() })
        });
        let fault = if part < 3 { Fault::Answer(index(2)) } else { Fault::SignatureShare(index(2)) };
        let honest: Vec<_> = ended.iter().filter(|(i, _)| **i != index(2)).collect();
        assert_eq!(honest.len(), 4);
        assert!(honest.iter().all(|(_, end)| **end == Err(fault)), "part {part}: {ended:?}");
    }
    // Masks that are other points than those of its answer.
    let plan = world.plan(firsts.nth(7).unwrap().get(), &[]);
    let mut session = world.session(20);
    world.planned(&mut session, 1, &plan);
    let ended = world.run(&mut session, |letter, _| {
        let lies = letter.heading().step == Step::Masked && letter.heading().from == index(2);
        let swap = |body: &mut Vec<u8>| body[..64].rotate_left(32);
        Some(if lies { team.forge(letter, |body, _| swap(body)) } else { letter.clone() })
    });
    // Whoever answers has other letters than the liar itself, who sees its own.
    assert!(
        ended.iter().filter(|(i, _)| **i != index(2)).all(|(_, end)| match end {
            Err(fault) =>
                matches!(fault, Fault::Differs { member, .. } if *member == index(2))
                    || *fault == Fault::Answer(index(2)),
            Ok(_) => false,
        }),
        "{ended:?}"
    );
}

/// The attack that the sets are for: two sessions under one key. Any two of them need one honest member twice.
#[test]
fn a_key_serves_once_and_the_same_letters_again() {
    let mut world = World::new(2, 3);
    let plan = world.plan(2, &[]);
    let mut first = world.session(1);
    world.planned(&mut first, 1, &plan);
    let ended = world.run(&mut first, honest);
    let done = ended[&index(1)].clone().unwrap();
    // The same session again, from the letters before the answers: the same answers.
    let again = world.run(&mut first.clone(), honest);
    assert_eq!(again[&index(2)], Ok(done));
    for (id, other) in [(2, world.plan(2, &[])), (3, Plan { request: vec![9], ..world.plan(2, &[7]) })] {
        let mut second = world.session(id);
        world.planned(&mut second, 2, &other);
        let ended = world.run(&mut second, honest);
        let set = plan.set(&world.made.team.draft).unwrap();
        for (i, end) in &ended {
            assert!(set.contains(i) && *end == Err(Fault::KeyUsed(plan.fresh[0])), "{i}: {end:?}");
        }
        let answers = second.0.values().flat_map(|party| party.log.of(Step::Answered)).count();
        assert_eq!(answers, 0, "nobody answered");
    }
    // The mask of an earlier plan as the key of an output.
    let spent = plan.fresh[1];
    let mut third = world.session(4);
    world.planned(&mut third, 1, &world.plan(spent.get(), &[]));
    let ended = world.run(&mut third, honest);
    assert!(ended.values().all(|end| *end == Err(Fault::KeyUsed(spent))));
}

#[test]
fn a_key_that_served_before_a_refresh_serves_no_more() {
    let mut world = World::new(2, 3);
    let plan = world.plan(2, &[]);
    let mut first = world.session(1);
    world.planned(&mut first, 1, &plan);
    assert!(world.run(&mut first, honest).values().all(Result::is_ok));
    let next = refresh::refreshed(&world.made, &[1, 2, 3], 3);
    let mut world = World { made: next, registers: world.registers };
    let mut second = world.session(2);
    world.planned(&mut second, 1, &plan);
    let ended = world.run(&mut second, honest);
    assert!(ended.values().all(|end| *end == Err(Fault::KeyUsed(plan.fresh[0]))), "{ended:?}");
    let mut third = world.session(3);
    world.planned(&mut third, 1, &world.plan(8, &[2, 3]));
    assert!(world.run(&mut third, honest).values().all(Result::is_ok), "other keys serve");
}

#[test]
fn a_share_that_was_not_made_here_answers_for_nothing_new() {
    let mut world = World::new(2, 3);
    let plan = world.plan(1, &[]);
    let set = plan.set(&world.made.team.draft).unwrap();
    world.registers.insert(set[0], MemoryRegister::default());
    let mut session = world.session(1);
    world.planned(&mut session, 3, &plan);
    let ended = world.run(&mut session, honest);
    assert_eq!(ended, [(set[0], Err(Fault::Elsewhere))].into());
}

/// A copy of a member that lost its seed has other masks than those it showed: it answers nothing.
#[test]
fn a_member_answers_under_the_masks_that_it_showed_alone() {
    let world = World::new(2, 3);
    let plan = world.plan(1, &[]);
    let set = plan.set(&world.made.team.draft).unwrap();
    let mut session = world.session(1);
    world.planned(&mut session, 1, &plan);
    for i in &set {
        session.by(&world.made.team, i.get(), |me, log, register| {
            assert!(matches!(step(&world.made, None, me, log, register), Ok(Progress::Awaiting { .. })));
        });
    }
    session.0.get_mut(&set[0]).unwrap().seed = Seed::from_bytes([1; 32]);
    session.deliver(&world.made.team, honest);
    session.by(&world.made.team, set[0].get(), |me, log, register| {
        let pool = Pool::new(world.made.epoch(), CONTEXT);
        let planned = pool.planned(log).unwrap().unwrap();
        let Progress::Done(masked) = pool.masked(log, &planned).unwrap() else { panic!("masks are missing") };
        let holder = me.holding(world.made.epoch(), world.made.shares.get(&me.index()));
        let sums = masked.sums();
        let end = masked.work(work(&sums)).unwrap().answer(&holder, log, register);
        assert_eq!(end, Err(Fault::OtherShare));
    });
}

#[test]
fn plans_at_another_epoch_in_another_context_or_by_two_are_refused() {
    let world = World::new(2, 3);
    let (made, plan) = (&world.made, world.plan(1, &[]));
    let other = Pool::new(made.epoch(), Hash::from_bytes([6; 32]));
    let mut session = world.session(1);
    session.by(&made.team, 1, |me, log, _| other.plan(me, log, &plan).unwrap());
    let log = &session.0[&index(1)].log;
    let differs = Fault::Differs { member: index(1), step: Step::Planned };
    assert_eq!(Pool::new(made.epoch(), CONTEXT).planned(log), Err(differs));
    let mut session = world.session(2);
    world.planned(&mut session, 1, &plan);
    world.planned(&mut session, 2, &plan);
    let log = &session.0[&index(3)].log;
    assert_eq!(Pool::new(made.epoch(), CONTEXT).planned(log), Err(Fault::AskedTwice));
    let bad = Plan { fresh: vec![PoolKey::ADDRESS], added: vec![], signed: vec![], ..plan };
    session.by(&made.team, 3, |me, log, _| {
        let refused = Pool::new(made.epoch(), CONTEXT).plan(me, log, &bad);
        assert_eq!(refused, Err(Fault::Request(index(3))));
    });
}
