//! Repair among honest members, and against false helpers.

use super::*;
use crate::repair::{self, AuthoriseError, Repaired};
use crate::{Step, Taken};

/// Member `lost` asks, and the helpers that take part agree.
pub(crate) fn asked(made: &Made, session: &mut Session, lost: u8) {
    session.by(&made.team, lost, |me, log, _| repair::ask(me, made.epoch(), log)).unwrap();
    session.deliver(&made.team, honest);
    let fingerprint = made.team.identity(index(lost)).public().fingerprint();
    let helpers: Vec<u8> = session.0.keys().map(|i| i.get()).filter(|i| *i != lost).collect();
    for i in helpers {
        authorise(made, session, i, &fingerprint).unwrap();
    }
    session.deliver(&made.team, honest);
}

fn authorise(made: &Made, session: &mut Session, i: u8, typed: &str) -> Result<(), AuthoriseError> {
    let share = &made.shares[&index(i)];
    session
        .by(&made.team, i, |me, log, _| repair::authorise(&me.holding(made.epoch(), Some(share)), log, typed))
}

/// Runs a repair of `lost`, who has no share.
pub(crate) fn run(
    made: &Made,
    session: &mut Session,
    lost: u8,
    post: impl Fn(&Letter, Index) -> Option<Letter>,
) -> BTreeMap<Index, Result<Repaired, Fault>> {
    session.run(&made.team, post, |me, log, _| {
        let share = made.shares.get(&me.index()).filter(|_| me.index() != index(lost));
        repair::advance(&me.holding(made.epoch(), share), log)
    })
}

pub(crate) fn share(ended: &BTreeMap<Index, Result<Repaired, Fault>>, lost: u8) -> Share {
    match &ended[&index(lost)] {
        Ok(Repaired::Share(share)) => share.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_share_comes_back_as_it_was() {
    for (purpose, t, n, lost) in
        [(Purpose::Seal, 2, 3, 2), (Purpose::Seal, 3, 5, 5), (Purpose::Coin, 2, 3, 1)]
    {
        let made = Made::new(purpose, t, n);
        let mut session = Session::new(&made.team, Session::id(1), 1);
        asked(&made, &mut session, lost);
        let ended = run(&made, &mut session, lost, honest);
        assert_eq!(ended.len(), usize::from(n), "{:?}", faults(&ended));
        let old = &made.shares[&index(lost)];
        let scalars = |s: &Share| s.secrets().iter().map(|s| *s.expose()).collect::<Vec<_>>();
        assert_eq!(scalars(&share(&ended, lost)), scalars(old));
    }
}

/// The fingerprint is typed: that of another key is refused, and so is a share of oneself.
#[test]
fn helpers_type_the_fingerprint_of_the_key_that_asks() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    session.by(&made.team, 3, |me, log, _| repair::ask(me, made.epoch(), log)).unwrap();
    session.deliver(&made.team, honest);
    let others = made.team.identity(index(2)).public().fingerprint();
    assert_eq!(authorise(&made, &mut session, 1, &others), Err(AuthoriseError::Fingerprint(index(3))));
    let right = made.team.identity(index(3)).public().fingerprint();
    assert_eq!(authorise(&made, &mut session, 3, &right), Err(AuthoriseError::Fault(Fault::NoPart)));
    authorise(&made, &mut session, 1, &format!(" {right}\n")).unwrap();
}

/// Every false delta and sigma, in the clear and encrypted, is noticed and named.
#[test]
fn false_helpers_are_named() {
    let made = Made::new(Purpose::Seal, 3, 5);
    type Lie = fn(&mut Vec<u8>, &mut BTreeMap<Index, Zeroizing<Vec<u8>>>);
    let commitment: Lie = |body, _| {
        // A point of somebody else's: well-formed, but the sum is another.
        let g = curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED;
        body[..32].copy_from_slice(g.as_bytes());
    };
    let part: Lie = |_, parts| parts.values_mut().for_each(|part| part[0] ^= 1);
    for (step, lie, fault) in [
        (Step::Deltas, commitment, Fault::Delta(index(2))),
        (Step::Deltas, part, Fault::Delta(index(2))),
        (Step::Sigmas, part, Fault::Sigma(index(2))),
    ] {
        let mut session = Session::new(&made.team, Session::id(1), 1).without(&[5]);
        asked(&made, &mut session, 4);
        let ended = run(&made, &mut session, 4, |letter, _| {
            let lies = (letter.heading().step, letter.heading().from) == (step, index(2));
            Some(if lies { made.team.forge(letter, lie) } else { letter.clone() })
        });
        let named = faults(&ended);
        // Whoever saw only what the false helper did next, holds other letters than it.
        let differs = |f: &Fault| matches!(f, Fault::Differs { member, .. } if *member == index(2));
        assert!(named.iter().all(|(i, f)| *i == 2 || *f == fault || differs(f)), "{step}: {named:?}");
        assert!(named.values().any(|f| *f == fault), "{step}: {named:?}");
        assert!(!matches!(ended.get(&index(4)), Some(Ok(_))), "{step}");
    }
}

/// A helper whose part is consistent but not its own share: `Σ_j Δ_ij = ζ_i·Y_i` fails.
#[test]
fn a_helper_cannot_put_another_secret_in() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    asked(&made, &mut session, 3);
    // Member 2 helps with a share that it made up: every check of its own letters holds.
    let mut made_up = made.shares[&index(2)].clone();
    made_up.set_secret(0, crate::curve::Secret::random(&mut rng(5)));
    let ended = session.run(&made.team, honest, |me, log, _| {
        let share = if me.index() == index(2) { Some(&made_up) } else { made.shares.get(&me.index()) };
        let share = share.filter(|_| me.index() != index(3));
        repair::advance(&me.holding(made.epoch(), share), log)
    });
    assert!(!matches!(ended.get(&index(3)), Some(Ok(_))));
    assert_eq!(ended[&index(2)].as_ref().err(), Some(&Fault::OtherShare), "its own program refuses");
}

/// Two kinds of `Helpers`: whoever asks for its share tells all the same, or is shown up.
#[test]
fn the_one_who_asks_names_one_set_of_helpers() {
    let made = Made::new(Purpose::Vault, 2, 4);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    asked(&made, &mut session, 4);
    run(&made, &mut session, 4, honest);
    let helpers = session.0[&index(4)].log.get(Step::Helpers, index(4)).unwrap().clone();
    let other = made.team.forge(&helpers, |body, _| *body = vec![2, 2, 3]);
    let two = session.0.get_mut(&index(2)).unwrap();
    assert_eq!(two.log.take(other, &made.team.draft), Ok(Taken::Contradicts));
    let ended = session.by(&made.team, 2, |me, log, _| {
        repair::advance(&me.holding(made.epoch(), made.shares.get(&index(2))), log).map(|_| ())
    });
    assert_eq!(ended, Err(Fault::Equivocation(index(4))));
}
