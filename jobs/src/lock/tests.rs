use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::codec::Codec;

const RUN: Digest = Digest([3; 32]);

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn secret(who: u64) -> LockSecret {
    LockSecret::derive(&Identity::random(&mut rng(who)), &RUN)
}

fn part(of: &LockSecret, place: Place) -> LockPart {
    of.part(&RUN, place, &mut rng(9)).expect("not zero")
}

fn refused(parts: [LockPart; 2]) -> LockError {
    Lock::new(RUN, parts).expect_err("no lock")
}

#[test]
fn both_secrets_together_are_that_of_the_lock_and_neither_alone_is() {
    let (g, e) = (secret(1), secret(2));
    let lock = Lock::new(RUN, [part(&g, Place::Garbler), part(&e, Place::Evaluator)]).unwrap();
    assert!(g.plus(&e).is_of(lock.point()) && g.is_of(lock.point_of(Place::Garbler)));
    assert!(e.is_of(lock.point_of(Place::Evaluator)) && lock.run_id() == RUN);
    for other in [&g, &e, &g.plus(&g), &e.plus(&e)] {
        assert!(!other.is_of(lock.point()));
    }
    // A restart finds the secret again; another run or another party has another one.
    assert!(secret(1).is_of(lock.point_of(Place::Garbler)));
    let elsewhere = LockSecret::derive(&Identity::random(&mut rng(1)), &Digest([4; 32]));
    assert!(!elsewhere.is_of(lock.point_of(Place::Garbler)));
    assert_eq!(format!("{g:?}"), "LockSecret(…)");
}

#[test]
fn a_part_holds_for_its_run_and_in_its_place_alone() {
    let (g, e) = (secret(1), secret(2));
    let (ours, theirs) = (part(&g, Place::Garbler), part(&e, Place::Evaluator));
    assert_eq!(refused([part(&g, Place::Evaluator), theirs]), LockError::Possession("garbler"));
    // The evaluator shows the garbler's part as its own.
    assert_eq!(refused([ours, ours]), LockError::Possession("evaluator"));
    assert_eq!(refused([theirs, ours]), LockError::Possession("garbler"));
    let of_another_run = e.part(&Digest([4; 32]), Place::Evaluator, &mut rng(9)).unwrap();
    assert_eq!(refused([ours, of_another_run]), LockError::Possession("evaluator"));
    for byte in 0..64 {
        let mut altered = theirs;
        altered.possession[byte] ^= 1;
        assert_eq!(refused([ours, altered]), LockError::Possession("evaluator"), "byte {byte}");
    }
}

#[test]
fn nobody_chooses_a_part_that_leaves_it_alone_with_the_secret() {
    let (g, z) = (secret(1), secret(2));
    let ours = part(&g, Place::Garbler);
    // T_e = z·G − T_g, of which the evaluator knows no secret: T would be z·G.
    let rogue = RistrettoPoint::mul_base(&z.0) - ours.point.element();
    let rogue = LockPoint::of(&rogue).unwrap();
    let possession = part(&z, Place::Evaluator).possession;
    assert_eq!(refused([ours, LockPart { point: rogue, possession }]), LockError::Possession("evaluator"));
    // T_e = −T_g, with its secret: both would have to be one party.
    let minus = LockSecret(-g.0);
    assert_eq!(refused([ours, part(&minus, Place::Evaluator)]), LockError::Identity);
}

#[test]
fn points_and_secrets_have_one_encoding_and_are_not_zero() {
    assert_eq!(LockPoint::from_bytes([0; 32]), None, "the identity");
    assert_eq!(LockPoint::from_bytes([0xff; 32]), None, "no field element");
    let zero = Zeroizing::new([0; 32]);
    assert!(
        LockSecret::from_bytes(&zero).is_none()
            && LockSecret(Scalar::ZERO).part(&RUN, Place::Garbler, &mut rng(1)).is_none()
    );
    let mut order = Zeroizing::new((Scalar::ZERO - Scalar::ONE).to_bytes());
    assert!(LockSecret::from_bytes(&order).is_some());
    order[0] += 1;
    assert!(LockSecret::from_bytes(&order).is_none(), "the group's order is zero");
    let part = part(&secret(1), Place::Garbler);
    let bytes = part.to_prefixed("");
    assert_eq!((bytes.len(), LockPart::from_prefixed("", &bytes)), (96, Ok(part)));
    let mut identity = bytes;
    identity[..32].fill(0);
    assert_eq!(LockPart::from_prefixed("", &identity), Err(DecodeError::Value("a point of a lock")));
}
