//! Liars inside the group: each lie names its member, nothing false leaves the group, and the others go on without it.

use crate::group_wallet::world::{World, identities, these};
use sotto_keys::{
    Fault, Letter, Step,
    member::{Context, Identity},
};
use sotto_wallet::group::GroupError;

/// The letter with another byte in its body, signed by its author.
fn forged(members: &[Identity], letter: &Letter, at: usize) -> Letter {
    let mut bytes = letter.to_bytes();
    // Prefix, group, session, step, sender, before; then the length of the body.
    let body = b"sotto keys letter v1".len() + 32 + 32 + 1 + 1 + 32 + 4;
    bytes[body + at] ^= 1;
    let text = bytes.len() - 64;
    let from = usize::from(letter.heading().from.get()) - 1;
    let context = Context::new("sotto keys letter v1");
    let signature = members[from].sign(context, &bytes[..text]);
    bytes[text..].copy_from_slice(&signature);
    Letter::from_bytes(&bytes).unwrap()
}

#[test]
fn every_false_answer_names_its_member_and_the_rest_goes_on() {
    let (mut world, members) = (World::new(3, 5), identities(5));
    // u, z, the opening, and the shares of possession and receipt.
    for part in 0..5 {
        let invite = world.invite(100_000);
        let request = world.wallet(0).receive(&invite, &these(&[1, 2, 3])).unwrap();
        let mut parties = world.open(0, &request);
        let ended = world.run(&mut parties, &|letter, _| {
            let lies = (letter.heading().step, letter.heading().from.get()) == (Step::Answered, 2);
            Some(if lies { forged(&members, letter, 32 * part) } else { letter.clone() })
        });
        for (i, end) in ended.iter().enumerate().filter(|(i, _)| *i != 1) {
            let Err(GroupError::Keys(fault)) = end else { panic!("member {}: {end:?}", i + 1) };
            assert_eq!(fault.member().map(sotto_keys::Index::get), Some(2), "part {part}");
        }
        let twice = world.wallet(0).check(&request);
        assert!(matches!(twice, Err(GroupError::KeyUsed(_))), "its keys are burnt: {twice:?}");
    }
    world.receive(200_000, &these(&[1, 3, 4]));
    assert_eq!(world.scan(), 200_000);
}

/// Two sessions for the same keys, planned by a liar who tells each half of the group of one.
#[test]
fn no_key_makes_two_outputs() {
    let mut world = World::new(2, 3);
    let (first, second) = (world.invite(100_000), world.invite(200_000));
    let with = these(&[1, 2]);
    let request = world.wallet(0).receive(&first, &with).unwrap();
    let mut other = world.wallet(0).receive(&second, &with).unwrap();
    assert_eq!(request.plan().fresh, other.plan().fresh);
    let mut parties = world.open(0, &request);
    let mut later = world.open(0, &other);
    assert!(
        world.run(&mut parties, &crate::group_wallet::honest).iter().all(|end| matches!(end, Ok(Some(_))))
    );
    // Member 2 has its list, and refuses; with its list lost, its register refuses.
    let refused = world.run(&mut later, &crate::group_wallet::honest);
    assert!(matches!(refused[1], Err(GroupError::KeyUsed(_))), "{:?}", refused[1]);
    world.members.iter_mut().for_each(|m| m.book = sotto_wallet::group::GroupBook::default());
    let refused = world.run(&mut later, &crate::group_wallet::honest);
    let burnt = |end: &Result<_, GroupError>| matches!(end, Err(GroupError::Keys(Fault::KeyUsed(_))));
    assert!(burnt(&refused[1]) && burnt(&refused[0]), "{refused:?}");
    // Nor can a liar have member 3 answer for a key of members 1 and 2: the plan says who answers.
    other = world.wallet(2).receive(&second, &with).unwrap();
    let asked = world.open(2, &other);
    let set = world.wallet(2).asked(&asked[2].log).unwrap().unwrap();
    assert_eq!(set.set(), with);
}
