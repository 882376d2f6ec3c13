//! A member is replaced, and one more is added: same key, new draft, repair, refresh.

use super::*;
use crate::{DraftError, Shares};
use refresh::{copy, refreshed};

/// The group after `key` took the place `at`, with the shares of those who had one.
fn succeeded(made: &Made, at: u8, identity: Identity) -> Made {
    let draft = made.team.draft.successor(index(at), identity.public(), &mut rng(8)).unwrap();
    let mut identities = copy(&made.team.identities);
    identities.truncate(draft.members().len());
    match identities.get_mut(usize::from(at) - 1) {
        Some(place) => *place = identity,
        None => identities.push(identity),
    }
    let team = Team { identities, draft };
    let mut session = Session::new(&team, crate::succession::session(&team.draft), 8);
    let ended = session.run(&team, honest, |me, log, _| crate::succession::advance(me, &made.group, log));
    let groups: Vec<Group> = ended.into_values().map(|end| end.unwrap()).collect();
    assert!(groups.len() == team.draft.members().len() && groups.iter().all(|g| *g == groups[0]));
    let keep = |(i, share): (&Index, &Share)| {
        (*i, Shares::new(share.clone()).succeed(made.epoch(), groups[0].epoch()).unwrap())
    };
    let shares = made.shares.iter().filter(|(i, _)| i.get() != at).map(keep).collect();
    Made { team, group: groups[0].clone(), shares }
}

#[test]
fn a_member_joins_by_repair_and_refresh() {
    for (at, n) in [(2, 3), (4, 4)] {
        let made = Made::new(Purpose::Vault, 2, 3);
        let mut next = succeeded(&made, at, Identity::random(&mut rng(4)));
        assert_eq!(next.epoch().public_key(0), made.epoch().public_key(0));
        assert_eq!(Group::from_bytes(&next.group.to_bytes()).as_ref(), Ok(&next.group));
        let mut session = Session::new(&next.team, Session::id(3), 3);
        repair::asked(&next, &mut session, at);
        let ended = repair::run(&next, &mut session, at, honest);
        next.shares.insert(index(at), repair::share(&ended, at));
        let all: Vec<u8> = (1..=n).collect();
        let last = refreshed(&next, &all, 4);
        assert_eq!((last.epoch().number(), last.shares.len()), (1, n.into()));
    }
}

#[test]
fn a_successor_changes_one_member_and_keeps_the_majority() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let key = || Identity::random(&mut rng(4)).public();
    let minority = DraftError::Minority { purpose: Purpose::Seal, t: 2, n: 4 };
    assert_eq!(team.draft.successor(index(4), key(), &mut rng(1)), Err(minority));
    assert_eq!(team.draft.successor(index(5), key(), &mut rng(1)), Err(DraftError::NotSuccessor));
    let twice = team.draft.successor(index(2), team.identity(index(1)).public(), &mut rng(1));
    assert!(twice.is_err(), "one key in two places");
    let one = team.draft.successor(index(2), key(), &mut rng(1)).unwrap();
    assert_eq!(one.changes(&team.draft), Ok(index(2)));
    let two = one.successor(index(3), Identity::random(&mut rng(5)).public(), &mut rng(1)).unwrap();
    assert_eq!(two.changes(&team.draft), Err(DraftError::NotSuccessor));
    assert_eq!(Draft::from_bytes(&two.to_bytes()), Ok(two));
}
