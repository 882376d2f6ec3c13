use super::*;
use crate::{
    chain::{Auditors, Chain, ChainId, Params},
    generators::pedersen,
    group::identity,
    hash::Hash,
    session::SessionId,
};
use bulletproofs::{BulletproofGens, RangeProof as CrateProof};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
const ID: SessionId = SessionId([3; 32]);
const V: Amount = Amount::new(1_000_000_007);

const fn place(role: Role) -> Participant<'static> {
    Participant { chain: &CHAIN, session: &ID, role }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn secret(x: u64) -> SecretScalar {
    Scalar::from(x).into()
}

fn co_owner() -> CoOwner {
    CoOwner::from_secrets(secret(11), [secret(12), secret(13)])
}

fn prover() -> ProverPart {
    ProverPart::new(&place(Role::Inviter), &secret(7), &mut rng(1))
}

fn joint() -> Joint {
    let part = co_owner().part(&place(Role::Responder), None, &mut rng(2));
    Joint::new(&CHAIN, &ID, V, &prover(), &part).unwrap()
}

fn proven() -> Output {
    let (joint, r) = (joint(), secret(7));
    let prepared = joint.prepare(&r, &mut rng(3)).unwrap();
    let u = co_owner().answer(&joint, &prepared.heads()).unwrap();
    joint.finish(&prepared, &u).unwrap()
}

#[test]
fn both_make_an_output_that_our_rules_and_the_crate_accept() {
    let output = proven();
    assert_eq!(output.commitment, Commitment::new(V, &secret(7 + 11)));
    assert!(output.proof_holds(&CHAIN));
    let proof = CrateProof::from_bytes(output.proof.as_bytes()).unwrap();
    let mut t = OutputContext::new(&CHAIN, &output.features, &[]).transcript();
    let (v, gens) = (output.commitment.point().element().compress(), BulletproofGens::new(64, 1));
    assert!(proof.verify_single_with_rng(&gens, &pedersen(), &mut t, &v, 64, &mut rng(4)).is_ok());
    assert!(!output.proof_holds(&ChainId::from_bytes([1; 32])));
}

/// A prover that stops between its steps, and starts again from what it stored, makes the same proof.
#[test]
fn a_prepared_proof_survives_storage() {
    let (joint, r) = (joint(), secret(7));
    let prepared = joint.prepare(&r, &mut rng(3)).unwrap();
    let bytes = prepared.to_bytes();
    assert_eq!(bytes.len(), 32 * 134);
    let back = PreparedProof::from_bytes(&bytes).unwrap();
    assert_eq!((&back, back.to_bytes()), (&prepared, bytes));
    let u = co_owner().answer(&joint, &back.heads()).unwrap();
    assert_eq!(joint.finish(&back, &u).unwrap(), joint.finish(&prepared, &u).unwrap());
}

#[test]
fn a_false_answer_or_false_terms_name_the_co_owner() {
    let (joint, r) = (joint(), secret(7));
    let prepared = joint.prepare(&r, &mut rng(3)).unwrap();
    let u = co_owner().answer(&joint, &prepared.heads()).unwrap();
    assert_eq!(joint.finish(&prepared, &(u + Scalar::ONE)), Err(JointError::Answer));
    // An honest answer to false T1s: nobody knows its secret, so no u fits.
    let mut part = co_owner().part(&place(Role::Responder), None, &mut rng(2));
    part.terms[0] = Point::h();
    part.possession =
        sign(&secret(11), &statement(&place(Role::Responder), &part.key, part.terms.iter()), &mut rng(5));
    let false_joint = Joint::new(&CHAIN, &ID, V, &prover(), &part).unwrap();
    let prepared = false_joint.prepare(&r, &mut rng(3)).unwrap();
    let Challenges { z, x, .. } = false_joint.replay(&prepared.heads()).1;
    let u = z * z * Scalar::from(11u64) + x * Scalar::from(12u64) + x * x * Scalar::from(13u64);
    assert_eq!(false_joint.finish(&prepared, &u), Err(JointError::Answer));
}

/// A chain whose auditors have the key 4,711·G.
fn audited_chain() -> Chain {
    let auditors = Auditors { key: PublicKey::of(&secret(4_711)), charter: Hash::ZERO };
    Chain::new(Params { auditors: Some(auditors), ..Params::solo(PublicKey::of(&secret(1)), 0) }).unwrap()
}

/// The co-owner's part on a chain with auditors, where its points are over this key.
fn audited_part(chain: &Chain, over: u64) -> CoOwnerPart {
    let at = Participant { chain: chain.id(), session: &ID, role: Role::Responder };
    co_owner().part(&at, Some(&PublicKey::of(&secret(over))), &mut rng(2))
}

/// The output of this part and the prover's.
fn audited_joint(chain: &Chain, part: &CoOwnerPart) -> Result<Joint, JointError> {
    let at = Participant { chain: chain.id(), session: &ID, role: Role::Inviter };
    Joint::new(chain, &ID, V, &ProverPart::new(&at, &secret(7), &mut rng(1)), part)
}

/// The answer to the challenge fits over G, so that only the equation over P shows false points.
#[test]
fn points_over_another_key_than_the_auditors_name_the_co_owner() {
    let chain = audited_chain();
    for (over, fits) in [(4_711, true), (4_712, false)] {
        let joint = audited_joint(&chain, &audited_part(&chain, over)).unwrap();
        let prepared = joint.prepare(&secret(7), &mut rng(3)).unwrap();
        let Challenges { z, x, .. } = joint.replay(&prepared.heads()).1;
        let u = z * z * Scalar::from(11u64) + x * Scalar::from(12u64) + x * x * Scalar::from(13u64);
        let made = joint.finish(&prepared, &u);
        assert!(made.is_ok() == fits && (fits || made == Err(JointError::Answer)), "{over}");
    }
}

#[test]
fn an_audited_output_is_of_its_own_kind_of_chain_and_has_no_identity() {
    let chain = audited_chain();
    let at = Participant { chain: chain.id(), session: &ID, role: Role::Responder };
    let refused = |part: &CoOwnerPart| audited_joint(&chain, part).map(|_| ()).unwrap_err();
    assert_eq!(refused(&co_owner().part(&at, None, &mut rng(2))), JointError::Handles, "no points");
    let points = audited_part(&chain, 4_711);
    let elsewhere = Joint::new(&CHAIN, &ID, V, &prover(), &points).map(|_| ());
    assert_eq!(elsewhere, Err(JointError::Handles), "points on a chain without auditors");
    let mut part = points;
    part.handles = part.handles.map(|[x, t1, _]| [x, t1, identity().into()]);
    let shown: Vec<Point> = part.shown().copied().collect();
    part.possession = sign(&secret(11), &statement(&at, &part.key, shown.iter()), &mut rng(5));
    assert_eq!(refused(&part), JointError::Identity { role: Role::Responder });
}

/// What is sent and stored says itself for which kind of chain it is.
#[test]
fn parts_and_proofs_describe_themselves() {
    let chain = audited_chain();
    let parts = [co_owner().part(&place(Role::Responder), None, &mut rng(2)), audited_part(&chain, 4_711)];
    let joints = [joint(), audited_joint(&chain, &parts[1]).unwrap()];
    for ((part, joint), more) in parts.iter().zip(joints).zip([0, 1]) {
        let bytes = part.to_bytes();
        assert_eq!((CoOwnerPart::from_bytes(&bytes).as_ref(), bytes.len()), (Ok(part), 160 + more * 97));
        assert_eq!((bytes[0] == AUDITED, bytes[more] % 2), (more == 1, 0));
        let prepared = joint.prepare(&secret(7), &mut rng(3)).unwrap();
        let (heads, bytes) = (prepared.heads(), prepared.heads().to_bytes());
        assert_eq!((ProofHeads::from_bytes(&bytes).as_ref(), bytes.len()), (Ok(&heads), 128 + more * 161));
        let bytes = prepared.to_bytes();
        assert_eq!(
            (PreparedProof::from_bytes(&bytes).as_ref(), bytes.len()),
            (Ok(&prepared), 32 * 134 + more * 161)
        );
        // Without the mark, or with it in the other, nothing is read.
        let other = if more == 1 { bytes[1..].to_vec() } else { [&[AUDITED], &bytes[..]].concat() };
        assert!(PreparedProof::from_bytes(&other).is_err());
    }
}

/// X_p = k·G − X_s would let the prover spend C alone: it cannot prove possession of it.
#[test]
fn a_rogue_part_is_refused() {
    let part = co_owner().part(&place(Role::Responder), None, &mut rng(2));
    let rogue = PublicKey::from_point((mul_g(&Scalar::from(5u64)) - part.key.point().element()).into());
    let stolen = [
        ProverPart { key: rogue, ..prover() },
        ProverPart {
            key: rogue,
            possession: sign(&secret(5), &statement(&place(Role::Inviter), &rogue, [].iter()), &mut rng(6)),
        },
    ];
    for prover in stolen {
        let refused = Joint::new(&CHAIN, &ID, V, &prover, &part).map(|_| ());
        assert_eq!(refused, Err(JointError::Possession { role: Role::Inviter }));
    }
}

#[test]
fn parts_of_another_chain_id_role_or_terms_are_refused() {
    let good = co_owner().part(&place(Role::Responder), None, &mut rng(2));
    let other_chain = ChainId::from_bytes([9; 32]);
    let places = [
        Participant { chain: &other_chain, ..place(Role::Responder) },
        Participant { session: &SessionId([4; 32]), ..place(Role::Responder) },
        place(Role::Inviter),
    ];
    let mut parts: Vec<_> = places.iter().map(|p| co_owner().part(p, None, &mut rng(2))).collect();
    parts.push(CoOwnerPart { terms: [good.terms[1], good.terms[0]], ..good });
    for part in parts {
        let refused = Joint::new(&CHAIN, &ID, V, &prover(), &part).map(|_| ());
        assert_eq!(refused, Err(JointError::Possession { role: Role::Responder }));
    }
}

/// Equal parts would be a copy; opposite ones give C = v·H, which anyone opens.
#[test]
fn equal_opposite_and_missing_parts_are_refused() {
    let make = |r: SecretScalar| {
        CoOwner::from_secrets(r, [secret(12), secret(13)]).part(&place(Role::Responder), None, &mut rng(2))
    };
    let open = |part: &CoOwnerPart| Joint::new(&CHAIN, &ID, V, &prover(), part).map(|_| ());
    assert_eq!(open(&make(secret(7))), Err(JointError::EqualKeys));
    assert_eq!(open(&make(SecretScalar::zero().sub(&secret(7)))), Err(JointError::EqualKeys));
    assert_eq!(open(&make(SecretScalar::zero())), Err(JointError::Identity { role: Role::Responder }));
}

#[test]
fn secrets_of_another_part_do_not_answer() {
    let (joint, r) = (joint(), secret(7));
    assert_eq!(joint.prepare(&secret(8), &mut rng(3)).map(|_| ()), Err(JointError::ForeignPart));
    let prepared = joint.prepare(&r, &mut rng(3)).unwrap();
    for (r, tau2) in [(10, 13), (11, 14)] {
        let other = CoOwner::from_secrets(secret(r), [secret(12), secret(tau2)]);
        assert_eq!(other.answer(&joint, &prepared.heads()), Err(JointError::ForeignPart));
    }
}

/// Under the same scalars, other T1s would change x, and three answers would give r_p.
#[test]
fn a_repeated_random_source_repeats_no_scalar_under_other_terms() {
    let heads = |tau: u64| {
        let part = CoOwner::from_secrets(secret(11), [secret(tau), secret(13)]).part(
            &place(Role::Responder),
            None,
            &mut rng(2),
        );
        let joint = Joint::new(&CHAIN, &ID, V, &prover(), &part).unwrap();
        joint.prepare(&secret(7), &mut rng(3)).unwrap().heads().head
    };
    let (one, other) = (heads(12), heads(14));
    assert_eq!(one, heads(12));
    (0..4).for_each(|i| assert_ne!(one[i], other[i], "element {i}"));
}

/// The same for T2s, the points of an audited output, and the chain.
#[test]
fn a_repeated_random_source_repeats_no_scalar_on_another_chain_or_with_other_points() {
    let head = |joint: &Joint| joint.prepare(&secret(7), &mut rng(3)).unwrap().heads().head;
    let with = |taus: [u64; 2], chain: &ChainId| {
        let at = |role| Participant { chain, session: &ID, role };
        let part = CoOwner::from_secrets(secret(11), taus.map(secret));
        let part = part.part(&at(Role::Responder), None, &mut rng(2));
        let prover = ProverPart::new(&at(Role::Inviter), &secret(7), &mut rng(1));
        Joint::new(chain, &ID, V, &prover, &part).unwrap()
    };
    let chain = audited_chain();
    let audited = |over| audited_joint(&chain, &audited_part(&chain, over)).unwrap();
    let plain = with([12, 13], &CHAIN);
    let apart = [
        [&plain, &with([12, 14], &CHAIN)],
        [&plain, &with([12, 13], &ChainId::from_bytes([1; 32]))],
        [&audited(4_711), &audited(4_712)],
    ];
    for [one, other] in apart {
        let (one, other) = (head(one), head(other));
        (0..4).for_each(|i| assert_ne!(one[i], other[i], "element {i}"));
    }
}

/// A fault of this machine, such as a stored proof that was altered, does not name the co-owner.
#[test]
fn an_altered_prepared_proof_is_not_finished() {
    let joint = joint();
    let bytes = joint.prepare(&secret(7), &mut rng(3)).unwrap().to_bytes();
    let finished = |bytes: &[u8]| {
        let prepared = PreparedProof::from_bytes(bytes).unwrap();
        let u = co_owner().answer(&joint, &prepared.heads()).unwrap();
        joint.finish(&prepared, &u).map(|output| output.proof_holds(&CHAIN))
    };
    assert_eq!(finished(&bytes), Ok(true));
    // Of l, of r, and of the blindings.
    for at in [4, 4 + 64, 4 + 128, 4 + 129] {
        let mut altered = bytes.clone();
        altered[32 * at] ^= 1;
        assert_eq!(finished(&altered), Err(JointError::Proof), "scalar {at}");
    }
}
