//! The theft that keys of their own prevent, with real outputs of a group.
//!
//! An insider knows every r0 and no key. It spends output B of the group, and puts output A there, which the group
//! spent long ago, and whose proof is public. If A and B have one key x, this cancels in the excess:
//!
//! ```text
//! excess = (r0_A + x) + r_loot − (r0_B + x)
//! ```

use crate::group_wallet::world::{World, these};
use sha2::{Digest, Sha512};
use sotto_mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    error::Rejection,
    group::Scalar,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputKeys},
    range_proof::{Opening, RewindKey, TauKey},
    rules::{check_transaction, verify_transaction},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    transaction::{Body, Transaction},
};
use sotto_wallet::group::{CoinState, GroupBook, GroupCoin, GroupEntry};

/// r0, as any member computes it.
fn base(world: &World, coin: &GroupCoin) -> SecretScalar {
    let tag = Sha512::digest(b"sotto/group/blinding/v1");
    let key = world.group.epoch().public_key(coin.key.get().into()).unwrap();
    let mut h = Sha512::new_with_prefix(tag);
    h.update(tag);
    h.update(world.view.expose());
    h.update(key);
    h.update(coin.amount.units().to_le_bytes());
    SecretScalar::from_wide(&h.finalize().into())
}

/// The output of this coin, from the chain's history.
fn output(world: &World, coin: &GroupCoin) -> Output {
    let c = world.keys().commitment(coin);
    let all = world.ledger.memory.blocks().iter().flat_map(|b| b.body.outputs.clone());
    all.into_iter().find(|o| o.commitment == c).unwrap()
}

/// The transaction that takes B, leaves A, and keeps the difference.
fn theft(world: &mut World, a: &GroupCoin, b: &GroupCoin) -> (Transaction, Commitment) {
    let chain = &world.ledger.chain;
    let fee = Amount::new(crate::support::fee(1, 2, 1));
    let loot = Opening {
        amount: b.amount.checked_sub(a.amount).unwrap().checked_sub(fee).unwrap(),
        // It even looks like an output of the group to whoever only rewinds it.
        index: [200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    };
    let (tag, mut rewind) = (Sha512::digest(b"sotto/group/rewind/v1"), [0; 32]);
    rewind.copy_from_slice(&Sha512::digest([&tag[..], &tag, world.view.expose()].concat())[..32]);
    let r = SecretScalar::random(&mut world.rng);
    let keys = OutputKeys { blinding: &r, rewind: &RewindKey(rewind), tau: &TauKey([2; 32]) };
    let loot = Output::plain(chain.id(), &loot, &keys).unwrap();
    let taken = loot.commitment;
    let x = base(world, a).add(&r).sub(&base(world, b));
    let not_after = chain.standard_expiry(Height::new(world.ledger.height().get() + 1));
    let features = KernelFeatures::Plain { fee, not_after };
    let signature = sign(&x, &features.message(chain.id()), &mut world.rng);
    let excess = Excess::from_point(*PublicKey::of(&x).point());
    let kernel = Kernel { features, excess, signature };
    let inputs = vec![world.keys().commitment(b)];
    let body = Body::sorted(inputs, vec![output(world, a), loot], vec![kernel]);
    (Transaction { offset: Scalar::ZERO, body }, taken)
}

/// The group receives A, spends it, and receives B, which is larger. `forget` is what happens to members between.
fn two_outputs(forget: impl Fn(&mut World)) -> (World, GroupCoin, GroupCoin) {
    let mut world = World::new(2, 3);
    let with = these(&[1, 2]);
    world.receive(1_000_000, &with);
    let a = world.members[0].book.entries().next().unwrap().coin;
    world.pay(1_000_000 - World::invoice_fee(), &with);
    assert_eq!(world.scan(), 0);
    forget(&mut world);
    world.receive(5_000_000, &with);
    let unspent = |e: &&GroupEntry| matches!(e.state, CoinState::Unspent { .. });
    let b = world.members[0].book.entries().find(unspent).unwrap().coin;
    (world, a, b)
}

/// With register and list as they were before A, as a snapshot of all machines brings them back, the members use the key of A for B, and whoever wants takes B.
#[test]
fn one_key_in_two_outputs_is_money_for_any_member() {
    let (mut world, a, b) = two_outputs(|world| {
        for (member, begun) in world.members.iter_mut().zip(&world.begun) {
            member.book = GroupBook::default();
            member.register = begun.clone();
        }
    });
    assert_eq!(a.key, b.key);
    let (theft, loot) = theft(&mut world, &a, &b);
    let theft = world.ledger.verify(theft);
    world.seal(theft);
    assert!(world.ledger.memory.blocks().last().unwrap().body.outputs.iter().any(|o| o.commitment == loot));
    assert_eq!(world.scan(), 1_000_000, "the rest is gone, and the loot is not taken for the group's");
}

#[test]
fn a_key_for_each_output_leaves_nothing_to_take() {
    let (mut world, a, b) = two_outputs(|_| {});
    assert_ne!(a.key, b.key);
    let (theft, _) = theft(&mut world, &a, &b);
    let chain = &world.ledger.chain;
    let refused = check_transaction(chain, theft).and_then(|t| verify_transaction(chain, t).map(|_| ()));
    assert_eq!(refused, Err(Rejection::Unbalanced));
}
