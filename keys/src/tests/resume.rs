//! Crashes at every step, repeated letters, lost ones, and copies of a folder.

use super::*;
use crate::request::Request;

/// Members forget everything but the log and the seed before every step, and letters arrive twice and in any
/// order: key generation ends as it did without that.
#[test]
fn every_step_can_be_repeated_after_a_crash() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&team, crate::dkg::session(&team.draft), 1);
    let mut sent: BTreeMap<(crate::Step, Index), Letter> = BTreeMap::new();
    for round in 0..8 {
        for i in 1..=3 {
            for _ in 0..2 {
                session.by(&team, i, |me, log, register| {
                    *log = Log::from_bytes(&log.to_bytes()).unwrap();
                    crate::dkg::advance(me, log, register).unwrap();
                });
            }
            for letter in session.0[&index(i)].log.letters().filter(|l| l.heading().from == index(i)) {
                let place = (letter.heading().step, letter.heading().from);
                let first = sent.entry(place).or_insert_with(|| letter.clone());
                assert_eq!(first, letter, "the same letter again, round {round}");
            }
        }
        session.deliver(&team, honest);
        session.deliver(&team, honest);
    }
    let ended = session.run(&team, honest, crate::dkg::advance);
    let groups: Vec<Group> = ended.into_values().map(|made| made.unwrap().group).collect();
    assert_eq!(groups[0], team.generate().group, "the same group as without crashes");
}

/// Letters are lost and come later: nobody is at fault, and everybody waits for exactly what is missing.
#[test]
fn lost_letters_are_waited_for() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&team, crate::dkg::session(&team.draft), 1);
    let lost = |letter: &Letter, to: Index| {
        (letter.heading().from != index(3) || to != index(1)).then(|| letter.clone())
    };
    let ended = session.run(&team, lost, crate::dkg::advance);
    assert!(ended.is_empty(), "{ended:?}");
    let awaits = session.by(&team, 1, crate::dkg::advance).unwrap();
    let Progress::Awaiting { step, from } = awaits else { panic!("complete") };
    assert_eq!((step, from), (crate::Step::Packages, vec![index(3)]));
    let ended = session.run(&team, honest, crate::dkg::advance);
    assert_eq!(ended.len(), 3);
}

/// A copy of a member's folder is restored after it signed, and asked to sign with another set: the register
/// has closed the session, so the nonces are not used twice.
#[test]
fn a_restored_copy_does_not_sign_with_the_same_nonces() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    sign::asked(&made, &mut session, &Request::Drill { time: 1 });
    let copy = session.clone();
    sign::run(&made, &mut session, honest);
    let register = session.0[&index(1)].register.clone();
    let chosen = session.0[&index(1)].log.get(crate::Step::Chosen, index(1)).unwrap().body().to_vec();
    assert_eq!(chosen, [2, 1, 2]);
    // The copy: the same seed and letters up to the choice; then members 1 and 3 are chosen.
    let mut again = copy;
    let wanted = [index(1), index(3)];
    let advance = |me: &Member<'_>, log: &mut Log, register: &mut MemoryRegister| {
        let holder = me.holding(made.epoch(), made.shares.get(&me.index()));
        crate::sign::advance(&holder, log, Some(&wanted), register)
    };
    let unguarded = again.clone().by(&made.team, 1, advance);
    assert!(unguarded.is_ok(), "with an empty register the copy would sign: {unguarded:?}");
    again.0.get_mut(&index(1)).unwrap().register = register;
    assert_eq!(again.by(&made.team, 1, advance), Err(Fault::Closed));
}

/// With the same letters again, the same share leaves.
#[test]
fn the_same_question_gets_the_same_answer() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    sign::asked(&made, &mut session, &Request::Drill { time: 1 });
    let (mut one, mut two) = (session.clone(), session);
    let signed =
        |session: &mut Session| sign::run(&made, session, honest)[&index(1)].as_ref().unwrap().signature;
    assert_eq!(signed(&mut one), signed(&mut two));
}
