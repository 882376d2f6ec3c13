//! Key generation among honest members, and against each attack.

use super::*;
use crate::Step;
use crate::curve::lagrange;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::{RistrettoPoint, constants::RISTRETTO_BASEPOINT_POINT as G};

fn advance(
    me: &Member<'_>,
    log: &mut Log,
    register: &mut MemoryRegister,
) -> Result<Progress<Generated>, Fault> {
    crate::dkg::advance(me, log, register)
}

/// Runs key generation with this post.
fn generate(
    team: &Team,
    post: impl Fn(&Letter, Index) -> Option<Letter>,
) -> BTreeMap<Index, Result<Generated, Fault>> {
    Session::new(team, crate::dkg::session(&team.draft), 1).run(team, post, advance)
}

#[test]
fn any_t_shares_make_the_key_and_fewer_do_not() {
    for (purpose, t, n) in
        [(Purpose::Seal, 2, 2), (Purpose::Seal, 3, 4), (Purpose::Vault, 2, 5), (Purpose::Audit, 3, 5)]
    {
        let made = Made::new(purpose, t, n);
        let x = made.epoch().public_key(0).unwrap();
        let secret = |set: &[u8]| -> Scalar {
            set.iter()
                .map(|i| lagrange(set, *i, 0) * made.shares[&index(*i)].secret(0).unwrap().expose())
                .sum()
        };
        let last: Vec<u8> = (n - t + 1..=n).collect();
        for set in [(1..=t).collect(), last] {
            assert_eq!((G * secret(&set)).compress().to_bytes(), x, "{t} of {n}, {set:?}");
        }
        let few: Vec<u8> = (1..t).collect();
        assert_ne!((G * secret(&few)).compress().to_bytes(), x);
        assert_eq!(Group::from_bytes(&made.group.to_bytes()).as_ref(), Ok(&made.group));
    }
}

/// A pool has 256 keys, all different, from one set of letters.
#[test]
fn a_pool_has_256_keys() {
    let made = Made::new(Purpose::Coin, 2, 3);
    let keys: std::collections::BTreeSet<_> = (0..256).map(|k| made.epoch().public_key(k).unwrap()).collect();
    assert_eq!((keys.len(), made.epoch().public_key(256)), (256, None));
    made.shares.values().for_each(|share| share.fits(made.epoch()).unwrap());
    let letter = made.group.to_bytes().len();
    assert!(letter < 256 << 10, "{letter}");
}

/// Member 3 waits for the others and chooses A_3 = Y − A_1 − A_2 for a Y of its own: without the proof of
/// knowledge, the sum would be Y.
#[test]
fn a_rogue_key_has_no_proof() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let y = G * Scalar::from(5u8);
    let ended = generate(&team, |letter, _| {
        let rogue = letter.heading().step == Step::Packages && letter.heading().from == index(3);
        Some(if rogue {
            team.forge(letter, |body, _| {
                let a: RistrettoPoint =
                    curve25519_dalek::ristretto::CompressedRistretto(*body.first_chunk().unwrap())
                        .decompress()
                        .unwrap();
                body[..32].copy_from_slice((y - a).compress().as_bytes());
            })
        } else {
            letter.clone()
        })
    });
    assert_eq!(faults(&ended), [(1, Fault::Proof(index(3))), (2, Fault::Proof(index(3)))].into());
}

#[test]
fn a_false_share_names_its_sender() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let ended = generate(&team, |letter, to| {
        let to_one = (letter.heading().step, letter.heading().from, to) == (Step::Shares, index(2), index(1));
        Some(if to_one {
            team.forge(letter, |_, parts| parts.get_mut(&index(1)).unwrap()[0] ^= 1)
        } else {
            letter.clone()
        })
    });
    assert_eq!(faults(&ended).get(&1), Some(&Fault::Share(index(2))));
}

/// Member 1 tells members 2 and 3 different packages. Neither goes on; once they compare, both can show it.
#[test]
fn a_split_broadcast_stops_everybody_and_leaves_evidence() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let mut session = Session::new(&team, crate::dkg::session(&team.draft), 1);
    let mut other = Session::new(&team, crate::dkg::session(&team.draft), 2);
    other.by(&team, 1, advance).unwrap();
    let second = other.0[&index(1)].log.latest(index(1)).unwrap().clone();
    let split = |letter: &Letter, to: Index| {
        let lie = (letter.heading().step, letter.heading().from, to) == (Step::Packages, index(1), index(3));
        Some(if lie { second.clone() } else { letter.clone() })
    };
    let ended = session.run(&team, split, advance);
    assert_eq!(ended.len(), 3);
    assert!(ended.values().all(|end| matches!(end, Err(Fault::Differs { .. }))), "{ended:?}");
    // Member 2 shows member 3 what it was told.
    let shown = session.0[&index(2)].log.get(Step::Packages, index(1)).unwrap().clone();
    let three = session.0.get_mut(&index(3)).unwrap();
    assert_eq!(three.log.take(shown.clone(), &team.draft), Ok(crate::Taken::Contradicts));
    let evidence = three.log.evidence().next().unwrap().clone();
    assert_eq!((evidence.member(), evidence.holds(&team.draft)), (index(1), true));
    assert_eq!(crate::Evidence::from_bytes(&evidence.to_bytes()), Ok(evidence));
    let ended = session.by(&team, 3, advance);
    assert_eq!(ended.err(), Some(Fault::Equivocation(index(1))));
    assert!(crate::Evidence::new(shown.clone(), shown).is_none(), "the same letter twice is no evidence");
}

/// A member that confirms other keys, or fails in the drill, ends key generation by name.
#[test]
fn other_keys_and_failed_drills_are_named() {
    for purpose in [Purpose::Seal, Purpose::Vault] {
        for (step, fault) in
            [(Step::Confirmed, Fault::OtherKeys(index(3))), (Step::Drilled, Fault::SignatureShare(index(3)))]
        {
            let team = Team::new(purpose, 2, 3);
            let ended = generate(&team, |letter, _| {
                let lie = (letter.heading().step, letter.heading().from) == (step, index(3));
                // The last byte of a scalar stays small, so that the body is still well-formed.
                Some(if lie { team.forge(letter, |body, _| flip(body, step)) } else { letter.clone() })
            });
            assert_eq!(faults(&ended).get(&1), Some(&fault), "{purpose} {step}");
        }
    }
}

/// Alters the hash at the beginning, or the scalar at the end.
fn flip(body: &mut [u8], step: Step) {
    let at = if step == Step::Confirmed { 0 } else { body.len() - 32 };
    body[at] ^= 1;
}

/// A group file is the members' word: without one of their letters, or with another key, it is refused.
#[test]
fn a_group_needs_the_signatures_of_all_members() {
    let made = Made::new(Purpose::Seal, 2, 3);
    let bytes = made.group.to_bytes();
    for at in (0..bytes.len()).step_by(61) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        // The dates of drills at the end are this installation's own.
        let accepted = Group::from_bytes(&altered).is_ok();
        assert_eq!(accepted, at >= bytes.len() - 24, "byte {at} of {}", bytes.len());
    }
    let other = Made::new(Purpose::Seal, 3, 4);
    let letters = |made: &Made| made.group.letters().to_vec();
    assert!(Group::new(made.epoch().clone(), letters(&made)[..2].to_vec()).is_none(), "two of three letters");
    assert!(Group::new(made.epoch().clone(), letters(&other)).is_none(), "letters of another group");
}
