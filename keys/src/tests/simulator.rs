//! Whole protocols of 3 of 5 and 7 of 11 members: a liar of each kind at each step, and a crash before each action.
//!
//! The judge knows what no member does: the key. After every run it asserts that whoever stored a share stored the
//! right one, that no honest member was blamed, and that t honest shares still make the key.

use super::*;
use crate::curve::{Secret, lagrange};
use crate::refresh::{self, Prepared};
use crate::repair::Repaired;
use crate::request::Request;
use crate::{Step, dkg as generation};

const SIZES: [(u8, u8); 2] = [(3, 5), (7, 11)];
/// Who lies.
const LIAR: u8 = 2;

/// What a liar does to its letter of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// It says nothing.
    Silence,
    /// What it shows is altered at its beginning or its end.
    Body { last: bool },
    /// What it encrypts to each member is altered.
    Parts,
    /// Odd members get another letter than even ones.
    TwoKinds,
    /// It cuts its letter short.
    Short,
}

const LIES: [Lie; 6] = [
    Lie::Parts,
    Lie::TwoKinds,
    Lie::Body { last: true },
    Lie::Body { last: false },
    Lie::Silence,
    Lie::Short,
];

/// Every lie at every step; of a great group, the first three.
fn lies(n: u8, steps: &[Step]) -> Vec<(Step, Lie)> {
    let lies = if n > 5 { &LIES[..3] } else { &LIES };
    steps.iter().flat_map(|step| lies.iter().map(|lie| (*step, *lie))).collect()
}

/// The letter that arrives.
fn told(team: &Team, (step, lie): (Step, Lie), letter: &Letter, to: Index) -> Option<Letter> {
    if (letter.heading().step, letter.heading().from) != (step, index(LIAR)) {
        return Some(letter.clone());
    }
    let flip = |bytes: &mut [u8], last: bool| {
        let at = if last { bytes.len().saturating_sub(1) } else { 0 };
        bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
    };
    match lie {
        Lie::Silence => None,
        Lie::Body { last } => Some(team.forge(letter, |body, _| flip(body, last))),
        Lie::TwoKinds if to.get().is_multiple_of(2) => Some(letter.clone()),
        Lie::TwoKinds => Some(team.forge(letter, |body, parts| {
            flip(body, false);
            parts.values_mut().for_each(|part| flip(part, false));
        })),
        Lie::Parts => {
            Some(team.forge(letter, |_, parts| parts.values_mut().for_each(|part| flip(part, false))))
        }
        Lie::Short => Some(team.forge(letter, |body, _| body.truncate(body.len().saturating_sub(1)))),
    }
}

/// Runs a protocol; each member remembers its seed, its letters and the register, and nothing else.
fn run<T>(
    session: &mut Session,
    (team, lie): (&Team, Option<(Step, Lie)>),
    mut step: impl FnMut(&Member<'_>, &mut Log, &mut MemoryRegister) -> Result<Progress<T>, Fault>,
) -> BTreeMap<Index, Result<T, Fault>> {
    let post =
        |letter: &Letter, to| lie.map_or_else(|| Some(letter.clone()), |lie| told(team, lie, letter, to));
    session.run(team, post, |me, log, register| {
        *log = Log::from_bytes(&log.to_bytes()).unwrap();
        step(me, log, register)
    })
}

/// Nobody blames an honest member; `named` tells whether somebody named the liar.
fn blames_nobody_honest<T>(lie: (Step, Lie), ended: &BTreeMap<Index, Result<T, Fault>>) -> bool {
    let honest = ended.iter().filter(|(i, _)| i.get() != LIAR);
    let blamed: Vec<Index> = honest.filter_map(|(_, end)| end.as_ref().err()?.member()).collect();
    assert!(blamed.iter().all(|member| member.get() == LIAR), "{lie:?}: {blamed:?}");
    !blamed.is_empty()
}

/// t honest shares make the key.
fn key_stands(epoch: &Epoch, shares: &BTreeMap<Index, Share>) {
    let t = usize::from(epoch.draft().threshold());
    let honest: Vec<(&Index, &Share)> = shares.iter().filter(|(i, _)| i.get() != LIAR).take(t).collect();
    let set: Vec<u8> = honest.iter().map(|(i, _)| i.get()).collect();
    let value =
        |(i, share): &(&Index, &Share)| lagrange(&set, i.get(), 0) * share.secret(0).unwrap().expose();
    let key = Secret::new(honest.iter().map(value).sum()).times_g();
    assert_eq!(Some(key.compress().to_bytes()), epoch.public_key(0));
    shares.values().for_each(|share| share.fits(epoch).unwrap());
}

/// A lie that changes nothing that is used: a letter without parts, or an empty one.
fn harmless(session: &Session, (step, lie): (Step, Lie)) -> bool {
    let parties = session.0.values();
    let letter = parties.filter_map(|party| party.log.get(step, index(LIAR))).next();
    letter.is_none_or(|letter| {
        lie == Lie::Parts
            && matches!(
                step,
                Step::Packages
                    | Step::Confirmed
                    | Step::Drilled
                    | Step::Committed
                    | Step::Chosen
                    | Step::Signed
                    | Step::Authorised
                    | Step::Helpers
                    | Step::Renewals
                    | Step::Prepared
            )
            || letter.body().is_empty() && lie != Lie::Silence && lie != Lie::Parts
    })
}

/// A key generation with a liar makes no group, or the same right one for all; it names the liar, or waits for it.
#[test]
fn key_generation_stores_no_wrong_share() {
    for (t, n) in SIZES {
        let team = Team::new(Purpose::Seal, t, n);
        for (step, lie) in lies(n, &[Step::Packages, Step::Shares, Step::Confirmed, Step::Drilled]) {
            let mut session = Session::new(&team, generation::session(&team.draft), 1);
            let ended = run(&mut session, (&team, Some((step, lie))), generation::advance);
            let named = blames_nobody_honest((step, lie), &ended);
            let honest = || ended.iter().filter(|(i, _)| i.get() != LIAR);
            for made in honest().filter_map(|(_, end)| end.as_ref().ok()) {
                made.share.fits(made.group.epoch()).unwrap();
            }
            let waits = honest().count() < usize::from(n) - 1;
            let differs =
                honest().any(|(_, end)| matches!(end, Err(Fault::Differs { .. } | Fault::Unusable)));
            assert!(
                named || waits || differs || harmless(&session, (step, lie)),
                "{t} of {n}: {step} {lie:?}"
            );
        }
    }
}

/// A signature with a liar is right or does not come about; the others sign without it.
#[test]
fn signing_survives_liars() {
    for (t, n) in SIZES {
        let made = Made::new(Purpose::Seal, t, n);
        let request = Request::Header { chain: [7; 32], header: vec![5; 192] };
        let message = |id: u8| request.message(made.epoch(), &Session::id(id));
        let key = made.epoch().public_key(0).unwrap();
        for (step, lie) in lies(n, &[Step::Committed, Step::Signed]) {
            let mut session = Session::new(&made.team, Session::id(1), 1);
            sign::asked_by_post(&made, &mut session, &request, |letter, to| {
                told(&made.team, (step, lie), letter, to)
            });
            let ended = run(&mut session, (&made.team, Some((step, lie))), |me, log, register| {
                let share = made.shares.get(&me.index());
                crate::sign::advance(&me.holding(made.epoch(), share), log, None, register)
            });
            blames_nobody_honest((step, lie), &ended);
            for answered in ended.values().filter_map(|end| end.as_ref().ok()) {
                assert!(crate::signing::verifies(&key, &message(1), &answered.signature.unwrap()));
            }
            let named = ended.values().any(|end| end == &Err(Fault::SignatureShare(index(LIAR))));
            assert!(named || (step, lie) != (Step::Signed, Lie::Body { last: false }), "{lie:?}");
        }
        let mut session = Session::new(&made.team, Session::id(2), 2).without(&[LIAR]);
        sign::asked(&made, &mut session, &request);
        let ended = sign::run(&made, &mut session, honest);
        let answered = ended[&index(1)].as_ref().unwrap();
        assert!(crate::signing::verifies(&key, &message(2), &answered.signature.unwrap()));
        key_stands(made.epoch(), &made.shares);
    }
}

/// Whatever a helper sends, the share that is repaired is the lost one, or there is none; other helpers repair it.
#[test]
fn repair_stores_no_wrong_share() {
    for (t, n) in SIZES {
        let made = Made::new(Purpose::Seal, t, n);
        let right = made.shares[&index(n)].secret(0).unwrap().expose();
        for (step, lie) in lies(n, &[Step::Authorised, Step::Deltas, Step::Sigmas]) {
            let mut session = Session::new(&made.team, Session::id(1), 1);
            repair::asked(&made, &mut session, n);
            let ended = run(&mut session, (&made.team, Some((step, lie))), |me, log, _| {
                let share = made.shares.get(&me.index()).filter(|_| me.index() != index(n));
                crate::repair::advance(&me.holding(made.epoch(), share), log)
            });
            let named = blames_nobody_honest((step, lie), &ended);
            if let Some(Ok(Repaired::Share(share))) = ended.get(&index(n)) {
                assert_eq!(share.secret(0).unwrap().expose(), right, "{step} {lie:?}");
            }
            let part = step != Step::Authorised && lie == Lie::Parts;
            assert!(named || !part, "{t} of {n}: {step} {lie:?}");
        }
        let mut session = Session::new(&made.team, Session::id(2), 2).without(&[LIAR]);
        repair::asked(&made, &mut session, n);
        let ended = repair::run(&made, &mut session, n, honest);
        assert_eq!(repair::share(&ended, n).secret(0).unwrap().expose(), right);
    }
}

/// A refresh with a liar ends at the new epoch with right shares, or leaves the old one in force.
#[test]
fn refresh_stores_no_wrong_share() {
    for (t, n) in SIZES {
        let made = Made::new(Purpose::Seal, t, n);
        let all: Vec<u8> = (1..=n).collect();
        for (step, lie) in lies(n, &[Step::Renewals, Step::Renewed, Step::Prepared]) {
            let mut session = Session::new(&made.team, Session::id(1), 1);
            refresh_proposed(&made, &mut session, &all);
            let lies = (&made.team, Some((step, lie)));
            let prepared = run(&mut session, lies, |me, log, _| {
                refresh::prepare(&me.holding(made.epoch(), Some(&made.shares[&me.index()])), log)
            });
            let named = blames_nobody_honest((step, lie), &prepared);
            assert!(named || (step, lie) != (Step::Renewed, Lie::Parts), "{t} of {n}: {lie:?}");
            let prepared: BTreeMap<Index, Prepared> =
                prepared.into_iter().filter_map(|(i, end)| Some((i, end.ok()?))).collect();
            let ended = run(&mut session, lies, |me, log, _| match prepared.get(&me.index()) {
                Some(prepared) => refresh::confirm(me, prepared, log),
                None => Ok(Progress::Awaiting { step, from: vec![index(LIAR)] }),
            });
            blames_nobody_honest((step, lie), &ended);
            for (i, group) in ended.iter().filter_map(|(i, end)| Some((i, end.as_ref().ok()?))) {
                prepared[i].share().fits(group.epoch()).unwrap();
                assert_eq!(group.epoch().public_key(0), made.epoch().public_key(0));
            }
            key_stands(made.epoch(), &made.shares);
        }
        let stay: Vec<u8> = all.iter().copied().filter(|i| *i != LIAR).collect();
        let next = super::refresh::refreshed(&made, &stay, 3);
        key_stands(next.epoch(), &next.shares);
    }
}

fn refresh_proposed(made: &Made, session: &mut Session, stay: &[u8]) {
    super::refresh::proposed(made, session, stay);
}
