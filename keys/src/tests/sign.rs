//! Signing among honest members, and against each attack.

use super::*;
use crate::request::Request;
use crate::sign::{self, Answered};
use crate::signing::verifies;
use crate::{Step, request};

/// A session in which member 1 asks, and everybody who takes part agrees.
pub(crate) fn asked(made: &Made, session: &mut Session, request: &Request) {
    asked_by_post(made, session, request, honest);
}

/// The same, with letters as `post` lets them through.
pub(crate) fn asked_by_post(
    made: &Made,
    session: &mut Session,
    request: &Request,
    post: impl Fn(&Letter, Index) -> Option<Letter>,
) {
    session.by(&made.team, 1, |me, log, _| sign::ask(me, made.epoch(), log, request)).unwrap();
    session.deliver(&made.team, &post);
    let members: Vec<u8> = session.0.keys().map(|i| i.get()).collect();
    for i in members {
        agree(made, session, i).unwrap();
    }
    session.deliver(&made.team, &post);
}

fn agree(made: &Made, session: &mut Session, i: u8) -> Result<(), Fault> {
    let share = &made.shares[&index(i)];
    session.by(&made.team, i, |me, log, _| {
        let asked = sign::asked(made.epoch(), log)?.ok_or(Fault::NoPart)?;
        sign::agree(&me.holding(made.epoch(), Some(share)), log, &asked)
    })
}

pub(crate) fn run(
    made: &Made,
    session: &mut Session,
    post: impl Fn(&Letter, Index) -> Option<Letter>,
) -> BTreeMap<Index, Result<Answered, Fault>> {
    session.run(&made.team, post, |me, log, register| {
        sign::advance(&me.holding(made.epoch(), made.shares.get(&me.index())), log, None, register)
    })
}

fn header() -> Request {
    Request::Header { chain: [7; 32], header: vec![5; 192] }
}

#[test]
fn any_t_members_sign_and_the_signature_is_an_ordinary_one() {
    let made = Made::new(Purpose::Seal, 3, 5);
    let vote = request::Vote { phase: request::Phase::Prevote, height: 4, round: 0, header: Some([1; 32]) };
    for (number, out, request) in [
        (1, vec![], header()),
        (2, vec![2, 4], Request::Vote { chain: [7; 32], vote }),
        (3, vec![5], Request::Drill { time: 9 }),
    ] {
        let mut session = Session::new(&made.team, Session::id(number), number.into()).without(&out);
        asked(&made, &mut session, &request);
        let ended = run(&made, &mut session, honest);
        assert_eq!(ended.len(), session.0.len(), "everybody sees the signature");
        let message = request.message(made.epoch(), &Session::id(number));
        for answered in ended.values() {
            let signature = answered.as_ref().unwrap().signature.unwrap();
            assert!(verifies(&made.epoch().public_key(0).unwrap(), &message, &signature));
            assert!(!verifies(&made.epoch().public_key(0).unwrap(), b"another message", &signature));
        }
    }
}

#[test]
fn fewer_than_t_wait() {
    let made = Made::new(Purpose::Seal, 3, 5);
    let mut session = Session::new(&made.team, Session::id(1), 1).without(&[2, 3, 4]);
    asked(&made, &mut session, &header());
    assert!(run(&made, &mut session, honest).is_empty());
    let awaits = session.by(&made.team, 1, |me, log, register| {
        sign::advance(&me.holding(made.epoch(), None), log, None, register)
    });
    let from = vec![index(2), index(3), index(4)];
    assert_eq!(awaits, Ok(Progress::Awaiting { step: Step::Committed, from }));
}

#[test]
fn a_false_share_names_its_member() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1).without(&[3]);
    asked(&made, &mut session, &header());
    let ended = run(&made, &mut session, |letter, _| {
        let lie = (letter.heading().step, letter.heading().from) == (Step::Signed, index(2));
        Some(if lie { made.team.forge(letter, |body, _| body[0] ^= 1) } else { letter.clone() })
    });
    assert_eq!(ended[&index(1)], Err(Fault::SignatureShare(index(2))));
}

/// Whoever asks in somebody else's session ends it, and puts the blame on nobody.
#[test]
fn a_second_question_in_a_session_blames_nobody() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&made.team, Session::id(1), 1);
    for i in [3, 1] {
        session.by(&made.team, i, |me, log, _| sign::ask(me, made.epoch(), log, &header())).unwrap();
    }
    session.deliver(&made.team, honest);
    assert_eq!(agree(&made, &mut session, 2), Err(Fault::AskedTwice));
    assert_eq!(Fault::AskedTwice.member(), None);
}

/// The purpose binds: a group for coins does not seal, one for audits signs nothing and proves its drill.
#[test]
fn a_key_serves_its_purpose_alone() {
    for purpose in [Purpose::Coin, Purpose::Audit, Purpose::Vault] {
        let made = Made::new(purpose, 2, 3);
        let mut session = Session::new(&made.team, Session::id(1), 1);
        let refused = session.by(&made.team, 1, |me, log, _| sign::ask(me, made.epoch(), log, &header()));
        assert_eq!(refused, Err(Fault::Request(index(1))));
        // A member that writes the letter all the same is named by everyone.
        session.by(&made.team, 1, |me, log, _| {
            sign::ask(me, made.epoch(), log, &Request::Drill { time: 1 }).unwrap();
        });
        let asks = session.0[&index(1)].log.latest(index(1)).unwrap().clone();
        let lie = made.team.forge(&asks, |body, _| *body = header().to_bytes());
        session.0.get_mut(&index(2)).unwrap().log.take(lie, &made.team.draft).unwrap();
        assert_eq!(agree(&made, &mut session, 2), Err(Fault::Request(index(1))));
    }
    let made = Made::new(Purpose::Vault, 2, 3);
    let mut session = Session::new(&made.team, Session::id(2), 2).without(&[1]);
    session
        .by(&made.team, 2, |me, log, _| sign::ask(me, made.epoch(), log, &Request::Drill { time: 1 }))
        .unwrap();
    session.deliver(&made.team, honest);
    let _ = [2, 3].map(|i| agree(&made, &mut session, i).unwrap());
    session.deliver(&made.team, honest);
    let ended = run(&made, &mut session, honest);
    let answered = ended[&index(2)].as_ref().unwrap();
    assert_eq!((answered.signature, &answered.members), (None, &vec![index(2), index(3)]));
    let ended = run(&made, &mut session.clone(), |letter, _| Some(letter.clone()));
    assert_eq!(ended.len(), 2);
}

#[test]
fn a_false_partial_names_its_member() {
    let made = Made::new(Purpose::Audit, 2, 3);
    let mut session = Session::new(&made.team, Session::id(2), 2);
    session
        .by(&made.team, 1, |me, log, _| sign::ask(me, made.epoch(), log, &Request::Drill { time: 1 }))
        .unwrap();
    session.deliver(&made.team, honest);
    let _ = [1, 2].map(|i| agree(&made, &mut session, i).unwrap());
    let post = |letter: &Letter, _| {
        let lie = (letter.heading().step, letter.heading().from) == (Step::Signed, index(2));
        Some(if lie { made.team.forge(letter, |body, _| body[96] ^= 1) } else { letter.clone() })
    };
    session.deliver(&made.team, post);
    assert_eq!(run(&made, &mut session, post)[&index(1)], Err(Fault::SignatureShare(index(2))));
}
