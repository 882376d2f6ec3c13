//! Shares, products and coins by themselves, against their equations.

use super::super::authenticated_bits::{Need, Share, Shares, SharesView};
use super::super::chunk::Chunk;
use super::super::coins::Coins;
use super::super::products::Products;
use super::super::settings::Extent;
use super::*;
use crate::backend::Backend;
use crate::ot::SessionId;

const SID: SessionId = SessionId([3; 32]);

/// Both parties' authenticators and shares of `n` random bits.
fn shares(seed: u64, n: usize) -> ([Authenticator; 2], [Shares; 2]) {
    let rng = &mut rng(seed);
    let own = [Role::Garbler, Role::Evaluator].map(|role| Authenticator::random(role, rng));
    let options =
        Options { depth: Settings::default().depth, adversary: Adversary::Malicious, ..Options::default() };
    let [(sender_g, receiver_e), (sender_e, receiver_g)] =
        own.each_ref().map(|own| dealt(&own.delta, options, rng));
    let (mut near, mut far) = memory_pair();
    let need = Need { own: n, peer: n };
    let mut shares: [Shares; 2] = Default::default();
    let ([shares_g, shares_e], [own_g, own_e]) = (&mut shares, &own);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut garbler = Transfers::dealt(own_g, sender_g, receiver_g);
            garbler.random_bits(&mut near, need, shares_g).unwrap();
        });
        let mut evaluator = Transfers::dealt(own_e, sender_e, receiver_e);
        evaluator.random_bits(&mut far, need, shares_e).unwrap();
    });
    (own, shares)
}

/// Whether both MACs are right, and the constants are set.
fn is_authentic(own: &[Authenticator; 2], [g, e]: [Share; 2]) -> bool {
    let low = |block: crate::Block| block.to_u128() & 3;
    g.mac == own[1].expected_mac(e, g.bit())
        && e.mac == own[0].expected_mac(g, e.bit())
        && low(g.key) == 0
        && low(e.key) == 0
        && low(g.mac) == if g.bit() { 2 } else { 0 }
        && low(e.mac) == if e.bit() { 3 } else { 0 }
}

#[test]
fn shares_satisfy_their_equations_and_stay_so_under_xor_and_public_bits() {
    let (own, [g, e]) = shares(1, 300);
    let all: Vec<[Share; 2]> = g.view().iter().zip(e.view().iter()).map(|(g, e)| [g, e]).collect();
    for [[g, e], [h, f]] in all.iter().zip(&all[1..]).map(|(one, other)| [*one, *other]) {
        let both = [g ^ h, e ^ f];
        assert!(is_authentic(&own, [g, e]) && is_authentic(&own, both));
        let value = g.bit() ^ e.bit();
        let deltas = own[0].delta.block() ^ own[1].delta.block();
        assert_eq!(own[0].phi(g) ^ own[1].phi(e), deltas.masked(value));
        assert_eq!((own[0].phi(g).lsb(), own[1].phi(e).lsb()), (g.bit(), e.bit()));
        assert_eq!(own[0].garbler_summand(g) ^ e.mac, own[0].delta.times(value));
        for public in [false, true] {
            let [mut g, mut e] = [g, e];
            own[0].add_public(&mut g.mac, &mut g.key, public);
            own[1].add_public(&mut e.mac, &mut e.key, public);
            assert!(is_authentic(&own, [g, e]));
            assert_eq!(g.bit() ^ e.bit(), value ^ public);
        }
    }
    let ones = all.iter().filter(|[g, e]| g.bit() ^ e.bit()).count();
    assert!((90..210).contains(&ones), "{ones} of 300 bits are set");
    assert_eq!(format!("{:?}", all[0]), "[Share(..), Share(..)]");
}

#[test]
fn deltas_have_their_colours() {
    for seed in 0..20 {
        let [garbler, evaluator] =
            [Role::Garbler, Role::Evaluator].map(|role| Authenticator::random(role, &mut rng(seed)));
        assert_eq!(garbler.delta.block().to_u128() & 3, 3);
        assert_eq!(evaluator.delta.block().to_u128() & 3, 2);
    }
}

#[test]
fn products_are_products() {
    let extent = Extent { number: 0, gates: 0, buckets: Buckets { layers: 3, candidates: 700 } };
    let (own, shares) = shares(2, Chunk::need(&extent).own);
    let mut chunks = shares.map(|shares| Chunk::of(shares, extent));
    let (mut near, mut far) = memory_pair();
    let [chunk_g, chunk_e] = &mut chunks;
    thread::scope(|scope| {
        let products = |role: usize| Products { session: &SID, own: &own[role], backend: Backend::detect() };
        let (garbler, evaluator) = (products(0), products(1));
        scope.spawn(move || garbler.run(&mut near, chunk_g, &mut rng(4)).unwrap());
        evaluator.run(&mut far, chunk_e, &mut rng(5)).unwrap();
        far.flush().unwrap();
    });
    let value = |shares: [Share; 2]| {
        assert!(is_authentic(&own, shares));
        shares[0].bit() ^ shares[1].bit()
    };
    for i in 0..extent.buckets.total() {
        let of = |kind: fn(&Chunk) -> SharesView<'_>, i: usize| {
            value([0, 1].map(|side| kind(&chunks[side]).get(i)))
        };
        let y = if i < 700 { of(Chunk::gammas, i) } else { of(Chunk::later_y, i - 700) };
        assert_eq!(of(Chunk::r, i), of(Chunk::x, i) & y, "candidate {i}");
    }
}

#[test]
fn coins_are_the_same_at_both_and_depend_on_both_nonces() {
    let toss = |seeds: [u64; 2]| {
        let (mut near, mut far) = memory_pair();
        let three = |channel: &mut Framed<Pipe>, role, seed| {
            let rng = &mut rng(seed);
            let mut coins = Coins::begin(channel, &SID, role, rng).unwrap();
            let tossed = [0; 3].map(|_| coins.toss(channel, rng).unwrap().0);
            channel.flush().unwrap();
            tossed
        };
        thread::scope(|scope| {
            let garbler = scope.spawn(move || three(&mut near, Role::Garbler, seeds[0]));
            let evaluator = three(&mut far, Role::Evaluator, seeds[1]);
            assert_eq!(garbler.join().unwrap(), evaluator);
            evaluator
        })
    };
    let all = [toss([1, 2]), toss([1, 3]), toss([4, 2])].concat();
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 9);
}
