//! Refresh among honest members, against false ones, and what becomes of old shares.

use super::*;
use crate::refresh::{self, Prepared};
use crate::request::Request;
use crate::{ShareError, Shares, Step};

/// Member 1 proposes that these stay.
pub(crate) fn proposed(made: &Made, session: &mut Session, stay: &[u8]) {
    let stay: Vec<Index> = stay.iter().map(|i| index(*i)).collect();
    session.by(&made.team, 1, |me, log, _| refresh::propose(me, made.epoch(), log, &stay)).unwrap();
    session.deliver(&made.team, honest);
}

pub(crate) fn prepare(
    made: &Made,
    session: &mut Session,
    post: impl Fn(&Letter, Index) -> Option<Letter>,
) -> BTreeMap<Index, Result<Prepared, Fault>> {
    session.run(&made.team, post, |me, log, _| {
        refresh::prepare(&me.holding(made.epoch(), Some(&made.shares[&me.index()])), log)
    })
}

/// A whole refresh; the group of the next epoch with its shares.
pub(crate) fn refreshed(made: &Made, stay: &[u8], number: u8) -> Made {
    let out: Vec<u8> = made.team.draft.indexes().map(|i| i.get()).filter(|i| !stay.contains(i)).collect();
    let mut session = Session::new(&made.team, Session::id(number), number.into()).without(&out);
    proposed(made, &mut session, stay);
    let prepared: BTreeMap<Index, Prepared> =
        prepare(made, &mut session, honest).into_iter().map(|(i, p)| (i, p.unwrap())).collect();
    assert_eq!(prepared.len(), stay.len());
    let ended =
        session.run(&made.team, honest, |me, log, _| refresh::confirm(me, &prepared[&me.index()], log));
    let group = ended[&index(stay[0])].as_ref().unwrap().clone();
    assert!(ended.values().all(|end| end.as_ref() == Ok(&group)) && ended.len() == stay.len());
    let shares = prepared.into_iter().map(|(i, p)| (i, p.share().clone())).collect();
    let team = Team { identities: copy(&made.team.identities), draft: made.team.draft.clone() };
    Made { team, group, shares }
}

pub(crate) fn copy(identities: &[Identity]) -> Vec<Identity> {
    let again = |i: &Identity| Identity::from_secret_text(&i.to_secret_text());
    identities.iter().map(|i| again(i).unwrap()).collect()
}

#[test]
fn the_key_stays_and_every_share_changes() {
    for (purpose, t, n) in [(Purpose::Seal, 2, 3), (Purpose::Vault, 3, 5), (Purpose::Coin, 2, 3)] {
        let made = Made::new(purpose, t, n);
        let all: Vec<u8> = (1..=n).collect();
        let next = refreshed(&made, &all, 1);
        assert_eq!(next.epoch().number(), 1);
        for k in 0..made.epoch().key_count() {
            assert_eq!(next.epoch().public_key(k), made.epoch().public_key(k));
            for i in all.iter().map(|i| index(*i)) {
                let secrets = [&made, &next].map(|m| *m.shares[&i].secret(k).unwrap().expose());
                assert_ne!(secrets[0], secrets[1], "key {k}, member {i}");
            }
        }
        assert_eq!(Group::from_bytes(&next.group.to_bytes()).as_ref(), Ok(&next.group));
        let again = refreshed(&next, &all[..usize::from(t)], 2);
        assert_eq!(again.epoch().number(), 2);
    }
}

/// t − 1 old shares and a new one are worth nothing: refused by the machine, and useless as numbers.
#[test]
fn old_and_new_shares_do_not_mix() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let next = refreshed(&made, &[1, 2, 3], 1);
    assert_eq!(made.shares[&index(1)].fits(next.epoch()), Err(ShareError::OtherEpoch { share: 0, group: 1 }));
    let mut session = Session::new(&next.team, Session::id(2), 2);
    session.by(&next.team, 1, |me, log, _| {
        crate::sign::ask(me, next.epoch(), log, &Request::Drill { time: 1 }).unwrap();
        let asked = crate::sign::asked(next.epoch(), log).unwrap().unwrap();
        let old = &made.shares[&index(1)];
        assert_eq!(
            crate::sign::agree(&me.holding(next.epoch(), Some(old)), log, &asked),
            Err(Fault::OtherShare)
        );
        // A question at the old epoch is refused at the new one.
        assert!(matches!(crate::sign::asked(made.epoch(), log), Err(Fault::Differs { .. })));
    });
    let set = [1, 2];
    let value = |i: u8, m: &Made| {
        crate::curve::lagrange(&set, i, 0) * m.shares[&index(i)].secret(0).unwrap().expose()
    };
    let mixed = crate::curve::Secret::new(value(1, &made) + value(2, &next)).times_g();
    assert_ne!(Some(mixed.compress().to_bytes()), made.epoch().public_key(0));
}

/// A member that was left out has nothing, until it is repaired at the new epoch.
#[test]
fn who_was_left_out_is_repaired() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let next = refreshed(&made, &[1, 3], 1);
    let mut session = Session::new(&next.team, Session::id(3), 3);
    repair::asked(&next, &mut session, 2);
    let ended = repair::run(&next, &mut session, 2, honest);
    let share = repair::share(&ended, 2);
    share.fits(next.epoch()).unwrap();
    assert!(made.shares[&index(2)].fits(next.epoch()).is_err());
    // A refreshed and a repaired share sign together.
    let mut next = next;
    next.shares.insert(index(2), share);
    let mut session = Session::new(&next.team, Session::id(4), 4).without(&[3]);
    sign::asked(&next, &mut session, &Request::Header { chain: [7; 32], header: vec![1; 192] });
    let ended = sign::run(&next, &mut session, honest);
    assert!(ended[&index(1)].as_ref().unwrap().signature.is_some());
}

#[test]
fn a_false_value_names_its_sender() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    proposed(&made, &mut session, &[1, 2, 3]);
    let ended = prepare(&made, &mut session, |letter, _| {
        let lie = (letter.heading().step, letter.heading().from) == (Step::Renewed, index(2));
        Some(if lie {
            made.team.forge(letter, |_, parts| parts.values_mut().for_each(|part| part[0] ^= 1))
        } else {
            letter.clone()
        })
    });
    assert_eq!(faults(&ended), [(1, Fault::Share(index(2))), (3, Fault::Share(index(2)))].into());
}

/// Until all who stay have confirmed, nobody has a group of the new epoch, and old shares still sign.
#[test]
fn one_silent_member_leaves_the_old_epoch_in_force() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    proposed(&made, &mut session, &[1, 2, 3]);
    let prepared = prepare(&made, &mut session, honest);
    let silent = |letter: &Letter, _| {
        let last = (letter.heading().step, letter.heading().from) == (Step::Prepared, index(3));
        (!last).then(|| letter.clone())
    };
    let confirm = |me: &Member<'_>, log: &mut Log, _: &mut MemoryRegister| {
        refresh::confirm(me, prepared[&me.index()].as_ref().unwrap(), log)
    };
    let ended = session.run(&made.team, silent, confirm);
    assert_eq!(ended.keys().copied().collect::<Vec<_>>(), [index(3)], "only the silent one has all letters");
    let kept = Shares::new(made.shares[&index(1)].clone())
        .prepare(prepared[&index(1)].as_ref().unwrap().share().clone());
    let kept = Shares::from_bytes(&kept.to_bytes()).unwrap();
    // It holds both: each group says which counts.
    assert_eq!(kept.of(made.epoch()).unwrap().epoch(), 0);
    let next = ended[&index(3)].as_ref().unwrap();
    assert_eq!(kept.of(next.epoch()).unwrap().epoch(), 1);
    let committed = kept.commit(next.epoch()).unwrap();
    assert!(committed.of(made.epoch()).is_err(), "the old share is gone");
    let mut again = Session::new(&made.team, Session::id(2), 2);
    sign::asked(&made, &mut again, &Request::Drill { time: 2 });
    assert!(sign::run(&made, &mut again, honest).values().all(Result::is_ok));
}

#[test]
fn too_few_cannot_stay() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    let mut propose = |stay: &[u8]| {
        let stay: Vec<Index> = stay.iter().map(|i| index(*i)).collect();
        session.by(&made.team, 1, |me, log, _| refresh::propose(me, made.epoch(), log, &stay))
    };
    assert_eq!(propose(&[1]), Err(Fault::NoPart));
    assert_eq!(propose(&[1, 4]), Err(Fault::NoPart), "there is no member 4");
    assert_eq!(propose(&[2, 3]), Err(Fault::NoPart), "the proposer stays");
    assert_eq!(propose(&[3, 1, 1]), Ok(()));
}
