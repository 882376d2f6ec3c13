//! A group that seals: rounds, members that crash or lie, and what nobody signs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

#[path = "../support/group.rs"]
#[allow(dead_code)]
mod group;
mod nodes;
#[path = "../node/test_chain.rs"]
#[allow(dead_code)]
mod test_chain;
mod world;

use core::time::Duration;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng},
};
use sotto_keys::{
    Fault, Hash as KeyHash, Letter, Log, Member, Seed, Step, request::Request, sealed::SealRecord, sign,
};
use sotto_mw::{codec::Encode as _, rules::Proposal};
use sotto_node::{
    council::{CouncilNote, Said},
    sealing::SealEvent,
};
use sotto_party::Context;
use world::{World, everything, index};

/// Blocks are those of one operator: whoever follows needs to know nothing of the group.
#[test]
fn any_t_members_seal_and_a_follower_sees_one_operator() {
    let mut world = World::new(2, 3, 1);
    world.goes_on(6);
    world.kill(1);
    world.goes_on(4);
    world.kill(3);
    let stopped = world.height();
    world.run(120, &mut everything);
    assert_eq!(world.height(), stopped, "one member alone seals nothing");
    world.start(3);
    world.goes_on(4);
    world.start(1);
    world.goes_on(4);
    let audit = world.follower.audit(|_, _| {}).unwrap();
    assert_eq!(audit.height.get(), world.height());
    assert!(world.notes.iter().all(|(_, note)| matches!(note, CouncilNote::Silent(_))), "{:?}", world.notes);
}

/// A letter of a member that does what it likes: another byte, counted from the start of the body.
fn forge(by: u8, letter: &Letter, at: isize) -> Letter {
    // The body begins after prefix, group, session, step, sender, before and its length.
    let mut bytes = letter.to_bytes();
    let signed = bytes.len() - 64;
    let body = signed - 1 - letter.body().len();
    bytes[body.checked_add_signed(at).unwrap()] ^= 1;
    let context = Context::new("sotto keys letter v1");
    let signature = World::identity(by).sign(context, &bytes[..signed]);
    bytes[signed..].copy_from_slice(&signature);
    Letter::from_bytes(&bytes).unwrap()
}

/// Member 2 sends a false share: it is named, left out, and the others seal without it.
#[test]
fn a_false_share_is_named_and_left_out() {
    let mut world = World::new(2, 3, 2);
    let mut lie = |from: u8, _: u8, said: &Said| match said {
        Said::Letter(letter) if from == 2 && letter.heading().step == Step::Signed => {
            Some(Said::Letter(forge(2, letter, 0)))
        }
        said => Some(said.clone()),
    };
    world.run(240, &mut lie);
    let fault = Fault::SignatureShare(index(2));
    for honest in [1, 3] {
        let named = (honest, CouncilNote::LeftOut { member: index(2), fault });
        assert!(world.notes.contains(&named), "{:?}", world.notes);
    }
    assert!(world.height() >= 6, "{}", world.height());
    world.never_twice();
}

/// Member 2 answers to a choice that nobody made: who is to blame is open, so it is passed over.
#[test]
fn an_answer_to_another_choice_stops_nobody() {
    const BEFORE: isize = -4 - 32;
    let mut world = World::new(2, 3, 10);
    let mut lie = |from: u8, _: u8, said: &Said| match said {
        Said::Letter(letter) if from == 2 && letter.heading().step == Step::Signed => {
            Some(Said::Letter(forge(2, letter, BEFORE)))
        }
        said => Some(said.clone()),
    };
    world.run(240, &mut lie);
    let fault = Fault::Differs { member: index(2), step: Step::Signed };
    assert!(world.notes.contains(&(1, CouncilNote::Failed(fault))), "{:?}", world.notes);
    assert!(world.notes.iter().all(|(_, note)| !matches!(note, CouncilNote::LeftOut { .. })));
    assert!(world.height() >= 30, "{}", world.height());
    world.never_twice();
}

/// Member 2 agrees to everything and never signs: it is passed over, so that only its own turns are late.
#[test]
fn a_silent_member_is_passed_over() {
    let mut world = World::new(2, 3, 9);
    let mut silence = |from: u8, _: u8, said: &Said| {
        let signs = matches!(said, Said::Letter(letter) if letter.heading().step == Step::Signed);
        (from != 2 || !signs).then(|| said.clone())
    };
    world.run(240, &mut silence);
    assert!(world.height() >= 24, "{}", world.height());
    world.never_twice();
    // The others cannot do without it now.
    world.kill(3);
    world.goes_on(3);
}

/// The letter of a member that asks for a block in this session, whatever the block and whosever the session is.
fn asks(world: &World, (by, session): (u8, u8), proposal: &Proposal) -> Letter {
    let (epoch, identity) = (world.group.epoch(), World::identity(by));
    let mut log = Log::new(epoch.group(), KeyHash::from_bytes([session; 32]));
    let seed = Seed::from_bytes([by; 32]);
    let me = Member::new(epoch.draft(), &identity, &seed).unwrap();
    let chain = *world.test_chain.chain.id().as_bytes();
    let request = Request::Header { chain, header: proposal.header.to_bytes() };
    sign::ask(&me, epoch, &mut log, &request).unwrap();
    log.latest(index(by)).unwrap().clone()
}

/// What a member says that asks for a block.
fn ask(world: &World, by: u8, proposal: Proposal) -> Said {
    Said::Ask { bound: false, letter: asks(world, (by, by), &proposal), proposal }
}

/// Nobody answers to a block that breaks a rule, that is from the future, or whose body was exchanged.
#[test]
fn nobody_signs_what_the_rules_refuse() {
    let mut world = World::new(2, 3, 3);
    world.goes_on(1);
    let before = world.height();
    let mut silence = |_: u8, _: u8, said: &Said| -> Option<Said> { panic!("said {said:?}") };
    let greedy = world.draft(1, 1);
    let said = ask(&world, 1, greedy);
    world.happen(2, SealEvent::Heard(said), &mut silence);
    assert_eq!(world.notes.pop(), Some((2, CouncilNote::BrokenRule { member: index(1), rule: "MW-R15" })));

    let mut early = world.draft(1, 0);
    early.header.time += 100 + world.now.as_secs();
    let said = ask(&world, 1, early);
    world.happen(3, SealEvent::Heard(said), &mut silence);
    assert_eq!(world.notes.pop(), Some((3, CouncilNote::FromTheFuture { member: index(1) })));

    // Exchanged on its way: nothing against the one who asked, and no answer.
    let (one, two) = (world.draft(1, 0), world.draft(1, 0));
    let Said::Ask { bound, letter, mut proposal } = ask(&world, 1, one) else { panic!("no question") };
    proposal.body = two.body;
    world.happen(3, SealEvent::Heard(Said::Ask { bound, letter, proposal }), &mut silence);
    assert_eq!(world.notes, []);

    // A letter of somebody else, or for another header.
    let (one, two) = (world.draft(1, 0), world.draft(1, 0));
    let Said::Ask { bound, letter, .. } = ask(&world, 1, one) else { panic!("no question") };
    let said = Said::Ask { bound, letter, proposal: two };
    world.happen(3, SealEvent::Heard(said), &mut silence);
    assert_eq!(world.notes.pop(), Some((3, CouncilNote::Failed(Fault::Request(index(1))))));
    assert_eq!(world.height(), before);
    world.goes_on(3);
}

/// A member whose share has left is bound: it signs no other block of the height, also after a crash, and shows
/// the one that it is bound to.
#[test]
fn a_bound_member_shows_its_block_again_after_a_crash() {
    let mut world = World::new(2, 3, 4);
    world.goes_on(1);
    // No share reaches anybody: the first two who were chosen are bound, and there is no seal.
    let mut asked = Vec::new();
    let mut lose = |_: u8, _: u8, said: &Said| match said {
        Said::Letter(letter) if letter.heading().step == Step::Signed => None,
        Said::Ask { proposal, .. } => {
            asked.push(proposal.header.clone());
            Some(said.clone())
        }
        said => Some(said.clone()),
    };
    let before = world.height();
    world.run(40, &mut lose);
    assert_eq!(world.height(), before, "nothing was sealed");
    for crashes in [[1, 2, 3], [3, 2, 1]] {
        crashes.iter().for_each(|i| world.kill(*i));
        crashes.iter().for_each(|i| world.start(*i));
        world.run(20, &mut |_, _, _| None);
    }
    world.goes_on(3);
    let first = asked.first().unwrap();
    assert_eq!(world.sealed[&first.height], [first.hash()], "what they were bound to, and nothing else");
}

/// A share that was repaired waits for a block after that, because nobody knows what the lost one sealed.
#[test]
fn a_repaired_share_waits_for_a_block_after_the_repair() {
    let mut world = World::new(2, 3, 5);
    world.goes_on(2);
    world.kill(3);
    world.kill(2);
    let since = 1_000 + world.now.as_secs();
    world.machine(2).disk.put(SealRecord::repaired(KeyHash::from_bytes([9; 32]), since));
    world.start(2);
    let before = world.height();
    world.run(240, &mut everything);
    assert_eq!(world.height(), before, "member 1 alone");
    assert!(world.notes.iter().any(|(i, note)| *i == 2 && matches!(note, CouncilNote::NotBound(_))));
    world.start(3);
    world.goes_on(3);
    world.kill(3);
    world.goes_on(3);
}

/// A liar who asks the same before and after a crash gets two answers: that proves nothing against who gave them.
#[test]
fn two_answers_to_one_question_leave_nobody_out() {
    let mut world = World::new(2, 3, 6);
    world.goes_on(1);
    let proposal = world.draft(1, 0);
    let asked = ask(&world, 1, proposal);
    let mut answers = Vec::new();
    for _ in 0..2 {
        world.kill(2);
        world.start(2);
        world.happen(2, SealEvent::Heard(asked.clone()), &mut |_, to, said| {
            answers.extend((to == 3).then(|| said.clone()));
            None
        });
    }
    assert_eq!(answers.len(), 2);
    for said in [asked].into_iter().chain(answers) {
        world.happen(3, SealEvent::Heard(said), &mut |_, _, _| None);
    }
    assert_eq!(world.notes.pop(), Some((3, CouncilNote::Failed(Fault::Equivocation(index(2))))));
    world.kill(1);
    world.goes_on(3);
}

/// Nor does it leave anybody out, or end a round, that somebody asks in the session of another member.
#[test]
fn a_second_question_in_a_session_changes_nothing() {
    let mut world = World::new(2, 3, 7);
    world.goes_on(1);
    let (ours, theirs) = (world.draft(2, 0), world.draft(1, 0));
    let asked = ask(&world, 2, ours);
    let second = Said::Letter(asks(&world, (1, 2), &theirs));
    for said in [asked, second] {
        world.happen(3, SealEvent::Heard(said), &mut |_, _, _| None);
    }
    assert_eq!(world.notes, []);
    world.kill(1);
    world.goes_on(3);
}

/// What a member says is counted before it is decoded, and no other one pays for it.
#[test]
fn a_member_says_so_much_in_a_while() {
    let mut world = World::new(2, 3, 8);
    let engine = world.machine(1).engine.as_mut().unwrap();
    let mut said = |member, seconds| {
        let now = Duration::from_secs(seconds);
        (0..64).filter(|_| engine.admits(index(member), 1 << 20, now)).count()
    };
    assert_eq!([said(2, 0), said(2, 0), said(3, 0)], [15, 0, 15]);
    assert_eq!(said(2, 20), 10);
}

/// Whatever bytes come: they are refused, or are those of the one encoding of what they say.
#[test]
fn what_is_said_has_one_encoding() {
    let mut world = World::new(2, 3, 11);
    let proposal = world.draft(1, 0);
    let letter = asks(&world, (1, 1), &proposal);
    for said in [Said::Ask { bound: true, letter: letter.clone(), proposal }, Said::Letter(letter)] {
        let bytes = said.to_bytes();
        let again = |bytes: &[u8]| Said::from_bytes(bytes).map(|said| said.to_bytes());
        assert_eq!(again(&bytes).as_ref(), Some(&bytes));
        assert_eq!(again(&[&bytes[..], &[0]].concat()), None);
        for at in 0..bytes.len() {
            assert_eq!(again(&bytes[..at]), None, "{at} bytes");
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            assert!(again(&other).is_none_or(|again| again == other), "byte {at}");
        }
    }
}

/// Messages are lost, members crash at any point and come back: no height is sealed twice, and once all are up and
/// connected the chain goes on.
#[test]
fn no_height_is_sealed_twice() {
    for seed in 0..24 {
        let (t, n) = if u64::is_multiple_of(seed, 2) { (3, 5) } else { (2, 3) };
        let mut world = World::new(t, n, 1_000);
        let mut dice = ChaCha20Rng::seed_from_u64(seed);
        for _ in 0..40 {
            let victim = 1 + (dice.next_u32() % u32::from(n)) as u8;
            if dice.next_u32().is_multiple_of(4) {
                world.kill(victim);
            } else {
                world.start(victim);
            }
            let mut chance = ChaCha20Rng::seed_from_u64(dice.next_u64());
            let lossy = dice.next_u32() % 2 == 0;
            world.run(4, &mut |_, _, said| {
                (!lossy || !chance.next_u32().is_multiple_of(8)).then(|| said.clone())
            });
            world.never_twice();
        }
        (1..=n).for_each(|i| world.start(i));
        world.goes_on(2);
    }
}
